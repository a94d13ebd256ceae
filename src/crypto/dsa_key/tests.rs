//! DSA keys and signatures that OpenSSL made, and everything that is refused.

use super::*;
use crate::asn1::oid;
use crate::base::limits::Limits;
use crate::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm, SignatureScheme};
use crate::crypto::digest::hash;
use crate::crypto::signature::{KeyKind, PublicKey, spki};
use crate::crypto::strength;
use signature::hazmat::PrehashSigner;
use std::time::{Duration, Instant};

const TEXT: &[u8] = b"Mail of the year 1998.";

/// Key, signature of [`TEXT`], digest, bits of p.
type Made = (&'static [u8], &'static [u8], DigestAlgorithm, u32);

const MADE: [Made; 4] = [
    (
        include_bytes!("../../../test-vectors/dsa/1024-160.spki"),
        include_bytes!("../../../test-vectors/dsa/1024-160.sig"),
        DigestAlgorithm::Sha1,
        1024,
    ),
    (
        include_bytes!("../../../test-vectors/dsa/2048-224.spki"),
        include_bytes!("../../../test-vectors/dsa/2048-224.sig"),
        DigestAlgorithm::Sha224,
        2048,
    ),
    (
        include_bytes!("../../../test-vectors/dsa/2048-256.spki"),
        include_bytes!("../../../test-vectors/dsa/2048-256.sig"),
        DigestAlgorithm::Sha256,
        2048,
    ),
    (
        include_bytes!("../../../test-vectors/dsa/3072-256.spki"),
        include_bytes!("../../../test-vectors/dsa/3072-256.sig"),
        DigestAlgorithm::Sha384,
        3072,
    ),
];

/// Signs with the key of `test-vectors/dsa/1024-160.key`: the crate itself makes no DSA signature.
pub(crate) struct Signer(dsa::SigningKey);

impl Signer {
    pub(crate) fn new() -> Self {
        let file = include_bytes!("../../../test-vectors/dsa/1024-160.key");
        let mut info = Reader::single(file, "test").unwrap().sequence("test").unwrap();
        info.required(Tag::INTEGER, "version").unwrap();
        info.required(Tag::SEQUENCE, "algorithm").unwrap();
        let octets = info.required(Tag::OCTET_STRING, "key").unwrap().octets("key").unwrap().into_owned();
        let x = Reader::single(&octets, "x").unwrap().unsigned("x").unwrap().to_vec();
        let public = key(MADE[0].0);
        Self(dsa::SigningKey::from_components(public, BoxedUint::from_be_slice(&x, 160).unwrap()).unwrap())
    }

    pub(crate) fn sign(&self, digest: DigestAlgorithm, message: &[u8]) -> Vec<u8> {
        let value = self.0.sign_prehash(&hash(digest, message)).unwrap();
        encode(&value.r().to_be_bytes(), &value.s().to_be_bytes())
    }

    /// With the parameters, or without them, to be inherited.
    pub(crate) fn spki(with_parameters: bool) -> Vec<u8> {
        if with_parameters {
            return MADE[0].0.to_vec();
        }
        let y = parts(MADE[0].0)[3].clone();
        spki(&AlgorithmIdentifier::new(oid::DSA), &der::unsigned(&y))
    }
}

fn key(spki: &[u8]) -> dsa::VerifyingKey {
    let [p, q, g, y] = parts(spki);
    judge(&p, &q, &g, &y).unwrap()
}

/// p, q, g and y, without leading zeros.
fn parts(spki: &[u8]) -> [Vec<u8>; 4] {
    let mut inside = Reader::single(spki, "test").unwrap().sequence("test").unwrap();
    let id = AlgorithmIdentifier::read(&inside.required_any("test").unwrap()).unwrap();
    let y = inside.required_any("test").unwrap().whole_bits("test").unwrap();
    let parameters = id.parameters.unwrap();
    let mut inside = Reader::single(&parameters, "test").unwrap().sequence("test").unwrap();
    let mut number = || inside.required_any("test").unwrap().unsigned("test").unwrap().to_vec();
    [number(), number(), number(), Reader::single(y, "test").unwrap().unsigned("test").unwrap().to_vec()]
}

fn of_parts([p, q, g, y]: &[Vec<u8>; 4]) -> Result<PublicKey> {
    let parameters = der::sequence(&[der::unsigned(p), der::unsigned(q), der::unsigned(g)]);
    let id = AlgorithmIdentifier::with(oid::DSA, parameters);
    PublicKey::from_spki(&spki(&id, &der::unsigned(y)), &Limits::default())
}

fn encode(r: &[u8], s: &[u8]) -> Vec<u8> {
    der::sequence(&[der::unsigned(r), der::unsigned(s)])
}

/// r and s.
fn split(signature: &[u8]) -> [Vec<u8>; 2] {
    let mut inside = Reader::single(signature, "test").unwrap().sequence("test").unwrap();
    let mut number = || inside.required_any("test").unwrap().unsigned("test").unwrap().to_vec();
    [number(), number()]
}

fn plus(number: &[u8], other: &[u8]) -> Vec<u8> {
    let wide = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, 4096).unwrap();
    rsa_key::trim(&wide(number).wrapping_add(wide(other)).to_be_bytes()).to_vec()
}

fn minus(number: &[u8], other: &[u8]) -> Vec<u8> {
    let wide = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, 4096).unwrap();
    rsa_key::trim(&wide(number).wrapping_sub(wide(other)).to_be_bytes()).to_vec()
}

#[test]
fn what_openssl_signed_verifies_under_its_key_and_digest_only() {
    for (at, (spki, signature, digest, bits)) in MADE.into_iter().enumerate() {
        let key = PublicKey::from_spki(spki, &Limits::default()).unwrap();
        assert_eq!((key.kind(), key.bits(), key.describe()), (KeyKind::Dsa, bits, format!("DSA-{bits}")));
        key.verify(&SignatureScheme::Dsa(digest), TEXT, signature).unwrap();
        let refused = |key: &PublicKey, digest, text: &[u8]| {
            matches!(key.verify(&SignatureScheme::Dsa(digest), text, signature), Err(Error::BadSignature))
        };
        assert!(refused(&key, digest, b"Mail of the year 1999."));
        assert!(DigestAlgorithm::ALL.into_iter().filter(|other| *other != digest).all(|d| refused(&key, d, TEXT)));
        let other = PublicKey::from_spki(MADE[(at + 1) % 4].0, &Limits::default()).unwrap();
        assert!(refused(&other, digest, TEXT));
        for scheme in [SignatureScheme::Ecdsa(digest), SignatureScheme::RsaPkcs1(digest), SignatureScheme::Ed25519] {
            assert!(matches!(key.verify(&scheme, TEXT, signature), Err(Error::WrongKey { .. })), "SEC-26");
        }
        assert!(key.key_agreement_bytes().is_err());
        let weak = strength::key_weakness(&key).unwrap();
        assert_eq!(weak.code, "weak_key");
        assert!(weak.text.contains("FIPS 186-5"), "{weak}");
    }
}

#[test]
fn a_digest_of_any_length_is_cut_to_the_order() {
    let signer = Signer::new();
    let key = PublicKey::from_spki(&Signer::spki(true), &Limits::default()).unwrap();
    for digest in DigestAlgorithm::ALL {
        key.verify(&SignatureScheme::Dsa(digest), TEXT, &signer.sign(digest, TEXT)).unwrap();
    }
}

#[test]
fn sec_036_numbers_out_of_range_are_no_signature() {
    for (spki, signature, digest, ..) in MADE {
        let public = PublicKey::from_spki(spki, &Limits::default()).unwrap();
        let q = &parts(spki)[1];
        let [r, s] = split(signature);
        let refused = |signature: &[u8]| {
            matches!(public.verify(&SignatureScheme::Dsa(digest), TEXT, signature), Err(Error::BadSignature))
        };
        assert!(!refused(&encode(&r, &s)));
        let more = |number: &[u8]| plus(number, q);
        let odd: [Vec<u8>; 9] = [
            vec![0],
            vec![1],
            q.clone(),
            minus(q, &[1]),
            more(&[1]),
            more(q),
            vec![0xff; q.len()],
            vec![0xff; 384],
            vec![0xff; 1 << 16],
        ];
        for bad in odd.iter().chain([&more(&r)]) {
            assert!(refused(&encode(bad, &s)), "r of {} octets", bad.len());
        }
        for bad in odd.iter().chain([&more(&s), &minus(q, &s)]) {
            assert!(refused(&encode(&r, bad)), "s of {} octets", bad.len());
        }
        for (r, s) in odd.iter().flat_map(|r| odd.iter().map(move |s| (r, s))) {
            assert!(refused(&encode(r, s)));
        }
        // Negative numbers, superfluous zeros, other encodings, and all that is cut off.
        let raw = |bytes: &[u8]| der::primitive(Tag::INTEGER, bytes);
        let good = |number: &[u8]| der::unsigned(number);
        for bad in [
            der::sequence(&[raw(&[0xff]), good(&s)]),
            der::sequence(&[good(&r), raw(&[0x80, 1])]),
            der::sequence(&[raw(&[]), good(&s)]),
            der::sequence(&[raw(&[&[0, 0, 0][..], &r].concat()), good(&s)]),
            der::sequence(&[good(&r), good(&s), der::null()]),
            der::sequence(&[good(&r)]),
            [r.clone(), s.clone()].concat(),
            [signature, &[0]].concat(),
            [&[0x30, 0x80][..], &signature[2..], &[0, 0]].concat(),
            vec![0xff; 1 << 20],
        ] {
            assert!(refused(&bad), "{:x?}", &bad[..bad.len().min(80)]);
        }
        assert!((0..signature.len()).all(|length| refused(&signature[..length])));
    }
}

#[test]
fn sec_037_absurd_keys_are_refused_before_any_exponentiation() {
    let good = parts(MADE[2].0);
    assert!(of_parts(&good).is_ok());
    let started = Instant::now();
    let big = |octets: usize| [vec![0xff; octets - 1], vec![0xfb]].concat();
    let with = |at: usize, number: Vec<u8>| {
        let mut parts = good.clone();
        parts[at] = number;
        of_parts(&parts)
    };
    for octets in [1, 8, 64, 96, 127, 129, 255, 257, 383, 385, 512, 8 << 10, 512 << 10] {
        assert!(matches!(with(0, big(octets)), Err(Error::KeySize { .. })), "p of {octets} octets");
    }
    for octets in [1, 8, 19, 20, 21, 27, 31, 33, 256, 8 << 10, 512 << 10] {
        assert!(matches!(with(1, big(octets)), Err(Error::BadKey { .. })), "q of {octets} octets");
    }
    for at in [0, 1] {
        let mut even = good[at].clone();
        *even.last_mut().unwrap() ^= 1;
        assert!(matches!(with(at, even), Err(Error::BadKey { .. })), "even");
        assert!(with(at, vec![0]).is_err());
    }
    let p = good[0].clone();
    for at in [2, 3] {
        for number in [vec![0], vec![1], p.clone(), plus(&p, &[1]), plus(&p, &good[at]), big(8 << 10), big(512 << 10)] {
            assert!(matches!(with(at, number), Err(Error::BadKey { .. })), "{at}");
        }
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn sec_037_a_generator_of_another_group_is_none() {
    let good = parts(MADE[0].0);
    let minus_one = minus(&good[0], &[1]);
    for at in [2, 3] {
        // p - 1 has the order 2; 2 and 3 generate more than the subgroup.
        for number in [minus_one.clone(), vec![2], vec![3], plus(&good[at], &[1])] {
            let mut parts = good.clone();
            parts[at] = number;
            assert!(matches!(of_parts(&parts), Err(Error::BadKey { .. })), "{at}");
        }
    }
    // With both 1, every signature with r = 1 would be good.
    let mut ones = good.clone();
    (ones[2], ones[3]) = (vec![1], vec![1]);
    assert!(matches!(of_parts(&ones), Err(Error::BadKey { .. })));
}

#[test]
fn malformed_keys_are_refused_at_every_length() {
    let limits = Limits::default();
    let whole = MADE[0].0;
    for length in 0..whole.len() {
        assert!(PublicKey::from_spki(&whole[..length], &limits).is_err(), "{length}");
    }
    let [p, q, g, y] = parts(whole).map(|number| der::unsigned(&number));
    let y = || y.clone();
    let read = |parameters: Vec<u8>, key: &[u8]| {
        PublicKey::from_spki(&spki(&AlgorithmIdentifier::with(oid::DSA, parameters), key), &limits)
    };
    let full = der::sequence(&[&p, &q, &g]);
    assert!(read(full.clone(), &y()).is_ok());
    let negative = der::primitive(Tag::INTEGER, &[0xff; 20]);
    for parameters in [
        der::sequence(&[&p, &q]),
        der::sequence(&[&p, &q, &g, &g]),
        der::sequence(&[&p, &negative, &g]),
        der::sequence(&[&q, &p, &g]),
        der::octets(&full),
        p.clone(),
    ] {
        assert!(read(parameters, &y()).is_err());
    }
    for key in [&[][..], &[0], &negative, &[y(), vec![0]].concat(), &y()[..y().len() - 1], &der::octets(&y())] {
        assert!(read(full.clone(), key).is_err());
    }
}

#[test]
fn parameters_are_inherited_from_a_dsa_key_and_from_no_other() {
    let limits = Limits::default();
    let (own, bare) = (Signer::spki(true), Signer::spki(false));
    let issuer = PublicKey::from_spki(&own, &limits).unwrap();
    let parameters = issuer.dsa_parameters().unwrap();
    let error = PublicKey::from_spki(&bare, &limits).unwrap_err();
    assert!(matches!(error, Error::Parameters { .. }) && error.to_string().contains("issuer"), "{error}");
    let key = PublicKey::from_spki_with(&bare, parameters, &limits).unwrap();
    assert_eq!(key, issuer, "the parameters are in its encoding then");
    key.verify(&SignatureScheme::Dsa(DigestAlgorithm::Sha1), TEXT, MADE[0].1).unwrap();
    // NULL stands for absence, too.
    let y = der::unsigned(&parts(&own)[3]);
    let null = spki(&AlgorithmIdentifier::with_null(oid::DSA), &y);
    assert_eq!(PublicKey::from_spki_with(&null, parameters, &limits).unwrap(), issuer);
    // Other parameters make no key of it, and a key that has its own keeps them.
    let other = PublicKey::from_spki(MADE[1].0, &limits).unwrap();
    assert!(PublicKey::from_spki_with(&bare, other.dsa_parameters().unwrap(), &limits).is_err());
    assert_eq!(PublicKey::from_spki_with(&own, other.dsa_parameters().unwrap(), &limits).unwrap(), issuer);
    let curve = crate::crypto::private::PrivateKey::generate(KeyKind::P256, 0).unwrap().public_key(&limits).unwrap();
    assert_eq!(curve.dsa_parameters(), None);
}

#[test]
fn no_dsa_key_signs() {
    use crate::base::secret::Secret;
    use crate::crypto::private::PrivateKey;
    let file = include_bytes!("../../../test-vectors/dsa/1024-160.key");
    let error = PrivateKey::from_pkcs8(&Secret::from(&file[..])).unwrap_err().to_string();
    assert!(error.contains("DSA") && error.contains("verified only"), "{error}");
    assert!(PrivateKey::generate(KeyKind::Dsa, 0).is_err());
}
