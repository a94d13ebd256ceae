//! Clauses about policies, where revocation is told, and the other extensions: BR 7.1.2.3 and 7.1.6.1.

use super::case::{Absent, Basis, Case, Verdict, quoted};
use super::profile::{BrProfile, Generation, Validation};
use super::table::LEGACY_ENDS;
use crate::asn1::oid;
use crate::base::time::Time;
use crate::cert::extension::GeneralName;
use crate::cert::publication::{host, is_inner_name};
use const_oid::ObjectIdentifier;

const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
const CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");
const SUBJECT_DIRECTORY_ATTRIBUTES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.9");
const QC_STATEMENTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.3");
const LEI: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.52266.1");
const LEI_ROLE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.52266.2");
const ADOBE: [(ObjectIdentifier, &str); 2] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113583.1.1.9.1"), "Adobe Time-stamp"),
    (ObjectIdentifier::new_unwrap("1.2.840.113583.1.1.9.2"), "Adobe ArchiveRevInfo"),
];

pub(super) fn policy(case: &Case<'_>) -> Verdict {
    match case.absence(&oid::CERTIFICATE_POLICIES) {
        Some(Absent::Missing) => {
            return Verdict::Failed("the certificate has no certificatePolicies, and so claims no profile".to_owned());
        }
        Some(Absent::Unreadable(why)) => {
            return Verdict::Failed(format!("the certificatePolicies are unreadable: {why}"));
        }
        None => {}
    }
    let claimed = BrProfile::claimed(case.cert);
    match (claimed.as_slice(), case.profile) {
        ([], _) => {
            let found: Vec<String> = case.cert.policies().unwrap_or_default().iter().map(ToString::to_string).collect();
            let found = found.join(", ");
            Verdict::Failed(format!(
                "the certificatePolicies are {found}; expected one of 2.23.140.1.5.1.1 to 2.23.140.1.5.4.3"
            ))
        }
        ([one], Some(wanted)) if case.basis == Basis::Given && *one != wanted => Verdict::Failed(format!(
            "the certificate claims {one} ({}); expected {wanted} ({})",
            one.policy(),
            wanted.policy()
        )),
        ([_], _) => Verdict::Passed,
        (several, _) => {
            let names: Vec<String> = several.iter().map(|one| format!("{one} ({})", one.policy())).collect();
            Verdict::Failed(format!("the certificate claims {}; expected exactly one", names.join(" and ")))
        }
    }
}

pub(super) fn legacy_ended(case: &Case<'_>) -> Verdict {
    let (begins, ended) = (case.cert.not_before(), Time::from_unix(LEGACY_ENDS));
    Verdict::when(begins < ended, || {
        format!("the certificate of the legacy generation begins at {begins}; none are issued since {ended}")
    })
}

pub(super) fn crl_present(case: &Case<'_>) -> Verdict {
    match case.absence(&oid::CRL_DISTRIBUTION_POINTS) {
        Some(Absent::Missing) => Verdict::Failed("the certificate has no cRLDistributionPoints".to_owned()),
        Some(Absent::Unreadable(why)) => Verdict::Failed(format!("the cRLDistributionPoints are unreadable: {why}")),
        None => Verdict::Passed,
    }
}

pub(super) fn crl_http(case: &Case<'_>) -> Verdict {
    let Some(points) = case.cert.distribution_points() else { return Verdict::NotApplicable };
    let uris: Vec<&str> = points.iter().flat_map(|point| point.urls()).collect();
    if uris.is_empty() {
        return Verdict::Failed("the cRLDistributionPoints have no URI; expected one with http".to_owned());
    }
    schemes(case, "the cRLDistributionPoints", &uris)
}

pub(super) fn access_present(case: &Case<'_>) -> Verdict {
    Verdict::when(case.has(&oid::AUTHORITY_INFO_ACCESS), || {
        "the certificate has no authorityInfoAccess, so that its issuer's certificate must be found in another way"
            .to_owned()
    })
}

pub(super) fn access_issuers(case: &Case<'_>) -> Verdict {
    if !case.has(&oid::AUTHORITY_INFO_ACCESS) {
        return Verdict::NotApplicable;
    }
    Verdict::when(case.cert.access().iter().any(|entry| entry.method == CA_ISSUERS), || {
        "the authorityInfoAccess does not say where the issuer's certificate is (caIssuers)".to_owned()
    })
}

pub(super) fn access_http(case: &Case<'_>) -> Verdict {
    match case.absence(&oid::AUTHORITY_INFO_ACCESS) {
        Some(Absent::Missing) => return Verdict::NotApplicable,
        Some(Absent::Unreadable(why)) => {
            return Verdict::Failed(format!("the authorityInfoAccess is unreadable: {why}"));
        }
        None => {}
    }
    let mut wrong = Vec::new();
    if case.is_critical(&oid::AUTHORITY_INFO_ACCESS) {
        wrong.push("the authorityInfoAccess is critical; it may not be".to_owned());
    }
    for (method, what) in [(OCSP, "the OCSP entry"), (CA_ISSUERS, "the caIssuers entry")] {
        let entries = case.cert.access().iter().filter(|entry| entry.method == method);
        let uris: Vec<&str> = entries.map(|entry| uri(&entry.location).unwrap_or("")).collect();
        if let (false, Verdict::Failed(sentence)) = (uris.is_empty(), schemes(case, what, &uris)) {
            wrong.push(sentence);
        }
    }
    Verdict::of(wrong)
}

/// Hosts that everybody knows.
pub(super) fn access_public(case: &Case<'_>) -> Verdict {
    let hosts: Vec<&str> = case.cert.access().iter().filter_map(|entry| host(uri(&entry.location)?)).collect();
    if hosts.is_empty() {
        return Verdict::NotApplicable;
    }
    let inner = hosts.into_iter().filter(|host| is_inner_name(host));
    let wrong = inner
        .map(|host| format!("the authorityInfoAccess names the host {}, which no public network knows", quoted(host)));
    Verdict::of(wrong.collect())
}

pub(super) fn authority_key(case: &Case<'_>) -> Verdict {
    match case.absence(&oid::AUTHORITY_KEY_IDENTIFIER) {
        Some(Absent::Missing) => return Verdict::Failed("the certificate has no authorityKeyIdentifier".to_owned()),
        Some(Absent::Unreadable(why)) => {
            return Verdict::Failed(format!("the authorityKeyIdentifier is unreadable: {why}"));
        }
        None => {}
    }
    let mut wrong = Vec::new();
    if case.is_critical(&oid::AUTHORITY_KEY_IDENTIFIER) {
        wrong.push("the authorityKeyIdentifier is critical; it may not be".to_owned());
    }
    if case.cert.authority_key_identifier().is_none_or(<[u8]>::is_empty) {
        wrong.push("the authorityKeyIdentifier has no keyIdentifier".to_owned());
    }
    if case.cert.authority_key().is_some_and(|key| !key.issuer.is_empty() || key.serial.is_some()) {
        wrong.push("the authorityKeyIdentifier names the issuer's issuer or serial number; only the keyIdentifier may stand there".to_owned());
    }
    Verdict::of(wrong)
}

pub(super) fn basic_constraints(case: &Case<'_>) -> Verdict {
    let constraints = match case.absence(&oid::BASIC_CONSTRAINTS) {
        Some(Absent::Missing) => return Verdict::NotApplicable,
        Some(Absent::Unreadable(why)) => return Verdict::Failed(format!("the basicConstraints are unreadable: {why}")),
        None => case.cert.basic_constraints(),
    };
    let mut wrong = Vec::new();
    if constraints.is_some_and(|constraints| constraints.ca) {
        wrong.push("the basicConstraints have cA TRUE; expected FALSE".to_owned());
    }
    if let Some(length) = constraints.and_then(|constraints| constraints.path_len) {
        wrong.push(format!("the basicConstraints have the pathLenConstraint {length}; expected none"));
    }
    Verdict::of(wrong)
}

pub(super) fn directory_attributes(case: &Case<'_>) -> Verdict {
    Verdict::when(!case.has(&SUBJECT_DIRECTORY_ATTRIBUTES), || {
        "the certificate has subjectDirectoryAttributes, which only the legacy generation may have".to_owned()
    })
}

pub(super) fn qc_statements(case: &Case<'_>) -> Verdict {
    if !case.has(&QC_STATEMENTS) {
        return Verdict::NotApplicable;
    }
    Verdict::when(!case.is_critical(&QC_STATEMENTS), || "the qcStatements are critical; they may not be".to_owned())
}

pub(super) fn legal_entity(case: &Case<'_>) -> Verdict {
    let allowed: &[ObjectIdentifier] = match case.validation() {
        Some(Validation::Organization) => &[LEI],
        Some(Validation::Sponsor) => &[LEI, LEI_ROLE],
        _ => &[],
    };
    let mut wrong = Vec::new();
    for (extension, name) in [(LEI, "LEI"), (LEI_ROLE, "LEI role")] {
        if case.has(&extension) && !allowed.contains(&extension) {
            wrong.push(format!("the certificate has the {name} extension, which this profile may not have"));
        } else if case.is_critical(&extension) {
            wrong.push(format!("the {name} extension is critical; it may not be"));
        }
    }
    Verdict::of(wrong)
}

pub(super) fn adobe_absent(case: &Case<'_>) -> Verdict {
    let there = ADOBE.iter().filter(|(extension, _)| case.has(extension));
    Verdict::of(
        there
            .map(|(_, name)| format!("the certificate has the extension {name}, which strict ones may not have"))
            .collect(),
    )
}

pub(super) fn adobe_not_critical(case: &Case<'_>) -> Verdict {
    if !ADOBE.iter().any(|(extension, _)| case.has(extension)) {
        return Verdict::NotApplicable;
    }
    let critical = ADOBE.iter().filter(|(extension, _)| case.is_critical(extension));
    Verdict::of(critical.map(|(_, name)| format!("the extension {name} is critical; it may not be")).collect())
}

/// Strict and multipurpose: http and nothing else. Legacy: http among others.
fn schemes(case: &Case<'_>, what: &str, uris: &[&str]) -> Verdict {
    let is_http = |uri: &&&str| uri.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
    if case.generation() == Some(Generation::Legacy) {
        return Verdict::when(uris.iter().any(|uri| is_http(&uri)), || {
            let found: Vec<String> = uris.iter().take(5).map(|uri| quoted(uri)).collect();
            format!("{what} names {}; expected at least one http:// among them", found.join(", "))
        });
    }
    let others: Vec<String> = uris.iter().filter(|uri| !is_http(uri)).take(5).map(|uri| quoted(uri)).collect();
    Verdict::when(others.is_empty(), || format!("{what} names {}; expected http:// only", others.join(", ")))
}

fn uri(name: &GeneralName) -> Option<&str> {
    match name {
        GeneralName::Uri(uri) => Some(uri),
        _ => None,
    }
}
