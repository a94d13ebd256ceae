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
}

impl<D: Decode> BufRead for Decoder<'_, D> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position >= self.out.len() && !self.ended {
            self.position = 0;
            self.out.clear();
            let input = match self.inner.fill_buf() {
                Ok(input) => input,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if input.is_empty() {
                self.decode.end(&mut self.out)?;
                self.ended = true;
            } else {
                let used = self.decode.some(input.get(..CHUNK).unwrap_or(input), &mut self.out)?;
                self.inner.consume(used);
            }
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
        let end = memchr::memrchr(b'\n', input)?;
        let block = input.get(..=end)?;
        if !self.symbols.is_multiple_of(4) || self.padding != 0 || memchr::memchr(b'=', block).is_some() {
            return None;
        }
        let line_end = if block.ends_with(b"\r\n") { 2 } else { 1 };
        let line_ends = memchr::memchr_iter(b'\n', block).count().checked_mul(line_end)?;
        let symbols = block.len().checked_sub(line_ends)?;
        let before = out.len();
        // The lenient engine drops what is left over of a quantum. It left nothing over where it gave exactly three
        // bytes for each four of the characters that are there if line ends are all that was skipped.
        match base64::LENIENT.decode_append(block, out) {
            Ok(bytes) if symbols % 4 == 0 && bytes == symbols / 4 * 3 => {
                self.symbols += symbols as u64;
                Some(block.len())
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

impl Decode for Base64 {
    fn some(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize> {
        if let Some(used) = self.lines(input, out) {
            self.offset += used as u64;
            return Ok(used);
        }
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
const BLOCK: usize = LINE * 512;

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
}

impl<W: Write> Base64Writer<W> {
    /// A writer that has written nothing yet.
    pub fn new(inner: W) -> Self {
        Self { inner, waiting: Vec::new(), encoded: Vec::new() }
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
        self.encoded.clear();
        base64::MIME.encode_append(bytes, &mut self.encoded);
        self.inner.write_all(&self.encoded)
    }
}

impl<W: Write> Write for Base64Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.waiting.is_empty() && bytes.len() >= LINE {
            let whole = bytes.len().min(BLOCK) / LINE * LINE;
            self.encode(bytes.get(..whole).unwrap_or_default())?;
            return Ok(whole);
        }
        let room = LINE.saturating_sub(self.waiting.len()).min(bytes.len());
        self.waiting.extend_from_slice(bytes.get(..room).unwrap_or_default());
        if self.waiting.len() == LINE {
            let mut line = std::mem::take(&mut self.waiting);
            self.encode(&line)?;
            line.clear();
            self.waiting = line;
        }
        Ok(room)
    }

    /// Flushes the inner writer; an incomplete line keeps waiting.
    fn flush(&mut self) -> io::Result<()> {
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
