//! A SearchResultEntry, and the certificates in it. Names of attributes are compared without case and options, since
//! servers answer in another spelling than they were asked in (OUT-95).

use super::message::{Malformed, definite, fail, string, text};
use crate::asn1::ber::{Reader, Tag};
use crate::base::limits::Limits;
use crate::base::reason::{Reason, visible};
use crate::store::directory::entry::{Contents, role};

/// What is asked for: both spellings of both attributes, since OpenLDAP has one with `;binary` and the other without
/// (OUT-95).
pub const CERTIFICATE_ATTRIBUTES: &[&str] =
    &["userCertificate;binary", "userCertificate", "userSMIMECertificate;binary", "userSMIMECertificate"];

/// `SearchResultEntry ::= [APPLICATION 4] SEQUENCE { objectName LDAPDN, attributes PartialAttributeList }`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// objectName, as it was sent.
    pub dn: String,
    /// Each attribute that came.
    pub attributes: Vec<Attribute>,
}

/// `PartialAttribute ::= SEQUENCE { type AttributeDescription, vals SET OF AttributeValue }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, options left out.
    pub name: String,
    /// Its values, as many and as large as is read of one.
    pub values: Vec<Vec<u8>>,
    /// What was left out, in a sentence.
    pub left_out: Option<String>,
}

/// At most so many attributes of one entry are read; four are asked for.
const MAX_ATTRIBUTES: usize = 64;

impl Entry {
    pub(super) fn read(fields: &mut Reader<'_>, limits: &Limits) -> Result<Self, Malformed> {
        let dn = text(&fields.required(Tag::OCTET_STRING, "objectName")?, "objectName")?;
        let list = definite(fields.required(Tag::SEQUENCE, "PartialAttributeList")?)?;
        fields.finish("SearchResultEntry")?;
        let mut list = list.children("PartialAttributeList")?;
        let mut attributes = Vec::new();
        while let Some(element) = list.next_element()? {
            if attributes.len() >= MAX_ATTRIBUTES {
                return Err(fail(&element, "PartialAttributeList", "there are more attributes than are read").into());
            }
            let mut parts = definite(element)?.sequence("PartialAttribute")?;
            let description =
                text(&parts.required(Tag::OCTET_STRING, "AttributeDescription")?, "AttributeDescription")?;
            let name = description.split(';').next().unwrap_or_default().to_owned();
            let attribute = Attribute::read(name, &mut parts, limits).map_err(|error| Malformed {
                attribute: Some(visible(&description.chars().take(80).collect::<String>())),
                error,
            })?;
            attributes.push(attribute);
        }
        Ok(Self { dn, attributes })
    }

    /// The values of an attribute, whatever its options and its case.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named = move |attribute: &&Attribute| attribute.name.eq_ignore_ascii_case(name);
        self.attributes.iter().filter(named).flat_map(|attribute| attribute.values.iter().map(Vec::as_slice))
    }

    /// Puts the certificates that stand here to those of other entries. What is unreadable is a note.
    pub fn add_to(&self, contents: &mut Contents, limits: &Limits) {
        let dn: String = visible(&self.dn).chars().take(80).collect();
        for attribute in &self.attributes {
            let Some(role) = role(&attribute.name) else { continue };
            if let Some(text) = &attribute.left_out {
                contents.notes.push(Reason::new("ldap_value_left_out", format!("{} of {dn}: {text}", attribute.name)));
            }
            for (number, value) in attribute.values.iter().enumerate() {
                if let Err(why) = contents.add(role, value, limits) {
                    let text = format!("{} of {dn}, value {}: {why}", attribute.name, number + 1);
                    contents.notes.push(Reason::new("ldap_value_unreadable", text));
                }
            }
        }
    }
}

impl Attribute {
    fn read(name: String, parts: &mut Reader<'_>, limits: &Limits) -> crate::asn1::Result<Self> {
        let set = definite(parts.required(Tag::SET, "AttributeValue")?)?;
        parts.finish("PartialAttribute")?;
        let mut set = set.children("AttributeValue")?;
        let mut attribute = Self { name, values: Vec::new(), left_out: None };
        let (mut many, mut large) = (0usize, 0usize);
        while let Some(element) = set.next_element()? {
            if element.tag != Tag::OCTET_STRING {
                return Err(fail(&element, "AttributeValue", "a value is no octet string"));
            }
            let value = string(&element, "AttributeValue")?;
            if attribute.values.len() >= limits.ldap_values {
                many = many.saturating_add(1);
            } else if value.len() > limits.ldap_value_bytes {
                large = large.saturating_add(1);
            } else {
                attribute.values.push(value.to_vec());
            }
        }
        if many.saturating_add(large) > 0 {
            attribute.left_out = Some(format!(
                "{many} values beyond the first {} and {large} of more than {} bytes were left out",
                limits.ldap_values, limits.ldap_value_bytes
            ));
        }
        Ok(attribute)
    }
}
