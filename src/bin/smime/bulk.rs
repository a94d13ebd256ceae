//! `smime bulk`: many mails, each with exactly one result.

mod disk;
mod draft;
mod intake;
mod progress;
mod signals;
mod verbs;

use crate::args::{BulkArgs, BulkCommand, Job};
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::output::{self, Existing, Readers};
use crate::sign::Signatory;
use clap::ArgMatches;
use disk::Disk;
use draft::{Draft, Place};
use intake::{Id, Item, Kind};
use progress::Teller;
use serde_json::{Value, json};
use signals::Signals;
use smime::Time;
use smime::base::reason::visible;
use smime::bulk::journal::{Failed, JobId};
use smime::bulk::outbox::{self, Entry, GROUP, GROUP_TIME, Outbox};
use smime::bulk::storage;
use smime::bulk::{self, Bulk, Ended, Stop, Stopper, Verb};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};
use std::{io, thread};
use verbs::{Encrypting, Notes, Opening, Refusal, Signing};

pub(crate) fn run(args: &BulkArgs, order: &ArgMatches, console: Console) -> Outcome {
    let Some((verb, order)) = order.subcommand() else { return Err(Failure::usage("nothing to do")) };
    let notes = Notes::default();
    let of = |job, at, kind, readers, done| Work { job, verb, at, kind, readers, done, order, console, notes: &notes };
    match &args.command {
        BulkCommand::Sign(args) => {
            let signatory = Signatory::load(&args.options, order, console)?;
            let signing = Signing::new(&signatory, &args.job, crate::time(args.options.at), &notes, console)?;
            of(&args.job, args.options.at, Kind::Outgoing, Readers::Usual, "signed").run(&signing)
        }
        BulkCommand::Encrypt(args) => {
            let encrypting = Encrypting::load(&args.options, order, &notes, console)?;
            of(&args.job, args.options.addressing.at, Kind::Outgoing, Readers::Usual, "encrypted").run(&encrypting)
        }
        BulkCommand::Open(args) => {
            let opening = Opening::load(args, order, console)?;
            of(&args.job, args.judging.at, Kind::Received, Readers::Owner, "opened").run(&opening)
        }
    }
}

/// A job, whatever its verb.
struct Work<'a> {
    job: &'a Job,
    verb: &'a str,
    at: Option<Time>,
    kind: Kind,
    readers: Readers,
    /// What has become of a mail that has its result.
    done: &'static str,
    order: &'a ArgMatches,
    console: Console,
    notes: &'a Notes,
}

/// How it went, for the summary.
struct Account {
    done: u64,
    failed: u64,
    /// Of them, what earlier runs had done.
    before: u64,
    bytes: u64,
    took: Duration,
    stopped: Option<String>,
    failures: Option<PathBuf>,
}

impl Work<'_> {
    fn run<V: Verb<Error = Refusal>>(&self, verb: &V) -> Outcome {
        let job = self.job;
        let mut items = intake::list(&job.input, &job.out, self.kind, self.console)?;
        items.items.retain(|item| job.shard.takes(item.key()));
        let mut bulk = Bulk::new(verb).window(2 * GROUP);
        if let Some(workers) = job.jobs {
            bulk = bulk.workers(workers.into());
        }
        if let Some(most) = job.max_failures {
            bulk = bulk.stop_after(most);
        }
        let signals = Signals::catch().map_err(|e| Failure::from(e).about("signals"))?;
        if job.dry_run {
            return self.rehearse(&bulk, &items, &signals);
        }
        let id = self.id()?;
        let disk = Disk::open(&job.out, job.journal.as_deref(), job.shard, &id, self.readers)?;
        let existing = if job.force { storage::Existing::Replace } else { storage::Existing::Refuse };
        let opened = match job.resume {
            true => Outbox::resume(&disk, &id, existing),
            false => Outbox::begin(&disk, &id, existing),
        };
        let mut outbox = opened.map_err(|error| self.failure(error, &disk))?;
        if job.retry_failed {
            outbox.retry_failed();
        }
        let all = items.items.len();
        items.items.retain(|item| !outbox.is_settled(item.key()));
        let before = (all - items.items.len()) as u64;
        let place = Place::Disk(&disk, existing);
        let (ended, committed, took) = self.drive(&bulk, &items, place, &signals, |entries, teller, stopper| {
            commit(entries, &mut outbox, teller, &signals, stopper, &bulk.progress())
        });
        let committed = committed.map_err(|error| self.failure(error, &disk));
        let failures = self.list_failures(&outbox, &disk);
        let now = bulk.progress().now();
        let account = Account {
            done: outbox.done(),
            failed: outbox.failures().len() as u64,
            before,
            bytes: now.bytes,
            took,
            stopped: stopped(&ended, committed.is_err(), &signals),
            failures: failures.as_ref().ok().cloned().flatten(),
        };
        drop(outbox);
        disk.close();
        committed?;
        failures?;
        self.end(account, ended, &signals)
    }

    /// Workers in threads of their own, the outcomes to another one that commits them.
    fn drive<'i, V, R: Send>(
        &self,
        bulk: &Bulk<V>,
        items: &'i intake::Items,
        place: Place<'i>,
        signals: &Signals,
        commit: impl FnOnce(Receiver<Entry>, &mut Teller, &Stopper) -> R + Send,
    ) -> (Ended<Refusal>, R, Duration)
    where
        V: Verb<Error = Refusal>,
    {
        let (entries, taken) = sync_channel(GROUP);
        let stopper = bulk.stopper();
        if signals.caught().is_some() {
            stopper.stop();
        }
        let began = Instant::now();
        let mut teller = Teller::new(self.console, items.items.len() as u64);
        let clock = || crate::time(self.at);
        let mails = items.items.iter().map(|item| Item { items, item, place });
        let (ended, committed) = thread::scope(|scope| {
            let committing = scope.spawn(|| {
                let committed = commit(taken, &mut teller, &stopper);
                // Whatever ended it, nobody takes results any more.
                stopper.stop();
                committed
            });
            let ended = bulk.run(mails, clock, |outcome| entries.send(entry(outcome)).map_err(|_| ()));
            drop(entries);
            let ended = ended.unwrap_or(Ended { done: 0, failed: 0, stop: Some(Stop::Asked) });
            match committing.join() {
                Ok(committed) => (ended, committed),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        teller.clear();
        (ended, committed, began.elapsed())
    }

    /// Says what would happen.
    fn rehearse<V: Verb<Error = Refusal>>(&self, bulk: &Bulk<V>, items: &intake::Items, signals: &Signals) -> Outcome {
        let existing = if self.job.force { storage::Existing::Replace } else { storage::Existing::Refuse };
        let place = Place::Nowhere(&self.job.out, existing);
        let (ended, failed, took) = self.drive(bulk, items, place, signals, |entries, teller, stopper| {
            let mut failed = 0;
            loop {
                match entries.recv_timeout(GROUP_TIME) {
                    Ok(Entry::Failed(one)) => {
                        failed += 1;
                        teller.failed(&one);
                    }
                    Ok(Entry::Ready(_)) | Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return failed,
                }
                teller.tick(&bulk.progress().now());
                if signals.caught().is_some() {
                    stopper.stop();
                }
            }
        });
        let now = bulk.progress().now();
        let stopped = stopped(&ended, false, signals);
        let account = Account { done: now.done, failed, before: 0, bytes: now.bytes, took, stopped, failures: None };
        self.end(account, ended, signals)
    }

    /// The summary, and the exit code.
    fn end(&self, account: Account, ended: Ended<Refusal>, signals: &Signals) -> Outcome {
        self.notes.tell(self.console);
        self.console.say(account.to_words(if self.job.dry_run { "would be " } else { "" }, self.done));
        if self.job.json {
            let text = format!("{:#}\n", account.to_json(self.job.dry_run));
            output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
        }
        match ended.stop {
            Some(Stop::Unavailable(refusal)) => {
                let failure = refusal.into_failure();
                Err(Failure { why: format!("the job stopped: {}", failure.why), ..failure })
            }
            Some(Stop::Output(error)) => {
                let failure = Failure { silent: false, ..Failure::from(error) };
                Err(Failure { why: format!("the job stopped: {}", failure.why), code: exit::OTHER, ..failure }
                    .hint("again with --resume when there is room, or what else is wrong is put right"))
            }
            Some(Stop::Threads(error)) => Err(Failure { silent: false, ..Failure::from(error) }.hint("--jobs 1")),
            Some(Stop::Asked) if signals.exit_code().is_some() => Ok(signals.exit_code().unwrap_or(exit::OTHER)),
            _ if account.failed > 0 => Ok(exit::BULK_FAILURES),
            Some(_) => Ok(exit::OTHER),
            None => Ok(exit::DONE),
        }
    }

    /// What makes it this job and no other: the verb, every option that has a say in the results, and where they come from
    /// and go.
    fn id(&self) -> Result<JobId, Failure> {
        let absolute = |path: &Path| -> Result<PathBuf, Failure> {
            if path == Path::new("-") {
                return Ok(path.to_path_buf());
            }
            std::path::absolute(path).map_err(|e| Failure::from(e).about(path.display()))
        };
        let mut parts: Vec<Vec<u8>> = vec![self.verb.as_bytes().to_vec()];
        let mut names: Vec<&str> = self.order.ids().map(clap::Id::as_str).collect();
        names.sort_unstable();
        // Options are in small letters; what is not is a group of them.
        names.retain(|name| name.starts_with(char::is_lowercase) && !NOT_OF_THE_JOB.contains(name));
        for name in names {
            let Ok(Some(values)) = self.order.try_get_raw(name) else { continue };
            parts.push(name.as_bytes().to_vec());
            parts.extend(values.map(|value| value.as_encoded_bytes().to_vec()));
        }
        for path in [&self.job.input, &self.job.out] {
            parts.push(absolute(path)?.as_os_str().as_encoded_bytes().to_vec());
        }
        Ok(JobId::of(parts.iter().map(Vec::as_slice)))
    }

    /// Those that have failed so far, in this run and in earlier ones.
    fn list_failures(&self, outbox: &Outbox<'_, Disk>, disk: &Disk) -> Result<Option<PathBuf>, Failure> {
        let path = self.job.failures.clone().unwrap_or_else(|| disk.failures());
        if outbox.failures().len() == 0 && !path.exists() {
            return Ok(None);
        }
        let line = |failed: &Failed| {
            let input = String::from_utf8_lossy(&failed.key);
            format!("{}\n", json!({ "input": input, "code": failed.code, "reason": failed.reason }))
        };
        let text: String = outbox.failures().map(line).collect();
        output::write(Some(&path), Existing::Replace, Readers::Usual, text.as_bytes())?;
        Ok((outbox.failures().len() > 0).then_some(path))
    }

    fn failure(&self, error: outbox::Error, disk: &Disk) -> Failure {
        let journal = disk.journal().display().to_string();
        match error {
            outbox::Error::Io { error: ref inner, .. } if disk::is_locked(inner) => disk::locked().about(journal),
            outbox::Error::Io { .. } => Failure::new(exit::OTHER, format!("the job stopped: {error}"))
                .hint("again with --resume when there is room, or what else is wrong is put right"),
            outbox::Error::JournalThere => Failure::new(exit::OTHER, error)
                .about(journal)
                .hint("--resume to go on with it, or another --out or --journal"),
            outbox::Error::OtherJob { .. } => {
                Failure::new(exit::USAGE, error).about(journal).hint("the same options as then, or another --journal")
            }
            other => Failure::new(exit::OTHER, other).about(journal).hint("another --journal"),
        }
    }
}

/// Options that say how a job runs, and not what comes of it; paths that are told apart by where they lead.
const NOT_OF_THE_JOB: &[&str] = &[
    "jobs",
    "journal",
    "resume",
    "retry_failed",
    "dry_run",
    "max_failures",
    "failures",
    "json",
    "quiet",
    "no_input",
    "input",
    "out",
    "password_file",
    "password_fd",
    "keyring_password_file",
    "force",
];

fn entry(outcome: bulk::Outcome<Id, Draft<'_>, Refusal>) -> Entry {
    let Id { key, name } = outcome.id;
    let failed = |code: &str, reason: String| Entry::Failed(Failed { key: key.clone(), code: code.to_owned(), reason });
    match outcome.result {
        Ok(draft) => Entry::Ready(draft.into_ready(key, name)),
        Err(bulk::Failure::Verb(refusal)) => failed(refusal.code(), refusal.into_failure().to_string()),
        Err(bulk::Failure::Read(error)) if draft::is_there_already(&error) => Entry::Failed(outbox::there_already(key)),
        Err(error @ bulk::Failure::Read(_)) => failed("unread", error.to_string()),
        Err(error) => failed("panic", error.to_string()),
    }
}

/// Takes what comes, and commits it in groups.
fn commit(
    entries: Receiver<Entry>,
    outbox: &mut Outbox<'_, Disk>,
    teller: &mut Teller,
    signals: &Signals,
    stopper: &Stopper,
    progress: &bulk::Progress,
) -> Result<(), outbox::Error> {
    let mut group = Vec::with_capacity(GROUP);
    let mut since: Option<Instant> = None;
    loop {
        let wait = since.map_or(GROUP_TIME, |since| GROUP_TIME.saturating_sub(since.elapsed()));
        let over = match entries.recv_timeout(wait) {
            Ok(entry) => {
                since.get_or_insert_with(Instant::now);
                if let Entry::Failed(failed) = &entry {
                    teller.failed(failed);
                }
                group.push(entry);
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => true,
        };
        if over || group.len() >= GROUP || since.is_some_and(|since| since.elapsed() >= GROUP_TIME) {
            outbox.commit(std::mem::take(&mut group))?;
            since = None;
        }
        if over {
            return outbox.settle();
        }
        teller.tick(&progress.now());
        if signals.caught().is_some() {
            stopper.stop();
        }
    }
}

/// Why it ended before the last mail, in one word for programs.
fn stopped(ended: &Ended<Refusal>, disk: bool, signals: &Signals) -> Option<String> {
    let word = match &ended.stop {
        _ if disk => "output",
        None => return None,
        Some(Stop::Asked) => signals.name().unwrap_or("output"),
        Some(Stop::Unavailable(_)) => "signer_unavailable",
        Some(Stop::Failures(_)) => "failures",
        Some(Stop::Output(_)) => "output",
        Some(_) => "other",
    };
    Some(word.to_owned())
}

impl Account {
    fn rates(&self) -> (f64, f64) {
        let seconds = self.took.as_secs_f64().max(1e-6);
        let worked = (self.done + self.failed).saturating_sub(self.before);
        (worked as f64 / seconds, self.bytes as f64 / seconds)
    }

    fn to_words(&self, would: &str, done: &str) -> String {
        let (rate, bytes) = self.rates();
        let mut text = format!("{} {would}{done}, {} failed", self.done, self.failed);
        if self.before > 0 {
            text += &format!(", {} of them in earlier runs", self.before);
        }
        text += &format!("; {:.1} s, {rate:.0} mails/s, {:.1} MB/s", self.took.as_secs_f64(), bytes / 1e6);
        if let Some(why) = &self.stopped {
            text += &format!("; stopped before the last one ({why}), --resume goes on");
        }
        if let Some(path) = &self.failures {
            text += &format!("\nthose that failed are listed in {}", visible(&path.display().to_string()));
        }
        text
    }

    fn to_json(&self, dry_run: bool) -> Value {
        let (rate, bytes) = self.rates();
        json!({
            "version": 1, "dry_run": dry_run, "done": self.done, "failed": self.failed, "before": self.before,
            "bytes": self.bytes, "seconds": self.took.as_secs_f64(), "mails_per_second": rate,
            "bytes_per_second": bytes, "stopped": self.stopped,
            "failures": self.failures.as_ref().map(|path| path.display().to_string()),
        })
    }
}

/// An error of the system about a file.
fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
