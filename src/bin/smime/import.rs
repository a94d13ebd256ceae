//! `smime import`: what a file with keys or certificates holds.

use crate::args::Import;
use crate::console::Console;
use crate::failure::{Outcome, exit};
use crate::input::PasswordFrom;
use crate::output::{self, Existing, Readers};
use crate::{install, render, store};
use serde_json::{Value, json};
use smime::cert::mailbox::Mailboxes;
use smime::cert::purpose::{self, Purpose, PurposeRule};
use smime::keys::signing::SigningKey;
use smime::{Certificate, Limits};
use std::fmt::Write;

pub(crate) fn run(args: &Import, console: Console) -> Outcome {
    let password = match (&args.password_file, args.password_fd) {
        (Some(file), _) => Some(PasswordFrom::File(file.clone())),
        (None, Some(number)) => Some(PasswordFrom::Descriptor(number)),
        (None, None) => None,
    };
    let asked = args.keyring.is_some() || args.account.is_some() || !args.trust.is_empty() || args.allow_empty_password;
    let file = match &args.file {
        Some(file) if !asked => file,
        _ => {
            let password = password.map(|from| from.read(console)).transpose()?;
            return install::run(args, password.as_ref(), console);
        }
    };
    let import = store::read(file, password.as_ref(), args.allow_no_mac, console)?;
    let text = if args.json { format!("{:#}\n", as_json(&import)) } else { as_words(&import) };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    Ok(exit::DONE)
}

fn as_words(import: &smime::store::import::Import) -> String {
    let mut text = String::new();
    for identity in &import.identities {
        let _ = writeln!(text, "Identity: a private key with its certificate");
        describe(&mut text, identity.certificate());
        for above in identity.chain() {
            let _ = writeln!(text, "  above it:  {}", above.subject());
        }
    }
    for key in &import.keys {
        let _ = writeln!(
            text,
            "A private key without certificate ({})",
            SigningKey::schemes(&**key).first().map_or_else(|| "decrypts only".to_owned(), |s| s.name())
        );
    }
    for certificate in import.certificates.iter().filter(|c| !import.identities.iter().any(|i| i.certificate() == *c)) {
        let _ = writeln!(text, "Certificate");
        describe(&mut text, certificate);
    }
    if !import.crls.is_empty() {
        let _ = writeln!(text, "{} certificate revocation list(s)", import.crls.len());
    }
    for note in &import.notes {
        let _ = writeln!(text, "Note: {note} [{}]", note.code);
    }
    text
}

fn describe(text: &mut String, certificate: &Certificate) {
    let emails: Vec<String> = Mailboxes::of(certificate).all().iter().map(|m| m.address.to_string()).collect();
    let key = certificate.public_key(&Limits::default()).map_or_else(|e| e.to_string(), |key| key.describe());
    let _ = writeln!(text, "  subject:   {}", certificate.subject());
    let _ = writeln!(text, "  addresses: {}", if emails.is_empty() { "none".to_owned() } else { emails.join(", ") });
    let _ = writeln!(text, "  issuer:    {}", certificate.issuer());
    let _ = writeln!(text, "  serial:    {}", certificate.serial_hex());
    let _ = writeln!(text, "  validity:  {} to {}", certificate.not_before(), certificate.not_after());
    let _ = writeln!(text, "  key:       {key}; {}", usage(certificate).join(" and "));
}

/// What a certificate is good for by its own words.
fn usage(certificate: &Certificate) -> Vec<&'static str> {
    let fits = |purpose| purpose::fits(certificate, purpose, &PurposeRule::LENIENT).is_empty();
    let mut usage = Vec::new();
    if certificate.basic_constraints().is_some_and(|b| b.ca) {
        usage.push("issues certificates");
    } else {
        usage.extend(fits(Purpose::Sign).then_some("signs mail"));
        usage.extend(fits(Purpose::Encrypt).then_some("receives encrypted mail"));
    }
    if usage.is_empty() { vec!["not for mail"] } else { usage }
}

fn as_json(import: &smime::store::import::Import) -> Value {
    let with_usage = |certificate: &Certificate| {
        let mut value = render::certificate(certificate);
        value["usage"] = json!(usage(certificate));
        value
    };
    let identities = import.identities.iter().map(|identity| {
        json!({ "certificate": with_usage(identity.certificate()),
                "chain": identity.chain().iter().map(|c| c.subject().to_string()).collect::<Vec<_>>() })
    });
    json!({
        "version": 1,
        "identities": identities.collect::<Vec<_>>(),
        "certificates": import.certificates.iter().map(with_usage).collect::<Vec<_>>(),
        "keys_without_certificate": import.keys.len(),
        "crls": import.crls.len(),
        "notes": render::reasons(&import.notes),
    })
}
