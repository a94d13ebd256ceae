//! The directory servers of the command line.

use crate::args::Servers;
use crate::console::Console;
use crate::failure::Failure;
use crate::input::PasswordFrom;
use crate::store;
use smime::fetch::connect::{Addresses, Connector, Timeouts};
use smime::fetch::ldap::client::Credentials;
use smime::fetch::ldap::directory::LdapDirectory;
use smime::fetch::ldap::url::{LdapUrl, Scheme};
use smime::fetch::tls::Tls;
use smime::store::directory::guarded::Guarded;
use smime::{InOrder, Time};

/// Connections to one server, where the recipients of many mails are looked up at a time.
const LINES: usize = 4;

/// Puts them behind the other sources. Nothing is connected to before its answer is wanted.
pub(crate) fn add_to(
    sources: &mut InOrder<'_>,
    args: &Servers,
    now: Time,
    of_many: bool,
    console: Console,
) -> Result<(), Failure> {
    let tls = match args.ca.as_slice() {
        [] => None,
        paths => {
            Some(Tls::new(&store::certificates(paths, console)?, now).map_err(|e| Failure::usage(e).about("--ca"))?)
        }
    };
    let credentials = match (&args.bind, &args.bind_password_file) {
        (Some(dn), Some(file)) => {
            let password = PasswordFrom::File(file.clone()).read(console)?;
            Credentials::simple(dn, password).map_err(|e| Failure::usage(e).about("--bind"))?
        }
        _ => Credentials::Anonymous,
    };
    let wants_tls = |url: &LdapUrl| url.scheme == Scheme::Ldaps || args.start_tls;
    if tls.is_some() && !args.ldap.iter().any(wants_tls) {
        return Err(Failure::usage("no directory is asked within TLS").about("--ca").hint("ldaps://, or --start-tls"));
    }
    for url in &args.ldap {
        let wants_tls = wants_tls(url);
        if wants_tls && tls.is_none() {
            let why = "its certificate has to be held against an authority";
            return Err(Failure::usage(why)
                .about(url)
                .hint("--ca FILE with the authority of the directory's certificate"));
        }
        if !wants_tls && args.bind.is_some() {
            let why = "a password is sent within TLS only";
            return Err(Failure::usage(why).about(url).hint("ldaps://, or --start-tls"));
        }
        if !wants_tls {
            console.warn(format_args!("{url} is asked in the clear: others can see whom you write to"));
        }
        let mut url = url.clone();
        if args.base.is_some() {
            url.base.clone_from(&args.base);
        }
        // Whoever names a host here may reach it; it was no mail that named it.
        let addresses = Addresses::PublicAnd(vec![url.host.clone()]);
        let connector = Connector::new(Timeouts::default()).with_addresses(addresses);
        let line = || {
            let directory = LdapDirectory::new(url.clone(), connector.clone()).with_credentials(credentials.clone());
            match &tls {
                Some(tls) if wants_tls => directory.with_tls(tls.clone()),
                _ => directory,
            }
        };
        if of_many {
            sources.push(Guarded::new((0..LINES).map(|_| line())));
        } else {
            sources.push(line());
        }
    }
    Ok(())
}
