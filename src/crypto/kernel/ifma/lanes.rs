//! Vectors of 64-bit lanes, and what AVX-512 IFMA does with them: the products of 52-bit digits, low or high half, added
//! to 64 bits.

use super::steps::{self, Moduli, Numbers};
use std::arch::x86_64::*;
use zeroize::DefaultIsZeroes;

/// A digit's bits.
pub(super) const DIGIT: usize = 52;

/// The greatest digit.
pub(super) const GREATEST: u64 = (1 << DIGIT) - 1;

/// A vector. Masks have a bit for each lane, the first lane's lowest.
///
/// The arithmetic in [`steps`] is written over this trait, so that the same steps can be run, and looked at by tools that
/// do not know AVX-512, over lanes in plain Rust.
pub(super) trait Lanes: DefaultIsZeroes + Sync + Send {
    /// How many lanes it has.
    const COUNT: usize;

    /// [`COUNT`](Self::COUNT) lanes from a slice; what is missing is zero.
    fn load(lanes: &[u64]) -> Self;
    /// The same in every lane.
    fn splat(value: u64) -> Self;
    /// One lane of the vector, in every lane.
    fn spread(&self, lane: usize) -> Self;
    /// One lane.
    fn lane(&self, lane: usize) -> u64;
    /// Its first lane in every lane.
    fn spread_first(self) -> Self;
    /// Each lane one place down; the last becomes zero.
    fn down(self) -> Self;
    /// Each lane one place up; the first becomes zero.
    fn up(self) -> Self;
    /// Lane by lane, modulo 2^64.
    fn add(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    /// Adds the low 52 bits of the products of two vectors' low 52 bits.
    fn add_low(self, a: Self, b: Self) -> Self;
    /// Adds the high 52 bits of these products.
    fn add_high(self, a: Self, b: Self) -> Self;
    /// What each lane has above 52 bits.
    fn carries(self) -> Self;
    /// What the first lane has above 52 bits; the others become zero.
    fn carry_of_first(self) -> Self;
    /// Where the lanes are equal.
    fn equal(self, other: Self) -> u8;
    /// The other's lanes where the mask has a bit.
    fn replace(self, mask: u8, other: Self) -> Self;

    /// [`steps::multiply`], compiled for these lanes.
    fn multiply<const V: usize, const C: usize>(
        x: &mut Numbers<Self, V, C>,
        y: &Numbers<Self, V, C>,
        n: &Moduli<Self, V, C>,
    );
    /// [`steps::square`].
    fn square<const V: usize, const C: usize>(x: &mut Numbers<Self, V, C>, n: &Moduli<Self, V, C>);
    /// [`steps::select`].
    fn select<const V: usize, const C: usize>(
        x: &mut Numbers<Self, V, C>,
        table: &[Numbers<Self, V, C>],
        indices: [u64; C],
    );
}

/// Four lanes.
#[derive(Clone, Copy)]
pub(super) struct Ymm(__m256i);

/// Eight lanes.
#[derive(Clone, Copy)]
pub(super) struct Zmm(__m512i);

/// What needs the processor's instructions.
macro_rules! available {
    ($call:expr) => {
        // SAFETY: vectors are worked with only behind `super::is_available`; what is loaded is as long as a vector.
        unsafe { $call }
    };
}

/// The trait over the processor's instructions: how many lanes, then which intrinsic does what.
macro_rules! lanes {
    ($lanes:ident, $count:literal, load $load:ident, zero $zero:ident, splat $splat:ident, first $cast:ident $broadcast:ident,
     align $align:ident, add $add:ident, and $and:ident, low $low:ident, high $high:ident, shift $shift:ident $shift_each:ident,
     equal $equal:ident, replace $replace:ident) => {
        // Every method is inlined where the steps are compiled for these instructions.
        impl Lanes for $lanes {
            const COUNT: usize = $count;

            #[inline(always)]
            fn load(lanes: &[u64]) -> Self {
                let mut all = [0u64; $count];
                for (to, from) in all.iter_mut().zip(lanes) {
                    *to = *from;
                }
                Self(available!($load(all.as_ptr().cast())))
            }
            #[inline(always)]
            fn splat(value: u64) -> Self {
                Self(available!($splat(value.cast_signed())))
            }
            #[inline(always)]
            fn spread(&self, lane: usize) -> Self {
                Self::splat(self.lane(lane))
            }
            #[inline(always)]
            fn lane(&self, lane: usize) -> u64 {
                let first = std::ptr::from_ref(self).cast::<u64>();
                // SAFETY: a vector is so many words in memory, and this is one of them.
                unsafe { first.add(lane % $count).read() }
            }
            #[inline(always)]
            fn spread_first(self) -> Self {
                Self(available!($broadcast($cast(self.0))))
            }
            #[inline(always)]
            fn down(self) -> Self {
                Self(available!($align::<1>($zero(), self.0)))
            }
            #[inline(always)]
            fn up(self) -> Self {
                Self(available!($align::<{ $count - 1 }>(self.0, $zero())))
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                Self(available!($add(self.0, other.0)))
            }
            #[inline(always)]
            fn and(self, other: Self) -> Self {
                Self(available!($and(self.0, other.0)))
            }
            #[inline(always)]
            fn add_low(self, a: Self, b: Self) -> Self {
                Self(available!($low(self.0, a.0, b.0)))
            }
            #[inline(always)]
            fn add_high(self, a: Self, b: Self) -> Self {
                Self(available!($high(self.0, a.0, b.0)))
            }
            #[inline(always)]
            fn carries(self) -> Self {
                Self(available!($shift::<52>(self.0)))
            }
            #[inline(always)]
            fn carry_of_first(self) -> Self {
                // A shift by all bits leaves zero.
                const BY: [u64; $count] = {
                    let mut by = [64; $count];
                    by[0] = DIGIT as u64;
                    by
                };
                Self(available!($shift_each(self.0, $load(BY.as_ptr().cast()))))
            }
            #[inline(always)]
            fn equal(self, other: Self) -> u8 {
                available!($equal(self.0, other.0))
            }
            #[inline(always)]
            fn replace(self, mask: u8, other: Self) -> Self {
                Self(available!($replace(self.0, mask, other.0)))
            }

            fn multiply<const V: usize, const C: usize>(
                x: &mut Numbers<Self, V, C>,
                y: &Numbers<Self, V, C>,
                n: &Moduli<Self, V, C>,
            ) {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512ifma")]
                fn compiled<const V: usize, const C: usize>(
                    x: &mut Numbers<$lanes, V, C>,
                    y: &Numbers<$lanes, V, C>,
                    n: &Moduli<$lanes, V, C>,
                ) {
                    steps::multiply(x, y, n);
                }
                available!(compiled(x, y, n))
            }

            fn square<const V: usize, const C: usize>(x: &mut Numbers<Self, V, C>, n: &Moduli<Self, V, C>) {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512ifma")]
                fn compiled<const V: usize, const C: usize>(x: &mut Numbers<$lanes, V, C>, n: &Moduli<$lanes, V, C>) {
                    steps::square(x, n);
                }
                available!(compiled(x, n))
            }

            fn select<const V: usize, const C: usize>(
                x: &mut Numbers<Self, V, C>,
                table: &[Numbers<Self, V, C>],
                indices: [u64; C],
            ) {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512ifma")]
                fn compiled<const V: usize, const C: usize>(
                    x: &mut Numbers<$lanes, V, C>,
                    table: &[Numbers<$lanes, V, C>],
                    indices: [u64; C],
                ) {
                    steps::select(x, table, indices);
                }
                available!(compiled(x, table, indices))
            }
        }

        impl Default for $lanes {
            #[inline(always)]
            fn default() -> Self {
                Self(available!($zero()))
            }
        }

        impl DefaultIsZeroes for $lanes {}
    };
}

lanes!(
    Ymm, 4, load _mm256_loadu_si256, zero _mm256_setzero_si256, splat _mm256_set1_epi64x,
    first _mm256_castsi256_si128 _mm256_broadcastq_epi64, align _mm256_alignr_epi64, add _mm256_add_epi64,
    and _mm256_and_si256, low _mm256_madd52lo_epu64, high _mm256_madd52hi_epu64,
    shift _mm256_srli_epi64 _mm256_srlv_epi64, equal _mm256_cmpeq_epi64_mask, replace _mm256_mask_mov_epi64
);

lanes!(
    Zmm, 8, load _mm512_loadu_si512, zero _mm512_setzero_si512, splat _mm512_set1_epi64,
    first _mm512_castsi512_si128 _mm512_broadcastq_epi64, align _mm512_alignr_epi64, add _mm512_add_epi64,
    and _mm512_and_si512, low _mm512_madd52lo_epu64, high _mm512_madd52hi_epu64,
    shift _mm512_srli_epi64 _mm512_srlv_epi64, equal _mm512_cmpeq_epi64_mask, replace _mm512_mask_mov_epi64
);
