//! Mail addresses and the one rule by which two of them are the same (design.md, "The address rule"; OUT-1, OUT-2).
//!
//! Domains are compared in A-labels, so that `bücher.example` and `xn--bcher-kva.example` are one (UTS 46, RFC 5891);
//! local parts beyond ASCII in normalization form C (RFC 6532 section 3.1).

mod unicode;

use crate::base::reason::Reason;
use std::fmt;

/// Octets of a local part, and of a whole address (RFC 5321 section 4.5.3.1; SEC-59).
const MAX_LOCAL: usize = 64;
const MAX_DOMAIN: usize = 255;

/// `local@domain`, as a header field, a certificate or a caller gives it.
///
/// The domain is kept in lower case and in A-labels; the local part as it was written, in normalization form C.
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

/// How local parts are compared; domains are always compared without regard to ASCII case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LocalPart {
    /// Byte for byte, as RFC 5280 section 7.5 has it: profiles `strict` and `rfc8551`.
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

    /// What stands after it, in lower case and in A-labels (`xn--...`).
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// What a reader could be deceived by: `idn` where the domain is internationalised, with its characters;
    /// `mixed_script` where a label mixes scripts that no language mixes, or is made of letters of another script that
    /// all look like Latin ones (SEC-55). None of it decides anything.
    pub fn oddities(&self) -> Vec<Reason> {
        unicode::oddities(&self.local, &self.domain)
    }

    /// The form in which all that are the [`same`](Self::same) are equal: a key for sets.
    #[must_use]
    pub fn folded(&self, local: LocalPart) -> Self {
        let local = match local {
            LocalPart::Exact => self.local.clone(),
            LocalPart::IgnoreAsciiCase => self.local.to_ascii_lowercase(),
        };
        Self { local, domain: self.domain.clone() }
    }

    /// Whether both name the same mailbox. No sub-address stripping, no provider folklore (SEC-56).
    pub fn same(&self, other: &Self, local: LocalPart) -> bool {
        self.domain == other.domain
            && match local {
                LocalPart::Exact => self.local == other.local,
                LocalPart::IgnoreAsciiCase => self.local.eq_ignore_ascii_case(&other.local),
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
        if local.len() > MAX_LOCAL || domain.len() > MAX_DOMAIN {
            return Err(fail("it is too long (64 octets before the @, 255 after it)"));
        }
        // SEC-50: a NUL, a line break or a blank makes it no name at all; it is never cut short.
        let ascii = trimmed.is_ascii();
        let control = match ascii {
            true => trimmed.bytes().any(|b| b.is_ascii_control()),
            false => trimmed.chars().any(|c| c.is_control() || c == '\u{7f}'),
        };
        if control {
            return Err(fail("it contains a control character"));
        }
        let folded = domain.to_ascii_lowercase();
        let plain =
            domain.is_ascii() && !folded.as_bytes().split(|b| *b == b'.').any(|label| label.starts_with(b"xn--"));
        let domain = match plain {
            true => folded,
            false => unicode::to_a_labels(domain).ok_or_else(|| fail("its internationalised domain is not valid"))?,
        };
        let domain_is_sound = domain.len() <= MAX_DOMAIN
            && domain.as_bytes().split(|b| *b == b'.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with(b"-")
                    && !label.ends_with(b"-")
                    && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            });
        if !domain_is_sound {
            return Err(fail("what follows the @ is not a domain name"));
        }
        let local = match local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(quoted) => unquote(quoted).ok_or_else(|| fail("its quotes are unbalanced"))?,
            None if is_dot_atom(local) => local.to_owned(),
            None => return Err(fail("what stands before the @ needs quotes")),
        };
        let local = if local.is_ascii() { local } else { unicode::composed(&local) };
        Ok(Self { local, domain })
    }
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
    let atext = |b: &u8| {
        let signs =
            matches!(b, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~');
        b.is_ascii_alphanumeric() || signs || !b.is_ascii()
    };
    local.as_bytes().split(|b| *b == b'.').all(|atom| !atom.is_empty() && atom.iter().all(atext))
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
    fn sec_055_one_domain_in_either_form() {
        let unicode: EmailAddress = "info@B\u{fc}cher.example".parse().unwrap();
        assert_eq!(unicode.domain(), "xn--bcher-kva.example");
        assert_eq!("info@XN--bcher-kva.example".parse::<EmailAddress>().unwrap(), unicode);
        assert_eq!("info@bu\u{308}cher.example".parse::<EmailAddress>().unwrap(), unicode, "not composed");
        let codes = |text: &str| -> Vec<&str> {
            text.parse::<EmailAddress>().unwrap().oddities().iter().map(|reason| reason.code).collect()
        };
        assert_eq!(codes("a@example.com"), [""; 0]);
        assert_eq!(codes("a@bücher.example"), ["idn"]);
        assert_eq!(codes("a@ex\u{430}mple.com"), ["idn", "mixed_script"]);
        assert_eq!(codes("a@\u{430}\u{440}\u{440}\u{4cf}\u{435}.com"), ["idn", "mixed_script"], "all look Latin");
        assert_eq!(codes("a@\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}.example"), ["idn"]);
        assert_eq!(codes("a@\u{65e5}\u{672c}\u{306e}\u{30c6}.example"), ["idn"], "Japanese mixes three");
        assert_eq!(codes("\u{430}lice@example.com"), ["mixed_script"]);
        // Punycode of plain ASCII, none at all, a label beyond 63 octets, and a bomb.
        for bad in ["a@xn--abc-.example", "a@xn--\u{80}.example", "a@xn--0.example", "a@xn--a-ecp.ru\u{ad}@x"] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad}");
        }
        assert!(format!("a@{}.example", "\u{fc}".repeat(80)).parse::<EmailAddress>().is_err());
        assert!(format!("a@xn--{}.example", "9".repeat(59)).parse::<EmailAddress>().is_err());
    }

    #[test]
    fn sec_052_no_case_folding_beyond_ascii() {
        let dotted: EmailAddress = "ALI@example.com".parse().unwrap();
        let dotless: EmailAddress = "al\u{131}@example.com".parse().unwrap();
        assert!(!dotted.same(&dotless, LocalPart::IgnoreAsciiCase));
        assert!(dotted.same(&"ali@EXAMPLE.com".parse().unwrap(), LocalPart::IgnoreAsciiCase));
    }

    #[test]
    fn sec_059_lengths_are_bounded() {
        let local = |n: usize| format!("{}@example.com", "x".repeat(n)).parse::<EmailAddress>().is_ok();
        assert!(local(64) && !local(65));
        let domain = |n: usize| {
            let labels = format!("{}{}", "a.".repeat(n / 2), "b");
            format!("x@{labels}").parse::<EmailAddress>().is_ok()
        };
        assert!(domain(254) && !domain(256));
    }

    #[test]
    fn quotes_that_are_not_needed_do_not_make_another_address() {
        let plain: EmailAddress = "alice@example.com".parse().unwrap();
        assert_eq!("\"alice\"@example.com".parse::<EmailAddress>().unwrap(), plain);
        assert_eq!(" alice@EXAMPLE.com ".parse::<EmailAddress>().unwrap(), plain);
        assert_eq!("\"a b\"@c".parse::<EmailAddress>().unwrap().to_string(), "\"a b\"@c");
    }

    #[test]
    fn nothing_is_stripped() {
        let plain: EmailAddress = "alice@example.com".parse().unwrap();
        for other in ["alice+tag@example.com", "al.ice@example.com", "alice@mail.example.com"] {
            assert!(!plain.same(&other.parse().unwrap(), LocalPart::IgnoreAsciiCase), "{other}");
        }
    }
}
