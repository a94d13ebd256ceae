//! Whose account: which of several certificates is taken.

use super::{Identities, Policies};
use clap::Args;
use smime::{EmailAddress, Profile, Time};

pub(super) const SELECT_EXAMPLES: &str = "Examples:
  smime certs select --account alice@example.com --identity old.p12 --identity new.p12
  smime certs select --account alice@example.com --identity keys.p12 --policy smimeconfig.json --json

Exit codes: 0 there is a certificate to sign with and one to encrypt to, 9 there is not.";

/// Who signs.
#[derive(Args)]
pub(crate) struct Signing {
    /// The account's primary address, which must stand in the certificate. Of several identities the newest that fits signs.
    #[arg(long, value_name = "ADDR")]
    pub(crate) account: Option<EmailAddress>,

    /// Another of the account's certificates than the newest, by its SHA-256; the policy may not leave that to the user.
    #[arg(long, value_name = "SHA256", requires = "account", value_parser = sha256)]
    pub(crate) choose: Option<[u8; 32]>,
}

#[derive(Args)]
pub(crate) struct CertsSelect {
    #[command(flatten)]
    pub(crate) identities: Identities,

    /// The account's primary address.
    #[arg(long, value_name = "ADDR")]
    pub(crate) account: EmailAddress,

    /// The identities are derived credentials, which the device had already: it is told when they are to be renewed.
    #[arg(long)]
    pub(crate) derived: bool,

    /// The certificate that the user chose to sign with, by its SHA-256.
    #[arg(long, value_name = "SHA256", value_parser = sha256)]
    pub(crate) choose: Option<[u8; 32]>,

    /// outlook-windows, outlook-mobile, owa, rfc8551 or strict.
    #[arg(long, value_name = "NAME", default_value_t)]
    pub(crate) profile: Profile,

    #[command(flatten)]
    pub(crate) policies: Policies,

    /// The time to judge certificates at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,

    /// The answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

fn sha256(text: &str) -> Result<[u8; 32], String> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    let wrong = || "a SHA-256 has 64 hexadecimal digits".to_owned();
    if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        let pair = digits.get(2 * at..2 * at + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(hash)
}
