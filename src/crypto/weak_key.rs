//! RSA keys whose factors are within reach (SEC-38): with a small factor, with two factors close to each other, or made by
//! the prime generation of CVE-2017-15361 (ROCA). A key of these is as good as public.

use rsa::BoxedUint;

/// How the factors of a modulus, big-endian, could be found; `None` where none of these ways leads there.
pub(super) fn within_reach(modulus: &[u8]) -> Option<&'static str> {
    if PRIMES.iter().any(|primes| has_factor_among(modulus, primes)) {
        return Some("its modulus has a small factor");
    }
    if is_roca(modulus) {
        return Some("its primes were made in the predictable way of CVE-2017-15361 (ROCA)");
    }
    if has_close_factors(modulus) {
        return Some("its two primes are so close to each other that the modulus is factored at once (Fermat)");
    }
    None
}

/// Nemec et al., "The Return of Coppersmith's Attack" (2017), section 2.3: the modulus lies in the subgroup that 65537
/// generates, for each of these primes. A random modulus does for all of them once in 2^28.
fn is_roca(modulus: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|prime| {
        let target = remainder(modulus, *prime);
        let mut power = 1 % prime;
        (0..*prime).any(|_| {
            power = power * 65537 % prime;
            power == target
        })
    })
}

/// A hundred steps of Fermat's method.
fn has_close_factors(modulus: &[u8]) -> bool {
    const STEPS: u64 = 100;
    let precision = (modulus.len() as u32 * 8).next_multiple_of(64) + 64;
    let Ok(n) = BoxedUint::from_be_slice(&widened(modulus, precision), precision) else { return false };
    let Some(root) = floor_root(&n) else { return false };
    if root.wrapping_square() == n {
        return true;
    }
    let first = root.wrapping_add(&BoxedUint::one_with_precision(precision));
    let rest = |number: &BoxedUint| {
        let words = number.as_words().iter().rev();
        words.fold(0, |rest, word| (rest << 64 | u128::from(*word)) % u128::from(SIEVE_PRODUCT)) as u64
    };
    let (a, n_rest) = (rest(&first), rest(&n));
    (0..STEPS).filter(|step| may_be_square_less(a + step, n_rest)).any(|step| {
        let a = first.wrapping_add(BoxedUint::from_words_with_precision([step], precision));
        a.wrapping_square().wrapping_sub(&n).checked_sqrt_vartime().is_some()
    })
}

/// Whether a^2 - n may be a square, of which both are told modulo [`SIEVE_PRODUCT`]: of thirty thousand numbers that are
/// none, one is let through (Cohen, "A Course in Computational Algebraic Number Theory", 1.7.2).
fn may_be_square_less(a: u64, n: u64) -> bool {
    SIEVE.iter().all(|(modulus, squares)| {
        let a = a % modulus;
        squares >> ((a * a + modulus - n % modulus) % modulus) & 1 == 1
    })
}

/// One division by the product of many primes, then small ones.
fn has_factor_among(modulus: &[u8], primes: &[u64]) -> bool {
    let product: u64 = primes.iter().product();
    let rest = modulus.rchunks(8).rev().fold(0u128, |rest, chunk| {
        let word = chunk.iter().fold(0u128, |word, octet| word << 8 | u128::from(*octet));
        (rest << (8 * chunk.len()) | word) % u128::from(product)
    });
    primes.iter().any(|prime| rest % u128::from(*prime) == 0)
}

/// The integer square root by Newton's method with a precision that doubles at each step, and so at the cost of the last
/// one; `None` of zero. A key is looked at for each message, and the plain method takes ten times as long.
fn floor_root(n: &BoxedUint) -> Option<BoxedUint> {
    let bits = n.bit_width_vartime().checked_sub(1)? / 2;
    let mut root = BoxedUint::one_with_precision(n.bits_precision());
    let mut have = 0;
    for step in (0..u32::BITS - bits.leading_zeros()).rev() {
        let before = have;
        have = bits >> step;
        let digits = n.wrapping_shr_vartime(2 * bits - before - have + 1);
        let quotient = digits.wrapping_div_vartime(root.as_nz_vartime()?);
        root = root.wrapping_shl_vartime(have - before - 1).wrapping_add(&quotient);
    }
    let one = BoxedUint::one_with_precision(n.bits_precision());
    let too_large = root.wrapping_square().cmp_vartime(n).is_gt();
    Some(if too_large { root.wrapping_sub(&one) } else { root })
}

/// With leading zeros up to so many bits.
fn widened(bytes: &[u8], bits: u32) -> Vec<u8> {
    let zeros = (bits as usize / 8).saturating_sub(bytes.len());
    [vec![0; zeros], bytes.to_vec()].concat()
}

fn remainder(number: &[u8], by: u64) -> u64 {
    number.chunks(4).fold(0, |rest, chunk| {
        let (value, base) = chunk.iter().fold((0u64, 1u64), |(v, b), octet| (v << 8 | u64::from(*octet), b << 8));
        (rest * base + value) % by
    })
}

/// The odd primes below 256, in groups whose product has 64 bits.
const PRIMES: [&[u64]; 6] = [
    &[3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53],
    &[59, 61, 67, 71, 73, 79, 83, 89, 97, 101],
    &[103, 107, 109, 113, 127, 131, 137, 139, 149],
    &[151, 157, 163, 167, 173, 179, 181, 191],
    &[193, 197, 199, 211, 223, 227, 229, 233],
    &[239, 241, 251],
];

/// Moduli without common factors, and the bits of their squares.
const SIEVE: [(u64, u128); 12] = {
    let moduli = [64, 63, 65, 11, 17, 19, 23, 29, 31, 37, 41, 43];
    let mut sieve = [(0, 0); 12];
    let mut at = 0;
    while at < moduli.len() {
        let (mut squares, mut root) = (0u128, 0);
        while root < moduli[at] {
            squares |= 1 << (root * root % moduli[at]);
            root += 1;
        }
        sieve[at] = (moduli[at], squares);
        at += 1;
    }
    sieve
};

const SIEVE_PRODUCT: u64 = 64 * 63 * 65 * 11 * 17 * 19 * 23 * 29 * 31 * 37 * 41 * 43;

/// Those for which 65537 generates less than the whole group.
const ROCA_PRIMES: [u64; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn roots_are_those_of_the_plain_method() {
        let mut state = 1u64;
        for length in [1, 7, 8, 9, 64, 128, 255, 256, 512] {
            for _ in 0..20 {
                let bytes: Vec<u8> = (0..length)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                        (state >> 56) as u8 | 1
                    })
                    .collect();
                let precision = (length as u32 * 8).next_multiple_of(64) + 64;
                let n = BoxedUint::from_be_slice(&widened(&bytes, precision), precision).unwrap();
                assert_eq!(floor_root(&n).unwrap(), n.floor_sqrt_vartime(), "{length}");
                let square = n.wrapping_square();
                if square.bit_width_vartime() < precision {
                    assert_eq!(floor_root(&square).unwrap(), square.floor_sqrt_vartime());
                }
            }
        }
    }

    #[test]
    fn the_sieve_lets_every_square_through() {
        let mut numbers = (0u64..).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33);
        let mut others = 0;
        for _ in 0..10_000 {
            let (a, b, other) = (numbers.next().unwrap(), numbers.next().unwrap(), numbers.next().unwrap());
            let a = a.max(b);
            assert!(may_be_square_less(a % SIEVE_PRODUCT, (a * a - b * b) % SIEVE_PRODUCT));
            others += usize::from(may_be_square_less(a, other));
        }
        assert!(others < 10, "{others}");
    }

    /// What is found in the hundredth step, and what would be in the one after.
    #[test]
    fn sec_038_a_hundred_steps_are_made() {
        let number = |words: &[u64]| BoxedUint::from_words_with_precision(words.iter().copied(), 640);
        let a = number(&[1, 5, 7, 9, 11]);
        // With b^2 near 2 step a, the root of n = a^2 - b^2 is that many steps below a.
        let found = |step: u64| {
            let b = floor_root(&a.wrapping_mul(number(&[2 * step]))).unwrap();
            let n = a.wrapping_square().wrapping_sub(&b.wrapping_square());
            let steps = a.wrapping_sub(floor_root(&n).unwrap()).as_words()[0];
            (steps, has_close_factors(&n.to_be_bytes()))
        };
        for step in [1, 2, 50, 98, 102, 110] {
            let (steps, close) = found(step);
            assert_eq!(close, steps <= 100, "{step}: {steps}");
        }
    }

    #[test]
    fn sec_038_factors_within_reach() {
        use crate::base::limits::Limits;
        use crate::crypto::private::PrivateKey;
        use crate::crypto::signature::KeyKind;
        // Two primes next to each other: 2^521 - 1 with itself, and a pair that is 30 apart.
        let mersenne = [vec![1], vec![0xff; 65]].concat();
        let prime = BoxedUint::from_be_slice(&widened(&mersenne, 1216), 1216).unwrap();
        assert!(within_reach(&prime.wrapping_square().to_be_bytes()).is_some_and(|why| why.contains("Fermat")));
        let apart = prime.wrapping_add(BoxedUint::from_be_slice(&widened(&[1, 2], 1216), 1216).unwrap());
        let product = prime.wrapping_mul(&apart).to_be_bytes();
        assert!(within_reach(&product).is_some());
        assert_eq!(within_reach(&hex("0f")), Some("its modulus has a small factor"));
        // A power of 65537 modulo each prime: as ROCA's moduli are.
        let power = (0..30).fold(BoxedUint::one_with_precision(1216), |power, _| {
            power.wrapping_mul(BoxedUint::from_be_slice(&widened(&[1, 0, 1], 1216), 1216).unwrap())
        });
        assert!(is_roca(&power.to_be_bytes()));
        let key = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap().public_key(&Limits::default()).unwrap();
        assert_eq!(crate::crypto::strength::key_weakness(&key), None);
    }
}
