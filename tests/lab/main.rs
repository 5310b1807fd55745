//! The lab: its scenarios, faults and outputs. Other tests run `serve --step`, which shows a live server in the same
//! way.

#[cfg(target_os = "linux")]
mod capture;
#[cfg(target_os = "linux")]
mod chinese;
#[path = "../common/mod.rs"]
mod common;
mod exercises;
mod explanations;
mod faults;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod labels;
#[cfg(target_os = "linux")]
mod live;
mod network;
#[cfg(target_os = "linux")]
mod options;
mod packetdrill;
#[cfg(target_os = "linux")]
mod pictures;
#[cfg(target_os = "linux")]
mod prompt;
mod property;
mod scenarios;
mod session;
mod swarm;
#[cfg(target_os = "linux")]
mod terminal;

use std::fs;
use std::path::{Path, PathBuf};

use common::hostile;

/// Returns the name and the text of each file in a folder of the project, by name.
fn texts_in(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}
