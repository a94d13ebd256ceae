//! Boundaries between parts: how they are made, and a watch for one in what it is to part.

use crate::base::time::Time;

/// A boundary of 128 random bits: `----=_Part_` and 32 hex digits (SEC-144).
pub fn boundary(random: [u8; 16]) -> String {
    format!("----=_Part_{:032x}", u128::from_be_bytes(random))
}

/// A boundary as Outlook makes them (OUT-47): depth, counter, and the time in ticks of 100 ns since 1601. What Outlook's own
/// counter and clock would give is drawn here: the counter, and the ticks within the second. The 39 random bits keep
/// boundaries of one second apart; that they are absent from the content must be looked for (SEC-144).
pub fn outlook_boundary(depth: u16, at: Time, random: [u8; 16]) -> String {
    const SECOND: u64 = 10_000_000;
    const FROM_1601_TO_1970: i64 = 11_644_473_600;
    let [c0, c1, t0, t1, t2, t3, t4, t5, t6, t7, ..] = random;
    let seconds = u64::try_from(at.unix().saturating_add(FROM_1601_TO_1970)).unwrap_or_default();
    let ticks = u64::from_be_bytes([t0, t1, t2, t3, t4, t5, t6, t7]) % SECOND;
    let time = seconds.wrapping_mul(SECOND).wrapping_add(ticks);
    let counter = u16::from_be_bytes([c0, c1]);
    format!("----=_NextPart_{:03}_{counter:04X}_{:08X}.{:08X}", depth % 1000, time >> 32, time & 0xffff_ffff)
}

/// Watches a stream for a boundary in it, so that the check can share a pass with other work (SEC-144).
#[derive(Clone, Debug)]
pub struct BoundaryWatch {
    finder: memchr::memmem::Finder<'static>,
    /// What of the last pieces may be the beginning of a boundary.
    tail: Vec<u8>,
    found: bool,
}

impl BoundaryWatch {
    /// For `--` and this boundary, anywhere in the stream.
    pub fn new(boundary: &str) -> Self {
        let finder = memchr::memmem::Finder::new(&format!("--{boundary}")).into_owned();
        Self { finder, tail: Vec::new(), found: false }
    }

    /// Takes the next piece.
    pub fn feed(&mut self, chunk: &[u8]) {
        if self.found {
            return;
        }
        let overlap = self.finder.needle().len() - 1;
        self.tail.extend(chunk.iter().take(overlap));
        self.found = self.finder.find(&self.tail).is_some() || self.finder.find(chunk).is_some();
        if chunk.len() >= overlap {
            self.tail.clear();
            self.tail.extend_from_slice(chunk.get(chunk.len() - overlap..).unwrap_or_default());
        } else {
            let drop = self.tail.len().saturating_sub(overlap);
            self.tail.drain(..drop);
        }
    }

    /// Whether it has come by.
    pub fn found(&self) -> bool {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_047_outlooks_boundaries_tell_depth_counter_and_time() {
        let at: Time = "2024-08-17T14:49:14Z".parse().unwrap();
        let mut random = [0xff; 16];
        // 0.16 seconds, in a multiple of the second that is cut off.
        random[..10].copy_from_slice(&[&[0x00, 0xcd][..], &1_600_000_u64.to_be_bytes()].concat());
        assert_eq!(outlook_boundary(0, at, random), "----=_NextPart_000_00CD_01DAF0B4.A0B13B00");
        random[2..10].copy_from_slice(&(7 * 10_000_000 + 1_600_000_u64).to_be_bytes());
        assert_eq!(outlook_boundary(1, at, random), "----=_NextPart_001_00CD_01DAF0B4.A0B13B00");
        for at in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            let boundary = outlook_boundary(2, at.parse().unwrap(), [0xff; 16]);
            assert_eq!(boundary.len(), "----=_NextPart_002_FFFF_01DAF0B4.A0B13B00".len(), "{boundary}");
        }
    }

    #[test]
    fn sec_144_a_boundary_has_128_bits_and_is_looked_for() {
        let boundary = boundary([0xab; 16]);
        assert_eq!(boundary, format!("----=_Part_{}", "ab".repeat(16)));
        let text = format!("some text --{boundary} more text");
        for piece in 1..text.len() {
            let mut watch = BoundaryWatch::new(&boundary);
            text.as_bytes().chunks(piece).for_each(|chunk| watch.feed(chunk));
            assert!(watch.found(), "{piece}");
            let mut watch = BoundaryWatch::new(&boundary);
            text.replace("b m", "x m").as_bytes().chunks(piece).for_each(|chunk| watch.feed(chunk));
            assert!(!watch.found(), "{piece}");
        }
    }
}
