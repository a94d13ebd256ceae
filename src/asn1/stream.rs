//! A pull reader of BER over a stream: enters and leaves constructed elements, keeps small ones whole, and hands out
//! the content of large strings segment by segment, so that a message of any size is read in constant memory.

use super::ber::{Header, MAX_DEPTH, MAX_STRING_DEPTH, Tag};
use super::{Error, ErrorKind, Result};
use std::io::BufRead;
use std::sync::Arc;

/// Octets that are made room for before they are there: a certificate has some 2000.
const MOST_RESERVED: usize = 4 << 10;

/// A pull reader over anything buffered, a slice included.
pub struct Stream<R> {
    inner: R,
    position: u64,
    frames: Vec<Frame>,
    /// A header that was read but not acted upon.
    ahead: Option<Header>,
    /// The octets of the header that was read last; kept, so that a header costs no allocation.
    octets: Vec<u8>,
    string: Option<StringState>,
}

/// An open constructed element.
struct Frame {
    /// Where it ends, or `None` where end-of-contents octets will say so.
    end: Option<u64>,
    /// Where the innermost element of known length around its content ends, itself included: nothing reaches beyond.
    bound: Option<u64>,
}

struct StringState {
    /// Frames open outside the string.
    outside: usize,
    /// Content octets left of the present segment.
    left: u64,
}

impl<R: BufRead> Stream<R> {
    /// Over a stream that begins with an element.
    pub fn new(inner: R) -> Self {
        Self { inner, position: 0, frames: Vec::new(), ahead: None, octets: Vec::new(), string: None }
    }

    /// Bytes read so far, counted from where the reader was made.
    pub fn position(&self) -> u64 {
        self.position - self.ahead.map_or(0, |header| header.header_len as u64)
    }

    /// The tag of the next element of the open one; `None` where the open one ends (or, outside all, the input).
    ///
    /// # Errors
    /// Malformed or truncated encodings, and what the input reports.
    pub fn peek(&mut self) -> Result<Option<Tag>> {
        Ok(self.peek_header()?.map(|header| header.tag))
    }

    /// Steps into the next element, which must be constructed and bear this tag.
    pub fn enter(&mut self, tag: Tag, what: &'static str) -> Result<()> {
        let offset = self.position();
        let header = self.required(what)?;
        if header.tag != tag {
            return Err(Error::new(what, offset, ErrorKind::Unexpected { expected: tag, found: header.tag }));
        }
        if !header.constructed {
            return Err(Error::value(what, offset, "it is primitive where a constructed element belongs"));
        }
        self.push(&header, what)
    }

    /// Steps into the next element where it bears this tag.
    pub fn enter_optional(&mut self, tag: Tag, what: &'static str) -> Result<bool> {
        if self.peek()? != Some(tag) {
            return Ok(false);
        }
        self.enter(tag, what)?;
        Ok(true)
    }

    /// Steps out of the open element, which must be at its end.
    pub fn leave(&mut self, what: &'static str) -> Result<()> {
        if let Some(found) = self.peek()? {
            let why = ErrorKind::Unexpected { expected: Tag::universal(0), found };
            return Err(Error::new(what, self.position(), why));
        }
        self.pop();
        Ok(())
    }

    /// Steps out of the open element, passing over whatever is left of it.
    pub fn skip_rest(&mut self, what: &'static str) -> Result<()> {
        while self.peek()?.is_some() {
            self.skip(what)?;
        }
        self.leave(what)
    }

    /// The next element as received, whole, where it is at most `max` bytes long.
    pub fn take(&mut self, max: usize, what: &'static str) -> Result<Vec<u8>> {
        let mut raw = Vec::new();
        self.take_into(&mut raw, max, what)?;
        Ok(raw)
    }

    /// The same at the end of what is there.
    pub fn take_into(&mut self, raw: &mut Vec<u8>, max: usize, what: &'static str) -> Result<()> {
        if let Some(Header { header_len, length: Some(length), .. }) = self.peek_header()? {
            // What an element says of its length is not believed before it was read.
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(MOST_RESERVED).min(max);
            raw.reserve_exact(header_len + length);
        }
        self.copy_element(what, Some(max), &mut |bytes| raw.extend_from_slice(bytes))
    }

    /// Passes over the next element.
    pub fn skip(&mut self, what: &'static str) -> Result<()> {
        self.copy_element(what, None, &mut |_| ())
    }

    /// Opens the next element, an OCTET STRING under this tag, primitive or constructed. Its content then comes from
    /// [`chunk`](Self::chunk), and nothing else may be read before that is at its end.
    pub fn open_string(&mut self, tag: Tag, what: &'static str) -> Result<()> {
        let offset = self.position();
        let header = self.required(what)?;
        if header.tag != tag {
            return Err(Error::new(what, offset, ErrorKind::Unexpected { expected: tag, found: header.tag }));
        }
        let outside = self.frames.len();
        let left = match header.length {
            Some(length) if !header.constructed => length,
            _ => {
                self.push(&header, what)?;
                0
            }
        };
        self.string = Some(StringState { outside, left });
        Ok(())
    }

    /// The next content octets of the open string, as many as are buffered; empty at its end, which closes it.
    /// What was used is then to be reported to [`consume`](Self::consume).
    pub fn chunk(&mut self, what: &'static str) -> Result<&[u8]> {
        while let Some(StringState { outside, left: 0 }) = self.string {
            if self.frames.len() == outside {
                self.string = None;
                break;
            }
            let offset = self.position();
            let Some(header) = self.peek_header()? else {
                self.pop();
                continue;
            };
            if header.tag != Tag::OCTET_STRING {
                return Err(Error::new(
                    what,
                    offset,
                    ErrorKind::Unexpected { expected: Tag::OCTET_STRING, found: header.tag },
                ));
            }
            self.ahead = None;
            match header.length {
                Some(length) if !header.constructed => self.string = Some(StringState { outside, left: length }),
                _ if self.frames.len() - outside >= usize::from(MAX_STRING_DEPTH) => {
                    return Err(Error::new(
                        what,
                        offset,
                        ErrorKind::Limit { name: "string_depth", limit: u64::from(MAX_STRING_DEPTH) },
                    ));
                }
                _ => self.push(&header, what)?,
            }
        }
        let Some(StringState { left, .. }) = self.string else { return Ok(&[]) };
        let position = self.position;
        let buffered = fill(&mut self.inner, what, position)?;
        if buffered.is_empty() {
            return Err(Error::new(what, position, ErrorKind::Truncated { need: left, have: 0 }));
        }
        let usable = usize::try_from(left).unwrap_or(usize::MAX).min(buffered.len());
        Ok(buffered.get(..usable).unwrap_or_default())
    }

    /// Says that so many octets of the last [`chunk`](Self::chunk) were used.
    pub fn consume(&mut self, amount: usize) {
        if let Some(state) = &mut self.string {
            state.left = state.left.saturating_sub(amount as u64);
        }
        self.inner.consume(amount);
        self.position += amount as u64;
    }

    /// Where the content of the string that was just opened lies, counted from where the reader was made, if it lies there
    /// in one piece; and its length.
    pub fn string_span(&self) -> Option<(u64, u64)> {
        match &self.string {
            Some(StringState { outside, left }) if self.frames.len() == *outside => Some((self.position, *left)),
            _ => None,
        }
    }

    /// Checks that the input ends here (SEC-42).
    pub fn end(&mut self, what: &'static str) -> Result<()> {
        let position = self.position();
        let left = self.ahead.is_some() || !fill(&mut self.inner, what, position)?.is_empty();
        if left { Err(Error::new(what, position, ErrorKind::Trailing(1))) } else { Ok(()) }
    }

    /// The underlying reader, wherever it stands.
    pub fn into_inner(self) -> R {
        self.inner
    }

    fn required(&mut self, what: &'static str) -> Result<Header> {
        let offset = self.position();
        let header = self.peek_header()?.ok_or_else(|| Error::new(what, offset, ErrorKind::Missing))?;
        self.ahead = None;
        Ok(header)
    }

    fn push(&mut self, header: &Header, what: &'static str) -> Result<()> {
        if self.frames.len() >= usize::from(MAX_DEPTH) {
            return Err(Error::new(
                what,
                self.position,
                ErrorKind::Limit { name: "der_depth", limit: u64::from(MAX_DEPTH) },
            ));
        }
        let end = header.length.map(|length| self.position.saturating_add(length));
        let bound = end.or(self.frames.last().and_then(|outer| outer.bound));
        self.frames.push(Frame { end, bound });
        Ok(())
    }

    fn pop(&mut self) {
        self.ahead = None;
        self.frames.pop();
    }

    /// The header of the next element, held until it is acted upon; `None` at the end of the open element.
    fn peek_header(&mut self) -> Result<Option<Header>> {
        if self.ahead.is_none() {
            let bound = match self.frames.last() {
                Some(Frame { end: Some(end), .. }) if *end <= self.position => return Ok(None),
                Some(Frame { bound, .. }) => *bound,
                None => None,
            };
            let offset = self.position;
            self.octets.clear();
            // Most headers lie in the buffer as a whole.
            let buffered = fill(&mut self.inner, "element", offset)?;
            if let Some(header) = Header::parse(buffered, offset)? {
                self.octets.extend_from_slice(buffered.get(..header.header_len).unwrap_or_default());
                self.inner.consume(header.header_len);
                self.position += header.header_len as u64;
            }
            let header = loop {
                match Header::parse(&self.octets, offset)? {
                    Some(header) => break header,
                    None => {
                        let Some(octet) = fill(&mut self.inner, "element", offset)?.first().copied() else {
                            if self.octets.is_empty() && self.frames.is_empty() {
                                return Ok(None);
                            }
                            return Err(Error::new(
                                "element",
                                offset,
                                ErrorKind::Truncated {
                                    need: self.octets.len() as u64 + 1,
                                    have: self.octets.len() as u64,
                                },
                            ));
                        };
                        self.inner.consume(1);
                        self.position += 1;
                        self.octets.push(octet);
                    }
                }
            };
            // An element may not reach beyond the one it stands in.
            let past = header.length.map_or(self.position, |length| self.position.saturating_add(length));
            if let Some(end) = bound.filter(|end| past > *end) {
                let have = end.saturating_sub(self.position);
                return Err(Error::new(
                    "element",
                    offset,
                    ErrorKind::Truncated { need: header.length.unwrap_or(0), have },
                ));
            }
            self.ahead = Some(header);
        }
        match self.ahead {
            Some(header) if header.is_end_of_contents() => match self.frames.last() {
                Some(Frame { end: None, .. }) => Ok(None),
                _ => Err(Error::value("element", self.position(), "end-of-contents octets stand where nothing ends")),
            },
            Some(header) => Ok(Some(header)),
            None => Ok(None),
        }
    }

    fn copy_element(&mut self, what: &'static str, max: Option<usize>, out: &mut dyn FnMut(&[u8])) -> Result<()> {
        let start = self.position();
        let limit = max.map_or(u64::MAX, |max| max as u64);
        let outside = self.frames.len();
        if self.peek_header()?.is_none() {
            return Err(Error::new(what, start, ErrorKind::Missing));
        }
        loop {
            // Only elements of indefinite length are stepped into here, so what ends them is end-of-contents octets.
            let ended = self.peek_header()?.is_none();
            let offset = self.position();
            let Some(header) = self.ahead.take() else {
                return Err(Error::new(what, offset, ErrorKind::Missing));
            };
            if (self.position - start).saturating_add(header.length.unwrap_or(0)) > limit {
                return Err(Error::new(what, start, ErrorKind::Limit { name: "element_bytes", limit }));
            }
            out(&self.octets);
            match header.length {
                _ if ended => self.pop(),
                None => self.push(&header, what)?,
                Some(length) => self.copy_content(length, what, out)?,
            }
            if self.frames.len() == outside {
                return Ok(());
            }
        }
    }

    fn copy_content(&mut self, length: u64, what: &'static str, out: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut left = length;
        while left > 0 {
            let buffered = fill(&mut self.inner, what, self.position)?;
            if buffered.is_empty() {
                return Err(Error::new(what, self.position, ErrorKind::Truncated { need: left, have: 0 }));
            }
            let usable = usize::try_from(left).unwrap_or(usize::MAX).min(buffered.len());
            out(buffered.get(..usable).unwrap_or_default());
            self.inner.consume(usable);
            self.position += usable as u64;
            left -= usable as u64;
        }
        Ok(())
    }
}

fn fill<'r, R: BufRead>(inner: &'r mut R, what: &'static str, position: u64) -> Result<&'r [u8]> {
    loop {
        match inner.fill_buf() {
            Ok(_) => break,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::new(what, position, ErrorKind::Io(Arc::new(e)))),
        }
    }
    inner.fill_buf().map_err(|e| Error::new(what, position, ErrorKind::Io(Arc::new(e))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Read};

    const SIGNED_LIKE: &[u8] = &[
        0x30, 0x80, 2, 1, 1, 0xa0, 0x80, 0x24, 0x80, 4, 3, b'a', b'b', b'c', 0x24, 4, 4, 2, b'd', b'e', 4, 0, 0, 0, 0,
        0, 0x31, 0x80, 5, 0, 0, 0, 0, 0,
    ];

    fn walk(input: impl Read, buffer: usize) -> Result<(Vec<u8>, Vec<u8>)> {
        let mut s = Stream::new(BufReader::with_capacity(buffer, input));
        s.enter(Tag::SEQUENCE, "outer")?;
        assert_eq!(s.take(10, "version")?, [2, 1, 1]);
        s.enter(Tag::context(0), "content")?;
        s.open_string(Tag::OCTET_STRING, "octets")?;
        let mut content = Vec::new();
        loop {
            let chunk = s.chunk("octets")?;
            if chunk.is_empty() {
                break;
            }
            content.extend_from_slice(chunk);
            let used = chunk.len();
            s.consume(used);
        }
        s.leave("content")?;
        let rest = s.take(100, "set")?;
        s.leave("outer")?;
        s.end("outer")?;
        Ok((content, rest))
    }

    #[test]
    fn segments_come_out_joined_whatever_the_buffer() {
        for buffer in [1, 2, 3, 7, 4096] {
            let (content, rest) = walk(SIGNED_LIKE, buffer).unwrap();
            assert_eq!(content, b"abcde");
            assert_eq!(rest, [0x31, 0x80, 5, 0, 0, 0], "the set as received");
        }
    }

    #[test]
    fn every_truncation_is_an_error() {
        for cut in 0..SIGNED_LIKE.len() {
            assert!(walk(&SIGNED_LIKE[..cut], 8).is_err(), "{cut}");
        }
        let mut long = SIGNED_LIKE.to_vec();
        long.push(0);
        assert!(matches!(walk(&long[..], 8).unwrap_err().kind, ErrorKind::Trailing(_)));
    }

    #[test]
    fn an_element_may_not_reach_beyond_its_parent() {
        let mut s = Stream::new(&[0x30, 3, 4, 5, 1, 2, 3, 4, 5][..]);
        s.enter(Tag::SEQUENCE, "outer").unwrap();
        assert!(matches!(s.take(10, "inner").unwrap_err().kind, ErrorKind::Truncated { .. }));
    }

    #[test]
    fn nor_beyond_a_grandparent_when_its_parent_has_no_length() {
        // SEQUENCE of 6 octets { SEQUENCE of indefinite length { OCTET STRING of 3 octets: past the sixth
        let mut s = Stream::new(&[0x30, 6, 0x30, 0x80, 4, 3, 1, 2, 3, 0, 0][..]);
        s.enter(Tag::SEQUENCE, "outer").unwrap();
        assert!(matches!(s.take(20, "inner").unwrap_err().kind, ErrorKind::Truncated { .. }));
        // and the end-of-contents octets too have to stand inside
        let mut s = Stream::new(&[0x30, 5, 0x30, 0x80, 4, 1, 1, 0, 0][..]);
        s.enter(Tag::SEQUENCE, "outer").unwrap();
        assert!(matches!(s.take(20, "inner").unwrap_err().kind, ErrorKind::Truncated { .. }));
    }

    #[test]
    fn what_is_kept_is_bounded_before_it_is_read() {
        let mut s = Stream::new(&[4, 0x84, 0x7f, 0xff, 0xff, 0xff, 1][..]);
        assert!(matches!(s.take(1000, "leaf").unwrap_err().kind, ErrorKind::Limit { .. }));
    }
}
