//! Header blocks: the fields of an entity as they arrived, found but not changed (RFC 5322 section 2.2).
//!
//! A block keeps its bytes; a [`Field`] is a view into them. Lines that are no field are kept as data and reported as
//! oddities, since a message must not become unreadable by a line that nobody asks for.

use super::content_type::ContentType;
use super::transfer::TransferEncoding;
use super::{Error, ErrorKind, Result};
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use std::io::{self, BufRead};
use std::ops::Range;

/// The header of one entity, the blank line that ends it included where there is one.
#[derive(Clone, Debug, Default)]
pub struct HeaderBlock {
    bytes: Vec<u8>,
    start: u64,
    fields: Vec<Place>,
    oddities: Vec<Reason>,
    line_ends: LineEnds,
}

/// One field of a [`HeaderBlock`].
#[derive(Clone, Copy, Debug)]
pub struct Field<'h> {
    /// What stands before the colon, as written.
    pub name: &'h str,
    /// All of it: name, colon, value, folds and the final line end.
    pub raw: &'h [u8],
    /// What follows the colon, folds included, without the final line end.
    pub value: &'h [u8],
    /// Where `raw` begins, counted as the block's own beginning is.
    pub offset: u64,
}

impl Field<'_> {
    /// Whether it has this name; case does not matter (RFC 5322 section 1.2.2).
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value unfolded and trimmed. Encoded words stay as they are; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&unfold(self.value)).trim_matches([' ', '\t']).to_owned()
    }
}

/// Ranges into the block's bytes.
#[derive(Clone, Debug)]
struct Place {
    name: Range<u32>,
    value: Range<u32>,
    raw: Range<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LineEnds {
    #[default]
    None,
    Lf,
    CrLf,
    Mixed,
}

impl HeaderBlock {
    /// Reads up to and through the blank line, or to the end of the input. LF and CRLF both end a line.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] where the block or one field is longer than `limits` allow (SEC-98), [`ErrorKind::Io`].
    pub fn read(reader: &mut dyn BufRead, limits: &Limits) -> Result<Self> {
        let mut bytes = Vec::new();
        loop {
            let before = bytes.len();
            if read_line(reader, &mut bytes, limits.header_bytes)? == 0 {
                break;
            }
            if is_blank_line(bytes.get(before..).unwrap_or_default()) {
                break;
            }
        }
        Self::take(bytes, 0, limits)
    }

    /// The same over a slice that begins with a header block; what follows the blank line is left alone. `start` is
    /// where the slice lies in whatever offsets are counted in.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`], as for [`HeaderBlock::read`].
    pub fn parse(mut bytes: &[u8], start: u64, limits: &Limits) -> Result<Self> {
        let mut block = Self::read(&mut bytes, limits)?;
        block.start = start;
        Ok(block)
    }

    /// Takes the lines of a block, already cut at its blank line.
    pub(super) fn take(bytes: Vec<u8>, start: u64, limits: &Limits) -> Result<Self> {
        if bytes.len() > limits.header_bytes || u32::try_from(bytes.len()).is_err() {
            return Err(Error::limit("header_bytes", limits.header_bytes, start));
        }
        let mut block = Self { bytes, start, ..Self::default() };
        block.find_fields(limits)?;
        Ok(block)
    }

    /// The block as it arrived, blank line included.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Length in bytes, blank line included: the offset of the body, counted from the block's beginning.
    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether nothing is there, not even a blank line.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The fields in the order in which they stand.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter().map(|place| self.view(place))
    }

    /// The fields of one name; case does not matter.
    pub fn all<'h>(&'h self, name: &str) -> impl Iterator<Item = Field<'h>> {
        let named = move |place: &&Place| self.slice(&place.name).eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().filter(named).map(|place| self.view(place))
    }

    /// The field of that name where there is at most one.
    ///
    /// # Errors
    /// [`ErrorKind::Ambiguous`] where it is there twice (SEC-21).
    pub fn unique(&self, name: &str) -> Result<Option<Field<'_>>> {
        let mut all = self.all(name);
        let first = all.next();
        match all.next() {
            Some(second) => Err(Error::ambiguous(format!("the header field {name}"), second.offset)),
            None => Ok(first),
        }
    }

    /// Whether every line ends with LF alone, as in mail that was stored as a Unix text.
    pub fn uses_lf_only(&self) -> bool {
        self.line_ends == LineEnds::Lf
    }

    /// What is out of the ordinary about it.
    pub fn oddities(&self) -> &[Reason] {
        &self.oddities
    }

    /// The Content-Type; `text/plain` where there is none (RFC 2045 section 5.2).
    ///
    /// # Errors
    /// [`ErrorKind::Ambiguous`] where the field, or its parameter `boundary`, is there twice (SEC-21, SEC-22);
    /// [`ErrorKind::Malformed`] where it is no media type; [`ErrorKind::Limit`] for an endless continuation (SEC-101).
    pub fn content_type(&self) -> Result<ContentType> {
        match self.unique("Content-Type")? {
            Some(field) => ContentType::parse(field.value, field.offset),
            None => Ok(ContentType::default()),
        }
    }

    /// The Content-Transfer-Encoding; 7bit where there is none (RFC 2045 section 6.1).
    ///
    /// # Errors
    /// [`ErrorKind::Ambiguous`] where it is there twice, [`ErrorKind::Unsupported`] for a name not in RFC 2045
    /// (SEC-23).
    pub fn transfer_encoding(&self) -> Result<TransferEncoding> {
        let Some(field) = self.unique("Content-Transfer-Encoding")? else {
            return Ok(TransferEncoding::SevenBit);
        };
        let name = super::content_type::single_token(field.value).unwrap_or_else(|| field.text());
        TransferEncoding::from_name(&name).ok_or_else(|| {
            let encoding = visible(&name.chars().take(60).collect::<String>());
            Error::new(field.offset, ErrorKind::Unsupported { encoding })
        })
    }

    fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.bytes.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    fn view(&self, place: &Place) -> Field<'_> {
        Field {
            name: std::str::from_utf8(self.slice(&place.name)).unwrap_or_default(),
            raw: self.slice(&place.raw),
            value: self.slice(&place.value),
            offset: self.start + u64::from(place.raw.start),
        }
    }

    fn find_fields(&mut self, limits: &Limits) -> Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        let mut at = 0;
        let mut unparsable = 0_usize;
        let mut first_unparsable = 0;
        while let Some(line) = line_at(&bytes, at) {
            let start = at;
            self.note_line_end(line);
            at += line.len();
            if is_blank_line(line) {
                break;
            }
            let name = field_name(line);
            // RFC 5322 section 2.2.3: a line that begins with a blank continues the one before it.
            while let Some(next) = line_at(&bytes, at).filter(|next| is_continuation(next)) {
                self.note_line_end(next);
                at += next.len();
                if name.is_some() && next.iter().all(u8::is_ascii_whitespace) {
                    self.odd("blank_fold", "a header field is continued by a line of nothing but blanks");
                }
            }
            if at - start > limits.header_line {
                return Err(Error::limit("header_line", limits.header_line, self.start + start as u64));
            }
            let Some((name_length, value_start)) = name else {
                if start == 0 && line.starts_with(b"From ") {
                    self.odd("mbox_from_line", "the message begins with the separator line of an mbox file");
                } else {
                    unparsable += 1;
                    first_unparsable = if unparsable == 1 { start } else { first_unparsable };
                }
                continue;
            };
            if value_start != name_length + 1 {
                self.odd("blank_before_colon", "a header field has blanks between its name and the colon");
            }
            let raw = bytes.get(start..at).unwrap_or_default();
            let value = trim_line_end(raw);
            let odd = |n: usize| value.get(n) == Some(&0) || value.get(n + 1) != Some(&b'\n');
            if memchr::memchr2_iter(0, b'\r', value).any(odd) {
                self.odd("control_in_header", "a header field contains a NUL or a CR that ends no line");
            }
            // The cast is sound: take() has refused a block longer than a u32 can say.
            let narrow = |from: usize, to: usize| from as u32..to as u32;
            self.fields.push(Place {
                name: narrow(start, start + name_length),
                value: narrow((start + value_start).min(start + value.len()), start + value.len()),
                raw: narrow(start, at),
            });
        }
        if unparsable > 0 {
            let at = self.start + first_unparsable as u64;
            self.odd(
                "unparsable_header_line",
                format!("{unparsable} lines are no header fields, the first at byte {at}"),
            );
        }
        self.bytes = bytes;
        Ok(())
    }

    fn note_line_end(&mut self, line: &[u8]) {
        let this = match line {
            [.., b'\r', b'\n'] => LineEnds::CrLf,
            [.., b'\n'] => LineEnds::Lf,
            _ => return,
        };
        self.line_ends = match self.line_ends {
            LineEnds::None => this,
            before if before == this => this,
            _ => LineEnds::Mixed,
        };
    }

    fn odd(&mut self, code: &'static str, text: impl Into<String>) {
        if !self.oddities.iter().any(|known| known.code == code) {
            self.oddities.push(Reason::new(code, text));
        }
    }
}

/// One line through its LF, appended to `line`; how many bytes that were, 0 at the end of the input.
fn read_line(reader: &mut dyn BufRead, line: &mut Vec<u8>, limit: usize) -> Result<usize> {
    let before = line.len();
    loop {
        let chunk = match reader.fill_buf() {
            Ok(chunk) => chunk,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        let end = memchr::memchr(b'\n', chunk);
        let piece = end.map_or(chunk, |end| chunk.get(..=end).unwrap_or_default());
        if line.len() + piece.len() > limit {
            return Err(Error::limit("header_bytes", limit, limit as u64));
        }
        line.extend_from_slice(piece);
        let (used, done) = (piece.len(), end.is_some() || piece.is_empty());
        reader.consume(used);
        if done {
            return Ok(line.len() - before);
        }
    }
}

/// The line that begins at `at`, its line end included.
pub(super) fn line_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    memchr::memchr(b'\n', rest).map_or(Some(rest), |end| rest.get(..=end))
}

pub(super) fn is_blank_line(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n")
}

pub(super) fn is_continuation(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

/// Without the CRLF or LF at its end.
pub(super) fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Length of the name, and where the value begins; `None` where the line is no field.
fn field_name(line: &[u8]) -> Option<(usize, usize)> {
    let colon = memchr::memchr(b':', line)?;
    let name = line.get(..colon)?;
    // RFC 5322 section 4.5: the obsolete syntax has blanks before the colon.
    let name = name.trim_ascii_end();
    (!name.is_empty() && name.iter().all(|b| b.is_ascii_graphic())).then_some((name.len(), colon + 1))
}

/// RFC 5322 section 2.2.3: the line ends of folds removed, the blanks after them kept.
pub(super) fn unfold(value: &[u8]) -> Vec<u8> {
    // Room for a line end, which some readers want.
    let mut text = Vec::with_capacity(value.len() + 1);
    text.extend_from_slice(value);
    text.retain(|b| !matches!(b, b'\r' | b'\n'));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> HeaderBlock {
        HeaderBlock::parse(text.as_bytes(), 0, &Limits::default()).unwrap()
    }

    #[test]
    fn fields_are_views_of_what_arrived() {
        let text = "From: a@b\r\nSubject: one\r\n two\r\nX-Empty:\r\n\r\nbody: not a field\r\n";
        let header = block(text);
        let fields: Vec<_> = header.fields().collect();
        assert_eq!(fields.iter().map(|f| f.name).collect::<Vec<_>>(), ["From", "Subject", "X-Empty"]);
        assert_eq!(fields[1].raw, b"Subject: one\r\n two\r\n");
        assert_eq!(fields[1].text(), "one two");
        assert_eq!(fields[1].offset, 11);
        assert_eq!(fields[2].value, b"");
        assert_eq!(&text[header.len() as usize..], "body: not a field\r\n");
        assert!(!header.uses_lf_only());
        assert!(header.oddities().is_empty());
    }

    #[test]
    fn lf_and_no_blank_line_are_tolerated() {
        let header = block("From nobody Mon Jan  1 00:00:00 2024\nA: 1\nno field\nB : 2\n \n\t3");
        assert!(header.uses_lf_only());
        assert_eq!(header.fields().map(|f| f.text()).collect::<Vec<_>>(), ["1", "2 \t3"]);
        let codes: Vec<_> = header.oddities().iter().map(|o| o.code).collect();
        assert_eq!(codes, ["mbox_from_line", "blank_fold", "blank_before_colon", "unparsable_header_line"]);
    }

    #[test]
    fn sec_021_a_field_that_is_there_twice_has_no_value() {
        let header = block("Content-Type: text/plain\r\ncontent-type: text/html\r\nA: 1\r\n\r\n");
        assert!(matches!(header.content_type().unwrap_err().kind, ErrorKind::Ambiguous { .. }));
        assert_eq!(header.unique("a").unwrap().unwrap().text(), "1");
        assert!(header.unique("b").unwrap().is_none());
        let header = block("Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\n");
        assert!(matches!(header.transfer_encoding().unwrap_err().kind, ErrorKind::Ambiguous { .. }));
    }

    #[test]
    fn sec_023_an_unknown_encoding_is_named() {
        let header = block("Content-Transfer-Encoding: x-uu\u{1b}code\r\n\r\n");
        let error = header.transfer_encoding().unwrap_err();
        assert_eq!(error.to_string(), "unsupported Content-Transfer-Encoding \"x-uu\\u{1b}code\" (at byte 0)");
        let header = block("Content-Transfer-Encoding: (really) BASE64 (yes)\r\n\r\n");
        assert_eq!(header.transfer_encoding().unwrap(), TransferEncoding::Base64);
    }

    #[test]
    fn sec_098_blocks_and_fields_are_bounded() {
        let limits = Limits { header_bytes: 1000, header_line: 100, ..Limits::default() };
        let limit_of = |text: &str| match HeaderBlock::parse(text.as_bytes(), 0, &limits).unwrap_err().kind {
            ErrorKind::Limit { name, .. } => name,
            other => panic!("{other}"),
        };
        assert_eq!(limit_of(&"A: b\r\n".repeat(1000)), "header_bytes");
        assert_eq!(limit_of(&"x".repeat(5000)), "header_bytes");
        assert_eq!(limit_of(&format!("A: {}\r\n\r\n", "x".repeat(200))), "header_line");
        assert_eq!(limit_of(&format!("A: {}\r\n\r\n", "x\r\n ".repeat(50))), "header_line");
    }

    #[test]
    fn one_byte_at_a_time_reads_the_same() {
        let text = b"A: 1\r\n 2\r\nB: 3\r\n\r\nrest";
        let mut slow = io::BufReader::with_capacity(1, &text[..]);
        let header = HeaderBlock::read(&mut slow, &Limits::default()).unwrap();
        assert_eq!(header.bytes(), b"A: 1\r\n 2\r\nB: 3\r\n\r\n");
        assert_eq!(header.fields().count(), 2);
    }
}
