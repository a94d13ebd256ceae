//! `smime sst`: serialized stores made, shown, taken apart and checked (OUT-25, OUT-103 to OUT-107).

use crate::args::{CertificateFormat, Sst, SstCommand, SstCreate, SstExtract, SstList, SstSource, SstVerify};
use crate::console::Console;
use crate::failure::{Failure, Outcome, exit};
use crate::input::{Secrecy, small_file};
use crate::output::{self, Existing, Readers};
use crate::urls::FileUrls;
use crate::{render, store, time};
use serde_json::{Value, json};
use smime::base::file_name::safe_file_name;
use smime::base::reason::visible;
use smime::store::import::{self, ImportOptions};
use smime::store::ldif::directory::LdifDirectory;
use smime::store::ldif::{self, ChangeRecords, Entry, Ldif};
use smime::store::pem;
use smime::store::sst::collection::{AnchorLimits, AnchorProperties, CertificateCollection};
use smime::store::sst::{self, Element, ElementKind, Hashes, Properties, SerializedStore, WriteOptions};
use smime::{Certificate, Time};
use std::fmt::Write;
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &Sst, console: Console) -> Outcome {
    match &args.command {
        SstCommand::List(args) => list(args, console),
        SstCommand::Create(args) => create(args, console),
        SstCommand::Extract(args) => extract(args, console),
        SstCommand::Verify(args) => verify(args, console),
    }
}

fn list(args: &SstList, console: Console) -> Outcome {
    let store = load(&args.source, console)?;
    let at = time(args.at);
    let text = if args.json {
        let elements: Vec<Value> = store.elements().iter().map(|element| element_json(element, at)).collect();
        format!("{:#}\n", json!({ "version": 1, "elements": elements }))
    } else {
        let elements = store.elements().iter().enumerate();
        elements.map(|(at_place, element)| element_words(at_place + 1, element, at)).collect()
    };
    output::write(None, Existing::Refuse, Readers::Usual, text.as_bytes())?;
    console.say(counted(&store));
    Ok(exit::DONE)
}

fn create(args: &SstCreate, console: Console) -> Outcome {
    let store = gather(&args.certificates, args.files.as_ref(), console)?;
    if store.certificates().next().is_none() {
        return Err(Failure::new(exit::UNREADABLE, "there is no certificate to make a store of"));
    }
    if let Err(refused) = store.require_current(time(args.at)) {
        if !args.allow_expired || !refused.unreadable.is_empty() {
            let hint = "without them, or --allow-expired for readers that are not Exchange";
            return Err(Failure::from(refused).hint(hint));
        }
        console.warn(refused);
    }
    let options = WriteOptions {
        properties: if args.no_properties { Properties::Omit } else { Properties::Keep },
        hashes: if args.hashes { Hashes::Keep } else { Hashes::Omit },
    };
    let existing = if args.force { Existing::Replace } else { Existing::Refuse };
    output::write(args.out.as_deref(), existing, Readers::Usual, &store.write(&options))?;
    console.say(counted(&store));
    Ok(exit::DONE)
}

fn extract(args: &SstExtract, console: Console) -> Outcome {
    let store = load(&args.source, console)?;
    let existing = if args.force { Existing::Replace } else { Existing::Refuse };
    if let Some(file) = &args.ldif {
        output::write(Some(file), existing, Readers::Usual, people(&store, console).to_text().as_bytes())?;
        return Ok(exit::DONE);
    }
    let folder = args.dir.clone().unwrap_or_default();
    std::fs::create_dir_all(&folder).map_err(|e| Failure::from(e).about(folder.display()))?;
    let files: Vec<(PathBuf, Vec<u8>)> = store
        .elements()
        .iter()
        .enumerate()
        .map(|(at, element)| (folder.join(file_name(at + 1, element, args.format)), contents(element, args.format)))
        .collect();
    // All of them or none: nothing is written where one is in the way.
    if let Some((there, _)) = files.iter().find(|(path, _)| existing == Existing::Refuse && path.exists()) {
        return Err(Failure::new(exit::OTHER, "it is there already, and nothing was written")
            .about(there.display())
            .hint("another folder, or --force to replace it"));
    }
    for (path, bytes) in &files {
        output::write(Some(path), existing, Readers::Usual, bytes)?;
    }
    console.say(format_args!("{}: {} files", folder.display(), files.len()));
    Ok(exit::DONE)
}

fn verify(args: &SstVerify, console: Console) -> Outcome {
    let store = load(&args.source, console)?;
    let at = time(args.at);
    let choice = if args.ignore_properties { AnchorProperties::Ignore } else { AnchorProperties::Honour };
    let loaded = CertificateCollection::load(&store, at, choice);
    for certificate in store.certificates().filter_map(|element| element.certificate().ok()) {
        if at < certificate.not_before() {
            let subject = certificate.subject().brief();
            console.warn(format_args!("{subject} is not valid before {}", certificate.not_before()));
        }
    }
    if args.json {
        let all = |list: &[Certificate]| list.iter().map(render::certificate).collect::<Vec<_>>();
        let value = match &loaded {
            Ok(collection) => json!({
                "version": 1,
                "met": true,
                "anchors": all(&collection.anchors),
                "intermediates": all(&collection.intermediates),
                "restricted": collection.restricted.iter().map(|(certificate, reason)| {
                    json!({ "certificate": render::certificate(certificate), "reason": render::reason(reason) })
                }).collect::<Vec<_>>(),
                "notes": render::reasons(&collection.notes),
            }),
            Err(refused) => json!({
                "version": 1,
                "met": false,
                "expired": all(&refused.expired),
                "unreadable": refused.unreadable.iter().map(|(offset, error)| {
                    json!({ "offset": offset, "why": error.to_string() })
                }).collect::<Vec<_>>(),
            }),
        };
        output::write(None, Existing::Refuse, Readers::Usual, format!("{value:#}\n").as_bytes())?;
    }
    let collection = loaded.map_err(|refused| {
        let failure = Failure::from(refused).about(args.source.path.display());
        failure.hint("a store without them: Exchange takes all of its certificates or none")
    })?;
    if !args.json {
        output::write(None, Existing::Refuse, Readers::Usual, collection_words(&collection, at).as_bytes())?;
    }
    Ok(exit::DONE)
}

/// One store, or what else holds certificates as if it were one.
fn load(source: &SstSource, console: Console) -> Result<SerializedStore, Failure> {
    if source.path.is_dir() {
        return gather(std::slice::from_ref(&source.path), None, console);
    }
    let about = |failure: Failure| failure.about(source.path.display());
    let bytes = small_file(&source.path, store::wide().structure_bytes, Secrecy::Open, console)?;
    if source.element {
        return SerializedStore::read_element(bytes.expose(), &store::wide()).map_err(|e| about(e.into()));
    }
    let mut store = SerializedStore::default();
    for element in elements(&source.path, bytes.expose(), None, console).map_err(about)? {
        store.push(element);
    }
    Ok(store)
}

/// What is in files and folders, each certificate and list once.
fn gather(paths: &[PathBuf], urls: Option<&FileUrls>, console: Console) -> Result<SerializedStore, Failure> {
    let found = store::each_file(paths, console, |file, bytes| elements(file, bytes, urls, console))?;
    let mut store = SerializedStore::default();
    store.merge(found.into_iter().flatten());
    Ok(store)
}

fn elements(file: &Path, bytes: &[u8], urls: Option<&FileUrls>, console: Console) -> Result<Vec<Element>, Failure> {
    // OUT-102: an empty file is an empty store.
    if sst::is_sst(bytes) || bytes.is_empty() {
        return Ok(SerializedStore::read(bytes, &store::wide())?.elements().to_vec());
    }
    let (certificates, crls) = if ldif::is_ldif(bytes) {
        let mut entries = Ldif::read(bytes, ChangeRecords::Refuse, &store::wide())?;
        if let Some(urls) = urls {
            urls.resolve(&mut entries, console)?;
        }
        let directory = LdifDirectory::new(&entries, &store::wide());
        console.notes(file.display(), directory.notes());
        (directory.all_certificates(), directory.crls().to_vec())
    } else {
        let import = import::read(bytes, None, &ImportOptions::default(), &store::wide())
            .map_err(|error| Failure { code: exit::UNREADABLE, ..Failure::from(error) })?;
        console.notes(file.display(), &import.notes);
        if !import.keys.is_empty() || !import.identities.is_empty() {
            console.warn(format_args!("{}: a store holds no private keys; those were left out", file.display()));
        }
        (import.certificates, import.crls)
    };
    let certificates = certificates.iter().map(|c| (ElementKind::Certificate, c.der().to_vec()));
    let crls = crls.into_iter().map(|der| (ElementKind::Crl, der));
    Ok(certificates.chain(crls).map(|(kind, der)| Element::new(kind, der)).collect::<Result<_, _>>()?)
}

fn counted(store: &SerializedStore) -> String {
    let count = |kind| store.elements().iter().filter(|element| element.kind() == kind).count();
    format!(
        "{} certificates, {} revocation lists, {} trust lists",
        count(ElementKind::Certificate),
        count(ElementKind::Crl),
        count(ElementKind::Ctl)
    )
}

fn element_words(number: usize, element: &Element, at: Time) -> String {
    let mut text = String::new();
    match (element.kind(), element.certificate()) {
        (ElementKind::Certificate, Ok(certificate)) => {
            let _ = writeln!(text, "{number}. {}", certificate.subject().brief());
            let _ = writeln!(text, "   serial:    {}", certificate.serial_hex());
            let _ = writeln!(text, "   validity:  {} to {}", certificate.not_before(), certificate.not_after());
            if !certificate.is_valid_at(at) {
                let _ = writeln!(text, "              that is not valid at {at}");
            }
        }
        (ElementKind::Certificate, Err(error)) => {
            let _ = writeln!(text, "{number}. a certificate that is unreadable: {error}");
        }
        (kind, _) => {
            let _ = writeln!(text, "{number}. a {kind} of {} bytes", element.bytes().len());
        }
    }
    for property in element.properties() {
        let _ = writeln!(text, "   {} {property}: {}", property.id(), property.decoded());
    }
    let limits = AnchorLimits::of(element);
    if let Some(reason) = limits.against(at) {
        let _ = writeln!(text, "   no anchor for mail: {reason} [{}]", reason.code);
    }
    for note in limits.notes() {
        let _ = writeln!(text, "   note: {note} [{}]", note.code);
    }
    text
}

fn element_json(element: &Element, at: Time) -> Value {
    let properties = element.properties().iter().map(|property| {
        json!({ "id": property.id(), "name": property.name(), "bytes": property.value().len(),
                "value": property.decoded().to_string() })
    });
    let limits = AnchorLimits::of(element);
    let mut value = json!({
        "kind": element.kind().to_string(),
        "offset": element.offset(),
        "bytes": element.bytes().len(),
        "properties": properties.collect::<Vec<_>>(),
        "anchor_reason": limits.against(at).as_ref().map(render::reason),
        "notes": render::reasons(&limits.notes()),
    });
    if element.kind() == ElementKind::Certificate {
        match element.certificate() {
            Ok(certificate) => value["certificate"] = render::certificate(&certificate),
            Err(error) => value["unreadable"] = json!(error.to_string()),
        }
    }
    value
}

fn collection_words(collection: &CertificateCollection, at: Time) -> String {
    let mut text = format!("Every certificate can be imported at {at}.\n");
    let mut part = |title: &str, list: &mut dyn Iterator<Item = String>| {
        let lines: Vec<String> = list.map(|line| format!("  {line}\n")).collect();
        let _ = write!(text, "{title}: {}\n{}", lines.len(), lines.concat());
    };
    let name = |certificate: &Certificate| certificate.subject().brief();
    part("Anchors (self-signed)", &mut collection.anchors.iter().map(name));
    part("Intermediates", &mut collection.intermediates.iter().map(name));
    if !collection.restricted.is_empty() {
        let restricted =
            collection.restricted.iter().map(|(c, reason)| format!("{}: {reason} [{}]", name(c), reason.code));
        part("Not trusted for mail by their properties", &mut restricted.into_iter());
    }
    if !collection.notes.is_empty() {
        part("Notes", &mut collection.notes.iter().map(|note| format!("{note} [{}]", note.code)));
    }
    text
}

/// A number, so that no two are the same, and of the name what is harmless in any file system.
fn file_name(number: usize, element: &Element, format: CertificateFormat) -> String {
    const LONGEST: usize = 48;
    let certificate = element.certificate().ok().filter(|_| element.kind() == ElementKind::Certificate);
    let name = certificate.map(|certificate| {
        let subject = certificate.subject();
        subject.common_name().map_or_else(|| subject.brief(), str::to_owned)
    });
    let name = name.unwrap_or_default().to_ascii_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let name: String = words.join("-").chars().take(LONGEST).collect();
    let name = if name.is_empty() { element.kind().to_string() } else { name };
    let extension = match (format, element.kind()) {
        (CertificateFormat::Pem, _) => "pem",
        (CertificateFormat::Der, ElementKind::Certificate) => "cer",
        (CertificateFormat::Der, ElementKind::Crl) => "crl",
        (CertificateFormat::Der, ElementKind::Ctl) => "stl",
    };
    safe_file_name(&format!("{number:03}-{}.{extension}", name.trim_end_matches('-')))
}

fn contents(element: &Element, format: CertificateFormat) -> Vec<u8> {
    let label = match element.kind() {
        ElementKind::Certificate => "CERTIFICATE",
        ElementKind::Crl => "X509 CRL",
        ElementKind::Ctl => "PKCS7",
    };
    match format {
        CertificateFormat::Der => element.bytes().to_vec(),
        CertificateFormat::Pem => pem::write(label, element.bytes()).into_bytes(),
    }
}

/// An entry for each subject, with all of its certificates.
fn people(store: &SerializedStore, console: Console) -> Ldif {
    let mut people: Vec<(String, Vec<Certificate>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for element in store.certificates() {
        match element.certificate() {
            Ok(certificate) => {
                let dn = match certificate.subject().is_empty() {
                    true => format!("cn={}", certificate.serial_hex()),
                    false => certificate.subject().to_string(),
                };
                let place = *places.entry(dn.clone()).or_insert(people.len());
                match people.get_mut(place) {
                    Some((_, certificates)) => certificates.push(certificate),
                    None => people.push((dn, vec![certificate])),
                }
            }
            Err(error) => {
                let why = visible(&error.to_string());
                console.warn(format_args!("the certificate at byte {} was left out: {why}", element.offset()));
            }
        }
    }
    let mut file = Ldif::default();
    people.iter().for_each(|(dn, certificates)| file.push(Entry::person(dn, certificates)));
    file
}
