//! Who answers: what the server can do (GetCACaps), and its certificates (GetCACert). Neither is protected on its way, so
//! nothing is believed but what hangs on a fingerprint that was learned elsewhere (RFC 8894 sections 2.2 and 4.2.1).

use super::{Error, Result};
use crate::asn1::oid;
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::extension::KeyUsage;
use crate::crypto::algorithm::{ContentCipher, DigestAlgorithm};
use crate::crypto::signature::KeyKind;
use crate::store::p7c;
use std::fmt;
use std::str::FromStr;

/// What the server says that it can do (RFC 8894 section 3.5.2). Anybody on the way may have changed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    words: Vec<String>,
}

/// Words of the answer, and letters of each: the registry has eleven words of at most sixteen.
const WORDS: usize = 64;
const LETTERS: usize = 64;

impl Capabilities {
    /// Reads the answer: a word in each line. What cannot be one is passed over.
    pub fn read(answer: &[u8]) -> Self {
        let text = String::from_utf8_lossy(answer);
        let words = text.lines().map(str::trim).filter(|word| !word.is_empty() && word.len() <= LETTERS);
        Self { words: words.take(WORDS).map(visible).collect() }
    }

    /// The words as they came.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether a word is there, in any case of its letters. SCEPStandard stands for AES, SHA-256 and POSTPKIOperation.
    pub fn has(&self, word: &str) -> bool {
        let there = |word: &str| self.words.iter().any(|one| one.eq_ignore_ascii_case(word));
        there(word) || (["AES", "SHA-256", "POSTPKIOperation"].contains(&word) && there("SCEPStandard"))
    }

    /// What requests are encrypted and signed with (OUT-123): AES-128, else 3DES; SHA-256, else SHA-512, else SHA-1.
    ///
    /// # Errors
    /// [`Error::Algorithms`] where the server has neither, and so DES and MD5 only.
    pub fn algorithms(&self) -> Result<Algorithms> {
        let mut warnings = Vec::new();
        let cipher = if self.has("AES") {
            ContentCipher::Aes128Cbc
        } else if self.has("DES3") {
            warnings.push(Reason::new("scep_3des", "the server has no AES: requests go out under 3DES"));
            ContentCipher::TripleDesCbc
        } else {
            return Err(Error::Algorithms("cipher"));
        };
        let digest = if self.has("SHA-256") {
            DigestAlgorithm::Sha256
        } else if self.has("SHA-512") {
            DigestAlgorithm::Sha512
        } else if self.has("SHA-1") {
            warnings.push(Reason::new("scep_sha1", "the server has no SHA-256: requests are signed with SHA-1"));
            DigestAlgorithm::Sha1
        } else {
            return Err(Error::Algorithms("digest"));
        };
        Ok(Algorithms { cipher, digest, warnings })
    }
}

/// What requests are protected with.
#[derive(Clone, Debug)]
pub struct Algorithms {
    /// AES-128 or 3DES, in CBC.
    pub cipher: ContentCipher,
    /// SHA-256, SHA-512 or SHA-1.
    pub digest: DigestAlgorithm,
    /// What is weak about it.
    pub warnings: Vec<Reason>,
}

/// SHA-256 of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// Why a text is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no SHA-256 fingerprint: 64 hexadecimal digits, with or without colons", visible(.0))]
pub struct FingerprintError(String);

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> std::result::Result<Self, FingerprintError> {
        let fail = || FingerprintError(text.chars().take(100).collect());
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| !matches!(c, ':' | ' '))
            .map(|c| c.to_digit(16).map(|digit| digit as u8))
            .collect::<Option<_>>()
            .ok_or_else(fail)?;
        let octets: Vec<u8> = digits.chunks(2).map(|pair| pair.iter().fold(0, |n, digit| n << 4 | digit)).collect();
        match (digits.len(), octets.try_into()) {
            (64, Ok(octets)) => Ok(Self(octets)),
            _ => Err(fail()),
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// A CA, two registration authorities, and whatever is above them.
const CERTIFICATES: usize = 32;

/// The certificates of an answer to GetCACert: one in DER, or a degenerate SignedData (OUT-121). Nothing is believed of
/// them yet.
///
/// # Errors
/// [`Error::Answer`].
pub fn read_certificates(answer: &[u8], limits: &Limits) -> Result<Vec<Certificate>> {
    let wrong = |why: String| Error::Answer { operation: "GetCACert", why };
    let alone = match Certificate::from_der(answer) {
        Ok(certificate) => return Ok(vec![certificate]),
        Err(error) => error,
    };
    let bag = p7c::read(answer, limits).map_err(|error| match answer.first() {
        Some(0x30) => wrong(format!("{error} ({alone})")),
        _ => wrong("it is neither a certificate nor PKCS#7".to_owned()),
    })?;
    if bag.certificates.len() > CERTIFICATES {
        return Err(wrong(format!("it holds more than {CERTIFICATES} certificates")));
    }
    let read: std::result::Result<Vec<_>, _> = bag.certificates.iter().map(|der| Certificate::from_der(der)).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => Err(wrong("there is no certificate in it".to_owned())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// The authority, as far as it is confirmed.
#[derive(Clone, Debug)]
pub struct Authority {
    /// All that hang on a fingerprint, those named by one first.
    confirmed: Vec<Certificate>,
    /// The one that requests are encrypted to.
    encryption: Certificate,
    /// The CA that issues, whose name a poll bears.
    issuer: Certificate,
}

impl Authority {
    /// Of the certificates that came, those that the fingerprints confirm: the ones named, CAs below them, and below
    /// those the registration authorities that say in their certificate that they are one. Another certificate of the
    /// same CA is anybody's: it counts only by its own fingerprint.
    ///
    /// # Errors
    /// [`Error::Fingerprint`] where none is named; [`Error::Authority`] where there is no CA among them, or nobody to
    /// encrypt to.
    pub fn confirm(
        certificates: &[Certificate],
        fingerprints: &[Fingerprint],
        now: Time,
        limits: &Limits,
    ) -> Result<Self> {
        let named = |certificate: &Certificate| fingerprints.iter().any(|one| one.0 == certificate.sha256());
        let mut confirmed: Vec<Certificate> = certificates.iter().filter(|one| named(one)).cloned().collect();
        if confirmed.is_empty() {
            let found = certificates.iter().map(|c| format!("{} ({})", Fingerprint(c.sha256()), c.subject().brief()));
            return Err(Error::Fingerprint { found: found.collect() });
        }
        loop {
            let signed = |one: &Certificate| confirmed.iter().any(|by| is_ca(by) && issued(by, one, limits));
            let new = |one: &&Certificate| !confirmed.contains(one) && (is_ca(one) || is_ra(one)) && signed(one);
            match certificates.iter().find(new).cloned() {
                Some(one) => confirmed.push(one),
                None => break,
            }
        }
        confirmed.retain(|one| one.is_valid_at(now));
        let lowest = |one: &&Certificate| {
            is_ca(one) && !confirmed.iter().any(|below| below != *one && is_ca(below) && issued(one, below, limits))
        };
        let issuer = confirmed.iter().find(lowest).cloned();
        let issuer = issuer.ok_or_else(|| {
            Error::Authority("none of the certificates that the fingerprints confirm is that of a CA, valid now".into())
        })?;
        let encryption = encryption(&confirmed, &issuer, limits)?;
        Ok(Self { confirmed, encryption, issuer })
    }

    /// The certificates that are believed.
    pub fn certificates(&self) -> &[Certificate] {
        &self.confirmed
    }

    /// The one that requests are encrypted to.
    pub fn encryption(&self) -> &Certificate {
        &self.encryption
    }

    /// The CA that issues.
    pub fn issuer(&self) -> &Certificate {
        &self.issuer
    }
}

/// RFC 8894 section 2.2: to the registration authority where there is one, else to the CA; that one is encrypted to
/// whatever its key usage says, since many have none for it.
fn encryption(confirmed: &[Certificate], issuer: &Certificate, limits: &Limits) -> Result<Certificate> {
    let usable = |one: &Certificate| one.public_key(limits).is_ok_and(|key| key.kind() == KeyKind::Rsa);
    let allows = |one: &Certificate| one.key_usage().is_none_or(|usage| usage.any_of(KeyUsage::KEY_ENCIPHERMENT));
    let ra = confirmed.iter().find(|one| !is_ca(one) && allows(one) && usable(one));
    match ra.or_else(|| usable(issuer).then_some(issuer)) {
        Some(one) => Ok(one.clone()),
        None => Err(Error::Authority(format!(
            "{} has no RSA key of a size that is used, so that requests cannot be encrypted to it",
            issuer.subject()
        ))),
    }
}

/// Whether its certificate says that it is a CA. One of version 1, as roots may be, says nothing and is self-issued.
fn is_ca(certificate: &Certificate) -> bool {
    match certificate.basic_constraints() {
        Some(constraints) => constraints.ca,
        None => certificate.version() < 3 && certificate.is_self_issued(),
    }
}

fn is_ra(certificate: &Certificate) -> bool {
    let usages = certificate.extended_key_usage().unwrap_or_default();
    usages.contains(&oid::MS_CERTIFICATE_REQUEST_AGENT) || usages.contains(&oid::CMC_RA)
}

/// Whether one issued the other.
pub(super) fn issued(issuer: &Certificate, one: &Certificate, limits: &Limits) -> bool {
    one.issuer().same(issuer.subject()) && one.signed_by(issuer, limits).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn algorithms(answer: &str) -> Result<Algorithms> {
        Capabilities::read(answer.as_bytes()).algorithms()
    }

    #[test]
    fn out_123_algorithms_follow_the_capabilities_and_never_fall_below_3des_and_sha1() {
        use ContentCipher::{Aes128Cbc, TripleDesCbc};
        use DigestAlgorithm::{Sha1, Sha256, Sha512};
        for (answer, cipher, digest, warnings) in [
            ("SCEPStandard", Aes128Cbc, Sha256, &[][..]),
            ("POSTPKIOperation\r\nSHA-256\r\nAES\r\n", Aes128Cbc, Sha256, &[]),
            ("aes\nsha-512\nsha-1", Aes128Cbc, Sha512, &[]),
            ("DES3\nSHA-1", TripleDesCbc, Sha1, &["scep_3des", "scep_sha1"]),
            ("AES\nSHA-1\nrubbish\u{7}", Aes128Cbc, Sha1, &["scep_sha1"]),
        ] {
            let found = algorithms(answer).unwrap();
            let codes: Vec<_> = found.warnings.iter().map(|warning| warning.code).collect();
            assert_eq!((found.cipher, found.digest, codes.as_slice()), (cipher, digest, warnings), "{answer}");
        }
        for answer in ["", "AES", "DES3\nMD5", "DES\nSHA-256", "<html>AES SHA-256</html>"] {
            assert!(matches!(algorithms(answer), Err(Error::Algorithms(_))), "{answer}");
        }
        let many = Capabilities::read("x\n".repeat(10_000).as_bytes());
        assert_eq!(many.words().len(), WORDS);
    }

    #[test]
    fn fingerprints_are_read_as_people_copy_them() {
        let plain = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
        let colons = plain.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair)).collect::<Vec<_>>().join(":");
        let read: Fingerprint = colons.parse().unwrap();
        assert_eq!((read.to_string(), plain.parse()), (plain.to_lowercase(), Ok(read)));
        for bad in ["", "00", &plain[1..], &format!("{plain}00"), &plain.replace('0', "g")] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        let read = |bytes: &[u8]| read_certificates(bytes, &Limits::default()).unwrap_err().to_string();
        assert!(read(b"<html>").contains("neither a certificate nor PKCS#7"), "{}", read(b"<html>"));
        assert!(read(&p7c::write(&[], &[])).contains("no certificate in it"));
        assert!(read(&[0x30, 3, 2, 1, 1]).contains("GetCACert"));
    }
}
