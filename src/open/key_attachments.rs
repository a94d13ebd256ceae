//! Keys and certificates that are attached to a mail, for manual installation (OUT-110). Media type and name say which
//! attachments may be such; what each is, its content says, when it is opened.

use crate::base::file_name::safe_file_name;
use crate::base::limits::Limits;
use crate::base::secret::Secret;
use crate::base::source::SharedSource;
use crate::mime;
use crate::mime::entity::{Entity, scan};
use crate::mime::transfer::Strictness;
use std::io::{self, Read};

/// An attachment that may hold keys or certificates.
#[derive(Clone, Debug)]
pub struct KeyAttachment {
    /// The part that it is: "2".
    pub path: String,
    /// What it is called, made safe; "unnamed" where it has no name.
    pub file_name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes, decoded.
    pub bytes: Secret,
}

/// Why the attachments of a mail are not found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The mail is not read.
    #[error("{0}")]
    Mime(#[from] mime::Error),
    /// An attachment is not decoded.
    #[error("the attachment {file_name}: {error}")]
    Attachment {
        /// Which.
        file_name: String,
        /// Why.
        error: io::Error,
    },
    /// Together they are larger than any such files are.
    #[error("keys and certificates of more than {limit} bytes are attached")]
    TooLarge {
        /// Bytes.
        limit: usize,
    },
    /// It is encrypted, or signed in one piece: what is attached to it is not to be seen.
    #[error("the mail is encrypted, or signed in one piece, and what is attached is inside")]
    Inside,
}

const NAMES: [&str; 6] = [".p12", ".pfx", ".cer", ".crt", ".p7b", ".p7c"];
const MEDIA_TYPES: [&str; 9] = [
    "application/x-pkcs12",
    "application/pkcs12",
    "application/pkcs-12",
    "application/pkix-cert",
    "application/x-x509-ca-cert",
    "application/x-x509-user-cert",
    "application/x-x509-email-cert",
    "application/x-pkcs7-certificates",
    "application/pkcs7-certificates",
];

/// Finds them, in the order of the mail.
///
/// # Errors
/// [`Error`]
pub fn find(mail: &SharedSource<'_>, limits: &Limits) -> Result<Vec<KeyAttachment>, Error> {
    let root = scan(mail, limits)?;
    let mut found = Vec::new();
    let mut room = limits.structure_bytes;
    for entity in root.walk().filter(|entity| entity.children.is_empty()) {
        let name = entity.file_name();
        if !is_candidate(entity, name.as_deref()) {
            continue;
        }
        let file_name = name.map_or_else(|| "unnamed".to_owned(), |name| safe_file_name(&name));
        let failed = |error| Error::Attachment { file_name: file_name.clone(), error };
        let mut bytes = Vec::new();
        let decoded = entity.decoded(mail, Strictness::Lenient)?;
        decoded.take((room as u64).saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        room = room.checked_sub(bytes.len()).ok_or(Error::TooLarge { limit: limits.structure_bytes })?;
        let media_type = entity.media_type().to_owned();
        found.push(KeyAttachment { path: entity.path.clone(), file_name, media_type, bytes: Secret::new(bytes) });
    }
    if found.is_empty() && root.walk().any(is_cms) {
        return Err(Error::Inside);
    }
    Ok(found)
}

fn is_candidate(entity: &Entity, name: Option<&str>) -> bool {
    let name = name.unwrap_or_default().trim().to_ascii_lowercase();
    MEDIA_TYPES.contains(&entity.media_type()) || NAMES.iter().any(|suffix| name.ends_with(suffix))
}

fn is_cms(entity: &Entity) -> bool {
    matches!(entity.media_type(), "application/pkcs7-mime" | "application/x-pkcs7-mime")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::source::Memory;

    fn found(header: &str) -> Vec<String> {
        let mail = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\n\
             {header}\r\nContent-Transfer-Encoding: base64\r\n\r\nAQID\r\n--b--\r\n"
        );
        let found = find(&Memory::borrowed(mail.as_bytes()), &Limits::default()).unwrap();
        assert!(found.iter().all(|one| one.bytes.expose() == [1, 2, 3]));
        found.into_iter().map(|one| one.file_name).collect()
    }

    #[test]
    fn out_110_types_and_names_make_a_candidate() {
        for media_type in MEDIA_TYPES {
            assert_eq!(found(&format!("Content-Type: {media_type}")), ["unnamed"], "{media_type}");
        }
        for suffix in NAMES {
            for name in [format!("a{suffix}"), format!("a{}", suffix.to_ascii_uppercase())] {
                let header = format!("Content-Type: application/octet-stream; name=\"{name}\"");
                assert_eq!(found(&header), [name]);
            }
        }
        for other in [
            "Content-Type: application/octet-stream",
            "Content-Type: application/octet-stream; name=p12",
            "Content-Type: application/pdf; name=\"a.p12.pdf\"",
            "Content-Type: application/pkcs7-signature; name=smime.p7s",
        ] {
            assert!(found(other).is_empty(), "{other}");
        }
        assert_eq!(found("Content-Type: x/y; name=\"../../a.p12\""), ["a.p12"]);
    }

    #[test]
    fn what_is_inside_an_encrypted_mail_is_not_found() {
        let mail = b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n\r\nAA==";
        assert!(matches!(find(&Memory::borrowed(mail), &Limits::default()), Err(Error::Inside)));
    }

    #[test]
    fn what_is_too_large_is_not_read_to_its_end() {
        let mail = format!("Content-Type: application/x-pkcs12\r\n\r\n{}", "x".repeat(1001));
        let limits = Limits { structure_bytes: 1000, ..Limits::default() };
        let error = find(&Memory::borrowed(mail.as_bytes()), &limits).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 1000 }), "{error}");
    }
}
