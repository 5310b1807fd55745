//! Pings from and to the kernel that are too long for one packet, so requests and replies are sent in fragments.

use std::process::Command;

use crate::common::link::{KERNEL, SERVER, on_tap_and_tun};
use crate::common::peer::{Peer, smolstep};

#[test]
fn a_ping_in_fragments_is_answered_in_fragments() {
    on_tap_and_tun("a_ping_in_fragments_is_answered_in_fragments", |link| {
        let server = link.serve(&["echo"], 4);
        for address in SERVER {
            // The last size is the largest that smolstep answers over IPv6. Including the ICMP header (8 bytes) and the
            // IPv6 header (40 bytes), the packet is 65,535 bytes long.
            for size in ["1452", "1453", "1472", "1473", "3000", "60000", "65487"] {
                for _ in 0..3 {
                    // ping's -W applies only to the first answer of a run, so each run sends one request.
                    let mut ping = Command::new("ping");
                    let ping = Peer::start(ping.args(["-c", "1", "-W", "60", "-s", size, address])).finish();
                    assert!(ping.code() == Some(0) && ping.out().contains(" 1 received"), "{size}: {ping:?}");
                }
            }
        }
        server.stop();
    });
}

#[test]
fn a_long_ping_to_the_kernel_is_sent_in_fragments() {
    on_tap_and_tun("a_long_ping_to_the_kernel_is_sent_in_fragments", |link| {
        for address in KERNEL {
            for size in ["1453", "1473", "60000", "65487"] {
                let mut ping = smolstep();
                ping.args(["ping", address, "-c", "2", "-i", "0.01", "-s", size]).args(link.arguments());
                let run = Peer::start(&mut ping).finish();
                assert!(run.code() == Some(0) && run.out().contains("2 received"), "{size}: {run:?}");
            }
        }
    });
}
