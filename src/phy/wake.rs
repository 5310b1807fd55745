//! Devices that wake the task that polls them.

use core::task::Waker;

use smoltcp::phy::Device;

/// A device that wakes a task when the stack has to be polled again.
///
/// [`run`](crate::run) and [`Stack::poll_with`](crate::stack::Stack::poll_with) need such a device. `phy::Embassy` makes
/// one of every driver for embassy-net. A driver for smoltcp becomes one if its interrupt handler wakes the stored
/// waker. The waker is then kept in a cell that an interrupt handler can use, such as `AtomicWaker` of embassy-sync.
pub trait WakingDevice: Device {
    /// Stores the waker of the task that polls the device. It replaces the waker of the previous call.
    ///
    /// The device wakes the task at least once after each of these events:
    ///
    /// - a frame arrives after [`receive`](Device::receive) returned `None`;
    /// - there is room again after [`transmit`](Device::transmit) or `receive` returned `None` because there was none;
    /// - the link changes.
    ///
    /// The device may also wake the task without an event, which costs one poll.
    fn set_waker(&mut self, waker: &Waker);

    /// Returns the state of the link if it has changed since the previous call: true if the link is up.
    ///
    /// Before the first call, the link counts as up.
    fn take_link_change(&mut self) -> Option<bool>;
}
