//! The tree of entities of a mail, as byte ranges into the original.
//!
//! [`scan`] reads the mail once, in constant memory, and splits it by lines alone: a boundary counts where it is a
//! whole line (RFC 2046 section 5.1.1), an outer one closes all that is open within it, and nothing is guessed.

use super::content_type::ContentType;
use super::header::{HeaderBlock, is_blank_line, trim_line_end};
use super::transfer::{Strictness, TransferEncoding, decode};
use super::{Error, Result};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::source::{SharedSource, Source, Span};
use memchr::memmem::Finder;
use std::io::{self, BufRead, Read};
use std::sync::LazyLock;

/// Header blocks of one mail may together take so many times the bytes of one.
const HEADERS_PER_MAIL: usize = 16;
/// Entities that are expected: a multipart/signed has three.
const USUAL_PARTS: usize = 4;
/// Of a line that may be a boundary, so much is kept: two hyphens, 70 characters, two hyphens, and some to see more.
const LINE_PREFIX: usize = 80;
/// Of the text before the first boundary, so much is looked at to know a stock phrase.
const MARGIN_SAMPLE: usize = 400;

/// A header and a body; for a multipart or a message, with what is inside.
#[derive(Clone, Debug)]
pub struct Entity {
    /// `""` for the mail itself, `"1.2"` for the second part of its first part; what a message/rfc822 part `"2"` holds
    /// is `"2.1"`.
    pub path: String,
    /// Where its header begins.
    pub start: u64,
    /// Where its body ends: before the line end that belongs to the boundary after it (OUT-50).
    pub end: u64,
    /// Its header, blank line included.
    pub header: HeaderBlock,
    /// Its media type, `text/plain` or (in a multipart/digest) `message/rfc822` where it names none; or why it has none
    /// (SEC-21, SEC-22).
    pub content_type: Result<ContentType>,
    /// Its transfer encoding, or why it has none (SEC-23).
    pub encoding: Result<TransferEncoding>,
    /// Where its body begins.
    pub body: u64,
    /// The parts of a multipart, or the message inside a message/rfc822; empty for all else.
    pub children: Vec<Entity>,
    /// Whether a multipart has its last boundary.
    pub closing: Closing,
    /// What stands before the first boundary of a multipart (SEC-19).
    pub preamble: Margin,
    /// What stands after its last boundary (SEC-19).
    pub epilogue: Margin,
    /// What is out of the ordinary about it; that of its header is there.
    pub oddities: Vec<Reason>,
}

/// Whether a multipart ends as it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closing {
    /// It is none.
    #[default]
    NotMultipart,
    /// Its last boundary is there.
    Closed,
    /// The input, or the part that it lies in, ends before.
    Unclosed,
}

/// Text of a multipart that belongs to none of its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Margin {
    /// Where it begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// What it consists of.
    pub text: MarginText,
}

/// What a [`Margin`] consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarginText {
    /// Nothing, or blanks and line ends.
    #[default]
    Blank,
    /// One of the phrases that mail programs write for readers without MIME (OUT-48).
    Stock,
    /// Anything else.
    Text,
}

impl Entity {
    /// The media type in lower case; `application/octet-stream` where it has none that can be used.
    pub fn media_type(&self) -> &str {
        self.content_type.as_ref().map_or("application/octet-stream", |c| c.media_type.as_str())
    }

    /// The entity with that path, this one's own included.
    pub fn find(&self, path: &str) -> Option<&Entity> {
        self.walk().find(|entity| entity.path == path)
    }

    /// This entity and all that is inside it, in the order of the mail.
    pub fn walk(&self) -> impl Iterator<Item = &Entity> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            let next = waiting.pop()?;
            waiting.extend(next.children.iter().rev());
            Some(next)
        })
    }

    /// Header and body as they arrived.
    pub fn whole<'a>(&self, source: &SharedSource<'a>) -> SharedSource<'a> {
        Span::of(source, self.start, self.end)
    }

    /// The body as it arrived.
    pub fn content<'a>(&self, source: &SharedSource<'a>) -> SharedSource<'a> {
        Span::of(source, self.body, self.end)
    }

    /// A reader of the body with its transfer encoding taken off.
    ///
    /// # Errors
    /// Those of [`HeaderBlock::transfer_encoding`], and [`ErrorKind::Io`](super::ErrorKind::Io). The reader itself
    /// reports what is wrong with the encoding.
    pub fn decoded<'s>(&self, source: &'s SharedSource<'_>, strictness: Strictness) -> Result<Box<dyn BufRead + 's>> {
        let encoding = self.encoding.clone()?;
        let raw = source.reader(self.body)?.take(self.end.saturating_sub(self.body));
        Ok(decode(Box::new(raw), encoding, strictness))
    }
}

/// Finds the entities of a mail. One pass, in memory that depends on its headers alone.
///
/// ```
/// use smime::base::source::Memory;
/// let mail = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n";
/// let root = smime::mime::entity::scan(&Memory::borrowed(mail), &smime::Limits::default())?;
/// let second = &root.children[1];
/// assert_eq!(&mail[second.body as usize..second.end as usize], b"two");
/// # Ok::<(), smime::mime::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Limit`](super::ErrorKind::Limit) for too many parts or too long headers (SEC-98),
/// [`ErrorKind::Io`](super::ErrorKind::Io). A part whose own header cannot be read in one way is no error; it says so in
/// its `content_type` or `encoding`, and stays whole.
pub fn scan(source: &SharedSource<'_>, limits: &Limits) -> Result<Entity> {
    Scanner {
        lines: Lines::new(source.reader(0)?),
        limits,
        nodes: Vec::with_capacity(USUAL_PARTS),
        open: Vec::new(),
        leaf: None,
        header_bytes: 0,
        header: Vec::new(),
        line: Vec::new(),
    }
    .run(source.as_ref())
}

struct Node {
    entity: Entity,
    parent: Option<usize>,
    /// Children so far; assemble() puts them in place.
    children: usize,
}

/// A multipart, or a message inside one, that is not at its end.
struct Frame {
    node: usize,
    /// `None` for a message/rfc822, which no line of its own ends.
    boundary: Option<Vec<u8>>,
    /// Whether its last boundary has been seen.
    closed: bool,
}

struct Scanner<'s, 'l> {
    lines: Lines<'s>,
    limits: &'l Limits,
    nodes: Vec<Node>,
    /// Outermost first.
    open: Vec<Frame>,
    /// The entity whose body is being read, where it is not that of a frame.
    leaf: Option<usize>,
    header_bytes: usize,
    /// The header that is being read, and a line; kept for the next.
    header: Vec<u8>,
    line: Vec<u8>,
}

/// What a line means to the multiparts that are open.
enum Delimiter {
    /// A part begins in the multipart of that frame.
    Part(usize),
    /// The multipart of that frame ends.
    Close(usize),
}

impl Scanner<'_, '_> {
    fn run(mut self, source: &dyn Source) -> Result<Entity> {
        let mut next = Some(None);
        while let Some(parent) = next {
            next = self.entity(parent, source)?;
        }
        Ok(assemble(self.nodes))
    }

    /// Reads one entity's header and goes through its body up to where the next entity begins; `Some` with the parent
    /// of that one, `None` at the end of the input.
    fn entity(&mut self, parent: Option<usize>, source: &dyn Source) -> Result<Option<Option<usize>>> {
        let start = self.lines.position;
        if self.nodes.len() >= self.limits.mime_parts {
            return Err(Error::limit("mime_parts", self.limits.mime_parts, start));
        }
        let (mut bytes, mut line) = (std::mem::take(&mut self.header), std::mem::take(&mut self.line));
        bytes.clear();
        let mut delimiter = None;
        loop {
            line.clear();
            let room = self.limits.header_bytes.saturating_sub(bytes.len());
            if !self.lines.whole(&mut line, room)? {
                break;
            }
            if line.len() > room {
                return Err(Error::limit("header_bytes", self.limits.header_bytes, start));
            }
            delimiter = self.delimiter(&line, Rest::Complete);
            if delimiter.is_some() {
                break;
            }
            bytes.extend_from_slice(&line);
            if is_blank_line(&line) {
                break;
            }
        }
        self.header_bytes += bytes.len();
        let all = self.limits.header_bytes.saturating_mul(HEADERS_PER_MAIL);
        if self.header_bytes > all {
            return Err(Error::limit("header_bytes of all parts", all, start));
        }
        let header = HeaderBlock::take(bytes.as_slice().to_vec(), start, self.limits)?;
        (self.header, self.line) = (bytes, line);
        let node = self.add(header, start, parent);
        if let Some(delimiter) = delimiter {
            return match self.apply(delimiter) {
                Some(parent) => Ok(Some(Some(parent))),
                None => self.body(),
            };
        }
        if self.enter(node) {
            return Ok(Some(Some(node)));
        }
        if self.open.iter().all(|frame| frame.boundary.is_none()) {
            // Nothing can end this body but the end of the input.
            self.lines.position = match source.length() {
                Some(length) => length.max(self.lines.position),
                None => self.lines.read_to_end_of_input()?,
            };
            self.finish(0, self.lines.position);
            return Ok(None);
        }
        self.body()
    }

    /// Goes on to the next boundary that means something.
    fn body(&mut self) -> Result<Option<Option<usize>>> {
        let mut line = std::mem::take(&mut self.line);
        loop {
            line.clear();
            let Some(rest) = self.lines.hyphens(&mut line)? else {
                let end = self.lines.position;
                self.end_margin(end);
                self.finish(0, end);
                return Ok(None);
            };
            let Some(delimiter) = self.delimiter(&line, rest) else {
                self.lines.margin.add(&line);
                continue;
            };
            if let Some(parent) = self.apply(delimiter) {
                self.line = line;
                return Ok(Some(Some(parent)));
            }
        }
    }

    /// Makes a node of a header that was read.
    fn add(&mut self, header: HeaderBlock, start: u64, parent: Option<usize>) -> usize {
        let above = parent.and_then(|parent| self.nodes.get_mut(parent));
        let mut content_type = header.content_type();
        let path = match above {
            None => String::new(),
            Some(above) => {
                // RFC 2046 section 5.1.5.
                if above.entity.media_type() == "multipart/digest" && header.all("Content-Type").next().is_none() {
                    content_type = Ok(ContentType::plain("message/rfc822"));
                }
                above.children += 1;
                match above.entity.path.as_str() {
                    "" => above.children.to_string(),
                    path => format!("{path}.{}", above.children),
                }
            }
        };
        let encoding = header.transfer_encoding();
        let end = start + header.len();
        let entity = Entity {
            path,
            start,
            end,
            body: 0,
            content_type,
            encoding,
            header,
            children: Vec::new(),
            closing: Closing::NotMultipart,
            preamble: Margin::default(),
            epilogue: Margin::default(),
            oddities: Vec::new(),
        };
        let node = self.nodes.len();
        self.nodes.push(Node { entity, parent, children: 0 });
        self.leaf = Some(node);
        node
    }

    /// Opens a multipart or a message; true where the next entity begins here.
    fn enter(&mut self, node: usize) -> bool {
        let depth = self.depth(node);
        let position = self.lines.position;
        let Some(entity) = self.nodes.get_mut(node).map(|node| &mut node.entity) else { return false };
        let mut odd = |code, text: &str| entity.oddities.push(Reason::new(code, text));
        let Ok(content_type) = &entity.content_type else { return false };
        if !content_type.is_multipart() && !content_type.is_message() {
            return false;
        }
        // RFC 2045 section 6.4: neither may be encoded. One that is stays whole: readers differ on it (SEC-23).
        if !entity.encoding.as_ref().is_ok_and(|encoding| encoding.is_identity()) {
            odd("encoded_container", "a multipart or a message has a transfer encoding, so it is not looked into");
            return false;
        }
        if depth >= self.limits.mime_depth {
            odd("mime_too_deep", "the parts are nested so deeply that this one is not looked into");
            return false;
        }
        if content_type.is_message() {
            self.leaf = None;
            self.open.push(Frame { node, boundary: None, closed: false });
            return true;
        }
        let boundary = match content_type.boundary() {
            Ok(boundary) => boundary.as_bytes().to_vec(),
            Err(error) => {
                entity.content_type = Err(error);
                return false;
            }
        };
        let reused = self.open.iter().any(|frame| !frame.closed && frame.boundary.as_ref() == Some(&boundary));
        if reused {
            // Its lines would be those of the multipart around it.
            entity.content_type = Err(Error::ambiguous("the boundary of a multipart around it", entity.start));
            return false;
        }
        self.leaf = None;
        entity.closing = Closing::Unclosed;
        entity.preamble = Margin { start: position, end: position, text: MarginText::Blank };
        self.open.push(Frame { node, boundary: Some(boundary), closed: false });
        self.lines.margin = MarginWatch::On { sample: Vec::new() };
        false
    }

    fn depth(&self, node: usize) -> usize {
        let parent = |node: usize| self.nodes.get(node).and_then(|node| node.parent);
        std::iter::successors(Some(node), |node| parent(*node)).count()
    }

    /// The outermost multipart that the line belongs to.
    fn delimiter(&self, line: &[u8], rest: Rest) -> Option<Delimiter> {
        let text = trim_line_end(line).strip_prefix(b"--")?;
        // RFC 2046 section 5.1.1: blanks may follow a boundary on its line.
        let text = match rest {
            Rest::Complete | Rest::Blank => trim_blanks(text),
            Rest::Text => return None,
        };
        self.open.iter().enumerate().filter(|(_, frame)| !frame.closed).find_map(|(n, frame)| {
            match text.strip_prefix(frame.boundary.as_deref()?)? {
                b"" => Some(Delimiter::Part(n)),
                b"--" => Some(Delimiter::Close(n)),
                _ => None,
            }
        })
    }

    /// Ends what the line ends; `Some` with the multipart in which a part begins after it.
    fn apply(&mut self, delimiter: Delimiter) -> Option<usize> {
        let end = self.lines.content_end;
        self.end_margin(end);
        let (Delimiter::Part(frame) | Delimiter::Close(frame)) = delimiter;
        self.finish(frame + 1, end);
        let frame = self.open.get_mut(frame)?;
        if let Delimiter::Part(_) = delimiter {
            return Some(frame.node);
        }
        frame.closed = true;
        let position = self.lines.position;
        if let Some(Node { entity, .. }) = self.nodes.get_mut(frame.node) {
            entity.closing = Closing::Closed;
            entity.epilogue = Margin { start: position, end: position, text: MarginText::Blank };
        }
        self.lines.margin = MarginWatch::On { sample: Vec::new() };
        None
    }

    /// A preamble or an epilogue that was being read ends here.
    fn end_margin(&mut self, end: u64) {
        let text = match std::mem::replace(&mut self.lines.margin, MarginWatch::Off) {
            MarginWatch::Off => return,
            MarginWatch::On { sample } if sample.is_empty() => MarginText::Blank,
            MarginWatch::On { sample } => judge_margin(&sample),
        };
        let Some(frame) = self.open.last() else { return };
        if let Some(entity) = self.nodes.get_mut(frame.node).map(|node| &mut node.entity) {
            let margin = if frame.closed { &mut entity.epilogue } else { &mut entity.preamble };
            margin.end = end.max(margin.start);
            margin.text = text;
        }
    }

    /// Ends the leaf that is being read, and the frames from `from` on.
    fn finish(&mut self, from: usize, end: u64) {
        let frames = self.open.drain(from.min(self.open.len())..).map(|frame| frame.node);
        for ended in frames.chain(self.leaf.take()) {
            if let Some(Node { entity, .. }) = self.nodes.get_mut(ended) {
                entity.end = end.max(entity.start);
            }
        }
    }
}

/// Puts the nodes into one another, and the bodies where they begin.
fn assemble(nodes: Vec<Node>) -> Entity {
    let mut waiting = nodes;
    let mut children: Vec<Vec<Entity>> = waiting.iter().map(|_| Vec::new()).collect();
    let mut last = None;
    // A parent stands before its children, so that from the end on each is complete when its turn comes.
    while let Some(Node { mut entity, parent, .. }) = waiting.pop() {
        entity.children = children.pop().unwrap_or_default();
        entity.children.reverse();
        // A message of which not even a header is there begins where the part around it ends.
        for child in &mut entity.children {
            child.start = child.start.min(entity.end);
            child.body = child.body.min(entity.end);
            child.end = child.end.min(entity.end);
        }
        // The line end before a boundary may be the blank line that ends the header.
        entity.body = (entity.start + entity.header.len()).min(entity.end);
        match parent.and_then(|parent| children.get_mut(parent)) {
            Some(siblings) => siblings.push(entity),
            None => last = Some(entity),
        }
    }
    last.unwrap_or_else(|| Entity {
        path: String::new(),
        start: 0,
        end: 0,
        header: HeaderBlock::default(),
        content_type: Ok(ContentType::default()),
        encoding: Ok(TransferEncoding::SevenBit),
        body: 0,
        children: Vec::new(),
        closing: Closing::NotMultipart,
        preamble: Margin::default(),
        epilogue: Margin::default(),
        oddities: Vec::new(),
    })
}

fn trim_blanks(mut text: &[u8]) -> &[u8] {
    while let [head @ .., b' ' | b'\t'] = text {
        text = head;
    }
    text
}

/// What mail programs write before the first boundary.
const STOCK: [&str; 6] = [
    "this is a multi-part message in mime format",
    "this is a multipart message in mime format",
    "this is a cryptographically signed message in mime format",
    "this is an s/mime signed message",
    "this is a mime-formatted message",
    "this is an openpgp/mime signed message",
];

fn judge_margin(sample: &[u8]) -> MarginText {
    let text = String::from_utf8_lossy(sample).to_ascii_lowercase();
    let stock = STOCK.iter().any(|phrase| {
        let rest = text.strip_prefix(phrase);
        rest.is_some_and(|rest| matches!(rest.trim_end(), "" | "." | " (rfc 4880 and 3156)"))
    });
    // A sample that is full may have anything after it.
    if stock && sample.len() < MARGIN_SAMPLE { MarginText::Stock } else { MarginText::Text }
}

/// Whether text that belongs to no part is being read, and its first words.
enum MarginWatch {
    Off,
    On { sample: Vec<u8> },
}

impl MarginWatch {
    fn add(&mut self, piece: &[u8]) {
        let MarginWatch::On { sample } = self else { return };
        if sample.len() >= MARGIN_SAMPLE {
            return;
        }
        let piece = if sample.is_empty() { piece.trim_ascii_start() } else { piece };
        sample.extend(piece.iter().take(MARGIN_SAMPLE - sample.len()));
    }
}

/// What follows the part of a line that was kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Nothing; the whole line was kept.
    Complete,
    /// Blanks alone.
    Blank,
    /// Something.
    Text,
}

/// The input, line by line where lines matter.
struct Lines<'s> {
    reader: Box<dyn BufRead + 's>,
    /// Bytes gone past.
    position: u64,
    /// The last two of them.
    last: [u8; 2],
    /// Of the line read last: where what stands before it ends, without its line end.
    content_end: u64,
    margin: MarginWatch,
}

/// What begins a line with two hyphens, behind the first line.
static HYPHENS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\n--"));

impl<'s> Lines<'s> {
    fn new(reader: Box<dyn BufRead + 's>) -> Self {
        Self { reader, position: 0, last: *b"\r\n", content_end: 0, margin: MarginWatch::Off }
    }

    fn fill(&mut self) -> Result<&[u8]> {
        // Asked twice, since a borrow that is returned cannot be asked for again within the loop.
        loop {
            match self.reader.fill_buf() {
                Ok(_) => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(self.reader.fill_buf()?)
    }

    fn consume(&mut self, count: usize, tail: [Option<u8>; 2]) {
        self.reader.consume(count);
        self.position += count as u64;
        match tail {
            [Some(a), Some(b)] => self.last = [a, b],
            [None, Some(b)] => self.last = [self.last[1], b],
            _ => {}
        }
    }

    /// A line begins here: remembers where the text before it ends.
    fn begin_line(&mut self) {
        let line_end = match self.last {
            _ if self.position == 0 => 0,
            [b'\r', b'\n'] => 2,
            _ => 1,
        };
        self.content_end = self.position.saturating_sub(line_end);
    }

    /// The whole next line; false at the end of the input. Reading stops where the line is longer than `room`.
    fn whole(&mut self, line: &mut Vec<u8>, room: usize) -> Result<bool> {
        self.begin_line();
        loop {
            let chunk = self.fill()?;
            let end = memchr::memchr(b'\n', chunk);
            let piece = end.map_or(chunk, |end| chunk.get(..=end).unwrap_or_default());
            let used = piece.len();
            line.extend_from_slice(piece.get(..room.saturating_add(1)).unwrap_or(piece));
            let tail = tail_of(piece);
            self.consume(used, tail);
            if end.is_some() || used == 0 || line.len() > room {
                return Ok(!line.is_empty());
            }
        }
    }

    /// Goes on to the next line that begins with two hyphens, and through it; `line` gets its beginning. `None` at the
    /// end of the input.
    fn hyphens(&mut self, line: &mut Vec<u8>) -> Result<Option<Rest>> {
        loop {
            if self.last[1] == b'\n' {
                match self.fill()?.first() {
                    None => return Ok(None),
                    Some(b'-') => {
                        line.clear();
                        let rest = self.prefix(line)?;
                        if line.starts_with(b"--") {
                            return Ok(Some(rest));
                        }
                        self.margin.add(line);
                        continue;
                    }
                    Some(_) => {}
                }
            }
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e.into()),
            };
            if chunk.is_empty() {
                return Ok(None);
            }
            let count = match HYPHENS.find(chunk) {
                Some(at) => at + 1,
                // The hyphens may follow in the next piece of input.
                None if chunk.ends_with(b"\n-") => chunk.len() - 1,
                None => chunk.len(),
            };
            let piece = chunk.get(..count).unwrap_or_default();
            self.margin.add(piece);
            let tail = tail_of(piece);
            self.consume(count, tail);
        }
    }

    /// One line, of which the beginning is kept.
    fn prefix(&mut self, line: &mut Vec<u8>) -> Result<Rest> {
        self.begin_line();
        let mut rest = Rest::Complete;
        loop {
            let chunk = self.fill()?;
            let end = memchr::memchr(b'\n', chunk);
            let piece = end.map_or(chunk, |end| chunk.get(..=end).unwrap_or_default());
            let kept = piece.len().min(LINE_PREFIX.saturating_sub(line.len()));
            let (kept, dropped) = piece.split_at_checked(kept).unwrap_or_default();
            line.extend_from_slice(kept);
            if rest != Rest::Text && !dropped.is_empty() {
                let blank = dropped.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
                rest = if blank { Rest::Blank } else { Rest::Text };
            }
            let (used, tail) = (piece.len(), tail_of(piece));
            self.consume(used, tail);
            if end.is_some() || used == 0 {
                return Ok(rest);
            }
        }
    }

    fn read_to_end_of_input(&mut self) -> Result<u64> {
        loop {
            let count = self.fill()?.len();
            if count == 0 {
                return Ok(self.position);
            }
            self.consume(count, [None, None]);
        }
    }
}

/// The last two bytes of a piece, as far as it has them.
fn tail_of(piece: &[u8]) -> [Option<u8>; 2] {
    match piece {
        [.., a, b] => [Some(*a), Some(*b)],
        [b] => [None, Some(*b)],
        [] => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::super::ErrorKind;
    use super::*;
    use crate::base::source::{Memory, Rewindable};
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Gives a few bytes at a time, and does not say how long it is.
    struct Slow(Vec<u8>, usize);

    impl Source for Slow {
        fn reader(&self, offset: u64) -> io::Result<Box<dyn BufRead + '_>> {
            Ok(Box::new(io::BufReader::with_capacity(self.1, &self.0[offset as usize..])))
        }
    }

    fn tree(text: &str) -> Entity {
        let whole = scan(&Memory::borrowed(text.as_bytes()), &Limits::default()).unwrap();
        for piece in [1, 2, 3, 7, 64] {
            let slow: SharedSource<'_> = Arc::new(Slow(text.as_bytes().to_vec(), piece));
            assert_eq!(outline(text, &scan(&slow, &Limits::default()).unwrap()), outline(text, &whole), "{piece}");
        }
        whole
    }

    /// One line for each entity: path, type, body.
    fn outline(text: &str, root: &Entity) -> Vec<String> {
        root.walk()
            .map(|e| {
                let body = &text[e.body as usize..e.end as usize];
                let body = if e.children.is_empty() { body } else { "" };
                format!(
                    "{} {} {body:?} {:?} {:?}/{:?}",
                    e.path,
                    e.media_type(),
                    e.closing,
                    e.preamble.text,
                    e.epilogue.text
                )
            })
            .collect()
    }

    fn bodies(text: &str) -> Vec<(String, String)> {
        let root = tree(text);
        root.walk()
            .filter(|e| e.children.is_empty())
            .map(|e| (e.path.clone(), text[e.body as usize..e.end as usize].to_owned()))
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn a_mail_without_parts_is_one_entity() {
        let root = tree("Subject: x\r\n\r\nbody\r\n--x\r\n");
        assert_eq!((root.path.as_str(), root.start, root.body, root.end), ("", 0, 14, 25));
        assert_eq!(root.media_type(), "text/plain");
        assert_eq!(tree("").end, 0);
        assert_eq!(tree("no header at all").end, 16);
    }

    #[test]
    fn parts_end_before_the_line_end_of_their_boundary() {
        for line_end in ["\r\n", "\n"] {
            let text = "Content-Type: multipart/mixed; boundary=\"b b\"\n\nThis is a multi-part message in MIME format.\n\
                        --b b\n\none \n\n--b b \t\nContent-Type: text/html\n\n--b\n--b bb\n--b b-- x\n\n--b b\nA: no blank line\n\
                        --b b\n\n--b b--\nepilogue\n"
                .replace('\n', line_end);
            let expected = pairs(&[("1", "one \n"), ("2", "--b\n--b bb\n--b b-- x\n"), ("3", ""), ("4", "")]);
            let found: Vec<_> = bodies(&text).into_iter().map(|(p, b)| (p, b.replace(line_end, "\n"))).collect();
            assert_eq!(found, expected);
            let root = tree(&text);
            assert_eq!(
                (root.closing, root.preamble.text, root.epilogue.text),
                (Closing::Closed, MarginText::Stock, MarginText::Text)
            );
            let whole = |n: usize| &text[root.children[n].start as usize..root.children[n].end as usize];
            assert_eq!(whole(0), format!("{line_end}one {line_end}"));
            assert_eq!(whole(2), "A: no blank line");
            assert_eq!(&text[root.epilogue.start as usize..root.epilogue.end as usize], format!("epilogue{line_end}"));
            assert_eq!(root.end as usize, text.len());
        }
    }

    #[test]
    fn an_outer_boundary_ends_all_that_is_open_within() {
        let text = "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
                    Content-Type: multipart/alternative; boundary=x--y\r\n\r\n\r\n--x--y\r\n\r\ninner\r\n\
                    --x\r\nContent-Type: message/rfc822\r\n\r\n\
                    Subject: mail\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n\r\nlast\r\n--z--\r\nafter\r\n--x--\r\n";
        assert_eq!(bodies(text), pairs(&[("1.1", "inner"), ("2.1.1", "last")]));
        let root = tree(text);
        let at = |path: &str| root.find(path).unwrap();
        assert_eq!(at("1").closing, Closing::Unclosed);
        assert_eq!(at("1").preamble.text, MarginText::Blank);
        assert_eq!(at("2.1").closing, Closing::Closed);
        assert_eq!(at("2.1").epilogue.text, MarginText::Text);
        assert_eq!(at("2.1").header.unique("Subject").unwrap().unwrap().text(), "mail");
        assert_eq!((at("2").end, at("2.1").end), (at("2.1").epilogue.end, at("2.1").epilogue.end));
        assert_eq!(at("2.1.1").end + 9, at("2.1").epilogue.start);
        assert_eq!((root.closing, root.epilogue.text), (Closing::Closed, MarginText::Blank));
    }

    #[test]
    fn digests_hold_messages() {
        let text = "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: a\n\nA\n--b\nContent-Type: text/plain\n\nB\n--b--\n";
        assert_eq!(bodies(text), pairs(&[("1.1", "A"), ("2", "B")]));
    }

    #[test]
    fn sec_021_two_content_types_make_an_opaque_leaf() {
        let root = tree(
            "Content-Type: multipart/mixed; boundary=a\nContent-Type: multipart/mixed; boundary=b\n\n--a\n\n--b--\n",
        );
        assert!(root.children.is_empty());
        assert!(matches!(root.content_type.unwrap_err().kind, ErrorKind::Ambiguous { .. }));
    }

    #[test]
    fn sec_022_boundaries_are_whole_lines_and_one_of_a_kind() {
        let long = "x".repeat(71);
        for bad in ["", "boundary=\"\"", "boundary=a; boundary=b", &format!("boundary={long}")] {
            let root = tree(&format!("Content-Type: multipart/mixed; {bad}\n\n--a\n\none\n--b\n\n--{long}\n"));
            assert!(root.children.is_empty() && root.content_type.is_err(), "{bad}");
        }
        let boundary = "y".repeat(70);
        let blanks = " ".repeat(500);
        let text = format!(
            "Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}{blanks}\n\none\n--{boundary}y\n--{boundary}{blanks}x\n --{boundary}\n--{boundary}--{blanks}\n"
        );
        assert_eq!(
            bodies(&text),
            [("1".to_owned(), format!("one\n--{boundary}y\n--{boundary}{blanks}x\n --{boundary}"))]
        );
        let text = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n";
        let root = tree(text);
        assert_eq!(root.children.len(), 2);
        assert!(matches!(root.children[0].content_type.as_ref().unwrap_err().kind, ErrorKind::Ambiguous { .. }));
    }

    #[test]
    fn sec_023_an_encoded_multipart_is_not_looked_into() {
        for encoding in ["base64", "quoted-printable", "x-unknown"] {
            let text = format!(
                "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: {encoding}\n\n--b\n\none\n--b--\n"
            );
            let root = tree(&text);
            assert!(root.children.is_empty());
            assert_eq!(root.oddities[0].code, "encoded_container");
        }
    }

    #[test]
    fn sec_019_text_around_the_parts_is_told_apart() {
        let judge = |preamble: &str| {
            tree(&format!("Content-Type: multipart/mixed; boundary=b\n\n{preamble}\n--b\n\none\n--b--\n")).preamble.text
        };
        assert_eq!(judge("  \n\t\r\n"), MarginText::Blank);
        assert_eq!(judge("This is a cryptographically signed message in MIME format.\n"), MarginText::Stock);
        assert_eq!(judge("This is an S/MIME signed message"), MarginText::Stock);
        assert_eq!(judge("This is an S/MIME signed message. Pay me."), MarginText::Text);
        assert_eq!(judge(&format!("This is an S/MIME signed message{}Pay me.", " ".repeat(1000))), MarginText::Text);
        assert_eq!(judge("--bx"), MarginText::Text);
        assert_eq!(judge("-"), MarginText::Text);
    }

    #[test]
    fn sec_096_deep_nesting_ends_in_a_leaf() {
        let mut text = String::new();
        for n in 0..2500 {
            text += &format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n");
        }
        let root = scan(&Memory::borrowed(text.as_bytes()), &Limits::default()).unwrap();
        assert_eq!(root.walk().count(), 32);
        assert_eq!(root.walk().last().unwrap().oddities[0].code, "mime_too_deep");
        let text = "Content-Type: message/rfc822\n\n".repeat(100_000);
        let root = scan(&Memory::borrowed(text.as_bytes()), &Limits::default()).unwrap();
        assert_eq!(root.walk().last().unwrap().path.len(), 31 * 2 - 1);
    }

    #[test]
    fn sec_098_parts_and_headers_are_counted() {
        let limit_of = |text: &str| match scan(&Memory::borrowed(text.as_bytes()), &Limits::default()).unwrap_err().kind
        {
            ErrorKind::Limit { name, .. } => name,
            other => panic!("{other}"),
        };
        let head = "Content-Type: multipart/mixed; boundary=b\n\n";
        assert_eq!(limit_of(&format!("{head}{}", "--b\n".repeat(1_000_000))), "mime_parts");
        assert_eq!(limit_of(&"A: b\n".repeat(1_000_000)), "header_bytes");
        assert_eq!(limit_of(&"x".repeat(2 << 20)), "header_bytes");
        let part = format!("--b\n{}\n", "A: b\n".repeat(200_000));
        assert_eq!(limit_of(&format!("{head}{}", part.repeat(20))), "header_bytes of all parts");
        let parts = format!("{head}{}", "--b\n".repeat(9_999));
        let root = scan(&Memory::borrowed(parts.as_bytes()), &Limits::default()).unwrap();
        assert_eq!(root.children.len(), 9_999);
    }

    #[test]
    fn files_and_encoded_parts_are_read() {
        let text = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n--b--\r\n";
        let source: SharedSource<'_> = Arc::new(Rewindable::new(io::Cursor::new(text.to_vec())).unwrap());
        let root = scan(&source, &Limits::default()).unwrap();
        let mut decoded = String::new();
        root.children[0].decoded(&source, Strictness::Strict).unwrap().read_to_string(&mut decoded).unwrap();
        assert_eq!(decoded, "Hello");
        let mut raw = String::new();
        root.children[0].content(&source).reader(0).unwrap().read_to_string(&mut raw).unwrap();
        assert_eq!(raw, "SGVsbG8=");
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(lines in prop::collection::vec("(--a|--b|--a--|--b--|Content-Type: multipart/mixed; boundary=b||-|x|Content-Type: message/rfc822)(\r?\n)?", 0..30)) {
            let text = format!("Content-Type: multipart/mixed; boundary=a\n\n{}", lines.concat());
            let root = tree(&text);
            for entity in root.walk() {
                prop_assert!(entity.start <= entity.body && entity.body <= entity.end && entity.end as usize <= text.len());
                let mut at = entity.body;
                for child in &entity.children {
                    prop_assert!(at <= child.start && child.end <= entity.end, "{:?}", outline(&text, &root));
                    at = child.end;
                }
            }
        }
    }
}
