//! Peripherals in memory: the only place that touches them.
#![allow(unsafe_code)]

use crate::phy::{Registers, add};

/// A peripheral's registers, at a fixed address.
#[derive(Debug)]
pub struct Mmio {
    base: usize,
}

impl Mmio {
    /// The peripheral at `base`. For the files of the boards only: they know what is where.
    pub(super) const fn new(base: usize) -> Self {
        Mmio { base }
    }
}

impl Registers for Mmio {
    fn read(&mut self, offset: usize) -> u32 {
        // SAFETY: only this module's siblings make an `Mmio`, of addresses that the board's data sheet gives to a peripheral,
        // and drivers add the offsets of its 32-bit registers. No Rust object lies there, so nothing is aliased; reading a
        // register has no effect on memory.
        unsafe { ((self.base + offset) as *const u32).read_volatile() }
    }

    fn write(&mut self, offset: usize, value: u32) {
        // SAFETY: as above. None of these peripherals is told to write to memory: they have no DMA, or it stays off.
        unsafe { ((self.base + offset) as *mut u32).write_volatile(value) }
    }

    fn sum(words: &[[u8; 4]]) -> u32 {
        let whole = if words.as_ptr().cast::<u32>().is_aligned() { words.len() / 8 } else { 0 };
        let (blocks, rest) = words.split_at(whole * 8);
        // SAFETY: `blocks` has so many eights of words, aligned.
        let sum = unsafe { sum_blocks(blocks.as_ptr(), whole) };
        rest.iter().fold(sum, |sum, word| add(sum, u32::from_le_bytes(*word)))
    }

    fn read_wide_fifo(&mut self, offset: usize, words: &mut [[u8; 4]]) -> u32 {
        let whole = if words.as_ptr().cast::<u32>().is_aligned() { words.len() / 8 } else { 0 };
        let (blocks, rest) = words.split_at_mut(whole * 8);
        // SAFETY: as above for the eight registers; `blocks` has as many words, aligned, and `whole` eights of them.
        let sum = unsafe { read_blocks((self.base + offset) as *const u32, blocks.as_mut_ptr(), whole) };
        add(sum, self.read_fifo(offset, rest))
    }

    fn write_wide_fifo(&mut self, offset: usize, words: &[[u8; 4]]) {
        let whole = if words.as_ptr().cast::<u32>().is_aligned() { words.len() / 8 } else { 0 };
        let (blocks, rest) = words.split_at(whole * 8);
        // SAFETY: as above.
        unsafe { write_blocks((self.base + offset) as *mut u32, blocks.as_ptr(), whole) };
        self.write_fifo(offset, rest);
    }
}

unsafe extern "C" {
    /// The sum of `count` times eight words, with the carry at its end.
    fn sum_blocks(from: *const [u8; 4], count: usize) -> u32;

    /// Reads `count` times eight words from eight registers, and returns their sum with the carry at its end.
    fn read_blocks(from: *const u32, to: *mut [u8; 4], count: usize) -> u32;

    /// Writes `count` times eight words to eight registers.
    fn write_blocks(to: *mut u32, from: *const [u8; 4], count: usize);
}

// Load and store multiple: two instructions move eight words.
//
// SAFETY: each keeps what is declared above and the procedure call standard (r4 to r11 are restored). `blocks` are aligned, and
// the registers of a peripheral are. An interrupt could make a load multiple start anew, which would take words from a FIFO
// twice, but interrupts stay masked.
core::arch::global_asm!(
    ".section .text.sum_blocks, \"ax\"",
    ".global sum_blocks",
    ".type sum_blocks, %function",
    ".thumb_func",
    "sum_blocks:",
    "push {{r4-r10, lr}}",
    "movs r2, #0",
    "cbz r1, 2f",
    "1: ldmia r0!, {{r3-r10}}",
    "adds r2, r3",
    "adcs r2, r4",
    "adcs r2, r5",
    "adcs r2, r6",
    "adcs r2, r7",
    "adcs r2, r8",
    "adcs r2, r9",
    "adcs r2, r10",
    "adc r2, #0",
    "subs r1, #1",
    "bne 1b",
    "2: mov r0, r2",
    "pop {{r4-r10, pc}}",
    ".section .text.read_blocks, \"ax\"",
    ".global read_blocks",
    ".type read_blocks, %function",
    ".thumb_func",
    "read_blocks:",
    "push {{r4-r11, lr}}",
    "movs r3, #0",
    "cbz r2, 2f",
    "1: ldmia r0, {{r4-r11}}",
    "adds r3, r4",
    "adcs r3, r5",
    "adcs r3, r6",
    "adcs r3, r7",
    "adcs r3, r8",
    "adcs r3, r9",
    "adcs r3, r10",
    "adcs r3, r11",
    "adc r3, #0",
    "stmia r1!, {{r4-r11}}",
    "subs r2, #1",
    "bne 1b",
    "2: mov r0, r3",
    "pop {{r4-r11, pc}}",
    ".section .text.write_blocks, \"ax\"",
    ".global write_blocks",
    ".type write_blocks, %function",
    ".thumb_func",
    "write_blocks:",
    "push {{r4-r11, lr}}",
    "cbz r2, 2f",
    "1: ldmia r1!, {{r4-r11}}",
    "subs r2, #1",
    "stmia r0, {{r4-r11}}",
    "bne 1b",
    "2: pop {{r4-r11, pc}}",
);
