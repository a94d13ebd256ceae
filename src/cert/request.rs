//! Requests for certificates (PKCS#10, RFC 2986): written, read back, and their proof of possession checked. And when a
//! certificate is due for another one.

use super::Error;
use super::certificate::{Certificate, read_extensions};
use super::extension::{Extension, KeyUsage};
use super::issue::{Sign, encode, mailbox};
use super::name::{Name, string_type};
use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{self, der, oid};
use crate::base::address::EmailAddress;
use crate::base::limits::Limits;
use crate::base::secret::Secret;
use crate::base::time::Time;
use crate::crypto;
use crate::crypto::algorithm::{AlgorithmIdentifier, SignatureScheme};
use crate::crypto::signature::PublicKey;
use const_oid::ObjectIdentifier;
use std::sync::Arc;

/// A name for the subjectAltName.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AltName {
    /// rfc822Name, or SmtpUTF8Mailbox where the local part is not ASCII.
    Email(EmailAddress),
    /// otherName with the user principal name of Microsoft's directories (OUT-125).
    UserPrincipal(String),
    /// dNSName.
    Dns(String),
    /// uniformResourceIdentifier.
    Uri(String),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct RequestTemplate {
    /// Whom the certificate is to be about.
    pub subject: Name,
    /// The subject's public key, SubjectPublicKeyInfo in DER.
    pub spki: Vec<u8>,
    /// Names for the subjectAltName; it is left out where there are none.
    pub alt_names: Vec<AltName>,
    /// Critical where it is given.
    pub key_usage: Option<KeyUsage>,
    /// Left out where empty.
    pub extended_key_usage: Vec<ObjectIdentifier>,
    /// challengePassword (RFC 2985 section 5.4.1): what shows the authority that the request was expected.
    pub challenge_password: Option<Secret>,
}

impl RequestTemplate {
    fn extensions(&self) -> Vec<Extension> {
        let mut list = Vec::new();
        if let Some(usage) = self.key_usage {
            let value = der::primitive(Tag::BIT_STRING, &usage.content());
            list.push(Extension { oid: oid::KEY_USAGE, critical: true, value });
        }
        if !self.extended_key_usage.is_empty() {
            let usages: Vec<_> = self.extended_key_usage.iter().map(der::oid).collect();
            list.push(Extension { oid: oid::EXTENDED_KEY_USAGE, critical: false, value: der::sequence(&usages) });
        }
        if !self.alt_names.is_empty() {
            let names: Vec<_> = self.alt_names.iter().map(AltName::encode).collect();
            // RFC 5280 section 4.2.1.6: critical where the subject is empty.
            let critical = self.subject.is_empty();
            list.push(Extension { oid: oid::SUBJECT_ALT_NAME, critical, value: der::sequence(&names) });
        }
        list
    }

    fn info(&self) -> Secret {
        let mut attributes = Vec::new();
        if let Some(password) = &self.challenge_password {
            let text = String::from_utf8_lossy(password.expose());
            // A DirectoryString; PrintableString where it can be one, which the oldest servers read alone.
            let value = der::primitive(string_type(&oid::SERIAL_NUMBER, &text), password.expose());
            attributes.push(attribute(&oid::ID_CHALLENGE_PASSWORD, value));
        }
        let extensions: Vec<_> = self.extensions().iter().map(encode).collect();
        if !extensions.is_empty() {
            attributes.push(attribute(&oid::ID_EXTENSION_REQUEST, der::sequence(&extensions)));
        }
        Secret::new(der::sequence(&[
            der::integer(0),
            self.subject.der().to_vec(),
            self.spki.clone(),
            der::set_of(Tag::context(0), attributes),
        ]))
    }

    /// The request, signed by the key that it is for, in DER.
    ///
    /// # Errors
    /// Where `sign` fails.
    pub fn sign(&self, signature_algorithm: &AlgorithmIdentifier, sign: &Sign<'_>) -> Result<Secret, Error> {
        let info = self.info();
        let signature = sign(info.expose())
            .map_err(|source| Error::Signing { subject: self.subject.brief(), source: Arc::from(source) })?;
        let parts = [info.expose(), &signature_algorithm.to_der(), &der::bits(&signature)];
        Ok(Secret::new(der::sequence(&parts)))
    }
}

impl AltName {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Email(address) => mailbox(address),
            Self::UserPrincipal(name) => {
                let value = der::explicit(0, &der::primitive(Tag::UTF8_STRING, name.as_bytes()));
                let parts = [der::oid(&oid::MS_USER_PRINCIPAL_NAME), value];
                der::retag(Tag::context(0), &der::sequence(&parts))
            }
            Self::Dns(name) => der::primitive(Tag::context(2), name.as_bytes()),
            Self::Uri(uri) => der::primitive(Tag::context(6), uri.as_bytes()),
        }
    }
}

fn attribute(kind: &ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    der::sequence(&[der::oid(kind), der::set_of(Tag::SET, vec![value])])
}

/// A request as received.
#[derive(Clone, Debug)]
pub struct CertificationRequest {
    /// Whom the certificate is to be about.
    pub subject: Name,
    /// SubjectPublicKeyInfo, DER or BER as received.
    pub spki: Vec<u8>,
    /// The extensions that are asked for.
    pub extensions: Vec<Extension>,
    /// challengePassword.
    pub challenge_password: Option<Secret>,
    info: Vec<u8>,
    signature_algorithm: AlgorithmIdentifier,
    signature: Vec<u8>,
}

impl CertificationRequest {
    /// Reads a request. Attributes of other kinds are passed over.
    ///
    /// # Errors
    /// Where it is malformed.
    pub fn from_der(bytes: &[u8]) -> asn1::Result<Self> {
        let mut parts = Reader::single(bytes, "CertificationRequest")?.sequence("CertificationRequest")?;
        let info = parts.required(Tag::SEQUENCE, "CertificationRequestInfo")?;
        let what = "signatureAlgorithm";
        let signature_algorithm = AlgorithmIdentifier::read(&parts.required(Tag::SEQUENCE, what)?)?;
        let signature = parts.required(Tag::BIT_STRING, "signature")?.whole_bits("signature")?.to_vec();
        parts.finish("CertificationRequest")?;
        let mut fields = info.sequence("CertificationRequestInfo")?;
        fields.required(Tag::INTEGER, "version")?.small("version")?;
        let subject = Name::read(&fields.required(Tag::SEQUENCE, "subject")?)?;
        let spki = fields.required(Tag::SEQUENCE, "subjectPKInfo")?.raw().to_vec();
        let mut read = Self {
            subject,
            spki,
            extensions: Vec::new(),
            challenge_password: None,
            info: info.raw().to_vec(),
            signature_algorithm,
            signature,
        };
        let mut attributes = fields.required(Tag::context(0), "attributes")?.children("attributes")?;
        fields.finish("CertificationRequestInfo")?;
        while let Some(attribute) = attributes.next_element()? {
            read.take(&attribute)?;
        }
        Ok(read)
    }

    fn take(&mut self, attribute: &Element<'_>) -> asn1::Result<()> {
        let mut fields = attribute.sequence("Attribute")?;
        let kind = fields.required(Tag::OID, "type")?.oid("type")?;
        let mut values = fields.required(Tag::SET, "values")?.set("values")?;
        fields.finish("Attribute")?;
        match kind {
            oid::ID_CHALLENGE_PASSWORD => {
                let text = values.required_any("challengePassword")?.text("challengePassword")?;
                self.challenge_password = Some(Secret::new(text.into_bytes()));
            }
            oid::ID_EXTENSION_REQUEST => {
                self.extensions = read_extensions(&values.required(Tag::SEQUENCE, "extensionRequest")?)?;
            }
            _ => return Ok(()),
        }
        values.finish("values")
    }

    /// The extension of a kind, where it is asked for.
    pub fn extension(&self, oid: &ObjectIdentifier) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.oid == *oid)
    }

    /// Whether the key that it is for signed it.
    ///
    /// # Errors
    /// Where it did not, or the algorithm or the key is not usable.
    pub fn verify(&self, limits: &Limits) -> crypto::Result<()> {
        let key = PublicKey::from_spki(&self.spki, limits)?;
        let scheme = SignatureScheme::from_identifier(&self.signature_algorithm, None)?;
        key.verify(&scheme, &self.info, &self.signature)
    }
}

/// From when on a certificate is due for renewal: when less than so many percent of its life remain (OUT-129: 20, after
/// four fifths of it).
pub fn renewal_due(certificate: &Certificate, percent: u8) -> Time {
    let (from, until) = (certificate.not_before().unix(), certificate.not_after().unix());
    let life = until.saturating_sub(from).max(0);
    let remaining = i128::from(life) * i128::from(percent.min(100)) / 100;
    // Not more than the life itself, so that it fits.
    certificate.not_after().plus(-i64::try_from(remaining).unwrap_or(life)).plus(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cert::issue::tests::{unsigned, with_dummy_signature};
    use crate::crypto::algorithm::DigestAlgorithm;
    use crate::crypto::private::PrivateKey;
    use crate::crypto::signature::KeyKind;

    fn template(key: &PrivateKey) -> RequestTemplate {
        RequestTemplate {
            subject: Name::build(&[(oid::COMMON_NAME, "Alice")]),
            spki: key.public_key_spki(),
            alt_names: vec![
                AltName::Email("alice@example.com".parse().unwrap()),
                AltName::UserPrincipal("alice@corp.example".into()),
                AltName::Dns("phone.example.com".into()),
                AltName::Uri("urn:x:1".into()),
            ],
            key_usage: Some(KeyUsage::DIGITAL_SIGNATURE),
            extended_key_usage: vec![oid::EMAIL_PROTECTION],
            challenge_password: Some(Secret::from("secret")),
        }
    }

    fn signed(template: &RequestTemplate, key: &PrivateKey) -> Secret {
        let scheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);
        template.sign(&scheme.identifier(), &|info| Ok(key.sign(&scheme, info)?)).unwrap()
    }

    #[test]
    fn what_is_written_reads_back_and_every_changed_octet_is_found() {
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        let template = template(&key);
        let request = signed(&template, &key);
        let read = CertificationRequest::from_der(request.expose()).unwrap();
        let limits = Limits::default();
        read.verify(&limits).unwrap();
        assert!(read.subject.same(&template.subject));
        assert_eq!((&read.spki, &read.challenge_password), (&template.spki, &template.challenge_password));
        assert_eq!(read.extensions, template.extensions());
        assert_eq!(read.extension(&oid::KEY_USAGE).unwrap().value, [3, 2, 7, 0x80]);
        let info = 4..request.len() - 80;
        for at in info.step_by(3) {
            let mut changed = request.expose().to_vec();
            changed[at] ^= 1;
            let good = CertificationRequest::from_der(&changed).is_ok_and(|read| read.verify(&limits).is_ok());
            assert!(!good, "{at}");
        }
    }

    #[test]
    fn nothing_that_is_not_asked_for_stands_in_it() {
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        let bare = RequestTemplate {
            alt_names: Vec::new(),
            key_usage: None,
            extended_key_usage: Vec::new(),
            challenge_password: None,
            ..template(&key)
        };
        let read = CertificationRequest::from_der(signed(&bare, &key).expose()).unwrap();
        assert!(read.extensions.is_empty() && read.challenge_password.is_none());
        let nobody = RequestTemplate { subject: Name::build(&[]), ..template(&key) };
        let read = CertificationRequest::from_der(signed(&nobody, &key).expose()).unwrap();
        assert!(read.extension(&oid::SUBJECT_ALT_NAME).unwrap().critical);
    }

    #[test]
    fn out_129_renewal_is_due_in_the_last_part_of_a_life() {
        let mut life = unsigned(Name::build(&[]));
        life.not_before = "2026-01-01T00:00:00Z".parse().unwrap();
        life.not_after = life.not_before.plus(1000);
        let due = |percent| renewal_due(&with_dummy_signature(&life), percent).unix() - life.not_before.unix();
        // Exactly 20 percent remain at 800: less of it from 801 on.
        assert_eq!([due(20), due(0), due(100), due(255)], [801, 1001, 1, 1]);
    }
}
