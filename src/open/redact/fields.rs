//! Header fields in a redacted copy: their names stay, and of their values what says how to read the part.

use super::{Redactor, masks, overwrite, range};
use crate::mime::content_type::ContentType;
use crate::mime::entity::Entity;
use crate::mime::header::Field;
use crate::mime::mailboxes;
use crate::mime::transfer::TransferEncoding;
use crate::open::outline::STRUCTURAL;
use std::ops::Range;

/// Fields with addresses or message identifiers, in which equal words stay equal.
const OF_PEOPLE: [&str; 12] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Return-Path",
    "Delivered-To",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Resent-From",
];

/// Names of parameters that stay; the value of those that are not structural does not.
const PARAMETERS: [&str; 10] = [
    "name",
    "filename",
    "boundary",
    "title",
    "size",
    "start",
    "start-info",
    "creation-date",
    "modification-date",
    "read-date",
];

impl Redactor<'_> {
    /// The header of a part; its text is masked already.
    pub(super) fn header(&mut self, bytes: &mut [u8], entity: &Entity) {
        let block = entity.header.bytes();
        if block.starts_with(b"From ") {
            overwrite(bytes, &range(entity.start, entity.end), b"From ");
        }
        let dated = mailboxes::date(&entity.header).is_some();
        for field in entity.header.fields() {
            let start = range(field.offset, field.offset).start;
            overwrite(bytes, &(start..start), field.name.as_bytes());
            let value = self.value(&field, dated, entity);
            let before = (field.value.as_ptr() as usize).saturating_sub(field.raw.as_ptr() as usize);
            let at = start.saturating_add(before);
            overwrite(bytes, &(at..at), &value);
        }
    }

    fn value(&mut self, field: &Field<'_>, dated: bool, entity: &Entity) -> Vec<u8> {
        let mut masked = field.value.to_vec();
        let typed = match field.name.to_ascii_lowercase().as_str() {
            "content-type" => ContentType::parse(field.value, field.offset).ok(),
            "content-disposition" => ContentType::parse_disposition(field.value, field.offset).ok(),
            "content-transfer-encoding" if known_encoding(entity) => {
                comments(&mut masked);
                return masked;
            }
            "mime-version" => {
                comments(&mut masked);
                let letters = masked.iter().any(|b| b.is_ascii_alphabetic() && *b != b'x');
                if letters {
                    masks::text(&mut masked);
                }
                return masked;
            }
            "date" if dated => {
                comments(&mut masked);
                return masked;
            }
            _ => None,
        };
        match typed {
            Some(typed) => self.parameters(&mut masked, &typed),
            None if OF_PEOPLE.iter().any(|name| field.is(name)) => self.masks.words(&mut masked),
            None => masks::text(&mut masked),
        }
        masked
    }

    /// A media type or disposition with its parameters.
    fn parameters(&mut self, value: &mut [u8], typed: &ContentType) {
        let original = value.to_vec();
        for (n, segment) in segments(&original).into_iter().enumerate() {
            let Some(text) = original.get(segment.clone()) else { continue };
            let Some(equals) = memchr::memchr(b'=', text).filter(|_| n > 0) else {
                // The type itself; a parameter without a value says nothing that anybody needs.
                match n {
                    0 => comments(value.get_mut(segment).unwrap_or_default()),
                    _ => masks::text(value.get_mut(segment).unwrap_or_default()),
                }
                continue;
            };
            let name = String::from_utf8_lossy(text.get(..equals).unwrap_or_default()).trim().to_ascii_lowercase();
            let base = name.split('*').next().unwrap_or_default();
            let from = segment.start.saturating_add(equals);
            let inner = from..segment.end;
            if STRUCTURAL.contains(&base) {
                comments(value.get_mut(inner).unwrap_or_default());
            } else if base == "boundary" && name == base && plain_boundary(typed, original.get(inner.clone())) {
                let boundary = typed.boundary().unwrap_or_default().as_bytes();
                let masked = self.masks.boundary(boundary);
                let part = original.get(inner.clone()).unwrap_or_default();
                comments(value.get_mut(inner).unwrap_or_default());
                if let Some(at) = memchr::memmem::find(part, boundary) {
                    let at = from.saturating_add(at);
                    overwrite(value, &(at..at), &masked);
                }
            } else if base == "boundary" {
                // Written in a way that only a decoder finds: it stays, since its lines could not be found otherwise.
            } else if name.ends_with('*') {
                extended(value.get_mut(inner).unwrap_or_default());
            } else {
                masks::text(value.get_mut(inner).unwrap_or_default());
            }
            if !STRUCTURAL.contains(&base) && !PARAMETERS.contains(&base) {
                masks::text(value.get_mut(segment.start..from).unwrap_or_default());
            }
        }
    }
}

fn known_encoding(entity: &Entity) -> bool {
    matches!(&entity.encoding, Ok(encoding) if TransferEncoding::from_name(encoding.name()).is_some())
}

/// Whether the boundary stands in the parameter as it is.
fn plain_boundary(typed: &ContentType, value: Option<&[u8]>) -> bool {
    let Ok(boundary) = typed.boundary() else { return false };
    value.is_some_and(|value| memchr::memmem::find(value, boundary.as_bytes()).is_some())
}

/// The pieces between the semicolons that stand neither in quotes nor in a comment.
fn segments(value: &[u8]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut start, mut depth, mut quoted, mut escaped) = (0, 0_usize, false, false);
    for (at, octet) in value.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted || depth > 0 => escaped = true,
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => depth = depth.saturating_add(1),
            b')' if !quoted => depth = depth.saturating_sub(1),
            b';' if !quoted && depth == 0 => {
                pieces.push(start..at);
                start = at.saturating_add(1);
            }
            _ => {}
        }
    }
    pieces.push(start..value.len());
    pieces
}

/// Masks what stands in comments.
fn comments(value: &mut [u8]) {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for octet in value {
        let inside = depth > 0;
        match *octet {
            _ if escaped => escaped = false,
            b'\\' if quoted || inside => escaped = true,
            b'"' if !inside => quoted = !quoted,
            b'(' if !quoted => depth = depth.saturating_add(1),
            b')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if inside && depth > 0 || *octet >= 0x80 {
            masks::text(std::slice::from_mut(octet));
        }
    }
}

/// RFC 2231 section 4: `charset'language'%41b`. An escape stays one.
fn extended(value: &mut [u8]) {
    let quotes = value.iter().filter(|b| **b == b'\'').count();
    let mut skip = if quotes >= 2 { 2 } else { 0 };
    let mut at = 0;
    while let Some(octet) = value.get(at).copied() {
        if skip > 0 {
            skip = if octet == b'\'' { skip - 1 } else { skip };
        } else if octet == b'%' {
            overwrite(value, &(at.saturating_add(1)..at.saturating_add(3)), b"78");
            at = at.saturating_add(2);
        } else {
            masks::text(value.get_mut(at..=at).unwrap_or_default());
        }
        at = at.saturating_add(1);
    }
}
