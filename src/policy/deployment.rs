//! The deployment of S/MIME to phones, as one document: which policy, for which app, for whom, and where certificates and
//! keys come from (OUT-62, OUT-72). Microsoft keeps these in the fields of a console and publishes no file format, so
//! names and form are ours:
//!
//! ```json
//! { "name": "S/MIME for all", "description": "",
//!   "platform": "ios", "profile_type": "all", "target_app": "Microsoft Outlook", "format": "configuration-designer",
//!   "settings": { "com.microsoft.outlook.Mail.SMIMEEnabled": true },
//!   "assignments": ["Staff"],
//!   "deployment": { "enabled": true, "signing": "scep", "encryption": "pkcs-imported", "notify": "company-portal" } }
//! ```

use super::intune::tokens::Tokens;
use super::intune::{AppConfig, Channel};
use super::value::{Fault, Faults, Result, Setting, Value, shown};
use crate::base::reason::Reason;

/// A deployment of the app configuration (OUT-72).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyDocument {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// For which devices.
    pub platform: Platform,
    /// How Android devices are enrolled.
    pub enrolment: Option<Enrolment>,
    /// The profile types it is for; empty for all.
    pub profile_types: Vec<String>,
    /// In which form the settings were given.
    pub format: Format,
    /// The settings.
    pub settings: AppConfig,
    /// The groups of people it is assigned to.
    pub assignments: Vec<String>,
    /// Where certificates and keys come from.
    pub certificates: CertificateDeployment,
}

/// Certificates and keys (OUT-62).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CertificateDeployment {
    /// Whether certificates are deployed.
    pub enabled: Enabled,
    /// Where signing certificates come from.
    pub signing: Option<CertificateSource>,
    /// Where encryption certificates come from; never from SCEP.
    pub encryption: Option<CertificateSource>,
    /// How users are told that certificates wait for them.
    pub notify: Option<NotificationKind>,
}

/// Whether something is switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Enabled {
    /// No.
    #[default]
    No,
    /// Yes.
    Yes,
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];

            /// Its word in the document.
            pub fn word(self) -> &'static str {
                Self::WORDS.iter().find(|(_, one)| *one == self).map_or("", |(word, _)| word)
            }
        }
    };
}

words! {
    /// For which devices a policy is.
    Platform {
        /// iOS and iPadOS.
        Ios = "ios",
        /// Android Enterprise.
        AndroidEnterprise = "android-enterprise",
    }
}

words! {
    /// How an Android device is enrolled.
    Enrolment {
        /// By device administrator.
        DeviceAdministrator = "device-administrator",
        /// A work profile on a personal device.
        WorkProfile = "work-profile",
        /// Fully managed.
        FullyManaged = "fully-managed",
    }
}

words! {
    /// In which form settings are given.
    Format {
        /// In the configuration designer's fields.
        ConfigurationDesigner = "configuration-designer",
        /// As a property list.
        PropertyList = "property-list",
    }
}

words! {
    /// Where a certificate comes from (OUT-62, OUT-135, OUT-137).
    CertificateSource {
        /// SCEP: a key of each device's own, so for signatures only (OUT-128).
        Scep = "scep",
        /// PKCS: a key of each device's own, certified through the connector (OUT-137).
        Pkcs = "pkcs",
        /// PKCS imported: the same certificate and key on each device.
        PkcsImported = "pkcs-imported",
        /// A derived credential: a certificate that is on the device already.
        DerivedCredential = "derived-credential",
    }
}

impl CertificateSource {
    /// Whether each device has a key of its own, so that what is encrypted to one is closed to the others.
    pub fn is_per_device(self) -> bool {
        matches!(self, Self::Scep | Self::Pkcs)
    }
}

words! {
    /// How a user is told.
    NotificationKind {
        /// By a notification of the Company Portal app.
        CompanyPortal = "company-portal",
        /// By mail.
        Email = "email",
    }
}

/// Where a key is kept on a device, and so who sees it (OUT-136).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keychain {
    /// That of an app's publisher: Microsoft's apps see what Intune put there.
    MicrosoftPublisher,
    /// The system's: on iOS no app sees it; on Android apps do.
    System,
}

impl Keychain {
    /// Whether Outlook can use what lies in it, and if not, why.
    ///
    /// # Errors
    /// `keychain_not_visible`
    pub fn visible_to_outlook(self, platform: Platform) -> std::result::Result<(), Reason> {
        match (self, platform) {
            (Self::System, Platform::Ios) => {
                let text = "a certificate in the system keychain of iOS is invisible to Outlook; only those that Intune \
                            delivers into Microsoft's own keychain are usable";
                Err(Reason::new("keychain_not_visible", text))
            }
            _ => Ok(()),
        }
    }
}

/// The steps of the set-up, in their order; a fault names the one in which it is mended.
mod step {
    pub(super) const BASICS: &str = "Basics";
    pub(super) const SETTINGS: &str = "Settings";
    pub(super) const ASSIGNMENTS: &str = "Assignments";
}

/// The only app that these settings are for.
const TARGET_APP: &str = "Microsoft Outlook";
const MEMBERS: [&str; 10] = [
    "name",
    "description",
    "platform",
    "enrolment",
    "profile_type",
    "target_app",
    "format",
    "settings",
    "assignments",
    "deployment",
];

impl PolicyDocument {
    /// Interprets the document.
    ///
    /// # Errors
    /// [`Fault::Missing`] with the step that it belongs to; [`Fault::Type`] for a word that is none of those that can
    /// stand there, with SCEP for encryption among them; as [`AppConfig::from_settings`].
    pub fn read(json: &Value) -> Result<(Self, Vec<Reason>)> {
        let mut faults = Vec::new();
        let mut notes = Vec::new();
        let mut fields = Fields { members: json.settings(""), faults: &mut faults };
        let unknown = fields.members.iter().filter(|m| !MEMBERS.contains(&m.key.as_str()));
        notes.extend(unknown.map(|m| Reason::new("unknown_key", format!("{} is not read", shown(&m.key)))));

        let name = fields.text("name");
        let description = fields.text("description").unwrap_or_default();
        let platform = fields.word("platform", Platform::WORDS);
        let enrolment = fields.word("enrolment", Enrolment::WORDS);
        let profile_types = match fields.text_or_list("profile_type") {
            Some(types) if types == ["all"] => Vec::new(),
            other => other.unwrap_or_default(),
        };
        let target = fields.text("target_app");
        let format = fields.word("format", Format::WORDS).unwrap_or(Format::ConfigurationDesigner);
        let assignments = fields.text_or_list("assignments").unwrap_or_default();
        let certificates = CertificateDeployment::read(fields.find("deployment"), &mut faults);

        let mut need = |there: bool, what: &'static str, step: &'static str| {
            if !there {
                faults.push(Fault::Missing { what, step });
            }
        };
        need(name.as_deref().is_some_and(|n| !n.trim().is_empty()), "the name of the policy", step::BASICS);
        need(json.member("platform").is_some(), "the platform", step::BASICS);
        need(target.is_some(), "the target app", step::BASICS);
        need(platform != Some(Platform::AndroidEnterprise) || enrolment.is_some(), "the enrolment", step::BASICS);
        need(json.member("settings").is_some(), "the settings", step::SETTINGS);
        if target.as_deref().is_some_and(|target| target != TARGET_APP) {
            let text = format!("the target app must be {TARGET_APP}; it belongs to the step \"{}\"", step::BASICS);
            faults.push(Fault::Conflict(text));
        }
        if platform == Some(Platform::Ios) && enrolment.is_some() {
            faults.push(Fault::Conflict("the enrolment is a choice for Android only".to_owned()));
        }
        if platform == Some(Platform::AndroidEnterprise) && format == Format::PropertyList {
            faults.push(Fault::Conflict("a property list is a form for iOS only".to_owned()));
        }
        if assignments.is_empty() {
            let text = format!("it is assigned to nobody; that belongs to the step \"{}\"", step::ASSIGNMENTS);
            notes.push(Reason::new("assigned_to_nobody", text));
        }
        let channel = match platform {
            Some(Platform::AndroidEnterprise) => Channel::AndroidDevice,
            _ => Channel::IosDevice,
        };
        let given = json.member("settings").map(|settings| settings.settings("settings")).unwrap_or_default();
        let settings = match AppConfig::from_settings(&given, channel, &Tokens::default()) {
            Ok((settings, more)) => {
                notes.extend(more);
                Some(settings)
            }
            Err(more) => {
                faults.extend(more.faults);
                None
            }
        };
        match (name, platform, settings) {
            (Some(name), Some(platform), Some(settings)) if faults.is_empty() => Ok((
                Self {
                    name,
                    description,
                    platform,
                    enrolment,
                    profile_types,
                    format,
                    settings,
                    assignments,
                    certificates,
                },
                notes,
            )),
            _ => Err(Faults { faults }),
        }
    }
}

impl CertificateDeployment {
    fn read(setting: Option<Setting>, faults: &mut Vec<Fault>) -> Self {
        let Some(setting) = setting else { return Self::default() };
        if !matches!(setting.value, Value::Map(_)) {
            faults.push(Fault::wrong_type(&setting, "a dictionary"));
            return Self::default();
        }
        let mut fields = Fields { members: setting.value.settings(&setting.place), faults };
        let enabled = match fields.find("enabled") {
            None => Enabled::No,
            Some(Setting { value: Value::Boolean(enabled), .. }) => {
                if enabled {
                    Enabled::Yes
                } else {
                    Enabled::No
                }
            }
            Some(other) => {
                fields.faults.push(Fault::wrong_type(&other, "a Boolean"));
                Enabled::No
            }
        };
        let signing = fields.word("signing", CertificateSource::WORDS);
        // A key that each device has for itself cannot read what was encrypted for another one.
        let shared: Vec<_> =
            CertificateSource::WORDS.iter().filter(|(_, source)| !source.is_per_device()).copied().collect();
        let encryption = fields.word("encryption", &shared);
        let notify = fields.word("notify", NotificationKind::WORDS);
        Self { enabled, signing, encryption, notify }
    }
}

/// The members of a dictionary, taken by name.
struct Fields<'f> {
    members: Vec<Setting>,
    faults: &'f mut Vec<Fault>,
}

impl Fields<'_> {
    fn find(&self, name: &str) -> Option<Setting> {
        self.members.iter().find(|member| member.key == name && member.value != Value::Null).cloned()
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let setting = self.find(name)?;
        match setting.value {
            Value::Text(text) => Some(text),
            _ => {
                self.faults.push(Fault::wrong_type(&setting, "text"));
                None
            }
        }
    }

    fn text_or_list(&mut self, name: &str) -> Option<Vec<String>> {
        let setting = self.find(name)?;
        let texts = match &setting.value {
            Value::Text(text) => Some(vec![text.clone()]),
            Value::List(list) => list.iter().map(|one| one.text().map(str::to_owned)).collect(),
            _ => None,
        };
        if texts.is_none() {
            self.faults.push(Fault::wrong_type(&setting, "text, or a list of texts"));
        }
        texts
    }

    fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let setting = self.find(name)?;
        let found = words.iter().find(|(word, _)| setting.value.text() == Some(word)).map(|(_, value)| *value);
        if found.is_none() {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.faults.push(Fault::wrong_type(&setting, format!("one of {}", all.join(", "))));
        }
        found
    }
}

/// Certificates wait for a user: what is to be told (OUT-150). Nothing is sent here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// By which way.
    pub kind: NotificationKind,
    /// Whom.
    pub user: String,
    /// The text.
    pub text: String,
}

impl CertificateDeployment {
    /// What a user is told when certificates wait, where anything is deployed and a way was chosen.
    pub fn notice(&self, user: &str) -> Option<Notice> {
        let kind = self.notify.filter(|_| self.enabled == Enabled::Yes)?;
        let open = match kind {
            NotificationKind::CompanyPortal => "Tap here",
            NotificationKind::Email => "Open the Company Portal app on your phone",
        };
        let text = format!(
            "Certificates for signing and encrypting your mail are ready.\n{open} to retrieve them, and stay in the app \
             until it says that they are installed.\n"
        );
        Some(Notice { kind, user: user.to_owned(), text })
    }
}

/// How far the retrieval of a certificate has come (OUT-151).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// It waits to be retrieved.
    #[default]
    Pending,
    /// It is on the device.
    Retrieved,
    /// It can be used.
    Installed,
    /// It could not be retrieved, or not installed.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What happens to a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was retrieved.
    Retrieve,
    /// It was installed.
    Install,
    /// It failed.
    Fail {
        /// Why.
        reason: String,
    },
    /// It is tried again.
    Retry,
}

/// A step that cannot follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step:?} cannot follow {from:?}")]
pub struct OutOfOrder {
    /// How far it had come.
    pub from: Progress,
    /// What was to happen.
    pub step: Step,
}

impl Progress {
    /// How far it has come after a step.
    ///
    /// # Errors
    /// [`OutOfOrder`]: nothing is installed that was not retrieved, and nothing happens to what is installed.
    pub fn after(self, step: Step) -> std::result::Result<Self, OutOfOrder> {
        match (self, step) {
            (Self::Pending, Step::Retrieve) => Ok(Self::Retrieved),
            (Self::Retrieved, Step::Install) => Ok(Self::Installed),
            (Self::Pending | Self::Retrieved, Step::Fail { reason }) => Ok(Self::Failed { reason }),
            (Self::Failed { .. }, Step::Retry) => Ok(Self::Pending),
            (from, step) => Err(OutOfOrder { from, step }),
        }
    }
}
