//! Firmware that tests the virt-rv32: see `board::selftest`.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::board::{self, virt_rv32::VirtRv32};

    #[riscv_rt::entry]
    fn main() -> ! {
        board::selftest::<VirtRv32>()
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run virt-rv32-selftest");
}
