//! The handling of panics: a report on the console, then a restart of the board.

#[cfg(target_arch = "arm")]
use super::cortex_m::reset;
#[cfg(target_arch = "riscv32")]
use super::riscv::reset;

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    log::error!("{info}");
    reset()
}
