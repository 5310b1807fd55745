//! The firmware of the lm3s6965evb: every program at once.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::app::{Basic, BasicUdp};
    use smolstep::board::{self, lm3s6965evb::Lm3s6965evb};
    use smolstep::stack_memory;

    stack_memory!(static MEMORY:
        tcp: [Basic<'static>; 8], receive: 1460, send: 1460,
        udp: BasicUdp<'static>, datagrams: 1, payload: board::UDP_PAYLOAD);

    #[cortex_m_rt::entry]
    fn main() -> ! {
        board::serve::<Lm3s6965evb>(MEMORY.take())
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run lm3s6965evb");
}
