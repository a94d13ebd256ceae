//! A private key with its certificate, proven to belong together.

use super::opening::OpeningKey;
use super::signing::SigningKey;
use crate::asn1;
use crate::asn1::ber::{Reader, Tag};
use crate::asn1::oid;
use crate::cert::certificate::Certificate;
use const_oid::ObjectIdentifier;
use sha1::{Digest, Sha1};
use std::collections::HashMap;
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

/// Finds each key's certificates by its public key, the newest first and those of CAs last; also the keys that have none.
pub(crate) fn pair<K>(keys: Vec<Arc<K>>, certificates: &[Certificate]) -> (Vec<Identity>, Vec<Arc<K>>)
where
    K: SigningKey + OpeningKey + 'static,
{
    let mut by_key: HashMap<&[u8], Vec<&Certificate>> = HashMap::new();
    for certificate in certificates {
        if let Ok((_, bits)) = public_key_bits(certificate.spki()) {
            by_key.entry(bits).or_default().push(certificate);
        }
    }
    let (mut identities, mut loose) = (Vec::<Identity>::new(), Vec::<Arc<K>>::new());
    for key in keys {
        let same = |other: &[u8]| other == SigningKey::public_key(&*key);
        if identities.iter().any(|i| same(i.signing().public_key()))
            || loose.iter().any(|k| same(SigningKey::public_key(&**k)))
        {
            continue;
        }
        let mut own = public_key_bits(SigningKey::public_key(&*key))
            .ok()
            .and_then(|(_, bits)| by_key.get(bits))
            .cloned()
            .unwrap_or_default();
        let is_ca = |c: &Certificate| c.basic_constraints().is_some_and(|basic| basic.ca);
        own.sort_by_key(|c| (is_ca(c), std::cmp::Reverse(c.not_before())));
        let before = identities.len();
        for certificate in own {
            let chain = above(certificate, certificates);
            identities.extend(Identity::new(certificate.clone(), chain, key.clone()).ok());
        }
        if identities.len() == before {
            loose.push(key);
        }
    }
    (identities, loose)
}

/// The certificates that may stand above one, the nearest first: by the issuers' names, as far as they are at hand. The
/// rest of a file belongs to others, and does not go out with each signature.
pub(crate) fn above(certificate: &Certificate, certificates: &[Certificate]) -> Vec<Certificate> {
    let mut chain: Vec<Certificate> = Vec::new();
    let mut next = vec![certificate.clone()];
    while let Some(child) = next.pop() {
        if child.is_self_issued() {
            continue;
        }
        for parent in certificates.iter().filter(|parent| parent.subject().same(child.issuer())) {
            if parent != certificate && !chain.contains(parent) {
                chain.push(parent.clone());
                next.push(parent.clone());
            }
        }
    }
    chain
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::der;
    use crate::base::time::Time;
    use crate::cert::issue::{CertificateTemplate, issue};
    use crate::cert::name::Name;
    use crate::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
    use crate::crypto::private::PrivateKey;
    use crate::crypto::signature::KeyKind;
    use crate::keys::software::SoftwareKey;

    fn certificate(key: &PrivateKey) -> Certificate {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let name = Name::build(&[(oid::COMMON_NAME, "Alice")]);
        let validity = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        let template = CertificateTemplate::new(name, None, &[1], validity, &key.public_key_spki());
        let scheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);
        issue(&template, &scheme.identifier(), &|tbs| key.sign(&scheme, tbs).map_err(Into::into)).unwrap()
    }

    #[test]
    fn a_key_that_is_not_the_certificate_s_is_told_by_both_identifiers() {
        let [alice, mallory] = [(); 2].map(|()| PrivateKey::generate(KeyKind::P256, 0).unwrap());
        let certificate = certificate(&alice);
        let identity = Identity::new(certificate.clone(), Vec::new(), Arc::new(SoftwareKey::new(alice))).unwrap();
        assert_eq!(identity.certificate(), &certificate);
        let other = Arc::new(SoftwareKey::new(mallory));
        let error = Identity::new(certificate.clone(), Vec::new(), other.clone()).unwrap_err();
        let hex: String = certificate.computed_key_identifier().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(error.certificate_key, hex);
        assert!(error.private_key.len() == 40 && error.private_key != hex);
        assert!(error.to_string().contains("CN=Alice"), "{error}");
        // One good handle does not vouch for the other.
        let half = Identity::with_keys(certificate, Vec::new(), identity.signing().clone(), other);
        assert_eq!(half.unwrap_err(), error);
    }

    #[test]
    fn one_key_in_several_spellings_is_one_key() {
        let spki = |algorithm: &[Vec<u8>], key: &[u8]| der::sequence(&[der::sequence(algorithm), der::bits(key)]);
        let rsa = spki(&[der::oid(&oid::RSA_ENCRYPTION), der::null()], b"key");
        assert!(same_public_key(&rsa, &spki(&[der::oid(&oid::RSA_ENCRYPTION)], b"key")));
        assert!(same_public_key(&rsa, &spki(&[der::oid(&oid::RSASSA_PSS)], b"key")));
        assert!(!same_public_key(&rsa, &spki(&[der::oid(&oid::RSA_ENCRYPTION)], b"other")));
        assert!(!same_public_key(&rsa, &spki(&[der::oid(&oid::ED25519)], b"key")));
        assert!(!same_public_key(b"", b""));
    }
}
