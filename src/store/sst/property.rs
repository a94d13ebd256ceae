//! Properties of the elements of a store: their names, and what their values say (OUT-104).

use super::{Encoding, Error, fits};
use crate::asn1;
use crate::asn1::ber::Reader;
use crate::base::reason::visible;
use crate::base::time::Time;
use crate::cert::name::hex;
use crate::cert::purpose::usage_names;
use const_oid::ObjectIdentifier;
use std::fmt;

/// A property: its id and its bytes, as they stand in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    id: u32,
    encoding: Encoding,
    value: Vec<u8>,
}

/// How the value of a known property is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Bytes that are shown as such.
    Bytes,
    /// A digest of the element or of a part of it.
    Hash,
    /// Where the private key lies on the machine that wrote the store; never written.
    KeyReference,
    /// UTF-16LE, closed by a NUL.
    Text,
    /// DER, SEQUENCE OF OBJECT IDENTIFIER.
    Usages,
    /// FILETIME: 100 nanoseconds since 1601, little-endian.
    Time,
}

/// What a property says, read by its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text.
    Text(String),
    /// Extended key usages.
    Usages(Vec<ObjectIdentifier>),
    /// A moment.
    Time(Time),
    /// There is not a byte in it.
    Empty,
    /// Anything else, and what does not have the form that belongs to it.
    Bytes(&'a [u8]),
}

/// Extended key usages that it is trusted for.
pub const ENHANCED_KEY_USAGE: u32 = 9;
/// The moment from which on it is not trusted for anything.
pub const DISALLOWED: u32 = 104;
/// Extended key usages that it is not trusted for.
pub const DISALLOWED_KEY_USAGE: u32 = 122;
/// The moment from which on what it issues is not trusted.
pub const NOT_BEFORE: u32 = 126;
/// The extended key usages that [`NOT_BEFORE`] is about.
pub const NOT_BEFORE_KEY_USAGE: u32 = 127;

/// OUT-104, by number. The names are those of `wincrypt.h` (`CERT_.._PROP_ID`) in kebab-case.
const NAMES: &[(u32, &str, Form)] = &[
    (2, "key-provider-info", Form::KeyReference),
    (3, "sha1-hash", Form::Hash),
    (4, "md5-hash", Form::Hash),
    (5, "key-context", Form::KeyReference),
    (6, "key-spec", Form::KeyReference),
    (ENHANCED_KEY_USAGE, "enhanced-key-usage", Form::Usages),
    (11, "friendly-name", Form::Text),
    (12, "pvk-file", Form::KeyReference),
    (13, "description", Form::Text),
    (15, "signature-hash", Form::Hash),
    (19, "archived", Form::Bytes),
    (20, "key-identifier", Form::Hash),
    (29, "subject-name-md5-hash", Form::Hash),
    (83, "root-program-policies", Form::Bytes),
    (98, "auth-root-sha256-hash", Form::Hash),
    (DISALLOWED, "disallowed", Form::Time),
    (105, "root-program-chain-policies", Form::Bytes),
    (107, "sha256-hash", Form::Hash),
    (DISALLOWED_KEY_USAGE, "disallowed-enhanced-key-usage", Form::Usages),
    (NOT_BEFORE, "not-before", Form::Time),
    (NOT_BEFORE_KEY_USAGE, "not-before-enhanced-key-usage", Form::Usages),
];

impl Property {
    /// A property for writing.
    ///
    /// # Errors
    /// [`Error::ReservedId`], [`Error::ValueTooLong`].
    pub fn new(id: u32, value: Vec<u8>) -> Result<Self, Error> {
        if matches!(id, 0 | 32..=34) {
            return Err(Error::ReservedId { id });
        }
        fits(&value)?;
        Ok(Self { id, encoding: Encoding::X509, value })
    }

    /// As it was read, where reading saw to both.
    pub(super) fn read(id: u32, encoding: Encoding, value: Vec<u8>) -> Self {
        Self { id, encoding, value }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Its bytes. None at all is legal (OUT-101).
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Its name, where it is a known one: "friendly-name".
    pub fn name(&self) -> Option<&'static str> {
        NAMES.iter().find(|(id, ..)| *id == self.id).map(|(_, name, _)| *name)
    }

    /// How its value is read.
    pub fn form(&self) -> Form {
        NAMES.iter().find(|(id, ..)| *id == self.id).map_or(Form::Bytes, |(.., form)| *form)
    }

    /// Whether it refers to a private key on the machine that wrote it.
    pub fn is_key_reference(&self) -> bool {
        self.form() == Form::KeyReference
    }

    /// Whether it repeats a digest that anybody can compute.
    pub fn is_hash(&self) -> bool {
        self.form() == Form::Hash
    }

    /// What it says; bytes where it does not have the form that belongs to it.
    pub fn decoded(&self) -> Value<'_> {
        if self.value.is_empty() {
            return Value::Empty;
        }
        let decoded = match self.form() {
            Form::Text => text(&self.value).map(Value::Text),
            Form::Usages => self.usages().ok().map(Value::Usages),
            Form::Time => self.time().map(Value::Time),
            Form::Bytes | Form::Hash | Form::KeyReference => None,
        };
        decoded.unwrap_or(Value::Bytes(&self.value))
    }

    /// The value as a list of extended key usages (RFC 5280 section 4.2.1.12).
    ///
    /// # Errors
    /// Where it is none.
    pub fn usages(&self) -> asn1::Result<Vec<ObjectIdentifier>> {
        let mut list = Reader::single(&self.value, "ExtKeyUsageSyntax")?.sequence("ExtKeyUsageSyntax")?;
        let mut usages = Vec::new();
        while let Some(usage) = list.next_element()? {
            usages.push(usage.oid("KeyPurposeId")?);
        }
        Ok(usages)
    }

    /// The value as a FILETIME; `None` where it does not have eight bytes.
    pub fn time(&self) -> Option<Time> {
        let ticks = u64::from_le_bytes(self.value.as_slice().try_into().ok()?);
        let seconds = i64::try_from(ticks / TICKS_PER_SECOND).ok()?;
        Some(Time::from_unix(seconds.saturating_sub(FROM_1601_TO_1970)))
    }

    /// A FILETIME as the value of a property.
    pub fn filetime(at: Time) -> Vec<u8> {
        let seconds = u64::try_from(at.unix().saturating_add(FROM_1601_TO_1970)).unwrap_or(0);
        seconds.saturating_mul(TICKS_PER_SECOND).to_le_bytes().to_vec()
    }
}

const TICKS_PER_SECOND: u64 = 10_000_000;
const FROM_1601_TO_1970: i64 = 11_644_473_600;

impl fmt::Display for Property {
    /// The name, or "property 1234".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "property {}", self.id),
        }
    }
}

impl fmt::Display for Value<'_> {
    /// In a line, free of control characters; of many bytes, the first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 32;
        match self {
            Self::Text(text) => f.write_str(&visible(text)),
            Self::Usages(usages) => f.write_str(&usage_names(usages)),
            Self::Time(at) => write!(f, "{at}"),
            Self::Empty => f.write_str("(empty)"),
            Self::Bytes(bytes) => match bytes.get(..MOST) {
                Some(first) if bytes.len() > MOST => write!(f, "{}... ({} bytes)", hex(first), bytes.len()),
                _ => f.write_str(&hex(bytes)),
            },
        }
    }
}

/// UTF-16LE up to its NUL at the end; `None` where it is none.
fn text(value: &[u8]) -> Option<String> {
    let (pairs, rest) = value.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let mut text =
        char::decode_utf16(pairs.iter().map(|pair| u16::from_le_bytes(*pair))).collect::<Result<String, _>>().ok()?;
    if text.ends_with('\0') {
        text.pop();
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::{der, oid};

    fn shown(id: u32, value: &[u8]) -> String {
        let property = Property::new(id, value.to_vec()).unwrap();
        format!("{property}: {}", property.decoded())
    }

    #[test]
    fn out_104_properties_have_names_and_values_that_people_read() {
        let usages = der::sequence(&[der::oid(&oid::EMAIL_PROTECTION), der::oid(&oid::TIME_STAMPING)]);
        let at: Time = "2026-11-24T08:00:00Z".parse().unwrap();
        for (id, value, expected) in [
            (9, &usages[..], "enhanced-key-usage: emailProtection, timeStamping"),
            (11, b"V\0e\0r\0i\0\0\0", "friendly-name: Veri"),
            (11, b"V\0e", "friendly-name: 560065"),
            (11, b"\0\xd8a\0", "friendly-name: 00d86100"),
            (13, b"\x1b\0\0\0", "description: \\u{1b}"),
            (104, &Property::filetime(at), "disallowed: 2026-11-24T08:00:00Z"),
            (104, b"", "disallowed: (empty)"),
            (104, &[0xff; 8], "disallowed: 9999-12-31T23:59:59Z"),
            (126, b"123", "not-before: 313233"),
            (3, &[0xab; 20], "sha1-hash: abababababababababababababababababababab"),
            (122, b"\x30\x03", "disallowed-enhanced-key-usage: 3003"),
            (9999, b"x", "property 9999: 78"),
        ] {
            assert_eq!(shown(id, value), expected);
        }
        assert!(shown(83, &[7; 100]).ends_with("... (100 bytes)"));
        assert_eq!(Property::new(104, Property::filetime(at)).unwrap().time(), Some(at));
        assert_eq!(Property::filetime("1601-01-01T00:00:01Z".parse().unwrap()), 10_000_000u64.to_le_bytes());
    }

    #[test]
    fn out_104_key_references_and_hashes_are_told_from_the_rest() {
        let of = |wanted: Form| -> Vec<u32> {
            (1..200)
                .filter_map(|id| Property::new(id, Vec::new()).ok())
                .filter(|p| p.form() == wanted)
                .map(|p| p.id())
                .collect()
        };
        assert_eq!(of(Form::KeyReference), [2, 5, 6, 12]);
        assert_eq!(of(Form::Hash), [3, 4, 15, 20, 29, 98, 107]);
        assert!(NAMES.is_sorted_by_key(|(id, ..)| *id));
    }
}
