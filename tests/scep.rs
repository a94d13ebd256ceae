//! Certificates over SCEP: what is asked, with which algorithms, what of the answers is believed, and what is found wrong
//! before anybody is asked.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

#[path = "scep/hostile.rs"]
mod hostile;
#[path = "scep/peers.rs"]
mod peers;
#[cfg(feature = "cli")]
#[path = "scep/program.rs"]
mod program;

use common::http_server::{connector, refused_port};
use common::people::now;
use common::scep_server::{CAPABILITIES, Manner, Party, ScepServer, registration, rsa_key, user};
use smime::asn1::oid;
use smime::cert::extension::{GeneralName, KeyUsage};
use smime::cert::request::renewal_due;
use smime::crypto::algorithm::ContentCipher;
use smime::crypto::random::SystemRandom;
use smime::fetch::connect::Timeouts;
use smime::fetch::http::Url;
use smime::fetch::scep::Error;
use smime::fetch::scep::client::{Client, Enrolment, Issued, Polling, Progress, Session};
use smime::fetch::scep::template::{AltNameKind, CsrContents, CsrTemplate, TemplateError, Variables, check_key_size};
use std::time::Duration;

pub(crate) fn timeouts() -> Timeouts {
    let mut timeouts = Timeouts::default();
    [timeouts.connect, timeouts.first_byte, timeouts.exchange, timeouts.judgement] =
        [1000, 2000, 4000, 6000].map(Duration::from_millis);
    timeouts
}

pub(crate) fn client(url: &str) -> Client {
    Client::new(connector(timeouts()), &[url.parse().unwrap()]).unwrap()
}

pub(crate) fn session(server: &ScepServer) -> smime::fetch::scep::Result<Session> {
    Session::begin(client(&server.url()), &[server.ca.fingerprint().parse().unwrap()], now())
}

pub(crate) fn variables() -> Variables {
    let values =
        [("UserName", "Alice"), ("EmailAddress", "alice@example.com"), ("UserPrincipalName", "alice@corp.example")];
    values.iter().fold(Variables::default(), |all, (name, value)| all.with(name, value).unwrap())
}

pub(crate) fn contents() -> CsrContents {
    let template = CsrTemplate::new("CN={{UserName}},E={{EmailAddress}}").unwrap().email("{{EmailAddress}}").unwrap();
    template.fill(&variables()).unwrap()
}

pub(crate) fn enrolment() -> Enrolment {
    Enrolment::first(contents(), rsa_key(1), now(), &mut SystemRandom).unwrap()
}

/// Polls without pausing.
pub(crate) fn complete(session: &Session, enrolment: &Enrolment, attempts: u32) -> smime::fetch::scep::Result<Issued> {
    let polling = Polling { attempts, interval: Duration::from_secs(60) };
    session.complete(enrolment, polling, &mut |_| {}, &mut SystemRandom)
}

#[test]
fn out_120_three_calls_to_one_address() {
    let server = ScepServer::start(|_| {});
    let issued = complete(&session(&server).unwrap(), &enrolment(), 0).unwrap();
    let own = issued.identity.certificate();
    assert_eq!(own.subject().to_string(), "CN=Alice, emailAddress=alice@example.com");
    assert_eq!(own.subject_alt_names(), [GeneralName::Rfc822("alice@example.com".into())]);
    assert_eq!(own.extended_key_usage(), Some(&[oid::EMAIL_PROTECTION][..]));
    assert_eq!(issued.identity.chain(), std::slice::from_ref(&server.ca.certificate));
    assert!(issued.notes.is_empty(), "{:?}", issued.notes);
    let operations = ["/scep?operation=GetCACaps", "/scep?operation=GetCACert", "/scep?operation=PKIOperation"];
    assert_eq!(server.server.targets(), operations);

    let named = client(&server.url()).with_ca_identifier("a b&c");
    let _ = named.certificates().unwrap();
    assert_eq!(server.server.targets().last().unwrap(), "/scep?operation=GetCACert&message=a%20b%26c");
}

#[test]
fn out_121_the_ca_is_the_one_whose_fingerprint_was_given() {
    // One certificate alone, and several in PKCS#7 with a registration authority among them.
    let ca = Party::root("SCEP CA", rsa_key(0));
    let ra = registration(&ca, 2);
    let server = ScepServer::with(ca.clone(), |manner| {
        manner.certificates = vec![ra.certificate.clone(), ca.certificate.clone()];
        manner.agent = ra.clone();
    });
    let known = session(&server).unwrap();
    assert_eq!(known.authority().encryption(), &ra.certificate);
    assert_eq!(known.authority().issuer(), &ca.certificate);
    complete(&known, &enrolment(), 0).unwrap();

    let wrong = "00".repeat(32).parse().unwrap();
    let refused = Session::begin(client(&server.url()), &[wrong], now()).unwrap_err();
    assert!(matches!(&refused, Error::Fingerprint { found } if found.len() == 2), "{refused}");
    assert!(refused.to_string().contains(&server.ca.fingerprint()), "{refused}");
    let refused = Session::begin(client(&server.url()), &[], now()).unwrap_err();
    assert!(matches!(refused, Error::Fingerprint { .. }), "{refused}");
}

#[test]
fn out_121_a_user_of_the_same_ca_is_no_registration_authority() {
    let ca = Party::root("SCEP CA", rsa_key(0));
    let mallory = user(&ca, 2);
    let fake = |manner: &mut Manner| {
        manner.certificates = vec![mallory.certificate.clone(), ca.certificate.clone()];
        manner.agent = mallory.clone();
    };
    let server = ScepServer::with(ca.clone(), fake);
    let known = session(&server).unwrap();
    // Nothing is encrypted to Mallory, so that the password of the request stays the CA's to read.
    assert_eq!(known.authority().encryption(), &ca.certificate);
    assert_eq!(known.authority().certificates(), std::slice::from_ref(&ca.certificate));
    // Unless somebody confirms that certificate, too.
    let both = [ca.fingerprint().parse().unwrap(), mallory.fingerprint().parse().unwrap()];
    let known = Session::begin(client(&server.url()), &both, now()).unwrap();
    assert_eq!(known.authority().encryption(), &mallory.certificate);
}

#[test]
fn out_122_the_request_is_a_signed_envelope_of_a_pkcs10() {
    let server = ScepServer::start(|_| {});
    let known = session(&server).unwrap();
    let enrolment = enrolment();
    complete(&known, &enrolment, 0).unwrap();
    let asked = &server.understood()[0];
    assert_eq!((asked.message_type.as_str(), asked.transaction.as_str()), ("19", enrolment.transaction()));
    assert!(asked.signer.is_self_issued() && asked.signer.subject().same(&asked.request.as_ref().unwrap().subject));
    assert_eq!(asked.signer.spki(), asked.request.as_ref().unwrap().spki);
    // Asking again for the same key is the same transaction.
    assert_eq!(enrolment.transaction(), self::enrolment().transaction());
}

#[test]
fn out_122_a_renewal_is_signed_with_the_old_certificate_and_has_a_new_key() {
    let server = ScepServer::start(|manner| manner.challenge = Some("never given"));
    let known = session(&server).unwrap();
    let old = user(&server.ca, 5);
    let key = std::sync::Arc::new(smime::keys::software::SoftwareKey::new(old.key.clone()));
    let old = smime::Identity::new(old.certificate, Vec::new(), key).unwrap();
    let renewal = Enrolment::renewal(contents(), rsa_key(1), &old).unwrap();
    let issued = complete(&known, &renewal, 0).unwrap();
    let asked = &server.understood()[0];
    assert_eq!((asked.message_type.as_str(), &asked.signer), ("17", old.certificate()));
    assert_eq!(issued.identity.certificate().spki(), rsa_key(1).public_key_spki());
    let same = Enrolment::renewal(contents(), rsa_key(5), &old).unwrap_err();
    assert!(matches!(same, Error::KeyKind(_)), "{same}");

    let server = ScepServer::start(|manner| manner.capabilities = Some("AES\nSHA-256\nPOSTPKIOperation"));
    let refused = complete(&session(&server).unwrap(), &renewal, 0).unwrap_err();
    assert!(matches!(refused, Error::NoRenewal) && server.understood().is_empty(), "{refused}");
}

#[test]
fn out_123_algorithms_and_method_by_capabilities() {
    for (capabilities, cipher, digest, by_post) in [
        (CAPABILITIES, ContentCipher::Aes128Cbc, "sha256", true),
        ("SCEPStandard", ContentCipher::Aes128Cbc, "sha256", true),
        ("AES\nSHA-256", ContentCipher::Aes128Cbc, "sha256", false),
        ("DES3\nSHA-1", ContentCipher::TripleDesCbc, "sha1", false),
        ("AES\nSHA-512\nPOSTPKIOperation", ContentCipher::Aes128Cbc, "sha512", true),
    ] {
        let server = ScepServer::start(|manner| manner.capabilities = Some(capabilities));
        let known = session(&server).unwrap();
        complete(&known, &enrolment(), 0).unwrap();
        let asked = &server.understood()[0];
        assert_eq!((asked.cipher, asked.digest.as_str(), asked.by_post), (cipher, digest, by_post), "{capabilities}");
        assert_eq!(asked.signature_algorithm, oid::RSA_ENCRYPTION);
        let codes: Vec<_> = known.algorithms().warnings.iter().map(|warning| warning.code).collect();
        let expected = if digest == "sha1" { &["scep_3des", "scep_sha1"][..] } else { &[] };
        assert_eq!(codes, expected);
    }
    for capabilities in ["", "DES3", "AES\nMD5"] {
        let server = ScepServer::start(|manner| manner.capabilities = Some(capabilities));
        let refused = session(&server).unwrap_err();
        assert!(matches!(refused, Error::Algorithms(_)), "{capabilities}: {refused}");
    }
}

#[test]
fn out_124_what_is_pending_is_asked_for_again_and_not_for_ever() {
    let server = ScepServer::start(|manner| manner.pending = 3);
    let known = session(&server).unwrap();
    let enrolment = enrolment();
    let mut pauses = Vec::new();
    let polling = Polling { attempts: 5, interval: Duration::from_secs(7) };
    let issued = known.complete(&enrolment, polling, &mut |pause| pauses.push(pause), &mut SystemRandom).unwrap();
    assert_eq!(issued.identity.certificate().spki(), rsa_key(1).public_key_spki());
    assert_eq!(pauses, [Duration::from_secs(7); 3]);
    let kinds: Vec<_> = server.understood().iter().map(|asked| asked.message_type.clone()).collect();
    assert_eq!(kinds, ["19", "20", "20", "20"]);
    assert!(server.understood().iter().all(|asked| asked.transaction == enrolment.transaction()));

    let server = ScepServer::start(|manner| manner.pending = 100);
    let known = session(&server).unwrap();
    let refused = complete(&known, &enrolment, 2).unwrap_err();
    assert!(matches!(refused, Error::StillPending(3)), "{refused}");
    assert_eq!(server.understood().len(), 3);
    // It goes on later where it stopped.
    assert!(matches!(known.poll(&enrolment, &mut SystemRandom), Ok(Progress::Pending)));
}

#[test]
fn out_125_what_a_profile_asks_for_stands_in_the_request() {
    let mut template = CsrTemplate::new("CN={{UserName}}, OU=Staff, O=\"Example, Ltd\", C=DE").unwrap();
    template = template.alt_name(AltNameKind::Email, "{{EmailAddress}}").unwrap();
    template = template.alt_name(AltNameKind::UserPrincipal, "{{UserPrincipalName}}").unwrap();
    template = template.alt_name(AltNameKind::Dns, "phone.example.com").unwrap();
    template = template.alt_name(AltNameKind::Uri, "urn:uuid:1").unwrap();
    template.key_usage = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT);
    let contents = template.fill(&variables()).unwrap().with_challenge("secret".into());
    let server = ScepServer::start(|manner| manner.challenge = Some("secret"));
    let enrolment = Enrolment::first(contents, rsa_key(1), now(), &mut SystemRandom).unwrap();
    let issued = complete(&session(&server).unwrap(), &enrolment, 0).unwrap();
    let own = issued.identity.certificate();
    assert_eq!(own.subject().to_string(), "CN=Alice, OU=Staff, O=Example\\, Ltd, C=DE");
    assert_eq!(own.key_usage(), Some(template.key_usage));
    let [email, upn, dns, uri] = own.subject_alt_names() else { panic!("{:?}", own.subject_alt_names()) };
    assert_eq!(email, &GeneralName::Rfc822("alice@example.com".into()));
    let GeneralName::OtherName { oid, value } = upn else { panic!("{upn:?}") };
    assert_eq!((oid.to_string().as_str(), &value[2..]), ("1.3.6.1.4.1.311.20.2.3", &b"alice@corp.example"[..]));
    assert_eq!((dns, uri), (&GeneralName::Dns("phone.example.com".into()), &GeneralName::Uri("urn:uuid:1".into())));

    let wrong = Enrolment::first(self::contents().with_challenge("guess".into()), rsa_key(1), now(), &mut SystemRandom);
    let refused = complete(&session(&server).unwrap(), &wrong.unwrap(), 0).unwrap_err();
    assert_eq!(refused.to_string(), "the authority refused: badRequest, what was asked for is not allowed");
    assert!([2048, 3072, 4096].iter().all(|bits| check_key_size(*bits).is_ok()));
    assert!([512, 1024, 2047, 8192].iter().all(|bits| check_key_size(*bits).is_err()));
}

#[test]
fn out_126_special_characters_are_quoted_and_never_escaped() {
    let plain = |template: &str, name: &str| {
        let variables = Variables::default().with("UserName", name).unwrap();
        CsrTemplate::new(template).unwrap().fill(&variables).unwrap()
    };
    for (template, name, value, text) in [
        ("CN=\"Test User (A, LLC)\"", "-", "Test User (A, LLC)", "CN=\"Test User (A, LLC)\""),
        ("CN={{UserName}}", "User, A", "User, A", "CN=\"User, A\""),
        ("CN={{UserName}}", "a+b;c=d", "a+b;c=d", "CN=\"a+b;c=d\""),
        ("CN=\"say \"\"x\"\"\"", "-", "say \"x\"", "CN=\"say \"\"x\"\"\""),
        // A value that looks like more attributes remains a value.
        ("CN={{UserName}}", "Alice,O=Evil", "Alice,O=Evil", "CN=\"Alice,O=Evil\""),
    ] {
        let contents = plain(template, name);
        assert_eq!(contents.subject().common_name(), Some(value), "{template}");
        assert_eq!(contents.subject().attributes().count(), 1, "{template}");
        assert_eq!(contents.subject_text(), text);
        // What is shown is a template of the same subject, and the encoding holds no quotation mark of it.
        assert!(CsrTemplate::new(text).unwrap().fill(&variables()).unwrap().subject().same(contents.subject()));
    }
    for bad in
        ["CN=User\\, A", "CN=a+b", "CN=a;b", "CN=\"a", "CN=\"a\"b", "CN=a=b", "CN", "CN=", "", "XYZ=a", "CN=a,,O=b"]
    {
        let refused = CsrTemplate::new(bad).and_then(|template| template.fill(&variables()));
        assert!(matches!(refused, Err(TemplateError::Text { .. })), "{bad}");
    }
}

#[test]
fn out_127_variables_are_judged_before_anybody_is_asked() {
    let unknown = CsrTemplate::new("CN={{NoSuchThing}}").unwrap_err();
    assert!(matches!(&unknown, TemplateError::UnknownVariable(name) if name == "NoSuchThing"), "{unknown}");
    let template = CsrTemplate::new("CN={{UserName}},serialNumber={{SERIALNUMBER}}").unwrap();
    assert_eq!(template.fill(&variables()).unwrap_err(), TemplateError::NoValue("SERIALNUMBER"));
    let blank = variables().with("SERIALNUMBER", " ").unwrap();
    assert_eq!(template.fill(&blank).unwrap_err(), TemplateError::NoValue("SERIALNUMBER"));
    for bad in ["CN={{UserName}}|x", "CN={{UserName}}}", "CN={{UserName}}{", "CN={{UserName", "CN=\"{{UserName}};x\""] {
        assert!(matches!(CsrTemplate::new(bad), Err(TemplateError::Text { .. })), "{bad}");
    }
    assert!(matches!(Variables::default().with("Nothing", "x"), Err(TemplateError::UnknownVariable(_))));
    assert!(matches!(Variables::default().with("UserName", "a\nb"), Err(TemplateError::Text { .. })));
    // A whole name as one variable, as the directory writes it.
    let template = CsrTemplate::new("{{OnPrem_Distinguished_Name}}").unwrap();
    let name =
        Variables::default().with("OnPrem_Distinguished_Name", "CN=Smith\\, Al,OU=Staff,DC=corp,DC=example").unwrap();
    let filled = template.fill(&name).unwrap();
    assert_eq!(filled.subject().to_string(), "CN=Smith\\, Al, OU=Staff, DC=corp, DC=example");
    let broken = Variables::default().with("OnPrem_Distinguished_Name", "nobody").unwrap();
    assert!(matches!(template.fill(&broken), Err(TemplateError::Text { .. })));
}

#[test]
fn out_128_a_key_of_one_device_is_none_to_encrypt_to() {
    let codes = |template: &CsrTemplate| template.warnings().iter().map(|w| w.code).collect::<Vec<_>>();
    let mut template = CsrTemplate::new("CN=Alice").unwrap().email("alice@example.com").unwrap();
    assert!(codes(&template).is_empty());
    template.key_usage = KeyUsage::KEY_ENCIPHERMENT;
    assert_eq!(codes(&template), ["scep_not_for_encryption"]);
    template.key_usage = KeyUsage::KEY_ENCIPHERMENT.and(KeyUsage::DIGITAL_SIGNATURE);
    assert!(codes(&template).is_empty());
    assert_eq!(codes(&CsrTemplate::new("CN=Alice").unwrap()), ["scep_no_address"]);
}

#[test]
fn out_129_renewal_is_due_below_the_threshold() {
    let ca = Party::root("SCEP CA", rsa_key(0));
    let certificate = ca.below("Alice", rsa_key(1), |template| {
        template.not_after = template.not_before.plus(100 * 86_400);
    });
    let due = renewal_due(&certificate.certificate, 20);
    assert_eq!(due, certificate.certificate.not_before().plus(80 * 86_400 + 1));
}

#[test]
fn out_130_one_address_is_chosen_and_kept() {
    let server = ScepServer::start(|_| {});
    let second = ScepServer::start(|_| {});
    let refused: Url = format!("http://127.0.0.1:{}/scep", refused_port()).parse().unwrap();
    let urls = [refused, server.url().parse().unwrap(), second.url().parse().unwrap()];
    let client = Client::new(connector(timeouts()), &urls).unwrap();
    let known = Session::begin(client, &[server.ca.fingerprint().parse().unwrap()], now()).unwrap();
    complete(&known, &enrolment(), 0).unwrap();
    assert_eq!((server.server.targets().len(), second.server.connections()), (3, 0));
    // What fails later fails: nobody goes on elsewhere.
    drop(server);
    let later = known.poll(&enrolment(), &mut SystemRandom).unwrap_err();
    assert!(matches!(later, Error::Http { operation: "PKIOperation", .. }), "{later}");
    assert_eq!(second.server.connections(), 0);
    assert!(matches!(Client::new(connector(timeouts()), &[]), Err(Error::NoUrl)));
}
