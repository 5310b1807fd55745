//! `smolstep lab FILE.pkt`: runs a packetdrill script against the stack.

use std::path::Path;

use smoltcp::time::Duration;

use super::args::LabArgs;
use super::file::{is_script, read};
use super::outputs::{Outputs, Shown};
use crate::cli::error::Failure;
use crate::cli::replay::replay_script;
use crate::lab::packetdrill::{Limits, Script};
use crate::lab::show::Graph;

/// The document that describes scripts.
const GUIDE: &str = "docs/lab-pkt.md";

/// Returns the path of the packetdrill script that the command line names, if any. Such a path ends in `.pkt`, in
/// capital or small letters.
pub fn script(args: &LabArgs) -> Option<&Path> {
    args.what.as_deref().filter(|what| is_script(what)).map(Path::new)
}

/// Runs a script; returns the exit code.
///
/// # Errors
/// Fails with exit code 2 if an option is not for scripts or if the script cannot be read. Fails with 1 if the run does
/// not match one of the script's lines, which the message names.
pub fn run_file(path: &Path, args: &LabArgs) -> Result<u8, Failure> {
    let name = path.display();
    if args.changes_the_run() || args.seed.is_some() || !args.texts.is_empty() {
        return Err(Failure::usage(format_args!(
            "{name} is a packetdrill script, which takes only --limit, --explain, --frames, --clock, --ascii, --lang and files to write"
        )));
    }
    if args.graph.iter().any(|asked| Graph::new(asked.kind, args.lang()).needs_control()) {
        return Err(Failure::usage(format_args!(
            "{name} is a packetdrill script: of the graphs, it has only time-sequence and throughput"
        )));
    }
    let text = read(path)?;
    let script = Script::parse(&text)
        .map_err(|error| Failure::in_file(GUIDE, format_args!("{name}:{}:{}: {error}", error.line, error.column)))?;
    // Only --expect needs the latency, and a script does not take --expect.
    let mut outputs = Outputs::create(args, Duration::ZERO)?;
    let mut shown = Shown::of(args);
    let mut limits = Limits::default();
    limits.time = args.limit.map_or(limits.time, Into::into);
    let result = replay_script(&script, limits, &mut |snapshot, wire| {
        shown.print_row(snapshot);
        // A script's run does not report the TCP variables of its hosts.
        outputs.write(snapshot, wire, [None; 2]);
    });
    shown.flush()?;
    outputs.finish()?;
    result.map(|()| 0).map_err(|failed| Failure::run(format_args!("{name}:{}: {failed}", failed.line)))
}
