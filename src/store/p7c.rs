//! Bags of certificates and CRLs in PKCS#7 clothing (`.p7b`, `.p7c`): a SignedData that nobody need have signed.

use super::Error;
use super::Result;
use crate::asn1::ber::{Element, Reader, Tag};
use crate::asn1::{der, oid};
use crate::base::limits::Limits;
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;

/// What a SignedData carries beside its content, each as it was received.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// X.509 certificates, BER as received.
    pub certificates: Vec<Vec<u8>>,
    /// X.509 CRLs, BER as received.
    pub crls: Vec<Vec<u8>>,
    /// What was skipped.
    pub notes: Vec<Reason>,
}

/// Reads the certificates and CRLs out of a ContentInfo of type id-signedData, certs-only or not. Signatures are not
/// looked at: this is a bag, and what is in it has to prove itself.
///
/// # Errors
/// [`Error::Malformed`], [`Error::TooLarge`], [`Error::NotRecognised`] where it is another content type.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Contents> {
    if bytes.len() > limits.structure_bytes {
        return Err(Error::TooLarge { what: "PKCS#7", size: bytes.len(), limit: limits.structure_bytes });
    }
    let mut info = Reader::single(bytes, "ContentInfo")?.sequence("ContentInfo")?;
    let content_type = info.required(Tag::OID, "contentType")?.oid("contentType")?;
    if content_type != oid::ID_SIGNED_DATA {
        let name = oid::name(&content_type).map_or_else(|| content_type.to_string(), str::to_owned);
        return Err(Error::NotRecognised {
            found: format!("a CMS structure of type {name}, not a bag of certificates"),
        });
    }
    let mut signed = info.required(Tag::context(0), "SignedData")?.explicit("SignedData")?.sequence("SignedData")?;
    signed.required(Tag::INTEGER, "SignedData version")?.small("SignedData version")?;
    signed.required(Tag::SET, "digestAlgorithms")?;
    signed.required(Tag::SEQUENCE, "encapContentInfo")?;
    let mut contents = Contents::default();
    if let Some(certificates) = signed.optional(Tag::context(0), "certificates")? {
        contents.certificates = choices(&certificates, "certificate", &mut contents.notes)?;
    }
    if let Some(crls) = signed.optional(Tag::context(1), "crls")? {
        contents.crls = choices(&crls, "revocation", &mut contents.notes)?;
    }
    signed.required(Tag::SET, "signerInfos")?;
    signed.finish("SignedData")?;
    Ok(contents)
}

/// A degenerate SignedData with these certificates and CRLs (RFC 5652 section 5.1, RFC 8551 section 3.8). Gives DER.
pub fn write(certificates: &[Certificate], crls: &[Vec<u8>]) -> Vec<u8> {
    let mut parts = vec![
        der::integer(1),
        der::set_of(Tag::SET, Vec::new()),
        der::sequence(&[der::oid(&oid::ID_DATA)]),
        der::set_of(Tag::context(0), certificates.iter().map(|c| c.der().to_vec()).collect()),
    ];
    if !crls.is_empty() {
        parts.push(der::set_of(Tag::context(1), crls.to_vec()));
    }
    parts.push(der::set_of(Tag::SET, Vec::new()));
    der::sequence(&[der::oid(&oid::ID_SIGNED_DATA), der::explicit(0, &der::sequence(&parts))])
}

/// The SEQUENCEs among the choices; the others are obsolete or foreign forms (RFC 5652 sections 10.2.1 and 10.2.2).
fn choices(set: &Element<'_>, what: &'static str, notes: &mut Vec<Reason>) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut skipped = 0u64;
    let mut elements = set.children(what)?;
    while let Some(element) = elements.next_element()? {
        if element.tag == Tag::SEQUENCE {
            found.push(element.raw().to_vec());
        } else {
            skipped = skipped.saturating_add(1);
        }
    }
    if skipped > 0 {
        let text = format!("{skipped} of the {what} entries are of another kind than X.509 and were skipped");
        notes.push(Reason::new("other_kind_skipped", text));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{certificate, key};

    #[test]
    fn what_is_written_reads_back() {
        let certificates = [3, 2, 1].map(|serial| certificate("Root", serial, &key(), None));
        let crl = der::sequence(&[der::octets(b"a list")]);
        for crls in [vec![], vec![crl]] {
            let contents = read(&write(&certificates, &crls), &Limits::default()).unwrap();
            assert!(certificates.iter().all(|c| contents.certificates.iter().any(|der| der == c.der())));
            assert_eq!((contents.certificates.len(), &contents.crls), (3, &crls));
            assert!(contents.notes.is_empty());
        }
        assert!(read(&write(&[], &[]), &Limits::default()).unwrap().certificates.is_empty());
    }

    #[test]
    fn indefinite_lengths_and_foreign_choices_are_read_over() {
        let certificate = certificate("Root", 1, &key(), None);
        let foreign = der::constructed(Tag::context(3), &[der::null()]);
        let mut bag = vec![0x30, 0x80];
        bag.extend(der::oid(&oid::ID_SIGNED_DATA));
        bag.extend([0xa0, 0x80, 0x30, 0x80]);
        bag.extend(der::integer(1));
        bag.extend([0x31, 0x80, 0, 0, 0x30, 0x80]);
        bag.extend(der::oid(&oid::ID_DATA));
        bag.extend([0, 0, 0xa0, 0x80]);
        bag.extend(foreign);
        bag.extend(certificate.der());
        bag.extend([0, 0, 0x31, 0x80, 0, 0, 0, 0, 0, 0, 0, 0]);
        let contents = read(&bag, &Limits::default()).unwrap();
        assert_eq!(contents.certificates, [certificate.der()]);
        assert_eq!(contents.notes.len(), 1);
        for cut in 1..bag.len() {
            assert!(read(&bag[..cut], &Limits::default()).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn other_content_is_refused_by_name() {
        let data = der::sequence(&[der::oid(&oid::ID_DATA), der::explicit(0, &der::octets(b"x"))]);
        let error = read(&data, &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("ID_DATA"), "{error}");
    }
}
