//! The build script. With the feature `cli`, the script lists the files of the lab's web page. For a board, the script
//! runs the code in src/board/build.

#[cfg(feature = "board")]
#[path = "src/board/build/mod.rs"]
mod firmware;
#[cfg(feature = "cli")]
#[path = "src/cli/lab/web/build.rs"]
mod page;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "board")]
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        firmware::prepare();
    }
    #[cfg(feature = "cli")]
    if let Err(error) = page::list() {
        println!("cargo::error=the folder web: {error}");
    }
}
