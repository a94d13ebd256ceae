//! The certificates and revocation lists of an LDIF file, and whose they are.
//!
//! Attributes are known by name or OID, with or without `;binary` (OUT-95): `userCertificate`, `userSMIMECertificate`,
//! `cACertificate`, `crossCertificatePair` (RFC 4523 section 2), and the three attributes of revocation lists.

use super::{Attribute, Entry, Ldif, Value};
use crate::asn1;
use crate::asn1::ber::{Reader, Tag};
use crate::base::address::{EmailAddress, LocalPart};
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use crate::cert::certificate::Certificate;
use crate::cert::mailbox::Mailboxes;
use crate::store::directory::{Directory, Unreachable};
use crate::store::p7c;
use std::collections::HashSet;

/// An LDIF file as a directory: it answers from the addresses of the entries, and from those in the certificates.
#[derive(Clone, Debug, Default)]
pub struct LdifDirectory {
    people: Vec<Person>,
    /// Authorities' certificates, and what came along with people's.
    others: Vec<Certificate>,
    crls: Vec<Vec<u8>>,
    notes: Vec<Reason>,
}

/// An entry with certificates of a user.
#[derive(Clone, Debug)]
struct Person {
    addresses: Vec<EmailAddress>,
    /// Those of `userSMIMECertificate` first (OUT-96).
    certificates: Vec<Certificate>,
}

/// What an attribute is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Mail,
    /// Microsoft's `proxyAddresses`: `smtp:` and an address.
    Proxy,
    UserSmime,
    User,
    Authority,
    CrossPair,
    List,
}

const ROLES: &[(&str, &str, Role)] = &[
    ("mail", "0.9.2342.19200300.100.1.3", Role::Mail),
    ("rfc822Mailbox", "", Role::Mail),
    ("email", "1.2.840.113549.1.9.1", Role::Mail),
    ("emailAddress", "", Role::Mail),
    ("proxyAddresses", "1.2.840.113556.1.2.210", Role::Proxy),
    ("userSMIMECertificate", "2.16.840.1.113730.3.1.40", Role::UserSmime),
    ("userCertificate", "2.5.4.36", Role::User),
    ("cACertificate", "2.5.4.37", Role::Authority),
    ("authorityRevocationList", "2.5.4.38", Role::List),
    ("certificateRevocationList", "2.5.4.39", Role::List),
    ("crossCertificatePair", "2.5.4.40", Role::CrossPair),
    ("deltaRevocationList", "2.5.4.53", Role::List),
];

impl LdifDirectory {
    /// Reads the certificates of every entry. One that is unreadable is a note, and so is a value that is still a URL.
    pub fn new(file: &Ldif, limits: &Limits) -> Self {
        let mut directory = Self { notes: file.notes().to_vec(), ..Self::default() };
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

    /// Every certificate, each once: those of people first.
    pub fn all_certificates(&self) -> Vec<Certificate> {
        let mut seen = HashSet::new();
        let people = self.people.iter().flat_map(|person| &person.certificates);
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
        let (mut addresses, mut smime, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        for attribute in entry.attributes() {
            let Some(role) = role(attribute) else { continue };
            let bytes = match attribute.value() {
                Value::Bytes(bytes) => bytes,
                Value::Url(_) => {
                    *urls = urls.saturating_add(1);
                    continue;
                }
            };
            let result = match role {
                Role::Mail | Role::Proxy => {
                    addresses.extend(address(attribute, role));
                    Ok(())
                }
                Role::User => certificate(bytes).map(|own| plain.push(own)),
                Role::UserSmime => self.smime(bytes, limits).map(|own| smime.extend(own)),
                Role::Authority => certificate(bytes).map(|other| self.others.push(other)),
                Role::CrossPair => pair(bytes).map_err(|e| e.to_string()).and_then(|pair| {
                    pair.into_iter().try_for_each(|one| certificate(one).map(|other| self.others.push(other)))
                }),
                Role::List => {
                    let list = Reader::single(bytes, "CertificateList").and_then(|e| e.sequence("CertificateList"));
                    list.map(|_| self.crls.push(bytes.clone())).map_err(|e| e.to_string())
                }
            };
            if let Err(why) = result {
                let dn: String = visible(entry.dn()).chars().take(80).collect();
                let text = format!("line {}, {attribute} of {dn}: {why}", attribute.line());
                self.notes.push(Reason::new("ldif_value_unreadable", text));
            }
        }
        if !smime.is_empty() || !plain.is_empty() {
            smime.extend(plain);
            self.people.push(Person { addresses, certificates: smime });
        }
    }

    /// OUT-97: a SignedData, of which what is no authority's certificate is the user's own; signed or not, what is in it
    /// has to prove itself. Also a bare certificate, as some directories have it.
    fn smime(&mut self, bytes: &[u8], limits: &Limits) -> Result<Vec<Certificate>, String> {
        if bytes.first() != Some(&0x30) {
            return Err(
                "it is neither a CMS structure nor a certificate (Microsoft's older form is not read)".to_owned()
            );
        }
        let bag = match p7c::read(bytes, limits) {
            Ok(bag) => bag,
            Err(error) => return certificate(bytes).map(|own| vec![own]).map_err(|_| error.to_string()),
        };
        self.crls.extend(bag.crls);
        let mut own = Vec::new();
        for der in &bag.certificates {
            match certificate(der) {
                Ok(other) if other.basic_constraints().is_some_and(|basic| basic.ca) => self.others.push(other),
                Ok(one) => own.push(one),
                Err(why) => self.notes.push(Reason::new("certificate_unreadable", why)),
            }
        }
        Ok(own)
    }
}

impl Directory for LdifDirectory {
    /// Certificates of people, those of `userSMIMECertificate` before those of `userCertificate` (OUT-96): of entries with
    /// that address, and others that name it themselves.
    fn certificates(&self, address: &EmailAddress) -> Result<Vec<Certificate>, Unreachable> {
        // The widest rule here; the policy's own decides later.
        let same = |other: &EmailAddress| other.same(address, LocalPart::IgnoreAsciiCase);
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for person in &self.people {
            let filed = person.addresses.iter().any(same);
            for certificate in &person.certificates {
                let named = || Mailboxes::of(certificate).all().iter().any(|mailbox| same(&mailbox.address));
                if (filed || named()) && seen.insert(certificate.clone()) {
                    found.push(certificate.clone());
                }
            }
        }
        Ok(found)
    }
}

fn role(attribute: &Attribute) -> Option<Role> {
    let known = |(name, oid, _): &&(&str, &str, Role)| attribute.is(name) || (!oid.is_empty() && attribute.is(oid));
    ROLES.iter().find(known).map(|(.., role)| *role)
}

fn address(attribute: &Attribute, role: Role) -> Option<EmailAddress> {
    let text = attribute.value().text()?;
    let text = match role {
        Role::Proxy => text.get(..5).filter(|kind| kind.eq_ignore_ascii_case("smtp:")).and(text.get(5..))?,
        _ => text,
    };
    text.parse().ok()
}

fn certificate(der: &[u8]) -> Result<Certificate, String> {
    Certificate::from_der(der).map_err(|error| error.to_string())
}

/// `CertificatePair ::= SEQUENCE { issuedToThisCA [0] Certificate OPTIONAL, issuedByThisCA [1] Certificate OPTIONAL }`
/// (RFC 4523 appendix A).
fn pair(bytes: &[u8]) -> asn1::Result<Vec<&[u8]>> {
    let mut fields = Reader::single(bytes, "CertificatePair")?.sequence("CertificatePair")?;
    let mut found = Vec::new();
    for number in [0, 1] {
        if let Some(field) = fields.optional(Tag::context(number), "CertificatePair")? {
            found.push(field.explicit("CertificatePair")?.raw());
        }
    }
    fields.finish("CertificatePair")?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::der;
    use crate::store::ldif::ChangeRecords;
    use crate::store::pem;
    use crate::store::testing::{certificate as made, key};

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
