//! `smime intune`: PKCS#12 files as objects for Intune's import of certificates, and out of them (OUT-131 to OUT-133).

use crate::console::Console;
use crate::export::new_password;
use crate::failure::{Failure, Outcome, exit};
use crate::input::{PasswordFrom, Secrecy, small_file};
use crate::output::{self, Existing, Readers};
use crate::{store, time};
use clap::{Args, Subcommand};
use serde_json::{Map, Value as Json};
use smime::crypto::random::SystemRandom;
use smime::policy::json;
use smime::policy::value::Value;
use smime::store::intune_pfx::{Delivery, IntendedPurpose, PaddingScheme, UserPfxCertificate, read_public_key};
use smime::store::p12;
use smime::{Limits, Secret, Time};
use std::path::{Path, PathBuf};

pub(crate) const EXAMPLES: &str = "Examples:
  smime intune pfx-object --password-file pw --connector-key connector.pem --user alice@corp.example \\
      --purpose smimeEncryption --key-name PFXKey alice.p12 > object.json      to be posted to Microsoft Graph
  smime intune open-pfx-object --connector-key connector.key --out alice.p12 --new-password-file pw object.json

Exit codes: 0 done, 1 other, 2 usage, 6 the object is for another key, 8 unreadable, 9 the certificate is not for that.";

#[derive(Args)]
pub(crate) struct IntuneArgs {
    #[command(subcommand)]
    command: IntuneCommand,
}

#[derive(Subcommand)]
enum IntuneCommand {
    /// Makes a userPFXCertificate of a PKCS#12: its password is encrypted for the connector, the file stays as it is.
    #[command(before_help = EXAMPLES)]
    PfxObject(PfxObject),
    /// Does the connector's part: decrypts the password, opens the file, and writes it under a new password.
    #[command(before_help = EXAMPLES)]
    OpenPfxObject(OpenPfxObject),
}

#[derive(Args)]
struct PfxObject {
    /// The PKCS#12.
    #[arg(value_name = "PKCS12")]
    file: PathBuf,

    /// A file with its password in its first line.
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,

    /// The connector's public key: PEM, DER or a CNG RSAPUBLICBLOB.
    #[arg(long, value_name = "FILE")]
    connector_key: PathBuf,

    /// The user principal name of whom it is for.
    #[arg(long, value_name = "UPN")]
    user: String,

    /// unassigned, smimeEncryption, smimeSigning, vpn or wifi.
    #[arg(long, value_name = "WHAT", default_value = "smimeEncryption")]
    purpose: IntendedPurpose,

    /// The name of the connector's key.
    #[arg(long, value_name = "NAME")]
    key_name: String,

    /// The provider that holds it.
    #[arg(long, value_name = "NAME", default_value = "Microsoft Software Key Storage Provider")]
    provider_name: String,

    /// oaepSha256, oaepSha384 or oaepSha512.
    #[arg(long, value_name = "NAME", default_value = "oaepSha512")]
    padding: PaddingScheme,

    /// The file to write (standard output otherwise).
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Replace a file that is there already.
    #[arg(long)]
    force: bool,

    /// The time that the object says it was made at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    at: Option<Time>,
}

#[derive(Args)]
struct OpenPfxObject {
    /// The object, JSON.
    #[arg(value_name = "OBJECT")]
    object: PathBuf,

    /// The connector's private key.
    #[arg(long, value_name = "FILE")]
    connector_key: PathBuf,

    /// A file with the password of that key in its first line.
    #[arg(long, value_name = "FILE")]
    connector_password_file: Option<PathBuf>,

    /// The PKCS#12 to write.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,

    /// A file with its password in its first line.
    #[arg(long, value_name = "FILE", conflicts_with = "new_password_fd")]
    new_password_file: Option<PathBuf>,

    /// An open file descriptor with that password.
    #[arg(long, value_name = "NUMBER")]
    new_password_fd: Option<u32>,

    /// Replace a file that is there already.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &IntuneArgs, console: Console) -> Outcome {
    match &args.command {
        IntuneCommand::PfxObject(args) => pfx_object(args, console),
        IntuneCommand::OpenPfxObject(args) => open_pfx_object(args, console),
    }
}

fn existing(force: bool) -> Existing {
    if force { Existing::Replace } else { Existing::Refuse }
}

fn read(path: &Path, secrecy: Secrecy, console: Console) -> Result<Secret, Failure> {
    small_file(path, Limits::default().key_file_bytes, secrecy, console)
}

fn pfx_object(args: &PfxObject, console: Console) -> Outcome {
    let limits = Limits::default();
    let password = PasswordFrom::File(args.password_file.clone()).read(console)?;
    let pfx = read(&args.file, Secrecy::Confidential, console)?;
    let key = read(&args.connector_key, Secrecy::Open, console)?;
    let key =
        read_public_key(key.expose(), &limits).map_err(|e| Failure::from(e).about(args.connector_key.display()))?;
    let delivery = Delivery {
        user_principal_name: args.user.clone(),
        intended_purpose: args.purpose,
        provider_name: args.provider_name.clone(),
        key_name: args.key_name.clone(),
        padding_scheme: args.padding,
    };
    let at = time(args.at);
    let object = UserPfxCertificate::build(pfx.expose(), &password, delivery, &key, at, &mut SystemRandom, &limits)
        .map_err(|error| Failure::from(error).about(args.file.display()))?;
    let text = format!("{:#}\n", written(&object.to_value()));
    output::write(args.out.as_deref(), existing(args.force), Readers::Owner, text.as_bytes())?;
    console.say(format_args!("{}: until {}", object.thumbprint, object.expiration));
    Ok(exit::DONE)
}

fn written(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => Json::from(*value),
        Value::Integer(value) => Json::from(*value),
        Value::Real(value) => Json::from(*value),
        Value::Text(text) => Json::from(text.as_str()),
        Value::List(list) => Json::Array(list.iter().map(written).collect()),
        Value::Map(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.clone(), written(value))).collect::<Map<_, _>>())
        }
    }
}

fn open_pfx_object(args: &OpenPfxObject, console: Console) -> Outcome {
    let limits = Limits::default();
    let about = |failure: Failure| failure.about(args.object.display());
    let text = read(&args.object, Secrecy::Confidential, console)?;
    let text = std::str::from_utf8(text.expose());
    let text = text.map_err(|_| about(Failure::new(exit::UNREADABLE, "it is no text in UTF-8")))?;
    let value = json::read(text, &limits).map_err(|error| about(Failure::new(exit::UNREADABLE, error)))?;
    let object = UserPfxCertificate::from_value(&value).map_err(|error| about(error.into()))?;
    let from = args.connector_password_file.clone().map(PasswordFrom::File);
    let import = store::read(&args.connector_key, from.as_ref(), false, console)?;
    let identity = import.identities.first().and_then(|identity| import.private_key(identity));
    let key = identity.or_else(|| import.keys.first().map(|key| key.private_key()));
    let key = key
        .ok_or_else(|| Failure::new(exit::UNREADABLE, "it holds no private key").about(args.connector_key.display()))?;
    let (file, _) = object.open(key, &mut SystemRandom, &limits).map_err(|error| about(error.into()))?;
    let identity = file.sole_identity()?;
    let private = file.private_key(identity);
    let private = private.ok_or_else(|| about(Failure::new(exit::OTHER, "its private key cannot be taken out")))?;
    let password = new_password(args.new_password_file.as_deref(), args.new_password_fd, &args.out, console)?;
    let mut certificates = vec![identity.certificate().clone()];
    certificates.extend(identity.chain().iter().cloned());
    let name = identity.certificate().subject().common_name().unwrap_or_default();
    let key = private.to_pkcs8()?;
    let bytes = p12::write(&key, &certificates, name, &password, p12::Profile::Modern, &mut SystemRandom)?;
    output::write(Some(&args.out), existing(args.force), Readers::Owner, &bytes)?;
    let user = smime::base::reason::visible(&object.delivery.user_principal_name);
    console.say(format_args!("{}: {}, for {user}", args.out.display(), identity.certificate().subject()));
    Ok(exit::DONE)
}
