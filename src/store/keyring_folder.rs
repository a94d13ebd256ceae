//! A folder that keys and certificates are installed in (OUT-110, OUT-111). Each file lies there as it came, so that what
//! was encrypted stays encrypted, under the SHA-256 of its bytes; an index, which people can read, says what each is.
//!
//! The index is the truth: what it names was written before it, and what it does not name is nothing. So an installation is
//! there as a whole or not at all, and so is a removal.

mod index;

use super::import::{self, Import, ImportOptions};
use super::p12::MissingMac;
use super::private_folder::{Locked, PrivateFolder};
use super::select::VisibleTo;
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::base::secret::Secret;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::mailbox::Mailboxes;
use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::digest::Hasher;
use crate::policy::profile::Profile;
use std::io;
use std::path::{Path, PathBuf};

/// A keyring in a folder.
#[derive(Clone, Debug)]
pub struct KeyringFolder {
    folder: PrivateFolder,
}

/// A file that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the folder.
    pub file: String,
    /// What its private keys are protected by.
    pub protection: Protection,
    /// How many private keys it holds.
    pub keys: usize,
    /// Who sees it.
    pub visible_to: VisibleTo,
    /// What it was called where it came from, for people.
    pub came_as: String,
    /// When it was installed.
    pub installed: Time,
    /// Its certificates.
    pub certificates: Vec<Listed>,
}

/// A certificate of an [`Entry`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// Whether its private key lies in the same file.
    pub has_key: bool,
    /// Its subject, for people.
    pub subject: String,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// When it begins.
    pub from: Time,
    /// When it ends.
    pub until: Time,
}

/// What private keys are protected by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// A password.
    Password,
    /// Nothing: no password, or an empty one (OUT-112).
    Nothing,
    /// There is no private key.
    Public,
}

/// Whether private keys are taken that no password protects (OUT-112). The default is the strict choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyPassword {
    /// [`Error::Unprotected`].
    #[default]
    Refuse,
    /// They are.
    Allow,
}

/// A file that may be installed: its password opened it, and its MAC held. There is no other way to have one.
#[derive(Clone, Debug)]
pub struct Installable {
    bytes: Secret,
    import: Import,
    protection: Protection,
    came_as: String,
    visible_to: VisibleTo,
}

/// What became of a file that was to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installed {
    /// It is there now.
    New(Entry),
    /// It was there, or all of its certificates were.
    Known(Entry),
}

/// Why nothing was installed, removed or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The disk says no.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// The file is not read: its password is wrong or missing, or it is damaged.
    #[error("{0}")]
    Store(#[from] super::Error),
    /// Its private key is protected by no password (OUT-112).
    #[error("its private key is protected by no password, or by an empty one, and whoever has the file has the key")]
    Unprotected,
    /// The same certificate is there with its key, in another file. Nothing is written over.
    #[error("the key of {subject} is installed already, in {file}")]
    KeyIsThere {
        /// Whose key.
        subject: String,
        /// Where it is.
        file: String,
    },
    /// Others can read the folder, or write to it.
    #[error("others may use the folder {} (mode {mode:03o}), and it should be its owner's alone", .path.display())]
    OpenToOthers {
        /// The folder.
        path: PathBuf,
        /// What its mode lets others do.
        mode: u32,
    },
    /// There is no index, and something else.
    #[error("{} is not a keyring: there is no index in it, and other files are", .path.display())]
    NoKeyring {
        /// The folder.
        path: PathBuf,
    },
    /// The index is not what was written.
    #[error("line {line} of the index: {why}")]
    Index {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A file is not there, or not what was installed.
    #[error("{file} is {why}")]
    Altered {
        /// Which file.
        file: String,
        /// What it is instead.
        why: &'static str,
    },
    /// None of that name, or several.
    #[error("{found} of the installed files begin with {name:?}, and one is needed")]
    NotOne {
        /// What was asked for.
        name: String,
        /// How many there are.
        found: usize,
    },
}

const INDEX: &str = "index";
/// Hexadecimal digits of a file's name that tell it from others.
const SHORTEST_NAME: usize = 6;

impl Protection {
    const ALL: [(&'static str, Self); 3] =
        [("password", Self::Password), ("nothing", Self::Nothing), ("public", Self::Public)];

    /// Its name in the index.
    pub fn name(self) -> &'static str {
        name_in(&Self::ALL, self)
    }
}

fn name_in<T: PartialEq>(all: &[(&'static str, T)], wanted: T) -> &'static str {
    all.iter().find(|(_, this)| *this == wanted).map_or("", |(name, _)| name)
}

impl Installable {
    /// Opens a file with its password, so that it is known to be right. `came_as` is what the file was called.
    ///
    /// # Errors
    /// [`Error::Store`] with all errors of [`import::read`], [`Error::Unprotected`].
    pub fn open(
        bytes: Secret,
        came_as: &str,
        password: Option<&Secret>,
        empty: EmptyPassword,
        options: &ImportOptions,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let read = |password: Option<&Secret>| import::read(bytes.expose(), password, options, limits);
        let (import, protection) = match read(None) {
            Ok(import) if has_keys(&import) => (import, Protection::Nothing),
            Ok(import) => (import, Protection::Public),
            Err(super::Error::PasswordNeeded { what }) => match password.filter(|password| !password.is_empty()) {
                Some(password) => (read(Some(password))?, Protection::Password),
                None => match read(Some(&Secret::from(""))) {
                    Ok(import) => (import, Protection::Nothing),
                    Err(super::Error::WrongPasswordOrCorrupt) if password.is_none() => {
                        return Err(super::Error::PasswordNeeded { what }.into());
                    }
                    Err(error) => return Err(error.into()),
                },
            },
            Err(error) => return Err(error.into()),
        };
        if import.certificates.is_empty() && !has_keys(&import) {
            let found = "without any certificate or private key".to_owned();
            return Err(super::Error::NotRecognised { found }.into());
        }
        if protection == Protection::Nothing && empty == EmptyPassword::Refuse {
            return Err(Error::Unprotected);
        }
        Ok(Self { bytes, import, protection, came_as: came_as.to_owned(), visible_to: VisibleTo::default() })
    }

    /// The same for those who see it.
    #[must_use]
    pub fn visible_to(self, visible_to: VisibleTo) -> Self {
        Self { visible_to, ..self }
    }

    /// What it holds.
    pub fn import(&self) -> &Import {
        &self.import
    }

    /// What its keys are protected by.
    pub fn protection(&self) -> Protection {
        self.protection
    }

    fn entry(&self, installed: Time) -> Entry {
        let has_key = |certificate: &Certificate| {
            self.import.identities.iter().any(|identity| identity.certificate() == certificate)
        };
        let listed = |certificate: &Certificate| Listed {
            sha256: hex(&certificate.sha256()),
            has_key: has_key(certificate),
            subject: certificate.subject().to_string(),
            addresses: Mailboxes::of(certificate).all().iter().map(|mailbox| mailbox.address.to_string()).collect(),
            from: certificate.not_before(),
            until: certificate.not_after(),
        };
        Entry {
            file: format!("{}.{}", digest(self.bytes.expose()), extension(&self.came_as)),
            protection: self.protection,
            keys: self.import.private_keys(),
            visible_to: self.visible_to,
            came_as: self.came_as.clone(),
            installed,
            certificates: self.import.certificates.iter().map(listed).collect(),
        }
    }
}

impl Entry {
    /// Why a profile's program does not see it (OUT-136).
    pub fn hidden_from(&self, profile: Profile) -> Option<Reason> {
        match self.visible_to {
            VisibleTo::AppsThatSee(keychain, platform) if profile == Profile::OutlookMobile => {
                keychain.visible_to_outlook(platform).err()
            }
            _ => None,
        }
    }
}

impl KeyringFolder {
    /// A keyring that is made where it is not there; on Unix it belongs to its owner alone.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::OpenToOthers`], [`Error::NoKeyring`].
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let folder = PrivateFolder::create(&path).map_err(|error| Error::Io { path, error })?;
        let this = Self { folder };
        this.check()?;
        Ok(this)
    }

    /// A keyring that is there.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let folder = PrivateFolder::existing(&path).map_err(|error| Error::Io { path, error })?;
        let this = Self { folder };
        this.check()?;
        Ok(this)
    }

    fn check(&self) -> Result<(), Error> {
        let path = || self.path().to_path_buf();
        let mode = self.folder.mode_of_others().map_err(|error| self.failed(error))?;
        if mode != 0 {
            return Err(Error::OpenToOthers { path: path(), mode });
        }
        let names = self.folder.names().map_err(|error| self.failed(error))?;
        // What was killed before its first index left files of these names only.
        let ours = |name: &String| index::is_file_name(name) || super::private_folder::is_own(name);
        if !names.iter().any(|name| name == INDEX) && !names.iter().all(ours) {
            return Err(Error::NoKeyring { path: path() });
        }
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What is installed, in its order.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Index`].
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        let most = Limits::default().structure_bytes as u64;
        match self.folder.read(INDEX, most).map_err(|error| self.failed(error))? {
            Some(bytes) => index::read(&bytes),
            None => Ok(Vec::new()),
        }
    }

    /// Installs files: all of them, or none. What is there is not written over.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Index`], [`Error::KeyIsThere`].
    pub fn install(&self, files: &[Installable], at: Time) -> Result<Vec<Installed>, Error> {
        let locked = self.folder.lock().map_err(|error| self.failed(error))?;
        let mut entries = self.entries()?;
        let mut answers = Vec::with_capacity(files.len());
        let mut new: Vec<(&Installable, String)> = Vec::new();
        for file in files {
            let entry = file.entry(at);
            if let Some(there) = known(&entry, &entries)? {
                answers.push(Installed::Known(there));
                continue;
            }
            new.push((file, entry.file.clone()));
            entries.push(entry.clone());
            answers.push(Installed::New(entry));
        }
        if !new.is_empty() {
            self.sweep(&locked)?;
            let written = new
                .iter()
                .try_for_each(|(file, name)| locked.put(name, file.bytes.expose()))
                .and_then(|()| locked.put(INDEX, &index::write(&entries)));
            if let Err(error) = written {
                // By the index that is there now, which may be the new one.
                let _ = self.sweep(&locked);
                return Err(self.failed(error));
            }
        }
        Ok(answers)
    }

    /// Removes a file, by the beginning of its name.
    ///
    /// # Errors
    /// [`Error::NotOne`], [`Error::Io`], [`Error::Index`].
    pub fn remove(&self, name: &str) -> Result<Entry, Error> {
        let locked = self.folder.lock().map_err(|error| self.failed(error))?;
        let mut entries = self.entries()?;
        let meant = |entry: &Entry| name.len() >= SHORTEST_NAME && entry.file.starts_with(name);
        let found = entries.iter().filter(|entry| meant(entry)).count();
        let place = entries.iter().position(meant).filter(|_| found == 1);
        let Some(place) = place else { return Err(Error::NotOne { name: name.to_owned(), found }) };
        let entry = entries.remove(place);
        locked.put(INDEX, &index::write(&entries)).map_err(|error| self.failed(error))?;
        self.sweep(&locked)?;
        Ok(entry)
    }

    /// Opens an installed file.
    ///
    /// # Errors
    /// [`Error::Altered`], and [`Error::Store`] where the password is missing or wrong.
    pub fn unlock(&self, entry: &Entry, password: Option<&Secret>, limits: &Limits) -> Result<Import, Error> {
        let altered = |why| Error::Altered { file: entry.file.clone(), why };
        let read = self.folder.read(&entry.file, limits.structure_bytes as u64).map_err(|error| self.failed(error))?;
        let bytes = Secret::new(read.ok_or_else(|| altered("not there"))?);
        if !entry.file.starts_with(&digest(bytes.expose())) {
            return Err(altered("not what was installed"));
        }
        let empty = Secret::from("");
        let password = if entry.protection == Protection::Nothing { Some(&empty) } else { password };
        // It is known byte by byte, and whoever installed it was asked.
        let options = ImportOptions::default().missing_mac(MissingMac::Accept);
        Ok(import::read(bytes.expose(), password, &options, limits)?)
    }

    /// Removes what the index does not name: of an installation or a removal that was not finished.
    fn sweep(&self, locked: &Locked<'_>) -> Result<(), Error> {
        let entries = self.entries()?;
        for name in self.folder.names().map_err(|error| self.failed(error))? {
            if index::is_file_name(&name) && entries.iter().all(|entry| entry.file != name) {
                locked.remove(&name).map_err(|error| self.failed(error))?;
            }
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::Io { path: self.path().to_path_buf(), error }
    }
}

/// The entry that makes another one needless.
fn known(entry: &Entry, entries: &[Entry]) -> Result<Option<Entry>, Error> {
    let stem = |entry: &Entry| entry.file.split('.').next().unwrap_or_default().to_owned();
    if let Some(same) = entries.iter().find(|other| stem(other) == stem(entry)) {
        return Ok(Some(same.clone()));
    }
    let with = |wanted: &Listed| {
        let same = |listed: &Listed| listed.sha256 == wanted.sha256 && (listed.has_key || !wanted.has_key);
        entries.iter().find(|other| other.certificates.iter().any(same))
    };
    for wanted in entry.certificates.iter().filter(|listed| listed.has_key) {
        if let Some(other) = with(wanted) {
            return Err(Error::KeyIsThere { subject: wanted.subject.clone(), file: other.file.clone() });
        }
    }
    if entry.keys > 0 || !entry.certificates.iter().all(|listed| with(listed).is_some()) {
        return Ok(None);
    }
    Ok(entry.certificates.first().and_then(with).cloned())
}

fn has_keys(import: &Import) -> bool {
    import.private_keys() > 0
}

fn digest(bytes: &[u8]) -> String {
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    hasher.update(bytes);
    hex(&hasher.finish())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Of the name that a file came with, so that people know what it is; its content says what it is.
fn extension(came_as: &str) -> &'static str {
    let known = ["p12", "pfx", "cer", "crt", "p7b", "p7c", "pem", "key", "p8"];
    let given = came_as.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    known.into_iter().find(|extension| *extension == given).unwrap_or("bin")
}

#[cfg(test)]
mod tests;
