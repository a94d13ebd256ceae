//! An outline without content: what says something about people or content is replaced by a placeholder of the same
//! length, the same one wherever it is the same value, so that one still sees that the issuer of one certificate is the
//! subject of another. Algorithms, identifiers, places, lengths and the structure stay; dates stay, to the second.

use super::Outline;
use super::node::{Class, Node, Value};
use std::collections::HashMap;

/// Notes whose sentences hold numbers and the names of fields, and nothing of the message.
const OWN_WORDS: [&str; 14] = [
    "cut_short",
    "malformed",
    "too_deep",
    "output_limit",
    "non_minimal_length",
    "time_unreadable",
    "unexpected",
    "attribute_values",
    "tst_info_unreadable",
    "trailing",
    "limit_exceeded",
    "broken",
    "too_many_layers",
    "counted_in_decoded",
];

impl Outline {
    /// The same without content.
    ///
    /// ```
    /// use smime::base::source::Memory;
    /// let mail = Memory::borrowed(b"From: alice@example.com\r\nSubject: our merger\r\n\r\nworld\r\n");
    /// let outline = smime::open::outline::outline(&mail, &smime::Limits::default())?.redacted();
    /// let words = outline.to_string();
    /// assert!(words.contains("Subject: text#1 xxx xxxxxx") && !words.contains("alice"));
    /// # Ok::<(), smime::mime::Error>(())
    /// ```
    #[must_use]
    pub fn redacted(&self) -> Self {
        Self { root: Placeholders::default().node(&self.root, false) }
    }
}

#[derive(Default)]
struct Placeholders {
    numbers: HashMap<(Class, String), usize>,
    counts: HashMap<Class, usize>,
}

impl Placeholders {
    fn node(&mut self, node: &Node, in_field: bool) -> Node {
        let mut redacted = Node { value: node.value.as_ref().map(|value| self.value(value)), ..node.clone() };
        // Parameters that nobody knows may be named after anything.
        let unknown = node.value.as_ref().is_some_and(|v| v.class == Class::Text) && node.name != "boundary";
        if in_field && unknown {
            redacted.name = masked(&node.name).into();
        }
        for note in &mut redacted.notes {
            if !OWN_WORDS.contains(&note.code) {
                note.text = "(what it says is left out)".to_owned();
            }
        }
        let field = matches!(node.name.as_ref(), "Content-Type" | "Content-Disposition");
        redacted.children = node.children.iter().map(|child| self.node(child, field)).collect();
        redacted
    }

    fn value(&mut self, value: &Value) -> Value {
        if value.class.stays() {
            return value.clone();
        }
        let next = self.counts.get(&value.class).copied().unwrap_or(0).saturating_add(1);
        let number = *self.numbers.entry((value.class, value.text.clone())).or_insert(next);
        if number == next {
            self.counts.insert(value.class, next);
        }
        let text = format!("{}#{number} {}", value.class.name(), masked(&value.text));
        Value { text: text.trim_end().to_owned(), class: value.class }
    }
}

/// An x for each letter, digit or character beyond ASCII; the rest stays.
fn masked(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() && !c.is_ascii_alphanumeric() { c } else { 'x' }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::node::Counting;
    use super::*;

    #[test]
    fn equal_values_get_equal_placeholders_and_structure_stays() {
        let mut root = Node::named("certificate").with(Class::Structure, "sha256");
        for text in ["CN=Alice", "CN=CA", "CN=Alice"] {
            root.children.push(Node::fact("subject", Class::Name, text));
        }
        root.children.push(Node::fact("notAfter", Class::Time, "2026-01-01T00:00:00Z"));
        root.note("display_name", "the display name Alice");
        let outline = Outline { root };
        let redacted = outline.redacted().root;
        let texts: Vec<&str> = redacted.children.iter().map(Node::text).collect();
        assert_eq!(texts, ["name#1 xx=xxxxx", "name#2 xx=xx", "name#1 xx=xxxxx", "2026-01-01T00:00:00Z"]);
        assert_eq!((redacted.text(), redacted.counting), ("sha256", Counting::Same));
        assert!(!redacted.notes[0].text.contains("Alice"));
    }
}
