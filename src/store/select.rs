//! Which of somebody's certificates signs, which one copies of sent mail are encrypted to, and which keys open received
//! mail (OUT-1 to OUT-14). The three are answered apart, since the certificates may differ (OUT-11), and each answer says
//! why the others were passed over.

use crate::base::address::EmailAddress;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::mailbox::{AddressMatch, Mailboxes, speaks_for};
use crate::cert::purpose::{self, Purpose};
use crate::crypto::strength;
use crate::keys::identity::Identity;
use crate::policy::deployment::{CertificateSource, Keychain, Platform};
use crate::policy::policy::Policy;
use crate::policy::profile::Profile;
use crate::policy::sending::SigningChoice;
use std::cmp::Reverse;
use std::fmt;

/// Where keys and certificates lie together: a file, a card, a keychain.
#[derive(Clone, Debug, Default)]
pub struct KeySource {
    /// As people know it: the name of a file.
    pub name: String,
    /// Certificates with their keys.
    pub identities: Vec<Identity>,
    /// Certificates whose keys are not here.
    pub certificates: Vec<Certificate>,
    /// Which programs can use what lies in it (OUT-136).
    pub visible_to: VisibleTo,
    /// How it came here, where that is known (OUT-134, OUT-135, OUT-137).
    pub delivered: Option<CertificateSource>,
}

/// Which programs can use what lies in a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VisibleTo {
    /// All of them: a file, a card, the store of Windows.
    #[default]
    EveryApp,
    /// Those that see this keychain on this platform.
    AppsThatSee(Keychain, Platform),
}

impl VisibleTo {
    const NAMES: [(&'static str, Self); 3] = [
        ("everyone", Self::EveryApp),
        ("publisher", Self::AppsThatSee(Keychain::MicrosoftPublisher, Platform::Ios)),
        ("system", Self::AppsThatSee(Keychain::System, Platform::Ios)),
    ];

    /// "everyone"; or of the keychains of iOS, "publisher" or "system". On Android every app sees both.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, one)| *one == self).map_or("everyone", |(name, _)| name)
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, one)| *one)
    }
}

/// What a certificate is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// To sign with.
    Sign,
    /// To encrypt a copy to, which the sender keeps (OUT-14).
    EncryptToSelf,
    /// To open what was received (OUT-12).
    Open,
}

/// What was selected.
#[derive(Clone, Debug)]
pub struct Selected<T> {
    /// The certificate with its key, or alone.
    pub chosen: T,
    /// Where it lies.
    pub source: String,
    /// What should be known of it: `expires_soon`, `renewal_due`, `user_choice_ignored`, `private_key_elsewhere`,
    /// `certificate_expired` of what still opens, and every leniency.
    pub notes: Vec<Reason>,
}

/// A certificate that was passed over.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// The certificate.
    pub certificate: Certificate,
    /// Where it lies.
    pub source: String,
    /// Why it was not taken.
    pub reasons: Vec<Reason>,
}

/// Why nothing was selected.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No certificate is for the account and fit; no other address takes its place (OUT-4).
    #[error("no certificate is available to {purpose} as {account}{}", told(.rejected))]
    NoCertificateAvailable {
        /// The account's primary address.
        account: EmailAddress,
        /// What for.
        purpose: Use,
        /// Every certificate there is, with the reasons against it.
        rejected: Vec<Rejected>,
    },
    /// A certificate would do, and its private key is not on this device (OUT-44).
    #[error("the private key of {} is not here, so that nothing can {purpose} as {account}", named(.certificates))]
    NoPrivateKey {
        /// The account's primary address.
        account: EmailAddress,
        /// What for.
        purpose: Use,
        /// The certificates that would do.
        certificates: Vec<Certificate>,
    },
    /// The user chose a certificate that will not do.
    #[error("the chosen certificate cannot sign as {account}: {}", listed(.reasons))]
    ChosenUnusable {
        /// The account's primary address.
        account: EmailAddress,
        /// Why.
        reasons: Vec<Reason>,
    },
}

/// Selects among the certificates of an account.
///
/// ```
/// # use smime::store::select::{Error, Selector, Use};
/// # use smime::{Policy, Time};
/// let (account, policy) = ("alice@example.com".parse().unwrap(), Policy::default());
/// let selector = Selector::new(&account, &policy, Time::from_unix(1_795_507_200));
/// let error = selector.signing(&[]).unwrap_err();
/// assert!(matches!(error, Error::NoCertificateAvailable { purpose: Use::Sign, .. }));
/// ```
#[derive(Clone, Debug)]
pub struct Selector<'p> {
    account: &'p EmailAddress,
    policy: &'p Policy,
    now: Time,
    choice: Option<[u8; 32]>,
}

/// A certificate with what speaks for and against it.
struct Candidate<'s> {
    source: &'s KeySource,
    certificate: &'s Certificate,
    identity: Option<&'s Identity>,
    against: Vec<Reason>,
    notes: Vec<Reason>,
}

impl<'p> Selector<'p> {
    /// For the primary address of an account, under a policy, at a moment.
    pub fn new(account: &'p EmailAddress, policy: &'p Policy, now: Time) -> Self {
        Self { account, policy, now, choice: None }
    }

    /// With the user's choice of a signing certificate by its SHA-256. It counts where the policy lets the user choose
    /// (OUT-9), and never on a phone (OUT-13).
    #[must_use]
    pub fn choose(self, sha256: [u8; 32]) -> Self {
        Self { choice: Some(sha256), ..self }
    }

    /// What to sign with: of those that are fit the one that became valid last (OUT-9), and of two the one with the
    /// smaller fingerprint (OUT-10).
    ///
    /// # Errors
    /// [`Error`]
    pub fn signing(&self, sources: &[KeySource]) -> Result<Selected<Identity>, Error> {
        let mut candidates = self.candidates(sources, Use::Sign);
        let mut ignored = None;
        if let Some(choice) = self.choice {
            if self.may_choose() {
                candidates.retain(|candidate| candidate.certificate.sha256() == choice);
                let sole = candidates.first().filter(|candidate| candidate.identity.is_some());
                let against = match sole {
                    Some(candidate) => candidate.against.clone(),
                    None => vec![Reason::new("private_key_missing", "no private key of that fingerprint is here")],
                };
                if !against.is_empty() {
                    return Err(Error::ChosenUnusable { account: self.account.clone(), reasons: against });
                }
            } else {
                let text = "the signing certificate is not the user's to choose here, so the newest is taken";
                ignored = Some(Reason::new("user_choice_ignored", text));
            }
        }
        let best = candidates.iter().filter(|c| c.against.is_empty()).filter_map(|c| Some((c, c.identity?)));
        match best.max_by_key(|(candidate, _)| rank(candidate.certificate)) {
            Some((candidate, identity)) => {
                let mut selected = candidate.selected(identity.clone());
                selected.notes.extend(ignored);
                Ok(selected)
            }
            None => Err(self.nothing(candidates, Use::Sign)),
        }
    }

    /// What a copy of sent mail is encrypted to (OUT-14): by the same order, those whose key is here first, since what
    /// they are encrypted to can be read here.
    ///
    /// # Errors
    /// [`Error::NoCertificateAvailable`]
    pub fn encryption(&self, sources: &[KeySource]) -> Result<Selected<Certificate>, Error> {
        let candidates = self.candidates(sources, Use::EncryptToSelf);
        let fit = candidates.iter().filter(|candidate| candidate.against.is_empty());
        match fit.max_by_key(|candidate| (candidate.identity.is_some(), rank(candidate.certificate))) {
            Some(candidate) => {
                let mut selected = candidate.selected(candidate.certificate.clone());
                if candidate.identity.is_none() {
                    let text = "its private key is not here, so that the copy can be read on another device only";
                    selected.notes.push(Reason::new("private_key_elsewhere", text));
                }
                Ok(selected)
            }
            None => Err(self.nothing(candidates, Use::EncryptToSelf)),
        }
    }

    /// What opens received mail, the newest first: every key that mail to the account may have been encrypted to, those of
    /// expired certificates too (OUT-12, OUT-134).
    ///
    /// # Errors
    /// [`Error::NoPrivateKey`], [`Error::NoCertificateAvailable`]
    pub fn opening(&self, sources: &[KeySource]) -> Result<Vec<Selected<Identity>>, Error> {
        let mut candidates = self.candidates(sources, Use::Open);
        candidates.sort_by_key(|candidate| Reverse(rank(candidate.certificate)));
        let fit = candidates.iter().filter(|candidate| candidate.against.is_empty());
        let found: Vec<_> = fit.filter_map(|c| Some(c.selected(c.identity?.clone()))).collect();
        if found.is_empty() { Err(self.nothing(candidates, Use::Open)) } else { Ok(found) }
    }

    /// Every certificate that is passed over for a use, with the reasons.
    pub fn rejected(&self, sources: &[KeySource], purpose: Use) -> Vec<Rejected> {
        self.candidates(sources, purpose).into_iter().filter_map(|c| c.rejected(purpose)).collect()
    }

    fn may_choose(&self) -> bool {
        self.policy.profile != Profile::OutlookMobile && self.policy.sending.signing_choice == SigningChoice::Users
    }

    /// Every certificate once, with its key where one of the sources has it.
    fn candidates<'s>(&self, sources: &'s [KeySource], purpose: Use) -> Vec<Candidate<'s>> {
        let mut candidates: Vec<Candidate<'s>> = Vec::new();
        for source in sources {
            for identity in &source.identities {
                self.add(&mut candidates, source, identity.certificate(), Some(identity), purpose);
            }
        }
        for source in sources {
            for certificate in &source.certificates {
                self.add(&mut candidates, source, certificate, None, purpose);
            }
        }
        candidates
    }

    fn add<'s>(
        &self,
        candidates: &mut Vec<Candidate<'s>>,
        source: &'s KeySource,
        certificate: &'s Certificate,
        identity: Option<&'s Identity>,
        purpose: Use,
    ) {
        let known = candidates.iter_mut().find(|known| known.certificate == certificate);
        // The same key from a source that can be used takes the place of one that cannot.
        let better = |known: &Candidate<'_>, new: &Candidate<'_>| {
            new.identity.is_some() && !known.against.is_empty() && new.against.is_empty()
        };
        let new = self.judge(source, certificate, identity, purpose);
        match known {
            Some(known) if better(known, &new) => *known = new,
            Some(_) => {}
            None => candidates.push(new),
        }
    }

    fn judge<'s>(
        &self,
        source: &'s KeySource,
        certificate: &'s Certificate,
        identity: Option<&'s Identity>,
        purpose: Use,
    ) -> Candidate<'s> {
        let (account, policy, now) = (self.account, self.policy, self.now);
        let (mut against, mut notes) = (Vec::new(), Vec::new());
        match speaks_for(certificate, account, &policy.address_rule) {
            AddressMatch::Matches { leniencies } => notes.extend(leniencies),
            _ => {
                let inside = Mailboxes::of(certificate);
                let inside: Vec<String> = inside.all().iter().map(|m| m.address.to_string()).collect();
                let inside = if inside.is_empty() { "no address".to_owned() } else { inside.join(", ") };
                against.push(Reason::new("address_mismatch", format!("it is for {inside}, and not for {account}")));
            }
        }
        if let (VisibleTo::AppsThatSee(keychain, platform), true) = (source.visible_to, is_outlook(policy.profile)) {
            against.extend(keychain.visible_to_outlook(platform).err());
        }
        match purpose {
            Use::Sign => against.extend(unfit(certificate, Purpose::Sign, policy, now)),
            Use::EncryptToSelf => against.extend(unfit(certificate, Purpose::Encrypt, policy, now)),
            Use::Open => {
                against.extend(purpose::fits(certificate, Purpose::Encrypt, &policy.purpose_rule));
                notes.extend(outside_validity(certificate, now));
            }
        }
        if purpose != Use::Open {
            notes.extend(expires_soon(certificate, now));
            if source.delivered == Some(CertificateSource::DerivedCredential) {
                notes.extend(renewal_due(certificate, now));
            }
        }
        Candidate { source, certificate, identity, against, notes }
    }

    fn nothing(&self, candidates: Vec<Candidate<'_>>, purpose: Use) -> Error {
        let account = self.account.clone();
        let keyless: Vec<Certificate> = candidates
            .iter()
            .filter(|candidate| candidate.against.is_empty() && candidate.identity.is_none())
            .map(|candidate| candidate.certificate.clone())
            .collect();
        if !keyless.is_empty() {
            return Error::NoPrivateKey { account, purpose, certificates: keyless };
        }
        let rejected = candidates.into_iter().filter_map(|candidate| candidate.rejected(purpose)).collect();
        Error::NoCertificateAvailable { account, purpose, rejected }
    }
}

impl Candidate<'_> {
    fn selected<T>(&self, chosen: T) -> Selected<T> {
        Selected { chosen, source: self.source.name.clone(), notes: self.notes.clone() }
    }

    fn rejected(self, purpose: Use) -> Option<Rejected> {
        let mut reasons = self.against;
        if self.identity.is_none() && purpose != Use::EncryptToSelf {
            reasons.push(Reason::new("private_key_missing", "its private key is not here"));
        }
        let source = self.source.name.clone();
        (!reasons.is_empty()).then(|| Rejected { certificate: self.certificate.clone(), source, reasons })
    }
}

/// Purpose, dates and strength: what speaks against a certificate whoever it is for (OUT-5 to OUT-7).
pub fn unfit(certificate: &Certificate, purpose: Purpose, policy: &Policy, now: Time) -> Vec<Reason> {
    let mut against = purpose::fits(certificate, purpose, &policy.purpose_rule);
    against.extend(outside_validity(certificate, now));
    if let Ok(key) = certificate.public_key(&policy.limits) {
        against.extend(strength::key_weakness(&key));
    }
    against
}

/// OUT-8: `expires_soon`, from 30 days before the last moment of validity on.
pub fn expires_soon(certificate: &Certificate, now: Time) -> Option<Reason> {
    let left = certificate.not_after().unix().saturating_sub(now.unix());
    (0..=WARNED_DAYS * DAY).contains(&left).then(|| {
        let text = format!(
            "the certificate expires in {} days, at {}; it is time for a new one",
            left / DAY,
            certificate.not_after()
        );
        Reason::new("expires_soon", text)
    })
}

/// OUT-135: `renewal_due` in the last fifth of the validity of a derived credential.
fn renewal_due(certificate: &Certificate, now: Time) -> Option<Reason> {
    let whole = certificate.not_after().unix().saturating_sub(certificate.not_before().unix());
    let left = certificate.not_after().unix().saturating_sub(now.unix());
    (left >= 0 && left <= whole / 5).then(|| {
        let text = format!(
            "the derived credential is in the last fifth of its validity, which ends at {}",
            certificate.not_after()
        );
        Reason::new("renewal_due", text)
    })
}

fn outside_validity(certificate: &Certificate, now: Time) -> Option<Reason> {
    if certificate.is_valid_at(now) {
        return None;
    }
    let (from, to) = (certificate.not_before(), certificate.not_after());
    let text = format!("the certificate of {} is valid from {from} to {to}, and not at {now}", certificate.subject());
    Some(Reason::new(if now > to { "certificate_expired" } else { "certificate_not_yet_valid" }, text))
}

/// OUT-9, OUT-10: the greatest is taken.
pub fn rank(certificate: &Certificate) -> (Time, Reverse<[u8; 32]>) {
    (certificate.not_before(), Reverse(certificate.sha256()))
}

fn is_outlook(profile: Profile) -> bool {
    !matches!(profile, Profile::Rfc8551 | Profile::Strict)
}

const DAY: i64 = 86_400;
const WARNED_DAYS: i64 = 30;

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sign => "sign",
            Self::EncryptToSelf => "encrypt a copy",
            Self::Open => "decrypt",
        })
    }
}

fn listed(reasons: &[Reason]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn named(certificates: &[Certificate]) -> String {
    certificates.iter().map(|certificate| certificate.subject().to_string()).collect::<Vec<_>>().join(", ")
}

fn told(rejected: &[Rejected]) -> String {
    match rejected {
        [] => ": there is none at all".to_owned(),
        rejected => {
            let one = |one: &Rejected| format!(" {} ({})", one.certificate.subject(), listed(&one.reasons));
            format!(":{}", rejected.iter().map(one).collect::<Vec<_>>().join(","))
        }
    }
}
