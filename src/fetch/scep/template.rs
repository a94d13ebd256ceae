//! What a request asks for, as Intune's SCEP profiles write it: `CN={{UserName}},E={{EmailAddress}}` (OUT-125). The text is
//! taken apart before anything is put in, so that no value can become another attribute.

use super::Error;
use crate::asn1::ber::Reader;
use crate::asn1::oid;
use crate::base::address::EmailAddress;
use crate::base::reason::{Reason, visible};
use crate::base::secret::Secret;
use crate::cert::certificate::Certificate;
use crate::cert::extension::{GeneralName, KeyUsage};
use crate::cert::name::{Name, attribute_type};
use crate::cert::request::{AltName, RequestTemplate};
use const_oid::ObjectIdentifier;

/// Why a template cannot be used. All of it is found before anybody is asked (OUT-127).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// There is no such variable.
    #[error("there is no variable {{{{{}}}}}; there are {}", visible(.0), VARIABLES.join(", "))]
    UnknownVariable(String),
    /// The variable has no value.
    #[error("the variable {{{{{0}}}}} has no value")]
    NoValue(&'static str),
    /// Text that cannot stand there.
    #[error("\"{}\" cannot be used: {why}", visible(.text))]
    Text {
        /// Of the template, or of a value.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// The variables of Intune's profiles.
const VARIABLES: [&str; 16] = [
    "UserName",
    "UserPrincipalName",
    "EmailAddress",
    "AAD_Device_ID",
    "AzureADDeviceId",
    "DeviceId",
    "DeviceName",
    "Device_Serial",
    "Device_IMEI",
    "SERIALNUMBER",
    "IMEINumber",
    "MEID",
    "FullyQualifiedDomainName",
    "OnPremisesSamAccountName",
    "OnPremisesSecurityIdentifier",
    DISTINGUISHED_NAME,
];

/// The one whose value is a whole name.
const DISTINGUISHED_NAME: &str = "OnPrem_Distinguished_Name";

fn variable(name: &str) -> Result<&'static str, TemplateError> {
    let found = VARIABLES.iter().find(|known| known.eq_ignore_ascii_case(name));
    found.copied().ok_or_else(|| TemplateError::UnknownVariable(name.chars().take(80).collect()))
}

fn wrong(text: &str, why: &'static str) -> TemplateError {
    TemplateError::Text { text: text.chars().take(80).collect(), why }
}

/// Characters of one value; the longest that stand in certificates are far below it.
const VALUE: usize = 1024;

/// What the variables stand for.
#[derive(Clone, Debug, Default)]
pub struct Variables(Vec<(&'static str, String)>);

impl Variables {
    /// With the value of one more; a later value takes the place of an earlier one.
    ///
    /// # Errors
    /// [`TemplateError::UnknownVariable`]; [`TemplateError::Text`] for control characters, or more than 1024 of others.
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, TemplateError> {
        let name = variable(name)?;
        if value.chars().any(char::is_control) || value.chars().count() > VALUE {
            return Err(wrong(value, "it holds control characters, or too many others"));
        }
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value.to_owned()));
        Ok(self)
    }

    fn get(&self, name: &'static str) -> Result<&str, TemplateError> {
        let found = self.0.iter().find(|(known, value)| *known == name && !value.trim().is_empty());
        found.map(|(_, value)| value.trim()).ok_or(TemplateError::NoValue(name))
    }
}

/// Text with variables in it.
#[derive(Clone, Debug)]
struct Pattern(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Variable(&'static str),
}

impl Pattern {
    fn read(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (name, behind) = behind.split_once("}}").ok_or_else(|| wrong(text, "a variable has no end"))?;
            Self::add_text(&mut pieces, before, text)?;
            pieces.push(Piece::Variable(variable(name.trim())?));
            rest = behind;
        }
        Self::add_text(&mut pieces, rest, text)?;
        Ok(Self(pieces))
    }

    fn add_text(pieces: &mut Vec<Piece>, part: &str, whole: &str) -> Result<(), TemplateError> {
        let behind_variable = !pieces.is_empty();
        if part.contains(['{', '}']) || (behind_variable && part.contains(['|', ';'])) {
            return Err(wrong(whole, "none of { } | ; can stand behind a variable"));
        }
        if !part.is_empty() {
            pieces.push(Piece::Text(part.to_owned()));
        }
        Ok(())
    }

    fn fill(&self, variables: &Variables) -> Result<String, TemplateError> {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => Ok(text.clone()),
            Piece::Variable(name) => variables.get(name).map(str::to_owned),
        };
        self.0.iter().map(piece).collect()
    }

    fn is_distinguished_name(&self) -> bool {
        matches!(self.0.as_slice(), [Piece::Variable(DISTINGUISHED_NAME)])
    }
}

#[derive(Clone, Debug)]
enum Part {
    Attribute(ObjectIdentifier, Pattern),
    /// A variable that is a whole name.
    Name,
}

/// A kind of subjectAltName that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AltNameKind {
    /// An address of mail.
    Email,
    /// A user principal name.
    UserPrincipal,
    /// A host.
    Dns,
    /// A URI.
    Uri,
}

impl std::str::FromStr for AltNameKind {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, &'static str> {
        match word.trim().to_ascii_lowercase().as_str() {
            "email" => Ok(Self::Email),
            "upn" => Ok(Self::UserPrincipal),
            "dns" => Ok(Self::Dns),
            "uri" => Ok(Self::Uri),
            _ => Err("there are email, upn, dns and uri"),
        }
    }
}

/// A template of requests.
#[derive(Clone, Debug)]
pub struct CsrTemplate {
    /// The most specific first, as it is written.
    subject: Vec<Part>,
    alt_names: Vec<(AltNameKind, Pattern)>,
    /// What the key is to do: signatures, unless it is said otherwise.
    pub key_usage: KeyUsage,
    /// What for: emailProtection, unless it is said otherwise.
    pub extended_key_usage: Vec<ObjectIdentifier>,
}

impl CsrTemplate {
    /// With this subject: `CN={{UserName}},O="Example, Ltd",E={{EmailAddress}}`. A value with one of `+ , ; =` stands in
    /// quotation marks, two of which mean one; a backslash escapes nothing and is refused (OUT-126).
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn new(subject: &str) -> Result<Self, TemplateError> {
        Ok(Self {
            subject: read_subject(subject)?,
            alt_names: Vec::new(),
            key_usage: KeyUsage::DIGITAL_SIGNATURE,
            extended_key_usage: vec![oid::EMAIL_PROTECTION],
        })
    }

    /// With one more name for the subjectAltName.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn alt_name(mut self, kind: AltNameKind, text: &str) -> Result<Self, TemplateError> {
        self.alt_names.push((kind, Pattern::read(text)?));
        Ok(self)
    }

    /// With an address in the subjectAltName, as mail needs it.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn email(self, text: &str) -> Result<Self, TemplateError> {
        self.alt_name(AltNameKind::Email, text)
    }

    /// What is unwise about it: a key that only this device has is no key to encrypt to (OUT-128), and mail needs an
    /// address.
    pub fn warnings(&self) -> Vec<Reason> {
        let mut warnings = Vec::new();
        if self.key_usage.any_of(KeyUsage::KEY_ENCIPHERMENT) && !self.key_usage.any_of(KeyUsage::DIGITAL_SIGNATURE) {
            let text = "each device gets a key of its own this way, so that mail encrypted to one cannot be read on the \
                        others: encryption certificates are imported as PKCS#12 instead";
            warnings.push(Reason::new("scep_not_for_encryption", text));
        }
        let mail = self.extended_key_usage.contains(&oid::EMAIL_PROTECTION);
        if mail && !self.alt_names.iter().any(|(kind, _)| *kind == AltNameKind::Email) {
            let text = "no address is asked for in the subjectAltName, where programs look for whose mail it is";
            warnings.push(Reason::new("scep_no_address", text));
        }
        warnings
    }

    /// With the variables' values in it.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn fill(&self, variables: &Variables) -> Result<CsrContents, TemplateError> {
        let mut subject: Vec<(ObjectIdentifier, String)> = Vec::new();
        for part in &self.subject {
            match part {
                Part::Attribute(oid, pattern) => subject.push((*oid, pattern.fill(variables)?)),
                Part::Name => {
                    let text = variables.get(DISTINGUISHED_NAME)?;
                    let name: Name = text.parse().map_err(|_| wrong(text, "it is no distinguished name"))?;
                    subject.extend(name.attributes().rev().map(|(oid, value)| (*oid, value.to_owned())));
                }
            }
        }
        if let Some((_, empty)) = subject.iter().find(|(_, value)| value.trim().is_empty()) {
            return Err(wrong(empty, "an attribute of the subject would be empty"));
        }
        let general_first: Vec<_> = subject.iter().rev().map(|(oid, value)| (*oid, value.as_str())).collect();
        let alt_names = self.alt_names.iter().map(|(kind, pattern)| alt_name(*kind, &pattern.fill(variables)?));
        Ok(CsrContents {
            alt_names: alt_names.collect::<Result<_, _>>()?,
            subject: Name::build(&general_first),
            key_usage: self.key_usage,
            extended_key_usage: self.extended_key_usage.clone(),
            challenge: None,
        })
    }
}

fn alt_name(kind: AltNameKind, text: &str) -> Result<AltName, TemplateError> {
    let visible_ascii = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic());
    match kind {
        AltNameKind::Email => {
            let address: EmailAddress = text.parse().map_err(|_| wrong(text, "it is no address of mail"))?;
            Ok(AltName::Email(address))
        }
        AltNameKind::UserPrincipal if !text.trim().is_empty() => Ok(AltName::UserPrincipal(text.to_owned())),
        AltNameKind::Dns if visible_ascii => Ok(AltName::Dns(text.to_owned())),
        AltNameKind::Uri if visible_ascii => Ok(AltName::Uri(text.to_owned())),
        _ => Err(wrong(text, "it cannot stand in a subjectAltName")),
    }
}

fn same_again(name: &GeneralName) -> Option<AltName> {
    match name {
        GeneralName::Rfc822(text) | GeneralName::SmtpUtf8(text) => text.parse().ok().map(AltName::Email),
        GeneralName::OtherName { oid, value } if *oid == oid::MS_USER_PRINCIPAL_NAME => {
            let what = "userPrincipalName";
            Reader::single(value, what).and_then(|name| name.text(what)).ok().map(AltName::UserPrincipal)
        }
        GeneralName::Dns(name) => Some(AltName::Dns(name.clone())),
        GeneralName::Uri(uri) => Some(AltName::Uri(uri.clone())),
        _ => None,
    }
}

fn read_subject(text: &str) -> Result<Vec<Part>, TemplateError> {
    if text.contains('\\') {
        return Err(wrong(text, "a backslash escapes nothing here; a value with + , ; = stands in quotation marks"));
    }
    let parts = outside_quotes(text)?;
    if parts.is_empty() {
        return Err(wrong(text, "the subject is empty"));
    }
    parts.into_iter().map(read_part).collect()
}

/// Cut at the commas that stand in no quotation marks.
fn outside_quotes(text: &str) -> Result<Vec<&str>, TemplateError> {
    let (mut parts, mut from, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.extend(text.get(from..at));
                from = at + 1;
            }
            '+' | ';' if !quoted => return Err(wrong(text, "a value with + , ; = stands in quotation marks")),
            _ => {}
        }
    }
    if quoted {
        return Err(wrong(text, "a quotation mark has no second one"));
    }
    parts.extend(text.get(from..).filter(|rest| !rest.trim().is_empty()));
    Ok(parts)
}

fn read_part(part: &str) -> Result<Part, TemplateError> {
    let Some((kind, value)) = part.split_once('=') else {
        return match Pattern::read(part.trim())? {
            pattern if pattern.is_distinguished_name() => Ok(Part::Name),
            _ => Err(wrong(part, "it is written like CN=Alice")),
        };
    };
    let oid = attribute_type(kind.trim()).ok_or_else(|| wrong(part, "there is no such attribute"))?;
    let value = value.trim();
    let plain = match value.strip_prefix('"') {
        None if value.contains(['"', '=']) => {
            return Err(wrong(part, "a value with + , ; = stands in quotation marks as a whole"));
        }
        None => value.to_owned(),
        Some(rest) => {
            let inside = rest.strip_suffix('"').ok_or_else(|| wrong(part, "something follows a quotation mark"))?;
            let plain = inside.replace("\"\"", "\u{0}");
            if plain.contains('"') {
                return Err(wrong(part, "something follows a quotation mark"));
            }
            plain.replace('\u{0}', "\"")
        }
    };
    Ok(Part::Attribute(oid, Pattern::read(&plain)?))
}

/// What is asked for, but for the key.
#[derive(Clone, Debug)]
pub struct CsrContents {
    subject: Name,
    alt_names: Vec<AltName>,
    key_usage: KeyUsage,
    extended_key_usage: Vec<ObjectIdentifier>,
    challenge: Option<Secret>,
}

impl CsrContents {
    /// What a certificate has, to ask for the same again. Names of kinds that are not asked for are left out.
    pub fn of(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject().clone(),
            alt_names: certificate.subject_alt_names().iter().filter_map(same_again).collect(),
            key_usage: certificate.key_usage().unwrap_or(KeyUsage::DIGITAL_SIGNATURE),
            extended_key_usage: certificate
                .extended_key_usage()
                .map_or_else(|| vec![oid::EMAIL_PROTECTION], <[_]>::to_vec),
            challenge: None,
        }
    }

    /// With the password that the authority expects.
    #[must_use]
    pub fn with_challenge(self, challenge: Secret) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    /// Whom the certificate is to be about.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The same as Intune shows it: quotation marks around values with one of `+ , ; =` (OUT-126).
    pub fn subject_text(&self) -> String {
        let attribute = |(oid, value): (&ObjectIdentifier, &str)| {
            let kind = match *oid {
                oid::ID_EMAIL_ADDRESS => "E".to_owned(),
                // As the name itself shows it, up to the sign.
                _ => Name::build(&[(*oid, "x")]).to_string().trim_end_matches("=x").to_owned(),
            };
            match value.contains(['+', ',', ';', '=', '"']) || value.trim() != value {
                true => format!("{kind}=\"{}\"", value.replace('"', "\"\"")),
                false => format!("{kind}={value}"),
            }
        };
        self.subject.attributes().rev().map(attribute).collect::<Vec<_>>().join(",")
    }

    /// What is asked for, for this key.
    pub fn for_key(&self, spki: Vec<u8>) -> RequestTemplate {
        RequestTemplate {
            subject: self.subject.clone(),
            spki,
            alt_names: self.alt_names.clone(),
            key_usage: Some(self.key_usage),
            extended_key_usage: self.extended_key_usage.clone(),
            challenge_password: self.challenge.clone(),
        }
    }
}

/// Whether an RSA key of so many bits is asked for: 2048, 3072 or 4096; Intune's 1024 is refused (OUT-125).
///
/// # Errors
/// [`Error::KeySize`].
pub fn check_key_size(bits: u32) -> Result<(), Error> {
    match bits {
        2048 | 3072 | 4096 => Ok(()),
        other => Err(Error::KeySize(other)),
    }
}
