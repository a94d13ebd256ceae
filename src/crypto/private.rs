//! Private keys held in memory: read, written, made, and used. Nothing here prints one.

use super::algorithm::{AlgorithmIdentifier, Curve, SignatureScheme};
use super::digest::{hash, with_digest};
use super::random::{Random, Rng, SystemRandom};
use super::signature::{KeyKind, Material, PublicKey, RsaUsage, pkcs1_padding, spki, unsupported_pss};
use super::{Error, Result, rsa_key};
use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::base::secret::Secret;
use p256::elliptic_curve::Generate;
use rsa::BoxedUint;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use signature::hazmat::RandomizedPrehashSigner;
use std::fmt;
use zeroize::Zeroizing;

/// A private key.
#[derive(Clone)]
pub struct PrivateKey {
    pub(crate) material: PrivateMaterial,
}

#[derive(Clone)]
pub(crate) enum PrivateMaterial {
    Rsa { key: Box<rsa::PrivateKey>, usage: Usage },
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(Box<p521::SecretKey>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
    X25519(x25519_dalek::StaticSecret),
}

/// The algorithm that stood beside an RSA key, kept since it is part of its public key.
#[derive(Clone)]
pub(crate) struct Usage {
    pub(crate) algorithm: AlgorithmIdentifier,
    pub(crate) usage: RsaUsage,
}

impl Usage {
    fn any() -> Self {
        Self { algorithm: AlgorithmIdentifier::with_null(oid::RSA_ENCRYPTION), usage: RsaUsage::Any }
    }
}

impl PrivateKey {
    /// Reads an unencrypted PKCS#8 key (`OneAsymmetricKey`, RFC 5958; DER or BER).
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`] by name; [`Error::BadKey`] where its parts contradict each other (SEC-127);
    /// [`Error::KeySize`]; [`Error::Asn1`].
    pub fn from_pkcs8(encoding: &Secret) -> Result<Self> {
        const WHAT: &str = "PrivateKeyInfo";
        let mut inside = Reader::single(encoding.expose(), WHAT)?.sequence(WHAT)?;
        let version = inside.required_any("version")?;
        if version.small("version")? > 1 {
            return Err(bad("the private key", "its version is unknown"));
        }
        let id = AlgorithmIdentifier::read(&inside.required_any("privateKeyAlgorithm")?)?;
        let octets = inside.required_any("privateKey")?.octets("privateKey")?;
        let bytes = Zeroizing::new(octets.into_owned());
        inside.optional(Tag::context(0), "attributes")?;
        let public = inside.optional(Tag::context(1), "publicKey")?;
        inside.finish(WHAT)?;
        let key = match id.oid {
            oid::RSA_ENCRYPTION | oid::RSASSA_PSS => {
                let usage = match id.oid {
                    oid::RSA_ENCRYPTION => Usage::any(),
                    _ if id.has_no_parameters() => Usage { algorithm: id, usage: RsaUsage::Pss(None) },
                    _ => {
                        let scheme = SignatureScheme::from_identifier(&id, None)?;
                        Usage { algorithm: id, usage: RsaUsage::Pss(Some(scheme)) }
                    }
                };
                Self { material: PrivateMaterial::Rsa { key: Box::new(read_rsa(&bytes)?), usage } }
            }
            oid::EC_PUBLIC_KEY => read_ec(&bytes, Some(Curve::from_identifier(&id)?))?,
            oid::ED25519 | oid::X25519 => {
                // RFC 8410 section 7: CurvePrivateKey ::= OCTET STRING, within the OCTET STRING.
                let seed =
                    Zeroizing::new(Reader::single(&bytes, "CurvePrivateKey")?.octets("CurvePrivateKey")?.into_owned());
                let kind = if id.oid == oid::ED25519 { KeyKind::Ed25519 } else { KeyKind::X25519 };
                Self::from_scalar(kind, &seed)?
            }
            _ => return Err(Error::UnsupportedAlgorithm { what: "private key", oid: id.name() }),
        };
        if let Some(public) = public {
            key.check_public(&implicit_bits(&public)?)?;
        }
        Ok(key)
    }

    /// Reads `RSAPrivateKey` (RFC 8017 section A.1.2), as in "BEGIN RSA PRIVATE KEY".
    ///
    /// # Errors
    /// As [`from_pkcs8`](Self::from_pkcs8).
    pub fn from_pkcs1(encoding: &Secret) -> Result<Self> {
        let key = Box::new(read_rsa(encoding.expose())?);
        Ok(Self { material: PrivateMaterial::Rsa { key, usage: Usage::any() } })
    }

    /// Reads `ECPrivateKey` (RFC 5915) with its curve inside, as in "BEGIN EC PRIVATE KEY".
    ///
    /// # Errors
    /// As [`from_pkcs8`](Self::from_pkcs8); [`Error::BadKey`] where the curve is not there.
    pub fn from_sec1(encoding: &Secret) -> Result<Self> {
        read_ec(encoding.expose(), None)
    }

    /// A scalar or seed, big-endian for the NIST curves; leading zeros may be missing or superfluous there.
    fn from_scalar(kind: KeyKind, bytes: &[u8]) -> Result<Self> {
        let what = "the private key";
        let seed = || {
            <[u8; 32]>::try_from(bytes).map(Zeroizing::new).map_err(|_| Error::Length {
                what,
                expected: "32".into(),
                found: bytes.len(),
            })
        };
        let scalar = |curve: Curve| {
            let (size, digits) = (curve.field_length(), rsa_key::trim(bytes));
            let mut padded = Zeroizing::new(vec![0; size.saturating_sub(digits.len())]);
            padded.extend_from_slice(digits);
            if padded.len() == size {
                Ok(padded)
            } else {
                Err(bad(what, "its scalar is longer than its curve's order"))
            }
        };
        let range = |_| bad(what, "its scalar is zero or not below its curve's order");
        let material = match kind {
            KeyKind::P256 => PrivateMaterial::P256(p256::SecretKey::from_slice(&scalar(Curve::P256)?).map_err(range)?),
            KeyKind::P384 => PrivateMaterial::P384(p384::SecretKey::from_slice(&scalar(Curve::P384)?).map_err(range)?),
            KeyKind::P521 => {
                PrivateMaterial::P521(Box::new(p521::SecretKey::from_slice(&scalar(Curve::P521)?).map_err(range)?))
            }
            KeyKind::Ed25519 => PrivateMaterial::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&*seed()?))),
            KeyKind::X25519 => PrivateMaterial::X25519(x25519_dalek::StaticSecret::from(*seed()?)),
            KeyKind::Rsa => return Err(bad(what, "an RSA key is not one scalar")),
        };
        Ok(Self { material })
    }

    /// A new key; `rsa_bits` counts only for RSA and must be a multiple of 8 from 2048 to 8192.
    ///
    /// # Errors
    /// [`Error::KeySize`], [`Error::Rng`].
    pub fn generate(kind: KeyKind, rsa_bits: usize) -> Result<Self> {
        Self::generate_with(&mut SystemRandom, kind, rsa_bits)
    }

    /// [`generate`](Self::generate) with another source of randomness.
    ///
    /// # Errors
    /// As it.
    pub fn generate_with(random: &mut dyn Random, kind: KeyKind, rsa_bits: usize) -> Result<Self> {
        let mut rng = Rng(random);
        let material = match kind {
            KeyKind::Rsa => {
                if !(2048..=8192).contains(&rsa_bits) || !rsa_bits.is_multiple_of(8) {
                    return Err(Error::KeySize { what: "a new RSA key", bits: rsa_bits, min: 2048, max: 8192 });
                }
                let key = rsa::PrivateKey::new(&mut rng, rsa_bits).map_err(rsa_failure)?;
                PrivateMaterial::Rsa { key: Box::new(key), usage: Usage::any() }
            }
            KeyKind::P256 => PrivateMaterial::P256(p256::SecretKey::try_generate_from_rng(&mut rng)?),
            KeyKind::P384 => PrivateMaterial::P384(p384::SecretKey::try_generate_from_rng(&mut rng)?),
            KeyKind::P521 => PrivateMaterial::P521(Box::new(p521::SecretKey::try_generate_from_rng(&mut rng)?)),
            KeyKind::Ed25519 | KeyKind::X25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                rng.0.fill(&mut *seed)?;
                return Self::from_scalar(kind, &*seed);
            }
        };
        Ok(Self { material })
    }

    /// Writes PKCS#8 version 1 in DER, unencrypted.
    ///
    /// # Errors
    /// [`Error::BadKey`] for an RSA key of more than two primes.
    pub fn to_pkcs8(&self) -> Result<Secret> {
        let (algorithm, key) = match &self.material {
            PrivateMaterial::Rsa { key, usage } => (usage.algorithm.clone(), write_rsa(key)?),
            PrivateMaterial::Ed25519(key) => {
                (AlgorithmIdentifier::new(oid::ED25519), seal(Tag::OCTET_STRING, &[key.as_bytes()]))
            }
            PrivateMaterial::X25519(key) => {
                (AlgorithmIdentifier::new(oid::X25519), seal(Tag::OCTET_STRING, &[key.as_bytes()]))
            }
            PrivateMaterial::P256(key) => (Curve::P256.identifier(), self.write_ec(&Zeroizing::new(key.to_bytes()))),
            PrivateMaterial::P384(key) => (Curve::P384.identifier(), self.write_ec(&Zeroizing::new(key.to_bytes()))),
            PrivateMaterial::P521(key) => (Curve::P521.identifier(), self.write_ec(&Zeroizing::new(key.to_bytes()))),
        };
        let octets = seal(Tag::OCTET_STRING, &[&key]);
        let info = seal(Tag::SEQUENCE, &[&der::integer(0), &algorithm.to_der(), &octets]);
        Ok(Secret::new(info.to_vec()))
    }

    /// `ECPrivateKey` without the curve, which stands in the algorithm, and with the point.
    fn write_ec(&self, scalar: &[u8]) -> Zeroizing<Vec<u8>> {
        let public = der::explicit(1, &der::bits(&self.public_bytes()));
        let scalar = seal(Tag::OCTET_STRING, &[scalar]);
        seal(Tag::SEQUENCE, &[&der::integer(1), &scalar, &public])
    }

    /// What stands in the public key's BIT STRING.
    fn public_bytes(&self) -> Vec<u8> {
        match &self.material {
            PrivateMaterial::Rsa { key, .. } => rsa_key::write(key.as_public_key()),
            PrivateMaterial::P256(key) => key.public_key().to_sec1_bytes().into_vec(),
            PrivateMaterial::P384(key) => key.public_key().to_sec1_bytes().into_vec(),
            PrivateMaterial::P521(key) => key.public_key().to_sec1_bytes().into_vec(),
            PrivateMaterial::Ed25519(key) => key.verifying_key().as_bytes().to_vec(),
            PrivateMaterial::X25519(key) => x25519_dalek::PublicKey::from(key).as_bytes().to_vec(),
        }
    }

    /// The SubjectPublicKeyInfo of the public half, in DER.
    pub fn public_key_spki(&self) -> Vec<u8> {
        let algorithm = match &self.material {
            PrivateMaterial::Rsa { usage, .. } => usage.algorithm.clone(),
            PrivateMaterial::Ed25519(_) => AlgorithmIdentifier::new(oid::ED25519),
            PrivateMaterial::P256(_) => Curve::P256.identifier(),
            PrivateMaterial::P384(_) => Curve::P384.identifier(),
            PrivateMaterial::P521(_) => Curve::P521.identifier(),
            PrivateMaterial::X25519(_) => Curve::X25519.identifier(),
        };
        spki(&algorithm, &self.public_bytes())
    }

    /// The public half.
    ///
    /// # Errors
    /// [`Error::KeySize`] where it is outside the limits.
    pub fn public_key(&self, limits: &Limits) -> Result<PublicKey> {
        PublicKey::from_spki(&self.public_key_spki(), limits)
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        match &self.material {
            PrivateMaterial::Rsa { .. } => KeyKind::Rsa,
            PrivateMaterial::P256(_) => KeyKind::P256,
            PrivateMaterial::P384(_) => KeyKind::P384,
            PrivateMaterial::P521(_) => KeyKind::P521,
            PrivateMaterial::Ed25519(_) => KeyKind::Ed25519,
            PrivateMaterial::X25519(_) => KeyKind::X25519,
        }
    }

    /// "RSA-2048", "P-256", "Ed25519".
    pub fn describe(&self) -> String {
        match &self.material {
            PrivateMaterial::Rsa { key, .. } => format!("RSA-{}", rsa_key::bits(key.as_ref())),
            _ => self.kind().name().into(),
        }
    }

    /// The schemes that this key signs with, the preferred one first.
    pub fn schemes(&self) -> Vec<SignatureScheme> {
        use super::algorithm::DigestAlgorithm::{Sha256, Sha384, Sha512};
        match &self.material {
            PrivateMaterial::Rsa { usage: Usage { usage: RsaUsage::Pss(Some(scheme)), .. }, .. } => vec![*scheme],
            PrivateMaterial::Rsa { usage, .. } => {
                let pkcs1 = [Sha256, Sha384, Sha512].map(SignatureScheme::RsaPkcs1);
                let pss = [Sha256, Sha384, Sha512].map(SignatureScheme::pss);
                pkcs1.into_iter().chain(pss).filter(|scheme| usage.usage.allows(scheme)).collect()
            }
            PrivateMaterial::P256(_) => [Sha256, Sha384, Sha512].map(SignatureScheme::Ecdsa).to_vec(),
            PrivateMaterial::P384(_) => [Sha384, Sha512, Sha256].map(SignatureScheme::Ecdsa).to_vec(),
            PrivateMaterial::P521(_) => [Sha512, Sha384, Sha256].map(SignatureScheme::Ecdsa).to_vec(),
            PrivateMaterial::Ed25519(_) => vec![SignatureScheme::Ed25519],
            PrivateMaterial::X25519(_) => Vec::new(),
        }
    }

    /// Signs a message. RSA is blinded and checked against faults; ECDSA draws its nonce from key, digest and
    /// randomness together (RFC 6979 section 3.6) and gives DER.
    ///
    /// # Errors
    /// [`Error::WrongKey`], [`Error::UnsupportedAlgorithm`], [`Error::Rng`].
    pub fn sign(&self, scheme: &SignatureScheme, message: &[u8]) -> Result<Vec<u8>> {
        self.sign_with(&mut SystemRandom, scheme, message)
    }

    /// [`sign`](Self::sign) with another source of randomness.
    ///
    /// # Errors
    /// As it.
    pub fn sign_with(&self, random: &mut dyn Random, scheme: &SignatureScheme, message: &[u8]) -> Result<Vec<u8>> {
        let mut rng = Rng(random);
        // The only thing that can fail within the curves' signing is the source of randomness.
        let failed = |_| Error::Rng("the nonce of the signature could not be drawn".into());
        let digest = hash(scheme.digest(), message);
        match (&self.material, scheme) {
            (PrivateMaterial::Rsa { usage, .. }, _) if !usage.usage.allows(scheme) => {
                Err(self.wrong_for(&scheme.name()))
            }
            (PrivateMaterial::Rsa { key, .. }, SignatureScheme::RsaPkcs1(algorithm)) => {
                let padding = pkcs1_padding(&algorithm.identifier_with_null(), digest.len());
                key.sign_with_rng(&mut rng, padding, &digest).map_err(rsa_failure)
            }
            (PrivateMaterial::Rsa { key, .. }, SignatureScheme::RsaPss { hash, mgf_hash, salt_length }) => {
                if hash != mgf_hash {
                    return Err(unsupported_pss(scheme));
                }
                let salt = *salt_length as usize;
                with_digest!(*hash, D => key.sign_with_rng(&mut rng, rsa::Pss::<D>::new_with_salt(salt), &digest))
                    .map_err(rsa_failure)
            }
            (PrivateMaterial::P256(key), SignatureScheme::Ecdsa(_)) => {
                let signature: p256::ecdsa::DerSignature =
                    p256::ecdsa::SigningKey::from(key).sign_prehash_with_rng(&mut rng, &digest).map_err(failed)?;
                Ok(signature.as_bytes().to_vec())
            }
            (PrivateMaterial::P384(key), SignatureScheme::Ecdsa(_)) => {
                let signature: p384::ecdsa::DerSignature =
                    p384::ecdsa::SigningKey::from(key).sign_prehash_with_rng(&mut rng, &digest).map_err(failed)?;
                Ok(signature.as_bytes().to_vec())
            }
            (PrivateMaterial::P521(key), SignatureScheme::Ecdsa(_)) => {
                let signature: p521::ecdsa::DerSignature = p521::ecdsa::SigningKey::from(key.as_ref())
                    .sign_prehash_with_rng(&mut rng, &digest)
                    .map_err(failed)?;
                Ok(signature.as_bytes().to_vec())
            }
            (PrivateMaterial::Ed25519(key), SignatureScheme::Ed25519) => {
                Ok(signature::Signer::sign(key.as_ref(), message).to_bytes().to_vec())
            }
            _ => Err(self.wrong_for(&scheme.name())),
        }
    }

    /// The raw shared secret with somebody's point (uncompressed or compressed, or the 32 bytes of X25519): the
    /// x-coordinate, at the field's full length (RFC 5753 section 7.1, RFC 8418 section 2).
    ///
    /// # Errors
    /// [`Error::BadKey`] where the point is not on this key's curve (SEC-74), or the secret is zero (SEC-75);
    /// [`Error::WrongKey`] where this key does not agree.
    pub fn agree(&self, peer: &[u8]) -> Result<Secret> {
        let Some(curve) = self.kind().curve() else { return Err(self.wrong_for("key agreement")) };
        let peer = Material::from_point(curve, peer)?;
        match (&self.material, peer) {
            (PrivateMaterial::P256(key), Material::P256(peer)) => {
                Ok(Secret::from(key.diffie_hellman(&peer).raw_secret_bytes().as_slice()))
            }
            (PrivateMaterial::P384(key), Material::P384(peer)) => {
                Ok(Secret::from(key.diffie_hellman(&peer).raw_secret_bytes().as_slice()))
            }
            (PrivateMaterial::P521(key), Material::P521(peer)) => {
                Ok(Secret::from(key.diffie_hellman(&peer).raw_secret_bytes().as_slice()))
            }
            (PrivateMaterial::X25519(key), Material::X25519(peer)) => {
                let shared = key.diffie_hellman(&x25519_dalek::PublicKey::from(peer));
                if !shared.was_contributory() {
                    return Err(bad("the other party's key", "what is agreed with it is zero"));
                }
                Ok(Secret::from(shared.as_bytes().as_slice()))
            }
            _ => Err(self.wrong_for("key agreement")),
        }
    }

    pub(crate) fn wrong_for(&self, needs: &str) -> Error {
        Error::WrongKey { needs: needs.into(), found: self.describe() }
    }

    fn check_public(&self, bytes: &[u8]) -> Result<()> {
        let matches = match self.kind().curve() {
            Some(curve) => PublicKey::from_point(curve, bytes)?.key_agreement_bytes()? == self.public_bytes(),
            None => bytes == self.public_bytes(),
        };
        if matches { Ok(()) } else { Err(bad("the private key", "the public key inside is another one's")) }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.describe())
    }
}

/// ```text
/// RSAPrivateKey ::= SEQUENCE { version INTEGER, modulus, publicExponent, privateExponent, prime1, prime2, exponent1,
///     exponent2, coefficient INTEGER }
/// ```
/// Every part is checked against the others, those too that the arithmetic would not need (SEC-127).
fn read_rsa(bytes: &[u8]) -> Result<rsa::PrivateKey> {
    const WHAT: &str = "RSAPrivateKey";
    let mut inside = Reader::single(bytes, WHAT)?.sequence(WHAT)?;
    if inside.required_any("version")?.small("version")? != 0 {
        return Err(bad(RSA, "it has more than two primes"));
    }
    let mut next = |what| inside.required_any(what)?.unsigned(what);
    let (n, e, d) = (next("modulus")?, next("publicExponent")?, next("privateExponent")?);
    let (p, q) = (next("prime1")?, next("prime2")?);
    let (dp, dq, coefficient) = (next("exponent1")?, next("exponent2")?, next("coefficient")?);
    inside.finish(WHAT)?;

    rsa_key::public(n, e, &Limits::default())?;
    let bits = u32::try_from(rsa_key::bit_length(n)).unwrap_or(u32::MAX).next_multiple_of(64);
    let number = |bytes: &[u8], bits| BoxedUint::from_be_slice(bytes, bits).map_err(|_| bad(RSA, "a part is too long"));
    let primes = vec![number(p, bits)?, number(q, bits)?];
    let key = rsa::PrivateKey::from_components(number(n, bits)?, number(e, 64)?, number(d, bits)?, primes)
        .map_err(|error| bad(RSA, error.to_string()))?;

    let same = |computed: Option<&BoxedUint>, read: &[u8]| {
        computed.is_some_and(|number| rsa_key::trim(&Zeroizing::new(number.to_be_bytes())) == rsa_key::trim(read))
    };
    let computed = key.crt_coefficient();
    if !same(key.dp(), dp) || !same(key.dq(), dq) || !same(computed.as_ref(), coefficient) {
        return Err(bad(RSA, "its exponents or its coefficient for the Chinese remainder do not fit its primes"));
    }
    Ok(key)
}

fn write_rsa(key: &rsa::PrivateKey) -> Result<Zeroizing<Vec<u8>>> {
    let incomplete = || bad(RSA, "it has not two primes");
    let [p, q] = key.primes() else { return Err(incomplete()) };
    let coefficient = key.crt_coefficient().ok_or_else(incomplete)?;
    let (dp, dq) = (key.dp().ok_or_else(incomplete)?, key.dq().ok_or_else(incomplete)?);
    let number = |number: &BoxedUint| {
        let bytes = Zeroizing::new(number.to_be_bytes());
        let digits = rsa_key::trim(&bytes);
        let sign: &[u8] = if digits.first().is_none_or(|b| *b & 128 != 0) { &[0] } else { &[] };
        seal(Tag::INTEGER, &[sign, digits])
    };
    let parts: Vec<Zeroizing<Vec<u8>>> =
        [key.n().as_ref(), key.e(), key.d(), p.as_ref(), q.as_ref(), dp, dq, &coefficient]
            .into_iter()
            .map(number)
            .collect();
    let version = der::integer(0);
    let parts: Vec<&[u8]> = std::iter::once(version.as_slice()).chain(parts.iter().map(|p| p.as_slice())).collect();
    Ok(seal(Tag::SEQUENCE, &parts))
}

/// ```text
/// ECPrivateKey ::= SEQUENCE { version INTEGER (1), privateKey OCTET STRING, parameters [0] OPTIONAL,
///     publicKey [1] BIT STRING OPTIONAL }
/// ```
fn read_ec(bytes: &[u8], outside: Option<Curve>) -> Result<PrivateKey> {
    const WHAT: &str = "ECPrivateKey";
    let mut inside = Reader::single(bytes, WHAT)?.sequence(WHAT)?;
    if inside.required_any("version")?.small("version")? != 1 {
        return Err(bad(EC, "its version is not 1"));
    }
    let scalar = Zeroizing::new(inside.required_any("privateKey")?.octets("privateKey")?.into_owned());
    let named = match inside.optional(Tag::context(0), "parameters")? {
        Some(element) => {
            let parameters = element.explicit("parameters")?.raw().to_vec();
            Some(Curve::from_identifier(&AlgorithmIdentifier::with(oid::EC_PUBLIC_KEY, parameters))?)
        }
        None => None,
    };
    let public = inside.optional(Tag::context(1), "publicKey")?;
    inside.finish(WHAT)?;
    let curve = match (outside, named) {
        (Some(outside), Some(named)) if outside != named => {
            return Err(Error::AlgorithmMismatch {
                what: "the curves outside and inside the private key",
                expected: outside.name().into(),
                found: named.name().into(),
            });
        }
        (Some(curve), _) | (None, Some(curve)) => curve,
        (None, None) => return Err(bad(EC, "its curve is not named")),
    };
    let key = PrivateKey::from_scalar(curve.into(), &scalar)?;
    if let Some(public) = public {
        key.check_public(public.explicit("publicKey")?.whole_bits("publicKey")?)?;
    }
    Ok(key)
}

/// `[1] IMPLICIT BIT STRING` of OneAsymmetricKey.
fn implicit_bits(element: &Element<'_>) -> Result<Vec<u8>> {
    match element.content().split_first() {
        Some((0, bytes)) if !element.constructed => Ok(bytes.to_vec()),
        _ => Err(bad("the private key", "the public key inside is malformed")),
    }
}

/// One DER element over parts, made in a buffer that never moves and is overwritten afterwards.
fn seal(tag: Tag, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let header = der::header(tag, tag == Tag::SEQUENCE, length as u64);
    let mut out = Zeroizing::new(Vec::with_capacity(header.len() + length));
    out.extend_from_slice(&header);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// Errors of the RSA arithmetic other than in decryption: none of them depends on a secret.
pub(crate) fn rsa_failure(error: rsa::Error) -> Error {
    match error {
        rsa::Error::Rng => Error::Rng("the RSA operation got none".into()),
        error => Error::BadKey { what: RSA, why: error.to_string() },
    }
}

fn bad(what: &'static str, why: impl Into<String>) -> Error {
    Error::BadKey { what, why: why.into() }
}

const RSA: &str = "the RSA private key";
const EC: &str = "the elliptic curve private key";
