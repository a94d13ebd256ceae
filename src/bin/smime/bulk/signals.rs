//! SIGINT, SIGTERM and SIGHUP: the first one lets what was begun be finished, a second one does not (SEC-153).

#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) struct Signals {
    number: Arc<AtomicUsize>,
}

impl Signals {
    #[cfg(unix)]
    pub(super) fn catch() -> io::Result<Self> {
        let number = Arc::new(AtomicUsize::new(0));
        let second = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&second))?;
            signal_hook::flag::register(signal, Arc::clone(&second))?;
            let value = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, Arc::clone(&number), value)?;
        }
        Ok(Self { number })
    }

    #[cfg(not(unix))]
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self { number: Arc::new(AtomicUsize::new(0)) })
    }

    /// The number of the last one that came.
    pub(super) fn caught(&self) -> Option<u8> {
        match self.number.load(Ordering::Relaxed) {
            0 => None,
            number => u8::try_from(number).ok(),
        }
    }

    /// What shells expect of a program that a signal ended.
    pub(super) fn exit_code(&self) -> Option<u8> {
        Some(self.caught()?.saturating_add(128))
    }

    pub(super) fn name(&self) -> Option<&'static str> {
        Some(match self.caught()? {
            1 => "SIGHUP",
            2 => "SIGINT",
            15 => "SIGTERM",
            _ => "signal",
        })
    }
}
