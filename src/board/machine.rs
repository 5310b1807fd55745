//! The parts that differ between processor architectures.

use smoltcp::time::Instant;

/// A processor with a timer and an interrupt controller, for one board.
///
/// No interrupt handler ever runs. Interrupts stay masked, and a pending interrupt only ends a sleep.
pub trait Machine: Sized {
    /// Masks all interrupts, starts the clock, and lets the board's interrupts end a sleep.
    fn start() -> Self;

    /// Returns the time since the start. The time never goes backwards.
    ///
    /// The clock can lose time if this method is called too rarely. Each type documents its limit. A sleep is never
    /// longer than the limit.
    fn now(&mut self) -> Instant;

    /// Sleeps until the time `until` or an interrupt, for at most a second. With `None`, only an interrupt ends the
    /// sleep early.
    ///
    /// If an interrupt is already pending, this method returns immediately: see
    /// [`forget_interrupts`](Self::forget_interrupts).
    fn sleep(&mut self, until: Option<Instant>);

    /// Clears the pending interrupts. An interrupt that a device still requests stays pending.
    ///
    /// Call this method after clearing the interrupts in the devices and before looking for frames.
    fn forget_interrupts(&mut self);

    /// Restarts the firmware.
    fn reset() -> !;

    /// Returns the command line that QEMU or a debugger passes, which begins with the program's name.
    ///
    /// The result is empty if the command line is missing, is longer than `buffer`, or is not UTF-8.
    fn command_line(buffer: &mut [u8]) -> &str;

    /// Makes QEMU exit with code 0 if `ok` is true, otherwise with code 1. Under a debugger, stops the processor.
    fn exit(ok: bool) -> !;
}
