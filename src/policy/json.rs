//! JSON of policy files. A name that stands twice in one object is refused, since readers differ in which they take.

use super::value::{Fault, Result, Value};
use crate::base::limits::Limits;
use serde_core::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;

/// The one value of a JSON text.
///
/// # Errors
/// [`Fault::Malformed`] with line and column, [`Fault::Twice`], [`Fault::Limit`].
pub fn read(text: &str, limits: &Limits) -> Result<Value> {
    let state = State { values: Cell::new(limits.policy_values), fault: Cell::new(None) };
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Seed(&state).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        match state.fault.take() {
            Some(Why::Twice(key)) => Fault::twice(&key, place).into(),
            Some(Why::Values) => Fault::limit("policy_values", limits.policy_values).into(),
            None => {
                let text = error.to_string();
                let why = text.split(" at line ").next().unwrap_or(&text);
                Fault::malformed("the JSON", place, why).into()
            }
        }
    })
}

struct State {
    /// How many more values may come.
    values: Cell<usize>,
    fault: Cell<Option<Why>>,
}

enum Why {
    Twice(String),
    Values,
}

/// Depth is bounded by the parser itself, at 128.
#[derive(Clone, Copy)]
struct Seed<'s>(&'s State);

impl Seed<'_> {
    fn spend<E: serde_core::de::Error>(self) -> std::result::Result<(), E> {
        match self.0.values.get().checked_sub(1) {
            Some(left) => {
                self.0.values.set(left);
                Ok(())
            }
            None => Err(self.stop(Why::Values)),
        }
    }

    fn stop<E: serde_core::de::Error>(self, why: Why) -> E {
        self.0.fault.set(Some(why));
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Value, D::Error> {
        self.spend()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        #[allow(clippy::cast_precision_loss)] // numbers beyond 63 bits mean nothing in a policy
        Ok(i64::try_from(value).map_or(Value::Real(value as f64), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(Value::Real(value))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<Value, A::Error> {
        let mut list: Vec<(String, Value)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(self.stop(Why::Twice(key)));
            }
            let value = members.next_value_seed(self)?;
            list.push((key, value));
        }
        Ok(Value::Map(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_and_names_stand_once() {
        let limits = Limits { policy_values: 4, ..Limits::default() };
        assert!(read("[1, 2, 3]", &limits).is_ok());
        assert!(read("[1, 2, 3, 4]", &limits).unwrap_err().to_string().contains("policy_values"));
        let twice = read("{\n \"a\": 1, \"a\": 1}", &limits).unwrap_err().to_string();
        assert!(twice.starts_with("a is there twice (line 2"), "{twice}");
        assert!(read(&"[".repeat(200), &Limits::default()).is_err());
        assert!(read("[] []", &limits).is_err());
    }
}
