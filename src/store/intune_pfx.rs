//! PKCS#12 files on their way through Intune (OUT-131 to OUT-133): the object that an administrator's tool uploads, with the
//! password encrypted for the connector's key, and what the connector makes of it. Nobody is asked over the network.

use super::import::{self, Import, ImportOptions};
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use crate::base::secret::Secret;
use crate::base::time::Time;
use crate::cert::purpose::{Purpose, PurposeRule, fits};
use crate::crypto;
use crate::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm, KeyTransport};
use crate::crypto::private::PrivateKey;
use crate::crypto::random::Random;
use crate::crypto::signature::PublicKey;
use crate::policy::value::Value;
use crate::store::pem;

/// Why there is no object, or no file out of one.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The PKCS#12 does not open, or is none.
    #[error("the PKCS#12: {0}")]
    Pfx(#[from] super::Error),
    /// A member of the object is missing, or is not what it should be.
    #[error("{member}: {why}")]
    Member {
        /// Its name.
        member: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The certificate is not for that.
    #[error("the certificate does not serve for {}: {}", .purpose.name(), .reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Purpose {
        /// What it was to be for.
        purpose: IntendedPurpose,
        /// Why not.
        reasons: Vec<Reason>,
    },
    /// The password has characters that have no octet of their own.
    #[error("the password has characters beyond U+00FF, which Intune's connector cannot write")]
    Password,
    /// What is to be a public key is none.
    #[error("it is neither a PEM public key nor a CNG RSAPUBLICBLOB: {0}")]
    PublicKey(String),
    /// The password is not encrypted for this key, or the object is damaged.
    #[error("the password of the object does not decrypt: it is for another key, or damaged")]
    Decrypt,
    /// Arithmetic.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal, $number:literal);+ $(;)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Its word in the object.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// By its word, or by its number.
            fn read(value: &Value) -> Option<Self> {
                match value {
                    $(Value::Text(text) if text == $word => Some(Self::$variant),)+
                    $(Value::Integer($number) => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                Self::read(&Value::Text(word.to_owned())).ok_or_else(|| format!("there are {}", [$($word),+].join(", ")))
            }
        }
    };
}

words! {
    /// intendedPurpose.
    IntendedPurpose {
        /// Nobody said.
        Unassigned = "unassigned", 0;
        /// Mail is encrypted to it.
        SmimeEncryption = "smimeEncryption", 1;
        /// Mail is signed with it.
        SmimeSigning = "smimeSigning", 2;
        /// It opens a network.
        Vpn = "vpn", 4;
        /// It opens a network.
        Wifi = "wifi", 8;
    }
}

words! {
    /// paddingScheme: OAEP with one hash for both. Microsoft's none, pkcs1 and oaepSha1 are not written and not read.
    PaddingScheme {
        /// SHA-256.
        OaepSha256 = "oaepSha256", 3;
        /// SHA-384.
        OaepSha384 = "oaepSha384", 4;
        /// SHA-512, as Microsoft's tool has it.
        OaepSha512 = "oaepSha512", 5;
    }
}

impl PaddingScheme {
    fn transport(self) -> KeyTransport {
        KeyTransport::oaep(match self {
            Self::OaepSha256 => DigestAlgorithm::Sha256,
            Self::OaepSha384 => DigestAlgorithm::Sha384,
            Self::OaepSha512 => DigestAlgorithm::Sha512,
        })
    }
}

/// What an object says beside the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Whose it is.
    pub user_principal_name: String,
    /// What for.
    pub intended_purpose: IntendedPurpose,
    /// The key store of the connector's machine.
    pub provider_name: String,
    /// The key in it that the password is encrypted for.
    pub key_name: String,
    /// How.
    pub padding_scheme: PaddingScheme,
}

/// A userPFXCertificate of Microsoft Graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPfxCertificate {
    /// SHA-1 of the certificate, lower-case hexadecimal digits.
    pub thumbprint: String,
    /// Whose it is, and how it is protected.
    pub delivery: Delivery,
    /// The certificate's first moment.
    pub start: Time,
    /// Its last.
    pub expiration: Time,
    /// When the object was made.
    pub created: Time,
    /// When it was changed.
    pub last_modified: Time,
    /// The PKCS#12 itself.
    pub encrypted_pfx_blob: Vec<u8>,
    /// Its password, encrypted.
    pub encrypted_pfx_password: Vec<u8>,
}

const TYPE: &str = "#microsoft.graph.userPFXCertificate";

impl UserPfxCertificate {
    /// Makes the object of a PKCS#12 that this password opens.
    ///
    /// # Errors
    /// [`Error::Pfx`], also for a wrong password; [`Error::Purpose`] where it is for mail and its certificate is not;
    /// [`Error::Password`]; [`Error::Crypto`].
    pub fn build(
        pfx: &[u8],
        password: &Secret,
        delivery: Delivery,
        connector: &PublicKey,
        now: Time,
        random: &mut dyn Random,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let octets = one_octet_each(password)?;
        let import = import::read(pfx, Some(password), &ImportOptions::default(), limits)?;
        let certificate = import.sole_identity()?.certificate();
        let purpose = match delivery.intended_purpose {
            IntendedPurpose::SmimeEncryption => Purpose::Encrypt,
            IntendedPurpose::SmimeSigning => Purpose::Sign,
            _ => Purpose::Any,
        };
        let reasons = fits(certificate, purpose, &PurposeRule::default());
        if !reasons.is_empty() {
            return Err(Error::Purpose { purpose: delivery.intended_purpose, reasons });
        }
        let encrypted = connector.encrypt_with(random, &delivery.padding_scheme.transport(), octets.expose())?;
        Ok(Self {
            thumbprint: hex(&certificate.sha1()),
            start: certificate.not_before(),
            expiration: certificate.not_after(),
            created: now,
            last_modified: now,
            encrypted_pfx_blob: pfx.to_vec(),
            encrypted_pfx_password: encrypted,
            delivery,
        })
    }

    /// The connector's part: decrypts the password, opens the file, and holds the object against what is in it.
    ///
    /// # Errors
    /// [`Error::Decrypt`]; [`Error::Pfx`]; [`Error::Member`] where the thumbprint is that of another certificate.
    pub fn open(
        &self,
        connector: &PrivateKey,
        random: &mut dyn Random,
        limits: &Limits,
    ) -> Result<(Import, Secret), Error> {
        let transport = self.delivery.padding_scheme.transport();
        let octets = connector.decrypt_of_any_length(random, &transport, &self.encrypted_pfx_password);
        let octets = octets.map_err(|error| match error {
            crypto::Error::Decrypt => Error::Decrypt,
            other => other.into(),
        })?;
        let password = characters(&octets);
        let import = import::read(&self.encrypted_pfx_blob, Some(&password), &ImportOptions::default(), limits)?;
        let found = hex(&import.sole_identity()?.certificate().sha1());
        if found != self.thumbprint {
            let why = format!("the object says {}, and its certificate is {found}", visible(&self.thumbprint));
            return Err(Error::Member { member: "thumbprint", why });
        }
        Ok((import, password))
    }

    /// The object, its members in Microsoft's order, to be written as JSON.
    pub fn to_value(&self) -> Value {
        let text = |text: &str| Value::Text(text.to_owned());
        let time = |time: Time| Value::Text(time.to_string());
        let delivery = &self.delivery;
        let members = [
            ("@odata.type", text(TYPE)),
            ("thumbprint", text(&self.thumbprint)),
            ("intendedPurpose", text(delivery.intended_purpose.name())),
            ("userPrincipalName", text(&delivery.user_principal_name)),
            ("startDateTime", time(self.start)),
            ("expirationDateTime", time(self.expiration)),
            ("providerName", text(&delivery.provider_name)),
            ("keyName", text(&delivery.key_name)),
            ("paddingScheme", text(delivery.padding_scheme.name())),
            ("encryptedPfxBlob", text(&pem::encode(&self.encrypted_pfx_blob))),
            ("encryptedPfxPassword", text(&pem::encode(&self.encrypted_pfx_password))),
            ("createdDateTime", time(self.created)),
            ("lastModifiedDateTime", time(self.last_modified)),
        ];
        Value::Map(members.map(|(name, value)| (name.to_owned(), value)).to_vec())
    }

    /// Reads an object; members of other names are passed over.
    ///
    /// # Errors
    /// [`Error::Member`].
    pub fn from_value(value: &Value) -> Result<Self, Error> {
        let object = Object(value);
        if object.text("@odata.type")? != TYPE {
            return Err(wrong("@odata.type", format!("it is not {TYPE}")));
        }
        let purpose = IntendedPurpose::read(object.member("intendedPurpose")?);
        let padding = PaddingScheme::read(object.member("paddingScheme")?);
        let words = "it is none of those that are read: oaepSha256, oaepSha384 and oaepSha512";
        Ok(Self {
            thumbprint: object.text("thumbprint")?.to_lowercase(),
            delivery: Delivery {
                user_principal_name: object.text("userPrincipalName")?.to_owned(),
                intended_purpose: purpose.ok_or_else(|| wrong("intendedPurpose", "it is none that there is".into()))?,
                provider_name: object.text("providerName")?.to_owned(),
                key_name: object.text("keyName")?.to_owned(),
                padding_scheme: padding.ok_or_else(|| wrong("paddingScheme", words.into()))?,
            },
            start: object.time("startDateTime")?,
            expiration: object.time("expirationDateTime")?,
            created: object.time("createdDateTime")?,
            last_modified: object.time("lastModifiedDateTime")?,
            encrypted_pfx_blob: object.octets("encryptedPfxBlob")?,
            encrypted_pfx_password: object.octets("encryptedPfxPassword")?,
        })
    }
}

fn wrong(member: &'static str, why: String) -> Error {
    Error::Member { member, why }
}

struct Object<'v>(&'v Value);

impl<'v> Object<'v> {
    fn member(&self, name: &'static str) -> Result<&'v Value, Error> {
        self.0.member(name).ok_or_else(|| wrong(name, "it is missing".to_owned()))
    }

    fn text(&self, name: &'static str) -> Result<&'v str, Error> {
        self.member(name)?.text().ok_or_else(|| wrong(name, "it is no text".to_owned()))
    }

    fn time(&self, name: &'static str) -> Result<Time, Error> {
        self.text(name)?.parse().map_err(|_| wrong(name, "it is no time".to_owned()))
    }

    fn octets(&self, name: &'static str) -> Result<Vec<u8>, Error> {
        let octets = pem::decode_bare(self.text(name)?.as_bytes());
        octets.map(|octets| octets.expose().to_vec()).ok_or_else(|| wrong(name, "it is no base64".to_owned()))
    }
}

/// OUT-132: one octet for each character.
fn one_octet_each(password: &Secret) -> Result<Secret, Error> {
    let text = std::str::from_utf8(password.expose()).map_err(|_| Error::Password)?;
    let mut octets = Vec::with_capacity(text.len());
    for character in text.chars() {
        octets.push(u8::try_from(u32::from(character)).map_err(|_| Error::Password)?);
    }
    Ok(Secret::new(octets))
}

fn characters(octets: &Secret) -> Secret {
    let mut text = String::with_capacity(2 * octets.len());
    text.extend(octets.expose().iter().map(|octet| char::from(*octet)));
    Secret::new(text.into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the connector's public key: a SubjectPublicKeyInfo in PEM or DER, or a CNG RSAPUBLICBLOB, bare or in base64
/// (OUT-132).
///
/// # Errors
/// [`Error::PublicKey`]; [`Error::Crypto`] for a key outside the limits.
pub fn read_public_key(bytes: &[u8], limits: &Limits) -> Result<PublicKey, Error> {
    if pem::is_pem(bytes) {
        let blocks = pem::read(bytes)?;
        let block = blocks.iter().find(|block| block.label == "PUBLIC KEY");
        let block = block.ok_or_else(|| Error::PublicKey("there is no PUBLIC KEY in it".to_owned()))?;
        return Ok(PublicKey::from_spki(block.data.expose(), limits)?);
    }
    match bytes.first() {
        Some(0x30) => Ok(PublicKey::from_spki(bytes, limits)?),
        _ if bytes.starts_with(MAGIC) => from_blob(bytes, limits),
        _ => match pem::decode_bare(bytes) {
            Some(decoded) if decoded.expose().starts_with(MAGIC) => from_blob(decoded.expose(), limits),
            _ => Err(Error::PublicKey("it begins like neither".to_owned())),
        },
    }
}

const MAGIC: &[u8] = b"RSA1";

/// `BCRYPT_RSAKEY_BLOB { Magic, BitLength, cbPublicExp, cbModulus, cbPrime1, cbPrime2 }`, little-endian, then exponent and
/// modulus, big-endian.
fn from_blob(blob: &[u8], limits: &Limits) -> Result<PublicKey, Error> {
    let wrong = |why: &str| Error::PublicKey(why.to_owned());
    let (head, rest) = blob.split_at_checked(24).ok_or_else(|| wrong("it ends within its head"))?;
    let mut numbers =
        head.chunks_exact(4).map(|four| four.iter().rev().fold(0u64, |n, octet| n << 8 | u64::from(*octet)));
    let [_, bits, exponent, modulus, prime1, prime2] = std::array::from_fn(|_| numbers.next().unwrap_or_default());
    if (prime1, prime2) != (0, 0) || exponent + modulus != rest.len() as u64 {
        return Err(wrong("its lengths are not those of a public key"));
    }
    let at = usize::try_from(exponent).unwrap_or(usize::MAX);
    let (exponent, modulus) = rest.split_at_checked(at).ok_or_else(|| wrong("it ends too early"))?;
    let numbers = der::sequence(&[der::unsigned(modulus), der::unsigned(exponent)]);
    let algorithm = AlgorithmIdentifier::with_null(oid::RSA_ENCRYPTION).to_der();
    let key = PublicKey::from_spki(&der::sequence(&[algorithm, der::bits(&numbers)]), limits)?;
    if u64::from(key.bits()) != bits {
        return Err(wrong("its modulus has another length than it says"));
    }
    Ok(key)
}
