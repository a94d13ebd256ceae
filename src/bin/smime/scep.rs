//! `smime scep`: what a server can do, who it is, and certificates from it (OUT-120 to OUT-130).

use crate::args::scep::{Ca, Caps, Enrol, NewPassword, Poll, Renew, ScepArgs, ScepCommand, Server, Wanted};
use crate::console::Console;
use crate::export::new_password;
use crate::failure::{Failure, Outcome, exit};
use crate::input::PasswordFrom;
use crate::output::{self, Existing, Readers};
use crate::{render, store, time};
use clap::ArgMatches;
use serde_json::{Value, json};
use smime::cert::request::renewal_due;
use smime::crypto::private::PrivateKey;
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::KeyKind;
use smime::fetch::connect::{Addresses, Connector, Timeouts};
use smime::fetch::scep::Error;
use smime::fetch::scep::authority::{Authority, Fingerprint};
use smime::fetch::scep::client::{Client, Enrolment, Issued, Polling, Progress, Session};
use smime::fetch::scep::template::{CsrContents, CsrTemplate, Variables, check_key_size};
use smime::store::{p12, pem};
use smime::{Certificate, Limits, Secret};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) fn run(args: &ScepArgs, order: &ArgMatches, console: Console) -> Outcome {
    match &args.command {
        ScepCommand::Caps(args) => caps(args, console),
        ScepCommand::Ca(args) => ca(args),
        ScepCommand::Enrol(args) => enrol(args, console),
        ScepCommand::Poll(args) => poll(args, console),
        ScepCommand::Renew(args) => {
            let order = order.subcommand().map_or(order, |(_, order)| order);
            renew(args, order, console)
        }
    }
}

impl Server {
    /// Whoever names an address wants it asked, wherever it is.
    fn client(&self) -> Result<Client, Failure> {
        let mut timeouts = Timeouts::default();
        if let Some(seconds) = self.timeout {
            timeouts.exchange = Duration::from_secs(u64::from(seconds.clamp(1, 3600)));
            timeouts.first_byte = timeouts.exchange;
        }
        let hosts = self.url.iter().map(|url| url.host().to_owned()).collect();
        let connector = Connector::new(timeouts).with_addresses(Addresses::PublicAnd(hosts));
        let client = Client::new(connector, &self.url)?;
        Ok(match &self.ca_identifier {
            Some(name) => client.with_ca_identifier(name),
            None => client,
        })
    }
}

fn caps(args: &Caps, console: Console) -> Outcome {
    let capabilities = args.server.client()?.capabilities()?;
    let algorithms = capabilities.algorithms();
    let text = if args.json {
        let (cipher, digest) = match &algorithms {
            Ok(all) => (Value::from(all.cipher.name()), Value::from(all.digest.name())),
            Err(_) => (Value::Null, Value::Null),
        };
        let warnings = algorithms.as_ref().map(|all| render::reasons(&all.warnings)).unwrap_or_default();
        let words = capabilities.words();
        format!(
            "{:#}\n",
            json!({ "version": 1, "capabilities": words, "cipher": cipher, "digest": digest, "reasons": warnings })
        )
    } else {
        capabilities.words().iter().map(|word| format!("{word}\n")).collect()
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    let algorithms = algorithms?;
    algorithms.warnings.iter().for_each(|warning| console.warn(format_args!("{warning} [{}]", warning.code)));
    console.say(format_args!("requests go out under {}, signed with {}", algorithms.cipher, algorithms.digest));
    Ok(exit::DONE)
}

fn ca(args: &Ca) -> Outcome {
    let certificates = args.server.client()?.certificates()?;
    let confirmed = match args.ca_fingerprint.as_slice() {
        [] => Vec::new(),
        some => Authority::confirm(&certificates, some, time(args.at), &Limits::default())?.certificates().to_vec(),
    };
    if let Some(out) = &args.out {
        let text: String = confirmed.iter().map(|one| pem::write("CERTIFICATE", one.der())).collect();
        let existing = if args.force { Existing::Replace } else { Existing::Refuse };
        output::write(Some(out), existing, Readers::Usual, text.as_bytes())?;
    }
    let text = if args.json {
        let one = |certificate: &Certificate| {
            let mut value = render::certificate(certificate);
            value["confirmed"] = confirmed.contains(certificate).into();
            value
        };
        let all: Vec<Value> = certificates.iter().map(one).collect();
        format!("{:#}\n", json!({ "version": 1, "certificates": all }))
    } else {
        let mut text = String::new();
        for certificate in &certificates {
            let known = if confirmed.contains(certificate) { "confirmed" } else { "not confirmed" };
            let _ = writeln!(text, "{}", certificate.subject());
            let _ = writeln!(text, "  sha256  {} ({known})", Fingerprint(certificate.sha256()));
            let _ = writeln!(text, "  valid   {} to {}", certificate.not_before(), certificate.not_after());
        }
        text
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(exit::DONE)
}

fn enrol(args: &Enrol, console: Console) -> Outcome {
    // All that can be wrong here is found before anybody is asked (OUT-127).
    let mut template = CsrTemplate::new(&args.subject)?;
    for (kind, text) in &args.san {
        template = template.alt_name(*kind, text)?;
    }
    template.key_usage = args.key_usage;
    if !args.extended_key_usage.is_empty() {
        template.extended_key_usage.clone_from(&args.extended_key_usage);
    }
    let mut variables = Variables::default();
    for (name, value) in &args.set {
        variables = variables.with(name, value)?;
    }
    let contents = challenged(template.fill(&variables)?, args.challenge_file.as_deref(), console)?;
    template.warnings().iter().for_each(|warning| console.warn(format_args!("{warning} [{}]", warning.code)));
    check_key_size(args.bits)?;
    args.wanted.check_place()?;
    let password = args.password.read(&args.wanted.out, console)?;
    let session = args.wanted.session(console)?;
    let enrolment = Enrolment::first(
        contents,
        PrivateKey::generate(KeyKind::Rsa, args.bits as usize)?,
        time(args.wanted.at),
        &mut SystemRandom,
    )?;
    console.say(format_args!("transaction {}", enrolment.transaction()));
    let first = session.request(&enrolment, &mut SystemRandom)?;
    args.wanted.finish(&session, &enrolment, first, &password, console)
}

fn poll(args: &Poll, console: Console) -> Outcome {
    args.wanted.check_place()?;
    let from = PasswordFrom::File(args.password_file.clone());
    let import = store::read(&args.pending, Some(&from), false, console)?;
    let identity = import.sole_identity().map_err(|e| Failure::from(e).about(args.pending.display()))?;
    let key = import.private_key(identity).cloned();
    let key = key.ok_or_else(|| Failure::new(exit::OTHER, "its private key cannot be taken out"))?;
    let enrolment = Enrolment::resume(identity.certificate().clone(), key)?;
    let password = from.read(console)?;
    let session = args.wanted.session(console)?;
    let first = session.poll(&enrolment, &mut SystemRandom)?;
    args.wanted.finish(&session, &enrolment, first, &password, console)
}

fn renew(args: &Renew, order: &ArgMatches, console: Console) -> Outcome {
    let import = store::sole(&args.identities, order, console)?;
    let old = import.sole_identity().map_err(|e| Failure::from(e).about(store::named(&args.identities)))?;
    let (due, now) = (renewal_due(old.certificate(), args.threshold), time(args.wanted.at));
    if now < due && !args.anyway {
        console.say(format_args!("not due before {due}"));
        if args.wanted.json {
            let text = format!("{:#}\n", json!({ "version": 1, "renewed": false, "due": due.to_string() }));
            output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
        }
        return Ok(exit::DONE);
    }
    check_key_size(args.bits)?;
    args.wanted.check_place()?;
    let password = args.password.read(&args.wanted.out, console)?;
    let contents = challenged(CsrContents::of(old.certificate()), args.challenge_file.as_deref(), console)?;
    let session = args.wanted.session(console)?;
    let enrolment = Enrolment::renewal(contents, PrivateKey::generate(KeyKind::Rsa, args.bits as usize)?, old)?;
    let first = session.request(&enrolment, &mut SystemRandom)?;
    args.wanted.finish(&session, &enrolment, first, &password, console)
}

fn challenged(contents: CsrContents, file: Option<&Path>, console: Console) -> Result<CsrContents, Failure> {
    Ok(match file {
        Some(file) => contents.with_challenge(PasswordFrom::File(file.to_path_buf()).read(console)?),
        None => contents,
    })
}

impl NewPassword {
    fn read(&self, out: &Path, console: Console) -> Result<Secret, Failure> {
        new_password(self.new_password_file.as_deref(), self.new_password_fd, out, console)
    }
}

impl Wanted {
    fn existing(&self) -> Existing {
        if self.force { Existing::Replace } else { Existing::Refuse }
    }

    /// Before a certificate is asked for that could not be written.
    fn check_place(&self) -> Result<(), Failure> {
        output::Output::to(Some(&self.out), self.existing(), Readers::Owner).map(drop)
    }

    fn session(&self, console: Console) -> Result<Session, Failure> {
        let session = Session::begin(self.server.client()?, &self.ca_fingerprint, time(self.at))?;
        let warnings = &session.algorithms().warnings;
        warnings.iter().for_each(|warning| console.warn(format_args!("{warning} [{}]", warning.code)));
        Ok(session)
    }

    /// Waits for the decision, and writes what came of it; what is still pending remains as a file.
    fn finish(
        &self,
        session: &Session,
        enrolment: &Enrolment,
        first: Progress,
        password: &Secret,
        console: Console,
    ) -> Outcome {
        let polling = Polling { attempts: self.polls, interval: Duration::from_secs(u64::from(self.poll_interval)) };
        let mut pause = |interval: Duration| {
            console.say(format_args!("pending: asked again in {} seconds", interval.as_secs()));
            std::thread::sleep(interval);
        };
        match session.wait(first, enrolment, polling, &mut pause, &mut SystemRandom) {
            Ok(issued) => self.write(enrolment, &issued, password, console),
            Err(error @ Error::StillPending(_)) if enrolment.is_first() => {
                let mut place = self.out.clone().into_os_string();
                place.push(".pending");
                let place = PathBuf::from(place);
                let certificates = [enrolment.requester().clone()];
                let file = pkcs12(enrolment, &certificates, password)?;
                output::write(Some(&place), Existing::Replace, Readers::Owner, &file)?;
                console.say(format_args!("{}: what is needed to ask again", place.display()));
                Err(Failure::from(error).hint("`smime scep poll --pending` with that file, later"))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, enrolment: &Enrolment, issued: &Issued, password: &Secret, console: Console) -> Outcome {
        let own = issued.identity.certificate();
        let mut certificates = vec![own.clone()];
        certificates.extend(issued.identity.chain().iter().cloned());
        let file = pkcs12(enrolment, &certificates, password)?;
        output::write(Some(&self.out), self.existing(), Readers::Owner, &file)?;
        console.notes(self.out.display(), &issued.notes);
        console.say(format_args!("{}: {}, until {}", self.out.display(), own.subject(), own.not_after()));
        if self.json {
            let due = renewal_due(own, 20).to_string();
            let certificate = render::certificate(own);
            let reasons = render::reasons(&issued.notes);
            let value = json!({ "version": 1, "renewed": !enrolment.is_first(), "certificate": certificate,
                "transaction": enrolment.transaction(), "due": due, "reasons": reasons });
            output::write(None, Existing::Refuse, Readers::Usual, format!("{value:#}\n").as_bytes())?;
        }
        Ok(exit::DONE)
    }
}

fn pkcs12(enrolment: &Enrolment, certificates: &[Certificate], password: &Secret) -> Result<Vec<u8>, Failure> {
    let key = enrolment.key().private_key().to_pkcs8()?;
    let name = certificates.first().and_then(|own| own.subject().common_name()).unwrap_or_default();
    Ok(p12::write(&key, certificates, name, password, p12::Profile::Modern, &mut SystemRandom)?)
}
