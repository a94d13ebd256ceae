//! Where a recipient's certificates come from.

use crate::base::address::EmailAddress;
use crate::base::address::LocalPart;
use crate::cert::certificate::Certificate;
use crate::cert::mailbox::Mailboxes;

/// Why a directory gave no answer. Not to be taken for "there is no certificate" (OUT-99c).
#[derive(Clone, Debug, thiserror::Error)]
#[error("the directory {directory} did not answer: {why}")]
pub struct Unreachable {
    /// Which directory.
    pub directory: String,
    /// What happened.
    pub why: String,
}

/// From an address to the certificates that somebody filed under it. Whether one of them may be used is judged
/// afterwards, not here.
pub trait Directory {
    /// Certificates for an address; empty where there are none.
    ///
    /// # Errors
    /// [`Unreachable`] where that cannot be said.
    fn certificates(&self, address: &EmailAddress) -> Result<Vec<Certificate>, Unreachable>;
}

/// Certificates at hand, found by the addresses inside them.
#[derive(Clone, Debug, Default)]
pub struct Certificates(pub Vec<Certificate>);

impl Directory for Certificates {
    fn certificates(&self, address: &EmailAddress) -> Result<Vec<Certificate>, Unreachable> {
        let speaks = |certificate: &&Certificate| {
            // The widest rule here; the policy's own decides later.
            Mailboxes::of(certificate).all().iter().any(|m| m.address.same(address, LocalPart::IgnoreAsciiCase))
        };
        Ok(self.0.iter().filter(speaks).cloned().collect())
    }
}
