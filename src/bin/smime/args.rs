//! What can be said on the command line.

mod account;
mod addressing;
mod install;
mod lookup;
#[cfg(feature = "net")]
pub(crate) mod scep;

pub(crate) use account::{CertsSelect, Signing};
pub(crate) use addressing::{Addressing, Encrypt, Plan};
pub(crate) use install::{Import, KeyringArgs, KeyringCommand, KeyringList, KeyringRemove};
#[cfg(feature = "ldap")]
pub(crate) use lookup::Servers;
pub(crate) use lookup::{Harvest, Lookup};

use crate::urls::FileUrls;
use clap::{Args, Parser, Subcommand, ValueEnum};
use const_oid::ObjectIdentifier;
use smime::cert::extension::GeneralName;
use smime::cert::lint::BrProfile;
use smime::cert::purpose::Purpose;
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
  6 cannot decrypt, 7 a recipient without certificate, 8 unreadable, 9 policy refuses.";

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
    #[command(before_help = LINT_EXAMPLES)]
    Lint(Lint),
    /// Fetches certificates to sign with from an authority, over SCEP.
    #[cfg(feature = "net")]
    #[command(before_help = scep::EXAMPLES)]
    Scep(scep::ScepArgs),
    /// Makes, shows and checks serialized stores (.sst), which Exchange Online takes for the roots that S/MIME trusts.
    #[command(before_help = SST_EXAMPLES)]
    Sst(Sst),
    /// Wraps PKCS#12 files for Intune, and unwraps them.
    #[command(before_help = crate::intune::EXAMPLES)]
    Intune(crate::intune::IntuneArgs),
    /// Shows, explains and checks the policies of Intune, Exchange and Outlook for Windows.
    #[command(before_help = POLICY_EXAMPLES)]
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
    pub(crate) identities: Identities,

    #[command(flatten)]
    pub(crate) files: Files,

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

    /// outlook-windows, outlook-mac, outlook-mobile, owa, rfc8551 or strict.
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

const CERTS_EXAMPLES: &str = "Examples:
  smime certs verify --trust ca.pem alice.pem
  smime certs verify --trust ca.pem --purpose sign --address alice@example.com --crls lists/ alice.pem
  smime certs verify --trust roots/ --chain others/ --policy 2.23.140.1.5.1.3 --explicit-policy --explain alice.pem";

#[derive(Args)]
pub(crate) struct Certs {
    #[command(subcommand)]
    pub(crate) command: CertsCommand,
}

#[derive(Subcommand)]
pub(crate) enum CertsCommand {
    /// Judges a certificate as the signer of a mail, or its recipient, would be.
    #[command(before_help = CERTS_EXAMPLES)]
    Verify(Box<CertsVerify>),
    /// Says which of an account's certificates signs, which one copies are encrypted to, which keys open, and why not the
    /// others.
    #[command(before_help = account::SELECT_EXAMPLES)]
    Select(Box<CertsSelect>),
}

#[derive(Args)]
pub(crate) struct CertsVerify {
    /// The certificate: the first of the file, where that holds several; the others help to build chains.
    #[arg(value_name = "CERT")]
    pub(crate) certificate: PathBuf,

    /// Certificates to build chains of, trusted in nothing; repeatable.
    #[arg(long, value_name = "PATH")]
    pub(crate) chain: Vec<PathBuf>,

    /// Trusted certificates: PEM, DER, PKCS#7 or SST files, or folders of them; repeatable. Self-signed ones are anchors
    /// and the others help to build chains; where none is self-signed, all are anchors.
    #[arg(long, value_name = "PATH")]
    pub(crate) trust: Vec<PathBuf>,

    /// Certificates that are anchors, self-signed or not; repeatable.
    #[arg(long, value_name = "PATH")]
    pub(crate) anchor: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) lists: Lists,

    #[command(flatten)]
    pub(crate) fetching: crate::fetching::Fetching,

    /// The time to judge at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,

    /// sign, encrypt or any.
    #[arg(long, value_name = "WHAT", default_value = "any", value_parser = purpose)]
    pub(crate) purpose: Purpose,

    /// An address that must stand in the certificate.
    #[arg(long, value_name = "ADDR")]
    pub(crate) address: Option<EmailAddress>,

    /// outlook-windows, outlook-mobile, rfc8551 or strict: how purpose and address are judged.
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) profile: Profile,

    /// An acceptable certificate policy; repeatable; any without it (RFC 5280 user-initial-policy-set).
    #[arg(long, value_name = "OID", value_parser = policy)]
    pub(crate) policy: Vec<ObjectIdentifier>,

    /// The chain must be valid for one of them (initial-explicit-policy).
    #[arg(long)]
    pub(crate) explicit_policy: bool,

    /// Policies are not mapped (initial-policy-mapping-inhibit).
    #[arg(long)]
    pub(crate) inhibit_mapping: bool,

    /// anyPolicy stands for no other (initial-any-policy-inhibit).
    #[arg(long)]
    pub(crate) inhibit_any: bool,

    /// Names that the chain may have, like email:.example.com, dns:example.com, uri:.example.com, ip:192.0.2.0/24 or
    /// dn:O=Example,C=DE; repeatable (initial-permitted-subtrees).
    #[arg(long, value_name = "NAME")]
    pub(crate) permit: Vec<GeneralName>,

    /// Names that it must not have; repeatable (initial-excluded-subtrees).
    #[arg(long, value_name = "NAME")]
    pub(crate) exclude: Vec<GeneralName>,

    /// Show every path that was looked at as a tree, with what speaks against each.
    #[arg(long)]
    pub(crate) explain: bool,

    /// The answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const LINT_EXAMPLES: &str = "Examples:
  smime lint alice.pem                           by the profile that the certificate claims by its policy
  smime lint --as mailbox-strict alice.pem       by a profile, whatever it claims
  smime lint --json issued/ > findings.json      every certificate of a folder
  smime lint --clauses                           what is asked for, of which certificates, since when

Exit codes: 0 no error was found (warnings may be), 9 an error was found.";

#[derive(Args)]
pub(crate) struct Lint {
    /// Certificates: PEM, DER or PKCS#7 files, or folders of them.
    #[arg(value_name = "CERT", required_unless_present = "clauses")]
    pub(crate) certificates: Vec<PathBuf>,

    /// Judge by this profile: mailbox, organization, sponsor or individual, with -legacy, -multipurpose or -strict.
    #[arg(long = "as", value_name = "PROFILE")]
    pub(crate) profile: Option<BrProfile>,

    /// List the clauses, and judge nothing.
    #[arg(long, conflicts_with_all = ["certificates", "profile"])]
    pub(crate) clauses: bool,

    /// The findings, or the clauses, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const SST_EXAMPLES: &str = "Examples:
  smime sst create --out roots.sst root.pem intermediates/    a store for Set-SmimeConfig -SMIMECertificateIssuingCA
  smime sst verify roots.sst                                  would Exchange take it, and what would it trust?
  smime sst list --json roots.sst                             what is in it, with every property
  smime sst extract roots.sst --dir roots/ --format pem       a file for each certificate
  smime sst create --out ca.sst --files file:///tmp/=pkits/ pkits.ldif     certificates that an LDIF file gives by URL

Exit codes: 0 done, 1 other, 2 usage, 8 unreadable, 9 a certificate is expired: each is named.";

#[derive(Args)]
pub(crate) struct Sst {
    #[command(subcommand)]
    pub(crate) command: SstCommand,
}

#[derive(Subcommand)]
pub(crate) enum SstCommand {
    /// Shows certificates, lists and their properties.
    #[command(before_help = SST_EXAMPLES)]
    List(SstList),
    /// Makes a store of certificates; refuses expired ones, as Exchange would.
    #[command(before_help = SST_EXAMPLES)]
    Create(SstCreate),
    /// Writes each certificate and each list into a file of its own.
    #[command(before_help = SST_EXAMPLES)]
    Extract(SstExtract),
    /// Checks whether Exchange would take it: one expired certificate, and it takes none. Says what would be trusted.
    #[command(before_help = SST_EXAMPLES)]
    Verify(SstVerify),
}

/// A collection of certificates.
#[derive(Args)]
pub(crate) struct SstSource {
    /// A serialized store; or PEM, DER, PKCS#7 or LDIF, or a folder of them, taken for one.
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,

    /// The file is a single serialized certificate without header, as Windows keeps them in SystemCertificates.
    #[arg(long)]
    pub(crate) element: bool,
}

#[derive(Args)]
pub(crate) struct SstList {
    #[command(flatten)]
    pub(crate) source: SstSource,

    /// The time to judge properties at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,

    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct SstCreate {
    /// Certificates and lists: PEM, DER, PKCS#7, LDIF or serialized stores, or folders of them.
    #[arg(value_name = "CERT", required = true)]
    pub(crate) certificates: Vec<PathBuf>,

    /// The file to write (standard output otherwise); it appears whole or not at all.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Replace a file that is there already.
    #[arg(long)]
    pub(crate) force: bool,

    /// Take expired certificates, too; Exchange refuses a store with one of them.
    #[arg(long)]
    pub(crate) allow_expired: bool,

    /// The time to judge certificates at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,

    /// Leave out the properties of stores that are read, and with them what those do not trust certificates for.
    #[arg(long)]
    pub(crate) no_properties: bool,

    /// Keep properties that are hashes, too.
    #[arg(long, conflicts_with = "no_properties")]
    pub(crate) hashes: bool,

    /// The folder that the file URLs of LDIF files mean, where URL (file:/// otherwise) is their beginning; other URLs are
    /// not followed.
    #[arg(long, value_name = "[URL=]DIR")]
    pub(crate) files: Option<FileUrls>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CertificateFormat {
    Der,
    Pem,
}

#[derive(Args)]
pub(crate) struct SstExtract {
    #[command(flatten)]
    pub(crate) source: SstSource,

    /// The folder to write into; it is made where it is not there.
    #[arg(long, value_name = "DIR", required_unless_present = "ldif")]
    pub(crate) dir: Option<PathBuf>,

    /// How each certificate is written.
    #[arg(long, value_enum, default_value = "der", requires = "dir")]
    pub(crate) format: CertificateFormat,

    /// All certificates as the entries of one LDIF file instead.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    pub(crate) ldif: Option<PathBuf>,

    /// Replace files that are there already.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args)]
pub(crate) struct SstVerify {
    #[command(flatten)]
    pub(crate) source: SstSource,

    /// The time to judge at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,

    /// Trust every self-signed certificate, whatever the store's properties say of it.
    #[arg(long)]
    pub(crate) ignore_properties: bool,

    /// The answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

const POLICY_EXAMPLES: &str = "Examples:
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

fn purpose(name: &str) -> Result<Purpose, String> {
    match name {
        "sign" => Ok(Purpose::Sign),
        "encrypt" => Ok(Purpose::Encrypt),
        "any" => Ok(Purpose::Any),
        _ => Err("there are sign, encrypt and any".to_owned()),
    }
}

fn p12_profile(name: &str) -> Result<p12::Profile, String> {
    match name {
        "modern" => Ok(p12::Profile::Modern),
        "legacy" => Ok(p12::Profile::Legacy),
        _ => Err("there are modern and legacy".to_owned()),
    }
}

fn policy(text: &str) -> Result<ObjectIdentifier, String> {
    text.parse().map_err(|_| "it is no object identifier like 2.23.140.1.5.1.3".to_owned())
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
