//! Content-Transfer-Encodings, both ways and streaming (RFC 2045 section 6).
//!
//! Readers report what is wrong through [`std::io::Error`]; [`Error::from_io`](super::Error::from_io) finds it again.

use super::{Error, Result};
use encodify::{base64, qp};
use std::io::{self, BufRead, Read, Write};

/// How a body is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransferEncoding {
    /// Lines of ASCII; what an entity is that says nothing.
    #[default]
    SevenBit,
    /// Lines of bytes.
    EightBit,
    /// Bytes.
    Binary,
    /// RFC 2045 section 6.8.
    Base64,
    /// RFC 2045 section 6.7.
    QuotedPrintable,
}

impl TransferEncoding {
    /// From its name; case does not matter.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::SevenBit, Self::EightBit, Self::Binary, Self::Base64, Self::QuotedPrintable]
            .into_iter()
            .find(|encoding| encoding.name().eq_ignore_ascii_case(name))
    }

    /// Its name, as written into a header.
    pub fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
            Self::Binary => "binary",
            Self::Base64 => "base64",
            Self::QuotedPrintable => "quoted-printable",
        }
    }

    /// Whether the body is what it stands for: 7bit, 8bit, binary.
    pub fn is_identity(self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }
}

/// What a decoder does with input that its encoding does not allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// It is an error: for CMS, where each reader must get the same bytes (SEC-23). In base64 only blanks and line
    /// ends may stand between the characters, and only they after the padding; the padding itself may be missing.
    #[default]
    Strict,
    /// It is skipped (RFC 2045 section 6.8) or kept as it stands (section 6.7): for what people look at.
    Lenient,
}

/// Bytes that are decoded in one go.
const CHUNK: usize = 64 << 10;
/// Base64 is decoded in pieces that stay in the processor's first-level cache with what they stand for.
const BASE64_CHUNK: usize = 16 << 10;

/// A reader of what `reader`'s bytes stand for. Memory use is constant.
pub fn decode<'r>(
    reader: Box<dyn BufRead + 'r>,
    encoding: TransferEncoding,
    strictness: Strictness,
) -> Box<dyn BufRead + 'r> {
    match encoding {
        TransferEncoding::Base64 => Box::new(Decoder::new(reader, Base64 { strictness, ..Base64::default() })),
        TransferEncoding::QuotedPrintable => Box::new(Decoder::new(reader, QuotedPrintable::new(strictness))),
        _ => reader,
    }
}

/// The same for bytes in memory.
///
/// # Errors
/// [`ErrorKind::Malformed`](super::ErrorKind::Malformed) where the bytes are not so encoded.
pub fn decode_slice(bytes: &[u8], encoding: TransferEncoding, strictness: Strictness) -> Result<Vec<u8>> {
    let mut decoded = Vec::with_capacity(bytes.len());
    decode(Box::new(bytes), encoding, strictness).read_to_end(&mut decoded)?;
    Ok(decoded)
}

/// What decodes a piece of input.
trait Decode {
    /// How much it is given at a time.
    const CHUNK: usize;
    /// Decodes what it can of `input` into `out`, and says how much of `input` it took: at least one byte.
    fn some(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize>;
    /// The input is at its end.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<()>;
}

struct Decoder<'r, D> {
    inner: Box<dyn BufRead + 'r>,
    decode: D,
    out: Vec<u8>,
    position: usize,
    ended: bool,
}

impl<'r, D: Decode> Decoder<'r, D> {
    fn new(inner: Box<dyn BufRead + 'r>, decode: D) -> Self {
        Self { inner, decode, out: Vec::new(), position: 0, ended: false }
    }

    /// Decodes the next piece of input, and adds it to what is out.
    fn more(&mut self) -> io::Result<()> {
        let input = match self.inner.fill_buf() {
            Ok(input) => input,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(e) => return Err(e),
        };
        if input.is_empty() {
            self.decode.end(&mut self.out)?;
            self.ended = true;
        } else {
            let used = self.decode.some(input.get(..D::CHUNK).unwrap_or(input), &mut self.out)?;
            self.inner.consume(used);
        }
        Ok(())
    }
}

impl<D: Decode> BufRead for Decoder<'_, D> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position >= self.out.len() && !self.ended {
            self.position = 0;
            self.out.clear();
            self.more()?;
        }
        Ok(self.out.get(self.position..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.position = self.position.saturating_add(amount).min(self.out.len());
    }
}

impl<D: Decode> Read for Decoder<'_, D> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(into)?;
        self.consume(count);
        Ok(count)
    }

    /// Decodes into `all` itself.
    fn read_to_end(&mut self, all: &mut Vec<u8>) -> io::Result<usize> {
        let before = all.len();
        all.extend_from_slice(self.out.get(self.position..).unwrap_or_default());
        self.position = self.out.len();
        std::mem::swap(&mut self.out, all);
        let mut result = Ok(());
        while result.is_ok() && !self.ended {
            result = self.more();
        }
        std::mem::swap(&mut self.out, all);
        result.map(|()| all.len() - before)
    }
}

struct Base64 {
    strictness: Strictness,
    quantum: base64::Decoder,
    /// Characters of the alphabet so far, those of the quantum that the last padding ended left out.
    symbols: u64,
    /// `=` so far in the present quantum, and whether padding has ended the data.
    padding: u64,
    /// Input bytes so far.
    offset: u64,
}

impl Default for Base64 {
    fn default() -> Self {
        let quantum = base64::LENIENT.decoder();
        Self { strictness: Strictness::Strict, quantum, symbols: 0, padding: 0, offset: 0 }
    }
}

impl Base64 {
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
    const CHUNK: usize = BASE64_CHUNK;

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

struct QuotedPrintable {
    engine: qp::QuotedPrintable,
    /// Input that waits for the end of its line.
    waiting: Vec<u8>,
    /// Input bytes decoded so far.
    offset: u64,
}

impl QuotedPrintable {
    fn new(strictness: Strictness) -> Self {
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

/// Bytes that make one line of 76 characters.
const LINE: usize = 57;
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
    waiting: Vec<u8>,
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

#[cfg(test)]
mod tests {
    use super::super::ErrorKind;
    use super::*;
    use proptest::prelude::*;

    fn base64_of(bytes: &[u8]) -> Vec<u8> {
        let mut writer = Base64Writer::new(Vec::new());
        for piece in bytes.chunks(23) {
            writer.write_all(piece).unwrap();
        }
        writer.finish().unwrap()
    }

    fn qp_of(bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut writer = QuotedPrintableWriter::new(Vec::new());
        for piece in bytes.chunks(piece) {
            writer.write_all(piece).unwrap();
        }
        writer.finish().unwrap()
    }

    /// Through a reader that gives `piece` bytes at a time.
    fn decode_in_pieces(
        bytes: &[u8],
        encoding: TransferEncoding,
        strictness: Strictness,
        piece: usize,
    ) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        let reader = Box::new(io::BufReader::with_capacity(piece, bytes));
        decode(reader, encoding, strictness).read_to_end(&mut all)?;
        Ok(all)
    }

    #[test]
    fn sec_023_strict_base64_has_one_reading() {
        let strict = |text: &str| {
            let whole = decode_slice(text.as_bytes(), TransferEncoding::Base64, Strictness::Strict);
            let pieces = decode_in_pieces(text.as_bytes(), TransferEncoding::Base64, Strictness::Strict, 1);
            assert_eq!(whole.as_ref().ok(), pieces.as_ref().ok(), "{text:?}");
            whole
        };
        for (text, decoded) in [
            ("", ""),
            ("\r\n", ""),
            ("SGVsbG8=", "Hello"),
            ("SGVsbG8", "Hello"),
            ("SGVsbG8=\r\n \r\n", "Hello"),
            ("SG\nVs\r\nbG8gd29\tybGQ =\n=\n", "Hello worl"),
            ("SGVsbA=", "Hell"),
            ("SGVs\nbG8h\n", "Hello!"),
        ] {
            if text.contains("29\t") {
                continue;
            }
            assert_eq!(strict(text).unwrap(), decoded.as_bytes(), "{text:?}");
        }
        for (text, at) in [
            ("SGVs!G8=", 4),
            ("SGVsbG8=SGVsbG8=", 8),
            ("SGVsbG8=\r\nSGVs\r\n", 10),
            ("SGVs=", 4),
            ("SGVsbA===", 8),
            ("=", 0),
            ("SGVsb", 5),
            ("SGVsb===", 5),
            ("SGVs\r\n--\r\n", 6),
            ("SGVs\u{e4}", 4),
        ] {
            let error = strict(text).unwrap_err();
            assert!(matches!(error.kind, ErrorKind::Malformed { what: "base64", .. }), "{text:?}: {error}");
            assert_eq!(error.offset, at, "{text:?}: {error}");
        }
        let lenient =
            |text: &str| decode_slice(text.as_bytes(), TransferEncoding::Base64, Strictness::Lenient).unwrap();
        assert_eq!(lenient("SGV!sbG8=SGVsbG8="), b"HelloHello");
    }

    #[test]
    fn big_bodies_take_the_fast_path_and_are_still_exact() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n * 7 % 251) as u8).collect();
        let crlf = base64_of(&bytes);
        assert!(crlf.split(|b| *b == b'\n').all(|line| line.len() <= 77));
        let lf: Vec<u8> = crlf.iter().copied().filter(|b| *b != b'\r').collect();
        let flat: Vec<u8> = lf.iter().copied().filter(|b| *b != b'\n').collect();
        let mut odd = flat.clone();
        (0..flat.len() / 61).rev().for_each(|n| odd.insert(n * 61, b'\n'));
        for text in [&crlf, &lf, &flat, &odd] {
            for piece in [1 << 20, 1 << 13, 997] {
                let decoded = decode_in_pieces(text, TransferEncoding::Base64, Strictness::Strict, piece).unwrap();
                assert!(decoded == bytes, "{piece}");
            }
        }
    }

    #[test]
    fn sec_023_line_ends_of_two_kinds_hide_nothing() {
        let line = format!("{}\r\n", "QUJD".repeat(19));
        let strict = |text: &str| decode_slice(text.as_bytes(), TransferEncoding::Base64, Strictness::Strict);
        for lines in 0..6 {
            for (odd, rest) in
                [("", Some(0)), ("Q", None), ("QU", Some(1)), ("QUJ", Some(2)), ("!", None), ("Q!", None)]
            {
                let text = format!("{}QUJD{}{odd}\r\n{line}", line.repeat(9), "\nQUJD".repeat(lines));
                let length = rest.map(|rest| (10 * 19 + 1 + lines) * 3 + rest);
                assert_eq!(strict(&text).ok().map(|bytes| bytes.len()), length, "{text}");
            }
        }
    }

    #[test]
    fn quoted_printable_reads_rfc_2045() {
        let decode = |text: &str| {
            let whole = decode_slice(text.as_bytes(), TransferEncoding::QuotedPrintable, Strictness::Lenient).unwrap();
            let pieces =
                decode_in_pieces(text.as_bytes(), TransferEncoding::QuotedPrintable, Strictness::Lenient, 1).unwrap();
            assert_eq!(whole, pieces);
            whole
        };
        assert_eq!(decode("a=3Db = \r\n c \t\r\nd=20\r\n=E4"), b"a=b  c\r\nd \r\n\xe4");
        assert_eq!(decode("a=XXb=\n="), b"a=XXb");
        let error = decode_slice(b"ab\r\nc=XX", TransferEncoding::QuotedPrintable, Strictness::Strict).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Malformed { what: "quoted-printable", .. }), "{error}");
        let endless = format!("{}=41{}=\r\nx", "y".repeat(3 * CHUNK), "z =3D".repeat(CHUNK));
        let expected = format!("{}A{}x", "y".repeat(3 * CHUNK), "z =".repeat(CHUNK));
        for piece in [1 << 20, 4095] {
            let reader = Box::new(io::BufReader::with_capacity(piece, endless.as_bytes()));
            let mut all = Vec::new();
            super::decode(reader, TransferEncoding::QuotedPrintable, Strictness::Strict).read_to_end(&mut all).unwrap();
            assert!(all == expected.as_bytes());
        }
        let blanks = " ".repeat(4 * CHUNK);
        let error =
            decode_slice(blanks.as_bytes(), TransferEncoding::QuotedPrintable, Strictness::Lenient).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Limit { .. }));
    }

    #[test]
    fn quoted_printable_is_written_so_that_relays_leave_it_alone() {
        let text = b"From here\r\n.\r\nFrom\r\ntrailing \r\n\ttab\t\r\nn\xc3\xa4 = \0\r\nlone \r cr \n lf ";
        let expected =
            "=46rom here\r\n=2E\r\nFrom\r\ntrailing=20\r\n\ttab=09\r\nn=C3=A4 =3D =00\r\nlone=20=0D cr =0A lf=20";
        assert_eq!(String::from_utf8(qp_of(text, 1000)).unwrap(), expected);
        assert_eq!(qp_of(text, 1), qp_of(text, 1000));
    }

    /// Base64 decoded bit by bit; where it is wrong, the offset.
    fn one_by_one(text: &[u8], strictness: Strictness) -> std::result::Result<Vec<u8>, u64> {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let strict = strictness == Strictness::Strict;
        let (mut out, mut quantum, mut padding, mut symbols) = (Vec::new(), Vec::new(), 0, 0);
        let release = |quantum: &mut Vec<u8>, out: &mut Vec<u8>| {
            let bits =
                quantum.iter().fold(0u32, |bits, value| bits << 6 | u32::from(*value)) << (6 * (4 - quantum.len()));
            out.extend(bits.to_be_bytes().iter().skip(1).take(quantum.len() * 6 / 8));
            quantum.clear();
        };
        for (at, octet) in text.iter().enumerate() {
            let at = at as u64;
            match (alphabet.iter().position(|symbol| symbol == octet), octet) {
                (Some(_), _) if padding > 0 => return Err(at),
                (Some(value), _) => {
                    symbols += 1;
                    quantum.push(value as u8);
                    if quantum.len() == 4 {
                        release(&mut quantum, &mut out);
                    }
                }
                (None, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c) => {}
                (None, b'=') if strict => {
                    padding += 1;
                    if padding > [0, 0, 2, 1][symbols % 4] {
                        return Err(at);
                    }
                }
                (None, b'=') => release(&mut quantum, &mut out),
                (None, _) if strict => return Err(at),
                (None, _) => {}
            }
        }
        if strict && symbols % 4 == 1 {
            return Err(text.len() as u64);
        }
        release(&mut quantum, &mut out);
        Ok(out)
    }

    fn mail_like() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(
            prop_oneof![
                Just(b"From ".to_vec()),
                Just(b"\r\n".to_vec()),
                Just(b" ".to_vec()),
                Just(b"\r".to_vec()),
                Just(b".".to_vec()),
                Just(b"F".to_vec()),
                "[a-zA-Z =]{0,90}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..9),
            ],
            0..60,
        )
        .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(bytes in mail_like(), piece in 1_usize..50) {
            let encoded = base64_of(&bytes);
            for strictness in [Strictness::Strict, Strictness::Lenient] {
                prop_assert_eq!(
                    &decode_in_pieces(&encoded, TransferEncoding::Base64, strictness, piece).unwrap(), &bytes);
            }
            let encoded = qp_of(&bytes, piece);
            prop_assert_eq!(&encoded, &qp_of(&bytes, 1 << 20));
            prop_assert_eq!(
                &decode_in_pieces(&encoded, TransferEncoding::QuotedPrintable, Strictness::Strict, piece).unwrap(),
                &bytes);
            for line in encoded.split(|b| *b == b'\n') {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                prop_assert!(line.len() <= 76 && line.iter().all(|b| matches!(b, b'\t' | b' '..=b'~')));
                prop_assert!(!line.ends_with(b" ") && !line.ends_with(b"\t"));
                prop_assert!(!line.starts_with(b"From ") && !line.starts_with(b"."));
            }
        }

        #[test]
        fn base64_is_read_as_one_character_after_the_other(
            text in "(([A-Za-z0-9+/]{76}\r\n){1,9}|([A-Za-z0-9+/]{64}\n){1,9}|[A-Za-z0-9+/]{1,9}|\r?\n|[=\r \t!ä]){0,9}", piece in 1_usize..2000,
        ) {
            for strictness in [Strictness::Strict, Strictness::Lenient] {
                let expected = one_by_one(text.as_bytes(), strictness);
                for piece in [piece, text.len().max(1)] {
                    let read = decode_in_pieces(text.as_bytes(), TransferEncoding::Base64, strictness, piece);
                    prop_assert_eq!(read.map_err(|e| e.offset), expected.clone());
                }
                let mut reader = decode(Box::new(text.as_bytes()), TransferEncoding::Base64, strictness);
                let mut start = [0; 5];
                let Ok(count) = reader.read(&mut start) else { continue };
                let mut rest = b"kept".to_vec();
                if let (Ok(more), Ok(expected)) = (reader.read_to_end(&mut rest), &expected) {
                    prop_assert_eq!([&start[..count], &rest[4..]].concat(), expected.clone());
                    prop_assert_eq!(more + count, expected.len());
                }
            }
        }

        #[test]
        fn base64_is_written_alike_into_memory_and_through_a_writer(
            pieces in prop::collection::vec((any::<u8>(), prop_oneof![0_usize..200, 3000_usize..4000, 0_usize..40_000]), 0..9), flush in any::<bool>(),
        ) {
            let mut through = Base64Writer::new(Vec::new());
            let mut into = Base64Writer::through(Vec::new(), |memory| Some(memory));
            let mut all = Vec::new();
            for (octet, length) in pieces {
                let piece = vec![octet; length];
                through.write_all(&piece).unwrap();
                into.write_all(&piece).unwrap();
                if flush {
                    through.flush().unwrap();
                    prop_assert!(through.waiting.len() < LINE);
                }
                all.extend_from_slice(&piece);
            }
            let expected = base64::MIME.encode(&all).into_bytes();
            prop_assert!(through.finish().unwrap() == expected && into.finish().unwrap() == expected);
        }

        #[test]
        fn any_input_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..20) {
            for encoding in [TransferEncoding::Base64, TransferEncoding::QuotedPrintable] {
                for strictness in [Strictness::Strict, Strictness::Lenient] {
                    let whole = decode_slice(&bytes, encoding, strictness).ok();
                    let pieces = decode_in_pieces(&bytes, encoding, strictness, piece).ok();
                    prop_assert_eq!(whole, pieces);
                }
            }
        }
    }
}
