//! CMS structures in a redacted copy: tags and lengths stay, and every primitive element is replaced unless it is known to
//! be structure. What is unknown is replaced.

use super::{Redactor, masks, overwrite};
use crate::asn1::ber::{MAX_DEPTH, Tag};
use crate::mime::Error;
use crate::open::outline::{Anatomy, El, Treatment};

impl Redactor<'_> {
    /// Redacts the structure that `bytes` consist of, in place.
    pub(super) fn structure(&mut self, bytes: &mut [u8], anatomy: &Anatomy, depth: usize) -> Result<(), Error> {
        let end = bytes.len() as u64;
        let after = self.elements(bytes, anatomy, (0, end), 0, Some(1), depth)?;
        masks::fill(part(bytes, after, end));
        Ok(())
    }

    /// The elements of a range, at most so many; where the last of them ends.
    fn elements(
        &mut self,
        bytes: &mut [u8],
        anatomy: &Anatomy,
        (start, end): (u64, u64),
        level: u8,
        most: Option<usize>,
        depth: usize,
    ) -> Result<u64, Error> {
        let mut at = start;
        let mut left = most.unwrap_or(usize::MAX);
        while at < end && left > 0 {
            match anatomy.rope.element(at, end, level) {
                Ok(el) => {
                    self.element(bytes, anatomy, &el, depth)?;
                    at = el.next.max(at.saturating_add(1));
                }
                Err(_) => {
                    // Of what cannot be read the beginning stays, so that the copy cannot be read for the same reason.
                    masks::fill(part(bytes, at.saturating_add(2), end));
                    return Ok(end);
                }
            }
            left = left.saturating_sub(1);
        }
        Ok(at)
    }

    fn element(&mut self, bytes: &mut [u8], anatomy: &Anatomy, el: &El, depth: usize) -> Result<(), Error> {
        let treatment = anatomy.treatments.get(&el.offset);
        match treatment {
            Some(Treatment::Keep) => return Ok(()),
            Some(Treatment::Message) => return self.message_within(bytes, anatomy, el, depth),
            Some(Treatment::Modulus) => {
                modulus(part(bytes, el.body, el.end));
                return Ok(());
            }
            Some(Treatment::Inside) => {
                let skip = u64::from(el.tag == Tag::BIT_STRING);
                let range = (el.body.saturating_add(skip), el.end);
                let after = self.elements(bytes, anatomy, range, el.depth.saturating_add(1), None, depth)?;
                masks::fill(part(bytes, after, el.end));
                return Ok(());
            }
            None => {}
        }
        if el.constructed {
            if el.depth >= MAX_DEPTH {
                masks::fill(part(bytes, el.body, el.end));
                return Ok(());
            }
            self.elements(bytes, anatomy, (el.body, el.end), el.depth.saturating_add(1), None, depth)?;
            return Ok(());
        }
        self.primitive(part(bytes, el.body, el.end), el.tag);
        Ok(())
    }

    fn primitive(&mut self, content: &mut [u8], tag: Tag) {
        match tag {
            Tag::OID if const_oid::ObjectIdentifier::from_bytes(content).is_ok() => {}
            Tag::NULL if content.is_empty() => {}
            Tag::BOOLEAN | Tag::ENUMERATED if content.len() <= 2 => {}
            Tag::UTC_TIME | Tag::GENERALIZED_TIME
                if content.iter().all(|b| b.is_ascii_digit() || matches!(b, b'Z' | b'+' | b'-' | b'.')) => {}
            Tag::UTF8_STRING | Tag::PRINTABLE_STRING | Tag::IA5_STRING | Tag::TELETEX_STRING => {
                self.masks.words(content);
            }
            Tag::BMP_STRING => self.masks.wide_words(content, 2),
            Tag::UNIVERSAL_STRING => self.masks.wide_words(content, 4),
            Tag::BIT_STRING => {
                if let Some((_, bits)) = content.split_first_mut() {
                    self.masks.value(bits);
                }
            }
            _ => self.masks.value(content),
        }
    }

    /// The content in clear is a message of its own.
    fn message_within(&mut self, bytes: &mut [u8], anatomy: &Anatomy, el: &El, depth: usize) -> Result<(), Error> {
        let mut content = Vec::new();
        let mut places = Vec::new();
        let whole = anatomy.rope.segments(el, 1, &mut |at, segment| {
            places.push((at, segment.len()));
            content.extend_from_slice(segment);
        });
        self.message(&mut content, depth.saturating_add(1))?;
        if whole.is_err() {
            // Segments end where something else stands; that is treated by its tag, and theirs are written over it.
            self.elements(bytes, anatomy, (el.body, el.end), el.depth.saturating_add(1), None, depth)?;
        }
        let mut rest = content.as_slice();
        for (at, length) in places {
            let (segment, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            overwrite(bytes, &(at..at), segment);
            rest = after;
        }
        Ok(())
    }
}

/// A number of the same size in bits, and odd, as a modulus is.
fn modulus(content: &mut [u8]) {
    let zeros = content.iter().take_while(|b| **b == 0).count();
    let Some(significant) = content.get_mut(zeros..) else { return };
    let first = significant.first().copied().unwrap_or(0);
    significant.fill(b'y');
    if let Some(slot) = significant.first_mut() {
        *slot = 0xff_u8.checked_shr(first.leading_zeros()).unwrap_or(0);
    }
}

fn part(bytes: &mut [u8], from: u64, to: u64) -> &mut [u8] {
    let clamp = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let to = clamp(to).min(bytes.len());
    bytes.get_mut(clamp(from).min(to)..to).unwrap_or_default()
}
