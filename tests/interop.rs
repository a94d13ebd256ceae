#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#[path = "interop/people.rs"]
mod people;
#[test]
#[ignore = "writes test-vectors/keys"]
fn make_the_people() {
    people::make();
    people::People::read();
}
