//! Revocation and issuers from the network: what is fetched, in which order, what it changes in the answer, and when nobody
//! is asked.

#![cfg(feature = "net")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

#[path = "net/bad_servers.rs"]
mod bad_servers;
#[path = "net/openssl.rs"]
mod openssl;
#[cfg(feature = "cli")]
#[path = "net/program.rs"]
mod program;
#[path = "net/responders.rs"]
mod responders;

use common::http_server::{Panics, Server, access_at, connector, lists_at, not_found, ok, refused_port};
use common::lists::List;
use common::people::{Authority, now};
use smime::asn1::oid;
use smime::cert::chain::{ChainOutcome, ChainRequest};
use smime::cert::publication::obstacles;
use smime::cert::purpose::Purpose;
use smime::cert::revocation::RevocationStatus;
use smime::cert::status::ValidationStatus;
use smime::fetch::cache::Cache;
use smime::fetch::connect::{Addresses, Connector, Timeouts};
use smime::fetch::revocation::{Fetched, Fetcher, Source};
use smime::store::p7c;
use smime::{
    Certificate, Identity, Limits, Message, Opener, Policy, Requirement, RevocationData, RevocationMode, Signer, Trust,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) fn brief() -> Timeouts {
    let mut timeouts = Timeouts::default();
    [timeouts.connect, timeouts.first_byte, timeouts.exchange, timeouts.judgement] =
        [400, 400, 800, 1500].map(Duration::from_millis);
    timeouts
}

pub(crate) fn fetcher() -> Fetcher {
    Fetcher::new(connector(Timeouts::default()))
}

/// The chain of a certificate with all that it lacks fetched, and ActiveSync's number for it.
pub(crate) fn judge(
    fetcher: &Fetcher,
    leaf: &Certificate,
    extra: &[Certificate],
    trust: &Trust,
) -> (ChainOutcome, Fetched, u8) {
    let limits = Limits::default();
    let nothing = RevocationData::default();
    let request = ChainRequest {
        extra,
        purpose: Purpose::Sign,
        revocation: &[&nothing],
        ..ChainRequest::new(leaf, trust, now(), &limits)
    };
    let (outcome, fetched) = fetcher.build(&request);
    let status = ValidationStatus::of(&request, &outcome, RevocationMode::Hard).number();
    (outcome, fetched, status)
}

/// Codes of why the status is not known.
pub(crate) fn unknown(outcome: &ChainOutcome) -> Vec<&'static str> {
    match outcome.revocation() {
        RevocationStatus::Unknown(whys) => whys.iter().map(|why| why.code).collect(),
        other => panic!("{other:?} {:?}", outcome.reasons),
    }
}

/// A root, a certificate whose list is at an address, and a server that has that list.
fn published(list: impl FnOnce(&Certificate) -> List) -> (Authority, Certificate, Server) {
    let root = Authority::root("Root");
    let (server, shelf) = shelf();
    let leaf = root.user("Alice", |t| lists_at(t, &[&server.url("/root.crl")]));
    shelf.lock().unwrap().push(("/root.crl", list(&leaf).signed(&root)));
    (root, leaf, server)
}

type Shelf = Arc<std::sync::Mutex<Vec<(&'static str, Vec<u8>)>>>;

/// A server whose files can be changed while it runs.
fn shelf() -> (Server, Shelf) {
    let shelf: Shelf = Arc::default();
    let files = Arc::clone(&shelf);
    let server = Server::start(move |request, exchange| {
        let files = files.lock().unwrap();
        let file = files.iter().find(|(path, _)| *path == request.target);
        exchange.send(&file.map_or_else(not_found, |(_, bytes)| ok(bytes)));
    });
    (server, shelf)
}

#[test]
fn out_023_every_certificate_but_the_root_is_looked_up() {
    let root = Authority::root("Root");
    let (server, shelf) = shelf();
    let issuing = root.authority("Issuing", |t| lists_at(t, &[&server.url("/root.crl")]));
    let leaf = issuing.user("Alice", |t| lists_at(t, &[&server.url("/issuing.crl")]));
    let extra = [issuing.certificate.clone()];
    let put = |root_list: List, issuing_list: List| {
        *shelf.lock().unwrap() =
            vec![("/root.crl", root_list.signed(&root)), ("/issuing.crl", issuing_list.signed(&issuing))];
        judge(&fetcher(), &leaf, &extra, &root.trust())
    };
    let (outcome, fetched, status) = put(List::default(), List::default());
    assert_eq!((outcome.statuses.len(), status), (2, 1), "{:?}", outcome.revocation_reasons());
    assert_eq!(fetched.asked.len(), 2);
    // OUT-26: 13 for the certificate, 15 for one above it.
    assert_eq!(put(List::default(), List::of(&leaf)).2, 13);
    assert_eq!(put(List::of(&issuing.certificate), List::default()).2, 15);
    assert_eq!(put(List::of(&issuing.certificate), List::of(&leaf)).2, 13);
    assert_eq!(judge(&fetcher(), &leaf, &extra, &Authority::root("Other").trust()).2, 4);
}

#[test]
fn out_024_what_cannot_be_fetched_is_not_good() {
    let root = Authority::root("Root");
    let status = |urls: &[&str]| {
        let leaf = root.user("Alice", |t| {
            if !urls.is_empty() {
                lists_at(t, urls);
            }
        });
        let (outcome, fetched, status) = judge(&fetcher(), &leaf, &[], &root.trust());
        assert!(matches!(outcome.revocation(), RevocationStatus::Unknown(_)));
        (status, fetched.asked.len())
    };
    // 14 where nobody answers; 16 where there is nobody to ask, or what is there is of no use.
    assert_eq!(status(&[&format!("http://lists.example.com:{}/a.crl", refused_port())]), (14, 1));
    assert_eq!(status(&["http://no-such-host.example.com/a.crl"]), (14, 1));
    assert_eq!(status(&[]), (16, 0));
    assert_eq!(status(&["ldap://lists.example.com/cn=a?b"]), (16, 1));
    let stale = List { this_update: now().plus(-90_000), next_update: Some(now().plus(-1)), ..List::default() };
    let (root, leaf, _server) = published(|_| stale);
    assert_eq!(judge(&fetcher(), &leaf, &[], &root.trust()).2, 16);
}

#[test]
fn out_022_an_issuer_comes_from_where_the_certificate_says() {
    let root = Authority::root("Root");
    let (server, shelf) = shelf();
    let upper = root.authority("Upper", |t| lists_at(t, &[&server.url("/root.crl")]));
    let lower = upper.authority("Lower", |t| {
        access_at(t, &oid::AD_CA_ISSUERS, &[&server.url("/upper.p7c")]);
        lists_at(t, &[&server.url("/upper.crl")]);
    });
    let leaf = lower.user("Alice", |t| {
        access_at(
            t,
            &oid::AD_CA_ISSUERS,
            &[&server.url("/nothing"), &server.url("/wrong.cer"), &server.url("/lower.cer")],
        );
        lists_at(t, &[&server.url("/lower.crl")]);
    });
    let namesake = Authority::root("Lower");
    *shelf.lock().unwrap() = vec![
        ("/root.crl", List::default().signed(&root)),
        ("/upper.crl", List::default().signed(&upper)),
        ("/lower.crl", List::default().signed(&lower)),
        ("/lower.cer", lower.certificate.der().to_vec()),
        ("/upper.p7c", p7c::write(&[namesake.certificate.clone(), upper.certificate.clone()], &[])),
        ("/wrong.cer", namesake.certificate.der().to_vec()),
    ];
    let folder = tempfile::tempdir().unwrap();
    let cached = fetcher().with_cache(Cache::open(folder.path()).unwrap());
    for (fetcher, from) in [(fetcher(), Source::Network), (cached.clone(), Source::Network), (cached, Source::Cache)] {
        let (outcome, fetched, status) = judge(&fetcher, &leaf, &[], &root.trust());
        assert_eq!(status, 1, "{:?} {:?}", outcome.reasons, fetched.asked);
        assert_eq!(outcome.path.len(), 4);
        let failed: Vec<_> = fetched.asked.iter().filter_map(|asked| asked.outcome.as_ref().err()).collect();
        assert_eq!(failed.iter().map(|why| why.code).collect::<Vec<_>>(), ["fetch_failed", "fetch_unusable"]);
        assert!(failed[1].text.contains("did not issue"), "{}", failed[1]);
        let sources: Vec<_> = fetched.asked.iter().filter_map(|asked| asked.outcome.as_ref().ok()).collect();
        assert_eq!(sources, [&from; 5], "{:?}", fetched.asked);
    }
    // Nothing that is fetched is trusted: without the root, the chain ends nowhere.
    assert_eq!(judge(&fetcher(), &leaf, &[], &Authority::root("Other").trust()).2, 4);
}

#[test]
fn out_021_what_is_fetched_is_no_anchor() {
    let root = Authority::root("Root");
    let (server, shelf) = shelf();
    let leaf = root.user("Alice", |t| access_at(t, &oid::AD_CA_ISSUERS, &[&server.url("/root.cer")]));
    shelf.lock().unwrap().push(("/root.cer", root.certificate.der().to_vec()));
    let (outcome, fetched, status) = judge(&fetcher(), &leaf, &[], &Authority::root("Other").trust());
    assert_eq!((status, fetched.issuers.len()), (4, 1), "{:?}", outcome.reasons);
}

#[test]
fn out_145_lists_that_the_world_cannot_fetch_are_noted() {
    let root = Authority::root("Root");
    for (urls, expected) in [
        (&["http://crl.example.com/a"][..], &[][..]),
        (&["ldap://dc/a", "HTTP://crl.example.com/a"], &[]),
        (&["http://crl.corp/a", "http://pki/a", "http://10.0.0.1/a"], &["crl_not_public"; 3]),
        (&["ldap://crl.example.com/a", "https://crl.example.com/a"], &["crl_not_http"; 2]),
        (&[], &["crl_not_published"]),
    ] {
        let leaf = root.user("Alice", |t| lists_at(t, urls));
        let codes: Vec<_> = obstacles(&leaf).iter().map(|why| why.code).collect();
        assert_eq!(codes, expected, "{urls:?}");
    }
}

#[test]
fn sec_131_an_endless_chain_of_issuers_ends() {
    let root = Authority::root("Root");
    let made: Arc<std::sync::OnceLock<Vec<Vec<u8>>>> = Arc::default();
    let shelf = Arc::clone(&made);
    let server = Server::start(move |request, exchange| {
        let number: usize = request.target.trim_start_matches('/').parse().unwrap();
        exchange.send(&ok(&shelf.get().unwrap()[number]));
    });
    let mut chain = vec![Authority::root("0")];
    for number in 0..30 {
        let url = server.url(&format!("/{number}"));
        let below = chain[number].authority(&format!("{}", number + 1), |t| access_at(t, &oid::AD_CA_ISSUERS, &[&url]));
        chain.push(below);
    }
    made.set(chain.iter().map(|one| one.certificate.der().to_vec()).collect()).unwrap();
    let leaf = chain[30].user("Alice", |t| access_at(t, &oid::AD_CA_ISSUERS, &[&server.url("/30")]));
    let (_, fetched, status) = judge(&fetcher(), &leaf, &[], &root.trust());
    assert_ne!(status, 1);
    assert!(fetched.asked.len() <= 12, "{} asked", fetched.asked.len());
}

#[test]
fn out_140_each_address_is_tried_in_its_order_until_one_answers() {
    let (root, other) = (Authority::root("Root"), Authority::root("Root"));
    let (server, shelf) = shelf();
    *shelf.lock().unwrap() = vec![
        ("/html", b"<html>".to_vec()),
        ("/other.crl", List::default().signed(&other)),
        ("/good.crl", List::default().signed(&root)),
        ("/more.crl", List::default().signed(&root)),
    ];
    let paths = ["/gone", "/html", "/other.crl", "/good.crl", "/more.crl"].map(|path| server.url(path));
    let mut urls = vec!["ldap://lists.example.com/x", "https://lists.example.com/x"];
    urls.extend(paths.iter().map(String::as_str));
    let leaf = root.user("Alice", |t| lists_at(t, &urls));
    let (outcome, fetched, status) = judge(&fetcher(), &leaf, &[], &root.trust());
    assert_eq!(status, 1, "{:?}", outcome.revocation_reasons());
    assert_eq!(server.targets(), ["/gone", "/html", "/other.crl", "/good.crl"]);
    let codes: Vec<_> = fetched.asked.iter().map(|asked| asked.outcome.as_ref().map_err(|why| why.code)).collect();
    let network = &Source::Network;
    let expected = [
        Err("fetch_refused"),
        Err("fetch_refused"),
        Err("fetch_failed"),
        Err("fetch_unusable"),
        Ok(network),
        Ok(network),
    ];
    assert_eq!(codes, expected);
    for asked in &fetched.asked {
        assert!(asked.to_string().contains(&asked.url), "{asked}");
    }
}

#[test]
fn out_083_one_slow_list_or_many_are_no_answer() {
    let root = Authority::root("Root");
    let list = List::default().signed(&root);
    let server = Server::start(move |request, exchange| {
        let tenths: u64 = request.target.trim_start_matches('/').split('-').next().unwrap().parse().unwrap();
        std::thread::sleep(Duration::from_millis(tenths * 100));
        exchange.send(&ok(&list));
    });
    let mut timeouts = Timeouts::default();
    [timeouts.first_byte, timeouts.exchange, timeouts.judgement] = [3000, 3000, 3000].map(Duration::from_millis);
    let within = |timeouts: Timeouts, paths: &[&str]| {
        let urls: Vec<String> = paths.iter().map(|path| server.url(path)).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let leaf = root.user("Alice", |t| lists_at(t, &urls));
        let started = Instant::now();
        let (outcome, _, status) = judge(&Fetcher::new(connector(timeouts)), &leaf, &[], &root.trust());
        (status, started.elapsed(), outcome)
    };
    assert_eq!(within(timeouts, &["/1"]).0, 1);
    // One beyond its own time.
    let mut short = timeouts;
    short.exchange = Duration::from_millis(300);
    let (status, took, outcome) = within(short, &["/20"]);
    assert_eq!((status, unknown(&outcome)), (14, vec!["fetch_failed"]));
    assert!(took < Duration::from_secs(2), "{took:?}");
    // Each within its own time, and all together beyond theirs.
    let mut short = timeouts;
    [short.first_byte, short.exchange, short.judgement] = [500, 500, 900].map(Duration::from_millis);
    let (status, took, _) = within(short, &["/20-a", "/20-b", "/20-c", "/20-d", "/20-e", "/20-f"]);
    assert_eq!(status, 14);
    assert!(took < Duration::from_millis(2500), "{took:?}");
}

#[test]
fn out_143_what_was_fetched_serves_until_its_next_update() {
    let (root, leaf, server) = published(|_| List::default());
    let folder = tempfile::tempdir().unwrap();
    let cached = fetcher().with_cache(Cache::open(folder.path()).unwrap());
    assert_eq!(judge(&cached, &leaf, &[], &root.trust()).2, 1);
    assert_eq!(server.connections(), 1);
    // Nobody is asked any more, not even for the address of the name.
    let nobody = Connector::new(brief()).with_resolver(Arc::new(Panics));
    let offline = Fetcher::new(nobody).with_cache(Cache::open(folder.path()).unwrap());
    let (_, fetched, status) = judge(&offline, &leaf, &[], &root.trust());
    assert_eq!((status, fetched.asked[0].outcome.clone()), (1, Ok(Source::Cache)));
    // Another certificate of the same authority finds the same list.
    let bob = root.user("Bob", |t| lists_at(t, &[&server.url("/root.crl")]));
    assert_eq!(judge(&offline, &bob, &[], &root.trust()).2, 1);
    let limits = Limits::default();
    let (nothing, trust) = (RevocationData::default(), root.trust());
    let late = ChainRequest {
        revocation: &[&nothing],
        ..ChainRequest::new(&leaf, &trust, List::default().next_update.unwrap().plus(1), &limits)
    };
    let (outcome, fetched) = cached.build(&late);
    assert_eq!(fetched.asked[0].outcome, Ok(Source::Network));
    assert_eq!(unknown(&outcome), ["crl_expired"]);
}

#[test]
fn out_141_lists_that_hold_for_long_are_noted() {
    let days = |days: i64| List { next_update: Some(now().plus(days * 86_400)), ..List::default() };
    for (list, long) in [(days(9), false), (days(11), true)] {
        let (root, leaf, _server) = published(|_| list);
        let (outcome, _, status) = judge(&fetcher(), &leaf, &[], &root.trust());
        assert_eq!(status, 1);
        assert_eq!(outcome.notes.iter().any(|note| note.code == "crl_holds_long"), long, "{:?}", outcome.notes);
    }
}

#[test]
fn sec_131_nobody_is_sent_inward_unless_it_is_allowed() {
    let (root, leaf, server) = published(|_| List::default());
    let named = leaf.distribution_points().unwrap()[0].urls().next().unwrap().to_owned();
    let public = || Connector::new(brief()).with_resolver(Arc::new(common::http_server::Names));
    let (outcome, fetched, status) = judge(&Fetcher::new(public()), &leaf, &[], &root.trust());
    assert_eq!((unknown(&outcome), status), (vec!["fetch_refused"], 16));
    let why = fetched.asked[0].outcome.clone().unwrap_err();
    assert!(why.text.contains("127.0.0.1") && why.text.contains(&named), "{why}");
    let nobody = Connector::new(brief()).with_resolver(Arc::new(Panics));
    let urls = [
        server.numeric_url("/root.crl"),
        "http://[::1]/a".to_owned(),
        "http://[::ffff:127.0.0.1]/a".to_owned(),
        "http://0x7f.1/a".to_owned(),
        "http://127.1/a".to_owned(),
        "http://2130706433/a".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
    ];
    for allowed in [Addresses::Public, Addresses::PublicAnd(vec!["lists.example.com".to_owned()])] {
        let urls: Vec<&str> =
            urls.iter().map(String::as_str).chain(["file:///etc/passwd", "gopher://127.0.0.1/"]).collect();
        for chunk in urls.chunks(5) {
            let leaf = root.user("Alice", |t| lists_at(t, chunk));
            let fetcher = Fetcher::new(nobody.clone().with_addresses(allowed.clone()));
            let (outcome, fetched, _) = judge(&fetcher, &leaf, &[], &root.trust());
            assert_eq!(unknown(&outcome), vec!["fetch_refused"; chunk.len()], "{:?}", fetched.asked);
        }
    }
    assert_eq!(server.connections(), 0);
    let named = Addresses::PublicAnd(vec!["lists.example.com".to_owned()]);
    assert_eq!(judge(&Fetcher::new(public().with_addresses(named)), &leaf, &[], &root.trust()).2, 1);
}

#[test]
fn sec_131_nobody_is_asked_for_what_is_not_wanted() {
    let root = Authority::root("Root");
    let leaf = root.user("Alice", |t| {
        lists_at(t, &["http://lists.example.com/a.crl"]);
        access_at(t, &oid::AD_OCSP, &["http://lists.example.com/ocsp"]);
    });
    let nobody = Fetcher::new(Connector::new(brief()).with_resolver(Arc::new(Panics)));
    let (limits, trust) = (Limits::default(), root.trust());
    let here = RevocationData::new([List::default().by(&root)]);
    for revocation in [&[][..], &[&here][..]] {
        let request = ChainRequest { revocation, ..ChainRequest::new(&leaf, &trust, now(), &limits) };
        assert!(nobody.build(&request).1.asked.is_empty());
    }
}

/// A person with a list at an address, whose mail is signed.
fn signed_mail(root: &Authority, urls: &[&str]) -> Vec<u8> {
    let (certificate, key) = root.user_with_key("Alice", |t| lists_at(t, urls));
    let alice = Identity::new(certificate, vec![root.certificate.clone()], key).unwrap();
    let mail = b"From: alice@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";
    Signer::new(&alice, &Policy::default()).unwrap().sign(&Message::parse(mail).unwrap(), now()).unwrap()
}

#[test]
fn sec_131_nobody_is_asked_because_of_a_signature_that_does_not_fit() {
    let root = Authority::root("Root");
    let (server, _shelf) = shelf();
    let raw = String::from_utf8(signed_mail(&root, &[&server.url("/root.crl")])).unwrap();
    let (policy, trust) = (Policy::default(), root.trust());
    for (raw, asked) in [(raw.replace("hello", "HELLO"), 0), (raw, 1)] {
        let open = |opener: &Opener<'_>| opener.open(raw.as_bytes(), now());
        let (_, fetched) = fetcher().open(&Opener::new(&trust, &policy), now(), open).unwrap();
        assert_eq!((fetched.asked.len(), server.connections()), (asked, asked));
    }
}

#[test]
fn sec_134_hard_and_soft_differ_where_nothing_is_known() {
    let root = Authority::root("Root");
    let (policy, trust) = (Policy::default(), root.trust());
    let down = format!("http://lists.example.com:{}/a.crl", refused_port());
    let raw = signed_mail(&root, &[&down]);
    for (mode, met) in [(None, false), (Some(RevocationMode::Hard), false), (Some(RevocationMode::Soft), true)] {
        let mut opener = Opener::new(&trust, &policy);
        if let Some(mode) = mode {
            opener = opener.revocation(mode);
        }
        let (opened, fetched) = fetcher().open(&opener, now(), |opener| opener.open(&raw, now())).unwrap();
        assert_eq!(fetched.asked.len(), 1);
        assert_eq!(opened.judge(Requirement::SignedBySender).is_ok(), met, "{mode:?}");
        let told: Vec<_> = opened.report().findings().filter(|why| why.code == "fetch_failed").collect();
        assert!(told.len() == 1 && told[0].text.contains(&down), "{mode:?}: {told:?}");
        let signature = &opened.report().covering_signatures().next().unwrap().signatures[0];
        let status = signature.status.unwrap().number();
        assert_eq!(status, if mode == Some(RevocationMode::Soft) { 1 } else { 14 });
    }
    let off = Opener::new(&trust, &policy).revocation(RevocationMode::Off);
    let nobody = Fetcher::new(Connector::new(brief()).with_resolver(Arc::new(Panics)));
    let (opened, fetched) = nobody.open(&off, now(), |opener| opener.open(&raw, now())).unwrap();
    assert!(fetched.asked.is_empty() && opened.judge(Requirement::SignedBySender).is_ok());
}

#[test]
fn out_142_a_revoked_signer_is_refused_in_every_mode() {
    let root = Authority::root("Root");
    let (policy, trust) = (Policy::default(), root.trust());
    let (server, shelf) = shelf();
    let raw = signed_mail(&root, &[&server.url("/root.crl")]);
    let opened = Opener::new(&trust, &policy).open(&raw, now()).unwrap();
    let signer = opened.report().covering_signatures().next().unwrap().signatures[0].certificate.clone().unwrap();
    for (list, met) in [(List::default(), true), (List::of(&signer), false)] {
        *shelf.lock().unwrap() = vec![("/root.crl", list.signed(&root))];
        for mode in [RevocationMode::Hard, RevocationMode::Soft] {
            let opener = Opener::new(&trust, &policy).revocation(mode);
            let (opened, _) = fetcher().open(&opener, now(), |opener| opener.open(&raw, now())).unwrap();
            assert_eq!(opened.judge(Requirement::SignedBySender).is_ok(), met, "{mode:?}");
        }
    }
}

#[test]
fn sec_138_what_one_authority_signed_is_not_kept_for_another() {
    // Two authorities of one name, whose certificates name one address.
    let (server, shelf) = shelf();
    let url = server.url("/root.crl");
    let (good, bad) = (Authority::root("Root"), Authority::root("Root"));
    let (theirs, ours) = (bad.user("Mallory", |t| lists_at(t, &[&url])), good.user("Alice", |t| lists_at(t, &[&url])));
    let folder = tempfile::tempdir().unwrap();
    let cached = fetcher().with_cache(Cache::open(folder.path()).unwrap());
    *shelf.lock().unwrap() = vec![("/root.crl", List::default().signed(&bad))];
    assert_eq!(judge(&cached, &theirs, &[], &bad.trust()).2, 1);
    let (outcome, fetched, status) = judge(&cached, &ours, &[], &good.trust());
    assert_eq!((fetched.asked[0].outcome.clone(), status), (Ok(Source::Network), 16));
    assert_eq!(unknown(&outcome), ["crl_signature_invalid"]);
    *shelf.lock().unwrap() = vec![("/root.crl", List::of(&ours).signed(&good))];
    assert_eq!(judge(&cached, &ours, &[], &good.trust()).2, 13);
    assert_eq!(judge(&cached, &theirs, &[], &bad.trust()).2, 1);
}
