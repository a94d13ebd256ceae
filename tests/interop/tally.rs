//! Counting: one line for each case, and a table at the end. What a peer cannot do is expected by name and with the
//! peer's own words; a peer that suddenly can, or that says something else, is a problem.

use std::fmt::Display;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a case did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The peer refused, in its own words.
    Peer(String),
    /// We did, or the result is not the right one.
    Ours(String),
}

/// What became of a case.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Our own failure, from any error.
pub fn ours(error: impl Display) -> Failure {
    Failure::Ours(error.to_string())
}

/// A case that the peer cannot do: the case's name, and a part of what the peer says.
pub type Unsupported = (&'static str, &'static str);

/// The cases of one peer.
pub struct Tally {
    expected: &'static [Unsupported],
    met: Vec<&'static str>,
    ok: usize,
    unsupported: Vec<String>,
    problems: Vec<String>,
}

impl Tally {
    /// With everything that the peer cannot do.
    pub fn new(expected: &'static [Unsupported]) -> Self {
        Self { expected, met: Vec::new(), ok: 0, unsupported: Vec::new(), problems: Vec::new() }
    }

    /// Runs a case and says what became of it.
    pub fn case(&mut self, name: &str, run: impl FnOnce() -> Outcome) {
        let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Failure::Ours(format!("panic: {}", said.unwrap_or("of unknown cause"))))
        });
        let expected = self.expected.iter().find(|(case, _)| *case == name);
        self.met.extend(expected.map(|(case, _)| *case));
        match (outcome, expected) {
            (Ok(()), None) => {
                self.ok += 1;
                say(&format!("interop {name} ... ok"));
            }
            (Err(Failure::Peer(said)), Some((_, fragment))) if said.contains(fragment) => {
                say(&format!("interop {name} ... not supported by peer"));
                self.unsupported.push(format!("{name}: {}", telling_line(&said, fragment)));
            }
            (Ok(()), Some((_, fragment))) => self.problem(name, &format!("it works, where the peer should say \"{fragment}\"")),
            (Err(Failure::Peer(said)), Some((_, fragment))) => {
                self.problem(name, &format!("the peer says something else than \"{fragment}\": {said}"));
            }
            (Err(Failure::Peer(said)), None) => self.problem(name, &format!("the peer refuses: {said}")),
            (Err(Failure::Ours(why)), _) => self.problem(name, &why),
        }
    }

    fn problem(&mut self, name: &str, why: &str) {
        say(&format!("interop {name} ... FAILED: {why}"));
        self.problems.push(format!("{name}: {why}"));
    }

    /// The table.
    ///
    /// # Panics
    /// Where there is a problem.
    pub fn finish(mut self, peer: &str) {
        for (case, _) in self.expected {
            if !self.met.contains(case) {
                self.problems.push(format!("{case}: expected to be refused by the peer, and never tried"));
            }
        }
        let (ok, unsupported) = (self.ok, self.unsupported.len());
        let mut table = format!("interop {peer}: {ok} ok, {unsupported} not supported by peer, {} failed", self.problems.len());
        for line in &self.unsupported {
            table.push_str("\n  ");
            table.push_str(line);
        }
        say(&table);
        assert!(self.problems.is_empty(), "{} problems with {peer}:\n{}", self.problems.len(), self.problems.join("\n"));
    }
}

/// Past the test harness, which keeps what a passing test prints to itself.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn telling_line<'t>(said: &'t str, fragment: &str) -> &'t str {
    said.lines().find(|line| line.contains(fragment)).unwrap_or(said).trim()
}
