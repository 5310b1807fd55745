//! Puts memory.x where the linker finds it, and the radio's settings where main.rs finds them. Tells the linker which
//! scripts to use.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The settings of the radio on the Pico W. No crate contains these settings.
const NVRAM: &str = "nvram_rp2040.bin";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::copy("memory.x", out.join("memory.x")).expect("memory.x can be copied");
    if !Path::new(NVRAM).exists() {
        println!("cargo::error=there is no {NVRAM}: README.md says where to download it");
        return;
    }
    fs::copy(NVRAM, out.join("nvram.bin")).expect("the radio's settings can be copied");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rerun-if-changed=memory.x");
    println!("cargo::rerun-if-changed={NVRAM}");
    for script in ["link.x", "link-rp.x"] {
        println!("cargo::rustc-link-arg-bins=-T{script}");
    }
}
