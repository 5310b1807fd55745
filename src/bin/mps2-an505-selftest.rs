//! Firmware that tests the mps2-an505: see `board::selftest`.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::board::{self, mps2_an505::Mps2An505};

    #[cortex_m_rt::entry]
    fn main() -> ! {
        board::selftest::<Mps2An505>()
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run mps2-an505-selftest");
}
