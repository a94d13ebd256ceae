//! Certificates against the S/MIME Baseline Requirements: our clauses beside the verdicts of zlint and pkilint over the
//! certificates that each of them is tested with; then the program.
//!
//! What we judge differently stands in `lint_disagreements.toml`, with the reason; agreement there fails as well.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::people::{Authority, common_name, serial};
use serde_json::Value;
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cert::extension::{Extension, KeyUsage};
use smime::cert::issue::CertificateTemplate;
use smime::cert::lint::{BrProfile, Outcome, Severity, clauses, lint, lint_as};
use smime::cert::name::Name;
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::store::pem;
use smime::{Certificate, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

/// Lints of zlint, each with the clause that asks the same.
const ZLINT: &[(&str, &str)] = &[
    ("e_adobe_extensions_legacy_multipurpose_criticality", "adobe_not_critical"),
    ("e_adobe_extensions_strict_presence", "adobe_absent"),
    ("e_authority_key_identifier_correct", "authority_key_identifier"),
    ("e_commonname_mailbox_validated", "common_name"),
    ("e_ec_other_key_usages", "key_usage_purpose"),
    ("e_ecpublickey_key_usages", "key_usage_ec"),
    ("e_edwardspublickey_key_usages", "key_usage_edwards"),
    ("e_exactly_one_smime_policy", "reserved_policy"),
    // One lint until 2025-08-22 and one since.
    ("e_invalid_legacy_spki_algoid", "public_key_algorithm"),
    ("e_invalid_spki_algoid", "public_key_algorithm"),
    ("e_key_usage_presence", "key_usage_present"),
    ("e_legal_entity_identifier", "lei"),
    // Two lints for the table of 7.1.4.2.3.
    ("e_mailbox_validated_allowed_subjectdn_attributes", "subject_attributes_mailbox"),
    ("e_mailbox_validated_enforce_subject_field_restrictions", "subject_attributes_mailbox"),
    ("e_registration_scheme_id_matches_subject_country", "organization_identifier_country"),
    ("e_rsa_key_usage_legacy_multipurpose", "key_usage_rsa"),
    ("e_rsa_key_usage_strict", "key_usage_rsa_strict"),
    ("e_rsa_other_key_usages", "key_usage_purpose"),
    ("e_san_shall_be_present", "san_present"),
    ("e_single_email_if_present", "san_mailbox_form"),
    ("e_single_email_subject_if_present", "subject_email_form"),
    ("e_smime_legacy_aia_shall_have_one_http", "aia_http"),
    ("e_smime_legacy_multipurpose_eku_check", "eku_other"),
    ("e_smime_qc_statements_must_not_be_critical", "qc_statements_not_critical"),
    ("e_smime_strict_aia_shall_have_http_only", "aia_http"),
    ("e_smime_strict_eku_check", "eku_strict"),
    ("e_strict_multipurpose_smime_ext_subject_directory_attr", "subject_directory_attributes"),
    ("e_subject_country_name", "country_name"),
    ("e_subscribers_crl_distribution_points_are_http", "crl_points_http"),
    ("e_subscribers_shall_have_crl_distribution_points", "crl_points_present"),
    ("w_key_usage_criticality", "key_usage_critical"),
    ("w_san_should_not_be_critical", "san_not_critical"),
    ("w_smime_aia_contains_internal_names", "aia_public_host"),
];

/// What zlint's own tests say of certificates for which the manifest has no verdict of theirs.
const ZLINT_TESTS: &[(&str, &str, &str)] = &[
    ("MailboxAddressFromSAN/NotApplicable.pem", "subject_mailbox_in_san", "NA"),
    ("MailboxAddressFromSAN/NotEffective.pem", "subject_mailbox_in_san", "NE"),
    ("MailboxAddressFromSAN/WithOnlySANEmail.pem", "subject_mailbox_in_san", "NA"),
    ("MailboxAddressFromSAN/WithOnlySANOtherName.pem", "subject_mailbox_in_san", "NA"),
    ("MailboxAddressFromSAN/WithOtherNameIncorrectType.pem", "subject_mailbox_in_san", "Error"),
    ("MailboxAddressFromSAN/WithOtherNameMatched.pem", "subject_mailbox_in_san", "Pass"),
    ("MailboxAddressFromSAN/WithOtherNameUnmatched.pem", "subject_mailbox_in_san", "Error"),
    ("MailboxAddressFromSAN/WithSANEmailMatched.pem", "subject_mailbox_in_san", "Pass"),
    ("MailboxAddressFromSAN/WithSANEmailUnmatched.pem", "subject_mailbox_in_san", "Error"),
    ("MailboxAddressFromSAN/sponsorValidatedMultipurposeEmailInSubjectNotInSAN.pem", "subject_mailbox_in_san", "Error"),
    ("MailboxAddressFromSAN/sponsorValidatedMultipurposePersonalNameInCN.pem", "subject_mailbox_in_san", "NA"),
    ("sub0_smx_ovx_cnex_cnox_effx.pem", "common_name", "NA"),
    ("sub1_sm0_ovx_cnex_cnox_effx.pem", "common_name", "NA"),
    ("sub1_sm1_ov1_cne0_cno0_eff0.pem", "common_name", "NE"),
    ("sub1_sm1_ov1_cne0_cno0_eff1.pem", "common_name", "Error"),
    ("sub1_sm1_ov1_cne0_cno1_eff1.pem", "common_name", "Pass"),
    ("sub1_sm1_ov1_cne1_cno0_eff1.pem", "common_name", "Pass"),
];

/// Findings of pkilint and clauses that are about the same: in each row, one on the left is there exactly where one on
/// the right fails.
const PKILINT: &[(&[&str], &[&str])] = &[
    (
        &[
            "cabf.smime.certificate_policies_extension_missing",
            "cabf.smime.no_required_reserved_policy_oid",
            "cabf.smime.multiple_reserved_policy_oids",
        ],
        &["reserved_policy"],
    ),
    (&["cabf.smime.legacy_generation_certificate_issued_after_prohibition"], &["legacy_generation_ended"]),
    (&["cabf.smime.san_extension_missing"], &["san_present"]),
    (&["cabf.smime.san_does_not_contain_email_address"], &["san_mailbox"]),
    (
        &["cabf.smime.prohibited_generalname_type_present", "cabf.smime.prohibited_othername_type_present"],
        &["san_name_types"],
    ),
    (
        &[
            "pkix.invalid_email_address_syntax",
            "pkix.rfc822name_domain_part_too_long",
            "pkix.smtp_utf8_mailbox_invalid_syntax",
            "pkix.smtputf8mailbox_domain_part_too_long",
        ],
        &["san_mailbox_form", "subject_email_form"],
    ),
    (
        &["cabf.smime.email_address_in_attribute_not_in_san", "pkix.subject_email_address_not_in_san"],
        &["subject_mailbox_in_san"],
    ),
    (&["cabf.smime.common_name_value_unknown_source"], &["common_name"]),
    (
        &[
            "cabf.smime.extended_key_usage_extension_missing",
            "cabf.smime.emailprotection_eku_missing",
            "cabf.smime.prohibited_eku_present",
        ],
        &["eku_strict", "eku_other"],
    ),
    (&["cabf.smime.key_usage_extension_missing"], &["key_usage_present"]),
    (&["cabf.smime.ku_extension_not_critical"], &["key_usage_critical"]),
    (
        &["cabf.smime.prohibited_ku_present", "cabf.smime.unknown_certificate_key_usage_type"],
        &[
            "key_usage_purpose",
            "key_usage_rsa_strict",
            "key_usage_rsa",
            "key_usage_ec",
            "key_usage_edwards",
            "key_usage_ml_dsa",
            "key_usage_ml_kem",
        ],
    ),
    (
        &["cabf.smime.prohibited_spki_algorithm_encoding", "cabf.smime.unsupported_public_key_type"],
        &["public_key_algorithm"],
    ),
    (&["cabf.rsa_exponent_prohibited_value", "cabf.rsa_modulus_invalid_length"], &["rsa_key"]),
    (&["cabf.smime.prohibited_signature_algorithm_encoding"], &["signature_algorithm"]),
    (
        &[
            "cabf.smime.certificate_validity_period_exceeds_1185_days",
            "cabf.smime.certificate_validity_period_exceeds_825_days",
        ],
        &["lifetime"],
    ),
    (&["pkix.certificate_serial_number_out_of_range"], &["serial_number"]),
    (
        &[
            "cabf.authority_key_identifier_has_issuer_cert",
            "pkix.authority_key_identifier_critical",
            "pkix.authority_key_identifier_extension_absent",
            "pkix.authority_key_identifier_keyid_missing",
        ],
        &["authority_key_identifier"],
    ),
    (&["cabf.smime.crldp_extension_missing", "cabf.crldp_extension_missing"], &["crl_points_present"]),
    (&["cabf.no_http_crldp_uri", "cabf.smime.crldp_fullname_prohibited_uri_scheme"], &["crl_points_http"]),
    (&["cabf.aia_extension_missing"], &["aia_present"]),
    (&["cabf.aia_ca_issuers_missing"], &["aia_ca_issuers"]),
    (
        &[
            "cabf.aia_ca_issuers_has_no_http_uri",
            "cabf.aia_ocsp_has_no_http_uri",
            "cabf.smime.aia_prohibited_uri_scheme",
            "cabf.smime.aia_prohibited_generalname_type",
            "pkix.authority_information_access_extension_critical",
        ],
        &["aia_http"],
    ),
    (&["cabf.smime.is_ca_certificate", "pkix.basic_constraints.has_pathlen_for_non_ca"], &["basic_constraints"]),
    (
        &["cabf.smime.missing_required_attribute", "cabf.smime.prohibited_attribute"],
        &[
            "subject_attributes_mailbox",
            "subject_attributes_organization",
            "subject_attributes_sponsor",
            "subject_attributes_individual",
        ],
    ),
    (&["cabf.smime.mixed_name_and_pseudonym_attributes"], &["name_or_pseudonym"]),
    (&["cabf.insignificant_attribute_value_present"], &["placeholder_attribute"]),
    (&["cabf.smime.required_attribute_missing_for_dependent_attribute"], &["place_attributes"]),
    (&["cabf.invalid_country_code"], &["country_name"]),
    (
        &[
            "cabf.invalid_organization_identifier_country",
            "cabf.invalid_organization_identifier_registration_scheme",
            "cabf.invalid_subject_organization_identifier_format",
            "cabf.invalid_subject_organization_identifier_state_province_for_scheme",
            "cabf.organization_identifier_reference_missing_for_scheme",
            "cabf.smime.prohibited_organization_identifier_reference_present_for_scheme",
        ],
        &["organization_identifier"],
    ),
    (&["cabf.smime.org_identifier_and_country_name_attribute_inconsistent"], &["organization_identifier_country"]),
    (
        &[
            "cabf.smime.lei_extension_prohibited",
            "cabf.smime.lei_role_extension_prohibited",
            "cabf.smime.lei_extension_critical",
            "cabf.smime.lei_role_extension_critical",
        ],
        &["lei"],
    ),
    (&["cabf.smime.subject_directory_attributes_extension_prohibited"], &["subject_directory_attributes"]),
    (&["cabf.smime.qc_statements_extension_critical"], &["qc_statements_not_critical"]),
    (
        &["cabf.smime.adobe_timestamp_extension_prohibited", "cabf.smime.adobe_archive_revinfo_extension_prohibited"],
        &["adobe_absent"],
    ),
    (
        &["cabf.smime.adobe_timestamp_extension_critical", "cabf.smime.adobe_archive_revinfo_extension_critical"],
        &["adobe_not_critical"],
    ),
];

/// What pkilint finds and no clause asks for: other people's rules (RFC 5280, Adobe, Microsoft, Gmail), what the BR
/// leave open, and what is only noted.
const PKILINT_UNASKED: &[&str] = &[
    "adbe.invalid_timestamp_location_type",
    "cabf.internal_domain_name",
    "cabf.smime.certificate_validity_period_at_maximum",
    "cabf.smime.german_ntr_registration_reference_not_euid",
    "googl.gmail.authority_info_access_ca_issuers_missing",
    "iso.lei.invalid_lei_checksum",
    "itu.invalid_asn1_syntax",
    "msft.invalid_user_principal_name_syntax",
    "pkix.certificate_policies_policy_has_qualifier",
    "pkix.invalid_uri_syntax",
    "pkix.key_usage_value_prohibited_for_ec",
    "pkix.key_usage_value_prohibited_for_edwards_curve",
    "pkix.key_usage_value_prohibited_for_mldsa",
    "pkix.key_usage_value_prohibited_for_mlkem",
    "pkix.rfc5280_certificate_policies_invalid_explicit_text_encoding",
    "pkix.subject_key_identifier_method_1_identified",
    "pkix.unknown_subject_key_identifier_calculation_method",
];

#[test]
fn zlint_and_pkilint_agree() {
    let Some(corpus) = common::corpus() else { return };
    let mut book = Book::open();
    let zlint = zlint(&corpus, &mut book);
    let pkilint = pkilint(&corpus, &mut book);
    let listed = book.listed.len();
    println!(
        "lint: zlint-smime {}/{}, pkilint-smime {}/{} ({listed} disagreements listed)",
        zlint.agreed, zlint.files, pkilint.agreed, pkilint.files
    );
    println!("      {} and {} verdicts compared", zlint.verdicts, pkilint.verdicts);
    book.close();
    assert!(zlint.verdicts >= 190 && pkilint.verdicts >= 97 * 30, "the comparison has shrunk");
}

/// What came of one corpus.
#[derive(Default)]
struct Tally {
    /// Files with verdicts, and those of them on which every one is the same.
    files: usize,
    agreed: usize,
    verdicts: usize,
}

fn zlint(corpus: &Path, book: &mut Book) -> Tally {
    let mut tally = Tally::default();
    let mut unjudged = Vec::new();
    for entry in common::entries(corpus) {
        let file = common::text(&entry, "path");
        if !file.starts_with("zlint-smime/") {
            continue;
        }
        let certificate = one(&corpus.join(file));
        let report = lint(&certificate);
        let mut same = true;
        let mut theirs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, verdict) in entry["lints"].as_object().unwrap() {
            let (_, clause) =
                ZLINT.iter().find(|(lint, _)| lint == name).unwrap_or_else(|| panic!("{name}: no clause"));
            theirs.entry(clause).or_default().insert(verdict.as_str().unwrap());
        }
        for (name, clause, verdict) in ZLINT_TESTS {
            if file == format!("zlint-smime/smime/{name}") {
                theirs.entry(clause).or_default().insert(verdict);
            }
        }
        if theirs.is_empty() {
            unjudged.push(file.to_owned());
            continue;
        }
        tally.files += 1;
        for (clause, mut verdicts) in theirs {
            // Of two lints for one clause, the one answers that is about such a certificate at that time.
            for silent in ["NE", "NA"] {
                if verdicts.len() > 1 {
                    verdicts.remove(silent);
                }
            }
            assert_eq!(verdicts.len(), 1, "{file}: {clause}: {verdicts:?}");
            let ours = match report.outcome(clause).unwrap() {
                Outcome::NotApplicable => "NA",
                Outcome::NotEffective => "NE",
                Outcome::Passed => "Pass",
                Outcome::Failed(finding) if finding.clause.severity == Severity::Error => "Error",
                Outcome::Failed(_) => "Warn",
            };
            tally.verdicts += 1;
            same &= book.compare(file, clause, verdicts.first().unwrap(), ours);
        }
        tally.agreed += usize::from(same);
    }
    println!("      zlint says nothing of {}", unjudged.join(", "));
    tally
}

fn pkilint(corpus: &Path, book: &mut Book) -> Tally {
    let mut tally = Tally::default();
    for entry in common::entries(corpus) {
        let file = common::text(&entry, "path");
        let Some(inside) = file.strip_prefix("pkilint-smime/smime_br/") else { continue };
        // The folders say by which profile pkilint judged: sponsored/strict.
        let mut folders = inside.split('/');
        let validation = folders.next().unwrap().replace("sponsored", "sponsor");
        let profile: BrProfile = format!("{validation}-{}", folders.next().unwrap()).parse().unwrap();
        let text = std::fs::read_to_string(corpus.join(file)).unwrap();
        let (_, findings) = text.split_once("-----END CERTIFICATE-----").unwrap();
        let codes: BTreeSet<&str> = findings.lines().filter_map(|line| line.split(',').nth(3)).collect();
        let report = lint_as(&one(&corpus.join(file)), profile);
        tally.files += 1;
        let mut same = true;
        for (found, clauses) in PKILINT {
            let theirs = found.iter().any(|code| codes.contains(code));
            let ours = clauses.iter().any(|code| report.outcome(code).unwrap().finding().is_some());
            let word = |there| if there { "found" } else { "absent" };
            tally.verdicts += 1;
            same &= book.compare(file, clauses.first().unwrap(), word(theirs), word(ours));
        }
        tally.agreed += usize::from(same);
        let known =
            |code: &str| PKILINT.iter().any(|(codes, _)| codes.contains(&code)) || PKILINT_UNASKED.contains(&code);
        for code in codes.iter().filter(|code| **code != "code") {
            assert!(known(code), "{file}: {code} belongs to no clause, and to none on purpose");
        }
    }
    tally
}

/// The certificate of a file, also where other text follows it.
fn one(path: &Path) -> Certificate {
    let bytes = std::fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let end = text.find("-----END CERTIFICATE-----").unwrap();
    let body: String = text[..end].split("-----BEGIN CERTIFICATE-----").nth(1).unwrap().split_whitespace().collect();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    Certificate::from_der(pem::read(pem.as_bytes()).unwrap()[0].data.expose()).unwrap()
}

/// The list of disagreements: what must differ, and in which way.
struct Book {
    listed: BTreeMap<(String, String), (String, String)>,
    met: BTreeSet<(String, String)>,
    wrong: Vec<String>,
}

impl Book {
    /// Blocks of `file`, `clause`, `theirs`, `ours` and `reason`, each with a text in quotes.
    fn open() -> Self {
        let mut listed = BTreeMap::new();
        for block in include_str!("lint_disagreements.toml").split("[[disagreement]]").skip(1) {
            let field = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix("= \""));
                line.and_then(|text| text.strip_suffix('"'))
                    .unwrap_or_else(|| panic!("{name} is missing: {block}"))
                    .to_owned()
            };
            assert!(!field("reason").is_empty());
            listed.insert((field("file"), field("clause")), (field("theirs"), field("ours")));
        }
        Self { listed, met: BTreeSet::new(), wrong: Vec::new() }
    }

    /// Whether both say the same.
    fn compare(&mut self, file: &str, clause: &str, theirs: &str, ours: &str) -> bool {
        let key = (file.to_owned(), clause.to_owned());
        match self.listed.get(&key) {
            Some((their, our)) if their == theirs && our == ours => {
                self.met.insert(key);
            }
            Some((their, our)) => {
                self.wrong
                    .push(format!("{file}: {clause}: listed as {their}, ours {our}; found {theirs}, ours {ours}"));
            }
            None if theirs != ours => self.wrong.push(format!("{file}: {clause}: theirs {theirs}, ours {ours}")),
            None => {}
        }
        theirs == ours
    }

    fn close(self) {
        let unmet = self.listed.keys().filter(|key| !self.met.contains(*key));
        let unmet: Vec<String> = unmet.map(|(file, clause)| format!("{file}: {clause}: listed, and not met")).collect();
        assert!(self.wrong.is_empty() && unmet.is_empty(), "{}\n{}", self.wrong.join("\n"), unmet.join("\n"));
    }
}

/// A folder with a sound certificate, one with an error, one with warnings alone, one that claims no profile, and a CA.
fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let ca = Authority::root("Desk CA");
    let write = |name: &str, change: &dyn Fn(&mut CertificateTemplate)| {
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        let at = |text: &str| text.parse::<Time>().unwrap();
        let validity = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        let subject = common_name("alice@example.com");
        let number = [&[0x4a; 8], serial().as_slice()].concat();
        let mut template =
            CertificateTemplate::new(subject, Some(&ca.certificate), &number, validity, &key.public_key_spki())
                .for_mail(&["alice@example.com".parse().unwrap()], KeyUsage::DIGITAL_SIGNATURE);
        let uri = |text: &str| der::primitive(Tag::context(6), text.as_bytes());
        let policy = "2.23.140.1.5.1.3".parse().unwrap();
        let point = der::constructed(Tag::context(0), &[uri("http://ca.example.com/1.crl")]);
        let issuers = "1.3.6.1.5.5.7.48.2".parse().unwrap();
        let access = der::sequence(&[der::oid(&issuers), uri("http://ca.example.com/ca.cer")]);
        template.extensions = [
            (oid::CERTIFICATE_POLICIES, der::sequence(&[der::sequence(&[der::oid(&policy)])])),
            (oid::CRL_DISTRIBUTION_POINTS, der::sequence(&[der::sequence(&[der::explicit(0, &point)])])),
            (oid::AUTHORITY_INFO_ACCESS, der::sequence(&[access])),
        ]
        .map(|(oid, value)| Extension { oid, critical: false, value })
        .to_vec();
        change(&mut template);
        std::fs::write(folder.path().join(name), pem::write("CERTIFICATE", ca.issue(&template).der())).unwrap();
    };
    let drop = |template: &mut CertificateTemplate, oid| template.extensions.retain(|extension| extension.oid != oid);
    write("sound.pem", &|_| {});
    write("error.pem", &|t| t.subject = Name::build(&[(oid::COMMON_NAME, "\u{202e}Mallory")]));
    write("warning.pem", &|t| drop(t, oid::AUTHORITY_INFO_ACCESS));
    write("unclaimed.pem", &|t| drop(t, oid::CERTIFICATE_POLICIES));
    std::fs::write(folder.path().join("ca.der"), ca.certificate.der()).unwrap();
    std::fs::write(folder.path().join("note.txt"), "no certificate\n").unwrap();
    folder
}

fn smime(folder: &Path, line: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smime"));
    command.current_dir(folder).args(line.split_whitespace()).stdin(std::process::Stdio::null());
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn out_144_the_program_names_each_broken_clause() {
    let desk = desk();
    let rows: &[(i32, &str, &[&str])] = &[
        (
            0,
            "lint sound.pem",
            &["sound.pem: CN=alice@example.com, serial number 4a", "by mailbox-strict: ", "0 errors, 0 warnings"],
        ),
        (
            9,
            "lint sound.pem error.pem",
            &["error: the commonName \"\\u{202e}Mallory\"", "[common_name, BR 7.1.4.2.2(a)]", "1 errors"],
        ),
        (0, "lint warning.pem", &["warning: the certificate has no authorityInfoAccess", "0 errors, 1 warnings"]),
        (9, "lint unclaimed.pem", &["[reserved_policy, BR 7.1.2.3(a)]", "--as mailbox-strict"]),
        (
            9,
            "lint --as sponsor-strict sound.pem",
            &["[reserved_policy, ", "[subject_attributes_sponsor, ", "by sponsor-strict"],
        ),
        (0, "lint ca.der", &["CN=Desk CA", "not judged"]),
        (9, "lint --as mailbox-strict ca.der", &["[basic_constraints, "]),
        (9, "lint .", &["Mallory", "not judged"]),
        (0, "lint --clauses", &["san_mailbox, BR 7.1.4.2.1; every profile; since 2023-09-01", "aia_present (warning)"]),
        (0, "lint --help", &["Examples:", "smime lint --clauses"]),
    ];
    for (code, line, said) in rows {
        let (status, out, err) = smime(desk.path(), line);
        assert_eq!(status, Some(*code), "smime {line}\n{out}{err}");
        for words in *said {
            assert!(out.contains(words), "smime {line}: {words} is missing\n{out}");
        }
        assert!(!out.contains('\u{202e}') && !err.contains("panicked"), "{out}{err}");
    }
    assert!(smime(desk.path(), "lint --help").1.trim_start().starts_with("Examples:"));
    let wrong = ["lint", "lint --as strict sound.pem", "lint --clauses sound.pem"];
    for line in wrong {
        assert_eq!(smime(desk.path(), line).0, Some(2), "smime {line}");
    }
    for line in ["lint none.pem", "lint note.txt"] {
        let (status, out, err) = smime(desk.path(), line);
        assert!(
            status != Some(0) && status != Some(9) && out.is_empty() && err.contains("error: "),
            "{line}: {out}{err}"
        );
    }
}

#[test]
fn the_program_speaks_json() {
    let desk = desk();
    let (status, out, _) = smime(desk.path(), "lint --json sound.pem error.pem");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &report["version"], &report["met"]), (Some(9), &1.into(), &false.into()));
    let [sound, error] = report["certificates"].as_array().unwrap().as_slice() else { panic!("{out}") };
    assert_eq!(
        (&sound["file"], &sound["profile"], &sound["met"]),
        (&"sound.pem".into(), &"mailbox-strict".into(), &true.into())
    );
    assert_eq!(sound["clauses"].as_object().unwrap().len(), clauses().len());
    assert_eq!((&sound["clauses"]["san_mailbox"], &sound["clauses"]["lei"]), (&"passed".into(), &"passed".into()));
    assert_eq!(sound["clauses"]["eku_other"], "not-applicable");
    let finding = &error["findings"][0];
    assert_eq!((&finding["code"], &finding["severity"]), (&"common_name".into(), &"error".into()));
    assert_eq!(error["clauses"]["common_name"], "failed");
    let (_, out, _) = smime(desk.path(), "lint --clauses --json");
    let listed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(listed["clauses"].as_array().unwrap().len(), clauses().len());
    assert_eq!(listed["clauses"][0]["code"], "reserved_policy");
    // A folder: everything in it that is a certificate.
    let (_, out, err) = smime(desk.path(), "lint --json .");
    let folder: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(folder["certificates"].as_array().unwrap().len(), 5);
    assert!(err.contains("note.txt"), "{err}");
}
