//! One stream of a compound file as something to read and seek in, so that it is never in memory as a whole.

use super::failed;
use cfb::CompoundFile;
use std::io::{self, Read, Seek, SeekFrom};

/// A stream within its file. The file goes with it: nothing else of it is read any more.
pub(super) struct Window<R> {
    pub(super) file: CompoundFile<R>,
    pub(super) path: String,
    pub(super) length: u64,
    pub(super) position: u64,
}

impl<R: Read + Seek> Read for Window<R> {
    /// The stream is opened anew each time, since a `cfb::Stream` cannot be sent to another thread; the crate keeps the
    /// chain of the last one, so that this costs no walk.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.length || into.is_empty() {
            return Ok(0);
        }
        let mut read = || {
            let mut stream = self.file.open_stream(&self.path)?;
            stream.seek(SeekFrom::Start(self.position))?;
            stream.read(into)
        };
        // A chain that is shorter than the stream says is no input that changed.
        let count = read().map_err(|e| failed(&self.path, e).into_io())?;
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }
}

impl<R> Seek for Window<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(by) => (self.length, by),
            SeekFrom::Current(by) => (self.position, by),
        };
        self.position = base.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
