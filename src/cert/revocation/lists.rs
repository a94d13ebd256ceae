//! Asking revocation lists (RFC 5280 section 6.3.3).

use super::{Examiner, RevocationStatus};
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cert::crl::{Crl, RevocationReason, RevokedEntry};
use crate::cert::extension::{DistributionPoint, GeneralName, KeyUsage, PointName, ReasonFlags, Scope};
use crate::cert::name::Name;
use crate::cert::publication;
use crate::cert::purpose::PurposeRule;
use crate::crypto::strength;

impl Examiner<'_> {
    /// The status by lists; `None` where they do not cover every reason, and then `whys` says why.
    pub(super) fn ask_lists(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        whys: &mut Vec<Reason>,
    ) -> Option<RevocationStatus> {
        let mut covered = ReasonFlags::NONE;
        let stated = certificate.distribution_points().unwrap_or_default();
        // The last one: "issued by the certificate issuer, but not specified in a distribution point".
        let whole = DistributionPoint {
            name: Some(PointName::Full(vec![GeneralName::Directory(certificate.issuer().clone())])),
            ..DistributionPoint::default()
        };
        for point in stated.iter().chain([&whole]) {
            for crl in self.candidates(point, certificate.issuer()) {
                let Some(reasons) = scope_of(&crl, point, certificate) else { continue };
                if covered.covers(reasons) {
                    continue;
                }
                match self.ask_list(&crl, certificate, issuer) {
                    Ok(Some(entry)) => {
                        return Some(RevocationStatus::Revoked { at: entry.at, reason: entry.reason });
                    }
                    Ok(None) => covered = covered.either(reasons),
                    Err(why) if !whys.contains(&why) => whys.push(why),
                    Err(_) => {}
                }
            }
            if covered.covers(ReasonFlags::ALL) {
                return Some(RevocationStatus::Good);
            }
        }
        if covered != ReasonFlags::NONE {
            let who = certificate.subject().brief();
            let text = format!("the lists at hand cover only some of the reasons for which \"{who}\" may be revoked");
            whys.push(Reason::new("crl_scope", text));
        }
        None
    }

    /// The complete lists that may cover a distribution point, newest first.
    fn candidates(&self, point: &DistributionPoint, issuer: &Name) -> Vec<Crl> {
        let issuers: Vec<&Name> = match directory_names(&point.issuer) {
            names if names.is_empty() => vec![issuer],
            names => names,
        };
        let data = self.request.revocation.iter();
        let mut found: Vec<Crl> = data
            .flat_map(|data| issuers.iter().flat_map(|name| data.crls_of(name)))
            .filter(|crl| crl.delta_base().is_none())
            .cloned()
            .collect();
        found.sort_by_key(|crl| std::cmp::Reverse(age(crl)));
        found
    }

    /// What one list says, with its delta; the list itself is judged first.
    fn ask_list(
        &mut self,
        crl: &Crl,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Result<Option<RevokedEntry>, Reason> {
        self.usable(crl)?;
        let signer = self.signer(crl, issuer)?;
        if let Some(scheme) = crl.scheme()
            && let Some(weak) = strength::scheme_weakness(&scheme)
        {
            let text = format!("the revocation list of \"{}\": {}", crl.issuer().brief(), weak.text);
            self.notes.push(Reason::new("revocation_weak_digest", text));
        }
        if *self.request.rule == PurposeRule::STRICT {
            self.notes.extend(publication::holds_too_long(crl, certificate));
        }
        if let Some(delta) = self.delta(crl, &signer)
            && let Some(entry) = find(&delta, certificate)?
        {
            return Ok(Some(entry).filter(|entry| entry.reason != RevocationReason::RemoveFromCrl));
        }
        Ok(find(crl, certificate)?.filter(|entry| entry.reason != RevocationReason::RemoveFromCrl))
    }

    /// Whether a list is sound and current.
    fn usable(&self, crl: &Crl) -> Result<(), Reason> {
        let (who, at) = (crl.issuer().brief(), self.request.at);
        if let Some(fault) = crl.faults().first() {
            let text = format!("the revocation list of \"{who}\" cannot be used: {}", fault.text);
            return Err(Reason::new("crl_unusable", text));
        }
        let (Some(from), Some(until)) = (crl.this_update(), crl.next_update()) else {
            let text = format!("the revocation list of \"{who}\" does not say until when it holds");
            return Err(Reason::new("crl_unusable", text));
        };
        if at < from {
            let text = format!("the revocation list of \"{who}\" is of {from}; it is asked about {at}");
            return Err(Reason::new("crl_not_yet_valid", text));
        }
        if at > until {
            let text = format!("the revocation list of \"{who}\" held until {until}; it is asked about {at}");
            return Err(Reason::new("crl_expired", text));
        }
        Ok(())
    }

    /// The certificate whose key signed a list: the issuer of the certificate in question, or another one of the list's
    /// issuer that the same anchor vouches for (RFC 5280 section 6.3.3 (f) and (g)).
    fn signer(&mut self, crl: &Crl, issuer: &Certificate) -> Result<Certificate, Reason> {
        let who = crl.issuer().brief();
        let request = self.request;
        let named = |certificate: &&Certificate| certificate.subject().same(crl.issuer());
        let canonical = crl.issuer().canonical();
        let others = request.extra.iter().filter(named);
        let others = others.chain(request.trust.intermediates_named(canonical));
        let others = others.chain(request.trust.anchors_named(canonical));
        let mut candidates: Vec<&Certificate> = vec![issuer].into_iter().filter(named).collect();
        for other in others {
            if !candidates.contains(&other) {
                candidates.push(other);
            }
        }
        // The one whose key identifier the list names comes first; it guides, and decides nothing.
        let wanted = crl.authority_key().and_then(|key| key.key_identifier.as_deref());
        candidates.sort_by_key(|one| wanted.is_some() && one.subject_key_identifier() != wanted);
        let mut why = None;
        for candidate in candidates {
            if candidate.key_usage().is_some_and(|usage| !usage.any_of(KeyUsage::CRL_SIGN)) {
                let text = format!("the keyUsage of \"{who}\" does not allow it to sign revocation lists (cRLSign)");
                why.get_or_insert(Reason::new("crl_issuer_untrusted", text));
                continue;
            }
            if !self.budget.spend_signature() {
                let text = "too many signatures of revocation lists were looked at";
                return Err(Reason::new("path_budget", text));
            }
            if crl.verify(candidate, request.limits).is_err() {
                let text = format!("no key of \"{who}\" that is at hand signed its revocation list");
                why.get_or_insert(Reason::new("crl_signature_invalid", text));
                continue;
            }
            if candidate == issuer {
                return Ok(candidate.clone());
            }
            match self.vouched_for(candidate) {
                Ok(()) => return Ok(candidate.clone()),
                Err(reason) => why = Some(reason),
            }
        }
        Err(why.unwrap_or_else(|| {
            let text = format!("the certificate of \"{who}\", which signed a revocation list, is not there");
            Reason::new("crl_issuer_untrusted", text)
        }))
    }

    /// The newest delta that continues a list (RFC 5280 section 5.2.4).
    fn delta(&mut self, complete: &Crl, signer: &Certificate) -> Option<Crl> {
        let number = complete.number()?;
        let data = self.request.revocation.iter();
        let mut deltas: Vec<Crl> = data
            .flat_map(|data| data.crls_of(complete.issuer()))
            .filter(|delta| {
                let base = delta.delta_base().is_some_and(|base| order(base, number).is_le());
                base && delta.number().is_some_and(|newer| order(newer, number).is_ge())
                    && delta.scope() == complete.scope()
                    && delta.authority_key() == complete.authority_key()
            })
            .cloned()
            .collect();
        deltas.sort_by_key(|delta| std::cmp::Reverse(age(delta)));
        deltas.into_iter().find(|delta| {
            self.usable(delta).is_ok()
                && self.budget.spend_signature()
                && delta.verify(signer, self.request.limits).is_ok()
        })
    }
}

/// For which reasons a list covers a certificate by one of its distribution points; `None` where it does not
/// (RFC 5280 section 6.3.3 (b) and (d)).
fn scope_of(crl: &Crl, point: &DistributionPoint, certificate: &Certificate) -> Option<ReasonFlags> {
    let scope = crl.scope();
    if point.issuer.is_empty() {
        if !crl.issuer().same(certificate.issuer()) {
            return None;
        }
    } else {
        let named = directory_names(&point.issuer).into_iter().any(|name| name.same(crl.issuer()));
        if !named || !scope.is_some_and(|scope| scope.indirect) {
            return None;
        }
    }
    let reasons = point.reasons.unwrap_or(ReasonFlags::ALL);
    let Some(scope) = scope else { return Some(reasons) };
    if let Some(published) = &scope.name {
        let published = published.names(crl.issuer());
        let asked = match &point.name {
            Some(name) => {
                let base = directory_names(&point.issuer).into_iter().next().unwrap_or(certificate.issuer()).clone();
                name.names(&base)
            }
            None => point.issuer.clone(),
        };
        if !asked.iter().any(|name| published.iter().any(|other| same_name(name, other))) {
            return None;
        }
    }
    let is_ca = certificate.basic_constraints().is_some_and(|constraints| constraints.ca);
    match scope.scope {
        Scope::All => {}
        Scope::Users if !is_ca => {}
        Scope::Authorities if is_ca => {}
        _ => return None,
    }
    Some(reasons.both(scope.reasons.unwrap_or(ReasonFlags::ALL)))
}

fn directory_names(names: &[GeneralName]) -> Vec<&Name> {
    let directory = names.iter().filter_map(|name| match name {
        GeneralName::Directory(name) => Some(name),
        _ => None,
    });
    directory.collect()
}

/// Names of distribution points: directory names by their meaning, all others byte for byte (SEC-119).
fn same_name(a: &GeneralName, b: &GeneralName) -> bool {
    match (a, b) {
        (GeneralName::Directory(a), GeneralName::Directory(b)) => a.same(b),
        (a, b) => a == b,
    }
}

fn find(crl: &Crl, certificate: &Certificate) -> Result<Option<RevokedEntry>, Reason> {
    crl.find(certificate).map_err(|error| {
        let (who, serial) = (crl.issuer().brief(), certificate.serial_hex());
        let text =
            format!("the entry of certificate {serial} in the revocation list of \"{who}\" is unreadable: {error}");
        Reason::new("crl_unusable", text)
    })
}

/// Newer lists have greater ages of this kind: by number, then by date (SEC-116).
fn age(crl: &Crl) -> (Option<crate::base::time::Time>, usize, Vec<u8>) {
    let number = crl.number().unwrap_or_default();
    (crl.this_update(), number.len(), number.to_vec())
}

/// Big-endian numbers without leading zeros.
fn order(a: &[u8], b: &[u8]) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
