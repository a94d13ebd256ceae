//! Where a certificate says that its authority publishes, and for how long what is published there holds: what keeps the
//! world from checking it (OUT-141, OUT-145). Notes, which decide nothing.

use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cert::crl::Crl;

/// The host of `scheme://user@host:port/path`.
pub(super) fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') {
        return host.split_inclusive(']').next();
    }
    host.split(':').next().filter(|host| !host.is_empty())
}

/// Whether only an inner network knows a name: it is one without a dot, or below a domain that is reserved for that (RFC
/// 6761, RFC 6762, and what ICANN reserved). Which other domains exist is not known here.
pub(super) fn is_inner_name(host: &str) -> bool {
    const INNER: [&str; 10] =
        ["local", "localhost", "internal", "intranet", "lan", "corp", "home", "private", "test", "invalid"];
    if host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok() {
        return false;
    }
    match host.trim_end_matches('.').rsplit_once('.') {
        None => true,
        Some((_, top)) => INNER.contains(&top.to_ascii_lowercase().as_str()),
    }
}

/// What keeps the world from fetching the lists that a certificate names: no address, an address that is not http, a host
/// that no public network knows (OUT-145). Codes `crl_not_published`, `crl_not_http`, `crl_not_public`. A list at one good
/// address is enough.
pub fn obstacles(certificate: &Certificate) -> Vec<Reason> {
    let points = certificate.distribution_points().unwrap_or_default();
    let who = certificate.subject().brief();
    let mut reasons = Vec::new();
    for url in points.iter().flat_map(|point| point.urls()) {
        let http = url.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://"));
        let inner = host(url).is_none_or(|host| is_inner_name(host) || is_inner_address(host));
        if http && !inner {
            return Vec::new();
        }
        let (code, why) = match http {
            false => ("crl_not_http", "which is not http"),
            true => ("crl_not_public", "whose host no public network knows"),
        };
        let text =
            format!("the revocation list about \"{who}\" is published at {url}, {why}: the world cannot check it");
        reasons.push(Reason::new(code, text));
    }
    if reasons.is_empty() {
        let text = format!("the certificate of \"{who}\" does not say where its revocation list is published");
        reasons.push(Reason::new("crl_not_published", text));
    }
    reasons
}

fn is_inner_address(host: &str) -> bool {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let inner_v4 = |one: Ipv4Addr| one.is_private() || one.is_loopback() || one.is_link_local() || one.is_unspecified();
    let inner_v6 = |one: Ipv6Addr| match one.to_ipv4_mapped() {
        Some(one) => inner_v4(one),
        None => one.is_loopback() || one.is_unspecified() || one.is_unique_local() || one.is_unicast_link_local(),
    };
    match bare.parse() {
        Ok(IpAddr::V4(one)) => inner_v4(one),
        Ok(IpAddr::V6(one)) => inner_v6(one),
        Err(_) => false,
    }
}

const DAY: i64 = 86_400;

/// Whether a list holds for longer than the S/MIME Baseline Requirements section 4.9.7 allow: ten days where it is about
/// users, twelve months where it is about authorities (OUT-141). Code `crl_holds_long`.
pub fn holds_too_long(crl: &Crl, about: &Certificate) -> Option<Reason> {
    let (from, until) = (crl.this_update()?, crl.next_update()?);
    let is_ca = about.basic_constraints().is_some_and(|constraints| constraints.ca);
    let (most, in_words) = if is_ca { (366 * DAY, "twelve months") } else { (10 * DAY, "ten days") };
    let text = format!(
        "the revocation list of \"{}\" holds from {from} until {until}: longer than {in_words}, so that a revocation may \
         be long in coming",
        crl.issuer().brief()
    );
    (until.unix() - from.unix() > most).then(|| Reason::new("crl_holds_long", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_and_told_apart() {
        for (uri, found, inner) in [
            ("http://crl.example.com/a", Some("crl.example.com"), false),
            ("http://user@crl:80/a", Some("crl"), true),
            ("ldap://dc.corp/a?b", Some("dc.corp"), true),
            ("http://[::1]:80/", Some("[::1]"), false),
            ("http://10.0.0.1/", Some("10.0.0.1"), false),
            ("http:///a", None, false),
            ("file:/a", None, false),
        ] {
            assert_eq!(host(uri), found, "{uri}");
            assert_eq!(found.is_some_and(is_inner_name), inner, "{uri}");
        }
        for (host, inner) in [
            ("10.0.0.1", true),
            ("127.0.0.1", true),
            ("[::1]", true),
            ("[fd00::1]", true),
            ("[::ffff:10.0.0.1]", true),
            ("9.9.9.9", false),
            ("[2606:4700::1111]", false),
            ("a.example", false),
        ] {
            assert_eq!(is_inner_address(host), inner, "{host}");
        }
    }
}
