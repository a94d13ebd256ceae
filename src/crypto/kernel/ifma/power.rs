//! Powers over the steps: constants of a modulus, windows and their table, and the ways in and out.

use super::lanes::{DIGIT, GREATEST, Lanes};
use super::steps::{Moduli, Numbers};
use crate::crypto::kernel::montgomery::{Limbs, Modulus, WINDOW, digit};
use crate::crypto::kernel::portable;
use zeroize::{Zeroize, Zeroizing};

/// What the arithmetic needs of a modulus, in the order of the lanes.
pub(in crate::crypto::kernel) struct Constants {
    n: Limbs,
    quotient: Limbs,
    k: u64,
    /// R^2 mod n, or a number below 3 n that is the same modulo n.
    r2: Limbs,
    digits: usize,
}

impl Constants {
    /// For numbers of so many digits, which are in V vectors.
    pub(super) fn new<L: Lanes, const V: usize>(modulus: &Modulus, digits: usize) -> Self {
        // -n^-1 modulo 2^64 is the same modulo 2^52.
        let k = modulus.n0() & GREATEST;
        let mut multiple = Zeroizing::new(vec![0; modulus.limbs() + 1]);
        let mut carry = 1;
        for (limb, n) in multiple.iter_mut().zip(modulus.value()) {
            (*limb, carry) = n.carrying_mul(k, carry);
        }
        if let Some(last) = multiple.last_mut() {
            *last = carry;
        }
        let quotient = multiple.windows(2).map(|pair| pair[0] >> DIGIT | pair[1] << (64 - DIGIT)).collect::<Vec<_>>();
        let quotient = Zeroizing::new(quotient);
        let mut constants = Self {
            n: in_lanes::<L, V>(modulus.value()),
            quotient: in_lanes::<L, V>(&quotient),
            k,
            r2: Zeroizing::default(),
            digits,
        };
        constants.r2 = constants.square_of_r::<L, V>(modulus);
        constants
    }

    /// R^2: where it is not had by a division, R 2^m by doubling, for the highest bits m of R's own length, and from there to the whole length by squaring.
    fn square_of_r<L: Lanes, const V: usize>(&self, modulus: &Modulus) -> Limbs {
        const FIRST_BITS: u32 = 4;
        let moduli = Moduli::<L, V, 1>::new([self]);
        let length = self.digits * DIGIT;
        if modulus.is_divided() {
            return in_lanes::<L, V>(&modulus.power_of_two(2 * length));
        }
        let mut x = modulus.power_of_two(length + 1);
        let two: Zeroizing<Numbers<L, V, 1>> = Zeroizing::new([load(&in_lanes::<L, V>(&x))]);
        let rest = usize::BITS - length.leading_zeros() - FIRST_BITS;
        for _ in 1..length >> rest {
            portable::double(&mut x, modulus.value());
        }
        let mut power: Zeroizing<Numbers<L, V, 1>> = Zeroizing::new([load(&in_lanes::<L, V>(&x))]);
        for bit in (0..rest).rev() {
            L::square(&mut power, &moduli);
            if length >> bit & 1 == 1 {
                L::multiply(&mut power, &two, &moduli);
            }
        }
        let mut lanes = Zeroizing::new(vec![0; V * L::COUNT]);
        for (place, vector) in lanes.chunks_exact_mut(L::COUNT).zip(&power[0]) {
            for (lane, to) in place.iter_mut().enumerate() {
                *to = vector.lane(lane);
            }
        }
        lanes
    }
}

impl Drop for Constants {
    fn drop(&mut self) {
        self.k.zeroize();
    }
}

impl<L: Lanes, const V: usize, const C: usize> Moduli<L, V, C> {
    pub(super) fn new(constants: [&Constants; C]) -> Zeroizing<Self> {
        Zeroizing::new(Self {
            n: constants.map(|constants| load(&constants.n)),
            quotient: constants.map(|constants| load(&constants.quotient)),
            k: constants.map(|constants| L::splat(constants.k)),
            digits: constants.map(|constants| constants.digits)[0],
        })
    }
}

impl<L: Lanes, const V: usize, const C: usize> Zeroize for Moduli<L, V, C> {
    fn zeroize(&mut self) {
        self.n.zeroize();
        self.quotient.zeroize();
        self.k.zeroize();
    }
}

/// C numbers below their modulus, and what is known of it.
pub(super) struct Powers<'m, L: Lanes, const V: usize, const C: usize> {
    moduli: [&'m Modulus; C],
    constants: [&'m Constants; C],
    lanes: Zeroizing<Moduli<L, V, C>>,
}

impl<'m, L: Lanes, const V: usize, const C: usize> Powers<'m, L, V, C> {
    pub(super) fn new(moduli: [&'m Modulus; C], constants: [&'m Constants; C]) -> Self {
        Self { moduli, constants, lanes: Moduli::new(constants) }
    }

    /// base^exponent mod n for each, for bases below their n. Constant time: with a window of fixed size, from a table that
    /// is read as a whole each time.
    pub(super) fn secret(&self, bases: [&[u64]; C], exponents: [&[u64]; C]) -> [Limbs; C] {
        let form = self.into_form(bases);
        // x^0, x^1, then even powers by a square and odd ones by a product.
        let mut table = Zeroizing::new(vec![[[L::default(); V]; C]; 1 << WINDOW]);
        table[0] = *self.into_form([&[1]; C]);
        table[1] = *form;
        for index in 2..1 << WINDOW {
            let mut entry = table[if index % 2 == 0 { index / 2 } else { index - 1 }];
            if index % 2 == 0 {
                L::square(&mut entry, &self.lanes);
            } else {
                L::multiply(&mut entry, &form, &self.lanes);
            }
            table[index] = entry;
        }
        let bits = self.moduli.iter().map(|modulus| modulus.bits()).max().unwrap_or(0);
        let mut entry = self.zero();
        let mut x = self.zero();
        for at in (0..bits.div_ceil(WINDOW)).rev().map(|index| index * WINDOW) {
            let indices = exponents.map(|exponent| digit(exponent, at));
            if at + WINDOW >= bits {
                L::select(&mut x, &table, indices);
                continue;
            }
            for _ in 0..WINDOW {
                L::square(&mut x, &self.lanes);
            }
            L::select(&mut entry, &table, indices);
            L::multiply(&mut x, &entry, &self.lanes);
        }
        self.out_of_form(x)
    }

    /// base^exponent mod n for each, for bases below their n. What the exponent is shows in the time it takes.
    pub(super) fn public(&self, bases: [&[u64]; C], exponent: u64) -> [Limbs; C] {
        let form = self.into_form(bases);
        let mut x = form.clone();
        for bit in (0..63 - exponent.max(1).leading_zeros()).rev() {
            L::square(&mut x, &self.lanes);
            if exponent >> bit & 1 == 1 {
                if bit == 0 {
                    // The last factor not in Montgomery's form takes the result out of it.
                    L::multiply(&mut x, &self.plain(bases), &self.lanes);
                    return self.limbs(x);
                }
                L::multiply(&mut x, &form, &self.lanes);
            }
        }
        self.out_of_form(x)
    }

    fn zero(&self) -> Zeroizing<Numbers<L, V, C>> {
        Zeroizing::new([[L::default(); V]; C])
    }

    fn plain(&self, numbers: [&[u64]; C]) -> Zeroizing<Numbers<L, V, C>> {
        Zeroizing::new(numbers.map(|number| load(&in_lanes::<L, V>(number))))
    }

    fn into_form(&self, numbers: [&[u64]; C]) -> Zeroizing<Numbers<L, V, C>> {
        let mut x = self.plain(numbers);
        L::multiply(&mut x, &self.constants.map(|constants| load(&constants.r2)), &self.lanes);
        x
    }

    fn out_of_form(&self, mut x: Zeroizing<Numbers<L, V, C>>) -> [Limbs; C] {
        L::multiply(&mut x, &self.plain([&[1]; C]), &self.lanes);
        self.limbs(x)
    }

    /// Numbers below 3 n, modulo n.
    fn limbs(&self, x: Zeroizing<Numbers<L, V, C>>) -> [Limbs; C] {
        std::array::from_fn(|c| {
            let modulus = self.moduli[c];
            let mut limbs = Zeroizing::new(vec![0; modulus.limbs()]);
            let mut above = 0;
            for digit in 0..self.lanes.digits {
                let value = u128::from(x[c][digit % V].lane(digit / V));
                let (limb, shift) = (digit * DIGIT / 64, digit * DIGIT % 64);
                for (limb, part) in [(limb, (value << shift) as u64), (limb + 1, (value << shift >> 64) as u64)] {
                    match limbs.get_mut(limb) {
                        Some(limb) => *limb |= part,
                        None => above |= part,
                    }
                }
            }
            // From below 3 n, of which one bit may be above the limbs, to below 2 n, and to below n.
            above = portable::subtract_where(&mut limbs, modulus.value(), above);
            portable::subtract_where(&mut limbs, modulus.value(), above);
            limbs
        })
    }
}

pub(super) fn load<L: Lanes, const V: usize>(lanes: &[u64]) -> [L; V] {
    let mut vectors = [L::default(); V];
    for (vector, lanes) in vectors.iter_mut().zip(lanes.chunks(L::COUNT)) {
        *vector = L::load(lanes);
    }
    vectors
}

/// A number's digits in the order of the lanes.
pub(super) fn in_lanes<L: Lanes, const V: usize>(limbs: &[u64]) -> Limbs {
    let limb = |index: usize| limbs.get(index).copied().unwrap_or(0);
    let mut lanes = Zeroizing::new(vec![0; V * L::COUNT]);
    for (v, vector) in lanes.chunks_exact_mut(L::COUNT).enumerate() {
        for (l, lane) in vector.iter_mut().enumerate() {
            let (index, shift) = ((v + V * l) * DIGIT / 64, (v + V * l) * DIGIT % 64);
            let pair = u128::from(limb(index + 1)) << 64 | u128::from(limb(index));
            *lane = (pair >> shift) as u64 & GREATEST;
        }
    }
    lanes
}
