//! Asking OCSP responses (RFC 6960 section 3.2; SEC-117).

use super::{Examiner, RevocationStatus};
use crate::asn1::oid;
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cert::chain::leaf_faults;
use crate::cert::extension::KeyUsage;
use crate::cert::ocsp::{OcspAnswer, OcspResponse, OcspStatus};
use crate::crypto::strength;

impl Examiner<'_> {
    /// The status by OCSP responses; `None` where none answers, and then `whys` says why.
    pub(super) fn ask_responses(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        whys: &mut Vec<Reason>,
    ) -> Option<RevocationStatus> {
        let mut found: Option<RevocationStatus> = None;
        let request = self.request;
        for data in request.revocation {
            for response in data.responses() {
                let about: Vec<&OcspAnswer> =
                    response.answers().iter().filter(|answer| answer.about.is(certificate, issuer)).collect();
                if about.is_empty() {
                    continue;
                }
                if let Err(why) = self.judge_response(response, data.nonce.as_deref(), issuer) {
                    whys.push(why);
                    continue;
                }
                for answer in about {
                    match self.judge_answer(answer, certificate) {
                        Ok(status @ RevocationStatus::Revoked { .. }) => return Some(status),
                        Ok(status) => found = Some(status),
                        Err(why) => whys.push(why),
                    }
                }
            }
        }
        found
    }

    /// Whether a response is sound, fresh, and of somebody who may answer for the issuer.
    fn judge_response(
        &mut self,
        response: &OcspResponse,
        nonce: Option<&[u8]>,
        issuer: &Certificate,
    ) -> Result<(), Reason> {
        if let Some(fault) = response.faults().first() {
            return Err(Reason::new("ocsp_unusable", format!("the OCSP response cannot be used: {}", fault.text)));
        }
        if let (Some(sent), Some(got)) = (nonce, response.nonce())
            && sent != got
        {
            return Err(Reason::new(
                "ocsp_nonce_mismatch",
                "the OCSP response answers another request: its nonce differs",
            ));
        }
        let by = issuer.subject().brief();
        let mut candidates: Vec<&Certificate> = Vec::new();
        candidates.extend(Some(issuer).filter(|issuer| response.responder().is(issuer)));
        candidates.extend(response.certificates().iter().filter(|one| response.responder().is(one)));
        let mut why = Reason::new(
            "ocsp_unauthorized",
            format!("the certificate of the OCSP responder that answers for \"{by}\" is not there"),
        );
        for candidate in candidates {
            if candidate != issuer
                && let Err(reason) = self.delegated(candidate, issuer)
            {
                why = reason;
                continue;
            }
            if !self.budget.spend_signature() {
                return Err(Reason::new("path_budget", "too many signatures of OCSP responses were looked at"));
            }
            match response.verify(candidate, self.request.limits) {
                Ok(()) => {
                    let weak = response.scheme().and_then(|scheme| strength::scheme_weakness(&scheme));
                    self.notes.extend(weak.map(|weak| {
                        Reason::new("revocation_weak_digest", format!("the OCSP response: {}", weak.text))
                    }));
                    return Ok(());
                }
                Err(error) => {
                    let text = format!("the OCSP response was altered, or not signed by who it says: {error}");
                    why = Reason::new("ocsp_signature_invalid", text);
                }
            }
        }
        Err(why)
    }

    /// Whether the issuer itself authorized a responder (RFC 6960 section 4.2.2.2).
    fn delegated(&mut self, responder: &Certificate, issuer: &Certificate) -> Result<(), Reason> {
        let (who, by) = (responder.subject().brief(), issuer.subject().brief());
        let against = |why: String| {
            let text = format!("the OCSP responder \"{who}\" may not answer for \"{by}\": {why}");
            Err(Reason::new("ocsp_unauthorized", text))
        };
        if !responder.issuer().same(issuer.subject()) {
            return against(format!("its certificate was issued by \"{}\"", responder.issuer().brief()));
        }
        if !responder.extended_key_usage().is_some_and(|usages| usages.contains(&oid::OCSP_SIGNING)) {
            return against("its extKeyUsage does not say OCSPSigning".to_owned());
        }
        if responder
            .key_usage()
            .is_some_and(|usage| !usage.any_of(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::NON_REPUDIATION)))
        {
            return against("its keyUsage does not say digitalSignature".to_owned());
        }
        if let Some(reason) = leaf_faults(responder, self.request.at).into_iter().next() {
            return against(reason.text);
        }
        if !self.budget.spend_signature() {
            return against("too many signatures were looked at".to_owned());
        }
        if let Err(error) = responder.signed_by(issuer, self.request.limits) {
            return against(format!("that CA did not sign its certificate ({error})"));
        }
        if responder.extension(&oid::OCSP_NOCHECK).is_none() {
            let text =
                format!("whether the certificate of the OCSP responder \"{who}\" itself is revoked was not asked");
            self.notes.push(Reason::new("ocsp_responder_unchecked", text));
        }
        Ok(())
    }

    /// What a current answer says.
    fn judge_answer(&self, answer: &OcspAnswer, certificate: &Certificate) -> Result<RevocationStatus, Reason> {
        let (who, at) = (certificate.subject().brief(), self.request.at);
        if let Some(reason) = &answer.unusable {
            return Err(reason.clone());
        }
        // Responders' clocks go a little fast at times; five minutes are what others allow.
        if at.plus(300) < answer.this_update {
            let text =
                format!("the OCSP response about \"{who}\" is of {}; it is asked about {at}", answer.this_update);
            return Err(Reason::new("ocsp_not_yet_valid", text));
        }
        match answer.next_update {
            Some(until) if at > until => {
                let text = format!("the OCSP response about \"{who}\" held until {until}; it is asked about {at}");
                return Err(Reason::new("ocsp_expired", text));
            }
            // A revocation stays one; "good" without an end could be of any day.
            None if answer.status == OcspStatus::Good && at > answer.this_update.plus(86_400) => {
                let text = format!(
                    "the OCSP response about \"{who}\" is of {} and does not say until when it holds",
                    answer.this_update
                );
                return Err(Reason::new("ocsp_expired", text));
            }
            _ => {}
        }
        match answer.status {
            OcspStatus::Good => Ok(RevocationStatus::Good),
            OcspStatus::Revoked { at, reason } => Ok(RevocationStatus::Revoked { at, reason }),
            OcspStatus::Unknown => {
                let text = format!("the OCSP responder does not know the certificate of \"{who}\"");
                Err(Reason::new("ocsp_unknown", text))
            }
        }
    }
}
