//! What waits for its signatures, and what has them: the way from a prepared message to its bytes.

use super::form::{self, Place};
use super::message::Message;
use super::out::{self, Out};
use super::sign::Error;
use crate::asn1::framing::Encoding;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cms::attribute::AttributeTemplate;
use crate::cms::signed::{self, Template};
use crate::cms::signer_info::SignerTemplate;
use crate::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
use crate::crypto::signature::PublicKey;
use crate::mime::plan::Plan;
use crate::policy::policy::{Form, HeaderForm};
use std::io::{self, Write};
use std::sync::Arc;

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
    /// All that is made of it.
    pub(super) constant: Arc<Constant>,
}

/// What is the same in every signature of one signer.
pub(super) struct Constant {
    pub(super) public: Arc<PublicKey>,
    pub(super) attributes: AttributeTemplate,
    pub(super) info: SignerTemplate,
    /// Whether the key's own signatures are verified before they leave.
    pub(super) own: OwnSignatures,
}

/// What becomes of a signature that the signer's own key gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnSignatures {
    /// It is verified.
    Verified,
    /// The key is proven to be the certificate's, and vouches for what it gives.
    Vouched,
}

/// What is the same in every message.
pub(super) struct Frame {
    pub(super) digests: Vec<DigestAlgorithm>,
    pub(super) template: Template,
}

impl Constant {
    pub(super) fn request(
        self: &Arc<Self>,
        scheme: SignatureScheme,
        certificate: &Certificate,
        message_digest: &[u8],
        now: Time,
    ) -> Request {
        let message = self.attributes.fill(message_digest, now);
        Request { scheme, certificate: certificate.clone(), message, constant: Arc::clone(self) }
    }
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
    pub(super) frame: Arc<Frame>,
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
        self.assemble(&signatures, |_| OwnSignatures::Verified)
    }

    /// The same for signatures that the signers' own keys have just given.
    pub(super) fn finish_own(self, signatures: &[Vec<u8>]) -> Result<Signed<'m, 'a>, Error> {
        self.assemble(signatures, |constant| constant.own)
    }

    fn assemble(
        self,
        signatures: &[Vec<u8>],
        origin: impl Fn(&Constant) -> OwnSignatures,
    ) -> Result<Signed<'m, 'a>, Error> {
        if signatures.len() != self.requests.len() {
            return Err(Error::Count { expected: self.requests.len(), found: signatures.len() });
        }
        let mut signers = Vec::with_capacity(signatures.len());
        for (request, signature) in self.requests.iter().zip(signatures) {
            let constant = &request.constant;
            if origin(constant) == OwnSignatures::Verified {
                constant.public.verify(&request.scheme, &request.message, signature).map_err(|e| Error::SelfCheck {
                    subject: request.certificate.subject().to_string(),
                    why: e.to_string(),
                })?;
            }
            signers.push(constant.info.fill(&request.message, signature));
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
        let Pending { message, plan, headers, boundary, frame, .. } = &self.pending;
        out.write_all(&form::signed_start(message, *headers, &frame.digests, boundary))?;
        plan.write_to(out)?;
        write!(out, "\r\n--{boundary}\r\n{}", form::signature_header(*headers))?;
        let mut base64 = out.base64();
        base64.write_all(&frame.template.detached(&self.signers))?;
        base64.finish()?;
        write!(out, "\r\n--{boundary}--\r\n")
    }

    fn write_opaque(&self, out: &mut Out<'_>) -> io::Result<()> {
        let Pending { message, plan, headers, place, length, encoding, frame, .. } = &self.pending;
        out.write_all(&form::cms_header(message, *headers, *place, "signed-data"))?;
        let (start, end) = frame.template.attached(&self.signers, *length);
        let mut base64 = out.base64();
        base64.write_all(&start)?;
        let mut content = encoding.content(&mut base64, signed::SEGMENT);
        plan.write_to(&mut content)?;
        content.finish()?;
        base64.write_all(&end)?;
        base64.finish()?;
        Ok(())
    }
}
