//! What a file is, by its first structures; its name says nothing.

use crate::asn1::ber::{Reader, Tag};
use crate::asn1::oid;

/// A structure that a file can consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Certificate,
    Crl,
    Pkcs1,
    Pkcs8,
    EncryptedPkcs8,
    Sec1,
    Pkcs12,
    Pkcs7,
    /// Known, and nothing that is imported; in words.
    Other(&'static str),
}

impl Kind {
    pub(super) fn is_key(self) -> bool {
        matches!(self, Self::Pkcs1 | Self::Pkcs8 | Self::EncryptedPkcs8 | Self::Sec1 | Self::Pkcs12)
    }
}

/// The kind of a BER structure; `None` where it is no structure at all. Only the shape is looked at.
pub(super) fn kind(bytes: &[u8]) -> Option<Kind> {
    // A truncated or trailing structure is still of its kind; reading it says what is wrong.
    let outer = match Reader::new(bytes).next_element() {
        Ok(Some(element)) if element.tag == Tag::SEQUENCE => element,
        Ok(_) => return None,
        Err(_) => return truncated(bytes),
    };
    let mut inside = outer.sequence("file").ok()?;
    let first = inside.next_element().ok()??;
    let second = inside.peek();
    match first.tag {
        Tag::OID => match first.oid("contentType").ok()? {
            oid::ID_SIGNED_DATA => Some(Kind::Pkcs7),
            oid::ID_ENVELOPED_DATA | oid::ID_CT_AUTH_ENVELOPED_DATA => Some(Kind::Other("an encrypted message")),
            _ => Some(Kind::Other("a CMS structure without certificates")),
        },
        Tag::INTEGER => {
            let second = inside.next_element().ok()??;
            match second.tag {
                Tag::SEQUENCE => {
                    let inner = second.sequence("file").ok()?.next_element().ok()??.oid("file").ok()?;
                    let is_content = matches!(inner, oid::ID_DATA | oid::ID_SIGNED_DATA);
                    Some(if is_content { Kind::Pkcs12 } else { Kind::Pkcs8 })
                }
                Tag::OCTET_STRING => Some(Kind::Sec1),
                Tag::INTEGER => {
                    let mut integers = 2;
                    while let Ok(Some(element)) = inside.next_element() {
                        integers += i32::from(element.tag == Tag::INTEGER);
                    }
                    Some(if integers >= 9 { Kind::Pkcs1 } else { Kind::Other("a DSA key or a bare public key") })
                }
                _ => None,
            }
        }
        Tag::SEQUENCE => match second? {
            Tag::SEQUENCE => to_be_signed(&mut first.sequence("file").ok()?),
            Tag::OCTET_STRING => Some(Kind::EncryptedPkcs8),
            Tag::BIT_STRING => Some(Kind::Other("a public key without certificate")),
            _ => None,
        },
        _ => None,
    }
}

/// Tells apart what is signed by an authority or its subject: the fourth field decides.
fn to_be_signed(fields: &mut Reader<'_>) -> Option<Kind> {
    let mut first = fields.next_element().ok()??;
    let explicit_version = first.tag == Tag::context(0);
    if explicit_version {
        first = fields.next_element().ok()??;
    }
    if first.tag == Tag::INTEGER {
        first = fields.next_element().ok()??;
    }
    let second = fields.next_element().ok()??;
    let third = fields.peek();
    match (first.tag, second.tag, third) {
        // CRL: algorithm, issuer, thisUpdate.
        (Tag::SEQUENCE, Tag::SEQUENCE, Some(Tag::UTC_TIME | Tag::GENERALIZED_TIME)) => Some(Kind::Crl),
        // Certificate: algorithm, issuer, validity.
        (Tag::SEQUENCE, Tag::SEQUENCE, Some(Tag::SEQUENCE)) => Some(Kind::Certificate),
        // Request: subject, key, attributes.
        (Tag::SEQUENCE, Tag::SEQUENCE, _) if !explicit_version => Some(Kind::Other("a certificate request")),
        _ => None,
    }
}

/// For a file that is cut short, what its beginning says, so that the error can be about the cut.
fn truncated(bytes: &[u8]) -> Option<Kind> {
    match bytes {
        [0x30, 0x80..=0x84, rest @ ..] => {
            let after = rest.windows(3).take(5).find_map(|window| match window {
                [2, 1, 3] => Some(Kind::Pkcs12),
                [2, 1, 0 | 1] => Some(Kind::Pkcs8),
                [6, 9, 0x2a] => Some(Kind::Pkcs7),
                _ => None,
            });
            Some(after.unwrap_or(Kind::Certificate))
        }
        _ => None,
    }
}

/// In words, what an unknown file looks like. Nothing of it is quoted but the name of a header field: it may be a password
/// file, or a key in a form that is not read (SEC-129).
pub(super) fn appearance(bytes: &[u8]) -> String {
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return (*name).to_owned();
    }
    let line = bytes.split(|octet| *octet == b'\n').next().unwrap_or_default().trim_ascii_end();
    let start = line.get(..LOOKED_AT).unwrap_or(line);
    if std::str::from_utf8(bytes.get(..LOOKED_AT).unwrap_or(bytes)).is_err_and(|e| e.error_len().is_some())
        || start.iter().any(|octet| octet.is_ascii_control() && *octet != b'\t')
    {
        return "binary data of no kind that is known here".into();
    }
    let field = start.split(|octet| *octet == b':').next().filter(|name| name.len() < start.len());
    match field.and_then(|name| std::str::from_utf8(name).ok()).filter(|name| FIELDS.contains(name)) {
        Some(name) => format!("a text that begins with a header field, \"{name}:\", as a mail does"),
        None => "a text without any PEM block".into(),
    }
}

const LOOKED_AT: usize = 64;

/// The first octets of files that people take for key files, or have their keys in.
const MAGIC: &[(&[u8], &str)] = &[
    (&[0xff, 0xfe], "text in UTF-16 (save it as plain text)"),
    (&[0xfe, 0xff], "text in UTF-16 (save it as plain text)"),
    (&[0xfe, 0xed, 0xfe, 0xed], "a Java keystore (keytool -importkeystore makes PKCS#12 of it)"),
    (&[0xce, 0xce, 0xce, 0xce], "a Java keystore (keytool -importkeystore makes PKCS#12 of it)"),
    (b"SQLite format 3", "a database (of NSS, perhaps: pk12util -o makes PKCS#12 of what is in it)"),
    (&[0xd0, 0xcf, 0x11, 0xe0], "an Outlook message or another OLE file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF"),
    (b"ssh-", "a public key of SSH"),
    (b"age-encryption.org/", "a file encrypted with age"),
    (b"AGE-SECRET-KEY-", "a key of age"),
    (b"<", "HTML or XML"),
];

/// Fields that a mail begins with.
const FIELDS: &[&str] = &[
    "Return-Path",
    "Received",
    "Delivered-To",
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "X-Mozilla-Status",
];
