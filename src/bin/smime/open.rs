//! `smime open` and `smime verify`.

use crate::args::{Judging, Open, Verify};
use crate::console::Console;
use crate::failure::{Failure, Outcome, code_of, exit};
use crate::input::Received;
use crate::output::{self, Existing, Output, Readers};
use crate::{input, render, store, time};
use clap::ArgMatches;
use smime::cert::chain::Candidates;
use smime::{Keyring, Opened, Opener, Policy, Requirement, RevocationData, Trust};
use std::path::Path;

/// Everything that a message is judged by.
struct Judge {
    policy: Policy,
    trust: Trust,
    keyring: Keyring,
    lists: Option<RevocationData>,
    candidates: Candidates,
}

impl Judge {
    fn new(args: &Judging, order: &ArgMatches, console: Console) -> Result<Self, Failure> {
        let keyring = Keyring::new(store::identities(&args.identities, order, console)?);
        let lists = match args.lists.crls.as_slice() {
            [] => None,
            paths => Some(store::revocation(paths, console)?),
        };
        let (policy, trust) = (Policy::new(args.profile), store::trust(&args.trust, time(args.at), console)?);
        Ok(Self { policy, trust, keyring, lists, candidates: Candidates::default() })
    }

    fn open(&self, args: &Judging, received: Received, mail: Option<&Path>) -> Result<Opened<'static>, Failure> {
        let mut opener = Opener::new(&self.trust, &self.policy).with_keys(&self.keyring).candidates(self.candidates);
        if let Some(lists) = &self.lists {
            opener = opener.with_revocation(lists);
        }
        if let Some(mode) = args.lists.revocation {
            opener = opener.revocation(mode);
        }
        if let Some(part) = &args.part {
            opener = opener.part(part);
        }
        let opener = opener.with_notes(&received.notes);
        opener.open_source(received.source, time(args.at)).map_err(|e| Failure::from(e).about(input::name(mail)))
    }
}

/// Content to the output where the requirement is met, and nowhere otherwise.
pub(crate) fn open(args: &Open, order: &ArgMatches, console: Console) -> Outcome {
    let judge = Judge::new(&args.judging, order, console)?;
    let mail = args.files.mail.as_deref();
    let received = input::received(mail, args.files.spool.as_deref(), console)?;
    let opened = judge.open(&args.judging, received, mail)?;
    let existing = if args.files.force { Existing::Replace } else { Existing::Refuse };
    let (code, answer) = match opened.require(args.require) {
        Ok(trusted) => {
            let mut out = Output::to(args.files.out.as_deref(), existing, Readers::Owner)?;
            let copied = trusted.copy_to(&mut out)?;
            out.finish()?;
            (exit::DONE, render::Answer::met(trusted.report().clone(), args.require, copied))
        }
        Err(refused) => {
            let digest = refused.digest().transpose()?;
            (code_of(refused.shortfall()), render::Answer::refused(&refused, args.require, digest))
        }
    };
    if let Some(path) = &args.report {
        output::write(Some(path), existing, Readers::Usual, answer.to_json().as_bytes())?;
    }
    console.say(answer.to_words().trim_end());
    if code != exit::DONE {
        console.error(answer.why_withheld());
    }
    Ok(code)
}

/// The report alone.
pub(crate) fn verify(args: &Verify, order: &ArgMatches, console: Console) -> Outcome {
    let mut judge = Judge::new(&args.judging, order, console)?;
    if args.explain {
        judge.candidates = Candidates::Always;
    }
    let received = input::received(args.mail.as_deref(), args.spool.as_deref(), console)?;
    let opened = judge.open(&args.judging, received, args.mail.as_deref())?;
    let (code, answer) = judged(opened, args.require)?;
    let text = match (args.json, args.explain) {
        (true, _) => answer.to_json(),
        (false, true) => answer.to_words() + &answer.to_tree(),
        (false, false) => answer.to_words(),
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(code)
}

fn judged(opened: Opened<'_>, requirement: Requirement) -> Result<(u8, render::Answer), Failure> {
    Ok(match opened.require(requirement) {
        Ok(trusted) => {
            let copied = trusted.copy_to(&mut std::io::sink())?;
            (exit::DONE, render::Answer::met(trusted.report().clone(), requirement, copied))
        }
        Err(refused) => {
            let digest = refused.digest().transpose()?;
            (code_of(refused.shortfall()), render::Answer::refused(&refused, requirement, digest))
        }
    })
}
