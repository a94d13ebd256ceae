//! Identities, trusted certificates and recipients' certificates, from files and folders.

use crate::args::{Identities, Judging};
use crate::console::Console;
use crate::contacts;
use crate::failure::{Failure, exit};
use crate::input::{PasswordFrom, Secrecy, small_file};
use crate::keyring::Ring;
use crate::time;
use clap::ArgMatches;
use smime::store::directory::contacts::{Contacts, Informed};
use smime::store::directory::{Certificates, InOrder};
use smime::store::import::{self, Import, ImportOptions};
use smime::store::keyring::SharedKey;
use smime::store::ldif::directory::LdifDirectory;
use smime::store::ldif::{self, ChangeRecords, Ldif};
use smime::store::p12::MissingMac;
use smime::store::select::{KeySource, Selector};
use smime::store::{pem, sst};
use smime::{
    Certificate, Crl, Identity, Keyring, Limits, OcspResponse, Policy, RevocationData, RevocationMode, Secret, Time,
    Trust,
};
use smime::{cert, store};
use std::path::{Path, PathBuf};

/// Where one identity comes from.
struct Source {
    file: PathBuf,
    key: Option<PathBuf>,
    password: Option<PasswordFrom>,
}

/// What --allow-no-mac decides.
pub(crate) fn options(allow_no_mac: bool) -> ImportOptions {
    let choice = if allow_no_mac { MissingMac::Accept } else { MissingMac::Refuse };
    ImportOptions::default().missing_mac(choice)
}

/// The identities that were given, in their order.
pub(crate) fn identities(args: &Identities, order: &ArgMatches, console: Console) -> Result<Vec<Identity>, Failure> {
    let mut identities = Vec::new();
    for (file, import) in key_files(args, order, console)? {
        let sole = import.sole_identity().map(|_| ()).map_err(|e| Failure::from(e).about(file.display()));
        match sole {
            // A ring of several keys is as good as one.
            Err(failure) if import.identities.is_empty() => return Err(failure),
            _ => identities.extend(import.identities),
        }
    }
    Ok(identities)
}

fn key_files(args: &Identities, order: &ArgMatches, console: Console) -> Result<Vec<(PathBuf, Import)>, Failure> {
    let mut imports = Vec::new();
    for source in paired(args, order)? {
        let import = load(&source, args, console)?;
        console.notes(source.file.display(), &import.notes);
        imports.push((source.file, import));
    }
    Ok(imports)
}

/// The same, and the keyring, as places that certificates are selected from: with those that have no key, and without
/// authorities.
pub(crate) fn key_sources(
    args: &Identities,
    order: &ArgMatches,
    policy: &Policy,
    console: Console,
) -> Result<Vec<KeySource>, Failure> {
    let source = |(file, import): (PathBuf, Import)| {
        let has_key = |certificate: &Certificate| import.identities.iter().any(|one| one.certificate() == certificate);
        let is_authority = |certificate: &Certificate| certificate.basic_constraints().is_some_and(|basic| basic.ca);
        let keyless = import.certificates.iter().filter(|one| !has_key(one) && !is_authority(one)).cloned().collect();
        let name = file.display().to_string();
        KeySource { name, certificates: keyless, identities: import.identities, ..KeySource::default() }
    };
    let mut found = key_files(args, order, console)?;
    if let Some(folder) = &args.keyring {
        found.push((folder.clone(), Ring::load(args, policy, console)?.import));
    }
    Ok(found.into_iter().map(source).collect())
}

/// What was given to open with: identities, keys whose certificate is not there, passwords, shared keys.
pub(crate) fn keyring(
    args: &Judging,
    order: &ArgMatches,
    policy: &Policy,
    console: Console,
) -> Result<Keyring, Failure> {
    let mut ring = Keyring::default();
    if let Some(account) = &args.account {
        let sources = key_sources(&args.identities, order, policy, console)?;
        let history = Selector::new(account, policy, time(args.at)).opening(&sources)?;
        ring.extend(history.into_iter().map(|one| one.chosen));
    } else {
        add_all(&mut ring, args, order, policy, console)?;
    }
    for file in &args.message_password_file {
        ring.add_password(PasswordFrom::File(file.clone()).read(console)?);
    }
    for file in &args.shared_key_file {
        ring.add_shared_key(shared_key(file, console)?);
    }
    Ok(ring)
}

/// Every key that was given, whosever it is.
fn add_all(
    ring: &mut Keyring,
    args: &Judging,
    order: &ArgMatches,
    policy: &Policy,
    console: Console,
) -> Result<(), Failure> {
    for (file, import) in key_files(&args.identities, order, console)? {
        if import.identities.is_empty() && import.keys.is_empty() {
            import.sole_identity().map_err(|e| Failure::from(e).about(file.display()))?;
        }
        if import.identities.is_empty() {
            let about = file.display();
            console.warn(format_args!("{about}: a private key without certificate opens mail to one recipient only"));
            import.keys.into_iter().for_each(|key| ring.add_key(key));
        }
        ring.extend(import.identities);
    }
    let installed = Ring::load(&args.identities, policy, console)?.import;
    ring.extend(installed.identities);
    installed.keys.into_iter().for_each(|key| ring.add_key(key));
    Ok(())
}

/// `KEY` or `IDENTIFIER:KEY` in hexadecimal, in the first line of a file.
fn shared_key(file: &Path, console: Console) -> Result<SharedKey, Failure> {
    let line = PasswordFrom::File(file.to_path_buf()).read(console)?;
    let wrong =
        || Failure::usage("its first line is not a key in hexadecimal digits, or IDENTIFIER:KEY").about(file.display());
    let text = std::str::from_utf8(line.expose()).map_err(|_| wrong())?;
    let (identifier, key) = match text.trim().split_once(':') {
        Some((identifier, key)) => (Some(unhex(identifier).ok_or_else(wrong)?), key),
        None => (None, text.trim()),
    };
    let key = unhex(key).filter(|key| !key.is_empty()).ok_or_else(wrong)?;
    Ok(SharedKey { identifier, key: Secret::new(key) })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.trim().chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    digits
        .len()
        .is_multiple_of(2)
        .then(|| digits.chunks(2).map(|pair| pair.iter().fold(0, |n, d| n << 4 | d)).collect())
}

/// The same where each file is to hold one signer.
pub(crate) fn signers(args: &Identities, order: &ArgMatches, console: Console) -> Result<Vec<Identity>, Failure> {
    let mut signers = Vec::new();
    for source in paired(args, order)? {
        let import = load(&source, args, console)?;
        console.notes(source.file.display(), &import.notes);
        let sole = import.sole_identity().map_err(|e| {
            let failure = Failure::from(e).about(source.file.display());
            let hint = "the object= or id= that `smime token list` shows";
            if is_on_token(&source.file) { failure.hint(hint) } else { failure }
        });
        signers.push(sole?.clone());
    }
    Ok(signers)
}

/// The one file that was given, whole.
pub(crate) fn sole(args: &Identities, order: &ArgMatches, console: Console) -> Result<Import, Failure> {
    match paired(args, order)?.as_slice() {
        [source] => {
            let import = load(source, args, console)?;
            console.notes(source.file.display(), &import.notes);
            Ok(import)
        }
        [] if args.keyring.is_some() => Ok(Ring::load(args, &Policy::default(), console)?.import),
        [] => Err(Failure::usage("no identity was given").hint("--identity FILE")),
        _ => Err(Failure::usage("several identities were given, and one is written at a time").about("--identity")),
    }
}

/// The files of the identities, for messages.
pub(crate) fn named(args: &Identities) -> String {
    args.identity.iter().chain(&args.keyring).map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Whether what was given for a file is the URI of a key on a token.
pub(crate) fn is_on_token(file: &Path) -> bool {
    let text = file.as_os_str().to_str().and_then(|text| text.get(.."pkcs11:".len()));
    text.is_some_and(|scheme| scheme.eq_ignore_ascii_case("pkcs11:"))
}

/// The identities of a source on a token; of the file that was given with it, the certificates.
#[cfg(feature = "pkcs11")]
fn load_from_token(source: &Source, args: &Identities, console: Console) -> Result<Import, Failure> {
    use crate::token;
    let password = source.password.as_ref();
    match &source.key {
        None => token::identities(&source.file, &[], (password, &args.module), console),
        Some(key) if is_on_token(&source.file) => {
            Err(Failure::usage("the key of a token is on it").about(key.display()).hint("without --key"))
        }
        Some(key) => {
            let file = read(&source.file, None, args.allow_no_mac, console)?;
            token::identities(key, &file.certificates, (password, &args.module), console)
        }
    }
}

#[cfg(not(feature = "pkcs11"))]
fn load_from_token(source: &Source, _: &Identities, _: Console) -> Result<Import, Failure> {
    let why = "it is a key on a token, and this program was built without the feature `pkcs11`";
    Err(Failure::usage(why).about(source.file.display()).hint("a program built with --features cli,pkcs11"))
}

fn load(source: &Source, args: &Identities, console: Console) -> Result<Import, Failure> {
    if [Some(&source.file), source.key.as_ref()].into_iter().flatten().any(|file| is_on_token(file)) {
        return load_from_token(source, args, console);
    }
    let allow_no_mac = args.allow_no_mac;
    let mut import = read(&source.file, source.password.as_ref(), allow_no_mac, console)?;
    if let Some(key) = &source.key {
        import = import.join(read(key, source.password.as_ref(), allow_no_mac, console)?);
        if import.identities.is_empty() && !import.certificates.is_empty() && !import.keys.is_empty() {
            let why = format!("the key in {} is for none of its certificates", key.display());
            return Err(Failure::new(crate::failure::exit::OTHER, why)
                .about(source.file.display())
                .hint("the key that belongs to it"));
        }
    }
    Ok(import)
}

/// Reads a file that may need a password: the one given, or one that somebody at the terminal knows.
pub(crate) fn read(
    file: &Path,
    password: Option<&PasswordFrom>,
    allow_no_mac: bool,
    console: Console,
) -> Result<Import, Failure> {
    let limits = Limits::default();
    let bytes = small_file(file, limits.key_file_bytes, Secrecy::Confidential, console)?;
    let given = password.map(|from| from.read(console)).transpose()?;
    let parse = |password: Option<&Secret>| import::read(bytes.expose(), password, &options(allow_no_mac), &limits);
    let result = match parse(given.as_ref()) {
        Err(store::Error::PasswordNeeded { what }) => match console.password(file) {
            Some(typed) => parse(Some(&typed?)),
            None => Err(store::Error::PasswordNeeded { what }),
        },
        result => result,
    };
    result.map_err(|error| of_key_file(error).about(file.display()))
}

/// Why a file that may need a password is not read, with the option that helps.
pub(crate) fn of_key_file(error: store::Error) -> Failure {
    let hint = match &error {
        store::Error::PasswordNeeded { .. } => Some("--password-file FILE"),
        store::Error::WrongPasswordOrCorrupt => Some("another password"),
        store::Error::NoMac => Some("--allow-no-mac if the file comes from where nobody else could change it"),
        _ => None,
    };
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Certificates of files, and of the files in folders.
pub(crate) fn certificates(paths: &[PathBuf], console: Console) -> Result<Vec<Certificate>, Failure> {
    Ok(imports(paths, console)?.into_iter().flat_map(|(_, import)| import.certificates).collect())
}

/// The first certificate of a file, which is the one in question, and the others.
pub(crate) fn leaf(path: &PathBuf, console: Console) -> Result<(Certificate, Vec<Certificate>), Failure> {
    let mut all = certificates(std::slice::from_ref(path), console)?;
    if all.is_empty() {
        return Err(Failure::new(exit::UNREADABLE, "it holds no certificate").about(path.display()));
    }
    Ok((all.remove(0), all))
}

/// What each file holds, and each file in a folder.
pub(crate) fn imports(paths: &[PathBuf], console: Console) -> Result<Vec<(PathBuf, Import)>, Failure> {
    each_file(paths, console, |file, bytes| Ok((file.to_path_buf(), import_of(file, bytes, console)?)))
}

fn import_of(file: &Path, bytes: &[u8], console: Console) -> Result<Import, Failure> {
    let import = import::read(bytes, None, &ImportOptions::default(), &wide())?;
    // Of collections nobody knows by heart what is in them.
    if sst::is_sst(bytes) || ldif::is_ldif(bytes) {
        let told: Vec<_> = import.notes.iter().filter(|note| note.code != "anchor_limits").cloned().collect();
        console.notes(file.display(), &told);
    }
    Ok(import)
}

/// The bounds of files that hold no secrets.
pub(crate) fn wide() -> Limits {
    let mut limits = Limits::default();
    limits.key_file_bytes = limits.structure_bytes;
    limits
}

/// Reads files, and the files in folders. A folder may hold other things, too; a file that was named may not.
pub(crate) fn each_file<T>(
    paths: &[PathBuf],
    console: Console,
    mut read: impl FnMut(&Path, &[u8]) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let folder = path.is_dir();
        for file in if folder { files(path)? } else { vec![path.clone()] } {
            let bytes = small_file(&file, Limits::default().structure_bytes, Secrecy::Open, console)?;
            match read(&file, bytes.expose()) {
                Ok(one) => found.push(one),
                Err(failure) if folder => {
                    console.warn(format_args!("{}: passed over: {}", file.display(), failure.why));
                }
                Err(failure) => return Err(failure.about(file.display())),
            }
        }
    }
    Ok(found)
}

/// What --certs gives to look up addresses in, in this order: the addresses in certificates, contacts, and the entries of
/// LDIF files.
pub(crate) fn directory<'d>(paths: &[PathBuf], console: Console) -> Result<InOrder<'d>, Failure> {
    let mut directories = Vec::new();
    let mut kept: Vec<Contacts> = Vec::new();
    let found = each_file(paths, console, |file, bytes| {
        if contacts::is_contacts(bytes) {
            kept.push(contacts::read(bytes)?.named(file.display().to_string()));
            return Ok(Vec::new());
        }
        if !ldif::is_ldif(bytes) {
            return Ok(import_of(file, bytes, console)?.certificates);
        }
        let entries = Ldif::read(bytes, ChangeRecords::Refuse, &wide()).map_err(store::Error::from)?;
        let directory = LdifDirectory::new(&entries, &wide());
        console.notes(file.display(), directory.notes());
        directories.push(directory.named(file.display().to_string()));
        Ok(Vec::new())
    })?;
    let mut sources = InOrder::default();
    let mut said = Contacts::default();
    kept.iter().flat_map(Contacts::entries).for_each(|contact| {
        said.add(contact.clone());
    });
    sources.push(Informed::new(Certificates(found.concat()), said));
    kept.into_iter().for_each(|contacts| sources.push(contacts));
    directories.into_iter().for_each(|directory| sources.push(directory));
    Ok(sources)
}

/// Revocation lists and OCSP responses of files, and of the files in folders.
pub(crate) fn revocation(paths: &[PathBuf], console: Console) -> Result<RevocationData, Failure> {
    let limits = Limits::default();
    let mut data = RevocationData::default();
    for path in paths {
        let folder = path.is_dir();
        for file in if folder { files(path)? } else { vec![path.clone()] } {
            let bytes = small_file(&file, limits.crl_bytes, Secrecy::Open, console)?;
            match add_revocation(&mut data, bytes.expose(), &limits) {
                Ok(()) => {}
                Err(error) if folder => console.warn(format_args!("{}: passed over: {error}", file.display())),
                Err(error) => return Err(error.about(file.display())),
            }
        }
    }
    Ok(data)
}

/// What recipients' certificates are looked up in, where that is asked for.
pub(crate) fn revocation_of_recipients(
    crls: &[PathBuf],
    mode: Option<RevocationMode>,
    trust: &[PathBuf],
    console: Console,
) -> Result<Option<(RevocationData, RevocationMode)>, Failure> {
    if crls.is_empty() && matches!(mode, None | Some(RevocationMode::Off)) {
        return Ok(None);
    }
    if trust.is_empty() {
        let text = "whether a certificate is revoked is asked along its chain, and nothing is trusted";
        return Err(Failure::usage(text).hint("--trust PATH"));
    }
    Ok(Some((revocation(crls, console)?, mode.unwrap_or(RevocationMode::Hard))))
}

fn add_revocation(data: &mut RevocationData, bytes: &[u8], limits: &Limits) -> Result<(), Failure> {
    if sst::is_sst(bytes) || ldif::is_ldif(bytes) {
        let import = import::read(bytes, None, &ImportOptions::default(), &wide())?;
        for der in &import.crls {
            data.add_crl(Crl::from_der(der, limits)?);
        }
        return Ok(());
    }
    let blocks = if pem::is_pem(bytes) {
        let blocks = pem::read(bytes)?;
        blocks.into_iter().map(|block| block.data.expose().to_vec()).collect()
    } else {
        vec![bytes.to_vec()]
    };
    for der in blocks {
        match (Crl::from_der(&der, limits), OcspResponse::from_der(&der, limits)) {
            (Ok(crl), _) => data.add_crl(crl),
            (_, Ok(response)) => data.add_ocsp(response),
            (_, Err(error @ (cert::Error::OcspStatus(_) | cert::Error::OcspTooLarge { .. }))) if der.len() < 64 => {
                return Err(Failure::from(error));
            }
            (Err(error), _) => {
                return Err(Failure::new(
                    exit::UNREADABLE,
                    format_args!("it is neither a revocation list nor an OCSP response ({error})"),
                ));
            }
        }
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let about = |e: std::io::Error| Failure::from(e).about(folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(about)? {
        let path = entry.map_err(about)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What --trust gives: self-signed certificates are anchors, the others intermediates; where none is self-signed, all are
/// anchors. What a serialized store does not trust for mail itself is neither (OUT-105).
pub(crate) fn trust(paths: &[PathBuf], at: Time, console: Console) -> Result<Trust, Failure> {
    let imports = imports(paths, console)?;
    // Asked before anything is left out, so that intermediates do not become anchors in place of a root that was.
    let rooted = imports.iter().any(|(_, import)| import.certificates.iter().any(Certificate::is_self_issued));
    let mut trust = Trust::default();
    for certificate in trusted(&imports, at, console) {
        if certificate.is_self_issued() || !rooted {
            trust.add_anchor(certificate);
        } else {
            trust.add_intermediate(certificate);
        }
    }
    Ok(trust)
}

/// What --anchor gives: every certificate, but those that a serialized store does not trust for mail itself.
pub(crate) fn anchors(paths: &[PathBuf], at: Time, console: Console) -> Result<Vec<Certificate>, Failure> {
    Ok(trusted(&imports(paths, console)?, at, console))
}

fn trusted(imports: &[(PathBuf, Import)], at: Time, console: Console) -> Vec<Certificate> {
    /// Names in one note; `smime sst list` tells them all.
    const NAMED: usize = 3;
    let mut trusted = Vec::new();
    for (file, import) in imports {
        let mut left_out = Vec::new();
        for certificate in &import.certificates {
            match import.against_anchor(certificate, at) {
                Some(reason) => left_out.push(format!("{}: {reason}", certificate.subject().brief())),
                None => trusted.push(certificate.clone()),
            }
        }
        if let Some(named) = left_out.get(..NAMED.min(left_out.len())).filter(|named| !named.is_empty()) {
            let more = if left_out.len() > NAMED { "; and others" } else { "" };
            console.say(format_args!(
                "note: {}: {} of {} certificates are not trusted, because the store does not trust them for mail ({}{more}); \
                 `smime sst list` shows which, and one in a file of its own is trusted all the same [anchor_limits]",
                file.display(),
                left_out.len(),
                import.certificates.len(),
                named.join("; "),
            ));
        }
    }
    trusted
}

/// Each --key and each password belongs to the --identity before it.
fn paired(args: &Identities, order: &ArgMatches) -> Result<Vec<Source>, Failure> {
    let places = |name: &str| -> Vec<usize> { order.indices_of(name).map(Iterator::collect).unwrap_or_default() };
    let starts = places("identity");
    let mut sources: Vec<Source> =
        args.identity.iter().map(|file| Source { file: file.clone(), key: None, password: None }).collect();
    let owner = |place: usize, option: &str| -> Result<usize, Failure> {
        let before = starts.iter().filter(|start| **start < place).count();
        before.checked_sub(1).ok_or_else(|| {
            Failure::usage(format!("{option} stands before any --identity; it belongs after the one it is for"))
        })
    };
    for (place, key) in places("key").into_iter().zip(&args.key) {
        let at = owner(place, "--key")?;
        if let Some(source) = sources.get_mut(at) {
            source.key = Some(key.clone());
        }
    }
    let files = args.password_file.iter().cloned().map(PasswordFrom::File);
    let descriptors = args.password_fd.iter().copied().map(PasswordFrom::Descriptor);
    let passwords =
        places("password_file").into_iter().zip(files).chain(places("password_fd").into_iter().zip(descriptors));
    for (place, password) in passwords {
        let at = owner(place, "the password")?;
        if let Some(source) = sources.get_mut(at) {
            source.password = Some(password);
        }
    }
    Ok(sources)
}
