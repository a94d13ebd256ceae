//! What an administrator decides about sending that is not about one message's bytes: how it is split for Bcc,
//! whether a reply is signed, what an unreachable revocation list means, and how long may be waited for one.

use super::effective::Protection;
use crate::base::reason::Reason;
use crate::cert::status::ValidationStatus;
use std::time::Duration;

/// Choices for a client that sends whole mails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sending {
    /// How many messages an encrypted message with Bcc becomes.
    pub bcc_forking: BccForking,
    /// Whether a reply to signed mail is signed.
    pub reply_signature: ReplySignature,
    /// What it means that a revocation list cannot be reached.
    pub unreachable_list: UnreachableList,
    /// How long revocation lists may take.
    pub crl_timeouts: CrlTimeouts,
    /// Which keys may sign.
    pub keys: PermittedKeys,
    /// Who chooses among several signing certificates.
    pub signing_choice: SigningChoice,
}

/// Who chooses among several signing certificates (OWAAllowUserChoiceOfSigningCertificate; OUT-9, OUT-13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SigningChoice {
    /// The user; where they say nothing, the newest is taken.
    #[default]
    Users,
    /// Nobody: the newest is taken.
    Newest,
}

/// How many messages an encrypted message with Bcc becomes (OWABCCEncryptedEmailForking; OUT-41).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BccForking {
    /// One for To and Cc, and one for each Bcc: nobody learns of anybody in Bcc.
    #[default]
    OnePerRecipient,
    /// One for To and Cc, and one for all Bcc, who can find each other in it.
    OneForAll,
    /// One for everybody; To and Cc can find the Bcc among its recipients.
    Together,
}

/// Whether a reply to signed mail is signed (OUT-40).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplySignature {
    /// Like what it answers.
    #[default]
    Inherit,
    /// Only where the user asks for it.
    Omit,
}

/// What it means for sending that a revocation list cannot be reached (OUT-142).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnreachableList {
    /// It is sent all the same.
    #[default]
    Allow,
    /// The user is warned, and it is not sent.
    Block,
    /// Lists are not asked for.
    NotAsked,
}

/// Which keys may sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PermittedKeys {
    /// Any.
    #[default]
    Any,
    /// Those on a card only (OWAOnlyUseSmartCard).
    CardOnly,
}

/// How long revocation lists may take (OUT-83).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrlTimeouts {
    /// One list.
    pub connection: Duration,
    /// All lists of one validation together.
    pub retrieval: Duration,
}

impl Default for CrlTimeouts {
    /// Microsoft's: a minute for one, ten seconds for all.
    fn default() -> Self {
        Self { connection: Duration::from_secs(60), retrieval: Duration::from_secs(10) }
    }
}

impl BccForking {
    /// The messages that are sent: each a group of recipients who share an envelope. Groups without anybody are left out.
    ///
    /// ```
    /// use smime::policy::sending::BccForking;
    /// let groups = BccForking::OnePerRecipient.groups(&["to", "cc"], &["b1", "b2", "b3"]);
    /// assert_eq!(groups, [vec!["to", "cc"], vec!["b1"], vec!["b2"], vec!["b3"]]);
    /// ```
    pub fn groups<R: Clone>(self, to_and_cc: &[R], bcc: &[R]) -> Vec<Vec<R>> {
        let groups = match self {
            Self::OnePerRecipient => {
                let mut groups = vec![to_and_cc.to_vec()];
                groups.extend(bcc.iter().map(|one| vec![one.clone()]));
                groups
            }
            Self::OneForAll => vec![to_and_cc.to_vec(), bcc.to_vec()],
            Self::Together => vec![to_and_cc.iter().chain(bcc).cloned().collect()],
        };
        groups.into_iter().filter(|group| !group.is_empty()).collect()
    }
}

impl ReplySignature {
    /// How a reply is protected unless the user says otherwise: it is encrypted like what it answers, and signed like it
    /// where signatures are inherited (OUT-40).
    pub fn protection(self, answered: Protection) -> Protection {
        match (self, answered) {
            (Self::Inherit, answered) => answered,
            (Self::Omit, Protection::SignedAndEncrypted | Protection::Encrypted) => Protection::Encrypted,
            (Self::Omit, Protection::Signed | Protection::None) => Protection::None,
        }
    }
}

impl CrlTimeouts {
    /// How long the next list may take after `spent`; `None` where no time is left.
    pub fn next(&self, spent: Duration) -> Option<Duration> {
        let left = self.retrieval.checked_sub(spent).filter(|left| !left.is_zero())?;
        Some(left.min(self.connection))
    }

    /// Whether lists that took so long came in time. One that took too long fails the whole validation, and so does too
    /// long a sum, however quick each was.
    ///
    /// # Errors
    /// [`ValidationStatus::RevocationOffline`] (14) with the reason; the profile decides what that means.
    pub fn judge(&self, took: &[Duration]) -> Result<(), (ValidationStatus, Reason)> {
        let offline = |text: String| (ValidationStatus::RevocationOffline, Reason::new("crl_timeout", text));
        if let Some(slow) = took.iter().find(|one| **one > self.connection) {
            let most = self.connection.as_millis();
            return Err(offline(format!("one revocation list took {} ms, and {most} are allowed", slow.as_millis())));
        }
        let sum = took.iter().fold(Duration::ZERO, |sum, one| sum.saturating_add(*one));
        if sum > self.retrieval {
            let most = self.retrieval.as_millis();
            return Err(offline(format!(
                "the revocation lists took {} ms together, and {most} are allowed",
                sum.as_millis()
            )));
        }
        Ok(())
    }
}
