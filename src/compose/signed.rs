//! What waits for its signatures, and what has them: the way from a prepared message to its bytes.

use super::form::{self, Place};
use super::message::Message;
use super::out::{self, Out};
use super::sign::Error;
use crate::asn1::framing::Encoding;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cms::identifier::CertificateId;
use crate::cms::signed::{self, Writer};
use crate::cms::signer_info;
use crate::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm, SignatureScheme};
use crate::mime::plan::Plan;
use crate::policy::policy::{Form, HeaderForm};
use std::io::{self, Write};

/// Room for header, certificates and signatures, beside the content.
const AROUND: usize = 16 << 10;

/// What a key is asked to sign.
pub struct Request {
    /// With which scheme.
    pub scheme: SignatureScheme,
    /// For which certificate.
    pub certificate: Certificate,
    /// The signed attributes in DER. A key that signs digests hashes them with the scheme's digest.
    pub message: Vec<u8>,
    /// SignerIdentifier.
    pub(super) identifier: CertificateId,
    /// SignerInfo.signatureAlgorithm.
    pub(super) algorithm: AlgorithmIdentifier,
}

/// A message that waits for its signatures.
pub struct Pending<'m, 'a> {
    pub(super) message: &'m Message<'a>,
    pub(super) plan: Plan<'a>,
    pub(super) form: Form,
    pub(super) place: Place,
    pub(super) headers: HeaderForm,
    pub(super) encoding: Encoding,
    pub(super) boundary: String,
    pub(super) length: u64,
    pub(super) requests: Vec<Request>,
    pub(super) certificates: Vec<Certificate>,
    pub(super) notes: Vec<Reason>,
}

impl<'m, 'a> Pending<'m, 'a> {
    /// What the only signer is asked to sign.
    pub fn request(&self) -> Option<&Request> {
        self.requests.first()
    }

    /// What each signer is asked to sign, in their order.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter()
    }

    /// What the caller should know: a leniency that it asked for was used.
    pub fn notes(&self) -> &[Reason] {
        &self.notes
    }

    /// Takes the signature of the only signer.
    ///
    /// # Errors
    /// As [`finish_all`](Self::finish_all).
    pub fn finish(self, signature: Vec<u8>) -> Result<Signed<'m, 'a>, Error> {
        self.finish_all(vec![signature])
    }

    /// Takes the signatures of all signers, in their order, and verifies each against its certificate.
    ///
    /// # Errors
    /// [`Error::SelfCheck`] where one does not verify; [`Error::Count`].
    pub fn finish_all(self, signatures: Vec<Vec<u8>>) -> Result<Signed<'m, 'a>, Error> {
        if signatures.len() != self.requests.len() {
            return Err(Error::Count { expected: self.requests.len(), found: signatures.len() });
        }
        let mut signers = Vec::with_capacity(signatures.len());
        for (request, signature) in self.requests.iter().zip(&signatures) {
            let key = request.certificate.public_key(&Limits::default())?;
            key.verify(&request.scheme, &request.message, signature).map_err(|e| Error::SelfCheck {
                subject: request.certificate.subject().to_string(),
                why: e.to_string(),
            })?;
            let digest = request.scheme.digest();
            signers.push(signer_info::encode(
                &request.identifier,
                digest,
                &request.message,
                &request.algorithm,
                signature,
            ));
        }
        Ok(Signed { pending: self, signers })
    }
}

/// A signed message, ready to be written.
pub struct Signed<'m, 'a> {
    pending: Pending<'m, 'a>,
    signers: Vec<Vec<u8>>,
}

impl Signed<'_, '_> {
    /// What the caller should know: a leniency that it asked for was used.
    pub fn notes(&self) -> &[Reason] {
        &self.pending.notes
    }

    /// The whole message in memory, with CRLF.
    ///
    /// # Errors
    /// What reading the input again gives.
    pub fn to_vec(&self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.pending.length).unwrap_or_default();
        let mut out = Vec::with_capacity(match self.pending.form {
            Form::Clear => length.saturating_add(AROUND),
            Form::Opaque => out::encoded_length(length).saturating_add(AROUND),
        });
        self.write(&mut Out::Memory(&mut out))?;
        Ok(out)
    }

    /// Writes the whole message, with CRLF, in constant memory.
    ///
    /// # Errors
    /// What reading the input again gives, and what the writer gives.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write(&mut Out::Through(out))
    }

    fn write(&self, out: &mut Out<'_>) -> io::Result<()> {
        match self.pending.form {
            Form::Clear => self.write_clear(out),
            Form::Opaque => self.write_opaque(out),
        }
    }

    fn write_clear(&self, out: &mut Out<'_>) -> io::Result<()> {
        let Pending { message, plan, headers, boundary, .. } = &self.pending;
        let digests = self.digests();
        out.write_all(&form::signed_start(message, *headers, &digests, boundary))?;
        plan.write_to(out)?;
        write!(out, "\r\n--{boundary}\r\n{}", form::signature_header(*headers))?;
        let mut base64 = out.base64();
        base64.write_all(&self.writer(&digests).detached())?;
        base64.finish()?;
        write!(out, "\r\n--{boundary}--\r\n")
    }

    fn write_opaque(&self, out: &mut Out<'_>) -> io::Result<()> {
        let Pending { message, plan, headers, place, length, encoding, .. } = &self.pending;
        out.write_all(&form::cms_header(message, *headers, *place, "signed-data"))?;
        let (start, end) = self.writer(&self.digests()).attached(*length);
        let mut base64 = out.base64();
        base64.write_all(&start)?;
        let mut content = encoding.content(&mut base64, signed::SEGMENT);
        plan.write_to(&mut content)?;
        content.finish()?;
        base64.write_all(&end)?;
        base64.finish()?;
        Ok(())
    }

    fn digests(&self) -> Vec<DigestAlgorithm> {
        self.pending.requests.iter().map(|r| r.scheme.digest()).collect()
    }

    fn writer<'w>(&'w self, digests: &'w [DigestAlgorithm]) -> Writer<'w> {
        let version = self.pending.requests.iter().map(|r| signer_info::version_of(&r.identifier)).max().unwrap_or(1);
        let Pending { encoding, certificates, .. } = &self.pending;
        Writer { encoding: *encoding, digests, certificates, signers: &self.signers, version }
    }
}
