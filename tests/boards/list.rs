//! Tests that the list of boards in Cargo.toml matches the files of the boards and their ports.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::Path;

use smolstep::app::APPS;

use crate::common::firmware::{boards, script};

#[test]
fn the_host_ports_match_the_ports_of_the_programs() {
    // Browsers refuse port 10080.
    let on_host = |port: u16| if port == 80 { 18_000 } else { 10_000 + port % 10_000 };
    let line = |transport: &str, port: u16| format!("{transport} 127.0.0.1:{} -> {port}", on_host(port));
    for board in boards() {
        for (image, large) in [(board.clone(), false), (format!("{board}-full"), true)] {
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
}

#[test]
fn every_board_is_in_the_list_and_has_its_files() {
    let listed: BTreeSet<String> = script(&["boards"], &[]).unwrap().lines().map(str::to_owned).collect();
    let folders: BTreeSet<String> = read_dir(root("src/board"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("memory.x").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(listed, folders, "a board's memory map is in a folder of its name");
    let manifest = read_to_string(root("Cargo.toml")).unwrap();
    for board in listed {
        assert!(Path::new(&root(&format!("src/bin/{board}.rs"))).exists(), "{board} has no firmware in src/bin");
        assert!(manifest.contains(&format!("\n{board} = [\"board\"")), "{board} has no feature in Cargo.toml");
    }
}

#[test]
fn an_unknown_image_is_refused_with_a_list_of_images() {
    let said = script(&["build", "mps2"], &[]).unwrap_err();
    let images = said.strip_prefix("scripts/firmware: there is no image 'mps2': there are ").expect(&said);
    let listed: BTreeSet<String> = images.split(' ').map(str::to_owned).collect();
    let file = |name: String| name.strip_suffix(".rs").map(str::to_owned);
    let files: BTreeSet<String> = read_dir(root("src/bin"))
        .unwrap()
        .filter_map(|entry| file(entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    assert_eq!(listed, files, "each file of src/bin is an image of a board in Cargo.toml");
}

fn root(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}
