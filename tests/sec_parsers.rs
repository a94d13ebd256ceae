//! Rows SEC-87 to SEC-91 of the threat table: encodings that lie about their depth, their length, or what they are.
//! Each reader that takes bytes from outside has to say what is wrong, at once, and without a panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Count;
use smime::asn1::ber::{Reader, Tag};
use smime::asn1::stream::Stream;
use smime::asn1::{self, ErrorKind, der, oid};
use smime::base::source::Source;
use smime::cert::name::Name;
use smime::cms::enveloped::Enveloped;
use smime::cms::signed::SignedData;
use smime::crypto::password::KdfBudget;
use smime::mime::transfer::Base64Writer;
use smime::store::import::{self, ImportOptions};
use smime::store::p12::{self, MissingMac};
use smime::store::sst::SerializedStore;
use smime::{Certificate, Crl, Limits, OcspResponse, Opener, Policy, Requirement, Trust, cms};
use std::io::{self, BufRead, Read, Write};
use std::time::{Duration, Instant};

/// What a whole attack may take in a build without optimisation, on a machine that is busy with other things. What is
/// not linear takes minutes.
const SOON: Duration = Duration::from_secs(30);

/// The parts of a certificate, each as its encoding.
struct Parts {
    version: Vec<u8>,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    validity: [Vec<u8>; 2],
    subject: Vec<u8>,
    spki: Vec<u8>,
    tail: Vec<Vec<u8>>,
    signature: Vec<u8>,
}

impl Parts {
    fn new() -> Self {
        let name = common::people::common_name("Alice").der().to_vec();
        let algorithm = der::sequence(&[der::oid(&oid::ED25519)]);
        Self {
            version: der::explicit(0, &der::integer(2)),
            serial: der::integer(7),
            issuer: name.clone(),
            validity: [
                der::primitive(Tag::UTC_TIME, b"260101000000Z"),
                der::primitive(Tag::UTC_TIME, b"360101000000Z"),
            ],
            subject: name,
            spki: der::sequence(&[algorithm, der::bits(&[9; 32])]),
            tail: Vec::new(),
            signature: der::bits(&[1; 64]),
        }
    }

    fn der(&self) -> Vec<u8> {
        let algorithm = der::sequence(&[der::oid(&oid::ED25519)]);
        let mut fields = vec![
            self.version.clone(),
            self.serial.clone(),
            algorithm.clone(),
            self.issuer.clone(),
            der::sequence(&self.validity),
            self.subject.clone(),
            self.spki.clone(),
        ];
        fields.extend(self.tail.iter().cloned());
        der::sequence(&[der::sequence(&fields), algorithm, self.signature.clone()])
    }

    fn read(&self) -> Result<Certificate, smime::cert::Error> {
        Certificate::from_der(&self.der())
    }

    fn with(change: impl FnOnce(&mut Self)) -> Result<Certificate, smime::cert::Error> {
        let mut parts = Self::new();
        change(&mut parts);
        parts.read()
    }

    /// With one extension: the encoding of its identifier, of its criticality, and its value.
    fn with_extension(oid: Vec<u8>, critical: Vec<u8>, value: &[u8]) -> Result<Certificate, smime::cert::Error> {
        let extension = der::sequence(&[oid, critical, der::octets(value)]);
        Self::with(|parts| parts.tail = vec![der::explicit(3, &der::sequence(&[extension]))])
    }
}

/// `core` in so many constructed elements of definite length.
fn nested(tag: Tag, depth: usize, core: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    let mut length = core.len() as u64;
    for _ in 0..depth {
        headers.push(der::header(tag, true, length));
        length += headers.last().unwrap().len() as u64;
    }
    headers.reverse();
    headers.push(core.to_vec());
    headers.concat()
}

/// A SignedData of nobody around this eContent and these fields behind it.
fn signed_data(algorithms: &[u8], e_content: &[u8], behind: &[Vec<u8>]) -> Vec<u8> {
    let content = der::sequence(&[der::oid(&oid::ID_DATA), der::explicit(0, e_content)]);
    let signed = der::sequence(&[vec![der::integer(1), algorithms.to_vec(), content], behind.to_vec()].concat());
    der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &signed)])
}

fn empty_set() -> Vec<u8> {
    der::constructed::<Vec<u8>>(Tag::SET, &[])
}

/// What stands before and behind a ciphertext of this length in an EnvelopedData without recipients.
fn enveloped_around(length: u64) -> (Vec<u8>, Vec<u8>) {
    let cipher = der::sequence(&[der::oid(&oid::AES256_CBC), der::octets(&[0; 16])]);
    let before = [der::oid(&oid::ID_DATA), cipher, der::header(Tag::context(0), false, length)].concat();
    let info = [der::header(Tag::SEQUENCE, true, before.len() as u64 + length), before].concat();
    let fields = [der::integer(2), empty_set(), info].concat();
    let enveloped = [der::header(Tag::SEQUENCE, true, fields.len() as u64 + length), fields].concat();
    let explicit = [der::header(Tag::context(0), true, enveloped.len() as u64 + length), enveloped].concat();
    let body = [der::oid(&oid::ID_ENVELOPED_DATA), explicit].concat();
    ([der::header(Tag::SEQUENCE, true, body.len() as u64 + length), body].concat(), Vec::new())
}

fn read_signed(bytes: &[u8]) -> cms::Result<SignedData> {
    SignedData::read(bytes, &Limits::default(), &mut Count::default())
}

fn read_enveloped(bytes: &[u8]) -> cms::Result<Enveloped> {
    Enveloped::read(bytes, &Limits::default(), &mut |_| Ok(()))
}

/// The errors of every reader of DER, by the reader's name; panics where one takes the bytes.
fn every_reader_refuses(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let limits = Limits::default();
    vec![
        ("Certificate", Certificate::from_der(bytes).expect_err("Certificate").to_string()),
        ("Crl", Crl::from_der(bytes, &limits).expect_err("Crl").to_string()),
        ("OcspResponse", OcspResponse::from_der(bytes, &limits).expect_err("OcspResponse").to_string()),
        ("SignedData", read_signed(bytes).expect_err("SignedData").to_string()),
        ("Enveloped", read_enveloped(bytes).expect_err("Enveloped").to_string()),
        ("Name", Name::from_der(bytes).expect_err("Name").to_string()),
        ("sst", SerializedStore::read(bytes, &limits).expect_err("sst").to_string()),
        ("import", import::read(bytes, None, &ImportOptions::default(), &limits).expect_err("import").to_string()),
    ]
}

fn limit_name(error: &asn1::Error) -> &'static str {
    match error.kind {
        ErrorKind::Limit { name, .. } => name,
        _ => panic!("no limit: {error}"),
    }
}

fn drained(bytes: &[u8]) -> asn1::Result<u64> {
    let mut stream = Stream::new(bytes);
    stream.open_string(Tag::OCTET_STRING, "string")?;
    let mut total = 0;
    loop {
        let used = stream.chunk("string")?.len();
        if used == 0 {
            return Ok(total);
        }
        total += used as u64;
        stream.consume(used);
    }
}

#[test]
fn sec_087_depth_is_bounded_in_both_readers_and_through_the_opener() {
    let begun = Instant::now();
    let core = der::octets(b"x");
    let definite = nested(Tag::OCTET_STRING, 100_000, &core);
    let indefinite = [[0x24, 0x80].repeat(100_000), core.clone(), [0, 0].repeat(100_000)].concat();
    let sequences = nested(Tag::SEQUENCE, 100_000, &core);

    // Over slices.
    let octets = |bytes: &[u8]| Reader::single(bytes, "x")?.octets("x").map(|octets| octets.len());
    assert_eq!(octets(&nested(Tag::OCTET_STRING, 8, &core)).unwrap(), 1);
    assert_eq!(limit_name(&octets(&nested(Tag::OCTET_STRING, 9, &core)).unwrap_err()), "string_depth");
    assert_eq!(limit_name(&octets(&definite).unwrap_err()), "string_depth");
    assert_eq!(limit_name(&octets(&indefinite).unwrap_err()), "der_depth");
    let mut element = Reader::single(&sequences, "x").unwrap();
    let mut levels = 0;
    let error = loop {
        match element.children("x") {
            Ok(mut inside) => element = inside.required_any("x").unwrap(),
            Err(error) => break error,
        }
        levels += 1;
    };
    assert_eq!((limit_name(&error), levels), ("der_depth", 32));

    // Over streams.
    assert_eq!(drained(&nested(Tag::OCTET_STRING, 8, &core)).unwrap(), 1);
    assert_eq!(limit_name(&drained(&nested(Tag::OCTET_STRING, 9, &core)).unwrap_err()), "string_depth");
    assert_eq!(limit_name(&drained(&definite).unwrap_err()), "string_depth");
    assert_eq!(limit_name(&drained(&indefinite).unwrap_err()), "string_depth");
    assert_eq!(limit_name(&Stream::new(&indefinite[..]).take(1 << 20, "x").unwrap_err()), "der_depth");
    assert_eq!(limit_name(&Stream::new(&indefinite[..]).skip("x").unwrap_err()), "der_depth");
    let mut stream = Stream::new(&sequences[..]);
    let entered = (0..).map_while(|_| stream.enter(Tag::SEQUENCE, "x").ok()).count();
    assert_eq!(entered, 32);

    // Where the content of a string is read as an encoding of its own, that is bounded too.
    let lazy = Parts::with_extension(der::oid(&oid::NAME_CONSTRAINTS), Vec::new(), &sequences).unwrap();
    assert_eq!(lazy.extension_errors().len(), 1);

    // And all the way through.
    let (trust, policy) = (Trust::new([]), Policy::default());
    for content in [definite, indefinite] {
        let cms = signed_data(&empty_set(), &content, &[empty_set()]);
        let head: &[u8] = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n";
        let mut writer = Base64Writer::new(head.to_vec());
        writer.write_all(&cms).unwrap();
        let mail = writer.finish().unwrap();
        let opened = Opener::new(&trust, &policy).open(&mail, common::people::now()).unwrap();
        let report = opened.report().to_string();
        assert!(report.contains("string_depth"), "{report}");
        assert!(opened.require(Requirement::Unaltered).is_err());
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn sec_088_lengths_that_lie_are_errors_at_once_in_every_reader() {
    let begun = Instant::now();
    let claims: [&[u8]; 6] = [
        &[0x84, 0xff, 0xff, 0xff, 0xff],
        &[0x84, 0x80, 0, 0, 0],
        &[0x84, 0x7f, 0xff, 0xff, 0xff],
        &[0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0xfe, 1, 2, 3, 4, 5, 6, 7, 8],
    ];
    for claim in claims {
        for tag in [0x30, 0x31, 0x04, 0x24, 0xa0] {
            let mut bytes = [&[tag], claim].concat();
            bytes.resize(10, 0);
            every_reader_refuses(&bytes);
            assert!(Stream::new(&bytes[..]).take(usize::MAX, "x").is_err(), "{bytes:x?}");
            assert!(Stream::new(&bytes[..]).skip("x").is_err(), "{bytes:x?}");
        }
        // Each length of a sound certificate, one after the other, and the same inside other structures.
        let sound = Parts::new().der();
        for at in 1..sound.len() {
            let bytes = [&sound[..at], claim, &sound[at + 1..]].concat();
            let _ = Certificate::from_der(&bytes);
            let _ = Crl::from_der(&bytes, &Limits::default());
            let cms = signed_data(
                &empty_set(),
                &der::octets(b""),
                &[der::constructed(Tag::context(0), std::slice::from_ref(&bytes)), empty_set()],
            );
            let _ = read_signed(&cms);
        }
        // SEQUENCE OF and SET OF that claim more than there is: digestAlgorithms, and the recipients.
        for (kind, oid) in [("signed", oid::ID_SIGNED_DATA), ("enveloped", oid::ID_ENVELOPED_DATA)] {
            let head = [&[0x30, 0x80][..], &der::oid(&oid), &[0xa0, 0x80, 0x30, 0x80, 2, 1, 1, 0x31]].concat();
            let bytes = [&head, claim, &[0x30, 0]].concat();
            assert!(read_signed(&bytes).is_err() && read_enveloped(&bytes).is_err(), "{kind} {claim:x?}");
        }
    }
    // A PKCS#12 file, and a serialized store with its 32-bit lengths: of a certificate and of a property.
    for claim in claims {
        let bytes = [&[0x30, 0x80, 2, 1, 3, 0x30], claim, &[0; 4]].concat();
        let mut budget = KdfBudget::new(&Limits::default());
        assert!(p12::read(&bytes, None, MissingMac::Accept, &Limits::default(), &mut budget).is_err(), "{claim:x?}");
    }
    for claim in [0x7fff_ffff_u32, 0x8000_0000, u32::MAX] {
        for id in [0x20_u32, 3] {
            let words = [0, u32::from_le_bytes(*b"CERT"), id, 1, claim].map(u32::to_le_bytes).concat();
            let bytes = [&words[..], b"xyz"].concat();
            assert!(SerializedStore::read(&bytes, &Limits::default()).is_err(), "{claim:x} {id}");
        }
    }
    // The numbers of the error are those of the file.
    match Reader::single(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4], "x").unwrap_err().kind {
        ErrorKind::Truncated { need: 0xffff_ffff, have: 4 } => {}
        other => panic!("{other}"),
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

/// A head, zeros that nobody stores, and a tail.
struct Sparse {
    head: Vec<u8>,
    zeros: u64,
    tail: Vec<u8>,
}

static ZEROS: [u8; 1 << 20] = [0; 1 << 20];

impl Source for Sparse {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        assert_eq!(offset, 0);
        Ok(Box::new(self.head.chain(Zeros(self.zeros)).chain(&self.tail[..])))
    }

    fn length(&self) -> Option<u64> {
        Some(self.head.len() as u64 + self.zeros + self.tail.len() as u64)
    }
}

struct Zeros(u64);

impl BufRead for Zeros {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(&ZEROS[..self.0.min(ZEROS.len() as u64) as usize])
    }

    fn consume(&mut self, amount: usize) {
        self.0 -= amount as u64;
    }
}

impl Read for Zeros {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.len().min(into.len());
        into[..count].fill(0);
        self.consume(count);
        Ok(count)
    }
}

#[test]
fn sec_089_elements_beyond_two_and_four_gib_are_counted_right() {
    let writer =
        cms::signed::Writer { encoding: Default::default(), digests: &[], certificates: &[], signers: &[], version: 1 };
    for length in [(1 << 31) - 1, 1 << 31, (1_u64 << 32) - 16, 1 << 32, 5 << 30] {
        let (head, tail) = writer.attached(length);
        let source = Sparse { head, zeros: length, tail };
        let mut count = Count::default();
        let signed = SignedData::read(source.reader(0).unwrap(), &Limits::default(), &mut count).unwrap();
        assert_eq!((signed.content_length, count.0), (length, length));
    }
    let length = 5 << 30;
    let (head, tail) = enveloped_around(length);
    let read = |zeros: u64| {
        let source = Sparse { head: head.clone(), zeros, tail: tail.clone() };
        Enveloped::read(source.reader(0).unwrap(), &Limits::default(), &mut |_| Ok(()))
    };
    let enveloped = read(length).unwrap();
    assert_eq!(enveloped.content_length, length);
    enveloped.cipher().unwrap();
    // Cut short behind 4 GiB, the error says where and by how much; one octet too many is seen as well.
    let there = (4 << 30) + 3;
    match read(there).unwrap_err() {
        cms::Error::Malformed(error) => {
            assert!(matches!(error.kind, ErrorKind::Truncated { need, have: 0 } if need == length - there), "{error}");
            assert_eq!(error.offset, head.len() as u64 + there);
        }
        other => panic!("{other}"),
    }
    assert!(matches!(read(length + 1), Err(cms::Error::Malformed(_))));
    // What is to be kept is refused by its length, before anything is read.
    let octets = Sparse { head: der::header(Tag::OCTET_STRING, false, length), zeros: length, tail: vec![5, 0] };
    let mut stream = Stream::new(octets.reader(0).unwrap());
    assert_eq!(limit_name(&stream.take(1 << 20, "x").unwrap_err()), "element_bytes");
    let mut stream = Stream::new(octets.reader(0).unwrap());
    stream.skip("x").unwrap();
    assert_eq!(stream.position(), octets.head.len() as u64 + length);
    assert_eq!(stream.take(2, "null").unwrap(), [5, 0]);
    // A parent that ends before its child does, by 2^32 exactly.
    let head = [der::header(Tag::SEQUENCE, true, 7 + 4), der::header(Tag::OCTET_STRING, false, (1 << 32) + 4)].concat();
    let liar = Sparse { head, zeros: length, tail: Vec::new() };
    let mut stream = Stream::new(liar.reader(0).unwrap());
    stream.enter(Tag::SEQUENCE, "x").unwrap();
    assert!(matches!(stream.skip("x").unwrap_err().kind, ErrorKind::Truncated { .. }));
}

#[test]
fn sec_090_malformed_object_identifiers_are_never_a_known_one() {
    let data = oid::ID_DATA.as_bytes();
    let (prefix, last) = (&data[..data.len() - 1], data[data.len() - 1]);
    let mut huge = vec![0x81; 1 << 20];
    huge.push(1);
    let contents = [
        Vec::new(),
        // The last arc plus 2^64 and plus 2^32: cut to a machine word, it is the arc of id-data.
        [prefix, &[0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, last]].concat(),
        [prefix, &[0x90, 0x80, 0x80, 0x80, last]].concat(),
        // Leading zeros before the first, the second and the last arc.
        [&[0x80], data].concat(),
        [&data[..1], &[0x80], &data[1..]].concat(),
        [prefix, &[0x80, last]].concat(),
        // Cut within an arc.
        [data, &[0x81]].concat(),
        [prefix, &huge].concat(),
    ];
    for content in contents {
        let shown = &content[..content.len().min(20)];
        let encoding = der::primitive(Tag::OID, &content);
        if let Ok(read) = Reader::single(&encoding, "x").unwrap().oid("x") {
            assert!(oid::name(&read).is_none(), "{shown:x?}");
            assert_ne!(read, oid::ID_DATA);
            assert!(read.to_string().len() <= 256);
        }
        let message = der::sequence(&[encoding.clone(), der::explicit(0, &der::octets(b"x"))]);
        assert!(read_signed(&message).is_err() && read_enveloped(&message).is_err(), "{shown:x?}");
        if let Ok(certificate) = Parts::with_extension(encoding, Vec::new(), b"x") {
            assert!(certificate.extensions().iter().all(|extension| oid::name(&extension.oid).is_none()), "{shown:x?}");
        }
    }
}

#[test]
fn sec_091_faulty_integers_booleans_and_bit_strings() {
    let integer = |content: &[u8]| der::primitive(Tag::INTEGER, content);
    let bits = |content: &[u8]| der::primitive(Tag::BIT_STRING, content);
    // A serial number is a name: kept as received, however odd, so that no two of them are the same.
    for content in [&[0xff][..], &[0x80, 0, 1], &[0, 0, 7], &[0x7f; 21], &[0x55; 1000]] {
        let certificate = Parts::with(|parts| parts.serial = integer(content)).unwrap();
        assert_eq!(certificate.serial(), content);
        assert!(!certificate.serial_hex().is_empty());
    }
    assert!(Parts::with(|parts| parts.serial = integer(b"")).is_err());
    for version in [&b""[..], &[0xff], &[1; 9], &[3]] {
        assert!(Parts::with(|parts| parts.version = der::explicit(0, &integer(version))).is_err(), "{version:x?}");
    }
    // BOOLEAN 01 is met in the field and means true; what is no octet means nothing.
    let critical = |content: &[u8]| {
        Parts::with_extension(der::oid(&oid::KEY_USAGE), der::primitive(Tag::BOOLEAN, content), &bits(&[7, 0x80]))
    };
    assert!(critical(&[1]).unwrap().extensions()[0].critical);
    assert!(critical(b"").is_err() && critical(&[0, 0xff]).is_err());
    for content in [&b""[..], &[8, 0x80], &[255, 0], &[1], &[7]] {
        assert!(Parts::with(|parts| parts.signature = bits(content)).is_err(), "{content:x?}");
        let usage = Parts::with_extension(der::oid(&oid::KEY_USAGE), der::boolean(true), &bits(content)).unwrap();
        assert_eq!((usage.extension_errors().len(), usage.key_usage()), (1, None), "{content:x?}");
        // onlySomeReasons of a revocation list, which is read before any signature is.
        let reasons = der::retag(Tag::context(3), &bits(content));
        let crl = Crl::from_der(&crl(&der::sequence(&[reasons])), &Limits::default());
        assert!(crl.map_or(true, |crl| !crl.faults().is_empty()), "{content:x?}");
    }
    let sound = crl(&der::sequence(&[der::retag(Tag::context(3), &bits(&[6, 0x40]))]));
    assert!(Crl::from_der(&sound, &Limits::default()).is_ok());
    // And in CMS.
    for version in [&b""[..], &[0xff], &[1; 17]] {
        let fields = [integer(version), empty_set(), der::sequence(&[der::oid(&oid::ID_DATA)]), empty_set()];
        let info = der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &der::sequence(&fields))]);
        assert!(matches!(read_signed(&info), Err(cms::Error::Malformed(_))), "{version:x?}");
    }
}

/// A revocation list with this issuingDistributionPoint.
fn crl(point: &[u8]) -> Vec<u8> {
    let algorithm = der::sequence(&[der::oid(&oid::ED25519)]);
    let extension =
        der::sequence(&[der::oid(&oid::ISSUING_DISTRIBUTION_POINT), der::boolean(true), der::octets(point)]);
    let tbs = der::sequence(&[
        der::integer(1),
        algorithm.clone(),
        common::people::common_name("CA").der().to_vec(),
        der::time(common::people::now()),
        der::explicit(0, &der::sequence(&[extension])),
    ]);
    der::sequence(&[tbs, algorithm, der::bits(&[1; 64])])
}
