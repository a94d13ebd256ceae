//! A pull reader of BER over a slice (X.690 section 8): zero copy, bounded depth, indefinite lengths, constructed strings.

use super::{Error, ErrorKind, Result};
use crate::base::time::{Civil, Time};
use const_oid::ObjectIdentifier;
use std::borrow::Cow;
use std::fmt;

/// Nesting that no reader follows further (SEC-87). It is a constant here, not a field of `Limits`, because a
/// reader made over a slice that was handed out starts from that slice's own depth.
pub const MAX_DEPTH: u8 = 32;
/// Nesting of constructed strings inside one string (SEC-87).
pub const MAX_STRING_DEPTH: u8 = 8;

/// Class and number of a tag. Whether the element is primitive or constructed is a property of the element, since BER
/// allows both forms for strings.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag {
    class: u8,
    number: u32,
}

#[allow(missing_docs)] // the names of X.680
impl Tag {
    pub const BOOLEAN: Self = Self::universal(1);
    pub const INTEGER: Self = Self::universal(2);
    pub const BIT_STRING: Self = Self::universal(3);
    pub const OCTET_STRING: Self = Self::universal(4);
    pub const NULL: Self = Self::universal(5);
    pub const OID: Self = Self::universal(6);
    pub const ENUMERATED: Self = Self::universal(10);
    pub const UTF8_STRING: Self = Self::universal(12);
    pub const SEQUENCE: Self = Self::universal(16);
    pub const SET: Self = Self::universal(17);
    pub const PRINTABLE_STRING: Self = Self::universal(19);
    pub const TELETEX_STRING: Self = Self::universal(20);
    pub const IA5_STRING: Self = Self::universal(22);
    pub const UTC_TIME: Self = Self::universal(23);
    pub const GENERALIZED_TIME: Self = Self::universal(24);
    pub const UNIVERSAL_STRING: Self = Self::universal(28);
    pub const BMP_STRING: Self = Self::universal(30);
    const END_OF_CONTENTS: Self = Self::universal(0);

    /// A tag of the universal class.
    pub const fn universal(number: u32) -> Self {
        Self { class: 0, number }
    }

    /// `[number]`, a context-specific tag.
    pub const fn context(number: u32) -> Self {
        Self { class: 2, number }
    }

    /// `[APPLICATION number]`.
    pub const fn application(number: u32) -> Self {
        Self { class: 1, number }
    }

    /// The number, where this is a tag of the application class.
    pub fn application_number(self) -> Option<u32> {
        (self.class == 1).then_some(self.number)
    }

    /// The number, where this is a context-specific tag.
    pub fn context_number(self) -> Option<u32> {
        (self.class == 2).then_some(self.number)
    }

    /// The identifier octet, for tags below 31.
    pub(crate) fn octet(self, constructed: bool) -> u8 {
        self.class << 6 | u8::from(constructed) << 5 | (self.number as u8 & 31)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match (self.class, self.number) {
            (0, 0) => "end-of-contents",
            (0, 1) => "BOOLEAN",
            (0, 2) => "INTEGER",
            (0, 3) => "BIT STRING",
            (0, 4) => "OCTET STRING",
            (0, 5) => "NULL",
            (0, 6) => "OBJECT IDENTIFIER",
            (0, 10) => "ENUMERATED",
            (0, 12) => "UTF8String",
            (0, 16) => "SEQUENCE",
            (0, 17) => "SET",
            (0, 19) => "PrintableString",
            (0, 20) => "TeletexString",
            (0, 22) => "IA5String",
            (0, 23) => "UTCTime",
            (0, 24) => "GeneralizedTime",
            (0, 28) => "UniversalString",
            (0, 30) => "BMPString",
            (0, n) => return write!(f, "[UNIVERSAL {n}]"),
            (1, n) => return write!(f, "[APPLICATION {n}]"),
            (2, n) => return write!(f, "[{n}]"),
            (_, n) => return write!(f, "[PRIVATE {n}]"),
        };
        f.write_str(name)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Identifier and length octets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) tag: Tag,
    pub(crate) constructed: bool,
    pub(crate) header_len: usize,
    /// `None` is the indefinite form.
    pub(crate) length: Option<u64>,
}

impl Header {
    pub(crate) fn is_end_of_contents(&self) -> bool {
        self.tag == Tag::END_OF_CONTENTS
    }

    /// What nearly all headers are: a low tag and a length below 2^16. `None` leaves it to the whole reader.
    #[inline]
    fn usual(bytes: &[u8]) -> Option<Self> {
        let (first, header_len, length) = match *bytes {
            [first, length @ 0..=127, ..] => (first, 2, u64::from(length)),
            [first, 0x81, length, ..] => (first, 3, u64::from(length)),
            [first, 0x82, high, low, ..] => (first, 4, u64::from(high) << 8 | u64::from(low)),
            _ => return None,
        };
        let number = first & 31;
        // Tags of several octets, and end-of-contents octets.
        if number == 31 || first & 0xdf == 0 {
            return None;
        }
        let tag = Tag { class: first >> 6, number: u32::from(number) };
        Some(Self { tag, constructed: first & 32 != 0, header_len, length: Some(length) })
    }

    /// Reads the header at the beginning of `bytes`. `Ok(None)` says that more bytes are needed.
    pub(crate) fn parse(bytes: &[u8], offset: u64) -> Result<Option<Self>> {
        if let Some(header) = Self::usual(bytes) {
            return Ok(Some(header));
        }
        let fail = |why| Err(Error::value("element", offset, why));
        let mut rest = bytes.iter().copied();
        let Some(first) = rest.next() else { return Ok(None) };
        let mut number = u32::from(first & 31);
        if number == 31 {
            number = 0;
            loop {
                let Some(octet) = rest.next() else { return Ok(None) };
                if number == 0 && octet == 0x80 {
                    return fail("its tag number has leading zeros");
                }
                let Some(next) = number.checked_mul(128) else { return fail("its tag number is larger than 2^32") };
                number = next | u32::from(octet & 127);
                if octet < 128 {
                    break;
                }
            }
            if number < 31 {
                return fail("a low tag number is written in the long form");
            }
        }
        let (tag, constructed) = (Tag { class: first >> 6, number }, first & 32 != 0);
        let Some(octet) = rest.next() else { return Ok(None) };
        let length = match octet {
            0..=127 => Some(u64::from(octet)),
            128 if constructed => None,
            128 => return fail("a primitive element has an indefinite length"),
            255 => return fail("its length octets begin with FF"),
            _ => {
                let mut length = 0u64;
                for _ in 0..octet & 127 {
                    let Some(octet) = rest.next() else { return Ok(None) };
                    if length >> 55 != 0 {
                        return fail("its length is beyond 2^63");
                    }
                    length = length << 8 | u64::from(octet);
                }
                Some(length)
            }
        };
        let header = Self { tag, constructed, header_len: bytes.len() - rest.len(), length };
        if header.is_end_of_contents() && (constructed || length != Some(0) || header.header_len != 2) {
            return fail("end-of-contents octets are not 00 00");
        }
        Ok(Some(header))
    }
}

/// One element as it arrived.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    /// Class and number.
    pub tag: Tag,
    /// Whether the content is itself a series of elements.
    pub constructed: bool,
    raw: &'a [u8],
    content: &'a [u8],
    content_offset: u64,
    offset: u64,
    depth: u8,
}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes at {}", self.tag, self.content.len(), self.offset)
    }
}

impl<'a> Element<'a> {
    /// Identifier, length and content octets as received (and end-of-contents octets, where there are any).
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The content octets as received, without end-of-contents octets.
    pub fn content(&self) -> &'a [u8] {
        self.content
    }

    /// Where the element begins, from the beginning of the outermost slice.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn fail<T>(&self, what: &'static str, why: &'static str) -> Result<T> {
        Err(Error::value(what, self.offset, why))
    }

    fn expect(&self, tag: Tag, what: &'static str) -> Result<()> {
        if self.tag == tag {
            Ok(())
        } else {
            Err(Error::new(what, self.offset, ErrorKind::Unexpected { expected: tag, found: self.tag }))
        }
    }

    /// The elements inside, whatever this element's tag is (implicit tagging).
    ///
    /// # Errors
    /// Where the element is primitive, or nested deeper than [`MAX_DEPTH`].
    pub fn children(&self, what: &'static str) -> Result<Reader<'a>> {
        if !self.constructed {
            return self.fail(what, "it is primitive where a constructed element belongs");
        }
        if self.depth >= MAX_DEPTH {
            return Err(Error::new(
                what,
                self.offset,
                ErrorKind::Limit { name: "der_depth", limit: u64::from(MAX_DEPTH) },
            ));
        }
        Ok(Reader { rest: self.content, offset: self.content_offset, depth: self.depth + 1 })
    }

    /// The elements inside a SEQUENCE.
    pub fn sequence(&self, what: &'static str) -> Result<Reader<'a>> {
        self.expect(Tag::SEQUENCE, what)?;
        self.children(what)
    }

    /// The elements inside a SET.
    pub fn set(&self, what: &'static str) -> Result<Reader<'a>> {
        self.expect(Tag::SET, what)?;
        self.children(what)
    }

    /// The one element inside an explicit tag.
    pub fn explicit(&self, what: &'static str) -> Result<Element<'a>> {
        let mut inside = self.children(what)?;
        let element = inside.required_any(what)?;
        inside.finish(what)?;
        Ok(element)
    }

    /// The value of an OBJECT IDENTIFIER.
    pub fn oid(&self, what: &'static str) -> Result<ObjectIdentifier> {
        self.expect(Tag::OID, what)?;
        if self.constructed {
            return self.fail(what, "an object identifier is never constructed");
        }
        if let Some(known) = super::oid::known(self.content) {
            return Ok(known);
        }
        ObjectIdentifier::from_bytes(self.content)
            .or_else(|_| self.fail(what, "the object identifier is malformed or longer than 39 bytes"))
    }

    /// The content octets of an INTEGER: two's complement, big-endian, at least one octet.
    pub fn integer(&self, what: &'static str) -> Result<&'a [u8]> {
        self.expect(Tag::INTEGER, what)?;
        if self.constructed || self.content.is_empty() {
            return self.fail(what, "an integer has no content");
        }
        Ok(self.content)
    }

    /// The value of an INTEGER that is not negative, without leading zeros (zero is one zero octet).
    pub fn unsigned(&self, what: &'static str) -> Result<&'a [u8]> {
        let bytes = self.integer(what)?;
        if bytes.first().is_some_and(|b| b & 128 != 0) {
            return self.fail(what, "the integer is negative");
        }
        let zeros = bytes.iter().take_while(|b| **b == 0).count().min(bytes.len() - 1);
        Ok(bytes.get(zeros..).unwrap_or_default())
    }

    /// The value of an INTEGER that fits.
    pub fn small(&self, what: &'static str) -> Result<u64> {
        let bytes = self.unsigned(what)?;
        if bytes.len() > 8 {
            return self.fail(what, "the integer is larger than 2^64");
        }
        Ok(bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    /// The value of a BOOLEAN; BER has any octet but zero mean true.
    pub fn boolean(&self, what: &'static str) -> Result<bool> {
        self.expect(Tag::BOOLEAN, what)?;
        match self.content {
            [octet] if !self.constructed => Ok(*octet != 0),
            _ => self.fail(what, "a boolean is not one octet long"),
        }
    }

    /// Checks that this is a NULL.
    pub fn null(&self, what: &'static str) -> Result<()> {
        self.expect(Tag::NULL, what)?;
        if self.content.is_empty() { Ok(()) } else { self.fail(what, "a null has content") }
    }

    /// The octets of an OCTET STRING, its segments joined.
    pub fn octets(&self, what: &'static str) -> Result<Cow<'a, [u8]>> {
        self.expect(Tag::OCTET_STRING, what)?;
        self.implicit_octets(what)
    }

    /// The octets of an OCTET STRING that bears another tag.
    pub fn implicit_octets(&self, what: &'static str) -> Result<Cow<'a, [u8]>> {
        if !self.constructed {
            return Ok(Cow::Borrowed(self.content));
        }
        let mut joined = Vec::with_capacity(self.content.len());
        self.join(what, 1, &mut joined)?;
        Ok(Cow::Owned(joined))
    }

    fn join(&self, what: &'static str, level: u8, into: &mut Vec<u8>) -> Result<()> {
        if level > MAX_STRING_DEPTH {
            return Err(Error::new(
                what,
                self.offset,
                ErrorKind::Limit { name: "string_depth", limit: u64::from(MAX_STRING_DEPTH) },
            ));
        }
        let mut segments = self.children(what)?;
        while let Some(segment) = segments.next_element()? {
            segment.expect(Tag::OCTET_STRING, what)?;
            if segment.constructed {
                segment.join(what, level + 1, into)?;
            } else {
                into.extend_from_slice(segment.content);
            }
        }
        Ok(())
    }

    /// The octets of a BIT STRING whose length is a whole number of octets, as keys and signatures are (SEC-113).
    pub fn whole_bits(&self, what: &'static str) -> Result<&'a [u8]> {
        match self.bits(what)? {
            (0, bytes) => Ok(bytes),
            _ => self.fail(what, "the bit string is not a whole number of octets"),
        }
    }

    /// The number of unused bits, and the octets, of a primitive BIT STRING.
    pub fn bits(&self, what: &'static str) -> Result<(u8, &'a [u8])> {
        self.expect(Tag::BIT_STRING, what)?;
        match self.content.split_first() {
            Some((unused, bytes)) if !self.constructed && *unused < 8 && (*unused == 0 || !bytes.is_empty()) => {
                Ok((*unused, bytes))
            }
            _ => self.fail(what, "the bit string is malformed or in segments"),
        }
    }

    /// The moment that a UTCTime or GeneralizedTime names: `YYMMDDHHMM[SS]Z` or `YYYYMMDDHHMMSSZ` (RFC 5280 section
    /// 4.1.2.5). Fractions, offsets and missing zones are refused (SEC-31, SEC-93).
    pub fn time(&self, what: &'static str) -> Result<Time> {
        let digits = match self.content.split_last() {
            Some((b'Z', digits)) if !self.constructed && digits.iter().all(u8::is_ascii_digit) => digits,
            _ => return self.fail(what, "the time is not digits followed by Z"),
        };
        let pair = |at: usize| digits.get(at..at + 2).map_or(0, |p| p.iter().fold(0u8, |n, d| n * 10 + (d - b'0')));
        let (year, from) = match (self.tag, digits.len()) {
            (Tag::UTC_TIME, 10 | 12) => (i64::from(pair(0)) + if pair(0) < 50 { 2000 } else { 1900 }, 2),
            (Tag::GENERALIZED_TIME, 14) => (i64::from(pair(0)) * 100 + i64::from(pair(2)), 4),
            (Tag::UTC_TIME | Tag::GENERALIZED_TIME, _) => {
                return self.fail(what, "the time has too few or too many digits");
            }
            _ => return self.fail(what, "it is neither a UTCTime nor a GeneralizedTime"),
        };
        let civil = Civil {
            year,
            month: pair(from),
            day: pair(from + 2),
            hour: pair(from + 4),
            minute: pair(from + 6),
            second: pair(from + 8),
        };
        Time::from_civil(civil).map_or_else(|| self.fail(what, "there is no such day or hour"), Ok)
    }

    /// The text of a character string, for display and comparison: UTF-8, Latin-1 for TeletexString, UCS-2 and UCS-4
    /// for the wide ones. Malformed characters become U+FFFD (SEC-92).
    pub fn text(&self, what: &'static str) -> Result<String> {
        Ok(self.borrowed_text(what)?.into_owned())
    }

    /// The same where it stands, where it stands there in UTF-8.
    pub fn borrowed_text(&self, what: &'static str) -> Result<Cow<'a, str>> {
        if self.constructed {
            return self.fail(what, "a string in segments is not accepted here");
        }
        // A last unit that is cut short is no character, whatever its octets would be alone.
        let unit = |c: &[u8]| c.iter().fold(0u32, |n, b| n << 8 | u32::from(*b));
        let wide = |n: usize| self.content.chunks(n).map(move |c| if c.len() == n { unit(c) } else { 0xd800 });
        match self.tag {
            Tag::UTF8_STRING | Tag::PRINTABLE_STRING | Tag::IA5_STRING => Ok(String::from_utf8_lossy(self.content)),
            Tag { class: 0, number: 18 | 25 | 26 | 27 } => Ok(String::from_utf8_lossy(self.content)),
            Tag::TELETEX_STRING => Ok(self.content.iter().map(|b| char::from(*b)).collect()),
            Tag::BMP_STRING => {
                Ok(char::decode_utf16(wide(2).map(|u| u as u16)).map(|c| c.unwrap_or('\u{fffd}')).collect())
            }
            Tag::UNIVERSAL_STRING => Ok(wide(4).map(|u| char::from_u32(u).unwrap_or('\u{fffd}')).collect()),
            _ => self.fail(what, "it is not a character string"),
        }
    }
}

/// A series of elements, read one by one.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: u64,
    depth: u8,
}

impl<'a> Reader<'a> {
    /// Over a whole input.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0, depth: 0 }
    }

    /// The one element that `bytes` consist of.
    ///
    /// # Errors
    /// Where it is malformed, absent, or followed by anything (SEC-42).
    pub fn single(bytes: &'a [u8], what: &'static str) -> Result<Element<'a>> {
        let mut reader = Self::new(bytes);
        let element = reader.required_any(what)?;
        reader.finish(what)?;
        Ok(element)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many elements are left, as far as they can be read.
    pub fn count(&self) -> usize {
        let mut rest = *self;
        std::iter::from_fn(|| rest.next_element().ok().flatten()).count()
    }

    /// What is left, as received.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next element; `None` at the end.
    ///
    /// # Errors
    /// Where it is cut short or malformed.
    pub fn next_element(&mut self) -> Result<Option<Element<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let header = self.header(self.rest, self.offset)?;
        if header.is_end_of_contents() {
            return Err(Error::value("element", self.offset, "end-of-contents octets stand where nothing ends"));
        }
        let (content_len, trailer) = match header.length {
            Some(length) => (self.fits(length, header.header_len)?, 0),
            None => (self.indefinite_length(header.header_len)?, 2),
        };
        let (raw, rest) =
            self.rest.split_at_checked(header.header_len + content_len + trailer).unwrap_or((self.rest, &[]));
        let content = raw.get(header.header_len..header.header_len + content_len).unwrap_or_default();
        let element = Element {
            tag: header.tag,
            constructed: header.constructed,
            raw,
            content,
            content_offset: self.offset + header.header_len as u64,
            offset: self.offset,
            depth: self.depth,
        };
        self.offset += raw.len() as u64;
        self.rest = rest;
        Ok(Some(element))
    }

    /// The next element's tag, where there is one.
    pub fn peek(&self) -> Option<Tag> {
        Header::parse(self.rest, self.offset).ok().flatten().map(|header| header.tag)
    }

    /// The next element, which must be there.
    pub fn required_any(&mut self, what: &'static str) -> Result<Element<'a>> {
        let offset = self.offset;
        self.next_element()
            .map_err(|e| if e.what == "element" { Error { what, ..e } } else { e })?
            .ok_or_else(|| Error::new(what, offset, ErrorKind::Missing))
    }

    /// The next element, which must be there and bear this tag.
    pub fn required(&mut self, tag: Tag, what: &'static str) -> Result<Element<'a>> {
        let element = self.required_any(what)?;
        element.expect(tag, what)?;
        Ok(element)
    }

    /// The next element, where it bears this tag.
    pub fn optional(&mut self, tag: Tag, what: &'static str) -> Result<Option<Element<'a>>> {
        if self.peek() == Some(tag) { self.required(tag, what).map(Some) } else { Ok(None) }
    }

    /// Checks that nothing is left.
    pub fn finish(&self, what: &'static str) -> Result<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Error::new(what, self.offset, ErrorKind::Trailing(self.rest.len() as u64)))
        }
    }

    fn header(&self, bytes: &[u8], offset: u64) -> Result<Header> {
        Header::parse(bytes, offset)?.ok_or_else(|| {
            Error::new(
                "element",
                offset,
                ErrorKind::Truncated { need: bytes.len() as u64 + 1, have: bytes.len() as u64 },
            )
        })
    }

    fn fits(&self, length: u64, from: usize) -> Result<usize> {
        let have = self.rest.len().saturating_sub(from);
        match usize::try_from(length) {
            Ok(length) if length <= have => Ok(length),
            _ => Err(Error::new("element", self.offset, ErrorKind::Truncated { need: length, have: have as u64 })),
        }
    }

    /// How many content octets lie before the end-of-contents octets that close the element whose content starts at
    /// `from`. Elements of definite length are stepped over; only open indefinite ones are counted.
    fn indefinite_length(&self, from: usize) -> Result<usize> {
        let mut at = from;
        let mut open = 1u8;
        loop {
            let bytes = self.rest.get(at..).unwrap_or_default();
            let header = self.header(bytes, self.offset + at as u64)?;
            let step = match header.length {
                Some(length) => {
                    header.header_len
                        + Self { rest: bytes, offset: self.offset + at as u64, depth: 0 }
                            .fits(length, header.header_len)?
                }
                None => header.header_len,
            };
            if header.is_end_of_contents() {
                open -= 1;
                if open == 0 {
                    return Ok(at - from);
                }
            } else if header.length.is_none() {
                open += 1;
                if open > MAX_DEPTH {
                    return Err(Error::new(
                        "element",
                        self.offset,
                        ErrorKind::Limit { name: "der_depth", limit: u64::from(MAX_DEPTH) },
                    ));
                }
            }
            at += step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_joined_in_every_form() {
        let flat: &[u8] = &[4, 3, 1, 2, 3];
        let definite: &[u8] = &[0x24, 8, 4, 1, 1, 0x24, 3, 4, 1, 2];
        let indefinite: &[u8] = &[0x24, 0x80, 4, 2, 1, 2, 0x24, 0x80, 4, 1, 3, 0, 0, 4, 0, 0, 0];
        let read = |b| Reader::single(b, "x").unwrap().octets("x").unwrap().into_owned();
        assert_eq!(read(flat), [1, 2, 3]);
        assert_eq!(read(definite), [1, 2]);
        assert_eq!(read(indefinite), [1, 2, 3]);
        assert_eq!(Reader::single(indefinite, "x").unwrap().raw(), indefinite);
    }

    #[test]
    fn malformed_lengths_are_errors_and_never_panics() {
        let bad: &[&[u8]] = &[
            &[],
            &[0x30],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0xff],
            &[4, 0x80, 0, 0],
            &[0x30, 0x80, 0],
            &[0x30, 0x80, 4, 1],
            &[0, 0],
            &[0x1f, 0x80, 1, 0],
            &[0x1f, 30, 0],
            &[0x30, 1, 0, 0],
        ];
        for bytes in bad {
            assert!(Reader::single(bytes, "x").is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn depth_is_bounded_for_definite_and_indefinite_nesting() {
        let mut indefinite = vec![0x24; 0];
        for _ in 0..100_000 {
            indefinite.extend_from_slice(&[0x24, 0x80]);
        }
        assert!(matches!(Reader::single(&indefinite, "x").unwrap_err().kind, ErrorKind::Limit { .. }));
        let mut definite = vec![4, 0];
        for _ in 0..40 {
            let mut outer = vec![0x24, definite.len() as u8];
            outer.append(&mut definite);
            definite = outer;
        }
        let element = Reader::single(&definite, "x").unwrap();
        assert!(matches!(element.octets("x").unwrap_err().kind, ErrorKind::Limit { name: "string_depth", .. }));
        let mut element = element;
        let error = loop {
            match element.children("x") {
                Ok(mut inside) => element = inside.required_any("x").unwrap(),
                Err(error) => break error,
            }
        };
        assert!(matches!(error.kind, ErrorKind::Limit { name: "der_depth", .. }));
    }

    #[test]
    fn times_of_both_kinds() {
        let read = |tag: u8, text: &str| {
            let mut bytes = vec![tag, text.len() as u8];
            bytes.extend_from_slice(text.as_bytes());
            Reader::single(&bytes, "time").unwrap().time("time").map(|t| t.to_string())
        };
        assert_eq!(read(23, "500101000000Z").unwrap(), "1950-01-01T00:00:00Z");
        assert_eq!(read(23, "491231235959Z").unwrap(), "2049-12-31T23:59:59Z");
        assert_eq!(read(23, "2612312359Z").unwrap(), "2026-12-31T23:59:00Z");
        assert_eq!(read(24, "99991231235959Z").unwrap(), "9999-12-31T23:59:59Z");
        for (tag, text) in [
            (23, "260230000000Z"),
            (23, "260101000000"),
            (23, "26010100é00Z"),
            (24, "260101000000Z"),
            (24, "20260101000000.5Z"),
            (23, "Z"),
            (23, ""),
        ] {
            assert!(read(tag, text).is_err(), "{text}");
        }
    }
}
