//! Correspondents' certificates that were taken out of signed mail on a person's word (OUT-30): a directory that grows.

use super::{Answer, Answers, Directory, Filed, Offer, Outcome};
use crate::base::address::{EmailAddress, LocalPart};
use crate::base::time::Time;
use crate::cert::certificate::Certificate;

/// What a correspondent's mail said of how to write to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Whose it is.
    pub address: EmailAddress,
    /// The certificate to encrypt to.
    pub certificate: Certificate,
    /// SMIMECapabilities that stood in the signature, DER.
    pub capabilities: Option<Vec<u8>>,
    /// When the mail claims to have been signed.
    pub signed_at: Option<Time>,
}

/// Contacts, keyed by address; an address may have several certificates.
#[derive(Clone, Debug, Default)]
pub struct Contacts {
    name: Option<String>,
    entries: Vec<Contact>,
}

/// What became of a contact that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is the first of its address.
    First,
    /// The address has other certificates, and keeps them.
    Another,
    /// The certificate was there; what a later mail says of it took the place of what was known.
    Renewed,
    /// It was there, and nothing newer is known of it.
    Known,
}

impl Contacts {
    /// Under another name: what its answers give as their source.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Every contact, in the order in which they were added.
    pub fn entries(&self) -> &[Contact] {
        &self.entries
    }

    /// The certificates that are known for an address.
    pub fn of(&self, address: &EmailAddress) -> impl Iterator<Item = &Contact> {
        self.entries.iter().filter(move |contact| contact.address.same(address, LocalPart::IgnoreAsciiCase))
    }

    /// Adds what one mail said. Of two mails with one certificate the one that was signed later is right about the
    /// capabilities (RFC 8551 section 2.7.1).
    pub fn add(&mut self, contact: Contact) -> Added {
        let local = LocalPart::IgnoreAsciiCase;
        let first = self.of(&contact.address).next().is_none();
        let same = |known: &&mut Contact| {
            known.address.same(&contact.address, local) && known.certificate == contact.certificate
        };
        match self.entries.iter_mut().find(same) {
            Some(known) if known.signed_at < contact.signed_at => {
                *known = contact;
                Added::Renewed
            }
            Some(_) => Added::Known,
            None => {
                self.entries.push(contact);
                if first { Added::First } else { Added::Another }
            }
        }
    }
}

impl Directory for Contacts {
    fn look_up<'a>(&'a self, address: &'a EmailAddress) -> Answers<'a> {
        Answer::once(move || {
            let offer = |contact: &Contact| Offer {
                certificate: contact.certificate.clone(),
                filed: Filed::UserCertificate,
                capabilities: contact.capabilities.clone(),
                marked: false,
            };
            let offers: Vec<Offer> = self.of(address).map(offer).collect();
            let outcome = if offers.is_empty() { Outcome::NotThere } else { Outcome::Found(offers) };
            Answer::new(self.name.as_deref().unwrap_or("the contacts"), outcome)
        })
    }
}

/// A directory to whose certificates is added what their owners said in signed mail.
#[derive(Clone, Debug)]
pub struct Informed<D> {
    directory: D,
    contacts: Contacts,
}

impl<D> Informed<D> {
    /// Adds what contacts said of the same certificate under the same address. They answer nothing of their own here.
    pub fn new(directory: D, contacts: Contacts) -> Self {
        Self { directory, contacts }
    }

    fn inform(&self, address: &EmailAddress, offer: &mut Offer) {
        if offer.capabilities.is_none() && offer.filed == Filed::UserCertificate {
            let said = self.contacts.of(address).find(|contact| contact.certificate == offer.certificate);
            offer.capabilities = said.and_then(|contact| contact.capabilities.clone());
        }
    }
}

impl<D: Directory> Directory for Informed<D> {
    fn look_up<'a>(&'a self, address: &'a EmailAddress) -> Answers<'a> {
        Box::new(self.directory.look_up(address).map(move |mut answer| {
            if let Outcome::Found(offers) = &mut answer.outcome {
                offers.iter_mut().for_each(|offer| self.inform(address, offer));
            }
            answer
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{certificate, key};

    #[test]
    fn out_30_a_contact_is_kept_by_address_with_the_latest_of_what_its_owner_said() {
        let ca_key = key();
        let ca = certificate("Root", 1, &ca_key, None);
        let [one, two] = [2, 3].map(|serial| certificate("Alice", serial, &key(), Some((&ca, &ca_key))));
        let contact = |of: &Certificate, address: &str, at: &str, said: u8| Contact {
            address: address.parse().unwrap(),
            certificate: of.clone(),
            capabilities: Some(vec![said]),
            signed_at: Some(at.parse().unwrap()),
        };
        let (early, late) = ("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z");
        let mut contacts = Contacts::default().named("contacts.json");
        assert_eq!(contacts.add(contact(&one, "alice@example.com", early, 1)), Added::First);
        assert_eq!(contacts.add(contact(&one, "Alice@example.com", late, 2)), Added::Renewed);
        assert_eq!(contacts.add(contact(&one, "alice@example.com", early, 1)), Added::Known);
        assert_eq!(contacts.add(contact(&two, "alice@example.com", early, 3)), Added::Another);
        assert_eq!(contacts.add(contact(&two, "bob@example.com", early, 3)), Added::First);
        let address = "ALICE@example.com".parse().unwrap();
        let answer = contacts.look_up(&address).next().unwrap();
        assert_eq!(answer.source, "contacts.json");
        let Outcome::Found(offers) = answer.outcome else { panic!("{answer:?}") };
        let said: Vec<_> = offers.into_iter().map(|o| (o.certificate, o.capabilities.unwrap())).collect();
        assert_eq!(said, [(one, vec![2]), (two, vec![3])]);
        assert!(contacts.certificates(&"carol@example.com".parse().unwrap()).unwrap().is_empty());
    }
}
