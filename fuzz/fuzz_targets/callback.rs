//! What anybody may send to the callback's address: envelopes, and messages inside sealed ones.
//!
//! `cargo +nightly fuzz run callback` in the project's folder.

#![no_main]

mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| exercise::callback(bytes));
