# What the administrator typed.
Set-SmimeConfig -OWAAllowUserChoiceOfSigningCertificate $true `
  -OWAAlwaysEncrypt $false `
  -OWAAlwaysSign $true `
  -OWABCCEncryptedEmailForking 1 `
  -OWACheckCRLOnSend $true `
  -OWAClearSign $false `
  -OWACopyRecipientHeaders $false `
  -OWACRLConnectionTimeout 30000 `
  -OWACRLRetrievalTimeout 5000 `
  -OWADisableCRLCheck $false `
  -OWADLExpansionTimeout 20000 `
  -OWAEncryptTemporaryBuffers $true `
  -OWAEncryptionAlgorithms "6603;660E,2.16.840.1.101.3.4.1.2;6602:128" -Confirm:$false
Set-SmimeConfig -OWAForceSMIMEClientUpgrade:$true -OWAIncludeCertificateChainAndRootCertificate:$false -OWAIncludeCertificateChainWithoutRootCertificate:$true -OWAIncludeSMIMECapabilitiesInMessage:$true -OWAOnlyUseSmartCard:$false -OWASignedEmailCertificateInclusion:$true -OWATripleWrapSignedEncryptedMail:$true -OWAUseKeyIdentifier:$true -OWAUseSecondaryProxiesWhenFindingCertificates:$false -OWASigningAlgorithms '8004;800E;800C' -NoSignOnReply $false
Set-SmimeConfig -SMIMECertificateIssuingCA ([System.IO.File]::ReadAllBytes('C:\roots; all.sst')) -OWASenderCertificateAttributesToDisplay $null
