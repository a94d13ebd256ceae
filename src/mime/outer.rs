//! The header fields of a mail that stay outside what is protected, and where the new Content-* fields go among them.

use super::canonical::canonical;
use super::header::{Field, HeaderBlock};

/// Where the new fields go, and what stays outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// The new fields stand after all others, and every Content-* field goes in.
    AtTheEnd,
    /// MIME-Version and the new Content-* fields stand where the old ones stood, and what speaks of the message and not
    /// of its body stays outside: Content-Language and Content-Class. So does Outlook (OUT-45).
    InPlace,
}

/// The header fields that stay outside, in order, byte for byte but for CRLF line ends: all but Content-*, MIME-Version
/// and Bcc.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outer {
    fields: Vec<(Place, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Kept,
    /// A Content-* field that speaks of the message.
    OfTheMessage,
    MimeVersion,
    ContentType,
}

impl Outer {
    /// Takes the fields of a mail. Lines that are no fields stay behind: some readers end the header at one.
    pub(super) fn of(header: &HeaderBlock) -> Self {
        let mut fields: Vec<(Place, Vec<u8>)> = Vec::new();
        for field in header.fields() {
            let place = match () {
                () if field.is("Bcc") || field.is("Resent-Bcc") => continue,
                () if field.is("MIME-Version") => Place::MimeVersion,
                () if field.is("Content-Type") => Place::ContentType,
                () if is_of_the_message(&field) => Place::OfTheMessage,
                () if is_content_field(field.name) => continue,
                () => Place::Kept,
            };
            let mut line = canonical(field.raw).into_owned();
            if !field.raw.ends_with(b"\n") {
                line.extend_from_slice(b"\r\n");
            }
            fields.push((place, line));
        }
        Self { fields }
    }

    /// The whole header, blank line included, around `content`: Content-Type and what else the new body needs.
    pub fn around(&self, content: &[u8], arrangement: Arrangement) -> Vec<u8> {
        const VERSION: &[u8] = b"MIME-Version: 1.0\r\n";
        let mut out = Vec::new();
        let has = |wanted: Place| {
            arrangement == Arrangement::InPlace && self.fields.iter().any(|(place, _)| *place == wanted)
        };
        let (mut version, mut due) = (Some(VERSION), Some(content));
        let version_stands = has(Place::MimeVersion);
        for (place, line) in &self.fields {
            let put = match (arrangement, place) {
                (_, Place::Kept) | (Arrangement::InPlace, Place::OfTheMessage) => Some(line.as_slice()),
                (Arrangement::InPlace, Place::MimeVersion) => version.take(),
                (Arrangement::InPlace, Place::ContentType) => {
                    if !version_stands {
                        out.extend_from_slice(version.take().unwrap_or_default());
                    }
                    due.take()
                }
                (Arrangement::AtTheEnd, _) => None,
            };
            out.extend_from_slice(put.unwrap_or_default());
        }
        for rest in [version, due, Some(b"\r\n".as_slice())] {
            out.extend_from_slice(rest.unwrap_or_default());
        }
        out
    }
}

pub(super) fn is_content_field(name: &str) -> bool {
    name.get(..8).is_some_and(|prefix| prefix.eq_ignore_ascii_case("content-"))
}

/// Whether a Content-* field speaks of the message rather than of its body.
pub(super) fn is_of_the_message(field: &Field<'_>) -> bool {
    field.is("Content-Language") || field.is("Content-Class")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::Limits;

    fn arranged(header: &str, arrangement: Arrangement) -> String {
        let block = HeaderBlock::parse(header.as_bytes(), 0, &Limits::default()).unwrap();
        String::from_utf8(Outer::of(&block).around(b"Content-Type: new\r\n", arrangement)).unwrap()
    }

    #[test]
    fn out_045_the_new_fields_stand_in_place_or_at_the_end() {
        let header = "From: a@b\nMIME-Version: 1.0 (old)\nX-A: 1\nContent-Type: text/plain;\n charset=x\n\
                      Content-Language: de\nBcc: c@d\nContent-ID: <1>\nX-B:  2\n\n";
        let in_place =
            "From: a@b\r\nMIME-Version: 1.0\r\nX-A: 1\r\nContent-Type: new\r\nContent-Language: de\r\nX-B:  2\r\n\r\n";
        assert_eq!(arranged(header, Arrangement::InPlace), in_place);
        let at_the_end = "From: a@b\r\nX-A: 1\r\nX-B:  2\r\nMIME-Version: 1.0\r\nContent-Type: new\r\n\r\n";
        assert_eq!(arranged(header, Arrangement::AtTheEnd), at_the_end);
    }

    #[test]
    fn each_new_field_stands_there_once_whatever_was_there() {
        for header in ["X: 1\n\n", "MIME-Version: 1\nX: 1\n\n", "Content-Type: a/b\nX: 1\n\n", "\n"] {
            for arrangement in [Arrangement::InPlace, Arrangement::AtTheEnd] {
                let out = arranged(header, arrangement);
                assert_eq!(out.matches("MIME-Version: 1.0\r\n").count(), 1, "{out}");
                assert_eq!(out.matches("Content-Type: new\r\n").count(), 1, "{out}");
                assert!(out.find("MIME-Version") < out.find("Content-Type"), "{out}");
            }
        }
        // A Content-Type before MIME-Version keeps its place.
        let out = arranged("Content-Type: a/b\nMIME-Version: 1.0\n\n", Arrangement::InPlace);
        assert_eq!(out, "Content-Type: new\r\nMIME-Version: 1.0\r\n\r\n");
    }
}
