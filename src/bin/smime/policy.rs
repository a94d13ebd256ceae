//! `smime policy`: what an administrator's files say, what of it counts for a user, and what is wrong with them.

use crate::args::{PolicyArgs, PolicyCommand, PolicyFiles, PolicyNotice};
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::input::{Secrecy, small_file};
use crate::output::{self, Existing, Readers};
use crate::{policies, render, time};
use serde_json::{Value, json};
use smime::base::reason::{Reason, visible};
use smime::compose::notice::{self, Envelope};
use smime::crypto::random::{Random, SystemRandom};
use smime::policy::document::{Content, PolicyFile, PolicySet};
use smime::policy::effective::{Effective, EffectivePolicy, Protection, UserChoices};
use smime::policy::table::{Line, UserChange};
use smime::policy::value::Faults;
use smime::store::sst::SerializedStore;
use smime::{Limits, Policy, Time};
use std::fmt::Write;
use std::path::Path;

pub(crate) fn run(args: &PolicyArgs, console: Console) -> Outcome {
    match &args.command {
        PolicyCommand::Show(args) => tell(args, Detail::Values, console),
        PolicyCommand::Explain(args) => tell(args, Detail::Reasons, console),
        PolicyCommand::Check(args) => check(args, console),
        PolicyCommand::Notice(args) => notify(args, console),
    }
}

/// Certificates wait for a user (OUT-150).
fn notify(args: &PolicyNotice, console: Console) -> Outcome {
    let file = policies::read(&args.file, console)?;
    let about = args.file.display();
    console.notes(&about, &file.notes);
    let Content::Deployment(document) = &file.content else {
        let why = format!("it is {}, and only a deployment says how users are told", file.content.kind());
        return Err(Failure::new(exit::UNREADABLE, why).about(about));
    };
    let name = args.name.clone().unwrap_or_else(|| args.to.to_string());
    let Some(event) = document.certificates.notice(&name) else {
        return Err(
            Failure::new(exit::POLICY, "it deploys no certificates, or does not say how users are told").about(about)
        );
    };
    let mut random = [0; 16];
    SystemRandom.fill(&mut random)?;
    let unique: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
    let envelope = Envelope {
        from: args.from.clone().into(),
        to: args.to.clone(),
        date: time(args.at),
        message_id: format!("{unique}@{}", args.from.domain()),
    };
    let text = match notice::message(&event, &envelope).map_err(|e| Failure::from(e).about("the notice"))? {
        Some(mail) => mail,
        None => {
            console.say("the Company Portal tells the user, with this text:");
            event.text.into_bytes()
        }
    };
    output::write(None, Existing::Refuse, Readers::Usual, &text)?;
    Ok(exit::DONE)
}

/// How much is said of a setting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    Values,
    Reasons,
}

fn tell(args: &PolicyFiles, detail: Detail, console: Console) -> Outcome {
    let user = policies::choices(&args.user);
    let mut files = Vec::with_capacity(args.files.len());
    for path in &args.files {
        files.push(policies::read(path, console)?);
    }
    let set = PolicySet::new(files)?;
    let effective = set.effective(&user);
    let named = || args.files.iter().zip(set.files());
    let text = if args.json {
        let files: Vec<Value> = named().map(|(path, file)| file_json(path, file, &user)).collect();
        format!("{:#}\n", json!({ "version": 1, "files": files, "effective": effective_json(&effective) }))
    } else {
        let files: String = named().map(|(path, file)| file_words(path, file, &user, detail)).collect();
        files + &effective_words(&effective, detail)
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    if !args.json {
        named().for_each(|(path, file)| console.notes(path.display(), &file.notes));
        console.notes("what counts", &effective.notes);
    }
    Ok(exit::DONE)
}

fn check(args: &PolicyFiles, console: Console) -> Outcome {
    let limits = Limits::default();
    let at = time(args.at);
    let (mut checked, mut files) = (Vec::new(), Vec::new());
    for path in &args.files {
        let bytes = small_file(path, limits.policy_file_bytes, Secrecy::Open, console)?;
        let read = PolicyFile::read(bytes.expose(), &limits);
        files.extend(read.iter().cloned());
        checked.push(Checked::new(path, read, at));
    }
    let together = PolicySet::new(files).map(|set| set.effective(&policies::choices(&args.user)));
    let code = checked.iter().map(Checked::code).chain(together.is_err().then_some(exit::UNREADABLE)).max();
    let code = code.unwrap_or(exit::DONE);
    let notes = together.as_ref().map(|effective| effective.notes.clone()).unwrap_or_default();
    let conflict = together.as_ref().err().map(ToString::to_string);
    let text = if args.json {
        let files: Vec<Value> = checked.iter().map(Checked::to_json).collect();
        let met = code == exit::DONE;
        let value =
            json!({ "version": 1, "files": files, "conflict": conflict, "notes": render::reasons(&notes), "met": met });
        format!("{value:#}\n")
    } else {
        let mut text: String = checked.iter().map(Checked::to_words).collect();
        if let Some(conflict) = &conflict {
            let _ = writeln!(text, "together: error: {}", visible(conflict));
        }
        for note in &notes {
            let _ = writeln!(text, "together: note: {note} [{}]", note.code);
        }
        text
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(code)
}

/// One file with all that is wrong with it.
struct Checked<'a> {
    path: &'a Path,
    kind: Option<&'static str>,
    faults: Vec<String>,
    /// What it asks for and will not get.
    refused: Vec<String>,
    notes: Vec<Reason>,
}

impl<'a> Checked<'a> {
    fn new(path: &'a Path, read: Result<PolicyFile, Faults>, at: Time) -> Self {
        let file = match read {
            Ok(file) => file,
            Err(Faults { faults }) => {
                let faults = faults.iter().map(ToString::to_string).collect();
                return Self { path, kind: None, faults, refused: Vec::new(), notes: Vec::new() };
            }
        };
        let mut refused = Vec::new();
        let mut notes = file.notes.clone();
        // A store that Exchange would not take (OUT-25).
        if let Content::Exchange(config) = &file.content
            && let Some(bytes) = &config.certificate_issuing_ca
        {
            match SerializedStore::read(bytes, &crate::store::wide()) {
                Ok(store) => refused.extend(store.require_current(at).err().map(|e| e.to_string())),
                Err(error) => refused.push(format!("SMIMECertificateIssuingCA: {error}")),
            }
        }
        let (kind, mut policy) = (file.content.kind(), Policy::default());
        if let Ok(set) = PolicySet::new(vec![file]) {
            for outcome in [set.sign_by(&mut policy), set.encrypt_by(&mut policy)] {
                match outcome {
                    Ok(more) => notes.extend(more),
                    Err(error) => refused.push(error.to_string()),
                }
            }
        }
        Self { path, kind: Some(kind), faults: Vec::new(), refused, notes }
    }

    fn code(&self) -> u8 {
        match (self.faults.is_empty(), self.refused.is_empty()) {
            (false, _) => exit::UNREADABLE,
            (true, false) => exit::POLICY,
            (true, true) => exit::DONE,
        }
    }

    fn to_words(&self) -> String {
        let mut text = String::new();
        let path = visible(&self.path.display().to_string());
        let errors = self.faults.len() + self.refused.len();
        let kind = self.kind.unwrap_or("not usable");
        let _ = writeln!(text, "{path}: {kind}: {errors} errors, {} notes", self.notes.len());
        for error in self.faults.iter().chain(&self.refused) {
            let _ = writeln!(text, "  error: {}", visible(error));
        }
        for note in &self.notes {
            let _ = writeln!(text, "  note: {note} [{}]", note.code);
        }
        text
    }

    fn to_json(&self) -> Value {
        json!({ "file": self.path.display().to_string(), "kind": self.kind, "faults": self.faults,
                "refused": self.refused, "notes": render::reasons(&self.notes) })
    }
}

fn file_words(path: &Path, file: &PolicyFile, user: &UserChoices, detail: Detail) -> String {
    let mut text = format!("{}: {}\n", visible(&path.display().to_string()), file.content.kind());
    if let Content::Deployment(document) = &file.content {
        let of = |source: Option<smime::policy::deployment::CertificateSource>| source.map_or("none", |s| s.word());
        let certificates = &document.certificates;
        let _ = writeln!(text, "  {} for {}", visible(&document.name), document.platform.word());
        let _ = writeln!(
            text,
            "  signing certificates: {}, encryption certificates: {}",
            of(certificates.signing),
            of(certificates.encryption)
        );
    }
    for line in file.content.lines(user) {
        let _ = writeln!(text, "  {} = {}", line.name, line.value);
        if detail == Detail::Reasons {
            let _ = writeln!(text, "    {}; {}", line.origin.name(), change(line.change));
            let _ = writeln!(text, "    {}", line.about);
        }
    }
    text
}

fn change(change: UserChange) -> &'static str {
    match change {
        UserChange::Allowed => "the user may change it",
        UserChange::Locked => "the user may not change it",
    }
}

fn effective_words(effective: &EffectivePolicy, detail: Detail) -> String {
    let mut text = "what counts:\n".to_owned();
    for (name, setting) in words(effective) {
        let value = if setting.value { "yes" } else { "no" };
        let _ = write!(text, "  {name}: {value}");
        if detail == Detail::Reasons {
            let _ = write!(text, " ({}; {})", setting.origin.name(), change(setting.change));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "  messages leave by themselves: {}", protection(effective.preselected()));
    if let Err(required) = effective.may_send(Protection::None) {
        let _ = writeln!(text, "  {required}");
    }
    if effective.organize_by_thread() == Some(false) {
        let _ = writeln!(text, "  messages are not grouped by conversation in Outlook for iOS and Android (OUT-69)");
    }
    text
}

fn words(effective: &EffectivePolicy) -> [(&'static str, Effective); 3] {
    [
        ("S/MIME is on", effective.smime_enabled),
        ("every message is signed", effective.sign_all),
        ("every message is encrypted", effective.encrypt_all),
    ]
}

fn protection(protection: Protection) -> &'static str {
    match protection {
        Protection::None => "as they are",
        Protection::Signed => "signed",
        Protection::Encrypted => "encrypted",
        Protection::SignedAndEncrypted => "signed and encrypted",
    }
}

fn file_json(path: &Path, file: &PolicyFile, user: &UserChoices) -> Value {
    let settings: Vec<Value> = file.content.lines(user).iter().map(line_json).collect();
    json!({ "file": path.display().to_string(), "kind": file.content.kind(), "settings": settings,
            "notes": render::reasons(&file.notes) })
}

fn line_json(line: &Line) -> Value {
    json!({ "name": line.name, "value": line.value, "origin": line.origin.name(),
            "user_may_change": line.change == UserChange::Allowed, "about": line.about })
}

fn effective_json(effective: &EffectivePolicy) -> Value {
    let one = |setting: Effective| {
        json!({ "value": setting.value, "origin": setting.origin.name(),
                "user_may_change": setting.change == UserChange::Allowed })
    };
    json!({ "smime_enabled": one(effective.smime_enabled), "sign_all": one(effective.sign_all),
            "encrypt_all": one(effective.encrypt_all), "preselected": protection(effective.preselected()),
            "organize_by_thread": effective.organize_by_thread(), "notes": render::reasons(&effective.notes) })
}
