//! Chains of every kind, made here with P-256 keys.

use super::*;
use crate::asn1::der;
use crate::cert::extension::Extension;
use crate::cert::issue::{CertificateTemplate, Role, issue};
use crate::cert::mailbox::Mailboxes;
use crate::cert::name::Name;
use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::private::PrivateKey;
use crate::crypto::signature::KeyKind;

const SCHEME: SignatureScheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);
const SERVER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

/// A CA: key and certificate.
#[derive(Clone)]
struct Ca {
    key: std::rc::Rc<PrivateKey>,
    certificate: Certificate,
}

fn key() -> std::rc::Rc<PrivateKey> {
    std::rc::Rc::new(PrivateKey::generate(KeyKind::P256, 0).unwrap())
}

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn now() -> Time {
    at("2026-11-24T08:00:00Z")
}

fn name(text: &str) -> Name {
    Name::build(&[(oid::COMMON_NAME, text)])
}

fn sign(template: &CertificateTemplate, key: &PrivateKey) -> Certificate {
    issue(template, &SCHEME.identifier(), &|tbs| key.sign(&SCHEME, tbs).map_err(Into::into)).unwrap()
}

fn template(subject: &str, issuer: Option<&Ca>, key: &PrivateKey) -> CertificateTemplate {
    let validity = (at("2026-01-01T00:00:00Z"), at("2030-01-01T00:00:00Z"));
    let issuer = issuer.map(|ca| &ca.certificate);
    CertificateTemplate::new(name(subject), issuer, &[1], validity, &key.public_key_spki())
}

fn root(subject: &str) -> Ca {
    let key = key();
    let certificate = sign(&template(subject, None, &key).for_authority(None), &key);
    Ca { key, certificate }
}

impl Ca {
    fn sub_with(&self, subject: &str, change: impl FnOnce(&mut CertificateTemplate)) -> Ca {
        let key = key();
        let mut template = template(subject, Some(self), &key).for_authority(None);
        change(&mut template);
        Ca { certificate: sign(&template, &self.key), key }
    }

    fn sub(&self, subject: &str) -> Ca {
        self.sub_with(subject, |_| {})
    }

    /// The same subject and key, certified by another CA.
    fn cross(&self, by: &Ca) -> Certificate {
        let subject = self.certificate.subject().common_name().unwrap();
        sign(&template(subject, Some(by), &self.key).for_authority(None), &by.key)
    }

    fn user_with(&self, change: impl FnOnce(&mut CertificateTemplate)) -> Certificate {
        let emails = ["alice@example.com".parse().unwrap()];
        let mut template = template("Alice", Some(self), &key()).for_mail(&emails, KeyUsage::DIGITAL_SIGNATURE);
        change(&mut template);
        sign(&template, &self.key)
    }

    fn user(&self) -> Certificate {
        self.user_with(|_| {})
    }
}

fn ask(leaf: &Certificate, extra: &[&Ca], anchors: &[&Ca], limits: &Limits) -> ChainOutcome {
    let extra: Vec<_> = extra.iter().map(|ca| ca.certificate.clone()).collect();
    ask_with(leaf, &extra, &anchors.iter().map(|ca| ca.certificate.clone()).collect::<Vec<_>>(), limits)
}

fn ask_with(leaf: &Certificate, extra: &[Certificate], anchors: &[Certificate], limits: &Limits) -> ChainOutcome {
    build(&ChainRequest {
        extra,
        purpose: Purpose::Sign,
        ..ChainRequest::new(leaf, &Trust::new(anchors.to_vec()), now(), limits)
    })
}

fn codes(outcome: &ChainOutcome) -> Vec<&'static str> {
    outcome.reasons.iter().map(|reason| reason.code).collect()
}

/// Expects a rejection for these reasons over a path of this length.
#[track_caller]
fn rejected(outcome: &ChainOutcome, expected: &[&str], length: usize) {
    assert_eq!(codes(outcome), expected, "{:#?}", outcome.reasons);
    assert_eq!((outcome.verdict, outcome.path.len()), (ChainVerdict::Rejected, length));
}

#[track_caller]
fn anchored(outcome: &ChainOutcome, path: &[&Certificate]) {
    assert_eq!(outcome.verdict, ChainVerdict::Anchored, "{:#?}", outcome.reasons);
    assert!(outcome.reasons.is_empty());
    assert_eq!(outcome.path.iter().collect::<Vec<_>>(), path);
}

#[test]
fn three_levels_in_any_order() {
    let limits = Limits::default();
    let root = root("Root");
    let (issuing, other) = (root.sub("Issuing"), root.sub("Other"));
    let leaf = issuing.user();
    let outcome = ask(&leaf, &[&root, &other, &issuing], &[&root], &limits);
    anchored(&outcome, &[&leaf, &issuing.certificate, &root.certificate]);
    assert!(outcome.notes.is_empty(), "{:?}", outcome.notes);

    rejected(&ask(&leaf, &[&other], &[&root], &limits), &["issuer_not_found"], 1);
    let foreign = self::root("Foreign");
    rejected(&ask(&leaf, &[&issuing, &root], &[&foreign], &limits), &["untrusted_chain"], 3);
    let unasked = ask(&leaf, &[&issuing, &root], &[], &limits);
    assert_eq!(
        (unasked.verdict, codes(&unasked), unasked.path.len()),
        (ChainVerdict::Unchecked, vec!["no_anchors"], 3)
    );
}

#[test]
fn anchors_are_trusted_as_they_are() {
    let limits = Limits::default();
    let root = root("Root");
    let issuing = root.sub("Issuing");
    let leaf = issuing.user();
    // An anchor that is not self-signed ends the path; a leaf that is an anchor is the path.
    anchored(&ask(&leaf, &[&root], &[&issuing], &limits), &[&leaf, &issuing.certificate]);
    anchored(&ask_with(&leaf, &[], std::slice::from_ref(&leaf), &limits), &[&leaf]);
    // A user's self-signed certificate that is trusted for itself must not issue others.
    let key = key();
    let own = template("Eve", None, &key).for_mail(&["eve@example.com".parse().unwrap()], KeyUsage::DIGITAL_SIGNATURE);
    let eve = Ca { certificate: sign(&own, &key), key };
    anchored(&ask_with(&eve.certificate, &[], std::slice::from_ref(&eve.certificate), &limits), &[&eve.certificate]);
    rejected(&ask(&eve.user(), &[], &[&eve], &limits), &["not_a_ca", "key_usage"], 2);
    rejected(&ask_with(&eve.certificate, &[], std::slice::from_ref(&leaf), &limits), &["untrusted_chain"], 1);
}

#[test]
fn dates_are_told_with_their_values() {
    let limits = Limits::default();
    let root = root("Root");
    let late = root.sub_with("Issuing", |t| t.not_before = at("2027-01-01T00:00:00Z"));
    let leaf = late.user_with(|t| t.not_after = at("2026-11-24T07:59:59Z"));
    let outcome = ask(&leaf, &[&late], &[&root], &limits);
    rejected(&outcome, &["certificate_not_yet_valid", "certificate_expired"], 3);
    let expired = &outcome.reasons[1].text;
    assert_eq!(
        expired,
        "the certificate of \"CN=Alice\" expired at 2026-11-24T07:59:59Z; it is judged at 2026-11-24T08:00:00Z"
    );
    let last_second = root.user_with(|t| t.not_after = now());
    anchored(&ask(&last_second, &[], &[&root], &limits), &[&last_second, &root.certificate]);
    let key = key();
    let mut old = template("Old", None, &key).for_authority(None);
    old.not_after = at("2026-02-01T00:00:00Z");
    let old = Ca { certificate: sign(&old, &key), key };
    rejected(&ask(&old.user(), &[], &[&old], &limits), &["certificate_expired"], 2);
}

#[test]
fn who_is_no_ca_issues_nothing() {
    let limits = Limits::default();
    let root = root("Root");
    type Change = fn(&mut CertificateTemplate);
    let cases: &[(Change, &[&str])] = &[
        (|t| t.role = Role::EndEntity, &["not_a_ca"]),
        (|t| (t.role, t.key_usage) = (Role::EndEntity, None), &["not_a_ca"]),
        (|t| t.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE), &["key_usage"]),
        (|t| t.key_usage = None, &[]),
        (|t| t.extended_key_usage = vec![SERVER], &["extended_key_usage"]),
        (|t| t.extended_key_usage = vec![oid::EMAIL_PROTECTION], &[]),
        (|t| t.extended_key_usage = vec![oid::ANY_EXTENDED_KEY_USAGE], &[]),
        (|t| t.extensions = vec![extension("1.2.3.4", true, &[5, 0])], &["unknown_critical_extension"]),
        (|t| t.extensions = vec![extension("1.2.3.4", false, &[5, 0])], &[]),
        (|t| t.extensions = vec![extension("2.5.29.36", true, &[0x30, 0])], &["malformed_extension"]),
        (|t| t.extensions = vec![extension("2.5.29.36", true, &[0x30, 3, 0x80, 1, 0])], &["no_valid_policy"]),
        (|t| t.extensions = vec![extension("2.5.29.32", false, &[0x30, 0])], &["malformed_extension"]),
        (|t| t.extensions = vec![extension("2.5.29.30", false, &[5, 0])], &["malformed_extension"]),
        (
            |t| {
                t.role = Role::EndEntity;
                t.extensions = vec![extension("2.5.29.19", true, &[0x30, 0])];
            },
            &["not_a_ca"],
        ),
        (
            |t| {
                t.role = Role::EndEntity;
                t.extensions = vec![extension("2.5.29.19", true, &[0x30, 1])];
            },
            &["malformed_extension"],
        ),
    ];
    for (number, (change, expected)) in cases.iter().enumerate() {
        let issuing = root.sub_with("Issuing", change);
        let outcome = ask(&issuing.user(), &[&issuing], &[&root], &limits);
        assert_eq!(codes(&outcome), *expected, "case {number}: {:?}", outcome.reasons);
        assert_eq!(outcome.path.len(), 3, "case {number}");
    }
}

fn extension(oid: &str, critical: bool, value: &[u8]) -> Extension {
    Extension { oid: ObjectIdentifier::new_unwrap(oid), critical, value: value.to_vec() }
}

#[test]
fn the_leaf_is_held_to_its_purpose() {
    let limits = Limits::default();
    let root = root("Root");
    type Change = fn(&mut CertificateTemplate);
    let cases: &[(Change, &[&str])] = &[
        (|t| t.extended_key_usage = vec![SERVER], &["extended_key_usage"]),
        (|t| t.key_usage = Some(KeyUsage::KEY_ENCIPHERMENT), &["key_usage"]),
        (|t| t.extensions = vec![extension("1.2.3.4", true, &[5, 0])], &["unknown_critical_extension"]),
        (
            |t| {
                t.key_usage = None;
                t.extensions = vec![extension("2.5.29.15", true, &[5, 0])];
            },
            &["malformed_extension"],
        ),
    ];
    for (number, (change, expected)) in cases.iter().enumerate() {
        let outcome = ask(&root.user_with(change), &[], &[&root], &limits);
        assert_eq!(codes(&outcome), *expected, "case {number}: {:?}", outcome.reasons);
        assert_eq!((outcome.verdict, outcome.path.len()), (ChainVerdict::Rejected, 2));
    }
}

#[test]
fn path_lengths_do_not_count_the_leaf_or_the_self_issued() {
    let limits = Limits::default();
    let root = root("Root");
    let none = root.sub_with("None below", |t| t.role = Role::Authority { path_len: Some(0) });
    let leaf = none.user();
    anchored(&ask(&leaf, &[&none], &[&root], &limits), &[&leaf, &none.certificate, &root.certificate]);
    let below = none.sub("Below");
    rejected(&ask(&below.user(), &[&none, &below], &[&root], &limits), &["path_length_exceeded"], 4);
    // The CA rolls its key over: same name, new key, certified by the old one.
    let rolled = none.sub("None below");
    let leaf = rolled.user();
    let outcome = ask(&leaf, &[&none, &rolled], &[&root], &limits);
    anchored(&outcome, &[&leaf, &rolled.certificate, &none.certificate, &root.certificate]);
}

#[test]
fn cross_certificates_and_loops() {
    let limits = Limits::default();
    let (one, two) = (root("One"), root("Two"));
    let issuing = one.sub("Issuing");
    let leaf = issuing.user();
    let over = one.cross(&two);
    let back = two.cross(&one);
    // Only Two is trusted: the way leads over the cross certificate, past the loop between One and Two.
    let extra = [issuing.certificate.clone(), over.clone(), back, one.certificate.clone()];
    let outcome = ask_with(&leaf, &extra, std::slice::from_ref(&two.certificate), &limits);
    anchored(&outcome, &[&leaf, &issuing.certificate, &over, &two.certificate]);
    let nobody = root("Nobody");
    let outcome = ask_with(&leaf, &extra, std::slice::from_ref(&nobody.certificate), &limits);
    assert_eq!(outcome.verdict, ChainVerdict::Rejected);
    assert!(matches!(codes(&outcome)[..], ["untrusted_chain" | "issuer_not_found"]), "{:?}", outcome.reasons);

    // Of two certificates for one CA, the expired one is passed by.
    let old = sign(
        &{
            let mut old = template("Issuing", Some(&one), &issuing.key).for_authority(None);
            old.not_after = at("2026-02-01T00:00:00Z");
            old
        },
        &one.key,
    );
    let outcome = ask_with(&leaf, &[old, issuing.certificate.clone()], std::slice::from_ref(&one.certificate), &limits);
    anchored(&outcome, &[&leaf, &issuing.certificate, &one.certificate]);
}

#[test]
fn signatures_by_others_are_told_from_missing_issuers() {
    let limits = Limits::default();
    let root = root("Root");
    let impostor = self::root("Root");
    // The key identifier says that another Root issued it.
    rejected(&ask(&impostor.user(), &[], &[&root], &limits), &["issuer_not_found"], 1);
    // Without one, or with that of the real one, the signature is what is wrong.
    let forged =
        impostor.user_with(|t| t.issuer_key_identifier = root.certificate.subject_key_identifier().map(Into::into));
    let outcome = ask(&forged, &[], &[&root], &limits);
    rejected(&outcome, &["certificate_signature_invalid"], 2);
    assert!(outcome.reasons[0].text.contains("CN=Alice"), "{}", outcome.reasons[0].text);
    // Both are there: the right one is found.
    let real = root.user_with(|t| t.issuer_key_identifier = None);
    let outcome = ask(&real, &[&impostor], &[&impostor, &root], &limits);
    anchored(&outcome, &[&real, &root.certificate]);
}

#[test]
fn unknown_algorithms_end_a_path_and_not_the_search() {
    let limits = Limits::default();
    let root = root("Root");
    let issuing = root.sub("Issuing");
    let odd = issue(
        &template("Issuing", Some(&root), &issuing.key).for_authority(None),
        &crate::crypto::algorithm::AlgorithmIdentifier::new(oid::ED448),
        &|_| Ok(vec![1; 40]),
    )
    .unwrap();
    let leaf = issuing.user();
    let anchors = std::slice::from_ref(&root.certificate);
    rejected(&ask_with(&leaf, std::slice::from_ref(&odd), anchors, &limits), &["unsupported_algorithm"], 3);
    let outcome = ask_with(&leaf, &[odd, issuing.certificate.clone()], anchors, &limits);
    anchored(&outcome, &[&leaf, &issuing.certificate, &root.certificate]);
}

#[test]
fn name_constraints_bind_leaf_and_intermediates() {
    let limits = Limits::default();
    let root = root("Root");
    let constrained = |base: &str| {
        let base = der::sequence(&[der::primitive(crate::asn1::ber::Tag::context(1), base.as_bytes())]);
        let value = der::sequence(&[der::constructed(crate::asn1::ber::Tag::context(0), &[base])]);
        root.sub_with("Issuing", |t| {
            t.extensions = vec![Extension { oid: oid::NAME_CONSTRAINTS, critical: true, value }];
        })
    };
    let (inside, outside) = (constrained("example.com"), constrained(".example.com"));
    let leaf = inside.user();
    anchored(&ask(&leaf, &[&inside], &[&root], &limits), &[&leaf, &inside.certificate, &root.certificate]);
    let outcome = ask(&outside.user(), &[&outside], &[&root], &limits);
    rejected(&outcome, &["name_constraints"], 3);
    assert!(outcome.reasons[0].text.contains("alice@example.com"));
    assert_eq!(Mailboxes::of(&outside.user()).all().len(), 1);
}

#[test]
fn depth_is_bounded() {
    let root = root("Root");
    let mut cas = vec![root.clone()];
    for n in 0..7 {
        cas.push(cas[n].sub(&format!("Level {n}")));
    }
    let all: Vec<&Ca> = cas.iter().collect();
    let (seven, eight) = (cas[6].user(), cas[7].user());
    let limits = Limits::default();
    assert_eq!(ask(&seven, &all, &[&root], &limits).path.len(), 8);
    assert_eq!(ask(&seven, &all, &[&root], &limits).verdict, ChainVerdict::Anchored);
    let outcome = ask(&eight, &all, &[&root], &limits);
    assert_eq!((outcome.verdict, codes(&outcome)[0]), (ChainVerdict::Unchecked, "path_budget"));
    let deeper = Limits { chain_depth: 9, ..Limits::default() };
    assert_eq!(ask(&eight, &all, &[&root], &deeper).verdict, ChainVerdict::Anchored);
}

/// SEC-105: a clique in which everybody certified everybody, and a thousand CAs of one name.
#[test]
fn cliques_and_crowds_spend_their_budget_and_no_more() {
    let limits = Limits::default();
    let root = root("Root");
    let members: Vec<Ca> = (0..12).map(|n| self::root(&format!("Member {n}"))).collect();
    let mut clique = Vec::new();
    for member in &members {
        clique.extend(members.iter().filter(|by| by.certificate != member.certificate).map(|by| member.cross(by)));
    }
    let leaf = members[0].user();
    let started = std::time::Instant::now();
    let outcome = ask_with(&leaf, &clique, std::slice::from_ref(&root.certificate), &limits);
    assert_ne!(outcome.verdict, ChainVerdict::Anchored);
    // One member claims to be issued by the root, so that names alone lead there.
    let mut claim = template("Member 11", Some(&root), &members[11].key).for_authority(None);
    claim.issuer_key_identifier = None;
    clique.push(sign(&claim, &members[11].key));
    let outcome = ask_with(&leaf, &clique, std::slice::from_ref(&root.certificate), &limits);
    assert_eq!((outcome.verdict, codes(&outcome)[0]), (ChainVerdict::Unchecked, "path_budget"));

    let one = key();
    let crowd: Vec<Certificate> = (0..1_000u32)
        .map(|n| {
            let mut member = template("Crowd", Some(&root), &one).for_authority(None);
            member.serial = n.to_be_bytes().to_vec();
            // A key of its own, as far as bytes go.
            if let Some(last) = member.spki.last_mut() {
                *last ^= (n % 251) as u8;
            }
            sign(&member, &one)
        })
        .collect();
    let mut stray = template("Alice", None, &key());
    stray.issuer = name("Crowd");
    let leaf = sign(&stray.for_mail(&["a@example.com".parse().unwrap()], KeyUsage::DIGITAL_SIGNATURE), &root.key);
    let outcome = ask_with(&leaf, &crowd, std::slice::from_ref(&root.certificate), &limits);
    assert_eq!((outcome.verdict, codes(&outcome)[0]), (ChainVerdict::Unchecked, "path_budget"));
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
