//! AES in counter mode and GHASH in one pass, sixteen blocks to a reduction.
//!
//! GHASH is computed as POLYVAL (RFC 8452 appendix A) over blocks whose bytes are in reverse order: its bits are then in the
//! order of the processor, and a reduction is two products.

use super::aes::{Block, Cpu, RoundKeys, Width, wipe};
use super::aes_lanes::{four, one, two};
use super::stream::{Piece, Stream, append};

/// One message under one key and nonce, in whole blocks.
#[repr(align(64))]
pub(crate) struct GcmKernel {
    /// The powers of the hash key, the sixteenth first.
    powers: [u8; POWERS],
    keys: RoundKeys,
    /// The next counter block, in reverse order: the count is the first word.
    counter: Block,
    /// GHASH of all so far, in reverse order.
    hash: Block,
    cpu: Cpu,
}

impl Drop for GcmKernel {
    fn drop(&mut self) {
        wipe(self.powers.as_chunks_mut().0);
        wipe(std::slice::from_mut(&mut self.hash));
    }
}

const POWERS: usize = 16 * 16;

/// What is done with a stream. Constants of a type of their own cannot be parameters.
const ENCRYPT: u8 = 0;
const DECRYPT: u8 = 1;
const HASH: u8 = 2;
const DECRYPT_ONLY: u8 = 3;

impl GcmKernel {
    /// `None` where the key has another length than those of AES. The first block of keystream is the tag's.
    pub(crate) fn new(cpu: Cpu, key: &[u8], nonce: &[u8; 12]) -> Option<Self> {
        let keys = RoundKeys::for_encryption(cpu, key)?;
        let mut counter = [0; 16];
        let [count, reversed @ ..] = &mut counter;
        *count = 1;
        for (to, from) in reversed.iter_mut().skip(3).zip(nonce.iter().rev()) {
            *to = *from;
        }
        let mut kernel = Self { powers: [0; POWERS], keys, counter, hash: [0; 16], cpu };
        // SAFETY: there is a `Cpu` only where there are these instructions.
        unsafe { set_powers(&mut kernel) };
        Some(kernel)
    }

    /// Encrypts whole blocks, and appends them; what does not fill a block is left out.
    pub(crate) fn encrypt(&mut self, input: &[u8], out: &mut Vec<u8>) {
        // SAFETY: the kernel writes what it takes, unless it only hashes.
        unsafe { append(input, out, |stream| self.run::<ENCRYPT>(stream)) };
    }

    /// Decrypts whole blocks, and appends them; what does not fill a block is left out.
    pub(crate) fn decrypt(&mut self, input: &[u8], out: &mut Vec<u8>) {
        // SAFETY: the kernel writes what it takes, unless it only hashes.
        unsafe { append(input, out, |stream| self.run::<DECRYPT>(stream)) };
    }

    /// The same without GHASH.
    pub(crate) fn decrypt_only(&mut self, input: &[u8], out: &mut Vec<u8>) {
        // SAFETY: the kernel writes what it takes, unless it only hashes.
        unsafe { append(input, out, |stream| self.run::<DECRYPT_ONLY>(stream)) };
    }

    /// Takes whole blocks for GHASH only; what does not fill a block is left out.
    pub(crate) fn hash(&mut self, input: &[u8]) {
        self.run::<HASH>(&mut Stream::reading(input));
    }

    /// The next block of keystream.
    pub(crate) fn keystream(&mut self) -> Block {
        let mut block = [0; 16];
        self.run::<DECRYPT_ONLY>(&mut Stream::in_place(&mut block));
        block
    }

    /// GHASH of all that went through.
    pub(crate) fn hashed(&self) -> Block {
        let mut hash = self.hash;
        hash.reverse();
        hash
    }

    fn run<const MODE: u8>(&mut self, stream: &mut Stream<'_>) {
        // SAFETY: there is a `Cpu` of a width only where there are its instructions.
        unsafe {
            match self.cpu.width() {
                Width::One => by_one::run::<MODE>(self, stream),
                Width::Two => by_two::run::<MODE>(self, stream),
                Width::Four => by_four::run::<MODE>(self, stream),
            }
        }
    }
}

const REVERSED: Block = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
/// x^128 + x^127 + x^126 + x^121 + 1, without its highest term.
const POLYNOMIAL: Block = 0xc200_0000_0000_0000_0000_0000_0000_0001_u128.to_le_bytes();

/// The hash key is the encrypted zero block, times x, since POLYVAL's products lack that factor.
#[target_feature(enable = "aes,pclmulqdq,avx")]
fn set_powers(kernel: &mut GcmKernel) {
    let keys = one::keys(&kernel.keys);
    let mut states = [keys.first];
    one::encrypt_rounds(&mut states, &keys);
    let [state] = states;
    let mut block = [0; 16];
    one::to_block(one::encrypt_last(state, keys.last), &mut block);
    let h = u128::from_be_bytes(block);
    let carry = h >> 127;
    let h = (h << 1) ^ carry ^ (carry << 127) ^ (carry << 126) ^ (carry << 121);
    block = h.to_le_bytes();

    let polynomial = one::from_block(&POLYNOMIAL);
    let mut powers = [one::from_block(&block); 16];
    let mut known = 1;
    while let Some((lower, higher)) = powers.split_at_mut_checked(known)
        && let Some(highest) = lower.last()
        && !higher.is_empty()
    {
        for (power, low) in higher.iter_mut().zip(&*lower) {
            let mut sum = by_one::Sum::new();
            sum.add(*low, *highest);
            *power = sum.reduce(polynomial);
        }
        known *= 2;
    }
    for (place, power) in kernel.powers.as_chunks_mut().0.iter_mut().zip(powers.iter().rev()) {
        one::to_block(*power, place);
    }
    wipe(std::slice::from_mut(&mut block));
}

/// The kernel on vectors of one width, of which it takes `$vectors` at a time.
macro_rules! kernel {
    ($module:ident, $lanes:ident, $features:literal, $vectors:literal) => {
        mod $module {
            use super::$lanes::*;
            use super::*;

            /// At most the powers that there are.
            const WIDE: usize = $vectors * BYTES;

            #[target_feature(enable = $features)]
            pub(super) fn run<const MODE: u8>(kernel: &mut GcmKernel, stream: &mut Stream<'_>) {
                let keys = keys(&kernel.keys);
                let reversed = all_lanes(&REVERSED);
                let polynomial = all_lanes(&POLYNOMIAL);
                let powers = Piece::of(&kernel.powers);
                let mut counter = add(all_lanes(&kernel.counter), numbers());
                let mut hash = from_block(&kernel.hash);
                // What is to be hashed while the next blocks are encrypted: their own ciphertext is not there yet.
                let mut waiting: Option<[Vector; $vectors]> = None;
                while let Some(piece) = stream.next::<WIDE>() {
                    let mut states = [zero(); $vectors];
                    if MODE != HASH {
                        for state in &mut states {
                            *state = xor(shuffle(counter, reversed), keys.first);
                            counter = add(counter, number(LANES as i32));
                        }
                    }
                    if MODE == ENCRYPT {
                        match &waiting {
                            Some(vectors) => {
                                let sum = interleave::<MODE, true, true>(&mut states, &keys, vectors, powers);
                                hash = fold(sum.reduce(polynomial));
                            }
                            None => {
                                interleave::<MODE, true, false>(&mut states, &keys, &[zero(); $vectors], powers);
                            }
                        }
                    }
                    let mut hashed = [zero(); $vectors];
                    if MODE == DECRYPT || MODE == HASH {
                        for i in 0..$vectors {
                            if let Some(vector) = hashed.get_mut(i) {
                                *vector = shuffle(load(&piece, i * BYTES), reversed);
                            }
                        }
                        let [first, ..] = &mut hashed;
                        *first = xor(*first, hash);
                        let sum = if MODE == DECRYPT {
                            interleave::<MODE, true, true>(&mut states, &keys, &hashed, powers)
                        } else {
                            interleave::<MODE, false, true>(&mut states, &keys, &hashed, powers)
                        };
                        hash = fold(sum.reduce(polynomial));
                    }
                    if MODE == DECRYPT_ONLY {
                        interleave::<MODE, true, false>(&mut states, &keys, &hashed, powers);
                    }
                    if MODE != HASH {
                        for i in 0..$vectors {
                            let (Some(state), Some(hashed)) = (states.get(i), hashed.get_mut(i)) else { break };
                            let output = encrypt_last(*state, xor(keys.last, load(&piece, i * BYTES)));
                            store(&piece, i * BYTES, output);
                            if MODE == ENCRYPT {
                                *hashed = shuffle(output, reversed);
                            }
                        }
                    }
                    if MODE == ENCRYPT {
                        let [first, ..] = &mut hashed;
                        *first = xor(*first, hash);
                        waiting = Some(hashed);
                    }
                }
                if let Some(vectors) = &waiting {
                    let sum = interleave::<MODE, false, true>(&mut [zero(); $vectors], &keys, vectors, powers);
                    hash = fold(sum.reduce(polynomial));
                }
                // Fewer blocks than that take the lower powers: vectors first, then single blocks.
                let mut power = POWERS - stream.left() / 16 * 16;
                if power == POWERS {
                    to_block(counter, &mut kernel.counter);
                    to_block(hash, &mut kernel.hash);
                    return;
                }
                let mut sum = Sum::new();
                while let Some(piece) = stream.next::<BYTES>() {
                    let input = load(&piece, 0);
                    let output = encrypt_one(counter, input, reversed, &keys);
                    if MODE != HASH {
                        store(&piece, 0, output);
                        counter = add(counter, number(LANES as i32));
                    }
                    if MODE != DECRYPT_ONLY {
                        let hashed = shuffle(if MODE == ENCRYPT { output } else { input }, reversed);
                        sum.add(xor(hashed, hash), load(&powers, power));
                        hash = zero();
                        power += BYTES;
                    }
                }
                while let Some(piece) = stream.next::<16>() {
                    let input = load_block(&piece, 0);
                    let output = encrypt_one(counter, input, reversed, &keys);
                    if MODE != HASH {
                        store_block(&piece, 0, output);
                        counter = add(counter, number(1));
                    }
                    if MODE != DECRYPT_ONLY {
                        // The lanes of no block have a power of zero, and so no part in the sum.
                        let hashed = shuffle(if MODE == ENCRYPT { output } else { input }, reversed);
                        sum.add(xor(hashed, hash), load_block(&powers, power));
                        hash = zero();
                        power += 16;
                    }
                }
                if MODE != DECRYPT_ONLY {
                    hash = fold(sum.reduce(polynomial));
                }
                to_block(counter, &mut kernel.counter);
                to_block(hash, &mut kernel.hash);
            }

            /// All rounds but the last, and between them the products of a vector with its power. The order of the instructions
            /// is what matters: a processor looks ahead less far than to the next step.
            #[inline]
            #[target_feature(enable = $features)]
            fn interleave<const MODE: u8, const CRYPT: bool, const SUM: bool>(
                states: &mut [Vector; $vectors],
                keys: &Keys,
                hashed: &[Vector; $vectors],
                powers: Piece<'_, POWERS>,
            ) -> Sum {
                let mut sum = Sum::new();
                // The first vector is the last: what it waits for is the step before.
                if CRYPT {
                    encrypt_early_rounds(states, keys);
                }
                for round in 0..9 {
                    if CRYPT && let Some(key) = keys.late().get(round) {
                        encrypt_round(states, *key);
                    }
                    if SUM
                        && round * $vectors % 8 == 0
                        && let Some(i) = ($vectors - 1_usize).checked_sub(round * $vectors / 8)
                        && let Some(vector) = hashed.get(i)
                    {
                        sum.add(*vector, load(&powers, POWERS - WIDE + i * BYTES));
                    }
                }
                sum
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn encrypt_one(counter: Vector, input: Vector, reversed: Vector, keys: &Keys) -> Vector {
                let mut states = [xor(shuffle(counter, reversed), keys.first)];
                encrypt_rounds(&mut states, keys);
                let [state] = states;
                encrypt_last(state, xor(keys.last, input))
            }

            /// A sum of products in every lane, not reduced: 256 bits, of which the middle overlaps both ends.
            pub(super) struct Sum {
                low: Vector,
                middle: Vector,
                high: Vector,
            }

            impl Sum {
                #[inline]
                #[target_feature(enable = $features)]
                pub(super) fn new() -> Self {
                    Self { low: zero(), middle: zero(), high: zero() }
                }

                #[inline]
                #[target_feature(enable = $features)]
                pub(super) fn add(&mut self, a: Vector, b: Vector) {
                    self.low = xor(self.low, product::<0x00>(a, b));
                    self.middle = xor3(self.middle, product::<0x01>(a, b), product::<0x10>(a, b));
                    self.high = xor(self.high, product::<0x11>(a, b));
                }

                /// Adds the multiples of the polynomial that make the lower half zero, 64 bits at a time.
                #[inline]
                #[target_feature(enable = $features)]
                pub(super) fn reduce(self, polynomial: Vector) -> Vector {
                    let folded = product::<0x01>(polynomial, self.low);
                    let middle = xor3(self.middle, swap_halves(self.low), folded);
                    let folded = product::<0x01>(polynomial, middle);
                    xor3(self.high, swap_halves(middle), folded)
                }
            }
        }
    };
}

kernel!(by_one, one, "aes,pclmulqdq,avx", 8);
kernel!(by_two, two, "avx2,vaes,vpclmulqdq,aes", 8);
kernel!(by_four, four, "avx512f,avx512bw,vaes,vpclmulqdq,aes", 4);

#[cfg(test)]
mod tests {
    use super::*;
    use cipher::{KeyIvInit, StreamCipher};

    #[test]
    fn the_count_wraps_within_its_32_bits() {
        let key = [3; 32];
        for cpu in Cpu::variants() {
            for before in 0..40u32 {
                let mut kernel = GcmKernel::new(cpu, &key, &[0xff; 12]).unwrap();
                let first = 0u32.wrapping_sub(before);
                kernel.counter[..4].copy_from_slice(&first.to_le_bytes());
                let mut block = [0xff; 16];
                block[12..].copy_from_slice(&first.to_be_bytes());
                let mut expected = vec![0x5a; 16 * 70];
                ctr::Ctr32BE::<aes::Aes256>::new(&key.into(), &block.into()).apply_keystream(&mut expected);
                let mut out = Vec::new();
                kernel.encrypt(&[0x5a; 16 * 70], &mut out);
                assert_eq!(out, expected, "{cpu:?} {before}");
            }
        }
    }

    #[test]
    fn what_fills_no_block_is_left_out() {
        for cpu in Cpu::variants() {
            let mut kernel = GcmKernel::new(cpu, &[3; 16], &[0; 12]).unwrap();
            let mut out = vec![1, 2];
            kernel.encrypt(&[9; 15], &mut out);
            assert_eq!(out, [1, 2]);
            kernel.encrypt(&[9; 33], &mut out);
            assert_eq!(out.len(), 34);
        }
    }
}
