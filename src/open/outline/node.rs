//! The outline as plain data: a tree of nodes, of which words and JSON are two renderings. Every value says what class
//! it is of, so that taking the content out of an outline is a question of classes and not of places.

use crate::asn1::ber::Tag;
use crate::base::reason::{Reason, visible};
use std::borrow::Cow;

/// Something that the message consists of, or a fact about it.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The name of its specification: "signerInfo", "Content-Type", or that of an attribute or extension.
    pub name: Cow<'static, str>,
    /// Where it lies, in the bytes that the nearest node above with another [`Counting`] than [`Counting::Same`] begins
    /// to count, else in the input; `None` for a fact that is derived.
    pub at: Option<Place>,
    /// How the element is encoded, where it is one of ASN.1.
    pub encoding: Option<Encoding>,
    /// What it says.
    pub value: Option<Value>,
    /// What is out of the ordinary about it, and where reading ended.
    pub notes: Vec<Reason>,
    /// What it consists of, in the order received.
    pub children: Vec<Node>,
    /// So many more children are there and not shown.
    pub more: u64,
    /// What the places of the children are counted in.
    pub counting: Counting,
}

/// A byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first byte.
    pub offset: u64,
    /// How many there are; of an element that is cut short, how many arrived.
    pub length: u64,
}

/// What the places below a node are counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counting {
    /// In the same bytes as its own.
    #[default]
    Same,
    /// In what its bytes stand for once their transfer encoding, or PEM, is taken off.
    Decoded,
    /// In the content of the CMS structure around it, without the headers of its segments.
    Content,
}

/// How an element is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// Its tag as received.
    pub tag: Tag,
    /// Its length.
    pub form: Form,
    /// Of a constructed string, how many primitive segments it has.
    pub segments: Option<u64>,
}

/// How the length of an element is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In the shortest form (X.690 section 10.1).
    Der,
    /// With more octets than needed.
    NonMinimal,
    /// Not at all: end-of-contents octets end it.
    Indefinite,
}

impl Form {
    /// "der", "non-minimal length", "indefinite length".
    pub fn name(self) -> &'static str {
        match self {
            Self::Der => "der",
            Self::NonMinimal => "non-minimal length",
            Self::Indefinite => "indefinite length",
        }
    }
}

/// A value as text. Characters that could deceive a terminal are shown as escapes (SEC-95).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The text.
    pub text: String,
    /// What it is.
    pub class: Class,
}

/// What a value is: whether it may leave the house of whoever sends a broken mail to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// An algorithm, an object identifier, a length, a count, a version: stays.
    Structure,
    /// A date: stays, to the second, since it decides why things are refused.
    Time,
    /// A distinguished name, or an attribute of one.
    Name,
    /// A mail address, a host, a URL.
    Address,
    /// A serial number or key identifier.
    Identifier,
    /// A digest or other bytes, in hexadecimal digits.
    Bytes,
    /// A file name.
    File,
    /// Any other text.
    Text,
}

impl Class {
    /// "structure", "time", "name", ...
    pub fn name(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Time => "time",
            Self::Name => "name",
            Self::Address => "address",
            Self::Identifier => "identifier",
            Self::Bytes => "bytes",
            Self::File => "file",
            Self::Text => "text",
        }
    }

    /// Whether it says nothing about people or content.
    pub fn stays(self) -> bool {
        matches!(self, Self::Structure | Self::Time)
    }
}

impl Node {
    /// A node with a name and nothing else.
    pub(super) fn named(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// A fact that has no place of its own.
    pub(super) fn fact(name: impl Into<Cow<'static, str>>, class: Class, text: impl Into<String>) -> Self {
        Self::named(name).with(class, text)
    }

    pub(super) fn with(mut self, class: Class, text: impl Into<String>) -> Self {
        self.set(class, text);
        self
    }

    pub(super) fn set(&mut self, class: Class, text: impl Into<String>) {
        self.value = Some(Value { text: visible(&text.into()), class });
    }

    pub(super) fn place(mut self, offset: u64, end: u64) -> Self {
        self.at = Some(Place { offset, length: end.saturating_sub(offset) });
        self
    }

    pub(super) fn note(&mut self, code: &'static str, text: impl Into<String>) {
        self.notes.push(Reason::new(code, text));
    }

    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of that name, in their order.
    pub fn children_named<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The value's text, or "".
    pub fn text(&self) -> &str {
        self.value.as_ref().map_or("", |value| value.text.as_str())
    }

    /// This node and all below it, in their order.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            let next = waiting.pop()?;
            waiting.extend(next.children.iter().rev());
            Some(next)
        })
    }
}
