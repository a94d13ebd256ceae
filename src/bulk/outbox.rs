//! Results on their way to where they belong, each exactly once (SEC-146, SEC-147).
//!
//! Results are written under temporary names. A group of them is then committed: they are made safe; the journal says of each
//! that it is ready, and is made safe; each is given its own name. The next group makes those names safe on the way, and says
//! so. So there are two synchronisations for a group, however large it is. Whenever it ends in between, the next run finds
//! in the journal which results were ready; those that still lie under their temporary names are given their own, and those
//! that do not had them already, even if somebody has fetched them since.

use super::journal::{Decoder, Encoder, Failed, JobId, Ready, Record};
pub use super::storage::Existing;
use super::storage::{Name, Storage};
use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::digest::Hasher;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::{self, Read, Write};
use std::time::Duration;

/// A group is committed when it has so many results.
pub const GROUP: usize = 256;
/// Or when its first result has waited so long.
pub const GROUP_TIME: Duration = Duration::from_millis(100);

/// Why the outbox cannot go on. Everything that was committed is safe, and the job can be resumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system says no (SEC-148).
    #[error("{doing}{}: {error}", about(.what))]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file; empty where that is plain.
        what: String,
        /// What the system says.
        error: io::Error,
    },
    /// There is a journal already, and nobody said that the job is to go on.
    #[error("there is a journal of an earlier run already")]
    JournalThere,
    /// The journal is another job's.
    #[error("the journal is of another job ({found}), and this one is {wanted}")]
    OtherJob {
        /// Whose it is.
        found: JobId,
        /// This one.
        wanted: JobId,
    },
    /// What should be the journal is something else.
    #[error("this is no journal")]
    NotAJournal,
}

fn about(what: &str) -> String {
    if what.is_empty() { String::new() } else { format!(" {what}") }
}

/// What is to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A result that was written to the end under its temporary name.
    Ready(Ready),
    /// A mail that has none.
    Failed(Failed),
}

/// The results of one job, over a storage.
pub struct Outbox<'s, S: Storage> {
    storage: &'s S,
    existing: Existing,
    log: S::File,
    encoder: Encoder,
    done: HashSet<Mark>,
    failed: BTreeMap<Vec<u8>, Failed>,
    /// Whether names were given that the journal does not say so of.
    unsettled: bool,
    /// Names that turned out to be another's.
    late: Vec<Failed>,
}

/// A mail in memory: half of the SHA-256 of its key.
type Mark = [u8; 16];

impl<'s, S: Storage> Outbox<'s, S> {
    /// For a job that has not begun.
    ///
    /// # Errors
    /// [`Error::JournalThere`] where there is a journal; [`Error::Io`].
    pub fn begin(storage: &'s S, job: &JobId, existing: Existing) -> Result<Self, Error> {
        if let Some(log) = act("reading the journal", "", || storage.read_log())?
            && !empty(log).map_err(|e| io_error("reading the journal", "", e))?
        {
            return Err(Error::JournalThere);
        }
        Self::resume(storage, job, existing)
    }

    /// For a job that goes on, or begins where there is no journal. What was ready is given its name; temporary files that
    /// belong to nothing are removed.
    ///
    /// # Errors
    /// [`Error::OtherJob`], [`Error::NotAJournal`], [`Error::Io`].
    pub fn resume(storage: &'s S, job: &JobId, existing: Existing) -> Result<Self, Error> {
        let mut replay = Replay::default();
        let (mut keep, mut encoder) = (0, Encoder::default());
        if let Some(log) = act("reading the journal", "", || storage.read_log())? {
            let failed = |e| io_error("reading the journal", "", e);
            let mut decoder = Decoder::new(log);
            match decoder.next_record().map_err(failed)? {
                Some(Record::Job(found)) if found != *job => {
                    return Err(Error::OtherJob { found, wanted: job.clone() });
                }
                Some(Record::Job(_)) => {
                    while let Some(record) = decoder.next_record().map_err(failed)? {
                        replay.take(record);
                    }
                    (keep, encoder) = decoder.end();
                }
                Some(_) => return Err(Error::NotAJournal),
                None => {
                    // Either its first line did not become whole, or it was never a journal.
                    let start = act("reading the journal", "", || storage.read_log())?;
                    if !start.map_or(Ok(true), |log| was_begun(log, job)).map_err(failed)? {
                        return Err(Error::NotAJournal);
                    }
                }
            }
        }
        let log = act("opening the journal", "", || storage.open_log(keep))?;
        let Replay { done, failed, ready } = replay;
        let unsettled = !ready.is_empty();
        let mut outbox = Self { storage, existing, log, encoder, done, failed, unsettled, late: Vec::new() };
        if keep == 0 {
            outbox.append(&[Record::Job(job.clone())])?;
        }
        outbox.recover(ready)?;
        Ok(outbox)
    }

    /// Whether this mail has its result, or has failed: nothing is left to be done.
    pub fn is_settled(&self, key: &[u8]) -> bool {
        self.done.contains(&mark(key)) || self.failed.contains_key(key)
    }

    /// How many mails have their result, of this run and of those before.
    pub fn done(&self) -> u64 {
        self.done.len() as u64
    }

    /// Those that have failed, by their keys.
    pub fn failures(&self) -> impl ExactSizeIterator<Item = &Failed> {
        self.failed.values()
    }

    /// Forgets that mails have failed, so that they are tried again.
    pub fn retry_failed(&mut self) {
        self.failed.clear();
    }

    /// Commits a group: after this, each of its results is safe and has its name.
    ///
    /// # Errors
    /// [`Error::Io`]; the outbox is of no use any more then, and the job can be resumed.
    pub fn commit(&mut self, group: Vec<Entry>) -> Result<(), Error> {
        let ready = |entry: &Entry| match entry {
            Entry::Ready(ready) => Some(ready.temporary.clone()),
            Entry::Failed(_) => None,
        };
        let temporaries: Vec<String> = group.iter().filter_map(ready).collect();
        let mut records: Vec<Record> = std::mem::take(&mut self.late).into_iter().map(Record::Failed).collect();
        if !temporaries.is_empty() {
            let names: Vec<&str> = temporaries.iter().map(String::as_str).collect();
            act("synchronising results", "", || self.storage.sync(&names))?;
            if std::mem::take(&mut self.unsettled) {
                records.push(Record::Settled);
            }
        }
        records.extend(group.into_iter().map(|entry| match entry {
            Entry::Ready(ready) => Record::Ready(ready),
            Entry::Failed(failed) => Record::Failed(failed),
        }));
        if records.is_empty() {
            return Ok(());
        }
        self.append(&records)?;
        for record in records {
            match record {
                Record::Ready(ready) => self.publish(&ready)?,
                Record::Failed(failed) => self.fail(failed),
                Record::Job(_) | Record::Settled => {}
            }
        }
        Ok(())
    }

    /// Makes the last names safe, and says so.
    ///
    /// # Errors
    /// [`Error::Io`]; the results have their names, and the next run will look at them again.
    pub fn settle(&mut self) -> Result<(), Error> {
        let mut records: Vec<Record> = std::mem::take(&mut self.late).into_iter().map(Record::Failed).collect();
        if std::mem::take(&mut self.unsettled) {
            act("synchronising results", "", || self.storage.sync(&[]))?;
            records.push(Record::Settled);
        }
        if records.is_empty() { Ok(()) } else { self.append(&records) }
    }

    /// What the run before left.
    fn recover(&mut self, ready: Vec<Ready>) -> Result<(), Error> {
        let there: HashSet<String> =
            act("listing temporary files", "", || self.storage.temporaries())?.into_iter().collect();
        let mut awaited: HashSet<String> = HashSet::new();
        for one in ready {
            // Without its temporary name it has its own, or had it until somebody fetched it.
            if !there.contains(&one.temporary) {
                continue;
            }
            if self.digest(Name::Temporary(&one.temporary))? == Some(one.sha256) {
                awaited.insert(one.temporary.clone());
                self.publish(&one)?;
            } else {
                // No power loss does that, since it was safe before it was ready; but then it is to be made again.
                self.done.remove(&mark(&one.key));
            }
        }
        for temporary in there.iter().filter(|name| !awaited.contains(*name)) {
            act("removing", temporary, || self.storage.remove(temporary))?;
        }
        self.settle()
    }

    fn publish(&mut self, ready: &Ready) -> Result<(), Error> {
        let Ready { key, name, temporary, sha256, .. } = ready;
        let shown = String::from_utf8_lossy(name).into_owned();
        match uninterrupted(|| self.storage.publish(temporary, name, self.existing)) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                let ours = self.digest(Name::Own(name))? == Some(*sha256);
                act("removing", temporary, || self.storage.remove(temporary))?;
                if !ours {
                    let failed = there_already(key.clone());
                    self.late.push(failed.clone());
                    self.fail(failed);
                    return Ok(());
                }
            }
            Err(error) => return Err(io_error("naming", &shown, error)),
        }
        self.unsettled = true;
        self.failed.remove(key);
        self.done.insert(mark(key));
        Ok(())
    }

    fn fail(&mut self, failed: Failed) {
        self.done.remove(&mark(&failed.key));
        self.failed.insert(failed.key.clone(), failed);
    }

    fn append(&mut self, records: &[Record]) -> Result<(), Error> {
        let mut lines = Vec::new();
        records.iter().for_each(|record| self.encoder.encode(record, &mut lines));
        let written = self.log.write_all(&lines).and_then(|()| self.log.flush());
        written.map_err(|e| io_error("writing the journal", "", e))?;
        act("synchronising the journal", "", || self.storage.sync_log(&self.log))
    }

    fn digest(&self, name: Name<'_>) -> Result<Option<[u8; 32]>, Error> {
        let shown = match name {
            Name::Temporary(name) => name.to_owned(),
            Name::Own(name) => String::from_utf8_lossy(name).into_owned(),
        };
        let failed = |e| io_error("reading", &shown, e);
        let Some(mut file) = uninterrupted(|| self.storage.read(name)).map_err(failed)? else { return Ok(None) };
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        let mut buffer = vec![0; 64 << 10];
        loop {
            match uninterrupted(|| file.read(&mut buffer)).map_err(failed)? {
                0 => break,
                count => hasher.update(buffer.get(..count).unwrap_or_default()),
            }
        }
        Ok(hasher.finish().try_into().ok())
    }
}

/// The failure of a mail whose result would have taken the name of a file that is not this job's (SEC-149).
pub fn there_already(key: Vec<u8>) -> Failed {
    let reason = "its result is there already, is not of this job, and was not touched".to_owned();
    Failed { key, code: "exists".to_owned(), reason }
}

/// What the lines of a journal come to.
#[derive(Default)]
struct Replay {
    done: HashSet<Mark>,
    failed: BTreeMap<Vec<u8>, Failed>,
    /// Since everything had its name.
    ready: Vec<Ready>,
}

impl Replay {
    fn take(&mut self, record: Record) {
        match record {
            Record::Ready(ready) => {
                self.failed.remove(&ready.key);
                self.done.insert(mark(&ready.key));
                self.ready.push(ready);
            }
            Record::Failed(failed) => {
                self.done.remove(&mark(&failed.key));
                self.ready.retain(|ready| ready.key != failed.key);
                self.failed.insert(failed.key.clone(), failed);
            }
            Record::Settled => self.ready.clear(),
            Record::Job(_) => {}
        }
    }
}

fn mark(key: &[u8]) -> Mark {
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    hasher.update(key);
    let digest = hasher.finish();
    let mut mark = Mark::default();
    mark.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    mark
}

fn empty(mut log: impl Read) -> io::Result<bool> {
    uninterrupted(|| log.read(&mut [0])).map(|count| count == 0)
}

/// Whether this is the beginning of the journal of this job, and no more than that.
fn was_begun(log: impl Read, job: &JobId) -> io::Result<bool> {
    let (mut first, mut start) = (Vec::new(), Vec::new());
    Encoder::default().encode(&Record::Job(job.clone()), &mut first);
    log.take(first.len() as u64).read_to_end(&mut start)?;
    // A power loss may leave zeros where a line was being written.
    let written = start.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    Ok(first.starts_with(start.get(..written).unwrap_or_default()))
}

fn io_error(doing: &'static str, what: impl fmt::Display, error: io::Error) -> Error {
    Error::Io { doing, what: what.to_string(), error }
}

fn act<T>(doing: &'static str, what: &str, action: impl FnMut() -> io::Result<T>) -> Result<T, Error> {
    uninterrupted(action).map_err(|error| io_error(doing, what, error))
}

/// What a signal interrupts is done again.
fn uninterrupted<T>(mut action: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match action() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
