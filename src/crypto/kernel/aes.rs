//! What the kernels for AES have in common: which instructions there are, and round keys.
//!
//! The kernels are constant in time by construction: a round of AES is one instruction, a product of GHASH is made of
//! carry-less multiplications, there is no table, and neither a branch nor an address depends on a key or on content, only
//! on lengths.

use std::arch::x86_64::{
    _mm_aesenclast_si128, _mm_aesimc_si128, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_set1_epi32, _mm_setzero_si128,
    _mm_storeu_si128,
};
use std::sync::atomic::{Ordering, compiler_fence};
use zeroize::Zeroize;

/// The widest instructions for AES and carry-less products that a processor has. A value is the proof that it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cpu(Width);

/// How many blocks such an instruction takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) enum Width {
    /// AES-NI and PCLMULQDQ.
    One,
    /// VAES and VPCLMULQDQ in 256 bits.
    Two,
    /// VAES and VPCLMULQDQ in 512 bits.
    Four,
}

impl Cpu {
    /// The processor at hand; `None` where it has no instructions for AES. The standard library caches what it asks it.
    pub(crate) fn detect() -> Option<Self> {
        macro_rules! has {
            ($($feature:tt),*) => { $(is_x86_feature_detected!($feature))&&* };
        }
        if !has!("aes", "pclmulqdq", "avx") {
            return None;
        }
        if !has!("avx2", "vaes", "vpclmulqdq") {
            return Some(Self(Width::One));
        }
        Some(Self(if !super::WITHOUT_AVX512 && has!("avx512f", "avx512bw") { Width::Four } else { Width::Two }))
    }

    pub(super) fn width(self) -> Width {
        self.0
    }

    /// The processor at hand as it is, and as if it had fewer instructions.
    #[cfg(test)]
    pub(crate) fn variants() -> Vec<Self> {
        let all = [Width::One, Width::Two, Width::Four];
        all.into_iter().filter(|width| Self::detect().is_some_and(|cpu| *width <= cpu.0)).map(Self).collect()
    }
}

/// A block, or a round key.
pub(super) type Block = [u8; 16];

/// The round keys of AES-128, AES-192 or AES-256, in the order of their use, at the end of the array: so the last ten have one
/// place for all three.
#[repr(align(16))]
pub(super) struct RoundKeys {
    keys: [Block; 15],
    unused: usize,
}

impl Drop for RoundKeys {
    fn drop(&mut self) {
        wipe(&mut self.keys);
    }
}

/// Zeroes what was secret, a block at a time.
pub(super) fn wipe(blocks: &mut [Block]) {
    for block in blocks {
        // SAFETY: a reference may be written to.
        unsafe { std::ptr::write_volatile(block, [0; 16]) };
    }
    compiler_fence(Ordering::SeqCst);
}

impl RoundKeys {
    /// FIPS 197 section 5.2. `None` where the key has another length than those of AES.
    pub(super) fn for_encryption(_: Cpu, key: &[u8]) -> Option<Self> {
        let unused = match key.len() {
            16 => 4,
            24 => 2,
            32 => 0,
            _ => return None,
        };
        let mut keys = Self { keys: [[0; 16]; 15], unused };
        let (words, _) = keys.keys.get_mut(unused..)?.as_flattened_mut().as_chunks_mut::<4>();
        // SAFETY: there is a `Cpu` only where there are these instructions.
        unsafe {
            match key.len() {
                16 => expand::<4>(key, words),
                24 => expand::<6>(key, words),
                _ => expand::<8>(key, words),
            }
        }
        Some(keys)
    }

    /// Those of the equivalent inverse cipher, section 5.3.5.
    pub(super) fn for_decryption(cpu: Cpu, key: &[u8]) -> Option<Self> {
        let mut keys = Self::for_encryption(cpu, key)?;
        let used = keys.keys.get_mut(keys.unused..)?;
        used.reverse();
        if let [_, between @ .., _] = used {
            // SAFETY: there is a `Cpu` only where there are these instructions.
            between.iter_mut().for_each(|key| unsafe { mix_columns_inverse(key) });
        }
        Some(keys)
    }

    /// The key before the first round.
    pub(super) fn first(&self) -> &Block {
        self.keys.get(self.unused).unwrap_or(&[0; 16])
    }

    /// The thirteen before the last, of which [`unused`](Self::unused) are none.
    pub(super) fn between(&self) -> &[Block; 13] {
        let [_, between @ .., _] = &self.keys;
        between
    }

    /// The key of the last round.
    pub(super) fn last(&self) -> &Block {
        let [.., last] = &self.keys;
        last
    }

    /// By how many rounds there are less than fourteen: none, two or four.
    pub(super) fn unused(&self) -> usize {
        self.unused
    }
}

/// `N` words of key make `schedule`.
#[target_feature(enable = "aes,sse2")]
fn expand<const N: usize>(key: &[u8], schedule: &mut [[u8; 4]]) {
    // SubWord: the columns are all the same, so that ShiftRows changes nothing.
    let substitute = |word: u32| {
        let column = _mm_set1_epi32(word.cast_signed());
        _mm_cvtsi128_si32(_mm_aesenclast_si128(column, _mm_setzero_si128())).cast_unsigned()
    };
    let mut last = [0u32; N];
    for (word, bytes) in last.iter_mut().zip(key.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let mut words = schedule.iter_mut();
    let mut constant = 1u32;
    loop {
        for (word, slot) in last.iter().zip(&mut words) {
            *slot = word.to_le_bytes();
        }
        if words.len() == 0 {
            break;
        }
        let mut previous = substitute(last.last().copied().unwrap_or_default()).rotate_right(8) ^ constant;
        constant = (constant << 1) ^ if constant & 0x80 == 0 { 0 } else { 0x11b };
        for (i, word) in last.iter_mut().enumerate() {
            if N == 8 && i == 4 {
                previous = substitute(previous);
            }
            *word ^= previous;
            previous = *word;
        }
    }
    last.as_mut_slice().zeroize();
}

#[target_feature(enable = "aes,sse2")]
fn mix_columns_inverse(key: &mut Block) {
    // SAFETY: a block has sixteen bytes to read and to write.
    unsafe {
        let place = key.as_mut_ptr().cast();
        _mm_storeu_si128(place, _mm_aesimc_si128(_mm_loadu_si128(place)));
    }
}
