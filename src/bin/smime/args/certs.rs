//! Certificates without a message: `smime certs` and `smime lint`.

use super::{CertsSelect, Lists, account};
use clap::{Args, Subcommand};
use const_oid::ObjectIdentifier;
use smime::cert::extension::GeneralName;
use smime::cert::lint::BrProfile;
use smime::cert::purpose::Purpose;
use smime::{EmailAddress, Profile, Time};
use std::path::PathBuf;

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

    /// outlook-windows, outlook-mobile, exchange-online, rfc8551 or strict: how purpose and address are judged.
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

pub(super) const LINT_EXAMPLES: &str = "Examples:
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

fn purpose(name: &str) -> Result<Purpose, String> {
    match name {
        "sign" => Ok(Purpose::Sign),
        "encrypt" => Ok(Purpose::Encrypt),
        "any" => Ok(Purpose::Any),
        _ => Err("there are sign, encrypt and any".to_owned()),
    }
}

fn policy(text: &str) -> Result<ObjectIdentifier, String> {
    text.parse().map_err(|_| "it is no object identifier like 2.23.140.1.5.1.3".to_owned())
}
