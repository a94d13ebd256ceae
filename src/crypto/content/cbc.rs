//! CBC with the padding of RFC 5652 section 6.3.

use super::{Cpu, accelerated, check_lengths, not_a_mode};
use crate::crypto::algorithm::ContentCipher;
#[cfg(target_arch = "x86_64")]
use crate::crypto::kernel::aes_cbc::{CbcDecryptionKernel, CbcEncryptionKernel};
use crate::crypto::{Error, Result};
use cipher::array::{Array, ArraySize};
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyIvInit};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeLess};
use zeroize::{Zeroize, Zeroizing};

/// Encrypts in CBC.
pub struct CbcEncryptor {
    mode: Mode,
    /// Plaintext that does not fill a block yet.
    held: Held,
}

impl CbcEncryptor {
    /// With key and initialisation vector.
    ///
    /// # Errors
    /// [`Error::Length`] where one has another length than the cipher's; [`Error::WrongKey`] where it is not a CBC
    /// cipher; [`Error::UnsupportedAlgorithm`] for DES and RC2, which are read and never written.
    pub fn new(cipher: ContentCipher, key: &[u8], iv: &[u8]) -> Result<Self> {
        Self::on(accelerated(), cipher, key, iv)
    }

    fn on(cpu: Option<Cpu>, cipher: ContentCipher, key: &[u8], iv: &[u8]) -> Result<Self> {
        check_lengths(cipher, key, iv)?;
        let mode = match cipher {
            #[cfg(test)]
            ContentCipher::DesCbc => encryptor::<des::Des>(key, iv),
            #[cfg(test)]
            ContentCipher::Rc2Cbc40 | ContentCipher::Rc2Cbc64 | ContentCipher::Rc2Cbc128 => {
                let mode = cbc::Encryptor::inner_iv_slice_init(rc2(cipher, key), iv);
                mode.ok().map(|mode| Mode::Portable(Box::new(Encrypting(mode))))
            }
            #[cfg(not(test))]
            ContentCipher::DesCbc | ContentCipher::Rc2Cbc40 | ContentCipher::Rc2Cbc64 | ContentCipher::Rc2Cbc128 => {
                let oid = format!("{cipher}, which is read and never written,");
                return Err(Error::UnsupportedAlgorithm { what: "encryption with", oid });
            }
            ContentCipher::Aes128Cbc => encryption_kernel(cpu, key, iv).or_else(|| encryptor::<aes::Aes128>(key, iv)),
            ContentCipher::Aes192Cbc => encryption_kernel(cpu, key, iv).or_else(|| encryptor::<aes::Aes192>(key, iv)),
            ContentCipher::Aes256Cbc => encryption_kernel(cpu, key, iv).or_else(|| encryptor::<aes::Aes256>(key, iv)),
            ContentCipher::TripleDesCbc => encryptor::<des::TdesEde3>(key, iv),
            _ => None,
        };
        let mode = mode.ok_or_else(|| not_a_mode(cipher, "CBC"))?;
        Ok(Self { mode, held: Held::new(cipher) })
    }

    /// Encrypts what fills blocks and appends it to `out`.
    pub fn update(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(self.held.length + input.len());
        let input = self.held.fill(input);
        if let Some(block) = self.held.block() {
            self.mode.run(block, out);
            self.held.length = 0;
        }
        let (now, later) = split(input, input.len() / self.held.size * self.held.size);
        self.mode.run(now, out);
        self.held.fill(later);
    }

    /// Pads, and appends the last block.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        let padding = self.held.size.saturating_sub(self.held.length);
        self.held.fill(split(&[padding as u8; LARGEST], padding).0);
        if let Some(block) = self.held.block() {
            self.mode.run(block, out);
        }
    }
}

/// Decrypts CBC. Its plaintext is malleable whatever `finish` says (SEC-62).
pub struct CbcDecryptor {
    mode: Mode,
    /// Ciphertext whose turn has not come: always the last block, which holds the padding.
    held: Held,
}

impl CbcDecryptor {
    /// With key and initialisation vector.
    ///
    /// # Errors
    /// As [`CbcEncryptor::new`].
    pub fn new(cipher: ContentCipher, key: &[u8], iv: &[u8]) -> Result<Self> {
        Self::on(accelerated(), cipher, key, iv)
    }

    fn on(cpu: Option<Cpu>, cipher: ContentCipher, key: &[u8], iv: &[u8]) -> Result<Self> {
        check_lengths(cipher, key, iv)?;
        let mode = match cipher {
            ContentCipher::Aes128Cbc => decryption_kernel(cpu, key, iv).or_else(|| decryptor::<aes::Aes128>(key, iv)),
            ContentCipher::Aes192Cbc => decryption_kernel(cpu, key, iv).or_else(|| decryptor::<aes::Aes192>(key, iv)),
            ContentCipher::Aes256Cbc => decryption_kernel(cpu, key, iv).or_else(|| decryptor::<aes::Aes256>(key, iv)),
            ContentCipher::TripleDesCbc => decryptor::<des::TdesEde3>(key, iv),
            ContentCipher::DesCbc => decryptor::<des::Des>(key, iv),
            ContentCipher::Rc2Cbc40 | ContentCipher::Rc2Cbc64 | ContentCipher::Rc2Cbc128 => {
                let mode = cbc::Decryptor::inner_iv_slice_init(rc2(cipher, key), iv);
                mode.ok().map(|mode| Mode::Portable(Box::new(Decrypting(mode))))
            }
            _ => None,
        };
        let mode = mode.ok_or_else(|| not_a_mode(cipher, "CBC"))?;
        Ok(Self { mode, held: Held::new(cipher) })
    }

    /// Decrypts all blocks but the last one so far, and appends their plaintext to `out`.
    pub fn update(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let input = self.held.fill(input);
        if input.is_empty() {
            return;
        }
        out.reserve(self.held.length + input.len());
        if let Some(block) = self.held.block() {
            self.mode.run(block, out);
            self.held.length = 0;
        }
        let (now, later) = split(input, (input.len() - 1) / self.held.size * self.held.size);
        self.mode.run(now, out);
        self.held.fill(later);
    }

    /// Decrypts the last block, judges its padding in constant time, and appends what stands before it.
    ///
    /// # Errors
    /// [`Error::Decrypt`] for a bad padding, a broken last block or no block at all (SEC-69).
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<()> {
        let last = Zeroizing::new(self.mode.collect(self.held.block().ok_or(Error::Decrypt)?));
        let (good, padding) = judge_padding(&last);
        if !bool::from(good) {
            return Err(Error::Decrypt);
        }
        out.extend_from_slice(split(&last, last.len().saturating_sub(usize::from(padding))).0);
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
    let (iv, last) = split(tail, block);
    if last.len() != block {
        let expected = (2 * block).to_string();
        return Err(Error::Length { what: "the end of the ciphertext", expected, found: tail.len() });
    }
    let mut decryptor = CbcDecryptor::new(cipher, key, iv)?;
    let last = Zeroizing::new(decryptor.mode.collect(last));
    Ok(judge_padding(&last).0.into())
}

/// CBC over whole blocks without padding, as key wraps have it.
///
/// # Errors
/// As [`CbcDecryptor::new`]; [`Error::Decrypt`] where the input is not whole blocks.
pub(in crate::crypto) fn decrypt_blocks(
    cipher: ContentCipher,
    key: &[u8],
    iv: &[u8],
    input: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let mut decryptor = CbcDecryptor::new(cipher, key, iv)?;
    if !input.len().is_multiple_of(decryptor.held.size) {
        return Err(Error::Decrypt);
    }
    Ok(Zeroizing::new(decryptor.mode.collect(input)))
}

/// The reverse. What does not fill a block is left out.
///
/// # Errors
/// As [`CbcEncryptor::new`].
pub(in crate::crypto) fn encrypt_blocks(cipher: ContentCipher, key: &[u8], iv: &[u8], input: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(input.len());
    CbcEncryptor::new(cipher, key, iv)?.update(input, &mut out);
    Ok(out)
}

/// RFC 5652 section 6.3: n bytes of value n, 1 to the block's length. No branch depends on a byte.
pub(super) fn judge_padding(block: &[u8]) -> (Choice, u8) {
    let padding = block.last().copied().unwrap_or_default();
    let mut good = !padding.ct_eq(&0) & padding.ct_lt(&(block.len() as u8 + 1));
    for (from_end, byte) in (0u8..).zip(block.iter().rev()) {
        let expected = u8::conditional_select(byte, &padding, from_end.ct_lt(&padding));
        good &= byte.ct_eq(&expected);
    }
    (good, padding)
}

/// At most a block, which waits for more.
struct Held {
    bytes: [u8; LARGEST],
    length: usize,
    /// Of a block.
    size: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.bytes.as_mut_slice().zeroize();
    }
}

/// Bytes of the largest block.
const LARGEST: usize = 16;

impl Held {
    fn new(cipher: ContentCipher) -> Self {
        Self { bytes: [0; LARGEST], length: 0, size: cipher.block_length().min(LARGEST) }
    }

    /// Takes what fills the block, and gives the rest back.
    fn fill<'i>(&mut self, input: &'i [u8]) -> &'i [u8] {
        let (now, later) = split(input, self.size.saturating_sub(self.length));
        if let Some(place) = self.bytes.get_mut(self.length..self.length + now.len()) {
            place.copy_from_slice(now);
        }
        self.length += now.len();
        later
    }

    /// The block, where it is full.
    fn block(&self) -> Option<&[u8]> {
        if self.length == self.size { self.bytes.get(..self.size) } else { None }
    }
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

/// A cipher in CBC in one direction.
enum Mode {
    #[cfg(target_arch = "x86_64")]
    Encryption(CbcEncryptionKernel),
    #[cfg(target_arch = "x86_64")]
    Decryption(CbcDecryptionKernel),
    Portable(Box<dyn Blocks>),
}

impl Mode {
    /// Appends what becomes of whole blocks.
    fn run(&mut self, blocks: &[u8], out: &mut Vec<u8>) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Encryption(kernel) => kernel.encrypt(blocks, out),
            #[cfg(target_arch = "x86_64")]
            Self::Decryption(kernel) => kernel.decrypt(blocks, out),
            Self::Portable(mode) => {
                let start = out.len();
                out.extend_from_slice(blocks);
                mode.run(out.get_mut(start..).unwrap_or_default());
            }
        }
    }

    fn collect(&mut self, blocks: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(blocks.len());
        self.run(blocks, &mut out);
        out
    }
}

#[cfg(target_arch = "x86_64")]
fn encryption_kernel(cpu: Option<Cpu>, key: &[u8], iv: &[u8]) -> Option<Mode> {
    CbcEncryptionKernel::new(cpu?, key, iv.try_into().ok()?).map(Mode::Encryption)
}

#[cfg(target_arch = "x86_64")]
fn decryption_kernel(cpu: Option<Cpu>, key: &[u8], iv: &[u8]) -> Option<Mode> {
    CbcDecryptionKernel::new(cpu?, key, iv.try_into().ok()?).map(Mode::Decryption)
}

#[cfg(not(target_arch = "x86_64"))]
fn encryption_kernel(_: Option<Cpu>, _: &[u8], _: &[u8]) -> Option<Mode> {
    None
}

#[cfg(not(target_arch = "x86_64"))]
fn decryption_kernel(_: Option<Cpu>, _: &[u8], _: &[u8]) -> Option<Mode> {
    None
}

/// Any cipher, over whole blocks in place.
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

fn encryptor<C>(key: &[u8], iv: &[u8]) -> Option<Mode>
where
    C: BlockCipherEncrypt,
    cbc::Encryptor<C>: KeyIvInit + BlockModeEncrypt + Send + Sync + 'static,
{
    let mode = cbc::Encryptor::<C>::new_from_slices(key, iv).ok()?;
    Some(Mode::Portable(Box::new(Encrypting(mode))))
}

fn decryptor<C>(key: &[u8], iv: &[u8]) -> Option<Mode>
where
    C: BlockCipherDecrypt,
    cbc::Decryptor<C>: KeyIvInit + BlockModeDecrypt + Send + Sync + 'static,
{
    let mode = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    Some(Mode::Portable(Box::new(Decrypting(mode))))
}

/// The effective length is the cipher's, whatever the key's is (RFC 2268 section 2); `check_lengths` was before.
fn rc2(cipher: ContentCipher, key: &[u8]) -> rc2::Rc2 {
    rc2::Rc2::new_with_eff_key_len(key, usize::from(cipher.rc2_effective_bits().unwrap_or(128)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::content::{implementations, pieces};
    use proptest::prelude::*;

    /// NIST SP 800-38A, sections F.2.1 to F.2.6: key, and the last block of ciphertext.
    #[test]
    fn nist_examples() {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
        };
        let plaintext = bytes(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
             30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
        );
        let iv: Vec<u8> = (0..16).collect();
        for (cipher, key, last) in [
            (ContentCipher::Aes128Cbc, "2b7e151628aed2a6abf7158809cf4f3c", "3ff1caa1681fac09120eca307586e1a7"),
            (
                ContentCipher::Aes192Cbc,
                "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
                "08b0e27988598881d920a9e64f5615cd",
            ),
            (
                ContentCipher::Aes256Cbc,
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "b2eb05e2c39be9fcda6c19078c6a9d1b",
            ),
        ] {
            for cpu in implementations() {
                let mut out = Vec::new();
                CbcEncryptor::on(cpu, cipher, &bytes(key), &iv).unwrap().update(&plaintext, &mut out);
                assert_eq!(out[48..], bytes(last), "{cipher} {cpu:?}");
                let mut decryptor = CbcDecryptor::on(cpu, cipher, &bytes(key), &iv).unwrap();
                assert_eq!(decryptor.mode.collect(&out), plaintext, "{cipher} {cpu:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn kernels_do_what_portable_code_does(
            key in any::<[u8; 32]>(),
            iv in any::<[u8; 16]>(),
            message in proptest::collection::vec(any::<u8>(), 0..3000),
            ends in proptest::collection::vec(any::<usize>(), 0..6),
            length in prop_oneof![Just(16), Just(24), Just(32)],
        ) {
            let cipher = match length {
                16 => ContentCipher::Aes128Cbc,
                24 => ContentCipher::Aes192Cbc,
                _ => ContentCipher::Aes256Cbc,
            };
            let key = &key[..length];
            let seal = |cpu, ends: &[usize]| {
                let mut out = vec![1];
                let mut encryptor = CbcEncryptor::on(cpu, cipher, key, &iv).unwrap();
                pieces(&message, ends).into_iter().for_each(|piece| encryptor.update(piece, &mut out));
                encryptor.finish(&mut out);
                out.split_off(1)
            };
            let expected = seal(None, &[]);
            for cpu in implementations() {
                prop_assert_eq!(&seal(cpu, &ends), &expected, "{:?}", cpu);
                let mut out = vec![1];
                let mut decryptor = CbcDecryptor::on(cpu, cipher, key, &iv).unwrap();
                pieces(&expected, &ends).into_iter().for_each(|piece| decryptor.update(piece, &mut out));
                prop_assert!(decryptor.finish(&mut out).is_ok());
                prop_assert_eq!(&out[1..], &message[..], "{:?}", cpu);
            }
        }
    }
}
