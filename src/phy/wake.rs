//! Devices that wake the task that polls them.

use core::task::Waker;

use smoltcp::phy::Device;

/// A device that wakes a task when the stack has to be polled again.
///
/// [`run`](crate::run) and [`Stack::poll_with`](crate::stack::Stack::poll_with) need such a device. `phy::Embassy`
/// turns every driver for embassy-net into such a device. To turn a driver for smoltcp into such a device, store the
/// waker in a cell that an interrupt handler can use, such as `AtomicWaker` of embassy-sync. Let the interrupt handler
/// wake this waker.
pub trait WakingDevice: Device {
    /// Stores the waker of the task that polls the device. The new waker replaces the waker of the previous call.
    ///
    /// The device wakes the task at least once after each of these events:
    ///
    /// - a frame arrives after [`receive`](Device::receive) returned `None`;
    /// - there is room to send again, after [`transmit`](Device::transmit) or `receive` returned `None` for lack of
    ///   room;
    /// - the link changes.
    ///
    /// The device is allowed to wake the task at other times too. Each such wake-up costs one poll.
    fn set_waker(&mut self, waker: &Waker);

    /// Returns the state of the link if it has changed since the previous call: true if the link is up.
    ///
    /// Before the first call, the link is assumed to be up.
    fn take_link_change(&mut self) -> Option<bool>;
}
