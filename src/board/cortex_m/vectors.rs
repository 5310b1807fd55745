//! The interrupt part of the vector table.
#![allow(unsafe_code)]

// No interrupt handler ever runs: interrupts stay masked, and a pending interrupt only ends a sleep. The table has one
// entry instead of the 240 that cortex-m-rt would put here, which saves 956 bytes of flash. The linker script of
// cortex-m-rt needs at least one entry.
//
// SAFETY: the table has the name and the section that cortex-m-rt expects with its feature `device`. The table's one
// entry is cortex-m-rt's own handler.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [unsafe extern "C" fn(); 1] = [DefaultHandler];

unsafe extern "C" {
    fn DefaultHandler();
}
