//! `--policy FILE` of the commands that sign, encrypt and open: what the administrator says is obeyed.

use crate::args::{self, Identities};
use crate::console::Console;
use crate::failure::{Failure, exit};
use crate::input::{Secrecy, small_file};
use crate::store;
use smime::policy::document::{PolicyFile, PolicySet};
use smime::policy::effective::{EffectivePolicy, UserChoice, UserChoices};
use smime::policy::sending::PermittedKeys;
use smime::{Limits, RevocationMode};
use std::path::Path;

/// What was read of them, and what of it counts.
pub(crate) struct Policies {
    pub(crate) set: PolicySet,
    pub(crate) effective: EffectivePolicy,
}

impl Policies {
    pub(crate) fn load(args: &args::Policies, console: Console) -> Result<Self, Failure> {
        let mut files = Vec::with_capacity(args.files.len());
        for path in &args.files {
            let file = read(path, console)?;
            console.notes(path.display(), &file.notes);
            files.push(file);
        }
        let set = PolicySet::new(files).map_err(|e| Failure::from(e).about("--policy"))?;
        let effective = set.effective(&choices(&args.user));
        console.notes("--policy", &effective.notes);
        Ok(Self { set, effective })
    }

    /// Keys on tokens are what a policy means that wants cards. Of an identity in a file only the certificate counts where its
    /// key is on a token.
    pub(crate) fn permit_files(&self, identities: &Identities) -> Result<(), Failure> {
        let files = identities.identity.iter().filter(|file| !store::is_on_token(file)).count();
        let on_token = identities.key.iter().filter(|key| store::is_on_token(key)).count();
        if self.set.permitted_keys() == PermittedKeys::CardOnly && (files > on_token || identities.keyring.is_some()) {
            let why = "the policy allows keys on cards only, and this one is in a file";
            let option = if identities.keyring.is_some() { "--keyring" } else { "--identity" };
            return Err(Failure::new(exit::POLICY, why).about(option));
        }
        Ok(())
    }

    /// How much is demanded about revocation: the user may ask for more than the administrator, and not for less.
    pub(crate) fn revocation(&self, wanted: Option<RevocationMode>) -> Result<Option<RevocationMode>, Failure> {
        match (self.set.revocation(), wanted) {
            (Some(RevocationMode::Hard), Some(RevocationMode::Soft | RevocationMode::Off))
            | (Some(RevocationMode::Soft), Some(RevocationMode::Off)) => decided("--revocation", true).map(|()| None),
            (demanded, wanted) => Ok(wanted.or(demanded)),
        }
    }
}

/// Reads one file.
pub(crate) fn read(path: &Path, console: Console) -> Result<PolicyFile, Failure> {
    let limits = Limits::default();
    let bytes = small_file(path, limits.policy_file_bytes, Secrecy::Open, console)?;
    PolicyFile::read(bytes.expose(), &limits).map_err(|e| Failure::from(e).about(path.display()))
}

pub(crate) fn choices(list: &[UserChoice]) -> UserChoices {
    let mut choices = UserChoices::default();
    list.iter().for_each(|choice| choices.choose(*choice));
    choices
}

/// An option that says otherwise than the policy.
pub(crate) fn decided(option: &'static str, otherwise: bool) -> Result<(), Failure> {
    if otherwise {
        let why = "the policy decides that, and otherwise";
        return Err(Failure::new(exit::POLICY, why).about(option).hint("without it"));
    }
    Ok(())
}
