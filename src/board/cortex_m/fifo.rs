//! Fast transfers between memory and a FIFO, and sums of words, for Cortex-M.
#![allow(unsafe_code)]

/// Splits `words` into blocks of eight words. Returns the number of blocks and the number of words after them. If
/// `words` is not aligned, there are no blocks.
pub fn block_counts(words: &[[u8; 4]]) -> (usize, usize) {
    let eights = if words.as_ptr().cast::<u32>().is_aligned() { words.len() / 8 } else { 0 };
    (eights, words.len() - 8 * eights)
}

unsafe extern "C" {
    /// Returns the end-around-carry sum of `8 * eights + rest` words.
    pub fn sum_words(from: *const [u8; 4], eights: usize, rest: usize) -> u32;

    /// Reads `8 * eights + rest` words and returns their end-around-carry sum. Each block of eight words is read from
    /// eight consecutive registers, and the rest from the first of these registers.
    pub fn read_words(from: *const u32, to: *mut [u8; 4], eights: usize, rest: usize) -> u32;

    /// Writes `8 * eights + rest` words. Each block of eight words is written to eight consecutive registers, and the
    /// rest to the first of these registers.
    pub fn write_words(to: *mut u32, from: *const [u8; 4], eights: usize, rest: usize);
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
