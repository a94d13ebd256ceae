//! Time of reading, in proportion to what is read, as instructions that valgrind's callgrind counts, so that neither clock
//! nor machine has a say in it: twice the flood costs little more than twice as much, and no byte costs too much. In release
//! builds only.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod floods;

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Instructions for twice as much, beside those for once; both above those of a sixteenth.
const MOST_GROWTH: f64 = 2.3;
/// And so many for each byte of it: what the allocator does more of as its lists grow.
const ALLOCATOR: f64 = 20.0;
/// Instructions of a byte of input.
const MOST_PER_BYTE: f64 = 2_000.0;
/// Floods are shared out among so many processes.
const WORKERS: usize = 2;
const TEST: &str = "no_flood_costs_more_than_its_size";

#[inline(never)]
fn counted(read: fn(&[u8]), bytes: &[u8]) {
    read(bytes);
}

#[test]
fn no_flood_costs_more_than_its_size() {
    if let Ok(worker) = std::env::var("SMIME_FLOOD") {
        return work(worker.parse().unwrap());
    }
    if cfg!(debug_assertions) && std::env::var_os("SMIME_FLOOD_DEBUG").is_none() {
        eprintln!("skipped: instructions are counted in release builds (cargo test --release --test instructions)");
        return;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none(), "valgrind is missing");
        eprintln!("skipped: valgrind is not installed");
        return;
    }
    tell_what_opening_25_mebibytes_takes();
    let folder = tempfile::tempdir().unwrap();
    let workers: Vec<Child> = (0..WORKERS).map(|worker| start(worker, folder.path())).collect();
    let (mut faults, mut rows) = (Vec::new(), 0);
    for (worker, child) in workers.into_iter().enumerate() {
        let output = child.wait_with_output().unwrap();
        let (said, heard) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{said}{heard}");
        let mut run = 0;
        // The first stands behind the test's own name.
        for line in said.lines().filter_map(|line| Some(line.split_once("flood\t")?.1)) {
            let mut costs = [0.0; 3];
            for cost in &mut costs {
                run += 1;
                *cost = total(&folder.path().join(format!("{worker}.{run}")));
            }
            rows += 1;
            faults.extend(fault(line, costs));
        }
    }
    println!("{rows} floods and readers");
    assert!(rows > 60, "{rows}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// This program anew, under callgrind, which counts inside [`counted`] only, and writes a file each time it is left.
fn start(worker: usize, folder: &Path) -> Child {
    let function = "instructions::counted";
    Command::new("valgrind")
        .args(["--tool=callgrind", "--cache-sim=no", "--branch-sim=no", "--dump-line=no", "--quiet"])
        .arg(format!("--toggle-collect={function}"))
        .arg(format!("--dump-after={function}"))
        .arg(format!("--callgrind-out-file={}", folder.join(worker.to_string()).display()))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
        .env("SMIME_FLOOD", worker.to_string())
        // A copy by one repeated instruction counts as one for each byte, a copy by others as one for many bytes, and which
        // it is depends on its size; so it is never the first.
        .env("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=1073741824")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Each flood of this worker: small, once, and twice, for each of its readers.
fn work(worker: usize) {
    for flood in floods::all().skip(worker).step_by(WORKERS) {
        let sizes = [(flood.n / 16).max(1), flood.n, 2 * flood.n];
        let inputs = sizes.map(flood.make);
        for (reader, read) in flood.readers {
            inputs.iter().for_each(|bytes| counted(*read, bytes));
            println!("flood\t{}\t{reader}\t{}", flood.name, inputs[2].len());
        }
    }
}

/// What callgrind counted, from a file of its.
fn total(path: &Path) -> f64 {
    let text = std::fs::read_to_string(path).unwrap();
    let number = |line: &str| line.strip_prefix("totals:")?.trim().parse().ok();
    text.lines().find_map(number).unwrap_or_else(|| panic!("{} has no total", path.display()))
}

/// What a row says, where that is too much.
fn fault(line: &str, [small, once, twice]: [f64; 3]) -> Option<String> {
    let mut fields = line.split('\t');
    let (name, reader) = (fields.next().unwrap(), fields.next().unwrap());
    let size: f64 = fields.next().unwrap().parse().unwrap();
    let (growth, each) = ((twice - small) / (once - small), twice / size);
    let told = format!("{name}, {reader}: {growth:.2} times for twice as much, {each:.0} instructions a byte");
    println!("{told} ({:.1} million for {size} bytes)", twice / 1e6);
    let grown = twice - small > MOST_GROWTH * (once - small) + ALLOCATOR * size;
    (grown || each > MOST_PER_BYTE).then_some(told)
}

/// Floods that no limit ends before 25 MiB.
const ENDLESS: [&str; 4] =
    ["body lines", "lines like boundaries", "lines like boundaries, 30 multiparts deep", "a body of base64"];

/// Told, not judged: it is the machine's time.
fn tell_what_opening_25_mebibytes_takes() {
    let mut seen = 0;
    for flood in floods::all().filter(|flood| ENDLESS.contains(&flood.name)) {
        let times = (25 << 20) / (flood.make)(flood.n).len();
        let bytes = (flood.make)(flood.n * times);
        let start = std::time::Instant::now();
        floods::open(&bytes);
        let (seconds, mebibytes) = (start.elapsed().as_secs_f64(), bytes.len() as f64 / 1_048_576.0);
        println!("opening {mebibytes:.1} MiB of {}: {seconds:.2} s", flood.name);
        seen += 1;
    }
    assert_eq!(seen, ENDLESS.len());
}
