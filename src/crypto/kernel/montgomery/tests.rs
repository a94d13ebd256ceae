//! Each version held to crypto-bigint, which divides where these do not.

use super::*;
use rsa::BoxedUint;

/// Marsaglia's xorshift, the same each time.
struct Numbers(u64);

impl Numbers {
    fn limb(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// So many bits, in so many limbs; now and then one of the numbers at which carries go wrong.
    fn number(&mut self, bits: usize, size: usize) -> Vec<u64> {
        let mut number = match self.limb() % 16 {
            0 => vec![0; size],
            1 => vec![u64::MAX; size],
            2 => vec![u64::MAX << 63; size],
            3 => power_of_two(self.limb() as usize % bits, size),
            4 => (0..size).map(|_| if self.limb() & 1 == 0 { 0 } else { u64::MAX }).collect(),
            _ => (0..size).map(|_| self.limb()).collect(),
        };
        for (at, limb) in number.iter_mut().enumerate() {
            let room = bits.saturating_sub(64 * at).min(64);
            *limb &= if room == 64 { u64::MAX } else { (1 << room) - 1 };
        }
        number
    }

    /// An odd modulus of exactly so many bits.
    fn modulus(&mut self, bits: usize) -> Modulus {
        let size = bits.div_ceil(64);
        let mut n = self.number(bits, size);
        n[0] |= 1;
        n[size - 1] |= 1 << ((bits - 1) % 64);
        let modulus = Modulus::public(&bytes(&n, 8 * size)).unwrap();
        assert_eq!((modulus.bits(), modulus.limbs()), (bits, size.next_multiple_of(BLOCK)));
        modulus
    }
}

fn power_of_two(bit: usize, size: usize) -> Vec<u64> {
    let mut number = vec![0; size];
    number[bit / 64] = 1 << (bit % 64);
    number
}

/// With room for a product.
fn wide(limbs: &[u64], size: usize) -> BoxedUint {
    BoxedUint::from_words(limbs.iter().copied().chain(std::iter::repeat(0)).take(2 * size))
}

fn remainder(number: &BoxedUint, n: &Modulus) -> BoxedUint {
    number.rem_vartime(wide(n.value(), n.limbs()).as_nz_vartime().unwrap())
}

fn product(a: &[u64], b: &[u64], n: &Modulus) -> Vec<u64> {
    let product = wide(a, n.limbs()).wrapping_mul(&wide(b, n.limbs()));
    remainder(&product, n).as_words()[..n.limbs()].to_vec()
}

fn power_by_division(base: &[u64], exponent: &[u64], n: &Modulus) -> Vec<u64> {
    let mut power = product(&power_of_two(0, n.limbs()), &power_of_two(0, n.limbs()), n);
    for bit in (0..64 * exponent.len()).rev() {
        power = product(&power, &power, n);
        if exponent[bit / 64] >> (bit % 64) & 1 == 1 {
            power = product(&power, base, n);
        }
    }
    power
}

#[test]
fn products_and_squares_are_those_of_a_division() {
    /// Bits, and how many of a thousand.
    const SIZES: [(usize, usize); 11] = [
        (512, 300),
        (1024, 250),
        (1031, 50),
        (1536, 150),
        (2048, 120),
        (2047, 30),
        (3072, 40),
        (4096, 30),
        (7168, 10),
        (8192, 10),
        (9001, 10),
    ];
    let thousands = if cfg!(debug_assertions) { 2 } else { 1_000 };
    for backend in Backend::available() {
        let (mut numbers, mut done) = (Numbers(0x9e37_79b9_7f4a_7c15), 0);
        for (bits, share) in SIZES {
            let mut n = numbers.modulus(bits);
            for round in 0..share * thousands {
                if round % 64 == 63 {
                    n = numbers.modulus(bits);
                }
                let (run, r) = (Run::new(backend, &n), 64 * n.limbs());
                let (a, b) = (numbers.number(r, n.limbs()), numbers.number(r, n.limbs()));
                let (mut x, mut space) = (a.clone(), run.wide());
                let expected = if round % 2 == 0 {
                    run.multiply(&mut x, &b, &mut space);
                    product(&a, &b, &n)
                } else {
                    run.square(&mut x, &mut space);
                    product(&a, &a, &n)
                };
                // x R = a b mod n.
                let back = wide(&x, n.limbs()).wrapping_shl_vartime(r as u32);
                assert_eq!(remainder(&back, &n).as_words()[..n.limbs()], expected, "{backend:?} {bits}: {a:x?} {b:x?}");
                done += 1;
            }
        }
        println!("{backend:?}: {done} products and squares");
        assert_eq!(done, 1_000 * thousands);
    }
}

#[test]
fn powers_are_those_of_a_division() {
    let mut numbers = Numbers(0x0123_4567_89ab_cdef);
    let rounds = if cfg!(debug_assertions) { 1 } else { 8 };
    for bits in [2, 3, 64, 65, 511, 512, 1024, 1030] {
        for _ in 0..rounds {
            let moduli = [numbers.modulus(bits), numbers.modulus(bits)];
            let [n, m] = &moduli;
            let size = n.limbs();
            let last = |n: &Modulus| {
                let mut last = n.value().to_vec();
                last[0] -= 1;
                last
            };
            let below = |number: Vec<u64>, n: &Modulus| product(&number, &power_of_two(0, size), n);
            let random = below(numbers.number(bits, size), n);
            let bases = [vec![0; size], power_of_two(0, size), last(n), random];
            let exponents = [numbers.number(bits, size), vec![0; size], last(n), power_of_two(bits - 1, size)];
            for (base, exponent) in bases.iter().zip(&exponents) {
                let other = below(base.clone(), m);
                let expected = [power_by_division(base, exponent, n), power_by_division(&other, &exponents[0], m)];
                for backend in Backend::available() {
                    let got = power_pair(backend, [n, m], [base, &other], [exponent, &exponents[0]]);
                    assert_eq!(got.each_ref().map(|limbs| limbs.to_vec()), expected, "{backend:?} {bits}");
                    for exponent in [1, 2, 3, 4, 17, 65537, (1 << 33) - 1] {
                        let got = power_public(backend, n, base, exponent).to_vec();
                        assert_eq!(got, power_by_division(base, &[exponent], n), "{backend:?} {bits} {exponent}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_other_steps_are_those_of_a_division() {
    let mut numbers = Numbers(0xfeed_f00d_dead_beef);
    for bits in [2, 65, 511, 512, 1024, 1535, 2057] {
        for _ in 0..20 {
            let n = numbers.modulus(bits);
            let size = n.limbs();
            let one = power_of_two(0, size);
            let (x, y) = (numbers.number(64 * size, size), numbers.number(bits, size));
            let (a, b) = (product(&x, &one, &n), product(&y, &one, &n));
            assert_eq!(n.multiply(&x, &n.to_form(&b)).to_vec(), product(&x, &b, &n));
            let difference = wide(&a, size).wrapping_add(wide(n.value(), size)).wrapping_sub(&wide(&b, size));
            assert_eq!(n.subtract(&a, &b)[..], remainder(&difference, &n).as_words()[..size]);
            let sum = sum_with_product(&a, &x, &y);
            let expected = wide(&x, size).wrapping_mul(&wide(&y, size)).wrapping_add(wide(&a, size));
            assert_eq!(sum[..], expected.as_words()[..]);
            assert_eq!(is_below(&a, &b), wide(&a, size) < wide(&b, size));
            // What is reduced is below n R.
            let high = product(&y, &x, &n);
            let long = [&x[..], &high[..]].concat();
            assert_eq!(n.reduce(&long)[..], remainder(&wide(&long, size), &n).as_words()[..size], "{bits}");
        }
    }
}

#[test]
fn even_and_tiny_moduli_are_refused() {
    for bad in [&[][..], &[0], &[1], &[2], &[0, 0, 0, 1], &[1, 0], &[0xff; 256].map(|_: u8| 0xfe)] {
        assert!(Modulus::public(bad).is_none(), "{bad:x?}");
    }
    assert_eq!(Modulus::public(&[0, 0, 3]).unwrap().bits(), 2);
}

#[test]
fn bytes_and_limbs() {
    let octets: Vec<u8> = (1..=19).collect();
    let number = limbs(&octets, 3).unwrap();
    assert_eq!(*number, [0x0c0d_0e0f_1011_1213, 0x0405_0607_0809_0a0b, 0x01_0203]);
    assert_eq!(*bytes(&number, 19), octets);
    assert_eq!(*bytes(&number, 20), [&[0], &octets[..]].concat());
    assert!(limbs(&octets, 2).is_none());
    assert!(limbs(&[&[0; 9], &octets[8..]].concat(), 2).is_some());
}
