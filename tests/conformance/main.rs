//! Runs the conformance check on every device. Devices with a defect must fail the check. run.rs runs stacks on
//! embassy-net's channel driver.

mod broken;
#[path = "../common/mod.rs"]
mod common;
mod controllers;
#[cfg(feature = "embassy")]
mod embassy;
#[cfg(target_os = "linux")]
mod linux;
mod memory;
#[cfg(feature = "embassy")]
mod run;

use smolstep::phy::conformance::{Failure, Peer, Report, check};
use smoltcp::phy::{Device, RxToken, TxToken};
use smoltcp::time::{Duration, Instant};

/// Runs the conformance check with a frame buffer that is large enough for every device.
fn run<D: Device>(device: &mut D, peer: &mut impl Peer<D>) -> Result<Report, Failure> {
    check(device, peer, &mut [0; 10_000])
}

/// A clock that advances by a microsecond at each call to `now`.
#[derive(Default)]
struct Ticks(i64);

impl Ticks {
    fn now(&mut self) -> Instant {
        self.0 += 1;
        Instant::ZERO + Duration::from_micros(self.0 as u64)
    }
}

/// Sends a frame through a device. Returns false if the frame exceeds the MTU or the device's queue is full.
fn send<D: Device>(device: &mut D, frame: &[u8]) -> bool {
    if frame.len() > device.capabilities().max_transmission_unit {
        return false;
    }
    let token = device.transmit(Instant::ZERO);
    token.map(|token| token.consume(frame.len(), |bytes| bytes.copy_from_slice(frame))).is_some()
}

/// Moves the next received frame from a device to the start of `buffer`. Returns the frame's length, or `None` if no
/// frame is waiting.
fn receive<D: Device>(device: &mut D, buffer: &mut [u8]) -> Option<usize> {
    let (token, _) = device.receive(Instant::ZERO)?;
    token.consume(|frame| copy(frame, buffer))
}

/// Copies a frame to the start of `buffer`. Returns the frame's length, or `None` if the buffer is too short.
fn copy(frame: &[u8], buffer: &mut [u8]) -> Option<usize> {
    buffer.get_mut(..frame.len())?.copy_from_slice(frame);
    Some(frame.len())
}
