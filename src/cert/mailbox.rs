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
/// A common name that looks like an address is none (OUT-3).
#[derive(Clone, Debug, Default)]
pub struct Mailboxes {
    names: Vec<Mailbox>,
    malformed: Vec<Reason>,
    alternative: bool,
    /// Domains that the certificate is for as a whole: dNSName, an rfc822Name without local part.
    domains: Vec<String>,
    /// The common name, where it is a mail address.
    common_name: Option<EmailAddress>,
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
}

/// How an address is written in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As RFC 5280 wants it.
    Exact,
    /// With blanks before or after it, which were dropped (OUT-2).
    Padded,
    /// With a domain in its own letters instead of A-labels, as RFC 8398 drafts had it and RFC 9598 has no more.
    UnicodeDomain,
}

/// By which rule addresses are compared. The default is the strict one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressRule {
    /// How local parts are compared.
    pub local: LocalPart,
    /// Whether the subject's emailAddress counts.
    pub subject: SubjectEmail,
    /// Whether a certificate for a whole domain counts for its addresses.
    pub domain_wide: OnRequest,
    /// Whether a common name that is a mail address counts (OUT-3).
    pub common_name: OnRequest,
}

/// What only counts on the caller's word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRequest {
    /// It does not count.
    #[default]
    Refuse,
    /// It counts, and is noted.
    Accept,
}

impl AddressRule {
    /// RFC 8550 section 3 and RFC 5280 section 7.5: profiles `strict` and `rfc8551`.
    pub const STRICT: Self = Self {
        local: LocalPart::Exact,
        subject: SubjectEmail::OnlyWithoutSan,
        domain_wide: OnRequest::Refuse,
        common_name: OnRequest::Refuse,
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

/// Whether a certificate speaks for an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressMatch {
    /// It does.
    Matches {
        /// What a stricter rule would not have allowed: `local_case_folded`, `subject_email_used`,
        /// `mailbox_space_trimmed`.
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
                GeneralName::Rfc822(text) if text.starts_with('@') => {
                    read.domains.extend(domain_of(text));
                    read.refuse("an rfc822Name", text, "it names a whole domain, which counts on request only");
                }
                GeneralName::Dns(text) => read.domains.extend(domain_of(&format!("@{text}"))),
                GeneralName::Rfc822(text) => read.take(text, Origin::Rfc822Name),
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
        read.common_name = cert.subject().common_name().and_then(|text| text.parse().ok());
        read
    }

    /// The addresses, in the order of the certificate.
    pub fn all(&self) -> &[Mailbox] {
        &self.names
    }

    /// What stands where an address belongs and is none, `malformed_rfc822name` each: ignored, never cut short or
    /// repaired (SEC-50, SEC-51).
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
        self.names.iter().filter(move |mailbox| subject_counts || mailbox.origin != Origin::Subject)
    }

    /// Whether an address is among them by a rule; of several that match, the one that needs the fewest leniencies
    /// answers.
    pub fn speak_for(&self, address: &EmailAddress, rule: &AddressRule) -> AddressMatch {
        let matching = self.by_rule(rule).filter(|mailbox| mailbox.address.same(address, rule.local));
        let leniencies = matching.map(|mailbox| leniencies(mailbox, address)).min_by_key(Vec::len);
        if let Some(leniencies) = leniencies {
            return AddressMatch::Matches { leniencies };
        }
        if rule.domain_wide == OnRequest::Accept && self.domains.iter().any(|domain| domain == address.domain()) {
            let text = format!("the certificate is for all of {}, and not for {address} by name", address.domain());
            return AddressMatch::Matches { leniencies: vec![Reason::new("domain_wide_certificate", text)] };
        }
        let by_name = self.common_name.as_ref().filter(|name| name.same(address, rule.local));
        if let (OnRequest::Accept, Some(name)) = (rule.common_name, by_name) {
            let text = format!("{name} stands in the common name of the certificate only");
            return AddressMatch::Matches { leniencies: vec![Reason::new("common_name_used", text)] };
        }
        let mut found: Vec<EmailAddress> = Vec::new();
        for mailbox in self.by_rule(rule) {
            found.push(mailbox.address.clone());
        }
        found.sort();
        found.dedup();
        if found.is_empty() { AddressMatch::NoAddress } else { AddressMatch::Differs { found } }
    }

    fn take(&mut self, text: &str, origin: Origin) {
        let what = match origin {
            Origin::Rfc822Name => "an rfc822Name",
            Origin::SmtpUtf8Mailbox => "an SmtpUTF8Mailbox",
            Origin::Subject => "an emailAddress",
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
        // RFC 9598 section 3: this form only where the local part needs it (SEC-54).
        let unicode_domain = trimmed.rsplit('@').next().is_some_and(|domain| !domain.is_ascii());
        match (origin, address.local().is_ascii()) {
            (Origin::SmtpUtf8Mailbox, true) => {
                return self.refuse(what, text, "an address in ASCII belongs into an rfc822Name");
            }
            (Origin::Rfc822Name | Origin::Subject, ascii) if !ascii || unicode_domain => {
                return self.refuse(what, text, "it is not ASCII");
            }
            _ => {}
        }
        let spelling = match (unicode_domain, trimmed.len() == text.len()) {
            (true, _) => Spelling::UnicodeDomain,
            (_, false) => Spelling::Padded,
            _ => Spelling::Exact,
        };
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
    cert.mailboxes().speak_for(address, rule)
}

/// The domain of `@domain`, in A-labels.
fn domain_of(text: &str) -> Option<String> {
    let address: EmailAddress = format!("x{text}").parse().ok()?;
    Some(address.domain().to_owned())
}

fn leniencies(mailbox: &Mailbox, address: &EmailAddress) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !mailbox.address.same(address, LocalPart::Exact) {
        let text = format!("{address} and {} of the certificate differ in upper and lower case", mailbox.address);
        reasons.push(Reason::new("local_case_folded", text));
    }
    if mailbox.origin == Origin::Subject {
        let text = format!("{} stands in the subject of the certificate, not in its subjectAltName", mailbox.address);
        reasons.push(Reason::new("subject_email_used", text));
    }
    if mailbox.spelling == Spelling::UnicodeDomain {
        let text = format!("the domain of {} stands in the certificate in letters that are not ASCII", mailbox.address);
        reasons.push(Reason::new("unicode_domain_used", text));
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
    fn sec_050_sec_051_what_is_no_mailbox_is_ignored_and_told() {
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
        let unicode = cert(&[], &["jürgen@bücher.example"], &[]);
        assert_eq!(ask(&unicode, "jürgen@xn--bcher-kva.example", &rule), "yes unicode_domain_used");
        for bad in ["plain@example.com", "plain@bücher.example", "jürgen\0@example.com"] {
            assert_eq!(Mailboxes::of(&cert(&[], &[bad], &[])).malformed().len(), 1, "{bad}");
        }
    }

    #[test]
    fn whole_domains_and_common_names_count_on_request_only() {
        let domain = cert(&[b"@example.com"], &[], &[]);
        let wide = AddressRule { domain_wide: OnRequest::Accept, ..AddressRule::OUTLOOK };
        assert_eq!(ask(&domain, "a@example.com", &AddressRule::OUTLOOK), "nobody");
        assert_eq!(ask(&domain, "a@Example.com", &wide), "yes domain_wide_certificate");
        assert_eq!(ask(&domain, "a@mail.example.com", &wide), "nobody");
        let named = crate::cert::issue::tests::with_dummy_signature(&unsigned(Name::build(&[(
            oid::COMMON_NAME,
            "alice@example.com",
        )])));
        let by_name = AddressRule { common_name: OnRequest::Accept, ..AddressRule::OUTLOOK };
        assert_eq!(ask(&named, "Alice@example.com", &by_name), "yes common_name_used");
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
