//! Firmware that tests the lm3s6965evb: see `board::selftest`.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::board::{self, lm3s6965evb::Lm3s6965evb};

    #[cortex_m_rt::entry]
    fn main() -> ! {
        board::selftest::<Lm3s6965evb>()
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run lm3s6965evb-selftest");
}
