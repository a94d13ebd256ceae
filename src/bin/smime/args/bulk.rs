//! Many mails at once.

use super::{EncryptOptions, Judging, SignOptions};
use clap::{Args, Subcommand};
use smime::Requirement;
use smime::bulk::Shard;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "Examples:
  smime bulk sign --identity alice.p12 --in outgoing/ --out signed/
  smime bulk sign --identity alice.p12 --in outgoing/ --out signed/ --resume          goes on after a kill, a full disk, a reboot
  smime bulk encrypt --to-headers --certs contacts/ --trust ca.pem --in Maildir/ --out sealed/ --jobs 8
  smime bulk open --identity bob.p12 --trust ca.pem --in archive.mbox --out opened/
  find spool -name '*.eml' | smime bulk sign --identity alice.p12 --in - --out signed/ --dry-run
  smime bulk sign --identity alice.p12 --in outgoing/ --out signed/ --resume --shard $SLURM_ARRAY_TASK_ID/8

Each mail has one result, of its own name, or is listed with the reason why it has none. Exit codes: 0 every mail has its
result, 10 some have failed, 130 or 143 it was interrupted (what was begun was finished; a second signal does not wait for
that); where the whole job stops, those of the other commands.";

#[derive(Args)]
pub(crate) struct BulkArgs {
    #[command(subcommand)]
    pub(crate) command: BulkCommand,
}

#[derive(Subcommand)]
pub(crate) enum BulkCommand {
    /// Signs each mail.
    Sign(Box<BulkSign>),
    /// Encrypts each mail. A mail one of whose recipients has no certificate fails as a whole.
    Encrypt(Box<BulkEncrypt>),
    /// Opens each mail, and writes its content where the requirement is met.
    Open(Box<BulkOpen>),
}

#[derive(Args)]
pub(crate) struct BulkSign {
    #[command(flatten)]
    pub(crate) options: SignOptions,

    #[command(flatten)]
    pub(crate) job: Job,
}

#[derive(Args)]
pub(crate) struct BulkEncrypt {
    #[command(flatten)]
    pub(crate) options: EncryptOptions,

    #[command(flatten)]
    pub(crate) job: Job,
}

#[derive(Args)]
pub(crate) struct BulkOpen {
    #[command(flatten)]
    pub(crate) judging: Judging,

    /// none, unaltered, signed, trusted or signed-by-sender: content that does not meet it is withheld.
    #[arg(long, value_name = "WHAT", default_value_t = Requirement::Unaltered)]
    pub(crate) require: Requirement,

    #[command(flatten)]
    pub(crate) job: Job,
}

/// Where mails come from, where results go, and how the job runs.
#[derive(Args)]
pub(crate) struct Job {
    /// A folder with .eml files, a Maildir, an mbox file, or - for a list of files on standard input, one in each line.
    #[arg(long = "in", value_name = "PATH")]
    pub(crate) input: PathBuf,

    /// The folder for the results: each has the name of its mail, or its number and .eml where the mail is of an mbox file.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// Mails that are worked on at a time; otherwise as many as there are cores. More where a key lies elsewhere and takes
    /// its time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,

    /// What the job remembers by; otherwise a file in the folder .smime-bulk of the results.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,

    /// Go on with a job of which there is a journal; begin it where there is none.
    #[arg(long)]
    pub(crate) resume: bool,

    /// Try mails again that have failed in an earlier run.
    #[arg(long, requires = "resume")]
    pub(crate) retry_failed: bool,

    /// The part i of n of the mails, counted from 0, by their names: for arrays of jobs on several machines.
    #[arg(long, value_name = "i/n", default_value_t = Shard::WHOLE)]
    pub(crate) shard: Shard,

    /// Read every mail, look everything up and say what would fail; use no key to sign, and write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Stop when so many mails have failed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_failures: Option<u64>,

    /// Where to list the mails that failed, as JSON lines; otherwise a file in the folder .smime-bulk of the results.
    #[arg(long, value_name = "FILE")]
    pub(crate) failures: Option<PathBuf>,

    /// Replace results that are there already and are not of this job.
    #[arg(long)]
    pub(crate) force: bool,

    /// How it ended, as JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}
