//! Words for people, on standard error, and questions to them, on the terminal. Standard output is for data alone.

use smime::Secret;
use smime::base::reason::{Reason, visible};
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// How much is said, and whether may be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    pub(crate) quiet: bool,
    pub(crate) no_input: bool,
}

impl Console {
    /// A line that is good to know.
    pub(crate) fn say(self, text: impl fmt::Display) {
        if !self.quiet {
            // Nobody to tell is no reason to fail.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// A line that somebody should look at.
    pub(crate) fn warn(self, text: impl fmt::Display) {
        self.say(format_args!("warning: {text}"));
    }

    /// Notes of the library about `what`.
    pub(crate) fn notes(self, what: impl fmt::Display, notes: &[Reason]) {
        for note in notes {
            self.say(format_args!("note: {what}: {note} [{}]", note.code));
        }
    }

    /// What a command failed of; said even where it is to be quiet.
    pub(crate) fn error(self, text: impl fmt::Display) {
        let _ = writeln!(io::stderr(), "error: {text}");
    }

    /// Asks for the password of a file, where there is somebody to ask.
    pub(crate) fn password(self, file: &Path) -> Option<io::Result<Secret>> {
        self.ask(format_args!("Password of {}", file.display()))
    }

    /// Asks for what nobody else is to see, where there is somebody to ask.
    pub(crate) fn ask(self, what: impl fmt::Display) -> Option<io::Result<Secret>> {
        if self.no_input || !io::stderr().is_terminal() {
            return None;
        }
        let prompt = format!("{}: ", visible(&what.to_string()));
        let _silent = Silent::begin();
        Some(rpassword::prompt_password(prompt).map(|text| Secret::new(text.into_bytes())))
    }
}

/// The terminal shows nothing of what is typed, from before the prompt on: whoever types ahead of rpassword, which prompts
/// first, would otherwise see the password.
struct Silent {
    #[cfg(unix)]
    terminal: Option<(std::fs::File, rustix::termios::Termios)>,
}

impl Silent {
    #[cfg(unix)]
    fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let quiet = || {
            let terminal = std::fs::File::options().read(true).write(true).open("/dev/tty").ok()?;
            let before = tcgetattr(&terminal).ok()?;
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            tcsetattr(&terminal, OptionalActions::Now, &silent).ok()?;
            Some((terminal, before))
        };
        Self { terminal: quiet() }
    }

    #[cfg(not(unix))]
    fn begin() -> Self {
        Self {}
    }
}

#[cfg(unix)]
impl Drop for Silent {
    fn drop(&mut self) {
        if let Some((terminal, before)) = &self.terminal {
            let _ = rustix::termios::tcsetattr(terminal, rustix::termios::OptionalActions::Now, before);
        }
    }
}
