//! A writer of DER (X.690 section 10): small functions that return encodings, to be put together inside out.

use super::ber::Tag;
use crate::base::time::Time;
use const_oid::ObjectIdentifier;

/// Identifier and length octets of an element whose content is `length` octets long.
pub fn header(tag: Tag, constructed: bool, length: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(header_len(length) as usize);
    put_header(&mut out, tag, constructed, length);
    out
}

/// The same, appended to what is there.
pub fn put_header(out: &mut Vec<u8>, tag: Tag, constructed: bool, length: u64) {
    out.push(tag.octet(constructed));
    if length < 128 {
        return out.push(length as u8);
    }
    let octets = length.to_be_bytes();
    let zeros = (length.leading_zeros() / 8) as usize;
    out.push(128 | (octets.len() - zeros) as u8);
    out.extend_from_slice(octets.get(zeros..).unwrap_or_default());
}

/// How many octets [`header`] gives for a content of this length.
pub fn header_len(length: u64) -> u64 {
    if length < 128 { 2 } else { 2 + u64::from((64 - length.leading_zeros()).div_ceil(8)) }
}

fn element(tag: Tag, constructed: bool, content: &[u8]) -> Vec<u8> {
    let length = content.len() as u64;
    let mut out = Vec::with_capacity(header_len(length) as usize + content.len());
    put_header(&mut out, tag, constructed, length);
    out.extend_from_slice(content);
    out
}

/// A primitive element.
pub fn primitive(tag: Tag, content: &[u8]) -> Vec<u8> {
    element(tag, false, content)
}

/// A constructed element over encodings put side by side.
pub fn constructed<P: AsRef<[u8]>>(tag: Tag, parts: &[P]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.as_ref().len()).sum();
    let mut out = Vec::with_capacity(header_len(length as u64) as usize + length);
    put_header(&mut out, tag, true, length as u64);
    parts.iter().for_each(|part| out.extend_from_slice(part.as_ref()));
    out
}

/// SEQUENCE.
pub fn sequence<P: AsRef<[u8]>>(parts: &[P]) -> Vec<u8> {
    constructed(Tag::SEQUENCE, parts)
}

/// SET OF under any tag: the parts sorted by their encodings (X.690 section 11.6).
pub fn set_of(tag: Tag, mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    constructed(tag, &parts)
}

/// `[number] EXPLICIT` around an encoding.
pub fn explicit(number: u32, inner: &[u8]) -> Vec<u8> {
    element(Tag::context(number), true, inner)
}

/// The same content under another tag (`IMPLICIT`), the form kept. `encoding` must be DER.
pub fn retag(tag: Tag, encoding: &[u8]) -> Vec<u8> {
    let mut out = encoding.to_vec();
    if let Some(first) = out.first_mut() {
        *first = tag.octet(*first & 32 != 0);
    }
    out
}

/// OBJECT IDENTIFIER.
pub fn oid(oid: &ObjectIdentifier) -> Vec<u8> {
    element(Tag::OID, false, oid.as_bytes())
}

/// INTEGER from big-endian octets without sign.
pub fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    let bytes = bytes.get(zeros..).unwrap_or_default();
    let mut content = Vec::with_capacity(bytes.len() + 1);
    if bytes.first().is_none_or(|b| *b & 128 != 0) {
        content.push(0);
    }
    content.extend_from_slice(bytes);
    element(Tag::INTEGER, false, &content)
}

/// INTEGER.
pub fn integer(value: u64) -> Vec<u8> {
    unsigned(&value.to_be_bytes())
}

/// BOOLEAN.
pub fn boolean(value: bool) -> Vec<u8> {
    element(Tag::BOOLEAN, false, &[if value { 0xff } else { 0 }])
}

/// NULL.
pub fn null() -> Vec<u8> {
    element(Tag::NULL, false, &[])
}

/// OCTET STRING.
pub fn octets(bytes: &[u8]) -> Vec<u8> {
    element(Tag::OCTET_STRING, false, bytes)
}

/// BIT STRING of whole octets.
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    let mut content = vec![0];
    content.extend_from_slice(bytes);
    element(Tag::BIT_STRING, false, &content)
}

/// UTCTime up to 2049, GeneralizedTime from 2050 on (RFC 5280 section 4.1.2.5, RFC 5652 section 11.3).
pub fn time(at: Time) -> Vec<u8> {
    let c = at.civil();
    let short = (1950..2050).contains(&c.year);
    let mut digits = Vec::with_capacity(15);
    let mut pair = |n: u8| digits.extend([b'0' + n / 10 % 10, b'0' + n % 10]);
    if !short {
        pair((c.year / 100) as u8);
    }
    pair((c.year % 100) as u8);
    [c.month, c.day, c.hour, c.minute, c.second].into_iter().for_each(pair);
    digits.push(b'Z');
    element(if short { Tag::UTC_TIME } else { Tag::GENERALIZED_TIME }, false, &digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::ber::Reader;

    #[test]
    fn what_is_written_reads_back() {
        for value in [0, 1, 127, 128, 255, 256, u64::MAX] {
            let bytes = integer(value);
            assert_eq!(Reader::single(&bytes, "x").unwrap().small("x").unwrap(), value);
        }
        for length in [0u64, 127, 128, 255, 256, 65_535, 65_536, 1 << 32] {
            assert_eq!(header(Tag::OCTET_STRING, false, length).len() as u64, header_len(length));
        }
        for text in ["1950-01-01T00:00:00Z", "2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z", "1949-12-31T23:59:59Z"] {
            let at: Time = text.parse().unwrap();
            assert_eq!(Reader::single(&time(at), "x").unwrap().time("x").unwrap(), at);
        }
    }

    #[test]
    fn sets_are_sorted() {
        let set = set_of(Tag::SET, vec![octets(b"b"), null(), octets(b"a"), integer(5)]);
        assert_eq!(set, [0x31, 11, 2, 1, 5, 4, 1, b'a', 4, 1, b'b', 5, 0]);
    }
}
