//! Walking an element's fields and making nodes of them: each node has its place, its encoding, its value, and where
//! reading it ended, the reason.

use super::node::{Class, Encoding, Form, Node, Place};
use super::rope::{El, Rope};
use crate::asn1::ber::{MAX_DEPTH, Tag};
use crate::asn1::{Error, ErrorKind};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::crypto::algorithm::oid_name;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// Of a list, so many entries are shown.
pub(super) const SHOWN: usize = 100;
/// So many nodes are made of the CMS structures of one message: beyond that nobody reads on.
pub(super) const MOST_NODES: usize = 100_000;
/// Of bytes that nobody knows how to read, so many are shown.
const FIRST_BYTES: usize = 16;

/// How a redacted copy treats an element, where that is not what its tag alone says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::open) enum Treatment {
    /// It is structure.
    Keep,
    /// A string whose content is an encoding of its own; of a BIT STRING, after its first octet.
    Inside,
    /// An RSA modulus, of which the size stays.
    Modulus,
    /// The content of the structure, a message of its own.
    Message,
}

/// One structure being walked.
pub(super) struct Walk<'r> {
    pub(super) rope: &'r Rope,
    pub(super) limits: &'r Limits,
    pub(super) nodes_left: &'r Cell<usize>,
    /// Of a list, so many entries are shown: [`SHOWN`], or all where a copy is redacted.
    pub(super) shown: usize,
    pub(super) treatments: RefCell<HashMap<u64, Treatment>>,
    /// The first thing that is wrong.
    pub(super) broken: RefCell<Option<Reason>>,
}

/// The fields of a constructed element, read one by one. After something that does not belong there the named fields
/// end; what is left is shown by its tags.
pub(super) struct Fields<'w, 'r> {
    walk: &'w Walk<'r>,
    at: u64,
    end: u64,
    depth: u8,
    stopped: bool,
    faults: Vec<Reason>,
}

impl<'r> Walk<'r> {
    pub(super) fn keep(&self, el: &El) {
        self.treat(el, Treatment::Keep);
    }

    pub(super) fn treat(&self, el: &El, treatment: Treatment) {
        self.treatments.borrow_mut().insert(el.offset, treatment);
    }

    /// Whether another node may be made.
    pub(super) fn spend(&self) -> bool {
        let left = self.nodes_left.get();
        self.nodes_left.set(left.saturating_sub(1));
        left > 0
    }

    pub(super) fn node(&self, name: impl Into<Cow<'static, str>>, el: &El) -> Node {
        let mut node = Node::named(name);
        node.at = Some(Place { offset: el.offset, length: el.next.saturating_sub(el.offset) });
        node.encoding = Some(Encoding { tag: el.tag, form: el.form, segments: None });
        if el.form == Form::NonMinimal {
            node.note("non_minimal_length", "its length is written with more octets than needed");
        }
        node
    }

    /// Tells where the element is cut short, unless something within it has told so already.
    pub(super) fn close(&self, el: &El, mut node: Node) -> Node {
        if let Some((need, have)) = el.cut
            && self.broken.borrow().is_none()
        {
            let kind = ErrorKind::Truncated { need, have };
            let at = el.body.saturating_add(have);
            let text = format!("{kind}; what there is ends at byte {at}");
            self.fault(&mut node, "cut_short", text);
        }
        node
    }

    pub(super) fn fault(&self, node: &mut Node, code: &'static str, text: String) {
        let reason = Reason::new(code, text);
        self.broken.borrow_mut().get_or_insert_with(|| reason.clone());
        node.notes.push(reason);
    }

    /// A node of a constructed element, whatever its tag.
    pub(super) fn constructed(
        &self,
        name: impl Into<Cow<'static, str>>,
        el: &El,
        read: impl FnOnce(&mut Fields<'_, 'r>, &mut Node),
    ) -> Node {
        let mut node = self.node(name, el);
        if !self.spend() {
            node.note("output_limit", format!("more than {MOST_NODES} elements; this one is not taken apart"));
            return node;
        }
        if !el.constructed {
            let text = format!("it is primitive where a constructed element belongs (at byte {})", el.offset);
            self.fault(&mut node, "malformed", text);
        } else if el.depth >= MAX_DEPTH {
            let text = format!("nested deeper than {MAX_DEPTH}; not looked into (at byte {})", el.offset);
            self.fault(&mut node, "too_deep", text);
        } else {
            let mut fields = self.fields(el);
            read(&mut fields, &mut node);
            fields.finish(&mut node);
        }
        self.close(el, node)
    }

    pub(super) fn fields(&self, el: &El) -> Fields<'_, 'r> {
        let depth = el.depth.saturating_add(1);
        Fields { walk: self, at: el.body, end: el.end, depth, stopped: false, faults: Vec::new() }
    }

    /// The element that the content of a primitive string, from `skip` octets on, consists of.
    pub(super) fn inside(&self, el: &El, skip: u64) -> Option<El> {
        if el.constructed || el.depth >= MAX_DEPTH {
            return None;
        }
        let inner = self.rope.element(el.body.saturating_add(skip), el.end, el.depth.saturating_add(1)).ok()?;
        (inner.next == el.end && inner.cut.is_none() || el.cut.is_some()).then(|| {
            self.treat(el, Treatment::Inside);
            inner
        })
    }

    /// A primitive element with a value.
    pub(super) fn leaf(
        &self,
        name: impl Into<Cow<'static, str>>,
        el: &El,
        class: Class,
        text: impl Into<String>,
    ) -> Node {
        self.spend();
        let mut node = self.node(name, el).with(class, text);
        if class == Class::Structure && !el.constructed && el.end.saturating_sub(el.body) <= 8 {
            self.keep(el);
        }
        if el.constructed && el.tag == Tag::OCTET_STRING {
            self.tell_segments(el, &mut node);
        }
        self.close(el, node)
    }

    pub(super) fn tell_segments(&self, el: &El, node: &mut Node) {
        if !el.constructed {
            return;
        }
        let shape = self.rope.shape(el);
        if let Some(encoding) = &mut node.encoding {
            encoding.segments = Some(shape.segments);
        }
        if let Some(error) = shape.fault {
            self.fault(node, "malformed", error.to_string());
        }
    }

    /// An INTEGER that is structure: a version, a count, a length.
    pub(super) fn number(&self, name: impl Into<Cow<'static, str>>, el: &El) -> Node {
        match self.rope.small(el) {
            Some(number) => self.leaf(name, el, Class::Structure, number.to_string()),
            None => self.bytes(name, el, Class::Identifier),
        }
    }

    pub(super) fn oid(&self, name: impl Into<Cow<'static, str>>, el: &El) -> Node {
        let text = match self.rope.oid(el) {
            Some(oid) => {
                let known = oid_name(&oid);
                if known == oid.to_string() { known } else { format!("{known} ({oid})") }
            }
            None => "not an object identifier that can be read".to_owned(),
        };
        self.leaf(name, el, Class::Structure, text)
    }

    /// Bytes in hexadecimal digits: all where they are few, else their number and the first ones.
    pub(super) fn bytes(&self, name: impl Into<Cow<'static, str>>, el: &El, class: Class) -> Node {
        let octets = self.rope.octets(el).unwrap_or_default();
        self.leaf(name, el, class, hex_or_more(&octets, 64))
    }

    /// Bytes of which only the number matters: a signature, a wrapped key.
    pub(super) fn length(&self, name: impl Into<Cow<'static, str>>, el: &El) -> Node {
        // The first octet of a BIT STRING counts unused bits.
        let octets = self.rope.shape(el).octets.saturating_sub(u64::from(el.tag == Tag::BIT_STRING));
        let mut node = self.node(name, el).with(Class::Structure, format!("{octets} bytes"));
        self.spend();
        self.tell_segments(el, &mut node);
        self.close(el, node)
    }

    pub(super) fn time(&self, name: impl Into<Cow<'static, str>>, el: &El) -> Node {
        let raw = self.rope.raw(el).unwrap_or_default();
        match crate::asn1::ber::Reader::single(raw, "time").and_then(|e| e.time("time")) {
            Ok(time) => self.leaf(name, el, Class::Time, time.to_string()),
            Err(_) => {
                let text = String::from_utf8_lossy(self.rope.body(el).unwrap_or_default()).into_owned();
                let mut node = self.leaf(name, el, Class::Text, text);
                node.note("time_unreadable", "it is no time of the forms of RFC 5280");
                node
            }
        }
    }

    /// An element that nobody here knows: by its tags, as deep as it goes.
    pub(super) fn dump(&self, name: impl Into<Cow<'static, str>>, el: &El) -> Node {
        if el.constructed && el.tag != Tag::OCTET_STRING {
            return self.constructed(name, el, |fields, node| {
                fields.list(node, |walk, el| walk.dump(el.tag.to_string(), el));
            });
        }
        match el.tag {
            Tag::OID => self.oid(name, el),
            Tag::NULL => self.leaf(name, el, Class::Structure, "null"),
            Tag::BOOLEAN => {
                let on = self.rope.body(el).is_some_and(|b| b.iter().any(|b| *b != 0));
                self.leaf(name, el, Class::Structure, on.to_string())
            }
            Tag::UTC_TIME | Tag::GENERALIZED_TIME => self.time(name, el),
            Tag::UTF8_STRING
            | Tag::PRINTABLE_STRING
            | Tag::IA5_STRING
            | Tag::TELETEX_STRING
            | Tag::BMP_STRING
            | Tag::UNIVERSAL_STRING => {
                let text = self.text_of(el);
                self.leaf(name, el, Class::Text, text)
            }
            _ => {
                let octets = self.rope.octets(el).unwrap_or_default();
                self.leaf(name, el, Class::Bytes, hex_or_more(&octets, FIRST_BYTES))
            }
        }
    }

    pub(super) fn text_of(&self, el: &El) -> String {
        let raw = self.rope.raw(el).unwrap_or_default();
        let read = crate::asn1::ber::Reader::single(raw, "text").and_then(|e| e.text("text"));
        read.unwrap_or_else(|_| String::from_utf8_lossy(self.rope.body(el).unwrap_or_default()).into_owned())
    }
}

impl<'w, 'r> Fields<'w, 'r> {
    /// The next element, whatever it is.
    pub(super) fn any(&mut self) -> Option<El> {
        if self.stopped || self.at >= self.end {
            return None;
        }
        match self.walk.rope.element(self.at, self.end, self.depth) {
            Ok(el) => {
                self.at = el.next.max(self.at.saturating_add(1));
                Some(el)
            }
            Err(error) => {
                self.stop(error);
                None
            }
        }
    }

    pub(super) fn peek(&mut self) -> Option<Tag> {
        let (at, faults) = (self.at, self.faults.len());
        let found = self.any().map(|el| el.tag);
        if self.faults.len() == faults {
            self.at = at;
        }
        found
    }

    /// The next element where it has this tag.
    pub(super) fn optional(&mut self, tag: Tag) -> Option<El> {
        let at = self.at;
        let el = self.any()?;
        if el.tag != tag {
            self.at = at;
            return None;
        }
        Some(el)
    }

    /// The next element, which must have this tag.
    pub(super) fn need(&mut self, tag: Tag, what: &'static str) -> Option<El> {
        let at = self.at;
        match self.any() {
            Some(el) if el.tag == tag => Some(el),
            Some(el) => {
                self.at = at;
                self.stop(Error::new(what, at, ErrorKind::Unexpected { expected: tag, found: el.tag }));
                self.at = at;
                None
            }
            None => {
                if !self.stopped {
                    self.stop(Error::new(what, at, ErrorKind::Missing));
                }
                None
            }
        }
    }

    /// The next element, which must have this tag, read into a child of the node.
    pub(super) fn shown(
        &mut self,
        node: &mut Node,
        tag: Tag,
        name: &'static str,
        read: impl FnOnce(&Walk<'r>, &'static str, &El) -> Node,
    ) {
        if let Some(el) = self.need(tag, name) {
            node.children.push(read(self.walk, name, &el));
        }
    }

    fn stop(&mut self, error: Error) {
        self.stopped = true;
        // A cut element is told of by the innermost one that is cut.
        let code = if matches!(error.kind, ErrorKind::Truncated { .. }) { "cut_short" } else { "malformed" };
        self.faults.push(Reason::new(code, error.to_string()));
    }

    /// What is left, as a list of which only the first entries are shown.
    pub(super) fn list(&mut self, node: &mut Node, each: impl FnMut(&Walk<'r>, &El) -> Node) -> u64 {
        self.list_of(node, self.walk.shown, each)
    }

    /// What is left, as a list; how many there are.
    pub(super) fn list_of(
        &mut self,
        node: &mut Node,
        shown: usize,
        mut each: impl FnMut(&Walk<'r>, &El) -> Node,
    ) -> u64 {
        let mut count = 0_u64;
        while let Some(el) = self.any() {
            if count < shown as u64 && self.walk.nodes_left.get() > 0 {
                node.children.push(each(self.walk, &el));
            } else {
                node.more = node.more.saturating_add(1);
            }
            count = count.saturating_add(1);
        }
        count
    }

    fn finish(mut self, node: &mut Node) {
        for fault in std::mem::take(&mut self.faults) {
            self.walk.broken.borrow_mut().get_or_insert_with(|| fault.clone());
            node.notes.push(fault);
        }
        self.stopped = false;
        self.list_of(node, 8, |walk, el| {
            let mut extra = walk.dump(el.tag.to_string(), el);
            extra.note("unexpected", "it does not belong there");
            extra
        });
    }
}

/// All bytes in hexadecimal digits, or their number and the first of them.
pub(super) fn hex_or_more(bytes: &[u8], most: usize) -> String {
    let digits = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    match bytes.get(..most).filter(|_| bytes.len() > most) {
        Some(first) => format!("{} bytes: {}..", bytes.len(), digits(first)),
        None => digits(bytes),
    }
}
