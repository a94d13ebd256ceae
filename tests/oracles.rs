//! Other people's readers and writers of the same formats, held against ours: what we write in DER they read, and write again
//! to the byte.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use common::people::{Authority, now};
use der::{Decode, Encode};
use smime::asn1::framing::Encoding;
use smime::crypto::algorithm::ContentCipher;
use smime::crypto::content::GcmEncryptor;
use smime::mime::transfer::{Strictness, TransferEncoding, decode_slice};
use smime::{Certificates, Encryptor, Message, Opener, Policy, RecipientPlan, Requirement, Signer};

const MAIL: &[u8] = b"From: alice@example.com\r\nTo: alice@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";

/// The CMS structure of a mail that is one.
fn structure(mail: &[u8]) -> Vec<u8> {
    let body = mail.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    decode_slice(&mail[body..], TransferEncoding::Base64, Strictness::Strict).unwrap()
}

#[test]
fn x509_cert_reads_our_certificates() {
    let ca = Authority::root("Oracle CA");
    let alice = ca.person("Alice", "alice@example.com");
    for certificate in [&ca.certificate, alice.certificate()] {
        let theirs = x509_cert::Certificate::from_der(certificate.der()).unwrap();
        assert_eq!(theirs.to_der().unwrap(), certificate.der());
        assert_eq!(theirs.tbs_certificate().serial_number().as_bytes(), certificate.serial());
        assert_eq!(theirs.tbs_certificate().subject_public_key_info().to_der().unwrap(), certificate.spki());
    }
}

#[test]
fn the_cms_crate_reads_our_structures() {
    let ca = Authority::root("Oracle CA");
    let alice = ca.person("Alice", "alice@example.com");
    let mut policy = Policy::default();
    // It reads definite lengths only.
    policy.encoding = Encoding::Der;
    let message = Message::parse(MAIL).unwrap();
    let opaque = structure(&Signer::new(&alice, &policy).unwrap().opaque().sign(&message, now()).unwrap());
    let info = cms::content_info::ContentInfo::from_der(&opaque).unwrap();
    assert_eq!(info.to_der().unwrap(), opaque);
    let signed = info.content.decode_as::<cms::signed_data::SignedData>().unwrap();
    assert_eq!(signed.signer_infos.0.len(), 1);
    assert_eq!(signed.to_der().unwrap(), info.content.to_der().unwrap(), "sets are sorted as DER wants");
    for cipher in [ContentCipher::Aes256Cbc, ContentCipher::Aes256Gcm] {
        policy.content_cipher = cipher;
        let directory = Certificates(vec![alice.certificate().clone()]);
        let plan = RecipientPlan::resolve(&["alice@example.com".parse().unwrap()], &directory, &policy, None, now());
        let sealed = structure(&Encryptor::new(&plan.all().unwrap(), &policy).encrypt(&message).unwrap());
        let info = cms::content_info::ContentInfo::from_der(&sealed).unwrap();
        assert_eq!(info.to_der().unwrap(), sealed);
        let again = match cipher.is_aead() {
            true => info.content.decode_as::<cms::authenveloped_data::AuthEnvelopedData>().unwrap().to_der(),
            false => info.content.decode_as::<cms::enveloped_data::EnvelopedData>().unwrap().to_der(),
        };
        assert_eq!(again.unwrap(), info.content.to_der().unwrap());
    }
}

#[test]
fn aes_gcm_opens_what_our_streaming_mode_seals() {
    for length in [0usize, 1, 15, 16, 17, 4096, 10_007] {
        let plain: Vec<u8> = (0..length).map(|n| n as u8).collect();
        let (key, nonce) = ([7u8; 32], [9u8; 12]);
        let mut ours = GcmEncryptor::new(ContentCipher::Aes256Gcm, &key, &nonce, b"aad").unwrap();
        let mut sealed = Vec::new();
        plain.chunks(13).for_each(|piece| ours.update(piece, &mut sealed));
        sealed.extend(ours.finish(16).unwrap());
        let theirs = aes_gcm::Aes256Gcm::new(&key.into());
        assert_eq!(theirs.decrypt(&nonce.into(), Payload { msg: &sealed, aad: b"aad" }).unwrap(), plain);
    }
}

#[test]
fn mail_that_mail_builder_writes_is_signed_and_verified() {
    let ca = Authority::root("Oracle CA");
    let alice = ca.person("Alice", "alice@example.com");
    let raw = mail_builder::MessageBuilder::new()
        .from(("Alice Ä", "alice@example.com"))
        .to("bob@example.com")
        .subject("Grüße")
        .text_body("Grüße aus München\n")
        .attachment("application/octet-stream", "figures.bin", &[0u8, 1, 2, 255, 13, 10][..])
        .write_to_vec()
        .unwrap();
    let (policy, trust) = (Policy::default(), ca.trust());
    for signer in [Signer::new(&alice, &policy).unwrap(), Signer::new(&alice, &policy).unwrap().opaque()] {
        let signed = signer.sign(&Message::parse(&raw).unwrap(), now()).unwrap();
        let opened = Opener::new(&trust, &policy).open(&signed, now()).unwrap();
        assert!(opened.judge(Requirement::SignedBySender).is_ok(), "{}", opened.report());
    }
}
