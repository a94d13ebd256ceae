//! TLS as a client, with roots that the caller gives and no others: rustls with a provider without C. The server proves
//! the name, or the address, that it was asked for by; there is no way to go without.

use crate::base::time::Time;
use crate::cert::certificate::Certificate;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

/// Why there is no TLS.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No roots were given.
    #[error("no authority was given that the server's certificate could be held against")]
    NoRoots,
    /// A root cannot serve as one.
    #[error("the certificate of {subject} cannot serve as a root for TLS: {why}")]
    Root {
        /// Whose certificate.
        subject: String,
        /// What is wrong with it.
        why: String,
    },
    /// This machine's processor lacks what the provider needs.
    #[error("TLS needs a processor with AES, AVX2 and the like (x86-64 since 2015, or aarch64), and this is none")]
    Processor,
    /// The host is neither a name nor an address.
    #[error("{0:?} is neither a name nor an address that a certificate could have")]
    Name(String),
    /// The handshake failed: the server's certificate is not good for its name, or the two found no common ground.
    #[error("there is no TLS with {host}: {why}")]
    Handshake {
        /// The host.
        host: String,
        /// What happened.
        why: String,
    },
}

/// What a TLS client goes by; made once for many connections.
#[derive(Clone, Debug)]
pub struct Tls(Arc<ClientConfig>);

/// A connection within TLS.
pub type TlsStream<S> = StreamOwned<ClientConnection, S>;

impl Tls {
    /// With these roots, judged at this time. TLS 1.3 and 1.2, no client certificate, no resumption.
    ///
    /// # Errors
    /// [`Error::NoRoots`], [`Error::Root`], [`Error::Processor`].
    pub fn new(roots: &[Certificate], now: Time) -> Result<Self, Error> {
        let mut store = RootCertStore::empty();
        for root in roots {
            let fail = |e: rustls::Error| Error::Root { subject: root.subject().to_string(), why: e.to_string() };
            store.add(CertificateDer::from(root.der().to_vec())).map_err(fail)?;
        }
        if store.is_empty() {
            return Err(Error::NoRoots);
        }
        let clock = Arc::new(Clock(now));
        let mut config = ClientConfig::builder_with_details(provider()?, clock)
            .with_safe_default_protocol_versions()
            .map_err(|_| Error::Processor)?
            .with_root_certificates(store)
            .with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }

    /// Shakes hands with a host, which has to prove that it is `host`: a name, or an address that stands in the
    /// subjectAltName as one.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Handshake`].
    pub fn connect<S: Read + Write>(&self, host: &str, mut stream: S) -> Result<TlsStream<S>, Error> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::Name(host.to_owned()))?;
        let fail = |why: String| Error::Handshake { host: host.to_owned(), why };
        let mut connection = ClientConnection::new(self.0.clone(), name).map_err(|e| fail(e.to_string()))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).map_err(|e| fail(words(&e)))?;
        }
        Ok(StreamOwned::new(connection, stream))
    }
}

fn words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::TimedOut => "the server did not answer in time".to_owned(),
        std::io::ErrorKind::UnexpectedEof => {
            "the server closed the connection in the middle of the handshake".to_owned()
        }
        _ => error.to_string(),
    }
}

/// The caller's time, which stands still.
#[derive(Debug)]
struct Clock(Time);

impl rustls::time_provider::TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.unix()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn provider() -> Result<Arc<rustls::crypto::CryptoProvider>, Error> {
    match graviola::util::is_cpu_supported() {
        true => Ok(Arc::new(rustls_graviola::default_provider())),
        false => Err(Error::Processor),
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn provider() -> Result<Arc<rustls::crypto::CryptoProvider>, Error> {
    Err(Error::Processor)
}
