//! What comes in: mail from a file or from standard input, and small files with keys and certificates. Each file is
//! opened once.

use crate::console::Console;
use crate::failure::{Failure, exit};
use crate::output;
use smime::Secret;
use smime::base::reason::Reason;
use smime::base::source::{Memory, Rewindable, SharedSource};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What cannot be rewound is kept in memory up to this size, and in a file beyond it.
const SPOOL_IN_MEMORY: u64 = 32 << 20;

/// How every compound file begins; of mail, those are Outlook's .msg files.
pub(crate) const COMPOUND_FILE: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// A mail that was received, and what is known of how it came here.
pub(crate) struct Received {
    pub(crate) source: SharedSource<'static>,
    pub(crate) notes: Vec<Reason>,
}

/// A received mail of any size that can be read more than once, wire text or .msg by its content. Nothing or `-` is
/// standard input.
pub(crate) fn received(path: Option<&Path>, spool: Option<&Path>, console: Console) -> Result<Received, Failure> {
    let mut raw = raw(path, spool, console)?;
    if raw.is_compound_file()? {
        return from_msg(raw).map_err(|failure| failure.about(name(path)));
    }
    Ok(Received { source: raw.into_source()?, notes: Vec::new() })
}

/// What a detached signature was made over: a file of any kind and size.
pub(crate) fn content(path: &Path, console: Console) -> Result<SharedSource<'static>, Failure> {
    raw(Some(path), None, console)?.into_source()
}

/// The same for a mail that is to be sent, which only a mail as text can be.
pub(crate) fn mail(
    path: Option<&Path>,
    spool: Option<&Path>,
    console: Console,
) -> Result<SharedSource<'static>, Failure> {
    let mut raw = raw(path, spool, console)?;
    if raw.is_compound_file()? {
        let failure = Failure::new(exit::UNREADABLE, "it is an Outlook .msg file, and what is sent is a mail as text");
        return Err(failure.about(name(path)).hint("the same message saved as .eml"));
    }
    raw.into_source()
}

#[cfg(feature = "msg")]
fn from_msg(raw: Raw) -> Result<Received, Failure> {
    let limits = smime::Limits::default();
    let mail = match raw {
        Raw::File(file) => smime::open::msg::read(file, &limits)?,
        Raw::Bytes(bytes) => smime::open::msg::read(io::Cursor::new(bytes), &limits)?,
    };
    Ok(Received { source: mail.source, notes: mail.notes })
}

#[cfg(not(feature = "msg"))]
fn from_msg(_: Raw) -> Result<Received, Failure> {
    let why = "it is an Outlook .msg file, and this program was built without the feature `msg`";
    Err(Failure::new(exit::UNREADABLE, why).hint("a program built with --features cli,msg, or the mail saved as .eml"))
}

/// What came in, before anything is known of it.
enum Raw {
    File(File),
    Bytes(Vec<u8>),
}

impl Raw {
    fn is_compound_file(&mut self) -> io::Result<bool> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.starts_with(&COMPOUND_FILE)),
            Self::File(file) => {
                let mut start = Vec::new();
                Read::by_ref(file).take(COMPOUND_FILE.len() as u64).read_to_end(&mut start)?;
                file.seek(SeekFrom::Start(0))?;
                Ok(start == COMPOUND_FILE)
            }
        }
    }

    fn into_source(self) -> Result<SharedSource<'static>, Failure> {
        Ok(match self {
            Self::File(file) => Arc::new(Rewindable::new(file)?),
            Self::Bytes(bytes) => Memory::owned(bytes),
        })
    }
}

fn raw(path: Option<&Path>, spool: Option<&Path>, console: Console) -> Result<Raw, Failure> {
    match path {
        Some(path) if path != Path::new("-") => {
            let file = File::open(path).map_err(|e| Failure::from(e).about(path.display()))?;
            let metadata = file.metadata().map_err(|e| Failure::from(e).about(path.display()))?;
            if metadata.is_dir() {
                return Err(Failure::usage("it is a folder, and a mail is a file").about(path.display()));
            }
            if !metadata.is_file() {
                return spooled(file, spool);
            }
            Ok(Raw::File(file))
        }
        _ => {
            if io::stdin().is_terminal() {
                if console.no_input {
                    return Err(
                        Failure::usage("no mail was given").hint("naming its file, or sending it through a pipe")
                    );
                }
                console.say("reading the mail from the terminal; end it with Ctrl-D");
            }
            spooled(io::stdin().lock(), spool)
        }
    }
}

/// The name of the input in messages.
pub(crate) fn name(path: Option<&Path>) -> String {
    match path {
        Some(path) if path != Path::new("-") => path.display().to_string(),
        _ => "standard input".to_owned(),
    }
}

fn spooled(mut input: impl Read, folder: Option<&Path>) -> Result<Raw, Failure> {
    let about = |e: io::Error| Failure::from(e).about("reading the mail");
    let mut bytes = Vec::new();
    input.by_ref().take(SPOOL_IN_MEMORY.saturating_add(1)).read_to_end(&mut bytes).map_err(about)?;
    if bytes.len() as u64 <= SPOOL_IN_MEMORY {
        return Ok(Raw::Bytes(bytes));
    }
    // The file has no name and belongs to nobody else: what may be confidential leaves no trace of itself.
    let folder = folder.map_or_else(std::env::temp_dir, Path::to_path_buf);
    let mut spool = || -> io::Result<File> {
        let mut file = output::spool(&folder)?;
        file.write_all(&bytes)?;
        io::copy(&mut input, &mut file)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    };
    let hint = "--spool DIR on a disk with more room";
    let file = spool().map_err(|e| Failure::from(e).about(format!("spooling to {}", folder.display())).hint(hint))?;
    Ok(Raw::File(file))
}

/// Whether a file holds secrets, so that others should not be able to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    Open,
    Confidential,
}

/// A small regular file as a whole; `Secret`, since it may hold a key.
pub(crate) fn small_file(path: &Path, most: usize, secrecy: Secrecy, console: Console) -> Result<Secret, Failure> {
    let failed = |e: io::Error| {
        let hint = match e.kind() {
            io::ErrorKind::NotFound => Some("another path: there is no such file"),
            io::ErrorKind::PermissionDenied => Some("as a user who may read it"),
            _ => None,
        };
        Failure { hint, ..Failure::new(exit::OTHER, &e).about(path.display()) }
    };
    let file = open_without_waiting(path).map_err(failed)?;
    // What was opened is asked, not the path, which may lead elsewhere by now (SEC-126).
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "it is a folder" } else { "it is no regular file" };
        return Err(Failure::usage(format!("{what}, and a file is needed")).about(path.display()));
    }
    if secrecy == Secrecy::Confidential {
        warn_if_readable(path, &metadata, console);
    }
    // One reservation, so that no outgrown copies of a secret stay behind in memory.
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX).min(most).saturating_add(1);
    let mut bytes = Vec::with_capacity(size);
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > most {
        return Err(Failure::new(exit::OTHER, format!("it is larger than {most} bytes, as no such file is"))
            .about(path.display()));
    }
    Ok(Secret::new(bytes))
}

/// Opens for reading; a FIFO opens at once, where it would otherwise wait for somebody to write.
#[cfg(unix)]
pub(crate) fn open_without_waiting(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let no_waiting = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    File::options().read(true).custom_flags(no_waiting).open(path)
}

#[cfg(not(unix))]
pub(crate) fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn warn_if_readable(path: &Path, metadata: &std::fs::Metadata, console: Console) {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        console
            .warn(format_args!("{}: others may read it (mode {mode:03o}); chmod 600 keeps it to you", path.display()));
    }
}

#[cfg(not(unix))]
fn warn_if_readable(_: &Path, _: &std::fs::Metadata, _: Console) {}

/// Where a password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PasswordFrom {
    /// The first line of a file.
    File(PathBuf),
    /// The first line of what an open file descriptor gives.
    Descriptor(u32),
}

/// The longest password that is read.
const MAX_PASSWORD: usize = 64 << 10;

impl PasswordFrom {
    pub(crate) fn read(&self, console: Console) -> Result<Secret, Failure> {
        match self {
            Self::File(path) => {
                let about = |e: io::Error| Failure::from(e).about(path.display());
                // A pipe will do, as shells make one of <(command); who writes to it is waited for.
                let file = File::open(path).map_err(about)?;
                let metadata = file.metadata().map_err(about)?;
                if metadata.is_dir() {
                    return Err(Failure::usage("it is a folder, and a file is needed").about(path.display()));
                }
                if metadata.is_file() {
                    warn_if_readable(path, &metadata, console);
                }
                first_line(file).map_err(|f| f.about(path.display()))
            }
            Self::Descriptor(0) => first_line(io::stdin().lock()).map_err(|f| f.about("standard input")),
            Self::Descriptor(number) => {
                let path = format!("/dev/fd/{number}");
                let file = File::open(&path).map_err(|e| {
                    let failure =
                        Failure::new(exit::USAGE, format!("descriptor {number} is not open for reading: {e}"));
                    failure.about("--password-fd").hint("--password-file F")
                })?;
                first_line(file).map_err(|f| f.about(path))
            }
        }
    }
}

/// Up to the first line end or the end of the input: editors add one, and a password holds none. It is read into one
/// buffer that does not move, so that no copies of it stay behind.
fn first_line(mut input: impl Read) -> Result<Secret, Failure> {
    let mut buffer = Zeroizing::new(vec![0; MAX_PASSWORD]);
    let mut filled = 0;
    loop {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        if room.is_empty() {
            let why = format!("there is no line end within {MAX_PASSWORD} bytes, as behind every password");
            return Err(Failure::usage(why));
        }
        match input.read(room) {
            Ok(0) => break,
            Ok(count) => {
                let fresh = room.get(..count).unwrap_or_default();
                filled += count;
                if fresh.contains(&b'\n') {
                    break;
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    let line = buffer.get(..filled).and_then(|read| read.split(|b| *b == b'\n').next()).unwrap_or_default();
    Ok(Secret::from(line.strip_suffix(b"\r").unwrap_or(line)))
}
