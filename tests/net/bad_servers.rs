//! Servers that stall, drip, break off, lie, or give something else than what was asked for (hostile.md G12). Each ends
//! within its time, and none makes anything good.

use crate::common::http_server::{
    Exchange, Request, Server, connector, lists_at, not_found, ok, refused_port, with_header,
};
use crate::common::lists::{List, extension};
use crate::common::people::{Authority, now};
use crate::{brief, judge, unknown};
use smime::asn1::ber::Tag;
use smime::asn1::der;
use smime::cert::revocation::RevocationStatus;
use smime::fetch::revocation::Fetcher;
use smime::{Certificate, Limits};
use std::time::{Duration, Instant};

/// What a server does, and what becomes of it: the code of why nothing is known, and ActiveSync's number.
struct Row {
    name: &'static str,
    server: Server,
    code: &'static str,
    status: u8,
}

const LOST: (&str, u8) = ("fetch_failed", 14);
const USELESS: (&str, u8) = ("fetch_unusable", 16);

fn row(
    name: &'static str,
    (code, status): (&'static str, u8),
    act: impl Fn(&Request, &mut Exchange) + Send + Sync + 'static,
) -> Row {
    Row { name, server: Server::start(act), code, status }
}

fn raw(name: &'static str, (code, status): (&'static str, u8), act: impl Fn(Exchange) + Send + Sync + 'static) -> Row {
    Row { name, server: Server::raw(act), code, status }
}

/// Which sends the same bytes to whoever asks, and closes.
fn sends(name: &'static str, outcome: (&'static str, u8), bytes: Vec<u8>) -> Row {
    row(name, outcome, move |_, exchange| {
        exchange.send(&bytes);
    })
}

/// Servers that are slow, or end too early.
fn unwilling(list: &[u8]) -> Vec<Row> {
    let whole = ok(list);
    let start = |length: usize| whole[..length].to_vec();
    let (slow, slower) = (whole.clone(), whole.clone());
    let header = whole.len() - list.len();
    vec![
        raw("silent, nothing is read", LOST, |exchange| exchange.stall()),
        row("silent", LOST, |_, exchange| exchange.stall()),
        row("one octet at a time", LOST, move |_, exchange| exchange.drip(&slow)),
        row("the body one octet at a time", LOST, move |_, exchange| {
            exchange.send(&slower[..header]);
            exchange.drip(&slower[header..]);
        }),
        row("an answer, and then silence", LOST, {
            let start = start(whole.len() - 1);
            move |_, exchange| {
                exchange.send(&start);
                exchange.stall();
            }
        }),
        // The request lies unread, so that the system answers with a reset.
        raw("reset", LOST, drop),
        sends("closed without a word", LOST, Vec::new()),
        sends("closed in its first line", LOST, start(10)),
        sends("closed in its header", LOST, start(20)),
        sends("closed before the body", LOST, start(header)),
        sends("closed in the body", LOST, start(whole.len() - 1)),
        sends("closed between chunks", LOST, with_header("Transfer-Encoding: chunked", b"3\r\nabc\r\n")),
        sends("404", LOST, not_found()),
        sends("500", LOST, b"HTTP/1.1 500 Oh\r\n\r\n".to_vec()),
        sends("503, come back later", LOST, b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\n\r\n".to_vec()),
        sends("206, a part of it", LOST, [b"HTTP/1.1 206 Part\r\n\r\n", list].concat()),
    ]
}

/// Servers that send elsewhere.
fn redirecting() -> Vec<Row> {
    let to = |place: &str| format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n").into_bytes();
    vec![
        sends("redirected to a file", LOST, to("file:///etc/passwd")),
        sends("redirected inward", LOST, to("http://169.254.169.254/latest/meta-data/")),
        sends("redirected to itself", LOST, to("/again")),
        sends("redirected to https", LOST, b"HTTP/1.1 308 x\r\nLocation: https://a.example/\r\n\r\n".to_vec()),
        sends("redirected nowhere", LOST, b"HTTP/1.1 301 x\r\n\r\n".to_vec()),
    ]
}

/// Servers that lie about how much there is, or never end.
fn lying(list: &[u8]) -> Vec<Row> {
    let with = |fields: &str| with_header(fields, list);
    let length = list.len();
    vec![
        sends("a length that is too small", USELESS, with(&format!("Content-Length: {}", length - 1))),
        sends("a length that is too large", LOST, with(&format!("Content-Length: {}", length + 1))),
        sends("a length beyond all bounds", USELESS, with("Content-Length: 99999999999999999999999999")),
        sends("a negative length", USELESS, with("Content-Length: -1")),
        sends("two lengths", USELESS, with(&format!("Content-Length: {length}\r\nContent-Length: 1"))),
        sends("a length and chunks", USELESS, with(&format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"))),
        sends("an unknown coding", USELESS, with("Transfer-Encoding: x")),
        sends("a bomb in gzip", USELESS, with("Content-Encoding: gzip")),
        sends("a chunk beyond all bounds", USELESS, with_header("Transfer-Encoding: chunked", b"ffffffffffffffff\r\n")),
        sends("a chunk of no size", USELESS, with_header("Transfer-Encoding: chunked", b"x\r\n")),
        row("a body without end", USELESS, |_, exchange| {
            exchange.send(b"HTTP/1.1 200 OK\r\n\r\n");
            exchange.forever(&[0x30; 1 << 16]);
        }),
        row("chunks without end", USELESS, |_, exchange| {
            exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            exchange.forever(&[b"1000\r\n".as_slice(), &[0x30; 0x1000], b"\r\n"].concat());
        }),
        row("chunks of one octet without end", USELESS, |_, exchange| {
            exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            exchange.forever(&b"1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n0\r\n".repeat(1000));
        }),
        row("a header without end", USELESS, |_, exchange| {
            exchange.send(b"HTTP/1.1 200 OK\r\n");
            exchange.forever(&b"X: y\r\n".repeat(1000));
        }),
        row("a line without end", USELESS, |_, exchange| exchange.forever(&[b'H'; 1 << 12])),
        row("interim answers without end", USELESS, |_, exchange| exchange.forever(b"HTTP/1.1 100 Continue\r\n\r\n")),
        sends("no HTTP", USELESS, b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        sends("control characters", USELESS, b"HTTP/1.1 200 OK\r\nX: \x1b[2J\r\n\r\n".to_vec()),
        sends("line feeds alone", USELESS, b"HTTP/1.1 200 OK\n\n".to_vec()),
    ]
}

/// Servers that give something else.
fn misleading(root: &Authority, leaf: &Certificate, list: &[u8]) -> Vec<Row> {
    let body = |name, code, bytes: Vec<u8>| sends(name, (code, 16), ok(&bytes));
    let of = |change: &dyn Fn(&mut List)| {
        let mut list = List::default();
        change(&mut list);
        list.signed(root)
    };
    let mut altered = list.to_vec();
    let place = altered.len() - 1;
    altered[place] ^= 1;
    let authorities = der::sequence(&[der::primitive(Tag::context(2), &[0xff])]);
    vec![
        body("nothing", "fetch_unusable", Vec::new()),
        body("a page for people", "fetch_unusable", b"<html>no such list</html>".to_vec()),
        body("a certificate", "fetch_unusable", leaf.der().to_vec()),
        body("a list and something behind it", "fetch_unusable", [list, &[0]].concat()),
        body("depth", "fetch_unusable", [0x30, 0x80].repeat(30_000)),
        body(
            "another issuer of the same name",
            "crl_signature_invalid",
            List::of(leaf).signed(&Authority::root("Root")),
        ),
        body("another issuer", "revocation_missing", List::default().signed(&Authority::root("Other"))),
        body("an altered list", "crl_signature_invalid", altered),
        body(
            "a list of old",
            "crl_expired",
            of(&|list| {
                (list.this_update, list.next_update) = (now().plus(-90_000), Some(now().plus(-1)));
            }),
        ),
        body(
            "a list of tomorrow",
            "crl_not_yet_valid",
            of(&|list| {
                (list.this_update, list.next_update) = (now().plus(90_000), Some(now().plus(180_000)));
            }),
        ),
        body("a list without end", "crl_unusable", of(&|list| list.next_update = None)),
        body(
            "a list of authorities only",
            "revocation_missing",
            of(&|list| {
                list.extensions = vec![extension("2.5.29.28", true, &authorities)];
            }),
        ),
    ]
}

#[test]
fn sec_132_and_133_no_server_takes_more_than_its_time_or_makes_anything_good() {
    let root = Authority::root("Root");
    let plain = root.user("Alice", |_| {});
    let list = List::default().signed(&root);
    let timeouts = brief();
    let mut limits = Limits::default();
    limits.crl_bytes = 64 << 10;
    let fetcher = Fetcher::new(connector(timeouts)).with_limits(limits);
    let rows = [unwilling(&list), redirecting(), lying(&list), misleading(&root, &plain, &list)];
    let rows: Vec<Row> = rows.into_iter().flatten().collect();
    let count = rows.len();
    assert!(count >= 30, "{count}");
    for Row { name, server, code, status } in rows {
        let leaf = root.user("Alice", |t| lists_at(t, &[&server.url("/root.crl")]));
        let started = Instant::now();
        let (outcome, fetched, found) = judge(&fetcher, &leaf, &[], &root.trust());
        let took = started.elapsed();
        assert!(took < timeouts.exchange + Duration::from_secs(2), "{name}: {took:?}");
        assert_eq!((unknown(&outcome), found), (vec![code], status), "{name}: {:?}", outcome.revocation_reasons());
        assert_eq!((fetched.asked.len(), server.connections()), (1, 1), "{name}");
        assert!(server.targets().iter().all(|target| target == "/root.crl"), "{name}: {:?}", server.targets());
    }
    // The same list from a good server is good: what failed above failed because of the server.
    let server = Server::files(vec![("/root.crl", list)]);
    let leaf = root.user("Alice", |t| lists_at(t, &[&server.url("/root.crl")]));
    assert_eq!(judge(&fetcher, &leaf, &[], &root.trust()).0.revocation(), RevocationStatus::Good);
    let refused = format!("http://lists.example.com:{}/a.crl", refused_port());
    let leaf = root.user("Alice", |t| lists_at(t, &[&refused]));
    assert_eq!(unknown(&judge(&fetcher, &leaf, &[], &root.trust()).0), ["fetch_failed"]);
    eprintln!("bad servers: {count}");
}
