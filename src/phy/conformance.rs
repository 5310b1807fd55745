//! A test of the rules that every device must keep. The test runs on the host or on the board.
//!
//! The documentation of smoltcp's [`Device`] does not list everything that smoltcp's interface relies on. [`check`]
//! sends and receives frames through the device under test, with a [`Peer`] at the other end of its link. The check
//! returns the first rule that the device breaks. The check needs no heap and no `std`, only a buffer one byte longer
//! than the longest frame.
//!
//! The test frames have EtherType 0x88B5 (IEEE Std 802: for local experiments). For a device without Ethernet, the test
//! frames are IPv4 packets of protocol 253 (RFC 3692) from 192.0.2.1 to 192.0.2.2. The check ignores up to 64 foreign
//! frames, such as broadcasts of other hosts on the network.
//!
//! ```
//! use smolstep::phy::{Cable, CableEnd, conformance};
//! use smolstep::phy::conformance::Peer;
//! use smoltcp::phy::{Device, RxToken, TxToken};
//! use smoltcp::time::{Duration, Instant};
//!
//! type End<'a> = CableEnd<'a, 4, 1514>;
//!
//! /// The other end of the cable, and a clock that advances at each reading.
//! struct Other<'a>(End<'a>, Instant);
//!
//! impl Peer<End<'_>> for Other<'_> {
//!     fn inject(&mut self, _device: &mut End<'_>, frame: &[u8]) -> bool {
//!         // A cable carries no more than its MTU.
//!         let fits = frame.len() <= 1514;
//!         let place = self.0.transmit(self.1).filter(|_| fits);
//!         place.map(|place| place.consume(frame.len(), |bytes| bytes.copy_from_slice(frame))).is_some()
//!     }
//!
//!     fn observe(&mut self, _device: &mut End<'_>, buffer: &mut [u8]) -> Option<usize> {
//!         let (frame, _) = self.0.receive(self.1)?;
//!         frame.consume(|frame| Some((buffer.get_mut(..frame.len())?.copy_from_slice(frame), frame.len()).1))
//!     }
//!
//!     fn now(&mut self) -> Instant {
//!         self.1 += Duration::from_micros(1);
//!         self.1
//!     }
//! }
//!
//! let mut cable = Cable::new();
//! let (mut left, right) = cable.ends();
//! let report = conformance::check(&mut left, &mut Other(right, Instant::ZERO), &mut [0; 1515]).unwrap();
//! assert_eq!(report.to_string(), "MTU 1514; holds 3 frames to send and 3 frames received");
//! ```

mod bench;
mod checksums;
mod frames;
mod queues;
mod report;
mod rules;

use smoltcp::phy::Device;
use smoltcp::time::Instant;

use super::medium::EthernetAddress;
use bench::Bench;

pub use report::{Failure, Fault, Report, Rule};

/// The number of foreign frames that [`check`] ignores.
const FOREIGN: usize = 64;

/// The machine's clock, and the other end of the link of the device under test.
///
/// Each method receives the device, because a loopback device or a fake controller is itself the other end of its link.
pub trait Peer<D> {
    /// Sends `frame` to the device. Returns false if the link does not accept the frame.
    ///
    /// The link is allowed to refuse a frame whose length is out of range, and any frame while the link is full.
    fn inject(&mut self, device: &mut D, frame: &[u8]) -> bool;

    /// Takes the oldest frame that the device has sent, copies it into `buffer`, and returns its length.
    ///
    /// Returns `None` if no frame came. A frame longer than the buffer is discarded.
    fn observe(&mut self, device: &mut D, buffer: &mut [u8]) -> Option<usize>;

    /// Returns the time of the clock that is used to poll the stack.
    fn now(&mut self) -> Instant;

    /// Returns how many frames to the device have been lost so far, as counted by the device or by its link.
    fn lost(&mut self, _device: &mut D) -> u64 {
        0
    }

    /// Returns the destination address of all test frames.
    ///
    /// For a device that drops frames to other addresses, return the device's own address.
    fn address(&self) -> EthernetAddress {
        EthernetAddress::BROADCAST
    }

    /// Returns the number of frames to send in a row, in each direction, to fill the device's queues.
    ///
    /// Return more frames than the queues have room for.
    fn burst(&self) -> usize {
        64
    }

    /// Returns whether a frame from [`Peer::inject`] can arrive with a wrong checksum.
    ///
    /// Return false if an injected frame passes through a device that corrects the frame's checksum.
    fn forges(&self) -> bool {
        true
    }

    /// Returns how many times to try before a missing frame counts as lost, or a missing token as refused.
    ///
    /// Return more than 1 if [`Peer::inject`] and [`Peer::observe`] do not wait until a frame has arrived.
    fn tries(&self) -> usize {
        1
    }
}

/// Tests whether `device` keeps every [`Rule`].
///
/// The device's queues must be empty at the start, and are empty again if the device passes. `scratch` must be at least
/// one byte longer than the device's MTU. Multicast filters, link state and other behaviour beyond the rules are not
/// tested.
///
/// # Errors
/// Returns a [`Failure`] with the first rule that the device breaks.
///
/// # Panics
/// Panics if the device or the peer panics.
pub fn check<D: Device, P: Peer<D>>(device: &mut D, peer: &mut P, scratch: &mut [u8]) -> Result<Report, Failure> {
    let mut bench = Bench::new(device, peer, scratch);
    // Each rule comes with the method that checks whether the device obeys the rule.
    for (rule, obeys) in Bench::RULES {
        obeys(&mut bench).map_err(|fault| Failure { rule, fault })?;
    }
    Ok(bench.report)
}

/// A function that checks a rule, and returns the observed fault if the device breaks the rule.
type Obeys<B> = fn(&mut B) -> Result<(), Fault>;

impl<D: Device, P: Peer<D>> Bench<'_, D, P> {
    /// The rules and their checks. They are ordered so that the first failure is the most informative.
    const RULES: [(Rule, Obeys<Self>); 13] = [
        (Rule::Clock, Self::clock),
        (Rule::Capabilities, Self::capabilities),
        (Rule::Idle, Self::idle),
        (Rule::Sending, Self::sending),
        (Rule::Receiving, Self::receiving),
        (Rule::Reply, Self::reply),
        (Rule::UnusedToken, Self::unused_tokens),
        (Rule::Exhaustion, Self::exhaustion),
        (Rule::Burst, Self::burst),
        (Rule::PromisedBurst, Self::promised_burst),
        (Rule::Empty, Self::empty),
        (Rule::TooLong, Self::too_long),
        (Rule::Checksums, Self::checksums),
    ];
}
