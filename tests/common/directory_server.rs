//! A directory server by script: it answers what the test says, over a socket of this machine or from memory.

use smime::asn1::ber::{Reader, Tag};
use smime::asn1::der;
use std::io::{self, Cursor, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Tags of protocolOp.
pub mod op {
    pub const BIND: u32 = 0;
    pub const BOUND: u32 = 1;
    pub const UNBIND: u32 = 2;
    pub const SEARCH: u32 = 3;
    pub const ENTRY: u32 = 4;
    pub const DONE: u32 = 5;
    pub const ABANDON: u32 = 16;
    pub const REFERENCE: u32 = 19;
    pub const EXTENDED: u32 = 23;
    pub const EXTENDED_RESPONSE: u32 = 24;
}

/// A message around an operation.
pub fn message(id: u64, operation: &[u8]) -> Vec<u8> {
    der::sequence(&[der::integer(id), operation.to_vec()])
}

/// An operation that is a result and nothing more.
pub fn result(id: u64, kind: u32, code: u8, diagnostic: &str) -> Vec<u8> {
    let parts = [der::primitive(Tag::ENUMERATED, &[code]), der::octets(b""), der::octets(diagnostic.as_bytes())];
    message(id, &der::constructed(Tag::application(kind), &parts))
}

/// A result with a referral.
pub fn referral(id: u64, url: &str) -> Vec<u8> {
    let urls = der::constructed(Tag::context(3), &[der::octets(url.as_bytes())]);
    let parts = [der::primitive(Tag::ENUMERATED, &[10]), der::octets(b""), der::octets(b""), urls];
    message(id, &der::constructed(Tag::application(op::DONE), &parts))
}

/// An entry with attributes.
pub fn entry(id: u64, dn: &str, attributes: &[(&str, &[&[u8]])]) -> Vec<u8> {
    let attribute = |(name, values): &(&str, &[&[u8]])| {
        let values: Vec<Vec<u8>> = values.iter().map(|value| der::octets(value)).collect();
        der::sequence(&[der::octets(name.as_bytes()), der::constructed(Tag::SET, &values)])
    };
    let list: Vec<Vec<u8>> = attributes.iter().map(attribute).collect();
    message(id, &der::constructed(Tag::application(op::ENTRY), &[der::octets(dn.as_bytes()), der::sequence(&list)]))
}

/// A reference to another server.
pub fn reference(id: u64, url: &str) -> Vec<u8> {
    message(id, &der::constructed(Tag::application(op::REFERENCE), &[der::octets(url.as_bytes())]))
}

/// A notice that nobody asked for.
pub fn notice(name: &str) -> Vec<u8> {
    let name = der::primitive(Tag::context(10), name.as_bytes());
    let parts = [der::primitive(Tag::ENUMERATED, &[52]), der::octets(b""), der::octets(b"going down"), name];
    message(0, &der::constructed(Tag::application(op::EXTENDED_RESPONSE), &parts))
}

/// The naming contexts of a root DSE, and the end of that search.
pub fn root_dse(id: u64, attributes: &[(&str, &[&[u8]])]) -> Vec<u8> {
    [entry(id, "", attributes), result(id, op::DONE, 0, "")].concat()
}

/// What a client asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub id: u64,
    pub kind: u32,
    /// The encoding of the operation.
    pub raw: Vec<u8>,
}

impl Request {
    pub fn read(bytes: &[u8]) -> Self {
        let mut fields = Reader::single(bytes, "request").unwrap().sequence("request").unwrap();
        let id = fields.required(Tag::INTEGER, "id").unwrap().small("id").unwrap();
        let operation = fields.required_any("operation").unwrap();
        let kind = operation.tag.application_number().unwrap();
        Self { id, kind, raw: operation.raw().to_vec() }
    }

    /// The base of a search.
    pub fn base(&self) -> String {
        let operation = Reader::single(&self.raw, "search").unwrap();
        let base = operation.children("search").unwrap().required_any("base").unwrap();
        String::from_utf8(base.content().to_vec()).unwrap()
    }

    /// Whether it asks for the root DSE.
    pub fn is_for_root_dse(&self) -> bool {
        self.kind == op::SEARCH && self.raw.windows(11).any(|part| part == b"objectClass")
    }

    /// The names of the attributes that a search wants.
    pub fn attributes(&self) -> Vec<String> {
        let mut fields = Reader::single(&self.raw, "search").unwrap().children("search").unwrap();
        let mut last = None;
        while let Some(field) = fields.next_element().unwrap() {
            last = Some(field);
        }
        let mut list = last.unwrap().sequence("attributes").unwrap();
        let mut names = Vec::new();
        while let Some(name) = list.next_element().unwrap() {
            names.push(String::from_utf8(name.content().to_vec()).unwrap());
        }
        names
    }
}

/// What the server does about a request.
pub enum Reply {
    /// Sends this and waits for the next request.
    Send(Vec<u8>),
    /// Sends this and closes.
    Close(Vec<u8>),
    /// Sends this and says no more, without closing.
    Stall(Vec<u8>),
    /// Sends this, an octet at a time.
    Drip(Vec<u8>, Duration),
}

/// A server on 127.0.0.1, which tells what it was asked.
pub struct Server {
    pub address: SocketAddr,
    asked: Receiver<Request>,
}

impl Server {
    /// Answers by script until the test ends.
    pub fn start(script: impl Fn(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = channel();
        std::thread::spawn(move || {
            let mut stalled = Vec::new();
            for stream in listener.incoming().flatten() {
                if let Some(stream) = converse(stream, &script, &tell) {
                    stalled.push(stream);
                }
            }
        });
        Self { address, asked }
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Request> {
        let mut all: Vec<Request> = self.asked.try_iter().collect();
        // The last words of a client, which waits for no answer to them.
        while let Ok(request) = self.asked.recv_timeout(Duration::from_millis(100)) {
            all.push(request);
        }
        all
    }

    /// As a URL.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }
}

fn converse(mut stream: TcpStream, script: &impl Fn(&Request) -> Reply, tell: &Sender<Request>) -> Option<TcpStream> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    loop {
        let bytes = one_message(&mut stream).ok()?;
        let request = Request::read(&bytes);
        let _ = tell.send(request.clone());
        match script(&request) {
            Reply::Send(bytes) => stream.write_all(&bytes).ok()?,
            Reply::Close(bytes) => {
                let _ = stream.write_all(&bytes);
                return None;
            }
            Reply::Stall(bytes) => {
                let _ = stream.write_all(&bytes);
                return Some(stream);
            }
            Reply::Drip(bytes, pause) => {
                for octet in bytes {
                    stream.write_all(&[octet]).ok()?;
                    std::thread::sleep(pause);
                }
            }
        }
    }
}

/// One message of a client, whose lengths are ours and so definite.
fn one_message(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 2];
    stream.read_exact(&mut bytes)?;
    if bytes[0] != 0x30 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut length = usize::from(bytes[1]);
    if length > 128 {
        let mut octets = vec![0; length - 128];
        stream.read_exact(&mut octets)?;
        length = octets.iter().fold(0, |n, octet| n << 8 | usize::from(*octet));
        bytes.extend(octets);
    }
    let start = bytes.len();
    bytes.resize(start + length, 0);
    stream.read_exact(&mut bytes[start..])?;
    Ok(bytes)
}

/// A server's words in memory, and what was said to it.
pub struct Tape {
    says: Cursor<Vec<u8>>,
    pub heard: Vec<u8>,
}

impl Tape {
    pub fn new(says: Vec<u8>) -> Self {
        Self { says: Cursor::new(says), heard: Vec::new() }
    }

    /// What was said to it, message by message.
    pub fn requests(&self) -> Vec<Request> {
        let mut rest = self.heard.as_slice();
        std::iter::from_fn(|| one_message(&mut rest).ok()).map(|bytes| Request::read(&bytes)).collect()
    }
}

impl Read for Tape {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.says.read(buffer)
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
