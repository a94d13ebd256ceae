//! Floods of certificates, chains and CMS structures. Where no signature is checked, the signatures are zeros.

use super::{Flood, certificate, enveloped, only, open, show, signed};
use crate::common::people::{Authority, common_name, now, years};
use const_oid::ObjectIdentifier;
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::cert::chain::{ChainRequest, build};
use smime::cert::extension::Extension;
use smime::cert::issue::{CertificateTemplate, issue};
use smime::cert::name::Name;
use smime::cms::content::ContentType;
use smime::{Certificate, Limits, Trust};

pub const FLOODS: &[Flood] = &[
    only("subject alternative names", 2_000, |n| one(oid::SUBJECT_ALT_NAME, emails(n)), CERTIFICATE),
    only("name constraints", 2_000, |n| one(oid::NAME_CONSTRAINTS, subtrees(n)), CERTIFICATE),
    only("policies", 1_500, |n| one(oid::CERTIFICATE_POLICIES, policies(n)), CERTIFICATE),
    only("policy mappings", 1_500, |n| one(oid::POLICY_MAPPINGS, mappings(n)), CERTIFICATE),
    only("key purposes of 39 octets", 1_000, |n| one(oid::EXTENDED_KEY_USAGE, long_oids(n)), CERTIFICATE),
    only("distribution points", 1_000, |n| one(oid::CRL_DISTRIBUTION_POINTS, points(n)), CERTIFICATE),
    only("access descriptions", 1_000, |n| one(oid::AUTHORITY_INFO_ACCESS, access(n)), CERTIFICATE),
    only("extensions", 2_000, extensions, CERTIFICATE),
    only("RDNs", 2_000, |n| named(&rdns(n)), CERTIFICATE),
    only("attributes of one RDN", 2_000, |n| named(&[der::set_of(Tag::SET, attributes_of_name(n))]), CERTIFICATE),
    only("names in a chain with constraints", 1_000, |n| chain(emails(n), Some(subtrees(4)), None), CHAIN),
    only("constraints of a chain", 1_000, |n| chain(emails(4), Some(subtrees(n)), None), CHAIN),
    only("policies of a chain", 200, |n| chain_of_policies(n, der::sequence::<Vec<u8>>(&[])), CHAIN),
    only("mappings of a chain", 200, |n| chain_of_policies(n, mappings(n)), CHAIN),
    only("certificates of a message", 60, |n| signed_data(b"a", &certificates(n), &[], &digests(1)), SIGNED),
    only("revocation lists of a message", 30, signed_data_with_crls, SIGNED),
    only("signers", 30, |n| signed_data(b"a", &certificates(1), &signers(n, 20), &digests(1)), SIGNED),
    only("signed attributes", 30, |n| signed_data(b"a", &[], &signers(30, n), &digests(1)), SIGNED),
    only("digest algorithms", 8, |n| signed_data(b"a", &[], &signers(1, 1), &digests(n)), SIGNED),
    only("segments of a content", 10_000, |n| segmented(n, false), SIGNED),
    only("nested segments of a content", 3_000, |n| segmented(n, true), SIGNED),
    only("recipients", 500, |n| enveloped_data(&recipients(n), None), ENVELOPED),
    only("recipients of one agreement", 500, |n| enveloped_data(&[agreement(n)], None), ENVELOPED),
    only("unprotected attributes", 30, |n| enveloped_data(&recipients(1), Some(n)), ENVELOPED),
];

const CERTIFICATE: &[super::Reader] = &[("certificate", certificate), ("outline", show)];
const CHAIN: &[super::Reader] = &[("chain", judge)];
const SIGNED: &[super::Reader] = &[("signed", signed), ("open", open), ("outline", show)];
const ENVELOPED: &[super::Reader] = &[("enveloped", enveloped), ("open", open), ("outline", show)];

/// Numbered identifiers of a private arc.
fn number(i: usize) -> ObjectIdentifier {
    format!("1.3.6.1.4.1.99999.{i}").parse().unwrap()
}

fn each(n: usize, make: impl Fn(usize) -> Vec<u8>) -> Vec<Vec<u8>> {
    (0..n).map(make).collect()
}

fn email(i: usize) -> Vec<u8> {
    der::primitive(Tag::context(1), format!("a{i}@example.com").as_bytes())
}

pub fn emails(n: usize) -> Vec<u8> {
    der::sequence(&each(n, email))
}

/// Excluded, all but none of which is met.
fn subtrees(n: usize) -> Vec<u8> {
    let subtree = |i| der::sequence(&[der::primitive(Tag::context(1), format!("b{i}.example").as_bytes())]);
    der::sequence(&[der::constructed(Tag::context(1), &each(n, subtree))])
}

fn policies(n: usize) -> Vec<u8> {
    der::sequence(&each(n, |i| der::sequence(&[der::oid(&number(i))])))
}

fn mappings(n: usize) -> Vec<u8> {
    der::sequence(&each(n, |i| der::sequence(&[der::oid(&number(i)), der::oid(&number(i + 1))])))
}

fn long_oids(n: usize) -> Vec<u8> {
    der::sequence(&vec![der::primitive(Tag::OID, &[0x2b; 39]); n])
}

fn uri(i: usize) -> Vec<u8> {
    der::primitive(Tag::context(6), format!("http://example.com/{i}").as_bytes())
}

fn points(n: usize) -> Vec<u8> {
    let point = |i| der::sequence(&[der::explicit(0, &der::constructed(Tag::context(0), &[uri(i)]))]);
    der::sequence(&each(n, point))
}

fn access(n: usize) -> Vec<u8> {
    der::sequence(&each(n, |i| der::sequence(&[der::oid(&number(1)), uri(i)])))
}

fn attributes_of_name(n: usize) -> Vec<Vec<u8>> {
    let text = |i: usize| der::primitive(Tag::UTF8_STRING, format!("{i}").as_bytes());
    each(n, |i| der::sequence(&[der::oid(&oid::COMMON_NAME), text(i)]))
}

fn rdns(n: usize) -> Vec<Vec<u8>> {
    attributes_of_name(n).into_iter().map(|attribute| der::constructed(Tag::SET, &[attribute])).collect()
}

fn spki() -> Vec<u8> {
    let curve = [der::oid(&oid::EC_PUBLIC_KEY), der::oid(&oid::SECP256R1)];
    der::sequence(&[der::sequence(&curve), der::bits(&[&[4][..], &[7; 64]].concat())])
}

pub fn unsigned_certificate(subject: Name, extensions: Vec<Extension>) -> Certificate {
    let mut template = CertificateTemplate::new(subject, None, &[1, 2, 3, 4, 5, 6, 7, 8], years(), &spki());
    template.extensions = extensions;
    issue(&template, &Authority::scheme(), &|_| Ok(vec![0; 70])).unwrap()
}

fn one(oid: ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    unsigned_certificate(common_name("a"), vec![Extension { oid, critical: false, value }]).der().to_vec()
}

fn extensions(n: usize) -> Vec<u8> {
    let list = (0..n).map(|i| Extension { oid: number(i), critical: false, value: vec![5, 0] }).collect();
    unsigned_certificate(common_name("a"), list).der().to_vec()
}

fn named(rdns: &[Vec<u8>]) -> Vec<u8> {
    unsigned_certificate(Name::from_der(&der::sequence(rdns)).unwrap(), Vec::new()).der().to_vec()
}

/// A leaf, an authority and a root, in a row.
fn chain(names: Vec<u8>, constraints: Option<Vec<u8>>, policy: Option<(Vec<u8>, Vec<u8>)>) -> Vec<u8> {
    let root = Authority::root("root");
    let further = |oid, value| Extension { oid, critical: false, value };
    let authority = root.authority("authority", |template| {
        template.extensions.extend(constraints.map(|value| further(oid::NAME_CONSTRAINTS, value)));
        if let Some((policies, mappings)) = policy.clone() {
            template.extensions.push(further(oid::CERTIFICATE_POLICIES, policies));
            template.extensions.push(further(oid::POLICY_MAPPINGS, mappings));
        }
    });
    let leaf = authority.user("leaf", |template| {
        template.emails.clear();
        template.extensions.push(further(oid::SUBJECT_ALT_NAME, names));
        template.extensions.extend(policy.map(|(policies, _)| further(oid::CERTIFICATE_POLICIES, policies)));
    });
    [leaf.der(), authority.certificate.der(), root.certificate.der()].concat()
}

fn chain_of_policies(n: usize, mappings: Vec<u8>) -> Vec<u8> {
    chain(emails(1), None, Some((policies(n), mappings)))
}

fn judge(bytes: &[u8]) {
    let mut reader = smime::asn1::ber::Reader::new(bytes);
    let mut next = || Certificate::from_der(reader.next_element().unwrap().unwrap().raw()).unwrap();
    let (leaf, authority, root) = (next(), [next()], next());
    let (trust, limits) = (Trust::new([root]), Limits::default());
    let request = ChainRequest { extra: &authority, ..ChainRequest::new(&leaf, &trust, now(), &limits) };
    let outcome = build(&request);
    assert!(!outcome.reasons.iter().any(|reason| reason.code == "path_budget"), "{:?}", outcome.reasons);
}

fn content_info(kind: ContentType, content: Vec<u8>) -> Vec<u8> {
    let kind = match kind {
        ContentType::SignedData => oid::ID_SIGNED_DATA,
        _ => oid::ID_ENVELOPED_DATA,
    };
    der::sequence(&[der::oid(&kind), der::explicit(0, &content)])
}

fn digests(n: usize) -> Vec<Vec<u8>> {
    // With parameters, so that the input is as large as those of the others.
    each(n, |i| der::sequence(&[der::oid(&number(i)), der::octets(&[7; 2_000])]))
}

fn certificates(n: usize) -> Vec<Vec<u8>> {
    each(n, |i| unsigned_certificate(common_name(&format!("a{i}")), Vec::new()).der().to_vec())
}

fn sha256() -> Vec<u8> {
    der::sequence(&[der::oid(&oid::SHA256)])
}

fn issuer_and_serial(i: usize) -> Vec<u8> {
    der::sequence(&[common_name("issuer").der().to_vec(), der::integer(i as u64)])
}

fn attributes(n: usize) -> Vec<Vec<u8>> {
    each(n, |i| der::sequence(&[der::oid(&number(i)), der::set_of(Tag::SET, vec![der::octets(b"hello")])]))
}

fn signers(n: usize, attributes_each: usize) -> Vec<Vec<u8>> {
    let set = || der::set_of(Tag::context(0), attributes(attributes_each));
    let signature = || [Authority::scheme().to_der(), der::octets(&[7; 70])].concat();
    each(n, |i| der::sequence(&[der::integer(1), issuer_and_serial(i), sha256(), set(), signature()]))
}

fn signed_data(content: &[u8], certificates: &[Vec<u8>], signers: &[Vec<u8>], digests: &[Vec<u8>]) -> Vec<u8> {
    signed_parts(&der::octets(content), certificates, &[], signers, digests)
}

fn signed_data_with_crls(n: usize) -> Vec<u8> {
    let list = super::stores::crl(5);
    signed_parts(&der::octets(b"a"), &[], &vec![list; n], &signers(1, 1), &digests(1))
}

fn signed_parts(
    content: &[u8],
    certificates: &[Vec<u8>],
    crls: &[Vec<u8>],
    signers: &[Vec<u8>],
    digests: &[Vec<u8>],
) -> Vec<u8> {
    let data = der::sequence(&[der::oid(&oid::ID_DATA), der::explicit(0, content)]);
    let optional = |number, list: &[Vec<u8>]| match list {
        [] => Vec::new(),
        list => der::constructed(Tag::context(number), list),
    };
    let parts = [
        der::integer(1),
        der::constructed(Tag::SET, digests),
        data,
        optional(0, certificates),
        optional(1, crls),
        der::constructed(Tag::SET, signers),
    ];
    content_info(ContentType::SignedData, der::sequence(&parts))
}

/// A content in segments of one octet, each by itself or within a segment of indefinite length.
fn segmented(n: usize, nested: bool) -> Vec<u8> {
    let segment: &[u8] = if nested { &[0x24, 0x80, 0x24, 0x80, 4, 1, b'a', 0, 0, 0, 0] } else { &[4, 1, b'a'] };
    let content = [&[0x24, 0x80], segment.repeat(n).as_slice(), &[0, 0]].concat();
    signed_parts(&content, &[], &[], &signers(1, 1), &digests(1))
}

fn recipients(n: usize) -> Vec<Vec<u8>> {
    let algorithm = || der::sequence(&[der::oid(&oid::RSA_ENCRYPTION), der::null()]);
    each(n, |i| der::sequence(&[der::integer(0), issuer_and_serial(i), algorithm(), der::octets(&[7; 32])]))
}

/// One key agreement with many recipients.
fn agreement(n: usize) -> Vec<u8> {
    let key = der::retag(Tag::context(1), &spki());
    let keys = each(n, |i| der::sequence(&[issuer_and_serial(i), der::octets(&[7; 40])]));
    let wrap = der::sequence(&[der::oid(&oid::AES256_WRAP)]);
    let algorithm = der::sequence(&[der::oid(&oid::DH_SINGLE_PASS_STD_SHA256), wrap]);
    der::constructed(Tag::context(1), &[der::integer(3), der::explicit(0, &key), algorithm, der::sequence(&keys)])
}

fn enveloped_data(recipients: &[Vec<u8>], unprotected: Option<usize>) -> Vec<u8> {
    let algorithm = der::sequence(&[der::oid(&oid::AES256_CBC), der::octets(&[7; 16])]);
    let content = der::primitive(Tag::context(0), &[7; 32]);
    let parts = [
        der::integer(0),
        der::constructed(Tag::SET, recipients),
        der::sequence(&[der::oid(&oid::ID_DATA), algorithm, content]),
        unprotected.map_or_else(Vec::new, |n| der::set_of(Tag::context(1), long_attributes(n))),
    ];
    content_info(ContentType::EnvelopedData, der::sequence(&parts))
}

fn long_attributes(n: usize) -> Vec<Vec<u8>> {
    each(n, |i| der::sequence(&[der::oid(&number(i)), der::set_of(Tag::SET, vec![der::octets(&[7; 10]); 40])]))
}
