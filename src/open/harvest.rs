//! A correspondent's certificate out of a signed message: on the caller's word only, and never in place of another one
//! unseen (OUT-30, SEC-58; Poddebniak et al., "Mailto: Me Your Secrets", 2020).

use super::opener::Trusted;
use super::report::{self, LayerKind, Signature};
use crate::base::address::EmailAddress;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::chain::{self, ChainRequest, ChainVerdict, Trust};
use crate::cert::mailbox::{AddressMatch, speaks_for};
use crate::cert::purpose::Purpose;
use crate::cms::signer_info::Integrity;
use crate::policy::policy::Policy;
use crate::store::directory::contacts::Contact;

/// A certificate to encrypt to its sender with, and how it stands to what was known.
#[derive(Clone, Debug)]
pub struct Harvest {
    /// Whose it is: the From address that the signature vouches for.
    pub address: EmailAddress,
    /// The certificate: of those that came along, valid for encryption to that address, the newest.
    pub certificate: Certificate,
    /// Whether it is another one than was known.
    pub change: Change,
    /// What the sender says it can read: SMIMECapabilities of the signature, DER.
    pub capabilities: Option<Vec<u8>>,
    /// When the message claims to have been signed.
    pub signed_at: Option<Time>,
}

impl Harvest {
    /// To be kept in [`Contacts`](crate::store::directory::contacts::Contacts).
    pub fn into_contact(self) -> Contact {
        let Self { address, certificate, capabilities, signed_at, .. } = self;
        Contact { address, certificate, capabilities, signed_at }
    }
}

/// How a harvested certificate stands to those that were known for the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// None was known.
    New,
    /// It is known.
    Same,
    /// Others are known, and this one is not among them. A person should be asked: whoever got a certificate issued for
    /// the address would receive what is encrypted from now on.
    Differs {
        /// Those that are known.
        known: Vec<Certificate>,
    },
}

/// The certificate of a message's sender. Nothing is stored: that is for the caller to do, having looked at
/// [`Harvest::change`]. `known` are the certificates that the caller has for the address.
///
/// # Errors
/// `not_by_sender` where less than [`SignedBySender`](crate::open::requirement::Requirement::SignedBySender) was required
/// of the message; `no_encryption_certificate` where none of those that came along is good for encryption to the sender,
/// with the reasons against each.
pub fn harvest(
    message: &Trusted<'_>,
    known: &[Certificate],
    trust: &Trust,
    policy: &Policy,
    now: Time,
) -> Result<Harvest, Vec<Reason>> {
    let Some(address) = message.sender() else {
        let text = "whose the message is was not asked, so that nothing is taken out of it";
        return Err(vec![Reason::new("not_by_sender", text)]);
    };
    let brought: Vec<Certificate> = message
        .report()
        .layers
        .iter()
        .filter_map(|layer| match &layer.kind {
            LayerKind::Signed(signed) => Some(signed.certificates.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    let text = format!("no certificate that came with the message is good for encryption to {address}");
    let mut against = vec![Reason::new("no_encryption_certificate", text)];
    let mut found: Option<&Certificate> = None;
    for certificate in &brought {
        if !matches!(speaks_for(certificate, address, &policy.address_rule), AddressMatch::Matches { .. }) {
            continue;
        }
        let outcome = chain::build(&ChainRequest {
            extra: &brought,
            purpose: Purpose::Encrypt,
            rule: &policy.purpose_rule,
            inputs: &policy.path_inputs,
            ..ChainRequest::new(certificate, trust, now, &policy.limits)
        });
        if outcome.verdict != ChainVerdict::Anchored {
            against.extend(outcome.reasons);
        } else if found.is_none_or(|best| best.not_before() < certificate.not_before()) {
            found = Some(certificate);
        }
    }
    let certificate = found.cloned().ok_or(against)?;
    let change = match known {
        [] => Change::New,
        known if known.contains(&certificate) => Change::Same,
        known => Change::Differs { known: known.to_vec() },
    };
    let said = message.report().layers.iter().find_map(|layer| match &layer.kind {
        LayerKind::Signed(signed) => signed.signatures.iter().find(|signature| vouches(signature, address, policy)),
        _ => None,
    });
    let (capabilities, signed_at) = said.map_or((None, None), |said| (said.capabilities.clone(), said.signed_at));
    Ok(Harvest { address: address.clone(), certificate, change, capabilities, signed_at })
}

/// Whether it is the sender's own, and holds.
fn vouches(signature: &Signature, address: &EmailAddress, policy: &Policy) -> bool {
    signature.integrity == Integrity::Intact
        && signature.trust == report::Trust::Anchored
        && signature.certificate.as_ref().is_some_and(|certificate| {
            matches!(speaks_for(certificate, address, &policy.address_rule), AddressMatch::Matches { .. })
        })
}
