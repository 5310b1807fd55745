//! The interrupts' part of the vector table.
#![allow(unsafe_code)]

// None is ever taken: they stay masked, and a pending one only ends a sleep. So one entry stands for the 240 of the core, which
// cortex-m-rt would put there: 956 bytes of flash. Its script wants one.
//
// SAFETY: cortex-m-rt's name and section for this table (its feature `device`). Its one entry is cortex-m-rt's own handler.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [unsafe extern "C" fn(); 1] = [DefaultHandler];

unsafe extern "C" {
    fn DefaultHandler();
}
