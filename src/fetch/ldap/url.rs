//! Where a directory is: the forms that Outlook's settings know (OUT-91), and LDAP URLs with base, scope and filter
//! (RFC 4516).

use super::filter::Filter;
use std::fmt;
use std::str::FromStr;

/// A directory server, and what to search there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapUrl {
    /// A name or an address, without brackets.
    pub host: String,
    /// 389 or 636 where none is given.
    pub port: u16,
    /// Whether TLS begins with the connection.
    pub scheme: Scheme,
    /// Where to begin; `None` where the server is asked for its naming contexts (OUT-93).
    pub base: Option<String>,
    /// How far down.
    pub scope: Scope,
    /// What else must hold of an entry.
    pub filter: Option<Filter>,
}

/// `ldap` or `ldaps`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear, or with TLS once it was asked for.
    Ldap,
    /// TLS from the first octet on.
    Ldaps,
}

/// How far down a search goes (RFC 4511 section 4.5.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The base alone.
    Base,
    /// What stands right below it.
    One,
    /// It, and everything below.
    #[default]
    Subtree,
}

/// Why a text is no directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no directory: {why}; write it like ldaps://directory.example")]
pub struct UrlError {
    text: String,
    why: String,
}

impl LdapUrl {
    /// Scheme, host and port: what a source is called in answers.
    pub fn server(&self) -> String {
        let scheme = if self.scheme == Scheme::Ldaps { "ldaps" } else { "ldap" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.scheme, self.port) {
            (Scheme::Ldap, 389) | (Scheme::Ldaps, 636) => format!("{scheme}://{host}"),
            (_, port) => format!("{scheme}://{host}:{port}"),
        }
    }
}

impl fmt::Display for LdapUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.server())
    }
}

impl FromStr for LdapUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let fail = |why: &str| {
            let shown = crate::base::reason::visible(&text.chars().take(120).collect::<String>());
            UrlError { text: shown, why: why.to_owned() }
        };
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ldap") => (Some(Scheme::Ldap), rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ldaps") => (Some(Scheme::Ldaps), rest),
            Some(_) => return Err(fail("its scheme is neither ldap nor ldaps")),
            None => (None, text),
        };
        let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
        if authority.contains('@') {
            return Err(fail("a name and a password do not belong there"));
        }
        let (host, port) = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or_else(|| fail("its port is malformed"))?)),
            None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
        };
        let bad_host = |c: char| c.is_whitespace() || c.is_control() || "/?#%[]\\\"<>".contains(c);
        if host.is_empty() || host.contains(bad_host) {
            return Err(fail("it names no host"));
        }
        let port = match port {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => Some(
                digits.parse::<u16>().ok().filter(|port| *port != 0).ok_or_else(|| fail("there is no such port"))?,
            ),
            Some(_) => return Err(fail("its port is no number")),
            None => None,
        };
        // OUT-91: a bare host is asked in the clear, but for port 636.
        let scheme = scheme.unwrap_or(if port == Some(636) { Scheme::Ldaps } else { Scheme::Ldap });
        let port = port.unwrap_or(if scheme == Scheme::Ldaps { 636 } else { 389 });
        let mut url = Self { host: host.to_owned(), port, scheme, base: None, scope: Scope::default(), filter: None };
        let Some(path) = path else { return Ok(url) };
        // RFC 4516 section 2: dn?attributes?scope?filter?extensions.
        let mut parts =
            path.split('?').map(|part| unescaped(part).ok_or_else(|| fail("a % is not followed by two digits")));
        let mut next = || parts.next().transpose().map(Option::unwrap_or_default);
        let (base, attributes, scope, filter, extensions) = (next()?, next()?, next()?, next()?, next()?);
        if !attributes.is_empty() {
            return Err(fail("which attributes are asked for cannot be chosen"));
        }
        // "!" marks an extension that must not be passed over; none is known here.
        if extensions.split(',').any(|extension| extension.starts_with('!')) {
            return Err(fail("it needs an extension that is not known"));
        }
        url.base = Some(base).filter(|base| !base.is_empty());
        url.scope = match scope.to_ascii_lowercase().as_str() {
            "" | "sub" => Scope::Subtree,
            "one" => Scope::One,
            "base" => Scope::Base,
            _ => return Err(fail("its scope is none of base, one and sub")),
        };
        if !filter.is_empty() {
            url.filter = Some(filter.parse().map_err(|error: super::filter::FilterError| fail(&error.to_string()))?);
        }
        Ok(url)
    }
}

/// Percent-encoding undone; `None` where it is malformed, or gives no UTF-8.
fn unescaped(text: &str) -> Option<String> {
    let mut octets = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(octet) = octets.next() {
        if octet != b'%' {
            plain.push(octet);
            continue;
        }
        let digit = |octet: Option<u8>| char::from(octet?).to_digit(16);
        let (high, low) = (digit(octets.next())?, digit(octets.next())?);
        plain.push((high << 4 | low) as u8);
    }
    String::from_utf8(plain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_91_every_form_of_a_host_is_read() {
        for (text, server, scheme, port) in [
            ("ldaps://h.example", "ldaps://h.example", Scheme::Ldaps, 636),
            ("ldap://h.example", "ldap://h.example", Scheme::Ldap, 389),
            ("ldap://h.example:389", "ldap://h.example", Scheme::Ldap, 389),
            ("ldaps://h.example:636", "ldaps://h.example", Scheme::Ldaps, 636),
            ("LDAPS://h.example:1636/", "ldaps://h.example:1636", Scheme::Ldaps, 1636),
            ("h.example", "ldap://h.example", Scheme::Ldap, 389),
            ("h.example:389", "ldap://h.example", Scheme::Ldap, 389),
            ("h.example:636", "ldaps://h.example", Scheme::Ldaps, 636),
            ("ldap://h.example:636", "ldap://h.example:636", Scheme::Ldap, 636),
            ("ldap://[::1]:1389", "ldap://[::1]:1389", Scheme::Ldap, 1389),
            ("[2001:db8::1]", "ldap://[2001:db8::1]", Scheme::Ldap, 389),
        ] {
            let url: LdapUrl = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((url.server().as_str(), url.scheme, url.port), (server, scheme, port), "{text}");
            assert_eq!((url.base, url.scope, url.filter), (None, Scope::Subtree, None), "{text}");
        }
    }

    #[test]
    fn out_91_a_url_gives_base_scope_and_filter() {
        let url: LdapUrl = "ldap://h/dc=example,dc=com??one?(o=A%20%5c2a)".parse().unwrap();
        assert_eq!(url.base.as_deref(), Some("dc=example,dc=com"));
        assert_eq!(url.scope, Scope::One);
        assert_eq!(url.filter, Some(Filter::Equal("o".to_owned(), b"A *".to_vec())));
    }

    #[test]
    fn sec_135_what_names_no_directory_is_refused() {
        for text in [
            "",
            "ldap://",
            "http://h",
            "ldap://h:0",
            "ldap://h:x",
            "ldap://h:99999",
            "ldap://u:p@h",
            "ldap://h h",
            "ldap://h/dc=x?cn",
            "ldap://h/dc=x??all",
            "ldap://h/dc=x???(a",
            "ldap://h/%zz",
            "ldap://h/%ff",
            "ldap://h/????!x",
            "ldap://[::1",
            "ldap://[::1]x",
            "ldap://h\u{7}",
        ] {
            assert!(text.parse::<LdapUrl>().is_err(), "{text:?}");
        }
    }
}
