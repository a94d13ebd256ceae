//! `--fetch`: whether what a judgement lacks is fetched. A program without the feature `net` has no such option, and asks
//! nobody.

#[cfg(feature = "net")]
mod options;

use crate::console::Console;
use crate::failure::Failure;
#[cfg(feature = "net")]
pub(crate) use options::{Fetching, NetworkArgs, tell};
use smime::cert::chain::{ChainOutcome, ChainRequest};
use smime::policy::sending::CrlTimeouts;
use smime::{Certificate, Opener, RevocationData, Time};

/// The network, where it is to be asked.
#[cfg(feature = "net")]
pub(crate) struct Network(Option<smime::fetch::revocation::Fetcher>);

#[cfg(feature = "net")]
impl Fetching {
    /// `lists` is how long they may take where an administrator says so.
    pub(crate) fn network(&self, lists: Option<CrlTimeouts>) -> Result<Network, Failure> {
        if self.fetch {
            return Ok(Network(Some(self.network.fetcher(lists)?)));
        }
        match self.network.named() {
            None => Ok(Network(None)),
            Some(option) => {
                Err(Failure::usage(format!("{option} means nothing without --fetch")).hint("--fetch as well"))
            }
        }
    }
}

#[cfg(feature = "net")]
impl Network {
    pub(crate) fn is_off(&self) -> bool {
        self.0.is_none()
    }

    /// The chain of a certificate.
    pub(crate) fn build(&self, request: &ChainRequest<'_>, console: Console) -> ChainOutcome {
        let Some(fetcher) = &self.0 else { return smime::cert::chain::build(request) };
        let (outcome, fetched) = fetcher.build(request);
        tell(&fetched, console);
        outcome
    }

    /// What a chain lacks.
    pub(crate) fn fetch(&self, request: &ChainRequest<'_>, console: Console) -> (RevocationData, Vec<Certificate>) {
        let Some(fetcher) = &self.0 else { return Default::default() };
        let (_, fetched) = fetcher.build(request);
        tell(&fetched, console);
        (fetched.data, fetched.issuers)
    }

    /// A message, opened or diagnosed by `open`.
    pub(crate) fn open<J: smime::fetch::revocation::Judged, E>(
        &self,
        opener: &Opener<'_>,
        now: Time,
        console: Console,
        open: impl Fn(&Opener<'_>) -> Result<J, E>,
    ) -> Result<J, E> {
        let Some(fetcher) = &self.0 else { return open(opener) };
        let (judged, fetched) = fetcher.open(opener, now, open)?;
        tell(&fetched, console);
        Ok(judged)
    }
}

/// No options.
#[cfg(not(feature = "net"))]
#[derive(clap::Args)]
pub(crate) struct Fetching {}

/// Nobody to ask.
#[cfg(not(feature = "net"))]
pub(crate) struct Network;

#[cfg(not(feature = "net"))]
impl Fetching {
    pub(crate) fn network(&self, _: Option<CrlTimeouts>) -> Result<Network, Failure> {
        Ok(Network)
    }
}

#[cfg(not(feature = "net"))]
impl Network {
    pub(crate) fn is_off(&self) -> bool {
        true
    }

    pub(crate) fn build(&self, request: &ChainRequest<'_>, _: Console) -> ChainOutcome {
        smime::cert::chain::build(request)
    }

    pub(crate) fn fetch(&self, _: &ChainRequest<'_>, _: Console) -> (RevocationData, Vec<Certificate>) {
        Default::default()
    }

    pub(crate) fn open<J, E>(
        &self,
        opener: &Opener<'_>,
        _: Time,
        _: Console,
        open: impl Fn(&Opener<'_>) -> Result<J, E>,
    ) -> Result<J, E> {
        open(opener)
    }
}
