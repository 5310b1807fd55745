//! The random source.
#![allow(unsafe_code)]

use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::{DeviceStatus, DeviceType, Transport};

use super::memory::Queues;
use super::transport;
use crate::phy::NotThere;

/// The number of times that the source is checked for an answer before the driver gives up.
const MAX_CHECKS: usize = 10_000_000;

/// The feature bit of a device that follows version 1 of the standard (section 6).
const VERSION_1: u64 = 1 << 32;

/// Returns two words from the random source at address `base`.
///
/// If there is no random source, or it does not answer, this function logs an error and returns zeros.
pub(in crate::board) fn entropy(base: usize) -> [u32; 2] {
    draw(base).unwrap_or_else(|NotThere| {
        log::error!("the random source does not answer, so the seed comes from the build");
        [0; 2]
    })
}

/// Draws two words from the device. This function replaces the driver in the crate virtio-drivers, which would wait
/// without a limit.
fn draw(base: usize) -> Result<[u32; 2], NotThere> {
    let mut transport = transport(base, DeviceType::EntropySource)?;
    let found = DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER;
    // These steps initialise a device (section 3.1.1): reset, found, features, queue, ready.
    transport.set_status(DeviceStatus::empty());
    transport.set_status(found);
    transport.write_driver_features(VERSION_1);
    transport.set_status(found | DeviceStatus::FEATURES_OK);
    // Queue 0, without the features for indirect descriptors and event indices.
    let mut queue = VirtQueue::<Queues, 8>::new(&mut transport, 0, false, false).map_err(|_| NotThere)?;
    transport.finish_init();
    let (mut first, mut second) = ([0; 4], [0; 4]);
    // SAFETY: the two words are not used until the device has answered, or has been reset.
    let token = unsafe { queue.add(&[], &mut [&mut first, &mut second]) }.map_err(|_| NotThere)?;
    transport.notify(0);
    // Wait for the answer, but give up after `MAX_CHECKS` checks.
    let has_answered = (0..MAX_CHECKS).any(|_| queue.can_pop());
    // SAFETY: these are the token and the words that were passed to `add`.
    let len = unsafe { queue.pop_used(token, &[], &mut [&mut first, &mut second]) };
    // This resets the device, so that it does not write to the words later.
    transport.set_status(DeviceStatus::empty());
    match len {
        Ok(8) if has_answered => Ok([u32::from_le_bytes(first), u32::from_le_bytes(second)]),
        _ => Err(NotThere),
    }
}
