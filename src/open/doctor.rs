//! Why a message does not open or verify, and what to try. The report says what is so; this says what happened, which of it
//! is the ailment, and what may cure it.

mod clients;
mod looks;

pub use clients::ClientTrouble;

use super::opener::{Error, Opener};
use super::report::{Coverage, LayerKind, Report, Signature};
use crate::base::reason::Reason;
use crate::base::source::SharedSource;
use crate::base::time::Time;
use crate::cms::signer_info::Integrity;
use std::io;

/// What was found out about a message.
#[derive(Clone, Debug, Default)]
pub struct Diagnosis {
    /// What keeps it from being opened or verified; empty where nothing does. The likeliest cause first.
    pub ailments: Vec<Ailment>,
    /// What differs from the standards and does no harm here.
    pub deviations: Vec<Reason>,
    /// Programs that will not do with it what they should.
    pub clients: Vec<ClientTrouble>,
    /// What was looked at; `None` where it could not be opened as a message at all.
    pub report: Option<Report>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ailment {
    /// What it is.
    pub reason: Reason,
    /// What may help.
    pub remedy: Option<&'static str>,
}

/// Examines a message with everything that an [`Opener`] has: trust, keys, lists, policy. Nothing of its content is handed
/// out.
///
/// ```
/// use smime::base::source::Memory;
/// use smime::{Opener, Policy, Time, Trust, open::doctor};
/// let (trust, policy) = (Trust::default(), Policy::default());
/// let mail = b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nnot what the label says";
/// let diagnosis = doctor::examine(&Opener::new(&trust, &policy), Memory::borrowed(mail), Time::from_unix(0))?;
/// assert_eq!(diagnosis.ailments[0].reason.code, "cms_unreadable");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// What reading the input gives; everything that is wrong with it is in the diagnosis.
pub fn examine(opener: &Opener<'_>, source: SharedSource<'_>, now: Time) -> io::Result<Diagnosis> {
    let mut diagnosis = Diagnosis::default();
    let looks = looks::looks(&source, opener.limits())?;
    match opener.thorough().open_source(source, now) {
        Ok(opened) => {
            let report = opened.report().clone();
            diagnosis.gather(&report);
            diagnosis.clients = clients::troubles(&report);
            diagnosis.report = Some(report);
        }
        Err(Error::Io(error)) => return Err(error),
        Err(error) => diagnosis.ail(Reason::new("unreadable", error.to_string())),
    }
    // What the file looks like explains the rest, so it comes first.
    let found = std::mem::take(&mut diagnosis.ailments);
    looks.into_iter().for_each(|reason| diagnosis.ail(reason));
    found.into_iter().for_each(|ailment| diagnosis.ail(ailment.reason));
    Ok(diagnosis)
}

impl Diagnosis {
    /// Whether nothing keeps the message from being opened and verified.
    pub fn nothing_wrong(&self) -> bool {
        self.ailments.is_empty()
    }

    fn ail(&mut self, reason: Reason) {
        if !self.ailments.iter().any(|known| known.reason == reason) {
            let remedy = REMEDIES.iter().find(|(codes, _)| codes.contains(&reason.code)).map(|(_, remedy)| *remedy);
            self.ailments.push(Ailment { reason, remedy });
        }
    }

    fn deviate(&mut self, reason: &Reason) {
        if !self.deviations.contains(reason) {
            self.deviations.push(reason.clone());
        }
    }

    fn gather(&mut self, report: &Report) {
        // Why signed content was changed is the better answer, so variants come before what they explain.
        let layers = || report.layers.iter();
        layers().flat_map(|l| &l.reasons).filter(|r| is_variant(r)).for_each(|r| self.ail(r.clone()));
        for layer in &report.layers {
            if let LayerKind::Signed(signed) = &layer.kind {
                if signed.signatures.is_empty() && layer.reasons.iter().all(is_harmless) {
                    self.ail(Reason::new("no_signers", "the signature has no signer, so nobody signed"));
                }
                signed.signatures.iter().for_each(|signature| self.gather_signature(signature));
            }
            for reason in layer.reasons.iter().filter(|r| !is_variant(r)) {
                if is_harmless(reason) { self.deviate(reason) } else { self.ail(reason.clone()) }
            }
        }
        let mut signed = layers().filter(|layer| matches!(layer.kind, LayerKind::Signed(_))).peekable();
        let partly = signed.peek().is_some() && signed.all(|layer| layer.coverage == Coverage::Part);
        if partly {
            let text =
                "only a part of the message is signed, as where a mailing list wrapped it: the rest could be anybody's";
            self.ail(Reason::new("covers_part_only", text));
        }
        if let Some(closed) = &report.closed {
            self.ail(closed.reason().clone());
        }
        for note in &report.notes {
            if note.code == "cms_unreadable" { self.ail(note.clone()) } else { self.deviate(note) }
        }
    }

    fn gather_signature(&mut self, signature: &Signature) {
        // Without anchors the chain was not asked for, and that is no ailment of the message.
        for reason in signature.reasons.iter().filter(|reason| reason.code != "no_anchors") {
            self.ail(reason.clone());
        }
        if signature.integrity == Integrity::Unchecked && signature.reasons.is_empty() {
            self.ail(Reason::new("unchecked", format!("the signature by {} was not checked", signature.identifier)));
        }
        signature.notes.iter().for_each(|note| self.deviate(note));
    }
}

fn is_variant(reason: &Reason) -> bool {
    reason.code.starts_with("variant_") || reason.code == "no_variant_verifies"
}

/// What layers say of themselves that keeps nobody from opening them.
fn is_harmless(reason: &Reason) -> bool {
    const HARMLESS: [&str; 32] = [
        "bare_cr_or_nul",
        "blank_before_colon",
        "blank_fold",
        "certificate_unreadable",
        "digest_not_announced",
        "duplicate_parameter",
        "legacy_media_type",
        "line_ends_changed",
        "malformed_parameter",
        "mbox_from_line",
        "media_type_by_content",
        "micalg_mismatch",
        "micalg_missing",
        "micalg_spelling",
        "multipart_unclosed",
        "other_certificate_format",
        "other_revocation_format",
        "protocol_differs",
        "protocol_missing",
        "short_tag",
        "signed_raw_line_ends",
        "signer_version",
        "smime_type_mismatch",
        "smime_type_missing",
        "unparsable_header_line",
        "unprotected_attributes",
        "unquoted_parameter",
        "unsigned_preamble_or_epilogue",
        "weak_cipher",
        "crl_unusable",
        "ocsp_unusable",
        "control_in_header",
    ];
    HARMLESS.contains(&reason.code)
}

/// What to try, by what is wrong.
const REMEDIES: [(&[&str], &str); 21] = [
    (&["covers_part_only"], "open the signed part by its name (--part)"),
    (
        &["variant_text_added"],
        "ask whoever runs the list or the relay to add its text as a part of its own, or not at all",
    ),
    (
        &[
            "variant_raw_line_ends",
            "variant_last_line_end",
            "variant_trailing_blanks",
            "variant_signature_mark",
            "variant_from_escaped",
            "variant_dots_doubled",
            "variant_folding",
            "variant_boundary_line_end",
            "variant_quoted",
        ],
        "fetch the message again as the server has it; what stored or sent this copy changed its lines",
    ),
    (&["variant_recoded"], "let the sender encode the text as quoted-printable or base64 before it is signed"),
    (
        &["variant_without_header"],
        "tell the maker of the sending program: the header of the part belongs to what is signed",
    ),
    (&["no_variant_verifies", "message_digest_mismatch"], "compare it with the sender's copy; do not trust this one"),
    (
        &["signer_cert_missing"],
        "ask the sender for the certificate that is named, and give it with --trust beside the authorities",
    ),
    (&["not_encrypted_to_us"], "give the private key of one of the certificates that are named (--identity)"),
    (&["password_needed"], "give the password (--message-password-file)"),
    (&["shared_key_needed"], "give the shared key (--shared-key-file)"),
    (&["decrypt_failed"], "fetch the message again; if it stays so, ask the sender to send it again"),
    (&["cipher_refused"], "allow it for this message, if nothing depends on its secrecy any more (--allow-des)"),
    (&["certificate_expired"], "judge it at the time when it was sent (--at TIME), if something says when that was"),
    (&["untrusted_chain", "issuer_not_found"], "give the authorities above the signer (--trust)"),
    (&["from_mismatch"], "ask the sender whether that is an address of theirs; the certificate does not say so"),
    (&["encrypted_part_not_root"], "open that part by its name (--part)"),
    (&["utf16_file"], "save the message again as it came, not as Unicode text"),
    (&["cr_only_line_ends", "leading_blank_line", "quoted_file"], "fetch the message again as the server has it"),
    (&["cms_unlabelled", "encoding_label_lost"], "put the labels back, or ask which program on the way rewrote them"),
    (&["openpgp"], "open it with a program for OpenPGP"),
    (&["tnef"], "ask the sender to send Internet format instead of rich text to this address"),
];
