//! What a block of text has of the octets that mail is careful with.

/// Blocks of text are looked at in this size: what reads them next finds them in the processor's first-level cache.
pub(super) const BLOCK: usize = 16 << 10;

/// What a block has of each. Its first octet is seen together with the last one before it; a CR that ends it is for the
/// next block to judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Octets {
    /// LFs behind anything but a CR.
    pub(super) lone_lf: u64,
    /// Octets behind a CR that are no LF.
    pub(super) bare_cr: u64,
    /// NULs.
    pub(super) nul: u64,
    /// Whether there are octets from 128 on.
    pub(super) eight_bit: bool,
    /// Whether there is a CR or an LF behind a blank.
    pub(super) blank_end: bool,
}

impl Octets {
    /// Of a block of any length behind the octet `before`: its line ends and NULs alone.
    pub(super) fn of(before: u8, block: &[u8]) -> Self {
        Self::look::<false>(before, block)
    }

    /// Everything of a block.
    pub(super) fn all_of(before: u8, block: &[u8]) -> Self {
        Self::look::<true>(before, block)
    }

    /// Most blocks have nothing to count; whether one has is seen faster than how much.
    fn look<const ALL: bool>(before: u8, block: &[u8]) -> Self {
        let mut octets = Self::default();
        let Some((first, rest)) = block.split_first() else { return octets };
        let Seen { odd_line_end, nul, all, blank_end } = Seen::in_pairs::<ALL>(block, rest);
        octets.eight_bit = all >= 128;
        octets.blank_end = blank_end;
        octets.add::<ALL>(before, *first);
        if odd_line_end || nul {
            octets.count(block, rest);
        }
        octets
    }

    fn add<const ALL: bool>(&mut self, before: u8, octet: u8) {
        let (lf, after_cr) = (octet == b'\n', before == b'\r');
        self.lone_lf += u64::from(lf & !after_cr);
        self.bare_cr += u64::from(after_cr & !lf);
        self.nul += u64::from(octet == 0);
        self.eight_bit |= ALL & !octet.is_ascii();
        self.blank_end |= ALL & (lf | (octet == b'\r')) & matches!(before, b' ' | b'\t');
    }

    #[allow(
        clippy::needless_range_loop,
        clippy::indexing_slicing,
        reason = "over iterators the lanes are not kept in vector registers; each is below the arrays' length"
    )]
    fn count(&mut self, previous: &[u8], current: &[u8]) {
        for (previous, current) in previous.chunks(RUN).zip(current.chunks(RUN)) {
            let (mut lone_lf, mut bare_cr, mut nul) = ([0_u8; LANES], [0_u8; LANES], [0_u8; LANES]);
            let (before, _) = previous.as_chunks::<LANES>();
            let (now, rest) = current.as_chunks::<LANES>();
            for (before, now) in before.iter().zip(now) {
                for lane in 0..LANES {
                    let (lf, after_cr) = (is(now[lane], b'\n'), is(before[lane], b'\r'));
                    lone_lf[lane] = lone_lf[lane].wrapping_add(lf & !after_cr);
                    bare_cr[lane] = bare_cr[lane].wrapping_add(after_cr & !lf);
                    nul[lane] = nul[lane].wrapping_add(is(now[lane], 0));
                }
            }
            let sum = |lanes: [u8; LANES]| lanes.iter().map(|count| u64::from(*count)).sum::<u64>();
            self.lone_lf += sum(lone_lf);
            self.bare_cr += sum(bare_cr);
            self.nul += sum(nul);
            let before = previous.get(current.len() - rest.len()..).unwrap_or_default();
            before.iter().zip(rest).for_each(|(before, octet)| self.add::<false>(*before, *octet));
        }
    }
}

/// What there is of octets side by side with those before them.
struct Seen {
    /// An LF without a CR before it, or something else behind a CR.
    odd_line_end: bool,
    nul: bool,
    /// All octets, one over the other.
    all: u8,
    blank_end: bool,
}

impl Seen {
    /// In lanes that the compiler keeps in vector registers.
    #[allow(
        clippy::needless_range_loop,
        clippy::indexing_slicing,
        reason = "over iterators the lanes are not kept in vector registers; each is below the arrays' length"
    )]
    fn in_pairs<const ALL: bool>(previous: &[u8], current: &[u8]) -> Self {
        let (mut odd, mut nul, mut all, mut blank_end) = ([0_u8; LANES], [0_u8; LANES], [0_u8; LANES], [0_u8; LANES]);
        let (before, _) = previous.as_chunks::<LANES>();
        let (now, rest) = current.as_chunks::<LANES>();
        for (before, now) in before.iter().zip(now) {
            for lane in 0..LANES {
                let (b, n) = (before[lane], now[lane]);
                odd[lane] |= is(n, b'\n') ^ is(b, b'\r');
                nul[lane] |= is(n, 0);
                if ALL {
                    all[lane] |= n;
                    blank_end[lane] |= (is(n, b'\n') | is(n, b'\r')) & (is(b, b' ') | is(b, b'\t'));
                }
            }
        }
        let any = |lanes: [u8; LANES]| lanes.iter().fold(0, |any, lane| any | lane);
        let mut seen =
            Self { odd_line_end: any(odd) != 0, nul: any(nul) != 0, all: any(all), blank_end: any(blank_end) != 0 };
        let before = previous.get(current.len() - rest.len()..).unwrap_or_default();
        for (before, octet) in before.iter().zip(rest) {
            let mut one = Octets::default();
            one.add::<ALL>(*before, *octet);
            seen.odd_line_end |= one.lone_lf + one.bare_cr > 0;
            seen.nul |= one.nul > 0;
            seen.all |= if ALL { *octet } else { 0 };
            seen.blank_end |= one.blank_end;
        }
        seen
    }
}

fn is(octet: u8, wanted: u8) -> u8 {
    u8::from(octet == wanted)
}

const LANES: usize = 32;
/// So many octets at a time that no counter of a lane overflows.
const RUN: usize = LANES * 255;

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
                (b'\r', b'\n') => {}
                (b'\r', _) => octets.bare_cr += 1,
                (_, b'\n') => octets.lone_lf += 1,
                _ => {}
            }
            octets.nul += u64::from(*octet == 0);
            octets.eight_bit |= *octet >= 128;
            octets.blank_end |= matches!((before, *octet), (b' ' | b'\t', b'\r' | b'\n'));
            before = *octet;
        }
        octets
    }

    #[test]
    fn no_lane_overflows() {
        for octet in [b"\n", b"\r", b"\0"] {
            let text = octet.repeat(3 * RUN + 100);
            assert_eq!(Octets::all_of(b'x', &text), bytewise(b'x', &text));
        }
        let lines = b" \r\n".repeat(RUN);
        assert_eq!(Octets::all_of(0, &lines), bytewise(0, &lines));
    }

    #[test]
    fn one_odd_octet_is_seen_at_every_place() {
        let text = b"1234567\r\n".repeat(20);
        for place in 0..text.len() {
            for octet in [0, b'\r', b'\n', b' ', b'\t', 0x80, 0xff] {
                let mut text = text.clone();
                text[place] = octet;
                assert_eq!(Octets::all_of(b'\n', &text), bytewise(b'\n', &text), "{octet} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn lanes_see_what_a_walk_sees(
            text in "(\r\n|[\r\n\0 \täx]|[a-z]{1,40}){0,200}", cut in 0_usize..40, before in any::<u8>(),
        ) {
            let block = text.as_bytes().get(cut..).unwrap_or_default();
            let expected = bytewise(before, block);
            prop_assert_eq!(Octets::all_of(before, block), expected);
            prop_assert_eq!(Octets::of(before, block), Octets { eight_bit: false, blank_end: false, ..expected });
        }
    }
}
