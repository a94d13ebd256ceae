//! Sources derived from sources: transfer-decoded, in canonical line ends, decrypted. Each is read again from the
//! input whenever it is needed, or kept in memory where it is small or the input lies in memory anyway.

use crate::base::limits::Limits;
use crate::base::secret::Secret;
use crate::base::source::{Memory, SharedSource, Source, read_buffered};
use crate::crypto::algorithm::CipherParameters;
use crate::crypto::content::{CbcDecryptor, GcmDecryptor};
use crate::mime::canonical::Canonical;
use crate::mime::transfer::{self, Strictness, TransferEncoding};
use std::io::{self, BufRead, Read};

/// Keeps a derived source in memory where that is within bounds: it is small, or `origin` lies in memory, too.
///
/// # Errors
/// What reading it gives.
pub(super) fn settle<'a>(
    derived: SharedSource<'a>,
    size: Option<u64>,
    origin: &SharedSource<'_>,
    limits: &Limits,
) -> io::Result<SharedSource<'a>> {
    if derived.as_slice().is_some() || !settles(size, origin, limits) {
        return Ok(derived);
    }
    let mut bytes = Vec::with_capacity(size.and_then(|s| usize::try_from(s).ok()).unwrap_or(0));
    derived.reader(0)?.read_to_end(&mut bytes)?;
    Ok(Memory::owned(bytes))
}

/// Whether what is derived from `origin` is kept in memory.
pub(super) fn settles(size: Option<u64>, origin: &SharedSource<'_>, limits: &Limits) -> bool {
    let small = size.is_some_and(|size| size <= limits.in_memory_layer as u64);
    small || origin.as_slice().is_some()
}

/// A body without its transfer encoding.
pub(super) struct Decoded<'a> {
    pub(super) body: SharedSource<'a>,
    pub(super) encoding: TransferEncoding,
}

impl Source for Decoded<'_> {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        skip(transfer::decode(self.body.reader(0)?, self.encoding, Strictness::Strict), offset)
    }
}

/// An entity with CRLF at every line's end.
pub(super) struct Canonicalised<'a>(pub(super) SharedSource<'a>);

impl Source for Canonicalised<'_> {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        let filter = CanonicalReader { inner: self.0.reader(0)?, canonical: Canonical::new(), out: Vec::new(), at: 0 };
        skip(Box::new(filter), offset)
    }
}

/// The plaintext of a layer whose ciphertext has been judged.
pub(super) struct Decrypted<'a> {
    pub(super) ciphertext: SharedSource<'a>,
    pub(super) parameters: CipherParameters,
    pub(super) key: Secret,
}

/// Either mode. The tag has been compared before; it is not looked at again.
#[allow(clippy::large_enum_variant)] // there is one for a message
enum Decryptor {
    Cbc(CbcDecryptor),
    Gcm(Box<GcmDecryptor>),
}

impl Decryptor {
    fn new(parameters: &CipherParameters, key: &Secret) -> io::Result<Self> {
        let CipherParameters { cipher, iv, .. } = parameters;
        let made = match cipher.is_aead() {
            true => GcmDecryptor::new(*cipher, key.expose(), iv).map(|gcm| Self::Gcm(Box::new(gcm))),
            false => CbcDecryptor::new(*cipher, key.expose(), iv).map(Self::Cbc),
        };
        made.map_err(invalid)
    }

    fn update(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Cbc(cbc) => cbc.update(bytes, out),
            Self::Gcm(gcm) => gcm.update(bytes, out),
        }
    }

    fn finish(self, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Cbc(cbc) => cbc.finish(out).map_err(invalid),
            Self::Gcm(_) => Ok(()),
        }
    }
}

fn invalid(error: crate::crypto::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl Source for Decrypted<'_> {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        let decryptor = Some(Decryptor::new(&self.parameters, &self.key)?);
        skip(Box::new(DecryptReader { inner: self.ciphertext.reader(0)?, decryptor, out: Vec::new(), at: 0 }), offset)
    }
}

fn skip<'r>(mut reader: Box<dyn BufRead + 'r>, offset: u64) -> io::Result<Box<dyn BufRead + 'r>> {
    io::copy(&mut (&mut reader).take(offset), &mut io::sink())?;
    Ok(reader)
}

/// How much a filter takes from its input at a time; its output stays in the first-level cache.
pub(super) const BLOCK: usize = 16 << 10;

struct CanonicalReader<'r> {
    inner: Box<dyn BufRead + 'r>,
    canonical: Canonical,
    out: Vec<u8>,
    at: usize,
}

impl CanonicalReader<'_> {
    /// Adds what the next piece of input becomes to what is out; false at the end of the input.
    fn more(&mut self) -> io::Result<bool> {
        let available = self.inner.fill_buf()?;
        let block = available.get(..available.len().min(BLOCK)).unwrap_or_default();
        let out = &mut self.out;
        self.canonical.feed(block, &mut |bytes| {
            out.extend_from_slice(bytes);
            Ok(())
        })?;
        let used = block.len();
        self.inner.consume(used);
        Ok(used > 0)
    }
}

struct DecryptReader<'r> {
    inner: Box<dyn BufRead + 'r>,
    /// `None` once the last block is out.
    decryptor: Option<Decryptor>,
    out: Vec<u8>,
    at: usize,
}

impl DecryptReader<'_> {
    /// Adds what the next piece of input stands for to what is out; false at the end of the input.
    fn more(&mut self) -> io::Result<bool> {
        let Some(decryptor) = &mut self.decryptor else { return Ok(false) };
        let available = self.inner.fill_buf()?;
        let block = available.get(..available.len().min(BLOCK)).unwrap_or_default();
        if block.is_empty() {
            if let Some(decryptor) = self.decryptor.take() {
                decryptor.finish(&mut self.out)?;
            }
            return Ok(false);
        }
        decryptor.update(block, &mut self.out);
        let used = block.len();
        self.inner.consume(used);
        Ok(true)
    }
}

macro_rules! buffered_filter {
    ($($filter:ident),*) => {
        $(
            impl BufRead for $filter<'_> {
                fn fill_buf(&mut self) -> io::Result<&[u8]> {
                    if self.at >= self.out.len() {
                        self.out.clear();
                        self.at = 0;
                        while self.more()? && self.out.is_empty() {}
                    }
                    Ok(self.out.get(self.at..).unwrap_or_default())
                }

                fn consume(&mut self, amount: usize) {
                    self.at += amount;
                }
            }

            impl Read for $filter<'_> {
                fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                    read_buffered(self, into)
                }

                /// Into `all` itself.
                fn read_to_end(&mut self, all: &mut Vec<u8>) -> io::Result<usize> {
                    let before = all.len();
                    all.extend_from_slice(self.out.get(self.at..).unwrap_or_default());
                    self.at = self.out.len();
                    std::mem::swap(&mut self.out, all);
                    let result = loop {
                        match self.more() {
                            Ok(true) => {}
                            Ok(false) => break Ok(()),
                            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                            Err(error) => break Err(error),
                        }
                    };
                    std::mem::swap(&mut self.out, all);
                    result.map(|()| all.len() - before)
                }
            }
        )*
    };
}

buffered_filter!(CanonicalReader, DecryptReader);
