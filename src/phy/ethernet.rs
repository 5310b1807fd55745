//! What a board asks of its network controller besides frames.

use smoltcp::phy::Device;

use super::registers::Faults;

/// A device whose interrupt ends a board's sleep.
pub trait Ethernet: Device {
    /// Clears the interrupt. Frames that are there already are not announced again: they are looked for after this.
    fn acknowledge(&mut self);

    /// What went wrong so far.
    fn faults(&mut self) -> Faults;
}
