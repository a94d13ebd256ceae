//! Floods of revocation lists, OCSP responses and files of keys and certificates.

use super::structure::{emails, unsigned_certificate};
use super::{Flood, only};
use crate::common::lists::{List, Response, Says, entry, extension};
use crate::common::people::{Authority, common_name};
use smime::asn1::ber::Tag;
use smime::asn1::{der, oid};
use smime::store::import::{self, ImportOptions};
use smime::store::ldif::directory::LdifDirectory;
use smime::store::ldif::{ChangeRecords, Ldif};
use smime::store::sst::collection::{AnchorProperties, CertificateCollection};
use smime::store::sst::{Element, ElementKind, Property, SerializedStore, WriteOptions};
use smime::store::{p7c, p12, pem};
use smime::{Crl, Limits, OcspResponse};

pub const FLOODS: &[Flood] = &[
    only("entries of a revocation list", 2_000, crl, &[("CRL", list)]),
    only("entries with an issuer of their own", 1_000, |n| revocation_list(entries(n, 1)), &[("CRL", list)]),
    only("issuers of one entry", 2_000, |n| revocation_list(entries(1, n)), &[("CRL", list)]),
    only("extensions of a revocation list", 2_000, list_extensions, &[("CRL", list)]),
    only("answers of an OCSP response", 200, |n| response(n, 0), &[("OCSP", answers)]),
    only("extensions of an OCSP answer", 1_000, |n| response(1, n), &[("OCSP", answers)]),
    only("certificates of an OCSP response", 40, response_certificates, &[("OCSP", answers)]),
    only("PEM blocks", 500, |n| pem::write("X", &[1]).repeat(n).into_bytes(), &[("PEM", blocks)]),
    only("PEM certificates", 100, pem_certificates, &[("PEM", blocks), ("import", import)]),
    only("PEM lines", 1_000, |n| pem::write("X", &vec![7; n * 48]).into_bytes(), &[("PEM", blocks)]),
    only("lines between PEM blocks", 10_000, |n| "-----B\n".repeat(n).into_bytes(), &[("PEM", blocks)]),
    only("PEM headers", 2_000, pem_headers, &[("PEM", blocks)]),
    only("certificates of a p7c", 60, bundle, &[("p7c", certificates)]),
    only("LDIF entries", 2_000, |n| ldif("dn: a\nsn: b\n\n", n), &[("LDIF", directory)]),
    only("LDIF lines", 5_000, |n| ldif("sn: b\n", n), &[("LDIF", directory)]),
    only("LDIF folds", 10_000, |n| ldif(" b\n", n), &[("LDIF", directory)]),
    only("LDIF comments", 5_000, |n| ldif("#\n b\n", n), &[("LDIF", directory)]),
    only("LDIF values in base64", 3_000, |n| ldif("mail:: YUBi\n", n), &[("LDIF", directory)]),
    only("LDIF certificates", 60, ldif_certificates, &[("LDIF", directory)]),
    only("SST properties", 2_000, |n| sst(1, n), &[("SST", store)]),
    only("SST certificates", 60, |n| sst(n, 2), &[("SST", store)]),
    only("SST certificates that are the same", 60, sst_repeated, &[("SST", store)]),
    only("PKCS#12 bags", 400, |n| pkcs12(&bags(n)), &[("PKCS#12", keys)]),
    only("PKCS#12 certificates", 60, pkcs12_certificates, &[("PKCS#12", keys), ("import", import)]),
    only("PKCS#12 attributes", 2_000, pkcs12_attributes, &[("PKCS#12", keys)]),
];

/// A list of so many entries, without extensions of theirs.
pub fn crl(n: usize) -> Vec<u8> {
    revocation_list((0..n).map(|i| entry(&serial(i), None, &[])).collect())
}

/// Not in the order of the numbers.
fn serial(i: usize) -> [u8; 8] {
    let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut octets = mixed.to_be_bytes();
    octets[0] = octets[0] & 127 | 64;
    octets
}

fn revocation_list(entries: Vec<Vec<u8>>) -> Vec<u8> {
    List { entries, ..List::default() }.signed(&Authority::root("root"))
}

/// Entries with a certificateIssuer of so many names each.
fn entries(n: usize, issuers: usize) -> Vec<Vec<u8>> {
    let issuer = extension("2.5.29.29", true, &emails(issuers));
    (0..n).map(|i| entry(&serial(i), None, std::slice::from_ref(&issuer))).collect()
}

fn list_extensions(n: usize) -> Vec<u8> {
    List { extensions: further(n), ..List::default() }.signed(&Authority::root("root"))
}

fn further(n: usize) -> Vec<Vec<u8>> {
    (0..n).map(|i| extension(&format!("1.3.6.1.4.1.99999.{i}"), false, &der::octets(&der::null()))).collect()
}

/// A response about one certificate, its answer repeated.
fn response(answers: usize, extensions: usize) -> Vec<u8> {
    let root = Authority::root("root");
    let user = root.user("user", |_| {});
    let mut one = Response::about(&user, &root, Says::Revoked);
    one.single_extensions = further(extensions);
    one.repeated(answers)
}

fn response_certificates(n: usize) -> Vec<u8> {
    let root = Authority::root("root");
    let user = root.user("user", |_| {});
    let mut one = Response::about(&user, &root, Says::Good);
    one.certificates = plain_certificates(n);
    one.der()
}

fn plain_certificates(n: usize) -> Vec<smime::Certificate> {
    (0..n).map(|i| unsigned_certificate(common_name(&format!("a{i}")), Vec::new())).collect()
}

fn pem_certificates(n: usize) -> Vec<u8> {
    plain_certificates(n).iter().map(|c| pem::write("CERTIFICATE", c.der())).collect::<String>().into_bytes()
}

fn pem_headers(n: usize) -> Vec<u8> {
    let headers: String = (0..n).map(|i| format!("A{i}: b\n")).collect();
    format!("-----BEGIN X-----\n{headers}\nAAAA\n-----END X-----\n").into_bytes()
}

fn bundle(n: usize) -> Vec<u8> {
    p7c::write(&plain_certificates(n), &[])
}

fn ldif(line: &str, n: usize) -> Vec<u8> {
    let gap = if line.starts_with("dn") { "\n" } else { "" };
    format!("dn: cn=a\nmail: a@b.example\n{gap}{}\n", line.repeat(n)).into_bytes()
}

fn ldif_certificates(n: usize) -> Vec<u8> {
    let entry = |c: &smime::Certificate| format!("dn: cn=a\nuserCertificate;binary:: {}\n\n", base64(c.der()));
    plain_certificates(n).iter().map(entry).collect::<String>().into_bytes()
}

fn base64(bytes: &[u8]) -> String {
    pem::write("X", bytes).lines().filter(|line| !line.starts_with('-')).collect()
}

fn sst(elements: usize, properties: usize) -> Vec<u8> {
    let mut written = SerializedStore::default();
    for certificate in plain_certificates(elements) {
        let element = Element::new(ElementKind::Certificate, certificate.der().to_vec()).unwrap();
        let property = |i: usize| Property::new(100 + i as u32, vec![1, 2]).unwrap();
        written.push((0..properties).fold(element, |element, i| element.with_property(property(i))));
    }
    written.write(&WriteOptions::ALL)
}

fn sst_repeated(n: usize) -> Vec<u8> {
    let one = sst(1, 1);
    // Eight octets before the elements, and twelve after them.
    let element = &one[8..one.len() - 12];
    [&one[..8], element.repeat(n).as_slice(), &[0; 12]].concat()
}

/// Unprotected, and without a MAC.
fn pkcs12(bags: &[Vec<u8>]) -> Vec<u8> {
    let data = |content: &[u8]| der::sequence(&[der::oid(&oid::ID_DATA), der::explicit(0, &der::octets(content))]);
    let safe = data(&der::sequence(bags));
    der::sequence(&[der::integer(3), data(&der::sequence(&[safe]))])
}

fn bag(value: &[u8], attributes: &[Vec<u8>]) -> Vec<u8> {
    let inner = der::sequence(&[der::oid(&oid::X509_CERTIFICATE), der::explicit(0, &der::octets(value))]);
    let attributes = der::constructed(Tag::SET, attributes);
    der::sequence(&[der::oid(&oid::CERT_BAG), der::explicit(0, &inner), attributes])
}

fn name_attribute(i: usize) -> Vec<u8> {
    let text = der::primitive(Tag::BMP_STRING, &[0, b'a' + (i % 26) as u8]);
    der::sequence(&[der::oid(&oid::ID_FRIENDLY_NAME), der::set_of(Tag::SET, vec![text])])
}

fn bags(n: usize) -> Vec<Vec<u8>> {
    let secret = |i| {
        let unknown = der::oid(&format!("1.3.6.1.4.1.99999.{i}").parse().unwrap());
        der::sequence(&[unknown, der::explicit(0, &der::null()), der::constructed(Tag::SET, &[name_attribute(i)])])
    };
    (0..n).map(secret).collect()
}

fn pkcs12_certificates(n: usize) -> Vec<u8> {
    pkcs12(&plain_certificates(n).iter().map(|c| bag(c.der(), &[name_attribute(1)])).collect::<Vec<_>>())
}

fn pkcs12_attributes(n: usize) -> Vec<u8> {
    pkcs12(&[bag(&[1], &(0..n).map(name_attribute).collect::<Vec<_>>())])
}

fn list(bytes: &[u8]) {
    std::hint::black_box(Crl::from_der(bytes, &Limits::default()).unwrap());
}

fn answers(bytes: &[u8]) {
    std::hint::black_box(OcspResponse::from_der(bytes, &Limits::default()).unwrap());
}

fn blocks(bytes: &[u8]) {
    std::hint::black_box(pem::read(bytes).unwrap());
}

fn import(bytes: &[u8]) {
    let options = ImportOptions::default().missing_mac(p12::MissingMac::Accept);
    std::hint::black_box(import::read(bytes, None, &options, &Limits::default()).unwrap());
}

fn certificates(bytes: &[u8]) {
    std::hint::black_box(p7c::read(bytes, &Limits::default()).unwrap());
}

fn directory(bytes: &[u8]) {
    let limits = Limits::default();
    let file = Ldif::read(bytes, ChangeRecords::Refuse, &limits).unwrap();
    std::hint::black_box(LdifDirectory::new(&file, &limits));
}

fn store(bytes: &[u8]) {
    let store = SerializedStore::read(bytes, &Limits::default()).unwrap();
    let at = crate::common::people::now();
    std::hint::black_box(CertificateCollection::load(&store, at, AnchorProperties::Honour).unwrap());
}

fn keys(bytes: &[u8]) {
    let limits = Limits::default();
    let mut budget = smime::crypto::password::KdfBudget::new(&limits);
    std::hint::black_box(p12::read(bytes, None, p12::MissingMac::Accept, &limits, &mut budget).unwrap());
}
