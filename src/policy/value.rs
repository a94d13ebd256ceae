//! What policy files are made of before anybody knows what they mean: names with values, each with its place, and what
//! can be wrong with them.

use crate::base::reason::visible;
use std::fmt;

/// A value, as a property list, a JSON text or a registry file gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: null.
    Null,
    /// true or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(String),
    /// Several values.
    List(Vec<Value>),
    /// Values with names, each name once, in the order of the file.
    Map(Vec<(String, Value)>),
}

/// A value with its name, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// Where it stands: a line, or a path such as `managedProperty[2].valueBool`.
    pub place: String,
}

/// What is wrong with a policy file. Names and texts out of the file are made printable and cut short.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It does not follow its grammar.
    #[error("{what} cannot be read: {why} ({place})")]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        why: String,
        /// Where.
        place: String,
    },
    /// A setting has a value of another type (OUT-66).
    #[error("{key} must be {expected}, and is {found} ({place})")]
    Type {
        /// Which setting.
        key: String,
        /// What it must be.
        expected: String,
        /// What it is.
        found: String,
        /// Where.
        place: String,
    },
    /// A name stands twice, so that there would be two readings.
    #[error("{key} is there twice ({place})")]
    Twice {
        /// Which name.
        key: String,
        /// Where the second stands.
        place: String,
    },
    /// Something of a deployment is missing (OUT-72).
    #[error("{what} is missing; it belongs to the step \"{step}\"")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// To which step of the set-up it belongs.
        step: &'static str,
    },
    /// Settings that cannot be together.
    #[error("{0}")]
    Conflict(String),
    /// Nothing of what is read begins or is named like this file.
    #[error(
        "it is none of the policy files that are read: a property list or managed configuration of Outlook for iOS or \
         Android, settings for managed apps, Get-SmimeConfig or Set-SmimeConfig, a mobile device mailbox policy, \
         registry values of Outlook, a deployment"
    )]
    UnknownFormat,
    /// A bound of [`Limits`](crate::base::limits::Limits) is exceeded.
    #[error("limit exceeded: {name} may be at most {limit}")]
    Limit {
        /// The field of `Limits`.
        name: &'static str,
        /// Its value.
        limit: u64,
    },
}

/// Everything that is wrong with a policy file; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Faults {
    /// Each.
    pub faults: Vec<Fault>,
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self { faults: vec![fault] }
    }
}

/// What reading policy files gives.
pub type Result<T> = std::result::Result<T, Faults>;

impl Value {
    /// The value of that name in a map.
    pub fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Map(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The members of the outermost map as settings, their names as places.
    pub fn into_settings(self) -> Vec<Setting> {
        let Self::Map(members) = self else { return Vec::new() };
        let members = members.into_iter();
        members.map(|(key, value)| Setting { place: shown(&key), key, value }).collect()
    }

    /// The same of a map within another, which lies at `place`.
    pub fn settings(&self, place: &str) -> Vec<Setting> {
        let Self::Map(members) = self else { return Vec::new() };
        let setting = |(key, value): &(String, Value)| {
            let place = if place.is_empty() { shown(key) } else { format!("{place}.{}", shown(key)) };
            Setting { key: key.clone(), value: value.clone(), place }
        };
        members.iter().map(setting).collect()
    }
}

impl fmt::Display for Value {
    /// Its type, and where it is short the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => write!(f, "the Boolean {value}"),
            Self::Integer(value) => write!(f, "the number {value}"),
            Self::Real(value) => write!(f, "the number {value}"),
            Self::Text(text) => write!(f, "the text \"{}\"", shown(text)),
            Self::List(list) => write!(f, "a list of {}", list.len()),
            Self::Map(members) => write!(f, "a dictionary of {}", members.len()),
        }
    }
}

impl Fault {
    pub(super) fn malformed(what: &'static str, place: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::Malformed { what, why: shown(&why.to_string()), place: place.into() }
    }

    pub(super) fn wrong_type(setting: &Setting, expected: impl Into<String>) -> Self {
        Self::Type {
            key: shown(&setting.key),
            expected: expected.into(),
            found: setting.value.to_string(),
            place: setting.place.clone(),
        }
    }

    pub(super) fn twice(key: &str, place: impl Into<String>) -> Self {
        Self::Twice { key: shown(key), place: place.into() }
    }

    #[cfg(feature = "policy-files")]
    pub(super) fn limit(name: &'static str, limit: usize) -> Self {
        Self::Limit { name, limit: limit as u64 }
    }
}

/// A text out of a file, printable and not long.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    visible(&short)
}

/// The value, or everything that was wrong on the way to it.
pub(super) fn or_faults<T>(value: T, faults: Vec<Fault>) -> Result<T> {
    if faults.is_empty() { Ok(value) } else { Err(Faults { faults }) }
}
