//! How a plan reads: ranges of the source from front to back, line ends made CRLF on the way, and pieces handed on.

use crate::base::source::Source;
use crate::mime::canonical::Canonical;
use std::io::{self, BufRead, Read, Write};

/// A part of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: u64,
    /// `None`: the end of the source, wherever it is.
    pub(super) end: Option<u64>,
}

/// Bytes handed on in one go, so that they stay in the processor's cache for whoever works on them next.
const CHUNK: usize = 64 << 10;
/// Going so far forward is cheaper than a new reader.
const SKIP: u64 = 1 << 20;

/// Ranges of a source, read from front to back by one reader.
pub(super) struct Cursor<'s> {
    source: &'s dyn Source,
    reader: Option<Box<dyn BufRead + 's>>,
    position: u64,
}

impl<'s> Cursor<'s> {
    pub(super) fn new(source: &'s dyn Source) -> Self {
        Self { source, reader: None, position: 0 }
    }

    /// A reader of the range.
    pub(super) fn limited(&mut self, range: Range) -> io::Result<Limited<'_, 's>> {
        let near = range.start.checked_sub(self.position).is_some_and(|forward| forward <= SKIP);
        if self.reader.is_none() || !near {
            self.reader = Some(self.source.reader(range.start)?);
            self.position = range.start;
        }
        while self.position < range.start {
            let ahead = range.start - self.position;
            let there = self.fill()?.len();
            if there == 0 {
                return Err(cut_short());
            }
            self.consume(usize::try_from(ahead).unwrap_or(usize::MAX).min(there));
        }
        Ok(Limited { left: range.end.map(|end| end.saturating_sub(range.start)), cursor: self })
    }

    pub(super) fn each(&mut self, range: Range, out: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut limited = self.limited(range)?;
        loop {
            let chunk = match limited.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let chunk = chunk.get(..CHUNK).unwrap_or(chunk);
            out(chunk)?;
            let count = chunk.len();
            limited.consume(count);
        }
    }

    fn fill(&mut self) -> io::Result<&[u8]> {
        match &mut self.reader {
            Some(reader) => reader.fill_buf(),
            None => Ok(&[]),
        }
    }

    fn consume(&mut self, count: usize) {
        if let Some(reader) = &mut self.reader {
            reader.consume(count);
        }
        self.position += count as u64;
    }
}

fn cut_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the mail ends before the place where it ended when it was read first")
}

pub(super) struct Limited<'c, 's> {
    cursor: &'c mut Cursor<'s>,
    left: Option<u64>,
}

impl BufRead for Limited<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == Some(0) {
            return Ok(&[]);
        }
        let chunk = self.cursor.fill()?;
        match self.left {
            Some(_) if chunk.is_empty() => Err(cut_short()),
            Some(left) => Ok(chunk.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(chunk)),
            None => Ok(chunk),
        }
    }

    fn consume(&mut self, count: usize) {
        self.cursor.consume(count);
        self.left = self.left.map(|left| left.saturating_sub(count as u64));
    }
}

impl Read for Limited<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

/// Canonical line ends, read.
pub(super) struct CanonicalReader<R> {
    inner: R,
    canonical: Canonical,
    out: Vec<u8>,
    position: usize,
}

impl<R: BufRead> CanonicalReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, canonical: Canonical::new(), out: Vec::new(), position: 0 }
    }
}

impl<R: BufRead> BufRead for CanonicalReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position >= self.out.len() {
            self.out.clear();
            self.position = 0;
            let chunk = self.inner.fill_buf()?;
            let chunk = chunk.get(..CHUNK).unwrap_or(chunk);
            let out = &mut self.out;
            self.canonical.feed(chunk, &mut |bytes| {
                out.extend_from_slice(bytes);
                Ok(())
            })?;
            let count = chunk.len();
            self.inner.consume(count);
        }
        Ok(self.out.get(self.position..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.position += count;
    }
}

impl<R: BufRead> Read for CanonicalReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

/// What takes the pieces, as a writer.
pub(super) struct Sink<'o>(pub(super) &'o mut dyn FnMut(&[u8]) -> io::Result<()>);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0)(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
