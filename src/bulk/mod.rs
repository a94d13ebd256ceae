//! Floor 8: many mails at once. [`job`] drives bounded workers over a [`verb`] and hands the outcomes on in their order;
//! [`progress`] tells how far it is; [`outbox`] puts the results where they belong so that neither a kill nor a power loss
//! nor a full disk loses one, repeats one or leaves a torn one, over a [`storage`] that is the caller's; [`journal`] is what
//! it remembers by; [`shard`] shares the work out among machines.
//!
//! Nothing here looks at a clock or opens a file: the clock is an argument, and so is the storage.
//!
//! ```
//! use smime::bulk::Bulk;
//! use smime::{Signer, Time};
//! # use smime::cert::{extension::KeyUsage, issue::{CertificateTemplate, issue}, name::Name};
//! # use smime::crypto::{algorithm::{DigestAlgorithm, SignatureScheme}, private::PrivateKey, signature::KeyKind};
//! # let (key, scheme) = (PrivateKey::generate(KeyKind::P256, 0)?, SignatureScheme::Ecdsa(DigestAlgorithm::Sha256));
//! # let years = ("2026-01-01T00:00:00Z".parse()?, "2030-01-01T00:00:00Z".parse()?);
//! # let template = CertificateTemplate::new(Name::build(&[]), None, &[1], years, &key.public_key_spki());
//! # let template = template.for_mail(&["alice@example.com".parse()?], KeyUsage::DIGITAL_SIGNATURE);
//! # let certificate = issue(&template, &scheme.identifier(), &|tbs| Ok(key.sign(&scheme, tbs)?))?;
//! # let key = std::sync::Arc::new(smime::keys::software::SoftwareKey::new(key));
//! # let (alice, policy) = (smime::Identity::new(certificate, vec![], key)?, smime::Policy::default());
//! let mails = (1..=100).map(|n| (n, format!("From: alice@example.com\r\n\r\nMail {n}\r\n")));
//! let signer = Signer::new(&alice, &policy)?;
//! let job = Bulk::new(&signer).workers(8);
//! let progress = job.progress(); // to be asked from any thread
//! let clock = || Time::from_unix(1_795_507_200); // each mail has its own time
//! let mut spool = Vec::new();
//! let ended = job.run(mails, clock, |outcome| {
//!     match outcome.result {
//!         Ok(signed) => spool.push((outcome.id, signed)),
//!         Err(failure) => eprintln!("{}: {failure}", outcome.id),
//!     }
//!     Ok::<(), std::io::Error>(())
//! })?;
//! assert!(ended.stop.is_none());
//! assert_eq!((spool.len(), spool[41].0, progress.now().done), (100, 42, 100));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(clippy::indexing_slicing)]

pub mod job;
pub mod journal;
pub mod mail;
pub mod outbox;
pub mod progress;
pub mod shard;
pub mod storage;
pub mod verb;
mod window;

pub use job::{Bulk, Ended, Stop, Stopper};
pub use mail::{Failure, Mail, Outcome};
pub use progress::Progress;
pub use shard::Shard;
pub use verb::{Opening, Verb};
