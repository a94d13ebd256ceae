//! Connections to hosts that certificates name, and so to whatever an attacker chose (SEC-131, SEC-133): only to
//! addresses that are allowed, to the very address that was looked at, and never for longer than was given.
//!
//! Time comes in as durations; they are counted on the monotonic clock.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// The moment at which everything ends, whoever is still talking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now. A duration beyond a day is a day.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time.min(Duration::from_secs(86_400)))
    }

    /// The earlier one of this and so long from now.
    #[must_use]
    pub fn within(self, time: Duration) -> Self {
        self.min(Self::after(time))
    }

    /// How much time is left; zero where none is.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether no time is left.
    pub fn is_over(self) -> bool {
        self.left().is_zero()
    }
}

/// How long each step may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the first question for the name until the connection stands.
    pub connect: Duration,
    /// From then until the first octet of the answer.
    pub first_byte: Duration,
    /// One exchange with one host, all of it.
    pub exchange: Duration,
    /// All exchanges for one judgement.
    pub judgement: Duration,
}

impl Default for Timeouts {
    /// 3, 5, 10 and 20 seconds (SEC-133).
    fn default() -> Self {
        let [connect, first_byte, exchange, judgement] = [3, 5, 10, 20].map(Duration::from_secs);
        Self { connect, first_byte, exchange, judgement }
    }
}

/// Finds the addresses of a host. The library asks nobody else.
pub trait Resolver: Send + Sync {
    /// Every address of `host`, which is a name; answers before the deadline.
    ///
    /// # Errors
    /// What the look-up gives; [`io::ErrorKind::TimedOut`] where the time was not enough.
    fn resolve(&self, host: &str, deadline: Deadline) -> io::Result<Vec<IpAddr>>;
}

/// The system's own resolver. It knows no time limit, so each look-up runs in a thread of its own, which is left to itself
/// when the time is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str, deadline: Deadline) -> io::Result<Vec<IpAddr>> {
        let (answer, receiver) = mpsc::channel();
        let host = host.to_owned();
        std::thread::Builder::new().name("resolver".to_owned()).spawn(move || {
            let found = (host.as_str(), 0).to_socket_addrs();
            // Nobody listens any more where the time is over.
            let _ = answer.send(found.map(|list| list.map(|address| address.ip()).collect()));
        })?;
        receiver.recv_timeout(deadline.left()).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Which addresses may be connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Addresses {
    /// Those of the public Internet only.
    #[default]
    Public,
    /// For these hosts, given as names or addresses, those of private networks and of this machine, too.
    PublicAnd(Vec<String>),
    /// For every host those of private networks and of this machine, too.
    PublicAndPrivate,
}

impl Addresses {
    /// Whether `host` may be reached at `address`. Addresses that lead to no host of a network, and those where clouds
    /// keep the secrets of a machine, are reached by nobody.
    pub fn allow(&self, host: &str, address: IpAddr) -> bool {
        match kind_of(address) {
            AddressKind::Public => true,
            AddressKind::Private => match self {
                Self::Public => false,
                Self::PublicAnd(hosts) => hosts.iter().any(|known| bare(known).eq_ignore_ascii_case(bare(host))),
                Self::PublicAndPrivate => true,
            },
            AddressKind::Never => false,
        }
    }
}

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// To a host of the public Internet.
    Public,
    /// To this machine or a network that is not public.
    Private,
    /// To a link, to many, to nobody, or to the metadata of a cloud.
    Never,
}

/// Where an address leads (IANA's registries of special-purpose addresses). One that carries an IPv4 address leads where
/// that leads.
pub fn kind_of(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(address) => kind_of_v4(address),
        IpAddr::V6(address) => kind_of_v6(address),
    }
}

fn kind_of_v4(address: Ipv4Addr) -> AddressKind {
    use AddressKind::{Never, Private, Public};
    match address.octets() {
        // Link-local with the metadata of most clouds, and those of two others.
        [169, 254, ..] | [100, 100, 100, 200] | [192, 0, 0, 192] => Never,
        [0 | 224..=255, ..] => Never,
        [10 | 127, ..] | [192, 168, ..] => Private,
        [172, second, ..] if second & 0xf0 == 16 => Private,
        [100, second, ..] if second & 0xc0 == 64 => Private,
        // Protocol assignments, documentation, the relays of 6to4, benchmarks.
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => Private,
        _ => Public,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> AddressKind {
    use AddressKind::{Never, Private, Public};
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        kind_of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Never,
        [0, 0, 0, 0, 0, 0, 0, 1] => Private,
        // IPv4-mapped, IPv4-translated, IPv4-compatible, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0, 0, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => embedded(high, low),
        [0xfd00, 0x0ec2, ..] => Never,
        [first, ..] if first & 0xffc0 == 0xfe80 || first & 0xff00 == 0xff00 => Never,
        // Protocol assignments with Teredo, documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => Private,
        [0x3fff, second, ..] if second < 0x1000 => Private,
        [first, ..] if first & 0xe000 == 0x2000 => Public,
        _ => Private,
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host is written in a way that different programs read differently, or not at all.
    #[error("\"{0}\" is no name of a host")]
    Host(String),
    /// The name has no address.
    #[error("the name {host} has no address: {source}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// It leads to where nobody is to be sent (SEC-131).
    #[error("{host} is at {address}, which is not of the public Internet: it is not asked")]
    NotAllowed {
        /// The name.
        host: String,
        /// Its first address.
        address: IpAddr,
    },
    /// The time was over.
    #[error("there was no connection to {host} in time")]
    TimedOut {
        /// The name.
        host: String,
    },
    /// The host refused, or could not be reached.
    #[error("there is no connection to {host} at {address}: {source}")]
    Unreachable {
        /// The name.
        host: String,
        /// The address that was tried last.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Makes connections.
#[derive(Clone)]
pub struct Connector {
    resolver: Arc<dyn Resolver>,
    addresses: Addresses,
    timeouts: Timeouts,
}

/// At most so many addresses of one name are tried.
const TRIED: usize = 4;

impl Connector {
    /// With the system's resolver, to public addresses only.
    pub fn new(timeouts: Timeouts) -> Self {
        Self { resolver: Arc::new(SystemResolver), addresses: Addresses::Public, timeouts }
    }

    /// With another resolver.
    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver, ..self }
    }

    /// To other addresses, too.
    #[must_use]
    pub fn with_addresses(self, addresses: Addresses) -> Self {
        Self { addresses, ..self }
    }

    /// How long each step may take.
    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Connects to a host, given as a name or an address. The name is resolved once, and what is connected to is an
    /// address that came out of that. At most `bytes` are read from the connection, and none after `deadline`.
    ///
    /// # Errors
    /// [`Error`], and then no connection is open.
    pub fn connect(&self, host: &str, port: u16, deadline: Deadline, bytes: u64) -> Result<Deadlined, Error> {
        let by = deadline.within(self.timeouts.connect);
        let late = || Error::TimedOut { host: host.to_owned() };
        let found = match literal(host)? {
            Some(address) => vec![address],
            None => self.resolver.resolve(host, by).map_err(|source| match source.kind() {
                io::ErrorKind::TimedOut => late(),
                _ => Error::Resolve { host: host.to_owned(), source },
            })?,
        };
        let allowed = found.iter().filter(|address| self.addresses.allow(host, **address));
        let mut last = match found.first() {
            None => Error::Resolve { host: host.to_owned(), source: io::ErrorKind::NotFound.into() },
            Some(address) => Error::NotAllowed { host: host.to_owned(), address: *address },
        };
        for address in allowed.take(TRIED) {
            let address = SocketAddr::new(*address, port);
            if by.is_over() {
                return Err(late());
            }
            match TcpStream::connect_timeout(&address, by.left().max(Duration::from_millis(1))) {
                Ok(stream) => {
                    // What is sent is small and waits for nothing; where that cannot be asked for, it is slower.
                    let _ = stream.set_nodelay(true);
                    let first_byte = Some(deadline.within(self.timeouts.first_byte));
                    return Ok(Deadlined { stream, deadline, first_byte, left: bytes });
                }
                Err(source) if source.kind() == io::ErrorKind::TimedOut => last = late(),
                Err(source) => last = Error::Unreachable { host: host.to_owned(), address, source },
            }
        }
        Err(last)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("addresses", &self.addresses).field("timeouts", &self.timeouts).finish()
    }
}

/// Without the brackets that IPv6 addresses have in URLs.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// The address that a host is written as; `None` where it is a name. What some programs take for an address and others
/// for a name ("0x7f.1", "127.1", "2130706433") is neither.
fn literal(host: &str) -> Result<Option<IpAddr>, Error> {
    let wrong = || Error::Host(crate::base::reason::visible(&host.chars().take(80).collect::<String>()));
    if host.starts_with('[') || host.contains(':') {
        return bare(host).parse::<Ipv6Addr>().map(|address| Some(address.into())).map_err(|_| wrong());
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Ok(Some(address.into()));
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let sound = |label: &str| {
        let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(plain)
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").or(last.strip_prefix("0X"));
    let number = last.bytes().all(|octet| octet.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|octet| octet.is_ascii_hexdigit()));
    if name.len() > 253 || !name.split('.').all(sound) || number { Err(wrong()) } else { Ok(None) }
}

/// A connection whose every step takes from one time and one number of octets, so that whoever sends little by little
/// gains nothing.
#[derive(Debug)]
pub struct Deadlined {
    stream: TcpStream,
    deadline: Deadline,
    /// Until the first octet is here.
    first_byte: Option<Deadline>,
    left: u64,
}

/// What an [`io::Error`] of a [`Deadlined`] holds where more came than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is larger than is read of one")]
pub struct TooMuch;

impl Deadlined {
    /// For the next exchange on the same connection: another deadline, and another number of octets.
    pub fn renew(&mut self, deadline: Deadline, bytes: u64) {
        (self.deadline, self.first_byte, self.left) = (deadline, None, bytes);
    }

    /// When it ends.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    fn remaining(deadline: Deadline) -> io::Result<Option<Duration>> {
        match deadline.left() {
            left if left.is_zero() => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

/// Systems call a read that took too long either of two things.
fn late(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

impl Read for Deadlined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let until = self.first_byte.unwrap_or(self.deadline);
        self.stream.set_read_timeout(Self::remaining(until)?)?;
        // One octet more than is left tells the end of the answer from an answer that goes on.
        let most = usize::try_from(self.left.saturating_add(1)).unwrap_or(usize::MAX).min(buffer.len());
        let room = buffer.get_mut(..most).unwrap_or_default();
        let count = self.stream.read(room).map_err(late)?;
        self.first_byte = None;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::new(io::ErrorKind::InvalidData, TooMuch)),
        }
        Ok(count)
    }
}

impl Write for Deadlined {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Self::remaining(self.deadline)?)?;
        self.stream.write(bytes).map_err(late)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests;
