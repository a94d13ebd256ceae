//! Quoted-printable (RFC 2045 section 6.7), read and written.

use super::super::{Error, Result};
use super::{CHUNK, Decode, Strictness};
use encodify::qp;
use std::io::{self, Write};

/// Quoted-printable, on its way to what it stands for.
pub(super) struct QuotedPrintable {
    engine: qp::QuotedPrintable,
    /// Input that waits for the end of its line.
    waiting: Vec<u8>,
    /// Input bytes decoded so far.
    offset: u64,
}

impl QuotedPrintable {
    pub(super) fn new(strictness: Strictness) -> Self {
        let engine = if strictness == Strictness::Strict { qp::BODY.strict() } else { qp::BODY };
        Self { engine, waiting: Vec::new(), offset: 0 }
    }

    /// Decodes the first `length` bytes of what waits.
    fn release(&mut self, length: usize, out: &mut Vec<u8>) -> Result<()> {
        let block = self.waiting.get(..length).unwrap_or_default();
        self.engine.decode_append(block, out).map_err(|e| {
            let at = match e {
                encodify::Error::InvalidByte { offset, .. } | encodify::Error::Truncated { offset } => offset,
                _ => 0,
            };
            Error::malformed("quoted-printable", self.offset + at as u64, "a = is not followed by two hex digits")
        })?;
        self.offset += length as u64;
        self.waiting.drain(..length.min(self.waiting.len()));
        Ok(())
    }

    /// How much of an endless line can be decoded without its end: all before blanks that may be dropped, and before
    /// an escape or a soft line break that is not complete.
    fn cut(&self) -> usize {
        let mut end = self.waiting.len();
        loop {
            let before = end;
            let kept = self.waiting.get(..end).unwrap_or_default();
            let trimmed = kept.trim_ascii_end();
            end = match trimmed {
                [head @ .., b'='] | [head @ .., b'=', _] => head.len(),
                _ => trimmed.len(),
            };
            if end == before {
                return end;
            }
        }
    }
}

impl Decode for QuotedPrintable {
    const CHUNK: usize = CHUNK;

    fn some(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize> {
        let before = self.waiting.len();
        self.waiting.extend_from_slice(input);
        match memchr::memrchr(b'\n', input) {
            Some(end) => self.release(before + end + 1, out)?,
            None if self.waiting.len() > CHUNK => {
                let cut = self.cut();
                if cut == 0 {
                    return Err(Error::limit("blanks at the end of a quoted-printable line", CHUNK, self.offset));
                }
                self.release(cut, out)?;
            }
            None => {}
        }
        Ok(input.len())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.release(self.waiting.len(), out)
    }
}

/// Encodes text as quoted-printable, in lines of at most 76 characters (RFC 2045 section 6.7). CRLF is a line end; a CR
/// or an LF alone is data. What relays are known to change never appears: blanks at line ends, `From ` and `.` at line
/// starts, control and 8-bit characters (SEC-142). The output does not depend on how the input is cut into pieces.
pub struct QuotedPrintableWriter<W: Write> {
    inner: W,
    out: Vec<u8>,
    column: usize,
    /// Seen, and not yet written because what follows decides how: part of `From `, a blank, a CR.
    held: Held,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Nothing,
    /// So many bytes of [`FROM`] at the start of a line.
    From(usize),
    Blank(u8),
    Cr,
}

const FROM: &[u8] = b"From ";
/// Columns for text; the 76th is for the `=` of a soft line break.
const WIDTH: usize = 75;

impl<W: Write> QuotedPrintableWriter<W> {
    /// A writer that has written nothing yet.
    pub fn new(inner: W) -> Self {
        Self { inner, out: Vec::with_capacity(2 * CHUNK), column: 0, held: Held::Nothing }
    }

    /// Writes what waits, and gives the inner writer back. Without this call the end is missing.
    ///
    /// # Errors
    /// What the inner writer reports.
    pub fn finish(mut self) -> io::Result<W> {
        self.release_at_line_end();
        if self.held == Held::Cr {
            self.escape(b'\r');
        }
        self.inner.write_all(&self.out)?;
        Ok(self.inner)
    }

    fn byte(&mut self, byte: u8) {
        match (self.held, byte) {
            (Held::Cr, b'\n') => {
                self.held = Held::Nothing;
                self.out.extend_from_slice(b"\r\n");
                self.column = 0;
                return;
            }
            (Held::From(count), _) if FROM.get(count) == Some(&byte) => {
                if count + 1 < FROM.len() {
                    self.held = Held::From(count + 1);
                    return;
                }
                self.held = Held::Nothing;
                self.escape(b'F');
                self.out.extend_from_slice(b"rom");
                self.column += 3;
            }
            (_, b'\r') => {
                if self.held == Held::Cr {
                    self.escape(b'\r');
                } else {
                    self.release_at_line_end();
                }
                self.held = Held::Cr;
                return;
            }
            _ => self.release(),
        }
        match byte {
            b' ' | b'\t' => self.held = Held::Blank(byte),
            b'F' if self.column == 0 => self.held = Held::From(1),
            b'.' if self.column == 0 => self.escape(byte),
            b'=' | 0..=0x1f | 0x7f.. => self.escape(byte),
            _ => self.literal(byte),
        }
    }

    /// Writes what is held, another character following on the same line.
    fn release(&mut self) {
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => {}
            Held::From(count) => self.copy(FROM.get(..count).unwrap_or_default()),
            Held::Blank(blank) => self.literal(blank),
            Held::Cr => self.escape(b'\r'),
        }
    }

    /// Writes what is held, the line or the text ending here; a CR stays held.
    fn release_at_line_end(&mut self) {
        match self.held {
            Held::Cr => {}
            Held::Blank(blank) => {
                self.held = Held::Nothing;
                self.escape(blank);
            }
            _ => self.release(),
        }
    }

    fn copy(&mut self, run: &[u8]) {
        self.out.extend_from_slice(run);
        self.column += run.len();
    }

    fn literal(&mut self, byte: u8) {
        if self.column + 1 > WIDTH {
            self.soft_break();
            if matches!(byte, b'F' | b'.' | b'-') {
                return self.escape(byte);
            }
        }
        self.out.push(byte);
        self.column += 1;
    }

    fn escape(&mut self, byte: u8) {
        if self.column + 3 > WIDTH {
            self.soft_break();
        }
        let digit = |n: u8| if n < 10 { b'0' + n } else { b'A' + n - 10 };
        self.out.extend_from_slice(&[b'=', digit(byte >> 4), digit(byte & 15)]);
        self.column += 3;
    }

    fn soft_break(&mut self) {
        self.out.extend_from_slice(b"=\r\n");
        self.column = 0;
    }
}

impl<W: Write> Write for QuotedPrintableWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = bytes.get(..CHUNK).unwrap_or(bytes);
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            // A run of plain text within a line, up to its last character that is no blank.
            if self.column > 0 && self.held == Held::Nothing {
                let room = WIDTH.saturating_sub(self.column);
                let run = rest.iter().take(room).take_while(|b| matches!(b, b' '..=b'<' | b'>'..=b'~')).count();
                let run = rest.get(..run).unwrap_or_default().trim_ascii_end();
                if !run.is_empty() {
                    self.copy(run);
                    rest = rest.get(run.len()..).unwrap_or_default();
                    continue;
                }
            }
            self.byte(*first);
            rest = after;
        }
        if self.out.len() >= CHUNK {
            self.inner.write_all(&self.out)?;
            self.out.clear();
        }
        Ok(bytes.len())
    }

    /// Writes what is complete and flushes the inner writer.
    fn flush(&mut self) -> io::Result<()> {
        self.inner.write_all(&self.out)?;
        self.out.clear();
        self.inner.flush()
    }
}
