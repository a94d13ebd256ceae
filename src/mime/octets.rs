//! What a block of text has of the octets that mail is careful with, counted in one look at it.

/// Blocks of text are looked at in this size: what reads them next finds them in the processor's first-level cache.
pub(super) const BLOCK: usize = 16 << 10;

/// What a block has of each. A block's first octet is seen together with the last one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Octets {
    /// LFs behind a CR.
    pub(super) pairs: u64,
    /// LFs behind anything else.
    pub(super) lone_lf: u64,
    /// CRs, with an LF behind them or not.
    pub(super) cr: u64,
    /// NULs.
    pub(super) nul: u64,
    /// Whether there are octets from 128 on.
    pub(super) eight_bit: bool,
    /// Whether there is a CR or an LF behind a blank.
    pub(super) blank_end: bool,
}

impl Octets {
    /// Of a block of any length, behind the octet `before`.
    pub(super) fn of(before: u8, block: &[u8]) -> Self {
        let mut octets = Self::default();
        let Some((first, rest)) = block.split_first() else { return octets };
        octets.add(before, *first);
        let mut previous = block;
        let mut current = rest;
        while !current.is_empty() {
            let (now, later) = current.split_at_checked(RUN).unwrap_or((current, &[]));
            octets.add_run(previous, now);
            previous = previous.get(now.len()..).unwrap_or_default();
            current = later;
        }
        octets
    }

    fn add(&mut self, before: u8, octet: u8) {
        let (lf, after_cr) = (octet == b'\n', before == b'\r');
        self.pairs += u64::from(lf & after_cr);
        self.lone_lf += u64::from(lf & !after_cr);
        self.cr += u64::from(octet == b'\r');
        self.nul += u64::from(octet == 0);
        self.eight_bit |= !octet.is_ascii();
        self.blank_end |= (lf | (octet == b'\r')) & matches!(before, b' ' | b'\t');
    }

    /// Octets side by side with those before them: a lane of counters for each of 32, which the compiler keeps in vector
    /// registers. A run is so short that no lane overflows.
    fn add_run(&mut self, previous: &[u8], current: &[u8]) {
        let mut lanes = Lanes::default();
        let (before, _) = previous.as_chunks::<LANES>();
        let (now, rest) = current.as_chunks::<LANES>();
        for (before, now) in before.iter().zip(now) {
            lanes.add(before, now);
        }
        let sum = |lane: [u8; LANES]| lane.iter().map(|count| u64::from(*count)).sum::<u64>();
        let (lf, pairs) = (sum(lanes.lf), sum(lanes.pairs));
        self.pairs += pairs;
        self.lone_lf += lf.saturating_sub(pairs);
        self.cr += sum(lanes.cr);
        self.nul += sum(lanes.nul);
        self.eight_bit |= lanes.all.iter().any(|octet| !octet.is_ascii());
        self.blank_end |= lanes.blank_end.iter().any(|found| *found != 0);
        let before = previous.get(current.len() - rest.len()..).unwrap_or_default();
        before.iter().zip(rest).for_each(|(before, octet)| self.add(*before, *octet));
    }
}

const LANES: usize = 32;
const RUN: usize = LANES * 255;

#[derive(Default)]
struct Lanes {
    lf: [u8; LANES],
    pairs: [u8; LANES],
    cr: [u8; LANES],
    nul: [u8; LANES],
    all: [u8; LANES],
    blank_end: [u8; LANES],
}

impl Lanes {
    #[inline(always)]
    fn add(&mut self, before: &[u8; LANES], now: &[u8; LANES]) {
        // All ones where the two are equal.
        let equal = |a: u8, b: u8| u8::from(a == b).wrapping_neg();
        // Over a range: what counts by itself is checked for overflow, and then this is no vector code any more.
        #[allow(clippy::needless_range_loop)]
        for lane in 0..LANES {
            let (before, now) = (before[lane], now[lane]);
            let (lf, cr) = (equal(now, b'\n'), equal(now, b'\r'));
            let blank = equal(before, b' ') | equal(before, b'\t');
            self.lf[lane] = self.lf[lane].wrapping_sub(lf);
            self.pairs[lane] = self.pairs[lane].wrapping_sub(lf & equal(before, b'\r'));
            self.cr[lane] = self.cr[lane].wrapping_sub(cr);
            self.nul[lane] = self.nul[lane].wrapping_sub(equal(now, 0));
            self.all[lane] |= now;
            self.blank_end[lane] |= (lf | cr) & blank;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One octet after the other.
    fn bytewise(before: u8, block: &[u8]) -> Octets {
        let mut octets = Octets::default();
        let mut before = before;
        for octet in block {
            match (before, *octet) {
                (b'\r', b'\n') => octets.pairs += 1,
                (_, b'\n') => octets.lone_lf += 1,
                (_, b'\r') => octets.cr += 1,
                (_, 0) => octets.nul += 1,
                (_, 128..) => octets.eight_bit = true,
                _ => {}
            }
            octets.blank_end |= matches!((before, *octet), (b' ' | b'\t', b'\r' | b'\n'));
            before = *octet;
        }
        octets
    }

    #[test]
    fn no_lane_overflows() {
        for octet in [b"\n", b"\r", b"\0"] {
            let text = octet.repeat(3 * RUN + 100);
            assert_eq!(Octets::of(b'x', &text), bytewise(b'x', &text));
        }
        let lines = b" \r\n".repeat(RUN);
        assert_eq!(Octets::of(0, &lines), bytewise(0, &lines));
    }

    proptest! {
        #[test]
        fn runs_count_what_a_walk_counts(
            text in "(\r\n|[\r\n\0 \täx]|[a-z]{1,40}){0,200}", cut in 0_usize..40, before in any::<u8>(),
        ) {
            let block = text.as_bytes().get(cut..).unwrap_or_default();
            prop_assert_eq!(Octets::of(before, block), bytewise(before, block));
        }
    }
}
