//! The way out: header fields, boundaries, and small mails. Whatever a caller gives is written as it is or refused,
//! never cut or cleaned (SEC-140).

pub use super::boundary::{BoundaryWatch, boundary, outlook_boundary};
use super::canonical::canonical;
use super::content_type::ContentType;
use super::safety::Safety;
use super::transfer::{Base64Writer, QuotedPrintableWriter, TransferEncoding};
use super::{Error, Result};
use crate::base::address::EmailAddress;
use crate::base::time::Time;
use encodify::{Fold, rfc2047};
use std::io::Write;

/// Columns at which fields are folded (RFC 5322 section 2.1.1 asks for 78 at most).
const FOLD: usize = 76;
/// RFC 5322 section 2.1.1.
const MAX_LINE: usize = 998;
/// Bytes of a file name, as file systems have it.
const MAX_FILE_NAME: usize = 255;

/// `name: value` with CRLF at its end, folded at blanks where it is longer than 76 columns. The value is written as it
/// is, in UTF-8; for text that a person wrote there is [`text_field`].
///
/// ```
/// use smime::mime::emit::field;
/// assert_eq!(field("X-Mailer", "smime")?, b"X-Mailer: smime\r\n");
/// assert!(field("X-Mailer", "smime\r\nBcc: eve@example.com").is_err());
/// # Ok::<(), smime::mime::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidInput`](super::ErrorKind::InvalidInput) where the name is none, where the value has control
/// characters such as CR, LF and NUL (SEC-140), or a word that no line can hold.
pub fn field(name: &str, value: &str) -> Result<Vec<u8>> {
    if name.is_empty() || name.len() > FOLD || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
        return Err(Error::invalid(
            format!("the header field name \"{name}\""),
            "it may have printable ASCII only, and no colon",
        ));
    }
    refuse_controls(name, value)?;
    let value = value.trim_matches([' ', '\t']);
    let mut out = format!("{name}:");
    let mut column = out.len();
    let mut rest = value;
    while !rest.is_empty() {
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let word = rest.get(blanks..).unwrap_or_default();
        let word = word.split([' ', '\t']).next().unwrap_or_default();
        let (piece, after) = rest.split_at_checked(blanks + word.len()).unwrap_or((rest, ""));
        let first = column == name.len() + 1;
        if first {
            out.push(' ');
            column += 1;
        } else if column + piece.len() > FOLD && blanks > 0 {
            out.push_str("\r\n");
            column = 0;
        }
        out.push_str(piece);
        column += piece.len();
        if column > MAX_LINE {
            return Err(Error::invalid(format!("the value of {name}"), "it has a word that is longer than a line"));
        }
        rest = after;
    }
    out.push_str("\r\n");
    Ok(out.into_bytes())
}

/// The same for text that a person wrote, such as a Subject: what is not plain ASCII becomes encoded words (RFC 2047).
///
/// # Errors
/// As for [`field`].
pub fn text_field(name: &str, text: &str) -> Result<Vec<u8>> {
    refuse_controls(name, text)?;
    field(name, &if needs_words(text) { words(text, Place::Text { column: name.len() + 2 }) } else { text.to_owned() })
}

/// An address list, such as To.
///
/// # Errors
/// As for [`field`].
pub fn mailbox_field(name: &str, mailboxes: &[Named]) -> Result<Vec<u8>> {
    let mut list = String::new();
    for mailbox in mailboxes {
        if !list.is_empty() {
            list.push_str(", ");
        }
        match mailbox.name.as_deref().filter(|text| !text.is_empty()) {
            None => list.push_str(&mailbox.address.to_string()),
            Some(text) => {
                refuse_controls(name, text)?;
                list.push_str(&phrase(text));
                list.push_str(&format!(" <{}>", mailbox.address));
            }
        }
    }
    field(name, &list)
}

/// The Date field, in UTC (RFC 5322 section 3.3).
///
/// # Errors
/// None that can happen.
pub fn date_field(at: Time) -> Result<Vec<u8>> {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let c = at.civil();
    let weekday = usize::try_from(at.unix().div_euclid(86_400).rem_euclid(7)).unwrap_or_default();
    let day = DAYS.get(weekday).copied().unwrap_or_default();
    let month = MONTHS.get(usize::from(c.month.saturating_sub(1))).copied().unwrap_or_default();
    let value = format!("{day}, {} {month} {:04} {:02}:{:02}:{:02} +0000", c.day, c.year, c.hour, c.minute, c.second);
    field("Date", &value)
}

/// A mailbox to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The display name.
    pub name: Option<String>,
    /// The address.
    pub address: EmailAddress,
}

impl From<EmailAddress> for Named {
    fn from(address: EmailAddress) -> Self {
        Self { name: None, address }
    }
}

/// A small mail, written from its parts.
#[derive(Clone, Debug)]
pub struct Draft {
    /// From.
    pub from: Vec<Named>,
    /// To.
    pub to: Vec<Named>,
    /// Subject, in any language.
    pub subject: String,
    /// Date.
    pub date: Time,
    /// Message-ID, with or without its angle brackets.
    pub message_id: String,
    /// The text, with any line ends.
    pub text: String,
    /// Files that go with it.
    pub attachments: Vec<Attachment>,
    /// Random bits for the boundary, where there are attachments.
    pub boundary: [u8; 16],
}

/// A file that goes with a mail.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// Its name, in any language.
    pub file_name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Draft {
    /// The mail, with CRLF line ends, 7-bit safe.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](super::ErrorKind::InvalidInput) where anything would have to be changed to be written
    /// (SEC-140).
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let id = self.message_id.trim_start_matches('<').trim_end_matches('>');
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>')) {
            return Err(Error::invalid(
                format!("the Message-ID \"{}\"", self.message_id),
                "it is not of the form left@right",
            ));
        }
        let mut out = Vec::new();
        out.extend(date_field(self.date)?);
        out.extend(mailbox_field("From", &self.from)?);
        if !self.to.is_empty() {
            out.extend(mailbox_field("To", &self.to)?);
        }
        out.extend(text_field("Subject", &self.subject)?);
        out.extend(field("Message-ID", &format!("<{id}>"))?);
        out.extend(field("MIME-Version", "1.0")?);
        if self.attachments.is_empty() {
            self.text_part(&mut out)?;
            return Ok(out);
        }
        let mut body = Vec::new();
        self.text_part(&mut body)?;
        let mut parts = vec![body];
        for attachment in &self.attachments {
            parts.push(attachment.part()?);
        }
        let boundary = boundary(self.boundary);
        let mut watch = BoundaryWatch::new(&boundary);
        parts.iter().for_each(|part| watch.feed(part));
        if watch.found() {
            return Err(Error::invalid("the boundary", "it stands in the text of the mail; take other random bits"));
        }
        out.extend(field("Content-Type", &format!("multipart/mixed; boundary=\"{boundary}\""))?);
        for part in parts {
            out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
            out.extend(part);
        }
        out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        Ok(out)
    }

    fn text_part(&self, out: &mut Vec<u8>) -> Result<()> {
        let text = canonical(self.text.as_bytes());
        let safe = Safety::of(&text).is_safe();
        let encoding = if safe { TransferEncoding::SevenBit } else { TransferEncoding::QuotedPrintable };
        let charset = if self.text.is_ascii() { "us-ascii" } else { "utf-8" };
        out.extend(field("Content-Type", &format!("text/plain; charset={charset}"))?);
        out.extend(field("Content-Transfer-Encoding", encoding.name())?);
        out.extend_from_slice(b"\r\n");
        if safe {
            out.extend_from_slice(&text);
            return Ok(());
        }
        let mut writer = QuotedPrintableWriter::new(out);
        writer.write_all(&text)?;
        writer.finish()?;
        Ok(())
    }
}

impl Attachment {
    fn part(&self) -> Result<Vec<u8>> {
        let what = || format!("the media type \"{}\"", self.media_type);
        refuse_controls("Content-Type", &self.media_type)?;
        let parsed = ContentType::parse(self.media_type.as_bytes(), 0);
        if !parsed.is_ok_and(|c| !c.is_multipart() && !c.is_message()) {
            return Err(Error::invalid(what(), "it is none that a file can have"));
        }
        if self.file_name.is_empty() || self.file_name.len() > MAX_FILE_NAME {
            return Err(Error::invalid("a file name", "it is empty, or longer than 255 bytes"));
        }
        refuse_controls("a file name", &self.file_name)?;
        let mut out = field("Content-Type", &self.media_type)?;
        out.extend(field("Content-Transfer-Encoding", TransferEncoding::Base64.name())?);
        out.extend(field("Content-Disposition", &format!("attachment; {}", parameter("filename", &self.file_name)))?);
        out.extend_from_slice(b"\r\n");
        let mut writer = Base64Writer::new(out);
        writer.write_all(&self.bytes)?;
        Ok(writer.finish()?)
    }
}

/// `name="value"`, or the extended form of RFC 2231 where the value is not ASCII.
fn parameter(name: &str, value: &str) -> String {
    if value.is_ascii() {
        return format!("{name}={}", quote(value));
    }
    let mut encoded = format!("{name}*=utf-8''");
    for b in value.bytes() {
        match b {
            b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => encoded.push(char::from(b)),
            _ => encoded.push_str(&format!("%{b:02X}")),
        }
    }
    encoded
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A display name (RFC 5322 section 3.2.5).
fn phrase(text: &str) -> String {
    let atoms = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~ ".contains(c);
    if needs_words(text) {
        words(text, Place::Phrase)
    } else if text.chars().all(atoms) && !text.contains("  ") && text.trim() == text {
        text.to_owned()
    } else {
        quote(text)
    }
}

enum Place {
    Text { column: usize },
    Phrase,
}

/// Not ASCII, or something that would be taken for an encoded word.
fn needs_words(text: &str) -> bool {
    !text.is_ascii() || text.contains("=?") || text.trim() != text
}

/// Encoded words with a blank between them, for [`field`] to fold; none splits a character.
fn words(text: &str, place: Place) -> String {
    // Where in its line a phrase will stand is not known, so its words are short. RFC 2047 section 2 allows 75.
    let (quoted, mut column, width) = match place {
        Place::Text { column } => (rfc2047::Q_TEXT, column, FOLD),
        Place::Phrase => (rfc2047::Q_PHRASE, 1, FOLD - 16),
    };
    let encoder = if rfc2047::B.payload_len(text) < quoted.payload_len(text) { rfc2047::B } else { quoted };
    let mut out = String::new();
    encoder.encode_words("utf-8", text, &mut column, Fold::new(width, b" ", 1), &mut out);
    out
}

/// SEC-140: a line break would begin another field, and a NUL ends one for some readers.
fn refuse_controls(what: &str, text: &str) -> Result<()> {
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Error::invalid(what, "it contains a line break, a NUL or another control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::entity::scan;
    use super::super::header::HeaderBlock;
    use super::super::mailboxes::{Mailboxes, date, subject};
    use super::super::transfer::Strictness;
    use super::super::{ErrorKind, content_type};
    use super::*;
    use crate::base::limits::Limits;
    use crate::base::source::Memory;
    use proptest::prelude::*;
    use std::io::Read;

    fn draft() -> Draft {
        let named = |name: &str, address: &str| Named { name: Some(name.into()), address: address.parse().unwrap() };
        Draft {
            from: vec![named("Jürgen Müller", "j@example.org")],
            to: vec![named("Last, First", "f@example.org"), named("", "g@example.org")],
            subject: "Grüße aus Köln".into(),
            date: "2026-11-24T08:00:00Z".parse().unwrap(),
            message_id: "<1@example.org>".into(),
            text: "Hello\nFrom me \nö\n".into(),
            attachments: vec![],
            boundary: [7; 16],
        }
    }

    #[test]
    fn drafts_are_read_again() {
        let mut draft = draft();
        for attachments in [0, 1] {
            if attachments == 1 {
                let media_type = "application/octet-stream".into();
                draft.attachments.push(Attachment {
                    file_name: "ü \"1\".bin".into(),
                    media_type,
                    bytes: (0..=255).collect(),
                });
            }
            let bytes = draft.to_bytes().unwrap();
            assert!(Safety::of(&bytes).is_safe(), "{}", String::from_utf8_lossy(&bytes));
            let source = Memory::owned(bytes);
            let root = scan(&source, &Limits::default()).unwrap();
            let mailboxes = Mailboxes::read(&root.header, &Limits::default()).unwrap();
            assert_eq!(mailboxes.from[0].name.as_deref(), Some("Jürgen Müller"));
            assert_eq!(mailboxes.to[0].name.as_deref(), Some("Last, First"));
            assert_eq!(mailboxes.to[1].address.as_ref().unwrap().to_string(), "g@example.org");
            assert!(mailboxes.oddities.is_empty(), "{:?}", mailboxes.oddities);
            assert_eq!(subject(&root.header).unwrap(), draft.subject);
            assert_eq!(date(&root.header), Some(draft.date));
            let mut text = String::new();
            let leaf = root.walk().find(|e| e.children.is_empty()).unwrap();
            leaf.decoded(&source, Strictness::Strict).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "Hello\r\nFrom me \r\nö\r\n");
            if attachments == 1 {
                let part = root.find("2").unwrap();
                let mut bytes = Vec::new();
                part.decoded(&source, Strictness::Strict).unwrap().read_to_end(&mut bytes).unwrap();
                assert_eq!(bytes, draft.attachments[0].bytes);
                let disposition = part.header.unique("Content-Disposition").unwrap().unwrap();
                let parsed = content_type::ContentType::parse_disposition(disposition.value, 0).unwrap();
                assert_eq!(parsed.parameter("filename"), Some("ü \"1\".bin"));
            }
        }
        let line = date_field("2000-02-29T23:59:58Z".parse().unwrap()).unwrap();
        assert_eq!(line, b"Date: Tue, 29 Feb 2000 23:59:58 +0000\r\n");
    }

    #[test]
    fn sec_140_what_would_inject_a_field_is_refused() {
        let refused = |result: Result<Vec<u8>>| {
            let error = result.unwrap_err();
            assert!(matches!(error.kind, ErrorKind::InvalidInput { .. }), "{error}");
            assert!(!error.to_string().chars().any(char::is_control), "{error}");
        };
        for evil in ["a\r\nBcc: eve@x.org", "a\nb", "a\rb", "a\0b", "a\u{85}b", "a\u{1b}b"] {
            refused(field("Subject", evil));
            refused(field(evil, "x"));
            refused(text_field("Subject", evil));
            refused(mailbox_field("To", &[Named { name: Some(evil.into()), address: "a@b.c".parse().unwrap() }]));
            refused(Draft { subject: evil.into(), ..draft() }.to_bytes());
            refused(Draft { message_id: evil.into(), ..draft() }.to_bytes());
            let attachment = |file_name: &str, media_type: &str| Attachment {
                file_name: file_name.into(),
                media_type: media_type.into(),
                bytes: Vec::new(),
            };
            refused(Draft { attachments: vec![attachment(evil, "text/plain")], ..draft() }.to_bytes());
            refused(
                Draft { attachments: vec![attachment("a", &format!("text/plain; x=\"{evil}\""))], ..draft() }
                    .to_bytes(),
            );
        }
        for name in ["", "a b", "a:b", "ä", &"x".repeat(77)] {
            refused(field(name, "x"));
        }
        refused(field("X", &"x".repeat(2000)));
    }

    #[test]
    fn sec_144_a_boundary_in_the_text_is_refused() {
        let attachments = vec![Attachment { file_name: "a".into(), media_type: "text/plain".into(), bytes: vec![] }];
        let draft = Draft { text: format!("--{}", super::boundary([7; 16])), attachments, ..draft() };
        assert!(draft.to_bytes().is_err());
    }

    proptest! {
        #[test]
        fn fields_fold_and_unfold(text in "[ a-zA-Zäöü漢=?_,.<>@\"\\\\]{0,200}") {
            let encoded = text_field("Subject", &text).unwrap();
            for line in encoded.split(|b| *b == b'\n') {
                prop_assert!(line.len() <= FOLD + 1 || !line.contains(&b' '), "{:?}", String::from_utf8_lossy(&encoded));
            }
            let header = HeaderBlock::parse(&encoded, 0, &Limits::default()).unwrap();
            prop_assert_eq!(header.fields().count(), 1);
            // mail-parser gathers blanks, so they are not compared.
            let plain = |s: &str| s.split_whitespace().collect::<String>();
            prop_assert_eq!(plain(&subject(&header).unwrap()), plain(&text));
        }

        #[test]
        fn mailboxes_are_read_again(names in prop::collection::vec("[ a-zäß漢,.<>@\"\\\\]{0,40}", 1..4)) {
            let list: Vec<_> = names.iter().enumerate()
                .map(|(n, name)| Named { name: Some(name.clone()), address: format!("u{n}@example.org").parse().unwrap() })
                .collect();
            let encoded = mailbox_field("To", &list).unwrap();
            let header = HeaderBlock::parse(&encoded, 0, &Limits::default()).unwrap();
            let read = Mailboxes::read(&header, &Limits::default()).unwrap();
            let addresses: Vec<_> = read.to.iter().map(|m| m.address.clone()).collect();
            let expected: Vec<_> = list.iter().map(|m| Some(m.address.clone())).collect();
            prop_assert_eq!(addresses, expected, "{}", String::from_utf8_lossy(&encoded));
        }
    }
}
