//! Passes esp-hal's linker script to the linker. The script contains the memory map of the chip.

fn main() {
    println!("cargo::rustc-link-arg-bins=-Tlinkall.x");
    println!("cargo::rerun-if-changed=build.rs");
}
