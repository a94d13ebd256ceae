//! For whom a certificate speaks: its mail addresses, and the one question whether a given address is among them
//! (OUT-1 to OUT-3; design.md, "The address rule").
//!
//! The same function serves both directions: choosing a certificate for an address, and judging a signer by From.

use crate::asn1::oid;
use crate::base::address::{EmailAddress, LocalPart};
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cert::extension::GeneralName;

/// The mail addresses of a certificate, and what stands where one belongs without being one.
///
/// A common name that looks like an address is none (OUT-3), nor is a name for a whole domain, unless the rule says so.
#[derive(Clone, Debug, Default)]
pub struct Mailboxes {
    names: Vec<Mailbox>,
    /// Common names that are addresses.
    common: Vec<Mailbox>,
    /// Names for every address of a domain.
    domains: Vec<WholeDomain>,
    malformed: Vec<Reason>,
    alternative: bool,
}

/// A name that stands for every address of one domain, not for those of the domains below it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WholeDomain {
    /// In A-labels.
    domain: String,
    /// As it stands in the certificate.
    written: String,
    host: bool,
}

/// One mail address of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The address.
    pub address: EmailAddress,
    /// Where it stands.
    pub origin: Origin,
    /// Whether it stands there as it is, or with blanks around it.
    pub spelling: Spelling,
}

/// Where in a certificate an address stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// subjectAltName, rfc822Name (RFC 5280 section 4.2.1.6).
    Rfc822Name,
    /// subjectAltName, otherName SmtpUTF8Mailbox (RFC 9598).
    SmtpUtf8Mailbox,
    /// The attribute emailAddress of the subject, as older certificates have it (RFC 5280 section 4.1.2.6).
    Subject,
    /// The common name of the subject; it counts only by [`CommonName::Match`] (OUT-3).
    CommonName,
}

/// How an address is written in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As RFC 5280 wants it.
    Exact,
    /// With blanks before or after it, which were dropped (OUT-2).
    Padded,
}

/// By which rule addresses are compared. The default is the strict one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressRule {
    /// How local parts are compared.
    pub local: LocalPart,
    /// Whether the subject's emailAddress counts.
    pub subject: SubjectEmail,
    /// Whether a common name that is an address counts.
    pub common_name: CommonName,
    /// Whether a certificate of a whole domain counts for each address of it.
    pub domain_wide: DomainWide,
}

impl AddressRule {
    /// RFC 8550 section 3 and RFC 5280 section 7.5: profiles `strict` and `rfc8551`.
    pub const STRICT: Self = Self {
        local: LocalPart::Exact,
        subject: SubjectEmail::OnlyWithoutSan,
        common_name: CommonName::Ignore,
        domain_wide: DomainWide::Refuse,
    };
    /// What Outlook and Exchange do (OUT-1, OUT-2).
    pub const OUTLOOK: Self = Self { local: LocalPart::IgnoreAsciiCase, subject: SubjectEmail::Always, ..Self::STRICT };
}

/// When the subject's emailAddress attribute counts (SEC-53).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectEmail {
    /// Only where the subjectAltName holds no mailbox, sound or not.
    #[default]
    OnlyWithoutSan,
    /// Always.
    Always,
}

/// Whether a common name of the subject counts that is an address. Publicly trusted certificates repeat it in the
/// subjectAltName, so that nothing is lost without it (OUT-3). Name constraints for mail do not bind a common name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommonName {
    /// It does not.
    #[default]
    Ignore,
    /// It does where the subjectAltName holds no mailbox, or where the subject counts always; noted as
    /// `common_name_used`.
    Match,
}

/// Whether a certificate of a whole domain, as mail gateways have them, speaks for each address of the domain. Then whoever
/// holds that one key signs for everybody there, so that it is the caller's to say. Noted as `domain_wide_certificate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DomainWide {
    /// It does not.
    #[default]
    Refuse,
    /// By an rfc822Name `@example.com`, `smime-gateway@example.com`, or `domain-signing-authority@` and
    /// `domain-confidentiality-authority@` (RFC 3183 section 3).
    ByMailbox,
    /// By a dNSName `example.com` too. Name constraints of an authority for mail do not bind it (RFC 5280 section
    /// 4.2.1.10), so that an authority that is confined to one company's addresses could speak for another's.
    ByMailboxOrHost,
}

/// Whether a certificate speaks for an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressMatch {
    /// It does.
    Matches {
        /// What a stricter rule would not have allowed: `local_case_folded`, `local_normalized`, `subject_email_used`,
        /// `mailbox_space_trimmed`, `common_name_used`, `domain_wide_certificate`.
        leniencies: Vec<Reason>,
    },
    /// It speaks for others.
    Differs {
        /// For whom, by the rule that was given.
        found: Vec<EmailAddress>,
    },
    /// It speaks for no address at all.
    NoAddress,
}

impl Mailboxes {
    /// Reads the addresses of a certificate: those of the subjectAltName first, then those of the subject.
    pub fn of(cert: &Certificate) -> Self {
        let mut read = Self::default();
        for name in cert.subject_alt_names() {
            match name {
                GeneralName::Rfc822(text) if text.starts_with('@') => read.take_domain(text),
                GeneralName::Rfc822(text) => read.take(text, Origin::Rfc822Name),
                GeneralName::Dns(text) => read.take_host(text),
                GeneralName::SmtpUtf8(text) => read.take(text, Origin::SmtpUtf8Mailbox),
                GeneralName::OtherName { oid, .. } if *oid == oid::SMTP_UTF8_MAILBOX => {
                    read.refuse("an SmtpUTF8Mailbox", "(not a UTF8String)", "its value is no UTF8String");
                }
                _ => {}
            }
        }
        read.alternative = !read.names.is_empty() || !read.malformed.is_empty();
        if let Some(error) = cert.extension_errors().iter().find(|error| error.oid == oid::SUBJECT_ALT_NAME) {
            read.alternative = true;
            let text = format!("the subjectAltName of the certificate is unreadable: {}", error.error);
            read.malformed.push(Reason::new("malformed_extension", text));
        }
        for text in cert.subject().emails() {
            read.take(text, Origin::Subject);
        }
        if let Some(text) = cert.subject().common_name()
            && let Some(address) = common_name_address(text)
        {
            read.common.push(Mailbox { address, origin: Origin::CommonName, spelling: Spelling::Exact });
        }
        read
    }

    /// The addresses, in the order of the certificate.
    pub fn all(&self) -> &[Mailbox] {
        &self.names
    }

    /// What stands where an address belongs and is none, `malformed_rfc822name` each: ignored, never cut short or
    /// repaired (SEC-50, SEC-51). A name `@domain` is among them as `domain_wide_name`: it is no mailbox either.
    pub fn malformed(&self) -> &[Reason] {
        &self.malformed
    }

    /// Whether the subjectAltName holds a mailbox, be it a malformed one.
    pub fn has_alternative(&self) -> bool {
        self.alternative
    }

    /// The addresses that count by a rule.
    pub fn by_rule(&self, rule: &AddressRule) -> impl Iterator<Item = &Mailbox> {
        let subject_counts = rule.subject == SubjectEmail::Always || !self.alternative;
        let common: &[Mailbox] = if rule.common_name == CommonName::Match { &self.common } else { &[] };
        let in_subject = |mailbox: &Mailbox| matches!(mailbox.origin, Origin::Subject | Origin::CommonName);
        self.names.iter().chain(common).filter(move |mailbox| subject_counts || !in_subject(mailbox))
    }

    /// The domains for every address of which the certificate has a name, in A-labels, each once. They count by
    /// [`AddressRule::domain_wide`] only.
    pub fn domains(&self) -> Vec<&str> {
        let mut domains: Vec<&str> = self.domains.iter().map(|name| name.domain.as_str()).collect();
        domains.sort_unstable();
        domains.dedup();
        domains
    }

    /// Whether an address is among them by a rule; of several that match, the one that needs the fewest leniencies
    /// answers.
    pub fn speak_for(&self, address: &EmailAddress, rule: &AddressRule) -> AddressMatch {
        let matching = self.by_rule(rule).filter(|mailbox| mailbox.address.same(address, rule.local));
        let leniencies = matching.map(|mailbox| leniencies(mailbox, address)).min_by_key(Vec::len);
        if let Some(leniencies) = leniencies {
            return AddressMatch::Matches { leniencies };
        }
        if let Some(name) = self.domain_wide(address, rule.domain_wide) {
            let text = format!(
                "the certificate is for every address of {} by its name {}; {address} is not named in it",
                name.domain, name.written
            );
            return AddressMatch::Matches { leniencies: vec![Reason::new("domain_wide_certificate", text)] };
        }
        let mut found: Vec<EmailAddress> = Vec::new();
        for mailbox in self.by_rule(rule) {
            found.push(mailbox.address.clone());
        }
        found.sort();
        found.dedup();
        if found.is_empty() { AddressMatch::NoAddress } else { AddressMatch::Differs { found } }
    }

    fn domain_wide(&self, address: &EmailAddress, rule: DomainWide) -> Option<&WholeDomain> {
        self.domains.iter().find(|name| {
            let counts = match rule {
                DomainWide::Refuse => false,
                DomainWide::ByMailbox => !name.host,
                DomainWide::ByMailboxOrHost => true,
            };
            counts && name.domain == address.domain()
        })
    }

    /// `@example.com`: no mailbox, so that name constraints reject it as they do any other text that is none.
    fn take_domain(&mut self, text: &str) {
        let Some(domain) = domain_of(text.get(1..).unwrap_or_default()) else {
            return self.refuse("an rfc822Name", text, "nothing stands before the @");
        };
        let told = format!("the certificate has the rfc822Name {text}, for a whole domain and not for an address");
        self.malformed.push(Reason::new("domain_wide_name", told));
        self.domains.push(WholeDomain { domain, written: text.to_owned(), host: false });
    }

    fn take_host(&mut self, text: &str) {
        if let Some(domain) = domain_of(text) {
            self.domains.push(WholeDomain { domain, written: text.to_owned(), host: true });
        }
    }

    fn take(&mut self, text: &str, origin: Origin) {
        let what = match origin {
            Origin::Rfc822Name => "an rfc822Name",
            Origin::SmtpUtf8Mailbox => "an SmtpUTF8Mailbox",
            Origin::Subject | Origin::CommonName => "an emailAddress",
        };
        // SEC-50: blanks around an address are dropped (OUT-2); anything else that no address contains makes it none.
        let trimmed = text.trim_matches(' ');
        if trimmed.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return self.refuse(what, text, "it contains a blank or a control character");
        }
        let address: EmailAddress = match trimmed.parse() {
            Ok(address) => address,
            Err(error) => {
                let error: crate::base::address::AddressError = error;
                let text = format!("the certificate has {what} that is ignored: {error}");
                return self.malformed.push(Reason::new("malformed_rfc822name", text));
            }
        };
        // RFC 9598 section 3: the domain in A-labels, and this form only where the local part needs it (SEC-54).
        match (origin, address.local().is_ascii()) {
            (Origin::SmtpUtf8Mailbox, true) => {
                return self.refuse(what, text, "an address in ASCII belongs into an rfc822Name");
            }
            (Origin::SmtpUtf8Mailbox, false) if !trimmed.rsplit('@').next().is_some_and(str::is_ascii) => {
                return self.refuse(what, text, "its domain is not written in A-labels (xn--...)");
            }
            (Origin::Rfc822Name | Origin::Subject, _) if !trimmed.is_ascii() => {
                return self.refuse(what, text, "it is not ASCII");
            }
            _ => {}
        }
        if origin == Origin::Rfc822Name && GATEWAYS.iter().any(|name| address.local().eq_ignore_ascii_case(name)) {
            let domain = address.domain().to_owned();
            self.domains.push(WholeDomain { domain, written: address.to_string(), host: false });
        }
        let spelling = if trimmed.len() == text.len() { Spelling::Exact } else { Spelling::Padded };
        self.names.push(Mailbox { address, origin, spelling });
    }

    fn refuse(&mut self, what: &str, text: &str, why: &str) {
        let shown: String = text.chars().take(80).collect();
        let text = format!("the certificate has {what} \"{shown}\" that is ignored: {why}");
        self.malformed.push(Reason::new("malformed_rfc822name", text));
    }
}

/// Whether a certificate speaks for an address, by a rule.
///
/// ```no_run
/// use smime::cert::certificate::Certificate;
/// use smime::cert::mailbox::{AddressMatch, AddressRule, speaks_for};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let certificate = Certificate::from_der(&std::fs::read("alice.crt")?)?;
/// match speaks_for(&certificate, &"alice@example.com".parse()?, &AddressRule::OUTLOOK) {
///     AddressMatch::Matches { leniencies } => println!("yes, with {} leniencies", leniencies.len()),
///     AddressMatch::Differs { found } => println!("no, but for {found:?}"),
///     AddressMatch::NoAddress => println!("for nobody"),
/// }
/// # Ok(()) }
/// ```
pub fn speaks_for(cert: &Certificate, address: &EmailAddress, rule: &AddressRule) -> AddressMatch {
    Mailboxes::of(cert).speak_for(address, rule)
}

/// The local parts of mailboxes that stand for all of their domain: what gateways of several makers use, and RFC 3183
/// section 3.
const GATEWAYS: [&str; 3] = ["smime-gateway", "domain-signing-authority", "domain-confidentiality-authority"];

/// A host name without wildcard as a domain of mail; `None` where it is none.
fn domain_of(text: &str) -> Option<String> {
    if !text.is_ascii() {
        return None;
    }
    let address: EmailAddress = format!("x@{text}").parse().ok()?;
    // "a@b" after the first @ would have been a local part.
    (address.local() == "x" && !text.contains([' ', '\t'])).then(|| address.domain().to_owned())
}

/// A common name that is an address and nothing else.
fn common_name_address(text: &str) -> Option<EmailAddress> {
    text.parse().ok().filter(|_| text.is_ascii() && !text.contains([' ', '\t']))
}

fn leniencies(mailbox: &Mailbox, address: &EmailAddress) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !mailbox.address.same(address, LocalPart::Exact) {
        let text = format!("{address} and {} of the certificate differ in upper and lower case", mailbox.address);
        reasons.push(Reason::new("local_case_folded", text));
    } else if mailbox.address != *address {
        let text = format!("{address} and {} of the certificate compose the same letters differently", mailbox.address);
        reasons.push(Reason::new("local_normalized", text));
    }
    if mailbox.origin == Origin::Subject {
        let text = format!("{} stands in the subject of the certificate, not in its subjectAltName", mailbox.address);
        reasons.push(Reason::new("subject_email_used", text));
    }
    if mailbox.origin == Origin::CommonName {
        let text = format!("{} is the common name of the certificate, not an address in it", mailbox.address);
        reasons.push(Reason::new("common_name_used", text));
    }
    if mailbox.spelling == Spelling::Padded {
        let text = format!("{} stands in the certificate with blanks around it", mailbox.address);
        reasons.push(Reason::new("mailbox_space_trimmed", text));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::ber::Tag;
    use crate::asn1::der;
    use crate::cert::extension::Extension;
    use crate::cert::issue::tests::unsigned;
    use crate::cert::name::Name;

    /// A certificate with these rfc822Names, SmtpUTF8Mailboxes and subject addresses.
    fn cert(rfc822: &[&[u8]], utf8: &[&str], subject: &[&str]) -> Certificate {
        let mut names: Vec<Vec<u8>> = rfc822.iter().map(|text| der::primitive(Tag::context(1), text)).collect();
        names.extend(utf8.iter().map(|text| {
            let value = der::explicit(0, &der::primitive(Tag::UTF8_STRING, text.as_bytes()));
            der::retag(Tag::context(0), &der::sequence(&[der::oid(&oid::SMTP_UTF8_MAILBOX), value]))
        }));
        let emails: Vec<_> = subject.iter().map(|text| (oid::ID_EMAIL_ADDRESS, *text)).collect();
        let mut template = unsigned(Name::build(&emails));
        if !names.is_empty() {
            let value = der::sequence(&names);
            template.extensions.push(Extension { oid: oid::SUBJECT_ALT_NAME, critical: false, value });
        }
        crate::cert::issue::tests::with_dummy_signature(&template)
    }

    fn ask(cert: &Certificate, address: &str, rule: &AddressRule) -> String {
        match speaks_for(cert, &address.parse().unwrap(), rule) {
            AddressMatch::Matches { leniencies } => {
                leniencies.iter().fold("yes".to_owned(), |text, reason| format!("{text} {}", reason.code))
            }
            AddressMatch::Differs { found } => {
                found.iter().fold("no".to_owned(), |text, address| format!("{text} {address}"))
            }
            AddressMatch::NoAddress => "nobody".to_owned(),
        }
    }

    #[test]
    fn the_rule_decides_about_case_and_subject() {
        let both = cert(&[b"Alice@Example.com"], &[], &["old@example.com"]);
        assert_eq!(ask(&both, "Alice@example.com", &AddressRule::STRICT), "yes");
        assert_eq!(ask(&both, "alice@example.com", &AddressRule::STRICT), "no Alice@example.com");
        assert_eq!(ask(&both, "alice@example.com", &AddressRule::OUTLOOK), "yes local_case_folded");
        assert_eq!(ask(&both, "old@example.com", &AddressRule::STRICT), "no Alice@example.com");
        assert_eq!(ask(&both, "old@example.com", &AddressRule::OUTLOOK), "yes subject_email_used");
        let subject = cert(&[], &[], &["old@example.com"]);
        assert_eq!(ask(&subject, "old@example.com", &AddressRule::STRICT), "yes subject_email_used");
        let twice = cert(&[b"OLD@example.com", b"old@example.com"], &[], &["old@example.com"]);
        assert_eq!(ask(&twice, "old@example.com", &AddressRule::OUTLOOK), "yes");
    }

    #[test]
    fn what_is_no_mailbox_is_ignored_and_told() {
        let bad: &[&[u8]] = &[
            b"victim@example.com\0.evil.example",
            b"victim@example.com\r\n",
            b"\tvictim@example.com",
            b"vic tim@example.com",
            b"Victim <victim@example.com>",
            b"<victim@example.com>",
            b"",
            b"victim",
            b"a@victim@example.com",
            b"victim@example.com.",
            b"victim@.example.com",
            b"victim@[192.0.2.1]",
            b".victim@example.com",
            b"@@example.com",
            b"@",
            b"@victim@example.com",
            b"victim@xn--example-.com",
            b"victim\xe9@example.com",
        ];
        for name in bad {
            let cert = cert(&[name], &[], &["victim@example.com"]);
            let mailboxes = Mailboxes::of(&cert);
            assert_eq!(mailboxes.malformed().len(), 1, "{name:?}");
            assert_eq!(mailboxes.malformed()[0].code, "malformed_rfc822name");
            // A malformed mailbox in the subjectAltName is one: the subject does not step in by the strict rule.
            assert_eq!(ask(&cert, "victim@example.com", &AddressRule::STRICT), "nobody", "{name:?}");
        }
        let long = [b"x".repeat(10_000), b"@example.com".to_vec()].concat();
        assert!(Mailboxes::of(&cert(&[&long], &[], &[])).malformed()[0].text.len() < 400);
        assert_eq!(
            ask(&cert(&[b" a@example.com "], &[], &[]), "a@example.com", &AddressRule::STRICT),
            "yes mailbox_space_trimmed"
        );
    }

    #[test]
    fn internationalized_mailboxes_keep_to_their_form() {
        let rule = AddressRule::STRICT;
        assert_eq!(ask(&cert(&[], &["jürgen@example.com"], &[]), "jürgen@example.com", &rule), "yes");
        for bad in ["plain@example.com", "jürgen@bücher.example", "jürgen\0@example.com"] {
            assert_eq!(Mailboxes::of(&cert(&[], &[bad], &[])).malformed().len(), 1, "{bad}");
        }
    }

    #[test]
    fn sec_054_one_domain_however_it_is_written() {
        let rule = AddressRule::STRICT;
        let rfc822 = cert(&[b"alice@XN--bcher-kva.example"], &[], &[]);
        assert_eq!(ask(&rfc822, "alice@b\u{fc}cher.example", &rule), "yes");
        assert_eq!(ask(&rfc822, "alice@bucher.example", &rule), "no alice@xn--bcher-kva.example");
        let utf8 = cert(&[], &["j\u{fc}rgen@xn--bcher-kva.example"], &[]);
        assert_eq!(ask(&utf8, "j\u{fc}rgen@b\u{fc}cher.example", &rule), "yes");
        assert_eq!(ask(&utf8, "ju\u{308}rgen@b\u{fc}cher.example", &rule), "yes local_normalized");
    }

    #[test]
    fn a_whole_domain_counts_on_the_callers_word() {
        let by_mailbox = AddressRule { domain_wide: DomainWide::ByMailbox, ..AddressRule::STRICT };
        let by_host = AddressRule { domain_wide: DomainWide::ByMailboxOrHost, ..AddressRule::STRICT };
        for name in ["@Example.com", "smime-gateway@example.com", "domain-signing-authority@example.com"] {
            let cert = cert(&[name.as_bytes()], &[], &[]);
            assert!(ask(&cert, "alice@example.com", &AddressRule::STRICT).starts_with("no"), "{name}");
            assert!(ask(&cert, "alice@example.com", &AddressRule::OUTLOOK).starts_with("no"), "{name}");
            assert_eq!(ask(&cert, "alice@example.com", &by_mailbox), "yes domain_wide_certificate");
            for other in ["alice@mail.example.com", "alice@example.org", "alice@notexample.com"] {
                assert!(ask(&cert, other, &by_host).starts_with("no"), "{name} {other}");
            }
        }
        assert_eq!(Mailboxes::of(&cert(&[b"@example.com"], &[], &[])).malformed()[0].code, "domain_wide_name");
        let host = |name: &str| {
            let mut template = unsigned(Name::build(&[]));
            let value = der::sequence(&[der::primitive(Tag::context(2), name.as_bytes())]);
            template.extensions.push(Extension { oid: oid::SUBJECT_ALT_NAME, critical: false, value });
            crate::cert::issue::tests::with_dummy_signature(&template)
        };
        assert_eq!(ask(&host("example.com"), "alice@example.com", &by_mailbox), "nobody");
        assert_eq!(ask(&host("example.com"), "alice@example.com", &by_host), "yes domain_wide_certificate");
        for name in ["*.example.com", "*", "alice@example.com", " example.com", "example.com."] {
            assert_eq!(ask(&host(name), "alice@example.com", &by_host), "nobody", "{name}");
        }
        // An address that is named needs no word of anybody.
        let both = cert(&[b"@example.com", b"alice@example.com"], &[], &[]);
        assert_eq!(ask(&both, "alice@example.com", &by_host), "yes");
    }

    #[test]
    fn a_common_name_counts_on_the_callers_word() {
        let rule = AddressRule { common_name: CommonName::Match, ..AddressRule::STRICT };
        let named = |text: &str, rfc822: Option<&str>| {
            let mut template = unsigned(Name::build(&[(oid::COMMON_NAME, text)]));
            template.emails = rfc822.iter().map(|text| text.parse().unwrap()).collect();
            crate::cert::issue::tests::with_dummy_signature(&template)
        };
        assert_eq!(ask(&named("alice@example.com", None), "alice@example.com", &rule), "yes common_name_used");
        let with_san = named("alice@example.com", Some("bob@example.com"));
        assert_eq!(ask(&with_san, "alice@example.com", &rule), "no bob@example.com");
        let always = AddressRule { common_name: CommonName::Match, ..AddressRule::OUTLOOK };
        assert_eq!(ask(&with_san, "alice@example.com", &always), "yes common_name_used");
        assert_eq!(ask(&named("Alice <alice@example.com>", None), "alice@example.com", &rule), "nobody");
    }

    #[test]
    fn common_names_are_no_addresses_and_ten_thousand_names_are_no_burden() {
        let named = crate::cert::issue::tests::with_dummy_signature(&unsigned(Name::build(&[(
            oid::COMMON_NAME,
            "alice@example.com",
        )])));
        assert_eq!(ask(&named, "alice@example.com", &AddressRule::OUTLOOK), "nobody");
        let names: Vec<Vec<u8>> = (0..10_000).map(|n| format!("u{n}@example.com").into_bytes()).collect();
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        assert_eq!(ask(&cert(&names, &[], &[]), "u9999@example.com", &AddressRule::STRICT), "yes");
    }
}
