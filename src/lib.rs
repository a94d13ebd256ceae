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

pub use base::limits::Limits;
pub use base::reason::Reason;
pub use base::secret::Secret;
pub use base::time::Time;
