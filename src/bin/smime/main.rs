//! The program: what is said on the command line becomes one call of the library. The clock is read here, and nowhere else.

#![forbid(unsafe_code)]

mod addressing;
mod args;
mod bulk;
mod certs;
mod console;
mod contacts;
#[cfg(feature = "net")]
mod crl;
mod demo;
mod diagnose;
mod encrypt;
mod explain;
mod export;
mod failure;
mod fetching;
mod groups;
mod import;
mod input;
mod inspect;
mod install;
mod intune;
mod keyring;
mod lint;
mod lookup;
mod open;
mod output;
mod plan;
mod policies;
mod policy;
mod privacy;
mod render;
#[cfg(feature = "net")]
mod scep;
mod select;
#[cfg(feature = "ldap")]
mod servers;
mod sign;
mod sst;
mod store;
#[cfg(feature = "pkcs11")]
mod token;
mod urls;

use args::{Cli, Command};
use clap::{CommandFactory, FromArgMatches};
use console::Console;
use failure::{Failure, Outcome};
use smime::Time;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> ExitCode {
    privacy::keep_memory_private();
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let console = Console { quiet: cli.quiet, no_input: cli.no_input };
    // Which --key and --password-file belong to which --identity is a question of their order.
    let Some((_, order)) = matches.subcommand() else { return ExitCode::from(failure::exit::USAGE) };
    let outcome: Outcome = match &cli.command {
        Command::Demo(args) => demo::run(args, console),
        Command::Sign(args) => sign::run(args, order, console),
        Command::Bulk(args) => bulk::run(args, order, console),
        Command::Encrypt(args) => encrypt::run(args, order, console),
        Command::Plan(args) => plan::run(args, console),
        Command::Lookup(args) => lookup::run(args, console),
        Command::Harvest(args) => contacts::run(args, order, console),
        Command::Open(args) => open::open(args, order, console),
        Command::Verify(args) => open::verify(args, order, console),
        Command::Doctor(args) => open::examine(args, order, console),
        Command::Inspect(args) => inspect::run(args, console),
        Command::Import(args) => import::run(args, console),
        Command::Keyring(args) => keyring::run(args, console),
        Command::Export(args) => export::run(args, order, console),
        Command::Certs(args) => certs::run(args, order, console),
        Command::Lint(args) => lint::run(args, console),
        #[cfg(feature = "net")]
        Command::Crl(args) => crl::run(args, console),
        #[cfg(feature = "net")]
        Command::Scep(args) => scep::run(args, order, console),
        Command::Sst(args) => sst::run(args, console),
        Command::Intune(args) => intune::run(args, console),
        Command::Policy(args) => policy::run(args, console),
        #[cfg(feature = "pkcs11")]
        Command::Token(args) => token::run(args, console),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(Failure { silent: true, code, .. }) => ExitCode::from(code),
        Err(failure) => {
            console.error(&failure);
            ExitCode::from(failure.code)
        }
    }
}

/// The time that was given, or the system's.
fn time(at: Option<Time>) -> Time {
    at.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    })
}
