//! Encrypted mail that we write, by the rows of the threat model (SEC-82, 83), and what is said on the way, both ways
//! (SEC-86). Encrypted mail under attack is in `sec_encrypted.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::canary::Canary;
use common::envelope::{self, Envelope, entity, mail, password_recipient, recipient};
use common::lists::{self, List};
use common::people::{Authority, now};
use smime::asn1::{der, oid};
use smime::base::source::{Memory, SharedSource};
use smime::cert::extension::KeyUsage;
use smime::cert::issue::CertificateTemplate;
use smime::compose::encrypt;
use smime::compose::recipients::Error;
use smime::crypto::algorithm::{AlgorithmIdentifier, ContentCipher, DigestAlgorithm, KeyTransport};
use smime::crypto::content::CbcDecryptor;
use smime::crypto::private::PrivateKey;
use smime::crypto::random::{Random, SystemRandom};
use smime::crypto::signature::KeyKind;
use smime::keys::opening::{OpeningKey, Unwrapped, WrappedKey};
use smime::keys::software::SoftwareKey;
use smime::open::{doctor, outline};
use smime::store::directory::{Answer, Answers, Offer, Outcome};
use smime::store::keyring::SharedKey;
use smime::{
    Certificate, Certificates, Directory, EmailAddress, Encryptor, Identity, Keyring, Message, Opener, Policy,
    RecipientPlan, Requirement, RevocationData, RevocationMode, Secret, Trust,
};
use std::sync::Arc;

const MAIL: &[u8] = b"From: alice@example.com\r\nTo: bob@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";

fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

/// Addresses and what is filed under them, whatever the certificates say.
struct Filed(Vec<(&'static str, Certificate)>);

impl Directory for Filed {
    fn look_up<'a>(&'a self, wanted: &'a EmailAddress) -> Answers<'a> {
        Answer::once(move || {
            if wanted.to_string().starts_with("down@") {
                return Answer::new("ldap.example", Outcome::Unreachable("no answer".to_owned()));
            }
            let here = |(name, _): &&(&str, Certificate)| address(name) == *wanted;
            let offers: Vec<Offer> = self.0.iter().filter(here).map(|(_, c)| Offer::plain(c.clone())).collect();
            Answer::new("files", if offers.is_empty() { Outcome::NotThere } else { Outcome::Found(offers) })
        })
    }
}

/// A certificate that can be encrypted to, changed as the caller likes.
fn certificate(ca: &Authority, email: &str, change: impl FnOnce(&mut CertificateTemplate)) -> Certificate {
    ca.user(email, |template| {
        template.emails = vec![address(email)];
        template.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT));
        change(template);
    })
}

fn spki(algorithm: AlgorithmIdentifier, key: &[u8]) -> Vec<u8> {
    der::sequence(&[algorithm.to_der(), der::bits(key)])
}

/// A short key that nobody has the private half of.
fn rsa(octets: usize) -> Vec<u8> {
    let mut modulus = vec![0xc5; octets];
    modulus[octets - 1] = 0x8f;
    let key = der::sequence(&[der::unsigned(&modulus), der::integer(65_537)]);
    spki(AlgorithmIdentifier::with_null(oid::RSA_ENCRYPTION), &key)
}

// ---- SEC-82: recipients who cannot read

/// Everybody who cannot be written to, each with the code of why.
fn unfit(ca: &Authority) -> Vec<(&'static str, &'static str, Option<Certificate>)> {
    let of = |email: &str, change: &dyn Fn(&mut CertificateTemplate)| Some(certificate(ca, email, change));
    let ml_kem = AlgorithmIdentifier::new("2.16.840.1.101.3.4.4.2".parse().unwrap());
    let signs = PrivateKey::generate(KeyKind::Ed25519, 0).unwrap().public_key_spki();
    let stranger = Authority::root("Nobody's CA");
    vec![
        ("expired@example.com", "certificate_expired", of("expired@example.com", &|t| t.not_after = now().plus(-1))),
        ("early@example.com", "certificate_not_yet_valid", of("early@example.com", &|t| t.not_before = now().plus(1))),
        ("revoked@example.com", "revoked", of("revoked@example.com", &|_| {})),
        (
            "signs@example.com",
            "key_usage",
            of("signs@example.com", &|t| t.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE)),
        ),
        (
            "web@example.com",
            "extended_key_usage",
            of("web@example.com", &|t| {
                t.extended_key_usage = vec!["1.3.6.1.5.5.7.3.1".parse().unwrap()];
            }),
        ),
        (
            "short@example.com",
            "unsupported_key",
            of("short@example.com", &|t| {
                t.spki = rsa(64);
                t.key_usage = Some(KeyUsage::KEY_ENCIPHERMENT);
            }),
        ),
        (
            "weak@example.com",
            "weak_key",
            of("weak@example.com", &|t| {
                t.spki = rsa(128);
                t.key_usage = Some(KeyUsage::KEY_ENCIPHERMENT);
            }),
        ),
        ("other@example.com", "recipient_mismatch", of("somebody.else@example.com", &|_| {})),
        (
            "kem@example.com",
            "unsupported_key",
            of("kem@example.com", &|t| {
                t.spki = spki(ml_kem.clone(), &[1; 1184]);
                t.key_usage = Some(KeyUsage::KEY_ENCIPHERMENT);
            }),
        ),
        ("ed25519@example.com", "unsupported_key", of("ed25519@example.com", &|t| t.spki = signs.clone())),
        ("untrusted@example.com", "issuer_not_found", Some(certificate(&stranger, "untrusted@example.com", |_| {}))),
        ("nobody@example.com", "no_certificate", None),
        ("down@example.com", "directory_unreachable", None),
    ]
}

struct Judged {
    ca: Authority,
    directory: Filed,
    lists: RevocationData,
    unfit: Vec<(&'static str, &'static str)>,
}

impl Judged {
    fn new() -> Self {
        let ca = Authority::root("Root");
        let unfit = unfit(&ca);
        let revoked = unfit.iter().find(|(_, code, _)| *code == "revoked").and_then(|(.., c)| c.clone()).unwrap();
        let mut directory: Vec<_> = unfit.iter().filter_map(|(name, _, c)| Some((*name, c.clone()?))).collect();
        directory.push(("bob@example.com", certificate(&ca, "bob@example.com", |_| {})));
        directory.push(("carol@example.com", certificate(&ca, "carol@example.com", |_| {})));
        let lists = lists::data([List::of(&revoked).by(&ca)]);
        let unfit = unfit.into_iter().map(|(name, code, _)| (name, code)).collect();
        Self { ca, directory: Filed(directory), lists, unfit }
    }

    fn plan(&self, to: &[&str], mode: RevocationMode) -> RecipientPlan {
        let to: Vec<_> = to.iter().map(|name| address(name)).collect();
        let trust = self.ca.trust();
        let policy = Policy::default();
        RecipientPlan::resolve_unrevoked(&to, &self.directory, &policy, &trust, (&self.lists, mode), now())
    }
}

#[test]
fn sec_082_one_who_cannot_read_stops_everything_and_each_is_listed() {
    let world = Judged::new();
    assert_eq!(world.plan(&["bob@example.com"], RevocationMode::Hard).all().unwrap().iter().count(), 1);
    for (bad, code) in &world.unfit {
        for to in [vec![*bad], vec!["bob@example.com", bad], vec![bad, "bob@example.com"]] {
            let missing = match world.plan(&to, RevocationMode::Hard).all() {
                Err(Error::Missing { missing }) if *code != "directory_unreachable" => missing,
                // OUT-99c: what nobody said is not "none".
                Err(Error::Undecided { missing }) if *code == "directory_unreachable" => missing,
                other => panic!("{bad}: {other:?}"),
            };
            let [(who, reasons)] = missing.as_slice() else { panic!("{missing:?}") };
            assert_eq!(who.to_string(), *bad);
            assert!(reasons.iter().any(|reason| reason.code == *code), "{bad}: {reasons:?}");
        }
    }
    // All of them at once: every one is named, with its reason, and Bob gets nothing either.
    let mut to = vec!["bob@example.com"];
    to.extend(world.unfit.iter().map(|(bad, _)| *bad));
    let plan = world.plan(&to, RevocationMode::Hard);
    assert_eq!(plan.entries().len(), to.len());
    let error = plan.all().unwrap_err();
    let text = error.to_string();
    let Error::Missing { missing } = error else { panic!("{text}") };
    assert_eq!(missing.len(), world.unfit.len());
    for (bad, _) in &world.unfit {
        assert!(text.contains(bad), "{bad} is not in: {text}");
    }
    assert!(!text.contains("bob@example.com") && text.contains("ml-kem-768"), "{text}");
    // Who goes on without them says so by another name.
    assert_eq!(plan.reachable().unwrap().iter().count(), 1);
}

#[test]
fn sec_082_what_is_revoked_is_asked_as_far_as_the_caller_says() {
    let world = Judged::new();
    let codes = |plan: &RecipientPlan| match &plan.entries()[0].outcome {
        Ok(recipient) => Ok(recipient.notes.iter().map(|n| n.code).collect::<Vec<_>>()),
        Err(reasons) => Err(reasons.iter().map(|n| n.code).collect::<Vec<_>>()),
    };
    let revoked = ["revoked@example.com"];
    assert_eq!(codes(&world.plan(&revoked, RevocationMode::Hard)), Err(vec!["revoked"]));
    assert_eq!(codes(&world.plan(&revoked, RevocationMode::Soft)), Err(vec!["revoked"]));
    assert_eq!(codes(&world.plan(&revoked, RevocationMode::Off)), Ok(Vec::new()));
    // Without a list nobody is known to be good: enough for soft, and not for hard.
    let unlisted = Judged { lists: RevocationData::default(), ..Judged::new() };
    let bob = ["bob@example.com"];
    let soft = codes(&unlisted.plan(&bob, RevocationMode::Soft)).unwrap();
    assert!(!soft.is_empty(), "it is noted");
    assert_eq!(codes(&unlisted.plan(&bob, RevocationMode::Hard)), Err(soft));
    assert_eq!(codes(&unlisted.plan(&bob, RevocationMode::Off)), Ok(Vec::new()));
}

#[test]
fn sec_082_nobody_is_an_error_and_nobody_is_there_twice() {
    let world = Judged::new();
    assert!(matches!(world.plan(&[], RevocationMode::Hard).all(), Err(Error::Nobody)));
    assert!(matches!(world.plan(&[], RevocationMode::Hard).reachable(), Err(Error::Nobody)));
    let only_bad = world.plan(&["nobody@example.com"], RevocationMode::Hard);
    assert!(matches!(only_bad.reachable(), Err(Error::Nobody)));
    // The same address in other words, and two addresses of one certificate.
    let twice = world.plan(&["bob@example.com", "bob@EXAMPLE.com", "carol@example.com"], RevocationMode::Hard);
    assert_eq!((twice.entries().len(), twice.all().unwrap().iter().count()), (2, 2));
    let both = certificate(&world.ca, "bob@example.com", |t| t.emails.push(address("robert@example.com")));
    let to = [address("bob@example.com"), address("robert@example.com")];
    let policy = Policy::default();
    let plan = RecipientPlan::resolve(&to, &Certificates(vec![both.clone(), both]), &policy, None, now());
    assert_eq!((plan.entries().len(), plan.all().unwrap().iter().count()), (2, 1));
    let sealed = Encryptor::new(&plan.all().unwrap(), &policy).encrypt(&Message::parse(MAIL).unwrap()).unwrap();
    assert_eq!(recipients(&sealed).len(), 1);
    // An address that is none stops everything, too.
    let broken = b"From: alice@example.com\r\nTo: bob@example.com, carol at example\r\n\r\nhello\r\n";
    let error = Message::parse(broken).unwrap().recipients().unwrap_err();
    assert!(matches!(error, Error::NotAnAddress { .. }), "{error}");
}

/// Whom a sealed mail names.
fn recipients(sealed: &[u8]) -> Vec<String> {
    envelope::recipients(sealed).iter().map(ToString::to_string).collect()
}

// ---- SEC-83: hidden recipients

#[test]
fn sec_083_a_bcc_never_shares_an_envelope() {
    let world = Judged::new();
    let policy = Policy::default();
    let raw = b"From: alice@example.com\r\nTo: bob@example.com\r\nBcc: Carol <carol@example.com>,\r\n signs@example.com\r\nbcc: carol@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";
    let message = Message::parse(raw).unwrap();
    assert_eq!(message.recipients().unwrap(), [address("bob@example.com")]);
    let note = message.notes().iter().find(|note| note.code == "bcc_removed").unwrap();
    assert!(note.text.contains("carol@example.com") && note.text.contains("signs@example.com"), "{note}");
    // That the one of them cannot read keeps nothing from going to Bob.
    let plan = |to: &[EmailAddress]| RecipientPlan::resolve(to, &world.directory, &policy, None, now());
    let to_bob = Encryptor::new(&plan(&message.recipients().unwrap()).all().unwrap(), &policy);
    let to_carol = Encryptor::new(&plan(&[address("carol@example.com")]).all().unwrap(), &policy);
    let serial = |name: &str| {
        let (_, found) = world.directory.0.iter().find(|(filed, _)| *filed == name).unwrap();
        format!("serial {} of CN=Root", found.serial_hex())
    };
    for (encryptor, name) in [(to_bob, "bob@example.com"), (to_carol, "carol@example.com")] {
        let sealed = encryptor.encrypt(&message).unwrap();
        assert_eq!(recipients(&sealed), [serial(name)], "{name}");
        let text = String::from_utf8(sealed).unwrap().to_ascii_lowercase();
        assert!(!text.contains("bcc") && !text.contains("carol") && !text.contains("signs@"), "{text}");
    }
}

// ---- SEC-86: what is said

/// Randomness that ends after so many bytes.
struct Ending(usize);

impl Random for Ending {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), smime::crypto::Error> {
        if self.0 < bytes.len() {
            return Err(smime::crypto::Error::Rng("the source is dry".to_owned()));
        }
        self.0 -= bytes.len();
        bytes.fill(0xa7);
        Ok(())
    }
}

/// One private key, with the certificate to it.
struct Reader {
    key: PrivateKey,
    identity: Identity,
}

impl Reader {
    fn new(ca: &Authority, kind: KeyKind) -> Self {
        let key = PrivateKey::generate(kind, 2048).unwrap();
        let usage = if kind == KeyKind::Rsa { KeyUsage::KEY_ENCIPHERMENT } else { KeyUsage::KEY_AGREEMENT };
        let certificate = certificate(ca, "bob@example.com", |t| {
            t.spki = key.public_key_spki();
            t.key_usage = Some(usage);
        });
        let identity = Identity::new(certificate, Vec::new(), Arc::new(SoftwareKey::new(key.clone()))).unwrap();
        Self { key, identity }
    }
}

impl Canary {
    /// Everything that the reading side says of a mail, with these keys.
    fn hear_opening(&mut self, mail: &[u8], ring: &Keyring) {
        let (policy, trust) = (Policy::default(), Trust::default());
        let opener = Opener::new(&trust, &policy).with_keys(ring);
        let source: SharedSource<'_> = Memory::borrowed(mail);
        match opener.open(mail, now()) {
            Ok(opened) => {
                self.hear(opened.report());
                self.said.extend_from_slice(opened.report().to_string().as_bytes());
                if let Err(refused) = opened.require(Requirement::SignedBySender) {
                    self.hear(&(refused.shortfall(), refused.reasons()));
                }
            }
            Err(error) => self.hear_error(&error),
        }
        match doctor::examine(&opener, Arc::clone(&source), now()) {
            Ok(diagnosis) => self.hear(&diagnosis),
            Err(error) => self.hear_error(&error),
        }
        match outline::outline(&source, &policy.limits) {
            Ok(outline) => self.said.extend_from_slice(outline.to_string().as_bytes()),
            Err(error) => self.hear_error(&error),
        }
    }
}

#[test]
fn sec_086_no_failure_says_a_secret() {
    let ca = Authority::root("Root");
    let mut canary = Canary::default();
    let plaintext = b"Content-Type: text/plain\r\n\r\nThe plaintext canary sings at midnight.\r\n";
    canary.secret("the plaintext", b"plaintext canary sings at midnight");
    canary.secret("a word of the plaintext", b"midnight");
    let password = Secret::from("canary-password-0123456789");
    canary.secret("the password", password.expose());
    let key = Secret::new((0..32u8).map(|n| n.wrapping_mul(97) ^ 0xb3).collect());
    canary.secret("the content-encryption key", key.expose());
    canary.secret("a fresh key", &[0xa7; 32]);
    let readers = [Reader::new(&ca, KeyKind::P256), Reader::new(&ca, KeyKind::Rsa), Reader::new(&ca, KeyKind::X25519)];
    for Reader { key, .. } in &readers {
        // What stands in the middle of the encoding is secret; its ends are algorithm and public key.
        let pkcs8 = key.to_pkcs8().unwrap();
        let at = if key.kind() == KeyKind::Rsa {
            600
        } else {
            pkcs8.expose().windows(2).position(|w| w == [4, 32]).unwrap() + 2
        };
        canary.secret("a private key", &pkcs8.expose()[at..at + 32]);
    }
    let mut ring = Keyring::new(readers.iter().map(|r| r.identity.clone()).collect());
    ring.add_password(password.clone());
    ring.add_shared_key(SharedKey { identifier: None, key: key.clone() });
    canary.hear(&ring);
    canary.hear(&(&key, Unwrapped::Here(key.clone()), Unwrapped::Broken));
    // Reading: each kind of recipient and of cipher, sound, cut, and altered in many places.
    let entries = readers.iter().map(|r| recipient(r.identity.certificate(), &key));
    for entry in entries.chain([password_recipient(&password, &key)]) {
        let cbc = Envelope::cbc(std::slice::from_ref(&entry), &key, [3; 16], plaintext);
        let gcm = Envelope::gcm(&[entry], &key, None, plaintext);
        for cms in [cbc.der(), gcm.der()] {
            let sound = mail(&entity("enveloped-data", &cms));
            assert_eq!(common::envelope::open(&sound, &ring).unwrap(), plaintext);
            canary.hear_opening(&sound, &ring);
            canary.hear_opening(&sound, &Keyring::default());
            for at in (0..cms.len()).step_by(9) {
                let mut altered = cms.clone();
                altered[at] ^= 0x11;
                canary.hear_opening(&mail(&entity("enveloped-data", &altered)), &ring);
                if at % 2 == 0 {
                    canary.hear_opening(&mail(&entity("enveloped-data", &cms[..at])), &ring);
                }
            }
        }
    }
    // A plaintext whose own MIME is broken or ambiguous, and one that is a signature which cannot be read.
    let certificate = readers[0].identity.certificate();
    for inside in [
        &b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nplaintext canary sings at midnight\r\n"[..],
        b"Content-Type: multipart/mixed\r\n\r\nplaintext canary sings at midnight\r\n",
        b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\nplaintext canary sings at midnight\r\n",
        b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nplaintext canary sings at midnight\r\n--b--\r\n",
        b"plaintext canary sings at midnight \x00\r\n\r\n",
    ] {
        let sealed = Envelope::gcm(&[recipient(certificate, &key)], &key, None, inside);
        canary.hear_opening(&sealed.mail(), &ring);
        let sealed = Envelope::cbc(&[recipient(certificate, &key)], &key, [3; 16], inside);
        canary.hear_opening(&sealed.mail(), &ring);
    }
    hear_keys(&mut canary, &readers, &key);
    hear_sealing(&mut canary, certificate);
    let mut proof = Canary { said: canary.said.clone(), secrets: canary.secrets.clone() };
    proof.hear(&key.expose());
    assert!(std::panic::catch_unwind(|| proof.check()).is_err(), "the search finds nothing");
    canary.check();
}

/// The keys by themselves, asked for what they cannot give.
fn hear_keys(canary: &mut Canary, readers: &[Reader], key: &Secret) {
    let transport = KeyTransport::oaep(DigestAlgorithm::Sha256);
    for reader in readers {
        let own = SoftwareKey::new(reader.key.clone());
        canary.hear(&(&reader.key, &own, &reader.identity));
        for peer in [&[0; 32][..], key.expose(), &[4; 65]] {
            let wrapped = WrappedKey::Transported { transport: &transport, bytes: peer, length: 32 };
            canary.hear(&(own.unwrap(&WrappedKey::Agreed { peer }), own.unwrap(&wrapped)));
            reader.key.agree(peer).err().iter().for_each(|error| canary.hear_error(error));
            reader.key.decrypt(&transport, peer, 32).err().iter().for_each(|error| canary.hear_error(error));
        }
    }
    for length in [0, 16, 31] {
        let error = CbcDecryptor::new(ContentCipher::Aes256Cbc, &key.expose()[..length], &[0; 16]).err().unwrap();
        canary.hear_error(&error);
    }
    let mut out = Vec::new();
    let mut decryptor = CbcDecryptor::new(ContentCipher::Aes256Cbc, key.expose(), &[0; 16]).unwrap();
    decryptor.update(&[1; 32], &mut out);
    canary.hear_error(&decryptor.finish(&mut out).unwrap_err());
}

/// Writing: no randomness, at each point where some is asked for; a writer that fails; what is refused.
fn hear_sealing(canary: &mut Canary, certificate: &Certificate) {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let raw =
        [b"From: alice@example.com\r\nTo: bob@example.com\r\n", &b"\r\nplaintext canary sings at midnight\r\n"[..]];
    let raw = raw.concat();
    let message = Message::parse(&raw).unwrap();
    let directory = Certificates(vec![certificate.clone()]);
    let mut failures = 0;
    for cipher in [ContentCipher::Aes256Cbc, ContentCipher::Aes256Gcm, ContentCipher::TripleDesCbc] {
        let mut policy = Policy::default();
        policy.content_cipher = cipher;
        let plan = RecipientPlan::resolve(&[address("bob@example.com")], &directory, &policy, None, now());
        canary.hear(&(&plan, plan.all()));
        let encryptor = Encryptor::new(&plan.all().unwrap(), &policy);
        let mut hear = |result: Result<(), encrypt::Error>| {
            failures += usize::from(result.is_err());
            result.err().iter().for_each(|error| canary.hear_error(error));
        };
        for bytes in 0..100 {
            hear(encryptor.encrypt_with(&message, &mut Vec::new(), &mut Ending(bytes)));
        }
        for bytes in (0..900).step_by(30) {
            hear(encryptor.encrypt_with(&message, &mut Full(bytes), &mut SystemRandom));
        }
        let sealed = encryptor.encrypt(&message).unwrap_or_default();
        hear(encryptor.encrypt_to(&Message::parse(&sealed).unwrap(), &mut Vec::new()));
    }
    assert!(failures > 100, "only {failures} of them failed");
}
