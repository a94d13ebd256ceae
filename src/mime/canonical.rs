//! Canonical line ends: every line ends with CRLF (RFC 8551 section 3.1.1; OUT-50, SEC-24).
//!
//! An LF alone becomes CRLF, a CRLF stays, and a CR alone is data: it is kept, and counted. Blanks at line ends stay.

use std::borrow::Cow;
use std::io::{self, Write};

/// What was met on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// LFs that became CRLF.
    pub line_ends_changed: u64,
    /// CRs without an LF after them.
    pub bare_cr: u64,
    /// NUL characters.
    pub nul: u64,
}

/// Canonicalises a stream piece by piece. Input that is canonical already is passed on uncopied.
///
/// ```
/// use smime::mime::canonical::Canonical;
/// let mut all = Vec::new();
/// let mut canonical = Canonical::new();
/// for piece in [&b"one\ntwo\r"[..], b"\nthree"] {
///     canonical.feed(piece, &mut |bytes| Ok(all.extend_from_slice(bytes)))?;
/// }
/// assert_eq!(all, b"one\r\ntwo\r\nthree");
/// assert_eq!(canonical.counts().line_ends_changed, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Canonical {
    after_cr: bool,
    counts: Counts,
    scratch: Vec<u8>,
}

/// Changed text is handed on in pieces of about this size.
const PIECE: usize = 32 << 10;

impl Canonical {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece, and hands `out` what it becomes.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn feed(&mut self, chunk: &[u8], out: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else { return Ok(()) };
        let mut pairs = u64::from(self.after_cr && *first == b'\n');
        let mut alone = u64::from(!self.after_cr && *first == b'\n');
        for at in memchr::memchr_iter(b'\n', chunk) {
            if let Some(before) = at.checked_sub(1) {
                match chunk.get(before) {
                    Some(b'\r') => pairs += 1,
                    _ => alone += 1,
                }
            }
        }
        self.counts.line_ends_changed += alone;
        let cr = memchr::memchr_iter(b'\r', chunk).count() as u64;
        // Each CR counts as bare until its LF comes, which may be in the next piece.
        self.counts.bare_cr = (self.counts.bare_cr + cr).saturating_sub(pairs);
        if memchr::memchr(0, chunk).is_some() {
            self.counts.nul += memchr::memchr_iter(0, chunk).count() as u64;
        }
        let after_cr = std::mem::replace(&mut self.after_cr, *last == b'\r');
        if alone == 0 { out(chunk) } else { self.change(chunk, after_cr, out) }
    }

    /// So far; a CR that ends what was fed counts as bare.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn change(&mut self, chunk: &[u8], after_cr: bool, out: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.scratch.clear();
        let mut start = 0;
        for at in memchr::memchr_iter(b'\n', chunk) {
            let canonical = match at.checked_sub(1) {
                Some(before) => chunk.get(before) == Some(&b'\r'),
                None => after_cr,
            };
            let line = chunk.get(start..at).unwrap_or_default();
            // A line too long for the scratch is handed on as it lies.
            if line.len() >= PIECE {
                out(&self.scratch)?;
                self.scratch.clear();
                out(line)?;
            } else {
                self.scratch.extend_from_slice(line);
            }
            self.scratch.extend_from_slice(if canonical { b"\n" } else { b"\r\n" });
            start = at + 1;
            if self.scratch.len() >= PIECE {
                out(&self.scratch)?;
                self.scratch.clear();
            }
        }
        if !self.scratch.is_empty() {
            out(&self.scratch)?;
        }
        match chunk.get(start..) {
            Some(rest) if !rest.is_empty() => out(rest),
            _ => Ok(()),
        }
    }
}

/// A writer that canonicalises what is written through it.
pub struct CanonicalWriter<W: Write> {
    inner: W,
    canonical: Canonical,
}

impl<W: Write> CanonicalWriter<W> {
    /// A writer that has written nothing yet.
    pub fn new(inner: W) -> Self {
        Self { inner, canonical: Canonical::new() }
    }

    /// What was met so far.
    pub fn counts(&self) -> Counts {
        self.canonical.counts()
    }

    /// The inner writer; nothing waits in this one.
    pub fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write> Write for CanonicalWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let inner = &mut self.inner;
        self.canonical.feed(bytes, &mut |piece| inner.write_all(piece))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The same in memory; borrowed where nothing had to change.
pub fn canonical(bytes: &[u8]) -> Cow<'_, [u8]> {
    let lone = |at: usize| at.checked_sub(1).and_then(|before| bytes.get(before)) != Some(&b'\r');
    if !memchr::memchr_iter(b'\n', bytes).any(lone) {
        return Cow::Borrowed(bytes);
    }
    let mut changed = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    let mut start = 0;
    for at in memchr::memchr_iter(b'\n', bytes).filter(|at| lone(*at)) {
        changed.extend_from_slice(bytes.get(start..at).unwrap_or_default());
        changed.push(b'\r');
        start = at;
    }
    changed.extend_from_slice(bytes.get(start..).unwrap_or_default());
    Cow::Owned(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn canonical_text_passes_in_one_piece() {
        let text = b"one\r\ntwo \r\n\r\nthree\0 \r four".repeat(1000);
        let mut pieces = Vec::new();
        let mut c = Canonical::new();
        c.feed(&text, &mut |p| {
            pieces.push((p.as_ptr(), p.len()));
            Ok(())
        })
        .unwrap();
        assert_eq!(pieces, [(text.as_ptr(), text.len())]);
        assert_eq!(c.counts(), Counts { line_ends_changed: 0, bare_cr: 1000, nul: 1000 });
        assert!(matches!(canonical(&text), Cow::Borrowed(_)));
    }

    #[test]
    fn long_lines_are_not_gathered() {
        let text = format!("a\n{}\nb", "x".repeat(3 * PIECE));
        let mut writer = CanonicalWriter::new(Vec::new());
        writer.write_all(text.as_bytes()).unwrap();
        assert_eq!(writer.counts().line_ends_changed, 2);
        assert_eq!(writer.into_inner(), text.replace('\n', "\r\n").into_bytes());
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(text in "[\r\n\0a ]{0,60}", cuts in prop::collection::vec(1_usize..9, 60)) {
            let expected = canonical(text.as_bytes()).into_owned();
            let mut all = Vec::new();
            let mut c = Canonical::new();
            let mut rest = text.as_bytes();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                c.feed(piece, &mut |p| { all.extend_from_slice(p); Ok(()) }).unwrap();
                rest = after;
            }
            prop_assert_eq!(&all, &expected);
            prop_assert!(matches!(canonical(&all), Cow::Borrowed(_)), "it is stable");
            let reference = String::from_utf8(expected).unwrap();
            prop_assert_eq!(c.counts().bare_cr as usize, reference.replace("\r\n", "").matches('\r').count());
            prop_assert_eq!(c.counts().nul as usize, text.matches('\0').count());
            let lone = text.matches('\n').count() - text.matches("\r\n").count();
            prop_assert_eq!(c.counts().line_ends_changed as usize, lone);
        }
    }
}
