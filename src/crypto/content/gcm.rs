//! AES-GCM: NIST SP 800-38D, for nonces of 96 bits.

use super::{Cpu, accelerated, check_lengths, not_a_mode};
use crate::crypto::algorithm::ContentCipher;
#[cfg(target_arch = "x86_64")]
use crate::crypto::kernel::aes_gcm::GcmKernel;
use crate::crypto::{Error, Result};
use cipher::array::Array;
use cipher::{BlockCipherEncrypt, KeyInit, KeyIvInit, StreamCipher};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Encrypts and authenticates with AES-GCM.
pub struct GcmEncryptor(Gcm);

impl GcmEncryptor {
    /// With key, nonce of 12 bytes, and the additional authenticated data as a whole.
    ///
    /// # Errors
    /// As [`CbcEncryptor::new`](super::CbcEncryptor::new).
    pub fn new(cipher: ContentCipher, key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<Self> {
        Ok(Self(Gcm::new(accelerated(), cipher, key, nonce, aad)?))
    }

    /// Encrypts and appends to `out`.
    pub fn update(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.0.update(Pass::Encrypt, input, out);
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

/// Judges AES-GCM, and decrypts it if asked to.
pub struct GcmOpener(Gcm);

impl GcmOpener {
    /// With key, nonce of 12 bytes, and the additional authenticated data as a whole.
    ///
    /// # Errors
    /// As [`CbcEncryptor::new`](super::CbcEncryptor::new).
    pub fn new(cipher: ContentCipher, key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<Self> {
        Ok(Self(Gcm::new(accelerated(), cipher, key, nonce, aad)?))
    }

    /// Takes ciphertext for the tag only. After it, [`GcmDecryptor`] reads the whole once more.
    pub fn authenticate(&mut self, input: &[u8]) {
        self.0.authenticate(input);
    }

    /// Decrypts and appends to `out`, unjudged.
    pub fn update(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.0.update(Pass::Decrypt, input, out);
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

/// Decrypts AES-GCM that a [`GcmOpener`] found good before. It looks at no tag.
pub struct GcmDecryptor(Gcm);

impl GcmDecryptor {
    /// With key and nonce of 12 bytes.
    ///
    /// # Errors
    /// As [`CbcEncryptor::new`](super::CbcEncryptor::new).
    pub fn new(cipher: ContentCipher, key: &[u8], nonce: &[u8]) -> Result<Self> {
        Ok(Self(Gcm::new(accelerated(), cipher, key, nonce, &[])?))
    }

    /// Decrypts and appends to `out`.
    pub fn update(&mut self, input: &[u8], out: &mut Vec<u8>) {
        self.0.update(Pass::DecryptOnly, input, out);
    }
}

type Block = [u8; 16];

/// What is done with a piece of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Encrypt, and hash what comes out.
    Encrypt,
    /// Decrypt, and hash what came in.
    Decrypt,
    /// Decrypt, and do not hash.
    DecryptOnly,
}

struct Gcm {
    blocks: Blocks,
    /// E(K, J0), which covers the tag.
    mask: Zeroizing<u128>,
    aad_length: u64,
    length: u64,
    /// How much of the last block has come.
    held: usize,
    /// Its ciphertext so far, then zero.
    ciphertext: Block,
    /// Its keystream.
    keystream: Zeroizing<u128>,
}

impl Gcm {
    fn new(cpu: Option<Cpu>, cipher: ContentCipher, key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<Self> {
        check_lengths(cipher, key, nonce)?;
        let blocks = match cipher {
            ContentCipher::Aes128Gcm => kernel(cpu, key, nonce).or_else(|| portable::<aes::Aes128>(key, nonce)),
            ContentCipher::Aes192Gcm => kernel(cpu, key, nonce).or_else(|| portable::<aes::Aes192>(key, nonce)),
            ContentCipher::Aes256Gcm => kernel(cpu, key, nonce).or_else(|| portable::<aes::Aes256>(key, nonce)),
            _ => None,
        };
        let mut blocks = blocks.ok_or_else(|| not_a_mode(cipher, "GCM"))?;
        let mask = Zeroizing::new(u128::from_ne_bytes(blocks.keystream()));
        let (whole, rest) = aad.as_chunks::<16>();
        blocks.hash(whole.as_flattened());
        if !rest.is_empty() {
            let mut last = [0; 16];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            blocks.hash(&last);
        }
        Ok(Self {
            blocks,
            mask,
            aad_length: aad.len() as u64,
            length: 0,
            held: 0,
            ciphertext: [0; 16],
            keystream: Zeroizing::default(),
        })
    }

    fn update(&mut self, pass: Pass, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len());
        self.length = self.length.saturating_add(input.len() as u64);
        if self.length > MAX_LENGTH {
            // Beyond what one nonce is good for, nothing is encrypted any more and `finish` is an error.
            self.length = u64::MAX;
            out.resize(out.len() + input.len(), 0);
            return;
        }
        let input = if self.held > 0 { self.part(pass, input, out) } else { input };
        let (whole, rest) = input.as_chunks::<16>();
        self.blocks.run(pass, whole.as_flattened(), out);
        if !rest.is_empty() {
            *self.keystream = u128::from_ne_bytes(self.blocks.keystream());
            self.part(pass, rest, out);
        }
    }

    /// As much as is missing of the last block; the rest is given back.
    fn part<'i>(&mut self, pass: Pass, input: &'i [u8], out: &mut Vec<u8>) -> &'i [u8] {
        let (now, later) = input.split_at_checked(16 - self.held).unwrap_or((input, &[]));
        let places = self.ciphertext.iter_mut().zip(self.keystream.to_ne_bytes()).skip(self.held);
        for ((place, key), byte) in places.zip(now) {
            let output = byte ^ key;
            *place = if pass == Pass::Encrypt { output } else { *byte };
            out.push(output);
        }
        self.hold(now.len(), pass != Pass::DecryptOnly);
        later
    }

    fn authenticate(&mut self, mut ciphertext: &[u8]) {
        self.length = self.length.saturating_add(ciphertext.len() as u64);
        while !ciphertext.is_empty() {
            if self.held == 0 {
                let (whole, rest) = ciphertext.as_chunks::<16>();
                self.blocks.hash(whole.as_flattened());
                ciphertext = rest;
            }
            let (now, later) = ciphertext.split_at_checked(16 - self.held).unwrap_or((ciphertext, &[]));
            self.ciphertext.iter_mut().skip(self.held).zip(now).for_each(|(place, byte)| *place = *byte);
            self.hold(now.len(), true);
            ciphertext = later;
        }
    }

    /// That many bytes more of the last block are there. A full one is hashed and is the last one no longer.
    fn hold(&mut self, more: usize, hash: bool) {
        self.held += more;
        if self.held == 16 {
            if hash {
                self.blocks.hash(&self.ciphertext);
            }
            self.held = 0;
            self.ciphertext = [0; 16];
        }
    }

    fn tag(mut self) -> Block {
        if self.held > 0 {
            self.blocks.hash(&self.ciphertext);
        }
        let bits = |bytes: u64| u128::from(bytes.saturating_mul(8));
        self.blocks.hash(&(bits(self.aad_length) << 64 | bits(self.length)).to_be_bytes());
        (u128::from_ne_bytes(self.blocks.hashed()) ^ *self.mask).to_ne_bytes()
    }
}

/// AES in counter mode from E(K, J0) on, and GHASH, both over whole blocks.
#[allow(clippy::large_enum_variant, reason = "there is one for a message, and a box would be an allocation more")]
enum Blocks {
    #[cfg(target_arch = "x86_64")]
    Kernel(GcmKernel),
    Portable {
        keystream: Box<dyn StreamCipher + Send + Sync>,
        hash: GHash,
    },
}

impl Blocks {
    /// Appends what becomes of whole blocks.
    fn run(&mut self, pass: Pass, blocks: &[u8], out: &mut Vec<u8>) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Kernel(kernel) => match pass {
                Pass::Encrypt => kernel.encrypt(blocks, out),
                Pass::Decrypt => kernel.decrypt(blocks, out),
                Pass::DecryptOnly => kernel.decrypt_only(blocks, out),
            },
            Self::Portable { keystream, hash } => {
                let start = out.len();
                out.extend_from_slice(blocks);
                let output = out.get_mut(start..).unwrap_or_default();
                keystream.apply_keystream(output);
                match pass {
                    Pass::Encrypt => hash.update(Array::slice_as_chunks(output).0),
                    Pass::Decrypt => hash.update(Array::slice_as_chunks(blocks).0),
                    Pass::DecryptOnly => {}
                }
            }
        }
    }

    fn hash(&mut self, blocks: &[u8]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Kernel(kernel) => kernel.hash(blocks),
            Self::Portable { hash, .. } => hash.update(Array::slice_as_chunks(blocks).0),
        }
    }

    /// The next block of keystream.
    fn keystream(&mut self) -> Block {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Kernel(kernel) => kernel.keystream(),
            Self::Portable { keystream, .. } => {
                let mut block = [0; 16];
                keystream.apply_keystream(&mut block);
                block
            }
        }
    }

    fn hashed(&self) -> Block {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Kernel(kernel) => kernel.hashed(),
            Self::Portable { hash, .. } => hash.clone().finalize().into(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn kernel(cpu: Option<Cpu>, key: &[u8], nonce: &[u8]) -> Option<Blocks> {
    GcmKernel::new(cpu?, key, nonce.try_into().ok()?).map(Blocks::Kernel)
}

#[cfg(not(target_arch = "x86_64"))]
fn kernel(_: Option<Cpu>, _: &[u8], _: &[u8]) -> Option<Blocks> {
    None
}

fn portable<C>(key: &[u8], nonce: &[u8]) -> Option<Blocks>
where
    C: BlockCipherEncrypt + KeyInit + cipher::BlockSizeUser<BlockSize = cipher::consts::U16>,
    ctr::Ctr32BE<C>: KeyIvInit + StreamCipher + Send + Sync + 'static,
{
    let mut h = Array::default();
    C::new_from_slice(key).ok()?.encrypt_block(&mut h);
    let mut counter = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    counter.iter_mut().zip(nonce).for_each(|(to, from)| *to = *from);
    let keystream = ctr::Ctr32BE::<C>::new_from_slices(key, &counter).ok()?;
    let hash = GHash::new(&h);
    Some(Blocks::Portable { keystream: Box::new(keystream), hash })
}

const TAG_LENGTHS: std::ops::RangeInclusive<usize> = 12..=16;
/// NIST SP 800-38D section 5.2.1.1: 2^39 - 256 bits.
const MAX_LENGTH: u64 = (1 << 36) - 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::content::{implementations, pieces};
    use aes_gcm::aead::AeadInOut;
    use proptest::prelude::*;

    type Oracle192 = aes_gcm::AesGcm<aes::Aes192, cipher::consts::U12>;

    /// What the crate `aes-gcm` makes of a message: ciphertext and tag.
    fn oracle<C: KeyInit + AeadInOut<NonceSize = cipher::consts::U12>>(
        key: &[u8],
        nonce: &[u8; 12],
        aad: &[u8],
        message: &[u8],
    ) -> (Vec<u8>, Vec<u8>) {
        let mut bytes = message.to_vec();
        let cipher = C::new_from_slice(key).unwrap();
        let tag = cipher.encrypt_inout_detached(&(*nonce).into(), aad, bytes.as_mut_slice().into()).unwrap();
        (bytes, tag.to_vec())
    }

    proptest! {
        #[test]
        fn all_implementations_do_what_the_oracle_does(
            key in any::<[u8; 32]>(),
            nonce in any::<[u8; 12]>(),
            aad in proptest::collection::vec(any::<u8>(), 0..70),
            message in proptest::collection::vec(any::<u8>(), 0..3000),
            ends in proptest::collection::vec(any::<usize>(), 0..6),
            length in prop_oneof![Just(16), Just(24), Just(32)],
        ) {
            let key = &key[..length];
            let (cipher, (sealed, tag)) = match length {
                16 => (ContentCipher::Aes128Gcm, oracle::<aes_gcm::Aes128Gcm>(key, &nonce, &aad, &message)),
                24 => (ContentCipher::Aes192Gcm, oracle::<Oracle192>(key, &nonce, &aad, &message)),
                _ => (ContentCipher::Aes256Gcm, oracle::<aes_gcm::Aes256Gcm>(key, &nonce, &aad, &message)),
            };
            for cpu in implementations() {
                let gcm = |aad| Gcm::new(cpu, cipher, key, &nonce, aad).unwrap();
                let run = |pass, mut gcm: Gcm, input: &[u8]| {
                    let mut out = vec![1];
                    pieces(input, &ends).into_iter().for_each(|piece| gcm.update(pass, piece, &mut out));
                    (out.split_off(1), gcm.tag().to_vec())
                };
                prop_assert_eq!(&run(Pass::Encrypt, gcm(&aad), &message), &(sealed.clone(), tag.clone()), "{:?}", cpu);
                prop_assert_eq!(&run(Pass::Decrypt, gcm(&aad), &sealed), &(message.clone(), tag.clone()), "{:?}", cpu);
                prop_assert_eq!(&run(Pass::DecryptOnly, gcm(&[]), &sealed).0, &message, "{:?}", cpu);
                let mut read = gcm(&aad);
                pieces(&sealed, &ends).into_iter().for_each(|piece| read.authenticate(piece));
                prop_assert_eq!(&read.tag()[..], &tag[..], "{:?}", cpu);
            }
        }
    }

    #[test]
    fn nothing_is_encrypted_beyond_what_one_nonce_is_good_for() {
        for cpu in implementations() {
            let mut gcm = Gcm::new(cpu, ContentCipher::Aes128Gcm, &[7; 16], &[7; 12], &[]).unwrap();
            gcm.length = MAX_LENGTH - 16;
            let mut out = Vec::new();
            gcm.update(Pass::Encrypt, &[0; 16], &mut out);
            assert_ne!(out, [0; 16]);
            gcm.update(Pass::Encrypt, &[5; 40], &mut out);
            assert_eq!(out[16..], [0; 40]);
            assert!(GcmEncryptor(gcm).finish(16).is_err());
        }
    }
}
