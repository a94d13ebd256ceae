//! Which of the certificates that a device has are for what (OUT-134 to OUT-137): one to sign with, those to open mail with,
//! and one of these to be encrypted to.

use super::intune_pfx::IntendedPurpose;
use super::select::rank;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::purpose::{Purpose, PurposeRule, fits};
use crate::cert::request::renewal_due;
use crate::keys::identity::Identity;
use crate::policy::deployment::{CertificateDeployment, CertificateSource, Enabled, Keychain, Platform};
use std::cmp::Reverse;

/// A certificate with its key, on a device.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Both.
    pub identity: Identity,
    /// By which way it came; a derived credential was there already.
    pub source: CertificateSource,
    /// Where the key lies, and so which apps see it.
    pub keychain: Keychain,
    /// What it was delivered for, where that was said.
    pub purpose: IntendedPurpose,
}

/// What a device uses.
#[derive(Clone, Debug, Default)]
pub struct Selection<'d> {
    /// To sign with.
    pub signing: Option<&'d Delivered>,
    /// To open mail with, the newest first; those that expired, too (OUT-12).
    pub opening: Vec<&'d Delivered>,
    /// To be encrypted to.
    pub encryption: Option<&'d Delivered>,
    /// Why others are not used.
    pub refused: Vec<Refused<'d>>,
}

/// A certificate that is not used.
#[derive(Clone, Debug)]
pub struct Refused<'d> {
    /// Which one.
    pub delivered: &'d Delivered,
    /// What for.
    pub purpose: Purpose,
    /// Why not: `keychain_not_visible`, `other_source`, `one_key_per_device`, `other_purpose`, `not_valid_now`, and the
    /// codes of [`fits`].
    pub reasons: Vec<Reason>,
}

/// Percent of a life within which a derived credential is to be renewed (OUT-135).
pub const RENEWAL: u8 = 20;

impl Delivered {
    /// Whether it is in the last part of its life, in which its user is told to renew it (OUT-129, OUT-135).
    pub fn is_due(&self, now: Time) -> bool {
        now >= renewal_due(self.identity.certificate(), RENEWAL)
    }

    /// What stands against it, whatever the time.
    fn against(
        &self,
        purpose: Purpose,
        deployed: Option<CertificateSource>,
        platform: Platform,
        rule: &PurposeRule,
    ) -> Vec<Reason> {
        let mut reasons = Vec::new();
        // OUT-136
        reasons.extend(self.keychain.visible_to_outlook(platform).err());
        if let Some(wanted) = deployed.filter(|wanted| *wanted != self.source) {
            let text = format!("it came by {}, and {} is deployed", self.source.word(), wanted.word());
            reasons.push(Reason::new("other_source", text));
        }
        // OUT-128, OUT-137
        if purpose == Purpose::Encrypt && self.source.is_per_device() {
            let text =
                "its key is on this device alone, so that the other devices could not open what is encrypted to it";
            reasons.push(Reason::new("one_key_per_device", text));
        }
        let other = match self.purpose {
            IntendedPurpose::Unassigned => false,
            IntendedPurpose::SmimeSigning => purpose != Purpose::Sign,
            IntendedPurpose::SmimeEncryption => purpose != Purpose::Encrypt,
            IntendedPurpose::Vpn | IntendedPurpose::Wifi => true,
        };
        if other {
            reasons.push(Reason::new("other_purpose", format!("it was delivered for {}", self.purpose.name())));
        }
        reasons.extend(fits(self.identity.certificate(), purpose, rule));
        reasons
    }
}

/// Selects by key usage and extended key usage (OUT-5, OUT-6), of several to sign with the one that began last (OUT-9), and
/// of two as new the one with the smaller fingerprint (OUT-10).
pub fn select<'d>(
    delivered: &'d [Delivered],
    deployment: &CertificateDeployment,
    platform: Platform,
    rule: &PurposeRule,
    now: Time,
) -> Selection<'d> {
    let mut selection = Selection::default();
    if deployment.enabled == Enabled::No {
        return selection;
    }
    for purpose in [Purpose::Sign, Purpose::Encrypt] {
        let deployed = if purpose == Purpose::Sign { deployment.signing } else { deployment.encryption };
        let mut fit = Vec::new();
        for one in delivered {
            let mut reasons = one.against(purpose, deployed, platform, rule);
            let valid = one.identity.certificate().is_valid_at(now);
            if purpose == Purpose::Sign && !valid {
                reasons.push(Reason::new("not_valid_now", "it is not valid now"));
            }
            match reasons.is_empty() {
                true => fit.push(one),
                false => selection.refused.push(Refused { delivered: one, purpose, reasons }),
            }
        }
        fit.sort_by_key(|one| Reverse(rank(one.identity.certificate())));
        match purpose {
            Purpose::Sign => selection.signing = fit.first().copied(),
            _ => {
                let valid = |one: &&&Delivered| one.identity.certificate().is_valid_at(now);
                selection.encryption = fit.iter().find(valid).copied();
                selection.opening = fit;
            }
        }
    }
    selection
}
