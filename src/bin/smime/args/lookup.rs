//! Where recipients' certificates are looked up: `smime lookup`, and the directories of `smime encrypt`.

use super::Lists;
use clap::Args;
#[cfg(feature = "ldap")]
use smime::fetch::ldap::url::LdapUrl;
use smime::{EmailAddress, Profile, Time};
use std::path::PathBuf;

pub(super) const LOOKUP_EXAMPLES: &str = "Examples:
  smime lookup bob@example.com --certs contacts/                   among files: PEM, DER, PKCS#7, SST or LDIF
  smime lookup bob@example.com --ldap ldaps://directory.example --ca ca.pem
  smime lookup bob@example.com --ldap directory.example --start-tls --ca ca.pem --base dc=example,dc=com
  smime lookup bob@example.com --ldap ldap://directory.example --trust root.pem --pem > bob.pem

Sources are asked in the order: files, LDIF files, directories. Exit codes: 0 everybody has a certificate that can be
used, 7 somebody has none, 1 a directory could not be asked and nobody else had one.";

/// Directory servers. They are asked after the files, in their order.
#[cfg(feature = "ldap")]
#[derive(Args)]
pub(crate) struct Servers {
    /// A directory: ldaps://HOST, ldap://HOST, HOST or HOST:PORT, or an LDAP URL with base, scope and filter; repeatable.
    #[arg(long, value_name = "URL")]
    pub(crate) ldap: Vec<LdapUrl>,

    /// Where to begin; otherwise the server is asked for its naming contexts.
    #[arg(long, value_name = "DN", requires = "ldap")]
    pub(crate) base: Option<String>,

    /// Certificates of authorities that the server's own certificate is held against; repeatable. Needed for TLS.
    #[arg(long, value_name = "PATH", requires = "ldap")]
    pub(crate) ca: Vec<PathBuf>,

    /// TLS on the port for plain connections; a server that refuses it is not asked.
    #[arg(long, requires = "ldap", requires = "ca")]
    pub(crate) start_tls: bool,

    /// Who asks; nobody in particular otherwise. Within TLS only.
    #[arg(long, value_name = "DN", requires = "ldap", requires = "bind_password_file")]
    pub(crate) bind: Option<String>,

    /// A file with the password for --bind in its first line.
    #[arg(long, value_name = "FILE", requires = "bind")]
    pub(crate) bind_password_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Lookup {
    /// Whose certificates.
    #[arg(value_name = "ADDR", required = true)]
    pub(crate) addresses: Vec<EmailAddress>,

    /// Certificates to look among: PEM, DER, PKCS#7, SST or LDIF files, contacts of `smime harvest`, or folders of them;
    /// repeatable.
    #[arg(long, value_name = "PATH")]
    pub(crate) certs: Vec<PathBuf>,

    /// An LDIF file; repeatable.
    #[arg(long, value_name = "FILE")]
    pub(crate) ldif: Vec<PathBuf>,

    #[cfg(feature = "ldap")]
    #[command(flatten)]
    pub(crate) servers: Servers,

    /// Trusted certificates, to judge what is found by; without any, chains are not checked.
    #[arg(long, value_name = "PATH")]
    pub(crate) trust: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) lists: Lists,

    /// outlook-windows, outlook-mobile, exchange-online, rfc8551 or strict.
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) profile: Profile,

    /// The time to judge certificates at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,

    /// Every answer as JSON.
    #[arg(long, conflicts_with = "pem")]
    pub(crate) json: bool,

    /// The certificates that would be used, as PEM, instead of words.
    #[arg(long)]
    pub(crate) pem: bool,
}

pub(super) const HARVEST_EXAMPLES: &str = "Examples:
  smime harvest --trust root.pem --contacts contacts.json mail.eml    keep the sender's certificate
  smime encrypt --to bob@example.com --certs contacts.json mail.eml   and use it

Exit codes: 0 kept, 3 to 6 and 8 as of `smime verify`, 9 another certificate is known (--accept-change keeps both).";

#[derive(Args)]
pub(crate) struct Harvest {
    #[command(flatten)]
    pub(crate) judging: super::Judging,

    /// The file to keep contacts in; it is made where it is not there.
    #[arg(long, value_name = "FILE")]
    pub(crate) contacts: PathBuf,

    /// Keep it although another certificate is known for the address.
    #[arg(long)]
    pub(crate) accept_change: bool,

    /// A signed mail; nothing or - is standard input.
    #[arg(value_name = "MAIL")]
    pub(crate) mail: Option<PathBuf>,

    /// The folder for what comes through a pipe and is too large for memory (above 32 MiB).
    #[arg(long, value_name = "DIR")]
    pub(crate) spool: Option<PathBuf>,
}
