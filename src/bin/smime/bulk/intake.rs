//! What comes in: a folder, a Maildir, an mbox file, or a list of files.

use super::draft::{Draft, Place};
use super::{about, verbs};
use crate::console::Console;
use crate::failure::Failure;
use crate::input::open_without_waiting;
use crate::output;
use smime::base::source::{Memory, Rewindable, SharedSource};
use smime::bulk::Mail;
use smime::mime::mbox;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Mail to be sent, or mail that was received: by its file names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Outgoing,
    Received,
}

/// All mails, and where they are.
pub(super) struct Items {
    pub(super) items: Vec<Entry>,
    place: Input,
}

enum Input {
    /// A folder, or the two of a Maildir.
    Folders(Vec<PathBuf>),
    Mbox(PathBuf),
    List,
}

/// One mail.
pub(super) struct Entry {
    /// The name of its result.
    name: OsString,
    at: At,
    /// What tells it from the others at every time, where that is not its name.
    key: Option<Vec<u8>>,
}

enum At {
    /// In one of the folders, under its name.
    Folder(usize),
    Path(PathBuf),
    /// In the mbox file.
    Bytes(u64, u64),
}

impl Entry {
    pub(super) fn key(&self) -> &[u8] {
        self.key.as_deref().unwrap_or(self.name.as_encoded_bytes())
    }
}

/// What tells a mail from the others, and the name of its result.
pub(super) struct Id {
    pub(super) key: Vec<u8>,
    pub(super) name: Vec<u8>,
}

/// Mails up to this size are read into memory as a whole, which is the bound for each worker; larger ones are read in blocks
/// of it.
const IN_MEMORY: u64 = 1 << 20;
/// Paths on standard input are no longer.
const MAX_PATH: u64 = 64 << 10;

/// Finds the mails; no one is opened yet.
pub(super) fn list(input: &Path, out: &Path, kind: Kind, console: Console) -> Result<Items, Failure> {
    let place = place(input)?;
    if let Input::Folders(folders) = &place {
        let same = |folder: &PathBuf| matches!((fs::canonicalize(folder), fs::canonicalize(out)), (Ok(one), Ok(other)) if one == other);
        if folders.iter().any(same) {
            return Err(Failure::usage("results do not go into the folder that the mails are in").about("--out"));
        }
    }
    let mut items = match &place {
        Input::Folders(folders) if folders.len() > 1 => maildir(folders)?,
        Input::Folders(folders) => {
            folders.first().map(|folder| eml(folder, kind, console)).transpose()?.unwrap_or_default()
        }
        Input::Mbox(path) => messages(path)?,
        Input::List => paths()?,
    };
    if items.is_empty() {
        let hint = match kind {
            Kind::Outgoing => "a folder with .eml files, a Maildir, or an mbox file",
            Kind::Received => "a folder with .eml or .p7m files, a Maildir, or an mbox file",
        };
        return Err(Failure::usage("there is no mail in it").about(input.display()).hint(hint));
    }
    // Two with one name would have one result.
    items.sort_by(|a, b| a.name.cmp(&b.name));
    let twice = items.windows(2).find_map(|pair| match pair {
        [one, other] if one.name == other.name => Some(one.name.display().to_string()),
        _ => None,
    });
    if let Some(name) = twice {
        return Err(Failure::usage("two mails have this name, and so would their results").about(name));
    }
    if matches!(place, Input::Mbox(_)) {
        // In their own order.
        items.sort_by_key(|item| if let At::Bytes(start, _) = item.at { start } else { 0 });
    }
    Ok(Items { items, place })
}

fn place(input: &Path) -> Result<Input, Failure> {
    if input == Path::new("-") {
        return Ok(Input::List);
    }
    let metadata = fs::metadata(input).map_err(|e| Failure::from(e).about(input.display()))?;
    let [cur, new] = [input.join("cur"), input.join("new")];
    Ok(match (metadata.is_dir(), cur.is_dir() && new.is_dir()) {
        (true, true) => Input::Folders(vec![new, cur]),
        (true, false) => Input::Folders(vec![input.to_path_buf()]),
        (false, _) if metadata.is_file() => Input::Mbox(input.to_path_buf()),
        _ => return Err(Failure::usage("it is neither a folder nor a file").about(input.display())),
    })
}

/// Names of the regular files of a folder, hidden ones aside.
fn files(folder: &Path) -> Result<Vec<OsString>, Failure> {
    let failed = |e: io::Error| Failure::from(e).about(folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let kind = entry.file_type().map_err(failed)?;
        if !hidden && (kind.is_file() || kind.is_symlink() && entry.path().is_file()) {
            names.push(entry.file_name());
        }
    }
    Ok(names)
}

fn eml(folder: &Path, kind: Kind, console: Console) -> Result<Vec<Entry>, Failure> {
    let wanted = |name: &OsStr| {
        let extension = Path::new(name).extension().unwrap_or_default();
        let is = |one: &str| extension.eq_ignore_ascii_case(one);
        is("eml") || kind == Kind::Received && is("p7m")
    };
    let (mails, others): (Vec<_>, Vec<_>) = files(folder)?.into_iter().partition(|name| wanted(name));
    if let Some(first) = others.first() {
        let count = others.len();
        console
            .warn(format_args!("{count} files are no mail by their names and are left alone, as {}", first.display()));
    }
    Ok(mails.into_iter().map(|name| Entry { name, at: At::Folder(0), key: None }).collect())
}

/// A mail that is read keeps what stands before the colon of its name, and what stands behind it changes.
fn maildir(folders: &[PathBuf]) -> Result<Vec<Entry>, Failure> {
    let (mut seen, mut items) = (HashSet::new(), Vec::new());
    for (number, folder) in folders.iter().enumerate() {
        for name in files(folder)? {
            let unique = name.as_encoded_bytes().split(|b| *b == b':').next().unwrap_or_default().to_vec();
            // Who moves it from one folder to the other at this moment lets us see it twice.
            if seen.insert(unique.clone()) {
                items.push(Entry { name, at: At::Folder(number), key: Some(unique) });
            }
        }
    }
    Ok(items)
}

fn messages(path: &Path) -> Result<Vec<Entry>, Failure> {
    let failed = |e: io::Error| Failure::from(e).about(path.display()).hint("an mbox file, or the folder of the mail");
    let file = File::open(path).map_err(failed)?;
    let found = mbox::mails(&mut BufReader::with_capacity(256 << 10, file)).map_err(failed)?;
    let entry = |(at, mail): (usize, std::ops::Range<u64>)| Entry {
        name: format!("{}.eml", at + 1).into(),
        at: At::Bytes(mail.start, mail.end),
        key: None,
    };
    Ok(found.into_iter().enumerate().map(entry).collect())
}

fn paths() -> Result<Vec<Entry>, Failure> {
    let failed = |e: io::Error| Failure::from(e).about("the list on standard input");
    let mut input = io::stdin().lock();
    let mut items = Vec::new();
    loop {
        let mut line = Vec::new();
        input.by_ref().take(MAX_PATH).read_until(b'\n', &mut line).map_err(failed)?;
        if line.is_empty() {
            return Ok(items);
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let path = path_of(line)?;
        let Some(name) = path.file_name().map(OsStr::to_os_string) else {
            return Err(Failure::usage("it names no file").about(path.display()));
        };
        items.push(Entry { name, at: At::Path(path), key: Some(line.to_vec()) });
    }
}

#[cfg(unix)]
fn path_of(line: &[u8]) -> Result<PathBuf, Failure> {
    use std::os::unix::ffi::OsStrExt;
    Ok(PathBuf::from(OsStr::from_bytes(line)))
}

#[cfg(not(unix))]
fn path_of(line: &[u8]) -> Result<PathBuf, Failure> {
    let text = std::str::from_utf8(line).map_err(|_| Failure::usage("a path on standard input is not UTF-8"))?;
    Ok(PathBuf::from(text))
}

impl Items {
    fn open(&self, entry: &Entry) -> io::Result<SharedSource<'static>> {
        let path = match (&entry.at, &self.place) {
            (At::Path(path), _) => path.clone(),
            (At::Folder(number), Input::Folders(folders)) => match folders.get(*number) {
                Some(folder) => folder.join(&entry.name),
                None => return Err(io::ErrorKind::NotFound.into()),
            },
            (At::Bytes(start, end), Input::Mbox(path)) => {
                return part(path, *start, *end).map_err(|e| about(path, &e));
            }
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        whole(&path).map_err(|e| about(&path, &e))
    }
}

fn whole(path: &Path) -> io::Result<SharedSource<'static>> {
    let file = open_without_waiting(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    if metadata.len() > IN_MEMORY {
        return Ok(Arc::new(Rewindable::new(file)?));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default().saturating_add(1));
    let read = (&file).take(IN_MEMORY + 1).read_to_end(&mut bytes)?;
    match read as u64 > IN_MEMORY {
        true => Ok(Arc::new(Rewindable::new(file)?)),
        false => Ok(Memory::owned(bytes)),
    }
}

/// A mail of an mbox file, with its lines as they were.
fn part(path: &Path, start: u64, end: u64) -> io::Result<SharedSource<'static>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut input = BufReader::with_capacity(64 << 10, file).take(end.saturating_sub(start));
    if end.saturating_sub(start) <= IN_MEMORY {
        let mut bytes = Vec::new();
        mbox::copy_unquoted(&mut input, &mut bytes)?;
        return Ok(Memory::owned(bytes));
    }
    let mut spool = output::spool(&std::env::temp_dir())?;
    let mut out = io::BufWriter::with_capacity(64 << 10, &mut spool);
    mbox::copy_unquoted(&mut input, &mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(Arc::new(Rewindable::new(spool)?))
}

/// A mail, as the job takes it.
pub(super) struct Item<'i> {
    pub(super) items: &'i Items,
    pub(super) item: &'i Entry,
    pub(super) place: Place<'i>,
}

impl<'i> Mail for Item<'i> {
    type Id = Id;
    type Out = Draft<'i>;

    fn into_id(self) -> Id {
        Id { key: self.item.key().to_vec(), name: self.item.name.as_encoded_bytes().to_vec() }
    }

    fn source(&self) -> io::Result<SharedSource<'_>> {
        // Before a key is asked.
        self.place.refuse_existing(&self.item.name)?;
        let source = self.items.open(self.item)?;
        if verbs::is_compound_file(&source) {
            let why = "it is an Outlook .msg file, which bulk does not read; the same message saved as .eml will do";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(source)
    }

    fn out(&self) -> io::Result<Draft<'i>> {
        self.place.draft()
    }
}
