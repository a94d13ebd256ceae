//! Why each default is so.
//!
//! - **[`Requirement::SignedBySender`](crate::Requirement)** is what a requirement means unless something else is said: a good
//!   signature by somebody else proves nothing about the sender. Every From mailbox must stand in the certificate of one
//!   signer of the innermost signature that covers the whole message; Sender is told apart and does not decide.
//! - **[`Profile::OutlookWindows`](crate::Profile)** composes as Outlook does, to the byte where nothing is random: its header
//!   fields and boundaries (OUT-45 to OUT-49), AES-256 in CBC, because Outlook cannot open GCM (OUT-38); the root goes along
//!   (OUT-55); neither cmsAlgorithmProtection nor signingCertificateV2 (OUT-53). `rfc8551` and `strict` choose GCM, add both
//!   attributes and leave the root out. `outlook-mobile` sends clear-signed mail only (OUT-31), `owa` what Exchange's switches
//!   say where nobody touched them, and `outlook-mac` is there to read by.
//! - **RC2 is not announced** although Outlook announces it, and SHA-1 signs nothing unless both are asked for by name (OUT-39,
//!   OUT-54): [`Capabilities::OutlookExact`](crate::policy::policy::Capabilities), [`Sha1Signing`](crate::policy::policy::Sha1Signing).
//! - **A signature that will be encrypted is opaque** under `outlook-windows`, as Outlook's is, and clear elsewhere (OUT-35).
//! - **Local parts without regard to case** under the Outlook profiles, as Outlook and Exchange compare them (OUT-2), and byte for byte
//!   under `rfc8551` and `strict`. Domains never depend on case. Every leniency that was used is noted.
//! - **RSA PKCS#1 v1.5** for signatures and key transport: everybody reads it. PSS and OAEP are one field of
//!   [`Policy`](crate::Policy) away. Decrypting v1.5 never tells a bad padding from a good one.
//! - **Signed attributes always**, since a signature without them can be moved to other content (SEC-3); with
//!   signingCertificateV2 where no Outlook is imitated, since one that does not name its certificate can be moved to another
//!   certificate with the same key (SEC-28).
//! - **A signature is verified before it leaves** where its key lies elsewhere, since a card or a service may sign with another key
//!   or with none, and for Ed25519, whose nonce is a function of key and message, so that a right and a faulty signature of one
//!   message give the key away. A key in this process, proven to be the certificate's, vouches for itself otherwise: RSA checks its
//!   own result, and the nonce of ECDSA has randomness in it; checking each would cost three times the signing
//!   ([`SigningKey::is_self_checking`](crate::keys::signing::SigningKey::is_self_checking)).
//! - **DER with definite lengths** when writing, but for what Outlook for Windows and OWA write with indefinite ones (OUT-51);
//!   BER when reading: every reader takes the first, and many writers send the second.
//! - **Boundaries of 128 random bits**, but for Outlook's form, which has room for 39 of them beside the time. Both are looked
//!   for in what they are to part (SEC-144).
//! - **An administrator's algorithms** count as far as they are strong: a list of Exchange's that names nothing but DES, RC2 and 3DES
//!   stops encryption, and SHA-1, which Exchange defaults to, is signed with on the caller's word only (OUT-37, OUT-39).
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
