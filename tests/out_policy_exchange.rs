//! Set-SmimeConfig and Outlook's registry values, row by row (OUT-80 to OUT-86).

#![cfg(feature = "policy-files")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::people::{Authority, now};
use common::policy_file;
use smime::cert::mailbox::{AddressMatch, AddressRule};
use smime::cert::status::ValidationStatus;
use smime::crypto::algorithm::{ContentCipher, DigestAlgorithm};
use smime::policy::document::{Content, PolicyFile, PolicySet};
use smime::policy::effective::{Protection, UserChoices};
use smime::policy::exchange::SmimeConfig;
use smime::policy::exchange::algorithms::Written;
use smime::policy::policy::{
    Capabilities, CertificateIdentifier, Form, IncludedCertificates, Policy, Sha1Signing, TripleWrap,
};
use smime::policy::registry::{LEVEL_2_ERRORS, SecurityValues};
use smime::policy::sending::{BccForking, PermittedKeys, ReplySignature, UnreachableList};
use smime::policy::table::{Origin, UserChange};
use smime::policy::value::{Fault, Faults};
use smime::{EmailAddress, Limits, Message, Profile, RevocationMode, Signer};
use std::time::Duration;

fn read(bytes: &[u8]) -> Result<PolicyFile, Faults> {
    PolicyFile::read(bytes, &Limits::default())
}

fn exchange(bytes: &[u8]) -> (SmimeConfig, Vec<&'static str>) {
    let file = read(bytes).unwrap();
    match file.content {
        Content::Exchange(config) => (config, file.notes.iter().map(|note| note.code).collect()),
        other => panic!("it is taken for {}", other.kind()),
    }
}

/// With one parameter.
fn with(name: &str, value: &str) -> (SmimeConfig, Vec<&'static str>) {
    exchange(format!("Set-SmimeConfig -{name} '{value}'").as_bytes())
}

fn registry(text: &str) -> SecurityValues {
    let text = format!("Windows Registry Editor Version 5.00\n\n{text}");
    match read(text.as_bytes()).unwrap().content {
        Content::Registry(values) => values,
        other => panic!("it is taken for {}", other.kind()),
    }
}

/// Under the administrator's key.
fn decided(values: &str) -> SecurityValues {
    registry(&format!("[HKEY_CURRENT_USER\\Software\\Policies\\Microsoft\\Office\\16.0\\Outlook\\Security]\n{values}"))
}

#[test]
fn out_80_encryption_lists_follow_their_grammar_or_mean_aes_256() {
    let (config, notes) = with("OWAEncryptionAlgorithms", "6603;6602:128;6602:64;6601;6602:56");
    let list = config.ciphers();
    let found: Vec<_> = list.entries.iter().map(|entry| entry.algorithm.map(ContentCipher::name)).collect();
    assert_eq!(found, [Some("3des-cbc"), Some("rc2-128-cbc"), Some("rc2-64-cbc"), Some("des-cbc"), None]);
    assert!(notes.is_empty() && list.written == Written::ByAdministrator);
    let refused = config.encrypt_by(&mut Policy::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "OWAEncryptionAlgorithms allows 3des-cbc, rc2-128-cbc, rc2-64-cbc, des-cbc, 6602:56 only, none of which is \
         encrypted with here: encryption is not allowed"
    );
    for (text, cipher) in [("660e;6610", "aes128-cbc"), ("660F", "aes192-cbc"), ("6601;6610", "aes256-cbc")] {
        let mut policy = Policy::default();
        with("OWAEncryptionAlgorithms", text).0.encrypt_by(&mut policy).unwrap();
        assert_eq!(policy.content_cipher.name(), cipher, "{text}");
    }
    // What the administrator names by identifier is what is written, or what is not there.
    let mut policy = Policy::default();
    with("OWAEncryptionAlgorithms", "6610,2.16.840.1.101.3.4.1.46").0.encrypt_by(&mut policy).unwrap();
    assert_eq!(policy.content_cipher, ContentCipher::Aes256Gcm);
    assert!(with("OWAEncryptionAlgorithms", "6610,1.2.3.4").0.encrypt_by(&mut policy).is_err());
    for malformed in [
        "AES256",
        "661",
        "66100",
        "6604",
        "6610;",
        ";6610",
        "6610,",
        "6610, 1.2.3",
        "6610:256",
        "6602:48",
        "6602:",
        "6602:+40",
        "6610;;660E",
        " 6610",
        "6610,1.2.3,4",
        "+610",
    ] {
        let (config, notes) = with("OWAEncryptionAlgorithms", malformed);
        assert_eq!(notes, ["malformed_algorithm_list"], "{malformed}");
        let mut policy = Policy::new(Profile::Rfc8551);
        assert!(config.encrypt_by(&mut policy).unwrap().is_empty());
        assert_eq!((policy.content_cipher, config.ciphers().written), (ContentCipher::Aes256Cbc, Written::ByDefault));
    }
    let absent = SmimeConfig::unconfigured().ciphers();
    assert_eq!((absent.entries[0].id, absent.written, absent.note), (0x6610, Written::ByDefault, None));
}

#[test]
fn out_81_signing_lists_mean_sha_1_where_they_are_malformed_which_is_not_signed_with() {
    let digests = |config: &SmimeConfig| -> Vec<_> {
        config.digests().entries.iter().map(|entry| entry.algorithm.map_or("", DigestAlgorithm::name)).collect()
    };
    let (config, notes) = with("OWASigningAlgorithms", "800E;8004;8003");
    assert_eq!((digests(&config), notes.len()), (vec!["sha512", "sha1", "md5"], 0));
    let signed_by = |text: &str| {
        let mut policy = Policy::default();
        let notes = with("OWASigningAlgorithms", text).0.sign_by(&mut policy);
        (policy.digest.name(), notes.iter().map(|note| note.code).collect::<Vec<_>>())
    };
    assert_eq!(signed_by("800E;8004;8003"), ("sha512", vec![]));
    assert_eq!(signed_by("8004;800D"), ("sha384", vec!["algorithm_replaced"]));
    assert_eq!(signed_by("8003"), ("sha256", vec!["algorithm_replaced"]));
    // The example of Microsoft's page, 8804, is no identifier.
    for malformed in ["8804", "8004:160", "6610", "SHA256", ""] {
        let (config, notes) = with("OWASigningAlgorithms", malformed);
        assert_eq!(digests(&config), ["sha1"], "{malformed}");
        assert_eq!(notes.is_empty(), malformed.is_empty(), "{malformed}");
        assert_eq!(signed_by(malformed).0, "sha256");
    }
    // On the caller's word SHA-1 is what the list says.
    let mut policy = Policy::default();
    policy.sha1_signing = Sha1Signing::Allow;
    assert!(with("OWASigningAlgorithms", "8804").0.sign_by(&mut policy).is_empty());
    assert_eq!(policy.digest, DigestAlgorithm::Sha1);
}

#[test]
fn out_82_a_recipient_s_other_addresses_count_where_the_switch_is_on() {
    let ca = Authority::root("CA");
    let bob = ca.person("Bob", "robert@example.com");
    let address = |text: &str| text.parse::<EmailAddress>().unwrap();
    let (primary, others) = (address("bob@example.com"), [address("b@example.com"), address("Robert@example.com")]);
    let mut config = SmimeConfig::unconfigured();
    let ask = |config: &SmimeConfig, others: &[EmailAddress]| {
        config.is_for_recipient(bob.certificate(), &primary, others, &AddressRule::OUTLOOK)
    };
    assert!(matches!(ask(&config, &others), AddressMatch::Matches { .. }));
    assert!(!matches!(ask(&config, &others[..1]), AddressMatch::Matches { .. }));
    config.use_secondary_proxies_when_finding_certificates = false;
    assert!(!matches!(ask(&config, &others), AddressMatch::Matches { .. }));
    let own = config.is_for_recipient(bob.certificate(), &others[1], &[], &AddressRule::OUTLOOK);
    assert!(matches!(own, AddressMatch::Matches { .. }));
}

#[test]
fn out_83_one_slow_list_or_a_slow_sum_fails_the_validation() {
    let timeouts = SmimeConfig::unconfigured().crl_timeouts();
    let seconds = Duration::from_secs;
    assert_eq!((timeouts.connection, timeouts.retrieval), (seconds(60), seconds(10)));
    assert!(timeouts.judge(&[seconds(4), seconds(6)]).is_ok());
    let (status, reason) = timeouts.judge(&[seconds(4), seconds(4), seconds(4)]).unwrap_err();
    assert_eq!((status, reason.code), (ValidationStatus::RevocationOffline, "crl_timeout"));
    assert_eq!(status.number(), 14);
    assert!(reason.text.contains("12000 ms together, and 10000"), "{reason}");
    let (config, _) = exchange(&policy_file("smimeconfig.json"));
    let short = config.crl_timeouts();
    assert_eq!((short.connection, short.retrieval), (seconds(30), seconds(5)));
    let quick =
        exchange(b"Set-SmimeConfig -OWACRLConnectionTimeout 1000 -OWACRLRetrievalTimeout 60000").0.crl_timeouts();
    assert!(quick.judge(&[seconds(1); 5]).is_ok());
    assert!(quick.judge(&[seconds(1), seconds(2)]).unwrap_err().1.text.contains("one revocation list took 2000 ms"));
    // What is left for the next one.
    assert_eq!(timeouts.next(Duration::ZERO), Some(seconds(10)));
    assert_eq!(timeouts.next(seconds(9)), Some(seconds(1)));
    assert_eq!(timeouts.next(seconds(10)), None);
    assert_eq!(quick.next(seconds(3)), Some(seconds(1)));
}

#[test]
fn out_84_json_printed_lists_and_typed_commands_say_the_same() {
    let (json, notes) = exchange(&policy_file("smimeconfig.json"));
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(json.certificate_issuing_ca.as_ref().map(Vec::len), Some(20));
    for name in ["smimeconfig.txt", "set-smimeconfig.ps1"] {
        let (text, notes) = exchange(&policy_file(name));
        assert_eq!(notes, ["store_not_read"], "{name}");
        let values = |config: &SmimeConfig| -> Vec<(String, String, Origin)> {
            let lines = config.lines().into_iter();
            let lines = lines.filter(|line| line.name != "SMIMECertificateIssuingCA");
            lines.map(|line| (line.name, line.value, line.origin)).collect()
        };
        assert_eq!(values(&text), values(&json), "{name}");
    }
    assert!(json.always_sign && !json.always_encrypt && !json.no_sign_on_reply);
    assert!(json.lines().iter().all(|line| line.change == UserChange::Locked));
    // Defaults, as Microsoft has them.
    let lines = SmimeConfig::unconfigured().lines();
    let value = |name: &str| lines.iter().find(|line| line.name == name).unwrap().value.clone();
    let on = lines.iter().filter(|line| line.value == "true").map(|line| line.name.as_str());
    assert_eq!(
        on.collect::<Vec<_>>(),
        [
            "OWAClearSign",
            "OWAEncryptTemporaryBuffers",
            "OWAForceSMIMEClientUpgrade",
            "OWASignedEmailCertificateInclusion",
            "OWAUseSecondaryProxiesWhenFindingCertificates",
            "NoSignOnReply",
        ]
    );
    assert_eq!((value("OWAEncryptionAlgorithms"), value("OWASigningAlgorithms")), ("6610".into(), "8004".into()));
    assert_eq!((lines.len(), value("OWADLExpansionTimeout")), (26, "60000".into()));
    assert!(lines.iter().all(|line| line.origin == Origin::Default));
}

#[test]
fn out_84_unknown_names_are_told_and_wrong_values_are_errors() {
    let (_, notes) = exchange(b"Set-SmimeConfig -OWAAlwaysSign $true -OWAAlwaysSing $true");
    assert_eq!(notes, ["unknown_key"]);
    let shown = |text: &str| with("OWASenderCertificateAttributesToDisplay", text);
    let (config, notes) = shown("2.5.4.3, 1.2.840.113549.1.9.1");
    assert_eq!((config.attributes_to_display().unwrap().len(), notes.len()), (2, 0));
    assert_eq!(shown("2.5.4.3;CN").1, ["malformed_attribute_list"]);
    let (config, _) = exchange(b"owaalwayssign : TRUE\nOWAClearSign:$false\n");
    assert!(config.always_sign && !config.clear_sign);
    for (text, expected) in [
        (
            "Set-SmimeConfig -OWAAlwaysSign yes",
            "OWAAlwaysSign must be a Boolean, $true or $false, and is the text \"yes\"",
        ),
        ("Set-SmimeConfig -OWACRLConnectionTimeout -1", "a whole number of 32 bits, and is the text \"-1\""),
        ("Set-SmimeConfig -OWACRLConnectionTimeout 4294967296", "a whole number of 32 bits"),
        (
            "Set-SmimeConfig -OWABCCEncryptedEmailForking 3",
            "OWABCCEncryptedEmailForking must be one of 0 (one per Bcc)",
        ),
        ("{\"OWAAlwaysSign\": 1}", "OWAAlwaysSign must be a Boolean"),
        ("{\"OWAEncryptionAlgorithms\": 6610}", "OWAEncryptionAlgorithms must be text"),
        ("{\"SMIMECertificateIssuingCA\": [256]}", "SMIMECertificateIssuingCA must be bytes"),
        ("{\"OWAAlwaysSign\": true, \"OWAAlwaysSign\": false}", "OWAAlwaysSign is there twice (line 1"),
        ("{\"OWAAlwaysSign\": true, \"owaAlwaysSign\": false}", "owaAlwaysSign is there twice"),
        ("Set-SmimeConfig -OWAAlwaysSign", "-OWAAlwaysSign has no value (line 1)"),
        ("Set-SmimeConfig\n-OWAAlwaysSign 'true", "a quote does not end (line 2)"),
        ("Set-SmimeConfig -OWAAlwaysSign $true; Remove-Item x", "Remove-Item"),
        ("Set-SmimeConfig ` -OWAAlwaysSign $true", "stray backtick"),
        ("OWAAlwaysSign : True\nno line of a list", "line 2"),
        ("{\"OWAAlwaysSign\": tru}", "the JSON cannot be read"),
        ("{\"name\": 1}", "none of the policy files"),
        ("hello", "none of the policy files"),
        ("", "none of the policy files"),
    ] {
        let said = read(text.as_bytes()).unwrap_err().to_string();
        assert!(said.contains(expected), "{text}: {said}");
    }
    let set = |name: &str| read(&policy_file(name)).unwrap();
    let twice = PolicySet::new(vec![set("smimeconfig.json"), set("smimeconfig.txt")]).unwrap_err();
    assert!(matches!(twice.faults[..], [Fault::Conflict(_)]));
}

#[test]
fn out_84_the_parameters_are_choices_of_a_policy() {
    let (config, _) = exchange(&policy_file("smimeconfig.json"));
    let mut policy = Policy::default();
    let notes = config.sign_by(&mut policy);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!((policy.form, policy.digest), (Form::Opaque, DigestAlgorithm::Sha512));
    assert_eq!(policy.certificates, IncludedCertificates::ChainWithoutRoot);
    assert_eq!((policy.capabilities, policy.triple_wrap), (Capabilities::Outlook, TripleWrap::On));
    assert_eq!(policy.identifier, CertificateIdentifier::IssuerAndSerial);
    config.encrypt_by(&mut policy).unwrap();
    assert_eq!(policy.identifier, CertificateIdentifier::SubjectKeyIdentifier);
    assert_eq!(policy.content_cipher, ContentCipher::Aes128Cbc);
    let sending = policy.sending;
    assert_eq!((sending.bcc_forking, sending.keys), (BccForking::OneForAll, PermittedKeys::Any));
    assert_eq!((sending.reply_signature, sending.unreachable_list), (ReplySignature::Inherit, UnreachableList::Block));
    for (forking, outputs) in [("0", 4), ("1", 2), ("2", 1)] {
        let forking = with("OWABCCEncryptedEmailForking", forking).0.bcc_forking();
        assert_eq!(forking.groups(&["a", "b"], &["x", "y", "z"]).len(), outputs);
    }
    assert_eq!(BccForking::OneForAll.groups::<&str>(&["a"], &[]), [["a"]]);
    let defaults = SmimeConfig::unconfigured();
    let mut policy = Policy::default();
    defaults.sign_by(&mut policy);
    assert_eq!((policy.form, policy.certificates), (Form::Clear, IncludedCertificates::Signer));
    assert_eq!((policy.capabilities, policy.triple_wrap), (Capabilities::Omit, TripleWrap::Off));
    assert_eq!(policy.sending.unreachable_list, UnreachableList::Allow);
    let both = "Set-SmimeConfig -OWAIncludeCertificateChainAndRootCertificate $true \
                -OWAIncludeCertificateChainWithoutRootCertificate $true";
    exchange(both.as_bytes()).0.sign_by(&mut policy);
    assert_eq!(policy.certificates, IncludedCertificates::ChainWithRoot);
    let set =
        PolicySet::new(vec![read(b"Set-SmimeConfig -OWAOnlyUseSmartCard $true -OWADisableCRLCheck $true").unwrap()]);
    let set = set.unwrap();
    assert_eq!((set.permitted_keys(), set.revocation()), (PermittedKeys::CardOnly, Some(RevocationMode::Off)));
    let (_, notes) = with("OWACopyRecipientHeaders", "$true");
    assert_eq!(notes, ["reserved_parameter"]);
}

#[test]
fn out_84_a_signature_has_the_certificates_and_attributes_that_are_configured() {
    let ca = Authority::root("CA");
    let alice = ca.person("Alice", "alice@example.com");
    let mail = b"From: alice@example.com\r\nTo: bob@example.com\r\n\r\nhello\r\n";
    let signed = |config: &str| {
        let mut policy = Policy::default();
        exchange(format!("Set-SmimeConfig {config}").as_bytes()).0.sign_by(&mut policy);
        let bytes = Signer::new(&alice, &policy).unwrap().sign(&Message::parse(mail).unwrap(), now()).unwrap();
        let trust = ca.trust();
        let opener = smime::Opener::new(&trust, &policy);
        let layer = opener.open(&bytes, now()).unwrap().report().covering_signatures().next().unwrap().clone();
        (layer, bytes)
    };
    let (layer, _) = signed("-OWASignedEmailCertificateInclusion $false");
    assert!(layer.certificates.is_empty());
    let (layer, clear) = signed("-OWAAlwaysSign $true");
    assert_eq!(layer.certificates.len(), 1);
    assert!(String::from_utf8(clear).unwrap().contains("multipart/signed"));
    let (layer, opaque) = signed("-OWAIncludeCertificateChainAndRootCertificate $true -OWAClearSign $false");
    assert_eq!(layer.certificates.len(), 2);
    assert!(String::from_utf8(opaque).unwrap().contains("signed-data"));
}

#[test]
fn out_85_each_group_of_a_message_has_its_time() {
    let defaults = SmimeConfig::unconfigured();
    assert_eq!(defaults.expansion_timeout(1), Duration::from_secs(60));
    assert_eq!(defaults.expansion_timeout(3), Duration::from_secs(180));
    assert_eq!(defaults.expansion_timeout(0), Duration::ZERO);
    assert_eq!(exchange(&policy_file("smimeconfig.json")).0.expansion_timeout(5), Duration::from_secs(100));
}

#[test]
fn out_86_the_registry_s_values_are_the_administrator_s_or_the_user_s() {
    let file = read(&policy_file("outlook.reg")).unwrap();
    let Content::Registry(values) = &file.content else { panic!("{}", file.content.kind()) };
    assert_eq!(values.origin("AlwaysSign"), Origin::Administrator);
    assert_eq!(values.origin("AlwaysEncrypt"), Origin::User);
    assert_eq!(values.origin("MSGFormats"), Origin::Default);
    assert!(values.always_sign && values.always_encrypt && !values.clear_sign);
    assert_eq!(values.required_ca.as_deref(), Some("CN=\"Example\" CA"));
    assert_eq!(values.revocation_mode(), RevocationMode::Hard);
    let codes: Vec<_> = file.notes.iter().map(|note| note.code).collect();
    assert_eq!(codes, ["unknown_key"], "{:?}", file.notes);
    assert!(file.notes[0].text.contains("Level1Remove") && file.notes[0].text.contains("line 12"));
    let lines = values.lines();
    let change = |name: &str| lines.iter().find(|line| line.name == name).unwrap().change;
    assert_eq!((change("AlwaysSign"), change("AlwaysEncrypt")), (UserChange::Locked, UserChange::Allowed));

    let set = PolicySet::new(vec![file]).unwrap();
    let mut policy = Policy::default();
    set.sign_by(&mut policy).unwrap();
    set.encrypt_by(&mut policy).unwrap();
    assert_eq!((policy.form, policy.digest), (Form::Opaque, DigestAlgorithm::Sha512));
    assert_eq!(policy.content_cipher, ContentCipher::Aes128Cbc);
    let effective = set.effective(&UserChoices::default());
    assert!(effective.may_send(Protection::Signed).is_ok(), "the user's own AlwaysEncrypt binds nobody");
    assert!(effective.may_send(Protection::Encrypted).is_err());
}

#[test]
fn out_86_every_value_has_its_meaning_and_nothing_weak_comes_of_it() {
    let values = decided("\"SigStatusNoCRL\"=dword:00000000\n\"SigStatusNoTrustDecision\"=dword:1\n");
    assert_eq!((values.revocation_mode(), values.sig_status_no_trust_decision), (RevocationMode::Soft, 1));
    let defaults = SecurityValues::unconfigured();
    assert_eq!((defaults.sig_status_no_trust_decision, defaults.sig_status_no_crl, defaults.msg_formats), (2, 0, 1));
    assert!(defaults.clear_sign && !defaults.promote_errors_as_warnings && LEVEL_2_ERRORS.len() == 8);
    let mut policy = Policy::default();
    let weak =
        "\"UseAlternateDefaultEncryptionAlg\"=dword:00000001\n\"DefaultEncryptionAlgOID\"=\"1.2.840.113549.3.7\"\n";
    assert_eq!(decided(weak).encrypt_by(&mut policy).unwrap_err().setting, "DefaultEncryptionAlgOID");
    let sha1 = "\"UseAlternateDefaultHashAlg\"=dword:00000001\n\"DefaultHashOID\"=\"1.3.14.3.2.26\"\n";
    assert!(decided(sha1).sign_by(&mut policy).unwrap_err().to_string().contains("1.3.14.3.2.26"));
    // Without the switch the identifier means nothing.
    decided("\"DefaultEncryptionAlgOID\"=\"1.2.840.113549.3.7\"\n").encrypt_by(&mut policy).unwrap();
    let text = |values: &str| {
        let key = "[HKEY_CURRENT_USER\\Software\\Policies\\Microsoft\\Office\\16.0\\Outlook\\Security]";
        read(format!("Windows Registry Editor Version 5.00\n{key}\n{values}").as_bytes()).unwrap_err().to_string()
    };
    assert!(text("\"AlwaysSign\"=dword:00000002").starts_with("AlwaysSign must be a DWORD of 0 or 1"));
    assert!(text("\"AlwaysSign\"=\"1\"").contains("is the text \"1\" (line 3)"));
    assert!(text("\"SigStatusNoCRL\"=dword:2").contains("one of 0 (warning), 1 (error)"));
    assert!(text("AlwaysSign=1").contains("line 3"));
    assert!(text("\"AlwaysSign\"=dword:zz").contains("line 3"));
    assert!(text("[HKEY").contains("a key has no end"));
    let twice = text("\"AlwaysSign\"=dword:1\n\"alwayssign\"=dword:0");
    assert!(twice.contains("alwayssign is there twice (line 4)"), "{twice}");
    let json = read(b"{\"AlwaysEncrypt\": 1}").unwrap();
    let effective = PolicySet::new(vec![json]).unwrap().effective(&UserChoices::default());
    assert_eq!(effective.may_send(Protection::Signed).unwrap_err().missing, "encryption");
}
