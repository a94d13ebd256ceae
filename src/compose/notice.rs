//! The mail that tells a user of certificates that wait (OUT-150).

use crate::base::address::EmailAddress;
use crate::base::time::Time;
use crate::mime::Error;
use crate::mime::emit::{Draft, Named};
use crate::policy::deployment::{Notice, NotificationKind};

/// From whom a notice comes, and when.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// From.
    pub from: Named,
    /// The user's address.
    pub to: EmailAddress,
    /// Date.
    pub date: Time,
    /// Message-ID.
    pub message_id: String,
}

/// The notice as a message (RFC 5322); `None` where it goes by the Company Portal, which has a form of its own.
///
/// # Errors
/// Where something of the envelope cannot be written into a mail.
pub fn message(notice: &Notice, envelope: &Envelope) -> Result<Option<Vec<u8>>, Error> {
    if notice.kind != NotificationKind::Email {
        return Ok(None);
    }
    let draft = Draft {
        from: vec![envelope.from.clone()],
        to: vec![Named { name: Some(notice.user.clone()), address: envelope.to.clone() }],
        subject: "Your mail certificates are ready".to_owned(),
        date: envelope.date,
        message_id: envelope.message_id.clone(),
        text: notice.text.clone(),
        attachments: Vec::new(),
        boundary: [0; 16],
    };
    draft.to_bytes().map(Some)
}
