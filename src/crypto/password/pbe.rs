//! Password-based encryption: PBES1, PBES2, the schemes of PKCS#12, and that of old PEM files.

use super::kdf::{Kdf, Use, pbkdf1, pkcs12_kdf_with};
use super::recipe::Scheme;
use super::{Error, KdfBudget, Password, Recipe, Result, algorithm, missing, name_of, positive, random_octets};
use crate::asn1::ber::{Element, Tag};
use crate::asn1::{der, oid};
use crate::base::secret::Secret;
use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::random::Random;
use cipher::block_padding::Pkcs7;
use cipher::{BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyIvInit};
use const_oid::ObjectIdentifier;
use digest::Digest;
use md5::Md5;
use sha1::Sha1;

/// A CBC cipher with a key derived from a password, its initialisation vector where the parameters carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
    /// Two keys, K1 K2 K1.
    DoubleDes,
    Des,
    /// With the effective key length in bits.
    Rc2 {
        effective_bits: u16,
    },
}

impl Cipher {
    /// `None`: the cipher takes keys of several lengths.
    fn key_length(self) -> Option<usize> {
        match self {
            Self::Aes128 | Self::DoubleDes => Some(16),
            Self::Aes192 | Self::TripleDes => Some(24),
            Self::Aes256 => Some(32),
            Self::Des => Some(8),
            Self::Rc2 { .. } => None,
        }
    }

    fn iv_length(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
            _ => 8,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Aes128 => "AES-128-CBC".into(),
            Self::Aes192 => "AES-192-CBC".into(),
            Self::Aes256 => "AES-256-CBC".into(),
            Self::TripleDes => "3DES-CBC".into(),
            Self::DoubleDes => "two-key 3DES-CBC".into(),
            Self::Des => "DES-CBC".into(),
            Self::Rc2 { effective_bits } => format!("RC2-CBC-{effective_bits}"),
        }
    }

    fn decrypt(self, key: &Secret, iv: &[u8], ciphertext: &[u8]) -> Result<Secret> {
        fn open<C: KeyIvInit + BlockModeDecrypt>(key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Result<Secret> {
            let cipher = C::new_from_slices(key, iv).map_err(|_| key_or_iv())?;
            finish(cipher, ciphertext)
        }
        fn finish<C: BlockModeDecrypt>(cipher: C, ciphertext: &[u8]) -> Result<Secret> {
            if ciphertext.is_empty() {
                return Err(Error::WrongPasswordOrCorrupt);
            }
            let plain = cipher.decrypt_padded_vec::<Pkcs7>(ciphertext).map_err(|_| Error::WrongPasswordOrCorrupt)?;
            Ok(Secret::new(plain))
        }
        let bytes = key.expose();
        match self {
            Self::Aes128 => open::<cbc::Decryptor<aes::Aes128>>(bytes, iv, ciphertext),
            Self::Aes192 => open::<cbc::Decryptor<aes::Aes192>>(bytes, iv, ciphertext),
            Self::Aes256 => open::<cbc::Decryptor<aes::Aes256>>(bytes, iv, ciphertext),
            Self::TripleDes => open::<cbc::Decryptor<des::TdesEde3>>(bytes, iv, ciphertext),
            Self::DoubleDes => open::<cbc::Decryptor<des::TdesEde2>>(bytes, iv, ciphertext),
            Self::Des => open::<cbc::Decryptor<des::Des>>(bytes, iv, ciphertext),
            Self::Rc2 { effective_bits } => {
                if !(1..=128).contains(&bytes.len()) || !(1..=1024).contains(&effective_bits) {
                    return Err(key_or_iv());
                }
                let inner = rc2::Rc2::new_with_eff_key_len(bytes, usize::from(effective_bits));
                let cipher = cbc::Decryptor::inner_iv_slice_init(inner, iv).map_err(|_| key_or_iv())?;
                finish(cipher, ciphertext)
            }
        }
    }
}

fn key_or_iv() -> Error {
    Error::Parameters {
        what: "password-based cipher",
        why: "its key or initialisation vector has a wrong length".into(),
    }
}

/// A password-based encryption scheme with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pbe {
    cipher: Cipher,
    derivation: Derivation,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Derivation {
    /// RFC 7292 appendix C: SHA-1, key and initialisation vector derived apart.
    Pkcs12 { salt: Vec<u8>, iterations: u64, key_length: usize },
    /// RFC 8018 section 6.1: one derivation, key first, then the initialisation vector.
    Pbes1 { salt: Vec<u8>, iterations: u64, digest: DigestAlgorithm },
    /// RFC 8018 section 6.2.
    Pbes2 { kdf: Kdf, key_length: usize, iv: Vec<u8> },
}

impl Pbe {
    /// Reads an encryption AlgorithmIdentifier.
    ///
    /// # Errors
    /// Where it is malformed, or not one of those this module reads.
    pub fn read(element: &Element<'_>) -> Result<Self> {
        let (scheme, parameters) = algorithm(element, "password-based encryption algorithm")?;
        let what = "password-based encryption parameters";
        if scheme == oid::PBES2 {
            let mut reader = parameters.ok_or_else(|| missing(what))?.sequence(what)?;
            let kdf = Kdf::read(&reader.required(Tag::SEQUENCE, "PBES2 keyDerivationFunc")?)?;
            let encryption = reader.required(Tag::SEQUENCE, "PBES2 encryptionScheme")?;
            reader.finish(what)?;
            return Self::pbes2(kdf, &encryption);
        }
        let pkcs12 = |cipher, key_length| (cipher, Some(key_length), DigestAlgorithm::Sha1);
        let (cipher, key_length, digest) = match scheme {
            oid::PBE_SHA_3DES => pkcs12(Cipher::TripleDes, 24),
            oid::PBE_SHA_2DES => pkcs12(Cipher::DoubleDes, 16),
            oid::PBE_SHA_RC2_128 => pkcs12(Cipher::Rc2 { effective_bits: 128 }, 16),
            oid::PBE_SHA_RC2_40 => pkcs12(Cipher::Rc2 { effective_bits: 40 }, 5),
            oid::PBE_MD5_DES => (Cipher::Des, None, DigestAlgorithm::Md5),
            oid::PBE_SHA1_DES => (Cipher::Des, None, DigestAlgorithm::Sha1),
            PBE_MD5_RC2 => (Cipher::Rc2 { effective_bits: 64 }, None, DigestAlgorithm::Md5),
            PBE_SHA1_RC2 => (Cipher::Rc2 { effective_bits: 64 }, None, DigestAlgorithm::Sha1),
            _ => return Err(Error::Unsupported { what: "password-based encryption", name: name_of(&scheme) }),
        };
        let mut reader = parameters.ok_or_else(|| missing(what))?.sequence(what)?;
        let salt = reader.required(Tag::OCTET_STRING, "PBE salt")?.octets("PBE salt")?.into_owned();
        let iterations = reader.required(Tag::INTEGER, "PBE iterations")?.small("PBE iterations")?;
        reader.finish(what)?;
        positive("password-based encryption", iterations)?;
        let derivation = match key_length {
            Some(key_length) => Derivation::Pkcs12 { salt, iterations, key_length },
            None => Derivation::Pbes1 { salt, iterations, digest },
        };
        Ok(Self { cipher, derivation })
    }

    fn pbes2(kdf: Kdf, encryption: &Element<'_>) -> Result<Self> {
        let (scheme, parameters) = algorithm(encryption, "PBES2 encryptionScheme")?;
        let what = "PBES2 cipher parameters";
        let (cipher, iv) = match scheme {
            oid::AES128_CBC => (Cipher::Aes128, None),
            oid::AES192_CBC => (Cipher::Aes192, None),
            oid::AES256_CBC => (Cipher::Aes256, None),
            oid::DES_EDE3_CBC => (Cipher::TripleDes, None),
            oid::DES_CBC => (Cipher::Des, None),
            oid::RC2_CBC => {
                let mut reader = parameters.ok_or_else(|| missing(what))?.sequence(what)?;
                // RFC 8018 appendix B.2.3: versions stand for effective lengths; absent means 32 bits.
                let effective_bits = match reader.optional(Tag::INTEGER, "rc2ParameterVersion")? {
                    None => 32,
                    Some(version) => match version.small("rc2ParameterVersion")? {
                        160 => 40,
                        120 => 64,
                        58 => 128,
                        bits @ 256..=1024 => bits as u16,
                        other => {
                            let why = format!("version {other} stands for no effective key length");
                            return Err(Error::Parameters { what: "RC2-CBC", why });
                        }
                    },
                };
                let iv = reader.required(Tag::OCTET_STRING, "RC2 iv")?.octets("RC2 iv")?.into_owned();
                reader.finish(what)?;
                (Cipher::Rc2 { effective_bits }, Some(iv))
            }
            _ => return Err(Error::Unsupported { what: "password-based cipher", name: name_of(&scheme) }),
        };
        let iv = match (iv, parameters) {
            (Some(iv), _) => iv,
            (None, Some(parameters)) => parameters.octets("PBES2 iv")?.into_owned(),
            (None, None) => return Err(missing("PBES2 iv")),
        };
        if iv.len() != cipher.iv_length() {
            let why = format!("its initialisation vector has {} octets, not {}", iv.len(), cipher.iv_length());
            return Err(Error::Parameters { what: "PBES2 cipher", why });
        }
        let key_length = match (cipher.key_length(), kdf.key_length()) {
            (Some(length), _) => length,
            (None, Some(written @ 5..=16)) => written as usize,
            (None, Some(written)) => {
                let why = format!("its keyLength is {written}, where 5 to 16 is read");
                return Err(Error::Parameters { what: "RC2-CBC", why });
            }
            (None, None) => return Err(missing("keyLength, which RC2-CBC needs")),
        };
        Ok(Self { cipher, derivation: Derivation::Pbes2 { kdf, key_length, iv } })
    }

    /// What it is, for notes and reports: "PBES2 AES-256-CBC", "PKCS#12 RC2-CBC-40".
    pub fn name(&self) -> String {
        let scheme = match self.derivation {
            Derivation::Pkcs12 { .. } => "PKCS#12",
            Derivation::Pbes1 { .. } => "PBES1",
            Derivation::Pbes2 { .. } => "PBES2",
        };
        format!("{scheme} {}", self.cipher.name())
    }

    /// Whether its cipher is one that nobody should write any more: DES, RC2, 3DES with any number of keys.
    pub fn is_legacy(&self) -> bool {
        !matches!(self.cipher, Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256)
    }

    /// Whether the password goes in as octets (PKCS#5) rather than as a BMPString (PKCS#12).
    pub fn takes_text(&self) -> bool {
        !matches!(self.derivation, Derivation::Pkcs12 { .. })
    }

    /// What its derivation costs, in iterations.
    pub fn cost(&self) -> u64 {
        match &self.derivation {
            Derivation::Pkcs12 { iterations, .. } | Derivation::Pbes1 { iterations, .. } => *iterations,
            Derivation::Pbes2 { kdf, .. } => kdf.cost(),
        }
    }

    /// Decrypts and takes the padding off.
    ///
    /// # Errors
    /// [`Error::WrongPasswordOrCorrupt`] for any fault of the ciphertext; the budget's errors before that.
    pub fn decrypt(&self, password: &Password, ciphertext: &[u8], budget: &mut KdfBudget) -> Result<Secret> {
        let (key, iv) = self.derivation.key_and_iv(password, budget)?;
        self.cipher.decrypt(&key, &iv, ciphertext)
    }
}

impl Derivation {
    fn key_and_iv(&self, password: &Password, budget: &mut KdfBudget) -> Result<(Secret, Vec<u8>)> {
        Ok(match self {
            Self::Pkcs12 { salt, iterations, key_length } => {
                // Both derivations belong to one encryption, whose iterations count once.
                budget.spend(*iterations)?;
                let derive = |purpose, length| {
                    pkcs12_kdf_with::<Sha1>(password.wide().expose(), salt, purpose, *iterations, length)
                };
                (derive(Use::Key, *key_length), derive(Use::Iv, 8).expose().to_vec())
            }
            Self::Pbes1 { salt, iterations, digest } => {
                budget.spend(*iterations)?;
                let text = password.text().expose();
                let derived = match digest {
                    DigestAlgorithm::Md5 => pbkdf1::<Md5>(text, salt, *iterations),
                    _ => pbkdf1::<Sha1>(text, salt, *iterations),
                };
                let (key, rest) = derived.expose().split_at_checked(8).ok_or_else(key_or_iv)?;
                (Secret::from(key), rest.get(..8).ok_or_else(key_or_iv)?.to_vec())
            }
            Self::Pbes2 { kdf, key_length, iv } => (kdf.derive(password.text(), *key_length, budget)?, iv.clone()),
        })
    }
}

/// Encrypts as the recipe says, under a fresh salt. Gives the AlgorithmIdentifier's DER and the ciphertext.
///
/// # Errors
/// Where no random numbers are to be had.
pub fn encrypt(
    recipe: &Recipe,
    password: &Password,
    plaintext: &[u8],
    random: &mut dyn Random,
) -> Result<(Vec<u8>, Vec<u8>)> {
    fn seal<C: KeyIvInit + BlockModeEncrypt>((key, iv): (Secret, Vec<u8>), plaintext: &[u8]) -> Result<Vec<u8>> {
        let cipher = C::new_from_slices(key.expose(), &iv).map_err(|_| key_or_iv())?;
        Ok(cipher.encrypt_padded_vec::<Pkcs7>(plaintext))
    }
    let salt = random_octets::<16>(random)?.to_vec();
    let (salt_der, iterations) = (der::octets(&salt), recipe.iterations);
    let mut budget = recipe.budget();
    match recipe.scheme {
        Scheme::Pbes2Aes256 => {
            let iv = random_octets::<16>(random)?.to_vec();
            let prf = der::sequence(&[der::oid(&oid::HMAC_SHA256), der::null()]);
            let kdf = der::sequence(&[salt_der, der::integer(iterations), prf]);
            let kdf = der::sequence(&[der::oid(&oid::PBKDF2), kdf]);
            let cipher = der::sequence(&[der::oid(&oid::AES256_CBC), der::octets(&iv)]);
            let algorithm = der::sequence(&[der::oid(&oid::PBES2), der::sequence(&[kdf, cipher])]);
            let kdf = Kdf::Pbkdf2 { salt, iterations, key_length: None, prf: DigestAlgorithm::Sha256 };
            let derived = Derivation::Pbes2 { kdf, key_length: 32, iv }.key_and_iv(password, &mut budget)?;
            Ok((algorithm, seal::<cbc::Encryptor<aes::Aes256>>(derived, plaintext)?))
        }
        Scheme::Pkcs12TripleDes => {
            let parameters = der::sequence(&[salt_der, der::integer(iterations)]);
            let algorithm = der::sequence(&[der::oid(&oid::PBE_SHA_3DES), parameters]);
            let derived = Derivation::Pkcs12 { salt, iterations, key_length: 24 }.key_and_iv(password, &mut budget)?;
            Ok((algorithm, seal::<cbc::Encryptor<des::TdesEde3>>(derived, plaintext)?))
        }
    }
}

/// The key and initialisation vector of a legacy encrypted PEM (OpenSSL's EVP_BytesToKey with MD5 and one iteration),
/// and its decryption. `cipher` is the name in the DEK-Info line, `iv` what stands after it, in octets.
///
/// # Errors
/// Where the cipher is another one, or the password does not fit.
pub fn open_legacy_pem(cipher: &str, iv: &[u8], password: &Password, ciphertext: &[u8]) -> Result<Secret> {
    let algorithm = match cipher {
        "AES-128-CBC" => Cipher::Aes128,
        "AES-192-CBC" => Cipher::Aes192,
        "AES-256-CBC" => Cipher::Aes256,
        "DES-EDE3-CBC" => Cipher::TripleDes,
        "DES-CBC" => Cipher::Des,
        other => return Err(Error::Unsupported { what: "PEM encryption", name: other.to_owned() }),
    };
    let length = algorithm.key_length().unwrap_or_default();
    let salt = iv.get(..8).filter(|_| iv.len() == algorithm.iv_length()).ok_or_else(key_or_iv)?;
    let mut key: Vec<u8> = Vec::with_capacity(length.saturating_add(16));
    let mut last = Vec::new();
    while key.len() < length {
        let hash = Md5::new().chain_update(&last).chain_update(password.text().expose()).chain_update(salt);
        last = hash.finalize().to_vec();
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    algorithm.decrypt(&Secret::new(key), iv, ciphertext)
}

/// pbeWithMD5AndRC2-CBC, RFC 8018 appendix C.
const PBE_MD5_RC2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.6");
/// pbeWithSHA1AndRC2-CBC.
const PBE_SHA1_RC2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.11");
