//! Takes a message apart, one layer at a time, outermost first. A layer is recognised by what it holds, not by what its
//! label says (SEC-41). Only what covers everything is peeled; S/MIME beside other content is listed, its signatures are
//! judged, and encrypted parts stay closed until one is asked for by name (EFAIL; SEC-61, SEC-79).

use super::decrypt::{self, Failure, Openers, Setting};
use super::derived::{Canonicalised, settle};
use super::hashing::HashSink;
use super::inflate::{self, Inflated};
use super::report::{Closed, Coverage, Form, Layer, LayerKind, Readability, SignedLayer};
use super::shape::{Shape, is_input_error, micalg_deviation, shape};
use super::variants;
use super::verify::{self, Detached, Inside, Judge, LineEnds, Verified};
use crate::asn1::oid;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::source::SharedSource;
use crate::cms::content::{Content, ContentType, EContent, content_type_of};
use crate::cms::wrapped::Wrapped;
use crate::cms::{Error as CmsError, Result as CmsResult};
use crate::crypto::algorithm::DigestAlgorithm;
use crate::mime::entity::{self, Entity};
use crate::policy::effective::{Access, SmimeDisabled};
use crate::store::keyring::Keyring;
use const_oid::ObjectIdentifier;
use std::sync::Arc;

/// Peels a message; what it finds is added to `layers`.
pub(super) struct Peeler<'p> {
    pub(super) judge: Judge<'p>,
    pub(super) keyring: &'p Keyring,
    pub(super) thoroughness: Thoroughness,
    /// The part to open by name, once the layers around it are off.
    pub(super) part: Option<&'p str>,
    pub(super) layers: Vec<Layer>,
    pub(super) notes: Vec<Reason>,
}

/// How far a broken signature is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thoroughness {
    /// It is told that it is broken.
    Usual,
    /// Which change on the way broke it is searched for: much work for a doctor, and none for a mail program.
    FindCauses,
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
    /// S/MIME is off.
    Disabled(SmimeDisabled),
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

    fn openers(&self) -> Openers<'p> {
        Openers { keyring: self.keyring, trust: self.judge.trust, policy: self.judge.policy }
    }

    /// Peels until nothing is left to peel. `detached` is what a signature that stands alone was made over.
    pub(super) fn peel<'a>(
        &mut self,
        message: SharedSource<'a>,
        root: Option<Entity>,
        mut detached: Option<SharedSource<'a>>,
    ) -> Result<Innermost<'a>, Stop> {
        let mut source = message;
        let mut scanned = root;
        let mut path = String::new();
        let mut coverage = Coverage::WholeMessage;
        let mut line_ends = LineEnds::Canonical;
        loop {
            let place = Place { path: &path, coverage, line_ends };
            let outermost = self.layers.is_empty() && scanned.is_none() && coverage == Coverage::WholeMessage;
            let (found, entity) = match raw_cms(&source, outermost)? {
                Some(content_type) => {
                    let (message, content_type) = (Arc::clone(&source), Ok(content_type));
                    (Shape::Cms { message, content_type, setting: Setting::File, deviations: Vec::new() }, None)
                }
                None => {
                    let entity = match scanned.take() {
                        Some(entity) => entity,
                        None => entity::scan(&source, self.limits())?,
                    };
                    (shape(&source, &entity, self.limits())?, Some(entity))
                }
            };
            let is_layer = !matches!(found, Shape::Other);
            // OUT-29: before anything of it is decrypted or verified.
            if let (true, Access::Disabled(disabled)) = (is_layer, self.judge.policy.access) {
                return Err(Stop::Disabled(disabled));
            }
            if is_layer && self.layers.len() >= self.limits().layers {
                let text = format!("the message has more than {} layers", self.limits().layers);
                return Ok(Innermost::Closed(Closed::Unreadable(Reason::new("too_many_layers", text))));
            }
            let inner = match found {
                Shape::Clear { content, signature, deviations } => {
                    Ok(self.clear(content, signature, deviations, place, entity.as_ref())?)
                }
                Shape::Cms { message, content_type, setting, deviations } => {
                    let cms = Found { message, content_type, setting, deviations };
                    self.cms(cms, detached.take(), place)?
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

    fn clear<'a>(
        &mut self,
        content: SharedSource<'a>,
        signature: Result<SharedSource<'a>, Reason>,
        mut deviations: Vec<Reason>,
        place: Place<'_>,
        entity: Option<&Entity>,
    ) -> Result<Peeled<'a>, Stop> {
        let (raw, crlf) = match self.judge_clear(&content, signature, place.line_ends)? {
            Ok(Verified { layer, reasons, raw, crlf, digests, .. }) => {
                deviations.extend(reasons);
                deviations.extend(micalg_deviation(entity, &digests));
                self.push(place, LayerKind::Signed(layer), deviations);
                (raw, crlf)
            }
            Err(reason) => {
                deviations.insert(0, reason);
                self.push(place, LayerKind::Signed(unreadable(Form::Clear)), deviations);
                (false, false)
            }
        };
        let content = match (raw, crlf) {
            (true, _) => content,
            (false, true) => settle(Arc::clone(&content), content.length(), &content, self.limits())?,
            (false, false) => canonical(content, self.limits())?,
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
        let mut judged = split(verify::detached(&signature, Detached { content, line_ends }, &self.judge))?;
        if let (Thoroughness::FindCauses, Ok(Verified { layer, reasons, .. })) = (self.thoroughness, &mut judged)
            && layer.signatures.iter().any(|s| s.reasons.iter().any(|r| r.code == "message_digest_mismatch"))
            && let Ok(causes) = variants::search(&signature, content, self.limits())
        {
            reasons.extend(causes);
        }
        Ok(judged)
    }

    fn cms<'a>(
        &mut self,
        found: Found<'a>,
        detached: Option<SharedSource<'a>>,
        place: Place<'_>,
    ) -> Result<Result<Peeled<'a>, End<'a>>, Stop> {
        let Found { message, content_type, setting, mut deviations } = found;
        match content_type {
            Ok(ContentType::SignedData) => self.opaque(message, detached, deviations, place),
            Ok(kind) if kind.is_encrypted() => {
                let attempt = decrypt::open(&message, self.openers(), setting);
                deviations.extend(attempt.notes);
                let inner = match attempt.outcome {
                    Ok(content) => Ok(Peeled { content, inside_cms: true }),
                    Err(Failure::Io(error)) => return Err(Stop::Io(error)),
                    Err(Failure::Closed(reason)) => {
                        deviations.insert(0, reason.clone());
                        Err(End::Closed(Closed::CannotDecrypt(reason)))
                    }
                    Err(Failure::Unreadable(reason)) => {
                        deviations.insert(0, reason.clone());
                        Err(End::Closed(Closed::Unreadable(reason)))
                    }
                };
                self.push(place, LayerKind::Encrypted(attempt.layer), deviations);
                Ok(inner)
            }
            Ok(ContentType::CompressedData) => self.compressed(&message, deviations, place),
            Ok(ContentType::DigestedData) => self.digested(&message, deviations, place),
            Ok(ContentType::Data) => {
                let text = "the CMS structure only wraps its content: nothing is signed, and nothing is encrypted";
                self.notes.extend(deviations);
                self.notes.push(Reason::new("plain_data", text));
                Ok(Err(End::Content(self.content_of(&message, None)?)))
            }
            Ok(other) => {
                let reason = Reason::new("unsupported", format!("CMS content of type {other} is not read"));
                self.notes.extend(deviations);
                Ok(Err(End::Closed(Closed::Unreadable(reason))))
            }
            Err(CmsError::Io(error)) => Err(Stop::Io(std::io::Error::new(error.kind(), error.to_string()))),
            Err(error) => {
                let reason =
                    Reason::new("cms_unreadable", format!("the part is labelled as S/MIME and is not: {error}"));
                self.notes.extend(deviations);
                Ok(Err(End::Closed(Closed::Unreadable(reason))))
            }
        }
    }

    /// The octets inside a CMS structure that was read before.
    fn content_of<'a>(&self, message: &SharedSource<'a>, length: Option<u64>) -> Result<SharedSource<'a>, Stop> {
        let content: SharedSource<'a> = Arc::new(Content::of(Arc::clone(message), self.limits()));
        settle(content, length, message, self.limits()).map_err(|error| match is_input_error(&error) {
            true => Stop::Io(error),
            false => Stop::Mime(crate::mime::Error::from_io(error)),
        })
    }

    /// RFC 3274: unpacked once to be judged, and again to be read (SEC-85).
    fn compressed<'a>(
        &mut self,
        message: &SharedSource<'a>,
        mut deviations: Vec<Reason>,
        place: Place<'_>,
    ) -> Result<Result<Peeled<'a>, End<'a>>, Stop> {
        let again = self.layers.iter().any(|layer| matches!(layer.kind, LayerKind::Compressed { .. }));
        let read = Wrapped::read(message.reader(0)?, self.limits(), &mut |_| (), &mut |_| Ok(()));
        let unpacked = match split_as(read, "malformed", "the compressed layer cannot be read")? {
            Err(reason) => Err(reason),
            Ok(_) if again => Err(Reason::new("limit_exceeded", "a compressed layer inside a compressed layer")),
            Ok(wrapped) => self.inflate(message, &wrapped)?,
        };
        let (bytes, inner) = match unpacked {
            Ok((bytes, content)) => (Some(bytes), Ok(Peeled { content, inside_cms: true })),
            Err(reason) => {
                deviations.insert(0, reason.clone());
                (None, Err(End::Closed(Closed::Unreadable(reason))))
            }
        };
        self.push(place, LayerKind::Compressed { bytes }, deviations);
        Ok(inner)
    }

    fn inflate<'a>(
        &self,
        message: &SharedSource<'a>,
        wrapped: &Wrapped,
    ) -> Result<Result<(u64, SharedSource<'a>), Reason>, Stop> {
        if wrapped.head.algorithm.oid != oid::ZLIB_COMPRESS {
            let text = format!("compression by {} is not supported", wrapped.head.algorithm.name());
            return Ok(Err(Reason::new("unsupported", text)));
        }
        if let Some(reason) = unusable(wrapped.head.content, wrapped.head.content_type, "compressed") {
            return Ok(Err(reason));
        }
        let compressed = self.content_of(message, Some(wrapped.content_length))?;
        Ok(match inflate::judge(&compressed, wrapped.content_length, self.limits())? {
            Ok(bytes) => {
                let content: SharedSource<'a> = Arc::new(Inflated(compressed));
                Ok((bytes, settle(content, Some(bytes), message, self.limits())?))
            }
            Err(reason) => Err(reason),
        })
    }

    /// RFC 5652 section 7: a digest that anybody can make; it finds accidents, and proves nothing.
    fn digested<'a>(
        &mut self,
        message: &SharedSource<'a>,
        mut deviations: Vec<Reason>,
        place: Place<'_>,
    ) -> Result<Result<Peeled<'a>, End<'a>>, Stop> {
        let (digest, checked) =
            match split_as(digest_of(message, self.limits()), "malformed", "the layer cannot be read")? {
                Err(reason) => (String::new(), Err(reason)),
                Ok(Digested { name, outcome }) => (name, outcome),
            };
        let inner = match checked {
            Ok(length) => Ok(Peeled { content: self.content_of(message, Some(length))?, inside_cms: true }),
            Err(reason) => {
                deviations.insert(0, reason.clone());
                Err(End::Closed(Closed::Unreadable(reason)))
            }
        };
        self.push(place, LayerKind::Digested { digest }, deviations);
        Ok(inner)
    }

    fn opaque<'a>(
        &mut self,
        message: SharedSource<'a>,
        detached: Option<SharedSource<'a>>,
        mut deviations: Vec<Reason>,
        place: Place<'_>,
    ) -> Result<Result<Peeled<'a>, End<'a>>, Stop> {
        let verified = match split(verify::opaque(&message, &self.judge))? {
            Ok(verified) => verified,
            Err(reason) => {
                deviations.insert(0, reason.clone());
                self.push(place, LayerKind::Signed(unreadable(Form::Opaque)), deviations);
                return Ok(Err(End::Closed(Closed::Unreadable(reason))));
            }
        };
        let Verified { layer, reasons, inside, .. } = verified;
        if verify::is_certificates_only(&layer) && matches!(inside, Inside::Nothing | Inside::Mail(0)) {
            deviations.extend(reasons);
            self.push(place, LayerKind::Certificates { certificates: layer.certificates }, deviations);
            return Ok(Err(End::Content(message)));
        }
        if let (Inside::Nothing, Some(content)) = (&inside, detached) {
            let place = Place { line_ends: LineEnds::CanonicalOrRaw, ..place };
            return Ok(Ok(self.clear(content, Ok(message), deviations, place, None)?));
        }
        deviations.extend(reasons);
        let inner = match inside {
            Inside::Mail(length) => Ok(Peeled { content: self.content_of(&message, Some(length))?, inside_cms: true }),
            Inside::Nothing => {
                let text = "the signature stands alone; what it signs is not in this message";
                Err(End::Closed(Closed::Unreadable(Reason::new("content_missing", text))))
            }
            Inside::Other(content_type) => {
                let text = format!("what is signed is no mail but {}", ContentType::from_oid(content_type));
                let reason = Reason::new("unsupported_content_type", text);
                deviations.push(reason.clone());
                Err(End::Closed(Closed::Unreadable(reason)))
            }
        };
        self.push(place, LayerKind::Signed(layer), deviations);
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
            let found = shape(source, child, self.limits())?;
            if let (false, Access::Disabled(disabled)) = (matches!(found, Shape::Other), self.judge.policy.access) {
                let text = format!("part {} is S/MIME, and was not looked at: {disabled}", child.path);
                self.notes.push(Reason::new("smime_disabled", text));
                continue;
            }
            match found {
                Shape::Clear { content, signature, mut deviations } => {
                    match self.judge_clear(&content, signature, place.line_ends)? {
                        Ok(Verified { layer, reasons, digests, .. }) => {
                            deviations.extend(reasons);
                            deviations.extend(micalg_deviation(Some(child), &digests));
                            self.push(place, LayerKind::Signed(layer), deviations);
                        }
                        Err(reason) => {
                            deviations.insert(0, reason);
                            self.push(place, LayerKind::Signed(unreadable(Form::Clear)), deviations);
                        }
                    }
                    // The signature part signs; it is not looked at as a part of its own.
                    self.list(source, child.children.get(..1).unwrap_or_default(), line_ends)?;
                }
                Shape::Cms { message, content_type, setting, deviations } => {
                    self.list_cms(Found { message, content_type, setting, deviations }, place)?;
                }
                Shape::Other => self.list(source, &child.children, line_ends)?,
            }
        }
        Ok(())
    }

    fn list_cms(&mut self, found: Found<'_>, place: Place<'_>) -> Result<(), Stop> {
        let Found { message, content_type, mut deviations, .. } = found;
        match content_type {
            Ok(ContentType::SignedData) => match split(verify::opaque(&message, &self.judge))? {
                Ok(Verified { layer, reasons, .. }) => {
                    deviations.extend(reasons);
                    let kind = match verify::is_certificates_only(&layer) {
                        true => LayerKind::Certificates { certificates: layer.certificates },
                        false => LayerKind::Signed(layer),
                    };
                    self.push(place, kind, deviations);
                }
                Err(reason) => {
                    deviations.insert(0, reason);
                    self.push(place, LayerKind::Signed(unreadable(Form::Opaque)), deviations);
                }
            },
            Ok(kind) if kind.is_encrypted() => {
                let (layer, notes) = decrypt::describe(&message, self.limits());
                let text = format!(
                    "an encrypted part beside other content stays closed; open it by name: part {}",
                    place.path
                );
                deviations.insert(0, Reason::new("encrypted_part_not_root", text));
                deviations.extend(notes);
                self.push(place, LayerKind::Encrypted(layer), deviations);
            }
            Ok(ContentType::CompressedData) => self.push(place, LayerKind::Compressed { bytes: None }, deviations),
            Ok(_) => {}
            Err(error) => {
                let text = format!("part {} is labelled as S/MIME and is not: {error}", place.path);
                self.notes.push(Reason::new("cms_unreadable", text));
            }
        }
        Ok(())
    }
}

/// A CMS structure, and how it was found.
struct Found<'a> {
    message: SharedSource<'a>,
    content_type: Result<ContentType, CmsError>,
    setting: Setting,
    deviations: Vec<Reason>,
}

/// A DigestedData, looked at.
struct Digested {
    /// Its digest's name.
    name: String,
    /// Octets of its content, or why it cannot be used.
    outcome: Result<u64, Reason>,
}

fn digest_of(message: &SharedSource<'_>, limits: &Limits) -> CmsResult<Digested> {
    let sink = std::cell::RefCell::new(HashSink::with(&[]));
    let begin = &mut |head: &crate::cms::wrapped::Head| {
        if let Ok(digest) = DigestAlgorithm::from_identifier(&head.algorithm) {
            *sink.borrow_mut() = HashSink::with(&[digest]);
        }
    };
    let wrapped = Wrapped::read(message.reader(0)?, limits, begin, &mut |bytes| {
        sink.borrow_mut().update(bytes);
        Ok(())
    })?;
    let mut sink = sink.into_inner();
    sink.finish();
    let name = wrapped.head.algorithm.name();
    let against = unusable(wrapped.head.content, wrapped.head.content_type, "digested");
    let outcome = match (against, sink.digests.first()) {
        (Some(reason), _) => Err(reason),
        (None, None) => Err(Reason::new("unsupported_algorithm", format!("the digest {name} is not supported"))),
        (None, Some((_, found))) if Some(found) != wrapped.digest.as_ref() => {
            let text = format!("the content is damaged: its {name} is not the one that stands beside it");
            Err(Reason::new("digest_mismatch", text))
        }
        (None, Some(_)) => Ok(wrapped.content_length),
    };
    Ok(Digested { name, outcome })
}

/// Why a wrapped content is of no use.
fn unusable(content: EContent, content_type: ObjectIdentifier, what: &str) -> Option<Reason> {
    if content == EContent::Detached {
        return Some(Reason::new("content_missing", format!("what is {what} is not in this message")));
    }
    let text = format!("what is {what} is no mail but {}", ContentType::from_oid(content_type));
    (content_type != oid::ID_DATA).then(|| Reason::new("unsupported_content_type", text))
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

/// Separates what is wrong with a signature from what is wrong with the input.
fn split(result: CmsResult<Verified>) -> Result<Result<Verified, Reason>, Stop> {
    split_as(result, "signature_unreadable", "the signature cannot be read")
}

/// The same for a layer of any kind.
fn split_as<T>(result: CmsResult<T>, code: &'static str, what: &str) -> Result<Result<T, Reason>, Stop> {
    match result {
        Ok(read) => Ok(Ok(read)),
        Err(CmsError::Io(error)) if is_input_error(&error) => {
            Err(Stop::Io(std::io::Error::new(error.kind(), error.to_string())))
        }
        Err(error) => Ok(Err(Reason::new(code, format!("{what}: {error}")))),
    }
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

/// A source that is a CMS file by itself, with no MIME around it: the outermost one, or what a CMS layer held.
/// A type that nobody knows counts at the outermost place only: elsewhere it is content.
fn raw_cms(source: &SharedSource<'_>, outermost: bool) -> Result<Option<ContentType>, Stop> {
    if source.reader(0)?.fill_buf()?.first() != Some(&0x30) {
        return Ok(None);
    }
    match content_type_of(&**source) {
        Ok(ContentType::Other(_)) if !outermost => Ok(None),
        Err(_) => Ok(None),
        Ok(content_type) => Ok(Some(content_type)),
    }
}
