//! Whether a relay would leave a text as it is (RFC 8551 section 3.1.3, RFC 5322 section 2.1.1; SEC-142).

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
    cr: u64,
    pairs: u64,
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
        self.eight_bit = self.eight_bit || !chunk.is_ascii();
        self.other = self.other || memchr::memchr(0, chunk).is_some();
        self.cr += memchr::memchr_iter(b'\r', chunk).count() as u64;
        let mut start = 0;
        for at in memchr::memchr_iter(b'\n', chunk) {
            self.line.extend(chunk.get(start..at).unwrap_or_default());
            self.end_line();
            start = at + 1;
        }
        self.line.extend(chunk.get(start..).unwrap_or_default());
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.length > 0 && line.tail[1] == b'\r' {
            self.pairs += 1;
            self.other |= !line.is_safe(line.length - 1, line.tail[0]);
        } else {
            self.lone_lf = true;
            self.other |= !line.is_safe(line.length, line.tail[1]);
        }
    }

    /// Whether the text, its line ends made CRLF, passes all relays as it is.
    pub(super) fn is_safe(&self) -> bool {
        let last = self.line.is_safe(self.line.length, self.line.tail[1]);
        !self.eight_bit && !self.other && last && self.cr == self.pairs
    }

    /// The same for a text in one piece.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut safety = Self::default();
        safety.feed(text);
        safety
    }
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

    proptest! {
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
