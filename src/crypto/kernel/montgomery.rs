//! Powers modulo an odd number in Montgomery's form.
//!
//! With R = 2^(64 N) for N limbs, a number x is held as x R mod n; the product of two such is reduced by R at the cost of
//! one more product (Montgomery, "Modular multiplication without trial division", 1985). Between the steps numbers are
//! below R rather than below n, so that only a carry out of the top, which is masked and not branched on, asks for a
//! subtraction; what is given back is below n.
//!
//! N is a multiple of [`BLOCK`], since the versions for special processors work on so many limbs at a time; a modulus of
//! another size has zeros above it.

use super::{Backend, portable};
#[cfg(target_arch = "x86_64")]
use super::{ifma, mulx};
use std::sync::OnceLock;
use zeroize::{Zeroize, Zeroizing};

/// Limbs that are handled together.
pub(crate) const BLOCK: usize = 8;

/// Little-endian limbs, overwritten when they are dropped.
pub(crate) type Limbs = Zeroizing<Vec<u64>>;

/// Bits of an exponent that are taken at a time.
pub(super) const WINDOW: usize = 5;

/// An odd modulus, public or secret, with what its arithmetic needs.
pub(crate) struct Modulus {
    n: Limbs,
    /// -n^-1 mod 2^64.
    n0: u64,
    bits: usize,
    /// Whether the time of what is done once for this modulus may depend on it.
    public: bool,
    /// R^2 mod n, once it is needed.
    r2: OnceLock<Limbs>,
    #[cfg(target_arch = "x86_64")]
    ifma: OnceLock<Box<ifma::Constants>>,
}

impl Modulus {
    /// A public one, from big-endian bytes; `None` where the number is even or below 3.
    pub(crate) fn public(bytes: &[u8]) -> Option<Self> {
        Self::new(bytes, 0, true)
    }

    /// A secret one, for numbers of so many limbs at least; how many bits it has is no secret.
    pub(crate) fn secret(bytes: &[u8], least: usize) -> Option<Self> {
        Self::new(bytes, least, false)
    }

    fn new(bytes: &[u8], least: usize, public: bool) -> Option<Self> {
        let mut n = limbs(bytes, bytes.len().div_ceil(8).max(least).next_multiple_of(BLOCK))?;
        let used = n.iter().rposition(|limb| *limb != 0)? + 1;
        n.truncate(used.max(least).next_multiple_of(BLOCK));
        let bits = used * 64 - n.get(used - 1)?.leading_zeros() as usize;
        let low = *n.first()?;
        if low & 1 == 0 || bits < 2 {
            return None;
        }
        // Newton's iteration doubles the bits that are right: 5, 10, 20, 40, 80.
        let mut inverse = low.wrapping_mul(3) ^ 2;
        for _ in 0..4 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(low.wrapping_mul(inverse)));
        }
        Some(Self {
            n,
            n0: inverse.wrapping_neg(),
            bits,
            public,
            r2: OnceLock::new(),
            #[cfg(target_arch = "x86_64")]
            ifma: OnceLock::new(),
        })
    }

    /// How many limbs numbers modulo this one have.
    pub(crate) fn limbs(&self) -> usize {
        self.n.len()
    }

    /// Bits of the modulus.
    pub(crate) fn bits(&self) -> usize {
        self.bits
    }

    /// The modulus.
    pub(crate) fn value(&self) -> &[u64] {
        &self.n
    }

    /// -n^-1 mod 2^64.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn n0(&self) -> u64 {
        self.n0
    }

    /// What the vector version needs, once it is needed.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn ifma(&self, make: impl FnOnce() -> ifma::Constants) -> &ifma::Constants {
        self.ifma.get_or_init(|| Box::new(make()))
    }

    /// 2^exponent mod n, by doubling, for exponents that are not below the modulus' bits.
    pub(super) fn power_of_two(&self, exponent: usize) -> Limbs {
        let mut x = self.zero();
        // The greatest power of two below n.
        let top = self.bits - 1;
        if let Some(limb) = x.get_mut(top / 64) {
            *limb = 1 << (top % 64);
        }
        let (limbs, bits) =
            if self.is_divided() { ((exponent - top) / 64, (exponent - top) % 64) } else { (0, exponent - top) };
        for _ in 0..bits {
            portable::double(&mut x, &self.n);
        }
        for _ in 0..limbs {
            portable::shift_by_limb(&mut x, &self.n);
        }
        x
    }

    /// Whether powers of two are had by a division, which is fast, but takes a time that depends on the modulus.
    pub(super) fn is_divided(&self) -> bool {
        self.public && self.bits == 64 * self.limbs()
    }

    /// R^2 mod n: where that is not by division, 2^m by doubling, in Montgomery's form, and that squared until it is R.
    fn r2(&self) -> &[u64] {
        const SQUARINGS: usize = 5;
        self.r2.get_or_init(|| {
            let r = self.limbs() * 64;
            if self.is_divided() {
                return self.power_of_two(2 * r);
            }
            let mut x = self.power_of_two(r + (r >> SQUARINGS));
            let run = Run::new(Backend::best(), self);
            let mut wide = run.wide();
            for _ in 0..SQUARINGS {
                run.square(&mut x, &mut wide);
                self.below(&mut x);
            }
            x
        })
    }

    /// Takes n away from a number below 2n, without a branch, where it is not below n.
    fn below(&self, x: &mut [u64]) {
        portable::subtract_where_not_below(x, &self.n);
    }

    /// What is secret of a secret modulus, for tests of who looks at it.
    #[cfg(test)]
    pub(crate) fn secrets(&self) -> [&[u64]; 2] {
        [&self.n, std::slice::from_ref(&self.n0)]
    }

    fn zero(&self) -> Limbs {
        Zeroizing::new(vec![0; self.limbs()])
    }

    /// x in Montgomery's form: x R mod n, for any x of as many limbs. Constant time.
    pub(crate) fn to_form(&self, x: &[u64]) -> Limbs {
        self.multiply(x, self.r2())
    }

    /// x y mod n, for any x of as many limbs and a y below n in Montgomery's form; in that form where x is, too. Constant time.
    pub(crate) fn multiply(&self, x: &[u64], y: &[u64]) -> Limbs {
        let run = Run::new(Backend::best(), self);
        let mut product = Zeroizing::new(x.to_vec());
        product.resize(self.limbs(), 0);
        run.multiply(&mut product, y, &mut run.wide());
        self.below(&mut product);
        product
    }

    /// x - y mod n, for x and y below n. Constant time.
    pub(crate) fn subtract(&self, x: &[u64], y: &[u64]) -> Limbs {
        let mut difference = Zeroizing::new(x.to_vec());
        portable::subtract_modulo(&mut difference, y, &self.n);
        difference
    }

    /// A number of at most twice as many limbs, below n R, modulo n. Constant time.
    pub(crate) fn reduce(&self, number: &[u64]) -> Limbs {
        let run = Run::new(Backend::best(), self);
        let mut wide = run.wide();
        for (to, from) in wide.iter_mut().zip(number) {
            *to = *from;
        }
        let mut x = self.zero();
        run.reduce(&mut x, &mut wide);
        // That took one R away; the next two put it back.
        run.multiply(&mut x, self.r2(), &mut wide);
        self.below(&mut x);
        x
    }

    /// base^exponent mod n for a base below n and an exponent that is not zero, which shows in the time it takes.
    pub(crate) fn power_public(&self, base: &[u64], exponent: u64) -> Limbs {
        power_public(Backend::best(), self, base, exponent)
    }
}

impl Drop for Modulus {
    fn drop(&mut self) {
        self.n0.zeroize();
    }
}

/// base^exponent mod n for a base below n and an exponent that is not zero.
pub(crate) fn power_public(backend: Backend, modulus: &Modulus, base: &[u64], exponent: u64) -> Limbs {
    #[cfg(target_arch = "x86_64")]
    if backend == Backend::Ifma
        && let Some(power) = ifma::power_public(modulus, base, exponent)
    {
        return power;
    }
    let run = Run::new(backend, modulus);
    let mut wide = run.wide();
    let form = run.into_form(base, &mut wide);
    let mut x = form.clone();
    for bit in (0..63 - exponent.max(1).leading_zeros()).rev() {
        run.square(&mut x, &mut wide);
        if exponent >> bit & 1 == 1 {
            // The last factor not in Montgomery's form takes the result out of it.
            run.multiply(&mut x, if bit == 0 { base } else { &form }, &mut wide);
        }
    }
    if exponent & 1 == 0 || exponent == 1 {
        run.out_of_form(&mut x, &mut wide);
    }
    modulus.below(&mut x);
    x
}

/// Two powers at once, one for each prime of a key: base^exponent mod n, for bases below their n. The time tells the bits
/// of the moduli and nothing else; exponents are as long as the moduli at most, and bits above are not looked at.
pub(crate) fn power_pair(
    backend: Backend,
    moduli: [&Modulus; 2],
    bases: [&[u64]; 2],
    exponents: [&[u64]; 2],
) -> [Limbs; 2] {
    #[cfg(target_arch = "x86_64")]
    if backend == Backend::Ifma
        && let Some(powers) = ifma::power_pair(moduli, bases, exponents)
    {
        return powers;
    }
    let [m, k] = moduli;
    let [a, b] = bases;
    let [x, y] = exponents;
    [power(backend, m, a, x), power(backend, k, b, y)]
}

/// With a window of fixed size, from a table that is read as a whole each time.
fn power(backend: Backend, modulus: &Modulus, base: &[u64], exponent: &[u64]) -> Limbs {
    let run = Run::new(backend, modulus);
    let size = modulus.limbs();
    let mut wide = run.wide();
    let mut table = Zeroizing::new(vec![0; size << WINDOW]);
    // x^0, x^1, then each by one product from two before it.
    let mut one = modulus.zero();
    if let Some(limb) = one.first_mut() {
        *limb = 1;
    }
    let mut entry = run.into_form(&one, &mut wide);
    let form = run.into_form(base, &mut wide);
    for (index, place) in table.chunks_exact_mut(size).enumerate() {
        if index > 0 {
            run.multiply(&mut entry, &form, &mut wide);
        }
        place.copy_from_slice(&entry);
    }
    let windows = modulus.bits.div_ceil(WINDOW);
    let mut x = modulus.zero();
    for window in (0..windows).rev() {
        let digit = digit(exponent, window * WINDOW);
        if window + 1 == windows {
            run.select(&mut x, &table, digit);
            continue;
        }
        for _ in 0..WINDOW {
            run.square(&mut x, &mut wide);
        }
        run.select(&mut entry, &table, digit);
        run.multiply(&mut x, &entry, &mut wide);
    }
    run.out_of_form(&mut x, &mut wide);
    modulus.below(&mut x);
    x
}

/// The [`WINDOW`] bits that begin with bit `at`.
pub(super) fn digit(exponent: &[u64], at: usize) -> u64 {
    let limb = |index: usize| exponent.get(index).copied().unwrap_or(0);
    let (index, shift) = (at / 64, at % 64);
    let pair = u128::from(limb(index + 1)) << 64 | u128::from(limb(index));
    (pair >> shift) as u64 & ((1 << WINDOW) - 1)
}

/// The steps, as one version does them. Every number has as many limbs as the modulus, and `wide` twice as many.
struct Run<'m> {
    backend: Backend,
    modulus: &'m Modulus,
}

impl<'m> Run<'m> {
    fn new(backend: Backend, modulus: &'m Modulus) -> Self {
        Self { backend, modulus }
    }

    fn wide(&self) -> Limbs {
        Zeroizing::new(vec![0; 2 * self.modulus.limbs()])
    }

    /// x = x y / R.
    fn multiply(&self, x: &mut [u64], y: &[u64], wide: &mut [u64]) {
        match self.backend {
            Backend::Portable => portable::multiply(wide, x, y),
            #[cfg(target_arch = "x86_64")]
            Backend::Mulx | Backend::Ifma => mulx::multiply(wide, x, y),
        }
        self.reduce(x, wide);
    }

    /// x = x^2 / R.
    fn square(&self, x: &mut [u64], wide: &mut [u64]) {
        match self.backend {
            Backend::Portable => portable::square(wide, x),
            #[cfg(target_arch = "x86_64")]
            Backend::Mulx | Backend::Ifma => mulx::square(wide, x),
        }
        self.reduce(x, wide);
    }

    /// x = wide / R.
    fn reduce(&self, x: &mut [u64], wide: &mut [u64]) {
        match self.backend {
            Backend::Portable => portable::reduce(x, wide, &self.modulus.n, self.modulus.n0),
            #[cfg(target_arch = "x86_64")]
            Backend::Mulx | Backend::Ifma => mulx::reduce(x, wide, &self.modulus.n, self.modulus.n0),
        }
    }

    fn into_form(&self, x: &[u64], wide: &mut [u64]) -> Limbs {
        let mut form = Zeroizing::new(x.to_vec());
        form.resize(self.modulus.limbs(), 0);
        self.multiply(&mut form, self.modulus.r2(), wide);
        form
    }

    fn out_of_form(&self, x: &mut [u64], wide: &mut [u64]) {
        wide.fill(0);
        for (to, from) in wide.iter_mut().zip(x.iter()) {
            *to = *from;
        }
        self.reduce(x, wide);
    }

    /// The entry of the table, by reading them all.
    fn select(&self, x: &mut [u64], table: &[u64], index: u64) {
        match self.backend {
            Backend::Portable => portable::select(x, table, index),
            #[cfg(target_arch = "x86_64")]
            Backend::Mulx | Backend::Ifma => mulx::select(x, table, index),
        }
    }
}

/// x + y z, in twice as many limbs as y and z have each. Constant time.
pub(crate) fn sum_with_product(x: &[u64], y: &[u64], z: &[u64]) -> Limbs {
    let mut sum = Zeroizing::new(vec![0; 2 * y.len()]);
    portable::multiply(&mut sum, y, z);
    portable::add(&mut sum, x);
    sum
}

/// Whether x is below y, for numbers of as many limbs. Constant time.
pub(crate) fn is_below(x: &[u64], y: &[u64]) -> bool {
    portable::is_below(x, y)
}

/// Big-endian bytes as so many limbs; `None` where they are too long.
pub(crate) fn limbs(bytes: &[u8], size: usize) -> Option<Limbs> {
    let mut limbs = Zeroizing::new(vec![0u64; size]);
    for (at, chunk) in bytes.rchunks(8).enumerate() {
        let value = chunk.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        match limbs.get_mut(at) {
            Some(limb) => *limb = value,
            None if value == 0 => {}
            None => return None,
        }
    }
    Some(limbs)
}

/// The other way: so many big-endian bytes, without what is above them.
pub(crate) fn bytes(limbs: &[u64], length: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    for (chunk, limb) in bytes.rchunks_mut(8).zip(limbs) {
        let all = limb.to_be_bytes();
        for (to, from) in chunk.iter_mut().rev().zip(all.iter().rev()) {
            *to = *from;
        }
    }
    bytes
}

#[cfg(test)]
mod tests;
