//! The keys at hand when a message is to be opened, found by what its recipients are called.

use crate::cert::name::Name;
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

    /// All of them: for recipients that name nobody, and messages whose sender named the wrong certificate.
    pub fn all(&self) -> &[Identity] {
        &self.identities
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty()
    }

    /// Those whose certificate has this issuer (RFC 5280 section 7.1: without regard to case and white space) and this
    /// serial number, in content octets; zeros before a serial number mean nothing.
    pub fn by_issuer_and_serial<'k>(
        &'k self,
        issuer: &'k Name,
        serial: &'k [u8],
    ) -> impl Iterator<Item = &'k Identity> + 'k {
        self.identities.iter().filter(move |identity| {
            let certificate = identity.certificate();
            trimmed(certificate.serial()) == trimmed(serial) && certificate.issuer().same(issuer)
        })
    }

    /// Those whose certificate says this subjectKeyIdentifier, or whose key has it by the method everybody uses, SHA-1
    /// of its bits: Outlook names recipients so whose certificate has no such extension.
    pub fn by_key_identifier<'k>(&'k self, identifier: &'k [u8]) -> impl Iterator<Item = &'k Identity> + 'k {
        self.identities.iter().filter(move |identity| {
            let certificate = identity.certificate();
            certificate.subject_key_identifier() == Some(identifier)
                || certificate.computed_key_identifier() == identifier
        })
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

fn trimmed(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|octet| **octet == 0).count();
    serial.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::oid;
    use crate::keys::software::SoftwareKey;
    use crate::store::testing::{certificate, key};
    use std::sync::Arc;

    #[test]
    fn keys_are_found_by_every_name_that_recipients_have() {
        let ca_key = key();
        let ca = certificate("Root", 1, &ca_key, None);
        let identities = [5, 6].map(|serial| {
            let key = key();
            let certificate = certificate("Alice", serial, &key, Some((&ca, &ca_key)));
            Identity::new(certificate, vec![ca.clone()], Arc::new(SoftwareKey::new(key))).unwrap()
        });
        let ring = Keyring::new(identities.to_vec());
        let wanted = identities[1].certificate();
        let found = |mut list: Box<dyn Iterator<Item = &Identity> + '_>| {
            let one = list.next().map(|identity| identity.certificate().clone());
            assert!(list.next().is_none());
            one
        };
        let root = Name::build(&[(oid::COMMON_NAME, " root ")]);
        assert_eq!(found(Box::new(ring.by_issuer_and_serial(&root, &[6]))).as_ref(), Some(wanted));
        assert_eq!(found(Box::new(ring.by_issuer_and_serial(&root, &[0, 6]))).as_ref(), Some(wanted));
        assert_eq!(found(Box::new(ring.by_issuer_and_serial(&root, &[7]))), None);
        let other = Name::build(&[(oid::COMMON_NAME, "Other")]);
        assert_eq!(found(Box::new(ring.by_issuer_and_serial(&other, &[6]))), None);
        let identifier = wanted.computed_key_identifier();
        assert_eq!(found(Box::new(ring.by_key_identifier(&identifier))).as_ref(), Some(wanted));
        assert_eq!(found(Box::new(ring.by_key_identifier(&identifier[1..]))), None);
        assert_eq!(ring.all().len(), 2);
    }
}
