//! Parameters that a DSA key has from its issuer's (RFC 3279 section 2.3.2), for the certificate of a signer, whose key is
//! needed before its chain is built.

use crate::base::limits::Limits;
use crate::cert::certificate::Certificate;
use crate::cert::chain::Trust;
use crate::crypto::algorithm::SignatureScheme;
use crate::crypto::signature::PublicKey;
use std::sync::Arc;

/// The certificate with the parameters that its key lacks, from an issuer at hand that signed it; the certificate itself
/// where it lacks none, or there is no such issuer. What is trusted is asked first, then what the caller knows, then
/// `extra`, which came with the message.
///
/// That an issuer is found says nothing about it. Anybody can make a key under which a given DSA signature holds, and with
/// it parameters of their choice; so [`build`](crate::cert::chain::build) rejects every path on which the parameters are
/// others than those of the leaf that it was given.
pub fn with_inherited_parameters(
    certificate: &Certificate,
    extra: &[Certificate],
    trust: &Trust,
    limits: &Limits,
) -> Certificate {
    let mut search = Search { extra, trust, limits, steps: limits.signature_checks };
    search.complete(certificate, limits.chain_depth).unwrap_or_else(|| certificate.clone())
}

struct Search<'a> {
    extra: &'a [Certificate],
    trust: &'a Trust,
    limits: &'a Limits,
    /// Issuers that may still be looked at (SEC-105).
    steps: usize,
}

impl Search<'_> {
    fn complete(&mut self, certificate: &Certificate, depth: usize) -> Option<Certificate> {
        if !certificate.lacks_parameters() {
            return Some(certificate.clone());
        }
        let (depth, name) = (depth.checked_sub(1)?, certificate.issuer().canonical());
        let (trust, extra) = (self.trust, self.extra);
        let brought = extra.iter().filter(|issuer| issuer.subject().same(certificate.issuer()));
        for issuer in trust.anchors_named(name).chain(trust.intermediates_named(name)).chain(brought) {
            if issuer == certificate || issuer.key_algorithm() != certificate.key_algorithm() {
                continue;
            }
            self.steps = self.steps.checked_sub(1)?;
            let key = self.complete(issuer, depth).and_then(|issuer| issuer.public_key(self.limits).ok());
            if let Some(key) = key.filter(|key| signed(certificate, key)) {
                return certificate.below(&key).ok();
            }
        }
        None
    }
}

fn signed(certificate: &Certificate, key: &Arc<PublicKey>) -> bool {
    SignatureScheme::from_identifier(certificate.signature_algorithm(), None)
        .and_then(|scheme| key.verify(&scheme, certificate.tbs(), certificate.signature()))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::oid;
    use crate::base::time::Time;
    use crate::cert::chain::{ChainOutcome, ChainRequest, ChainVerdict, build};
    use crate::cert::issue::{CertificateTemplate, issue};
    use crate::cert::name::Name;
    use crate::crypto::algorithm::DigestAlgorithm;
    use crate::crypto::dsa_key::tests::Signer;
    use crate::crypto::private::PrivateKey;
    use crate::crypto::signature::KeyKind;

    const DSA: SignatureScheme = SignatureScheme::Dsa(DigestAlgorithm::Sha1);
    const ECDSA: SignatureScheme = SignatureScheme::Ecdsa(DigestAlgorithm::Sha256);

    fn now() -> Time {
        "2026-11-24T08:00:00Z".parse().unwrap()
    }

    fn template(subject: &str, issuer: Option<&Certificate>, spki: &[u8]) -> CertificateTemplate {
        let [from, until] = ["2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"].map(|text| text.parse().unwrap());
        let mut template =
            CertificateTemplate::new(Name::build(&[(oid::COMMON_NAME, subject)]), issuer, &[1], (from, until), spki);
        template.issuer_key_identifier = None;
        template
    }

    fn by_dsa(template: &CertificateTemplate) -> Certificate {
        let signer = Signer::new();
        issue(template, &DSA.identifier(), &|tbs| Ok(signer.sign(DigestAlgorithm::Sha1, tbs))).unwrap()
    }

    fn by(template: &CertificateTemplate, key: &PrivateKey) -> Certificate {
        issue(template, &ECDSA.identifier(), &|tbs| key.sign(&ECDSA, tbs).map_err(Into::into)).unwrap()
    }

    /// A root with parameters, a CA and a user without. All three have one key, since there is only one to sign with.
    fn line() -> [Certificate; 3] {
        let root = by_dsa(&template("Root", None, &Signer::spki(true)).for_authority(None));
        let ca = by_dsa(&template("Issuing", Some(&root), &Signer::spki(false)).for_authority(None));
        let user = by_dsa(&template("Alice", Some(&ca), &Signer::spki(false)));
        [root, ca, user]
    }

    fn ask(leaf: &Certificate, extra: &[Certificate], trust: &Trust) -> ChainOutcome {
        build(&ChainRequest { extra, ..ChainRequest::new(leaf, trust, now(), &Limits::default()) })
    }

    #[test]
    fn parameters_come_down_a_path_from_the_anchor() {
        let limits = Limits::default();
        let [root, ca, user] = line();
        assert_eq!([&root, &ca, &user].map(Certificate::lacks_parameters), [false, true, true]);
        assert!(user.public_key(&limits).is_err() && ca.public_key(&limits).is_err());
        let trust = Trust::new([root.clone()]);
        let extra = [ca.clone()];
        let complete = with_inherited_parameters(&user, &extra, &trust, &limits);
        assert_eq!(complete, user);
        assert_eq!(*complete.public_key(&limits).unwrap(), *root.public_key(&limits).unwrap());
        for leaf in [&user, &complete] {
            let outcome = ask(leaf, &extra, &trust);
            assert_eq!(outcome.verdict, ChainVerdict::Anchored, "{:?}", outcome.reasons);
            assert!(outcome.path.iter().all(|certificate| certificate.public_key(&limits).is_ok()));
            assert!(outcome.notes.iter().any(|note| note.code == "weak_key" && note.text.contains("DSA-1024")));
        }
        // Nobody above: it stays what it was, and no path ends well.
        let alone = with_inherited_parameters(&user, &[], &trust, &limits);
        assert!(alone.public_key(&limits).is_err());
        let outcome = ask(&user, &extra, &Trust::new([by_dsa(&template("Other", None, &Signer::spki(true)))]));
        assert_eq!(outcome.verdict, ChainVerdict::Rejected);
    }

    #[test]
    fn a_signature_by_an_incomplete_key_is_checked_all_the_same() {
        let [root, ca, user] = line();
        let trust = Trust::new([root]);
        let mut forged = template("Mallory", Some(&ca), &Signer::spki(false));
        forged.serial = vec![7];
        // The signature of another certificate.
        let forged = issue(&forged, &DSA.identifier(), &|_| Ok(user.signature().to_vec())).unwrap();
        let outcome = ask(&forged, &[ca], &trust);
        assert_eq!(outcome.verdict, ChainVerdict::Rejected);
        assert_eq!(outcome.reasons[0].code, "certificate_signature_invalid", "{:?}", outcome.reasons);
    }

    #[test]
    fn sec_103_parameters_of_another_path_are_refused() {
        let limits = Limits::default();
        let [root, ca, user] = line();
        let (trust, extra) = (Trust::new([root]), [ca.clone()]);
        let other = include_bytes!("../../test-vectors/dsa/2048-256.spki");
        let other = PublicKey::from_spki(other, &limits).unwrap();
        let misled = user.below(&other).unwrap();
        let outcome = ask(&misled, &extra, &trust);
        assert_eq!(outcome.verdict, ChainVerdict::Rejected);
        assert_eq!(outcome.reasons[0].code, "unusable_key", "{:?}", outcome.reasons);
        // The same where the path ends with the certificate itself: nobody says there what the parameters are.
        for leaf in [&user, &misled, &user.below(&line()[0].public_key(&limits).unwrap()).unwrap()] {
            let outcome = ask(leaf, &[], &Trust::new([user.clone()]));
            assert_eq!(outcome.verdict, ChainVerdict::Rejected);
            assert_eq!(outcome.reasons[0].code, "unusable_key", "{:?}", outcome.reasons);
        }
        // An impostor of the CA's name whose key did not sign it is passed over.
        let impostor = by_dsa(&{
            let mut template = template("Issuing", None, other.spki()).for_authority(None);
            template.serial = vec![9];
            template
        });
        let complete = with_inherited_parameters(&user, &[impostor, ca], &trust, &limits);
        assert_eq!(complete.public_key(&limits).unwrap().describe(), "DSA-1024");
    }

    #[test]
    fn nothing_is_inherited_from_a_key_of_another_kind() {
        let limits = Limits::default();
        let key = PrivateKey::generate(KeyKind::P256, 0).unwrap();
        let root = by(&template("Root", None, &key.public_key_spki()).for_authority(None), &key);
        let user = by(&template("Alice", Some(&root), &Signer::spki(false)), &key);
        let trust = Trust::new([root.clone()]);
        assert!(with_inherited_parameters(&user, &[], &trust, &limits).public_key(&limits).is_err());
        // The chain holds (RFC 5280 section 6.1.4 (e) leaves the key without parameters); the key is of no use.
        let outcome = ask(&user, &[], &trust);
        assert_eq!(outcome.verdict, ChainVerdict::Anchored, "{:?}", outcome.reasons);
        assert!(outcome.path[0].public_key(&limits).is_err());
        // But not with parameters from elsewhere.
        let misled = user.below(&PublicKey::from_spki(&Signer::spki(true), &limits).unwrap()).unwrap();
        assert_eq!(ask(&misled, &[], &trust).verdict, ChainVerdict::Rejected);
    }

    #[test]
    fn sec_105_many_issuers_of_one_name_are_looked_at_up_to_a_bound() {
        let limits = Limits::default();
        let [_, ca, user] = line();
        // CAs without parameters that issue each other: a search without a bound would not end.
        let crowd: Vec<Certificate> = (0..250u8)
            .map(|serial| {
                let mut template = template("Issuing", Some(&ca), &Signer::spki(false)).for_authority(None);
                template.serial = vec![1, serial];
                issue(&template, &DSA.identifier(), &|_| Ok(vec![serial; 40])).unwrap()
            })
            .collect();
        let started = std::time::Instant::now();
        assert!(with_inherited_parameters(&user, &crowd, &Trust::default(), &limits).public_key(&limits).is_err());
        let trust = Trust::new([by_dsa(&template("Issuing", None, &Signer::spki(true)).for_authority(None))]);
        let outcome = ask(&user, &crowd, &trust);
        assert_eq!(outcome.verdict, ChainVerdict::Anchored, "the anchor itself signed it: {:?}", outcome.reasons);
        assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
    }
}
