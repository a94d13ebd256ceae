//! The outbox over a disk that fails: power that is lost at every step, and every call that fails once, in every way
//! (SEC-147, SEC-148). The disk is a model of one: what was not synchronised may be there after a power loss, or not, or in
//! part.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use sha2::{Digest, Sha256};
use smime::bulk::journal::{Failed, JobId, Ready};
use smime::bulk::outbox::{Entry, Error, Existing, Outbox};
use smime::bulk::storage::{Name, Storage};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex};

/// One file: what programs see, and what the disk has for certain.
#[derive(Clone, Default)]
struct File {
    bytes: Vec<u8>,
    safe: Vec<u8>,
}

/// A folder: names lead to files by number.
#[derive(Clone, Default)]
struct State {
    files: BTreeMap<u64, File>,
    names: BTreeMap<String, u64>,
    /// The names that are certain, and what was done to them since, in order: a journalling file system keeps a beginning
    /// of that.
    safe_names: BTreeMap<String, u64>,
    since: Vec<Change>,
    next: u64,
    /// Calls so far, and what happens at one of them.
    calls: u64,
    fault: Option<(u64, Fault)>,
    /// Results that somebody fetched as soon as they had their names.
    fetched: Vec<(String, Vec<u8>)>,
    fetching: bool,
}

#[derive(Clone)]
enum Change {
    Link(String, u64),
    Unlink(String),
    Rename(String, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The power goes before this call: it and all later ones fail.
    PowerLoss,
    Error(io::ErrorKind),
    /// Half of what is written is written, once.
    Short,
    /// Half of what is written is written, and then there is no room.
    Torn,
    /// The call is interrupted once.
    Interrupted,
}

#[derive(Clone, Default)]
struct Disk(Arc<Mutex<State>>);

struct Handle {
    disk: Disk,
    file: u64,
}

fn own(name: &[u8]) -> String {
    format!("own/{}", String::from_utf8(name.to_vec()).unwrap())
}

fn temporary(name: &str) -> String {
    format!("tmp/{name}")
}

const LOG: &str = "log";

impl State {
    fn apply(names: &mut BTreeMap<String, u64>, change: &Change) {
        match change {
            Change::Link(name, file) => drop(names.insert(name.clone(), *file)),
            Change::Unlink(name) => drop(names.remove(name)),
            Change::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
        }
    }

    fn change(&mut self, change: Change) {
        Self::apply(&mut self.names, &change);
        self.since.push(change);
    }

    /// Counts a call, and fails it where that is its fate.
    fn call(&mut self) -> io::Result<Option<Fault>> {
        self.calls += 1;
        match self.fault {
            Some((at, Fault::PowerLoss)) if self.calls >= at => Err(io::Error::other("the power is gone")),
            Some((at, Fault::Error(kind))) if self.calls == at => Err(kind.into()),
            Some((at, Fault::Interrupted)) if self.calls == at => Err(io::ErrorKind::Interrupted.into()),
            Some((at, fault)) if self.calls == at => Ok(Some(fault)),
            _ => Ok(None),
        }
    }

    fn sync_names(&mut self) {
        self.safe_names = self.names.clone();
        self.since.clear();
    }
}

impl Disk {
    fn with<T>(&self, action: impl FnOnce(&mut State, Option<Fault>) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        let fault = state.call()?;
        action(&mut state, fault)
    }

    /// The disk after the power has come back, as `chance` has it.
    fn after_power_loss(&self, chance: &mut impl FnMut(u64) -> u64) -> Self {
        let old = self.0.lock().unwrap();
        let mut names = old.safe_names.clone();
        let kept = chance(old.since.len() as u64 + 1) as usize;
        old.since[..kept].iter().for_each(|change| State::apply(&mut names, change));
        let mut files = BTreeMap::new();
        for (number, file) in &old.files {
            // Of what came after the last synchronisation, a part is there; of that, the end may be zeros.
            let fresh = file.bytes.len().saturating_sub(file.safe.len()) as u64;
            let length = file.safe.len() + chance(fresh + 1) as usize;
            let mut bytes = file.bytes[..length].to_vec();
            let zeros = chance((length - file.safe.len()) as u64 + 1) as usize;
            bytes[length - zeros..].fill(0);
            files.insert(*number, File { safe: bytes.clone(), bytes });
        }
        let fetched = old.fetched.clone();
        let state = State {
            files,
            safe_names: names.clone(),
            names,
            next: old.next,
            fetched,
            fetching: old.fetching,
            ..State::default()
        };
        Self(Arc::new(Mutex::new(state)))
    }

    fn results(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.0.lock().unwrap();
        let own = state.names.iter().filter_map(|(name, file)| Some((name.strip_prefix("own/")?, file)));
        own.map(|(name, file)| (name.to_owned(), state.files[file].bytes.clone())).collect()
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let mut state = self.0.lock().unwrap();
        state.next += 1;
        let number = state.next;
        state.files.insert(number, File { bytes: bytes.to_vec(), safe: bytes.to_vec() });
        state.change(Change::Link(name.to_owned(), number));
        state.sync_names();
    }
}

impl Write for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = self.file;
        let disk = self.disk.clone();
        let torn = disk.with(|state, fault| {
            let count = match fault {
                Some(Fault::Short | Fault::Torn) => bytes.len() / 2,
                _ => bytes.len(),
            };
            state.files.get_mut(&file).unwrap().bytes.extend_from_slice(&bytes[..count]);
            Ok((count, fault == Some(Fault::Torn)))
        })?;
        match torn {
            (_, true) => Err(io::ErrorKind::StorageFull.into()),
            // A write of nothing would be an error to whoever writes all.
            (0, false) if !bytes.is_empty() => self.write(&bytes[..1]),
            (count, false) => Ok(count),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Storage for Disk {
    type File = Handle;

    fn create(&self, name: &str) -> io::Result<Handle> {
        self.with(|state, _| {
            assert!(!state.names.contains_key(&temporary(name)), "{name} is there already");
            state.next += 1;
            let file = state.next;
            state.files.insert(file, File::default());
            state.change(Change::Link(temporary(name), file));
            Ok(Handle { disk: self.clone(), file })
        })
    }

    fn temporaries(&self) -> io::Result<Vec<String>> {
        self.with(|state, _| {
            Ok(state.names.keys().filter_map(|name| name.strip_prefix("tmp/")).map(str::to_owned).collect())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.with(|state, _| {
            state.change(Change::Unlink(temporary(name)));
            Ok(())
        })
    }

    fn sync(&self, temporaries: &[&str]) -> io::Result<()> {
        self.with(|state, _| {
            for name in temporaries {
                let number = state.names[&temporary(name)];
                let file = state.files.get_mut(&number).unwrap();
                file.safe = file.bytes.clone();
            }
            state.sync_names();
            Ok(())
        })
    }

    fn publish(&self, from: &str, name: &[u8], existing: Existing) -> io::Result<()> {
        self.with(|state, _| {
            if existing == Existing::Refuse && state.names.contains_key(&own(name)) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            assert!(state.names.contains_key(&temporary(from)), "{from} is not there to be named");
            state.change(Change::Rename(temporary(from), own(name)));
            if state.fetching {
                let number = state.names[&own(name)];
                let bytes = state.files[&number].bytes.clone();
                state.fetched.push((String::from_utf8(name.to_vec()).unwrap(), bytes));
                state.change(Change::Unlink(own(name)));
            }
            Ok(())
        })
    }

    fn read(&self, name: Name<'_>) -> io::Result<Option<Box<dyn Read + '_>>> {
        let name = match name {
            Name::Temporary(name) => temporary(name),
            Name::Own(name) => own(name),
        };
        self.with(|state, _| {
            let bytes = state.names.get(&name).map(|number| state.files[number].bytes.clone());
            Ok(bytes.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read>))
        })
    }

    fn read_log(&self) -> io::Result<Option<Box<dyn Read + '_>>> {
        self.with(|state, _| {
            let bytes = state.names.get(LOG).map(|number| state.files[number].bytes.clone());
            Ok(bytes.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read>))
        })
    }

    fn open_log(&self, keep: u64) -> io::Result<Handle> {
        self.with(|state, _| {
            let file = match state.names.get(LOG) {
                Some(file) => *file,
                None => {
                    state.next += 1;
                    let file = state.next;
                    state.files.insert(file, File::default());
                    state.change(Change::Link(LOG.to_owned(), file));
                    file
                }
            };
            let log = state.files.get_mut(&file).unwrap();
            log.bytes.truncate(keep as usize);
            let safe = log.safe.len().min(keep as usize);
            log.safe.truncate(safe);
            Ok(Handle { disk: self.clone(), file })
        })
    }

    fn sync_log(&self, log: &Handle) -> io::Result<()> {
        self.with(|state, _| {
            let file = state.files.get_mut(&log.file).unwrap();
            file.safe = file.bytes.clone();
            // Its name, too.
            let number = log.file;
            state.safe_names.insert(LOG.to_owned(), number);
            state.since.retain(|change| !matches!(change, Change::Link(name, _) if name == LOG));
            Ok(())
        })
    }
}

const MAILS: usize = 12;
const GROUP: usize = 4;

fn job() -> JobId {
    JobId::of([b"a job".as_slice()])
}

fn key(n: usize) -> Vec<u8> {
    format!("{n}.eml").into_bytes()
}

/// What becomes of a mail; another text in each run, as signatures are.
fn text(n: usize, run: usize) -> Vec<u8> {
    format!("mail {n}, signed in run {run}, {}", "x".repeat(50)).into_bytes()
}

/// One run of the job, as the program does it. The mail 5 is poison.
fn run(disk: &Disk, run: usize, made: &mut u64) -> Result<(), Error> {
    let io = |error| Error::Io { doing: "writing", what: "a result".to_owned(), error };
    let mut outbox = Outbox::resume(disk, &job(), Existing::Refuse)?;
    let left: Vec<usize> = (0..MAILS).filter(|n| !outbox.is_settled(&key(*n))).collect();
    for group in left.chunks(GROUP) {
        let mut entries = Vec::new();
        for n in group {
            *made += 1;
            if *n == 5 {
                let failed = Failed { key: key(5), code: "poison".to_owned(), reason: "it is poison".to_owned() };
                entries.push(Entry::Failed(failed));
                continue;
            }
            let (bytes, name) = (text(*n, run), format!("{n}.tmp"));
            let mut file = disk.create(&name);
            if let Err(e) = &file
                && e.kind() == io::ErrorKind::Interrupted
            {
                file = disk.create(&name);
            }
            let mut file = file.map_err(io)?;
            file.write_all(&bytes).map_err(io)?;
            let (sha256, length) = (Sha256::digest(&bytes).into(), bytes.len() as u64);
            entries.push(Entry::Ready(Ready { key: key(*n), name: key(*n), temporary: name, sha256, length }));
        }
        outbox.commit(entries)?;
    }
    outbox.settle()
}

/// Every mail has exactly one whole result, or has failed; nothing else is there.
fn check(disk: &Disk, about: &str) {
    let mut found: Vec<(String, Vec<u8>)> = disk.results().into_iter().collect();
    let fetching = disk.0.lock().unwrap().fetching;
    if fetching {
        assert!(found.is_empty(), "{about}");
        found = disk.0.lock().unwrap().fetched.clone();
        found.sort();
    }
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let mut expected: Vec<String> = (0..MAILS).filter(|n| *n != 5).map(|n| format!("{n}.eml")).collect();
    expected.sort();
    assert_eq!(names, expected, "{about}");
    for (name, bytes) in &found {
        let n: usize = name.trim_end_matches(".eml").parse().unwrap();
        assert!((0..100).any(|run| text(n, run) == *bytes), "{about}: {name} is torn");
    }
    assert!(disk.temporaries().unwrap().is_empty(), "{about}: something temporary was left");
    let outbox = Outbox::resume(disk, &job(), Existing::Refuse).unwrap();
    let failed: Vec<&[u8]> = outbox.failures().map(|failed| failed.key.as_slice()).collect();
    assert_eq!((outbox.done(), failed), (MAILS as u64 - 1, vec![b"5.eml".as_slice()]), "{about}");
}

fn calls_of_a_run() -> u64 {
    let disk = Disk::default();
    run(&disk, 0, &mut 0).unwrap();
    let calls = disk.0.lock().unwrap().calls;
    check(&disk, "without faults");
    calls
}

#[test]
fn sec_147_power_that_is_lost_at_any_step_loses_nothing_and_repeats_nothing() {
    // SplitMix64: the same losses in each run of the test.
    let mut seed = 7u64;
    let mut chance = |below: u64| {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    };
    let (steps, mut losses) = (calls_of_a_run() + 1, 0);
    for at in 1..=steps {
        for _ in 0..20 {
            let (mut disk, mut made) = (Disk::default(), 0);
            disk.0.lock().unwrap().fault = Some((at, Fault::PowerLoss));
            // And once more while it recovers, and again.
            for attempt in 0.. {
                assert!(attempt < 10, "it does not come to an end");
                let known = disk.results();
                match run(&disk, attempt, &mut made) {
                    Ok(()) => break,
                    Err(_) => {
                        losses += 1;
                        let after = disk.after_power_loss(&mut chance);
                        // What bears its own name is whole, whatever else is not.
                        for (name, bytes) in after.results() {
                            let n: usize = name.trim_end_matches(".eml").parse().unwrap();
                            assert!((0..10).any(|run| text(n, run) == bytes), "step {at}: {name} is torn");
                            // Nobody gets another one than before.
                            assert!(
                                known.get(&name).is_none_or(|before| *before == bytes),
                                "step {at}: {name} changed"
                            );
                        }
                        disk = after;
                        if attempt < 2 {
                            disk.0.lock().unwrap().fault = Some((1 + chance(30), Fault::PowerLoss));
                        }
                    }
                }
            }
            disk.0.lock().unwrap().fault = None;
            check(&disk, &format!("power loss at step {at}"));
        }
    }
    println!("power loss: {losses} losses over {steps} steps");
    assert!(losses > steps * 20);
}

#[test]
fn sec_147_what_was_fetched_meanwhile_is_not_made_again_after_a_kill() {
    // A kill, not a power loss: what was written is there. Somebody takes each result away as soon as it has its name.
    let steps = calls_of_a_run() + 1;
    for at in 1..=steps {
        let (disk, mut made) = (Disk::default(), 0);
        disk.0.lock().unwrap().fetching = true;
        disk.0.lock().unwrap().fault = Some((at, Fault::PowerLoss));
        let _ = run(&disk, 0, &mut made);
        disk.0.lock().unwrap().fault = None;
        run(&disk, 1, &mut made).unwrap();
        check(&disk, &format!("a kill at step {at}"));
    }
}

#[test]
fn sec_148_every_call_that_fails_stops_the_job_and_resuming_ends_it_well() {
    let steps = calls_of_a_run();
    let errors = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::Other];
    let faults = errors.map(Fault::Error).into_iter().chain([Fault::Torn, Fault::Short, Fault::Interrupted]);
    let mut stopped = 0;
    for fault in faults {
        for at in 1..=steps {
            let about = format!("{fault:?} at call {at}");
            let (disk, mut made) = (Disk::default(), 0);
            disk.0.lock().unwrap().fault = Some((at, fault));
            let result = run(&disk, 0, &mut made);
            let earlier = disk.results();
            match (fault, result) {
                // Nobody notices.
                (Fault::Short | Fault::Interrupted, result) => {
                    result.unwrap_or_else(|e| panic!("{about}: {e}"));
                    assert_eq!(made, MAILS as u64, "{about}");
                }
                (Fault::Torn, Ok(())) => {}
                (_, Ok(())) => panic!("{about}: nobody noticed"),
                (_, Err(Error::Io { doing, .. })) => {
                    assert!(!doing.is_empty(), "{about}");
                    stopped += 1;
                    run(&disk, 1, &mut made).unwrap_or_else(|e| panic!("{about}, resumed: {e}"));
                    let now = disk.results();
                    for (name, bytes) in earlier {
                        assert_eq!(now[&name], bytes, "{about}: {name} was made again");
                    }
                }
                (_, Err(other)) => panic!("{about}: {other}"),
            }
            check(&disk, &about);
        }
    }
    println!("faults: {stopped} stops over {steps} calls");
    assert!(stopped as u64 >= 3 * steps);
}

#[test]
fn sec_149_what_is_there_already_stays_or_is_replaced_as_was_said() {
    let ready = |n: usize, name: &str| {
        let bytes = text(n, 0);
        let (sha256, length) = (Sha256::digest(&bytes).into(), bytes.len() as u64);
        Entry::Ready(Ready { key: key(n), name: key(n), temporary: name.to_owned(), sha256, length })
    };
    for existing in [Existing::Refuse, Existing::Replace] {
        let disk = Disk::default();
        disk.put("own/1.eml", b"theirs");
        // The same bytes, by somebody else's hand, are as good as ours.
        disk.put("own/2.eml", &text(2, 0));
        let mut outbox = Outbox::begin(&disk, &job(), existing).unwrap();
        for n in 1..4 {
            disk.create(&format!("{n}.tmp")).unwrap().write_all(&text(n, 0)).unwrap();
        }
        outbox.commit(vec![ready(1, "1.tmp"), ready(2, "2.tmp"), ready(3, "3.tmp")]).unwrap();
        outbox.settle().unwrap();
        let first = if existing == Existing::Refuse { b"theirs".to_vec() } else { text(1, 0) };
        let expected =
            [("1.eml".to_owned(), first), ("2.eml".to_owned(), text(2, 0)), ("3.eml".to_owned(), text(3, 0))];
        assert_eq!(disk.results(), BTreeMap::from(expected));
        assert!(disk.temporaries().unwrap().is_empty());
        let failed = usize::from(existing == Existing::Refuse);
        assert_eq!((outbox.failures().len(), outbox.done()), (failed, 3 - failed as u64));
        drop(outbox);
        // The next run knows it, too.
        let mut outbox = Outbox::resume(&disk, &job(), existing).unwrap();
        assert_eq!((outbox.failures().len(), outbox.done()), (failed, 3 - failed as u64));
        assert!((1..4).all(|n| outbox.is_settled(&key(n))));
        outbox.retry_failed();
        assert_eq!(outbox.is_settled(&key(1)), existing == Existing::Replace);
    }
}

#[test]
fn a_journal_is_of_one_job_and_is_not_begun_twice() {
    let disk = Disk::default();
    run(&disk, 0, &mut 0).unwrap();
    assert!(matches!(Outbox::begin(&disk, &job(), Existing::Refuse), Err(Error::JournalThere)));
    let other = JobId::of([b"another".as_slice()]);
    assert!(matches!(Outbox::resume(&disk, &other, Existing::Refuse), Err(Error::OtherJob { .. })));
    let disk = Disk::default();
    disk.put(LOG, b"Dear diary,\n");
    assert!(matches!(Outbox::resume(&disk, &job(), Existing::Refuse), Err(Error::NotAJournal)));
    // Nothing of it was touched.
    let mut text = String::new();
    disk.read_log().unwrap().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "Dear diary,\n");
    let names: BTreeSet<String> = disk.0.lock().unwrap().names.keys().cloned().collect();
    assert_eq!(names, BTreeSet::from([LOG.to_owned()]));
}
