//! The firmware of the lm3s6965evb with all programs, including chat and the status page.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::board::{self, lm3s6965evb::Lm3s6965evb};

    /// The number of connections. There are two fewer with the feature `ipv6`, which needs their memory.
    const CONNECTIONS: usize = if cfg!(feature = "ipv6") { 6 } else { 8 };

    #[cortex_m_rt::entry]
    fn main() -> ! {
        // The last two arguments are the sizes, in bytes, of each connection's receive buffer and send buffer.
        board::serve_all::<Lm3s6965evb, CONNECTIONS, 1460, 1460>()
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run lm3s6965evb-full");
}
