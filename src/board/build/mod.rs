//! The part of `build.rs` for firmware. It sets the memory map, the addresses and the seed.

use std::env::{self, var};
use std::fs;
use std::io::Read;
use std::path::PathBuf;

#[path = "../../cli/addr_text.rs"]
mod addr_text;
mod network;
#[path = "../../names/rules.rs"]
mod rules;
mod target;

use network::Network;

/// Writes the firmware's `settings.rs`, and passes each image's memory map to the linker. If a setting is not valid,
/// the build fails.
pub fn prepare() {
    target::check(&var("TARGET").unwrap()).unwrap_or_else(|why| fail(&why));
    // The linker script of cortex-m-rt includes device.x, so the linker must find this file, even for the firmware of
    // another crate.
    println!("cargo::rustc-link-search={}", env::current_dir().unwrap().join("src/board/cortex_m").display());
    // Cargo sets a variable for each enabled feature, such as CARGO_FEATURE_IPV6.
    let enabled =
        |name: &str| env::var_os(format!("CARGO_FEATURE_{}", name.to_uppercase().replace('-', "_"))).is_some();
    for (board, images) in boards().iter().filter(|(board, _)| enabled(board)) {
        let folder = PathBuf::from("src/board").join(board);
        println!("cargo::rerun-if-changed={}/memory.x", folder.display());
        for image in images {
            // `link.x` includes the `memory.x` of this folder.
            println!("cargo::rustc-link-arg-bin={image}=-L{}", env::current_dir().unwrap().join(&folder).display());
            println!("cargo::rustc-link-arg-bin={image}=-Tlink.x");
        }
    }
    let (seed, seed_is_set) = seed();
    let settings = Network::from_environment(&enabled).unwrap_or_else(|why| fail(&why)).source()
        + &format!(
            "/// The board's hardware address, which the build's SMOLSTEP_MAC sets.\n\
             pub const HARDWARE: EthernetAddress = EthernetAddress({:?});\npub const SEED: [u8; 32] = {seed:?};\n\
             pub const SEED_IS_SET: bool = {seed_is_set};\n",
            mac()
        );
    fs::write(PathBuf::from(var("OUT_DIR").unwrap()).join("settings.rs"), settings).unwrap();
}

/// Returns the boards that Cargo.toml lists, each with the names of its images.
fn boards() -> Vec<(String, Vec<String>)> {
    const MANIFEST: &str = "Cargo.toml";
    println!("cargo::rerun-if-changed={MANIFEST}");
    // If the manifest cannot be read or parsed, the build fails.
    let read = fs::read_to_string(MANIFEST).map_err(|error| error.to_string());
    let manifest = read.and_then(|text| text.parse::<toml::Table>().map_err(|error| error.to_string()));
    let manifest = manifest.unwrap_or_else(|error| fail(&format!("{MANIFEST}: {error}")));
    // The table `boards` has an entry for each board, which contains the list `images`.
    let keys = ["package", "metadata", "smolstep", "boards"];
    let boards = keys.iter().try_fold(&manifest, |table, key| table.get(*key)?.as_table());
    let boards = boards.unwrap_or_else(|| fail(&format!("{MANIFEST} has no [package.metadata.smolstep.boards]")));
    let images = |board: &toml::Value| -> Option<Vec<String>> {
        board.get("images")?.as_array()?.iter().map(|image| image.as_str().map(str::to_owned)).collect()
    };
    let with_images = |(name, board): (&String, &toml::Value)| (name.clone(), images(board).unwrap_or_default());
    boards.iter().map(with_images).collect()
}

/// Returns the address in SMOLSTEP_MAC, or a default. If SMOLSTEP_MAC is not a unicast address, or if it is zero, the
/// build fails.
fn mac() -> [u8; 6] {
    let text = setting("SMOLSTEP_MAC").unwrap_or("02:00:00:00:00:01".into());
    let bytes: Option<Vec<u8>> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    match bytes.and_then(|bytes| <[u8; 6]>::try_from(bytes).ok()) {
        // The lowest bit of the first byte marks a group address.
        Some(mac) if mac[0] & 1 == 0 && mac != [0; 6] => mac,
        _ => fail(&format!("bad address '{text}' for SMOLSTEP_MAC: use a unicast address like 02:00:00:00:00:01")),
    }
}

/// Returns the seed and whether SMOLSTEP_SEED is set.
///
/// If SMOLSTEP_SEED is not set, the seed is 32 bytes of this machine's entropy, and the build prints it. If
/// SMOLSTEP_SEED is not 64 hexadecimal digits, the build fails. Anyone who knows a board's seed can predict its
/// sequence numbers and ports.
fn seed() -> ([u8; 32], bool) {
    let mut seed = [0; 32];
    let Some(text) = setting("SMOLSTEP_SEED") else {
        let read = fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed));
        if let Err(error) = read {
            fail(&format!("no entropy from /dev/urandom ({error}): set SMOLSTEP_SEED to 64 hexadecimal digits"));
        }
        let digits: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("cargo::warning=SMOLSTEP_SEED is not set; drawn from this machine's entropy: {digits}");
        return (seed, false);
    };
    let digit = |at: usize| text.get(at * 2..at * 2 + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Option<Vec<u8>> = (0..32).map(digit).collect();
    match bytes {
        Some(bytes) if text.len() == 64 => seed.copy_from_slice(&bytes),
        _ => fail("SMOLSTEP_SEED is not 64 hexadecimal digits"),
    }
    (seed, true)
}

/// Returns the environment variable `name`. Returns `None` if the variable is not set, is empty, or is not UTF-8.
fn setting(name: &str) -> Option<String> {
    println!("cargo::rerun-if-env-changed={name}");
    var(name).ok().filter(|text| !text.is_empty())
}

/// Stops the build with a one-line error. The exit code is 0, because cargo would repeat all earlier output after any
/// other exit code. The line tells cargo that the build failed.
fn fail(why: &str) -> ! {
    println!("cargo::error={why}");
    std::process::exit(0)
}
