//! The interrupt part of the vector table.
#![allow(unsafe_code)]

// No interrupt is ever taken: they stay masked, and a pending one only ends a sleep. So one entry replaces the 240 of the core
// that cortex-m-rt would put here, 956 bytes of flash. Its linker script needs one.
//
// SAFETY: cortex-m-rt's name and section for this table (its feature `device`). Its one entry is cortex-m-rt's own handler.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [unsafe extern "C" fn(); 1] = [DefaultHandler];

unsafe extern "C" {
    fn DefaultHandler();
}
