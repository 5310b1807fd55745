//! Virtio devices: a network device and a random source (Virtual I/O Device 1.2, sections 5.1 and 5.4).
//!
//! The drivers are based on the crate virtio-drivers.
#![allow(unsafe_code)]

mod memory;
mod net;
mod random;

use core::ptr::NonNull;

use virtio_drivers::transport::mmio::{MmioTransport, VirtIOHeader};
use virtio_drivers::transport::{DeviceType, Transport};

pub use net::Net;
pub(super) use random::entropy;

use crate::phy::NotThere;

/// The size of a device's registers, in bytes.
const REGISTERS: usize = 0x1000;

/// Returns access to the registers of the device at address `base`. `kind` is the expected kind of device.
///
/// # Errors
/// Returns [`NotThere`] if no device of this kind is attached at `base`.
fn transport(base: usize, kind: DeviceType) -> Result<MmioTransport<'static>, NotThere> {
    let header = NonNull::new(base as *mut VirtIOHeader).ok_or(NotThere)?;
    // SAFETY: a board passes the address of one of the eight register blocks for virtio devices of QEMU's machine
    // `virt`. Each block has 4 KiB of registers, even if no device is attached. No Rust object lies there, and each
    // block is used once.
    let transport = unsafe { MmioTransport::new(header, REGISTERS) }.map_err(|_| NotThere)?;
    if transport.device_type() == kind { Ok(transport) } else { Err(NotThere) }
}

/// Calls `set_up` while the log shows only warnings and errors.
///
/// The drivers log their features at each start, which nobody needs to see.
fn quietly<T>(set_up: impl FnOnce() -> T) -> T {
    let level = log::max_level();
    log::set_max_level(level.min(log::LevelFilter::Warn));
    let result = set_up();
    log::set_max_level(level);
    result
}
