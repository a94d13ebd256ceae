//! The plan of encrypted mail: who can read it and why not, groups, Bcc, and with which algorithms (OUT-33 to OUT-38, OUT-40 to
//! OUT-43, OUT-99a to OUT-99c).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::envelope::recipients;
use common::outlook::split;
use common::people::{Authority, now, years};
use smime::asn1::{der, oid};
use smime::cert::extension::{Extension, KeyUsage};
use smime::cms::capabilities::{CapabilityList, encode};
use smime::cms::recipient_info::Wrapping;
use smime::compose::envelopes::{Addressees, Audience, MailPlan};
use smime::compose::negotiation::{AnnouncedIn, ContentChoice};
use smime::compose::recipients::{Error, Resolver};
use smime::crypto::algorithm::{
    Cofactor, ContentCipher, DigestAlgorithm, KeyAgreement, KeyDerivation, KeyTransport, KeyWrap,
};
use smime::crypto::signature::KeyKind;
use smime::policy::effective::Protection;
use smime::policy::exchange::SmimeConfig;
use smime::policy::policy::{CipherRule, Form, RecipientHeaders};
use smime::policy::registry::SecurityValues;
use smime::policy::sending::{BccForking, ReplySignature};
use smime::store::directory::contacts::{Contact, Contacts, Informed};
use smime::store::directory::{Answer, Answers, Filed, Offer, Outcome};
use smime::store::groups::{GroupList, Groups, Membership, expand};
use smime::{
    Certificate, Certificates, Directory, EmailAddress, Encryptor, Identity, InOrder, Keyring, Limits, Message, Opener,
    Policy, Profile, RecipientPlan, Requirement, Signer,
};

fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

fn addresses(list: &[&str]) -> Vec<EmailAddress> {
    list.iter().map(|one| address(one)).collect()
}

/// A CA and people, each with an address of their own at example.com.
struct World {
    ca: Authority,
    people: Vec<(&'static str, Identity)>,
}

impl World {
    fn new(names: &[&'static str]) -> Self {
        let ca = Authority::root("Root");
        let people = names.iter().map(|name| (*name, ca.person(name, &format!("{name}@example.com")))).collect();
        Self { ca, people }
    }

    fn directory(&self) -> Certificates {
        Certificates(self.people.iter().map(|(_, one)| one.certificate().clone()).collect())
    }

    fn of(&self, name: &str) -> &Identity {
        &self.people.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// The names of those whom a sealed mail is for, sorted.
    fn named(&self, sealed: &[u8]) -> Vec<&str> {
        let name = |id: smime::cms::identifier::CertificateId| {
            self.people.iter().find(|(_, one)| id.names(one.certificate())).unwrap().0
        };
        let mut names: Vec<_> = recipients(sealed).into_iter().map(name).collect();
        names.sort_unstable();
        names
    }
}

/// Contacts, each with the capabilities that a mail of theirs announced.
fn announcing(people: &[(&str, &Certificate, Vec<u8>)]) -> Contacts {
    let mut contacts = Contacts::default();
    for (address, certificate, list) in people {
        contacts.add(Contact {
            address: address.parse().unwrap(),
            certificate: (*certificate).clone(),
            capabilities: Some(list.clone()),
            signed_at: None,
        });
    }
    contacts
}

fn capabilities(list: &[const_oid::ObjectIdentifier]) -> Vec<u8> {
    der::sequence(&list.iter().map(|one| der::sequence(&[der::oid(one)])).collect::<Vec<_>>())
}

#[test]
fn out_33_one_who_is_missing_stops_everything_with_a_reason_each() {
    let world = World::new(&["bob", "carol"]);
    let old = world.ca.person_with(
        "dave",
        &["dave@example.com"],
        KeyKind::P256,
        0,
        ("2020-01-01T00:00:00Z".parse().unwrap(), "2021-01-01T00:00:00Z".parse().unwrap()),
    );
    let mut directory = world.directory();
    directory.0.push(old.certificate().clone());
    let policy = Policy::default();
    let resolver = Resolver::new(&directory, &policy, now());
    let to = Addressees {
        visible: addresses(&["bob@example.com", "dave@example.com"]),
        hidden: addresses(&["carol@example.com", "eve@example.com"]),
    };
    let plan = MailPlan::resolve(&to, &resolver);
    let error = plan.all().unwrap_err();
    let text = error.to_string();
    let Error::Missing { missing } = error else { panic!("{text}") };
    let told: Vec<_> = missing.iter().map(|(who, why)| (who.to_string(), why[0].code)).collect();
    let expected = [("dave@example.com", "certificate_expired"), ("eve@example.com", "no_certificate")];
    assert_eq!(told, expected.map(|(who, why)| (who.to_owned(), why)));
    // On the caller's word the others get it, and nobody else.
    let reached: Vec<_> = plan.reachable().unwrap().into_iter().map(|one| (one.audience, one.addresses)).collect();
    let expected =
        [(Audience::Visible, addresses(&["bob@example.com"])), (Audience::Hidden, addresses(&["carol@example.com"]))];
    assert_eq!(reached, expected);
}

/// Groups of which one does not answer.
struct Failing(GroupList);

impl Groups for Failing {
    fn members(&self, address: &EmailAddress) -> Membership {
        match address.local() {
            "down" => Membership::Unreachable("no answer in 60 s".to_owned()),
            _ => self.0.members(address),
        }
    }
}

#[test]
fn out_34_groups_expand_once_cycles_break_and_a_silent_one_stops_the_mail() {
    let world = World::new(&["bob", "carol", "dave"]);
    let list = GroupList::parse(
        "team@example.com: Bob@example.com, leads@example.com  # everybody\n\
         leads@example.com: carol@example.com,\n  TEAM@example.com, dave@example.com\n\
         self@example.com: self@example.com\nempty@example.com:\n",
    )
    .unwrap();
    let (directory, policy) = (world.directory(), Policy::default());
    let groups = Failing(list);
    let resolver = Resolver::new(&directory, &policy, now()).with_groups(&groups);
    let plan = resolver.plan(&addresses(&["carol@example.com", "team@example.com", "bob@example.com"]));
    let found: Vec<_> = plan
        .entries()
        .iter()
        .map(|entry| {
            (entry.address.to_string(), entry.via.iter().map(|one| one.local().to_owned()).collect::<Vec<_>>())
        })
        .collect();
    let expected: [(&str, &[&str]); 3] =
        [("carol@example.com", &[]), ("Bob@example.com", &["team"]), ("dave@example.com", &["team", "leads"])];
    let expected = expected.map(|(who, via)| (who.to_owned(), via.iter().map(ToString::to_string).collect::<Vec<_>>()));
    assert_eq!(found, expected);
    let recipients = plan.all().unwrap();
    assert_eq!(recipients.iter().count(), 3);
    // Nobody is behind a group within itself, and there is nobody to write to.
    assert!(matches!(resolver.plan(&addresses(&["self@example.com"])).all(), Err(Error::Nobody)));
    for (group, code) in [("empty@example.com", "group_empty"), ("down@example.com", "group_unreachable")] {
        let error = resolver.plan(&addresses(&["bob@example.com", group])).all().unwrap_err();
        let (Error::Missing { missing } | Error::Undecided { missing }) = &error else { panic!("{error}") };
        assert_eq!((missing[0].0.to_string().as_str(), missing[0].1[0].code), (group, code));
        assert_eq!(matches!(error, Error::Undecided { .. }), code == "group_unreachable");
    }
}

/// Groups without end: each has so many members that nobody else has.
struct Endless(usize);

impl Groups for Endless {
    fn members(&self, address: &EmailAddress) -> Membership {
        Membership::Members((0..self.0).map(|n| self::address(&format!("{n}.{}@x.y", address.local().len()))).collect())
    }
}

struct Deeper;

impl Groups for Deeper {
    fn members(&self, address: &EmailAddress) -> Membership {
        Membership::Members(vec![self::address(&format!("{}x@x.y", address.local()))])
    }
}

#[test]
fn out_34_groups_without_end_come_to_one() {
    let mut limits = Limits::default();
    limits.recipients = 50;
    for (groups, most) in [(&Endless(3) as &dyn Groups, 60), (&Endless(10_000), 60), (&Deeper, 1)] {
        let found = expand(&addresses(&["a@x.y"]), groups, Default::default(), &limits);
        assert!(found.len() <= most, "{}", found.len());
        let last = found.last().and_then(|one| one.failure.as_ref());
        assert!(found.is_empty() || last.is_some_and(|reason| reason.code == "too_many_recipients"), "{last:?}");
    }
    for text in ["bob@example.com", " bob@example.com", "team@example.com: bob", "team: bob@example.com"] {
        assert!(GroupList::parse(text).is_err(), "{text}");
    }
    assert_eq!(GroupList::parse("# none\n\n").unwrap(), GroupList::default());
}

/// How content is encrypted to people who announce these lists; `None` announces nothing.
fn chosen(policy: &Policy, lists: &[Option<&[const_oid::ObjectIdentifier]>]) -> ContentChoice {
    let ca = Authority::root("Root");
    let (mut contacts, mut silent, mut to) = (Contacts::default(), Certificates::default(), Vec::new());
    for (number, list) in lists.iter().enumerate() {
        let email = format!("p{number}@example.com");
        let one = ca.person("One", &email);
        to.push(address(&email));
        match list {
            Some(list) => {
                let said = announcing(&[(&email, one.certificate(), capabilities(list))]);
                contacts.add(said.entries()[0].clone());
            }
            None => silent.0.push(one.certificate().clone()),
        }
    }
    let mut directory = InOrder::default();
    directory.push(contacts);
    directory.push(silent);
    let plan = RecipientPlan::resolve(&to, &directory, policy, None, now());
    let choice = plan.content(policy);
    // What is planned is what is written.
    let encryptor = Encryptor::new(&plan.all().unwrap(), policy);
    assert_eq!(encryptor.content(), &choice);
    let message = Message::parse(b"From: a@example.com\r\nTo: p0@example.com\r\n\r\nhello\r\n").unwrap();
    let sealed = String::from_utf8(encryptor.encrypt(&message).unwrap()).unwrap();
    assert_eq!(sealed.contains("authEnveloped-data"), choice.cipher.is_aead());
    choice
}

#[test]
fn out_36_and_38_the_strongest_in_common_and_gcm_where_all_announce_it() {
    let outlook: &[_] = &[oid::AES256_CBC, oid::AES192_CBC, oid::DES_EDE3_CBC, oid::AES128_CBC];
    let modern: &[_] = &[oid::AES256_GCM, oid::AES128_GCM, oid::AES256_CBC];
    let small: &[_] = &[oid::AES128_CBC, oid::DES_EDE3_CBC];
    let digests: &[_] = &[oid::SHA256];
    let policy = Policy::default();
    let rows: [(&[Option<&[_]>], ContentCipher, &str); 9] = [
        (&[None], ContentCipher::Aes256Cbc, "cipher_default"),
        (&[Some(digests)], ContentCipher::Aes256Cbc, "cipher_default"),
        (&[Some(outlook)], ContentCipher::Aes256Cbc, "cipher_common"),
        (&[Some(modern)], ContentCipher::Aes256Gcm, "cipher_common"),
        (&[Some(modern), Some(outlook)], ContentCipher::Aes256Cbc, "cipher_common"),
        (&[Some(modern), None], ContentCipher::Aes256Cbc, "cipher_common"),
        (&[Some(small), Some(outlook)], ContentCipher::Aes128Cbc, "cipher_common"),
        // OUT-36 (3): who announces nothing counts as the default.
        (&[Some(small), None], ContentCipher::Aes256Cbc, "cipher_floor"),
        (&[Some(&[oid::AES128_GCM]), Some(modern)], ContentCipher::Aes128Gcm, "cipher_common"),
    ];
    for (number, (lists, cipher, code)) in rows.iter().enumerate() {
        let choice = chosen(&policy, lists);
        assert_eq!((choice.cipher, choice.why.code), (*cipher, *code), "row {number}");
        assert_eq!(choice.warnings.is_empty(), *code != "cipher_floor", "row {number}");
    }
    // The administrator's word wins, in the registry and in Exchange; who does not announce it is told.
    let text = "Windows Registry Editor Version 5.00\n[HKEY_CURRENT_USER\\Software\\Policies\\Microsoft\\Office\\16.0\\Outlook\\Security]\n\
                \"UseAlternateDefaultEncryptionAlg\"=dword:1\n\"DefaultEncryptionAlgOID\"=\"2.16.840.1.101.3.4.1.2\"\n";
    let mut by_registry = Policy::default();
    SecurityValues::read(text).unwrap().0.encrypt_by(&mut by_registry).unwrap();
    let mut config = SmimeConfig::unconfigured();
    config.encryption_algorithms = Some("660E".to_owned());
    let mut by_exchange = Policy::default();
    config.encrypt_by(&mut by_exchange).unwrap();
    for named in [by_registry, by_exchange] {
        assert_eq!(named.cipher_rule, CipherRule::Named);
        let choice = chosen(&named, &[Some(modern), None]);
        assert_eq!((choice.cipher, choice.why.code), (ContentCipher::Aes128Cbc, "cipher_named"));
        assert_eq!(choice.warnings[0].code, "cipher_not_announced");
    }
    // The standard's profile encrypts with GCM to those of whom nothing is known.
    assert_eq!(chosen(&Policy::new(Profile::Rfc8551), &[None]).cipher, ContentCipher::Aes256Gcm);
    assert_eq!(chosen(&Policy::new(Profile::Rfc8551), &[None, Some(outlook)]).cipher, ContentCipher::Aes256Cbc);
}

#[test]
fn out_37_nothing_below_the_floor_is_ever_chosen() {
    let policy = Policy::default();
    for weak in [&[oid::DES_EDE3_CBC][..], &[oid::RC2_CBC], &[oid::DES_CBC, oid::RC2_CBC], &[oid::RC2_CBC, oid::SHA1]] {
        let choice = chosen(&policy, &[Some(weak)]);
        assert_eq!((choice.cipher, choice.why.code), (ContentCipher::Aes256Cbc, "cipher_floor"), "{weak:?}");
        assert_eq!(choice.warnings[0].code, "cipher_below_floor");
    }
    // An administrator's list of nothing else is an error.
    let mut config = SmimeConfig::unconfigured();
    config.encryption_algorithms = Some("6603;6602:128;6601".to_owned());
    assert!(config.encrypt_by(&mut Policy::default()).is_err());
}

/// One entry with `userSMIMECertificate`.
struct Published(Certificate, Option<Vec<u8>>);

impl Directory for Published {
    fn look_up<'a>(&'a self, _: &'a EmailAddress) -> Answers<'a> {
        Answer::once(|| {
            let filed = Filed::UserSmimeCertificate;
            let offer = Offer { filed, capabilities: self.1.clone(), ..Offer::plain(self.0.clone()) };
            Answer::new("ldap", Outcome::Found(vec![offer]))
        })
    }
}

#[test]
fn out_36_capabilities_come_from_three_places_the_owner_s_word_first() {
    let ca = Authority::root("Root");
    let inside = capabilities(&[oid::AES128_CBC]);
    let certificate = ca.user("Bob", |t| {
        t.emails = addresses(&["bob@example.com"]);
        t.key_usage = Some(KeyUsage::KEY_AGREEMENT);
        t.extensions = vec![Extension { oid: oid::ID_SMIME_CAPABILITIES, critical: false, value: inside }];
    });
    let said = encode(CapabilityList::Rfc8551, DigestAlgorithm::Sha256);
    let policy = Policy::default();
    let informed = |of: &str| {
        let contacts = announcing(&[(of, &certificate, said.clone())]);
        Box::new(Informed::new(Certificates(vec![certificate.clone()]), contacts))
    };
    let rows: [(Box<dyn Directory>, AnnouncedIn, ContentCipher); 7] = [
        (informed("bob@example.com"), AnnouncedIn::SignedMail, ContentCipher::Aes256Gcm),
        (informed("eve@example.com"), AnnouncedIn::Certificate, ContentCipher::Aes128Cbc),
        (Box::new(Certificates(vec![certificate.clone()])), AnnouncedIn::Certificate, ContentCipher::Aes128Cbc),
        (
            Box::new(announcing(&[("bob@example.com", &certificate, said.clone())])),
            AnnouncedIn::SignedMail,
            ContentCipher::Aes256Gcm,
        ),
        (
            Box::new(Published(certificate.clone(), Some(said.clone()))),
            AnnouncedIn::Directory,
            ContentCipher::Aes256Gcm,
        ),
        (Box::new(Published(certificate.clone(), None)), AnnouncedIn::Certificate, ContentCipher::Aes128Cbc),
        (
            Box::new(Published(certificate.clone(), Some(b"\x30\x01".to_vec()))),
            AnnouncedIn::Certificate,
            ContentCipher::Aes128Cbc,
        ),
    ];
    for (directory, place, cipher) in &rows {
        let plan = RecipientPlan::resolve(&addresses(&["bob@example.com"]), directory.as_ref(), &policy, None, now());
        let recipient = plan.entries()[0].outcome.as_ref().unwrap();
        assert_eq!(recipient.announced.as_ref().unwrap().place, *place);
        assert_eq!(plan.content(&policy).cipher, *cipher);
    }
}

#[test]
fn out_36_keys_are_wrapped_as_announced_with_a_reason() {
    let ca = Authority::root("Root");
    let rsa = ca.person_with("Rita", &["rita@example.com"], KeyKind::Rsa, 2048, years());
    let curve = ca.person("Carl", "carl@example.com");
    let oaep = KeyTransport::oaep(DigestAlgorithm::Sha256);
    let strong = KeyAgreement {
        derivation: KeyDerivation::X963(DigestAlgorithm::Sha384),
        cofactor: Cofactor::Standard,
        wrap: KeyWrap::Aes256,
    };
    let weak = KeyAgreement { derivation: KeyDerivation::X963(DigestAlgorithm::Sha1), ..strong };
    let wrapped = |policy: &Policy, one: &Identity, email: &str, list: Vec<Vec<u8>>| {
        let directory = announcing(&[(email, one.certificate(), der::sequence(&list))]);
        let plan = RecipientPlan::resolve(&addresses(&[email]), &directory, policy, None, now());
        let recipient = plan.entries()[0].outcome.clone().unwrap();
        (recipient.wrapping, recipient.why.code)
    };
    let (outlook, rfc) = (Policy::default(), Policy::new(Profile::Rfc8551));
    let (oaep_id, sha1_id) =
        (oaep.identifier().to_der(), KeyTransport::oaep(DigestAlgorithm::Sha1).identifier().to_der());
    let rita = |policy: &Policy, list: &[u8]| wrapped(policy, &rsa, "rita@example.com", vec![list.to_vec()]);
    assert_eq!(rita(&outlook, &oaep_id), (Wrapping::Transport(KeyTransport::RsaPkcs1), "transport_by_policy"));
    assert_eq!(rita(&rfc, &oaep_id), (Wrapping::Transport(oaep), "transport_announced"));
    assert_eq!(rita(&rfc, &sha1_id), (Wrapping::Transport(KeyTransport::RsaPkcs1), "transport_by_policy"));
    let [strong_id, weak_id] = [strong, weak].map(|one| one.identifier().unwrap().to_der());
    let carl = |list: Vec<Vec<u8>>| wrapped(&outlook, &curve, "carl@example.com", list);
    assert_eq!(carl(vec![weak_id.clone(), strong_id]), (Wrapping::Agreement(strong), "agreement_announced"));
    let default = KeyAgreement { derivation: KeyDerivation::X963(DigestAlgorithm::Sha256), ..strong };
    assert_eq!(carl(vec![weak_id]), (Wrapping::Agreement(default), "agreement_by_policy"));
}

#[test]
fn out_40_a_reply_inherits_encryption_and_the_signature_where_it_may() {
    use Protection::{Encrypted, None, Signed, SignedAndEncrypted};
    for (answered, kept, omitted) in [
        (None, None, None),
        (Signed, Signed, None),
        (Encrypted, Encrypted, Encrypted),
        (SignedAndEncrypted, SignedAndEncrypted, Encrypted),
    ] {
        assert_eq!(ReplySignature::Inherit.protection(answered), kept);
        assert_eq!(ReplySignature::Omit.protection(answered), omitted);
    }
    let mut policy = Policy::default();
    SmimeConfig::unconfigured().sign_by(&mut policy);
    assert_eq!(policy.sending.reply_signature.protection(SignedAndEncrypted), Encrypted);
}

#[test]
fn out_41_three_bcc_make_four_messages_or_two_or_one() {
    let world = World::new(&["alice", "bob", "carol", "dave", "eve", "frank"]);
    let raw = b"From: alice@example.com\r\nTo: bob@example.com\r\nCc: carol@example.com\r\n\
                Bcc: dave@example.com, list@example.com, bob@example.com\r\n\r\nhello\r\n";
    let message = Message::parse(raw).unwrap();
    let groups = GroupList::parse("list@example.com: eve@example.com, frank@example.com, carol@example.com").unwrap();
    let directory = world.directory();
    for (forking, expected) in [
        (
            BccForking::OnePerRecipient,
            vec![
                (Audience::Visible, vec!["bob", "carol"]),
                (Audience::Hidden, vec!["dave"]),
                (Audience::Hidden, vec!["eve"]),
                (Audience::Hidden, vec!["frank"]),
            ],
        ),
        (
            BccForking::OneForAll,
            vec![(Audience::Visible, vec!["bob", "carol"]), (Audience::Hidden, vec!["dave", "eve", "frank"])],
        ),
        (BccForking::Together, vec![(Audience::Everybody, vec!["bob", "carol", "dave", "eve", "frank"])]),
    ] {
        let mut policy = Policy::default();
        policy.sending.bcc_forking = forking;
        let resolver = Resolver::new(&directory, &policy, now()).with_groups(&groups);
        let envelopes = MailPlan::resolve(&message.addressees().unwrap(), &resolver).all().unwrap();
        assert_eq!(envelopes.len(), expected.len(), "{forking:?}");
        for (envelope, (audience, names)) in envelopes.iter().zip(&expected) {
            assert_eq!(envelope.audience, *audience);
            let to: Vec<_> = envelope.addresses.iter().map(|one| one.local().to_owned()).collect();
            assert_eq!(&to, names);
            let encryptor = Encryptor::new(&envelope.recipients, &policy).copy_to(world.of("alice"), now()).unwrap();
            let sealed = encryptor.encrypt(&message).unwrap();
            let mut all = names.clone();
            all.insert(0, "alice");
            assert_eq!(world.named(&sealed), all, "{forking:?}");
            let header = split(&sealed).0.to_ascii_lowercase();
            assert!(!header.contains("bcc") && !header.contains("dave@") && !header.contains("list@"), "{header}");
        }
    }
    // Bcc alone is no message to To and Cc; and whom it names wrongly stops it.
    let resolver = |policy| Resolver::new(&directory, policy, now());
    let policy = Policy::default();
    let only = Message::parse(b"From: alice@example.com\r\nBcc: bob@example.com\r\n\r\nhello\r\n").unwrap();
    let envelopes = MailPlan::resolve(&only.addressees().unwrap(), &resolver(&policy)).all().unwrap();
    assert_eq!((envelopes.len(), envelopes[0].audience), (1, Audience::Hidden));
    let wrong = Message::parse(b"From: alice@example.com\r\nTo: bob@example.com\r\nBcc: Bob\r\n\r\nhello\r\n").unwrap();
    assert!(matches!(wrong.addressees(), Err(Error::NotAnAddress { text }) if text.contains("Bob")));
}

#[test]
fn out_42_the_addresses_are_signed_where_the_policy_copies_them_and_bcc_never_is() {
    let world = World::new(&["alice"]);
    let raw =
        b"Received: by mx\r\nFrom: Alice\r\n <alice@example.com>\r\nTo: bob@example.com\r\nCc: carol@example.com\r\n\
                Bcc: dave@example.com\r\nSubject: s\r\nContent-Type: text/plain\r\n\r\nhello\r\n";
    let message = Message::parse(raw).unwrap();
    let mut config = SmimeConfig::unconfigured();
    config.copy_recipient_headers = true;
    let (trust, mut policy) = (world.ca.trust(), Policy::new(Profile::Owa));
    config.sign_by(&mut policy);
    assert_eq!(policy.recipient_headers, RecipientHeaders::Copied);
    for form in [Form::Clear, Form::Opaque] {
        policy.form = form;
        let signed = Signer::new(world.of("alice"), &policy).unwrap().sign(&message, now()).unwrap();
        let opened = Opener::new(&trust, &policy).open(&signed, now()).unwrap();
        let Ok(trusted) = opened.require(Requirement::SignedBySender) else { panic!("{form:?}") };
        let mut content = Vec::new();
        trusted.copy_to(&mut content).unwrap();
        let content = String::from_utf8(content).unwrap();
        let fields = "From: Alice\r\n <alice@example.com>\r\nTo: bob@example.com\r\nCc: carol@example.com\r\nContent-Type: text/plain";
        assert!(content.starts_with(fields), "{content}");
        assert!(
            !content.contains("dave") && !content.contains("Subject") && !content.contains("Received"),
            "{content}"
        );
        assert!(!String::from_utf8_lossy(&signed).contains("dave"));
    }
    policy.recipient_headers = RecipientHeaders::Outside;
    let signed = Signer::new(world.of("alice"), &policy).unwrap().clear().sign(&message, now()).unwrap();
    assert_eq!(String::from_utf8(signed).unwrap().matches("To: bob@example.com").count(), 1);
}

#[test]
fn out_43_a_draft_is_encrypted_to_its_sender_alone() {
    let world = World::new(&["alice", "bob"]);
    let policy = Policy::default();
    let message = Message::parse(b"From: alice@example.com\r\nTo: bob@example.com\r\n\r\nhello\r\n").unwrap();
    let draft = Encryptor::draft(world.of("alice").certificate(), &policy, now()).unwrap().encrypt(&message).unwrap();
    assert_eq!(world.named(&draft), ["alice"]);
    let (trust, ring) = (world.ca.trust(), Keyring::new(vec![world.of("alice").clone()]));
    let opened = Opener::new(&trust, &policy).with_keys(&ring).open(&draft, now()).unwrap();
    assert!(opened.require(Requirement::Unaltered).is_ok());
    let signs = world.ca.user("Alice", |t| t.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE));
    assert!(Encryptor::draft(&signs, &policy, now()).is_err());
}
