//! S/MIME.

pub mod asn1;
pub mod base;
pub mod cert;
pub mod cms;
pub mod compose;
pub mod crypto;
pub mod keys;
pub mod mime;
pub mod open;
pub mod policy;
pub mod store;

pub use base::address::EmailAddress;
pub use base::limits::Limits;
pub use base::reason::Reason;
pub use base::secret::Secret;
pub use base::time::Time;
pub use cert::certificate::Certificate;
pub use cert::chain::Trust;
pub use compose::encrypt::Encryptor;
pub use compose::message::Message;
pub use compose::recipients::{Plan as RecipientPlan, Recipients};
pub use compose::sign::Signer;
pub use keys::identity::Identity;
pub use open::opener::{Opened, Opener, Refused, Trusted};
pub use open::report::Report;
pub use open::requirement::{Requirement, RevocationMode};
pub use policy::policy::Policy;
pub use policy::profile::Profile;
pub use store::directory::{Certificates, Directory};
pub use store::keyring::Keyring;
