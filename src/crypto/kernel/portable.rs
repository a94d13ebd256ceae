//! The arithmetic in plain Rust. No branch and no address depends on a number; sizes that keys have are compiled on their
//! own, so that their loops have a known length.

use super::montgomery::BLOCK;

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
        wide.fill(0);
        let (Some(a), Some(b)) = (a.get(..length), b.get(..length)) else { return };
        for (at, digit) in b.iter().enumerate() {
            let Some(row) = wide.get_mut(at..at + length + 1) else { return };
            add_multiple(row, a, *digit);
        }
    });
}

/// wide = a^2: each product of two different limbs once, doubled, and then the squares.
pub(super) fn square(wide: &mut [u64], a: &[u64]) {
    sized!(a.len(), |length: usize| {
        wide.fill(0);
        let Some(a) = a.get(..length) else { return };
        let mut rest = a;
        let mut at = 1;
        while let Some((digit, others)) = rest.split_first() {
            if let Some(row) = wide.get_mut(at..at + others.len() + 1) {
                add_multiple(row, others, *digit);
            }
            rest = others;
            at += 2;
        }
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
    });
}

/// x = wide / R mod n, below R where wide is.
pub(super) fn reduce(x: &mut [u64], wide: &mut [u64], n: &[u64], n0: u64) {
    sized!(n.len(), |length: usize| {
        let Some(n) = n.get(..length) else { return };
        let mut top = 0;
        for at in 0..length {
            let Some(row) = wide.get_mut(at..at + length + 1) else { return };
            let Some((last, row)) = row.split_last_mut() else { return };
            let digit = row.first().copied().unwrap_or(0).wrapping_mul(n0);
            let mut carry = 0;
            for (limb, n) in row.iter_mut().zip(n) {
                (*limb, carry) = digit.carrying_mul_add(*n, *limb, carry);
            }
            let sum = u128::from(*last) + u128::from(carry) + u128::from(top);
            *last = sum as u64;
            top = (sum >> 64) as u64;
        }
        let Some(high) = wide.get(length..2 * length) else { return };
        let mask = top.wrapping_neg();
        let mut borrow = false;
        for ((x, limb), n) in x.iter_mut().zip(high).zip(n) {
            (*x, borrow) = limb.borrowing_sub(n & mask, borrow);
        }
    });
}

/// The entry of a table of numbers as long as `x`, which is read as a whole.
pub(super) fn select(x: &mut [u64], table: &[u64], index: u64) {
    x.fill(0);
    for (at, entry) in (0u64..).zip(table.chunks_exact(x.len().max(1))) {
        let mask = mask_where_equal(at, index);
        for (x, limb) in x.iter_mut().zip(entry) {
            *x |= limb & mask;
        }
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

/// x = x - n where x is not below n.
pub(super) fn subtract_where_not_below(x: &mut [u64], n: &[u64]) {
    subtract_where(x, n, 0);
}

/// x = x - n where that is not negative, x having a bit above it; what that bit is then.
pub(super) fn subtract_where(x: &mut [u64], n: &[u64], carry: u64) -> u64 {
    let mut borrow = false;
    for (x, n) in x.iter().zip(n) {
        (_, borrow) = x.borrowing_sub(*n, borrow);
    }
    let mask = std::hint::black_box(carry | u64::from(!borrow)).wrapping_neg();
    let mut borrow = false;
    for (x, n) in x.iter_mut().zip(n) {
        (*x, borrow) = x.borrowing_sub(n & mask, borrow);
    }
    carry.wrapping_sub(u64::from(borrow))
}

/// All ones, or zero.
pub(super) fn mask_where_equal(a: u64, b: u64) -> u64 {
    let difference = std::hint::black_box(a ^ b);
    ((difference | difference.wrapping_neg()) >> 63).wrapping_sub(1)
}

/// row += a digit, where the last limb of the row is still zero.
#[inline(always)]
fn add_multiple(row: &mut [u64], a: &[u64], digit: u64) {
    let Some((last, row)) = row.split_last_mut() else { return };
    let mut carry = 0;
    for (limb, a) in row.iter_mut().zip(a) {
        (*limb, carry) = digit.carrying_mul_add(*a, *limb, carry);
    }
    *last = carry;
}

const _: () = assert!(BLOCK == 8);
