//! Where a recipient's certificates come from: directories, which are asked one after the other (OUT-90), and what each
//! of them answers. That somebody is not there, has no certificate, or could not be asked for are three answers (OUT-99c).

pub mod contacts;
pub mod entry;
pub mod guarded;
pub mod smime_value;

use crate::base::address::EmailAddress;
use crate::base::address::LocalPart;
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cert::mailbox::Mailboxes;

/// From an address to the certificates that somebody filed under it. Whether one of them may be used is judged
/// afterwards, not here.
pub trait Directory {
    /// What each source has for an address, in the order in which they are to be tried; a source is not asked before
    /// its answer is wanted. Most directories are one source: [`Answer::once`].
    fn look_up<'a>(&'a self, address: &'a EmailAddress) -> Answers<'a>;

    /// The certificates of every source; empty where there are none.
    ///
    /// # Errors
    /// [`Unreachable`] where that cannot be said.
    fn certificates(&self, address: &EmailAddress) -> Result<Vec<Certificate>, Unreachable> {
        let mut found = Vec::new();
        for answer in self.look_up(address) {
            match answer.outcome {
                Outcome::Found(offers) => found.extend(offers.into_iter().map(|offer| offer.certificate)),
                Outcome::Unreachable(why) => return Err(Unreachable { directory: answer.source, why }),
                Outcome::NotThere | Outcome::NoCertificate => {}
            }
        }
        Ok(found)
    }
}

/// Answers, each made when it is asked for.
pub type Answers<'a> = Box<dyn Iterator<Item = Answer> + 'a>;

/// What one source has for an address.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Which source, as its owner named it: "contacts.ldif", "ldaps://directory.example".
    pub source: String,
    /// What it has.
    pub outcome: Outcome,
    /// Certificates of authorities that came along, trusted in nothing.
    pub others: Vec<Certificate>,
    /// What was passed over, and what is odd.
    pub notes: Vec<Reason>,
}

/// The answers that a directory can give (OUT-99c).
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Nobody is filed under the address.
    NotThere,
    /// Somebody is, without a certificate that can be read.
    NoCertificate,
    /// These; at least one, and those to be tried first stand first.
    Found(Vec<Offer>),
    /// It cannot be said, and this is why.
    Unreachable(String),
}

/// A certificate that a directory has for an address, and what is said of it there.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The certificate.
    pub certificate: Certificate,
    /// How it is filed.
    pub filed: Filed,
    /// SMIMECapabilities that its owner signed, DER.
    pub capabilities: Option<Vec<u8>>,
    /// Whether its owner marked it as the one to encrypt to (OUT-97).
    pub marked: bool,
}

/// How a certificate is filed. Of one directory, what is filed better is tried first (OUT-96).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filed {
    /// In `userSMIMECertificate`, which its owner put together.
    UserSmimeCertificate,
    /// In `userCertificate`, or as a certificate and nothing more.
    UserCertificate,
}

/// Why a directory gave no answer. Not to be taken for "there is no certificate" (OUT-99c).
#[derive(Clone, Debug, thiserror::Error)]
#[error("the directory {directory} did not answer: {why}")]
pub struct Unreachable {
    /// Which directory.
    pub directory: String,
    /// What happened.
    pub why: String,
}

impl Answer {
    /// An answer with nothing beside it.
    pub fn new(source: impl Into<String>, outcome: Outcome) -> Self {
        Self { source: source.into(), outcome, others: Vec::new(), notes: Vec::new() }
    }

    /// The answer of a directory that is one source.
    pub fn once<'a>(answer: impl FnOnce() -> Self + 'a) -> Answers<'a> {
        Box::new(std::iter::once_with(answer))
    }
}

impl Offer {
    /// A certificate of which nothing more is known.
    pub fn plain(certificate: Certificate) -> Self {
        Self { certificate, filed: Filed::UserCertificate, capabilities: None, marked: false }
    }
}

/// Directories in the order in which they are asked (OUT-90).
#[derive(Default)]
pub struct InOrder<'d>(Vec<Box<dyn Directory + Send + Sync + 'd>>);

impl<'d> InOrder<'d> {
    /// Adds one at the end.
    pub fn push(&mut self, directory: impl Directory + Send + Sync + 'd) {
        self.0.push(Box::new(directory));
    }
}

impl Directory for InOrder<'_> {
    fn look_up<'a>(&'a self, address: &'a EmailAddress) -> Answers<'a> {
        Box::new(self.0.iter().flat_map(move |directory| directory.look_up(address)))
    }
}

/// Certificates at hand, found by the addresses inside them.
#[derive(Clone, Debug, Default)]
pub struct Certificates(pub Vec<Certificate>);

/// The source that [`Certificates`] names in its answers.
pub const AT_HAND: &str = "the certificates at hand";

impl Directory for Certificates {
    fn look_up<'a>(&'a self, address: &'a EmailAddress) -> Answers<'a> {
        Answer::once(move || {
            let speaks = |certificate: &&Certificate| {
                // The widest rule here; the policy's own decides later.
                Mailboxes::of(certificate).all().iter().any(|m| m.address.same(address, LocalPart::IgnoreAsciiCase))
            };
            let offers: Vec<Offer> = self.0.iter().filter(speaks).cloned().map(Offer::plain).collect();
            Answer::new(AT_HAND, if offers.is_empty() { Outcome::NotThere } else { Outcome::Found(offers) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Counting<'c>(&'c AtomicU32, Outcome);

    impl Directory for Counting<'_> {
        fn look_up<'a>(&'a self, _: &'a EmailAddress) -> Answers<'a> {
            Answer::once(|| {
                self.0.fetch_add(1, Ordering::Relaxed);
                Answer::new("counting", self.1.clone())
            })
        }
    }

    #[test]
    fn out_90_a_directory_is_asked_in_its_turn_and_not_before() {
        let asked = AtomicU32::new(0);
        let address = "alice@example.com".parse().unwrap();
        let mut all = InOrder::default();
        all.push(Counting(&asked, Outcome::NotThere));
        all.push(Counting(&asked, Outcome::Unreachable("no line".to_owned())));
        let mut answers = all.look_up(&address);
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        assert!(matches!(answers.next().unwrap().outcome, Outcome::NotThere));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert!(matches!(answers.next().unwrap().outcome, Outcome::Unreachable(_)));
        assert!(answers.next().is_none());
        // OUT-99c: nobody takes that for "none".
        assert_eq!(all.certificates(&address).unwrap_err().why, "no line");
    }
}
