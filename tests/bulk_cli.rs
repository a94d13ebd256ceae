//! `smime bulk` as an operator runs it: kills, a full disk, signals, two runners, and every kind of input.

#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::desk::{AT, Desk};
use common::people::now;
use serde_json::Value;
use smime::{Opener, Policy, Requirement, Trust};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const SIGN: &str = "bulk sign --identity alice.pem --key alice.key";

fn mail(n: usize, size: usize) -> Vec<u8> {
    let head = format!("From: alice@example.com\r\nTo: bob@example.com\r\nSubject: {n}\r\n\r\nMail number {n}.\r\n");
    let line = "The quick brown fox jumps over the lazy dog, and does so again and again.\r\n";
    let mut mail = head.into_bytes();
    while mail.len() < size {
        mail.extend_from_slice(line.as_bytes());
    }
    mail
}

/// Mails `1.eml` and so on in a folder.
fn mails(desk: &Desk, folder: &str, count: usize, size: usize) {
    fs::create_dir_all(desk.path(folder)).unwrap();
    (1..=count).for_each(|n| desk.write(&format!("{folder}/{n}.eml"), &mail(n, size)));
}

fn command(desk: &Desk, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smime"));
    command.current_dir(desk.folder.path()).args(line.split_whitespace()).arg("--no-input");
    command.stdin(Stdio::null());
    command
}

fn start(desk: &Desk, line: &str) -> Child {
    command(desk, line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn summary(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The results of a folder, without what is hidden.
fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with('.') {
            let bytes = fs::read(folder.join(&name)).unwrap();
            found.insert(name, bytes);
        }
    }
    found
}

/// Temporary files of any job.
fn temporaries(out: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(out.join(".smime-bulk")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).filter(|p| !p.ends_with("lock")));
        }
    }
    found
}

/// Each result is the mail of its number, signed by its sender.
fn verified(trust: &Trust, results: &BTreeMap<String, Vec<u8>>) {
    let policy = Policy::default();
    let opener = Opener::new(trust, &policy);
    for (name, raw) in results {
        let trusted = opener.open(raw, now()).unwrap().require(Requirement::SignedBySender);
        let content = trusted.unwrap_or_else(|r| panic!("{name}: {:?}", r.reasons())).message().unwrap();
        let n = name.trim_end_matches(".eml");
        assert!(String::from_utf8(content).unwrap().contains(&format!("Mail number {n}.\r\n")), "{name}");
    }
}

fn all_there(desk: &Desk, out: &str, count: usize) {
    let results = results(&desk.path(out));
    let mut expected: Vec<String> = (1..=count).map(|n| format!("{n}.eml")).collect();
    expected.sort();
    assert_eq!(results.keys().cloned().collect::<Vec<_>>(), expected);
    verified(&desk.ca.trust(), &results);
    assert!(temporaries(&desk.path(out)).is_empty());
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        least + (z ^ (z >> 31)) % (most - least + 1)
    }
}

#[test]
fn sec_146_two_hundred_kills_lose_nothing_and_repeat_nothing() {
    const KILLS: usize = 200;
    const MAILS: usize = 3_000;
    let desk = Desk::plain();
    mails(&desk, "in", MAILS, 10 << 10);
    let line = |job: usize| format!("{SIGN} --at {AT} --in in --out out{job} --resume");
    let (mut chance, mut kills, mut jobs, mut before) = (Chance(146), 0, 0, BTreeMap::new());
    let began = Instant::now();
    while kills < KILLS {
        let out = desk.path(&format!("out{jobs}"));
        let mut child = start(&desk, &line(jobs));
        std::thread::sleep(Duration::from_millis(chance.between(5, 150)));
        child.kill().unwrap();
        let code = child.wait().unwrap().code();
        if code.is_none() {
            kills += 1;
        }
        // What had its name has it still, and is the same. (All of it is compared now and then, and at the end.)
        if out.is_dir() && (kills % 10 == 0 || code.is_some()) {
            let now = results(&out);
            for (name, bytes) in std::mem::take(&mut before) {
                assert!(now.get(&name) == Some(&bytes), "{name} was made again");
            }
            before = now;
        }
        if code.is_some() {
            assert_eq!(code, Some(0));
            assert_eq!(before.len(), MAILS);
            println!("kills: job {jobs} was done after {kills} kills");
            jobs += 1;
            before.clear();
        }
    }
    desk.expect(0, &line(jobs));
    let after = results(&desk.path(&format!("out{jobs}")));
    assert!(before.iter().all(|(name, bytes)| after.get(name) == Some(bytes)), "something was made again");
    all_there(&desk, &format!("out{jobs}"), MAILS);
    println!(
        "kills: {kills} over {} jobs of {MAILS} mails in {:.1} s: every mail has exactly one result",
        jobs + 1,
        began.elapsed().as_secs_f64()
    );
}

/// A small file system in memory, as long as the test runs.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let options = format!("size={size}");
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&at).output();
        match output {
            Ok(output) if output.status.success() => Some(Self(at)),
            other => {
                eprintln!("skipped: no tmpfs can be mounted here: {other:?}");
                None
            }
        }
    }

    fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn sec_148_a_full_disk_stops_the_job_which_goes_on_when_there_is_room() {
    let desk = Desk::plain();
    mails(&desk, "in", 400, 10 << 10);
    // It has no room for all; whether a group is whole before it is full depends on how fast they come.
    let Some(disk) = SmallDisk::mount(desk.path("out"), "4m") else { return };
    let line = format!("{SIGN} --at {AT} --in in --out out --resume");
    let said = desk.expect(1, &line);
    assert!(said.contains("No space left on device") && said.contains("--resume"), "{said}");
    let first = results(&desk.path("out"));
    assert!(first.len() < 400, "{}", first.len());
    verified(&desk.ca.trust(), &first);
    // Where the journal itself could not be written on, the next run settles what was ready. It is no better yet.
    desk.expect(1, &line);
    disk.resize("32m");
    desk.expect(0, &line);
    all_there(&desk, "out", 400);
    assert!(temporaries(&desk.path("out")).is_empty());
    let now = results(&desk.path("out"));
    assert!(first.iter().all(|(name, bytes)| now[name] == *bytes), "something was made again");
    println!("full disk: {} of 400 before it was full", first.len());
}

#[test]
fn sec_149_names_that_are_taken_folders_that_are_not_to_be_written_to_and_other_jobs() {
    let desk = Desk::plain();
    mails(&desk, "in", 5, 100);
    fs::create_dir(desk.path("out")).unwrap();
    desk.write("out/3.eml", b"theirs");
    let line = format!("{SIGN} --at {AT} --in in --out out");
    let said = desk.expect(10, &line);
    assert!(said.contains("3.eml: its result is there already") && said.contains("[exists]"), "{said}");
    assert_eq!((desk.read("out/3.eml"), results(&desk.path("out")).len()), (b"theirs".to_vec(), 5));
    let failures = String::from_utf8(desk.read("out/.smime-bulk/0-of-1.failures.jsonl")).unwrap();
    let failure: Value = serde_json::from_str(&failures).unwrap();
    assert_eq!((&failure["input"], &failure["code"]), (&"3.eml".into(), &"exists".into()));
    // Not begun twice, not gone on with as another job, not tried again without being told to.
    let said = desk.expect(1, &line);
    assert!(said.contains("journal of an earlier run") && said.contains("--resume"), "{said}");
    let said = desk.expect(2, &format!("{line} --resume --opaque"));
    assert!(said.contains("another job"), "{said}");
    desk.expect(10, &format!("{line} --resume --jobs 1 --json -q"));
    assert_eq!(desk.read("out/3.eml"), b"theirs");
    desk.expect(0, &format!("{line} --resume --retry-failed --force"));
    all_there(&desk, "out", 5);
    assert_eq!(desk.read("out/.smime-bulk/0-of-1.failures.jsonl"), b"");
    // Nothing can be written there: that is said before anything is done.
    desk.write("file", b"");
    for (options, what) in
        [("--out file", "file"), ("--out other --journal nowhere/journal", "journal"), ("--out in", "--out")]
    {
        let output = desk.run(&format!("{SIGN} --at {AT} --in in {options}"));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(matches!(output.status.code(), Some(1 | 2)) && said.contains(what), "{options}: {said}");
    }
    assert!(results(&desk.path("other")).is_empty());
    desk.write("diary", b"Dear diary,\n");
    let said = desk.expect(1, &format!("{SIGN} --at {AT} --in in --out other --journal diary --resume"));
    assert!(said.contains("no journal") && desk.read("diary") == b"Dear diary,\n", "{said}");
}

#[test]
fn sec_149_the_second_of_two_runners_finds_the_job_locked() {
    let desk = Desk::plain();
    mails(&desk, "in", 500, 10 << 10);
    let line = format!("{SIGN} --at {AT} --in in --out out --resume");
    let mut first = start(&desk, &line);
    let locks = || -> Vec<PathBuf> {
        let hidden = fs::read_dir(desk.path("out/.smime-bulk")).into_iter().flatten();
        hidden.map(|e| e.unwrap().path().join("lock")).filter(|path| path.is_file()).collect()
    };
    while locks().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    // Whoever is killed leaves no lock behind; whoever is at work has one.
    let lock = File::open(&locks()[0]).unwrap();
    lock.lock().unwrap();
    let said = desk.expect(1, &line);
    assert!(said.contains("locked"), "{said}");
    let before = results(&desk.path("out"));
    drop(lock);
    desk.expect(0, &line);
    all_there(&desk, "out", 500);
    let after = results(&desk.path("out"));
    assert!(before.iter().all(|(name, bytes)| after[name] == *bytes));
}

#[test]
fn sec_153_a_signal_ends_the_job_in_order() {
    let desk = Desk::plain();
    mails(&desk, "in", 2_000, 10 << 10);
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let out = format!("out-{signal}");
        let line = format!("{SIGN} --at {AT} --in in --out {out} --resume --json");
        let mut child = command(&desk, &line);
        let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let journal = desk.path(&format!("{out}/.smime-bulk/0-of-1.journal"));
        let ready = || fs::read_to_string(&journal).is_ok_and(|text| text.contains(" ready "));
        while !ready() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        let summary = summary(&output);
        assert_eq!(summary["stopped"], format!("SIG{signal}"), "{said}");
        // What was begun is finished, and everything is written down.
        let results = results(&desk.path(&out));
        assert_eq!(summary["done"], results.len());
        assert!(!results.is_empty() && results.len() < 2_000 && temporaries(&desk.path(&out)).is_empty());
        assert!(fs::read_to_string(&journal).unwrap().ends_with(" settled\n"));
        if signal == "TERM" {
            desk.expect(0, &line);
            all_there(&desk, &out, 2_000);
        }
    }
}

#[test]
fn sec_153_nobody_who_listens_is_no_success_and_no_panic() {
    let desk = Desk::plain();
    mails(&desk, "in", 3, 100);
    let mut child = command(&desk, &format!("{SIGN} --at {AT} --in in --out out --json"));
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code().is_some_and(|code| code != 0) && !said.contains("panicked"),
        "{:?} {said}",
        output.status
    );
    all_there(&desk, "out", 3);
    // What is said on the way may go nowhere.
    let mut child = command(&desk, &format!("{SIGN} --at {AT} --in in --out quiet"));
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    all_there(&desk, "quiet", 3);
}

#[test]
fn sec_152_a_signer_out_of_time_stops_the_job_before_anything_is_written() {
    let desk = Desk::plain();
    mails(&desk, "in", 20, 100);
    let said = desk.expect(9, &format!("{SIGN} --at 2040-01-01T00:00:00Z --in in --out out"));
    assert!(said.contains("the job stopped") && said.contains("valid from"), "{said}");
    assert!(results(&desk.path("out")).is_empty());
}

#[test]
fn sec_150_poison_is_listed_and_is_not_tried_again() {
    let desk = Desk::plain();
    mails(&desk, "in", 30, 100);
    desk.write("in/8.eml", b"Subject: nobody\r\n\r\n");
    desk.write("in/9.eml", b"From: mallory@example.com\r\n\r\nx\r\n");
    desk.write("in/readme.txt", b"no mail");
    let line = format!("{SIGN} --at {AT} --in in --out out --resume");
    let output = desk.run(&format!("{line} --json --failures failed.jsonl"));
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(10), "{said}");
    assert!(
        said.contains("error: 8.eml: ") && said.contains("error: 9.eml: ") && said.contains("readme.txt"),
        "{said}"
    );
    let counts = |output: &Output| {
        let summary = summary(output);
        (summary["done"].clone(), summary["failed"].clone(), summary["before"].clone())
    };
    assert_eq!(counts(&output), (28.into(), 2.into(), 0.into()));
    let failed = String::from_utf8(desk.read("failed.jsonl")).unwrap();
    let inputs: Vec<Value> =
        failed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["input"].clone()).collect();
    assert_eq!(inputs, ["8.eml", "9.eml"]);
    let again = desk.run(&format!("{line} --json"));
    assert_eq!((again.status.code(), counts(&again)), (Some(10), (28.into(), 2.into(), 30.into())));
    // Put right, and told to be tried again.
    desk.write("in/8.eml", &mail(8, 100));
    desk.write("in/9.eml", &mail(9, 100));
    desk.expect(0, &format!("{line} --retry-failed"));
    all_there(&desk, "out", 30);
    // Enough is enough.
    (1..=30).for_each(|n| desk.write(&format!("in/{n}.eml"), b"Subject: nobody\r\n\r\n"));
    let output = desk.run(&format!("{SIGN} --at {AT} --in in --out other --max-failures 3 --jobs 1 --json"));
    assert_eq!((output.status.code(), summary(&output)["stopped"].clone()), (Some(10), "failures".into()));
}

#[test]
fn every_kind_of_input_has_a_result_for_each_mail() {
    let desk = Desk::plain();
    // A Maildir, of which some mail was read.
    for folder in ["tmp", "new", "cur"] {
        fs::create_dir_all(desk.path("maildir").join(folder)).unwrap();
    }
    desk.write("maildir/new/1.host", &mail(1, 100));
    desk.write("maildir/cur/2.host:2,S", &mail(2, 100));
    desk.write("maildir/tmp/3.host", b"half a ma");
    let line = format!("{SIGN} --at {AT} --in maildir --out a --resume");
    desk.expect(0, &line);
    let names: Vec<String> = results(&desk.path("a")).into_keys().collect();
    assert_eq!(names, ["1.host", "2.host:2,S"]);
    // Reading a mail does not make it another one.
    fs::rename(desk.path("maildir/new/1.host"), desk.path("maildir/cur/1.host:2,S")).unwrap();
    desk.expect(0, &line);
    assert_eq!(results(&desk.path("a")).len(), 2);
    // An mbox file.
    let mut mbox = Vec::new();
    for n in 1..=12 {
        mbox.extend_from_slice(b"From alice@example.com Thu Nov 26 08:00:00 2026\n");
        mbox.extend(mail(n, 200).into_iter().filter(|byte| *byte != b'\r'));
        mbox.extend_from_slice(b">From the beginning.\n\n");
    }
    desk.write("archive.mbox", &mbox);
    desk.expect(0, &format!("{SIGN} --at {AT} --in archive.mbox --out b"));
    all_there(&desk, "b", 12);
    // What was quoted is so no longer; signing keeps it from being quoted again.
    let seventh = String::from_utf8(desk.read("b/7.eml")).unwrap();
    assert!(seventh.contains("\r\n=46rom the beginning.\r\n") || seventh.contains("\r\nFrom the beginning.\r\n"));
    // A large mail of an mbox file, and a large file.
    let large = mail(1, 3 << 20);
    desk.write("large.mbox", &[b"From a\r\n".as_slice(), &large, b"\r\n"].concat());
    desk.expect(0, &format!("{SIGN} --at {AT} --in large.mbox --out c"));
    all_there(&desk, "c", 1);
    fs::create_dir(desk.path("large")).unwrap();
    desk.write("large/1.eml", &large);
    desk.expect(0, &format!("{SIGN} --at {AT} --in large --out d"));
    all_there(&desk, "d", 1);
    // A list.
    mails(&desk, "one", 2, 100);
    fs::create_dir(desk.path("two")).unwrap();
    desk.write("two/3.eml", &mail(3, 100));
    let listed = |list: &str, options: &str| {
        desk.write("list", list.as_bytes());
        let mut command = command(&desk, &format!("{SIGN} --at {AT} --in - {options}"));
        command.stdin(File::open(desk.path("list")).unwrap()).output().unwrap()
    };
    let output = listed("one/1.eml\none/2.eml\r\n\ntwo/3.eml", "--out e");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    all_there(&desk, "e", 3);
    let twice = listed("one/1.eml\ntwo/1.eml\n", "--out f");
    assert!(twice.status.code() == Some(2) && String::from_utf8_lossy(&twice.stderr).contains("1.eml"));
    assert_eq!(listed("one/1.eml\nmissing.eml\n", "--out f").status.code(), Some(10));
    assert_eq!(listed("", "--out g").status.code(), Some(2));
}

#[test]
fn shards_share_a_job_and_a_rehearsal_writes_nothing() {
    let desk = Desk::plain();
    mails(&desk, "in", 60, 100);
    let before = desk.names();
    let output = desk.run(&format!("{SIGN} --at {AT} --in in --out out --dry-run --json"));
    let told = summary(&output);
    assert_eq!((output.status.code(), &told["done"], &told["dry_run"]), (Some(0), &60.into(), &true.into()));
    assert_eq!(desk.names(), before, "something was written");
    let mut sizes = Vec::new();
    for shard in 0..4 {
        let output = desk.run(&format!("{SIGN} --at {AT} --in in --out out --resume --shard {shard}/4 --json"));
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        sizes.push(summary(&output)["done"].as_u64().unwrap());
    }
    assert!(sizes.iter().sum::<u64>() == 60 && sizes.iter().all(|size| *size > 0), "{sizes:?}");
    all_there(&desk, "out", 60);
    let said = desk.expect(2, &format!("{SIGN} --at {AT} --in in --out out --shard 4/4"));
    assert!(said.contains("counts from 0"), "{said}");
    // A rehearsal says what would fail.
    desk.write("in/7.eml", b"Subject: nobody\r\n\r\n");
    let said = desk.expect(10, &format!("{SIGN} --at {AT} --in in --out other --dry-run"));
    assert!(
        said.contains("7.eml") && said.contains("59 would be signed, 1 failed") && !desk.path("other").exists(),
        "{said}"
    );
}

#[test]
fn many_mails_are_encrypted_and_opened_each_as_a_whole_or_not_at_all() {
    let desk = Desk::plain();
    mails(&desk, "in", 20, 2_000);
    // Nobody has a certificate of Dave's: that mail fails as a whole.
    let to_dave = b"From: alice@example.com\r\nTo: bob@example.com, dave@example.com\r\n\r\nMail number 21.\r\n";
    desk.write("in/21.eml", to_dave);
    let hidden = b"From: alice@example.com\r\nTo: bob@example.com\r\nBcc: carol@example.com\r\n\r\nMail number 22.\r\n";
    desk.write("in/22.eml", hidden);
    desk.write("certs.pem", &[desk.read("bob.pem"), desk.read("carol.pem")].concat());
    let said = desk.expect(
        10,
        &format!("bulk encrypt --to-headers --certs certs.pem --trust ca.pem --at {AT} --in in --out sealed"),
    );
    assert!(
        said.contains("21.eml: ") && said.contains("dave@example.com") && said.contains("[no_recipient]"),
        "{said}"
    );
    assert!(said.contains("22.eml: ") && said.contains("it becomes 2 messages"), "{said}");
    let sealed = results(&desk.path("sealed"));
    assert_eq!(sealed.len(), 20);
    desk.expect(
        0,
        &format!("bulk open --identity bob.pem --key bob.key --trust ca.pem --at {AT} --in sealed --out opened"),
    );
    let opened = results(&desk.path("opened"));
    for (name, content) in &opened {
        let n = name.trim_end_matches(".eml");
        assert!(String::from_utf8_lossy(content).contains(&format!("Mail number {n}.\r\n")), "{name}");
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(desk.path("opened").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others may read {name}");
    }
    assert_eq!(opened.len(), 20);
    // Without the key, and where more is demanded than there is.
    let said = desk.expect(10, &format!("bulk open --at {AT} --in sealed --out none"));
    assert!(said.contains("[cannot_decrypt]") && results(&desk.path("none")).is_empty(), "{said}");
    let line = format!("bulk open --identity bob.pem --key bob.key --trust ca.pem --at {AT} --in sealed --out more");
    let said = desk.expect(10, &format!("{line} --require signed"));
    assert!(said.contains("[nothing_signed]") && results(&desk.path("more")).is_empty(), "{said}");
}

/// A directory that is not there: who is only in it fails, and nobody gets a part of the mail.
#[cfg(feature = "ldap")]
#[test]
fn sec_155_a_directory_that_is_gone_fails_the_mails_that_need_it_and_no_other() {
    let desk = Desk::plain();
    mails(&desk, "in", 30, 100);
    for n in 11..=30 {
        let to = format!(
            "From: alice@example.com\r\nTo: bob@example.com, nobody{n}@example.com\r\n\r\nMail number {n}.\r\n"
        );
        desk.write(&format!("in/{n}.eml"), to.as_bytes());
    }
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = desk.expect(
        10,
        &format!(
            "bulk encrypt --to-headers --certs bob.pem --ldap ldap://127.0.0.1:{port} --trust ca.pem --at {AT} \
             --in in --out out --jobs 4"
        ),
    );
    assert!(said.contains("could not be found out for nobody11@example.com"), "{said}");
    assert!(said.contains("it is not asked any more"), "{said}");
    let names: Vec<String> = results(&desk.path("out")).into_keys().collect();
    let mut expected: Vec<String> = (1..=10).map(|n| format!("{n}.eml")).collect();
    expected.sort();
    assert_eq!(names, expected);
}
