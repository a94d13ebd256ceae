//! What can be said of `smime import` and `smime keyring`.

use clap::{Args, Subcommand};
use smime::store::select::VisibleTo;
use smime::{EmailAddress, Time};
use std::path::PathBuf;

pub(crate) const IMPORT_EXAMPLES: &str = "Examples:
  smime import alice.p12                                           what is in it?
  smime import --from-mail mail.eml --account alice@example.com --trust ca.pem      what is attached, what is it good for?
  smime import --from-mail mail.eml --account alice@example.com --keyring ~/keys    the same, and installs it
  smime import --keyring ~/keys alice.p12
  smime sign --keyring ~/keys mail.eml                             with the newest key for its From

A key stays encrypted as it came. Nothing is installed where a password is wrong or a MAC fails, and nothing is written over.
Exit codes: 0 done, 1 other (a wrong password), 2 usage, 8 unreadable, 9 no password protects the key.";

#[derive(Args)]
pub(crate) struct Import {
    /// PKCS#12, PKCS#8, PKCS#7, PEM, a certificate or a key.
    #[arg(value_name = "FILE", required_unless_present = "from_mail", conflicts_with = "from_mail")]
    pub(crate) file: Option<PathBuf>,

    /// The keys and certificates that are attached to this mail (.p12, .pfx, .cer, .crt, .p7b, .p7c); - is standard input.
    #[arg(long, value_name = "MAIL")]
    pub(crate) from_mail: Option<PathBuf>,

    /// Only the attachment of this name, or this part ("2"); repeatable.
    #[arg(long, value_name = "NAME", requires = "from_mail")]
    pub(crate) attachment: Vec<String>,

    /// The address of the account, which should stand in the certificates.
    #[arg(long, value_name = "ADDR")]
    pub(crate) account: Option<EmailAddress>,

    /// Install it in this folder, which is made where it is not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) keyring: Option<PathBuf>,

    /// Take private keys that no password protects, or an empty one.
    #[arg(long)]
    pub(crate) allow_empty_password: bool,

    /// everyone, publisher or system: who sees the keys on iOS, where Outlook does not see into the system's keychain.
    #[arg(long, value_name = "WHO", default_value = "everyone", value_parser = visible_to, requires = "keyring")]
    pub(crate) visible_to: VisibleTo,

    /// Trusted certificates, to judge the chains by; without any they are not judged.
    #[arg(long, value_name = "PATH")]
    pub(crate) trust: Vec<PathBuf>,

    /// The time to judge certificates at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,

    /// A file with the password in its first line.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,

    /// An open file descriptor with the password.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) password_fd: Option<u32>,

    /// Accept a PKCS#12 file without MAC, whose contents anybody could have changed.
    #[arg(long)]
    pub(crate) allow_no_mac: bool,

    /// What it holds as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(before_help = KEYRING_EXAMPLES)]
pub(crate) struct KeyringArgs {
    #[command(subcommand)]
    pub(crate) command: KeyringCommand,
}

const KEYRING_EXAMPLES: &str = "Examples:
  smime keyring list ~/keys
  smime keyring remove ~/keys 3f2a9c01d4e5          by the beginning of its name, which `list` shows";

#[derive(Subcommand)]
pub(crate) enum KeyringCommand {
    /// Shows what is installed; no password is needed.
    List(KeyringList),
    /// Removes an installed file with its keys.
    Remove(KeyringRemove),
}

#[derive(Args)]
pub(crate) struct KeyringList {
    /// The folder.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,

    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct KeyringRemove {
    /// The folder.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,

    /// The first digits of its name, six at least.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

fn visible_to(name: &str) -> Result<VisibleTo, String> {
    VisibleTo::from_name(name).ok_or_else(|| "there are everyone, publisher and system".to_owned())
}
