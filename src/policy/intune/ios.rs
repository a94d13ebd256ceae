//! What a managed iOS device hands to Outlook: an XML property list with typed values (OUT-63).

use super::super::plist;
use super::super::value::Result;
use super::tokens::Tokens;
use super::{AppConfig, Channel};
use crate::base::limits::Limits;
use crate::base::reason::Reason;

/// Reads a `<plist>` document, or the bare `<dict>` that Intune's console takes.
///
/// # Errors
/// As [`plist::read`] and [`AppConfig::from_settings`].
pub fn read(text: &str, tokens: &Tokens, limits: &Limits) -> Result<(AppConfig, Vec<Reason>)> {
    AppConfig::from_settings(&plist::read(text, limits)?, Channel::IosDevice, tokens)
}
