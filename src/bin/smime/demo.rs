//! `smime demo`: a CA, Alice and Bob; mail between them, signed, encrypted, opened and judged; every file left to look at.

use crate::args::Demo;
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::output::{self, Existing, Readers};
use crate::time;
use smime::asn1::oid;
use smime::cert::extension::KeyUsage;
use smime::cert::issue::{CertificateTemplate, issue};
use smime::cert::name::Name;
use smime::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
use smime::crypto::private::PrivateKey;
use smime::crypto::random::{Random, SystemRandom};
use smime::crypto::signature::KeyKind;
use smime::keys::software::SoftwareKey;
use smime::mime::emit::{Attachment, Draft, Named};
use smime::store::p12;
use smime::store::pem;
use smime::{
    Certificate, Certificates, Encryptor, Identity, Keyring, Message, Opener, Policy, RecipientPlan, Requirement,
    Sealer, Secret, Signer, Time, Trust,
};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Every mail program of today takes it.
const RSA_BITS: usize = 2048;
const PASSWORD: &str = "demo";
const YEAR: i64 = 365 * 86_400;
const SCHEME: SignatureScheme = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);

struct Person {
    identity: Identity,
    key: Arc<SoftwareKey>,
}

pub(crate) fn run(args: &Demo, console: Console) -> Outcome {
    let folder = Folder::new(&args.dir, args.force)?;
    let now = time(None);
    console
        .say(format_args!("Making a CA, Alice and Bob in {} (RSA-{RSA_BITS}, a few seconds) ...", args.dir.display()));
    let ca_key = PrivateKey::generate(KeyKind::Rsa, RSA_BITS)?;
    let ca = certify(now, "Demo CA", None, &ca_key, None)?;
    let alice = person(now, "Alice", "alice@example.com", &ca, &ca_key)?;
    let bob = person(now, "Bob", "bob@example.com", &ca, &ca_key)?;
    folder.write("ca.pem", pem::write("CERTIFICATE", ca.der()).as_bytes(), Readers::Usual)?;
    for (name, who) in [("alice", &alice), ("bob", &bob)] {
        let chain = [who.identity.certificate().clone(), ca.clone()];
        let p12 = p12::write(
            &who.key.private_key().to_pkcs8()?,
            &chain,
            name,
            &Secret::from(PASSWORD),
            p12::Profile::Modern,
            &mut SystemRandom,
        )?;
        folder.write(&format!("{name}.p12"), &p12, Readers::Owner)?;
        folder.write(
            &format!("{name}.pem"),
            pem::write("CERTIFICATE", who.identity.certificate().der()).as_bytes(),
            Readers::Usual,
        )?;
    }
    folder.write("password.txt", format!("{PASSWORD}\n").as_bytes(), Readers::Owner)?;
    let mail = draft(now)?;
    folder.write("mail.eml", &mail, Readers::Usual)?;
    let made = make(&folder, &mail, &alice, &bob, now)?;
    let mut failed = 0;
    println!("{:<22} opened and judged by Bob, who trusts the CA", "file");
    let trust = Trust::new([ca]);
    for (name, bytes) in &made {
        let verdict = judge(bytes, &bob, &trust, now)?;
        failed += u8::from(verdict.is_err());
        println!("{name:<22} {}", verdict.unwrap_or_else(|why| format!("FAILED: {why}")));
    }
    println!("{}", hints(&args.dir));
    if failed == 0 {
        Ok(exit::DONE)
    } else {
        Err(Failure::new(exit::OTHER, format!("{failed} messages were not judged as they should be")))
    }
}

/// Signs in both forms, encrypts in both, and both together.
fn make(
    folder: &Folder<'_>,
    mail: &[u8],
    alice: &Person,
    bob: &Person,
    now: Time,
) -> Result<Vec<(&'static str, Vec<u8>)>, Failure> {
    let policy = Policy::default();
    let mut authenticated = Policy::default();
    authenticated.content_cipher = smime::crypto::algorithm::ContentCipher::Aes256Gcm;
    let message = Message::parse(mail)?;
    let signer = Signer::new(&alice.identity, &policy)?;
    let directory = Certificates(vec![bob.identity.certificate().clone()]);
    let addresses = [address("bob@example.com")?];
    let plan = RecipientPlan::resolve(&addresses, &directory, &policy, None, now);
    let signed = signer.sign(&message, now)?;
    let opaque = signer.clone().opaque().sign(&message, now)?;
    let encryptor = Encryptor::new(&plan.all()?, &policy).copy_to(&alice.identity, now)?;
    let sealed = encryptor.encrypt(&message)?;
    let both = Sealer::new(signer.clone(), encryptor.clone(), &policy).seal(&message, now)?;
    let gcm = Encryptor::new(&plan.all()?, &authenticated).encrypt(&Message::parse(&signed)?)?;
    let made = vec![
        ("signed.eml", signed),
        ("opaque.eml", opaque),
        ("encrypted.eml", sealed),
        ("signed-encrypted.eml", both),
        ("signed-gcm.eml", gcm),
    ];
    for (name, bytes) in &made {
        folder.write(name, bytes, Readers::Usual)?;
    }
    Ok(made)
}

/// What was found, in a line; `Err` where it is not what it should be.
fn judge(mail: &[u8], bob: &Person, trust: &Trust, now: Time) -> Result<Result<String, String>, Failure> {
    let policy = Policy::default();
    let keyring = Keyring::new(vec![bob.identity.clone()]);
    let opened = Opener::new(trust, &policy).with_keys(&keyring).open(mail, now)?;
    let signed = opened.report().covering_signatures().next().is_some();
    let encrypted = opened.report().layers.len() > usize::from(signed);
    let requirement = if signed { Requirement::SignedBySender } else { Requirement::Unaltered };
    let how = match (signed, encrypted) {
        (true, true) => "encrypted, and signed inside",
        (true, false) => "signed",
        _ => "encrypted, not signed",
    };
    Ok(match opened.require(requirement) {
        Ok(trusted) => {
            let bytes = trusted.message()?.len();
            let from = trusted.sender().map_or_else(
                || "from nobody who could be proven".to_owned(),
                |sender| format!("from {sender}, as it says"),
            );
            Ok(format!("{how}: {from}; {bytes} bytes of content"))
        }
        Err(refused) => Err(refused.reasons().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    })
}

fn person(now: Time, name: &str, email: &str, ca: &Certificate, ca_key: &PrivateKey) -> Result<Person, Failure> {
    let key = PrivateKey::generate(KeyKind::Rsa, RSA_BITS)?;
    let certificate = certify(now, name, Some(email), &key, Some((ca, ca_key)))?;
    let key = Arc::new(SoftwareKey::new(key));
    let identity = Identity::new(certificate, vec![ca.clone()], Arc::clone(&key))?;
    Ok(Person { identity, key })
}

fn certify(
    now: Time,
    name: &str,
    email: Option<&str>,
    key: &PrivateKey,
    issuer: Option<(&Certificate, &PrivateKey)>,
) -> Result<Certificate, Failure> {
    let mut serial = [0; 16];
    SystemRandom.fill(&mut serial)?;
    serial[0] &= 0x7f;
    let subject = Name::build(&[(oid::ORGANIZATION, "smime demo"), (oid::COMMON_NAME, name)]);
    let validity = (now.plus(-86_400), now.plus(10 * YEAR));
    let template =
        CertificateTemplate::new(subject, issuer.map(|(ca, _)| ca), &serial, validity, &key.public_key_spki());
    let template = match email {
        Some(email) => {
            template.for_mail(&[address(email)?], KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT))
        }
        None => template.for_authority(Some(0)),
    };
    let signing = issuer.map_or(key, |(_, key)| key);
    Ok(issue(&template, &SCHEME.identifier(), &|tbs| Ok(signing.sign(&SCHEME, tbs)?))?)
}

fn draft(now: Time) -> Result<Vec<u8>, Failure> {
    let mut boundary = [0; 16];
    SystemRandom.fill(&mut boundary)?;
    let named = |name: &str, email: &str| -> Result<Named, Failure> {
        Ok(Named { name: Some(name.to_owned()), address: address(email)? })
    };
    let draft = Draft {
        from: vec![named("Alice", "alice@example.com")?],
        to: vec![named("Bob", "bob@example.com")?],
        subject: "Grüße: is this mail from whom it says?".to_owned(),
        date: now,
        message_id: "demo@example.com".to_owned(),
        text: "Hello Bob,\n\nthe attachment has the figures.\n\nAlice\n".to_owned(),
        attachments: vec![Attachment {
            file_name: "figures.csv".to_owned(),
            media_type: "text/csv".to_owned(),
            bytes: b"quarter,euros\r\nQ1,1000\r\nQ2,1200\r\n".to_vec(),
        }],
        boundary,
    };
    Ok(draft.to_bytes()?)
}

fn address(text: &str) -> Result<smime::EmailAddress, Failure> {
    text.parse().map_err(Failure::usage)
}

struct Folder<'f> {
    path: &'f Path,
}

impl<'f> Folder<'f> {
    fn new(path: &'f Path, force: bool) -> Result<Self, Failure> {
        let about = |e: std::io::Error| Failure::from(e).about(path.display());
        fs::create_dir_all(path).map_err(about)?;
        if !force && fs::read_dir(path).map_err(about)?.next().is_some() {
            let failure =
                Failure::usage("the folder is not empty, and nothing in it was touched").about(path.display());
            return Err(failure.hint("another --dir, or --force to write into it"));
        }
        Ok(Self { path })
    }

    fn write(&self, name: &str, bytes: &[u8], readers: Readers) -> Result<(), Failure> {
        output::write(Some(&self.path.join(name)), Existing::Replace, readers, bytes)
    }
}

fn hints(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "
ca.pem                 the authority; trust it for these experiments only
alice.p12, bob.p12     keys and certificates, password \"{PASSWORD}\" (also in password.txt)
alice.pem, bob.pem     certificates alone
mail.eml               the mail before any protection, with an attachment

In Outlook:     import ca.pem as trusted root and bob.p12 as personal certificate, then open the .eml files.
                (Outlook does not read AES-GCM: signed-gcm.eml is for those who do.)
In Thunderbird: Settings, Privacy & Security, Manage Certificates: ca.pem under Authorities (trust it for mail), bob.p12
                under Your Certificates; then open the .eml files.
With openssl:   openssl cms -verify -in {dir}/signed.eml -CAfile {dir}/ca.pem
                openssl pkcs12 -in {dir}/bob.p12 -passin file:{dir}/password.txt -nodes -out bob-key.pem
                openssl cms -decrypt -in {dir}/encrypted.eml -inkey bob-key.pem
With smime:     smime verify --trust {dir}/ca.pem {dir}/signed.eml
                smime open --identity {dir}/bob.p12 --password-file {dir}/password.txt --trust {dir}/ca.pem {dir}/signed-encrypted.eml"
    )
}
