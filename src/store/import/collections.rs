//! Files that are collections of many people's and authorities' certificates: serialized stores and LDIF.

use super::Gathering;
use crate::store::Result;
use crate::store::ldif::directory::LdifDirectory;
use crate::store::ldif::{ChangeRecords, Ldif};
use crate::store::sst::collection::AnchorLimits;
use crate::store::sst::{ElementKind, SerializedStore};

impl Gathering<'_> {
    /// Certificates and lists of a serialized store, and what it says of each (OUT-105).
    pub(super) fn sst(&mut self, bytes: &[u8]) -> Result<()> {
        let store = SerializedStore::read(bytes, self.limits)?;
        let mut trust_lists = 0usize;
        for element in store.elements() {
            match element.kind() {
                ElementKind::Certificate => {
                    self.certificate(element.bytes());
                    let limits = AnchorLimits::of(element);
                    if !limits.is_empty()
                        && let Ok(certificate) = element.certificate()
                    {
                        self.found.anchor_limits.entry(certificate).or_default().extend(limits);
                    }
                }
                ElementKind::Crl => {
                    if let Err(error) = self.crl(element.bytes()) {
                        self.note("crl_unreadable", format!("the list at byte {}: {error}", element.offset()));
                        self.refused.get_or_insert(error);
                    }
                }
                ElementKind::Ctl => trust_lists = trust_lists.saturating_add(1),
            }
        }
        if trust_lists > 0 {
            self.note("ctl_skipped", format!("{trust_lists} certificate trust lists were skipped"));
        }
        let limited = self.found.anchor_limits.len();
        if limited > 0 {
            let text = format!("the store itself does not trust {limited} of its certificates for everything");
            self.note("anchor_limits", text);
        }
        Ok(())
    }

    /// Certificates and lists of a directory's entries.
    pub(super) fn ldif(&mut self, bytes: &[u8]) -> Result<()> {
        let file = Ldif::read(bytes, ChangeRecords::Refuse, self.limits)?;
        let directory = LdifDirectory::new(&file, self.limits);
        directory.all_certificates().into_iter().for_each(|certificate| self.add(certificate));
        self.found.crls.extend_from_slice(directory.crls());
        self.found.notes.extend_from_slice(directory.notes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::base::limits::Limits;
    use crate::store::import::{ImportOptions, read};
    use crate::store::ldif::{Entry, Ldif};
    use crate::store::sst::{Element, ElementKind, Property, SerializedStore, WriteOptions};
    use crate::store::testing::{certificate, key};
    use crate::store::{Error, sst};

    fn codes(import: &crate::store::import::Import) -> Vec<&str> {
        import.notes.iter().map(|note| note.code).collect()
    }

    #[test]
    fn out_105_a_store_is_known_by_its_content_and_its_limits_come_along() {
        let [free, limited] = [1, 2].map(|serial| certificate("Root", serial, &key(), None));
        let mut store = SerializedStore::default();
        let element = |kind, bytes: &[u8]| Element::new(kind, bytes.to_vec()).unwrap();
        store.push(element(ElementKind::Certificate, free.der()));
        let disallowed = Property::new(104, Vec::new()).unwrap();
        store.push(element(ElementKind::Certificate, limited.der()).with_property(disallowed));
        store.push(element(ElementKind::Certificate, &[0x30, 3]));
        store.push(element(ElementKind::Crl, &[0x30, 0]));
        store.push(element(ElementKind::Crl, &[0x31, 0]));
        store.push(element(ElementKind::Ctl, &[0x30, 0]));
        let bytes = store.write(&WriteOptions::default());
        let import = read(&bytes, None, &ImportOptions::default(), &Limits::default()).unwrap();
        assert_eq!(import.certificates, [free.clone(), limited.clone()]);
        assert_eq!(import.crls.len(), 1);
        assert_eq!(codes(&import), ["certificate_unreadable", "crl_unreadable", "ctl_skipped", "anchor_limits"]);
        let at = free.not_before();
        assert!(import.against_anchor(&free, at).is_none());
        assert_eq!(import.against_anchor(&limited, at).unwrap().code, "anchor_disallowed");
        // Joined with a file that says nothing against it, it stays so.
        let plain = read(limited.der(), None, &ImportOptions::default(), &Limits::default()).unwrap();
        assert!(plain.join(import).against_anchor(&limited, at).is_some());
    }

    #[test]
    fn a_store_of_another_version_is_told_so() {
        let bytes = b"\x01\0\0\0CERT\0\0\0\0";
        let error = read(bytes, None, &ImportOptions::default(), &Limits::default()).unwrap_err();
        assert!(matches!(error, Error::Sst(sst::Error::Version { found: 1 })), "{error}");
    }

    #[test]
    fn ldif_is_known_by_its_content() {
        let ca_key = key();
        let ca = certificate("Root", 1, &ca_key, None);
        let own = certificate("Alice", 2, &key(), Some((&ca, &ca_key)));
        let mut file = Ldif::default();
        file.push(Entry::person("cn=Alice", std::slice::from_ref(&own)));
        let text = format!("# made for a test\n\n{}", file.to_text());
        let import = read(text.as_bytes(), None, &ImportOptions::default(), &Limits::default()).unwrap();
        assert_eq!(import.certificates, [own]);
        let broken = text.replace("objectClass: top", "no colon");
        let error = read(broken.as_bytes(), None, &ImportOptions::default(), &Limits::default()).unwrap_err();
        assert!(error.to_string().starts_with("LDIF, line 6: "), "{error}");
    }
}
