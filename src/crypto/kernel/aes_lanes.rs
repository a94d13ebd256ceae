//! One, two or four blocks side by side in a vector, under the same names for every width, so that a kernel is written once.

use super::aes::{Block, RoundKeys};
use super::stream::Piece;
use std::arch::x86_64::*;

/// One, two or four blocks in a vector. The names to the right are the intrinsics of the width.
macro_rules! lanes {
    (
        $(#[$doc:meta])*
        $module:ident, $features:literal, $vector:ident, $lanes:literal,
        $load:ident $store:ident $zero:ident $xor:ident $add:ident $bytes:ident $words:ident $product:ident
        $round:ident $last:ident $inverse:ident $inverse_last:ident $register:ident;
        $($specific:item)*
    ) => {
        $(#[$doc])*
        pub(super) mod $module {
            use super::*;

            pub(in super::super) type Vector = $vector;
            pub(in super::super) const LANES: usize = $lanes;
            pub(in super::super) const BYTES: usize = 16 * LANES;

            /// From `at` bytes after the piece's start; zero outside.
            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn load<const N: usize>(piece: &Piece<'_, N>, at: usize) -> Vector {
                match piece.readable::<BYTES>(at) {
                    // SAFETY: as many bytes as a vector has can be read there.
                    Some(place) => unsafe { $load(place.cast()) },
                    None => $zero(),
                }
            }

            /// To `at` bytes after the piece's start; nowhere outside.
            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn store<const N: usize>(piece: &Piece<'_, N>, at: usize, vector: Vector) {
                if let Some(place) = piece.writable::<BYTES>(at) {
                    // SAFETY: as many bytes as a vector has can be written there.
                    unsafe { $store(place.cast(), vector) };
                }
            }

            /// A block in the first lane, zero in the others.
            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn load_block<const N: usize>(piece: &Piece<'_, N>, at: usize) -> Vector {
                match piece.readable::<16>(at) {
                    // SAFETY: sixteen bytes can be read there.
                    Some(place) => widen(unsafe { _mm_loadu_si128(place.cast()) }),
                    None => $zero(),
                }
            }

            /// The first lane.
            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn store_block<const N: usize>(piece: &Piece<'_, N>, at: usize, vector: Vector) {
                if let Some(place) = piece.writable::<16>(at) {
                    // SAFETY: sixteen bytes can be written there.
                    unsafe { _mm_storeu_si128(place.cast(), first(vector)) };
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn from_block(block: &Block) -> Vector {
                load_block(&Piece::of(block), 0)
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn to_block(vector: Vector, block: &mut Block) {
                // SAFETY: a block has sixteen bytes to write.
                unsafe { _mm_storeu_si128(block.as_mut_ptr().cast(), first(vector)) };
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn zero() -> Vector {
                $zero()
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn xor(a: Vector, b: Vector) -> Vector {
                $xor(a, b)
            }

            /// In words of 32 bits, which wrap.
            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn add(a: Vector, b: Vector) -> Vector {
                $add(a, b)
            }

            /// The bytes of every lane in the order that `order` says.
            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn shuffle(a: Vector, order: Vector) -> Vector {
                $bytes(a, order)
            }

            /// The halves of every lane, swapped.
            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn swap_halves(a: Vector) -> Vector {
                $words::<0x4e>(a)
            }

            /// The carry-less product of one half of every lane of each; the low bit of `HALVES` chooses that of `a`, bit
            /// 4 that of `b`.
            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn product<const HALVES: i32>(a: Vector, b: Vector) -> Vector {
                $product::<HALVES>(a, b)
            }

            /// Round keys in all lanes.
            pub(in super::super) struct Keys {
                pub(in super::super) first: Vector,
                between: [Vector; 13],
                pub(in super::super) last: Vector,
                unused: usize,
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn keys(of: &RoundKeys) -> Keys {
                let mut between = [zero(); 13];
                for (vector, key) in between.iter_mut().zip(of.between()) {
                    *vector = all_lanes(key);
                }
                Keys { first: all_lanes(of.first()), between, last: all_lanes(of.last()), unused: of.unused() }
            }

            impl Keys {
                /// The nine keys before the last, which there are for a key of any length.
                #[inline]
                pub(in super::super) fn late(&self) -> &[Vector; 9] {
                    let [_, _, _, _, late @ ..] = &self.between;
                    late
                }
            }

            /// All rounds but the last.
            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn encrypt_rounds<const N: usize>(states: &mut [Vector; N], keys: &Keys) {
                encrypt_early_rounds(states, keys);
                for key in keys.late() {
                    encrypt_round(states, *key);
                }
            }

            /// The rounds that there are for longer keys only.
            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn encrypt_early_rounds<const N: usize>(states: &mut [Vector; N], keys: &Keys) {
                let [k0, k1, k2, k3, ..] = &keys.between;
                if keys.unused < 4 {
                    if keys.unused == 0 {
                        encrypt_round(states, *k0);
                        encrypt_round(states, *k1);
                    }
                    encrypt_round(states, *k2);
                    encrypt_round(states, *k3);
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn encrypt_round<const N: usize>(states: &mut [Vector; N], key: Vector) {
                for state in states.iter_mut() {
                    *state = $round(*state, key);
                    in_order!($register, *state);
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn encrypt_last(state: Vector, key: Vector) -> Vector {
                $last(state, key)
            }

            /// All rounds of the inverse cipher but the last.
            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn decrypt_rounds<const N: usize>(states: &mut [Vector; N], keys: &Keys) {
                let [k0, k1, k2, k3, late @ ..] = &keys.between;
                if keys.unused < 4 {
                    if keys.unused == 0 {
                        decrypt_round(states, *k0);
                        decrypt_round(states, *k1);
                    }
                    decrypt_round(states, *k2);
                    decrypt_round(states, *k3);
                }
                for key in late {
                    decrypt_round(states, *key);
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            fn decrypt_round<const N: usize>(states: &mut [Vector; N], key: Vector) {
                for state in states.iter_mut() {
                    *state = $inverse(*state, key);
                    in_order!($register, *state);
                }
            }

            #[inline]
            #[target_feature(enable = $features)]
            pub(in super::super) fn decrypt_last(state: Vector, key: Vector) -> Vector {
                $inverse_last(state, key)
            }

            $(
                #[inline]
                #[target_feature(enable = $features)]
                $specific
            )*
        }
    };
}

/// Keeps the compiler from computing chains that run side by side one after another.
macro_rules! in_order {
    ($register:ident, $vector:expr) => {
        // SAFETY: there is no instruction in it.
        unsafe { std::arch::asm!("/* {0} */", inout($register) $vector, options(nomem, nostack, preserves_flags)) }
    };
}

lanes! {
    one, "aes,pclmulqdq,avx", __m128i, 1,
    _mm_loadu_si128 _mm_storeu_si128 _mm_setzero_si128 _mm_xor_si128 _mm_add_epi32 _mm_shuffle_epi8 _mm_shuffle_epi32
    _mm_clmulepi64_si128 _mm_aesenc_si128 _mm_aesenclast_si128 _mm_aesdec_si128 _mm_aesdeclast_si128 xmm_reg;

    pub(in super::super) fn all_lanes(block: &Block) -> Vector {
        from_block(block)
    }

    fn widen(block: __m128i) -> Vector {
        block
    }

    fn first(vector: Vector) -> __m128i {
        vector
    }

    pub(in super::super) fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
        xor(xor(a, b), c)
    }

    /// The sum of all lanes, in the first; the others are zero.
    pub(in super::super) fn fold(vector: Vector) -> Vector {
        vector
    }

    /// What each lane is after the first, in its lowest word: 0, 1, 2, 3.
    pub(in super::super) fn numbers() -> Vector {
        zero()
    }

    /// The same number in every lane's lowest word.
    pub(in super::super) fn number(number: i32) -> Vector {
        _mm_set_epi32(0, 0, 0, number)
    }

    /// The last lane of `before`, and all but the last of `vector`.
    pub(in super::super) fn shift_in(before: Vector, _: Vector) -> Vector {
        before
    }

    /// `vector` moved so that its first lane is the last one.
    pub(in super::super) fn to_last(vector: Vector) -> Vector {
        vector
    }
}

lanes! {
    two, "avx2,vaes,vpclmulqdq,aes", __m256i, 2,
    _mm256_loadu_si256 _mm256_storeu_si256 _mm256_setzero_si256 _mm256_xor_si256 _mm256_add_epi32 _mm256_shuffle_epi8
    _mm256_shuffle_epi32 _mm256_clmulepi64_epi128 _mm256_aesenc_epi128 _mm256_aesenclast_epi128 _mm256_aesdec_epi128
    _mm256_aesdeclast_epi128 ymm_reg;

    pub(in super::super) fn all_lanes(block: &Block) -> Vector {
        _mm256_broadcastsi128_si256(first(from_block(block)))
    }

    fn widen(block: __m128i) -> Vector {
        _mm256_zextsi128_si256(block)
    }

    fn first(vector: Vector) -> __m128i {
        _mm256_castsi256_si128(vector)
    }

    pub(in super::super) fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
        xor(xor(a, b), c)
    }

    pub(in super::super) fn fold(vector: Vector) -> Vector {
        widen(_mm_xor_si128(first(vector), _mm256_extracti128_si256::<1>(vector)))
    }

    pub(in super::super) fn numbers() -> Vector {
        _mm256_set_epi32(0, 0, 0, 1, 0, 0, 0, 0)
    }

    pub(in super::super) fn number(number: i32) -> Vector {
        _mm256_set_epi32(0, 0, 0, number, 0, 0, 0, number)
    }

    pub(in super::super) fn shift_in(before: Vector, vector: Vector) -> Vector {
        _mm256_permute2x128_si256::<0x21>(before, vector)
    }

    pub(in super::super) fn to_last(vector: Vector) -> Vector {
        _mm256_permute2x128_si256::<0x00>(vector, vector)
    }
}

lanes! {
    four, "avx512f,avx512bw,vaes,vpclmulqdq,aes", __m512i, 4,
    _mm512_loadu_si512 _mm512_storeu_si512 _mm512_setzero_si512 _mm512_xor_si512 _mm512_add_epi32 _mm512_shuffle_epi8
    _mm512_shuffle_epi32 _mm512_clmulepi64_epi128 _mm512_aesenc_epi128 _mm512_aesenclast_epi128 _mm512_aesdec_epi128
    _mm512_aesdeclast_epi128 zmm_reg;

    pub(in super::super) fn all_lanes(block: &Block) -> Vector {
        _mm512_broadcast_i32x4(first(from_block(block)))
    }

    fn widen(block: __m128i) -> Vector {
        _mm512_zextsi128_si512(block)
    }

    fn first(vector: Vector) -> __m128i {
        _mm512_castsi512_si128(vector)
    }

    pub(in super::super) fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
        _mm512_ternarylogic_epi32::<0x96>(a, b, c)
    }

    pub(in super::super) fn fold(vector: Vector) -> Vector {
        let half = _mm256_xor_si256(_mm512_castsi512_si256(vector), _mm512_extracti64x4_epi64::<1>(vector));
        widen(_mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half)))
    }

    pub(in super::super) fn numbers() -> Vector {
        _mm512_set_epi32(0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0)
    }

    pub(in super::super) fn number(number: i32) -> Vector {
        _mm512_set_epi32(0, 0, 0, number, 0, 0, 0, number, 0, 0, 0, number, 0, 0, 0, number)
    }

    pub(in super::super) fn shift_in(before: Vector, vector: Vector) -> Vector {
        _mm512_alignr_epi64::<6>(vector, before)
    }

    pub(in super::super) fn to_last(vector: Vector) -> Vector {
        _mm512_shuffle_i32x4::<0x00>(vector, vector)
    }
}
