//! Whether a certificate was revoked: by lists ([RFC 5280 section 6.3]) and by OCSP responses (RFC 6960), as far as they
//! were given (SEC-114 to SEC-118). What is missing is named, so that the caller can fetch it (the module `fetch`
//! does); nothing is fetched here.
//!
//! Missing, stale or unusable data never turns into "not revoked".
//!
//! [RFC 5280 section 6.3]: https://www.rfc-editor.org/rfc/rfc5280#section-6.3

mod lists;
mod responses;

use crate::asn1::oid;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::chain::{ChainRequest, Trust};
use crate::cert::crl::{Crl, RevocationReason};
use crate::cert::extension::GeneralName;
use crate::cert::name::Name;
use crate::cert::ocsp::OcspResponse;
use crate::cert::path::{Budget, Search};
use std::collections::HashMap;

/// Lists and responses to look certificates up in. Nothing in it is trusted: each is judged where it is used.
#[derive(Clone, Debug, Default)]
pub struct RevocationData {
    crls: Vec<Crl>,
    by_issuer: HashMap<Vec<u8>, Vec<usize>>,
    responses: Vec<OcspResponse>,
    nonce: Option<Vec<u8>>,
    failures: Vec<(Certificate, Reason)>,
}

impl RevocationData {
    /// With these lists.
    pub fn new(crls: impl IntoIterator<Item = Crl>) -> Self {
        let mut data = Self::default();
        crls.into_iter().for_each(|crl| data.add_crl(crl));
        data
    }

    /// One more list. Of several with one issuer and one scope the newest is used.
    pub fn add_crl(&mut self, crl: Crl) {
        self.by_issuer.entry(crl.issuer().canonical().to_vec()).or_default().push(self.crls.len());
        self.crls.push(crl);
    }

    /// One more OCSP response.
    pub fn add_ocsp(&mut self, response: OcspResponse) {
        self.responses.push(response);
    }

    /// The nonce of the requests that the responses answer: one that repeats another nonce is not used (SEC-117).
    #[must_use]
    pub fn with_nonce(self, nonce: Vec<u8>) -> Self {
        Self { nonce: Some(nonce), ..self }
    }

    /// Why something about a certificate is missing from here: whoever was asked for it did not give it. Told where
    /// nothing else answers for that certificate.
    pub fn add_failure(&mut self, about: Certificate, why: Reason) {
        self.failures.push((about, why));
    }

    /// Everything of another one, too, its nonce aside.
    pub fn extend(&mut self, other: &Self) {
        other.crls.iter().cloned().for_each(|crl| self.add_crl(crl));
        self.responses.extend(other.responses.iter().cloned());
        self.failures.extend(other.failures.iter().cloned());
    }

    /// Whether there is neither a list nor a response.
    pub fn is_empty(&self) -> bool {
        self.crls.is_empty() && self.responses.is_empty()
    }

    /// The lists.
    pub fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// The OCSP responses.
    pub fn responses(&self) -> &[OcspResponse] {
        &self.responses
    }

    fn crls_of(&self, issuer: &Name) -> impl Iterator<Item = &Crl> {
        let group = self.by_issuer.get(issuer.canonical()).map(Vec::as_slice).unwrap_or_default();
        group.iter().filter_map(|at| self.crls.get(*at))
    }
}

/// How much is demanded about revocation, in the order of how much that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RevocationMode {
    /// Nothing is looked up; the report says `unchecked`.
    #[default]
    Off,
    /// No certificate of the chain may be known to be revoked.
    Soft,
    /// Every certificate of the chain must be known not to be revoked.
    Hard,
}

/// Whether one certificate was revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationStatus {
    /// A current list or response covers it, and it is not revoked there.
    Good,
    /// It was revoked, or is on hold.
    Revoked {
        /// Since when.
        at: Time,
        /// Why.
        reason: RevocationReason,
    },
    /// Looked up without an answer. This never counts as good.
    Unknown(Vec<Reason>),
    /// Not looked up.
    Unchecked,
}

/// One certificate of a path, and whether it was revoked.
#[derive(Clone, Debug)]
pub struct CertificateStatus {
    /// Which certificate.
    pub certificate: Certificate,
    /// What was found.
    pub status: RevocationStatus,
}

/// Something that was missing, and where it is said to be. Addresses come out of certificates: an attacker chose them
/// (SEC-131).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What it is.
    pub what: WantedKind,
    /// The subject of the certificate that it is about.
    pub about: String,
    /// That certificate's issuer.
    pub issuer: String,
    /// Where it is published, as the certificate says; may be empty.
    pub urls: Vec<String>,
    /// The certificate that it is about.
    pub certificate: Certificate,
    /// Its issuer's, where that is there.
    pub issuer_certificate: Option<Certificate>,
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WantedKind {
    /// A revocation list.
    Crl,
    /// An OCSP response.
    Ocsp,
    /// The certificate of an issuer.
    Issuer,
}

impl Wanted {
    /// What would tell whether a certificate is revoked.
    fn for_status(certificate: &Certificate, issuer: &Certificate) -> impl Iterator<Item = Self> {
        let points = certificate.distribution_points().unwrap_or_default();
        let lists: Vec<String> = points.iter().flat_map(|point| point.urls()).map(str::to_owned).collect();
        let responders = locations(certificate, &oid::AD_OCSP);
        let (certificate, issuer) = (certificate.clone(), issuer.clone());
        [(WantedKind::Crl, lists), (WantedKind::Ocsp, responders)]
            .into_iter()
            .filter(|(what, urls)| *what == WantedKind::Crl || !urls.is_empty())
            .map(move |(what, urls)| Self::new(what, &certificate, Some(&issuer), urls))
    }

    /// The certificate of a certificate's issuer.
    pub(crate) fn issuer_of(certificate: &Certificate) -> Self {
        Self::new(WantedKind::Issuer, certificate, None, locations(certificate, &oid::AD_CA_ISSUERS))
    }

    fn new(what: WantedKind, certificate: &Certificate, issuer: Option<&Certificate>, urls: Vec<String>) -> Self {
        Self {
            what,
            about: certificate.subject().brief(),
            issuer: certificate.issuer().brief(),
            urls,
            certificate: certificate.clone(),
            issuer_certificate: issuer.cloned(),
        }
    }
}

fn locations(certificate: &Certificate, method: &const_oid::ObjectIdentifier) -> Vec<String> {
    let matching = certificate.access().iter().filter(|entry| entry.method == *method);
    matching
        .filter_map(|entry| match &entry.location {
            GeneralName::Uri(uri) => Some(uri.clone()),
            _ => None,
        })
        .collect()
}

/// How deep the search for the certificates of CRL signers goes: the signer of a list, and the signer of the list that
/// covers that signer, are what is met in the field.
const DEPTH: usize = 3;

/// The look-up for the certificates of one path.
pub(super) struct Examiner<'e> {
    request: &'e ChainRequest<'e>,
    /// The anchor of the path: signers of lists must come from the same (RFC 5280 section 6.3.3 (f)).
    anchor: &'e Certificate,
    budget: Budget,
    /// Certificates whose status is being asked for, so that none answers for itself.
    pending: Vec<Certificate>,
    wanted: Vec<Wanted>,
    notes: Vec<Reason>,
}

/// What the look-up for one path gave.
pub(super) struct Examined {
    pub(super) statuses: Vec<CertificateStatus>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) notes: Vec<Reason>,
}

/// What lists and responses say of one certificate. Of their signers those count that the given issuer is or authorized:
/// of an indirect list whose signer another authority vouches for, nothing is known here.
pub fn status(
    certificate: &Certificate,
    issuer: &Certificate,
    data: &[&RevocationData],
    at: Time,
    limits: &Limits,
) -> RevocationStatus {
    let trust = Trust::new([issuer.clone()]);
    let request = ChainRequest { revocation: data, ..ChainRequest::new(certificate, &trust, at, limits) };
    let mut statuses = examine(&request, &[certificate.clone(), issuer.clone()], &[]).statuses;
    statuses.pop().map_or(RevocationStatus::Unchecked, |one| one.status)
}

/// Looks up every certificate of a path but its anchor (OUT-23). `path` is leaf first.
pub(super) fn examine(request: &ChainRequest<'_>, path: &[Certificate], pending: &[Certificate]) -> Examined {
    let Some((anchor, _)) = path.split_last() else {
        return Examined { statuses: Vec::new(), wanted: Vec::new(), notes: Vec::new() };
    };
    let budget = Budget::new(request.limits);
    let mut examiner =
        Examiner { request, anchor, budget, pending: pending.to_vec(), wanted: Vec::new(), notes: Vec::new() };
    let statuses = path
        .windows(2)
        .filter_map(|pair| match pair {
            [certificate, issuer] => {
                let status = examiner.status(certificate, issuer);
                Some(CertificateStatus { certificate: certificate.clone(), status })
            }
            _ => None,
        })
        .collect();
    Examined { statuses, wanted: examiner.wanted, notes: examiner.notes }
}

impl Examiner<'_> {
    fn status(&mut self, certificate: &Certificate, issuer: &Certificate) -> RevocationStatus {
        if self.request.revocation.is_empty() {
            return RevocationStatus::Unchecked;
        }
        let who = certificate.subject().brief();
        if self.pending.len() >= DEPTH || self.pending.contains(certificate) {
            let text =
                format!("whether \"{who}\" is revoked is said only by lists that it would have to vouch for itself");
            return RevocationStatus::Unknown(vec![Reason::new("crl_circular", text)]);
        }
        self.pending.push(certificate.clone());
        let mut whys = Vec::new();
        let by_response = self.ask_responses(certificate, issuer, &mut whys);
        let by_list = match by_response {
            Some(RevocationStatus::Revoked { .. }) => None,
            _ => self.ask_lists(certificate, issuer, &mut whys),
        };
        self.pending.pop();
        // Whoever says "revoked" is believed over whoever says "good": one of them knows less.
        let revoked = |status: &RevocationStatus| matches!(status, RevocationStatus::Revoked { .. });
        let status = by_list.iter().chain(&by_response).find(|status| revoked(status)).cloned();
        if let Some(status) = status.or(by_response).or(by_list) {
            return status;
        }
        self.wanted.extend(Wanted::for_status(certificate, issuer));
        let failures = self.request.revocation.iter().flat_map(|data| &data.failures);
        whys.extend(failures.filter(|(about, _)| about == certificate).map(|(_, why)| why.clone()));
        if whys.is_empty() {
            let text =
                format!("no revocation list and no OCSP response that covers the certificate of \"{who}\" is there");
            whys.push(Reason::new("revocation_missing", text));
        }
        RevocationStatus::Unknown(whys)
    }

    /// Whether the certificate of a CRL's signer is itself trusted under the same anchor, and not revoked.
    fn vouched_for(&mut self, signer: &Certificate) -> Result<(), Reason> {
        if signer == self.anchor {
            return Ok(());
        }
        let request = ChainRequest { leaf: signer, purpose: crate::cert::purpose::Purpose::Any, ..*self.request };
        let mut search =
            Search::new(&request, std::mem::take(&mut self.budget)).only(self.anchor).pending(&self.pending);
        let found = search.anchored();
        self.budget = search.into_budget();
        let who = signer.subject().brief();
        let Some(found) = found else {
            let text = format!("the certificate of \"{who}\", which signed the revocation list, is not vouched for");
            return Err(Reason::new("crl_issuer_untrusted", text));
        };
        if let Some(reason) = crate::cert::chain::leaf_faults(signer, self.request.at).into_iter().next() {
            return Err(Reason::new("crl_issuer_untrusted", format!("the revocation list cannot be used: {reason}")));
        }
        match found.statuses.iter().find(|one| one.status != RevocationStatus::Good) {
            None => Ok(()),
            Some(one) => {
                let text = format!(
                    "the revocation list is signed by \"{who}\", and whether \"{}\" is revoked {}",
                    one.certificate.subject().brief(),
                    if matches!(one.status, RevocationStatus::Revoked { .. }) {
                        "is known: it is"
                    } else {
                        "is not known"
                    }
                );
                Err(Reason::new("crl_issuer_untrusted", text))
            }
        }
    }
}
