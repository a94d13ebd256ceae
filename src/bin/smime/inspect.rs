//! `smime inspect`: the structure, and nothing about whether it is valid; and a copy of the mail without its content.

mod summary;

use crate::args::Inspect;
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::input;
use crate::output::{self, Existing, Readers};
use crate::render::reasons;
use serde_json::{Map, Value, json};
use smime::Limits;
use smime::base::source::SharedSource;
use smime::open::outline::node::{Counting, Node};
use smime::open::outline::outline;
use smime::open::redact::redact;
use std::io::Read;

/// A redacted copy is made in memory.
const MOST_REDACTED: u64 = 256 << 20;

pub(crate) fn run(args: &Inspect, console: Console) -> Outcome {
    let received = input::received(args.file.as_deref(), None, console)?;
    let name = input::name(args.file.as_deref());
    let source = received.source;
    if !args.redact {
        console.notes(&name, &received.notes);
    }
    if let Some(out) = &args.out {
        let copy = redacted_copy(&source).map_err(|failure| failure.about(&name))?;
        let existing = if args.force { Existing::Replace } else { Existing::Refuse };
        output::write(Some(out), existing, Readers::Usual, &copy)?;
        console.say(format_args!(
            "wrote {}: same places and lengths, other letters; object identifiers, dates and the names of header fields stay",
            out.display()
        ));
        return Ok(exit::DONE);
    }
    let mut outline = outline(&source, &Limits::default()).map_err(|e| Failure::from(e).about(&name))?;
    if args.redact {
        outline = outline.redacted();
    }
    let text = if args.json {
        let mut object = summary::outline(&outline.root);
        object.insert("tree".to_owned(), tree(&outline.root));
        format!("{:#}\n", json!({ "version": 1, "outline": object }))
    } else {
        outline.to_string()
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(exit::DONE)
}

fn redacted_copy(source: &SharedSource<'_>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    source.reader(0)?.take(MOST_REDACTED.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_REDACTED {
        let why = format!("it is larger than {MOST_REDACTED} bytes, and a redacted copy is made in memory");
        return Err(Failure::new(exit::OTHER, why).hint("smime inspect --redact without --out, which takes any size"));
    }
    redact(&bytes, &Limits::default()).map_err(Failure::from)
}

/// A node with all that is below it. Absent keys say that there is no such thing.
fn tree(node: &Node) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(node.name));
    if let Some(place) = node.at {
        object.insert("offset".to_owned(), json!(place.offset));
        object.insert("length".to_owned(), json!(place.length));
    }
    if let Some(encoding) = &node.encoding {
        object.insert("tag".to_owned(), json!(encoding.tag.to_string()));
        object.insert("form".to_owned(), json!(encoding.form.name()));
        if let Some(segments) = encoding.segments {
            object.insert("segments".to_owned(), json!(segments));
        }
    }
    if let Some(value) = &node.value {
        object.insert("value".to_owned(), json!(value.text));
        object.insert("class".to_owned(), json!(value.class.name()));
    }
    let counted_in = match node.counting {
        Counting::Same => None,
        Counting::Decoded => Some("decoded"),
        Counting::Content => Some("content"),
    };
    if let Some(counted_in) = counted_in {
        object.insert("children_counted_in".to_owned(), json!(counted_in));
    }
    if !node.notes.is_empty() {
        object.insert("notes".to_owned(), reasons(&node.notes));
    }
    if !node.children.is_empty() {
        object.insert("children".to_owned(), node.children.iter().map(tree).collect());
    }
    if node.more > 0 {
        object.insert("more".to_owned(), json!(node.more));
    }
    Value::Object(object)
}
