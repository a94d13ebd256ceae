//! Keys on tokens: `smime token list`, and what `--identity pkcs11:..` means.

use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::input::PasswordFrom;
use crate::output::{self, Existing, Readers};
use crate::render;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use smime::base::reason::visible;
use smime::keys::pkcs11::{Error, Module, Objects, Token, TokenInfo, TokenKey, Tries, Uri};
use smime::keys::signing::SigningKey;
use smime::store::import::Import;
use smime::{Certificate, Limits, Secret};
use std::fmt::Write;
use std::path::{Path, PathBuf};

pub(crate) const EXAMPLES: &str = "Examples:
  smime token list --module /usr/lib/softhsm/libsofthsm2.so                   tokens and their certificates
  smime token list --password-file pin pkcs11:token=mail                      with its keys, which show with the PIN only
  smime sign --identity 'pkcs11:token=mail;object=alice' --password-file pin mail.eml > signed.eml
  smime open --identity pkcs11:token=mail --trust ca.pem sealed.eml           asks for the PIN

PKCS11_MODULE_PATH stands for --module where that is not given.";

/// The module that leads to the tokens.
#[derive(Args)]
pub(crate) struct ModulePath {
    /// The PKCS#11 module that leads to the tokens (PKCS11_MODULE_PATH otherwise, or module-path= of the URI).
    #[arg(long, value_name = "PATH")]
    pub(crate) module: Option<PathBuf>,
}

impl ModulePath {
    fn load(&self, uri: Option<&Uri>) -> Result<Module, Failure> {
        let of_uri = || uri.and_then(|uri| uri.module_path.clone());
        let of_system = || std::env::var_os("PKCS11_MODULE_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
        let path = self.module.clone().or_else(of_uri).or_else(of_system).ok_or_else(|| {
            Failure::usage("no PKCS#11 module was named, which leads to the tokens").hint("--module PATH")
        })?;
        Ok(Module::load(&path)?)
    }
}

#[derive(Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Shows each token with its keys and certificates.
    #[command(before_help = EXAMPLES)]
    List(TokenList),
}

#[derive(Args)]
struct TokenList {
    /// One token, as pkcs11:token=LABEL or pkcs11:serial=NUMBER.
    #[arg(value_name = "URI")]
    uri: Option<Uri>,

    #[command(flatten)]
    module: ModulePath,

    /// A file with the PIN of the token in its first line; without it, keys do not show.
    #[arg(long, value_name = "FILE", conflicts_with = "password_fd")]
    password_file: Option<PathBuf>,

    /// An open file descriptor with the PIN.
    #[arg(long, value_name = "NUMBER")]
    password_fd: Option<u32>,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &TokenArgs, console: Console) -> Outcome {
    match &args.command {
        TokenCommand::List(args) => list(args, console),
    }
}

/// Who one is with the keys that a URI means; `certificates` are those that are not on the token.
pub(crate) fn identities(
    uri: &Path,
    certificates: &[Certificate],
    (password, module): (Option<&PasswordFrom>, &ModulePath),
    console: Console,
) -> Result<Import, Failure> {
    let shown = uri.display();
    let read = || -> Result<Import, Failure> {
        let uri: Uri = uri.to_string_lossy().parse().map_err(Failure::usage)?;
        let module = module.load(Some(&uri))?;
        let pin = pin(&module.token(&uri)?, &uri, password, console)?;
        let objects = Token::open(&module, &uri, pin.as_ref())?.objects(&Limits::default())?;
        let mut identities = objects.identities_of(&uri, certificates)?;
        if !certificates.is_empty() {
            identities.retain(|identity| certificates.contains(identity.certificate()));
            if identities.is_empty() {
                let why = "the key is for none of the certificates that were given with it";
                return Err(Failure::new(exit::OTHER, why));
            }
        }
        console.notes(&shown, &objects.notes);
        for key in identities.iter().filter_map(|identity| objects.key_of(identity)) {
            if !key.signs() || !key.opens() {
                console.say(format_args!("note: {shown}: the token's key \"{}\" {}", visible(key.label()), can(key)));
            }
        }
        let mut import = Import::default();
        import.certificates.clone_from(&objects.certificates);
        import.identities = identities;
        Ok(import)
    };
    read().map_err(|failure| if failure.what.is_empty() { failure.about(&shown) } else { failure })
}

/// The PIN: as it was given, or as the URI says, or from whoever is at the terminal.
fn pin(
    token: &TokenInfo,
    uri: &Uri,
    given: Option<&PasswordFrom>,
    console: Console,
) -> Result<Option<Secret>, Failure> {
    let of_uri = uri.pin_source.clone().map(PasswordFrom::File);
    if let Some(from) = given.or(of_uri.as_ref()) {
        return from.read(console).map(Some);
    }
    if !token.login_required || token.has_pin_pad {
        return Ok(None);
    }
    match console.ask(format_args!("PIN of the token \"{}\"", token.label)) {
        Some(typed) => Ok(Some(typed?)),
        None => Err(Error::PinNeeded { token: token.label.clone() }.into()),
    }
}

fn list(args: &TokenList, console: Console) -> Outcome {
    let module = args.module.load(args.uri.as_ref())?;
    let infos = match &args.uri {
        Some(uri) => vec![module.token(uri)?],
        None => module.tokens()?,
    };
    let from = match (&args.password_file, args.password_fd) {
        (Some(file), _) => Some(PasswordFrom::File(file.clone())),
        (None, Some(number)) => Some(PasswordFrom::Descriptor(number)),
        (None, None) => args.uri.as_ref().and_then(|uri| uri.pin_source.clone()).map(PasswordFrom::File),
    };
    if from.is_some() && infos.len() > 1 {
        let why = format!("there are {} tokens, and a PIN is for one of them", infos.len());
        return Err(Failure::usage(why).hint("its URI, as `smime token list` shows it without the PIN"));
    }
    let mut tokens = Vec::new();
    for info in infos {
        let mut uri = info.uri();
        uri.slot = Some(info.slot);
        let token = match &from {
            Some(from) => Token::open(&module, &uri, Some(&from.read(console)?))?,
            None => Token::look(&module, &uri)?,
        };
        let objects = token.objects(&Limits::default())?;
        tokens.push((info, objects));
    }
    let text = if args.json { as_json(&module, &tokens) } else { as_words(&tokens) };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(exit::DONE)
}

fn as_words(tokens: &[(TokenInfo, Objects)]) -> String {
    let mut text = String::new();
    if tokens.is_empty() {
        text.push_str("There is no token.\n");
    }
    for (info, objects) in tokens {
        let _ = writeln!(text, "Token {}", visible(&info.label));
        let _ = writeln!(text, "  what:    {}", visible(&format!("{}, {}", info.model, info.manufacturer)));
        let _ = writeln!(text, "  URI:     {}", info.uri());
        let _ = writeln!(text, "  PIN:     {}", pin_state(info).1);
        for key in &objects.keys {
            let _ = writeln!(text, "  key:     {} ({}); {}", visible(key.label()), key.public().describe(), can(key));
            let _ = writeln!(text, "    URI:     {}", objects.uri_of(info, key));
            for certificate in of_key(objects, key) {
                let _ = writeln!(text, "    subject: {}, until {}", certificate.subject(), certificate.not_after());
            }
        }
        for certificate in others(objects) {
            let label = visible(objects.label_of(certificate).unwrap_or_default());
            let _ =
                writeln!(text, "  certificate: {} ({label}), until {}", certificate.subject(), certificate.not_after());
        }
        for note in &objects.notes {
            let _ = writeln!(text, "  note:    {note} [{}]", note.code);
        }
    }
    text
}

fn as_json(module: &Module, tokens: &[(TokenInfo, Objects)]) -> String {
    let key = |info: &TokenInfo, objects: &Objects, key: &TokenKey| {
        json!({
            "uri": objects.uri_of(info, key).to_string(),
            "label": key.label(),
            "key": key.public().describe(),
            "schemes": key.schemes().iter().map(|scheme| scheme.name()).collect::<Vec<_>>(),
            "decrypts": key.opens(),
            "certificates": of_key(objects, key).map(render::certificate).collect::<Vec<_>>(),
        })
    };
    let token = |(info, objects): &(TokenInfo, Objects)| -> Value {
        json!({
            "uri": info.uri().to_string(),
            "label": info.label,
            "manufacturer": info.manufacturer,
            "model": info.model,
            "serial": info.serial,
            "slot": info.slot,
            "pin": pin_state(info).0,
            "keys": objects.keys.iter().map(|k| key(info, objects, k)).collect::<Vec<_>>(),
            "other_certificates": others(objects).map(render::certificate).collect::<Vec<_>>(),
            "notes": render::reasons(&objects.notes),
        })
    };
    let all: Vec<Value> = tokens.iter().map(token).collect();
    format!("{:#}\n", json!({ "version": 1, "module": module.path().to_string_lossy(), "tokens": all }))
}

/// Certificates for a key of the token.
fn of_key<'o>(objects: &'o Objects, key: &'o TokenKey) -> impl Iterator<Item = &'o Certificate> {
    let is = |public: &[u8]| public == SigningKey::public_key(key);
    objects.identities.iter().filter(move |one| is(one.signing().public_key())).map(|one| one.certificate())
}

/// Certificates for no key that shows.
fn others(objects: &Objects) -> impl Iterator<Item = &Certificate> {
    objects.certificates.iter().filter(|one| !objects.identities.iter().any(|i| i.certificate() == *one))
}

fn can(key: &TokenKey) -> &'static str {
    match (key.signs(), key.opens()) {
        (true, true) => "signs and decrypts",
        (true, false) => "signs and does not decrypt",
        (false, true) => "decrypts and does not sign",
        (false, false) => "neither signs nor decrypts",
    }
}

/// How it is with the PIN, for programs and for people.
fn pin_state(info: &TokenInfo) -> (&'static str, &'static str) {
    match info {
        TokenInfo { pin_locked: true, .. } => ("locked", "locked, after too many wrong ones"),
        TokenInfo { login_required: false, .. } => ("not-needed", "not needed"),
        TokenInfo { tries: Tries::Last, .. } => ("last-try", "needed; the next wrong one locks it"),
        TokenInfo { tries: Tries::Few, .. } => ("few-tries", "needed; few tries are left"),
        TokenInfo { has_pin_pad: true, .. } => ("pin-pad", "typed at the reader"),
        _ => ("needed", "needed"),
    }
}
