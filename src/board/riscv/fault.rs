//! The handling of faults: a report on the console, then a restart of the board.
#![allow(unsafe_code)]

use super::riscv::reset;

// Interrupts are masked, so only an exception leads to this address. The handler cannot run on an exhausted stack, so
// it first resets the stack pointer to the top.
//
// SAFETY: this replaces riscv-rt's handler of the same name, which `mtvec` holds. The content of the stack and of the
// registers is lost, but no later code reads it, because `fault` never returns.
core::arch::global_asm!(
    ".section .trap.start, \"ax\"",
    ".global _start_trap",
    ".balign 4",
    "_start_trap:",
    "mv a0, sp",
    "la sp, _stack_start",
    "la a1, _stack_end",
    "csrr a2, mepc",
    "csrr a3, mcause",
    "j {fault}",
    fault = sym fault,
);

/// The content of `mcause` after an undefined instruction (RISC-V Privileged Architecture 1.12, table 3.6).
const UNDEFINED: usize = 2;

/// Reports a fault, then restarts the board.
///
/// `stack` is the stack pointer at the fault. `end` is the lowest address of the call stack (`memory.x`). `at` is the
/// address of the failed instruction, and `cause` is the content of `mcause`.
extern "C" fn fault(stack: usize, end: usize, at: usize, cause: usize) -> ! {
    // A stack pointer less than 256 bytes above the end, or below it, means that the stack is exhausted.
    if stack < end + 256 {
        log::error!("stack overflow: more than its size in memory.x was used");
        reset()
    }
    // In a build whose panics abort immediately, a panic executes an undefined instruction.
    log::error!("{} at {at:#x}", if cause == UNDEFINED { "panic" } else { "fault" });
    reset()
}
