//! Timestamps (RFC 3161): those of a real authority, `openssl ts`, and those that an attacker would like to pass for such.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[allow(dead_code)]
#[path = "interop/desk.rs"]
mod desk;
#[path = "timestamps/forge.rs"]
mod forge;
#[path = "timestamps/openssl.rs"]
mod openssl;
#[allow(dead_code)]
#[path = "interop/tally.rs"]
mod tally;

use common::people::{self, now};
use forge::{Oid, Parts, Stamps, Usage, attribute, bound, chain, read, stamped};
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cert::chain::ChainVerdict;
use smime::cms::timestamp::{Timestamp, tokens, verify};
use smime::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm};
use smime::crypto::digest::hash;
use smime::mime::transfer::{Base64Writer, Strictness, TransferEncoding, decode_slice};
use smime::{Limits, Message, Opener, Policy, Reason, Requirement, Signer, Time, Trust};
use std::io::Write;
use std::time::{Duration, Instant};

const SIGNATURE: &[u8] = b"the octets of a signature";
const MAIL: &[u8] = b"From: alice@example.com\r\nTo: bob@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";

/// A mail that Alice has signed: its header, and its CMS structure.
fn signed(root: &people::Authority) -> (String, Vec<u8>) {
    let alice = root.person("Alice", "alice@example.com");
    let policy = Policy::default();
    let signer = Signer::new(&alice, &policy).unwrap().opaque();
    let mail = String::from_utf8(signer.sign(&Message::parse(MAIL).unwrap(), now()).unwrap()).unwrap();
    let (header, body) = mail.split_once("\r\n\r\n").unwrap();
    (header.to_owned(), decode_slice(body.as_bytes(), TransferEncoding::Base64, Strictness::Strict).unwrap())
}

fn mail(header: &str, cms: &[u8]) -> Vec<u8> {
    let mut writer = Base64Writer::new(format!("{header}\r\n\r\n").into_bytes());
    writer.write_all(cms).unwrap();
    writer.finish().unwrap()
}

/// Whether the mail is signed by its sender, as it was before anything was put into its unsigned attributes.
fn assert_by_sender(root: &people::Authority, header: &str, cms: &[u8]) {
    let (trust, policy, mail) = (root.trust(), Policy::default(), mail(header, cms));
    let opened = Opener::new(&trust, &policy).open(&mail, now()).unwrap();
    assert!(opened.judge(Requirement::SignedBySender).is_ok(), "{}", opened.report());
}

/// A sound timestamp but for what `change` does to it, judged.
fn judged(stamps: &Stamps, change: impl FnOnce(&mut Parts)) -> Result<Timestamp, Reason> {
    let mut parts = stamps.parts(SIGNATURE);
    change(&mut parts);
    verify(&stamps.token(&parts), SIGNATURE, &[], &Limits::default())
}

/// The code against it, and that the text names what it should.
fn against(stamps: &Stamps, change: impl FnOnce(&mut Parts), word: &str) -> &'static str {
    let reason = judged(stamps, change).expect_err(word);
    assert!(reason.text.contains(word), "{word}: {reason}");
    reason.code
}

#[test]
fn a_sound_timestamp_passes() {
    let stamps = Stamps::usual();
    let stamp = judged(&stamps, |_| {}).unwrap();
    assert_eq!((stamp.time, &stamp.certificate), (now(), &stamps.certificate));
    assert_eq!(chain(&stamp, &stamps.root.trust(), now()).verdict, ChainVerdict::Anchored);
    assert!(stamp.notes.is_empty(), "{:?}", stamp.notes);
}

#[test]
fn a_token_over_another_signature_is_refused() {
    let stamps = Stamps::usual();
    let mut parts = stamps.parts(b"another signature");
    let token = stamps.token(&parts);
    let limits = Limits::default();
    assert!(verify(&token, b"another signature", &[], &limits).is_ok());
    assert_eq!(verify(&token, SIGNATURE, &[], &limits).unwrap_err().code, "timestamp_imprint_mismatch");
    // Over the element in place of its octets.
    parts.imprint = hash(DigestAlgorithm::Sha256, &der::octets(SIGNATURE));
    let token = stamps.token(&parts);
    assert_eq!(verify(&token, SIGNATURE, &[], &limits).unwrap_err().code, "timestamp_imprint_mismatch");
}

#[test]
fn a_token_with_two_signers_or_with_none_is_refused() {
    let stamps = Stamps::usual();
    for signers in [0, 2] {
        let word = format!("it has {signers} signers");
        assert_eq!(against(&stamps, |parts| parts.signers = signers, &word), "timestamp_invalid");
    }
}

#[test]
fn another_version_is_refused() {
    let stamps = Stamps::usual();
    for version in [0, 2, 3] {
        let word = format!("TSTInfo is of version {version}");
        assert_eq!(against(&stamps, |parts| parts.version = version, &word), "timestamp_invalid");
    }
    for version in [1, 3, 4, 5] {
        assert!(judged(&stamps, |parts| parts.signed_version = version).is_ok(), "{version}");
    }
    assert_eq!(against(&stamps, |parts| parts.signed_version = 2, "SignedData is of version 2"), "timestamp_invalid");
}

#[test]
fn sec_031_a_malformed_gen_time_is_refused() {
    let stamps = Stamps::usual();
    let texts = [
        "20261124080000",
        "202611240800Z",
        "20261124080000+0000",
        "20261124080000.Z",
        "20261124080000,5Z",
        "20260231080000Z",
        "20261124080060Z",
        "2026112408000xZ",
        "",
    ];
    for text in texts {
        let element = der::primitive(Tag::GENERALIZED_TIME, text.as_bytes());
        assert_eq!(against(&stamps, |parts| parts.gen_time = element, "genTime"), "timestamp_invalid", "{text}");
    }
    let utc = der::primitive(Tag::UTC_TIME, b"261124080000Z");
    assert_eq!(against(&stamps, |parts| parts.gen_time = utc, "genTime"), "timestamp_invalid");
}

#[test]
fn an_imprint_of_the_wrong_length_is_refused() {
    let stamps = Stamps::usual();
    let right = hash(DigestAlgorithm::Sha256, SIGNATURE);
    for length in [0, 1, 20, 31] {
        let short = right[..length].to_vec();
        let word = format!("{length} octets instead of 32");
        assert_eq!(against(&stamps, |parts| parts.imprint = short, &word), "timestamp_invalid");
    }
    let long = [&right[..], &[0]].concat();
    assert_eq!(against(&stamps, |parts| parts.imprint = long, "33 octets"), "timestamp_invalid");
    let sha384 = DigestAlgorithm::Sha384.identifier();
    assert_eq!(against(&stamps, |parts| parts.hash = sha384, "32 octets instead of 48"), "timestamp_invalid");
}

#[test]
fn digests_are_of_a_list_and_the_weak_are_noted() {
    let stamps = Stamps::usual();
    for algorithm in DigestAlgorithm::ALL {
        let stamp = judged(&stamps, |parts| {
            parts.hash = algorithm.identifier();
            parts.imprint = hash(algorithm, SIGNATURE);
        });
        let codes: Vec<&str> = stamp.unwrap().notes.iter().map(|note| note.code).collect();
        let weak = matches!(algorithm, DigestAlgorithm::Md5 | DigestAlgorithm::Sha1);
        assert_eq!(codes, if weak { vec!["weak_digest"] } else { Vec::new() }, "{algorithm}");
    }
    let unknown = AlgorithmIdentifier::new(Oid::new_unwrap("1.2.3.4.5"));
    assert_eq!(against(&stamps, |parts| parts.hash = unknown, "1.2.3.4.5"), "timestamp_unsupported");
    let odd = AlgorithmIdentifier::with(oid::SHA256, der::integer(1));
    assert_eq!(against(&stamps, |parts| parts.hash = odd, "parameters"), "timestamp_unsupported");
}

#[test]
fn an_authority_whose_certificate_is_not_for_timestamps_alone_is_not_trusted() {
    let rows: [(Usage<'_>, &str); 5] = [
        (None, "extended_key_usage_absent"),
        (Some((&[oid::TIME_STAMPING], false)), "extended_key_usage_not_critical"),
        (Some((&[oid::TIME_STAMPING, oid::EMAIL_PROTECTION], true)), "extended_key_usage"),
        (Some((&[oid::EMAIL_PROTECTION], true)), "extended_key_usage"),
        (Some((&[oid::ANY_EXTENDED_KEY_USAGE], true)), "extended_key_usage"),
    ];
    for (usage, code) in rows {
        let stamps = Stamps::with(usage);
        let stamp = judged(&stamps, |_| {}).unwrap();
        let outcome = chain(&stamp, &stamps.root.trust(), now());
        let codes: Vec<&str> = outcome.reasons.iter().map(|reason| reason.code).collect();
        assert_eq!((outcome.verdict, codes), (ChainVerdict::Rejected, vec![code]), "{usage:?}");
    }
}

#[test]
fn the_signing_time_of_the_token_itself_says_nothing() {
    let stamps = Stamps::usual();
    for claimed in ["1990-01-01T00:00:00Z", "2090-01-01T00:00:00Z"] {
        let claimed = attribute(&oid::ID_SIGNING_TIME, &[der::time(claimed.parse().unwrap())]);
        let stamp = judged(&stamps, |parts| parts.attributes.push(claimed)).unwrap();
        assert_eq!((stamp.time, stamp.generated.time), (now(), now()));
        assert!(stamp.notes.is_empty());
    }
}

#[test]
fn sec_005_content_of_another_type_is_no_timestamp() {
    let stamps = Stamps::usual();
    for other in [oid::ID_DATA, oid::ID_SIGNED_DATA, oid::ID_CT_AUTH_DATA] {
        let change = |parts: &mut Parts| (parts.content_type, parts.content_type_attribute) = (other, other);
        assert_eq!(against(&stamps, change, "not id-ct-TSTInfo"), "timestamp_invalid");
        // The content says what it should, and what was signed is another thing.
        let change = |parts: &mut Parts| parts.content_type_attribute = other;
        assert_eq!(against(&stamps, change, "the signature is for content of type"), "timestamp_invalid");
    }
    assert_eq!(against(&stamps, |parts| parts.attached = false, "no content"), "timestamp_invalid");
}

#[test]
fn the_certificate_is_the_one_that_the_authority_bound() {
    let [stamps, other] = [(); 2].map(|()| Stamps::usual());
    assert_eq!(against(&stamps, |parts| parts.attributes.clear(), "name no certificate"), "timestamp_invalid");
    let of_other = attribute(&oid::ID_AA_SIGNING_CERTIFICATE_V2, &[bound(&other.certificate)]);
    let change = |parts: &mut Parts| parts.attributes = vec![of_other];
    assert_eq!(against(&stamps, change, "another certificate"), "timestamp_invalid");
    let empty = attribute(&oid::ID_AA_SIGNING_CERTIFICATE_V2, &[der::sequence(&[der::sequence::<&[u8]>(&[])])]);
    assert_eq!(against(&stamps, |parts| parts.attributes = vec![empty], "ESSCertID"), "timestamp_invalid");
    // Bound by a digest that is not known: nothing is known.
    let algorithm = AlgorithmIdentifier::new(Oid::new_unwrap("1.2.3.4.5")).to_der();
    let identifier = der::sequence(&[algorithm, der::octets(&[0; 32])]);
    let value = der::sequence(&[der::sequence(&[identifier])]);
    let unknown = attribute(&oid::ID_AA_SIGNING_CERTIFICATE_V2, &[value]);
    assert_eq!(against(&stamps, |parts| parts.attributes = vec![unknown], "hash"), "timestamp_unsupported");
    // Version 1 of the attribute is by SHA-1, and what RFC 3161 itself asks for.
    let first = der::sequence(&[der::sequence(&[der::sequence(&[der::octets(&stamps.certificate.sha1())])])]);
    let first = attribute(&oid::ID_AA_SIGNING_CERTIFICATE, &[first]);
    let stamp = judged(&stamps, |parts| parts.attributes = vec![first]).unwrap();
    assert_eq!(stamp.notes.iter().map(|n| n.code).collect::<Vec<_>>(), ["ess_v1_sha1"]);
}

#[test]
fn a_token_without_certificates_is_checked_with_those_that_are_known() {
    let [stamps, other] = [(); 2].map(|()| Stamps::usual());
    let mut parts = stamps.parts(SIGNATURE);
    parts.certificates.clear();
    let token = stamps.token(&parts);
    let limits = Limits::default();
    let pools = [[other.certificate.clone()], [stamps.certificate.clone()]];
    let check = |known: &[&[smime::Certificate]]| verify(&token, SIGNATURE, known, &limits);
    assert_eq!(check(&[]).unwrap_err().code, "timestamp_signer_missing");
    assert_eq!(check(&[&pools[0]]).unwrap_err().code, "timestamp_signer_missing");
    assert_eq!(check(&[&pools[0], &pools[1]]).unwrap().certificate, stamps.certificate);
}

#[test]
fn critical_extensions_and_foreign_names_are_refused() {
    let stamps = Stamps::usual();
    let extension = |critical: bool| {
        let critical = if critical { der::boolean(true) } else { Vec::new() };
        let one = der::sequence(&[der::oid(&Oid::new_unwrap("1.2.3.4.9")), critical, der::octets(b"")]);
        der::constructed(Tag::context(1), &[one])
    };
    assert!(judged(&stamps, |parts| parts.rest = vec![extension(false)]).is_ok());
    let word = "critical extension 1.2.3.4.9";
    assert_eq!(against(&stamps, |parts| parts.rest = vec![extension(true)], word), "timestamp_invalid");
    let name = |name: &str| der::explicit(0, &der::explicit(4, people::common_name(name).der()));
    assert!(judged(&stamps, |parts| parts.rest = vec![name("Stamps")]).is_ok());
    assert_eq!(against(&stamps, |parts| parts.rest = vec![name("Mallory")], "Mallory"), "timestamp_invalid");
}

/// So many tokens, each in the unsigned attributes of the signer of the one around it. What stands around the next token
/// stands before it, so that the whole is written from its end.
fn nest(depth: usize, indefinite: bool) -> Vec<u8> {
    let mut reversed: Vec<u8> = Vec::new();
    let (mut after, any) = (Vec::new(), der::oid(&Oid::new_unwrap("1.2")));
    let algorithm = der::sequence(std::slice::from_ref(&any));
    let key = der::primitive(Tag::context(0), b"k");
    let signer = [der::integer(3), key, algorithm.clone(), algorithm.clone(), der::octets(b"")].concat();
    let signed = [der::integer(3), der::set_of(Tag::SET, Vec::new()), algorithm].concat();
    // Inside out: the tag of what is put around, and what stands within it before what is inside.
    let around = [
        (Tag::SET, Vec::new()),
        (Tag::SEQUENCE, der::oid(&oid::ID_AA_TIME_STAMP_TOKEN)),
        (Tag::context(1), Vec::new()),
        (Tag::SEQUENCE, signer),
        (Tag::SET, Vec::new()),
        (Tag::SEQUENCE, signed),
        (Tag::context(0), Vec::new()),
        (Tag::SEQUENCE, der::oid(&oid::ID_SIGNED_DATA)),
    ];
    for _ in 0..depth {
        for (tag, before) in &around {
            reversed.extend(before.iter().rev());
            let mut header = der::header(*tag, true, reversed.len() as u64);
            if indefinite {
                header.truncate(1);
                header.push(0x80);
                after.extend([0, 0]);
            }
            reversed.extend(header.iter().rev());
        }
    }
    reversed.reverse();
    [reversed, after].concat()
}

#[test]
fn sec_039_ten_thousand_nested_tokens_are_one() {
    let stamps = Stamps::usual();
    let started = Instant::now();
    for (depth, indefinite) in [(10_000, false), (10_000, true), (3, true)] {
        let nested = attribute(&oid::ID_AA_TIME_STAMP_TOKEN, &[nest(depth, indefinite)]);
        assert!(nested.len() < Limits::default().element_bytes - 2_000, "{}", nested.len());
        // Within a sound token they change nothing, readable or not.
        let stamp = judged(&stamps, |parts| parts.unsigned = vec![nested.clone()]).unwrap();
        let unreadable = stamp.notes.iter().any(|note| note.code == "unsigned_attributes_unreadable");
        assert_eq!((stamp.time, unreadable), (now(), indefinite && depth > 10), "{depth}");
        // In a message the outermost is the only one that is looked at.
        let (header, cms) = signed(&stamps.root);
        let cms = stamped(&cms, &[nested]);
        let data = read(&cms);
        let found: Vec<&[u8]> = tokens(&data.signers[0]).collect();
        assert_eq!(found.len(), usize::from(!(indefinite && depth > 10)));
        for token in found {
            let refused = verify(token, &data.signers[0].signature, &[], &Limits::default()).unwrap_err();
            assert_eq!(refused.code, "timestamp_invalid");
        }
        assert_by_sender(&stamps.root, &header, &cms);
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn sec_039_a_broken_timestamp_does_not_touch_the_signature() {
    let stamps = Stamps::usual();
    let (header, cms) = signed(&stamps.root);
    let values = [der::null(), der::octets(b"token"), der::sequence(&[der::oid(&oid::ID_SIGNED_DATA)])];
    let several = attribute(&oid::ID_AA_TIME_STAMP_TOKEN, &values);
    let cms = stamped(&cms, &[several.clone(), several, attribute(&oid::ID_AA_TIME_STAMP_TOKEN, &[])]);
    let data = read(&cms);
    let found: Vec<&[u8]> = tokens(&data.signers[0]).collect();
    assert_eq!(found.len(), 6);
    for token in found {
        let refused = verify(token, &data.signers[0].signature, &[], &Limits::default()).unwrap_err();
        assert_eq!(refused.code, "timestamp_invalid");
    }
    assert_by_sender(&stamps.root, &header, &cms);
}

#[test]
fn a_timestamp_among_the_signed_attributes_is_none() {
    // RFC 3161 appendix A has it unsigned; the signature that it would be of does not exist before them.
    let stamps = Stamps::usual();
    let token = stamps.token(&stamps.parts(SIGNATURE));
    let mut parts = stamps.parts(SIGNATURE);
    parts.attributes.push(attribute(&oid::ID_AA_TIME_STAMP_TOKEN, std::slice::from_ref(&token)));
    let around = stamps.token(&parts);
    assert_eq!(tokens(&read(&around).signers[0]).count(), 0);
    parts.attributes.pop();
    parts.unsigned = vec![attribute(&oid::ID_AA_TIME_STAMP_TOKEN, &[token])];
    assert_eq!(tokens(&read(&stamps.token(&parts)).signers[0]).count(), 1);
}

#[test]
fn sec_005_a_token_sent_as_mail_is_no_signed_mail() {
    let stamps = Stamps::usual();
    let token = stamps.token(&stamps.parts(SIGNATURE));
    let header = "From: alice@example.com\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; \
                  smime-type=signed-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64";
    let mail = mail(header, &token);
    let (trust, policy) = (stamps.root.trust(), Policy::default());
    for requirement in [Requirement::Signed, Requirement::Trusted, Requirement::SignedBySender] {
        let opened = Opener::new(&trust, &policy).open(&mail, now()).unwrap();
        assert!(opened.require(requirement).is_err(), "{requirement:?}");
    }
    let nobody = Trust::default();
    let opened = Opener::new(&nobody, &policy).open(&mail, now()).unwrap();
    assert!(opened.judge(Requirement::Signed).is_err());
}

/// A mail stamped at the usual time, opened a day later with a list that names its signer, who was revoked in between.
fn revoked_since(reason: u8) -> (smime::open::report::Signature, Time) {
    use smime::open::report::LayerKind;
    let (people, stamps) = (people::Authority::root("Mail CA"), Stamps::usual());
    let (header, cms) = signed(&people);
    let data = read(&cms);
    let token = stamps.token(&stamps.parts(&data.signers[0].signature));
    let cms = stamped(&cms, &[attribute(&oid::ID_AA_TIME_STAMP_TOKEN, &[token])]);
    let later = now().plus(86_400);
    let signer = data.certificates.iter().find(|one| one.basic_constraints().is_none()).unwrap();
    let entry = der::sequence(&[
        der::primitive(Tag::INTEGER, signer.serial()),
        der::time(now().plus(3600)),
        der::sequence(&[common::lists::extension("2.5.29.21", false, &[10, 1, reason])]),
    ]);
    let list = common::lists::List {
        this_update: later.plus(-60),
        next_update: Some(later.plus(60)),
        entries: vec![entry],
        ..Default::default()
    };
    // The authority for timestamps is known by name and key; its own revocation is not asked.
    let trust = Trust::new([people.certificate.clone(), stamps.root.certificate.clone()]);
    let lists = common::lists::data([list.by(&people)]);
    let (policy, mail) = (Policy::default(), mail(&header, &cms));
    let opened = Opener::new(&trust, &policy).with_revocation(&lists).open(&mail, later).unwrap();
    assert!(opened.judge(Requirement::SignedBySender).is_err(), "revoked is revoked");
    match &opened.report().layers[0].kind {
        LayerKind::Signed(layer) => (layer.signatures[0].clone(), now()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn sec_118_evidence_answers_a_question_of_its_own() {
    use smime::open::report::{Revocation, WhenSigned};
    let (superseded, by) = revoked_since(4);
    assert_eq!(superseded.revocation, Revocation::Revoked);
    assert_eq!(superseded.evidenced.as_ref().map(|evidence| evidence.by), Some(by));
    assert_eq!(superseded.when_signed, WhenSigned::Good);
    assert!(superseded.notes.iter().any(|note| note.code == "revoked_after_signing"));
    let (stolen, _) = revoked_since(1);
    match &stolen.when_signed {
        WhenSigned::NotGood(against) => assert_eq!(against[0].code, "revoked"),
        other => panic!("{other:?}"),
    }
}
