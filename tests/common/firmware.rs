//! Firmware: built by scripts/firmware, which also starts it in QEMU.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::netns::output;
use super::peer::Peer;

/// What a firmware is told when it is built; none is as it comes.
pub type Settings = &'static [(&'static str, &'static str)];

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/firmware");

/// What `scripts/firmware ARGUMENTS` prints; if it fails, what build.rs says against the settings, or else the last line.
pub fn script(arguments: &[&str], settings: Settings) -> Result<String, String> {
    let mut command = Command::new(SCRIPT);
    // What cargo and rustup set for this process is about the host's toolchain.
    command.args(arguments).env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    command.env("SMOLSTEP_SEED", "42".repeat(32)).envs(settings.iter().copied());
    if !settings.is_empty() {
        // Beside the images without settings, which need not be built again each time then.
        command.env("CARGO_TARGET_DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/target/settings"));
    }
    let output = output(&mut command).map_err(|e| format!("{SCRIPT}: {e}"))?;
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

/// All boards that QEMU has.
pub fn boards() -> Vec<String> {
    script(&["boards", "--qemu"], &[]).unwrap().lines().map(str::to_owned).collect()
}

/// The ELF file of an image; an error where it cannot be built or there is no QEMU to run it.
pub fn build(image: &str, settings: Settings) -> Result<PathBuf, String> {
    let qemu = output(Command::new("qemu-system-arm").arg("--version"));
    qemu.map_err(|e| format!("qemu-system-arm: {e}; on Debian: apt-get install qemu-system-arm"))?;
    let said = script(&["build", image], settings)?;
    said.lines().last().map(PathBuf::from).ok_or_else(|| format!("{SCRIPT} build {image} names no file"))
}

/// Boots an image in QEMU, with the UART on standard output. It ends with this thread at the latest, also where that is killed.
pub fn boot(elf: &Path, arguments: &[&str]) -> Peer {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", SCRIPT, "boot"]).arg(elf).args(arguments);
    Peer::start(&mut command)
}
