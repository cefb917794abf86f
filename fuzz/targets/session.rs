//! Fuzz target: any bytes as a whole session, in pieces and in one.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalbox::fuzzing::session(bytes));
