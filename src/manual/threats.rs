//! What is protected against whom, and how that shows in the interface.
//!
//! A sender chooses every byte of a message; a relay changes, wraps, splits and replays real ones and watches the answers; a
//! supplier of key files chooses all their bytes. Against them:
//!
//! - **One message has one meaning.** Two Content-Type or From fields, a signature with a content of its own, two recipients of
//!   the same name: errors, never a choice.
//! - **The bytes that arrived are the bytes that are judged.** Signed attributes, certificates and MIME parts are slices of the
//!   input; nothing is encoded anew before it is hashed.
//! - **No content before its judge.** A tag, a padding, a digest is compared in a first reading; a second hands bytes over, and
//!   notices if the file changed in between ([`base::source`](crate::base::source)).
//! - **One answer behind a key.** Whatever fails after a private key was used reads alike; each key is tried once.
//! - **Budgets.** Depth, counts, sizes, derivation work and path building are bounded by [`Limits`](crate::Limits).
//! - **No verdict to misread.** There is no `is_valid()`: a report answers separate questions, and content comes out of
//!   [`Trusted`](crate::Trusted) only, which nobody can make but a requirement that was met.
//!
//! - **Secrets stay where they are.** They are overwritten when dropped and printed by nothing; the program is neither dumped
//!   nor attached to (Linux), and what it spools or writes has no name until it is whole.
//!
//! Not protected against: memory that is swapped out (encrypt the swap), copies that the arithmetic leaves on the stack, side
//! channels on the same host, a compromised random generator, anchors that lie, and what a program
//! does with the HTML that it was handed.
