//! What a managed Android device hands to Outlook: a managed configuration of Google Play (OUT-64).

use super::super::value::{Fault, Faults, Result, Setting, Value, shown};
use super::tokens::Tokens;
use super::{AppConfig, Channel};
use crate::base::reason::Reason;

const WHAT: &str = "the managed configuration";
const KIND: &str = "androidenterprise#managedConfiguration";
const PRODUCT: &str = "app:com.microsoft.office.outlook";

/// Interprets the JSON of a managed configuration.
///
/// # Errors
/// [`Fault::Malformed`] where it is not one, or one of another app; as [`AppConfig::from_settings`].
pub fn read(json: &Value, tokens: &Tokens) -> Result<(AppConfig, Vec<Reason>)> {
    for (name, expected) in [("kind", KIND), ("productId", PRODUCT)] {
        if let Some(value) = json.member(name).filter(|value| value.text() != Some(expected)) {
            return Err(Fault::malformed(WHAT, name, format!("it is {value}, and not \"{expected}\"")).into());
        }
    }
    let Some(Value::List(properties)) = json.member("managedProperty") else {
        return Err(Fault::malformed(WHAT, "managedProperty", "it is not a list").into());
    };
    let mut settings = Vec::with_capacity(properties.len());
    let mut faults = Vec::new();
    for (number, property) in properties.iter().enumerate() {
        match setting(property, &format!("managedProperty[{number}]")) {
            Ok(setting) => settings.push(setting),
            Err(fault) => faults.push(fault),
        }
    }
    match AppConfig::from_settings(&settings, Channel::AndroidDevice, tokens) {
        Ok(read) if faults.is_empty() => Ok(read),
        Ok(_) => Err(Faults { faults }),
        Err(more) => {
            faults.extend(more.faults);
            Err(Faults { faults })
        }
    }
}

/// One property: a key, and one value whose name says its type.
fn setting(property: &Value, place: &str) -> std::result::Result<Setting, Fault> {
    let Value::Map(members) = property else {
        return Err(Fault::malformed(WHAT, place, format!("a property is a dictionary, and not {property}")));
    };
    let Some(key) = property.member("key").and_then(Value::text) else {
        return Err(Fault::malformed(WHAT, place, "a property without key"));
    };
    let mut values = members.iter().filter(|(name, _)| name.starts_with("value"));
    match (values.next(), values.next()) {
        (Some((name, value)), None) => {
            let fits = match name.as_str() {
                "valueBool" => matches!(value, Value::Boolean(_)),
                "valueString" => matches!(value, Value::Text(_)),
                "valueInteger" => matches!(value, Value::Integer(_)),
                _ => matches!(value, Value::List(_) | Value::Map(_)),
            };
            let place = format!("{place}.{}", shown(name));
            let setting = Setting { key: key.to_owned(), value: value.clone(), place };
            if fits { Ok(setting) } else { Err(Fault::wrong_type(&setting, format!("of the type of {}", shown(name)))) }
        }
        (None, _) => Err(Fault::malformed(WHAT, place, format!("the key {key} has no value"))),
        (Some(_), Some(_)) => Err(Fault::malformed(WHAT, place, format!("the key {key} has more than one value"))),
    }
}
