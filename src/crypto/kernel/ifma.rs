//! The arithmetic on x86-64 with AVX-512 IFMA: eight products of 52-bit digits by one instruction.
//!
//! It serves the sizes that keys have: pairs of primes of up to 1024, 1536 and 2048 bits, and moduli of up to 2048, 3072 and
//! 4096; where it gives nothing back, another version has to do it.

// The places are those of arrays whose lengths the compiler knows; a wrong one would not pass the tests.
#![allow(clippy::indexing_slicing)]

mod lanes;
mod power;
mod steps;
#[cfg(test)]
mod tests;

use super::montgomery::{Limbs, Modulus};
use lanes::{Lanes, Ymm, Zmm};
use power::Powers;

pub(super) use power::Constants;

/// Whether this processor has what is used here.
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512ifma")
}

/// Two powers with secret exponents; see [`power_pair`](super::montgomery::power_pair).
pub(super) fn power_pair(moduli: [&Modulus; 2], bases: [&[u64]; 2], exponents: [&[u64]; 2]) -> Option<[Limbs; 2]> {
    fn run<L: Lanes, const V: usize>(
        digits: usize,
        moduli: [&Modulus; 2],
        bases: [&[u64]; 2],
        exponents: [&[u64]; 2],
    ) -> Option<[Limbs; 2]> {
        let constants = moduli.map(|modulus| modulus.ifma(|| Constants::new::<L, V>(modulus, digits)));
        Some(Powers::<L, V, 2>::new(moduli, constants).secret(bases, exponents))
    }
    if !is_available() {
        return None;
    }
    match moduli.map(Modulus::limbs) {
        [16, 16] => run::<Ymm, 5>(20, moduli, bases, exponents),
        [24, 24] => run::<Zmm, 4>(30, moduli, bases, exponents),
        [32, 32] => run::<Zmm, 5>(40, moduli, bases, exponents),
        _ => None,
    }
}

/// A power with a public exponent; see [`power_public`](super::montgomery::power_public).
pub(super) fn power_public(modulus: &Modulus, base: &[u64], exponent: u64) -> Option<Limbs> {
    fn run<L: Lanes, const V: usize>(digits: usize, modulus: &Modulus, base: &[u64], exponent: u64) -> Option<Limbs> {
        let constants = modulus.ifma(|| Constants::new::<L, V>(modulus, digits));
        let [power] = Powers::<L, V, 1>::new([modulus], [constants]).public([base], exponent);
        Some(power)
    }
    if !is_available() {
        return None;
    }
    match modulus.limbs() {
        32 => run::<Zmm, 5>(40, modulus, base, exponent),
        48 => run::<Zmm, 8>(60, modulus, base, exponent),
        64 => run::<Zmm, 10>(80, modulus, base, exponent),
        _ => None,
    }
}
