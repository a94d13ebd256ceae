//! Floor 2: mail as it lies on the wire. Header blocks ([`header`]), the tree of entities as byte ranges into the
//! original ([`entity`]), transfer encodings ([`transfer`]), canonical line ends ([`canonical`]), who a message says it
//! is from and to ([`mailboxes`]), files of many mails ([`mbox`]), and the way out ([`emit`], [`plan`], [`outer`]).
//!
//! The readers hand out ranges and slices of what arrived, never a re-encoding (design.md, law 1).

#![deny(clippy::indexing_slicing)]

mod boundary;
pub mod canonical;
pub mod content_type;
pub mod emit;
pub mod entity;
mod file_name;
pub mod header;
pub mod mailboxes;
pub mod mbox;
mod octets;
pub mod outer;
pub mod plan;
mod safety;
pub mod transfer;
mod values;

#[cfg(feature = "msg")]
pub(crate) use values::decode_charset;

use std::io;
use std::sync::Arc;

/// What is wrong with a mail's text, and where.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{kind} (at byte {offset})")]
pub struct Error {
    /// What is wrong with it.
    pub kind: ErrorKind,
    /// Bytes from the beginning of the input that the reader was made over.
    pub offset: u64,
}

/// What is wrong with a mail's text.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It does not follow its grammar.
    #[error("malformed {what}: {why}")]
    Malformed {
        /// What was being read, in the words of its specification.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It can be read in two ways, so it is not read at all (SEC-21, SEC-22, SEC-48).
    #[error("ambiguous: {field} is there more than once")]
    Ambiguous {
        /// The header field, or the parameter.
        field: String,
    },
    /// A bound from [`Limits`](crate::base::limits::Limits) is exceeded.
    #[error("limit exceeded: {name} may be at most {limit}")]
    Limit {
        /// The field of `Limits`.
        name: &'static str,
        /// Its value.
        limit: u64,
    },
    /// A Content-Transfer-Encoding that nobody knows (SEC-23).
    #[error("unsupported Content-Transfer-Encoding \"{encoding}\"")]
    Unsupported {
        /// Its name, made printable.
        encoding: String,
    },
    /// What a caller wants written cannot be written without changing what it says (SEC-140).
    #[error("{what} cannot be written into a mail: {why}")]
    InvalidInput {
        /// What was to be written.
        what: String,
        /// Why it cannot be.
        why: &'static str,
    },
    /// The input could not be read, or the output not written.
    #[error("{0}")]
    Io(Arc<io::Error>),
}

impl Error {
    pub(crate) fn new(offset: u64, kind: ErrorKind) -> Self {
        Self { kind, offset }
    }

    pub(crate) fn malformed(what: &'static str, offset: u64, why: &'static str) -> Self {
        Self::new(offset, ErrorKind::Malformed { what, why })
    }

    pub(crate) fn limit(name: &'static str, limit: usize, offset: u64) -> Self {
        Self::new(offset, ErrorKind::Limit { name, limit: limit as u64 })
    }

    pub(crate) fn ambiguous(field: impl Into<String>, offset: u64) -> Self {
        Self::new(offset, ErrorKind::Ambiguous { field: field.into() })
    }

    pub(crate) fn invalid(what: impl Into<String>, why: &'static str) -> Self {
        Self::new(0, ErrorKind::InvalidInput { what: crate::base::reason::visible(&what.into()), why })
    }

    /// The error inside an [`io::Error`] that one of this floor's readers reported; anything else becomes
    /// [`ErrorKind::Io`].
    pub fn from_io(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            Some(inner) => inner.clone(),
            None => Self::new(0, ErrorKind::Io(Arc::new(error))),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::from_io(error)
    }
}

impl From<Error> for io::Error {
    /// The error becomes the inner one; [`Error::from_io`] finds it again.
    fn from(error: Error) -> Self {
        let kind = match &error.kind {
            ErrorKind::Io(inner) => inner.kind(),
            ErrorKind::InvalidInput { .. } => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// What reading mail gives.
pub type Result<T> = std::result::Result<T, Error>;
