//! Takes a message apart, one layer at a time, outermost first. A layer is recognised by what it holds, not by what its
//! label says (SEC-41). Only what covers everything is peeled; S/MIME beside other content is listed, its signatures are
//! judged, and encrypted parts stay closed until one is asked for by name (EFAIL; SEC-61, SEC-79).

use super::decrypt::{self, Failure, Setting};
use super::derived::{Canonicalised, Decoded, settle};
use super::report::{Closed, Coverage, Form, Layer, LayerKind, Readability, SignedLayer};
use super::verify::{self, Detached, Inside, Judge, LineEnds, Verified};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::source::SharedSource;
use crate::cms::Error as CmsError;
use crate::cms::content::{Content, ContentType, content_type_of};
use crate::crypto::algorithm::DigestAlgorithm;
use crate::mime::content_type::ContentType as MimeContentType;
use crate::mime::entity::{self, Entity, MarginText};
use crate::mime::transfer::TransferEncoding;
use crate::store::keyring::Keyring;
use const_oid::ObjectIdentifier;
use std::sync::Arc;

/// Peels a message; what it finds is added to `layers`.
pub(super) struct Peeler<'p> {
    pub(super) judge: Judge<'p>,
    pub(super) keyring: &'p Keyring,
    /// The part to open by name, once the layers around it are off.
    pub(super) part: Option<&'p str>,
    pub(super) layers: Vec<Layer>,
    pub(super) notes: Vec<Reason>,
}

/// Where the peeling ended.
pub(super) enum Innermost<'a> {
    /// Everything is off.
    Content(SharedSource<'a>),
    /// A layer stayed on.
    Closed(Closed),
}

/// Why peeling stopped altogether.
#[derive(Debug)]
pub(super) enum Stop {
    Mime(crate::mime::Error),
    Io(std::io::Error),
    /// No such part.
    NoPart {
        available: Vec<String>,
    },
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<crate::mime::Error> for Stop {
    fn from(error: crate::mime::Error) -> Self {
        Self::Mime(error)
    }
}

/// What an entity is.
enum Shape<'a> {
    /// multipart/signed for S/MIME: content, and the signature part decoded.
    Clear { content: SharedSource<'a>, signature: Result<SharedSource<'a>, Reason> },
    /// A CMS structure: by content, or by its label alone where it cannot be read.
    Cms { message: SharedSource<'a>, content_type: Result<ContentType, CmsError>, setting: Setting },
    /// Neither.
    Other,
}

#[derive(Clone, Copy)]
struct Place<'l> {
    path: &'l str,
    coverage: Coverage,
    line_ends: LineEnds,
}

impl<'p> Peeler<'p> {
    fn limits(&self) -> &'p Limits {
        &self.judge.policy.limits
    }

    /// Peels until nothing is left to peel.
    pub(super) fn peel<'a>(&mut self, message: SharedSource<'a>, root: Option<Entity>) -> Result<Innermost<'a>, Stop> {
        let mut source = message;
        let mut scanned = root;
        let mut path = String::new();
        let mut coverage = Coverage::WholeMessage;
        let mut line_ends = LineEnds::Canonical;
        loop {
            let place = Place { path: &path, coverage, line_ends };
            let (shape, entity) = match raw_cms(&source)? {
                Some(content_type) => {
                    let message = Arc::clone(&source);
                    (Shape::Cms { message, content_type: Ok(content_type), setting: Setting::File }, None)
                }
                None => {
                    let entity = match scanned.take() {
                        Some(entity) => entity,
                        None => entity::scan(&source, self.limits())?,
                    };
                    (self.shape(&source, &entity)?, Some(entity))
                }
            };
            let is_layer = !matches!(shape, Shape::Other);
            if is_layer && self.layers.len() >= self.limits().layers {
                let text = format!("the message has more than {} layers", self.limits().layers);
                return Ok(Innermost::Closed(Closed::Unreadable(Reason::new("too_many_layers", text))));
            }
            let inner = match shape {
                Shape::Clear { content, signature } => {
                    self.margins(entity.as_ref());
                    Ok(self.clear(content, signature, place, entity.as_ref())?)
                }
                Shape::Cms { message, content_type, setting } => {
                    self.notes.extend(label_mismatch(entity.as_ref(), content_type.as_ref().ok()));
                    self.cms(message, content_type, setting, place)?
                }
                Shape::Other => {
                    let Some(entity) = entity else { return Ok(Innermost::Content(source)) };
                    let Some(part) = self.part.take() else {
                        self.list(&source, &entity.children, line_ends)?;
                        return Ok(Innermost::Content(source));
                    };
                    let Some(found) = entity.find(part).filter(|found| !found.path.is_empty()) else {
                        let available = entity.walk().map(|e| e.path.clone()).filter(|p| !p.is_empty()).collect();
                        return Err(Stop::NoPart { available });
                    };
                    path = found.path.clone();
                    coverage = Coverage::Part;
                    source = found.whole(&source);
                    continue;
                }
            };
            self.unbound_recipients();
            match inner {
                Ok(Peeled { content, inside_cms }) => {
                    source = content;
                    path = String::new();
                    if inside_cms {
                        line_ends = LineEnds::CanonicalOrRaw;
                    }
                }
                Err(End::Content(content)) => return Ok(Innermost::Content(content)),
                Err(End::Closed(closed)) => return Ok(Innermost::Closed(closed)),
            }
        }
    }

    fn push(&mut self, place: Place<'_>, kind: LayerKind, reasons: Vec<Reason>) {
        self.layers.push(Layer { path: place.path.to_owned(), coverage: place.coverage, kind, reasons });
    }

    /// SEC-44: a signature inside an encryption does not say for whom it was encrypted; whoever received it can encrypt
    /// it again to others (Davis, "Defective Sign & Encrypt", 2001).
    fn unbound_recipients(&mut self) {
        let last =
            self.layers.last().is_some_and(|l| matches!(&l.kind, LayerKind::Signed(s) if !s.signatures.is_empty()));
        let inside = self.layers.iter().any(|layer| matches!(layer.kind, LayerKind::Encrypted(_)));
        if last && inside && !self.notes.iter().any(|note| note.code == "recipient_not_bound") {
            let text = "the signature inside the encryption does not say to whom the message was sent";
            self.notes.push(Reason::new("recipient_not_bound", text));
        }
    }

    /// SEC-19: text before and after the parts is not covered, and not handed over.
    fn margins(&mut self, entity: Option<&Entity>) {
        let Some(entity) = entity else { return };
        let before = entity.preamble.text == MarginText::Text;
        let after = entity.epilogue.text == MarginText::Text;
        if before || after {
            let place = if before { "before" } else { "after" };
            let text = format!("unsigned text stands {place} the parts of the multipart/signed; it is not handed over");
            self.notes.push(Reason::new("unsigned_preamble_or_epilogue", text));
        }
    }

    fn clear<'a>(
        &mut self,
        content: SharedSource<'a>,
        signature: Result<SharedSource<'a>, Reason>,
        place: Place<'_>,
        entity: Option<&Entity>,
    ) -> Result<Peeled<'a>, Stop> {
        let raw = match self.judge_clear(&content, signature, place.line_ends)? {
            Ok(Verified { layer, mut reasons, raw, digests, .. }) => {
                reasons.extend(micalg_mismatch(entity, &digests));
                self.push(place, LayerKind::Signed(layer), reasons);
                raw
            }
            Err(reason) => {
                let layer = unreadable(Form::Clear);
                self.push(place, LayerKind::Signed(layer), vec![reason]);
                false
            }
        };
        let content = match raw {
            true => content,
            false => canonical(content, self.limits())?,
        };
        Ok(Peeled { content, inside_cms: false })
    }

    fn judge_clear(
        &self,
        content: &SharedSource<'_>,
        signature: Result<SharedSource<'_>, Reason>,
        line_ends: LineEnds,
    ) -> Result<Result<Verified, Reason>, Stop> {
        let signature = match signature {
            Ok(signature) => signature,
            Err(reason) => return Ok(Err(reason)),
        };
        split(verify::detached(&signature, Detached { content, line_ends }, &self.judge))
    }

    fn cms<'a>(
        &mut self,
        message: SharedSource<'a>,
        content_type: Result<ContentType, CmsError>,
        setting: Setting,
        place: Place<'_>,
    ) -> Result<Result<Peeled<'a>, End<'a>>, Stop> {
        match content_type {
            Ok(ContentType::SignedData) => self.opaque(message, place),
            Ok(ContentType::EnvelopedData | ContentType::AuthEnvelopedData) => {
                let attempt = decrypt::open(&message, self.keyring, setting, self.limits());
                let (inner, reasons) = match attempt.outcome {
                    Ok(content) => (Ok(Peeled { content, inside_cms: true }), Vec::new()),
                    Err(Failure::Io(error)) => return Err(Stop::Io(error)),
                    Err(Failure::Closed(reason)) => {
                        (Err(End::Closed(Closed::CannotDecrypt(reason.clone()))), vec![reason])
                    }
                    Err(Failure::Unreadable(reason)) => {
                        (Err(End::Closed(Closed::Unreadable(reason.clone()))), vec![reason])
                    }
                };
                self.push(place, LayerKind::Encrypted(attempt.layer), reasons);
                Ok(inner)
            }
            Ok(ContentType::CompressedData) => {
                let reason =
                    Reason::new("unsupported", "compressed-data (RFC 3274) is recognised and not yet unpacked");
                self.push(place, LayerKind::Compressed, vec![reason.clone()]);
                Ok(Err(End::Closed(Closed::Unreadable(reason))))
            }
            Ok(other) => {
                let reason = Reason::new("unsupported", format!("CMS content of type {other} is not mail"));
                Ok(Err(End::Closed(Closed::Unreadable(reason))))
            }
            Err(CmsError::Io(error)) => Err(Stop::Io(std::io::Error::new(error.kind(), error.to_string()))),
            Err(error) => {
                let reason =
                    Reason::new("cms_unreadable", format!("the part is labelled as S/MIME and is not: {error}"));
                Ok(Err(End::Closed(Closed::Unreadable(reason))))
            }
        }
    }

    fn opaque<'a>(&mut self, message: SharedSource<'a>, place: Place<'_>) -> Result<Result<Peeled<'a>, End<'a>>, Stop> {
        let verified = match split(verify::opaque(&message, &self.judge))? {
            Ok(verified) => verified,
            Err(reason) => {
                self.push(place, LayerKind::Signed(unreadable(Form::Opaque)), vec![reason.clone()]);
                return Ok(Err(End::Closed(Closed::Unreadable(reason))));
            }
        };
        let Verified { layer, mut reasons, inside, .. } = verified;
        if verify::is_certificates_only(&layer) && matches!(inside, Inside::Nothing) {
            self.push(place, LayerKind::Certificates { certificates: layer.certificates }, reasons);
            return Ok(Err(End::Content(message)));
        }
        let inner = match inside {
            Inside::Mail(length) => {
                let content: SharedSource<'a> = Arc::new(Content::of(Arc::clone(&message), self.limits()));
                Ok(Peeled { content: settle(content, Some(length), &message, self.limits())?, inside_cms: true })
            }
            Inside::Nothing => {
                let reason =
                    Reason::new("content_missing", "the signature stands alone; what it signs is not in this message");
                Err(End::Closed(Closed::Unreadable(reason)))
            }
            Inside::Other(content_type) => {
                let reason =
                    Reason::new("unsupported_content_type", format!("what is signed is no mail but {content_type}"));
                reasons.push(reason.clone());
                Err(End::Closed(Closed::Unreadable(reason)))
            }
        };
        self.push(place, LayerKind::Signed(layer), reasons);
        Ok(inner)
    }

    /// Lists S/MIME that stands beside other content. Signatures are judged for their part; nothing is decrypted.
    fn list(&mut self, source: &SharedSource<'_>, parts: &[Entity], line_ends: LineEnds) -> Result<(), Stop> {
        for child in parts {
            if self.layers.len() >= self.limits().mime_depth {
                let text = format!("more than {} S/MIME parts; the rest was not looked at", self.limits().mime_depth);
                self.notes.push(Reason::new("too_many_parts", text));
                return Ok(());
            }
            let place = Place { path: &child.path, coverage: Coverage::Part, line_ends };
            match self.shape(source, child)? {
                Shape::Clear { content, signature } => {
                    match self.judge_clear(&content, signature, place.line_ends)? {
                        Ok(Verified { layer, reasons, .. }) => self.push(place, LayerKind::Signed(layer), reasons),
                        Err(reason) => self.push(place, LayerKind::Signed(unreadable(Form::Clear)), vec![reason]),
                    }
                    // The signature part signs; it is not looked at as a part of its own.
                    self.list(source, child.children.get(..1).unwrap_or_default(), line_ends)?;
                }
                Shape::Cms { message, content_type, .. } => self.list_cms(&message, content_type, place)?,
                Shape::Other => self.list(source, &child.children, line_ends)?,
            }
        }
        Ok(())
    }

    fn list_cms(
        &mut self,
        message: &SharedSource<'_>,
        content_type: Result<ContentType, CmsError>,
        place: Place<'_>,
    ) -> Result<(), Stop> {
        match content_type {
            Ok(ContentType::SignedData) => match split(verify::opaque(message, &self.judge))? {
                Ok(Verified { layer, reasons, .. }) if verify::is_certificates_only(&layer) => {
                    self.push(place, LayerKind::Certificates { certificates: layer.certificates }, reasons);
                }
                Ok(Verified { layer, reasons, .. }) => self.push(place, LayerKind::Signed(layer), reasons),
                Err(reason) => self.push(place, LayerKind::Signed(unreadable(Form::Opaque)), vec![reason]),
            },
            Ok(ContentType::EnvelopedData | ContentType::AuthEnvelopedData) => {
                let (layer, reason) = decrypt::describe(message, self.limits());
                let text = format!(
                    "an encrypted part beside other content stays closed; open it by name: part {}",
                    place.path
                );
                let reasons = std::iter::once(Reason::new("encrypted_part_not_root", text)).chain(reason).collect();
                self.push(place, LayerKind::Encrypted(layer), reasons);
            }
            Ok(ContentType::CompressedData) => self.push(place, LayerKind::Compressed, Vec::new()),
            Ok(_) => {}
            Err(error) => {
                let text = format!("part {} is labelled as S/MIME and is not: {error}", place.path);
                self.notes.push(Reason::new("cms_unreadable", text));
            }
        }
        Ok(())
    }

    fn shape<'a>(&self, source: &SharedSource<'a>, entity: &Entity) -> Result<Shape<'a>, Stop> {
        let Ok(content_type) = &entity.content_type else { return Ok(Shape::Other) };
        if content_type.is("multipart/signed") {
            return self.signed_shape(source, entity);
        }
        let name = content_type.parameter("name").map(str::to_ascii_lowercase).or_else(|| disposition_name(entity));
        let named = |suffixes: &[&str]| name.as_ref().is_some_and(|name| suffixes.iter().any(|s| name.ends_with(s)));
        let labelled = is_cms_type(entity.media_type());
        // OUT-60f: application/octet-stream by its file name; then only where the content agrees.
        let perhaps = entity.media_type().starts_with("application/") && named(&[".p7m", ".p7c", ".p7s", ".p7z"]);
        if !labelled && !perhaps {
            return Ok(Shape::Other);
        }
        let message = match self.decoded_body(source, entity) {
            Ok(message) => message,
            Err(reason) if labelled => {
                let error = CmsError::Unsupported(reason.text);
                return Ok(Shape::Cms {
                    message: entity.content(source),
                    content_type: Err(error),
                    setting: Setting::Mime,
                });
            }
            Err(_) => return Ok(Shape::Other),
        };
        match content_type_of(&*message) {
            Err(CmsError::Io(error)) if !labelled || is_input_error(&error) => {
                Err(Stop::Io(std::io::Error::new(error.kind(), error.to_string())))
            }
            Err(_) if !labelled => Ok(Shape::Other),
            content_type => Ok(Shape::Cms { message, content_type, setting: Setting::Mime }),
        }
    }

    /// A multipart/signed is ours where its protocol or its second part says so; another (OpenPGP) is a multipart like
    /// any other.
    fn signed_shape<'a>(&self, source: &SharedSource<'a>, entity: &Entity) -> Result<Shape<'a>, Stop> {
        let protocol =
            entity.content_type.as_ref().ok().and_then(|t| t.parameter("protocol")).map(str::to_ascii_lowercase);
        let second = entity.children.get(1).map(Entity::media_type);
        let ours = protocol.as_deref().is_some_and(is_signature_type)
            || (protocol.is_none() && second.is_some_and(is_signature_type));
        if !ours {
            return Ok(Shape::Other);
        }
        if let Some(Err(error)) = entity.children.get(1).map(|part| &part.content_type) {
            // SEC-21: a signature part whose own type is ambiguous is none.
            let text = format!("the type of the signature part cannot be told: {error}");
            let content = entity.children.first().map_or_else(|| entity.content(source), |first| first.whole(source));
            return Ok(Shape::Clear { content, signature: Err(Reason::new("signature_part_ambiguous", text)) });
        }
        let two = entity.children.len() == 2;
        if let Some(second) = second.filter(|t| two && !is_signature_type(t) && *t != "application/octet-stream") {
            // SEC-18
            let text = format!("the multipart/signed announces an S/MIME signature, and its second part is {second}");
            let content = entity.children.first().map_or_else(|| entity.content(source), |first| first.whole(source));
            return Ok(Shape::Clear { content, signature: Err(Reason::new("protocol_mismatch", text)) });
        }
        let [content, signature] = entity.children.as_slice() else {
            // SEC-17
            let text = format!("a multipart/signed has two parts, and this one has {}", entity.children.len());
            let content = entity.children.first().map_or_else(|| entity.content(source), |first| first.whole(source));
            return Ok(Shape::Clear { content, signature: Err(Reason::new("multipart_signed_arity", text)) });
        };
        let decoded = self.decoded_body(source, signature).and_then(|decoded| {
            let size = decoded.length().or_else(|| signature.end.checked_sub(signature.body));
            let limit = self.limits().structure_bytes as u64;
            match size {
                Some(size) if size > limit => {
                    Err(Reason::new("limit_exceeded", format!("a signature of {size} bytes; at most {limit} are read")))
                }
                _ => Ok(decoded),
            }
        });
        Ok(Shape::Clear { content: content.whole(source), signature: decoded })
    }

    fn decoded_body<'a>(&self, source: &SharedSource<'a>, entity: &Entity) -> Result<SharedSource<'a>, Reason> {
        let body = entity.content(source);
        let encoding = match &entity.encoding {
            Ok(encoding) => *encoding,
            Err(error) => return Err(Reason::new("transfer_encoding", error.to_string())),
        };
        match encoding {
            TransferEncoding::SevenBit | TransferEncoding::EightBit | TransferEncoding::Binary => Ok(body),
            TransferEncoding::Base64 | TransferEncoding::QuotedPrintable => {
                let size = entity.end.checked_sub(entity.body);
                let decoded: SharedSource<'a> = Arc::new(Decoded { body: Arc::clone(&body), encoding });
                settle(decoded, size, &body, self.limits())
                    .map_err(|e| Reason::new("transfer_encoding", crate::mime::Error::from_io(e).to_string()))
            }
        }
    }
}

/// SEC-41: what it is decides, and what it is called is compared (RFC 8551 section 3.2.2).
fn label_mismatch(entity: Option<&Entity>, found: Option<&ContentType>) -> Option<Reason> {
    let label = entity?.content_type.as_ref().ok()?.parameter("smime-type")?.to_ascii_lowercase();
    let fits = match found? {
        ContentType::SignedData => matches!(label.as_str(), "signed-data" | "certs-only" | "signed-receipt"),
        ContentType::EnvelopedData => label == "enveloped-data",
        // RFC 8551 has authEnveloped-data; Outlook and others write the older word.
        ContentType::AuthEnvelopedData => matches!(label.as_str(), "authenveloped-data" | "enveloped-data"),
        ContentType::CompressedData => label == "compressed-data",
        _ => return None,
    };
    let text = format!("the part is labelled smime-type={label} and holds {}", found?);
    (!fits).then(|| Reason::new("smime_type_mismatch", text))
}

/// SEC-18: micalg is a hint for hashing in one pass, and never believed (OUT-46, OUT-60d).
fn micalg_mismatch(entity: Option<&Entity>, digests: &[DigestAlgorithm]) -> Option<Reason> {
    let label = entity?.content_type.as_ref().ok()?.parameter("micalg")?;
    let named: Vec<Option<DigestAlgorithm>> = label.split(',').map(|word| digest_named(word.trim())).collect();
    let told = digests.iter().all(|digest| named.contains(&Some(*digest)));
    let used = digests.iter().map(|digest| digest.name()).collect::<Vec<_>>().join(", ");
    let shown: String = label.chars().take(40).collect();
    let text = format!("micalg says {shown}, and the signature uses {used}");
    (!told).then(|| Reason::new("micalg_mismatch", text))
}

/// By name in any spelling, or by number as Outlook writes it.
fn digest_named(word: &str) -> Option<DigestAlgorithm> {
    let by_number = || DigestAlgorithm::from_oid(&ObjectIdentifier::new(word).ok()?);
    word.parse().ok().or_else(by_number)
}

/// A layer that came off.
struct Peeled<'a> {
    content: SharedSource<'a>,
    /// Whether the content came byte for byte out of a CMS structure.
    inside_cms: bool,
}

/// A layer behind which nothing more is to be read.
enum End<'a> {
    Content(SharedSource<'a>),
    Closed(Closed),
}

fn unreadable(form: Form) -> SignedLayer {
    SignedLayer { form, signatures: Vec::new(), state: Readability::Unreadable, certificates: Vec::new() }
}

/// Separates what is wrong with the layer from what is wrong with the input.
fn split(result: Result<Verified, CmsError>) -> Result<Result<Verified, Reason>, Stop> {
    match result {
        Ok(verified) => Ok(Ok(verified)),
        Err(CmsError::Io(error)) if is_input_error(&error) => {
            Err(Stop::Io(std::io::Error::new(error.kind(), error.to_string())))
        }
        Err(error) => Ok(Err(Reason::new("signature_unreadable", format!("the signature cannot be read: {error}")))),
    }
}

/// Whether an I/O error is the input's own and not one of our filters', which stands for a malformed layer.
fn is_input_error(error: &std::io::Error) -> bool {
    error.get_ref().is_none_or(|inner| inner.is::<crate::base::source::Changed>())
}

fn canonical<'a>(content: SharedSource<'a>, limits: &Limits) -> Result<SharedSource<'a>, Stop> {
    if let Some(bytes) = content.as_slice()
        && matches!(crate::mime::canonical::canonical(bytes), std::borrow::Cow::Borrowed(_))
    {
        return Ok(content);
    }
    let size = content.length();
    let canonical: SharedSource<'a> = Arc::new(Canonicalised(Arc::clone(&content)));
    Ok(settle(canonical, size, &content, limits)?)
}

fn is_cms_type(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/pkcs7-mime"
            | "application/x-pkcs7-mime"
            | "application/pkcs7-signature"
            | "application/x-pkcs7-signature"
            | "application/cms"
    )
}

fn is_signature_type(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/pkcs7-signature"
            | "application/x-pkcs7-signature"
            | "application/pkcs7-mime"
            | "application/x-pkcs7-mime"
    )
}

/// The file name of Content-Disposition, in lower case.
fn disposition_name(entity: &Entity) -> Option<String> {
    let field = entity.header.all("content-disposition").next()?;
    let disposition = MimeContentType::parse(field.value, field.offset).ok()?;
    disposition.parameter("filename").map(str::to_ascii_lowercase)
}

/// A source that is a CMS file by itself, with no MIME around it: the outermost one, or what a CMS layer held.
fn raw_cms(source: &SharedSource<'_>) -> Result<Option<ContentType>, Stop> {
    if source.reader(0)?.fill_buf()?.first() != Some(&0x30) {
        return Ok(None);
    }
    match content_type_of(&**source) {
        Ok(ContentType::Other(_)) | Err(_) => Ok(None),
        Ok(content_type) => Ok(Some(content_type)),
    }
}
