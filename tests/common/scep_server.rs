//! An authority that answers SCEP requests (RFC 8894), well or as a test wants it.

use super::http_server::{Exchange, Request, Server, ok};
use super::people::{common_name, serial, years};
use const_oid::ObjectIdentifier;
use smime::asn1::ber::Tag;
use smime::asn1::framing::Encoding;
use smime::asn1::{der, oid};
use smime::cert::extension::KeyUsage;
use smime::cert::issue::{CertificateTemplate, issue};
use smime::cert::request::CertificationRequest;
use smime::cms::attribute::Attributes;
use smime::cms::enveloped::{self, Enveloped};
use smime::cms::identifier::CertificateId;
use smime::cms::recipient_info::{self, RecipientInfo, Wrapping};
use smime::cms::signed::{self, Head, SignedData, Sink};
use smime::cms::signer_info::{self, ContentFacts, ContentReading, Integrity};
use smime::crypto::algorithm::{
    AlgorithmIdentifier, CipherParameters, ContentCipher, DigestAlgorithm, KeyTransport, SignatureScheme,
};
use smime::crypto::content::{CbcDecryptor, CbcEncryptor, fresh};
use smime::crypto::digest::hash;
use smime::crypto::private::PrivateKey;
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::KeyKind;
use smime::store::p7c;
use smime::{Certificate, EmailAddress, Limits, cms};
use std::sync::{Arc, Mutex, OnceLock};

/// RSA keys, which take their time: made once for each number.
pub fn rsa_key(number: usize) -> PrivateKey {
    static KEYS: [OnceLock<PrivateKey>; 6] = [const { OnceLock::new() }; 6];
    KEYS[number].get_or_init(|| PrivateKey::generate(KeyKind::Rsa, 2048).unwrap()).clone()
}

const DIGEST: DigestAlgorithm = DigestAlgorithm::Sha256;
const SCHEME: SignatureScheme = SignatureScheme::RsaPkcs1(DIGEST);

/// Somebody with an RSA key and a certificate.
#[derive(Clone)]
pub struct Party {
    pub key: PrivateKey,
    pub certificate: Certificate,
}

impl Party {
    /// A CA.
    pub fn root(name: &str, key: PrivateKey) -> Self {
        let spki = key.public_key_spki();
        let template = CertificateTemplate::new(common_name(name), None, &serial(), years(), &spki);
        let certificate =
            issue(&template.for_authority(None), &SCHEME.identifier(), &|tbs| Ok(key.sign(&SCHEME, tbs)?)).unwrap();
        Self { key, certificate }
    }

    /// Somebody below it, whose certificate is changed as the caller likes.
    pub fn below(&self, name: &str, key: PrivateKey, change: impl FnOnce(&mut CertificateTemplate)) -> Self {
        let spki = key.public_key_spki();
        Self { certificate: self.certify(common_name(name), &spki, change), key }
    }

    fn certify(
        &self,
        subject: smime::cert::name::Name,
        spki: &[u8],
        change: impl FnOnce(&mut CertificateTemplate),
    ) -> Certificate {
        let mut template = CertificateTemplate::new(subject, Some(&self.certificate), &serial(), years(), spki);
        change(&mut template);
        issue(&template, &SCHEME.identifier(), &|tbs| Ok(self.key.sign(&SCHEME, tbs)?)).unwrap()
    }

    /// Its SHA-256, as an operator reads it out.
    pub fn fingerprint(&self) -> String {
        super::hex(&self.certificate.sha256())
    }
}

/// How the authority answers.
#[derive(Clone)]
pub struct Manner {
    /// GetCACaps; `None` is status 404.
    pub capabilities: Option<&'static str>,
    /// GetCACert.
    pub certificates: Vec<Certificate>,
    /// Polls that find nothing decided.
    pub pending: u32,
    /// What is wrong with the reply.
    pub fault: Fault,
    /// The password that requests bear; a refusal (badRequest) answers others.
    pub challenge: Option<&'static str>,
    /// Who signs replies and opens requests.
    pub agent: Party,
}

/// What is wrong with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    Nonce,
    Transaction,
    OtherKey,
    Unsigned,
    ForeignSigner,
    Altered,
    MessageType,
    Status,
    StatusTwice,
    Envelope,
    Rc2,
    Stalled,
    Garbage,
}

/// A request as the authority understood it.
#[derive(Clone)]
pub struct Understood {
    pub message_type: String,
    pub transaction: String,
    pub by_post: bool,
    pub digest: String,
    pub signature_algorithm: ObjectIdentifier,
    pub cipher: ContentCipher,
    pub signer: Certificate,
    pub request: Option<CertificationRequest>,
}

/// The authority at work.
pub struct ScepServer {
    pub server: Server,
    pub ca: Party,
    understood: Arc<Mutex<Vec<Understood>>>,
}

pub const CAPABILITIES: &str = "AES\nDES3\nPOSTPKIOperation\nRenewal\nSHA-1\nSHA-256\nSCEPStandard\n";

impl ScepServer {
    /// A CA without registration authority, which answers in a manner.
    pub fn start(change: impl FnOnce(&mut Manner)) -> Self {
        let ca = Party::root("SCEP CA", rsa_key(0));
        Self::with(ca, change)
    }

    /// A certain CA.
    pub fn with(ca: Party, change: impl FnOnce(&mut Manner)) -> Self {
        let mut manner = Manner {
            capabilities: Some(CAPABILITIES),
            certificates: vec![ca.certificate.clone()],
            pending: 0,
            fault: Fault::None,
            challenge: None,
            agent: ca.clone(),
        };
        change(&mut manner);
        let understood: Arc<Mutex<Vec<Understood>>> = Arc::default();
        let (log, issuer) = (Arc::clone(&understood), ca.clone());
        // A request, by its transaction, and the polls that it was asked for.
        let waiting = Mutex::new(Vec::<(String, CertificationRequest, u32)>::new());
        let server = Server::start(move |request, exchange| {
            answer(request, exchange, &manner, &issuer, &log, &waiting);
        });
        Self { server, ca, understood }
    }

    /// What was asked so far.
    pub fn understood(&self) -> Vec<Understood> {
        self.understood.lock().unwrap().clone()
    }

    /// Its address, by number.
    pub fn url(&self) -> String {
        self.server.numeric_url("/scep")
    }
}

type Waiting = Mutex<Vec<(String, CertificationRequest, u32)>>;

fn answer(
    request: &Request,
    exchange: &mut Exchange,
    manner: &Manner,
    ca: &Party,
    log: &Mutex<Vec<Understood>>,
    waiting: &Waiting,
) {
    let body = if request.target.contains("operation=GetCACaps") {
        match manner.capabilities {
            Some(words) => words.as_bytes().to_vec(),
            None => {
                exchange.send(&super::http_server::not_found());
                return;
            }
        }
    } else if request.target.contains("operation=GetCACert") {
        match manner.certificates.as_slice() {
            [one] => one.der().to_vec(),
            all => p7c::write(all, &[]),
        }
    } else {
        let message = match request.target.split_once("message=") {
            Some((_, text)) => smime::store::pem::decode_bare(&unescaped(text)).unwrap().expose().to_vec(),
            None => request.body.clone(),
        };
        match manner.fault {
            Fault::Stalled => return exchange.stall(),
            Fault::Garbage => b"<html>Internal error</html>".to_vec(),
            _ => operate(&message, request.method == "POST", manner, ca, log, waiting),
        }
    };
    exchange.send(&ok(&body));
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        out.extend_from_slice(before.as_bytes());
        out.push(u8::from_str_radix(&behind[..2], 16).unwrap());
        rest = &behind[2..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

#[derive(Default)]
struct Keep(Vec<u8>);

impl Sink for Keep {
    fn begin(&mut self, _: &Head) -> cms::Result<()> {
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> cms::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn operate(
    message: &[u8],
    by_post: bool,
    manner: &Manner,
    ca: &Party,
    log: &Mutex<Vec<Understood>>,
    waiting: &Waiting,
) -> Vec<u8> {
    let limits = Limits::default();
    let mut envelope = Keep::default();
    let signed = SignedData::read(message, &limits, &mut envelope).unwrap();
    let signer = &signed.signers[0];
    let certificate = signer.certificate(&signed.certificates).unwrap().unwrap().clone();
    let digest = signer.digest().unwrap();
    let readings = [ContentReading { digests: vec![(digest, hash(digest, &envelope.0))], whole: None, note: None }];
    let facts = ContentFacts { content_type: oid::ID_DATA, readings: &readings, resembles_attributes: false };
    assert_eq!(signer.check(&certificate, &facts, &limits).integrity, Integrity::Intact);
    let attributes = signer.signed_attributes.as_ref().unwrap();
    let (message_type, transaction) =
        (text(attributes, &oid::SCEP_MESSAGE_TYPE), text(attributes, &oid::SCEP_TRANSACTION_ID));
    let nonce = attributes.single(&oid::SCEP_SENDER_NONCE).unwrap().unwrap().to_vec();
    assert_eq!(nonce.len(), 18);
    let (content, cipher) = opened(&envelope.0, &manner.agent, &limits);
    let request = (message_type != "20").then(|| CertificationRequest::from_der(&content).unwrap());
    if let Some(request) = &request {
        request.verify(&limits).unwrap();
    }
    log.lock().unwrap().push(Understood {
        message_type: message_type.clone(),
        transaction: transaction.clone(),
        by_post,
        digest: digest.name().to_owned(),
        signature_algorithm: signer.signature_algorithm.oid,
        cipher,
        signer: certificate.clone(),
        request: request.clone(),
    });
    let mut waiting = waiting.lock().unwrap();
    let allowed = match &request {
        None => true,
        Some(_) if message_type == "17" => certificate.signed_by(&ca.certificate, &limits).is_ok(),
        Some(request) => {
            let password = request.challenge_password.as_ref().map(|password| password.expose().to_vec());
            manner.challenge.is_none_or(|wanted| password.as_deref() == Some(wanted.as_bytes()))
        }
    };
    let reply = Answer { manner, transaction: &transaction, nonce: &nonce };
    if !allowed {
        return reply.write("2", &[], vec![attribute(&oid::SCEP_FAIL_INFO, printable("2"))]);
    }
    let known = waiting.iter().position(|(one, ..)| *one == transaction);
    let (csr, left) = match (known, request) {
        (_, Some(request)) => (request, manner.pending),
        (Some(at), None) => {
            let (_, request, left) = waiting.remove(at);
            (request, left - 1)
        }
        (None, None) => return reply.write("2", &[], vec![attribute(&oid::SCEP_FAIL_INFO, printable("4"))]),
    };
    if left > 0 {
        waiting.push((transaction.clone(), csr, left));
        return reply.write("3", &[], Vec::new());
    }
    let spki = match manner.fault {
        Fault::OtherKey => rsa_key(3).public_key_spki(),
        _ => csr.spki.clone(),
    };
    let wanted = csr.extensions.clone();
    let own = ca.certify(csr.subject.clone(), &spki, |template| template.extensions = wanted);
    // The certificate of another user stands first: not the first one counts, but the one for the key.
    let other = ca.below("Somebody else", rsa_key(4), |_| {}).certificate;
    let bag = p7c::write(&[other, own, ca.certificate.clone()], &[]);
    reply.write("0", &sealed(&bag, &certificate, manner.fault, &limits), Vec::new())
}

fn text(attributes: &Attributes, kind: &ObjectIdentifier) -> String {
    let value = attributes.single(kind).unwrap().unwrap();
    smime::asn1::ber::Reader::single(value, "text").unwrap().text("text").unwrap()
}

fn opened(envelope: &[u8], agent: &Party, limits: &Limits) -> (Vec<u8>, ContentCipher) {
    let mut ciphertext = Vec::new();
    let read = Enveloped::read(envelope, limits, &mut |bytes| {
        ciphertext.extend_from_slice(bytes);
        Ok(())
    })
    .unwrap();
    let parameters = read.cipher().unwrap();
    let [RecipientInfo::Transport(recipient)] = read.head.recipients.as_slice() else { panic!("recipients") };
    assert!(recipient.identifier.names(&agent.certificate));
    let key =
        agent.key.decrypt(&KeyTransport::RsaPkcs1, &recipient.encrypted_key, parameters.cipher.key_length()).unwrap();
    let mut plain = Vec::new();
    let mut decryptor = CbcDecryptor::new(parameters.cipher, key.expose(), &parameters.iv).unwrap();
    decryptor.update(&ciphertext, &mut plain);
    decryptor.finish(&mut plain).unwrap();
    (plain, parameters.cipher)
}

fn sealed(bag: &[u8], to: &Certificate, fault: Fault, limits: &Limits) -> Vec<u8> {
    let cipher = ContentCipher::Aes128Cbc;
    let (key, iv) = fresh(cipher, &mut SystemRandom).unwrap();
    let mut ciphertext = Vec::new();
    let mut encryptor = CbcEncryptor::new(cipher, key.expose(), &iv).unwrap();
    encryptor.update(bag, &mut ciphertext);
    encryptor.finish(&mut ciphertext);
    if fault == Fault::Envelope {
        *ciphertext.last_mut().unwrap() ^= 1;
    }
    let identifier = CertificateId::issuer_and_serial(to);
    let public = to.public_key(limits).unwrap();
    let wrapping = Wrapping::Transport(KeyTransport::RsaPkcs1);
    let recipient = recipient_info::encode(&public, &identifier, &wrapping, &key, &mut SystemRandom).unwrap();
    let parameters = match fault {
        Fault::Rc2 => CipherParameters { cipher: ContentCipher::Rc2Cbc40, iv: vec![0; 8], tag_length: 0 },
        _ => CipherParameters { cipher, iv, tag_length: 0 },
    };
    let writer =
        enveloped::Writer { encoding: Encoding::Der, recipients: &[recipient], version: 0, parameters: &parameters };
    [writer.start(ciphertext.len() as u64), ciphertext, writer.end(None)].concat()
}

fn attribute(kind: &ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    der::sequence(&[der::oid(kind), der::set_of(Tag::SET, vec![value])])
}

fn printable(text: &str) -> Vec<u8> {
    der::primitive(Tag::PRINTABLE_STRING, text.as_bytes())
}

struct Answer<'a> {
    manner: &'a Manner,
    transaction: &'a str,
    nonce: &'a [u8],
}

impl Answer<'_> {
    /// A CertRep.
    fn write(&self, status: &str, content: &[u8], more: Vec<Vec<u8>>) -> Vec<u8> {
        let fault = self.manner.fault;
        let other = || der::octets(&[7; 16]);
        let (transaction, nonce) = match fault {
            Fault::Transaction => ("1234".to_owned(), self.nonce.to_vec()),
            Fault::Nonce => (self.transaction.to_owned(), other()),
            _ => (self.transaction.to_owned(), self.nonce.to_vec()),
        };
        let mut attributes = vec![
            attribute(&oid::ID_CONTENT_TYPE, der::oid(&oid::ID_DATA)),
            attribute(&oid::ID_MESSAGE_DIGEST, der::octets(&hash(DIGEST, content))),
            attribute(&oid::SCEP_MESSAGE_TYPE, printable(if fault == Fault::MessageType { "19" } else { "3" })),
            attribute(&oid::SCEP_PKI_STATUS, printable(if fault == Fault::Status { "1" } else { status })),
            attribute(&oid::SCEP_TRANSACTION_ID, printable(&transaction)),
            attribute(&oid::SCEP_RECIPIENT_NONCE, nonce),
            attribute(&oid::SCEP_SENDER_NONCE, other()),
        ];
        if fault == Fault::StatusTwice {
            attributes.push(attribute(&oid::SCEP_PKI_STATUS, printable("2")));
        }
        attributes.extend(more);
        let attributes = der::set_of(Tag::SET, attributes);
        let agent = &self.manner.agent;
        let foreign = Party::root("SCEP CA", rsa_key(3));
        let signer = if fault == Fault::ForeignSigner { &foreign } else { agent };
        let mut signature = signer.key.sign(&SCHEME, &attributes).unwrap();
        if fault == Fault::Altered {
            signature[9] ^= 1;
        }
        let identifier = CertificateId::issuer_and_serial(&signer.certificate);
        let algorithm = AlgorithmIdentifier::with_null(oid::RSA_ENCRYPTION);
        let info = signer_info::encode(&identifier, DIGEST, &attributes, &algorithm, &signature);
        let infos = if fault == Fault::Unsigned { vec![] } else { vec![info] };
        let certificates = [signer.certificate.clone()];
        let writer = signed::Writer {
            encoding: Encoding::Der,
            digests: &[DIGEST],
            certificates: &certificates,
            signers: &infos,
            version: 1,
        };
        if content.is_empty() {
            return writer.detached();
        }
        let (start, end) = writer.attached(content.len() as u64);
        [start, content.to_vec(), end].concat()
    }
}

/// A registration authority of a CA: one key for both, and the words of one in its certificate.
pub fn registration(ca: &Party, number: usize) -> Party {
    ca.below("SCEP RA", rsa_key(number), |template| {
        template.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT));
        template.extended_key_usage = vec![oid::MS_CERTIFICATE_REQUEST_AGENT];
    })
}

/// A user of a CA who has a certificate like any other.
pub fn user(ca: &Party, number: usize) -> Party {
    let address: EmailAddress = "mallory@example.com".parse().unwrap();
    ca.below("Mallory", rsa_key(number), |template| {
        *template = template.clone().for_mail(&[address], KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_ENCIPHERMENT));
    })
}
