//! What counts in the end: what the administrator configured, what the user chose where that is allowed, and the defaults
//! (OUT-67 to OUT-70); and the two questions that depend on it: whether S/MIME may be read at all (OUT-29), and whether a
//! message may leave as it is (OUT-70).

use super::intune::{AppConfig, ENCRYPT_ALL, SIGN_ALL, SMIME_ENABLED};
use super::table::{Origin, UserChange};
use crate::base::reason::Reason;
use std::str::FromStr;

/// What a user chose in the app's settings; `None` is no choice.
///
/// ```
/// use smime::policy::effective::UserChoices;
/// let mut user = UserChoices::default();
/// user.choose("SMIMEEnabled=true".parse()?);
/// assert_eq!(user.smime_enabled, Some(true));
/// # Ok::<(), smime::policy::effective::NoChoice>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserChoices {
    /// Whether S/MIME is on.
    pub smime_enabled: Option<bool>,
    /// Whether every message is encrypted.
    pub encrypt_all: Option<bool>,
    /// Whether every message is signed.
    pub sign_all: Option<bool>,
}

/// One choice of a user: `SMIMEEnabled`, `EncryptAllMail` or `SignAllMail`, or the key in full, `=true` or `=false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserChoice {
    key: &'static str,
    value: bool,
}

/// It is no choice that a user has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is none of SMIMEEnabled, EncryptAllMail and SignAllMail, with =true or =false after it")]
pub struct NoChoice;

impl FromStr for UserChoice {
    type Err = NoChoice;

    fn from_str(text: &str) -> Result<Self, NoChoice> {
        let (name, value) = text.split_once('=').ok_or(NoChoice)?;
        let named = |key: &&str| *key == name || key.rsplit('.').next() == Some(name);
        let key = [SMIME_ENABLED, ENCRYPT_ALL, SIGN_ALL].into_iter().find(named).ok_or(NoChoice)?;
        Ok(Self { key, value: value.parse().map_err(|_| NoChoice)? })
    }
}

impl UserChoices {
    /// Adds a choice; a later one counts.
    pub fn choose(&mut self, choice: UserChoice) {
        let place = match choice.key {
            SMIME_ENABLED => &mut self.smime_enabled,
            ENCRYPT_ALL => &mut self.encrypt_all,
            _ => &mut self.sign_all,
        };
        *place = Some(choice.value);
    }
}

/// A value that counts, with its reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The value.
    pub value: bool,
    /// Who said so.
    pub origin: Origin,
    /// Whether the user may choose otherwise.
    pub change: UserChange,
}

/// What counts for one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectivePolicy {
    /// Whether S/MIME is on.
    pub smime_enabled: Effective,
    /// Whether every message is encrypted.
    pub encrypt_all: Effective,
    /// Whether every message is signed.
    pub sign_all: Effective,
    /// Choices of the user that do not count, and settings that have no effect.
    pub notes: Vec<Reason>,
}

/// Whether S/MIME is there for an account (OUT-29).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// It is on.
    #[default]
    Enabled,
    /// It is off: nothing is decrypted or verified, signed or encrypted.
    Disabled(SmimeDisabled),
}

/// S/MIME is off for the account, so that S/MIME content is neither read nor written (OUT-29).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("S/MIME is off for this account ({}), so that nothing is decrypted or verified, signed or encrypted", .origin.name())]
pub struct SmimeDisabled {
    /// Who says so.
    pub origin: Origin,
    /// Whether the user may turn it on.
    pub change: UserChange,
}

/// How a message leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// As it is.
    #[default]
    None,
    /// Signed.
    Signed,
    /// Encrypted.
    Encrypted,
    /// Signed, then encrypted.
    SignedAndEncrypted,
}

/// A message may not leave with less than the policy requires (OUT-70).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{missing} is required to send messages ({}), and the user may not choose otherwise", .origin.name())]
pub struct ProtectionRequired {
    /// `a signature` or `encryption`.
    pub missing: &'static str,
    /// Who says so.
    pub origin: Origin,
}

impl EffectivePolicy {
    /// The user's choice where the user may choose and did, else what is configured, else the default (OUT-67).
    pub fn of(config: &AppConfig, user: &UserChoices) -> Self {
        let mut notes = Vec::new();
        let mut setting = |key: &'static str, choice: Option<bool>| {
            let (value, origin, change) = config.configured(key);
            match (choice, change) {
                (Some(value), UserChange::Allowed) => Effective { value, origin: Origin::User, change },
                (Some(other), UserChange::Locked) => {
                    if other != value {
                        let text = format!("the user's choice {key}={other} does not count: it is locked at {value}");
                        notes.push(Reason::new("user_choice_locked", text));
                    }
                    Effective { value, origin, change }
                }
                (None, _) => Effective { value, origin, change },
            }
        };
        let smime_enabled = setting(SMIME_ENABLED, user.smime_enabled);
        let encrypt_all = setting(ENCRYPT_ALL, user.encrypt_all);
        let sign_all = setting(SIGN_ALL, user.sign_all);
        let mut policy = Self { smime_enabled, encrypt_all, sign_all, notes };
        if !smime_enabled.value && (encrypt_all.value || sign_all.value) {
            let text =
                "signatures or encryption are asked for, and S/MIME is off: they are not asked for until it is on";
            policy.notes.push(Reason::new("required_while_off", text));
        }
        policy
    }

    /// For a client that has no such switch, as Outlook for Windows and on the web: S/MIME is on, nothing is required.
    pub fn of_desktop() -> Self {
        let setting = |value| Effective { value, origin: Origin::Default, change: UserChange::Allowed };
        Self { smime_enabled: setting(true), encrypt_all: setting(false), sign_all: setting(false), notes: Vec::new() }
    }

    /// Makes encryption a requirement that the user cannot leave, as another policy of the administrator's wants it.
    pub fn require_encryption(&mut self) {
        self.encrypt_all = REQUIRED;
    }

    /// The same for signatures.
    pub fn require_signature(&mut self) {
        self.sign_all = REQUIRED;
    }

    /// Whether S/MIME content may be read and written (OUT-29).
    pub fn access(&self) -> Access {
        let Effective { value, origin, change } = self.smime_enabled;
        if value { Access::Enabled } else { Access::Disabled(SmimeDisabled { origin, change }) }
    }

    /// How messages are protected unless the user says otherwise.
    pub fn preselected(&self) -> Protection {
        match (self.smime_enabled.value, self.sign_all.value, self.encrypt_all.value) {
            (true, true, true) => Protection::SignedAndEncrypted,
            (true, true, false) => Protection::Signed,
            (true, false, true) => Protection::Encrypted,
            _ => Protection::None,
        }
    }

    /// Whether a message may leave like this. What is required and locked must be there; what the user may change is the
    /// preselection only (OUT-70).
    ///
    /// # Errors
    /// [`ProtectionRequired`]
    pub fn may_send(&self, protection: Protection) -> Result<(), ProtectionRequired> {
        let required =
            |setting: &Effective| self.smime_enabled.value && setting.value && setting.change == UserChange::Locked;
        let signed = matches!(protection, Protection::Signed | Protection::SignedAndEncrypted);
        let encrypted = matches!(protection, Protection::Encrypted | Protection::SignedAndEncrypted);
        if required(&self.sign_all) && !signed {
            return Err(ProtectionRequired { missing: "a signature", origin: self.sign_all.origin });
        }
        if required(&self.encrypt_all) && !encrypted {
            return Err(ProtectionRequired { missing: "encryption", origin: self.encrypt_all.origin });
        }
        Ok(())
    }

    /// Whether messages are grouped by conversation; turning S/MIME on turns that off in the whole app (OUT-69). `None`
    /// where it is not decided here.
    pub fn organize_by_thread(&self) -> Option<bool> {
        self.smime_enabled.value.then_some(false)
    }

    /// The three settings under their keys.
    pub fn named(&self) -> [(&'static str, Effective); 3] {
        [(SMIME_ENABLED, self.smime_enabled), (ENCRYPT_ALL, self.encrypt_all), (SIGN_ALL, self.sign_all)]
    }
}

const REQUIRED: Effective = Effective { value: true, origin: Origin::Administrator, change: UserChange::Locked };
