//! When a signature was made, as far as somebody else than its signer says so: the timestamps that it bears, judged.
//! (design.md, time kept honest: there is now, what is claimed, and what is evidenced.)

use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use crate::cert::chain::{self, ChainOutcome, ChainRequest, ChainVerdict, Trust};
use crate::cert::purpose::Purpose;
use crate::cms::signer_info::SignerInfo;
use crate::cms::timestamp::{self, Timestamp};
use crate::policy::policy::Policy;

/// What is known of the time of a signature beside its signer's claim.
#[derive(Clone, Debug)]
pub(super) enum Evidence {
    /// It bears no timestamp.
    None,
    /// A trusted authority says that it existed by `time`.
    Verified {
        /// genTime and accuracy of the earliest such timestamp together, rounded up to the second.
        time: Time,
        /// The certificate of that authority.
        authority: Certificate,
        /// What does not decide: weak algorithms on the way (codes that begin with `weak_`), and what is odd.
        notes: Vec<Reason>,
    },
    /// It bears timestamps, and none counts.
    Rejected(Vec<Reason>),
}

/// Judges the timestamps of a signer; the earliest that holds counts. `certificates` are those of the message, for
/// tokens that come without their authority's.
///
/// The chain of the authority must hold both when it stamped and now. A chain that has expired since proves nothing any
/// more: whoever gets hold of an old key stamps any time with it, so RFC 3161 section 4 has tokens stamped again.
///
/// Reason codes: those of [`timestamp::verify`]; `timestamp_in_future`; `timestamp_untrusted`, with those of
/// [`chain::build`] after it; `too_many_timestamps`.
pub(super) fn evidence(
    signer: &SignerInfo,
    certificates: &[Certificate],
    trust: &Trust,
    now: Time,
    policy: &Policy,
) -> Evidence {
    let known = [certificates, trust.intermediates(), trust.anchors()];
    let mut verified: Option<(Timestamp, Vec<Reason>)> = None;
    let mut reasons = Vec::new();
    let mut count = 0;
    for token in timestamp::tokens(signer) {
        count += 1;
        if count > policy.limits.timestamps {
            continue;
        }
        let judged = timestamp::verify(token, &signer.signature, &known, &policy.limits)
            .map_err(|reason| vec![reason])
            .and_then(|stamp| Ok((judge(&stamp, certificates, trust, now, policy)?, stamp)));
        match judged {
            Ok((notes, stamp)) => {
                if verified.as_ref().is_none_or(|(earliest, _)| stamp.time < earliest.time) {
                    verified = Some((stamp, notes));
                }
            }
            Err(against) => reasons.extend(against),
        }
    }
    let most = policy.limits.timestamps;
    let too_many = (count > most).then(|| {
        Reason::new(
            "too_many_timestamps",
            format!("the signature bears {count} timestamps; {most} of them were judged"),
        )
    });
    match verified {
        Some((stamp, notes)) => {
            let notes = [stamp.notes, notes, Vec::from_iter(too_many)].concat();
            Evidence::Verified { time: stamp.time, authority: stamp.certificate, notes }
        }
        None if count == 0 => Evidence::None,
        None => {
            reasons.extend(too_many);
            Evidence::Rejected(reasons)
        }
    }
}

/// Whether the authority of a timestamp is to be trusted. Gives what is odd about its chain.
fn judge(
    stamp: &Timestamp,
    certificates: &[Certificate],
    trust: &Trust,
    now: Time,
    policy: &Policy,
) -> Result<Vec<Reason>, Vec<Reason>> {
    if stamp.generated.time > now {
        let text = format!("the timestamp is of {}, which is after {now}, the time of judging", stamp.generated);
        return Err(vec![Reason::new("timestamp_in_future", text)]);
    }
    let extra: Vec<Certificate> = stamp.certificates.iter().chain(certificates).cloned().collect();
    let build = |at| {
        chain::build(&ChainRequest {
            extra: &extra,
            purpose: Purpose::TimeStamp,
            rule: &policy.purpose_rule,
            ..ChainRequest::new(&stamp.certificate, trust, at, &policy.limits)
        })
    };
    anchored(stamp, build(stamp.generated.time), stamp.generated.time)?;
    Ok(anchored(stamp, build(now), now)?.notes)
}

fn anchored(stamp: &Timestamp, outcome: ChainOutcome, at: Time) -> Result<ChainOutcome, Vec<Reason>> {
    if outcome.verdict == ChainVerdict::Anchored {
        return Ok(outcome);
    }
    let who = stamp.certificate.subject().brief();
    let text = format!("the timestamp of {} by \"{who}\" is not trusted, judged at {at}", stamp.generated);
    let mut reasons = vec![Reason::new("timestamp_untrusted", text)];
    reasons.extend(outcome.reasons);
    Err(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::oid;
    use crate::cms::timestamp::tests::{Authority, stamped};
    use const_oid::ObjectIdentifier;

    const SIGNATURE: &[u8] = b"the octets of a signature";
    const NOW: &str = "2027-01-01T00:00:00Z";

    fn judged(tokens: &[Vec<u8>], trust: &Trust, now: &str) -> Evidence {
        evidence(&stamped(SIGNATURE, tokens), &[], trust, now.parse().unwrap(), &Policy::default())
    }

    fn codes(evidence: &Evidence) -> Vec<&'static str> {
        match evidence {
            Evidence::Rejected(reasons) => reasons.iter().map(|reason| reason.code).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn time(evidence: &Evidence) -> String {
        match evidence {
            Evidence::Verified { time, .. } => time.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_trusted_authority_says_when() {
        let authority = Authority::usual();
        let trust = Trust::new([authority.root.clone()]);
        let token = authority.stamp(SIGNATURE, "20261124080000");
        let Evidence::Verified { time, authority: by, notes } = judged(&[token], &trust, NOW) else { panic!() };
        assert_eq!((time.to_string().as_str(), &by), ("2026-11-24T08:00:02Z", &authority.certificate));
        assert!(notes.is_empty(), "{notes:?}");
        assert!(matches!(judged(&[], &trust, NOW), Evidence::None));
    }

    #[test]
    fn an_authority_that_nobody_trusts_says_nothing() {
        let [authority, other] = [(); 2].map(|()| Authority::usual());
        let token = authority.stamp(SIGNATURE, "20261124080000");
        let rejected = judged(std::slice::from_ref(&token), &Trust::new([other.root]), NOW);
        assert_eq!(codes(&rejected).first(), Some(&"timestamp_untrusted"));
        assert!(codes(&rejected).len() > 1, "{rejected:?}");
        assert_eq!(codes(&judged(&[token], &Trust::default(), NOW)), ["timestamp_untrusted", "no_anchors"]);
    }

    #[test]
    fn the_certificate_of_the_authority_may_come_from_the_message_or_the_caller() {
        let authority = Authority::usual();
        let signer = stamped(SIGNATURE, &[authority.stamp_with(SIGNATURE, "20261124080000", Vec::new())]);
        let (now, policy) = (NOW.parse().unwrap(), Policy::default());
        let (trust, own) = (Trust::new([authority.root.clone()]), [authority.certificate.clone()]);
        assert_eq!(codes(&evidence(&signer, &[], &trust, now, &policy)), ["timestamp_signer_missing"]);
        assert_eq!(time(&evidence(&signer, &own, &trust, now, &policy)), "2026-11-24T08:00:02Z");
        let trust = trust.with_intermediates(own);
        assert_eq!(time(&evidence(&signer, &[], &trust, now, &policy)), "2026-11-24T08:00:02Z");
    }

    #[test]
    fn the_earliest_that_holds_counts_and_the_others_harm_nothing() {
        let [authority, stranger] = [(); 2].map(|()| Authority::usual());
        let trust = Trust::new([authority.root.clone()]);
        let tokens = [
            authority.stamp(SIGNATURE, "20261124080000"),
            authority.stamp(SIGNATURE, "20261123080000"),
            stranger.stamp(SIGNATURE, "20261122080000"),
            authority.stamp(b"another signature", "20261121080000"),
        ];
        assert_eq!(time(&judged(&tokens, &trust, NOW)), "2026-11-23T08:00:02Z");
        let rejected = judged(&tokens[2..], &trust, NOW);
        assert_eq!(codes(&rejected).last(), Some(&"timestamp_imprint_mismatch"), "{rejected:?}");
        assert_eq!(codes(&rejected).first(), Some(&"timestamp_untrusted"), "{rejected:?}");
    }

    #[test]
    fn sec_039_of_many_timestamps_few_are_judged() {
        let authority = Authority::usual();
        let trust = Trust::new([authority.root.clone()]);
        let mut tokens = vec![authority.stamp(b"another signature", "20261124080000"); 4];
        tokens.push(authority.stamp(SIGNATURE, "20261124080000"));
        let rejected = judged(&tokens, &trust, NOW);
        assert_eq!(codes(&rejected).len(), 5);
        assert_eq!(codes(&rejected).last(), Some(&"too_many_timestamps"));
        tokens.rotate_right(1);
        let Evidence::Verified { notes, .. } = judged(&tokens, &trust, NOW) else { panic!() };
        assert_eq!(notes.iter().map(|note| note.code).collect::<Vec<_>>(), ["too_many_timestamps"]);
    }

    #[test]
    fn the_chain_holds_when_it_was_stamped_and_still_now() {
        let validity = ("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z");
        let authority = Authority::new(validity, &[oid::TIME_STAMPING], true);
        let trust = Trust::new([authority.root.clone()]);
        let judged = |gen_time, now| judged(&[authority.stamp(SIGNATURE, gen_time)], &trust, now);
        assert_eq!(time(&judged("20260601000000", "2026-12-01T00:00:00Z")), "2026-06-01T00:00:02Z");
        let rows = [
            ("20251231000000", "2026-12-01T00:00:00Z", "certificate_not_yet_valid"),
            ("20260601000000", "2027-06-01T00:00:00Z", "certificate_expired"),
            ("20270101000000", "2027-06-01T00:00:00Z", "certificate_expired"),
        ];
        for (gen_time, now, code) in rows {
            let rejected = judged(gen_time, now);
            assert_eq!(codes(&rejected), ["timestamp_untrusted", code], "{gen_time} {now}");
        }
        assert_eq!(codes(&judged("20261202000000", "2026-12-01T00:00:00Z")), ["timestamp_in_future"]);
        assert_eq!(time(&judged("20261201000000", "2026-12-01T00:00:00Z")), "2026-12-01T00:00:02Z");
    }

    #[test]
    fn a_certificate_that_is_not_for_timestamps_alone_makes_none() {
        let years = ("2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z");
        let rows: [(&[ObjectIdentifier], bool, &str); 4] = [
            (&[oid::TIME_STAMPING], false, "extended_key_usage_not_critical"),
            (&[oid::TIME_STAMPING, oid::EMAIL_PROTECTION], true, "extended_key_usage"),
            (&[oid::EMAIL_PROTECTION], true, "extended_key_usage"),
            (&[oid::ANY_EXTENDED_KEY_USAGE], true, "extended_key_usage"),
        ];
        for (usages, critical, code) in rows {
            let authority = Authority::new(years, usages, critical);
            let trust = Trust::new([authority.root.clone()]);
            let rejected = judged(&[authority.stamp(SIGNATURE, "20261124080000")], &trust, NOW);
            assert_eq!(codes(&rejected), ["timestamp_untrusted", code], "{usages:?}");
        }
    }
}
