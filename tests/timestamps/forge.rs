//! Tokens as nobody should make them: every field of a timestamp can be another than it ought to be, and the signature
//! over it is right all the same. And the way of a token into a message.

use crate::common::people::{Authority, common_name, serial};
use smime::asn1::ber::{Reader, Tag};
use smime::asn1::{der, oid};
use smime::cert::chain::{ChainOutcome, ChainRequest, build};
use smime::cert::extension::{Extension, KeyUsage};
use smime::cert::issue::CertificateTemplate;
use smime::cert::purpose::Purpose;
use smime::cms::identifier::CertificateId;
use smime::cms::signed::SignedData;
use smime::cms::signer_info;
use smime::cms::timestamp::Timestamp;
use smime::crypto::algorithm::{AlgorithmIdentifier, DigestAlgorithm, SignatureScheme};
use smime::crypto::digest::hash;
use smime::crypto::private::PrivateKey;
use smime::crypto::signature::KeyKind;
use smime::{Certificate, Limits, Time, Trust};

/// 1.2.840... as the constants of `smime::asn1::oid` are.
pub type Oid = const_oid::ObjectIdentifier;

/// The purposes of an extKeyUsage extension, and whether it is critical.
pub type Usage<'u> = Option<(&'u [Oid], bool)>;

const SCHEME: SignatureScheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);

/// An authority for timestamps under a root.
pub struct Stamps {
    pub root: Authority,
    pub certificate: Certificate,
    key: PrivateKey,
}

impl Stamps {
    /// As it should be.
    pub fn usual() -> Self {
        Self::with(Some((&[oid::TIME_STAMPING], true)))
    }

    /// With an extKeyUsage of the caller's.
    pub fn with(usage: Usage<'_>) -> Self {
        let root = Authority::root("Root for Time");
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        let certificate = root.issue(&template(&root, "Stamps", &key.public_key_spki(), usage));
        Self { root, certificate, key }
    }

    /// The parts of a sound timestamp of a signature.
    pub fn parts(&self, signature: &[u8]) -> Parts {
        Parts {
            version: 1,
            hash: DigestAlgorithm::Sha256.identifier(),
            imprint: hash(DigestAlgorithm::Sha256, signature),
            gen_time: der::primitive(Tag::GENERALIZED_TIME, b"20261124080000Z"),
            rest: Vec::new(),
            content_type: oid::ID_CT_TST_INFO,
            content_type_attribute: oid::ID_CT_TST_INFO,
            attached: true,
            signed_version: 3,
            signers: 1,
            attributes: vec![attribute(&oid::ID_AA_SIGNING_CERTIFICATE_V2, &[bound(&self.certificate)])],
            unsigned: Vec::new(),
            certificates: vec![self.certificate.clone()],
        }
    }

    /// A token of these parts.
    pub fn token(&self, parts: &Parts) -> Vec<u8> {
        let info = parts.info();
        let mut attributes = parts.attributes.clone();
        attributes.push(attribute(&oid::ID_CONTENT_TYPE, &[der::oid(&parts.content_type_attribute)]));
        attributes.push(attribute(&oid::ID_MESSAGE_DIGEST, &[der::octets(&hash(DigestAlgorithm::Sha256, &info))]));
        let attributes = der::set_of(Tag::SET, attributes);
        let signer = || {
            let value = self.key.sign(&SCHEME, &attributes).unwrap();
            let identifier = CertificateId::issuer_and_serial(&self.certificate);
            let digest = DigestAlgorithm::Sha256;
            let signer = signer_info::encode(&identifier, digest, &attributes, &SCHEME.identifier(), &value);
            with_unsigned(&signer, &parts.unsigned)
        };
        let content = if parts.attached { der::explicit(0, &der::octets(&info)) } else { Vec::new() };
        let certificates: Vec<Vec<u8>> = parts.certificates.iter().map(|c| c.der().to_vec()).collect();
        let data = der::sequence(&[
            der::integer(parts.signed_version),
            der::set_of(Tag::SET, vec![DigestAlgorithm::Sha256.identifier().to_der()]),
            der::sequence(&[der::oid(&parts.content_type), content]),
            if certificates.is_empty() { Vec::new() } else { der::set_of(Tag::context(0), certificates) },
            der::set_of(Tag::SET, (0..parts.signers).map(|_| signer()).collect()),
        ]);
        der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &data)])
    }
}

/// What a token is made of.
pub struct Parts {
    pub version: u64,
    pub hash: AlgorithmIdentifier,
    pub imprint: Vec<u8>,
    /// The whole element.
    pub gen_time: Vec<u8>,
    /// What stands after genTime.
    pub rest: Vec<Vec<u8>>,
    pub content_type: Oid,
    pub content_type_attribute: Oid,
    pub attached: bool,
    pub signed_version: u64,
    pub signers: usize,
    /// Signed attributes beside contentType and messageDigest.
    pub attributes: Vec<Vec<u8>>,
    pub unsigned: Vec<Vec<u8>>,
    pub certificates: Vec<Certificate>,
}

impl Parts {
    fn info(&self) -> Vec<u8> {
        let mut fields = vec![
            der::integer(self.version),
            der::oid(&Oid::new_unwrap("1.2.3.4.1")),
            der::sequence(&[self.hash.to_der(), der::octets(&self.imprint)]),
            der::integer(5),
            self.gen_time.clone(),
        ];
        fields.extend(self.rest.iter().cloned());
        der::sequence(&fields)
    }
}

/// What to issue to an authority for timestamps, valid for the whole century.
pub fn template(root: &Authority, name: &str, spki: &[u8], usage: Usage<'_>) -> CertificateTemplate {
    let century = ("2000-01-01T00:00:00Z".parse().unwrap(), "2099-12-31T00:00:00Z".parse().unwrap());
    let mut template = CertificateTemplate::new(common_name(name), Some(&root.certificate), &serial(), century, spki);
    template.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE);
    if let Some((usages, critical)) = usage {
        let value = der::sequence(&usages.iter().map(der::oid).collect::<Vec<_>>());
        template.extensions.push(Extension { oid: oid::EXTENDED_KEY_USAGE, critical, value });
    }
    template
}

/// An attribute with these values.
pub fn attribute(kind: &Oid, values: &[Vec<u8>]) -> Vec<u8> {
    der::sequence(&[der::oid(kind), der::constructed(Tag::SET, values)])
}

/// A SigningCertificateV2 with the default digest.
pub fn bound(certificate: &Certificate) -> Vec<u8> {
    der::sequence(&[der::sequence(&[der::sequence(&[der::octets(&certificate.sha256())])])])
}

/// A SignerInfo, which has no unsigned attributes, with these.
pub fn with_unsigned(signer: &[u8], attributes: &[Vec<u8>]) -> Vec<u8> {
    if attributes.is_empty() {
        return signer.to_vec();
    }
    let content = Reader::single(signer, "SignerInfo").unwrap().content().to_vec();
    der::sequence(&[content, der::constructed(Tag::context(1), attributes)])
}

/// A message's CMS structure by one signer, with these unsigned attributes.
pub fn stamped(cms: &[u8], attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut info = Reader::single(cms, "ContentInfo").unwrap().sequence("ContentInfo").unwrap();
    let kind = info.required(Tag::OID, "contentType").unwrap().raw().to_vec();
    let data = info.required(Tag::context(0), "content").unwrap().explicit("content").unwrap();
    let mut fields = data.sequence("SignedData").unwrap();
    let mut parts = Vec::new();
    while let Some(field) = fields.next_element().unwrap() {
        parts.push(field.raw().to_vec());
    }
    let signers = parts.pop().unwrap();
    let signer = Reader::single(&signers, "signerInfos").unwrap().explicit("signerInfos").unwrap().raw().to_vec();
    parts.push(der::set_of(Tag::SET, vec![with_unsigned(&signer, attributes)]));
    der::sequence(&[kind, der::explicit(0, &der::sequence(&parts))])
}

/// Reads a message's structure.
pub fn read(cms: &[u8]) -> SignedData {
    SignedData::read(cms, &Limits::default(), &mut crate::common::Count::default()).unwrap()
}

/// The chain of a timestamp's authority.
pub fn chain(stamp: &Timestamp, trust: &Trust, at: Time) -> ChainOutcome {
    build(&ChainRequest {
        extra: &stamp.certificates,
        purpose: Purpose::TimeStamp,
        ..ChainRequest::new(&stamp.certificate, trust, at, &Limits::default())
    })
}
