//! Access to the registers of peripherals. No other file reads or writes registers directly.
#![allow(unsafe_code)]

use crate::phy::Registers;

/// A peripheral's registers, at a fixed address.
#[derive(Debug)]
pub struct Mmio {
    base: usize,
}

impl Mmio {
    /// Returns the peripheral at address `base`. Only `src/board` can call this, because it knows the memory map.
    pub(super) const fn new(base: usize) -> Self {
        Mmio { base }
    }
}

impl Registers for Mmio {
    fn read(&mut self, offset: usize) -> u32 {
        // SAFETY: only this module's siblings make an `Mmio`. They use addresses that the data sheet assigns to a
        // peripheral, or that memory.x reserves (seed.rs). Drivers add the offsets of the peripheral's 32-bit
        // registers. No Rust object lies at these addresses, so nothing is aliased. Reading a register has no effect on
        // memory.
        unsafe { ((self.base + offset) as *const u32).read_volatile() }
    }

    fn write(&mut self, offset: usize, value: u32) {
        // SAFETY: the register is valid for the reasons given in `read`. None of these peripherals writes to memory:
        // they have no DMA, or their DMA stays off.
        unsafe { ((self.base + offset) as *mut u32).write_volatile(value) }
    }

    fn sum(words: &[[u8; 4]]) -> u32 {
        let (eights, rest) = parts(words);
        // SAFETY: `words` has `8 * eights + rest` words.
        unsafe { sum_words(words.as_ptr(), eights, rest) }
    }

    fn read_fifo(&mut self, offset: usize, words: &mut [[u8; 4]]) -> u32 {
        // SAFETY: the register is valid for the reasons given in `read`. The length is that of `words`.
        unsafe { read_words((self.base + offset) as *const u32, words.as_mut_ptr(), 0, words.len()) }
    }

    fn write_fifo(&mut self, offset: usize, words: &[[u8; 4]]) {
        // SAFETY: the register is valid for the reasons given in `read` and `write`. The length is that of `words`.
        unsafe { write_words((self.base + offset) as *mut u32, words.as_ptr(), 0, words.len()) }
    }

    fn read_wide_fifo(&mut self, offset: usize, words: &mut [[u8; 4]]) -> u32 {
        let (eights, rest) = parts(words);
        // SAFETY: each of the eight registers is valid for the reasons given in `read`. `words` has `8 * eights + rest`
        // words.
        unsafe { read_words((self.base + offset) as *const u32, words.as_mut_ptr(), eights, rest) }
    }

    fn write_wide_fifo(&mut self, offset: usize, words: &[[u8; 4]]) {
        let (eights, rest) = parts(words);
        // SAFETY: each register is valid for the reasons given in `read` and `write`. `words` has `8 * eights + rest`
        // words.
        unsafe { write_words((self.base + offset) as *mut u32, words.as_ptr(), eights, rest) }
    }
}

/// Returns the number of aligned blocks of eight words, and the number of words left over.
fn parts(words: &[[u8; 4]]) -> (usize, usize) {
    let eights = if words.as_ptr().cast::<u32>().is_aligned() { words.len() / 8 } else { 0 };
    (eights, words.len() - 8 * eights)
}

unsafe extern "C" {
    /// Returns the end-around-carry sum of `8 * eights + rest` words.
    fn sum_words(from: *const [u8; 4], eights: usize, rest: usize) -> u32;

    /// Reads `8 * eights + rest` words and returns their end-around-carry sum. Each block of eight words is read from eight
    /// consecutive registers, and the rest from the first of these registers.
    fn read_words(from: *const u32, to: *mut [u8; 4], eights: usize, rest: usize) -> u32;

    /// Writes `8 * eights + rest` words. Each block of eight words is written to eight consecutive registers, and the rest to
    /// the first of these registers.
    fn write_words(to: *mut u32, from: *const [u8; 4], eights: usize, rest: usize);
}

// One "load multiple" and one "store multiple" instruction move eight words.
//
// SAFETY: each function does what its declaration above says, and keeps the procedure call standard (r4 to r11 are
// restored). Blocks of eight words and the registers of a peripheral are aligned, as load and store multiple require.
// An interrupt could restart a load multiple, which would then lose words of a FIFO, but interrupts stay masked.
core::arch::global_asm!(
    ".section .text.sum_words, \"ax\"",
    ".global sum_words",
    ".type sum_words, %function",
    ".thumb_func",
    "sum_words:",
    "push {{r4-r10, lr}}",
    "mov r12, #0",
    "cbz r1, 2f",
    "1: ldmia r0!, {{r3-r10}}",
    "adds r12, r3",
    "adcs r12, r4",
    "adcs r12, r5",
    "adcs r12, r6",
    "adcs r12, r7",
    "adcs r12, r8",
    "adcs r12, r9",
    "adcs r12, r10",
    "adc r12, #0",
    "subs r1, #1",
    "bne 1b",
    "2: cbz r2, 4f",
    "3: ldr r3, [r0], #4",
    "adds r12, r3",
    "adc r12, #0",
    "subs r2, #1",
    "bne 3b",
    "4: mov r0, r12",
    "pop {{r4-r10, pc}}",
    ".section .text.read_words, \"ax\"",
    ".global read_words",
    ".type read_words, %function",
    ".thumb_func",
    "read_words:",
    "push {{r4-r11, lr}}",
    "mov r12, #0",
    "cbz r2, 2f",
    "1: ldmia r0, {{r4-r11}}",
    "adds r12, r4",
    "adcs r12, r5",
    "adcs r12, r6",
    "adcs r12, r7",
    "adcs r12, r8",
    "adcs r12, r9",
    "adcs r12, r10",
    "adcs r12, r11",
    "adc r12, #0",
    "stmia r1!, {{r4-r11}}",
    "subs r2, #1",
    "bne 1b",
    "2: cbz r3, 4f",
    "3: ldr r4, [r0]",
    "str r4, [r1], #4",
    "adds r12, r4",
    "adc r12, #0",
    "subs r3, #1",
    "bne 3b",
    "4: mov r0, r12",
    "pop {{r4-r11, pc}}",
    ".section .text.write_words, \"ax\"",
    ".global write_words",
    ".type write_words, %function",
    ".thumb_func",
    "write_words:",
    "push {{r4-r11, lr}}",
    "cbz r2, 2f",
    "1: ldmia r1!, {{r4-r11}}",
    "subs r2, #1",
    "stmia r0, {{r4-r11}}",
    "bne 1b",
    "2: cbz r3, 4f",
    "3: ldr r4, [r1], #4",
    "subs r3, #1",
    "str r4, [r0]",
    "bne 3b",
    "4: pop {{r4-r11, pc}}",
);
