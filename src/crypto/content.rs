//! Content encryption in a stream: AES and 3DES in CBC with the padding of RFC 5652 section 6.3, and AES-GCM. DES and RC2
//! are decrypted and never encrypted with (SEC-78).
//!
//! The decrypting halves hand out bytes before they are judged. Whoever calls them keeps those bytes to itself until
//! `finish` was good (SEC-63, SEC-67).

use super::algorithm::ContentCipher;
use super::{Error, Result};
use crate::base::secret::Secret;
use cipher::array::{Array, ArraySize};
use cipher::{BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit, KeyIvInit, StreamCipher};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeLess};
use zeroize::Zeroizing;

/// Encrypts in CBC.
pub struct CbcEncryptor {
    mode: Box<dyn Blocks>,
    block: usize,
    /// Plaintext that does not fill a block yet.
    held: Zeroizing<Vec<u8>>,
}

impl CbcEncryptor {
    /// With key and initialisation vector.
    ///
    /// # Errors
    /// [`Error::Length`] where one has another length than the cipher's; [`Error::WrongKey`] where it is not a CBC
    /// cipher; [`Error::UnsupportedAlgorithm`] for DES and RC2, which are read and never written.
    pub fn new(cipher: ContentCipher, key: &[u8], iv: &[u8]) -> Result<Self> {
        check_lengths(cipher, key, iv)?;
        let mode: Option<Box<dyn Blocks>> = match cipher {
            #[cfg(test)]
            ContentCipher::DesCbc => encryptor::<des::Des>(key, iv),
            #[cfg(test)]
            ContentCipher::Rc2Cbc40 | ContentCipher::Rc2Cbc64 | ContentCipher::Rc2Cbc128 => {
                let mode = cbc::Encryptor::inner_iv_slice_init(rc2(cipher, key), iv);
                mode.ok().map(|mode| Box::new(Encrypting(mode)) as Box<dyn Blocks>)
            }
            #[cfg(not(test))]
            ContentCipher::DesCbc | ContentCipher::Rc2Cbc40 | ContentCipher::Rc2Cbc64 | ContentCipher::Rc2Cbc128 => {
                let oid = format!("{cipher}, which is read and never written,");
                return Err(Error::UnsupportedAlgorithm { what: "encryption with", oid });
            }
            ContentCipher::Aes128Cbc => encryptor::<aes::Aes128>(key, iv),
            ContentCipher::Aes192Cbc => encryptor::<aes::Aes192>(key, iv),
            ContentCipher::Aes256Cbc => encryptor::<aes::Aes256>(key, iv),
            ContentCipher::TripleDesCbc => encryptor::<des::TdesEde3>(key, iv),
            _ => None,
        };
        let Some(mode) = mode else { return Err(not_a_mode(cipher, "CBC")) };
        Ok(Self { mode, block: cipher.block_length(), held: Zeroizing::new(Vec::new()) })
    }

    /// Encrypts what fills blocks and appends it to `out`.
    pub fn update(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let whole = (self.held.len() + input.len()) / self.block * self.block;
        if whole == 0 {
            self.held.extend_from_slice(input);
            return;
        }
        let (now, later) = input.split_at_checked(whole.saturating_sub(self.held.len())).unwrap_or((input, &[]));
        let start = out.len();
        out.extend_from_slice(&self.held);
        out.extend_from_slice(now);
        self.mode.run(out.get_mut(start..).unwrap_or_default());
        self.held.clear();
        self.held.extend_from_slice(later);
    }

    /// Pads, and appends the last block.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        let padding = self.block - self.held.len() % self.block;
        let start = out.len();
        out.extend_from_slice(&self.held);
        out.resize(out.len() + padding, padding as u8);
        self.mode.run(out.get_mut(start..).unwrap_or_default());
    }
}

/// Decrypts CBC. Its plaintext is malleable whatever `finish` says (SEC-62).
pub struct CbcDecryptor {
    mode: Box<dyn Blocks>,
    block: usize,
    /// Ciphertext whose turn has not come: always the last block, which holds the padding.
    held: Vec<u8>,
}

impl CbcDecryptor {
    /// With key and initialisation vector.
    ///
    /// # Errors
    /// As [`CbcEncryptor::new`].
    pub fn new(cipher: ContentCipher, key: &[u8], iv: &[u8]) -> Result<Self> {
        check_lengths(cipher, key, iv)?;
        let mode: Option<Box<dyn Blocks>> = match cipher {
            ContentCipher::Aes128Cbc => decryptor::<aes::Aes128>(key, iv),
            ContentCipher::Aes192Cbc => decryptor::<aes::Aes192>(key, iv),
            ContentCipher::Aes256Cbc => decryptor::<aes::Aes256>(key, iv),
            ContentCipher::TripleDesCbc => decryptor::<des::TdesEde3>(key, iv),
            ContentCipher::DesCbc => decryptor::<des::Des>(key, iv),
            ContentCipher::Rc2Cbc40 | ContentCipher::Rc2Cbc64 | ContentCipher::Rc2Cbc128 => {
                let mode = cbc::Decryptor::inner_iv_slice_init(rc2(cipher, key), iv);
                mode.ok().map(|mode| Box::new(Decrypting(mode)) as Box<dyn Blocks>)
            }
            _ => None,
        };
        let Some(mode) = mode else { return Err(not_a_mode(cipher, "CBC")) };
        Ok(Self { mode, block: cipher.block_length(), held: Vec::new() })
    }

    /// Decrypts all blocks but the last one so far, and appends their plaintext to `out`.
    pub fn update(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let total = self.held.len() + input.len();
        let whole = total.saturating_sub(1) / self.block * self.block;
        if whole == 0 {
            self.held.extend_from_slice(input);
            return;
        }
        let start = out.len();
        // `held` is a block at most, so it is used up whenever any block is whole.
        let (now, later) = input.split_at_checked(whole.saturating_sub(self.held.len())).unwrap_or((input, &[]));
        out.extend_from_slice(&self.held);
        out.extend_from_slice(now);
        self.mode.run(out.get_mut(start..).unwrap_or_default());
        self.held.clear();
        self.held.extend_from_slice(later);
    }

    /// Decrypts the last block, judges its padding in constant time, and appends what stands before it.
    ///
    /// # Errors
    /// [`Error::Decrypt`] for a bad padding, a broken last block or no block at all (SEC-69).
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.held.len() != self.block {
            return Err(Error::Decrypt);
        }
        let mut last = Zeroizing::new(std::mem::take(&mut self.held));
        self.mode.run(&mut last);
        let (good, padding) = judge_padding(&last);
        if !bool::from(good) {
            return Err(Error::Decrypt);
        }
        out.extend_from_slice(last.get(..last.len().saturating_sub(usize::from(padding))).unwrap_or_default());
        Ok(())
    }
}

/// Whether the padding is good, from the last two blocks of ciphertext alone (or the initialisation vector and the
/// only block), so that a caller can judge a long content before it decrypts any of it.
///
/// # Errors
/// [`Error::Length`] where `tail` is not two blocks; as [`CbcDecryptor::new`].
pub fn padding_is_valid(cipher: ContentCipher, key: &[u8], tail: &[u8]) -> Result<bool> {
    let block = cipher.block_length();
    let (iv, last) = tail.split_at_checked(block).unwrap_or((tail, &[]));
    if last.len() != block {
        let expected = (2 * block).to_string();
        return Err(Error::Length { what: "the end of the ciphertext", expected, found: tail.len() });
    }
    let mut decryptor = CbcDecryptor::new(cipher, key, iv)?;
    let mut last = Zeroizing::new(last.to_vec());
    decryptor.mode.run(&mut last);
    Ok(judge_padding(&last).0.into())
}

/// CBC over whole blocks without padding, as key wraps have it.
///
/// # Errors
/// As [`CbcDecryptor::new`]; [`Error::Decrypt`] where the input is not whole blocks.
pub(super) fn decrypt_blocks(cipher: ContentCipher, key: &[u8], iv: &[u8], input: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut decryptor = CbcDecryptor::new(cipher, key, iv)?;
    if !input.len().is_multiple_of(decryptor.block) {
        return Err(Error::Decrypt);
    }
    let mut out = Zeroizing::new(input.to_vec());
    decryptor.mode.run(&mut out);
    Ok(out)
}

/// The reverse. What does not fill a block is left out.
///
/// # Errors
/// As [`CbcEncryptor::new`].
pub(super) fn encrypt_blocks(cipher: ContentCipher, key: &[u8], iv: &[u8], input: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(input.len());
    CbcEncryptor::new(cipher, key, iv)?.update(input, &mut out);
    Ok(out)
}

/// RFC 5652 section 6.3: n bytes of value n, 1 to the block's length. No branch depends on a byte.
fn judge_padding(block: &[u8]) -> (Choice, u8) {
    let padding = block.last().copied().unwrap_or_default();
    let mut good = !padding.ct_eq(&0) & padding.ct_lt(&(block.len() as u8 + 1));
    for (from_end, byte) in (0u8..).zip(block.iter().rev()) {
        let expected = u8::conditional_select(byte, &padding, from_end.ct_lt(&padding));
        good &= byte.ct_eq(&expected);
    }
    (good, padding)
}

/// A cipher in CBC, in one direction, over whole blocks in place.
trait Blocks: Send + Sync {
    fn run(&mut self, blocks: &mut [u8]);
}

struct Encrypting<M>(M);
struct Decrypting<M>(M);

impl<M: BlockModeEncrypt + Send + Sync> Blocks for Encrypting<M> {
    fn run(&mut self, blocks: &mut [u8]) {
        self.0.encrypt_blocks(as_blocks(blocks));
    }
}

impl<M: BlockModeDecrypt + Send + Sync> Blocks for Decrypting<M> {
    fn run(&mut self, blocks: &mut [u8]) {
        self.0.decrypt_blocks(as_blocks(blocks));
    }
}

fn as_blocks<N: ArraySize>(bytes: &mut [u8]) -> &mut [Array<u8, N>] {
    Array::slice_as_chunks_mut(bytes).0
}

fn encryptor<C>(key: &[u8], iv: &[u8]) -> Option<Box<dyn Blocks>>
where
    C: BlockCipherEncrypt,
    cbc::Encryptor<C>: KeyIvInit + BlockModeEncrypt + Send + Sync + 'static,
{
    let mode = cbc::Encryptor::<C>::new_from_slices(key, iv).ok()?;
    Some(Box::new(Encrypting(mode)))
}

fn decryptor<C>(key: &[u8], iv: &[u8]) -> Option<Box<dyn Blocks>>
where
    C: cipher::BlockCipherDecrypt,
    cbc::Decryptor<C>: KeyIvInit + BlockModeDecrypt + Send + Sync + 'static,
{
    let mode = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    Some(Box::new(Decrypting(mode)))
}

/// The effective length is the cipher's, whatever the key's is (RFC 2268 section 2); `check_lengths` was before.
fn rc2(cipher: ContentCipher, key: &[u8]) -> rc2::Rc2 {
    rc2::Rc2::new_with_eff_key_len(key, usize::from(cipher.rc2_effective_bits().unwrap_or(128)))
}

/// Encrypts and authenticates with AES-GCM.
pub struct GcmEncryptor(Gcm);

impl GcmEncryptor {
    /// With key, nonce of 12 bytes, and the additional authenticated data as a whole.
    ///
    /// # Errors
    /// As [`CbcEncryptor::new`].
    pub fn new(cipher: ContentCipher, key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<Self> {
        Ok(Self(Gcm::new(cipher, key, nonce, aad)?))
    }

    /// Encrypts and appends to `out`.
    pub fn update(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(input);
        let bytes = out.get_mut(start..).unwrap_or_default();
        self.0.crypt(bytes);
        self.0.authenticate(bytes);
    }

    /// The tag, 12 to 16 bytes long.
    ///
    /// # Errors
    /// [`Error::Length`] for another length (SEC-65), or where more went through than one nonce may encrypt (64 GiB).
    pub fn finish(self, tag_length: usize) -> Result<Vec<u8>> {
        if !TAG_LENGTHS.contains(&tag_length) {
            return Err(Error::Length { what: "the tag", expected: "12 to 16".into(), found: tag_length });
        }
        if self.0.length > MAX_LENGTH {
            let found = usize::try_from(self.0.length).unwrap_or(usize::MAX);
            return Err(Error::Length { what: "the content", expected: format!("at most {MAX_LENGTH}"), found });
        }
        let mut tag = self.0.tag().to_vec();
        tag.truncate(tag_length);
        Ok(tag)
    }
}

/// Decrypts AES-GCM.
pub struct GcmOpener(Gcm);

impl GcmOpener {
    /// With key, nonce of 12 bytes, and the additional authenticated data as a whole.
    ///
    /// # Errors
    /// As [`CbcEncryptor::new`].
    pub fn new(cipher: ContentCipher, key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<Self> {
        Ok(Self(Gcm::new(cipher, key, nonce, aad)?))
    }

    /// Takes ciphertext for the tag only: a first reading, before anything is decrypted.
    pub fn authenticate(&mut self, input: &[u8]) {
        self.0.authenticate(input);
    }

    /// Decrypts and appends to `out`, unjudged.
    pub fn update(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(input);
        self.0.authenticate(input);
        self.0.crypt(out.get_mut(start..).unwrap_or_default());
    }

    /// Judges all that went through.
    ///
    /// # Errors
    /// [`Error::Decrypt`] where the tag is another one, or has not 12 to 16 bytes (SEC-65).
    pub fn finish(self, tag: &[u8]) -> Result<()> {
        if !TAG_LENGTHS.contains(&tag.len()) || self.0.length > MAX_LENGTH {
            return Err(Error::Decrypt);
        }
        let expected = self.0.tag();
        let expected = expected.get(..tag.len()).unwrap_or_default();
        if bool::from(expected.ct_eq(tag)) { Ok(()) } else { Err(Error::Decrypt) }
    }
}

/// NIST SP 800-38D, for nonces of 96 bits.
struct Gcm {
    keystream: Box<dyn StreamCipher + Send + Sync>,
    hash: GHash,
    /// E(K, J0), which covers the tag.
    mask: Zeroizing<[u8; 16]>,
    aad_length: u64,
    length: u64,
    /// Ciphertext that does not fill a block of GHASH yet.
    held: Vec<u8>,
}

impl Gcm {
    fn new(cipher: ContentCipher, key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<Self> {
        check_lengths(cipher, key, nonce)?;
        let gcm = match cipher {
            ContentCipher::Aes128Gcm => Self::with::<aes::Aes128>(key, nonce, aad),
            ContentCipher::Aes192Gcm => Self::with::<aes::Aes192>(key, nonce, aad),
            ContentCipher::Aes256Gcm => Self::with::<aes::Aes256>(key, nonce, aad),
            _ => None,
        };
        gcm.ok_or_else(|| not_a_mode(cipher, "GCM"))
    }

    fn with<C>(key: &[u8], nonce: &[u8], aad: &[u8]) -> Option<Self>
    where
        C: BlockCipherEncrypt + KeyInit + cipher::BlockSizeUser<BlockSize = cipher::consts::U16>,
        ctr::Ctr32BE<C>: KeyIvInit + StreamCipher + Send + Sync + 'static,
    {
        let block = C::new_from_slice(key).ok()?;
        let mut h = Array::default();
        block.encrypt_block(&mut h);
        let counter = |n: u32| [nonce, &n.to_be_bytes()].concat();
        let mut mask = Array::try_from(counter(1).as_slice()).ok()?;
        block.encrypt_block(&mut mask);
        let mut hash = GHash::new(&h);
        hash.update_padded(aad);
        Some(Self {
            keystream: Box::new(ctr::Ctr32BE::<C>::new_from_slices(key, &counter(2)).ok()?),
            hash,
            mask: Zeroizing::new(mask.into()),
            aad_length: aad.len() as u64,
            length: 0,
            held: Vec::new(),
        })
    }

    fn crypt(&mut self, bytes: &mut [u8]) {
        // Beyond the length that one nonce is good for, nothing is encrypted any more and `finish` is an error.
        if self.keystream.try_apply_keystream(bytes).is_err() {
            bytes.fill(0);
            self.length = u64::MAX;
        }
    }

    fn authenticate(&mut self, mut ciphertext: &[u8]) {
        self.length = self.length.saturating_add(ciphertext.len() as u64);
        if !self.held.is_empty() {
            let (now, later) = ciphertext.split_at_checked(16 - self.held.len()).unwrap_or((ciphertext, &[]));
            self.held.extend_from_slice(now);
            ciphertext = later;
            if self.held.len() < 16 {
                return;
            }
            self.hash.update_padded(&self.held);
            self.held.clear();
        }
        let (blocks, rest) = Array::slice_as_chunks(ciphertext);
        self.hash.update(blocks);
        self.held.extend_from_slice(rest);
    }

    fn tag(mut self) -> [u8; 16] {
        self.hash.update_padded(&self.held);
        let bits = |bytes: u64| bytes.saturating_mul(8).to_be_bytes();
        self.hash.update_padded(&[bits(self.aad_length), bits(self.length)].concat());
        let mut tag: [u8; 16] = self.hash.finalize().into();
        for (byte, mask) in tag.iter_mut().zip(self.mask.iter()) {
            *byte ^= mask;
        }
        tag
    }
}

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

const TAG_LENGTHS: std::ops::RangeInclusive<usize> = 12..=16;
/// NIST SP 800-38D section 5.2.1.1: 2^39 - 256 bits.
const MAX_LENGTH: u64 = (1 << 36) - 32;

#[cfg(test)]
mod tests {
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
}
