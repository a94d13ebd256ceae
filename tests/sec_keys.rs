//! Key files and private keys by the rows of the threat model (SEC-121 to SEC-125, 127, 129), each test under its row's
//! name. The rows about the program's own files and its process are in `sec_key_files.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use cipher::block_padding::Pkcs7;
use cipher::{BlockModeEncrypt, KeyIvInit};
use common::canary::Canary;
use common::people::{Authority, now};
use const_oid::ObjectIdentifier;
use smime::asn1::ber::{Reader, Tag};
use smime::asn1::{der, oid};
use smime::compose::sign;
use smime::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
use smime::crypto::password::{Integrity, Kdf, KdfBudget, Password, Recipe, Use, encrypt, pkcs12_kdf};
use smime::crypto::private::PrivateKey;
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::KeyKind;
use smime::keys::opening::{OpeningKey, Unwrapped, WrappedKey};
use smime::keys::signing::{KeyError, SigningKey};
use smime::keys::software::SoftwareKey;
use smime::store::import::{self, Import, ImportOptions};
use smime::store::p12::{self, MissingMac, Profile};
use smime::store::{Error, p7c, pem};
use smime::{Certificate, Identity, Keyring, Limits, Message, Opener, Policy, Secret, Signer};
use std::sync::Arc;

const PASSWORD: &str = "h\u{fc}nter \u{1f511} two";
const MAIL: &[u8] = b"From: alice@example.com\r\nTo: bob@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";

// ---- files, made by hand

fn content_info(content: &[u8]) -> Vec<u8> {
    der::sequence(&[der::oid(&oid::ID_DATA), der::explicit(0, content)])
}

fn pfx(safe: &[u8], mac: &[u8]) -> Vec<u8> {
    der::sequence(&[der::integer(3), content_info(&der::octets(safe)), mac.to_vec()])
}

/// A safe in clear around these bags, and the AuthenticatedSafe around it.
fn safe(bags: &[Vec<u8>]) -> Vec<u8> {
    der::sequence(&[content_info(&der::octets(&der::sequence(bags)))])
}

fn bag(id: &ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    der::sequence(&[der::oid(id), der::explicit(0, value)])
}

fn bag_with(id: &ObjectIdentifier, value: &[u8], attributes: &[Vec<u8>]) -> Vec<u8> {
    der::sequence(&[der::oid(id), der::explicit(0, value), der::set_of(Tag::SET, attributes.to_vec())])
}

fn attribute(id: &ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    der::sequence(&[der::oid(id), der::set_of(Tag::SET, vec![value])])
}

fn certificate_bag(certificate: &Certificate) -> Vec<u8> {
    let octets = der::octets(certificate.der());
    let value = der::sequence(&[der::oid(&oid::X509_CERTIFICATE), der::explicit(0, &octets)]);
    bag(&oid::CERT_BAG, &value)
}

fn encrypted_safe(info: &[Vec<u8>]) -> Vec<u8> {
    let encrypted = der::sequence(&[der::integer(0), der::sequence(info)]);
    der::sequence(&[der::oid(&oid::ID_ENCRYPTED_DATA), der::explicit(0, &encrypted)])
}

/// The MAC that a right file has.
fn mac(password: &Password, safe: &[u8]) -> Vec<u8> {
    Integrity::write(&Recipe::LEGACY, password, safe, &mut SystemRandom).unwrap()
}

fn shrouded(algorithm: &[u8], ciphertext: &[u8]) -> Vec<u8> {
    let value = der::sequence(&[algorithm.to_vec(), der::octets(ciphertext)]);
    bag(&oid::PKCS8_SHROUDED_KEY_BAG, &value)
}

fn pkcs12_pbe(salt: &[u8], iterations: Vec<u8>) -> Vec<u8> {
    der::sequence(&[der::oid(&oid::PBE_SHA_3DES), der::sequence(&[der::octets(salt), iterations])])
}

/// PBES2 with AES-256-CBC; `kdf` is the parameters of PBKDF2 or scrypt.
fn pbes2(kdf: &ObjectIdentifier, parameters: &[Vec<u8>]) -> Vec<u8> {
    let kdf = der::sequence(&[der::oid(kdf), der::sequence(parameters)]);
    let cipher = der::sequence(&[der::oid(&oid::AES256_CBC), der::octets(&[7; 16])]);
    der::sequence(&[der::oid(&oid::PBES2), der::sequence(&[kdf, cipher])])
}

fn pbkdf2(salt: &[u8], iterations: Vec<u8>, key_length: Option<u64>) -> Vec<u8> {
    pbes2(&oid::PBKDF2, &[der::octets(salt), iterations, key_length.map(der::integer).unwrap_or_default()])
}

fn read(file: &[u8], password: Option<&str>) -> Result<Import, Error> {
    import::read(file, password.map(Secret::from).as_ref(), &ImportOptions::default(), &Limits::default())
}

fn read_without_mac(file: &[u8], password: Option<&str>) -> Result<Import, Error> {
    let options = ImportOptions::default().missing_mac(MissingMac::Accept);
    import::read(file, password.map(Secret::from).as_ref(), &options, &Limits::default())
}

fn codes(import: &Import) -> Vec<&'static str> {
    import.notes.iter().map(|note| note.code).collect()
}

struct Alice {
    ca: Authority,
    key: PrivateKey,
    certificate: Certificate,
}

impl Alice {
    fn new(kind: KeyKind, bits: usize) -> Self {
        let ca = Authority::root("Keys CA");
        let key = PrivateKey::generate(kind, bits).unwrap();
        let spki = key.public_key_spki();
        let certificate = ca.user("Alice", |template| template.spki = spki);
        Self { ca, key, certificate }
    }

    fn p12(&self, profile: Profile) -> Vec<u8> {
        let chain = [self.certificate.clone(), self.ca.certificate.clone()];
        let (key, password) = (self.key.to_pkcs8().unwrap(), Secret::from(PASSWORD));
        p12::write(&key, &chain, "Alice", &password, profile, &mut SystemRandom).unwrap()
    }

    fn key_bag(&self) -> Vec<u8> {
        bag(&oid::KEY_BAG, self.key.to_pkcs8().unwrap().expose())
    }
}

// ---- SEC-121: what a password costs

#[test]
fn sec_121_iterations_out_of_range_are_refused_wherever_they_stand() {
    let malformed = |error: &Error| matches!(error, Error::Malformed(_));
    let limit = |error: &Error| matches!(error, Error::Limit { .. });
    let parameters = |error: &Error| matches!(error, Error::Parameters { .. });
    type Fits = fn(&Error) -> bool;
    let cases: [(&str, Vec<u8>, Fits); 6] = [
        ("2^31-1", der::integer((1 << 31) - 1), limit),
        ("2^64-1", der::integer(u64::MAX), limit),
        ("2^64", der::primitive(Tag::INTEGER, &[1, 0, 0, 0, 0, 0, 0, 0, 0]), malformed),
        ("0", der::integer(0), parameters),
        ("-1", der::primitive(Tag::INTEGER, &[0xff]), malformed),
        ("-2^31", der::primitive(Tag::INTEGER, &[0x80, 0, 0, 0]), malformed),
    ];
    for (name, iterations, fits) in cases {
        let digest = der::sequence(&[der::sequence(&[der::oid(&oid::SHA1)]), der::octets(&[0; 20])]);
        let mac = der::sequence(&[digest, der::octets(&[1; 8]), iterations.clone()]);
        let pkcs12 = shrouded(&pkcs12_pbe(&[1; 8], iterations.clone()), &[0; 32]);
        let pkcs5 = shrouded(&pbkdf2(&[1; 8], iterations.clone(), None), &[0; 32]);
        let pkcs8 = der::sequence(&[pbkdf2(&[1; 8], iterations.clone(), None), der::octets(&[0; 32])]);
        let info =
            [der::oid(&oid::ID_DATA), pkcs12_pbe(&[1; 8], iterations), der::primitive(Tag::context(0), &[0; 32])];
        let files = [
            ("MAC", pfx(&safe(&[]), &mac)),
            ("PKCS#12 key", pfx(&safe(&[pkcs12]), &[])),
            ("PBES2 key", pfx(&safe(&[pkcs5]), &[])),
            ("PKCS#8", pkcs8),
            ("safe", pfx(&der::sequence(&[encrypted_safe(&info)]), &[])),
        ];
        for (place, file) in files {
            let error = read_without_mac(&file, Some("x")).unwrap_err();
            assert!(fits(&error), "{place} {name}: {error:?}");
        }
    }
}

#[test]
fn sec_121_scrypt_and_key_lengths_are_bounded() {
    let scrypt = |n: u64, r: u64, p: u64| {
        let numbers = [der::octets(&[1; 8]), der::integer(n), der::integer(r), der::integer(p)];
        pfx(&safe(&[shrouded(&pbes2(&oid::SCRYPT, &numbers), &[0; 32])]), &[])
    };
    // N, r and p each huge, together just too much, and such as overflow when they are multiplied.
    for (n, r, p) in [
        (1 << 40, 8, 1),
        (1 << 14, 1 << 40, 1),
        (1 << 14, 8, 1 << 40),
        (1 << 20, 8, 1),
        (1 << 14, 8, 1 << 10),
        (1 << 63, 1 << 63, 1 << 63),
    ] {
        let error = read_without_mac(&scrypt(n, r, p), Some("x")).unwrap_err();
        assert!(matches!(error, Error::Limit { .. }), "{n} {r} {p}: {error:?}");
    }
    for (n, r, p) in [(0, 8, 1), (3, 8, 1), (1 << 14, 0, 1), (1 << 14, 8, 0)] {
        let error = read_without_mac(&scrypt(n, r, p), Some("x")).unwrap_err();
        assert!(matches!(error, Error::Parameters { .. }), "{n} {r} {p}: {error:?}");
    }
    // What age and OpenSSL write is within bounds: here it is the password that is wrong.
    assert!(matches!(read_without_mac(&scrypt(1 << 14, 8, 1), Some("x")), Err(Error::WrongPasswordOrCorrupt)));
    for length in [0, 1, 31, 33, 1 << 31, u64::MAX] {
        let file = pfx(&safe(&[shrouded(&pbkdf2(&[1; 8], der::integer(1), Some(length)), &[0; 32])]), &[]);
        let error = read_without_mac(&file, Some("x")).unwrap_err();
        assert!(
            matches!(error, Error::Parameters { .. }) && error.to_string().contains(&length.to_string()),
            "{error}"
        );
    }
}

#[test]
fn sec_121_a_salt_of_any_size_costs_no_more_than_the_file() {
    let file = |length: usize| pfx(&safe(&[shrouded(&pkcs12_pbe(&vec![1; length], der::integer(1)), &[0; 32])]), &[]);
    let error = read_without_mac(&file(1 << 20), Some("x")).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 1_048_576, .. }), "{error}");
    let error = read_without_mac(&file(1_000_000), Some("x")).unwrap_err();
    assert!(matches!(error, Error::WrongPasswordOrCorrupt), "{error}");
}

#[test]
fn sec_121_a_thousand_dear_bags_are_refused_before_one_is_derived() {
    let bags: Vec<_> = (0..1000).map(|_| shrouded(&pbkdf2(&[1; 8], der::integer(100_000), None), &[0; 32])).collect();
    // The whole sum is named: it was added up first. (Paid one by one, the error would name 2 100 000.)
    let all = |error: Error, extra: u64| match error {
        Error::Limit { asked, limit: 2_000_000, .. } => assert_eq!(asked, 100_000_000 + extra),
        other => panic!("{other}"),
    };
    all(read_without_mac(&pfx(&safe(&bags), &[]), Some("x")).unwrap_err(), 0);
    let authenticated = safe(&bags);
    let with_mac = pfx(&authenticated, &mac(&Password::new(&Secret::from("x")), &authenticated));
    all(read(&with_mac, Some("x")).unwrap_err(), 100_000);
    let nested = bag(&oid::SAFE_CONTENTS_BAG, &der::sequence(&bags[..999]));
    all(read_without_mac(&pfx(&safe(&[nested, bags[0].clone()]), &[]), Some("x")).unwrap_err(), 0);
    // Inside an encrypted safe they are seen once that is open, whose own derivation was paid.
    let password = Password::new(&Secret::from("x"));
    let (algorithm, ciphertext) =
        encrypt(&Recipe::MODERN, &password, &der::sequence(&bags), &mut SystemRandom).unwrap();
    let info = [der::oid(&oid::ID_DATA), algorithm, der::primitive(Tag::context(0), &ciphertext)];
    all(read_without_mac(&pfx(&der::sequence(&[encrypted_safe(&info)]), &[]), Some("x")).unwrap_err(), 100_000);
}

#[test]
fn sec_121_three_derivations_of_six_hundred_thousand_pass() {
    const DEAR: u64 = 600_000;
    let alice = Alice::new(KeyKind::P256, 0);
    let password = Password::new(&Secret::from("x"));
    let kdf = Kdf::Pbkdf2 { salt: vec![1; 8], iterations: DEAR, key_length: None, prf: DigestAlgorithm::Sha256 };
    let generous = Limits::default();
    let key = kdf.derive(password.text(), 32, &mut KdfBudget::new(&generous)).unwrap();
    let seal = |plain: &[u8]| {
        let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(key.expose(), &[7; 16]).unwrap();
        cipher.encrypt_padded_vec::<Pkcs7>(plain)
    };
    let prf = der::sequence(&[der::oid(&oid::HMAC_SHA256), der::null()]);
    let algorithm = pbes2(&oid::PBKDF2, &[der::octets(&[1; 8]), der::integer(DEAR), prf]);
    let certificates = seal(&der::sequence(&[certificate_bag(&alice.certificate)]));
    let info = [der::oid(&oid::ID_DATA), algorithm.clone(), der::primitive(Tag::context(0), &certificates)];
    let keys = der::sequence(&[shrouded(&algorithm, &seal(alice.key.to_pkcs8().unwrap().expose()))]);
    let authenticated = der::sequence(&[encrypted_safe(&info), content_info(&der::octets(&keys))]);
    let digest = DigestAlgorithm::Sha256;
    let mac_key = pkcs12_kdf(digest, &password, &[2; 8], Use::Mac, DEAR, 32, &mut KdfBudget::new(&generous)).unwrap();
    let tag = {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(mac_key.expose()).unwrap();
        mac.update(&authenticated);
        mac.finalize().into_bytes().to_vec()
    };
    let info = der::sequence(&[digest.identifier_with_null().to_der(), der::octets(&tag)]);
    let mac = der::sequence(&[info, der::octets(&[2; 8]), der::integer(DEAR)]);
    let import = read(&pfx(&authenticated, &mac), Some("x")).unwrap();
    assert_eq!(import.sole_identity().unwrap().certificate(), &alice.certificate);
}

// ---- SEC-122: what guards a file

#[test]
fn sec_122_a_file_without_mac_is_never_taken_for_verified() {
    let alice = Alice::new(KeyKind::P256, 0);
    let bags = [alice.key_bag(), certificate_bag(&alice.certificate)];
    let file = pfx(&safe(&bags), &[]);
    for password in [None, Some("x")] {
        assert!(matches!(read(&file, password), Err(Error::NoMac)));
    }
    let import = read_without_mac(&file, Some("x")).unwrap();
    assert_eq!((import.identities.len(), codes(&import)), (1, vec!["no_mac"]));
    // The same with its MAC, and with the MAC of another file.
    let password = Password::new(&Secret::from("x"));
    let right = mac(&password, &safe(&bags));
    assert_eq!(codes(&read(&pfx(&safe(&bags), &right), Some("x")).unwrap()), [""; 0]);
    let other = pfx(&safe(&bags[..1]), &right);
    assert!(matches!(read(&other, Some("x")), Err(Error::WrongPasswordOrCorrupt)));
    // Who accepts a missing MAC does not accept a wrong one.
    assert!(matches!(read_without_mac(&other, Some("x")), Err(Error::WrongPasswordOrCorrupt)));
}

#[test]
fn sec_122_pbmac1_that_says_nothing_guards_nothing() {
    let prf = |id| der::sequence(&[der::oid(&id), der::null()]);
    let kdf = |length: Option<u64>, hash| {
        let length = length.map(der::integer).unwrap_or_default();
        let parameters = der::sequence(&[der::octets(&[1; 8]), der::integer(1), length, prf(hash)]);
        der::sequence(&[der::oid(&oid::PBKDF2), parameters])
    };
    let sha256 = oid::HMAC_SHA256;
    for (name, parameters) in [
        ("no parameters", Vec::new()),
        ("parameters of another type", der::integer(1)),
        ("a key of one octet", der::sequence(&[kdf(Some(1), sha256), prf(sha256)])),
        ("a key of no given length", der::sequence(&[kdf(None, sha256), prf(sha256)])),
        ("an unknown PRF", der::sequence(&[kdf(Some(32), oid::SHA256), prf(sha256)])),
        ("an unknown MAC", der::sequence(&[kdf(Some(32), sha256), prf(oid::SHA256)])),
    ] {
        let algorithm = der::sequence(&[der::oid(&oid::PBMAC1), parameters]);
        let info = der::sequence(&[algorithm, der::octets(&[0; 32])]);
        let mac = der::sequence(&[info, der::octets(b"NOT USED"), der::integer(1)]);
        for result in [read(&pfx(&safe(&[]), &mac), Some("x")), read_without_mac(&pfx(&safe(&[]), &mac), Some("x"))] {
            let error = result.unwrap_err();
            let by_name =
                matches!(error, Error::Parameters { .. } | Error::UnsupportedAlgorithm { .. } | Error::Malformed(_));
            assert!(by_name, "{name}: {error:?}");
        }
    }
}

#[test]
fn sec_122_a_right_mac_does_not_vouch_for_a_key_that_does_not_open() {
    let alice = Alice::new(KeyKind::P256, 0);
    let (password, other) = (Password::new(&Secret::from("x")), Password::new(&Secret::from("y")));
    let pkcs8 = alice.key.to_pkcs8().unwrap();
    for recipe in [Recipe::MODERN, Recipe::LEGACY] {
        let (algorithm, ciphertext) = encrypt(&recipe, &other, pkcs8.expose(), &mut SystemRandom).unwrap();
        let authenticated = safe(&[shrouded(&algorithm, &ciphertext), certificate_bag(&alice.certificate)]);
        let import = read(&pfx(&authenticated, &mac(&password, &authenticated)), Some("x")).unwrap();
        assert!(import.identities.is_empty() && import.keys.is_empty());
        assert!(codes(&import).contains(&"key_unreadable"), "{:?}", import.notes);
        assert!(matches!(import.sole_identity(), Err(Error::CertificateWithoutKey { .. })));
        // Certificates that do not open are an error: nothing is left to say whose the file is.
        let info = [der::oid(&oid::ID_DATA), algorithm, der::primitive(Tag::context(0), &ciphertext)];
        let authenticated = der::sequence(&[encrypted_safe(&info)]);
        let error = read(&pfx(&authenticated, &mac(&password, &authenticated)), Some("x")).unwrap_err();
        assert!(matches!(error, Error::WrongPasswordOrCorrupt), "{error}");
    }
}

// ---- SEC-123: bags

#[test]
fn sec_123_absent_parts_are_errors_and_unknown_ones_are_told() {
    let no_content = der::sequence(&[der::oid(&oid::ID_DATA)]);
    let absent = [
        ("authSafe without content", der::sequence(&[der::integer(3), no_content.clone()])),
        ("safe without content", pfx(&der::sequence(&[no_content]), &[])),
        (
            "encryptedContent absent",
            pfx(
                &der::sequence(&[encrypted_safe(&[der::oid(&oid::ID_DATA), pkcs12_pbe(&[1; 8], der::integer(1))])]),
                &[],
            ),
        ),
        ("encrypted safe without anything", pfx(&der::sequence(&[encrypted_safe(&[])]), &[])),
        ("bag without value", pfx(&safe(&[der::sequence(&[der::oid(&oid::KEY_BAG)])]), &[])),
        ("key that is none", pfx(&safe(&[bag(&oid::KEY_BAG, &der::null())]), &[])),
    ];
    for (name, file) in absent {
        let error = read_without_mac(&file, Some("x")).unwrap_err();
        assert!(matches!(error, Error::Malformed(_) | Error::Key(_)), "{name}: {error:?}");
    }
    let alice = Alice::new(KeyKind::P256, 0);
    // A key bag without attributes, beside bags of no known kind.
    let bags = [
        bag(&ObjectIdentifier::new_unwrap("1.2.3.4"), &der::null()),
        bag(&oid::SECRET_BAG, &der::null()),
        alice.key_bag(),
        certificate_bag(&alice.certificate),
    ];
    let import = read_without_mac(&pfx(&safe(&bags), &[]), None).unwrap();
    assert_eq!(import.sole_identity().unwrap().certificate(), &alice.certificate);
    assert_eq!(codes(&import), ["no_mac", "bag_unknown", "bag_secret"]);
    let import = read_without_mac(&pfx(&safe(&bags[3..]), &[]), None).unwrap();
    assert!(matches!(import.sole_identity(), Err(Error::CertificateWithoutKey { certificates: 1 })));
    let import = read_without_mac(&pfx(&safe(&bags[2..3]), &[]), None).unwrap();
    assert!(matches!(import.sole_identity(), Err(Error::KeyWithoutCertificate { .. })));
}

#[test]
fn sec_123_ten_thousand_nested_safes_end_in_an_error() {
    let alice = Alice::new(KeyKind::P256, 0);
    let mut nested = alice.key_bag();
    // Without copying the inside each time, which would be quadratic: headers first, from the inside outwards.
    let mut headers: Vec<Vec<u8>> = Vec::new();
    let mut length = nested.len() as u64;
    let id = der::oid(&oid::SAFE_CONTENTS_BAG);
    for _ in 0..10_000 {
        let list = der::header(Tag::SEQUENCE, true, length);
        let explicit = der::header(Tag::context(0), true, length + list.len() as u64);
        let inside = id.len() as u64 + explicit.len() as u64 + list.len() as u64 + length;
        let outer = der::header(Tag::SEQUENCE, true, inside);
        length = inside + outer.len() as u64;
        headers.push([outer, id.clone(), explicit, list].concat());
    }
    let mut all: Vec<u8> = headers.into_iter().rev().flatten().collect();
    all.append(&mut nested);
    for file in [pfx(&safe(&[all.clone()]), &[]), {
        let authenticated = safe(&[all]);
        pfx(&authenticated, &mac(&Password::new(&Secret::from("x")), &authenticated))
    }] {
        let error = read_without_mac(&file, Some("x")).unwrap_err();
        assert!(matches!(error, Error::Limit { .. } | Error::Malformed(_)), "{error:?}");
    }
}

#[test]
fn sec_123_keys_are_paired_by_public_key_whatever_the_attributes_say() {
    let [alice, mallory] = [(); 2].map(|()| Alice::new(KeyKind::P256, 0));
    let id = |octets: &[u8]| attribute(&oid::ID_LOCAL_KEY_ID, der::octets(octets));
    let key = |who: &Alice, id: Vec<u8>| bag_with(&oid::KEY_BAG, who.key.to_pkcs8().unwrap().expose(), &[id]);
    let certificate = |who: &Alice, id: Vec<u8>| {
        let octets = der::octets(who.certificate.der());
        let value = der::sequence(&[der::oid(&oid::X509_CERTIFICATE), der::explicit(0, &octets)]);
        bag_with(&oid::CERT_BAG, &value, &[id])
    };
    // Two keys of one localKeyId, and then the identifiers crosswise.
    for (first, second, third, fourth) in [(b"1", b"1", b"1", b"1"), (b"1", b"2", b"2", b"1")] {
        let bags = [
            key(&mallory, id(first)),
            key(&alice, id(second)),
            certificate(&mallory, id(third)),
            certificate(&alice, id(fourth)),
        ];
        let import = read_without_mac(&pfx(&safe(&bags), &[]), None).unwrap();
        assert_eq!(import.identities.len(), 2);
        for who in [&alice, &mallory] {
            let identity = import.identities.iter().find(|i| i.certificate() == &who.certificate).unwrap();
            assert_eq!(import.private_key(identity).unwrap().to_pkcs8().unwrap(), who.key.to_pkcs8().unwrap());
        }
        assert!(matches!(import.sole_identity(), Err(Error::SeveralIdentities { .. })));
    }
    // A key beside another's certificate is nobody's, though both have the same identifier.
    let import =
        read_without_mac(&pfx(&safe(&[key(&mallory, id(b"1")), certificate(&alice, id(b"1"))]), &[]), None).unwrap();
    assert_eq!((import.identities.len(), import.keys.len()), (0, 1));
}

#[test]
fn sec_123_every_truncation_and_every_flipped_byte_is_an_error() {
    for profile in [Profile::Modern, Profile::Legacy] {
        let file = Alice::new(KeyKind::P256, 0).p12(profile);
        for cut in 0..file.len() {
            assert!(read(&file[..cut], Some(PASSWORD)).is_err(), "cut at {cut}");
        }
        // Every 61st byte, since each costs derivations.
        for at in (0..file.len()).step_by(61) {
            let mut altered = file.clone();
            altered[at] ^= 0x10;
            assert!(read(&altered, Some(PASSWORD)).is_err(), "byte {at}");
        }
    }
}

// ---- SEC-124: names

#[test]
fn sec_124_friendly_names_are_shown_and_never_obeyed() {
    let alice = Alice::new(KeyKind::P256, 0);
    let pkcs8 = alice.key.to_pkcs8().unwrap();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    for (octets, shown) in [
        (wide("Alice \u{1f511}"), "\u{1f511}"),
        (wide("Alice \u{3c3}"), "\u{3c3}"),
        // Odd, so that the last character is cut in two.
        ([wide("Alice"), vec![0]].concat(), "\u{fffd}"),
        (vec![b'A'], "\u{fffd}"),
        // Halves of a pair, alone and in the wrong order.
        (vec![0, b'A', 0xd8, 0x3d], "\u{fffd}"),
        (vec![0xdc, 0x00, 0xd8, 0x00], "\u{fffd}\u{fffd}"),
        (wide("\u{1b}]0;owned\u{7}\u{1b}[2J"), "u{1b}"),
        (wide("a\r\nb\0c"), "r"),
        (wide("\u{202e}gpj.exe"), "202e"),
        (Vec::new(), ""),
    ] {
        let name = attribute(&oid::ID_FRIENDLY_NAME, der::primitive(Tag::BMP_STRING, &octets));
        let file = pfx(&safe(&[bag_with(&oid::KEY_BAG, pkcs8.expose(), &[name])]), &[]);
        let import = read_without_mac(&file, None).unwrap();
        let note = import.notes.iter().find(|note| note.code == "friendly_name").unwrap();
        assert!(note.text.contains(shown), "{octets:02x?}: {note}");
        assert!(!note.text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{note:?}");
    }
    // No text at all is no name.
    let none = attribute(&oid::ID_FRIENDLY_NAME, der::integer(1));
    let file = pfx(&safe(&[bag_with(&oid::KEY_BAG, pkcs8.expose(), &[none])]), &[]);
    assert_eq!(codes(&read_without_mac(&file, None).unwrap()), ["no_mac"]);
}

// ---- SEC-125: passwords

#[test]
fn sec_125_every_wrong_password_has_the_same_answer() {
    let alice = Alice::new(KeyKind::P256, 0);
    let sealed = |recipe| {
        let password = Password::new(&Secret::from(PASSWORD));
        let pkcs8 = alice.key.to_pkcs8().unwrap();
        smime::crypto::password::seal_private_key(&recipe, &pkcs8, &password, &mut SystemRandom).unwrap()
    };
    let files =
        [alice.p12(Profile::Modern), alice.p12(Profile::Legacy), sealed(Recipe::MODERN), sealed(Recipe::LEGACY)];
    // The last but one and two are the right one cut to one byte for a character, and in UTF-16. (With a zero behind it, it
    // is no other password for HMAC, and so for PBKDF2.)
    let wide: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin: Vec<u8> = PASSWORD.chars().map(|c| c as u8).collect();
    let wrong: Vec<Secret> = vec![
        Secret::from(""),
        Secret::from("wrong"),
        Secret::from("\u{3c3}\u{1f511}"),
        Secret::from("hunter two"),
        Secret::new(vec![0xff, 0xfe]),
        Secret::new(vec![0]),
        Secret::new(latin),
        Secret::new(wide),
        Secret::new(vec![b'x'; 100_000]),
    ];
    let (options, limits) = (ImportOptions::default(), Limits::default());
    for file in &files {
        assert!(read(file, Some(PASSWORD)).is_ok());
        for password in &wrong {
            let error = import::read(file, Some(password), &options, &limits).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the password is wrong, or the file is damaged: try another password, or export the file again"
            );
        }
        assert!(matches!(read(file, None), Err(Error::PasswordNeeded { .. })));
    }
}

#[test]
fn sec_125_an_empty_password_is_tried_in_both_its_forms_from_one_budget() {
    let alice = Alice::new(KeyKind::P256, 0);
    let pkcs8 = alice.key.to_pkcs8().unwrap();
    for password in [Password::new(&Secret::from("")), Password::null()] {
        let (algorithm, ciphertext) = encrypt(&Recipe::LEGACY, &password, pkcs8.expose(), &mut SystemRandom).unwrap();
        let authenticated = safe(&[shrouded(&algorithm, &ciphertext), certificate_bag(&alice.certificate)]);
        let file = pfx(&authenticated, &mac(&password, &authenticated));
        assert_eq!(read(&file, Some("")).unwrap().identities.len(), 1);
        // "None" says that nobody gave one, which is not the same as an empty one.
        assert!(matches!(read(&file, None), Err(Error::PasswordNeeded { .. })));
        assert!(matches!(read(&file, Some("x")), Err(Error::WrongPasswordOrCorrupt)));
        // Two derivations cover the file, and a third is for the second form of the password.
        let mut limits = Limits::default();
        let with = |limits: &Limits| import::read(&file, Some(&Secret::from("")), &ImportOptions::default(), limits);
        limits.kdf_iterations = 300_000;
        assert!(with(&limits).is_ok());
        limits.kdf_iterations = 199_999;
        assert!(matches!(with(&limits), Err(Error::Limit { .. })));
        if password.wide().is_empty() {
            limits.kdf_iterations = 299_999;
            assert!(matches!(with(&limits), Err(Error::Limit { asked: 300_000, .. })), "the second try is not free");
        }
    }
    // And none is written.
    for profile in [Profile::Modern, Profile::Legacy] {
        let none = Secret::from("");
        let result =
            p12::write(&pkcs8, std::slice::from_ref(&alice.certificate), "", &none, profile, &mut SystemRandom);
        assert!(matches!(result, Err(Error::PasswordNeeded { .. })));
    }
}

// ---- SEC-127: keys that are not what they seem

/// The INTEGERs of an RSAPrivateKey: version, n, e, d, p, q, dp, dq, qinv.
fn rsa_parts(key: &PrivateKey) -> Vec<Vec<u8>> {
    use smime::asn1::ber::Reader;
    let pkcs8 = key.to_pkcs8().unwrap();
    let mut outer = Reader::single(pkcs8.expose(), "key").unwrap().sequence("key").unwrap();
    outer.next_element().unwrap();
    outer.next_element().unwrap();
    let octets = outer.next_element().unwrap().unwrap().octets("key").unwrap().into_owned();
    let mut inside = Reader::single(&octets, "key").unwrap().sequence("key").unwrap();
    let mut parts = Vec::new();
    while let Some(part) = inside.next_element().unwrap() {
        parts.push(part.raw().to_vec());
    }
    parts
}

#[test]
fn sec_127_an_rsa_key_that_contradicts_itself_is_not_imported() {
    let [alice, other] = [(); 2].map(|()| Alice::new(KeyKind::Rsa, 2048));
    let (parts, others) = (rsa_parts(&alice.key), rsa_parts(&other.key));
    let import = |parts: &[Vec<u8>]| read(pem::write("RSA PRIVATE KEY", &der::sequence(parts)).as_bytes(), None);
    assert_eq!(import(&parts).unwrap().keys.len(), 1);
    let names = ["version", "n", "e", "d", "p", "q", "dp", "dq", "qinv"];
    let refused = |what: &str, parts: &[Vec<u8>]| match import(parts) {
        Err(Error::Key(_) | Error::Malformed(_)) => {}
        Err(error) => panic!("{what}: {error:?}"),
        // A size that is not used any more is a note, since it costs a ring of keys only that one.
        Ok(import) => panic!("{what} is imported: {:?}", import.notes),
    };
    for at in 1..parts.len() {
        let with = |value: Vec<u8>| {
            let mut broken = parts.clone();
            broken[at] = value;
            broken
        };
        let flipped = |byte: usize, bit: u8| {
            let mut value = parts[at].clone();
            let place = value.len() - 1 - byte;
            value[place] ^= bit;
            value
        };
        // Even, another odd number, another number altogether, and the same part of another key.
        refused(&format!("{} even", names[at]), &with(flipped(0, 1)));
        refused(&format!("{} tampered", names[at]), &with(flipped(0, 2)));
        if parts[at].len() > 40 {
            refused(&format!("{} tampered in the middle", names[at]), &with(flipped(30, 0x40)));
            refused(&format!("{} of another key", names[at]), &with(others[at].clone()));
            refused(&format!("{} negative", names[at]), &with(der::primitive(Tag::INTEGER, &[0x80; 32])));
            // n of one bit is told as a size.
            if at > 1 {
                refused(&format!("{} zero", names[at]), &with(der::integer(0)));
                refused(&format!("{} one", names[at]), &with(der::integer(1)));
            }
        }
        let mut missing = parts.clone();
        missing.remove(at);
        assert!(import(&missing).is_err(), "without {}", names[at]);
    }
    // p and q changed for each other and their exponents with them: only the coefficient is wrong.
    let swapped = [0, 1, 2, 3, 5, 4, 7, 6, 8].map(|at| parts[at].clone());
    refused("p and q swapped", &swapped);
    let mut multi = parts.clone();
    multi[0] = der::integer(1);
    refused("more than two primes", &multi);
}

#[test]
fn sec_127_a_key_of_somebody_else_is_not_the_certificate_s() {
    for kind in [KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::Ed25519] {
        let (alice, mallory) = (Alice::new(kind, 0), Alice::new(kind, 0));
        let key = Arc::new(SoftwareKey::new(mallory.key.clone()));
        let error = Identity::new(alice.certificate.clone(), Vec::new(), key).unwrap_err();
        assert_ne!(error.certificate_key, error.private_key);
        let file = pem::write("PRIVATE KEY", mallory.key.to_pkcs8().unwrap().expose())
            + &pem::write("CERTIFICATE", alice.certificate.der());
        let import = read(file.as_bytes(), None).unwrap();
        assert_eq!((import.identities.len(), import.keys.len()), (0, 1));
        assert!(matches!(import.sole_identity(), Err(Error::KeyWithoutCertificate { .. })));
    }
}

/// A key whose arithmetic goes wrong: in one bit of the signature, as a fault of the machine or an attacker's would.
struct Faulty {
    key: SoftwareKey,
    bit: usize,
}

impl SigningKey for Faulty {
    fn public_key(&self) -> &[u8] {
        SigningKey::public_key(&self.key)
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        SigningKey::schemes(&self.key)
    }

    fn sign(&self, scheme: &SignatureScheme, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = self.key.sign(scheme, message)?;
        let at = self.bit / 8 % signature.len();
        signature[at] ^= 1 << (self.bit % 8);
        Ok(signature)
    }
}

impl OpeningKey for Faulty {
    fn public_key(&self) -> &[u8] {
        OpeningKey::public_key(&self.key)
    }

    fn unwrap(&self, wrapped: &WrappedKey<'_>) -> Unwrapped {
        self.key.unwrap(wrapped)
    }
}

#[test]
fn sec_127_a_fault_while_signing_is_caught_before_the_signature_leaves() {
    let policy = Policy::default();
    let message = Message::parse(MAIL).unwrap();
    for (kind, bits) in [(KeyKind::Rsa, 2048), (KeyKind::P256, 0)] {
        let alice = Alice::new(kind, bits);
        for bit in [3, 70, 300, 500] {
            let key = Arc::new(Faulty { key: SoftwareKey::new(alice.key.clone()), bit });
            let identity = Identity::new(alice.certificate.clone(), Vec::new(), key).unwrap();
            let signer = Signer::new(&identity, &policy).unwrap();
            for signer in [signer.clone().clear(), signer.opaque()] {
                let mut out = Vec::new();
                let error = signer.sign_to(&message, now(), &mut out).unwrap_err();
                assert!(matches!(error, sign::Error::SelfCheck { .. }), "{kind} {bit}: {error}");
                assert!(out.is_empty(), "something was written");
                assert!(matches!(signer.sign(&message, now()), Err(sign::Error::SelfCheck { .. })));
                // The same where the key is elsewhere.
                let pending = signer.prepare(&message, now()).unwrap();
                let request = pending.request().unwrap();
                let mut signature = alice.key.sign(&request.scheme, &request.message).unwrap();
                signature[bit / 8 % 60] ^= 1;
                assert!(matches!(pending.finish(signature), Err(sign::Error::SelfCheck { .. })));
            }
        }
    }
}

/// A key in memory vouches for its own signatures only where the certificate has it in the same spelling: one that is for
/// PSS alone does not take PKCS#1 v1.5, although the modulus is the same.
#[test]
fn sec_127_a_key_vouches_for_nothing_that_its_certificate_does_not_allow() {
    let key = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap();
    let spki = key.public_key_spki();
    let mut fields = Reader::single(&spki, "SubjectPublicKeyInfo").unwrap().sequence("SubjectPublicKeyInfo").unwrap();
    fields.required_any("algorithm").unwrap();
    let bits = fields.required_any("subjectPublicKey").unwrap().raw().to_vec();
    let for_pss = der::sequence(&[der::sequence(&[der::oid(&oid::RSASSA_PSS)]), bits]);
    let (ca, message) = (Authority::root("CA"), Message::parse(MAIL).unwrap());
    for (spki, works) in [(spki, true), (for_pss, false)] {
        let certificate = ca.user("Alice", |template| template.spki = spki.clone());
        let held = Arc::new(SoftwareKey::new(key.clone()));
        assert!(held.is_self_checking(&SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256)));
        let identity = Identity::new(certificate, Vec::new(), held).unwrap();
        let policy = Policy::default();
        let signed = Signer::new(&identity, &policy).unwrap().sign(&message, now());
        match works {
            true => assert!(signed.is_ok()),
            false => assert!(matches!(signed, Err(sign::Error::SelfCheck { .. }))),
        }
    }
    // Two signatures of one message, one of them faulty, give such a key away; so each is verified.
    let edwards = SoftwareKey::new(PrivateKey::generate(KeyKind::Ed25519, 0).unwrap());
    assert!(!edwards.is_self_checking(&SignatureScheme::Ed25519));
}

// ---- SEC-129: the canary

#[test]
fn sec_129_no_secret_is_in_anything_that_is_said() {
    let mut canary = Canary::default();
    let curve = Alice::new(KeyKind::P256, 0);
    let rsa = Alice::new(KeyKind::Rsa, 2048);
    let edwards = Alice::new(KeyKind::Ed25519, 0);
    let password = "canary-password-\u{fc}-0123456789";
    canary.secret("the password", password.as_bytes());
    let wide: Vec<u8> = password.encode_utf16().flat_map(u16::to_be_bytes).collect();
    canary.secret("the wide password", &wide);
    for (at, part) in rsa_parts(&rsa.key).iter().enumerate().skip(3) {
        canary.secret(["d", "p", "q", "dp", "dq", "qinv"][at - 3], &part[part.len() - 64..]);
    }
    for who in [&curve, &edwards] {
        let pkcs8 = who.key.to_pkcs8().unwrap();
        let at = pkcs8.expose().windows(2).rposition(|w| w == [4, 32]).unwrap_or_default();
        canary.secret("the scalar", &pkcs8.expose()[at + 2..at + 34]);
    }
    canary.hear(&Secret::from(password));
    canary.hear(&Password::new(&Secret::from(password)));
    let policy = Policy::default();
    let message = Message::parse(MAIL).unwrap();
    for who in [&curve, &rsa, &edwards] {
        canary.hear(&who.key);
        canary.hear(&SoftwareKey::new(who.key.clone()));
        let pkcs8 = who.key.to_pkcs8().unwrap();
        canary.hear(&pkcs8);
        let secret = Secret::from(password);
        for profile in [Profile::Modern, Profile::Legacy] {
            let chain = [who.certificate.clone()];
            let file = p12::write(&pkcs8, &chain, "Alice", &secret, profile, &mut SystemRandom).unwrap();
            let (limits, options) = (Limits::default(), ImportOptions::default());
            let contents = p12::read(&file, Some(&secret), MissingMac::Refuse, &limits, &mut KdfBudget::new(&limits));
            canary.hear(&contents.unwrap());
            let import = import::read(&file, Some(&secret), &options, &limits).unwrap();
            canary.hear(&import);
            import.notes.iter().for_each(|note| canary.hear(note));
            for identity in &import.identities {
                canary.hear(identity);
                let signer = Signer::new(identity, &policy).unwrap();
                let signed = signer.sign(&message, now()).unwrap();
                canary.said.extend_from_slice(&signed);
                let ring = Keyring::new(vec![identity.clone()]);
                let trust = who.ca.trust();
                let opened = Opener::new(&trust, &policy).with_keys(&ring).open(&signed, now()).unwrap();
                canary.hear(opened.report());
                canary.said.extend_from_slice(opened.report().to_string().as_bytes());
            }
            // Bad inputs: the wrong password beside the right one, and damage at many places.
            canary.hear_error(&import::read(&file, Some(&Secret::from("other")), &options, &limits).unwrap_err());
            canary.hear_error(&import::read(&file, None, &options, &limits).unwrap_err());
            for at in (0..file.len()).step_by(97) {
                let mut altered = file.clone();
                altered[at] ^= 0x21;
                let result = import::read(&altered, Some(&secret), &options, &limits);
                result.err().iter().for_each(|error| canary.hear_error(error));
            }
        }
        // Keys in clear, damaged at each place: errors must not quote them.
        for text in [pkcs8.expose().to_vec(), pem::write("PRIVATE KEY", pkcs8.expose()).into_bytes()] {
            let step = if text.len() > 500 { 5 } else { 1 };
            for at in (0..text.len()).step_by(step) {
                let mut altered = text.clone();
                altered[at] ^= 0x11;
                match read(&altered, Some(password)) {
                    Ok(import) => canary.hear(&import.notes),
                    Err(error) => canary.hear_error(&error),
                }
                if at % 7 == 0 {
                    match read(&text[..at], Some(password)) {
                        Ok(import) => canary.hear(&import.notes),
                        Err(error) => canary.hear_error(&error),
                    }
                }
            }
        }
        // The key of one beside the certificate of another.
        let stranger = Arc::new(SoftwareKey::new(who.key.clone()));
        canary.hear_error(&Identity::new(who.ca.certificate.clone(), Vec::new(), stranger).unwrap_err());
    }
    // A bag of certificates, which has no secret to begin with, so that the search is known to find what is there.
    let found = p7c::write(std::slice::from_ref(&curve.certificate), &[]);
    let mut proof = Canary { said: canary.said.clone(), secrets: vec![("a planted one", found.clone())] };
    proof.said.extend_from_slice(common::hex(&found).as_bytes());
    assert!(std::panic::catch_unwind(|| proof.check()).is_err(), "the search finds nothing");
    canary.check();
}
