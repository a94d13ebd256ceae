//! What a certificate may do for mail: sign, or receive encrypted keys (OUT-5, OUT-6; RFC 8550 section 4.4; SEC-45); and
//! whether it may say when something was signed (RFC 3161 section 2.3).
//!
//! The rules for mail are the two tables below. About one case they are silent: a CA certificate that signs mail. RFC 8550
//! section 4.4.1 only says that end entities should have no basicConstraints, and self-signed certificates made with
//! `openssl req -x509` have cA true, so the lenient rule notes it and the strict rule refuses it. A CA certificate whose
//! keyUsage is for certificates alone is refused by the table in either case.

use crate::asn1::oid;
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cert::extension::{self, KeyUsage};
use const_oid::ObjectIdentifier;

/// What a certificate is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To judge a signature on mail, or to make one.
    Sign,
    /// To encrypt mail to its holder.
    Encrypt,
    /// To judge a timestamp (RFC 3161 section 2.3). The rule for it is one: a [`PurposeRule`] changes nothing about it.
    TimeStamp,
    /// No purpose is asked after; only the chain matters.
    Any,
}

/// Whether something is let pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allow {
    /// It is a reason against the certificate.
    #[default]
    Refuse,
    /// It is accepted, and noted.
    Accept,
}

/// How certificates that do not say plainly what they are for are judged. The default is the strict rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurposeRule {
    /// anyExtendedKeyUsage in place of emailProtection.
    pub any_extended_key_usage: Allow,
    /// No extKeyUsage extension at all.
    pub absent_extended_key_usage: Allow,
    /// basicConstraints with cA true in a certificate that signs or receives mail.
    pub ca_certificate: Allow,
}

impl PurposeRule {
    /// CA/Browser Forum S/MIME BR section 7.1.2.3: profile `strict`.
    pub const STRICT: Self = Self {
        any_extended_key_usage: Allow::Refuse,
        absent_extended_key_usage: Allow::Refuse,
        ca_certificate: Allow::Refuse,
    };
    /// RFC 8550 section 4.4.4 and OUT-6: all other profiles.
    pub const LENIENT: Self = Self {
        any_extended_key_usage: Allow::Accept,
        absent_extended_key_usage: Allow::Accept,
        ca_certificate: Allow::Accept,
    };
}

/// One row: the key usages of which one is needed, by kind of key. `None`: such a key cannot do it at all.
struct Row {
    key: ObjectIdentifier,
    name: &'static str,
    sign: Option<KeyUsage>,
    encrypt: Option<KeyUsage>,
}

/// RFC 8550 section 4.4.2: a signature needs digitalSignature or nonRepudiation, whatever the key.
const SIGNING: KeyUsage = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::NON_REPUDIATION);

/// OUT-5; RFC 8550 section 4.4.2, RFC 3279 section 2.3, RFC 4055 section 1.2, RFC 5480 section 3, RFC 8410 section 5.
const KEY_USAGE_TABLE: &[Row] = &[
    Row { key: oid::RSA_ENCRYPTION, name: "RSA", sign: Some(SIGNING), encrypt: Some(KeyUsage::KEY_ENCIPHERMENT) },
    Row { key: oid::RSASSA_PSS, name: "RSASSA-PSS", sign: Some(SIGNING), encrypt: None },
    Row { key: oid::RSAES_OAEP, name: "RSAES-OAEP", sign: None, encrypt: Some(KeyUsage::KEY_ENCIPHERMENT) },
    Row { key: oid::EC_PUBLIC_KEY, name: "EC", sign: Some(SIGNING), encrypt: Some(KeyUsage::KEY_AGREEMENT) },
    Row { key: oid::ED25519, name: "Ed25519", sign: Some(SIGNING), encrypt: None },
    Row { key: oid::ED448, name: "Ed448", sign: Some(SIGNING), encrypt: None },
    Row { key: oid::DSA, name: "DSA", sign: Some(SIGNING), encrypt: None },
    Row { key: oid::X25519, name: "X25519", sign: None, encrypt: Some(KeyUsage::KEY_AGREEMENT) },
    Row { key: oid::X448, name: "X448", sign: None, encrypt: Some(KeyUsage::KEY_AGREEMENT) },
];

/// Kinds of key that the table does not know.
const ANY_KEY_EXCHANGE: KeyUsage = KeyUsage::KEY_ENCIPHERMENT.and(KeyUsage::KEY_AGREEMENT);

/// Every reason why a certificate may not be used for a purpose; none where it may. [`Purpose::Any`] always fits.
///
/// Codes: `key_usage`, `extended_key_usage`, `extended_key_usage_absent`, `extended_key_usage_not_critical`, `key_algorithm`, `ca_certificate_as_end_entity`, `malformed_extension`.
pub fn fits(cert: &Certificate, purpose: Purpose, rule: &PurposeRule) -> Vec<Reason> {
    judge(cert, purpose, rule).against
}

/// What the rule let pass, with the same codes and `extended_key_usage_absent`.
pub fn notes(cert: &Certificate, purpose: Purpose, rule: &PurposeRule) -> Vec<Reason> {
    judge(cert, purpose, rule).noted
}

/// Why a CA may not issue certificates for a purpose, where its own extKeyUsage says so. Every certificate on the way up
/// that has the extension must allow what is wanted below it, as Windows and OpenSSL have it.
pub(crate) fn issuer_fits(cert: &Certificate, purpose: Purpose) -> Option<Reason> {
    let usages = cert.extended_key_usage().filter(|_| purpose != Purpose::Any)?;
    let (wanted, name, what) = match purpose {
        Purpose::TimeStamp => (oid::TIME_STAMPING, "timeStamping", "timestamps"),
        _ => (oid::EMAIL_PROTECTION, "emailProtection", "mail"),
    };
    let fits = usages.iter().any(|usage| *usage == wanted || *usage == oid::ANY_EXTENDED_KEY_USAGE);
    (!fits).then(|| {
        let who = cert.subject().brief();
        let found = usage_names(usages);
        let text = format!("the extKeyUsage of the CA \"{who}\" is {found}; {name} is needed for {what}");
        Reason::new("extended_key_usage", text)
    })
}

#[derive(Default)]
struct Judgement {
    against: Vec<Reason>,
    noted: Vec<Reason>,
}

impl Judgement {
    fn add(&mut self, allow: Allow, code: &'static str, text: String) {
        match allow {
            Allow::Refuse => self.against.push(Reason::new(code, text)),
            Allow::Accept => self.noted.push(Reason::new(code, text)),
        }
    }
}

fn judge(cert: &Certificate, purpose: Purpose, rule: &PurposeRule) -> Judgement {
    let mut out = Judgement::default();
    if purpose == Purpose::Any {
        return out;
    }
    // Names are only spelled out where something is told.
    let who = || cert.subject().brief();
    let verb = match purpose {
        Purpose::Encrypt => "encryption",
        Purpose::TimeStamp => "timestamping",
        Purpose::Sign | Purpose::Any => "signing",
    };
    for error in cert.extension_errors() {
        if matches!(error.oid, oid::KEY_USAGE | oid::EXTENDED_KEY_USAGE | oid::BASIC_CONSTRAINTS) {
            let what = extension::label(&error.oid);
            let text = format!("the {what} extension of \"{}\" is unreadable: {}", who(), error.error);
            out.add(Allow::Refuse, "malformed_extension", text);
        }
    }

    let row = KEY_USAGE_TABLE.iter().find(|row| row.key == *cert.key_algorithm());
    let needed = match (row, purpose) {
        (Some(row), Purpose::Encrypt) => row.encrypt,
        (Some(row), _) => row.sign,
        (None, Purpose::Encrypt) => Some(ANY_KEY_EXCHANGE),
        (None, _) => Some(SIGNING),
    };
    let key = row.map_or_else(|| cert.key_algorithm().to_string(), |row| row.name.to_owned());
    match (needed, cert.key_usage()) {
        (None, _) => {
            let text = format!("the key of \"{}\" is of kind {key}, which is not for {verb}", who());
            out.add(Allow::Refuse, "key_algorithm", text);
        }
        (Some(needed), Some(usage)) if !usage.any_of(needed) => {
            let one_of = needed.to_string().replace(", ", " or ");
            let text = format!("the keyUsage of \"{}\" is {usage}; {verb} with its {key} key needs {one_of}", who());
            out.add(Allow::Refuse, "key_usage", text);
        }
        _ => {}
    }
    if purpose == Purpose::TimeStamp {
        out.against.extend(timestamp_authority(cert, &who()));
        return out;
    }

    match cert.extended_key_usage() {
        Some(usages) if usages.contains(&oid::EMAIL_PROTECTION) => {}
        Some(usages) if usages.contains(&oid::ANY_EXTENDED_KEY_USAGE) => {
            let text = format!("the extKeyUsage of \"{}\" says anyExtendedKeyUsage in place of emailProtection", who());
            out.add(rule.any_extended_key_usage, "extended_key_usage", text);
        }
        Some(usages) => {
            let found = usage_names(usages);
            let text = format!("the extKeyUsage of \"{}\" is {found}; emailProtection is needed for mail", who());
            out.add(Allow::Refuse, "extended_key_usage", text);
        }
        // An unreadable extension is not an absent one.
        None if cert.extension(&oid::EXTENDED_KEY_USAGE).is_some() => {}
        None => {
            let text = format!("\"{}\" has no extKeyUsage extension that says emailProtection", who());
            out.add(rule.absent_extended_key_usage, "extended_key_usage_absent", text);
        }
    }

    if cert.basic_constraints().is_some_and(|constraints| constraints.ca) {
        let text = format!("\"{}\" is the certificate of a CA (basicConstraints cA TRUE), not of a mail user", who());
        out.add(rule.ca_certificate, "ca_certificate_as_end_entity", text);
    }
    out
}

/// RFC 3161 section 2.3: a key reserved for timestamps, so that no signature made for another end can pass for one. The
/// extKeyUsage says timeStamping and nothing else, and is critical; the keyUsage adds nothing to signing, as OpenSSL has
/// it too.
fn timestamp_authority(cert: &Certificate, who: &str) -> Vec<Reason> {
    let mut against = Vec::new();
    let extension = cert.extension(&oid::EXTENDED_KEY_USAGE);
    match (cert.extended_key_usage(), extension) {
        (Some([oid::TIME_STAMPING]), Some(extension)) if extension.critical => {}
        (Some([oid::TIME_STAMPING]), _) => {
            let text = format!("the extKeyUsage of \"{who}\" says timeStamping, but is not critical");
            against.push(Reason::new("extended_key_usage_not_critical", text));
        }
        (Some(usages), _) => {
            let found = usage_names(usages);
            let text = format!("the extKeyUsage of \"{who}\" is {found}; timestamps need timeStamping alone");
            against.push(Reason::new("extended_key_usage", text));
        }
        // An unreadable extension is told as such.
        (None, Some(_)) => {}
        (None, None) => {
            let text = format!("\"{who}\" has no extKeyUsage extension that says timeStamping");
            against.push(Reason::new("extended_key_usage_absent", text));
        }
    }
    if let Some(usage) = cert.key_usage().filter(|usage| usage.any_of(SIGNING) && !SIGNING.all_of(*usage)) {
        let text = format!("the keyUsage of \"{who}\" is {usage}; timestamps need a key that is for {SIGNING} alone");
        against.push(Reason::new("key_usage", text));
    }
    if cert.basic_constraints().is_some_and(|constraints| constraints.ca) {
        let text = format!(
            "\"{who}\" is the certificate of a CA (basicConstraints cA TRUE), not of an authority for timestamps"
        );
        against.push(Reason::new("ca_certificate_as_end_entity", text));
    }
    against
}

/// The names of the first of them, for people.
pub(crate) fn usage_names(usages: &[ObjectIdentifier]) -> String {
    let names: Vec<String> = usages
        .iter()
        .take(8)
        .map(|usage| match USAGE_NAMES.iter().find(|(oid, _)| oid == usage) {
            Some((_, name)) => (*name).to_owned(),
            None => usage.to_string(),
        })
        .collect();
    if names.is_empty() { "empty".to_owned() } else { names.join(", ") }
}

/// RFC 5280 section 4.2.1.12, and Microsoft's names for what its CAs issue.
const USAGE_NAMES: &[(ObjectIdentifier, &str)] = &[
    (oid::ANY_EXTENDED_KEY_USAGE, "anyExtendedKeyUsage"),
    (oid::EMAIL_PROTECTION, "emailProtection"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"), "serverAuth"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"), "clientAuth"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3"), "codeSigning"),
    (oid::TIME_STAMPING, "timeStamping"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9"), "OCSPSigning"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.4"), "encryptingFileSystem"),
    (ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.2"), "smartcardLogon"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::der;
    use crate::cert::issue::Role;
    use crate::cert::issue::tests::{unsigned, with_dummy_signature};
    use crate::cert::name::Name;

    const SERVER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

    fn cert(key: ObjectIdentifier, usage: Option<KeyUsage>, extended: &[ObjectIdentifier], role: Role) -> Certificate {
        let mut template = unsigned(Name::build(&[(oid::COMMON_NAME, "Alice")]));
        template.spki = der::sequence(&[der::sequence(&[der::oid(&key)]), der::bits(&[1, 2, 3])]);
        template.key_usage = usage;
        template.extended_key_usage = extended.to_vec();
        template.role = role;
        with_dummy_signature(&template)
    }

    fn codes(cert: &Certificate, purpose: Purpose, rule: &PurposeRule) -> String {
        fits(cert, purpose, rule).iter().map(|reason| reason.code).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_table_of_key_usages() {
        let mail = [oid::EMAIL_PROTECTION];
        let rows: &[(ObjectIdentifier, Option<KeyUsage>, &str, &str)] = &[
            (oid::RSA_ENCRYPTION, None, "", ""),
            (oid::RSA_ENCRYPTION, Some(KeyUsage::DIGITAL_SIGNATURE), "", "key_usage"),
            (oid::RSA_ENCRYPTION, Some(KeyUsage::NON_REPUDIATION), "", "key_usage"),
            (oid::RSA_ENCRYPTION, Some(KeyUsage::KEY_ENCIPHERMENT), "key_usage", ""),
            (oid::RSA_ENCRYPTION, Some(KeyUsage::KEY_AGREEMENT), "key_usage", "key_usage"),
            (oid::RSA_ENCRYPTION, Some(KeyUsage::KEY_CERT_SIGN.and(KeyUsage::CRL_SIGN)), "key_usage", "key_usage"),
            (oid::EC_PUBLIC_KEY, Some(KeyUsage::KEY_AGREEMENT), "key_usage", ""),
            (oid::EC_PUBLIC_KEY, Some(KeyUsage::KEY_ENCIPHERMENT), "key_usage", "key_usage"),
            (oid::ED25519, None, "", "key_algorithm"),
            (oid::X25519, None, "key_algorithm", ""),
            (oid::RSASSA_PSS, None, "", "key_algorithm"),
        ];
        for (key, usage, sign, encrypt) in rows {
            let cert = cert(*key, *usage, &mail, Role::EndEntity);
            assert_eq!(codes(&cert, Purpose::Sign, &PurposeRule::STRICT), *sign, "{key} {usage:?}");
            assert_eq!(codes(&cert, Purpose::Encrypt, &PurposeRule::STRICT), *encrypt, "{key} {usage:?}");
            assert_eq!(codes(&cert, Purpose::Any, &PurposeRule::STRICT), "");
        }
    }

    #[test]
    fn the_table_of_extended_key_usages() {
        let rows: &[(&[ObjectIdentifier], &str, &str)] = &[
            (&[oid::EMAIL_PROTECTION, SERVER], "", ""),
            (&[SERVER], "extended_key_usage", "extended_key_usage"),
            (&[SERVER, oid::ANY_EXTENDED_KEY_USAGE], "", "extended_key_usage"),
            (&[], "", "extended_key_usage_absent"),
        ];
        for (usages, lenient, strict) in rows {
            let cert = cert(oid::RSA_ENCRYPTION, None, usages, Role::EndEntity);
            assert_eq!(codes(&cert, Purpose::Sign, &PurposeRule::LENIENT), *lenient, "{usages:?}");
            assert_eq!(codes(&cert, Purpose::Sign, &PurposeRule::STRICT), *strict, "{usages:?}");
            assert_eq!(notes(&cert, Purpose::Sign, &PurposeRule::LENIENT).len(), usize::from(lenient != strict));
        }
    }

    #[test]
    fn a_ca_that_signs_mail_is_noted_or_refused() {
        let ca = cert(oid::RSA_ENCRYPTION, None, &[oid::EMAIL_PROTECTION], Role::Authority { path_len: None });
        assert_eq!(codes(&ca, Purpose::Sign, &PurposeRule::STRICT), "ca_certificate_as_end_entity");
        assert_eq!(codes(&ca, Purpose::Sign, &PurposeRule::LENIENT), "");
        assert_eq!(notes(&ca, Purpose::Sign, &PurposeRule::LENIENT)[0].code, "ca_certificate_as_end_entity");
    }

    /// A certificate with an extKeyUsage extension written by hand, since what is issued for mail has it not critical.
    fn authority(usages: &[ObjectIdentifier], critical: bool, usage: Option<KeyUsage>, role: Role) -> Certificate {
        let mut template = unsigned(Name::build(&[(oid::COMMON_NAME, "Stamps")]));
        template.key_usage = usage;
        template.role = role;
        if !usages.is_empty() {
            let value = der::sequence(&usages.iter().map(der::oid).collect::<Vec<_>>());
            template.extensions.push(extension::Extension { oid: oid::EXTENDED_KEY_USAGE, critical, value });
        }
        with_dummy_signature(&template)
    }

    #[test]
    fn who_stamps_time_does_nothing_else() {
        const ALONE: &[ObjectIdentifier] = &[oid::TIME_STAMPING];
        let (signs, no_ca) = (Some(KeyUsage::DIGITAL_SIGNATURE), Role::EndEntity);
        let more = Some(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT));
        type Row = (&'static [ObjectIdentifier], bool, Option<KeyUsage>, Role, &'static str);
        let rows: &[Row] = &[
            (ALONE, true, signs, no_ca, ""),
            (ALONE, true, Some(SIGNING), no_ca, ""),
            (ALONE, true, None, no_ca, ""),
            (ALONE, false, signs, no_ca, "extended_key_usage_not_critical"),
            (&[], true, signs, no_ca, "extended_key_usage_absent"),
            (&[oid::TIME_STAMPING, oid::EMAIL_PROTECTION], true, signs, no_ca, "extended_key_usage"),
            (&[oid::TIME_STAMPING, oid::TIME_STAMPING], true, signs, no_ca, "extended_key_usage"),
            (&[oid::ANY_EXTENDED_KEY_USAGE], true, signs, no_ca, "extended_key_usage"),
            (&[oid::EMAIL_PROTECTION], true, signs, no_ca, "extended_key_usage"),
            (ALONE, true, Some(KeyUsage::KEY_ENCIPHERMENT), no_ca, "key_usage"),
            (ALONE, true, more, no_ca, "key_usage"),
            (ALONE, true, signs, Role::Authority { path_len: None }, "ca_certificate_as_end_entity"),
        ];
        for (usages, critical, usage, role, expected) in rows {
            let cert = authority(usages, *critical, *usage, *role);
            for rule in [PurposeRule::STRICT, PurposeRule::LENIENT] {
                assert_eq!(codes(&cert, Purpose::TimeStamp, &rule), *expected, "{usages:?} {critical} {usage:?}");
                assert!(notes(&cert, Purpose::TimeStamp, &rule).is_empty());
            }
        }
        assert!(!codes(&authority(ALONE, true, signs, no_ca), Purpose::Sign, &PurposeRule::LENIENT).is_empty());
    }

    #[test]
    fn an_issuer_that_is_bound_to_mail_issues_no_authority_for_time() {
        let issuer = |usages: &[ObjectIdentifier]| authority(usages, true, None, Role::Authority { path_len: None });
        let code = |usages: &[ObjectIdentifier]| issuer_fits(&issuer(usages), Purpose::TimeStamp).map(|r| r.code);
        assert_eq!(code(&[]), None);
        assert_eq!(code(&[oid::TIME_STAMPING, oid::EMAIL_PROTECTION]), None);
        assert_eq!(code(&[oid::ANY_EXTENDED_KEY_USAGE]), None);
        assert_eq!(code(&[oid::EMAIL_PROTECTION]), Some("extended_key_usage"));
        assert!(issuer_fits(&issuer(&[oid::TIME_STAMPING]), Purpose::Sign).is_some());
    }

    #[test]
    fn an_unreadable_extension_is_not_an_absent_one() {
        let mut template = unsigned(Name::build(&[(oid::COMMON_NAME, "Alice")]));
        for known in [oid::KEY_USAGE, oid::EXTENDED_KEY_USAGE] {
            template.extensions.push(extension::Extension { oid: known, critical: false, value: vec![5, 0] });
        }
        let cert = with_dummy_signature(&template);
        assert_eq!(codes(&cert, Purpose::Sign, &PurposeRule::LENIENT), "malformed_extension malformed_extension");
    }
}
