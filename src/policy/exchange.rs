//! Set-SmimeConfig: how Exchange tells Outlook on the web, and new Outlook, to handle S/MIME, in full (OUT-80 to OUT-85).
//!
//! [`SmimeConfig`] is the object, with Microsoft's defaults; [`powershell`](super::powershell) reads its names and values
//! as they are printed and typed; [`apply`] turns it into a [`Policy`](super::policy::Policy).

pub mod algorithms;
pub mod apply;

use super::sending::{BccForking, CrlTimeouts};
use super::table::{self, Filled, Line, Notation, Row, Slot, UserChange};
use super::value::{Result, Setting, Value, or_faults, shown};
use crate::base::address::EmailAddress;
use crate::base::reason::Reason;
use crate::cert::certificate::Certificate;
use crate::cert::mailbox::{AddressMatch, AddressRule, speaks_for};
use const_oid::ObjectIdentifier;
use std::time::Duration;

/// Every parameter of Set-SmimeConfig. Where nothing is configured it has Microsoft's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // each field is a row of the table below, which says what it does
pub struct SmimeConfig {
    pub allow_user_choice_of_signing_certificate: bool,
    pub always_encrypt: bool,
    pub always_sign: bool,
    pub bcc_encrypted_email_forking: u32,
    pub check_crl_on_send: bool,
    pub clear_sign: bool,
    pub copy_recipient_headers: bool,
    pub crl_connection_timeout: u32,
    pub crl_retrieval_timeout: u32,
    pub disable_crl_check: bool,
    pub dl_expansion_timeout: u32,
    pub encryption_algorithms: Option<String>,
    pub encrypt_temporary_buffers: bool,
    pub force_smime_client_upgrade: bool,
    pub include_certificate_chain_and_root_certificate: bool,
    pub include_certificate_chain_without_root_certificate: bool,
    pub include_smime_capabilities_in_message: bool,
    pub only_use_smart_card: bool,
    pub sender_certificate_attributes_to_display: Option<String>,
    pub signed_email_certificate_inclusion: bool,
    pub signing_algorithms: Option<String>,
    pub triple_wrap_signed_encrypted_mail: bool,
    pub use_key_identifier: bool,
    pub use_secondary_proxies_when_finding_certificates: bool,
    pub no_sign_on_reply: bool,
    pub certificate_issuing_ca: Option<Vec<u8>>,
    given: Vec<&'static str>,
}

const fn row(name: &'static str, slot: Slot<SmimeConfig>, about: &'static str) -> Row<SmimeConfig> {
    Row { name, slot, about }
}

use Slot::{Boolean, Bytes, Choice, Number, Text};

/// The numbers of OWABCCEncryptedEmailForking.
const FORKING: &[(&str, u32)] = &[("one per Bcc", 0), ("one for all Bcc", 1), ("one for everybody", 2)];

/// Name, type, default and effect of every parameter.
const PARAMETERS: &[Row<SmimeConfig>] = &[
    row(
        "OWAAllowUserChoiceOfSigningCertificate",
        Boolean(false, |c| &mut c.allow_user_choice_of_signing_certificate),
        "whether the user chooses among several signing certificates; else the one that began last is taken (OUT-9)",
    ),
    row("OWAAlwaysEncrypt", Boolean(false, |c| &mut c.always_encrypt), "every message is encrypted (OUT-70)"),
    row("OWAAlwaysSign", Boolean(false, |c| &mut c.always_sign), "every message is signed (OUT-70)"),
    row(
        "OWABCCEncryptedEmailForking",
        Choice(0, FORKING, |c| &mut c.bcc_encrypted_email_forking),
        "how many messages an encrypted one with Bcc becomes (OUT-41)",
    ),
    row(
        "OWACheckCRLOnSend",
        Boolean(false, |c| &mut c.check_crl_on_send),
        "a revocation list that cannot be reached stops sending; else it is sent all the same (OUT-142)",
    ),
    row("OWAClearSign", Boolean(true, |c| &mut c.clear_sign), "multipart/signed; else opaque (OUT-32)"),
    row(
        "OWACopyRecipientHeaders",
        Boolean(false, |c| &mut c.copy_recipient_headers),
        "reserved by Microsoft: From, To and Cc also in the signed part (OUT-42)",
    ),
    row(
        "OWACRLConnectionTimeout",
        Number(60_000, |c| &mut c.crl_connection_timeout),
        "milliseconds that one revocation list may take (OUT-83)",
    ),
    row(
        "OWACRLRetrievalTimeout",
        Number(10_000, |c| &mut c.crl_retrieval_timeout),
        "milliseconds that all lists of one validation may take together (OUT-83)",
    ),
    row("OWADisableCRLCheck", Boolean(false, |c| &mut c.disable_crl_check), "revocation is not looked up (OUT-142)"),
    row(
        "OWADLExpansionTimeout",
        Number(60_000, |c| &mut c.dl_expansion_timeout),
        "milliseconds for each distribution group of a message (OUT-85)",
    ),
    row(
        "OWAEncryptionAlgorithms",
        Text(|c| &mut c.encryption_algorithms),
        "ciphers, best first; AES-256 where nothing is configured (OUT-80)",
    ),
    row(
        "OWAEncryptTemporaryBuffers",
        Boolean(true, |c| &mut c.encrypt_temporary_buffers),
        "of Microsoft's own client; secrets are overwritten here in any case",
    ),
    row(
        "OWAForceSMIMEClientUpgrade",
        Boolean(true, |c| &mut c.force_smime_client_upgrade),
        "of Microsoft's own client; has no meaning here",
    ),
    row(
        "OWAIncludeCertificateChainAndRootCertificate",
        Boolean(false, |c| &mut c.include_certificate_chain_and_root_certificate),
        "the chain with its root goes along with a signature",
    ),
    row(
        "OWAIncludeCertificateChainWithoutRootCertificate",
        Boolean(false, |c| &mut c.include_certificate_chain_without_root_certificate),
        "the chain without its root goes along; where neither does, only the own certificates do",
    ),
    row(
        "OWAIncludeSMIMECapabilitiesInMessage",
        Boolean(false, |c| &mut c.include_smime_capabilities_in_message),
        "SMIMECapabilities among the signed attributes",
    ),
    row("OWAOnlyUseSmartCard", Boolean(false, |c| &mut c.only_use_smart_card), "keys in files are refused"),
    row(
        "OWASenderCertificateAttributesToDisplay",
        Text(|c| &mut c.sender_certificate_attributes_to_display),
        "attributes to show where the sender's address is not the certificate's: object identifiers with commas",
    ),
    row(
        "OWASignedEmailCertificateInclusion",
        Boolean(true, |c| &mut c.signed_email_certificate_inclusion),
        "signing and encryption certificate go along with a signature; else neither does",
    ),
    row(
        "OWASigningAlgorithms",
        Text(|c| &mut c.signing_algorithms),
        "digests, best first; SHA-1 where nothing is configured, which is signed with on the user's word only (OUT-81, OUT-39)",
    ),
    row(
        "OWATripleWrapSignedEncryptedMail",
        Boolean(false, |c| &mut c.triple_wrap_signed_encrypted_mail),
        "signed and encrypted mail is signed once more outside (OUT-35)",
    ),
    row(
        "OWAUseKeyIdentifier",
        Boolean(false, |c| &mut c.use_key_identifier),
        "recipients are named by subjectKeyIdentifier (OUT-57)",
    ),
    row(
        "OWAUseSecondaryProxiesWhenFindingCertificates",
        Boolean(true, |c| &mut c.use_secondary_proxies_when_finding_certificates),
        "a recipient's certificate may be for any of their addresses (OUT-82)",
    ),
    row("NoSignOnReply", Boolean(true, |c| &mut c.no_sign_on_reply), "a reply does not inherit the signature (OUT-40)"),
    row(
        "SMIMECertificateIssuingCA",
        Bytes(|c| &mut c.certificate_issuing_ca),
        "the serialized store of the certificates that are trusted (OUT-20, OUT-25)",
    ),
];

/// What Get-SmimeConfig prints beside its parameters, as of every object of the directory.
const OF_EVERY_OBJECT: &[&str] = &[
    "AdminDisplayName",
    "DomainController",
    "DistinguishedName",
    "ExchangeObjectId",
    "ExchangeVersion",
    "Guid",
    "Id",
    "Identity",
    "IsValid",
    "Name",
    "ObjectCategory",
    "ObjectClass",
    "ObjectState",
    "OrganizationalUnitRoot",
    "OrganizationId",
    "OriginatingServer",
    "PSComputerName",
    "PSShowComputerName",
    "RunspaceId",
    "SMIMECertificatesExpiryDate",
    "SMIMEExpiredCertificateThumbprint",
    "WhenChanged",
    "WhenChangedUTC",
    "WhenCreated",
    "WhenCreatedUTC",
];

/// Whether a name is one of Set-SmimeConfig's parameters.
pub fn is_parameter(name: &str) -> bool {
    PARAMETERS.iter().any(|row| row.name.eq_ignore_ascii_case(name))
}

impl SmimeConfig {
    /// Microsoft's defaults: what counts where an administrator never called Set-SmimeConfig.
    pub fn unconfigured() -> Self {
        let mut config = Self::default();
        table::reset(PARAMETERS, &mut config);
        config
    }

    /// From the names and values that PowerShell's text or a JSON object gives. Unknown names are notes (OUT-84), and so is an
    /// algorithm list that Exchange would silently replace (OUT-80, OUT-81).
    ///
    /// # Errors
    /// [`Fault::Type`](super::value::Fault::Type), [`Fault::Twice`](super::value::Fault::Twice).
    pub fn from_settings(settings: &[Setting]) -> Result<(Self, Vec<Reason>)> {
        let mut notes = Vec::new();
        let complete = |setting: &&Setting| {
            let name = setting.key.as_str();
            // PowerShell's printing cuts lists short; and an expression is not what it evaluates to.
            if name.eq_ignore_ascii_case("SMIMECertificateIssuingCA") && setting.value.text().is_some() {
                let text = format!("{name}: its bytes are not in the text, so that the store was not read");
                notes.push(Reason::new("store_not_read", text));
                return false;
            }
            // An empty text is how PowerShell prints that there is nothing.
            setting.value.text() != Some("")
        };
        let settings: Vec<&Setting> = settings.iter().filter(complete).collect();
        let mut config = Self::unconfigured();
        let Filled { given, unknown, faults } = table::fill(PARAMETERS, settings, Notation::PowerShell, &mut config);
        config.given = given;
        for setting in unknown.iter().filter(|s| s.value != Value::Null) {
            if !OF_EVERY_OBJECT.iter().any(|name| name.eq_ignore_ascii_case(&setting.key)) {
                let key = shown(&setting.key);
                let text = format!("{key} is no parameter of Set-SmimeConfig, and has no effect ({})", setting.place);
                notes.push(Reason::new("unknown_key", text));
            }
        }
        notes.extend(config.ciphers().note.into_iter().chain(config.digests().note));
        if config.attributes_to_display().is_none() {
            let text =
                "OWASenderCertificateAttributesToDisplay is no list of object identifiers with commas between them";
            notes.push(Reason::new("malformed_attribute_list", text));
        }
        if config.copy_recipient_headers {
            let text =
                "OWACopyRecipientHeaders is reserved by Microsoft; here From, To and Cc stand in the signed part, too";
            notes.push(Reason::new("reserved_parameter", text));
        }
        Ok((or_faults(config, faults)?, notes))
    }

    /// Whether the administrator has configured a parameter.
    pub fn is_given(&self, name: &str) -> bool {
        self.given.iter().any(|given| given.eq_ignore_ascii_case(name))
    }

    /// Every parameter. A user has no say in any of them.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = table::lines(PARAMETERS, self, &self.given, UserChange::Locked);
        for line in &mut lines {
            match line.name.as_str() {
                "OWAEncryptionAlgorithms" if self.encryption_algorithms.is_none() => line.value = "6610".to_owned(),
                "OWASigningAlgorithms" if self.signing_algorithms.is_none() => line.value = "8004".to_owned(),
                _ => {}
            }
        }
        lines
    }

    /// OWASenderCertificateAttributesToDisplay; `None` where it is no list of identifiers.
    pub fn attributes_to_display(&self) -> Option<Vec<ObjectIdentifier>> {
        let text = self.sender_certificate_attributes_to_display.as_deref().unwrap_or_default();
        let names = text.split(',').map(str::trim).filter(|_| !text.trim().is_empty());
        names.map(|oid| oid.parse().ok()).collect()
    }

    /// How many messages a message with Bcc becomes (OUT-41).
    pub fn bcc_forking(&self) -> BccForking {
        match self.bcc_encrypted_email_forking {
            0 => BccForking::OnePerRecipient,
            1 => BccForking::OneForAll,
            _ => BccForking::Together,
        }
    }

    /// How long revocation lists may take (OUT-83).
    pub fn crl_timeouts(&self) -> CrlTimeouts {
        CrlTimeouts {
            connection: Duration::from_millis(self.crl_connection_timeout.into()),
            retrieval: Duration::from_millis(self.crl_retrieval_timeout.into()),
        }
    }

    /// How long the expansion of so many distribution groups may take (OUT-85).
    pub fn expansion_timeout(&self, groups: u32) -> Duration {
        Duration::from_millis(u64::from(self.dl_expansion_timeout).saturating_mul(groups.into()))
    }

    /// Whether a certificate is a recipient's: for the primary address, or where the administrator lets it, for any of
    /// the others (OUT-82).
    pub fn is_for_recipient(
        &self,
        certificate: &Certificate,
        primary: &EmailAddress,
        secondary: &[EmailAddress],
        rule: &AddressRule,
    ) -> AddressMatch {
        let primary = speaks_for(certificate, primary, rule);
        if matches!(primary, AddressMatch::Matches { .. }) || !self.use_secondary_proxies_when_finding_certificates {
            return primary;
        }
        let mut others = secondary.iter().map(|address| speaks_for(certificate, address, rule));
        others.find(|answer| matches!(answer, AddressMatch::Matches { .. })).unwrap_or(primary)
    }
}
