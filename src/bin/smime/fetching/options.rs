//! The options that say what is fetched, and how: from the command line to a [`Fetcher`].

use crate::console::Console;
use crate::failure::Failure;
use clap::Args;
use smime::fetch::cache::Cache;
use smime::fetch::connect::{Addresses, Connector, Timeouts};
use smime::fetch::revocation::{Fetched, Fetcher, First};
use smime::policy::sending::CrlTimeouts;
use std::path::PathBuf;
use std::time::Duration;

/// Whether anything is fetched. Without --fetch, nothing is.
#[derive(Args)]
pub(crate) struct Fetching {
    /// Fetch from the network what is missing: revocation lists, OCSP responses and the certificates of issuers, from the
    /// addresses that the certificates name. Those see who asks. Every certificate of a chain must then be known not to be
    /// revoked, unless --revocation says otherwise.
    #[arg(long)]
    pub(crate) fetch: bool,

    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// How things are fetched.
#[derive(Args)]
pub(crate) struct NetworkArgs {
    /// Keep what was fetched in this folder, until it is out of date.
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,

    /// What is tried first, crl or ocsp; the other one is tried where that gives no answer [default: crl].
    #[arg(long, value_name = "WHAT", value_parser = first)]
    pub(crate) fetch_first: Option<First>,

    /// Connect to addresses of private networks and of this machine, too. A certificate can name any of them.
    #[arg(long)]
    pub(crate) allow_private_addresses: bool,

    /// Connect to this host, wherever it is; repeatable.
    #[arg(long, value_name = "HOST", conflicts_with = "allow_private_addresses")]
    pub(crate) allow_host: Vec<String>,

    /// Seconds for a connection [default: 3].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) connect_timeout: Option<Duration>,

    /// Seconds for one list, response or certificate [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) fetch_timeout: Option<Duration>,

    /// Seconds for all that one judgement needs [default: 20].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) total_timeout: Option<Duration>,
}

impl NetworkArgs {
    /// The first option that was given.
    pub(super) fn named(&self) -> Option<&'static str> {
        let given = [
            ("--cache", self.cache.is_some()),
            ("--fetch-first", self.fetch_first.is_some()),
            ("--allow-private-addresses", self.allow_private_addresses),
            ("--allow-host", !self.allow_host.is_empty()),
            ("--connect-timeout", self.connect_timeout.is_some()),
            ("--fetch-timeout", self.fetch_timeout.is_some()),
            ("--total-timeout", self.total_timeout.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }

    /// A time that is given counts, then the administrator's.
    pub(crate) fn fetcher(&self, lists: Option<CrlTimeouts>) -> Result<Fetcher, Failure> {
        let addresses = match (self.allow_private_addresses, self.allow_host.as_slice()) {
            (true, _) => Addresses::PublicAndPrivate,
            (false, []) => Addresses::Public,
            (false, hosts) => Addresses::PublicAnd(hosts.to_vec()),
        };
        let mut fetcher = Fetcher::new(Connector::new(self.timeouts(lists)).with_addresses(addresses))
            .with_first(self.fetch_first.unwrap_or_default());
        if let Some(folder) = &self.cache {
            let cache = Cache::open(folder).map_err(|error| Failure::from(error).about(folder.display()))?;
            fetcher = fetcher.with_cache(cache);
        }
        Ok(fetcher)
    }

    fn timeouts(&self, lists: Option<CrlTimeouts>) -> Timeouts {
        let mut timeouts = Timeouts::default();
        if let Some(lists) = lists {
            // OUT-83: one list, and all of them together.
            (timeouts.first_byte, timeouts.exchange) = (lists.connection, lists.connection);
            timeouts.judgement = lists.retrieval;
        }
        if let Some(time) = self.connect_timeout {
            timeouts.connect = time;
        }
        if let Some(time) = self.fetch_timeout {
            timeouts.exchange = time;
            timeouts.first_byte = time;
        }
        if let Some(time) = self.total_timeout {
            timeouts.judgement = time;
        }
        timeouts
    }
}

/// Says what was asked for, and what came of it.
pub(crate) fn tell(fetched: &Fetched, console: Console) {
    for asked in &fetched.asked {
        match &asked.outcome {
            Ok(_) => console.say(format_args!("fetched: {asked}")),
            Err(reason) => console.warn(format_args!("{reason} [{}]", reason.code)),
        }
    }
    console.notes("the cache", &fetched.notes);
}

fn first(name: &str) -> Result<First, String> {
    match name {
        "crl" => Ok(First::Lists),
        "ocsp" => Ok(First::Responses),
        _ => Err("there are crl and ocsp".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok().filter(|seconds| (0.001..=86_400.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "it is no number of seconds between 0.001 and 86400".to_owned())
}
