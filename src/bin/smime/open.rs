//! `smime open`, `smime verify` and `smime doctor`.

use crate::args::{Doctor, Judging, Open, Verify};
use crate::console::Console;
use crate::failure::{Failure, Outcome, code_of, exit};
use crate::fetching::Network;
use crate::input::Received;
use crate::output::{self, Existing, Output, Readers};
use crate::policies::{Policies, decided};
use crate::{diagnose, input, render, store, time};
use clap::ArgMatches;
use smime::base::source::SharedSource;
use smime::cert::chain::Candidates;
use smime::open::doctor;
use smime::policy::policy::Des;
use smime::{ChainCache, Keyring, Opened, Opener, Policy, Requirement, RevocationData, RevocationMode, Time, Trust};
use std::path::Path;
use std::sync::Arc;

/// Everything that a message is judged by.
pub(crate) struct Judge {
    policy: Policy,
    trust: Trust,
    keyring: Keyring,
    lists: Option<RevocationData>,
    revocation: Option<RevocationMode>,
    candidates: Candidates,
    network: Network,
    /// Many mails have few signers.
    cache: ChainCache,
}

impl Judge {
    pub(crate) fn new(args: &Judging, order: &ArgMatches, console: Console) -> Result<Self, Failure> {
        let policies = Policies::load(&args.policies, console)?;
        policies.permit_files(&args.identities)?;
        let revocation = policies.revocation(args.lists.revocation)?;
        let lists = match args.lists.crls.as_slice() {
            [] => None,
            paths => Some(store::revocation(paths, console)?),
        };
        let (mut policy, trust) = (Policy::new(args.profile), store::trust(&args.trust, time(args.at), console)?);
        policy.access = policies.effective.access();
        policy.des = if args.allow_des { Des::Read } else { Des::Refuse };
        let keyring = store::keyring(args, order, &policy, console)?;
        decided("--revocation", revocation.is_some_and(|mode| mode < policy.least_revocation))?;
        let network = args.fetching.network(policies.set.crl_timeouts())?;
        let cache = ChainCache::new(&policy.limits);
        Ok(Self { policy, trust, keyring, lists, revocation, candidates: Candidates::default(), network, cache })
    }

    pub(crate) fn open(
        &self,
        args: &Judging,
        received: Received,
        mail: Option<&Path>,
        console: Console,
    ) -> Result<Opened<'static>, Failure> {
        let opener = self.opener(args).with_notes(&received.notes);
        let now = time(args.at);
        let content = args.signed_content.as_ref().map(|path| input::content(path, console)).transpose()?;
        let open = |opener: &Opener<'_>| match &content {
            Some(content) => opener.open_detached(Arc::clone(&received.source), Arc::clone(content), now),
            None => opener.open_source(Arc::clone(&received.source), now),
        };
        self.network.open(&opener, now, console, open).map_err(|e| Failure::from(e).about(input::name(mail)))
    }

    /// A mail that may be one of many.
    pub(crate) fn open_at<'m>(
        &self,
        args: &Judging,
        mail: &SharedSource<'m>,
        now: Time,
        console: Console,
    ) -> Result<Opened<'m>, Failure> {
        let open = |opener: &Opener<'_>| opener.open_source(Arc::clone(mail), now);
        Ok(self.network.open(&self.opener(args), now, console, open)?)
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    fn opener<'o>(&'o self, args: &'o Judging) -> Opener<'o> {
        let mut opener = Opener::new(&self.trust, &self.policy)
            .with_keys(&self.keyring)
            .candidates(self.candidates)
            .with_chain_cache(&self.cache);
        if let Some(lists) = &self.lists {
            opener = opener.with_revocation(lists);
        }
        if let Some(mode) = self.revocation {
            opener = opener.revocation(mode);
        }
        if let Some(part) = &args.part {
            opener = opener.part(part);
        }
        opener
    }
}

/// Why a message does not open or verify.
pub(crate) fn examine(args: &Doctor, order: &ArgMatches, console: Console) -> Outcome {
    let judge = Judge::new(&args.judging, order, console)?;
    let mail = args.mail.as_deref();
    let received = input::received(mail, args.spool.as_deref(), console)?;
    let opener = judge.opener(&args.judging).with_notes(&received.notes);
    let now = time(args.judging.at);
    let examine = |opener: &Opener<'_>| doctor::examine(opener, Arc::clone(&received.source), now);
    let diagnosis =
        judge.network.open(&opener, now, console, examine).map_err(|e| Failure::from(e).about(input::name(mail)))?;
    let text = if args.json { diagnose::to_json(&diagnosis) } else { diagnose::to_words(&diagnosis) };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(if diagnosis.nothing_wrong() { exit::DONE } else { exit::OTHER })
}

/// Content to the output where the requirement is met, and nowhere otherwise.
pub(crate) fn open(args: &Open, order: &ArgMatches, console: Console) -> Outcome {
    let judge = Judge::new(&args.judging, order, console)?;
    let mail = args.files.mail.as_deref();
    let received = input::received(mail, args.files.spool.as_deref(), console)?;
    let opened = judge.open(&args.judging, received, mail, console)?;
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
    let opened = judge.open(&args.judging, received, args.mail.as_deref(), console)?;
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
