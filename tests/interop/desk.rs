//! A folder and an environment of its own for a peer, and running it there: nothing of the person's who runs the tests
//! is read or written, and nobody waits forever.

use crate::tally::{Failure, Outcome, ours};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(120);

/// Where a peer works.
pub struct Desk {
    folder: TempDir,
}

impl Desk {
    /// An empty one.
    pub fn new() -> Self {
        // Short, since the socket of an agent has a path of 108 bytes at most.
        Self { folder: tempfile::Builder::new().prefix("smime").tempdir().unwrap() }
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file; gives its name.
    pub fn write<'n>(&self, name: &'n str, bytes: impl AsRef<[u8]>) -> &'n str {
        fs::write(self.path(name), bytes).unwrap();
        name
    }

    /// Reads a file that the peer has written.
    pub fn read(&self, name: &str) -> Outcome<Vec<u8>> {
        fs::read(self.path(name)).map_err(|error| Failure::Peer(format!("it did not write {name}: {error}")))
    }

    /// Runs the peer; gives what it says on stdout.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Outcome<Vec<u8>> {
        self.run_with(program, arguments, None)
    }

    /// The same with a file of the desk for stdin.
    pub fn run_with(&self, program: &str, arguments: &[&str], stdin: Option<&str>) -> Outcome<Vec<u8>> {
        let (out, err) = (self.path(".stdout"), self.path(".stderr"));
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .env("HOME", self.folder.path())
            // An empty configuration, so that the machine's own decides nothing.
            .env("OPENSSL_CONF", "/dev/null")
            .env("GNUPGHOME", self.path("gnupg"))
            .stdin(stdin.map_or_else(Stdio::null, |name| File::open(self.path(name)).unwrap().into()))
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap());
        let status = wait(&mut command, program)?;
        let said = |file: &Path| fs::read(file).unwrap_or_default();
        if status.success() {
            return Ok(said(&out));
        }
        let words = String::from_utf8_lossy(&said(&err)).trim().to_owned();
        Err(Failure::Peer(format!("{program} ({status}): {words}")))
    }
}

/// Whether a program can be started at all.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn wait(command: &mut Command, program: &str) -> Outcome<ExitStatus> {
    let mut child = command.spawn().map_err(ours)?;
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().map_err(ours)? {
            return Ok(status);
        }
        if Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Failure::Ours(format!("{program} did not end within {} seconds", PATIENCE.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
