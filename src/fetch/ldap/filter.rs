//! Search filters: what is sent (RFC 4511 section 4.5.1.7), and their text (RFC 4515). A value never meets the grammar of the
//! text on its way to a server, so that none can be taken for a part of it (SEC-135).

use crate::asn1::ber::Tag;
use crate::asn1::der;
use crate::base::address::EmailAddress;
use std::fmt;
use std::str::FromStr;

/// A search filter. extensibleMatch is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Every one of these.
    And(Vec<Filter>),
    /// At least one of these.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// `(attribute=value)`
    Equal(String, Vec<u8>),
    /// `(attribute>=value)`
    AtLeast(String, Vec<u8>),
    /// `(attribute<=value)`
    AtMost(String, Vec<u8>),
    /// `(attribute~=value)`
    Approximately(String, Vec<u8>),
    /// `(attribute=*)`
    Present(String),
    /// `(attribute=first*any*last)`
    Substrings(String, Substrings),
}

/// The pieces of a value, in their order; an empty first or last one is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Substrings {
    /// What it begins with.
    pub first: Vec<u8>,
    /// What it contains, none of them empty.
    pub any: Vec<Vec<u8>>,
    /// What it ends with.
    pub last: Vec<u8>,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at} of the filter: {why}")]
pub struct FilterError {
    /// From the beginning of the text.
    pub at: usize,
    /// What is wrong there.
    pub why: &'static str,
}

/// Nesting of a filter that is read.
const MAX_DEPTH: usize = 8;
/// Octets of a filter that is read.
const MAX_TEXT: usize = 4096;

impl Filter {
    /// Those who have an address: as directories have it, and as Active Directory does (OUT-94).
    pub fn address(address: &EmailAddress) -> Self {
        let text = address.to_string();
        let proxy = format!("smtp:{text}").into_bytes();
        Self::Or(vec![
            Self::Equal("mail".to_owned(), text.into_bytes()),
            Self::Equal("proxyAddresses".to_owned(), proxy),
        ])
    }

    /// The encoding.
    pub fn to_der(&self) -> Vec<u8> {
        let asserted = |number: u32, attribute: &str, value: &[u8]| {
            der::constructed(Tag::context(number), &[der::octets(attribute.as_bytes()), der::octets(value)])
        };
        let each = |number: u32, filters: &[Self]| {
            let parts: Vec<Vec<u8>> = filters.iter().map(Self::to_der).collect();
            der::constructed(Tag::context(number), &parts)
        };
        match self {
            Self::And(filters) => each(0, filters),
            Self::Or(filters) => each(1, filters),
            Self::Not(filter) => der::explicit(2, &filter.to_der()),
            Self::Equal(attribute, value) => asserted(3, attribute, value),
            Self::Substrings(attribute, pieces) => {
                let piece = |number: u32, value: &[u8]| der::primitive(Tag::context(number), value);
                let mut parts = Vec::new();
                if !pieces.first.is_empty() {
                    parts.push(piece(0, &pieces.first));
                }
                parts.extend(pieces.any.iter().map(|value| piece(1, value)));
                if !pieces.last.is_empty() {
                    parts.push(piece(2, &pieces.last));
                }
                der::constructed(Tag::context(4), &[der::octets(attribute.as_bytes()), der::sequence(&parts)])
            }
            Self::AtLeast(attribute, value) => asserted(5, attribute, value),
            Self::AtMost(attribute, value) => asserted(6, attribute, value),
            Self::Present(attribute) => der::primitive(Tag::context(7), attribute.as_bytes()),
            Self::Approximately(attribute, value) => asserted(8, attribute, value),
        }
    }
}

/// A value as it stands in the text of a filter: `*`, `(`, `)`, `\` and whatever is no printable ASCII as `\` and two
/// digits (RFC 4515 section 3).
pub fn escaped(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for octet in value {
        match octet {
            b'*' | b'(' | b')' | b'\\' => text.push_str(&format!("\\{octet:02x}")),
            b' '..=b'~' => text.push(char::from(*octet)),
            _ => text.push_str(&format!("\\{octet:02x}")),
        }
    }
    text
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = |f: &mut fmt::Formatter<'_>, sign: char, filters: &[Self]| {
            write!(f, "({sign}")?;
            filters.iter().try_for_each(|filter| write!(f, "{filter}"))?;
            f.write_str(")")
        };
        match self {
            Self::And(filters) => each(f, '&', filters),
            Self::Or(filters) => each(f, '|', filters),
            Self::Not(filter) => write!(f, "(!{filter})"),
            Self::Equal(attribute, value) => write!(f, "({attribute}={})", escaped(value)),
            Self::AtLeast(attribute, value) => write!(f, "({attribute}>={})", escaped(value)),
            Self::AtMost(attribute, value) => write!(f, "({attribute}<={})", escaped(value)),
            Self::Approximately(attribute, value) => write!(f, "({attribute}~={})", escaped(value)),
            Self::Present(attribute) => write!(f, "({attribute}=*)"),
            Self::Substrings(attribute, pieces) => {
                write!(f, "({attribute}={}*", escaped(&pieces.first))?;
                pieces.any.iter().try_for_each(|value| write!(f, "{}*", escaped(value)))?;
                write!(f, "{})", escaped(&pieces.last))
            }
        }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    /// Reads the text of RFC 4515, without extensible matches.
    fn from_str(text: &str) -> Result<Self, FilterError> {
        if text.len() > MAX_TEXT {
            return Err(FilterError { at: MAX_TEXT, why: "it is longer than 4096 octets" });
        }
        let mut reading = Reading { text, at: 0 };
        let filter = reading.filter(0)?;
        if reading.at == text.len() { Ok(filter) } else { reading.fail("something follows the filter") }
    }
}

struct Reading<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reading<'t> {
    fn fail<T>(&self, why: &'static str) -> Result<T, FilterError> {
        Err(FilterError { at: self.at, why })
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, sign: char) -> bool {
        let there = self.rest().starts_with(sign);
        if there {
            self.at += sign.len_utf8();
        }
        there
    }

    fn filter(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if depth > MAX_DEPTH {
            return self.fail("it is nested deeper than is read");
        }
        if !self.skip('(') {
            return self.fail("a parenthesis opens each filter");
        }
        let filter = if self.skip('&') {
            Filter::And(self.list(depth)?)
        } else if self.skip('|') {
            Filter::Or(self.list(depth)?)
        } else if self.skip('!') {
            Filter::Not(Box::new(self.filter(depth + 1)?))
        } else {
            self.item()?
        };
        if self.skip(')') { Ok(filter) } else { self.fail("a parenthesis closes each filter") }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Filter>, FilterError> {
        let mut filters = Vec::new();
        while self.rest().starts_with('(') {
            filters.push(self.filter(depth + 1)?);
        }
        if filters.is_empty() { self.fail("nothing stands after & or |") } else { Ok(filters) }
    }

    fn item(&mut self) -> Result<Filter, FilterError> {
        let length = self.rest().find(['=', '~', '<', '>', ':', '(', ')']).unwrap_or(self.rest().len());
        let attribute = self.rest().get(..length).unwrap_or_default();
        if !is_description(attribute) {
            return self.fail("that is no name of an attribute");
        }
        self.at += length;
        let sign = ['~', '<', '>'].into_iter().find(|sign| self.skip(*sign));
        if !self.skip('=') {
            return self.fail("an equals sign follows the attribute; extensible matches are not read");
        }
        let attribute = attribute.to_owned();
        let mut pieces = vec![self.value()?];
        while self.skip('*') {
            pieces.push(self.value()?);
        }
        match (sign, pieces.len()) {
            (Some(_), 2..) => self.fail("an asterisk stands where only a value may"),
            (Some('~'), _) => Ok(Filter::Approximately(attribute, pieces.swap_remove(0))),
            (Some('<'), _) => Ok(Filter::AtMost(attribute, pieces.swap_remove(0))),
            (Some(_), _) => Ok(Filter::AtLeast(attribute, pieces.swap_remove(0))),
            (None, 1) => Ok(Filter::Equal(attribute, pieces.swap_remove(0))),
            (None, 2) if pieces.iter().all(Vec::is_empty) => Ok(Filter::Present(attribute)),
            (None, _) => {
                let (last, first) = (pieces.pop().unwrap_or_default(), pieces.remove(0));
                if pieces.iter().any(Vec::is_empty) || (pieces.is_empty() && first.is_empty() && last.is_empty()) {
                    return self.fail("nothing stands between two asterisks");
                }
                Ok(Filter::Substrings(attribute, Substrings { first, any: pieces, last }))
            }
        }
    }

    fn value(&mut self) -> Result<Vec<u8>, FilterError> {
        let length = self.rest().find(['*', '(', ')']).unwrap_or(self.rest().len());
        let text = self.rest().get(..length).unwrap_or_default();
        let mut value = Vec::with_capacity(length);
        let mut octets = text.bytes();
        while let Some(octet) = octets.next() {
            let octet = match octet {
                b'\\' => {
                    let digit = |octet: Option<u8>| octet.and_then(|octet| char::from(octet).to_digit(16));
                    match (digit(octets.next()), digit(octets.next())) {
                        (Some(high), Some(low)) => (high << 4 | low) as u8,
                        _ => return self.fail("two hexadecimal digits follow a backslash"),
                    }
                }
                0 => return self.fail("a NUL is written as \\00"),
                octet => octet,
            };
            value.push(octet);
        }
        self.at += length;
        Ok(value)
    }
}

/// `attributedescription` of RFC 4512 section 2.5: a name or an OID, with options.
pub(super) fn is_description(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b';'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::ber::{Element, Reader};
    use proptest::prelude::*;

    #[test]
    fn out_94_an_address_is_asked_for_in_both_spellings() {
        let filter = Filter::address(&"alice@example.com".parse().unwrap());
        assert_eq!(filter.to_string(), "(|(mail=alice@example.com)(proxyAddresses=smtp:alice@example.com))");
    }

    #[test]
    fn sec_135_a_value_cannot_become_a_part_of_the_filter() {
        // The grammar of addresses takes none of these without quotes, and a quoted one is a value like any other.
        for text in ["a)(uid=*@example.com", "*)(uid=*@example.com", "a\0@example.com"] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text}");
        }
        let quoted: EmailAddress = "\"a)(uid=*\"@example.com".parse().unwrap();
        let filter = Filter::address(&quoted);
        let text = filter.to_string();
        assert_eq!(
            text,
            "(|(mail=\"a\\29\\28uid=\\2a\"@example.com)(proxyAddresses=smtp:\"a\\29\\28uid=\\2a\"@example.com))"
        );
        assert_eq!(text.parse::<Filter>().unwrap(), filter);
        let star: EmailAddress = "*@example.com".parse().unwrap();
        assert_eq!(
            Filter::address(&star).to_string(),
            "(|(mail=\\2a@example.com)(proxyAddresses=smtp:\\2a@example.com))"
        );
        let every: Vec<u8> = (0..=255).collect();
        let long = Filter::Equal("cn".to_owned(), every.repeat(4));
        assert_eq!(long.to_string().parse::<Filter>().unwrap(), long);
        // 10 kB, as a value: it arrives whole.
        let huge = Filter::Equal("cn".to_owned(), vec![b'('; 10_000]);
        let element = huge.to_der();
        assert_eq!(value_of(&Reader::single(&element, "filter").unwrap()), vec![b'('; 10_000]);
    }

    fn value_of(element: &Element<'_>) -> Vec<u8> {
        let mut fields = element.children("filter").unwrap();
        fields.required_any("attribute").unwrap();
        fields.required_any("value").unwrap().content().to_vec()
    }

    #[test]
    fn what_is_no_filter_is_refused_with_its_place() {
        let deep = format!("{}(a=b){}", "(!".repeat(9), ")".repeat(9));
        let long = format!("(a={})", "x".repeat(5000));
        for text in [
            "",
            "a=b",
            "(a=b",
            "(a=b))",
            "(&)",
            "(=b)",
            "(a=\\2)",
            "(a=\\zz)",
            "(a=b**c)",
            "(a=**)",
            "(a:=b)",
            "(a>=b*)",
            "(a(=b)",
            "(a=b)(c=d)",
            "(a=\0)",
            "(a b=c)",
            &deep,
            &long,
        ] {
            assert!(text.parse::<Filter>().is_err(), "{text}");
        }
        assert_eq!("(a=b))".parse::<Filter>().unwrap_err().at, 5);
    }

    fn filters() -> impl Strategy<Value = Filter> {
        let name = "[a-zA-Z][a-zA-Z0-9;.-]{0,8}";
        let value = || proptest::collection::vec(any::<u8>(), 0..12);
        let some = || proptest::collection::vec(any::<u8>(), 1..12);
        let leaf = prop_oneof![
            (name, value()).prop_map(|(a, v)| Filter::Equal(a, v)),
            (name, value()).prop_map(|(a, v)| Filter::AtLeast(a, v)),
            (name, value()).prop_map(|(a, v)| Filter::AtMost(a, v)),
            (name, value()).prop_map(|(a, v)| Filter::Approximately(a, v)),
            name.prop_map(Filter::Present),
            (name, some(), proptest::collection::vec(some(), 0..3), value())
                .prop_map(|(a, first, any, last)| Filter::Substrings(a, Substrings { first, any, last })),
        ];
        leaf.prop_recursive(4, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 1..4).prop_map(Filter::And),
                proptest::collection::vec(inner.clone(), 1..4).prop_map(Filter::Or),
                inner.prop_map(|filter| Filter::Not(Box::new(filter))),
            ]
        })
    }

    proptest! {
        #[test]
        fn sec_135_what_is_written_reads_back(filter in filters()) {
            let text = filter.to_string();
            prop_assert!(text.bytes().all(|octet| (b' '..=b'~').contains(&octet)));
            prop_assume!(text.len() <= MAX_TEXT);
            prop_assert_eq!(text.parse::<Filter>().unwrap(), filter);
        }
    }
}
