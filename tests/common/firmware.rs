//! Builds firmware and starts it in QEMU, by scripts/firmware.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::netns::output;
use super::peer::Peer;

/// The folder of the repository.
pub const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// The settings of a firmware's build. An empty list means the default settings.
pub type Settings = &'static [(&'static str, &'static str)];

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/firmware");

/// Returns the output of `scripts/firmware ARGUMENTS`.
///
/// On failure, returns the message of build.rs about the settings. If there is no such message, returns the final line
/// of standard error.
pub fn script(arguments: &[&str], settings: Settings) -> Result<String, String> {
    let mut command = Command::new(SCRIPT);
    command.args(arguments).env("SMOLSTEP_SEED", seed()).envs(settings.iter().copied());
    if !settings.is_empty() {
        // Images with settings are built in a separate folder, so that the images without settings need not be rebuilt.
        command.env("CARGO_TARGET_DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/target/settings"));
    }
    said(&mut command)
}

/// Returns the output of `scripts/firmware ARGUMENTS` of the copy of the repository in the folder `root`.
///
/// Fails like [`script`]. The copy uses what the repository has already built.
pub fn script_of(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(root.join("scripts/firmware"));
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/target");
    said(command.args(arguments).env("SMOLSTEP_SEED", seed()).env("CARGO_TARGET_DIR", target))
}

/// Checks the library with the feature `board` for a target, with the toolchain that `scripts/firmware` finds.
///
/// Fails like [`script`].
pub fn check_board_for(target: &str) -> Result<String, String> {
    const CHECK: &str = r#"found=$(scripts/firmware toolchain "$0") || exit; eval "$found"
        exec "${cargo[@]}" check --lib --no-default-features --features board "${extra[@]}" --target "$0" \
            --target-dir target/firmware"#;
    said(Command::new("bash").args(["-c", CHECK, target]).env("SMOLSTEP_SEED", seed()).current_dir(REPOSITORY))
}

/// Returns the seed of an image whose settings contain no other, so that all builds are equal.
fn seed() -> String {
    "42".repeat(32)
}

/// Runs a command. Returns its standard output, or an error if the command fails.
fn said(command: &mut Command) -> Result<String, String> {
    // cargo and rustup set these variables for the host's toolchain.
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    let output = output(command).map_err(|e| format!("{SCRIPT}: {e}"))?;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => {
            let said = text(&output.stderr);
            let setting = said.lines().find(|line| line.starts_with("error: smolstep@"));
            Err(setting.or(said.lines().last()).unwrap_or_default().to_owned())
        }
    }
}

/// Returns all boards that QEMU has.
pub fn boards() -> Vec<String> {
    script(&["boards", "--qemu"], &[]).unwrap().lines().map(str::to_owned).collect()
}

/// Returns the names of all images.
pub fn images() -> Vec<String> {
    script(&["images"], &[]).unwrap().lines().map(str::to_owned).collect()
}

/// Builds an image and returns its ELF file. Returns an error if the image cannot be built or QEMU is missing.
pub fn build(image: &str, settings: Settings) -> Result<PathBuf, String> {
    qemu()?;
    let said = script(&["build", image], settings)?;
    said.lines().last().map(PathBuf::from).ok_or_else(|| format!("{SCRIPT} build {image} names no file"))
}

/// Checks that QEMU is installed.
pub fn qemu() -> Result<(), String> {
    for (qemu, package) in [("qemu-system-arm", "qemu-system-arm"), ("qemu-system-riscv32", "qemu-system-misc")] {
        let version = output(Command::new(qemu).arg("--version"));
        version.map_err(|e| format!("{qemu}: {e}; on Debian: apt-get install {package}"))?;
    }
    Ok(())
}

/// Boots an image in QEMU, with the UART on standard output. QEMU is killed when the calling thread exits.
pub fn boot(elf: &Path, arguments: &[&str]) -> Peer {
    start(&["boot"], elf, arguments)
}

/// Boots an ELF file in QEMU like [`boot`], with the machine of `image`.
pub fn boot_as(image: &str, elf: &Path, arguments: &[&str]) -> Peer {
    start(&["run", image, "--elf"], elf, arguments)
}

fn start(command: &[&str], elf: &Path, arguments: &[&str]) -> Peer {
    let mut all = Command::new("setpriv");
    all.args(["--pdeathsig", "KILL", SCRIPT]).args(command).arg(elf).args(arguments);
    Peer::start(&mut all)
}
