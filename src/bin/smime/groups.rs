//! `--groups FILE`: who is in a group, as text or as JSON, version 1.

use crate::console::Console;
use crate::failure::{Failure, exit};
use crate::input::{Secrecy, small_file};
use serde_json::{Value, json};
use smime::store::groups::GroupList;
use smime::{EmailAddress, Limits};
use std::path::Path;

/// Reads a file.
pub(crate) fn load(path: &Path, console: Console) -> Result<GroupList, Failure> {
    let bytes = small_file(path, Limits::default().structure_bytes, Secrecy::Open, console)?;
    read(bytes.expose()).map_err(|why| {
        Failure::new(exit::UNREADABLE, format_args!("it is no list of groups: {why}"))
            .about(path.display())
            .hint("a line \"group@example.com: one@example.com, two@example.com\" each")
    })
}

fn read(bytes: &[u8]) -> Result<GroupList, String> {
    if bytes.trim_ascii_start().starts_with(b"{") {
        return of_json(bytes);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no UTF-8".to_owned())?;
    GroupList::parse(text.trim_start_matches('\u{feff}')).map_err(|error| error.to_string())
}

/// `{ "version": 1, "groups": { "group@example.com": ["one@example.com"] } }`
fn of_json(bytes: &[u8]) -> Result<GroupList, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if value.get("version") != Some(&json!(1)) {
        return Err("its version is not 1".to_owned());
    }
    let address = |text: &str| text.parse::<EmailAddress>().map_err(|error| error.to_string());
    let mut list = GroupList::default();
    for (group, members) in value.get("groups").and_then(Value::as_object).ok_or("\"groups\" is missing")? {
        let members = members.as_array().ok_or_else(|| format!("the members of {group} are no list"))?;
        let member =
            |member: &Value| member.as_str().map(address).ok_or_else(|| format!("a member of {group} is no text"))?;
        list.add(address(group)?, members.iter().map(member).collect::<Result<_, _>>()?);
    }
    Ok(list)
}
