//! How far a job is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How far a job is; every clone tells of the same job.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    done: AtomicU64,
    failed: AtomicU64,
    bytes: AtomicU64,
    /// One more than how many mails there are; 0 where that is not known.
    expected: AtomicU64,
}

impl Progress {
    /// Says how many mails there are, where the job cannot know.
    pub fn expect(&self, mails: u64) {
        self.0.expected.store(mails.saturating_add(1), Ordering::Relaxed);
    }

    /// What was worked on so far. It may not have been handed on yet.
    pub fn now(&self) -> Snapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { done, failed, bytes, expected } = &*self.0;
        let (done, failed, bytes) = (read(done), read(failed), read(bytes));
        Snapshot { done, failed, bytes, expected: read(expected).checked_sub(1) }
    }

    pub(super) fn count(&self, well: bool, bytes: u64) {
        let counter = if well { &self.0.done } else { &self.0.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// How far a job was at a moment. What it has to do with time is told by whoever has a clock.
///
/// ```
/// use smime::bulk::progress::Snapshot;
/// use std::time::Duration;
/// let now = Snapshot { done: 290, failed: 10, bytes: 3_000_000, expected: Some(1_000) };
/// let since = Duration::from_secs(3);
/// assert_eq!((now.rate(since), now.byte_rate(since)), (100.0, 1_000_000.0));
/// assert_eq!(now.eta(since), Some(Duration::from_secs(7)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Mails with a result.
    pub done: u64,
    /// Mails that failed.
    pub failed: u64,
    /// Bytes of all of them, as they came in.
    pub bytes: u64,
    /// How many mails there are, where that is known.
    pub expected: Option<u64>,
}

impl Snapshot {
    /// Mails done and failed.
    pub fn worked(&self) -> u64 {
        self.done.saturating_add(self.failed)
    }

    /// Mails per second since the job began, so long ago.
    pub fn rate(&self, since: Duration) -> f64 {
        per_second(self.worked(), since)
    }

    /// Bytes per second since the job began, so long ago.
    pub fn byte_rate(&self, since: Duration) -> f64 {
        per_second(self.bytes, since)
    }

    /// How long it will take from here on, at the rate so far; `None` where nobody can tell.
    pub fn eta(&self, since: Duration) -> Option<Duration> {
        let left = self.expected?.saturating_sub(self.worked());
        let rate = self.rate(since);
        if rate <= 0.0 {
            return None;
        }
        Duration::try_from_secs_f64(left as f64 / rate).ok()
    }
}

fn per_second(count: u64, since: Duration) -> f64 {
    let seconds = since.as_secs_f64();
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}
