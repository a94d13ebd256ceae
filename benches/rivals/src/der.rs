//! cryptographic-message-syntax: SignedData in DER over ring, without MIME, without lines made canonical, without a chain.

use crate::people::Person;
use cryptographic_message_syntax::{SignedData, SignedDataBuilder, SignerBuilder};
use x509_certificate::{CapturedX509Certificate, InMemorySigningKeyPair};

pub struct SigningParty {
    key: InMemorySigningKeyPair,
    certificate: CapturedX509Certificate,
    chain: CapturedX509Certificate,
}

impl SigningParty {
    pub fn new(person: &Person, middle: &smime::Certificate) -> Self {
        let read = |c: &smime::Certificate| CapturedX509Certificate::from_der(c.der().to_vec()).unwrap();
        let key = person.key.to_pkcs8().unwrap();
        Self {
            key: InMemorySigningKeyPair::from_pkcs8_der(key.expose()).unwrap(),
            certificate: read(&person.certificate),
            chain: read(middle),
        }
    }

    pub fn sign(&self, content: &[u8], detached: bool) -> Vec<u8> {
        let builder = SignedDataBuilder::default();
        let content = content.to_vec();
        let builder = if detached { builder.content_external(content) } else { builder.content_inline(content) };
        builder
            .certificate(self.chain.clone())
            .signer(SignerBuilder::new(&self.key, self.certificate.clone()))
            .build_der()
            .unwrap()
    }
}

/// The signature and the digest; no certificate is asked who issued it.
pub fn verify(signed: &[u8], content: &[u8]) {
    let signed = SignedData::parse_ber(signed).unwrap();
    for signer in signed.signers() {
        signer.verify_signature_with_signed_data(&signed).unwrap();
        signer.verify_message_digest_with_content(content).unwrap();
    }
}
