//! The rows SEC-1 to SEC-45 of the table of hostile inputs: signed mail. Each test makes the message of its row by hand, and
//! opens it as any caller would.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::forge::*;
use common::people::{Authority, now, years};
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cert::extension::KeyUsage;
use smime::crypto::algorithm::{AlgorithmIdentifier, ContentCipher, DigestAlgorithm, SignatureScheme};
use smime::crypto::digest::hash;
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::open::report::{Coverage, LayerKind, Strength};
use smime::open::requirement::Shortfall::{Altered, NotTrusted, NothingSigned, Unreadable};
use smime::policy::policy::{AlreadyProtected, Sha1};
use smime::store::import::{self, ImportOptions};
use smime::{
    Certificates, Encryptor, Identity, Keyring, Limits, Message, Opener, Policy, RecipientPlan, Requirement, Signer,
    Trust,
};

const ALICE: &str = "alice@example.com";
const SHA256: DigestAlgorithm = DigestAlgorithm::Sha256;
const BY_SENDER: Requirement = Requirement::SignedBySender;

/// A CA and Alice, whom it vouches for.
fn alice() -> (Authority, Trust, Hand) {
    let ca = Authority::root("Test CA");
    let (trust, alice) = (ca.trust(), Hand::of(&ca, ALICE));
    (ca, trust, alice)
}

fn signer(hand: &Hand) -> common::forge::Signer {
    common::forge::Signer::new(hand, PART)
}

fn replaced(signer: common::forge::Signer, at: usize, attribute: Option<Vec<u8>>) -> common::forge::Signer {
    let mut attributes = signer.attributes.clone().unwrap();
    match attribute {
        Some(attribute) => attributes[at] = attribute,
        None => drop(attributes.remove(at)),
    }
    signer.only(attributes)
}

fn mail(part: &str) -> String {
    format!("From: Alice <alice@example.com>\r\nTo: bob@example.com\r\n{part}")
}

fn signed_by(identity: &Identity, part: &str) -> String {
    let policy = Policy::default();
    let signer = Signer::new(identity, &policy).unwrap();
    String::from_utf8(signer.sign(&Message::parse(mail(part).as_bytes()).unwrap(), now()).unwrap()).unwrap()
}

const TEXT: &str = "Content-Type: text/plain\r\n\r\nPay 10 euros.\r\n";

#[test]
fn what_is_not_forged_passes() {
    let (_, trust, hand) = alice();
    let clear = detached(&hand, &signer(&hand));
    assert_eq!(judge(&trust, &clear, BY_SENDER).content.as_deref(), Some(PART));
    let inside = Structure::new(&hand, signer(&hand).encode(&hand, PART)).holding(PART);
    assert_eq!(judge(&trust, &opaque(&inside.encode()), BY_SENDER).content.as_deref(), Some(PART));
    // Without attributes too, over plain data.
    let mut bare = signer(&hand);
    bare.attributes = None;
    judge(&trust, &detached(&hand, &bare), BY_SENDER).passes_with(&["no_signed_attributes"]);
}

#[test]
fn sec_001_a_content_of_its_own_in_a_detached_signature() {
    let (_, trust, hand) = alice();
    let other = b"Content-Type: text/plain\r\n\r\nPay 99 euros.\r\n";
    for content in [PART, other] {
        let own = common::forge::Signer::new(&hand, content).encode(&hand, content);
        let spoofed = clear(&Structure::new(&hand, own).holding(content).encode());
        judge(&trust, &spoofed, Requirement::Unaltered).fails(Altered, "content_present_in_detached");
    }
}

#[test]
fn sec_002_the_signed_attributes_of_another_mail_as_content() {
    let (_, trust, hand) = alice();
    // What Alice signed once, as the content of a signature without attributes: the arithmetic is right.
    let attributes = der::constructed(Tag::SET, &signer(&hand).attributes.unwrap());
    let mut bare = common::forge::Signer::new(&hand, &attributes);
    bare.attributes = None;
    let spoofed = Structure::new(&hand, bare.encode(&hand, &attributes)).holding(&attributes).encode();
    judge(&trust, &opaque(&spoofed), Requirement::Unaltered).fails(Altered, "content_looks_like_signed_attrs");
}

#[test]
fn sec_003_signatures_without_attributes_are_never_made() {
    let ca = Authority::root("Test CA");
    let alice = ca.person("Alice", ALICE);
    let policy = Policy::default();
    for signer in [Signer::new(&alice, &policy).unwrap(), Signer::new(&alice, &policy).unwrap().opaque()] {
        let signed = signer.sign(&Message::parse(mail(TEXT).as_bytes()).unwrap(), now()).unwrap();
        let opened = judge_by(&ca.trust(), &policy, &signed, BY_SENDER);
        opened.passes_with(&[]);
        assert!(!opened.notes.contains(&"no_signed_attributes"));
    }
    // What resembles attributes is told apart from what does not, for whoever signs raw octets.
    let attributes = der::constructed(Tag::SET, &signer(&Hand::of(&ca, ALICE)).attributes.unwrap());
    assert!(smime::cms::signer_info::resembles_attributes(&attributes));
    assert!(!smime::cms::signer_info::resembles_attributes(PART));
}

#[test]
fn sec_004_content_of_another_type_needs_attributes() {
    let (_, trust, hand) = alice();
    let mut bare = signer(&hand);
    bare.attributes = None;
    let mut structure = Structure::new(&hand, bare.encode(&hand, PART)).holding(PART);
    structure.content_type = der::oid(&oid::ID_CT_COMPRESSED_DATA);
    let outcome = judge(&trust, &opaque(&structure.encode()), Requirement::Unaltered);
    outcome.fails(Unreadable, "unsupported_content_type");
    assert!(outcome.notes.contains(&"signed_attrs_required"), "{:?}", outcome.notes);
    // Where the content stands outside, so that there is no eContent to refuse first.
    structure.content = None;
    judge(&trust, &clear(&structure.encode()), Requirement::Unaltered).fails(Altered, "signed_attrs_required");
}

#[test]
fn sec_005_what_is_no_mail_is_not_shown_as_signed_mail() {
    let (_, trust, hand) = alice();
    let timestamp = const_oid::ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
    for kind in [timestamp, oid::ID_SIGNED_DATA] {
        let attributes = vec![content_type(&kind), message_digest(&hash(SHA256, PART))];
        let mut structure = Structure::new(&hand, signer(&hand).only(attributes).encode(&hand, PART)).holding(PART);
        structure.content_type = der::oid(&kind);
        judge(&trust, &opaque(&structure.encode()), Requirement::None).fails(Unreadable, "unsupported_content_type");
    }
}

#[test]
fn sec_006_the_content_type_attribute() {
    let (_, trust, hand) = alice();
    let forged = [
        replaced(signer(&hand), 0, None),
        replaced(signer(&hand), 0, Some(content_type(&oid::ID_SIGNED_DATA))),
        replaced(signer(&hand), 0, Some(attribute(&oid::ID_CONTENT_TYPE, der::octets(b"x")))),
        replaced(signer(&hand), 0, Some(attribute_of(&oid::ID_CONTENT_TYPE, &[]))),
        signer(&hand).also(content_type(&oid::ID_DATA)),
        signer(&hand).also(content_type(&oid::ID_SIGNED_DATA)),
    ];
    for forged in forged {
        judge(&trust, &detached(&hand, &forged), Requirement::Unaltered).fails(Altered, "content_type_attr");
    }
}

#[test]
fn sec_007_the_message_digest_attribute() {
    let (_, trust, hand) = alice();
    let digest = hash(SHA256, PART);
    let value = der::octets(&digest);
    let forged = [
        (replaced(signer(&hand), 2, None), "message_digest_attr"),
        (signer(&hand).also(message_digest(&digest)), "message_digest_attr"),
        (
            replaced(signer(&hand), 2, Some(attribute_of(&oid::ID_MESSAGE_DIGEST, &[value.clone(), value]))),
            "message_digest_attr",
        ),
        (replaced(signer(&hand), 2, Some(attribute_of(&oid::ID_MESSAGE_DIGEST, &[]))), "message_digest_attr"),
        (
            replaced(signer(&hand), 2, Some(attribute(&oid::ID_MESSAGE_DIGEST, der::bits(&digest)))),
            "message_digest_attr",
        ),
        (replaced(signer(&hand), 2, Some(message_digest(&[]))), "message_digest_mismatch"),
        (replaced(signer(&hand), 2, Some(message_digest(&digest[..31]))), "message_digest_mismatch"),
        (replaced(signer(&hand), 2, Some(message_digest(&[&digest[..], &[0]].concat()))), "message_digest_mismatch"),
    ];
    for (forged, code) in forged {
        judge(&trust, &detached(&hand, &forged), Requirement::Unaltered).fails(Altered, code);
    }
}

#[test]
fn sec_008_attributes_that_are_there_twice() {
    let (_, trust, hand) = alice();
    let time = der::time(now());
    let forged = [
        signer(&hand).also(signing_time()),
        replaced(signer(&hand), 1, Some(attribute_of(&oid::ID_SIGNING_TIME, &[time.clone(), time]))),
        replaced(signer(&hand), 1, Some(attribute_of(&oid::ID_SIGNING_TIME, &[]))),
    ];
    for forged in forged {
        judge(&trust, &detached(&hand, &forged), Requirement::Unaltered).fails(Altered, "duplicate_attr");
    }
}

#[test]
fn sec_009_attributes_that_are_not_in_der_order() {
    let (_, trust, hand) = alice();
    let mut attributes = signer(&hand).attributes.unwrap();
    attributes.sort();
    let sorted = der::constructed(Tag::SET, &attributes);
    attributes.reverse();
    let mut unsorted = signer(&hand).only(attributes);
    // Signed as they stand, as Outlook for Mac does.
    judge(&trust, &detached(&hand, &unsorted), BY_SENDER).passes_with(&["non_der_signed_attrs"]);
    // Signed as RFC 5652 section 5.4 has it, and sent otherwise.
    unsorted.signs = Some(sorted);
    judge(&trust, &detached(&hand, &unsorted), BY_SENDER).passes_with(&["non_der_signed_attrs"]);
    // Neither.
    unsorted.signs = Some(b"something else".to_vec());
    judge(&trust, &detached(&hand, &unsorted), Requirement::Unaltered).fails(Altered, "signature_invalid");
}

#[test]
fn sec_010_a_good_signature_beside_a_bad_one() {
    let (ca, trust, hand) = alice();
    let eve = Hand::of(&ca, "eve@example.com");
    let good = signer(&hand).encode(&hand, PART);
    let mut forged = signer(&eve);
    forged.signs = Some(b"nothing of the kind".to_vec());
    let bad = forged.encode(&eve, PART);
    for signers in [vec![good.clone(), bad.clone()], vec![bad, good]] {
        let mut structure = Structure::new(&hand, Vec::new());
        structure.signers = signers;
        structure.certificates.push(eve.certificate.der().to_vec());
        let outcome = judge(&trust, &clear(&structure.encode()), Requirement::Unaltered);
        outcome.fails(Altered, "signature_invalid");
    }
    // Both intact, and one of a signer whom nobody vouches for.
    let stranger = Hand::of(&Authority::root("Another CA"), ALICE);
    let mut structure = Structure::new(&hand, signer(&hand).encode(&hand, PART));
    structure.signers.push(signer(&stranger).encode(&stranger, PART));
    structure.certificates.push(stranger.certificate.der().to_vec());
    let outcome = judge(&trust, &clear(&structure.encode()), Requirement::Trusted);
    assert_eq!(outcome.shortfall, Some(NotTrusted));
}

#[test]
fn sec_011_two_good_signers_and_one_is_the_sender() {
    let (ca, trust, hand) = alice();
    let eve = Hand::of(&ca, "eve@example.com");
    let mut structure = Structure::new(&hand, signer(&hand).encode(&hand, PART));
    structure.signers.push(signer(&eve).encode(&eve, PART));
    structure.certificates.push(eve.certificate.der().to_vec());
    let mail = clear(&structure.encode());
    judge(&trust, &mail, BY_SENDER).passes_with(&["from_mismatch"]);
    let policy = Policy::default();
    let opened = Opener::new(&trust, &policy).open(mail.as_bytes(), now()).unwrap();
    let LayerKind::Signed(layer) = &opened.report().layers[0].kind else { panic!() };
    let answers: Vec<_> = layer.signatures.iter().map(|s| s.address.to_string()).collect();
    assert_eq!(answers, ["matches", "differs"]);
}

#[test]
fn sec_012_no_signers() {
    let (_, trust, hand) = alice();
    for (certificates, code) in [(true, "no_signers"), (false, "no_signers")] {
        let mut structure = Structure::new(&hand, Vec::new()).holding(PART);
        structure.signers.clear();
        if !certificates {
            structure.certificates.clear();
        }
        judge(&trust, &opaque(&structure.encode()), Requirement::Signed).fails(NothingSigned, code);
        structure.content = None;
        judge(&trust, &clear(&structure.encode()), Requirement::Signed).fails(NothingSigned, code);
    }
}

#[test]
fn sec_013_certificates_alone_are_no_signature() {
    let (_, trust, hand) = alice();
    let mut structure = Structure::new(&hand, Vec::new());
    structure.signers.clear();
    let mail = opaque(&structure.encode());
    judge(&trust, &mail, Requirement::Signed).fails(NothingSigned, "not_signed");
    let policy = Policy::default();
    let opened = Opener::new(&trust, &policy).open(mail.as_bytes(), now()).unwrap();
    assert!(
        matches!(&opened.report().layers[0].kind, LayerKind::Certificates { certificates } if certificates.len() == 1)
    );
}

#[test]
fn sec_014_nobody_vouches_for_the_signer() {
    let (_, trust, _) = alice();
    // Another CA of the same name, a certificate that vouches for itself, and no trust at all.
    let twin = Hand::of(&Authority::root("Test CA"), ALICE);
    let outcome = judge(&trust, &detached(&twin, &signer(&twin)), Requirement::Trusted);
    assert_eq!(outcome.shortfall, Some(NotTrusted), "{}", outcome.text);
    judge(&trust, &detached(&twin, &signer(&twin)), Requirement::Signed).passes_with(&[]);
    judge(&Trust::default(), &detached(&twin, &signer(&twin)), Requirement::Signed).passes_with(&[]);
    let outcome = judge(&Trust::default(), &detached(&twin, &signer(&twin)), Requirement::Trusted);
    assert_eq!(outcome.shortfall, Some(NotTrusted), "{}", outcome.text);
}

#[test]
fn sec_015_unsigned_text_beside_the_signed_part() {
    let (ca, trust, _) = alice();
    let signed = signed_by(&ca.person("Alice", ALICE), TEXT);
    let (outer, entity) = signed.split_once("MIME-Version: 1.0\r\n").unwrap();
    let mixed = format!(
        "{outer}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outside\r\n\r\n--outside\r\n\r\nPay 99.\r\n--outside\r\n{entity}\r\n--outside--\r\n"
    );
    judge(&trust, &mixed, Requirement::Signed).fails(NothingSigned, "covers_part_only");
    let policy = Policy::default();
    let opened = Opener::new(&trust, &policy).open(mixed.as_bytes(), now()).unwrap();
    let layer = &opened.report().layers[0];
    assert_eq!((layer.path.as_str(), layer.coverage), ("2", Coverage::Part));
    // By name the part comes out alone.
    let opened = Opener::new(&trust, &policy).part("2").open(mixed.as_bytes(), now()).unwrap();
    let content = outcome(opened, Requirement::Unaltered).content.unwrap();
    assert!(!String::from_utf8(content).unwrap().contains("99"));
}

#[test]
fn sec_016_a_signed_part_that_is_not_the_message() {
    let (ca, trust, _) = alice();
    let signed = signed_by(&ca.person("Alice", ALICE), TEXT);
    let (outer, entity) = signed.split_once("MIME-Version: 1.0\r\n").unwrap();
    let html = "Content-Type: text/html\r\n\r\nPay 99.<div style=\"display:none\"><img src=\"cid:hidden\">\r\n";
    let attached = entity.replacen("Content-Type:", "Content-Disposition: attachment\r\nContent-Type:", 1);
    let related = entity.replacen("Content-Type:", "Content-ID: <hidden>\r\nContent-Type:", 1);
    for (kind, part) in [("mixed", entity.to_owned()), ("related", related), ("mixed", attached)] {
        let spoofed = format!(
            "{outer}MIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary=outside\r\n\r\n--outside\r\n{html}\r\n--outside\r\n{part}\r\n--outside--\r\n"
        );
        judge(&trust, &spoofed, Requirement::Signed).fails(NothingSigned, "covers_part_only");
    }
}

#[test]
fn sec_017_a_multipart_signed_has_two_parts() {
    let (_, trust, hand) = alice();
    let signed = detached(&hand, &signer(&hand));
    let (head, rest) = signed.split_once("--cut\r\n").unwrap();
    let (part, signature) = rest.split_once("--cut\r\n").unwrap();
    let signature = signature.strip_suffix("--cut--\r\n").unwrap();
    let three = format!("{head}--cut\r\n\r\nPay 99.\r\n--cut\r\n{part}--cut\r\n{signature}--cut--\r\n");
    let one = format!("{head}--cut\r\n{part}--cut--\r\n");
    let swapped = format!("{head}--cut\r\n{signature}--cut\r\n{part}--cut--\r\n");
    for (forged, code) in [(three, "protocol_mismatch"), (one, "multipart_signed_arity"), (swapped, "content_missing")]
    {
        judge(&trust, &forged, Requirement::Unaltered).fails(Unreadable, code);
    }
    let extra = signed.replacen("--cut--", "--cut\r\n\r\nPay 99.\r\n--cut--", 1);
    judge(&trust, &extra, Requirement::Unaltered).fails(Unreadable, "multipart_signed_arity");
}

#[test]
fn sec_018_labels_that_lie_about_the_signature() {
    let (_, trust, hand) = alice();
    let signed = detached(&hand, &signer(&hand));
    // micalg is told where it lies, in any spelling of the truth it is not, and never decides.
    for (micalg, note) in
        [("sha-1", true), ("md5", true), ("sha256", false), ("2.16.840.1.101.3.4.2.1", false), ("SHA-256", false)]
    {
        let outcome = judge(&trust, &signed.replacen("micalg=sha-256", &format!("micalg={micalg}"), 1), BY_SENDER);
        outcome.passes_with(&[]);
        assert_eq!(outcome.notes.contains(&"micalg_mismatch"), note, "{micalg}");
    }
    judge(&trust, &signed.replacen(" micalg=sha-256;", "", 1), BY_SENDER).passes_with(&[]);
    // The older names are the same thing; another kind of part is not a signature.
    for label in ["application/x-pkcs7-signature", "application/octet-stream"] {
        let other = signed.replacen("Content-Type: application/pkcs7-signature", &format!("Content-Type: {label}"), 1);
        judge(&trust, &other, BY_SENDER).passes_with(&[]);
    }
    let other = signed.replacen("Content-Type: application/pkcs7-signature", "Content-Type: text/plain", 1);
    judge(&trust, &other, Requirement::Unaltered).fails(Unreadable, "protocol_mismatch");
    judge(&trust, &signed.replacen("protocol=\"application/pkcs7-signature\"; ", "", 1), BY_SENDER).passes_with(&[]);
    let foreign =
        signed.replacen("protocol=\"application/pkcs7-signature\"", "protocol=\"application/pgp-signature\"", 1);
    assert_eq!(judge(&trust, &foreign, Requirement::Signed).shortfall, Some(NothingSigned));
}

#[test]
fn sec_019_text_around_the_parts() {
    let (_, trust, hand) = alice();
    let signed = detached(&hand, &signer(&hand)).replacen("\r\n--cut\r\n", "\r\nPay 99 first.\r\n--cut\r\n", 1);
    let before = judge(&trust, &signed, BY_SENDER);
    before.passes_with(&["unsigned_preamble_or_epilogue"]);
    let after = judge(&trust, &(detached(&hand, &signer(&hand)) + "And 99 more.\r\n"), BY_SENDER);
    after.passes_with(&["unsigned_preamble_or_epilogue"]);
    for content in [before.content, after.content] {
        assert_eq!(content.as_deref(), Some(PART));
    }
}

#[test]
fn sec_020_the_footer_of_a_mailing_list() {
    let (ca, trust, _) = alice();
    let signed = signed_by(&ca.person("Alice", ALICE), TEXT);
    let (outer, entity) = signed.split_once("MIME-Version: 1.0\r\n").unwrap();
    let listed = format!(
        "{outer}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=list\r\n\r\n--list\r\n{entity}\r\n--list\r\nContent-Type: text/plain\r\n\r\nlist@example.org\r\n--list--\r\n"
    );
    judge(&trust, &listed, Requirement::Signed).fails(NothingSigned, "covers_part_only");
    judge(&trust, &listed, Requirement::Unaltered).passes_with(&[]);
    let policy = Policy::default();
    let opened = Opener::new(&trust, &policy).part("1").open(listed.as_bytes(), now()).unwrap();
    assert_eq!(opened.report().layers[0].coverage, Coverage::Part);
    assert_eq!(outcome(opened, Requirement::Unaltered).content.as_deref(), Some(PART));
}

#[test]
fn sec_021_two_content_types() {
    let (_, trust, hand) = alice();
    let policy = Policy::default();
    let signed = detached(&hand, &signer(&hand));
    let outer = signed.replacen("MIME-Version", "Content-Type: text/plain\r\nMIME-Version", 1);
    let error = Opener::new(&trust, &policy).open(outer.as_bytes(), now()).err().expect("it opened").to_string();
    assert!(error.contains("ambiguous"), "{error}");
    // On the signature part: it is none that could be read.
    let inner = signed.replacen("name=smime.p7s", "name=smime.p7s\r\nContent-Type: text/plain", 1);
    judge(&trust, &inner, Requirement::Unaltered).fails(Unreadable, "signature_part_ambiguous");
}

#[test]
fn sec_022_boundaries_with_two_readings() {
    let (_, trust, hand) = alice();
    let policy = Policy::default();
    let signed = detached(&hand, &signer(&hand));
    let long = "b".repeat(1000);
    for boundary in ["boundary=\"\"", "boundary=cut; boundary=other", &format!("boundary={long}")] {
        let forged = signed.replacen("boundary=cut", boundary, 1);
        match Opener::new(&trust, &policy).open(forged.as_bytes(), now()) {
            Err(error) => assert!(!error.to_string().is_empty()),
            Ok(opened) => assert!(opened.judge(Requirement::Signed).is_err(), "{boundary}"),
        }
    }
    // A longer line that begins like the boundary ends nothing: it is content, and was not signed.
    let prefix = signed.replacen("\r\n\r\nPay 10", "\r\n\r\n--cutter\r\nPay 10", 1);
    judge(&trust, &prefix, Requirement::Unaltered).fails(Altered, "message_digest_mismatch");
}

#[test]
fn sec_023_encodings_with_two_readings() {
    let (_, trust, hand) = alice();
    let signed = detached(&hand, &signer(&hand));
    let (head, rest) = signed.split_once("base64\r\n\r\n").unwrap();
    let (encoded, tail) = rest.split_once("\r\n--cut--").unwrap();
    let line = encoded.find("\r\n").unwrap();
    let junk = format!("{}!!{}", &encoded[..line], &encoded[line..]);
    let padded = format!("{}=={}", &encoded[..line], &encoded[line..]);
    let twice = format!("{encoded}\r\n{encoded}");
    for forged in [junk, padded, twice] {
        let forged = format!("{head}base64\r\n\r\n{forged}\r\n--cut--{tail}");
        assert_eq!(judge(&trust, &forged, Requirement::Unaltered).shortfall, Some(Unreadable));
    }
    let unknown = signed.replacen("Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: x-own", 1);
    judge(&trust, &unknown, Requirement::Unaltered).fails(Unreadable, "transfer_encoding");
    // An encoding on the multipart itself makes it no multipart.
    let encoded = signed.replacen("MIME-Version", "Content-Transfer-Encoding: base64\r\nMIME-Version", 1);
    let policy = Policy::default();
    let passes = Opener::new(&trust, &policy)
        .open(encoded.as_bytes(), now())
        .is_ok_and(|opened| opened.judge(Requirement::Signed).is_ok());
    assert!(!passes);
}

#[test]
fn sec_024_line_ends_and_octets_that_transport_changes() {
    let (_, trust, hand) = alice();
    let signed = detached(&hand, &signer(&hand));
    // Line ends of the transport do not matter; anything else does.
    judge(&trust, &signed.replace("\r\n", "\n"), BY_SENDER).passes_with(&[]);
    for (from, to) in [("euros.", "euros. "), ("euros.", "euros.\r"), ("euros.", "euros.\0")] {
        judge(&trust, &signed.replacen(from, to, 1), Requirement::Unaltered).fails(Altered, "message_digest_mismatch");
    }
    // Signed so by the sender, they are told.
    let odd = "Content-Type: text/plain\r\n\r\nPay\0 10\r euros.\r\n";
    let text = std::str::from_utf8(PART).unwrap();
    let own = common::forge::Signer::new(&hand, odd.as_bytes());
    let mail = clear(&Structure::new(&hand, own.encode(&hand, &[])).encode()).replacen(text, odd, 1);
    judge(&trust, &mail, BY_SENDER).passes_with(&["bare_cr_or_nul"]);
}

#[test]
fn sec_025_digests_that_are_not_announced() {
    let (_, trust, hand) = alice();
    let sha1 = AlgorithmIdentifier::with_null(oid::SHA1).to_der();
    for (digests, holds) in [(vec![], false), (vec![sha1.clone()], false), (vec![sha1], true), (vec![], true)] {
        let mut structure = Structure::new(&hand, signer(&hand).encode(&hand, PART));
        structure.digests = digests;
        let mail = if holds { opaque(&structure.holding(PART).encode()) } else { clear(&structure.encode()) };
        judge(&trust, &mail, BY_SENDER).passes_with(&["digest_not_announced"]);
    }
    let mut structure = Structure::new(&hand, signer(&hand).encode(&hand, PART));
    structure.digests = vec![AlgorithmIdentifier::with_null(oid::SHA256).to_der(); 17];
    let outcome = judge(&trust, &clear(&structure.encode()), Requirement::Unaltered);
    outcome.fails(Unreadable, "signature_unreadable");
    assert!(outcome.text.contains("16"), "{}", outcome.text);
}

#[test]
fn sec_026_algorithms_that_contradict_each_other() {
    let (ca, trust, hand) = alice();
    let forge = |hand: &Hand, digest: Option<DigestAlgorithm>, algorithm: AlgorithmIdentifier| {
        let mut forged = signer(hand);
        if let Some(digest) = digest {
            forged.digest = AlgorithmIdentifier::with_null(digest.oid()).to_der();
        }
        forged.signature_algorithm = algorithm.to_der();
        judge(&trust, &detached(hand, &forged), Requirement::Signed)
    };
    let ecdsa = |digest| SignatureScheme::Ecdsa(digest).identifier();
    forge(&hand, None, ecdsa(DigestAlgorithm::Sha512)).fails(Altered, "algorithm_mismatch");
    forge(&hand, Some(DigestAlgorithm::Sha1), ecdsa(SHA256)).fails(Altered, "algorithm_mismatch");
    forge(&hand, None, SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha1).identifier())
        .fails(Altered, "algorithm_mismatch");
    // A scheme that is not one of the key, with the right digest.
    for scheme in [SignatureScheme::RsaPkcs1(SHA256), SignatureScheme::pss(SHA256)] {
        assert!(forge(&hand, None, scheme.identifier()).shortfall.is_some(), "{scheme}");
    }
    // PSS without parameters is SHA-1 (RFC 4055 section 3.1).
    let defaults = AlgorithmIdentifier::with(oid::RSASSA_PSS, der::sequence::<Vec<u8>>(&[]));
    forge(&hand, None, defaults).fails(Altered, "algorithm_mismatch");
    // Ed25519 stands beside SHA-512 only (RFC 8419 section 3.1).
    let key = PrivateKey::generate(KeyKind::Ed25519, 0).unwrap();
    let edwards = Hand::with(&ca, ALICE, key, SignatureScheme::Ed25519);
    judge(&trust, &detached(&edwards, &signer(&edwards)), BY_SENDER).passes_with(&[]);
    forge(&edwards, Some(SHA256), SignatureScheme::Ed25519.identifier()).fails(Altered, "algorithm_mismatch");
}

fn protection(digest: &AlgorithmIdentifier, signature: Option<&AlgorithmIdentifier>) -> Vec<u8> {
    let mut fields = vec![digest.to_der()];
    fields.extend(signature.map(|id| der::retag(Tag::context(1), &id.to_der())));
    attribute(&oid::ID_AA_CMS_ALGORITHM_PROTECT, der::sequence(&fields))
}

#[test]
fn sec_027_the_protected_algorithms_are_others() {
    let (_, trust, hand) = alice();
    let (digest, scheme) = (AlgorithmIdentifier::new(oid::SHA256), hand.scheme.identifier());
    let sound = signer(&hand).also(protection(&digest, Some(&scheme)));
    judge(&trust, &detached(&hand, &sound), BY_SENDER).passes_with(&[]);
    let other = SignatureScheme::Ecdsa(DigestAlgorithm::Sha512).identifier();
    let forged = [
        protection(&AlgorithmIdentifier::new(oid::SHA512), Some(&scheme)),
        protection(&digest, Some(&other)),
        protection(&digest, None),
        attribute(&oid::ID_AA_CMS_ALGORITHM_PROTECT, der::octets(b"x")),
    ];
    for forged in forged {
        let mail = detached(&hand, &signer(&hand).also(forged));
        judge(&trust, &mail, Requirement::Unaltered).fails(Altered, "algorithm_protection");
    }
}

fn ess_v2(hash: &[u8], algorithm: Option<AlgorithmIdentifier>) -> Vec<u8> {
    let mut identifier: Vec<Vec<u8>> = algorithm.iter().map(AlgorithmIdentifier::to_der).collect();
    identifier.push(der::octets(hash));
    let value = der::sequence(&[der::sequence(&[der::sequence(&identifier)])]);
    attribute(&oid::ID_AA_SIGNING_CERTIFICATE_V2, value)
}

#[test]
fn sec_028_another_certificate_with_the_same_key() {
    let (ca, trust, hand) = alice();
    let bound = signer(&hand).also(ess_v2(&hand.certificate.sha256(), None));
    judge(&trust, &detached(&hand, &bound), BY_SENDER).passes_with(&[]);
    // The same key under another certificate, which the signer did not mean.
    let eve = ca.issue(&template(&ca, "eve@example.com", &hand.key.public_key_spki()));
    let swapped = Hand {
        certificate: eve,
        key: PrivateKey::from_pkcs8(&hand.key.to_pkcs8().unwrap()).unwrap(),
        scheme: hand.scheme,
    };
    let mut forged = signer(&swapped).also(ess_v2(&hand.certificate.sha256(), None));
    judge(&trust, &detached(&swapped, &forged), Requirement::Unaltered).fails(Altered, "ess_mismatch");
    // Two certificates of one issuer and serial number: no choice is made.
    let mut twin = template(&ca, "eve@example.com", &hand.key.public_key_spki());
    twin.serial = hand.certificate.serial().to_vec();
    forged = signer(&hand);
    let mut structure = Structure::new(&hand, forged.encode(&hand, PART));
    structure.certificates.push(ca.issue(&twin).der().to_vec());
    judge(&trust, &clear(&structure.encode()), Requirement::Signed).fails(Altered, "signer_cert_ambiguous");
}

#[test]
fn sec_029_what_should_name_the_certificate_and_does_not() {
    let (_, trust, hand) = alice();
    let v2 = oid::ID_AA_SIGNING_CERTIFICATE_V2;
    for value in [
        der::octets(b"x"),
        der::null(),
        der::sequence(&[der::sequence::<Vec<u8>>(&[])]),
        der::sequence(&[der::octets(b"x")]),
    ] {
        let mail = detached(&hand, &signer(&hand).also(attribute(&v2, value)));
        judge(&trust, &mail, Requirement::Unaltered).fails(Altered, "ess_malformed");
    }
    let unknown = AlgorithmIdentifier::new(const_oid::ObjectIdentifier::new_unwrap("1.2.3.4"));
    let mail = detached(&hand, &signer(&hand).also(ess_v2(&[7; 32], Some(unknown))));
    judge(&trust, &mail, BY_SENDER).passes_with(&["ess_unknown_hash"]);
    let v1 = |hash: &[u8]| {
        let value = der::sequence(&[der::sequence(&[der::sequence(&[der::octets(hash)])])]);
        detached(&hand, &signer(&hand).also(attribute(&oid::ID_AA_SIGNING_CERTIFICATE, value)))
    };
    judge(&trust, &v1(&hand.certificate.sha1()), BY_SENDER).passes_with(&["ess_v1_sha1"]);
    judge(&trust, &v1(&[7; 20]), Requirement::Unaltered).fails(Altered, "ess_mismatch");
}

#[test]
fn sec_030_the_certificate_is_not_in_the_message() {
    let (ca, trust, hand) = alice();
    let mut structure = Structure::new(&hand, signer(&hand).encode(&hand, PART));
    structure.certificates.clear();
    let mail = clear(&structure.encode());
    judge(&trust, &mail, Requirement::Unaltered).passes_with(&["signer_cert_missing"]);
    judge(&trust, &mail, Requirement::Signed).fails(NotTrusted, "signer_cert_missing");
    // Known from elsewhere.
    let known = Trust::new([ca.certificate.clone()]).with_intermediates([hand.certificate.clone()]);
    judge(&known, &mail, BY_SENDER).passes_with(&[]);
}

#[test]
fn sec_031_the_claimed_time_is_told_and_never_used() {
    let (_, trust, hand) = alice();
    let dated = |signer: &common::forge::Signer, date: &str| {
        detached(&hand, signer).replacen("Subject:", &format!("Date: {date}\r\nSubject:"), 1)
    };
    let today = "Tue, 24 Nov 2026 08:30:00 +0000";
    let judged = judge(&trust, &dated(&signer(&hand), today), BY_SENDER);
    judged.passes_with(&[]);
    assert!(!judged.notes.contains(&"signing_time_skew"));
    for date in ["Tue, 24 Nov 2016 08:00:00 +0000", "Tue, 24 Nov 2036 08:00:00 +0000"] {
        judge(&trust, &dated(&signer(&hand), date), BY_SENDER).passes_with(&["signing_time_skew"]);
    }
    let at = |time: &str| replaced(signer(&hand), 1, Some(signing_time_at(time.parse().unwrap())));
    let early = judge(&trust, &detached(&hand, &at("2016-11-24T08:00:00Z")), BY_SENDER);
    early.passes_with(&["signing_time_outside_cert"]);
    judge(&trust, &detached(&hand, &at("2030-11-24T08:00:00Z")), BY_SENDER).passes_with(&["signing_time_skew"]);
    judge(&trust, &detached(&hand, &replaced(signer(&hand), 1, None)), BY_SENDER).passes_with(&[]);
    // Chains are judged at the caller's time, whatever is claimed.
    let policy = Policy::default();
    let later = "2037-01-01T00:00:00Z".parse().unwrap();
    let mail = detached(&hand, &signer(&hand));
    let opened = Opener::new(&trust, &policy).open(mail.as_bytes(), later).unwrap();
    assert!(opened.judge(Requirement::Trusted).is_err());
    for text in ["261124080000", "260231080000Z", "261124080000+0000", "", "26112408000\u{31}Z0"] {
        let value = der::primitive(Tag::UTC_TIME, text.as_bytes());
        let forged = replaced(signer(&hand), 1, Some(attribute(&oid::ID_SIGNING_TIME, value)));
        judge(&trust, &detached(&hand, &forged), Requirement::Unaltered).fails(Altered, "signing_time_malformed");
    }
    // RFC 5652 section 11.3: two digits of the year, 50 to 49.
    for (text, year) in [("491124080000Z", "2049"), ("501124080000Z", "1950")] {
        let value = der::primitive(Tag::UTC_TIME, text.as_bytes());
        let forged = replaced(signer(&hand), 1, Some(attribute(&oid::ID_SIGNING_TIME, value)));
        let outcome = judge(&trust, &detached(&hand, &forged), BY_SENDER);
        outcome.passes_with(&["signing_time_outside_cert"]);
        assert!(outcome.text.contains(&format!("signed at {year}-")), "{}", outcome.text);
    }
}

#[test]
fn sec_033_broken_digests() {
    let ca = Authority::root("Test CA");
    let trust = ca.trust();
    let hand = |digest| {
        Hand::with(&ca, ALICE, PrivateKey::generate(KeyKind::P256, 0).unwrap(), SignatureScheme::Ecdsa(digest))
    };
    let sha1 = hand(DigestAlgorithm::Sha1);
    let mail = detached(&sha1, &signer(&sha1));
    judge(&trust, &mail, Requirement::Signed).passes_with(&["weak_digest"]);
    judge(&trust, &mail, Requirement::Trusted).fails(NotTrusted, "weak_digest");
    // On the caller's word SHA-1 passes, and is told all the same; MD5 does not.
    let mut lenient = Policy::default();
    lenient.sha1 = Sha1::Accept;
    judge_by(&trust, &lenient, mail.as_bytes(), BY_SENDER).passes_with(&["weak_digest"]);
    let rsa = pkcs8_of("alice-rsa.pem");
    let md5 = Hand::with(&ca, ALICE, rsa, SignatureScheme::RsaPkcs1(DigestAlgorithm::Md5));
    let mut forged = signer(&md5);
    forged.signature_algorithm = AlgorithmIdentifier::with_null(oid::RSA_ENCRYPTION).to_der();
    judge_by(&trust, &lenient, detached(&md5, &forged).as_bytes(), Requirement::Trusted)
        .fails(NotTrusted, "weak_digest");
}

/// The first block of a PEM file as a key.
fn pkcs8_of(name: &str) -> PrivateKey {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("test-vectors/keys").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let body = text.split("-----BEGIN PRIVATE KEY-----").nth(1).unwrap().split("-----END").next().unwrap();
    let encoding = smime::mime::transfer::TransferEncoding::Base64;
    let strictness = smime::mime::transfer::Strictness::Strict;
    let bytes = smime::mime::transfer::decode_slice(body.trim().as_bytes(), encoding, strictness).unwrap();
    PrivateKey::from_pkcs8(&smime::Secret::new(bytes)).unwrap()
}
