//! The rows: verb x algorithm x size.

use crate::people::{Authority, Person, content, mail};
use crate::{der, floor, libcrypto};
use openssl::symm::Cipher;
use smime::crypto::algorithm::{ContentCipher, KeyTransport};
use smime::crypto::signature::{KeyKind, PublicKey};
use smime::{
    Certificates, ChainCache, Encryptor, Keyring, Limits, Message, Opener, Policy, RecipientPlan, Requirement, Signer,
    Time,
};
use std::hint::black_box;

/// One row, before it is measured.
pub struct Row<'a> {
    pub verb: &'static str,
    pub algorithm: String,
    pub size: &'static str,
    /// The ratio to be reached on a processor without AVX-512.
    pub goal: Option<f64>,
    pub ours: Box<dyn FnMut() + 'a>,
    pub libcrypto: Box<dyn FnMut() + 'a>,
    pub floor: Box<dyn FnMut() + 'a>,
    pub other: Option<Box<dyn FnMut() + 'a>>,
}

const SIZES: [(&str, usize); 3] = [("1 KiB", 1 << 10), ("100 KiB", 100 << 10), ("10 MiB", 10 << 20)];
const KEYS: [(&str, KeyKind, usize); 4] = [
    ("RSA-2048", KeyKind::Rsa, 2048),
    ("RSA-3072", KeyKind::Rsa, 3072),
    ("RSA-4096", KeyKind::Rsa, 4096),
    ("P-256", KeyKind::P256, 0),
];

/// Hands each row on, one after the other.
pub fn each(measure: &mut dyn FnMut(Row<'_>)) {
    let authority = Authority::new();
    let people: Vec<(&str, Person)> = (0u8..)
        .zip(KEYS)
        .map(|(serial, (name, kind, bits))| (name, authority.person("alice@example.com", serial + 1, kind, bits)))
        .collect();
    for (name, person) in &people {
        for (size, bytes) in SIZES {
            // Large keys differ by their arithmetic only.
            if bytes == 1 << 10 || ["RSA-2048", "P-256"].contains(name) {
                signing(&authority, person, name, size, bytes, measure);
            }
        }
    }
    for (name, person) in people.iter().filter(|(name, _)| ["RSA-2048", "P-256"].contains(name)) {
        for (size, bytes) in SIZES {
            verifying(&authority, person, name, size, bytes, measure);
        }
    }
    let recipients: Vec<Person> =
        (1..=100).map(|n| authority.person(&format!("bob{n}@example.com"), 100 + n, KeyKind::Rsa, 2048)).collect();
    for (mode, cipher) in [("CBC", ContentCipher::Aes256Cbc), ("GCM", ContentCipher::Aes256Gcm)] {
        for (size, bytes) in SIZES {
            for count in [1, 10, 100] {
                encrypting(&recipients[..count], mode, cipher, size, bytes, measure);
            }
        }
        for (size, bytes) in SIZES {
            decrypting(&authority, &recipients[0], mode, cipher, size, bytes, measure);
        }
    }
}

fn now() -> Time {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

fn signing(
    authority: &Authority,
    person: &Person,
    name: &str,
    size: &'static str,
    bytes: usize,
    measure: &mut dyn FnMut(Row<'_>),
) {
    let (policy, raw, content) = (Policy::default(), mail(bytes), content(bytes));
    let theirs = libcrypto::SigningParty::new(person, &[&authority.middle]);
    let other = der::SigningParty::new(person, &authority.middle);
    for (verb, opaque) in [("sign clear", false), ("sign opaque", true)] {
        let signer = Signer::new(&person.identity, &policy).unwrap();
        let signer = if opaque { signer.opaque() } else { signer };
        let ours = || {
            black_box(signer.sign(&Message::parse(black_box(&raw)).unwrap(), now()).unwrap());
        };
        measure(Row {
            verb,
            algorithm: name.to_owned(),
            size,
            goal: match (name, size, opaque) {
                ("RSA-2048", "1 KiB", _) => Some(1.10),
                ("RSA-3072" | "RSA-4096", "1 KiB", _) => Some(0.95),
                ("P-256", "1 KiB", _) => Some(3.5),
                ("RSA-2048", "100 KiB", _) => Some(1.25),
                ("P-256", "100 KiB", _) => Some(2.5),
                (_, "10 MiB", false) => Some(3.5),
                (_, "10 MiB", true) => Some(4.0),
                _ => None,
            },
            ours: Box::new(ours),
            libcrypto: Box::new(|| {
                black_box(theirs.sign(black_box(&content), !opaque));
            }),
            floor: Box::new(|| floor::sign(person, black_box(&content), opaque)),
            other: Some(Box::new(|| {
                black_box(other.sign(black_box(&content), !opaque));
            })),
        });
    }
}

fn verifying(
    authority: &Authority,
    person: &Person,
    name: &str,
    size: &'static str,
    bytes: usize,
    measure: &mut dyn FnMut(Row<'_>),
) {
    let (policy, trust, raw) = (Policy::default(), authority.trust(), mail(bytes));
    let (content, store) = (content(bytes), libcrypto::store(&authority.root));
    let chain = authority.person("carol@example.com", 99, KeyKind::Rsa, 2048);
    let (chain, own) = (floor::Verification::new(&chain), floor::Verification::new(person));
    let der = der::SigningParty::new(person, &authority.middle).sign(&content, true);
    for (verb, opaque, cached) in
        [("verify clear", false, false), ("verify clear, chain known", false, true), ("verify opaque", true, false)]
    {
        let signer = Signer::new(&person.identity, &policy).unwrap();
        let signer = if opaque { signer.opaque() } else { signer };
        let signed = signer.sign(&Message::parse(&raw).unwrap(), now()).unwrap();
        let base64 = floor::text(&content);
        let cache = ChainCache::new(&policy.limits);
        // What they are given is the mail from its Content-Type on.
        let ours = || {
            let opener = Opener::new(&trust, &policy);
            let opener = if cached { opener.with_chain_cache(&cache) } else { opener };
            let opened = opener.open(black_box(&signed), now()).unwrap();
            opened.judge(Requirement::SignedBySender).expect("it is from Alice");
        };
        measure(Row {
            verb,
            algorithm: name.to_owned(),
            size,
            goal: match (size, opaque, cached) {
                ("1 KiB", false, false) => Some(3.0),
                ("1 KiB", false, true) => Some(8.0),
                ("100 KiB", false, _) => Some(10.0),
                ("10 MiB", false, _) => Some(15.0),
                ("10 MiB", true, _) => Some(5.0),
                _ => None,
            },
            ours: Box::new(ours),
            libcrypto: Box::new(|| {
                black_box(libcrypto::verify(black_box(&signed), &store));
            }),
            floor: Box::new(|| {
                if cached {
                    own.known();
                } else {
                    own.read();
                    chain.read();
                    chain.known();
                }
                if opaque {
                    floor::untext(&base64);
                }
                floor::digest(&content);
            }),
            other: (!opaque).then(|| Box::new(|| der::verify(&der, black_box(&content))) as Box<dyn FnMut()>),
        });
    }
}

fn encrypting(
    people: &[Person],
    mode: &str,
    cipher: ContentCipher,
    size: &'static str,
    bytes: usize,
    measure: &mut dyn FnMut(Row<'_>),
) {
    let (mut policy, raw, content) = (Policy::default(), mail(bytes), content(bytes));
    policy.content_cipher = cipher;
    let directory = Certificates(people.iter().map(|p| p.certificate.clone()).collect());
    let addresses: Vec<_> = (1..=people.len()).map(|n| format!("bob{n}@example.com").parse().unwrap()).collect();
    let plan = RecipientPlan::resolve(&addresses, &directory, &policy, None, now());
    let encryptor = Encryptor::new(&plan.all().unwrap(), &policy);
    let theirs = libcrypto::Recipients::new(people);
    let key = PublicKey::from_spki(&people[0].key.public_key_spki(), &Limits::default()).unwrap();
    measure(Row {
        verb: "encrypt",
        algorithm: format!("AES-256-{mode}, {} of RSA-2048", people.len()),
        size,
        goal: match (size, people.len(), mode) {
            ("1 KiB", 1, _) => Some(1.5),
            ("1 KiB", 100, _) => Some(1.4),
            ("10 MiB", 1, "CBC") => Some(2.5),
            ("10 MiB", 1, _) => Some(5.0),
            _ => None,
        },
        ours: Box::new(|| {
            black_box(encryptor.encrypt(&Message::parse(black_box(&raw)).unwrap()).unwrap());
        }),
        libcrypto: Box::new(|| {
            let cipher = if mode == "GCM" { Cipher::aes_256_gcm() } else { Cipher::aes_256_cbc() };
            black_box(theirs.encrypt(black_box(&content), cipher));
        }),
        floor: Box::new(|| floor::encrypt(&key, people.len(), cipher, black_box(&content))),
        other: None,
    });
}

fn decrypting(
    authority: &Authority,
    person: &Person,
    mode: &str,
    cipher: ContentCipher,
    size: &'static str,
    bytes: usize,
    measure: &mut dyn FnMut(Row<'_>),
) {
    let (mut policy, trust, raw, content) = (Policy::default(), authority.trust(), mail(bytes), content(bytes));
    policy.content_cipher = cipher;
    let directory = Certificates(vec![person.certificate.clone()]);
    let plan = RecipientPlan::resolve(&["bob1@example.com".parse().unwrap()], &directory, &policy, None, now());
    let sealed = Encryptor::new(&plan.all().unwrap(), &policy).encrypt(&Message::parse(&raw).unwrap()).unwrap();
    let ring = Keyring::new(vec![person.identity.clone()]);
    let theirs = libcrypto::Opening::new(person);
    let key = PublicKey::from_spki(&person.key.public_key_spki(), &Limits::default()).unwrap();
    let wrapped = key.encrypt(&KeyTransport::RsaPkcs1, &[7; 32]).unwrap();
    let base64 = floor::text(&content);
    measure(Row {
        verb: "decrypt",
        algorithm: format!("AES-256-{mode}, RSA-2048"),
        size,
        goal: match size {
            "1 KiB" => Some(1.0),
            "10 MiB" => Some(6.0),
            _ => None,
        },
        ours: Box::new(|| {
            let opened = Opener::new(&trust, &policy).with_keys(&ring).open(black_box(&sealed), now()).unwrap();
            let content = opened.require(Requirement::Unaltered).unwrap_or_else(|_| panic!("it is whole"));
            black_box(content.message().unwrap());
        }),
        libcrypto: Box::new(|| {
            black_box(theirs.decrypt(black_box(&sealed)));
        }),
        floor: Box::new(|| floor::decrypt(person, &wrapped, cipher, &base64, black_box(&content))),
        other: None,
    });
}
