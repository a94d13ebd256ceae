//! Writes LDIF: entries that were read, and people with their certificates, as directories take them.

use super::{Attribute, Entry, Ldif, Value};
use crate::cert::certificate::Certificate;
use crate::cert::mailbox::Mailboxes;
use crate::store::{p7c, pem};
use std::fmt::Write;

/// Columns of a line; what is longer is folded (RFC 2849, note 2).
const COLUMNS: usize = 76;

impl Ldif {
    /// The file: version 1, entries separated by empty lines, lines of at most 76 columns, ended by LF. A value that is
    /// no SAFE-STRING is written in base64.
    pub fn to_text(&self) -> String {
        let mut text = String::from("version: 1\n");
        for entry in &self.entries {
            text.push('\n');
            line(&mut text, "dn", &spec(entry.dn.as_bytes()));
            for attribute in &entry.attributes {
                let value = match &attribute.value {
                    Value::Bytes(bytes) => spec(bytes),
                    Value::Url(url) => format!(":< {url}"),
                };
                line(&mut text, &attribute.to_string(), &value);
            }
        }
        text
    }
}

impl Entry {
    /// A person with certificates, as an `inetOrgPerson` (RFC 2798): each under `userCertificate;binary` (RFC 4523
    /// section 4.1), and all together, unsigned, under `userSMIMECertificate`, without `;binary`, which OpenLDAP refuses
    /// there (OUT-95). The addresses are those of the certificates.
    ///
    /// A directory wants the first attribute of the name to be one of the entry: `cn=...`.
    pub fn person(dn: &str, certificates: &[Certificate]) -> Self {
        let first = certificates.first().and_then(|certificate| certificate.subject().common_name());
        let name = first.map_or_else(|| common_name(dn), str::to_owned);
        let surname = name.rsplit(' ').next().unwrap_or(&name).to_owned();
        let mut entry = Self { dn: dn.to_owned(), line: 0, attributes: Vec::new() };
        for class in ["top", "person", "organizationalPerson", "inetOrgPerson"] {
            entry.add("objectClass", &[], class.as_bytes());
        }
        entry.add("cn", &[], name.as_bytes());
        entry.add("sn", &[], surname.as_bytes());
        let mut addresses = Vec::new();
        for mailbox in certificates.iter().flat_map(|certificate| Mailboxes::of(certificate).all().to_vec()) {
            if !addresses.contains(&mailbox.address) {
                entry.add("mail", &[], mailbox.address.to_string().as_bytes());
                addresses.push(mailbox.address);
            }
        }
        for certificate in certificates {
            entry.add("userCertificate", &["binary"], certificate.der());
        }
        if !certificates.is_empty() {
            entry.add("userSMIMECertificate", &[], &p7c::write(certificates, &[]));
        }
        entry
    }

    fn add(&mut self, name: &str, options: &[&str], value: &[u8]) {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let value = Value::Bytes(value.to_vec());
        self.attributes.push(Attribute { name: name.to_owned(), options, value, line: 0 });
    }
}

/// The value of a name's first part, for people who have no common name.
fn common_name(dn: &str) -> String {
    let first = dn.split(',').next().unwrap_or(dn);
    first.split_once('=').map_or(first, |(_, value)| value).trim().to_owned()
}

/// A colon with the value, or two with its base64.
fn spec(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok("") => ":".to_owned(),
        Ok(text) if is_safe(value) => format!(": {text}"),
        _ => format!(":: {}", pem::encode(value)),
    }
}

/// SAFE-STRING, and no blank at its end, which nobody would see (RFC 2849, note 8).
fn is_safe(value: &[u8]) -> bool {
    let safe = value.iter().all(|b| (1..128).contains(b) && !matches!(b, b'\r' | b'\n'));
    safe && !matches!(value.first(), Some(b' ' | b':' | b'<')) && value.last() != Some(&b' ')
}

/// All of it is ASCII but for a dn or a description that is not, which [`spec`] has put in base64.
fn line(text: &mut String, name: &str, spec: &str) {
    let whole = format!("{name}{spec}");
    let (mut now, mut rest) = whole.split_at_checked(COLUMNS).unwrap_or((&whole, ""));
    let _ = writeln!(text, "{now}");
    while !rest.is_empty() {
        (now, rest) = rest.split_at_checked(COLUMNS - 1).unwrap_or((rest, ""));
        let _ = writeln!(text, " {now}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::Limits;
    use crate::store::ldif::ChangeRecords;
    use crate::store::testing::{certificate, key};

    #[test]
    fn what_is_written_reads_back_within_76_columns() {
        let ca_key = key();
        let ca = certificate("Root", 1, &ca_key, None);
        let own = certificate("Alice B\u{f6}hm", 2, &key(), Some((&ca, &ca_key)));
        let mut file = Ldif::default();
        file.push(Entry::person("cn=Alice B\u{f6}hm,dc=example", std::slice::from_ref(&own)));
        file.push(Entry::person(&format!("cn={}", "x".repeat(400)), &[]));
        let mut odd = Entry { dn: " leading".into(), line: 0, attributes: Vec::new() };
        for value in [&b""[..], b" x", b":x", b"<x", b"x ", b"a\nb", b"\0", b"\xff", b"plain", &b"y".repeat(76 - 5)] {
            odd.add("key", &["lang-de"], value);
        }
        odd.attributes.push(Attribute { value: Value::Url("file:///x".into()), ..odd.attributes[0].clone() });
        file.push(odd);
        let text = file.to_text();
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= COLUMNS), "{text}");
        let read = Ldif::read(text.as_bytes(), ChangeRecords::Refuse, &Limits::default()).unwrap();
        for (wrote, read) in file.entries().iter().zip(read.entries()) {
            let values = |e: &Entry| e.attributes.iter().map(|a| (a.to_string(), a.value.clone())).collect::<Vec<_>>();
            assert_eq!((wrote.dn(), values(wrote)), (read.dn(), values(read)));
        }
        assert_eq!(read.entries().len(), 3);
        let person = &read.entries()[0];
        assert_eq!(person.values("sn").next().unwrap().text(), Some("B\u{f6}hm"));
        assert_eq!(person.values("mail").next().unwrap().text(), Some("alice@example.com"));
        assert_eq!(person.values("userCertificate").next().unwrap().bytes(), Some(own.der()));
        assert!(text.contains("userCertificate;binary:: ") && text.contains("userSMIMECertificate:: "));
    }
}
