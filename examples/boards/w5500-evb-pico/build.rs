//! Puts memory.x where the linker finds it, and tells the linker which scripts to use.

use std::{env, fs, path::PathBuf};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::copy("memory.x", out.join("memory.x")).expect("memory.x can be copied");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rerun-if-changed=memory.x");
    for script in ["link.x", "link-rp.x"] {
        println!("cargo::rustc-link-arg-bins=-T{script}");
    }
}
