//! A job: workers that block independently of each other, outcomes in the order of the mails.

use super::mail::{Failure, Mail, Outcome};
use super::progress::Progress;
use super::verb::Verb;
use super::window::Window;
use crate::base::time::Time;
use std::any::Any;
use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// One verb for many mails.
///
/// A worker takes a mail, opens it, works on it, and takes the next. Where the key lies elsewhere and a worker waits for it,
/// the others go on: a service that takes its time is kept busy by more workers than there are cores.
pub struct Bulk<V> {
    verb: V,
    workers: usize,
    window: Option<usize>,
    most_failures: Option<u64>,
    progress: Progress,
    stopper: Stopper,
}

/// Outcomes that may wait for a slow mail before them, for each worker.
const WINDOW_PER_WORKER: usize = 4;

impl<V: Verb> Bulk<V> {
    /// With as many workers as the machine has cores.
    pub fn new(verb: V) -> Self {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let (progress, stopper) = (Progress::default(), Stopper::default());
        Self { verb, workers, window: None, most_failures: None, progress, stopper }
    }

    /// So many mails are worked on at a time; at least one. The memory that a job takes is bounded by this number.
    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Self { workers: workers.max(1), ..self }
    }

    /// So many mails may be begun before the first of them was handed on: how far the others may run ahead of a slow one, or
    /// of a slow taker. Four for each worker otherwise.
    #[must_use]
    pub fn window(self, mails: usize) -> Self {
        Self { window: Some(mails), ..self }
    }

    /// Stops when so many mails have failed.
    #[must_use]
    pub fn stop_after(self, failures: u64) -> Self {
        Self { most_failures: Some(failures), ..self }
    }

    /// How far it is; to be asked from any thread.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// What stops it, from any thread.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Works on every mail. `each` is given the outcomes in the order of the mails, in the caller's thread; while it takes
    /// its time the workers run ahead no further than the [`window`](Self::window).
    ///
    /// `mails` is asked for the next one by a worker while the other workers wait; reading belongs into [`Mail::source`].
    ///
    /// # Errors
    /// What `each` returns, which stops the job.
    pub fn run<I, M, X>(
        &self,
        mails: I,
        clock: impl Fn() -> Time + Sync,
        mut each: impl FnMut(Outcome<M::Id, M::Out, V::Error>) -> Result<(), X>,
    ) -> Result<Ended<V::Error>, X>
    where
        I: IntoIterator<Item = M>,
        I::IntoIter: Send,
        M: Mail,
    {
        let mails = mails.into_iter();
        if let (least, Some(most)) = mails.size_hint()
            && least == most
        {
            self.progress.expect(most as u64);
        }
        let width = self.window.unwrap_or_else(|| self.workers.saturating_mul(WINDOW_PER_WORKER));
        let run = Run { bulk: self, window: Window::new(mails, width), clock, stop: Mutex::new(None) };
        let (mut done, mut failed) = (0, 0);
        let result = thread::scope(|scope| {
            let _closing = Closing(|| run.window.close());
            let mut started = 0;
            for _ in 0..self.workers {
                match thread::Builder::new().name("bulk".to_owned()).spawn_scoped(scope, || run.work()) {
                    Ok(_) => started += 1,
                    // Fewer workers do it, too.
                    Err(_) if started > 0 => break,
                    Err(error) => {
                        run.stop(Stop::Threads(error));
                        return Ok(());
                    }
                }
            }
            while let Some(outcome) = run.window.next() {
                match outcome.result {
                    Ok(_) => done += 1,
                    Err(_) => failed += 1,
                }
                each(outcome)?;
                if self.most_failures.is_some_and(|most| failed >= most) {
                    run.stop(Stop::Failures(failed));
                }
            }
            Ok(())
        });
        let stop = run.stop.into_inner().unwrap_or_else(PoisonError::into_inner);
        result.map(|()| Ended { done, failed, stop })
    }
}

/// How a job ended.
#[derive(Debug)]
pub struct Ended<E> {
    /// Mails with a result.
    pub done: u64,
    /// Mails without one.
    pub failed: u64,
    /// Why it stopped before the last mail; `None` where it did not. What was not handed on is neither done nor failed.
    pub stop: Option<Stop<E>>,
}

/// Why a job stopped before its last mail.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stop<E> {
    /// What every mail needs is not there any more: the signer is unavailable, or its certificate has expired (SEC-152).
    Unavailable(E),
    /// A result could not be written (SEC-148).
    Output(io::Error),
    /// So many mails have failed.
    Failures(u64),
    /// Somebody asked for it ([`Stopper`]).
    Asked,
    /// The system gives no threads.
    Threads(io::Error),
}

impl<E: fmt::Display> fmt::Display for Stop<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(error) => error.fmt(f),
            Self::Output(error) => write!(f, "a result cannot be written: {error}"),
            Self::Failures(count) => write!(f, "{count} mails have failed"),
            Self::Asked => f.write_str("it was asked to stop"),
            Self::Threads(error) => write!(f, "there are no threads to be had: {error}"),
        }
    }
}

/// Stops a job from another thread: mails that are being worked on are finished, and no other is begun.
#[derive(Clone, Debug, Default)]
pub struct Stopper(Arc<AtomicBool>);

impl Stopper {
    /// Stops the job, now or before it begins.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody did.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the workers share.
struct Run<'b, V: Verb, I, T, C> {
    bulk: &'b Bulk<V>,
    window: Window<I, T>,
    clock: C,
    stop: Mutex<Option<Stop<V::Error>>>,
}

type Of<M, V> = Outcome<<M as Mail>::Id, <M as Mail>::Out, <V as Verb>::Error>;

impl<V, I, M, C> Run<'_, V, I, Of<M, V>, C>
where
    V: Verb,
    I: Iterator<Item = M>,
    M: Mail,
    C: Fn() -> Time + Sync,
{
    fn work(&self) {
        loop {
            let Some((number, mail)) = self.window.take() else { return };
            if self.bulk.stopper.is_stopped() {
                self.stop(Stop::Asked);
                self.window.put(number, None);
                return;
            }
            // A caller's code that panics beyond what is caught below ends the job, and nobody waits for this mail.
            let _lost = Unwinding(|| {
                self.window.put(number, None);
                self.window.close();
            });
            let mut read = 0;
            let worked = catch_unwind(AssertUnwindSafe(|| self.perform(&mail, &mut read)));
            let result = match worked {
                Ok(Ok(out)) => Ok(out),
                Ok(Err(Trouble::Failed(failure))) => Err(failure),
                Ok(Err(Trouble::Stops(stop))) => {
                    self.stop(stop);
                    self.window.put(number, None);
                    continue;
                }
                Err(panic) => Err(Failure::Panicked(text_of(&*panic))),
            };
            self.bulk.progress.count(result.is_ok(), read);
            self.window.put(number, Some(Outcome { id: mail.into_id(), result }));
        }
    }

    fn perform(&self, mail: &M, read: &mut u64) -> Result<M::Out, Trouble<V::Error>> {
        let source = mail.source().map_err(|e| Trouble::Failed(Failure::Read(e)))?;
        *read = source.length().unwrap_or_default();
        let mut out = Watched { inner: mail.out().map_err(|e| Trouble::Stops(Stop::Output(e)))?, failure: None };
        let performed = self.bulk.verb.perform(&source, (self.clock)(), &mut out);
        let flushed = if performed.is_ok() { out.flush() } else { Ok(()) };
        match (out.failure, performed) {
            (Some(error), _) => Err(Trouble::Stops(Stop::Output(error))),
            (None, Err(error)) if V::is_unavailable(&error) => Err(Trouble::Stops(Stop::Unavailable(error))),
            (None, Err(error)) => Err(Trouble::Failed(Failure::Verb(error))),
            (None, Ok(())) => flushed.map(|()| out.inner).map_err(|e| Trouble::Stops(Stop::Output(e))),
        }
    }

    /// The first reason counts.
    fn stop(&self, why: Stop<V::Error>) {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.window.close();
    }
}

enum Trouble<E> {
    Failed(Failure<E>),
    Stops(Stop<E>),
}

/// A place to write to that remembers whether it was it that failed, and not the mail.
struct Watched<W> {
    inner: W,
    failure: Option<io::Error>,
}

impl<W: Write> Watched<W> {
    fn watch<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            // What is interrupted is tried again by whoever writes.
            if kind != io::ErrorKind::Interrupted {
                self.failure = Some(error);
            }
            kind.into()
        })
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = match self.inner.write(bytes) {
            Ok(0) if !bytes.is_empty() => Err(io::ErrorKind::WriteZero.into()),
            result => result,
        };
        self.watch(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = loop {
            match self.inner.flush() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.watch(result)
    }
}

/// Lets the workers go, whatever ends the caller's loop.
struct Closing<F: Fn()>(F);

impl<F: Fn()> Drop for Closing<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Does something where a panic comes by.
struct Unwinding<F: Fn()>(F);

impl<F: Fn()> Drop for Unwinding<F> {
    fn drop(&mut self) {
        if thread::panicking() {
            (self.0)();
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".to_owned())
}
