//! S/MIME inside Outlook's .msg files, as the mail that it was on the wire (OUT-61; [MS-OXOSMIME] sections 2.1 and 3.1).
//!
//! A .msg has no wire form: the header is one property or several, and what was signed or encrypted is an attachment. This
//! file puts them together again, as a source whose header is made here and whose body is a window onto the attachment, which
//! stays in the file. Not a byte of the body is touched, so signatures are judged over what arrived (design.md, law 1).
//!
//! ```no_run
//! # use smime::{Limits, Opener, Policy, Time, Trust};
//! # let (trust, policy, now) = (Trust::default(), Policy::default(), Time::from_unix(0));
//! let mail = smime::open::msg::read(std::fs::File::open("mail.msg")?, &Limits::default())?;
//! let opened = Opener::new(&trust, &policy).with_notes(&mail.notes).open_source(mail.source, now)?;
//! println!("{}", opened.report());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod headers;

use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use crate::base::source::{Joined, Memory, SharedSource, Span};
use crate::cms;
use crate::mime;
use crate::mime::content_type::ContentType;
use crate::mime::emit;
use crate::mime::header::HeaderBlock;
use crate::store::msg::{Attachment, Data, Msg, Property, Text};
use std::io::{self, Read, Seek};

/// How every .msg file begins, as every other compound file does.
pub const MAGIC: [u8; 8] = crate::store::msg::MAGIC;

/// What a .msg file is as mail.
pub struct Mail<'a> {
    /// Header and body, for [`Opener::open_source`](super::opener::Opener::open_source) and the like.
    pub source: SharedSource<'a>,
    /// PidTagMessageClass, such as `IPM.Note.SMIME.MultipartSigned`.
    pub class: String,
    /// What was made here rather than found, and what was left out: for
    /// [`Opener::with_notes`](super::opener::Opener::with_notes).
    pub notes: Vec<Reason>,
}

/// Why a .msg file is no mail that can be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is damaged, ambiguous, or beyond a limit.
    #[error(transparent)]
    File(#[from] crate::store::msg::Error),
    /// It does not say what it is.
    #[error("the .msg file has no PidTagMessageClass (0x001A), so it is no message that Outlook saved")]
    NoClass,
    /// A property cannot stand in a header (SEC-140).
    #[error("{property} cannot stand in a mail's header: {why}")]
    Header {
        /// The property, or the field of one.
        property: String,
        /// Why it cannot.
        why: String,
    },
    /// The attachment's own header, or the header that was received, is malformed or beyond a limit.
    #[error("{what}: {error}")]
    Mime {
        /// Where.
        what: String,
        /// What is wrong.
        error: mime::Error,
    },
    /// Its class says S/MIME, and it does not have exactly one attachment.
    #[error(
        "the class {class} says that it is S/MIME, which has exactly one attachment, and it has {count}{names}: save it from \
         Outlook again, or as .eml"
    )]
    Attachments {
        /// PidTagMessageClass.
        class: String,
        /// How many there are.
        count: usize,
        /// Their names in brackets, where there are any.
        names: String,
    },
    /// The attachment's bytes are not in the file.
    #[error("the attachment {name} of the {class} {why}: save the message from Outlook again, or as .eml")]
    NoContent {
        /// PidTagMessageClass.
        class: String,
        /// The attachment's name, or its storage.
        name: String,
        /// Where they are instead.
        why: String,
    },
    /// The attachment is neither CMS nor a MIME entity.
    #[error(
        "the attachment {name} of the {class} is neither a CMS structure nor a MIME entity with a Content-Type: it begins with \
         {found}"
    )]
    Foreign {
        /// PidTagMessageClass.
        class: String,
        /// The attachment's name, or its storage.
        name: String,
        /// Its first bytes, in hexadecimal.
        found: String,
    },
    /// The input could not be read.
    #[error("the .msg file cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads a .msg file as mail. The attachment of an S/MIME message stays in the file, which is read again as the mail is.
///
/// # Errors
/// [`Error::File`] where the container is damaged; otherwise each says which property or attachment is not as it should be.
pub fn read<'a, R: Read + Seek + Send + Sync + 'a>(input: R, limits: &Limits) -> Result<Mail<'a>, Error> {
    let mut msg = Msg::open(input, limits)?;
    let class = match msg.text(Property::MESSAGE_CLASS)? {
        Some(class) => plain(&class).filter(|class| !class.is_empty()).ok_or(Error::NoClass)?,
        None => return Err(Error::NoClass),
    };
    let (head, notes) = headers::build(&mut msg, limits)?;
    let mail = Making { class: visible(&class), head, notes, limits };
    if is_smime(&class) { mail.protected(msg) } else { mail.unprotected(msg) }
}

/// The classes of [MS-OXOSMIME], and every other that ends as they do (OUT-61).
fn is_smime(class: &str) -> bool {
    let class = class.to_ascii_lowercase();
    class.ends_with(".smime") || class.ends_with(".smime.multipartsigned")
}

/// A mail of which the header is there, and the body is not yet.
struct Making<'l> {
    class: String,
    head: Vec<u8>,
    notes: Vec<Reason>,
    limits: &'l Limits,
}

impl Making<'_> {
    /// The one attachment is the body. What it is decides its content, not the class, which is ambiguous.
    fn protected<'a, R: Read + Seek + Send + Sync + 'a>(mut self, mut msg: Msg<R>) -> Result<Mail<'a>, Error> {
        let attachments = msg.attachments()?;
        let [attachment] = attachments.as_slice() else {
            let names: Vec<String> = attachments.iter().take(10).map(name_of).collect();
            let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
            return Err(Error::Attachments { class: self.class, count: attachments.len(), names });
        };
        let name = name_of(attachment);
        if let Some(why) = elsewhere(attachment) {
            return Err(Error::NoContent { class: self.class, name, why });
        }
        let content_type = msg.content_type()?;
        let content = msg.into_attachment(attachment)?.ok_or_else(|| Error::NoContent {
            class: self.class.clone(),
            name: name.clone(),
            why: "is not there".to_owned(),
        })?;
        let mut start = Vec::new();
        content.reader(0)?.take(16).read_to_end(&mut start)?;
        if start.first() == Some(&0x30) && cms::content::content_type_of(&*content).is_ok() {
            self.opaque(content_type.as_ref());
            return Ok(self.with_body(content));
        }
        let entity = HeaderBlock::read(&mut *content.reader(0)?, self.limits)
            .map_err(|error| Error::Mime { what: format!("the header of the attachment {name}"), error })?;
        if entity.all("Content-Type").next().is_none() {
            let found = start.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(" ");
            return Err(Error::Foreign { class: self.class, name, found });
        }
        self.clear(&entity, &name)?;
        let length = content.length().unwrap_or(u64::MAX);
        Ok(self.with_body(Span::of(&content, entity.len(), length)))
    }

    /// [MS-OXOSMIME] section 2.1.3.1: the attachment is the CMS structure itself, without any header of its own.
    fn opaque(&mut self, stored: Option<&Text>) {
        self.head.extend_from_slice(b"MIME-Version: 1.0\r\n");
        let field = stored.and_then(|value| {
            let value = unfolded(&plain(value)?);
            let parsed = ContentType::parse(value.as_bytes(), 0).ok()?;
            let fits = ["application/pkcs7-mime", "application/x-pkcs7-mime", "application/octet-stream"];
            if fits.iter().any(|media_type| parsed.is(media_type)) {
                return emit::field("Content-Type", &value).ok().filter(|_| value.is_ascii());
            }
            None
        });
        let (code, text) = match (&field, stored) {
            (Some(_), _) => {
                ("msg_content_type_stored", "the Content-Type is the one that Outlook stored beside the message")
            }
            (None, Some(_)) => (
                "msg_content_type_rebuilt",
                "the Content-Type that Outlook stored beside the message does not fit its content, and was left out; \
                 what it is was decided by the content",
            ),
            (None, None) => (
                "msg_content_type_rebuilt",
                "the .msg file keeps no Content-Type; what it is was decided by the content",
            ),
        };
        self.notes.push(Reason::new(code, text));
        self.head.extend(field.unwrap_or_else(|| b"Content-Type: application/pkcs7-mime\r\n".to_vec()));
        self.head.extend_from_slice(b"Content-Transfer-Encoding: binary\r\n");
    }

    /// [MS-OXOSMIME] section 2.1.3.2: the attachment is the whole multipart/signed, of which the Content-* fields are taken as
    /// they are. Others say nothing here: Outlook does not show them, and two Froms would be two meanings.
    fn clear(&mut self, entity: &HeaderBlock, name: &str) -> Result<(), Error> {
        self.head.extend_from_slice(b"MIME-Version: 1.0\r\n");
        let mut left_out = Vec::new();
        for field in entity.fields() {
            if headers::is_content(field.name) {
                let raw = headers::with_crlf(field.raw).ok_or_else(|| Error::Header {
                    property: format!("{} of the attachment {name}", field.name),
                    why: "it has a NUL or a CR that ends no line".to_owned(),
                })?;
                self.head.extend(raw);
            } else if !field.is("MIME-Version") {
                left_out.push(field.name.to_owned());
            }
        }
        if !left_out.is_empty() {
            left_out.truncate(10);
            let text =
                format!("the attachment's own fields {} were left out: Outlook shows others", left_out.join(", "));
            self.notes.push(Reason::new("msg_attachment_fields_left_out", text));
        }
        Ok(())
    }

    /// Any other class: the text, so that there is something to say that nobody signed it.
    fn unprotected<'a, R: Read + Seek>(mut self, mut msg: Msg<R>) -> Result<Mail<'a>, Error> {
        let page = headers::code_page(&msg);
        let (media_type, text) = match msg.text(Property::BODY)?.map(|text| headers::decoded(&text, page)) {
            Some(text) if !text.is_empty() => ("text/plain", text),
            other => match msg.html()? {
                Some(html) => {
                    let page = msg.integer(Property::INTERNET_CODEPAGE).or(page);
                    ("text/html", headers::decoded(&html, page))
                }
                None => ("text/plain", other.unwrap_or_default()),
            },
        };
        self.head.extend_from_slice(b"MIME-Version: 1.0\r\n");
        self.head.extend_from_slice(format!("Content-Type: {media_type}; charset=utf-8\r\n").as_bytes());
        self.head.extend_from_slice(b"Content-Transfer-Encoding: 8bit\r\n");
        let attachments = msg.attachments()?;
        let names: Vec<String> = attachments.iter().take(10).map(name_of).collect();
        if !names.is_empty() {
            let text = format!("{} attachments were left out: {}", attachments.len(), names.join(", "));
            self.notes.push(Reason::new("msg_attachments_left_out", text));
        }
        let protected = |name: &&String| {
            let name = name.to_ascii_lowercase();
            [".p7m", ".p7s", ".p7z"].iter().any(|end| name.ends_with(end))
        };
        if let Some(name) = attachments.iter().map(name_of).collect::<Vec<_>>().iter().find(protected) {
            let text = format!(
                "the class {} says that it is no S/MIME message, and yet the attachment {name} is named like a part of one; \
                 Outlook does not open it either: save the attachment and open it by itself",
                self.class
            );
            self.notes.push(Reason::new("msg_smime_attachment", text));
        }
        Ok(self.with_body(Memory::owned(text.into_bytes())))
    }

    fn with_body<'a>(self, body: SharedSource<'a>) -> Mail<'a> {
        let Self { class, mut head, notes, .. } = self;
        head.extend_from_slice(b"\r\n");
        let source = match body.as_slice() {
            // Small enough to be in memory: then as a whole, so that deeper layers are read from there.
            Some(bytes) => {
                head.extend_from_slice(bytes);
                Memory::owned(head)
            }
            None => Joined::of(head, body),
        };
        Mail { source, class, notes }
    }
}

/// Why there are no bytes to be had, and where they are instead ([MS-OXCMSG] section 2.2.2.9).
fn elsewhere(attachment: &Attachment) -> Option<String> {
    let data = Property::ATTACH_DATA;
    match (attachment.data, attachment.method) {
        (Data::Storage, Some(6)) => Some("is an OLE object".to_owned()),
        (Data::Storage, _) | (_, Some(5)) => Some("is an embedded message".to_owned()),
        (_, Some(method @ (2..=4 | 7))) => Some(format!("is attached by reference (method {method}), not by value")),
        (Data::Absent, method) => {
            let method = method.map_or_else(|| "none".to_owned(), |method| method.to_string());
            Some(format!("has no bytes: {data} is missing (method {method})"))
        }
        (Data::Stream(0), _) => Some(format!("is empty: {data} has no bytes")),
        (Data::Stream(_), _) => None,
    }
}

fn name_of(attachment: &Attachment) -> String {
    let name = attachment.name.as_ref().and_then(plain).filter(|name| !name.is_empty());
    visible(&name.unwrap_or_else(|| attachment.storage.clone()).chars().take(100).collect::<String>())
}

/// A text that should be ASCII.
fn plain(text: &Text) -> Option<String> {
    match text {
        Text::Unicode(text) => Some(text.clone()),
        Text::EightBit(octets) => String::from_utf8(octets.clone()).ok(),
    }
}

/// A raw field value on one line.
fn unfolded(value: &str) -> String {
    value.replace("\r\n", "").trim().to_owned()
}
