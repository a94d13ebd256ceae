//! Key wrap: a content-encryption key encrypted under a key-encryption key. AES by RFC 3394, 3DES and RC2 by RFC 3217;
//! RC2 is unwrapped only.

use super::algorithm::{ContentCipher, DigestAlgorithm, KeyWrap};
use super::content::{decrypt_blocks, encrypt_blocks};
use super::digest::hash;
use super::random::Random;
use super::{Error, Result};
use crate::base::secret::Secret;
use aes_kw::{KeyInit, KwAes128, KwAes192, KwAes256};
use cipher::{BlockModeDecrypt, InnerIvInit};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Wraps a key. Only 3DES draws randomness.
///
/// # Errors
/// [`Error::Length`] where a key has a length that the wrap cannot take; [`Error::UnsupportedAlgorithm`] for RC2, which
/// is never written; [`Error::Rng`].
pub fn wrap(wrap: KeyWrap, random: &mut dyn Random, kek: &Secret, key: &Secret) -> Result<Vec<u8>> {
    check_kek(wrap, kek)?;
    if wrap == KeyWrap::TripleDes {
        return wrap_triple_des(random, kek, key);
    }
    if wrap == KeyWrap::Rc2 {
        let oid = format!("{}, which is read and never written,", wrap.name());
        return Err(Error::UnsupportedAlgorithm { what: "wrapping a key with", oid });
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
    if wrap == KeyWrap::Rc2 {
        return unwrap_rc2(kek, RC2_BITS, wrapped);
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
    inner.extend(encrypt_blocks(ContentCipher::TripleDesCbc, kek.expose(), &iv, &plain)?);
    inner.reverse();
    encrypt_blocks(ContentCipher::TripleDesCbc, kek.expose(), &OUTER_IV, &inner)
}

/// RFC 3217 section 3.2. The parity of the key is not looked at: no cipher does.
fn unwrap_triple_des(kek: &Secret, wrapped: &[u8]) -> Result<Secret> {
    if wrapped.len() != 40 {
        return Err(Error::Decrypt);
    }
    let mut inner = decrypt_blocks(ContentCipher::TripleDesCbc, kek.expose(), &OUTER_IV, wrapped)?;
    inner.reverse();
    let (iv, rest) = inner.split_at_checked(8).ok_or(Error::Decrypt)?;
    let plain = decrypt_blocks(ContentCipher::TripleDesCbc, kek.expose(), iv, rest)?;
    let (key, check) = plain.split_at_checked(24).ok_or(Error::Decrypt)?;
    if bool::from(checksum(key).ct_eq(check)) { Ok(Secret::from(key)) } else { Err(Error::Decrypt) }
}

/// RFC 3217 section 4.2: a length octet, the key and up to seven octets of padding, under one checksum. The inner
/// content is at least one block, besides the checksum and the vector.
fn unwrap_rc2(kek: &Secret, effective_bits: usize, wrapped: &[u8]) -> Result<Secret> {
    if !(24..=MAX_WRAPPED).contains(&wrapped.len()) || !wrapped.len().is_multiple_of(8) {
        return Err(Error::Decrypt);
    }
    let mut inner = decrypt_rc2(kek, effective_bits, &OUTER_IV, wrapped)?;
    inner.reverse();
    let (iv, rest) = inner.split_at_checked(8).ok_or(Error::Decrypt)?;
    let plain = decrypt_rc2(kek, effective_bits, iv, rest)?;
    let (padded, check) = plain.split_at_checked(plain.len().saturating_sub(8)).ok_or(Error::Decrypt)?;
    if !bool::from(checksum(padded).ct_eq(check)) {
        return Err(Error::Decrypt);
    }
    // What follows is under the checksum, and so what the sender wrote.
    let (length, padded) = padded.split_first().ok_or(Error::Decrypt)?;
    let (key, padding) = padded.split_at_checked(usize::from(*length)).ok_or(Error::Decrypt)?;
    if padding.len() > 7 || key.is_empty() { Err(Error::Decrypt) } else { Ok(Secret::from(key)) }
}

/// RC2 in CBC, without padding; the lengths are judged before.
fn decrypt_rc2(kek: &Secret, effective_bits: usize, iv: &[u8], input: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let cipher = rc2::Rc2::new_with_eff_key_len(kek.expose(), effective_bits);
    let mut mode = cbc::Decryptor::inner_iv_slice_init(cipher, iv).map_err(|_| Error::Decrypt)?;
    let mut out = Zeroizing::new(input.to_vec());
    mode.decrypt_blocks(cipher::array::Array::slice_as_chunks_mut(&mut out).0);
    Ok(out)
}

/// RFC 3217 section 2: the first eight bytes of SHA-1.
fn checksum(key: &[u8]) -> Vec<u8> {
    let mut digest = hash(DigestAlgorithm::Sha1, key);
    digest.truncate(8);
    digest
}

/// Effective bits of the RC2 key-encryption key, which are those of the key (RFC 3370 section 4.3.2).
const RC2_BITS: usize = 128;
/// The vector, the largest key that a length octet can tell, its padding and the checksum.
const MAX_WRAPPED: usize = 8 + 256 + 8;
const OUTER_IV: [u8; 8] = [0x4a, 0xdd, 0xa2, 0x2c, 0x79, 0xe8, 0x21, 0x05];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::SystemRandom;

    #[test]
    fn what_is_wrapped_unwraps_and_nothing_else_does() {
        for algorithm in KeyWrap::ALL.into_iter().filter(|wrap| *wrap != KeyWrap::Rc2) {
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

    fn hex(text: &str) -> Vec<u8> {
        let text: String = text.split_whitespace().collect();
        (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn triple_des_as_in_rfc_3217_section_4_3() {
        let kek = Secret::new(hex("255e 0d1c 07b6 46df b313 4cc8 43ba 8aa7 1f02 5b7c 0838 251f"));
        let key = hex("2923 bf85 e06d d6ae 5291 49f1 f1ba e9ea b3a7 da3d 860d 3e98");
        let wrapped =
            hex("6901 0761 8ef0 92b3 b48c a179 6b23 4ae9 fa33 ebb4 1596 0403 7db5 d6a8 4eb3 aac2 768c 6327 75a4 67d4");
        assert_eq!(unwrap(KeyWrap::TripleDes, &kek, &wrapped).unwrap().expose(), key);
    }

    /// RFC 3217 section 4.1, with what section 4.3 draws at random given.
    fn wrap_rc2(kek: &Secret, effective_bits: usize, iv: &[u8], padded: &[u8]) -> Vec<u8> {
        use cipher::BlockModeEncrypt;
        let encrypt = |iv: &[u8], bytes: &mut Vec<u8>| {
            let cipher = rc2::Rc2::new_with_eff_key_len(kek.expose(), effective_bits);
            let mut mode = cbc::Encryptor::inner_iv_slice_init(cipher, iv).unwrap();
            mode.encrypt_blocks(cipher::array::Array::slice_as_chunks_mut(bytes).0);
        };
        let mut inner = [padded, &checksum(padded)].concat();
        encrypt(iv, &mut inner);
        let mut outer = [iv, &inner].concat();
        outer.reverse();
        encrypt(&OUTER_IV, &mut outer);
        outer
    }

    #[test]
    fn rc2_as_in_rfc_3217_section_4_3() {
        // The example has a key of 16 octets of which 40 bits count.
        let kek = Secret::new(hex("fd04 fd08 0607 07fb 0003 feff fd02 fe05"));
        let key = hex("b70a 25fb c9d8 6a86 050c e0d7 11ea d4d9");
        let wrapped =
            hex("70e6 99fb 5701 f783 3330 fb71 e87c 85a4 20bd c99a f05d 22af 5a0e 48d3 5f31 3898 6cba afb4 b28d 4f35");
        let padded = [&[16][..], &key, &hex("4845 cce7 fd12 50")].concat();
        assert_eq!(wrap_rc2(&kek, 40, &hex("c7d9 0059 b29e 97f7"), &padded), wrapped);
        assert_eq!(unwrap_rc2(&kek, 40, &wrapped).unwrap().expose(), key);
        assert!(matches!(unwrap(KeyWrap::Rc2, &kek, &wrapped), Err(Error::Decrypt)), "128 bits count for mail");
    }

    #[test]
    fn sec_076_rc2_unwraps_what_is_whole_and_nothing_else() {
        let kek = Secret::new((1..=16).collect());
        let of = |padded: &[u8]| wrap_rc2(&kek, 128, &[9; 8], padded);
        for length in [1, 5, 7, 8, 15, 16, 24, 255] {
            let mut padded = vec![length];
            padded.resize(1 + usize::from(length), 0x77);
            padded.resize(padded.len().next_multiple_of(8), 0);
            let wrapped = of(&padded);
            assert_eq!(unwrap(KeyWrap::Rc2, &kek, &wrapped).unwrap().expose(), vec![0x77; usize::from(length)]);
            for at in 0..wrapped.len() {
                assert!(matches!(unwrap(KeyWrap::Rc2, &kek, &wrapped[..at]), Err(Error::Decrypt)), "{at}");
                let mut bad = wrapped.clone();
                bad[at] ^= 0x10;
                assert!(matches!(unwrap(KeyWrap::Rc2, &kek, &bad), Err(Error::Decrypt)), "{at}");
            }
        }
        // A length octet beyond the content, one that leaves eight octets of padding, and one of nothing.
        for padded in [vec![24; 24], [&[15][..], &[1; 23]].concat(), vec![0; 8], vec![8; 8], vec![255; 16]] {
            assert!(matches!(unwrap(KeyWrap::Rc2, &kek, &of(&padded)), Err(Error::Decrypt)), "{padded:?}");
        }
        assert!(matches!(unwrap(KeyWrap::Rc2, &kek, &vec![0; 1 << 20]), Err(Error::Decrypt)));
        let short = Secret::new(vec![1; 5]);
        assert!(matches!(unwrap(KeyWrap::Rc2, &short, &[0; 24]), Err(Error::Length { .. })));
        let refused = wrap(KeyWrap::Rc2, &mut SystemRandom, &kek, &kek).unwrap_err().to_string();
        assert_eq!(refused, "wrapping a key with rc2-wrap, which is read and never written, is not supported");
    }
}
