//! Whom a mail is encrypted to: `smime encrypt` and `smime plan`.

#[cfg(feature = "ldap")]
use super::Servers;
use super::{Files, Identities, Lists, Policies, strong_cipher, strong_digest};
use clap::Args;
use smime::crypto::algorithm::{ContentCipher, DigestAlgorithm};
use smime::policy::sending::BccForking;
use smime::{EmailAddress, Profile, Time};
use std::path::PathBuf;

pub(super) const ENCRYPT_EXAMPLES: &str = "Examples:
  smime encrypt --to bob@example.com --certs bob.pem mail.eml > sealed.eml
  smime encrypt --to-headers --certs contacts/ --trust ca.pem --identity alice.p12 mail.eml > sealed.eml
  smime encrypt --to-headers --certs contacts/ --groups groups.txt --out-dir outgoing/ mail.eml      with Bcc: several messages
  smime encrypt --draft --identity alice.p12 mail.eml > draft.eml                    to oneself, until it is sent";

pub(super) const PLAN_EXAMPLES: &str = "Examples:
  smime plan --certs contacts/ --trust ca.pem mail.eml            everybody in To, Cc and Bcc
  smime plan --certs contacts.json --groups groups.txt --policy smimeconfig.json --json mail.eml
  smime plan --to bob@example.com --certs bob.pem mail.eml        somebody more

Exit codes: 0 everybody can be encrypted to, 7 somebody cannot: each is named with the reasons, 1 a directory could not be
asked.";

/// Whom a mail is for, and where their certificates come from.
#[derive(Args)]
pub(crate) struct Addressing {
    /// A recipient's address; repeatable.
    #[arg(long, value_name = "ADDR")]
    pub(crate) to: Vec<EmailAddress>,

    /// Certificates to choose from: PEM, DER, PKCS#7, SST or LDIF files, contacts of `smime harvest`, or folders of them;
    /// repeatable.
    #[arg(long, value_name = "PATH")]
    pub(crate) certs: Vec<PathBuf>,

    #[cfg(feature = "ldap")]
    #[command(flatten)]
    pub(crate) servers: Servers,

    /// Who is in a group: a line \"group@example.com: one@example.com, two@example.com\" each, or JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) groups: Option<PathBuf>,

    /// Trusted certificates, to judge the recipients' by; without any their chains are not checked.
    #[arg(long, value_name = "PATH")]
    pub(crate) trust: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) lists: Lists,

    #[command(flatten)]
    pub(crate) fetching: crate::fetching::Fetching,

    /// aes128-cbc, aes192-cbc, aes256-cbc, aes128-gcm, aes192-gcm or aes256-gcm, whatever recipients announce (otherwise
    /// what they announce and the profile decide).
    #[arg(long, value_name = "CIPHER", value_parser = strong_cipher)]
    pub(crate) content: Option<ContentCipher>,

    /// RSAES-OAEP with this digest instead of PKCS#1 v1.5, for RSA keys.
    #[arg(long, value_name = "DIGEST", num_args = 0..=1, default_missing_value = "sha256", value_parser = strong_digest)]
    pub(crate) oaep: Option<DigestAlgorithm>,

    /// Another digest for OAEP's mask generation.
    #[arg(long, value_name = "DIGEST", requires = "oaep")]
    pub(crate) oaep_mgf: Option<DigestAlgorithm>,

    /// Messages for Bcc: 0, one for each of them; 1, one for all of them; 2, the same as for To and Cc, where they can be
    /// found out (0 unless the policy decides otherwise).
    #[arg(long, value_name = "NUMBER", value_parser = forking)]
    pub(crate) bcc_forking: Option<BccForking>,

    /// outlook-windows, outlook-mobile, owa, rfc8551 or strict.
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) profile: Profile,

    /// Name recipients by key identifier instead of issuer and serial number.
    #[arg(long)]
    pub(crate) key_identifier: bool,

    #[command(flatten)]
    pub(crate) policies: Policies,

    /// The time to judge certificates at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,
}

#[derive(Args)]
pub(crate) struct Encrypt {
    #[command(flatten)]
    pub(crate) options: EncryptOptions,

    /// To the sender alone, whoever it is for: a draft.
    #[arg(long, conflicts_with_all = ["to", "to_headers", "skip_missing", "out_dir"])]
    pub(crate) draft: bool,

    #[command(flatten)]
    pub(crate) files: Files,

    /// The folder for the messages, a file each, and a list of whom each is for; it is made where it is not there.
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    pub(crate) out_dir: Option<PathBuf>,
}

/// How mail is encrypted, one or many.
#[derive(Args)]
pub(crate) struct EncryptOptions {
    #[command(flatten)]
    pub(crate) addressing: Addressing,

    /// The addresses of To, Cc and Bcc. Who stands in Bcc gets a message apart (--bcc-forking).
    #[arg(long)]
    pub(crate) to_headers: bool,

    #[command(flatten)]
    pub(crate) identities: Identities,

    /// The sender's primary address: of several identities, the copy is encrypted to the newest that fits.
    #[arg(long, value_name = "ADDR")]
    pub(crate) account: Option<EmailAddress>,

    /// Leave out recipients who have no usable certificate: they get nothing.
    #[arg(long)]
    pub(crate) skip_missing: bool,

    /// Encrypt what is encrypted already once more.
    #[arg(long)]
    pub(crate) wrap: bool,
}

#[derive(Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) addressing: Addressing,

    /// The mail that is to be encrypted; nothing or - is standard input.
    #[arg(value_name = "MAIL")]
    pub(crate) mail: Option<PathBuf>,

    /// The folder for what comes through a pipe and is too large for memory (above 32 MiB).
    #[arg(long, value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,

    /// The plan as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

fn forking(text: &str) -> Result<BccForking, String> {
    match text {
        "0" => Ok(BccForking::OnePerRecipient),
        "1" => Ok(BccForking::OneForAll),
        "2" => Ok(BccForking::Together),
        _ => Err("there are 0, 1 and 2".to_owned()),
    }
}
