//! Calls to QEMU or a debugger: read the command line, and exit with a result.
//!
//! The document "RISC-V Semihosting" defines the instructions of a call. Arm's document "Semihosting for AArch32 and
//! AArch64" defines the operations. Without QEMU or a debugger, each call is a fault.
#![allow(unsafe_code)]

use super::csr::wait_for_interrupt;

const GET_COMMAND_LINE: usize = 0x15;
const EXIT: usize = 0x18;

/// The reason for `EXIT`: the program has ended.
const ENDED: usize = 0x2_0026;
/// The reason for `EXIT`: an unknown error.
const FAILED: usize = 0x2_0023;

unsafe extern "C" {
    /// Makes QEMU or the debugger execute an operation, and returns the result.
    fn semihosting_call(operation: usize, parameter: usize) -> usize;
}

// The three instructions must not be compressed, and must lie in one page. The alignment ensures the latter.
//
// SAFETY: the function keeps the calling convention: the call takes the operation in a0 and the parameter in a1, and
// returns its result in a0. No other register changes. The operation determines which memory the call accesses.
core::arch::global_asm!(
    ".section .text.semihosting_call, \"ax\"",
    ".global semihosting_call",
    ".option push",
    ".option norvc",
    ".balign 16",
    "semihosting_call:",
    "slli zero, zero, 0x1f",
    "ebreak",
    "srai zero, zero, 7",
    "ret",
    ".option pop",
);

/// Returns the command line: see [`Machine::command_line`](crate::board::Machine::command_line).
pub(super) fn command_line(buffer: &mut [u8]) -> &str {
    let mut block = [buffer.as_mut_ptr() as usize, buffer.len()];
    // SAFETY: the operation takes the address of two words: an address and a length in bytes. The operation writes a
    // text of at most that length to that address, and the text's length to the second word. `block` holds these two
    // words, and they describe `buffer`, which is borrowed for the whole call. Both pointers come from mutable
    // references.
    let status = unsafe { semihosting_call(GET_COMMAND_LINE, &raw mut block as usize) };
    let text = if status == 0 { buffer.get(..block[1]).unwrap_or_default() } else { &[] };
    core::str::from_utf8(text).unwrap_or_default()
}

/// Makes QEMU exit with code 0 if `ok` is true, otherwise with code 1. Under a debugger, stops the processor instead.
pub(super) fn exit(ok: bool) -> ! {
    // SAFETY: the operation takes a number, and accesses no memory.
    unsafe { semihosting_call(EXIT, if ok { ENDED } else { FAILED }) };
    loop {
        wait_for_interrupt();
    }
}
