//! Base64 (RFC 2045 section 6.8), read and written in blocks.

use super::super::{Error, Result};
use super::{Decode, Strictness};
use encodify::base64;
use std::io::{self, Write};

/// Bytes that are decoded in one go, so that they stay in the processor's first-level cache with what they stand for.
const CHUNK: usize = 16 << 10;

/// Base64, on its way to what it stands for.
pub(super) struct Base64 {
    strictness: Strictness,
    quantum: base64::Decoder,
    /// Characters of the alphabet so far, those of the quantum that the last padding ended left out.
    symbols: u64,
    /// `=` so far in the present quantum, and whether padding has ended the data.
    padding: u64,
    /// Input bytes so far.
    offset: u64,
}

impl Base64 {
    pub(super) fn new(strictness: Strictness) -> Self {
        Self { strictness, quantum: base64::LENIENT.decoder(), symbols: 0, padding: 0, offset: 0 }
    }

    /// Whole lines without padding, at the speed of the machine; `None` where the input is not so.
    fn lines(&mut self, input: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        if !self.symbols.is_multiple_of(4) || self.padding != 0 {
            return None;
        }
        let lines = whole_lines(input)?;
        // Where there is padding, as far as before it.
        self.exactly(lines, out).or_else(|| {
            let unpadded = lines.get(..memchr::memchr(b'=', lines)?)?;
            self.exactly(whole_lines(unpadded)?, out)
        })
    }

    /// The lenient engine skips what is not of the alphabet, and drops what is left over of a quantum. It did neither where it
    /// gave exactly three bytes for each four of the octets that are no line ends.
    fn exactly(&mut self, lines: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        let symbols = lines.len().checked_sub(line_ends(lines)?).filter(|symbols| symbols.is_multiple_of(4))?;
        let before = out.len();
        match base64::LENIENT.decode_append(lines, out) {
            Ok(bytes) if bytes == symbols / 4 * 3 => {
                self.symbols += symbols as u64;
                Some(lines.len())
            }
            _ => {
                out.truncate(before);
                None
            }
        }
    }

    fn special(&mut self, byte: u8, at: u64, out: &mut Vec<u8>) -> Result<()> {
        let fail = |why| Err(Error::malformed("base64", at, why));
        match (byte, self.strictness) {
            (b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c, _) => {}
            (b'=', Strictness::Strict) => {
                let wanted = match self.symbols % 4 {
                    2 => 2,
                    3 => 1,
                    _ => 0,
                };
                if self.padding >= wanted {
                    return fail("padding stands where none belongs");
                }
                self.padding += 1;
            }
            (b'=', Strictness::Lenient) => {
                self.quantum.pad(out);
                self.symbols = 0;
            }
            (_, Strictness::Strict) => return fail("a character is not of its alphabet"),
            (_, Strictness::Lenient) => {}
        }
        Ok(())
    }
}

/// Up to the last line end.
fn whole_lines(input: &[u8]) -> Option<&[u8]> {
    input.get(..=memchr::memrchr(b'\n', input)?)
}

/// How many CRs and LFs there are, or fewer where lines that are alike have more of them than their ends.
fn line_ends(lines: &[u8]) -> Option<usize> {
    let length = memchr::memchr(b'\n', lines)? + 1;
    let end: &[u8] = if lines.get(..length)?.ends_with(b"\r\n") { b"\r\n" } else { b"\n" };
    if lines.len().is_multiple_of(length) && lines.chunks_exact(length).all(|line| line.ends_with(end)) {
        return Some(lines.len() / length * end.len());
    }
    Some(memchr::memchr_iter(b'\n', lines).count() + memchr::memchr_iter(b'\r', lines).count())
}

impl Decode for Base64 {
    const CHUNK: usize = CHUNK;

    fn some(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize> {
        if let Some(used) = self.lines(input, out) {
            self.offset += used as u64;
            return Ok(used);
        }
        // Within a quantum, only as far as the line goes: the next one may begin with a whole one.
        let line = memchr::memchr(b'\n', input).filter(|_| !self.symbols.is_multiple_of(4));
        let input = line.and_then(|end| input.get(..=end)).unwrap_or(input);
        let mut rest = input;
        while !rest.is_empty() {
            let at = self.offset + (input.len() - rest.len()) as u64;
            let taken = self.quantum.decode_symbols(rest, out);
            if taken > 0 && self.padding > 0 {
                return Err(Error::malformed("base64", at, "data follow the padding"));
            }
            self.symbols += taken as u64;
            rest = rest.get(taken..).unwrap_or_default();
            if let Some((byte, after)) = rest.split_first() {
                self.special(*byte, at + taken as u64, out)?;
                rest = after;
            }
        }
        self.offset += input.len() as u64;
        Ok(input.len())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.symbols % 4 == 1 && self.strictness == Strictness::Strict {
            return Err(Error::malformed("base64", self.offset, "it ends within a byte"));
        }
        self.quantum.pad(out);
        self.symbols = 0;
        Ok(())
    }
}

/// Bytes that make one line of 76 characters.
pub(super) const LINE: usize = 57;
/// Bytes that are encoded in one go.
const BLOCK: usize = LINE * 256;
/// Short pieces are gathered up to so many bytes.
const GATHERED: usize = LINE * 64;

/// Encodes as base64 in lines of 76 characters, each ended by CRLF, the last one too (OUT-49).
///
/// ```
/// use smime::mime::transfer::Base64Writer;
/// use std::io::Write;
/// let mut writer = Base64Writer::new(Vec::new());
/// writer.write_all(b"Hello")?;
/// assert_eq!(writer.finish()?, b"SGVsbG8=\r\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Base64Writer<W: Write> {
    inner: W,
    pub(super) waiting: Vec<u8>,
    encoded: Vec<u8>,
    /// The memory that the inner writer writes to, where it does nothing else.
    memory: fn(&mut W) -> Option<&mut Vec<u8>>,
}

impl<W: Write> Base64Writer<W> {
    /// A writer that has written nothing yet.
    pub fn new(inner: W) -> Self {
        Self::through(inner, |_| None)
    }

    /// The same, which encodes into the inner writer's own memory where it has any, and copies nothing there.
    pub(crate) fn through(inner: W, memory: fn(&mut W) -> Option<&mut Vec<u8>>) -> Self {
        Self { inner, waiting: Vec::new(), encoded: Vec::new(), memory }
    }

    /// Writes what waits, and gives the inner writer back. Without this call the end is missing.
    ///
    /// # Errors
    /// What the inner writer reports.
    pub fn finish(mut self) -> io::Result<W> {
        let rest = std::mem::take(&mut self.waiting);
        self.encode(&rest)?;
        Ok(self.inner)
    }

    fn encode(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(memory) = (self.memory)(&mut self.inner) {
            base64::MIME.encode_append(bytes, memory);
            return Ok(());
        }
        self.encoded.clear();
        base64::MIME.encode_append(bytes, &mut self.encoded);
        self.inner.write_all(&self.encoded)
    }

    /// Encodes the whole lines of what waits.
    fn release(&mut self) -> io::Result<()> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let whole = waiting.len() / LINE * LINE;
        let result = self.encode(waiting.get(..whole).unwrap_or_default());
        waiting.drain(..whole);
        self.waiting = waiting;
        result
    }
}

impl<W: Write> Write for Base64Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.waiting.is_empty() && bytes.len() >= GATHERED {
            let whole = bytes.len().min(BLOCK) / LINE * LINE;
            self.encode(bytes.get(..whole).unwrap_or_default())?;
            return Ok(whole);
        }
        let room = GATHERED.saturating_sub(self.waiting.len()).min(bytes.len());
        self.waiting.extend_from_slice(bytes.get(..room).unwrap_or_default());
        if self.waiting.len() >= GATHERED {
            self.release()?;
        }
        Ok(room)
    }

    /// Writes whole lines and flushes the inner writer; an incomplete line keeps waiting.
    fn flush(&mut self) -> io::Result<()> {
        self.release()?;
        self.inner.flush()
    }
}
