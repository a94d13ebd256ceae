//! Name constraints: which names the certificates below a CA may have (RFC 5280 section 4.2.1.10; SEC-106 to SEC-108).
//!
//! Mailboxes (rfc822Name, SmtpUTF8Mailbox, the subject's emailAddress), directory names, host names, URIs and IP addresses
//! are evaluated. A constraint on any other form of name rejects the certificates that have a name of that form, since
//! nobody has judged it.

use crate::asn1::oid;
use crate::base::address::{EmailAddress, LocalPart};
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cert::extension::{GeneralName, NameConstraints};
use crate::cert::mailbox::Mailboxes;
use const_oid::ObjectIdentifier;

/// The comparisons are used up.
pub(crate) struct Spent;

/// The names of one certificate that constraints speak about.
struct Subject<'a> {
    who: String,
    mailboxes: Mailboxes,
    certificate: &'a Certificate,
}

/// The first constraint that `below` violates, where there is one. `holder` says whose constraints they are.
pub(crate) fn violation(
    holder: &str,
    constraints: &NameConstraints,
    below: &Certificate,
    comparisons: &mut usize,
) -> Result<Option<Reason>, Spent> {
    let subject = Subject { who: below.subject().brief(), mailboxes: Mailboxes::of(below), certificate: below };
    let against = |why: String| {
        let who = &subject.who;
        let text = format!("the certificate of \"{who}\" violates the name constraints of {holder}: {why}");
        Ok(Some(Reason::new("name_constraints", text)))
    };
    if let Some(error) = below.extension_errors().iter().find(|error| error.oid == oid::SUBJECT_ALT_NAME) {
        return against(format!("its subjectAltName is unreadable ({})", error.error));
    }
    let (permitted, excluded) = match (Subtrees::sort(&constraints.permitted), Subtrees::sort(&constraints.excluded)) {
        (Ok(permitted), Ok(excluded)) => (permitted, excluded),
        (Err(base), _) | (_, Err(base)) => {
            return against(format!("the constraint \"{base}\" is malformed, so nothing is permitted"));
        }
    };
    let forms = permitted.others.iter().chain(&excluded.others);
    for form in forms {
        spend(comparisons, subject.certificate.subject_alt_names().len())?;
        if subject.certificate.subject_alt_names().iter().any(|name| Form::of(name) == *form) {
            return against("it has a name of a form that is constrained there and that is not evaluated here".into());
        }
    }

    if !permitted.mail.is_empty() || !excluded.mail.is_empty() {
        if let Some(malformed) = subject.mailboxes.malformed().first() {
            return against(malformed.text.clone());
        }
        for mailbox in subject.mailboxes.all() {
            let address = &mailbox.address;
            spend(comparisons, permitted.mail.len().saturating_add(excluded.mail.len()))?;
            // Excluded wins; there the local part is compared leniently, where it permits, exactly.
            if excluded.mail.iter().any(|base| base.holds(address, LocalPart::IgnoreAsciiCase)) {
                return against(format!("{address} is excluded"));
            }
            if !permitted.mail.is_empty() && !permitted.mail.iter().any(|base| base.holds(address, LocalPart::Exact)) {
                return against(format!("{address} is not among the permitted addresses"));
            }
        }
    }

    let alternative = subject.certificate.subject_alt_names().iter().filter_map(|name| match name {
        GeneralName::Directory(name) => Some(name),
        _ => None,
    });
    let own = Some(subject.certificate.subject()).filter(|name| !name.is_empty());
    for name in own.into_iter().chain(alternative) {
        spend(comparisons, permitted.directory.len().saturating_add(excluded.directory.len()))?;
        if excluded.directory.iter().any(|base| name.is_within(base)) {
            return against(format!("the name \"{}\" is excluded", name.brief()));
        }
        if !permitted.directory.is_empty() && !permitted.directory.iter().any(|base| name.is_within(base)) {
            return against(format!("the name \"{}\" is not among the permitted names", name.brief()));
        }
    }
    for name in subject.certificate.subject_alt_names() {
        let Some(plain) = PlainName::of(name) else { continue };
        let form = plain.form();
        let same_form = |base: &&PlainSubtree| base.form() == form;
        spend(comparisons, permitted.plain.len().saturating_add(excluded.plain.len()))?;
        let plain = match plain {
            PlainName::Malformed(_, text) => {
                if permitted.plain.iter().chain(&excluded.plain).any(|base| same_form(&base)) {
                    return against(format!("\"{text}\" cannot be compared with them"));
                }
                continue;
            }
            plain => plain,
        };
        if excluded.plain.iter().filter(same_form).any(|base| base.holds(&plain)) {
            return against(format!("{} is excluded", plain.text()));
        }
        let mut bases = permitted.plain.iter().filter(same_form).peekable();
        if bases.peek().is_some() && !bases.any(|base| base.holds(&plain)) {
            return against(format!("{} is not among the permitted names", plain.text()));
        }
    }
    Ok(None)
}

/// Subtrees by the form of their names.
#[derive(Default)]
struct Subtrees<'a> {
    mail: Vec<MailSubtree>,
    directory: Vec<&'a crate::cert::name::Name>,
    plain: Vec<PlainSubtree>,
    others: Vec<Form>,
}

impl<'a> Subtrees<'a> {
    /// Sorted; or the text of the first base that is malformed.
    fn sort(bases: &'a [GeneralName]) -> Result<Self, String> {
        let mut sorted = Self::default();
        for base in bases {
            match base {
                GeneralName::Rfc822(text) => sorted.mail.push(MailSubtree::parse(text).ok_or_else(|| text.clone())?),
                GeneralName::Directory(name) => sorted.directory.push(name),
                GeneralName::Dns(_) | GeneralName::Uri(_) | GeneralName::Opaque { number: 7, .. } => {
                    sorted.plain.push(PlainSubtree::parse(base).ok_or_else(|| format!("{base:?}"))?);
                }
                other => {
                    let form = Form::of(other);
                    if !sorted.others.contains(&form) {
                        sorted.others.push(form);
                    }
                }
            }
        }
        Ok(sorted)
    }
}

/// A form of names: the tag of the choice, and the type of an otherName.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Form(u32, Option<ObjectIdentifier>);

impl Form {
    fn of(name: &GeneralName) -> Self {
        match name {
            GeneralName::OtherName { oid, .. } => Self(0, Some(*oid)),
            GeneralName::SmtpUtf8(_) => Self(0, Some(oid::SMTP_UTF8_MAILBOX)),
            GeneralName::Rfc822(_) => Self(1, None),
            GeneralName::Dns(_) => Self(2, None),
            GeneralName::Directory(_) => Self(4, None),
            GeneralName::Uri(_) => Self(6, None),
            GeneralName::Opaque { number, .. } => Self(*number, None),
        }
    }
}

/// The three forms of an rfc822Name constraint, and the empty one that holds every address.
#[derive(Debug, PartialEq, Eq)]
enum MailSubtree {
    Every,
    Mailbox(EmailAddress),
    Host(String),
    Below(String),
}

impl MailSubtree {
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::Every);
        }
        if text.contains('@') {
            // An address is parsed leniently towards blanks around it; a constraint has none.
            return text.parse().ok().filter(|_| !text.contains([' ', '\t'])).map(Self::Mailbox);
        }
        let (host, below) = text.strip_prefix('.').map_or((text, false), |host| (host, true));
        let sound = host.len() <= 255
            && host.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            });
        let host = host.to_ascii_lowercase();
        sound.then_some(if below { Self::Below(host) } else { Self::Host(host) })
    }

    /// Whether the address lies in the subtree. `host` is that host alone, `.domain` is every host below the domain
    /// and not the domain itself.
    fn holds(&self, address: &EmailAddress, local: LocalPart) -> bool {
        match self {
            Self::Every => true,
            Self::Mailbox(base) => base.same(address, local),
            Self::Host(host) => address.domain() == host,
            Self::Below(domain) => {
                address.domain().strip_suffix(domain.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
        }
    }
}

/// A name that is no mailbox and no directory name, taken apart for comparison.
enum PlainName {
    /// dNSName, in lower case.
    Host(String),
    /// The host of a URI, in lower case, and the URI.
    Uri(String, String),
    /// iPAddress: 4 or 16 octets.
    Ip(Vec<u8>),
    /// What does not keep to its form, and which form that is.
    Malformed(u32, String),
}

impl PlainName {
    fn of(name: &GeneralName) -> Option<Self> {
        Some(match name {
            GeneralName::Dns(text) if is_host(text.strip_prefix("*.").unwrap_or(text)) => {
                Self::Host(text.to_ascii_lowercase())
            }
            GeneralName::Dns(text) => Self::Malformed(2, text.clone()),
            GeneralName::Uri(text) => match host_of(text) {
                Some(host) => Self::Uri(host.to_ascii_lowercase(), text.clone()),
                // RFC 5280 section 4.2.1.10: a URI without a host name, or with an address, is rejected.
                None => Self::Malformed(6, text.clone()),
            },
            GeneralName::Opaque { number: 7, value } if matches!(value.len(), 4 | 16) => Self::Ip(value.clone()),
            GeneralName::Opaque { number: 7, value } => Self::Malformed(7, format!("{value:?}")),
            _ => return None,
        })
    }

    fn form(&self) -> u32 {
        match self {
            Self::Host(_) => 2,
            Self::Uri(..) => 6,
            Self::Ip(_) => 7,
            Self::Malformed(form, _) => *form,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Host(text) | Self::Uri(_, text) | Self::Malformed(_, text) => text.clone(),
            Self::Ip(octets) => match <[u8; 4]>::try_from(octets.as_slice()) {
                Ok(four) => std::net::Ipv4Addr::from(four).to_string(),
                Err(_) => <[u8; 16]>::try_from(octets.as_slice())
                    .map_or_else(|_| format!("{octets:?}"), |sixteen| std::net::Ipv6Addr::from(sixteen).to_string()),
            },
        }
    }
}

/// A constraint on such names (RFC 5280 section 4.2.1.10).
enum PlainSubtree {
    /// This host and all below it; all hosts where empty. With a leading dot, only those below.
    Host(String),
    /// This host alone, or with a leading dot every host below.
    Uri(String),
    /// Address and mask.
    Ip(Vec<u8>, Vec<u8>),
}

impl PlainSubtree {
    fn parse(base: &GeneralName) -> Option<Self> {
        match base {
            GeneralName::Dns(text) => {
                let sound = text.is_empty() || is_host(text.strip_prefix('.').unwrap_or(text));
                sound.then(|| Self::Host(text.to_ascii_lowercase()))
            }
            GeneralName::Uri(text) => {
                let sound = is_host(text.strip_prefix('.').unwrap_or(text));
                sound.then(|| Self::Uri(text.to_ascii_lowercase()))
            }
            GeneralName::Opaque { number: 7, value } if matches!(value.len(), 8 | 32) => {
                let (address, mask) = value.split_at(value.len() / 2);
                // A mask is ones, then zeros.
                let ones: u32 = mask.iter().map(|octet| octet.leading_ones()).sum();
                let all: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
                let first_gap = mask.iter().position(|octet| *octet != 0xff).unwrap_or(mask.len());
                let rest_is_empty = mask.iter().skip(first_gap + 1).all(|octet| *octet == 0);
                (ones == all && rest_is_empty).then(|| Self::Ip(address.to_vec(), mask.to_vec()))
            }
            _ => None,
        }
    }

    fn form(&self) -> u32 {
        match self {
            Self::Host(_) => 2,
            Self::Uri(_) => 6,
            Self::Ip(..) => 7,
        }
    }

    fn holds(&self, name: &PlainName) -> bool {
        match (self, name) {
            (Self::Host(base), PlainName::Host(host)) => {
                base.is_empty() || (!base.starts_with('.') && host == base) || is_below(host, base)
            }
            (Self::Uri(base), PlainName::Uri(host, _)) => match base.starts_with('.') {
                true => is_below(host, base),
                false => host == base,
            },
            (Self::Ip(base, mask), PlainName::Ip(address)) => {
                base.len() == address.len()
                    && base.iter().zip(mask).zip(address).all(|((base, mask), octet)| base & mask == octet & mask)
            }
            _ => false,
        }
    }
}

/// Whether a host lies below a domain, given with or without a leading dot.
fn is_below(host: &str, domain: &str) -> bool {
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

/// The host name of a URI with an authority; `None` where there is none, or an IP address.
fn host_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => host,
    };
    (is_host(host) && host.parse::<std::net::Ipv4Addr>().is_err()).then_some(host)
}

fn spend(comparisons: &mut usize, count: usize) -> Result<(), Spent> {
    *comparisons = comparisons.checked_sub(count).ok_or(Spent)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::ber::Tag;
    use crate::asn1::der;
    use crate::cert::extension::Extension;
    use crate::cert::issue::tests::{unsigned, with_dummy_signature};
    use crate::cert::name::Name;

    fn mail(text: &str) -> GeneralName {
        GeneralName::Rfc822(text.to_owned())
    }

    fn person(rfc822: &[&str], subject: &Name) -> Certificate {
        let mut template = unsigned(subject.clone());
        if !rfc822.is_empty() {
            let names: Vec<_> = rfc822.iter().map(|text| der::primitive(Tag::context(1), text.as_bytes())).collect();
            let value = der::sequence(&names);
            template.extensions = vec![Extension { oid: oid::SUBJECT_ALT_NAME, critical: false, value }];
        }
        with_dummy_signature(&template)
    }

    fn fits(permitted: &[GeneralName], excluded: &[GeneralName], cert: &Certificate) -> bool {
        let constraints = NameConstraints { permitted: permitted.to_vec(), excluded: excluded.to_vec() };
        violation("the CA", &constraints, cert, &mut 1000).ok().unwrap().is_none()
    }

    #[test]
    fn hosts_domains_and_mailboxes() {
        let nobody = Name::build(&[]);
        let rows = [
            ("example.com", "a@example.com", true),
            ("EXAMPLE.com", "a@Example.COM", true),
            ("example.com", "a@mail.example.com", false),
            (".example.com", "a@mail.example.com", true),
            (".example.com", "a@b.mail.example.com", true),
            (".example.com", "a@example.com", false),
            (".example.com", "a@notexample.com", false),
            ("a@example.com", "a@example.com", true),
            ("a@example.com", "A@example.com", false),
            ("", "a@example.com", true),
            ("*", "a@example.com", false),
            ("*.example.com", "a@mail.example.com", false),
            ("example.com.", "a@example.com", false),
            ("example.com", "a@example.com.", false),
            ("..example.com", "a@mail.example.com", false),
            (" a@example.com", "a@example.com", false),
        ];
        for (base, address, expected) in rows {
            assert_eq!(fits(&[mail(base)], &[], &person(&[address], &nobody)), expected, "{base} {address}");
        }
        // Every constraint counts, not the last one alone; excluded wins.
        let several = [mail("x@example.com"), mail("x@example.org")];
        assert!(fits(&several, &[], &person(&["x@example.com", "x@example.org"], &nobody)));
        assert!(!fits(&several, &[], &person(&["x@example.com", "x@example.net"], &nobody)));
        assert!(!fits(&several, &[mail("X@Example.com")], &person(&["x@example.com"], &nobody)));
        assert!(!fits(&[], &[mail("*")], &person(&["x@example.com"], &nobody)));
    }

    #[test]
    fn the_subject_is_bound_too() {
        let name = Name::build(&[(oid::ORGANIZATION, "Example"), (oid::ID_EMAIL_ADDRESS, "a@example.org")]);
        assert!(!fits(&[mail("example.com")], &[], &person(&[], &name)));
        assert!(!fits(&[mail("example.com")], &[], &person(&["a@example.com"], &name)));
        let base = |text| GeneralName::Directory(Name::build(&[(oid::ORGANIZATION, text)]));
        assert!(fits(&[base("Other"), base("EXAMPLE")], &[], &person(&[], &name)));
        assert!(!fits(&[base("Other")], &[], &person(&[], &name)));
        assert!(!fits(&[], &[base("Example")], &person(&[], &name)));
        assert!(fits(&[base("Other")], &[], &person(&["a@example.com"], &Name::build(&[]))));
    }

    /// A certificate with one name in its subjectAltName.
    fn host(number: u32, value: &[u8]) -> Certificate {
        let mut template = unsigned(Name::build(&[]));
        let value = der::sequence(&[der::primitive(Tag::context(number), value)]);
        template.extensions = vec![Extension { oid: oid::SUBJECT_ALT_NAME, critical: false, value }];
        with_dummy_signature(&template)
    }

    #[test]
    fn hosts_and_uris() {
        let dns = |text: &str| GeneralName::Dns(text.to_owned());
        let uri = |text: &str| GeneralName::Uri(text.to_owned());
        let rows: [(GeneralName, u32, &str, bool); 17] = [
            (dns("example.com"), 2, "example.com", true),
            (dns("example.com"), 2, "WWW.Example.com", true),
            (dns("example.com"), 2, "notexample.com", false),
            (dns("example.com"), 2, "example.com.", false),
            (dns("example.com"), 2, "*.example.com", true),
            (dns(".example.com"), 2, "www.example.com", true),
            (dns(".example.com"), 2, "example.com", false),
            (dns(""), 2, "www.example.net", true),
            (uri("host.example.com"), 6, "https://host.example.com/x", true),
            (uri("host.example.com"), 6, "https://user@HOST.example.com:8443/x", true),
            (uri("host.example.com"), 6, "https://www.host.example.com/x", false),
            (uri(".example.com"), 6, "ldap://a.b.example.com/", true),
            (uri(".example.com"), 6, "ldap://example.com/", false),
            (uri(".example.com"), 6, "https://192.0.2.1/", false),
            (uri(".example.com"), 6, "urn:example", false),
            (uri(".example.com"), 6, "https://www.example.com@evil.example.net/", false),
            (uri(".example.com"), 2, "www.example.net", true),
        ];
        for (base, form, name, expected) in rows {
            assert_eq!(
                fits(std::slice::from_ref(&base), &[], &host(form, name.as_bytes())),
                expected,
                "{base:?} {name}"
            );
            // What is permitted by itself is forbidden where excluded, and a name that cannot be compared is, too.
            let same_form = form == if matches!(base, GeneralName::Dns(_)) { 2 } else { 6 };
            let comparable = expected
                || PlainName::of(&host(form, name.as_bytes()).subject_alt_names()[0])
                    .is_some_and(|name| !matches!(name, PlainName::Malformed(..)));
            let forbidden = same_form && (expected || !comparable);
            assert_eq!(fits(&[], &[base], &host(form, name.as_bytes())), !forbidden, "excluded {name}");
        }
    }

    #[test]
    fn addresses_of_hosts() {
        let ip = |value: &[u8]| GeneralName::Opaque { number: 7, value: value.to_vec() };
        let net = ip(&[192, 0, 2, 0, 255, 255, 255, 0]);
        assert!(fits(std::slice::from_ref(&net), &[], &host(7, &[192, 0, 2, 9])));
        assert!(!fits(std::slice::from_ref(&net), &[], &host(7, &[192, 0, 3, 9])));
        assert!(!fits(std::slice::from_ref(&net), &[], &host(7, &[0; 16])));
        assert!(!fits(&[], std::slice::from_ref(&net), &host(7, &[192, 0, 2, 9])));
        assert!(!fits(&[ip(&[192, 0, 2, 0, 255, 0, 255, 0])], &[], &host(7, &[192, 0, 2, 9])), "no mask");
        assert!(!fits(&[net], &[], &host(7, &[1, 2, 3])), "no address");
    }

    #[test]
    fn forms_that_are_not_evaluated_reject_only_where_they_meet_a_name() {
        let id = GeneralName::Opaque { number: 8, value: vec![42] };
        assert!(fits(std::slice::from_ref(&id), &[], &person(&["a@example.com"], &Name::build(&[]))));
        assert!(!fits(&[id], &[], &host(8, &[42])));
    }

    #[test]
    fn comparisons_are_bounded() {
        let bases: Vec<_> = (0..2_000).map(|n| mail(&format!("h{n}.example.com"))).collect();
        let names: Vec<_> = (0..2_000).map(|n| format!("a@h{n}.example.com")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let cert = person(&names, &Name::build(&[]));
        let constraints = NameConstraints { permitted: bases, excluded: Vec::new() };
        assert!(violation("the CA", &constraints, &cert, &mut 250_000).is_err());
    }
}
