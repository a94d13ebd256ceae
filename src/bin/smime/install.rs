//! `smime import` for a mail's attachments and into a keyring: what each certificate is good for, and its installation.

use crate::args::Import;
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::input::{self, Secrecy, small_file};
use crate::output::{self, Existing, Readers};
use crate::{render, store, time};
use serde_json::{Value, json};
use smime::cert::mailbox::AddressMatch;
use smime::open::key_attachments;
use smime::store::Error;
use smime::store::appraisal::{Appraisal, Appraiser};
use smime::store::keyring_folder::{self, EmptyPassword, Installable, Installed, KeyringFolder};
use smime::{Limits, Policy, Secret, Time, Trust};
use std::fmt::Write;
use std::path::Path;

/// A file that came in, and what became of it.
struct Arrival {
    name: String,
    /// Part and media type, of an attachment.
    part: Option<(String, String)>,
    file: Installable,
    appraisals: Vec<Appraisal>,
    installed: Option<Installed>,
}

pub(crate) fn run(args: &Import, password: Option<&Secret>, console: Console) -> Outcome {
    let at = time(args.at);
    let trust = if args.trust.is_empty() { None } else { Some(store::trust(&args.trust, at, console)?) };
    let mut arrivals = arrivals(args, password, console)?;
    appraise(args, &mut arrivals, trust.as_ref(), at);
    if let Some(folder) = &args.keyring {
        let ring = KeyringFolder::create(folder)?;
        let files: Vec<Installable> = arrivals.iter().map(|one| one.file.clone()).collect();
        for (one, installed) in arrivals.iter_mut().zip(ring.install(&files, at)?) {
            one.installed = Some(installed);
        }
    }
    let text = if args.json { as_json(&arrivals) } else { as_words(&arrivals) };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    let new = arrivals.iter().filter(|one| matches!(one.installed, Some(Installed::New(_)))).count();
    match &args.keyring {
        Some(folder) => console.say(format_args!("{}: {new} installed", folder.display())),
        None => console.say("nothing was installed; --keyring DIR does so"),
    }
    Ok(exit::DONE)
}

fn arrivals(args: &Import, password: Option<&Secret>, console: Console) -> Result<Vec<Arrival>, Failure> {
    let limits = Limits::default();
    let mut found = Vec::new();
    if let Some(file) = &args.file {
        let bytes = small_file(file, limits.key_file_bytes, Secrecy::Confidential, console)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.push((name, None, bytes));
    }
    if let Some(mail) = args.from_mail.as_deref() {
        let name = input::name(Some(mail));
        let received = input::received(Some(mail), None, console)?;
        let attached = key_attachments::find(&received.source, &limits).map_err(|e| Failure::from(e).about(&name))?;
        for one in attached {
            let wanted = |wanted: &String| *wanted == one.file_name || *wanted == one.path;
            if args.attachment.is_empty() || args.attachment.iter().any(wanted) {
                found.push((one.file_name, Some((one.path, one.media_type)), one.bytes));
            }
        }
        if found.is_empty() {
            let why = "no such attachment holds keys or certificates (.p12, .pfx, .cer, .crt, .p7b, .p7c)";
            return Err(Failure::new(exit::UNREADABLE, why).about(name).hint("`smime inspect`, which lists the parts"));
        }
    }
    // All of them are opened before anything is installed.
    found
        .into_iter()
        .map(|(name, part, bytes)| {
            let file = open(args, &name, bytes, password, console).map_err(|failure| failure.about(&name))?;
            console.notes(&name, &file.import().notes);
            let file = file.visible_to(args.visible_to);
            Ok(Arrival { name, part, file, appraisals: Vec::new(), installed: None })
        })
        .collect()
}

fn open(
    args: &Import,
    name: &str,
    bytes: Secret,
    password: Option<&Secret>,
    console: Console,
) -> Result<Installable, Failure> {
    let empty = if args.allow_empty_password { EmptyPassword::Allow } else { EmptyPassword::Refuse };
    let (options, limits) = (store::options(args.allow_no_mac), Limits::default());
    let open = |password: Option<&Secret>| Installable::open(bytes.clone(), name, password, empty, &options, &limits);
    match open(password) {
        Err(keyring_folder::Error::Store(Error::PasswordNeeded { what })) => match console.password(Path::new(name)) {
            Some(typed) => Ok(open(Some(&typed?))?),
            None => Err(keyring_folder::Error::from(Error::PasswordNeeded { what }).into()),
        },
        result => Ok(result?),
    }
}

fn appraise(args: &Import, arrivals: &mut [Arrival], trust: Option<&Trust>, at: Time) {
    let policy = Policy::default();
    let others: Vec<_> = arrivals.iter().flat_map(|one| one.file.import().certificates.iter().cloned()).collect();
    let appraiser = Appraiser {
        account: args.account.as_ref(),
        address_rule: &policy.address_rule,
        purpose_rule: &policy.purpose_rule,
        trust,
        others: &others,
        at,
    };
    for one in arrivals {
        one.appraisals = one.file.import().certificates.iter().map(|c| appraiser.judge(c)).collect();
    }
}

impl Arrival {
    fn has_key(&self, appraisal: &Appraisal) -> bool {
        self.file.import().identities.iter().any(|identity| *identity.certificate() == appraisal.certificate)
    }
}

fn address(appraisal: &Appraisal) -> &'static str {
    match &appraisal.address {
        None => "unchecked",
        Some(AddressMatch::Matches { .. }) => "matches",
        Some(AddressMatch::Differs { .. }) => "differs",
        Some(AddressMatch::NoAddress) => "no-address",
    }
}

fn as_words(arrivals: &[Arrival]) -> String {
    let mut text = String::new();
    for one in arrivals {
        let (name, keys) = (smime::base::reason::visible(&one.name), one.file.import().private_keys());
        let _ = writeln!(text, "{name}: {keys} private key(s), protected by: {}", one.file.protection().name());
        for appraisal in &one.appraisals {
            let certificate = &appraisal.certificate;
            let key = if one.has_key(appraisal) { "with its key" } else { "without key" };
            let status = appraisal.status.map_or_else(
                || "unchecked (no --trust was given)".to_owned(),
                |status| format!("{status} [{}]", status.number()),
            );
            let _ = writeln!(text, "  {} ({key})", certificate.subject());
            let _ = writeln!(text, "    good for:  {}", appraisal.use_for);
            let _ = writeln!(text, "    address:   {}", address(appraisal));
            let _ = writeln!(text, "    chain:     {status}");
            let _ = writeln!(text, "    validity:  {}, until {}", appraisal.time, certificate.not_after());
            for reason in &appraisal.reasons {
                let _ = writeln!(text, "    - {reason} [{}]", reason.code);
            }
        }
        let _ = match &one.installed {
            None => Ok(()),
            Some(Installed::New(entry)) => writeln!(text, "  installed as {}", entry.file),
            Some(Installed::Known(entry)) => writeln!(text, "  was installed already, as {}", entry.file),
        };
    }
    text
}

fn as_json(arrivals: &[Arrival]) -> String {
    let certificate = |one: &Arrival, appraisal: &Appraisal| {
        let mut value = render::certificate(&appraisal.certificate);
        value["has_key"] = json!(one.has_key(appraisal));
        value["purpose"] = json!(appraisal.use_for.to_string());
        value["address"] = json!(address(appraisal));
        value["activesync_status"] = json!(appraisal.status.map(|status| status.number()));
        value["status"] = json!(appraisal.status.map(|status| status.to_string()));
        value["time"] = json!(appraisal.time.to_string());
        value["reasons"] = render::reasons(&appraisal.reasons);
        value
    };
    let file = |one: &Arrival| {
        let (answer, stored) = match &one.installed {
            None => ("no", None),
            Some(Installed::New(entry)) => ("new", Some(&entry.file)),
            Some(Installed::Known(entry)) => ("known", Some(&entry.file)),
        };
        json!({
            "name": one.name,
            "part": one.part.as_ref().map(|(path, _)| path),
            "media_type": one.part.as_ref().map(|(_, media_type)| media_type),
            "protection": one.file.protection().name(),
            "private_keys": one.file.import().private_keys(),
            "certificates": one.appraisals.iter().map(|a| certificate(one, a)).collect::<Vec<Value>>(),
            "notes": render::reasons(&one.file.import().notes),
            "installed": answer,
            "file": stored,
        })
    };
    let files: Vec<Value> = arrivals.iter().map(file).collect();
    format!("{:#}\n", json!({ "version": 1, "files": files }))
}
