//! Transfer encodings read leniently and written back in place: what each character stands for, so that other bytes of the
//! same number can be put there without moving a line end. For outlines and redacted copies, which look at broken mail; what
//! is judged is decoded strictly, in [`transfer`](crate::mime::transfer).

/// PEM, or base64 that stands alone.
pub(super) struct Wrapped {
    /// What stands after BEGIN; `None` where there is no PEM.
    pub(super) label: Option<String>,
    /// Where the base64 begins.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

/// How much text may stand before a PEM block.
pub(super) const LEADING_TEXT: usize = 64 << 10;

/// Whether a text that begins so may be either. What begins with a header field is mail, whatever stands in its text.
pub(super) fn may_be_wrapped(start: &[u8]) -> bool {
    let text = start.trim_ascii_start();
    let first = text.split(|b| *b == b'\n').next().unwrap_or_default();
    if text.starts_with(BEGIN) {
        return true;
    }
    let name = first.split(|b| *b == b':').next().unwrap_or_default();
    let field = name.len() < first.len() && !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    if field || first.starts_with(b"From ") {
        return false;
    }
    begin(start).is_some()
        || (first.len() >= 16 && first.iter().all(|b| value(*b).is_some() || b.is_ascii_whitespace()))
}

/// Where the first line that begins a PEM block stands.
fn begin(bytes: &[u8]) -> Option<usize> {
    let bytes = bytes.get(..LEADING_TEXT).unwrap_or(bytes);
    let starts_line = |at: &usize| at.checked_sub(1).is_none_or(|before| bytes.get(before) == Some(&b'\n'));
    memchr::memmem::find_iter(bytes, BEGIN).find(starts_line)
}

/// Finds the base64 of the first PEM block, or of the whole text.
pub(super) fn wrapped(bytes: &[u8]) -> Option<Wrapped> {
    if !may_be_wrapped(bytes.get(..LEADING_TEXT).unwrap_or(bytes)) {
        return None;
    }
    let blanks = bytes.len().saturating_sub(bytes.trim_ascii_start().len());
    let indented = bytes.get(blanks..).filter(|rest| rest.starts_with(BEGIN)).map(|_| blanks);
    let Some(line) = indented.or_else(|| begin(bytes)) else {
        let text = bytes.get(blanks..)?;
        let all = text.iter().all(|b| value(*b).is_some() || *b == b'=' || b.is_ascii_whitespace());
        return all.then_some(Wrapped { label: None, start: blanks, end: bytes.len() });
    };
    let rest = bytes.get(line.saturating_add(BEGIN.len())..)?;
    let text = rest.split(|b| *b == b'\n').next()?;
    let label = String::from_utf8_lossy(text).trim_end().trim_end_matches('-').to_owned();
    let start = line.saturating_add(BEGIN.len()).saturating_add(text.len()).min(bytes.len());
    let end = memchr::memmem::find(bytes.get(start..)?, END).map_or(bytes.len(), |at| start.saturating_add(at));
    Some(Wrapped { label: Some(label), start, end })
}

/// The lines that begin and end a PEM block of that label.
pub(super) fn armour_lines(label: &str) -> [Vec<u8>; 2] {
    [BEGIN, END].map(|words| [words, label.as_bytes(), b"-----"].concat())
}

/// A text as a series of characters that stand for bytes.
pub(super) struct Units<'t> {
    text: &'t [u8],
    encoding: Encoding,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Base64,
    Quoted,
}

/// What stands at a place of a quoted-printable text.
enum Quoted {
    /// One byte as it is.
    Literal(u8),
    /// `=XX`.
    Escape(u8),
    /// Octets that stand for nothing.
    Nothing,
}

impl<'t> Units<'t> {
    /// Base64; what is not of its alphabet stands for nothing.
    pub(super) fn of(text: &'t [u8]) -> Self {
        Self { text, encoding: Encoding::Base64 }
    }

    /// Quoted-printable; an equals sign that begins no escape stands for itself.
    pub(super) fn quoted(text: &'t [u8]) -> Self {
        Self { text, encoding: Encoding::Quoted }
    }

    /// The bytes that the text stands for.
    pub(super) fn decode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.text.len());
        match self.encoding {
            Encoding::Base64 => self.quanta(&mut |places| {
                let (mut bits, mut have) = (0_u32, 0_u32);
                for place in places {
                    let digit = self.text.get(*place).copied().and_then(value).unwrap_or(0);
                    (bits, have) = (bits << 6 | u32::from(digit), have + 6);
                    if have >= 8 {
                        have -= 8;
                        bytes.push((bits >> have) as u8);
                    }
                }
            }),
            Encoding::Quoted => self.places(&mut |_, unit| match unit {
                Quoted::Literal(byte) | Quoted::Escape(byte) => bytes.push(byte),
                Quoted::Nothing => {}
            }),
        }
        bytes
    }

    /// The text with other bytes, as many as it stands for, of the same length and with every line end in its place.
    pub(super) fn encode(&self, bytes: &[u8]) -> Vec<u8> {
        let mut text = self.text.to_vec();
        let mut bytes = bytes.iter().copied();
        let mut put = |at: usize, octet: u8| {
            if let Some(slot) = text.get_mut(at) {
                *slot = octet;
            }
        };
        match self.encoding {
            Encoding::Base64 => self.quanta(&mut |places| {
                let mut group = [0_u8; 3];
                for slot in group.iter_mut().take((places.len() * 6) / 8) {
                    *slot = bytes.next().unwrap_or(0);
                }
                let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
                for (n, place) in places.iter().enumerate() {
                    put(*place, digit(bits >> (18 - 6 * n.min(3))));
                }
            }),
            Encoding::Quoted => self.places(&mut |at, unit| match unit {
                Quoted::Literal(_) => {
                    let byte = bytes.next().unwrap_or(b'x');
                    let fits = byte.is_ascii_graphic() && byte != b'=' || byte.is_ascii_whitespace();
                    put(at, if fits { byte } else { b'x' });
                }
                Quoted::Escape(_) => {
                    let byte = bytes.next().unwrap_or(b'x');
                    for (n, octet) in format!("{byte:02X}").bytes().enumerate() {
                        put(at.saturating_add(1).saturating_add(n), octet);
                    }
                }
                Quoted::Nothing => {}
            }),
        }
        text
    }

    /// Calls `each` with the places of up to four characters that stand for up to three bytes.
    fn quanta(&self, each: &mut dyn FnMut(&[usize])) {
        let mut places = Vec::with_capacity(4);
        for (at, octet) in self.text.iter().enumerate() {
            if value(*octet).is_some() {
                places.push(at);
            }
            if places.len() == 4 || *octet == b'=' {
                each(&places);
                places.clear();
            }
        }
        each(&places);
    }

    fn places(&self, each: &mut dyn FnMut(usize, Quoted)) {
        let hex = |octet: Option<&u8>| octet.and_then(|b| char::from(*b).to_digit(16));
        let mut at = 0_usize;
        while let Some(octet) = self.text.get(at) {
            let (unit, length) = match octet {
                b'=' => match (hex(self.text.get(at + 1)), hex(self.text.get(at + 2))) {
                    (Some(high), Some(low)) => (Quoted::Escape((high << 4 | low) as u8), 3),
                    _ => match self.blank_to_line_end(at + 1) {
                        Some(length) => (Quoted::Nothing, length + 1),
                        None => (Quoted::Literal(*octet), 1),
                    },
                },
                b' ' | b'\t' => match self.trailing(at) {
                    0 => (Quoted::Literal(*octet), 1),
                    length => (Quoted::Nothing, length),
                },
                _ => (Quoted::Literal(*octet), 1),
            };
            each(at, unit);
            at = at.saturating_add(length);
        }
    }

    /// How many octets lie between here and after the line end, where there are only blanks.
    fn blank_to_line_end(&self, from: usize) -> Option<usize> {
        let rest = self.text.get(from..).unwrap_or_default();
        let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        match rest.get(blanks..)? {
            [b'\r', b'\n', ..] => Some(blanks + 2),
            [b'\n', ..] => Some(blanks + 1),
            [] => Some(blanks),
            _ => None,
        }
    }

    /// How many blanks end the line here; RFC 2045 section 6.7: they are not part of the text.
    fn trailing(&self, from: usize) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        match rest.get(blanks..) {
            Some([b'\r', b'\n', ..] | [b'\n', ..] | []) => blanks,
            _ => 0,
        }
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn value(octet: u8) -> Option<u8> {
    match octet {
        b'A'..=b'Z' => Some(octet - b'A'),
        b'a'..=b'z' => Some(octet - b'a' + 26),
        b'0'..=b'9' => Some(octet - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn digit(bits: u32) -> u8 {
    ALPHABET.get((bits & 63) as usize).copied().unwrap_or(b'A')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_and_written_back_in_its_place() {
        let text = b" aGVs\r\nbG8g d29y\nbGQ=\r\n!";
        let units = Units::of(text);
        assert_eq!(units.decode(), b"hello world");
        assert_eq!(units.encode(b"hello world"), text);
        assert_eq!(Units::of(&units.encode(b"HELLO_WORLD")).decode(), b"HELLO_WORLD");
        assert_eq!(units.encode(b"HELLO_WORLD").len(), text.len());
    }

    #[test]
    fn quoted_printable_is_read_and_written_back_in_its_place() {
        let text = b"caf=C3=A9 =\r\nau lait  \r\n1=3D2";
        let units = Units::quoted(text);
        assert_eq!(units.decode(), "café au lait\r\n1=2".as_bytes());
        assert_eq!(Units::quoted(&units.encode(&units.decode())).decode(), units.decode());
        assert_eq!(units.encode(b"xxxxx xx xxxx\r\nxxx").len(), text.len());
    }

    #[test]
    fn pem_and_bare_base64_are_found() {
        let pem = b"\n-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n";
        let found = wrapped(pem).unwrap();
        let behind = [b"a certificate of mine\n", &pem[..]].concat();
        assert_eq!(wrapped(&behind).unwrap().start, found.start + 22);
        assert!(wrapped(&[b"Subject: x\n", &pem[..]].concat()).is_none());
        assert_eq!(found.label.as_deref(), Some("PKCS7"));
        assert_eq!(Units::of(&pem[found.start..found.end]).decode(), [0x30, 0]);
        assert!(wrapped(b"MAAwADAAMAAwADAA").unwrap().label.is_none());
        assert!(wrapped(b"Subject: x\n\nMAAwADAAMAAwADAA").is_none());
    }
}
