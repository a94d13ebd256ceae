//! What will be protected.
use super::Result;
use super::entity::Entity;
use super::mailboxes::Mailbox;
use crate::base::{limits::Limits, reason::Reason, source::SharedSource};
use std::io::{self, Write};
pub struct Protected<'a> {
    /** header fields that stay outside, CRLF, no blank line */
    pub outer: Vec<u8>,
    pub removed_bcc: Vec<Mailbox>,
    pub kind: Kind,
    pub plan: Plan<'a>,
    pub entity: Entity,
    pub notes: Vec<Reason>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    AlreadySigned,
    AlreadyEncrypted,
}
#[derive(Clone)]
pub struct Plan<'a> {
    source: SharedSource<'a>,
}
impl<'a> Protected<'a> {
    pub fn prepare(source: &SharedSource<'a>, limits: &Limits) -> Result<Self> {
        todo!()
    }
}
impl<'a> Plan<'a> {
    pub fn verbatim(source: &SharedSource<'a>) -> Self {
        todo!()
    }
    pub fn for_each(&self, out: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        todo!()
    }
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        todo!()
    }
    pub fn to_vec(&self) -> io::Result<Vec<u8>> {
        todo!()
    }
    pub fn length(&self) -> io::Result<u64> {
        todo!()
    }
    /// whether "--boundary" stands anywhere in it (SEC-144)
    pub fn contains_boundary(&self, boundary: &str) -> io::Result<bool> {
        todo!()
    }
}
