//! SignerInfos and their attributes.

use super::node::{Class, Node};
use super::rope::El;
use super::walk::{Fields, Walk, hex_or_more};
use crate::asn1::ber::Tag;
use crate::asn1::oid;
use crate::cert::extension::GeneralName;
use crate::cms::tst_info::TstInfo;
use crate::crypto::algorithm::oid_name;
use const_oid::ObjectIdentifier;

impl Walk<'_> {
    /// SignerInfo (RFC 5652 section 5.3).
    pub(super) fn signer_info(&self, name: &'static str, el: &El) -> Node {
        self.constructed(name, el, |fields, node| {
            fields.shown(node, Tag::INTEGER, "version", Walk::number);
            if let Some(sid) = fields.any() {
                node.children.push(self.certificate_id("sid", &sid));
            }
            let mut digest = None;
            if let Some(algorithm) = fields.need(Tag::SEQUENCE, "digestAlgorithm") {
                digest = self.digest_of(&algorithm);
                node.children.push(self.algorithm("digestAlgorithm", &algorithm));
            }
            if let Some(attributes) = fields.optional(Tag::context(0)) {
                node.children.push(self.attributes("signedAttrs", &attributes));
            }
            if let Some(algorithm) = fields.need(Tag::SEQUENCE, "signatureAlgorithm") {
                node.children.push(self.algorithm_beside("signatureAlgorithm", &algorithm, digest));
            }
            fields.shown(node, Tag::OCTET_STRING, "signature", Walk::length);
            if let Some(attributes) = fields.optional(Tag::context(1)) {
                node.children.push(self.attributes("unsignedAttrs", &attributes));
            }
        })
    }

    /// SignerIdentifier, RecipientIdentifier, KeyAgreeRecipientIdentifier; its value is a sentence about it.
    pub(super) fn certificate_id(&self, name: &'static str, el: &El) -> Node {
        let mut node = match el.tag.context_number() {
            Some(0) if !el.constructed => {
                let mut node = self.bytes(name, el, Class::Identifier);
                let text = format!("key identifier {}", node.text());
                node.set(Class::Identifier, text);
                return node;
            }
            Some(0) => self.constructed(name, el, |fields, node| {
                if let Some(key) = fields.any() {
                    node.children.push(self.bytes("subjectKeyIdentifier", &key, Class::Identifier));
                }
                while let Some(more) = fields.any() {
                    node.children.push(self.dump(more.tag.to_string(), &more));
                }
            }),
            None if el.tag == Tag::SEQUENCE => self.constructed(name, el, |fields, node| {
                fields.shown(node, Tag::SEQUENCE, "issuer", Walk::name);
                if let Some(serial) = fields.need(Tag::INTEGER, "serialNumber") {
                    node.children.push(self.bytes("serialNumber", &serial, Class::Identifier));
                }
            }),
            _ => self.dump(name, el),
        };
        let part = |name: &str| node.child(name).map(|child| child.text().to_owned());
        if let (Some(serial), Some(issuer)) = (part("serialNumber"), part("issuer")) {
            node.set(Class::Name, format!("serial {serial} of {issuer}"));
        } else if let Some(key) = part("subjectKeyIdentifier") {
            node.set(Class::Identifier, format!("key identifier {key}"));
        }
        node
    }

    /// A SET OF Attribute under any tag, in the order received.
    pub(super) fn attributes(&self, name: &'static str, el: &El) -> Node {
        let mut sorted = true;
        let mut before: Option<El> = None;
        let mut count = 0;
        let mut node = self.constructed(name, el, |fields, node| {
            count = fields.list(node, |walk, el| {
                // X.690 section 11.6: by their encodings.
                if let Some(previous) = before.replace(*el) {
                    sorted &= walk.rope.raw(&previous) <= walk.rope.raw(el);
                }
                walk.attribute(el)
            });
        });
        let order = if sorted { "in DER order" } else { "not in DER order" };
        node.set(Class::Structure, format!("{count} attributes, {order}"));
        node
    }

    fn attribute(&self, el: &El) -> Node {
        let mut label = None;
        let mut node = self.constructed("attribute", el, |fields, node| {
            let Some(kind) = fields.need(Tag::OID, "attrType") else { return };
            let Some(values) = fields.need(Tag::SET, "attrValues") else { return };
            let Some(kind) = self.rope.oid(&kind) else { return };
            label = Some(oid_name(&kind));
            let mut inside = self.fields(&values);
            let count = inside.list(node, |walk, el| walk.attribute_value(&kind, el));
            if count != 1 {
                node.note("attribute_values", format!("it has {count} values"));
            }
            if let Some(first) = node.children.first().filter(|_| node.children.len() == 1) {
                node.value = first.value.clone();
            }
        });
        if let Some(label) = label {
            node.name = label.into();
        }
        node
    }

    fn attribute_value(&self, kind: &ObjectIdentifier, el: &El) -> Node {
        const NAME: &str = "value";
        match *kind {
            oid::ID_CONTENT_TYPE => self.oid(NAME, el),
            oid::ID_MESSAGE_DIGEST if el.tag == Tag::OCTET_STRING => self.bytes(NAME, el, Class::Bytes),
            oid::ID_SIGNING_TIME => self.time(NAME, el),
            oid::ID_SMIME_CAPABILITIES => self.capabilities(NAME, el),
            oid::ID_AA_ENCRYP_KEY_PREF => match el.tag.context_number() {
                // RFC 8551 section 2.5.3: issuerAndSerialNumber [0], receipentKeyId [1], subjectAltKeyIdentifier [2].
                Some(0) => self.constructed("issuerAndSerialNumber", el, |fields, node| {
                    self.issuer_and_serial(fields, node);
                }),
                Some(1) => self.dump("receipentKeyId", el),
                Some(2) => self.bytes("subjectAltKeyIdentifier", el, Class::Identifier),
                _ => self.dump(NAME, el),
            },
            oid::MS_ENCRYPTION_KEY_PREFERENCE if el.tag == Tag::SEQUENCE => {
                self.constructed("issuerAndSerialNumber", el, |fields, node| self.issuer_and_serial(fields, node))
            }
            oid::ID_AA_SIGNING_CERTIFICATE | oid::ID_AA_SIGNING_CERTIFICATE_V2 => self.signing_certificate(el),
            oid::ID_AA_CMS_ALGORITHM_PROTECT => self.constructed(NAME, el, |fields, node| {
                fields.shown(node, Tag::SEQUENCE, "digestAlgorithm", Walk::algorithm);
                for (number, name) in [(1, "signatureAlgorithm"), (2, "macAlgorithm")] {
                    if let Some(algorithm) = fields.optional(Tag::context(number)) {
                        node.children.push(self.algorithm(name, &algorithm));
                    }
                }
            }),
            oid::ID_COUNTERSIGNATURE if el.tag == Tag::SEQUENCE => self.signer_info("countersignature", el),
            oid::ID_AA_TIME_STAMP_TOKEN if el.tag == Tag::SEQUENCE => self.timestamp(el),
            _ => {
                let raw = self.rope.raw(el).unwrap_or_default();
                let mut node = self.dump(NAME, el);
                if node.value.is_none() {
                    node.set(Class::Bytes, hex_or_more(raw, 16));
                }
                node
            }
        }
    }

    fn issuer_and_serial(&self, fields: &mut Fields<'_, '_>, node: &mut Node) {
        fields.shown(node, Tag::SEQUENCE, "issuer", Walk::name);
        if let Some(serial) = fields.need(Tag::INTEGER, "serialNumber") {
            node.children.push(self.bytes("serialNumber", &serial, Class::Identifier));
        }
    }

    /// SMIMECapabilities (RFC 8551 section 2.5.2), entry by entry.
    pub(super) fn capabilities(&self, name: &'static str, el: &El) -> Node {
        self.constructed(name, el, |fields, node| {
            fields.list(node, |walk, el| {
                let mut title = None;
                let mut node = walk.constructed("capability", el, |fields, node| {
                    let Some(kind) = fields.need(Tag::OID, "capabilityID") else { return };
                    node.children.push(walk.oid("capabilityID", &kind));
                    let oid = walk.rope.oid(&kind);
                    title = oid.map(|oid| oid_name(&oid));
                    let Some(parameters) = fields.any() else { return };
                    let mut child = walk.parameters(oid, &parameters);
                    if oid == Some(oid::RC2_CBC) && parameters.tag == Tag::INTEGER {
                        // RFC 8551 section 2.5.2: SMIMECapabilitiesParametersForRC2CBC is the number of bits itself.
                        let bits = walk.rope.small(&parameters).map(|n| n.to_string()).unwrap_or_default();
                        child.name = "effective bits".into();
                        title = Some(format!("rc2-cbc, {bits} bits"));
                    }
                    node.children.push(child);
                });
                if let Some(title) = title {
                    node.set(Class::Structure, title);
                }
                node
            });
        })
    }

    /// SigningCertificate and SigningCertificateV2 (RFC 5035 sections 3 and 4).
    fn signing_certificate(&self, el: &El) -> Node {
        self.constructed("value", el, |fields, node| {
            let Some(certs) = fields.need(Tag::SEQUENCE, "certs") else { return };
            node.children.push(self.constructed("certs", &certs, |fields, node| {
                fields.list(node, |walk, el| {
                    walk.constructed("essCertID", el, |fields, node| {
                        if let Some(algorithm) = fields.optional(Tag::SEQUENCE) {
                            node.children.push(walk.algorithm("hashAlgorithm", &algorithm));
                        }
                        if let Some(hash) = fields.need(Tag::OCTET_STRING, "certHash") {
                            node.children.push(walk.bytes("certHash", &hash, Class::Bytes));
                        }
                        let Some(issuer) = fields.optional(Tag::SEQUENCE) else { return };
                        node.children.push(walk.constructed("issuerSerial", &issuer, |fields, node| {
                            fields.shown(node, Tag::SEQUENCE, "issuer", Walk::general_names);
                            if let Some(serial) = fields.need(Tag::INTEGER, "serialNumber") {
                                node.children.push(walk.bytes("serialNumber", &serial, Class::Identifier));
                            }
                        }));
                    })
                });
            }));
            if let Some(policies) = fields.optional(Tag::SEQUENCE) {
                node.children.push(self.dump("policies", &policies));
            }
        })
    }

    /// A timestamp token: a ContentInfo of its own, with a TSTInfo inside (RFC 3161 section 2.4.2).
    fn timestamp(&self, el: &El) -> Node {
        let mut node = self.content_info("timeStampToken", el);
        let content = node.walk().find(|n| n.name == "eContent").and_then(|n| n.at);
        let Some(place) = content else { return node };
        let Ok(string) = self.rope.element(place.offset, self.rope.end, el.depth.saturating_add(5)) else {
            return node;
        };
        let Some(octets) = self.rope.octets(&string) else { return node };
        match TstInfo::parse(&octets, self.limits) {
            Ok(info) => {
                let mut facts = vec![
                    Node::fact("genTime", Class::Time, info.time.time.to_string()),
                    Node::fact("policy", Class::Structure, info.policy.to_string()),
                    Node::fact("hashAlgorithm", Class::Structure, info.hash_algorithm.name()),
                    Node::fact("hashedMessage", Class::Bytes, hex_or_more(&info.hashed_message, 64)),
                ];
                if let Some(authority) = &info.authority {
                    facts.push(Node::fact("tsa", Class::Name, authority_name(authority)));
                } else if let Some(signer) = first_signer(&node) {
                    facts.push(Node::fact("tsa", Class::Name, signer));
                }
                node.children.splice(0..0, facts);
            }
            Err(_) => node.note("tst_info_unreadable", "its TSTInfo cannot be read"),
        }
        node
    }
}

fn authority_name(name: &GeneralName) -> String {
    match name {
        GeneralName::Directory(name) => name.to_string(),
        GeneralName::Rfc822(text) | GeneralName::SmtpUtf8(text) | GeneralName::Dns(text) | GeneralName::Uri(text) => {
            text.clone()
        }
        _ => "by another kind of name".to_owned(),
    }
}

/// The subject of the token's first certificate: who the authority is, as far as the token says.
fn first_signer(token: &Node) -> Option<String> {
    let subjects = token.walk().filter(|n| n.name == "subject");
    subjects.map(|n| n.text().to_owned()).next()
}
