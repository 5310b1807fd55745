//! Creates a new network for each measurement.
//!
//! A new network contains neither sockets in TIME-WAIT nor queued frames from another measurement.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::thread;

use rustix::process::{getegid, geteuid};
use rustix::thread::UnshareFlags;
use smolstep::cli::netlink::{Netlink, quieten};
use smolstep::phy::linux::{Kind, create};

use super::deadline::Miss;

/// The name of the TAP.
pub const TAP: &str = "tap0";
/// The address of the server on the TAP.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 69, 1);
/// The kernel's address on the TAP.
const KERNEL: Ipv4Addr = Ipv4Addr::new(192, 168, 69, 100);
/// The prefix length of both addresses.
pub const PREFIX: u8 = 24;

/// Moves this process into a new user namespace and a new network namespace.
///
/// The process is root in the user namespace.
///
/// If the kernel refuses a user namespace and the user is root, this function creates only a network namespace. The
/// process must have only one thread.
///
/// # Errors
/// Returns a one-line message for the user.
pub fn enter() -> Result<(), String> {
    let (uid, gid) = (geteuid(), getegid());
    let entered = match unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET) {
        // An unprivileged process must deny setgroups before it writes gid_map.
        Ok(()) => fs::write("/proc/self/setgroups", "deny")
            .and_then(|()| fs::write("/proc/self/uid_map", format!("0 {} 1", uid.as_raw())))
            .and_then(|()| fs::write("/proc/self/gid_map", format!("0 {} 1", gid.as_raw()))),
        Err(_) if uid.is_root() => unshare(UnshareFlags::NEWNET),
        Err(error) => Err(error),
    };
    entered.map_err(|error| format!("no network namespace ({error}): 'smolstep doctor' says what to do"))
}

/// Runs `work` on its own thread in a new network namespace with a new TAP.
///
/// The loopback interface is up. Threads and processes that `work` starts are also in the namespace. The kernel deletes
/// the namespace when all of them have exited.
///
/// # Errors
/// Returns the errors from `work`. Also returns an error if the namespace or the TAP cannot be created.
pub fn in_network<T: Send>(work: impl FnOnce() -> Result<T, Miss> + Send) -> Result<T, Miss> {
    let inside = || {
        unshare(UnshareFlags::NEWNET).and_then(|()| make_tap()).map_err(Miss::at("the network namespace"))?;
        work()
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("bench-client".into())
            .spawn_scoped(scope, inside)
            .map_err(Miss::at("a thread"))?;
        thread.join().unwrap_or_else(|_| Err(Miss::panicked("it")))
    })
}

/// Creates the TAP, and sets the TAP and the loopback interface up.
fn make_tap() -> io::Result<()> {
    let _attached_until_up = create(Kind::Tap, TAP).map_err(io::Error::other)?;
    quieten(TAP);
    let mut netlink = Netlink::open()?;
    for link in netlink.links()? {
        if link.name == TAP {
            netlink.add_address(link.index, IpAddr::V4(KERNEL), PREFIX)?;
        }
        if [TAP, "lo"].contains(&link.name.as_str()) {
            netlink.set_up(link.index, true)?;
        }
    }
    Ok(())
}

// rustix deprecates this function because it is unsound with CLONE_FILES, which is not used here. Its `unsafe`
// successor differs only in that respect.
#[allow(deprecated)]
fn unshare(flags: UnshareFlags) -> io::Result<()> {
    rustix::thread::unshare(flags).map_err(io::Error::from)
}
