//! Key transport: a content-encryption key encrypted for an RSA key (RFC 5652 section 6.2.1).

use super::algorithm::{DigestAlgorithm, KeyTransport};
use super::digest::hmac;
use super::private::{PrivateKey, PrivateMaterial, rsa_failure};
use super::random::{Random, Rng, SystemRandom};
use super::rsa_padding::{oaep_decode, raw_decrypt};
use super::signature::{Material, PublicKey, RsaUsage};
use super::{Error, Result};
use crate::base::secret::Secret;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

/// Runs an expression with `$D` standing for a digest that OAEP is done with: all but MD5.
macro_rules! with_oaep_digest {
    ($algorithm:expr, $D:ident => $body:expr) => {
        match $algorithm {
            DigestAlgorithm::Sha1 => {
                type $D = sha1::Sha1;
                $body
            }
            DigestAlgorithm::Sha224 => {
                type $D = sha2::Sha224;
                $body
            }
            DigestAlgorithm::Sha256 => {
                type $D = sha2::Sha256;
                $body
            }
            DigestAlgorithm::Sha384 => {
                type $D = sha2::Sha384;
                $body
            }
            DigestAlgorithm::Sha512 => {
                type $D = sha2::Sha512;
                $body
            }
            DigestAlgorithm::Md5 => Err(Error::UnsupportedAlgorithm { what: "digest of OAEP", oid: "md5".into() }),
        }
    };
}

impl PublicKey {
    /// Encrypts a key for whoever holds the private half.
    ///
    /// # Errors
    /// [`Error::WrongKey`]; [`Error::Length`] where the plaintext is too long for the key; [`Error::Rng`].
    pub fn encrypt(&self, transport: &KeyTransport, plaintext: &[u8]) -> Result<Vec<u8>> {
        self.encrypt_with(&mut SystemRandom, transport, plaintext)
    }

    /// [`encrypt`](Self::encrypt) with another source of randomness.
    ///
    /// # Errors
    /// As it.
    pub fn encrypt_with(&self, random: &mut dyn Random, transport: &KeyTransport, plaintext: &[u8]) -> Result<Vec<u8>> {
        let Material::Rsa { key, usage: RsaUsage::Any } = &self.material else {
            return Err(self.wrong_for(&transport.name()));
        };
        let room = match transport {
            KeyTransport::RsaPkcs1 => key.size().saturating_sub(11),
            KeyTransport::RsaOaep { hash, .. } => key.size().saturating_sub(2 * hash.length() + 2),
        };
        if plaintext.len() > room {
            let expected = format!("at most {room}");
            return Err(Error::Length { what: "the key to be encrypted", expected, found: plaintext.len() });
        }
        let mut rng = Rng(random);
        match transport {
            KeyTransport::RsaPkcs1 => key.encrypt(&mut rng, rsa::Pkcs1v15Encrypt, plaintext).map_err(rsa_failure),
            KeyTransport::RsaOaep { hash, mgf_hash, label } => {
                with_oaep_digest!(*hash, D => with_oaep_digest!(*mgf_hash, M => {
                    let padding = rsa::Oaep::<D, M>::new_with_mgf_hash_and_label(label.as_slice());
                    key.encrypt(&mut rng, padding, plaintext).map_err(rsa_failure)
                }))
            }
        }
    }
}

impl PrivateKey {
    /// Decrypts a key of `expected_length` bytes.
    ///
    /// With PKCS#1 v1.5 nothing tells whether the padding was good (SEC-70): where it was not, or the plaintext has
    /// another length, there comes out a key that is a function of the private key and the ciphertext, and what it
    /// is used for fails.
    ///
    /// # Errors
    /// [`Error::Decrypt`] where the ciphertext is not as long as the modulus or not below it, which everybody can see,
    /// or OAEP does not fit; [`Error::WrongKey`]; [`Error::UnsupportedAlgorithm`]; [`Error::Rng`].
    pub fn decrypt(&self, transport: &KeyTransport, ciphertext: &[u8], expected_length: usize) -> Result<Secret> {
        self.decrypt_with(&mut SystemRandom, transport, ciphertext, expected_length)
    }

    /// [`decrypt`](Self::decrypt) with another source of randomness, which blinds.
    ///
    /// # Errors
    /// As it.
    pub fn decrypt_with(
        &self,
        random: &mut dyn Random,
        transport: &KeyTransport,
        ciphertext: &[u8],
        expected_length: usize,
    ) -> Result<Secret> {
        let PrivateMaterial::Rsa { key, usage } = &self.material else {
            return Err(self.wrong_for(&transport.name()));
        };
        if usage.usage != RsaUsage::Any {
            return Err(self.wrong_for(&transport.name()));
        }
        if ciphertext.len() != key.size() {
            return Err(Error::Decrypt);
        }
        let mut rng = Rng(random);
        match transport {
            KeyTransport::RsaPkcs1 => {
                let plain = key.decrypt_blinded(&mut rng, rsa::Pkcs1v15Encrypt, ciphertext).map_err(failure)?;
                Ok(of_length(key, ciphertext, &Zeroizing::new(plain), expected_length))
            }
            KeyTransport::RsaOaep { hash: DigestAlgorithm::Md5, .. }
            | KeyTransport::RsaOaep { mgf_hash: DigestAlgorithm::Md5, .. } => {
                Err(Error::UnsupportedAlgorithm { what: "digest of OAEP", oid: "md5".into() })
            }
            KeyTransport::RsaOaep { hash, mgf_hash, label } => {
                let mut block = raw_decrypt(key, &mut rng, ciphertext)?;
                oaep_decode(&mut block, (*hash, *mgf_hash), label, expected_length)
            }
        }
    }
}

/// The plaintext where it has the length, else as many bytes that nobody without the private key can foresee; chosen
/// without a branch. The arithmetic below rejects implicitly with a plaintext of random length, so that the length
/// must not show either.
fn of_length(key: &rsa::PrivateKey, ciphertext: &[u8], plain: &[u8], expected: usize) -> Secret {
    let d = Zeroizing::new(key.d().to_be_bytes());
    let seed = hmac(DigestAlgorithm::Sha256, &d, ciphertext);
    let mut chosen = Vec::with_capacity(expected);
    let fits = (plain.len() as u64).ct_eq(&(expected as u64));
    let mut counter = 0u32;
    while chosen.len() < expected {
        let block = hmac(DigestAlgorithm::Sha256, seed.expose(), &counter.to_be_bytes());
        counter = counter.wrapping_add(1);
        for other in block.expose() {
            if chosen.len() < expected {
                let byte = plain.get(chosen.len()).copied().unwrap_or_default();
                chosen.push(u8::conditional_select(other, &byte, fits));
            }
        }
    }
    Secret::new(chosen)
}

/// Errors of decryption: all are one, but that there is no randomness.
pub(crate) fn failure(error: rsa::Error) -> Error {
    match error {
        rsa::Error::Rng => rsa_failure(error),
        _ => Error::Decrypt,
    }
}
