//! One signed layer: the content is hashed as it is read, each signer's arithmetic is checked, and then the signer's
//! certificate is judged question by question.

use super::evidence::{Evidence, evidence};
use super::hashing::{HashSink, Hashed, hash_again, hash_canonical, hash_raw, used_digests};
use super::report::{
    Address, AddressAnswer, Evidenced, Form, Readability, Revocation, Signature, SignedLayer, Strength,
    Trust as TrustAnswer, WhenSigned,
};
use crate::asn1::oid;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::source::SharedSource;
use crate::base::time::Time;
use crate::cert::cache::ChainCache;
use crate::cert::certificate::Certificate;
use crate::cert::chain::{self, Candidates, ChainRequest, ChainVerdict, Trust};
use crate::cert::crl::Crl;
use crate::cert::inherit;
use crate::cert::mailbox::{AddressMatch, speaks_for};
use crate::cert::ocsp::OcspResponse;
use crate::cert::purpose::Purpose;
use crate::cert::revocation::{RevocationData, RevocationMode, RevocationStatus};
use crate::cert::status::ValidationStatus;
use crate::cms::capabilities;
use crate::cms::content::EContent;
use crate::cms::signed::{Head, SignedData};
use crate::cms::signer_info::{
    ContentFacts, ContentReading, Integrity, SignatureCheck, SignerInfo, resembles_attributes,
};
use crate::cms::{Error as CmsError, Result as CmsResult};
use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::strength;
use crate::mime::mailboxes::{Mailbox, Mailboxes};
use crate::policy::policy::{Policy, Sha1};
use const_oid::ObjectIdentifier;

/// What judging a signer needs beside the message.
pub(super) struct Judge<'j> {
    pub(super) trust: &'j Trust,
    pub(super) policy: &'j Policy,
    /// What the caller knows of revoked certificates, and what it demands.
    pub(super) revocation: (&'j RevocationData, RevocationMode),
    pub(super) candidates: Candidates,
    pub(super) cache: Option<&'j ChainCache>,
    pub(super) now: Time,
    /// The Date field.
    pub(super) date: Option<Time>,
    /// Whose From and Sender the signer is compared with.
    pub(super) mailboxes: &'j Mailboxes,
}

/// What is signed, for a detached signature.
#[derive(Clone, Copy)]
pub(super) struct Detached<'d, 'a> {
    pub(super) content: &'d SharedSource<'a>,
    /// Raw line ends are accepted only inside a CMS layer (OUT-60).
    pub(super) line_ends: LineEnds,
}

/// Which line ends a detached content may have been signed with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnds {
    /// CRLF only: the message came as mail.
    Canonical,
    /// CRLF, or as they are: the message came inside a CMS layer, byte for byte.
    CanonicalOrRaw,
}

/// A signed layer, judged.
pub(super) struct Verified {
    pub(super) layer: SignedLayer,
    pub(super) reasons: Vec<Reason>,
    /// Whether it was the raw content that verified, not the canonical.
    pub(super) raw: bool,
    /// Whether the content was seen to be canonical as it stands.
    pub(super) crlf: bool,
    /// The digests that the signers use.
    pub(super) digests: Vec<DigestAlgorithm>,
    /// What stands inside the SignedData itself.
    pub(super) inside: Inside,
}

/// The content inside a SignedData.
pub(super) enum Inside {
    /// None, so that it signs something elsewhere or nothing.
    Nothing,
    /// So many octets of mail.
    Mail(u64),
    /// Something that is not mail: a timestamp, for one (SEC-5).
    Other(ObjectIdentifier),
}

/// Reads and judges a SignedData whose content is inside.
pub(super) fn opaque(message: &SharedSource<'_>, judge: &Judge<'_>) -> CmsResult<Verified> {
    let limits = &judge.policy.limits;
    let mut sink = HashSink::announced();
    let data = read(message, judge, &mut sink)?;
    let missing = if data.head.content == EContent::Attached { sink.missing(&data) } else { Vec::new() };
    if !missing.is_empty() || data.signers.iter().any(SignerInfo::needs_content) {
        // SEC-25: a signer uses a digest that was not announced; it is hashed in a second pass.
        sink = hash_again(message, &data, limits)?;
    }
    let readings = [sink.reading()];
    let facts = ContentFacts {
        content_type: data.head.content_type,
        readings: if data.head.content == EContent::Attached { &readings } else { &[] },
        resembles_attributes: sink.prefix.as_deref().is_some_and(resembles_attributes),
    };
    let mut reasons = data.notes.clone();
    reasons.extend(unannounced(&missing));
    let signatures = data.signers.iter().map(|signer| judge.signature(signer, &data, &facts)).collect();
    let digests = used_digests(&data);
    let layer =
        SignedLayer { form: Form::Opaque, signatures, state: Readability::Readable, certificates: data.certificates };
    let inside = match (data.head.content, data.head.content_type) {
        (EContent::Detached, _) => Inside::Nothing,
        (EContent::Attached, oid::ID_DATA) => Inside::Mail(data.content_length),
        (EContent::Attached, other) => Inside::Other(other),
    };
    Ok(Verified { layer, reasons, raw: false, crlf: false, digests, inside })
}

/// Reads and judges a detached SignedData over a content that stands elsewhere. `signature` is small and in memory.
pub(super) fn detached(
    signature: &SharedSource<'_>,
    content: Detached<'_, '_>,
    judge: &Judge<'_>,
) -> CmsResult<Verified> {
    let mut inside = HashSink::announced();
    let data = read(signature, judge, &mut inside)?;
    let mut layer = SignedLayer {
        form: Form::Clear,
        signatures: Vec::new(),
        state: Readability::Readable,
        certificates: data.certificates.clone(),
    };
    let mut reasons = data.notes.clone();
    if data.head.content == EContent::Attached {
        // SEC-1: two contents, and no way to say which one the signature is for.
        let text = "the signature of the multipart/signed carries a content of its own beside the signed part";
        let reason = Reason::new("content_present_in_detached", text);
        let refuse = |signer: &SignerInfo| judge.refused(signer, &data, reason.clone());
        layer.signatures = data.signers.iter().map(refuse).collect();
        reasons.push(reason);
        let digests = used_digests(&data);
        return Ok(Verified { layer, reasons, raw: false, crlf: false, digests, inside: Inside::Nothing });
    }
    let algorithms = used_digests(&data);
    reasons.extend(unannounced(&not_among(&algorithms, &data.head)));
    let mut hashed = hash_canonical(content.content, &data)?;
    reasons.extend(odd_octets(&hashed));
    let (digests, whole) = (std::mem::take(&mut hashed.digests), hashed.whole.take());
    let mut readings = vec![ContentReading { digests, whole, note: None }];
    let prefix_resembles = hashed.prefix.as_deref().is_some_and(resembles_attributes);
    let check = |readings: &[ContentReading]| -> Vec<Signature> {
        let facts =
            ContentFacts { content_type: data.head.content_type, readings, resembles_attributes: prefix_resembles };
        data.signers.iter().map(|signer| judge.signature(signer, &data, &facts)).collect()
    };
    layer.signatures = check(&readings);
    let mut raw = false;
    let altered = layer.signatures.iter().any(|s| s.integrity == Integrity::Altered);
    if altered && hashed.changed && content.line_ends == LineEnds::CanonicalOrRaw {
        let note = Reason::new(RAW_LINE_ENDS, "the signature was made over line ends that are not CRLF");
        readings.push(ContentReading { note: Some(note), ..hash_raw(content.content, &data)? });
        layer.signatures = check(&readings);
        raw = layer.signatures.iter().any(|s| s.notes.iter().any(|r| r.code == RAW_LINE_ENDS));
    }
    if hashed.changed && !raw {
        let text = "the signed part has LF where mail has CRLF; it was judged with CRLF, as it is signed";
        reasons.push(Reason::new("line_ends_changed", text));
    }
    Ok(Verified { layer, reasons, raw, crlf: !hashed.changed, digests: algorithms, inside: Inside::Nothing })
}

fn read(source: &SharedSource<'_>, judge: &Judge<'_>, sink: &mut HashSink) -> CmsResult<SignedData> {
    match source.as_slice() {
        Some(bytes) => SignedData::read_with(bytes, judge.limits(), judge.cache, sink),
        None => SignedData::read_with(source.reader(0)?, judge.limits(), judge.cache, sink),
    }
}

const RAW_LINE_ENDS: &str = "signed_raw_line_ends";

fn unannounced(missing: &[DigestAlgorithm]) -> Option<Reason> {
    let names: Vec<&str> = missing.iter().map(|d| d.name()).collect();
    (!names.is_empty()).then(|| {
        let text = format!("a signer uses {}, which digestAlgorithms does not announce", names.join(", "));
        Reason::new("digest_not_announced", text)
    })
}

/// SEC-25: what the signers use without its having been announced.
fn not_among(used: &[DigestAlgorithm], head: &Head) -> Vec<DigestAlgorithm> {
    let announced: Vec<_> =
        head.digest_algorithms.iter().filter_map(|id| DigestAlgorithm::from_identifier(id).ok()).collect();
    used.iter().copied().filter(|digest| !announced.contains(digest)).collect()
}

/// SEC-24: what no mail contains, and what programs read in different ways.
fn odd_octets(hashed: &Hashed) -> Option<Reason> {
    let (cr, nul) = (hashed.bare_cr, hashed.nul);
    (cr + nul > 0).then(|| {
        let text =
            format!("the signed part contains {cr} CR without LF and {nul} NUL, which programs read in different ways");
        Reason::new("bare_cr_or_nul", text)
    })
}

impl Judge<'_> {
    fn limits(&self) -> &Limits {
        &self.policy.limits
    }

    /// Every question about one signer.
    fn signature(&self, signer: &SignerInfo, data: &SignedData, facts: &ContentFacts<'_>) -> Signature {
        let mut signature = self.unjudged(signer);
        match self.certificate_of(signer, data) {
            Err(reason) => {
                signature.integrity = Integrity::Altered;
                signature.reasons.push(reason);
            }
            Ok(None) => {
                let text = format!(
                    "the certificate of the signer ({}) is neither in the message nor among those given",
                    signer.identifier
                );
                signature.reasons.push(Reason::new("signer_cert_missing", text));
                signature.reasons.extend(signer.unsupported());
            }
            Ok(Some(certificate)) => {
                let check = if facts.readings.is_empty() {
                    content_missing()
                } else {
                    signer.check(&certificate, facts, self.limits())
                };
                self.judge_certificate(&mut signature, &certificate, data, check);
                if signature.integrity == Integrity::Intact {
                    let attributes = signer.signed_attributes.as_ref();
                    signature.capabilities = attributes.and_then(|set| capabilities::signed(set, self.limits()));
                    self.judge_time(&mut signature, signer, &certificate, data);
                }
            }
        }
        signature
    }

    /// Whether somebody else says when it was signed, and whether the certificate was good then.
    fn judge_time(&self, signature: &mut Signature, signer: &SignerInfo, certificate: &Certificate, data: &SignedData) {
        let by = match evidence(signer, &data.certificates, self.trust, self.now, self.policy) {
            Evidence::None => return,
            Evidence::Rejected(reasons) => return signature.notes.extend(reasons),
            Evidence::Verified { time, authority, notes } => {
                signature.notes.extend(notes);
                signature.evidenced = Some(Evidenced { by: time, authority });
                time
            }
        };
        if let Some(claimed) = signature.signed_at.filter(|claimed| *claimed > by.plus(CLOCKS)) {
            let text = format!("it claims to have been signed at {claimed}, and existed by {by}");
            signature.notes.push(Reason::new("signing_time_skew", text));
        }
        let request = ChainRequest {
            extra: &data.certificates,
            purpose: Purpose::Sign,
            rule: &self.policy.purpose_rule,
            inputs: &self.policy.path_inputs,
            ..ChainRequest::new(certificate, self.trust, by, self.limits())
        };
        let then = chain::build(&request);
        let mut against = then.reasons;
        for one in &signature.statuses {
            let who = one.certificate.subject().brief();
            match &one.status {
                // SEC-118: what a stolen key signed may bear any time, and a list may have learnt of it late.
                RevocationStatus::Revoked { at, reason } if *at <= by || reason.is_compromise() => {
                    let text = format!("the certificate of \"{who}\" is revoked since {at} ({reason})");
                    against.push(Reason::new("revoked", text));
                }
                RevocationStatus::Unknown(whys) => against.extend(whys.iter().cloned()),
                RevocationStatus::Revoked { .. } => {
                    let text = format!("the certificate of \"{who}\" was revoked only after it was signed by {by}");
                    signature.notes.push(Reason::new("revoked_after_signing", text));
                }
                RevocationStatus::Good | RevocationStatus::Unchecked => {}
            }
        }
        if signature.statuses.is_empty() && self.revocation.1 != RevocationMode::Off {
            let text = "whether it was revoked then is not known: its chain does not hold any more";
            against.push(Reason::new("revocation_missing", text));
        }
        signature.when_signed = if against.is_empty() { WhenSigned::Good } else { WhenSigned::NotGood(against) };
    }

    /// A signature that is refused before its arithmetic is looked at.
    fn refused(&self, signer: &SignerInfo, data: &SignedData, reason: Reason) -> Signature {
        let mut signature = self.unjudged(signer);
        let check = SignatureCheck { integrity: Integrity::Altered, reasons: vec![reason], ..content_missing() };
        match self.certificate_of(signer, data) {
            Ok(Some(certificate)) => self.judge_certificate(&mut signature, &certificate, data, check),
            _ => {
                signature.integrity = Integrity::Altered;
                signature.reasons = check.reasons;
            }
        }
        signature
    }

    fn unjudged(&self, signer: &SignerInfo) -> Signature {
        Signature {
            identifier: signer.identifier.to_string(),
            certificate: None,
            integrity: Integrity::Unchecked,
            trust: TrustAnswer::Unchecked,
            path: Vec::new(),
            revocation: Revocation::Unchecked,
            statuses: Vec::new(),
            candidates: Vec::new(),
            wanted: Vec::new(),
            status: None,
            strength: Strength::Strong,
            address: Address::Unchecked,
            addresses: self.answers(None).0,
            scheme: None,
            signed_at: None,
            capabilities: None,
            evidenced: None,
            when_signed: WhenSigned::NoEvidence,
            reasons: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// From the message first, then from what the caller knows (OUT-60g).
    fn certificate_of(&self, signer: &SignerInfo, data: &SignedData) -> Result<Option<Certificate>, Reason> {
        let ambiguous = |e: CmsError| Reason::new("signer_cert_ambiguous", e.to_string());
        for pool in [&data.certificates, self.trust.intermediates(), self.trust.anchors()] {
            if let Some(certificate) = signer.certificate(pool).map_err(ambiguous)? {
                let complete =
                    inherit::with_inherited_parameters(certificate, &data.certificates, self.trust, self.limits());
                return Ok(Some(complete));
            }
        }
        Ok(None)
    }

    fn judge_certificate(
        &self,
        signature: &mut Signature,
        certificate: &Certificate,
        data: &SignedData,
        check: SignatureCheck,
    ) {
        let (given, mode) = self.revocation;
        let mut notes = Vec::new();
        let stapled =
            if mode == RevocationMode::Off { RevocationData::default() } else { self.stapled(data, &mut notes) };
        let sources = [given, &stapled];
        let request = ChainRequest {
            extra: &data.certificates,
            purpose: Purpose::Sign,
            rule: &self.policy.purpose_rule,
            revocation: if mode == RevocationMode::Off { &[] } else { &sources },
            candidates: self.candidates,
            inputs: &self.policy.path_inputs,
            ..ChainRequest::new(certificate, self.trust, self.now, self.limits())
        };
        let outcome = chain::build(&request);
        signature.status = Some(ValidationStatus::of(&request, &outcome, mode));
        signature.revocation = match outcome.revocation() {
            RevocationStatus::Good if mode == RevocationMode::Off => Revocation::Unchecked,
            RevocationStatus::Good => Revocation::Good,
            RevocationStatus::Revoked { .. } => Revocation::Revoked,
            RevocationStatus::Unknown(_) => Revocation::Unknown,
            RevocationStatus::Unchecked => Revocation::Unchecked,
        };
        let about_revocation = outcome.revocation_reasons();
        let (addresses, leniencies) = self.answers(Some(certificate));
        signature.addresses = addresses;
        signature.address = sender_answer(&signature.addresses);
        signature.integrity = check.integrity;
        signature.scheme = check.scheme.map(|s| s.name());
        signature.signed_at = check.signing_time;
        signature.trust = match outcome.verdict {
            ChainVerdict::Anchored => TrustAnswer::Anchored,
            ChainVerdict::Rejected => TrustAnswer::Rejected,
            ChainVerdict::Unchecked => TrustAnswer::Unchecked,
        };
        signature.path = outcome.path;
        signature.statuses = outcome.statuses;
        signature.candidates = outcome.candidates;
        signature.wanted = outcome.wanted;
        // SEC-33: what the caller accepts by name is told and does not decide.
        let accepted = |r: &Reason| self.policy.sha1 == Sha1::Accept && is_about_sha1(r);
        let weak = |r: &Reason| r.code.starts_with("weak_") && !accepted(r);
        let (weak, odd): (Vec<Reason>, Vec<Reason>) = outcome.notes.into_iter().partition(weak);
        let (accepted, weaknesses): (Vec<Reason>, Vec<Reason>) = check.weaknesses.into_iter().partition(accepted);
        if !weaknesses.is_empty() || !weak.is_empty() {
            signature.strength = Strength::Weak;
        }
        signature.reasons = check.reasons;
        signature.reasons.extend(outcome.reasons);
        match (signature.revocation, mode) {
            (Revocation::Unknown, RevocationMode::Soft) => notes.extend(about_revocation),
            _ => signature.reasons.extend(about_revocation),
        }
        signature.reasons.extend(self.address_reasons(&signature.addresses, certificate));
        signature.reasons.extend(weaknesses);
        signature.reasons.extend(weak);
        signature.notes = check.notes;
        signature.notes.extend(notes);
        signature.notes.extend(accepted);
        signature.notes.extend(odd);
        signature.notes.extend(leniencies);
        signature.notes.extend(malformed_names(certificate));
        signature.notes.extend(time_notes(check.signing_time, certificate));
        signature.notes.extend(self.skews(check.signing_time));
        each_once(&mut signature.reasons);
        each_once(&mut signature.notes);
        signature.certificate = Some(certificate.clone());
    }

    /// SEC-31: what the signer claims against the Date field and the time of judging.
    fn skews(&self, claimed: Option<Time>) -> Vec<Reason> {
        let mut notes = Vec::new();
        let Some(claimed) = claimed else { return notes };
        if let Some(date) = self.date.filter(|date| date.unix().abs_diff(claimed.unix()) > CLOCKS_OF_MAIL) {
            let text = format!("it claims to have been signed at {claimed}, and the Date of the message is {date}");
            notes.push(Reason::new("signing_time_skew", text));
        }
        if claimed > self.now.plus(CLOCKS) {
            let text = format!("it claims to have been signed at {claimed}, and it is judged at {}", self.now);
            notes.push(Reason::new("signing_time_in_future", text));
        }
        notes
    }

    /// The lists and responses that came with the message, as far as they can be read.
    fn stapled(&self, data: &SignedData, notes: &mut Vec<Reason>) -> RevocationData {
        let mut stapled = RevocationData::default();
        for raw in &data.crls {
            match Crl::from_der(raw, self.limits()) {
                Ok(crl) => stapled.add_crl(crl),
                Err(error) => {
                    let text = format!("a revocation list in the message cannot be read: {error}");
                    notes.push(Reason::new("crl_unusable", text));
                }
            }
        }
        for raw in &data.ocsp {
            match OcspResponse::from_der(raw, self.limits()) {
                Ok(response) => stapled.add_ocsp(response),
                Err(error) => {
                    let text = format!("an OCSP response in the message cannot be read: {error}");
                    notes.push(Reason::new("ocsp_unusable", text));
                }
            }
        }
        stapled
    }

    /// The answer for each mailbox of From and Sender (SEC-48), and the leniencies that were used.
    fn answers(&self, certificate: Option<&Certificate>) -> (Vec<AddressAnswer>, Vec<Reason>) {
        let mut leniencies = Vec::new();
        let mut answer = |header: &'static str, mailbox: &Mailbox| {
            let value = mailbox.address.as_ref().map_or_else(|| mailbox.raw.clone(), ToString::to_string);
            let answer = match (&mailbox.address, certificate) {
                (None, Some(_)) => Address::Differs,
                (_, None) => Address::Unchecked,
                (Some(address), Some(certificate)) => match speaks_for(certificate, address, &self.policy.address_rule)
                {
                    AddressMatch::Matches { leniencies: used } => {
                        leniencies.extend(used);
                        Address::Matches
                    }
                    AddressMatch::Differs { .. } => Address::Differs,
                    AddressMatch::NoAddress => Address::NoAddress,
                },
            };
            AddressAnswer { header, value, answer }
        };
        let mut answers: Vec<AddressAnswer> = self.mailboxes.from.iter().map(|m| answer("From", m)).collect();
        answers.extend(self.mailboxes.sender.iter().map(|m| answer("Sender", m)));
        (answers, leniencies)
    }

    fn address_reasons(&self, answers: &[AddressAnswer], certificate: &Certificate) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if answers.iter().all(|answer| answer.answer == Address::Matches) {
            return reasons;
        }
        let mailboxes = certificate.mailboxes();
        let rule = &self.policy.address_rule;
        // SEC-53: ten thousand names are no sentence.
        let mut known: Vec<String> = mailboxes.by_rule(rule).take(10).map(|m| m.address.to_string()).collect();
        let more = mailboxes.by_rule(rule).skip(10).count();
        if more > 0 {
            known.push(format!("{more} more"));
        }
        let known = if known.is_empty() { "no address at all".to_owned() } else { known.join(", ") };
        for answer in answers.iter().filter(|a| matches!(a.answer, Address::Differs | Address::NoAddress)) {
            let code = if answer.header == "From" { "from_mismatch" } else { "sender_mismatch" };
            let text = format!("{} is {}, and the certificate is for {known}", answer.header, answer.value);
            reasons.push(Reason::new(code, text));
        }
        reasons
    }
}

/// Names of the certificate that are no addresses and were ignored (SEC-50, SEC-51, SEC-54); the first few.
fn malformed_names(certificate: &Certificate) -> Vec<Reason> {
    certificate.mailboxes().malformed().iter().take(10).cloned().collect()
}

/// The same finding from two sides is told once.
fn each_once(reasons: &mut Vec<Reason>) {
    if reasons.len() < 2 {
        return;
    }
    let mut seen: Vec<Reason> = Vec::with_capacity(reasons.len());
    reasons.retain(|reason| {
        let new = !seen.contains(reason);
        seen.push(reason.clone());
        new
    });
}

/// Every From mailbox must match; Sender is told apart and does not count.
fn sender_answer(answers: &[AddressAnswer]) -> Address {
    let from: Vec<Address> = answers.iter().filter(|a| a.header == "From").map(|a| a.answer).collect();
    match from.iter().find(|answer| **answer != Address::Matches) {
        Some(against) => *against,
        None if from.is_empty() => Address::Unchecked,
        None => Address::Matches,
    }
}

fn content_missing() -> SignatureCheck {
    SignatureCheck {
        integrity: Integrity::Unchecked,
        reasons: vec![Reason::new(
            "content_missing",
            "the signature stands alone; what it signs is not in this message",
        )],
        notes: Vec::new(),
        weaknesses: Vec::new(),
        scheme: None,
        signing_time: None,
    }
}

/// How far two clocks may differ before it is told, in seconds.
const CLOCKS: i64 = 300;
/// The same for the Date of a mail, which may have been written a while before it was signed: what Thunderbird allows.
const CLOCKS_OF_MAIL: u64 = 3600;

/// SEC-31: told, never used.
fn time_notes(signed_at: Option<Time>, certificate: &Certificate) -> Option<Reason> {
    let at = signed_at.filter(|at| *at < certificate.not_before() || *at > certificate.not_after())?;
    let text = format!(
        "the claimed signing time {at} is outside the certificate's validity, {} to {}",
        certificate.not_before(),
        certificate.not_after()
    );
    Some(Reason::new("signing_time_outside_cert", text))
}

fn is_about_sha1(reason: &Reason) -> bool {
    strength::digest_weakness(DigestAlgorithm::Sha1).is_some_and(|sha1| reason.text.ends_with(&sha1.text))
}

/// Whether a SignedData only carries certificates: no signers, no content (RFC 8551 section 3.8).
pub(super) fn is_certificates_only(layer: &SignedLayer) -> bool {
    layer.signatures.is_empty() && !layer.certificates.is_empty()
}
