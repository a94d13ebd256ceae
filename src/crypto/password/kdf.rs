//! Keys from passwords: PBKDF1, PBKDF2, scrypt, and the derivation of PKCS#12.

use super::{
    Error, KdfBudget, Password, Result, SCRYPT_MEMORY, algorithm, hmac_digest, missing, name_of, optional_length,
    positive,
};
use crate::asn1::ber::{Element, Tag};
use crate::asn1::oid;
use crate::base::secret::Secret;
use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::digest::with_digest;
use digest::Digest;
use digest::common::BlockSizeUser;
use hmac::Hmac;

/// What a key from the PKCS#12 derivation is for (RFC 7292 appendix B.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A cipher's key.
    Key = 1,
    /// An initialisation vector.
    Iv = 2,
    /// A MAC key.
    Mac = 3,
}

/// The key derivation of PKCS#12 (RFC 7292 appendix B.2). The password is [`Password::wide`].
///
/// # Errors
/// Where there are no iterations, or more than the budget has.
pub fn pkcs12_kdf(
    digest: DigestAlgorithm,
    password: &Password,
    salt: &[u8],
    purpose: Use,
    iterations: u64,
    length: usize,
    budget: &mut KdfBudget,
) -> Result<Secret> {
    positive("PKCS#12 key derivation", iterations)?;
    budget.spend(iterations)?;
    Ok(with_digest!(digest, D => pkcs12_kdf_with::<D>(password.wide().expose(), salt, purpose, iterations, length)))
}

pub(super) fn pkcs12_kdf_with<D: Digest + BlockSizeUser>(
    password: &[u8],
    salt: &[u8],
    purpose: Use,
    iterations: u64,
    length: usize,
) -> Secret {
    let block = <D as BlockSizeUser>::block_size();
    let filled = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().copied().cycle().take(bytes.len().div_ceil(block).saturating_mul(block)).collect()
    };
    let mut input = filled(salt);
    input.extend(filled(password));
    let diversifier = vec![purpose as u8; block];
    let mut derived = Vec::with_capacity(length.saturating_add(block));
    while derived.len() < length {
        let mut a = D::new().chain_update(&diversifier).chain_update(&input).finalize();
        for _ in 1..iterations {
            a = D::digest(&a);
        }
        derived.extend_from_slice(&a);
        // I_j = (I_j + B + 1) mod 2^(8v), where B is A repeated to one block.
        let b: Vec<u8> = a.iter().copied().cycle().take(block).collect();
        for chunk in input.chunks_mut(block) {
            let mut carry = 1u16;
            for (octet, add) in chunk.iter_mut().zip(&b).rev() {
                carry += u16::from(*octet) + u16::from(*add);
                *octet = carry as u8;
                carry >>= 8;
            }
        }
    }
    derived.truncate(length);
    zeroize::Zeroize::zeroize(&mut input);
    Secret::new(derived)
}

/// PBKDF1 (RFC 8018 section 5.1), as PBES1 uses it.
pub(super) fn pbkdf1<D: Digest>(password: &[u8], salt: &[u8], iterations: u64) -> Secret {
    let mut t = D::new().chain_update(password).chain_update(salt).finalize();
    for _ in 1..iterations {
        t = D::digest(&t);
    }
    Secret::new(t.to_vec())
}

/// A key derivation of PKCS#5: `AlgorithmIdentifier { PBKDF2 or scrypt }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kdf {
    /// RFC 8018 section 5.2.
    Pbkdf2 {
        /// Any length.
        salt: Vec<u8>,
        /// At least 1.
        iterations: u64,
        /// In octets, where it is written.
        key_length: Option<u64>,
        /// The hash under the HMAC.
        prf: DigestAlgorithm,
    },
    /// RFC 7914 section 7.
    Scrypt {
        /// Any length.
        salt: Vec<u8>,
        /// Cost N, a power of two.
        n: u64,
        /// Block size.
        r: u64,
        /// Parallelisation.
        p: u64,
        /// In octets, where it is written.
        key_length: Option<u64>,
    },
}

impl Kdf {
    /// Reads the AlgorithmIdentifier, whatever its tag is.
    ///
    /// # Errors
    /// Where it is malformed, unknown, or has parameters that cannot be.
    pub fn read(element: &Element<'_>) -> Result<Self> {
        let (algorithm, parameters) = algorithm(element, "key derivation algorithm")?;
        let what = "key derivation parameters";
        if algorithm != oid::PBKDF2 && algorithm != oid::SCRYPT {
            return Err(Error::Unsupported { what: "key derivation", name: name_of(&algorithm) });
        }
        let parameters = parameters.ok_or_else(|| missing(what))?;
        let mut reader = parameters.sequence(what)?;
        if algorithm == oid::PBKDF2 {
            // RFC 8018 appendix A.2: the salt may also be an AlgorithmIdentifier, but no such source was ever defined.
            let salt = reader.required(Tag::OCTET_STRING, "PBKDF2 salt")?.octets("PBKDF2 salt")?.into_owned();
            let iterations = reader.required(Tag::INTEGER, "PBKDF2 iterationCount")?.small("PBKDF2 iterationCount")?;
            let key_length = optional_length(&mut reader, "PBKDF2 keyLength")?;
            let prf = match reader.optional(Tag::SEQUENCE, "PBKDF2 prf")? {
                Some(prf) => hmac_digest(&prf, "PBKDF2 prf")?,
                None => DigestAlgorithm::Sha1,
            };
            reader.finish(what)?;
            positive("PBKDF2", iterations)?;
            Ok(Self::Pbkdf2 { salt, iterations, key_length, prf })
        } else {
            let salt = reader.required(Tag::OCTET_STRING, "scrypt salt")?.octets("scrypt salt")?.into_owned();
            let mut number = |what| reader.required(Tag::INTEGER, what).and_then(|n| n.small(what));
            let (n, r, p) = (number("scrypt N")?, number("scrypt r")?, number("scrypt p")?);
            let key_length = optional_length(&mut reader, "scrypt keyLength")?;
            reader.finish(what)?;
            Ok(Self::Scrypt { salt, n, r, p, key_length })
        }
    }

    /// The key length that is written, in octets.
    pub fn key_length(&self) -> Option<u64> {
        match self {
            Self::Pbkdf2 { key_length, .. } | Self::Scrypt { key_length, .. } => *key_length,
        }
    }

    /// What it costs, in iterations of PBKDF2: one step of scrypt's ROMix over a 128-octet block counts as half of one.
    pub fn cost(&self) -> u64 {
        match self {
            Self::Pbkdf2 { iterations, .. } => *iterations,
            Self::Scrypt { n, r, p, .. } => n.saturating_mul(*r).saturating_mul(*p) / 2,
        }
    }

    /// Derives `length` octets, which a written key length must equal (SEC-121).
    ///
    /// # Errors
    /// Where it does not, or the derivation costs more than allowed.
    pub fn derive(&self, password: &Secret, length: usize, budget: &mut KdfBudget) -> Result<Secret> {
        if let Some(written) = self.key_length()
            && written != length as u64
        {
            return Err(Error::Parameters {
                what: "key derivation",
                why: format!("its keyLength is {written}, where the algorithm takes {length}"),
            });
        }
        let mut key = vec![0; length];
        match self {
            Self::Pbkdf2 { salt, iterations, prf, .. } => {
                budget.spend(self.cost())?;
                let rounds = u32::try_from(*iterations)
                    .map_err(|_| Error::Iterations { asked: *iterations, limit: budget.limit })?;
                with_digest!(*prf, D => pbkdf2::pbkdf2::<Hmac<D>>(password.expose(), salt, rounds, &mut key))
                    .map_err(|e| Error::Parameters { what: "PBKDF2", why: e.to_string() })?;
            }
            Self::Scrypt { salt, n, r, p, .. } => {
                scrypt(password, salt, (*n, *r, *p), &mut key, || budget.spend(self.cost()))?;
            }
        }
        Ok(Secret::new(key))
    }
}

fn scrypt(
    password: &Secret,
    salt: &[u8],
    (n, r, p): (u64, u64, u64),
    key: &mut [u8],
    pay: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let wrong = |why: &str| Error::Parameters { what: "scrypt", why: format!("N = {n}, r = {r}, p = {p}: {why}") };
    if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
        return Err(wrong("N must be a power of two above 1, r and p at least 1"));
    }
    let too_large = Error::Memory { n, r, p, limit: SCRYPT_MEMORY };
    let blocks = n.checked_add(p).and_then(|m| m.checked_mul(r)).and_then(|m| m.checked_mul(128));
    if blocks.is_none_or(|bytes| bytes > SCRYPT_MEMORY + SCRYPT_MEMORY / 16) {
        return Err(too_large);
    }
    pay()?;
    let (Ok(r), Ok(p)) = (u32::try_from(r), u32::try_from(p)) else { return Err(too_large) };
    let parameters = pkcs5::scrypt::Params::new(n.trailing_zeros() as u8, r, p).map_err(|e| wrong(&e.to_string()))?;
    pkcs5::scrypt::scrypt(password.expose(), salt, &parameters, key).map_err(|e| wrong(&e.to_string()))
}
