//! What is done to each mail: signing, encrypting, both, opening, or whatever else a caller has.

use crate::base::reason::Reason;
use crate::base::source::SharedSource;
use crate::base::time::Time;
use crate::compose::encrypt::{self, Encryptor};
use crate::compose::layers::{self, Sealer};
use crate::compose::message::Message;
use crate::compose::sign::{self, Signer};
use crate::keys::signing::KeyError;
use crate::mime;
use crate::open::opener::{self, Opener};
use crate::open::requirement::{Requirement, Shortfall};
use std::fmt;
use std::io::{self, Write};

/// Something that is done to one mail after the other, by several workers at a time.
pub trait Verb: Sync {
    /// Why a mail failed.
    type Error: fmt::Display + Send;

    /// Reads a mail, and writes what becomes of it. What was written of a mail that then fails is thrown away.
    ///
    /// # Errors
    /// What is wrong with this mail; or with the means, see [`is_unavailable`](Self::is_unavailable).
    fn perform(&self, mail: &SharedSource<'_>, now: Time, out: &mut dyn Write) -> Result<(), Self::Error>;

    /// Whether it was not the mail that is wrong but what every other mail needs, too: then the job stops (SEC-152), and
    /// the mail is neither done nor failed.
    fn is_unavailable(error: &Self::Error) -> bool {
        let _ = error;
        false
    }
}

impl<V: Verb + ?Sized> Verb for &V {
    type Error = V::Error;

    fn perform(&self, mail: &SharedSource<'_>, now: Time, out: &mut dyn Write) -> Result<(), Self::Error> {
        (**self).perform(mail, now, out)
    }

    fn is_unavailable(error: &Self::Error) -> bool {
        V::is_unavailable(error)
    }
}

impl Verb for Signer<'_> {
    type Error = sign::Error;

    fn perform(&self, mail: &SharedSource<'_>, now: Time, out: &mut dyn Write) -> Result<(), sign::Error> {
        self.sign_to(&Message::from_source(mail, &self.policy().limits)?, now, out)
    }

    fn is_unavailable(error: &sign::Error) -> bool {
        signer_is_unavailable(error)
    }
}

/// Whether no mail could be signed any more: the key is not there, or its certificate is not valid at this time.
pub fn signer_is_unavailable(error: &sign::Error) -> bool {
    matches!(error, sign::Error::Key(KeyError::Unavailable(_)) | sign::Error::OutsideValidity { .. })
}

/// Every mail to the same recipients.
impl Verb for Encryptor<'_> {
    type Error = EncryptError;

    fn perform(&self, mail: &SharedSource<'_>, _: Time, out: &mut dyn Write) -> Result<(), EncryptError> {
        Ok(self.encrypt_to(&Message::from_source(mail, &self.policy().limits)?, out)?)
    }
}

/// Why a mail was not encrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// It cannot be read as a mail.
    #[error(transparent)]
    Mime(#[from] mime::Error),
    /// Encrypting failed.
    #[error(transparent)]
    Encrypt(#[from] encrypt::Error),
}

impl Verb for Sealer<'_> {
    type Error = layers::Error;

    fn perform(&self, mail: &SharedSource<'_>, now: Time, out: &mut dyn Write) -> Result<(), layers::Error> {
        let sealed = self.seal(&Message::from_source(mail, &self.policy().limits)?, now)?;
        out.write_all(&sealed).map_err(sign::Error::Io)?;
        Ok(())
    }

    fn is_unavailable(error: &layers::Error) -> bool {
        matches!(error, layers::Error::Sign(error) if signer_is_unavailable(error))
    }
}

/// Opens each mail, and hands its content on where a requirement is met.
#[derive(Clone, Copy)]
pub struct Opening<'o> {
    opener: Opener<'o>,
    requirement: Requirement,
}

impl<'o> Opening<'o> {
    /// With an opener, and what is demanded.
    pub fn new(opener: Opener<'o>, requirement: Requirement) -> Self {
        Self { opener, requirement }
    }
}

/// Why there is no content of a mail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It cannot be looked at as a whole.
    #[error(transparent)]
    Open(#[from] opener::Error),
    /// The requirement is not met.
    #[error("{}", .reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused {
        /// Which kind of shortfall.
        shortfall: Shortfall,
        /// Why, the most telling first.
        reasons: Vec<Reason>,
    },
    /// The content could not be read again, or not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Verb for Opening<'_> {
    type Error = OpenError;

    fn perform(&self, mail: &SharedSource<'_>, now: Time, out: &mut dyn Write) -> Result<(), OpenError> {
        match self.opener.open_source(SharedSource::clone(mail), now)?.require(self.requirement) {
            Ok(trusted) => trusted.copy_to(out).map(drop).map_err(OpenError::Io),
            Err(refused) => {
                Err(OpenError::Refused { shortfall: refused.shortfall(), reasons: refused.reasons().to_vec() })
            }
        }
    }
}
