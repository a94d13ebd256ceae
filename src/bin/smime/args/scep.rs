//! What can be said to `smime scep`.

use super::Identities;
use clap::{Args, Subcommand};
use const_oid::ObjectIdentifier;
use smime::Time;
use smime::cert::extension::KeyUsage;
use smime::fetch::http::Url;
use smime::fetch::scep::authority::Fingerprint;
use smime::fetch::scep::template::AltNameKind;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "Examples:
  smime scep caps --url http://scep.example.com/scep          what the server can do, and what that is worth
  smime scep ca --url http://..                               its certificates with their fingerprints, not yet trusted
  smime scep enrol --url http://.. --ca-fingerprint HEX --challenge-file challenge \\
      --subject 'CN={{UserName}},E={{EmailAddress}}' --san email={{EmailAddress}} \\
      --set UserName=Alice --set EmailAddress=alice@example.com --new-password-file pw --out alice.p12
  smime scep poll --url http://.. --ca-fingerprint HEX --pending alice.p12.pending --password-file pw --out alice.p12
  smime scep renew --url http://.. --ca-fingerprint HEX --identity alice.p12 --password-file pw --out new.p12

Exit codes: 0 done, or not due for renewal yet; 1 no answer, or still pending; 2 usage; 5 not the authority that was
  confirmed, or a reply that is not its own; 8 unreadable; 9 refused, by the authority or by us.";

#[derive(Args)]
pub(crate) struct ScepArgs {
    #[command(subcommand)]
    pub(crate) command: ScepCommand,
}

#[derive(Subcommand)]
pub(crate) enum ScepCommand {
    /// Asks what a server can do.
    #[command(before_help = EXAMPLES)]
    Caps(Caps),
    /// Asks a server for its certificates.
    #[command(before_help = EXAMPLES)]
    Ca(Ca),
    /// Makes a key and asks for a certificate.
    #[command(before_help = EXAMPLES)]
    Enrol(Box<Enrol>),
    /// Asks what became of a request that was pending.
    #[command(before_help = EXAMPLES)]
    Poll(Box<Poll>),
    /// Makes a new key and asks for a certificate in place of one that is about to expire.
    #[command(before_help = EXAMPLES)]
    Renew(Box<Renew>),
}

#[derive(Args)]
pub(crate) struct Server {
    /// The server's address, http://; of several, the first that answers is kept.
    #[arg(long, value_name = "URL", required = true)]
    pub(crate) url: Vec<Url>,

    /// The name of the CA, where the server has several.
    #[arg(long, value_name = "NAME")]
    pub(crate) ca_identifier: Option<String>,

    /// Seconds for one answer [default: 10].
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u32>,
}

#[derive(Args)]
pub(crate) struct Caps {
    #[command(flatten)]
    pub(crate) server: Server,

    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Ca {
    #[command(flatten)]
    pub(crate) server: Server,

    /// The SHA-256 of the authority's certificate, as it was learned elsewhere; repeatable.
    #[arg(long, value_name = "HEX")]
    pub(crate) ca_fingerprint: Vec<Fingerprint>,

    /// Write the confirmed certificates into this file, as PEM.
    #[arg(short, long, value_name = "FILE", requires = "ca_fingerprint")]
    pub(crate) out: Option<PathBuf>,

    /// Replace a file that is there already.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,

    /// The time to judge at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,

    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What all have in common that end with a certificate.
#[derive(Args)]
pub(crate) struct Wanted {
    #[command(flatten)]
    pub(crate) server: Server,

    /// The SHA-256 of the authority's certificate, as it was learned elsewhere; repeatable.
    #[arg(long, value_name = "HEX", required = true)]
    pub(crate) ca_fingerprint: Vec<Fingerprint>,

    /// How often a decision is asked for.
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub(crate) polls: u32,

    /// Seconds between two questions.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) poll_interval: u32,

    /// The PKCS#12 to write; it appears whole or not at all, and only its owner may read it.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: PathBuf,

    /// Replace a file that is there already.
    #[arg(long)]
    pub(crate) force: bool,

    /// The time to judge at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,

    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The password of what is written.
#[derive(Args)]
pub(crate) struct NewPassword {
    /// A file with the password of the PKCS#12 in its first line.
    #[arg(long, value_name = "FILE", conflicts_with = "new_password_fd")]
    pub(crate) new_password_file: Option<PathBuf>,

    /// An open file descriptor with that password.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) new_password_fd: Option<u32>,
}

#[derive(Args)]
pub(crate) struct Enrol {
    #[command(flatten)]
    pub(crate) wanted: Wanted,

    #[command(flatten)]
    pub(crate) password: NewPassword,

    /// Whom it is to be about: CN={{UserName}},E={{EmailAddress}}. A value with one of + , ; = in quotation marks.
    #[arg(long, value_name = "TEMPLATE")]
    pub(crate) subject: String,

    /// A name for the subjectAltName: email=, upn=, dns= or uri=, and a template; repeatable.
    #[arg(long, value_name = "KIND=TEMPLATE", value_parser = alt_name)]
    pub(crate) san: Vec<(AltNameKind, String)>,

    /// What a variable stands for; repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<(String, String)>,

    /// What the key is to do: sign, encrypt or both.
    #[arg(long, value_name = "WHAT", default_value = "sign", value_parser = key_usage)]
    pub(crate) key_usage: KeyUsage,

    /// What else than mail it is for; repeatable, and then mail only where it is named (1.3.6.1.5.5.7.3.4).
    #[arg(long, value_name = "OID")]
    pub(crate) extended_key_usage: Vec<ObjectIdentifier>,

    /// A file with the challenge password in its first line.
    #[arg(long, value_name = "FILE")]
    pub(crate) challenge_file: Option<PathBuf>,

    /// Bits of the RSA key: 2048, 3072 or 4096.
    #[arg(long, value_name = "NUMBER", default_value_t = 2048)]
    pub(crate) bits: u32,
}

#[derive(Args)]
pub(crate) struct Poll {
    #[command(flatten)]
    pub(crate) wanted: Wanted,

    /// What `smime scep enrol` left of the request.
    #[arg(long, value_name = "FILE")]
    pub(crate) pending: PathBuf,

    /// A file with its password in its first line; the PKCS#12 is written under the same.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: PathBuf,
}

#[derive(Args)]
pub(crate) struct Renew {
    #[command(flatten)]
    pub(crate) wanted: Wanted,

    #[command(flatten)]
    pub(crate) identities: Identities,

    #[command(flatten)]
    pub(crate) password: NewPassword,

    /// Percent of its life that may remain.
    #[arg(long, value_name = "PERCENT", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=99))]
    pub(crate) threshold: u8,

    /// Renew it even where it is not due.
    #[arg(long)]
    pub(crate) anyway: bool,

    /// A file with a challenge password in its first line, for servers that want one here, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) challenge_file: Option<PathBuf>,

    /// Bits of the RSA key: 2048, 3072 or 4096.
    #[arg(long, value_name = "NUMBER", default_value_t = 2048)]
    pub(crate) bits: u32,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').ok_or("it is written NAME=VALUE")?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

fn alt_name(text: &str) -> Result<(AltNameKind, String), String> {
    let (kind, template) = text.split_once('=').ok_or("it is written KIND=TEMPLATE")?;
    Ok((kind.parse()?, template.to_owned()))
}

fn key_usage(word: &str) -> Result<KeyUsage, String> {
    match word {
        "sign" => Ok(KeyUsage::DIGITAL_SIGNATURE),
        "encrypt" => Ok(KeyUsage::KEY_ENCIPHERMENT),
        "both" => Ok(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT)),
        _ => Err("there are sign, encrypt and both".to_owned()),
    }
}
