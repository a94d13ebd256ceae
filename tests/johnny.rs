//! The ways of "Johnny, you are fired" (Mueller et al., USENIX Security 2019) to make a signature look like somebody else's,
//! each built with keys of our own: what the CMS holds (C), whose identity it shows (I), which part of the mail it covers
//! (M). None of them passes as signed by its sender, and each is refused for its own reason.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::people::{Authority, now};
use smime::asn1::ber::Reader;
use smime::asn1::der;
use smime::mime::transfer::{Base64Writer, Strictness, TransferEncoding, decode_slice};
use smime::open::requirement::Shortfall;
use smime::policy::policy::SenderMismatch;
use smime::{Identity, Message, Opener, Policy, Requirement, Signer, Trust};
use std::io::Write;

const MAIL: &str =
    "From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nContent-Type: text/plain\r\n\r\nPay 10 euros.\r\n";

/// Alice, who is to be shown as the author; Eve, who has a certificate of the same authority; Mallory, who has none.
struct World {
    trust: Trust,
    alice: Identity,
    eve: Identity,
    mallory: Identity,
}

impl World {
    fn new() -> Self {
        let root = Authority::root("Root");
        let alice = root.person("Alice", "alice@example.com");
        let eve = root.person("Eve", "eve@example.net");
        let mallory = Authority::root("Root").person("Alice", "alice@example.com");
        Self { trust: root.trust(), alice, eve, mallory }
    }

    /// Signed by somebody, whatever its From says.
    fn signed(&self, by: &Identity, mail: &str, opaque: bool) -> String {
        let mut policy = Policy::default();
        policy.sender_mismatch = SenderMismatch::Allow;
        let signer = Signer::new(by, &policy).unwrap();
        let signer = if opaque { signer.opaque() } else { signer };
        String::from_utf8(signer.sign(&Message::parse(mail.as_bytes()).unwrap(), now()).unwrap()).unwrap()
    }

    /// Refused so, for that reason; an ambiguous message is refused as a whole.
    #[track_caller]
    fn refused(&self, mail: &str, shortfall: Option<Shortfall>, code: &str) {
        let policy = Policy::default();
        match (Opener::new(&self.trust, &policy).open(mail.as_bytes(), now()), shortfall) {
            (Err(error), None) => assert!(error.to_string().contains(code), "{error}"),
            (Ok(opened), Some(shortfall)) => {
                let (found, reasons) = opened.judge(Requirement::SignedBySender).err().unwrap();
                let codes: Vec<&str> = reasons.iter().map(|reason| reason.code).collect();
                assert_eq!(found, shortfall, "{codes:?}");
                assert!(codes.contains(&code), "{code}: {codes:?}");
            }
            (Ok(opened), None) => panic!("{}", opened.report()),
            (Err(error), Some(_)) => panic!("{error}"),
        }
    }
}

fn taken_apart(mail: &str) -> (&str, Vec<u8>) {
    let (header, body) = mail.split_once("\r\n\r\n").unwrap();
    (header, decode_slice(body.as_bytes(), TransferEncoding::Base64, Strictness::Strict).unwrap())
}

fn base64(bytes: &[u8]) -> String {
    let mut writer = Base64Writer::new(Vec::new());
    writer.write_all(bytes).unwrap();
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

/// The CMS structure with its fields after a change: version, digests, content, certificates and signers.
fn changed(cms: &[u8], change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let mut info = Reader::single(cms, "ContentInfo").unwrap().sequence("ContentInfo").unwrap();
    let kind = info.required_any("contentType").unwrap().raw().to_vec();
    let data = info.required_any("content").unwrap().explicit("content").unwrap();
    let mut inside = data.sequence("SignedData").unwrap();
    let mut fields = Vec::new();
    while let Some(field) = inside.next_element().unwrap() {
        fields.push(field.raw().to_vec());
    }
    change(&mut fields);
    der::sequence(&[kind, der::explicit(0, &der::sequence(&fields))])
}

/// What stands in the signature part of a clear-signed mail is replaced.
fn with_signature(clear: &str, cms: &[u8]) -> String {
    let mark = "filename=\"smime.p7s\"\r\n\r\n";
    let start = clear.find(mark).unwrap() + mark.len();
    let end = clear[start..].find("\r\n--").unwrap() + start;
    format!("{}{}{}", &clear[..start], base64(cms).trim_end(), &clear[end..])
}

#[test]
fn the_sound_message_passes() {
    let world = World::new();
    let policy = Policy::default();
    for opaque in [false, true] {
        let mail = world.signed(&world.alice, MAIL, opaque);
        let opened = Opener::new(&world.trust, &policy).open(mail.as_bytes(), now()).unwrap();
        assert!(opened.judge(Requirement::SignedBySender).is_ok());
    }
}

#[test]
fn c1_a_content_inside_and_another_beside() {
    let world = World::new();
    let opaque = world.signed(&world.alice, MAIL, true);
    let (_, cms) = taken_apart(&opaque);
    // What Alice did sign stands inside; what is shown stands beside it.
    let shown = world.signed(&world.eve, &MAIL.replace("10", "99"), false);
    world.refused(&with_signature(&shown, &cms), Some(Shortfall::Altered), "content_present_in_detached");
    let same = world.signed(&world.eve, MAIL, false);
    world.refused(&with_signature(&same, &cms), Some(Shortfall::Altered), "content_present_in_detached");
}

#[test]
fn c2_two_signers_of_whom_one_is_wrong() {
    let world = World::new();
    let alice = world.signed(&world.alice, MAIL, true);
    let other = world.signed(&world.eve, &MAIL.replace("10", "99"), true);
    let (header, of_eve) = taken_apart(&other);
    let (_, of_alice) = taken_apart(&alice);
    let mut signers = Vec::new();
    let mut certificates = Vec::new();
    changed(&of_alice, |fields| {
        signers = fields.last().unwrap().clone();
        certificates = fields[3].clone();
    });
    let content = |set: &[u8]| Reader::single(set, "set").unwrap().content().to_vec();
    for alice_first in [true, false] {
        // Eve's message, her signature, and that of Alice over another one.
        let both = changed(&of_eve, |fields| {
            let last = fields.len() - 1;
            let own = content(&fields[last]);
            let theirs = content(&signers);
            let list = if alice_first { [theirs, own] } else { [own, theirs] };
            fields[last] = der::constructed(smime::asn1::ber::Tag::SET, &list);
            let together = [content(&fields[3]), content(&certificates)];
            fields[3] = der::constructed(smime::asn1::ber::Tag::context(0), &together);
        });
        let mail = format!("{header}\r\n\r\n{}", base64(&both));
        world.refused(&mail, Some(Shortfall::Altered), "message_digest_mismatch");
    }
}

#[test]
fn c3_no_signer_at_all() {
    let world = World::new();
    let opaque = world.signed(&world.alice, MAIL, true);
    let (header, cms) = taken_apart(&opaque);
    let nobody = changed(&cms, |fields| *fields.last_mut().unwrap() = vec![0x31, 0]);
    let mail = format!("{header}\r\n\r\n{}", base64(&nobody));
    world.refused(&mail, Some(Shortfall::NothingSigned), "no_signers");
    // Without certificates, too.
    let empty = changed(&cms, |fields| {
        *fields.last_mut().unwrap() = vec![0x31, 0];
        fields.remove(3);
    });
    let mail = format!("{header}\r\n\r\n{}", base64(&empty));
    world.refused(&mail, Some(Shortfall::NothingSigned), "no_signers");
}

#[test]
fn c4_a_chain_of_the_attackers_own() {
    let world = World::new();
    for opaque in [false, true] {
        let mail = world.signed(&world.mallory, MAIL, opaque);
        world.refused(&mail, Some(Shortfall::NotTrusted), "certificate_signature_invalid");
    }
    // A self-signed certificate with Alice's name and address.
    let own = Authority::root("Alice").person("Alice", "alice@example.com");
    let mail = world.signed(&own, MAIL, false);
    world.refused(&mail, Some(Shortfall::NotTrusted), "untrusted_chain");
}

#[test]
fn i1_the_signer_is_not_the_sender() {
    let world = World::new();
    for opaque in [false, true] {
        world.refused(&world.signed(&world.eve, MAIL, opaque), Some(Shortfall::NotTrusted), "from_mismatch");
    }
}

#[test]
fn i2_the_address_stands_where_names_stand() {
    let world = World::new();
    let fields = [
        "\"alice@example.com\" <eve@example.net.invalid>",
        "alice@example.com <mallory@example.net>",
        "\"Alice <alice@example.com>\" <mallory@example.net>",
        "=?utf-8?q?alice=40example=2Ecom?= <mallory@example.net>",
        "alice@example.com\t<mallory@example.net>",
        "(alice@example.com) mallory@example.net",
        "mallory@example.net (alice@example.com)",
    ];
    for from in fields {
        let mail = world.signed(&world.alice, MAIL, false).replacen("Alice <alice@example.com>", from, 1);
        world.refused(&mail, Some(Shortfall::NotTrusted), "from_mismatch");
    }
    // Nobody's address, and none.
    for from in ["alice", "<>", "Alice <@example.com>", "undisclosed:;"] {
        let mail = world.signed(&world.alice, MAIL, false).replacen("Alice <alice@example.com>", from, 1);
        let policy = Policy::default();
        let opened = Opener::new(&world.trust, &policy).open(mail.as_bytes(), now());
        assert!(opened.is_err() || opened.is_ok_and(|o| o.judge(Requirement::SignedBySender).is_err()), "{from}");
    }
}

#[test]
fn i3_sender_and_from_and_two_of_them() {
    let world = World::new();
    // Eve signs, says so in Sender, and shows Alice in From.
    let mail = world.signed(&world.eve, MAIL, false).replacen("To: bob", "Sender: eve@example.net\r\nTo: bob", 1);
    world.refused(&mail, Some(Shortfall::NotTrusted), "from_mismatch");
    let signed = world.signed(&world.eve, MAIL, false);
    for twice in
        ["From: eve@example.net\r\nTo: bob", "from: eve@example.net\r\nTo: bob", "From : eve@example.net\r\nTo: bob"]
    {
        let mail = signed.replacen("To: bob", twice, 1);
        let policy = Policy::default();
        let opened = Opener::new(&world.trust, &policy).open(mail.as_bytes(), now());
        assert!(opened.is_err() || opened.is_ok_and(|o| o.judge(Requirement::SignedBySender).is_err()), "{twice}");
    }
    world.refused(&signed.replacen("To: bob", "From: eve@example.net\r\nTo: bob", 1), None, "ambiguous");
    // One mailbox of two is the signer's.
    let both = signed.replacen("Alice <alice@example.com>", "alice@example.com, eve@example.net", 1);
    world.refused(&both, Some(Shortfall::NotTrusted), "from_mismatch");
    // Reply-To and others decide nothing.
    let mail = signed.replacen("To: bob", "Reply-To: eve@example.net\r\nResent-From: eve@example.net\r\nTo: bob", 1);
    world.refused(&mail, Some(Shortfall::NotTrusted), "from_mismatch");
}

/// Alice's signed mail, as a part of one of Eve's.
fn wrapped(world: &World, kind: &str, before: &str, after: &str) -> String {
    let signed = world.signed(&world.alice, MAIL, false);
    let (header, entity) = signed.split_once("MIME-Version: 1.0\r\n").unwrap();
    format!(
        "{header}MIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary=eve\r\n\r\n--eve\r\n{before}\r\n--eve\r\n{entity}\r\n--eve\r\n{after}\r\n--eve--\r\n"
    )
}

#[test]
fn m1_unsigned_text_before_the_signed_part() {
    let world = World::new();
    let mail = wrapped(&world, "mixed", "Content-Type: text/plain\r\n\r\nPay 99 euros.", "\r\n");
    world.refused(&mail, Some(Shortfall::NothingSigned), "covers_part_only");
}

#[test]
fn m2_the_signed_part_is_hidden() {
    let world = World::new();
    let html = "Content-Type: text/html\r\n\r\nPay 99 euros.<div style=\"display:none\">";
    for before in [
        html,
        "Content-Type: text/html\r\n\r\nPay 99 euros.<plaintext hidden>",
        "Content-Type: text/html\r\n\r\nPay 99.<!--",
    ] {
        let mail = wrapped(&world, "mixed", before, "Content-Type: text/html\r\n\r\n--></div>");
        world.refused(&mail, Some(Shortfall::NothingSigned), "covers_part_only");
    }
}

#[test]
fn m3_the_signed_part_is_referred_to() {
    let world = World::new();
    let html = "Content-Type: text/html\r\n\r\nPay 99 euros.<img src=\"cid:signed-part\">";
    world.refused(&wrapped(&world, "related", html, "\r\n"), Some(Shortfall::NothingSigned), "covers_part_only");
}

#[test]
fn m4_the_signed_part_is_an_attachment() {
    let world = World::new();
    let text = "Content-Type: text/plain\r\n\r\nPay 99 euros.";
    let mail = wrapped(&world, "mixed", text, "\r\n").replacen(
        "Content-Type: multipart/signed",
        "Content-Disposition: attachment; filename=signed.eml\r\nContent-Type: multipart/signed",
        1,
    );
    world.refused(&mail, Some(Shortfall::NothingSigned), "covers_part_only");
    // As a forwarded message.
    let signed = world.signed(&world.alice, MAIL, false);
    let forwarded = format!(
        "From: alice@example.com\r\nContent-Type: multipart/mixed; boundary=eve\r\n\r\n--eve\r\n{text}\r\n--eve\r\nContent-Type: message/rfc822\r\n\r\n{signed}\r\n--eve--\r\n"
    );
    world.refused(&forwarded, Some(Shortfall::NothingSigned), "covers_part_only");
    let alone = format!("From: alice@example.com\r\nContent-Type: message/rfc822\r\n\r\n{signed}");
    let policy = Policy::default();
    let opened = Opener::new(&world.trust, &policy).open(alone.as_bytes(), now()).unwrap();
    assert!(opened.judge(Requirement::SignedBySender).is_err(), "{}", opened.report());
}

#[test]
fn m5_unsigned_text_around_the_parts() {
    // Variants of our own: what stands in preamble, epilogue and header belongs to nobody.
    let world = World::new();
    let policy = Policy::default();
    let mail = world.signed(&world.alice, MAIL, false) + "\r\nPay 99 euros.\r\n";
    let opened = Opener::new(&world.trust, &policy).open(mail.as_bytes(), now()).unwrap();
    let trusted = opened.require(Requirement::SignedBySender).map_err(|r| r.reasons().to_vec()).unwrap();
    assert!(!String::from_utf8(trusted.message().unwrap()).unwrap().contains("99"));
}
