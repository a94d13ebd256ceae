//! Signed and encrypted in one call, and signed once more around it where the policy says so (OUT-35). In memory: for mail
//! of any size the three steps are taken one by one, each into a writer.

use super::encrypt::{self, Encryptor};
use super::message::Message;
use super::sign::{self, Signer};
use crate::base::source::Memory;
use crate::base::time::Time;
use crate::mime;
use crate::policy::policy::{Policy, TripleWrap};

/// Why nothing was signed and encrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Signing.
    #[error(transparent)]
    Sign(#[from] sign::Error),
    /// Encrypting.
    #[error(transparent)]
    Encrypt(#[from] encrypt::Error),
    /// Reading what the step before gave.
    #[error(transparent)]
    Mime(#[from] mime::Error),
}

/// Signs, then encrypts the signed entity, in the forms of a profile.
///
/// ```no_run
/// # use smime::compose::layers::Sealer;
/// # use smime::{Encryptor, Identity, Message, Policy, Recipients, Signer, Time};
/// # fn demo(alice: &Identity, recipients: &Recipients, raw: &[u8], now: Time) -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::default();
/// let encryptor = Encryptor::new(recipients, &policy).copy_to(alice, now)?;
/// let sealed: Vec<u8> = Sealer::new(Signer::new(alice, &policy)?, encryptor, &policy).seal(&Message::parse(raw)?, now)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Sealer<'p> {
    signer: Signer<'p>,
    encryptor: Encryptor<'p>,
    policy: &'p Policy,
}

impl<'p> Sealer<'p> {
    /// By this signer, to these recipients. The form of the signature inside is the policy's.
    pub fn new(signer: Signer<'p>, encryptor: Encryptor<'p>, policy: &'p Policy) -> Self {
        Self { signer, encryptor, policy }
    }

    /// Signs and encrypts a message in memory.
    ///
    /// # Errors
    /// [`Error`]; nothing is released then.
    pub fn seal(&self, message: &Message<'_>, now: Time) -> Result<Vec<u8>, Error> {
        let signed = self.signer.clone().for_encryption().sign(message, now)?;
        let sealed = self.encryptor.encrypt(&self.read(&signed)?)?;
        match self.policy.triple_wrap {
            TripleWrap::Off => Ok(sealed),
            TripleWrap::On => Ok(self.signer.clone().around().sign(&self.read(&sealed)?, now)?),
        }
    }

    /// Under which policy mail is signed and encrypted.
    pub fn policy(&self) -> &'p Policy {
        self.policy
    }

    fn read<'b>(&self, bytes: &'b [u8]) -> Result<Message<'b>, mime::Error> {
        Message::from_source(&Memory::borrowed(bytes), &self.policy.limits)
    }
}
