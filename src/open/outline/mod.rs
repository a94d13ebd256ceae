//! The structure of a message, for whoever wants to see what it consists of: its MIME parts with their byte ranges, and
//! what stands in its CMS structures, down to attributes and parameters. Nothing is decrypted and no signature is checked;
//! nothing here says that anything is good.
//!
//! What is broken or cut short is shown as far as it goes, and then where and why it ends. The content of a structure is
//! passed over as a stream, so a message of any size is outlined in constant memory.

mod algorithm;
mod certificate;
mod cms;
mod mime;
pub mod node;
mod redacted;
mod rope;
mod signer;
mod walk;
mod words;

use self::node::{Class, Counting, Node};
use self::rope::{Inside, Rope};
use self::walk::{MOST_NODES, SHOWN, Walk};
use super::base64;
use super::derived::settle;
use crate::asn1::{ErrorKind, oid};
use crate::base::limits::Limits;
use crate::base::source::{Memory, SharedSource};
use crate::cms::content::ContentType;
use crate::mime::entity::{self, Entity};
use crate::mime::transfer::TransferEncoding;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

pub(super) use self::mime::{STRUCTURAL, is_labelled};
pub(super) use self::rope::El;
pub(super) use self::walk::Treatment;

/// What a message consists of.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The message, or the structure: "message", "contentInfo", or "text" for PEM or base64 without MIME.
    pub root: Node,
}

/// Outlines a mail, or a CMS structure by itself, in DER or BER, PEM or base64.
///
/// ```
/// use smime::base::source::Memory;
/// let mail = Memory::borrowed(b"Subject: hello\r\n\r\nworld\r\n");
/// let outline = smime::open::outline::outline(&mail, &smime::Limits::default())?;
/// assert!(outline.to_string().contains("text/plain"));
/// let body = outline.root.child("body").and_then(|body| body.at).expect("every part has one");
/// assert_eq!((body.offset, body.length), (18, 7));
/// # Ok::<(), smime::mime::Error>(())
/// ```
///
/// # Errors
/// Where the input cannot be read, or its MIME is beyond a limit. What is wrong with a part, or with a CMS structure, stands
/// in the outline.
pub fn outline(source: &SharedSource<'_>, limits: &Limits) -> Result<Outline, crate::mime::Error> {
    let nodes_left = Cell::new(MOST_NODES);
    let outliner = Outliner { limits, nodes_left: &nodes_left };
    Ok(Outline { root: outliner.message(source, 0)? })
}

/// What the outlines of all layers of one message share.
struct Outliner<'o> {
    limits: &'o Limits,
    nodes_left: &'o Cell<usize>,
}

impl Outliner<'_> {
    fn message(&self, source: &SharedSource<'_>, depth: usize) -> Result<Node, crate::mime::Error> {
        if let Some(node) = structure_in(self, source, depth)? {
            return Ok(node);
        }
        if let Some(node) = self.text(source, depth)? {
            return Ok(node);
        }
        let root = entity::scan(source, self.limits)?;
        Ok(self.tree(source, &root, depth)?)
    }

    /// The parts, each within the one around it. Their depth is bounded by `limits.mime_depth`.
    fn tree(&self, source: &SharedSource<'_>, entity: &Entity, depth: usize) -> io::Result<Node> {
        let mut node = mime::part(self, source, entity, depth)?;
        for child in &entity.children {
            node.children.push(self.tree(source, child, depth)?);
        }
        Ok(node)
    }

    /// PEM, or base64 that stands alone.
    fn text(&self, source: &SharedSource<'_>, depth: usize) -> io::Result<Option<Node>> {
        let mut bytes = Vec::new();
        let most = self.limits.structure_bytes as u64;
        let mut start = Vec::new();
        source.reader(0)?.take(base64::LEADING_TEXT as u64).read_to_end(&mut start)?;
        if !base64::may_be_wrapped(&start) {
            return Ok(None);
        }
        source.reader(0)?.take(most).read_to_end(&mut bytes)?;
        let Some(wrapped) = base64::wrapped(&bytes) else { return Ok(None) };
        let what = match &wrapped.label {
            Some(label) => format!("PEM labelled {label}, without MIME around it"),
            None => "base64 alone, without MIME around it".to_owned(),
        };
        let end = wrapped.end as u64;
        let mut node = Node::named("text").place(wrapped.start as u64, end).with(Class::Structure, what);
        node.counting = Counting::Decoded;
        let text = bytes.get(wrapped.start..wrapped.end).unwrap_or_default();
        let decoded: SharedSource<'_> = Memory::owned(base64::Units::of(text).decode());
        Ok(structure_in(self, &decoded, depth)?.map(|inner| {
            node.children.push(inner);
            node
        }))
    }

    fn leniently(&self, body: &SharedSource<'_>, encoding: TransferEncoding) -> Option<SharedSource<'static>> {
        let mut bytes = Vec::new();
        body.reader(0).ok()?.take(self.limits.structure_bytes as u64).read_to_end(&mut bytes).ok()?;
        let units = match encoding {
            TransferEncoding::Base64 => base64::Units::of(&bytes),
            TransferEncoding::QuotedPrintable => base64::Units::quoted(&bytes),
            _ => return None,
        };
        Some(Memory::owned(units.decode()))
    }
}

/// The CMS structure that a source consists of; `None` where it does not begin like one.
fn structure_in(outliner: &Outliner<'_>, source: &SharedSource<'_>, depth: usize) -> io::Result<Option<Node>> {
    let mut start = [0_u8; 2];
    let read = source.reader(0)?.take(2).read(&mut start)?;
    if read < 2 || !may_begin(&start) {
        return Ok(None);
    }
    let rope = Rope::read(source, outliner.limits)?;
    let (mut node, content) = walk_rope(outliner, &rope);
    if !is_structure(&node, &start) {
        return Ok(None);
    }
    if let Some(string) = content {
        attach_inside(outliner, source, &rope, string, &mut node, depth);
    }
    Ok(Some(node))
}

fn may_begin(start: &[u8]) -> bool {
    start.first() == Some(&0x30)
}

/// "0" begins texts, too. A content type, or a length in the long form, does not stand in them.
fn is_structure(node: &Node, start: &[u8]) -> bool {
    node.child("contentType").is_some() || start.get(1).is_some_and(|second| *second >= 0x80)
}

/// The nodes of one structure, and the string with its content where that is a message.
fn walk_rope(outliner: &Outliner<'_>, rope: &Rope) -> (Node, Option<El>) {
    let walk = Walk {
        rope,
        limits: outliner.limits,
        nodes_left: outliner.nodes_left,
        shown: SHOWN,
        treatments: RefCell::new(HashMap::new()),
        broken: RefCell::new(None),
    };
    let mut content = None;
    let mut node = match rope.element(0, rope.end, 0) {
        Ok(el) => {
            let mut node = walk.content_info("contentInfo", &el);
            if el.cut.is_none() && el.next < rope.end {
                let kind = ErrorKind::Trailing(rope.end.saturating_sub(el.next));
                walk.fault(&mut node, "trailing", format!("{kind} (at byte {})", el.next));
            }
            content = content_of(&node, rope);
            node
        }
        Err(error) => {
            let mut node = Node::named("contentInfo").place(0, rope.end);
            walk.fault(&mut node, "malformed", error.to_string());
            node
        }
    };
    if let Some(error) = &rope.stopped {
        node.note("limit_exceeded", error.to_string());
    }
    if let Some(broken) = walk.broken.borrow().as_ref() {
        node.note("broken", format!("it was read as far as it goes: {broken}"));
    }
    (node, content)
}

/// Everything that a redacted copy needs to know of a structure in memory.
pub(super) struct Anatomy {
    pub(super) rope: Rope,
    pub(super) treatments: HashMap<u64, Treatment>,
}

/// Walks a structure for what each of its elements is.
/// `None` where the bytes do not begin like one.
pub(super) fn anatomy(bytes: &[u8], limits: &Limits) -> Option<Anatomy> {
    if bytes.len() < 2 || !may_begin(bytes) {
        return None;
    }
    let rope = Rope::whole(bytes);
    let nodes_left = Cell::new(usize::MAX);
    let walk = Walk {
        rope: &rope,
        limits,
        nodes_left: &nodes_left,
        shown: usize::MAX,
        treatments: RefCell::new(HashMap::new()),
        broken: RefCell::new(None),
    };
    let node = match rope.element(0, rope.end, 0) {
        Ok(el) => walk.content_info("contentInfo", &el),
        Err(_) => Node::named("contentInfo"),
    };
    let treatments = walk.treatments.into_inner();
    is_structure(&node, bytes).then_some(Anatomy { rope, treatments })
}

/// The string with the content, where it is a message in clear.
fn content_of(node: &Node, rope: &Rope) -> Option<El> {
    let structure = node.child("content")?.children.first()?;
    let data = ContentType::from_oid(oid::ID_DATA).to_string();
    let string = match structure.name.as_ref() {
        "data" => structure,
        "signedData" | "digestedData" | "authenticatedData" => {
            let inner = structure.child("encapContentInfo")?;
            if inner.child("eContentType")?.text() != data {
                return None;
            }
            inner.child("eContent [0]")?.child("eContent")?
        }
        _ => return None,
    };
    let place = string.at?;
    rope.element(place.offset, rope.end, 0).ok()
}

/// Outlines the content under the structure. Its byte ranges count from its own beginning.
fn attach_inside(
    outliner: &Outliner<'_>,
    source: &SharedSource<'_>,
    rope: &Rope,
    string: El,
    node: &mut Node,
    depth: usize,
) {
    let mut inside = Node::named("inside");
    inside.counting = Counting::Content;
    let limits = outliner.limits;
    if depth.saturating_add(1) >= limits.layers {
        inside.note("too_many_layers", format!("more than {} layers; the rest was not looked at", limits.layers));
    } else {
        let content: SharedSource<'_> = Arc::new(Inside { message: Arc::clone(source), string });
        let inner = settle(content, Some(rope.shape(&string).octets), source, limits)
            .map_err(crate::mime::Error::from_io)
            .and_then(|content| outliner.message(&content, depth.saturating_add(1)));
        match inner {
            Ok(inner) => inside.children.push(inner),
            Err(error) => inside.note("unreadable", error.to_string()),
        }
    }
    node.children.push(inside);
}
