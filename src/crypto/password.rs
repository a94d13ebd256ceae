//! What a password becomes: key derivation, password-based encryption and password-based integrity, as PKCS#12 files,
//! encrypted PKCS#8 keys and password recipients use them.
//!
//! Read: PBES2 (PBKDF2 with HMAC-SHA-1/224/256/384/512, scrypt) over AES-CBC, 3DES-CBC, DES-CBC and RC2-CBC; the PKCS#12
//! schemes over 3DES, two-key 3DES and RC2; PBES1 over DES and RC2. RC4 is refused by name. Written: PBES2 with PBKDF2,
//! HMAC-SHA-256 and AES-256-CBC only. Every derivation is paid for from one [`KdfBudget`] before it begins (SEC-121).

#![deny(clippy::indexing_slicing)]

mod integrity;
mod kdf;
mod pbe;

pub use integrity::Integrity;
pub use kdf::{Kdf, Use, pkcs12_kdf};
pub use pbe::{Pbe, encrypt, open_legacy_pem};

use super::algorithm::DigestAlgorithm;
use super::random::Random;
use crate::asn1;
use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::base::secret::Secret;
use const_oid::ObjectIdentifier;

/// Why a password does not open something.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The parameters are not well-formed.
    #[error(transparent)]
    Asn1(#[from] asn1::Error),
    /// An algorithm that is not read here.
    #[error("{what} is not supported: {name}")]
    Unsupported {
        /// The part that it plays: "key derivation", "password-based encryption".
        what: &'static str,
        /// Its name, or its object identifier where it has none here.
        name: String,
    },
    /// Parameters that the algorithm cannot have.
    #[error("{what}: {why}")]
    Parameters {
        /// Whose parameters.
        what: &'static str,
        /// What is wrong with them.
        why: String,
    },
    /// The derivations of one file cost more than allowed (SEC-121).
    #[error("the password derivations of this file ask for {asked} iterations; at most {limit} are allowed")]
    Iterations {
        /// What this file has asked for so far, this derivation included.
        asked: u64,
        /// `Limits::kdf_iterations`.
        limit: u64,
    },
    /// scrypt would take more memory than allowed (SEC-121).
    #[error("scrypt with N = {n}, r = {r}, p = {p} needs more than {limit} bytes of memory")]
    Memory {
        /// The cost parameter.
        n: u64,
        /// The block size.
        r: u64,
        /// The parallelisation.
        p: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The password is wrong, or what it protects is damaged; the two cannot be told apart (SEC-125).
    #[error("the password is wrong, or the file is damaged")]
    WrongPasswordOrCorrupt,
    /// No random numbers are to be had.
    #[error("no random numbers: {0}")]
    Random(String),
}

type Result<T> = std::result::Result<T, Error>;

/// Memory that scrypt may take, in bytes (SEC-121).
pub const SCRYPT_MEMORY: u64 = 64 << 20;
/// Iterations of PBKDF2 that are written: what PKCS#12 files of this decade carry, and what Windows still imports
/// (SEC-121: it refuses more than 600 000).
pub const WRITTEN_ITERATIONS: u64 = 100_000;

/// The iterations that one file may still ask for. One budget serves a whole file: its MAC, each bag, each second try.
#[derive(Debug)]
pub struct KdfBudget {
    spent: u64,
    limit: u64,
}

impl KdfBudget {
    /// A fresh budget of `limits.kdf_iterations`.
    pub fn new(limits: &Limits) -> Self {
        Self { spent: 0, limit: limits.kdf_iterations }
    }

    /// Pays for a derivation. Must precede it.
    ///
    /// # Errors
    /// [`Error::Iterations`] where the budget does not cover it.
    pub fn spend(&mut self, iterations: u64) -> Result<()> {
        let asked = self.spent.saturating_add(iterations);
        if asked > self.limit {
            return Err(Error::Iterations { asked, limit: self.limit });
        }
        self.spent = asked;
        Ok(())
    }
}

/// A password in the two forms that derivations take.
#[derive(Clone, Debug)]
pub struct Password {
    text: Secret,
    wide: Secret,
}

impl Password {
    /// From the bytes that were typed: UTF-8, or one byte per character where they are not UTF-8.
    pub fn new(typed: &Secret) -> Self {
        let mut wide = Vec::with_capacity(typed.len().saturating_mul(2).saturating_add(2));
        match std::str::from_utf8(typed.expose()) {
            Ok(text) => text.encode_utf16().for_each(|unit| wide.extend_from_slice(&unit.to_be_bytes())),
            Err(_) => typed.expose().iter().for_each(|byte| wide.extend_from_slice(&[0, *byte])),
        }
        wide.extend_from_slice(&[0, 0]);
        Self { text: typed.clone(), wide: Secret::new(wide) }
    }

    /// No password at all, which PKCS#12 tells from an empty one: not even the closing zeros go into the derivation.
    pub fn null() -> Self {
        Self { text: Secret::new(Vec::new()), wide: Secret::new(Vec::new()) }
    }

    /// The big-endian UTF-16 form with closing zeros also where the octets themselves belong: so NSS before 3.47 gave
    /// passwords to PBKDF2.
    pub fn widened(&self) -> Self {
        Self { text: self.wide.clone(), wide: self.wide.clone() }
    }

    /// The octets as PKCS#5 takes them (RFC 8018 section 3).
    pub fn text(&self) -> &Secret {
        &self.text
    }

    /// A BMPString with its two closing zero octets (RFC 7292 appendix B.1).
    pub fn wide(&self) -> &Secret {
        &self.wide
    }

    /// Whether no character was typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// `EncryptedPrivateKeyInfo` (RFC 5958 section 3): opens an encrypted PKCS#8 key. Gives the `PrivateKeyInfo`'s DER.
///
/// # Errors
/// Those of [`Pbe::read`] and [`Pbe::decrypt`].
pub fn open_private_key(encrypted: &Element<'_>, password: &Password, budget: &mut KdfBudget) -> Result<(Secret, Pbe)> {
    let what = "EncryptedPrivateKeyInfo";
    let mut reader = encrypted.sequence(what)?;
    let pbe = Pbe::read(&reader.required(Tag::SEQUENCE, "EncryptedPrivateKeyInfo algorithm")?)?;
    let data = reader.required(Tag::OCTET_STRING, "encryptedData")?;
    reader.finish(what)?;
    let data = data.octets("encryptedData")?;
    let mut open = |password: &Password| {
        let plain = pbe.decrypt(password, &data, budget)?;
        // A wrong password passes the padding check once in 256 times; a key is a SEQUENCE.
        match Reader::new(plain.expose()).required(Tag::SEQUENCE, "PrivateKeyInfo") {
            Ok(_) => Ok(plain),
            Err(_) => Err(Error::WrongPasswordOrCorrupt),
        }
    };
    let plain = match open(password) {
        Err(Error::WrongPasswordOrCorrupt) if pbe.takes_text() => open(&password.widened()),
        // RFC 7292 does not say which of the two an empty password is (SEC-125).
        Err(Error::WrongPasswordOrCorrupt) if password.is_empty() => open(&Password::null()),
        other => other,
    }?;
    Ok((plain, pbe))
}

/// Encrypts a PKCS#8 key (see [`encrypt`]); gives the `EncryptedPrivateKeyInfo`'s DER.
///
/// # Errors
/// Where no random numbers are to be had.
pub fn seal_private_key(private_key: &Secret, password: &Password, random: &mut dyn Random) -> Result<Vec<u8>> {
    let (algorithm, ciphertext) = encrypt(password, private_key.expose(), random)?;
    Ok(der::sequence(&[algorithm, der::octets(&ciphertext)]))
}

/// `N` random octets.
///
/// # Errors
/// Where the generator has none (SEC-84).
pub fn random_octets<const N: usize>(random: &mut dyn Random) -> Result<[u8; N]> {
    let mut octets = [0; N];
    random.fill(&mut octets).map_err(|e| Error::Random(e.to_string()))?;
    Ok(octets)
}

fn algorithm<'a>(element: &Element<'a>, what: &'static str) -> Result<(ObjectIdentifier, Option<Element<'a>>)> {
    let mut reader = element.children(what)?;
    let oid = reader.required(Tag::OID, what)?.oid(what)?;
    let parameters = reader.next_element()?;
    reader.finish(what)?;
    Ok((oid, parameters))
}

fn hmac_digest(element: &Element<'_>, what: &'static str) -> Result<DigestAlgorithm> {
    let (hmac, parameters) = algorithm(element, what)?;
    if let Some(parameters) = parameters {
        parameters.null(what)?;
    }
    match hmac {
        oid::HMAC_SHA1 => Ok(DigestAlgorithm::Sha1),
        oid::HMAC_SHA224 => Ok(DigestAlgorithm::Sha224),
        oid::HMAC_SHA256 => Ok(DigestAlgorithm::Sha256),
        oid::HMAC_SHA384 => Ok(DigestAlgorithm::Sha384),
        oid::HMAC_SHA512 => Ok(DigestAlgorithm::Sha512),
        _ => Err(Error::Unsupported { what, name: name_of(&hmac) }),
    }
}

fn optional_length(reader: &mut Reader<'_>, what: &'static str) -> Result<Option<u64>> {
    Ok(match reader.optional(Tag::INTEGER, what)? {
        Some(length) => Some(length.small(what)?),
        None => None,
    })
}

fn positive(what: &'static str, iterations: u64) -> Result<()> {
    if iterations == 0 {
        return Err(Error::Parameters { what, why: "it asks for no iterations".into() });
    }
    Ok(())
}

fn missing(what: &'static str) -> Error {
    Error::Parameters { what, why: "missing".into() }
}

fn name_of(oid: &ObjectIdentifier) -> String {
    oid::name(oid).map_or_else(|| oid.to_string(), |name| format!("{name} ({oid})"))
}
