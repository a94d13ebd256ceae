//! Clauses about what a key may do: BR 7.1.2.3(e) and (f).

use super::case::{Absent, Case, Verdict};
use super::keys::{ML_DSA, ML_KEM};
use super::profile::Generation;
use crate::asn1::oid;
use crate::cert::extension::KeyUsage;
use const_oid::ObjectIdentifier;

const SIGNS: KeyUsage = KeyUsage::DIGITAL_SIGNATURE;
const SIGNS_ONLY: KeyUsage = SIGNS.and(KeyUsage::NON_REPUDIATION);
const ENCIPHERS: KeyUsage = KeyUsage::KEY_ENCIPHERMENT;
const AGREES: KeyUsage = KeyUsage::KEY_AGREEMENT;
const AGREES_ONLY: KeyUsage = AGREES.and(KeyUsage::ENCIPHER_ONLY).and(KeyUsage::DECIPHER_ONLY);

pub(super) fn key_usage_present(case: &Case<'_>) -> Verdict {
    match case.absence(&oid::KEY_USAGE) {
        Some(Absent::Missing) => Verdict::Failed("the certificate has no keyUsage".to_owned()),
        Some(Absent::Unreadable(why)) => Verdict::Failed(format!("the keyUsage is unreadable: {why}")),
        None => Verdict::Passed,
    }
}

pub(super) fn key_usage_critical(case: &Case<'_>) -> Verdict {
    if !case.has(&oid::KEY_USAGE) {
        return Verdict::NotApplicable;
    }
    Verdict::when(case.is_critical(&oid::KEY_USAGE), || "the keyUsage is not critical".to_owned())
}

/// RSA and EC keys sign, or manage keys, or both; the bits beyond that are the business of the rows by algorithm.
pub(super) fn key_usage_purpose(case: &Case<'_>) -> Verdict {
    let Some(usage) = case.cert.key_usage() else { return Verdict::NotApplicable };
    let purposes = match *case.cert.key_algorithm() {
        oid::RSA_ENCRYPTION => SIGNS.and(ENCIPHERS),
        oid::EC_PUBLIC_KEY => SIGNS.and(AGREES),
        _ => return Verdict::NotApplicable,
    };
    if usage == KeyUsage::default() {
        return Verdict::NotApplicable;
    }
    Verdict::when(usage.any_of(purposes), || {
        format!("the keyUsage is {usage}, by which the key neither signs nor manages keys; expected one of {purposes}")
    })
}

pub(super) fn key_usage_rsa(case: &Case<'_>) -> Verdict {
    let data =
        if case.generation() == Some(Generation::Strict) { KeyUsage::default() } else { KeyUsage::DATA_ENCIPHERMENT };
    dual(case, &[oid::RSA_ENCRYPTION], (ENCIPHERS, ENCIPHERS.and(data)))
}

pub(super) fn key_usage_ec(case: &Case<'_>) -> Verdict {
    dual(case, &[oid::EC_PUBLIC_KEY], (AGREES, AGREES_ONLY))
}

pub(super) fn key_usage_edwards(case: &Case<'_>) -> Verdict {
    single(case, &[oid::ED25519, oid::ED448], SIGNS, SIGNS_ONLY)
}

pub(super) fn key_usage_ml_dsa(case: &Case<'_>) -> Verdict {
    single(case, &ML_DSA, SIGNS, SIGNS_ONLY)
}

pub(super) fn key_usage_ml_kem(case: &Case<'_>) -> Verdict {
    single(case, &ML_KEM, ENCIPHERS, ENCIPHERS)
}

pub(super) fn purposes_strict(case: &Case<'_>) -> Verdict {
    purposes(case, |usage| *usage != oid::EMAIL_PROTECTION, "nothing else may stand there")
}

pub(super) fn purposes_other(case: &Case<'_>) -> Verdict {
    let forbidden = |usage: &ObjectIdentifier| {
        matches!(*usage, SERVER_AUTH | CODE_SIGNING | TIME_STAMPING | oid::ANY_EXTENDED_KEY_USAGE)
    };
    purposes(case, forbidden, "serverAuth, codeSigning, timeStamping and anyExtendedKeyUsage may not stand there")
}

fn purposes(case: &Case<'_>, forbidden: impl Fn(&ObjectIdentifier) -> bool, rule: &str) -> Verdict {
    let usages = match case.absence(&oid::EXTENDED_KEY_USAGE) {
        Some(Absent::Missing) => return Verdict::Failed("the certificate has no extKeyUsage".to_owned()),
        Some(Absent::Unreadable(why)) => return Verdict::Failed(format!("the extKeyUsage is unreadable: {why}")),
        None => case.cert.extended_key_usage().unwrap_or_default(),
    };
    let mut wrong = Vec::new();
    let names = |usages: Vec<&ObjectIdentifier>| usages.into_iter().map(purpose).collect::<Vec<_>>().join(", ");
    if !usages.contains(&oid::EMAIL_PROTECTION) {
        let found = names(usages.iter().collect());
        wrong.push(format!("the extKeyUsage lacks emailProtection; it has {found}"));
    }
    let foreign: Vec<&ObjectIdentifier> = usages.iter().filter(|usage| forbidden(usage)).collect();
    if !foreign.is_empty() {
        wrong.push(format!("the extKeyUsage has {}; {rule}", names(foreign)));
    }
    Verdict::of(wrong)
}

/// A key of two purposes, where `(bit, with)` says which bit makes it manage keys and which others may then be set.
fn dual(case: &Case<'_>, algorithms: &[ObjectIdentifier], (manages, with): (KeyUsage, KeyUsage)) -> Verdict {
    let Some(usage) = case.cert.key_usage().filter(|_| algorithms.contains(case.cert.key_algorithm())) else {
        return Verdict::NotApplicable;
    };
    let allowed = match (usage.any_of(SIGNS), usage.any_of(manages)) {
        (true, true) => SIGNS_ONLY.and(with),
        (true, false) => SIGNS_ONLY,
        (false, true) => with,
        (false, false) => return Verdict::NotApplicable,
    };
    within(usage, allowed)
}

/// A key of one purpose.
fn single(case: &Case<'_>, algorithms: &[ObjectIdentifier], needed: KeyUsage, allowed: KeyUsage) -> Verdict {
    let Some(usage) = case.cert.key_usage().filter(|_| algorithms.contains(case.cert.key_algorithm())) else {
        return Verdict::NotApplicable;
    };
    if !usage.any_of(needed) {
        return Verdict::Failed(format!("the keyUsage is {usage} and lacks {needed}, all that such a key is for"));
    }
    within(usage, allowed)
}

fn within(usage: KeyUsage, allowed: KeyUsage) -> Verdict {
    const BITS: [KeyUsage; 9] = [
        KeyUsage::DIGITAL_SIGNATURE,
        KeyUsage::NON_REPUDIATION,
        KeyUsage::KEY_ENCIPHERMENT,
        KeyUsage::DATA_ENCIPHERMENT,
        KeyUsage::KEY_AGREEMENT,
        KeyUsage::KEY_CERT_SIGN,
        KeyUsage::CRL_SIGN,
        KeyUsage::ENCIPHER_ONLY,
        KeyUsage::DECIPHER_ONLY,
    ];
    let beyond = BITS.into_iter().filter(|bit| usage.any_of(*bit) && !allowed.any_of(*bit));
    let beyond = beyond.fold(KeyUsage::default(), KeyUsage::and);
    Verdict::when(beyond == KeyUsage::default(), || {
        format!("the keyUsage is {usage}; {beyond} may not stand there, only {allowed} may")
    })
}

const fn purpose_oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const SERVER_AUTH: ObjectIdentifier = purpose_oid("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH: ObjectIdentifier = purpose_oid("1.3.6.1.5.5.7.3.2");
const CODE_SIGNING: ObjectIdentifier = purpose_oid("1.3.6.1.5.5.7.3.3");
const TIME_STAMPING: ObjectIdentifier = purpose_oid("1.3.6.1.5.5.7.3.8");
const OCSP_SIGNING: ObjectIdentifier = purpose_oid("1.3.6.1.5.5.7.3.9");

fn purpose(oid: &ObjectIdentifier) -> String {
    match *oid {
        oid::EMAIL_PROTECTION => "emailProtection".to_owned(),
        oid::ANY_EXTENDED_KEY_USAGE => "anyExtendedKeyUsage".to_owned(),
        SERVER_AUTH => "serverAuth".to_owned(),
        CLIENT_AUTH => "clientAuth".to_owned(),
        CODE_SIGNING => "codeSigning".to_owned(),
        TIME_STAMPING => "timeStamping".to_owned(),
        OCSP_SIGNING => "OCSPSigning".to_owned(),
        other => other.to_string(),
    }
}
