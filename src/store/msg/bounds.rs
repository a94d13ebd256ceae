//! What is asked of a compound file before the crate `cfb` may read it: that what it keeps in memory, and how long it walks,
//! follows from the file's length and from [`Limits`], whatever the file says ([MS-CFB] sections 2.2 to 2.6).
//!
//! Read in its version 0.16.0, the crate checks sector numbers against the file's end, refuses a sector that two others
//! point to (so that no chain runs in a circle), and refuses circles in the directory. It does not bound these, and so they
//! are bounded here:
//!
//! | what the crate does | bound |
//! |---|---|
//! | it reads every FAT sector that the DIFAT lists before it counts them: one sector of 512 bytes lists 127 | the DIFAT has no more sectors than the file's length can need |
//! | it keeps the whole directory, and its names in a hash table that an attacker can make quadratic | `msg_entries` |
//! | it keeps the whole mini FAT twice while it opens | what `msg_entries` small streams can need |
//! | it walks the whole chain of a small stream at each opening | [`Shape`] tells the caller what a walk costs |

use super::{Error, Result, container};
use crate::base::limits::Limits;
use std::io::{Read, Seek, SeekFrom};

/// The magic number of every compound file.
pub const MAGIC: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

const HEADER: usize = 512;
/// [MS-CFB] section 2.1: every number above is a mark, such as the end of a chain.
const LAST_SECTOR: u32 = 0xffff_fffa;
const FREE: u32 = 0xffff_ffff;
/// Where the header's own part of the DIFAT begins, and how much it lists.
const DIFAT: usize = 76;
const DIFAT_ENTRIES: usize = 109;
const DIRECTORY_ENTRY: u64 = 128;
/// [MS-CFB] section 2.2: smaller streams lie in the mini stream, in sectors of 64 bytes.
pub(super) const SMALL: u64 = 4096;
const MINI_SECTORS_OF_A_STREAM: u64 = SMALL / 64;

/// How large a compound file is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Bytes of the file.
    pub(super) length: u64,
    /// Its sectors: the most steps that a walk along a chain can take.
    pub(super) sectors: u64,
    /// The same for small streams.
    pub(super) mini_sectors: u64,
}

/// Refuses a file that would take more memory or time than its length justifies.
pub(super) fn check<R: Read + Seek>(input: &mut R, limits: &Limits) -> Result<Shape> {
    let length = input.seek(SeekFrom::End(0))?;
    let mut header = [0; HEADER];
    if length < HEADER as u64 {
        return Err(container("its header", format!("the file has {length} bytes, and the header alone has {HEADER}")));
    }
    input.seek(SeekFrom::Start(0))?;
    input.read_exact(&mut header)?;
    if !header.starts_with(&MAGIC) {
        return Err(container("its header", "it does not begin with D0 CF 11 E0 A1 B1 1A E1".to_owned()));
    }
    let sector = match header.get(30..32) {
        Some([9, 0]) => 512,
        Some([12, 0]) => 4096,
        other => return Err(container("its header", format!("the sector shift is {other:02x?}, not 9 or 12"))),
    };
    let mut table = Table::new(input, sector, length);
    table.read_difat(&header)?;
    let entries = limits.msg_entries as u64;
    let directory = (entries / (sector / DIRECTORY_ENTRY)).max(1);
    table.chain("the directory", word(&header, 48), directory)?;
    let mini_entries = entries.saturating_mul(MINI_SECTORS_OF_A_STREAM);
    let mini = table.chain("the mini FAT", word(&header, 60), (mini_entries * 4).div_ceil(sector).max(1))?;
    Ok(Shape { length, sectors: table.sectors, mini_sectors: mini.saturating_mul(sector / 4) })
}

/// The FAT, looked up entry by entry.
struct Table<'r, R> {
    input: &'r mut R,
    sector: u64,
    sectors: u64,
    /// Where the FAT lies.
    fat: Vec<u32>,
    loaded: Option<u32>,
    buffer: Vec<u8>,
}

impl<'r, R: Read + Seek> Table<'r, R> {
    fn new(input: &'r mut R, sector: u64, length: u64) -> Self {
        let sectors = length.div_ceil(sector).saturating_sub(1);
        Self { input, sector, sectors, fat: Vec::new(), loaded: None, buffer: vec![0; sector as usize] }
    }

    fn per_sector(&self) -> u64 {
        self.sector / 4
    }

    /// Collects where the FAT lies ([MS-CFB] section 2.5), bounded by what the file's length can need.
    fn read_difat(&mut self, header: &[u8]) -> Result<()> {
        let needed = self.sectors.div_ceil(self.per_sector());
        let most = needed.saturating_sub(DIFAT_ENTRIES as u64).div_ceil(self.per_sector() - 1) + 1;
        self.fat.extend((0..DIFAT_ENTRIES).map(|n| word(header, DIFAT + 4 * n)));
        let mut at = word(header, 68);
        let mut count = 0;
        while at <= LAST_SECTOR {
            count += 1;
            if count > most {
                let why = format!("it has more than {most} sectors, in a file of {} sectors", self.sectors);
                return Err(container("the DIFAT", why));
            }
            self.load("the DIFAT", at)?;
            let last = self.per_sector() as usize - 1;
            self.fat.extend((0..last).map(|n| word(&self.buffer, 4 * n)));
            at = word(&self.buffer, 4 * last);
        }
        Ok(())
    }

    /// How many sectors a chain has.
    fn chain(&mut self, what: &'static str, first: u32, most: u64) -> Result<u64> {
        let mut count = 0;
        let mut at = first;
        while at <= LAST_SECTOR {
            count += 1;
            if count > self.sectors {
                return Err(container(what, format!("its chain of sectors runs in a circle, or past the end at {at}")));
            }
            if count > most {
                return Err(Error::Limit { what, asked: count, limit: most, unit: "sectors" });
            }
            at = self.next(what, at)?;
        }
        Ok(count)
    }

    fn next(&mut self, what: &'static str, sector: u32) -> Result<u32> {
        let (row, column) = (u64::from(sector) / self.per_sector(), u64::from(sector) % self.per_sector());
        let Some(fat) = usize::try_from(row).ok().and_then(|row| self.fat.get(row)).copied() else {
            return Ok(FREE);
        };
        if self.loaded != Some(fat) {
            self.load(what, fat)?;
        }
        Ok(word(&self.buffer, 4 * column as usize))
    }

    fn load(&mut self, what: &'static str, sector: u32) -> Result<()> {
        self.loaded = None;
        if u64::from(sector) >= self.sectors {
            let why = format!("it leads to sector {sector}, and the file has only {}", self.sectors);
            return Err(container(what, why));
        }
        self.input.seek(SeekFrom::Start((u64::from(sector) + 1) * self.sector))?;
        self.input.read_exact(&mut self.buffer).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => container(what, format!("the file ends within its sector {sector}")),
            _ => Error::Io(e),
        })?;
        self.loaded = Some(sector);
        Ok(())
    }
}

/// Four bytes, little-endian; what lies past the end counts as free.
pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    four.map_or(FREE, |four| u32::from_le_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    fn sample(version: cfb::Version) -> Vec<u8> {
        let mut file = cfb::CompoundFile::create_with_version(version, Cursor::new(Vec::new())).unwrap();
        for n in 0..40_usize {
            let name = format!("/stream {n}");
            file.create_stream(name).unwrap().write_all(&vec![n as u8; 100 * n]).unwrap();
        }
        file.flush().unwrap();
        file.into_inner().into_inner()
    }

    fn put(bytes: &mut [u8], at: usize, value: u32) {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    #[test]
    fn a_sound_file_passes_in_both_versions() {
        for version in [cfb::Version::V3, cfb::Version::V4] {
            let bytes = sample(version);
            let shape = check(&mut Cursor::new(&bytes), &Limits::default()).unwrap();
            assert_eq!(shape.length, bytes.len() as u64);
            assert_eq!(shape.sectors, (bytes.len() / version.sector_len()) as u64 - 1);
            let needed: u64 = (0..40_u64).map(|n| (100 * n).div_ceil(64)).sum();
            assert!((needed..needed + 1024).contains(&shape.mini_sectors), "{shape:?}, needed {needed}");
        }
    }

    #[test]
    fn a_difat_that_lists_more_than_the_file_can_hold_is_refused_before_it_is_read() {
        // Every sector of the file is a DIFAT sector that lists the same FAT sector 127 times.
        let mut bytes = sample(cfb::Version::V3);
        bytes.truncate(512);
        put(&mut bytes, 68, 0);
        let sectors = 2000_u32;
        for n in 0..sectors {
            bytes.extend([0; 508]);
            bytes.extend(if n + 1 == sectors { 0xffff_fffe_u32 } else { n + 1 }.to_le_bytes());
        }
        let error = check(&mut Cursor::new(&bytes), &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("more than 1 sectors, in a file of 2000"), "{error}");
        put(&mut bytes, 68, 5);
        put(&mut bytes, 512 + 5 * 512 + 508, 5);
        assert!(check(&mut Cursor::new(&bytes), &Limits::default()).is_err(), "a circle");
    }

    #[test]
    fn a_directory_in_a_circle_and_one_beyond_the_limit_are_refused() {
        let mut bytes = sample(cfb::Version::V3);
        let few = Limits { msg_entries: 8, ..Limits::default() };
        let error = check(&mut Cursor::new(&bytes), &few).unwrap_err();
        assert!(error.to_string().contains("the directory"), "{error}");
        assert!(matches!(error, Error::Limit { .. }), "{error}");
        let directory = word(&bytes, 48);
        let fat = word(&bytes, DIFAT);
        put(&mut bytes, (fat as usize + 1) * 512 + 4 * directory as usize, directory);
        let error = check(&mut Cursor::new(&bytes), &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("circle"), "{error}");
    }
}
