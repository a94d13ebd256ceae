//! A directory server as a [`Directory`]: connects when it is first asked, and says why it has no answer.

use super::client::{Client, Credentials};
use super::entry::{CERTIFICATE_ATTRIBUTES, Entry};
use super::filter::Filter;
use super::message::{LdapResult, Search};
use super::url::{LdapUrl, Scheme};
use super::{Channel, Error, ErrorKind};
use crate::base::address::EmailAddress;
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use crate::fetch::connect::{Connector, Deadline, Deadlined};
use crate::fetch::tls::{self, Tls, TlsStream};
use crate::store::directory::entry::Contents;
use crate::store::directory::{Answer, Answers, Directory, Outcome};
use std::io::{self, Read, Write};
use std::sync::{Mutex, PoisonError};

/// A server that is asked for the certificates of an address.
#[derive(Debug)]
pub struct LdapDirectory {
    url: LdapUrl,
    connector: Connector,
    tls: Option<Tls>,
    credentials: Credentials,
    limits: Limits,
    state: Mutex<State>,
}

/// What is known of the server.
#[derive(Debug, Default)]
enum State {
    /// It was not asked yet.
    #[default]
    Idle,
    /// It listens.
    Open(Box<Session>),
    /// There was no connection, and none is tried again.
    Failed(String),
}

#[derive(Debug)]
struct Session {
    client: Client<Line>,
    bases: Vec<String>,
}

/// At most so many naming contexts are searched.
const MAX_CONTEXTS: usize = 16;

impl LdapDirectory {
    /// A server, asked anonymously. One that is `ldaps` needs [`Self::with_tls`].
    pub fn new(url: LdapUrl, connector: Connector) -> Self {
        let (credentials, limits) = (Credentials::Anonymous, Limits::default());
        Self { url, connector, tls: None, credentials, limits, state: Mutex::default() }
    }

    /// Within TLS: from the first octet on with `ldaps`, and with StartTLS, which the server must not refuse, with `ldap`.
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Asked by somebody with a name, which is said within TLS only.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Self { credentials, ..self }
    }

    /// Other bounds.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Forgets that there was no connection, so that the next look-up tries again.
    pub fn retry(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if matches!(state, State::Failed(_)) {
            *state = State::Idle;
        }
    }

    fn answer(&self, address: &EmailAddress) -> Answer {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let deadline = Deadline::after(self.connector.timeouts().exchange);
        let unreachable = |why: String| Answer::new(self.url.server(), Outcome::Unreachable(why));
        let reused = match &*state {
            State::Failed(why) => return unreachable(why.clone()),
            State::Open(_) => true,
            State::Idle => false,
        };
        let mut asked = self.ask(&mut state, address, deadline);
        // A server may have closed a connection that was not used for a while. One that is slow gets no second chance.
        let closed = |error: &Error| matches!(error.kind(), ErrorKind::Io(e) if e.kind() != io::ErrorKind::TimedOut);
        if reused && asked.as_ref().is_err_and(closed) {
            *state = State::Idle;
            asked = self.ask(&mut state, address, deadline);
        }
        match asked {
            Ok(answer) => answer,
            Err(error) => unreachable(error.to_string()),
        }
    }

    fn ask(&self, state: &mut State, address: &EmailAddress, deadline: Deadline) -> Result<Answer, Error> {
        if !matches!(state, State::Open(_)) {
            *state = match self.open(deadline) {
                Ok(session) => State::Open(Box::new(session)),
                Err(error) => {
                    *state = State::Failed(error.to_string());
                    return Err(error);
                }
            };
        }
        let State::Open(session) = state else { return Err(ErrorKind::NotLdap.into()) };
        session.client.stream_mut().renew(deadline, self.octets());
        let answer = self.search(session, address);
        if answer.is_err() || !session.client.is_usable() {
            *state = State::Idle;
        }
        answer
    }

    /// Connects, secures, says who asks, and learns where to search.
    fn open(&self, deadline: Deadline) -> Result<Session, Error> {
        if self.tls.is_none() && self.url.scheme == Scheme::Ldaps {
            return Err(ErrorKind::Tls(tls::Error::NoRoots).into());
        }
        if self.tls.is_none() && matches!(self.credentials, Credentials::Simple(_)) {
            return Err(ErrorKind::CredentialsInTheClear.into());
        }
        let (host, port) = (self.url.host.as_str(), self.url.port);
        let stream = self.connector.connect(host, port, deadline, self.octets()).map_err(ErrorKind::Connect)?;
        let secure = |tls: &Tls, stream| -> Result<Line, Error> {
            Ok(Line::Tls(Box::new(tls.connect(host, stream).map_err(ErrorKind::Tls)?)))
        };
        let (line, channel) = match &self.tls {
            None => (Line::Clear(stream), Channel::Clear),
            Some(tls) if self.url.scheme == Scheme::Ldaps => (secure(tls, stream)?, Channel::Tls),
            Some(tls) => {
                let stream = Client::new(stream, Channel::Clear, &self.limits).start_tls()?;
                (secure(tls, stream)?, Channel::Tls)
            }
        };
        let mut client = Client::new(line, channel, &self.limits);
        client.bind(&self.credentials)?;
        let bases = match &self.url.base {
            Some(base) => vec![base.clone()],
            // OUT-93
            None => match client.naming_contexts()? {
                contexts if contexts.is_empty() => vec![String::new()],
                contexts => contexts.into_iter().take(MAX_CONTEXTS).collect(),
            },
        };
        Ok(Session { client, bases })
    }

    fn search(&self, session: &mut Session, address: &EmailAddress) -> Result<Answer, Error> {
        let wanted = Filter::address(address);
        let filter = match &self.url.filter {
            Some(also) => Filter::And(vec![also.clone(), wanted]),
            None => wanted,
        };
        let mut hits = Hits::default();
        for base in &session.bases {
            let search = Search {
                base,
                scope: self.url.scope,
                filter: &filter,
                attributes: CERTIFICATE_ATTRIBUTES,
                size_limit: self.limits.ldap_size_limit,
                time_limit: self.connector.timeouts().exchange.as_secs().max(1),
            };
            match session.client.search(&search) {
                Ok(found) => hits.take(&found.entries, found.notes, &self.limits),
                Err(error) => match error.kind() {
                    ErrorKind::Refused { result, .. } => hits.refused(base, result),
                    _ => return Err(error),
                },
            }
            if !hits.contents.offers.is_empty() {
                break;
            }
        }
        Ok(hits.into_answer(self.url.server()))
    }

    /// What may come over the line for one address: an answer for each base, and what TLS puts around it.
    fn octets(&self) -> u64 {
        (self.limits.ldap_bytes as u64).saturating_mul(2)
    }
}

impl Directory for LdapDirectory {
    fn look_up<'a>(&'a self, address: &'a EmailAddress) -> Answers<'a> {
        Answer::once(move || self.answer(address))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.client.unbind();
    }
}

/// What the searches of one look-up gave.
#[derive(Default)]
struct Hits {
    contents: Contents,
    entries: usize,
    /// How many bases could be searched.
    searched: usize,
    notes: Vec<Reason>,
    /// Why one could not.
    failure: Option<String>,
}

impl Hits {
    fn take(&mut self, entries: &[Entry], notes: Vec<Reason>, limits: &Limits) {
        self.searched += 1;
        self.entries += entries.len();
        self.notes.extend(notes);
        entries.iter().for_each(|entry| entry.add_to(&mut self.contents, limits));
    }

    fn refused(&mut self, base: &str, result: &LdapResult) {
        let base = visible(&base.chars().take(120).collect::<String>());
        let text = match result.code {
            LdapResult::NO_SUCH_OBJECT => {
                let text = format!("there is nothing at the base \"{base}\" to search");
                self.notes.push(Reason::new("ldap_no_such_base", text.clone()));
                if self.failure.is_none() && self.searched == 0 {
                    self.failure = Some(text);
                }
                return;
            }
            LdapResult::REFERRAL => {
                let urls = result.referral.join(" ");
                format!("for \"{base}\" the server refers to {urls}, which is not followed")
            }
            _ => format!("the server refused the search of \"{base}\": {result}"),
        };
        self.notes.push(Reason::new("ldap_search_refused", text.clone()));
        self.failure = Some(text);
    }

    /// OUT-99c: where a part was not searched, nobody can say that there is none.
    fn into_answer(mut self, source: String) -> Answer {
        self.contents.put_in_order();
        let unsearched = self
            .failure
            .filter(|_| self.searched == 0 || self.notes.iter().any(|note| note.code == "ldap_search_refused"));
        let outcome = match (self.contents.offers.is_empty(), unsearched) {
            (false, _) => Outcome::Found(self.contents.offers),
            (true, Some(why)) => Outcome::Unreachable(why),
            (true, None) if self.entries > 0 => Outcome::NoCertificate,
            (true, None) => Outcome::NotThere,
        };
        self.notes.extend(self.contents.notes);
        Answer { others: self.contents.others, notes: self.notes, ..Answer::new(source, outcome) }
    }
}

/// A connection, within TLS or not.
#[derive(Debug)]
enum Line {
    Clear(Deadlined),
    Tls(Box<TlsStream<Deadlined>>),
}

impl Line {
    fn renew(&mut self, deadline: Deadline, octets: u64) {
        match self {
            Self::Clear(stream) => stream.renew(deadline, octets),
            Self::Tls(stream) => stream.sock.renew(deadline, octets),
        }
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
