//! `pkcs11:` URIs (RFC 7512): which token, which object on it, through which module.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What every such URI begins with, in any case.
pub const SCHEME: &str = "pkcs11:";

/// The longest URI that is read.
const LONGEST: usize = 4096;

/// What a `pkcs11:` URI names. What it does not say, it does not ask for.
///
/// ```
/// use smime::keys::pkcs11::Uri;
/// let uri: Uri = "pkcs11:token=Alice%27s%20card;object=mail;id=%01".parse()?;
/// assert_eq!(uri.token.as_deref(), Some("Alice's card"));
/// assert_eq!(uri.id.as_deref(), Some(&[1][..]));
/// # Ok::<(), smime::keys::pkcs11::UriError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uri {
    /// The token's label.
    pub token: Option<String>,
    /// Its manufacturer.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// The slot that it stands in.
    pub slot: Option<u64>,
    /// CKA_LABEL of the key or its certificate.
    pub object: Option<String>,
    /// CKA_ID of the key or its certificate.
    pub id: Option<Vec<u8>>,
    /// The module's file.
    pub module_path: Option<PathBuf>,
    /// A file with the PIN.
    pub pin_source: Option<PathBuf>,
}

/// Why a text is no `pkcs11:` URI, or none that is followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// It begins otherwise.
    #[error("it does not begin with {SCHEME}")]
    Scheme,
    /// It is too long.
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
    /// One attribute has no "=", or a character that is to be written as %XX.
    #[error("\"{0}\" is no attribute of a pkcs11: URI; what is not a letter, a digit or one of -._~ is written as %XX")]
    Malformed(String),
    /// A value is not what its attribute takes.
    #[error("the value of {0} is {1}")]
    Value(String, &'static str),
    /// The same attribute twice.
    #[error("{0} stands there twice")]
    Twice(String),
    /// An attribute that is not followed; to pass over it could mean another key.
    #[error(
        "{0} is not followed; there are token, manufacturer, model, serial, slot-id, object, id and type, and \
             module-path and pin-source after a question mark"
    )]
    Unsupported(String),
    /// A PIN in the open.
    #[error("a PIN does not belong into a URI, where lists of processes and logs show it")]
    PinValue,
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text.len() > LONGEST {
            return Err(UriError::TooLong);
        }
        let rest = match text.split_at_checked(SCHEME.len()) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => rest,
            _ => return Err(UriError::Scheme),
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        let mut seen = Vec::new();
        let attributes =
            path.split(';').map(|one| (one, Part::Path)).chain(query.split('&').map(|one| (one, Part::Query)));
        for (attribute, part) in attributes.filter(|(attribute, _)| !attribute.is_empty()) {
            let malformed = || UriError::Malformed(attribute.to_owned());
            let (name, value) = attribute.split_once('=').ok_or_else(malformed)?;
            let value = decoded(value, part).ok_or_else(malformed)?;
            if seen.contains(&name) {
                return Err(UriError::Twice(name.to_owned()));
            }
            seen.push(name);
            uri.set(part, name, value)?;
        }
        Ok(uri)
    }
}

/// Where an attribute stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Query,
}

impl Uri {
    fn set(&mut self, part: Part, name: &str, value: Vec<u8>) -> Result<(), UriError> {
        let wrong = |why| UriError::Value(name.to_owned(), why);
        if (part, name) == (Part::Path, "id") {
            self.id = Some(value);
            return Ok(());
        }
        if (part, name) == (Part::Query, "pin-value") {
            return Err(UriError::PinValue);
        }
        let text = String::from_utf8(value).map_err(|_| wrong("not UTF-8"))?;
        match (part, name) {
            (Part::Path, "token") => self.token = Some(text),
            (Part::Path, "manufacturer") => self.manufacturer = Some(text),
            (Part::Path, "model") => self.model = Some(text),
            (Part::Path, "serial") => self.serial = Some(text),
            (Part::Path, "slot-id") => self.slot = Some(text.parse().map_err(|_| wrong("no number"))?),
            (Part::Path, "object") => self.object = Some(text),
            // Key and certificate belong together, whichever of them is named.
            (Part::Path, "type") if matches!(text.as_str(), "private" | "cert") => {}
            (Part::Path, "type") => return Err(wrong("neither private nor cert")),
            (Part::Query, "module-path") => self.module_path = Some(text.into()),
            (Part::Query, "pin-source") => {
                let path = text.strip_prefix("file:").unwrap_or(&text);
                self.pin_source = Some(path.strip_prefix("//").unwrap_or(path).into());
            }
            _ => return Err(UriError::Unsupported(name.to_owned())),
        }
        Ok(())
    }

    /// Whether it names any object, and not only a token.
    pub fn names_an_object(&self) -> bool {
        self.object.is_some() || self.id.is_some()
    }

    /// Whether an object of this label and identifier is meant.
    pub(super) fn fits_object(&self, label: &str, id: &[u8]) -> bool {
        self.object.as_deref().is_none_or(|wanted| wanted == label)
            && self.id.as_deref().is_none_or(|wanted| wanted == id)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = self.slot.map(|slot| slot.to_string());
        let texts = [
            ("token", &self.token),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("serial", &self.serial),
            ("slot-id", &slot),
            ("object", &self.object),
        ];
        let texts = texts.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?.as_bytes())));
        f.write_str(SCHEME)?;
        for (n, (name, value)) in texts.chain(self.id.as_deref().map(|id| ("id", id))).enumerate() {
            write!(f, "{}{name}=", if n > 0 { ";" } else { "" })?;
            for byte in value {
                match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' if name != "id" => {
                        write!(f, "{}", char::from(*byte))?;
                    }
                    _ => write!(f, "%{byte:02X}")?,
                }
            }
        }
        Ok(())
    }
}

/// RFC 7512 section 2.3: what may stand as it is, and %XX.
fn decoded(value: &str, part: Part) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high << 4 | low).ok()?
            }
            b'&' if part == Part::Path => byte,
            b'/' | b'?' | b'|' if part == Part::Query => byte,
            b'-' | b'.' | b'_' | b'~' | b':' | b'[' | b']' | b'@' | b'!' | b'$' | b'\'' | b'(' | b')' | b'*' | b'+'
            | b',' | b'=' => byte,
            _ if byte.is_ascii_alphanumeric() => byte,
            _ => return None,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "pkcs11:token=My%20token;serial=0a;slot-id=7;object=a%3Bb;id=%01%FF";
        let uri: Uri = text.parse().unwrap();
        assert_eq!((uri.token.as_deref(), uri.serial.as_deref(), uri.slot), (Some("My token"), Some("0a"), Some(7)));
        assert_eq!((uri.object.as_deref(), uri.id.as_deref()), (Some("a;b"), Some(&[1, 255][..])));
        assert_eq!(uri.to_string(), text);
        let uri: Uri =
            "PKCS11:type=private;object=x?module-path=/usr/lib/m.so&pin-source=file:/run/pin".parse().unwrap();
        assert_eq!(uri.module_path, Some("/usr/lib/m.so".into()));
        assert_eq!(uri.pin_source, Some("/run/pin".into()));
        assert!(uri.names_an_object() && uri.fits_object("x", b"any") && !uri.fits_object("y", b"any"));
        assert_eq!("pkcs11:".parse::<Uri>().unwrap(), Uri::default());
    }

    proptest::proptest! {
        #[test]
        fn any_name_survives(token in ".*", object in ".*", id in proptest::collection::vec(0u8.., 1..40)) {
            let uri = Uri { token: Some(token), object: Some(object), id: Some(id), ..Uri::default() };
            if uri.to_string().len() <= LONGEST {
                proptest::prop_assert_eq!(uri.to_string().parse::<Uri>(), Ok(uri));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "(pkcs11:)?([a-z-]{0,9}=?[%a-zA-Z0-9;&?/ ]{0,9})*") {
            let _ = text.parse::<Uri>();
        }
    }

    #[test]
    fn what_could_mean_another_key_is_refused_by_name() {
        let refused = |text: &str| text.parse::<Uri>().unwrap_err();
        assert_eq!(refused("file:x"), UriError::Scheme);
        assert_eq!(refused("pkcs"), UriError::Scheme);
        assert_eq!(refused(&format!("pkcs11:token={}", "x".repeat(5000))), UriError::TooLong);
        for text in ["token", "token=a b", "token=%4", "token=%zz", "token=\u{e4}", "token=a/b", "id=%"] {
            assert_eq!(refused(&format!("pkcs11:{text}")), UriError::Malformed(text.into()));
        }
        assert_eq!(refused("pkcs11:token=a;token=a"), UriError::Twice("token".into()));
        assert_eq!(refused("pkcs11:library-version=3"), UriError::Unsupported("library-version".into()));
        assert_eq!(refused("pkcs11:?token=a"), UriError::Unsupported("token".into()));
        assert_eq!(refused("pkcs11:module-path=a"), UriError::Unsupported("module-path".into()));
        assert_eq!(refused("pkcs11:token=a?pin-value=1234"), UriError::PinValue);
        assert!(!refused("pkcs11:token=a?pin-value=1234").to_string().contains("1234"));
        assert!(matches!(refused("pkcs11:type=secret-key"), UriError::Value(..)));
        assert!(matches!(refused("pkcs11:slot-id=x"), UriError::Value(..)));
        assert!(matches!(refused("pkcs11:token=%FF"), UriError::Value(..)));
    }
}
