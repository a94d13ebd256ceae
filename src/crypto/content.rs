//! Content encryption in a stream: AES and 3DES in CBC with the padding of RFC 5652 section 6.3, and AES-GCM. DES and RC2
//! are decrypted and never encrypted with (SEC-78). AES is done by the kernels of this crate where the processor has
//! instructions for it, and by portable code elsewhere.
//!
//! The decrypting halves hand out bytes before they are judged. Whoever calls them keeps those bytes to itself until
//! `finish` was good (SEC-63, SEC-67).

mod cbc;
mod gcm;

use super::algorithm::ContentCipher;
#[cfg(target_arch = "x86_64")]
use super::kernel::aes::Cpu;
use super::{Error, Result};
use crate::base::secret::Secret;

pub use cbc::{CbcDecryptor, CbcEncryptor, padding_is_valid};
pub(super) use cbc::{decrypt_blocks, encrypt_blocks};
pub use gcm::{GcmDecryptor, GcmEncryptor, GcmOpener};

/// A fresh key and a fresh vector or nonce for one message (SEC-84).
///
/// # Errors
/// [`Error::Rng`].
pub fn fresh(cipher: ContentCipher, random: &mut dyn super::random::Random) -> Result<(Secret, Vec<u8>)> {
    let key = Secret::new(super::random::bytes(random, cipher.key_length())?);
    Ok((key, super::random::bytes(random, cipher.iv_length())?))
}

fn check_lengths(cipher: ContentCipher, key: &[u8], iv: &[u8]) -> Result<()> {
    for (what, expected, found) in [
        ("the content-encryption key", cipher.key_length(), key),
        ("the initialisation vector", cipher.iv_length(), iv),
    ] {
        if found.len() != expected {
            return Err(Error::Length { what, expected: expected.to_string(), found: found.len() });
        }
    }
    Ok(())
}

fn not_a_mode(cipher: ContentCipher, mode: &str) -> Error {
    Error::WrongKey { needs: mode.into(), found: cipher.name().into() }
}

/// What the kernels run on. Without the feature `fast` there is nothing.
#[cfg(target_arch = "x86_64")]
fn accelerated() -> Option<Cpu> {
    if cfg!(feature = "fast") { Cpu::detect() } else { None }
}

/// There are no kernels for this architecture.
#[cfg(not(target_arch = "x86_64"))]
fn accelerated() -> Option<Cpu> {
    None
}

#[cfg(not(target_arch = "x86_64"))]
#[derive(Clone, Copy, Debug)]
enum Cpu {}

/// Portable code, and the kernels for every width of instruction that the processor has.
#[cfg(test)]
fn implementations() -> Vec<Option<Cpu>> {
    #[cfg(target_arch = "x86_64")]
    let kernels = Cpu::variants();
    #[cfg(not(target_arch = "x86_64"))]
    let kernels = Vec::new();
    [None].into_iter().chain(kernels.into_iter().map(Some)).collect()
}

/// A message in pieces that end at these places.
#[cfg(test)]
fn pieces<'m>(message: &'m [u8], ends: &[usize]) -> Vec<&'m [u8]> {
    let mut ends: Vec<usize> = ends.iter().map(|end| end % (message.len() + 1)).collect();
    ends.extend([0, message.len()]);
    ends.sort_unstable();
    ends.windows(2).map(|pair| &message[pair[0]..pair[1]]).collect()
}

#[cfg(test)]
mod tests {
    use super::cbc::judge_padding;
    use super::*;
    use crate::crypto::random::SystemRandom;

    const CBC: [ContentCipher; 8] = [
        ContentCipher::Aes128Cbc,
        ContentCipher::Aes192Cbc,
        ContentCipher::Aes256Cbc,
        ContentCipher::TripleDesCbc,
        ContentCipher::Rc2Cbc40,
        ContentCipher::Rc2Cbc64,
        ContentCipher::Rc2Cbc128,
        ContentCipher::DesCbc,
    ];
    const GCM: [ContentCipher; 3] = [ContentCipher::Aes128Gcm, ContentCipher::Aes192Gcm, ContentCipher::Aes256Gcm];

    #[test]
    fn cbc_reads_back_in_pieces_of_any_size() {
        for cipher in CBC {
            let (key, iv) = fresh(cipher, &mut SystemRandom).unwrap();
            for length in (0..70).chain([4096, 5000]) {
                let message: Vec<u8> = (0..length).map(|i| i as u8).collect();
                let mut sealed = b"before".to_vec();
                let mut encryptor = CbcEncryptor::new(cipher, key.expose(), &iv).unwrap();
                message.chunks(7).for_each(|chunk| encryptor.update(chunk, &mut sealed));
                encryptor.finish(&mut sealed);
                let sealed = &sealed[6..];
                assert_eq!(sealed.len(), (length / cipher.block_length() + 1) * cipher.block_length());
                for size in [1, 8, 15, 16, 17, 33, 10_000] {
                    let mut opened = Vec::new();
                    let mut decryptor = CbcDecryptor::new(cipher, key.expose(), &iv).unwrap();
                    sealed.chunks(size).for_each(|chunk| decryptor.update(chunk, &mut opened));
                    decryptor.finish(&mut opened).unwrap();
                    assert_eq!(opened, message);
                }
                let tail = [iv.as_slice(), sealed].concat();
                let tail = &tail[tail.len() - 2 * cipher.block_length()..];
                assert!(padding_is_valid(cipher, key.expose(), tail).unwrap());
            }
        }
    }

    #[test]
    fn sec_069_padding_is_judged_by_all_its_bytes() {
        let judge = |bytes: &[u8]| bool::from(judge_padding(bytes).0);
        for padding in 1..=16u8 {
            let mut block = [0xaa; 16];
            block[16 - usize::from(padding)..].fill(padding);
            assert!(judge(&block));
            for at in 16 - usize::from(padding)..15 {
                let mut bad = block;
                bad[at] ^= 0x40;
                assert!(!judge(&bad), "{padding} {at}");
            }
        }
        for last in (0..1).chain(17..=255) {
            assert!(!judge(&[last; 16]), "{last}");
        }
        assert!(judge(&[8; 8]) && !judge(&[9; 8]));
    }

    #[test]
    fn sec_069_lengths_that_are_no_blocks_fail() {
        for length in [0, 1, 15, 17, 31] {
            let mut decryptor = CbcDecryptor::new(ContentCipher::Aes128Cbc, &[0; 16], &[0; 16]).unwrap();
            let mut out = Vec::new();
            decryptor.update(&vec![0; length], &mut out);
            assert!(matches!(decryptor.finish(&mut out), Err(Error::Decrypt)), "{length}");
        }
        for (key, iv) in [(15, 16), (16, 15), (16, 0), (32, 16)] {
            let result = CbcDecryptor::new(ContentCipher::Aes128Cbc, &vec![0; key], &vec![0; iv]);
            assert!(matches!(result.err(), Some(Error::Length { .. })));
        }
        assert!(matches!(padding_is_valid(ContentCipher::Aes128Cbc, &[0; 16], &[0; 31]), Err(Error::Length { .. })));
    }

    #[test]
    fn sec_067_gcm_judges_content_data_and_tag() {
        for cipher in GCM {
            let (key, nonce) = fresh(cipher, &mut SystemRandom).unwrap();
            let seal = |message: &[u8], tag| {
                let mut sealed = Vec::new();
                let mut encryptor = GcmEncryptor::new(cipher, key.expose(), &nonce, b"attributes").unwrap();
                message.chunks(13).for_each(|chunk| encryptor.update(chunk, &mut sealed));
                (sealed, encryptor.finish(tag))
            };
            let open = |sealed: &[u8], aad: &[u8], tag: &[u8]| {
                let mut opened = Vec::new();
                let mut opener = GcmOpener::new(cipher, key.expose(), &nonce, aad).unwrap();
                sealed.chunks(29).for_each(|chunk| opener.update(chunk, &mut opened));
                let mut read = GcmOpener::new(cipher, key.expose(), &nonce, aad).unwrap();
                sealed.chunks(5).for_each(|chunk| read.authenticate(chunk));
                let result = opener.finish(tag);
                assert_eq!(result.is_ok(), read.finish(tag).is_ok());
                let mut again = Vec::new();
                let mut decryptor = GcmDecryptor::new(cipher, key.expose(), &nonce).unwrap();
                sealed.chunks(11).for_each(|chunk| decryptor.update(chunk, &mut again));
                assert_eq!(again, opened);
                result.map(|()| opened)
            };
            for length in [0, 1, 15, 16, 17, 100, 4099] {
                let message = vec![0x5a; length];
                let (sealed, full) = seal(&message, 16);
                let full = full.unwrap();
                for tag in 12..=16 {
                    assert_eq!(open(&sealed, b"attributes", &full[..tag]).unwrap(), message);
                    assert_eq!(seal(&message, tag).1.unwrap(), full[..tag]);
                }
                for tag in [0, 4, 8, 11] {
                    assert!(open(&sealed, b"attributes", &full[..tag]).is_err(), "SEC-65");
                    assert!(seal(&message, tag).1.is_err());
                }
                assert!(open(&sealed, b"attribute", &full).is_err());
                let mut tag = full.clone();
                tag[11] ^= 1;
                assert!(open(&sealed, b"attributes", &tag).is_err());
                if length > 0 {
                    let mut altered = sealed.clone();
                    altered[length / 2] ^= 1;
                    assert!(open(&altered, b"attributes", &full).is_err());
                }
            }
            assert!(GcmOpener::new(cipher, key.expose(), &[0; 16], b"").is_err());
        }
    }

    #[test]
    fn sec_064_a_cipher_stays_in_its_mode() {
        for cipher in ContentCipher::ALL {
            let (key, iv) = fresh(cipher, &mut SystemRandom).unwrap();
            assert_eq!(CbcDecryptor::new(cipher, key.expose(), &iv).is_ok(), !cipher.is_aead());
            assert_eq!(GcmOpener::new(cipher, key.expose(), &iv, b"").is_ok(), cipher.is_aead());
        }
    }

    /// Made with `openssl enc -rc2-40-cbc -K 0102030405 -iv 1112131415161718 -provider legacy` and its like.
    #[test]
    fn sec_078_ciphers_of_the_past_read_what_openssl_wrote() {
        for (cipher, ciphertext) in [
            (ContentCipher::Rc2Cbc40, "0e956dc39dcedb14bc82a804a22be91eb3e2ab61d9148942"),
            (ContentCipher::Rc2Cbc64, "a8a97de26d64094c937b8ced5c0ee39e53bc07e0ec9b8698"),
            (ContentCipher::Rc2Cbc128, "c198c9894d187ab09798aabc9f14453bcba03d523cd399a3"),
            (ContentCipher::DesCbc, "97b068a32c8e54702301964ce67ff1be2bb06920f72f2c4a"),
        ] {
            let ciphertext: Vec<u8> =
                (0..24).map(|i| u8::from_str_radix(&ciphertext[2 * i..2 * i + 2], 16).unwrap()).collect();
            let key: Vec<u8> = (1..=cipher.key_length() as u8).collect();
            let iv: Vec<u8> = (0x11..=0x18).collect();
            let mut out = Vec::new();
            let mut decryptor = CbcDecryptor::new(cipher, &key, &iv).unwrap();
            decryptor.update(&ciphertext, &mut out);
            decryptor.finish(&mut out).unwrap();
            assert_eq!(out, b"Mail of the year 1998.", "{cipher}");
            assert!(padding_is_valid(cipher, &key, &ciphertext[8..]).unwrap());
            let mut wrong = key.clone();
            wrong[4] ^= 2;
            let mut other = Vec::new();
            let mut decryptor = CbcDecryptor::new(cipher, &wrong, &iv).unwrap();
            decryptor.update(&ciphertext, &mut other);
            assert_ne!(other[..], out[..16]);
            for length in (0..40).filter(|length| *length != key.len()) {
                let refused = CbcDecryptor::new(cipher, &vec![1; length], &iv).err();
                assert!(matches!(refused, Some(Error::Length { .. })), "{cipher} {length}");
            }
        }
    }

    /// Judging is not looked at: its answer is public.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn constant_time_of_aes() {
        use crate::crypto::kernel::undefined::{can_be_asked, case, complaints, hide, show};
        const TEST: &str = "crypto::content::tests::constant_time_of_aes";
        if case().is_none() {
            if can_be_asked() {
                assert_eq!(complaints(TEST, "all"), None);
            }
            return;
        }
        let message = std::hint::black_box([0x5a; 1000]);
        for (cbc, gcm) in [CBC[0], CBC[1], CBC[2]].into_iter().zip(GCM) {
            let key = std::hint::black_box(vec![7; cbc.key_length()]);
            hide(&key);
            hide(&message);
            let mut outputs = [const { Vec::new() }; 5];
            let [sealed, opened, encrypted, decrypted, tags] = &mut outputs;
            let mut encryptor = CbcEncryptor::new(cbc, &key, &[1; 16]).unwrap();
            encryptor.update(&message, sealed);
            encryptor.finish(sealed);
            CbcDecryptor::new(cbc, &key, &[1; 16]).unwrap().update(sealed, opened);
            let mut encryptor = GcmEncryptor::new(gcm, &key, &[1; 12], b"attributes").unwrap();
            encryptor.update(&message, encrypted);
            tags.extend(encryptor.finish(16).unwrap());
            GcmOpener::new(gcm, &key, &[1; 12], b"attributes").unwrap().update(encrypted, decrypted);
            outputs.iter().for_each(|output| show(output));
            show(&key);
            show(&message);
            assert_eq!(outputs[1], message[..992]);
            assert_eq!(outputs[3], message);
            let mut opener = GcmOpener::new(gcm, &key, &[1; 12], b"attributes").unwrap();
            opener.authenticate(&outputs[2]);
            assert!(opener.finish(&outputs[4]).is_ok());
        }
    }
}
