//! `smolstep doctor`: what this machine can do, and the command that mends what it cannot.

use core::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;

use clap::Args;
use rustix::process::geteuid;
use rustix::thread::{CapabilitySet, capabilities};

use crate::host::netlink::{Link, Netlink, Tun};
use crate::host::sandbox::{KERNEL, make_tap, namespace};

/// Check what this machine can do, and show the command that mends what it cannot
#[derive(Args, Clone, Copy, Debug)]
#[command(after_help = "Example:
  smolstep doctor")]
pub struct DoctorArgs {}

/// Writes one line a check to `out`; answers whether servers can run here: on a TAP or TUN, or in a sandbox.
///
/// The sandbox is tried by making one: this process, which must have one thread, stays in it. So this is the last thing
/// that a process does.
///
/// # Errors
/// Only those of `out`.
pub fn run(out: &mut dyn Write) -> io::Result<bool> {
    let mut report = Report { out };
    let file = check_file(&mut report)?;
    let admin = check_capability(&mut report)?;
    let link = check_links(&mut report, admin)?;
    let sandbox = check_sandbox(&mut report)?;
    Ok((file && link) || sandbox)
}

struct Report<'a> {
    out: &'a mut dyn Write,
}

impl Report<'_> {
    fn ok(&mut self, what: impl fmt::Display) -> io::Result<bool> {
        writeln!(self.out, "ok       {what}")?;
        Ok(true)
    }

    fn missing(&mut self, what: impl fmt::Display, mend: impl fmt::Display) -> io::Result<bool> {
        writeln!(self.out, "missing  {what}: {mend}")?;
        Ok(false)
    }
}

fn check_file(report: &mut Report<'_>) -> io::Result<bool> {
    const PATH: &str = "/dev/net/tun";
    if !fs::metadata(PATH).is_ok_and(|found| found.file_type().is_char_device()) {
        return report.missing(
            "/dev/net/tun is not there",
            "sudo modprobe tun  (a container: start it with --device /dev/net/tun)",
        );
    }
    match fs::File::options().read(true).write(true).open(PATH) {
        Ok(_) => report.ok("/dev/net/tun is there and open to you"),
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            report.missing("/dev/net/tun is there, not open to you", "sudo chmod 666 /dev/net/tun")
        }
        Err(e) => report.missing(format_args!("/dev/net/tun does not open ({e})"), "sudo modprobe tun"),
    }
}

fn check_capability(report: &mut Report<'_>) -> io::Result<bool> {
    if capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::NET_ADMIN)) {
        return report.ok("you may make and configure interfaces (CAP_NET_ADMIN)");
    }
    report.missing(
        "you may not make interfaces (CAP_NET_ADMIN); the sandbox and a TAP of yours do without",
        "run the command as root, with sudo",
    )
}

fn check_links(report: &mut Report<'_>, admin: bool) -> io::Result<bool> {
    let links = match Netlink::open().and_then(|mut netlink| netlink.links()) {
        Ok(links) => links,
        Err(e) => return report.missing(format_args!("the interfaces cannot be listed ({e})"), "run this as root"),
    };
    let mut usable = false;
    let mut any = false;
    for link in &links {
        if let Some(tun) = link.tun {
            any = true;
            usable |= check_link(report, link, tun, admin)?;
        }
    }
    if !any {
        report.missing(
            "there is no TAP or TUN here",
            format_args!("sudo ip tuntap add dev tap0 mode tap user $USER && {}", configure("tap0")),
        )?;
    }
    Ok(usable)
}

fn check_link(report: &mut Report<'_>, link: &Link, tun: Tun, admin: bool) -> io::Result<bool> {
    let name = &link.name;
    let mode = tun.kind.word();
    let me = geteuid().as_raw();
    let owner = match tun.owner {
        Some(uid) if uid == me => "yours".to_owned(),
        Some(uid) => format!("user {uid}'s"),
        None => "anybody's".to_owned(),
    };
    let what = format!("{name} is a {} and {owner}", tun.kind);
    if !admin && tun.owner.is_some_and(|uid| uid != me) {
        return report.missing(
            format_args!("{what}, so you cannot attach to it"),
            format_args!(
                "sudo ip tuntap del dev {name} mode {mode} && sudo ip tuntap add dev {name} mode {mode} user $USER && {}",
                configure(name)
            ),
        );
    }
    let addresses: Vec<String> = link.addresses.iter().map(|(a, len)| format!("{a}/{len}")).collect();
    match (link.up, addresses.is_empty()) {
        (true, false) => report.ok(format_args!("{what}, up, {}", addresses.join(" "))),
        (false, false) => report.missing(format_args!("{what}, down"), format_args!("sudo ip link set {name} up")),
        (_, true) => report.missing(format_args!("{what}, without an address"), configure(name)),
    }
}

/// The commands that address an interface and set it up.
fn configure(name: &str) -> String {
    let mut commands = String::new();
    for (address, len) in KERNEL {
        commands += &format!("sudo ip addr add {address}/{len} dev {name} && ");
    }
    commands + &format!("sudo ip link set {name} up")
}

fn check_sandbox(report: &mut Report<'_>) -> io::Result<bool> {
    if let Err(refused) = namespace::enter() {
        return report.missing("no user and network namespace for a sandbox", refused.mend());
    }
    report.ok("user and network namespaces are allowed")?;
    match make_tap() {
        Ok(()) => report.ok("`smolstep sandbox` works: a TAP was made, addressed and set up in one"),
        Err(e) => report.missing("`smolstep sandbox` does not work", e),
    }
}
