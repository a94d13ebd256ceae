//! Profiles: whose behaviour is followed. Each picks a row of the tables below it.

use std::fmt;
use std::str::FromStr;

/// Whose behaviour is followed, in composing and in judging (design.md, "The profiles").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Outlook for Windows: the default.
    #[default]
    OutlookWindows,
    /// Outlook for Mac: its mail is read; none is composed in its name, because it sends signed attributes in an order
    /// that RFC 5652 does not allow (OUT-58).
    OutlookMac,
    /// Outlook for iOS and Android: clear-signed only (OUT-31, OUT-59).
    OutlookMobile,
    /// Outlook on the web, with the settings that Exchange has where nobody changed them (OUT-53).
    Owa,
    /// Exchange Online where it judges for Outlook on the web: every link of a chain is looked up, and what cannot be looked
    /// up is invalid (OUT-21, OUT-24). None is composed in its name: that is [`Owa`](Self::Owa).
    ExchangeOnline,
    /// The letter of RFC 8551 and RFC 8550.
    Rfc8551,
    /// The CA/Browser Forum's S/MIME baseline requirements on top of RFC 8551.
    Strict,
}

impl Profile {
    /// Whether mail is composed in its name; the others are to read by.
    pub fn composes(self) -> bool {
        !matches!(self, Self::OutlookMac | Self::ExchangeOnline)
    }
}

const NAMES: [(&str, Profile); 7] = [
    ("outlook-windows", Profile::OutlookWindows),
    ("outlook-mac", Profile::OutlookMac),
    ("outlook-mobile", Profile::OutlookMobile),
    ("owa", Profile::Owa),
    ("exchange-online", Profile::ExchangeOnline),
    ("rfc8551", Profile::Rfc8551),
    ("strict", Profile::Strict),
];

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.iter().find(|(_, p)| p == self).map_or("", |(name, _)| name))
    }
}

/// No profile has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" is no profile; there are {}", NAMES.map(|(name, _)| name).join(", "))]
pub struct UnknownProfile {
    name: String,
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, profile)| *profile).ok_or_else(|| UnknownProfile { name: name.to_owned() })
    }
}
