//! The S/MIME settings that Intune hands to Outlook for iOS and Android: the managed app configuration (OUT-62 to OUT-69).
//!
//! There are three ways to an app, and each writes the same keys differently: the property list of a managed iOS device
//! ([`ios`]), the managed configuration of an Android device ([`android`]), and the settings of a managed app on any
//! device ([`mam`]). What they mean is the same: [`AppConfig`].

#[cfg(feature = "policy-files")]
pub mod android;
#[cfg(feature = "policy-files")]
pub mod ios;
#[cfg(feature = "policy-files")]
pub mod mam;
pub mod tokens;

use super::effective::{EffectivePolicy, UserChoices};
use super::table::{self, Filled, Line, Notation, Origin, Row, Slot, UserChange};
use super::value::{Result, Setting, or_faults, shown};
use crate::base::reason::Reason;
use tokens::Tokens;

/// What every key of Outlook's S/MIME settings begins with.
pub const PREFIX: &str = "com.microsoft.outlook.Mail.SMIME";

/// Whether S/MIME is on.
pub const SMIME_ENABLED: &str = "com.microsoft.outlook.Mail.SMIMEEnabled";
/// Whether every message is encrypted.
pub const ENCRYPT_ALL: &str = "com.microsoft.outlook.Mail.SMIMEEnabled.EncryptAllMail";
/// Whether every message is signed.
pub const SIGN_ALL: &str = "com.microsoft.outlook.Mail.SMIMEEnabled.SignAllMail";
const CERTS_FROM_INTUNE: &str = "com.microsoft.outlook.Mail.SMIMEEnabled.CertsFromIntune";

/// The way by which a configuration comes to the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A managed iOS or iPadOS device: a property list (OUT-63).
    IosDevice,
    /// A managed Android device: a managed configuration (OUT-64).
    AndroidDevice,
    /// A managed app, on any device: names with texts (OUT-65).
    ManagedApp,
}

/// The managed app configuration of Outlook for iOS and Android, as far as it is about S/MIME.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppConfig {
    /// How it came.
    pub channel: Channel,
    /// SMIMEEnabled: whether S/MIME is on (OUT-68).
    pub smime_enabled: bool,
    /// Whether the user may turn it on or off.
    pub smime_enabled_change_allowed: bool,
    /// EncryptAllMail: whether every message is to be encrypted (OUT-70).
    pub encrypt_all: bool,
    /// Whether the user may choose otherwise.
    pub encrypt_all_change_allowed: bool,
    /// SignAllMail: whether every message is to be signed (OUT-70).
    pub sign_all: bool,
    /// Whether the user may choose otherwise.
    pub sign_all_change_allowed: bool,
    /// LDAPHostName: where recipients' certificates are looked up (OUT-91).
    pub ldap_host_name: Option<String>,
    /// CertsFromIntune: whether certificates come by Intune, in Android's configurations.
    pub certs_from_intune: bool,
    given: Vec<&'static str>,
}

/// Every key, with its type and its default.
const KEYS: &[Row<AppConfig>] = &[
    Row {
        name: SMIME_ENABLED,
        slot: Slot::Boolean(false, |c| &mut c.smime_enabled),
        about: "whether S/MIME is on; it is off until the administrator or the user turns it on (OUT-68)",
    },
    Row {
        name: "com.microsoft.outlook.Mail.SMIMEEnabled.UserChangeAllowed",
        slot: Slot::Boolean(true, |c| &mut c.smime_enabled_change_allowed),
        about: "whether the user may turn S/MIME on or off (OUT-67)",
    },
    Row {
        name: ENCRYPT_ALL,
        slot: Slot::Boolean(false, |c| &mut c.encrypt_all),
        about: "whether encryption is required to send messages (OUT-70)",
    },
    Row {
        name: "com.microsoft.outlook.Mail.SMIMEEnabled.EncryptAllMail.UserChangeAllowed",
        slot: Slot::Boolean(true, |c| &mut c.encrypt_all_change_allowed),
        about: "whether the user may send without encryption (OUT-67)",
    },
    Row {
        name: SIGN_ALL,
        slot: Slot::Boolean(false, |c| &mut c.sign_all),
        about: "whether a signature is required to send messages (OUT-70)",
    },
    Row {
        name: "com.microsoft.outlook.Mail.SMIMEEnabled.SignAllMail.UserChangeAllowed",
        slot: Slot::Boolean(true, |c| &mut c.sign_all_change_allowed),
        about: "whether the user may send without a signature (OUT-67)",
    },
    Row {
        name: "com.microsoft.outlook.Mail.SMIMEEnabled.LDAPHostName",
        slot: Slot::Text(|c| &mut c.ldap_host_name),
        about: "the directory in which recipients' certificates are looked up (OUT-91)",
    },
    Row {
        name: CERTS_FROM_INTUNE,
        slot: Slot::Boolean(false, |c| &mut c.certs_from_intune),
        about: "whether certificates are delivered by Intune; seen in Android's configurations only (OUT-62)",
    },
];

impl AppConfig {
    /// The settings of a channel, whoever read them; other keys of Outlook and of other apps are passed over. Tokens in
    /// texts are replaced where the caller knows their values (OUT-63).
    ///
    /// # Errors
    /// [`Fault::Type`](super::value::Fault::Type) for each key with a value of another type (OUT-66),
    /// [`Fault::Twice`](super::value::Fault::Twice).
    pub fn from_settings(settings: &[Setting], channel: Channel, tokens: &Tokens) -> Result<(Self, Vec<Reason>)> {
        let ours = settings.iter().filter(|setting| setting.key.starts_with(PREFIX));
        let notation = if channel == Channel::ManagedApp { Notation::Text } else { Notation::Typed };
        let mut config = Self::unconfigured(channel);
        let Filled { given, unknown, faults } = table::fill(KEYS, ours, notation, &mut config);
        let mut notes: Vec<Reason> = unknown.into_iter().map(unknown_key).collect();
        config.given = given;
        if config.is_given(CERTS_FROM_INTUNE) && channel != Channel::AndroidDevice {
            let text = format!("{CERTS_FROM_INTUNE} is known from configurations for Android devices only");
            notes.push(Reason::new("key_of_another_channel", text));
        }
        if let Some(host) = &mut config.ldap_host_name {
            let (replaced, more) = tokens.replace(host);
            notes.extend(more);
            *host = replaced;
        }
        Ok((or_faults(config, faults)?, notes))
    }

    /// Nothing configured: every default (OUT-68).
    pub fn unconfigured(channel: Channel) -> Self {
        let mut config = Self {
            channel,
            smime_enabled: false,
            smime_enabled_change_allowed: false,
            encrypt_all: false,
            encrypt_all_change_allowed: false,
            sign_all: false,
            sign_all_change_allowed: false,
            ldap_host_name: None,
            certs_from_intune: false,
            given: Vec::new(),
        };
        table::reset(KEYS, &mut config);
        config
    }

    /// Whether the administrator has configured a key.
    pub fn is_given(&self, key: &str) -> bool {
        self.given.contains(&key)
    }

    /// Every setting with the value that counts for this user.
    pub fn lines(&self, user: &UserChoices) -> Vec<Line> {
        let effective = EffectivePolicy::of(self, user);
        let mut lines = table::lines(KEYS, self, &self.given, UserChange::Locked);
        for (key, setting) in effective.named() {
            if let Some(line) = lines.iter_mut().find(|line| line.name == key) {
                line.value = setting.value.to_string();
                line.origin = setting.origin;
                line.change = setting.change;
            }
        }
        lines
    }

    /// Value, origin and lock of one of the three settings that a user may have a say in.
    pub(super) fn configured(&self, key: &str) -> (bool, Origin, UserChange) {
        let (value, allowed) = match key {
            SMIME_ENABLED => (self.smime_enabled, self.smime_enabled_change_allowed),
            ENCRYPT_ALL => (self.encrypt_all, self.encrypt_all_change_allowed),
            _ => (self.sign_all, self.sign_all_change_allowed),
        };
        let origin = if self.is_given(key) { Origin::Administrator } else { Origin::Default };
        (value, origin, if allowed { UserChange::Allowed } else { UserChange::Locked })
    }
}

/// OUT-66. Outlook knows its keys letter by letter, so that another spelling is another key.
fn unknown_key(setting: &Setting) -> Reason {
    let key = shown(&setting.key);
    let similar = KEYS.iter().find(|row| row.name.eq_ignore_ascii_case(&setting.key));
    let hint = similar.map(|row| format!("; the one that Outlook knows is {}", row.name)).unwrap_or_default();
    Reason::new("unknown_key", format!("{key} is no key of Outlook's, and has no effect ({}){hint}", setting.place))
}
