//! Moves the process into a new user and network namespace.

use core::fmt;
use std::fs;
use std::io;

use rustix::io::Errno;
use rustix::process::{getegid, geteuid};
use rustix::thread::UnshareFlags;

/// Moves this process into a new network namespace and a new user namespace. In the user namespace, the process is
/// root. The process must have only one thread. If the kernel refuses root a user namespace, root gets only a network
/// namespace.
pub(crate) fn enter() -> Result<(), Refused> {
    let (uid, gid) = (geteuid(), getegid());
    match unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET) {
        Ok(()) => {
            // An unprivileged user must disable setgroups before mapping a group. Each map consists of the first id
            // inside, the first id outside, and the number of ids.
            fs::write("/proc/self/setgroups", "deny")
                .and_then(|()| fs::write("/proc/self/uid_map", format!("0 {} 1", uid.as_raw())))
                .and_then(|()| fs::write("/proc/self/gid_map", format!("0 {} 1", gid.as_raw())))
                .map_err(Refused::new)
        }
        Err(_) if uid.is_root() => unshare(UnshareFlags::NEWNET).map_err(|e| Refused::new(e.into())),
        Err(e) => Err(Refused::new(e.into())),
    }
}

/// The error if the kernel refuses the namespaces. The message is one line with the kernel's error and the remedy.
#[derive(Debug)]
pub struct Refused {
    error: io::Error,
    remedy: &'static str,
}

impl Refused {
    /// Returns the remedy: a command or an instruction.
    pub fn remedy(&self) -> &'static str {
        self.remedy
    }

    /// Creates the error. Reads the kernel's settings to choose the remedy that the message suggests.
    fn new(error: io::Error) -> Self {
        let setting = |file: &str| fs::read_to_string(file).unwrap_or_default().trim().to_owned();
        let remedy = if setting("/proc/sys/kernel/unprivileged_userns_clone") == "0" {
            "sudo sysctl kernel.unprivileged_userns_clone=1"
        } else if setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" {
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
        } else if setting("/proc/sys/user/max_user_namespaces") == "0" {
            "sudo sysctl user.max_user_namespaces=10000"
        } else if setting("/proc/sys/user/max_net_namespaces") == "0" {
            "sudo sysctl user.max_net_namespaces=10000"
        } else if geteuid().is_root() {
            "start the container with --privileged"
        } else {
            "run it as root, or start the container with --privileged"
        };
        Refused { error, remedy }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user and network namespaces are not allowed here ({}): {}", self.error, self.remedy)
    }
}

impl core::error::Error for Refused {}

// rustix deprecates this function because it is unsound with CLONE_FILES, which is not used here. The function's
// successor is `unsafe` only because of that flag.
#[allow(deprecated)]
fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    rustix::thread::unshare(flags)
}
