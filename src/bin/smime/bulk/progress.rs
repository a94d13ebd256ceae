//! What is said while a job runs: a bar where somebody looks on, a line now and then where a file does.

use crate::console::Console;
use smime::base::reason::visible;
use smime::bulk::journal::Failed;
use smime::bulk::progress::Snapshot;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

pub(super) struct Teller {
    console: Console,
    terminal: bool,
    began: Instant,
    last: Instant,
    drawn: bool,
    expected: u64,
}

/// Between two states of the bar.
const BLINK: Duration = Duration::from_millis(100);
/// Between two lines.
const LINE: Duration = Duration::from_secs(10);
/// Columns where the terminal does not say.
const COLUMNS: usize = 80;

impl Teller {
    pub(super) fn new(console: Console, expected: u64) -> Self {
        let now = Instant::now();
        let terminal = io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { console, terminal, began: now, last: now, drawn: false, expected }
    }

    /// How far it is, if it is time to say so.
    pub(super) fn tick(&mut self, now: &Snapshot) {
        let pause = if self.terminal { BLINK } else { LINE };
        if self.console.quiet || self.last.elapsed() < pause {
            return;
        }
        self.last = Instant::now();
        let now = Snapshot { expected: Some(self.expected), ..*now };
        let since = self.began.elapsed();
        if self.terminal {
            let _ = write!(io::stderr(), "\r{}\x1b[K", bar(&now, since, columns()));
            let _ = io::stderr().flush();
            self.drawn = true;
        } else {
            self.console.say(words(&now, since));
        }
    }

    /// A mail that has no result; said even where nothing else is.
    pub(super) fn failed(&mut self, failed: &Failed) {
        self.clear();
        let input = visible(&String::from_utf8_lossy(&failed.key));
        self.console.error(format_args!("{input}: {} [{}]", visible(&failed.reason), failed.code));
    }

    /// Takes the bar away.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn columns() -> usize {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(io::stderr())
        && size.ws_col > 0
    {
        return size.ws_col.into();
    }
    COLUMNS
}

fn words(now: &Snapshot, since: Duration) -> String {
    let all = now.expected.unwrap_or_default();
    let failed = if now.failed > 0 { format!(", {} failed", now.failed) } else { String::new() };
    let eta = now.eta(since).map_or(String::new(), |eta| format!(", eta {}", clock(eta)));
    let (rate, bytes) = (now.rate(since), now.byte_rate(since) / 1e6);
    format!("{}/{all} mails, {rate:.0}/s, {bytes:.1} MB/s{eta}{failed}", now.worked())
}

fn bar(now: &Snapshot, since: Duration, columns: usize) -> String {
    let words = words(now, since);
    // The last column stays free: some terminals begin a new line there.
    let room = columns.saturating_sub(words.len() + 4);
    if room < 10 {
        return words.chars().take(columns.saturating_sub(1)).collect();
    }
    let (worked, all) = (u128::from(now.worked()), u128::from(now.expected.unwrap_or_default().max(1)));
    let full = usize::try_from(room as u128 * worked.min(all) / all).unwrap_or(room);
    format!("[{}{}] {words}", "=".repeat(full), " ".repeat(room - full))
}

fn clock(left: Duration) -> String {
    let seconds = left.as_secs();
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fits_its_terminal_and_tells_how_far_it_is() {
        let now = Snapshot { done: 49, failed: 1, bytes: 5_000_000, expected: Some(100) };
        let since = Duration::from_secs(5);
        for columns in 0..200 {
            assert!(bar(&now, since, columns).len() < columns.max(1), "{columns}");
        }
        let wide = bar(&now, since, 100);
        assert!(wide.ends_with("] 50/100 mails, 10/s, 1.0 MB/s, eta 0:05, 1 failed"), "{wide}");
        let filled = wide.matches('=').count();
        assert!(filled.abs_diff(wide.matches(' ').count().saturating_sub(9)) <= 1, "{wide}");
        assert_eq!(clock(Duration::from_secs(3_725)), "1:02:05");
        let nothing = Snapshot { done: 0, failed: 0, bytes: 0, expected: Some(0) };
        assert!(bar(&nothing, Duration::ZERO, 80).ends_with("] 0/0 mails, 0/s, 0.0 MB/s"));
    }
}
