//! A network controller on a board.

use smoltcp::phy::Device;

use crate::phy::Faults;
use crate::phy::Registers;
use crate::phy::lan9118::Lan9118;
use crate::phy::stellaris::Stellaris;

/// A device whose interrupt ends the sleep.
pub trait Ethernet: Device {
    /// Clears the interrupt; frames are looked for after that.
    fn acknowledge(&mut self);

    /// What went wrong so far.
    fn faults(&mut self) -> Faults;
}

impl<R: Registers> Ethernet for Lan9118<R> {
    fn acknowledge(&mut self) {
        self.acknowledge();
    }

    fn faults(&mut self) -> Faults {
        self.faults()
    }
}

impl<R: Registers> Ethernet for Stellaris<R> {
    fn acknowledge(&mut self) {
        self.acknowledge();
    }

    fn faults(&mut self) -> Faults {
        self.faults()
    }
}
