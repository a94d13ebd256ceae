//! Whole messages, side by side in one process: this crate, libcrypto 3.6 and, where it has the verb,
//! cryptographic-message-syntax, with the floor of the bare primitives. CPU time of one thread, in turns, medians.
//!
//! `cargo run --release --manifest-path benches/rivals/Cargo.toml [-- FILTER] [--seconds S]` prints the table as Markdown. FILTER is a part of a
//! row's name ("sign", "10 MiB", "RSA-2048"); S is how long a row is measured, 1 unless said.

mod bulk;
mod clock;
mod der;
mod floor;
mod libcrypto;
mod people;
mod rows;

use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut filter, mut seconds) = (String::new(), 1.0);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => match arguments.next().and_then(|text| text.parse().ok()) {
                Some(number) => seconds = number,
                None => return usage(),
            },
            _ if argument.starts_with('-') => return usage(),
            _ => filter = argument,
        }
    }
    println!("smime against {}; {}.", libcrypto::version(), machine());
    println!(
        "us of one thread's CPU time, medians, in turns; ratio = libcrypto / smime, so that above 1 smime is faster;"
    );
    println!("overhead = smime - floor, the floor being its bare primitives on the same bytes.\n");
    println!(
        "| verb | algorithm | size | smime | libcrypto | ratio | goal | floor | overhead | cryptographic-message-syntax |"
    );
    println!("|---|---|---|---:|---:|---:|---:|---:|---:|---:|");
    rows::each(&mut |mut row| {
        if !format!("{} {} {}", row.verb, row.algorithm, row.size).contains(&filter) {
            return;
        }
        let mut cases: Vec<&mut dyn FnMut()> = vec![&mut row.ours, &mut row.libcrypto, &mut row.floor];
        cases.extend(row.other.as_mut().map(|case| case as &mut dyn FnMut()));
        let times = clock::interleaved(&mut cases, seconds);
        let [ours, theirs, floor] = times[..3] else { return };
        let other = times.get(3).map_or(String::new(), |time| format!("{time:.0}"));
        println!(
            "| {} | {} | {} | {ours:.1} | {theirs:.1} | {:.2} | {} | {floor:.1} | {:.1} | {other} |",
            row.verb,
            row.algorithm,
            row.size,
            theirs / ours,
            row.goal.map_or(String::new(), |goal| format!("{goal:.2}")),
            ours - floor,
        );
    });
    if filter.is_empty() || "bulk".contains(&filter) {
        bulk::print(seconds);
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: [FILTER] [--seconds S]");
    ExitCode::from(2)
}

/// What the system says of its processor.
fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value)
    };
    let flags: Vec<&str> = field("flags").split(' ').collect();
    let told = ["aes", "vaes", "vpclmulqdq", "bmi2", "adx", "sha_ni", "avx2", "avx512f", "avx512ifma"];
    let has: Vec<&str> = told.into_iter().filter(|flag| flags.contains(flag)).collect();
    format!("{} ({})", field("model name"), has.join(" "))
}
