//! Domain names of mail addresses, in the one form in which they are compared: A-labels in lower case (RFC 5890 section
//! 2.3.2.1, RFC 5280 section 7.5, RFC 9598 section 3; SEC-52, SEC-54, SEC-55).

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// Octets of a domain (RFC 5321 section 4.5.3.1.2; SEC-59).
const MAX_DOMAIN: usize = 255;
/// Octets of a label (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;
/// What a label begins with where it stands for another one.
const ACE: &str = "xn--";

/// The domain in A-labels and lower case, whichever way it is written; the word says what is wrong where it is none.
///
/// More is refused than UTS 46 refuses: a label that needs more than lower case and NFC to become what is compared
/// (full-width letters, soft hyphens, the Kelvin sign, ideographic dots) looks like a name that it is not.
pub(crate) fn to_a_labels(domain: &str) -> Result<String, &'static str> {
    // The bound comes before punycode is looked at, so that its quadratic arithmetic has nothing to chew on.
    if domain.len() > MAX_DOMAIN {
        return Err("its domain is longer than 255 octets");
    }
    let plain = domain.is_ascii() && !domain.split('.').any(is_ace);
    let converted = if plain { domain.to_ascii_lowercase() } else { convert(domain)? };
    if converted.len() > MAX_DOMAIN {
        return Err("its domain is longer than 255 octets");
    }
    if !converted.split('.').all(is_ldh) {
        return Err("what follows the @ is not a domain name");
    }
    Ok(converted)
}

/// The domain as people read it: U-labels where there are any. The input is one that [`to_a_labels`] has made.
pub(crate) fn to_u_labels(domain: &str) -> Cow<'_, str> {
    if !domain.split('.').any(is_ace) {
        return Cow::Borrowed(domain);
    }
    let (unicode, sound) = Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::URL, Hyphens::CheckFirstLast);
    if sound.is_ok() { Cow::Owned(unicode.into_owned()) } else { Cow::Borrowed(domain) }
}

fn convert(domain: &str) -> Result<String, &'static str> {
    let not_a_name = "what follows the @ is not an internationalized domain name";
    let converted = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::URL, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| not_a_name)?;
    let unicode = to_u_labels(&converted);
    let mut shown = unicode.split('.');
    let mut compared = converted.split('.');
    for written in domain.split('.') {
        let (Some(shown), Some(compared)) = (shown.next(), compared.next()) else { return Err(not_a_name) };
        if written.is_ascii() {
            // RUSTSEC-2024-0421: xn-- that stands for plain ASCII, or for anything that is not written so.
            let same = compared.eq_ignore_ascii_case(written);
            if !same || (is_ace(written) && (shown.is_ascii() || shown == compared)) {
                return Err("its domain has a label xn--... that stands for no other name");
            }
        } else if !is_ace(compared) || written.to_lowercase().nfc().ne(shown.chars()) {
            return Err("its domain has characters that stand for others");
        }
    }
    if shown.next().is_some() { Err(not_a_name) } else { Ok(converted.into_owned()) }
}

fn is_ace(label: &str) -> bool {
    label.get(..ACE.len()).is_some_and(|start| start.eq_ignore_ascii_case(ACE))
}

/// Letters, digits and hyphens; the underscore too, which some hosts have.
fn is_ldh(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= MAX_LABEL
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_name_are_one() {
        for text in [
            "bücher.example",
            "BÜCHER.Example",
            "bu\u{308}cher.example",
            "xn--bcher-kva.example",
            "XN--BCHER-KVA.EXAMPLE",
        ] {
            assert_eq!(to_a_labels(text).as_deref(), Ok("xn--bcher-kva.example"), "{text}");
        }
        assert_eq!(to_u_labels("xn--bcher-kva.example"), "bücher.example");
        assert_eq!(to_a_labels("Mail_1.Example.COM").as_deref(), Ok("mail_1.example.com"));
        // ss and sharp s are two names since IDNA2008.
        assert_ne!(to_a_labels("straße.example"), to_a_labels("strasse.example"));
    }

    #[test]
    fn sec_055_what_only_looks_like_a_name_is_none() {
        for text in [
            "xn--example-.com",
            "xn--abc-.example",
            "xn--.example",
            "xn--a.example",
            "xn--999999999999.example",
            "xn--bcher-kvA\u{308}.example",
            "xn--Bcher-Kva-.example",
            "ｅxample.com",
            "ｅｘａｍｐｌｅ.com",
            "exa\u{ad}mple.com",
            "\u{212a}elvin.example",
            "example。com",
            "b\u{200b}ücher.example",
            "exa mple.com",
            "bücher..example",
            "bücher.example.",
            "-bücher.example",
            "\u{5d0}a.example",
            "a\u{fffd}.example",
        ] {
            assert!(to_a_labels(text).is_err(), "{text:?}: {:?}", to_a_labels(text));
        }
        assert!(to_a_labels(&format!("{}.example", "ä".repeat(64))).is_err());
        assert!(to_a_labels(&format!("xn--{}.example", "9".repeat(10_000))).is_err());
        assert!(to_a_labels(&format!("{}.example", "a".repeat(64))).is_err());
    }

    #[test]
    fn sec_052_the_dotless_i_is_another_letter() {
        assert_eq!(to_a_labels("I.example").as_deref(), Ok("i.example"));
        assert_ne!(to_a_labels("ı.example").as_deref(), Ok("i.example"));
        assert_ne!(to_a_labels("İ.example").as_deref(), Ok("i.example"));
    }
}
