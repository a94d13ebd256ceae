//! `smime scep`: what a server can do, who it is, and certificates from it (OUT-120 to OUT-130).

use crate::args::Identities;
use crate::console::Console;
use crate::export::new_password;
use crate::failure::{Failure, Outcome, exit};
use crate::input::PasswordFrom;
use crate::output::{self, Existing, Readers};
use crate::{render, store, time};
use clap::{ArgMatches, Args, Subcommand};
use const_oid::ObjectIdentifier;
use serde_json::{Value, json};
use smime::cert::extension::KeyUsage;
use smime::cert::request::renewal_due;
use smime::crypto::private::PrivateKey;
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::KeyKind;
use smime::fetch::connect::{Addresses, Connector, Timeouts};
use smime::fetch::http::Url;
use smime::fetch::scep::Error;
use smime::fetch::scep::authority::{Authority, Fingerprint};
use smime::fetch::scep::client::{Client, Enrolment, Issued, Polling, Progress, Session};
use smime::fetch::scep::template::{AltNameKind, CsrContents, CsrTemplate, Variables, check_key_size};
use smime::store::{p12, pem};
use smime::{Certificate, Limits, Secret, Time};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const EXAMPLES: &str = "Examples:
  smime scep caps --url http://scep.example.com/scep          what the server can do, and what that is worth
  smime scep ca --url http://..                               its certificates with their fingerprints, not yet trusted
  smime scep enrol --url http://.. --ca-fingerprint HEX --challenge-file challenge \\
      --subject 'CN={{UserName}},E={{EmailAddress}}' --san email={{EmailAddress}} \\
      --set UserName=Alice --set EmailAddress=alice@example.com --new-password-file pw --out alice.p12
  smime scep poll --url http://.. --ca-fingerprint HEX --pending alice.p12.pending --password-file pw --out alice.p12
  smime scep renew --url http://.. --ca-fingerprint HEX --identity alice.p12 --password-file pw --out new.p12

Exit codes: 0 done, or not due for renewal yet; 1 no answer, or still pending; 2 usage; 5 not the authority that was
  confirmed, or a reply that is not its own; 8 unreadable; 9 refused, by the authority or by us.";

#[derive(Args)]
pub(crate) struct ScepArgs {
    #[command(subcommand)]
    command: ScepCommand,
}

#[derive(Subcommand)]
enum ScepCommand {
    /// Asks what a server can do.
    #[command(before_help = EXAMPLES)]
    Caps(Caps),
    /// Asks a server for its certificates.
    #[command(before_help = EXAMPLES)]
    Ca(Ca),
    /// Makes a key and asks for a certificate.
    #[command(before_help = EXAMPLES)]
    Enrol(Box<Enrol>),
    /// Asks what became of a request that was pending.
    #[command(before_help = EXAMPLES)]
    Poll(Box<Poll>),
    /// Makes a new key and asks for a certificate in place of one that is about to expire.
    #[command(before_help = EXAMPLES)]
    Renew(Box<Renew>),
}

#[derive(Args)]
struct Server {
    /// The server's address, http://; of several, the first that answers is kept.
    #[arg(long, value_name = "URL", required = true)]
    url: Vec<Url>,

    /// The name of the CA, where the server has several.
    #[arg(long, value_name = "NAME")]
    ca_identifier: Option<String>,

    /// Seconds for one answer [default: 10].
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u32>,
}

#[derive(Args)]
struct Caps {
    #[command(flatten)]
    server: Server,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Ca {
    #[command(flatten)]
    server: Server,

    /// The SHA-256 of the authority's certificate, as it was learned elsewhere; repeatable.
    #[arg(long, value_name = "HEX")]
    ca_fingerprint: Vec<Fingerprint>,

    /// Write the confirmed certificates into this file, as PEM.
    #[arg(short, long, value_name = "FILE", requires = "ca_fingerprint")]
    out: Option<PathBuf>,

    /// Replace a file that is there already.
    #[arg(long, requires = "out")]
    force: bool,

    /// The time to judge at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    at: Option<Time>,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What all have in common that end with a certificate.
#[derive(Args)]
struct Wanted {
    #[command(flatten)]
    server: Server,

    /// The SHA-256 of the authority's certificate, as it was learned elsewhere; repeatable.
    #[arg(long, value_name = "HEX", required = true)]
    ca_fingerprint: Vec<Fingerprint>,

    /// How often a decision is asked for.
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=1000))]
    polls: u32,

    /// Seconds between two questions.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    poll_interval: u32,

    /// The PKCS#12 to write; it appears whole or not at all, and only its owner may read it.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,

    /// Replace a file that is there already.
    #[arg(long)]
    force: bool,

    /// The time to judge at, RFC 3339 (now otherwise).
    #[arg(long, value_name = "TIME")]
    at: Option<Time>,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// The password of what is written.
#[derive(Args)]
struct NewPassword {
    /// A file with the password of the PKCS#12 in its first line.
    #[arg(long, value_name = "FILE", conflicts_with = "new_password_fd")]
    new_password_file: Option<PathBuf>,

    /// An open file descriptor with that password.
    #[arg(long, value_name = "NUMBER")]
    new_password_fd: Option<u32>,
}

#[derive(Args)]
struct Enrol {
    #[command(flatten)]
    wanted: Wanted,

    #[command(flatten)]
    password: NewPassword,

    /// Whom it is to be about: CN={{UserName}},E={{EmailAddress}}. A value with one of + , ; = in quotation marks.
    #[arg(long, value_name = "TEMPLATE")]
    subject: String,

    /// A name for the subjectAltName: email=, upn=, dns= or uri=, and a template; repeatable.
    #[arg(long, value_name = "KIND=TEMPLATE", value_parser = alt_name)]
    san: Vec<(AltNameKind, String)>,

    /// What a variable stands for; repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,

    /// What the key is to do: sign, encrypt or both.
    #[arg(long, value_name = "WHAT", default_value = "sign", value_parser = key_usage)]
    key_usage: KeyUsage,

    /// What else than mail it is for; repeatable, and then mail only where it is named (1.3.6.1.5.5.7.3.4).
    #[arg(long, value_name = "OID")]
    extended_key_usage: Vec<ObjectIdentifier>,

    /// A file with the challenge password in its first line.
    #[arg(long, value_name = "FILE")]
    challenge_file: Option<PathBuf>,

    /// Bits of the RSA key: 2048, 3072 or 4096.
    #[arg(long, value_name = "NUMBER", default_value_t = 2048)]
    bits: u32,
}

#[derive(Args)]
struct Poll {
    #[command(flatten)]
    wanted: Wanted,

    /// What `smime scep enrol` left of the request.
    #[arg(long, value_name = "FILE")]
    pending: PathBuf,

    /// A file with its password in its first line; the PKCS#12 is written under the same.
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
}

#[derive(Args)]
struct Renew {
    #[command(flatten)]
    wanted: Wanted,

    #[command(flatten)]
    identities: Identities,

    #[command(flatten)]
    password: NewPassword,

    /// Percent of its life that may remain.
    #[arg(long, value_name = "PERCENT", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=99))]
    threshold: u8,

    /// Renew it even where it is not due.
    #[arg(long)]
    anyway: bool,

    /// A file with a challenge password in its first line, for servers that want one here, too.
    #[arg(long, value_name = "FILE")]
    challenge_file: Option<PathBuf>,

    /// Bits of the RSA key: 2048, 3072 or 4096.
    #[arg(long, value_name = "NUMBER", default_value_t = 2048)]
    bits: u32,
}

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
    let enrolment = Enrolment::first(contents, new_key(args.bits)?, time(args.wanted.at), &mut SystemRandom)?;
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
    let enrolment = Enrolment::renewal(contents, new_key(args.bits)?, old)?;
    let first = session.request(&enrolment, &mut SystemRandom)?;
    args.wanted.finish(&session, &enrolment, first, &password, console)
}

fn challenged(contents: CsrContents, file: Option<&Path>, console: Console) -> Result<CsrContents, Failure> {
    Ok(match file {
        Some(file) => contents.with_challenge(PasswordFrom::File(file.to_path_buf()).read(console)?),
        None => contents,
    })
}

fn new_key(bits: u32) -> Result<PrivateKey, Failure> {
    Ok(PrivateKey::generate(KeyKind::Rsa, bits as usize)?)
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

fn assignment(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').ok_or("it is written NAME=VALUE")?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

fn alt_name(text: &str) -> Result<(AltNameKind, String), String> {
    let (kind, template) = text.split_once('=').ok_or("it is written KIND=TEMPLATE")?;
    Ok((kind.parse()?, template.to_owned()))
}

fn key_usage(word: &str) -> Result<KeyUsage, String> {
    match word {
        "sign" => Ok(KeyUsage::DIGITAL_SIGNATURE),
        "encrypt" => Ok(KeyUsage::KEY_ENCIPHERMENT),
        "both" => Ok(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT)),
        _ => Err("there are sign, encrypt and both".to_owned()),
    }
}
