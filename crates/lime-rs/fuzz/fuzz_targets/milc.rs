#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lime_rs_fuzz::milc(data));
