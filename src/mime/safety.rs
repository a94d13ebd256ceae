//! Whether a relay would leave a text as it is (RFC 8551 section 3.1.3, RFC 5322 section 2.1.1; SEC-142).

use super::octets::{BLOCK, Octets};
use crate::base::limits::Limits;

/// RFC 5322 section 2.1.1, without the line end.
const MAX_LINE: usize = 998;
const FROM: &[u8] = b"From ";

/// Watches a text for what relays are known to change.
#[derive(Clone, Debug, Default)]
pub(super) struct Safety {
    /// Bytes from 128 on.
    pub(super) eight_bit: bool,
    /// An LF without a CR before it. A line end in text; data in binary content.
    pub(super) lone_lf: bool,
    /// Anything else: NUL, a CR alone, a long line, a blank at a line's end, `From ` at its beginning, a lone dot.
    other: bool,
    /// The last octet that was fed.
    before: u8,
    line: Line,
}

/// The line that is being read.
#[derive(Clone, Debug, Default)]
struct Line {
    length: usize,
    head: [u8; FROM.len()],
    /// Its last two bytes.
    tail: [u8; 2],
}

impl Line {
    fn extend(&mut self, piece: &[u8]) {
        if let Some(room) = self.head.get_mut(self.length.min(FROM.len())..) {
            room.iter_mut().zip(piece).for_each(|(to, from)| *to = *from);
        }
        match piece {
            [] => {}
            [last] => self.tail = [self.tail[1], *last],
            [.., before, last] => self.tail = [*before, *last],
        }
        self.length = self.length.saturating_add(piece.len());
    }

    /// Without a CR that belongs to its end.
    fn is_safe(&self, length: usize, last: u8) -> bool {
        let blank_end = length > 0 && matches!(last, b' ' | b'\t');
        let quoted = length >= FROM.len() && self.head == FROM;
        let dot = length == 1 && self.head[0] == b'.';
        length <= MAX_LINE && !blank_end && !quoted && !dot
    }
}

impl Safety {
    pub(super) fn feed(&mut self, chunk: &[u8]) {
        for block in chunk.chunks(BLOCK) {
            let octets = Octets::all_of(self.before, block);
            self.before = block.last().copied().unwrap_or(self.before);
            self.eight_bit |= octets.eight_bit;
            self.lone_lf |= octets.lone_lf > 0;
            self.other |= octets.bare_cr > 0 || octets.nul > 0 || octets.blank_end;
            // Once a text is unsafe, its lines change nothing any more.
            if !self.other {
                self.lines(block);
            }
        }
    }

    fn lines(&mut self, block: &[u8]) {
        let (Some(first), Some(last)) = (memchr::memchr(b'\n', block), memchr::memrchr(b'\n', block)) else {
            return self.line.extend(block);
        };
        self.line.extend(block.get(..first).unwrap_or_default());
        let line = std::mem::take(&mut self.line);
        let (length, end) = if line.tail[1] == b'\r' {
            (line.length.saturating_sub(1), line.tail[0])
        } else {
            (line.length, line.tail[1])
        };
        self.other |= !line.is_safe(length, end) || !are_safe(block.get(first..=last).unwrap_or_default());
        self.line.extend(block.get(last + 1..).unwrap_or_default());
    }

    /// Whether the text, its line ends made CRLF, passes all relays as it is.
    pub(super) fn is_safe(&self) -> bool {
        let last = self.line.is_safe(self.line.length, self.line.tail[1]);
        !self.eight_bit && !self.other && last && self.before != b'\r'
    }

    /// The same for a text in one piece.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut safety = Self::default();
        safety.feed(text);
        safety
    }
}

/// Whether lines are, from the end of the line before the first of them on to the end of the last. That no blank ends one
/// has been seen before.
fn are_safe(lines: &[u8]) -> bool {
    if memchr::memmem::find(lines, b"\nFrom ").is_some() {
        return false;
    }
    let dots = memchr::memmem::find_iter(lines, b"\n.");
    let lone = |at: usize| {
        let rest = lines.get(at + 2..).unwrap_or_default();
        rest.starts_with(b"\n") || rest.starts_with(b"\r\n")
    };
    if dots.into_iter().any(lone) {
        return false;
    }
    // From line end to line end, each the last one that is not too far away.
    let mut rest = lines.get(1..).unwrap_or_default();
    while !rest.is_empty() {
        let window = rest.get(..=MAX_LINE).unwrap_or(rest);
        rest = match memchr::memrchr(b'\n', window) {
            Some(at) => rest.get(at + 1..).unwrap_or_default(),
            None => match rest.get(MAX_LINE..) {
                Some([b'\r', b'\n', after @ ..]) => after,
                _ => return false,
            },
        };
    }
    true
}

/// Header lines must be as short as other lines, whatever `Limits` allow them to be when read.
pub(super) fn lines_fit(text: &[u8], limits: &Limits) -> bool {
    let longest = MAX_LINE.min(limits.header_line);
    text.split(|b| *b == b'\n').all(|line| line.strip_suffix(b"\r").unwrap_or(line).len() <= longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_relays_change_is_seen() {
        let long = "x".repeat(999);
        for text in [
            "a ",
            "a\t\r\nb",
            "From x",
            "a\r\nFrom x",
            ".",
            "a\n.\n",
            "\0",
            "a\rb",
            "a\r",
            "a\r\r\nb",
            "ä",
            &long,
            " \n",
        ] {
            assert!(!Safety::of(text.as_bytes()).is_safe(), "{text:?}");
        }
        let fits = format!("{}\r\n", "x".repeat(998));
        for text in ["", "a", "a\n", " a\r\n\r\n", "From", "From\r\n x", "..", "a.\n", "xFrom y", ">From x", &fits] {
            assert!(Safety::of(text.as_bytes()).is_safe(), "{text:?}");
        }
        assert!(Safety::of(b"a\nb").lone_lf && !Safety::of(b"a\r\nb").lone_lf);
        assert!(!lines_fit(format!("a\n{long}").as_bytes(), &Limits::default()));
    }

    /// Line by line, in one piece.
    fn linewise(text: &[u8]) -> bool {
        let line_is_safe = |line: &[u8]| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            line.len() <= MAX_LINE
                && !line.ends_with(b" ")
                && !line.ends_with(b"\t")
                && !line.starts_with(FROM)
                && line != b"."
        };
        let mut lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
        let last = lines.pop().unwrap_or_default();
        text.is_ascii()
            && !text.contains(&0)
            && lines.iter().all(|line| line_is_safe(line) && !line.strip_suffix(b"\r").unwrap_or(line).contains(&b'\r'))
            && line_is_safe(last)
            && !last.contains(&b'\r')
    }

    #[test]
    fn what_is_unsafe_is_seen_at_every_place_of_a_block() {
        let long = [b"x".repeat(999), b"x".repeat(998), b"x".repeat(999), b"x".repeat(997)]
            .map(|line| [&b"\n"[..], &line, b"\r\n"].concat());
        let odd = [
            &b"\nFrom x"[..],
            b"\n.\n",
            b"\n.\r\n",
            b" \n",
            b"\t\r\n",
            b"\r",
            b"\0",
            b"\xff",
            b"\n..\n",
            b"\nFrom\n",
            b"\r\r\n",
        ];
        for odd in odd.iter().map(|odd| odd.to_vec()).chain(long) {
            for place in (0..30).chain(BLOCK - 12..BLOCK + 4).chain([BLOCK - 500, BLOCK - 998, BLOCK - 1000]) {
                let line = b"Forty characters, and one line end.   .x\r\n";
                let mut text: Vec<u8> = line.iter().copied().cycle().take(2 * BLOCK).collect();
                text.splice(place..place, odd.iter().copied());
                let expected = linewise(&text);
                for piece in [text.len(), BLOCK, 1000, 7] {
                    let mut safety = Safety::default();
                    text.chunks(piece).for_each(|chunk| safety.feed(chunk));
                    assert_eq!(safety.is_safe(), expected, "{odd:?} at {place} in pieces of {piece}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn lines_are_judged_as_one_by_one(
            text in "(From |[.F \t]|\r\n\\.\r\n|\r\n|\n|\r|x{40}|x{900}|x{98}|y|ä|\0){0,40}", lines in 0_usize..3,
        ) {
            let text = ["Some text in a line.\r\n".repeat(lines * 800), text].concat();
            prop_assert_eq!(Safety::of(text.as_bytes()).is_safe(), linewise(text.as_bytes()));
        }

        #[test]
        fn pieces_make_no_difference(text in "(From |[ \t.x]|\r\n|\r|\n|ä|\0){0,12}", cuts in prop::collection::vec(1_usize..5, 80)) {
            let whole = Safety::of(text.as_bytes());
            let mut pieces = Safety::default();
            let mut rest = text.as_bytes();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.feed(piece);
                rest = after;
            }
            prop_assert_eq!(pieces.is_safe(), whole.is_safe());
            prop_assert_eq!(pieces.lone_lf, whole.lone_lf);
        }
    }
}
