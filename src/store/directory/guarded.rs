//! A directory that many ask at a time and that may not answer (SEC-155): it is asked over a few lines, each address once, and
//! not any more after it gave no answer three times in a row.

use super::{Answer, Answers, Directory, Outcome};
use crate::base::address::EmailAddress;
use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A directory behind a guard; every line leads to the same one.
///
/// ```
/// use smime::store::directory::guarded::Guarded;
/// use smime::{Certificates, Directory};
/// let directory = Guarded::new([Certificates::default(), Certificates::default()]);
/// assert!(directory.certificates(&"bob@example.com".parse().unwrap()).unwrap().is_empty());
/// ```
pub struct Guarded<D> {
    lines: Vec<D>,
    state: Mutex<State>,
    hung_up: Condvar,
}

#[derive(Default)]
struct State {
    /// Lines that nobody speaks on.
    free: Vec<usize>,
    /// What was answered, so that nobody has to be asked twice.
    known: HashMap<EmailAddress, Vec<Answer>>,
    /// How often in a row there was no answer, and the last one of these.
    silences: u32,
    last: Option<Answer>,
}

/// After so many look-ups in a row without an answer, no more are made.
pub const SILENCES: u32 = 3;
/// Answers that are kept.
const KNOWN: usize = 100_000;

impl<D> Guarded<D> {
    /// Over these lines; one for each who may speak at a time. Without any, nobody is there.
    pub fn new(lines: impl IntoIterator<Item = D>) -> Self {
        let lines: Vec<D> = lines.into_iter().collect();
        let state = State { free: (0..lines.len()).collect(), ..State::default() };
        Self { lines, state: Mutex::new(state), hung_up: Condvar::new() }
    }

    /// Whether it is asked no more.
    pub fn is_given_up(&self) -> bool {
        self.lock().silences >= SILENCES
    }

    /// Asks again from now on, although it was given up.
    pub fn retry(&self) {
        self.lock().silences = 0;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Directory> Guarded<D> {
    fn answers(&self, address: &EmailAddress) -> Vec<Answer> {
        let mut state = self.lock();
        let line = loop {
            if let Some(known) = state.known.get(address) {
                return known.clone();
            }
            if state.silences >= SILENCES {
                return state.last.as_ref().map(given_up).into_iter().collect();
            }
            match state.free.pop() {
                Some(line) => break Line { guarded: self, number: line },
                None if self.lines.is_empty() => return Vec::new(),
                None => state = self.hung_up.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(state);
        let directory = self.lines.get(line.number);
        let answers: Vec<Answer> = directory.map(|one| one.look_up(address).collect()).unwrap_or_default();
        let silent = answers.iter().find(|answer| matches!(answer.outcome, Outcome::Unreachable(_))).cloned();
        let mut state = self.lock();
        match silent {
            Some(answer) => {
                state.silences = state.silences.saturating_add(1);
                state.last = Some(answer);
            }
            None => {
                state.silences = 0;
                if state.known.len() < KNOWN {
                    state.known.insert(address.clone(), answers.clone());
                }
            }
        }
        drop(state);
        answers
    }
}

impl<D: Directory> Directory for Guarded<D> {
    fn look_up<'a>(&'a self, address: &'a EmailAddress) -> Answers<'a> {
        Box::new(std::iter::once_with(move || self.answers(address)).flatten())
    }
}

/// A line that somebody speaks on.
struct Line<'g, D> {
    guarded: &'g Guarded<D>,
    number: usize,
}

impl<D> Drop for Line<'_, D> {
    fn drop(&mut self) {
        self.guarded.lock().free.push(self.number);
        self.guarded.hung_up.notify_all();
    }
}

fn given_up(last: &Answer) -> Answer {
    let why = match &last.outcome {
        Outcome::Unreachable(why) => why.as_str(),
        _ => "",
    };
    let text =
        format!("it is not asked any more, after {SILENCES} times without an answer, the last time because: {why}");
    Answer::new(last.source.clone(), Outcome::Unreachable(text))
}
