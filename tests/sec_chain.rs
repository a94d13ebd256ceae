//! Chains, names, policies and revocation under attack: the rows SEC-32 and SEC-105 to SEC-120, one test or more each.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::lists::{List, Response, Says, data, entry, extension, responses};
use common::people::{Authority, common_name, now, serial, years};
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cert::chain::{self, ChainOutcome, ChainRequest, ChainVerdict, PathInputs};
use smime::cert::crl::{Crl, RevocationReason};
use smime::cert::extension::{Extension, KeyUsage};
use smime::cert::issue::{CertificateTemplate, Role};
use smime::cert::ocsp::{CertId, OcspResponse};
use smime::cert::policies::{Initially, PolicyInputs};
use smime::cert::purpose::Purpose;
use smime::cert::revocation::{RevocationStatus, WantedKind};
use smime::crypto::algorithm::DigestAlgorithm;
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::{Certificate, Limits, Message, Opener, Policy, Requirement, RevocationData, Signer, Trust, cert};
use std::time::{Duration, Instant};

fn judge(leaf: &Certificate, extra: &[Certificate], root: &Authority, lists: &[&RevocationData]) -> ChainOutcome {
    let limits = Limits::default();
    chain::build(&ChainRequest {
        extra,
        purpose: Purpose::Sign,
        revocation: lists,
        ..ChainRequest::new(leaf, &root.trust(), now(), &limits)
    })
}

fn codes(outcome: &ChainOutcome) -> Vec<&'static str> {
    outcome.reasons.iter().map(|reason| reason.code).collect()
}

/// Why the status is not known.
#[track_caller]
fn unknown(outcome: &ChainOutcome) -> Vec<&'static str> {
    match outcome.revocation() {
        RevocationStatus::Unknown(whys) => whys.iter().map(|why| why.code).collect(),
        other => panic!("{other:?} {:?}", outcome.reasons),
    }
}

fn add(oid: &str, critical: bool, value: Vec<u8>) -> impl FnOnce(&mut CertificateTemplate) {
    let oid = oid.parse().unwrap();
    move |template| template.extensions.push(Extension { oid, critical, value })
}

fn quick(what: &str, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    // Far beyond what is needed, and far below what an unbounded search takes.
    assert!(start.elapsed() < Duration::from_secs(20), "{what} took {:?}", start.elapsed());
}

#[test]
fn sec_032_a_revoked_signer_is_refused() {
    let root = Authority::root("Root");
    let alice = root.person("Alice", "alice@example.com");
    let policy = Policy::default();
    let mail = b"From: alice@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";
    let signed = Signer::new(&alice, &policy).unwrap().sign(&Message::parse(mail).unwrap(), now()).unwrap();
    let trust = root.trust();
    let (good, revoked) = (data([List::default().by(&root)]), data([List::of(alice.certificate()).by(&root)]));
    let opened = Opener::new(&trust, &policy).with_revocation(&good).open(&signed, now()).unwrap();
    assert!(opened.judge(Requirement::SignedBySender).is_ok());
    let opened = Opener::new(&trust, &policy).with_revocation(&revoked).open(&signed, now()).unwrap();
    let (_, reasons) = opened.judge(Requirement::SignedBySender).unwrap_err();
    assert_eq!(reasons[0].code, "revoked");
    assert!(reasons[0].text.contains("2026-11-24T07:00:00Z (keyCompromise)"), "{}", reasons[0]);
    // SEC-134: data that was asked for and is not there is not "not revoked".
    let nothing = RevocationData::default();
    let opened = Opener::new(&trust, &policy).with_revocation(&nothing).open(&signed, now()).unwrap();
    assert_eq!(opened.judge(Requirement::SignedBySender).unwrap_err().1[0].code, "revocation_missing");
    let soft = Opener::new(&trust, &policy).with_revocation(&nothing).revocation(smime::RevocationMode::Soft);
    assert!(soft.open(&signed, now()).unwrap().judge(Requirement::SignedBySender).is_ok());
}

#[test]
fn sec_105_crowds_and_cliques_end_with_the_budget() {
    let root = Authority::root("Root");
    let issuing = root.authority("Issuing", |_| {});
    let leaf = issuing.user("Alice", |t| t.issuer_key_identifier = None);
    let crowd: Vec<Certificate> =
        (0..1000).map(|_| root.authority("Issuing", |t| t.issuer_key_identifier = None).certificate).collect();
    quick("a crowd", || {
        let outcome = judge(&leaf, &crowd, &root, &[]);
        assert_eq!((outcome.verdict, codes(&outcome)[0]), (ChainVerdict::Unchecked, "path_budget"));
    });
    let clique: Vec<Authority> = (0..12).map(|n| root.authority(&format!("C{n}"), |_| {})).collect();
    let crossed: Vec<Certificate> = clique.iter().flat_map(|a| clique.iter().map(|b| a.cross(b))).collect();
    let leaf = clique[0].user("Alice", |_| {});
    let stranger = Authority::root("Stranger");
    quick("a clique", || {
        let outcome = judge(&leaf, &crossed, &stranger, &[]);
        assert_ne!(outcome.verdict, ChainVerdict::Anchored);
    });
}

#[test]
fn sec_106_name_constraints_spend_a_budget() {
    let root = Authority::root("Root");
    let bases: Vec<Vec<u8>> = (0..5000)
        .map(|n| der::sequence(&[der::primitive(Tag::context(1), format!("h{n}.example.com").as_bytes())]))
        .collect();
    let constraints = der::sequence(&[der::constructed(Tag::context(0), &bases)]);
    let issuing = root.authority("Issuing", add("2.5.29.30", true, constraints));
    let leaf = issuing.user("Alice", |t| {
        t.emails = (0..5000).map(|n| format!("a@h{n}.example.com").parse().unwrap()).collect();
    });
    quick("comparisons", || {
        let outcome = judge(&leaf, std::slice::from_ref(&issuing.certificate), &root, &[]);
        assert_eq!((outcome.verdict, codes(&outcome)[0]), (ChainVerdict::Unchecked, "path_budget"));
        assert!(outcome.reasons[0].text.contains("250000"), "{}", outcome.reasons[0]);
    });
}

fn constrained(root: &Authority, permitted: &[&str], excluded: &[&str]) -> Authority {
    let list = |number, names: &[&str]| match names {
        [] => Vec::new(),
        names => {
            let bases: Vec<_> =
                names.iter().map(|name| der::sequence(&[der::primitive(Tag::context(1), name.as_bytes())])).collect();
            der::constructed(Tag::context(number), &bases)
        }
    };
    root.authority("Issuing", add("2.5.29.30", true, der::sequence(&[list(0, permitted), list(1, excluded)])))
}

#[test]
fn sec_107_every_mail_constraint_counts() {
    let root = Authority::root("Root");
    let rows: [(&[&str], &[&str], &str, bool); 11] = [
        (&["example.com"], &[], "a@example.com", true),
        (&["EXAMPLE.com"], &[], "a@example.com", true),
        (&["example.com"], &[], "a@mail.example.com", false),
        (&[".example.com"], &[], "a@mail.example.com", true),
        (&[".example.com"], &[], "a@example.com", false),
        (&["a@example.com", "a@example.org"], &[], "a@example.com", true),
        (&["a@example.com", "a@example.org"], &[], "a@example.net", false),
        (&["example.com"], &["a@example.com"], "a@example.com", false),
        (&["example.com."], &[], "a@example.com", false),
        (&["*"], &[], "a@example.com", false),
        (&[""], &[], "a@example.com", true),
    ];
    for (permitted, excluded, address, expected) in rows {
        let issuing = constrained(&root, permitted, excluded);
        let leaf = issuing.user("Alice", |t| t.emails = vec![address.parse().unwrap()]);
        let outcome = judge(&leaf, std::slice::from_ref(&issuing.certificate), &root, &[]);
        assert_eq!(outcome.verdict == ChainVerdict::Anchored, expected, "{permitted:?} {excluded:?} {address}");
        assert!(expected || codes(&outcome)[0] == "name_constraints");
    }
}

#[test]
fn sec_108_constraints_bind_every_name_of_the_leaf() {
    let root = Authority::root("Root");
    let issuing = constrained(&root, &["example.com"], &[]);
    let extra = std::slice::from_ref(&issuing.certificate);
    let subject_email = issuing.user("Alice", |t| {
        t.subject = smime::cert::name::Name::build(&[(oid::ID_EMAIL_ADDRESS, "ceo@victim.example")]);
    });
    let utf8 = issuing.user("Alice", |t| t.emails = vec!["jürgen@victim.example".parse().unwrap()]);
    for leaf in [subject_email, utf8] {
        assert_eq!(codes(&judge(&leaf, extra, &root, &[])), ["name_constraints"]);
    }
    // A form that nobody evaluates, constrained and present.
    let base = der::sequence(&[der::sequence(&[der::primitive(Tag::context(8), &[42])])]);
    let odd = root.authority("Odd", add("2.5.29.30", true, der::sequence(&[der::retag(Tag::context(0), &base)])));
    let name = der::sequence(&[der::primitive(Tag::context(8), &[42])]);
    let leaf = odd.user("Alice", |t| {
        t.emails.clear();
        add("2.5.29.17", false, name)(t);
    });
    assert_eq!(codes(&judge(&leaf, std::slice::from_ref(&odd.certificate), &root, &[])), ["name_constraints"]);
}

#[test]
fn sec_109_who_is_no_ca_issues_nothing() {
    let root = Authority::root("Root");
    type Change = fn(&mut CertificateTemplate);
    let rows: [(Change, &str); 6] = [
        (|t| (t.role, t.key_usage) = (Role::EndEntity, None), "not_a_ca"),
        (|t| t.role = Role::EndEntity, "not_a_ca"),
        (|t| t.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE), "key_usage"),
        (|t| add("1.2.3.4", true, vec![5, 0])(t), "unknown_critical_extension"),
        (|t| add("2.5.29.30", false, vec![5, 0])(t), "malformed_extension"),
        (|t| (t.role, t.extensions) = (Role::EndEntity, vec![basic(&[0x30, 3, 1, 1, 0])]), "not_a_ca"),
    ];
    for (change, code) in rows {
        let issuing = root.authority("Issuing", change);
        let outcome = judge(&issuing.user("Alice", |_| {}), std::slice::from_ref(&issuing.certificate), &root, &[]);
        assert_eq!((outcome.verdict, codes(&outcome)[0]), (ChainVerdict::Rejected, code), "{:?}", outcome.reasons);
    }
    let short = root.authority("Short", |t| t.role = Role::Authority { path_len: Some(0) });
    let below = short.authority("Below", |_| {});
    let extra = [short.certificate.clone(), below.certificate.clone()];
    assert_eq!(codes(&judge(&below.user("Alice", |_| {}), &extra, &root, &[])), ["path_length_exceeded"]);
    // An extension that stands there twice gives a certificate two meanings.
    let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
    let mut twice =
        CertificateTemplate::new(common_name("x"), Some(&root.certificate), &serial(), years(), &key.public_key_spki());
    twice.extensions = vec![basic(&[0x30, 0]), basic(&[0x30, 0])];
    let tbs = twice.tbs(&Authority::scheme());
    let raw = der::sequence(&[tbs.clone(), Authority::scheme().to_der(), der::bits(&root.sign(&tbs))]);
    assert!(matches!(Certificate::from_der(&raw), Err(cert::Error::DuplicateExtension { .. })));
    // Curve parameters of the issuer's own making are no named curve (CVE-2020-0601).
    let curve = der::sequence(&[der::oid(&oid::EC_PUBLIC_KEY), der::sequence(&[der::integer(1)])]);
    let explicit = der::sequence(&[curve, der::bits(&[4; 65])]);
    let forged = root.authority("Forged", |t| t.spki = explicit);
    let outcome = judge(&forged.user("Alice", |_| {}), std::slice::from_ref(&forged.certificate), &root, &[]);
    assert!(matches!(codes(&outcome)[0], "unsupported_algorithm" | "unusable_key"), "{:?}", outcome.reasons);
}

fn basic(value: &[u8]) -> Extension {
    Extension { oid: oid::BASIC_CONSTRAINTS, critical: true, value: value.to_vec() }
}

fn policy(n: u64) -> Vec<u8> {
    der::oid(&format!("1.3.6.1.4.1.99999.{n}").parse().unwrap())
}

fn policies(range: std::ops::Range<u64>) -> Vec<u8> {
    der::sequence(&range.map(|n| der::sequence(&[policy(n)])).collect::<Vec<_>>())
}

#[test]
fn sec_110_policies_that_multiply_end_with_the_budget() {
    let root = Authority::root("Root");
    // Each level maps each of its policies to every one of the next level: a tree of 40^6 nodes, and a graph of 240.
    let mut above = Authority::root("unused");
    let mut extra = Vec::new();
    for level in 0..6u64 {
        let own = level * 40..level * 40 + 40;
        let mapped: Vec<Vec<u8>> = own
            .clone()
            .flat_map(|from| (0..40).map(move |to| der::sequence(&[policy(from), policy((level + 1) * 40 + to)])))
            .collect();
        let issuer = if level == 0 { &root } else { &above };
        let next = issuer.authority(&format!("L{level}"), |t| {
            add("2.5.29.32", false, policies(own))(t);
            add("2.5.29.33", false, der::sequence(&mapped))(t);
        });
        extra.push(next.certificate.clone());
        above = next;
    }
    let leaf = above.user("Alice", add("2.5.29.32", false, policies(240..280)));
    let inputs = PathInputs {
        policies: PolicyInputs { explicit: Initially::Set, ..PolicyInputs::default() },
        ..PathInputs::default()
    };
    let mut limits = Limits::default();
    let ask = |limits: &Limits| {
        chain::build(&ChainRequest {
            extra: &extra,
            inputs: &inputs,
            ..ChainRequest::new(&leaf, &root.trust(), now(), limits)
        })
    };
    quick("policies", || {
        let outcome = ask(&limits);
        assert_eq!(outcome.verdict, ChainVerdict::Anchored, "{:?}", outcome.reasons);
        assert_eq!(outcome.policies.user.len(), 40);
    });
    limits.policy_nodes = 100;
    let outcome = ask(&limits);
    assert_eq!((outcome.verdict, codes(&outcome)[0]), (ChainVerdict::Unchecked, "path_budget"));
    // What is no policy extension at all is never ignored, critical or not.
    for bad in [vec![0x30, 0], vec![5, 0], der::sequence(&[der::sequence(&[policy(1)]), der::sequence(&[policy(1)])])] {
        let leaf = root.user("Alice", add("2.5.29.32", false, bad));
        assert_eq!(codes(&judge(&leaf, &[], &root, &[])), ["malformed_extension"]);
    }
}

#[test]
fn sec_111_anchors_are_what_the_caller_says() {
    let root = Authority::root("Root");
    let issuing = root.authority("Issuing", |_| {});
    let leaf = issuing.user("Alice", |_| {});
    let limits = Limits::default();
    let ask = |anchor: &Certificate| {
        let trust = Trust::new([anchor.clone()]);
        chain::build(&ChainRequest::new(&leaf, &trust, now(), &limits)).verdict
    };
    // An intermediate that is trusted ends the path; the leaf that is trusted is the path.
    assert_eq!(ask(&issuing.certificate), ChainVerdict::Anchored);
    assert_eq!(ask(&leaf), ChainVerdict::Anchored);
    assert_eq!(ask(&root.certificate), ChainVerdict::Rejected);
    let old = root.authority("Old", |t| t.not_after = "2026-02-01T00:00:00Z".parse().unwrap());
    let below = old.user("Alice", |_| {});
    let trust = Trust::new([old.certificate.clone()]);
    let outcome = chain::build(&ChainRequest::new(&below, &trust, now(), &limits));
    assert_eq!(codes(&outcome), ["certificate_expired"]);
}

#[test]
fn sec_112_unknown_keys_end_a_path_and_not_the_search() {
    let root = Authority::root("Root");
    let issuing = root.authority("Issuing", |_| {});
    let leaf = issuing.user("Alice", |_| {});
    let mut extra = Vec::new();
    // DSA, GOST R 34.10-2012, ML-DSA-65: the same name, another key.
    for algorithm in ["1.2.840.10040.4.1", "1.2.643.7.1.1.1.1", "2.16.840.1.101.3.4.3.18"] {
        let algorithm = der::sequence(&[der::oid(&algorithm.parse().unwrap())]);
        let spki = der::sequence(&[algorithm, der::bits(&[1; 64])]);
        extra.push(root.authority("Issuing", |t| t.spki = spki).certificate);
    }
    let outcome = judge(&leaf, &extra, &root, &[]);
    assert_eq!(outcome.verdict, ChainVerdict::Rejected);
    extra.push(issuing.certificate.clone());
    assert_eq!(judge(&leaf, &extra, &root, &[]).verdict, ChainVerdict::Anchored);
}

#[test]
fn sec_113_two_algorithms_and_odd_bits_are_refused() {
    let root = Authority::root("Root");
    let leaf = root.user("Alice", |_| {});
    let outside = smime::crypto::algorithm::SignatureScheme::Ecdsa(DigestAlgorithm::Sha384).identifier();
    let raw = der::sequence(&[leaf.tbs().to_vec(), outside.to_der(), der::bits(leaf.signature())]);
    assert!(matches!(Certificate::from_der(&raw), Err(cert::Error::SignatureAlgorithms { .. })));
    let odd = der::primitive(Tag::BIT_STRING, &[&[1], leaf.signature()].concat());
    let raw = der::sequence(&[leaf.tbs().to_vec(), Authority::scheme().to_der(), odd]);
    let outcome = Certificate::from_der(&raw).map(|odd| judge(&odd, &[], &root, &[]));
    assert!(outcome.is_err() || outcome.is_ok_and(|o| o.verdict == ChainVerdict::Rejected));
}

#[test]
fn sec_114_lists_that_do_not_cover_say_nothing() {
    let root = Authority::root("Root");
    let leaf = root.user("Alice", |_| {});
    let with = |change: fn(&mut List)| {
        let mut list = List::default();
        change(&mut list);
        judge(&leaf, &[], &root, &[&data([list.by(&root)])])
    };
    assert_eq!(with(|_| {}).revocation(), RevocationStatus::Good);
    assert_eq!(with(|list| list.number = None).revocation(), RevocationStatus::Good, "only deltas need a number");
    type Row = (fn(&mut List), &'static str);
    let rows: [Row; 10] = [
        (|l| l.next_update = Some(now().plus(-1)), "crl_expired"),
        (|l| l.this_update = now().plus(1), "crl_not_yet_valid"),
        (|l| l.next_update = None, "crl_unusable"),
        (|l| l.base = Some(5), "revocation_missing"),
        (|l| l.extensions.push(extension("1.2.3.4", true, &[5, 0])), "crl_unusable"),
        (|l| l.entries.push(entry(&[99], None, &[extension("1.2.3.4", true, &[5, 0])])), "crl_unusable"),
        (|l| l.extensions.push(extension("2.5.29.28", true, &[0x30, 3, 0x82, 1, 0xff])), "revocation_missing"),
        (|l| l.extensions.push(extension("2.5.29.28", true, &[0x30, 3, 0x85, 1, 0xff])), "revocation_missing"),
        (|l| l.extensions.push(extension("2.5.29.28", true, &[0x30, 4, 0x83, 2, 0, 0x40])), "crl_scope"),
        (|l| l.extensions.push(extension("2.5.29.28", true, &[5, 0])), "crl_unusable"),
    ];
    for (at, (change, why)) in rows.into_iter().enumerate() {
        assert_eq!(unknown(&with(change)), [why], "row {at}");
    }
    // Another CA's list, a list by a key that may not sign lists, and a list whose signature is wrong.
    let other = Authority::root("Root");
    assert_eq!(unknown(&judge(&leaf, &[], &root, &[&data([List::default().by(&other)])])), ["crl_signature_invalid"]);
    let mute = root.authority("Mute", |t| t.key_usage = Some(KeyUsage::KEY_CERT_SIGN));
    let below = mute.user("Bob", |_| {});
    let lists = data([List::default().by(&mute), List::default().by(&root)]);
    let outcome = judge(&below, std::slice::from_ref(&mute.certificate), &root, &[&lists]);
    assert_eq!(unknown(&outcome), ["crl_issuer_untrusted"]);
    // What is missing is named with its address.
    let point = der::explicit(0, &der::retag(Tag::context(0), &der::sequence(&[uri("http://crl.example.com/a.crl")])));
    let points = der::sequence(&[der::sequence(&[point])]);
    let told = root.user("Carol", add("2.5.29.31", false, points));
    let outcome = judge(&told, &[], &root, &[&RevocationData::default()]);
    assert_eq!(outcome.wanted[0].what, WantedKind::Crl);
    assert_eq!(outcome.wanted[0].urls, ["http://crl.example.com/a.crl"]);
}

fn uri(text: &str) -> Vec<u8> {
    der::primitive(Tag::context(6), text.as_bytes())
}

#[test]
fn sec_114_deltas_continue_a_list_and_nothing_else() {
    let root = Authority::root("Root");
    let leaf = root.user("Alice", |_| {});
    let base = || List { number: Some(10), ..List::default() };
    let delta = |base, number, reason| List {
        number: Some(number),
        base: Some(base),
        entries: vec![entry(leaf.serial(), Some(reason), &[])],
        ..List::default()
    };
    let ask = |lists: Vec<Crl>| judge(&leaf, &[], &root, &[&data(lists)]).revocation();
    assert!(matches!(ask(vec![base().by(&root), delta(10, 11, 1).by(&root)]), RevocationStatus::Revoked { .. }));
    // A delta to a later base, an older delta, and a delta by another key are none.
    assert_eq!(ask(vec![base().by(&root), delta(11, 12, 1).by(&root)]), RevocationStatus::Good);
    assert_eq!(ask(vec![base().by(&root), delta(5, 9, 1).by(&root)]), RevocationStatus::Good);
    let stranger = Authority::root("Root");
    assert_eq!(ask(vec![base().by(&root), delta(10, 11, 1).by(&stranger)]), RevocationStatus::Good);
    // Taken off the list again.
    let held = List { entries: vec![entry(leaf.serial(), Some(6), &[])], ..base() };
    match ask(vec![held.by(&root)]) {
        RevocationStatus::Revoked { reason, .. } => assert_eq!(reason, RevocationReason::CertificateHold),
        other => panic!("{other:?}"),
    }
    assert_eq!(ask(vec![held.by(&root), delta(10, 11, 8).by(&root)]), RevocationStatus::Good);
}

#[test]
fn sec_115_a_list_of_a_million_entries() {
    let limits = Limits::default();
    let root = Authority::root("Root");
    let leaf = root.user("Alice", |_| {});
    let entries: Vec<Vec<u8>> =
        (0..1_000_000u32).map(|n| entry(&[&[1], n.to_be_bytes().as_slice()].concat(), None, &[])).collect();
    let list = List { entries, ..List::default() };
    let raw = list.signed(&root);
    quick("a long list", || {
        let crl = Crl::from_der(&raw, &limits).unwrap();
        assert_eq!(crl.len(), 1_000_000);
        let lists = data([crl]);
        for _ in 0..100 {
            assert_eq!(judge(&leaf, &[], &root, &[&lists]).revocation(), RevocationStatus::Good);
        }
    });
    let too_small = {
        let mut limits = limits.clone();
        limits.crl_bytes = raw.len() - 1;
        limits
    };
    assert!(matches!(Crl::from_der(&raw, &too_small), Err(cert::Error::CrlTooLarge { .. })));
    assert!(Crl::from_der(&raw[..raw.len() / 2], &limits).is_err());
}

#[test]
fn sec_116_of_several_lists_the_newest_counts() {
    let root = Authority::root("Root");
    let leaf = root.user("Alice", |_| {});
    let older = List { number: Some(9), this_update: now().plus(-7200), ..List::default() };
    let newer = List::of(&leaf);
    for lists in [[older.by(&root), newer.by(&root)], [newer.by(&root), older.by(&root)]] {
        let outcome = judge(&leaf, &[], &root, &[&data(lists)]);
        assert!(matches!(outcome.revocation(), RevocationStatus::Revoked { .. }));
    }
    // A forged newer one does not hide the older.
    let stranger = Authority::root("Root");
    let forged = List { number: Some(99), this_update: now(), ..List::default() };
    let outcome = judge(&leaf, &[], &root, &[&data([newer.by(&root), forged.by(&stranger)])]);
    assert!(matches!(outcome.revocation(), RevocationStatus::Revoked { .. }));
}

#[test]
fn sec_117_responses_bind_to_certificate_issuer_and_responder() {
    let root = Authority::root("Root");
    let leaf = root.user("Alice", |_| {});
    let ask = |response: OcspResponse| judge(&leaf, &[], &root, &[&responses([response])]);
    let about = |says| Response::about(&leaf, &root, says);
    assert_eq!(ask(about(Says::Good).read()).revocation(), RevocationStatus::Good);
    assert!(matches!(ask(about(Says::Revoked).read()).revocation(), RevocationStatus::Revoked { .. }));
    assert_eq!(unknown(&ask(about(Says::Unknown).read())), ["ocsp_unknown"]);
    let id = |digest| CertId::of(&leaf, &root.certificate, digest);
    for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384] {
        let response = Response { about: id(digest), ..about(Says::Good) };
        assert_eq!(ask(response.read()).revocation(), RevocationStatus::Good);
    }
    // About another certificate, or of another issuer's key.
    let bob = root.user("Bob", |_| {});
    assert_eq!(unknown(&ask(Response::about(&bob, &root, Says::Good).read())), ["revocation_missing"]);
    let twin = Authority::root("Root");
    let wrong_key =
        Response { about: CertId::of(&leaf, &twin.certificate, DigestAlgorithm::Sha1), ..about(Says::Good) };
    assert_eq!(unknown(&ask(wrong_key.read())), ["revocation_missing"]);
    // Signed by the issuer's namesake, by a stranger, by somebody whom the issuer certified for something else.
    assert_eq!(unknown(&ask(Response { signer: &twin, ..about(Says::Good) }.read())), ["ocsp_signature_invalid"]);
    let responder = |usages: Vec<const_oid::ObjectIdentifier>, by: &Authority| {
        by.authority("Responder", |t| {
            (t.role, t.extended_key_usage) = (Role::EndEntity, usages);
            t.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE);
        })
    };
    let delegate = |signer: &Authority| {
        let certificates = vec![signer.certificate.clone()];
        ask(Response { signer, certificates, ..about(Says::Good) }.read())
    };
    assert_eq!(delegate(&responder(vec![oid::OCSP_SIGNING], &root)).revocation(), RevocationStatus::Good);
    assert_eq!(unknown(&delegate(&responder(vec![oid::EMAIL_PROTECTION], &root))), ["ocsp_unauthorized"]);
    assert_eq!(unknown(&delegate(&responder(vec![], &root))), ["ocsp_unauthorized"]);
    assert_eq!(unknown(&delegate(&responder(vec![oid::OCSP_SIGNING], &twin))), ["ocsp_unauthorized"]);
    assert_eq!(unknown(&delegate(&Authority::root("Responder"))), ["ocsp_unauthorized"]);
    let old = root.authority("Responder", |t| {
        (t.role, t.extended_key_usage) = (Role::EndEntity, vec![oid::OCSP_SIGNING]);
        t.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE);
        t.not_after = now().plus(-1);
    });
    assert_eq!(unknown(&delegate(&old)), ["ocsp_unauthorized"]);
    // Stale, of the future, without end and not of today; with a critical extension.
    let stale = Response { next_update: Some(now().plus(-1)), ..about(Says::Good) };
    assert_eq!(unknown(&ask(stale.read())), ["ocsp_expired"]);
    let future = Response { this_update: now().plus(3600), ..about(Says::Good) };
    assert_eq!(unknown(&ask(future.read())), ["ocsp_not_yet_valid"]);
    let endless = Response { this_update: now().plus(-200_000), next_update: None, ..about(Says::Good) };
    assert_eq!(unknown(&ask(endless.read())), ["ocsp_expired"]);
    let odd = Response { single_extensions: vec![extension("1.2.3.4", true, &[5, 0])], ..about(Says::Good) };
    assert_eq!(unknown(&ask(odd.read())), ["ocsp_unusable"]);
    // The nonce of another request.
    let repeated = Response { nonce: Some(vec![1; 16]), ..about(Says::Good) }.read();
    for (sent, good) in [(vec![1; 16], true), (vec![2; 16], false)] {
        let data = responses([repeated.clone()]).with_nonce(sent);
        let outcome = judge(&leaf, &[], &root, &[&data]);
        assert_eq!(outcome.revocation() == RevocationStatus::Good, good);
        assert!(good || unknown(&outcome) == ["ocsp_nonce_mismatch"]);
    }
    // tryLater is no response.
    let later = OcspResponse::from_der(&[0x30, 3, 10, 1, 3], &Limits::default());
    assert!(matches!(later, Err(cert::Error::OcspStatus("tryLater"))));
}

#[test]
fn sec_118_revoked_is_revoked_whatever_the_signer_claims() {
    let root = Authority::root("Root");
    let alice = root.person("Alice", "alice@example.com");
    let policy = Policy::default();
    let mail = b"From: alice@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";
    // Claims to have signed months before the revocation.
    let early = "2026-02-01T00:00:00Z".parse().unwrap();
    let signed = Signer::new(&alice, &policy).unwrap().sign(&Message::parse(mail).unwrap(), early).unwrap();
    let (trust, lists) = (root.trust(), data([List::of(alice.certificate()).by(&root)]));
    let opened = Opener::new(&trust, &policy).with_revocation(&lists).open(&signed, now()).unwrap();
    assert_eq!(opened.judge(Requirement::SignedBySender).unwrap_err().1[0].code, "revoked");
}

#[test]
fn sec_119_odd_names_of_distribution_points_are_compared_as_bytes() {
    let root = Authority::root("Root");
    let names = |number: u32, content: &[u8]| {
        let name = match number {
            3 | 5 => der::constructed(Tag::context(number), &[content]),
            number => der::primitive(Tag::context(number), content),
        };
        der::explicit(0, &der::retag(Tag::context(0), &der::sequence(&[name])))
    };
    for number in [3, 5, 8] {
        let point = der::sequence(&[der::sequence(&[names(number, &[2, 1, 7])])]);
        let leaf = root.user("Alice", add("2.5.29.31", false, point));
        let list = |content: &[u8]| {
            let scope = der::sequence(&[names(number, content)]);
            data([List { extensions: vec![extension("2.5.29.28", true, &scope)], ..List::default() }.by(&root)])
        };
        assert_eq!(judge(&leaf, &[], &root, &[&list(&[2, 1, 7])]).revocation(), RevocationStatus::Good, "{number}");
        assert_eq!(unknown(&judge(&leaf, &[], &root, &[&list(&[2, 1, 8])])), ["revocation_missing"], "{number}");
    }
}

#[test]
fn sec_120_validity_is_exact_to_the_second() {
    let root = Authority::root("Root");
    let limits = Limits::default();
    let leaf = root.user("Alice", |t| {
        t.not_before = now();
        t.not_after = now().plus(60);
    });
    let forever = root.user("Bob", |t| t.not_after = "9999-12-31T23:59:59Z".parse().unwrap());
    let ask = |leaf: &Certificate, at| {
        codes(&chain::build(&ChainRequest::new(leaf, &root.trust(), at, &limits))).first().copied()
    };
    assert_eq!(ask(&leaf, now().plus(-1)), Some("certificate_not_yet_valid"));
    assert_eq!(ask(&leaf, now()), None);
    assert_eq!(ask(&leaf, now().plus(60)), None);
    assert_eq!(ask(&leaf, now().plus(61)), Some("certificate_expired"));
    assert_eq!(ask(&forever, now()), None);
}
