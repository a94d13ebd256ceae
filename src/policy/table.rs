//! Tables of settings: name, type, default and meaning of each as data, so that reading a file, filling in the defaults
//! and explaining the outcome all go by the same rows.

use super::value::{Fault, Setting, Value, shown};

/// One row: a setting of `T`.
pub(super) struct Row<T> {
    pub(super) name: &'static str,
    pub(super) slot: Slot<T>,
    /// What it does, and which requirement says so.
    pub(super) about: &'static str,
}

/// Type, default and place of a setting.
pub(super) enum Slot<T> {
    Boolean(bool, fn(&mut T) -> &mut bool),
    Number(u32, fn(&mut T) -> &mut u32),
    /// A number with names; nothing else is taken.
    Choice(u32, &'static [(&'static str, u32)], fn(&mut T) -> &mut u32),
    /// Text; absent by default.
    Text(fn(&mut T) -> &mut Option<String>),
    /// Bytes; absent by default.
    Bytes(fn(&mut T) -> &mut Option<Vec<u8>>),
}

/// How a format writes its values down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    /// Each type as itself: property lists, managed configurations.
    Typed,
    /// Everything as text, Booleans as `true` and `false`: managed apps (OUT-65).
    Text,
    /// Typed, or as PowerShell prints and takes them: `True`, `$false`, `60000` (OUT-84). Names without regard to case.
    PowerShell,
    /// Booleans as the numbers 0 and 1 (OUT-86). Names without regard to case.
    Registry,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The administrator configured it.
    Administrator,
    /// The user chose it.
    User,
    /// Nobody said anything.
    Default,
}

/// Whether the user may choose otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// Yes.
    Allowed,
    /// No.
    Locked,
}

/// One setting, as it is shown to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name in the file.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Who said so.
    pub origin: Origin,
    /// Whether the user may change it.
    pub change: UserChange,
    /// What it does, and the requirement that says so.
    pub about: &'static str,
}

/// What was read into a table's target.
pub(super) struct Filled<'s> {
    /// The rows that the file had a value for.
    pub(super) given: Vec<&'static str>,
    /// What no row is named like.
    pub(super) unknown: Vec<&'s Setting>,
    pub(super) faults: Vec<Fault>,
}

impl Origin {
    /// `administrator configured`, `user` or `default`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator configured",
            Self::User => "user",
            Self::Default => "default",
        }
    }
}

impl Notation {
    fn same_name(self, row: &str, key: &str) -> bool {
        match self {
            Self::Typed | Self::Text => row == key,
            Self::PowerShell | Self::Registry => row.eq_ignore_ascii_case(key),
        }
    }

    fn boolean(self, value: &Value) -> Option<bool> {
        match (self, value) {
            (Self::Typed | Self::PowerShell, Value::Boolean(value)) => Some(*value),
            (Self::Text, Value::Text(text)) => text.parse().ok(),
            (Self::PowerShell, Value::Text(text)) => {
                let word = text.strip_prefix('$').unwrap_or(text);
                [("true", true), ("false", false)].iter().find(|(n, _)| n.eq_ignore_ascii_case(word)).map(|(_, b)| *b)
            }
            (Self::Registry, Value::Integer(number)) => [false, true].get(usize::try_from(*number).ok()?).copied(),
            _ => None,
        }
    }

    fn number(self, value: &Value) -> Option<u32> {
        match (self, value) {
            (Self::Typed | Self::PowerShell | Self::Registry, Value::Integer(number)) => u32::try_from(*number).ok(),
            (Self::Text | Self::PowerShell, Value::Text(text)) if !text.starts_with('+') => text.parse().ok(),
            _ => None,
        }
    }

    fn expected_boolean(self) -> &'static str {
        match self {
            Self::Typed => "a Boolean",
            Self::Text => "a Boolean as text, \"true\" or \"false\"",
            Self::PowerShell => "a Boolean, $true or $false",
            Self::Registry => "a DWORD of 0 or 1",
        }
    }
}

impl<T> Row<T> {
    fn read(&self, setting: &Setting, notation: Notation, target: &mut T) -> Result<(), String> {
        let value = &setting.value;
        match &self.slot {
            Slot::Boolean(_, place) => {
                *place(target) = notation.boolean(value).ok_or(notation.expected_boolean())?;
            }
            Slot::Number(_, place) => *place(target) = notation.number(value).ok_or("a whole number of 32 bits")?,
            Slot::Choice(_, names, place) => {
                let named =
                    value.text().and_then(|text| names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)));
                let numbered = notation.number(value).and_then(|number| names.iter().find(|(_, n)| *n == number));
                let found = named.filter(|_| notation == Notation::PowerShell).or(numbered);
                let one = |(name, number): &(&str, u32)| format!("{number} ({name})");
                *place(target) = found
                    .map(|(_, number)| *number)
                    .ok_or_else(|| format!("one of {}", names.iter().map(one).collect::<Vec<_>>().join(", ")))?;
            }
            Slot::Text(place) => *place(target) = Some(value.text().ok_or("text")?.to_owned()),
            Slot::Bytes(place) => {
                *place(target) = Some(bytes(value).ok_or("bytes: a list of numbers up to 255")?);
            }
        }
        Ok(())
    }

    fn reset(&self, target: &mut T) {
        match &self.slot {
            Slot::Boolean(default, place) => *place(target) = *default,
            Slot::Number(default, place) | Slot::Choice(default, _, place) => *place(target) = *default,
            Slot::Text(place) => *place(target) = None,
            Slot::Bytes(place) => *place(target) = None,
        }
    }

    /// The value as people read it. The target is not changed: the rows' places are for reading and writing alike.
    fn show(&self, target: &mut T) -> String {
        match &self.slot {
            Slot::Boolean(_, place) => place(target).to_string(),
            Slot::Number(_, place) => place(target).to_string(),
            Slot::Choice(_, names, place) => {
                let number = *place(target);
                names.iter().find(|(_, n)| *n == number).map_or(number.to_string(), |(name, _)| (*name).to_owned())
            }
            Slot::Text(place) => place(target).as_deref().map_or("(none)".to_owned(), shown),
            Slot::Bytes(place) => place(target).as_ref().map_or("(none)".to_owned(), |b| format!("{} bytes", b.len())),
        }
    }
}

/// Every default of the table.
pub(super) fn reset<T>(table: &[Row<T>], target: &mut T) {
    table.iter().for_each(|row| row.reset(target));
}

/// Puts settings into their places. Null, and nothing else, leaves a default as it is.
pub(super) fn fill<'s, T>(
    table: &[Row<T>],
    settings: impl IntoIterator<Item = &'s Setting>,
    notation: Notation,
    target: &mut T,
) -> Filled<'s> {
    let mut filled = Filled { given: Vec::new(), unknown: Vec::new(), faults: Vec::new() };
    for setting in settings {
        let Some(row) = table.iter().find(|row| notation.same_name(row.name, &setting.key)) else {
            filled.unknown.push(setting);
            continue;
        };
        if filled.given.contains(&row.name) {
            filled.faults.push(Fault::twice(&setting.key, &setting.place));
        } else if setting.value != Value::Null || notation != Notation::PowerShell {
            match row.read(setting, notation, target) {
                Ok(()) => filled.given.push(row.name),
                Err(expected) => filled.faults.push(Fault::wrong_type(setting, expected)),
            }
        }
    }
    filled
}

/// Each setting of the table, with `about` as it stands in its row.
pub(super) fn lines<T: Clone>(table: &[Row<T>], target: &T, given: &[&str], change: UserChange) -> Vec<Line> {
    let mut target = target.clone();
    let line = |row: &Row<T>| Line {
        name: row.name.to_owned(),
        value: row.show(&mut target),
        origin: if given.contains(&row.name) { Origin::Administrator } else { Origin::Default },
        change,
        about: row.about,
    };
    table.iter().map(line).collect()
}

/// Bytes as JSON has them: a list of numbers.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    let Value::List(list) = value else { return None };
    let byte = |value: &Value| match value {
        Value::Integer(number) => u8::try_from(*number).ok(),
        _ => None,
    };
    list.iter().map(byte).collect()
}
