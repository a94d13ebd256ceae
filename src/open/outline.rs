//! The structure of a message, for whoever wants to see what it consists of: its MIME parts with their byte ranges, and
//! what stands in its CMS structures. Nothing is decrypted and no signature is checked; nothing here says that anything
//! is good.

use super::derived::{Decoded, settle};
use crate::asn1::oid;
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use crate::base::source::SharedSource;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cms::Error as CmsError;
use crate::cms::Result as CmsResult;
use crate::cms::attribute::Attributes;
use crate::cms::content::{Content, ContentType, content_type_of};
use crate::cms::enveloped::Enveloped;
use crate::cms::recipient_info::RecipientInfo;
use crate::cms::signed::{EContent, Head, SignedData, Sink};
use crate::cms::signer_info::SignerInfo;
use crate::crypto::algorithm::{KeyAgreement, KeyTransport, SignatureScheme, oid_name};
use crate::mime::content_type::ContentType as MimeContentType;
use crate::mime::entity::{self, Closing, Entity};
use std::fmt;
use std::sync::Arc;

/// What a message consists of.
#[derive(Clone, Debug)]
pub enum Outline {
    /// MIME: its entities, in the order of the message.
    Mime(Vec<Part>),
    /// A CMS structure by itself.
    Cms(Box<Cms>),
}

/// One MIME entity.
#[derive(Clone, Debug)]
pub struct Part {
    /// "" for the message itself, "1.2" for the second part of its first part.
    pub path: String,
    /// In lower case; `application/octet-stream` where it has none that can be used.
    pub media_type: String,
    /// The parameters that matter to S/MIME (smime-type, protocol, micalg, name, charset), as they stand there.
    pub parameters: Vec<(String, String)>,
    /// The transfer encoding, or what is wrong with it.
    pub encoding: String,
    /// The file name that Content-Disposition gives.
    pub file_name: Option<String>,
    /// The first byte of its header, counted from the beginning of what is outlined.
    pub start: u64,
    /// The first byte of its body.
    pub body: u64,
    /// The byte after its last.
    pub end: u64,
    /// Whether it is a multipart without its last boundary.
    pub unclosed: bool,
    /// What is out of the ordinary about it.
    pub oddities: Vec<Reason>,
    /// The CMS structure in its body, or why what is labelled as one cannot be read.
    pub cms: Option<Result<Box<Cms>, Reason>>,
}

/// One CMS structure (RFC 5652).
#[derive(Clone, Debug)]
pub enum Cms {
    /// SignedData.
    Signed(Signed),
    /// EnvelopedData or AuthEnvelopedData.
    Encrypted(Encrypted),
    /// A type that is named and not taken apart.
    Other {
        /// Its name, or its object identifier.
        content_type: String,
    },
}

/// `SignedData` (RFC 5652 section 5.1).
#[derive(Clone, Debug)]
pub struct Signed {
    /// The version that it claims.
    pub version: u64,
    /// digestAlgorithms.
    pub digest_algorithms: Vec<String>,
    /// eContentType.
    pub content_type: String,
    /// Bytes of the content; `None` where it stands elsewhere.
    pub content_bytes: Option<u64>,
    /// The certificates that came along.
    pub certificates: Vec<CertificateEntry>,
    /// How many CRLs came along.
    pub crls: usize,
    /// The signers.
    pub signers: Vec<Signer>,
    /// What is odd about it.
    pub notes: Vec<Reason>,
    /// What the content consists of, where it is inside and is a message; its byte ranges count from its own beginning.
    pub inside: Option<Result<Outline, Reason>>,
}

/// A certificate, by what people look for in it.
#[derive(Clone, Debug)]
pub struct CertificateEntry {
    /// Whom it is about.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// Hexadecimal.
    pub serial: String,
    /// The first second of its validity.
    pub not_before: Time,
    /// The last.
    pub not_after: Time,
    /// "RSA-2048", or why the key cannot be used.
    pub key: String,
}

/// `SignerInfo` (RFC 5652 section 5.3).
#[derive(Clone, Debug)]
pub struct Signer {
    /// The version that it claims.
    pub version: u64,
    /// How it names its certificate.
    pub identifier: String,
    /// digestAlgorithm.
    pub digest: String,
    /// signatureAlgorithm.
    pub signature: String,
    /// Bytes of the signature.
    pub signature_bytes: usize,
    /// The names of the signed attributes, in their order; `None` where there are none at all.
    pub signed_attributes: Option<Vec<String>>,
    /// The names of the unsigned attributes.
    pub unsigned_attributes: Vec<String>,
}

/// `EnvelopedData` (RFC 5652 section 6.1) or `AuthEnvelopedData` (RFC 5083 section 2.1).
#[derive(Clone, Debug)]
pub struct Encrypted {
    /// "enveloped-data" or "authEnveloped-data".
    pub kind: String,
    /// The version that it claims.
    pub version: u64,
    /// contentType of the plaintext.
    pub content_type: String,
    /// contentEncryptionAlgorithm.
    pub cipher: String,
    /// Bytes of ciphertext.
    pub ciphertext_bytes: u64,
    /// Bytes of the authentication tag, where there is one.
    pub tag_bytes: Option<usize>,
    /// Whom it is for.
    pub recipients: Vec<Recipient>,
}

/// `RecipientInfo` (RFC 5652 section 6.2).
#[derive(Clone, Debug)]
pub struct Recipient {
    /// "key transport", "key agreement", or another kind.
    pub kind: String,
    /// How it names its certificate; `None` for kinds that name none.
    pub identifier: Option<String>,
    /// How the content-encryption key is wrapped.
    pub algorithm: Option<String>,
}

/// Outlines a mail, or a CMS structure by itself.
///
/// ```
/// use smime::base::source::Memory;
/// let mail = Memory::borrowed(b"Subject: hello\r\n\r\nworld\r\n");
/// let outline = smime::open::outline::outline(&mail, &smime::Limits::default())?;
/// assert!(outline.to_string().contains("text/plain"));
/// # Ok::<(), smime::mime::Error>(())
/// ```
///
/// # Errors
/// Where the input cannot be read, or its MIME is beyond a limit. What is wrong with a part, or with a CMS structure, stands
/// in the outline.
pub fn outline(source: &SharedSource<'_>, limits: &Limits) -> Result<Outline, crate::mime::Error> {
    outline_at(source, limits, 0)
}

fn outline_at(source: &SharedSource<'_>, limits: &Limits, depth: usize) -> Result<Outline, crate::mime::Error> {
    if source.reader(0)?.fill_buf()?.first() == Some(&0x30)
        && let Ok(kind) = content_type_of(&**source)
        && let Ok(cms) = cms(source, kind, limits, depth)
    {
        return Ok(Outline::Cms(Box::new(cms)));
    }
    let root = entity::scan(source, limits)?;
    Ok(Outline::Mime(root.walk().map(|entity| part(source, entity, limits, depth)).collect()))
}

const SHOWN_PARAMETERS: [&str; 6] = ["smime-type", "protocol", "micalg", "name", "charset", "boundary"];

fn part(source: &SharedSource<'_>, entity: &Entity, limits: &Limits, depth: usize) -> Part {
    let mut oddities = entity.header.oddities().to_vec();
    oddities.extend(entity.oddities.iter().cloned());
    let mut parameters = Vec::new();
    match &entity.content_type {
        Ok(content_type) => {
            for name in SHOWN_PARAMETERS {
                parameters.extend(content_type.parameter(name).map(|value| (name.to_owned(), visible(value))));
            }
        }
        Err(error) => oddities.push(Reason::new("content_type", error.to_string())),
    }
    let encoding = match &entity.encoding {
        Ok(encoding) => encoding.name().to_owned(),
        Err(error) => visible(&error.to_string()),
    };
    Part {
        path: entity.path.clone(),
        media_type: visible(entity.media_type()),
        parameters,
        encoding,
        file_name: file_name(entity),
        start: entity.start,
        body: entity.body,
        end: entity.end,
        unclosed: entity.closing == Closing::Unclosed,
        oddities,
        cms: part_cms(source, entity, limits, depth),
    }
}

fn file_name(entity: &Entity) -> Option<String> {
    let field = entity.header.all("content-disposition").next()?;
    let disposition = MimeContentType::parse_disposition(field.value, field.offset).ok()?;
    disposition.parameter("filename").map(visible)
}

/// The CMS structure in a part's body: where its label says so, and where an application part begins like one.
fn part_cms(
    source: &SharedSource<'_>,
    entity: &Entity,
    limits: &Limits,
    depth: usize,
) -> Option<Result<Box<Cms>, Reason>> {
    let media_type = entity.media_type();
    let labelled = media_type.starts_with("application/")
        && (media_type.contains("pkcs7-mime")
            || media_type.contains("pkcs7-signature")
            || media_type == "application/cms");
    if !labelled && !media_type.starts_with("application/") || !entity.children.is_empty() {
        return None;
    }
    let read = || -> CmsResult<Cms> {
        let body = entity.content(source);
        let encoding = entity.encoding.clone().map_err(|e| CmsError::Unsupported(e.to_string()))?;
        let decoded: SharedSource<'_> = match encoding.is_identity() {
            true => body,
            false => {
                let size = entity.end.checked_sub(entity.body);
                settle(Arc::new(Decoded { body: Arc::clone(&body), encoding }), size, &body, limits)?
            }
        };
        let kind = content_type_of(&*decoded)?;
        cms(&decoded, kind, limits, depth)
    };
    match read() {
        Ok(Cms::Other { .. }) | Err(_) if !labelled => None,
        Ok(cms) => Some(Ok(Box::new(cms))),
        Err(error) => Some(Err(Reason::new("cms_unreadable", error.to_string()))),
    }
}

fn cms(source: &SharedSource<'_>, kind: ContentType, limits: &Limits, depth: usize) -> CmsResult<Cms> {
    match kind {
        ContentType::SignedData => signed(source, limits, depth).map(Cms::Signed),
        ContentType::EnvelopedData | ContentType::AuthEnvelopedData => encrypted(source, limits).map(Cms::Encrypted),
        other => Ok(Cms::Other { content_type: other.to_string() }),
    }
}

struct Ignore;

impl Sink for Ignore {
    fn begin(&mut self, _: &Head) -> CmsResult<()> {
        Ok(())
    }

    fn chunk(&mut self, _: &[u8]) -> CmsResult<()> {
        Ok(())
    }
}

fn signed(source: &SharedSource<'_>, limits: &Limits, depth: usize) -> CmsResult<Signed> {
    let data = SignedData::read(source.reader(0)?, limits, &mut Ignore)?;
    let attached = data.head.content == EContent::Attached;
    let inside = (attached && data.head.content_type == oid::ID_DATA).then(|| {
        if depth.saturating_add(1) >= limits.layers {
            return Err(Reason::new(
                "too_many_layers",
                format!("more than {} layers; the rest was not looked at", limits.layers),
            ));
        }
        let unreadable = |text: String| Reason::new("unreadable", text);
        let content: SharedSource<'_> = Arc::new(Content::of(Arc::clone(source), limits));
        let content =
            settle(content, Some(data.content_length), source, limits).map_err(|e| unreadable(e.to_string()))?;
        outline_at(&content, limits, depth.saturating_add(1)).map_err(|e| unreadable(e.to_string()))
    });
    Ok(Signed {
        version: data.head.version,
        digest_algorithms: data.head.digest_algorithms.iter().map(|a| a.name()).collect(),
        content_type: ContentType::from_oid(data.head.content_type).to_string(),
        content_bytes: attached.then_some(data.content_length),
        certificates: data.certificates.iter().map(|c| certificate(c, limits)).collect(),
        crls: data.crls.len(),
        signers: data.signers.iter().map(signer).collect(),
        notes: data.notes,
        inside,
    })
}

fn certificate(certificate: &Certificate, limits: &Limits) -> CertificateEntry {
    CertificateEntry {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: certificate.serial_hex(),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        key: certificate.public_key(limits).map_or_else(|e| e.to_string(), |key| key.describe()),
    }
}

fn signer(signer: &SignerInfo) -> Signer {
    let names = |attributes: &Attributes| attributes.iter().map(|a| oid_name(&a.kind)).collect::<Vec<_>>();
    let scheme = SignatureScheme::from_identifier(&signer.signature_algorithm, signer.digest());
    Signer {
        version: signer.version,
        identifier: signer.identifier.to_string(),
        digest: signer.digest_algorithm.name(),
        signature: scheme.map_or_else(|_| signer.signature_algorithm.name(), |scheme| scheme.name()),
        signature_bytes: signer.signature.len(),
        signed_attributes: signer.signed_attributes.as_ref().map(names),
        unsigned_attributes: signer.unsigned_attributes.as_ref().map(names).unwrap_or_default(),
    }
}

fn encrypted(source: &SharedSource<'_>, limits: &Limits) -> CmsResult<Encrypted> {
    let enveloped = Enveloped::read(source.reader(0)?, limits, &mut |_| Ok(()))?;
    Ok(Encrypted {
        kind: enveloped.kind.to_string(),
        version: enveloped.head.version,
        content_type: ContentType::from_oid(enveloped.head.content_type).to_string(),
        cipher: enveloped.head.algorithm.name(),
        ciphertext_bytes: enveloped.content_length,
        tag_bytes: enveloped.mac.as_ref().map(Vec::len),
        recipients: enveloped.head.recipients.iter().map(recipient).collect(),
    })
}

fn recipient(recipient: &RecipientInfo) -> Recipient {
    let identifier = recipient.identifier().map(ToString::to_string);
    let (kind, algorithm) = match recipient {
        RecipientInfo::Transport(transport) => {
            let name = KeyTransport::from_identifier(&transport.algorithm).map(|t| t.name());
            ("key transport", Some(name.unwrap_or_else(|_| transport.algorithm.name())))
        }
        RecipientInfo::Agreement(agreed) => {
            let name = KeyAgreement::from_identifier(&agreed.algorithm).map(|a| a.name());
            ("key agreement", Some(name.unwrap_or_else(|_| agreed.algorithm.name())))
        }
        RecipientInfo::SharedKey(shared) => ("shared key", Some(shared.algorithm.name())),
        RecipientInfo::Password(password) => ("password", Some(password.algorithm.name())),
        RecipientInfo::Other { kind } => ("other", Some(oid_name(kind))),
    };
    Recipient { kind: kind.to_owned(), identifier, algorithm }
}

impl fmt::Display for Outline {
    /// For people: an indented tree.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_outline(f, self, 0)
    }
}

fn write_outline(f: &mut fmt::Formatter<'_>, outline: &Outline, indent: usize) -> fmt::Result {
    match outline {
        Outline::Cms(cms) => write_cms(f, cms, indent),
        Outline::Mime(parts) => parts.iter().try_for_each(|part| write_part(f, part, indent)),
    }
}

fn write_part(f: &mut fmt::Formatter<'_>, part: &Part, outer: usize) -> fmt::Result {
    let level = if part.path.is_empty() { 0 } else { part.path.split('.').count() };
    let indent = outer.saturating_add(level.saturating_mul(2));
    let path = if part.path.is_empty() { "message".to_owned() } else { format!("part {}", part.path) };
    write!(f, "{:indent$}{path}: {}", "", part.media_type)?;
    for (name, value) in &part.parameters {
        if name != "boundary" {
            write!(f, "; {name}={value}")?;
        }
    }
    write!(f, ", {}, bytes {} to {} (body from {})", part.encoding, part.start, part.end, part.body)?;
    if let Some(name) = &part.file_name {
        write!(f, ", file name \"{name}\"")?;
    }
    writeln!(f, "{}", if part.unclosed { ", without its last boundary" } else { "" })?;
    write_reasons(f, &part.oddities, indent.saturating_add(2))?;
    match &part.cms {
        Some(Ok(cms)) => write_cms(f, cms, indent.saturating_add(2)),
        Some(Err(reason)) => write_reasons(f, std::slice::from_ref(reason), indent.saturating_add(2)),
        None => Ok(()),
    }
}

fn write_reasons(f: &mut fmt::Formatter<'_>, reasons: &[Reason], indent: usize) -> fmt::Result {
    reasons.iter().try_for_each(|reason| writeln!(f, "{:indent$}! {reason} [{}]", "", reason.code))
}

fn write_cms(f: &mut fmt::Formatter<'_>, cms: &Cms, indent: usize) -> fmt::Result {
    match cms {
        Cms::Other { content_type } => writeln!(f, "{:indent$}CMS {content_type}", ""),
        Cms::Encrypted(encrypted) => write_encrypted(f, encrypted, indent),
        Cms::Signed(signed) => write_signed(f, signed, indent),
    }
}

fn write_encrypted(f: &mut fmt::Formatter<'_>, encrypted: &Encrypted, indent: usize) -> fmt::Result {
    let Encrypted { kind, version, content_type, cipher, ciphertext_bytes, tag_bytes, recipients } = encrypted;
    let tag = tag_bytes.map(|n| format!(", tag of {n} bytes")).unwrap_or_default();
    writeln!(
        f,
        "{:indent$}CMS {kind}, version {version}: {cipher}, {ciphertext_bytes} bytes of ciphertext{tag}, holding {content_type}",
        ""
    )?;
    for recipient in recipients {
        write!(f, "{:indent$}  recipient: {}", "", recipient.kind)?;
        if let Some(algorithm) = &recipient.algorithm {
            write!(f, " by {algorithm}")?;
        }
        match &recipient.identifier {
            Some(identifier) => writeln!(f, ", certificate with {identifier}")?,
            None => writeln!(f)?,
        }
    }
    Ok(())
}

fn write_signed(f: &mut fmt::Formatter<'_>, signed: &Signed, indent: usize) -> fmt::Result {
    let content = signed.content_bytes.map_or_else(|| "elsewhere".to_owned(), |n| format!("inside, {n} bytes"));
    let digests = signed.digest_algorithms.join(", ");
    writeln!(
        f,
        "{:indent$}CMS signed-data, version {}: digests {digests}; content of type {}, {content}; {} CRLs",
        "", signed.version, signed.content_type, signed.crls
    )?;
    for certificate in &signed.certificates {
        let CertificateEntry { subject, issuer, serial, not_before, not_after, key } = certificate;
        writeln!(f, "{:indent$}  certificate: {subject}; issued by {issuer}, serial {serial}", "")?;
        writeln!(f, "{:indent$}    {key}, from {not_before} to {not_after}", "")?;
    }
    for signer in &signed.signers {
        writeln!(f, "{:indent$}  signer: certificate with {}", "", signer.identifier)?;
        writeln!(
            f,
            "{:indent$}    version {}, digest {}, signature {} of {} bytes",
            "", signer.version, signer.digest, signer.signature, signer.signature_bytes
        )?;
        match &signer.signed_attributes {
            Some(names) => writeln!(f, "{:indent$}    signed attributes: {}", "", names.join(", "))?,
            None => writeln!(f, "{:indent$}    no signed attributes", "")?,
        }
        if !signer.unsigned_attributes.is_empty() {
            writeln!(f, "{:indent$}    unsigned attributes: {}", "", signer.unsigned_attributes.join(", "))?;
        }
    }
    write_reasons(f, &signed.notes, indent.saturating_add(2))?;
    match &signed.inside {
        Some(Ok(outline)) => write_outline(f, outline, indent.saturating_add(2)),
        Some(Err(reason)) => write_reasons(f, std::slice::from_ref(reason), indent.saturating_add(2)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::der;
    use crate::base::source::Memory;

    fn certs_only() -> Vec<u8> {
        let inner = der::sequence(&[der::oid(&oid::ID_DATA)]);
        let set = der::constructed(crate::asn1::ber::Tag::SET, &[] as &[Vec<u8>]);
        let data = der::sequence(&[der::integer(1), set.clone(), inner, set]);
        der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &data)])
    }

    #[test]
    fn parts_are_told_with_their_ranges() {
        let mail = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: application/pkcs7-mime\r\n\r\ntwo\r\n--b--\r\n";
        let Outline::Mime(parts) = outline(&Memory::borrowed(mail), &Limits::default()).unwrap() else {
            panic!("MIME")
        };
        let paths: Vec<&str> = parts.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(paths, ["", "1", "2"]);
        assert_eq!(&mail[parts[1].body as usize..parts[1].end as usize], b"one");
        assert!(matches!(&parts[2].cms, Some(Err(reason)) if reason.code == "cms_unreadable"));
        assert!(parts[1].cms.is_none());
    }

    #[test]
    fn a_cms_structure_by_itself_is_taken_apart() {
        let bytes = certs_only();
        let outline = outline(&Memory::borrowed(&bytes), &Limits::default()).unwrap();
        let Outline::Cms(cms) = &outline else { panic!("CMS") };
        assert!(matches!(&**cms, Cms::Signed(Signed { version: 1, content_bytes: None, .. })));
        let text = outline.to_string();
        assert!(text.contains("signed-data") && !text.contains("valid"), "{text}");
    }
}
