//! The accelerated side: graviola. It panics on a processor that lacks an instruction, so that everything here asks first,
//! and a prepared key is the proof that it was asked.

use super::super::algorithm::DigestAlgorithm;
use super::Accelerated;
use crate::base::secret::Secret;
use ecdsa::elliptic_curve::FieldBytes;
use graviola::hashing::{Sha256, Sha384, Sha512};
use graviola::key_agreement::{p256 as kex256, p384 as kex384, x25519 as kex25519};
use graviola::signing::ecdsa::{P256, P384, VerifyingKey};
use graviola::signing::eddsa::Ed25519SigningKey;
use std::sync::{Arc, OnceLock};

/// Whether this processor has what is needed.
pub(super) fn supported() -> bool {
    static SUPPORTED: OnceLock<bool> = OnceLock::new();
    *SUPPORTED.get_or_init(graviola::util::is_cpu_supported)
}

macro_rules! accelerate {
    ($curve:ty, $theirs:ty, $kex:ident) => {
        impl Accelerated for $curve {
            type Prepared = Arc<VerifyingKey<$theirs>>;

            fn prepare(point: &[u8]) -> Option<Self::Prepared> {
                if !supported() {
                    return None;
                }
                VerifyingKey::from_x962_uncompressed(point).ok().map(Arc::new)
            }

            fn multiply_generator(scalar: &FieldBytes<Self>) -> Option<Vec<u8>> {
                if !supported() {
                    return None;
                }
                let key = $kex::StaticPrivateKey::from_bytes(scalar).ok()?;
                Some(key.public_key_uncompressed().to_vec())
            }

            fn multiply(scalar: &FieldBytes<Self>, point: &Self::Prepared) -> Option<Secret> {
                let key = $kex::StaticPrivateKey::from_bytes(scalar).ok()?;
                let shared = key.diffie_hellman(&point.public_key).ok()?;
                Some(Secret::from(shared.0.as_slice()))
            }

            fn verifies(point: &Self::Prepared, digest: DigestAlgorithm, message: &[u8], r_s: &[u8]) -> Option<bool> {
                let result = match digest {
                    DigestAlgorithm::Sha256 => point.verify::<Sha256>(&[message], r_s),
                    DigestAlgorithm::Sha384 => point.verify::<Sha384>(&[message], r_s),
                    DigestAlgorithm::Sha512 => point.verify::<Sha512>(&[message], r_s),
                    _ => return None,
                };
                Some(result.is_ok())
            }
        }
    };
}

accelerate!(p256::NistP256, P256, kex256);
accelerate!(p384::NistP384, P384, kex384);

impl Accelerated for p521::NistP521 {
    type Prepared = std::convert::Infallible;
}

pub(super) fn x25519_public(scalar: &[u8; 32]) -> Option<[u8; 32]> {
    supported().then(|| kex25519::StaticPrivateKey::from_array(scalar).public_key().as_bytes())
}

/// The inner one is `None` where what is agreed is zero.
pub(super) fn x25519(scalar: &[u8; 32], peer: &[u8; 32]) -> Option<Option<Secret>> {
    if !supported() {
        return None;
    }
    let shared = kex25519::StaticPrivateKey::from_array(scalar).diffie_hellman(&kex25519::PublicKey::from_array(peer));
    Some(shared.ok().map(|shared| Secret::from(shared.0.as_slice())))
}

/// A key of Ed25519 whose seed was expanded.
#[derive(Clone)]
pub(super) struct Ed25519Prepared(Arc<Ed25519SigningKey>);

impl Ed25519Prepared {
    pub(super) fn new(seed: &[u8; 32]) -> Option<Self> {
        if !supported() {
            return None;
        }
        Ed25519SigningKey::from_bytes(seed).ok().map(|key| Self(Arc::new(key)))
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message)
    }
}
