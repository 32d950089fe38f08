#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| virt_jobs::driver::qemu::fuzzing::run("save-image", input));
