//! Floor 6: where certificates and keys come from. [`import`] reads any file that holds some; [`pem`], [`p12`], [`p7c`],
//! [`sst`] and [`ldif`] are the formats beneath it, with their writers; [`directory`] finds the certificates of an address,
//! [`groups`] the members of a list, [`select`] the certificate that somebody signs with, [`keyring`] the key that opens a
//! message, and [`delivery`] what a managed device uses, to which [`intune_pfx`] brings it.
//!
//! Bytes come in, bytes go out. Only [`keyring_folder`], which callers ask for by name, opens files.

#![deny(clippy::indexing_slicing)]

pub mod appraisal;
pub mod delivery;
pub mod directory;
pub mod groups;
pub mod import;
pub mod intune_pfx;
pub mod keyring;
pub mod keyring_folder;
pub mod ldif;
#[cfg(feature = "msg")]
pub mod msg;
pub mod p12;
pub mod p7c;
pub mod pem;
pub(crate) mod private_folder;
pub mod select;
pub mod sst;

use crate::asn1;
use crate::cert;
use crate::crypto;
use crate::crypto::password;

/// Why a file with keys or certificates is not read. Each says what to try.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is not a byte in it.
    #[error("the file is empty")]
    Empty,
    /// It is larger than any such file is (SEC-126).
    #[error("the file has {size} bytes, where at most {limit} are read as {what}")]
    TooLarge {
        /// What it was going to be read as.
        what: &'static str,
        /// Bytes.
        size: usize,
        /// Bytes: `Limits::key_file_bytes` for keys, `Limits::structure_bytes` for certificates.
        limit: usize,
    },
    /// It is none of the formats that are read.
    #[error(
        "it is {found}; PKCS#12, PKCS#8, PKCS#7 and certificates are read, each as PEM, base64 or DER, and .sst and \
         LDIF files: export the key or certificate again in one of them"
    )]
    NotRecognised {
        /// What it seems to be.
        found: String,
    },
    /// A password belongs to it, and none was given.
    #[error("{what} is protected by a password: give it (--password-file)")]
    PasswordNeeded {
        /// What is protected.
        what: &'static str,
    },
    /// The password does not open it, or it is damaged; the two cannot be told apart (SEC-125).
    #[error("the password is wrong, or the file is damaged: try another password, or export the file again")]
    WrongPasswordOrCorrupt,
    /// There are private keys, but none of the certificates is for one of them.
    #[error("the private key ({}) comes without its certificate: give the certificate as well", .keys.join(", "))]
    KeyWithoutCertificate {
        /// What the keys are: "RSA-2048".
        keys: Vec<String>,
    },
    /// There are certificates, but no private key.
    #[error("it holds {certificates} certificates and no private key: export it with the key, or give the key (--key)")]
    CertificateWithoutKey {
        /// How many.
        certificates: usize,
    },
    /// There are several private keys with certificates where one is wanted.
    #[error("it holds several keys with certificates ({}): say which one is meant", .subjects.join("; "))]
    SeveralIdentities {
        /// The certificates' subjects.
        subjects: Vec<String>,
    },
    /// It needs an algorithm that is not read.
    #[error("{what} is not supported: {name}; use RSA or NIST curves for keys, and PBES2 with AES to protect them")]
    UnsupportedAlgorithm {
        /// The part that the algorithm plays.
        what: &'static str,
        /// Its name or object identifier.
        name: String,
    },
    /// A PKCS#12 file without MAC: anybody can have altered it (SEC-122).
    #[error("the PKCS#12 file has no MAC, so nothing says that it is unaltered: accept that by name if you must")]
    NoMac,
    /// It asks for more than [`Limits`](crate::base::limits::Limits) allows.
    #[error("{name} is {asked}, where at most {limit} is allowed")]
    Limit {
        /// What is limited.
        name: &'static str,
        /// What the file asks for.
        asked: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The PEM armour is broken.
    #[error("line {line} of the PEM text: {why}")]
    Pem {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The structure is broken.
    #[error("the file is malformed: {0}")]
    Malformed(#[from] asn1::Error),
    /// Parameters that an algorithm cannot have.
    #[error("{what}: {why}")]
    Parameters {
        /// Whose parameters.
        what: &'static str,
        /// What is wrong with them.
        why: String,
    },
    /// A certificate that cannot be read.
    #[error("certificate: {0}")]
    Certificate(#[from] cert::Error),
    /// A serialized store that cannot be read (OUT-102).
    #[error("serialized store: {0}")]
    Sst(#[from] sst::Error),
    /// An LDIF file that cannot be read.
    #[error("LDIF, {0}")]
    Ldif(#[from] ldif::Error),
    /// A private key that cannot be read, or that contradicts itself (SEC-127).
    #[error("private key: {0}")]
    Key(crypto::Error),
    /// No random numbers are to be had (SEC-84).
    #[error("no random numbers: {0}")]
    Random(String),
}

impl From<crypto::Error> for Error {
    fn from(error: crypto::Error) -> Self {
        match error {
            crypto::Error::UnsupportedAlgorithm { what, oid } => Self::UnsupportedAlgorithm { what, name: oid },
            other => Self::Key(other),
        }
    }
}

impl From<password::Error> for Error {
    fn from(error: password::Error) -> Self {
        match error {
            password::Error::Asn1(e) => Self::Malformed(e),
            password::Error::Unsupported { what, name } => Self::UnsupportedAlgorithm { what, name },
            password::Error::Parameters { what, why } => Self::Parameters { what, why },
            password::Error::Iterations { asked, limit } => {
                Self::Limit { name: "the iterations of password derivation in this file", asked, limit }
            }
            password::Error::Memory { n, r, p, limit } => Self::Limit {
                name: "the memory that scrypt needs, in bytes,",
                asked: n.saturating_add(p).saturating_mul(r).saturating_mul(128),
                limit,
            },
            password::Error::WrongPasswordOrCorrupt => Self::WrongPasswordOrCorrupt,
            password::Error::Random(why) => Self::Random(why),
            // That of a recipient of a message; no key file has it.
            error @ password::Error::NoKeyDerivation => {
                Self::Parameters { what: "the password recipient", why: error.to_string() }
            }
        }
    }
}

/// What the store gives.
pub type Result<T> = std::result::Result<T, Error>;

/// Certificates for the tests of this floor.
#[cfg(test)]
pub(crate) mod testing {
    use crate::asn1::oid;
    use crate::base::time::Time;
    use crate::cert::certificate::Certificate;
    use crate::cert::extension::KeyUsage;
    use crate::cert::issue::{CertificateTemplate, issue};
    use crate::cert::name::Name;
    use crate::crypto::algorithm::{DigestAlgorithm, SignatureScheme};
    use crate::crypto::private::PrivateKey;
    use crate::crypto::signature::KeyKind;

    pub(crate) fn key() -> PrivateKey {
        PrivateKey::generate(KeyKind::P256, 0).unwrap()
    }

    /// A user's certificate, by an issuer, or by itself as a CA's.
    pub(crate) fn certificate(
        name: &str,
        serial: u8,
        key: &PrivateKey,
        issuer: Option<(&Certificate, &PrivateKey)>,
    ) -> Certificate {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let validity = (at(&format!("20{:02}-01-01T00:00:00Z", serial)), at("2050-01-01T00:00:00Z"));
        let subject = Name::build(&[(oid::COMMON_NAME, name)]);
        let template =
            CertificateTemplate::new(subject, issuer.map(|(i, _)| i), &[serial], validity, &key.public_key_spki());
        let template = match issuer {
            Some(_) => template.for_mail(&["alice@example.com".parse().unwrap()], KeyUsage::DIGITAL_SIGNATURE),
            None => template.for_authority(None),
        };
        let scheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);
        let signer = issuer.map_or(key, |(_, key)| key);
        issue(&template, &scheme.identifier(), &|tbs| signer.sign(&scheme, tbs).map_err(Into::into)).unwrap()
    }
}
