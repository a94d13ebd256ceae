//! Transfer encodings.
use super::Result;
use std::io::{self, BufRead, Write};
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransferEncoding { #[default] SevenBit, EightBit, Binary, Base64, QuotedPrintable }
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness { #[default] Strict, Lenient }
impl TransferEncoding { pub fn name(self) -> &'static str { todo!() } pub fn is_identity(self) -> bool { todo!() } }
pub fn decode<'r>(reader: Box<dyn BufRead + 'r>, encoding: TransferEncoding, strictness: Strictness) -> Box<dyn BufRead + 'r> { todo!() }
pub fn decode_slice(bytes: &[u8], encoding: TransferEncoding, strictness: Strictness) -> Result<Vec<u8>> { todo!() }
pub struct Base64Writer<W: Write> { inner: W }
impl<W: Write> Base64Writer<W> { pub fn new(inner: W) -> Self { todo!() } pub fn finish(self) -> io::Result<W> { todo!() } }
impl<W: Write> Write for Base64Writer<W> { fn write(&mut self, b: &[u8]) -> io::Result<usize> { todo!() } fn flush(&mut self) -> io::Result<()> { todo!() } }
pub struct QuotedPrintableWriter<W: Write> { inner: W }
impl<W: Write> QuotedPrintableWriter<W> { pub fn new(inner: W) -> Self { todo!() } pub fn finish(self) -> io::Result<W> { todo!() } }
impl<W: Write> Write for QuotedPrintableWriter<W> { fn write(&mut self, b: &[u8]) -> io::Result<usize> { todo!() } fn flush(&mut self) -> io::Result<()> { todo!() } }
