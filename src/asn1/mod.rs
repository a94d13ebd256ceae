//! Floor 2: the encoding rules. A bounded pull reader for BER over slices ([`ber`]) and streams ([`stream`]), a writer
//! of DER ([`der`]), what stands around a streamed content ([`framing`]), and the object identifiers of the field ([`oid`]).
//!
//! The readers hand out what arrived: slices of the input, headers included, never a re-encoding (design.md, law 1).

#![deny(clippy::indexing_slicing)]

pub mod ber;
pub mod der;
pub mod framing;
pub mod oid;
pub mod stream;

use std::sync::Arc;

/// What is wrong with an encoding, and where.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what} at byte {offset}: {kind}")]
pub struct Error {
    /// What was being read, in the words of its specification.
    pub what: &'static str,
    /// Bytes from the beginning of the input that the reader was made over.
    pub offset: u64,
    /// What is wrong with it.
    pub kind: ErrorKind,
}

/// What is wrong with an encoding.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input ends inside an element.
    #[error("cut short: {need} bytes are announced and {have} are there")]
    Truncated {
        /// Announced by the length octets.
        need: u64,
        /// Left in the input.
        have: u64,
    },
    /// Another element stands there.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// The tag that belongs there.
        expected: ber::Tag,
        /// The tag that stands there.
        found: ber::Tag,
    },
    /// The element is absent.
    #[error("missing")]
    Missing,
    /// Something follows where nothing may.
    #[error("followed by {0} bytes that do not belong there")]
    Trailing(u64),
    /// The value is not one that this type can have.
    #[error("{0}")]
    Value(&'static str),
    /// A bound from [`Limits`](crate::base::limits::Limits) is exceeded.
    #[error("limit exceeded: {name} may be at most {limit}")]
    Limit {
        /// The field of `Limits`, or what it bounds.
        name: &'static str,
        /// Its value.
        limit: u64,
    },
    /// The input could not be read.
    #[error("{0}")]
    Io(Arc<std::io::Error>),
}

impl Error {
    pub(crate) fn new(what: &'static str, offset: u64, kind: ErrorKind) -> Self {
        Self { what, offset, kind }
    }

    pub(crate) fn value(what: &'static str, offset: u64, why: &'static str) -> Self {
        Self::new(what, offset, ErrorKind::Value(why))
    }
}

/// What reading an encoding gives.
pub type Result<T> = std::result::Result<T, Error>;
