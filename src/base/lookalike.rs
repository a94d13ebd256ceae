//! Names that may be read as others. It decides nothing: letters of other scripts are everybody's right, and people
//! should be told when a name mixes them (SEC-55; UTS 39 section 5).

use crate::base::address::EmailAddress;
use crate::base::domain::to_u_labels;
use crate::base::reason::Reason;
use unicode_script::{Script, UnicodeScript};

/// What there is to tell about an address, as notes: `idn` where the domain has other letters than ASCII,
/// `mixed_script` where a label or the local part mixes scripts that no language writes together, and
/// `whole_script_confusable` where a label of another script consists of nothing but letters that look like Latin ones.
///
/// ```
/// use smime::base::{address::EmailAddress, lookalike};
/// let address: EmailAddress = "alice@ex\u{430}mple.com".parse()?;
/// let codes: Vec<_> = lookalike::notes(&address).iter().map(|note| note.code).collect();
/// assert_eq!(codes, ["idn", "mixed_script"]);
/// # Ok::<(), smime::base::address::AddressError>(())
/// ```
pub fn notes(address: &EmailAddress) -> Vec<Reason> {
    let mut notes = Vec::new();
    if let Some(scripts) = mixture(address.local()) {
        let text = format!("the local part of {address} mixes {scripts} letters");
        notes.push(Reason::new("mixed_script", text));
    }
    let unicode = to_u_labels(address.domain());
    if unicode == address.domain() {
        return notes;
    }
    let text = format!("the domain {} of the address is {unicode} in letters other than ASCII", address.domain());
    notes.push(Reason::new("idn", text));
    let under_ascii = unicode.rsplit('.').next().is_some_and(str::is_ascii);
    for label in unicode.split('.') {
        if let Some(scripts) = mixture(label) {
            let text = format!("\"{label}\" in the domain {} mixes {scripts} letters", address.domain());
            notes.push(Reason::new("mixed_script", text));
        } else if under_ascii && is_disguise(label) {
            let text = format!("\"{label}\" in the domain {} looks like Latin letters and is none", address.domain());
            notes.push(Reason::new("whole_script_confusable", text));
        }
    }
    notes
}

/// The scripts of a text, where they are not written together anywhere (UTS 39 section 5.2, "highly restrictive").
fn mixture(text: &str) -> Option<String> {
    let mut scripts: Vec<Script> = Vec::new();
    for script in text.chars().map(|c| c.script()) {
        let neutral = matches!(script, Script::Common | Script::Inherited);
        if !neutral && !scripts.contains(&script) {
            scripts.push(script);
        }
    }
    let together = scripts.len() < 2 || WRITTEN_TOGETHER.iter().any(|set| scripts.iter().all(|s| set.contains(s)));
    (!together).then(|| scripts.iter().map(|s| s.full_name()).collect::<Vec<_>>().join(" and "))
}

/// Whether each letter looks like a Latin one, and none is.
fn is_disguise(label: &str) -> bool {
    let mut letters = label.chars().filter(|c| c.is_alphabetic()).peekable();
    letters.peek().is_some() && letters.all(|c| LIKE_LATIN.contains(c))
}

/// UTS 39 section 5.2: Latin is at home beside the scripts of Japanese, Korean and Chinese.
const WRITTEN_TOGETHER: [&[Script]; 3] = [
    &[Script::Latin, Script::Han, Script::Hiragana, Script::Katakana],
    &[Script::Latin, Script::Han, Script::Hangul],
    &[Script::Latin, Script::Han, Script::Bopomofo],
];

/// Small letters of Cyrillic, Greek and Armenian whose prototype in UTS 39's confusables.txt is a Latin letter.
const LIKE_LATIN: &str = "асԁеһіјӏорԛѕԝхуѵүӕαικνορυωոսհօցզւյ";

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(address: &str) -> Vec<&'static str> {
        notes(&address.parse().unwrap()).iter().map(|note| note.code).collect()
    }

    #[test]
    fn sec_055_letters_of_two_alphabets_are_told() {
        assert!(codes("alice@example.com").is_empty());
        assert_eq!(codes("alice@bücher.example"), ["idn"]);
        assert_eq!(codes("alice@xn--bcher-kva.example"), ["idn"]);
        assert_eq!(codes("alice@pаypal.com"), ["idn", "mixed_script"]);
        assert_eq!(codes("alice@аррӏе.com"), ["idn", "whole_script_confusable"]);
        assert_eq!(codes("аlice@example.com"), ["mixed_script"]);
        assert_eq!(codes("alice@сахар.рф"), ["idn"], "at home under its own top level");
        assert_eq!(codes("alice@почта.com"), ["idn"]);
        assert_eq!(codes("alice@日本語テスト.jp"), ["idn"]);
        assert_eq!(codes("alice@日本語abc.jp"), ["idn"]);
    }
}
