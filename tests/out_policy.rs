//! The managed app configuration of Outlook for iOS and Android, and its deployment, row by row (OUT-62 to OUT-72,
//! OUT-150, OUT-151).

#![cfg(feature = "policy-files")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::policy_file;
use smime::base::reason::Reason;
use smime::compose::notice::{self, Envelope};
use smime::mime::emit::Named;
use smime::policy::activesync::{MailboxPolicy, Negotiation};
use smime::policy::deployment::{
    CertificateSource, Enabled, Enrolment, Keychain, NotificationKind, Platform, PolicyDocument, Progress, Step,
};
use smime::policy::document::{Content, PolicyFile, PolicySet};
use smime::policy::effective::{Access, EffectivePolicy, Protection, UserChoices};
use smime::policy::intune::tokens::Tokens;
use smime::policy::intune::{AppConfig, Channel, ENCRYPT_ALL, SIGN_ALL, SMIME_ENABLED, ios};
use smime::policy::policy::Policy;
use smime::policy::table::{Origin, UserChange};
use smime::policy::value::{Fault, Faults, Setting, Value};
use smime::{Limits, Message};

const KEY: &str = "com.microsoft.outlook.Mail.SMIMEEnabled";

fn read(bytes: &[u8]) -> Result<PolicyFile, Faults> {
    PolicyFile::read(bytes, &Limits::default())
}

fn app_config(bytes: &[u8]) -> (AppConfig, Vec<Reason>) {
    let file = read(bytes).unwrap();
    match file.content {
        Content::AppConfig(config) => (config, file.notes),
        other => panic!("it is taken for {}", other.kind()),
    }
}

fn deployment(text: &str) -> Result<(PolicyDocument, Vec<Reason>), Faults> {
    let file = read(text.as_bytes())?;
    match file.content {
        Content::Deployment(document) => Ok((document, file.notes)),
        other => panic!("it is taken for {}", other.kind()),
    }
}

fn codes(notes: &[Reason]) -> Vec<&'static str> {
    notes.iter().map(|note| note.code).collect()
}

/// An iOS dictionary with one key.
fn ios_with(key: &str, value: &str) -> String {
    format!("<dict>\n<key>{key}</key>{value}\n</dict>")
}

fn fixture(name: &str) -> String {
    String::from_utf8(policy_file(name)).unwrap()
}

#[test]
fn out_62_certificates_of_a_deployment_come_from_where_they_can() {
    let (document, _) = deployment(&fixture("deployment.json")).unwrap();
    let certificates = document.certificates;
    assert_eq!(certificates.enabled, Enabled::Yes);
    assert_eq!(certificates.signing, Some(CertificateSource::Scep));
    assert_eq!(certificates.encryption, Some(CertificateSource::PkcsImported));
    assert_eq!(certificates.notify, Some(NotificationKind::Email));
    // Each device would have a key of its own.
    let scep = fixture("deployment.json").replace("pkcs-imported", "scep");
    let Fault::Type { key, expected, place, .. } = deployment(&scep).unwrap_err().faults[0].clone() else { panic!() };
    assert_eq!((key.as_str(), place.as_str()), ("encryption", "deployment.encryption"));
    assert_eq!(expected, "one of pkcs-imported, derived-credential");
    for word in ["signing\": \"scep", "notify\": \"email"] {
        let wrong = fixture("deployment.json").replace(word, &format!("{word}s"));
        assert!(matches!(deployment(&wrong).unwrap_err().faults[..], [Fault::Type { .. }]), "{word}");
    }
    let off = fixture("deployment.json").replace("\"enabled\": true", "\"enabled\": false");
    assert_eq!(deployment(&off).unwrap().0.certificates.notice("Alice"), None);
    assert!(Keychain::System.visible_to_outlook(Platform::Ios).is_err());
    assert!(Keychain::MicrosoftPublisher.visible_to_outlook(Platform::Ios).is_ok());
    assert!(Keychain::System.visible_to_outlook(Platform::AndroidEnterprise).is_ok());
}

#[test]
fn out_63_a_property_list_is_read_whole_or_as_its_dictionary() {
    let (config, notes) = app_config(&policy_file("ios.plist"));
    assert_eq!(config.channel, Channel::IosDevice);
    assert!(config.smime_enabled && !config.smime_enabled_change_allowed);
    assert!(config.encrypt_all && !config.encrypt_all_change_allowed);
    assert!(config.sign_all && config.sign_all_change_allowed);
    assert_eq!(config.ldap_host_name.as_deref(), Some("ldaps://directory.example.com:636"));
    assert!(notes.is_empty(), "{notes:?}");
    let (bare, notes) = app_config(&policy_file("ios-bare.plist"));
    assert!(bare.is_given(SMIME_ENABLED) && !bare.smime_enabled);
    assert_eq!(codes(&notes), ["token_without_value"]);

    let tokens = Tokens::default().with("mail", "alice{{userid}}").with("nobody", "x");
    let text = fixture("ios-bare.plist");
    let (config, notes) = ios::read(&text, &tokens, &Limits::default()).unwrap();
    // What a token stands for is not looked through again.
    assert_eq!(config.ldap_host_name.as_deref(), Some("ldap://alice{{userid}}.example.com"));
    assert!(notes.is_empty(), "{notes:?}");
    let (kept, notes) = Tokens::default().replace("{{nobody}}{{open");
    assert_eq!((kept.as_str(), codes(&notes)), ("{{nobody}}{{open", vec!["unknown_token"]));
}

#[test]
fn out_63_what_is_hostile_in_a_property_list_is_refused() {
    let key = format!("<key>{KEY}</key>");
    let deep = format!("<dict><key>a</key>{}{}</dict>", "<array>".repeat(50), "</array>".repeat(50));
    let bomb =
        "<!DOCTYPE plist [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><dict><key>k</key><string>&b;</string></dict>";
    let cases = [
        (bomb.to_owned(), "declarations"),
        ("<dict><key>k</key><string>&b;</string></dict>".to_owned(), "entity &b;"),
        (deep, "deep"),
        (format!("<dict>{key}<true/>{key}<true/></dict>"), "twice (line 1)"),
        (format!("<dict>{key}</dict>"), "no value"),
        (format!("<dict>{key}<true><a/></true></dict>"), "not empty"),
        (format!("<dict>{key}<date>2026-11-24T08:00:00Z</date></dict>"), "<date> is no type"),
        (format!("<dict>{key}<integer>99999999999999999999</integer></dict>"), "64 bits"),
        (format!("<dict>{key}<true/>"), "property list"),
        ("<dict></dict><dict></dict>".to_owned(), "follows its end"),
        ("<dict>text</dict>".to_owned(), "outside of a value"),
        ("<dict><true/></dict>".to_owned(), "<key> before each value"),
        ("<plist><array/></plist>".to_owned(), "no dictionary"),
        ("<dict></plist>".to_owned(), "property list"),
    ];
    for (text, why) in cases {
        let faults = read(text.as_bytes()).unwrap_err().to_string();
        assert!(faults.contains(why), "{text}: {faults}");
    }
    let many = format!("<dict><key>a</key><array>{}</array></dict>", "<true/>".repeat(100));
    let limits = Limits::default();
    let mut few = limits.clone();
    few.policy_values = 100;
    assert!(PolicyFile::read(many.as_bytes(), &limits).is_ok());
    assert_eq!(
        PolicyFile::read(many.as_bytes(), &few).unwrap_err().faults,
        [Fault::Limit { name: "policy_values", limit: 100 }]
    );
    few.policy_values = 101;
    few.policy_file_bytes = many.len();
    assert!(PolicyFile::read(many.as_bytes(), &few).is_ok());
    few.policy_file_bytes = many.len() - 1;
    assert!(PolicyFile::read(many.as_bytes(), &few).unwrap_err().to_string().contains("policy_file_bytes"));
    assert!(read(b"bplist00\x01").unwrap_err().to_string().contains("binary"));
    assert!(read(b"<dict>\xff</dict>").unwrap_err().to_string().contains("byte 6"));
}

#[test]
fn out_64_a_managed_configuration_of_android_is_read() {
    let (config, notes) = app_config(&policy_file("android.json"));
    assert_eq!(config.channel, Channel::AndroidDevice);
    assert!(config.smime_enabled && config.smime_enabled_change_allowed);
    assert!(config.sign_all && !config.sign_all_change_allowed && !config.encrypt_all);
    assert!(config.certs_from_intune);
    assert_eq!(config.ldap_host_name.as_deref(), Some("ldaps://contoso.example"));
    assert!(notes.is_empty(), "{notes:?}");
    let text = fixture("android.json");
    for (from, to, why) in [
        ("app:com.microsoft.office.outlook", "app:com.example", "productId"),
        ("androidenterprise#managedConfiguration", "other", "kind"),
        ("\"valueBool\": true }", "\"valueBool\": true, \"valueString\": \"true\" }", "more than one value"),
        (", \"valueBool\": true }", " }", "has no value"),
        ("\"key\": \"com.microsoft.outlook.EmailProfile.AccountType\", ", "", "without key"),
    ] {
        let faults = read(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
        assert!(faults.contains(why), "{faults}");
    }
    assert!(read(b"{\"managedProperty\": {}}").unwrap_err().to_string().contains("not a list"));
}

#[test]
fn out_65_settings_for_managed_apps_are_texts() {
    let (config, notes) = app_config(&policy_file("mam.json"));
    assert_eq!(config.channel, Channel::ManagedApp);
    assert!(config.smime_enabled && !config.smime_enabled_change_allowed && config.encrypt_all);
    assert_eq!(config.ldap_host_name.as_deref(), Some("directory.example.com:636"));
    assert!(notes.is_empty(), "{notes:?}");
    let (list, _) = app_config(format!("[{{\"name\": \"{KEY}\", \"value\": \"true\"}}]").as_bytes());
    assert!(list.smime_enabled);
    for value in ["\"maybe\"", "\"True\"", "true", "1"] {
        let text = format!("[{{\"name\": \"{KEY}\", \"value\": {value}}}]");
        let Fault::Type { key, place, .. } = read(text.as_bytes()).unwrap_err().faults[0].clone() else { panic!() };
        assert_eq!((key.as_str(), place.as_str()), (KEY, "[0].value"), "{value}");
    }
    assert!(read(b"{\"customSettings\": [{\"name\": \"x\"}]}").unwrap_err().to_string().contains("customSettings[0]"));
}

#[test]
fn out_66_a_wrong_type_names_key_type_and_place_and_an_unknown_key_is_told() {
    let faults = read(ios_with(KEY, "<string>true</string>").as_bytes()).unwrap_err().faults;
    let expected = Fault::Type {
        key: KEY.into(),
        expected: "a Boolean".into(),
        found: "the text \"true\"".into(),
        place: "line 2".into(),
    };
    assert_eq!(faults, [expected]);
    let android = format!("{{\"managedProperty\": [{{\"key\": \"{KEY}\", \"valueString\": \"maybe\"}}]}}");
    let said = read(android.as_bytes()).unwrap_err().to_string();
    assert_eq!(said, format!("{KEY} must be a Boolean, and is the text \"maybe\" (managedProperty[0].valueString)"));
    // Every fault is told, not only the first.
    let two = format!("<dict><key>{KEY}</key><integer>1</integer><key>{KEY}.LDAPHostName</key><true/></dict>");
    assert_eq!(read(two.as_bytes()).unwrap_err().faults.len(), 2);
    for unknown in ["com.microsoft.outlook.Mail.SMIMEAllowUserChange", &format!("{KEY}.encryptallmail")] {
        let (config, notes) = app_config(ios_with(unknown, "<true/>").as_bytes());
        assert_eq!(codes(&notes), ["unknown_key"]);
        assert!(notes[0].text.contains(unknown) && notes[0].text.contains("line 2"), "{}", notes[0]);
        assert_eq!(config, AppConfig::unconfigured(Channel::IosDevice));
    }
    let (_, notes) = app_config(ios_with(&format!("{KEY}.encryptallmail"), "<true/>").as_bytes());
    assert!(notes[0].text.ends_with(ENCRYPT_ALL), "{}", notes[0]);
    let (_, notes) = app_config(ios_with(&format!("{KEY}.CertsFromIntune"), "<true/>").as_bytes());
    assert_eq!(codes(&notes), ["key_of_another_channel"]);
    let hostile = ios_with(&format!("{KEY}.\u{202e}x"), "<true/>");
    assert!(app_config(hostile.as_bytes()).1[0].text.contains("\\u{202e}"));
}

/// A configuration with a value and a lock for each key, each absent where it is `None`.
fn configured(key: &str, value: Option<bool>, change_allowed: Option<bool>) -> AppConfig {
    let setting = |key: String, value: bool| Setting { key, value: Value::Boolean(value), place: "here".into() };
    let mut settings = Vec::new();
    settings.extend(value.map(|value| setting(key.to_owned(), value)));
    settings.extend(change_allowed.map(|value| setting(format!("{key}.UserChangeAllowed"), value)));
    AppConfig::from_settings(&settings, Channel::IosDevice, &Tokens::default()).unwrap().0
}

#[test]
fn out_67_the_user_s_choice_counts_where_it_is_allowed() {
    for key in [SMIME_ENABLED, ENCRYPT_ALL, SIGN_ALL] {
        for value in [None, Some(false), Some(true)] {
            for allowed in [None, Some(false), Some(true)] {
                for choice in [None, Some(false), Some(true)] {
                    let mut user = UserChoices::default();
                    if let Some(choice) = choice {
                        user.choose(format!("{key}={choice}").parse().unwrap());
                    }
                    let effective = EffectivePolicy::of(&configured(key, value, allowed), &user);
                    let (_, setting) = effective.named().into_iter().find(|(named, _)| *named == key).unwrap();
                    let locked = allowed == Some(false);
                    let (expected, origin) = match (choice.filter(|_| !locked), value) {
                        (Some(choice), _) => (choice, Origin::User),
                        (None, Some(value)) => (value, Origin::Administrator),
                        (None, None) => (false, Origin::Default),
                    };
                    let change = if locked { UserChange::Locked } else { UserChange::Allowed };
                    let case = format!("{key} {value:?} {allowed:?} {choice:?}");
                    assert_eq!((setting.value, setting.origin, setting.change), (expected, origin, change), "{case}");
                    let ignored = effective.notes.iter().any(|note| note.code == "user_choice_locked");
                    assert_eq!(ignored, locked && choice.is_some_and(|choice| choice != expected), "{case}");
                }
            }
        }
    }
    for wrong in ["SMIMEEnabled", "SMIMEEnabled=yes", "Other=true", "=true"] {
        assert!(wrong.parse::<smime::policy::effective::UserChoice>().is_err(), "{wrong}");
    }
}

#[test]
fn out_68_smime_is_off_until_somebody_turns_it_on() {
    for channel in [Channel::IosDevice, Channel::AndroidDevice, Channel::ManagedApp] {
        let nothing = AppConfig::unconfigured(channel);
        let off = EffectivePolicy::of(&nothing, &UserChoices::default());
        assert!(matches!(off.access(), Access::Disabled(disabled) if disabled.origin == Origin::Default));
        let mut user = UserChoices::default();
        user.choose("SMIMEEnabled=true".parse().unwrap());
        assert_eq!(EffectivePolicy::of(&nothing, &user).access(), Access::Enabled);
    }
    let on = configured(SMIME_ENABLED, Some(true), None);
    assert_eq!(EffectivePolicy::of(&on, &UserChoices::default()).access(), Access::Enabled);
}

#[test]
fn out_69_smime_turns_conversations_off() {
    let on = EffectivePolicy::of(&configured(SMIME_ENABLED, Some(true), None), &UserChoices::default());
    assert_eq!(on.organize_by_thread(), Some(false));
    let off = EffectivePolicy::of(&configured(SMIME_ENABLED, None, None), &UserChoices::default());
    assert_eq!(off.organize_by_thread(), None);
}

#[test]
fn out_70_what_is_required_and_locked_is_required_and_else_preselected() {
    let (locked, _) = app_config(&policy_file("ios.plist"));
    let effective = EffectivePolicy::of(&locked, &UserChoices::default());
    assert_eq!(effective.preselected(), Protection::SignedAndEncrypted);
    // Encryption is locked; the signature the user may leave out.
    assert!(effective.may_send(Protection::SignedAndEncrypted).is_ok());
    assert!(effective.may_send(Protection::Encrypted).is_ok());
    for protection in [Protection::None, Protection::Signed] {
        assert_eq!(effective.may_send(protection).unwrap_err().missing, "encryption");
    }
    let (android, _) = app_config(&policy_file("android.json"));
    let effective = EffectivePolicy::of(&android, &UserChoices::default());
    assert_eq!(effective.preselected(), Protection::Signed);
    assert_eq!(effective.may_send(Protection::Encrypted).unwrap_err().missing, "a signature");
    assert!(effective.may_send(Protection::Signed).is_ok());
    // While S/MIME is off nothing can be required of it, and that is told.
    let off = EffectivePolicy::of(&configured(SIGN_ALL, Some(true), Some(false)), &UserChoices::default());
    assert!(off.may_send(Protection::None).is_ok());
    assert_eq!((off.preselected(), codes(&off.notes)), (Protection::None, vec!["required_while_off"]));
}

#[test]
fn out_71_a_mailbox_policy_is_read_and_its_weak_algorithms_are_not_written() {
    let file = read(&policy_file("mailbox-policy.txt")).unwrap();
    let Content::ActiveSync(policy) = &file.content else { panic!("{}", file.content.kind()) };
    assert!(policy.require_signed && !policy.require_encrypted && policy.allow_soft_certs);
    assert_eq!(policy.negotiation(), Negotiation::OnlyStrong);
    assert!(file.notes.is_empty(), "{:?}", file.notes);
    let defaults = MailboxPolicy::unconfigured();
    assert_eq!((defaults.digest().name(), defaults.cipher().name()), ("sha1", "3des-cbc"));
    assert_eq!(defaults.negotiation(), Negotiation::Any);
    assert!(defaults.allow_soft_certs && !defaults.require_signed && !defaults.require_encrypted);
    let with = |name: &str, value: &str| {
        let file = read(format!("Set-MobileDeviceMailboxPolicy -Identity Default -{name} {value}").as_bytes())?;
        match file.content {
            Content::ActiveSync(policy) => Ok::<_, Faults>(policy),
            other => panic!("{}", other.kind()),
        }
    };
    for (value, cipher) in [("DES", "des-cbc"), ("2", "rc2-128-cbc"), ("RC264bit", "rc2-64-cbc"), ("4", "rc2-40-cbc")] {
        let policy = with("RequireEncryptionSMIMEAlgorithm", value).unwrap();
        assert_eq!(policy.cipher().name(), cipher);
        let refused = policy.encrypt_by(&mut Policy::default()).unwrap_err();
        assert_eq!((refused.setting, refused.algorithm), ("RequireEncryptionSMIMEAlgorithm", cipher));
    }
    let mut wanted = Policy::default();
    let notes = with("RequireEncryptionSMIMEAlgorithm", "TripleDES").unwrap().encrypt_by(&mut wanted).unwrap();
    assert_eq!((wanted.content_cipher.name(), codes(&notes)), ("aes256-cbc", vec!["algorithm_replaced"]));
    assert!(with("RequireSignedSMIMEAlgorithm", "MD5").unwrap().sign_by(&mut wanted).is_err());
    assert!(with("RequireSignedSMIMEAlgorithm", "SHA1").unwrap().sign_by(&mut wanted).is_ok());
    assert_eq!(wanted.digest.name(), "sha256");
    let wrong = with("RequireEncryptionSMIMEAlgorithm", "5").unwrap_err().to_string();
    assert!(wrong.contains("RequireEncryptionSMIMEAlgorithm must be one of 0 (TripleDES)"), "{wrong}");
    let set = PolicySet::new(vec![file]).unwrap();
    let effective = set.effective(&UserChoices::default());
    assert_eq!(effective.may_send(Protection::Encrypted).unwrap_err().missing, "a signature");
}

#[test]
fn out_72_a_deployment_says_which_step_a_missing_part_belongs_to() {
    let text = fixture("deployment.json");
    let (document, notes) = deployment(&text).unwrap();
    assert_eq!((document.name.as_str(), document.description.as_str()), ("S/MIME for all", "Everybody signs."));
    assert_eq!(document.platform, Platform::AndroidEnterprise);
    assert_eq!(document.enrolment, Some(Enrolment::WorkProfile));
    assert_eq!(document.profile_types, ["personally owned work profile"]);
    assert_eq!(document.assignments, ["Staff", "Contractors"]);
    assert!(document.settings.smime_enabled && document.settings.sign_all && notes.is_empty());
    for (member, what, step) in [
        ("name", "the name of the policy", "Basics"),
        ("target_app", "the target app", "Basics"),
        ("platform", "the platform", "Basics"),
        ("enrolment", "the enrolment", "Basics"),
        ("settings", "the settings", "Settings"),
    ] {
        let without = text.replace(&format!("\"{member}\""), "\"x\"");
        assert_eq!(deployment(&without).unwrap_err().faults, [Fault::Missing { what, step }], "{member}");
    }
    let nobody = text.replace("[\"Staff\", \"Contractors\"]", "[]");
    assert_eq!(codes(&deployment(&nobody).unwrap().1), ["assigned_to_nobody"]);
    for (from, to, why) in [
        ("Microsoft Outlook", "Mail", "Basics"),
        ("\"S/MIME for all\"", "7", "name must be text"),
        ("android-enterprise", "android", "platform must be one of ios, android-enterprise"),
        ("configuration-designer", "property-list", "iOS only"),
        ("android-enterprise", "ios", "Android only"),
        ("[\"Staff\", \"Contractors\"]", "[1]", "assignments must be"),
        ("AllMail\": true", "AllMail\": \"true\"", "must be a Boolean"),
    ] {
        let faults = deployment(&text.replace(from, to)).unwrap_err().to_string();
        assert!(faults.contains(why), "{to}: {faults}");
    }
}

#[test]
fn out_150_waiting_certificates_are_an_event_or_a_message() {
    let (document, _) = deployment(&fixture("deployment.json")).unwrap();
    let notice = document.certificates.notice("Alice Example").unwrap();
    assert_eq!((notice.kind, notice.user.as_str()), (NotificationKind::Email, "Alice Example"));
    let envelope = Envelope {
        from: Named { name: Some("IT".into()), address: "it@example.com".parse().unwrap() },
        to: "alice@example.com".parse().unwrap(),
        date: "2026-11-24T08:00:00Z".parse().unwrap(),
        message_id: "1@example.com".into(),
    };
    let mail = notice::message(&notice, &envelope).unwrap().unwrap();
    let golden = "Date: Tue, 24 Nov 2026 08:00:00 +0000\r\nFrom: IT <it@example.com>\r\n\
        To: Alice Example <alice@example.com>\r\nSubject: Your mail certificates are ready\r\n\
        Message-ID: <1@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\
        Content-Transfer-Encoding: 7bit\r\n\r\nCertificates for signing and encrypting your mail are ready.\r\n\
        Open the Company Portal app on your phone to retrieve them, and stay in the app until it says that they are \
        installed.\r\n";
    assert_eq!(String::from_utf8(mail.clone()).unwrap(), golden);
    assert_eq!(Message::parse(&mail).unwrap().recipients().unwrap(), std::slice::from_ref(&envelope.to));
    let portal = fixture("deployment.json").replace("\"email\"", "\"company-portal\"");
    let event = deployment(&portal).unwrap().0.certificates.notice("Alice").unwrap();
    assert!(event.kind == NotificationKind::CompanyPortal && event.text.contains("Tap here"));
    assert_eq!(notice::message(&event, &envelope).unwrap(), None);
    let injected = smime::policy::deployment::Notice { user: "Eve\r\nBcc: all@example.com".into(), ..notice };
    assert!(notice::message(&injected, &envelope).is_err());
}

#[test]
fn out_151_a_retrieval_goes_through_its_states_in_order() {
    let fail = || Step::Fail { reason: "the device is locked".into() };
    let retrieved = Progress::default().after(Step::Retrieve).unwrap();
    assert_eq!(retrieved, Progress::Retrieved);
    assert_eq!(retrieved.clone().after(Step::Install).unwrap(), Progress::Installed);
    for state in [Progress::Pending, Progress::Retrieved] {
        let failed = state.after(fail()).unwrap();
        assert_eq!(failed, Progress::Failed { reason: "the device is locked".into() });
        assert_eq!(failed.after(Step::Retry).unwrap(), Progress::Pending);
    }
    for (state, step) in [
        (Progress::Pending, Step::Install),
        (Progress::Retrieved, Step::Retrieve),
        (Progress::Installed, fail()),
        (Progress::Installed, Step::Retry),
    ] {
        let error = state.clone().after(step.clone()).unwrap_err();
        assert_eq!((error.from, error.step), (state, step));
    }
}
