//! A private key with its certificate, proven to belong together.

use super::opening::OpeningKey;
use super::signing::SigningKey;
use crate::asn1;
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::oid;
use crate::cert::certificate::Certificate;
use const_oid::ObjectIdentifier;
use sha1::{Digest, Sha1};
use std::fmt;
use std::sync::Arc;

/// Who one is: a certificate, the private key to it, and the certificates that lead from it upwards.
///
/// There is no way to make one whose key is not the certificate's (SEC-127).
#[derive(Clone)]
pub struct Identity {
    certificate: Certificate,
    chain: Vec<Certificate>,
    signing: Arc<dyn SigningKey>,
    opening: Arc<dyn OpeningKey>,
}

/// A private key that is not the one that a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the private key is not that of the certificate \"{subject}\": the certificate is for the key {certificate_key}, \
     the private key is {private_key}"
)]
pub struct KeyMismatch {
    /// The certificate's subject.
    pub subject: String,
    /// The identifier of the certificate's key: SHA-1 of its bits, hexadecimal (RFC 5280 section 4.2.1.2, method 1).
    pub certificate_key: String,
    /// The same of the private key's public half.
    pub private_key: String,
}

impl Identity {
    /// Of one key that both signs and opens. `chain` holds the other certificates, the issuer's first.
    ///
    /// # Errors
    /// [`KeyMismatch`] with both key identifiers.
    pub fn new<K>(certificate: Certificate, chain: Vec<Certificate>, key: Arc<K>) -> Result<Self, KeyMismatch>
    where
        K: SigningKey + OpeningKey + 'static,
    {
        Self::with_keys(certificate, chain, key.clone(), key)
    }

    /// Of a key that is reached through two handles, as with a card whose signatures and decryptions are separate.
    ///
    /// # Errors
    /// [`KeyMismatch`] where either is not the certificate's.
    pub fn with_keys(
        certificate: Certificate,
        chain: Vec<Certificate>,
        signing: Arc<dyn SigningKey>,
        opening: Arc<dyn OpeningKey>,
    ) -> Result<Self, KeyMismatch> {
        for key in [signing.public_key(), opening.public_key()] {
            if !same_public_key(certificate.spki(), key) {
                return Err(KeyMismatch {
                    subject: certificate.subject().to_string(),
                    certificate_key: key_identifier(certificate.spki()),
                    private_key: key_identifier(key),
                });
            }
        }
        Ok(Self { certificate, chain, signing, opening })
    }

    /// The certificate of the key.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificates above it, the issuer's first; empty where none came with it.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The key, to sign with.
    pub fn signing(&self) -> &Arc<dyn SigningKey> {
        &self.signing
    }

    /// The key, to decrypt with.
    pub fn opening(&self) -> &Arc<dyn OpeningKey> {
        &self.opening
    }

    /// The same with other certificates above it.
    #[must_use]
    pub fn with_chain(mut self, chain: Vec<Certificate>) -> Self {
        self.chain = chain;
        self
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate).field("chain", &self.chain).finish()
    }
}

/// Whether two SubjectPublicKeyInfos, in BER, are of one key, however their algorithm is written: an RSA key may stand
/// under rsaEncryption with or without NULL, or under RSASSA-PSS, and remains the same key.
pub fn same_public_key(one: &[u8], other: &[u8]) -> bool {
    match (public_key_bits(one), public_key_bits(other)) {
        (Ok((one_algorithm, one)), Ok((other_algorithm, other))) => {
            one == other && family(&one_algorithm) == family(&other_algorithm)
        }
        _ => false,
    }
}

/// The algorithm of a SubjectPublicKeyInfo in BER, and the octets of its key.
///
/// # Errors
/// Where it is malformed.
pub fn public_key_bits(spki: &[u8]) -> asn1::Result<(ObjectIdentifier, &[u8])> {
    let what = "SubjectPublicKeyInfo";
    let mut reader = Reader::single(spki, what)?.sequence(what)?;
    let algorithm = reader.required(Tag::SEQUENCE, what)?.sequence(what)?.required(Tag::OID, what)?.oid(what)?;
    let bits = reader.required(Tag::BIT_STRING, what)?.whole_bits(what)?;
    reader.finish(what)?;
    Ok((algorithm, bits))
}

fn family(algorithm: &ObjectIdentifier) -> ObjectIdentifier {
    match *algorithm {
        oid::RSASSA_PSS | oid::RSAES_OAEP => oid::RSA_ENCRYPTION,
        other => other,
    }
}

fn key_identifier(spki: &[u8]) -> String {
    match public_key_bits(spki) {
        Ok((_, bits)) => Sha1::digest(bits).iter().map(|byte| format!("{byte:02x}")).collect(),
        Err(_) => "unreadable".into(),
    }
}
