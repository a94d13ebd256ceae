//! The client: asks one server three things (OUT-120), makes the messages, and keeps at it while the authority has not
//! decided. It waits for nobody by itself: how a pause is made is the caller's to say.

use super::authority::{Algorithms, Authority, Capabilities, Fingerprint, issued, read_certificates};
use super::message::{MessageType, Outgoing, Reply, Sent, receive, send};
use super::template::{CsrContents, check_key_size};
use super::{Error, Result};
use crate::asn1::der;
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use crate::base::secret::Secret;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::extension::KeyUsage;
use crate::cert::issue::{CertificateTemplate, issue};
use crate::cert::request::RequestTemplate;
use crate::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
use crate::crypto::digest::hash;
use crate::crypto::private::PrivateKey;
use crate::crypto::random::{self, Random};
use crate::crypto::signature::KeyKind;
use crate::fetch::connect::{Connector, Deadline};
use crate::fetch::http::{self, Method, Url};
use crate::keys::identity::{Identity, same_public_key};
use crate::keys::signing::SigningKey;
use crate::keys::software::SoftwareKey;
use crate::store::p7c;
use std::sync::Arc;
use std::time::Duration;

/// One server, by one address.
#[derive(Clone, Debug)]
pub struct Client {
    connector: Connector,
    urls: Vec<Url>,
    ca_identifier: Option<String>,
    limits: Limits,
}

/// Octets of an answer to GetCACaps, and of any other.
const CAPABILITIES: usize = 64 << 10;
const ANSWER: usize = 1 << 20;
/// Where the message stands in the address, it has to fit what servers take (RFC 8894 section 4.1).
const GET_MESSAGE: usize = 16 << 10;

impl Client {
    /// Of a server that has several addresses, one is chosen by the first question, and kept (OUT-130).
    ///
    /// # Errors
    /// [`Error::NoUrl`].
    pub fn new(connector: Connector, urls: &[Url]) -> Result<Self> {
        if urls.is_empty() {
            return Err(Error::NoUrl);
        }
        Ok(Self { connector, urls: urls.to_vec(), ca_identifier: None, limits: Limits::default() })
    }

    /// With the name of the CA, for servers that have several.
    #[must_use]
    pub fn with_ca_identifier(self, name: &str) -> Self {
        Self { ca_identifier: Some(name.to_owned()), ..self }
    }

    /// The addresses that may be asked: after the first answer, one.
    pub fn urls(&self) -> &[Url] {
        &self.urls
    }

    /// GetCACaps, which chooses the address: the first that answers.
    ///
    /// # Errors
    /// [`Error::Http`], of the last address where none answers.
    pub fn capabilities(&mut self) -> Result<Capabilities> {
        let mut last = Error::NoUrl;
        for url in self.urls.clone() {
            let query = self.query("GetCACaps");
            match self.ask("GetCACaps", &url.with_query(&query), Method::Get, CAPABILITIES) {
                Ok(answer) => {
                    self.urls = vec![url];
                    return Ok(Capabilities::read(&answer));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// GetCACert: what the server says its certificates are. [`Authority::confirm`] is next.
    ///
    /// # Errors
    /// [`Error::Http`], [`Error::Answer`].
    pub fn certificates(&self) -> Result<Vec<Certificate>> {
        let url = self.url()?.with_query(&self.query("GetCACert"));
        read_certificates(&self.ask("GetCACert", &url, Method::Get, ANSWER)?, &self.limits)
    }

    /// PKIOperation: by POST where the server has it, else in the address.
    fn operate(&self, message: &[u8], capabilities: &Capabilities) -> Result<Vec<u8>> {
        let operation = "PKIOperation";
        if capabilities.has("POSTPKIOperation") {
            let url = self.url()?.with_query("operation=PKIOperation");
            let post = Method::Post { content_type: "application/x-pki-message", body: message };
            return self.ask(operation, &url, post, ANSWER);
        }
        let text = encodify::base64::STANDARD.encode(message);
        if text.len() > GET_MESSAGE {
            let why = "the request is too large for a server without POSTPKIOperation".to_owned();
            return Err(Error::Answer { operation, why });
        }
        let url = self.url()?.with_query(&format!("operation=PKIOperation&message={}", percent_encoded(&text)));
        self.ask(operation, &url, Method::Get, ANSWER)
    }

    fn url(&self) -> Result<&Url> {
        self.urls.first().ok_or(Error::NoUrl)
    }

    fn query(&self, operation: &str) -> String {
        match &self.ca_identifier {
            Some(name) => format!("operation={operation}&message={}", percent_encoded(name)),
            None => format!("operation={operation}"),
        }
    }

    fn ask(&self, operation: &'static str, url: &Url, method: Method<'_>, most: usize) -> Result<Vec<u8>> {
        let deadline = Deadline::after(self.connector.timeouts().exchange);
        http::exchange(&self.connector, url, method, most, deadline).map_err(|error| Error::Http { operation, error })
    }
}

/// All but the unreserved characters of RFC 3986.
fn percent_encoded(text: &str) -> String {
    let octet = |octet: u8| match octet {
        b'-' | b'.' | b'_' | b'~' => char::from(octet).to_string(),
        _ if octet.is_ascii_alphanumeric() => char::from(octet).to_string(),
        _ => format!("%{octet:02X}"),
    };
    text.bytes().map(octet).collect()
}

/// One request for a certificate, with all that it needs to be asked for again.
#[derive(Clone, Debug)]
pub struct Enrolment {
    kind: MessageType,
    template: RequestTemplate,
    key: Arc<SoftwareKey>,
    /// Signs the messages and opens the replies: of a self-signed certificate, or of the one that is renewed.
    requester: Identity,
    transaction: String,
}

/// Days that the self-signed certificate of a request holds; it is of no use after the reply.
const SELF_SIGNED_DAYS: i64 = 365;

impl Enrolment {
    /// For a key that has no certificate yet (PKCSReq).
    ///
    /// # Errors
    /// [`Error::KeyKind`], [`Error::KeySize`]; [`Error::Crypto`] where there is no randomness.
    pub fn first(contents: CsrContents, key: PrivateKey, now: Time, random: &mut dyn Random) -> Result<Self> {
        let (template, key) = prepared(&contents, key)?;
        let certificate = self_signed(&template, &key, now, random)?;
        let requester = Identity::new(certificate, Vec::new(), key.clone())?;
        Ok(Self::new(MessageType::PkcsReq, template, key, requester))
    }

    /// For a new key in place of that of a certificate which signs for it (RenewalReq).
    ///
    /// # Errors
    /// As [`first`](Self::first); [`Error::KeyKind`] where the key is the old one: each renewal has a new one (OUT-129).
    pub fn renewal(contents: CsrContents, key: PrivateKey, old: &Identity) -> Result<Self> {
        let (template, key) = prepared(&contents, key)?;
        if same_public_key(SigningKey::public_key(key.as_ref()), old.certificate().spki()) {
            return Err(Error::KeyKind("that of the certificate to be renewed".to_owned()));
        }
        Ok(Self::new(MessageType::RenewalReq, template, key, old.clone()))
    }

    /// Goes on with a first request that was pending: of its key, and the self-signed certificate that its messages were
    /// signed with ([`requester`](Self::requester)). Only a poll follows, never the request itself.
    ///
    /// # Errors
    /// As [`first`](Self::first); [`Error::KeyMismatch`] where the certificate is not the key's.
    pub fn resume(requester: Certificate, key: PrivateKey) -> Result<Self> {
        let (template, key) = prepared(&CsrContents::of(&requester), key)?;
        let requester = Identity::new(requester, Vec::new(), key.clone())?;
        Ok(Self::new(MessageType::PkcsReq, template, key, requester))
    }

    fn new(kind: MessageType, template: RequestTemplate, key: Arc<SoftwareKey>, requester: Identity) -> Self {
        // RFC 8894 section 3.2.1.1: derived from the public key, so that asking again is the same transaction.
        let transaction = hash(DigestAlgorithm::Sha256, &template.spki).iter().map(|b| format!("{b:02X}")).collect();
        Self { kind, template, key, requester, transaction }
    }

    /// transactionID.
    pub fn transaction(&self) -> &str {
        &self.transaction
    }

    /// Whether it is for a key that renews nothing.
    pub fn is_first(&self) -> bool {
        self.kind == MessageType::PkcsReq
    }

    /// The key that the certificate is to be for.
    pub fn key(&self) -> &SoftwareKey {
        &self.key
    }

    /// Whose certificate signs the messages.
    pub fn requester(&self) -> &Certificate {
        self.requester.certificate()
    }

    fn csr(&self, digest: DigestAlgorithm) -> Result<Secret> {
        let scheme = SignatureScheme::RsaPkcs1(digest);
        Ok(self.template.sign(&scheme.identifier(), &|info| Ok(self.key.sign(&scheme, info)?))?)
    }

    /// RFC 8894 section 3.3.3: `IssuerAndSubject ::= SEQUENCE { issuer Name, subject Name }`.
    fn issuer_and_subject(&self, authority: &Authority) -> Secret {
        Secret::new(der::sequence(&[authority.issuer().subject().der(), self.template.subject.der()]))
    }
}

fn prepared(contents: &CsrContents, key: PrivateKey) -> Result<(RequestTemplate, Arc<SoftwareKey>)> {
    if key.kind() != KeyKind::Rsa {
        return Err(Error::KeyKind(key.describe()));
    }
    check_key_size(key.public_key(&Limits::default())?.bits())?;
    Ok((contents.for_key(key.public_key_spki()), Arc::new(SoftwareKey::new(key))))
}

/// RFC 8894 section 2.3: the request's subject and key, for signatures and to encrypt the reply to.
fn self_signed(
    template: &RequestTemplate,
    key: &SoftwareKey,
    now: Time,
    random: &mut dyn Random,
) -> Result<Certificate> {
    let mut serial = random::bytes(random, 16)?;
    if let Some(first) = serial.first_mut() {
        *first |= 1;
    }
    let validity = (now.plus(-86_400), now.plus(SELF_SIGNED_DAYS * 86_400));
    let mut own = CertificateTemplate::new(template.subject.clone(), None, &serial, validity, &template.spki);
    own.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT));
    let scheme = SignatureScheme::RsaPkcs1(DigestAlgorithm::Sha256);
    Ok(issue(&own, &scheme.identifier(), &|tbs| Ok(key.sign(&scheme, tbs)?))?)
}

/// How often, and how far apart, a decision is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polling {
    /// So often.
    pub attempts: u32,
    /// With a pause of this before each.
    pub interval: Duration,
}

impl Default for Polling {
    /// Ten times, a minute apart.
    fn default() -> Self {
        Self { attempts: 10, interval: Duration::from_secs(60) }
    }
}

/// How far a request has come.
#[derive(Clone, Debug)]
pub enum Progress {
    /// Here is the certificate.
    Issued(Box<Issued>),
    /// Somebody has to decide first.
    Pending,
}

/// A certificate that was issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate with its key, and those above it.
    pub identity: Identity,
    /// What is weak or not as it was asked for.
    pub notes: Vec<Reason>,
}

/// What was found out about a server, for one or more requests.
#[derive(Clone, Debug)]
pub struct Session {
    client: Client,
    capabilities: Capabilities,
    algorithms: Algorithms,
    authority: Authority,
}

impl Session {
    /// Asks what the server can do and for its certificates, and confirms those by their fingerprints.
    ///
    /// # Errors
    /// [`Error::Http`], [`Error::Answer`], [`Error::Algorithms`], [`Error::Fingerprint`], [`Error::Authority`].
    pub fn begin(mut client: Client, fingerprints: &[Fingerprint], now: Time) -> Result<Self> {
        let capabilities = client.capabilities()?;
        let algorithms = capabilities.algorithms()?;
        let authority = Authority::confirm(&client.certificates()?, fingerprints, now, &client.limits)?;
        Ok(Self { client, capabilities, algorithms, authority })
    }

    /// The authority.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// What requests are protected with, and what is weak about it.
    pub fn algorithms(&self) -> &Algorithms {
        &self.algorithms
    }

    /// Sends the request.
    ///
    /// # Errors
    /// [`Error`]; [`Error::NoRenewal`] for a renewal that the server has no word for.
    pub fn request(&self, enrolment: &Enrolment, random: &mut dyn Random) -> Result<Progress> {
        if enrolment.kind == MessageType::RenewalReq && !self.capabilities.has("Renewal") {
            return Err(Error::NoRenewal);
        }
        self.exchange(enrolment, enrolment.kind, &enrolment.csr(self.algorithms.digest)?, random)
    }

    /// Asks once whether somebody decided.
    ///
    /// # Errors
    /// [`Error`].
    pub fn poll(&self, enrolment: &Enrolment, random: &mut dyn Random) -> Result<Progress> {
        let content = enrolment.issuer_and_subject(&self.authority);
        self.exchange(enrolment, MessageType::CertPoll, &content, random)
    }

    /// Sends the request, and asks for the decision as often as `polling` has it.
    ///
    /// # Errors
    /// [`Error`]; [`Error::StillPending`] where the last answer was that there is none.
    pub fn complete(
        &self,
        enrolment: &Enrolment,
        polling: Polling,
        pause: &mut dyn FnMut(Duration),
        random: &mut dyn Random,
    ) -> Result<Issued> {
        let first = self.request(enrolment, random)?;
        self.wait(first, enrolment, polling, pause, random)
    }

    /// Asks for the decision on what is pending.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    pub fn wait(
        &self,
        mut progress: Progress,
        enrolment: &Enrolment,
        polling: Polling,
        pause: &mut dyn FnMut(Duration),
        random: &mut dyn Random,
    ) -> Result<Issued> {
        for _ in 0..polling.attempts {
            match progress {
                Progress::Issued(issued) => return Ok(*issued),
                Progress::Pending => pause(polling.interval),
            }
            progress = self.poll(enrolment, random)?;
        }
        match progress {
            Progress::Issued(issued) => Ok(*issued),
            Progress::Pending => Err(Error::StillPending(polling.attempts.saturating_add(1))),
        }
    }

    fn exchange(
        &self,
        enrolment: &Enrolment,
        kind: MessageType,
        content: &Secret,
        random: &mut dyn Random,
    ) -> Result<Progress> {
        let (requester, transaction) = (&enrolment.requester, enrolment.transaction());
        let outgoing = Outgoing { kind, content, requester, transaction };
        let limits = &self.client.limits;
        let sent: Sent = send(&outgoing, &self.authority, &self.algorithms, limits, random)?;
        let answer = self.client.operate(&sent.message, &self.capabilities)?;
        match receive(&answer, &sent, requester, &self.authority, limits)? {
            Reply::Pending => Ok(Progress::Pending),
            Reply::Success(bag, notes) => Ok(Progress::Issued(Box::new(self.issued(&bag, enrolment, notes)?))),
        }
    }

    /// OUT-124: the certificate for our key, wherever it stands among the others.
    fn issued(&self, bag: &Secret, enrolment: &Enrolment, mut notes: Vec<Reason>) -> Result<Issued> {
        let answer = |why: String| Error::Answer { operation: "PKIOperation", why };
        let limits = &self.client.limits;
        let contents = p7c::read(bag.expose(), limits).map_err(|error| answer(error.to_string()))?;
        let read: std::result::Result<Vec<_>, _> =
            contents.certificates.iter().take(limits.certificates).map(|der| Certificate::from_der(der)).collect();
        let mut others = read?;
        let count = others.len();
        let ours = others.iter().position(|one| same_public_key(one.spki(), &enrolment.template.spki));
        let own = others.remove(ours.ok_or(Error::NotOurKey(count))?);
        others.extend(self.authority.certificates().iter().cloned());
        let chain = chain(&own, &others, limits);
        if chain.is_empty() {
            let text = format!(
                "who issued it ({}) is not among the certificates that came",
                visible(&own.issuer().to_string())
            );
            notes.push(Reason::new("scep_issuer_missing", text));
        }
        notes.extend(differences(&own, &enrolment.template));
        Ok(Issued { identity: Identity::new(own, chain, enrolment.key.clone())?, notes })
    }
}

/// Longer ones are not met.
const CHAIN: usize = 8;

/// The issuer of the certificate, its issuer, and so on, as far as they are there.
fn chain(own: &Certificate, others: &[Certificate], limits: &Limits) -> Vec<Certificate> {
    let mut chain: Vec<Certificate> = Vec::new();
    while chain.len() < CHAIN {
        let last = chain.last().unwrap_or(own);
        let next = others.iter().find(|one| *one != last && !chain.contains(one) && issued(one, last, limits));
        match next.cloned() {
            Some(next) => chain.push(next),
            None => break,
        }
    }
    chain
}

/// An authority issues what it likes; what mail would miss is told.
fn differences(own: &Certificate, wanted: &RequestTemplate) -> Vec<Reason> {
    let mut notes = Vec::new();
    if !own.subject().same(&wanted.subject) {
        let text = format!("it was issued for {}, and asked for {}", own.subject(), wanted.subject);
        notes.push(Reason::new("scep_other_subject", visible(&text)));
    }
    if wanted.key_usage.is_some_and(|wanted| own.key_usage().is_some_and(|usage| !usage.all_of(wanted))) {
        let usage = own.key_usage().unwrap_or_default();
        notes.push(Reason::new(
            "scep_other_key_usage",
            format!("its key usage is {usage}, which is not all that was asked for"),
        ));
    }
    let usages = own.extended_key_usage();
    if usages.is_some_and(|usages| wanted.extended_key_usage.iter().any(|one| !usages.contains(one))) {
        let text = "its extended key usage is not what was asked for";
        notes.push(Reason::new("scep_other_extended_key_usage", text));
    }
    if !wanted.alt_names.is_empty() && own.subject_alt_names().is_empty() {
        notes.push(Reason::new("scep_no_alt_names", "the names that were asked for are not in its subjectAltName"));
    }
    notes
}
