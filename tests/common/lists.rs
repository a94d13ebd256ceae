//! Revocation lists and OCSP responses of the tests' authorities, with every field settable.

use super::people::{Authority, now};
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cert::crl::Crl;
use smime::cert::ocsp::{CertId, OcspResponse};
use smime::crypto::algorithm::DigestAlgorithm;
use smime::{Certificate, Limits, RevocationData, Time};

/// One extension, DER.
pub fn extension(oid: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der::boolean(true) } else { Vec::new() };
    der::sequence(&[der::oid(&oid.parse().unwrap()), critical, der::octets(value)])
}

/// A list that is to be made: current, complete and empty unless something else is said.
pub struct List {
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub number: Option<u64>,
    pub base: Option<u64>,
    pub entries: Vec<Vec<u8>>,
    pub extensions: Vec<Vec<u8>>,
}

impl Default for List {
    fn default() -> Self {
        Self {
            this_update: now().plus(-3600),
            next_update: Some(now().plus(86_400)),
            number: Some(10),
            base: None,
            entries: Vec::new(),
            extensions: Vec::new(),
        }
    }
}

impl List {
    /// With one certificate, revoked an hour ago.
    pub fn of(certificate: &Certificate) -> Self {
        Self { entries: vec![entry(certificate.serial(), Some(1), &[])], ..Self::default() }
    }

    /// Signed, in DER.
    pub fn signed(&self, by: &Authority) -> Vec<u8> {
        let mut extensions = self.extensions.clone();
        if let Some(number) = self.number {
            extensions.push(extension("2.5.29.20", false, &der::integer(number)));
        }
        if let Some(base) = self.base {
            extensions.push(extension("2.5.29.27", true, &der::integer(base)));
        }
        let mut parts = vec![
            der::integer(1),
            Authority::scheme().to_der(),
            by.certificate.subject().der().to_vec(),
            der::time(self.this_update),
        ];
        parts.extend(self.next_update.map(der::time));
        if !self.entries.is_empty() {
            parts.push(der::sequence(&self.entries));
        }
        if !extensions.is_empty() {
            parts.push(der::explicit(0, &der::sequence(&extensions)));
        }
        let tbs = der::sequence(&parts);
        der::sequence(&[tbs.clone(), Authority::scheme().to_der(), der::bits(&by.sign(&tbs))])
    }

    /// Signed and read.
    pub fn by(&self, by: &Authority) -> Crl {
        Crl::from_der(&self.signed(by), &Limits::default()).unwrap()
    }
}

/// An entry: serial number, reason, further extensions.
pub fn entry(serial: &[u8], reason: Option<u8>, extra: &[Vec<u8>]) -> Vec<u8> {
    let mut extensions: Vec<Vec<u8>> = extra.to_vec();
    extensions.extend(reason.map(|reason| extension("2.5.29.21", false, &[10, 1, reason])));
    let mut parts = vec![der::primitive(Tag::INTEGER, serial), der::time(now().plus(-3600))];
    if !extensions.is_empty() {
        parts.push(der::sequence(&extensions));
    }
    der::sequence(&parts)
}

/// Only these lists.
pub fn data(lists: impl IntoIterator<Item = Crl>) -> RevocationData {
    RevocationData::new(lists)
}

/// What an OCSP response says of one certificate.
pub enum Says {
    Good,
    Revoked,
    Unknown,
}

/// A response that is to be made: the issuer's own, current, about one certificate.
pub struct Response<'a> {
    pub about: CertId,
    pub says: Says,
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub nonce: Option<Vec<u8>>,
    pub signer: &'a Authority,
    pub certificates: Vec<Certificate>,
    pub single_extensions: Vec<Vec<u8>>,
}

impl<'a> Response<'a> {
    pub fn about(certificate: &Certificate, issuer: &'a Authority, says: Says) -> Self {
        Self {
            about: CertId::of(certificate, &issuer.certificate, DigestAlgorithm::Sha1),
            says,
            this_update: now().plus(-3600),
            next_update: Some(now().plus(86_400)),
            nonce: None,
            signer: issuer,
            certificates: Vec::new(),
            single_extensions: Vec::new(),
        }
    }

    fn single(&self) -> Vec<u8> {
        let generalized = |at: Time| {
            let text: String = at.to_string().chars().filter(|c| c.is_ascii_digit()).collect();
            der::primitive(Tag::GENERALIZED_TIME, format!("{text}Z").as_bytes())
        };
        let status = match self.says {
            Says::Good => der::primitive(Tag::context(0), &[]),
            Says::Revoked => {
                let reason = der::explicit(0, &[10, 1, 1]);
                der::retag(Tag::context(1), &der::sequence(&[generalized(now().plus(-3600)), reason]))
            }
            Says::Unknown => der::primitive(Tag::context(2), &[]),
        };
        let about = der::sequence(&[
            self.about.digest.unwrap().identifier().to_der(),
            der::octets(&self.about.issuer_name_hash),
            der::octets(&self.about.issuer_key_hash),
            der::primitive(Tag::INTEGER, &self.about.serial),
        ]);
        let next = self.next_update.map(|at| der::explicit(0, &generalized(at))).unwrap_or_default();
        let extensions = match self.single_extensions.as_slice() {
            [] => Vec::new(),
            list => der::explicit(1, &der::sequence(list)),
        };
        der::sequence(&[about, status, generalized(self.this_update), next, extensions])
    }

    pub fn der(&self) -> Vec<u8> {
        self.repeated(1)
    }

    /// With the same answer so many times.
    pub fn repeated(&self, answers: usize) -> Vec<u8> {
        let nonce = self.nonce.as_ref().map(|nonce| {
            der::explicit(1, &der::sequence(&[extension("1.3.6.1.5.5.7.48.1.2", false, &der::octets(nonce))]))
        });
        let tbs = der::sequence(&[
            der::explicit(1, self.signer.certificate.subject().der()),
            der::primitive(Tag::GENERALIZED_TIME, b"20261124070000Z"),
            der::sequence(&vec![self.single(); answers]),
            nonce.unwrap_or_default(),
        ]);
        let certificates: Vec<&[u8]> = self.certificates.iter().map(Certificate::der).collect();
        let certificates = match certificates.as_slice() {
            [] => Vec::new(),
            list => der::explicit(0, &der::sequence(list)),
        };
        let signature = der::bits(&self.signer.sign(&tbs));
        let basic = der::sequence(&[tbs, Authority::scheme().to_der(), signature, certificates]);
        let bytes = der::sequence(&[der::oid(&oid::OCSP_BASIC), der::octets(&basic)]);
        der::sequence(&[vec![10, 1, 0], der::explicit(0, &bytes)])
    }

    pub fn read(&self) -> OcspResponse {
        OcspResponse::from_der(&self.der(), &Limits::default()).unwrap()
    }
}

/// Only these responses.
pub fn responses(list: impl IntoIterator<Item = OcspResponse>) -> RevocationData {
    let mut data = RevocationData::default();
    list.into_iter().for_each(|response| data.add_ocsp(response));
    data
}
