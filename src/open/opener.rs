//! Opens anything: peels a message, judges each layer, and answers what a caller requires of it.

use super::armour::{self, Unarmoured};
use super::derived::settle;
use super::peel::{Innermost, Peeler, Stop, Thoroughness};
use super::report::{Closed, Report};
use super::requirement::{Requirement, Shortfall};
use super::verify::Judge;
use crate::base::address::EmailAddress;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::source::{Memory, Rewindable, SharedSource, for_each_piece, patient};
use crate::base::time::Time;
use crate::cert::cache::ChainCache;
use crate::cert::chain::{Candidates, Trust};
use crate::cert::revocation::{RevocationData, RevocationMode};
use crate::mime::entity;
use crate::mime::mailboxes::{self, Mailboxes};
use crate::policy::effective::SmimeDisabled;
use crate::policy::policy::Policy;
use crate::store::keyring::Keyring;
use sha2::{Digest, Sha256};
use std::io::{self, Read, Seek, Write};
use std::sync::Arc;

/// Opens messages under one trust, one policy and one set of keys.
///
/// ```no_run
/// # use smime::{Opener, Policy, Requirement, Time, Trust};
/// # let raw: &[u8] = b""; let trust = Trust::default(); let now: Time = "2026-11-24T08:00:00Z".parse().unwrap();
/// let policy = Policy::default();
/// let opened = Opener::new(&trust, &policy).open(raw, now)?;
/// println!("{}", opened.report());
/// match opened.require(Requirement::SignedBySender) {
///     Ok(trusted) => println!("{} bytes from {:?}", trusted.message()?.len(), trusted.sender()),
///     Err(refused) => println!("{:?}", refused.reasons()),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Opener<'o> {
    trust: &'o Trust,
    policy: &'o Policy,
    keyring: Option<&'o Keyring>,
    part: Option<&'o str>,
    data: Option<&'o RevocationData>,
    revocation: Option<RevocationMode>,
    candidates: Candidates,
    cache: Option<&'o ChainCache>,
    notes: &'o [Reason],
    thoroughness: Thoroughness,
}

/// Why a message could not be looked at as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Its MIME is broken, ambiguous, or beyond a limit.
    #[error("{0}")]
    Mime(#[from] crate::mime::Error),
    /// It could not be read, or changed in between.
    #[error("the message cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It has no such part.
    #[error("there is no part {part}; the message has {}", list(.available))]
    NoPart {
        /// What was asked for.
        part: String,
        /// What there is.
        available: Vec<String>,
    },
    /// It is empty.
    #[error("the message is empty")]
    Empty,
    /// It is S/MIME, or the part that was asked for is, and S/MIME is off for the account (OUT-29).
    #[error(transparent)]
    Disabled(#[from] SmimeDisabled),
}

fn list(parts: &[String]) -> String {
    match parts.len() {
        0 => "no parts".to_owned(),
        n if n > 20 => format!("parts {} and more", parts.iter().take(20).cloned().collect::<Vec<_>>().join(", ")),
        _ => format!("parts {}", parts.join(", ")),
    }
}

impl<'o> Opener<'o> {
    /// With anchors and intermediates to judge signers by.
    pub fn new(trust: &'o Trust, policy: &'o Policy) -> Self {
        Self {
            trust,
            policy,
            keyring: None,
            part: None,
            data: None,
            revocation: None,
            candidates: Candidates::default(),
            cache: None,
            notes: &[],
            thoroughness: Thoroughness::Usual,
        }
    }

    /// With keys to decrypt with.
    pub fn with_keys(self, keyring: &'o Keyring) -> Self {
        Self { keyring: Some(keyring), ..self }
    }

    /// With the name of a part ("1.2") to open, which lies beside other content (SEC-61).
    pub fn part(self, path: &'o str) -> Self {
        Self { part: Some(path), ..self }
    }

    /// With revocation lists and OCSP responses; those that a message brings along are looked at, too. Whatever is
    /// given, every certificate must then be known not to be revoked, unless [`revocation`](Self::revocation) says
    /// otherwise.
    pub fn with_revocation(self, data: &'o RevocationData) -> Self {
        Self { data: Some(data), ..self }
    }

    /// How much is demanded about revocation. By default [`RevocationMode::Hard`] where lists or responses were given,
    /// and otherwise [`RevocationMode::Off`]; never less than the policy's `least_revocation`.
    pub fn revocation(self, mode: RevocationMode) -> Self {
        Self { revocation: Some(mode), ..self }
    }

    /// Which candidate paths of the signers' certificates the report tells.
    pub fn candidates(self, candidates: Candidates) -> Self {
        Self { candidates, ..self }
    }

    /// With a cache of certificates, for whoever opens many messages: those that came before are neither read nor checked
    /// again. Every answer stays what it would be without it.
    pub fn with_chain_cache(self, cache: &'o ChainCache) -> Self {
        Self { cache: Some(cache), ..self }
    }

    /// With what is known of how the message came here, such as the notes of a .msg file: the report begins with it.
    pub fn with_notes(self, notes: &'o [Reason]) -> Self {
        Self { notes, ..self }
    }

    /// The same under another trust.
    pub fn with_trust<'t>(self, trust: &'t Trust) -> Opener<'t>
    where
        'o: 't,
    {
        Opener { trust, ..self }
    }

    /// What is trusted.
    pub fn trust(&self) -> &'o Trust {
        self.trust
    }

    /// The revocation lists and OCSP responses that were given.
    pub fn revocation_data(&self) -> Option<&'o RevocationData> {
        self.data
    }

    /// What was said to be known of how the message came here.
    pub fn notes(&self) -> &'o [Reason] {
        self.notes
    }

    /// The same, which looks for the cause where a signature is broken.
    pub(super) fn thorough(&self) -> Self {
        Self { thoroughness: Thoroughness::FindCauses, ..*self }
    }

    pub(super) fn limits(&self) -> &'o Limits {
        &self.policy.limits
    }

    fn mode(&self) -> RevocationMode {
        let default = if self.data.is_some() { RevocationMode::Hard } else { RevocationMode::Off };
        self.revocation.unwrap_or(default).max(self.policy.least_revocation)
    }

    /// Opens a message in memory: a mail with any line ends, or a CMS structure by itself (DER or BER). Chains are judged at `now`.
    ///
    /// # Errors
    /// [`Error::Mime`] where the outermost MIME is malformed, ambiguous or beyond a limit; [`Error::NoPart`]. What is
    /// wrong with a layer is in the report.
    pub fn open<'a>(&self, raw: &'a [u8], now: Time) -> Result<Opened<'a>, Error> {
        self.open_source(Memory::borrowed(raw), now)
    }

    /// Opens a file of any size in constant memory; it is read more than once.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`Error::Io`] where reading fails.
    pub fn open_file<'a, R: Read + Seek + Send + 'a>(&self, file: R, now: Time) -> Result<Opened<'a>, Error> {
        self.open_source(Arc::new(Rewindable::new(file)?), now)
    }

    /// Opens anything that can be read more than once.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`Error::Io`] where reading fails.
    pub fn open_source<'a>(&self, source: SharedSource<'a>, now: Time) -> Result<Opened<'a>, Error> {
        self.open_with(source, None, now)
    }

    /// Opens a signature that stands alone (a .p7s file: DER, PEM or base64) together with what it was made over. The
    /// content may have any line ends; whether it was signed in CRLF or as it stands is found out, and told.
    ///
    /// # Errors
    /// As [`open_source`](Self::open_source). Where `signature` is no detached signature, `content` is not looked at.
    pub fn open_detached<'a>(
        &self,
        signature: SharedSource<'a>,
        content: SharedSource<'a>,
        now: Time,
    ) -> Result<Opened<'a>, Error> {
        self.open_with(signature, Some(content), now)
    }

    fn open_with<'a>(
        &self,
        source: SharedSource<'a>,
        detached: Option<SharedSource<'a>>,
        now: Time,
    ) -> Result<Opened<'a>, Error> {
        let (source, detached) = (patient(&source), detached.as_ref().map(patient));
        let mut report = Report { notes: self.notes.to_vec(), ..Report::default() };
        let first = source.reader(0)?.fill_buf()?.first().copied();
        let is_der = match first {
            None => return Err(Error::Empty),
            Some(0x30) => crate::cms::content::content_type_of(&*source).is_ok(),
            Some(_) => false,
        };
        let (mut source, mut root) = (source, None);
        if is_der && let Some(Unarmoured { message, note }) = armour::without_line_end(&source)? {
            source = message;
            report.notes.push(note);
        }
        if !is_der {
            match armour::unarmour(&source)? {
                Some(Unarmoured { message, note }) => {
                    source = settle(message, source.length(), &source, &self.policy.limits)
                        .map_err(|e| Error::Mime(crate::mime::Error::from_io(e)))?;
                    report.notes.push(note);
                }
                None => root = Some(entity::scan(&source, &self.policy.limits)?),
            }
        }
        if let Some(root) = &root {
            // SEC-21: a message whose own type is ambiguous has no meaning.
            if let Err(error) = &root.content_type {
                return Err(Error::Mime(error.clone()));
            }
            report.mailboxes = Mailboxes::read(&root.header, &self.policy.limits)?;
            report.date = mailboxes::date(&root.header);
            report.notes.extend(report.mailboxes.oddities.iter().cloned());
        }
        let empty = Keyring::default();
        let no_data = RevocationData::default();
        let judge = Judge {
            trust: self.trust,
            policy: self.policy,
            revocation: (self.data.unwrap_or(&no_data), self.mode()),
            candidates: self.candidates,
            cache: self.cache,
            now,
            date: report.date,
            mailboxes: &report.mailboxes,
        };
        let keyring = self.keyring.unwrap_or(&empty);
        let thoroughness = self.thoroughness;
        let mut peeler =
            Peeler { judge, keyring, thoroughness, part: self.part, layers: Vec::new(), notes: Vec::new() };
        let innermost = peeler.peel(source, root, detached).map_err(|stop| self.error(stop))?;
        let Peeler { layers, notes, part, .. } = peeler;
        report.layers = layers;
        report.notes.extend(notes);
        let content = match innermost {
            Innermost::Content(content) => Some(content),
            Innermost::Closed(closed) => {
                report.closed = Some(closed);
                None
            }
        };
        if let (Some(part), Some(_)) = (part, &content) {
            return Err(Error::NoPart { part: part.to_owned(), available: Vec::new() });
        }
        Ok(Opened { report: Box::new(report), content, revocation: self.mode() })
    }

    fn error(&self, stop: Stop) -> Error {
        match stop {
            Stop::Mime(error) => Error::Mime(error),
            Stop::Io(error) => Error::Io(error),
            Stop::Disabled(disabled) => Error::Disabled(disabled),
            Stop::NoPart { available } => Error::NoPart { part: self.part.unwrap_or_default().to_owned(), available },
        }
    }
}

/// A message that was looked at. Its content comes out through [`require`](Self::require) only.
pub struct Opened<'a> {
    report: Box<Report>,
    content: Option<SharedSource<'a>>,
    revocation: RevocationMode,
}

impl<'a> Opened<'a> {
    /// What was found.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Whether the report meets a requirement, and if not, why; the content stays where it is.
    ///
    /// # Errors
    /// What falls short, the most telling reason first.
    pub fn judge(&self, requirement: Requirement) -> Result<(), (Shortfall, Vec<Reason>)> {
        requirement.judge(&self.report, self.revocation)
    }

    /// The content, where the requirement is met.
    ///
    /// # Errors
    /// [`Refused`] with the reasons, where it is not.
    pub fn require(self, requirement: Requirement) -> Result<Trusted<'a>, Refused<'a>> {
        match (self.judge(requirement), self.content) {
            (Ok(()), Some(content)) => Ok(Trusted { content, requirement, report: self.report }),
            (Err((shortfall, reasons)), content) => Err(Refused { shortfall, reasons, content, report: self.report }),
            (Ok(()), None) => {
                let reasons = self.report.closed.iter().map(Closed::reason).cloned().collect();
                Err(Refused { shortfall: Shortfall::Unreadable, reasons, content: None, report: self.report })
            }
        }
    }
}

/// The bytes of a message that met a requirement. There is no other way to make one.
pub struct Trusted<'a> {
    content: SharedSource<'a>,
    requirement: Requirement,
    report: Box<Report>,
}

/// What was copied out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// How many bytes.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}

impl Trusted<'_> {
    /// What was found on the way.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The From address that the signature vouches for; `None` where less than
    /// [`Requirement::SignedBySender`] was required.
    pub fn sender(&self) -> Option<&EmailAddress> {
        if self.requirement < Requirement::SignedBySender {
            return None;
        }
        self.report.mailboxes.from.first()?.address.as_ref()
    }

    /// The innermost entity, header and body, whole in memory.
    ///
    /// # Errors
    /// What reading the input again gives; [`Changed`](crate::base::source::Changed) inside where it is not the same any more.
    pub fn message(&self) -> io::Result<Vec<u8>> {
        whole(&self.content)
    }

    /// Writes the innermost entity, in constant memory.
    ///
    /// # Errors
    /// As [`message`](Self::message), and what the writer gives.
    pub fn copy_to(&self, out: &mut dyn Write) -> io::Result<Copied> {
        copy(&self.content, out)
    }
}

/// A message that did not meet a requirement.
pub struct Refused<'a> {
    shortfall: Shortfall,
    reasons: Vec<Reason>,
    content: Option<SharedSource<'a>>,
    report: Box<Report>,
}

impl Refused<'_> {
    /// Which kind of shortfall.
    pub fn shortfall(&self) -> Shortfall {
        self.shortfall
    }

    /// Why, the most telling first.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// What was found all the same.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The content all the same, for a caller that shows it as what it is; `None` where a closed layer is in the way.
    ///
    /// # Errors
    /// What reading the input again gives.
    pub fn untrusted_message(&self) -> Option<io::Result<Vec<u8>>> {
        self.content.as_ref().map(whole)
    }

    /// What the content's bytes hash to, without handing them out.
    ///
    /// # Errors
    /// What reading the input again gives.
    pub fn digest(&self) -> Option<io::Result<Copied>> {
        self.content.as_ref().map(|content| copy(content, &mut io::sink()))
    }
}

fn whole(content: &SharedSource<'_>) -> io::Result<Vec<u8>> {
    if let Some(bytes) = content.as_slice() {
        return Ok(bytes.to_vec());
    }
    let mut bytes = Vec::new();
    content.reader(0)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn copy(content: &SharedSource<'_>, out: &mut dyn Write) -> io::Result<Copied> {
    let mut hasher = Sha256::new();
    let mut bytes = 0u64;
    for_each_piece(&mut *content.reader(0)?, &mut |piece| {
        hasher.update(piece);
        bytes += piece.len() as u64;
        out.write_all(piece)
    })?;
    out.flush()?;
    Ok(Copied { bytes, sha256: hasher.finalize().into() })
}
