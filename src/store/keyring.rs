//! What is at hand to open a message with: private keys with their certificates, passwords, and keys that were shared
//! beforehand. Which of the certificates a recipient's entry names, by issuer and serial number or by key identifier, is for
//! [`CertificateId`](crate::cms::identifier::CertificateId) to say.

use crate::base::secret::Secret;
use crate::keys::identity::Identity;
use crate::keys::opening::OpeningKey;
use std::fmt;
use std::sync::Arc;

/// Identities, passwords and shared keys, each in the order in which they are to be tried.
///
/// ```
/// use smime::Keyring;
/// let mut ring = Keyring::default();
/// ring.add_password("agreed on by telephone".into());
/// ```
#[derive(Clone, Default)]
pub struct Keyring {
    identities: Vec<Identity>,
    keys: Vec<Arc<dyn OpeningKey>>,
    passwords: Vec<Secret>,
    shared: Vec<SharedKey>,
}

/// A symmetric key that both sides know: the key-encryption key of a KEKRecipientInfo (RFC 5652 section 6.2.3), or the
/// content-encryption key of an EncryptedData (section 8).
#[derive(Clone, Debug)]
pub struct SharedKey {
    /// The keyIdentifier that messages name it by; `None` where it is to be tried for any.
    pub identifier: Option<Vec<u8>>,
    /// The key, as long as the key wrap or the cipher takes it.
    pub key: Secret,
}

impl Keyring {
    /// Of these identities.
    pub fn new(identities: Vec<Identity>) -> Self {
        Self { identities, ..Self::default() }
    }

    /// Adds one at the end.
    pub fn add(&mut self, identity: Identity) {
        self.identities.push(identity);
    }

    /// Adds a private key whose certificate is not at hand. It opens a message that names one recipient only, since nothing
    /// says which of several it is.
    pub fn add_key(&mut self, key: Arc<dyn OpeningKey>) {
        self.keys.push(key);
    }

    /// Adds a password for messages that are encrypted to one (PasswordRecipientInfo). UTF-8, as it was typed.
    pub fn add_password(&mut self, password: Secret) {
        self.passwords.push(password);
    }

    /// Adds a shared key.
    pub fn add_shared_key(&mut self, key: SharedKey) {
        self.shared.push(key);
    }

    /// All identities. Expired ones stay: they still open what was encrypted to them (OUT-12).
    pub fn all(&self) -> &[Identity] {
        &self.identities
    }

    /// All keys without certificate.
    pub fn keys(&self) -> &[Arc<dyn OpeningKey>] {
        &self.keys
    }

    /// All passwords.
    pub fn passwords(&self) -> &[Secret] {
        &self.passwords
    }

    /// All shared keys.
    pub fn shared_keys(&self) -> &[SharedKey] {
        &self.shared
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty() && self.keys.is_empty() && self.passwords.is_empty() && self.shared.is_empty()
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Keyring");
        debug.field("identities", &self.identities).field("keys", &self.keys.len());
        debug.field("passwords", &self.passwords).field("shared", &self.shared).finish()
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
