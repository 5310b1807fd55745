//! For firmware: its memory map, its addresses and its seed. Does nothing for a host.

use std::env::{self, var};
use std::fs;
use std::io::Read;
use std::path::PathBuf;

#[path = "src/cli/addr_text.rs"]
mod addr_text;
#[path = "src/board/build/network.rs"]
mod network;
#[path = "src/names/rules.rs"]
mod rules;

use network::Network;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let enabled =
        |name: &str| env::var_os(format!("CARGO_FEATURE_{}", name.to_uppercase().replace('-', "_"))).is_some();
    if var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") || !enabled("board") {
        return;
    }
    let boards = boards();
    for board in boards.iter().filter(|board| enabled(board)) {
        let folder = PathBuf::from("src/board").join(board);
        println!("cargo::rerun-if-changed={}/memory.x", folder.display());
        for image in images().iter().filter(|image| board_of(&boards, image) == Some(board)) {
            println!("cargo::rustc-link-arg-bin={image}=-L{}", env::current_dir().unwrap().join(&folder).display());
            println!("cargo::rustc-link-arg-bin={image}=-L{}", env::current_dir().unwrap().join("src/board").display());
            println!("cargo::rustc-link-arg-bin={image}=-Tlink.x");
        }
    }
    let settings = Network::of_the_environment(&enabled).unwrap_or_else(|why| fail(&why)).source()
        + &format!(
            "pub const HARDWARE: EthernetAddress = EthernetAddress({:?});\npub const SEED: [u8; 32] = {:?};\n",
            mac(),
            seed()
        );
    fs::write(PathBuf::from(var("OUT_DIR").unwrap()).join("settings.rs"), settings).unwrap();
}

/// The boards: the public modules of `src/board/mod.rs`.
fn boards() -> Vec<String> {
    const LIST: &str = "src/board/mod.rs";
    println!("cargo::rerun-if-changed={LIST}");
    let list = fs::read_to_string(LIST).unwrap_or_else(|error| fail(&format!("{LIST}: {error}")));
    let module = |line: &str| Some(line.strip_prefix("pub mod ")?.split_once(';')?.0.replace('_', "-"));
    list.lines().filter_map(module).collect()
}

/// The binaries in `src/bin`.
fn images() -> Vec<String> {
    println!("cargo::rerun-if-changed=src/bin");
    let files = fs::read_dir("src/bin").unwrap_or_else(|error| fail(&format!("src/bin: {error}")));
    let name = |path: PathBuf| Some(path.file_name()?.to_str()?.strip_suffix(".rs")?.to_owned());
    files.filter_map(|file| name(file.ok()?.path())).collect()
}

/// The board whose name an image's begins with; the longest, where there are several.
fn board_of<'b>(boards: &'b [String], image: &str) -> Option<&'b String> {
    let rest = |board: &String| image.strip_prefix(board.as_str());
    let fits = |board: &&String| rest(board).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
    boards.iter().filter(fits).max_by_key(|board| board.len())
}

/// SMOLSTEP_MAC, an Ethernet address that is no group's.
fn mac() -> [u8; 6] {
    let text = setting("SMOLSTEP_MAC").unwrap_or("02:00:00:00:00:01".into());
    let bytes: Option<Vec<u8>> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    match bytes.and_then(|bytes| <[u8; 6]>::try_from(bytes).ok()) {
        Some(mac) if mac[0] & 1 == 0 => mac,
        _ => fail(&format!("SMOLSTEP_MAC is '{text}': it is like 02:00:00:00:00:01, and no group's")),
    }
}

/// SMOLSTEP_SEED, or 32 bytes of this machine's entropy. Whoever knows them can predict sequence numbers and ports.
fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    let Some(text) = setting("SMOLSTEP_SEED") else {
        let read = fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed));
        if let Err(error) = read {
            fail(&format!("no entropy from /dev/urandom ({error}): set SMOLSTEP_SEED to 64 hexadecimal digits"));
        }
        let digits: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("cargo::warning=SMOLSTEP_SEED is not set; drawn from this machine's entropy: {digits}");
        return seed;
    };
    let digit = |at: usize| text.get(at * 2..at * 2 + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Option<Vec<u8>> = (0..32).map(digit).collect();
    match bytes {
        Some(bytes) if text.len() == 64 => seed.copy_from_slice(&bytes),
        _ => fail("SMOLSTEP_SEED is not 64 hexadecimal digits"),
    }
    seed
}

fn setting(name: &str) -> Option<String> {
    println!("cargo::rerun-if-env-changed={name}");
    var(name).ok().filter(|text| !text.is_empty())
}

/// Ends the build with one line. With another exit code cargo would print all that was said before.
fn fail(why: &str) -> ! {
    println!("cargo::error={why}");
    std::process::exit(0)
}
