//! Attaches to a TAP or TUN, and explains failures.

use core::fmt;
use core::time::Duration;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice, socket_with};
use smoltcp::phy::Medium;

use super::ioctl;
use super::offload::HEADER;

/// The kind of an interface: TAP or TUN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ethernet frames.
    Tap,
    /// IP packets.
    Tun,
}

/// Creates a TAP or TUN that exists until it is deleted or its network namespace is destroyed.
///
/// The new interface is down and has no address. The returned file is attached to the interface. Set the interface up
/// before you drop the file. If no file is attached when the interface comes up, frames that the kernel sends in the
/// first second can be lost.
///
/// # Errors
/// Returns [`OpenError::InUse`] if an interface of that name exists. Returns [`OpenError::Os`] if the process lacks
/// CAP_NET_ADMIN in the user namespace that owns the network namespace.
pub fn create(kind: Kind, name: &str) -> Result<OwnedFd, OpenError> {
    check_name(name)?;
    let file = open_clone_device()?;
    let fail = |errno| match errno {
        Errno::BUSY => OpenError::InUse(name.into()),
        errno => OpenError::Os(errno),
    };
    ioctl::attach(&file, name, kind.flag() | ioctl::IFF_NO_PI | ioctl::IFF_TUN_EXCL).map_err(fail)?;
    ioctl::persist(&file).map_err(fail)?;
    Ok(file)
}

/// Attaches to an existing interface.
///
/// Returns the attached file, the interface's MTU (the longest IP packet, in bytes), and whether the kernel grants
/// `offload`. With offload, each frame has a virtio-net header. The kernel then computes the checksums of frames from
/// this program, and cuts super-segments into segments.
pub(super) fn attach(kind: Kind, name: &str, offload: bool) -> Result<(OwnedFd, usize, bool), OpenError> {
    check_name(name)?;
    let absent = || OpenError::NoInterface { kind, name: name.into() };
    let fail = |errno| match errno {
        Errno::BUSY => OpenError::InUse(name.into()),
        Errno::NODEV => absent(),
        Errno::PERM => OpenError::NotOwner { kind, name: name.into() },
        errno => OpenError::Os(errno),
    };
    let socket =
        socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None).map_err(OpenError::Os)?;
    // Look the name up in the kernel, because /sys may belong to another network namespace.
    let index = netdevice::name_to_index(&socket, name).map_err(|_| absent())?;
    let file = open_clone_device()?;
    let flags = kind.flag() | ioctl::IFF_NO_PI;
    let granted = offload && ioctl::attach(&file, name, flags | ioctl::IFF_VNET_HDR).is_ok();
    if !granted {
        match ioctl::attach(&file, name, flags) {
            Ok(()) => {}
            Err(Errno::INVAL) => return Err(why_invalid(kind, name)),
            Err(errno) => return Err(fail(errno)),
        }
    }
    // If the interface was deleted after the first check, attaching has created a new interface. The kernel deletes the
    // new interface when `file` is closed.
    if netdevice::name_to_index(&socket, name) != Ok(index) {
        return Err(absent());
    }
    let mtu = ioctl::mtu(&socket, name).map_err(fail)?;
    if granted {
        // An earlier program might have set another length. Ignore the error: a kernel without this call supports only
        // the default length.
        let _ = ioctl::set_header_length(&file, HEADER as _);
    }
    let missing = offload_to(granted, |flags| ioctl::set_offload(&file, flags));
    if let (true, Some(missing)) = (offload, missing) {
        log::info!("{name}: the kernel does not offer {missing}; transfers are slower");
    }
    await_carrier(&socket, &file, name).map_err(fail)?;
    Ok((file, mtu, granted))
}

/// If `granted`, requests as much offload as the kernel accepts. Otherwise turns off the offload of an earlier program.
///
/// `granted` is whether the interface accepts virtio-net headers. `set` passes `TUN_F_…` flags to the kernel. Returns a
/// description of the offload that is missing, or `None` if the kernel grants all offload.
fn offload_to(granted: bool, mut set: impl FnMut(usize) -> Result<(), Errno>) -> Option<&'static str> {
    if !granted {
        // Ignore the error: on a kernel without this call, no program can have turned offload on.
        let _ = set(0);
        return Some("offload");
    }
    let (sums, tso4, tso6) = (ioctl::TUN_F_CSUM, ioctl::TUN_F_TSO4, ioctl::TUN_F_TSO6);
    let all_missing = Some("checksum and segmentation offload to this program");
    let tries = [
        (sums | tso4 | tso6, None),
        (sums | tso4, Some("segmentation offload for IPv6")),
        (sums, Some("segmentation offload to this program")),
        (0, all_missing),
    ];
    // Find the first set of flags that the kernel accepts. If it accepts none, no offload is on.
    tries.into_iter().find(|(flags, _)| set(*flags).is_ok()).map_or(all_missing, |(_, missing)| missing)
}

/// Waits until the kernel sees the carrier.
///
/// To the kernel, attaching is like plugging in a cable. The kernel notices the carrier a moment later, and silently
/// discards frames until then. The wait is longer while other processes hold the RTNL lock, for example to destroy a
/// network namespace. If the interface is down, this function does not wait. The wait takes at most about three
/// seconds, and then ends without an error.
fn await_carrier(socket: &OwnedFd, file: &OwnedFd, name: &str) -> Result<(), Errno> {
    // Each iteration sleeps for 1 ms.
    for _ in 0..3000 {
        match ioctl::up_and_running(socket, name)? {
            // The interface is up, but the kernel does not see the carrier yet.
            (true, false) => std::thread::sleep(Duration::from_millis(1)),
            // The kernel sets the flag IFF_RUNNING just before it starts to send. It does both under the RTNL lock, so
            // wait for that lock.
            (_, true) => return ioctl::wait_for_changes(file),
            // The interface is down.
            (false, _) => break,
        }
    }
    Ok(())
}

/// The reason why [`TunTap::open`](super::TunTap::open) or [`create`] failed.
///
/// The `Display` text of the error is one line, which says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The name is not valid for an interface.
    BadName(String),
    /// Another program is attached to the interface. For [`create`]: the interface already exists.
    InUse(String),
    /// The interface was created as multi-queue, which this program does not support.
    MultiQueue {
        /// The kind that was requested.
        kind: Kind,
        /// The interface.
        name: String,
    },
    /// There is no /dev/net/tun: the kernel lacks the driver, or the container lacks the device.
    NoDevNetTun,
    /// This network namespace has no interface of that name.
    NoInterface {
        /// The kind that was requested.
        kind: Kind,
        /// The interface.
        name: String,
    },
    /// This user is not allowed to open /dev/net/tun.
    NoPermission,
    /// The interface belongs to another user.
    NotOwner {
        /// The kind that was requested.
        kind: Kind,
        /// The interface.
        name: String,
    },
    /// The interface is neither a TAP nor a TUN.
    NotTunTap(String),
    /// The kernel returned another error.
    Os(Errno),
    /// The interface is a TUN but a TAP was requested, or the other way round.
    OtherKind {
        /// The actual kind.
        is: Kind,
        /// The interface.
        name: String,
    },
}

impl Kind {
    /// Returns the smoltcp medium that describes the frames of an interface of this kind.
    pub fn medium(self) -> Medium {
        match self {
            Kind::Tap => Medium::Ethernet,
            Kind::Tun => Medium::Ip,
        }
    }

    /// Returns `tap` or `tun`, as in the options of `ip tuntap` and of this program.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Tap => "tap",
            Kind::Tun => "tun",
        }
    }

    /// Returns the flag that attaches to an interface of this kind.
    fn flag(self) -> u16 {
        match self {
            Kind::Tap => ioctl::IFF_TAP,
            Kind::Tun => ioctl::IFF_TUN,
        }
    }

    fn other(self) -> Kind {
        match self {
            Kind::Tap => Kind::Tun,
            Kind::Tun => Kind::Tap,
        }
    }
}

/// Formats the kind as `TAP` or `TUN`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Tap => "TAP",
            Kind::Tun => "TUN",
        })
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::BadName(name) => write!(
                f,
                "{name:?} cannot be the name of an interface: use 1 to {} letters or digits, such as tap0",
                ioctl::MAX_NAME
            ),
            OpenError::InUse(name) => {
                write!(f, "{name} is in use by another program: end that program, or use another interface")
            }
            OpenError::MultiQueue { kind, name } => write!(
                f,
                "{name} was made multi-queue, which smolstep does not use: make another with `sudo ip tuntap add dev my{0} \
                 mode {0} user $USER && sudo ip link set my{0} up`",
                kind.word()
            ),
            OpenError::NoDevNetTun => f.write_str(
                "there is no /dev/net/tun: run `sudo modprobe tun`, or start the container with --device /dev/net/tun",
            ),
            OpenError::NoInterface { kind, name } => write!(
                f,
                "there is no interface {name} here: make it with `sudo ip tuntap add dev {name} mode {} user $USER && \
                 sudo ip link set {name} up`, or use `smolstep sandbox`",
                kind.word()
            ),
            OpenError::NoPermission => f.write_str(
                "no permission to open /dev/net/tun: run `sudo chmod 666 /dev/net/tun`, or run this as root",
            ),
            OpenError::NotOwner { kind, name } => write!(
                f,
                "not permitted to use {name}, it belongs to another user: make one of yours with `sudo ip tuntap add dev \
                 my{0} mode {0} user $USER && sudo ip link set my{0} up`, or run this as root",
                kind.word()
            ),
            OpenError::NotTunTap(name) => {
                write!(f, "{name} is neither a TAP nor a TUN: name one that `ip tuntap show` lists")
            }
            OpenError::Os(errno) => {
                write!(f, "attaching to the interface failed: {errno}; `smolstep doctor` may say more")
            }
            OpenError::OtherKind { is, name } => {
                write!(f, "{name} is a {is}, not a {}: use `--{} {name}`", is.other(), is.word())
            }
        }
    }
}

impl core::error::Error for OpenError {}

/// Returns [`OpenError::BadName`] if no interface can have this name.
fn check_name(name: &str) -> Result<(), OpenError> {
    // The kernel's rule, except that `%` is not allowed: the kernel would replace it with a number.
    let bad = |c: char| matches!(c, '/' | ':' | '%') || c.is_whitespace() || c.is_control();
    if name.is_empty() || name.len() > ioctl::MAX_NAME || matches!(name, "." | "..") || name.chars().any(bad) {
        return Err(OpenError::BadName(name.into()));
    }
    Ok(())
}

/// Opens /dev/net/tun, the clone device. Each returned file can be attached to one interface.
fn open_clone_device() -> Result<OwnedFd, OpenError> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open("/dev/net/tun", flags, Mode::empty()).map_err(|errno| match errno {
        Errno::ACCESS | Errno::PERM => OpenError::NoPermission,
        Errno::NOENT | Errno::NODEV | Errno::NXIO | Errno::NOTDIR => OpenError::NoDevNetTun,
        errno => OpenError::Os(errno),
    })
}

/// Finds out why the kernel returned EINVAL: wrong kind, multi-queue, or neither a TAP nor a TUN.
///
/// This function tries to attach a second file as each other kind, and closes the second file at once.
fn why_invalid(kind: Kind, name: &str) -> OpenError {
    // Whether the interface has these flags. The kernel returns EINVAL if it does not.
    let is = |flags: u16| {
        open_clone_device().is_ok_and(|file| ioctl::attach(&file, name, flags | ioctl::IFF_NO_PI) != Err(Errno::INVAL))
    };
    let other = kind.other();
    if is(other.flag()) || is(other.flag() | ioctl::IFF_MULTI_QUEUE) {
        OpenError::OtherKind { is: other, name: name.into() }
    } else if is(kind.flag() | ioctl::IFF_MULTI_QUEUE) {
        OpenError::MultiQueue { kind, name: name.into() }
    } else {
        OpenError::NotTunTap(name.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `offload_to` with `granted` and a simulated kernel, which rejects every flag not in `accepted`. Returns
    /// the description of the missing offload, and the flags that the kernel accepted last, or `None` if it accepted
    /// none.
    fn missing(granted: bool, accepted: usize) -> (Option<&'static str>, Option<usize>) {
        let mut last = None;
        let missing = offload_to(granted, |flags| {
            if flags & !accepted != 0 {
                return Err(Errno::INVAL);
            }
            last = Some(flags);
            Ok(())
        });
        (missing, last)
    }

    #[test]
    fn offload_that_the_kernel_refuses_is_reported_as_missing() {
        // The flags are 1 for checksums, and 2 and 4 for segmentation over IPv4 and IPv6.
        assert_eq!(missing(true, 7), (None, Some(7)));
        assert_eq!(missing(true, 3), (Some("segmentation offload for IPv6"), Some(3)));
        assert_eq!(missing(true, 1), (Some("segmentation offload to this program"), Some(1)));
        assert_eq!(missing(true, 0), (Some("checksum and segmentation offload to this program"), Some(0)));
        assert_eq!(missing(false, 7), (Some("offload"), Some(0)));
        let refused = offload_to(true, |_| Err(Errno::PERM));
        assert_eq!(refused, Some("checksum and segmentation offload to this program"), "no flags can be set");
    }
}
