//! Bytes that can be read twice.
//!
//! Nothing is handed over before it is judged (design.md, law 3), and nothing large is kept in memory (law 6); so
//! large input is read once to be judged and once more to be handed over. A [`Source`] is what allows that: a reader can be had
//! from any position, as often as wanted. A file may change between two readings; [`Rewindable`] notices.

use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use std::borrow::Cow;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// Bytes that can be read more than once, from any position.
pub trait Source: Send + Sync {
    /// A reader of everything from `offset` to the end; at or past the end it reads as empty.
    ///
    /// # Errors
    /// What the underlying input reports; a [`Changed`] inside where the input is no longer what it was.
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>>;

    /// The bytes themselves, where they lie in memory anyway.
    fn as_slice(&self) -> Option<&[u8]> {
        None
    }

    /// How many bytes there are, where that is known without reading them.
    fn length(&self) -> Option<u64> {
        self.as_slice().map(|bytes| bytes.len() as u64)
    }
}

/// A source shared by everything that is derived from it.
pub type SharedSource<'a> = Arc<dyn Source + 'a>;

/// The longest piece of input that is worked on at a time, so that it stays in the processor's cache for whoever works on it
/// next.
const PIECE: usize = 64 << 10;

/// The same source, whose readers go on where a signal interrupted them (SEC-154). What lies in memory is what it was.
pub(crate) fn patient<'a>(source: &SharedSource<'a>) -> SharedSource<'a> {
    match source.as_slice() {
        Some(_) => Arc::clone(source),
        None => Arc::new(Patient(Arc::clone(source))),
    }
}

struct Patient<'a>(SharedSource<'a>);

impl Source for Patient<'_> {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        loop {
            match self.0.reader(offset) {
                Ok(inner) => return Ok(Box::new(PatientReader(inner))),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    fn length(&self) -> Option<u64> {
        self.0.length()
    }
}

struct PatientReader<'r>(Box<dyn BufRead + 'r>);

impl BufRead for PatientReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.0.fill_buf() {
                Ok([]) => return Ok(&[]),
                // It is in the buffer by now, and asking again gives the same.
                Ok(_) => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl Read for PatientReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

/// Hands everything that a reader has to `out`, in pieces as they are buffered.
pub(crate) fn for_each_piece(reader: &mut dyn BufRead, out: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    loop {
        let piece = match reader.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if piece.is_empty() {
            return Ok(());
        }
        let piece = piece.get(..PIECE).unwrap_or(piece);
        out(piece)?;
        let used = piece.len();
        reader.consume(used);
    }
}

/// `Read::read` for whoever has `BufRead` only.
pub(crate) fn read_buffered<R: BufRead>(reader: &mut R, into: &mut [u8]) -> io::Result<usize> {
    let available = reader.fill_buf()?;
    let count = available.len().min(into.len());
    if let (Some(to), Some(from)) = (into.get_mut(..count), available.get(..count)) {
        to.copy_from_slice(from);
    }
    reader.consume(count);
    Ok(count)
}

/// Bytes in memory, borrowed or owned.
pub struct Memory<'a>(pub Cow<'a, [u8]>);

impl<'a> Memory<'a> {
    /// A shared source over a slice.
    pub fn borrowed(bytes: &'a [u8]) -> SharedSource<'a> {
        Arc::new(Self(Cow::Borrowed(bytes)))
    }

    /// A shared source that owns its bytes.
    pub fn owned(bytes: Vec<u8>) -> SharedSource<'static> {
        Arc::new(Memory(Cow::Owned(bytes)))
    }
}

impl Source for Memory<'_> {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        Ok(Box::new(self.0.get(from..).unwrap_or_default()))
    }

    fn as_slice(&self) -> Option<&[u8]> {
        Some(&self.0)
    }
}

/// A part of another source, from `start` to before `end`.
pub struct Span<'a> {
    source: SharedSource<'a>,
    start: u64,
    end: u64,
}

impl<'a> Span<'a> {
    /// The bytes from `start` to before `end`; what lies past the end of `source` reads as absent.
    pub fn of(source: &SharedSource<'a>, start: u64, end: u64) -> SharedSource<'a> {
        Arc::new(Self { source: Arc::clone(source), start, end: end.max(start) })
    }
}

impl Source for Span<'_> {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        let from = self.start.saturating_add(offset).min(self.end);
        Ok(Box::new(self.source.reader(from)?.take(self.end - from)))
    }

    fn as_slice(&self) -> Option<&[u8]> {
        let bytes = self.source.as_slice()?;
        let clamp = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
        bytes.get(clamp(self.start)..clamp(self.end))
    }

    fn length(&self) -> Option<u64> {
        let all = self.source.length()?;
        Some(self.end.min(all).saturating_sub(self.start))
    }
}

/// A header that was made here, and then another source, read as one.
pub struct Joined<'a> {
    head: Vec<u8>,
    tail: SharedSource<'a>,
}

impl<'a> Joined<'a> {
    /// All of `head`, and then all of `tail`.
    pub fn of(head: Vec<u8>, tail: SharedSource<'a>) -> SharedSource<'a> {
        Arc::new(Self { head, tail })
    }
}

impl Source for Joined<'_> {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        let head = self.head.len() as u64;
        if offset >= head {
            return self.tail.reader(offset - head);
        }
        let rest = usize::try_from(offset).ok().and_then(|from| self.head.get(from..)).unwrap_or_default();
        Ok(Box::new(rest.chain(self.tail.reader(0)?)))
    }

    fn length(&self) -> Option<u64> {
        self.tail.length()?.checked_add(self.head.len() as u64)
    }
}

/// The input is not what it was when it was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the input changed while it was being read (at byte {offset}); nothing after that point is handed over")]
pub struct Changed {
    /// Where the first changed block begins.
    pub offset: u64,
}

const BLOCK: usize = 256 << 10;

/// A seekable input (a file, mostly), read in blocks of 256 KiB. The first reading of a block keeps a fingerprint of it, and
/// every later one hands the block on only after comparing it (design.md, law 3).
pub struct Rewindable<R> {
    state: Mutex<State<R>>,
    length: u64,
    fingerprint: Fingerprint,
}

struct State<R> {
    inner: R,
    seen: Vec<Option<[u8; 16]>>,
}

/// GHASH under a key that was drawn for one source and leaves it in no way: whoever changes a block cannot know it, and
/// meets the fingerprint of before with one chance in 2^114.
#[derive(Clone)]
struct Fingerprint(GHash);

impl Fingerprint {
    fn new() -> io::Result<Self> {
        let mut key = Zeroizing::new([0; 16]);
        getrandom::fill(&mut *key).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self(GHash::new(&(*key).into())))
    }

    fn of(&self, block: &[u8]) -> [u8; 16] {
        let mut hash = self.0.clone();
        hash.update_padded(block);
        hash.finalize().into()
    }
}

impl<R: Read + Seek + Send> Rewindable<R> {
    /// Takes the input as it stands, from its first byte to its present end.
    ///
    /// # Errors
    /// What seeking to the end reports; a pipe, for one, cannot. What the system's randomness reports.
    pub fn new(mut inner: R) -> io::Result<Self> {
        let length = inner.seek(SeekFrom::End(0))?;
        let blocks = usize::try_from(length.div_ceil(BLOCK as u64)).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let state = Mutex::new(State { inner, seen: vec![None; blocks] });
        Ok(Self { state, length, fingerprint: Fingerprint::new()? })
    }

    fn load(&self, block: u64, into: &mut Vec<u8>) -> io::Result<()> {
        let offset = block * BLOCK as u64;
        let size = (self.length - offset).min(BLOCK as u64) as usize;
        into.resize(size, 0);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.inner.seek(SeekFrom::Start(offset))?;
        let changed = || io::Error::new(io::ErrorKind::InvalidData, Changed { offset });
        state.inner.read_exact(into).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => changed(),
            _ => e,
        })?;
        let fingerprint = self.fingerprint.of(into);
        match state.seen.get_mut(block as usize) {
            Some(Some(before)) if *before != fingerprint => Err(changed()),
            Some(slot) => {
                *slot = Some(fingerprint);
                Ok(())
            }
            None => Err(changed()),
        }
    }
}

impl<R: Read + Seek + Send> Source for Rewindable<R> {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        Ok(Box::new(BlockReader { source: self, position: offset.min(self.length), loaded: None, block: Vec::new() }))
    }

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }
}

struct BlockReader<'s, R> {
    source: &'s Rewindable<R>,
    position: u64,
    loaded: Option<u64>,
    block: Vec<u8>,
}

impl<R: Read + Seek + Send> BufRead for BlockReader<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position >= self.source.length {
            return Ok(&[]);
        }
        let wanted = self.position / BLOCK as u64;
        if self.loaded != Some(wanted) {
            self.loaded = None;
            self.source.load(wanted, &mut self.block)?;
            self.loaded = Some(wanted);
        }
        Ok(self.block.get((self.position % BLOCK as u64) as usize..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.position += amount as u64;
    }
}

impl<R: Read + Seek + Send> Read for BlockReader<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    fn collect(source: &dyn Source, offset: u64) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        source.reader(offset)?.read_to_end(&mut all)?;
        Ok(all)
    }

    #[test]
    fn spans_and_files_read_alike() {
        let bytes: Vec<u8> = (0..3 * BLOCK + 77).map(|n| (n * 31 % 251) as u8).collect();
        let memory = Memory::owned(bytes.clone());
        let file: SharedSource<'_> = Arc::new(Rewindable::new(Cursor::new(bytes.clone())).unwrap());
        for (start, end) in
            [(0, 10), (5, 5), (BLOCK - 3, BLOCK + 3), (0, bytes.len()), (bytes.len() - 1, bytes.len() + 9)]
        {
            let expected = &bytes[start..end.min(bytes.len())];
            for source in [&memory, &file] {
                let span = Span::of(source, start as u64, end as u64);
                assert_eq!(collect(&*span, 0).unwrap(), expected);
                assert_eq!(span.length(), Some(expected.len() as u64));
            }
        }
        assert_eq!(collect(&*file, bytes.len() as u64 + 1).unwrap(), b"");
    }

    #[test]
    fn two_sources_read_as_one_from_any_offset() {
        let file: SharedSource<'_> = Arc::new(Rewindable::new(Cursor::new(b"tail".to_vec())).unwrap());
        let joined = Joined::of(b"head,".to_vec(), file);
        assert_eq!(joined.length(), Some(9));
        for offset in 0..12_usize {
            assert_eq!(collect(&*joined, offset as u64).unwrap(), &b"head,tail"[offset.min(9)..]);
        }
        let span = Span::of(&joined, 3, 7);
        assert_eq!(collect(&*span, 0).unwrap(), b"d,ta");
    }

    #[test]
    fn a_file_that_changes_between_readings_is_noticed() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![b'a'; 2 * BLOCK]).unwrap();
        let source = Rewindable::new(file.try_clone().unwrap()).unwrap();
        assert_eq!(collect(&source, 0).unwrap().len(), 2 * BLOCK);
        file.seek(SeekFrom::Start(BLOCK as u64 + 5)).unwrap();
        file.write_all(b"b").unwrap();
        let mut read = Vec::new();
        let error = source.reader(0).unwrap().read_to_end(&mut read).unwrap_err();
        assert_eq!(read.len(), BLOCK, "the changed block is not handed on");
        assert!(error.to_string().contains("changed while it was being read"), "{error}");
    }
}
