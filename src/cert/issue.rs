//! Making certificates: the small CA of `smime demo` and of the tests, and self-signed certificates.

use crate::asn1::ber::Tag;
use crate::asn1::{der, oid};
use crate::base::address::EmailAddress;
use crate::base::time::Time;
use crate::cert::Error;
use crate::cert::certificate::Certificate;
use crate::cert::extension::{Extension, KeyUsage};
use crate::cert::name::Name;
use crate::crypto::algorithm::AlgorithmIdentifier;
use const_oid::ObjectIdentifier;
use sha1::{Digest, Sha1};
use std::sync::Arc;

/// What is to be certified. The fields are public; [`new`](Self::new) and the two presets fill the usual ones.
#[derive(Clone, Debug)]
pub struct CertificateTemplate {
    /// Whom the certificate is about.
    pub subject: Name,
    /// Who issues it; the subject itself where it is self-signed.
    pub issuer: Name,
    /// Big-endian, without sign; 20 octets at most, from a random source (RFC 5280 section 4.1.2.2).
    pub serial: Vec<u8>,
    /// The first second of validity.
    pub not_before: Time,
    /// The last second of validity.
    pub not_after: Time,
    /// The subject's public key, SubjectPublicKeyInfo in DER.
    pub spki: Vec<u8>,
    /// The issuer's key identifier, for the authorityKeyIdentifier extension.
    pub issuer_key_identifier: Option<Vec<u8>>,
    /// Addresses for the subjectAltName: rfc822Name, or SmtpUTF8Mailbox where the local part is not ASCII (RFC 9598).
    pub emails: Vec<EmailAddress>,
    /// User or CA.
    pub role: Role,
    /// Critical where it is given.
    pub key_usage: Option<KeyUsage>,
    /// Left out where empty.
    pub extended_key_usage: Vec<ObjectIdentifier>,
    /// Further extensions, written after the others as they are.
    pub extensions: Vec<Extension>,
}

/// Whether the subject may issue certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It may not; no basicConstraints extension is written.
    EndEntity,
    /// It may: basicConstraints, critical, with cA TRUE.
    Authority {
        /// pathLenConstraint.
        path_len: Option<u32>,
    },
}

/// What a key says when it does not sign.
pub type SigningError = Box<dyn std::error::Error + Send + Sync>;

/// A key at work: given the TBSCertificate, it returns the octets of the signature.
pub type Sign<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, SigningError> + 'a;

impl CertificateTemplate {
    /// A certificate that is issued by `issuer` (or by the subject itself where that is `None`) and says nothing
    /// beyond name and key yet.
    pub fn new(
        subject: Name,
        issuer: Option<&Certificate>,
        serial: &[u8],
        (not_before, not_after): (Time, Time),
        spki: &[u8],
    ) -> Self {
        let key_identifier = |issuer: &Certificate| {
            issuer.subject_key_identifier().map_or_else(|| issuer.computed_key_identifier().to_vec(), <[u8]>::to_vec)
        };
        Self {
            issuer: issuer.map_or_else(|| subject.clone(), |issuer| issuer.subject().clone()),
            issuer_key_identifier: issuer.map(key_identifier),
            subject,
            serial: serial.to_vec(),
            not_before,
            not_after,
            spki: spki.to_vec(),
            emails: Vec::new(),
            role: Role::EndEntity,
            key_usage: None,
            extended_key_usage: Vec::new(),
            extensions: Vec::new(),
        }
    }

    /// For a mail user: these addresses, emailProtection, and the key usages given (OUT-5, OUT-6).
    #[must_use]
    pub fn for_mail(mut self, emails: &[EmailAddress], key_usage: KeyUsage) -> Self {
        self.emails = emails.to_vec();
        self.key_usage = Some(key_usage);
        self.extended_key_usage = vec![oid::EMAIL_PROTECTION];
        self
    }

    /// For a CA: basicConstraints, keyCertSign, cRLSign.
    #[must_use]
    pub fn for_authority(mut self, path_len: Option<u32>) -> Self {
        self.role = Role::Authority { path_len };
        self.key_usage = Some(KeyUsage::KEY_CERT_SIGN.and(KeyUsage::CRL_SIGN));
        self
    }

    /// The TBSCertificate in DER: version 3, with the signature algorithm that it will be signed by.
    pub fn tbs(&self, signature_algorithm: &AlgorithmIdentifier) -> Vec<u8> {
        der::sequence(&[
            der::explicit(0, &der::integer(2)),
            der::unsigned(&self.serial),
            signature_algorithm.to_der(),
            self.issuer.der().to_vec(),
            der::sequence(&[der::time(self.not_before), der::time(self.not_after)]),
            self.subject.der().to_vec(),
            self.spki.clone(),
            der::explicit(3, &der::sequence(&self.all_extensions())),
        ])
    }

    fn all_extensions(&self) -> Vec<Vec<u8>> {
        let mut list = Vec::new();
        let mut add = |oid, critical, value: Vec<u8>| list.push(encode(&Extension { oid, critical, value }));
        if let Role::Authority { path_len } = self.role {
            let path_len = path_len.map(|n| der::integer(u64::from(n))).unwrap_or_default();
            add(oid::BASIC_CONSTRAINTS, true, der::sequence(&[der::boolean(true), path_len]));
        }
        if let Some(usage) = self.key_usage {
            add(oid::KEY_USAGE, true, der::primitive(Tag::BIT_STRING, &usage.content()));
        }
        if !self.extended_key_usage.is_empty() {
            let usages: Vec<_> = self.extended_key_usage.iter().map(der::oid).collect();
            add(oid::EXTENDED_KEY_USAGE, false, der::sequence(&usages));
        }
        add(oid::SUBJECT_KEY_IDENTIFIER, false, der::octets(&key_identifier(&self.spki)));
        if let Some(id) = &self.issuer_key_identifier {
            let id = der::primitive(Tag::context(0), id);
            add(oid::AUTHORITY_KEY_IDENTIFIER, false, der::sequence(&[id]));
        }
        if !self.emails.is_empty() {
            let names: Vec<_> = self.emails.iter().map(mailbox).collect();
            // RFC 5280 section 4.2.1.6: critical where the subject is empty.
            add(oid::SUBJECT_ALT_NAME, self.subject.is_empty(), der::sequence(&names));
        }
        list.extend(self.extensions.iter().map(encode));
        list
    }
}

/// Signs a template; `sign` signs by `signature_algorithm`.
///
/// ```
/// use smime::asn1::oid;
/// use smime::cert::issue::{CertificateTemplate, issue};
/// use smime::cert::name::Name;
/// use smime::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
/// use smime::crypto::private::PrivateKey;
/// use smime::crypto::signature::KeyKind;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = PrivateKey::generate(KeyKind::P256, 0)?;
/// let scheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);
/// let validity = ("2026-01-01T00:00:00Z".parse()?, "2036-01-01T00:00:00Z".parse()?);
/// let name = Name::build(&[(oid::ORGANIZATION, "Example"), (oid::COMMON_NAME, "Example CA")]);
/// let template = CertificateTemplate::new(name, None, &[1], validity, &key.public_key_spki()).for_authority(None);
/// let root = issue(&template, &scheme.identifier(), &|tbs| Ok(key.sign(&scheme, tbs)?))?;
/// assert_eq!(root.subject().to_string(), "CN=Example CA, O=Example");
/// # Ok(()) }
/// ```
///
/// # Errors
/// Where `sign` fails, or the template holds what makes no certificate (an SPKI that is none).
pub fn issue(
    template: &CertificateTemplate,
    signature_algorithm: &AlgorithmIdentifier,
    sign: &Sign<'_>,
) -> Result<Certificate, Error> {
    let tbs = template.tbs(signature_algorithm);
    let signature =
        sign(&tbs).map_err(|source| Error::Signing { subject: template.subject.brief(), source: Arc::from(source) })?;
    Certificate::from_der(&der::sequence(&[tbs, signature_algorithm.to_der(), der::bits(&signature)]))
}

pub(super) fn encode(extension: &Extension) -> Vec<u8> {
    // X.690 section 11.5: a DEFAULT value is left out.
    let critical = if extension.critical { der::boolean(true) } else { Vec::new() };
    der::sequence(&[der::oid(&extension.oid), critical, der::octets(&extension.value)])
}

pub(super) fn mailbox(address: &EmailAddress) -> Vec<u8> {
    let text = address.to_string();
    if text.is_ascii() {
        return der::primitive(Tag::context(1), text.as_bytes());
    }
    let value = der::explicit(0, &der::primitive(Tag::UTF8_STRING, text.as_bytes()));
    der::retag(Tag::context(0), &der::sequence(&[der::oid(&oid::SMTP_UTF8_MAILBOX), value]))
}

/// RFC 5280 section 4.2.1.2, method 1: SHA-1 of the key's bits. Over all of the bytes where they are no SPKI.
fn key_identifier(spki: &[u8]) -> Vec<u8> {
    use crate::asn1::ber::Reader;
    let bits = || {
        let mut parts = Reader::single(spki, "SubjectPublicKeyInfo")?.sequence("SubjectPublicKeyInfo")?;
        parts.required_any("algorithm")?;
        parts.required_any("subjectPublicKey")?.whole_bits("subjectPublicKey")
    };
    Sha1::digest(bits().unwrap_or(spki)).to_vec()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A template with a key that is none, for tests that verify nothing.
    pub(crate) fn unsigned(subject: Name) -> CertificateTemplate {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let spki =
            der::sequence(&[der::sequence(&[der::oid(&oid::RSA_ENCRYPTION), der::null()]), der::bits(&[1, 2, 3])]);
        let validity = (at("2026-01-01T00:00:00Z"), at("2050-01-01T00:00:00Z"));
        CertificateTemplate::new(subject, None, &[0x80, 1], validity, &spki)
    }

    /// That template as a certificate with a signature that is none.
    pub(crate) fn with_dummy_signature(template: &CertificateTemplate) -> Certificate {
        issue(template, &AlgorithmIdentifier::with_null(oid::SHA256_WITH_RSA), &|_| Ok(vec![0; 16])).unwrap()
    }

    #[test]
    fn what_is_issued_reads_back() {
        let name = Name::build(&[(oid::COMMON_NAME, "Alice")]);
        let emails = ["alice@example.com".parse().unwrap(), "älice@example.com".parse().unwrap()];
        let usage = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT);
        let template = unsigned(name.clone()).for_mail(&emails, usage);
        let cert = with_dummy_signature(&template);
        assert_eq!((cert.version(), cert.serial(), cert.serial_hex().as_str()), (3, &[0, 0x80, 1][..], "8001"));
        assert!(cert.subject().same(&name) && cert.is_self_issued() && cert.extension_errors().is_empty());
        assert_eq!(cert.key_usage(), Some(usage));
        assert_eq!(cert.extended_key_usage(), Some(&[oid::EMAIL_PROTECTION][..]));
        assert_eq!(cert.basic_constraints(), None);
        assert_eq!(cert.subject_key_identifier(), Some(&cert.computed_key_identifier()[..]));
        assert_eq!((cert.not_before(), cert.not_after()), (template.not_before, template.not_after));
        assert_eq!((cert.spki(), cert.signature()), (template.spki.as_slice(), &[0; 16][..]));
        assert_eq!(cert.tbs(), template.tbs(cert.signature_algorithm()));
        let mailboxes = crate::cert::mailbox::Mailboxes::of(&cert);
        assert!(mailboxes.all().iter().map(|mailbox| &mailbox.address).eq(&emails));

        let mut below = unsigned(Name::build(&[])).for_authority(Some(0));
        below.issuer_key_identifier = Some(vec![7; 20]);
        let ca = with_dummy_signature(&below);
        assert_eq!(ca.basic_constraints().unwrap().path_len, Some(0));
        assert_eq!(ca.authority_key_identifier(), Some(&[7; 20][..]));
        assert_eq!(ca.extension(&oid::SUBJECT_KEY_IDENTIFIER).map(|e| e.critical), Some(false));
    }

    #[test]
    fn what_the_key_says_is_passed_on() {
        let template = unsigned(Name::build(&[(oid::COMMON_NAME, "Alice")]));
        let failing =
            issue(&template, &AlgorithmIdentifier::new(oid::ED25519), &|_| Err("no card in the reader".into()));
        assert_eq!(
            failing.unwrap_err().to_string(),
            "the certificate for \"CN=Alice\" could not be signed: no card in the reader"
        );
    }

    #[test]
    fn certificates_with_two_meanings_are_refused() {
        let mut template = unsigned(Name::build(&[(oid::COMMON_NAME, "Alice")]));
        let odd = Extension { oid: ObjectIdentifier::new_unwrap("1.2.3.4"), critical: true, value: vec![1] };
        template.extensions = vec![odd.clone()];
        assert_eq!(with_dummy_signature(&template).extensions().last(), Some(&odd));
        template.extensions = vec![odd.clone(), odd];
        let algorithm = AlgorithmIdentifier::with_null(oid::SHA256_WITH_RSA);
        let twice = issue(&template, &algorithm, &|_| Ok(vec![0])).unwrap_err();
        assert!(
            matches!(&twice, Error::DuplicateExtension { extension, serial } if extension == "1.2.3.4" && serial == "8001")
        );

        template.extensions.clear();
        let tbs = template.tbs(&algorithm);
        let outside = |id: &AlgorithmIdentifier, signature: Vec<u8>| {
            Certificate::from_der(&der::sequence(&[tbs.clone(), id.to_der(), signature]))
        };
        assert!(outside(&algorithm, der::bits(&[0])).is_ok());
        let other = outside(&AlgorithmIdentifier::with_null(oid::SHA1_WITH_RSA), der::bits(&[0]));
        assert!(matches!(other, Err(Error::SignatureAlgorithms { .. })));
        // SEC-113: unused bits in the signature leave none.
        assert!(outside(&algorithm, vec![3, 2, 1, 0xfe]).unwrap().signature().is_empty());
    }

    #[test]
    fn old_versions_are_read_and_have_no_extensions() {
        let template = unsigned(Name::build(&[(oid::COMMON_NAME, "Alice")]));
        let algorithm = AlgorithmIdentifier::with_null(oid::SHA256_WITH_RSA);
        let fields = |version: Vec<u8>, extensions: Vec<u8>| {
            let tbs = der::sequence(&[
                version,
                der::integer(5),
                algorithm.to_der(),
                template.issuer.der().to_vec(),
                der::sequence(&[der::time(template.not_before), der::time(template.not_after)]),
                template.subject.der().to_vec(),
                template.spki.clone(),
                extensions,
            ]);
            Certificate::from_der(&der::sequence(&[tbs, algorithm.to_der(), der::bits(&[0])]))
        };
        let version = |n| der::explicit(0, &der::integer(n));
        let some = || der::explicit(3, &der::sequence(&template.all_extensions()));
        assert_eq!(fields(Vec::new(), Vec::new()).unwrap().version(), 1);
        assert_eq!(fields(version(0), Vec::new()).unwrap().version(), 1);
        assert!(matches!(fields(version(1), some()), Err(Error::ExtensionsInOldVersion(2))));
        assert_eq!(fields(version(2), some()).unwrap().version(), 3);
        assert!(matches!(fields(version(3), some()), Err(Error::Version(4))));
    }

    #[test]
    fn malformed_extensions_leave_a_readable_certificate() {
        let mut template = unsigned(Name::build(&[(oid::COMMON_NAME, "Alice")]));
        template.extensions = vec![Extension { oid: oid::BASIC_CONSTRAINTS, critical: true, value: vec![0x30, 5, 1] }];
        let cert = with_dummy_signature(&template);
        assert_eq!(cert.basic_constraints(), None);
        assert_eq!((cert.extension_errors().len(), cert.extension_errors()[0].critical), (1, true));
    }

    #[test]
    fn every_truncation_and_every_flipped_byte_is_survived() {
        let template = unsigned(Name::build(&[(oid::COMMON_NAME, "Alice")]));
        let cert =
            with_dummy_signature(&template.for_mail(&["a@example.com".parse().unwrap()], KeyUsage::DIGITAL_SIGNATURE));
        let bytes = cert.der().to_vec();
        for end in 0..bytes.len() {
            assert!(Certificate::from_der(&bytes[..end]).is_err());
        }
        assert!(Certificate::from_der(&[bytes.as_slice(), &[0]].concat()).is_err());
        for at in 0..bytes.len() {
            for flip in [1, 0x20, 0x80, 0xff] {
                let mut other = bytes.clone();
                other[at] ^= flip;
                if let Ok(read) = Certificate::from_der(&other) {
                    assert_ne!(read, cert);
                    let _ = (read.to_owned(), crate::cert::mailbox::Mailboxes::of(&read), read.subject().to_string());
                }
            }
        }
    }
}
