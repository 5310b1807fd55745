//! The `ioctl` calls that no crate wraps. The calls attach to an interface, make it persistent, and read its MTU and
//! flags.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_uint};
use std::os::fd::AsFd;

use rustix::io::Result;
use rustix::ioctl::{IntegerSetter, Opcode, Setter, Updater, ioctl, opcode};

/// The longest interface name, in bytes (IFNAMSIZ minus the final NUL).
pub(super) const MAX_NAME: usize = 15;

pub(super) const IFF_TUN: u16 = 0x0001;
pub(super) const IFF_TAP: u16 = 0x0002;
pub(super) const IFF_MULTI_QUEUE: u16 = 0x0100;
/// The kernel adds no packet information header to frames.
pub(super) const IFF_NO_PI: u16 = 0x1000;
/// Each frame has a virtio-net header before it, in both directions.
pub(super) const IFF_VNET_HDR: u16 = 0x4000;
/// Attaching fails if the interface already exists.
pub(super) const IFF_TUN_EXCL: u16 = 0x8000;

/// Attaches `fd`, an open /dev/net/tun, to the interface `name`. Creates the interface if it does not exist.
pub(super) fn attach(fd: impl AsFd, name: &str, flags: u16) -> Result<()> {
    let mut request = IfReq::new(name);
    request.value[..2].copy_from_slice(&flags.to_ne_bytes());
    // SAFETY: TUNSETIFF reads and writes one `struct ifreq`, and `IfReq` is at least as long as that on every target.
    unsafe { ioctl(fd, Updater::<TUNSETIFF, IfReq>::new(&mut request)) }
}

/// Sets the offloads that this program handles, as `TUN_F_…` flags. The kernel keeps the setting as long as the
/// interface exists.
pub(super) fn set_offload(fd: impl AsFd, flags: usize) -> Result<()> {
    // SAFETY: TUNSETOFFLOAD takes its argument by value and touches no memory of this process.
    unsafe { ioctl(fd, IntegerSetter::<TUNSETOFFLOAD>::new_usize(flags)) }
}

/// Sets the length of the virtio-net header, in bytes.
///
/// The kernel keeps the length after `fd` is closed: for example, it is 12 after QEMU has used the interface.
pub(super) fn set_header_length(fd: impl AsFd, len: c_int) -> Result<()> {
    // SAFETY: TUNSETVNETHDRSZ reads one `int`, which the setter stores during the call.
    unsafe { ioctl(fd, Setter::<TUNSETVNETHDRSZ, c_int>::new(len)) }
}

/// Offload: this program accepts partial checksums.
pub(super) const TUN_F_CSUM: usize = 0x01;
/// Offload: this program accepts TCP segments over IPv4 that are longer than the MTU.
pub(super) const TUN_F_TSO4: usize = 0x02;
/// Offload: this program accepts TCP segments over IPv6 that are longer than the MTU.
pub(super) const TUN_F_TSO6: usize = 0x04;

/// Makes the attached interface persistent, so that the interface outlives `fd`.
pub(super) fn persist(fd: impl AsFd) -> Result<()> {
    // SAFETY: TUNSETPERSIST takes its argument by value and touches no memory of this process.
    unsafe { ioctl(fd, IntegerSetter::<TUNSETPERSIST>::new_usize(1)) }
}

/// Waits until the kernel has finished pending changes to interfaces. `fd` must be attached.
pub(super) fn wait_for_changes(fd: impl AsFd) -> Result<()> {
    let mut request = IfReq::new("");
    // TUNGETIFF takes the RTNL lock, which the kernel holds while it changes interfaces. The content of the answer is
    // ignored. SAFETY: TUNGETIFF writes one `struct ifreq`, and `IfReq` is at least as long as that on every target.
    unsafe { ioctl(fd, Updater::<TUNGETIFF, IfReq>::new(&mut request)) }
}

/// Returns whether the interface `name` is up and whether the kernel sees its carrier.
pub(super) fn up_and_running(socket: impl AsFd, name: &str) -> Result<(bool, bool)> {
    let mut request = IfReq::new(name);
    // SAFETY: SIOCGIFFLAGS reads and writes one `struct ifreq`, and `IfReq` is at least as long as that on every
    // target.
    unsafe { ioctl(socket, Updater::<SIOCGIFFLAGS, IfReq>::new(&mut request))? };
    // The kernel has written `ifr_flags`, a 16-bit field.
    let [a, b, ..] = request.value;
    let flags = u16::from_ne_bytes([a, b]);
    Ok((flags & IFF_UP != 0, flags & IFF_RUNNING != 0))
}

/// Returns the MTU of the interface `name`: the longest IP packet, in bytes.
///
/// `socket` can be any socket of the interface's network namespace.
pub(super) fn mtu(socket: impl AsFd, name: &str) -> Result<usize> {
    let mut request = IfReq::new(name);
    // SAFETY: SIOCGIFMTU reads and writes one `struct ifreq`, and `IfReq` is at least as long as that on every target.
    unsafe { ioctl(socket, Updater::<SIOCGIFMTU, IfReq>::new(&mut request))? };
    // The kernel has written `ifr_mtu`, a 32-bit field.
    let [a, b, c, d, ..] = request.value;
    Ok(usize::try_from(i32::from_ne_bytes([a, b, c, d])).unwrap_or(0))
}

const TUNSETIFF: Opcode = opcode::write::<c_int>(b'T', 202);
const TUNSETPERSIST: Opcode = opcode::write::<c_int>(b'T', 203);
const TUNSETOFFLOAD: Opcode = opcode::write::<c_uint>(b'T', 208);
const TUNSETVNETHDRSZ: Opcode = opcode::write::<c_int>(b'T', 216);
const TUNGETIFF: Opcode = opcode::read::<c_uint>(b'T', 210);
const SIOCGIFFLAGS: Opcode = 0x8913;
const SIOCGIFMTU: Opcode = 0x8921;

const IFF_UP: u16 = 0x0001;
const IFF_RUNNING: u16 = 0x0040;

/// `struct ifreq`: a name and a union of at most 24 bytes.
#[repr(C, align(8))]
struct IfReq {
    name: [u8; MAX_NAME + 1],
    value: [u8; 24],
}

impl IfReq {
    /// Makes a request about the interface `name`, with an empty union. A name longer than [`MAX_NAME`] bytes would be
    /// cut, but callers have already checked the name.
    fn new(name: &str) -> Self {
        // The byte after the name stays 0: the kernel reads the name up to a NUL.
        let mut request = IfReq { name: [0; MAX_NAME + 1], value: [0; 24] };
        for (to, from) in request.name.iter_mut().zip(name.bytes().take(MAX_NAME)) {
            *to = from;
        }
        request
    }
}
