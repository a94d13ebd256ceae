//! Name constraints: which names the certificates below a CA may have (RFC 5280 section 4.2.1.10; SEC-106 to SEC-108).
//!
//! Mailboxes (rfc822Name, SmtpUTF8Mailbox, the subject's emailAddress) and directory names are evaluated. A constraint
//! on any other form of name rejects the certificates that have a name of that form, since nobody has judged it.

use crate::asn1::oid;
use crate::base::address::{EmailAddress, LocalPart};
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cert::extension::{GeneralName, NameConstraints};
use crate::cert::mailbox::Mailboxes;
use const_oid::ObjectIdentifier;

/// Comparisons of a name with a subtree while one chain is built (SEC-106).
pub(crate) const COMPARISONS: usize = 250_000;

/// The comparisons are used up.
pub(crate) struct Spent;

/// The names of one certificate that constraints speak about.
struct Subject<'a> {
    who: String,
    mailboxes: Mailboxes,
    certificate: &'a Certificate,
}

/// The first constraint of the CA `holder` that `below` violates, where there is one.
pub(crate) fn violation(
    holder: &Certificate,
    constraints: &NameConstraints,
    below: &Certificate,
    comparisons: &mut usize,
) -> Result<Option<Reason>, Spent> {
    let subject = Subject { who: below.subject().brief(), mailboxes: Mailboxes::of(below), certificate: below };
    let against = |why: String| {
        let (who, ca) = (&subject.who, holder.subject().brief());
        let text = format!("the certificate of \"{who}\" violates the name constraints of the CA \"{ca}\": {why}");
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
    Ok(None)
}

/// Subtrees by the form of their names.
#[derive(Default)]
struct Subtrees<'a> {
    mail: Vec<MailSubtree>,
    directory: Vec<&'a crate::cert::name::Name>,
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
        violation(cert, &constraints, cert, &mut 1000).ok().unwrap().is_none()
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

    #[test]
    fn forms_that_are_not_evaluated_reject_only_where_they_meet_a_name() {
        let host = GeneralName::Dns("example.com".to_owned());
        let nobody = Name::build(&[]);
        assert!(fits(std::slice::from_ref(&host), &[], &person(&["a@example.com"], &nobody)));
        let mut template = unsigned(nobody);
        let value = der::sequence(&[der::primitive(Tag::context(2), b"www.example.com")]);
        template.extensions = vec![Extension { oid: oid::SUBJECT_ALT_NAME, critical: false, value }];
        assert!(!fits(&[host], &[], &with_dummy_signature(&template)));
    }

    #[test]
    fn comparisons_are_bounded() {
        let bases: Vec<_> = (0..2_000).map(|n| mail(&format!("h{n}.example.com"))).collect();
        let names: Vec<_> = (0..2_000).map(|n| format!("a@h{n}.example.com")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let cert = person(&names, &Name::build(&[]));
        let constraints = NameConstraints { permitted: bases, excluded: Vec::new() };
        assert!(violation(&cert, &constraints, &cert, &mut COMPARISONS.clone()).is_err());
    }
}
