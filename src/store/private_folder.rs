//! A folder that is its owner's alone. A file in it is there as a whole or not at all, whatever ends the process that
//! writes it: it is written aside, brought to the disk, and then given its name.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder.
#[derive(Clone, Debug)]
pub(crate) struct PrivateFolder {
    path: PathBuf,
    #[cfg(test)]
    faults: std::sync::Arc<faults::Faults>,
}

/// The right to change what is in it, which one process has at a time. The system takes it away from a process that ends,
/// however it ends.
pub(crate) struct Locked<'f> {
    folder: &'f PrivateFolder,
    _lock: File,
}

/// Where a file is written before it has its name.
pub(crate) const ASIDE: &str = "writing";
/// What is locked.
pub(crate) const LOCK: &str = "lock";
/// How long another process that is writing is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a file is one that writing needs.
pub(crate) fn is_own(name: &str) -> bool {
    name == ASIDE || name == LOCK
}

impl PrivateFolder {
    /// Makes it where it is not there, on Unix with mode 0700.
    ///
    /// # Errors
    /// What making it gives; [`io::ErrorKind::NotADirectory`] where there is something else of that name.
    pub(crate) fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Self::existing(path)
    }

    /// One that is there.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], [`io::ErrorKind::NotADirectory`].
    pub(crate) fn existing(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        if !fs::metadata(&path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self {
            path,
            #[cfg(test)]
            faults: std::sync::Arc::default(),
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What others than the owner may do in it: the lower bits of its mode, 0 where nothing.
    pub(crate) fn mode_of_others(&self) -> io::Result<u32> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            Ok(fs::metadata(&self.path)?.permissions().mode() & 0o077)
        }
        #[cfg(not(unix))]
        Ok(0)
    }

    /// The names of all files, sorted.
    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// A file of so many bytes at the most; `None` where there is none of that name.
    ///
    /// # Errors
    /// What reading gives; [`io::ErrorKind::FileTooLarge`].
    pub(crate) fn read(&self, name: &str, most: u64) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.path.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // One reservation, so that no outgrown copies of a key stay behind in memory.
        let size = file.metadata()?.len().min(most).saturating_add(1);
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(Some(bytes))
    }

    /// Waits for the right to change something.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] where another process is writing for too long.
    pub(crate) fn lock(&self) -> io::Result<Locked<'_>> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(self.path.join(LOCK))?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Locked { folder: self, _lock: file }),
                Err(fs::TryLockError::WouldBlock) if waited < PATIENCE => {
                    let pause = Duration::from_millis(10);
                    std::thread::sleep(pause);
                    waited += pause;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    fn step(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Locked<'_> {
    /// Writes a file, which takes the place of one that has its name.
    ///
    /// # Errors
    /// What writing gives; the file that was there is there then.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let folder = self.folder;
        let aside = folder.path.join(ASIDE);
        // What lies there is of somebody who was killed.
        self.remove(ASIDE)?;
        let named = self.write(&aside, bytes).and_then(|()| {
            folder.step()?;
            fs::rename(&aside, folder.path.join(name))
        });
        if let Err(error) = named {
            // Whatever is left of it is removed by whoever writes next.
            let _ = self.remove(ASIDE);
            return Err(error);
        }
        folder.step()?;
        #[cfg(unix)]
        File::open(&folder.path)?.sync_all()?;
        Ok(())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.folder.step()?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        #[cfg(test)]
        if let Err(fault) = self.folder.step() {
            file.write_all(bytes.split_at(bytes.len() / 2).0)?;
            return Err(fault);
        }
        file.write_all(bytes)?;
        self.folder.step()?;
        file.sync_all()
    }

    /// Removes a file, where it is there.
    ///
    /// # Errors
    /// What removing gives.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        self.folder.step()?;
        match fs::remove_file(self.folder.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Disks that fail, and processes that are killed, at each step.
#[cfg(test)]
pub(crate) mod faults {
    use super::PrivateFolder;
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// What happens from a step on.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Fault {
        /// That step fails, and those after it do not.
        Once,
        /// Nothing is done any more, as in a process that was killed.
        Killed,
    }

    #[derive(Debug, Default)]
    pub(super) struct Faults {
        taken: AtomicUsize,
        at: Option<(usize, Fault)>,
    }

    impl PrivateFolder {
        /// The same folder, on a disk where a step fails.
        pub(crate) fn failing(&self, step: usize, fault: Fault) -> Self {
            Self { path: self.path.clone(), faults: Arc::new(Faults { at: Some((step, fault)), ..Faults::default() }) }
        }

        /// How many steps were taken.
        pub(crate) fn steps(&self) -> usize {
            self.faults.taken.load(Ordering::Relaxed)
        }

        pub(super) fn step(&self) -> io::Result<()> {
            let step = self.faults.taken.fetch_add(1, Ordering::Relaxed);
            match self.faults.at {
                Some((at, Fault::Once)) if step == at => Err(io::Error::other("the disk fails")),
                Some((at, Fault::Killed)) if step >= at => Err(io::Error::other("the process is dead")),
                _ => Ok(()),
            }
        }
    }
}
