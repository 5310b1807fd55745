//! Firmware for the mps2-an385: calls a greeting server, then stops QEMU with the result. The server's address is
//! 192.168.69.100, unless the variable SMOLSTEP_SERVER named another host when the firmware was built.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware {
    use smolstep::app::Program;
    use smolstep::board::{self, mps2_an385::Mps2An385};

    #[cortex_m_rt::entry]
    fn main() -> ! {
        // The client sends these three names to TCP port 9999.
        board::call::<Mps2An385>(Program::Greeting, 9999, &[b"Li", b"Cheng", b"victor"])
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is for a board: scripts/firmware run mps2-an385-client");
}
