//! A mail to oneself with one's own key attached, for manual installation on another device (OUT-114).

use crate::base::address::EmailAddress;
use crate::base::file_name::safe_file_name;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::mailbox::{AddressMatch, AddressRule, Mailboxes, speaks_for};
use crate::crypto;
use crate::crypto::random::{self, Random};
use crate::mime;
use crate::mime::emit::{Attachment, Draft};
use crate::store;

/// Why no such mail is made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The certificate is not for the address, so that the mail would lead the key to somebody else.
    #[error("the certificate is for {}, and not for {address}: its key goes to nobody else", found_or_nobody(.found))]
    NotItsOwner {
        /// To whom it was to go.
        address: String,
        /// For whom the certificate is.
        found: Vec<String>,
    },
    /// The file is not written.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// The mail is not written.
    #[error("{0}")]
    Mime(#[from] mime::Error),
    /// There are no random numbers.
    #[error("{0}")]
    Crypto(#[from] crypto::Error),
}

fn found_or_nobody(found: &[String]) -> String {
    if found.is_empty() { "nobody".to_owned() } else { found.join(", ") }
}

/// Whom the mail is from and to: the address that is asked for, or else the first one of the certificate.
///
/// # Errors
/// [`Error::NotItsOwner`]
pub fn owner(certificate: &Certificate, wanted: Option<&EmailAddress>) -> Result<EmailAddress, Error> {
    let mailboxes = Mailboxes::of(certificate);
    let speaks = |address: &EmailAddress| {
        matches!(speaks_for(certificate, address, &AddressRule::OUTLOOK), AddressMatch::Matches { .. })
    };
    let first = mailboxes.all().first().map(|mailbox| &mailbox.address);
    match wanted.or(first).filter(|address| speaks(address)) {
        Some(address) => Ok(address.clone()),
        None => Err(Error::NotItsOwner {
            address: wanted.map_or_else(|| "any address".to_owned(), ToString::to_string),
            found: mailboxes.all().iter().map(|mailbox| mailbox.address.to_string()).collect(),
        }),
    }
}

/// The mail. `pkcs12` is what [`p12::write`](store::p12::write()) gives, which asks for a password.
///
/// # Errors
/// [`Error::NotItsOwner`], [`Error::Mime`], [`Error::Crypto`].
pub fn write(
    pkcs12: Vec<u8>,
    certificate: &Certificate,
    to: Option<&EmailAddress>,
    at: Time,
    random: &mut dyn Random,
) -> Result<Vec<u8>, Error> {
    let owner = owner(certificate, to)?;
    let bits = random::bytes(random, 32)?;
    let (boundary, id) = bits.split_first_chunk::<16>().ok_or_else(|| crypto::Error::Rng(String::new()))?;
    let id: String = id.iter().map(|octet| format!("{octet:02x}")).collect();
    let draft = Draft {
        from: vec![owner.clone().into()],
        to: vec![owner.clone().into()],
        subject: SUBJECT.to_owned(),
        date: at,
        message_id: format!("{id}@{}", owner.domain()),
        text: format!(
            "Attached is the private key of {owner} with its certificate, until {}.\n\n{TEXT}",
            certificate.not_after()
        ),
        attachments: vec![Attachment {
            file_name: format!("{}.p12", safe_file_name(owner.local())),
            media_type: "application/x-pkcs12".to_owned(),
            bytes: pkcs12,
        }],
        boundary: *boundary,
    };
    Ok(draft.to_bytes()?)
}

const SUBJECT: &str = "Your S/MIME certificate, for another device";
const TEXT: &str = "\
To install it, open the attachment on the other device and give the password
that you chose when you exported it. The password is not in this mail, and
should never be sent.

Delete this mail everywhere once the certificate is installed.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::Limits;
    use crate::base::source::Memory;
    use crate::crypto::random::SystemRandom;
    use crate::mime::entity::scan;
    use crate::mime::transfer::Strictness;
    use crate::store::testing::{certificate, key};
    use std::io::Read;

    #[test]
    fn out_114_it_goes_from_its_owner_to_its_owner_alone() {
        let (ca_key, key) = (key(), key());
        let ca = certificate("Root", 1, &ca_key, None);
        let alice = certificate("Alice", 2, &key, Some((&ca, &ca_key)));
        let at = "2026-11-24T08:00:00Z".parse().unwrap();
        let mut make = |to: Option<&str>| {
            let to = to.map(|to| to.parse().unwrap());
            write(b"key".to_vec(), &alice, to.as_ref(), at, &mut SystemRandom)
        };
        let mail = make(None).unwrap();
        let source = Memory::borrowed(&mail);
        let root = scan(&source, &Limits::default()).unwrap();
        for name in ["from", "to"] {
            assert_eq!(root.header.unique(name).unwrap().unwrap().text(), "alice@example.com");
        }
        let attached = &root.children[1];
        assert_eq!((attached.media_type(), attached.file_name()), ("application/x-pkcs12", Some("alice.p12".into())));
        let mut bytes = Vec::new();
        attached.decoded(&source, Strictness::Strict).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"key");
        assert_ne!(make(Some("alice@EXAMPLE.com")).unwrap(), mail);
        let refused = make(Some("mallory@example.com")).unwrap_err();
        assert!(matches!(&refused, Error::NotItsOwner { found, .. } if found == &["alice@example.com"]), "{refused}");
        assert!(matches!(owner(&ca, None), Err(Error::NotItsOwner { .. })));
    }
}
