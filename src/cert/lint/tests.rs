//! A certificate that keeps to every clause, and what each change to it breaks.

use super::*;
use crate::asn1::ber::Tag;
use crate::asn1::{der, oid};
use crate::cert::extension::{Extension, KeyUsage};
use crate::cert::issue::{CertificateTemplate, issue};
use crate::cert::name::Name;
use crate::crypto::algorithm::AlgorithmIdentifier;
use const_oid::ObjectIdentifier;

const EMAIL: &str = "alice@example.com";
const ORGANIZATION_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.97");
const PSEUDONYM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.65");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

/// SubjectPublicKeyInfo: an algorithm and the octets of a key.
fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    der::sequence(&[algorithm.to_vec(), der::bits(key)])
}

fn p256() -> Vec<u8> {
    let algorithm = der::sequence(&[der::oid(&oid::EC_PUBLIC_KEY), der::oid(&oid::SECP256R1)]);
    spki(&algorithm, &[&[4], [7; 64].as_slice()].concat())
}

fn rsa(bits: usize, exponent: u64) -> Vec<u8> {
    let mut modulus = vec![0; bits.div_ceil(8)];
    modulus[0] = 1 << ((bits - 1) % 8);
    let key = der::sequence(&[der::unsigned(&modulus), der::integer(exponent)]);
    spki(&der::sequence(&[der::oid(&oid::RSA_ENCRYPTION), der::null()]), &key)
}

fn extension(oid: ObjectIdentifier, value: Vec<u8>) -> Extension {
    Extension { oid, critical: false, value }
}

fn policies(of: &[&str]) -> Extension {
    let list: Vec<Vec<u8>> =
        of.iter().map(|policy| der::sequence(&[der::oid(&ObjectIdentifier::new_unwrap(policy))])).collect();
    extension(oid::CERTIFICATE_POLICIES, der::sequence(&list))
}

fn uri(text: &str) -> Vec<u8> {
    der::primitive(Tag::context(6), text.as_bytes())
}

fn crl_points(uris: &[&str]) -> Extension {
    let points: Vec<Vec<u8>> = uris
        .iter()
        .map(|text| der::sequence(&[der::explicit(0, &der::constructed(Tag::context(0), &[uri(text)]))]))
        .collect();
    extension(oid::CRL_DISTRIBUTION_POINTS, der::sequence(&points))
}

fn access(entries: &[(&str, &str)]) -> Extension {
    let entry =
        |(method, text): &(&str, &str)| der::sequence(&[der::oid(&ObjectIdentifier::new_unwrap(method)), uri(text)]);
    extension(oid::AUTHORITY_INFO_ACCESS, der::sequence(&entries.iter().map(entry).collect::<Vec<_>>()))
}

const OCSP: &str = "1.3.6.1.5.5.7.48.1";
const ISSUERS: &str = "1.3.6.1.5.5.7.48.2";

/// A certificate of the profile that breaks nothing.
fn sound(profile: &str) -> CertificateTemplate {
    let profile: BrProfile = profile.parse().unwrap();
    let person: &[_] = &[(oid::SURNAME, "Liddell"), (oid::GIVEN_NAME, "Alice"), (oid::COMMON_NAME, "Alice Liddell")];
    let body: &[_] = &[(oid::COUNTRY, "DE"), (ORGANIZATION_IDENTIFIER, "NTRDE-HRB1"), (oid::ORGANIZATION, "Example")];
    let subject = match profile.validation {
        Validation::Mailbox => vec![(oid::COMMON_NAME, EMAIL), (oid::ID_EMAIL_ADDRESS, EMAIL)],
        Validation::Organization => body.to_vec(),
        Validation::Sponsor => [body, person].concat(),
        Validation::Individual => person.to_vec(),
    };
    let validity = (time("2025-01-01T00:00:00Z"), time("2026-01-01T00:00:00Z"));
    let mut template = CertificateTemplate::new(Name::build(&subject), None, &[0x4a; 16], validity, &p256());
    template.issuer = Name::build(&[(oid::COMMON_NAME, "Issuing CA")]);
    template.issuer_key_identifier = Some(vec![9; 20]);
    template = template.for_mail(&[EMAIL.parse().unwrap()], KeyUsage::DIGITAL_SIGNATURE);
    template.extensions = vec![
        policies(&[&profile.policy().to_string()]),
        crl_points(&["http://ca.example.com/1.crl"]),
        access(&[(OCSP, "http://ocsp.example.com"), (ISSUERS, "http://ca.example.com/ca.cer")]),
    ];
    template
}

fn signed(template: &CertificateTemplate) -> Certificate {
    let algorithm = AlgorithmIdentifier::new(oid::ECDSA_WITH_SHA256);
    issue(template, &algorithm, &|_| Ok(vec![0; 16])).unwrap()
}

fn replace(template: &mut CertificateTemplate, by: Extension) {
    template.extensions.retain(|extension| extension.oid != by.oid);
    template.extensions.push(by);
}

/// The subjectAltName as these GeneralNames.
fn alternative(template: &mut CertificateTemplate, names: &[Vec<u8>]) {
    template.emails.clear();
    replace(template, extension(oid::SUBJECT_ALT_NAME, der::sequence(names)));
}

fn rfc822(text: &str) -> Vec<u8> {
    der::primitive(Tag::context(1), text.as_bytes())
}

fn codes(report: &LintReport) -> Vec<&'static str> {
    report.findings().map(|finding| finding.clause.code).collect()
}

/// What a change to a sound certificate breaks.
#[track_caller]
fn breaks(profile: &str, change: impl FnOnce(&mut CertificateTemplate), expected: &[&str]) -> LintReport {
    let mut template = sound(profile);
    change(&mut template);
    let report = lint(&signed(&template));
    assert_eq!(codes(&report), expected, "{report:?}");
    report
}

#[test]
fn sound_certificates_of_every_profile_pass() {
    for profile in BrProfile::all() {
        let certificate = signed(&sound(&profile.to_string()));
        let report = lint(&certificate);
        assert_eq!((report.profile, codes(&report)), (Some(profile), vec![]), "{report:?}");
        assert!(report.judged() > 20, "{profile}: {}", report.judged());
        assert_eq!(codes(&lint_as(&certificate, profile)), [""; 0]);
        assert_eq!(report.outcomes.len(), clauses().len());
    }
}

#[test]
fn codes_are_unique_and_profiles_have_names() {
    let mut codes: Vec<&str> = clauses().iter().map(|clause| clause.code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), clauses().len());
    for clause in clauses() {
        assert!(clause.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", clause.code);
        assert!(clause.requirement.ends_with('.') && !clause.section.is_empty());
        assert!(BrProfile::all().any(|profile| clause.applies_to.includes(Some(profile))), "{}", clause.code);
    }
    assert!("mailbox-strikt".parse::<BrProfile>().unwrap_err().to_string().contains("\"mailbox-strikt\""));
    assert_eq!(
        BrProfile::of_policy(&ObjectIdentifier::new_unwrap("2.23.140.1.5.3.2")),
        Some("sponsor-multipurpose".parse().unwrap())
    );
    assert_eq!(BrProfile::of_policy(&ObjectIdentifier::new_unwrap("2.23.140.1.5.3.4")), None);
    assert_eq!(BrProfile::all().collect::<Vec<_>>().len(), 12);
}

#[test]
fn findings_name_what_was_found_and_what_is_expected() {
    let report = breaks("mailbox-strict", |t| t.not_after = time("2028-01-01T00:00:00Z"), &["lifetime"]);
    assert_eq!(
        report.findings().next().unwrap().text,
        "the certificate lives 1095 days and 1 seconds, from 2025-01-01T00:00:00Z until 2028-01-01T00:00:00Z; expected 825 \
         days at most"
    );
    let deceit = |t: &mut CertificateTemplate| alternative(t, &[rfc822(EMAIL), rfc822("\u{202e}mallory\n")]);
    let report = breaks("mailbox-strict", deceit, &["san_mailbox_form"]);
    let text = &report.findings().next().unwrap().text;
    assert!(text.contains("\\u{202e}mallory\\u{a}") && !text.contains('\n'), "{text}");
}

#[test]
fn a_lifetime_counts_both_ends() {
    let day = |template: &mut CertificateTemplate, days: i64, seconds: i64| {
        template.not_after = template.not_before.plus(days * 86_400 + seconds);
    };
    breaks("mailbox-strict", |t| day(t, 825, -1), &[]);
    breaks("mailbox-strict", |t| day(t, 825, 0), &["lifetime"]);
    breaks("mailbox-legacy", |t| day(t, 1185, -1), &[]);
    breaks("mailbox-legacy", |t| day(t, 1185, 0), &["lifetime"]);
    breaks("mailbox-strict", |t| day(t, -1, 0), &["lifetime"]);
}

#[test]
fn mail_addresses_stand_in_the_subject_alternative_name() {
    let subject = |name: &str| Name::build(&[(oid::COMMON_NAME, EMAIL), (oid::ID_EMAIL_ADDRESS, name)]);
    breaks("mailbox-strict", |t| t.subject = subject("bob@example.com"), &["subject_mailbox_in_san"]);
    breaks("mailbox-strict", |t| t.subject = subject("Alice@example.com"), &["subject_mailbox_in_san"]);
    breaks("mailbox-strict", |t| t.subject = subject("alice@example.com bob@example.com"), &["subject_email_form"]);
    let named = |name: &str| Name::build(&[(oid::COMMON_NAME, name)]);
    breaks("mailbox-strict", |t| t.subject = named("Alice"), &["common_name"]);
    breaks("mailbox-strict", |t| t.subject = named("bob@example.com"), &["subject_mailbox_in_san", "common_name"]);
    breaks("mailbox-strict", |t| t.subject = Name::build(&[]), &[]);
    // An address in the name of the CA's choosing is one, too.
    let directory = der::explicit(4, named("bob@example.com").der());
    let hidden = |t: &mut CertificateTemplate| alternative(t, &[rfc822(EMAIL), directory]);
    breaks("individual-strict", hidden, &["subject_mailbox_in_san", "common_name"]);
}

#[test]
fn a_certificate_without_usable_mailboxes_is_none() {
    let none = |names: Vec<Vec<u8>>| move |t: &mut CertificateTemplate| alternative(t, &names);
    let dns = der::primitive(Tag::context(2), b"example.com");
    breaks("individual-strict", none(vec![dns.clone()]), &["san_mailbox", "san_name_types"]);
    breaks("individual-strict", none(vec![rfc822(EMAIL), dns]), &["san_name_types"]);
    breaks("individual-strict", none(vec![]), &["san_mailbox"]);
    for bad in ["alice", " alice@example.com", "alice@example..com", "älice@example.com"] {
        breaks("individual-strict", none(vec![rfc822(bad)]), &["san_mailbox_form"]);
    }
    let mut missing = sound("individual-strict");
    missing.emails.clear();
    assert_eq!(codes(&lint(&signed(&missing))), ["san_present"]);
    missing.extensions.push(extension(oid::SUBJECT_ALT_NAME, vec![0x30, 5, 1]));
    assert_eq!(codes(&lint(&signed(&missing))), ["san_mailbox"]);
}

#[test]
fn other_names_are_for_the_laxer_generations() {
    let upn = der::sequence(&[
        der::oid(&ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3")),
        der::explicit(0, &der::primitive(Tag::UTF8_STRING, b"alice@corp")),
    ]);
    let upn = der::retag(Tag::context(0), &upn);
    let names = || vec![rfc822(EMAIL), upn.clone()];
    breaks("individual-strict", |t| alternative(t, &names()), &["san_name_types"]);
    breaks("individual-multipurpose", |t| alternative(t, &names()), &[]);
    let critical = |t: &mut CertificateTemplate| {
        alternative(t, &[rfc822(EMAIL)]);
        t.extensions.last_mut().unwrap().critical = true;
    };
    let report = breaks("individual-strict", critical, &["san_not_critical"]);
    assert_eq!(report.errors().count(), 0);
}

#[test]
fn key_usage_keeps_to_key_and_generation() {
    let (sign, repudiate) = (KeyUsage::DIGITAL_SIGNATURE, KeyUsage::NON_REPUDIATION);
    let (encipher, data) = (KeyUsage::KEY_ENCIPHERMENT, KeyUsage::DATA_ENCIPHERMENT);
    let (agree, only) = (KeyUsage::KEY_AGREEMENT, KeyUsage::ENCIPHER_ONLY);
    let ed25519 = spki(&der::sequence(&[der::oid(&oid::ED25519)]), &[1; 32]);
    let cases: &[(&str, Vec<u8>, KeyUsage, &[&str])] = &[
        ("strict", rsa(2048, 65537), sign.and(repudiate).and(encipher), &[]),
        ("strict", rsa(2048, 65537), encipher.and(data), &["key_usage_rsa_strict"]),
        ("multipurpose", rsa(2048, 65537), encipher.and(data), &[]),
        ("multipurpose", rsa(2048, 65537), sign.and(data), &["key_usage_rsa"]),
        ("strict", rsa(2048, 65537), agree, &["key_usage_purpose"]),
        ("strict", p256(), sign.and(agree).and(only), &[]),
        ("strict", p256(), sign.and(only), &["key_usage_ec"]),
        ("strict", p256(), sign.and(encipher), &["key_usage_ec"]),
        ("strict", p256(), KeyUsage::KEY_CERT_SIGN, &["key_usage_purpose"]),
        ("strict", ed25519.clone(), sign.and(repudiate), &[]),
        ("strict", ed25519.clone(), sign.and(agree), &["key_usage_edwards"]),
        ("strict", ed25519, repudiate, &["key_usage_edwards"]),
    ];
    for (generation, key, usage, expected) in cases {
        let change = |t: &mut CertificateTemplate| (t.spki, t.key_usage) = (key.clone(), Some(*usage));
        breaks(&format!("mailbox-{generation}"), change, expected);
    }
    breaks("mailbox-strict", |t| t.key_usage = None, &["key_usage_present"]);
    let soft = |t: &mut CertificateTemplate| {
        t.key_usage = None;
        t.extensions.push(extension(oid::KEY_USAGE, der::primitive(Tag::BIT_STRING, &sign.content())));
    };
    breaks("mailbox-strict", soft, &["key_usage_critical"]);
}

#[test]
fn extended_key_usage_keeps_to_the_generation() {
    let client = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
    let cases: &[(&str, &[ObjectIdentifier], &[&str])] = &[
        ("strict", &[oid::EMAIL_PROTECTION, client], &["eku_strict"]),
        ("multipurpose", &[oid::EMAIL_PROTECTION, client], &[]),
        ("multipurpose", &[client], &["eku_other"]),
        ("legacy", &[oid::EMAIL_PROTECTION, SERVER_AUTH], &["eku_other"]),
        ("legacy", &[oid::EMAIL_PROTECTION, oid::ANY_EXTENDED_KEY_USAGE], &["eku_other"]),
        ("strict", &[], &["eku_strict"]),
    ];
    for (generation, usages, expected) in cases {
        breaks(&format!("mailbox-{generation}"), |t| t.extended_key_usage = usages.to_vec(), expected);
    }
}

#[test]
fn keys_and_signatures_keep_to_their_encodings() {
    let key = |spki: Vec<u8>| move |t: &mut CertificateTemplate| t.spki = spki;
    breaks("mailbox-strict", key(rsa(2048, 3)), &[]);
    breaks("mailbox-strict", key(rsa(1024, 3)), &["rsa_key"]);
    breaks("mailbox-strict", key(rsa(2052, 3)), &["rsa_key"]);
    breaks("mailbox-strict", key(rsa(2048, 1)), &["rsa_key"]);
    breaks("mailbox-strict", key(rsa(2048, 4)), &["rsa_key"]);
    let k256 = ObjectIdentifier::new_unwrap("1.3.132.0.10");
    let other = spki(&der::sequence(&[der::oid(&oid::EC_PUBLIC_KEY), der::oid(&k256)]), &[4]);
    breaks("mailbox-strict", key(other), &["public_key_algorithm"]);
    let bare = |t: &mut CertificateTemplate| {
        t.spki = spki(
            &der::sequence(&[der::oid(&oid::RSA_ENCRYPTION)]),
            &der::sequence(&[der::unsigned(&[0xff; 256]), der::integer(3)]),
        );
    };
    breaks("mailbox-strict", bare, &["public_key_algorithm"]);
    let template = sound("mailbox-strict");
    let sha1 = issue(&template, &AlgorithmIdentifier::with_null(oid::SHA1_WITH_RSA), &|_| Ok(vec![0])).unwrap();
    assert_eq!(codes(&lint(&sha1)), ["signature_algorithm"]);
}

#[test]
fn ml_dsa_is_allowed_since_its_ballot() {
    let ml_dsa = |from: &str| {
        let mut template = sound("mailbox-strict");
        template.spki = spki(&der::sequence(&[der::oid(&keys::ML_DSA[0])]), &[1; 32]);
        (template.not_before, template.not_after) = (time(from), time(from).plus(86_400));
        signed(&template)
    };
    assert_eq!(codes(&lint(&ml_dsa("2025-08-21T23:59:59Z"))), ["public_key_algorithm"]);
    assert_eq!(codes(&lint(&ml_dsa("2025-08-22T00:00:00Z"))), [""; 0]);
    assert_eq!(codes(&lint_as(&ml_dsa("2025-08-21T23:59:59Z"), "mailbox-strict".parse().unwrap())), [""; 0]);
}

#[test]
fn serial_numbers_are_positive_and_unguessable() {
    breaks("mailbox-strict", |t| t.serial = vec![0], &["serial_number", "serial_number_entropy"]);
    breaks("mailbox-strict", |t| t.serial = vec![1; 7], &["serial_number_entropy"]);
    breaks("mailbox-strict", |t| t.serial = vec![1; 20], &[]);
    breaks("mailbox-strict", |t| t.serial = vec![1; 21], &["serial_number"]);
    // der::unsigned keeps numbers positive: 20 octets with the highest bit set become 21.
    breaks("mailbox-strict", |t| t.serial = vec![0xff; 20], &["serial_number"]);
}

#[test]
fn a_certificate_claims_one_profile() {
    let two = ["2.23.140.1.5.1.2", "2.23.140.1.5.1.3"];
    let report = breaks("mailbox-strict", |t| replace(t, policies(&two)), &["reserved_policy"]);
    assert_eq!(report.profile, Some("mailbox-strict".parse().unwrap()));
    let mut template = sound("mailbox-strict");
    replace(&mut template, policies(&["1.2.3"]));
    let unclaimed = signed(&template);
    let report = lint(&unclaimed);
    assert_eq!((report.profile, codes(&report), report.judged()), (None, vec!["reserved_policy"], 1));
    assert_eq!(codes(&lint_as(&unclaimed, "mailbox-strict".parse().unwrap())), ["reserved_policy"]);
    let strict = signed(&sound("mailbox-strict"));
    assert_eq!(codes(&lint_as(&strict, "mailbox-multipurpose".parse().unwrap())), ["reserved_policy"]);
    template.extended_key_usage = vec![SERVER_AUTH];
    assert_eq!(lint(&signed(&template)).judged(), 0);
}

#[test]
fn dates_and_authorities_are_told_apart() {
    let early = |t: &mut CertificateTemplate| {
        t.not_before = time("2023-08-31T23:59:59Z");
        t.key_usage = None;
    };
    let report = breaks("mailbox-strict", early, &[]);
    assert!(matches!(report.outcome("key_usage_present"), Some(Outcome::NotEffective)));
    assert!(report.outcome("no_such_clause").is_none());
    let late = |t: &mut CertificateTemplate| t.not_before = time("2025-07-15T00:00:00Z");
    breaks("mailbox-legacy", late, &["legacy_generation_ended"]);
    let authority = signed(&sound("mailbox-strict").for_authority(None));
    assert_eq!(lint(&authority).judged(), 0);
    let broken = codes(&lint_as(&authority, "mailbox-strict".parse().unwrap()));
    assert_eq!(broken, ["key_usage_purpose", "basic_constraints"]);
    let pretender = |t: &mut CertificateTemplate| t.role = crate::cert::issue::Role::Authority { path_len: Some(0) };
    breaks("mailbox-strict", pretender, &["basic_constraints"]);
}

#[test]
fn issuers_say_where_they_and_their_lists_are() {
    let without = |oid: ObjectIdentifier| move |t: &mut CertificateTemplate| t.extensions.retain(|e| e.oid != oid);
    breaks("mailbox-strict", without(oid::CRL_DISTRIBUTION_POINTS), &["crl_points_present"]);
    breaks("mailbox-strict", without(oid::AUTHORITY_INFO_ACCESS), &["aia_present"]);
    breaks("mailbox-strict", |t| t.issuer_key_identifier = None, &["authority_key_identifier"]);
    let (http, ldap) = ("http://ca.example.com/1.crl", "ldap://ca.example.com/cn=1");
    breaks("mailbox-strict", |t| replace(t, crl_points(&[http, ldap])), &["crl_points_http"]);
    breaks("mailbox-legacy", |t| replace(t, crl_points(&[http, ldap])), &[]);
    breaks("mailbox-legacy", |t| replace(t, crl_points(&[ldap])), &["crl_points_http"]);
    breaks("mailbox-strict", |t| replace(t, access(&[(OCSP, http)])), &["aia_ca_issuers"]);
    breaks("mailbox-strict", |t| replace(t, access(&[(OCSP, ldap), (ISSUERS, http)])), &["aia_http"]);
    for inner in ["http://ca/ca.cer", "http://ca.corp:80/ca.cer", "http://u@ca.local./"] {
        breaks("mailbox-strict", |t| replace(t, access(&[(ISSUERS, inner)])), &["aia_public_host"]);
    }
    for outer in ["http://192.0.2.1/ca.cer", "http://[2001:db8::1]:80/ca.cer"] {
        breaks("mailbox-strict", |t| replace(t, access(&[(ISSUERS, outer)])), &[]);
    }
}

#[test]
fn subjects_keep_to_the_table_of_their_profile() {
    let add = |more: Vec<(ObjectIdentifier, &'static str)>| {
        move |t: &mut CertificateTemplate| {
            let mut all: Vec<_> = t.subject.attributes().map(|(oid, text)| (*oid, text.to_owned())).collect();
            all.extend(more.into_iter().map(|(oid, text)| (oid, text.to_owned())));
            let all: Vec<_> = all.iter().map(|(oid, text)| (*oid, text.as_str())).collect();
            t.subject = Name::build(&all);
        }
    };
    breaks("mailbox-strict", add(vec![(oid::ORGANIZATION, "E")]), &["subject_attributes_mailbox"]);
    breaks("mailbox-legacy", add(vec![(oid::USER_ID, "alice")]), &["subject_attributes_mailbox"]);
    breaks("organization-strict", add(vec![(oid::SURNAME, "L")]), &["subject_attributes_organization"]);
    breaks("organization-multipurpose", add(vec![(oid::STREET, "S"), (oid::LOCALITY, "L")]), &[]);
    breaks(
        "organization-strict",
        add(vec![(oid::STREET, "S"), (oid::LOCALITY, "L")]),
        &["subject_attributes_organization"],
    );
    breaks("organization-multipurpose", add(vec![(oid::STREET, "S")]), &["place_attributes"]);
    breaks("organization-legacy", add(vec![(oid::USER_ID, "alice")]), &[]);
    breaks("organization-strict", add(vec![(oid::LOCALITY, "-")]), &["placeholder_attribute"]);
    breaks("organization-strict", add(vec![(oid::COMMON_NAME, "Example")]), &[]);
    breaks("organization-strict", add(vec![(oid::COMMON_NAME, "EXAMPLE")]), &["common_name"]);
    breaks("sponsor-strict", add(vec![(PSEUDONYM, "A.")]), &["name_or_pseudonym"]);
    breaks("individual-strict", add(vec![(oid::COUNTRY, "ZZ")]), &["country_name"]);
    breaks("individual-strict", add(vec![(oid::COUNTRY, "XX")]), &[]);
    let only =
        |name: Vec<(ObjectIdentifier, &'static str)>| move |t: &mut CertificateTemplate| t.subject = Name::build(&name);
    breaks("individual-legacy", only(vec![(oid::COMMON_NAME, "Alice")]), &[]);
    breaks(
        "individual-strict",
        only(vec![(oid::COMMON_NAME, "Alice")]),
        &["common_name", "subject_attributes_individual"],
    );
    breaks("individual-strict", only(vec![(oid::COMMON_NAME, "A."), (PSEUDONYM, "A.")]), &[]);
    breaks("individual-strict", only(vec![(oid::COMMON_NAME, "B."), (PSEUDONYM, "A.")]), &["common_name"]);
}

#[test]
fn organizations_are_registered_somewhere() {
    let cases: &[(&str, &[&str])] = &[
        ("NTRDE-HRB1", &[]),
        ("VATDE-1-2", &[]),
        ("NTRDE+BY-HRB1", &[]),
        ("GOVDE", &[]),
        ("GOVDE+BY", &[]),
        ("INTXG", &[]),
        ("LEIXG-AEYE00EKXESVZUUEBP67", &[]),
        ("NTRGB-1", &["organization_identifier_country"]),
        ("NTRDE", &["organization_identifier"]),
        ("NTRDE-", &["organization_identifier"]),
        ("NTRDE+BAYE-1", &["organization_identifier"]),
        ("VATDE+BY-1", &["organization_identifier"]),
        ("LEIDE-1", &["organization_identifier"]),
        ("INTXG-1", &["organization_identifier"]),
        ("TAXDE-1", &["organization_identifier"]),
        ("GOV", &["organization_identifier"]),
        ("", &["placeholder_attribute", "organization_identifier"]),
        ("äöü", &["organization_identifier"]),
    ];
    for (identifier, expected) in cases {
        let subject = [(oid::COUNTRY, "DE"), (ORGANIZATION_IDENTIFIER, *identifier), (oid::ORGANIZATION, "Example")];
        breaks("organization-strict", |t| t.subject = Name::build(&subject), expected);
    }
}

#[test]
fn further_extensions_stand_only_where_they_may() {
    let with = |oid: &str, critical: bool| {
        let oid = ObjectIdentifier::new_unwrap(oid);
        move |t: &mut CertificateTemplate| t.extensions.push(Extension { oid, critical, value: vec![0x30, 0] })
    };
    let (lei, role) = ("1.3.6.1.4.1.52266.1", "1.3.6.1.4.1.52266.2");
    breaks("mailbox-strict", with(lei, false), &["lei"]);
    breaks("organization-strict", with(lei, false), &[]);
    breaks("organization-strict", with(lei, true), &["lei"]);
    breaks("organization-strict", with(role, false), &["lei"]);
    breaks("sponsor-strict", with(role, false), &[]);
    breaks("mailbox-strict", with("2.5.29.9", false), &["subject_directory_attributes"]);
    breaks("individual-legacy", with("2.5.29.9", false), &[]);
    breaks("mailbox-strict", with("1.3.6.1.5.5.7.1.3", true), &["qc_statements_not_critical"]);
    breaks("mailbox-strict", with("1.2.840.113583.1.1.9.1", false), &["adobe_absent"]);
    breaks("mailbox-multipurpose", with("1.2.840.113583.1.1.9.1", true), &["adobe_not_critical"]);
}

#[test]
fn every_flipped_byte_is_survived() {
    let bytes = signed(&sound("sponsor-strict")).der().to_vec();
    for at in 0..bytes.len() {
        for flip in [1, 0x20, 0x80, 0xff] {
            let mut other = bytes.clone();
            other[at] ^= flip;
            if let Ok(read) = Certificate::from_der(&other) {
                for profile in BrProfile::all() {
                    lint_as(&read, profile);
                }
                lint(&read);
            }
        }
    }
}
