//! Whom a mail is encrypted to, as `smime encrypt` and `smime plan` find it out.

use crate::args::{Addressing, Identities};
use crate::console::Console;
use crate::failure::Failure;
use crate::fetching::Network;
use crate::keyring::Ring;
use crate::policies::{Policies, decided};
use crate::{groups, store, time};
use smime::cert::chain::ChainRequest;
use smime::cert::purpose::Purpose;
use smime::compose::encrypt;
use smime::compose::envelopes::{Addressees, MailPlan};
use smime::compose::recipients::Resolver;
use smime::crypto::algorithm::KeyTransport;
use smime::policy::effective::Access;
use smime::policy::policy::{CertificateIdentifier, CipherRule};
use smime::policy::sending::UnreachableList;
use smime::store::groups::GroupList;
use smime::{Certificate, Certificates, Directory, InOrder, Policy, RevocationData, RevocationMode, Time, Trust};

/// Everything that recipients are found and judged by.
pub(crate) struct Addressed {
    pub(crate) policies: Policies,
    pub(crate) policy: Policy,
    pub(crate) now: Time,
    pub(crate) ring: Ring,
    directory: InOrder<'static>,
    groups: GroupList,
    trust: Option<Trust>,
    lists: Option<(RevocationData, RevocationMode)>,
    network: Network,
}

/// Whether anybody is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recipients {
    Wanted,
    /// Those of many mails, several at a time.
    OfMany,
    /// The sender alone, of whom everything is known.
    None,
}

impl Addressed {
    /// What is installed in the keyring of the identities is found, too, after all else.
    pub(crate) fn load(
        args: &Addressing,
        identities: Option<&Identities>,
        recipients: Recipients,
        console: Console,
    ) -> Result<Self, Failure> {
        let policies = Policies::load(&args.policies, console)?;
        let policy = obeyed(args, &policies, console)?;
        let now = time(args.at);
        let has_ring = identities.is_some_and(|identities| identities.keyring.is_some());
        if recipients != Recipients::None && args.certs.is_empty() && !has_servers(args) && !has_ring {
            return Err(Failure::usage("there is nowhere to look for certificates").hint("--certs PATH, or --ldap URL"));
        }
        let ring =
            identities.map(|identities| Ring::load(identities, &policy, console)).transpose()?.unwrap_or_default();
        let mut directory = sources(args, now, recipients, console)?;
        if has_ring {
            directory.push(Certificates(ring.import.certificates.clone()));
        }
        let trust = if args.trust.is_empty() { None } else { Some(store::trust(&args.trust, now, console)?) };
        let network = args.fetching.network(policies.set.crl_timeouts())?;
        let mode = revocation(args.lists.revocation, &policy)?;
        // As where messages are judged: who has things fetched wants to know.
        let mode = if network.is_off() { mode } else { mode.or(Some(RevocationMode::Hard)) };
        let lists = match recipients {
            Recipients::Wanted | Recipients::OfMany => {
                store::revocation_of_recipients(&args.lists.crls, mode, &args.trust, console)?
            }
            Recipients::None => None,
        };
        let groups = args.groups.as_deref().map(|path| groups::load(path, console)).transpose()?.unwrap_or_default();
        Ok(Self { policies, policy, now, ring, directory, groups, trust, lists, network })
    }

    /// Who can be encrypted to, after what that takes was fetched where it is asked for.
    pub(crate) fn plan(&self, addressees: &Addressees, console: Console) -> MailPlan {
        self.plan_at(addressees, self.now, console)
    }

    /// The same at another moment.
    pub(crate) fn plan_at(&self, addressees: &Addressees, now: Time, console: Console) -> MailPlan {
        let plan = |trust: Option<&Trust>, lists: Option<&(RevocationData, RevocationMode)>| {
            let resolver = resolver(&self.directory, &self.policy, (trust, lists), now).with_groups(&self.groups);
            MailPlan::resolve(addressees, &resolver)
        };
        match &self.trust {
            Some(trust) if !self.network.is_off() => {
                let (trust, lists) = self.fetched(trust.clone(), addressees, now, console);
                plan(Some(&trust), lists.as_ref())
            }
            trust => plan(trust.as_ref(), self.lists.as_ref()),
        }
    }

    /// Whoever is found is looked up, whether or not their chain holds with what is there.
    fn fetched(
        &self,
        mut trust: Trust,
        addressees: &Addressees,
        now: Time,
        console: Console,
    ) -> (Trust, Option<(RevocationData, RevocationMode)>) {
        let mut lists = self.lists.clone();
        let finder = Resolver::new(&self.directory, &self.policy, now).with_groups(&self.groups);
        let found = MailPlan::resolve(addressees, &finder);
        let found = found.entries().filter_map(|entry| entry.outcome.as_ref().ok());
        let found: Vec<Certificate> = found.map(|recipient| recipient.certificate.clone()).collect();
        for leaf in &found {
            let known: Vec<&RevocationData> = lists.iter().map(|(data, _)| data).collect();
            let request = ChainRequest {
                purpose: Purpose::Encrypt,
                rule: &self.policy.purpose_rule,
                revocation: &known,
                ..ChainRequest::new(leaf, &trust, now, &self.policy.limits)
            };
            let (data, issuers) = self.network.fetch(&request, console);
            if let Some((lists, _)) = &mut lists {
                lists.extend(&data);
            }
            issuers.into_iter().for_each(|issuer| trust.add_intermediate(issuer));
        }
        (trust, lists)
    }

    /// Says so where nobody vouches for recipients.
    pub(crate) fn warn_of_unchecked(&self, console: Console) {
        if self.trust.is_none() {
            console.warn("no --trust was given: the recipients' certificates were not checked against any authority");
        }
    }
}

/// By what was given to hold certificates against.
pub(crate) fn resolver<'a>(
    directory: &'a dyn Directory,
    policy: &'a Policy,
    (trust, lists): (Option<&'a Trust>, Option<&'a (RevocationData, RevocationMode)>),
    now: Time,
) -> Resolver<'a> {
    let resolver = Resolver::new(directory, policy, now);
    match (trust, lists) {
        (Some(trust), Some((data, mode))) => resolver.trusting(trust).unrevoked(data, *mode),
        (Some(trust), None) => resolver.trusting(trust),
        (None, _) => resolver,
    }
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

fn has_servers(args: &Addressing) -> bool {
    #[cfg(feature = "ldap")]
    return !args.servers.ldap.is_empty();
    #[cfg(not(feature = "ldap"))]
    {
        let _ = args;
        false
    }
}

/// Where certificates are looked for, in their order.
fn sources<'d>(args: &Addressing, now: Time, recipients: Recipients, console: Console) -> Result<InOrder<'d>, Failure> {
    #[cfg_attr(not(feature = "ldap"), allow(unused_mut))]
    let mut sources = store::directory(&args.certs, console)?;
    #[cfg(feature = "ldap")]
    crate::servers::add_to(&mut sources, &args.servers, now, recipients == Recipients::OfMany, console)?;
    #[cfg(not(feature = "ldap"))]
    let _ = (now, recipients);
    Ok(sources)
}

/// What the user wants, as far as the administrator leaves it to them.
fn obeyed(args: &Addressing, policies: &Policies, console: Console) -> Result<Policy, Failure> {
    let wanted = policy(args);
    let mut policy = wanted.clone();
    policy.access = policies.effective.access();
    if let Access::Disabled(disabled) = policy.access {
        return Err(encrypt::Error::Disabled(disabled).into());
    }
    console.notes("--policy", &policies.set.encrypt_by(&mut policy)?);
    decided("--content", args.content.is_some_and(|cipher| cipher != policy.content_cipher))?;
    decided("--key-identifier", args.key_identifier && policy.identifier != wanted.identifier)?;
    decided("--bcc-forking", args.bcc_forking.is_some_and(|forking| forking != policy.sending.bcc_forking))?;
    Ok(policy)
}

fn policy(args: &Addressing) -> Policy {
    let mut policy = Policy::new(args.profile);
    if let Some(cipher) = args.content {
        policy.content_cipher = cipher;
        policy.cipher_rule = CipherRule::Named;
    }
    if let Some(hash) = args.oaep {
        policy.key_transport =
            KeyTransport::RsaOaep { hash, mgf_hash: args.oaep_mgf.unwrap_or(hash), label: Vec::new() };
    }
    if args.key_identifier {
        policy.identifier = CertificateIdentifier::SubjectKeyIdentifier;
    }
    if let Some(forking) = args.bcc_forking {
        policy.sending.bcc_forking = forking;
    }
    policy
}
