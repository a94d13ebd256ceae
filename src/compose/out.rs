//! Where a new message goes: into memory, where base64 is encoded in its place, or through a writer.

use crate::mime::transfer::Base64Writer;
use std::io::{self, Write};

/// An output.
pub(super) enum Out<'o> {
    /// At the end of these bytes.
    Memory(&'o mut Vec<u8>),
    /// Through a caller's writer.
    Through(&'o mut dyn Write),
}

impl<'o> Out<'o> {
    /// A writer of base64 in lines, into this.
    pub(super) fn base64(&mut self) -> Base64Writer<&mut Self> {
        Base64Writer::through(self, |out| match out {
            Self::Memory(memory) => Some(memory),
            Self::Through(_) => None,
        })
    }
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Memory(memory) => memory.write(bytes),
            Self::Through(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Through(writer) => writer.flush(),
        }
    }
}

/// About how many octets of base64 in lines a content of `length` becomes, segment headers included: room for 100 for each 72.
pub(super) fn encoded_length(length: usize) -> usize {
    length.saturating_add(length / 18 * 7)
}
