//! Properties: which ones are read, their values of fixed size, and the one that has a name instead of a number
//! ([MS-OXMSG] sections 2.1, 2.2.3 and 2.4; [MS-OXPROPS]).

use super::bounds::word;
use super::{Error, Result, container};
use std::collections::BTreeMap;
use std::fmt;

/// A property by its number, with the name that [MS-OXPROPS] gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its identifier.
    pub id: u16,
    /// Its canonical name.
    pub name: &'static str,
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (0x{:04X})", self.name, self.id)
    }
}

macro_rules! properties {
    ($($(#[$doc:meta])* $constant:ident = $id:literal, $name:literal;)*) => {
        impl Property {
            $($(#[$doc])* pub const $constant: Self = Self { id: $id, name: $name };)*
        }
    };
}

properties! {
    /// What kind of message it is (OUT-61).
    MESSAGE_CLASS = 0x001a, "PidTagMessageClass";
    /// Subject.
    SUBJECT = 0x0037, "PidTagSubject";
    /// When it was sent, a FILETIME.
    CLIENT_SUBMIT_TIME = 0x0039, "PidTagClientSubmitTime";
    /// The name of whom it is from.
    REPRESENTING_NAME = 0x0042, "PidTagSentRepresentingName";
    /// Of which kind the next one is: "SMTP", or "EX".
    REPRESENTING_TYPE = 0x0064, "PidTagSentRepresentingAddressType";
    /// The address of whom it is from.
    REPRESENTING_ADDRESS = 0x0065, "PidTagSentRepresentingEmailAddress";
    /// The header as it was received.
    TRANSPORT_HEADERS = 0x007d, "PidTagTransportMessageHeaders";
    /// The name of who sent it.
    SENDER_NAME = 0x0c1a, "PidTagSenderName";
    /// Of which kind the next one is.
    SENDER_TYPE = 0x0c1e, "PidTagSenderAddressType";
    /// The address of who sent it.
    SENDER_ADDRESS = 0x0c1f, "PidTagSenderEmailAddress";
    /// To, Cc or Bcc.
    RECIPIENT_TYPE = 0x0c15, "PidTagRecipientType";
    /// The recipients of To as one text for people.
    DISPLAY_TO = 0x0e04, "PidTagDisplayTo";
    /// The text.
    BODY = 0x1000, "PidTagBody";
    /// The same as HTML.
    HTML = 0x1013, "PidTagHtml";
    /// Message-ID.
    MESSAGE_ID = 0x1035, "PidTagInternetMessageId";
    /// The name of a recipient.
    DISPLAY_NAME = 0x3001, "PidTagDisplayName";
    /// Of which kind the next one is.
    ADDRESS_TYPE = 0x3002, "PidTagAddressType";
    /// The address of a recipient.
    EMAIL_ADDRESS = 0x3003, "PidTagEmailAddress";
    /// What an attachment holds.
    ATTACH_DATA = 0x3701, "PidTagAttachDataBinary";
    /// An attachment's name in eight characters.
    ATTACH_FILE_NAME = 0x3704, "PidTagAttachFilename";
    /// How an attachment is attached.
    ATTACH_METHOD = 0x3705, "PidTagAttachMethod";
    /// An attachment's whole name.
    ATTACH_LONG_NAME = 0x3707, "PidTagAttachLongFilename";
    /// The SMTP address of a recipient.
    SMTP_ADDRESS = 0x39fe, "PidTagSmtpAddress";
    /// The code page of texts of eight bits.
    INTERNET_CODEPAGE = 0x3fde, "PidTagInternetCodepage";
    /// The same, for the message as it is stored.
    MESSAGE_CODEPAGE = 0x3ffd, "PidTagMessageCodepage";
    /// The SMTP address of who sent it.
    SENDER_SMTP = 0x5d01, "PidTagSenderSmtpAddress";
    /// The SMTP address of whom it is from.
    REPRESENTING_SMTP = 0x5d02, "PidTagSentRepresentingSmtpAddress";
}

/// PtypString, in UTF-16 ([MS-OXCDATA] section 2.11.1).
pub(super) const UNICODE: u16 = 0x001f;
/// PtypString8.
pub(super) const EIGHT_BIT: u16 = 0x001e;
/// PtypBinary.
pub(super) const BINARY: u16 = 0x0102;
/// PtypObject: an embedded message or an OLE object, which is a storage.
pub(super) const OBJECT: u16 = 0x000d;
/// PtypInteger32 and PtypTime.
pub(super) const INTEGER: u16 = 0x0003;
pub(super) const TIME: u16 = 0x0040;

/// A text as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// UTF-16; unpaired surrogates became U+FFFD.
    Unicode(String),
    /// Octets in the code page of the message.
    EightBit(Vec<u8>),
}

impl Text {
    /// From a stream's octets; the NULs that some programs put at the end belong to no text.
    pub(super) fn read(property: Property, kind: u16, mut octets: Vec<u8>) -> Result<Self> {
        if kind == EIGHT_BIT {
            let length = octets.len() - octets.iter().rev().take_while(|b| **b == 0).count();
            octets.truncate(length);
            return Ok(Self::EightBit(octets));
        }
        let (units, rest) = octets.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(container(
                property,
                format!("a text in UTF-16 of {} bytes, which is an odd number", octets.len()),
            ));
        }
        let text: String = char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)))
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        Ok(Self::Unicode(text.trim_end_matches('\0').to_owned()))
    }
}

/// Values of fixed size, by property tag: identifier and type.
#[derive(Clone, Debug, Default)]
pub(super) struct Fixed(BTreeMap<(u16, u16), u64>);

impl Fixed {
    /// Reads a properties stream; `header` bytes come before its entries of 16 ([MS-OXMSG] section 2.4).
    pub(super) fn read(bytes: &[u8], header: usize) -> Result<Self> {
        let mut values = BTreeMap::new();
        let (entries, _) = bytes.get(header..).unwrap_or_default().as_chunks::<16>();
        for entry in entries {
            let tag = word(entry, 0);
            let value = u64::from(word(entry, 8)) | u64::from(word(entry, 12)) << 32;
            let key = ((tag >> 16) as u16, tag as u16);
            if values.insert(key, value).is_some_and(|before| before != value) {
                return Err(Error::Ambiguous { what: format!("the property 0x{tag:08X}") });
            }
        }
        Ok(Self(values))
    }

    pub(super) fn integer(&self, property: Property) -> Option<u32> {
        self.0.get(&(property.id, INTEGER)).map(|value| *value as u32)
    }

    pub(super) fn time(&self, property: Property) -> Option<u64> {
        self.0.get(&(property.id, TIME)).copied()
    }
}

/// PS_INTERNET_HEADERS, {00020386-0000-0000-C000-000000000046}.
const INTERNET_HEADERS: [u8; 16] = [0x86, 3, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46];
/// [MS-OXMSG] section 2.2.3.1.2: smaller indices stand for sets that are not listed.
const FIRST_LISTED_SET: usize = 3;

/// The identifier of the property of PS_INTERNET_HEADERS that is named "Content-Type", out of the three streams of the
/// named property mapping ([MS-OXMSG] section 2.2.3.1).
pub(super) fn content_type_id(sets: &[u8], entries: &[u8], names: &[u8]) -> Option<u16> {
    let wanted: Vec<u8> = "content-type".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (sets, _) = sets.as_chunks::<16>();
    let (entries, _) = entries.as_chunks::<8>();
    let named = entries.iter().find(|entry| {
        let (at, kind) = (word(*entry, 0) as usize, word(*entry, 4));
        // Bit 0: it has a name rather than a number. Then 15 bits for the set, and 16 for the property.
        let set = (kind as usize >> 1 & 0x7fff).checked_sub(FIRST_LISTED_SET).and_then(|index| sets.get(index));
        let name = names.get(at..).filter(|rest| word(rest, 0) as usize == wanted.len());
        let name = name.and_then(|rest| rest.get(4..)?.get(..wanted.len()));
        kind & 1 == 1 && set == Some(&INTERNET_HEADERS) && name.is_some_and(|name| name.eq_ignore_ascii_case(&wanted))
    })?;
    0x8000_u16.checked_add((word(named, 4) >> 16) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_odd_length_are_refused_by_name_and_final_nuls_are_no_text() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let read = |kind, octets| Text::read(Property::SUBJECT, kind, octets);
        assert_eq!(read(UNICODE, utf16("gr\u{fc}n\0")).unwrap(), Text::Unicode("gr\u{fc}n".to_owned()));
        assert_eq!(read(UNICODE, vec![0, 0xd8]).unwrap(), Text::Unicode("\u{fffd}".to_owned()));
        assert_eq!(read(EIGHT_BIT, b"abc\0\0".to_vec()).unwrap(), Text::EightBit(b"abc".to_vec()));
        let error = read(UNICODE, vec![65, 0, 66]).unwrap_err();
        assert!(error.to_string().contains("PidTagSubject (0x0037)"), "{error}");
        assert!(error.to_string().contains("3 bytes"), "{error}");
    }

    #[test]
    fn a_property_with_two_values_is_ambiguous() {
        let entry = |value: u8| {
            let mut entry = vec![3, 0, 5, 0x37, 6, 0, 0, 0];
            entry.extend([value, 0, 0, 0, 0, 0, 0, 0]);
            entry
        };
        let stream = |values: &[u8]| [vec![0; 8], values.iter().flat_map(|v| entry(*v)).collect()].concat();
        assert_eq!(Fixed::read(&stream(&[5]), 8).unwrap().integer(Property::ATTACH_METHOD), Some(5));
        assert!(Fixed::read(&stream(&[5, 5]), 8).is_ok());
        assert!(matches!(Fixed::read(&stream(&[5, 1]), 8), Err(Error::Ambiguous { .. })));
        for cut in 0..stream(&[5]).len() {
            assert_eq!(Fixed::read(&stream(&[5])[..cut], 8).unwrap().integer(Property::ATTACH_METHOD), None);
        }
    }

    #[test]
    fn the_named_content_type_is_found_in_its_own_set_only() {
        let mut names = vec![0; 8];
        let name: Vec<u8> = "Content-Type".encode_utf16().flat_map(u16::to_le_bytes).collect();
        names.extend((name.len() as u32).to_le_bytes());
        names.extend(&name);
        let entry = |set: u16| {
            let mut entry = 8_u32.to_le_bytes().to_vec();
            entry.extend((set << 1 | 1).to_le_bytes());
            entry.extend(7_u16.to_le_bytes());
            entry
        };
        let sets = [[1; 16], INTERNET_HEADERS].concat();
        assert_eq!(content_type_id(&sets, &entry(4), &names), Some(0x8007));
        assert_eq!(content_type_id(&sets, &entry(3), &names), None);
        assert_eq!(content_type_id(&sets, &entry(2), &names), None);
        for cut in 0..names.len() {
            assert_eq!(content_type_id(&sets, &entry(4), &names[..cut]), None, "cut at {cut}");
        }
    }
}
