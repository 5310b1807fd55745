//! The environment variables RUST_LOG and NO_COLOR at a terminal. `smolstep --help` documents both variables.

use crate::common::link::{SERVER, connect, on_tap};
use crate::common::terminal::{left_well, start};

const SMOLSTEP: &str = env!("CARGO_BIN_EXE_smolstep");

/// The first character of an escape sequence that changes the colour or weight.
const ESCAPE: char = '\x1b';

#[test]
fn no_color_leaves_log_lines_plain_and_rust_log_selects_them() {
    on_tap("no_color_leaves_log_lines_plain_and_rust_log_selects_them", |_| {
        for (environment, colored, accepted, debug) in [
            (&["NO_COLOR="][..], true, true, false),
            (&["NO_COLOR=1"], false, true, false),
            (&["NO_COLOR=0", "RUST_LOG=debug"], false, true, true),
            (&["NO_COLOR=", "RUST_LOG=warn"], false, false, false),
        ] {
            let serve = [SMOLSTEP, "serve", "ack", "--tap", "tap0"];
            let mut server = start(&[&["env", "-u", "RUST_LOG_STYLE"], environment, &serve].concat()).listening(2);
            let mut client = connect(SERVER[0], 9998);
            crate::common::link::send(&mut client, "hello\n");
            crate::common::link::expect_last(&mut client, "ACK");
            server.wait_for("the message", |out| out.contains("hello"));
            drop(client);
            server.type_in(b"\x03");
            let server = server.finish();
            left_well(&server);
            let out = server.out();
            assert_eq!(out.contains(ESCAPE), colored, "{environment:?}: {out:?}");
            assert_eq!(out.contains("accepted 192.168.69.100:"), accepted, "{environment:?}: {out:?}");
            assert_eq!(out.contains("DEBUG"), debug, "{environment:?}: {out:?}");
        }
    });
}

#[test]
fn no_color_leaves_the_ladder_and_the_help_plain() {
    // The lab colours only rows with faults.
    let lab = ["lab", "--fault", "drop server synack 1"];
    for arguments in [&lab[..], &["--help"], &["help", "serve"]] {
        for (environment, colored) in [("NO_COLOR=", true), ("NO_COLOR=1", false)] {
            let run = start(&[&["env", environment, SMOLSTEP], arguments].concat()).finish();
            left_well(&run);
            assert_eq!(run.out().contains(ESCAPE), colored, "{environment} {arguments:?}: {}", run.out());
        }
    }
}
