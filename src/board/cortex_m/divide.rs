//! 64-bit division: `__aeabi_uldivmod` for a Cortex-M3, which divides 32 bits in hardware.
//!
//! smoltcp counts microseconds in 64 bits, and divides them on each acknowledgement. Most values fit in 32 bits. For
//! such values, the compiler's own routine takes ten times as long as the routine in this file. The compiler's routine
//! also takes six times the flash.
#![allow(unsafe_code)]

// SAFETY: the function keeps the contract of the ARM run-time ABI (RTABI32 section 4.3.1): it divides r1:r0 by r3:r2,
// and returns the quotient in r1:r0 and the remainder in r3:r2. Besides these registers, only r12 changes. The function
// touches no memory but its own stack.
core::arch::global_asm!(
    ".section .text.__aeabi_uldivmod, \"ax\"",
    ".global __aeabi_uldivmod",
    ".type __aeabi_uldivmod, %function",
    ".thumb_func",
    "__aeabi_uldivmod:",
    "orrs r12, r1, r3",
    "bne 0f",
    // Dividend and divisor fit in 32 bits: r1 and r3 are 0, and stay 0.
    "udiv r12, r0, r2",
    "mls r2, r12, r2, r0",
    "mov r0, r12",
    "bx lr",
    // Shifts the dividend bit by bit from r1:r0 into the remainder r5:r4. The bits of the quotient enter r1:r0 at the
    // low end.
    "0: push {{r4, r5}}",
    "movs r4, #0",
    "movs r5, #0",
    "mov r12, #64",
    "1: adds r0, r0, r0",
    "adcs r1, r1",
    "adcs r4, r4",
    "adc r5, r5",
    "cmp r5, r3",
    "it eq",
    "cmpeq r4, r2",
    "blo 3f",
    "subs r4, r4, r2",
    "sbcs r5, r3",
    "adds r0, #1",
    "3: subs r12, #1",
    "bne 1b",
    "mov r2, r4",
    "mov r3, r5",
    "pop {{r4, r5}}",
    "bx lr",
);
