//! Whether a secret decides over a branch or an address, asked of valgrind, as Langley's ctgrind does: the memory of the secret is declared
//! undefined, and memcheck tells where a jump or an address depends on it. For tests only.

#[cfg(target_arch = "x86_64")]
use std::arch::asm;
use std::process::Command;

/// In the environment of a test that runs under valgrind: which case of it.
const CASE: &str = "SMIME_UNDEFINED";

/// The case that this process shall run, where it runs under valgrind for one.
pub(crate) fn case() -> Option<String> {
    std::env::var(CASE).ok()
}

/// Whether there is something to be asked: what the compiler makes of the code counts in release builds only.
pub(crate) fn can_be_asked() -> bool {
    if cfg!(debug_assertions) {
        eprintln!("skipped: constant time is looked at in release builds (cargo test --release --lib constant_time)");
        return false;
    }
    if !cfg!(target_arch = "x86_64") {
        eprintln!("skipped: valgrind's requests are written for x86-64 only");
        return false;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        assert!(std::env::var_os("SMIME_REQUIRE_PEERS").is_none(), "valgrind is missing");
        eprintln!("skipped: valgrind is not installed");
        return false;
    }
    true
}

/// What memcheck has to say of a case of a test, which is run anew for it.
pub(crate) fn complaints(test: &str, case: &str) -> Option<String> {
    const FOUND: i32 = 99;
    let output = Command::new("valgrind")
        .args(["--quiet", "--leak-check=no", &format!("--error-exitcode={FOUND}")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CASE, case)
        .output()
        .unwrap();
    let (said, heard) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{test} {case}: {said}{heard}");
    match output.status.code() {
        Some(0) => None,
        Some(FOUND) => Some(heard.into_owned()),
        _ => panic!("{test} {case}: {said}{heard}"),
    }
}

/// Declares what is there secret.
pub(crate) fn hide<T>(secret: &[T]) {
    request(1, secret);
}

/// Declares what is there public again.
pub(crate) fn show<T>(public: &[T]) {
    request(2, public);
}

/// A client request of memcheck's. Outside of valgrind it does nothing.
#[cfg(target_arch = "x86_64")]
fn request<T>(number: usize, memory: &[T]) {
    const MEMCHECK: usize = (b'M' as usize) << 24 | (b'C' as usize) << 16;
    let arguments = [MEMCHECK + number, memory.as_ptr().expose_provenance(), size_of_val(memory), 0, 0, 0];
    // SAFETY: the rotations add up to 128 bits, and so change nothing but flags; valgrind takes the request from rax and
    // its answer goes to rdx.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") &raw const arguments, inout("rdx") 0usize => _, out("rdi") _,
        );
    }
}

/// On other processors nothing is asked, see [`can_be_asked`].
#[cfg(not(target_arch = "x86_64"))]
fn request<T>(_: usize, _: &[T]) {}

#[test]
fn constant_time_is_told_from_what_is_not() {
    const TEST: &str = "crypto::kernel::undefined::constant_time_is_told_from_what_is_not";
    let secret = std::hint::black_box([7u64, 2]);
    let table = std::hint::black_box([1u64; 16]);
    match case().as_deref() {
        Some("a branch") => {
            hide(&secret);
            if std::hint::black_box(secret[0]) & 1 == 1 {
                println!("odd");
            }
        }
        Some("an address") => {
            hide(&secret);
            let found = table[std::hint::black_box(secret[0]) as usize & 15];
            show(&[found]);
            std::hint::black_box(found);
        }
        Some(_) => {
            hide(&secret);
            let sum = std::hint::black_box(secret[0]).wrapping_mul(secret[1]) ^ table[0];
            let sum = [sum];
            show(&sum);
            assert_eq!(std::hint::black_box(sum), [15]);
        }
        None if !can_be_asked() => {}
        None => {
            assert!(complaints(TEST, "a branch").is_some_and(|text| text.contains("Conditional jump")));
            assert!(complaints(TEST, "an address").is_some_and(|text| text.contains("uninitialised")));
            assert_eq!(complaints(TEST, "neither"), None);
        }
    }
}
