//! Which programs will choke on a message, and why: a table with sources. Facts about programs grow old, so each row says
//! where it comes from.

use crate::open::report::{Binding, EncryptedLayer, Form, Layer, LayerKind, Report, Signature};

/// One program that will not do with a message what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientTrouble {
    /// The program.
    pub client: &'static str,
    /// What it does not do.
    pub trouble: &'static str,
    /// Where that is written.
    pub source: &'static str,
}

struct Row {
    applies: fn(&Report) -> bool,
    trouble: ClientTrouble,
}

/// The rows that apply to a message.
pub(super) fn troubles(report: &Report) -> Vec<ClientTrouble> {
    ROWS.iter().filter(|row| (row.applies)(report)).map(|row| row.trouble).collect()
}

const fn row(applies: fn(&Report) -> bool, client: &'static str, trouble: &'static str, source: &'static str) -> Row {
    Row { applies, trouble: ClientTrouble { client, trouble, source } }
}

const ROWS: [Row; 14] = [
    row(
        |r| encrypted(r, |e| e.binding == Binding::Authenticated),
        "classic Outlook",
        "does not open AES-GCM (AuthEnvelopedData)",
        "jstedfast/MimeKit#1149, April 2025",
    ),
    row(
        |r| encrypted(r, |e| e.binding == Binding::Authenticated),
        "Thunderbird",
        "does not open AES-GCM: NSS has no AuthEnvelopedData",
        "NSS 3.87 lib/smime; Mozilla bug 1835697",
    ),
    row(
        |r| encrypted(r, |e| e.cipher.starts_with("rc2") || e.cipher == "des-cbc"),
        "OpenSSL 3",
        "opens RC2 and DES with its legacy provider only",
        "OpenSSL 3.0 migration guide",
    ),
    row(
        |r| signed(r, |s| s.scheme.as_deref().is_some_and(|name| name.contains("sha1") || name.contains("md5"))),
        "Thunderbird",
        "takes signatures with SHA-1 or MD5 for invalid since version 115",
        "blog.thunderbird.net, October 2023",
    ),
    row(
        |r| signed(r, |s| s.scheme.as_deref() == Some("ed25519")),
        "Outlook, Thunderbird and Apple Mail",
        "do not verify Ed25519",
        "peers' feature lists, 2026; openssl#32248",
    ),
    row(
        |r| signed(r, |s| s.scheme.as_deref().is_some_and(|name| name.starts_with("rsa-pss"))),
        "Apple Mail",
        "does not verify RSASSA-PSS in its older code",
        "libsecurity_smime",
    ),
    row(
        |r| signed(r, |s| s.scheme.as_deref().is_some_and(|name| name.starts_with("dsa"))),
        "everybody but OpenSSL and gpgsm",
        "verifies no DSA any more",
        "FIPS 186-5; NSS and .NET release notes",
    ),
    row(
        |r| r.layers.iter().any(|l| matches!(&l.kind, LayerKind::Signed(s) if s.signatures.len() > 1)),
        "some clients",
        "look at one signer of several",
        "openssl-cms(1), option -signer",
    ),
    row(
        |r| any(r, |l| matches!(l.kind, LayerKind::Compressed { .. })),
        "Outlook and Thunderbird",
        "do not unpack CompressedData",
        "NSS lib/smime has none; [MS-OXOSMIME] names none",
    ),
    row(
        |r| any(r, |l| matches!(&l.kind, LayerKind::Signed(s) if s.form == Form::Opaque)),
        "programs without S/MIME",
        "show an opaque signature as an attachment, and no text",
        "RFC 8551 section 3.5.2",
    ),
    row(
        |r| signed(r, incomplete),
        "Outlook and everybody who does not fetch issuers",
        "cannot build the chain: the issuer's certificate is not in the message",
        "nextcloud/mail#12726; nodemailer-smime#3",
    ),
    row(
        |r| has(r, "micalg_missing") || has(r, "micalg_mismatch"),
        "programs that hash while reading",
        "may hash with another digest than the signature's",
        "RFC 8551 section 3.5.3.2",
    ),
    row(
        |r| has(r, "non_der_signed_attrs"),
        "programs that sort the signed attributes before they hash",
        "find the signature broken",
        "RFC 5652 section 5.4; Outlook for Mac writes them so",
    ),
    row(
        |r| has(r, "line_ends_changed") || has(r, "signed_raw_line_ends"),
        "programs that hash lines as they lie",
        "find the signature broken, since the lines end with LF alone",
        "openssl#21420; nextcloud/mail#9796",
    ),
];

fn any(report: &Report, holds: impl Fn(&Layer) -> bool) -> bool {
    report.layers.iter().any(holds)
}

fn encrypted(report: &Report, holds: impl Fn(&EncryptedLayer) -> bool) -> bool {
    any(report, |layer| matches!(&layer.kind, LayerKind::Encrypted(encrypted) if holds(encrypted)))
}

fn signed(report: &Report, holds: impl Fn(&Signature) -> bool) -> bool {
    any(report, |layer| matches!(&layer.kind, LayerKind::Signed(signed) if signed.signatures.iter().any(&holds)))
}

fn has(report: &Report, code: &str) -> bool {
    let in_signature = signed(report, |signature| signature.findings().any(|reason| reason.code == code));
    in_signature || any(report, |layer| layer.reasons.iter().any(|reason| reason.code == code))
}

/// Whether the signer's chain ended because a certificate was missing.
fn incomplete(signature: &Signature) -> bool {
    signature.reasons.iter().any(|reason| reason.code == "issuer_not_found")
}
