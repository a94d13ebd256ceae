//! What is done to each mail, as the commands for one do it.

use crate::addressing::{Addressed, Recipients};
use crate::args::{BulkOpen, EncryptOptions, Job};
use crate::console::Console;
use crate::encrypt::{addressees, own, several};
use crate::failure::{Failure, code_of, exit};
use crate::input::COMPOUND_FILE;
use crate::open::Judge;
use crate::sign::{Signatory, senders};
use clap::ArgMatches;
use smime::base::reason::Reason;
use smime::base::source::SharedSource;
use smime::bulk::Verb;
use smime::bulk::verb::signer_is_unavailable;
use smime::mime::plan::Kind;
use smime::policy::effective::Protection;
use smime::policy::policy::AlreadyProtected;
use smime::{Certificate, Encryptor, Message, Requirement, Signer, Time};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::sync::{Mutex, PoisonError};

/// Why a mail has no result.
#[derive(Debug)]
pub(super) struct Refusal {
    failure: Failure,
    /// Whether no other mail would have one either.
    unavailable: bool,
}

impl Refusal {
    pub(super) fn into_failure(self) -> Failure {
        self.failure
    }

    /// A word for programs.
    pub(super) fn code(&self) -> &'static str {
        match self.failure.code {
            exit::NOTHING_SIGNED => "nothing_signed",
            exit::ALTERED => "altered",
            exit::NOT_TRUSTED => "not_trusted",
            exit::CANNOT_DECRYPT => "cannot_decrypt",
            exit::NO_RECIPIENT => "no_recipient",
            exit::UNREADABLE => "unreadable",
            exit::POLICY => "policy",
            _ => "other",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl<E: Into<Failure>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self { failure: error.into(), unavailable: false }
    }
}

fn of_signing(error: smime::compose::sign::Error) -> Refusal {
    let unavailable = signer_is_unavailable(&error);
    Refusal { failure: error.into(), unavailable }
}

/// How often something was noted of a mail: nobody reads a hundred thousand lines.
#[derive(Default)]
pub(super) struct Notes(Mutex<BTreeMap<&'static str, (u64, String)>>);

impl Notes {
    fn take(&self, notes: &[Reason]) {
        if notes.is_empty() {
            return;
        }
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for note in notes {
            counted.entry(note.code).or_insert_with(|| (0, note.text.clone())).0 += 1;
        }
    }

    pub(super) fn tell(&self, console: Console) {
        for (code, (count, text)) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            let mails = if *count == 1 { "mail" } else { "mails" };
            console.say(format_args!("note: {count} {mails}: {text} [{code}]"));
        }
    }
}

pub(super) struct Signing<'a> {
    signatory: &'a Signatory<'a>,
    /// Who signs, unless that depends on the sender.
    signer: Option<Signer<'a>>,
    notes: &'a Notes,
    dry_run: bool,
    console: Console,
}

impl<'a> Signing<'a> {
    pub(super) fn new(
        signatory: &'a Signatory<'a>,
        job: &Job,
        now: Time,
        notes: &'a Notes,
        console: Console,
    ) -> Result<Self, Failure> {
        let signer = if signatory.is_by_sender() { None } else { Some(signatory.signer(&[], now, console)?) };
        Ok(Self { signatory, signer, notes, dry_run: job.dry_run, console })
    }
}

impl Verb for Signing<'_> {
    type Error = Refusal;

    fn perform(&self, mail: &SharedSource<'_>, now: Time, out: &mut dyn Write) -> Result<(), Refusal> {
        let message = Message::from_source(mail, &self.signatory.policy.limits)?;
        self.notes.take(message.notes());
        self.signatory.may_send(&message)?;
        let own;
        let signer = match &self.signer {
            Some(signer) => signer,
            None => {
                own = self.signatory.signer(&senders(&message), now, self.console)?;
                &own
            }
        };
        if self.dry_run {
            // Everything that is wrong before a key is asked.
            self.notes.take(signer.prepare(&message, now).map_err(of_signing)?.notes());
            return Ok(());
        }
        let signed = signer.seal(&message, now).map_err(of_signing)?;
        self.notes.take(signed.notes());
        Ok(signed.write_to(out)?)
    }

    fn is_unavailable(refusal: &Refusal) -> bool {
        refusal.unavailable
    }
}

pub(super) struct Encrypting<'a> {
    options: &'a EncryptOptions,
    addressed: Addressed,
    /// What the sender's copy is encrypted to.
    own: Vec<Certificate>,
    notes: &'a Notes,
    console: Console,
}

impl<'a> Encrypting<'a> {
    pub(super) fn load(
        options: &'a EncryptOptions,
        order: &ArgMatches,
        notes: &'a Notes,
        console: Console,
    ) -> Result<Self, Failure> {
        if options.addressing.to.is_empty() && !options.to_headers {
            return Err(Failure::usage("nobody to encrypt to").hint("--to ADDR, or --to-headers"));
        }
        let recipients = Recipients::OfMany;
        let mut addressed = Addressed::load(&options.addressing, Some(&options.identities), recipients, console)?;
        if options.wrap {
            addressed.policy.already_protected = AlreadyProtected::Wrap;
        }
        let own = own(options, &addressed, order, console)?;
        addressed.warn_of_unchecked(console);
        Ok(Self { options, addressed, own, notes, console })
    }
}

impl Verb for Encrypting<'_> {
    type Error = Refusal;

    fn perform(&self, mail: &SharedSource<'_>, now: Time, out: &mut dyn Write) -> Result<(), Refusal> {
        let policy = &self.addressed.policy;
        let message = Message::from_source(mail, &policy.limits)?;
        self.notes.take(message.notes());
        let protection = match message.kind() {
            Kind::AlreadySigned => Protection::SignedAndEncrypted,
            Kind::Plain | Kind::AlreadyEncrypted => Protection::Encrypted,
        };
        self.addressed.policies.effective.may_send(protection)?;
        let plan = self.addressed.plan_at(&addressees(self.options, &message)?, now, self.console);
        let envelopes = if self.options.skip_missing {
            let missing = plan.entries().filter_map(|entry| Some((&entry.address, entry.outcome.as_ref().err()?)));
            for (address, reasons) in missing {
                self.console.warn(format_args!("{address} gets nothing"));
                self.console.notes(address, reasons);
            }
            plan.reachable()?
        } else {
            // Nobody gets anything of a mail that one of its recipients cannot read.
            plan.all()?
        };
        let [envelope] = envelopes.as_slice() else {
            let hint =
                "--bcc-forking 2 where the others may find out about Bcc, or `smime encrypt --out-dir` for this one";
            return Err(several(envelopes.len()).hint(hint).into());
        };
        let mut encryptor = Encryptor::new(&envelope.recipients, policy);
        self.notes.take(&encryptor.content().warnings);
        for certificate in &self.own {
            encryptor = encryptor.copy_to_certificate(certificate, now)?;
        }
        Ok(encryptor.encrypt_to(&message, out)?)
    }
}

pub(super) struct Opening<'a> {
    judge: Judge,
    args: &'a BulkOpen,
    requirement: Requirement,
    console: Console,
}

impl<'a> Opening<'a> {
    pub(super) fn load(args: &'a BulkOpen, order: &ArgMatches, console: Console) -> Result<Self, Failure> {
        if args.judging.signed_content.is_some() {
            return Err(Failure::usage("it belongs to one mail").about("--signed-content").hint("`smime open`"));
        }
        Ok(Self { judge: Judge::new(&args.judging, order, console)?, args, requirement: args.require, console })
    }
}

impl Verb for Opening<'_> {
    type Error = Refusal;

    fn perform(&self, mail: &SharedSource<'_>, now: Time, out: &mut dyn Write) -> Result<(), Refusal> {
        match self.judge.open_at(&self.args.judging, mail, now, self.console)?.require(self.requirement) {
            Ok(trusted) => Ok(trusted.copy_to(out).map(drop)?),
            Err(refused) => {
                let reasons: Vec<String> = refused.reasons().iter().map(ToString::to_string).collect();
                Err(Failure::new(code_of(refused.shortfall()), reasons.join("; ")).into())
            }
        }
    }
}

/// Whether a mail is one of Outlook's .msg files.
pub(super) fn is_compound_file(mail: &SharedSource<'_>) -> bool {
    let mut start = Vec::new();
    let read = mail.reader(0).and_then(|reader| reader.take(COMPOUND_FILE.len() as u64).read_to_end(&mut start));
    read.is_ok() && start == COMPOUND_FILE
}
