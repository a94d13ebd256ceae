//! A result that is being written: hashed on its way, under a temporary name.

use super::disk::Disk;
use smime::bulk::journal::Ready;
use smime::bulk::storage::{Existing, Storage};
use smime::crypto::algorithm::DigestAlgorithm;
use smime::crypto::digest::Hasher;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Where results go.
#[derive(Clone, Copy)]
pub(super) enum Place<'d> {
    Disk(&'d Disk, Existing),
    /// Into no file; the folder is where they would be.
    Nowhere(&'d Path, Existing),
}

/// The name is taken by a file that is not this job's.
#[derive(Debug, thiserror::Error)]
#[error("its result is there already")]
struct ThereAlready;

pub(super) fn is_there_already(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<ThereAlready>())
}

impl<'d> Place<'d> {
    pub(super) fn refuse_existing(self, name: &OsStr) -> io::Result<()> {
        let (path, existing) = match self {
            Self::Disk(disk, existing) => (disk.path(name), existing),
            Self::Nowhere(folder, existing) => (folder.join(name), existing),
        };
        if existing == Existing::Refuse && path.symlink_metadata().is_ok() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, ThereAlready));
        }
        Ok(())
    }

    pub(super) fn draft(self) -> io::Result<Draft<'d>> {
        let target = match self {
            Self::Disk(disk, _) => {
                let temporary = disk.temporary();
                let file = disk.create(&temporary)?;
                Some(Target { disk, temporary, file, kept: false })
            }
            Self::Nowhere(..) => None,
        };
        Ok(Draft {
            target,
            buffer: Vec::with_capacity(BUFFER),
            hasher: Hasher::new(DigestAlgorithm::Sha256),
            length: 0,
        })
    }
}

/// Most mails are written in one piece.
const BUFFER: usize = 32 << 10;

pub(super) struct Draft<'d> {
    target: Option<Target<'d>>,
    buffer: Vec<u8>,
    hasher: Hasher,
    length: u64,
}

struct Target<'d> {
    disk: &'d Disk,
    temporary: String,
    file: File,
    kept: bool,
}

impl Draft<'_> {
    /// It is whole; it keeps its temporary name until it is given its own.
    pub(super) fn into_ready(mut self, key: Vec<u8>, name: Vec<u8>) -> Ready {
        let temporary = match &mut self.target {
            Some(target) => {
                target.kept = true;
                target.temporary.clone()
            }
            None => String::new(),
        };
        let sha256 = self.hasher.finish().try_into().unwrap_or_default();
        Ready { key, name, temporary, sha256, length: self.length }
    }

    fn drain(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.buffer);
        let written = self.put(&bytes);
        self.buffer = bytes;
        self.buffer.clear();
        written
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        match &mut self.target {
            Some(target) => target.file.write_all(bytes).map_err(|e| target.disk.about(&target.temporary, &e)),
            None => Ok(()),
        }
    }
}

impl Write for Draft<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.drain()?;
        }
        if bytes.len() >= BUFFER {
            self.put(bytes)?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.drain()
    }
}

impl Drop for Target<'_> {
    fn drop(&mut self) {
        if !self.kept {
            // What stays all the same, the next run takes away.
            let _ = self.disk.remove(&self.temporary);
        }
    }
}
