//! A board that scripts/new-board adds has everything that the porting guide lists, and works before it is changed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::firmware::{REPOSITORY, boards, qemu, script_of};
use crate::common::netns::output;
use crate::common::skip;
use crate::list::missing;

/// A board lacks only the golden files, which a run makes.
#[test]
fn a_copy_of_each_board_has_the_files_of_the_guide_and_lacks_only_the_golden_files() {
    let copy = Copied::new("of-each");
    let mut golden = Vec::new();
    for like in boards() {
        let name = format!("{like}-b");
        let files: BTreeSet<String> = copy.add(&name, &like).into_iter().collect();
        assert_eq!(files, files_of_the_guide(&name), "{name}");
        golden.extend([format!("tests/golden/{name}.run"), format!("tests/golden/{name}.size")]);
    }
    let missing = missing(&copy.0);
    let missing: Vec<_> = missing.iter().map(|what| what.split(": ").next().unwrap()).collect();
    assert_eq!(missing, golden);
}

#[test]
fn a_copy_of_a_cortex_m_board_passes_the_self_tests() {
    // QEMU has this board.
    passes("of-an-arm-board", "mps2-an386", "mps2-an385");
}

#[test]
fn a_copy_of_a_risc_v_board_passes_the_self_tests() {
    passes("of-a-riscv-board", "virt-rv32-b", "virt-rv32");
}

fn passes(folder: &str, name: &str, like: &str) {
    if let Err(why) = qemu() {
        return skip("qemu", &why);
    }
    if boards().iter().any(|board| board == name) {
        // Somebody has added this board. The other tests show the same for it.
        return;
    }
    let copy = Copied::new(folder);
    copy.add(name, like);
    let image = format!("{name}-selftest");
    for (word, line) in [("lab", "client-closes-first: passed, "), ("conformance", "conformance: passed, ")] {
        match script_of(&copy.0, &["run", &image, word]) {
            Ok(said) => assert!(said.lines().any(|one| one.starts_with(line)), "{image} {word}: {said}"),
            Err(why) if why.contains("no Rust for") => skip("qemu", &why),
            Err(why) => panic!("{image} {word}: {why}"),
        }
    }
}

/// Returns the files in the guide's table for the board `name`.
fn files_of_the_guide(name: &str) -> BTreeSet<String> {
    let guide = fs::read_to_string(Path::new(REPOSITORY).join("docs/porting.md")).unwrap();
    let (_, table) = guide.split_once("The script writes these files").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with("| `"));
    let quoted = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2));
    // The remaining words in quotes are the characters that replace each other in the name of a module.
    let files = quoted.filter(|word| word.len() > 1);
    let file = |path: &str| match path.strip_suffix("NAME.rs") {
        Some("src/board/") => format!("src/board/{}.rs", name.replace('-', "_")),
        _ => path.replace("NAME", name),
    };
    files.map(file).collect()
}

/// A copy of the repository, to which boards can be added. The copies keep their places, so that cargo overwrites what it
/// built for an earlier one.
struct Copied(PathBuf);

impl Copied {
    fn new(name: &str) -> Copied {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        let here = |name: &str| Path::new(REPOSITORY).join(name);
        for read in ["benches", "examples", "tests"] {
            symlink(here(read), root.join(read)).unwrap();
        }
        let changed = ["Cargo.lock", "Cargo.toml", "build.rs", "scripts", "src"].map(here);
        let copied = output(Command::new("cp").arg("--recursive").args(changed).arg(&root)).unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        Copied(root)
    }

    /// Adds the board `name` like the board `like`, and returns the files that were written.
    fn add(&self, name: &str, like: &str) -> Vec<String> {
        let added = output(Command::new(self.0.join("scripts/new-board")).args([name, "--like", like])).unwrap();
        assert!(added.status.success(), "{name}: {}", String::from_utf8_lossy(&added.stderr));
        let said = String::from_utf8(added.stdout).unwrap();
        let files = said.lines().skip(1).map_while(|line| line.strip_prefix("  "));
        files.map(str::to_owned).collect()
    }
}
