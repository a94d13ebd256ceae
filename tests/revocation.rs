//! Revocation lists and OCSP responses of others: those of public suites, and those that openssl makes; and the chains of
//! internationalised mail addresses.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::people::{Authority, now};
use smime::cert::chain::{self, ChainRequest, ChainVerdict};
use smime::cert::crl::Crl;
use smime::cert::ocsp::{self, CertId, OcspResponse};
use smime::cert::purpose::Purpose;
use smime::cert::revocation::{RevocationData, RevocationStatus};
use smime::crypto::algorithm::DigestAlgorithm;
use smime::store::pem;
use smime::{Certificate, Limits, Trust};
use std::path::Path;
use std::process::Command;

/// The DER of a file that may be PEM.
fn der_of(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    if !pem::is_pem(&bytes) {
        return bytes;
    }
    pem::read(&bytes).unwrap().remove(0).data.expose().to_vec()
}

#[test]
fn lists_of_public_suites_are_read() {
    let Some(corpus) = common::corpus() else { return };
    let (mut passed, mut wrong) = (0, Vec::new());
    for entry in common::entries(&corpus).iter().filter(|entry| entry["kind"] == "crl") {
        let name = common::text(entry, "path");
        let expected = common::text(entry, "expect").starts_with("parse-ok");
        let limits = Limits::default();
        match Crl::from_der(&der_of(&corpus.join(name)), &limits) {
            Ok(crl) if expected => {
                passed += 1;
                if let Some(issuer) = entry["issuer_cert"].as_str() {
                    let issuer = common::certificates(&corpus.join(issuer)).remove(0);
                    assert!(crl.issuer().same(issuer.subject()), "{name}");
                    assert!(crl.verify(&issuer, &limits).is_ok(), "{name}");
                }
            }
            Ok(_) => wrong.push(format!("{name}: read")),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    eprintln!("lists: {passed} read");
    assert!(wrong.is_empty() && passed > 30, "{wrong:#?}");
}

/// What each odd list is not used for.
#[test]
fn odd_lists_have_their_fault() {
    let Some(corpus) = common::corpus() else { return };
    let read = |name: &str| {
        let path = corpus.join("pyca-cryptography-vectors/x509/custom").join(name);
        Crl::from_der(&der_of(&path), &Limits::default()).unwrap()
    };
    let faulty = [
        ("crl_all_reasons.pem", "not indirect"),
        ("crl_bad_version.pem", "version"),
        ("crl_dup_entry_ext.pem", "twice"),
        ("crl_inner_outer_mismatch.der", "inside its signature"),
        ("crl_inval_date_fractional_seconds.der", "Update"),
        ("crl_invalid_time.der", "Update"),
        ("crl_md2_unknown_crit_entry_ext.pem", "not understood"),
    ];
    for (name, word) in faulty {
        let crl = read(name);
        let told = crl.faults().iter().any(|fault| fault.text.contains(word));
        let dateless = word == "Update" && (crl.this_update().is_none() || crl.next_update().is_none());
        assert!(told || dateless, "{name}: {:?}", crl.faults());
    }
    let sound = ["crl_almost_10k.pem", "crl_empty.pem", "crl_delta_crl_indicator.pem"];
    for name in sound {
        assert!(read(name).faults().is_empty(), "{name}: {:?}", read(name).faults());
    }
    assert_eq!(read("crl_no_next_update.pem").next_update(), None);
    assert!(read("crl_idp_fullname_indirect_crl.pem").scope().unwrap().indirect);
    assert_eq!(read("crl_almost_10k.pem").len(), 9999);
    // The list of a national authority, with its 15752 entries.
    let crl = Crl::from_der(&std::fs::read(corpus.join("asn1crypto/eid2011.crl")).unwrap(), &Limits::default());
    assert_eq!(crl.unwrap().len(), 15752);
}

#[test]
fn responses_of_public_suites() {
    let Some(corpus) = common::corpus() else { return };
    let (mut passed, mut wrong) = (0, Vec::new());
    for entry in common::entries(&corpus).iter().filter(|entry| entry["kind"] == "ocsp") {
        let name = common::text(entry, "path");
        // Requests stand among the responses; they are no responses, whatever openssl reads them as.
        let request = name.contains("req");
        let readable = common::text(entry, "expect") == "openssl-parse-ok" && !request;
        match OcspResponse::from_der(&der_of(&corpus.join(name)), &Limits::default()) {
            Ok(response) if readable => {
                passed += 1;
                let odd = name.contains("invalid-version");
                assert_eq!(response.faults().is_empty(), !odd, "{name}: {:?}", response.faults());
            }
            Err(_) if !readable => passed += 1,
            Ok(_) => wrong.push(format!("{name}: read")),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    eprintln!("responses: {passed} as expected");
    assert!(wrong.is_empty() && passed > 20, "{wrong:#?}");
}

/// Chains whose name constraints are for addresses in ASCII, or for internationalised ones; each leaf fits its own only.
#[test]
fn internationalised_addresses_of_openssl() {
    let Some(corpus) = common::corpus() else { return };
    let folder = corpus.join("openssl/eai_data");
    let leaf = |name: &str| common::certificates(&folder.join(format!("{name}_leaf.pem"))).remove(0);
    let limits = Limits::default();
    for (chain, who, expected) in
        [("ascii", "ascii", true), ("utf8", "utf8", true), ("ascii", "utf8", false), ("utf8", "ascii", false)]
    {
        let (anchors, others): (Vec<_>, Vec<_>) = common::certificates(&folder.join(format!("{chain}_chain.pem")))
            .into_iter()
            .partition(Certificate::is_self_issued);
        let (trust, leaf) = (Trust::new(anchors), leaf(who));
        let at = leaf.not_before().plus(86_400);
        let request = ChainRequest { extra: &others, ..ChainRequest::new(&leaf, &trust, at, &limits) };
        let outcome = chain::build(&request);
        assert_eq!(outcome.verdict == ChainVerdict::Anchored, expected, "{chain} {who}: {:?}", outcome.reasons);
        assert!(expected || outcome.reasons[0].code == "name_constraints", "{:?}", outcome.reasons);
    }
}

fn openssl(folder: &Path, arguments: &[&str]) -> bool {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    if !output.status.success() {
        eprintln!("openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}

/// `openssl ocsp` answers our requests, as the issuer itself and as its delegate; we read what it says.
#[test]
fn responses_of_openssl() {
    if Command::new("openssl").arg("version").output().is_err() {
        assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none(), "openssl is not there");
        eprintln!("skipped: openssl is not there");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let root = Authority::root("Root");
    let delegate = root.authority("Responder", |t| {
        t.role = smime::cert::issue::Role::EndEntity;
        t.key_usage = Some(smime::cert::extension::KeyUsage::DIGITAL_SIGNATURE);
        t.extended_key_usage = vec![smime::asn1::oid::OCSP_SIGNING];
    });
    for (name, authority) in [("root", &root), ("delegate", &delegate)] {
        write(&format!("{name}.pem"), pem::write("CERTIFICATE", authority.certificate.der()).as_bytes());
        write(&format!("{name}.key"), pem::write("PRIVATE KEY", authority.key_der().expose()).as_bytes());
    }
    let (good, revoked) = (root.user("Good", |_| {}), root.user("Revoked", |_| {}));
    let index = format!(
        "V\t360101000000Z\t\t{}\tunknown\t/CN=Good\nR\t360101000000Z\t260601000000Z,keyCompromise\t{}\tunknown\t/CN=Revoked\n",
        good.serial_hex().to_uppercase(),
        revoked.serial_hex().to_uppercase()
    );
    write("index.txt", index.as_bytes());
    let stranger = root.user("Stranger", |_| {});
    let mut asked = 0;
    for signer in ["root", "delegate"] {
        for digest in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256] {
            for (leaf, word) in [(&good, "good"), (&revoked, "revoked"), (&stranger, "unknown")] {
                let about = CertId::of(leaf, &root.certificate, digest);
                write("request.der", &ocsp::request(&about, Some(&[7; 16])));
                let (certificate, key) = (format!("{signer}.pem"), format!("{signer}.key"));
                let arguments = [
                    "ocsp",
                    "-index",
                    "index.txt",
                    "-CA",
                    "root.pem",
                    "-rsigner",
                    &certificate,
                    "-rkey",
                    &key,
                    "-reqin",
                    "request.der",
                    "-respout",
                    "response.der",
                    "-ndays",
                    "2",
                ];
                assert!(openssl(folder.path(), &arguments));
                let bytes = std::fs::read(folder.path().join("response.der")).unwrap();
                let response = OcspResponse::from_der(&bytes, &Limits::default()).unwrap();
                // openssl answers by its own clock.
                let at = response.answers()[0].this_update;
                let mut data = RevocationData::default().with_nonce(vec![7; 16]);
                data.add_ocsp(response);
                let limits = Limits::default();
                let outcome = chain::build(&ChainRequest {
                    purpose: Purpose::Sign,
                    revocation: &[&data],
                    ..ChainRequest::new(leaf, &root.trust(), at, &limits)
                });
                let found = match outcome.revocation() {
                    RevocationStatus::Good => "good",
                    RevocationStatus::Revoked { at, .. } => {
                        assert_eq!(at.to_string(), "2026-06-01T00:00:00Z");
                        "revoked"
                    }
                    RevocationStatus::Unknown(whys) => {
                        assert_eq!(whys[0].code, "ocsp_unknown", "{whys:?}");
                        "unknown"
                    }
                    RevocationStatus::Unchecked => "unchecked",
                };
                assert_eq!(found, word, "{signer} {digest:?} {:?}", outcome.reasons);
                asked += 1;
            }
        }
    }
    eprintln!("openssl ocsp: {asked} answers as expected ({})", now());
}
