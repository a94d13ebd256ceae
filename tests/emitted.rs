//! What we emit (SEC-140 to SEC-145): nothing leaves that we, or a relay on the way, would break or refuse.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::people::{Authority, now};
use proptest::strategy::Strategy;
use smime::mime::emit;
use smime::policy::policy::{AlreadyProtected, SenderMismatch};
use smime::{Certificates, Encryptor, Keyring, Message, Opener, Policy, Profile, RecipientPlan, Requirement, Signer};

const HEADER: &str = "From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nSubject: test\r\nX-Own: kept\r\n";

/// Signs, verifies, and gives the content that was verified.
fn through(body_with_headers: &[u8], opaque: bool) -> Vec<u8> {
    let ca = Authority::root("Test CA");
    let alice = ca.person("Alice", "alice@example.com");
    let policy = Policy::default();
    let signer = Signer::new(&alice, &policy).unwrap();
    let signer = if opaque { signer.opaque() } else { signer };
    let message = Message::parse(body_with_headers).unwrap();
    let signed = signer.sign(&message, now()).unwrap();
    assert_is_safe(&signed);
    let trust = ca.trust();
    let opened = Opener::new(&trust, &policy).open(&signed, now()).unwrap();
    let report = opened.report().to_string();
    let trusted = opened.require(Requirement::SignedBySender).unwrap_or_else(|r| panic!("{:?}\n{report}", r.reasons()));
    assert_eq!(trusted.sender().unwrap().to_string(), "alice@example.com");
    trusted.message().unwrap()
}

/// CRLF everywhere, seven bits, no line that a relay would break or change.
fn assert_is_safe(mail: &[u8]) {
    for line in mail.split(|b| *b == b'\n') {
        assert!(line.len() <= 999, "a line of {} bytes", line.len());
        if let Some(line) = line.strip_suffix(b"\r") {
            assert!(!line.contains(&b'\r'), "bare CR");
            assert!(
                !line.ends_with(b" ") && !line.ends_with(b"\t"),
                "trailing blank: {}",
                String::from_utf8_lossy(line)
            );
            assert!(!line.starts_with(b"From "), "a line that mbox would quote");
        } else {
            assert!(line.is_empty(), "bare LF");
        }
        assert!(line.iter().all(|b| *b < 128 && *b != 0), "not seven bits");
    }
}

#[test]
fn sec_140_line_breaks_in_what_a_caller_gives_are_refused() {
    for text in ["a\r\nBcc: eve@example.com", "a\nb", "a\rb", "a\0b"] {
        assert!(emit::field("Subject", text).is_err(), "{text:?}");
        assert!(emit::field(text, "value").is_err(), "{text:?}");
        assert!(text.parse::<smime::EmailAddress>().is_err(), "{text:?}");
        assert!(format!("\"{text}\"@example.com").parse::<smime::EmailAddress>().is_err(), "{text:?}");
    }
}

#[test]
fn sec_141_addresses_are_never_options_and_lines_are_crlf() {
    // There is no SMTP and no sendmail here; what is handed over has CRLF line ends and lone dots are encoded away.
    let mail = format!("{HEADER}Content-Type: text/plain\r\n\r\nfirst\n.\n..\nlast\n");
    let content = through(mail.as_bytes(), false);
    assert!(content.windows(2).any(|w| w == b"\r\n"));
    assert!(!content.split(|b| *b == b'\n').any(|line| line == b".\r"), "{}", String::from_utf8_lossy(&content));
}

#[test]
fn sec_142_content_that_a_relay_would_change_is_encoded_before_it_is_signed() {
    let long = "x".repeat(3000);
    for body in ["gr\u{fc}n\n", "trailing \t\nblank\n", "From here\n", long.as_str(), "tab\tand \r alone\n", "nul\0\n"]
    {
        let mail = format!(
            "{HEADER}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}"
        );
        for opaque in [false, true] {
            through(mail.as_bytes(), opaque);
        }
    }
}

#[test]
fn sec_143_empty_and_odd_bodies_are_signed_as_they_are() {
    let bodies: [&[u8]; 6] = [
        b"Content-Type: text/plain\r\n\r\n",
        b"Content-Type: text/plain\r\n",
        b"\r\n",
        b"Content-Type: application/octet-stream; name=a\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\nAA0KDQo=\r\n",
        b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\x0d\x0a\x0d\xff\x0a",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\r\n--b--\r\n",
    ];
    for body in bodies {
        let mail = [HEADER.as_bytes(), body].concat();
        for opaque in [false, true] {
            let content = through(&mail, opaque);
            assert!(!content.is_empty());
        }
    }
    // A binary body comes out with the same bytes, base64 or not.
    let mail = [HEADER.as_bytes(), bodies[4]].concat();
    let content = through(&mail, false);
    let text = String::from_utf8(content).unwrap();
    let encoded: String = text.split("\r\n\r\n").nth(1).unwrap().split_whitespace().collect();
    assert_eq!(encoded, "AA0KDf8K");
}

#[test]
fn sec_144_a_boundary_never_stands_in_what_it_parts() {
    struct Foreseen(Vec<[u8; 16]>);
    impl smime::crypto::random::Random for Foreseen {
        fn fill(&mut self, bytes: &mut [u8]) -> smime::crypto::Result<()> {
            bytes.copy_from_slice(&self.0.remove(0));
            Ok(())
        }
    }
    let ca = Authority::root("Test CA");
    let alice = ca.person("Alice", "alice@example.com");
    for (profile, [first, second]) in [
        (Profile::OutlookWindows, [[1; 16], [2; 16]].map(|bits| emit::outlook_boundary(0, now(), bits))),
        (Profile::Rfc8551, [[1; 16], [2; 16]].map(emit::boundary)),
    ] {
        let mail = format!("{HEADER}Content-Type: text/plain\r\n\r\nquoting a mail:\r\n--{first}\r\n");
        let policy = Policy::new(profile);
        let message = Message::parse(mail.as_bytes()).unwrap();
        let pending = Signer::new(&alice, &policy)
            .unwrap()
            .prepare_with(&message, now(), &mut Foreseen(vec![[1; 16], [2; 16]]))
            .unwrap();
        let request = pending.request().unwrap();
        let signature = alice.signing().sign(&request.scheme, &request.message).unwrap();
        let signed = String::from_utf8(pending.finish(signature).unwrap().to_vec().unwrap()).unwrap();
        assert!(signed.contains(&format!("boundary=\"{second}\"")), "{signed}");
    }
}

#[test]
fn sec_145_randomness_is_the_systems_unless_a_caller_passes_another() {
    // No feature brings in a foreseeable generator, and the only implementation in the library asks the system.
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    assert!(!manifest.contains("insecure-test-rng"));
    let dependencies = manifest.split("[dev-dependencies]").next().unwrap();
    for generator in ["rand_chacha", "rand_pcg", "fastrand", "oorandom"] {
        assert!(!dependencies.contains(generator), "{generator}");
    }
    let mut implementations = 0;
    for file in walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        // Tests in a file of their own.
        if file.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let shipped = text.split("#[cfg(test)]").next().unwrap();
        implementations += shipped.matches("impl Random for ").count();
    }
    assert_eq!(implementations, 1);
    // And two messages never share a key, an initialisation vector or a boundary.
    let ca = Authority::root("Test CA");
    let alice = ca.person("Alice", "alice@example.com");
    let policy = Policy::default();
    let mail = format!("{HEADER}\r\nhello\r\n");
    let message = Message::parse(mail.as_bytes()).unwrap();
    let signer = Signer::new(&alice, &policy).unwrap();
    assert_ne!(signer.sign(&message, now()).unwrap(), signer.sign(&message, now()).unwrap());
    let directory = Certificates(vec![alice.certificate().clone()]);
    let plan = RecipientPlan::resolve(&["alice@example.com".parse().unwrap()], &directory, &policy, None, now());
    let encryptor = Encryptor::new(&plan.all().unwrap(), &policy);
    assert_ne!(encryptor.encrypt(&message).unwrap(), encryptor.encrypt(&message).unwrap());
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn headers_go_where_they_belong() {
    let ca = Authority::root("Test CA");
    let alice = ca.person("Alice", "alice@example.com");
    let mail = "Received: from a by b\nFrom: alice@example.com\nTo: bob@example.com\nBcc: carol@example.com,\n dave@example.com\n\
                Subject: =?utf-8?q?gr=C3=BCn?=\nMIME-Version: 1.0\nContent-Type: text/plain\nX-Own:  odd   spacing\nContent-Language: de\n\nhello\n";
    let message = Message::parse(mail.as_bytes()).unwrap();
    assert!(message.notes().iter().any(|n| n.code == "bcc_removed" && n.text.contains("carol@example.com")));
    // After the others, or, as Outlook has them, where the old ones stood and with the language outside.
    let after = ["Received", "From", "To", "Subject", "X-Own", "MIME-Version", "Content-Type"];
    let in_place = ["Received", "From", "To", "Subject", "MIME-Version", "Content-Type", "X-Own", "Content-Language"];
    for (profile, names, inside) in [
        (Profile::Rfc8551, after.as_slice(), "Content-Type: text/plain\r\nContent-Language: de\r\n\r\n"),
        (Profile::OutlookWindows, in_place.as_slice(), "Content-Type: text/plain\r\n\r\n"),
    ] {
        let policy = Policy::new(profile);
        let signed = String::from_utf8(Signer::new(&alice, &policy).unwrap().sign(&message, now()).unwrap()).unwrap();
        let (outer, rest) = signed.split_once("\r\n\r\n").unwrap();
        let found: Vec<&str> =
            outer.split("\r\n").filter(|l| !l.starts_with([' ', '\t'])).map(|l| l.split(':').next().unwrap()).collect();
        assert_eq!(found, names);
        assert!(outer.contains("X-Own:  odd   spacing\r\n"), "byte for byte");
        assert!(!signed.contains("carol") && !signed.contains("dave"));
        assert!(rest.contains(inside), "{rest}");
        assert_eq!(signed.matches("MIME-Version").count(), 1);
        assert_eq!(signed.matches("Content-Language").count(), 1);
    }
}

#[test]
fn what_is_protected_already_is_wrapped_only_by_name() {
    let ca = Authority::root("Test CA");
    let (alice, bob) = (ca.person("Alice", "alice@example.com"), ca.person("Bob", "bob@example.com"));
    let policy = Policy::default();
    let mail = format!("{HEADER}Content-Type: text/plain\r\n\r\nhello\r\n");
    let signer = Signer::new(&alice, &policy).unwrap();
    let signed = signer.sign(&Message::parse(mail.as_bytes()).unwrap(), now()).unwrap();
    let again = Message::parse(&signed).unwrap();
    let error = signer.sign(&again, now()).unwrap_err();
    assert!(error.to_string().contains("signed already"), "{error}");
    // Sign, encrypt, sign: each layer is told, outermost first.
    let directory = Certificates(vec![bob.certificate().clone()]);
    let plan = RecipientPlan::resolve(&["bob@example.com".parse().unwrap()], &directory, &policy, None, now());
    let encryptor = Encryptor::new(&plan.all().unwrap(), &policy);
    let sealed = encryptor.encrypt(&again).unwrap();
    let sealed_message = Message::parse(&sealed).unwrap();
    assert!(encryptor.encrypt(&sealed_message).unwrap_err().to_string().contains("encrypted already"));
    let mut wrapping = Policy::default();
    wrapping.already_protected = AlreadyProtected::Wrap;
    let triple = Signer::new(&alice, &wrapping).unwrap().sign(&sealed_message, now()).unwrap();
    let (trust, ring) = (ca.trust(), Keyring::new(vec![bob]));
    let opened = Opener::new(&trust, &policy).with_keys(&ring).open(&triple, now()).unwrap();
    assert_eq!(opened.report().layers.len(), 3, "{}", opened.report());
    let trusted = opened.require(Requirement::SignedBySender).map_err(|r| r.reasons().to_vec()).unwrap();
    assert_eq!(trusted.message().unwrap(), b"Content-Type: text/plain\r\n\r\nhello\r\n");
}

#[test]
fn a_sender_who_is_not_in_the_certificate_signs_nothing() {
    let ca = Authority::root("Test CA");
    let alice = ca.person("Alice", "alice@example.com");
    let mut policy = Policy::default();
    let mail = b"From: Alice <alice@elsewhere.example>\r\n\r\nhello\r\n";
    let message = Message::parse(mail).unwrap();
    let error = Signer::new(&alice, &policy).unwrap().sign(&message, now()).unwrap_err().to_string();
    assert!(error.contains("alice@elsewhere.example") && error.contains("alice@example.com"), "{error}");
    let nobody = Message::parse(b"Subject: x\r\n\r\nhello\r\n").unwrap();
    assert!(Signer::new(&alice, &policy).unwrap().sign(&nobody, now()).is_err());
    policy.sender_mismatch = SenderMismatch::Allow;
    let signer = Signer::new(&alice, &policy).unwrap();
    let pending = signer.prepare(&message, now()).unwrap();
    assert_eq!(pending.notes().len(), 1);
    signer.sign(&message, now()).unwrap();
}

/// What careless relays do to a mail on its way.
fn relayed(mail: &[u8], steps: u8) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> =
        mail.split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l).to_vec()).collect();
    for line in &mut lines {
        if steps & 1 != 0 {
            let kept = line.iter().rposition(|b| !matches!(b, b' ' | b'\t')).map_or(0, |at| at + 1);
            line.truncate(kept);
        }
        if steps & 2 != 0 && line.starts_with(b"From ") {
            line.insert(0, b'>');
        }
        if steps & 4 != 0 {
            line.iter_mut().for_each(|b| *b &= 0x7f);
        }
        if steps & 8 != 0 {
            line.retain(|b| *b != 0 && *b != b'\r');
        }
        if steps & 16 != 0 {
            line.truncate(998);
        }
    }
    lines.join(if steps & 32 != 0 { b"\n".as_slice() } else { b"\r\n".as_slice() })
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    #[test]
    fn sec_142_no_careless_relay_breaks_a_signature(
        body in proptest::collection::vec(proptest::prop_oneof![
            5 => "[ -~]{0,80}".prop_map(String::into_bytes),
            1 => proptest::prelude::Just(b"From the start".to_vec()),
            1 => proptest::prelude::Just(b"trailing \t ".to_vec()),
            1 => proptest::prelude::Just(b".".to_vec()),
            1 => proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40),
            1 => proptest::prelude::Just(vec![b'y'; 1200]),
        ], 0..12),
        crlf in proptest::prelude::any::<bool>(),
        kind in proptest::sample::select(vec!["text/plain; charset=utf-8", "text/html", "application/octet-stream"]),
        steps in 0u8..64,
    ) {
        static WORLD: std::sync::OnceLock<(Authority, smime::Identity)> = std::sync::OnceLock::new();
        let (ca, alice) = WORLD.get_or_init(|| {
            let ca = Authority::root("Relay CA");
            let alice = ca.person("Alice", "alice@example.com");
            (ca, alice)
        });
        let end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
        let head = format!("{HEADER}Content-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\n\r\n");
        let mail = [head.as_bytes(), &body.join(end), end].concat();
        let (policy, trust) = (Policy::default(), ca.trust());
        let signed = Signer::new(alice, &policy).unwrap().sign(&Message::parse(&mail).unwrap(), now()).unwrap();
        let arrived = relayed(&signed, steps);
        let opened = Opener::new(&trust, &policy).open(&arrived, now()).unwrap();
        proptest::prop_assert!(opened.judge(Requirement::SignedBySender).is_ok(), "{}", opened.report());
    }
}
