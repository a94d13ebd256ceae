//! How many messages an encrypted mail becomes, and to whom each goes (OUT-41): whoever stands in Bcc shares no envelope with
//! To and Cc unless the policy says so, because every recipient can see whom an envelope is for (SEC-83).

use super::message::Message;
use super::recipients::{self, Entry, Error, Plan, Recipients, Resolver};
use crate::base::address::EmailAddress;
use crate::policy::sending::BccForking;
use crate::store::groups::Expanded;
use std::collections::HashSet;

/// Whom a mail is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressees {
    /// Those of To and Cc, who may know of each other.
    pub visible: Vec<EmailAddress>,
    /// Those of Bcc, of whom nobody may know.
    pub hidden: Vec<EmailAddress>,
}

/// Who shares an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// To and Cc.
    Visible,
    /// Bcc.
    Hidden,
    /// To, Cc and Bcc: each can find out about the others.
    Everybody,
}

/// One of the messages, planned.
#[derive(Clone, Debug)]
pub struct EnvelopePlan {
    /// Who shares it.
    pub audience: Audience,
    /// Who can read it, who cannot, and why.
    pub plan: Plan,
}

/// All messages that a mail becomes, planned. Nobody is in two of them.
#[derive(Clone, Debug)]
pub struct MailPlan {
    envelopes: Vec<EnvelopePlan>,
}

/// One of the messages, with nobody missing.
///
/// ```no_run
/// # use smime::compose::{envelopes::MailPlan, recipients::Resolver};
/// # use smime::{Certificates, Encryptor, Identity, Message, Policy, Time};
/// # fn demo(alice: &Identity, directory: &Certificates, raw: &[u8], now: Time) -> Result<(), Box<dyn std::error::Error>> {
/// let (message, policy) = (Message::parse(raw)?, Policy::default());
/// let plan = MailPlan::resolve(&message.addressees()?, &Resolver::new(directory, &policy, now));
/// for envelope in plan.all()? {
///     let encryptor = Encryptor::new(&envelope.recipients, &policy).copy_to(alice, now)?;
///     let (_rcpt_to, _bytes) = (envelope.addresses, encryptor.encrypt(&message)?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Who shares it.
    pub audience: Audience,
    /// Whom it is delivered to (RFC 5321 section 4.1.1.3): the people, and not the groups that lead to them.
    pub addresses: Vec<EmailAddress>,
    /// Whom it is encrypted to.
    pub recipients: Recipients,
}

impl Message<'_> {
    /// Whom the message is for. Bcc itself is taken out of it.
    ///
    /// # Errors
    /// [`Error::NotAnAddress`] where something in To, Cc or Bcc is none: nobody is left out in silence.
    pub fn addressees(&self) -> Result<Addressees, Error> {
        Ok(Addressees { visible: self.recipients()?, hidden: self.hidden_recipients()? })
    }
}

impl MailPlan {
    /// Expands groups, splits by the policy's [`BccForking`], and looks up each address once. Who stands in To or Cc and in
    /// Bcc gets the message once, as one of To and Cc.
    pub fn resolve(addressees: &Addressees, resolver: &Resolver<'_>) -> Self {
        let policy = resolver.policy();
        let local = policy.address_rule.local;
        let visible = resolver.people(&addressees.visible);
        let known: HashSet<EmailAddress> = visible.iter().map(|one| one.address.folded(local)).collect();
        let mut hidden = resolver.people(&addressees.hidden);
        hidden.retain(|one| !known.contains(&one.address.folded(local)));
        let forking = policy.sending.bcc_forking;
        let audience = |group: &[Expanded]| {
            let seen = group.first().is_some_and(|one| known.contains(&one.address.folded(local)));
            match (forking, seen) {
                (BccForking::Together, _) if !hidden.is_empty() => Audience::Everybody,
                (_, true) => Audience::Visible,
                (_, false) => Audience::Hidden,
            }
        };
        let groups = forking.groups(&visible, &hidden).into_iter();
        let envelopes = groups.map(|group| EnvelopePlan { audience: audience(&group), plan: resolver.plan_for(group) });
        Self { envelopes: envelopes.collect() }
    }

    /// The messages, that for To and Cc first.
    pub fn envelopes(&self) -> &[EnvelopePlan] {
        &self.envelopes
    }

    /// Everybody, message by message.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.envelopes.iter().flat_map(|envelope| envelope.plan.entries())
    }

    /// The messages, with everybody in one of them.
    ///
    /// # Errors
    /// As [`Plan::all`]: a single recipient without a usable certificate stops every message (OUT-33).
    pub fn all(&self) -> Result<Vec<Envelope>, Error> {
        let missing = self.envelopes.iter().flat_map(|envelope| envelope.plan.missing()).collect();
        match recipients::stopped(missing) {
            Some(error) => Err(error),
            None => self.reachable(),
        }
    }

    /// The messages to those who have a usable certificate, on the caller's word that the others get nothing.
    ///
    /// # Errors
    /// [`Error::Nobody`] where that is nobody.
    pub fn reachable(&self) -> Result<Vec<Envelope>, Error> {
        let mut envelopes = Vec::new();
        for EnvelopePlan { audience, plan } in &self.envelopes {
            let reached = plan.entries().iter().filter(|entry| entry.outcome.is_ok());
            let addresses: Vec<EmailAddress> = reached.map(|entry| entry.address.clone()).collect();
            if !addresses.is_empty() {
                envelopes.push(Envelope { audience: *audience, addresses, recipients: plan.reachable()? });
            }
        }
        if envelopes.is_empty() { Err(Error::Nobody) } else { Ok(envelopes) }
    }
}
