//! Content-Transfer-Encodings, both ways and streaming (RFC 2045 section 6).
//!
//! Readers report what is wrong through [`std::io::Error`]; [`Error::from_io`](super::Error::from_io) finds it again.

mod base64;
mod quoted_printable;
#[cfg(test)]
mod tests;

pub use self::base64::Base64Writer;
pub use self::quoted_printable::QuotedPrintableWriter;

use self::base64::Base64;
use self::quoted_printable::QuotedPrintable;
use super::Result;
use std::io::{self, BufRead, Read};

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
        TransferEncoding::Base64 => Box::new(Decoder::new(reader, Base64::new(strictness))),
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
