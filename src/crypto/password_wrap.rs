//! The key wrap of password recipients: id-alg-PWRI-KEK (RFC 3211 section 2.3). A content-encryption key is encrypted
//! twice in CBC under a key that was derived from a password, with three check bytes and nothing else to tell a right
//! key from a wrong one.

use super::algorithm::{AlgorithmIdentifier, CipherParameters, ContentCipher};
use super::content::{decrypt_blocks, encrypt_blocks};
use super::random::{self, Random};
use super::{Error, Result};
use crate::asn1::oid;
use crate::base::secret::Secret;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The keyEncryptionAlgorithm of a PasswordRecipientInfo: the cipher of the wrap and its vector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PasswordWrap {
    cipher: ContentCipher,
    iv: Vec<u8>,
}

impl PasswordWrap {
    /// A new one with a fresh vector, for writing.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`] for anything but AES or 3DES in CBC; [`Error::Rng`].
    pub fn generate(cipher: ContentCipher, random: &mut dyn Random) -> Result<Self> {
        check_cipher(cipher)?;
        Ok(Self { cipher, iv: random::bytes(random, cipher.iv_length())? })
    }

    /// Reads the identifier, whose parameters are that of the inner cipher.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`] by name for another wrap, and for an inner cipher other than AES or 3DES in CBC: RC2
    /// and DES are not read here, and a stream cipher must never be (SEC-77); [`Error::Parameters`]; [`Error::Asn1`].
    pub fn from_identifier(id: &AlgorithmIdentifier) -> Result<Self> {
        if id.oid != oid::PWRI_KEK {
            return id.unsupported("key wrap of a password recipient");
        }
        let Some(parameters) = &id.parameters else {
            return Err(Error::Parameters {
                what: "the password recipient's key wrap",
                why: "the cipher is absent".into(),
            });
        };
        let CipherParameters { cipher, iv, .. } =
            CipherParameters::from_identifier(&AlgorithmIdentifier::from_der(parameters)?)?;
        check_cipher(cipher)?;
        Ok(Self { cipher, iv })
    }

    /// To be written.
    pub fn identifier(&self) -> AlgorithmIdentifier {
        let inner = CipherParameters { cipher: self.cipher, iv: self.iv.clone(), tag_length: 0 };
        AlgorithmIdentifier::with(oid::PWRI_KEK, inner.identifier().to_der())
    }

    /// The cipher that wraps.
    pub fn cipher(&self) -> ContentCipher {
        self.cipher
    }

    /// Bytes of the key-encryption key: what is to be derived from the password.
    pub fn key_length(&self) -> usize {
        self.cipher.key_length()
    }
}

/// Wraps a key.
///
/// # Errors
/// [`Error::Length`] where the key has less than 3 or more than 255 bytes, or the key-encryption key has another length than
/// the cipher's; [`Error::Rng`].
pub fn wrap(wrap: &PasswordWrap, random: &mut dyn Random, kek: &Secret, key: &Secret) -> Result<Vec<u8>> {
    let block = wrap.cipher.block_length();
    let (Ok(length), [a, b, c, ..]) = (u8::try_from(key.len()), key.expose()) else {
        return Err(Error::Length { what: "the key to be wrapped", expected: "3 to 255".into(), found: key.len() });
    };
    let mut plain = Zeroizing::new(vec![length, !a, !b, !c]);
    plain.extend_from_slice(key.expose());
    // Random padding up to whole blocks, and to two of them at least.
    let whole = plain.len().next_multiple_of(block).max(2 * block);
    let padding = random::bytes(random, whole - plain.len())?;
    plain.extend_from_slice(&padding);
    let inner = encrypt_blocks(wrap.cipher, kek.expose(), &wrap.iv, &plain)?;
    // The second pass goes on from the last block of the first.
    let last = inner.len().checked_sub(block).and_then(|at| inner.get(at..)).unwrap_or_default();
    encrypt_blocks(wrap.cipher, kek.expose(), last, &inner)
}

/// Unwraps a key of `length` bytes, which the content cipher tells.
///
/// Check bytes and length are judged together, without a branch on either. Three check bytes let one wrong password in
/// sixteen million pass, and then the content decides.
///
/// # Errors
/// [`Error::Decrypt`] where they are wrong, or the ciphertext is shorter than two blocks, longer than any key makes it, or
/// not whole blocks (SEC-77, CVE-2025-9230); [`Error::Length`] where the key-encryption key has another length than the
/// cipher's.
pub fn unwrap(wrap: &PasswordWrap, kek: &Secret, wrapped: &[u8], length: usize) -> Result<Secret> {
    let cipher = wrap.cipher;
    let block = cipher.block_length();
    // The lengths are no secret: whoever sends it chose them.
    if !(2 * block..=MAX_WRAPPED).contains(&wrapped.len()) || !wrapped.len().is_multiple_of(block) {
        return Err(Error::Decrypt);
    }
    let (before, last) = wrapped.split_at_checked(wrapped.len() - block).ok_or(Error::Decrypt)?;
    let previous = before.get(before.len().saturating_sub(block)..).ok_or(Error::Decrypt)?;
    let outer_iv = decrypt_blocks(cipher, kek.expose(), previous, last)?;
    let inner = decrypt_blocks(cipher, kek.expose(), &outer_iv, wrapped)?;
    let plain = decrypt_blocks(cipher, kek.expose(), &wrap.iv, &inner)?;
    let (head, rest) = plain.split_at_checked(HEAD).ok_or(Error::Decrypt)?;
    let (Ok(expected), Some(key)) = (u8::try_from(length), rest.get(..length)) else { return Err(Error::Decrypt) };
    let [said, checks @ ..] = head else { return Err(Error::Decrypt) };
    let mut good = said.ct_eq(&expected) & !(length as u32).ct_eq(&0);
    // A key shorter than its check bytes has none (the padding stands in their place).
    for (check, byte) in checks.iter().zip(rest) {
        good &= (check ^ byte).ct_eq(&0xff);
    }
    if bool::from(good) { Ok(Secret::from(key)) } else { Err(Error::Decrypt) }
}

fn check_cipher(cipher: ContentCipher) -> Result<()> {
    use ContentCipher::{Aes128Cbc, Aes192Cbc, Aes256Cbc, TripleDesCbc};
    if matches!(cipher, Aes128Cbc | Aes192Cbc | Aes256Cbc | TripleDesCbc) {
        return Ok(());
    }
    let oid = format!("{cipher} ({})", cipher.oid());
    Err(Error::UnsupportedAlgorithm { what: "the cipher of a password recipient's key wrap,", oid })
}

/// The length byte and the three check bytes.
const HEAD: usize = 4;
/// The largest key that a length byte can tell, in blocks of sixteen bytes.
const MAX_WRAPPED: usize = (HEAD + 255_usize).next_multiple_of(16);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::der;
    use crate::crypto::random::SystemRandom;

    const CIPHERS: [ContentCipher; 4] =
        [ContentCipher::Aes128Cbc, ContentCipher::Aes192Cbc, ContentCipher::Aes256Cbc, ContentCipher::TripleDesCbc];

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    /// Encrypts a head and a key of the test's choice as [`wrap`] does.
    fn forge(wrap: &PasswordWrap, kek: &Secret, plain: &[u8]) -> Vec<u8> {
        let inner = encrypt_blocks(wrap.cipher, kek.expose(), &wrap.iv, plain).unwrap();
        let last = &inner[inner.len() - wrap.cipher.block_length()..];
        encrypt_blocks(wrap.cipher, kek.expose(), last, &inner).unwrap()
    }

    struct Fixed(Vec<u8>);

    impl Random for Fixed {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
            let rest = self.0.split_off(bytes.len());
            bytes.copy_from_slice(&std::mem::replace(&mut self.0, rest));
            Ok(())
        }
    }

    #[test]
    fn as_in_rfc_3211_section_3() {
        for (cipher, kek, iv, padding, key, wrapped) in [
            (
                ContentCipher::DesCbc,
                "d1daa78615f287e6",
                "efe598ef21b33d6d",
                "c436f541",
                "8c627c897323a2f8",
                "b81b2565ee373ca6dedca26a178b0c10",
            ),
            (
                ContentCipher::TripleDesCbc,
                "6a8970bf68c92caea84a8df28510858607126380cc47ab2d",
                "baf1ca7931213c4e",
                "fa060a45",
                "8c637d887223a2f965b566eb014b0fa5d52300a3f7ea40fffc577203c71baf3b",
                "c03c514abdb9e2c5aac038572b5e24553876b377aafb82eca5a9d73f8ab143d9ec74e6cad7db260c",
            ),
        ] {
            let scheme = PasswordWrap { cipher, iv: hex(iv) };
            let (kek, key, wrapped) = (Secret::new(hex(kek)), Secret::new(hex(key)), hex(wrapped));
            assert_eq!(wrap(&scheme, &mut Fixed(hex(padding)), &kek, &key).unwrap(), wrapped);
            assert_eq!(unwrap(&scheme, &kek, &wrapped, key.len()).unwrap(), key);
        }
    }

    #[test]
    fn what_is_wrapped_unwraps_under_its_key_and_length_only() {
        for cipher in CIPHERS {
            let scheme = PasswordWrap::generate(cipher, &mut SystemRandom).unwrap();
            assert_eq!(PasswordWrap::from_identifier(&scheme.identifier()).unwrap(), scheme);
            let kek = Secret::new(random::bytes(&mut SystemRandom, scheme.key_length()).unwrap());
            for length in [3, 5, 8, 12, 13, 16, 24, 28, 29, 32, 64, 255] {
                let key = Secret::new(random::bytes(&mut SystemRandom, length).unwrap());
                let wrapped = wrap(&scheme, &mut SystemRandom, &kek, &key).unwrap();
                assert!(wrapped.len() >= 2 * cipher.block_length());
                assert_eq!(unwrap(&scheme, &kek, &wrapped, length).unwrap(), key, "{cipher} {length}");
                for other in (0..300).filter(|other| *other != length) {
                    assert!(matches!(unwrap(&scheme, &kek, &wrapped, other), Err(Error::Decrypt)), "{other}");
                }
            }
            let short = Secret::new(vec![1; 7]);
            let key = Secret::new(vec![1; 16]);
            assert!(matches!(wrap(&scheme, &mut SystemRandom, &short, &key), Err(Error::Length { .. })));
            assert!(matches!(unwrap(&scheme, &short, &[0; 64], 16), Err(Error::Length { .. })));
            for length in [0, 1, 2, 256] {
                let key = Secret::new(vec![1; length]);
                assert!(matches!(wrap(&scheme, &mut SystemRandom, &kek, &key), Err(Error::Length { .. })), "{length}");
            }
        }
    }

    #[test]
    fn sec_077_check_bytes_and_the_length_byte_decide() {
        for cipher in CIPHERS {
            let block = cipher.block_length();
            let scheme = PasswordWrap { cipher, iv: vec![7; block] };
            let kek = Secret::new((0..scheme.key_length() as u8).collect());
            let plain = [&[16, !1, !2, !3, 1, 2, 3][..], &[9; 25]].concat();
            let opens = |plain: &[u8]| unwrap(&scheme, &kek, &forge(&scheme, &kek, plain), 16).is_ok();
            assert!(opens(&plain));
            for at in 0..7 {
                for bit in 0..8 {
                    let mut bad = plain.clone();
                    bad[at] ^= 1 << bit;
                    assert!(!opens(&bad), "{cipher} {at} {bit}");
                }
            }
            // A length byte beyond the buffer, even where the caller expects that length.
            let beyond = [&[32, !1, !2, !3, 1, 2, 3][..], &[9; 25]].concat();
            for expected in [29, 32, 252, 255, 256, usize::MAX] {
                let result = unwrap(&scheme, &kek, &forge(&scheme, &kek, &beyond), expected);
                assert!(matches!(result, Err(Error::Decrypt)), "{expected}");
            }
            let nothing = [&[0, !1, !2, !3, 1, 2, 3][..], &[9; 25]].concat();
            assert!(matches!(unwrap(&scheme, &kek, &forge(&scheme, &kek, &nothing), 0), Err(Error::Decrypt)));
        }
    }

    #[test]
    fn sec_077_lengths_that_no_wrap_has_fail_alike() {
        for cipher in CIPHERS {
            let block = cipher.block_length();
            let scheme = PasswordWrap { cipher, iv: vec![7; block] };
            let kek = Secret::new(vec![5; scheme.key_length()]);
            let key = Secret::new(vec![6; 16]);
            let wrapped = wrap(&scheme, &mut SystemRandom, &kek, &key).unwrap();
            for length in 0..wrapped.len() {
                assert!(matches!(unwrap(&scheme, &kek, &wrapped[..length], 16), Err(Error::Decrypt)), "{length}");
            }
            for length in [block, 2 * block - 1, 2 * block + 1, 288, 4096, 1 << 20] {
                assert!(matches!(unwrap(&scheme, &kek, &vec![0; length], 16), Err(Error::Decrypt)), "{length}");
            }
            for at in 0..wrapped.len() {
                let mut bad = wrapped.clone();
                bad[at] ^= 0x80;
                // The last block is the vector of the rest, so any change reaches the head but by chance of 2^-32.
                if let Ok(other) = unwrap(&scheme, &kek, &bad, 16) {
                    assert_ne!(other, key, "{at}");
                }
            }
        }
    }

    #[test]
    fn sec_077_ciphers_that_do_not_wrap_are_refused_by_name() {
        let read = |inner: AlgorithmIdentifier| {
            PasswordWrap::from_identifier(&AlgorithmIdentifier::with(oid::PWRI_KEK, inner.to_der()))
        };
        for cipher in ContentCipher::ALL {
            let tag_length = if cipher.is_aead() { 16 } else { 0 };
            let inner = CipherParameters { cipher, iv: vec![1; cipher.iv_length()], tag_length }.identifier();
            match read(inner) {
                Ok(scheme) => assert!(CIPHERS.contains(&scheme.cipher())),
                Err(error) => assert!(error.to_string().contains(cipher.name()), "{error}"),
            }
            assert_eq!(PasswordWrap::generate(cipher, &mut SystemRandom).is_ok(), CIPHERS.contains(&cipher));
        }
        let rc4 = read(AlgorithmIdentifier::with_null("1.2.840.113549.3.4".parse().unwrap())).unwrap_err();
        assert!(matches!(rc4, Error::UnsupportedAlgorithm { .. }), "{rc4}");
        let wrong_iv = AlgorithmIdentifier::with(oid::AES128_CBC, der::octets(&[1; 8]));
        assert!(matches!(read(wrong_iv), Err(Error::Parameters { .. })));
        assert!(matches!(read(AlgorithmIdentifier::new(oid::AES128_CBC)), Err(Error::Parameters { .. })));
        let absent = AlgorithmIdentifier::new(oid::PWRI_KEK);
        assert!(matches!(PasswordWrap::from_identifier(&absent), Err(Error::Parameters { .. })));
        let other = PasswordWrap::from_identifier(&AlgorithmIdentifier::new(oid::AES128_WRAP)).unwrap_err();
        assert!(other.to_string().contains("aes128-wrap"), "{other}");
        let whole = PasswordWrap { cipher: ContentCipher::Aes128Cbc, iv: vec![1; 16] }.identifier().parameters.unwrap();
        for length in 0..whole.len() {
            let cut = AlgorithmIdentifier::with(oid::PWRI_KEK, whole[..length].to_vec());
            assert!(matches!(PasswordWrap::from_identifier(&cut), Err(Error::Asn1(_))), "{length}");
        }
    }
}
