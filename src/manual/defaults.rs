//! Why each default is so.
//!
//! - **[`Requirement::SignedBySender`](crate::Requirement)** is what a requirement means unless something else is said: a good
//!   signature by somebody else proves nothing about the sender. Every From mailbox must stand in the certificate of one
//!   signer of the innermost signature that covers the whole message; Sender is told apart and does not decide.
//! - **[`Profile::OutlookWindows`](crate::Profile)** composes: AES-256 in CBC, because Outlook cannot open GCM (OUT-38); the root
//!   goes along (OUT-55); no cmsAlgorithmProtection (OUT-53). `rfc8551` and `strict` choose GCM and leave the root out.
//! - **Local parts without regard to case** under the Outlook profiles, as Outlook and Exchange compare them (OUT-2), and byte for byte
//!   under `rfc8551` and `strict`. Domains never depend on case. Every leniency that was used is noted.
//! - **RSA PKCS#1 v1.5** for signatures and key transport: everybody reads it. PSS and OAEP are one field of
//!   [`Policy`](crate::Policy) away. Decrypting v1.5 never tells a bad padding from a good one.
//! - **Signed attributes always**, with signingCertificateV2: a signature without them can be moved to other content, and one
//!   that does not name its certificate to another certificate with the same key (SEC-3, SEC-28).
//! - **DER with definite lengths** when writing, BER when reading: every reader takes the first, and many writers send the second.
//! - **Bcc is taken out** before signing and never shares an envelope: recipients of one envelope see each other.
//! - **Encrypted parts beside other content stay closed** until they are asked for by name: merging them into their neighbours
//!   is how EFAIL worked.
//! - **Revocation is off** where nothing was given to judge it by, and the report says `unchecked`, which is not "good". Where
//!   lists or responses are given it is **hard**: every certificate of the chain must be known not to be revoked. Whoever
//!   says "revoked" is believed over whoever says "good" (SEC-114, SEC-134).
//! - **Nothing is fetched** unless it is asked for by name: who looks a certificate up is seen by whoever published its
//!   addresses, and an attacker can be that. Then: http only, public addresses only, no redirections, 3 seconds for a
//!   connection, 10 for an exchange, 20 for a judgement; lists before OCSP, since a list does not tell whose certificate is
//!   looked at (SEC-131 to SEC-133).
//! - **Revoked is revoked**, whatever the signer claims about when it signed. A timestamp answers the other question, whether
//!   the certificate was good then, and not that one; and no timestamp helps where the key was stolen (SEC-118).
//! - **A key identifier guides and does not decide**: a chain is not refused because an authorityKeyIdentifier names another
//!   key, as long as the signature fits (RFC 5280 section 4.2.1.1).
//! - **Policy extensions that cannot be read reject a chain** even where they are not critical: a policy that nobody could
//!   read is not "any policy" (SEC-110).
