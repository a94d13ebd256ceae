//! Answers what a judgement asks for: fetches what its `wanted` names, and judges again, until there is nothing left to
//! ask for. Revocation lists (OUT-140), OCSP responses, and the certificates of issuers (OUT-22).
//!
//! Nothing that is fetched is believed. A list or a response is kept for later only after its signature was found to be
//! that of the certificate's issuer (SEC-138); what is missing is told with its address and cause, and then a certificate is
//! `Unknown`, never good (OUT-24).

mod session;

use super::cache::Cache;
use super::connect::Connector;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::chain::{self, ChainOutcome, ChainRequest};
use crate::cert::crl::Crl;
use crate::cert::revocation::{RevocationData, Wanted, WantedKind};
use crate::cms::signer_info::Integrity;
use crate::open::doctor::Diagnosis;
use crate::open::opener::{Opened, Opener};
use crate::open::report::{LayerKind, Report};
use session::Session;

/// Fetches.
///
/// ```no_run
/// use smime::fetch::connect::{Connector, Timeouts};
/// use smime::fetch::revocation::Fetcher;
/// use smime::{Opener, Policy, Time, Trust};
/// # fn main() -> Result<(), smime::Error> {
/// # let (raw, now) = (Vec::new(), Time::from_unix(0));
/// let (trust, policy) = (Trust::default(), Policy::default());
/// let fetcher = Fetcher::new(Connector::new(Timeouts::default()));
/// let opener = Opener::new(&trust, &policy);
/// let (opened, fetched) = fetcher.open(&opener, now, |opener| opener.open(&raw, now))?;
/// println!("{}", opened.report());
/// fetched.asked.iter().for_each(|asked| println!("{asked}"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Fetcher {
    connector: Connector,
    limits: Limits,
    cache: Option<Cache>,
    first: First,
    nonces: Nonces,
}

/// Which of two ways to learn of a revocation is tried first. The other one is tried where the first gives no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum First {
    /// Lists: they tell nobody whose certificate is looked at, and serve for many.
    #[default]
    Lists,
    /// OCSP: small and fresh.
    Responses,
}

/// Whether OCSP requests carry a nonce (RFC 9654), so that no old response can be sent in answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nonces {
    /// They do not.
    Off,
    /// They do; a response without one is taken, since many responders make theirs in advance, and one with another one is
    /// not.
    #[default]
    Sent,
    /// They do, and so must the response.
    Demanded,
}

/// What was fetched for one judgement.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// Lists and responses, and why others are missing.
    pub data: RevocationData,
    /// Certificates of issuers, trusted in nothing.
    pub issuers: Vec<Certificate>,
    /// Everything that was asked for, in this order.
    pub asked: Vec<Asked>,
    /// What is odd about the cache.
    pub notes: Vec<Reason>,
}

/// Something that was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What.
    pub what: WantedKind,
    /// The subject of the certificate that it is about.
    pub about: String,
    /// The address.
    pub url: String,
    /// Where it came from; or why it is of no use, with the address and the cause: `fetch_failed` where nothing was
    /// received, `fetch_unusable` where something else was, `fetch_refused` where nobody was asked.
    pub outcome: Result<Source, Reason>,
}

/// Where something came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From its address.
    Network,
    /// From the cache.
    Cache,
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let from = match &self.outcome {
            Ok(Source::Network) => "fetched from",
            Ok(Source::Cache) => "taken from the cache for",
            Err(reason) => return write!(f, "{reason}"),
        };
        let url = crate::base::reason::visible(&self.url);
        write!(f, "{} about \"{}\": {from} {url}", name_of(self.what), self.about)
    }
}

fn name_of(what: WantedKind) -> &'static str {
    match what {
        WantedKind::Crl => "the revocation list",
        WantedKind::Ocsp => "the OCSP response",
        WantedKind::Issuer => "the certificate of the issuer",
    }
}

/// What has a report, which says what is wanted.
pub trait Judged {
    /// The report; `None` where nothing could be judged.
    fn report(&self) -> Option<&Report>;
}

impl Judged for Opened<'_> {
    fn report(&self) -> Option<&Report> {
        Some(Opened::report(self))
    }
}

impl Judged for Diagnosis {
    fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }
}

/// Judgements before it is told what is still missing: each certificate of a chain may need an issuer, and then a list.
const ROUNDS: usize = 12;

impl Fetcher {
    /// By way of this connector, with no cache.
    pub fn new(connector: Connector) -> Self {
        let limits = Limits::default();
        Self { connector, limits, cache: None, first: First::default(), nonces: Nonces::default() }
    }

    /// With a cache.
    #[must_use]
    pub fn with_cache(self, cache: Cache) -> Self {
        Self { cache: Some(cache), ..self }
    }

    /// With other limits: `crl_bytes`, `ocsp_bytes`, `issuer_bytes`, and the sizes of keys.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Trying this first.
    #[must_use]
    pub fn with_first(self, first: First) -> Self {
        Self { first, ..self }
    }

    /// With another rule for nonces.
    #[must_use]
    pub fn with_nonces(self, nonces: Nonces) -> Self {
        Self { nonces, ..self }
    }

    /// Builds a chain as [`chain::build`] does, with what it lacks fetched. Whether certificates were revoked is asked
    /// where the request gives somewhere to look that up, be that empty.
    pub fn build(&self, request: &ChainRequest<'_>) -> (ChainOutcome, Fetched) {
        let judged = self.settle(request.at, |fetched| {
            let extra: Vec<Certificate> = request.extra.iter().chain(&fetched.issuers).cloned().collect();
            let mut revocation = request.revocation.to_vec();
            if !revocation.is_empty() {
                revocation.push(&fetched.data);
            }
            let outcome = chain::build(&ChainRequest { extra: &extra, revocation: &revocation, ..*request });
            let wanted = outcome.wanted.clone();
            Ok::<_, std::convert::Infallible>((outcome, wanted))
        });
        match judged {
            Ok(judged) => judged,
            Err(never) => match never {},
        }
    }

    /// Opens or diagnoses a message, with what its signers' chains lack fetched. `open` does it, as often as there is
    /// something new, with the opener that it is given; chains are judged at `now` there as well. Unless the opener says otherwise,
    /// every certificate must be known not to be revoked. What issuers' addresses did not give stands among the notes of
    /// the report.
    ///
    /// # Errors
    /// Those of `open`.
    pub fn open<J: Judged, E>(
        &self,
        opener: &Opener<'_>,
        now: Time,
        mut open: impl FnMut(&Opener<'_>) -> Result<J, E>,
    ) -> Result<(J, Fetched), E> {
        self.settle(now, |fetched| {
            let trust = opener.trust().clone().with_intermediates(fetched.issuers.iter().cloned());
            let mut data = opener.revocation_data().cloned().unwrap_or_default();
            data.extend(&fetched.data);
            let notes: Vec<Reason> = opener.notes().iter().cloned().chain(fetched.reasons()).collect();
            let judged = open(&opener.with_trust(&trust).with_revocation(&data).with_notes(&notes))?;
            let wanted = judged.report().map(wanted).unwrap_or_default();
            Ok((judged, wanted))
        })
    }

    /// The list at an address, by itself; whether it is current and covers anything is not looked at. It is kept in the
    /// cache, and taken from there, where one of `issuers` signed it.
    ///
    /// # Errors
    /// `fetch_failed`, `fetch_unusable` or `fetch_refused`, with the address and the cause.
    pub fn list(&self, url: &str, issuers: &[Certificate], at: Time) -> Result<(Crl, Source), Reason> {
        Session::new(self, at).list_at(url, issuers)
    }

    /// Judges, fetches what is wanted, and judges again.
    fn settle<T, E>(
        &self,
        at: Time,
        mut judge: impl FnMut(&Fetched) -> Result<(T, Vec<Wanted>), E>,
    ) -> Result<(T, Fetched), E> {
        let mut session = Session::new(self, at);
        for _ in 0..ROUNDS {
            let (outcome, wanted) = judge(&session.fetched)?;
            if !session.fetch(&wanted) {
                return Ok((outcome, session.fetched));
            }
        }
        Ok((judge(&session.fetched)?.0, session.fetched))
    }
}

impl Fetched {
    /// Why certificates of issuers are missing, and what is odd about the cache. Why lists and responses are missing is a
    /// matter of `data`.
    fn reasons(&self) -> impl Iterator<Item = Reason> {
        let issuers = self.asked.iter().filter(|asked| asked.what == WantedKind::Issuer);
        issuers.filter_map(|asked| asked.outcome.clone().err()).chain(self.notes.iter().cloned())
    }
}

/// What the signatures of a report want: those that fit their content. Nobody is asked because of a certificate that
/// somebody merely put into a message.
fn wanted(report: &Report) -> Vec<Wanted> {
    let signed = report.layers.iter().filter_map(|layer| match &layer.kind {
        LayerKind::Signed(signed) => Some(signed),
        _ => None,
    });
    let intact = signed.flat_map(|layer| &layer.signatures).filter(|one| one.integrity == Integrity::Intact);
    intact.flat_map(|signature| signature.wanted.iter().cloned()).collect()
}
