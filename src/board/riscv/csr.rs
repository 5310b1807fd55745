//! The control registers of the processor, and the instruction that waits.
#![allow(unsafe_code)]

use core::arch::asm;

/// The bits of `mie` for the machine-mode interrupts of the timer and of the interrupt controller.
const TIMER_AND_DEVICES: usize = 1 << 7 | 1 << 11;

/// Masks all interrupts. A masked interrupt is never taken, but still ends a wait.
pub(super) fn mask_interrupts() {
    // SAFETY: clears the bit MIE of `mstatus`, which touches no memory.
    unsafe { asm!("csrci mstatus, 8", options(nomem, nostack)) };
}

/// Lets the interrupts of the timer and of the devices end a wait.
pub(super) fn wake_on_timer_and_devices() {
    // SAFETY: sets bits of `mie`, which touches no memory. No interrupt is taken, because they are masked.
    unsafe { asm!("csrw mie, {}", in(reg) TIMER_AND_DEVICES, options(nomem, nostack)) };
}

/// Waits until an interrupt is pending.
pub(super) fn wait_for_interrupt() {
    // SAFETY: the instruction only waits. Devices can write to memory meanwhile, so the compiler must not assume that
    // memory stays the same.
    unsafe { asm!("wfi", options(nostack)) };
}
