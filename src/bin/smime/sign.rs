//! `smime sign`.

use crate::args::{Chain, Sign};
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::output::{Existing, Output, Readers};
use crate::{input, store, time};
use clap::ArgMatches;
use smime::policy::policy::{AlreadyProtected, Form, IncludedCertificates, RsaPadding, SenderMismatch};
use smime::{Message, Policy, Signer};

pub(crate) fn run(args: &Sign, order: &ArgMatches, console: Console) -> Outcome {
    let policy = policy(args);
    let identities = store::signers(&args.identities, order, console)?;
    let mut identities = identities.iter();
    let first = identities.next().ok_or_else(|| Failure::usage("nobody to sign for").hint("--identity FILE"))?;
    let mut signer = Signer::new(first, &policy)?;
    for other in identities {
        signer = signer.and(other)?;
    }
    if let Some(account) = &args.account {
        signer = signer.for_account(account.clone());
    }
    let source = input::mail(args.files.mail.as_deref(), args.files.spool.as_deref(), console)?;
    let name = input::name(args.files.mail.as_deref());
    let message = Message::from_source(&source, &policy.limits).map_err(|e| Failure::from(e).about(&name))?;
    console.notes(&name, message.notes());
    let existing = if args.files.force { Existing::Replace } else { Existing::Refuse };
    let now = time(args.at);
    // Who may sign is judged, and the signature is made and verified, before a file is begun or a byte is written.
    let signed = signer.seal(&message, now).map_err(|e| Failure::from(e).about(&name))?;
    console.notes(&name, signed.notes());
    let mut out = Output::to(args.files.out.as_deref(), existing, Readers::Usual)?;
    signed.write_to(&mut out)?;
    out.finish()?;
    Ok(exit::DONE)
}

fn policy(args: &Sign) -> Policy {
    let mut policy = Policy::new(args.profile);
    policy.digest = args.digest;
    if args.opaque {
        policy.form = Form::Opaque;
    }
    if args.pss {
        policy.rsa_padding = RsaPadding::Pss;
    }
    if let Some(chain) = args.chain {
        policy.certificates = match chain {
            Chain::Signer => IncludedCertificates::Signer,
            Chain::WithoutRoot => IncludedCertificates::ChainWithoutRoot,
            Chain::WithRoot => IncludedCertificates::ChainWithRoot,
        };
    }
    if args.allow_sender_mismatch {
        policy.sender_mismatch = SenderMismatch::Allow;
    }
    if args.wrap {
        policy.already_protected = AlreadyProtected::Wrap;
    }
    policy
}
