//! `smime keyring`, and `--keyring DIR` of the commands that sign, encrypt and open.

use crate::args::{Identities, KeyringArgs, KeyringCommand, KeyringList, KeyringRemove};
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::input::PasswordFrom;
use crate::output::{self, Existing, Readers};
use serde_json::{Value, json};
use smime::cert::mailbox::{AddressMatch, speaks_for};
use smime::cert::purpose::{self, Purpose};
use smime::store::Error;
use smime::store::import::Import;
use smime::store::keyring_folder::{self, Entry, KeyringFolder, Protection};
use smime::store::select::rank;
use smime::{Certificate, EmailAddress, Identity, Limits, Policy, Secret, Time};
use std::fmt::Write;

pub(crate) fn run(args: &KeyringArgs, console: Console) -> Outcome {
    match &args.command {
        KeyringCommand::List(args) => list(args),
        KeyringCommand::Remove(args) => remove(args, console),
    }
}

fn list(args: &KeyringList) -> Outcome {
    let entries = KeyringFolder::open(&args.folder)?.entries()?;
    let text = if args.json {
        let list: Vec<Value> = entries.iter().map(as_json).collect();
        format!("{:#}\n", json!({ "version": 1, "entries": list }))
    } else {
        entries.iter().map(as_words).collect()
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(exit::DONE)
}

fn remove(args: &KeyringRemove, console: Console) -> Outcome {
    let entry = KeyringFolder::open(&args.folder)?.remove(&args.name)?;
    console.say(format_args!("{} ({}) was removed", entry.file, entry.came_as));
    Ok(exit::DONE)
}

fn as_words(entry: &Entry) -> String {
    let short = entry.file.get(..12).unwrap_or_default();
    let mut text = format!("{short}  {}, installed {}\n", entry.came_as, entry.installed);
    let (protection, seen) = (entry.protection.name(), entry.visible_to.name());
    let _ = writeln!(text, "  {} private key(s), protected by: {protection}; visible to: {seen}", entry.keys);
    for listed in &entry.certificates {
        let key = if listed.has_key { "with its key" } else { "without key" };
        let _ = writeln!(text, "  {} ({key}): {}", listed.subject, listed.addresses.join(", "));
        let _ = writeln!(text, "    {} to {}", listed.from, listed.until);
    }
    text
}

fn as_json(entry: &Entry) -> Value {
    let certificates = entry.certificates.iter().map(|listed| {
        json!({ "sha256": listed.sha256, "subject": listed.subject, "emails": listed.addresses,
                "not_before": listed.from.to_string(), "not_after": listed.until.to_string(),
                "has_key": listed.has_key })
    });
    json!({
        "file": entry.file,
        "came_as": entry.came_as,
        "installed": entry.installed.to_string(),
        "protection": entry.protection.name(),
        "private_keys": entry.keys,
        "visible_to": entry.visible_to.name(),
        "certificates": certificates.collect::<Vec<_>>(),
    })
}

/// What a keyring folder gives, opened as far as passwords are known.
#[derive(Default)]
pub(crate) struct Ring {
    pub(crate) import: Import,
    /// Files whose keys stayed locked.
    locked: Vec<String>,
}

impl Ring {
    /// That of --keyring, without what the policy's profile does not see; empty where none was given.
    pub(crate) fn load(args: &Identities, policy: &Policy, console: Console) -> Result<Self, Failure> {
        let mut ring = Self::default();
        let Some(folder) = &args.keyring else { return Ok(ring) };
        let folder = KeyringFolder::open(folder)?;
        let mut passwords = Vec::with_capacity(args.keyring_password_file.len());
        for file in &args.keyring_password_file {
            passwords.push(PasswordFrom::File(file.clone()).read(console)?);
        }
        for entry in folder.entries()? {
            let name = format!("{} ({})", entry.file.get(..12).unwrap_or_default(), entry.came_as);
            if let Some(reason) = entry.hidden_from(policy.profile) {
                console.notes(&name, &[reason]);
                continue;
            }
            match unlock(&folder, &entry, &passwords, console).map_err(|failure| failure.about(&name))? {
                Some(import) => ring.import = std::mem::take(&mut ring.import).join(import),
                None => {
                    console.warn(format_args!("{name}: its key stays locked, because its password was not given"));
                    ring.locked.push(name);
                }
            }
        }
        Ok(ring)
    }

    /// The identity to sign with: for the account or else the sender, of those in time the newest (OUT-7, OUT-9, OUT-10).
    pub(crate) fn signer(&self, addresses: &[EmailAddress], policy: &Policy, at: Time) -> Result<&Identity, Failure> {
        let speaks = |certificate: &Certificate| {
            let matches = |address: &EmailAddress| {
                matches!(speaks_for(certificate, address, &policy.address_rule), AddressMatch::Matches { .. })
            };
            addresses.iter().any(matches)
        };
        let usable = self.usable(Purpose::Sign, policy, at).filter(|identity| speaks(identity.certificate()));
        usable.max_by_key(|identity| rank(identity.certificate())).ok_or_else(|| {
            let who: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let why = format!("there is no key in it that may sign for {} at {at}", who.join(", "));
            let failure = Failure::new(exit::POLICY, why).about("--keyring");
            match self.locked.is_empty() {
                true => failure.hint("`smime keyring list`, which shows what is in it"),
                false => failure.hint("--keyring-password-file FILE, since some keys are locked"),
            }
        })
    }

    /// Those whose certificates may be used, and are in time.
    pub(crate) fn usable(&self, wanted: Purpose, policy: &Policy, at: Time) -> impl Iterator<Item = &Identity> {
        self.import.identities.iter().filter(move |identity| {
            let certificate = identity.certificate();
            certificate.is_valid_at(at) && purpose::fits(certificate, wanted, &policy.purpose_rule).is_empty()
        })
    }
}

/// By one of the passwords, or by one that somebody at the terminal knows; `None` where nobody does.
fn unlock(
    folder: &KeyringFolder,
    entry: &Entry,
    passwords: &[Secret],
    console: Console,
) -> Result<Option<Import>, Failure> {
    let limits = Limits::default();
    if entry.protection != Protection::Password {
        return Ok(Some(folder.unlock(entry, None, &limits)?));
    }
    for password in passwords {
        match folder.unlock(entry, Some(password), &limits) {
            Err(keyring_folder::Error::Store(Error::WrongPasswordOrCorrupt)) => {}
            result => return Ok(Some(result?)),
        }
    }
    let path = folder.path().join(&entry.file);
    match console.password(&path) {
        Some(typed) => Ok(Some(folder.unlock(entry, Some(&typed?), &limits)?)),
        None => Ok(None),
    }
}
