//! The list of what is judged otherwise than the manifest says.

use std::collections::BTreeMap;

/// One entry of the list: `[[entry]]` with `path`, `expected`, `actual` and `reason`.
#[derive(Default)]
struct Exception {
    expected: String,
    actual: String,
    reason: String,
    used: bool,
}

pub struct Exceptions(BTreeMap<String, Exception>);

impl Exceptions {
    /// Reads the part of TOML that the list uses.
    pub fn read(text: &str) -> Self {
        let mut list: BTreeMap<String, Exception> = BTreeMap::new();
        let mut path = String::new();
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            if line == "[[entry]]" {
                path.clear();
                continue;
            }
            let (key, value) = line.split_once(" = ").unwrap_or_else(|| panic!("no key = value: {line}"));
            let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or_else(|| panic!("{line}"));
            let value = value.replace("\\\"", "\"");
            match key {
                "path" => {
                    path.clone_from(&value);
                    assert!(list.insert(value, Exception::default()).is_none(), "{path} is listed twice");
                }
                "expected" => list.get_mut(&path).unwrap().expected = value,
                "actual" => list.get_mut(&path).unwrap().actual = value,
                "reason" => list.get_mut(&path).unwrap().reason = value,
                other => panic!("{path}: {other} is no field"),
            }
        }
        for (path, exception) in &list {
            let Exception { expected, actual, reason, .. } = exception;
            assert!(![expected, actual, reason].iter().any(|field| field.is_empty()), "{path} lacks a field");
        }
        Self(list)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether an entry came out as it should: as the manifest says, or as the list says instead.
    pub fn settle(&mut self, path: &str, passed: bool, found: &str) -> Result<(), String> {
        match (self.0.get_mut(path), passed) {
            (None, true) => Ok(()),
            (None, false) => Err(found.to_owned()),
            (Some(_), true) => Err("it comes out as the manifest says: take it off the list".to_owned()),
            (Some(exception), false) => {
                exception.used = true;
                match found.contains(&exception.actual) {
                    true => Ok(()),
                    false => Err(format!("listed with \"{}\", and it is: {found}", exception.actual)),
                }
            }
        }
    }

    pub fn unused(&self) -> impl Iterator<Item = String> {
        let unused = self.0.iter().filter(|(_, exception)| !exception.used);
        unused.map(|(path, _)| format!("{path}: listed, and not in the corpus"))
    }
}
