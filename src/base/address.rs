//! Mail addresses and the one rule by which two of them are the same (design.md, "The address rule"; OUT-1, OUT-2).

use crate::base::domain::{to_a_labels, to_u_labels};
use std::borrow::Cow;
use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// Octets of a local part (RFC 5321 section 4.5.3.1.1; SEC-59). With the 255 of the domain no address has more than 320.
const MAX_LOCAL: usize = 64;

/// `local@domain`, as a header field, a certificate or a caller gives it.
///
/// The domain is kept in A-labels and lower case, whichever way it was written (RFC 5280 section 7.5, RFC 9598); the local
/// part as it was written.
///
/// ```
/// use smime::base::address::{EmailAddress, LocalPart};
/// let from: EmailAddress = "Alice@Example.com".parse()?;
/// let inside: EmailAddress = "alice@example.COM".parse()?;
/// assert!(!from.same(&inside, LocalPart::Exact));
/// assert!(from.same(&inside, LocalPart::IgnoreAsciiCase));
/// # Ok::<(), smime::base::address::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress {
    local: String,
    domain: String,
}

/// How local parts are compared; domains are always compared as A-labels, without regard to ASCII case.
///
/// Two ways to write the same letters (NFC and NFD, RFC 6532 section 3.1) are the same in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LocalPart {
    /// Letter for letter, as RFC 5280 section 7.5 has it: profiles `strict` and `rfc8551`.
    #[default]
    Exact,
    /// Without regard to ASCII case, as Outlook and Exchange do (OUT-2).
    IgnoreAsciiCase,
}

/// Why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a mail address: {why}")]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl EmailAddress {
    /// What stands before the last `@`.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// What stands after it, in A-labels and lower case: `xn--bcher-kva.example`.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The domain as people read it: `bücher.example`. For display only; letters of other alphabets may look like those
    /// of another name (see [`lookalike`](crate::base::lookalike)).
    pub fn domain_unicode(&self) -> Cow<'_, str> {
        to_u_labels(&self.domain)
    }

    /// Whether both name the same mailbox. No sub-address stripping, no provider folklore (SEC-56).
    pub fn same(&self, other: &Self, local: LocalPart) -> bool {
        self.domain == other.domain
            && match (self.local.is_ascii() && other.local.is_ascii(), local) {
                (true, LocalPart::Exact) => self.local == other.local,
                (true, LocalPart::IgnoreAsciiCase) => self.local.eq_ignore_ascii_case(&other.local),
                // What is ASCII equals nothing that is not: NFC makes a K of the Kelvin sign.
                (false, _) if self.local.is_ascii() || other.local.is_ascii() => false,
                (false, LocalPart::Exact) => self.local.nfc().eq(other.local.nfc()),
                (false, LocalPart::IgnoreAsciiCase) => {
                    let folded = |c: char| c.to_ascii_lowercase();
                    self.local.nfc().map(folded).eq(other.local.nfc().map(folded))
                }
            }
    }
}

impl std::str::FromStr for EmailAddress {
    type Err = AddressError;

    /// Reads an addr-spec (RFC 5322 section 3.4.1) without comments or folding. White space around it is dropped
    /// (OUT-2); a quoted local part keeps its quotes unless it needs none.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let fail = |why| AddressError { text: text.chars().flat_map(char::escape_default).take(80).collect(), why };
        let trimmed = text.trim_matches([' ', '\t']);
        let (local, domain) = trimmed.rsplit_once('@').ok_or_else(|| fail("it has no @"))?;
        if local.is_empty() || domain.is_empty() {
            return Err(fail("nothing stands before or after the @"));
        }
        if local.len() > MAX_LOCAL {
            return Err(fail("more than 64 octets stand before the @"));
        }
        // SEC-50: a NUL, a line break or a blank makes it no name at all; it is never cut short.
        if trimmed.chars().any(|c| c.is_control() || c == '\u{7f}') {
            return Err(fail("it contains a control character"));
        }
        if trimmed.chars().any(is_invisible) {
            return Err(fail("it contains a blank or a character that nobody sees"));
        }
        let domain = to_a_labels(domain).map_err(fail)?;
        let local = match local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => unquote(quoted).ok_or_else(|| fail("its quotes are unbalanced"))?,
            None if is_dot_atom(local) => local.to_owned(),
            None => return Err(fail("what stands before the @ needs quotes")),
        };
        Ok(Self { local, domain })
    }
}

/// Blanks beyond ASCII, marks that steer direction, and the sign that stands for unreadable bytes: any two of those would
/// be alike. The joiners U+200C and U+200D are letters' business in Persian and in the scripts of India.
fn is_invisible(c: char) -> bool {
    let format = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffd}');
    format || (c.is_whitespace() && !c.is_ascii())
}

/// The text inside quotes, in its shortest form: without quotes where it is a dot-atom, else quoted again.
fn unquote(quoted: &str) -> Option<String> {
    let mut plain = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => plain.push(chars.next()?),
            _ => plain.push(c),
        }
    }
    Some(if is_dot_atom(&plain) { plain } else { format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\"")) })
}

fn is_dot_atom(local: &str) -> bool {
    local.split('.').all(|atom| {
        !atom.is_empty()
            && atom.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii())
    })
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c",
            "a@b c",
            "a@b..c",
            "a@b.",
            "a@.b",
            "a\0@b",
            "<a@b>",
            "a@b\r\n",
            "a..b@c",
            "a@-b",
            "\"a@b",
            "a@[1.2.3.4]",
        ] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text:?}");
        }
        assert!(format!("{}@b", "x".repeat(65)).parse::<EmailAddress>().is_err());
    }

    #[test]
    fn quotes_that_are_not_needed_do_not_make_another_address() {
        let plain: EmailAddress = "alice@example.com".parse().unwrap();
        assert_eq!("\"alice\"@example.com".parse::<EmailAddress>().unwrap(), plain);
        assert_eq!(" alice@EXAMPLE.com ".parse::<EmailAddress>().unwrap(), plain);
        assert_eq!("\"a b\"@c".parse::<EmailAddress>().unwrap().to_string(), "\"a b\"@c");
    }

    #[test]
    fn sec_059_lengths_are_bounded() {
        let parse = |local: usize, label: usize, labels: usize| {
            let domain = vec!["d".repeat(label); labels].join(".");
            format!("{}@{domain}", "l".repeat(local)).parse::<EmailAddress>()
        };
        assert_eq!(parse(64, 63, 4).unwrap().to_string().len(), 320);
        assert!(parse(65, 3, 1).unwrap_err().to_string().contains("more than 64 octets"));
        assert!(parse(64, 64, 1).is_err());
        assert!(parse(1, 51, 5).unwrap_err().to_string().contains("255 octets"));
        // Counted in octets, not letters.
        assert!(format!("{}@example.com", "ä".repeat(33)).parse::<EmailAddress>().is_err());
    }

    #[test]
    fn sec_054_letters_are_the_same_however_they_are_composed() {
        let same = |a: &str, b: &str, rule| a.parse::<EmailAddress>().unwrap().same(&b.parse().unwrap(), rule);
        assert!(same("j\u{fc}rgen@example.com", "ju\u{308}rgen@example.com", LocalPart::Exact));
        assert!(!same("J\u{fc}rgen@example.com", "ju\u{308}rgen@example.com", LocalPart::Exact));
        assert!(same("J\u{fc}rgen@example.com", "ju\u{308}rgen@example.com", LocalPart::IgnoreAsciiCase));
        assert!(same("alice@b\u{fc}cher.example", "alice@xn--bcher-kva.example", LocalPart::Exact));
        for (a, b) in [("\u{212a}ate", "Kate"), ("al\u{131}ce", "alice"), ("\u{dc}", "\u{fc}"), ("ｋate", "kate")] {
            let (a, b) = (format!("{a}@example.com"), format!("{b}@example.com"));
            assert!(!same(&a, &b, LocalPart::IgnoreAsciiCase), "{a} {b}");
        }
        for bad in ["a\u{200b}b@example.com", "a\u{202e}b@example.com", "a\u{fffd}@example.com", "a\u{a0}b@example.com"]
        {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sec_056_nothing_is_stripped() {
        let plain: EmailAddress = "alice@example.com".parse().unwrap();
        for other in [
            "alice+tag@example.com",
            "al.ice@example.com",
            "alice@mail.example.com",
            "alice%example.com@relay.example",
            "alice%40example.com@example.com",
        ] {
            assert!(!plain.same(&other.parse().unwrap(), LocalPart::IgnoreAsciiCase), "{other}");
        }
    }
}
