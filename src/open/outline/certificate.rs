//! Certificates, revocation lists and OCSP responses inside a CMS structure, field by field.

use super::node::{Class, Node};
use super::rope::El;
use super::walk::{Fields, Treatment, Walk, hex_or_more};
use crate::asn1::ber::Tag;
use crate::asn1::oid;
use crate::cert::extension;
use crate::cert::name::Name;
use crate::crypto::algorithm::{Curve, oid_name};
use const_oid::ObjectIdentifier;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// The bits of KeyUsage, first bit first (RFC 5280 section 4.2.1.3).
const USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

impl Walk<'_> {
    /// CertificateChoices (RFC 5652 section 10.2.2).
    pub(super) fn certificate_choice(&self, el: &El) -> Node {
        match el.tag.context_number() {
            None if el.tag == Tag::SEQUENCE => self.certificate(el),
            Some(0) => self.dump("extendedCertificate (obsolete)", el),
            Some(1) => self.dump("attribute certificate, version 1 (obsolete)", el),
            Some(2) => self.dump("attribute certificate, version 2", el),
            Some(3) => self.dump("other certificate format", el),
            _ => self.dump("unknown kind of certificate", el),
        }
    }

    /// Certificate (RFC 5280 section 4.1).
    pub(super) fn certificate(&self, el: &El) -> Node {
        let mut node = self.constructed("certificate", el, |fields, node| {
            if let Some(tbs) = fields.need(Tag::SEQUENCE, "tbsCertificate") {
                node.children.push(self.tbs_certificate(&tbs));
            }
            self.signature_fields(fields, node);
        });
        if let Some(raw) = self.rope.raw(el).filter(|_| el.cut.is_none()) {
            let digest: [u8; 32] = Sha256::digest(raw).into();
            node.children.push(Node::fact("sha256", Class::Bytes, hex_or_more(&digest, 64)));
        }
        node
    }

    fn signature_fields(&self, fields: &mut Fields<'_, '_>, node: &mut Node) {
        fields.shown(node, Tag::SEQUENCE, "signatureAlgorithm", Walk::algorithm);
        fields.shown(node, Tag::BIT_STRING, "signatureValue", Walk::length);
    }

    fn tbs_certificate(&self, el: &El) -> Node {
        self.constructed("tbsCertificate", el, |fields, node| {
            if let Some(version) = fields.optional(Tag::context(0)) {
                node.children.push(self.constructed("version", &version, |fields, node| {
                    if let Some(number) = fields.need(Tag::INTEGER, "version") {
                        let number = self.number("value", &number);
                        let shown = number.text().parse::<u64>().map(|n| format!("v{}", n.saturating_add(1)));
                        node.set(Class::Structure, shown.unwrap_or_default());
                        node.children.push(number);
                    }
                }));
            }
            if let Some(serial) = fields.need(Tag::INTEGER, "serialNumber") {
                node.children.push(self.bytes("serialNumber", &serial, Class::Identifier));
            }
            fields.shown(node, Tag::SEQUENCE, "signature", Walk::algorithm);
            fields.shown(node, Tag::SEQUENCE, "issuer", Walk::name);
            if let Some(validity) = fields.need(Tag::SEQUENCE, "validity") {
                node.children.push(self.constructed("validity", &validity, |fields, node| {
                    for name in ["notBefore", "notAfter"] {
                        if let Some(time) = fields.any() {
                            node.children.push(self.time(name, &time));
                        }
                    }
                }));
            }
            fields.shown(node, Tag::SEQUENCE, "subject", Walk::name);
            fields.shown(node, Tag::SEQUENCE, "subjectPublicKeyInfo", Walk::public_key);
            for (number, name) in [(1, "issuerUniqueID"), (2, "subjectUniqueID")] {
                if let Some(id) = fields.optional(Tag::context(number)) {
                    node.children.push(self.length(name, &id));
                }
            }
            if let Some(extensions) = fields.optional(Tag::context(3)) {
                node.children.push(self.explicit_extensions("extensions", &extensions));
            }
        })
    }

    /// A Name (RFC 5280 section 4.1.2.4), attribute by attribute.
    pub(super) fn name(&self, name: impl Into<Cow<'static, str>>, el: &El) -> Node {
        let text = self.rope.raw(el).and_then(|raw| Name::from_der(raw).ok()).map(|name| name.to_string());
        let mut node = self.constructed(name, el, |fields, node| {
            while let Some(set) = fields.any() {
                let mut inside = self.fields(&set);
                while let Some(attribute) = inside.any() {
                    let mut pair = self.fields(&attribute);
                    let (Some(kind), Some(value)) = (pair.any(), pair.any()) else { break };
                    if node.children.len() >= self.shown {
                        node.more = node.more.saturating_add(1);
                        continue;
                    }
                    let label = self.rope.oid(&kind).map_or_else(|| "attribute".to_owned(), |oid| oid_name(&oid));
                    let text = self.text_of(&value);
                    node.children.push(self.leaf(label, &value, Class::Name, text));
                }
            }
        });
        node.set(Class::Name, text.unwrap_or_else(|| "not a name that can be read".to_owned()));
        node
    }

    /// SubjectPublicKeyInfo; its value is the kind of key and its size.
    pub(super) fn public_key(&self, name: &'static str, el: &El) -> Node {
        let mut title = None;
        let mut node = self.constructed(name, el, |fields, node| {
            let Some(algorithm) = fields.any() else { return };
            node.children.push(self.algorithm("algorithm", &algorithm));
            let identifier = self.identifier(&algorithm);
            title = identifier.as_ref().map(|id| match Curve::from_identifier(id) {
                Ok(curve) => curve.name().to_owned(),
                Err(_) => id.name(),
            });
            let Some(key) = fields.need(Tag::BIT_STRING, "subjectPublicKey") else { return };
            let mut bits = self.length("subjectPublicKey", &key);
            let rsa = identifier.is_some_and(|id| matches!(id.oid, oid::RSA_ENCRYPTION | oid::RSASSA_PSS));
            if rsa && let Some(inner) = self.inside(&key, 1) {
                bits.children.push(self.constructed("RSAPublicKey", &inner, |fields, node| {
                    if let Some(modulus) = fields.need(Tag::INTEGER, "modulus") {
                        let size = self.rope.body(&modulus).map_or(0, bits_of);
                        title = Some(format!("RSA-{size}"));
                        self.treat(&modulus, Treatment::Modulus);
                        node.children
                            .push(self.node("modulus", &modulus).with(Class::Structure, format!("{size} bits")));
                    }
                    fields.shown(node, Tag::INTEGER, "publicExponent", Walk::number);
                }));
            }
            node.children.push(bits);
        });
        node.set(Class::Structure, title.unwrap_or_else(|| "unknown".to_owned()));
        node
    }

    fn explicit_extensions(&self, name: &'static str, el: &El) -> Node {
        self.constructed(name, el, |fields, node| {
            if let Some(list) = fields.need(Tag::SEQUENCE, "Extensions") {
                node.children = self.extensions(name, &list).children;
            }
        })
    }

    fn extensions(&self, name: &'static str, el: &El) -> Node {
        self.constructed(name, el, |fields, node| {
            fields.list(node, |walk, el| walk.extension(el));
        })
    }

    fn extension(&self, el: &El) -> Node {
        let mut label = None;
        let mut node = self.constructed("extension", el, |fields, node| {
            let Some(kind) = fields.need(Tag::OID, "extnID") else { return };
            let kind = self.rope.oid(&kind);
            label = kind.map(|kind| extension_label(&kind));
            let critical = fields.optional(Tag::BOOLEAN);
            let critical = critical.is_some_and(|el| self.rope.body(&el).is_some_and(|b| b.iter().any(|b| *b != 0)));
            node.set(Class::Structure, if critical { "critical" } else { "not critical" });
            let Some(value) = fields.need(Tag::OCTET_STRING, "extnValue") else { return };
            match (kind, self.inside(&value, 0)) {
                (Some(kind), Some(inner)) => node.children.push(self.extension_value(&kind, &inner)),
                _ => node.children.push(self.bytes("extnValue", &value, Class::Bytes)),
            }
        });
        if let Some(label) = label {
            node.name = label.into();
        }
        node
    }

    fn extension_value(&self, kind: &ObjectIdentifier, el: &El) -> Node {
        const NAME: &str = "value";
        match *kind {
            oid::SUBJECT_KEY_IDENTIFIER => self.bytes("keyIdentifier", el, Class::Identifier),
            oid::AUTHORITY_KEY_IDENTIFIER => self.constructed(NAME, el, |fields, node| {
                while let Some(field) = fields.any() {
                    let child = match field.tag.context_number() {
                        Some(0) => self.bytes("keyIdentifier", &field, Class::Identifier),
                        Some(1) => self.general_names("authorityCertIssuer", &field),
                        Some(2) => self.bytes("authorityCertSerialNumber", &field, Class::Identifier),
                        _ => self.dump(field.tag.to_string(), &field),
                    };
                    node.children.push(child);
                }
            }),
            oid::KEY_USAGE if el.tag == Tag::BIT_STRING => {
                let bits = self.rope.body(el).and_then(<[u8]>::split_first).map_or(&[][..], |(_, bits)| bits);
                let set = |at: usize| bits.get(at / 8).is_some_and(|b| b & (0x80 >> (at % 8)) != 0);
                let named = USAGES.iter().enumerate().filter(|(at, _)| set(*at)).map(|(_, name)| *name);
                let names = named.collect::<Vec<_>>().join(", ");
                self.leaf(NAME, el, Class::Structure, if names.is_empty() { "nothing".to_owned() } else { names })
            }
            oid::EXTENDED_KEY_USAGE => self.constructed(NAME, el, |fields, node| {
                fields.list(node, |walk, el| walk.oid("keyPurposeId", el));
            }),
            oid::BASIC_CONSTRAINTS => self.constructed(NAME, el, |fields, node| {
                if let Some(authority) = fields.optional(Tag::BOOLEAN) {
                    node.children.push(self.dump("cA", &authority));
                }
                if let Some(length) = fields.optional(Tag::INTEGER) {
                    node.children.push(self.number("pathLenConstraint", &length));
                }
            }),
            oid::SUBJECT_ALT_NAME | oid::ISSUER_ALT_NAME | oid::CERTIFICATE_ISSUER => self.general_names(NAME, el),
            oid::CRL_DISTRIBUTION_POINTS | oid::FRESHEST_CRL => self.constructed(NAME, el, |fields, node| {
                fields.list(node, |walk, el| walk.distribution_point(el));
            }),
            oid::ISSUING_DISTRIBUTION_POINT => self.distribution_point(el),
            oid::AUTHORITY_INFO_ACCESS | oid::SUBJECT_INFO_ACCESS => self.constructed(NAME, el, |fields, node| {
                fields.list(node, |walk, el| {
                    walk.constructed("accessDescription", el, |fields, node| {
                        fields.shown(node, Tag::OID, "accessMethod", Walk::oid);
                        if let Some(location) = fields.any() {
                            node.children.push(walk.general_name(&location));
                        }
                    })
                });
            }),
            oid::CRL_NUMBER | oid::DELTA_CRL_INDICATOR => self.bytes("number", el, Class::Identifier),
            oid::INHIBIT_ANY_POLICY => self.number(NAME, el),
            // RFC 4262
            oid::ID_SMIME_CAPABILITIES => self.capabilities(NAME, el),
            _ => self.dump(NAME, el),
        }
    }

    fn distribution_point(&self, el: &El) -> Node {
        self.constructed("distributionPoint", el, |fields, node| {
            while let Some(field) = fields.any() {
                let inner = self.fields(&field).any();
                let child = match (field.tag.context_number(), inner) {
                    (Some(0), Some(inner)) if inner.tag == Tag::context(0) => {
                        self.constructed("distributionPointName", &field, |fields, node| {
                            if let Some(names) = fields.any() {
                                node.children.push(self.general_names("fullName", &names));
                            }
                        })
                    }
                    (Some(2), Some(_)) if field.constructed => self.general_names("cRLIssuer", &field),
                    _ => self.dump(field.tag.to_string(), &field),
                };
                node.children.push(child);
            }
        })
    }

    pub(super) fn general_names(&self, name: &'static str, el: &El) -> Node {
        self.constructed(name, el, |fields, node| {
            fields.list(node, |walk, el| walk.general_name(el));
        })
    }

    /// GeneralName (RFC 5280 section 4.2.1.6).
    pub(super) fn general_name(&self, el: &El) -> Node {
        let text = || String::from_utf8_lossy(self.rope.body(el).unwrap_or_default()).into_owned();
        match el.tag.context_number() {
            Some(0) => self.dump("otherName", el),
            Some(1) => self.leaf("rfc822Name", el, Class::Address, text()),
            Some(2) => self.leaf("dNSName", el, Class::Address, text()),
            Some(4) => self.constructed("directoryName", el, |fields, node| {
                if let Some(inner) = fields.need(Tag::SEQUENCE, "directoryName") {
                    let inner = self.name("name", &inner);
                    node.value = inner.value.clone();
                    node.children.push(inner);
                }
            }),
            Some(6) => self.leaf("uniformResourceIdentifier", el, Class::Address, text()),
            Some(7) => self.bytes("iPAddress", el, Class::Address),
            Some(8) => self.dump("registeredID", el),
            _ => self.dump("generalName", el),
        }
    }

    /// RevocationInfoChoice (RFC 5652 section 10.2.1).
    pub(super) fn revocation_choice(&self, el: &El) -> Node {
        match el.tag.context_number() {
            None if el.tag == Tag::SEQUENCE => self.list_of_revoked(el),
            Some(1) => self.constructed("other revocation information", el, |fields, node| {
                let Some(kind) = fields.need(Tag::OID, "otherRevInfoFormat") else { return };
                node.children.push(self.oid("otherRevInfoFormat", &kind));
                let Some(value) = fields.any() else { return };
                let ocsp = self.rope.oid(&kind) == Some(oid::RI_OCSP_RESPONSE);
                node.children.push(match ocsp && value.tag == Tag::SEQUENCE {
                    true => self.ocsp_response(&value),
                    false => self.dump("otherRevInfo", &value),
                });
            }),
            _ => self.dump("unknown kind of revocation information", el),
        }
    }

    /// CertificateList (RFC 5280 section 5.1).
    fn list_of_revoked(&self, el: &El) -> Node {
        self.constructed("certificateList", el, |fields, node| {
            if let Some(tbs) = fields.need(Tag::SEQUENCE, "tbsCertList") {
                node.children.push(self.constructed("tbsCertList", &tbs, |fields, node| {
                    if let Some(version) = fields.optional(Tag::INTEGER) {
                        node.children.push(self.number("version", &version));
                    }
                    fields.shown(node, Tag::SEQUENCE, "signature", Walk::algorithm);
                    fields.shown(node, Tag::SEQUENCE, "issuer", Walk::name);
                    if let Some(time) = fields.any() {
                        node.children.push(self.time("thisUpdate", &time));
                    }
                    if matches!(fields.peek(), Some(Tag::UTC_TIME | Tag::GENERALIZED_TIME))
                        && let Some(time) = fields.any()
                    {
                        node.children.push(self.time("nextUpdate", &time));
                    }
                    if let Some(revoked) = fields.optional(Tag::SEQUENCE) {
                        node.children.push(self.constructed("revokedCertificates", &revoked, |fields, node| {
                            let mut count = 0_u64;
                            while fields.any().is_some() {
                                count = count.saturating_add(1);
                            }
                            node.set(Class::Structure, format!("{count} entries"));
                        }));
                    }
                    if let Some(extensions) = fields.optional(Tag::context(0)) {
                        node.children.push(self.explicit_extensions("crlExtensions", &extensions));
                    }
                }));
            }
            self.signature_fields(fields, node);
        })
    }

    /// OCSPResponse (RFC 6960 section 4.2.1).
    fn ocsp_response(&self, el: &El) -> Node {
        self.constructed("ocspResponse", el, |fields, node| {
            fields.shown(node, Tag::ENUMERATED, "responseStatus", Walk::number);
            let Some(bytes) = fields.optional(Tag::context(0)) else { return };
            node.children.push(self.constructed("responseBytes", &bytes, |fields, node| {
                let Some(bytes) = fields.need(Tag::SEQUENCE, "ResponseBytes") else { return };
                let mut inside = self.fields(&bytes);
                if let Some(kind) = inside.any() {
                    node.children.push(self.oid("responseType", &kind));
                }
                let Some(response) = inside.any() else { return };
                match self.inside(&response, 0) {
                    Some(basic) => node.children.push(self.basic_response(&basic)),
                    None => node.children.push(self.length("response", &response)),
                }
            }));
        })
    }

    fn basic_response(&self, el: &El) -> Node {
        self.constructed("basicOCSPResponse", el, |fields, node| {
            let Some(data) = fields.need(Tag::SEQUENCE, "tbsResponseData") else { return };
            node.children.push(self.constructed("tbsResponseData", &data, |fields, node| {
                if let Some(version) = fields.optional(Tag::context(0)) {
                    node.children.push(self.dump("version", &version));
                }
                if let Some(responder) = fields.any() {
                    let inner = self.fields(&responder).any();
                    node.children.push(match (responder.tag.context_number(), inner) {
                        (Some(1), Some(inner)) => self.name("responderID", &inner),
                        (Some(2), Some(inner)) => self.bytes("responderID", &inner, Class::Identifier),
                        _ => self.dump("responderID", &responder),
                    });
                }
                if let Some(time) = fields.any() {
                    node.children.push(self.time("producedAt", &time));
                }
                if let Some(responses) = fields.need(Tag::SEQUENCE, "responses") {
                    node.children.push(self.constructed("responses", &responses, |fields, node| {
                        fields.list(node, |walk, el| walk.single_response(el));
                    }));
                }
                if let Some(extensions) = fields.optional(Tag::context(1)) {
                    node.children.push(self.explicit_extensions("responseExtensions", &extensions));
                }
            }));
            self.signature_fields(fields, node);
            if let Some(certificates) = fields.optional(Tag::context(0)) {
                node.children.push(self.constructed("certs", &certificates, |fields, node| {
                    if let Some(list) = fields.need(Tag::SEQUENCE, "certs") {
                        self.fields(&list).list(node, |walk, el| walk.certificate(el));
                    }
                }));
            }
        })
    }

    fn single_response(&self, el: &El) -> Node {
        self.constructed("singleResponse", el, |fields, node| {
            if let Some(id) = fields.need(Tag::SEQUENCE, "certID") {
                node.children.push(self.constructed("certID", &id, |fields, node| {
                    fields.shown(node, Tag::SEQUENCE, "hashAlgorithm", Walk::algorithm);
                    for name in ["issuerNameHash", "issuerKeyHash", "serialNumber"] {
                        if let Some(bytes) = fields.any() {
                            node.children.push(self.bytes(name, &bytes, Class::Identifier));
                        }
                    }
                }));
            }
            if let Some(status) = fields.any() {
                let text = match status.tag.context_number() {
                    Some(0) => "0 (as the response says)",
                    Some(1) => "1, revoked (as the response says)",
                    Some(2) => "2, unknown (as the response says)",
                    _ => "another status",
                };
                let mut child = self.dump("certStatus", &status);
                child.set(Class::Structure, text);
                node.children.push(child);
            }
            if let Some(time) = fields.any() {
                node.children.push(self.time("thisUpdate", &time));
            }
            if let Some(next) = fields.optional(Tag::context(0)) {
                node.children.push(self.constructed("nextUpdate", &next, |fields, node| {
                    if let Some(time) = fields.any() {
                        node.children.push(self.time("time", &time));
                    }
                }));
            }
            if let Some(extensions) = fields.optional(Tag::context(1)) {
                node.children.push(self.explicit_extensions("singleExtensions", &extensions));
            }
        })
    }
}

fn extension_label(kind: &ObjectIdentifier) -> String {
    let label = extension::label(kind);
    if label == kind.to_string() { oid_name(kind) } else { label }
}

/// The size of a number, in bits.
fn bits_of(bytes: &[u8]) -> usize {
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    let Some(first) = bytes.get(zeros) else { return 0 };
    bytes.len().saturating_sub(zeros).saturating_mul(8).saturating_sub(first.leading_zeros() as usize)
}
