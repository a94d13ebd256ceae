//! A server on this machine that answers as a test says, well or badly; and certificates that name its addresses.

use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cert::extension::Extension;
use smime::cert::issue::CertificateTemplate;
use smime::fetch::connect::{Addresses, Connector, Deadline, Resolver, Timeouts};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request that was read.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub body: Vec<u8>,
}

/// Listens until it is dropped; each connection has a thread of its own.
pub struct Server {
    port: u16,
    over: Arc<AtomicBool>,
    requests: Arc<Mutex<Vec<Request>>>,
    connections: Arc<Mutex<usize>>,
}

/// What a handler has to do with: the connection, and whether the test is over.
pub struct Exchange {
    pub stream: TcpStream,
    over: Arc<AtomicBool>,
}

impl Exchange {
    /// Writes; whether anybody listens still.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        !self.over.load(Ordering::Relaxed) && self.stream.write_all(bytes).is_ok()
    }

    /// Does nothing until the test is over; for ten seconds at the most.
    pub fn stall(&self) {
        for _ in 0..500 {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The same octets, again and again.
    pub fn forever(&mut self, bytes: &[u8]) {
        while self.send(bytes) {}
    }

    /// One octet at a time.
    pub fn drip(&mut self, bytes: &[u8]) {
        for octet in bytes {
            if !self.send(&[*octet]) {
                return;
            }
            std::thread::sleep(Duration::from_millis(40));
        }
    }
}

impl Server {
    /// Whose handler gets each connection as it is, the request unread.
    pub fn raw(act: impl Fn(Exchange) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (over, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(0)));
        let (act, ended, count) = (Arc::new(act), Arc::clone(&over), Arc::clone(&connections));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                *count.lock().unwrap() += 1;
                let (act, over) = (Arc::clone(&act), Arc::clone(&ended));
                if let Ok(stream) = stream {
                    std::thread::spawn(move || act(Exchange { stream, over }));
                }
            }
        });
        Self { port, over, requests: Arc::default(), connections }
    }

    /// Whose handler gets each request.
    pub fn start(act: impl Fn(&Request, &mut Exchange) + Send + Sync + 'static) -> Self {
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let log = Arc::clone(&requests);
        let mut server = Self::raw(move |mut exchange| {
            if let Ok(request) = read(&exchange.stream) {
                log.lock().unwrap().push(request.clone());
                act(&request, &mut exchange);
            }
        });
        server.requests = requests;
        server
    }

    /// Which has these files, and status 404 for everything else.
    pub fn files(files: Vec<(&'static str, Vec<u8>)>) -> Self {
        Self::start(move |request, exchange| {
            let file = files.iter().find(|(path, _)| *path == request.target);
            exchange.send(&file.map_or_else(not_found, |(_, bytes)| ok(bytes)));
        })
    }

    /// An address of it, by a name that [`Names`] knows.
    pub fn url(&self, path: &str) -> String {
        format!("http://lists.example.com:{}{path}", self.port)
    }

    /// An address of it, by its number.
    pub fn numeric_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Targets of the requests so far.
    pub fn targets(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|request| request.target.clone()).collect()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes whoever waits for a connection.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn read(stream: &TcpStream) -> io::Result<Request> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut input = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let mut words = lines.first().map(String::as_str).unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let length = lines.iter().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    input.read_exact(&mut body)?;
    Ok(Request { method: method.to_owned(), target: target.to_owned(), body })
}

/// An answer with status 200.
pub fn ok(body: &[u8]) -> Vec<u8> {
    with_header(&format!("Content-Length: {}", body.len()), body)
}

/// An answer with status 200 and these lines of header.
pub fn with_header(header: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\n").as_bytes(), body].concat()
}

/// Status 404.
pub fn not_found() -> Vec<u8> {
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec()
}

/// Knows one name, which is this machine's.
pub struct Names;

impl Resolver for Names {
    fn resolve(&self, host: &str, _: Deadline) -> io::Result<Vec<IpAddr>> {
        match host {
            "lists.example.com" => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// Nobody may ask it.
pub struct Panics;

impl Resolver for Panics {
    fn resolve(&self, host: &str, _: Deadline) -> io::Result<Vec<IpAddr>> {
        panic!("{host} was looked up")
    }
}

/// Connects to this machine, by the name of [`Names`] or by number.
pub fn connector(timeouts: Timeouts) -> Connector {
    Connector::new(timeouts).with_resolver(Arc::new(Names)).with_addresses(Addresses::PublicAndPrivate)
}

/// A port that refuses.
pub fn refused_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn uri(url: &str) -> Vec<u8> {
    der::primitive(Tag::context(6), url.as_bytes())
}

fn add(template: &mut CertificateTemplate, oid: const_oid::ObjectIdentifier, value: Vec<u8>) {
    template.extensions.push(Extension { oid, critical: false, value });
}

/// cRLDistributionPoints: one point with these addresses.
pub fn lists_at(template: &mut CertificateTemplate, urls: &[&str]) {
    let names: Vec<Vec<u8>> = urls.iter().map(|url| uri(url)).collect();
    let name = der::explicit(0, &der::retag(Tag::context(0), &der::sequence(&names)));
    add(template, oid::CRL_DISTRIBUTION_POINTS, der::sequence(&[der::sequence(&[name])]));
}

/// authorityInfoAccess: caIssuers or OCSP at these addresses.
pub fn access_at(template: &mut CertificateTemplate, method: &const_oid::ObjectIdentifier, urls: &[&str]) {
    let entries: Vec<Vec<u8>> = urls.iter().map(|url| der::sequence(&[der::oid(method), uri(url)])).collect();
    add(template, oid::AUTHORITY_INFO_ACCESS, der::sequence(&entries));
}
