//! The outline of a message, and its redacted copy: over every message of the corpus, over our own, over broken ones, and
//! through the program as a user runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::people::{Authority, now};
use common::{corpus, entries, text};
use smime::asn1::ber::Reader;
use smime::asn1::{der, oid};
use smime::base::source::Memory;
use smime::mime::entity;
use smime::mime::transfer::{TransferEncoding, decode_slice};
use smime::open::outline::node::{Counting, Node};
use smime::open::outline::{Outline, outline};
use smime::open::redact::redact;
use smime::{Certificates, Encryptor, Identity, Limits, Message, Policy, Profile, RecipientPlan, Signer};
use std::collections::BTreeSet;

/// Kinds of the corpus that are no messages.
const NO_MESSAGES: [&str; 5] = ["p12", "vectors", "certificate", "certificate+expected-findings", "private-key"];

fn outlined(bytes: &[u8]) -> Outline {
    outline(&Memory::borrowed(bytes), &Limits::default()).unwrap()
}

fn messages() -> Vec<(String, Vec<u8>)> {
    let Some(corpus) = corpus() else { return Vec::new() };
    let entries = entries(&corpus);
    let wanted = entries.iter().filter(|entry| !NO_MESSAGES.contains(&text(entry, "kind")));
    wanted.map(|e| (text(e, "path").to_owned(), std::fs::read(corpus.join(text(e, "path"))).unwrap())).collect()
}

/// Checks every place below a node against the bytes that it is counted in; how many there were.
fn check_places(path: &str, node: &Node, bytes: &[u8], content: Option<&[u8]>) -> usize {
    let mut checked = 0;
    let mut here = None;
    if let Some(place) = node.at {
        let from = usize::try_from(place.offset).unwrap();
        let all = from + usize::try_from(place.length).unwrap();
        assert!(all <= bytes.len(), "{path}: {} reaches to {all} of {}", node.name, bytes.len());
        let slice = &bytes[from..all];
        if let Some(encoding) = &node.encoding {
            checked += 1;
            let found = Reader::new(slice).peek();
            assert_eq!(found, Some(encoding.tag), "{path}: {} at {from}", node.name);
        } else if node.name.contains('-') || ["From", "Sender", "Date", "Subject"].contains(&node.name.as_ref()) {
            checked += 1;
            let name = &slice[..node.name.len()];
            assert!(name.eq_ignore_ascii_case(node.name.as_bytes()), "{path}: {} at {from}", node.name);
        }
        here = Some(slice);
    }
    let decoded;
    let (inner, content) = match node.counting {
        Counting::Same => (bytes, content_of(node, bytes).map(Vec::leak).map(|c| &*c).or(content)),
        Counting::Decoded => {
            decoded = unwrapped(node, here.unwrap());
            (decoded.as_slice(), None)
        }
        Counting::Content => (content.expect("a content to count in"), None),
    };
    checked + node.children.iter().map(|child| check_places(path, child, inner, content)).sum::<usize>()
}

/// What the bytes of a node stand for: what begins with a SEQUENCE when its encoding is off.
fn unwrapped(node: &Node, bytes: &[u8]) -> Vec<u8> {
    if bytes.first() == Some(&0x30) && !bytes.is_ascii() {
        return bytes.to_vec();
    }
    // A lenient reading of our own: base64 without what is not of it, each padded piece by itself; or quoted-printable.
    let alphabet = |b: &u8| b.is_ascii_alphanumeric() || matches!(*b, b'+' | b'/' | b'=');
    let clean: Vec<u8> = bytes.iter().copied().filter(alphabet).collect();
    let piece = |piece: &[u8]| {
        let whole = piece.len() - usize::from(piece.len() % 4 == 1);
        let bits = piece[..whole].iter().fold((Vec::new(), 0_u32, 0), |(mut out, bits, have), b| {
            let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|a| a == b);
            let (bits, have) = ((bits << 6 | value.unwrap() as u32) & 0xfff, have + 6);
            if have < 8 {
                return (out, bits, have);
            }
            out.push((bits >> (have - 8)) as u8);
            (out, bits, have - 8)
        });
        bits.0
    };
    let read: Vec<u8> = clean.split(|b| *b == b'=').flat_map(piece).collect();
    let read = Some(read).filter(|b| b.first() == Some(&0x30));
    let read = read.or_else(|| decode_slice(bytes, TransferEncoding::QuotedPrintable, Default::default()).ok());
    read.unwrap_or_else(|| panic!("{} cannot be decoded", node.name))
}

/// The octets of the content, where the node is a structure that has one in clear.
fn content_of(node: &Node, bytes: &[u8]) -> Option<Vec<u8>> {
    if node.name != "contentInfo" {
        return None;
    }
    let string = node.walk().find(|n| n.encoding.is_some() && (n.name == "eContent" || n.name == "data"))?;
    let place = string.at.unwrap();
    let raw = &bytes[place.offset as usize..(place.offset + place.length) as usize];
    match Reader::single(raw, "content") {
        Ok(element) => Some(element.octets("content").unwrap().into_owned()),
        // Cut short: behind the header of the string and that of its one segment, where it has any.
        Err(_) => Some(raw.get(if raw.starts_with(&[0x24, 0x80]) { 4 } else { 2 }..).unwrap_or_default().to_vec()),
    }
}

#[test]
fn every_place_in_the_outline_of_every_real_message_is_right() {
    let mut checked = 0;
    let mut structures = 0;
    for (path, bytes) in messages() {
        let outline = outlined(&bytes);
        structures += outline.root.walk().filter(|n| n.name == "contentInfo").count();
        checked += check_places(&path, &outline.root, &bytes, None);
        let words = outline.to_string();
        let own: String = outline.redacted().to_string();
        assert!(!own.to_lowercase().contains("valid ") && !words.is_empty(), "{path}");
    }
    println!("inspect: {checked} places of {structures} structures");
    assert!(checked == 0 || (checked > 30_000 && structures > 300), "{checked} places of {structures} structures");
}

/// Name, place, tag and form of everything, and the values that are structure: what a redacted copy must keep.
fn shape(outline: &Outline) -> Vec<String> {
    let redacted = outline.redacted();
    let line = |node: &Node| {
        let place = node.at.map(|at| (at.offset, at.length));
        let encoding = node.encoding.map(|e| (e.tag.to_string(), e.form.name(), e.segments));
        format!("{} {place:?} {encoding:?} {}", node.name, node.more)
    };
    redacted.root.walk().map(line).collect()
}

fn first_difference(a: &[String], b: &[String]) -> Option<String> {
    let at = (0..a.len().max(b.len())).find(|n| a.get(*n) != b.get(*n))?;
    Some(format!("node {at} of {} and {}: {:?} became {:?}", a.len(), b.len(), a.get(at), b.get(at)))
}

/// The words of four letters and more in a text.
fn words(text: &str, into: &mut BTreeSet<String>) {
    let found = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() >= 4);
    into.extend(found.map(str::to_ascii_lowercase));
}

/// Everything that a reader of the message gets to see: the outline's values that are content, and the texts of bodies.
fn secrets(bytes: &[u8], outline: &Outline) -> BTreeSet<String> {
    let mut secret = BTreeSet::new();
    for node in outline.root.walk() {
        if let Some(value) = node.value.as_ref().filter(|value| !value.class.stays()) {
            words(&value.text, &mut secret);
        }
    }
    let limits = Limits::default();
    let source = Memory::borrowed(bytes);
    if outline.root.name == "message"
        && let Ok(root) = entity::scan(&source, &limits)
    {
        for part in root.walk().filter(|part| part.children.is_empty() && part.media_type().starts_with("text/")) {
            let mut text = Vec::new();
            if let Ok(mut reader) = part.decoded(&source, smime::mime::transfer::Strictness::Lenient) {
                let _ = std::io::Read::read_to_end(&mut reader, &mut text);
            }
            words(&String::from_utf8_lossy(&text), &mut secret);
        }
        for name in ["Subject", "From", "To", "Cc"] {
            root.header.all(name).for_each(|field| words(&field.text(), &mut secret));
        }
    }
    secret
}

/// All that a copy says, with every encoding taken off: as it lies, its bodies, its structures and what is in them.
fn said(bytes: &[u8], depth: usize) -> Vec<u8> {
    let mut all = bytes.to_vec();
    all.push(b'\n');
    let wide: Vec<u8> = bytes.iter().copied().filter(|b| *b != 0).collect();
    all.extend(wide);
    all.push(b'\n');
    if depth > 6 {
        return all;
    }
    let alphabet = |b: &u8| b.is_ascii_alphanumeric() || matches!(*b, b'+' | b'/');
    // Runs of lines of base64, whatever they stand in.
    let mut run = Vec::new();
    for line in bytes.split(|b| *b == b'\n').chain([&b"-"[..]]) {
        let line = line.trim_ascii();
        if line.len() >= 4 && line.iter().all(|b| alphabet(b) || *b == b'=') {
            run.extend_from_slice(line);
        } else if !run.is_empty() {
            if let Ok(decoded) = decode_slice(&run, TransferEncoding::Base64, Default::default()) {
                all.extend(said(&decoded, depth + 1));
            }
            run.clear();
        }
    }
    if bytes.windows(3).any(|w| w[0] == b'=' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit())
        && let Ok(decoded) =
            decode_slice(bytes, TransferEncoding::QuotedPrintable, smime::mime::transfer::Strictness::Lenient)
    {
        all.extend(said(&decoded, depth + 2));
    }
    all
}

/// Words of mail and of X.509 themselves: names of header fields, media types, charsets.
fn structural(bytes: &[u8], outline: &Outline) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    words(
        "content type transfer encoding disposition attachment inline text plain html multipart mixed signed message boundary \
         protocol micalg smime name filename charset version mime application base quoted printable base64 binary pkcs xpkcs \
         windows ascii unicode signature data begin certificate header field date from sender subject with this that report \
         date mon tue wed thu fri sat sun jan feb mar apr may jun jul aug sep oct nov dec format flowed delsp",
        &mut known,
    );
    for node in outline.root.walk() {
        if node.name == "inside" || node.value.as_ref().is_some_and(|value| value.class.stays()) {
            words(node.text(), &mut known);
        }
    }
    // The names of header fields, at any depth.
    for line in bytes.split(|b| *b == b'\n') {
        let name = line.split(|b| *b == b':').next().unwrap_or_default();
        if name.len() < line.len() && name.iter().all(|b| b.is_ascii_graphic()) {
            words(&String::from_utf8_lossy(name), &mut known);
        }
        // RFC 2046: what a multipart says to readers without MIME is written by programs.
        if line.starts_with(b"This is") {
            words(&String::from_utf8_lossy(line), &mut known);
        }
        if line.starts_with(b"-----BEGIN") || line.starts_with(b"-----END") || line.starts_with(b"Date:") {
            words(&String::from_utf8_lossy(line), &mut known);
        }
    }
    known
}

#[test]
fn the_redacted_copy_of_every_real_message_has_its_shape_and_none_of_its_words() {
    let (mut copies, mut looked_for) = (0, 0);
    let mut wrong = Vec::new();
    for (path, bytes) in messages() {
        let outline = outlined(&bytes);
        let copy = redact(&bytes, &Limits::default()).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert_eq!(copy.len(), bytes.len(), "{path}");
        let breaks = |b: &[u8]| b.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(n, _)| n).collect::<Vec<_>>();
        if bytes.is_ascii() {
            assert_eq!(breaks(&copy), breaks(&bytes), "{path}");
        }
        if let Some(difference) = first_difference(&shape(&outline), &shape(&outlined(&copy))) {
            wrong.push(format!("{path}: {difference}"));
        }
        let known = structural(&said(&bytes, 0), &outline);
        let mut left = BTreeSet::new();
        words(&String::from_utf8_lossy(&said(&copy, 0)), &mut left);
        let secret = secrets(&bytes, &outline);
        looked_for += secret.len();
        let filler = |word: &str| word.chars().all(|c| "xzqjkvwyb".contains(c));
        let survived: Vec<&String> =
            secret.intersection(&left).filter(|word| !known.contains(*word) && !filler(word)).collect();
        if !survived.is_empty() {
            wrong.push(format!("{path}: {survived:?} survived"));
        }
        copies += 1;
    }
    println!("inspect: {copies} copies, {looked_for} words looked for");
    assert!(wrong.is_empty(), "{} of {copies} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

struct World {
    alice: Identity,
    bob: Identity,
}

impl World {
    fn new() -> Self {
        let ca = Authority::root("Quentin Authority");
        Self {
            alice: ca.person("Ludmila Canary", "ludmila@canary.example"),
            bob: ca.person("Bertold", "bertold@finch.example"),
        }
    }

    fn signed(&self, mail: &str, opaque: bool) -> Vec<u8> {
        let policy = Policy::default();
        let signer = Signer::new(&self.alice, &policy).unwrap();
        let signer = if opaque { signer.opaque() } else { signer };
        signer.sign(&Message::parse(mail.as_bytes()).unwrap(), now()).unwrap()
    }

    fn encrypted(&self, mail: &str) -> Vec<u8> {
        let policy = Policy::default();
        let directory = Certificates(vec![self.bob.certificate().clone()]);
        let message = Message::parse(mail.as_bytes()).unwrap();
        let plan =
            RecipientPlan::resolve(&["bertold@finch.example".parse().unwrap()], &directory, &policy, None, now());
        Encryptor::new(&plan.all().unwrap(), &policy).encrypt(&message).unwrap()
    }
}

/// The canary sings in every encoding there is.
fn canary_mail() -> String {
    let utf16: Vec<u8> = "nightingale".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let base64 = |bytes: &[u8]| {
        let pem = smime::store::pem::write("X", bytes);
        pem.lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\r\n")
    };
    format!(
        "From: Ludmila Nightingale <ludmila@canary.example>\r\nTo: bertold@finch.example\r\n\
         Subject: =?utf-8?B?{}?= nightingale\r\nX-Secret: nightingale (night=69ngale)\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"----=_nightingale_1\"\r\n\r\nnightingale sings\r\n------=_nightingale_1\r\n\
         Content-Type: text/plain; charset=utf-8; x-nightingale=nightingale (nightingale)\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\nn=69ghtingale nightingale n\u{e9}\r\n------=_nightingale_1\r\n\
         Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename*=utf-8''n%69ghtingale.txt\r\n\r\n{}\r\n------=_nightingale_1\r\n\
         Content-Type: application/octet-stream; name=\"nightingale.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n\
         ------=_nightingale_1\r\n\r\nnightingale, 8 bits: n\u{ef}ghtingale\r\n------=_nightingale_1--\r\nnightingale gone\r\n",
        base64(b"nightingale"),
        base64(&utf16),
        base64(b"nightingale nightingale"),
    )
}

const CANARIES: [&str; 6] = ["nightingale", "ludmila", "canary", "bertold", "finch", "quentin"];

fn assert_silent(copy: &[u8], what: &str) {
    let said = String::from_utf8_lossy(&said(copy, 0)).to_lowercase();
    for canary in CANARIES {
        assert!(!said.contains(canary), "{what}: {canary} sings in\n{}", String::from_utf8_lossy(copy));
    }
}

#[test]
fn no_canary_survives_in_mail_of_our_own() {
    let world = World::new();
    let mail = canary_mail();
    let plain = mail.clone().into_bytes();
    let (clear, opaque) = (world.signed(&mail, false), world.signed(&mail, true));
    let encrypted = world.encrypted(&String::from_utf8(clear.clone()).unwrap());
    for (what, bytes) in [("plain", plain), ("clear", clear), ("opaque", opaque), ("encrypted", encrypted)] {
        let copy = redact(&bytes, &Limits::default()).unwrap();
        assert_silent(&copy, what);
        let (before, after) = (outlined(&bytes), outlined(&copy));
        assert_eq!(
            first_difference(&shape(&before), &shape(&after)),
            None,
            "{what}\n{}",
            String::from_utf8_lossy(&copy)
        );
        assert_silent(before.redacted().to_string().as_bytes(), what);
        assert!(check_places(what, &after.root, &copy, None) > 1, "{what}");
    }
}

#[test]
fn an_opaque_signature_is_told_down_to_its_parameters() {
    let world = World::new();
    // With signingCertificateV2, which Outlook does not write.
    let policy = Policy::new(Profile::Rfc8551);
    let message = Message::parse(b"From: ludmila@canary.example\r\nSubject: s\r\n\r\nhello\r\n").unwrap();
    let mail = Signer::new(&world.alice, &policy).unwrap().opaque().sign(&message, now()).unwrap();
    let outline = outlined(&mail);
    let find = |name: &str| outline.root.walk().find(|n| n.name == name).unwrap_or_else(|| panic!("{name}\n{outline}"));
    assert_eq!(find("contentInfo").text(), "signed-data");
    assert_eq!(find("signatureAlgorithm").text(), "ecdsa-sha256");
    assert_eq!(find("id-signing-time").text(), "2026-11-24T08:00:00Z");
    assert_eq!(find("id-message-digest").text().len(), 64);
    assert!(find("signedAttrs").text().ends_with("in DER order"), "{}", find("signedAttrs").text());
    let subjects: Vec<&str> = outline.root.walk().filter(|n| n.name == "subject").map(Node::text).collect();
    assert!(subjects.contains(&"CN=Ludmila Canary"), "{subjects:?}");
    assert_eq!(find("rfc822Name").text(), "ludmila@canary.example");
    let usages: Vec<&str> =
        outline.root.walk().filter(|n| n.name == "keyUsage").map(|n| n.children[0].text()).collect();
    assert!(usages.contains(&"digitalSignature, keyAgreement"), "{usages:?}");
    assert!(find("id-smime-capabilities").children[0].children.len() > 3);
    assert!(outline.root.walk().any(|n| n.name == "certHash"));
    let inside = find("inside");
    assert_eq!((inside.counting, inside.children[0].text()), (Counting::Content, "text/plain"));
}

#[test]
fn every_truncation_of_a_signed_mail_is_told_as_far_as_it_goes() {
    let world = World::new();
    let mail = world.signed("From: ludmila@canary.example\r\n\r\nhello\r\n", true);
    let start = mail.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let der = decode_slice(&mail[start..], TransferEncoding::Base64, Default::default()).unwrap();
    let whole = outlined(&der).root.walk().count();
    let mut most = 0;
    for cut in 0..der.len() {
        let outline = outlined(&der[..cut]);
        if cut >= 2 {
            let root = &outline.root;
            assert_eq!(root.name, "contentInfo", "{cut}");
            assert!(root.notes.iter().any(|note| note.code == "broken"), "{cut}: {outline}");
            check_places(&cut.to_string(), root, &der[..cut], None);
        }
        most = most.max(outline.root.walk().count());
        redact(&der[..cut], &Limits::default()).unwrap();
    }
    assert!(most + 10 > whole, "{most} of {whole} nodes just before the end");
    for cut in 0..mail.len() {
        let outline = outlined(&mail[..cut]);
        check_places(&cut.to_string(), &outline.root, &mail[..cut], None);
    }
}

/// ContentInfo of EnvelopedData in which `recipients` stand.
fn enveloped(recipients: &[Vec<u8>]) -> Vec<u8> {
    let cipher = der::sequence(&[der::oid(&oid::AES256_CBC), der::octets(&[7; 16])]);
    let content = der::primitive(smime::asn1::ber::Tag::context(0), &[1; 32]);
    let inner = der::sequence(&[der::oid(&oid::ID_DATA), cipher, content]);
    let set = der::constructed(smime::asn1::ber::Tag::SET, recipients);
    let data = der::sequence(&[der::integer(0), set, inner]);
    der::sequence(&[der::oid(&oid::ID_ENVELOPED_DATA), der::explicit(0, &data)])
}

#[test]
fn ten_thousand_recipients_are_counted_and_a_hundred_shown() {
    let one = |n: u64| {
        let issuer = smime::cert::name::Name::build(&[(oid::COMMON_NAME, "CA")]);
        let rid = der::sequence(&[issuer.der().to_vec(), der::integer(n)]);
        let algorithm = der::sequence(&[der::oid(&oid::RSA_ENCRYPTION), der::null()]);
        der::sequence(&[der::integer(0), rid, algorithm, der::octets(&[9; 256])])
    };
    let bytes = enveloped(&(0..10_000).map(one).collect::<Vec<_>>());
    let started = std::time::Instant::now();
    let outline = outlined(&bytes);
    let set = outline.root.walk().find(|n| n.name == "recipientInfos").unwrap();
    assert_eq!((set.text(), set.children.len(), set.more), ("10000", 100, 9_900));
    assert!(outline.to_string().contains(".. and 9900 more"));
    let after = outline.root.walk().find(|n| n.name == "contentEncryptionAlgorithm").unwrap();
    assert_eq!(after.text(), "aes256-cbc");
    let copy = redact(&bytes, &Limits::default()).unwrap();
    assert_eq!(shape(&outlined(&copy)), shape(&outline));
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn deep_nesting_ends_and_says_so() {
    let mut deep = der::null();
    for _ in 0..200 {
        deep = der::sequence(&[deep]);
    }
    let bytes = der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &deep)]);
    let outline = outlined(&bytes);
    assert!(outline.root.walk().any(|n| n.notes.iter().any(|note| note.code == "too_deep")), "{outline}");
    redact(&bytes, &Limits::default()).unwrap();
    let mut indefinite = vec![0x30, 0x80];
    for _ in 0..100_000 {
        indefinite.extend([0x30, 0x80]);
    }
    outlined(&indefinite);
    redact(&indefinite, &Limits::default()).unwrap();
}

#[test]
fn forms_of_ber_are_told() {
    use smime::asn1::ber::Tag;
    let mut string = vec![0x24, 0x80];
    for part in [&b"Subject: s\r\n"[..], b"\r\nhel", b"lo"] {
        string.extend(der::octets(part));
    }
    string.extend([0, 0]);
    let head = [der::oid(&oid::ID_DATA), vec![0xa0, 0x80], string, vec![0, 0]].concat();
    let encapsulated = [vec![0x30, 0x80], head, vec![0, 0]].concat();
    let set = der::constructed(Tag::SET, &[] as &[Vec<u8>]);
    // The length of the version takes one octet more than it needs.
    let data = [vec![0x02, 0x81, 0x01, 0x01], set.clone(), encapsulated, set].concat();
    let bytes = der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &der::sequence(&[data]))]);
    let outline = outlined(&bytes);
    let find = |name: &str| outline.root.walk().find(|n| n.name == name).unwrap();
    assert_eq!(find("version").encoding.unwrap().form.name(), "non-minimal length");
    let content = find("eContent").encoding.unwrap();
    assert_eq!((content.form.name(), content.segments), ("indefinite length", Some(3)));
    assert_eq!(find("inside").children[0].child("Subject").unwrap().text(), "s");
    assert!(check_places("ber", &outline.root, &bytes, None) > 8);
    let pem = smime::store::pem::write("PKCS7", &bytes);
    let armoured = outlined(pem.as_bytes());
    assert!(armoured.root.text().contains("PEM labelled PKCS7, without MIME"), "{armoured}");
    assert_eq!(armoured.root.children[0].walk().count(), outline.root.walk().count());
    let copy = redact(pem.as_bytes(), &Limits::default()).unwrap();
    assert!(copy.starts_with(b"-----BEGIN PKCS7-----\n") && copy.ends_with(b"-----END PKCS7-----\n"));
    assert_eq!(shape(&outlined(&copy)), shape(&armoured));
}

#[cfg(feature = "cli")]
mod program {
    use super::*;
    use std::process::Command;

    fn run(folder: &std::path::Path, line: &str) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smime"));
        let output = command.current_dir(folder).args(line.split(' ')).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    #[test]
    fn a_user_looks_and_sends_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let world = World::new();
        let mail = world.signed(&canary_mail(), false);
        std::fs::write(folder.path().join("mail.eml"), &mail).unwrap();
        let (code, words, _) = run(folder.path(), "inspect mail.eml");
        assert_eq!(code, Some(0));
        assert!(
            words.contains("signerInfo") && words.contains("CN=Ludmila Canary") && !words.contains("valid "),
            "{words}"
        );
        let (_, json, _) = run(folder.path(), "inspect --json mail.eml");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let parts = json["outline"]["mime"].as_array().unwrap();
        let signature = &parts.last().unwrap()["cms"];
        assert_eq!((json["version"].as_u64(), signature["type"].as_str()), (Some(1), Some("signed-data")));
        assert_eq!(signature["signers"][0]["signature"], "ecdsa-sha256");
        assert_eq!(signature["certificates"][0]["key"], "P-256");
        assert!(signature["content_bytes"].is_null() && json["outline"]["tree"]["children"].is_array());
        for line in ["inspect --redact mail.eml", "inspect --redact --json mail.eml"] {
            let (code, out, _) = run(folder.path(), line);
            assert_eq!(code, Some(0));
            assert_silent(out.as_bytes(), line);
            assert!(out.contains("ecdsa-sha256") && out.contains("name#1"), "{out}");
        }
        let (code, out, said) = run(folder.path(), "inspect --redact --out copy.eml mail.eml");
        assert_eq!((code, out.as_str()), (Some(0), ""), "{said}");
        let copy = std::fs::read(folder.path().join("copy.eml")).unwrap();
        assert_eq!(copy.len(), mail.len());
        assert_silent(&copy, "copy.eml");
        let (code, _, said) = run(folder.path(), "inspect --redact --out copy.eml mail.eml");
        assert!(code != Some(0) && said.contains("copy.eml"), "{said}");
        assert_eq!(run(folder.path(), "inspect --redact --out copy.eml --force mail.eml").0, Some(0));
        assert_eq!(run(folder.path(), "inspect --out copy.eml mail.eml").0, Some(2));
    }
}
