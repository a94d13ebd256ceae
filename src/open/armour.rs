//! CMS structures that come by themselves, in PEM or in bare base64 instead of DER: files, attachments saved by hand, what
//! a web page gave out.

use super::derived::Decoded;
use crate::asn1::stream::Stream;
use crate::base::reason::{Reason, visible};
use crate::base::source::{SharedSource, Span};
use crate::cms::content::content_type_of;
use crate::mime::transfer::TransferEncoding;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

/// The structure without its armour, and what to say of it.
pub(super) struct Unarmoured<'a> {
    pub(super) message: SharedSource<'a>,
    pub(super) note: Reason,
}

/// How much text may stand before the armour.
const LEADING_TEXT: u64 = 64 << 10;
/// Longest line that is looked at as a whole.
const LINE: u64 = 1 << 10;

/// What a file holds that is neither DER nor mail. A file that begins with a header field is mail, whatever stands in its
/// text.
///
/// # Errors
/// What reading the input gives.
pub(super) fn unarmour<'a>(source: &SharedSource<'a>) -> io::Result<Option<Unarmoured<'a>>> {
    let Some(first) = first_line(source)? else { return Ok(None) };
    if is_header_line(&first) {
        return Ok(None);
    }
    if let Some(found) = pem(source)? {
        return Ok(Some(found));
    }
    if !first.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=')) {
        return Ok(None);
    }
    let note = Reason::new("bare_base64", "the file is a CMS structure in base64, without MIME and without PEM lines");
    Ok(structure(source.clone(), note))
}

/// A structure in DER or BER with a line end behind it, as editors and `echo` leave one: without it. Anything else that
/// stands behind a structure makes it malformed (SEC-42).
///
/// # Errors
/// What reading the input gives.
pub(super) fn without_line_end<'a>(source: &SharedSource<'a>) -> io::Result<Option<Unarmoured<'a>>> {
    let Some(length) = source.length() else { return Ok(None) };
    for line_end in [&b"\r\n"[..], b"\n"] {
        let Some(end) = length.checked_sub(line_end.len() as u64) else { continue };
        let mut tail = Vec::new();
        source.reader(end)?.read_to_end(&mut tail)?;
        if tail != line_end {
            continue;
        }
        let message = Span::of(source, 0, end);
        let mut stream = Stream::new(message.reader(0)?);
        if stream.skip("ContentInfo").and_then(|()| stream.end("ContentInfo")).is_ok() {
            drop(stream);
            let text = format!("a line end stands behind the CMS structure, at byte {end}");
            return Ok(Some(Unarmoured { message, note: Reason::new("trailing_line_end", text) }));
        }
    }
    Ok(None)
}

/// The first block whose label does not rule out that it is a CMS structure.
fn pem<'a>(source: &SharedSource<'a>) -> io::Result<Option<Unarmoured<'a>>> {
    let mut lines = Lines { reader: source.reader(0)?, position: 0 };
    let mut line = Vec::new();
    while lines.position < LEADING_TEXT && lines.next(&mut line)? {
        let Some(label) = line.strip_prefix(b"-----BEGIN ").and_then(|rest| rest.strip_suffix(b"-----")) else {
            continue;
        };
        let label = label.to_vec();
        let (start, leading) = (lines.position, lines.position - line.len() as u64 > 3);
        let end = [b"-----END ", label.as_slice(), b"-----"].concat();
        loop {
            let before = lines.position;
            if !lines.next(&mut line)? {
                return Ok(None);
            }
            if line == end {
                let label = visible(&String::from_utf8_lossy(&label));
                let text = match leading {
                    true => format!("the file is a CMS structure in PEM ({label}) behind other text, without MIME"),
                    false => format!("the file is a CMS structure in PEM ({label}), without MIME"),
                };
                return Ok(structure(Span::of(source, start, before), Reason::new("pem_armour", text)));
            }
        }
    }
    Ok(None)
}

fn structure<'a>(body: SharedSource<'a>, note: Reason) -> Option<Unarmoured<'a>> {
    let message: SharedSource<'a> = Arc::new(Decoded { body, encoding: TransferEncoding::Base64 });
    content_type_of(&*message).is_ok().then_some(Unarmoured { message, note })
}

fn first_line(source: &SharedSource<'_>) -> io::Result<Option<Vec<u8>>> {
    let mut lines = Lines { reader: source.reader(0)?, position: 0 };
    let mut line = Vec::new();
    while lines.position < LEADING_TEXT && lines.next(&mut line)? {
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line).trim_ascii();
        if !text.is_empty() {
            return Ok(Some(text.to_vec()));
        }
    }
    Ok(None)
}

/// `name: value`, or the line that begins a message in an mbox file (RFC 5322 section 2.2, RFC 4155).
fn is_header_line(line: &[u8]) -> bool {
    let name = line.split(|b| *b == b':').next().unwrap_or_default();
    let is_name = name.len() < line.len() && !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    (is_name && !line.starts_with(b"-----BEGIN ")) || line.starts_with(b"From ")
}

/// The lines of a reader, without their ends; of a long one only its beginning.
struct Lines<'s> {
    reader: Box<dyn BufRead + 's>,
    position: u64,
}

impl Lines<'_> {
    fn next(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        self.position += (&mut self.reader).take(LINE).read_until(b'\n', line)? as u64;
        let mut ended = line.ends_with(b"\n");
        let any = !line.is_empty();
        let mut rest = Vec::new();
        while any && !ended {
            rest.clear();
            let more = (&mut self.reader).take(LINE).read_until(b'\n', &mut rest)?;
            self.position += more as u64;
            ended = more == 0 || rest.ends_with(b"\n");
        }
        line.truncate(line.trim_ascii_end().len());
        Ok(any)
    }
}
