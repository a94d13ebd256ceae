//! What a password becomes: key derivation, password-based encryption and password-based integrity, as PKCS#12 files,
//! encrypted PKCS#8 keys and password recipients use them.
//!
//! Read: PBES2 (PBKDF2 with HMAC-SHA-1/224/256/384/512, scrypt) over AES-CBC, 3DES-CBC, DES-CBC and RC2-CBC; the PKCS#12
//! schemes over 3DES, two-key 3DES and RC2; PBES1 over DES and RC2. RC4 is refused by name. Written: what the [`Recipe`]s
//! list. Every derivation is paid for from one [`KdfBudget`] before it begins (SEC-121).

#![deny(clippy::indexing_slicing)]

mod integrity;
mod kdf;
mod pbe;
mod recipe;
mod recipient;

pub use integrity::Integrity;
pub use kdf::{Kdf, Use, pkcs12_kdf};
pub use pbe::{Pbe, encrypt, open_legacy_pem};
pub use recipe::Recipe;
pub use recipient::unwrap_content_key;

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
    /// A password recipient without keyDerivationAlgorithm: its key is not made from a password (SEC-77).
    #[error(
        "the recipient names no key derivation (keyDerivationAlgorithm is absent), so no password makes its key; \
         ask the sender for the key itself"
    )]
    NoKeyDerivation,
    /// No random numbers are to be had.
    #[error("no random numbers: {0}")]
    Random(String),
}

type Result<T> = std::result::Result<T, Error>;

/// Memory that scrypt may take, in bytes (SEC-121).
pub const SCRYPT_MEMORY: u64 = 64 << 20;

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

    /// Whether what is still to come can be paid for, without paying yet.
    ///
    /// # Errors
    /// [`Error::Iterations`] where the budget does not cover it.
    pub fn affords(&self, iterations: u64) -> Result<()> {
        Self { spent: self.spent, limit: self.limit }.spend(iterations)
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

    /// The big-endian UTF-16 form with closing zeros also where the octets themselves belong: so old NSS gave
    /// passwords to PBKDF2.
    pub fn widened(&self) -> Self {
        Self { text: self.wide.clone(), wide: self.wide.clone() }
    }

    /// Another form that the same password may have had for this scheme: for PKCS#5 the [`widened`](Self::widened) one,
    /// for PKCS#12 the other way to write no password (SEC-125: RFC 7292 does not settle it).
    pub fn alternative(&self, scheme: &Pbe) -> Option<Self> {
        if scheme.takes_text() { Some(self.widened()) } else { self.other_empty() }
    }

    /// For a password without characters, the other way to write it: no octets, or two zero octets.
    pub fn other_empty(&self) -> Option<Self> {
        match (self.is_empty(), self.wide.is_empty()) {
            (true, true) => Some(Self::new(&Secret::new(Vec::new()))),
            (true, false) => Some(Self::null()),
            (false, _) => None,
        }
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
    let plain = match (open(password), password.alternative(&pbe)) {
        (Err(Error::WrongPasswordOrCorrupt), Some(alternative)) => open(&alternative),
        (result, _) => result,
    }?;
    Ok((plain, pbe))
}

/// The scheme of an `EncryptedPrivateKeyInfo` that is not opened yet, where it is one that is read.
///
/// # Errors
/// Those of [`Pbe::read`].
pub fn private_key_scheme(encrypted: &Element<'_>) -> Result<Pbe> {
    let what = "EncryptedPrivateKeyInfo";
    Pbe::read(&encrypted.sequence(what)?.required(Tag::SEQUENCE, "EncryptedPrivateKeyInfo algorithm")?)
}

/// Encrypts a PKCS#8 key (see [`encrypt`]); gives the `EncryptedPrivateKeyInfo`'s DER.
///
/// # Errors
/// Where no random numbers are to be had.
pub fn seal_private_key(
    recipe: &Recipe,
    private_key: &Secret,
    password: &Password,
    random: &mut dyn Random,
) -> Result<Vec<u8>> {
    let (algorithm, ciphertext) = encrypt(recipe, password, private_key.expose(), random)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    fn budget() -> KdfBudget {
        KdfBudget::new(&Limits::default())
    }

    fn typed(text: &str) -> Password {
        Password::new(&Secret::from(text))
    }

    #[test]
    fn pkcs12_derivation_agrees_with_published_values() {
        for (text, salt, purpose, iterations, length, expected) in [
            ("smeg", "0A58CF64530D823F", Use::Key, 1, 24, "8AAAE6297B6CB04642AB5B077851284EB7128F1A2A7FBCA3"),
            ("smeg", "0A58CF64530D823F", Use::Iv, 1, 8, "79993DFE048D3B76"),
            ("smeg", "3D83C0E4546AC140", Use::Mac, 1, 20, "8D967D88F6CAA9D714800AB3D48051D63F73A312"),
            ("queeg", "05DEC959ACFF72F7", Use::Key, 1000, 24, "ED2034E36328830FF09DF1E1A07DD357185DAC0D4F9EB3D4"),
            ("queeg", "263216FCC2FAB31C", Use::Mac, 1000, 20, "5EC4C7A80DF652294C3925B6489A7AB857C83476"),
        ] {
            let (salt, mut budget) = (unhex(salt), budget());
            let key = pkcs12_kdf(DigestAlgorithm::Sha1, &typed(text), &salt, purpose, iterations, length, &mut budget)
                .unwrap();
            assert_eq!(key.expose(), unhex(expected), "{text} {purpose:?}");
        }
    }

    #[test]
    fn pbkdf2_and_scrypt_agree_with_their_rfcs() {
        // RFC 6070, a value of its kind for SHA-256, and RFC 7914 section 12.
        let pbkdf2 = |prf, iterations| Kdf::Pbkdf2 { salt: b"salt".to_vec(), iterations, key_length: None, prf };
        let scrypt = Kdf::Scrypt { salt: b"NaCl".to_vec(), n: 1024, r: 8, p: 16, key_length: Some(64) };
        for (kdf, length, expected) in [
            (pbkdf2(DigestAlgorithm::Sha1, 2), 20, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
            (
                pbkdf2(DigestAlgorithm::Sha256, 4096),
                40,
                "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134af7ad98c1b458ce3f",
            ),
            (
                scrypt,
                64,
                "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830da\
                 c727afb94a83ee6d8360cbdfa2cc0640",
            ),
        ] {
            let key = kdf.derive(&Secret::from("password"), length, &mut budget()).unwrap();
            assert_eq!(key.expose(), unhex(expected));
        }
    }

    #[test]
    fn the_budget_is_spent_before_deriving_and_over_the_whole_file() {
        let kdf =
            |iterations| Kdf::Pbkdf2 { salt: vec![1; 8], iterations, key_length: None, prf: DigestAlgorithm::Sha256 };
        // Were it derived first, this would run for years.
        let error = kdf(u64::MAX).derive(&Secret::from("x"), 32, &mut budget()).unwrap_err();
        assert!(matches!(error, Error::Iterations { asked: u64::MAX, limit: 2_000_000 }), "{error}");
        let mut shared = KdfBudget::new(&Limits { kdf_iterations: 30, ..Limits::default() });
        for _ in 0..3 {
            kdf(10).derive(&Secret::from("x"), 32, &mut shared).unwrap();
        }
        let error = kdf(1).derive(&Secret::from("x"), 32, &mut shared).unwrap_err();
        assert!(matches!(error, Error::Iterations { asked: 31, limit: 30 }), "{error}");
        let mut default = budget();
        (0..3).for_each(|_| default.spend(600_000).unwrap());
    }

    #[test]
    fn scrypt_is_bounded_in_memory_and_in_work() {
        let scrypt = |n, r, p| Kdf::Scrypt { salt: vec![1; 8], n, r, p, key_length: None };
        let derive = |kdf: Kdf| kdf.derive(&Secret::from("x"), 32, &mut budget());
        assert!(derive(scrypt(1 << 14, 8, 1)).is_ok());
        assert!(matches!(derive(scrypt(1 << 20, 8, 1)), Err(Error::Memory { .. })));
        assert!(matches!(derive(scrypt(u64::MAX, u64::MAX, u64::MAX)), Err(Error::Parameters { .. })));
        assert!(matches!(derive(scrypt(1 << 63, 1 << 62, 1 << 62)), Err(Error::Memory { .. })));
        assert!(matches!(derive(scrypt(1 << 14, 8, 1000)), Err(Error::Iterations { .. })));
        assert!(matches!(derive(scrypt(3, 8, 1)), Err(Error::Parameters { .. })));
        assert!(matches!(derive(scrypt(2, 0, 1)), Err(Error::Parameters { .. })));
    }

    #[test]
    fn a_key_length_that_is_not_the_cipher_s_is_refused() {
        let kdf = Kdf::Pbkdf2 { salt: vec![1; 8], iterations: 1, key_length: Some(1), prf: DigestAlgorithm::Sha1 };
        assert!(matches!(kdf.derive(&Secret::from("x"), 32, &mut budget()), Err(Error::Parameters { .. })));
    }

    #[test]
    fn a_sealed_key_opens_with_its_password_only() {
        let key = Secret::new(der::sequence(&[der::integer(0), der::octets(b"key")]));
        let rows = [(Recipe::MODERN, ("PBES2 AES-256-CBC", false)), (Recipe::LEGACY, ("PKCS#12 3DES-CBC", true))];
        for (recipe, expected) in rows {
            for text in ["hunter2", "\u{3c3}\u{1f511}", ""] {
                let sealed = seal_private_key(&recipe, &key, &typed(text), &mut SystemRandom).unwrap();
                let element = Reader::single(&sealed, "x").unwrap();
                let (opened, pbe) = open_private_key(&element, &typed(text), &mut budget()).unwrap();
                assert_eq!(opened.expose(), key.expose());
                assert_eq!((pbe.name().as_str(), pbe.is_legacy()), expected);
                assert_eq!(private_key_scheme(&element).unwrap().cost(), 100_000);
                let error = open_private_key(&element, &typed("other"), &mut budget()).unwrap_err();
                assert!(matches!(error, Error::WrongPasswordOrCorrupt), "{error}");
            }
        }
    }

    #[test]
    fn rc4_is_refused_by_name() {
        let parameters = der::sequence(&[der::octets(&[1; 8]), der::integer(1)]);
        let rc4 = der::sequence(&[der::oid(&oid::PBE_SHA_RC4_128), parameters]);
        let error = Pbe::read(&Reader::single(&rc4, "x").unwrap()).unwrap_err();
        assert!(error.to_string().contains("RC4"), "{error}");
    }

    #[test]
    fn macs_of_both_recipes_verify() {
        for (recipe, name) in [(Recipe::MODERN, "PKCS#12 MAC with sha256"), (Recipe::LEGACY, "PKCS#12 MAC with sha1")] {
            let written = Integrity::write(&recipe, &typed("x"), b"content", &mut SystemRandom).unwrap();
            let mac = Integrity::read(&Reader::single(&written, "x").unwrap()).unwrap();
            assert_eq!((mac.name().as_str(), mac.cost()), (name, 100_000));
            mac.verify(&typed("x"), b"content", &mut budget()).unwrap();
            for (password, content) in [("y", &b"content"[..]), ("x", b"Content"), ("x", b"")] {
                let error = mac.verify(&typed(password), content, &mut budget()).unwrap_err();
                assert!(matches!(error, Error::WrongPasswordOrCorrupt), "{error}");
            }
        }
    }

    #[test]
    fn sec_122_pbmac1_has_the_parameters_of_rfc_9579_or_is_refused() {
        let prf = |oid| der::sequence(&[der::oid(&oid), der::null()]);
        let kdf = |length: Option<u64>, prf: Vec<u8>| {
            let length = length.map(der::integer).unwrap_or_default();
            let parameters = der::sequence(&[der::octets(&[1; 8]), der::integer(1), length, prf]);
            der::sequence(&[der::oid(&oid::PBKDF2), parameters])
        };
        let pbmac1 = |parameters: Option<Vec<u8>>| {
            let algorithm = der::sequence(&[der::oid(&oid::PBMAC1), parameters.unwrap_or_default()]);
            let info = der::sequence(&[algorithm, der::octets(&[0; 32])]);
            let mac = der::sequence(&[info, der::octets(b"NOT USED"), der::integer(1)]);
            Integrity::read(&Reader::single(&mac, "x").unwrap())
        };
        let sha256 = || prf(oid::HMAC_SHA256);
        let with = |kdf: Vec<u8>, mac: Vec<u8>| pbmac1(Some(der::sequence(&[kdf, mac])));
        for length in [None, Some(0), Some(1), Some(19), Some(65), Some(1 << 31), Some(1 << 40)] {
            let result = with(kdf(length, sha256()), sha256());
            assert!(matches!(result, Err(Error::Parameters { .. })), "{length:?}: {result:?}");
        }
        for (mac, length) in
            [(oid::HMAC_SHA256, 20), (oid::HMAC_SHA256, 32), (oid::HMAC_SHA512, 64), (oid::HMAC_SHA1, 20)]
        {
            assert!(with(kdf(Some(length), sha256()), prf(mac)).is_ok(), "{length}");
        }
        assert!(pbmac1(None).is_err(), "no parameters");
        for wrong in [der::null(), der::octets(b"x"), der::sequence::<Vec<u8>>(&[]), der::sequence(&[der::null()])] {
            assert!(pbmac1(Some(wrong.clone())).is_err(), "{wrong:02x?}");
        }
        for unknown in [oid::SHA256, oid::ID_DATA] {
            let one = with(kdf(Some(32), prf(unknown)), sha256());
            let other = with(kdf(Some(32), sha256()), prf(unknown));
            for result in [one, other] {
                assert!(matches!(result, Err(Error::Unsupported { .. })), "{result:?}");
            }
        }
        let numbers = [16, 8, 1, 32].map(der::integer).concat();
        let scrypt = der::sequence(&[der::oid(&oid::SCRYPT), der::sequence(&[der::octets(&[1; 8]), numbers])]);
        assert!(matches!(with(scrypt, sha256()), Err(Error::Unsupported { .. })));
    }
}
