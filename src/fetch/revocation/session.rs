//! One judgement's worth of fetching: one deadline, one number of exchanges and of octets, and nothing asked twice.

use super::{Asked, Fetched, Fetcher, First, Nonces, Source, name_of};
use crate::base::reason::{Reason, visible};
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::crl::Crl;
use crate::cert::ocsp::{self, CertId, OcspResponse};
use crate::cert::revocation::{self, RevocationData, RevocationStatus, Wanted, WantedKind};
use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::random::{self, SystemRandom};
use crate::fetch::cache::{Entry, Kept, Key};
use crate::fetch::connect::{self, Deadline};
use crate::fetch::http::{self, Method, Url, exchange};
use crate::store::{p7c, pem};
use std::collections::HashSet;

/// Exchanges for one judgement; what the chains of the field need is below ten.
const EXCHANGES: usize = 24;
/// Addresses of one thing that are tried.
const ADDRESSES: usize = 8;
/// Lists of the greatest size for one judgement.
const GREATEST: usize = 2;
/// Certificates that are taken from one address.
const CERTIFICATES: usize = 16;
/// Octets of a nonce (RFC 9654 section 2.1).
const NONCE: usize = 32;
/// OCSP requests up to this length may be part of an address (RFC 6960 appendix A.1).
const IN_ADDRESS: usize = 255;

pub(super) struct Session<'f> {
    fetcher: &'f Fetcher,
    at: Time,
    deadline: Deadline,
    exchanges: usize,
    octets: usize,
    /// What, about which certificate, at which address.
    asked: HashSet<(WantedKind, [u8; 32], String)>,
    pub(super) fetched: Fetched,
}

/// Why something is of no use: the code, and the cause.
struct Useless(&'static str, String);

impl From<http::Error> for Useless {
    fn from(error: http::Error) -> Self {
        let code = match &error {
            http::Error::Connect(connect::Error::NotAllowed { .. } | connect::Error::Host(_)) => REFUSED,
            error if error.is_transport() => FAILED,
            _ => UNUSABLE,
        };
        Self(code, error.to_string())
    }
}

impl From<http::UrlError> for Useless {
    fn from(error: http::UrlError) -> Self {
        Self(REFUSED, error.to_string())
    }
}

const FAILED: &str = "fetch_failed";
const UNUSABLE: &str = "fetch_unusable";
const REFUSED: &str = "fetch_refused";

/// Something fetched, and whether it answers the question that it was fetched for.
struct Found {
    from: Source,
    answers: bool,
}

impl<'f> Session<'f> {
    pub(super) fn new(fetcher: &'f Fetcher, at: Time) -> Self {
        Self {
            fetcher,
            at,
            deadline: Deadline::after(fetcher.connector.timeouts().judgement),
            exchanges: EXCHANGES,
            octets: fetcher.limits.crl_bytes.saturating_mul(GREATEST),
            asked: HashSet::new(),
            fetched: Fetched::default(),
        }
    }

    /// Asks for what is wanted and was not asked for yet. Whether there is anything new, be that a failure.
    pub(super) fn fetch(&mut self, wanted: &[Wanted]) -> bool {
        let before = self.asked.len();
        let mut answered: Vec<&Certificate> = Vec::new();
        let mut sorted: Vec<&Wanted> = wanted.iter().collect();
        let last = if self.fetcher.first == First::Lists { WantedKind::Ocsp } else { WantedKind::Crl };
        sorted.sort_by_key(|one| one.what == last);
        for one in sorted {
            if !answered.contains(&&one.certificate) && self.fetch_one(one) {
                answered.push(&one.certificate);
            }
        }
        self.asked.len() > before
    }

    /// Tries one address after the other (OUT-140), until one gives an answer.
    fn fetch_one(&mut self, wanted: &Wanted) -> bool {
        for url in wanted.urls.iter().take(ADDRESSES) {
            if !self.asked.insert((wanted.what, wanted.certificate.sha256(), url.clone())) {
                continue;
            }
            let found = self.ask(wanted, url);
            let answers = found.as_ref().is_ok_and(|found| found.answers);
            let outcome = found.map(|found| found.from).map_err(|Useless(code, cause)| {
                let (what, who, url) = (name_of(wanted.what), &wanted.about, visible(url));
                Reason::new(code, format!("{what} about \"{who}\" was not got from {url}: {cause}"))
            });
            if let (Err(reason), WantedKind::Crl | WantedKind::Ocsp) = (&outcome, wanted.what) {
                self.fetched.data.add_failure(wanted.certificate.clone(), reason.clone());
            }
            let (what, about) = (wanted.what, wanted.about.clone());
            self.fetched.asked.push(Asked { what, about, url: url.clone(), outcome });
            if answers {
                return true;
            }
        }
        false
    }

    fn ask(&mut self, wanted: &Wanted, address: &str) -> Result<Found, Useless> {
        let url: Url = address.parse()?;
        match (wanted.what, &wanted.issuer_certificate) {
            (WantedKind::Issuer, _) => self.issuer(&wanted.certificate, &url),
            (WantedKind::Crl, Some(issuer)) => self.list(&wanted.certificate, issuer, &url),
            (WantedKind::Ocsp, Some(issuer)) => self.response(&wanted.certificate, issuer, &url),
            (_, None) => Err(Useless(REFUSED, "the certificate of its issuer is not there".to_owned())),
        }
    }

    /// A list for whoever asked for no certificate.
    pub(super) fn list_at(&mut self, address: &str, issuers: &[Certificate]) -> Result<(Crl, Source), Reason> {
        let (limits, at) = (&self.fetcher.limits, self.at);
        let useless = |Useless(code, cause): Useless| {
            Reason::new(code, format!("the revocation list was not got from {}: {cause}", visible(address)))
        };
        let url: Url = address.parse().map_err(|error: http::UrlError| useless(error.into()))?;
        for issuer in issuers {
            let signed = |crl: &Crl| {
                let current = crl.this_update().is_some_and(|from| from <= at) && crl.next_update() >= Some(at);
                current && crl.issuer().same(issuer.subject()) && crl.verify(issuer, limits).is_ok()
            };
            if let Some(crl) = self.cached_list(&url, issuer).filter(signed) {
                return Ok((crl, Source::Cache));
            }
        }
        let crl = self.fetch_list(&url).map_err(useless)?;
        for issuer in issuers {
            if crl.issuer().same(issuer.subject()) && crl.verify(issuer, limits).is_ok() {
                self.keep_list(&url, issuer, &crl);
            }
        }
        Ok((crl, Source::Network))
    }

    fn list(&mut self, certificate: &Certificate, issuer: &Certificate, url: &Url) -> Result<Found, Useless> {
        let (limits, at) = (&self.fetcher.limits, self.at);
        let answers = |crl: &Crl| {
            let alone = RevocationData::new([crl.clone()]);
            is_known(&revocation::status(certificate, issuer, &[&alone], at, limits))
        };
        if let Some(crl) = self.cached_list(url, issuer).filter(answers) {
            self.fetched.data.add_crl(crl);
            return Ok(Found { from: Source::Cache, answers: true });
        }
        let crl = self.fetch_list(url)?;
        let answers = answers(&crl);
        if answers {
            self.keep_list(url, issuer, &crl);
        }
        self.fetched.data.add_crl(crl);
        Ok(Found { from: Source::Network, answers })
    }

    fn cached_list(&mut self, url: &Url, issuer: &Certificate) -> Option<Crl> {
        let entry = self.cached(&list_key(url, issuer))?;
        Crl::from_der(&entry.bytes, &self.fetcher.limits).ok()
    }

    fn fetch_list(&mut self, url: &Url) -> Result<Crl, Useless> {
        let limits = &self.fetcher.limits;
        let bytes = self.exchange(url, Method::Get, limits.crl_bytes)?;
        let crl = Crl::from_der(one_block(&bytes).as_deref().unwrap_or(&bytes), limits);
        crl.map_err(|error| Useless(UNUSABLE, error.to_string()))
    }

    /// Keeps a list that its issuer was found to have signed.
    fn keep_list(&mut self, url: &Url, issuer: &Certificate, crl: &Crl) {
        if let (Some(made), Some(until)) = (crl.this_update(), crl.next_update()) {
            let (number, bytes) = (crl.number().unwrap_or_default().to_vec(), crl.der().to_vec());
            self.keep(&list_key(url, issuer), Entry { made, number, until, bytes });
        }
    }

    fn response(&mut self, certificate: &Certificate, issuer: &Certificate, url: &Url) -> Result<Found, Useless> {
        let limits = &self.fetcher.limits;
        let key = Key::new("ocsp", &url.to_string(), &[issuer.spki(), certificate.serial()]);
        let answers = |response: &OcspResponse, at| {
            let mut alone = RevocationData::default();
            alone.add_ocsp(response.clone());
            is_known(&revocation::status(certificate, issuer, &[&alone], at, limits))
        };
        if let Some(response) = self.cached(&key).and_then(|entry| OcspResponse::from_der(&entry.bytes, limits).ok())
            && answers(&response, self.at)
        {
            self.fetched.data.add_ocsp(response);
            return Ok(Found { from: Source::Cache, answers: true });
        }
        let nonce = match self.fetcher.nonces {
            Nonces::Off => None,
            Nonces::Sent | Nonces::Demanded => {
                let nonce = random::bytes(&mut SystemRandom, NONCE);
                Some(nonce.map_err(|error| Useless(REFUSED, error.to_string()))?)
            }
        };
        // SHA-1 is what every responder knows (RFC 5019 section 2.1.1); nobody gains anything by a collision here.
        let about = CertId::of(certificate, issuer, DigestAlgorithm::Sha1);
        let bytes = self.ask_responder(url, &ocsp::request(&about, nonce.as_deref()))?;
        let response = OcspResponse::from_der(&bytes, limits).map_err(|error| Useless(UNUSABLE, error.to_string()))?;
        self.fits_nonce(&response, nonce.as_deref())?;
        let answers = answers(&response, self.at);
        let single = response.answers().iter().find(|answer| answer.about.is(certificate, issuer));
        if let (true, Some(single)) = (answers, single)
            && let Some(until) = single.next_update
        {
            self.keep(&key, Entry { made: single.this_update, number: Vec::new(), until, bytes });
        }
        self.fetched.data.add_ocsp(response);
        Ok(Found { from: Source::Network, answers })
    }

    /// By POST; where the responder does not have that, and the request is small, by GET.
    fn ask_responder(&mut self, url: &Url, request: &[u8]) -> Result<Vec<u8>, Useless> {
        let most = self.fetcher.limits.ocsp_bytes;
        let post = Method::Post { content_type: "application/ocsp-request", body: request };
        match self.exchange(url, post, most) {
            Err(Refusal::Http(http::Error::Status(400..=499 | 501))) => {
                let text = encodify::base64::STANDARD.encode(request);
                let text = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
                let url = url.below(&text);
                if url.to_string().len() > IN_ADDRESS {
                    return Err(Useless(FAILED, "it takes no POST, and the request is too long for GET".to_owned()));
                }
                Ok(self.exchange(&url, Method::Get, most)?)
            }
            other => Ok(other?),
        }
    }

    fn fits_nonce(&self, response: &OcspResponse, sent: Option<&[u8]>) -> Result<(), Useless> {
        match (sent, response.nonce(), self.fetcher.nonces) {
            (Some(sent), Some(got), _) if sent != got => {
                Err(Useless(UNUSABLE, "it answers another request: its nonce differs".to_owned()))
            }
            (Some(_), None, Nonces::Demanded) => {
                Err(Useless(UNUSABLE, "it does not repeat the nonce, so it may be of any day".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// One certificate, or a bag of them; the issuer must be among them.
    fn issuer(&mut self, certificate: &Certificate, url: &Url) -> Result<Found, Useless> {
        let limits = &self.fetcher.limits;
        let key = Key::new("issuer", &url.to_string(), &[certificate.issuer().der()]);
        let is_issuer = |other: &&Certificate| {
            other.subject().same(certificate.issuer()) && certificate.signed_by(other, limits).is_ok()
        };
        if let Some(entry) = self.cached(&key) {
            let bag = bag(&entry.bytes, limits);
            if bag.iter().any(|one| is_issuer(&one)) {
                self.add_issuers(bag);
                return Ok(Found { from: Source::Cache, answers: true });
            }
        }
        let bytes = self.exchange(url, Method::Get, limits.issuer_bytes)?;
        let bag = bag(&bytes, limits);
        let (made, until) = match bag.iter().find(is_issuer) {
            Some(found) => (found.not_before(), found.not_after()),
            None if bag.is_empty() => return Err(Useless(UNUSABLE, "it holds no certificate".to_owned())),
            None => return Err(Useless(UNUSABLE, "what is there did not issue the certificate".to_owned())),
        };
        self.keep(&key, Entry { made, number: Vec::new(), until, bytes });
        self.add_issuers(bag);
        Ok(Found { from: Source::Network, answers: true })
    }

    fn add_issuers(&mut self, bag: Vec<Certificate>) {
        for certificate in bag {
            if !self.fetched.issuers.contains(&certificate) {
                self.fetched.issuers.push(certificate);
            }
        }
    }

    /// One exchange out of the budget.
    fn exchange(&mut self, url: &Url, method: Method<'_>, most: usize) -> Result<Vec<u8>, Refusal> {
        let spent = |what: &str| Refusal::Budget(format!("{what} for one judgement"));
        if self.deadline.is_over() {
            return Err(Refusal::Time);
        }
        self.exchanges = self.exchanges.checked_sub(1).ok_or_else(|| spent("too many were asked"))?;
        let deadline = self.deadline.within(self.fetcher.connector.timeouts().exchange);
        let bytes = exchange(&self.fetcher.connector, url, method, most.min(self.octets), deadline);
        if let (Err(http::Error::TooLarge(_)), true) = (&bytes, self.octets < most) {
            return Err(spent("too much was fetched"));
        }
        let bytes = bytes.map_err(Refusal::Http)?;
        self.octets -= bytes.len();
        Ok(bytes)
    }

    /// What the cache has, which is not judged yet.
    fn cached(&mut self, key: &Key) -> Option<Entry> {
        let found = self.fetcher.cache.as_ref()?.get(key, self.at);
        found.map_err(|reason| self.fetched.notes.push(reason)).ok().flatten()
    }

    fn keep(&mut self, key: &Key, entry: Entry) {
        let Some(cache) = &self.fetcher.cache else { return };
        let note = match cache.put(key, &entry) {
            Ok(Kept::Stored) => return,
            Ok(Kept::NewerStays) => "what was fetched is older than what the cache has, which stays".to_owned(),
            Ok(Kept::TooLarge) => "what was fetched is larger than the cache may be".to_owned(),
            Err(error) => format!("the cache {} was not written: {error}", cache.folder().display()),
        };
        self.fetched.notes.push(Reason::new("cache_unusable", note));
    }
}

/// Why an exchange gave nothing.
enum Refusal {
    Http(http::Error),
    Time,
    Budget(String),
}

impl From<Refusal> for Useless {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Http(error) => error.into(),
            Refusal::Time => Self(FAILED, "the time for one judgement was over before it was asked".to_owned()),
            Refusal::Budget(why) => Self(REFUSED, why),
        }
    }
}

/// Under its issuer's key, so that what one authority signed never stands for a list of another.
fn list_key(url: &Url, issuer: &Certificate) -> Key {
    Key::new("crl", &url.to_string(), &[issuer.spki()])
}

fn is_known(status: &RevocationStatus) -> bool {
    matches!(status, RevocationStatus::Good | RevocationStatus::Revoked { .. })
}

/// The first block where it is PEM, as some publish lists in spite of RFC 5280 section 4.2.1.13.
fn one_block(bytes: &[u8]) -> Option<Vec<u8>> {
    let blocks = pem::is_pem(bytes).then(|| pem::read(bytes).ok()).flatten()?;
    Some(blocks.first()?.data.expose().to_vec())
}

/// DER, PEM, or a PKCS#7 bag (RFC 5280 section 4.2.2.1).
fn bag(bytes: &[u8], limits: &crate::base::limits::Limits) -> Vec<Certificate> {
    let block = one_block(bytes);
    let der = block.as_deref().unwrap_or(bytes);
    if let Ok(certificate) = Certificate::from_der(der) {
        return vec![certificate];
    }
    let bag = p7c::read(der, limits).unwrap_or_default();
    bag.certificates.iter().filter_map(|one| Certificate::from_der(one).ok()).take(CERTIFICATES).collect()
}
