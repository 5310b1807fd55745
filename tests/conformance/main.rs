//! The conformance check of every device. Devices with one defect each must fail it.

mod broken;
#[path = "../common/mod.rs"]
mod common;
mod controllers;
#[cfg(feature = "embassy")]
mod embassy;
#[cfg(target_os = "linux")]
mod linux;
mod memory;

use smolstep::phy::conformance::{Failure, Peer, Report, check};
use smoltcp::phy::{Device, RxToken, TxToken};
use smoltcp::time::{Duration, Instant};

/// Checks a device with all the room for a frame that it could want.
fn run<D: Device>(device: &mut D, peer: &mut impl Peer<D>) -> Result<Report, Failure> {
    check(device, peer, &mut [0; 10_000])
}

/// A clock that moves on a microsecond each time it is read.
#[derive(Default)]
struct Ticks(i64);

impl Ticks {
    fn now(&mut self) -> Instant {
        self.0 += 1;
        Instant::ZERO + Duration::from_micros(self.0 as u64)
    }
}

/// Sends a frame through a device, if it has room and its MTU allows.
fn send<D: Device>(device: &mut D, frame: &[u8]) -> bool {
    if frame.len() > device.capabilities().max_transmission_unit {
        return false;
    }
    let token = device.transmit(Instant::ZERO);
    token.map(|token| token.consume(frame.len(), |bytes| bytes.copy_from_slice(frame))).is_some()
}

/// Moves a frame that a device has received to the front of `buffer`.
fn receive<D: Device>(device: &mut D, buffer: &mut [u8]) -> Option<usize> {
    let (token, _) = device.receive(Instant::ZERO)?;
    token.consume(|frame| copy(frame, buffer))
}

/// The length of a frame that is now at the front of `buffer`; none if it is too long.
fn copy(frame: &[u8], buffer: &mut [u8]) -> Option<usize> {
    buffer.get_mut(..frame.len())?.copy_from_slice(frame);
    Some(frame.len())
}
