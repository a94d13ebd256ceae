//! Header blocks.
use super::Result;
use super::content_type::ContentType;
use super::transfer::TransferEncoding;
use crate::base::{limits::Limits, reason::Reason};
use std::io::BufRead;
#[derive(Clone, Debug, Default)]
pub struct HeaderBlock {}
#[derive(Clone, Copy, Debug)]
pub struct Field<'h> { pub name: &'h str, pub raw: &'h [u8], pub value: &'h [u8], pub offset: u64 }
impl Field<'_> {
    /// The value unfolded, trimmed, lossily as text (not decoded).
    pub fn text(&self) -> String { todo!() }
}
impl HeaderBlock {
    pub fn read(reader: &mut dyn BufRead, limits: &Limits) -> Result<Self> { todo!() }
    pub fn parse(bytes: &[u8], start: u64, limits: &Limits) -> Result<Self> { todo!() }
    pub fn bytes(&self) -> &[u8] { todo!() }
    pub fn len(&self) -> u64 { todo!() }
    pub fn is_empty(&self) -> bool { todo!() }
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> { std::iter::empty() }
    pub fn all<'h>(&'h self, name: &str) -> impl Iterator<Item = Field<'h>> { std::iter::empty() }
    pub fn unique(&self, name: &str) -> Result<Option<Field<'_>>> { todo!() }
    pub fn uses_lf_only(&self) -> bool { todo!() }
    pub fn oddities(&self) -> &[Reason] { todo!() }
    pub fn content_type(&self) -> Result<ContentType> { todo!() }
    pub fn transfer_encoding(&self) -> Result<TransferEncoding> { todo!() }
}
