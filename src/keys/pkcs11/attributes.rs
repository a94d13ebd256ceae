//! Attributes of objects, and public keys made of them.

use crate::asn1::ber::Reader;
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::crypto::algorithm::AlgorithmIdentifier;
use crate::crypto::signature::{PublicKey, spki};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectHandle};
use cryptoki::session::Session;

/// An object of a session.
#[derive(Clone, Copy)]
pub(super) struct Object<'s> {
    pub(super) session: &'s Session,
    pub(super) handle: ObjectHandle,
}

impl Object<'_> {
    /// One attribute; `None` where the object has none, or does not give it away. Each is asked for alone, since there are
    /// tokens that answer nothing where one of several is not there.
    pub(super) fn attribute(&self, kind: AttributeType) -> Option<Attribute> {
        self.session.get_attributes(self.handle, &[kind]).ok()?.pop()
    }

    /// An attribute that is bytes; empty ones count as absent.
    pub(super) fn bytes(&self, kind: AttributeType) -> Option<Vec<u8>> {
        let (Attribute::Id(bytes)
        | Attribute::Label(bytes)
        | Attribute::Modulus(bytes)
        | Attribute::PublicExponent(bytes)
        | Attribute::EcParams(bytes)
        | Attribute::EcPoint(bytes)
        | Attribute::Value(bytes)) = self.attribute(kind)?
        else {
            return None;
        };
        Some(bytes).filter(|bytes| !bytes.is_empty())
    }

    /// CKA_LABEL.
    pub(super) fn label(&self) -> String {
        String::from_utf8_lossy(&self.bytes(AttributeType::Label).unwrap_or_default()).into_owned()
    }

    /// CKA_KEY_TYPE.
    pub(super) fn key_type(&self) -> Option<KeyType> {
        match self.attribute(AttributeType::KeyType)? {
            Attribute::KeyType(kind) => Some(kind),
            _ => None,
        }
    }

    /// A yes or no; absent ones are no.
    pub(super) fn is(&self, kind: AttributeType) -> bool {
        match self.attribute(kind) {
            Some(
                Attribute::Sign(answer)
                | Attribute::Decrypt(answer)
                | Attribute::Unwrap(answer)
                | Attribute::Derive(answer)
                | Attribute::AlwaysAuthenticate(answer),
            ) => answer,
            _ => false,
        }
    }

    /// The public key that the object is or tells of. Private keys of RSA have theirs, as a rule; those on curves do not.
    pub(super) fn public_key(&self, limits: &Limits) -> Option<PublicKey> {
        match self.key_type()? {
            KeyType::RSA => {
                let modulus = der::unsigned(&self.bytes(AttributeType::Modulus)?);
                let exponent = der::unsigned(&self.bytes(AttributeType::PublicExponent)?);
                let key = der::sequence(&[modulus, exponent]);
                PublicKey::from_spki(&spki(&AlgorithmIdentifier::with_null(oid::RSA_ENCRYPTION), &key), limits).ok()
            }
            KeyType::EC => {
                let curve = self.bytes(AttributeType::EcParams)?;
                on_curve(&curve, &self.bytes(AttributeType::EcPoint)?, limits)
            }
            _ => None,
        }
    }
}

/// PKCS #11 has the point within an OCTET STRING, and some tokens give it without. A point may look like an OCTET STRING,
/// which then is too short for a point.
fn on_curve(curve: &[u8], encoding: &[u8], limits: &Limits) -> Option<PublicKey> {
    const WHAT: &str = "CKA_EC_POINT";
    let id = AlgorithmIdentifier::with(oid::EC_PUBLIC_KEY, curve.to_vec());
    let inside = Reader::single(encoding, WHAT).and_then(|element| Ok(element.octets(WHAT)?.into_owned())).ok();
    let read = |point: &[u8]| PublicKey::from_spki(&spki(&id, point), limits).ok();
    inside.and_then(|point| read(&point)).or_else(|| read(encoding))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::algorithm::Curve;
    use crate::crypto::private::PrivateKey;
    use crate::crypto::signature::KeyKind;

    #[test]
    fn a_point_comes_with_or_without_its_octet_string() {
        let limits = Limits::default();
        let curve = der::oid(&Curve::P256.oid());
        let public = PrivateKey::generate(KeyKind::P256, 0).unwrap().public_key(&limits).unwrap();
        let point = public.key_agreement_bytes().unwrap();
        for encoding in [der::octets(&point), point.clone()] {
            assert_eq!(on_curve(&curve, &encoding, &limits).unwrap().spki(), public.spki());
        }
        assert!(on_curve(&curve, &point[..64], &limits).is_none());
        assert!(on_curve(&curve, &[], &limits).is_none());
        assert!(on_curve(&der::null(), &point, &limits).is_none());
    }
}
