//! LDAP messages (RFC 4511 section 4): the few requests that a look-up needs, written, and what servers answer, read.
//!
//! Servers are read as strictly as section 5.1 has it (definite lengths, strings in one piece), and no further than
//! [`Limits`] allow (SEC-136).

use super::entry::Entry;
use super::filter::Filter;
use super::url::Scope;
use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{self, der};
use crate::base::limits::Limits;
use crate::base::reason::visible;
use crate::base::secret::Secret;
use std::fmt;

/// maxInt of section 4.1.1.1.
const MAX_INT: u64 = 2_147_483_647;
/// RFC 4511 section 4.14.1.
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";
/// RFC 4511 section 4.4.1.
pub(super) const NOTICE_OF_DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

/// What to look for.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    /// Where to begin.
    pub base: &'a str,
    /// How far down.
    pub scope: Scope,
    /// What must hold of an entry.
    pub filter: &'a Filter,
    /// Which attributes are wanted.
    pub attributes: &'a [&'a str],
    /// At most so many entries; 0 leaves that to the server.
    pub size_limit: usize,
    /// Seconds that the server may take; 0 leaves that to the server.
    pub time_limit: u64,
}

/// `LDAPMessage ::= SEQUENCE { messageID, protocolOp CHOICE { ... }, controls [0] OPTIONAL }`, as a server sends it.
#[derive(Clone, Debug)]
pub struct Message {
    /// messageID; 0 in what nobody asked for.
    pub id: u64,
    /// protocolOp.
    pub operation: Operation,
}

/// What a server sends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operation {
    /// BindResponse.
    Bound(LdapResult),
    /// SearchResultEntry.
    Entry(Entry),
    /// SearchResultDone.
    Done(LdapResult),
    /// SearchResultReference: other servers that the search would go on at.
    Reference(Vec<String>),
    /// ExtendedResponse.
    Extended {
        /// How it went.
        result: LdapResult,
        /// responseName.
        name: Option<String>,
    },
    /// IntermediateResponse, which nothing here asks for.
    Intermediate,
}

/// `LDAPResult` (section 4.1.9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LdapResult {
    /// resultCode.
    pub code: u64,
    /// diagnosticMessage, shortened, and free of control characters.
    pub diagnostic: String,
    /// Other servers that the client is sent to, as URLs.
    pub referral: Vec<String>,
}

impl LdapResult {
    /// resultCode success.
    pub const SUCCESS: u64 = 0;
    /// resultCode timeLimitExceeded.
    pub const TIME_LIMIT: u64 = 3;
    /// resultCode sizeLimitExceeded.
    pub const SIZE_LIMIT: u64 = 4;
    /// resultCode referral.
    pub const REFERRAL: u64 = 10;
    /// resultCode noSuchObject.
    pub const NO_SUCH_OBJECT: u64 = 32;

    fn read(fields: &mut Reader<'_>) -> asn1::Result<Self> {
        let code = enumerated(&fields.required(Tag::ENUMERATED, "resultCode")?)?;
        string(&fields.required(Tag::OCTET_STRING, "matchedDN")?, "matchedDN")?;
        let diagnostic = text(&fields.required(Tag::OCTET_STRING, "diagnosticMessage")?, "diagnosticMessage")?;
        let referral = match fields.optional(Tag::context(3), "referral")? {
            Some(element) => urls(&element, "referral")?,
            None => Vec::new(),
        };
        Ok(Self { code, diagnostic: visible(&diagnostic.chars().take(200).collect::<String>()), referral })
    }
}

impl fmt::Display for LdapResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = RESULTS.iter().find(|(code, _)| *code == self.code).map_or("unknown result", |(_, name)| *name);
        write!(f, "{name} ({})", self.code)?;
        if self.diagnostic.is_empty() { Ok(()) } else { write!(f, ", \"{}\"", self.diagnostic) }
    }
}

/// Result codes by name (RFC 4511 section 4.1.9).
const RESULTS: &[(u64, &str)] = &[
    (0, "success"),
    (1, "operationsError"),
    (2, "protocolError"),
    (3, "timeLimitExceeded"),
    (4, "sizeLimitExceeded"),
    (7, "authMethodNotSupported"),
    (8, "strongerAuthRequired"),
    (10, "referral"),
    (11, "adminLimitExceeded"),
    (12, "unavailableCriticalExtension"),
    (13, "confidentialityRequired"),
    (16, "noSuchAttribute"),
    (17, "undefinedAttributeType"),
    (18, "inappropriateMatching"),
    (21, "invalidAttributeSyntax"),
    (32, "noSuchObject"),
    (34, "invalidDNSyntax"),
    (48, "inappropriateAuthentication"),
    (49, "invalidCredentials"),
    (50, "insufficientAccessRights"),
    (51, "busy"),
    (52, "unavailable"),
    (53, "unwillingToPerform"),
    (80, "other"),
];

fn message(id: u32, operation: &[u8]) -> Vec<u8> {
    der::sequence(&[der::integer(u64::from(id)), operation.to_vec()])
}

/// A simple bind; both empty is anonymous (RFC 4513 section 5.1). The encoding holds the password, and is put together in
/// one piece of memory.
pub(super) fn bind(id: u32, dn: &str, password: &Secret) -> Secret {
    let before = [der::integer(3), der::octets(dn.as_bytes())].concat();
    let secret = password.expose();
    let choice = der::header(Tag::context(0), false, secret.len() as u64);
    let inner = before.len() + choice.len() + secret.len();
    let operation = der::header(Tag::application(0), true, inner as u64);
    let id = der::integer(u64::from(id));
    let whole = id.len() + operation.len() + inner;
    let mut out = Vec::with_capacity(whole + 16);
    for part in [&der::header(Tag::SEQUENCE, true, whole as u64), &id, &operation, &before, &choice] {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(secret);
    Secret::new(out)
}

pub(super) fn search(id: u32, search: &Search<'_>) -> Vec<u8> {
    let enumerated = |value: u8| der::primitive(Tag::ENUMERATED, &[value]);
    let scope = match search.scope {
        Scope::Base => 0,
        Scope::One => 1,
        Scope::Subtree => 2,
    };
    let attributes: Vec<Vec<u8>> = search.attributes.iter().map(|name| der::octets(name.as_bytes())).collect();
    let operation = der::constructed(
        Tag::application(3),
        &[
            der::octets(search.base.as_bytes()),
            enumerated(scope),
            // neverDerefAliases: an alias could lead anywhere.
            enumerated(0),
            der::integer(search.size_limit as u64),
            der::integer(search.time_limit),
            der::boolean(false),
            search.filter.to_der(),
            der::sequence(&attributes),
        ],
    );
    message(id, &operation)
}

pub(super) fn start_tls(id: u32) -> Vec<u8> {
    message(id, &der::constructed(Tag::application(23), &[der::primitive(Tag::context(0), START_TLS)]))
}

pub(super) fn unbind(id: u32) -> Vec<u8> {
    message(id, &der::primitive(Tag::application(2), &[]))
}

pub(super) fn abandon(id: u32, what: u32) -> Vec<u8> {
    message(id, &der::retag(Tag::application(16), &der::integer(u64::from(what))))
}

impl Message {
    /// Reads one message.
    ///
    /// # Errors
    /// What is malformed, and at which byte of the message; within an entry, in which of its attributes.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, Malformed> {
        let mut fields = definite(Reader::single(bytes, "LDAPMessage")?)?.sequence("LDAPMessage")?;
        let element = fields.required(Tag::INTEGER, "messageID")?;
        let id = element.small("messageID")?;
        if id > MAX_INT {
            return Err(fail(&element, "messageID", "the integer is larger than maxInt").into());
        }
        let element = definite(fields.required_any("protocolOp")?)?;
        if let Some(controls) = fields.optional(Tag::context(0), "controls")? {
            definite(controls)?;
        }
        fields.finish("LDAPMessage")?;
        let mut inside = element.children("protocolOp")?;
        let operation = match element.tag.application_number() {
            Some(1) => Operation::Bound(LdapResult::read(&mut inside)?),
            Some(4) => Operation::Entry(Entry::read(&mut inside, limits)?),
            Some(5) => Operation::Done(LdapResult::read(&mut inside)?),
            Some(19) => Operation::Reference(urls(&element, "SearchResultReference")?),
            Some(24) => {
                let result = LdapResult::read(&mut inside)?;
                let name = match inside.optional(Tag::context(10), "responseName")? {
                    Some(name) => Some(text(&name, "responseName")?),
                    None => None,
                };
                Operation::Extended { result, name }
            }
            Some(25) => Operation::Intermediate,
            _ => return Err(fail(&element, "protocolOp", "it is none that a server sends").into()),
        };
        Ok(Self { id, operation })
    }
}

/// Why a message is not read.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Malformed {
    /// In which attribute of an entry.
    pub attribute: Option<String>,
    /// What, and at which byte of the message.
    #[source]
    pub error: asn1::Error,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.attribute {
            Some(attribute) => write!(f, "attribute {attribute}: {}", self.error),
            None => self.error.fmt(f),
        }
    }
}

impl From<asn1::Error> for Malformed {
    fn from(error: asn1::Error) -> Self {
        Self { attribute: None, error }
    }
}

pub(super) fn fail(element: &Element<'_>, what: &'static str, why: &'static str) -> asn1::Error {
    asn1::Error::value(what, element.offset(), why)
}

/// RFC 4511 section 5.1: only the definite form of lengths.
pub(super) fn definite<'a>(element: Element<'a>) -> asn1::Result<Element<'a>> {
    match element.raw().get(1) {
        Some(0x80) => Err(fail(&element, "LDAPMessage", "an indefinite length is not for LDAP (RFC 4511 section 5.1)")),
        _ => Ok(element),
    }
}

/// The octets of a string, which is in one piece (RFC 4511 section 5.1).
pub(super) fn string<'a>(element: &Element<'a>, what: &'static str) -> asn1::Result<&'a [u8]> {
    if element.constructed {
        Err(fail(element, what, "a string in segments is not for LDAP"))
    } else {
        Ok(element.content())
    }
}

/// An LDAPString: UTF-8.
pub(super) fn text(element: &Element<'_>, what: &'static str) -> asn1::Result<String> {
    let octets = string(element, what)?;
    std::str::from_utf8(octets).map(str::to_owned).map_err(|_| fail(element, what, "the text is not UTF-8"))
}

fn enumerated(element: &Element<'_>) -> asn1::Result<u64> {
    match string(element, "resultCode")? {
        [] => Err(fail(element, "resultCode", "it has no content")),
        [first, ..] if *first >= 128 => Err(fail(element, "resultCode", "it is negative")),
        octets if octets.len() > 4 => Err(fail(element, "resultCode", "it is larger than 2^31")),
        octets => Ok(octets.iter().fold(0, |n, octet| n << 8 | u64::from(*octet))),
    }
}

/// At most so many URLs of one referral are told.
const MAX_URLS: usize = 8;

fn urls(element: &Element<'_>, what: &'static str) -> asn1::Result<Vec<String>> {
    let mut list = definite(*element)?.children(what)?;
    let mut urls = Vec::new();
    while let Some(one) = list.next_element()? {
        let url = text(&one, what)?;
        if urls.len() < MAX_URLS {
            urls.push(visible(&url.chars().take(200).collect::<String>()));
        }
    }
    Ok(urls)
}
