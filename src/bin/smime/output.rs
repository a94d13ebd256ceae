//! What goes out: to standard output, or to a file that appears whole or not at all.

use crate::failure::{Failure, exit};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// What to do with a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    Refuse,
    Replace,
}

/// Who may read what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// As the umask has it.
    Usual,
    /// The owner alone: decrypted mail and private keys.
    Owner,
}

/// A place to write to. Until [`finish`](Self::finish), no file bears the name that was asked for.
pub(crate) struct Output {
    target: Target,
}

enum Target {
    Standard(BufWriter<io::StdoutLock<'static>>),
    /// Written aside, in the same folder.
    Aside {
        file: BufWriter<Aside>,
        path: PathBuf,
        existing: Existing,
    },
    /// A device or a pipe, which is never replaced.
    Device(BufWriter<File>),
}

impl Output {
    /// Nothing or `-` is standard output.
    pub(crate) fn to(path: Option<&Path>, existing: Existing, readers: Readers) -> Result<Self, Failure> {
        let target = match path {
            Some(path) if path != Path::new("-") => {
                Self::file(path, existing, readers).map_err(|f| f.about(path.display()))?
            }
            _ => Target::Standard(BufWriter::with_capacity(64 << 10, io::stdout().lock())),
        };
        Ok(Self { target })
    }

    fn file(path: &Path, existing: Existing, readers: Readers) -> Result<Target, Failure> {
        let mut path = path.to_path_buf();
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(Failure::usage("it is a folder").hint("the name of a file in it"));
            }
            Ok(metadata) if !metadata.is_file() => {
                return Ok(Target::Device(BufWriter::new(OpenOptions::new().write(true).open(&path)?)));
            }
            Ok(_) if existing == Existing::Refuse => return Err(already_there()),
            // Where the name is a link, the file that it leads to is replaced, and the link stays.
            Ok(_) => path = fs::canonicalize(&path)?,
            Err(_) => {}
        }
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let file = BufWriter::with_capacity(64 << 10, Aside::within(folder, readers)?);
        Ok(Target::Aside { file, path, existing })
    }

    /// Everything was written: gives the file its name.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush()?;
        let Target::Aside { file, path, existing } = self.target else { return Ok(()) };
        let about = |failure: Failure| failure.about(path.display());
        let file = file.into_inner().map_err(|e| about(e.into_error().into()))?;
        file.as_file().sync_all().map_err(|e| about(e.into()))?;
        match file.name(&path, existing) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(about(already_there())),
            Err(e) => Err(about(e.into())),
        }
    }
}

/// A file that is being written.
enum Aside {
    /// Without a name, so that nothing is left of it whatever ends the process (SEC-130).
    #[cfg(target_os = "linux")]
    Nameless { file: File, folder: PathBuf },
    /// With a name of its own, which an error takes away again; a kill does not.
    Named(NamedTempFile),
}

impl Aside {
    fn within(folder: &Path, readers: Readers) -> io::Result<Self> {
        let mode = if readers == Readers::Owner { 0o600 } else { 0o666 };
        // Its name will come by way of /proc.
        #[cfg(target_os = "linux")]
        if Path::new("/proc/self/fd").is_dir()
            && let Some(file) = nameless(folder, mode)
        {
            return Ok(Self::Nameless { file, folder: folder.to_path_buf() });
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(mode));
        }
        #[cfg(not(unix))]
        let _ = mode;
        Ok(Self::Named(builder.tempfile_in(folder)?))
    }

    fn as_file(&self) -> &File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Nameless { file, .. } => file,
            Self::Named(file) => file.as_file(),
        }
    }

    /// Gives it its name.
    fn name(self, path: &Path, existing: Existing) -> io::Result<()> {
        match (self, existing) {
            #[cfg(target_os = "linux")]
            (Self::Nameless { file, .. }, Existing::Refuse) => link(&file, path),
            // A link replaces nothing; a renaming does.
            #[cfg(target_os = "linux")]
            (Self::Nameless { file, folder }, Existing::Replace) => {
                let named = tempfile::Builder::new().prefix(PREFIX).make_in(folder, |name| link(&file, name))?;
                Ok(named.persist(path).map(drop)?)
            }
            (Self::Named(file), Existing::Refuse) => Ok(file.persist_noclobber(path).map(drop)?),
            (Self::Named(file), Existing::Replace) => Ok(file.persist(path).map(drop)?),
        }
    }
}

const PREFIX: &str = ".smime-";

/// A file that has no name from its first byte on; `None` where the file system has no such files.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path, mode: u32) -> Option<File> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    open(folder, flags, Mode::from_raw_mode(mode)).ok().map(File::from)
}

/// A file for what may be confidential: without a name, and nobody else's (SEC-130).
pub(crate) fn spool(folder: &Path) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    if let Some(file) = nameless(folder, 0o600) {
        return Ok(file);
    }
    // 0600 from the beginning; its name is gone before anything is written.
    Ok(tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)?.into_file())
}

#[cfg(target_os = "linux")]
fn link(file: &File, name: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use std::os::fd::AsRawFd;
    let opened = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, opened, CWD, name, AtFlags::SYMLINK_FOLLOW)?)
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.as_file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.as_file().flush()
    }
}

fn already_there() -> Failure {
    Failure::new(exit::OTHER, "it is there already and was not touched").hint("another name, or --force to replace it")
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Standard(out) => out.write(bytes),
            Target::Aside { file, .. } => file.write(bytes),
            Target::Device(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Standard(out) => out.flush(),
            Target::Aside { file, .. } => file.flush(),
            Target::Device(file) => file.flush(),
        }
    }
}

/// Writes a whole file, or a whole text to standard output.
pub(crate) fn write(path: Option<&Path>, existing: Existing, readers: Readers, bytes: &[u8]) -> Result<(), Failure> {
    let mut output = Output::to(path, existing, readers)?;
    output.write_all(bytes)?;
    output.finish()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn nothing_is_left_of_a_file_that_is_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        for existing in [Existing::Refuse, Existing::Replace] {
            for readers in [Readers::Usual, Readers::Owner] {
                let mut out = Output::to(Some(&path), existing, readers).unwrap();
                out.write_all(b"secret").unwrap();
                out.flush().unwrap();
                if cfg!(target_os = "linux") {
                    assert!(names(folder.path()).is_empty(), "it has a name before it is finished");
                }
                drop(out);
                assert!(names(folder.path()).is_empty());
            }
        }
    }

    #[test]
    fn a_finished_file_is_whole_and_its_owner_s() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        for (existing, text) in [(Existing::Refuse, "one"), (Existing::Replace, "another")] {
            write(Some(&path), existing, Readers::Owner, text.as_bytes()).unwrap();
            assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(folder.path())), (text, vec!["out".into()]));
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(write(Some(&path), Existing::Refuse, Readers::Owner, b"").unwrap_err().code, exit::OTHER);
        // Somebody else may have been quicker.
        let late = folder.path().join("late");
        let out = Output::to(Some(&late), Existing::Refuse, Readers::Owner).unwrap();
        fs::write(&late, "theirs").unwrap();
        assert!(out.finish().is_err());
        assert_eq!(fs::read_to_string(&late).unwrap(), "theirs");
    }
}
