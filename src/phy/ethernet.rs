//! The methods that boards need of a network controller besides frames.

use smoltcp::phy::Device;

use super::registers::Faults;

/// A device whose interrupt ends a board's sleep.
pub trait Ethernet: Device {
    /// Clears the interrupt. Frames that have already arrived raise it no more, so poll after this.
    fn acknowledge(&mut self);

    /// The errors so far.
    fn faults(&mut self) -> Faults;
}
