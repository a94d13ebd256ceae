//! The floor: the sum of the best primitives at hand on as many bytes, without ASN.1, MIME or judgement. No whole message can
//! take less.

use crate::people::Person;
use smime::Limits;
use smime::crypto::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, SignatureScheme};
use smime::crypto::content::{CbcDecryptor, CbcEncryptor, GcmEncryptor, GcmOpener};
use smime::crypto::digest::hash;
use smime::crypto::signature::{KeyKind, PublicKey};
use std::hint::black_box;

/// About what signed attributes are.
const ATTRIBUTES: [u8; 200] = [7; 200];

pub fn scheme(kind: KeyKind) -> SignatureScheme {
    match kind {
        KeyKind::P256 => SignatureScheme::Ecdsa(DigestAlgorithm::Sha256),
        _ => SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256),
    }
}

pub fn sign(person: &Person, content: &[u8], opaque: bool) {
    black_box(hash(DigestAlgorithm::Sha256, content));
    black_box(person.key.sign(&scheme(person.key.kind()), &ATTRIBUTES).unwrap());
    if opaque {
        black_box(text(content));
    }
}

/// A key, a message and its signature.
pub struct Verification {
    spki: Vec<u8>,
    key: PublicKey,
    scheme: SignatureScheme,
    signature: Vec<u8>,
}

impl Verification {
    pub fn new(person: &Person) -> Self {
        let (scheme, spki) = (scheme(person.key.kind()), person.key.public_key_spki());
        let key = PublicKey::from_spki(&spki, &Limits::default()).unwrap();
        Self { signature: person.key.sign(&scheme, &ATTRIBUTES).unwrap(), spki, key, scheme }
    }

    /// With a key that was read before.
    pub fn known(&self) {
        self.key.verify(&self.scheme, &ATTRIBUTES, &self.signature).unwrap();
    }

    /// With a key that came with the message.
    pub fn read(&self) {
        let key = PublicKey::from_spki(black_box(&self.spki), &Limits::default()).unwrap();
        key.verify(&self.scheme, &ATTRIBUTES, &self.signature).unwrap();
    }
}

pub fn digest(content: &[u8]) {
    black_box(hash(DigestAlgorithm::Sha256, content));
}

/// base64 in lines of 76 characters.
pub fn text(content: &[u8]) -> String {
    encodify::base64::MIME.encode(content)
}

pub fn untext(text: &str) {
    black_box(encodify::base64::MIME.decode(text).unwrap());
}

pub fn encrypt(key: &PublicKey, recipients: usize, cipher: ContentCipher, content: &[u8]) {
    for _ in 0..recipients {
        black_box(key.encrypt(&KeyTransport::RsaPkcs1, &[7; 32]).unwrap());
    }
    let mut out = Vec::with_capacity(content.len() + 32);
    match cipher {
        ContentCipher::Aes256Gcm => {
            let mut gcm = GcmEncryptor::new(cipher, &[7; 32], &[7; 12], &[]).unwrap();
            for block in content.chunks(16 << 10) {
                gcm.update(block, &mut out);
            }
            out.extend(gcm.finish(16).unwrap());
        }
        _ => {
            let mut cbc = CbcEncryptor::new(cipher, &[7; 32], &[7; 16]).unwrap();
            for block in content.chunks(16 << 10) {
                cbc.update(block, &mut out);
            }
            cbc.finish(&mut out);
        }
    }
    black_box(text(&out));
}

pub fn decrypt(person: &Person, wrapped: &[u8], cipher: ContentCipher, sealed: &str, content: &[u8]) {
    black_box(person.key.decrypt(&KeyTransport::RsaPkcs1, wrapped, 32).unwrap());
    untext(sealed);
    let mut out = Vec::with_capacity(content.len() + 32);
    match cipher {
        ContentCipher::Aes256Gcm => {
            let mut gcm = GcmOpener::new(cipher, &[7; 32], &[7; 12], &[]).unwrap();
            for block in content.chunks(16 << 10) {
                gcm.authenticate(block);
                gcm.update(block, &mut out);
            }
        }
        _ => {
            let mut cbc = CbcDecryptor::new(cipher, &[7; 32], &[7; 16]).unwrap();
            for block in content.chunks(16 << 10) {
                cbc.update(block, &mut out);
            }
        }
    }
    black_box(out);
}
