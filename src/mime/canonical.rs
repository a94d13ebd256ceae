//! Canonical line ends: every line ends with CRLF (RFC 8551 section 3.1.1; OUT-50, SEC-24).
//!
//! An LF alone becomes CRLF, a CRLF stays, and a CR alone is data: it is kept, and counted. Blanks at line ends stay.

use super::octets::{BLOCK, Octets};
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
    /// The last octet that was fed.
    before: u8,
    counts: Counts,
    scratch: Vec<u8>,
}

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
        // Blocks that need no change are handed on together with those before them.
        let (mut start, mut end) = (0, 0);
        for block in chunk.chunks(BLOCK) {
            let before = self.before;
            let octets = Octets::of(before, block);
            self.before = block.last().copied().unwrap_or(before);
            self.counts.line_ends_changed += octets.lone_lf;
            self.counts.bare_cr += octets.bare_cr;
            self.counts.nul += octets.nul;
            if octets.lone_lf > 0 {
                hand_on(chunk.get(start..end).unwrap_or_default(), out)?;
                self.change(before, block);
                hand_on(&self.scratch, out)?;
                start = end + block.len();
            }
            end += block.len();
        }
        hand_on(chunk.get(start..).unwrap_or_default(), out)
    }

    /// So far; a CR that ends what was fed counts as bare.
    pub fn counts(&self) -> Counts {
        Counts { bare_cr: self.counts.bare_cr + u64::from(self.before == b'\r'), ..self.counts }
    }

    /// Puts into the scratch what a block becomes.
    fn change(&mut self, before: u8, block: &[u8]) {
        self.scratch.clear();
        self.scratch.reserve(2 * BLOCK);
        let mut start = 0;
        for at in memchr::memchr_iter(b'\n', block) {
            let last = at.checked_sub(1).map_or(Some(&before), |last| block.get(last));
            if last != Some(&b'\r') {
                self.scratch.extend_from_slice(block.get(start..at).unwrap_or_default());
                self.scratch.push(b'\r');
                start = at;
            }
        }
        self.scratch.extend_from_slice(block.get(start..).unwrap_or_default());
    }
}

fn hand_on(bytes: &[u8], out: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    if bytes.is_empty() { Ok(()) } else { out(bytes) }
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
        let text = format!("a\n{}\nb", "x".repeat(3 * BLOCK));
        let mut writer = CanonicalWriter::new(Vec::new());
        writer.write_all(text.as_bytes()).unwrap();
        assert_eq!(writer.counts().line_ends_changed, 2);
        assert_eq!(writer.into_inner(), text.replace('\n', "\r\n").into_bytes());
    }

    /// Line ends at every place around the end of a block, which is where pieces are joined.
    #[test]
    fn blocks_make_no_difference() {
        for line in 1..40 {
            let text: Vec<u8> = (0..2 * BLOCK + 50).map(|n| if n % line == 0 { b'\n' } else { b'x' }).collect();
            for lead in ["", "\r", "\r\r"] {
                let text = [lead.as_bytes(), &text].concat();
                for piece in [text.len(), BLOCK - 1, BLOCK + 1, 1000] {
                    let mut writer = CanonicalWriter::new(Vec::new());
                    text.chunks(piece).for_each(|chunk| writer.write_all(chunk).unwrap());
                    assert!(writer.into_inner() == canonical(&text).as_ref(), "{line} {piece}");
                }
            }
        }
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
