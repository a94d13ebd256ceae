//! Content-Type values.
use super::Result;
use crate::base::reason::Reason;
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType { pub media_type: String, pub parameters: Vec<Parameter>, pub oddities: Vec<Reason> }
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter { pub name: String, pub value: String }
impl ContentType {
    /// Content-Type or Content-Disposition style value -> parts.
    pub fn parse(value: &[u8], offset: u64) -> Result<Self> { todo!() }
    pub fn is(&self, media_type: &str) -> bool { todo!() }
    pub fn is_multipart(&self) -> bool { todo!() }
    pub fn is_text(&self) -> bool { todo!() }
    pub fn parameter(&self, name: &str) -> Option<&str> { todo!() }
    pub fn boundary(&self) -> Result<&str> { todo!() }
}
