//! Policy files of every kind: what is read can be told and obeyed, and no fault leaves a control character in its text.
#![no_main]
use libfuzzer_sys::fuzz_target;
use smime::policy::document::{PolicyFile, PolicySet};
use smime::policy::effective::UserChoices;
use smime::{Limits, Policy};

fuzz_target!(|data: &[u8]| {
    let printable = |text: &str| !text.chars().any(char::is_control);
    match PolicyFile::read(data, &Limits::default()) {
        Err(faults) => {
            assert!(!faults.faults.is_empty());
            assert!(faults.faults.iter().all(|fault| printable(&fault.to_string())));
        }
        Ok(file) => {
            let user = UserChoices::default();
            assert!(file.notes.iter().all(|note| printable(&note.text)));
            assert!(file.content.lines(&user).iter().all(|line| printable(&line.value)));
            let set = PolicySet::new(vec![file]).unwrap();
            let (effective, mut policy) = (set.effective(&user), Policy::default());
            assert!(effective.may_send(effective.preselected()).is_ok());
            let _ = set.sign_by(&mut policy);
            let _ = set.encrypt_by(&mut policy);
            // Nothing weak is ever written, whatever an administrator asks for.
            assert!(policy.content_cipher.legacy().is_none());
        }
    }
});
