//! The folder of the results. Beside them lies the hidden folder `.smime-bulk`: in it the journals, one for each shard, and a
//! folder for each job with what has no name of its own yet.

use super::about;
use crate::failure::{Failure, exit};
use crate::output::Readers;
use smime::bulk::Shard;
use smime::bulk::journal::JobId;
use smime::bulk::storage::{Existing, Name, Storage};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const HIDDEN: &str = ".smime-bulk";
const SUFFIX: &str = ".tmp";
const LOCK: &str = "lock";

pub(super) struct Disk {
    out: PathBuf,
    /// The same, open, to be synchronised.
    folder: File,
    /// What has no name of its own yet.
    work: PathBuf,
    journal: PathBuf,
    failures: PathBuf,
    /// Held as long as the job runs.
    _lock: File,
    next: AtomicU64,
    mode: u32,
}

/// Another runner holds the lock.
#[derive(Debug, thiserror::Error)]
#[error("locked")]
struct Locked;

pub(super) fn is_locked(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Locked>())
}

pub(super) fn locked() -> Failure {
    Failure::new(exit::OTHER, "locked: another run is at work on this job").hint("again when it has ended")
}

impl Disk {
    /// Makes the folders where they are not there, and locks the job. Whatever cannot be written to is found out here.
    pub(super) fn open(
        out: &Path,
        journal: Option<&Path>,
        shard: Shard,
        job: &JobId,
        readers: Readers,
    ) -> Result<Self, Failure> {
        let hidden = out.join(HIDDEN);
        let work = hidden.join(job.to_string());
        fs::create_dir_all(&work).map_err(|e| Failure::from(e).about(work.display()))?;
        let lock_path = work.join(LOCK);
        let failed = |path: &Path, e: io::Error| Failure::from(e).about(path.display());
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(|e| failed(&lock_path, e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked().about(out.display())),
            Err(TryLockError::Error(e)) => return Err(failed(&lock_path, e)),
        }
        let part = format!("{}-of-{}", shard.index(), shard.count());
        let journal = journal.map_or_else(|| hidden.join(format!("{part}.journal")), Path::to_path_buf);
        let failures = hidden.join(format!("{part}.failures.jsonl"));
        let folder = File::open(out).map_err(|e| failed(out, e))?;
        // Into the folder itself nothing is written before the first group: whether that will do is tried here.
        let probe = out.join(format!("{HIDDEN}-{part}{SUFFIX}"));
        File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(|e| failed(out, e))?;
        let mode = if readers == Readers::Owner { 0o600 } else { 0o666 };
        let (out, next) = (out.to_path_buf(), AtomicU64::new(0));
        Ok(Self { out, folder, work, journal, failures, _lock: lock, next, mode })
    }

    /// Takes away what is of no use any more.
    pub(super) fn close(self) {
        // Another runner may wait for the lock, and keeps the folder then; so does what a fault left in it.
        if self.temporaries().is_ok_and(|left| left.is_empty()) {
            let _ = fs::remove_file(self.work.join(LOCK)).and_then(|()| fs::remove_dir(&self.work));
        }
    }

    pub(super) fn path(&self, name: &OsStr) -> PathBuf {
        self.out.join(name)
    }

    pub(super) fn journal(&self) -> &Path {
        &self.journal
    }

    pub(super) fn failures(&self) -> PathBuf {
        self.failures.clone()
    }

    /// A temporary name that no other result of this run has. Those of earlier runs are gone when results are written.
    pub(super) fn temporary(&self) -> String {
        format!("{}{SUFFIX}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn about(&self, temporary: &str, error: &io::Error) -> io::Error {
        about(&self.work.join(temporary), error)
    }

    fn own(&self, name: &[u8]) -> io::Result<PathBuf> {
        #[cfg(unix)]
        let name = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name);
        #[cfg(not(unix))]
        let name = OsStr::new(std::str::from_utf8(name).map_err(|_| io::ErrorKind::InvalidFilename)?);
        // A journal that somebody else has written leads nowhere else.
        match Path::new(name).file_name() == Some(name) {
            true => Ok(self.out.join(name)),
            false => Err(io::ErrorKind::InvalidFilename.into()),
        }
    }
}

impl Storage for Disk {
    type File = File;

    fn create(&self, temporary: &str) -> io::Result<File> {
        let path = self.work.join(temporary);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, self.mode);
        options.open(&path).map_err(|e| about(&path, &e))
    }

    fn temporaries(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.work)? {
            names.extend(entry?.file_name().into_string().ok().filter(|name| name.ends_with(SUFFIX)));
        }
        Ok(names)
    }

    fn remove(&self, temporary: &str) -> io::Result<()> {
        match fs::remove_file(self.work.join(temporary)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// One call for the whole file system: for 256 results of 10 KiB it takes some 20 ms where a call for each takes 700
    /// (ext4).
    #[cfg(target_os = "linux")]
    fn sync(&self, _: &[&str]) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.folder)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn sync(&self, temporaries: &[&str]) -> io::Result<()> {
        for temporary in temporaries {
            File::open(self.work.join(temporary))?.sync_data()?;
        }
        File::open(&self.work)?.sync_all()?;
        self.folder.sync_all()
    }

    fn publish(&self, temporary: &str, name: &[u8], existing: Existing) -> io::Result<()> {
        let (from, to) = (self.work.join(temporary), self.own(name)?);
        match existing {
            Existing::Replace => fs::rename(from, to),
            Existing::Refuse => rename_to_nothing(&from, &to),
        }
    }

    fn read(&self, name: Name<'_>) -> io::Result<Option<Box<dyn Read + '_>>> {
        let path = match name {
            Name::Temporary(name) => self.work.join(name),
            Name::Own(name) => self.own(name)?,
        };
        reader(&path)
    }

    fn read_log(&self) -> io::Result<Option<Box<dyn Read + '_>>> {
        reader(&self.journal)
    }

    fn open_log(&self, keep: u64) -> io::Result<File> {
        let mut log = File::options().create(true).truncate(false).write(true).open(&self.journal)?;
        match log.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(io::Error::other(Locked)),
            Err(TryLockError::Error(e)) => return Err(e),
        }
        log.set_len(keep)?;
        log.seek(SeekFrom::End(0))?;
        // Its name survives from here on; what is written to it is made safe each time.
        let folder = self.journal.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        #[cfg(not(unix))]
        let _ = folder;
        Ok(log)
    }

    fn sync_log(&self, log: &File) -> io::Result<()> {
        log.sync_data()
    }
}

fn reader<'r>(path: &Path) -> io::Result<Option<Box<dyn Read + 'r>>> {
    match File::open(path) {
        Ok(file) => Ok(Some(Box::new(file))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Renames where nothing has the name yet.
#[cfg(target_os = "linux")]
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems do not know how to.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => rename_after_looking(from, to),
        result => Ok(result?),
    }
}

#[cfg(not(target_os = "linux"))]
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    rename_after_looking(from, to)
}

fn rename_after_looking(from: &Path, to: &Path) -> io::Result<()> {
    match to.symlink_metadata() {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(e) => Err(e),
    }
}
