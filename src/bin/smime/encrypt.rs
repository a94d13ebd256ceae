//! `smime encrypt`.

use crate::args::Encrypt;
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::keyring::Ring;
use crate::output::{Existing, Output, Readers};
use crate::policies::{Policies, decided};
use crate::{input, store, time};
use clap::ArgMatches;
use smime::cert::purpose::Purpose;
use smime::crypto::algorithm::KeyTransport;
use smime::mime::plan::Kind;
use smime::policy::effective::{Access, Protection};
use smime::policy::policy::{AlreadyProtected, CertificateIdentifier};
use smime::policy::sending::UnreachableList;
use smime::{
    Certificates, Directory, EmailAddress, Encryptor, InOrder, Message, Policy, RecipientPlan, RevocationData,
    RevocationMode, Time, Trust, compose,
};

pub(crate) fn run(args: &Encrypt, order: &ArgMatches, console: Console) -> Outcome {
    let policies = Policies::load(&args.policies, console)?;
    let policy = obeyed(args, &policies, console)?;
    let now = time(args.at);
    let ring = Ring::load(&args.identities, &policy, console)?;
    let mut directory = sources(args, now, console)?;
    if args.identities.keyring.is_some() {
        directory.push(Certificates(ring.import.certificates.clone()));
    }
    let trust = if args.trust.is_empty() { None } else { Some(store::trust(&args.trust, now, console)?) };
    let mut own = store::identities(&args.identities, order, console)?;
    own.extend(ring.usable(Purpose::Encrypt, &policy, now).cloned());
    let source = input::mail(args.files.mail.as_deref(), args.files.spool.as_deref(), console)?;
    let name = input::name(args.files.mail.as_deref());
    let message = Message::from_source(&source, &policy.limits).map_err(|e| Failure::from(e).about(&name))?;
    console.notes(&name, message.notes());
    let protection = match message.kind() {
        Kind::AlreadySigned => Protection::SignedAndEncrypted,
        Kind::Plain | Kind::AlreadyEncrypted => Protection::Encrypted,
    };
    policies.effective.may_send(protection).map_err(|e| Failure::from(e).about(&name))?;
    let addresses = addresses(args, &message)?;
    let mode = revocation(args.lists.revocation, &policy)?;
    let lists = store::revocation_of_recipients(&args.lists.crls, mode, &args.trust, console)?;
    let plan = plan(&addresses, &directory, &policy, (trust.as_ref(), lists.as_ref()), now);
    if trust.is_none() {
        console.warn("no --trust was given: the recipients' certificates were not checked against any authority");
    }
    let recipients = if args.skip_missing {
        for entry in plan.entries() {
            if let Err(reasons) = &entry.outcome {
                console.warn(format_args!("{} gets nothing", entry.address));
                console.notes(&entry.address, reasons);
            }
        }
        plan.reachable()?
    } else {
        plan.all()?
    };
    for entry in plan.entries() {
        if let Ok(recipient) = &entry.outcome {
            let notes: Vec<_> = recipient.notes.iter().filter(|n| n.code != "chain_unchecked").cloned().collect();
            console.notes(&entry.address, &notes);
        }
    }
    let mut encryptor = Encryptor::new(&recipients, &policy);
    for identity in &own {
        encryptor = encryptor.copy_to(identity, now)?;
    }
    let existing = if args.files.force { Existing::Replace } else { Existing::Refuse };
    let mut out = Output::to(args.files.out.as_deref(), existing, Readers::Usual)?;
    encryptor.encrypt_to(&message, &mut out).map_err(|e| Failure::from(e).about(&name))?;
    out.finish()?;
    Ok(exit::DONE)
}

/// How much is demanded about the revocation of recipients: by the policy, else by who calls.
fn revocation(given: Option<RevocationMode>, policy: &Policy) -> Result<Option<RevocationMode>, Failure> {
    match (policy.sending.unreachable_list, given) {
        (UnreachableList::Block, Some(RevocationMode::Soft | RevocationMode::Off)) => {
            decided("--revocation", true).map(|()| None)
        }
        (UnreachableList::Block, None) => Ok(Some(RevocationMode::Hard)),
        (UnreachableList::NotAsked, None) => Ok(Some(RevocationMode::Off)),
        (_, given) => Ok(given),
    }
}

/// Who can read it, by what was given to hold certificates against.
pub(crate) fn plan(
    addresses: &[EmailAddress],
    directory: &dyn Directory,
    policy: &Policy,
    (trust, lists): (Option<&Trust>, Option<&(RevocationData, RevocationMode)>),
    now: Time,
) -> RecipientPlan {
    match (trust, lists) {
        (Some(trust), Some((lists, mode))) => {
            RecipientPlan::resolve_unrevoked(addresses, directory, policy, trust, (lists, *mode), now)
        }
        _ => RecipientPlan::resolve(addresses, directory, policy, trust, now),
    }
}

/// Where certificates are looked for, in their order.
fn sources<'d>(args: &Encrypt, now: Time, console: Console) -> Result<InOrder<'d>, Failure> {
    #[cfg_attr(not(feature = "ldap"), allow(unused_mut))]
    let mut sources = store::directory(&args.certs, console)?;
    #[cfg(feature = "ldap")]
    crate::servers::add_to(&mut sources, &args.servers, now, console)?;
    #[cfg(not(feature = "ldap"))]
    let _ = now;
    Ok(sources)
}

/// Whom it is for: those who are named, and those of To and Cc where that is asked for.
fn addresses(args: &Encrypt, message: &Message<'_>) -> Result<Vec<EmailAddress>, Failure> {
    let mut addresses = args.to.clone();
    if args.to_headers {
        addresses.extend(message.recipients()?);
    }
    Ok(addresses)
}

/// What the user wants, as far as the administrator leaves it to them.
fn obeyed(args: &Encrypt, policies: &Policies, console: Console) -> Result<Policy, Failure> {
    let wanted = policy(args);
    let mut policy = wanted.clone();
    policy.access = policies.effective.access();
    if let Access::Disabled(disabled) = policy.access {
        return Err(compose::encrypt::Error::Disabled(disabled).into());
    }
    console.notes("--policy", &policies.set.encrypt_by(&mut policy)?);
    decided("--content", args.content.is_some_and(|cipher| cipher != policy.content_cipher))?;
    decided("--key-identifier", args.key_identifier && policy.identifier != wanted.identifier)?;
    Ok(policy)
}

fn policy(args: &Encrypt) -> Policy {
    let mut policy = Policy::new(args.profile);
    if let Some(cipher) = args.content {
        policy.content_cipher = cipher;
    }
    if let Some(hash) = args.oaep {
        policy.key_transport =
            KeyTransport::RsaOaep { hash, mgf_hash: args.oaep_mgf.unwrap_or(hash), label: Vec::new() };
    }
    if args.key_identifier {
        policy.identifier = CertificateIdentifier::SubjectKeyIdentifier;
    }
    if args.wrap {
        policy.already_protected = AlreadyProtected::Wrap;
    }
    policy
}
