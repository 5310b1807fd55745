//! The page in Chromium. The tests themselves are in tests/web/browser, one file for each part of the page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::common::netns::output;
use crate::common::{is_required, skip};

#[test]
fn loads() {
    run("load");
}

#[test]
fn gets_the_same_answers_from_both_engines() {
    run("engines");
}

#[test]
fn has_controls() {
    run("controls");
}

#[test]
fn grabs_frames_in_the_ladder() {
    run("ladder");
}

#[test]
fn has_panels() {
    run("panels");
}

#[test]
fn changes_settings() {
    run("network");
}

#[test]
fn works_on_a_phone() {
    run("phone");
}

#[test]
fn marks_exercises() {
    run("exercise");
}

#[test]
fn speaks_chinese() {
    run("language");
}

#[test]
fn is_open_to_all_readers() {
    run("access");
}

/// Saves pictures of the page for a person to look at, if SMOLSTEP_SCREENSHOTS names a folder.
#[test]
fn has_its_picture_taken() {
    if std::env::var_os("SMOLSTEP_SCREENSHOTS").is_some() {
        run("screenshots");
    }
}

/// Runs the tests of tests/web/browser/NAME.test.mjs.
fn run(name: &str) {
    static PREPARED: OnceLock<Result<Prepared, (&str, String)>> = OnceLock::new();
    let prepared = match PREPARED.get_or_init(prepare) {
        Ok(prepared) => prepared,
        Err((what, why)) => return skip(what, why),
    };
    let mut command = Command::new("node");
    command.arg("--test").arg(format!("{name}.test.mjs")).current_dir(&prepared.folder);
    command.env("SMOLSTEP", env!("CARGO_BIN_EXE_smolstep")).env("CHROMIUM", &prepared.chromium);
    command.env("EXERCISE", root("docs/exercises/01-handshake.lab"));
    match &prepared.site {
        Ok(site) => drop(command.env("SMOLSTEP_WEB", site)),
        // Without the folder, the same tests still run with the program.
        Err(why) => skip("node", why),
    }
    let ended = output(&mut command).unwrap();
    let text = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{text}{}", String::from_utf8_lossy(&ended.stderr));
}

/// The requirements of all tests in the browser.
struct Prepared {
    /// The tests and the packages that they use.
    folder: PathBuf,
    chromium: PathBuf,
    /// The folder that scripts/web has built, or the reason that there is none.
    site: Result<PathBuf, String>,
}

/// Finds the browser, installs the packages and builds the folder of the page. An error names the missing program.
fn prepare() -> Result<Prepared, (&'static str, String)> {
    let chromium = find("chromium").ok_or(("chromium", "no chromium; on Debian: apt-get install chromium".into()))?;
    for program in ["node", "npm"] {
        find(program).ok_or(("node", format!("no {program}; on Debian: apt-get install nodejs npm")))?;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    fs::create_dir_all(&folder).unwrap();
    let installed = folder.join("node_modules/.package-lock.json");
    let lock = |folder: &Path| fs::read(folder.join("package-lock.json")).ok();
    let is_current = installed.exists() && lock(&folder) == lock(&root("tests/web/browser"));
    for file in fs::read_dir(root("tests/web/browser")).unwrap().map(Result::unwrap) {
        if file.file_type().unwrap().is_file() {
            fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
    }
    if !is_current {
        let ended = output(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder)).unwrap();
        if !ended.status.success() {
            let why = String::from_utf8_lossy(&ended.stderr).trim().replace('\n', " ");
            return Err(("node", format!("npm ci has failed: {why}")));
        }
    }
    Ok(Prepared { folder, chromium, site: site() })
}

/// Builds the folder of the page with its module. This takes minutes, so it happens only if SMOLSTEP_REQUIRE contains
/// `node`.
fn site() -> Result<PathBuf, String> {
    if !is_required("node") {
        return Err("the page is tried with the module only if SMOLSTEP_REQUIRE has node".into());
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("site");
    let ended = output(Command::new(root("scripts/web")).arg(&folder)).unwrap();
    match ended.status.code() {
        Some(0) => Ok(folder),
        // A toolchain is missing, and the script says which one.
        Some(3) => Err(String::from_utf8_lossy(&ended.stderr).trim().into()),
        _ => panic!("scripts/web: {}", String::from_utf8_lossy(&ended.stderr)),
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
