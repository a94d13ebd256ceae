//! `smime encrypt`.

use crate::addressing::{Addressed, Recipients};
use crate::args::{Encrypt, EncryptOptions};
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::output::{Existing, Output, Readers};
use crate::{input, plan, store};
use clap::ArgMatches;
use serde_json::json;
use smime::cert::purpose::Purpose;
use smime::compose::envelopes::{Addressees, Envelope, MailPlan};
use smime::mime::plan::Kind;
use smime::policy::effective::Protection;
use smime::policy::policy::AlreadyProtected;
use smime::store::select::Selector;
use smime::{Certificate, Encryptor, Message};
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &Encrypt, order: &ArgMatches, console: Console) -> Outcome {
    let wanted = if args.draft { Recipients::None } else { Recipients::Wanted };
    if !args.draft && args.options.addressing.to.is_empty() && !args.options.to_headers {
        return Err(Failure::usage("nobody to encrypt to").hint("--to ADDR, or --to-headers"));
    }
    let mut addressed = Addressed::load(&args.options.addressing, Some(&args.options.identities), wanted, console)?;
    if args.options.wrap {
        addressed.policy.already_protected = AlreadyProtected::Wrap;
    }
    let own = own(&args.options, &addressed, order, console)?;
    let source = input::mail(args.files.mail.as_deref(), args.files.spool.as_deref(), console)?;
    let name = input::name(args.files.mail.as_deref());
    let message = Message::from_source(&source, &addressed.policy.limits).map_err(|e| Failure::from(e).about(&name))?;
    console.notes(&name, message.notes());
    if args.draft {
        return draft(args, &addressed, &own, &message);
    }
    let protection = match message.kind() {
        Kind::AlreadySigned => Protection::SignedAndEncrypted,
        Kind::Plain | Kind::AlreadyEncrypted => Protection::Encrypted,
    };
    addressed.policies.effective.may_send(protection).map_err(|e| Failure::from(e).about(&name))?;
    let mail = addressed.plan(&addressees(&args.options, &message)?, console);
    addressed.warn_of_unchecked(console);
    let envelopes = reached(&args.options, &mail, console)?;
    match &args.out_dir {
        Some(folder) => each(args, &addressed, &own, &message, &envelopes, folder, console),
        None => {
            let [envelope] = envelopes.as_slice() else { return Err(several(envelopes.len())) };
            let encryptor = encryptor(envelope, &own, &addressed, console)?;
            let mut out = Output::to(args.files.out.as_deref(), existing(args), Readers::Usual)?;
            encryptor.encrypt_to(&message, &mut out).map_err(|e| Failure::from(e).about(&name))?;
            out.finish()?;
            Ok(exit::DONE)
        }
    }
}

/// What a copy is encrypted to: the account's certificate, or that of each identity.
pub(crate) fn own(
    args: &EncryptOptions,
    addressed: &Addressed,
    order: &ArgMatches,
    console: Console,
) -> Result<Vec<Certificate>, Failure> {
    let Some(account) = &args.account else {
        let mut own = store::identities(&args.identities, order, console)?;
        own.extend(addressed.ring.usable(Purpose::Encrypt, &addressed.policy, addressed.now).cloned());
        return Ok(own.iter().map(|identity| identity.certificate().clone()).collect());
    };
    let sources = store::key_sources(&args.identities, order, &addressed.policy, console)?;
    let selected = Selector::new(account, &addressed.policy, addressed.now).encryption(&sources)?;
    console.notes(&selected.source, &selected.notes);
    Ok(vec![selected.chosen])
}

/// Whom it is for: those who are named, and those of the header where that is asked for.
pub(crate) fn addressees(args: &EncryptOptions, message: &Message<'_>) -> Result<Addressees, Failure> {
    let mut addressees = if args.to_headers { message.addressees()? } else { Addressees::default() };
    addressees.visible.splice(0..0, args.addressing.to.iter().cloned());
    Ok(addressees)
}

/// The messages, with everybody in one of them, or with those who can be reached where that is asked for.
fn reached(args: &EncryptOptions, mail: &MailPlan, console: Console) -> Result<Vec<Envelope>, Failure> {
    let envelopes = if args.skip_missing {
        for entry in mail.entries() {
            if let Err(reasons) = &entry.outcome {
                console.warn(format_args!("{} gets nothing", entry.address));
                console.notes(&entry.address, reasons);
            }
        }
        mail.reachable()?
    } else {
        mail.all()?
    };
    for entry in mail.entries() {
        if let Ok(recipient) = &entry.outcome {
            let notes: Vec<_> = recipient.notes.iter().filter(|n| n.code != "chain_unchecked").cloned().collect();
            console.notes(&entry.address, &notes);
        }
    }
    Ok(envelopes)
}

fn encryptor<'p>(
    envelope: &Envelope,
    own: &[Certificate],
    addressed: &'p Addressed,
    console: Console,
) -> Result<Encryptor<'p>, Failure> {
    let mut encryptor = Encryptor::new(&envelope.recipients, &addressed.policy);
    console.notes(plan::audience(envelope.audience), &encryptor.content().warnings);
    for certificate in own {
        encryptor = encryptor.copy_to_certificate(certificate, addressed.now)?;
    }
    Ok(encryptor)
}

/// A file for each message. None of them has a name before all are whole.
fn each(
    args: &Encrypt,
    addressed: &Addressed,
    own: &[Certificate],
    message: &Message<'_>,
    envelopes: &[Envelope],
    folder: &Path,
    console: Console,
) -> Outcome {
    std::fs::create_dir_all(folder).map_err(|e| Failure::from(e).about(folder.display()))?;
    let stem = args.files.mail.as_deref().and_then(Path::file_stem).filter(|stem| *stem != "-");
    let stem = stem.map_or_else(|| "mail".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let place = |name: &str| -> PathBuf { folder.join(name) };
    let (mut outputs, mut listed) = (Vec::new(), Vec::new());
    for (at, envelope) in envelopes.iter().enumerate() {
        let name = format!("{stem}-{}.eml", at + 1);
        let encryptor = encryptor(envelope, own, addressed, console)?;
        let mut out = Output::to(Some(&place(&name)), existing(args), Readers::Usual)?;
        encryptor.encrypt_to(message, &mut out).map_err(|e| Failure::from(e).about(&name))?;
        outputs.push(out);
        listed.push(json!({
            "file": name,
            "audience": plan::audience(envelope.audience),
            "recipients": envelope.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "cipher": encryptor.content().cipher.name(),
        }));
        console.say(format_args!("{}: for {}", place(&name).display(), listing(envelope)));
    }
    let list = format!("{:#}\n", json!({ "version": 1, "messages": listed }));
    // Whom the messages are for is for the sender alone to know.
    let mut out = Output::to(Some(&place(&format!("{stem}-messages.json"))), existing(args), Readers::Owner)?;
    out.write_all(list.as_bytes())?;
    outputs.push(out);
    outputs.into_iter().try_for_each(Output::finish)?;
    Ok(exit::DONE)
}

fn draft(args: &Encrypt, addressed: &Addressed, own: &[Certificate], message: &Message<'_>) -> Outcome {
    let Some((first, others)) = own.split_first() else {
        return Err(Failure::usage("a draft is encrypted to its sender").hint("--identity FILE"));
    };
    let mut encryptor = Encryptor::draft(first, &addressed.policy, addressed.now)?;
    for other in others {
        encryptor = encryptor.copy_to_certificate(other, addressed.now)?;
    }
    let mut out = Output::to(args.files.out.as_deref(), existing(args), Readers::Usual)?;
    encryptor.encrypt_to(message, &mut out)?;
    out.finish()?;
    Ok(exit::DONE)
}

pub(crate) fn several(count: usize) -> Failure {
    let why = format!("it becomes {count} messages, since who stands in Bcc shares none with To and Cc");
    Failure::usage(why).hint("--out-dir DIR, or --bcc-forking 2 where the others may find out about Bcc")
}

fn listing(envelope: &Envelope) -> String {
    envelope.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn existing(args: &Encrypt) -> Existing {
    if args.files.force { Existing::Replace } else { Existing::Refuse }
}
