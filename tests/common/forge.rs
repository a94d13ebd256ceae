//! Signed mail put together by hand, from its parts down to the octets, so that each part can be what it should not be.

use super::people::{Authority, common_name, serial, years};
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cert::extension::KeyUsage;
use smime::cert::issue::CertificateTemplate;
use smime::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm, SignatureScheme};
use smime::crypto::digest::hash;
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::{Certificate, Opened, Opener, Policy, Requirement, Time, Trust};

/// What the forgeries are about: a part as it is signed.
pub const PART: &[u8] = b"Content-Type: text/plain\r\n\r\nPay 10 euros.\r\n";

/// The header of a mail from Alice.
pub const HEADER: &str =
    "From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nSubject: pay\r\nMIME-Version: 1.0\r\n";

/// Somebody whose key is at hand, and not behind an identity.
pub struct Hand {
    pub key: PrivateKey,
    pub certificate: Certificate,
    pub scheme: SignatureScheme,
}

impl Hand {
    /// With a key on P-256 and a certificate for the address.
    pub fn of(ca: &Authority, email: &str) -> Self {
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        Self::with(ca, email, key, SignatureScheme::Ecdsa(DigestAlgorithm::Sha256))
    }

    /// With this key.
    pub fn with(ca: &Authority, email: &str, key: PrivateKey, scheme: SignatureScheme) -> Self {
        let certificate = ca.issue(&template(ca, email, &key.public_key_spki()));
        Self { key, certificate, scheme }
    }
}

/// What a certificate for signing says, to be changed before it is issued.
pub fn template(ca: &Authority, email: &str, spki: &[u8]) -> CertificateTemplate {
    let emails: Vec<_> = if email.is_empty() { Vec::new() } else { vec![email.parse().unwrap()] };
    CertificateTemplate::new(common_name("Alice"), Some(&ca.certificate), &serial(), years(), spki)
        .for_mail(&emails, KeyUsage::DIGITAL_SIGNATURE)
}

/// One SignerInfo, its attributes in DER order: contentType, signingTime, messageDigest. Fields are encodings, so that anything can stand in them.
pub struct Signer {
    pub sid: Vec<u8>,
    pub digest: Vec<u8>,
    pub signature_algorithm: Vec<u8>,
    /// Attributes in the order in which they are written; `None` for no signedAttrs at all.
    pub attributes: Option<Vec<Vec<u8>>>,
    /// What is signed where it is not what it should be.
    pub signs: Option<Vec<u8>>,
    /// The signature where it is not made.
    pub signature: Option<Vec<u8>>,
    /// unsignedAttrs.
    pub unsigned: Vec<Vec<u8>>,
}

impl Signer {
    /// As it should be, over `content`.
    pub fn new(hand: &Hand, content: &[u8]) -> Self {
        let digest = hand.scheme.digest();
        Self {
            sid: der::sequence(&[hand.certificate.issuer().der().to_vec(), serial_of(&hand.certificate)]),
            digest: AlgorithmIdentifier::with_null(digest.oid()).to_der(),
            signature_algorithm: hand.scheme.identifier().to_der(),
            attributes: Some(vec![content_type(&oid::ID_DATA), signing_time(), message_digest(&hash(digest, content))]),
            signs: None,
            signature: None,
            unsigned: Vec::new(),
        }
    }

    /// One more attribute.
    pub fn also(mut self, attribute: Vec<u8>) -> Self {
        self.attributes.get_or_insert_default().push(attribute);
        self
    }

    /// These attributes in place of its own.
    pub fn only(mut self, attributes: Vec<Vec<u8>>) -> Self {
        self.attributes = Some(attributes);
        self
    }

    /// The encoding, signed by `hand` over what it holds.
    pub fn encode(&self, hand: &Hand, content: &[u8]) -> Vec<u8> {
        let mut fields = vec![der::integer(1), self.sid.clone(), self.digest.clone()];
        let signed = match &self.attributes {
            Some(attributes) => {
                fields.push(der::constructed(Tag::context(0), attributes));
                der::constructed(Tag::SET, attributes)
            }
            None => content.to_vec(),
        };
        let signed = self.signs.clone().unwrap_or(signed);
        let signature = self.signature.clone().unwrap_or_else(|| hand.key.sign(&hand.scheme, &signed).unwrap());
        fields.extend([self.signature_algorithm.clone(), der::octets(&signature)]);
        if !self.unsigned.is_empty() {
            fields.push(der::constructed(Tag::context(1), &self.unsigned));
        }
        der::sequence(&fields)
    }
}

/// A SignedData; the sets are written in the order given.
pub struct Structure {
    pub digests: Vec<Vec<u8>>,
    pub content_type: Vec<u8>,
    /// eContent, where there is one.
    pub content: Option<Vec<u8>>,
    pub certificates: Vec<Vec<u8>>,
    pub signers: Vec<Vec<u8>>,
}

impl Structure {
    /// Detached, with one signer.
    pub fn new(hand: &Hand, signer: Vec<u8>) -> Self {
        Self {
            digests: vec![AlgorithmIdentifier::with_null(hand.scheme.digest().oid()).to_der()],
            content_type: der::oid(&oid::ID_DATA),
            content: None,
            certificates: vec![hand.certificate.der().to_vec()],
            signers: vec![signer],
        }
    }

    /// With its content inside.
    pub fn holding(mut self, content: &[u8]) -> Self {
        self.content = Some(content.to_vec());
        self
    }

    /// The ContentInfo.
    pub fn encode(&self) -> Vec<u8> {
        let mut encapsulated = vec![self.content_type.clone()];
        encapsulated.extend(self.content.iter().map(|content| der::explicit(0, &der::octets(content))));
        let mut fields = vec![der::integer(1), der::constructed(Tag::SET, &self.digests), der::sequence(&encapsulated)];
        if !self.certificates.is_empty() {
            fields.push(der::constructed(Tag::context(0), &self.certificates));
        }
        fields.push(der::constructed(Tag::SET, &self.signers));
        der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &der::sequence(&fields))])
    }
}

/// A detached signature as it should be but for what the caller changed in `signer`.
pub fn detached(hand: &Hand, signer: &Signer) -> String {
    clear(&Structure::new(hand, signer.encode(hand, PART)).encode())
}

/// A multipart/signed from Alice of [`PART`] and this structure.
pub fn clear(cms: &[u8]) -> String {
    let part = std::str::from_utf8(PART).unwrap();
    format!(
        "{HEADER}Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=cut\r\n\r\n\
         --cut\r\n{part}\r\n--cut\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--cut--\r\n",
        base64(cms)
    )
}

/// An application/pkcs7-mime from Alice.
pub fn opaque(cms: &[u8]) -> String {
    format!(
        "{HEADER}Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        base64(cms)
    )
}

pub fn base64(bytes: &[u8]) -> String {
    use std::io::Write;
    let mut writer = smime::mime::transfer::Base64Writer::new(Vec::new());
    writer.write_all(bytes).unwrap();
    String::from_utf8(writer.finish().unwrap()).unwrap().trim_end().to_owned()
}

/// Attribute with one value.
pub fn attribute(kind: &const_oid::ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    attribute_of(kind, &[value])
}

/// Attribute with any number of values.
pub fn attribute_of(kind: &const_oid::ObjectIdentifier, values: &[Vec<u8>]) -> Vec<u8> {
    der::sequence(&[der::oid(kind), der::constructed(Tag::SET, values)])
}

pub fn content_type(kind: &const_oid::ObjectIdentifier) -> Vec<u8> {
    attribute(&oid::ID_CONTENT_TYPE, der::oid(kind))
}

pub fn message_digest(value: &[u8]) -> Vec<u8> {
    attribute(&oid::ID_MESSAGE_DIGEST, der::octets(value))
}

pub fn signing_time() -> Vec<u8> {
    signing_time_at(super::people::now())
}

pub fn signing_time_at(at: Time) -> Vec<u8> {
    attribute(&oid::ID_SIGNING_TIME, der::time(at))
}

pub fn serial_of(certificate: &Certificate) -> Vec<u8> {
    der::primitive(Tag::INTEGER, certificate.serial())
}

/// What became of a message.
pub struct Outcome {
    /// `None` where the requirement is met.
    pub shortfall: Option<smime::open::requirement::Shortfall>,
    /// The codes of what decided.
    pub reasons: Vec<&'static str>,
    /// The codes of everything that was noted anywhere.
    pub notes: Vec<&'static str>,
    /// The content, where the requirement is met.
    pub content: Option<Vec<u8>>,
    /// The report in words.
    pub text: String,
}

impl Outcome {
    /// Met, with these notes among others.
    #[track_caller]
    pub fn passes_with(&self, notes: &[&str]) {
        assert_eq!(self.shortfall, None, "{:?}\n{}", self.reasons, self.text);
        for note in notes {
            assert!(self.notes.contains(note), "no {note} in {:?}\n{}", self.notes, self.text);
        }
    }

    /// Not met, for this reason among others.
    #[track_caller]
    pub fn fails(&self, shortfall: smime::open::requirement::Shortfall, reason: &str) {
        assert_eq!(self.shortfall, Some(shortfall), "{:?}\n{}", self.reasons, self.text);
        assert!(self.reasons.contains(&reason), "no {reason} in {:?}\n{}", self.reasons, self.text);
    }
}

/// Opens under a requirement, with the default policy.
pub fn judge(trust: &Trust, mail: &str, requirement: Requirement) -> Outcome {
    judge_by(trust, &Policy::default(), mail.as_bytes(), requirement)
}

/// The same with a policy.
pub fn judge_by(trust: &Trust, policy: &Policy, mail: &[u8], requirement: Requirement) -> Outcome {
    outcome(Opener::new(trust, policy).open(mail, super::people::now()).unwrap(), requirement)
}

/// What became of a message that was opened.
pub fn outcome(opened: Opened<'_>, requirement: Requirement) -> Outcome {
    use smime::open::report::LayerKind;
    let report = opened.report();
    let mut notes: Vec<&'static str> = report.notes.iter().map(|note| note.code).collect();
    for layer in &report.layers {
        notes.extend(layer.reasons.iter().map(|reason| reason.code));
        if let LayerKind::Signed(signed) = &layer.kind {
            notes.extend(signed.signatures.iter().flat_map(|s| s.findings()).map(|reason| reason.code));
        }
    }
    let text = report.to_string();
    match opened.require(requirement) {
        Ok(trusted) => {
            Outcome { shortfall: None, reasons: Vec::new(), notes, content: Some(trusted.message().unwrap()), text }
        }
        Err(refused) => {
            let reasons = refused.reasons().iter().map(|reason| reason.code).collect();
            Outcome { shortfall: Some(refused.shortfall()), reasons, notes, content: None, text }
        }
    }
}
