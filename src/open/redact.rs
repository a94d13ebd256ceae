//! A broken mail that may be shown to others: the same bytes in the same places, and nothing of what they said.
//!
//! Every letter and digit of bodies, names and addresses is replaced; in CMS structures every primitive element is, unless
//! it is known to be structure. Lengths, line ends, boundaries' places, transfer encodings and tags stay, so that an
//! [`outline`](super::outline) of the copy has the shape of the original. What stays: media types, the names of header
//! fields, the parameters that say how to read a part (smime-type, protocol, micalg, charset, ..), object identifiers,
//! algorithm parameters that are numbers, booleans, and dates. Equal names and addresses stay equal, as far as their
//! length allows.
//!
//! A redacted mail cannot be decrypted or verified: keys, signatures, digests and ciphertext are filler.

mod cms;
mod fields;
mod masks;

use self::masks::Masks;
use super::base64::{self, Units};
use super::outline::{anatomy, is_labelled};
use crate::base::limits::Limits;
use crate::base::source::Memory;
use crate::mime::Error;
use crate::mime::content_type::ContentType;
use crate::mime::entity::{self, Closing, Entity, MarginText};
use crate::mime::transfer::TransferEncoding;
use std::ops::Range;

/// The redacted copy of a mail, or of a CMS structure in DER, BER, PEM or base64. It is made in memory.
///
/// ```
/// let mail = b"From: alice@example.com\r\nSubject: our merger\r\n\r\nOn Tuesday.\r\n";
/// let copy = smime::open::redact::redact(mail, &smime::Limits::default())?;
/// assert_eq!(copy.len(), mail.len());
/// assert!(copy.starts_with(b"From: xxxxx@xxxxxxz.xxq\r\nSubject: xxx xxxxxx\r\n\r\nxx xxxxxxx.\r\n"));
/// # Ok::<(), smime::mime::Error>(())
/// ```
///
/// # Errors
/// Where its MIME is beyond a limit.
pub fn redact(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, Error> {
    let mut copy = bytes.to_vec();
    Redactor { limits, masks: Masks::default() }.message(&mut copy, 0)?;
    Ok(copy)
}

struct Redactor<'l> {
    limits: &'l Limits,
    masks: Masks,
}

impl Redactor<'_> {
    fn message(&mut self, bytes: &mut [u8], depth: usize) -> Result<(), Error> {
        if depth >= self.limits.layers {
            masks::fill(bytes);
            return Ok(());
        }
        if let Some(anatomy) = anatomy(bytes, self.limits) {
            return self.structure(bytes, &anatomy, depth);
        }
        if let Some(found) = base64::wrapped(bytes) {
            let original = bytes.to_vec();
            let range = found.start..found.end;
            let units = Units::of(original.get(range.clone()).unwrap_or_default());
            let mut decoded = units.decode();
            if let Some(anatomy) = anatomy(&decoded, self.limits) {
                self.structure(&mut decoded, &anatomy, depth)?;
                // Beside the block there may be any text.
                masks::text(bytes);
                for line in found.label.iter().flat_map(|label| base64::armour_lines(label)) {
                    for at in memchr::memmem::find_iter(&original, &line) {
                        overwrite(bytes, &(at..at), &line);
                    }
                }
                overwrite(bytes, &range, &units.encode(&decoded));
                return Ok(());
            }
        }
        self.mime(bytes, depth)
    }

    fn mime(&mut self, bytes: &mut [u8], depth: usize) -> Result<(), Error> {
        let original = bytes.to_vec();
        let source = Memory::borrowed(&original);
        let root = entity::scan(&source, self.limits)?;
        // Whatever no rule below speaks of is text.
        masks::text(bytes);
        for entity in root.walk() {
            self.header(bytes, entity);
            for margin in [&entity.preamble, &entity.epilogue] {
                if margin.text == MarginText::Stock {
                    let range = range(margin.start, margin.end);
                    let phrase = original.get(range.clone()).unwrap_or_default().to_vec();
                    overwrite(bytes, &range, &phrase);
                }
            }
            if entity.closing != Closing::NotMultipart {
                self.delimiters(bytes, &original, entity);
            } else if entity.children.is_empty() {
                let range = range(entity.body, entity.end);
                let body = original.get(range.clone()).unwrap_or_default();
                let body = self.body(body, entity, depth)?;
                overwrite(bytes, &range, &body);
            }
        }
        Ok(())
    }

    /// Writes the lines between the parts: what is neither a part nor a margin.
    fn delimiters(&mut self, bytes: &mut [u8], original: &[u8], entity: &Entity) {
        let Ok(boundary) = entity.content_type.as_ref().map_err(|_| ()).and_then(|c| c.boundary().map_err(|_| ()))
        else {
            return;
        };
        let boundary = boundary.as_bytes();
        let masked = self.masks.boundary(boundary);
        let mut taken: Vec<Range<usize>> = entity.children.iter().map(|child| range(child.start, child.end)).collect();
        taken.extend([&entity.preamble, &entity.epilogue].map(|margin| range(margin.start, margin.end)));
        taken.push(range(entity.end, u64::MAX));
        taken.sort_by_key(|range| range.start);
        let mut at = range(entity.body, entity.end).start;
        for next in taken {
            if next.start > at {
                let gap = original.get(at..next.start.min(original.len())).unwrap_or_default();
                for found in memchr::memmem::find_iter(gap, boundary) {
                    let from = at.saturating_add(found);
                    overwrite(bytes, &(from..from.saturating_add(masked.len())), &masked);
                }
            }
            at = at.max(next.end);
        }
    }

    fn body(&mut self, body: &[u8], entity: &Entity, depth: usize) -> Result<Vec<u8>, Error> {
        let units = match &entity.encoding {
            Ok(TransferEncoding::Base64) => Some(Units::of(body)),
            Ok(TransferEncoding::QuotedPrintable) => Some(Units::quoted(body)),
            Ok(_) => None,
            Err(_) => {
                let mut masked = body.to_vec();
                masks::text(&mut masked);
                return Ok(masked);
            }
        };
        let mut decoded = units.as_ref().map_or_else(|| body.to_vec(), Units::decode);
        let media_type = entity.media_type();
        let application = media_type.starts_with("application/");
        match anatomy(&decoded, self.limits).filter(|_| application) {
            Some(anatomy) => self.structure(&mut decoded, &anatomy, depth)?,
            // A structure that does not begin like one is text that was mislabelled, or damaged beyond reading.
            None if application && is_labelled(media_type) && units.is_none() => masks::text(&mut decoded),
            None => mask_leaf(&mut decoded, &entity.content_type),
        }
        let Some(units) = units else { return Ok(decoded) };
        let mut encoded = units.encode(&decoded);
        // What stands between the characters of an encoding means nothing, and may say something.
        encoded.iter_mut().filter(|b| **b >= 0x80).for_each(|b| *b = b'?');
        Ok(encoded)
    }
}

/// Text loses its letters, and anything else all that it is.
fn mask_leaf(bytes: &mut [u8], content_type: &Result<ContentType, Error>) {
    let Ok(content_type) = content_type else { return masks::text(bytes) };
    if content_type.media_type.starts_with("multipart/") || content_type.is_message() {
        return masks::text(bytes);
    }
    if !content_type.is_text() {
        return masks::lines(bytes);
    }
    let charset = content_type.parameter("charset").unwrap_or("us-ascii").to_ascii_lowercase();
    let known = ["us-ascii", "ascii", "utf-8", "utf8", "iso-8859-", "windows-125", "cp125", "latin"];
    // In others, punctuation marks are parts of letters.
    if known.iter().any(|known| charset.starts_with(known)) { masks::text(bytes) } else { masks::lines(bytes) }
}

fn range(start: u64, end: u64) -> Range<usize> {
    let clamp = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    clamp(start)..clamp(end)
}

/// Puts bytes in their place, as far as there is one.
fn overwrite(bytes: &mut [u8], range: &Range<usize>, with: &[u8]) {
    let there = bytes.get_mut(range.start..).unwrap_or_default();
    there.iter_mut().zip(with).for_each(|(slot, octet)| *slot = *octet);
}
