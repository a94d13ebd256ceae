//! Addresses that are never reached, deadlines and octet counts.

use super::*;
use std::net::TcpListener;

/// Answers every name with the same addresses.
struct Fixed(Vec<IpAddr>);

impl Resolver for Fixed {
    fn resolve(&self, _: &str, _: Deadline) -> io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

struct Panics;

impl Resolver for Panics {
    fn resolve(&self, host: &str, _: Deadline) -> io::Result<Vec<IpAddr>> {
        panic!("{host} was asked for")
    }
}

fn brief() -> Timeouts {
    let [connect, first_byte, exchange] = [300, 300, 600].map(Duration::from_millis);
    Timeouts { connect, first_byte, exchange, ..Timeouts::default() }
}

fn local(timeouts: Timeouts) -> Connector {
    Connector::new(timeouts).with_resolver(Arc::new(Panics)).with_addresses(Addresses::PublicAndPrivate)
}

/// A server that does one thing with its first connection.
fn server(act: impl FnOnce(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.accept().map(|(stream, _)| act(stream)));
    port
}

#[test]
fn sec_131_addresses_are_of_one_kind() {
    use AddressKind::{Never, Private, Public};
    for (address, kind) in [
        ("8.8.8.8", Public),
        ("172.15.0.1", Public),
        ("172.32.0.1", Public),
        ("100.63.0.1", Public),
        ("100.128.0.1", Public),
        ("2606:4700::1111", Public),
        ("64:ff9b::808:808", Public),
        ("2002:808:808::1", Public),
        ("::ffff:8.8.8.8", Public),
        ("127.0.0.1", Private),
        ("127.255.0.1", Private),
        ("10.1.2.3", Private),
        ("172.16.0.1", Private),
        ("172.31.255.255", Private),
        ("192.168.1.1", Private),
        ("100.64.0.1", Private),
        ("198.19.0.1", Private),
        ("192.0.2.1", Private),
        ("::1", Private),
        ("fc00::1", Private),
        ("fd12::1", Private),
        ("2001:db8::1", Private),
        ("2001::1", Private),
        ("::ffff:127.0.0.1", Private),
        ("::ffff:10.0.0.1", Private),
        ("::127.0.0.1", Private),
        ("64:ff9b::7f00:1", Private),
        ("2002:7f00:1::", Private),
        ("4000::1", Private),
        ("0.0.0.0", Never),
        ("0.1.2.3", Never),
        ("169.254.169.254", Never),
        ("100.100.100.200", Never),
        ("192.0.0.192", Never),
        ("224.0.0.1", Never),
        ("255.255.255.255", Never),
        ("::", Never),
        ("fe80::1", Never),
        ("ff02::1", Never),
        ("fd00:ec2::254", Never),
        ("::ffff:169.254.169.254", Never),
        ("64:ff9b::a9fe:a9fe", Never),
    ] {
        assert_eq!(kind_of(address.parse().unwrap()), kind, "{address}");
    }
}

#[test]
fn sec_131_what_is_allowed_is_named() {
    let loopback = "127.0.0.1".parse().unwrap();
    assert!(!Addresses::Public.allow("localhost", loopback));
    assert!(Addresses::PublicAndPrivate.allow("localhost", loopback));
    let one = Addresses::PublicAnd(vec!["crl.example".to_owned(), "::1".to_owned()]);
    assert!(one.allow("CRL.example", loopback));
    assert!(!one.allow("crl.example.org", loopback));
    assert!(one.allow("[::1]", "::1".parse().unwrap()));
    for rule in [Addresses::Public, one, Addresses::PublicAndPrivate] {
        assert!(!rule.allow("crl.example", "169.254.169.254".parse().unwrap()));
        assert!(rule.allow("crl.example", "9.9.9.9".parse().unwrap()));
    }
}

#[test]
fn sec_131_odd_hosts_are_no_hosts() {
    for host in ["0x7f.1", "0x7f000001", "127.1", "2130706433", "0177.0.0.1", "127.0.0.1.", "1.2.3.4.5", "0x"] {
        assert!(literal(host).is_err(), "{host}");
    }
    for host in ["", ".", "a..b", "a b", "a\r\nb", "a\0", "ü.example", "a/b", "a@b", "[::1", "::1]", "[fe80::1%lo]"] {
        assert!(literal(host).is_err(), "{host:?}");
    }
    assert!(literal(&"a".repeat(64)).is_err());
    for host in ["crl.example.com", "crl.example.com.", "localhost", "a-b.c_d.example", "1.example"] {
        assert_eq!(literal(host).unwrap(), None, "{host}");
    }
    assert_eq!(literal("[::1]").unwrap(), Some("::1".parse().unwrap()));
    assert_eq!(literal("127.0.0.1").unwrap(), Some("127.0.0.1".parse().unwrap()));
}

#[test]
fn sec_131_names_that_lead_inward_are_not_followed() {
    let port = server(|_| ());
    let inward = vec!["127.0.0.1".parse().unwrap()];
    let connector = Connector::new(brief()).with_resolver(Arc::new(Fixed(inward)));
    let deadline = Deadline::after(Duration::from_secs(2));
    let refused = connector.connect("rebind.example", port, deadline, 10);
    assert!(matches!(refused, Err(Error::NotAllowed { .. })), "{refused:?}");
    let refused = connector.connect("127.0.0.1", port, deadline, 10);
    assert!(matches!(refused, Err(Error::NotAllowed { .. })), "{refused:?}");
    let named = Addresses::PublicAnd(vec!["rebind.example".to_owned()]);
    assert!(connector.with_addresses(named).connect("rebind.example", port, deadline, 10).is_ok());
}

#[test]
fn sec_133_a_name_that_is_never_resolved_costs_the_time_to_connect() {
    struct Slow;
    impl Resolver for Slow {
        fn resolve(&self, _: &str, deadline: Deadline) -> io::Result<Vec<IpAddr>> {
            std::thread::sleep(deadline.left());
            Err(io::ErrorKind::TimedOut.into())
        }
    }
    let started = Instant::now();
    let connector = Connector::new(brief()).with_resolver(Arc::new(Slow));
    let outcome = connector.connect("slow.example", 80, Deadline::after(Duration::from_secs(60)), 10);
    assert!(matches!(outcome, Err(Error::TimedOut { .. })), "{outcome:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn sec_133_dripping_does_not_extend_the_time() {
    let port = server(|mut stream| {
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let started = Instant::now();
    let deadline = Deadline::after(Duration::from_millis(600));
    let mut stream = local(brief()).connect("127.0.0.1", port, deadline, 1 << 20).unwrap();
    let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(started.elapsed() >= Duration::from_millis(590) && started.elapsed() < Duration::from_secs(3));
}

#[test]
fn sec_133_silence_ends_with_the_time_of_the_first_byte() {
    let port = server(|stream| {
        std::thread::sleep(Duration::from_secs(5));
        drop(stream);
    });
    let started = Instant::now();
    let deadline = Deadline::after(Duration::from_secs(60));
    let mut stream = local(brief()).connect("127.0.0.1", port, deadline, 10).unwrap();
    assert_eq!(stream.read(&mut [0; 4]).unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn sec_133_no_more_is_read_than_was_asked_for() {
    for (sent, sound) in [(10, true), (11, false), (100_000, false)] {
        let port = server(move |mut stream| {
            let _ = stream.write_all(&vec![b'x'; sent]);
        });
        let deadline = Deadline::after(Duration::from_secs(5));
        let mut stream = local(brief()).connect("127.0.0.1", port, deadline, 10).unwrap();
        let mut read = Vec::new();
        match stream.read_to_end(&mut read) {
            Ok(_) => assert!(sound && read.len() == 10, "{sent}"),
            Err(error) => {
                let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<TooMuch>());
                assert!(!sound && cause.is_some(), "{sent}: {error}");
            }
        }
    }
}

#[test]
fn whoever_does_not_read_does_not_hold_up_the_writer() {
    let port = server(|stream| {
        std::thread::sleep(Duration::from_secs(5));
        drop(stream);
    });
    let started = Instant::now();
    let deadline = Deadline::after(Duration::from_millis(500));
    let mut stream = local(brief()).connect("127.0.0.1", port, deadline, 10).unwrap();
    assert_eq!(stream.write_all(&vec![0; 64 << 20]).unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(3));
}
