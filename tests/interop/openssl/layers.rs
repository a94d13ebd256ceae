//! Layers around layers, both ways.

use super::{FORMS, OpenSsl, opaque, with_header};
use crate::mail::{Mail, same};
use crate::tally::Tally;
use smime::Requirement;
use smime::crypto::algorithm::DigestAlgorithm;

impl OpenSsl<'_> {
    pub(super) fn layers(&self, tally: &mut Tally) {
        let mail = Mail::plain();
        let policy = self.us.policy();
        let by_openssl =
            |raw: &[u8], options: &[&str]| self.sign_file(raw, &["alice-rsa"], DigestAlgorithm::Sha256, options);
        for (bob, cipher) in [("bob-rsa", "aes256-cbc"), ("bob-p256", "aes256-gcm")] {
            let option = format!("-{}", cipher.replace("aes256", "aes-256"));
            for (form, form_name) in FORMS {
                let what = format!("sign {form_name}, then encrypt {cipher} {bob}");
                tally.case(&format!("openssl -> smime: {what}"), || {
                    let signed = by_openssl(&mail.entity, opaque(form))?;
                    let raw = self.encrypt_file(&signed, &[(bob, &[])], &[&option])?;
                    let opened =
                        self.us.opens_as(&with_header(&mail, &raw), Requirement::SignedBySender, &mail.entity)?;
                    opened.has_layers(&format!("encrypted({cipher}) {form_name}(rsa-sha256)"))
                });
                tally.case(&format!("smime -> openssl: {what}"), || {
                    let mut policy = policy.clone();
                    policy.content_cipher = cipher.parse().unwrap();
                    let signed = self.us.sign(&mail.raw(), &["alice-rsa"], form, &policy)?;
                    let raw = self.us.encrypt(&signed, &[bob], &policy)?;
                    let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
                    opened.has_layers(&format!("encrypted({cipher}) {form_name}(rsa-sha256)"))?;
                    same(&self.openssl_verifies(&self.openssl_decrypts(&raw, bob)?)?, &mail.entity)
                });
                let what = format!("encrypt {cipher} {bob}, then sign {form_name}");
                tally.case(&format!("openssl -> smime: {what}"), || {
                    let encrypted = self.encrypt_file(&mail.entity, &[(bob, &[])], &[&option])?;
                    let raw = by_openssl(&encrypted, opaque(form))?;
                    let opened =
                        self.us.opens_as(&with_header(&mail, &raw), Requirement::SignedBySender, &mail.entity)?;
                    opened.has_layers(&format!("{form_name}(rsa-sha256) encrypted({cipher})"))
                });
                tally.case(&format!("smime -> openssl: {what}"), || {
                    let mut policy = policy.clone();
                    policy.content_cipher = cipher.parse().unwrap();
                    let encrypted = self.us.encrypt(&mail.raw(), &[bob], &policy)?;
                    let raw = self.us.sign(&encrypted, &["alice-rsa"], form, &policy)?;
                    let opened = self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?;
                    opened.has_layers(&format!("{form_name}(rsa-sha256) encrypted({cipher})"))?;
                    same(&self.openssl_decrypts(&self.openssl_verifies(&raw)?, bob)?, &mail.entity)
                });
                let what = format!("triple wrap {form_name} {cipher} {bob}");
                let layers = format!("{form_name}(rsa-sha256) encrypted({cipher}) {form_name}(rsa-sha256)");
                tally.case(&format!("openssl -> smime: {what}"), || {
                    let encrypted =
                        self.encrypt_file(&by_openssl(&mail.entity, opaque(form))?, &[(bob, &[])], &[&option])?;
                    let raw = with_header(&mail, &by_openssl(&encrypted, opaque(form))?);
                    self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?.has_layers(&layers)
                });
                tally.case(&format!("smime -> openssl: {what}"), || {
                    let mut policy = policy.clone();
                    policy.content_cipher = cipher.parse().unwrap();
                    let signed = self.us.sign(&mail.raw(), &["alice-rsa"], form, &policy)?;
                    let encrypted = self.us.encrypt(&signed, &[bob], &policy)?;
                    let raw = self.us.sign(&encrypted, &["alice-rsa"], form, &policy)?;
                    self.us.opens_as(&raw, Requirement::SignedBySender, &mail.entity)?.has_layers(&layers)?;
                    let inner = self.openssl_decrypts(&self.openssl_verifies(&raw)?, bob)?;
                    same(&self.openssl_verifies(&inner)?, &mail.entity)
                });
            }
        }
    }
}
