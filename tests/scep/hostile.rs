//! Servers that lie, and whoever stands between.

use super::{complete, contents, enrolment, session};
use crate::common::people::now;
use crate::common::scep_server::{Fault, Party, ScepServer, rsa_key};
use smime::crypto::private::PrivateKey;
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::KeyKind;
use smime::fetch::scep::Error;
use smime::fetch::scep::authority::Authority;
use smime::fetch::scep::client::Enrolment;
use smime::{Limits, cms};
use std::time::{Duration, Instant};

fn against(fault: Fault) -> String {
    let server = ScepServer::start(|manner| manner.fault = fault);
    let error = complete(&session(&server).unwrap(), &enrolment(), 3).unwrap_err();
    // One request, and nothing after what is not believed.
    assert_eq!(server.server.requests().len(), 3, "{fault:?}");
    error.to_string()
}

#[test]
fn out_124_every_reply_is_held_against_the_request() {
    for (fault, why) in [
        (Fault::Nonce, "recipientNonce is not the one that was sent"),
        (Fault::Transaction, "transactionID is that of another request"),
        (Fault::Unsigned, "one signature"),
        (Fault::ForeignSigner, "the reply is not to be believed"),
        (Fault::Altered, "the signature does not fit"),
        (Fault::MessageType, "no CertRep"),
        (Fault::Status, "pkiStatus is none that there is"),
        (Fault::StatusTwice, "pkiStatus stands there more than once"),
        (Fault::Envelope, "does not decrypt"),
        (Fault::Rc2, "encrypted with rc2"),
        (Fault::OtherKey, "holds 3 certificates, and none is for the key of the request"),
        (Fault::Garbage, "malformed CMS"),
    ] {
        let said = against(fault);
        assert!(said.contains(why), "{fault:?}: {said}");
    }
}

#[test]
fn out_124_a_server_that_stalls_costs_no_more_than_its_time() {
    let server = ScepServer::start(|manner| manner.fault = Fault::Stalled);
    let known = session(&server).unwrap();
    let begun = Instant::now();
    let error = complete(&known, &enrolment(), 3).unwrap_err();
    assert!(matches!(&error, Error::Http { operation: "PKIOperation", .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[test]
fn a_server_without_capabilities_is_not_taken_for_one_of_the_past() {
    let server = ScepServer::start(|manner| manner.capabilities = None);
    let error = session(&server).unwrap_err();
    assert!(matches!(&error, Error::Http { operation: "GetCACaps", .. }), "{error}");
}

#[test]
fn only_rsa_keys_of_a_good_size_are_asked_for() {
    let curve = PrivateKey::generate(KeyKind::P256, 0).unwrap();
    let refused = Enrolment::first(contents(), curve, now(), &mut SystemRandom).unwrap_err();
    assert!(matches!(refused, Error::KeyKind(_)), "{refused}");
    let odd = PrivateKey::generate(KeyKind::Rsa, 2056).unwrap();
    let refused = Enrolment::first(contents(), odd, now(), &mut SystemRandom).unwrap_err();
    assert!(matches!(refused, Error::KeySize(2056)), "{refused}");
}

#[test]
fn an_authority_is_a_ca_that_is_valid_now() {
    let limits = Limits::default();
    let ca = Party::root("SCEP CA", rsa_key(0));
    let leaf = ca.below("Alice", rsa_key(1), |_| {});
    let confirm = |party: &Party, at| {
        Authority::confirm(
            std::slice::from_ref(&party.certificate),
            &[party.fingerprint().parse().unwrap()],
            at,
            &limits,
        )
    };
    assert!(confirm(&ca, now()).is_ok());
    assert!(matches!(confirm(&leaf, now()), Err(Error::Authority(_))));
    assert!(matches!(confirm(&ca, ca.certificate.not_after().plus(1)), Err(Error::Authority(_))));
    // A root confirms the CA below it, and that one issues.
    let below = Party {
        certificate: ca
            .below("Issuing CA", rsa_key(2), |template| *template = template.clone().for_authority(Some(0)))
            .certificate,
        key: rsa_key(2),
    };
    let both = [ca.certificate.clone(), below.certificate.clone()];
    let known = Authority::confirm(&both, &[ca.fingerprint().parse().unwrap()], now(), &limits).unwrap();
    assert_eq!((known.issuer(), known.encryption()), (&below.certificate, &below.certificate));
    // A CA of the same name by another key is not below it.
    let stranger = Party::root("SCEP CA", rsa_key(3));
    let forged = stranger.below("Issuing CA", rsa_key(2), |template| *template = template.clone().for_authority(None));
    let both = [ca.certificate.clone(), forged.certificate];
    let known = Authority::confirm(&both, &[ca.fingerprint().parse().unwrap()], now(), &limits).unwrap();
    assert_eq!(known.certificates(), std::slice::from_ref(&ca.certificate));
}

#[test]
fn errors_of_the_structure_are_told_apart_from_lies() {
    let server = ScepServer::start(|manner| manner.fault = Fault::Garbage);
    let error = complete(&session(&server).unwrap(), &enrolment(), 0).unwrap_err();
    assert!(matches!(error, Error::Cms(cms::Error::Malformed(_))), "{error}");
}
