//! What the run tells beside the outcomes: every deviation and refusal is a code and a sentence.

use smime::base::reason::Reason;
use smime::open::report::Report;
use std::collections::BTreeMap;

/// Codes with how often they were met, and one sentence each.
#[derive(Default)]
pub struct Findings {
    met: BTreeMap<String, (usize, String)>,
    /// Those that are no sentence.
    pub wrong: Vec<String>,
}

impl Findings {
    pub fn add(&mut self, reason: &Reason) {
        self.refusal(reason.code, &reason.text);
    }

    /// A refusal that is an error's text.
    pub fn refusal(&mut self, kind: &str, text: &str) {
        if let Err(why) = check_sentence(kind, text) {
            self.wrong.push(why);
        }
        self.met.entry(kind.to_owned()).or_insert_with(|| (0, text.to_owned())).0 += 1;
    }

    pub fn report(&mut self, report: &Report) {
        report.findings().for_each(|reason| self.add(reason));
    }

    pub fn print(&self) {
        for (code, (count, sentence)) in &self.met {
            println!("finding {code} ({count}): {sentence}");
        }
    }
}

/// A sentence says what and why: several words, no control characters, no `Debug` output of a type.
fn check_sentence(code: &str, text: &str) -> Result<(), String> {
    let rust = ["Some(", "None)", "Ok(", "Err(", "{ ", "::"].into_iter().find(|rust| text.contains(rust));
    let stable = code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
    match (stable, rust, text.split_whitespace().count() >= 3, text.chars().any(char::is_control)) {
        (false, ..) => Err(format!("{code} is no stable code")),
        (_, Some(rust), ..) => Err(format!("{code} shows {rust} of a type: {text}")),
        (_, _, false, _) => Err(format!("{code} is no sentence: {text}")),
        (.., true) => Err(format!("{code} has control characters: {text:?}")),
        _ => Ok(()),
    }
}
