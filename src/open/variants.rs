//! Which careless change on the way broke a signature: variants of the signed part are tried, and the one whose digest is
//! the signed one says what happened. A variant is never handed over as content; it is a diagnosis.

use crate::asn1::ber::Reader;
use crate::asn1::oid;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::source::SharedSource;
use crate::cms::Result as CmsResult;
use crate::cms::signed::{Head, SignedData, Sink};
use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::digest::{Hasher, hash};
use crate::mime::canonical::canonical;
use crate::mime::transfer::{Strictness, TransferEncoding, decode};
use std::io::Read;

/// A signed part up to this size is looked at; each variant is a copy of it.
const LARGEST: u64 = 8 << 20;
/// So many lines at the end may have been added.
const ADDED_LINES: usize = 20_000;

/// Looks for the variant of `content` that the signers of `signature` signed.
///
/// # Errors
/// What reading either gives.
pub(super) fn search(
    signature: &SharedSource<'_>,
    content: &SharedSource<'_>,
    limits: &Limits,
) -> CmsResult<Vec<Reason>> {
    let signed = signed_digests(signature, limits)?;
    if signed.is_empty() {
        return Ok(Vec::new());
    }
    let mut raw = Vec::new();
    content.reader(0)?.take(LARGEST + 1).read_to_end(&mut raw)?;
    if raw.len() as u64 > LARGEST {
        let text = format!("the signed part is larger than {LARGEST} bytes, so its variants were not tried");
        return Ok(vec![Reason::new("variants_not_tried", text)]);
    }
    let text = canonical(&raw).into_owned();
    let fits = |bytes: &[u8]| signed.iter().any(|(digest, value)| hash(*digest, bytes) == *value);
    let found = VARIANTS.iter().find(|variant| (variant.make)(&raw, &text).iter().any(|bytes| fits(bytes)));
    if let Some(variant) = found {
        return Ok(vec![Reason::new(variant.code, variant.sentence)]);
    }
    Ok(match added_at_the_end(&text, &signed) {
        Some(length) => {
            let added = text.len().saturating_sub(length);
            let sentence = format!(
                "{added} bytes were added at the end of the signed part, after byte {length} of it: what stands before them \
                 is what was signed"
            );
            vec![Reason::new("variant_text_added", sentence)]
        }
        None => {
            vec![Reason::new("no_variant_verifies", "no usual change on the way explains it: its words were changed")]
        }
    })
}

struct Variant {
    code: &'static str,
    sentence: &'static str,
    /// From the part as it lies there, and with CRLF at every line's end.
    make: fn(&[u8], &[u8]) -> Vec<Vec<u8>>,
}

/// From the likeliest to the strangest.
const VARIANTS: [Variant; 11] = [
    Variant {
        code: "variant_raw_line_ends",
        sentence: "it would verify with its line ends as they lie there: it was signed without CRLF",
        make: |raw, text| vec![raw.to_vec(), replace(text, b"\r\n", b"\n"), replace(text, b"\r\n", b"\r")],
    },
    Variant {
        code: "variant_last_line_end",
        sentence: "it would verify with another count of line ends at its very end: some were added or lost",
        make: |_, text| last_line_ends(text),
    },
    Variant {
        code: "variant_trailing_blanks",
        sentence: "it would verify without the blanks at the ends of its lines: they were added on the way",
        make: |_, text| vec![map_lines(text, |line| line.trim_ascii_end().to_vec())],
    },
    Variant {
        code: "variant_signature_mark",
        sentence: "it would verify with the blank after \"--\" that marks a signature block: blanks at line ends were removed",
        make: |_, text| vec![map_lines(text, |line| if line == b"--" { b"-- ".to_vec() } else { line.to_vec() })],
    },
    Variant {
        code: "variant_from_escaped",
        sentence: "it would verify with \"From \" instead of \">From \" at the beginning of lines: a mailbox file escaped it",
        make: |_, text| vec![map_lines(text, |line| without_prefix(line, b">From ", 1))],
    },
    Variant {
        code: "variant_dots_doubled",
        sentence: "it would verify with single dots at the beginning of lines: a relay doubled them and never undid it",
        make: |_, text| vec![map_lines(text, |line| without_prefix(line, b"..", 1))],
    },
    Variant {
        code: "variant_folding",
        sentence: "it would verify with the folds of its header written otherwise: blanks and tabs were exchanged",
        make: |_, text| vec![folds(text, b' ', b'\t'), folds(text, b'\t', b' ')],
    },
    Variant {
        code: "variant_recoded",
        sentence: "it would verify in another transfer encoding: a relay recoded it, as it did not trust in 8-bit mail",
        make: |_, text| recoded(text),
    },
    Variant {
        code: "variant_boundary_line_end",
        sentence: "it would verify with the line end before the boundary: the signer counted it as part of the content",
        make: |_, text| vec![[text, b"\r\n"].concat()],
    },
    Variant {
        code: "variant_without_header",
        sentence: "it would verify without its MIME header: the signer signed the body alone",
        make: |_, text| split_header(text).map(|(_, body)| vec![body.to_vec()]).unwrap_or_default(),
    },
    Variant {
        code: "variant_quoted",
        sentence: "it would verify without \"> \" before each line: the message was quoted",
        make: |_, text| vec![map_lines(text, |line| without_prefix(line, b"> ", 2))],
    },
];

/// messageDigest of each signer that has one, with its digest.
fn signed_digests(signature: &SharedSource<'_>, limits: &Limits) -> CmsResult<Vec<(DigestAlgorithm, Vec<u8>)>> {
    let data = SignedData::read(signature.reader(0)?, limits, &mut Ignore)?;
    let of = |signer: &crate::cms::signer_info::SignerInfo| {
        let value = signer.signed_attributes.as_ref()?.single(&oid::ID_MESSAGE_DIGEST).ok().flatten()?;
        let octets = Reader::single(value, "messageDigest").ok()?.octets("messageDigest").ok()?.into_owned();
        Some((signer.digest()?, octets))
    };
    Ok(data.signers.iter().filter_map(of).collect())
}

struct Ignore;

impl Sink for Ignore {
    fn begin(&mut self, _: &Head) -> CmsResult<()> {
        Ok(())
    }

    fn chunk(&mut self, _: &[u8]) -> CmsResult<()> {
        Ok(())
    }
}

/// Lines without their CRLF; a last one that has none included.
fn map_lines(text: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut changed = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|b| *b == b'\n') {
        let content = line.strip_suffix(b"\r\n");
        changed.extend(change(content.unwrap_or(line)));
        if content.is_some() {
            changed.extend_from_slice(b"\r\n");
        }
    }
    changed
}

fn without_prefix(line: &[u8], prefix: &[u8], drop: usize) -> Vec<u8> {
    let kept = if line.starts_with(prefix) { line.get(drop..) } else { Some(line) };
    kept.unwrap_or_default().to_vec()
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut changed = Vec::with_capacity(text.len());
    let mut start = 0;
    for at in memchr::memmem::find_iter(text, from) {
        changed.extend_from_slice(text.get(start..at).unwrap_or_default());
        changed.extend_from_slice(to);
        start = at + from.len();
    }
    changed.extend_from_slice(text.get(start..).unwrap_or_default());
    changed
}

/// With none to three line ends at the end.
fn last_line_ends(text: &[u8]) -> Vec<Vec<u8>> {
    let mut bare = text;
    while let Some(shorter) = bare.strip_suffix(b"\r\n") {
        bare = shorter;
    }
    (0..4).map(|count| [bare, &b"\r\n".repeat(count)].concat()).collect()
}

fn split_header(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memmem::find(text, b"\r\n\r\n")?;
    text.split_at_checked(end + 4)
}

/// The header's continuation lines beginning with another blank.
fn folds(text: &[u8], from: u8, to: u8) -> Vec<u8> {
    let (header, body) = split_header(text).unwrap_or((text, &[]));
    let fold = |line: &[u8]| match line.split_first() {
        Some((first, rest)) if *first == from => [&[to], rest].concat(),
        _ => line.to_vec(),
    };
    [&map_lines(header, fold), body].concat()
}

/// The part decoded, under the labels that it may have had before; each spelling is that of a well-known program.
fn recoded(text: &[u8]) -> Vec<Vec<u8>> {
    let Some((header, body)) = split_header(text) else { return Vec::new() };
    let lower = header.to_ascii_lowercase();
    let Some(field) = memchr::memmem::find(&lower, b"content-transfer-encoding:") else { return Vec::new() };
    let end = memchr::memmem::find(lower.get(field..).unwrap_or_default(), b"\r\n").map_or(lower.len(), |n| field + n);
    let value = lower.get(field + 26..end).unwrap_or_default().trim_ascii();
    let encoding = match value {
        b"quoted-printable" => TransferEncoding::QuotedPrintable,
        b"base64" => TransferEncoding::Base64,
        _ => return Vec::new(),
    };
    let mut decoded = Vec::new();
    let reader = Box::new(body);
    if decode(reader, encoding, Strictness::Lenient).read_to_end(&mut decoded).is_err() {
        return Vec::new();
    }
    let decoded = canonical(&decoded).into_owned();
    let name_end = field + 26;
    let with = |label: &str| {
        let parts = [header.get(..name_end), Some(label.as_bytes()), header.get(end..), Some(&decoded)];
        parts.into_iter().flatten().collect::<Vec<_>>().concat()
    };
    let without = {
        let parts = [header.get(..field), header.get(end + 2..), Some(decoded.as_slice())];
        parts.into_iter().flatten().collect::<Vec<_>>().concat()
    };
    [with(" 8bit"), with(" 7bit"), with(" 8BIT"), with(" 7BIT"), with(" binary"), without].into()
}

/// The length of the beginning, at a line's end, that was signed. One pass: the hash goes on from line to line.
fn added_at_the_end(text: &[u8], signed: &[(DigestAlgorithm, Vec<u8>)]) -> Option<usize> {
    let lines = text.split_inclusive(|b| *b == b'\n').count();
    let first = lines.saturating_sub(ADDED_LINES);
    for (digest, value) in signed {
        let mut hasher = Hasher::new(*digest);
        let mut length = 0;
        for (n, line) in text.split_inclusive(|b| *b == b'\n').enumerate() {
            let bare = line.strip_suffix(b"\r\n").unwrap_or(line);
            hasher.update(bare);
            let whole = length + line.len();
            if n >= first {
                if hasher.clone().finish() == *value {
                    return Some(length + bare.len());
                }
                hasher.update(line.get(bare.len()..).unwrap_or_default());
                if whole < text.len() && hasher.clone().finish() == *value {
                    return Some(whole);
                }
            } else {
                hasher.update(line.get(bare.len()..).unwrap_or_default());
            }
            length = whole;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_by_line_changes_leave_the_rest_alone() {
        let text = b"a: b\r\n c\r\n\r\n>From x \r\n..\r\n--\r\nlast";
        assert_eq!(map_lines(text, |line| line.to_vec()), text);
        assert_eq!(folds(text, b' ', b'\t'), replace(text, b"\r\n c", b"\r\n\tc"));
        assert_eq!(last_line_ends(b"x\r\n\r\n")[1], b"x\r\n");
        assert_eq!(without_prefix(b">From x", b">From ", 1), b"From x");
    }

    #[test]
    fn what_was_added_is_found_at_a_line_s_end() {
        let digest = DigestAlgorithm::Sha256;
        let signed = [(digest, hash(digest, b"one\r\ntwo"))];
        assert_eq!(added_at_the_end(b"one\r\ntwo\r\nfooter\r\n", &signed), Some(8));
        assert_eq!(added_at_the_end(b"one\r\ntwofooter\r\n", &signed), None);
    }

    #[test]
    fn a_recoded_part_has_its_label_back() {
        let text = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E4\r\n";
        let expected = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe4\r\n";
        assert!(recoded(text).iter().any(|variant| variant == expected));
        assert!(recoded(b"Content-Transfer-Encoding: 7bit\r\n\r\nx").is_empty());
    }
}
