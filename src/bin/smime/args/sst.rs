//! `smime sst`.

use crate::urls::FileUrls;
use clap::{Args, Subcommand, ValueEnum};
use smime::Time;
use std::path::PathBuf;

pub(super) const SST_EXAMPLES: &str = "Examples:
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
