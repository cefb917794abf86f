//! Fuzz target: any bytes as what a broker sends, in any pieces.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalbox::fuzzing::client(bytes));
