//! Who it says it is from and to.
use super::Result;
use super::header::HeaderBlock;
use crate::base::{address::EmailAddress, limits::Limits, reason::Reason, time::Time};
#[derive(Clone, Debug, Default)]
pub struct Mailboxes {
    pub from: Vec<Mailbox>,
    pub sender: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    pub oddities: Vec<Reason>,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    pub name: Option<String>,
    pub raw: String,
    pub address: Option<EmailAddress>,
}
impl Mailboxes {
    pub fn read(header: &HeaderBlock, limits: &Limits) -> Result<Self> {
        todo!()
    }
    /// To, Cc, Bcc in order
    pub fn recipients(&self) -> impl Iterator<Item = &Mailbox> {
        std::iter::empty()
    }
}
pub fn date(header: &HeaderBlock) -> Option<Time> {
    todo!()
}
pub fn subject(header: &HeaderBlock) -> Option<String> {
    todo!()
}
