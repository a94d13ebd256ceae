//! `smime open` and `smime verify`.

use crate::args::{Judging, Open, Verify};
use crate::console::Console;
use crate::failure::{Failure, Outcome, code_of, exit};
use crate::output::{self, Existing, Output, Readers};
use crate::{input, render, store, time};
use clap::ArgMatches;
use smime::base::source::SharedSource;
use smime::{Keyring, Opened, Opener, Policy, Requirement, Trust};
use std::path::Path;

/// Everything that a message is judged by.
struct Judge {
    policy: Policy,
    trust: Trust,
    keyring: Keyring,
}

impl Judge {
    fn new(args: &Judging, order: &ArgMatches, console: Console) -> Result<Self, Failure> {
        let keyring = Keyring::new(store::identities(&args.identities, order, console)?);
        Ok(Self { policy: Policy::new(args.profile), trust: store::trust(&args.trust, console)?, keyring })
    }

    fn open(
        &self,
        args: &Judging,
        source: SharedSource<'static>,
        mail: Option<&Path>,
    ) -> Result<Opened<'static>, Failure> {
        let mut opener = Opener::new(&self.trust, &self.policy).with_keys(&self.keyring).revocation(args.revocation);
        if let Some(part) = &args.part {
            opener = opener.part(part);
        }
        opener.open_source(source, time(args.at)).map_err(|e| Failure::from(e).about(input::name(mail)))
    }
}

/// Content to the output where the requirement is met, and nowhere otherwise.
pub(crate) fn open(args: &Open, order: &ArgMatches, console: Console) -> Outcome {
    let judge = Judge::new(&args.judging, order, console)?;
    let mail = args.files.mail.as_deref();
    let source = input::mail(mail, args.files.spool.as_deref(), console)?;
    let opened = judge.open(&args.judging, source, mail)?;
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
    let judge = Judge::new(&args.judging, order, console)?;
    let source = input::mail(args.mail.as_deref(), args.spool.as_deref(), console)?;
    let opened = judge.open(&args.judging, source, args.mail.as_deref())?;
    let (code, answer) = judged(opened, args.require)?;
    let text = if args.json { answer.to_json() } else { answer.to_words() };
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
