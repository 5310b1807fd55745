//! The firmware of the lm3s6965evb with all programs except chat and the status page.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::app::{Basic, BasicUdp};
    use smolstep::board::{self, lm3s6965evb::Lm3s6965evb};
    use smolstep::stack::{Pool, UdpSession};

    const PORTS: usize = BasicUdp::PORTS;

    /// The number of connections. There is one fewer with the feature `ipv6`, which needs its memory.
    const CONNECTIONS: usize = if cfg!(feature = "ipv6") { 7 } else { 8 };

    #[cortex_m_rt::entry]
    fn main() -> ! {
        // Serves all programs except chat and the status page.
        //
        // After CONNECTIONS come the sizes, in bytes, of each connection's receive buffer and send buffer. Each UDP
        // port can queue one datagram. The pool is on the call stack, because nearly all of this board's memory is
        // reserved for the call stack.
        let mut pool =
            const { Pool::<Basic, BasicUdp, CONNECTIONS, 1460, 1460, PORTS, 1, { board::UDP_PAYLOAD }>::new() };
        board::serve::<Lm3s6965evb>(pool.memory())
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run lm3s6965evb");
}
