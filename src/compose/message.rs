//! A mail on its way out: taken apart into what stays outside and what will be protected.

use super::recipients::Error::NotAnAddress;
use crate::base::address::EmailAddress;
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use crate::base::source::{Memory, Rewindable, SharedSource, patient};
use crate::mime::Error;
use crate::mime::canonical::canonical;
use crate::mime::mailboxes::{Mailbox, Mailboxes};
use crate::mime::outer::Arrangement;
use crate::mime::plan::{Kind, Plan, Protected};
use std::io::{Read, Seek};
use std::sync::Arc;

/// A mail to sign or to encrypt, of any size.
///
/// The Content-* header fields move into the protected part; every other field stays outside, in order, byte for byte;
/// MIME-Version stands once; Bcc is taken out and reported. Under the profiles of Outlook for Windows, Content-Language stays
/// outside too, as it does there.
pub struct Message<'a> {
    protected: Protected<'a>,
    notes: Vec<Reason>,
}

impl<'a> Message<'a> {
    /// From memory, with any line ends.
    ///
    /// # Errors
    /// Where its MIME is malformed, ambiguous or beyond the default [`Limits`].
    pub fn parse(raw: &'a [u8]) -> Result<Self, Error> {
        Self::from_source(&Memory::borrowed(raw), &Limits::default())
    }

    /// From a file, which is read more than once.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and where reading fails.
    pub fn from_file<R: Read + Seek + Send + 'a>(file: R) -> Result<Self, Error> {
        let source: SharedSource<'a> = Arc::new(Rewindable::new(file)?);
        Self::from_source(&source, &Limits::default())
    }

    /// From anything that can be read more than once.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and where reading fails.
    pub fn from_source(source: &SharedSource<'a>, limits: &Limits) -> Result<Self, Error> {
        let protected = Protected::prepare(&patient(source), limits)?;
        let header = &protected.entity.header;
        let mut notes = protected.notes.clone();
        if !protected.mailboxes.bcc.is_empty() {
            let named: Vec<&str> = protected.mailboxes.bcc.iter().map(|m| m.raw.as_str()).collect();
            notes.push(Reason::new("bcc_removed", format!("Bcc was taken out: {}", named.join(", "))));
        }
        let signs_before_us = ["dkim-signature", "arc-seal", "domainkey-signature"];
        if signs_before_us.iter().any(|name| header.all(name).next().is_some()) {
            let text = "the message bears a DKIM signature already; it will not verify any more, and DKIM should sign after S/MIME";
            notes.push(Reason::new("dkim_before_smime", text));
        }
        Ok(Self { protected, notes })
    }

    /// Who it is from and to.
    pub fn mailboxes(&self) -> &Mailboxes {
        &self.protected.mailboxes
    }

    /// The addresses of To and Cc. A Bcc is not among them: it needs a message of its own, since whoever shares an
    /// envelope is seen by the others (SEC-83).
    ///
    /// # Errors
    /// [`NotAnAddress`] where one of them is none: leaving it out would send to
    /// fewer than the message says.
    pub fn recipients(&self) -> Result<Vec<EmailAddress>, super::recipients::Error> {
        let Mailboxes { to, cc, .. } = self.mailboxes();
        to.iter().chain(cc).map(address).collect()
    }

    /// The addresses of Bcc.
    pub(super) fn hidden_recipients(&self) -> Result<Vec<EmailAddress>, super::recipients::Error> {
        self.mailboxes().bcc.iter().map(address).collect()
    }

    /// What happened to it on the way in: fields taken out, bodies re-encoded.
    pub fn notes(&self) -> &[Reason] {
        &self.notes
    }

    /// Whether it is signed or encrypted already.
    pub fn kind(&self) -> Kind {
        self.protected.kind
    }

    /// The header of the message around new Content-* fields, with its blank line.
    pub(super) fn header_around(&self, content: &[u8], arrangement: Arrangement) -> Vec<u8> {
        self.protected.outer.around(content, arrangement)
    }

    /// The entity that is protected, where the header outside is arranged so.
    pub(super) fn plan(&self, arrangement: Arrangement) -> &Plan<'a> {
        self.protected.plan_for(arrangement)
    }

    /// The same with From, To and Cc in its header, so that a signature covers them; never Bcc (OUT-42).
    pub(super) fn plan_with_recipients(&self, arrangement: Arrangement) -> Plan<'a> {
        let header = &self.protected.entity.header;
        let mut fields = Vec::new();
        for field in ["From", "To", "Cc"].into_iter().flat_map(|name| header.all(name)) {
            fields.extend_from_slice(&canonical(field.raw));
            if !field.raw.ends_with(b"\n") {
                fields.extend_from_slice(b"\r\n");
            }
        }
        self.plan(arrangement).headed(fields)
    }
}

fn address(mailbox: &Mailbox) -> Result<EmailAddress, super::recipients::Error> {
    mailbox.address.clone().ok_or_else(|| NotAnAddress { text: visible(&mailbox.raw) })
}
