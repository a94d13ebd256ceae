//! Certificates and keys on their way to devices: Intune's objects around PKCS#12 files, and which of what arrived is used.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::people::{Authority, now};
use smime::asn1::oid;
use smime::cert::extension::KeyUsage;
use smime::cert::issue::CertificateTemplate;
use smime::cert::purpose::PurposeRule;
use smime::crypto::algorithm::{DigestAlgorithm, KeyTransport};
use smime::crypto::private::PrivateKey;
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::{KeyKind, PublicKey};
use smime::policy::deployment::{CertificateDeployment, CertificateSource, Enabled, Keychain, Platform};
use smime::policy::value::Value;
use smime::store::delivery::{Delivered, Selection, select};
use smime::store::intune_pfx::{Delivery, Error, IntendedPurpose, PaddingScheme, UserPfxCertificate, read_public_key};
use smime::store::{p12, pem};
use smime::{Certificate, Identity, Limits, Secret, Time};
use std::sync::OnceLock;

fn connector() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| PrivateKey::generate(KeyKind::Rsa, 2048).unwrap())
}

fn public() -> PublicKey {
    connector().public_key(&Limits::default()).unwrap()
}

/// A PKCS#12 of Alice, and her certificate.
fn pfx(usage: KeyUsage, password: &str) -> (Vec<u8>, Certificate) {
    let ca = Authority::root("Root");
    let (certificate, key) = ca.user_with_key("Alice", |template| template.key_usage = Some(usage));
    let key = key.private_key().to_pkcs8().unwrap();
    let chain = [certificate.clone(), ca.certificate];
    let password = Secret::from(password);
    (p12::write(&key, &chain, "Alice", &password, p12::Profile::Modern, &mut SystemRandom).unwrap(), certificate)
}

fn delivery(intended_purpose: IntendedPurpose, padding_scheme: PaddingScheme) -> Delivery {
    Delivery {
        user_principal_name: "alice@corp.example".into(),
        intended_purpose,
        provider_name: "Microsoft Software Key Storage Provider".into(),
        key_name: "PFXKey".into(),
        padding_scheme,
    }
}

fn build(pfx: &[u8], password: &str, delivery: Delivery) -> Result<UserPfxCertificate, Error> {
    let limits = Limits::default();
    UserPfxCertificate::build(pfx, &Secret::from(password), delivery, &public(), now(), &mut SystemRandom, &limits)
}

fn member(object: &Value, name: &str) -> String {
    object.member(name).unwrap().text().unwrap().to_owned()
}

fn changed(object: &Value, name: &str, value: Value) -> Value {
    let Value::Map(members) = object else { panic!() };
    let new = |(key, old): &(String, Value)| (key.clone(), if key == name { value.clone() } else { old.clone() });
    Value::Map(members.iter().map(new).collect())
}

#[test]
fn out_131_the_object_has_microsoft_s_members() {
    let (file, certificate) = pfx(KeyUsage::KEY_AGREEMENT, "secret");
    let purpose = IntendedPurpose::SmimeEncryption;
    let object = build(&file, "secret", delivery(purpose, PaddingScheme::OaepSha512)).unwrap();
    let value = object.to_value();
    for (name, text) in [
        ("@odata.type", "#microsoft.graph.userPFXCertificate".to_owned()),
        ("thumbprint", common::hex(&certificate.sha1())),
        ("intendedPurpose", "smimeEncryption".into()),
        ("userPrincipalName", "alice@corp.example".into()),
        ("startDateTime", certificate.not_before().to_string()),
        ("expirationDateTime", certificate.not_after().to_string()),
        ("createdDateTime", now().to_string()),
        ("lastModifiedDateTime", now().to_string()),
        ("keyName", "PFXKey".into()),
        ("paddingScheme", "oaepSha512".into()),
        // The file itself, as it is.
        ("encryptedPfxBlob", pem::encode(&file)),
    ] {
        assert_eq!(member(&value, name), text);
    }
    assert_eq!(UserPfxCertificate::from_value(&value).unwrap(), object);
    let numbers = changed(&changed(&value, "intendedPurpose", Value::Integer(1)), "paddingScheme", Value::Integer(5));
    assert_eq!(UserPfxCertificate::from_value(&numbers).unwrap(), object);
    for (name, bad) in [
        ("paddingScheme", "pkcs1"),
        ("paddingScheme", "oaepSha1"),
        ("paddingScheme", "none"),
        ("intendedPurpose", "everything"),
        ("@odata.type", "#microsoft.graph.user"),
        ("startDateTime", "yesterday"),
        ("encryptedPfxBlob", "%%"),
    ] {
        let refused = UserPfxCertificate::from_value(&changed(&value, name, Value::Text(bad.into()))).unwrap_err();
        assert!(matches!(&refused, Error::Member { member, .. } if *member == name), "{refused}");
    }
    let Value::Map(members) = &value else { panic!() };
    for missing in members.iter().map(|(name, _)| name) {
        let rest = Value::Map(members.iter().filter(|(name, _)| name != missing).cloned().collect());
        assert!(matches!(UserPfxCertificate::from_value(&rest), Err(Error::Member { .. })), "{missing}");
    }
    // What the certificate is not for is not promised; a wrong password is found before anything is uploaded.
    let signing = delivery(IntendedPurpose::SmimeSigning, PaddingScheme::OaepSha512);
    assert!(matches!(build(&file, "secret", signing.clone()), Err(Error::Purpose { .. })));
    assert!(matches!(build(&file, "guess", signing), Err(Error::Pfx(_))));
}

/// A CNG blob, made by hand: BCRYPT_RSAPUBLIC_BLOB.
fn blob(key: &PrivateKey) -> Vec<u8> {
    let spki = key.public_key_spki();
    let (_, bits) = smime::keys::identity::public_key_bits(&spki).unwrap();
    let mut numbers = smime::asn1::ber::Reader::single(bits, "key").unwrap().sequence("key").unwrap();
    let mut number = || numbers.required_any("number").unwrap().unsigned("number").unwrap().to_vec();
    let (modulus, exponent) = (number(), number());
    let modulus: Vec<u8> = modulus.into_iter().skip_while(|octet| *octet == 0).collect();
    let words = [8 * modulus.len(), exponent.len(), modulus.len(), 0, 0];
    let words = words.map(|word| (word as u32).to_le_bytes()).concat();
    [b"RSA1".to_vec(), words, exponent, modulus].concat()
}

#[test]
fn out_132_the_password_has_an_octet_for_each_character_and_the_key_two_forms() {
    let limits = Limits::default();
    let (file, _) = pfx(KeyUsage::KEY_AGREEMENT, "pässwort");
    for padding in [PaddingScheme::OaepSha256, PaddingScheme::OaepSha384, PaddingScheme::OaepSha512] {
        let object = build(&file, "pässwort", delivery(IntendedPurpose::SmimeEncryption, padding)).unwrap();
        let digest = match padding {
            PaddingScheme::OaepSha256 => DigestAlgorithm::Sha256,
            PaddingScheme::OaepSha384 => DigestAlgorithm::Sha384,
            PaddingScheme::OaepSha512 => DigestAlgorithm::Sha512,
        };
        let transport = KeyTransport::oaep(digest);
        let octets = connector().decrypt(&transport, &object.encrypted_pfx_password, 8).unwrap();
        assert_eq!(octets.expose(), b"p\xe4sswort");
        assert!(connector().decrypt(&transport, &object.encrypted_pfx_password, 9).is_err());
    }
    let refused = build(&file, "日本", delivery(IntendedPurpose::Unassigned, PaddingScheme::OaepSha256));
    assert!(matches!(refused, Err(Error::Password)));

    let spki = connector().public_key_spki();
    let blob = blob(connector());
    for bytes in
        [pem::write("PUBLIC KEY", &spki).into_bytes(), spki.clone(), blob.clone(), pem::encode(&blob).into_bytes()]
    {
        assert_eq!(read_public_key(&bytes, &limits).unwrap().spki(), spki);
    }
    for cut in 0..blob.len() {
        assert!(read_public_key(&blob[..cut], &limits).is_err(), "{cut}");
    }
    // bit length, lengths of exponent and modulus, primes.
    for at in [4, 8, 12, 16, 20] {
        let mut bad = blob.clone();
        bad[at] ^= 1;
        assert!(matches!(read_public_key(&bad, &limits), Err(Error::PublicKey(_) | Error::Crypto(_))), "{at}");
    }
    let huge = [&b"RSA1"[..], &[0xff; 20]].concat();
    assert!(matches!(read_public_key(&huge, &limits), Err(Error::PublicKey(_))));
}

#[test]
fn out_133_what_is_wrapped_is_unwrapped_by_the_connector_alone() {
    let limits = Limits::default();
    // As long as OAEP with SHA-256 lets a password be, and a short one with a character of two octets in UTF-8.
    let long = "x".repeat(190);
    for (password, padding) in [("pässwort", PaddingScheme::OaepSha512), (long.as_str(), PaddingScheme::OaepSha256)] {
        let (file, certificate) = pfx(KeyUsage::DIGITAL_SIGNATURE, password);
        let object = build(&file, password, delivery(IntendedPurpose::SmimeSigning, padding)).unwrap();
        let (import, found) = object.open(connector(), &mut SystemRandom, &limits).unwrap();
        assert_eq!(import.sole_identity().unwrap().certificate(), &certificate);
        assert_eq!(found, Secret::from(password));
    }
    let (file, _) = pfx(KeyUsage::DIGITAL_SIGNATURE, "secret");
    let object = build(&file, "secret", delivery(IntendedPurpose::SmimeSigning, PaddingScheme::OaepSha512)).unwrap();
    let stranger = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap();
    assert!(matches!(object.open(&stranger, &mut SystemRandom, &limits), Err(Error::Decrypt)));
    let mut damaged = object.clone();
    damaged.encrypted_pfx_password[7] ^= 1;
    assert!(matches!(damaged.open(connector(), &mut SystemRandom, &limits), Err(Error::Decrypt)));
    let mut short = object.clone();
    short.encrypted_pfx_password.pop();
    assert!(matches!(short.open(connector(), &mut SystemRandom, &limits), Err(Error::Decrypt)));
    let mut other = object;
    other.thumbprint = "00".repeat(20);
    let refused = other.open(connector(), &mut SystemRandom, &limits);
    assert!(matches!(refused, Err(Error::Member { member: "thumbprint", .. })));
}

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

/// Something on a device, changed as the caller likes.
fn on_device(
    ca: &Authority,
    source: CertificateSource,
    usage: KeyUsage,
    years: (&str, &str),
    change: impl FnOnce(&mut CertificateTemplate),
) -> Delivered {
    let (certificate, key) = ca.user_with_key("Alice", |template| {
        template.key_usage = Some(usage);
        (template.not_before, template.not_after) = (at(years.0), at(years.1));
        change(template);
    });
    let identity = Identity::new(certificate, Vec::new(), key).unwrap();
    Delivered { identity, source, keychain: Keychain::MicrosoftPublisher, purpose: IntendedPurpose::Unassigned }
}

const LONG_AGO: (&str, &str) = ("2020-01-01T00:00:00Z", "2023-01-01T00:00:00Z");
const OLD: (&str, &str) = ("2024-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
const NEW: (&str, &str) = ("2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z");

fn deployment(signing: CertificateSource, encryption: CertificateSource) -> CertificateDeployment {
    CertificateDeployment {
        enabled: Enabled::Yes,
        signing: Some(signing),
        encryption: Some(encryption),
        ..CertificateDeployment::default()
    }
}

fn chosen<'d>(all: &'d [Delivered], deployment: &CertificateDeployment, platform: Platform) -> Selection<'d> {
    select(all, deployment, platform, &PurposeRule::default(), now())
}

fn codes(selection: &Selection<'_>, one: &Delivered) -> Vec<&'static str> {
    let same = |refused: &&smime::store::delivery::Refused<'_>| std::ptr::eq(refused.delivered, one);
    selection.refused.iter().filter(same).flat_map(|refused| refused.reasons.iter().map(|reason| reason.code)).collect()
}

use CertificateSource::{DerivedCredential, Pkcs, PkcsImported, Scep};

#[test]
fn out_134_one_to_sign_with_and_all_to_open_with() {
    let ca = Authority::root("Root");
    let all = [
        on_device(&ca, PkcsImported, KeyUsage::KEY_AGREEMENT, LONG_AGO, |_| {}),
        on_device(&ca, PkcsImported, KeyUsage::KEY_AGREEMENT, OLD, |_| {}),
        on_device(&ca, PkcsImported, KeyUsage::KEY_AGREEMENT, NEW, |_| {}),
        on_device(&ca, PkcsImported, KeyUsage::DIGITAL_SIGNATURE, OLD, |_| {}),
        on_device(&ca, PkcsImported, KeyUsage::DIGITAL_SIGNATURE, NEW, |_| {}),
        on_device(&ca, PkcsImported, KeyUsage::DIGITAL_SIGNATURE, LONG_AGO, |_| {}),
        on_device(&ca, PkcsImported, KeyUsage::DIGITAL_SIGNATURE, NEW, |t| {
            t.extended_key_usage = vec![oid::TIME_STAMPING]
        }),
    ];
    let selection = chosen(&all, &deployment(PkcsImported, PkcsImported), Platform::Ios);
    assert!(std::ptr::eq(selection.signing.unwrap(), &all[4]));
    assert!(std::ptr::eq(selection.encryption.unwrap(), &all[2]));
    let opening: Vec<_> = selection.opening.iter().map(|one| one.identity.certificate()).collect();
    assert_eq!(opening, [&all[2], &all[1], &all[0]].map(|one| one.identity.certificate()));
    assert!(codes(&selection, &all[5]).contains(&"not_valid_now"));
    assert!(codes(&selection, &all[6]).contains(&"extended_key_usage"));

    // What it was delivered for counts, too.
    let both = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT);
    let mut two = [on_device(&ca, PkcsImported, both, OLD, |_| {}), on_device(&ca, PkcsImported, both, NEW, |_| {})];
    two[0].purpose = IntendedPurpose::SmimeSigning;
    two[1].purpose = IntendedPurpose::SmimeEncryption;
    let selection = chosen(&two, &deployment(PkcsImported, PkcsImported), Platform::Ios);
    assert!(std::ptr::eq(selection.signing.unwrap(), &two[0]) && std::ptr::eq(selection.encryption.unwrap(), &two[1]));
    assert_eq!(selection.opening.len(), 1);
    assert_eq!(codes(&selection, &two[1]), ["other_purpose"]);
    let off = CertificateDeployment::default();
    let nothing = chosen(&two, &off, Platform::Ios);
    assert!(nothing.signing.is_none() && nothing.opening.is_empty() && nothing.refused.is_empty());
}

#[test]
fn out_135_a_derived_credential_is_one_that_is_there_already() {
    let ca = Authority::root("Root");
    let both = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT);
    let all = [on_device(&ca, DerivedCredential, both, OLD, |_| {}), on_device(&ca, PkcsImported, both, NEW, |_| {})];
    let selection = chosen(&all, &deployment(DerivedCredential, DerivedCredential), Platform::Ios);
    assert!(std::ptr::eq(selection.signing.unwrap(), &all[0]) && std::ptr::eq(selection.encryption.unwrap(), &all[0]));
    assert_eq!(codes(&selection, &all[1]), ["other_source", "other_source"]);
    // Of 1096 days, less than 20 percent remain from the middle of 2026 on.
    assert!(all[0].is_due(now()) && !all[0].is_due(at("2026-05-25T00:00:00Z")) && !all[1].is_due(now()));
}

#[test]
fn out_136_what_ios_hides_is_not_selected_and_the_reason_is_told() {
    let ca = Authority::root("Root");
    let mut all = [on_device(&ca, Scep, KeyUsage::DIGITAL_SIGNATURE, NEW, |_| {})];
    all[0].keychain = Keychain::System;
    let deployment = deployment(Scep, PkcsImported);
    let selection = chosen(&all, &deployment, Platform::Ios);
    assert!(selection.signing.is_none());
    assert!(codes(&selection, &all[0]).contains(&"keychain_not_visible"));
    assert!(chosen(&all, &deployment, Platform::AndroidEnterprise).signing.is_some());
}

#[test]
fn out_137_a_pkcs_certificate_of_a_device_signs_as_one_from_scep_does() {
    let ca = Authority::root("Root");
    let both = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT);
    for source in [Pkcs, Scep] {
        let all = [on_device(&ca, source, both, NEW, |_| {})];
        let selection = chosen(&all, &deployment(source, source), Platform::AndroidEnterprise);
        assert!(selection.signing.is_some() && selection.opening.is_empty());
        assert_eq!(codes(&selection, &all[0]), ["one_key_per_device"]);
    }
}

#[cfg(feature = "cli")]
mod program {
    use super::*;
    use common::desk::Desk;

    #[test]
    fn out_133_the_program_wraps_and_unwraps() {
        let desk = Desk::new();
        desk.write("connector.pem", pem::write("PUBLIC KEY", &connector().public_key_spki()).as_bytes());
        let private = connector().to_pkcs8().unwrap();
        desk.write("connector.key", pem::write("PRIVATE KEY", private.expose()).as_bytes());
        let wrap = "intune pfx-object --password-file password --connector-key connector.pem --user alice@corp.example \
                    --key-name PFXKey --out object.json";
        desk.expect(0, &format!("{wrap} alice.p12"));
        let object: serde_json::Value = serde_json::from_slice(&desk.read("object.json")).unwrap();
        assert_eq!(object["paddingScheme"], "oaepSha512");
        assert_eq!(object["encryptedPfxBlob"], pem::encode(&desk.read("alice.p12")));
        desk.expect(1, &format!("{wrap} alice.p12"));
        let wrong = wrap.replace("password-file password", "password-file wrong");
        desk.expect(1, &format!("{wrong} --force alice.p12"));
        let unwrap = "intune open-pfx-object --connector-key connector.key --new-password-file wrong object.json";
        desk.expect(0, &format!("{unwrap} --out again.p12"));
        desk.expect(
            0,
            "sign --identity again.p12 --password-file wrong --at 2026-11-24T08:00:00Z --out s.eml mail.eml",
        );
        let other = PrivateKey::generate(KeyKind::Rsa, 2048).unwrap().to_pkcs8().unwrap();
        desk.write("other.key", pem::write("PRIVATE KEY", other.expose()).as_bytes());
        desk.expect(6, &format!("{} --out third.p12", unwrap.replace("connector.key", "other.key")));
        desk.write("object.json", b"{\"@odata.type\": \"#microsoft.graph.user\"}");
        desk.expect(8, &format!("{unwrap} --out third.p12"));
    }

    #[test]
    fn out_132_openssl_decrypts_the_password() {
        if std::process::Command::new("openssl").arg("version").output().is_err() {
            assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none_or(|v| v != "1"), "not installed: openssl");
            eprintln!("skipped: not installed: openssl");
            return;
        }
        let (file, _) = pfx(KeyUsage::KEY_AGREEMENT, "secret");
        let object =
            build(&file, "secret", delivery(IntendedPurpose::SmimeEncryption, PaddingScheme::OaepSha512)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("key.pem", pem::write("PRIVATE KEY", connector().to_pkcs8().unwrap().expose()).as_bytes());
        write("password", &object.encrypted_pfx_password);
        let line = "pkeyutl -decrypt -inkey key.pem -in password -pkeyopt rsa_padding_mode:oaep \
                    -pkeyopt rsa_oaep_md:sha512 -pkeyopt rsa_mgf1_md:sha512";
        let mut command = std::process::Command::new("openssl");
        let output = command.current_dir(folder.path()).args(line.split_whitespace()).output().unwrap();
        assert_eq!(output.stdout, b"secret", "{}", String::from_utf8_lossy(&output.stderr));
    }
}
