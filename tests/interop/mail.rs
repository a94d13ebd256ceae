//! The mails, and our side of each case: every message that we make is opened by ourselves before the peer gets it.

use crate::people::{People, Person};
use crate::tally::{Failure, Outcome, ours};
use smime::base::source::Memory;
use smime::compose::recipients::Recipients;
use smime::mime::plan::Protected;
use smime::open::report::{LayerKind, Report};
use smime::policy::policy::{AlreadyProtected, Form, Policy};
use smime::policy::profile::Profile;
use smime::{Certificates, Encryptor, Limits, Message, Opener, RecipientPlan, Requirement, Signer, Time};
use std::time::{SystemTime, UNIX_EPOCH};

/// A mail from Alice to Bob.
pub struct Mail {
    /// From, To and the like, with CRLF.
    pub header: String,
    /// Content-Type and what follows: what is signed or encrypted, with CRLF.
    pub entity: Vec<u8>,
}

impl Mail {
    /// Plain text in ASCII.
    pub fn plain() -> Self {
        Self::of(
            "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nDear Bob,\r\n\r\n- this line begins with a hyphen\r\n\r\nAlice\r\n",
        )
    }

    /// Text and an attachment.
    pub fn with_attachment() -> Self {
        let attachment = base64_lines(&(0..=255).cycle().take(3000).collect::<Vec<u8>>());
        Self::of(&format!(
            "Content-Type: multipart/mixed; boundary=\"=_inner\"\r\n\r\n--=_inner\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n--=_inner\r\n\
             Content-Type: application/octet-stream; name=\"all.bin\"\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment; filename=\"all.bin\"\r\n\r\n{attachment}--=_inner--\r\n"
        ))
    }

    /// Without any line end at its end, with blanks at the ends of lines, and a line that mailboxes change.
    pub fn ragged() -> Self {
        Self::of("Content-Type: text/plain\r\n\r\nblanks:  \r\ntab:\t\r\n\r\n.\r\n\r\nFrom here on, no line end")
    }

    /// So large that every peer reads and writes it in pieces.
    pub fn large() -> Self {
        let body =
            base64_lines(&(0..2_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<u8>>());
        Self::of(&format!("Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}"))
    }

    fn of(entity: &str) -> Self {
        let header = "From: Alice <alice@example.com>\r\nTo: Bob <bob@example.com>\r\nSubject: A mail of the tests\r\n\
                      Date: Tue, 24 Nov 2026 08:00:00 +0000\r\nMIME-Version: 1.0\r\n";
        Self { header: header.to_owned(), entity: entity.as_bytes().to_vec() }
    }

    /// What we protect of it: lines that do not survive transport (blanks at their ends, "From ") go quoted-printable.
    pub fn sent(&self) -> Vec<u8> {
        let raw = self.raw();
        Protected::prepare(&Memory::borrowed(&raw), &Limits::default()).unwrap().plan.to_vec().unwrap()
    }

    /// The whole.
    pub fn raw(&self) -> Vec<u8> {
        [self.header.as_bytes(), &self.entity].concat()
    }
}

/// Our side: everybody's keys, and the time of the machine, which is what the peers go by.
pub struct Us {
    /// Alice, Bob and the CA.
    pub people: People,
    /// When a run began.
    pub now: Time,
}

/// What came out of a message.
pub struct Opened {
    /// The innermost entity.
    pub content: Vec<u8>,
    /// What was found on the way.
    pub report: Report,
}

impl Us {
    /// Reads the keys.
    pub fn new() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        Self { people: People::read(), now: Time::from_unix(i64::try_from(seconds).unwrap()) }
    }

    /// A policy that wraps what is wrapped already.
    pub fn policy(&self) -> Policy {
        let mut policy = Policy::new(Profile::Rfc8551);
        policy.already_protected = AlreadyProtected::Wrap;
        policy
    }

    /// Signs; every signer named signs.
    pub fn sign(&self, raw: &[u8], signers: &[&str], form: Form, policy: &Policy) -> Outcome<Vec<u8>> {
        let mut people = signers.iter().map(|name| self.people.get(name));
        let first = people.next().expect("a signer");
        let mut signer = Signer::new(&first.identity, policy).map_err(ours)?;
        for person in people {
            signer = signer.and(&person.identity).map_err(ours)?;
        }
        let signer = match form {
            Form::Clear => signer.clear(),
            Form::Opaque => signer.opaque(),
        };
        signer.sign(&Message::parse(raw).map_err(ours)?, self.now).map_err(ours)
    }

    /// Encrypts to everybody named, one certificate for an address.
    pub fn encrypt(&self, raw: &[u8], recipients: &[&str], policy: &Policy) -> Outcome<Vec<u8>> {
        let people: Vec<&Person> = recipients.iter().map(|name| self.people.get(name)).collect();
        let directory = Certificates(people.iter().map(|p| p.certificate().clone()).collect());
        let addresses: Vec<_> = people.iter().map(|p| p.email.parse().unwrap()).collect();
        let plan = RecipientPlan::resolve(&addresses, &directory, policy, Some(&self.people.trust()), self.now);
        let all: Recipients = plan.all().map_err(ours)?;
        Encryptor::new(&all, policy).encrypt(&Message::parse(raw).map_err(ours)?).map_err(ours)
    }

    /// Opens a mail or a CMS file, and demands something of it.
    pub fn open(&self, raw: &[u8], requirement: Requirement) -> Outcome<Opened> {
        let (trust, keyring, policy) = (self.people.trust(), self.people.keyring(), self.policy());
        let opened = Opener::new(&trust, &policy).with_keys(&keyring).open(raw, self.now).map_err(ours)?;
        let trusted = opened.require(requirement).map_err(|refused| {
            let reasons: Vec<String> = refused.reasons().iter().map(ToString::to_string).collect();
            Failure::Ours(format!("{requirement} is not met: {}\n{}", reasons.join("; "), refused.report()))
        })?;
        Ok(Opened { content: trusted.message().map_err(ours)?, report: trusted.report().clone() })
    }

    /// Opens, and compares with what should come out.
    pub fn opens_as(&self, raw: &[u8], requirement: Requirement, entity: &[u8]) -> Outcome<Opened> {
        let opened = self.open(raw, requirement)?;
        same(&opened.content, entity)?;
        Ok(opened)
    }
}

impl Opened {
    /// "signed(rsa-sha256) encrypted(aes256-cbc)", outermost first.
    pub fn layers(&self) -> String {
        let layers = self.report.layers.iter().map(|layer| match &layer.kind {
            LayerKind::Signed(signed) => {
                let schemes: Vec<&str> = signed.signatures.iter().map(|s| s.scheme.as_deref().unwrap_or("?")).collect();
                format!("{}({})", signed.form, schemes.join(","))
            }
            LayerKind::Encrypted(encrypted) => format!("encrypted({})", encrypted.cipher),
            LayerKind::Compressed { .. } => "compressed".to_owned(),
            LayerKind::Digested { .. } => "digested".to_owned(),
            LayerKind::Certificates { .. } => "certificates".to_owned(),
        });
        layers.collect::<Vec<_>>().join(" ")
    }

    /// Whether the layers are these.
    pub fn has_layers(&self, expected: &str) -> Outcome {
        let found = self.layers();
        if found == expected {
            Ok(())
        } else {
            Err(Failure::Ours(format!("the layers are {found}, and not {expected}")))
        }
    }
}

/// Whether two contents are equal once every line ends in CRLF.
pub fn same(found: &[u8], expected: &[u8]) -> Outcome {
    let (found, expected) = (canonical(found), canonical(expected));
    if found == expected {
        return Ok(());
    }
    let at = found.iter().zip(&expected).take_while(|(one, other)| one == other).count();
    let near =
        |bytes: &[u8]| String::from_utf8_lossy(&bytes[at.saturating_sub(20)..bytes.len().min(at + 60)]).into_owned();
    Err(Failure::Ours(format!(
        "the content differs from byte {at} ({} bytes for {}): {:?} for {:?}",
        found.len(),
        expected.len(),
        near(&found),
        near(&expected)
    )))
}

/// Every line end as CRLF.
pub fn canonical(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 40);
    let mut before = 0;
    for &byte in text {
        if byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        before = byte;
    }
    out
}

/// Greets somebody else.
pub fn alter(content: &mut [u8]) {
    let at = content.windows(8).position(|window| window == b"Dear Bob").expect("the greeting");
    content[at + 5] = b'R';
}

/// Line ends as Unix tools like them.
pub fn unix(text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    out.retain(|byte| *byte != b'\r');
    out
}

/// A detached signature of a peer's as a mail.
pub fn multipart_signed(mail: &Mail, micalg: &str, signature: &[u8]) -> Vec<u8> {
    let head = format!(
        "{}Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg={micalg}; boundary=\"=_outer\"\r\n\r\n--=_outer\r\n",
        mail.header
    );
    let tail = format!(
        "\r\n--=_outer\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n{}--=_outer--\r\n",
        base64_lines(signature)
    );
    [head.as_bytes(), &mail.entity, tail.as_bytes()].concat()
}

/// A CMS structure of a peer's as a mail.
pub fn pkcs7_mime(mail: &Mail, smime_type: &str, cms: &[u8]) -> Vec<u8> {
    let head = format!(
        "{}Content-Type: application/pkcs7-mime; smime-type={smime_type}; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        mail.header
    );
    [head.as_bytes(), base64_lines(cms).as_bytes()].concat()
}

/// What is signed, and the CMS structure, of a multipart/signed that we have made.
pub fn split_clear(raw: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let text = String::from_utf8(raw.to_vec()).unwrap();
    let (_, rest) = text.split_once("boundary=\"").unwrap();
    let (boundary, _) = rest.split_once('"').unwrap();
    let delimiter = format!("\r\n--{boundary}");
    let parts: Vec<&str> = text.split(&delimiter).collect();
    let [_, content, signature, _] = parts[..] else { panic!("{} parts", parts.len()) };
    (content.strip_prefix("\r\n").unwrap().into(), base64_body(signature.strip_prefix("\r\n").unwrap().as_bytes()))
}

/// The CMS structure of a mail that we have made.
pub fn base64_body(raw: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(raw).unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    let armour = format!("-----BEGIN CMS-----\n{}\n-----END CMS-----\n", body.replace('\r', "").trim());
    smime::store::pem::read(armour.as_bytes()).unwrap()[0].data.expose().to_vec()
}

/// Base64 in lines of 64 with CRLF.
fn base64_lines(bytes: &[u8]) -> String {
    let armour = smime::store::pem::write("X", bytes);
    let lines = armour.lines().filter(|line| !line.starts_with('-'));
    lines.flat_map(|line| [line, "\r\n"]).collect()
}
