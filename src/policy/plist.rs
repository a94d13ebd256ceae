//! XML property lists, as Intune hands them to iOS: a `<plist>` document, or its dictionary alone (OUT-63).
//!
//! Only what a configuration needs is read. A document type with declarations of its own, and with it every entity but
//! the five of XML, is refused; so nothing in a file can grow beyond the file.

use super::value::{Fault, Result, Setting, Value, shown};
use crate::base::limits::Limits;
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;
use std::cell::Cell;

const WHAT: &str = "the property list";
/// Dictionaries and arrays within each other; a configuration has two or three.
const DEPTH: usize = 16;

/// The settings of the outermost dictionary, each with its line.
///
/// # Errors
/// [`Fault::Malformed`] with the line, [`Fault::Twice`] where a dictionary has a key twice, [`Fault::Limit`].
pub fn read(text: &str, limits: &Limits) -> Result<Vec<Setting>> {
    let (reader, lines) = (Reader::from_str(text), Cell::new((0, 0)));
    let mut parser = Parser { reader, text, values: limits.policy_values, lines, limits };
    parser.reader.config_mut().expand_empty_elements = true;
    parser.reader.config_mut().check_comments = true;
    Ok(parser.document()?)
}

struct Parser<'t> {
    reader: Reader<&'t [u8]>,
    text: &'t str,
    /// How many more values may come.
    values: usize,
    /// Line ends up to a position that was reached before.
    lines: Cell<(usize, usize)>,
    limits: &'t Limits,
}

/// What stands between tags, with comments left out.
enum Token {
    Open(String),
    Close,
    Text(String),
    End,
}

impl Parser<'_> {
    fn document(&mut self) -> std::result::Result<Vec<Setting>, Fault> {
        let settings = match self.tag()? {
            Token::Open(name) if name == "plist" => {
                let inside = self.tag()?;
                let settings = self.outermost(inside)?;
                match self.tag()? {
                    Token::Close => settings,
                    _ => return Err(self.wrong("a plist holds one dictionary")),
                }
            }
            other => self.outermost(other)?,
        };
        match self.tag()? {
            Token::End => Ok(settings),
            _ => Err(self.wrong("something follows its end")),
        }
    }

    fn outermost(&mut self, token: Token) -> std::result::Result<Vec<Setting>, Fault> {
        match token {
            Token::Open(name) if name == "dict" => self.dictionary(1),
            _ => Err(self.wrong("it holds no dictionary")),
        }
    }

    fn dictionary(&mut self, depth: usize) -> std::result::Result<Vec<Setting>, Fault> {
        let mut settings: Vec<Setting> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        loop {
            let key = match self.tag()? {
                Token::Close => return Ok(settings),
                Token::Open(name) if name == "key" => self.characters()?,
                _ => return Err(self.wrong("a dictionary has a <key> before each value")),
            };
            let place = self.place();
            if !seen.insert(key.clone()) {
                return Err(Fault::twice(&key, place));
            }
            let value = match self.tag()? {
                Token::Open(name) => self.value(&name, depth)?,
                _ => return Err(self.wrong(format!("the key \"{key}\" has no value"))),
            };
            settings.push(Setting { key, value, place });
        }
    }

    fn value(&mut self, name: &str, depth: usize) -> std::result::Result<Value, Fault> {
        self.values = self.values.checked_sub(1).ok_or(Fault::limit("policy_values", self.limits.policy_values))?;
        if depth >= DEPTH {
            return Err(self.wrong(format!("its values lie more than {DEPTH} deep")));
        }
        Ok(match name {
            "true" | "false" => match self.tag()? {
                Token::Close => Value::Boolean(name == "true"),
                _ => return Err(self.wrong(format!("<{name}> is not empty"))),
            },
            "string" => Value::Text(self.characters()?),
            "integer" => {
                let digits = self.characters()?;
                Value::Integer(digits.trim().parse().map_err(|_| self.wrong("an integer is none of 64 bits"))?)
            }
            "real" => {
                let digits = self.characters()?;
                let number: f64 = digits.trim().parse().map_err(|_| self.wrong("a real is no number"))?;
                Value::Real(number)
            }
            "dict" => {
                let members = self.dictionary(depth + 1)?;
                Value::Map(members.into_iter().map(|setting| (setting.key, setting.value)).collect())
            }
            "array" => {
                let mut list = Vec::new();
                loop {
                    match self.tag()? {
                        Token::Open(name) => list.push(self.value(&name, depth + 1)?),
                        Token::Close => return Ok(Value::List(list)),
                        _ => return Err(self.wrong("an array has something in it that is no value")),
                    }
                }
            }
            other => {
                let why = format!(
                    "<{}> is no type that a configuration may have: integer, real, string, array, dict, true, false",
                    shown(other)
                );
                return Err(self.wrong(why));
            }
        })
    }

    /// The next tag; between tags only white space may stand.
    fn tag(&mut self) -> std::result::Result<Token, Fault> {
        loop {
            match self.next()? {
                Token::Text(text) if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() => {}
                Token::Text(text) => return Err(self.wrong(format!("the text \"{text}\" stands outside of a value"))),
                token => return Ok(token),
            }
        }
    }

    /// Text up to the closing tag.
    fn characters(&mut self) -> std::result::Result<String, Fault> {
        let mut characters = String::new();
        loop {
            match self.next()? {
                Token::Text(text) => characters.push_str(&text),
                Token::Close => return Ok(characters),
                _ => return Err(self.wrong("a tag stands where only text can")),
            }
        }
    }

    fn next(&mut self) -> std::result::Result<Token, Fault> {
        loop {
            let event = self.reader.read_event().map_err(|error| self.wrong(error))?;
            return Ok(match event {
                Event::Start(start) => Token::Open(start.name().as_ref().to_owned()),
                Event::End(_) => Token::Close,
                Event::Text(text) => Token::Text(text.xml10_content().into_owned()),
                Event::CData(text) => Token::Text(text.xml10_content().into_owned()),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().map_err(|error| self.wrong(error))?;
                    match (character, resolve_xml_entity(&reference)) {
                        (Some(character), _) => Token::Text(character.to_string()),
                        (None, Some(text)) => Token::Text(text.to_owned()),
                        (None, None) => {
                            return Err(self.wrong(format!("nothing defines the entity &{};", &*reference)));
                        }
                    }
                }
                Event::DocType(text) if text.contains('[') => {
                    return Err(self.wrong("its document type has declarations of its own, which are not read"));
                }
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
                Event::Eof => Token::End,
            });
        }
    }

    /// The line that has been read to.
    fn place(&self) -> String {
        let position = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX).min(self.text.len());
        let (counted, lines) = self.lines.get();
        let since = self.text.as_bytes().get(counted..position).unwrap_or_default();
        let lines = lines + memchr::memchr_iter(b'\n', since).count();
        self.lines.set((position.max(counted), lines));
        format!("line {}", lines + 1)
    }

    fn wrong(&self, why: impl std::fmt::Display) -> Fault {
        Fault::malformed(WHAT, self.place(), why)
    }
}
