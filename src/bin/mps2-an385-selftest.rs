//! Firmware that tests the mps2-an385: see `board::selftest`.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::board::{self, mps2_an385::Mps2An385};

    #[cortex_m_rt::entry]
    fn main() -> ! {
        board::selftest::<Mps2An385>()
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run mps2-an385-selftest");
}
