//! Distinguished names: kept as received, shown for people, compared as RFC 5280 section 7.1 has it.

mod text;

use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{self, der, oid};
use crate::base::reason::visible;
use const_oid::ObjectIdentifier;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

pub use text::NameError;
#[cfg(feature = "net")]
pub(crate) use text::attribute_type;

/// `Name ::= CHOICE { rdnSequence SEQUENCE OF RelativeDistinguishedName }` ([RFC 5280 section 4.1.2.4]).
///
/// Two names are [`same`](Name::same) by their meaning and equal (`==`) only byte for byte.
///
/// ```
/// use smime::asn1::oid;
/// use smime::cert::name::Name;
/// let name = Name::build(&[(oid::COUNTRY, "DE"), (oid::ORGANIZATION, "Example, Inc."), (oid::COMMON_NAME, "Alice")]);
/// assert_eq!(name.to_string(), r"CN=Alice, O=Example\, Inc., C=DE");
/// ```
///
/// [RFC 5280 section 4.1.2.4]: https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.4
#[derive(Clone)]
pub struct Name {
    /// The encoding as received, then the form that is compared, then the texts of all attributes.
    bytes: Vec<u8>,
    /// Where the first of the three ends.
    der: usize,
    /// Where the second ends.
    canonical: usize,
    attributes: Vec<Attribute>,
}

/// `AttributeTypeAndValue`, with the number of the RDN that it stands in.
#[derive(Clone)]
struct Attribute {
    oid: ObjectIdentifier,
    /// Among the texts.
    text: Range<u32>,
    rdn: u32,
}

impl Name {
    /// From the encoding of a Name and nothing else.
    ///
    /// # Errors
    /// Where it is not one.
    pub fn from_der(bytes: &[u8]) -> asn1::Result<Self> {
        Self::read(&Reader::single(bytes, "Name")?)
    }

    /// From an element that was read already. Empty names and empty RDNs are read: they name nobody, but a
    /// certificate may have them (RFC 5280 section 4.1.2.6, SEC-95).
    ///
    /// # Errors
    /// Where it is no Name.
    pub fn read(element: &Element<'_>) -> asn1::Result<Self> {
        let mut names = element.sequence("Name")?;
        let der = element.raw();
        // None has an attribute in less.
        let rdns = names.count().min(der.len() / 11);
        // What an RDN of one attribute has beside its text: 11 octets here, and 28 in the form that is compared.
        let mut bytes = Vec::with_capacity(3 * der.len() + 17 * rdns);
        bytes.extend_from_slice(der);
        let (mut attributes, mut texts) = (Vec::with_capacity(rdns), String::with_capacity(der.len().min(256)));
        let mut rdn = 0_u32;
        // No name that anybody reads is so long that this cuts anything off.
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        while let Some(set) = names.next_element()? {
            let mut members = set.set("RelativeDistinguishedName")?;
            let mut keys: Vec<Vec<u8>> = Vec::new();
            counted(&mut bytes, |out| {
                while let Some(member) = members.next_element()? {
                    let mut parts = member.sequence("AttributeTypeAndValue")?;
                    let oid = parts.required(Tag::OID, "AttributeType")?.oid("AttributeType")?;
                    let value = parts.required_any("AttributeValue")?;
                    parts.finish("AttributeTypeAndValue")?;
                    let start = texts.len();
                    match value.borrowed_text("AttributeValue") {
                        Ok(text) => texts.push_str(&text),
                        Err(_) => texts.extend(["#", &hex(value.raw())]),
                    }
                    attributes.push(Attribute { oid, text: place(start)..place(texts.len()), rdn });
                    // Of one attribute, as most have, there is nothing to sort.
                    if keys.is_empty() && members.is_empty() {
                        put_comparison_key(out, &oid, &value);
                    } else {
                        let mut key = Vec::with_capacity(value.raw().len() + 32);
                        put_comparison_key(&mut key, &oid, &value);
                        keys.push(key);
                    }
                }
                keys.sort();
                keys.iter().for_each(|key| out.extend_from_slice(key));
                asn1::Result::Ok(())
            })?;
            rdn = rdn.saturating_add(1);
        }
        let canonical = bytes.len();
        bytes.extend_from_slice(texts.as_bytes());
        Ok(Self { bytes, der: der.len(), canonical, attributes })
    }

    /// A name of one attribute per RDN, in the order of the encoding: the most general first (country, organization,
    /// then common name).
    ///
    /// Values are written as RFC 5280 appendix A wants them: PrintableString for country and serial number, IA5String
    /// for mail addresses and domain components where they are ASCII, UTF8String for all others.
    pub fn build(attributes: &[(ObjectIdentifier, &str)]) -> Self {
        let rdns: Vec<Vec<u8>> = attributes
            .iter()
            .map(|(oid, text)| {
                let value = der::primitive(string_type(oid, text), text.as_bytes());
                der::constructed(Tag::SET, &[der::sequence(&[der::oid(oid), value])])
            })
            .collect();
        let der = der::sequence(&rdns);
        // What was just written reads back; an empty name stands for what cannot happen.
        Self::from_der(&der).unwrap_or(Self {
            der: der.len(),
            canonical: der.len(),
            bytes: der,
            attributes: Vec::new(),
        })
    }

    /// The encoding as received.
    pub fn der(&self) -> &[u8] {
        self.bytes.get(..self.der).unwrap_or_default()
    }

    /// Whether it names nobody.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// Whether both mean the same entity: the same RDNs in the same order, each with the same attributes; values of
    /// PrintableString, UTF8String and IA5String compared without regard to case and to the amount of white space,
    /// all others byte for byte ([RFC 5280 section 7.1](https://www.rfc-editor.org/rfc/rfc5280#section-7.1)).
    pub fn same(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }

    /// Whether this name lies in the subtree below `base`, that is, begins with its RDNs (RFC 5280 section 4.2.1.10).
    pub fn is_within(&self, base: &Self) -> bool {
        self.canonical().starts_with(base.canonical())
    }

    /// This name with one more RDN, DER of the SET, at its end.
    pub(crate) fn with_rdn(&self, rdn: &[u8]) -> Option<Self> {
        let own = Reader::single(self.der(), "Name").ok()?.content().to_vec();
        Self::from_der(&der::sequence(&[own.as_slice(), rdn])).ok()
    }

    /// Equal for names that are the [`same`](Name::same), different for others.
    pub(crate) fn canonical(&self) -> &[u8] {
        self.bytes.get(self.der..self.canonical).unwrap_or_default()
    }

    /// Types and texts in the order of the encoding. A value that is no character string is shown as `#` and the
    /// hexadecimal of its encoding.
    pub fn attributes(&self) -> impl DoubleEndedIterator<Item = (&ObjectIdentifier, &str)> {
        self.attributes.iter().map(|attribute| (&attribute.oid, self.text(attribute)))
    }

    /// The most specific common name.
    pub fn common_name(&self) -> Option<&str> {
        self.attributes().rev().find(|(oid, _)| **oid == oid::COMMON_NAME).map(|(_, text)| text)
    }

    /// The emailAddress attributes, as they stand there; whether they are mail addresses is for
    /// [`mailbox`](crate::cert::mailbox) to judge.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        self.attributes().filter(|(oid, _)| **oid == oid::ID_EMAIL_ADDRESS).map(|(_, text)| text)
    }

    /// The name for use within a sentence: as displayed, cut at some 160 characters, or words where it is empty.
    pub fn brief(&self) -> String {
        const LONGEST: usize = 160;
        if self.is_empty() {
            return "(no name)".to_owned();
        }
        let mut text = String::new();
        for (separator, attribute) in self.in_display_order() {
            let value = escaped(self.text(attribute));
            match short_name(&attribute.oid) {
                Some(label) => text.extend([separator, label, "=", &value]),
                None => text.extend([separator, &attribute.oid.to_string(), "=", &value]),
            }
            if text.len() > LONGEST {
                break;
            }
        }
        match text.char_indices().nth(LONGEST) {
            Some((cut, _)) => format!("{}...", text.get(..cut).unwrap_or_default()),
            None => text,
        }
    }

    fn text(&self, attribute: &Attribute) -> &str {
        let texts = self.bytes.get(self.canonical..).unwrap_or_default();
        std::str::from_utf8(texts.get(attribute.text.start as usize..attribute.text.end as usize).unwrap_or_default())
            .unwrap_or_default()
    }

    /// The attributes with what stands before each in the displayed form: the most specific RDN first.
    fn in_display_order(&self) -> impl Iterator<Item = (&'static str, &Attribute)> {
        let mut rest = self.attributes.as_slice();
        let mut rdn: &[Attribute] = &[];
        let mut separator = "";
        std::iter::from_fn(move || {
            if rdn.is_empty() {
                let last = rest.last()?.rdn;
                let first = rest.partition_point(|attribute| attribute.rdn < last);
                (rest, rdn) = rest.split_at_checked(first)?;
            }
            let (attribute, others) = rdn.split_first()?;
            rdn = others;
            let before = std::mem::replace(&mut separator, if others.is_empty() { ", " } else { "+" });
            Some((before, attribute))
        })
    }
}

impl fmt::Display for Name {
    /// As RFC 4514 writes names, with a blank after each comma: the most specific RDN first. Control and
    /// bidirectional characters are shown as `\u{..}`. In linear time (SEC-95).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (separator, attribute) in self.in_display_order() {
            f.write_str(separator)?;
            match short_name(&attribute.oid) {
                Some(label) => f.write_str(label)?,
                None => write!(f, "{}", attribute.oid)?,
            }
            f.write_str("=")?;
            f.write_str(&escaped(self.text(attribute)))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Name {}

impl std::hash::Hash for Name {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.der().hash(state);
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |n: u8| DIGITS.get(usize::from(n & 15)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// The bytes by which one attribute is compared.
fn put_comparison_key(out: &mut Vec<u8>, oid: &ObjectIdentifier, value: &Element<'_>) {
    let folds = matches!(value.tag, Tag::PRINTABLE_STRING | Tag::UTF8_STRING | Tag::IA5_STRING) && !value.constructed;
    counted(out, |out| out.extend_from_slice(oid.as_bytes()));
    // Malformed UTF-8 is compared as bytes: its replacement characters would make different values equal.
    match std::str::from_utf8(value.content()) {
        Ok(text) if folds => {
            out.push(1);
            counted(out, |out| put_folded(out, text));
        }
        _ => {
            out.push(0);
            counted(out, |out| out.extend_from_slice(value.raw()));
        }
    }
}

fn put_folded(out: &mut Vec<u8>, text: &str) {
    for (n, word) in text.split_whitespace().enumerate() {
        if n > 0 {
            out.push(b' ');
        }
        for c in word.chars().flat_map(char::to_lowercase) {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// What `put` appends, after the number of its bytes.
fn counted<T>(out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let at = out.len();
    out.extend_from_slice(&[0; 8]);
    let result = put(out);
    let count = (out.len() - at).saturating_sub(8) as u64;
    if let Some(place) = out.get_mut(at..at + 8) {
        place.copy_from_slice(&count.to_be_bytes());
    }
    result
}

/// RFC 4514 section 2.4, then what could deceive a terminal.
fn escaped(text: &str) -> Cow<'_, str> {
    let plain =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'.' | b'-' | b'@' | b'_' | b'/' | b':' | b'\'');
    let blank_end = text.starts_with(' ') || text.ends_with(' ');
    if !blank_end && text.as_bytes().iter().all(plain) {
        return Cow::Borrowed(text);
    }
    let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let at_an_end = (at == 0 && matches!(c, ' ' | '#')) || (at == last && c == ' ');
        if at_an_end || matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            out.push('\\');
        }
        out.push(c);
    }
    Cow::Owned(visible(&out))
}

pub(super) fn string_type(oid: &ObjectIdentifier, text: &str) -> Tag {
    let printable = text.bytes().all(|b| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b));
    match *oid {
        oid::COUNTRY | oid::SERIAL_NUMBER if printable => Tag::PRINTABLE_STRING,
        oid::ID_EMAIL_ADDRESS | oid::DOMAIN_COMPONENT if text.is_ascii() => Tag::IA5_STRING,
        _ => Tag::UTF8_STRING,
    }
}

fn short_name(oid: &ObjectIdentifier) -> Option<&'static str> {
    SHORT_NAMES.iter().find(|(known, _)| known == oid).map(|(_, name)| *name)
}

/// RFC 4514 section 3, RFC 4519, and what OpenSSL shows for the others.
const SHORT_NAMES: &[(ObjectIdentifier, &str)] = &[
    (oid::COMMON_NAME, "CN"),
    (oid::ID_EMAIL_ADDRESS, "emailAddress"),
    (oid::ORGANIZATIONAL_UNIT, "OU"),
    (oid::ORGANIZATION, "O"),
    (oid::LOCALITY, "L"),
    (oid::STATE, "ST"),
    (oid::COUNTRY, "C"),
    (oid::STREET, "STREET"),
    (oid::DOMAIN_COMPONENT, "DC"),
    (oid::USER_ID, "UID"),
    (oid::SURNAME, "SN"),
    (oid::GIVEN_NAME, "GN"),
    (oid::SERIAL_NUMBER, "serialNumber"),
    (oid::TITLE, "title"),
    (ObjectIdentifier::new_unwrap("2.5.4.13"), "description"),
    (ObjectIdentifier::new_unwrap("2.5.4.15"), "businessCategory"),
    (ObjectIdentifier::new_unwrap("2.5.4.17"), "postalCode"),
    (ObjectIdentifier::new_unwrap("2.5.4.41"), "name"),
    (ObjectIdentifier::new_unwrap("2.5.4.43"), "initials"),
    (ObjectIdentifier::new_unwrap("2.5.4.44"), "generationQualifier"),
    (ObjectIdentifier::new_unwrap("2.5.4.46"), "dnQualifier"),
    (ObjectIdentifier::new_unwrap("2.5.4.65"), "pseudonym"),
    (ObjectIdentifier::new_unwrap("2.5.4.97"), "organizationIdentifier"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn rdn(members: &[(ObjectIdentifier, Tag, &[u8])]) -> Vec<u8> {
        let members =
            members.iter().map(|(oid, tag, value)| der::sequence(&[der::oid(oid), der::primitive(*tag, value)]));
        der::set_of(Tag::SET, members.collect())
    }

    fn one(tag: Tag, value: &[u8]) -> Name {
        Name::from_der(&der::sequence(&[rdn(&[(oid::COMMON_NAME, tag, value)])])).unwrap()
    }

    #[test]
    fn names_are_shown_most_specific_first_and_cannot_deceive() {
        let name =
            Name::build(&[(oid::COUNTRY, "DE"), (oid::ORGANIZATION, "#A+B"), (oid::COMMON_NAME, " x\u{202e}\x1b ")]);
        assert_eq!(name.to_string(), r"CN=\ x\u{202e}\u{1b}\ , O=\#A\+B, C=DE");
        let odd = ObjectIdentifier::new_unwrap("1.2.3.4");
        let both = rdn(&[(oid::COMMON_NAME, Tag::UTF8_STRING, b"A"), (odd, Tag::INTEGER, &[5])]);
        assert_eq!(Name::from_der(&der::sequence(&[both])).unwrap().to_string(), "1.2.3.4=\\#020105+CN=A");
        assert_eq!(Name::build(&[]).to_string(), "");
        assert_eq!(Name::build(&[]).brief(), "(no name)");
    }

    #[test]
    fn comparison_folds_case_and_blanks_but_not_structure() {
        let printable = one(Tag::PRINTABLE_STRING, b"  Good   CA ");
        assert!(printable.same(&one(Tag::UTF8_STRING, b"good ca")));
        assert!(!printable.same(&one(Tag::UTF8_STRING, b"goodca")));
        assert!(!printable.same(&one(Tag::TELETEX_STRING, b"good ca")));
        assert!(one(Tag::UTF8_STRING, "ÄÖ".as_bytes()).same(&one(Tag::UTF8_STRING, "äö".as_bytes())));
        // SEC-95: neither malformed text nor emptiness makes two names one.
        assert!(!one(Tag::UTF8_STRING, b"\xff").same(&one(Tag::UTF8_STRING, b"\xfe")));
        let apart = Name::build(&[(oid::ORGANIZATION, "A"), (oid::COMMON_NAME, "B")]);
        let swapped = Name::build(&[(oid::COMMON_NAME, "B"), (oid::ORGANIZATION, "A")]);
        let together = der::sequence(&[rdn(&[
            (oid::ORGANIZATION, Tag::UTF8_STRING, b"A"),
            (oid::COMMON_NAME, Tag::UTF8_STRING, b"B"),
        ])]);
        let together = Name::from_der(&together).unwrap();
        assert!(!apart.same(&swapped) && !apart.same(&together));
        let empty_rdn = Name::from_der(&[0x30, 2, 0x31, 0]).unwrap();
        assert!(!empty_rdn.same(&Name::build(&[])) && empty_rdn.is_empty());
    }

    #[test]
    fn subtrees_are_whole_rdns() {
        let base = Name::build(&[(oid::COUNTRY, "DE"), (oid::ORGANIZATION, "Ex")]);
        assert!(
            Name::build(&[(oid::COUNTRY, "de"), (oid::ORGANIZATION, "EX"), (oid::COMMON_NAME, "A")]).is_within(&base)
        );
        assert!(!Name::build(&[(oid::COUNTRY, "DE"), (oid::ORGANIZATION, "Example")]).is_within(&base));
        assert!(base.is_within(&Name::build(&[])));
    }

    #[test]
    fn ten_thousand_rdns_print_in_linear_time() {
        let many: Vec<_> = (0..10_000).map(|_| (oid::ORGANIZATIONAL_UNIT, "x,y")).collect();
        let name = Name::build(&many);
        assert_eq!(name.to_string().len(), 10_000 * "OU=x\\,y".len() + 9_999 * 2);
        assert!(name.brief().len() < 200);
    }

    #[test]
    fn the_parts_of_a_person() {
        let name =
            Name::build(&[(oid::COMMON_NAME, "A"), (oid::COMMON_NAME, "B"), (oid::ID_EMAIL_ADDRESS, "a@example.com")]);
        assert_eq!(name.common_name(), Some("B"));
        assert_eq!(name.emails().collect::<Vec<_>>(), ["a@example.com"]);
        assert_eq!(Name::from_der(name.der()).unwrap(), name);
    }
}
