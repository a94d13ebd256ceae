//! Counting: one line for each case, and a table at the end. What a peer cannot do is expected by name and with the
//! peer's own words; a peer that suddenly can, or that says something else, is a problem.

use std::fmt::Display;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

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

/// Whether the peer is the one whose limits are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The list holds to the letter.
    Listed,
    /// What is on the list may work by now, or be refused in other words.
    Another,
}

static TOTAL: Mutex<Vec<(String, usize, usize)>> = Mutex::new(Vec::new());

/// The cases of one peer.
pub struct Tally {
    release: Release,
    expected: &'static [Unsupported],
    met: Vec<&'static str>,
    ok: usize,
    unsupported: Vec<String>,
    problems: Vec<String>,
}

impl Tally {
    /// With everything that the peer cannot do.
    pub fn new(expected: &'static [Unsupported], release: Release) -> Self {
        Self { release, expected, met: Vec::new(), ok: 0, unsupported: Vec::new(), problems: Vec::new() }
    }

    /// Runs a case and says what became of it.
    pub fn case(&mut self, name: &str, run: impl FnOnce() -> Outcome) {
        let outcome = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
            let said =
                panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Failure::Ours(format!("panic: {}", said.unwrap_or("of unknown cause"))))
        });
        let expected = self.expected.iter().find(|(case, _)| *case == name);
        self.met.extend(expected.map(|(case, _)| *case));
        match (outcome, expected) {
            (Ok(()), expected) if expected.is_none() || self.release == Release::Another => {
                self.ok += 1;
                say(&format!("interop {name} ... ok"));
            }
            (Err(Failure::Peer(said)), Some((_, fragment)))
                if said.contains(fragment) || self.release == Release::Another =>
            {
                say(&format!("interop {name} ... not supported by peer"));
                self.unsupported.push(format!("{name}: {}", telling_line(&said, fragment)));
            }
            (Ok(()), Some((_, fragment))) => {
                self.problem(name, &format!("it works, where the peer should say \"{fragment}\""))
            }
            (Err(Failure::Peer(said)), Some((_, fragment))) => {
                self.problem(name, &format!("the peer says something else than \"{fragment}\": {said}"));
            }
            (Err(Failure::Peer(said)), None) => self.problem(name, &format!("the peer refuses: {said}")),
            (Err(Failure::Ours(why)), _) => self.problem(name, &why),
            (Ok(()), None) => unreachable!("it is ok"),
        }
    }

    /// Runs a case that the peer must refuse, so that its other answers mean something.
    pub fn refused(&mut self, name: &str, run: impl FnOnce() -> Outcome) {
        self.case(name, || match run() {
            Err(Failure::Peer(_)) => Ok(()),
            Err(failure) => Err(failure),
            Ok(()) => Err(Failure::Ours("the peer accepts it".to_owned())),
        });
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
        let mut table =
            format!("interop {peer}: {ok} ok, {unsupported} not supported by peer, {} failed", self.problems.len());
        for line in &self.unsupported {
            table.push_str("\n  ");
            table.push_str(line);
        }
        let mut total = TOTAL.lock().unwrap();
        total.push((peer.to_owned(), ok, unsupported));
        let peers: Vec<&str> = total.iter().map(|(peer, ..)| peer.as_str()).collect();
        let (all_ok, all_unsupported) = total.iter().fold((0, 0), |sum, (_, ok, no)| (sum.0 + ok, sum.1 + no));
        say(&format!("{table}\ninterop: {all_ok} ok, {all_unsupported} not supported by peer ({})", peers.join(", ")));
        drop(total);
        assert!(
            self.problems.is_empty(),
            "{} problems with {peer}:\n{}",
            self.problems.len(),
            self.problems.join("\n")
        );
    }
}

/// Past the test harness, which keeps what a passing test prints to itself.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn telling_line<'t>(said: &'t str, fragment: &str) -> &'t str {
    said.lines().find(|line| line.contains(fragment)).unwrap_or(said).trim()
}
