//! A finding with a stable name: what reports, refusals and notes are made of.

use std::fmt;

/// Why something is so: a code for programs and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable, in snake_case; never renamed once released.
    pub code: &'static str,
    /// One sentence with the values in it. Free of control characters.
    pub text: String,
}

impl Reason {
    /// A reason; control and bidirectional formatting characters in the text are shown as escapes (SEC-95).
    pub fn new(code: &'static str, text: impl Into<String>) -> Self {
        let text: String = text.into();
        Self { code, text: if text.chars().any(is_unprintable) { visible(&text) } else { text } }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text with whatever could deceive a terminal or a reader shown as escapes (SEC-95).
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unprintable(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Control characters, what changes the direction of text, what has no width, and what ends a line.
pub(super) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
