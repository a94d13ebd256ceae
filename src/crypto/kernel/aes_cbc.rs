//! AES in CBC. Decryption takes many blocks at a time; encryption is a chain, in which nothing waits but the rounds.

use super::aes::{Block, Cpu, RoundKeys, Width};
use super::aes_lanes::{four, one, two};
use super::stream::{Stream, append};

/// Encrypts one message in CBC, in whole blocks.
pub(crate) struct CbcEncryptionKernel {
    keys: RoundKeys,
    /// The initialisation vector, then the last block of ciphertext.
    chain: Block,
}

impl CbcEncryptionKernel {
    /// `None` where the key has another length than those of AES.
    pub(crate) fn new(cpu: Cpu, key: &[u8], iv: &Block) -> Option<Self> {
        Some(Self { keys: RoundKeys::for_encryption(cpu, key)?, chain: *iv })
    }

    /// Encrypts whole blocks, and appends them; what does not fill a block is left out.
    pub(crate) fn encrypt(&mut self, input: &[u8], out: &mut Vec<u8>) {
        // SAFETY: there are round keys only where there are these instructions, and the chain writes what it takes.
        unsafe { append(input, out, |stream| encrypt(self, stream)) };
    }
}

/// Decrypts one message in CBC, in whole blocks.
pub(crate) struct CbcDecryptionKernel {
    keys: RoundKeys,
    /// The initialisation vector, then the last block of ciphertext.
    chain: Block,
    cpu: Cpu,
}

impl CbcDecryptionKernel {
    /// `None` where the key has another length than those of AES.
    pub(crate) fn new(cpu: Cpu, key: &[u8], iv: &Block) -> Option<Self> {
        Some(Self { keys: RoundKeys::for_decryption(cpu, key)?, chain: *iv, cpu })
    }

    /// Decrypts whole blocks, and appends them; what does not fill a block is left out.
    pub(crate) fn decrypt(&mut self, input: &[u8], out: &mut Vec<u8>) {
        // SAFETY: there is a `Cpu` of a width only where there are its instructions, and the kernel writes what it takes.
        unsafe {
            append(input, out, |stream| match self.cpu.width() {
                Width::One => by_one::decrypt(self, stream),
                Width::Two => by_two::decrypt(self, stream),
                Width::Four => by_four::decrypt(self, stream),
            });
        }
    }
}

/// What comes in is added to the last round key, off the chain: the last round's output is then the next one's input.
#[target_feature(enable = "aes,pclmulqdq,avx")]
fn encrypt(kernel: &mut CbcEncryptionKernel, stream: &mut Stream<'_>) {
    let keys = one::keys(&kernel.keys);
    let Some(mut piece) = stream.next::<16>() else { return };
    let mut states = [one::xor3(one::from_block(&kernel.chain), keys.first, one::load(&piece, 0))];
    let output = loop {
        one::encrypt_rounds(&mut states, &keys);
        let [state] = &mut states;
        let output = one::encrypt_last(*state, keys.last);
        one::store(&piece, 0, output);
        let Some(next) = stream.next::<16>() else { break output };
        let input = one::xor3(keys.last, keys.first, one::load(&next, 0));
        *state = one::encrypt_last(*state, input);
        piece = next;
    };
    one::to_block(output, &mut kernel.chain);
}

/// The kernel on vectors of one width, of which it takes `$vectors` at a time.
macro_rules! kernel {
    ($module:ident, $lanes:ident, $features:literal, $vectors:literal) => {
        mod $module {
            use super::$lanes::*;
            use super::*;

            const WIDE: usize = $vectors * BYTES;

            #[target_feature(enable = $features)]
            pub(super) fn decrypt(kernel: &mut CbcDecryptionKernel, stream: &mut Stream<'_>) {
                let keys = keys(&kernel.keys);
                let last = keys.last;
                let mut chain = to_last(from_block(&kernel.chain));
                while let Some(piece) = stream.next::<WIDE>() {
                    let mut states = [zero(); $vectors];
                    for i in 0..$vectors {
                        if let Some(state) = states.get_mut(i) {
                            *state = xor(load(&piece, i * BYTES), keys.first);
                        }
                    }
                    decrypt_rounds(&mut states, &keys);
                    let before = shift_in(chain, load(&piece, 0));
                    chain = load(&piece, WIDE - BYTES);
                    // From the end, so that nothing is overwritten that is still needed.
                    for i in (0..$vectors).rev() {
                        let Some(state) = states.get(i) else { break };
                        let before = if i == 0 { before } else { load(&piece, (i * BYTES).wrapping_sub(16)) };
                        store(&piece, i * BYTES, decrypt_last(*state, xor(last, before)));
                    }
                }
                while let Some(piece) = stream.next::<BYTES>() {
                    let input = load(&piece, 0);
                    let mut states = [xor(input, keys.first)];
                    decrypt_rounds(&mut states, &keys);
                    let [state] = states;
                    store(&piece, 0, decrypt_last(state, xor(last, shift_in(chain, input))));
                    chain = input;
                }
                let mut chain = shift_in(chain, zero());
                while let Some(piece) = stream.next::<16>() {
                    let input = load_block(&piece, 0);
                    let mut states = [xor(input, keys.first)];
                    decrypt_rounds(&mut states, &keys);
                    let [state] = states;
                    store_block(&piece, 0, decrypt_last(state, xor(last, chain)));
                    chain = input;
                }
                to_block(chain, &mut kernel.chain);
            }
        }
    };
}

kernel!(by_one, one, "aes,pclmulqdq,avx", 8);
kernel!(by_two, two, "avx2,vaes,vpclmulqdq,aes", 8);
kernel!(by_four, four, "avx512f,avx512bw,vaes,vpclmulqdq,aes", 8);
