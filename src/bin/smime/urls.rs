//! `--files [URL=]DIR`: what the file URLs of an LDIF file stand for. Nothing else than files below one folder, which was
//! named, is ever opened; the library opens nothing at all.

use crate::console::Console;
use crate::input::{Secrecy, small_file};
use smime::Limits;
use smime::base::reason::visible;
use smime::store::ldif::Ldif;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A folder, and how the URLs begin that mean files in it.
#[derive(Clone, Debug)]
pub(crate) struct FileUrls {
    prefix: String,
    folder: PathBuf,
}

impl FromStr for FileUrls {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (prefix, folder) = match text.split_once('=') {
            Some((url, folder)) if url.contains(':') => (url, folder),
            _ => ("file:///", text),
        };
        let mut prefix = path_of(prefix).ok_or("the URL is none of a file on this machine, like file:///tmp/")?;
        if !prefix.ends_with('/') {
            prefix.push('/');
        }
        let folder = std::fs::canonicalize(folder).map_err(|e| format!("the folder {folder}: {e}"))?;
        if folder.is_dir() { Ok(Self { prefix, folder }) } else { Err(format!("{} is no folder", folder.display())) }
    }
}

impl FileUrls {
    /// Puts files in the place of URLs, and tells which are not there.
    pub(crate) fn resolve(&self, file: &mut Ldif, console: Console) -> Result<(), smime::store::ldif::Error> {
        let (mut asked, mut missing) = (0usize, Vec::new());
        file.resolve(&Limits::default(), |url| {
            asked += 1;
            self.read(url, console).map_err(|why| missing.push(format!("{}: {why}", visible(url)))).ok()
        })?;
        if let Some(first) = missing.first() {
            console.warn(format_args!("{} of {asked} URLs were not resolved; the first is {first}", missing.len()));
        }
        Ok(())
    }

    fn read(&self, url: &str, console: Console) -> Result<Vec<u8>, String> {
        let path = path_of(url).ok_or("it is no URL of a file on this machine")?;
        let below = path.strip_prefix(&self.prefix).ok_or_else(|| format!("it is not below file://{}", self.prefix))?;
        let plain = |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains(['\\', '\0', ':']);
        if !below.split('/').all(plain) {
            return Err("it does not name a file below the folder".to_owned());
        }
        let file = self.folder.join(Path::new(below));
        // A link may lead out of the folder; the name that it leads to decides.
        let real = std::fs::canonicalize(&file).map_err(|e| e.to_string())?;
        if !real.starts_with(&self.folder) {
            return Err("it leads out of the folder".to_owned());
        }
        let bytes = small_file(&real, Limits::default().structure_bytes, Secrecy::Open, console);
        bytes.map(|bytes| bytes.expose().to_vec()).map_err(|failure| failure.why)
    }
}

/// The path of a file URL, decoded (RFC 8089 section 2): no host, or this one.
fn path_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => rest,
    };
    decoded(path).filter(|path| path.starts_with('/'))
}

/// Percent-encoding undone; `None` where it is broken or no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet == b'%' {
            let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
            octets.push(digit()? << 4 | digit()?);
        } else {
            octets.push(octet);
        }
    }
    String::from_utf8(octets).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_this_machine_have_a_path() {
        for (url, path) in [
            ("file:///tmp/a%20b", Some("/tmp/a b")),
            ("FILE://localhost/a", Some("/a")),
            ("file:/a", Some("/a")),
            ("file://other/a", None),
            ("http:///a", None),
            ("file:///%zz", None),
            ("file:///%ff", None),
            ("file:a", None),
        ] {
            assert_eq!(path_of(url).as_deref(), path, "{url}");
        }
    }

    #[test]
    fn nothing_outside_the_folder_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(inside.join("a"), b"a").unwrap();
        std::fs::write(folder.path().join("secret"), b"secret").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path().join("secret"), inside.join("link")).unwrap();
        let urls: FileUrls = format!("file:///tmp={}", inside.display()).parse().unwrap();
        let console = Console { quiet: true, no_input: true };
        assert_eq!(urls.read("file:///tmp/a", console).unwrap(), b"a");
        for url in [
            "file:///tmp/../secret",
            "file:///tmp/%2e%2e/secret",
            "file:///tmp/link",
            "file:///tmp//etc/passwd",
            "file:///tmp/./a",
            "file:///tmp/b",
            "file:///tmp/",
            "file:///other/a",
            "file:///tmpx/a",
            "http:///tmp/a",
        ] {
            assert!(urls.read(url, console).is_err(), "{url}");
        }
        assert!("http://x/=.".parse::<FileUrls>().is_err());
        assert!("/no/such/folder".parse::<FileUrls>().is_err());
    }
}
