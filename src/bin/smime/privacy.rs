//! What the operating system is told about this process: its memory holds keys and passwords, and is nobody else's.

/// No core dump is written of it, and no other process of the same user may attach to it (SEC-128). Pages that are
/// swapped out are out of reach from here: an encrypted swap keeps them.
#[cfg(target_os = "linux")]
pub(crate) fn keep_memory_private() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // A sandbox that forbids the call is no reason to refuse to work.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Other systems have no such call, or none that is reached without unsafe code.
#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_memory_private() {}
