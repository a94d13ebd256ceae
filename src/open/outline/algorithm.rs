//! AlgorithmIdentifiers with their parameters, field by field.

use super::node::{Class, Node};
use super::rope::El;
use super::walk::Walk;
use crate::asn1::ber::Tag;
use crate::asn1::{der, oid};
use crate::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm, KeyAgreement, KeyTransport, KeyWrap};
use crate::crypto::algorithm::{SignatureScheme, oid_name};
use const_oid::ObjectIdentifier;
use std::borrow::Cow;

impl Walk<'_> {
    /// An AlgorithmIdentifier under any tag. Its value is the name that this library, else the RFC, has for it.
    pub(super) fn algorithm(&self, name: impl Into<Cow<'static, str>>, el: &El) -> Node {
        self.algorithm_beside(name, el, None)
    }

    /// The same of a signature, with the digest that stands beside it.
    pub(super) fn algorithm_beside(
        &self,
        name: impl Into<Cow<'static, str>>,
        el: &El,
        digest: Option<DigestAlgorithm>,
    ) -> Node {
        let title = self.algorithm_name(el, digest);
        let mut node = self.constructed(name, el, |fields, node| {
            let Some(identifier) = fields.need(Tag::OID, "algorithm") else { return };
            node.children.push(self.oid("algorithm", &identifier));
            let Some(parameters) = fields.any() else { return };
            let kind = self.rope.oid(&identifier);
            node.children.push(self.parameters(kind, &parameters));
        });
        if let Some(title) = title {
            node.set(Class::Structure, title);
        }
        node
    }

    /// The digest that an AlgorithmIdentifier names.
    pub(super) fn digest_of(&self, el: &El) -> Option<DigestAlgorithm> {
        DigestAlgorithm::from_oid(&self.identifier(el)?.oid)
    }

    /// An AlgorithmIdentifier as the rest of the crate reads it.
    pub(super) fn identifier(&self, el: &El) -> Option<AlgorithmIdentifier> {
        AlgorithmIdentifier::from_der(&der::retag(Tag::SEQUENCE, self.rope.raw(el)?)).ok()
    }

    fn algorithm_name(&self, el: &El, digest: Option<DigestAlgorithm>) -> Option<String> {
        let Some(id) = self.identifier(el) else {
            let first = self.fields(el).any()?;
            return self.rope.oid(&first).map(|oid| oid_name(&oid));
        };
        let transport = matches!(id.oid, oid::RSAES_OAEP).then(|| KeyTransport::from_identifier(&id).ok()).flatten();
        let name = transport
            .map(|t| t.name())
            .or_else(|| KeyAgreement::from_identifier(&id).ok().map(|a| a.name()))
            .or_else(|| KeyWrap::from_identifier(&id).ok().map(|w| w.name().to_owned()))
            .or_else(|| digest.and_then(|d| SignatureScheme::from_identifier(&id, Some(d)).ok()).map(|s| s.name()));
        Some(name.unwrap_or_else(|| id.name()))
    }

    pub(super) fn parameters(&self, kind: Option<ObjectIdentifier>, el: &El) -> Node {
        const NAME: &str = "parameters";
        match kind {
            Some(oid::RSASSA_PSS | oid::RSAES_OAEP) if el.tag == Tag::SEQUENCE => self.rsa_parameters(el),
            Some(oid::AES128_GCM | oid::AES192_GCM | oid::AES256_GCM) if el.tag == Tag::SEQUENCE => {
                self.constructed(NAME, el, |fields, node| {
                    fields.shown(node, Tag::OCTET_STRING, "aes-nonce", Walk::length);
                    match fields.optional(Tag::INTEGER) {
                        Some(length) => node.children.push(self.number("aes-ICVlen", &length)),
                        None => node.children.push(Node::fact("aes-ICVlen", Class::Structure, "12, by default")),
                    }
                })
            }
            Some(oid::RC2_CBC) if el.tag == Tag::SEQUENCE => self.constructed(NAME, el, |fields, node| {
                if let Some(version) = fields.optional(Tag::INTEGER) {
                    let mut version_node = self.number("rc2ParameterVersion", &version);
                    let bits = self.rope.small(&version).map_or("unknown", effective_bits);
                    version_node.children.push(Node::fact("effective bits", Class::Structure, bits));
                    node.children.push(version_node);
                }
                fields.shown(node, Tag::OCTET_STRING, "iv", Walk::length);
            }),
            Some(oid::PBKDF2) if el.tag == Tag::SEQUENCE => self.constructed(NAME, el, |fields, node| {
                fields.shown(node, Tag::OCTET_STRING, "salt", Walk::length);
                fields.shown(node, Tag::INTEGER, "iterationCount", Walk::number);
                if let Some(length) = fields.optional(Tag::INTEGER) {
                    node.children.push(self.number("keyLength", &length));
                }
                match fields.optional(Tag::SEQUENCE) {
                    Some(prf) => node.children.push(self.algorithm("prf", &prf)),
                    None => node.children.push(Node::fact("prf", Class::Structure, "hmac-sha1, by default")),
                }
            }),
            Some(oid::SCRYPT) if el.tag == Tag::SEQUENCE => self.constructed(NAME, el, |fields, node| {
                fields.shown(node, Tag::OCTET_STRING, "salt", Walk::length);
                for name in ["costParameter", "blockSize", "parallelizationParameter", "keyLength"] {
                    if let Some(number) = fields.optional(Tag::INTEGER) {
                        node.children.push(self.number(name, &number));
                    }
                }
            }),
            Some(oid::PBES2 | oid::PBMAC1) if el.tag == Tag::SEQUENCE => self.constructed(NAME, el, |fields, node| {
                for name in ["keyDerivationFunc", "scheme"] {
                    if let Some(inner) = fields.need(Tag::SEQUENCE, name) {
                        node.children.push(self.algorithm(name, &inner));
                    }
                }
            }),
            // An OCTET STRING is the vector of a block cipher, and a SEQUENCE with an identifier in front the key wrap or
            // the cipher within.
            _ if el.tag == Tag::OCTET_STRING => self.length("iv", el),
            _ if el.tag == Tag::OID => self.oid("namedCurve", el),
            _ if el.tag == Tag::INTEGER => self.number(NAME, el),
            _ if el.tag == Tag::SEQUENCE && self.fields(el).peek() == Some(Tag::OID) => self.algorithm(NAME, el),
            _ => self.dump(NAME, el),
        }
    }

    /// RSASSA-PSS-params and RSAES-OAEP-params (RFC 4055 sections 3.1 and 4.1).
    fn rsa_parameters(&self, el: &El) -> Node {
        self.constructed("parameters", el, |fields, node| {
            let mut seen = [false; 2];
            while let Some(field) = fields.any() {
                let inner = self.fields(&field).any();
                let Some(inner) = inner.filter(|_| field.constructed) else {
                    node.children.push(self.dump(field.tag.to_string(), &field));
                    continue;
                };
                let mut wrapped = |name: &'static str, child: Node| {
                    let mut outer = self.node(name, &field);
                    outer.value = child.value.clone();
                    outer.children.push(child);
                    node.children.push(self.close(&field, outer));
                };
                match (field.tag.context_number(), inner.tag) {
                    (Some(0), Tag::SEQUENCE) => {
                        seen = [true, seen[1]];
                        wrapped("hashAlgorithm", self.algorithm("algorithm", &inner));
                    }
                    (Some(1), Tag::SEQUENCE) => {
                        seen = [seen[0], true];
                        wrapped("maskGenAlgorithm", self.algorithm("algorithm", &inner));
                    }
                    (Some(2), Tag::SEQUENCE) => wrapped("pSourceAlgorithm", self.algorithm("algorithm", &inner)),
                    (Some(2), Tag::INTEGER) => wrapped("saltLength", self.number("value", &inner)),
                    (Some(3), Tag::INTEGER) => wrapped("trailerField", self.number("value", &inner)),
                    _ => node.children.push(self.dump(field.tag.to_string(), &field)),
                }
            }
            for (name, there) in [("hashAlgorithm", seen[0]), ("maskGenAlgorithm", seen[1])] {
                if !there {
                    node.children.push(Node::fact(name, Class::Structure, "sha1, by default"));
                }
            }
        })
    }
}

/// RFC 2268 section 6.
pub(super) fn effective_bits(version: u64) -> &'static str {
    match version {
        160 => "40",
        120 => "64",
        58 => "128",
        52 => "56",
        _ => "another number",
    }
}
