//! The doctor over mails that were good before one thing was done to each: it names that thing. Over the good ones it finds
//! nothing wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of a test is a test

mod common;

use common::people::{Authority, now};
use smime::asn1::{der, oid};
use smime::base::source::Memory;
use smime::crypto::algorithm::ContentCipher;
use smime::open::doctor::{self, Diagnosis};
use smime::policy::policy::IncludedCertificates;
use smime::{Certificates, Encryptor, Identity, Keyring, Message, Opener, Policy, RecipientPlan, Signer, Time, Trust};

const MAIL: &[u8] = b"From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nSubject: Greetings\r\nMIME-Version: 1.0\r\n\
Content-Type: text/plain;\r\n charset=utf-8\r\n\r\nDear Bob,\r\nthis is the plan for tomorrow.\r\n\r\nRegards\r\nAlice\r\n";

/// A world with a good mail of each form.
struct World {
    ca: Authority,
    alice: Identity,
    bob: Identity,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    Clear,
    Opaque,
    Encrypted,
    SignedEncrypted,
}

impl World {
    fn new() -> Self {
        let ca = Authority::root("Doctors' CA");
        let (alice, bob) = (ca.person("Alice", "alice@example.com"), ca.person("Bob", "bob@example.com"));
        Self { ca, alice, bob }
    }

    fn sign(&self, raw: &[u8], form: Form, policy: &Policy) -> Vec<u8> {
        let signer = Signer::new(&self.alice, policy).unwrap();
        let signer = if form == Form::Opaque { signer.opaque() } else { signer };
        signer.sign(&Message::parse(raw).unwrap(), now()).unwrap()
    }

    fn seal(&self, raw: &[u8], cipher: ContentCipher) -> Vec<u8> {
        let mut policy = Policy::default();
        policy.content_cipher = cipher;
        let directory = Certificates(vec![self.bob.certificate().clone()]);
        let plan = RecipientPlan::resolve(&["bob@example.com".parse().unwrap()], &directory, &policy, None, now());
        Encryptor::new(&plan.all().unwrap(), &policy).encrypt(&Message::parse(raw).unwrap()).unwrap()
    }

    fn make(&self, form: Form) -> Vec<u8> {
        let policy = Policy::default();
        match form {
            Form::Clear | Form::Opaque => self.sign(MAIL, form, &policy),
            Form::Encrypted => self.seal(MAIL, ContentCipher::Aes256Gcm),
            Form::SignedEncrypted => self.seal(&self.sign(MAIL, Form::Clear, &policy), ContentCipher::Aes256Gcm),
        }
    }

    fn examine(&self, mail: &[u8]) -> Diagnosis {
        self.examine_with(mail, &self.ca.trust(), true, now())
    }

    fn examine_with(&self, mail: &[u8], trust: &Trust, keys: bool, at: Time) -> Diagnosis {
        let (policy, mut ring) = (Policy::default(), Keyring::default());
        if keys {
            ring.add(self.bob.clone());
        }
        let opener = Opener::new(trust, &policy).with_keys(&ring);
        doctor::examine(&opener, Memory::borrowed(mail), at).unwrap()
    }
}

fn replace(mail: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = mail.windows(from.len()).position(|w| w == from);
    let at = at.unwrap_or_else(|| panic!("{:?} is not in the mail", String::from_utf8_lossy(from)));
    [&mail[..at], to, &mail[at + from.len()..]].concat()
}

fn text(mail: &[u8]) -> String {
    String::from_utf8(mail.to_vec()).unwrap()
}

fn first(diagnosis: &Diagnosis) -> &str {
    diagnosis.ailments.first().map_or("", |ailment| ailment.reason.code)
}

#[test]
fn nothing_is_wrong_with_good_mail() {
    let world = World::new();
    for form in [Form::Clear, Form::Opaque, Form::Encrypted, Form::SignedEncrypted] {
        let diagnosis = world.examine(&world.make(form));
        assert!(diagnosis.nothing_wrong(), "{form:?}: {:?}", diagnosis.ailments);
    }
    let plain = world.examine(MAIL);
    assert!(plain.nothing_wrong() && plain.report.unwrap().layers.is_empty());
    // Line ends that a mailbox file has are no illness, only told.
    let unix: Vec<u8> = world.make(Form::Clear).into_iter().filter(|b| *b != b'\r').collect();
    let diagnosis = world.examine(&unix);
    assert!(diagnosis.nothing_wrong(), "{:?}", diagnosis.ailments);
    assert!(diagnosis.deviations.iter().any(|d| d.code == "line_ends_changed"));
    assert!(diagnosis.clients.iter().any(|c| c.trouble.contains("LF alone")));
}

/// What is done to a good mail.
type Damage = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// The name of what was done, the form that it is done to, the deed, and the code that names it.
fn damages() -> Vec<(&'static str, Form, Damage, &'static str)> {
    fn swap(from: &'static str, to: &'static str) -> Damage {
        Box::new(move |mail| replace(mail, from.as_bytes(), to.as_bytes()))
    }
    let lines = |change: fn(&str) -> String| -> Damage {
        Box::new(move |mail| text(mail).split_inclusive("\r\n").map(change).collect::<String>().into_bytes())
    };
    let p7s = |change: fn(&str) -> String| -> Damage {
        Box::new(move |mail| {
            let mail = text(mail);
            let part = mail.find("Content-Type: application/pkcs7-signature").unwrap();
            let at = part + mail[part..].find("\r\n\r\n").unwrap() + 4;
            let end = at + mail[at..].find("\r\n--").unwrap();
            [&mail[..at], change(&mail[at..end]).as_str(), &mail[end..]].concat().into_bytes()
        })
    };
    let body = |change: fn(&str) -> String| -> Damage {
        Box::new(move |mail| {
            let mail = text(mail);
            let at = mail.find("\r\n\r\n").unwrap() + 4;
            [&mail[..at], change(&mail[at..]).as_str()].concat().into_bytes()
        })
    };
    vec![
        ("a word was changed", Form::Clear, swap("tomorrow", "Thursday"), "no_variant_verifies"),
        (
            "a footer was put into the signed part",
            Form::Clear,
            swap("Alice\r\n\r\n--", "Alice\r\n\r\n_______\r\nlist footer\r\n\r\n--"),
            "variant_text_added",
        ),
        (
            "blanks were added at line ends",
            Form::Clear,
            swap("Dear Bob,\r\n", "Dear Bob,  \r\n"),
            "variant_trailing_blanks",
        ),
        ("the last line end was lost", Form::Clear, swap("Alice\r\n\r\n--", "Alice\r\n--"), "variant_last_line_end"),
        ("a line end was added", Form::Clear, swap("Alice\r\n\r\n--", "Alice\r\n\r\n\r\n--"), "variant_last_line_end"),
        (
            "a fold was rewritten",
            Form::Clear,
            Box::new(|mail| {
                let at = mail.windows(25).position(|w| w == b"Content-Type: text/plain;").unwrap();
                [&mail[..at], &replace(&mail[at..], b"\r\n charset", b"\r\n\tcharset")].concat()
            }),
            "variant_folding",
        ),
        (
            "the part was quoted",
            Form::Clear,
            Box::new(|mail| {
                let mail = text(mail);
                let start = mail.find("Content-Type: text/plain").unwrap();
                let end = start + mail[start..].find("\r\n--").unwrap();
                let quoted: String = mail[start..end].split_inclusive("\r\n").map(|line| format!("> {line}")).collect();
                [&mail[..start], &quoted, &mail[end..]].concat().into_bytes()
            }),
            "variant_quoted",
        ),
        ("the signature has a stray character", Form::Clear, p7s(|b| b.replacen('M', "!", 1)), "transfer_encoding"),
        (
            "the signature was cut short",
            Form::Clear,
            p7s(|b| b[..b.len() / 2].replace("\r\n", "")[..400].to_owned()),
            "signature_unreadable",
        ),
        ("the signature is empty", Form::Clear, p7s(|_| String::new()), "signature_unreadable"),
        ("the signature is something else", Form::Clear, p7s(|_| "Y29kZQ==\r\n".to_owned()), "signature_unreadable"),
        (
            "the signature part was removed",
            Form::Clear,
            Box::new(|mail| {
                let mail = text(mail);
                let last = mail.rfind("\r\n--").unwrap();
                let before = mail[..last].rfind("\r\n--").unwrap();
                [&mail[..before], &mail[last..]].concat().into_bytes()
            }),
            "multipart_signed_arity",
        ),
        (
            "a third part was added",
            Form::Clear,
            Box::new(|mail| {
                let mail = text(mail);
                let last = mail.rfind("\r\n--").unwrap();
                let boundary = mail[last..].trim().trim_end_matches("--").to_owned();
                [&mail[..last], "\r\n", &boundary, "\r\n\r\nscanned\r\n", &mail[last..]].concat().into_bytes()
            }),
            "multipart_signed_arity",
        ),
        (
            "the boundary is another",
            Form::Clear,
            Box::new(|mail| {
                let at = text(mail).find("boundary=").unwrap();
                [&mail[..at], &replace(&mail[at..], b"boundary=\"", b"boundary=\"x")].concat()
            }),
            "multipart_signed_arity",
        ),
        (
            "the part's type became another",
            Form::Clear,
            swap("Content-Type: application/pkcs7-signature", "Content-Type: text/plain"),
            "protocol_mismatch",
        ),
        (
            "a second Content-Type was added",
            Form::Clear,
            swap("MIME-Version: 1.0\r\n", "MIME-Version: 1.0\r\nContent-Type: text/html\r\n"),
            "unreadable",
        ),
        (
            "From is another",
            Form::Clear,
            swap("From: Alice <alice@example.com>", "From: Alice <alice@example.org>"),
            "from_mismatch",
        ),
        (
            "a list wrapped it",
            Form::Clear,
            Box::new(|mail| {
                let head = b"From: Alice <alice@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=L\r\n\r\n--L\r\n";
                [&head[..], mail, b"\r\n--L\r\n\r\nfooter\r\n--L--\r\n"].concat()
            }),
            "covers_part_only",
        ),
        (
            "it was saved as UTF-16",
            Form::Clear,
            Box::new(|mail| {
                text(mail).encode_utf16().fold(vec![0xff, 0xfe], |mut all, unit| {
                    all.extend(unit.to_le_bytes());
                    all
                })
            }),
            "utf16_file",
        ),
        (
            "its line ends became CR",
            Form::Clear,
            Box::new(|mail| text(mail).replace("\r\n", "\r").into_bytes()),
            "cr_only_line_ends",
        ),
        (
            "a blank line was put before it",
            Form::Clear,
            Box::new(|mail| [b"\r\n", mail].concat()),
            "leading_blank_line",
        ),
        ("the whole was quoted", Form::Clear, lines(|line| format!("> {line}")), "quoted_file"),
        (
            "its label was lost",
            Form::Opaque,
            swap("Content-Type: application/pkcs7-mime", "X-Was: application/pkcs7-mime"),
            "cms_unlabelled",
        ),
        (
            "its encoding's label was lost",
            Form::Opaque,
            swap("Content-Transfer-Encoding: base64", "X-Was: base64"),
            "encoding_label_lost",
        ),
        (
            "an octet inside was changed",
            Form::Opaque,
            Box::new(|mail| change_inside(mail, b"tomorrow", b"Thursday")),
            "message_digest_mismatch",
        ),
        (
            "a line of base64 was lost",
            Form::Opaque,
            body(|b| {
                let mut l: Vec<&str> = b.split_inclusive("\r\n").collect();
                l.remove(3);
                l.concat()
            }),
            "signature_unreadable",
        ),
        (
            "the end is missing",
            Form::Opaque,
            body(|b| b.split_inclusive("\r\n").take(5).collect()),
            "signature_unreadable",
        ),
        (
            "text was put behind it",
            Form::Opaque,
            body(|b| format!("{b}\r\n_____\r\nlist footer\r\n")),
            "cms_unreadable",
        ),
        ("a byte of ciphertext was changed", Form::Encrypted, body(|b| flip(b, 0.5)), "decrypt_failed"),
        ("the key for the recipient was changed", Form::Encrypted, Box::new(flip_wrapped_key), "decrypt_failed"),
        (
            "the end of the ciphertext is missing",
            Form::Encrypted,
            body(|b| b.split_inclusive("\r\n").take(6).collect()),
            "malformed",
        ),
        (
            "the encryption's encoding is broken",
            Form::Encrypted,
            body(|b| b.replacen('A', "\u{a1}", 1)),
            "cms_unreadable",
        ),
        (
            "the label says base64 twice",
            Form::Encrypted,
            swap("Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: x-uuencode"),
            "cms_unreadable",
        ),
        ("a byte of the outer encryption was changed", Form::SignedEncrypted, body(|b| flip(b, 0.7)), "decrypt_failed"),
    ]
}

/// Another character of the base64 at that place.
fn flip(body: &str, at: f64) -> String {
    let mut bytes = body.as_bytes().to_vec();
    let mut at = (bytes.len() as f64 * at) as usize;
    while !bytes[at].is_ascii_alphanumeric() {
        at += 1;
    }
    bytes[at] = if bytes[at] == b'B' { b'C' } else { b'B' };
    String::from_utf8(bytes).unwrap()
}

fn decoded(mail: &[u8]) -> (String, Vec<u8>) {
    let mail = text(mail);
    let at = mail.find("\r\n\r\n").unwrap() + 4;
    let secret = smime::store::pem::decode_bare(&mail.as_bytes()[at..]).unwrap();
    (mail[..at].to_owned(), secret.expose().to_vec())
}

fn encoded(head: &str, cms: &[u8]) -> Vec<u8> {
    let pem = smime::store::pem::write("X", cms);
    let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    format!("{head}{}\r\n", lines.join("\r\n")).into_bytes()
}

fn change_inside(mail: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let (head, cms) = decoded(mail);
    encoded(&head, &replace(&cms, from, to))
}

/// The wrapped key is the last OCTET STRING before encryptedContentInfo, which begins with id-data.
fn flip_wrapped_key(mail: &[u8]) -> Vec<u8> {
    let (head, mut cms) = decoded(mail);
    let data = der::oid(&oid::ID_DATA);
    let at = cms.windows(data.len()).position(|w| w == data).unwrap();
    cms[at - 12] ^= 1;
    encoded(&head, &cms)
}

#[test]
fn each_damage_is_named() {
    let world = World::new();
    let damages = damages();
    assert!(damages.len() >= 30, "{}", damages.len());
    let mut wrong = Vec::new();
    for (what, form, damage, code) in &damages {
        let diagnosis = world.examine(&damage(&world.make(*form)));
        let found = first(&diagnosis);
        println!("doctor: {what}: {found}: {}", diagnosis.ailments.first().map_or("", |a| a.reason.text.as_str()));
        if found != *code {
            wrong.push(format!("{what}: expected {code}, found {:?}", diagnosis.ailments));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), damages.len(), wrong.join("\n"));
}

#[test]
fn what_is_missing_is_named_by_issuer_and_serial_number() {
    let world = World::new();
    // The key.
    let diagnosis = world.examine_with(&world.make(Form::Encrypted), &world.ca.trust(), false, now());
    assert_eq!(first(&diagnosis), "not_encrypted_to_us");
    let sentence = &diagnosis.ailments[0].reason.text;
    assert!(sentence.contains(&world.bob.certificate().serial_hex()), "{sentence}");
    assert!(sentence.contains("Doctors' CA"), "{sentence}");
    assert!(diagnosis.ailments[0].remedy.unwrap().contains("--identity"));
    // The signer's certificate.
    let (head, cms) = decoded(&world.make(Form::Opaque));
    let bare = without_certificates(&cms);
    let diagnosis = world.examine(&encoded(&head, &bare));
    assert_eq!(first(&diagnosis), "signer_cert_missing");
    assert!(diagnosis.ailments[0].reason.text.contains(&world.alice.certificate().serial_hex()));
    // The authority.
    let stranger = Authority::root("Another CA");
    let diagnosis = world.examine_with(&world.make(Form::Clear), &stranger.trust(), true, now());
    assert!(matches!(first(&diagnosis), "untrusted_chain" | "issuer_not_found"), "{:?}", diagnosis.ailments);
    // Without any, nothing is wrong with the message.
    assert!(world.examine_with(&world.make(Form::Clear), &Trust::default(), true, now()).nothing_wrong());
    // The time.
    let later = "2099-01-01T00:00:00Z".parse().unwrap();
    let diagnosis = world.examine_with(&world.make(Form::Clear), &world.ca.trust(), true, later);
    assert!(diagnosis.ailments.iter().any(|a| a.reason.code == "certificate_expired"), "{:?}", diagnosis.ailments);
}

/// The SignedData without its bag.
fn without_certificates(cms: &[u8]) -> Vec<u8> {
    use smime::asn1::ber::{Reader, Tag};
    let mut info = Reader::single(cms, "x").unwrap().sequence("x").unwrap();
    let kind = info.required(Tag::OID, "x").unwrap().raw().to_vec();
    let mut data = info.required(Tag::context(0), "x").unwrap().explicit("x").unwrap().sequence("x").unwrap();
    let mut fields = Vec::new();
    while let Some(field) = data.next_element().unwrap() {
        if field.tag != Tag::context(0) {
            fields.push(field.raw().to_vec());
        }
    }
    der::sequence(&[kind, der::explicit(0, &der::sequence(&fields))])
}

#[test]
fn clients_that_choke_are_named_with_a_source() {
    let world = World::new();
    let clients = |mail: &[u8]| world.examine(mail).clients;
    let gcm = clients(&world.make(Form::Encrypted));
    assert!(gcm.iter().any(|c| c.client == "classic Outlook" && !c.source.is_empty()));
    assert!(clients(&world.seal(MAIL, ContentCipher::Aes256Cbc)).is_empty());
    assert!(clients(&world.make(Form::Opaque)).iter().any(|c| c.trouble.contains("attachment")));
    let mut policy = Policy::default();
    policy.certificates = IncludedCertificates::Signer;
    assert!(clients(&world.sign(MAIL, Form::Clear, &policy)).is_empty(), "the chain is complete with the root given");
}
