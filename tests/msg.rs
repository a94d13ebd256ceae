//! S/MIME inside Outlook's .msg files: what they hold opens as the mail that it was, and what is damaged is refused by name.

#![cfg(feature = "msg")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "msg/make.rs"]
mod make;

use common::people::{Authority, now};
use make::Maker;
use smime::base::source::Memory;
use smime::mime::entity;
use smime::mime::transfer::Strictness;
use smime::open::msg::{self, Mail};
use smime::open::report::Report;
use smime::{
    Certificates, Encryptor, Identity, Keyring, Limits, Message, Opener, Policy, RecipientPlan, Requirement, Signer,
};
use std::io::{Cursor, Read};

const SIGNED: &str = "IPM.Note.SMIME.MultipartSigned";
const SMIME: &str = "IPM.Note.SMIME";
const MAIL: &[u8] = b"From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nSubject: Greetings\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nhello\r\n";

struct World {
    ca: Authority,
    alice: Identity,
    policy: Policy,
}

impl World {
    fn new() -> Self {
        let ca = Authority::root("Msg CA");
        let alice = ca.person("Alice", "alice@example.com");
        Self { ca, alice, policy: Policy::default() }
    }

    /// Alice's mail, signed: as a whole, from its Content-Type on, and the CMS structure in it.
    fn signed(&self, opaque: bool) -> Vec<u8> {
        let signer = Signer::new(&self.alice, &self.policy).unwrap();
        let signer = if opaque { signer.opaque() } else { signer };
        signer.sign(&Message::parse(MAIL).unwrap(), now()).unwrap()
    }

    fn clear(&self) -> Vec<u8> {
        from_content_type(&self.signed(false)).to_vec()
    }

    fn sealed(&self, wire: &[u8]) -> Vec<u8> {
        let directory = Certificates(vec![self.alice.certificate().clone()]);
        let to = ["alice@example.com".parse().unwrap()];
        let plan = RecipientPlan::resolve(&to, &directory, &self.policy, None, now());
        let sealed = Encryptor::new(&plan.all().unwrap(), &self.policy).encrypt(&Message::parse(wire).unwrap());
        cms_of(&sealed.unwrap())
    }

    fn open(&self, mail: &Mail<'_>, requirement: Requirement) -> (Report, Result<Vec<u8>, String>) {
        let (trust, ring) = (self.ca.trust(), Keyring::new(vec![self.alice.clone()]));
        let opener = Opener::new(&trust, &self.policy).with_keys(&ring).with_notes(&mail.notes);
        let opened = opener.open_source(mail.source.clone(), now()).unwrap();
        let report = opened.report().clone();
        let content = opened.require(requirement).map(|t| t.message().unwrap().to_vec());
        (report, content.map_err(|refused| format!("{:?}", refused.reasons())))
    }
}

fn from_content_type(wire: &[u8]) -> &[u8] {
    let at = wire.windows(13).position(|w| w.eq_ignore_ascii_case(b"content-type:")).unwrap();
    &wire[at..]
}

/// The decoded body.
fn cms_of(wire: &[u8]) -> Vec<u8> {
    let source = Memory::borrowed(wire);
    let root = entity::scan(&source, &Limits::default()).unwrap();
    let mut cms = Vec::new();
    root.decoded(&source, Strictness::Lenient).unwrap().read_to_end(&mut cms).unwrap();
    cms
}

fn read(bytes: &[u8]) -> Result<Mail<'_>, msg::Error> {
    msg::read(Cursor::new(bytes), &Limits::default())
}

fn wire(mail: &Mail<'_>) -> String {
    let mut all = Vec::new();
    mail.source.reader(0).unwrap().read_to_end(&mut all).unwrap();
    String::from_utf8_lossy(&all).into_owned()
}

fn codes(report: &Report) -> Vec<&'static str> {
    report.notes.iter().map(|note| note.code).collect()
}

#[test]
fn out_061_what_was_signed_or_encrypted_with_our_own_keys_opens_from_a_msg_file() {
    let world = World::new();
    let opaque = cms_of(&world.signed(true));
    let both = world.sealed(&world.signed(false));
    let cases = [
        (SIGNED, world.clear(), 1),
        ("REPORT.IPM.Note.SMIME.MultipartSigned.NDR", Vec::new(), 0),
        ("IPM.Schedule.Meeting.Request.smime.multipartsigned", world.clear(), 1),
        (SMIME, opaque.clone(), 1),
        ("IPM.Outlook.SMIME", opaque.clone(), 1),
        // The class is ambiguous: what the attachment is decides.
        (SMIME, world.clear(), 1),
        (SIGNED, opaque, 1),
        (SMIME, both, 2),
    ];
    for (class, attachment, layers) in cases {
        for version in [cfb::Version::V3, cfb::Version::V4] {
            let bytes = Maker { version, ..Maker::holding(class, &attachment) }.bytes();
            let mail = read(&bytes).unwrap();
            assert_eq!(mail.class, class);
            let (report, content) = world.open(&mail, Requirement::SignedBySender);
            assert_eq!(report.layers.len(), layers, "{class}: {report}");
            if layers > 0 {
                assert_eq!(content.unwrap(), b"Content-Type: text/plain\r\n\r\nhello\r\n", "{class}");
                assert_eq!(report.mailboxes.from[0].address.as_ref().unwrap().to_string(), "alice@example.com");
                assert!(codes(&report).contains(&"msg_headers_rebuilt"), "{:?}", report.notes);
            }
        }
    }
}

#[test]
fn a_signed_mail_from_another_sender_or_altered_is_refused_as_in_wire_form() {
    let world = World::new();
    let other = Maker::holding(SIGNED, &world.clear()).text(0x5d02, Some("mallory@example.com")).bytes();
    let (_, refused) = world.open(&read(&other).unwrap(), Requirement::SignedBySender);
    assert!(refused.unwrap_err().contains("mallory@example.com"));
    let mut clear = world.clear();
    let at = clear.windows(5).position(|w| w == b"hello").unwrap();
    clear[at] = b'j';
    let (_, refused) = world.open(&read(&Maker::holding(SIGNED, &clear).bytes()).unwrap(), Requirement::Unaltered);
    assert!(refused.is_err());
}

#[test]
fn the_header_that_was_received_is_kept_without_what_belongs_to_the_body() {
    let world = World::new();
    let header = "Microsoft Mail Internet Headers Version 2.0\r\nReceived: from a\r\n\tby b\r\nFrom: Alice\r\n <alice@example.com>\r\nTo: carol@example.com\r\nSubject: =?utf-8?q?gr=C3=BCn?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n\tboundary=x\r\nContent-Language: de\r\n\r\n";
    let bytes = Maker::holding(SIGNED, &world.clear()).received(header).bytes();
    let mail = read(&bytes).unwrap();
    let text = wire(&mail);
    assert!(text.starts_with("Received: from a\r\n\tby b\r\nFrom: Alice\r\n <alice@example.com>\r\nTo: carol@example.com\r\nSubject: =?utf-8?q?gr=C3=BCn?=\r\nDate: Tue, 24 Nov 2026 08:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed"), "{text}");
    assert_eq!(text.matches("MIME-Version").count(), 1);
    let (report, content) = world.open(&mail, Requirement::SignedBySender);
    content.unwrap();
    assert!(codes(&report).contains(&"msg_header_lines_left_out"), "{:?}", report.notes);
    // In eight bits, and with a body that was smuggled in.
    let mut maker = Maker::holding(SIGNED, &world.clear());
    maker =
        maker.stream("/__substg1.0_007D001E", b"From: alice@example.com\r\n\r\nContent-Type: text/html\r\n\r\n<b>\r\n");
    let bytes = maker.bytes();
    let mail = read(&bytes).unwrap();
    assert!(!wire(&mail).contains("text/html"));
    assert!(mail.notes.iter().any(|note| note.code == "msg_headers_go_on"), "{:?}", mail.notes);
    // Outlook shows whom the properties name.
    let bytes = Maker::holding(SIGNED, &world.clear()).received("From: eve@example.com\r\n").bytes();
    let mail = read(&bytes).unwrap();
    assert!(mail.notes.iter().any(|note| note.code == "msg_sender_differs"), "{:?}", mail.notes);
}

#[test]
fn a_header_is_made_from_properties_and_none_of_them_breaks_out_of_its_field() {
    let mut maker = Maker::new("IPM.Note").text(0x0037, Some("gr\u{fc}n")).text(0x1035, Some("<1@example.com>"));
    maker = maker.text(0x0042, Some("Alice \u{c4}")).text(0x5d01, Some("desk@example.com")).text(0x1000, Some("hello"));
    maker.recipients.extend([(2, "carol@example.com", "carol@example.com"), (3, "Dan", "dan@example.com")]);
    maker.recipients.push((1, "Nobody", "/O=EXCHANGE/CN=NOBODY"));
    let bytes = maker.bytes();
    let mail = read(&bytes).unwrap();
    let text = wire(&mail);
    for field in [
        "From: =?",
        "<alice@example.com>\r\n",
        "Sender: desk@example.com\r\n",
        "To: Bob <bob@example.com>\r\n",
        "Cc: carol@example.com\r\n",
        "Subject: =?",
        "Date: Tue, 24 Nov 2026 08:00:00 +0000\r\n",
        "Message-ID: <1@example.com>\r\n",
        "\r\n\r\nhello",
    ] {
        assert!(text.contains(field), "{field} in {text}");
    }
    assert!(!text.contains("dan@") && !text.contains("NOBODY"), "{text}");
    assert!(mail.notes.iter().any(|note| note.code == "msg_address_unusable"), "{:?}", mail.notes);

    for (id, name) in [(0x0037, "PidTagSubject"), (0x1035, "PidTagInternetMessageId"), (0x0042, "Representing")] {
        for bad in ["a\r\nBcc: eve@example.com", "a\nb", "a\rb", "a\0b"] {
            let bytes = Maker::new("IPM.Note").text(id, Some(bad)).bytes();
            let Err(error) = read(&bytes) else { panic!("{bad:?} in {name} was let pass") };
            assert!(error.to_string().contains(name), "{error}");
        }
    }
    for bad in ["Subject: a\rBcc: eve@example.com\r\n", "Subject: a\0b\r\n"] {
        let Err(error) = read(&Maker::new("IPM.Note").received(bad).bytes()).map(|_| ()) else { panic!("{bad:?}") };
        assert!(error.to_string().contains("PidTagTransportMessageHeaders (0x007D)"), "{error}");
    }
    // An address that would be two fields is no address.
    let bytes = Maker::new("IPM.Note").text(0x5d02, Some("a@example.com\r\nBcc: eve@example.com")).bytes();
    assert!(!wire(&read(&bytes).unwrap()).contains("eve"));
    // Without an SMTP address of the sender there is no From; with an address of type SMTP there is.
    let bare = Maker::new("IPM.Note").text(0x5d02, None);
    assert!(!wire(&read(&bare.bytes()).unwrap()).contains("From:"));
    let typed = bare.text(0x0c1e, Some("smtp")).text(0x0c1f, Some("desk@example.com"));
    assert!(wire(&read(&typed.bytes()).unwrap()).starts_with("From: desk@example.com\r\n"));
}

#[test]
fn out_061_the_content_type_that_outlook_stored_is_used_where_it_fits() {
    let world = World::new();
    let opaque = cms_of(&world.signed(true));
    let stored = "application/pkcs7-mime; smime-type=signed-data;\r\n\tname=\"smime.p7m\"";
    for (value, expected) in [
        (stored, "Content-Type: application/pkcs7-mime; smime-type=signed-data;\r\n\tname=\"smime.p7m\"\r\n"),
        ("multipart/mixed; boundary=x", "Content-Type: application/pkcs7-mime\r\n"),
        ("application/pkcs7-mime\r\n\r\nhello", "Content-Type: application/pkcs7-mime\r\n"),
        ("application/pkcs7-mime\0", "Content-Type: application/pkcs7-mime\r\n"),
    ] {
        let bytes = Maker::holding(SMIME, &opaque).content_type(value).bytes();
        let mail = read(&bytes).unwrap();
        assert!(wire(&mail).contains(&format!("MIME-Version: 1.0\r\n{expected}")), "{}", wire(&mail));
        world.open(&mail, Requirement::SignedBySender).1.unwrap();
    }
}

#[test]
fn the_attachments_own_header_gives_content_fields_and_no_other() {
    let world = World::new();
    let entity = [&b"From: eve@example.com\r\nSubject: other\r\n"[..], &world.clear()].concat();
    let bytes = Maker::holding(SIGNED, &entity).bytes();
    let mail = read(&bytes).unwrap();
    assert!(!wire(&mail).contains("eve@"), "{}", wire(&mail));
    let (report, content) = world.open(&mail, Requirement::SignedBySender);
    content.unwrap();
    assert!(codes(&report).contains(&"msg_attachment_fields_left_out"));
}

#[test]
fn messages_that_are_no_mail_are_refused_by_name() {
    let world = World::new();
    let one = |method, bytes| Maker { attachments: vec![("smime.p7m", method, bytes)], ..Maker::new(SMIME) };
    let opaque = cms_of(&world.signed(true));
    let with = |path: &str, bytes: &[u8]| Maker::holding(SMIME, &opaque).stream(path, bytes);
    let two = Maker { attachments: vec![("a", 1, Some(opaque.clone())); 2], ..Maker::new(SMIME) };
    let embedded = one(5, None).stream("/__attach_version1.0_#00000000/__substg1.0_3701000D/x", b"x");
    let cases: Vec<(Maker, &[&str])> = vec![
        (Maker::new(SIGNED), &[SIGNED, "it has 0"]),
        (two, &["it has 2 (a, a)"]),
        (one(1, Some(Vec::new())), &["smime.p7m", "is empty", "PidTagAttachDataBinary (0x3701)"]),
        (one(1, None), &["has no bytes", "0x3701"]),
        (one(4, None), &["by reference (method 4)"]),
        (embedded, &["embedded message"]),
        (one(1, Some(b"hello".to_vec())), &["neither a CMS structure nor", "68 65 6C 6C 6F"]),
        (one(1, Some(vec![0x30, 0x80, 1, 2])), &["neither a CMS structure nor", "30 80 01 02"]),
        (Maker::holding(SMIME, &opaque).text(0x001a, None), &["no PidTagMessageClass (0x001A)"]),
        (Maker::holding(SMIME, &opaque).text(0x001a, Some("")), &["no PidTagMessageClass (0x001A)"]),
        (
            Maker::holding(SMIME, &opaque).text(0x0037, None).stream("/__substg1.0_0037001F", b"odd"),
            &["PidTagSubject", "odd number"],
        ),
        (with("/__substg1.0_007D0102", b"From: a"), &["PidTagTransportMessageHeaders (0x007D)", "0x0102"]),
        (with("/__substg1.0_0037001E", b"twice"), &["ambiguous", "PidTagSubject"]),
        (with("/__substg1.0_0E04001F/inside", b"x"), &[]),
        (
            Maker::holding(SMIME, &opaque).text(0x0037, None).stream("/__substg1.0_0037001F/inside", b"x"),
            &["it is a storage"],
        ),
    ];
    for (maker, expected) in cases {
        match read(&maker.bytes()).map(|_| ()) {
            Ok(()) => assert!(expected.is_empty(), "{expected:?} was let pass"),
            Err(error) => {
                let error = error.to_string();
                assert!(
                    !expected.is_empty() && expected.iter().all(|part| error.contains(part)),
                    "{error}: {expected:?}"
                );
            }
        }
    }
}

#[test]
fn a_plain_message_is_mail_that_nobody_signed() {
    let world = World::new();
    let mut maker = Maker::new("IPM.Note").text(0x1000, Some("hello\r\n"));
    maker.attachments = vec![("smime.p7m", 1, Some(b"0".to_vec())), ("a.pdf", 1, Some(b"pdf".to_vec()))];
    let bytes = maker.bytes();
    let mail = read(&bytes).unwrap();
    let (report, content) = world.open(&mail, Requirement::SignedBySender);
    assert!(report.layers.is_empty() && content.is_err());
    for code in ["msg_attachments_left_out", "msg_smime_attachment"] {
        assert!(codes(&report).contains(&code), "{:?}", report.notes);
    }
    let html = Maker::new("IPM.Note").stream("/__substg1.0_10130102", b"<p>gr\xc3\xbcn</p>").bytes();
    let text = wire(&read(&html).unwrap());
    assert!(
        text.contains("Content-Type: text/html; charset=utf-8\r\n") && text.ends_with("<p>gr\u{fc}n</p>"),
        "{text}"
    );
}
