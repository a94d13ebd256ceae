//! What guards a PKCS#12 file as a whole: `MacData` with the MAC of PKCS#12 or with PBMAC1.

use super::kdf::{Kdf, Use, pkcs12_kdf};
use super::{
    Error, KdfBudget, Password, Recipe, Result, algorithm, hmac_digest, missing, name_of, positive, random_octets,
};
use crate::asn1::ber::{Element, Tag};
use crate::asn1::{der, oid};
use crate::base::secret::Secret;
use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::digest::hmac;
use crate::crypto::random::Random;
use subtle::ConstantTimeEq;

/// What guards a PKCS#12 file as a whole (RFC 7292 section 4, RFC 9579).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// HMAC with a key from the PKCS#12 derivation.
    Pkcs12 {
        /// The hash of both.
        digest: DigestAlgorithm,
        /// Any length.
        salt: Vec<u8>,
        /// At least 1.
        iterations: u64,
        /// As received.
        tag: Vec<u8>,
    },
    /// PBMAC1: HMAC with a key from PBKDF2.
    Pbmac1 {
        /// The hash of the HMAC over the content.
        digest: DigestAlgorithm,
        /// With its key length, which is never absent here.
        kdf: Kdf,
        /// In octets.
        key_length: usize,
        /// As received.
        tag: Vec<u8>,
    },
}

impl Integrity {
    /// Reads `MacData`.
    ///
    /// # Errors
    /// Where it is malformed, of an unknown algorithm, or PBMAC1 has parameters that RFC 9579 rules out (SEC-122).
    pub fn read(mac_data: &Element<'_>) -> Result<Self> {
        let what = "MacData";
        let mut reader = mac_data.sequence(what)?;
        let mut info = reader.required(Tag::SEQUENCE, "DigestInfo")?.sequence("DigestInfo")?;
        let (mac, parameters) = algorithm(&info.required(Tag::SEQUENCE, "MAC algorithm")?, "MAC algorithm")?;
        let tag = info.required(Tag::OCTET_STRING, "MAC")?.octets("MAC")?.into_owned();
        info.finish("DigestInfo")?;
        let salt = reader.required(Tag::OCTET_STRING, "MAC salt")?.octets("MAC salt")?.into_owned();
        let iterations = match reader.optional(Tag::INTEGER, "MAC iterations")? {
            Some(iterations) => iterations.small("MAC iterations")?,
            None => 1,
        };
        reader.finish(what)?;
        if mac == oid::PBMAC1 {
            return Self::pbmac1(parameters, tag);
        }
        let digest = match mac {
            oid::MD5 => DigestAlgorithm::Md5,
            oid::SHA1 => DigestAlgorithm::Sha1,
            oid::SHA224 => DigestAlgorithm::Sha224,
            oid::SHA256 => DigestAlgorithm::Sha256,
            oid::SHA384 => DigestAlgorithm::Sha384,
            oid::SHA512 => DigestAlgorithm::Sha512,
            _ => return Err(Error::Unsupported { what: "PKCS#12 MAC", name: name_of(&mac) }),
        };
        positive("PKCS#12 MAC", iterations)?;
        Ok(Self::Pkcs12 { digest, salt, iterations, tag })
    }

    fn pbmac1(parameters: Option<Element<'_>>, tag: Vec<u8>) -> Result<Self> {
        let what = "PBMAC1-params";
        let mut reader = parameters.ok_or_else(|| missing(what))?.sequence(what)?;
        let kdf = Kdf::read(&reader.required(Tag::SEQUENCE, "PBMAC1 keyDerivationFunc")?)?;
        let digest = hmac_digest(&reader.required(Tag::SEQUENCE, "PBMAC1 messageAuthScheme")?, "PBMAC1 MAC")?;
        reader.finish(what)?;
        if !matches!(kdf, Kdf::Pbkdf2 { .. }) {
            return Err(Error::Unsupported { what: "PBMAC1 key derivation", name: "scrypt".into() });
        }
        // RFC 9579 section 5: keyLength must be there and at least 20. It need not be the hash's length: OpenSSL's own
        // vectors have 20 with SHA-256 for good. Above 64 no HMAC gains from it.
        match kdf.key_length() {
            Some(length @ 20..=64) => Ok(Self::Pbmac1 { digest, kdf, key_length: length as usize, tag }),
            Some(length) => Err(Error::Parameters {
                what: "PBMAC1",
                why: format!("its keyLength is {length}, where 20 to 64 is allowed"),
            }),
            None => Err(missing("PBMAC1 keyLength")),
        }
    }

    /// What it is, for notes: "HMAC-SHA-1", "PBMAC1".
    pub fn name(&self) -> String {
        match self {
            Self::Pkcs12 { digest, .. } => format!("PKCS#12 MAC with {}", digest.name()),
            Self::Pbmac1 { digest, .. } => format!("PBMAC1 with {}", digest.name()),
        }
    }

    /// What its derivation costs, in iterations.
    pub fn cost(&self) -> u64 {
        match self {
            Self::Pkcs12 { iterations, .. } => *iterations,
            Self::Pbmac1 { kdf, .. } => kdf.cost(),
        }
    }

    /// Compares the MAC over `content` in constant time.
    ///
    /// # Errors
    /// [`Error::WrongPasswordOrCorrupt`] where it does not match; the budget's errors before that.
    pub fn verify(&self, password: &Password, content: &[u8], budget: &mut KdfBudget) -> Result<()> {
        match self {
            Self::Pkcs12 { digest, salt, iterations, tag } => {
                let length = digest.length();
                let key = pkcs12_kdf(*digest, password, salt, Use::Mac, *iterations, length, budget)?;
                hmac_matches(*digest, &key, content, tag)
            }
            Self::Pbmac1 { digest, kdf, key_length, tag } => {
                let key = kdf.derive(password.text(), *key_length, budget)?;
                hmac_matches(*digest, &key, content, tag)
            }
        }
    }

    /// The `MacData` of a new file: HMAC under the PKCS#12 derivation with the recipe's hash, which every reader knows
    /// (PBMAC1 is still unknown to Windows and to OpenSSL before 3.4). Gives DER.
    ///
    /// # Errors
    /// Where no random numbers are to be had.
    pub fn write(recipe: &Recipe, password: &Password, content: &[u8], random: &mut dyn Random) -> Result<Vec<u8>> {
        let salt = random_octets::<16>(random)?;
        let (digest, iterations) = (recipe.mac, recipe.iterations);
        let length = digest.length();
        let key = pkcs12_kdf(digest, password, &salt, Use::Mac, iterations, length, &mut recipe.budget())?;
        let tag = hmac(digest, key.expose(), content);
        let info = der::sequence(&[digest.identifier_with_null().to_der(), der::octets(tag.expose())]);
        Ok(der::sequence(&[info, der::octets(&salt), der::integer(iterations)]))
    }
}

/// HMAC under a key, compared in constant time with what was received; a tag of another length never matches.
fn hmac_matches(digest: DigestAlgorithm, key: &Secret, data: &[u8], received: &[u8]) -> Result<()> {
    let computed = hmac(digest, key.expose(), data);
    if received.len() == digest.length() && bool::from(computed.expose().ct_eq(received)) {
        Ok(())
    } else {
        Err(Error::WrongPasswordOrCorrupt)
    }
}
