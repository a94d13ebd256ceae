//! The steps over lanes in plain Rust, held to the portable version; and the processor's lanes, held to those digit by
//! digit.

use super::lanes::{DIGIT, GREATEST, Lanes, Ymm, Zmm};
use super::power::{Constants, Powers};
use super::steps::{self, Moduli, Numbers};
use crate::crypto::kernel::Backend;
use crate::crypto::kernel::montgomery::{self, Limbs, Modulus};
use crate::crypto::kernel::undefined::{can_be_asked, case, complaints, hide, show};
use zeroize::DefaultIsZeroes;

/// Lanes in plain Rust: the same steps on any processor, and under tools that do not know AVX-512.
#[derive(Clone, Copy)]
struct Soft<const N: usize>([u64; N]);

impl<const N: usize> Soft<N> {
    fn each(a: Self, b: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|lane| f(a.0[lane], b.0[lane])))
    }

    fn product(a: u64, b: u64) -> u128 {
        u128::from(a & GREATEST) * u128::from(b & GREATEST)
    }
}

impl<const N: usize> Default for Soft<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> DefaultIsZeroes for Soft<N> {}

impl<const N: usize> Lanes for Soft<N> {
    const COUNT: usize = N;

    fn load(lanes: &[u64]) -> Self {
        Self(std::array::from_fn(|lane| lanes.get(lane).copied().unwrap_or(0)))
    }
    fn splat(value: u64) -> Self {
        Self([value; N])
    }
    fn spread(&self, lane: usize) -> Self {
        Self::splat(self.0[lane])
    }
    fn lane(&self, lane: usize) -> u64 {
        self.0[lane]
    }
    fn spread_first(self) -> Self {
        Self::splat(self.0[0])
    }
    fn down(self) -> Self {
        Self(std::array::from_fn(|lane| if lane + 1 < N { self.0[lane + 1] } else { 0 }))
    }
    fn up(self) -> Self {
        Self(std::array::from_fn(|lane| if lane > 0 { self.0[lane - 1] } else { 0 }))
    }
    fn add(self, other: Self) -> Self {
        Self::each(self, other, u64::wrapping_add)
    }
    fn and(self, other: Self) -> Self {
        Self::each(self, other, |a, b| a & b)
    }
    fn add_low(self, a: Self, b: Self) -> Self {
        self.add(Self::each(a, b, |a, b| Self::product(a, b) as u64 & GREATEST))
    }
    fn add_high(self, a: Self, b: Self) -> Self {
        self.add(Self::each(a, b, |a, b| (Self::product(a, b) >> DIGIT) as u64))
    }
    fn carries(self) -> Self {
        Self(self.0.map(|lane| lane >> DIGIT))
    }
    fn carry_of_first(self) -> Self {
        Self(std::array::from_fn(|lane| if lane == 0 { self.0[0] >> DIGIT } else { 0 }))
    }
    fn equal(self, other: Self) -> u8 {
        self.0.iter().zip(other.0).enumerate().fold(0, |mask, (lane, (a, b))| {
            let difference = std::hint::black_box(a ^ b);
            let differs = (difference | difference.wrapping_neg()) >> 63;
            mask | (1 ^ differs as u8) << lane
        })
    }
    fn replace(self, mask: u8, other: Self) -> Self {
        Self(std::array::from_fn(|lane| {
            let there = u64::from(std::hint::black_box(mask >> lane & 1)).wrapping_neg();
            self.0[lane] & !there | other.0[lane] & there
        }))
    }

    fn multiply<const V: usize, const C: usize>(
        x: &mut Numbers<Self, V, C>,
        y: &Numbers<Self, V, C>,
        n: &Moduli<Self, V, C>,
    ) {
        steps::multiply(x, y, n);
    }
    fn square<const V: usize, const C: usize>(x: &mut Numbers<Self, V, C>, n: &Moduli<Self, V, C>) {
        steps::square(x, n);
    }
    fn select<const V: usize, const C: usize>(
        x: &mut Numbers<Self, V, C>,
        table: &[Numbers<Self, V, C>],
        indices: [u64; C],
    ) {
        steps::select(x, table, indices);
    }
}

/// How often, in a release build and in one that is not optimised.
const fn times(release: usize, debug: usize) -> usize {
    if cfg!(debug_assertions) { debug } else { release }
}

/// Numbers that look random, the same each time.
struct Source(u64);

impl Source {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// One whose limbs are random, or in two of three cases mostly zeros and ones.
    fn number(&mut self, limbs: usize) -> Vec<u64> {
        let kind = self.next() % 3;
        let limb = |source: &mut Self| match (kind, source.next() % 8) {
            (1, 1..) => 0,
            (2, 1..) => u64::MAX,
            _ => source.next(),
        };
        (0..limbs).map(|_| limb(self)).collect()
    }

    /// Odd; in one of four cases with many zeros above it.
    fn modulus(&mut self, limbs: usize) -> Modulus {
        let mut n = self.number(limbs);
        let used = if self.next().is_multiple_of(4) { 1 + self.next() as usize % limbs } else { limbs };
        n[used..].fill(0);
        n[0] |= 3;
        n[used - 1] |= 1 << (self.next() % 64);
        let bytes: Vec<u8> = n.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
        Modulus::secret(&bytes, limbs).unwrap()
    }

    /// Below the modulus, often at an end of what is allowed.
    fn below(&mut self, modulus: &Modulus) -> Limbs {
        let limbs = modulus.limbs();
        match self.next() % 8 {
            0 => vec![0; limbs].into(),
            1 => (0..limbs).map(|limb| u64::from(limb == 0)).collect::<Vec<_>>().into(),
            // The modulus is odd, so that one less has no borrow.
            2 => (0..limbs).map(|limb| modulus.value()[limb] ^ u64::from(limb == 0)).collect::<Vec<_>>().into(),
            _ => modulus.reduce(&self.number(limbs)),
        }
    }
}

/// Runs the body with the names for each kind of lanes and vectors that is in use, with limbs and digits.
macro_rules! for_each_size {
    ($run:ident) => {
        $run::<Ymm, Soft<4>, 5>(16, 20);
        $run::<Zmm, Soft<8>, 4>(24, 30);
        $run::<Zmm, Soft<8>, 5>(32, 40);
        $run::<Zmm, Soft<8>, 8>(48, 60);
        $run::<Zmm, Soft<8>, 10>(64, 80);
    };
}

fn powers_are_right<L: Lanes, const V: usize>(limbs: usize, digits: usize, seed: u64) {
    let mut source = Source(seed);
    let moduli = [source.modulus(limbs), source.modulus(limbs)];
    let constants = moduli.each_ref().map(|modulus| Constants::new::<L, V>(modulus, digits));
    let [m, k] = moduli.each_ref();
    let (a, b) = (source.below(m), source.below(k));
    let pair = Powers::<L, V, 2>::new([m, k], constants.each_ref());
    // An exponent is not longer than its modulus.
    let exponents = [source.below(m), source.below(k)];
    let exponents = [&exponents[0][..], &exponents[1][..]];
    let wanted = montgomery::power_pair(Backend::Portable, [m, k], [&a, &b], exponents);
    assert_eq!(pair.secret([&a, &b], exponents), wanted, "pair of {limbs} limbs, seed {seed}");
    let exponent = [1, 2, 3, 65_537, source.next() >> 31][seed as usize % 5];
    let one = Powers::<L, V, 1>::new([m], [&constants[0]]);
    let wanted = montgomery::power_public(Backend::Portable, m, &a, exponent);
    assert_eq!(one.public([&a], exponent), [wanted], "{limbs} limbs, exponent {exponent}, seed {seed}");
}

#[test]
fn powers_over_plain_lanes_are_those_of_the_portable_version() {
    fn run<Fast: Lanes, Plain: Lanes, const V: usize>(limbs: usize, digits: usize) {
        for seed in 0..times(5, 1) as u64 {
            powers_are_right::<Plain, V>(limbs, digits, seed);
        }
    }
    for_each_size!(run);
}

#[test]
fn powers_over_the_processors_lanes_are_those_of_the_portable_version() {
    fn run<Fast: Lanes, Plain: Lanes, const V: usize>(limbs: usize, digits: usize) {
        for seed in 0..times(25, 2) as u64 {
            powers_are_right::<Fast, V>(limbs, digits, seed);
        }
    }
    if super::is_available() {
        for_each_size!(run);
    }
}

#[test]
fn each_step_over_the_processors_lanes_is_that_over_plain_lanes() {
    fn lanes<L: Lanes, const V: usize, const C: usize>(numbers: &Numbers<L, V, C>) -> Vec<u64> {
        numbers.iter().flatten().flat_map(|vector| (0..L::COUNT).map(|lane| vector.lane(lane))).collect()
    }
    fn walk<Fast: Lanes, Plain: Lanes, const V: usize, const C: usize>(limbs: usize, digits: usize, seed: u64) {
        let mut source = Source(seed);
        let moduli: [Modulus; C] = std::array::from_fn(|_| source.modulus(limbs));
        let constants = moduli.each_ref().map(|modulus| Constants::new::<Fast, V>(modulus, digits));
        let fast = Moduli::<Fast, V, C>::new(constants.each_ref());
        let plain = Moduli::<Plain, V, C>::new(constants.each_ref());
        // Factors are below 3 n; any digits will do where n is small, and none above the size.
        let start: [Limbs; C] = std::array::from_fn(|c| super::power::in_lanes::<Fast, V>(&source.below(&moduli[c])));
        let mut x: Numbers<Fast, V, C> = start.each_ref().map(|lanes| super::power::load(lanes));
        let mut y: Numbers<Plain, V, C> = start.each_ref().map(|lanes| super::power::load(lanes));
        let mut before = (x, y);
        for step in 0..times(500, 10) {
            if source.next().is_multiple_of(2) {
                Fast::square(&mut x, &fast);
                Plain::square(&mut y, &plain);
            } else {
                Fast::multiply(&mut x, &before.0, &fast);
                Plain::multiply(&mut y, &before.1, &plain);
            }
            assert_eq!(lanes(&x), lanes(&y), "{limbs} limbs, seed {seed}, step {step}");
            if source.next().is_multiple_of(4) {
                before = (x, y);
            }
        }
        let table = [before.0, x, before.0];
        let mut chosen = before.0;
        Fast::select(&mut chosen, &table, [1; C]);
        assert_eq!(lanes(&chosen), lanes(&x));
        Fast::select(&mut chosen, &table, std::array::from_fn(|c| c as u64));
        assert_eq!(lanes(&chosen)[..V * Fast::COUNT], lanes(&before.0)[..V * Fast::COUNT]);
    }
    // A million multiplications and squarings in a release build.
    fn run<Fast: Lanes, Plain: Lanes, const V: usize>(limbs: usize, digits: usize) {
        for seed in 0..times(134, 2) as u64 {
            walk::<Fast, Plain, V, 1>(limbs, digits, seed);
            walk::<Fast, Plain, V, 2>(limbs, digits, seed);
        }
    }
    if super::is_available() {
        for_each_size!(run);
    }
}

#[test]
fn carries_go_as_far_as_they_reach() {
    fn check<L: Lanes, const V: usize>(sum: &[u64]) {
        // Digit by digit, from the lowest.
        let place = |digit: usize| digit % V * L::COUNT + digit / V;
        let mut wanted = sum.to_vec();
        let mut carry = 0;
        for digit in 0..V * L::COUNT {
            carry += u128::from(sum[place(digit)]);
            wanted[place(digit)] = carry as u64 & GREATEST;
            carry >>= DIGIT;
        }
        let digits = steps::digits::<L, V>(super::power::load(sum));
        let got: Vec<u64> = digits.iter().flat_map(|vector| (0..L::COUNT).map(|lane| vector.lane(lane))).collect();
        assert_eq!(got, wanted);
    }
    fn run<Fast: Lanes, Plain: Lanes, const V: usize>(_: usize, _: usize) {
        let mut source = Source(7);
        let size = V * Fast::COUNT;
        for round in 0..times(2000, 50) {
            // Mostly greatest digits, some with much above, so that carries come and go far. The highest has room.
            let mut sum: Vec<u64> = (0..size)
                .map(|_| match source.next() % if round % 2 == 0 { 5 } else { 50 } {
                    0 => source.next(),
                    1 => GREATEST + 1,
                    2 => 0,
                    _ => GREATEST,
                })
                .collect();
            sum[size - 1] = 0;
            check::<Plain, V>(&sum);
            if super::is_available() {
                check::<Fast, V>(&sum);
            }
        }
    }
    for_each_size!(run);
}

#[test]
fn constant_time_over_plain_lanes() {
    fn check<L: Lanes, const V: usize>(limbs: usize, digits: usize) {
        let mut source = Source(3);
        let moduli = [source.modulus(limbs), source.modulus(limbs)];
        let [m, k] = moduli.each_ref();
        let bases = [source.below(m), source.below(k)];
        let exponents = [source.below(m), source.below(k)];
        let (bases, exponents) = (bases.each_ref().map(|x| &x[..]), exponents.each_ref().map(|x| &x[..]));
        let wanted = montgomery::power_pair(Backend::Portable, [m, k], bases, exponents);
        let secrets = [m.secrets(), k.secrets(), bases, exponents];
        secrets.as_flattened().iter().for_each(|secret| hide(secret));
        let constants = moduli.each_ref().map(|modulus| Constants::new::<L, V>(modulus, digits));
        let powers = Powers::<L, V, 2>::new([m, k], constants.each_ref()).secret(bases, exponents);
        powers.iter().for_each(|power| show(power));
        secrets.as_flattened().iter().for_each(|secret| show(secret));
        assert_eq!(powers, wanted);
    }
    const TEST: &str = "crypto::kernel::ifma::tests::constant_time_over_plain_lanes";
    match case().as_deref() {
        Some("four") => check::<Soft<4>, 5>(16, 20),
        Some(_) => check::<Soft<8>, 4>(24, 30),
        None if can_be_asked() => {
            for case in ["four", "eight"] {
                assert_eq!(complaints(TEST, case), None);
            }
        }
        None => {}
    }
}
