//! Outlook for Windows's S/MIME settings in the registry, as `reg export` and regedit write them (OUT-86):
//! `HKEY_CURRENT_USER\Software\[Policies\]Microsoft\Office\16.0\Outlook\Security`. What lies under `Policies` is the
//! administrator's and cannot be changed; the rest is the user's.

use super::policy::{CipherRule, Form, Policy};
use super::table::{self, Filled, Line, Notation, Origin, Row, Slot, UserChange};
use super::value::{Fault, Faults, Result, Setting, Value, shown};
use crate::base::reason::Reason;
use crate::cert::revocation::RevocationMode;
use crate::crypto::algorithm::{ContentCipher, DigestAlgorithm};
use const_oid::ObjectIdentifier;

const WHAT: &str = "the registry file";

/// Outlook's security values. Where nothing is configured they have Outlook's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // each field is a row of the table below, which says what it does
pub struct SecurityValues {
    pub always_encrypt: bool,
    pub always_sign: bool,
    pub clear_sign: bool,
    pub request_secure_receipt: bool,
    pub force_security_label: bool,
    pub sig_status_no_crl: u32,
    pub sig_status_no_trust_decision: u32,
    pub promote_errors_as_warnings: bool,
    pub msg_formats: u32,
    pub use_alternate_default_encryption_alg: bool,
    pub default_encryption_alg_oid: Option<String>,
    pub use_alternate_default_hash_alg: bool,
    pub default_hash_oid: Option<String>,
    pub supress_name_checks: bool,
    pub min_enc_key: u32,
    pub required_ca: Option<String>,
    pub use_issuer_serial_number: bool,
    given: Vec<(&'static str, Origin)>,
}

const fn row(name: &'static str, slot: Slot<SecurityValues>, about: &'static str) -> Row<SecurityValues> {
    Row { name, slot, about }
}

use Slot::{Boolean, Choice, Number, Text};

const NO_CRL: &[(&str, u32)] = &[("warning", 0), ("error", 1)];
const NO_TRUST: &[(&str, u32)] = &[("neither", 0), ("warning", 1), ("error", 2)];

const VALUES: &[Row<SecurityValues>] = &[
    row("AlwaysEncrypt", Boolean(false, |v| &mut v.always_encrypt), "every message is encrypted (OUT-86)"),
    row("AlwaysSign", Boolean(false, |v| &mut v.always_sign), "every message is signed (OUT-86)"),
    row("ClearSign", Boolean(true, |v| &mut v.clear_sign), "multipart/signed; else opaque (OUT-32)"),
    row(
        "RequestSecureReceipt",
        Boolean(false, |v| &mut v.request_secure_receipt),
        "a signed receipt is asked for; receipts are not written here (OUT-86)",
    ),
    row(
        "ForceSecurityLabel",
        Boolean(false, |v| &mut v.force_security_label),
        "a security label is demanded; labels are not written here (OUT-86)",
    ),
    row(
        "SigStatusNoCRL",
        Choice(0, NO_CRL, |v| &mut v.sig_status_no_crl),
        "what a missing revocation list makes of a signature (OUT-142)",
    ),
    row(
        "SigStatusNoTrustDecision",
        Choice(2, NO_TRUST, |v| &mut v.sig_status_no_trust_decision),
        "what a missing root makes of a signature; here it is never trusted (OUT-86)",
    ),
    row(
        "PromoteErrorsAsWarnings",
        Boolean(false, |v| &mut v.promote_errors_as_warnings),
        "errors of level 2 become warnings in Outlook; here they stay what they are (OUT-86)",
    ),
    row("MSGFormats", Number(1, |v| &mut v.msg_formats), "which formats are read; 1 is S/MIME (OUT-86)"),
    row(
        "UseAlternateDefaultEncryptionAlg",
        Boolean(false, |v| &mut v.use_alternate_default_encryption_alg),
        "DefaultEncryptionAlgOID wins over what recipients say they can read (OUT-36)",
    ),
    row(
        "DefaultEncryptionAlgOID",
        Text(|v| &mut v.default_encryption_alg_oid),
        "the cipher, as object identifier (OUT-36)",
    ),
    row(
        "UseAlternateDefaultHashAlg",
        Boolean(false, |v| &mut v.use_alternate_default_hash_alg),
        "DefaultHashOID is the digest of signatures (OUT-39)",
    ),
    row("DefaultHashOID", Text(|v| &mut v.default_hash_oid), "the digest, as object identifier (OUT-39)"),
    row(
        "SupressNameChecks",
        Boolean(false, |v| &mut v.supress_name_checks),
        "addresses are not compared in Outlook; here they always are (OUT-86; values inferred)",
    ),
    row(
        "MinEncKey",
        Number(0, |v| &mut v.min_enc_key),
        "bits of the shortest key to encrypt with (OUT-86; values inferred)",
    ),
    row(
        "RequiredCA",
        Text(|v| &mut v.required_ca),
        "the authority whose certificates are offered to the user (OUT-86; values inferred)",
    ),
    row(
        "UseIssuerSerialNumber",
        Boolean(false, |v| &mut v.use_issuer_serial_number),
        "recipients are named by issuer and serial number (OUT-57; values inferred)",
    ),
];

/// What PromoteErrorsAsWarnings is about: Outlook's errors of level 2.
pub const LEVEL_2_ERRORS: [&str; 8] = [
    "unknown signature algorithm",
    "no signing certification found",
    "bad attribute sets",
    "no issuer certificate",
    "no revocation list",
    "revocation list out of date",
    "root trust problem",
    "trust list out of date",
];

/// A value that overrides what is chosen otherwise, and cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} asks for {oid}, which is not {what} that is written here")]
pub struct NoSuchAlgorithm {
    /// Which value.
    pub setting: &'static str,
    /// The identifier as it was given.
    pub oid: String,
    /// `a cipher` or `a digest`.
    pub what: &'static str,
}

/// Whether a name is one of these values.
pub fn is_value(name: &str) -> bool {
    VALUES.iter().any(|row| row.name.eq_ignore_ascii_case(name))
}

impl SecurityValues {
    /// Outlook's defaults.
    pub fn unconfigured() -> Self {
        let mut values = Self::default();
        table::reset(VALUES, &mut values);
        values
    }

    /// From the user's values and the administrator's, which win.
    ///
    /// # Errors
    /// [`Fault::Type`], [`Fault::Twice`].
    pub fn from_settings(user: &[Setting], administrator: &[Setting]) -> Result<(Self, Vec<Reason>)> {
        let mut values = Self::unconfigured();
        let (mut faults, mut notes) = (Vec::new(), Vec::new());
        for (settings, origin) in [(user, Origin::User), (administrator, Origin::Administrator)] {
            let filled: Filled<'_> = table::fill(VALUES, settings, Notation::Registry, &mut values);
            values.given.retain(|(name, _)| !filled.given.contains(name));
            values.given.extend(filled.given.into_iter().map(|name| (name, origin)));
            faults.extend(filled.faults);
            notes.extend(filled.unknown.iter().map(|setting| {
                let text = format!("{} is no S/MIME value that is known ({})", shown(&setting.key), setting.place);
                Reason::new("unknown_key", text)
            }));
        }
        if faults.is_empty() { Ok((values, notes)) } else { Err(Faults { faults }) }
    }

    /// From the text of a `.reg` file. Keys of other programs are passed over.
    ///
    /// # Errors
    /// [`Fault::Malformed`] with the line; as [`from_settings`](Self::from_settings).
    pub fn read(text: &str) -> Result<(Self, Vec<Reason>)> {
        let (mut user, mut administrator) = (Vec::new(), Vec::new());
        let mut section = None;
        let mut lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
        while let Some((number, line)) = lines.next() {
            let malformed = |why: &str| Fault::malformed(WHAT, format!("line {number}"), why);
            if line.is_empty() || line.starts_with(';') || number == 1 {
                continue;
            }
            if let Some(key) = line.strip_prefix('[') {
                section = section_of(key.strip_suffix(']').ok_or_else(|| malformed("a key has no end"))?);
                continue;
            }
            let mut value = line.to_owned();
            // Long values go on in the next line.
            while value.ends_with('\\') {
                value.pop();
                value.push_str(lines.next().map_or("", |(_, more)| more));
            }
            let Some(origin) = section else { continue };
            let setting = assignment(&value, number).ok_or_else(|| malformed("it is no \"Name\"=value"))?;
            match origin {
                Origin::Administrator => administrator.push(setting),
                _ => user.push(setting),
            }
        }
        Self::from_settings(&user, &administrator)
    }

    /// Who configured a value.
    pub fn origin(&self, name: &str) -> Origin {
        self.given.iter().find(|(given, _)| *given == name).map_or(Origin::Default, |(_, origin)| *origin)
    }

    /// Every value. The user may change what the administrator has not set.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = table::lines(VALUES, self, &[], UserChange::Allowed);
        for line in &mut lines {
            line.origin = self.origin(&line.name);
            if line.origin == Origin::Administrator {
                line.change = UserChange::Locked;
            }
        }
        lines
    }

    /// What a missing revocation list means (OUT-142): a warning by default. Revoked is always an error.
    pub fn revocation_mode(&self) -> RevocationMode {
        if self.sig_status_no_crl == 1 { RevocationMode::Hard } else { RevocationMode::Soft }
    }

    /// Whether the administrator configured a value. The user's own are preferences in Outlook, and bind nobody.
    pub fn is_decided(&self, name: &str) -> bool {
        self.origin(name) == Origin::Administrator
    }

    /// Changes a policy to what the administrator wants signed by.
    ///
    /// # Errors
    /// [`NoSuchAlgorithm`] where the digest is not known, or never written.
    pub fn sign_by(&self, policy: &mut Policy) -> std::result::Result<(), NoSuchAlgorithm> {
        if self.is_decided("ClearSign") {
            policy.form = if self.clear_sign { Form::Clear } else { Form::Opaque };
        }
        let alternate = self.use_alternate_default_hash_alg && self.is_decided("UseAlternateDefaultHashAlg");
        if let (true, Some(oid)) = (alternate, &self.default_hash_oid) {
            let strong = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
            let found = parsed(oid).and_then(|oid| DigestAlgorithm::from_oid(&oid)).filter(|d| strong.contains(d));
            policy.digest = found.ok_or_else(|| no_such("DefaultHashOID", oid, "a digest"))?;
        }
        Ok(())
    }

    /// Changes a policy to what the administrator wants encrypted by.
    ///
    /// # Errors
    /// [`NoSuchAlgorithm`] where the cipher is not known, or never written.
    pub fn encrypt_by(&self, policy: &mut Policy) -> std::result::Result<(), NoSuchAlgorithm> {
        let alternate =
            self.use_alternate_default_encryption_alg && self.is_decided("UseAlternateDefaultEncryptionAlg");
        if let (true, Some(oid)) = (alternate, &self.default_encryption_alg_oid) {
            let found = parsed(oid).and_then(|oid| ContentCipher::from_oid(&oid)).filter(|c| c.legacy().is_none());
            policy.content_cipher = found.ok_or_else(|| no_such("DefaultEncryptionAlgOID", oid, "a cipher"))?;
            policy.cipher_rule = CipherRule::Named;
        }
        Ok(())
    }
}

fn parsed(oid: &str) -> Option<ObjectIdentifier> {
    oid.trim().parse().ok()
}

fn no_such(setting: &'static str, oid: &str, what: &'static str) -> NoSuchAlgorithm {
    NoSuchAlgorithm { setting, oid: shown(oid), what }
}

/// Whose values a key holds, where they are Outlook's security values at all.
fn section_of(key: &str) -> Option<Origin> {
    let path = key.to_ascii_lowercase();
    let path = path.strip_prefix("hkey_current_user\\software\\")?;
    let (origin, path) = match path.strip_prefix("policies\\") {
        Some(rest) => (Origin::Administrator, rest),
        None => (Origin::User, path),
    };
    let version = path.strip_prefix("microsoft\\office\\")?.strip_suffix("\\outlook\\security")?;
    version.chars().all(|c| c.is_ascii_digit() || c == '.').then_some(origin)
}

/// `"Name"=dword:00000001` or `"Name"="text"`; other types are kept as a list, which no value of ours is.
fn assignment(line: &str, number: usize) -> Option<Setting> {
    let (key, value) = quoted(line.strip_prefix('"')?)?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let value = if let Some(digits) = value.strip_prefix("dword:") {
        Value::Integer(u32::from_str_radix(digits.trim(), 16).ok()?.into())
    } else if let Some(text) = value.strip_prefix('"') {
        Value::Text(quoted(text).filter(|(_, rest)| rest.trim().is_empty())?.0)
    } else {
        value.strip_prefix("hex")?;
        Value::List(Vec::new())
    };
    Some(Setting { key, value, place: format!("line {number}") })
}

/// Up to the closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, text.get(at + 1..)?)),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}
