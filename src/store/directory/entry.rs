//! An entry of a directory, attribute by attribute: whose it is, and which certificates and revocation lists stand in it.
//! Over LDAP and in an LDIF file it is the same.
//!
//! Attributes are known by name or OID, with or without `;binary` (OUT-95): `userCertificate`, `userSMIMECertificate`,
//! `cACertificate`, `crossCertificatePair` (RFC 4523 section 2), and the three attributes of revocation lists. Exchange and
//! Entra call theirs the same (OUT-99e).

use super::smime_value;
use super::{Filed, Offer};
use crate::asn1;
use crate::asn1::ber::{Reader, Tag};
use crate::base::address::EmailAddress;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;

/// What stands in an entry, or in several.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Addresses under which the entry is filed.
    pub addresses: Vec<EmailAddress>,
    /// Certificates of the person, as they were given.
    pub offers: Vec<Offer>,
    /// Authorities' certificates, and what came along with people's.
    pub others: Vec<Certificate>,
    /// Revocation lists, DER.
    pub crls: Vec<Vec<u8>>,
    /// What is odd within values that were read.
    pub notes: Vec<Reason>,
}

/// What an attribute is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An address.
    Mail,
    /// Microsoft's `proxyAddresses`: `smtp:` and an address.
    Proxy,
    /// `userSMIMECertificate`.
    UserSmime,
    /// `userCertificate`.
    User,
    /// `cACertificate`.
    Authority,
    /// `crossCertificatePair`.
    CrossPair,
    /// A revocation list.
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

/// The role of an attribute by its name or OID, options left out; names have no case (RFC 4512 section 2.5).
pub fn role(name: &str) -> Option<Role> {
    let known = |(text, oid, _): &&(&str, &str, Role)| {
        name.eq_ignore_ascii_case(text) || (!oid.is_empty() && name.eq_ignore_ascii_case(oid))
    };
    ROLES.iter().find(known).map(|(.., role)| *role)
}

impl Contents {
    /// Takes one value in.
    ///
    /// # Errors
    /// Why it is not what its attribute says; nothing of it was taken then.
    pub fn add(&mut self, role: Role, value: &[u8], limits: &Limits) -> Result<(), String> {
        match role {
            Role::Mail | Role::Proxy => self.addresses.extend(address(value, role)),
            Role::User => self.offers.push(Offer::plain(certificate(value)?)),
            Role::UserSmime => {
                let read = smime_value::read(value, limits)?;
                self.offers.extend(read.offers);
                self.others.extend(read.others);
                self.crls.extend(read.crls);
                self.notes.extend(read.notes);
            }
            Role::Authority => self.others.push(certificate(value)?),
            Role::CrossPair => {
                for one in pair(value).map_err(|e| e.to_string())? {
                    self.others.push(certificate(one)?);
                }
            }
            Role::List => {
                let list = Reader::single(value, "CertificateList").and_then(|e| e.sequence("CertificateList"));
                list.map_err(|e| e.to_string())?;
                self.crls.push(value.to_vec());
            }
        }
        Ok(())
    }

    /// Puts certificates of `userSMIMECertificate` before the others (OUT-96), and leaves out those that stand there
    /// again.
    pub fn put_in_order(&mut self) {
        self.offers.sort_by_key(|offer| offer.filed);
        let mut seen = std::collections::HashSet::new();
        self.offers.retain(|offer| seen.insert(offer.certificate.clone()));
    }

    /// Whether a certificate of `userSMIMECertificate` is among them.
    pub fn has_smime(&self) -> bool {
        self.offers.iter().any(|offer| offer.filed == Filed::UserSmimeCertificate)
    }
}

fn address(value: &[u8], role: Role) -> Option<EmailAddress> {
    let text = std::str::from_utf8(value).ok()?;
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
    use crate::store::testing::{certificate as made, key};

    #[test]
    fn out_99e_exchange_s_names_are_the_same_whatever_their_case() {
        for name in ["UserCertificate", "USERCERTIFICATE", "2.5.4.36"] {
            assert_eq!(role(name), Some(Role::User), "{name}");
        }
        for name in ["UserSMIMECertificate", "usersmimecertificate", "2.16.840.1.113730.3.1.40"] {
            assert_eq!(role(name), Some(Role::UserSmime), "{name}");
        }
        assert_eq!(role("userCertificates"), None);
        assert_eq!(role(""), None);
    }

    #[test]
    fn out_96_user_smime_certificate_stands_first_and_each_certificate_once() {
        let ca_key = key();
        let ca = made("Root", 1, &ca_key, None);
        let [plain, smime] = [2, 3].map(|serial| made("Alice", serial, &key(), Some((&ca, &ca_key))));
        let mut contents = Contents::default();
        let limits = Limits::default();
        assert!(!contents.has_smime());
        for (role, one) in [(Role::User, &plain), (Role::User, &smime), (Role::UserSmime, &smime)] {
            contents.add(role, one.der(), &limits).unwrap();
        }
        contents.put_in_order();
        let order: Vec<_> = contents.offers.iter().map(|offer| (offer.filed, offer.certificate.clone())).collect();
        assert_eq!(order, [(Filed::UserSmimeCertificate, smime), (Filed::UserCertificate, plain)]);
        assert!(contents.has_smime());
        assert!(contents.add(Role::User, b"\x30\0", &limits).is_err());
        assert_eq!(contents.offers.len(), 2);
    }
}
