//! Names as people type them (RFC 4514).

use super::{Name, SHORT_NAMES};
use crate::asn1::oid;
use const_oid::ObjectIdentifier;
use std::str::FromStr;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a name: {why}; write it like CN=Alice,O=Example,C=DE")]
pub struct NameError {
    text: String,
    why: String,
}

impl FromStr for Name {
    type Err = NameError;

    /// Reads what [`Display`](std::fmt::Display) writes: the most specific attribute first, `\` before special
    /// characters, short names in any case or dotted identifiers. RDNs of several attributes and `#` values are not read.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let fail = |why: String| NameError { text: text.chars().take(80).collect(), why };
        let mut attributes: Vec<(ObjectIdentifier, String)> = Vec::new();
        for part in split(text) {
            let (kind, value) = part.split_once('=').ok_or_else(|| fail(format!("\"{part}\" has no =")))?;
            let kind = kind.trim();
            let oid = attribute_type(kind).ok_or_else(|| fail(format!("{kind} is not known")))?;
            attributes.push((oid, unescape(value).ok_or_else(|| fail("a backslash ends it".to_owned()))?));
        }
        attributes.reverse();
        let borrowed: Vec<(ObjectIdentifier, &str)> =
            attributes.iter().map(|(oid, value)| (*oid, value.as_str())).collect();
        Ok(Self::build(&borrowed))
    }
}

/// The attribute type of a short name in any case, of one that Windows writes, or of a dotted identifier.
pub(crate) fn attribute_type(name: &str) -> Option<ObjectIdentifier> {
    let same = |known: &&str| known.eq_ignore_ascii_case(name);
    let known = SHORT_NAMES.iter().chain(WINDOWS_NAMES).find(|(_, known)| same(known)).map(|(oid, _)| *oid);
    known.or_else(|| name.parse().ok())
}

/// Those of CertStrToName that are not among the others.
const WINDOWS_NAMES: &[(ObjectIdentifier, &str)] = &[
    (oid::ID_EMAIL_ADDRESS, "E"),
    (oid::STATE, "S"),
    (oid::GIVEN_NAME, "G"),
    (oid::TITLE, "T"),
    (oid::ORGANIZATIONAL_UNIT, "OrganizationalUnit"),
];

/// At commas that no backslash stands before.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut from, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.extend(text.get(from..at));
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(from..));
    parts.retain(|part| !part.trim_matches(' ').is_empty());
    parts
}

/// Blanks around it are dropped, unless a backslash stands before them; other white space belongs to the value.
fn unescape(value: &str) -> Option<String> {
    let start = value.trim_start_matches(' ');
    let end = start.trim_end_matches(' ');
    // A blank behind a backslash belongs to the value, if no other backslash stands before that one.
    let backslashes = end.bytes().rev().take_while(|octet| *octet == b'\\').count();
    let escaped = backslashes % 2 == 1 && end.len() < start.len();
    let end = if escaped { start.get(..=end.len())? } else { end };
    let mut plain = String::with_capacity(end.len());
    let mut chars = end.chars();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next()? } else { c });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read() {
        for attributes in [
            vec![(oid::COUNTRY, "DE"), (oid::ORGANIZATION, "A, B+C"), (oid::COMMON_NAME, " x ")],
            vec![(oid::ORGANIZATION, "#1 \\ Ltd")],
            vec![(oid::ORGANIZATION, "\u{2000}"), (oid::COMMON_NAME, "\u{a0}x\u{3000}")],
            vec![(oid::ORGANIZATION, "x\\"), (oid::COMMON_NAME, "\\ ")],
            vec![],
        ] {
            let name = Name::build(&attributes);
            assert_eq!(name.to_string().parse::<Name>().unwrap(), name, "{name}");
        }
        assert_eq!("cn=a\\\\ ".parse::<Name>().unwrap().common_name(), Some("a\\"), "the blank is not escaped");
        assert_eq!("cn=a , 2.5.4.10=b".parse::<Name>().unwrap().to_string(), "CN=a, O=b");
        assert_eq!(
            "CN=a,E=a@example.com,S=x".parse::<Name>().unwrap().to_string(),
            "CN=a, emailAddress=a@example.com, ST=x"
        );
        for bad in ["a", "XYZ=1", "CN=a\\"] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}
