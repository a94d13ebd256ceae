//! Elements around a content that is written as a stream: in DER, with lengths that are counted beforehand, or in BER with
//! indefinite lengths and segmented strings (X.690 section 8.1.3.6), as Outlook writes the outer layers of CMS (OUT-51).

use super::ber::Tag;
use super::der;
use std::io::{self, Write};

/// How the elements around a content are encoded. What stands beside the content is DER in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Definite lengths: the length of the content must be known.
    #[default]
    Der,
    /// Indefinite lengths, and the content in segments.
    Ber,
}

/// One of the elements around a content.
#[derive(Clone, Debug)]
pub enum Layer {
    /// A constructed element.
    Constructed {
        /// Its tag.
        tag: Tag,
        /// What stands in it before the next layer.
        before: Vec<u8>,
        /// How many octets stand in it after the next layer.
        after: u64,
    },
    /// The innermost: the string that holds the content.
    String(Tag),
}

impl Layer {
    /// A constructed element in which nothing follows the next layer.
    pub fn new(tag: Tag, before: Vec<u8>) -> Self {
        Self::Constructed { tag, before, after: 0 }
    }
}

impl Encoding {
    /// Everything before a content of `length` octets, which DER counts and BER does not. Outermost layer first.
    ///
    /// ```
    /// use smime::asn1::{ber::Tag, framing::{Encoding, Layer}};
    /// let layers = [Layer::new(Tag::SEQUENCE, vec![5, 0]), Layer::String(Tag::OCTET_STRING)];
    /// assert_eq!(Encoding::Der.start(&layers, 7), [0x30, 11, 5, 0, 4, 7]);
    /// assert_eq!(Encoding::Ber.start(&layers, 7), [0x30, 0x80, 5, 0, 0x24, 0x80]);
    /// ```
    pub fn start(self, layers: &[Layer], length: u64) -> Vec<u8> {
        let mut inside = length;
        let mut parts: Vec<Vec<u8>> = Vec::with_capacity(layers.len());
        for layer in layers.iter().rev() {
            let (tag, constructed, before, after) = match layer {
                Layer::Constructed { tag, before, after } => (*tag, true, before.as_slice(), *after),
                Layer::String(tag) => (*tag, self == Self::Ber, [].as_slice(), 0),
            };
            let content = before.len() as u64 + inside + after;
            let header = match self {
                Self::Der => der::header(tag, constructed, content),
                Self::Ber => vec![tag.octet(true), 0x80],
            };
            inside = header.len() as u64 + content;
            parts.push([header.as_slice(), before].concat());
        }
        parts.reverse();
        parts.concat()
    }

    /// What ends `layers` of them, where nothing else stands between their ends.
    pub fn end(self, layers: usize) -> Vec<u8> {
        match self {
            Self::Der => Vec::new(),
            Self::Ber => vec![0; layers * 2],
        }
    }

    /// A writer of the innermost string's content, in segments of `segment` octets where it has any.
    pub fn content<W: Write>(self, inner: W, segment: usize) -> ContentWriter<W> {
        ContentWriter { inner, encoding: self, segment: segment.max(1), waiting: Vec::new() }
    }
}

/// Writes the content of a string: as it is, or in segments.
pub struct ContentWriter<W: Write> {
    inner: W,
    encoding: Encoding,
    segment: usize,
    waiting: Vec<u8>,
}

impl<W: Write> ContentWriter<W> {
    /// Writes what waits, and gives the inner writer back. Without this call the end of the content is missing.
    ///
    /// # Errors
    /// What the inner writer reports.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.waiting.is_empty() {
            let rest = std::mem::take(&mut self.waiting);
            self.put(&rest)?;
        }
        Ok(self.inner)
    }

    fn put(&mut self, segment: &[u8]) -> io::Result<()> {
        self.inner.write_all(&der::header(Tag::OCTET_STRING, false, segment.len() as u64))?;
        self.inner.write_all(segment)
    }
}

impl<W: Write> Write for ContentWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.encoding == Encoding::Der {
            return self.inner.write(bytes);
        }
        if let (true, Some(whole)) = (self.waiting.is_empty(), bytes.get(..self.segment)) {
            self.put(whole)?;
            return Ok(whole.len());
        }
        let room = (self.segment - self.waiting.len()).min(bytes.len());
        self.waiting.extend_from_slice(bytes.get(..room).unwrap_or_default());
        if self.waiting.len() == self.segment {
            let mut whole = std::mem::take(&mut self.waiting);
            self.put(&whole)?;
            whole.clear();
            self.waiting = whole;
        }
        Ok(room)
    }

    /// Flushes the inner writer; an incomplete segment keeps waiting.
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::ber::Reader;
    use proptest::prelude::*;

    fn layers() -> Vec<Layer> {
        let outer = Layer::Constructed { tag: Tag::SEQUENCE, before: der::integer(1), after: 2 };
        vec![outer, Layer::new(Tag::context(0), Vec::new()), Layer::String(Tag::OCTET_STRING)]
    }

    proptest! {
        #[test]
        fn what_is_framed_reads_back(content in prop::collection::vec(any::<u8>(), 0..600), segment in 1usize..300, piece in 1usize..700) {
            for encoding in [Encoding::Der, Encoding::Ber] {
                let mut bytes = encoding.start(&layers(), content.len() as u64);
                let mut writer = encoding.content(&mut bytes, segment);
                content.chunks(piece).for_each(|chunk| writer.write_all(chunk).unwrap());
                writer.finish().unwrap();
                bytes.extend([encoding.end(2), der::null(), encoding.end(1)].concat());
                let mut fields = Reader::single(&bytes, "x").unwrap().sequence("x").unwrap();
                prop_assert_eq!(fields.required_any("x").unwrap().small("x").unwrap(), 1);
                let inner = fields.required(Tag::context(0), "x").unwrap().explicit("x").unwrap();
                let read = inner.octets("x").unwrap();
                prop_assert_eq!(read.as_ref(), content.as_slice());
                prop_assert!(inner.constructed == (encoding == Encoding::Ber));
                fields.required(Tag::NULL, "x").unwrap();
                fields.finish("x").unwrap();
            }
        }
    }

    #[test]
    fn segments_are_full_but_for_the_last_and_none_is_empty() {
        for (length, expected) in [(0, vec![]), (3, vec![3]), (4, vec![4]), (9, vec![4, 4, 1])] {
            let mut bytes = Vec::new();
            let mut writer = Encoding::Ber.content(&mut bytes, 4);
            writer.write_all(&vec![7; length]).unwrap();
            writer.finish().unwrap();
            let mut reader = Reader::new(&bytes);
            let mut found = Vec::new();
            while let Some(segment) = reader.next_element().unwrap() {
                found.push(segment.content().len());
            }
            assert_eq!(found, expected);
        }
    }
}
