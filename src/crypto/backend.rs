//! The seam between the portable arithmetic of the curves and an accelerated one. Everything else asks here, and gets the
//! same answers whichever side gave them.
//!
//! The portable side is always there. It decides what is a key, a point, a scalar and a well-formed signature. The
//! accelerated side (feature `fast`: graviola, on x86-64 and AArch64) multiplies points of P-256 and P-384, agrees with
//! X25519 and signs with Ed25519, where this processor has the instructions for it, which is asked at run time. Where it
//! gives no answer, the portable side goes on.
//!
//! Randomness is the caller's on both sides: the nonce of a signature is drawn here, from the key, the digest and that
//! randomness (RFC 6979 section 3.6), so that both sides make the same signature from the same bytes.
//!
//! Ed25519 signatures are verified on the portable side only: the accelerated one does not refuse points of small order
//! (SEC-36), and is hardly faster.

#[cfg(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod accelerated;
#[cfg(not(all(feature = "fast", any(target_arch = "x86_64", target_arch = "aarch64"))))]
#[path = "backend/absent.rs"]
mod accelerated;

#[cfg(test)]
mod tests;

use super::algorithm::DigestAlgorithm;
use super::digest::hash;
use super::random::{Random, Rng};
use super::{Error, Result};
use crate::asn1::der;
use crate::base::secret::Secret;
use accelerated::Ed25519Prepared;
use ecdsa::elliptic_curve::bigint::{BitOps, Encoding};
use ecdsa::elliptic_curve::ops::{Invert, Reduce};
use ecdsa::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use ecdsa::elliptic_curve::{
    Curve, CurveArithmetic, FieldBytes, Generate, NonZeroScalar, PublicKey, Scalar, SecretKey,
};
use ecdsa::hazmat::{sign_prehashed_rfc6979, verify_prehashed};
use ecdsa::{EcdsaCurve, Signature};
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// A NIST curve: P-256, P-384, P-521.
pub(crate) trait Nist:
    Curve<FieldBytesSize: ModulusSize>
    + CurveArithmetic<AffinePoint: FromSec1Point<Self> + ToSec1Point<Self>>
    + EcdsaCurve
    + ecdsa::DigestAlgorithm
    + Accelerated
{
    /// `ECDSA-Sig-Value` in DER and nothing else, both numbers from 1 to below the order.
    fn read_signature(der: &[u8]) -> Option<Signature<Self>>;
}

macro_rules! nist {
    ($($curve:ty),*) => {$(
        impl Nist for $curve {
            fn read_signature(der: &[u8]) -> Option<Signature<Self>> {
                ecdsa::der::Signature::from_bytes(der).ok()?.try_into().ok()
            }
        }
    )*};
}

nist!(p256::NistP256, p384::NistP384, p521::NistP521);

/// What the accelerated side does on a curve. `None` where it does not, or not on this processor.
pub(crate) trait Accelerated: Curve {
    /// A point, with what is computed once for many multiplications of it.
    type Prepared: Clone + Send + Sync;

    /// An uncompressed point.
    fn prepare(_point: &[u8]) -> Option<Self::Prepared> {
        None
    }

    /// The multiple of the generator by a secret scalar, uncompressed.
    fn multiply_generator(_scalar: &FieldBytes<Self>) -> Option<Vec<u8>> {
        None
    }

    /// The x-coordinate of the multiple of a point by a secret scalar.
    fn multiply(_scalar: &FieldBytes<Self>, _point: &Self::Prepared) -> Option<Secret> {
        None
    }

    /// Whether r and s, at their full lengths, are a signature over a message.
    fn verifies(_: &Self::Prepared, _: DigestAlgorithm, _message: &[u8], _r_s: &[u8]) -> Option<bool> {
        None
    }
}

/// A public key on a NIST curve.
#[derive(Clone)]
pub(crate) struct NistPublic<C: Nist> {
    key: PublicKey<C>,
    prepared: OnceLock<Option<C::Prepared>>,
}

impl<C: Nist> NistPublic<C> {
    /// An uncompressed or compressed point; `None` where it is not on the curve.
    pub(crate) fn from_sec1(point: &[u8]) -> Option<Self> {
        let key = PublicKey::from_sec1_bytes(point).ok()?;
        Some(Self { key, prepared: OnceLock::new() })
    }

    /// The uncompressed point.
    pub(crate) fn to_sec1(&self) -> Vec<u8> {
        self.key.to_sec1_point(false).as_bytes().to_vec()
    }

    /// Whether a signature in DER over a message is by this key.
    pub(crate) fn verifies(&self, digest: DigestAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let Some(signature) = C::read_signature(signature) else { return false };
        self.verifies_accelerated(digest, message, &signature)
            .unwrap_or_else(|| self.verifies_portable(&hash(digest, message), &signature))
    }

    /// The same over a digest of any length. It is the portable side's: the accelerated one takes messages only.
    pub(crate) fn verifies_digest(&self, digest: &[u8], signature: &[u8]) -> bool {
        C::read_signature(signature).is_some_and(|signature| self.verifies_portable(digest, &signature))
    }

    fn verifies_accelerated(&self, digest: DigestAlgorithm, message: &[u8], signature: &Signature<C>) -> Option<bool> {
        C::verifies(self.prepared()?, digest, message, &signature.to_bytes())
    }

    fn verifies_portable(&self, digest: &[u8], signature: &Signature<C>) -> bool {
        verify_prehashed(&self.key.to_projective(), digest, signature).is_ok()
    }

    fn prepared(&self) -> Option<&C::Prepared> {
        self.prepared.get_or_init(|| C::prepare(&self.to_sec1())).as_ref()
    }
}

/// A private key on a NIST curve.
#[derive(Clone)]
pub(crate) struct NistPrivate<C: Nist>(SecretKey<C>);

impl<C: Nist> NistPrivate<C> {
    /// A scalar at the full length of the order; `None` where it is zero or not below the order.
    pub(crate) fn from_slice(scalar: &[u8]) -> Option<Self> {
        SecretKey::from_slice(scalar).ok().map(Self)
    }

    /// A new one.
    pub(crate) fn generate(random: &mut dyn Random) -> Result<Self> {
        SecretKey::try_generate_from_rng(&mut Rng(random)).map(Self)
    }

    /// The scalar.
    pub(crate) fn to_bytes(&self) -> Zeroizing<FieldBytes<C>> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The uncompressed point of the public half.
    pub(crate) fn public_sec1(&self) -> Vec<u8> {
        C::multiply_generator(&self.to_bytes()).unwrap_or_else(|| self.public_sec1_portable())
    }

    fn public_sec1_portable(&self) -> Vec<u8> {
        self.0.public_key().to_sec1_point(false).as_bytes().to_vec()
    }

    /// A signature over a digest of any length, in DER.
    pub(crate) fn sign(&self, random: &mut dyn Random, digest: &[u8]) -> Result<Vec<u8>> {
        let mut added = Zeroizing::new(FieldBytes::<C>::default());
        random.fill(&mut added).map_err(|_| Error::Rng("the nonce of the signature could not be drawn".into()))?;
        let signature = self.sign_accelerated(&added, digest).unwrap_or_else(|| self.sign_portable(&added, digest));
        let (r, s) = signature.split_bytes();
        Ok(der::sequence(&[der::unsigned(&r), der::unsigned(&s)]))
    }

    /// The same as on the portable side, but for the multiplication of the generator.
    fn sign_accelerated(&self, added: &[u8], digest: &[u8]) -> Option<Signature<C>> {
        let order: C::Uint = *C::ORDER.as_ref();
        let d = Zeroizing::new(self.0.to_nonzero_scalar());
        let z = reduced::<C>(&leftmost::<C>(digest));
        let mut nonces = rfc6979::KGenerator::<C::Digest, C::Uint>::new(&self.to_bytes(), digest, added, &order);
        loop {
            let mut octets = Zeroizing::new(FieldBytes::<C>::default());
            nonces.fill_next_k(&mut octets);
            let k = Zeroizing::new(NonZeroScalar::<C>::from_repr(*octets).into_option()?);
            let point = C::multiply_generator(&octets)?;
            let r = reduced::<C>(point.get(1..)?.get(..octets.len())?.try_into().ok()?);
            let s = *k.invert() * (z + r * d.as_ref());
            // Where r or s is zero, the next nonce is taken.
            if let Ok(signature) = Signature::from_scalars(r, s) {
                return Some(signature);
            }
        }
    }

    fn sign_portable(&self, added: &[u8], digest: &[u8]) -> Signature<C> {
        sign_prehashed_rfc6979::<C, C::Digest>(&self.0.to_nonzero_scalar(), digest, added).0
    }

    /// The x-coordinate of what is agreed with a peer, at the full length of the field.
    pub(crate) fn agree(&self, peer: &NistPublic<C>) -> Secret {
        self.agree_accelerated(peer).unwrap_or_else(|| self.agree_portable(peer))
    }

    fn agree_accelerated(&self, peer: &NistPublic<C>) -> Option<Secret> {
        C::multiply(&self.to_bytes(), peer.prepared()?)
    }

    fn agree_portable(&self, peer: &NistPublic<C>) -> Secret {
        Secret::from(self.0.diffie_hellman(&peer.key).raw_secret_bytes().as_slice())
    }
}

/// The leftmost bytes of a digest that is longer than the order, or a shorter one after zeros (FIPS 186-5 section 6.4.1;
/// the order of the curves that are accelerated has whole bytes).
fn leftmost<C: Curve>(digest: &[u8]) -> FieldBytes<C> {
    let mut out = FieldBytes::<C>::default();
    let length = digest.len().min(out.len());
    let start = out.len().saturating_sub(length);
    if let (Some(to), Some(from)) = (out.get_mut(start..), digest.get(..length)) {
        to.copy_from_slice(from);
    }
    out
}

fn reduced<C: CurveArithmetic>(bytes: &FieldBytes<C>) -> Scalar<C> {
    Scalar::<C>::reduce(&C::Uint::from_be_slice_truncated(bytes, C::ORDER.as_ref().bit_width()))
}

/// A private key of X25519.
#[derive(Clone)]
pub(crate) struct X25519Private(x25519_dalek::StaticSecret);

impl X25519Private {
    /// Any 32 bytes.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(x25519_dalek::StaticSecret::from(*bytes))
    }

    /// The bytes as they were given.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The public half.
    pub(crate) fn public(&self) -> [u8; 32] {
        accelerated::x25519_public(self.as_bytes()).unwrap_or_else(|| self.public_portable())
    }

    fn public_portable(&self) -> [u8; 32] {
        x25519_dalek::PublicKey::from(&self.0).to_bytes()
    }

    /// What is agreed with a peer; `None` where that is zero (SEC-75).
    pub(crate) fn agree(&self, peer: &[u8; 32]) -> Option<Secret> {
        accelerated::x25519(self.as_bytes(), peer).unwrap_or_else(|| self.agree_portable(peer))
    }

    fn agree_portable(&self, peer: &[u8; 32]) -> Option<Secret> {
        let shared = self.0.diffie_hellman(&x25519_dalek::PublicKey::from(*peer));
        shared.was_contributory().then(|| Secret::from(shared.as_bytes().as_slice()))
    }
}

/// A private key of Ed25519.
#[derive(Clone)]
pub(crate) struct Ed25519Private {
    key: ed25519_dalek::SigningKey,
    prepared: OnceLock<Option<Ed25519Prepared>>,
}

impl Ed25519Private {
    /// From its seed: any 32 bytes.
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        Self { key: ed25519_dalek::SigningKey::from_bytes(seed), prepared: OnceLock::new() }
    }

    /// The seed.
    pub(crate) fn seed(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The public half.
    pub(crate) fn public(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// A signature over a message (RFC 8032 section 5.1.6).
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let prepared = self.prepared.get_or_init(|| Ed25519Prepared::new(self.seed()));
        prepared.as_ref().map_or_else(|| self.sign_portable(message), |key| key.sign(message))
    }

    fn sign_portable(&self, message: &[u8]) -> [u8; 64] {
        signature::Signer::sign(&self.key, message).to_bytes()
    }
}
