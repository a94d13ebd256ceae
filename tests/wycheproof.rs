//! The Wycheproof vectors for every primitive that this library has.
//!
//! They are looked for in the folder `wycheproof` of `SMIME_CORPUS`, else of `../shared/corpus` beside this package;
//! where they are not, each test says so aloud. Every `valid` case must be accepted and every `invalid` one refused;
//! `acceptable` ones may be either. A valid case that is refused on purpose is named in the test with the reason, and
//! it is a failure too if it is accepted after all.

#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::Value;
use smime::asn1::der;
use smime::base::limits::Limits;
use smime::base::secret::Secret;
use smime::crypto::agreement::hkdf;
use smime::crypto::algorithm::{ContentCipher, Curve, DigestAlgorithm, KeyTransport, KeyWrap, SignatureScheme};
use smime::crypto::content::{CbcDecryptor, CbcEncryptor, GcmEncryptor, GcmOpener};
use smime::crypto::private::PrivateKey;
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::PublicKey;
use smime::crypto::{Error, wrap};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a case came to.
enum Outcome {
    Accepted,
    Refused,
    /// Refused on purpose, whatever the vectors say, for this reason.
    Excepted(&'static str),
}

impl From<bool> for Outcome {
    fn from(accepted: bool) -> Self {
        if accepted { Self::Accepted } else { Self::Refused }
    }
}

fn folder() -> Option<PathBuf> {
    let corpus = std::env::var_os("SMIME_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let folder = corpus.join("wycheproof");
    let versioned = folder.join("testvectors_v1");
    [versioned, folder].into_iter().find(|folder| folder.join("aes_gcm_test.json").is_file())
}

/// Runs all cases of one file.
fn run(file: &str, judge: &dyn Fn(&Value, &Value) -> Outcome) {
    let Some(folder) = folder() else {
        println!("skipped: {file}: no Wycheproof vectors (set SMIME_CORPUS)");
        return;
    };
    let text = match std::fs::read(folder.join(file)) {
        Ok(text) => text,
        Err(error) => {
            println!("skipped: {file}: {error}");
            return;
        }
    };
    let vectors: Value = serde_json::from_slice(&text).unwrap();
    let (mut total, mut valid, mut invalid, mut acceptable) = (0, 0, 0, 0);
    let mut excepted = BTreeMap::<&str, usize>::new();
    let mut wrong = Vec::new();
    for group in vectors["testGroups"].as_array().unwrap() {
        for case in group["tests"].as_array().unwrap() {
            total += 1;
            let result = case["result"].as_str().unwrap();
            match (result, judge(group, case)) {
                (_, Outcome::Excepted(reason)) => *excepted.entry(reason).or_default() += 1,
                ("valid", Outcome::Accepted) => valid += 1,
                ("invalid", Outcome::Refused) => invalid += 1,
                ("acceptable", _) => acceptable += 1,
                _ => wrong.push(format!("{result} {} {} {}", case["tcId"], case["comment"], case["flags"])),
            }
        }
    }
    println!("{file}: {total} cases, {valid} valid, {invalid} invalid, {acceptable} acceptable, excepted {excepted:?}");
    assert!(wrong.is_empty(), "{file}: {} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(total > 0 && valid + invalid + acceptable > 0, "{file}: nothing was judged");
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// `None` for those that this library does not have: SHA-3, SHAKE, SHA-512/256.
fn digest(value: &Value) -> Option<DigestAlgorithm> {
    value.as_str().unwrap().parse().ok()
}

/// Where a case is excepted, it must really be refused.
fn excepted(reason: &'static str, accepted: bool) -> Outcome {
    assert!(!accepted, "accepted although excepted: {reason}");
    Outcome::Excepted(reason)
}

fn verify(group: &Value, case: &Value, scheme: SignatureScheme, key: &str) -> Result<(), Error> {
    let key = PublicKey::from_spki(&bytes(&group[key]), &Limits::default())?;
    key.verify(&scheme, &bytes(&case["msg"]), &bytes(&case["sig"]))
}

const FOREIGN_DIGEST: &str = "a digest that CMS mail does not use";

#[test]
fn rsa_pkcs1_signatures() {
    for size in [2048, 3072, 4096] {
        for sha in [256, 384, 512] {
            run(&format!("rsa_signature_{size}_sha{sha}_test.json"), &|group, case| {
                let scheme = SignatureScheme::RsaPkcs1(digest(&group["sha"]).unwrap());
                verify(group, case, scheme, "publicKeyDer").is_ok().into()
            });
        }
    }
}

#[test]
fn rsa_pkcs1_signatures_are_made_as_others_make_them() {
    run("rsa_pkcs1_2048_sig_gen_test.json", &|group, case| {
        let Some(digest) = digest(&group["sha"]) else { return Outcome::Excepted(FOREIGN_DIGEST) };
        let scheme = SignatureScheme::RsaPkcs1(digest);
        match PrivateKey::from_pkcs8(&Secret::new(bytes(&group["privateKeyPkcs8"]))) {
            Ok(key) => (key.sign(&scheme, &bytes(&case["msg"])).unwrap() == bytes(&case["sig"])).into(),
            // Made for testing: one prime has two thirds of the bits. No generator of keys makes such.
            Err(Error::BadKey { why, .. }) if why == "invalid prime value" => {
                Outcome::Excepted("primes of unequal length")
            }
            Err(error) => panic!("{error}"),
        }
    });
}

#[test]
fn rsa_pss_signatures() {
    for file in [
        "rsa_pss_2048_sha256_mgf1_0_test.json",
        "rsa_pss_2048_sha256_mgf1_32_test.json",
        "rsa_pss_2048_sha256_mgf1_32_params_test.json",
        "rsa_pss_2048_sha384_mgf1_48_test.json",
        "rsa_pss_4096_sha512_mgf1_32_test.json",
        "rsa_pss_4096_sha512_mgf1_64_test.json",
        "rsa_pss_misc_test.json",
        "rsa_pss_misc_params_test.json",
    ] {
        run(file, &|group, case| {
            let (Some(hash), Some(mgf_hash)) = (digest(&group["sha"]), digest(&group["mgfSha"])) else {
                return Outcome::Excepted(FOREIGN_DIGEST);
            };
            let salt_length = group["sLen"].as_u64().unwrap() as u32;
            let scheme = SignatureScheme::RsaPss { hash, mgf_hash, salt_length };
            verify(group, case, scheme, "publicKeyDer").is_ok().into()
        });
    }
}

#[test]
fn ecdsa_signatures() {
    for file in ["secp256r1_sha256", "secp256r1_sha512", "secp384r1_sha384", "secp384r1_sha512", "secp521r1_sha512"] {
        run(&format!("ecdsa_{file}_test.json"), &|group, case| {
            let scheme = SignatureScheme::Ecdsa(digest(&group["sha"]).unwrap());
            verify(group, case, scheme, "publicKeyDer").is_ok().into()
        });
    }
}

#[test]
fn ed25519_signatures() {
    run("ed25519_test.json", &|group, case| {
        verify(group, case, SignatureScheme::Ed25519, "publicKeyDer").is_ok().into()
    });
}

#[test]
fn rsa_oaep_decryption() {
    for file in [
        "rsa_oaep_2048_sha1_mgf1sha1_test.json",
        "rsa_oaep_2048_sha256_mgf1sha1_test.json",
        "rsa_oaep_2048_sha256_mgf1sha256_test.json",
        "rsa_oaep_2048_sha512_mgf1sha1_test.json",
        "rsa_oaep_2048_sha512_mgf1sha512_test.json",
        "rsa_oaep_3072_sha256_mgf1sha256_test.json",
        "rsa_oaep_misc_test.json",
    ] {
        run(file, &|group, case| {
            let (Some(hash), Some(mgf_hash)) = (digest(&group["sha"]), digest(&group["mgfSha"])) else {
                return Outcome::Excepted(FOREIGN_DIGEST);
            };
            let transport = KeyTransport::RsaOaep { hash, mgf_hash, label: bytes(&case["label"]) };
            let message = bytes(&case["msg"]);
            match PrivateKey::from_pkcs8(&Secret::new(bytes(&group["privateKeyPkcs8"]))) {
                Ok(key) => match key.decrypt(&transport, &bytes(&case["ct"]), message.len()) {
                    Ok(plain) => (plain.expose() == message).into(),
                    Err(error) => {
                        assert_eq!(error.to_string(), "decryption failed");
                        Outcome::Refused
                    }
                },
                Err(Error::KeySize { .. }) => Outcome::Excepted("a key outside the limits"),
                Err(error) => panic!("{error}"),
            }
        });
    }
}

/// A bad padding is no error here (SEC-70): it gives other bytes, always the same, of the length asked for.
#[test]
fn rsa_pkcs1_decryption() {
    for size in [2048, 3072, 4096] {
        run(&format!("rsa_pkcs1_{size}_test.json"), &|group, case| {
            let key = PrivateKey::from_pkcs8(&Secret::new(bytes(&group["privateKeyPkcs8"]))).unwrap();
            let (message, ciphertext) = (bytes(&case["msg"]), bytes(&case["ct"]));
            if case["result"] == "valid" {
                let plain = key.decrypt(&KeyTransport::RsaPkcs1, &ciphertext, message.len()).unwrap();
                return (plain.expose() == message).into();
            }
            let try_it = || key.decrypt(&KeyTransport::RsaPkcs1, &ciphertext, 32);
            match (try_it(), try_it()) {
                (Ok(first), Ok(second)) => {
                    assert_eq!(first, second);
                    assert_eq!(first.len(), 32);
                    (!message.is_empty() && first.expose() == message).into()
                }
                // Only for what everybody can see: the length, or a number not below the modulus.
                (Err(Error::Decrypt), Err(Error::Decrypt)) => {
                    let visible = ciphertext.len() != size / 8 || ciphertext[0] >= 0x80;
                    assert!(visible, "{} is refused by an error", case["comment"]);
                    Outcome::Refused
                }
                other => panic!("{other:?}"),
            }
        });
    }
}

#[test]
fn ecdh() {
    for (file, curve) in [("secp256r1", Curve::P256), ("secp384r1", Curve::P384), ("secp521r1", Curve::P521)] {
        run(&format!("ecdh_{file}_test.json"), &|_, case| {
            let named = der::explicit(0, &der::oid(&curve.oid()));
            let scalar = der::octets(&bytes(&case["private"]));
            let key = der::sequence(&[der::integer(1), scalar, named]);
            let key = PrivateKey::from_sec1(&Secret::new(key)).unwrap();
            let shared = PublicKey::from_spki(&bytes(&case["public"]), &Limits::default())
                .and_then(|public| public.key_agreement_bytes())
                .and_then(|point| key.agree(&point));
            shared.is_ok_and(|shared| shared.expose() == bytes(&case["shared"])).into()
        });
    }
}

#[test]
fn x25519() {
    let agree = |private: Vec<u8>, public: Vec<u8>, shared: Vec<u8>| {
        let Ok(key) = PrivateKey::from_pkcs8(&Secret::new(private)) else { return Outcome::Refused };
        let result = PublicKey::from_spki(&public, &Limits::default())
            .and_then(|public| public.key_agreement_bytes())
            .and_then(|point| key.agree(&point));
        if shared.iter().all(|b| *b == 0) {
            assert!(result.is_err(), "a shared secret of zeros (SEC-75)");
        }
        Outcome::from(result.is_ok_and(|result| result.expose() == shared))
    };
    run("x25519_asn_test.json", &|_, case| {
        agree(bytes(&case["private"]), bytes(&case["public"]), bytes(&case["shared"]))
    });
    run("x25519_test.json", &|_, case| {
        let id = Curve::X25519.identifier().to_der();
        let private = der::octets(&der::octets(&bytes(&case["private"])));
        let private = der::sequence(&[der::integer(0), id.clone(), private]);
        let public = der::sequence(&[id, der::bits(&bytes(&case["public"]))]);
        agree(private, public, bytes(&case["shared"]))
    });
}

#[test]
fn aes_cbc() {
    run("aes_cbc_pkcs5_test.json", &|group, case| {
        let cipher = match group["keySize"].as_u64().unwrap() {
            128 => ContentCipher::Aes128Cbc,
            192 => ContentCipher::Aes192Cbc,
            _ => ContentCipher::Aes256Cbc,
        };
        let (key, iv) = (bytes(&case["key"]), bytes(&case["iv"]));
        let (message, ciphertext) = (bytes(&case["msg"]), bytes(&case["ct"]));
        // In pieces of every size up to a few blocks; all must agree.
        let results: Vec<bool> = (1..50)
            .map(|size| {
                let (mut plain, mut sealed) = (Vec::new(), Vec::new());
                let mut decryptor = CbcDecryptor::new(cipher, &key, &iv).unwrap();
                ciphertext.chunks(size).for_each(|chunk| decryptor.update(chunk, &mut plain));
                let opened = decryptor.finish(&mut plain).is_ok() && plain == message;
                let mut encryptor = CbcEncryptor::new(cipher, &key, &iv).unwrap();
                message.chunks(size).for_each(|chunk| encryptor.update(chunk, &mut sealed));
                encryptor.finish(&mut sealed);
                assert_eq!(opened, sealed == ciphertext);
                opened
            })
            .collect();
        assert!(results.iter().all(|result| *result == results[0]));
        results[0].into()
    });
}

#[test]
fn aes_gcm() {
    run("aes_gcm_test.json", &|group, case| {
        let cipher = match group["keySize"].as_u64().unwrap() {
            128 => ContentCipher::Aes128Gcm,
            192 => ContentCipher::Aes192Gcm,
            _ => ContentCipher::Aes256Gcm,
        };
        let (key, nonce, aad) = (bytes(&case["key"]), bytes(&case["iv"]), bytes(&case["aad"]));
        let (message, ciphertext, tag) = (bytes(&case["msg"]), bytes(&case["ct"]), bytes(&case["tag"]));
        if nonce.len() != 12 {
            let accepted = GcmOpener::new(cipher, &key, &nonce, &aad).is_ok();
            return excepted("a nonce of another length than 12 (SEC-66)", accepted);
        }
        let results: Vec<bool> = (1..50)
            .map(|size| {
                let (mut plain, mut sealed) = (Vec::new(), Vec::new());
                let mut opener = GcmOpener::new(cipher, &key, &nonce, &aad).unwrap();
                ciphertext.chunks(size).for_each(|chunk| opener.update(chunk, &mut plain));
                let opened = opener.finish(&tag).is_ok() && plain == message;
                let mut encryptor = GcmEncryptor::new(cipher, &key, &nonce, &aad).unwrap();
                message.chunks(size).for_each(|chunk| encryptor.update(chunk, &mut sealed));
                assert_eq!(opened, encryptor.finish(16).unwrap() == tag && sealed == ciphertext);
                opened
            })
            .collect();
        assert!(results.iter().all(|result| *result == results[0]));
        results[0].into()
    });
}

#[test]
fn aes_key_wrap() {
    run("aes_wrap_test.json", &|group, case| {
        let algorithm = match group["keySize"].as_u64().unwrap() {
            128 => KeyWrap::Aes128,
            192 => KeyWrap::Aes192,
            _ => KeyWrap::Aes256,
        };
        let (kek, message) = (Secret::new(bytes(&case["key"])), bytes(&case["msg"]));
        let unwrapped = wrap::unwrap(algorithm, &kek, &bytes(&case["ct"]));
        let accepted = unwrapped.is_ok_and(|key| key.expose() == message);
        if accepted {
            let again = wrap::wrap(algorithm, &mut SystemRandom, &kek, &Secret::new(message)).unwrap();
            assert_eq!(again, bytes(&case["ct"]));
        }
        accepted.into()
    });
}

#[test]
fn hkdf_sha256() {
    run("hkdf_sha256_test.json", &|_, case| {
        let size = case["size"].as_u64().unwrap() as usize;
        let secret = Secret::new(bytes(&case["ikm"]));
        let out = hkdf(DigestAlgorithm::Sha256, &bytes(&case["salt"]), &secret, &bytes(&case["info"]), size);
        (out.len() == size && out.expose() == bytes(&case["okm"])).into()
    });
}
