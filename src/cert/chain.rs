//! Chains: from a certificate to one that is trusted, by RFC 5280 section 6 without its policies.
