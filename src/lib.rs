//! S/MIME.

pub mod asn1;
pub mod base;

pub use base::limits::Limits;
pub use base::secret::Secret;
pub use base::time::Time;
