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
        file: BufWriter<NamedTempFile>,
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
        let mut builder = tempfile::Builder::new();
        builder.prefix(".smime-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = if readers == Readers::Owner { 0o600 } else { 0o666 };
            builder.permissions(fs::Permissions::from_mode(mode));
        }
        #[cfg(not(unix))]
        let _ = readers;
        let file = BufWriter::with_capacity(64 << 10, builder.tempfile_in(folder)?);
        Ok(Target::Aside { file, path, existing })
    }

    /// Everything was written: gives the file its name.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush()?;
        let Target::Aside { file, path, existing } = self.target else { return Ok(()) };
        let about = |failure: Failure| failure.about(path.display());
        let file = file.into_inner().map_err(|e| about(e.into_error().into()))?;
        file.as_file().sync_all().map_err(|e| about(e.into()))?;
        let persisted = match existing {
            Existing::Refuse => file.persist_noclobber(&path),
            Existing::Replace => file.persist(&path),
        };
        match persisted {
            Ok(_) => Ok(()),
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(about(already_there())),
            Err(e) => Err(about(e.error.into())),
        }
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
