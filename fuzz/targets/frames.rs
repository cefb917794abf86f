//! Fuzz target: any bytes as pairs of a broker client.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalbox::fuzzing::frames(bytes));
