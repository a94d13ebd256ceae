//! Certificates of public suites: every one is read or refused, and the paths of NIST PKITS that ask for no policy and
//! no revocation are judged as NIST says.
//!
//! The suites are not part of the project; `SMIME_CORPUS` names their folder. Without it the tests say so and pass.

#![allow(clippy::unwrap_used, clippy::panic)] // a helper of a test is a test

use smime::base::limits::Limits;
use smime::cert::certificate::Certificate;
use smime::cert::chain::{self, ChainRequest, ChainVerdict, Trust};
use smime::cert::mailbox::Mailboxes;
use smime::cert::purpose::{Purpose, PurposeRule};
use std::path::{Path, PathBuf};

/// The folder of the suites, or the one beside the project.
fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("SMIME_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: there is no corpus in {}; set SMIME_CORPUS to its folder", folder.display());
    None
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    found.sort();
    found
}

/// The first certificate of a PEM file, whatever text stands before it.
fn first_of_pem(text: &str) -> Option<Vec<u8>> {
    const END: &str = "-----END CERTIFICATE-----";
    let from = text.find("-----BEGIN CERTIFICATE-----")?;
    let until = from + text[from..].find(END)? + END.len();
    let (_, der) = der::pem::decode_vec(&text.as_bytes()[from..until]).ok()?;
    Some(der)
}

/// Asks everything that a certificate answers.
fn exercise(certificate: &Certificate) {
    let shown = format!("{} {} {:?}", certificate.subject(), certificate.issuer(), certificate);
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    let _ = (Mailboxes::of(certificate), certificate.public_key(&Limits::default()).is_ok());
    assert_eq!(&Certificate::from_der(certificate.der()).unwrap(), certificate);
    for purpose in [Purpose::Sign, Purpose::Encrypt] {
        let _ = smime::cert::purpose::fits(certificate, purpose, &PurposeRule::STRICT);
    }
}

#[test]
fn every_certificate_is_read_or_refused() {
    let Some(corpus) = corpus() else { return };
    let (mut read, mut refused) = (0, Vec::new());
    let pkits = files(&corpus.join("nist-pkits/certs"), "crt").into_iter().map(|path| {
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    });
    let pem = files(&corpus.join("zlint-smime/smime"), "pem").into_iter().filter_map(|path| {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        first_of_pem(&text).map(|der| (path, der))
    });
    for (path, bytes) in pkits.chain(pem) {
        match Certificate::from_der(&bytes) {
            Ok(certificate) => {
                read += 1;
                exercise(&certificate);
            }
            Err(error) => refused.push(format!("{}: {error}", path.display())),
        }
        // Neither a truncated nor a flipped certificate is a panic.
        for at in (0..bytes.len()).step_by(41) {
            assert!(Certificate::from_der(&bytes[..at]).is_err());
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x41;
            if let Ok(certificate) = Certificate::from_der(&flipped) {
                exercise(&certificate);
            }
        }
    }
    eprintln!("{read} read, {} refused: {refused:#?}", refused.len());
    assert!(read > 405, "{read} were read");
    assert!(refused.is_empty(), "{refused:#?}");
}

/// Test number, the certificate of its end entity, and the reason code that leads; none where the path is valid.
const PKITS: &[(&str, &str, Option<&str>)] = &[
    ("4.1.1", "ValidCertificatePathTest1EE", None),
    ("4.1.2", "InvalidCASignatureTest2EE", Some("certificate_signature_invalid")),
    ("4.1.3", "InvalidEESignatureTest3EE", Some("certificate_signature_invalid")),
    ("4.1.4", "ValidDSASignaturesTest4EE", None),
    ("4.1.5", "ValidDSAParameterInheritanceTest5EE", None),
    ("4.1.6", "InvalidDSASignatureTest6EE", Some("certificate_signature_invalid")),
    ("4.2.1", "InvalidCAnotBeforeDateTest1EE", Some("certificate_not_yet_valid")),
    ("4.2.2", "InvalidEEnotBeforeDateTest2EE", Some("certificate_not_yet_valid")),
    ("4.2.3", "Validpre2000UTCnotBeforeDateTest3EE", None),
    ("4.2.4", "ValidGeneralizedTimenotBeforeDateTest4EE", None),
    ("4.2.5", "InvalidCAnotAfterDateTest5EE", Some("certificate_expired")),
    ("4.2.6", "InvalidEEnotAfterDateTest6EE", Some("certificate_expired")),
    ("4.2.7", "Invalidpre2000UTCEEnotAfterDateTest7EE", Some("certificate_expired")),
    ("4.2.8", "ValidGeneralizedTimenotAfterDateTest8EE", None),
    ("4.3.1", "InvalidNameChainingTest1EE", Some("issuer_not_found")),
    ("4.3.2", "InvalidNameChainingOrderTest2EE", Some("issuer_not_found")),
    ("4.3.3", "ValidNameChainingWhitespaceTest3EE", None),
    ("4.3.4", "ValidNameChainingWhitespaceTest4EE", None),
    ("4.3.5", "ValidNameChainingCapitalizationTest5EE", None),
    ("4.3.6", "ValidNameUIDsTest6EE", None),
    ("4.3.7", "ValidRFC3280MandatoryAttributeTypesTest7EE", None),
    ("4.3.8", "ValidRFC3280OptionalAttributeTypesTest8EE", None),
    ("4.3.9", "ValidUTF8StringEncodedNamesTest9EE", None),
    ("4.3.10", "ValidRolloverfromPrintableStringtoUTF8StringTest10EE", None),
    ("4.3.11", "ValidUTF8StringCaseInsensitiveMatchTest11EE", None),
    ("4.5.1", "ValidBasicSelfIssuedOldWithNewTest1EE", None),
    ("4.5.3", "ValidBasicSelfIssuedNewWithOldTest3EE", None),
    ("4.5.6", "ValidBasicSelfIssuedCRLSigningKeyTest6EE", None),
    ("4.5.8", "InvalidBasicSelfIssuedCRLSigningKeyTest8EE", Some("not_a_ca")),
    ("4.6.1", "InvalidMissingbasicConstraintsTest1EE", Some("not_a_ca")),
    ("4.6.2", "InvalidcAFalseTest2EE", Some("not_a_ca")),
    ("4.6.3", "InvalidcAFalseTest3EE", Some("not_a_ca")),
    ("4.6.4", "ValidbasicConstraintsNotCriticalTest4EE", None),
    ("4.6.5", "InvalidpathLenConstraintTest5EE", Some("path_length_exceeded")),
    ("4.6.6", "InvalidpathLenConstraintTest6EE", Some("path_length_exceeded")),
    ("4.6.7", "ValidpathLenConstraintTest7EE", None),
    ("4.6.8", "ValidpathLenConstraintTest8EE", None),
    ("4.6.9", "InvalidpathLenConstraintTest9EE", Some("path_length_exceeded")),
    ("4.6.10", "InvalidpathLenConstraintTest10EE", Some("path_length_exceeded")),
    ("4.6.11", "InvalidpathLenConstraintTest11EE", Some("path_length_exceeded")),
    ("4.6.12", "InvalidpathLenConstraintTest12EE", Some("path_length_exceeded")),
    ("4.6.13", "ValidpathLenConstraintTest13EE", None),
    ("4.6.14", "ValidpathLenConstraintTest14EE", None),
    ("4.6.15", "ValidSelfIssuedpathLenConstraintTest15EE", None),
    ("4.6.16", "InvalidSelfIssuedpathLenConstraintTest16EE", Some("path_length_exceeded")),
    ("4.6.17", "ValidSelfIssuedpathLenConstraintTest17EE", None),
    ("4.7.1", "InvalidkeyUsageCriticalkeyCertSignFalseTest1EE", Some("key_usage")),
    ("4.7.2", "InvalidkeyUsageNotCriticalkeyCertSignFalseTest2EE", Some("key_usage")),
    ("4.7.3", "ValidkeyUsageNotCriticalTest3EE", None),
    ("4.13.1", "ValidDNnameConstraintsTest1EE", None),
    ("4.13.2", "InvalidDNnameConstraintsTest2EE", Some("name_constraints")),
    ("4.13.3", "InvalidDNnameConstraintsTest3EE", Some("name_constraints")),
    ("4.13.4", "ValidDNnameConstraintsTest4EE", None),
    ("4.13.5", "ValidDNnameConstraintsTest5EE", None),
    ("4.13.6", "ValidDNnameConstraintsTest6EE", None),
    ("4.13.7", "InvalidDNnameConstraintsTest7EE", Some("name_constraints")),
    ("4.13.8", "InvalidDNnameConstraintsTest8EE", Some("name_constraints")),
    ("4.13.9", "InvalidDNnameConstraintsTest9EE", Some("name_constraints")),
    ("4.13.10", "InvalidDNnameConstraintsTest10EE", Some("name_constraints")),
    ("4.13.11", "ValidDNnameConstraintsTest11EE", None),
    ("4.13.12", "InvalidDNnameConstraintsTest12EE", Some("name_constraints")),
    ("4.13.13", "InvalidDNnameConstraintsTest13EE", Some("name_constraints")),
    ("4.13.14", "ValidDNnameConstraintsTest14EE", None),
    ("4.13.15", "InvalidDNnameConstraintsTest15EE", Some("name_constraints")),
    ("4.13.16", "InvalidDNnameConstraintsTest16EE", Some("name_constraints")),
    ("4.13.17", "InvalidDNnameConstraintsTest17EE", Some("name_constraints")),
    ("4.13.18", "ValidDNnameConstraintsTest18EE", None),
    ("4.13.19", "ValidDNnameConstraintsTest19EE", None),
    ("4.13.20", "InvalidDNnameConstraintsTest20EE", Some("name_constraints")),
    ("4.13.21", "ValidRFC822nameConstraintsTest21EE", None),
    ("4.13.22", "InvalidRFC822nameConstraintsTest22EE", Some("name_constraints")),
    ("4.13.23", "ValidRFC822nameConstraintsTest23EE", None),
    ("4.13.24", "InvalidRFC822nameConstraintsTest24EE", Some("name_constraints")),
    ("4.13.25", "ValidRFC822nameConstraintsTest25EE", None),
    ("4.13.26", "InvalidRFC822nameConstraintsTest26EE", Some("name_constraints")),
    ("4.13.27", "ValidDNandRFC822nameConstraintsTest27EE", None),
    ("4.13.28", "InvalidDNandRFC822nameConstraintsTest28EE", Some("name_constraints")),
    ("4.13.29", "InvalidDNandRFC822nameConstraintsTest29EE", Some("name_constraints")),
    ("4.13.31", "InvalidDNSnameConstraintsTest31EE", Some("name_constraints")),
    ("4.13.33", "InvalidDNSnameConstraintsTest33EE", Some("name_constraints")),
    ("4.13.35", "InvalidURInameConstraintsTest35EE", Some("name_constraints")),
    ("4.13.37", "InvalidURInameConstraintsTest37EE", Some("name_constraints")),
    ("4.13.38", "InvalidDNSnameConstraintsTest38EE", Some("name_constraints")),
    ("4.16.1", "ValidUnknownNotCriticalCertificateExtensionTest1EE", None),
    ("4.16.2", "InvalidUnknownCriticalCertificateExtensionTest2EE", Some("unknown_critical_extension")),
];

#[test]
fn pkits_paths() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("nist-pkits/certs");
    let read = |name: &str| Certificate::from_der(&std::fs::read(folder.join(name)).unwrap()).unwrap();
    // All certificates of the suite are at hand for each path, so that the search has something to search.
    let all: Vec<Certificate> = files(&folder, "crt")
        .iter()
        .filter_map(|path| Certificate::from_der(&std::fs::read(path).unwrap()).ok())
        .collect();
    let trust = Trust::new([read("TrustAnchorRootCertificate.crt")]).with_intermediates(all);
    let mut wrong = Vec::new();
    for (number, name, expected) in PKITS {
        let leaf = read(&format!("{name}.crt"));
        let limits = Limits::default();
        let at = "2026-11-24T08:00:00Z".parse().unwrap();
        let outcome = chain::build(&ChainRequest::new(&leaf, &trust, at, &limits));
        let verdict = if expected.is_none() { ChainVerdict::Anchored } else { ChainVerdict::Rejected };
        let code = outcome.reasons.first().map(|reason| reason.code);
        if (outcome.verdict, code) != (verdict, *expected) {
            wrong.push(format!("{number} {name}: expected {expected:?}, {:?}: {:?}", outcome.verdict, outcome.reasons));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
