//! What a directory server says: messages by themselves, a whole conversation, and filters, which are written and read again.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::Limits;
use smime::fetch::ldap::Channel;
use smime::fetch::ldap::client::{Client, Credentials};
use smime::fetch::ldap::filter::Filter;
use smime::fetch::ldap::message::{Message, Operation, Search};
use smime::fetch::ldap::url::{LdapUrl, Scope};
use smime::store::directory::entry::Contents;
use smime::store::directory::smime_value;
use std::io::{self, Read, Write};

/// The server's words; what is said to it is lost.
struct Words<'a>(&'a [u8]);

impl Read for Words<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Words<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let mut contents = Contents::default();
    if let Ok(Message { operation: Operation::Entry(entry), .. }) = Message::read(data, &limits) {
        entry.add_to(&mut contents, &limits);
    }
    let _ = smime_value::read(data, &limits);
    let mut client = Client::new(Words(data), Channel::Clear, &limits);
    if client.bind(&Credentials::Anonymous).is_ok() {
        let _ = client.naming_contexts();
        let filter = Filter::Present("objectClass".to_owned());
        let search = Search {
            base: "",
            scope: Scope::Subtree,
            filter: &filter,
            attributes: &["userCertificate"],
            size_limit: 50,
            time_limit: 10,
        };
        if let Ok(found) = client.search(&search) {
            assert!(found.entries.len() <= limits.ldap_entries);
            found.entries.iter().for_each(|entry| entry.add_to(&mut contents, &limits));
        }
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(url) = text.parse::<LdapUrl>() {
        assert!(url.server().parse::<LdapUrl>().is_ok());
    }
    if let Ok(filter) = text.parse::<Filter>() {
        let written = filter.to_string();
        // What is escaped is longer than it was.
        if written.len() <= 4096 {
            assert_eq!(written.parse::<Filter>().unwrap(), filter);
        }
    }
});
