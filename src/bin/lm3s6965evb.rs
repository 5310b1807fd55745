//! The firmware of the lm3s6965evb, with every program but the large ones.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::app::{Basic, BasicUdp};
    use smolstep::board::{self, lm3s6965evb::Lm3s6965evb};
    use smolstep::stack::{Pool, UdpSession};

    const PORTS: usize = BasicUdp::PORTS;

    /// The number of connections. IPv6 takes the memory of one.
    const CONNECTIONS: usize = if cfg!(feature = "ipv6") { 7 } else { 8 };

    #[cortex_m_rt::entry]
    fn main() -> ! {
        // The number of connections, then the bytes to receive and to send of each. The pool is on the call stack, which has
        // nearly all of this board's memory.
        let mut pool =
            const { Pool::<Basic, BasicUdp, CONNECTIONS, 1460, 1460, PORTS, 1, { board::UDP_PAYLOAD }>::new() };
        board::serve::<Lm3s6965evb>(pool.memory())
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run lm3s6965evb");
}
