//! SCEP (RFC 8894): certificates from an authority over plain HTTP, as Intune has phones do it. The messages protect
//! themselves; what has to be known beforehand is the fingerprint of the authority's certificate, and mostly a challenge
//! password.
//!
//! ```no_run
//! use smime::crypto::{private::PrivateKey, random::SystemRandom, signature::KeyKind};
//! use smime::fetch::connect::{Connector, Timeouts};
//! use smime::fetch::scep::client::{Client, Enrolment, Polling, Session};
//! use smime::fetch::scep::template::{CsrTemplate, Variables};
//! use smime::Time;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (now, fingerprint) = (Time::from_unix(0), "00".repeat(32));
//! let template = CsrTemplate::new("CN={{UserName}},E={{EmailAddress}}")?.email("{{EmailAddress}}")?;
//! let variables = Variables::default().with("UserName", "Alice")?.with("EmailAddress", "alice@example.com")?;
//! let wanted = template.fill(&variables)?;
//! let client = Client::new(Connector::new(Timeouts::default()), &["http://scep.example.com/scep".parse()?])?;
//! let session = Session::begin(client, &[fingerprint.parse()?], now)?;
//! let random = &mut SystemRandom;
//! let key = PrivateKey::generate(KeyKind::Rsa, 2048)?;
//! let enrolment = Enrolment::first(wanted.with_challenge("secret".into()), key, now, random)?;
//! let issued = session.complete(&enrolment, Polling::default(), &mut std::thread::sleep, random)?;
//! println!("{}", issued.identity.certificate().subject());
//! # Ok(()) }
//! ```

pub mod authority;
pub mod client;
pub mod message;
pub mod template;

use super::http;
use crate::cert;
use crate::cms;
use crate::crypto;
use crate::keys;
use message::FailInfo;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server did not answer.
    #[error("{operation}: {error}")]
    Http {
        /// What it was asked.
        operation: &'static str,
        /// Why there is no answer.
        error: http::Error,
    },
    /// Nobody to ask.
    #[error("no address of a SCEP server was given")]
    NoUrl,
    /// It answered with something else than was asked for.
    #[error("{operation}: the answer is not what was asked for: {why}")]
    Answer {
        /// What it was asked.
        operation: &'static str,
        /// What is wrong with the answer.
        why: String,
    },
    /// None of the certificates that came is the one that was confirmed.
    #[error("no certificate of the answer has a fingerprint that was given; those that came have {}", .found.join(", "))]
    Fingerprint {
        /// SHA-256 of the certificates that came, with their subjects.
        found: Vec<String>,
    },
    /// The authority's certificates do not serve.
    #[error("{0}")]
    Authority(String),
    /// The server speaks only what is broken.
    #[error("the server offers no {0} that is not broken: there is only what it was built for decades ago")]
    Algorithms(&'static str),
    /// The server does not renew.
    #[error("the server does not say that it renews certificates (there is no Renewal among its capabilities)")]
    NoRenewal,
    /// Only RSA keys can be asked for.
    #[error("a key of kind {0} cannot be used with SCEP, whose answers are encrypted for RSA keys")]
    KeyKind(String),
    /// The key is too short, or of another size than is made.
    #[error("an RSA key of {0} bits is not asked for; there are 2048, 3072 and 4096")]
    KeySize(u32),
    /// The reply is not the authority's, or not to this request (OUT-124).
    #[error("the reply is not to be believed: {0}")]
    Reply(String),
    /// The authority refused.
    #[error("the authority refused: {info}{}", .text.as_ref().map(|text| format!(" ({text})")).unwrap_or_default())]
    Refused {
        /// Why, as far as the protocol says.
        info: FailInfo,
        /// Why, in the authority's words.
        text: Option<String>,
    },
    /// There is no certificate for the key.
    #[error("the authority's reply holds {0} certificates, and none is for the key of the request")]
    NotOurKey(usize),
    /// Nobody decided yet.
    #[error("the request waits for somebody to decide on it, and {0} times nobody had")]
    StillPending(u32),
    /// A certificate could not be made or read.
    #[error(transparent)]
    Certificate(#[from] cert::Error),
    /// A CMS structure could not be made or read.
    #[error(transparent)]
    Cms(#[from] cms::Error),
    /// Arithmetic.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    /// The key did not sign.
    #[error(transparent)]
    Key(#[from] keys::signing::KeyError),
    /// The certificate is for another key.
    #[error(transparent)]
    KeyMismatch(#[from] keys::identity::KeyMismatch),
}

/// What became of it.
pub type Result<T> = std::result::Result<T, Error>;
