//! The arithmetic in plain Rust. No branch and no address depends on a number; sizes that keys have are compiled on their
//! own, so that their loops have a known length.

use super::montgomery::{BLOCK, WINDOW};

/// Runs the body with the slices' length as a constant, where it is one of the usual ones.
macro_rules! sized {
    ($length:expr, $body:expr) => {
        match $length {
            8 => $body(8),
            16 => $body(16),
            24 => $body(24),
            32 => $body(32),
            48 => $body(48),
            64 => $body(64),
            other => $body(other),
        }
    };
}

/// wide = a b.
pub(super) fn multiply(wide: &mut [u64], a: &[u64], b: &[u64]) {
    sized!(a.len(), |length: usize| {
        let (Some(a), Some(b), Some(wide)) = (a.get(..length), b.get(..length), wide.get_mut(..2 * length)) else {
            return;
        };
        wide.fill(0);
        for (at, pair) in b.chunks_exact(2).enumerate() {
            let (Some(row), [d, e]) = (wide.get_mut(2 * at..2 * at + length + 2), pair) else { return };
            add_two_multiples(row, a, [*d, *e], [0, 0]);
        }
    });
}

/// wide = a^2: each product of two different limbs once, doubled, and then the squares.
pub(super) fn square(wide: &mut [u64], a: &[u64]) {
    sized!(a.len(), |length: usize| {
        let (Some(a), Some(wide)) = (a.get(..length), wide.get_mut(..2 * length)) else { return };
        wide.fill(0);
        let mut rest = a;
        let mut at = 1;
        // Two limbs with each other, and both with all that follow.
        while let [d, e, others @ ..] = rest {
            let Some([low, row @ ..]) = wide.get_mut(at..at + others.len() + 3) else { return };
            let carry;
            (*low, carry) = d.carrying_mul_add(*e, *low, 0);
            match row {
                [one, _] => *one = carry,
                _ => _ = add_two_multiples(row, others, [*d, *e], [carry, 0]),
            }
            rest = others;
            at += 4;
        }
        double_and_add_squares(wide, a);
    });
}

/// x = wide / R mod n, below R where wide is.
pub(super) fn reduce(x: &mut [u64], wide: &mut [u64], n: &[u64], n0: u64) {
    sized!(n.len(), |length: usize| {
        let (Some(n), Some(wide)) = (n.get(..length), wide.get_mut(..2 * length)) else { return };
        let (Some(&n_0), Some(&n_1)) = (n.first(), n.get(1)) else { return };
        let mut top = 0;
        for at in (0..length).step_by(2) {
            let Some(row) = wide.get_mut(at..at + length + 2) else { return };
            let (Some(&w0), Some(&w1)) = (row.first(), row.get(1)) else { return };
            let d = w0.wrapping_mul(n0);
            let (_, carry) = d.carrying_mul_add(n_0, w0, 0);
            let (w1, _) = d.carrying_mul_add(n_1, w1, carry);
            top = add_two_multiples(row, n, [d, w1.wrapping_mul(n0)], [0, top]);
        }
        let (Some(high), Some(x)) = (wide.get(length..2 * length), x.get_mut(..length)) else { return };
        let mask = std::hint::black_box(top.wrapping_neg());
        let mut borrow = 0;
        for ((x, limb), n) in x.iter_mut().zip(high).zip(n) {
            let difference = u128::from(*limb).wrapping_sub(u128::from(n & mask)).wrapping_sub(borrow);
            (*x, borrow) = (difference as u64, difference >> 127);
        }
    });
}

/// The entry of a table of numbers as long as `x`, which is read as a whole.
pub(super) fn select(x: &mut [u64], table: &[u64], index: u64) {
    let size = x.len().max(1);
    let mut masks = [0; 1 << WINDOW];
    for (at, mask) in (0u64..).zip(&mut masks) {
        let difference = at ^ index;
        *mask = ((difference | difference.wrapping_neg()) >> 63).wrapping_sub(1);
    }
    // The compiler is not to know that each is zero or all ones, lest it branches.
    let masks = std::hint::black_box(masks);
    for (block, x) in x.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        let mut chosen = [0; BLOCK];
        for (mask, entry) in masks.iter().zip(table.chunks_exact(size)) {
            let Some(limbs) = entry.as_chunks::<BLOCK>().0.get(block) else { return };
            for (chosen, limb) in chosen.iter_mut().zip(limbs) {
                *chosen |= limb & mask;
            }
        }
        *x = chosen;
    }
}

/// x = 2x mod n for x below n.
pub(super) fn double(x: &mut [u64], n: &[u64]) {
    let mut top = 0;
    for limb in x.iter_mut() {
        (*limb, top) = (*limb << 1 | top, *limb >> 63);
    }
    subtract_where(x, n, top);
}

/// x = 2^64 x mod n for x below n, where n's highest bit is set: one step of a division (Knuth, "The Art of Computer
/// Programming", 4.3.1, algorithm D), whose time depends on the numbers.
pub(super) fn shift_by_limb(x: &mut [u64], n: &[u64]) {
    let (Some(&highest), Some(&divisor)) = (x.last(), n.last()) else { return };
    let next = x.iter().rev().nth(1).copied().unwrap_or(0);
    let estimate = match highest < divisor {
        true => (u128::from(highest) << 64 | u128::from(next)) / u128::from(divisor),
        false => u128::from(u64::MAX),
    } as u64;
    // Shifted, and with the multiple taken off; what is left in the limb above is negative where that was too much.
    let (mut below, mut carry, mut borrow) = (0u64, 0, false);
    for (x, n) in x.iter_mut().zip(n) {
        let product;
        (product, carry) = estimate.carrying_mul_add(*n, carry, 0);
        (below, (*x, borrow)) = (*x, below.borrowing_sub(product, borrow));
    }
    let (mut above, _) = below.borrowing_sub(carry, borrow);
    while above != 0 {
        let mut over = false;
        for (x, n) in x.iter_mut().zip(n) {
            (*x, over) = x.carrying_add(*n, over);
        }
        above = above.wrapping_add(u64::from(over));
    }
}

/// x = x - n where x is not below n.
pub(super) fn subtract_where_not_below(x: &mut [u64], n: &[u64]) {
    subtract_where(x, n, 0);
}

/// x = x - y mod n.
pub(super) fn subtract_modulo(x: &mut [u64], y: &[u64], n: &[u64]) {
    let mut borrow = false;
    for (x, y) in x.iter_mut().zip(y) {
        (*x, borrow) = x.borrowing_sub(*y, borrow);
    }
    let mask = std::hint::black_box(u64::from(borrow).wrapping_neg());
    let mut carry = false;
    for (x, n) in x.iter_mut().zip(n) {
        (*x, carry) = x.carrying_add(n & mask, carry);
    }
}

/// x = x + y, for y not longer than x.
pub(super) fn add(x: &mut [u64], y: &[u64]) {
    let mut carry = false;
    for (x, y) in x.iter_mut().zip(y.iter().chain(std::iter::repeat(&0))) {
        (*x, carry) = x.carrying_add(*y, carry);
    }
}

/// Whether x is below y.
pub(super) fn is_below(x: &[u64], y: &[u64]) -> bool {
    let mut borrow = false;
    for (x, y) in x.iter().zip(y) {
        (_, borrow) = x.borrowing_sub(*y, borrow);
    }
    borrow
}

/// x = x - n where that is not negative, x having a bit above it; what that bit is then.
pub(super) fn subtract_where(x: &mut [u64], n: &[u64], carry: u64) -> u64 {
    let mask = std::hint::black_box((carry | u64::from(!is_below(x, n))).wrapping_neg());
    let mut borrow = false;
    for (x, n) in x.iter_mut().zip(n) {
        (*x, borrow) = x.borrowing_sub(n & mask, borrow);
    }
    carry.wrapping_sub(u64::from(borrow))
}

/// row += a (d + 2^64 e), where the row is two limbs longer than a, and with one limb at the row's lowest and another above
/// as many limbs as a has: what is carried out of it. Two rows at once, since each step of a row waits for the one before.
#[inline(always)]
fn add_two_multiples(row: &mut [u64], a: &[u64], [d, e]: [u64; 2], [below, above]: [u64; 2]) -> u64 {
    let (Some((low, places)), Some((first, rest))) = (row.split_first_mut(), a.split_first()) else { return 0 };
    let Some((places, [one, two])) = places.split_last_chunk_mut::<2>() else { return 0 };
    let (mut carry, mut carry_of_second, mut last) = (below, 0, *first);
    (*low, carry) = d.carrying_mul_add(*first, *low, carry);
    let mut step = |place: &mut u64, limb: u64| {
        let sum;
        (sum, carry) = d.carrying_mul_add(limb, *place, carry);
        (*place, carry_of_second) = e.carrying_mul_add(last, sum, carry_of_second);
        last = limb;
    };
    let ((fours, others), (four_limbs, other_limbs)) = (places.as_chunks_mut::<4>(), rest.as_chunks::<4>());
    for ([a, b, c, d], [w, x, y, z]) in fours.iter_mut().zip(four_limbs) {
        step(a, *w);
        step(b, *x);
        step(c, *y);
        step(d, *z);
    }
    for (place, limb) in others.iter_mut().zip(other_limbs) {
        step(place, *limb);
    }
    let sum = u128::from(*one) + u128::from(carry) + u128::from(above);
    (*one, carry_of_second) = e.carrying_mul_add(last, sum as u64, carry_of_second);
    let sum = u128::from(*two) + u128::from(carry_of_second) + (sum >> 64);
    *two = sum as u64;
    (sum >> 64) as u64
}

/// wide = 2 wide + the squares of a's limbs, each at its place.
#[inline(always)]
fn double_and_add_squares(wide: &mut [u64], a: &[u64]) {
    let (mut top, mut carry) = (0, 0u64);
    for (pair, limb) in wide.chunks_exact_mut(2).zip(a) {
        let [low, high] = pair else { return };
        let square = u128::from(*limb) * u128::from(*limb);
        let doubled = (u128::from(*high) << 64 | u128::from(*low)) << 1 | top;
        top = u128::from(*high >> 63);
        let (sum, over) = doubled.overflowing_add(square);
        let (sum, more) = sum.overflowing_add(u128::from(carry));
        carry = u64::from(over) + u64::from(more);
        (*low, *high) = (sum as u64, (sum >> 64) as u64);
    }
}
