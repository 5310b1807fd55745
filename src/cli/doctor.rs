//! `smolstep doctor`: checks what smolstep can do on this machine. For each problem, shows the command that fixes it.

mod links;

use core::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;

use clap::Args;
use rustix::thread::{CapabilitySet, capabilities};

use crate::cli::sandbox::{make_tap, namespace};
use links::sudo;

/// Check what smolstep can do on this machine, and show the command that fixes each problem
#[derive(Args, Clone, Copy, Debug)]
#[command(after_help = "Example:
  smolstep doctor")]
pub struct DoctorArgs {}

/// Writes one line for each check to `out`. Returns whether this machine can run servers on a TAP or TUN, or in a
/// sandbox.
///
/// One check creates a sandbox and moves this process into the sandbox permanently. The process must have only one
/// thread, and should do nothing but exit after this call.
///
/// # Errors
/// Fails only if `out` cannot be written to.
pub fn run(out: &mut dyn Write) -> io::Result<bool> {
    let mut report = Report { out };
    let file = check_file(&mut report)?;
    let admin = check_capability(&mut report)?;
    let usable = links::check(&mut report, admin)? && file;
    let sandbox = check_sandbox(&mut report, usable)?;
    Ok(usable || sandbox)
}

struct Report<'a> {
    out: &'a mut dyn Write,
}

impl Report<'_> {
    /// Reports a check that passed. Always returns true, which the caller returns as the check's result.
    fn ok(&mut self, what: impl fmt::Display) -> io::Result<bool> {
        writeln!(self.out, "ok       {what}")?;
        Ok(true)
    }

    /// Reports a fact that needs no action.
    fn note(&mut self, what: impl fmt::Display) -> io::Result<()> {
        writeln!(self.out, "note     {what}")
    }

    /// Reports a missing requirement, with the command that provides it.
    fn missing(&mut self, what: impl fmt::Display) -> io::Result<()> {
        writeln!(self.out, "missing  {what}")
    }
}

/// Reports and returns whether this user can open `/dev/net/tun`.
fn check_file(report: &mut Report<'_>) -> io::Result<bool> {
    const PATH: &str = "/dev/net/tun";
    let sudo = sudo();
    if !fs::metadata(PATH).is_ok_and(|found| found.file_type().is_char_device()) {
        report.missing(format_args!(
            "/dev/net/tun does not exist; start a container with --device /dev/net/tun; elsewhere: {sudo}modprobe tun"
        ))?;
        return Ok(false);
    }
    match fs::File::options().read(true).write(true).open(PATH) {
        Ok(_) => return report.ok("/dev/net/tun exists, and you may open it"),
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            report.missing(format_args!("you may not open /dev/net/tun: {sudo}chmod 666 /dev/net/tun"))?;
        }
        Err(e) => report.missing(format_args!("/dev/net/tun does not open ({e}): {sudo}modprobe tun"))?,
    }
    Ok(false)
}

/// Reports and returns whether this user may create and configure interfaces.
fn check_capability(report: &mut Report<'_>) -> io::Result<bool> {
    if capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::NET_ADMIN)) {
        return report.ok("you may make and configure interfaces (CAP_NET_ADMIN)");
    }
    report.note(
        "you need sudo to make interfaces (CAP_NET_ADMIN), but not for `smolstep sandbox` or for a TAP of yours",
    )?;
    Ok(false)
}

/// Reports and returns whether `smolstep sandbox` works, by moving this process into a sandbox permanently. `usable`
/// says whether there is a usable TAP or TUN.
fn check_sandbox(report: &mut Report<'_>, usable: bool) -> io::Result<bool> {
    let refused = match namespace::enter() {
        Ok(()) => {
            report.ok("user and network namespaces are allowed")?;
            match make_tap() {
                Ok(()) => return report.ok("`smolstep sandbox` works: a TAP with addresses was made and set up"),
                Err(e) => format!("`smolstep sandbox` does not work: {e}"),
            }
        }
        Err(refused) => format!("no user and network namespace for a sandbox: {}", refused.remedy()),
    };
    // If the user has a usable TAP or TUN, the sandbox is not needed, so the problem is only a note.
    if usable { report.note(refused) } else { report.missing(refused) }.map(|()| false)
}
