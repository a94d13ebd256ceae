//! CMS structures, field by field (RFC 5652, 5083, 3274).

use super::node::{Class, Node};
use super::rope::El;
use super::walk::{Treatment, Walk};
use crate::asn1::ber::Tag;
use crate::asn1::oid;
use crate::cms::content::ContentType;
use const_oid::ObjectIdentifier;
use std::borrow::Cow;

/// Whether the content of an EncapsulatedContentInfo is of its type, or that compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encapsulated {
    Clear,
    Compressed,
}

impl Walk<'_> {
    /// ContentInfo (RFC 5652 section 3). Its value is the content type in this library's words.
    pub(super) fn content_info(&self, name: impl Into<Cow<'static, str>>, el: &El) -> Node {
        let mut title = None;
        let mut node = self.constructed(name, el, |fields, node| {
            let Some(kind) = fields.need(Tag::OID, "contentType") else { return };
            node.children.push(self.oid("contentType", &kind));
            let Some(kind) = self.rope.oid(&kind) else { return };
            title = Some(ContentType::from_oid(kind).to_string());
            if kind == oid::ID_CT_AUTH_DATA {
                title = Some("authenticated-data".to_owned());
            }
            let Some(content) = fields.need(Tag::context(0), "content") else { return };
            node.children.push(self.constructed("content", &content, |fields, node| {
                let Some(inner) = fields.any() else { return };
                node.children.push(self.structure(&kind, &inner));
            }));
        });
        if let Some(title) = title {
            node.set(Class::Structure, title);
        }
        node
    }

    fn structure(&self, kind: &ObjectIdentifier, el: &El) -> Node {
        match *kind {
            oid::ID_DATA if el.tag == Tag::OCTET_STRING => self.content("data", el, Some(oid::ID_DATA)),
            _ if el.tag != Tag::SEQUENCE => self.dump("content of an unknown kind", el),
            oid::ID_SIGNED_DATA => self.signed_data(el),
            oid::ID_ENVELOPED_DATA => self.enveloped_data("envelopedData", el),
            oid::ID_CT_AUTH_ENVELOPED_DATA => self.enveloped_data("authEnvelopedData", el),
            oid::ID_CT_COMPRESSED_DATA => self.constructed("compressedData", el, |fields, node| {
                fields.shown(node, Tag::INTEGER, "version", Walk::number);
                fields.shown(node, Tag::SEQUENCE, "compressionAlgorithm", Walk::algorithm);
                if let Some(inner) = fields.need(Tag::SEQUENCE, "encapContentInfo") {
                    node.children.push(self.encapsulated(&inner, Encapsulated::Compressed));
                }
            }),
            oid::ID_DIGESTED_DATA => self.constructed("digestedData", el, |fields, node| {
                fields.shown(node, Tag::INTEGER, "version", Walk::number);
                fields.shown(node, Tag::SEQUENCE, "digestAlgorithm", Walk::algorithm);
                if let Some(inner) = fields.need(Tag::SEQUENCE, "encapContentInfo") {
                    node.children.push(self.encapsulated(&inner, Encapsulated::Clear));
                }
                if let Some(digest) = fields.need(Tag::OCTET_STRING, "digest") {
                    node.children.push(self.bytes("digest", &digest, Class::Bytes));
                }
            }),
            oid::ID_ENCRYPTED_DATA => self.constructed("encryptedData", el, |fields, node| {
                fields.shown(node, Tag::INTEGER, "version", Walk::number);
                if let Some(inner) = fields.need(Tag::SEQUENCE, "encryptedContentInfo") {
                    node.children.push(self.encrypted_content(&inner));
                }
                if let Some(attributes) = fields.optional(Tag::context(1)) {
                    node.children.push(self.attributes("unprotectedAttrs", &attributes));
                }
            }),
            oid::ID_CT_AUTH_DATA => self.authenticated_data(el),
            _ => self.dump("content of an unknown type", el),
        }
    }

    fn signed_data(&self, el: &El) -> Node {
        self.constructed("signedData", el, |fields, node| {
            fields.shown(node, Tag::INTEGER, "version", Walk::number);
            if let Some(digests) = fields.need(Tag::SET, "digestAlgorithms") {
                node.children.push(self.constructed("digestAlgorithms", &digests, |fields, node| {
                    fields.list(node, |walk, el| walk.algorithm("digestAlgorithm", el));
                }));
            }
            if let Some(inner) = fields.need(Tag::SEQUENCE, "encapContentInfo") {
                node.children.push(self.encapsulated(&inner, Encapsulated::Clear));
            }
            if let Some(certificates) = fields.optional(Tag::context(0)) {
                node.children.push(self.certificates(&certificates));
            }
            if let Some(crls) = fields.optional(Tag::context(1)) {
                node.children.push(self.crls(&crls));
            }
            if let Some(signers) = fields.need(Tag::SET, "signerInfos") {
                node.children.push(self.constructed("signerInfos", &signers, |fields, node| {
                    let count = fields.list(node, |walk, el| walk.signer_info("signerInfo", el));
                    node.set(Class::Structure, count.to_string());
                }));
            }
        })
    }

    fn certificates(&self, el: &El) -> Node {
        self.constructed("certificates", el, |fields, node| {
            let count = fields.list(node, |walk, el| walk.certificate_choice(el));
            node.set(Class::Structure, count.to_string());
        })
    }

    fn crls(&self, el: &El) -> Node {
        self.constructed("crls", el, |fields, node| {
            let count = fields.list(node, |walk, el| walk.revocation_choice(el));
            node.set(Class::Structure, count.to_string());
        })
    }

    /// EncapsulatedContentInfo (RFC 5652 section 5.2).
    fn encapsulated(&self, el: &El, how: Encapsulated) -> Node {
        self.constructed("encapContentInfo", el, |fields, node| {
            let mut content_type = None;
            let compressed = how == Encapsulated::Compressed;
            if let Some(kind) = fields.need(Tag::OID, "eContentType") {
                let mut child = self.oid("eContentType", &kind);
                if let Some(kind) = self.rope.oid(&kind) {
                    content_type = Some(kind);
                    child.set(Class::Structure, ContentType::from_oid(kind).to_string());
                }
                node.children.push(child);
            }
            match fields.optional(Tag::context(0)) {
                Some(explicit) => node.children.push(self.constructed("eContent [0]", &explicit, |fields, node| {
                    let Some(string) = fields.any() else { return };
                    // PKCS #7 (RFC 2315 section 7) had any type here, and old writers use it.
                    node.children.push(match string.tag == Tag::OCTET_STRING {
                        true => self.content("eContent", &string, content_type.filter(|_| !compressed)),
                        false => self.dump("content that is no OCTET STRING", &string),
                    });
                })),
                None => {
                    node.children.push(Node::fact("eContent", Class::Structure, "not here: the content is elsewhere"))
                }
            }
        })
    }

    /// EncryptedContentInfo (RFC 5652 section 6.1).
    fn encrypted_content(&self, el: &El) -> Node {
        self.constructed("encryptedContentInfo", el, |fields, node| {
            if let Some(kind) = fields.need(Tag::OID, "contentType") {
                let mut child = self.oid("contentType", &kind);
                if let Some(kind) = self.rope.oid(&kind) {
                    child.set(Class::Structure, ContentType::from_oid(kind).to_string());
                }
                node.children.push(child);
            }
            fields.shown(node, Tag::SEQUENCE, "contentEncryptionAlgorithm", Walk::algorithm);
            match fields.optional(Tag::context(0)) {
                Some(string) => node.children.push(self.length("encryptedContent", &string)),
                None => {
                    node.children.push(Node::fact("encryptedContent", Class::Structure, "not here: it is elsewhere"));
                }
            }
        })
    }

    /// The octets that the structure is about, of that type.
    fn content(&self, name: &'static str, el: &El, kind: Option<ObjectIdentifier>) -> Node {
        match kind {
            Some(oid::ID_DATA) => self.treat(el, Treatment::Message),
            // DER by definition; its fields are treated by their tags.
            Some(oid::ID_CT_TST_INFO) => {
                self.inside(el, 0);
            }
            _ => {}
        }
        self.length(name, el)
    }

    /// EnvelopedData (RFC 5652 section 6.1) and AuthEnvelopedData (RFC 5083 section 2.1).
    fn enveloped_data(&self, name: &'static str, el: &El) -> Node {
        self.constructed(name, el, |fields, node| {
            fields.shown(node, Tag::INTEGER, "version", Walk::number);
            if let Some(originator) = fields.optional(Tag::context(0)) {
                node.children.push(self.originator_info(&originator));
            }
            if let Some(recipients) = fields.need(Tag::SET, "recipientInfos") {
                node.children.push(self.recipient_infos(&recipients));
            }
            if let Some(inner) = fields.need(Tag::SEQUENCE, "encryptedContentInfo") {
                node.children.push(self.encrypted_content(&inner));
            }
            if name == "envelopedData" {
                if let Some(attributes) = fields.optional(Tag::context(1)) {
                    node.children.push(self.attributes("unprotectedAttrs", &attributes));
                }
                return;
            }
            if let Some(attributes) = fields.optional(Tag::context(1)) {
                node.children.push(self.attributes("authAttrs", &attributes));
            }
            fields.shown(node, Tag::OCTET_STRING, "mac", Walk::length);
            if let Some(attributes) = fields.optional(Tag::context(2)) {
                node.children.push(self.attributes("unauthAttrs", &attributes));
            }
        })
    }

    /// OriginatorInfo (RFC 5652 section 6.1).
    fn originator_info(&self, el: &El) -> Node {
        self.constructed("originatorInfo", el, |fields, node| {
            if let Some(certificates) = fields.optional(Tag::context(0)) {
                node.children.push(self.certificates(&certificates));
            }
            if let Some(crls) = fields.optional(Tag::context(1)) {
                node.children.push(self.crls(&crls));
            }
        })
    }

    /// AuthenticatedData (RFC 5652 section 9.1).
    fn authenticated_data(&self, el: &El) -> Node {
        self.constructed("authenticatedData", el, |fields, node| {
            fields.shown(node, Tag::INTEGER, "version", Walk::number);
            if let Some(originator) = fields.optional(Tag::context(0)) {
                node.children.push(self.originator_info(&originator));
            }
            if let Some(recipients) = fields.need(Tag::SET, "recipientInfos") {
                node.children.push(self.recipient_infos(&recipients));
            }
            fields.shown(node, Tag::SEQUENCE, "macAlgorithm", Walk::algorithm);
            if let Some(algorithm) = fields.optional(Tag::context(1)) {
                node.children.push(self.algorithm("digestAlgorithm", &algorithm));
            }
            if let Some(inner) = fields.need(Tag::SEQUENCE, "encapContentInfo") {
                node.children.push(self.encapsulated(&inner, Encapsulated::Clear));
            }
            if let Some(attributes) = fields.optional(Tag::context(2)) {
                node.children.push(self.attributes("authAttrs", &attributes));
            }
            fields.shown(node, Tag::OCTET_STRING, "mac", Walk::length);
            if let Some(attributes) = fields.optional(Tag::context(3)) {
                node.children.push(self.attributes("unauthAttrs", &attributes));
            }
        })
    }

    /// RecipientInfos (RFC 5652 section 6.2), of every kind.
    fn recipient_infos(&self, el: &El) -> Node {
        self.constructed("recipientInfos", el, |fields, node| {
            let count = fields.list(node, |walk, el| walk.recipient_info(el));
            node.set(Class::Structure, count.to_string());
        })
    }

    fn recipient_info(&self, el: &El) -> Node {
        let (title, node) = match el.tag.context_number() {
            None if el.tag == Tag::SEQUENCE => ("key transport", self.transport(el)),
            Some(1) => ("key agreement", self.agreement(el)),
            Some(2) => ("key-encryption key", self.shared_key(el)),
            Some(3) => ("password", self.password(el)),
            Some(4) => ("other recipient", self.other_recipient(el)),
            _ => ("unknown kind", self.dump("recipientInfo", el)),
        };
        node.with(Class::Structure, title)
    }

    fn transport(&self, el: &El) -> Node {
        self.constructed("recipientInfo", el, |fields, node| {
            fields.shown(node, Tag::INTEGER, "version", Walk::number);
            if let Some(rid) = fields.any() {
                node.children.push(self.certificate_id("rid", &rid));
            }
            if let Some(algorithm) = fields.need(Tag::SEQUENCE, "keyEncryptionAlgorithm") {
                let mut child = self.algorithm("keyEncryptionAlgorithm", &algorithm);
                let typed = self.identifier(&algorithm);
                let typed = typed.and_then(|id| crate::crypto::algorithm::KeyTransport::from_identifier(&id).ok());
                if let Some(typed) = typed {
                    child.set(Class::Structure, typed.name());
                }
                node.children.push(child);
            }
            fields.shown(node, Tag::OCTET_STRING, "encryptedKey", Walk::length);
        })
    }

    fn agreement(&self, el: &El) -> Node {
        self.constructed("recipientInfo", el, |fields, node| {
            fields.shown(node, Tag::INTEGER, "version", Walk::number);
            if let Some(originator) = fields.need(Tag::context(0), "originator") {
                node.children.push(self.constructed("originator", &originator, |fields, node| {
                    let Some(inner) = fields.any() else { return };
                    node.children.push(match inner.tag.context_number() {
                        Some(1) => self.public_key("originatorKey", &inner),
                        _ => self.certificate_id("originator", &inner),
                    });
                }));
            }
            if let Some(ukm) = fields.optional(Tag::context(1)) {
                node.children.push(self.constructed("ukm", &ukm, |fields, node| {
                    let Some(string) = fields.any() else { return };
                    let octets = self.length("value", &string);
                    node.value = octets.value.clone();
                    node.children.push(octets);
                }));
            }
            fields.shown(node, Tag::SEQUENCE, "keyEncryptionAlgorithm", Walk::algorithm);
            if let Some(keys) = fields.need(Tag::SEQUENCE, "recipientEncryptedKeys") {
                node.children.push(self.constructed("recipientEncryptedKeys", &keys, |fields, node| {
                    let count = fields.list(node, |walk, el| {
                        walk.constructed("recipientEncryptedKey", el, |fields, node| {
                            if let Some(rid) = fields.any() {
                                node.children.push(walk.certificate_id("rid", &rid));
                            }
                            fields.shown(node, Tag::OCTET_STRING, "encryptedKey", Walk::length);
                        })
                    });
                    node.set(Class::Structure, count.to_string());
                }));
            }
        })
    }

    fn shared_key(&self, el: &El) -> Node {
        self.constructed("recipientInfo", el, |fields, node| {
            fields.shown(node, Tag::INTEGER, "version", Walk::number);
            if let Some(id) = fields.need(Tag::SEQUENCE, "kekid") {
                node.children.push(self.constructed("kekid", &id, |fields, node| {
                    if let Some(key) = fields.need(Tag::OCTET_STRING, "keyIdentifier") {
                        node.children.push(self.bytes("keyIdentifier", &key, Class::Identifier));
                    }
                    if let Some(date) = fields.optional(Tag::GENERALIZED_TIME) {
                        node.children.push(self.time("date", &date));
                    }
                    if let Some(other) = fields.optional(Tag::SEQUENCE) {
                        node.children.push(self.dump("other", &other));
                    }
                }));
            }
            fields.shown(node, Tag::SEQUENCE, "keyEncryptionAlgorithm", Walk::algorithm);
            fields.shown(node, Tag::OCTET_STRING, "encryptedKey", Walk::length);
        })
    }

    fn password(&self, el: &El) -> Node {
        self.constructed("recipientInfo", el, |fields, node| {
            fields.shown(node, Tag::INTEGER, "version", Walk::number);
            if let Some(derivation) = fields.optional(Tag::context(0)) {
                node.children.push(self.algorithm("keyDerivationAlgorithm", &derivation));
            }
            fields.shown(node, Tag::SEQUENCE, "keyEncryptionAlgorithm", Walk::algorithm);
            fields.shown(node, Tag::OCTET_STRING, "encryptedKey", Walk::length);
        })
    }

    fn other_recipient(&self, el: &El) -> Node {
        self.constructed("recipientInfo", el, |fields, node| {
            fields.shown(node, Tag::OID, "oriType", Walk::oid);
            if let Some(value) = fields.any() {
                node.children.push(self.dump("oriValue", &value));
            }
        })
    }
}
