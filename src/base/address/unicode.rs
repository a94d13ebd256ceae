//! What of a mail address goes beyond ASCII.

use crate::base::reason::Reason;
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;
use unicode_script::{Script, UnicodeScript};

/// A domain in A-labels; `None` where one of its labels is not valid, or is Punycode for what needs none
/// (RUSTSEC-2024-0421).
pub(super) fn to_a_labels(domain: &str) -> Option<String> {
    // Bounded by the caller: 255 octets.
    let ascii =
        Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::CheckFirstLast, DnsLength::Verify);
    ascii.ok().map(|domain| domain.to_ascii_lowercase())
}

/// Normalization form C.
pub(super) fn composed(text: &str) -> String {
    text.nfc().collect()
}

pub(super) fn oddities(local: &str, domain: &str) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut readable = domain.to_owned();
    if domain.split('.').any(|label| label.starts_with("xn--")) {
        readable = Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow).0.into_owned();
        let text = format!("the domain {domain} is internationalised: {readable}");
        reasons.push(Reason::new("idn", text));
    }
    for part in readable.split('.').chain([local]).filter(|part| !part.is_ascii()) {
        if let Some(why) = deceptive(part) {
            reasons.push(Reason::new("mixed_script", format!("\"{part}\" may look like something else: {why}")));
        }
    }
    reasons
}

/// Why a label may look like another one (UTS 39 sections 4 and 5.1, in the small).
fn deceptive(label: &str) -> Option<String> {
    let mut scripts: Vec<Script> = Vec::new();
    for script in label.chars().map(|c| c.script()) {
        if !matches!(script, Script::Common | Script::Inherited) && !scripts.contains(&script) {
            scripts.push(script);
        }
    }
    let within = |allowed: &[Script]| scripts.iter().all(|script| allowed.contains(script));
    let usual = scripts.len() <= 1
        || within(&[Script::Latin, Script::Han, Script::Hiragana, Script::Katakana])
        || within(&[Script::Latin, Script::Han, Script::Hangul])
        || within(&[Script::Latin, Script::Han, Script::Bopomofo]);
    if !usual {
        let names: Vec<&str> = scripts.iter().map(|script| script.full_name()).collect();
        return Some(format!("it mixes {}", names.join(" and ")));
    }
    let foreign = matches!(scripts.as_slice(), [Script::Cyrillic | Script::Greek | Script::Armenian]);
    let twins = label.chars().all(|c| c.is_ascii() || LATIN_TWINS.contains(c));
    (foreign && twins).then(|| "every letter of it has a twin in Latin".to_owned())
}

/// Letters of other scripts that look like Latin ones (from the confusables of UTS 39).
const LATIN_TWINS: &str = "\u{430}\u{435}\u{43e}\u{440}\u{441}\u{443}\u{445}\u{455}\u{456}\u{458}\u{4bb}\u{4cf}\u{501}\u{51b}\u{51d}\u{44c}\u{432}\u{43a}\u{43c}\u{43d}\u{442}\u{3bf}\u{3bd}\u{3b1}\u{3c1}\u{3b9}\u{3ba}\u{3c5}\u{3c7}\u{585}\u{57d}\u{570}\u{578}\u{581}";
