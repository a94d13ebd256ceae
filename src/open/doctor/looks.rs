//! What can be told of a file by its looks, before it is read as a message: saved as something else, labels lost on the way,
//! another kind of protection altogether.

use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::source::SharedSource;
use crate::cms::content::content_type_of;
use crate::mime::entity::{self, Entity};
use crate::mime::transfer::TransferEncoding;
use crate::open::derived::Decoded;
use std::io::{self, Read};
use std::sync::Arc;

/// How much of a file is looked at.
const BEGINNING: u64 = 4 << 10;
/// So many parts are looked into for structures without label.
const PARTS: usize = 200;

pub(super) fn looks(source: &SharedSource<'_>, limits: &Limits) -> io::Result<Vec<Reason>> {
    let mut start = Vec::new();
    source.reader(0)?.take(BEGINNING).read_to_end(&mut start)?;
    let mut found = Vec::new();
    let mut tell = |code, text: String| found.push(Reason::new(code, text));
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        tell("utf16_file", "the file was saved as UTF-16 text; mail is bytes, and these are others".to_owned());
        return Ok(found);
    }
    if start.first() == Some(&0x30) {
        return Ok(found);
    }
    let count = |byte| memchr::memchr_iter(byte, &start).count();
    if count(b'\r') > 3 && count(b'\n') == 0 {
        tell("cr_only_line_ends", "its lines end with CR alone, which ends no line of a mail".to_owned());
        return Ok(found);
    }
    if start.first().is_some_and(|b| matches!(b, b'\r' | b'\n')) {
        tell("leading_blank_line", "it begins with a blank line, so that all of its header counts as text".to_owned());
        return Ok(found);
    }
    let lines = || start.split(|b| *b == b'\n').take(5);
    if start.len() > 40 && lines().all(|line| line.starts_with(b"> ") || line.trim_ascii() == b">") {
        tell("quoted_file", "every line begins with \"> \": it is a quotation of a message".to_owned());
        return Ok(found);
    }
    if let Ok(root) = entity::scan(source, limits) {
        root.walk().take(PARTS).for_each(|part| found.extend(part_looks(source, part)));
    }
    Ok(found)
}

fn part_looks(source: &SharedSource<'_>, part: &Entity) -> Option<Reason> {
    let media_type = part.media_type();
    let place = if part.path.is_empty() { "the message".to_owned() } else { format!("part {}", part.path) };
    let protocol = part.content_type.as_ref().ok().and_then(|t| t.parameter("protocol")).unwrap_or_default();
    if protocol.to_ascii_lowercase().starts_with("application/pgp") {
        return Some(Reason::new("openpgp", format!("{place} is protected by OpenPGP, not by S/MIME")));
    }
    if media_type == "application/ms-tnef" {
        let text = format!(
            "{place} is a winmail.dat: Outlook put the message, and whatever protects it, into a wrapper of its own"
        );
        return Some(Reason::new("tnef", text));
    }
    if !part.children.is_empty() {
        return None;
    }
    let labelled = media_type.contains("pkcs7") || media_type == "application/cms";
    let encoding = part.encoding.as_ref().ok().copied()?;
    let holds_cms = |encoding: TransferEncoding| {
        let body = part.content(source);
        let decoded: SharedSource<'_> = match encoding.is_identity() {
            true => body,
            false => Arc::new(Decoded { body, encoding }),
        };
        content_type_of(&*decoded).ok()
    };
    if labelled && encoding.is_identity() && holds_cms(encoding).is_none() {
        let found = holds_cms(TransferEncoding::Base64)?;
        let text = format!(
            "{place} is base64 of {found}, and its header does not say so: Content-Transfer-Encoding is {}, from byte {} on",
            encoding.name(),
            part.start
        );
        return Some(Reason::new("encoding_label_lost", text));
    }
    let named = part.content_type.as_ref().ok().and_then(|t| t.parameter("name")).unwrap_or_default();
    if labelled || named.to_ascii_lowercase().contains(".p7") {
        return None;
    }
    // A label that was lost took its encoding along, or not.
    let found = [encoding, TransferEncoding::Base64].into_iter().find_map(holds_cms)?;
    let text =
        format!("{place} is labelled {media_type} and holds {found}, at byte {}: its S/MIME label was lost", part.body);
    Some(Reason::new("cms_unlabelled", text))
}
