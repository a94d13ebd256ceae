//! A directory server that lies, floods, stalls or breaks off: each look-up ends with an answer that says why, in bounded
//! memory and time (SEC-136), and never with "there is no certificate" (OUT-99c).

#![cfg(feature = "ldap")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::directory_server::{
    Reply, Request, Server, Tape, entry, notice, op, reference, referral, result, root_dse,
};
use common::people::{Authority, now};
use smime::asn1::ber::Tag;
use smime::asn1::der;
use smime::fetch::connect::{Addresses, Connector, Deadline, Resolver, Timeouts};
use smime::fetch::ldap::client::{Client, Credentials, Found};
use smime::fetch::ldap::directory::LdapDirectory;
use smime::fetch::ldap::filter::Filter;
use smime::fetch::ldap::message::{Message, Search};
use smime::fetch::ldap::url::Scope;
use smime::fetch::ldap::{Channel, Error, ErrorKind};
use smime::fetch::tls::Tls;
use smime::store::directory::{Answer, Directory, Outcome};
use smime::{EmailAddress, Limits, Secret};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn address() -> EmailAddress {
    "bob@example.com".parse().unwrap()
}

/// Half a second for everything.
fn connector() -> Connector {
    let mut timeouts = Timeouts::default();
    timeouts.first_byte = Duration::from_millis(400);
    timeouts.exchange = Duration::from_millis(500);
    Connector::new(timeouts).with_addresses(Addresses::PublicAndPrivate)
}

fn directory(server: &Server) -> LdapDirectory {
    LdapDirectory::new(server.url("ldap").parse().unwrap(), connector())
}

fn ask(directory: &LdapDirectory) -> Answer {
    let address = address();
    let mut answers = directory.look_up(&address);
    let answer = answers.next().unwrap();
    assert!(answers.next().is_none());
    answer
}

/// Why there is no answer.
fn why(answer: Answer) -> String {
    match answer.outcome {
        Outcome::Unreachable(why) => why,
        other => panic!("{other:?}"),
    }
}

/// A server that is polite until it comes to the search.
fn polite(search: impl Fn(&Request) -> Reply + Send + 'static) -> Server {
    Server::start(move |request| match request.kind {
        op::BIND => Reply::Send(result(request.id, op::BOUND, 0, "")),
        op::SEARCH if request.is_for_root_dse() => {
            Reply::Send(root_dse(request.id, &[("namingContexts", &[b"dc=example"])]))
        }
        _ => search(request),
    })
}

/// One search over words in memory.
fn search(says: Vec<u8>, limits: &Limits) -> (Result<Found, Error>, Vec<Request>) {
    let mut tape = Tape::new(says);
    let mut client = Client::new(&mut tape, Channel::Clear, limits);
    let filter = Filter::address(&address());
    let search = Search {
        base: "dc=example",
        scope: Scope::Subtree,
        filter: &filter,
        attributes: &["userCertificate"],
        size_limit: 50,
        time_limit: 10,
    };
    let found = client.search(&search);
    (found, tape.requests())
}

/// The same where it ends in an error.
fn failure(says: Vec<u8>) -> Error {
    search(says, &Limits::default()).0.unwrap_err()
}

/// An entry with a certificate, a reference, and a result.
fn full_answer() -> Vec<u8> {
    let bob = Authority::root("Root").person("Bob", "bob@example.com");
    let values: &[&[u8]] = &[bob.certificate().der()];
    [
        entry(1, "cn=Bob,dc=example", &[("userCertificate;binary", values), ("userSMIMECertificate", &[b"\x30\0"])]),
        reference(1, "ldap://evil.example/"),
        result(1, op::DONE, 0, ""),
    ]
    .concat()
}

#[test]
fn sec_136_an_answer_cut_at_every_byte_is_an_error() {
    let whole = full_answer();
    assert_eq!(search(whole.clone(), &Limits::default()).0.unwrap().entries.len(), 1);
    for cut in 0..whole.len() {
        let (found, _) = search(whole[..cut].to_vec(), &Limits::default());
        assert!(matches!(found.unwrap_err().kind(), ErrorKind::Io(_)), "{cut}");
    }
}

#[test]
fn sec_136_no_altered_byte_makes_it_panic() {
    let whole = full_answer();
    let mut refused = 0;
    for at in 0..whole.len() {
        for mask in [0xff, 0x80, 0x20, 0x01] {
            let mut bytes = whole.clone();
            bytes[at] ^= mask;
            refused += usize::from(search(bytes, &Limits::default()).0.is_err());
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn sec_136_an_answer_to_another_question_is_refused() {
    for id in [2, 7, 0x7fff_ffff] {
        let says = result(id, op::DONE, 0, "");
        assert!(matches!(failure(says).kind(), ErrorKind::MessageId { expected: 1, found } if *found == id));
    }
    // Beyond maxInt, negative, and an answer of another kind.
    assert!(matches!(failure(result(1 << 31, op::DONE, 0, "")).kind(), ErrorKind::Malformed(_)));
    let negative = der::sequence(&[vec![2, 1, 0xff], der::primitive(Tag::application(op::DONE), &[])]);
    assert!(matches!(failure(negative).kind(), ErrorKind::Malformed(_)));
    assert!(matches!(failure(result(1, op::BOUND, 0, "")).kind(), ErrorKind::Unexpected { to: "search" }));
    // An entry for nobody is no notice.
    assert!(matches!(failure(entry(0, "", &[])).kind(), ErrorKind::MessageId { expected: 1, found: 0 }));
}

#[test]
fn sec_136_notices_that_nobody_asked_for() {
    let done = result(1, op::DONE, 0, "");
    let notices = |count: usize| [notice("1.2.3").repeat(count), done.clone()].concat();
    assert!(search(notices(4), &Limits::default()).0.is_ok());
    assert!(matches!(failure(notices(5)).kind(), ErrorKind::Limit { limit: 4, .. }));
    let error = failure(notice("1.3.6.1.4.1.1466.20036"));
    assert!(matches!(error.kind(), ErrorKind::Disconnected { .. }));
    assert!(error.to_string().ends_with("unavailable (52), \"going down\""), "{error}");
}

#[test]
fn sec_136_lengths_that_lie_take_no_memory() {
    let header = |length: &[u8]| [&[0x30][..], length].concat();
    for length in [&[0x84, 0x80, 0, 0, 0][..], &[0x84, 0xff, 0xff, 0xff, 0xff], &[0x83, 0x10, 0, 1]] {
        assert!(matches!(failure(header(length)).kind(), ErrorKind::Limit { limit: 1_048_576, .. }), "{length:x?}");
    }
    // A mebibyte is allowed, and not there.
    assert!(matches!(failure(header(&[0x83, 0x0f, 0xff, 0xff])).kind(), ErrorKind::Io(_)));
    assert!(matches!(failure(header(&[0x88, 0xff, 0, 0, 0, 0, 0, 0, 0])).kind(), ErrorKind::Malformed(_)));
    assert!(matches!(failure(header(&[0x80, 2, 1, 1, 0, 0])).kind(), ErrorKind::NotLdap), "indefinite");
    for other in [&b"HTTP/1.1 400 Bad Request\r\n"[..], &[0x16, 3, 1, 0, 5], &[0x10, 3, 2, 1, 1]] {
        assert!(matches!(failure(other.to_vec()).kind(), ErrorKind::NotLdap), "{other:x?}");
    }
}

#[test]
fn sec_136_what_is_malformed_is_named_with_its_place() {
    let bomb = (0..60).fold(vec![4, 0], |inner, _| der::sequence(&[inner]));
    let told = |operation: &[u8]| {
        let bytes = der::sequence(&[der::integer(1), operation.to_vec()]);
        let told = Message::read(&bytes, &Limits::default()).map(|m| m.operation).unwrap_err().to_string();
        assert!(matches!(failure(bytes).kind(), ErrorKind::Malformed(_)), "{told}");
        told
    };
    let of_entry = |list: Vec<u8>| der::constructed(Tag::application(op::ENTRY), &[der::octets(b"cn=x"), list]);
    let attribute =
        |values: Vec<u8>| of_entry(der::sequence(&[der::sequence(&[der::octets(b"userCertificate;binary"), values])]));
    let wrong = told(&attribute(der::constructed(Tag::SET, &[der::integer(5)])));
    assert!(wrong.starts_with("attribute userCertificate;binary: AttributeValue at byte "), "{wrong}");
    let segments = der::constructed(Tag::OCTET_STRING, &[der::octets(b"a")]);
    assert!(told(&attribute(der::constructed(Tag::SET, &[segments]))).contains("segments"));
    assert!(told(&attribute(vec![0x31, 0x80, 4, 1, 65, 0, 0])).contains("indefinite"));
    // Nested without end where values belong, and where nothing is looked for.
    assert!(told(&attribute(der::constructed(Tag::SET, std::slice::from_ref(&bomb)))).contains("octet string"));
    told(&of_entry(bomb.clone()));
    told(&der::constructed(Tag::application(op::DONE), &[bomb]));
    told(&der::constructed(Tag::application(op::DONE), &[der::primitive(Tag::ENUMERATED, &[0xff])]));
    told(&der::constructed(Tag::application(99), &[der::null()]));
    told(&der::primitive(Tag::application(op::DONE), &[]));
    let empty = der::sequence(&[der::octets(b"a"), vec![0x31, 0]]);
    assert!(told(&of_entry(der::sequence(&vec![empty; 65]))).contains("more attributes"));
}

#[test]
fn sec_136_a_flood_of_entries_or_references_ends_at_its_bound() {
    let done = result(1, op::DONE, 0, "");
    let limit = Limits::default().ldap_entries;
    for one in [entry(1, "cn=x", &[]), reference(1, "ldap://evil.example/")] {
        let flood = |count: usize| [one.repeat(count), done.clone()].concat();
        assert!(search(flood(limit), &Limits::default()).0.is_ok());
        let (found, requests) = search(flood(limit + 1), &Limits::default());
        assert!(matches!(found.unwrap_err().kind(), ErrorKind::Limit { limit: 200, .. }));
        // It says that it will hear no more.
        assert_eq!(requests.last().unwrap().kind, op::ABANDON);
    }
    // Large entries end earlier: 4 MiB of all that answers one request.
    let value = vec![7; 60_000];
    let large = entry(1, "cn=x", &[("userCertificate", &[value.as_slice(); 15])]);
    let (found, _) = search([large.repeat(4), done.clone()].concat(), &Limits::default());
    assert_eq!(found.unwrap().entries.len(), 4);
    assert!(matches!(failure([large.repeat(5), done].concat()).kind(), ErrorKind::Limit { limit: 4_194_304, .. }));
}

#[test]
fn out_99d_values_beyond_number_and_size_are_left_out_and_told() {
    let limits = Limits::default();
    let (fits, large) = (vec![1; limits.ldap_value_bytes], vec![1; limits.ldap_value_bytes + 1]);
    let small: &[u8] = b"v";
    let read = |values: &[&[u8]]| {
        let says = [entry(1, "cn=x", &[("userCertificate", values)]), result(1, op::DONE, 0, "")].concat();
        let attribute = search(says, &limits).0.unwrap().entries.remove(0).attributes.remove(0);
        (attribute.values.len(), attribute.left_out.is_some())
    };
    assert_eq!(read(&[small; 16]), (16, false));
    assert_eq!(read(&[small; 17]), (16, true));
    assert_eq!(read(&[&fits, small]), (2, false));
    assert_eq!(read(&[&large, small]), (1, true));
}

#[test]
fn out_99d_referrals_are_told_and_not_followed() {
    let other = Server::start(|_| Reply::Close(Vec::new()));
    let url = other.url("ldap");
    let elsewhere = url.clone();
    let server = polite(move |request| {
        Reply::Send([reference(request.id, &elsewhere), result(request.id, op::DONE, 0, "")].concat())
    });
    let answer = ask(&directory(&server));
    assert!(matches!(answer.outcome, Outcome::NotThere), "{answer:?}");
    assert!(answer.notes.iter().any(|n| n.code == "ldap_referral_not_followed" && n.text.contains(&url)), "{answer:?}");
    // The whole search elsewhere: then nobody can say that there is none.
    let elsewhere = url.clone();
    let server = polite(move |request| Reply::Send(referral(request.id, &elsewhere)));
    assert!(why(ask(&directory(&server))).contains("not followed"));
    assert!(other.asked().is_empty(), "somebody followed");
}

#[test]
fn sec_136_stalling_and_dripping_end_in_time() {
    let silent = |bytes: fn(&Request) -> Vec<u8>| polite(move |request| Reply::Stall(bytes(request)));
    let cases = [
        Server::start(|_| Reply::Stall(Vec::new())),
        Server::start(|request| {
            Reply::Drip(result(request.id, op::BOUND, 0, &"x".repeat(500)), Duration::from_millis(20))
        }),
        silent(|_| Vec::new()),
        silent(|_| vec![0x30, 0x82]),
        silent(|request| entry(request.id, "cn=x", &[])),
        polite(|request| Reply::Drip(entry(request.id, &"x".repeat(5000), &[]), Duration::from_millis(5))),
    ];
    for (number, server) in cases.iter().enumerate() {
        let start = Instant::now();
        let said = why(ask(&directory(server)));
        assert!(said.contains("in time"), "{number}: {said}");
        assert!(start.elapsed() < Duration::from_secs(3), "{number}: {:?}", start.elapsed());
    }
    let closing = Server::start(|_| Reply::Close(Vec::new()));
    assert!(why(ask(&directory(&closing))).contains("closed the connection"));
}

#[test]
fn sec_136_start_tls_that_is_refused_is_the_end() {
    let root = Authority::root("TLS root");
    let tls = Tls::new(std::slice::from_ref(&root.certificate), now()).unwrap();
    let secure = |server: &Server, scheme: &str| {
        let credentials = Credentials::simple("cn=me", Secret::from("canary-password")).unwrap();
        let directory = LdapDirectory::new(server.url(scheme).parse().unwrap(), connector());
        directory.with_tls(tls.clone()).with_credentials(credentials)
    };
    let answers: [fn(u64) -> Vec<u8>; 3] = [
        |id| result(id, op::EXTENDED_RESPONSE, 2, "no TLS here"),
        |id| result(id, op::BOUND, 0, ""),
        // Yes, with words in the clear behind it: they become a part of the handshake, which fails.
        |id| [result(id, op::EXTENDED_RESPONSE, 0, ""), result(id + 1, op::BOUND, 0, "")].concat(),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let server = Server::start(move |request| Reply::Send(answer(request.id)));
        let directory = secure(&server, "ldap");
        let said = why(ask(&directory));
        assert!(said.contains("StartTLS") || said.contains("no TLS"), "{number}: {said}");
        let asked = server.asked();
        assert!(asked.iter().all(|request| request.kind == op::EXTENDED), "{number}: {asked:?}");
        // It is not tried again, in the clear or otherwise.
        assert_eq!(why(ask(&directory)), said);
        assert!(server.asked().is_empty());
    }
    // No TLS at all where TLS was to begin.
    let server = Server::start(|_| Reply::Close(b"HTTP/1.1 400\r\n\r\n".to_vec()));
    assert!(why(ask(&secure(&server, "ldaps"))).contains("TLS"));
}

struct Nobody;

impl Resolver for Nobody {
    fn resolve(&self, host: &str, _: Deadline) -> std::io::Result<Vec<IpAddr>> {
        panic!("{host} was looked up")
    }
}

#[test]
fn sec_137_an_empty_password_is_no_password() {
    for (dn, password) in [("cn=me", ""), ("", "secret"), ("", "")] {
        let error = Credentials::simple(dn, Secret::from(password)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::EmptyCredentials), "{dn}");
    }
}

#[test]
fn out_92_a_password_is_not_sent_in_the_clear_and_nobody_is_asked_for_that() {
    let credentials = Credentials::simple("cn=me", Secret::from("canary-password")).unwrap();
    assert!(!format!("{credentials:?}").contains("canary"));
    let connector = connector().with_resolver(Arc::new(Nobody));
    let directory = LdapDirectory::new("ldap://directory.example".parse().unwrap(), connector.clone());
    assert!(why(ask(&directory.with_credentials(credentials.clone()))).contains("within TLS only"));
    // Nor is TLS begun without anything to hold it against.
    let directory = LdapDirectory::new("ldaps://directory.example".parse().unwrap(), connector);
    assert!(why(ask(&directory)).contains("no authority"));
    let mut tape = Tape::new(Vec::new());
    let error = Client::new(&mut tape, Channel::Clear, &Limits::default()).bind(&credentials).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::CredentialsInTheClear));
    assert!(tape.heard.is_empty());
}

#[test]
fn out_92_a_bind_as_nobody_is_empty() {
    let mut tape = Tape::new(result(1, op::BOUND, 0, ""));
    Client::new(&mut tape, Channel::Clear, &Limits::default()).bind(&Credentials::Anonymous).unwrap();
    assert_eq!(tape.heard, [0x30, 12, 2, 1, 1, 0x60, 7, 2, 1, 3, 4, 0, 0x80, 0]);
    let credentials = Credentials::simple("cn=me", Secret::from("secret")).unwrap();
    let mut tape = Tape::new(result(1, op::BOUND, 49, ""));
    let error = Client::new(&mut tape, Channel::Tls, &Limits::default()).bind(&credentials).unwrap_err();
    assert!(error.to_string().contains("invalidCredentials (49)"), "{error}");
    assert_eq!(tape.heard, b"\x30\x17\x02\x01\x01\x60\x12\x02\x01\x03\x04\x05cn=me\x80\x06secret");
}

#[test]
fn out_93_the_default_naming_context_comes_first_and_the_root_last() {
    let bases = |attributes: &'static [(&'static str, &'static [&'static [u8]])]| {
        let server = Server::start(move |request| match request.kind {
            op::BIND => Reply::Send(result(request.id, op::BOUND, 0, "")),
            op::SEARCH if request.is_for_root_dse() => Reply::Send(root_dse(request.id, attributes)),
            _ => Reply::Send(result(request.id, op::DONE, 0, "")),
        });
        assert!(matches!(ask(&directory(&server)).outcome, Outcome::NotThere));
        let searches = server.asked().into_iter().filter(|r| r.kind == op::SEARCH && !r.is_for_root_dse());
        searches.map(|request| request.base()).collect::<Vec<_>>()
    };
    let both = bases(&[("namingContexts", &[b"dc=a", b"DC=B"]), ("DEFAULTNAMINGCONTEXT", &[b"dc=b"])]);
    assert_eq!(both, ["dc=b", "dc=a"]);
    assert_eq!(bases(&[]), [""]);
    // A root DSE that may not be read is none.
    let server = Server::start(|request| match request.kind {
        op::BIND => Reply::Send(result(request.id, op::BOUND, 0, "")),
        op::SEARCH if request.is_for_root_dse() => Reply::Send(result(request.id, op::DONE, 50, "")),
        _ => Reply::Send(result(request.id, op::DONE, 32, "")),
    });
    assert!(why(ask(&directory(&server))).contains("nothing at the base \"\""));
}

#[test]
fn out_95_both_spellings_are_asked_for_and_any_is_taken() {
    let bob = Authority::root("Root").person("Bob", "bob@example.com").certificate().clone();
    let der = bob.der().to_vec();
    for name in ["userCertificate;binary", "USERCERTIFICATE", "userSMIMECertificate", "usersmimecertificate;binary;x-y"]
    {
        let der = der.clone();
        let server = polite(move |request| {
            let entry = entry(request.id, "cn=Bob", &[(name, &[&der])]);
            Reply::Send([entry, result(request.id, op::DONE, 0, "")].concat())
        });
        let Outcome::Found(offers) = ask(&directory(&server)).outcome else { panic!("{name}") };
        assert_eq!(offers[0].certificate, bob, "{name}");
        let asked = server.asked();
        let request = asked.iter().find(|r| r.kind == op::SEARCH && !r.is_for_root_dse()).unwrap();
        let wanted =
            ["userCertificate;binary", "userCertificate", "userSMIMECertificate;binary", "userSMIMECertificate"];
        assert_eq!(request.attributes(), wanted);
        assert_eq!(asked.last().unwrap().kind, op::UNBIND);
    }
}

#[test]
fn out_99c_not_there_no_certificate_and_no_answer_are_three_things() {
    let answered = |code: u8, entries: fn(u64) -> Vec<u8>| {
        let server =
            polite(move |request| Reply::Send([entries(request.id), result(request.id, op::DONE, code, "")].concat()));
        ask(&directory(&server))
    };
    fn none(_: u64) -> Vec<u8> {
        Vec::new()
    }
    fn bare(id: u64) -> Vec<u8> {
        entry(id, "cn=Bob", &[])
    }
    assert!(matches!(answered(0, none).outcome, Outcome::NotThere));
    assert!(matches!(answered(0, bare).outcome, Outcome::NoCertificate));
    let unreadable = answered(0, |id| entry(id, "cn=Bob", &[("userCertificate", &[b"none"])]));
    assert!(matches!(unreadable.outcome, Outcome::NoCertificate));
    assert_eq!(unreadable.notes[0].code, "ldap_value_unreadable");
    // Refusals of every kind, and entries before them, are no answer.
    for code in [1, 3, 4, 11, 32, 50, 51, 52, 53, 80, 99] {
        assert!(matches!(answered(code, none).outcome, Outcome::Unreachable(_)), "{code}");
    }
    assert!(matches!(answered(3, bare).outcome, Outcome::Unreachable(_)));
    // Beyond the number that was asked for: those that came.
    assert!(answered(4, bare).notes.iter().any(|note| note.code == "ldap_size_limit"));
    // A plan says which of the three it was.
    let nowhere = LdapDirectory::new("ldap://127.0.0.1:1".parse().unwrap(), connector());
    let plan = |directory: &dyn Directory| {
        let plan = smime::RecipientPlan::resolve(&[address()], directory, &smime::Policy::default(), None, now());
        plan.entries()[0].outcome.as_ref().unwrap_err()[0].clone()
    };
    assert_eq!(plan(&nowhere).code, "directory_unreachable");
    let server = polite(|request| Reply::Send(result(request.id, op::DONE, 0, "")));
    let absent = plan(&directory(&server));
    let server = polite(move |request| Reply::Send([bare(request.id), result(request.id, op::DONE, 0, "")].concat()));
    let without = plan(&directory(&server));
    assert_eq!((absent.code, without.code), ("no_certificate", "no_certificate"));
    assert_ne!(absent.text, without.text);
}
