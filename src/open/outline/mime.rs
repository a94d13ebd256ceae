//! MIME parts: the header fields that matter, line ends, sizes, what stands around the parts, and the structures inside.

use super::node::{Class, Counting, Node};
use super::{Outliner, structure_in};
use crate::base::reason::{Reason, visible};
use crate::base::source::{SharedSource, for_each_piece};
use crate::mime::content_type::ContentType;
use crate::mime::entity::{Closing, Entity, Margin, MarginText};
use crate::mime::header::Field;
use crate::mime::mailboxes::Mailboxes;
use crate::mime::transfer::TransferEncoding;
use crate::open::derived::{Decoded, settle};
use std::io;
use std::sync::Arc;

/// Fields of the message itself that are shown beside those that say what a part is.
const OF_THE_MESSAGE: [(&str, Class); 4] =
    [("From", Class::Address), ("Sender", Class::Address), ("Date", Class::Time), ("Subject", Class::Text)];

/// Parameters that say how to read a part; any other may hold anything.
pub(in crate::open) const STRUCTURAL: [&str; 9] =
    ["smime-type", "protocol", "micalg", "charset", "type", "report-type", "format", "delsp", "hp"];

pub(super) fn part(
    outliner: &Outliner<'_>,
    source: &SharedSource<'_>,
    entity: &Entity,
    depth: usize,
) -> io::Result<Node> {
    let name = if entity.path.is_empty() { "message".to_owned() } else { format!("part {}", entity.path) };
    let mut node = Node::named(name).place(entity.start, entity.end).with(Class::Structure, entity.media_type());
    node.notes.extend(entity.header.oddities().iter().chain(&entity.oddities).cloned());
    if let Err(error) = &entity.content_type {
        node.note("content_type", error.to_string());
    }
    node.children.extend(entity.header.fields().filter_map(|field| field_node(&field, entity.path.is_empty())));
    if entity.path.is_empty() {
        addresses(outliner, entity, &mut node);
    }
    node.children.push(match &entity.encoding {
        Ok(encoding) => Node::fact("transfer encoding", Class::Structure, encoding.name()),
        Err(error) => Node::fact("transfer encoding", Class::Text, error.to_string()),
    });
    if entity.path.is_empty() || entity.children.is_empty() {
        let from = if entity.path.is_empty() { entity.start } else { entity.body };
        let ends = LineEnds::count(source, from, entity.end)?;
        node.children.push(Node::fact("line ends", Class::Structure, ends.to_string()));
    }
    let length = entity.end.saturating_sub(entity.body);
    let mut body = Node::named("body").place(entity.body, entity.end).with(Class::Structure, format!("{length} bytes"));
    if let Some((inner, counting)) = structure(outliner, source, entity, depth) {
        body.counting = counting;
        match inner {
            Ok(inner) => {
                if counting == Counting::Decoded {
                    let text = format!(
                        "what follows is counted in the bytes that the body stands for, which begins at byte {}",
                        entity.body
                    );
                    body.note("counted_in_decoded", text);
                }
                body.children.push(inner);
            }
            Err(reason) => body.notes.push(reason),
        }
    }
    if entity.closing == Closing::Unclosed {
        node.note("unclosed", "the multipart has no last boundary");
    }
    let stays = !entity.children.is_empty() && entity.closing != Closing::NotMultipart;
    for (name, margin) in [("preamble", &entity.preamble), ("epilogue", &entity.epilogue)] {
        if stays && margin.end > margin.start {
            node.children.push(margin_node(name, margin));
        }
    }
    node.children.push(body);
    Ok(node)
}

/// The addresses of From and Sender under their fields, so that they can be compared with those of certificates.
fn addresses(outliner: &Outliner<'_>, entity: &Entity, node: &mut Node) {
    let Ok(mailboxes) = Mailboxes::read(&entity.header, outliner.limits) else { return };
    for (name, list) in [("From", &mailboxes.from), ("Sender", &mailboxes.sender)] {
        let Some(field) = node.children.iter_mut().find(|child| child.name == name) else { continue };
        let addresses = list.iter().filter_map(|mailbox| mailbox.address.as_ref());
        let facts = addresses.take(super::walk::SHOWN).map(|a| Node::fact("address", Class::Address, a.to_string()));
        field.children.extend(facts);
    }
}

fn margin_node(name: &'static str, margin: &Margin) -> Node {
    let text = match margin.text {
        MarginText::Blank => "blank",
        MarginText::Stock => "a usual phrase",
        MarginText::Text => "text",
    };
    let length = margin.end.saturating_sub(margin.start);
    Node::named(name).place(margin.start, margin.end).with(Class::Structure, format!("{length} bytes, {text}"))
}

fn field_node(field: &Field<'_>, root: bool) -> Option<Node> {
    let end = field.offset.saturating_add(field.raw.len() as u64);
    let node = |name: &'static str| Node::named(name).place(field.offset, end);
    if field.is("Content-Type") {
        let node = node("Content-Type");
        return Some(match ContentType::parse(field.value, field.offset) {
            Ok(read) => parameters(node.with(Class::Structure, read.media_type.clone()), &read),
            Err(_) => node.with(Class::Text, field.text()),
        });
    }
    if field.is("Content-Disposition") {
        let node = node("Content-Disposition");
        return Some(match ContentType::parse_disposition(field.value, field.offset) {
            Ok(read) => parameters(node.with(Class::Structure, read.media_type.clone()), &read),
            Err(_) => node.with(Class::Text, field.text()),
        });
    }
    if field.is("Content-Transfer-Encoding") {
        let known = TransferEncoding::from_name(&field.text()).is_some();
        let class = if known { Class::Structure } else { Class::Text };
        return Some(node("Content-Transfer-Encoding").with(class, field.text()));
    }
    let (name, class) = OF_THE_MESSAGE.iter().find(|(name, _)| root && field.is(name))?;
    Some(node(name).with(*class, field.text()))
}

fn parameters(mut node: Node, read: &ContentType) -> Node {
    for parameter in &read.parameters {
        let class = match parameter.name.as_str() {
            name if STRUCTURAL.contains(&name) => Class::Structure,
            "name" | "filename" => Class::File,
            _ => Class::Text,
        };
        node.children.push(Node::fact(visible(&parameter.name), class, parameter.value.clone()));
    }
    node.notes.extend(read.oddities.iter().cloned());
    node
}

/// The CMS structure in a part's body: where its label says so, and where an application part begins like one.
fn structure(
    outliner: &Outliner<'_>,
    source: &SharedSource<'_>,
    entity: &Entity,
    depth: usize,
) -> Option<(Result<Node, Reason>, Counting)> {
    let media_type = entity.media_type();
    if !media_type.starts_with("application/") || !entity.children.is_empty() {
        return None;
    }
    let labelled = is_labelled(media_type);
    let unreadable = |text: String| Err(Reason::new("cms_unreadable", text));
    let body = entity.content(source);
    let encoding = match &entity.encoding {
        Ok(encoding) => *encoding,
        Err(error) => return labelled.then(|| (unreadable(error.to_string()), Counting::Same)),
    };
    let decoded: SharedSource<'_> = if encoding.is_identity() {
        body
    } else {
        let size = entity.end.checked_sub(entity.body);
        match settle(Arc::new(Decoded { body: Arc::clone(&body), encoding }), size, &body, outliner.limits) {
            Ok(decoded) => decoded,
            Err(error) if labelled => {
                // Strictly it cannot be read. What a lenient reader makes of it is what an interoperability tester wants.
                let lenient = outliner.leniently(&body, encoding);
                let text = format!("its transfer encoding is broken, and was read leniently: {error}");
                let mut node = match lenient.and_then(|decoded| structure_in(outliner, &decoded, depth).ok().flatten())
                {
                    Some(node) => node,
                    None => return Some((unreadable(error.to_string()), Counting::Same)),
                };
                node.note("transfer_encoding", text);
                return Some((Ok(node), Counting::Decoded));
            }
            Err(_) => return None,
        }
    };
    // Where the bytes need no decoding they are counted from the beginning of the body nevertheless.
    match structure_in(outliner, &decoded, depth) {
        Ok(Some(node)) if labelled || known(&node) => Some((Ok(node), Counting::Decoded)),
        Ok(None) if labelled => Some((
            unreadable("it does not begin like a CMS structure: no SEQUENCE at byte 0".to_owned()),
            Counting::Same,
        )),
        Err(error) if labelled => Some((unreadable(error.to_string()), Counting::Same)),
        _ => None,
    }
}

fn known(node: &Node) -> bool {
    node.child("content").is_some_and(|content| content.children.iter().any(|c| !c.name.starts_with("content of an")))
}

pub(in crate::open) fn is_labelled(media_type: &str) -> bool {
    media_type.contains("pkcs7-mime") || media_type.contains("pkcs7-signature") || media_type == "application/cms"
}

/// How lines end, counted.
#[derive(Clone, Copy, Default)]
struct LineEnds {
    crlf: u64,
    lf: u64,
    cr: u64,
}

impl LineEnds {
    fn count(source: &SharedSource<'_>, start: u64, end: u64) -> io::Result<Self> {
        let mut counts = Self::default();
        let mut after_cr = false;
        let mut reader = crate::base::source::Span::of(source, start, end);
        let reader = &mut reader;
        for_each_piece(&mut *reader.reader(0)?, &mut |piece| {
            let cr = memchr::memchr_iter(b'\r', piece).count() as u64;
            for at in memchr::memchr_iter(b'\n', piece) {
                let paired = match at.checked_sub(1) {
                    Some(before) => piece.get(before) == Some(&b'\r'),
                    None => after_cr,
                };
                if paired {
                    counts.crlf = counts.crlf.saturating_add(1);
                } else {
                    counts.lf = counts.lf.saturating_add(1);
                }
            }
            counts.cr = counts.cr.saturating_add(cr);
            after_cr = piece.last() == Some(&b'\r');
            Ok(())
        })?;
        counts.cr = counts.cr.saturating_sub(counts.crlf);
        Ok(counts)
    }
}

impl std::fmt::Display for LineEnds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { crlf, lf, cr } = self;
        match (*crlf, *lf, *cr) {
            (0, 0, 0) => f.write_str("none"),
            (_, 0, 0) => write!(f, "CRLF ({crlf})"),
            (0, _, 0) => write!(f, "LF ({lf})"),
            _ => write!(f, "mixed: {crlf} CRLF, {lf} LF, {cr} CR alone"),
        }
    }
}
