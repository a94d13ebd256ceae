//! Rows SEC-92 to SEC-104 of the threat table: texts, times, names and trees that are not what they should be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use proptest::prelude::*;
use smime::asn1::ber::{Reader, Tag};
use smime::asn1::stream::Stream;
use smime::asn1::{self, ErrorKind, der, oid};
use smime::base::source::Memory;
use smime::cert::name::Name;
use smime::mime::entity::{self, Entity};
use smime::store::import::{self, ImportOptions};
use smime::store::{self, pem};
use smime::{Certificate, Limits, cert};
use std::time::{Duration, Instant};

/// What a whole attack may take in a build without optimisation on a busy machine; what is quadratic takes minutes.
const SOON: Duration = Duration::from_secs(30);

/// A Name of these RDNs, each of common names.
fn name(rdns: &[Vec<(Tag, &[u8])>]) -> Vec<u8> {
    let member =
        |(tag, content): &(Tag, &[u8])| der::sequence(&[der::oid(&oid::COMMON_NAME), der::primitive(*tag, content)]);
    let rdn = |members: &Vec<(Tag, &[u8])>| der::constructed(Tag::SET, &members.iter().map(member).collect::<Vec<_>>());
    der::sequence(&rdns.iter().map(rdn).collect::<Vec<_>>())
}

/// A certificate of this subject and validity, and with these fields at its end.
fn certificate(subject: &[u8], validity: &[Vec<u8>], tail: &[Vec<u8>]) -> Result<Certificate, cert::Error> {
    let algorithm = der::sequence(&[der::oid(&oid::ED25519)]);
    let fields = [
        der::explicit(0, &der::integer(2)),
        der::integer(7),
        algorithm.clone(),
        common::people::common_name("CA").der().to_vec(),
        der::sequence(validity),
        subject.to_vec(),
        der::sequence(&[algorithm.clone(), der::bits(&[9; 32])]),
    ];
    let tbs = der::sequence(&[&fields[..], tail].concat());
    Certificate::from_der(&der::sequence(&[tbs, algorithm, der::bits(&[1; 64])]))
}

fn years() -> Vec<Vec<u8>> {
    let (from, to) = common::people::years();
    vec![der::time(from), der::time(to)]
}

#[test]
fn sec_092_malformed_strings_are_shown_and_never_taken_for_others() {
    let called = |tag, content: &[u8]| {
        let certificate = certificate(&name(&[vec![(tag, content)]]), &years(), &[]).unwrap();
        certificate.subject().clone()
    };
    for (tag, content, shown) in [
        (Tag::BMP_STRING, &b"\0A\0"[..], "CN=A\u{fffd}"),
        (Tag::BMP_STRING, b"\xd8\x00\0A", "CN=\u{fffd}A"),
        (Tag::BMP_STRING, b"\0A\xdc\x00", "CN=A\u{fffd}"),
        (Tag::UNIVERSAL_STRING, b"\0\x11\0\0\0\0\0A", "CN=\u{fffd}A"),
        (Tag::UNIVERSAL_STRING, b"\xff\xff\xff\xff\0\0", "CN=\u{fffd}\u{fffd}"),
        (Tag::TELETEX_STRING, b"M\xfcller", "CN=M\u{fc}ller"),
        (Tag::UTF8_STRING, b"A\xff\xc0\xafB", "CN=A\u{fffd}\u{fffd}\u{fffd}B"),
        (Tag::UTF8_STRING, b"bank\0.evil", r"CN=bank\u{0}.evil"),
        (Tag::OCTET_STRING, b"A", r"CN=\#040141"),
    ] {
        let subject = called(tag, content);
        assert_eq!(subject.to_string(), shown);
        assert!(!subject.same(&called(Tag::UTF8_STRING, &shown.as_bytes()["CN=".len()..])), "{shown}");
    }
    // Malformed in two ways, both shown alike, are two names.
    assert!(!called(Tag::UTF8_STRING, b"A\xff").same(&called(Tag::UTF8_STRING, b"A\xfe")));
    assert!(!called(Tag::UTF8_STRING, b"bank").same(&called(Tag::UTF8_STRING, b"bank\0.evil")));
    let begun = Instant::now();
    for tag in [Tag::UTF8_STRING, Tag::BMP_STRING, Tag::UNIVERSAL_STRING, Tag::TELETEX_STRING] {
        let subject = called(tag, &vec![0xd8; 1 << 20]);
        assert!(subject.to_string().len() <= (1 << 22));
        assert!(subject.brief().chars().count() <= 163);
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn sec_093_times_that_are_none_are_refused() {
    let with =
        |tag, text: &str| certificate(&name(&[]), &[der::primitive(tag, text.as_bytes()), years()[1].clone()], &[]);
    for (tag, text) in [
        (Tag::UTC_TIME, "2\u{e9}0101000000Z"),
        (Tag::UTC_TIME, "260101000000.5Z"),
        (Tag::UTC_TIME, "260101000000+0100"),
        (Tag::UTC_TIME, "260101000000"),
        (Tag::UTC_TIME, "26010100000Z"),
        (Tag::UTC_TIME, "20260101000000Z"),
        (Tag::UTC_TIME, "261301000000Z"),
        (Tag::UTC_TIME, "260229000000Z"),
        (Tag::UTC_TIME, "260101240000Z"),
        (Tag::UTC_TIME, "-60101000000Z"),
        (Tag::UTC_TIME, ""),
        (Tag::UTC_TIME, "Z"),
        (Tag::GENERALIZED_TIME, "260101000000Z"),
        (Tag::GENERALIZED_TIME, "202601010000Z"),
        (Tag::GENERALIZED_TIME, "20260101000000.123Z"),
        (Tag::GENERALIZED_TIME, "20260101000000-0500"),
        (Tag::GENERALIZED_TIME, "00000101000000Z"),
        (Tag::UTF8_STRING, "260101000000Z"),
    ] {
        let error = with(tag, text).expect_err(text).to_string();
        assert!(error.contains("notBefore at byte"), "{text}: {error}");
    }
    let last = with(Tag::GENERALIZED_TIME, "99991231235959Z").unwrap();
    assert_eq!(last.not_before().to_string(), "9999-12-31T23:59:59Z");
    assert_eq!(with(Tag::UTC_TIME, "2601010000Z").unwrap().not_before().to_string(), "2026-01-01T00:00:00Z");
}

#[test]
fn sec_094_tags_in_other_forms_and_orders_are_refused_in_certificates() {
    let empty = name(&[]);
    let extension = der::sequence(&[der::oid(&oid::ID_DATA), der::octets(b"x")]);
    let extensions = der::explicit(3, &der::sequence(&[extension]));
    let unique = der::retag(Tag::context(1), &der::bits(&[1]));
    assert!(certificate(&empty, &years(), &[unique.clone(), extensions.clone()]).is_ok());
    assert!(certificate(&empty, &years(), &[extensions.clone(), unique]).is_err(), "out of order");
    assert!(certificate(&empty, &years(), &[extensions.clone(), extensions.clone()]).is_err(), "twice");
    assert!(certificate(&empty, &years(), &[extensions, der::explicit(4, &der::null())]).is_err(), "unknown");
    // SEQUENCE in the long form, with and without leading zeros; a number beyond 32 bits; one that is cut short.
    for tag in [&[0x3f, 16][..], &[0x3f, 0x80, 16], &[0x3f, 0x90, 0x80, 0x80, 0x80, 16], &[0x3f], &[0x3f, 0x81]] {
        let bytes = [tag, &[0]].concat();
        assert!(Reader::single(&bytes, "x").is_err_and(|_| Name::from_der(&bytes).is_err()), "{tag:x?}");
        assert!(Stream::new(&bytes[..]).enter(Tag::SEQUENCE, "x").is_err(), "{tag:x?}");
    }
    // High numbers are read and are no other tag.
    let high = Reader::single(&[0xbf, 0x8f, 0xff, 0xff, 0xff, 0x7f, 0], "x").unwrap();
    assert_eq!(high.tag, Tag::context(u32::MAX));
    // An RDN out of order means the same, and is another encoding.
    let members: [(Tag, &[u8]); 2] = [(Tag::UTF8_STRING, b"a"), (Tag::UTF8_STRING, b"b")];
    let sorted = Name::from_der(&name(&[members.to_vec()])).unwrap();
    let turned = Name::from_der(&name(&[vec![members[1], members[0]]])).unwrap();
    assert!(sorted.same(&turned) && sorted != turned);
}

#[test]
fn sec_095_names_are_shown_harmless_and_in_linear_time() {
    for (der, parts) in [(name(&[]), 0), (name(&[vec![]]), 0), (name(&[vec![], vec![(Tag::UTF8_STRING, b"")]]), 1)] {
        let read = Name::from_der(&der).unwrap();
        assert_eq!(read.attributes().count(), parts);
        assert_eq!(read, read.clone());
        assert!(!read.brief().is_empty());
        assert!(certificate(&der, &years(), &[]).is_ok());
    }
    assert!(!Name::from_der(&name(&[])).unwrap().same(&Name::from_der(&name(&[vec![]])).unwrap()));
    let text = "a\u{1b}[2Jb\u{202e}c\u{9b}d\u{2067}e\u{61c}f\r\ng\u{200f}h\u{2028}i,+\"\\<>;#";
    let shown = Name::build(&[(oid::COMMON_NAME, text)]);
    for shown in [shown.to_string(), shown.brief(), format!("{shown:?}")] {
        let deceives = |c: char| c.is_control() || "\u{202e}\u{2067}\u{61c}\u{200f}\u{2028}".contains(c);
        assert!(!shown.contains(deceives), "{shown:?}");
        assert!(shown.contains(r"\u{1b}[2J") && shown.contains(r"\,\+"), "{shown:?}");
    }
    let begun = Instant::now();
    let long = Name::from_der(&name(&vec![vec![(Tag::UTF8_STRING, &b"x,y\x1b"[..])]; 10_000])).unwrap();
    assert_eq!(long.to_string().matches("CN=").count(), 10_000);
    assert!(long.same(&long.clone()) && long.brief().len() < 200);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]

    #[test]
    fn sec_097_mime_trees_have_no_cycles(lines in prop::collection::vec(prop_oneof![
        Just("--a\r\n"), Just("--b\n"), Just("--a--\r\n"), Just("--b--\n"), Just("\r\n"), Just("\n"), Just("x\n"),
        Just("Content-Type: message/rfc822\r\n\r\n"), Just("Content-Type: message/rfc822\n"),
        Just("Content-Type: multipart/mixed; boundary=a\r\n\r\n"), Just("Content-Type: multipart/mixed; boundary=b\n\n"),
        Just("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"), Just("\0\u{ff}"),
    ], 0..60)) {
        let text = format!("Content-Type: multipart/mixed; boundary=a\r\n\r\n{}", lines.concat());
        let root = entity::scan(&Memory::borrowed(text.as_bytes()), &Limits::default()).unwrap();
        prop_assert!(root.end as usize <= text.len());
        let paths: std::collections::HashSet<_> = root.walk().map(|entity| entity.path.clone()).collect();
        prop_assert_eq!(paths.len(), root.walk().count());
        root.walk().try_for_each(nests)?;
    }
}

/// Each child begins behind its parent's beginning and the child before it, and ends within its parent, so that nothing
/// is its own descendant.
fn nests(parent: &Entity) -> Result<(), TestCaseError> {
    let mut from = parent.body;
    prop_assert!(parent.start <= parent.body && parent.body <= parent.end);
    for child in &parent.children {
        prop_assert!(child.start > parent.start && child.start >= from && child.end <= parent.end);
        from = child.end;
    }
    Ok(())
}

#[test]
fn sec_102_broken_armour_is_refused_and_long_lines_take_linear_time() {
    let sound = pem::write("CERTIFICATE", &[7; 100]);
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    for text in [
        format!("{begin}\n{end}\n"),
        format!("{begin}\n\n\n{end}"),
        format!("{begin}\nProc-Type: 4,ENCRYPTED\n\n{end}"),
        begin.to_owned(),
        format!("{begin}\nAQID\n"),
        format!("{begin}\n{sound}{end}\n"),
        format!("{begin}\nAQID\n-----END X509 CRL-----\n"),
        sound.replace('\n', "\r"),
        sound.replacen("\n", "\r", 1),
        sound.replace("-----END", "----END"),
        format!("{begin}\nAQ\0D\n{end}"),
    ] {
        let error = pem::read(text.as_bytes()).expect_err(&text);
        assert!(matches!(error, store::Error::Pem { .. }), "{text:?}: {error}");
        assert!(
            import::read(text.as_bytes(), None, &ImportOptions::default(), &Limits::default()).is_err(),
            "{text:?}"
        );
    }
    assert_eq!(pem::read(sound.replacen('\n', "\r\n", 1).as_bytes()).unwrap().len(), 1, "CRLF and LF");
    for cut in begin.len()..sound.trim_end().len() {
        assert!(pem::read(&sound.as_bytes()[..cut]).is_err(), "{cut}");
    }
    let begun = Instant::now();
    let line = format!("{begin}\n{}\n{end}\n", "AAAA".repeat(2 << 20));
    assert_eq!(pem::read(line.as_bytes()).unwrap()[0].data.expose().len(), 6 << 20);
    assert!(pem::read(format!("{begin}\n{}", "A: b\n".repeat(100_000)).as_bytes()).is_err());
    let many = Limits::default().structure_bytes + 1;
    let error = import::read(&vec![b'-'; many], None, &ImportOptions::default(), &Limits::default()).unwrap_err();
    assert!(matches!(error, store::Error::TooLarge { .. }), "{error}");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

/// Everything inside a slice, to the last leaf.
fn walk(mut reader: Reader<'_>) -> asn1::Result<()> {
    while let Some(element) = reader.next_element()? {
        if element.constructed {
            walk(element.children("x")?)?;
        }
    }
    Ok(())
}

#[test]
fn sec_104_malformed_ber_is_malformed_in_both_readers() {
    for bytes in [
        &[0x30, 0x80][..],
        &[0x30, 0x80, 0],
        &[0x30, 0x80, 4, 1],
        &[0x30, 0x80, 4, 1, 0],
        &[0x30, 0x80, 4, 1, 0, 0, 0x30],
        &[0x30, 0x80, 0x30, 0x80, 0, 0],
        &[0x30, 4, 4, 0, 0, 0],
        &[0x30, 0x80, 0, 1, 0, 0, 0],
        &[0x30, 0x80, 0, 0x81, 0, 0, 0],
        &[0x30, 0x80, 0x20, 0, 0, 0],
        &[0x30, 3, 0x30, 0x80, 0, 0, 0],
        &[0x30, 0x80, 4, 0x80, 0, 0, 0, 0],
        &[0x30, 0x80, 4, 0, 0, 0, 0, 0],
    ] {
        let sliced = Reader::single(bytes, "x").and_then(|_| walk(Reader::new(bytes)));
        let mut stream = Stream::new(bytes);
        let streamed = stream
            .enter(Tag::SEQUENCE, "x")
            .and_then(|()| match stream.peek()? {
                Some(Tag::SEQUENCE) => stream.enter(Tag::SEQUENCE, "x").and_then(|()| stream.skip_rest("x")),
                _ => Ok(()),
            })
            .and_then(|()| stream.skip_rest("x"))
            .and_then(|()| stream.end("x"));
        for error in [sliced.expect_err("sliced"), streamed.expect_err("streamed")] {
            let malformed = !matches!(error.kind, ErrorKind::Limit { .. } | ErrorKind::Io(_));
            assert!(malformed && error.offset <= bytes.len() as u64, "{bytes:x?}: {error}");
        }
    }
}
