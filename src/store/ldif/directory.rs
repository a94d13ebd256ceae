//! The certificates and revocation lists of an LDIF file, and whose they are; which attributes hold them stands in
//! [`entry`](crate::store::directory::entry).

use super::{Entry, Ldif, Value};
use crate::base::address::{EmailAddress, LocalPart};
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use crate::cert::certificate::Certificate;
use crate::cert::mailbox::Mailboxes;
use crate::store::directory::entry::{Contents, role};
use crate::store::directory::{Answer, Answers, Directory, Offer, Outcome};
use std::collections::HashSet;

/// An LDIF file as a directory: it answers from the addresses of the entries, and from those in the certificates.
#[derive(Clone, Debug, Default)]
pub struct LdifDirectory {
    name: String,
    people: Vec<Person>,
    /// Authorities' certificates, and what came along with people's.
    others: Vec<Certificate>,
    crls: Vec<Vec<u8>>,
    notes: Vec<Reason>,
}

/// An entry that is filed under addresses, or that holds certificates of a user.
#[derive(Clone, Debug)]
struct Person {
    addresses: Vec<EmailAddress>,
    /// Those of `userSMIMECertificate` first (OUT-96).
    offers: Vec<Offer>,
    /// Authorities' certificates of the same entry.
    others: Vec<Certificate>,
}

impl LdifDirectory {
    /// Reads the certificates of every entry. One that is unreadable is a note, and so is a value that is still a URL.
    pub fn new(file: &Ldif, limits: &Limits) -> Self {
        let (name, notes) = ("an LDIF file".to_owned(), file.notes().to_vec());
        let mut directory = Self { name, notes, ..Self::default() };
        let mut urls = 0usize;
        for entry in file.entries() {
            directory.entry(entry, &mut urls, limits);
        }
        if urls > 0 {
            let text = format!("{urls} certificates or revocation lists are given by URL, and URLs are not followed");
            directory.notes.push(Reason::new("url_not_followed", text));
        }
        directory
    }

    /// Under another name: what its answers give as their source.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Every certificate, each once: those of people first.
    pub fn all_certificates(&self) -> Vec<Certificate> {
        let mut seen = HashSet::new();
        let people = self.people.iter().flat_map(|person| person.offers.iter().map(|offer| &offer.certificate));
        people.chain(&self.others).filter(|certificate| seen.insert((*certificate).clone())).cloned().collect()
    }

    /// Every revocation list, DER, in the order of the file.
    pub fn crls(&self) -> &[Vec<u8>] {
        &self.crls
    }

    /// What was not read.
    pub fn notes(&self) -> &[Reason] {
        &self.notes
    }

    fn entry(&mut self, entry: &Entry, urls: &mut usize, limits: &Limits) {
        let mut contents = Contents::default();
        for attribute in entry.attributes() {
            let Some(role) = role(attribute.name()) else { continue };
            let bytes = match attribute.value() {
                Value::Bytes(bytes) => bytes,
                Value::Url(_) => {
                    *urls = urls.saturating_add(1);
                    continue;
                }
            };
            if let Err(why) = contents.add(role, bytes, limits) {
                let dn: String = visible(entry.dn()).chars().take(80).collect();
                let text = format!("line {}, {attribute} of {dn}: {why}", attribute.line());
                self.notes.push(Reason::new("ldif_value_unreadable", text));
            }
        }
        contents.put_in_order();
        self.others.extend(contents.others.iter().cloned());
        self.crls.append(&mut contents.crls);
        self.notes.append(&mut contents.notes);
        if !contents.offers.is_empty() || !contents.addresses.is_empty() {
            let Contents { addresses, offers, others, .. } = contents;
            self.people.push(Person { addresses, offers, others });
        }
    }

    /// Certificates of people: of entries with that address, and others that name it themselves.
    fn answer(&self, address: &EmailAddress) -> Answer {
        // The widest rule here; the policy's own decides later.
        let same = |other: &EmailAddress| other.same(address, LocalPart::IgnoreAsciiCase);
        let mut found = Contents::default();
        let mut there = false;
        for person in &self.people {
            let filed = person.addresses.iter().any(same);
            let named =
                |offer: &Offer| Mailboxes::of(&offer.certificate).all().iter().any(|mailbox| same(&mailbox.address));
            let before = found.offers.len();
            found.offers.extend(person.offers.iter().filter(|offer| filed || named(offer)).cloned());
            if found.offers.len() > before {
                found.others.extend(person.others.iter().cloned());
            }
            there |= filed;
        }
        found.put_in_order();
        let outcome = match (found.offers.is_empty(), there) {
            (false, _) => Outcome::Found(found.offers),
            (true, true) => Outcome::NoCertificate,
            (true, false) => Outcome::NotThere,
        };
        Answer { others: found.others, ..Answer::new(self.name.clone(), outcome) }
    }
}

impl Directory for LdifDirectory {
    fn look_up<'a>(&'a self, address: &'a EmailAddress) -> Answers<'a> {
        Answer::once(move || self.answer(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::der;
    use crate::store::ldif::ChangeRecords;
    use crate::store::testing::{certificate as made, key};
    use crate::store::{p7c, pem};

    fn directory(text: &str) -> LdifDirectory {
        let file = Ldif::read(text.as_bytes(), ChangeRecords::Refuse, &Limits::default()).unwrap();
        LdifDirectory::new(&file, &Limits::default())
    }

    fn find(directory: &LdifDirectory, address: &str) -> Vec<Certificate> {
        directory.certificates(&address.parse().unwrap()).unwrap()
    }

    #[test]
    fn certificates_are_found_by_the_address_of_the_entry_and_by_their_own() {
        let ca_key = key();
        let ca = made("Root", 1, &ca_key, None);
        let [old, new] = [2, 3].map(|serial| made("Alice", serial, &key(), Some((&ca, &ca_key))));
        let base64 = |bytes: &[u8]| pem::encode(bytes);
        let pair = der::sequence(&[der::explicit(0, ca.der()), der::explicit(1, ca.der())]);
        let text = format!(
            "dn: cn=Alice\nmail: Work@Example.org\nproxyAddresses: SMTP:proxy@example.org\nproxyAddresses: X500:/o=x\n\
             userCertificate;binary:: {}\nUSERSMIMECERTIFICATE:: {}\n\n\
             dn: cn=CA\n2.5.4.37:: {}\ncrossCertificatePair;binary:: {}\ndeltaRevocationList;binary:: {}\n",
            base64(old.der()),
            base64(&p7c::write(&[ca.clone(), new.clone()], &[])),
            base64(ca.der()),
            base64(&pair),
            base64(&der::sequence(&[der::null()])),
        );
        let directory = directory(&text);
        for address in ["work@example.org", "proxy@example.org", "alice@example.com"] {
            // OUT-96: userSMIMECertificate first.
            assert_eq!(find(&directory, address), [new.clone(), old.clone()], "{address}");
        }
        assert!(find(&directory, "bob@example.org").is_empty());
        assert_eq!(directory.all_certificates(), [new, old, ca]);
        assert_eq!(directory.crls().len(), 1);
        assert!(directory.notes().is_empty(), "{:?}", directory.notes());
    }

    #[test]
    fn a_bare_certificate_serves_as_user_smime_certificate() {
        let ca_key = key();
        let ca = made("Root", 1, &ca_key, None);
        let own = made("Alice", 2, &key(), Some((&ca, &ca_key)));
        let directory = directory(&format!("dn: cn=A\nuserSMIMECertificate;binary:: {}\n", pem::encode(own.der())));
        assert_eq!(find(&directory, "alice@example.com"), [own]);
    }

    #[test]
    fn what_is_unreadable_costs_itself_and_is_told() {
        let text = "dn: cn=A\nmail: a@example.org\nuserCertificate:: MAA=\nuserSMIMECertificate:: AQAIAA==\n\
                    crossCertificatePair:: MQA=\ncertificateRevocationList: x\ncACertificate:< file:///x\nmail:: /w==\n";
        let directory = directory(text);
        let notes: Vec<_> = directory.notes().iter().map(|n| (n.code, n.text.split(' ').nth(1).unwrap())).collect();
        let unreadable = "ldif_value_unreadable";
        assert_eq!(
            notes,
            [
                (unreadable, "3,"),
                (unreadable, "4,"),
                (unreadable, "5,"),
                (unreadable, "6,"),
                ("url_not_followed", "certificates")
            ]
        );
        assert!(directory.all_certificates().is_empty());
    }
}
