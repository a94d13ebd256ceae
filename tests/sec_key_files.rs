//! The program's key files, passwords, output and process by the rows of the threat model (SEC-126, 128, 129, 130), each
//! test under its row's name; and `smime export`.

#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::people::{Authority, common_name, serial, years};
use smime::cert::extension::KeyUsage;
use smime::cert::issue::CertificateTemplate;
use smime::crypto::private::PrivateKey;
use smime::crypto::random::SystemRandom;
use smime::crypto::signature::KeyKind;
use smime::store::import::{self, Import, ImportOptions};
use smime::store::{p12, pem};
use smime::{Limits, Secret};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

const AT: &str = "2026-11-24T08:00:00Z";
const OLD: &str = "old-canary-password";
const NEW: &str = "new-canary-password";
const MAIL: &str =
    "From: Alice <alice@example.com>\r\nTo: bob@example.com\r\nContent-Type: text/plain\r\n\r\nhello\r\n";

struct Desk {
    folder: tempfile::TempDir,
    key: PrivateKey,
    ca: Authority,
}

impl Desk {
    /// Alice as a PKCS#12 file and in PEM, her passwords, and a mail.
    fn new() -> Self {
        let (ca, key) = (Authority::root("Desk CA"), PrivateKey::generate(KeyKind::P256, 0).unwrap());
        let usage = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_AGREEMENT);
        let (subject, spki) = (common_name("Alice"), key.public_key_spki());
        let template = CertificateTemplate::new(subject, Some(&ca.certificate), &serial(), years(), &spki);
        let certificate = ca.issue(&template.for_mail(&["alice@example.com".parse().unwrap()], usage));
        let desk = Self { folder: tempfile::tempdir().unwrap(), key, ca };
        let pkcs8 = desk.key.to_pkcs8().unwrap();
        desk.write("alice.key", pem::write("PRIVATE KEY", pkcs8.expose()).as_bytes());
        desk.write("alice.pem", pem::write("CERTIFICATE", certificate.der()).as_bytes());
        desk.write("ca.pem", pem::write("CERTIFICATE", desk.ca.certificate.der()).as_bytes());
        let chain = [certificate, desk.ca.certificate.clone()];
        let (password, modern) = (Secret::from(OLD), p12::Profile::Modern);
        let file = p12::write(&pkcs8, &chain, "Alice", &password, modern, &mut SystemRandom).unwrap();
        desk.write("alice.p12", &file);
        desk.write("old", format!("{OLD}\n").as_bytes());
        desk.write("new", format!("{NEW}\r\nsecond line\n").as_bytes());
        desk.write("empty", b"\n");
        desk.write("mail.eml", MAIL.as_bytes());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file that only its owner may read.
    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smime"));
        command.current_dir(self.folder.path()).args(line.split_whitespace()).arg("--no-input");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program, which must end by itself within half a minute.
    fn run(&self, line: &str) -> Output {
        finish(self.command(line).spawn().unwrap(), line)
    }

    /// Runs it, expects an exit code, and gives what it said on standard error.
    fn expect(&self, code: i32, line: &str) -> String {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "smime {line}\n{said}{}", String::from_utf8_lossy(&output.stdout));
        assert!(!said.contains("panicked"), "{said}");
        said
    }

    fn read(&self, name: &str, password: Option<&str>) -> Import {
        let (bytes, password) = (fs::read(self.path(name)).unwrap(), password.map(Secret::from));
        import::read(&bytes, password.as_ref(), &ImportOptions::default(), &Limits::default()).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn finish(mut child: Child, line: &str) -> Output {
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let out = std::thread::spawn(move || read_all(&mut out));
    let err = std::thread::spawn(move || read_all(&mut err));
    let status = wait(&mut child, line);
    Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
}

fn read_all(from: &mut impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    from.read_to_end(&mut all).unwrap();
    all
}

fn wait(child: &mut Child, line: &str) -> ExitStatus {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > until {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("smime {line} does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

// ---- smime export

#[test]
fn an_identity_is_exported_under_its_new_password_with_its_chain() {
    let desk = Desk::new();
    let alice = desk.read("alice.p12", Some(OLD));
    let alice = alice.sole_identity().unwrap();
    for (profile, note) in [("modern", None), ("legacy", Some("legacy_encryption"))] {
        let line = format!(
            "export --identity alice.p12 --password-file old --new-password-file new --profile {profile} --out {profile}.p12"
        );
        let said = desk.expect(0, &line);
        assert_eq!(said.contains("weak"), profile == "legacy", "{said}");
        assert_eq!(said.contains("old phones"), profile == "legacy", "{said}");
        assert_eq!(desk.mode(&format!("{profile}.p12")), 0o600);
        let import = desk.read(&format!("{profile}.p12"), Some(NEW));
        let identity = import.sole_identity().unwrap();
        assert_eq!((identity.certificate(), identity.chain()), (alice.certificate(), alice.chain()));
        assert_eq!(identity.chain(), std::slice::from_ref(&desk.ca.certificate));
        assert_eq!(import.private_key(identity).unwrap().to_pkcs8().unwrap(), desk.key.to_pkcs8().unwrap());
        let mut codes: Vec<_> = import.notes.iter().map(|n| n.code).filter(|code| *code != "friendly_name").collect();
        codes.dedup();
        assert_eq!(codes, note.into_iter().collect::<Vec<_>>());
        assert!(import.notes.iter().any(|n| n.code == "friendly_name" && n.text.contains("Alice")));
        // What is there is not replaced unasked; -q says nothing at all.
        let before = fs::read(desk.path(&format!("{profile}.p12"))).unwrap();
        assert!(desk.expect(1, &line).contains("--force"));
        assert_eq!(fs::read(desk.path(&format!("{profile}.p12"))).unwrap(), before);
        assert_eq!(desk.expect(0, &format!("{line} --force -q")), "");
        assert_ne!(fs::read(desk.path(&format!("{profile}.p12"))).unwrap(), before);
    }
    // From a key in clear that lies apart, under a name of one's own; to standard output.
    let line = "export --identity alice.pem --key alice.key --new-password-file new --name Alix --out -";
    let output = desk.run(line);
    assert!(output.status.success());
    desk.write("piped.p12", &output.stdout);
    let import = desk.read("piped.p12", Some(NEW));
    assert!(import.sole_identity().unwrap().chain().is_empty());
    assert!(import.notes.iter().any(|n| n.text.contains("\"Alix\"")), "{:?}", import.notes);
    // What was exported signs.
    desk.expect(0, &format!("sign --identity legacy.p12 --password-file new --at {AT} -o signed.eml mail.eml"));
    desk.expect(0, &format!("verify --trust ca.pem --at {AT} signed.eml"));
}

#[test]
fn certificates_alone_leave_without_any_secret() {
    let desk = Desk::new();
    for form in ["pem", "p7c"] {
        desk.expect(0, &format!("export --identity alice.p12 --password-file old --{form} --out alice.{form}.out"));
        let import = desk.read(&format!("alice.{form}.out"), None);
        assert_eq!((import.certificates.len(), import.identities.len(), import.keys.len()), (2, 0, 0));
        let bytes = fs::read(desk.path(&format!("alice.{form}.out"))).unwrap();
        assert!(!contains(&bytes, b"PRIVATE"));
        for other in ["--profile legacy", "--new-password-file new", "--name x"] {
            desk.expect(2, &format!("export --identity alice.p12 --password-file old --{form} {other} --out x"));
        }
    }
    desk.expect(2, "export --identity alice.p12 --password-file old --pem --p7c --out x");
    assert!(!desk.path("x").exists());
}

#[test]
fn nothing_is_exported_without_a_password_or_without_a_key() {
    let desk = Desk::new();
    let before = names(desk.folder.path());
    let said = desk.expect(2, "export --identity alice.p12 --password-file old --out x.p12");
    assert!(said.contains("--new-password-file"), "{said}");
    let said = desk.expect(2, "export --identity alice.p12 --password-file old --new-password-file empty --out x.p12");
    assert!(said.contains("empty"), "{said}");
    let said = desk.expect(1, "export --identity alice.p12 --password-file new --new-password-file new --out x.p12");
    assert!(said.contains("password is wrong"), "{said}");
    desk.expect(1, "export --identity alice.pem --new-password-file new --out x.p12");
    desk.expect(1, "export --identity alice.key --new-password-file new --out x.p12");
    desk.expect(2, "export --new-password-file new --out x.p12");
    desk.expect(2, "export --identity alice.p12 --password-file old --new-password-file new");
    desk.expect(2, "export --identity alice.p12 --identity alice.p12 --new-password-file new --out x.p12");
    desk.expect(2, "export --identity alice.p12 --password-file old --new-password-file new --profile old --out x.p12");
    desk.expect(1, "export --identity alice.p12 --password-file old --new-password-file new --out nowhere/x.p12");
    assert_eq!(names(desk.folder.path()), before, "something was left");
    let help = String::from_utf8(desk.run("export --help").stdout).unwrap();
    assert!(help.starts_with("Examples:") && help.contains("smime export --identity"), "{help}");
}

// ---- SEC-126: what a key file is

#[test]
fn sec_126_what_is_no_regular_file_is_refused_without_waiting() {
    let desk = Desk::new();
    make_fifo(&desk.path("fifo"));
    fs::create_dir(desk.path("folder")).unwrap();
    symlink("/dev/zero", desk.path("zero")).unwrap();
    symlink("fifo", desk.path("to-fifo")).unwrap();
    symlink("alice.p12", desk.path("to-alice")).unwrap();
    symlink("nowhere", desk.path("dangling")).unwrap();
    symlink("loop", desk.path("loop")).unwrap();
    for (name, code, word) in [
        ("fifo", 2, "no regular file"),
        ("to-fifo", 2, "no regular file"),
        ("folder", 2, "folder"),
        ("zero", 2, "no regular file"),
        ("/dev/zero", 2, "no regular file"),
        ("/dev/null", 2, "no regular file"),
        ("dangling", 1, "no such file"),
        ("loop", 1, "loop"),
    ] {
        for line in [
            format!("import --password-file old {name}"),
            format!("sign --identity {name} --password-file old mail.eml"),
            format!("sign --identity alice.pem --key {name} mail.eml"),
            format!("export --identity {name} --password-file old --new-password-file new --out x.p12"),
        ] {
            let said = desk.expect(code, &line).to_lowercase();
            assert!(said.contains(word), "{line}: {said}");
        }
    }
    // A link to a regular file is one: mail programs and secret stores keep keys so.
    desk.expect(0, "import --password-file old to-alice");
    // The same for certificates, whose files may be larger.
    for name in ["fifo", "zero"] {
        desk.expect(2, &format!("verify --trust {name} mail.eml"));
    }
}

#[test]
fn sec_126_huge_files_are_not_read_and_open_ones_are_warned_of() {
    let desk = Desk::new();
    // A hole of a tebibyte costs no disk, and must cost no memory.
    let huge = fs::File::create(desk.path("huge.p12")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let said = desk.expect(1, "import --password-file old huge.p12");
    assert!(said.contains("larger than 1048576 bytes"), "{said}");
    let said = desk.expect(0, "import --password-file old alice.p12");
    assert!(!said.contains("warning"), "{said}");
    for (name, mode) in [("alice.p12", 0o640), ("alice.p12", 0o604), ("old", 0o666)] {
        fs::set_permissions(desk.path(name), fs::Permissions::from_mode(mode)).unwrap();
        let said = desk.expect(0, "import --password-file old alice.p12");
        assert!(said.contains(&format!("{name}: others may read it (mode {mode:03o})")), "{said}");
        fs::set_permissions(desk.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    // A password that never ends is none.
    let said = desk.expect(2, "import --password-file /dev/zero alice.p12");
    assert!(said.contains("no line end"), "{said}");
    let said = desk.expect(2, "import --password-file . alice.p12");
    assert!(said.contains("folder"), "{said}");
}

#[test]
fn sec_126_a_path_that_changes_while_it_is_opened_leads_to_one_file_or_to_none() {
    let desk = Desk::new();
    make_fifo(&desk.path("fifo"));
    fs::create_dir(desk.path("folder")).unwrap();
    symlink("alice.p12", desk.path("key")).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (mut good, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut turn = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let target = ["alice.p12", "fifo", "alice.p12", "folder", "alice.p12", "/dev/zero"][turn % 6];
                symlink(target, desk.path("next")).unwrap();
                fs::rename(desk.path("next"), desk.path("key")).unwrap();
                turn += 1;
            }
        });
        for _ in 0..40 {
            let output = desk.run("import --password-file old key");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                Some(0) => good += 1,
                Some(2) if said.contains("no regular file") || said.contains("folder") => refused += 1,
                code => panic!("{code:?}: {said}"),
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    println!("swapped while opening: {good} read, {refused} refused");
    assert_eq!(good + refused, 40);
}

// ---- SEC-128: passwords and memory

#[test]
fn sec_128_a_password_is_no_argument() {
    let desk = Desk::new();
    for (line, code) in [
        ("sign --identity alice.p12 --password old-canary-password mail.eml", 2),
        ("sign --identity alice.p12 --password=old-canary-password mail.eml", 2),
        ("import --password old-canary-password alice.p12", 2),
        ("import --passin pass:old-canary-password alice.p12", 2),
        ("export --identity alice.p12 --password-file old --new-password new-canary-password --out x", 2),
        ("export --identity alice.p12 --password-file old --new-password=new-canary-password --out x", 2),
        ("open --identity alice.p12 --pass old-canary-password mail.eml", 2),
    ] {
        let said = desk.expect(code, line);
        assert!(!said.contains("canary"), "smime {line} repeats it: {said}");
    }
    // Nor does the environment have one.
    let mut command = desk.command("import alice.p12");
    for name in ["PASSWORD", "SMIME_PASSWORD", "PASS", "SMIME_PASSWORD_FILE"] {
        command.env(name, OLD);
    }
    assert_eq!(finish(command.spawn().unwrap(), "import").status.code(), Some(1));
}

#[test]
fn sec_128_a_password_comes_by_file_descriptor_pipe_or_terminal() {
    let desk = Desk::new();
    desk.expect(0, "import --password-file old alice.p12");
    // By standard input, of which only the first line counts; the writer may keep the pipe open.
    let mut child = desk.command("import --password-fd 0 alice.p12").stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(format!("{OLD}\n").as_bytes()).unwrap();
    assert!(finish(child, "import --password-fd 0").status.success());
    drop(pipe);
    // By a descriptor and by a named pipe, as a shell gives them; and both passwords of an export.
    let smime = env!("CARGO_BIN_EXE_smime");
    let shell = |script: String| {
        let mut command = Command::new("sh");
        command.current_dir(desk.folder.path()).arg("-c").arg(script);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    shell(format!("{smime} import --password-fd 9 alice.p12 9< old"));
    shell(format!("mkfifo pipe; (cat old > pipe) & {smime} import --password-file pipe alice.p12"));
    shell(format!(
        "{smime} export --identity alice.p12 --password-fd 8 --new-password-fd 9 --out fd.p12 8< old 9< new"
    ));
    assert_eq!(desk.read("fd.p12", Some(NEW)).identities.len(), 1);
    let said = desk.expect(2, "import --password-fd 77 alice.p12");
    assert!(said.contains("77"), "{said}");
    // By the terminal, which `script` plays: the new password is asked for twice, and neither is shown.
    if !Path::new("/usr/bin/script").exists() {
        println!("SKIPPED: there is no program `script` to play the terminal");
        return;
    }
    let typed = |typed: &[&str], out: &str| {
        let line = format!("{smime} export --identity alice.p12 --out {out}");
        let mut command = Command::new("script");
        command.current_dir(desk.folder.path()).args(["-q", "-e", "-c", &line, "/dev/null"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut keyboard = child.stdin.take().unwrap();
        let mut screen = child.stdout.take().unwrap();
        let mut shown = Vec::new();
        for (at, text) in typed.iter().enumerate() {
            // Each is typed once it is asked for.
            let asked = ["Password of ", "New password of ", "The same once more"][at];
            while !contains(&shown, asked.as_bytes()) {
                let mut byte = [0];
                assert_eq!(screen.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&shown));
                shown.push(byte[0]);
            }
            keyboard.write_all(format!("{text}\n").as_bytes()).unwrap();
        }
        screen.read_to_end(&mut shown).unwrap();
        let status = wait(&mut child, &line);
        let shown = String::from_utf8_lossy(&shown).into_owned();
        assert!(!shown.contains("canary"), "it is shown: {shown}");
        (status.code(), shown)
    };
    let (code, shown) = typed(&[OLD, NEW, NEW], "typed.p12");
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(desk.read("typed.p12", Some(NEW)).identities.len(), 1);
    let (code, shown) = typed(&[OLD, NEW, "another"], "differ.p12");
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("differ") && !desk.path("differ.p12").exists(), "{shown}");
    let (code, shown) = typed(&[OLD, "", ""], "empty.p12");
    assert_eq!(code, Some(2), "{shown}");
    assert!(!desk.path("empty.p12").exists(), "{shown}");
}

/// The kernel gives the files of a process below /proc to root where that process must not be dumped, whoever owns it.
#[cfg(target_os = "linux")]
#[test]
fn sec_128_the_process_leaves_no_core_and_lets_nobody_attach() {
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    let owner = |pid: u32| fs::metadata(format!("/proc/{pid}/status")).map(|m| m.uid());
    // Somebody who is not root, since root's processes are root's either way. Copied to where anybody may run it.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("smime");
    fs::copy(env!("CARGO_BIN_EXE_smime"), &program).unwrap();
    let me = fs::metadata("/proc/self").unwrap().uid();
    let start = |program: &Path, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        if me == 0 {
            command.uid(65_534).gid(65_534);
        }
        command.spawn().unwrap()
    };
    let settles = |pid: u32, wanted: bool| {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let private = owner(pid).unwrap() == 0;
            if private == wanted || Instant::now() > until {
                return private;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    // The check sees a difference: an ordinary process belongs to its user.
    let mut ordinary = start(Path::new("/bin/cat"), &[]);
    if settles(ordinary.id(), false) {
        println!("SKIPPED: this kernel gives every process to root");
        ordinary.kill().unwrap();
        ordinary.wait().unwrap();
        return;
    }
    let mut ours = start(&program, &["verify", "--no-input"]);
    assert!(settles(ours.id(), true), "it may be dumped and attached to");
    // Both are ended by a signal that dumps core; ours never does.
    for child in [&mut ordinary, &mut ours] {
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-ABRT", &pid]).status().unwrap().success());
    }
    let status = ours.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    println!("an ordinary process dumped core here: {}", ordinary.wait().unwrap().core_dumped());
    assert_eq!(names(folder.path()).iter().filter(|name| name.contains("core") && !name.contains("smime")).count(), 0);
}

// ---- SEC-129: nothing of it is said

#[test]
fn sec_129_the_program_says_no_secret_on_any_path() {
    let desk = Desk::new();
    desk.expect(0, &format!("encrypt --to alice@example.com --certs alice.pem --at {AT} -o sealed.eml mail.eml"));
    let p12 = fs::read(desk.path("alice.p12")).unwrap();
    desk.write("cut.p12", &p12[..p12.len() / 2]);
    let clear = fs::read_to_string(desk.path("alice.key")).unwrap();
    desk.write("cut.key", &clear.as_bytes()[..clear.len() - 40]);
    desk.write("odd.key", clear.replacen('M', "*", 1).as_bytes());
    desk.write("unarmoured.key", clear.replace("-----", "").as_bytes());
    let pkcs8 = desk.key.to_pkcs8().unwrap();
    desk.write("alice.der", pkcs8.expose());
    let mut altered = pkcs8.expose().to_vec();
    altered[40] ^= 1;
    desk.write("altered.der", &altered);
    let mut said = Vec::new();
    let mut runs = 0;
    for identity in [
        "alice.p12",
        "cut.p12",
        "alice.key",
        "cut.key",
        "odd.key",
        "unarmoured.key",
        "alice.der",
        "altered.der",
        "alice.pem --key alice.key",
        "alice.pem --key altered.der",
        "old",
        "mail.eml",
    ] {
        for password in ["--password-file old", "--password-file new", "--password-file empty", ""] {
            // The other files have no password, or fail before it.
            if !identity.ends_with("p12") && password != "--password-file old" {
                continue;
            }
            let file = identity.split(' ').next().unwrap();
            for line in [
                format!("sign --identity {identity} {password} --at {AT} mail.eml"),
                format!("open --identity {identity} {password} --at {AT} --report report.json --force sealed.eml"),
                format!("import {password} {file}"),
                format!("import --json {password} {file}"),
                format!("export --identity {identity} {password} --new-password-file new --force --out again.p12"),
                format!("export --identity {identity} {password} --pem --force --out again.pem"),
            ] {
                let mut command = desk.command(&line);
                let command = command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
                let output = finish(command.spawn().unwrap(), &line);
                said.extend([output.stdout, output.stderr].concat());
                runs += 1;
            }
        }
    }
    for file in ["report.json", "again.p12", "again.pem"] {
        said.extend(fs::read(desk.path(file)).unwrap());
    }
    assert_eq!(runs, (2 * 4 + 10) * 6);
    let text = String::from_utf8_lossy(&said).to_lowercase();
    assert!(!text.contains("panicked"));
    assert!(text.contains("the password is wrong"), "nothing was listened to");
    let scalar = &pkcs8.expose()[36..68];
    assert_eq!(pkcs8.expose()[34..36], [4, 32], "the scalar is elsewhere");
    for (name, secret) in
        [("the old password", OLD.as_bytes()), ("the new password", NEW.as_bytes()), ("the key", scalar)]
    {
        assert!(!contains(&said, secret), "{name} was said");
        assert!(!text.contains(&common::hex(&secret[..12])), "{name} was said in hex");
        for skip in 0..3 {
            let base64 = pem::write("X", &secret[skip..skip + 15]);
            let base64 = base64.lines().nth(1).unwrap();
            assert!(!contains(&said, base64.as_bytes()), "{name} was said in base64");
        }
    }
    // The lines of the PEM file, which hold the same base64 at its own alignment, as far as they are of the scalar: the
    // octets 36 to 48 of the first, 48 to 66 of the second. What follows is the public key, which may be said.
    let lines: Vec<&str> = clear.lines().filter(|line| !line.starts_with('-')).collect();
    for secret in [&lines[0][48..], &lines[1][..24]] {
        assert!(!contains(&said, secret.as_bytes()), "a line of the key was said");
    }
}

// ---- SEC-130: the spool

const MEBIBYTE: usize = 1 << 20;

/// A process that has more than it keeps in memory, and waits for the rest.
fn spooling(desk: &Desk, line: &str) -> (Child, std::process::ChildStdin) {
    let mut child = desk.command(line).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(MAIL.as_bytes()).unwrap();
    let text = [b"plaintext-canary".repeat(4), b"\r\n".to_vec()].concat().repeat(MEBIBYTE / 66);
    for _ in 0..40 {
        pipe.write_all(&text).unwrap();
    }
    pipe.flush().unwrap();
    (child, pipe)
}

/// What of a folder a process holds open: whether it has a name, and its mode and size.
#[cfg(target_os = "linux")]
fn held(pid: u32, folder: &Path) -> Option<Vec<(bool, u32, u64)>> {
    let folder = folder.canonicalize().unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).ok()? {
        let path = entry.unwrap().path();
        let Ok(target) = fs::read_link(&path) else { continue };
        if target.starts_with(&folder) {
            let metadata = fs::metadata(&path).unwrap();
            found.push((target.exists(), metadata.permissions().mode() & 0o777, metadata.len()));
        }
    }
    Some(found)
}

#[test]
fn sec_130_the_spool_has_no_name_is_the_owner_s_and_lies_where_it_is_asked_to() {
    let desk = Desk::new();
    for folder in ["spool", "out"] {
        fs::create_dir(desk.path(folder)).unwrap();
    }
    let line = "open --spool spool -o out/content";
    let (child, pipe) = spooling(&desk, line);
    #[cfg(target_os = "linux")]
    {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            match held(child.id(), &desk.path("spool")) {
                None => {
                    println!("SKIPPED: only root may look into a process that is not to be dumped");
                    break;
                }
                Some(files) if files.iter().any(|(_, _, size)| *size as usize > 32 * MEBIBYTE) => {
                    assert!(files.iter().all(|(named, mode, _)| !named && *mode == 0o600), "{files:?}");
                    break;
                }
                Some(files) => assert!(Instant::now() < until, "nothing is spooled: {files:?}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    for folder in ["spool", "out"] {
        assert!(names(&desk.path(folder)).is_empty(), "a name can be seen in {folder}");
    }
    drop(pipe);
    let output = finish(child, line);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(names(&desk.path("spool")).is_empty());
    assert_eq!(names(&desk.path("out")), ["content"]);
    assert_eq!(desk.mode("out/content"), 0o600);
    assert!(fs::metadata(desk.path("out/content")).unwrap().len() as usize > 39 * MEBIBYTE);
}

#[test]
fn sec_130_nothing_of_the_spool_outlives_a_kill_or_an_error() {
    let desk = Desk::new();
    for folder in ["spool", "out"] {
        fs::create_dir(desk.path(folder)).unwrap();
    }
    let empty = |what: &str| {
        for folder in ["spool", "out"] {
            assert!(names(&desk.path(folder)).is_empty(), "{what}: {:?} in {folder}", names(&desk.path(folder)));
        }
    };
    for signal in ["KILL", "TERM", "INT", "HUP"] {
        let (child, pipe) = spooling(&desk, "open --spool spool -o out/content");
        std::thread::sleep(Duration::from_millis(100));
        assert!(
            Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap().success()
        );
        let output = finish(child, "open");
        assert!(output.status.code().is_none(), "{signal} did not end it");
        drop(pipe);
        empty(signal);
    }
    // A requirement that is not met, and a part that is not there.
    for (line, code) in [
        ("open --spool spool --require signed-by-sender -o out/content", 3),
        ("open --spool spool --part 7 -o out/content", 2),
        ("verify --spool spool", 3),
        ("sign --identity alice.p12 --password-file old --account eve@example.com --spool spool -o out/content", 9),
    ] {
        let (child, pipe) = spooling(&desk, line);
        drop(pipe);
        let output = finish(child, line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "smime {line}: {said}");
        empty(line);
    }
    // A folder that is not there is told by name, and no other is taken instead.
    let mut child = desk.command("open --spool nowhere -o out/content").stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let _ = pipe.write_all(&vec![b'x'; 34 * MEBIBYTE]);
    drop(pipe);
    let output = finish(child, "open --spool nowhere");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("nowhere") && said.contains("--spool DIR"), "{said}");
    empty("nowhere");
}
