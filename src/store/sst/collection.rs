//! What a store may be used for: the virtual certificate collection that Exchange makes of it (OUT-20), the properties
//! that keep a member from being an anchor for mail (OUT-105), and members whose time is over (OUT-25).

use super::property::{
    DISALLOWED, DISALLOWED_KEY_USAGE, ENHANCED_KEY_USAGE, NOT_BEFORE, NOT_BEFORE_KEY_USAGE, Property,
};
use super::{Element, SerializedStore};
use crate::asn1::oid;
use crate::base::reason::Reason;
use crate::base::time::Time;
use crate::cert;
use crate::cert::certificate::Certificate;
use crate::cert::chain::Trust;
use crate::cert::purpose::usage_names;
use const_oid::ObjectIdentifier;
use std::collections::HashMap;
use std::fmt;

/// Whether properties limit what a member is trusted for. That CryptoAPI honours them is documented; that Exchange does
/// is inferred (OUT-105).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnchorProperties {
    /// A root that the store does not trust for mail is no anchor.
    #[default]
    Honour,
    /// Every self-signed member is one.
    Ignore,
}

/// What the properties of a certificate say against it as an anchor for mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnchorLimits(Vec<Limit>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Limit {
    /// Property 9 does not list emailProtection.
    Usages(Vec<ObjectIdentifier>),
    /// Property 122 lists emailProtection, or everything.
    MailDisallowed,
    /// Property 104: from this moment on, or always.
    Disallowed(Option<Time>),
    /// A property that decides, and whose value is none that it can have.
    Unreadable(&'static str),
    /// Property 126: what it issues from this moment on is not trusted. Told, and not judged by.
    Issued(Option<Time>),
}

impl AnchorLimits {
    /// What the properties of an element say (OUT-105). One that is malformed counts against it; of several of the
    /// same id, each counts.
    pub fn of(element: &Element) -> Self {
        let properties = element.properties();
        let about_mail = |p: &Property| p.value().is_empty() || p.usages().is_ok_and(|usages| covers_mail(&usages));
        let mut scope = properties.iter().filter(|p| p.id() == NOT_BEFORE_KEY_USAGE).peekable();
        let issued_is_about_mail = scope.peek().is_none() || scope.any(about_mail);
        let limit = |property: &Property| {
            let unreadable = property.name().map(Limit::Unreadable);
            match (property.id(), property.usages()) {
                (ENHANCED_KEY_USAGE, Ok(usages)) if !usages.contains(&oid::EMAIL_PROTECTION) => {
                    Some(Limit::Usages(usages))
                }
                (DISALLOWED_KEY_USAGE, Ok(usages)) => covers_mail(&usages).then_some(Limit::MailDisallowed),
                (ENHANCED_KEY_USAGE | DISALLOWED_KEY_USAGE, Err(_)) => unreadable,
                (DISALLOWED, _) => match (property.value().is_empty(), property.time()) {
                    (true, _) => Some(Limit::Disallowed(None)),
                    (false, Some(at)) => Some(Limit::Disallowed(Some(at))),
                    (false, None) => unreadable,
                },
                (NOT_BEFORE, _) if issued_is_about_mail => Some(Limit::Issued(property.time())),
                _ => None,
            }
        };
        Self(properties.iter().filter_map(limit).collect())
    }

    /// Whether nothing limits it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what another store says.
    pub fn extend(&mut self, other: Self) {
        for limit in other.0 {
            if !self.0.contains(&limit) {
                self.0.push(limit);
            }
        }
    }

    /// Why the certificate is no anchor for mail at that moment; `None` where it may be one.
    pub fn against(&self, at: Time) -> Option<Reason> {
        self.0.iter().find_map(|limit| limit.against(at))
    }

    /// What is not judged by and good to know: `anchor_issued_since`.
    pub fn notes(&self) -> Vec<Reason> {
        let note = |limit: &Limit| match limit {
            Limit::Issued(since) => {
                let since = since.map_or_else(|| "a moment that it does not name".to_owned(), |at| at.to_string());
                let text = format!(
                    "the store does not trust what it issued since {since}; who signed when is not held against that"
                );
                Some(Reason::new("anchor_issued_since", text))
            }
            _ => None,
        };
        self.0.iter().filter_map(note).collect()
    }
}

impl Limit {
    fn against(&self, at: Time) -> Option<Reason> {
        match self {
            Self::Usages(usages) => {
                let text = format!("the store trusts it for other things than mail ({})", usage_names(usages));
                Some(Reason::new("anchor_not_for_mail", text))
            }
            Self::MailDisallowed => Some(Reason::new("anchor_mail_disallowed", "the store does not trust it for mail")),
            Self::Disallowed(None) => Some(Reason::new("anchor_disallowed", "the store does not trust it any more")),
            Self::Disallowed(Some(since)) if *since <= at => {
                Some(Reason::new("anchor_disallowed", format!("the store does not trust it since {since}")))
            }
            Self::Unreadable(name) => {
                let text = format!("its property {name}, which may speak against it, is malformed");
                Some(Reason::new("anchor_property_malformed", text))
            }
            Self::Disallowed(Some(_)) | Self::Issued(_) => None,
        }
    }
}

fn covers_mail(usages: &[ObjectIdentifier]) -> bool {
    usages.contains(&oid::EMAIL_PROTECTION) || usages.contains(&oid::ANY_EXTENDED_KEY_USAGE)
}

/// What Exchange trusts once a store is set as `SMIMECertificateIssuingCA` (OUT-20).
#[derive(Clone, Debug, Default)]
pub struct CertificateCollection {
    /// Self-signed members.
    pub anchors: Vec<Certificate>,
    /// The others, of which chains are built.
    pub intermediates: Vec<Certificate>,
    /// Self-signed members that the store itself does not trust for mail, each with the reason (OUT-105).
    pub restricted: Vec<(Certificate, Reason)>,
    /// What is good to know.
    pub notes: Vec<Reason>,
}

impl CertificateCollection {
    /// Loads a store, wholly or not at all.
    ///
    /// # Errors
    /// [`ImportRefused`], as [`SerializedStore::require_current`] has it.
    pub fn load(store: &SerializedStore, at: Time, properties: AnchorProperties) -> Result<Self, ImportRefused> {
        store.require_current(at)?;
        let mut members: Vec<(Certificate, AnchorLimits)> = Vec::new();
        let mut known: HashMap<Certificate, usize> = HashMap::new();
        for element in store.certificates() {
            let Ok(certificate) = element.certificate() else { continue };
            let limits = match properties {
                AnchorProperties::Honour => AnchorLimits::of(element),
                AnchorProperties::Ignore => AnchorLimits::default(),
            };
            match known.get(&certificate).and_then(|place| members.get_mut(*place)) {
                Some((_, there)) => there.extend(limits),
                None => {
                    known.insert(certificate.clone(), members.len());
                    members.push((certificate, limits));
                }
            }
        }
        let mut collection = Self::default();
        for (certificate, limits) in members {
            let about = |note: Reason| Reason::new(note.code, format!("{}: {note}", certificate.subject().brief()));
            collection.notes.extend(limits.notes().into_iter().map(about));
            match limits.against(at) {
                _ if !certificate.is_self_issued() => collection.intermediates.push(certificate),
                None => collection.anchors.push(certificate),
                Some(reason) => collection.restricted.push((certificate, reason)),
            }
        }
        Ok(collection)
    }

    /// The same for building chains.
    pub fn trust(&self) -> Trust {
        Trust::new(self.anchors.iter().cloned()).with_intermediates(self.intermediates.iter().cloned())
    }
}

/// A store that Exchange would not import: each member is checked, and one that is expired fails the whole (OUT-25).
#[derive(Clone, Debug)]
pub struct ImportRefused {
    /// The moment that it was judged at.
    pub at: Time,
    /// Certificates whose validity is over.
    pub expired: Vec<Certificate>,
    /// Members that are no certificate that can be read, each with the place of its entry.
    pub unreadable: Vec<(usize, cert::Error)>,
}

impl fmt::Display for ImportRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expired = self.expired.iter().map(|certificate| {
            let (subject, serial) = (certificate.subject().brief(), certificate.serial_hex());
            format!("{subject} (serial number {serial}) expired at {}", certificate.not_after())
        });
        let unreadable =
            self.unreadable.iter().map(|(at, error)| format!("the entry at byte {at} is unreadable: {error}"));
        let all: Vec<String> = expired.chain(unreadable).collect();
        write!(f, "{} of its certificates cannot be imported at {}: {}", all.len(), self.at, all.join("; "))
    }
}

impl std::error::Error for ImportRefused {}

impl SerializedStore {
    /// OUT-25: whether every certificate is readable and not expired at that moment.
    ///
    /// # Errors
    /// [`ImportRefused`], which names every one that is not.
    pub fn require_current(&self, at: Time) -> Result<(), ImportRefused> {
        let mut refused = ImportRefused { at, expired: Vec::new(), unreadable: Vec::new() };
        for element in self.certificates() {
            match element.certificate() {
                Ok(certificate) if certificate.not_after() < at => refused.expired.push(certificate),
                Ok(_) => {}
                Err(error) => refused.unreadable.push((element.offset(), error)),
            }
        }
        if refused.expired.is_empty() && refused.unreadable.is_empty() { Ok(()) } else { Err(refused) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::der;
    use crate::store::sst::ElementKind;
    use crate::store::testing::{certificate, key};

    const SERVER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn now() -> Time {
        at("2026-11-24T08:00:00Z")
    }

    fn usages(list: &[ObjectIdentifier]) -> Vec<u8> {
        der::sequence(&list.iter().map(der::oid).collect::<Vec<_>>())
    }

    fn element(certificate: &Certificate, properties: &[(u32, Vec<u8>)]) -> Element {
        let element = Element::new(ElementKind::Certificate, certificate.der().to_vec()).unwrap();
        properties
            .iter()
            .fold(element, |element, (id, value)| element.with_property(Property::new(*id, value.clone()).unwrap()))
    }

    fn code(properties: &[(u32, Vec<u8>)], at: Time) -> Option<&'static str> {
        let root = certificate("Root", 1, &key(), None);
        AnchorLimits::of(&element(&root, properties)).against(at).map(|reason| reason.code)
    }

    #[test]
    fn out_105_properties_keep_a_root_from_being_an_anchor_for_mail() {
        let mail = usages(&[SERVER, oid::EMAIL_PROTECTION]);
        let server = usages(&[SERVER]);
        let past = Property::filetime(at("2026-11-24T08:00:00Z"));
        let future = Property::filetime(at("2026-11-24T08:00:01Z"));
        for (properties, expected) in [
            (vec![], None),
            (vec![(9, mail.clone())], None),
            (vec![(9, server.clone())], Some("anchor_not_for_mail")),
            (vec![(9, usages(&[]))], Some("anchor_not_for_mail")),
            (vec![(9, mail.clone()), (9, server.clone())], Some("anchor_not_for_mail")),
            (vec![(9, Vec::new())], Some("anchor_property_malformed")),
            (vec![(122, mail.clone())], Some("anchor_mail_disallowed")),
            (vec![(122, usages(&[oid::ANY_EXTENDED_KEY_USAGE]))], Some("anchor_mail_disallowed")),
            (vec![(122, server.clone())], None),
            (vec![(122, b"?".to_vec())], Some("anchor_property_malformed")),
            (vec![(104, Vec::new())], Some("anchor_disallowed")),
            (vec![(104, past)], Some("anchor_disallowed")),
            (vec![(104, future)], None),
            (vec![(104, b"1234567".to_vec())], Some("anchor_property_malformed")),
            (vec![(126, Vec::new()), (3, vec![0; 20]), (11, Vec::new())], None),
        ] {
            assert_eq!(code(&properties, now()), expected, "{properties:?}");
        }
    }

    #[test]
    fn what_a_root_issued_since_a_day_is_told() {
        let root = certificate("Root", 1, &key(), None);
        let since = Property::filetime(at("2025-01-01T00:00:00Z"));
        let notes = |properties: &[(u32, Vec<u8>)]| AnchorLimits::of(&element(&root, properties)).notes();
        let told = notes(&[(126, since.clone())]);
        assert!(told[0].text.contains("2025-01-01") && told[0].code == "anchor_issued_since");
        assert_eq!(notes(&[(126, since.clone()), (127, usages(&[oid::EMAIL_PROTECTION]))]).len(), 1);
        assert_eq!(notes(&[(126, since.clone()), (127, Vec::new())]).len(), 1);
        assert!(notes(&[(126, since), (127, usages(&[SERVER]))]).is_empty());
    }

    #[test]
    fn out_020_self_signed_members_are_anchors_and_the_others_intermediates() {
        let (root_key, other_key) = (key(), key());
        let root = certificate("Root", 1, &root_key, None);
        let other = certificate("Other", 2, &other_key, None);
        let below = certificate("Below", 3, &key(), Some((&root, &root_key)));
        let mut store = SerializedStore::default();
        let server = (9, usages(&[SERVER]));
        store.push(element(&below, std::slice::from_ref(&server)));
        store.push(element(&root, &[]));
        store.push(element(&other, &[]));
        store.push(element(&other, &[server]));
        let load = |properties| CertificateCollection::load(&store, now(), properties).unwrap();
        let collection = load(AnchorProperties::default());
        assert_eq!((&collection.anchors[..], &collection.intermediates[..]), (&[root][..], &[below][..]));
        assert_eq!(collection.restricted.len(), 1, "a second copy without the property does not help");
        assert_eq!(collection.restricted[0].0, other);
        assert!(!collection.trust().is_anchor(&other));
        assert_eq!(load(AnchorProperties::Ignore).anchors.len(), 2);
    }

    #[test]
    fn out_025_one_expired_member_fails_the_whole_and_all_are_named() {
        let mut store = SerializedStore::default();
        for (name, serial) in [("First", 1), ("Second", 2)] {
            store.push(element(&certificate(name, serial, &key(), None), &[]));
        }
        let last = at("2050-01-01T00:00:00Z");
        assert!(store.require_current(last).is_ok(), "the last second is within");
        let refused = store.require_current(last.plus(1)).unwrap_err();
        let text = refused.to_string();
        assert!(text.contains("First") && text.contains("Second") && text.contains("2050-01-01"), "{text}");
        assert!(CertificateCollection::load(&store, last.plus(1), AnchorProperties::Ignore).is_err());
        store.push(Element::new(ElementKind::Certificate, vec![0x30, 1]).unwrap());
        let refused = store.require_current(now()).unwrap_err();
        assert_eq!((refused.expired.len(), refused.unreadable.len()), (0, 1));
    }
}
