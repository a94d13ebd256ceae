//! The cache: what is kept, what is refused, and what a torn file does.

use super::*;
use crate::store::private_folder::{ASIDE, LOCK};

fn at(seconds: i64) -> Time {
    Time::from_unix(1_795_507_200 + seconds)
}

fn entry(made: i64, bytes: &[u8]) -> Entry {
    Entry { made: at(made), number: Vec::new(), until: at(made + 100), bytes: bytes.to_vec() }
}

fn key(url: &str) -> Key {
    Key::new("crl", url, &[b"issuer"])
}

fn cache() -> (tempfile::TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path().join("cache")).unwrap();
    (folder, cache)
}

#[test]
fn what_was_put_is_there_until_it_is_out_of_date() {
    let (_folder, cache) = cache();
    let here = entry(0, b"list");
    assert_eq!(cache.get(&key("a"), at(0)), Ok(None));
    assert_eq!(cache.put(&key("a"), &here).unwrap(), Kept::Stored);
    assert_eq!(cache.get(&key("a"), at(100)), Ok(Some(here)));
    assert_eq!(cache.get(&key("a"), at(101)), Ok(None));
    assert_eq!(cache.get(&key("b"), at(0)), Ok(None));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(cache.folder()), 0o700);
        assert_eq!(mode(&cache.folder().join(key("a").file())), 0o600);
    }
}

#[test]
fn sec_138_an_address_alone_is_no_key() {
    let keys = [
        Key::new("crl", "u", &[b"a", b"b"]),
        Key::new("crl", "u", &[b"ab", b""]),
        Key::new("crl", "u", &[b"ab"]),
        Key::new("crl", "ua", &[b"b"]),
        Key::new("ocsp", "u", &[b"a", b"b"]),
    ];
    for (index, one) in keys.iter().enumerate() {
        assert!(keys.iter().skip(index + 1).all(|other| one != other), "{index}");
    }
    // A file under the name of another says nothing.
    let (_folder, cache) = cache();
    cache.put(&key("a"), &entry(0, b"list")).unwrap();
    fs::copy(cache.folder().join(key("a").file()), cache.folder().join(key("b").file())).unwrap();
    assert_eq!(cache.get(&key("b"), at(0)).unwrap_err().code, "cache_unusable");
}

#[test]
fn sec_138_nothing_gives_way_to_what_is_older() {
    let (_folder, cache) = cache();
    let numbered = |made, number: &[u8]| Entry { number: number.to_vec(), ..entry(made, number) };
    assert_eq!(cache.put(&key("a"), &numbered(10, &[1, 0])).unwrap(), Kept::Stored);
    for older in [numbered(9, &[9, 9, 9]), numbered(10, &[255]), numbered(10, &[])] {
        assert_eq!(cache.put(&key("a"), &older).unwrap(), Kept::NewerStays);
    }
    assert_eq!(cache.get(&key("a"), at(10)).unwrap().unwrap().number, [1, 0]);
    for newer in [numbered(10, &[1, 0]), numbered(10, &[1, 1]), numbered(11, &[1])] {
        assert_eq!(cache.put(&key("a"), &newer).unwrap(), Kept::Stored);
    }
}

#[test]
fn sec_139_a_torn_file_is_told_and_replaced() {
    let (_folder, cache) = cache();
    cache.put(&key("a"), &entry(0, b"a list of some length")).unwrap();
    let path = cache.folder().join(key("a").file());
    let whole = fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        assert_eq!(cache.get(&key("a"), at(0)).unwrap_err().code, "cache_unusable", "{cut}");
    }
    for place in 0..whole.len() {
        let mut altered = whole.clone();
        altered[place] ^= 1;
        fs::write(&path, &altered).unwrap();
        assert_eq!(cache.get(&key("a"), at(0)).unwrap_err().code, "cache_unusable", "{place}");
    }
    // An older one takes the place of a broken one.
    let older = entry(-50, b"older");
    assert_eq!(cache.put(&key("a"), &older).unwrap(), Kept::Stored);
    assert_eq!(cache.get(&key("a"), at(0)), Ok(Some(older)));
}

#[test]
fn sec_139_what_a_killed_process_left_is_in_nobodys_way() {
    let (_folder, cache) = cache();
    fs::write(cache.folder().join(ASIDE), b"half of a li").unwrap();
    fs::write(cache.folder().join(LOCK), b"").unwrap();
    assert_eq!(cache.put(&key("a"), &entry(0, b"list")).unwrap(), Kept::Stored);
    assert!(!cache.folder().join(ASIDE).exists());
    let held = cache.folder.lock().unwrap();
    assert_eq!(cache.put(&key("a"), &entry(1, b"list")).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    drop(held);
    assert_eq!(cache.put(&key("a"), &entry(1, b"list")).unwrap(), Kept::Stored);
}

#[test]
fn it_grows_to_its_bound_and_no_further() {
    let (_folder, cache) = cache();
    let cache = cache.with_most_bytes(1000);
    assert_eq!(cache.put(&key("huge"), &entry(0, &[0; 1000])).unwrap(), Kept::TooLarge);
    for number in 0..20 {
        let name = format!("{number}");
        assert_eq!(cache.put(&key(&name), &entry(0, &[0; 150])).unwrap(), Kept::Stored);
        let files = fs::read_dir(cache.folder()).unwrap().map(|file| file.unwrap());
        let together: u64 = files.map(|file| file.metadata().unwrap().len()).sum();
        assert!(together <= 1000, "{number}: {together}");
        assert!(cache.get(&key(&name), at(0)).unwrap().is_some());
    }
    assert_eq!(cache.get(&key("0"), at(0)), Ok(None));
}

#[test]
fn sec_139_racing_writers_leave_the_newest() {
    let (_folder, cache) = cache();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let cache = &cache;
            scope.spawn(move || {
                for round in 0..10 {
                    let made = round * 4 + writer;
                    cache.put(&key("a"), &entry(made, &[made as u8; 3000])).unwrap();
                    let there = cache.get(&key("a"), at(0)).unwrap().unwrap();
                    assert!(there.made >= at(made) && there.bytes.len() == 3000);
                }
            });
        }
    });
    assert_eq!(cache.get(&key("a"), at(0)).unwrap().unwrap().made, at(39));
}
