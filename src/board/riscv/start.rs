//! The start of a firmware, before `main`, and its restart.
#![allow(unsafe_code)]

unsafe extern "C" {
    fn _start() -> !;
}

// Fills the unused call stack with 0xcc, so that `scripts/firmware size` can measure the deepest stack. Then makes the
// memory between the flash's first address and the call stack read-only, so that a stack overflow is a fault.
//
// The memory protection (RISC-V Privileged Architecture 1.12, section 3.7) has two entries here. The first entry only
// sets the lower bound of the second entry. The second entry (0x8d) is locked, which makes it apply to machine mode,
// and allows reading and executing.
//
// SAFETY: riscv-rt calls this function once at each start, with sp at the top of the empty stack, and before it
// initialises .data and .bss. The function writes only between `_stack_end` and sp. The function needs no memory of its
// own, and changes only t0 and t1.
#[cfg(feature = "firmware")]
core::arch::global_asm!(
    ".section .text.__pre_init, \"ax\"",
    ".global __pre_init",
    "__pre_init:",
    "la t0, _stack_end",
    "li t1, 0xcccccccc",
    "1: sw t1, 0(t0)",
    "addi t0, t0, 4",
    "bltu t0, sp, 1b",
    "la t0, _stext",
    "srli t0, t0, 2",
    "csrw pmpaddr0, t0",
    "la t0, _stack_end",
    "srli t0, t0, 2",
    "csrw pmpaddr1, t0",
    "li t0, 0x8d00",
    "csrw pmpcfg0, t0",
    "ret",
);

/// Restarts the firmware from its first instruction.
///
/// The first instructions mask all interrupts, and set the stack pointer and all static variables again. RISC-V has no
/// register that resets a processor. The devices are reset by their drivers.
pub(in crate::board) fn reset() -> ! {
    // SAFETY: `_start` is riscv-rt's first instruction. `_start` expects nothing of the registers or of the memory, and
    // never returns, so no variable of Rust is used after this call.
    unsafe { _start() }
}
