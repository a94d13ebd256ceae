//! The outline for people: an indented tree, a line for each node.

use super::Outline;
use super::node::{Counting, Form, Node};
use std::fmt;

/// Lines are not indented further than this.
const DEEPEST: usize = 120;

impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_node(f, &self.root, 0)
    }
}

fn write_node(f: &mut fmt::Formatter<'_>, node: &Node, indent: usize) -> fmt::Result {
    write!(f, "{:indent$}{}", "", node.name)?;
    if let Some(value) = &node.value {
        write!(f, ": {}", value.text)?;
    }
    if let Some(place) = node.at {
        write!(f, "  @{}+{}", place.offset, place.length)?;
    }
    if let Some(encoding) = &node.encoding {
        if encoding.form != Form::Der {
            write!(f, " {}", encoding.form.name())?;
        }
        if let Some(segments) = encoding.segments {
            write!(f, " in {segments} segments")?;
        }
    }
    f.write_str(match node.counting {
        Counting::Same => "\n",
        Counting::Decoded => " (below: counted in the decoded bytes)\n",
        Counting::Content => " (below: counted in the content)\n",
    })?;
    let inner = indent.saturating_add(2).min(DEEPEST);
    for note in &node.notes {
        writeln!(f, "{:inner$}! {note} [{}]", "", note.code)?;
    }
    for child in &node.children {
        write_node(f, child, inner)?;
    }
    if node.more > 0 {
        writeln!(f, "{:inner$}.. and {} more", "", node.more)?;
    }
    Ok(())
}
