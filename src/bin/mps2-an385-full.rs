//! The firmware of the mps2-an385 with all programs, including chat and the status page.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::board::{self, mps2_an385::Mps2An385};

    #[cortex_m_rt::entry]
    fn main() -> ! {
        // The numbers are 8 connections, and the sizes in bytes of each receive buffer and send buffer.
        board::serve_all::<Mps2An385, 8, 1072, 1460>()
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run mps2-an385-full");
}
