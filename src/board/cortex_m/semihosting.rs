//! Calls to QEMU or a debugger: read the command line, and exit with a result.
//!
//! Arm's document "Semihosting for AArch32 and AArch64" defines the calls. Without QEMU or a debugger, each call is a
//! fault.
#![allow(unsafe_code)]

use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use cortex_m_semihosting::{nr, syscall1};

/// Returns the command line, which begins with the program's name.
///
/// The result is empty if the command line is missing, is longer than the buffer, or is not UTF-8.
pub fn command_line(buffer: &mut [u8]) -> &str {
    let mut block = [buffer.as_mut_ptr() as usize, buffer.len()];
    // SAFETY: SYS_GET_CMDLINE takes the address of two words: an address and a length in bytes. The call writes a text
    // of at most that length to that address, and the text's length to the second word. `block` holds these two words,
    // and they describe `buffer`, which is borrowed for the whole call. Both pointers come from mutable references.
    let status = unsafe { syscall1(nr::GET_CMDLINE, &raw mut block as usize) };
    let text = if status == 0 { buffer.get(..block[1]).unwrap_or_default() } else { &[] };
    core::str::from_utf8(text).unwrap_or_default()
}

/// Makes QEMU exit with code 0 if `ok` is true, otherwise with code 1. Under a debugger, stops the processor instead.
pub fn exit(ok: bool) -> ! {
    debug::exit(if ok { EXIT_SUCCESS } else { EXIT_FAILURE });
    loop {
        cortex_m::asm::wfi();
    }
}
