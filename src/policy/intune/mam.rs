//! What Intune hands to Outlook as a managed app, without managing the device: names with texts (OUT-65).

use super::super::value::{Fault, Result, Setting, Value};
use super::tokens::Tokens;
use super::{AppConfig, Channel};
use crate::base::reason::Reason;

const WHAT: &str = "the settings for managed apps";

/// Interprets the JSON of a policy with `customSettings`, or that list alone.
///
/// # Errors
/// [`Fault::Malformed`] where an entry has no name or no value; as [`AppConfig::from_settings`].
pub fn read(json: &Value, tokens: &Tokens) -> Result<(AppConfig, Vec<Reason>)> {
    let (list, prefix) = match json {
        Value::List(list) => (Some(list), ""),
        other => match other.member("customSettings") {
            Some(Value::List(list)) => (Some(list), "customSettings"),
            _ => (None, "customSettings"),
        },
    };
    let list = list.ok_or_else(|| Fault::malformed(WHAT, prefix, "it is not a list"))?;
    let mut settings = Vec::with_capacity(list.len());
    for (number, entry) in list.iter().enumerate() {
        let place = format!("{prefix}[{number}]");
        let (Some(key), Some(value)) = (entry.member("name").and_then(Value::text), entry.member("value")) else {
            return Err(Fault::malformed(WHAT, place, "an entry needs a name and a value").into());
        };
        settings.push(Setting { key: key.to_owned(), value: value.clone(), place: format!("{place}.value") });
    }
    AppConfig::from_settings(&settings, Channel::ManagedApp, tokens)
}
