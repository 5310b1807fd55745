//! The firmware of the mps2-an505 with all programs except chat and the status page.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::app::{Basic, BasicUdp};
    use smolstep::board::{self, mps2_an505::Mps2An505};
    use smolstep::stack_memory;

    stack_memory!(static MEMORY:
        tcp: [Basic<'static>; 8], receive: 1072, send: 1460,
        udp: BasicUdp<'static>, datagrams: 1, payload: board::UDP_PAYLOAD);

    #[cortex_m_rt::entry]
    fn main() -> ! {
        board::serve::<Mps2An505>(MEMORY.take())
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run mps2-an505");
}
