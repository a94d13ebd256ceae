//! The tree of entities.
use super::Result;
use super::content_type::ContentType;
use super::header::HeaderBlock;
use super::transfer::{Strictness, TransferEncoding};
use crate::base::{limits::Limits, reason::Reason, source::SharedSource};
use std::io::{self, BufRead};
#[derive(Clone, Debug)]
pub struct Entity {
    pub path: String,
    pub start: u64,
    pub end: u64,
    pub header: HeaderBlock,
    pub content_type: Result<ContentType>,
    pub encoding: Result<TransferEncoding>,
    pub body: u64,
    pub children: Vec<Entity>,
    pub closing: Closing,
    pub preamble: Margin,
    pub epilogue: Margin,
    pub oddities: Vec<Reason>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    NotMultipart,
    Closed,
    Unclosed,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Margin {
    pub start: u64,
    pub end: u64,
    pub text: MarginText,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginText {
    Blank,
    /** "This is a multi-part message in MIME format." and the like */
    Stock,
    Text,
}
impl Entity {
    /// lower-cased; "application/octet-stream" where content_type is Err
    pub fn media_type(&self) -> &str {
        todo!()
    }
    pub fn find(&self, path: &str) -> Option<&Entity> {
        todo!()
    }
    /// this one and everything below, in document order
    pub fn walk(&self) -> impl Iterator<Item = &Entity> {
        std::iter::empty()
    }
    /// header and body as they arrived: [start, end)
    pub fn whole<'a>(&self, source: &SharedSource<'a>) -> SharedSource<'a> {
        todo!()
    }
    /// body as it arrived: [body, end)
    pub fn content<'a>(&self, source: &SharedSource<'a>) -> SharedSource<'a> {
        todo!()
    }
    /// body, transfer-decoded
    pub fn decoded<'s>(&self, source: &'s SharedSource<'_>, strictness: Strictness) -> Result<Box<dyn BufRead + 's>> {
        todo!()
    }
}
pub fn scan(source: &SharedSource<'_>, limits: &Limits) -> Result<Entity> {
    todo!()
}
