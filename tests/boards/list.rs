//! Tests that the list of boards in Cargo.toml matches the files of the boards and their ports.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::Path;

use smolstep::app::APPS;

use crate::common::firmware::{REPOSITORY, boards, images, script, script_of};

#[test]
fn the_host_ports_match_the_ports_of_the_programs() {
    // Browsers refuse port 10080.
    let on_host = |port: u16| if port == 80 { 18_000 } else { 10_000 + port % 10_000 };
    let line = |transport: &str, port: u16| format!("{transport} 127.0.0.1:{} -> {port}", on_host(port));
    let boards = boards();
    for image in images() {
        let large = image.ends_with("-full");
        if !large && !boards.contains(&image) {
            continue;
        }
        let programs: BTreeSet<String> = APPS
            .iter()
            .filter(|app| large || !app.large)
            .flat_map(|app| [app.tcp.map(|port| line("tcp", port)), app.udp.map(|port| line("udp", port))])
            .flatten()
            .collect();
        let said = script(&["run", &image, "--ports"], &[]).unwrap();
        assert_eq!(said.lines().map(str::to_owned).collect::<BTreeSet<_>>(), programs, "{image}");
    }
}

/// Lists everything that is missing in one failure, so that the author of a new board sees all of it at once.
#[test]
fn every_board_has_its_files_and_its_entries() {
    let missing = missing(Path::new(REPOSITORY));
    assert!(missing.is_empty(), "missing:\n{}", missing.join("\n"));
}

/// Returns what the boards lack in the folder `root`, which is the repository or a copy of it: each file or entry, and
/// what it is for.
pub fn missing(root: &Path) -> Vec<String> {
    let list = |arguments: &[&str]| -> BTreeSet<String> {
        script_of(root, arguments).unwrap().lines().map(str::to_owned).collect()
    };
    let (listed, in_qemu, images) = (list(&["boards"]), list(&["boards", "--qemu"]), list(&["images"]));
    let text = |path: &str| read_to_string(root.join(path)).unwrap();
    let exists = |path: &str| root.join(path).exists();
    let (manifest, modules) = (text("Cargo.toml"), text("src/board/mod.rs"));
    let mut missing = Vec::new();
    let mut needs = |has: bool, what: String| {
        if !has {
            missing.push(what);
        }
    };
    for board in &listed {
        let module = board.replace('-', "_");
        needs(modules.contains(&format!("pub mod {module};")), format!("src/board/mod.rs: pub mod {module};"));
        needs(exists(&format!("src/board/{module}.rs")), format!("src/board/{module}.rs: implements Board"));
        needs(exists(&format!("src/board/{board}/memory.x")), format!("src/board/{board}/memory.x: the memory map"));
        needs(manifest.contains(&format!("\n{board} = [\"firmware\"")), format!("Cargo.toml: a feature {board}"));
        for image in [board.clone(), format!("{board}-selftest")] {
            needs(images.contains(&image), format!("Cargo.toml: {image} in the images of {board}"));
        }
    }
    for image in &images {
        let bin = format!("[[bin]]\nname = \"{image}\"\nrequired-features = [\"");
        needs(manifest.contains(&bin), format!("Cargo.toml: a [[bin]] {image} with required-features"));
        needs(exists(&format!("src/bin/{image}.rs")), format!("src/bin/{image}.rs: the firmware"));
    }
    for board in in_qemu {
        for (kind, command) in
            [("run", "SMOLSTEP_BLESS=1 cargo test --test boards golden::"), ("size", &bless_command(&board))]
        {
            let file = format!("tests/golden/{board}.{kind}");
            needs(exists(&file), format!("{file}: {command}"));
        }
    }
    for board in names(&root.join("src/board"), "memory.x").difference(&listed) {
        needs(false, format!("Cargo.toml: a table [package.metadata.smolstep.boards.{board}]"));
    }
    for image in names(&root.join("src/bin"), "").difference(&images) {
        needs(false, format!("Cargo.toml: {image} in the images of a board"));
    }
    missing
}

#[test]
fn an_unknown_image_is_refused_with_a_list_of_images() {
    let said = script(&["build", "mps2"], &[]).unwrap_err();
    let listed = said.strip_prefix("scripts/firmware: there is no image 'mps2': there are ").expect(&said);
    assert_eq!(listed.split(' ').collect::<Vec<_>>(), images());
}

/// Returns the command that creates a board's golden size.
fn bless_command(board: &str) -> String {
    format!("scripts/firmware size {board} --bless")
}

/// Returns the entries of a folder that contain `file`, without the extension `rs`.
fn names(folder: &Path, file: &str) -> BTreeSet<String> {
    let entries = read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let found = entries.filter(|entry| file.is_empty() || entry.path().join(file).exists());
    found.map(|entry| entry.file_name().into_string().unwrap().trim_end_matches(".rs").to_owned()).collect()
}
