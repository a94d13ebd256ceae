//! `smime export`: an identity with its chain, written anew: as PKCS#12 under a new password, or the certificates alone.
//!
//! A private key leaves in PKCS#12 only, and never without a password (OUT-112).

use crate::args::Export;
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::input::PasswordFrom;
use crate::output::{Existing, Output, Readers};
use crate::{store, time};
use clap::ArgMatches;
use smime::compose::installation_mail;
use smime::crypto::random::SystemRandom;
use smime::store::import::Import;
use smime::store::p12::{self, Profile};
use smime::store::{p7c, pem};
use smime::{Certificate, Identity, Secret};
use std::io::Write;
use std::path::Path;

pub(crate) fn run(args: &Export, order: &ArgMatches, console: Console) -> Outcome {
    let existing = if args.force { Existing::Replace } else { Existing::Refuse };
    let readers = if args.pem || args.p7c { Readers::Usual } else { Readers::Owner };
    // Before anything else, so that nobody types passwords for a file that cannot be written.
    let mut out = Output::to(Some(&args.out), existing, readers)?;
    let import = store::sole(&args.identities, order, console)?;
    let identity = import.sole_identity().map_err(|e| Failure::from(e).about(store::named(&args.identities)))?;
    // Who it goes to is known before anybody types a password.
    if args.mail {
        installation_mail::owner(identity.certificate(), args.account.as_ref())?;
    }
    let mut certificates = vec![identity.certificate().clone()];
    certificates.extend(identity.chain().iter().cloned());
    let bytes = if args.pem {
        certificates.iter().map(|c| pem::write("CERTIFICATE", c.der())).collect::<String>().into_bytes()
    } else if args.p7c {
        p7c::write(&certificates, &[])
    } else {
        let file = pkcs12(args, &import, identity, &certificates, console)?;
        match args.mail {
            true => to_oneself(args, file, identity)?,
            false => file,
        }
    };
    out.write_all(&bytes)?;
    out.finish()?;
    let above = certificates.len().saturating_sub(1);
    console.say(format_args!("{}: {}, {above} above it", args.out.display(), identity.certificate().subject().brief()));
    Ok(exit::DONE)
}

/// OUT-114.
fn to_oneself(args: &Export, file: Vec<u8>, identity: &Identity) -> Result<Vec<u8>, Failure> {
    let (own, to) = (identity.certificate(), args.account.as_ref());
    Ok(installation_mail::write(file, own, to, time(args.at), &mut SystemRandom)?)
}

fn pkcs12(
    args: &Export,
    import: &Import,
    identity: &Identity,
    certificates: &[Certificate],
    console: Console,
) -> Result<Vec<u8>, Failure> {
    let key = import
        .private_key(identity)
        .ok_or_else(|| Failure::new(exit::OTHER, "its private key cannot be taken out").about("--identity"))?;
    let password = new_password(args.new_password_file.as_deref(), args.new_password_fd, &args.out, console)?;
    if args.profile == Profile::Legacy {
        console.warn(format_args!(
            "{}: written with 3DES and SHA-1, which are weak, for old phones and gpgsm 2.2; take a long password, and \
             delete the file once it is imported",
            args.out.display()
        ));
    }
    let own = identity.certificate();
    let name = args.name.as_deref().or_else(|| own.subject().common_name()).unwrap_or_default();
    let pkcs8 = key.to_pkcs8()?;
    Ok(p12::write(&pkcs8, certificates, name, &password, args.profile, &mut SystemRandom)?)
}

/// The one given, or one that somebody at the terminal types twice.
pub(crate) fn new_password(
    file: Option<&Path>,
    descriptor: Option<u32>,
    out: &Path,
    console: Console,
) -> Result<Secret, Failure> {
    let from = match (file, descriptor) {
        (Some(file), _) => Some(PasswordFrom::File(file.to_path_buf())),
        (None, Some(number)) => Some(PasswordFrom::Descriptor(number)),
        (None, None) => None,
    };
    let password = match from {
        Some(from) => from.read(console)?,
        None => {
            let missing = || Failure::usage("a new password is needed").hint("--new-password-file FILE");
            let first = console.ask(format_args!("New password of {}", out.display())).ok_or_else(missing)??;
            let second = console.ask("The same once more").ok_or_else(missing)??;
            if first != second {
                return Err(Failure::usage("the two new passwords differ, and nothing was written"));
            }
            first
        }
    };
    if password.is_empty() {
        let why = "the new password is empty, and a private key is not written without one";
        return Err(Failure::usage(why).hint("a password of several words"));
    }
    Ok(password)
}
