//! libcrypto's CMS functions: memory BIO in, S/MIME text out, or the other way. Keys and certificates are read beforehand.

use crate::people::Person;
use foreign_types::ForeignType;
use libc::{c_char, c_int, c_long};
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::X509;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl_sys as ffi;
use std::ptr::null_mut;

const DETACHED: u32 = ffi::CMS_DETACHED;
const STREAM: u32 = ffi::CMS_STREAM;

unsafe extern "C" {
    fn SMIME_write_CMS(out: *mut ffi::BIO, cms: *mut ffi::CMS_ContentInfo, data: *mut ffi::BIO, flags: c_int) -> c_int;
    fn CMS_verify(
        cms: *mut ffi::CMS_ContentInfo,
        certs: *mut ffi::stack_st_X509,
        store: *mut ffi::X509_STORE,
        detached: *mut ffi::BIO,
        out: *mut ffi::BIO,
        flags: u32,
    ) -> c_int;
    fn BIO_ctrl(bio: *mut ffi::BIO, command: c_int, larg: c_long, parg: *mut libc::c_void) -> c_long;
}

/// Which libcrypto it is.
pub fn version() -> String {
    openssl::version::version().to_owned()
}

pub fn certificate(certificate: &smime::Certificate) -> X509 {
    X509::from_der(certificate.der()).unwrap()
}

pub struct SigningParty {
    certificate: X509,
    key: PKey<Private>,
    chain: Stack<X509>,
}

impl SigningParty {
    pub fn new(person: &Person, chain: &[&smime::Certificate]) -> Self {
        let mut stack = Stack::new().unwrap();
        chain.iter().for_each(|c| stack.push(self::certificate(c)).unwrap());
        Self { certificate: certificate(&person.certificate), key: key(person), chain: stack }
    }

    /// multipart/signed, or with the content inside.
    pub fn sign(&self, content: &[u8], detached: bool) -> Vec<u8> {
        let flags = STREAM | if detached { DETACHED } else { 0 };
        let (input, out) = (Bio::reading(content), Bio::writing());
        // SAFETY: all pointers are to living objects; what is made is freed below.
        unsafe {
            let (certificate, key, chain) = (self.certificate.as_ptr(), self.key.as_ptr(), self.chain.as_ptr());
            let cms = ffi::CMS_sign(certificate, key, chain, input.0, flags);
            assert!(!cms.is_null());
            assert_eq!(SMIME_write_CMS(out.0, cms, input.0, flags as c_int), 1);
            ffi::CMS_ContentInfo_free(cms);
        }
        out.bytes().to_vec()
    }
}

/// Those whom it trusts.
pub fn store(root: &smime::Certificate) -> X509Store {
    let mut builder = X509StoreBuilder::new().unwrap();
    builder.add_cert(certificate(root)).unwrap();
    builder.build()
}

/// Verifies, and gives how long the content is.
pub fn verify(signed: &[u8], store: &X509Store) -> usize {
    let (input, out) = (Bio::reading(signed), Bio::writing());
    // SAFETY: as above; `detached` is null where the content is inside.
    unsafe {
        let mut detached = null_mut();
        let cms = ffi::SMIME_read_CMS(input.0, &mut detached);
        assert!(!cms.is_null(), "{}", openssl::error::ErrorStack::get());
        let good = CMS_verify(cms, null_mut(), store.as_ptr(), detached, out.0, 0);
        assert_eq!(good, 1, "{}", openssl::error::ErrorStack::get());
        ffi::CMS_ContentInfo_free(cms);
        ffi::BIO_free_all(detached);
    }
    out.bytes().len()
}

pub struct Recipients(Stack<X509>);

impl Recipients {
    pub fn new<'a>(people: impl IntoIterator<Item = &'a Person>) -> Self {
        let mut stack = Stack::new().unwrap();
        people.into_iter().for_each(|p| stack.push(certificate(&p.certificate)).unwrap());
        Self(stack)
    }

    pub fn encrypt(&self, content: &[u8], cipher: Cipher) -> Vec<u8> {
        let (input, out) = (Bio::reading(content), Bio::writing());
        // SAFETY: as above.
        unsafe {
            let cms = ffi::CMS_encrypt(self.0.as_ptr(), input.0, cipher.as_ptr(), STREAM);
            assert!(!cms.is_null());
            assert_eq!(SMIME_write_CMS(out.0, cms, input.0, STREAM as c_int), 1);
            ffi::CMS_ContentInfo_free(cms);
        }
        out.bytes().to_vec()
    }
}

pub struct Opening {
    certificate: X509,
    key: PKey<Private>,
}

impl Opening {
    pub fn new(person: &Person) -> Self {
        Self { certificate: certificate(&person.certificate), key: key(person) }
    }

    /// Decrypts, and gives how long the content is.
    pub fn decrypt(&self, sealed: &[u8]) -> usize {
        let (input, out) = (Bio::reading(sealed), Bio::writing());
        // SAFETY: as above.
        unsafe {
            let cms = ffi::SMIME_read_CMS(input.0, null_mut());
            assert!(!cms.is_null(), "{}", openssl::error::ErrorStack::get());
            let (key, certificate) = (self.key.as_ptr(), self.certificate.as_ptr());
            let good = ffi::CMS_decrypt(cms, key, certificate, null_mut(), out.0, 0);
            assert_eq!(good, 1, "{}", openssl::error::ErrorStack::get());
            ffi::CMS_ContentInfo_free(cms);
        }
        out.bytes().len()
    }
}

fn key(person: &Person) -> PKey<Private> {
    PKey::private_key_from_pkcs8(person.key.to_pkcs8().unwrap().expose()).unwrap()
}

struct Bio<'a>(*mut ffi::BIO, std::marker::PhantomData<&'a [u8]>);

impl<'a> Bio<'a> {
    fn reading(bytes: &'a [u8]) -> Self {
        // SAFETY: the BIO reads the bytes, which live longer than it.
        let bio = unsafe { ffi::BIO_new_mem_buf(bytes.as_ptr().cast(), bytes.len() as c_int) };
        assert!(!bio.is_null());
        Self(bio, std::marker::PhantomData)
    }

    fn writing() -> Self {
        // SAFETY: a new BIO of its own memory.
        let bio = unsafe { ffi::BIO_new(ffi::BIO_s_mem()) };
        assert!(!bio.is_null());
        Self(bio, std::marker::PhantomData)
    }

    fn bytes(&self) -> &[u8] {
        let mut data: *mut c_char = null_mut();
        // SAFETY: BIO_CTRL_INFO gives address and length of the BIO's own memory, which lives as long as it.
        unsafe {
            let length = BIO_ctrl(self.0, ffi::BIO_CTRL_INFO, 0, (&raw mut data).cast());
            match length {
                0 => &[],
                _ => std::slice::from_raw_parts(data.cast(), length as usize),
            }
        }
    }
}

impl Drop for Bio<'_> {
    fn drop(&mut self) {
        // SAFETY: it is this BIO's own, and freed once.
        unsafe { ffi::BIO_free_all(self.0) };
    }
}
