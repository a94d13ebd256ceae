//! The bytes of a CMS structure without its content, and a reader of them that goes as far as it can: what is cut short or
//! broken is read up to there. The content is passed over as a stream, so a message of any size takes the memory of what
//! stands beside it, which `limits.structure_bytes` bounds.

mod feed;

use self::feed::Feed;
use super::node::Form;
use crate::asn1::ber::{Header, MAX_DEPTH, MAX_STRING_DEPTH, Tag};
use crate::asn1::stream::Stream;
use crate::asn1::{Error, ErrorKind};
use crate::base::limits::Limits;
use crate::base::source::{SharedSource, Source, read_buffered};
use const_oid::ObjectIdentifier;
use std::borrow::Cow;
use std::io::{self, BufRead, Read};

/// No identifier and length octets that are accepted are longer.
const HEADER: usize = 24;

/// The bytes before the content, and those after it.
pub(in crate::open) struct Rope {
    head: Vec<u8>,
    tail: Vec<u8>,
    /// Where the tail begins.
    resumes: u64,
    /// The string that was passed over.
    hole: Option<El>,
    pub(super) content: StringShape,
    /// Where reading ended.
    pub(super) end: u64,
    /// Why it ended before the input did.
    pub(super) stopped: Option<Error>,
}

/// What a string consists of.
#[derive(Clone, Default, Debug)]
pub(super) struct StringShape {
    pub(super) octets: u64,
    pub(super) segments: u64,
    pub(super) fault: Option<Error>,
}

/// An element, as much of it as is there.
#[derive(Clone, Copy, Debug)]
pub(in crate::open) struct El {
    pub(in crate::open) tag: Tag,
    pub(in crate::open) constructed: bool,
    pub(in crate::open) form: Form,
    pub(in crate::open) offset: u64,
    /// Its first content octet.
    pub(in crate::open) body: u64,
    /// After its last content octet that is there.
    pub(in crate::open) end: u64,
    /// Where the next element begins.
    pub(in crate::open) next: u64,
    /// Announced, and not there: `(need, have)`.
    pub(in crate::open) cut: Option<(u64, u64)>,
    pub(in crate::open) depth: u8,
}

impl Rope {
    /// Reads all of `source` but the content.
    pub(super) fn read(source: &SharedSource<'_>, limits: &Limits) -> io::Result<Self> {
        let mut feed = Feed { reader: source.reader(0)?, head: Vec::new(), budget: limits.structure_bytes };
        let mut rope = Self {
            head: Vec::new(),
            tail: Vec::new(),
            resumes: u64::MAX,
            hole: None,
            content: StringShape::default(),
            end: 0,
            stopped: None,
        };
        if let Some(string) = feed.find_content()? {
            rope.pass_over(&mut feed, string)?;
        }
        let room = feed.budget.saturating_sub(feed.head.len()) as u64;
        let into = if rope.hole.is_some() { &mut rope.tail } else { &mut feed.head };
        let before = into.len();
        (&mut feed.reader).take(room).read_to_end(into)?;
        let read = into.len().saturating_sub(before) as u64;
        let more = !feed.reader.fill_buf()?.is_empty();
        rope.head = feed.head;
        rope.end = match rope.hole {
            Some(hole) => hole.next.saturating_add(read),
            None => rope.head.len() as u64,
        };
        if more {
            let kind = ErrorKind::Limit { name: "structure_bytes", limit: limits.structure_bytes as u64 };
            rope.stopped = Some(Error::new("ContentInfo", rope.end, kind));
        }
        Ok(rope)
    }

    /// Over bytes in memory, content included.
    pub(super) fn whole(bytes: &[u8]) -> Self {
        Self {
            head: bytes.to_vec(),
            tail: Vec::new(),
            resumes: u64::MAX,
            hole: None,
            content: StringShape::default(),
            end: bytes.len() as u64,
            stopped: None,
        }
    }

    /// Goes through the string whose header has been read, counting.
    fn pass_over(&mut self, feed: &mut Feed<'_>, string: El) -> io::Result<()> {
        let mut hole = string;
        let mut position = string.body;
        let shape = &mut self.content;
        if !string.constructed {
            let skipped = feed.skip(string.end.saturating_sub(string.body))?;
            shape.octets = skipped;
            shape.segments = 1;
            position = position.saturating_add(skipped);
            hole.cut = (position < string.end).then_some((string.end.saturating_sub(string.body), skipped));
            hole.end = position;
            hole.next = position;
        } else {
            // The ends of the open strings; `None` where end-of-contents octets end it.
            let mut open = vec![(string.form != Form::Indefinite).then_some(string.end)];
            while let Some(end) = open.last().copied() {
                hole.end = position;
                if end.is_some_and(|end| position >= end) {
                    open.pop();
                    continue;
                }
                let (octets, header) = feed.header(position)?;
                position = position.saturating_add(octets.len() as u64);
                let header = match header {
                    Ok(Some(header)) => header,
                    Ok(None) => {
                        let have = octets.len() as u64;
                        hole.cut = Some((have.saturating_add(1), have));
                        hole.end = position;
                        break;
                    }
                    Err(error) => {
                        shape.fault.get_or_insert(error);
                        hole.end = position;
                        break;
                    }
                };
                let offset = position.saturating_sub(octets.len() as u64);
                if header.is_end_of_contents() {
                    if end.is_some() {
                        let why = "end-of-contents octets stand where nothing ends";
                        shape.fault.get_or_insert(Error::value("segment", offset, why));
                        break;
                    }
                    open.pop();
                    continue;
                }
                if header.tag != Tag::OCTET_STRING {
                    let kind = ErrorKind::Unexpected { expected: Tag::OCTET_STRING, found: header.tag };
                    shape.fault.get_or_insert(Error::new("segment", offset, kind));
                    hole.end = position;
                    break;
                }
                if header.constructed {
                    if open.len() > usize::from(MAX_STRING_DEPTH) {
                        let kind = ErrorKind::Limit { name: "string_depth", limit: u64::from(MAX_STRING_DEPTH) };
                        shape.fault.get_or_insert(Error::new("segment", offset, kind));
                        hole.end = position;
                        break;
                    }
                    open.push(header.length.map(|length| position.saturating_add(length)));
                    continue;
                }
                let length = header.length.unwrap_or(0);
                let skipped = feed.skip(length)?;
                shape.octets = shape.octets.saturating_add(skipped);
                shape.segments = shape.segments.saturating_add(1);
                position = position.saturating_add(skipped);
                hole.end = position;
                if skipped < length {
                    hole.cut = Some((length, skipped));
                    break;
                }
            }
            hole.next = position;
        }
        self.resumes = position;
        self.hole = Some(hole);
        Ok(())
    }

    /// The bytes of a range, where it lies on one side of the content.
    pub(super) fn slice(&self, from: u64, to: u64) -> Option<&[u8]> {
        let cut = |bytes, start: u64| -> Option<&[u8]> {
            let from = usize::try_from(from.checked_sub(start)?).ok()?;
            let to = usize::try_from(to.checked_sub(start)?).ok()?;
            <[u8]>::get(bytes, from..to)
        };
        if from >= self.resumes { cut(&self.tail, self.resumes) } else { cut(&self.head, 0) }
    }

    pub(super) fn body(&self, el: &El) -> Option<&[u8]> {
        self.slice(el.body, el.end)
    }

    pub(super) fn raw(&self, el: &El) -> Option<&[u8]> {
        self.slice(el.offset, el.next)
    }

    pub(super) fn is_hole(&self, el: &El) -> bool {
        self.hole.is_some_and(|hole| hole.offset == el.offset)
    }

    /// The element at `at`, in an element that ends at `limit`.
    pub(in crate::open) fn element(&self, at: u64, limit: u64, depth: u8) -> Result<El, Error> {
        if let Some(hole) = self.hole.filter(|hole| hole.offset == at) {
            return Ok(El { depth, ..hole });
        }
        let header = self.header(at, limit)?;
        if header.is_end_of_contents() {
            return Err(Error::value("element", at, "end-of-contents octets stand where nothing ends"));
        }
        let body = at.saturating_add(header.header_len as u64);
        let mut el = El {
            tag: header.tag,
            constructed: header.constructed,
            form: form(&header),
            offset: at,
            body,
            end: limit,
            next: limit,
            cut: None,
            depth,
        };
        match header.length {
            Some(length) => match body.checked_add(length).filter(|end| *end <= limit) {
                Some(end) => (el.end, el.next) = (end, end),
                None => el.cut = Some((length, limit.saturating_sub(body))),
            },
            None => match self.end_of_contents(body, limit)? {
                Some(end) => (el.end, el.next) = (end, end.saturating_add(2)),
                None => el.cut = Some((limit.saturating_sub(body).saturating_add(2), limit.saturating_sub(body))),
            },
        }
        Ok(el)
    }

    fn header(&self, at: u64, limit: u64) -> Result<Header, Error> {
        let to = limit.min(at.saturating_add(HEADER as u64));
        let bytes = self.slice(at, to).or_else(|| self.slice(at, self.end.min(to)));
        let bytes = bytes.unwrap_or_else(|| self.head.get(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or(&[]));
        Header::parse(bytes, at)?.ok_or_else(|| {
            let have = bytes.len() as u64;
            Error::new("element", at, ErrorKind::Truncated { need: have.saturating_add(1), have })
        })
    }

    /// Where the end-of-contents octets stand that close what begins at `from`; `None` where the input ends before.
    fn end_of_contents(&self, from: u64, limit: u64) -> Result<Option<u64>, Error> {
        let mut at = from;
        let mut open = 1_u8;
        while at < limit {
            if let Some(hole) = self.hole.filter(|hole| hole.offset == at) {
                if hole.cut.is_some() {
                    return Ok(None);
                }
                at = hole.next;
                continue;
            }
            // What is broken inside is reported where it is read.
            let Ok(header) = self.header(at, limit) else { return Ok(None) };
            if header.is_end_of_contents() {
                open = open.saturating_sub(1);
                if open == 0 {
                    return Ok(Some(at));
                }
            } else if header.length.is_none() {
                open = open.saturating_add(1);
                if open > MAX_DEPTH {
                    let kind = ErrorKind::Limit { name: "der_depth", limit: u64::from(MAX_DEPTH) };
                    return Err(Error::new("element", at, kind));
                }
            }
            at = at.saturating_add(header.header_len as u64).saturating_add(header.length.unwrap_or(0));
        }
        Ok(None)
    }

    /// What a string in memory, or the content, consists of.
    pub(super) fn shape(&self, el: &El) -> StringShape {
        if self.is_hole(el) {
            return self.content.clone();
        }
        let mut shape = StringShape::default();
        self.segments(el, 1, &mut |_, body| {
            shape.segments = shape.segments.saturating_add(1);
            shape.octets = shape.octets.saturating_add(body.len() as u64);
        })
        .unwrap_or_else(|error| shape.fault = Some(error));
        shape
    }

    /// The octets of a string that is not the content, its segments joined.
    pub(super) fn octets(&self, el: &El) -> Option<Cow<'_, [u8]>> {
        if !el.constructed {
            return self.body(el).map(Cow::Borrowed);
        }
        let mut joined = Vec::new();
        self.segments(el, 1, &mut |_, body| joined.extend_from_slice(body)).ok()?;
        Some(Cow::Owned(joined))
    }

    /// Calls `each` for every primitive segment: where its content begins, and the content.
    pub(in crate::open) fn segments(&self, el: &El, level: u8, each: &mut dyn FnMut(u64, &[u8])) -> Result<(), Error> {
        if !el.constructed {
            each(el.body, self.body(el).unwrap_or_default());
            return Ok(());
        }
        if level > MAX_STRING_DEPTH {
            let kind = ErrorKind::Limit { name: "string_depth", limit: u64::from(MAX_STRING_DEPTH) };
            return Err(Error::new("segment", el.offset, kind));
        }
        let mut at = el.body;
        while at < el.end {
            let inner = self.element(at, el.end, el.depth)?;
            if inner.tag != Tag::OCTET_STRING {
                let kind = ErrorKind::Unexpected { expected: Tag::OCTET_STRING, found: inner.tag };
                return Err(Error::new("segment", at, kind));
            }
            self.segments(&inner, level.saturating_add(1), each)?;
            at = inner.next;
        }
        Ok(())
    }

    pub(super) fn oid(&self, el: &El) -> Option<ObjectIdentifier> {
        (el.tag == Tag::OID && !el.constructed).then(|| ObjectIdentifier::from_bytes(self.body(el)?).ok()).flatten()
    }

    /// An INTEGER that fits.
    pub(super) fn small(&self, el: &El) -> Option<u64> {
        let bytes = self.body(el).filter(|b| !b.is_empty() && b.len() <= 8)?;
        (bytes.first().is_some_and(|b| *b < 128)).then(|| bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }
}

fn form(header: &Header) -> Form {
    let Some(length) = header.length else { return Form::Indefinite };
    let shortest = match length {
        0..=127 => 2,
        _ => (64 - length.leading_zeros() as usize).div_ceil(8).saturating_add(2),
    };
    // Tags above 30 take more octets, and do not occur in CMS.
    let long = header.tag.context_number().is_some_and(|number| number > 30);
    if long || header.header_len <= shortest { Form::Der } else { Form::NonMinimal }
}

/// The content as a source of its own: its octets without the headers of its segments, as many as are there.
pub(super) struct Inside<'a> {
    pub(super) message: SharedSource<'a>,
    pub(super) string: El,
}

impl Source for Inside<'_> {
    fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
        let mut stream = Stream::new(self.message.reader(self.string.offset)?);
        stream.open_string(self.string.tag, "content").map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        let mut reader = InsideReader { stream };
        io::copy(&mut (&mut reader).take(offset), &mut io::sink())?;
        Ok(Box::new(reader))
    }
}

struct InsideReader<R> {
    stream: Stream<R>,
}

impl<R: BufRead> BufRead for InsideReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.stream.chunk("content") {
            Ok(bytes) => Ok(bytes),
            Err(Error { kind: ErrorKind::Io(error), .. }) => Err(io::Error::new(error.kind(), error.to_string())),
            // Cut short or broken: that is told of the structure, and what is there is looked at.
            Err(_) => Ok(&[]),
        }
    }

    fn consume(&mut self, amount: usize) {
        self.stream.consume(amount);
    }
}

impl<R: BufRead> Read for InsideReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}
