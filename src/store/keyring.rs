//! The keys at hand when a message is to be opened. Which of them a recipient's entry names, by issuer and serial number
//! or by key identifier, is for [`CertificateId`](crate::cms::identifier::CertificateId) to say.

use crate::keys::identity::Identity;

/// Identities, in the order in which they are to be tried.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    identities: Vec<Identity>,
}

impl Keyring {
    /// Of these identities.
    pub fn new(identities: Vec<Identity>) -> Self {
        Self { identities }
    }

    /// Adds one at the end.
    pub fn add(&mut self, identity: Identity) {
        self.identities.push(identity);
    }

    /// All of them. Expired ones stay: they still open what was encrypted to them (OUT-12).
    pub fn all(&self) -> &[Identity] {
        &self.identities
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty()
    }
}

impl From<Vec<Identity>> for Keyring {
    fn from(identities: Vec<Identity>) -> Self {
        Self::new(identities)
    }
}

impl Extend<Identity> for Keyring {
    fn extend<I: IntoIterator<Item = Identity>>(&mut self, identities: I) {
        self.identities.extend(identities);
    }
}

impl FromIterator<Identity> for Keyring {
    fn from_iter<I: IntoIterator<Item = Identity>>(identities: I) -> Self {
        Self::new(identities.into_iter().collect())
    }
}
