//! Directories over LDAP, version 3 (RFC 4511), asked as Outlook asks them (OUT-90 to OUT-99e): anonymously, for the
//! certificates of one address, without following referrals.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use smime::fetch::connect::{Addresses, Connector, Timeouts};
//! use smime::fetch::ldap::directory::LdapDirectory;
//! use smime::Directory;
//! let connector = Connector::new(Timeouts::default()).with_addresses(Addresses::PublicAndPrivate);
//! let directory = LdapDirectory::new("ldap://directory.example".parse()?, connector);
//! for answer in directory.look_up(&"bob@example.com".parse()?) {
//!     println!("{}: {:?}", answer.source, answer.outcome);
//! }
//! # Ok(()) }
//! ```

pub mod client;
pub mod directory;
pub mod entry;
pub mod filter;
pub mod message;
pub mod url;

use crate::fetch::{connect, tls};
use message::{LdapResult, Malformed};
use std::io;

/// Whether what is said can be heard by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// It can.
    Clear,
    /// TLS, with a server that has proven its name.
    Tls,
}

/// Why a directory was not asked, or gave no answer.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

impl Error {
    /// What happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

/// What can happen to a look-up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] connect::Error),
    /// There is no TLS.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// The connection broke, or the time was over.
    #[error("{}", io_words(.0))]
    Io(io::Error),
    /// What came is no LDAP at all.
    #[error("what answers there does not speak LDAP")]
    NotLdap,
    /// A message is malformed.
    #[error("the server sent a malformed message: {0}")]
    Malformed(Malformed),
    /// An answer to a question that was not asked.
    #[error("the server answered message {found}, where {expected} was asked")]
    MessageId {
        /// What was asked.
        expected: u32,
        /// What was answered.
        found: u64,
    },
    /// An answer of another kind.
    #[error("the server answered something else to a {to}")]
    Unexpected {
        /// What was asked.
        to: &'static str,
    },
    /// The server takes leave.
    #[error("the server ended the connection: {result}")]
    Disconnected {
        /// Why.
        result: LdapResult,
    },
    /// The server said no.
    #[error("the server refused the {what}: {result}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// Why.
        result: LdapResult,
    },
    /// The server sends more than is read.
    #[error("the server sent more than {limit} {what}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How much is read.
        limit: usize,
    },
    /// A name or a password is empty (SEC-137).
    #[error("a bind with an empty name or password would be a bind as nobody")]
    EmptyCredentials,
    /// A password would be sent in the clear (OUT-92).
    #[error("a password is sent within TLS only: take ldaps:// or StartTLS")]
    CredentialsInTheClear,
}

fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut => "the server did not answer in time".to_owned(),
        io::ErrorKind::UnexpectedEof => "the server closed the connection in the middle of its answer".to_owned(),
        _ => format!("the connection broke: {error}"),
    }
}
