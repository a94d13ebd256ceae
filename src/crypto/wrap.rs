//! Key wrap: a content-encryption key encrypted under a key-encryption key. AES by RFC 3394, 3DES by RFC 3217.

use super::algorithm::{ContentCipher, DigestAlgorithm, KeyWrap};
use super::content::{CbcDecryptor, CbcEncryptor};
use super::digest::hash;
use super::random::Random;
use super::{Error, Result};
use crate::base::secret::Secret;
use aes_kw::{KeyInit, KwAes128, KwAes192, KwAes256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Wraps a key. Only 3DES draws randomness.
///
/// # Errors
/// [`Error::Length`] where a key has a length that the wrap cannot take; [`Error::Rng`].
pub fn wrap(wrap: KeyWrap, random: &mut dyn Random, kek: &Secret, key: &Secret) -> Result<Vec<u8>> {
    check_kek(wrap, kek)?;
    if wrap == KeyWrap::TripleDes {
        return wrap_triple_des(random, kek, key);
    }
    if key.len() < 16 || !key.len().is_multiple_of(8) {
        let expected = "16 or more, a multiple of 8".into();
        return Err(Error::Length { what: "the key to be wrapped", expected, found: key.len() });
    }
    let mut out = vec![0; key.len() + 8];
    let done = match wrap {
        KeyWrap::Aes128 => {
            KwAes128::new_from_slice(kek.expose()).is_ok_and(|k| k.wrap_key(key.expose(), &mut out).is_ok())
        }
        KeyWrap::Aes192 => {
            KwAes192::new_from_slice(kek.expose()).is_ok_and(|k| k.wrap_key(key.expose(), &mut out).is_ok())
        }
        _ => KwAes256::new_from_slice(kek.expose()).is_ok_and(|k| k.wrap_key(key.expose(), &mut out).is_ok()),
    };
    // Both lengths are judged above.
    if done {
        Ok(out)
    } else {
        Err(Error::Length { what: "the key to be wrapped", expected: "another".into(), found: key.len() })
    }
}

/// Unwraps a key.
///
/// # Errors
/// [`Error::Decrypt`] where the check value is wrong or the length impossible (SEC-76); [`Error::Length`] where the
/// key-encryption key has another length than the wrap's.
pub fn unwrap(wrap: KeyWrap, kek: &Secret, wrapped: &[u8]) -> Result<Secret> {
    check_kek(wrap, kek)?;
    if wrap == KeyWrap::TripleDes {
        return unwrap_triple_des(kek, wrapped);
    }
    if wrapped.len() < 24 || !wrapped.len().is_multiple_of(8) {
        return Err(Error::Decrypt);
    }
    let mut out = Zeroizing::new(vec![0; wrapped.len() - 8]);
    let done = match wrap {
        KeyWrap::Aes128 => {
            KwAes128::new_from_slice(kek.expose()).is_ok_and(|k| k.unwrap_key(wrapped, &mut out).is_ok())
        }
        KeyWrap::Aes192 => {
            KwAes192::new_from_slice(kek.expose()).is_ok_and(|k| k.unwrap_key(wrapped, &mut out).is_ok())
        }
        _ => KwAes256::new_from_slice(kek.expose()).is_ok_and(|k| k.unwrap_key(wrapped, &mut out).is_ok()),
    };
    if done { Ok(Secret::new(std::mem::take(&mut *out))) } else { Err(Error::Decrypt) }
}

fn check_kek(wrap: KeyWrap, kek: &Secret) -> Result<()> {
    if kek.len() == wrap.key_length() {
        return Ok(());
    }
    let expected = wrap.key_length().to_string();
    Err(Error::Length { what: "the key-encryption key", expected, found: kek.len() })
}

/// RFC 3217 section 3.1: the key and its checksum in CBC under a random vector, all of it reversed, in CBC again.
fn wrap_triple_des(random: &mut dyn Random, kek: &Secret, key: &Secret) -> Result<Vec<u8>> {
    if key.len() != 24 {
        return Err(Error::Length { what: "the key to be wrapped", expected: "24".into(), found: key.len() });
    }
    let mut plain = Zeroizing::new(key.expose().to_vec());
    plain.extend_from_slice(&checksum(key.expose()));
    let iv = super::random::bytes(random, 8)?;
    let mut inner = iv.clone();
    CbcEncryptor::new(ContentCipher::TripleDesCbc, kek.expose(), &iv)?.update(&plain, &mut inner);
    inner.reverse();
    let mut out = Vec::with_capacity(40);
    CbcEncryptor::new(ContentCipher::TripleDesCbc, kek.expose(), &OUTER_IV)?.update(&inner, &mut out);
    Ok(out)
}

/// RFC 3217 section 3.2. The parity of the key is not looked at: no cipher does.
fn unwrap_triple_des(kek: &Secret, wrapped: &[u8]) -> Result<Secret> {
    if wrapped.len() != 40 {
        return Err(Error::Decrypt);
    }
    let mut inner = decrypt_blocks(kek, &OUTER_IV, wrapped)?;
    inner.reverse();
    let (iv, rest) = inner.split_at_checked(8).ok_or(Error::Decrypt)?;
    let plain = decrypt_blocks(kek, iv, rest)?;
    let (key, check) = plain.split_at_checked(24).ok_or(Error::Decrypt)?;
    if bool::from(checksum(key).ct_eq(check)) { Ok(Secret::from(key)) } else { Err(Error::Decrypt) }
}

/// CBC without padding.
fn decrypt_blocks(kek: &Secret, iv: &[u8], input: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut decryptor = CbcDecryptor::new(ContentCipher::TripleDesCbc, kek.expose(), iv)?;
    let mut out = Zeroizing::new(Vec::with_capacity(input.len() + 8));
    // The decryptor keeps the last block back for its padding, so it is given one more.
    decryptor.update(input, &mut out);
    decryptor.update(&[0; 8], &mut out);
    Ok(out)
}

/// RFC 3217 section 2: the first eight bytes of SHA-1.
fn checksum(key: &[u8]) -> Vec<u8> {
    let mut digest = hash(DigestAlgorithm::Sha1, key);
    digest.truncate(8);
    digest
}

const OUTER_IV: [u8; 8] = [0x4a, 0xdd, 0xa2, 0x2c, 0x79, 0xe8, 0x21, 0x05];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;

    #[test]
    fn what_is_wrapped_unwraps_and_nothing_else_does() {
        for algorithm in KeyWrap::ALL {
            let kek = Secret::new(vec![3; algorithm.key_length()]);
            let key = Secret::new((0..24).collect());
            let wrapped = wrap(algorithm, &mut SystemRandom, &kek, &key).unwrap();
            assert_eq!(unwrap(algorithm, &kek, &wrapped).unwrap(), key);
            for at in 0..wrapped.len() {
                let mut bad = wrapped.clone();
                bad[at] ^= 1;
                assert!(matches!(unwrap(algorithm, &kek, &bad), Err(Error::Decrypt)), "SEC-76 {at}");
            }
            for length in [0, 8, 16, 23, 25, 39, 41] {
                assert!(matches!(unwrap(algorithm, &kek, &vec![0; length]), Err(Error::Decrypt)), "{length}");
            }
            let short = Secret::new(vec![3; 8]);
            assert!(matches!(unwrap(algorithm, &short, &wrapped), Err(Error::Length { .. })));
            assert!(matches!(wrap(algorithm, &mut SystemRandom, &kek, &short), Err(Error::Length { .. })));
        }
    }

    #[test]
    fn triple_des_as_in_rfc_3217_section_4_3() {
        let hex = |text: &str| -> Vec<u8> {
            let text: String = text.split_whitespace().collect();
            (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
        };
        let kek = Secret::new(hex("255e 0d1c 07b6 46df b313 4cc8 43ba 8aa7 1f02 5b7c 0838 251f"));
        let key = hex("2923 bf85 e06d d6ae 5291 49f1 f1ba e9ea b3a7 da3d 860d 3e98");
        let wrapped =
            hex("6901 0761 8ef0 92b3 b48c a179 6b23 4ae9 fa33 ebb4 1596 0403 7db5 d6a8 4eb3 aac2 768c 6327 75a4 67d4");
        assert_eq!(unwrap(KeyWrap::TripleDes, &kek, &wrapped).unwrap().expose(), key);
    }
}
