//! Firmware for measurements on the mps2-an385: serves only echo, on TCP and UDP.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::board::{self, mps2_an385::Mps2An385};

    #[cortex_m_rt::entry]
    fn main() -> ! {
        // The numbers are 4 connections, and the sizes in bytes of each receive buffer and send buffer. Each size is
        // twice the MSS.
        board::echo::<Mps2An385, 4, 2920, 2920>()
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run mps2-an385-echo");
}
