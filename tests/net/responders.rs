//! OCSP over HTTP: nonces, POST and GET, and what is tried first.

use crate::common::http_server::{Server, access_at, lists_at, not_found, ok};
use crate::common::lists::{List, Response, Says};
use crate::common::people::Authority;
use crate::{fetcher, judge};
use smime::Certificate;
use smime::asn1::oid;
use smime::fetch::cache::Cache;
use smime::fetch::revocation::{First, Nonces, Source};
use std::sync::{Arc, OnceLock};

/// A responder that answers for one certificate, with or without the nonce that it was sent.
fn responder(echo: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) -> (Arc<Authority>, Certificate, Server) {
    let root = Arc::new(Authority::root("Root"));
    let leaf: Arc<OnceLock<Certificate>> = Arc::default();
    let (by, about) = (Arc::clone(&root), Arc::clone(&leaf));
    let server = Server::start(move |request, exchange| {
        if request.method == "GET" {
            exchange.send(&not_found());
            return;
        }
        // The nonce is the last thing in a request.
        let sent = request.body.len().checked_sub(32).map(|at| &request.body[at..]).unwrap_or_default();
        let mut response = Response::about(about.get().unwrap(), &by, Says::Good);
        response.nonce = echo(sent);
        exchange.send(&ok(&response.der()));
    });
    let made = root.user("Alice", |t| access_at(t, &oid::AD_OCSP, &[&server.url("/ocsp")]));
    leaf.set(made.clone()).unwrap();
    (root, made, server)
}

#[test]
fn sec_138_a_response_to_another_request_is_not_taken() {
    type Echo = fn(&[u8]) -> Option<Vec<u8>>;
    let rows: [(Echo, Nonces, u8); 6] = [
        (|sent| Some(sent.to_vec()), Nonces::Sent, 1),
        (|_| None, Nonces::Sent, 1),
        (|_| Some(vec![7; 32]), Nonces::Sent, 16),
        (|sent| Some(sent.to_vec()), Nonces::Demanded, 1),
        (|_| None, Nonces::Demanded, 16),
        (|_| None, Nonces::Off, 1),
    ];
    for (row, (echo, nonces, expected)) in rows.into_iter().enumerate() {
        let (root, leaf, server) = responder(echo);
        let folder = tempfile::tempdir().unwrap();
        let fetcher = fetcher().with_nonces(nonces).with_cache(Cache::open(folder.path()).unwrap());
        let (outcome, fetched, status) = judge(&fetcher, &leaf, &[], &root.trust());
        assert_eq!(status, expected, "row {row}: {:?} {:?}", outcome.revocation_reasons(), fetched.asked);
        let requests = server.requests();
        assert_eq!((requests.len(), requests[0].method.as_str()), (1, "POST"));
        assert!(requests[0].body.len() > 32 && (nonces == Nonces::Off) == (requests[0].body.len() < 90));
        // What was found to be right serves again, and what was not does not.
        let again = judge(&fetcher, &leaf, &[], &root.trust()).1;
        assert_eq!(again.asked[0].outcome.clone().ok() == Some(Source::Cache), expected == 1, "row {row}");
    }
}

#[test]
fn a_responder_that_takes_no_post_is_asked_by_get() {
    let root = Arc::new(Authority::root("Root"));
    let leaf: Arc<OnceLock<Certificate>> = Arc::default();
    let (by, about) = (Arc::clone(&root), Arc::clone(&leaf));
    let server = Server::start(move |request, exchange| {
        let answer = match request.method.as_str() {
            "GET" => ok(&Response::about(about.get().unwrap(), &by, Says::Revoked).der()),
            _ => b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n".to_vec(),
        };
        exchange.send(&answer);
    });
    let made = root.user("Alice", |t| access_at(t, &oid::AD_OCSP, &[&server.url("/ocsp/")]));
    leaf.set(made.clone()).unwrap();
    assert_eq!(judge(&fetcher(), &made, &[], &root.trust()).2, 13);
    let get = &server.requests()[1];
    assert!(get.target.starts_with("/ocsp/M") && !get.target[6..].contains(['/', '+', '=']), "{}", get.target);
}

#[test]
fn what_is_tried_first_is_a_choice() {
    let root = Arc::new(Authority::root("Root"));
    let leaf: Arc<OnceLock<Certificate>> = Arc::default();
    let (by, about) = (Arc::clone(&root), Arc::clone(&leaf));
    let server = Server::start(move |request, exchange| {
        let body = match request.target.as_str() {
            "/root.crl" => List::default().signed(&by),
            _ => Response::about(about.get().unwrap(), &by, Says::Good).der(),
        };
        exchange.send(&ok(&body));
    });
    let made = root.user("Alice", |t| {
        lists_at(t, &[&server.url("/root.crl")]);
        access_at(t, &oid::AD_OCSP, &[&server.url("/ocsp")]);
    });
    leaf.set(made.clone()).unwrap();
    for first in [First::Lists, First::Responses] {
        assert_eq!(judge(&fetcher().with_first(first), &made, &[], &root.trust()).2, 1);
    }
    assert_eq!(server.targets(), ["/root.crl", "/ocsp"]);
}
