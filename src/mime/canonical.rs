//! CRLF line ends.
use std::io::{self, Write};
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts { pub line_ends_changed: u64, pub bare_cr: u64, pub nul: u64 }
#[derive(Clone, Debug, Default)]
pub struct Canonical {}
impl Canonical {
    pub fn new() -> Self { todo!() }
    pub fn feed(&mut self, chunk: &[u8], out: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> { todo!() }
    /// so far; a CR at the very end counts as bare
    pub fn counts(&self) -> Counts { todo!() }
}
pub struct CanonicalWriter<W: Write> { inner: W }
impl<W: Write> CanonicalWriter<W> { pub fn new(inner: W) -> Self { todo!() } pub fn counts(&self) -> Counts { todo!() } pub fn into_inner(self) -> W { todo!() } }
impl<W: Write> Write for CanonicalWriter<W> { fn write(&mut self, b: &[u8]) -> io::Result<usize> { todo!() } fn flush(&mut self) -> io::Result<()> { todo!() } }
/// One-shot: None where it is canonical already
pub fn canonical(bytes: &[u8]) -> std::borrow::Cow<'_, [u8]> { todo!() }
