//! Recipients of many mails, and directories that do not answer (SEC-155): few are asked at a time, each once, nobody after
//! three silences; and no mail goes to a part of its recipients.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::people::{Authority, now};
use smime::base::source::SharedSource;
use smime::bulk::{Bulk, Verb};
use smime::compose::recipients;
use smime::store::directory::guarded::{Guarded, SILENCES};
use smime::store::directory::{Answer, Answers, Outcome};
use smime::{Certificates, Directory, EmailAddress, Encryptor, InOrder, Message, Policy, RecipientPlan, Time};
use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A server that counts who asks, and answers as a test says.
struct Line<'c, F> {
    counts: &'c Counts,
    answer: F,
}

#[derive(Default)]
struct Counts {
    now: AtomicUsize,
    most: AtomicUsize,
    asked: Mutex<HashMap<String, u32>>,
}

impl<F: Fn(&EmailAddress) -> Outcome> Directory for Line<'_, F> {
    fn look_up<'a>(&'a self, address: &'a EmailAddress) -> Answers<'a> {
        Answer::once(move || {
            let counts = self.counts;
            counts.most.fetch_max(counts.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            *counts.asked.lock().unwrap().entry(address.to_string()).or_default() += 1;
            let outcome = (self.answer)(address);
            counts.now.fetch_sub(1, Ordering::SeqCst);
            Answer::new("ldap://directory.example", outcome)
        })
    }
}

/// Encrypts each mail to those in its header.
struct ToHeaders<'d> {
    directory: &'d (dyn Directory + Sync),
    policy: &'d Policy,
}

impl Verb for ToHeaders<'_> {
    type Error = smime::Error;

    fn perform(&self, mail: &SharedSource<'_>, now: Time, out: &mut dyn Write) -> Result<(), smime::Error> {
        let message = Message::from_source(mail, &self.policy.limits)?;
        let plan = RecipientPlan::resolve(&message.recipients()?, self.directory, self.policy, None, now);
        Ok(Encryptor::new(&plan.all()?, self.policy).encrypt_to(&message, out)?)
    }
}

fn mail(to: &str) -> Vec<u8> {
    format!("From: alice@example.com\r\nTo: {to}\r\n\r\nhello\r\n").into_bytes()
}

#[test]
fn sec_155_a_directory_is_asked_over_few_lines_and_each_address_once() {
    let ca = Authority::root("Root");
    let people: HashMap<String, _> = (0..20)
        .map(|n| format!("user{n}@example.com"))
        .map(|email| (email.clone(), ca.person(&email, &email).certificate().clone()))
        .collect();
    let counts = Counts::default();
    let answer = |address: &EmailAddress| {
        std::thread::sleep(Duration::from_millis(2));
        match people.get(&address.to_string()) {
            Some(one) => Outcome::Found(vec![smime::store::directory::Offer::plain(one.clone())]),
            None => Outcome::NotThere,
        }
    };
    let directory = Guarded::new((0..3).map(|_| Line { counts: &counts, answer: &answer }));
    let policy = Policy::default();
    let mails = (0..400).map(|n| (n, mail(&format!("user{}@example.com", n % 21))));
    let verb = ToHeaders { directory: &directory, policy: &policy };
    let ended = Bulk::new(&verb).workers(16).run(mails, now, |outcome| {
        // The last of them has no certificate anywhere.
        assert_eq!(outcome.result.is_err(), outcome.id % 21 == 20);
        Ok::<_, Infallible>(())
    });
    assert_eq!(ended.unwrap().failed, 19);
    assert_eq!(counts.most.load(Ordering::SeqCst), 3, "lines");
    let asked = counts.asked.lock().unwrap();
    assert_eq!(asked.len(), 21);
    // Whoever asks while another is being answered asks, too; nobody does later.
    assert!(asked.values().all(|times| *times <= 3), "{asked:?}");
}

#[test]
fn sec_155_after_three_silences_nobody_is_asked_and_nobody_gets_a_part() {
    let ca = Authority::root("Root");
    let bob = ca.person("Bob", "bob@example.com");
    let counts = Counts::default();
    let silent = |_: &EmailAddress| {
        std::thread::sleep(Duration::from_millis(1));
        Outcome::Unreachable("timed out".to_owned())
    };
    let guarded = Guarded::new((0..4).map(|_| Line { counts: &counts, answer: &silent }));
    let mut directory = InOrder::default();
    directory.push(Certificates(vec![bob.certificate().clone()]));
    directory.push(guarded);
    let policy = Policy::default();
    // Ten thousand recipients, each in a mail with Bob, whose certificate is at hand.
    let mails = (0..10_000).map(|n| (n, mail(&format!("bob@example.com, user{n}@example.com"))));
    let verb = ToHeaders { directory: &directory, policy: &policy };
    let ended = Bulk::new(&verb).workers(8).run(mails, now, |outcome| {
        let Err(smime::bulk::Failure::Verb(smime::Error::Recipients(error))) = outcome.result else {
            panic!("{}: {:?}", outcome.id, outcome.result)
        };
        let recipients::Error::Undecided { missing } = error else { panic!("{error}") };
        let missing: Vec<String> = missing.iter().map(|(address, _)| address.to_string()).collect();
        assert_eq!(missing, [format!("user{}@example.com", outcome.id)]);
        Ok::<_, Infallible>(())
    });
    assert_eq!(ended.unwrap().failed, 10_000);
    let asked: u32 = counts.asked.lock().unwrap().values().sum();
    // Three in a row, and those who were on the other lines at that moment.
    assert!((SILENCES..SILENCES + 4).contains(&asked), "{asked}");
    // One mail to all of them names each of them.
    let all: Vec<EmailAddress> = (0..10_000).map(|n| format!("user{n}@example.com").parse().unwrap()).collect();
    let plan = RecipientPlan::resolve(&all, &directory, &policy, None, now());
    let Err(recipients::Error::Undecided { missing }) = plan.all() else { panic!("it went out") };
    assert_eq!(missing.len(), 10_000);
}

#[test]
fn sec_155_an_answer_in_between_and_a_retry_begin_the_count_anew() {
    let counts = Counts::default();
    let moody = |address: &EmailAddress| match address.to_string().starts_with("down") {
        true => Outcome::Unreachable("refused".to_owned()),
        false => Outcome::NotThere,
    };
    let directory = Guarded::new([Line { counts: &counts, answer: &moody }]);
    let ask = |address: &str| directory.certificates(&address.parse().unwrap()).map(|_| ()).map_err(|e| e.why);
    for _ in 0..3 {
        assert!(ask("down1@example.com").is_err() && ask("down2@example.com").is_err());
        // What is known is not asked again, so another address each time.
        let fresh = format!("up{}@example.com", counts.asked.lock().unwrap().len());
        assert!(ask(&fresh).is_ok() && !directory.is_given_up());
    }
    (0..3).for_each(|_| assert_eq!(ask("down1@example.com").unwrap_err(), "refused"));
    assert!(directory.is_given_up());
    let why = ask("another@example.com").unwrap_err();
    assert!(why.contains("not asked any more") && why.contains("refused"), "{why}");
    // What was answered before is known still.
    assert!(ask("up2@example.com").is_ok());
    directory.retry();
    assert!(ask("another@example.com").is_ok());
}

/// A server that takes connections and says nothing.
#[cfg(feature = "ldap")]
#[test]
fn sec_155_a_stalling_server_costs_three_timeouts_and_not_ten_thousand() {
    use smime::fetch::connect::{Addresses, Connector, Timeouts};
    use smime::fetch::ldap::directory::LdapDirectory;
    use std::net::TcpListener;
    use std::time::Instant;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ldap://{}", listener.local_addr().unwrap());
    let mut timeouts = Timeouts::default();
    timeouts.first_byte = Duration::from_millis(300);
    timeouts.exchange = Duration::from_millis(300);
    let connector = Connector::new(timeouts).with_addresses(Addresses::PublicAndPrivate);
    let directory = Guarded::new((0..4).map(|_| LdapDirectory::new(url.parse().unwrap(), connector.clone())));
    let policy = Policy::default();
    let verb = ToHeaders { directory: &directory, policy: &policy };
    let mails = (0..10_000).map(|n| (n, mail(&format!("user{n}@example.com"))));
    let began = Instant::now();
    let ended = Bulk::new(&verb).workers(8).run(mails, now, |_| Ok::<_, Infallible>(()));
    assert_eq!(ended.unwrap().failed, 10_000);
    assert!(directory.is_given_up());
    // One after the other they would have taken 3 000 seconds.
    println!("stalling directory: 10 000 recipients told in {:.1} s", began.elapsed().as_secs_f64());
}
