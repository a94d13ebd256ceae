//! What was found in a message, as plain data: a list of layers, outermost first; for each signature an answer to each
//! separate question, with its evidence. There is no verdict in it: what is good enough is a
//! [`Requirement`](super::requirement::Requirement).

use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::chain::Candidate;
use crate::cert::revocation::{CertificateStatus, Wanted};
use crate::cert::status::ValidationStatus;
use crate::cms::signer_info::Integrity;
use crate::mime::mailboxes::Mailboxes;
use std::fmt;

/// What was found in a message.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The layers, outermost first; then, with their paths, those that lie beside each other in the innermost content.
    pub layers: Vec<Layer>,
    /// From, Sender and the recipients of the outermost header block.
    pub mailboxes: Mailboxes,
    /// The Date field, which anybody can write.
    pub date: Option<Time>,
    /// Why the innermost content is not there, where it is not: an encrypted layer on the way could not be opened.
    pub closed: Option<Closed>,
    /// What is odd about the message as a whole.
    pub notes: Vec<Reason>,
}

impl Report {
    /// The signed layers that cover the whole message, outermost first.
    pub fn covering_signatures(&self) -> impl Iterator<Item = &SignedLayer> {
        self.layers.iter().filter(|l| l.coverage == Coverage::WholeMessage).filter_map(|l| match &l.kind {
            LayerKind::Signed(signed) => Some(signed),
            _ => None,
        })
    }

    /// Every reason and note of the report, wherever it stands: of the message, of why it is closed, of each layer and
    /// of each signature. To look for one by its [code](Reason::code), or to count them; what decides is asked of a
    /// [`Requirement`](super::requirement::Requirement) instead.
    pub fn findings(&self) -> impl Iterator<Item = &Reason> {
        let closed = self.closed.iter().map(Closed::reason);
        self.notes.iter().chain(closed).chain(self.layers.iter().flat_map(Layer::findings))
    }
}

/// One cryptographic layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The MIME part within the content of the layer around it: "" is its root.
    pub path: String,
    /// Whether everything that the message shows lies under it.
    pub coverage: Coverage,
    /// What it is.
    pub kind: LayerKind,
    /// Why it cannot be used, and what is odd about it.
    pub reasons: Vec<Reason>,
}

impl Layer {
    /// Its own reasons, and those of its signatures.
    pub fn findings(&self) -> impl Iterator<Item = &Reason> {
        let signatures = match &self.kind {
            LayerKind::Signed(signed) => signed.signatures.as_slice(),
            _ => &[],
        };
        self.reasons.iter().chain(signatures.iter().flat_map(Signature::findings))
    }
}

/// How much of the message a layer covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All of it (SEC-15).
    WholeMessage,
    /// One part beside others.
    Part,
}

/// What a layer is.
#[derive(Clone, Debug)]
pub enum LayerKind {
    /// SignedData with signers.
    Signed(SignedLayer),
    /// EnvelopedData or AuthEnvelopedData.
    Encrypted(EncryptedLayer),
    /// CompressedData.
    Compressed {
        /// Bytes of the unpacked content; `None` where it was not unpacked.
        bytes: Option<u64>,
    },
    /// DigestedData: a digest without a key. It finds accidents, and proves nothing.
    Digested {
        /// The digest's name.
        digest: String,
    },
    /// SignedData that only carries certificates.
    Certificates {
        /// The certificates.
        certificates: Vec<Certificate>,
    },
}

/// A layer of signatures.
#[derive(Clone, Debug)]
pub struct SignedLayer {
    /// multipart/signed, or everything inside the CMS.
    pub form: Form,
    /// One entry a signer, in the order received.
    pub signatures: Vec<Signature>,
    /// Whether the structure could be read at all.
    pub state: Readability,
    /// The certificates that came along.
    pub certificates: Vec<Certificate>,
}

/// Whether a layer's structure could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readability {
    /// It could.
    Readable,
    /// It could not; the layer's reasons say why.
    Unreadable,
}

/// The shape of a signed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// multipart/signed.
    Clear,
    /// SignedData with its content inside.
    Opaque,
}

/// One signature, judged question by question.
#[derive(Clone, Debug)]
pub struct Signature {
    /// How the signer's certificate is named.
    pub identifier: String,
    /// The signer's certificate, where it was found.
    pub certificate: Option<Certificate>,
    /// Is the content what was signed?
    pub integrity: Integrity,
    /// Does a trust anchor vouch for the signer?
    pub trust: Trust,
    /// The path to the anchor, signer first; where trust is rejected, the candidate that came furthest.
    pub path: Vec<Certificate>,
    /// Is any certificate of the path revoked?
    pub revocation: Revocation,
    /// The same for each certificate of the path, the anchor left out.
    pub statuses: Vec<CertificateStatus>,
    /// Every candidate path with what speaks against it, the best first; where trust is anchored, only if asked for.
    pub candidates: Vec<Candidate>,
    /// What was missing for an answer, and where it is said to be.
    pub wanted: Vec<Wanted>,
    /// The judgement in ActiveSync's numbers (OUT-26); `None` where there is no certificate.
    pub status: Option<ValidationStatus>,
    /// Are all algorithms and keys strong enough by today's measure?
    pub strength: Strength,
    /// Is it the sender? The answer for every From mailbox together.
    pub address: Address,
    /// The answer for each mailbox of From and Sender apart.
    pub addresses: Vec<AddressAnswer>,
    /// How it was signed, for people ("rsa-sha256").
    pub scheme: Option<String>,
    /// When the signer claims to have signed. Nothing is judged by it.
    pub signed_at: Option<Time>,
    /// What the signer says it can read: SMIMECapabilities as received, where the signature is intact.
    pub capabilities: Option<Vec<u8>>,
    /// By when it was signed, as a trusted timestamp says (RFC 3161).
    pub evidenced: Option<Evidenced>,
    /// Was the signer's certificate good when it was signed? A question of its own, and only evidence answers it.
    pub when_signed: WhenSigned,
    /// Everything that stands against it, what decides first.
    pub reasons: Vec<Reason>,
    /// What is odd, or was let pass by the profile; it does not decide.
    pub notes: Vec<Reason>,
}

impl Signature {
    /// What stands against it, and then what is only odd.
    pub fn findings(&self) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().chain(&self.notes)
    }
}

/// A time that somebody else than the signer vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidenced {
    /// The signature existed by then: the timestamp's time and its accuracy.
    pub by: Time,
    /// The certificate of the timestamp's authority.
    pub authority: Certificate,
}

/// Was the signer's certificate good when it was signed?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhenSigned {
    /// Nobody but the signer says when that was.
    NoEvidence,
    /// At the evidenced time its chain held, and it was not revoked, or was so later and not because of a stolen key.
    Good,
    /// It was not, or that is not known.
    NotGood(Vec<Reason>),
}

/// Does a trust anchor vouch for the signer?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A path to an anchor holds.
    Anchored,
    /// None does.
    Rejected,
    /// Not asked: no anchors were given, or there is no certificate.
    Unchecked,
}

/// Is any certificate of the path revoked?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Every one was looked up, and none is.
    Good,
    /// One is.
    Revoked,
    /// Looked up, without an answer.
    Unknown,
    /// Not looked up.
    Unchecked,
}

/// Are all algorithms and keys strong enough?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// Yes.
    Strong,
    /// No; reasons say which (SEC-33, SEC-37).
    Weak,
}

/// Is the signer the sender?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// The mailbox is in the certificate.
    Matches,
    /// Others are.
    Differs,
    /// The certificate names no mailbox at all.
    NoAddress,
    /// There is nothing to compare: no From, or no certificate.
    Unchecked,
}

/// The answer for one mailbox.
#[derive(Clone, Debug)]
pub struct AddressAnswer {
    /// "From" or "Sender".
    pub header: &'static str,
    /// The address as the header field has it.
    pub value: String,
    /// Whether the certificate speaks for it.
    pub answer: Address,
}

/// A layer of encryption.
#[derive(Clone, Debug)]
pub struct EncryptedLayer {
    /// "aes256-gcm"; the name or number of what is not supported; empty where even that is unreadable.
    pub cipher: String,
    /// Whether the ciphertext could have been changed unnoticed.
    pub binding: Binding,
    /// How many recipients it names.
    pub recipients: usize,
    /// Whose key opened it; `None` where it was not opened.
    pub opened_with: Option<String>,
}

impl EncryptedLayer {
    /// Of which nothing is known yet.
    pub(super) fn unread() -> Self {
        Self { cipher: String::new(), binding: Binding::Malleable, recipients: 0, opened_with: None }
    }
}

/// Whether a ciphertext could have been changed unnoticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// An authentication tag covers it.
    Authenticated,
    /// CBC: blocks can be exchanged (EFAIL, SEC-62).
    Malleable,
}

/// Why the innermost content could not be reached.
#[derive(Clone, Debug)]
pub enum Closed {
    /// No key at hand, or decryption failed; exit 6.
    CannotDecrypt(Reason),
    /// The layer is broken or not supported; exit 8.
    Unreadable(Reason),
}

impl Closed {
    /// Why.
    pub fn reason(&self) -> &Reason {
        match self {
            Self::CannotDecrypt(reason) | Self::Unreadable(reason) => reason,
        }
    }
}

macro_rules! words {
    ($($kind:ty { $($variant:ident = $word:literal),* })*) => {
        $(impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word),* })
            }
        })*
    };
}

words! {
    Trust { Anchored = "anchored", Rejected = "rejected", Unchecked = "unchecked" }
    Revocation { Good = "good", Revoked = "revoked", Unknown = "unknown", Unchecked = "unchecked" }
    Strength { Strong = "strong", Weak = "weak" }
    Address { Matches = "matches", Differs = "differs", NoAddress = "no-address", Unchecked = "unchecked" }
    Form { Clear = "clear", Opaque = "opaque" }
    Binding { Authenticated = "authenticated", Malleable = "malleable" }
}

impl fmt::Display for Report {
    /// For people: a paragraph a layer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.layers.is_empty() {
            writeln!(f, "Neither signed nor encrypted.")?;
        }
        for layer in &self.layers {
            match &layer.kind {
                LayerKind::Signed(signed) => write_signed(f, layer, signed)?,
                LayerKind::Encrypted(encrypted) => write_encrypted(f, layer, encrypted)?,
                LayerKind::Compressed { bytes: Some(bytes) } => {
                    writeln!(f, "Compressed{}; {bytes} bytes unpacked.", place(layer))?;
                }
                LayerKind::Compressed { bytes: None } => writeln!(f, "Compressed{}; not unpacked.", place(layer))?,
                LayerKind::Digested { digest } => {
                    writeln!(
                        f,
                        "With a digest ({digest}){}, which anybody can make: it proves nothing.",
                        place(layer)
                    )?;
                }
                LayerKind::Certificates { certificates } => {
                    writeln!(f, "Carries {} certificates and signs nothing{}.", certificates.len(), place(layer))?;
                    for certificate in certificates {
                        writeln!(f, "  {}", certificate.subject())?;
                    }
                }
            }
            for reason in &layer.reasons {
                writeln!(f, "  - {reason} [{}]", reason.code)?;
            }
        }
        for note in &self.notes {
            writeln!(f, "Note: {note} [{}]", note.code)?;
        }
        Ok(())
    }
}

fn place(layer: &Layer) -> String {
    match (layer.coverage, layer.path.as_str()) {
        (Coverage::WholeMessage, _) => String::new(),
        (Coverage::Part, "") => " (does not cover the whole message)".to_owned(),
        (Coverage::Part, path) => format!(" (part {path} only; it does not cover the whole message)"),
    }
}

fn write_encrypted(f: &mut fmt::Formatter<'_>, layer: &Layer, encrypted: &EncryptedLayer) -> fmt::Result {
    let cipher = if encrypted.cipher.is_empty() { "an unknown cipher" } else { &encrypted.cipher };
    write!(f, "Encrypted with {cipher} for {} recipient(s){}: ", encrypted.recipients, place(layer))?;
    match &encrypted.opened_with {
        Some(key) => writeln!(f, "opened with the key of {key}.")?,
        None => writeln!(f, "not opened.")?,
    }
    if encrypted.binding == Binding::Malleable && encrypted.opened_with.is_some() {
        writeln!(f, "  The cipher does not protect against changes; only a signature inside does.")?;
    }
    Ok(())
}

fn write_signed(f: &mut fmt::Formatter<'_>, layer: &Layer, signed: &SignedLayer) -> fmt::Result {
    writeln!(f, "Signed ({}), {} signature(s){}.", signed.form, signed.signatures.len(), place(layer))?;
    for signature in &signed.signatures {
        let who =
            signature.certificate.as_ref().map_or_else(|| signature.identifier.clone(), |c| c.subject().to_string());
        writeln!(f, "  By {who}")?;
        let content = match signature.integrity {
            Integrity::Intact => "is what was signed",
            Integrity::Altered => "is NOT what was signed",
            Integrity::Unchecked => "could not be checked",
        };
        writeln!(
            f,
            "    content:     {content}{}",
            signature.scheme.as_ref().map(|s| format!(" ({s})")).unwrap_or_default()
        )?;
        let trust = match signature.trust {
            Trust::Anchored => "vouched for by a trusted authority",
            Trust::Rejected => "NOT vouched for by a trusted authority",
            Trust::Unchecked => "not checked",
        };
        writeln!(f, "    certificate: {trust}")?;
        writeln!(f, "    revocation:  {}", signature.revocation)?;
        for answer in &signature.addresses {
            let sentence = match answer.answer {
                Address::Matches => "is in the certificate",
                Address::Differs => "is NOT in the certificate",
                Address::NoAddress => "cannot be compared: the certificate names no address",
                Address::Unchecked => "was not compared",
            };
            writeln!(f, "    {:<12} {} {sentence}", format!("{}:", answer.header), answer.value)?;
        }
        if signature.strength == Strength::Weak {
            writeln!(f, "    strength:    weak")?;
        }
        if let Some(at) = signature.signed_at {
            writeln!(f, "    claims to have been signed at {at}")?;
        }
        if let Some(evidence) = &signature.evidenced {
            writeln!(f, "    was signed by {}, says {}", evidence.by, evidence.authority.subject())?;
            let good = match &signature.when_signed {
                WhenSigned::Good => "was good then",
                _ => "was NOT known to be good then",
            };
            writeln!(f, "    certificate {good}")?;
        }
        for reason in signature.findings() {
            writeln!(f, "    - {reason} [{}]", reason.code)?;
        }
    }
    Ok(())
}
