//! What will be protected: a mail taken apart into the header that stays outside and the entity that is signed or
//! encrypted, made so that no relay has a reason to change it (RFC 8551 section 3.1; SEC-142).
//!
//! A [`Plan`] holds no content. It says how the entity is made from the input, and makes it as often as it is asked to,
//! each time the same bytes, in constant memory: once to be digested, once more to be written.

mod cursor;

use self::cursor::{CanonicalReader, Cursor, Range, Sink};
use super::canonical::{Canonical, canonical};
use super::content_type::ContentType;
use super::emit::BoundaryWatch;
use super::entity::{Closing, Entity, MarginText, scan};
use super::header::line_at;
use super::mailboxes::Mailboxes;
use super::outer::{Arrangement, Outer, is_content_field, is_of_the_message};
use super::safety::{Safety, lines_fit};
use super::transfer::{Base64Writer, QuotedPrintableWriter, Strictness, TransferEncoding, decode};
use super::{ErrorKind, Result};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::source::SharedSource;
use std::borrow::Cow;
use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;

/// A mail taken apart for protection.
pub struct Protected<'a> {
    /// The header fields that stay outside.
    pub outer: Outer,
    /// Who it is from and to. Bcc stays inside here, and is removed from what is sent.
    pub mailboxes: Mailboxes,
    /// Whether it is signed or encrypted already.
    pub kind: Kind,
    /// The entity to protect, with every Content-* field.
    pub plan: Plan<'a>,
    /// The same without the fields that [`Arrangement::InPlace`] leaves outside.
    bare: Plan<'a>,
    /// The mail as it was read.
    pub entity: Entity,
    /// What was changed or left out, and what could not be made safe.
    pub notes: Vec<Reason>,
}

/// What a mail is before anything is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Neither signed nor encrypted.
    Plain,
    /// A multipart/signed, or CMS SignedData.
    AlreadySigned,
    /// A multipart/encrypted, or CMS that is not said to be anything else.
    AlreadyEncrypted,
}

/// How an entity is made from a source.
#[derive(Clone)]
pub struct Plan<'a> {
    source: SharedSource<'a>,
    pieces: Arc<[Piece]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// These bytes.
    Text(Vec<u8>),
    /// A range of the source with CRLF line ends.
    Canonical(Range),
    /// A range of the source, whose line ends were seen to be CRLF.
    Verbatim(Range),
    /// A range of the source, decoded and encoded anew.
    Encoded { range: Range, line_ends: LineEnds, from: TransferEncoding, to: TransferEncoding },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnds {
    /// Lines, which end with CRLF once they are encoded.
    Canonical,
    /// Bytes.
    AsTheyAre,
}

impl<'a> Protected<'a> {
    /// Takes a mail apart. Its content is read twice: to find its parts, and to see whether they are safe.
    ///
    /// # Errors
    /// [`ErrorKind::Ambiguous`] where From, Sender, Content-Type or Content-Transfer-Encoding is there twice,
    /// [`ErrorKind::Limit`], [`ErrorKind::Io`].
    pub fn prepare(source: &SharedSource<'a>, limits: &Limits) -> Result<Self> {
        let entity = scan(source, limits)?;
        for error in [entity.content_type.as_ref().err(), entity.encoding.as_ref().err()].into_iter().flatten() {
            if matches!(error.kind, ErrorKind::Ambiguous { .. }) {
                return Err(error.clone());
            }
        }
        let mut maker = Maker { cursor: Cursor::new(source.as_ref()), limits, notes: Vec::new(), re_encoded: 0 };
        maker.notes.extend_from_slice(entity.header.oddities());
        let Root { whole, bare, body } = maker.root(&entity)?;
        let mailboxes = Mailboxes::read(&entity.header, limits)?;
        let kind = kind(&entity);
        let mut notes = maker.notes;
        if maker.re_encoded > 0 {
            let parts = maker.re_encoded;
            notes.push(Reason::new(
                "re_encoded",
                format!("{parts} parts were encoded anew, so that no relay changes them"),
            ));
        }
        let plan = |header: Vec<u8>| {
            let pieces = [Piece::Text(header)].into_iter().chain(body.iter().cloned());
            Plan { source: Arc::clone(source), pieces: pieces.collect() }
        };
        let (plan, bare) = (plan(whole), plan(bare));
        Ok(Self { outer: Outer::of(&entity.header), mailboxes, kind, plan, bare, entity, notes })
    }
}

impl<'a> Protected<'a> {
    /// The entity to protect, where the header outside is arranged so.
    pub fn plan_for(&self, arrangement: Arrangement) -> &Plan<'a> {
        match arrangement {
            Arrangement::AtTheEnd => &self.plan,
            Arrangement::InPlace => &self.bare,
        }
    }
}

impl<'a> Plan<'a> {
    /// The source as it is, but for CRLF line ends: for an entity that was made to be protected.
    pub fn verbatim(source: &SharedSource<'a>) -> Self {
        let whole = Piece::Canonical(Range { start: 0, end: None });
        Self { source: Arc::clone(source), pieces: [whole].into() }
    }

    /// The same entity with further fields at the top of its header; each ends with CRLF.
    pub(crate) fn headed(&self, fields: Vec<u8>) -> Self {
        let pieces = [Piece::Text(fields)].into_iter().chain(self.pieces.iter().cloned()).collect();
        Self { source: Arc::clone(&self.source), pieces }
    }

    /// Makes the entity, and hands it over piece by piece.
    ///
    /// # Errors
    /// What reading the source reports, and what `out` reports.
    pub fn for_each(&self, out: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut cursor = Cursor::new(self.source.as_ref());
        for piece in self.pieces.iter() {
            match piece {
                Piece::Text(bytes) => out(bytes)?,
                Piece::Canonical(range) => {
                    let mut canonical = Canonical::new();
                    cursor.each(*range, &mut |chunk| canonical.feed(chunk, out))?;
                }
                Piece::Verbatim(range) => cursor.each(*range, out)?,
                Piece::Encoded { range, line_ends, from, to } => {
                    let raw: Box<dyn BufRead + '_> = Box::new(cursor.limited(*range)?);
                    // Line ends are made CRLF before decoding: afterwards, an LF may be data.
                    let raw = match line_ends {
                        LineEnds::Canonical => Box::new(CanonicalReader::new(raw)),
                        LineEnds::AsTheyAre => raw,
                    };
                    encode(decode(raw, *from, Strictness::Lenient), *to, Sink(out))?;
                }
            }
        }
        Ok(())
    }

    /// Makes the entity into a writer.
    ///
    /// # Errors
    /// As for [`Plan::for_each`].
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        self.for_each(&mut |bytes| out.write_all(bytes))
    }

    /// Makes the entity in memory.
    ///
    /// # Errors
    /// As for [`Plan::for_each`].
    pub fn to_vec(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        self.write_to(&mut all)?;
        Ok(all)
    }

    /// How many bytes the entity has, by making what cannot be counted otherwise.
    ///
    /// # Errors
    /// As for [`Plan::for_each`].
    pub fn length(&self) -> io::Result<u64> {
        if let Some(length) = self.counted() {
            return Ok(length);
        }
        let mut length = 0_u64;
        self.for_each(&mut |bytes| {
            length = length.saturating_add(bytes.len() as u64);
            Ok(())
        })?;
        Ok(length)
    }

    /// How many bytes the entity has, where that is known without making it.
    pub(crate) fn counted(&self) -> Option<u64> {
        let length = |piece: &Piece| match piece {
            Piece::Text(bytes) => Some(bytes.len() as u64),
            Piece::Verbatim(Range { start, end: Some(end) }) => Some(end.saturating_sub(*start)),
            Piece::Verbatim(_) | Piece::Canonical(_) | Piece::Encoded { .. } => None,
        };
        self.pieces.iter().map(length).try_fold(0_u64, |sum, length| sum.checked_add(length?))
    }

    /// Whether `--` and this boundary stand anywhere in the entity (SEC-144).
    ///
    /// # Errors
    /// As for [`Plan::for_each`].
    pub fn contains_boundary(&self, boundary: &str) -> io::Result<bool> {
        let mut watch = BoundaryWatch::new(boundary);
        self.for_each(&mut |bytes| {
            watch.feed(bytes);
            Ok(())
        })?;
        Ok(watch.found())
    }
}

fn encode(mut from: Box<dyn BufRead + '_>, to: TransferEncoding, sink: Sink<'_>) -> io::Result<()> {
    match to {
        TransferEncoding::Base64 => {
            let mut writer = Base64Writer::new(sink);
            io::copy(&mut from, &mut writer)?;
            writer.finish()?;
        }
        _ => {
            let mut writer = QuotedPrintableWriter::new(sink);
            io::copy(&mut from, &mut writer)?;
            writer.finish()?;
        }
    }
    Ok(())
}

/// OUT-60 (f, i): what the outermost entity says it is. What a CMS really is, its own floor knows.
fn kind(entity: &Entity) -> Kind {
    let Ok(content_type) = &entity.content_type else { return Kind::Plain };
    let name = content_type.parameter("name").unwrap_or_default().to_ascii_lowercase();
    match content_type.media_type.as_str() {
        "multipart/signed" => Kind::AlreadySigned,
        "multipart/encrypted" => Kind::AlreadyEncrypted,
        "application/octet-stream" if name.ends_with(".p7m") => Kind::AlreadyEncrypted,
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => {
            match content_type.parameter("smime-type").unwrap_or_default().to_ascii_lowercase().as_str() {
                "signed-data" | "signed-receipt" => Kind::AlreadySigned,
                "certs-only" | "compressed-data" => Kind::Plain,
                _ => Kind::AlreadyEncrypted,
            }
        }
        _ => Kind::Plain,
    }
}

/// A part, or a body, as it will be.
struct Made {
    pieces: Vec<Piece>,
    /// Whether it differs from the original in more than line ends.
    changed: bool,
    /// Whether it is safe from relays.
    safe: bool,
    /// Whether all its line ends are CRLF in the source, its header's included.
    crlf: bool,
    /// A transfer encoding that its header must name now.
    encoding: Option<TransferEncoding>,
}

impl Made {
    fn unchanged(start: u64, end: u64, safe: bool, crlf: bool) -> Self {
        Self { pieces: vec![unchanged(start, end, crlf)], changed: false, safe, crlf, encoding: None }
    }
}

fn unchanged(start: u64, end: u64, crlf: bool) -> Piece {
    let range = Range { start, end: Some(end) };
    if crlf { Piece::Verbatim(range) } else { Piece::Canonical(range) }
}

/// The mail itself as it will be.
struct Root {
    /// Its header in the entity.
    whole: Vec<u8>,
    /// The same without the fields that speak of the message.
    bare: Vec<u8>,
    body: Vec<Piece>,
}

/// A delimiter as it stands in the source.
struct Delimiter {
    /// Whether it is a line end, the delimiter, and a line end, with no blanks that a relay may strip.
    plain: bool,
    /// Whether its line ends are CRLF.
    crlf: bool,
}

struct Maker<'s, 'l> {
    cursor: Cursor<'s>,
    limits: &'l Limits,
    notes: Vec<Reason>,
    re_encoded: usize,
}

impl Maker<'_, '_> {
    /// The mail itself: of its header, the Content-* fields.
    fn root(&mut self, entity: &Entity) -> Result<Root> {
        let body = self.body(entity)?;
        let mut header = Vec::new();
        if entity.header.all("Content-Type").next().is_none() {
            header.extend_from_slice(b"Content-Type: text/plain; charset=");
            header.extend_from_slice(self.charset(entity)?.as_bytes());
            header.extend_from_slice(b"\r\n");
        }
        // RFC 5322 has no Content-Length; it is left behind by mbox files, and counts what is not sent.
        let kept = || entity.header.fields().filter(|f| is_content_field(f.name) && !f.is("Content-Length"));
        let lines: Vec<&[u8]> = kept().map(|field| field.raw).collect();
        let of_body: Vec<&[u8]> = kept().filter(|field| !is_of_the_message(field)).map(|field| field.raw).collect();
        if lines.iter().any(|line| !line.is_ascii()) {
            self.note("eight_bit_header", "a Content-* header field has 8-bit characters, which a relay may change");
        }
        let mut bare = header.clone();
        write_header(&of_body, body.encoding, &mut bare);
        write_header(&lines, body.encoding, &mut header);
        if !body.safe {
            let text = "a part that may not be encoded anew has text that a relay may change";
            self.note("not_relay_safe", text);
        }
        Ok(Root { whole: header, bare, body: body.pieces })
    }

    /// A part with its header.
    fn part(&mut self, entity: &Entity) -> Result<Made> {
        let body = self.body(entity)?;
        let lines: Vec<&[u8]> = split_fields(entity.header.bytes());
        let mut header = Vec::new();
        write_header(&lines, body.encoding, &mut header);
        let header_safe = header.is_ascii() && lines_fit(&header, self.limits) && !header.contains(&0);
        if !header_safe {
            self.note(
                "eight_bit_header",
                "a part's header has 8-bit characters or long lines, which a relay may change",
            );
        }
        let safe = body.safe && header_safe;
        let original = canonical(entity.header.bytes());
        let crlf = body.crlf && matches!(original, Cow::Borrowed(_));
        if !body.changed && header == *original {
            return Ok(Made::unchanged(entity.start, entity.end, safe, crlf));
        }
        let mut pieces = vec![Piece::Text(header)];
        pieces.extend(body.pieces);
        Ok(Made { pieces, changed: true, safe, crlf, encoding: None })
    }

    fn body(&mut self, entity: &Entity) -> Result<Made> {
        let (Ok(content_type), Ok(encoding)) = (&entity.content_type, &entity.encoding) else {
            // Nobody knows what it is, so nobody may change it.
            return self.kept(entity);
        };
        let signed = matches!(content_type.media_type.as_str(), "multipart/signed" | "multipart/encrypted");
        let made = match entity.children.as_slice() {
            // A signature covers these bytes and no others.
            _ if signed => return self.kept(entity),
            [] if content_type.is_multipart() || content_type.is_message() => return self.kept(entity),
            [] => return self.leaf(entity, content_type, *encoding),
            [message] if content_type.is_message() => self.part(message)?,
            parts => self.multipart(entity, content_type.boundary()?, parts)?,
        };
        // RFC 2045 section 6.4: a container is what its parts are.
        let relabel = made.safe && !matches!(encoding, TransferEncoding::SevenBit);
        let changed = made.changed || relabel;
        Ok(Made { encoding: relabel.then_some(TransferEncoding::SevenBit), changed, ..made })
    }

    /// A body that stays as it is, whatever a relay may do to it.
    fn kept(&mut self, entity: &Entity) -> Result<Made> {
        let safety = self.judge(entity.body, entity.end)?;
        Ok(Made::unchanged(entity.body, entity.end, safety.is_safe(), !safety.lone_lf))
    }

    fn leaf(&mut self, entity: &Entity, content_type: &ContentType, encoding: TransferEncoding) -> Result<Made> {
        let safety = self.judge(entity.body, entity.end)?;
        let wide = content_type.parameter("charset").is_some_and(|charset| {
            let charset = charset.to_ascii_lowercase();
            ["utf-16", "utf-32", "ucs-", "iso-10646-ucs"].iter().any(|wide| charset.starts_with(wide))
        });
        let text = (content_type.is_text() || content_type.media_type.starts_with("message/")) && !wide;
        let bytes = encoding == TransferEncoding::Binary && !text;
        if safety.is_safe() && !(bytes && safety.lone_lf) {
            // What says 8bit may be encoded anew on the way, whatever is in it.
            let relabel = matches!(encoding, TransferEncoding::EightBit | TransferEncoding::Binary);
            let made = Made::unchanged(entity.body, entity.end, true, !safety.lone_lf);
            return Ok(Made { changed: relabel, encoding: relabel.then_some(TransferEncoding::SevenBit), ..made });
        }
        let to = match encoding {
            TransferEncoding::Base64 => TransferEncoding::Base64,
            TransferEncoding::QuotedPrintable => TransferEncoding::QuotedPrintable,
            _ if text => TransferEncoding::QuotedPrintable,
            _ => TransferEncoding::Base64,
        };
        self.re_encoded += 1;
        let range = Range { start: entity.body, end: Some(entity.end) };
        let line_ends = if bytes { LineEnds::AsTheyAre } else { LineEnds::Canonical };
        let piece = Piece::Encoded { range, line_ends, from: encoding, to };
        Ok(Made { pieces: vec![piece], changed: true, safe: true, crlf: !safety.lone_lf, encoding: Some(to) })
    }

    fn multipart(&mut self, entity: &Entity, boundary: &str, parts: &[Entity]) -> Result<Made> {
        let before = self.judge(entity.preamble.start, entity.preamble.end)?;
        let after_end = entity.epilogue.end.max(entity.epilogue.start);
        let after = self.judge(entity.epilogue.start, after_end)?;
        let mut changed = entity.closing != Closing::Closed || !before.is_safe() || !after.is_safe();
        let mut crlf = !before.lone_lf && !after.lone_lf;
        let mut from = entity.preamble.end;
        // A blank line before the first boundary, which Outlook writes within the outermost multipart.
        let led = self.is_line_end(from)? && entity.preamble.text == MarginText::Blank;
        let mut made = Vec::with_capacity(parts.len());
        let mut safe = true;
        for part in parts {
            let delimiter = self.delimiter(from, part.start, &format!("--{boundary}"))?;
            let part_made = self.part(part)?;
            changed |= !delimiter.plain || part_made.changed;
            crlf &= delimiter.crlf && part_made.crlf;
            safe &= part_made.safe;
            made.push(part_made);
            from = part.end;
        }
        if entity.closing == Closing::Closed {
            let delimiter = self.delimiter(from, entity.epilogue.start, &format!("--{boundary}--"))?;
            changed |= !delimiter.plain;
            crlf &= delimiter.crlf;
        }
        if !changed {
            return Ok(Made::unchanged(entity.body, entity.end, safe, crlf));
        }
        let mut pieces = Vec::new();
        let text = |pieces: &mut Vec<Piece>, text: String| pieces.push(Piece::Text(text.into_bytes()));
        if entity.preamble.text != MarginText::Blank {
            if before.is_safe() {
                pieces.push(unchanged(entity.preamble.start, entity.preamble.end, !before.lone_lf));
                text(&mut pieces, "\r\n".into());
            } else {
                self.note("preamble_dropped", "text before the first part, which belongs to none, was left out");
            }
        }
        for (n, part) in made.into_iter().enumerate() {
            let line_end = if n == 0 && !led { "" } else { "\r\n" };
            text(&mut pieces, format!("{line_end}--{boundary}\r\n"));
            pieces.extend(part.pieces);
        }
        text(&mut pieces, format!("\r\n--{boundary}--"));
        // The line end of the last boundary belongs to the boundary around it, where there is one.
        if entity.closing == Closing::Unclosed || entity.epilogue.start <= entity.end {
            text(&mut pieces, "\r\n".into());
        }
        if entity.epilogue.text != MarginText::Blank {
            if after.is_safe() {
                pieces.push(unchanged(entity.epilogue.start, after_end, !after.lone_lf));
            } else {
                self.note("epilogue_dropped", "text after the last part, which belongs to none, was left out");
            }
        }
        Ok(Made { pieces, changed: true, safe, crlf, encoding: None })
    }

    fn is_line_end(&mut self, at: u64) -> Result<bool> {
        let mut start = Vec::new();
        self.cursor.limited(Range { start: at, end: at.checked_add(2) })?.read_to_end(&mut start)?;
        Ok(start == b"\r\n" || start.first() == Some(&b'\n'))
    }

    /// Looks at a range in which a delimiter was found.
    fn delimiter(&mut self, start: u64, end: u64, delimiter: &str) -> Result<Delimiter> {
        let longest = delimiter.len() as u64 + 4;
        if end.saturating_sub(start) > longest {
            return Ok(Delimiter { plain: false, crlf: false });
        }
        let mut line = Vec::new();
        self.cursor.limited(Range { start, end: Some(end) })?.read_to_end(&mut line)?;
        let crlf = matches!(canonical(&line), Cow::Borrowed(_));
        let line = line.strip_prefix(b"\r").unwrap_or(&line);
        let line = line.strip_prefix(b"\n").unwrap_or(line);
        Ok(Delimiter { plain: super::header::trim_line_end(line) == delimiter.as_bytes(), crlf })
    }

    fn judge(&mut self, start: u64, end: u64) -> Result<Safety> {
        let mut safety = Safety::default();
        self.cursor.each(Range { start, end: Some(end) }, &mut |chunk| {
            safety.feed(chunk);
            Ok(())
        })?;
        Ok(safety)
    }

    /// The charset of a mail that names none.
    fn charset(&mut self, entity: &Entity) -> Result<&'static str> {
        if !self.judge(entity.body, entity.end)?.eight_bit {
            return Ok("us-ascii");
        }
        let mut utf8 = true;
        let mut cut: Vec<u8> = Vec::new();
        self.cursor.each(Range { start: entity.body, end: Some(entity.end) }, &mut |chunk| {
            // A character may be cut by the end of a chunk: at most three bytes of it come before.
            let (head, rest) = chunk.split_at_checked(chunk.len().min(4)).unwrap_or((chunk, b""));
            cut.extend_from_slice(head);
            let (joined, left) = check_utf8(&cut);
            utf8 &= joined;
            let skip = cut.len() - left;
            if skip >= cut.len() || !rest.is_empty() {
                // What of the head is left belongs to the character that goes on in the rest.
                let from = chunk.len().min(4) - left.min(head.len());
                let (sound, left) = check_utf8(chunk.get(from..).unwrap_or(rest));
                utf8 &= sound;
                cut = chunk.get(chunk.len() - left..).unwrap_or_default().to_vec();
            }
            Ok(())
        })?;
        Ok(if utf8 && cut.is_empty() { "utf-8" } else { "iso-8859-1" })
    }

    fn note(&mut self, code: &'static str, text: &str) {
        if !self.notes.iter().any(|known| known.code == code) {
            self.notes.push(Reason::new(code, text));
        }
    }
}

/// Whether the text is UTF-8 but for its last bytes, and how many of those are an unfinished character.
fn check_utf8(text: &[u8]) -> (bool, usize) {
    match std::str::from_utf8(text) {
        Ok(_) => (true, 0),
        Err(e) if e.error_len().is_none() => (true, text.len() - e.valid_up_to()),
        Err(_) => (false, 0),
    }
}

/// Header bytes as fields with their folds; lines that are no fields as they stand; without the blank line.
fn split_fields(header: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::new();
    let mut at = 0;
    while let Some(line) = line_at(header, at).filter(|line| !super::header::is_blank_line(line)) {
        let start = at;
        at += line.len();
        while let Some(next) = line_at(header, at).filter(|next| super::header::is_continuation(next)) {
            at += next.len();
        }
        fields.push(header.get(start..at).unwrap_or_default());
    }
    fields
}

/// Writes fields with CRLF line ends, no blanks before them, and the transfer encoding that is true now; then the blank
/// line.
fn write_header(fields: &[&[u8]], encoding: Option<TransferEncoding>, out: &mut Vec<u8>) {
    let mut due = encoding.map(TransferEncoding::name);
    for field in fields {
        let name = field.split(|b| *b == b':').next().unwrap_or_default().trim_ascii_end();
        if encoding.is_some() && name.eq_ignore_ascii_case(b"Content-Transfer-Encoding") {
            if let Some(name) = due.take() {
                out.extend_from_slice(format!("Content-Transfer-Encoding: {name}\r\n").as_bytes());
            }
            continue;
        }
        for line in field.split_inclusive(|b| *b == b'\n') {
            let line = line.trim_ascii_end();
            // A fold of nothing but blanks would end the header once they are stripped.
            if !line.is_empty() {
                out.extend_from_slice(line);
                out.extend_from_slice(b"\r\n");
            }
        }
    }
    if let Some(name) = due {
        out.extend_from_slice(format!("Content-Transfer-Encoding: {name}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}
