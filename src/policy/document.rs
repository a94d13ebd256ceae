//! Policy files of every kind: what a file is is found out from what it holds, and several of them together say what
//! counts.

use super::activesync::{self, MailboxPolicy};
use super::deployment::PolicyDocument;
use super::effective::{EffectivePolicy, UserChoices};
use super::exchange::{self, SmimeConfig};
use super::intune::tokens::Tokens;
use super::intune::{AppConfig, android, ios, mam};
use super::policy::Policy;
use super::registry::{self, SecurityValues};
use super::sending::{CrlTimeouts, PermittedKeys};
use super::table::Line;
use super::value::{Fault, Result, Setting, Value};
use super::{json, powershell};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::cert::revocation::RevocationMode;

/// One policy file, read.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    /// What it says.
    pub content: Content,
    /// What has no effect in it, and what Microsoft's programs would silently replace.
    pub notes: Vec<Reason>,
}

/// What a policy file says, by kind.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant)] // one or two of them exist at a time
pub enum Content {
    /// Intune's configuration of Outlook for iOS and Android.
    AppConfig(AppConfig),
    /// Set-SmimeConfig.
    Exchange(SmimeConfig),
    /// A mobile device mailbox policy.
    ActiveSync(MailboxPolicy),
    /// Outlook for Windows's registry values.
    Registry(SecurityValues),
    /// A deployment, with a configuration in it.
    Deployment(PolicyDocument),
}

/// The administrator's algorithms cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotFollowed {
    /// By Set-SmimeConfig.
    #[error(transparent)]
    Exchange(#[from] exchange::apply::NoAlgorithm),
    /// By a mailbox policy.
    #[error(transparent)]
    ActiveSync(#[from] activesync::WeakAlgorithm),
    /// By the registry.
    #[error(transparent)]
    Registry(#[from] registry::NoSuchAlgorithm),
}

impl PolicyFile {
    /// Reads a file of any kind, in UTF-8 or, as Windows writes them, in UTF-16.
    ///
    /// # Errors
    /// Everything that is wrong with it; [`Fault::UnknownFormat`].
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self> {
        if bytes.len() > limits.policy_file_bytes {
            return Err(Fault::limit("policy_file_bytes", limits.policy_file_bytes).into());
        }
        let text = decoded(bytes)?;
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let tokens = Tokens::default();
        let (content, notes) = match text.chars().next() {
            Some('<') => of(ios::read(text, &tokens, limits)?, Content::AppConfig),
            Some('{' | '[') => of_json(json::read(text, limits)?, &tokens)?,
            _ => of_text(text)?,
        };
        Ok(Self { content, notes })
    }
}

fn of<T>((value, notes): (T, Vec<Reason>), content: impl Fn(T) -> Content) -> (Content, Vec<Reason>) {
    (content(value), notes)
}

fn of_json(json: Value, tokens: &Tokens) -> Result<(Content, Vec<Reason>)> {
    // Get-... | ConvertTo-Json gives a list where there are several objects.
    let json = match json {
        Value::List(mut list) if list.len() == 1 && list.iter().all(|one| one.member("value").is_none()) => {
            list.pop().unwrap_or(Value::Null)
        }
        other => other,
    };
    let has = |known: &dyn Fn(&str) -> bool| match &json {
        Value::Map(members) => members.iter().any(|(name, _)| known(name)),
        _ => false,
    };
    Ok(if has(&|name| name == "managedProperty") {
        of(android::read(&json, tokens)?, Content::AppConfig)
    } else if has(&|name| name == "customSettings") || matches!(json, Value::List(_)) {
        of(mam::read(&json, tokens)?, Content::AppConfig)
    } else if has(&|name| matches!(name, "target_app" | "deployment" | "assignments" | "settings")) {
        of(PolicyDocument::read(&json)?, Content::Deployment)
    } else if has(&registry::is_value) {
        of(SecurityValues::from_settings(&[], &json.into_settings())?, Content::Registry)
    } else {
        of_names(&json.into_settings())?
    })
}

fn of_text(text: &str) -> Result<(Content, Vec<Reason>)> {
    if text.starts_with("Windows Registry Editor Version 5") || text.starts_with("REGEDIT4") {
        return Ok(of(SecurityValues::read(text)?, Content::Registry));
    }
    // A command may have comments before it.
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.flat_map(str::split_whitespace).next().unwrap_or_default();
    for command in ["Set-SmimeConfig", "Set-MobileDeviceMailboxPolicy", "New-MobileDeviceMailboxPolicy"] {
        if first.eq_ignore_ascii_case(command) {
            let settings = powershell::parameters(text, command)?;
            return match command {
                "Set-SmimeConfig" => Ok(of(SmimeConfig::from_settings(&settings)?, Content::Exchange)),
                _ => Ok(of(MailboxPolicy::from_settings(&settings)?, Content::ActiveSync)),
            };
        }
    }
    if !text.lines().next().is_some_and(|line| line.contains(':')) {
        return Err(Fault::UnknownFormat.into());
    }
    of_names(&powershell::format_list(text)?)
}

/// By whose names they are.
fn of_names(settings: &[Setting]) -> Result<(Content, Vec<Reason>)> {
    let has = |known: fn(&str) -> bool| settings.iter().any(|setting| known(&setting.key));
    if has(exchange::is_parameter) {
        Ok(of(SmimeConfig::from_settings(settings)?, Content::Exchange))
    } else if has(activesync::is_setting) {
        Ok(of(MailboxPolicy::from_settings(settings)?, Content::ActiveSync))
    } else {
        Err(Fault::UnknownFormat.into())
    }
}

fn decoded(bytes: &[u8]) -> Result<String> {
    let place = |offset: usize| format!("byte {offset}");
    if let Some(rest) = bytes.strip_prefix(&[0xff, 0xfe]) {
        let units: Vec<u16> =
            rest.chunks(2).map(|pair| pair.iter().rev().fold(0, |n, b| n << 8 | u16::from(*b))).collect();
        let text = String::from_utf16(&units).ok().filter(|_| rest.len().is_multiple_of(2));
        return text.ok_or_else(|| Fault::malformed("the file", place(0), "it is no UTF-16").into());
    }
    if bytes.starts_with(b"bplist") {
        let why = "it is a binary property list; `plutil -convert xml1` makes the form that is read";
        return Err(Fault::malformed("the file", place(0), why).into());
    }
    let text = std::str::from_utf8(bytes);
    Ok(text.map_err(|e| Fault::malformed("the file", place(e.valid_up_to()), "it is no UTF-8"))?.to_owned())
}

impl Content {
    /// What kind of file it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AppConfig(config) => match config.channel {
                super::intune::Channel::IosDevice => "app configuration of a managed iOS device",
                super::intune::Channel::AndroidDevice => "app configuration of a managed Android device",
                super::intune::Channel::ManagedApp => "app configuration of a managed app",
            },
            Self::Exchange(_) => "Set-SmimeConfig",
            Self::ActiveSync(_) => "mobile device mailbox policy",
            Self::Registry(_) => "registry values of Outlook for Windows",
            Self::Deployment(_) => "deployment",
        }
    }

    /// Every setting, with the value that counts for this user.
    pub fn lines(&self, user: &UserChoices) -> Vec<Line> {
        match self {
            Self::AppConfig(config) => config.lines(user),
            Self::Exchange(config) => config.lines(),
            Self::ActiveSync(policy) => policy.lines(),
            Self::Registry(values) => values.lines(),
            Self::Deployment(document) => document.settings.lines(user),
        }
    }

    fn app_config(&self) -> Option<&AppConfig> {
        match self {
            Self::AppConfig(config) => Some(config),
            Self::Deployment(document) => Some(&document.settings),
            _ => None,
        }
    }
}

/// All that an administrator says, in one or several files.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    files: Vec<PolicyFile>,
}

impl PolicySet {
    /// Of several files.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where two are of one kind: which of them counts would be a guess.
    pub fn new(files: Vec<PolicyFile>) -> Result<Self> {
        let kind = |file: &PolicyFile| match file.content.app_config() {
            Some(_) => "app configurations",
            None => file.content.kind(),
        };
        let twice = files.iter().enumerate().find(|(at, file)| files.iter().take(*at).any(|f| kind(f) == kind(file)));
        match twice {
            Some((_, file)) => Err(Fault::Conflict(format!("there are two files of one kind: {}", kind(file))).into()),
            None => Ok(Self { files }),
        }
    }

    /// The files.
    pub fn files(&self) -> &[PolicyFile] {
        &self.files
    }

    /// What counts for a user. Where nothing is about Outlook for iOS and Android there is no switch that S/MIME could be
    /// off by, since Outlook for Windows and on the web have none.
    pub fn effective(&self, user: &UserChoices) -> EffectivePolicy {
        let config = self.files.iter().find_map(|file| file.content.app_config());
        let mut effective = config.map_or_else(EffectivePolicy::of_desktop, |config| EffectivePolicy::of(config, user));
        for file in &self.files {
            let (encrypt, sign) = match &file.content {
                Content::Exchange(config) => (config.always_encrypt, config.always_sign),
                Content::ActiveSync(policy) => (policy.require_encrypted, policy.require_signed),
                Content::Registry(values) => (
                    values.always_encrypt && values.is_decided("AlwaysEncrypt"),
                    values.always_sign && values.is_decided("AlwaysSign"),
                ),
                Content::AppConfig(_) | Content::Deployment(_) => continue,
            };
            if encrypt {
                effective.require_encryption();
            }
            if sign {
                effective.require_signature();
            }
        }
        effective
    }

    /// Which keys may be used, for signing and for opening.
    pub fn permitted_keys(&self) -> PermittedKeys {
        let card_only = self.files.iter().any(|file| match &file.content {
            Content::Exchange(config) => config.only_use_smart_card,
            Content::ActiveSync(policy) => !policy.allow_soft_certs,
            _ => false,
        });
        if card_only { PermittedKeys::CardOnly } else { PermittedKeys::Any }
    }

    /// How much an administrator demands about revocation, where they say anything: the most of it.
    pub fn revocation(&self) -> Option<RevocationMode> {
        let modes = self.files.iter().filter_map(|file| match &file.content {
            Content::Exchange(config) if config.disable_crl_check => Some(RevocationMode::Off),
            Content::Registry(values) if values.is_decided("SigStatusNoCRL") => Some(values.revocation_mode()),
            _ => None,
        });
        modes.max()
    }

    /// How long revocation lists may take, where an administrator says so (OUT-83).
    pub fn crl_timeouts(&self) -> Option<CrlTimeouts> {
        self.files.iter().find_map(|file| match &file.content {
            Content::Exchange(config) => Some(config.crl_timeouts()),
            _ => None,
        })
    }

    /// Changes a policy to what is to be signed by.
    ///
    /// # Errors
    /// [`NotFollowed`]
    pub fn sign_by(&self, policy: &mut Policy) -> std::result::Result<Vec<Reason>, NotFollowed> {
        let mut notes = Vec::new();
        for file in &self.files {
            match &file.content {
                Content::Exchange(config) => notes.extend(config.sign_by(policy)),
                Content::ActiveSync(mailbox) => notes.extend(mailbox.sign_by(policy)?),
                Content::Registry(values) => values.sign_by(policy)?,
                Content::AppConfig(_) | Content::Deployment(_) => {}
            }
        }
        Ok(notes)
    }

    /// Changes a policy to what is to be encrypted by.
    ///
    /// # Errors
    /// [`NotFollowed`]
    pub fn encrypt_by(&self, policy: &mut Policy) -> std::result::Result<Vec<Reason>, NotFollowed> {
        let mut notes = Vec::new();
        for file in &self.files {
            match &file.content {
                Content::Exchange(config) => notes.extend(config.encrypt_by(policy)?),
                Content::ActiveSync(mailbox) => notes.extend(mailbox.encrypt_by(policy)?),
                Content::Registry(values) => values.encrypt_by(policy)?,
                Content::AppConfig(_) | Content::Deployment(_) => {}
            }
        }
        Ok(notes)
    }
}
