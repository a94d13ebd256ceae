//! What can be said on the command line.

mod account;
mod addressing;
mod bulk;
mod certs;
mod install;
mod lookup;
mod policy;
#[cfg(feature = "net")]
pub(crate) mod scep;
mod sst;

pub(crate) use account::{CertsSelect, Signing};
pub(crate) use addressing::{Addressing, Encrypt, EncryptOptions, Plan};
pub(crate) use bulk::{BulkArgs, BulkCommand, BulkOpen, Job};
pub(crate) use certs::{Certs, CertsCommand, CertsVerify, Lint};
pub(crate) use install::{Import, KeyringArgs, KeyringCommand, KeyringList, KeyringRemove};
#[cfg(feature = "ldap")]
pub(crate) use lookup::Servers;
pub(crate) use lookup::{Harvest, Lookup};
pub(crate) use policy::{PolicyArgs, PolicyCommand, PolicyFiles, PolicyNotice};
pub(crate) use sst::{CertificateFormat, Sst, SstCommand, SstCreate, SstExtract, SstList, SstSource, SstVerify};

use clap::{Args, Parser, Subcommand, ValueEnum};
use smime::crypto::algorithm::{ContentCipher, DigestAlgorithm};
use smime::policy::effective::UserChoice;
use smime::policy::policy::Capabilities;
use smime::store::p12;
use smime::{EmailAddress, Profile, Requirement, RevocationMode, Time};
use std::path::PathBuf;

/// S/MIME as Outlook does it: signs, encrypts, opens and judges mail.
#[derive(Parser)]
#[command(version, max_term_width = 110, before_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Say nothing on standard error but errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Never ask for anything.
    #[arg(long, global = true)]
    pub(crate) no_input: bool,
}

const EXAMPLES: &str = "Examples:
  smime demo                                               a CA, Alice and Bob, and mail between them, to look at
  smime verify --trust ca.pem mail.eml                     is this mail from whom it says, and if not, why?
  smime sign --identity alice.p12 mail.eml > signed.eml
  smime encrypt --to bob@example.com --certs bob.pem signed.eml > sealed.eml
  smime open --identity bob.p12 --trust ca.pem sealed.eml > content.eml

Exit codes: 0 done, 1 other, 2 usage, 3 nothing signed, 4 altered, 5 signer not trusted or not the sender,
  6 cannot decrypt, 7 a recipient without certificate, 8 unreadable, 9 policy refuses, 10 bulk ended with failures.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes a CA, Alice and Bob; signs, encrypts, opens; leaves every file to look at.
    Demo(Demo),
    /// Signs a mail.
    Sign(Sign),
    /// Encrypts a mail.
    #[command(before_help = addressing::ENCRYPT_EXAMPLES)]
    Encrypt(Box<Encrypt>),
    /// Says, before anything is sent, who can read an encrypted mail, who cannot and why, and in how many messages it leaves.
    #[command(before_help = addressing::PLAN_EXAMPLES)]
    Plan(Box<Plan>),
    /// Finds the certificates of addresses, in files and directories.
    #[command(before_help = lookup::LOOKUP_EXAMPLES)]
    Lookup(Lookup),
    /// Keeps the certificate of a signed mail's sender, to encrypt to later.
    #[command(before_help = lookup::HARVEST_EXAMPLES)]
    Harvest(Harvest),
    /// Opens a mail: its content goes to standard output if the requirement is met, what was found to standard error.
    Open(Open),
    /// Judges a mail without handing out its content: the report goes to standard output.
    Verify(Verify),
    /// Signs, encrypts or opens many mails: workers, a journal, and exactly one result for each.
    #[command(before_help = bulk::EXAMPLES)]
    Bulk(BulkArgs),
    /// Says why a mail does not open or verify, what to try, and which programs will choke on it.
    Doctor(Doctor),
    /// Shows the structure of a mail or a CMS file; says nothing of whether it is valid.
    Inspect(Inspect),
    /// Shows what a file with keys or certificates holds, or those that are attached to a mail, and installs them.
    #[command(before_help = install::IMPORT_EXAMPLES)]
    Import(Import),
    /// Shows what is installed in a keyring folder, and removes it.
    Keyring(KeyringArgs),
    /// Writes an identity with its chain anew, under a new password.
    #[command(before_help = EXPORT_EXAMPLES)]
    Export(Export),
    /// Looks at certificates without a message.
    Certs(Certs),
    /// Fetches revocation lists, and checks certificates by them.
    #[cfg(feature = "net")]
    #[command(before_help = crate::crl::EXAMPLES)]
    Crl(crate::crl::CrlArgs),
    /// Holds certificates against the S/MIME Baseline Requirements of the CA/Browser Forum.
    #[command(before_help = certs::LINT_EXAMPLES)]
    Lint(Lint),
    /// Fetches certificates to sign with from an authority, over SCEP.
    #[cfg(feature = "net")]
    #[command(before_help = scep::EXAMPLES)]
    Scep(scep::ScepArgs),
    /// Makes, shows and checks serialized stores (.sst), which Exchange Online takes for the roots that S/MIME trusts.
    #[command(before_help = sst::SST_EXAMPLES)]
    Sst(Sst),
    /// Wraps PKCS#12 files for Intune, and unwraps them.
    #[command(before_help = crate::intune::EXAMPLES)]
    Intune(crate::intune::IntuneArgs),
    /// Shows, explains and checks the policies of Intune, Exchange and Outlook for Windows.
    #[command(before_help = policy::POLICY_EXAMPLES)]
    Policy(PolicyArgs),
    /// Shows the cards and other tokens that there are, with their keys and certificates.
    #[cfg(feature = "pkcs11")]
    #[command(before_help = crate::token::EXAMPLES)]
    Token(crate::token::TokenArgs),
}

/// What an administrator says.
#[derive(Args)]
pub(crate) struct Policies {
    /// A policy file of Intune's, Exchange's or Outlook's (`smime policy explain` shows it), which is obeyed; repeatable.
    #[arg(long = "policy", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// What the user chose in the app: SMIMEEnabled, EncryptAllMail or SignAllMail, with =true or =false; repeatable.
    #[arg(long, value_name = "NAME=VALUE", requires = "files")]
    pub(crate) user: Vec<UserChoice>,
}

/// Whose key. Each --key, --password-file and --password-fd belongs to the --identity before it.
#[derive(Args)]
pub(crate) struct Identities {
    /// A PKCS#12 file, or a PEM or DER file with key and certificates; or a key on a token, as `pkcs11:token=..;object=..`
    /// (feature pkcs11), whose PIN is the password.
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: Vec<PathBuf>,

    /// The private key of that identity, where it lies in a file of its own, or on a token.
    #[arg(long, value_name = "FILE", requires = "identity")]
    pub(crate) key: Vec<PathBuf>,

    /// A file with the password of that identity in its first line.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Vec<PathBuf>,

    /// An open file descriptor with the password of that identity.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) password_fd: Vec<u32>,

    /// Accept a PKCS#12 file without MAC, whose contents anybody could have changed.
    #[arg(long)]
    pub(crate) allow_no_mac: bool,

    #[cfg(feature = "pkcs11")]
    #[command(flatten)]
    pub(crate) module: crate::token::ModulePath,

    /// A folder of installed keys and certificates (`smime import --keyring`); where one is to be chosen, it is the newest
    /// for the address.
    #[arg(long, value_name = "DIR")]
    pub(crate) keyring: Option<PathBuf>,

    /// A file with a password of that folder's keys in its first line; repeatable, and each is tried.
    #[arg(long, value_name = "FILE", requires = "keyring")]
    pub(crate) keyring_password_file: Vec<PathBuf>,
}

/// Where a mail comes from and what it becomes.
#[derive(Args)]
pub(crate) struct Files {
    /// The mail, with any line ends; nothing or - is standard input.
    #[arg(value_name = "MAIL")]
    pub(crate) mail: Option<PathBuf>,

    /// Write to this file instead of standard output; it appears whole or not at all.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Replace a file that is there already.
    #[arg(long)]
    pub(crate) force: bool,

    /// The folder for what comes through a pipe and is too large for memory (above 32 MiB).
    #[arg(long, value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Demo {
    /// The folder to make; it must be empty or not there.
    #[arg(long, value_name = "DIR", default_value = "smime-demo")]
    pub(crate) dir: PathBuf,

    /// Write into a folder that is not empty.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Chain {
    /// The signer's certificate only.
    Signer,
    /// The chain without its root.
    WithoutRoot,
    /// The chain with its root.
    WithRoot,
}

#[derive(Args)]
pub(crate) struct Sign {
    #[command(flatten)]
    pub(crate) options: SignOptions,

    #[command(flatten)]
    pub(crate) files: Files,
}

/// How mail is signed, one or many.
#[derive(Args)]
pub(crate) struct SignOptions {
    #[command(flatten)]
    pub(crate) identities: Identities,

    #[command(flatten)]
    pub(crate) signing: Signing,

    /// application/pkcs7-mime instead of multipart/signed.
    #[arg(long)]
    pub(crate) opaque: bool,

    /// In the form that the profile gives to a signature that `smime encrypt` will encrypt (OUT-35).
    #[arg(long, conflicts_with = "opaque")]
    pub(crate) for_encryption: bool,

    /// The certificate that answers should be encrypted to, where it is not the signer's own; it goes along.
    #[arg(long, value_name = "FILE")]
    pub(crate) encryption_certificate: Option<PathBuf>,

    /// outlook-windows, outlook-mobile, owa, rfc8551 or strict.
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) profile: Profile,

    /// sha256, sha384 or sha512 (the policy decides otherwise, or it is sha256).
    #[arg(long, value_name = "NAME", value_parser = strong_digest)]
    pub(crate) digest: Option<DigestAlgorithm>,

    /// Sign with SHA-1, which most readers do not trust any more.
    #[arg(long, conflicts_with = "digest")]
    pub(crate) sha1: bool,

    /// What the signature says that its signer can read: none, outlook, outlook-exact or rfc8551 (the profile decides
    /// otherwise).
    #[arg(long, value_name = "LIST", value_parser = capabilities)]
    pub(crate) capabilities: Option<Capabilities>,

    /// RSASSA-PSS instead of PKCS#1 v1.5, for RSA keys.
    #[arg(long)]
    pub(crate) pss: bool,

    /// Which certificates go along (the profile decides otherwise).
    #[arg(long, value_name = "WHICH")]
    pub(crate) chain: Option<Chain>,

    /// The time of signing, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,

    /// Sign although the From is not in the certificate. Mail programs will warn.
    #[arg(long)]
    pub(crate) allow_sender_mismatch: bool,

    /// Sign what is signed or encrypted already once more.
    #[arg(long)]
    pub(crate) wrap: bool,

    #[command(flatten)]
    pub(crate) policies: Policies,
}

/// What was revoked.
#[derive(Args)]
pub(crate) struct Lists {
    /// Revocation lists and OCSP responses: PEM or DER files, or folders of them; repeatable.
    #[arg(long, value_name = "PATH")]
    pub(crate) crls: Vec<PathBuf>,

    /// hard: every certificate of the chain must be known not to be revoked; soft: none may be known to be; off: not
    /// looked up. Hard where --crls are given or --fetch is, and else off.
    #[arg(long, value_name = "MODE", value_parser = revocation)]
    pub(crate) revocation: Option<RevocationMode>,
}

/// How a mail is judged.
#[derive(Args)]
pub(crate) struct Judging {
    #[command(flatten)]
    pub(crate) identities: Identities,

    /// The account that the mail was sent to: of all identities, only its keys are tried, those of expired certificates too.
    #[arg(long, value_name = "ADDR")]
    pub(crate) account: Option<EmailAddress>,

    /// Trusted certificates: PEM, DER, PKCS#7 or SST files, or folders of them; repeatable. Self-signed ones are anchors
    /// and the others help to build chains; where none is self-signed, all are anchors.
    #[arg(long, value_name = "PATH")]
    pub(crate) trust: Vec<PathBuf>,

    /// The time to judge certificates at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,

    #[command(flatten)]
    pub(crate) lists: Lists,

    #[command(flatten)]
    pub(crate) fetching: crate::fetching::Fetching,

    /// Open the S/MIME part of this name ("1.2") that lies beside other content.
    #[arg(long, value_name = "PATH")]
    pub(crate) part: Option<String>,

    /// What a signature that stands alone (a .p7s file) was made over.
    #[arg(long, value_name = "FILE", conflicts_with = "part")]
    pub(crate) signed_content: Option<PathBuf>,

    /// A file whose first line is the password that the message is encrypted under; repeatable.
    #[arg(long, value_name = "FILE")]
    pub(crate) message_password_file: Vec<PathBuf>,

    /// A file whose first line is a key that both sides know, KEY or IDENTIFIER:KEY in hexadecimal; repeatable.
    #[arg(long, value_name = "FILE")]
    pub(crate) shared_key_file: Vec<PathBuf>,

    /// Open what is encrypted with DES, which anybody could have read and changed.
    #[arg(long)]
    pub(crate) allow_des: bool,

    #[command(flatten)]
    pub(crate) policies: Policies,

    /// outlook-windows, outlook-mac, outlook-mobile, owa, exchange-online, rfc8551 or strict.
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) profile: Profile,
}

#[derive(Args)]
#[command(before_help = "Examples:
  smime doctor mail.eml                                    what is wrong with it, and what to try
  smime doctor --identity bob.p12 --trust ca.pem mail.eml  the same with what it needs to be opened and judged
Exit codes: 0 nothing wrong, 1 something is.")]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) judging: Judging,

    /// A mail, an Outlook item or a CMS structure; nothing or - is standard input.
    #[arg(value_name = "MAIL")]
    pub(crate) mail: Option<PathBuf>,

    /// The diagnosis as JSON.
    #[arg(long)]
    pub(crate) json: bool,

    /// The folder for what comes through a pipe and is too large for memory (above 32 MiB).
    #[arg(long, value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Open {
    #[command(flatten)]
    pub(crate) judging: Judging,

    #[command(flatten)]
    pub(crate) files: Files,

    /// none, unaltered, signed, trusted or signed-by-sender: content that does not meet it is withheld.
    #[arg(long, value_name = "WHAT", default_value_t = Requirement::Unaltered)]
    pub(crate) require: Requirement,

    /// Write the report as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) judging: Judging,

    /// The mail, with any line ends; nothing or - is standard input.
    #[arg(value_name = "MAIL")]
    pub(crate) mail: Option<PathBuf>,

    /// none, unaltered, signed, trusted or signed-by-sender: exit 0 only if it is met.
    #[arg(long, value_name = "WHAT", default_value_t = Requirement::SignedBySender)]
    pub(crate) require: Requirement,

    /// The report as JSON.
    #[arg(long)]
    pub(crate) json: bool,

    /// Show the paths that were looked at as a tree, with what speaks against each.
    #[arg(long)]
    pub(crate) explain: bool,

    /// The folder for what comes through a pipe and is too large for memory (above 32 MiB).
    #[arg(long, value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Inspect {
    /// A mail or a CMS structure; nothing or - is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// The structure as JSON.
    #[arg(long)]
    pub(crate) json: bool,

    /// Without content: names, addresses, subjects, file names, serial numbers, keys and digests become placeholders,
    /// equal ones the same; algorithms, places and lengths stay, and so do dates.
    #[arg(long)]
    pub(crate) redact: bool,

    /// Write the redacted mail itself to this file: to send to others, with every byte in its place.
    #[arg(short, long, value_name = "FILE", requires = "redact", conflicts_with = "json")]
    pub(crate) out: Option<PathBuf>,

    /// Replace a file that is there already.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

const EXPORT_EXAMPLES: &str = "Examples:
  smime export --identity alice.p12 --out new.p12                  asks for the old password, and twice for the new one
  smime export --identity alice.pem --key alice.key --new-password-file new.txt --out alice.p12
  smime export --identity alice.p12 --profile legacy --out phone.p12   for an old phone, or gpgsm 2.2
  smime export --identity alice.p12 --pem --out alice.pem          certificates only, for others
  smime export --identity alice.p12 --mail --out me.eml            a mail to herself, to install it on a phone

The private key leaves in PKCS#12 only, and never without a password.";

#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) identities: Identities,

    /// The file to write; it appears whole or not at all, and only its owner may read it. - is standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: PathBuf,

    /// modern: AES-256 and SHA-256, for everything of today. legacy: 3DES and SHA-1, which is weak, for old phones and
    /// gpgsm 2.2.
    #[arg(long, value_name = "NAME", default_value = "modern", value_parser = p12_profile)]
    pub(crate) profile: p12::Profile,

    /// A file with the new password in its first line.
    #[arg(long, value_name = "FILE", conflicts_with = "new_password_fd")]
    pub(crate) new_password_file: Option<PathBuf>,

    /// An open file descriptor with the new password.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) new_password_fd: Option<u32>,

    /// What certificate managers call it (the certificate's common name otherwise).
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,

    /// A mail to its own sender with the PKCS#12 attached, to be sent and opened on another device.
    #[arg(long)]
    pub(crate) mail: bool,

    /// The address of that mail, which must stand in the certificate (its first one otherwise).
    #[arg(long, value_name = "ADDR", requires = "mail")]
    pub(crate) account: Option<EmailAddress>,

    /// The date of that mail, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME", requires = "mail")]
    pub(crate) at: Option<Time>,

    /// The certificates only, as PEM.
    #[arg(long, conflicts_with_all = PKCS12_ONLY)]
    pub(crate) pem: bool,

    /// The certificates only, as PKCS#7 (.p7c, .p7b).
    #[arg(long, conflicts_with_all = PKCS12_ONLY, conflicts_with = "pem")]
    pub(crate) p7c: bool,

    /// Replace a file that is there already.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What means nothing where no key is written.
const PKCS12_ONLY: [&str; 5] = ["profile", "new_password_file", "new_password_fd", "name", "mail"];

fn p12_profile(name: &str) -> Result<p12::Profile, String> {
    match name {
        "modern" => Ok(p12::Profile::Modern),
        "legacy" => Ok(p12::Profile::Legacy),
        _ => Err("there are modern and legacy".to_owned()),
    }
}

/// Ciphers that are written; those of the past are read only (SEC-78).
fn strong_cipher(name: &str) -> Result<ContentCipher, String> {
    match name.parse() {
        Ok(cipher) if ContentCipher::legacy(cipher).is_none() => Ok(cipher),
        Ok(cipher) => Err(format!("{cipher} is too weak: it is read and never written")),
        Err(_) => Err("there are aes128-cbc, aes192-cbc, aes256-cbc, aes128-gcm, aes192-gcm and aes256-gcm".to_owned()),
    }
}

/// Digests that are written; weak ones are read only.
fn strong_digest(name: &str) -> Result<DigestAlgorithm, String> {
    match name.parse() {
        Ok(digest @ (DigestAlgorithm::Sha256 | DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512)) => Ok(digest),
        _ => Err("there are sha256, sha384 and sha512".to_owned()),
    }
}

fn capabilities(name: &str) -> Result<Capabilities, String> {
    match name {
        "none" => Ok(Capabilities::Omit),
        "outlook" => Ok(Capabilities::Outlook),
        "outlook-exact" => Ok(Capabilities::OutlookExact),
        "rfc8551" => Ok(Capabilities::Rfc8551),
        _ => Err("there are none, outlook, outlook-exact and rfc8551".to_owned()),
    }
}

fn revocation(name: &str) -> Result<RevocationMode, String> {
    match name {
        "off" => Ok(RevocationMode::Off),
        "soft" => Ok(RevocationMode::Soft),
        "hard" => Ok(RevocationMode::Hard),
        _ => Err("there are off, soft and hard".to_owned()),
    }
}
