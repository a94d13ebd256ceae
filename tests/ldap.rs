//! Look-ups in a real directory: OpenLDAP's slapd on this machine, filled with LDIF of our own writing, with TLS by our own
//! authority. Without slapd the tests say that they are skipped; `SMIME_REQUIRE_PEERS=1` makes that a failure.

#![cfg(all(unix, feature = "ldap", feature = "cli"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::lists::{List, data};
use common::people::{Authority, common_name, now, serial, years};
use common::slapd::{BASE, PASSWORD, Slapd};
use serde_json::Value;
use smime::cert::extension::KeyUsage;
use smime::cert::issue::CertificateTemplate;
use smime::fetch::connect::{Addresses, Connector, Timeouts};
use smime::fetch::ldap::client::Credentials;
use smime::fetch::ldap::directory::LdapDirectory;
use smime::fetch::tls::Tls;
use smime::store::directory::{Answer, Certificates, Directory, Filed, InOrder, Outcome};
use smime::store::ldif::{Entry, Ldif};
use smime::store::pem;
use smime::{Certificate, EmailAddress, Policy, RecipientPlan, RevocationData, RevocationMode, Secret};
use std::path::PathBuf;
use std::process::{Command, Output};

const AT: &str = common::people::NOW;

/// An authority, people, and a directory that knows them.
struct World {
    ca: Authority,
    bob: Certificate,
    slapd: Slapd,
}

impl World {
    /// `None` where there is no slapd.
    fn new() -> Option<Self> {
        Slapd::is_there().then(|| {
            let ca = Authority::root("Directory CA");
            let bob = ca.person("Bob B\u{f6}hm", "bob@example.com").certificate().clone();
            let mut file = Ldif::default();
            file.push(Entry::person(&format!("cn=Bob,{BASE}"), std::slice::from_ref(&bob)));
            let mut text = file.to_text();
            // Somebody without a certificate, in lines of their own.
            text.push_str(&format!(
                "\ndn: cn=Carol,{BASE}\nobjectClass: inetOrgPerson\ncn: Carol\nsn: Carol\nmail: carol@example.com\n"
            ));
            let slapd = Slapd::start(&ca, &text);
            Self { ca, bob, slapd }
        })
    }

    fn tls(&self) -> Tls {
        Tls::new(std::slice::from_ref(&self.ca.certificate), now()).unwrap()
    }

    fn directory(&self, url: &str) -> LdapDirectory {
        let connector = Connector::new(Timeouts::default()).with_addresses(Addresses::PublicAndPrivate);
        LdapDirectory::new(url.parse().unwrap(), connector)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.slapd.folder().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs the program in the folder of the directory.
    fn run(&self, line: &str) -> Output {
        let line = line.replace("LDAPS", &self.slapd.ldaps()).replace("LDAP", &self.slapd.ldap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_smime"));
        command.args(line.split_whitespace()).current_dir(self.slapd.folder()).output().unwrap()
    }
}

fn ask(directory: &dyn Directory, address: &str) -> Answer {
    directory.look_up(&address.parse().unwrap()).next().unwrap()
}

fn found(answer: &Answer) -> Vec<(Filed, Certificate)> {
    match &answer.outcome {
        Outcome::Found(offers) => offers.iter().map(|offer| (offer.filed, offer.certificate.clone())).collect(),
        other => panic!("{other:?}"),
    }
}

fn why(answer: Answer) -> String {
    match answer.outcome {
        Outcome::Unreachable(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn out_95_a_real_directory_gives_both_attributes_in_each_spelling() {
    let Some(world) = World::new() else { return };
    let directory = world.directory(&world.slapd.ldap());
    let answer = ask(&directory, "bob@example.com");
    // OUT-96: the same certificate stands in both, and the better place counts.
    assert_eq!(found(&answer), [(Filed::UserSmimeCertificate, world.bob.clone())]);
    assert_eq!(answer.source, world.slapd.ldap());
    // OUT-99c
    assert!(matches!(ask(&directory, "carol@example.com").outcome, Outcome::NoCertificate));
    assert!(matches!(ask(&directory, "nobody@example.com").outcome, Outcome::NotThere));
    // OUT-94: what looks like a part of a filter finds what is called so, which nobody is.
    for address in ["\"a)(uid=*\"@example.com", "*@example.com", "\"*)(mail=*\"@example.com", "\"\\\\\"@example.com"] {
        assert!(matches!(ask(&directory, address).outcome, Outcome::NotThere), "{address}");
    }
    // The attribute is compared as mail is: without case.
    assert_eq!(found(&ask(&directory, "BOB@Example.COM")).len(), 1);
}

#[test]
fn out_93_a_base_is_learnt_or_given() {
    let Some(world) = World::new() else { return };
    let at = |path: &str| ask(&world.directory(&format!("{}/{path}", world.slapd.ldap())), "bob@example.com");
    assert_eq!(found(&at("")).len(), 1);
    assert_eq!(found(&at(BASE)).len(), 1);
    assert_eq!(found(&at(&format!("{BASE}??one?(sn=*)"))).len(), 1);
    assert!(matches!(at(&format!("{BASE}??base")).outcome, Outcome::NotThere));
    assert!(matches!(at(&format!("{BASE}???(sn=nobody)")).outcome, Outcome::NotThere));
    // A base that is not there says nothing of who is.
    assert!(why(at("dc=elsewhere")).contains("nothing at the base"));
    assert!(why(at("no%20name")).contains("invalidDNSyntax"));
}

#[test]
fn out_91_tls_from_the_first_octet_or_by_start_tls() {
    let Some(world) = World::new() else { return };
    for url in [world.slapd.ldaps(), world.slapd.ldap()] {
        let directory = world.directory(&url).with_tls(world.tls());
        for _ in 0..2 {
            assert_eq!(found(&ask(&directory, "bob@example.com")).len(), 1, "{url}");
        }
        // An authority that knows nothing of the server.
        let other = Tls::new(&[Authority::root("Another CA").certificate], now()).unwrap();
        let said = why(ask(&world.directory(&url).with_tls(other), "bob@example.com"));
        assert!(said.contains("no TLS with 127.0.0.1"), "{said}");
        // A server by another name than its certificate has: the certificate names the address alone.
        let named = url.replace("127.0.0.1", "localhost");
        let said = why(ask(&world.directory(&named).with_tls(world.tls()), "bob@example.com"));
        assert!(said.contains("no TLS with localhost"), "{said}");
        // A certificate that is out of date at the time that was given.
        let late = Tls::new(std::slice::from_ref(&world.ca.certificate), "2040-01-01T00:00:00Z".parse().unwrap());
        let said = why(ask(&world.directory(&url).with_tls(late.unwrap()), "bob@example.com"));
        assert!(said.contains("expired"), "{said}");
    }
    // TLS is not what speaks on the other port.
    let crossed = world.slapd.ldap().replace("ldap://", "ldaps://");
    assert!(why(ask(&world.directory(&crossed).with_tls(world.tls()), "bob@example.com")).contains("TLS"));
    assert!(Tls::new(&[], now()).is_err());
}

#[test]
fn out_92_nobody_asks_and_somebody_within_tls() {
    let Some(world) = World::new() else { return };
    let admin = format!("cn=admin,{BASE}");
    let bind = |dn: &str, password: &str| {
        let credentials = Credentials::simple(dn, Secret::from(password)).unwrap();
        ask(
            &world.directory(&world.slapd.ldaps()).with_tls(world.tls()).with_credentials(credentials),
            "bob@example.com",
        )
    };
    assert_eq!(found(&bind(&admin, PASSWORD)).len(), 1);
    assert!(why(bind(&admin, "wrong")).contains("invalidCredentials"));
    assert!(why(bind("no name", PASSWORD)).contains("refused the bind"));
}

#[test]
fn out_90_sources_in_order_and_the_first_that_can_be_used_wins() {
    let Some(world) = World::new() else { return };
    let addresses: [EmailAddress; 1] = ["bob@example.com".parse().unwrap()];
    let (trust, policy) = (world.ca.trust(), Policy::default());
    let plan = |local: Vec<Certificate>, url: &str, (lists, mode): (&RevocationData, RevocationMode)| {
        let mut sources = InOrder::default();
        sources.push(Certificates(local));
        sources.push(world.directory(url));
        let plan = RecipientPlan::resolve_unrevoked(&addresses, &sources, &policy, &trust, (lists, mode), now());
        plan.entries()[0].outcome.clone()
    };
    let none = data([]);
    let trusted = (&none, RevocationMode::Off);
    // One at hand that cannot be used: the directory has another.
    let expired = ("2020-01-01T00:00:00Z".parse().unwrap(), "2021-01-01T00:00:00Z".parse().unwrap());
    let kind = smime::crypto::signature::KeyKind::P256;
    let old = world.ca.person_with("Bob", &["bob@example.com"], kind, 0, expired).certificate().clone();
    let chosen = plan(vec![old.clone()], &world.slapd.ldap(), trusted).unwrap();
    assert_eq!((chosen.certificate, chosen.source), (world.bob.clone(), world.slapd.ldap()));
    // One that can be used: the directory is not asked, and need not be there.
    let other = world.ca.person("Bob", "bob@example.com").certificate().clone();
    let chosen = plan(vec![other.clone()], "ldap://127.0.0.1:1", trusted).unwrap();
    assert_eq!(chosen.certificate, other);
    // OUT-99c: a server that is not there is told as such.
    let reasons = plan(vec![old], "ldap://127.0.0.1:1", trusted).unwrap_err();
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code).collect();
    assert!(codes.contains(&"certificate_expired") && codes.contains(&"directory_unreachable"), "{codes:?}");
    let reasons = plan(Vec::new(), "ldap://127.0.0.1:1", trusted).unwrap_err();
    assert_eq!(reasons.iter().map(|reason| reason.code).collect::<Vec<_>>(), ["directory_unreachable"]);
}

#[test]
fn out_99b_what_was_revoked_is_not_used_nor_what_nobody_knows_of() {
    let Some(world) = World::new() else { return };
    let addresses: [EmailAddress; 1] = ["bob@example.com".parse().unwrap()];
    let (trust, policy) = (world.ca.trust(), Policy::default());
    let directory = world.directory(&world.slapd.ldap());
    let vetted = |lists: &RevocationData, mode| {
        let plan = RecipientPlan::resolve_unrevoked(&addresses, &directory, &policy, &trust, (lists, mode), now());
        plan.entries()[0].outcome.clone()
    };
    let none = data([]);
    let revoked = data([List::of(&world.bob).by(&world.ca)]);
    let clean = data([List::default().by(&world.ca)]);
    assert_eq!(vetted(&revoked, RevocationMode::Hard).unwrap_err()[0].code, "revoked");
    assert_eq!(vetted(&revoked, RevocationMode::Soft).unwrap_err()[0].code, "revoked");
    assert!(vetted(&clean, RevocationMode::Hard).is_ok());
    assert!(vetted(&none, RevocationMode::Hard).is_err());
    assert!(vetted(&none, RevocationMode::Soft).is_ok());
    assert!(vetted(&revoked, RevocationMode::Off).is_ok());
}

#[test]
fn a_connection_that_the_server_closed_meanwhile_is_made_again() {
    let Some(mut world) = World::new() else { return };
    let directory = world.directory(&world.slapd.ldap());
    assert_eq!(found(&ask(&directory, "bob@example.com")).len(), 1);
    world.slapd.restart();
    assert_eq!(found(&ask(&directory, "bob@example.com")).len(), 1);
    world.slapd.stop();
    assert!(why(ask(&directory, "bob@example.com")).contains("no connection"));
}

#[test]
fn the_program_looks_up_and_encrypts() {
    let Some(world) = World::new() else { return };
    let root = pem::write("CERTIFICATE", world.ca.certificate.der());
    world.write("ca.pem", &root);
    world.write("mail.eml", "From: alice@example.com\r\nTo: bob@example.com\r\n\r\nhello\r\n");
    world.write("password", format!("{PASSWORD}\n"));
    let out = world.run(&format!("lookup bob@example.com --ldap LDAPS --ca ca.pem --trust ca.pem --at {AT} --json"));
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(0), "{said}");
    let value: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(value["version"], 1);
    assert_eq!(value["lookups"][0]["chosen"]["source"], world.slapd.ldaps());
    assert_eq!(value["lookups"][0]["answers"][1]["offers"][0]["filed"], "userSMIMECertificate");
    assert_eq!(value["lookups"][0]["answers"][0]["outcome"], "not-there");
    // As PEM, by StartTLS and with a name.
    let line = format!(
        "lookup bob@example.com --ldap LDAP --start-tls --ca ca.pem --bind cn=admin,{BASE} --bind-password-file password \
         --base {BASE} --pem"
    );
    let out = world.run(&line);
    let written = smime::store::pem::read(&out.stdout).unwrap();
    assert_eq!(written[0].data.expose(), world.bob.der(), "{}", String::from_utf8_lossy(&out.stderr));
    // OUT-99c: who is not there, and who could not be asked for.
    let code = |line: &str| world.run(line).status.code();
    assert_eq!(code("lookup nobody@example.com carol@example.com --ldap LDAP"), Some(7));
    assert_eq!(code("lookup bob@example.com --ldap ldap://127.0.0.1:1"), Some(1));
    assert_eq!(code("lookup bob@example.com --ldap LDAPS"), Some(2), "no --ca");
    assert_eq!(code("lookup b@example.com --ldap LDAP --bind cn=x --bind-password-file password"), Some(2));
    assert_eq!(code("lookup bob@example.com --ldap LDAP --ca ca.pem"), Some(2), "no TLS, and --ca for nothing");
    assert_eq!(code("lookup bob@example.com"), Some(2), "nowhere to look");
    assert_eq!(code("lookup bob@example.com --certs ca.pem"), Some(7));
    let words = world.run("lookup carol@example.com --ldap LDAP");
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.contains("somebody has that address, and no certificate"), "{words}");
    // Encrypting to what the directory has.
    let out = world.run(&format!("encrypt --to-headers --ldap LDAPS --ca ca.pem --trust ca.pem --at {AT} mail.eml"));
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(String::from_utf8_lossy(&out.stdout).contains("enveloped-data"));
    assert_eq!(code("encrypt --to carol@example.com --ldap LDAP mail.eml"), Some(7));
    assert_eq!(code("encrypt --to bob@example.com --ldap ldap://127.0.0.1:1 mail.eml"), Some(1));
}

#[test]
fn out_99a_of_several_certificates_the_newest_that_fits() {
    if !Slapd::is_there() {
        return;
    }
    let ca = Authority::root("CA");
    let later = |day: &str| (format!("2026-{day}T00:00:00Z").parse().unwrap(), years().1);
    let make = |day: &str, usage: KeyUsage| {
        let key = smime::crypto::private::PrivateKey::generate(smime::crypto::signature::KeyKind::P256, 0).unwrap();
        let spki = key.public_key_spki();
        let issuer = Some(&ca.certificate);
        let template = CertificateTemplate::new(common_name("Dora"), issuer, &serial(), later(day), &spki);
        ca.issue(&template.for_mail(&["dora@example.com".parse().unwrap()], usage))
    };
    let (agree, sign) = (KeyUsage::KEY_AGREEMENT, KeyUsage::DIGITAL_SIGNATURE);
    let all = [make("02-01", agree), make("03-01", agree), make("04-01", sign)];
    let mut text = format!("dn: cn=Dora,{BASE}\nobjectClass: inetOrgPerson\ncn: Dora\nsn: D\nmail: dora@example.com\n");
    all.iter().for_each(|one| text.push_str(&format!("userCertificate;binary:: {}\n", pem::encode(one.der()))));
    let slapd = Slapd::start(&ca, &text);
    let connector = Connector::new(Timeouts::default()).with_addresses(Addresses::PublicAndPrivate);
    let directory = LdapDirectory::new(slapd.ldap().parse().unwrap(), connector);
    let addresses = ["dora@example.com".parse().unwrap()];
    let plan = RecipientPlan::resolve(&addresses, &directory, &Policy::default(), Some(&ca.trust()), now());
    assert_eq!(plan.entries()[0].outcome.as_ref().unwrap().certificate, all[1]);
}
