//! `smime policy`.

use clap::{Args, Subcommand};
use smime::policy::effective::UserChoice;
use smime::{EmailAddress, Time};
use std::path::PathBuf;

pub(super) const POLICY_EXAMPLES: &str = "Examples:
  smime policy explain outlook.plist                        each setting: its value, who says so, may the user change it
  smime policy explain --user SMIMEEnabled=true outlook.json          what counts for a user who turned S/MIME on
  smime policy check smimeconfig.json mailbox.txt           wrong types, unknown names, malformed lists, expired roots
  smime open --policy outlook.plist --identity bob.p12 mail.eml       obeys it

Files: app configuration for iOS (property list), Android (managed configuration) and managed apps (customSettings);
  Get-SmimeConfig and Get-MobileDeviceMailboxPolicy as JSON or as printed; Set-SmimeConfig as typed; .reg files of
  Outlook for Windows; deployments.
Exit codes: 0 done, 2 usage, 8 a file is faulty: each fault is named, 9 it asks for what is never done.";

#[derive(Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Each setting with the value that counts.
    #[command(before_help = POLICY_EXAMPLES)]
    Show(PolicyFiles),
    /// The same, with who says so, whether the user may change it, and what it does.
    #[command(before_help = POLICY_EXAMPLES)]
    Explain(PolicyFiles),
    /// Says what is wrong with the files, and what in them has no effect.
    #[command(before_help = POLICY_EXAMPLES)]
    Check(PolicyFiles),
    /// The mail that tells a user of certificates that wait, as a deployment's e-mail notification; it is not sent.
    Notice(PolicyNotice),
}

#[derive(Args)]
pub(crate) struct PolicyNotice {
    /// A deployment.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The user's address.
    #[arg(long, value_name = "ADDR")]
    pub(crate) to: EmailAddress,

    /// The user's name (the address otherwise).
    #[arg(long)]
    pub(crate) name: Option<String>,

    /// Whom it is from.
    #[arg(long, value_name = "ADDR")]
    pub(crate) from: EmailAddress,

    /// Its date, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,
}

#[derive(Args)]
pub(crate) struct PolicyFiles {
    /// Policy files; what each is is found out from what it holds.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// What the user chose in the app: SMIMEEnabled, EncryptAllMail or SignAllMail, with =true or =false; repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) user: Vec<UserChoice>,

    /// The time to judge certificates at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,

    /// The answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
