//! Memory of reading, in proportion to what is read: the peak of the heap and the number of allocations, counted by an
//! allocator of this test program's own, so that no clock and no machine has a say in it.

#![allow(unsafe_code)] // an allocator that counts
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
mod floods;
#[cfg(feature = "msg")]
#[path = "msg/make.rs"]
mod make;

use smime::Limits;
use smime::base::source::Memory;
use smime::mime::entity;
use smime::mime::mailboxes::Mailboxes;
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
#[cfg(feature = "msg")]
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn more(size: usize) {
    COUNT.fetch_add(1, Relaxed);
    PEAK.fetch_max(HELD.fetch_add(size, Relaxed) + size, Relaxed);
}

// SAFETY: every call is the system's; only numbers are kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        more(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD.fetch_sub(layout.size(), Relaxed);
        more(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes at the peak above what was there before, and allocations. What other threads allocate counts as well, so each test takes its
/// [`turn`].
fn measured(read: impl FnOnce()) -> (usize, usize) {
    let (held, count) = (HELD.load(Relaxed), COUNT.load(Relaxed));
    PEAK.store(held, Relaxed);
    read();
    (PEAK.load(Relaxed) - held, COUNT.load(Relaxed) - count)
}

/// What reading may take whatever it reads: four times the input and 64 KiB, an allocation for 16 bytes and 256 more.
struct Allowed {
    peak: usize,
    count: usize,
}

impl Allowed {
    fn of(size: usize) -> Self {
        Self { peak: 4 * size + (64 << 10), count: size / 16 + 256 }
    }

    /// And for each of the things that the input is full of.
    fn and(self, n: usize, (bytes, allocations): (usize, usize)) -> Self {
        Self { peak: self.peak + n * bytes, count: self.count + n * allocations }
    }

    fn covers(&self, (peak, count): (usize, usize)) -> bool {
        peak <= self.peak && count <= self.count
    }
}

/// The floods whose things take more once they are read than the bytes that say them: flood, reader, bytes and allocations
/// of each.
fn beyond() -> HashMap<(&'static str, &'static str), (usize, usize)> {
    let lines = include_str!("floods/beyond.txt").lines();
    let rows = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let [flood, reader, bytes, allocations] = line.split(" | ").collect::<Vec<_>>().try_into().unwrap();
        ((flood, reader), (bytes.parse().unwrap(), allocations.parse().unwrap()))
    });
    rows.collect()
}

#[test]
fn floods_are_read_within_their_memory() {
    let _turn = turn();
    let mut beyond = beyond();
    let (mut faults, mut strict, mut rows) = (Vec::new(), 0, 0);
    for flood in floods::all() {
        for (reader, read) in flood.readers {
            let each = beyond.remove(&(flood.name, *reader));
            let mut within = true;
            for n in [flood.n, 2 * flood.n] {
                let bytes = (flood.make)(n);
                let (peak, count) = measured(|| read(&bytes));
                let told =
                    format!("{} {reader} {n}: {} bytes, peak {peak}, allocations {count}", flood.name, bytes.len());
                println!("{told}");
                within &= Allowed::of(bytes.len()).covers((peak, count));
                if !Allowed::of(bytes.len()).and(n, each.unwrap_or_default()).covers((peak, count)) {
                    faults.push(told);
                }
            }
            if within && each.is_some() {
                faults.push(format!("{} {reader}: beyond.txt allows it what it does not need", flood.name));
            }
            rows += 1;
            strict += usize::from(within);
        }
    }
    println!("bounds: {strict} of {rows} within four times the input; the others by what each thing takes");
    faults.extend(beyond.keys().map(|name| format!("{name:?}: there is no such flood")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Real mail, so far as its entities and mailboxes go.
#[test]
fn real_mail_is_read_within_its_memory() {
    let Some(corpus) = common::corpus() else { return };
    let _turn = turn();
    let (mut seen, mut worst) = (0, 0.0_f64);
    for entry in common::entries(&corpus) {
        let path = common::text(&entry, "path");
        if !path.ends_with(".eml") {
            continue;
        }
        let bytes = std::fs::read(corpus.join(path)).unwrap();
        let limits = Limits::default();
        let (peak, count) = measured(|| {
            let Ok(root) = entity::scan(&Memory::borrowed(&bytes), &limits) else { return };
            std::hint::black_box(Mailboxes::read(&root.header, &limits).is_ok());
        });
        assert!(Allowed::of(bytes.len()).covers((peak, count)), "{path}: {} bytes, {peak}, {count}", bytes.len());
        worst = worst.max(peak as f64 / bytes.len() as f64);
        seen += 1;
    }
    println!("bounds: {seen} mails of the corpus, at most {worst:.2} times their size");
    assert!(seen > 0);
}

/// What the crate that reads compound files keeps: the table of sectors of 512 bytes, and a copy of it while it is checked.
#[cfg(feature = "msg")]
const MSG_BYTES_PER_SECTOR: usize = 24;

/// 500 MiB, all but a few of them zeros that are nowhere in memory.
#[cfg(feature = "msg")]
#[test]
fn a_msg_file_of_500_mebibytes_takes_its_table_of_sectors() {
    let _turn = turn();
    let mebibytes: usize = if cfg!(debug_assertions) { 32 } else { 500 };
    let head = b"Content-Type: text/plain\r\n\r\n";
    let mut rest = std::io::repeat(0).take((mebibytes as u64) << 20);
    let maker = make::Maker::holding("IPM.Note.SMIME.MultipartSigned", head);
    let mut file = maker.write_to(Sparse::default(), &mut rest);
    let size = file.seek(SeekFrom::End(0)).unwrap() as usize;
    assert!(size > mebibytes << 20);
    let (peak, count) = measured(|| {
        let mail = smime::open::msg::read(file, &Limits::default()).unwrap();
        assert!(mail.source.length().unwrap() > (mebibytes as u64) << 20);
    });
    println!("bounds: a .msg of {mebibytes} MiB, peak {:.1} MiB, {count} allocations", peak as f64 / 1_048_576.0);
    assert!(peak <= (1 << 20) + size / 512 * MSG_BYTES_PER_SECTOR, "{peak}");
}

/// A file of which only the blocks are kept that are not zeros.
#[cfg(feature = "msg")]
#[derive(Default)]
struct Sparse {
    blocks: HashMap<u64, Box<[u8; Self::BLOCK]>>,
    at: u64,
    size: u64,
}

#[cfg(feature = "msg")]
impl Sparse {
    const BLOCK: usize = 4096;

    /// The present block, the place in it, and how much of `wanted` it has.
    fn here(&self, wanted: usize) -> (u64, usize, usize) {
        let (block, from) = (self.at / Self::BLOCK as u64, (self.at % Self::BLOCK as u64) as usize);
        (block, from, wanted.min(Self::BLOCK - from))
    }
}

#[cfg(feature = "msg")]
impl Read for Sparse {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(self.at)).unwrap();
        let (block, from, count) = self.here(into.len().min(left));
        match self.blocks.get(&block) {
            Some(kept) => into[..count].copy_from_slice(&kept[from..from + count]),
            None => into[..count].fill(0),
        }
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(feature = "msg")]
impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let (block, from, count) = self.here(bytes.len());
        if bytes[..count].iter().any(|byte| *byte != 0) || self.blocks.contains_key(&block) {
            let kept = self.blocks.entry(block).or_insert_with(|| Box::new([0; Self::BLOCK]));
            kept[from..from + count].copy_from_slice(&bytes[..count]);
        }
        self.at += count as u64;
        self.size = self.size.max(self.at);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "msg")]
impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.size.checked_add_signed(by).unwrap(),
            SeekFrom::Current(by) => self.at.checked_add_signed(by).unwrap(),
        };
        Ok(self.at)
    }
}
