//! The MIME around new signed and encrypted content: header fields, boundaries and micalg, in each profile's form.

use super::message::Message;
use crate::base::time::Time;
use crate::crypto;
use crate::crypto::algorithm::DigestAlgorithm;
use crate::crypto::random::Random;
use crate::mime::emit;
use crate::mime::outer::Arrangement;
use crate::mime::plan::{Kind, Plan};
use crate::policy::policy::{HeaderForm, Policy, RecipientHeaders};

/// Where a CMS structure will lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the message.
    Outermost,
    /// It is a signature inside an encrypted message.
    Inside,
}

/// How the header of a message is arranged around new content.
pub(super) fn arrangement(form: HeaderForm) -> Arrangement {
    match form {
        HeaderForm::Outlook | HeaderForm::Exchange => Arrangement::InPlace,
        HeaderForm::Rfc8551 => Arrangement::AtTheEnd,
    }
}

/// The entity that is protected, where the header around it has this form.
pub(super) fn plan<'m, 'a>(message: &'m Message<'a>, form: HeaderForm) -> &'m Plan<'a> {
    message.plan(arrangement(form))
}

/// The entity that is signed: with the addresses of the mail where the policy copies them, and it is not encrypted already
/// (OUT-42).
pub(super) fn signed_plan<'a>(message: &Message<'a>, policy: &Policy) -> Plan<'a> {
    match (policy.recipient_headers, message.kind()) {
        (RecipientHeaders::Copied, Kind::Plain) => message.plan_with_recipients(arrangement(policy.headers)),
        _ => plan(message, policy.headers).clone(),
    }
}

/// Everything of a multipart/signed before its first part (RFC 8551 section 3.5.3.2; OUT-45, OUT-48).
pub(super) fn signed_start(
    message: &Message<'_>,
    form: HeaderForm,
    digests: &[DigestAlgorithm],
    boundary: &str,
) -> Vec<u8> {
    let micalg = micalg(form, digests);
    let content_type = match form {
        HeaderForm::Outlook | HeaderForm::Exchange => format!(
            "Content-Type: multipart/signed;\r\n\tprotocol=\"application/x-pkcs7-signature\";\r\n\
             \tmicalg={micalg};\r\n\tboundary=\"{boundary}\"\r\n"
        ),
        HeaderForm::Rfc8551 => format!(
            "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n\
             \tmicalg=\"{micalg}\"; boundary=\"{boundary}\"\r\n"
        ),
    };
    let preamble = match form {
        HeaderForm::Exchange => "",
        HeaderForm::Outlook | HeaderForm::Rfc8551 => "This is a multipart message in MIME format.\r\n\r\n",
    };
    let mut start = message.header_around(content_type.as_bytes(), arrangement(form));
    start.extend_from_slice(format!("{preamble}--{boundary}\r\n").as_bytes());
    start
}

/// The header of the part with the signature (OUT-49).
pub(super) fn signature_header(form: HeaderForm) -> &'static str {
    match form {
        HeaderForm::Outlook | HeaderForm::Exchange => {
            "Content-Type: application/pkcs7-signature;\r\n\tname=\"smime.p7s\"\r\n\
             Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n\tfilename=\"smime.p7s\"\r\n\r\n"
        }
        HeaderForm::Rfc8551 => {
            "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n\
             Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n"
        }
    }
}

/// The header of a message that is one CMS structure (RFC 8551 section 3.2; OUT-56).
pub(super) fn cms_header(message: &Message<'_>, form: HeaderForm, place: Place, smime_type: &str) -> Vec<u8> {
    let (content_type, disposition) = match (form, place) {
        (HeaderForm::Outlook | HeaderForm::Exchange, Place::Outermost) => (
            format!("application/pkcs7-mime;\r\n\tsmime-type={smime_type};\r\n\tname=\"smime.p7m\""),
            "attachment;\r\n\tfilename=\"smime.p7m\"",
        ),
        // What Outlook encrypts in this form it writes on one line, and without quotes.
        (HeaderForm::Outlook | HeaderForm::Exchange, Place::Inside) => (
            format!("application/x-pkcs7-mime; name=smime.p7m; smime-type={smime_type}"),
            "attachment; filename=smime.p7m",
        ),
        (HeaderForm::Rfc8551, _) => (
            format!("application/pkcs7-mime; smime-type={smime_type}; name=\"smime.p7m\""),
            "attachment; filename=\"smime.p7m\"",
        ),
    };
    let content = format!(
        "Content-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: {disposition}\r\n"
    );
    message.header_around(content.as_bytes(), arrangement(form))
}

/// The digests of all signers: by the names of RFC 8551 section 3.5.3.2, or as Outlook writes them (OUT-46).
fn micalg(form: HeaderForm, digests: &[DigestAlgorithm]) -> String {
    let mut names: Vec<String> = Vec::new();
    for digest in digests {
        let name = match (form, digest) {
            (HeaderForm::Outlook | HeaderForm::Exchange, DigestAlgorithm::Sha1) => "SHA1".to_owned(),
            (HeaderForm::Outlook | HeaderForm::Exchange, DigestAlgorithm::Md5) => "MD5".to_owned(),
            (HeaderForm::Outlook | HeaderForm::Exchange, other) => other.oid().to_string(),
            (HeaderForm::Rfc8551, DigestAlgorithm::Md5) => "md5".to_owned(),
            (HeaderForm::Rfc8551, DigestAlgorithm::Sha1) => "sha-1".to_owned(),
            (HeaderForm::Rfc8551, DigestAlgorithm::Sha224) => "sha-224".to_owned(),
            (HeaderForm::Rfc8551, DigestAlgorithm::Sha256) => "sha-256".to_owned(),
            (HeaderForm::Rfc8551, DigestAlgorithm::Sha384) => "sha-384".to_owned(),
            (HeaderForm::Rfc8551, DigestAlgorithm::Sha512) => "sha-512".to_owned(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let list = names.join(",");
    // A comma must stand in quotes (RFC 2045 section 5.1).
    if names.len() > 1 && form != HeaderForm::Rfc8551 { format!("\"{list}\"") } else { list }
}

/// A boundary, of which nobody has looked yet whether it stands in what it is to part (SEC-144).
pub(super) fn boundary(form: HeaderForm, now: Time, random: &mut dyn Random) -> Result<String, crypto::Error> {
    let mut bits = [0; 16];
    random.fill(&mut bits)?;
    Ok(match form {
        HeaderForm::Outlook | HeaderForm::Exchange => emit::outlook_boundary(0, now, bits),
        HeaderForm::Rfc8551 => emit::boundary(bits),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_046_micalg_is_a_dotted_identifier_for_outlook_and_a_name_for_the_rest() {
        use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
        for (digests, outlook, rfc) in [
            (vec![Sha1], "SHA1", "sha-1"),
            (vec![Sha256], "2.16.840.1.101.3.4.2.1", "sha-256"),
            (vec![Sha384], "2.16.840.1.101.3.4.2.2", "sha-384"),
            (vec![Sha512, Sha512], "2.16.840.1.101.3.4.2.3", "sha-512"),
            (vec![Sha256, Sha512], "\"2.16.840.1.101.3.4.2.1,2.16.840.1.101.3.4.2.3\"", "sha-256,sha-512"),
        ] {
            assert_eq!(micalg(HeaderForm::Outlook, &digests), outlook);
            assert_eq!(micalg(HeaderForm::Exchange, &digests), outlook);
            assert_eq!(micalg(HeaderForm::Rfc8551, &digests), rfc);
        }
    }
}
