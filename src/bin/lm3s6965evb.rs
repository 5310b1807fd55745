//! The firmware of the lm3s6965evb: every program at once.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::board::{self, lm3s6965evb::Lm3s6965evb};

    #[cortex_m_rt::entry]
    fn main() -> ! {
        // 8 connections, with the bytes to receive and to send of each.
        board::serve::<Lm3s6965evb, 8, 1460, 1460>()
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run lm3s6965evb");
}
