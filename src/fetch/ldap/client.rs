//! One conversation with a server, over anything that reads and writes. One request is under way at a time, and an answer
//! to any other is refused.

use super::entry::Entry;
use super::filter::Filter;
use super::message::{self, LdapResult, Malformed, Message, NOTICE_OF_DISCONNECTION, Operation, Search};
use super::url::Scope;
use super::{Channel, Error, ErrorKind};
use crate::asn1::ber::{Header, Tag};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::secret::Secret;
use std::io::{Read, Write};

/// Who asks.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// Nobody in particular, as Outlook does (OUT-92).
    #[default]
    Anonymous,
    /// Somebody with a name and a password, both of which are there: [`Credentials::simple`].
    Simple(SimpleBind),
}

/// A name and a password, neither empty.
#[derive(Clone, Debug)]
pub struct SimpleBind {
    dn: String,
    password: Secret,
}

impl Credentials {
    /// A name with its password.
    ///
    /// # Errors
    /// [`ErrorKind::EmptyCredentials`]: a server takes a name with an empty password for nobody, and says that all is
    /// well (SEC-137).
    pub fn simple(dn: &str, password: Secret) -> Result<Self, Error> {
        if dn.is_empty() || password.is_empty() {
            return Err(ErrorKind::EmptyCredentials.into());
        }
        Ok(Self::Simple(SimpleBind { dn: dn.to_owned(), password }))
    }
}

/// What a search gave.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The entries, in the order sent.
    pub entries: Vec<Entry>,
    /// What was not followed, and where the server stopped.
    pub notes: Vec<Reason>,
}

/// A conversation.
#[derive(Debug)]
pub struct Client<S> {
    stream: S,
    channel: Channel,
    limits: Limits,
    last: u32,
    /// Octets that may still come for the request under way.
    left: usize,
    /// Whether something came that made the rest unreadable.
    broken: bool,
}

/// Notices that nobody asked for and that are passed over, of one request.
const MAX_NOTICES: usize = 4;

impl<S: Read + Write> Client<S> {
    /// Over a connection that stands.
    pub fn new(stream: S, channel: Channel, limits: &Limits) -> Self {
        Self { stream, channel, limits: limits.clone(), last: 0, left: 0, broken: false }
    }

    /// Says who asks.
    ///
    /// # Errors
    /// [`ErrorKind::CredentialsInTheClear`] before anything is sent, [`ErrorKind::Refused`], and what reading gives.
    pub fn bind(&mut self, credentials: &Credentials) -> Result<(), Error> {
        let nobody = Secret::new(Vec::new());
        let (dn, password) = match credentials {
            Credentials::Anonymous => ("", &nobody),
            // OUT-92: only within TLS.
            Credentials::Simple(_) if self.channel == Channel::Clear => {
                return Err(ErrorKind::CredentialsInTheClear.into());
            }
            Credentials::Simple(bind) => (bind.dn.as_str(), &bind.password),
        };
        let id = self.next();
        self.send(message::bind(id, dn, password).expose())?;
        match self.answer(id)? {
            Operation::Bound(result) if result.code == LdapResult::SUCCESS => Ok(()),
            Operation::Bound(result) => Err(ErrorKind::Refused { what: "bind", result }.into()),
            _ => Err(self.unexpected("bind")),
        }
    }

    /// Asks for TLS and gives the connection back, on which the handshake is to begin. Nothing that came before it is
    /// left to be taken for something that came within it.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] where the server will not; there is no falling back (SEC-136).
    pub fn start_tls(mut self) -> Result<S, Error> {
        let id = self.next();
        self.send(&message::start_tls(id))?;
        match self.answer(id)? {
            Operation::Extended { result, .. } if result.code == LdapResult::SUCCESS => Ok(self.stream),
            Operation::Extended { result, .. } => Err(ErrorKind::Refused { what: "StartTLS", result }.into()),
            _ => Err(self.unexpected("StartTLS")),
        }
    }

    /// Searches. Referrals are not followed; each is a note (OUT-99d).
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] with the server's result, [`ErrorKind::Limit`], and what reading gives.
    pub fn search(&mut self, search: &Search<'_>) -> Result<Found, Error> {
        let id = self.next();
        self.send(&message::search(id, search))?;
        let mut found = Found::default();
        let mut received = 0usize;
        loop {
            match self.answer(id)? {
                Operation::Entry(entry) => found.entries.push(entry),
                Operation::Reference(urls) => not_followed(&mut found.notes, &urls),
                Operation::Done(result) => return finish(found, result),
                Operation::Intermediate => {}
                _ => return Err(self.unexpected("search")),
            }
            received = received.saturating_add(1);
            if received > self.limits.ldap_entries {
                self.abandon(id);
                return Err(ErrorKind::Limit { what: "entries and references", limit: self.limits.ldap_entries }.into());
            }
        }
    }

    /// The naming contexts that the server says it holds, the default one first (OUT-93); empty where it says nothing.
    ///
    /// # Errors
    /// What [`Self::search`] gives; a root DSE that may not be read is none.
    pub fn naming_contexts(&mut self) -> Result<Vec<String>, Error> {
        let filter = Filter::Present("objectClass".to_owned());
        let attributes = &["defaultNamingContext", "namingContexts"];
        let search = Search { base: "", scope: Scope::Base, filter: &filter, attributes, size_limit: 1, time_limit: 0 };
        let found = match self.search(&search) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), ErrorKind::Refused { .. }) => Found::default(),
            Err(error) => return Err(error),
        };
        let mut contexts: Vec<String> = Vec::new();
        for name in attributes {
            for value in found.entries.iter().flat_map(|entry| entry.values(name)) {
                let Ok(context) = std::str::from_utf8(value) else { continue };
                if !contexts.iter().any(|known| known.eq_ignore_ascii_case(context)) {
                    contexts.push(context.to_owned());
                }
            }
        }
        Ok(contexts)
    }

    /// Whether another request may follow.
    pub fn is_usable(&self) -> bool {
        !self.broken
    }

    /// The connection beneath.
    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Takes leave, where the server still listens. Nobody answers that.
    pub fn unbind(&mut self) {
        if !self.broken {
            let id = self.next();
            let _ = self.send(&message::unbind(id));
            self.broken = true;
        }
    }

    fn abandon(&mut self, what: u32) {
        let id = self.next();
        let _ = self.send(&message::abandon(id, what));
        self.broken = true;
    }

    fn next(&mut self) -> u32 {
        // maxInt of RFC 4511 section 4.1.1.1; 0 is for what nobody asked for.
        self.last = if self.last >= 0x7fff_ffff { 1 } else { self.last + 1 };
        self.left = self.limits.ldap_bytes;
        self.last
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let sent = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
        sent.map_err(|error| self.give_up(ErrorKind::Io(error)))
    }

    /// The next answer to a request.
    fn answer(&mut self, id: u32) -> Result<Operation, Error> {
        for _ in 0..=MAX_NOTICES {
            let message = match self.receive() {
                Ok(message) => message,
                Err(kind) => return Err(self.give_up(kind)),
            };
            match message.operation {
                operation if message.id == u64::from(id) => return Ok(operation),
                // RFC 4511 section 4.4: a notice that nobody asked for.
                Operation::Extended { result, name } if message.id == 0 => {
                    if name.as_deref() == Some(NOTICE_OF_DISCONNECTION) {
                        return Err(self.give_up(ErrorKind::Disconnected { result }));
                    }
                }
                _ => return Err(self.give_up(ErrorKind::MessageId { expected: id, found: message.id })),
            }
        }
        Err(self.give_up(ErrorKind::Limit { what: "notices that nobody asked for", limit: MAX_NOTICES }))
    }

    /// Reads one message, and not an octet beyond it.
    fn receive(&mut self) -> Result<Message, ErrorKind> {
        let mut bytes = Vec::with_capacity(512);
        let header = loop {
            let mut octet = [0];
            self.stream.read_exact(&mut octet).map_err(ErrorKind::Io)?;
            bytes.extend_from_slice(&octet);
            let malformed = |error| ErrorKind::Malformed(Malformed::from(error));
            match Header::parse(&bytes, 0).map_err(malformed)? {
                Some(header) => break header,
                // Two octets, and eight of a length: what is longer is no header of a message.
                None if bytes.len() > 10 => return Err(ErrorKind::NotLdap),
                None => {}
            }
        };
        let length = match header.length {
            Some(length) if header.tag == Tag::SEQUENCE && header.constructed => length,
            _ => return Err(ErrorKind::NotLdap),
        };
        let limit = self.limits.ldap_message_bytes;
        let length = usize::try_from(length).ok().filter(|length| *length <= limit);
        let Some(length) = length else { return Err(ErrorKind::Limit { what: "bytes of one message", limit }) };
        let whole = bytes.len().saturating_add(length);
        let Some(left) = self.left.checked_sub(whole) else {
            return Err(ErrorKind::Limit { what: "bytes of one answer", limit: self.limits.ldap_bytes });
        };
        self.left = left;
        // Memory is taken as octets come, not as they are announced.
        let read = (&mut self.stream).take(length as u64).read_to_end(&mut bytes).map_err(ErrorKind::Io)?;
        if read < length {
            return Err(ErrorKind::Io(std::io::ErrorKind::UnexpectedEof.into()));
        }
        Message::read(&bytes, &self.limits).map_err(ErrorKind::Malformed)
    }

    fn unexpected(&mut self, to: &'static str) -> Error {
        self.give_up(ErrorKind::Unexpected { to })
    }

    fn give_up(&mut self, kind: ErrorKind) -> Error {
        self.broken = true;
        kind.into()
    }
}

fn not_followed(notes: &mut Vec<Reason>, urls: &[String]) {
    // One note tells of it; a hundred would tell no more.
    if notes.iter().filter(|note| note.code == "ldap_referral_not_followed").count() < 3 {
        let text = format!("the server refers to {}, which is not followed", urls.join(" "));
        notes.push(Reason::new("ldap_referral_not_followed", text));
    }
}

fn finish(mut found: Found, result: LdapResult) -> Result<Found, Error> {
    match result.code {
        LdapResult::SUCCESS => Ok(found),
        LdapResult::SIZE_LIMIT if !found.entries.is_empty() => {
            let text = "the server has more entries with that address than it was asked for";
            found.notes.push(Reason::new("ldap_size_limit", text));
            Ok(found)
        }
        _ => Err(ErrorKind::Refused { what: "search", result }.into()),
    }
}
