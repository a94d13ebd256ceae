//! Names of every form as people type them, with their form before a colon.

use super::GeneralName;
use std::net::IpAddr;
use std::str::FromStr;

/// Why a text is not a name that can stand in a name constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{text}\" is not a subtree of names: {why}; write email:.example.com, dns:example.com, uri:.example.com, ip:192.0.2.0/24 \
     or dn:O=Example,C=DE"
)]
pub struct SubtreeError {
    text: String,
    why: String,
}

impl FromStr for GeneralName {
    type Err = SubtreeError;

    /// Reads the base of a subtree of names (RFC 5280 section 4.2.1.10): `email:`, `dns:`, `uri:`, `ip:` with a prefix
    /// length, `dn:` as RFC 4514 writes names.
    fn from_str(text: &str) -> Result<Self, SubtreeError> {
        let fail = |why: String| SubtreeError { text: text.chars().take(80).collect(), why };
        let (form, base) = text.split_once(':').ok_or_else(|| fail("it does not say of which form".to_owned()))?;
        match form.to_ascii_lowercase().as_str() {
            "email" => Ok(Self::Rfc822(base.to_owned())),
            "dns" => Ok(Self::Dns(base.to_owned())),
            "uri" => Ok(Self::Uri(base.to_owned())),
            "dn" => base.parse().map(Self::Directory).map_err(|error| fail(format!("{error}"))),
            "ip" => network(base).ok_or_else(|| fail("it is no address with a prefix length".to_owned())),
            form => Err(fail(format!("there is no form \"{form}\""))),
        }
    }
}

/// `iPAddress` with its mask.
fn network(text: &str) -> Option<GeneralName> {
    let (address, length) = text.split_once('/')?;
    let octets = match address.parse().ok()? {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let length: usize = length.parse().ok().filter(|length| *length <= octets.len() * 8)?;
    let mask = (0..octets.len()).map(|at| {
        let ones = length.saturating_sub(at * 8).min(8);
        (0xff00u16 >> ones) as u8
    });
    let value = octets.iter().copied().chain(mask).collect();
    Some(GeneralName::Opaque { number: 7, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let ip = |text: &str| text.parse::<GeneralName>().unwrap();
        assert_eq!(
            ip("ip:192.0.2.0/20"),
            GeneralName::Opaque { number: 7, value: vec![192, 0, 2, 0, 255, 255, 240, 0] }
        );
        assert_eq!(ip("email:.example.com"), GeneralName::Rfc822(".example.com".to_owned()));
        for bad in ["example.com", "ip:192.0.2.0", "ip:192.0.2.0/33", "x:y", "dn:nothing"] {
            assert!(bad.parse::<GeneralName>().is_err(), "{bad}");
        }
    }
}
