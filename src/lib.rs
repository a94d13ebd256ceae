//! S/MIME in pure Rust: signs, encrypts, opens and judges mail as Outlook does, and answers in one call *is this mail from
//! whom it says, and if not, why?*
//!
//! ```no_run
//! use smime::{Opener, Policy, Requirement, Time, Trust, import};
//! # fn main() -> Result<(), smime::Error> {
//! let ca = import::read(&std::fs::read("ca.pem")?, None, &Default::default(), &Default::default())?;
//! let (trust, policy) = (Trust::new(ca.certificates), Policy::default());
//! let raw = std::fs::read("mail.eml")?;
//! let now = Time::from_unix(1_795_507_200); // the caller's clock; the library has none
//! let opened = Opener::new(&trust, &policy).open(&raw, now)?;
//! println!("{}", opened.report());
//! match opened.require(Requirement::SignedBySender) {
//!     Ok(trusted) => println!("from {}", trusted.sender().unwrap()),
//!     Err(refused) => println!("{:?}", refused.reasons()),
//! }
//! # Ok(()) }
//! ```
//!
//! # The house
//!
//! ```text
//!                     bulk: many mails, workers, journal
//!            compose: sign, encrypt          open: peel, judge, report
//!                 \             store: keys and certificates in files
//!                  \            cms   keys   policy
//!   mime            \           cert: chains, purposes, addresses
//!   (mail)           \          crypto: the registry of algorithms
//!                     \         asn1: BER in, DER out   (structure)
//!                      base: limits, time, secrets, addresses, sources
//! ```
//!
//! A floor imports only those below it; `mime` and the structure floors never import each other. Time, trust, randomness
//! and limits come in as arguments: there is no clock, no socket, no file and no global in the library; what the
//! features `net` and `ldap` add stands apart in `fetch`.
//!
//! # Features
//!
//! | feature | what it adds | default |
//! |---|---|---|
//! | (none) | the library | yes |
//! | `fast` | accelerated curves on x86-64 and AArch64 where the processor has the instructions; portable elsewhere | yes |
//! | `cli` | the program `smime` | no |
//! | `net` | lists, OCSP responses and issuers from the network (`fetch`), for callers who ask for it | no |
//! | `policy-files` | reading the policy files of Intune, Exchange and Outlook (`policy::document`); `cli` has it | no |
//! | `ldap` | directories over LDAP, with TLS (`fetch::ldap`) | no |
//! | `pkcs11` | keys on cards and in security modules (`keys::pkcs11`) | no |
//! | `msg` | S/MIME inside Outlook's .msg files (`open::msg`); the program reads them too where it is built with it | no |
//!
//! What is not there yet, the README lists.

#![deny(unsafe_code)]

pub mod asn1;
pub mod base;
pub mod bulk;
pub mod cert;
pub mod cms;
pub mod compose;
pub mod crypto;
pub mod error;
#[cfg(any(feature = "net", feature = "ldap"))]
pub mod fetch;
pub mod keys;
pub mod manual;
pub mod mime;
pub mod open;
pub mod policy;
pub mod store;

pub use base::address::EmailAddress;
pub use base::limits::Limits;
pub use base::reason::Reason;
pub use base::secret::Secret;
pub use base::time::Time;
pub use bulk::job::Bulk;
pub use cert::cache::ChainCache;
pub use cert::certificate::Certificate;
pub use cert::chain::Trust;
pub use cert::crl::Crl;
pub use cert::ocsp::OcspResponse;
pub use cert::revocation::{RevocationData, RevocationMode};
pub use compose::encrypt::Encryptor;
pub use compose::layers::Sealer;
pub use compose::message::Message;
pub use compose::recipients::{Plan as RecipientPlan, Recipients};
pub use compose::sign::Signer;
pub use error::Error;
pub use keys::identity::Identity;
pub use open::opener::{Opened, Opener, Refused, Trusted};
pub use open::report::Report;
pub use open::requirement::Requirement;
pub use policy::policy::Policy;
pub use policy::profile::Profile;
pub use store::directory::{Certificates, Directory, InOrder};
pub use store::import;
pub use store::keyring::Keyring;

/// The README's code, so that it compiles as it is written.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
