//! Tokens such as `{{mail}}`, which Intune replaces by what it knows of user and device (OUT-63).

use super::super::value::shown;
use crate::base::reason::Reason;

/// Every token there is.
pub const NAMES: [&str; 10] = [
    "userprincipalname",
    "mail",
    "partialupn",
    "accountid",
    "deviceid",
    "userid",
    "username",
    "serialnumber",
    "serialnumberlast4digits",
    "aaddeviceid",
];

/// The values of tokens, as far as the caller knows them.
///
/// ```
/// use smime::policy::intune::tokens::Tokens;
/// let tokens = Tokens::default().with("mail", "alice@example.com");
/// assert_eq!(tokens.replace("ldap://{{mail}}/").0, "ldap://alice@example.com/");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    values: Vec<(&'static str, String)>,
}

impl Tokens {
    /// With the value of one; a name that is no token's is passed over.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if let Some(known) = NAMES.iter().find(|known| **known == name) {
            self.values.retain(|(other, _)| other != known);
            self.values.push((known, value.to_owned()));
        }
        self
    }

    /// The text with every token replaced whose value is known; what a value holds is not looked through again. A note
    /// for each token that stays.
    pub fn replace(&self, text: &str) -> (String, Vec<Reason>) {
        let mut out = String::with_capacity(text.len());
        let mut notes = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            let Some((name, behind)) = after.split_once("}}") else {
                rest = rest.get(before.len()..).unwrap_or_default();
                break;
            };
            match (self.values.iter().find(|(known, _)| *known == name), NAMES.contains(&name)) {
                (Some((_, value)), _) => out.push_str(value),
                (None, known) => {
                    out.push_str(&format!("{{{{{name}}}}}"));
                    let name = shown(name);
                    notes.push(match known {
                        true => Reason::new("token_without_value", format!("the value of {{{{{name}}}}} is not known")),
                        false => Reason::new("unknown_token", format!("Intune has no token {{{{{name}}}}}")),
                    });
                }
            }
            rest = behind;
        }
        out.push_str(rest);
        (out, notes)
    }
}
