//! `smime sign`.

use crate::args::{Chain, Sign, SignOptions};
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::keyring::Ring;
use crate::output::{Existing, Output, Readers};
use crate::policies::{Policies, decided};
use crate::{input, store, time};
use clap::ArgMatches;
use smime::crypto::algorithm::DigestAlgorithm;
use smime::mime::plan::Kind;
use smime::policy::effective::Protection;
use smime::policy::policy::{AlreadyProtected, Form, IncludedCertificates, RsaPadding, SenderMismatch, Sha1Signing};
use smime::store::select::{KeySource, Selector};
use smime::{Certificate, EmailAddress, Identity, Message, Policy, Signer, Time};
use std::path::Path;

pub(crate) fn run(args: &Sign, order: &ArgMatches, console: Console) -> Outcome {
    let signatory = Signatory::load(&args.options, order, console)?;
    let source = input::mail(args.files.mail.as_deref(), args.files.spool.as_deref(), console)?;
    let name = input::name(args.files.mail.as_deref());
    let message = Message::from_source(&source, &signatory.policy.limits).map_err(|e| Failure::from(e).about(&name))?;
    let now = time(args.options.at);
    let signer = signatory.signer(&senders(&message), now, console)?;
    console.notes(&name, message.notes());
    signatory.may_send(&message).map_err(|failure| failure.about(&name))?;
    let existing = if args.files.force { Existing::Replace } else { Existing::Refuse };
    // Who may sign is judged, and the signature is made and verified, before a file is begun or a byte is written.
    let signed = signer.seal(&message, now).map_err(|e| Failure::from(e).about(&name))?;
    console.notes(&name, signed.notes());
    let mut out = Output::to(args.files.out.as_deref(), existing, Readers::Usual)?;
    signed.write_to(&mut out)?;
    out.finish()?;
    Ok(exit::DONE)
}

/// Who signs, under which policy.
pub(crate) struct Signatory<'a> {
    options: &'a SignOptions,
    policies: Policies,
    pub(crate) policy: Policy,
    /// Those who sign, each.
    signers: Vec<Identity>,
    /// Where the one who signs for an account is selected from.
    sources: Vec<KeySource>,
    ring: Ring,
    /// What answers should be encrypted to, where that was named.
    encryption: Option<Certificate>,
}

impl<'a> Signatory<'a> {
    pub(crate) fn load(options: &'a SignOptions, order: &ArgMatches, console: Console) -> Result<Self, Failure> {
        let policies = Policies::load(&options.policies, console)?;
        policies.permit_files(&options.identities)?;
        let policy = obeyed(options, &policies, console)?;
        let encryption =
            options.encryption_certificate.as_deref().map(|file| sole_certificate(file, console)).transpose()?;
        let (mut signers, mut sources, mut ring) = (Vec::new(), Vec::new(), Ring::default());
        match options.signing.account {
            Some(_) => sources = store::key_sources(&options.identities, order, &policy, console)?,
            None => {
                signers = store::signers(&options.identities, order, console)?;
                ring = Ring::load(&options.identities, &policy, console)?;
            }
        }
        if signers.is_empty() && sources.is_empty() && options.identities.keyring.is_none() {
            return Err(Failure::usage("nobody to sign for").hint("--identity FILE, or --keyring DIR"));
        }
        Ok(Self { options, policies, policy, signers, sources, ring, encryption })
    }

    /// Whether it depends on the sender who signs.
    pub(crate) fn is_by_sender(&self) -> bool {
        self.options.signing.account.is_none() && self.options.identities.keyring.is_some()
    }

    /// Who signs for these senders.
    pub(crate) fn signer(&self, senders: &[EmailAddress], now: Time, console: Console) -> Result<Signer<'_>, Failure> {
        let (signers, encryption) = self.select(senders, now, console)?;
        let Some((first, others)) = signers.split_first() else { return Err(Failure::usage("nobody to sign for")) };
        let mut signer = Signer::new(first, &self.policy)?;
        for other in others {
            signer = signer.and(other)?;
        }
        if let Some(account) = &self.options.signing.account {
            signer = signer.for_account(account.clone());
        }
        if let Some(certificate) = encryption {
            signer = signer.prefer_encryption_with(certificate);
        }
        Ok(if self.options.for_encryption { signer.for_encryption() } else { signer })
    }

    /// Whether the policy lets a mail go out that is signed and no more.
    pub(crate) fn may_send(&self, message: &Message<'_>) -> Result<(), Failure> {
        let protection = match (self.options.for_encryption, message.kind()) {
            (false, Kind::Plain | Kind::AlreadySigned) => Protection::Signed,
            _ => Protection::SignedAndEncrypted,
        };
        Ok(self.policies.effective.may_send(protection)?)
    }

    /// Who signs, and the certificate that answers should be encrypted to, where it is another.
    fn select(
        &self,
        senders: &[EmailAddress],
        now: Time,
        console: Console,
    ) -> Result<(Vec<Identity>, Option<Certificate>), Failure> {
        let Some(account) = &self.options.signing.account else {
            let mut signers = self.signers.clone();
            if self.is_by_sender() {
                signers.push(self.ring.signer(senders, &self.policy, now)?.clone());
            }
            return Ok((signers, self.encryption.clone()));
        };
        let mut selector = Selector::new(account, &self.policy, now);
        if let Some(choice) = self.options.signing.choose {
            selector = selector.choose(choice);
        }
        let selected = selector.signing(&self.sources)?;
        console.notes(&selected.source, &selected.notes);
        // OUT-11: the two are chosen apart. Whoever has none to encrypt to signs all the same.
        let own = selector.encryption(&self.sources).ok().map(|own| own.chosen);
        let own = own.filter(|own| own != selected.chosen.certificate());
        Ok((vec![selected.chosen], self.encryption.clone().or(own)))
    }
}

/// Whom a key of the keyring is to be for, where no account is named.
pub(crate) fn senders(message: &Message<'_>) -> Vec<EmailAddress> {
    message.mailboxes().from.iter().filter_map(|mailbox| mailbox.address.clone()).collect()
}

fn sole_certificate(file: &Path, console: Console) -> Result<Certificate, Failure> {
    let mut found = store::certificates(&[file.to_path_buf()], console)?;
    match (found.pop(), found.len()) {
        (Some(sole), 0) => Ok(sole),
        (_, others) => {
            let count = others + usize::from(others > 0);
            Err(Failure::usage(format!("{} holds {count} certificates; it should hold one", file.display())))
        }
    }
}

/// What the user wants, as far as the administrator leaves it to them.
fn obeyed(args: &SignOptions, policies: &Policies, console: Console) -> Result<Policy, Failure> {
    let wanted = policy(args);
    let mut policy = wanted.clone();
    console.notes("--policy", &policies.set.sign_by(&mut policy)?);
    policy.access = policies.effective.access();
    decided("--digest", args.digest.is_some_and(|digest| digest != policy.digest))?;
    decided("--sha1", args.sha1 && policy.digest != wanted.digest)?;
    decided("--opaque", args.opaque && policy.form != wanted.form)?;
    decided("--chain", args.chain.is_some() && policy.certificates != wanted.certificates)?;
    decided("--capabilities", args.capabilities.is_some() && policy.capabilities != wanted.capabilities)?;
    Ok(policy)
}

fn policy(args: &SignOptions) -> Policy {
    let mut policy = Policy::new(args.profile);
    if let Some(digest) = args.digest {
        policy.digest = digest;
    }
    if args.sha1 {
        policy.digest = DigestAlgorithm::Sha1;
        policy.sha1_signing = Sha1Signing::Allow;
    }
    if let Some(capabilities) = args.capabilities {
        policy.capabilities = capabilities;
    }
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
