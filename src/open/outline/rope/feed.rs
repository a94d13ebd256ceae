//! Reading a structure as far as its content, and passing over that: octet by octet where a header is looked for, so that
//! nothing of the content gets into memory.

use super::{El, HEADER, form};
use crate::asn1::ber::{Header, MAX_DEPTH, Tag};
use crate::asn1::{Error, oid};
use const_oid::ObjectIdentifier;
use std::io::{self, BufRead, Read};

/// Reads the beginning into memory as far as is asked for.
pub(super) struct Feed<'s> {
    pub(super) reader: Box<dyn BufRead + 's>,
    pub(super) head: Vec<u8>,
    pub(super) budget: usize,
}

impl Feed<'_> {
    /// Has the bytes up to `to` in memory, or as many as there are and fit.
    fn ensure(&mut self, to: u64) -> io::Result<bool> {
        let have = self.head.len() as u64;
        if to <= have {
            return Ok(true);
        }
        if to > self.budget as u64 {
            return Ok(false);
        }
        (&mut self.reader).take(to.saturating_sub(have)).read_to_end(&mut self.head)?;
        Ok(self.head.len() as u64 >= to)
    }

    fn peek(&mut self, at: u64) -> io::Result<Option<Header>> {
        // Octet by octet, so that nothing of the content gets into the head.
        for length in 2..=HEADER as u64 {
            if !self.ensure(at.saturating_add(length))? {
                return Ok(None);
            }
            let from = usize::try_from(at).unwrap_or(usize::MAX);
            match Header::parse(self.head.get(from..).unwrap_or_default(), at) {
                Ok(Some(header)) => return Ok(Some(header)),
                Ok(None) => {}
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Where the element after this one begins.
    fn after(&mut self, at: u64, header: &Header) -> io::Result<Option<u64>> {
        let body = at.saturating_add(header.header_len as u64);
        if let Some(length) = header.length {
            let next = body.saturating_add(length);
            return Ok(self.ensure(next)?.then_some(next));
        }
        let (mut at, mut open) = (body, 1_u8);
        loop {
            let Some(header) = self.peek(at)? else { return Ok(None) };
            at = at.saturating_add(header.header_len as u64).saturating_add(header.length.unwrap_or(0));
            if !self.ensure(at)? {
                return Ok(None);
            }
            if header.is_end_of_contents() {
                open = open.saturating_sub(1);
                if open == 0 {
                    return Ok(Some(at));
                }
            } else if header.length.is_none() {
                open = open.saturating_add(1);
                if open > MAX_DEPTH {
                    return Ok(None);
                }
            }
        }
    }

    /// The string with the content, its header read and nothing of its content; `None` where there is none.
    pub(super) fn find_content(&mut self) -> io::Result<Option<El>> {
        let Some((info, kind)) = self.content_info()? else { return Ok(None) };
        let Some(main) = self.peek(info)? else { return Ok(None) };
        if kind == oid::ID_DATA {
            return Ok((main.tag == Tag::OCTET_STRING).then(|| string(info, &main, 2)));
        }
        if main.tag != Tag::SEQUENCE {
            return Ok(None);
        }
        let implicit = [oid::ID_ENVELOPED_DATA, oid::ID_CT_AUTH_ENVELOPED_DATA, oid::ID_ENCRYPTED_DATA].contains(&kind);
        let end = main.length.map(|length| info.saturating_add(main.header_len as u64).saturating_add(length));
        let mut at = info.saturating_add(main.header_len as u64);
        // EncapsulatedContentInfo or EncryptedContentInfo: a SEQUENCE that begins with an identifier and has a [0].
        while end.is_none_or(|end| at < end) {
            let Some(header) = self.peek(at)? else { return Ok(None) };
            if header.is_end_of_contents() {
                return Ok(None);
            }
            if header.tag == Tag::SEQUENCE
                && let Some(found) = self.content_in(at, &header, implicit)?
            {
                return Ok(Some(found));
            }
            match self.after(at, &header)? {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Where the content of a ContentInfo begins, and its type.
    fn content_info(&mut self) -> io::Result<Option<(u64, ObjectIdentifier)>> {
        let Some(outer) = self.peek(0)? else { return Ok(None) };
        let at = outer.header_len as u64;
        let Some(name) = self.peek(at)? else { return Ok(None) };
        let Some(next) = self.after(at, &name)? else { return Ok(None) };
        let from = usize::try_from(at).unwrap_or(usize::MAX).saturating_add(name.header_len);
        let to = usize::try_from(next).unwrap_or(usize::MAX);
        let Some(kind) = self.head.get(from..to).and_then(|bytes| ObjectIdentifier::from_bytes(bytes).ok()) else {
            return Ok(None);
        };
        let Some(explicit) = self.peek(next)? else { return Ok(None) };
        let found = outer.tag == Tag::SEQUENCE && name.tag == Tag::OID && explicit.tag == Tag::context(0);
        Ok(found.then(|| (next.saturating_add(explicit.header_len as u64), kind)))
    }

    fn content_in(&mut self, at: u64, sequence: &Header, implicit: bool) -> io::Result<Option<El>> {
        let body = at.saturating_add(sequence.header_len as u64);
        let end = sequence.length.map(|length| body.saturating_add(length));
        let mut at = body;
        let mut first = true;
        while end.is_none_or(|end| at < end) {
            let Some(header) = self.peek(at)? else { return Ok(None) };
            if header.is_end_of_contents() || (first && header.tag != Tag::OID) {
                return Ok(None);
            }
            first = false;
            if header.tag == Tag::context(0) {
                if implicit {
                    return Ok(Some(string(at, &header, 4)));
                }
                let inside = at.saturating_add(header.header_len as u64);
                let Some(inner) = self.peek(inside)? else { return Ok(None) };
                let found = header.constructed && inner.tag == Tag::OCTET_STRING;
                return Ok(found.then(|| string(inside, &inner, 5)));
            }
            match self.after(at, &header)? {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// A header of the stream behind what is in memory, which is not kept.
    #[allow(clippy::type_complexity)] // the octets, and what they say
    pub(super) fn header(&mut self, offset: u64) -> io::Result<(Vec<u8>, Result<Option<Header>, Error>)> {
        let mut octets = Vec::with_capacity(8);
        loop {
            match Header::parse(&octets, offset) {
                Ok(None) => {}
                done => return Ok((octets, done)),
            }
            let Some(octet) = self.reader.fill_buf()?.first().copied() else { return Ok((octets, Ok(None))) };
            self.reader.consume(1);
            octets.push(octet);
        }
    }

    /// Passes over so many bytes, and says how many there were.
    pub(super) fn skip(&mut self, length: u64) -> io::Result<u64> {
        io::copy(&mut (&mut self.reader).take(length), &mut io::sink())
    }
}

fn string(at: u64, header: &Header, depth: u8) -> El {
    let body = at.saturating_add(header.header_len as u64);
    let end = header.length.map_or(body, |length| body.saturating_add(length));
    let form = form(header);
    El { tag: header.tag, constructed: header.constructed, form, offset: at, body, end, next: end, cut: None, depth }
}
