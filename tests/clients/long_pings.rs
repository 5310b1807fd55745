//! The kernel's pings that are too long for one packet. Each reply leaves in fragments.

use std::process::Command;

use crate::common::link::{SERVER, on_tap_and_tun};
use crate::common::peer::Peer;

#[test]
fn a_ping_in_fragments_is_answered_in_fragments() {
    on_tap_and_tun("a_ping_in_fragments_is_answered_in_fragments", |link| {
        let server = link.serve(&["echo"], 4);
        // The last size is the longest that is put together here.
        for size in ["1472", "1473", "3000", "16356"] {
            for _ in 0..3 {
                // Of several in one run, -W is for the first answer alone.
                let mut ping = Command::new("ping");
                let ping = Peer::start(ping.args(["-c", "1", "-W", "60", "-s", size, SERVER[0]])).finish();
                assert!(ping.code() == Some(0) && ping.out().contains(" 1 received"), "{size}: {ping:?}");
            }
        }
        server.stop();
    });
}
