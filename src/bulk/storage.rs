//! Where results lie, as an outbox needs it: a folder in which a file can be written under a temporary name and given its own
//! name later, and a log that only grows. The caller brings it; the program's is a folder of a file system.

use std::io::{self, Read, Write};

/// A place for results and for the log of the job.
///
/// What is promised to survive must survive a power loss; everything else may be lost in it, or not. A name that is given or
/// taken away is given or taken away as a whole. No two jobs use the same temporary names at the same time.
pub trait Storage: Sync {
    /// A file that is being written.
    type File: Write + Send;

    /// A new, empty file under a temporary name, which is not there yet.
    ///
    /// # Errors
    /// What the system reports.
    fn create(&self, temporary: &str) -> io::Result<Self::File>;

    /// The temporary names that there are.
    ///
    /// # Errors
    /// What the system reports.
    fn temporaries(&self) -> io::Result<Vec<String>>;

    /// Takes a temporary name away, with its file.
    ///
    /// # Errors
    /// What the system reports; that it is not there is none.
    fn remove(&self, temporary: &str) -> io::Result<()>;

    /// Makes everything survive that was written under these names, the names themselves, and every publication and removal
    /// so far.
    ///
    /// # Errors
    /// What the system reports; nothing is to be relied on then.
    fn sync(&self, temporaries: &[&str]) -> io::Result<()>;

    /// Gives a file its own name instead of the temporary one.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where the name is there already and is not to be replaced; what the system reports.
    fn publish(&self, temporary: &str, name: &[u8], existing: Existing) -> io::Result<()>;

    /// The file of this name, temporary or its own; `None` where there is none.
    ///
    /// # Errors
    /// What the system reports.
    fn read(&self, name: Name<'_>) -> io::Result<Option<Box<dyn Read + '_>>>;

    /// The log; `None` where there is none.
    ///
    /// # Errors
    /// What the system reports.
    fn read_log(&self) -> io::Result<Option<Box<dyn Read + '_>>>;

    /// The log, cut to its first so many bytes, to be written to at its end; it is made where there is none.
    ///
    /// # Errors
    /// What the system reports.
    fn open_log(&self, keep: u64) -> io::Result<Self::File>;

    /// Makes everything survive that was written to the log, and the log itself.
    ///
    /// # Errors
    /// What the system reports; nothing is to be relied on then.
    fn sync_log(&self, log: &Self::File) -> io::Result<()>;
}

/// A file of the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'n> {
    /// That has no name of its own yet.
    Temporary(&'n str),
    /// That has.
    Own(&'n [u8]),
}

/// What happens to a result of the same name that is there already and is not this job's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the mail has failed.
    #[default]
    Refuse,
    /// It is replaced.
    Replace,
}
