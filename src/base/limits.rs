//! Every bound that input from outside is held to, each with the place where its number comes from.
//!
//! A [`Limits`] value travels with each call; there is no global. The defaults are what a mail client wants; a caller
//! with other needs changes single fields:
//!
//! ```
//! let mut limits = smime::Limits::default();
//! limits.layers = 3;
//! ```

/// The bounds of one call. All counts are inclusive: a value of 8 admits eight.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Nesting of ASN.1 elements (SEC-87).
    pub der_depth: usize,
    /// Nesting of constructed strings within one string (SEC-87).
    pub string_depth: usize,
    /// Bytes of one ASN.1 leaf that is kept in memory: a certificate, a CRL, a SignerInfo, a RecipientInfo (SEC-88).
    pub element_bytes: usize,
    /// Bytes of all that stands in a CMS structure beside its content: certificates, CRLs, signers, recipients (SEC-88).
    pub structure_bytes: usize,
    /// Nesting of MIME entities, multiparts and message/rfc822 alike (SEC-96).
    pub mime_depth: usize,
    /// MIME parts of one message (SEC-98).
    pub mime_parts: usize,
    /// Bytes of one header block (SEC-98).
    pub header_bytes: usize,
    /// Bytes of one header field, folded lines included (SEC-98).
    pub header_line: usize,
    /// Addresses in one header field (hostile.md G8).
    pub addresses: usize,
    /// SignerInfos of one SignedData (hostile.md G8).
    pub signers: usize,
    /// Entries of SignedData.digestAlgorithms (SEC-25).
    pub digest_algorithms: usize,
    /// Certificates of one message (hostile.md G8).
    pub certificates: usize,
    /// CRLs of one message (hostile.md G8).
    pub crls: usize,
    /// RecipientInfos of one EnvelopedData (SEC-81).
    pub recipients: usize,
    /// Attributes of one set of attributes (SEC-8).
    pub attributes: usize,
    /// Timestamp tokens of one signature that are judged; each costs two chains (SEC-39).
    pub timestamps: usize,
    /// Cryptographic layers of one message (SEC-43).
    pub layers: usize,
    /// Certificates of one chain, anchor included (SEC-105).
    pub chain_depth: usize,
    /// Certificates that a cache keeps: a large company's correspondents, or an hour of a busy relay.
    pub cached_certificates: usize,
    /// Bytes of them together, for the same.
    pub cached_certificate_bytes: usize,
    /// Signature checks while a chain is built (SEC-105; webpki's budget).
    pub signature_checks: usize,
    /// Steps while a chain is built (SEC-105; webpki's budget).
    pub build_steps: usize,
    /// Nodes of the graph of certificate policies along one path (SEC-110).
    pub policy_nodes: usize,
    /// Comparisons of a name with a subtree while a chain is built (SEC-106; webpki's budget).
    pub name_comparisons: usize,
    /// Bytes of one certificate revocation list (SEC-115).
    pub crl_bytes: usize,
    /// Bytes of one OCSP response (hostile.md G8).
    pub ocsp_bytes: usize,
    /// Bytes of the certificates of an issuer that are fetched from one address (SEC-133).
    pub issuer_bytes: usize,
    /// Smallest RSA modulus, in bits, that is read at all (SEC-37: legacy 1024 is read and marked).
    pub rsa_min_bits: usize,
    /// Largest RSA modulus, in bits (SEC-37).
    pub rsa_max_bits: usize,
    /// Iterations of password-based key derivation, added up over one file (SEC-121).
    pub kdf_iterations: u64,
    /// Bytes of a key file (SEC-126).
    pub key_file_bytes: usize,
    /// A CompressedData unpacks to so many times its size at the most, or to `in_memory_layer` (SEC-85).
    pub inflate_ratio: u64,
    /// Bytes that a CompressedData unpacks to at the most (SEC-85).
    pub inflated_bytes: u64,
    /// Entries of one serialized store, or lines with values of one LDIF file, or objects of one kind on a token: Windows's
    /// own lists of roots have some five thousand (OUT-101).
    pub store_entries: usize,
    /// Streams and storages of one .msg file: each recipient and each attachment takes about 15. The crate that reads
    /// them keeps their names in a table whose worst case is quadratic.
    pub msg_entries: usize,
    /// Bytes of one property of a .msg file, its text body aside, which may have `structure_bytes`.
    pub msg_property_bytes: usize,
    /// Bytes of one policy file. Get-SmimeConfig as JSON writes each byte of a serialized store as a number of its own, and
    /// such a store has some hundreds of kilobytes (OUT-84).
    pub policy_file_bytes: usize,
    /// Values in one policy file, for the same reason.
    pub policy_values: usize,
    /// Entries that a directory server is asked for at the most (OUT-99d).
    pub ldap_size_limit: usize,
    /// Entries and references that are read of one search, whatever the server was asked for (SEC-136).
    pub ldap_entries: usize,
    /// Bytes of all that answers one request to a directory server (SEC-136).
    pub ldap_bytes: usize,
    /// Bytes of one message of a directory server (SEC-136).
    pub ldap_message_bytes: usize,
    /// Bytes of one value of an entry; a larger one is left out (OUT-99d).
    pub ldap_value_bytes: usize,
    /// Values of one attribute of an entry; the others are left out (OUT-99d).
    pub ldap_values: usize,
    /// A layer's content up to this size is kept in memory once it has been judged, so that deeper layers are read
    /// from memory; a larger one is read again from the input (design.md, law 6).
    pub in_memory_layer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            der_depth: 32,
            string_depth: 8,
            element_bytes: 1 << 20,
            structure_bytes: 16 << 20,
            mime_depth: 32,
            mime_parts: 10_000,
            header_bytes: 1 << 20,
            header_line: 64 << 10,
            addresses: 2_000,
            signers: 64,
            digest_algorithms: 16,
            certificates: 256,
            crls: 64,
            recipients: 10_000,
            attributes: 64,
            timestamps: 4,
            layers: 8,
            chain_depth: 8,
            cached_certificates: 8_192,
            cached_certificate_bytes: 16 << 20,
            signature_checks: 100,
            build_steps: 200_000,
            policy_nodes: 1_000,
            name_comparisons: 250_000,
            crl_bytes: 64 << 20,
            ocsp_bytes: 64 << 10,
            issuer_bytes: 64 << 10,
            rsa_min_bits: 1024,
            rsa_max_bits: 8192,
            kdf_iterations: 2_000_000,
            key_file_bytes: 1 << 20,
            inflate_ratio: 100,
            inflated_bytes: 256 << 20,
            store_entries: 100_000,
            msg_entries: 16_384,
            msg_property_bytes: 1 << 20,
            policy_file_bytes: 16 << 20,
            policy_values: 1 << 20,
            ldap_size_limit: 50,
            ldap_entries: 200,
            ldap_bytes: 4 << 20,
            ldap_message_bytes: 1 << 20,
            ldap_value_bytes: 64 << 10,
            ldap_values: 16,
            in_memory_layer: 1 << 20,
        }
    }
}
