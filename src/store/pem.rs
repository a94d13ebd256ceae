//! PEM (RFC 7468): a strict reader of several blocks with any text between them, and a writer.
//!
//! Strict inside the armour: the labels of BEGIN and END agree, the base64 is canonical, nothing is nested, nothing is
//! cut short, nothing is empty (SEC-102). Lenient around it: text before, between and behind the blocks, CRLF or LF,
//! lines of any length, white space at a line's end, as `openssl` and mail programs leave it.

use super::{Error, Result};
use crate::base::secret::Secret;

/// One armoured block.
#[derive(Clone, Debug)]
pub struct Block {
    /// What stands after BEGIN: "CERTIFICATE".
    pub label: String,
    /// The header lines of RFC 1421, as `Proc-Type` and `DEK-Info` of old encrypted keys.
    pub headers: Vec<(String, String)>,
    /// The octets that the base64 stands for. They may be a key, so they are kept as secrets are.
    pub data: Secret,
    /// The line of BEGIN, counted from 1.
    pub line: usize,
}

impl Block {
    /// The value of a header, whose name is compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Whether a line of this text begins a PEM block.
pub fn is_pem(text: &[u8]) -> bool {
    lines(text).any(|(_, line)| line.starts_with(BEGIN))
}

/// All blocks of a text, in order; empty where there is none.
///
/// # Errors
/// [`Error::Pem`] with the line where the armour is broken.
pub fn read(text: &[u8]) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut lines = lines(text);
    while let Some((number, line)) = lines.next() {
        if let Some(rest) = line.strip_prefix(BEGIN) {
            blocks.push(block(number, rest, &mut lines)?);
        }
    }
    Ok(blocks)
}

/// One block: lines of 64 characters, each closed by LF (RFC 7468 section 3).
pub fn write(label: &str, data: &[u8]) -> String {
    let base64 = encode(data);
    let mut text = String::with_capacity(base64.len() + base64.len() / 64 + 2 * label.len() + 40);
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at_checked(64).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = more;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

/// The octets of base64 that stands alone, white space anywhere in it; `None` where it is anything else.
pub fn decode_bare(text: &[u8]) -> Option<Secret> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut decoder = Decoder::default();
    text.iter().filter(|b| !b.is_ascii_whitespace()).try_for_each(|b| decoder.push(*b)).ok()?;
    decoder.finish().ok().filter(|data| !data.is_empty())
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The lines of a text, numbered from 1, without white space at their ends.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    text.split(|b| *b == b'\n').enumerate().map(|(i, line)| (i + 1, line.trim_ascii_end()))
}

fn block<'a>(begin: usize, after_begin: &[u8], lines: &mut impl Iterator<Item = (usize, &'a [u8])>) -> Result<Block> {
    let fail = |line, why: String| Err(Error::Pem { line, why });
    let Some(label) = label(after_begin) else {
        return fail(begin, "BEGIN is not followed by a label and five dashes".into());
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut may_be_header = true;
    let mut decoder = Decoder::default();
    for (number, line) in lines {
        if line.starts_with(BEGIN) {
            return fail(number, format!("a block begins inside {label}, which begins in line {begin}"));
        }
        if let Some(rest) = line.strip_prefix(END) {
            if self::label(rest).as_ref() != Some(&label) {
                return fail(number, format!("END does not name {label}, which begins in line {begin}"));
            }
            return match decoder.finish() {
                Ok(data) if !data.is_empty() => Ok(Block { label, headers, data, line: begin }),
                Ok(_) => fail(begin, format!("{label} is empty")),
                Err(why) => fail(number, why.into()),
            };
        }
        if may_be_header && line.contains(&b':') {
            let text = String::from_utf8_lossy(line);
            if let Some((name, value)) = text.split_once(':') {
                headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            continue;
        }
        if may_be_header && !headers.is_empty() && line.starts_with(b" ") {
            if let Some((_, value)) = headers.last_mut() {
                value.push_str(String::from_utf8_lossy(line).trim());
            }
            continue;
        }
        if line.is_empty() {
            may_be_header = may_be_header && headers.is_empty();
            continue;
        }
        may_be_header = false;
        for byte in line.trim_ascii_start() {
            if let Err(why) = decoder.push(*byte) {
                return fail(number, why.into());
            }
        }
    }
    fail(begin, format!("{label} has no END"))
}

/// The label out of what follows "-----BEGIN ": printable ASCII, closed by five dashes.
fn label(after: &[u8]) -> Option<String> {
    let label = after.strip_suffix(b"-----")?;
    let fine = !label.is_empty() && label.iter().all(|b| (0x20..0x7f).contains(b) && *b != b'-');
    fine.then(|| String::from_utf8_lossy(label).into_owned())
}

/// Base64 (RFC 4648 section 4), canonical: no bits left over, padding at the end only.
#[derive(Default)]
struct Decoder {
    out: Vec<u8>,
    bits: u32,
    symbols: u8,
    padding: u8,
}

impl Decoder {
    fn push(&mut self, byte: u8) -> std::result::Result<(), &'static str> {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                self.padding = self.padding.saturating_add(1);
                return Ok(());
            }
            _ => return Err("a character stands there that is not base64"),
        };
        if self.padding != 0 {
            return Err("base64 goes on after its padding");
        }
        self.bits = self.bits << 6 | u32::from(value);
        self.symbols += 1;
        if self.symbols == 4 {
            let [_, a, b, c] = self.bits.to_be_bytes();
            self.out.extend_from_slice(&[a, b, c]);
            (self.bits, self.symbols) = (0, 0);
        }
        Ok(())
    }

    fn finish(mut self) -> std::result::Result<Secret, &'static str> {
        match (self.symbols, self.padding) {
            (0, 0) => {}
            (2, 2) if self.bits & 15 == 0 => self.out.push((self.bits >> 4) as u8),
            (3, 1) if self.bits & 3 == 0 => {
                let [_, _, a, b] = (self.bits >> 2).to_be_bytes();
                self.out.extend_from_slice(&[a, b]);
            }
            _ => return Err("the base64 is cut short or wrongly padded"),
        }
        Ok(Secret::new(self.out))
    }
}

/// Base64 on one line.
pub fn encode(data: &[u8]) -> String {
    encodify::base64::STANDARD.encode(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> (usize, String) {
        match read(text.as_bytes()) {
            Err(Error::Pem { line, why }) => (line, why),
            other => panic!("{text:?} gives {other:?}"),
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for length in [1usize, 2, 3, 47, 48, 49, 1000] {
            let data: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let text = write("CERTIFICATE", &data);
            assert!(text.lines().all(|line| line.len() <= 64));
            for text in [text.clone(), text.replace('\n', "\r\n"), text.replace('\n', " \t\r\n")] {
                let blocks = read(text.as_bytes()).unwrap();
                assert_eq!(blocks.len(), 1);
                assert_eq!(blocks[0].label, "CERTIFICATE");
                assert_eq!(blocks[0].data.expose(), data);
            }
        }
    }

    #[test]
    fn several_blocks_with_text_between() {
        let text = format!(
            "\u{feff}Bag Attributes\n  friendlyName: x\n{}text: here\n\n{}",
            write("A", b"one"),
            write("B C", b"two")
        );
        let blocks = read(text.as_bytes()).unwrap();
        let seen: Vec<_> = blocks.iter().map(|b| (b.label.as_str(), b.line, b.data.expose())).collect();
        assert_eq!(seen, [("A", 3, &b"one"[..]), ("B C", 8, &b"two"[..])]);
        assert!(read(b"no armour at all").unwrap().is_empty());
    }

    #[test]
    fn headers_are_read_and_their_continuation() {
        let text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,\n 00FF\n\nAQID\n-----END RSA PRIVATE KEY-----";
        let blocks = read(text.as_bytes()).unwrap();
        assert_eq!(blocks[0].header("proc-type"), Some("4,ENCRYPTED"));
        assert_eq!(blocks[0].header("DEK-Info"), Some("AES-128-CBC,00FF"));
        assert_eq!(blocks[0].data.expose(), [1, 2, 3]);
    }

    #[test]
    fn broken_armour_is_refused_with_its_line() {
        assert_eq!(fails("x\n-----BEGIN A-----\nAQID\n").0, 2);
        assert_eq!(fails("-----BEGIN A----\nAQID\n-----END A-----").0, 1);
        assert_eq!(fails("-----BEGIN A-----\nAQID\n-----END B-----").0, 3);
        assert_eq!(fails("-----BEGIN A-----\n-----BEGIN A-----\nAQID\n-----END A-----").0, 2);
        assert_eq!(fails("-----BEGIN A-----\n-----END A-----").1, "A is empty");
        for body in ["AQI", "AQ=D", "AQID=", "AR==", "AQJ=", "A", "AQ*D", "AQ\rID", "AQ==AQ==", "====", "AQ==="] {
            fails(&format!("-----BEGIN A-----\n{body}\n-----END A-----"));
        }
    }

    #[test]
    fn bare_base64() {
        assert_eq!(decode_bare(b" AQ\r\nID\n").unwrap().expose(), [1, 2, 3]);
        assert!(decode_bare(b"not base64!").is_none());
        assert!(decode_bare(b" \n").is_none());
    }
}
