//! The house stands: no module imports from a floor above its own, the two pillars never import each other, and nobody
//! imports the face.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

/// Each room with its floor.
const FLOORS: &[(&str, u8)] = &[
    ("base", 1),
    ("asn1", 2),
    ("mime", 2),
    ("crypto", 3),
    ("cert", 4),
    ("cms", 5),
    ("keys", 5),
    ("policy", 5),
    ("store", 6),
    ("compose", 7),
    ("open", 7),
    ("bulk", 8),
    ("fetch", 8),
    ("error", 9),
    ("manual", 10),
];

/// Rooms of one pillar that never look into the other; mail and structure meet in `compose` and `open` only.
const MAIL: &[&str] = &["mime"];
const STRUCTURE: &[&str] = &["asn1", "crypto", "cert", "cms", "keys", "policy", "store"];

#[test]
fn no_module_imports_from_a_floor_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut checked = 0;
    let mut wrong = Vec::new();
    for file in sources(&src) {
        let inside = file.strip_prefix(&src).unwrap();
        let room = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if room == "bin" || room == "lib" {
            continue;
        }
        let floor = floor(&room).unwrap_or_else(|| panic!("{} stands on no floor", inside.display()));
        let text = std::fs::read_to_string(&file).unwrap();
        for (line, target) in imports(&text) {
            checked += 1;
            let place = format!("{}:{line}: crate::{target}", inside.display());
            match self::floor(&target) {
                None => wrong.push(format!("{place} is no room: the face is imported")),
                Some(other) if other > floor => wrong.push(format!("{place} is on floor {other}, above {floor}")),
                Some(other) if other == floor && target != room && !neighbours(&room, &target) => {
                    wrong.push(format!("{place} is another room of floor {floor}"));
                }
                Some(_) if crosses(&room, &target) => wrong.push(format!("{place} is the other pillar")),
                Some(_) => {}
            }
        }
    }
    println!("floors: {checked} imports checked");
    assert!(checked > 100, "only {checked} imports were found: the search is broken");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Rooms of floor 5 may use each other; `compose` and `open` may not, nor may `asn1` and `mime`.
fn neighbours(room: &str, target: &str) -> bool {
    let fifth = ["cms", "keys", "policy"];
    fifth.contains(&room) && fifth.contains(&target)
}

fn crosses(room: &str, target: &str) -> bool {
    (MAIL.contains(&room) && STRUCTURE.contains(&target)) || (STRUCTURE.contains(&room) && MAIL.contains(&target))
}

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// Line number and first path segment of everything that begins with `crate::`, outside comments.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, _) in code.match_indices("crate::") {
            let rest = &code[at + "crate::".len()..];
            let segment: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // `use crate::{a::b, c::d}` would escape the search, and is not written here.
            found.push((number + 1, if segment.is_empty() { "{".to_owned() } else { segment }));
        }
    }
    found
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}
