//! The build script. If the target is a board, runs the code in src/board/build. Otherwise does nothing.

#[cfg(feature = "board")]
#[path = "src/board/build/mod.rs"]
mod firmware;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "board")]
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        firmware::prepare();
    }
}
