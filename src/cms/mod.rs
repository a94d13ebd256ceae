//! Floor 5: Cryptographic Message Syntax (RFC 5652, 5083). One file per structure. What is large is streamed, what is
//! hashed is kept as received.

#![deny(clippy::indexing_slicing)]

pub mod attribute;
pub mod capabilities;
pub mod content;
pub mod enveloped;
pub mod identifier;
pub mod recipient_info;
pub mod signed;
pub mod signer_info;
pub mod timestamp;
pub mod tst_info;
pub mod wrapped;

use crate::asn1;
use crate::crypto;

/// What keeps a CMS structure from being read or written.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The encoding is broken; nothing of the layer can be trusted.
    #[error("malformed CMS: {0}")]
    Malformed(#[from] asn1::Error),
    /// Two readings are possible, and there is no choice between them.
    #[error("ambiguous CMS: {0}")]
    Ambiguous(String),
    /// A bound is exceeded.
    #[error("too much: {what} (limit {limit})")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// The structure is known and not supported here.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// An algorithm is unknown, or its parameters are not usable.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    /// The input could not be read.
    #[error("{0}")]
    Io(std::sync::Arc<std::io::Error>),
}

impl From<std::io::Error> for Error {
    /// Readers of this floor report their own errors through `std::io::Error`; this takes them out again.
    fn from(error: std::io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            Some(inner) => inner.clone(),
            None => Self::Io(std::sync::Arc::new(error)),
        }
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}

/// What reading a CMS structure gives.
pub type Result<T> = std::result::Result<T, Error>;
