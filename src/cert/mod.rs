//! Floor 4: certificates. Read as they arrived ([`certificate`], [`name`], [`extension`]), asked for whom they speak
//! ([`mailbox`]) and what they may do ([`purpose`]), chained to those that are trusted ([`chain`], with the certificates that were met before from [`cache`], with the name
//! constraints of [`constraint`], the policies of [`policies`] and the parameters of [`inherit`]), looked up in what was revoked ([`revocation`], over
//! [`crl`] and [`ocsp`]; [`status`] has ActiveSync's numbers,
//! [`publication`] what keeps others from looking), held against the rules of publicly trusted authorities ([`lint`]),
//! made ([`issue`]), and asked for ([`request`]).
//!
//! Nothing here looks at a clock or keeps anything between two calls but in a cache that the caller owns: time, trust and
//! limits are arguments.

#![deny(clippy::indexing_slicing)]

pub mod cache;
pub mod certificate;
pub mod chain;
pub mod constraint;
pub mod crl;
pub mod extension;
pub mod inherit;
pub mod issue;
pub mod lint;
pub mod mailbox;
pub mod name;
pub mod ocsp;
mod path;
pub mod policies;
pub mod publication;
pub mod purpose;
pub mod request;
pub mod revocation;
pub mod status;

use crate::asn1;
use std::sync::Arc;

/// Why bytes are not a certificate, or why one could not be made.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The encoding is not that of a certificate.
    #[error("not a certificate: {0}")]
    Asn1(#[from] asn1::Error),
    /// An extension stands there twice, so that the certificate has two meanings (RFC 5280 section 4.2; SEC-109).
    #[error("the certificate with serial number {serial} has the extension {extension} twice")]
    DuplicateExtension {
        /// Its name, or its dotted object identifier.
        extension: String,
        /// Hexadecimal.
        serial: String,
    },
    /// The algorithm under the signature and the one beside it differ (RFC 5280 section 4.1.1.2; SEC-113).
    #[error("the certificate says {inside} inside its signature and {outside} beside it")]
    SignatureAlgorithms {
        /// TBSCertificate.signature.
        inside: String,
        /// Certificate.signatureAlgorithm.
        outside: String,
    },
    /// No such version exists.
    #[error("the certificate claims version {0}; there are only 1, 2 and 3")]
    Version(u64),
    /// Extensions came with version 3; in an older certificate some readers would see them and some would not.
    #[error("the certificate has extensions but claims version {0}, which knows none")]
    ExtensionsInOldVersion(u8),
    /// A revocation list is larger than the limit (SEC-115).
    #[error("the CRL has {bytes} bytes; at most {limit} are read")]
    CrlTooLarge {
        /// What was found.
        bytes: usize,
        /// `Limits::crl_bytes`.
        limit: usize,
    },
    /// An OCSP response is larger than the limit (hostile.md G8).
    #[error("the OCSP response has {bytes} bytes; at most {limit} are read")]
    OcspTooLarge {
        /// What was found.
        bytes: usize,
        /// `Limits::ocsp_bytes`.
        limit: usize,
    },
    /// An OCSP responder answered that it has no answer (RFC 6960 section 4.2.1).
    #[error("the OCSP responder gave no answer: {0}")]
    OcspStatus(&'static str),
    /// The issuer's key did not sign.
    #[error("the certificate for \"{subject}\" could not be signed: {source}")]
    Signing {
        /// Whom the certificate is for.
        subject: String,
        /// What the key said.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}
