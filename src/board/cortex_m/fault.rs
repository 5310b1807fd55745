//! The handling of faults: a report on the console, then a restart of the board.
#![allow(unsafe_code)]

use super::Mmio;
use super::cortex_m::reset;
use crate::phy::Registers;

// The call stack lies at the bottom of memory, so an overflow causes a fault and overwrites nothing. The handler cannot
// run on an exhausted stack, so it first resets the stack pointer to the top.
//
// SAFETY: this replaces cortex-m-rt's handler of the same name and contract, which never returns. The content of the
// stack is lost, but no later code reads it.
core::arch::global_asm!(
    ".section .HardFault.user, \"ax\"",
    ".global HardFault",
    ".type HardFault, %function",
    ".thumb_func",
    "HardFault:",
    "mov r0, sp",
    "ldr r1, =_stack_start",
    "mov sp, r1",
    "ldr r1, =_stack_end",
    "b {fault}",
    fault = sym fault,
);

/// The bit of the fault status that reports an undefined instruction.
const UNDEFINED: u32 = 1 << 16;

/// Reports a fault, then restarts the board.
///
/// `stack` is the stack pointer at the fault. `end` is the lowest address of the call stack (`memory.x`).
extern "C" fn fault(stack: usize, end: usize) -> ! {
    // A stack pointer less than 256 bytes above the end, or below it, means that the stack is exhausted.
    if stack < end + 256 {
        log::error!("stack overflow: more than its size in memory.x was used");
        reset()
    }
    // SAFETY: the core has just stored eight words at `stack` (ARMv7-M, B1.5.6); the seventh is the address of the
    // failed instruction. The check above shows that `stack` is in memory. No other code runs that could write to these
    // words.
    let at = unsafe { ((stack + 24) as *const usize).read_volatile() };
    // The configurable fault status register (B3.2.15). In a build whose panics abort immediately, a panic executes an
    // undefined instruction.
    let undefined = Mmio::new(0xe000_ed28).read(0) & UNDEFINED != 0;
    log::error!("{} at {at:#x}", if undefined { "panic" } else { "hard fault" });
    reset()
}
