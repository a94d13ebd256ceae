//! Products and squares in Montgomery's form over vectors of 52-bit digits.
//!
//! **Where a digit is.** Of V vectors, vector v has in its lane l the digit v + V l. So the place above a digit is the same
//! lane of the next vector, and a shift by a digit is a renaming of vectors; only the first of them, which becomes the
//! last, has its lanes moved.
//!
//! **One digit after the other.** With B = 2^52 and D digits, R is B^D. A step adds the product by one digit, and a multiple of
//! the modulus that makes the lowest digit zero, which is then dropped. All steps but the last take k n in the
//! modulus' place, for k = -n^-1 mod B: as that is -1 modulo B, the multiple is the lowest digit d itself, and what is to be
//! added after the shift is d (k n + 1) / B, again D digits. Nothing but a broadcast and one multiplication is between
//! the lowest digit of a step and that of the next. What these steps leave is below B n and not n; the last step, with the
//! modulus itself, brings it down.
//!
//! **Bounds.** Where n is below R / 2^16, factors below 3 n give a result below 9 n^2 / R + 2 n, which is below 3 n. A lane
//! gets at most 5 D numbers of 52 bits, and holds 64.
//!
//! **Several at once.** Each function works on C numbers, step by step on one after the other, since one alone would leave the
//! processor waiting for the chain of its lowest digits.
//!
//! No branch and no address depends on a number. No closure here works on lanes: one that is not inlined would not be
//! compiled for the processor's vectors.

use super::lanes::{GREATEST, Lanes};

/// C numbers of V vectors.
pub(super) type Numbers<L, const V: usize, const C: usize> = [[L; V]; C];

/// C odd moduli.
pub(super) struct Moduli<L: Lanes, const V: usize, const C: usize> {
    pub(super) n: Numbers<L, V, C>,
    /// (k n + 1) / B.
    pub(super) quotient: Numbers<L, V, C>,
    /// k = -n^-1 mod B, in every lane.
    pub(super) k: [L; C],
    /// D.
    pub(super) digits: usize,
}

/// x = x y / R.
#[inline(always)]
pub(super) fn multiply<L: Lanes, const V: usize, const C: usize>(
    x: &mut Numbers<L, V, C>,
    y: &Numbers<L, V, C>,
    n: &Moduli<L, V, C>,
) {
    let mut sums = [Sum::<L, V>::default(); C];
    let mut digits = [L::default(); C];
    for c in 0..C {
        digits[c] = y[c][0].spread(0);
        sums[c].vectors[0] = sums[c].vectors[0].add_low(x[c][0], digits[c]);
    }
    let mut done = 0;
    'steps: for lane in 0..L::COUNT {
        for row in 0..V {
            for c in 0..C {
                sums[c].add_low(&x[c], digits[c], 1);
                sums[c].add_high(&x[c], digits[c], 0);
            }
            done += 1;
            if done == n.digits {
                break 'steps;
            }
            let (next_row, next_lane) = if row + 1 < V { (row + 1, lane) } else { (0, lane + 1) };
            for c in 0..C {
                let lowest = sums[c].shift();
                // The next digit's lowest product before the reduction, for which the next step waits.
                digits[c] = y[c][next_row].spread(next_lane);
                sums[c].vectors[0] = sums[c].vectors[0].add_low(x[c][0], digits[c]);
                sums[c].reduce(lowest, &n.quotient[c]);
            }
        }
    }
    for c in 0..C {
        x[c] = sums[c].finish(&n.n[c], n.k[c]);
    }
}

/// x = x^2 / R.
///
/// Of two vectors' products each pair is taken once, the digits of the lower vector being doubled. What a doubled digit
/// carries is added to the doubled digit above it; only that one's vector itself, which is not taken doubled, has to be told
/// of the carry on its own.
#[inline(always)]
pub(super) fn square<L: Lanes, const V: usize, const C: usize>(x: &mut Numbers<L, V, C>, n: &Moduli<L, V, C>) {
    const { assert!(V <= 10, "as many rows as are written below") };
    // The last vector is doubled for no other, so that its carries go nowhere.
    let (mut doubled, mut carries) = (*x, *x);
    for c in 0..C {
        let mut below = L::default();
        for v in 0..V {
            let twice = x[c][v].add(x[c][v]);
            doubled[c][v] = twice.and(L::splat(GREATEST)).add(below);
            carries[c][v] = below;
            below = twice.carries();
        }
    }
    let mut sums = [Sum::<L, V>::default(); C];
    let mut done = 0;
    // Which vectors a row has is another matter in each, so that they are written out.
    macro_rules! rows {
        ($($row:literal)*) => {
            'steps: for lane in 0..L::COUNT {
                $(if $row < V {
                    for c in 0..C {
                        square_row::<L, V, $row>(&mut sums[c], &x[c], &doubled[c], &carries[c], lane);
                    }
                    done += 1;
                    if done == n.digits {
                        break 'steps;
                    }
                    for c in 0..C {
                        let lowest = sums[c].shift();
                        sums[c].reduce(lowest, &n.quotient[c]);
                    }
                })*
            }
        };
    }
    rows!(0 1 2 3 4 5 6 7 8 9);
    for c in 0..C {
        x[c] = sums[c].finish(&n.n[c], n.k[c]);
    }
}

/// The entries of a table, each number's by its own index, by reading all of it.
#[inline(always)]
pub(super) fn select<L: Lanes, const V: usize, const C: usize>(
    x: &mut Numbers<L, V, C>,
    table: &[Numbers<L, V, C>],
    indices: [u64; C],
) {
    let mut wanted = [L::default(); C];
    for c in 0..C {
        wanted[c] = L::splat(indices[c]);
    }
    let mut at = L::default();
    for entry in table {
        for c in 0..C {
            let here = at.equal(wanted[c]);
            for (x, entry) in x[c].iter_mut().zip(&entry[c]) {
                *x = x.replace(here, *entry);
            }
        }
        at = at.add(L::splat(1));
    }
}

/// A sum of products: V vectors with lanes of up to 64 bits, and what is in the places of a vector above them.
#[derive(Clone, Copy)]
struct Sum<L, const V: usize> {
    vectors: [L; V],
    above: L,
}

impl<L: Lanes, const V: usize> Default for Sum<L, V> {
    #[inline(always)]
    fn default() -> Self {
        Self { vectors: [L::default(); V], above: L::default() }
    }
}

#[allow(clippy::needless_range_loop)] // a vector, and the place of its products
impl<L: Lanes, const V: usize> Sum<L, V> {
    /// Adds the low halves of the products by a digit, of the vectors from one on.
    #[inline(always)]
    fn add_low(&mut self, x: &[L; V], digit: L, from: usize) {
        for v in from..V {
            self.vectors[v] = self.vectors[v].add_low(x[v], digit);
        }
    }

    /// Adds the high halves, one place above.
    #[inline(always)]
    fn add_high(&mut self, x: &[L; V], digit: L, from: usize) {
        for v in from..V {
            let place = if v + 1 < V { &mut self.vectors[v + 1] } else { &mut self.above };
            *place = place.add_high(x[v], digit);
        }
    }

    /// One digit down. What was the first vector is given back: its first lane is dropped here.
    #[inline(always)]
    fn shift(&mut self) -> L {
        let Self { vectors, above } = *self;
        let last = above.add(vectors[0].down());
        self.vectors = std::array::from_fn(|v| if v + 1 < V { vectors[v + 1] } else { last });
        self.above = L::default();
        vectors[0]
    }

    /// After a shift: takes the dropped digit's multiple of the modulus in.
    #[inline(always)]
    fn reduce(&mut self, dropped: L, quotient: &[L; V]) {
        let digit = dropped.spread_first();
        self.vectors[0] = self.vectors[0].add(dropped.carry_of_first());
        self.add_low(quotient, digit, 0);
        self.add_high(quotient, digit, 0);
    }

    /// The last step, by the modulus itself, and the sum in digits.
    #[inline(always)]
    fn finish(mut self, n: &[L; V], k: L) -> [L; V] {
        let digit = L::default().add_low(self.vectors[0], k).spread_first();
        self.add_low(n, digit, 0);
        self.add_high(n, digit, 0);
        let dropped = self.shift();
        self.vectors[0] = self.vectors[0].add(dropped.carry_of_first());
        digits(self.vectors)
    }
}

/// The products by the digit that is in a lane of vector `ROW`, with the vectors from that one on.
#[inline(always)]
fn square_row<L: Lanes, const V: usize, const ROW: usize>(
    sum: &mut Sum<L, V>,
    x: &[L; V],
    doubled: &[L; V],
    carries: &[L; V],
    lane: usize,
) {
    let digit = x[ROW].spread(lane);
    sum.vectors[ROW] = sum.vectors[ROW].add_low(x[ROW], digit);
    let place = if ROW + 1 < V { &mut sum.vectors[ROW + 1] } else { &mut sum.above };
    *place = place.add_high(x[ROW], digit);
    let twice = doubled[ROW].spread(lane);
    if ROW > 0 {
        sum.vectors[ROW] = sum.vectors[ROW].add_low(x[ROW], carries[ROW].spread(lane));
    }
    sum.add_low(x, twice, ROW + 1);
    sum.add_high(x, twice, ROW + 1);
}

/// Takes the carries out of the lanes, of a sum that has no more than its digits.
#[inline(always)]
pub(super) fn digits<L: Lanes, const V: usize>(sum: [L; V]) -> [L; V] {
    let greatest = L::splat(GREATEST);
    // Each carry to its neighbour, all at once: after that it is 0 or 1 at most.
    let mut x = sum;
    for v in 0..V {
        let below = if v > 0 { sum[v - 1].carries() } else { sum[V - 1].carries().up() };
        x[v] = sum[v].and(greatest).add(below);
    }
    let out = ripple(&mut x);
    // A lane passes a carry on that comes into it where all its digits are the greatest. Adding the lanes that carry to the lanes
    // that would pass on finds all that are reached.
    let mut all = greatest;
    for x in &x {
        all = all.and(*x);
    }
    let passes = all.equal(greatest);
    let carries = !out.equal(L::default()) << 1;
    let reached = carries.wrapping_add(passes) ^ passes;
    x[0] = x[0].replace(reached, x[0].add(L::splat(1)));
    ripple(&mut x);
    x
}

/// Carries from the first vector to the last, in each lane; gives what comes out of the last.
#[inline(always)]
fn ripple<L: Lanes, const V: usize>(x: &mut [L; V]) -> L {
    let greatest = L::splat(GREATEST);
    let mut carries = L::default();
    for x in x {
        let sum = x.add(carries);
        carries = sum.carries();
        *x = sum.and(greatest);
    }
    carries
}
