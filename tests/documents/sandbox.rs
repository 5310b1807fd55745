//! Runs a block's commands in a new network namespace.
//!
//! The namespace has a tap0, set up as in `smolstep sandbox`.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::common;
use crate::common::Scratch;
use crate::common::document::{Block, root};
use crate::common::netns::{output, sandbox_possible, skip};
use crate::common::peer::Peer;
use crate::compare::{is_prompt, matches, normal, typed};

const SMOLSTEP: &str = env!("CARGO_BIN_EXE_smolstep");

/// The values of `needs:` whose blocks do not run by default. A block with such a value runs only if SMOLSTEP_REQUIRE
/// contains this value.
///
/// These blocks take minutes, or need a board or a browser.
const ON_DEMAND: [&str; 3] = ["chromium", "ci", "qemu"];

/// A line that the script prints after each command of a block.
const END: &str = "----- end of the command -----";

/// The shell script that creates the network and runs the block's script.
///
/// The arguments of the script are the folder, the time limit in seconds, and the block's script.
const NETWORK: &str =
    "ip link set lo up && ip tuntap add dev tap0 mode tap && ip addr add 192.168.69.100/24 dev tap0 && \
    ip addr add fdaa::64/64 dev tap0 nodad && ip link set tap0 up || exit 99
    cd \"$1\"; exec timeout -k 1 \"$2\" sh -c \"$3\"";

/// Runs the commands of a block and compares their output. Returns an error that describes the first difference.
pub fn run(block: &Block) -> Result<(), String> {
    let required = env::var("SMOLSTEP_REQUIRE").unwrap_or_default();
    for need in &block.needs {
        if ON_DEMAND.contains(&need.as_str()) {
            if !required.split([',', ' ']).any(|word| word == need) {
                return Ok(());
            }
        } else if !installed(need) {
            common::skip(need, &format!("{}: there is no {need} here", block.place));
            return Ok(());
        }
    }
    if let Err(why) = sandbox_possible() {
        skip(&why);
        return Ok(());
    }
    if let Some(build) = &block.build {
        let built = output(Command::new("sh").args(["-c", build]).current_dir(root())).unwrap();
        if !built.status.success() {
            return Err(format!("{}: {build}: {}", block.place, String::from_utf8_lossy(&built.stderr)));
        }
    }
    let folder = Scratch::new("document");
    fs::create_dir(&folder).unwrap();
    let result = compare(block, &folder);
    let _ = fs::remove_dir_all(&folder);
    result
}

/// Runs the commands of a block in `folder`, types the input that the block shows, and compares the output.
fn compare(block: &Block, folder: &Scratch) -> Result<(), String> {
    let examples = block.examples();
    let mut script = block.before.iter().fold(String::new(), |script, line| script + line + "\n");
    let errors = if block.output_only { "/dev/null" } else { "&1" };
    for example in &examples {
        script += &format!("{{\n{}\n}} 2>{errors}\necho '{END}'\n", example.command);
    }
    let mut shown: Vec<Vec<String>> = Vec::new();
    let mut peer = start(&script, folder, !block.needs.is_empty());
    for (number, example) in examples.iter().enumerate() {
        let mut lines: Vec<String> = Vec::new();
        for line in &example.shown {
            let Some(input) = typed(line) else {
                lines.push(normal(line, block.figures));
                continue;
            };
            // The input is typed when all lines before the prompt have been printed.
            let so_far = |out: &str| {
                let printed = printed(out, block.figures);
                printed.get(number).is_some_and(|printed| matches(&lines, printed, true))
            };
            peer.wait_for(&format!("{}: the lines before {line:?}", block.place), so_far);
            peer.type_in(format!("{input}\n").as_bytes());
        }
        shown.push(lines);
    }
    let done = |out: &str, prefix: bool| {
        let printed = printed(out, block.figures);
        printed.len() >= shown.len()
            && shown
                .iter()
                .zip(&printed)
                .enumerate()
                .all(|(number, (shown, printed))| matches(shown, printed, prefix && number + 1 == examples.len()))
    };
    if block.until_shown {
        peer.wait_for(&format!("the output that {} shows: {shown:#?}", block.place), |out| done(out, true));
        return Ok(());
    }
    let finished = peer.finish();
    let out = finished.out();
    if done(&out, false) {
        return Ok(());
    }
    let differs =
        shown.iter().zip(printed(&out, block.figures)).find(|(shown, printed)| !matches(shown, printed, false));
    Err(format!("{}: {differs:#?}\n{out}{}", block.place, finished.err()))
}

/// Returns the lines that each command has printed so far. The last line can be incomplete.
fn printed(out: &str, figures: bool) -> Vec<Vec<String>> {
    let of_command =
        |out: &str| out.lines().filter(|line| !is_prompt(line)).map(|line| normal(line, figures)).collect();
    out.split(&format!("{END}\n")).map(of_command).collect()
}

/// Starts the script in a new network namespace. `patient` selects the longer time limit.
fn start(script: &str, folder: &Scratch, patient: bool) -> Peer {
    let bin = Path::new(SMOLSTEP).parent().unwrap().to_str().unwrap();
    let path = format!("{bin}:{}:/usr/sbin:/sbin", env::var("PATH").unwrap_or_default());
    let seconds = if patient { "900" } else { "60" };
    let mut command = Command::new("unshare");
    command.args((!rustix::process::geteuid().is_root()).then_some("-Ur"));
    command.args(["-mnpf", "--mount-proc", "--kill-child", "sh", "-c", NETWORK, "sh", folder.path(), seconds, script]);
    command.env("PATH", path).env("XDG_RUNTIME_DIR", folder.path()).env("REPOSITORY", root());
    command.env("NO_COLOR", "1").env("RUST_LOG", "warn").env("TZ", "UTC").env("CARGO_NET_OFFLINE", "true");
    Peer::start(&mut command)
}

fn installed(program: &str) -> bool {
    let path = format!("{}:/usr/sbin:/sbin", env::var("PATH").unwrap_or_default());
    env::split_paths(&path).any(|folder| folder.join(program).exists())
}
