//! Floor 3: arithmetic under the names that CMS and X.509 give it. [`algorithm`] is the registry; everything else
//! takes its enums and does what they say.
//!
//! Nothing here knows a certificate, a message or a file. Keys are DER in, DER out.

#![deny(clippy::indexing_slicing)]

pub mod agreement;
pub mod algorithm;
mod backend;
pub mod content;
pub mod digest;
pub(crate) mod dsa_key;
pub(crate) mod kernel;
pub mod password;
pub mod password_wrap;
pub mod private;
pub mod random;
mod rsa_key;
mod rsa_padding;
mod rsa_private;
pub mod signature;
pub mod strength;
pub mod transport;
mod weak_key;
pub mod wrap;

/// What can go wrong in arithmetic. Nothing in it is secret, and decryption has one error with one text (SEC-80).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An algorithm that this library does not do.
    #[error("{what} {oid} is not supported")]
    UnsupportedAlgorithm {
        /// What it is for: "signature algorithm", "content encryption algorithm".
        what: &'static str,
        /// Its name and dotted form.
        oid: String,
    },
    /// Parameters that the algorithm does not have, or that contradict each other.
    #[error("the parameters of {what} are wrong: {why}")]
    Parameters {
        /// The algorithm.
        what: &'static str,
        /// What is wrong with them.
        why: String,
    },
    /// Two places name different algorithms where they must name one (SEC-26).
    #[error("{what} disagree: one says {expected}, the other {found}")]
    AlgorithmMismatch {
        /// Which places.
        what: &'static str,
        /// What the first says.
        expected: String,
        /// What the second says.
        found: String,
    },
    /// A key is of another kind than the algorithm needs.
    #[error("{needs} was to be done with a key of kind {found}")]
    WrongKey {
        /// The algorithm.
        needs: String,
        /// The key's kind.
        found: String,
    },
    /// A key is outside the bounds of [`Limits`](crate::base::limits::Limits) (SEC-37).
    #[error("{what} has {bits} bits; {min} to {max} are accepted")]
    KeySize {
        /// Which key.
        what: &'static str,
        /// Its size.
        bits: usize,
        /// The least that is accepted.
        min: usize,
        /// The most that is accepted.
        max: usize,
    },
    /// The bytes of a key make no key.
    #[error("{what} is not usable: {why}")]
    BadKey {
        /// Which key.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// An input has a length that the algorithm cannot take. Only lengths that an observer sees anyway.
    #[error("{what} is {found} bytes long, {expected} are needed")]
    Length {
        /// Which input.
        what: &'static str,
        /// In words, since some algorithms take several.
        expected: String,
        /// Bytes.
        found: usize,
    },
    /// The signature does not fit the message and the key.
    #[error("the signature is not one of this message by this key")]
    BadSignature,
    /// Decryption did not give the plaintext, for whatever reason.
    #[error("decryption failed")]
    Decrypt,
    /// The encoding of a key or of parameters is wrong.
    #[error(transparent)]
    Asn1(#[from] crate::asn1::Error),
    /// There is no randomness (SEC-84).
    #[error("no randomness: {0}")]
    Rng(String),
}

/// What arithmetic gives.
pub type Result<T> = std::result::Result<T, Error>;
