//! The way out.
use super::Result;
use crate::base::{address::EmailAddress, time::Time};
/// "Name: value" CRLF, folded at 76
pub fn field(name: &str, value: &str) -> Result<Vec<u8>> {
    todo!()
}
/// the same with encoded words where needed (Subject)
pub fn text_field(name: &str, text: &str) -> Result<Vec<u8>> {
    todo!()
}
pub fn mailbox_field(name: &str, mailboxes: &[Named]) -> Result<Vec<u8>> {
    todo!()
}
pub fn date_field(at: Time) -> Result<Vec<u8>> {
    todo!()
}
/// "----=_Part_<32 hex>"
pub fn boundary(random: [u8; 16]) -> String {
    todo!()
}
/// Watches a stream for a boundary in it (SEC-144), so that the check can share a pass.
#[derive(Clone, Debug)]
pub struct BoundaryWatch {}
impl BoundaryWatch {
    pub fn new(boundary: &str) -> Self {
        todo!()
    }
    pub fn feed(&mut self, chunk: &[u8]) {
        todo!()
    }
    pub fn found(&self) -> bool {
        todo!()
    }
}
#[derive(Clone, Debug)]
pub struct Named {
    pub name: Option<String>,
    pub address: EmailAddress,
}
#[derive(Clone, Debug)]
pub struct Draft {
    pub from: Vec<Named>,
    pub to: Vec<Named>,
    pub subject: String,
    pub date: Time,
    pub message_id: String,
    pub text: String,
    pub attachments: Vec<Attachment>,
    pub boundary: [u8; 16],
}
#[derive(Clone, Debug)]
pub struct Attachment {
    pub file_name: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
}
impl Draft {
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        todo!()
    }
}
