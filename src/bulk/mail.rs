//! What goes into a job and what comes out of it.

use crate::base::source::{Memory, SharedSource};
use std::fmt;
use std::io::{self, Write};

/// A mail of a job. Its worker opens it and the place where its result goes, so that no more of them are open than there
/// are workers.
pub trait Mail: Send {
    /// What tells it from the others.
    type Id: Send;
    /// Where its result goes.
    type Out: Write + Send;

    /// What tells it from the others.
    fn into_id(self) -> Self::Id;

    /// Its bytes.
    ///
    /// # Errors
    /// Where they cannot be read: this mail has failed, and the job goes on.
    fn source(&self) -> io::Result<SharedSource<'_>>;

    /// The place where its result goes; what is dropped without having become an [`Outcome`] was in vain.
    ///
    /// # Errors
    /// Where there is none, the job stops: the next mail would fare no better (SEC-148).
    fn out(&self) -> io::Result<Self::Out>;
}

/// A mail in memory, whose result goes there too.
impl<I: Send, B: AsRef<[u8]> + Send> Mail for (I, B) {
    type Id = I;
    type Out = Vec<u8>;

    fn into_id(self) -> I {
        self.0
    }

    fn source(&self) -> io::Result<SharedSource<'_>> {
        Ok(Memory::borrowed(self.1.as_ref()))
    }

    fn out(&self) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

/// What became of one mail.
#[derive(Debug)]
pub struct Outcome<I, O, E> {
    /// Which.
    pub id: I,
    /// Its result, or why there is none.
    pub result: Result<O, Failure<E>>,
}

/// Why one mail has no result. The others go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure<E> {
    /// It cannot be read.
    Read(io::Error),
    /// The verb refuses it.
    Verb(E),
    /// A fault in this library or in a key of the caller's: the worker panicked, and was caught (SEC-151).
    Panicked(String),
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "the mail cannot be read: {error}"),
            Self::Verb(error) => error.fmt(f),
            Self::Panicked(text) => write!(f, "a fault of this program: {text}"),
        }
    }
}

impl<E: std::error::Error> std::error::Error for Failure<E> {}
