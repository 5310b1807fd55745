//! Firmware that tests the mps3-an547: see `board::selftest`.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::board::{self, mps3_an547::Mps3An547};

    #[cortex_m_rt::entry]
    fn main() -> ! {
        board::selftest::<Mps3An547>()
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run mps3-an547-selftest");
}
