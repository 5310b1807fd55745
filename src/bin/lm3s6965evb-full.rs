//! The firmware of the lm3s6965evb with all programs, including chat and the status page.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::board::{self, lm3s6965evb::Lm3s6965evb};

    /// The number of connections. The feature `ipv6` uses the memory of two connections.
    const CONNECTIONS: usize = if cfg!(feature = "ipv6") { 6 } else { 8 };

    #[cortex_m_rt::entry]
    fn main() -> ! {
        // The type arguments: the number of connections, and the sizes in bytes of each receive buffer and send buffer.
        board::serve_all::<Lm3s6965evb, CONNECTIONS, 1460, 1460>()
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run lm3s6965evb-full");
}
