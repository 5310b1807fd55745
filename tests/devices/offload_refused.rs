//! Kernels that support only part of the offload.
//!
//! strace simulates these kernels, by making some system calls fail.

use std::process::Command;

use crate::common::Scratch;
use crate::common::link::{Link, SERVER, on_tap};
use crate::common::netns::output;
use crate::common::peer::{Peer, nc};
use crate::common::skip;

#[test]
fn missing_offload_is_reported_once_and_done_in_software() {
    on_tap("missing_offload_is_reported_once_and_done_in_software", |link| {
        if let Err(error) = output(Command::new("strace").arg("--version")) {
            return skip("strace", &format!("strace: {error}; on Debian: apt-get install strace"));
        }
        // The numbers of the two ioctl calls that request offload, counted from 1.
        let trace = Scratch::new("trace");
        serve(link, &trace, &[]).stop();
        let calls = std::fs::read_to_string(&trace).unwrap();
        let calls: Vec<_> = calls.lines().filter(|line| line.contains(" ioctl(")).collect();
        let number = |what| 1 + calls.iter().position(|line| line.contains(what)).expect("it asks");
        let (header, flags) = (number("TUNSETIFF"), number("TUNSETOFFLOAD"));

        let data = "0123456789".repeat(100_000);
        for (refused, what) in [
            (format!("{header}"), "offload"),
            (format!("{flags}"), "segmentation offload for IPv6"),
            (format!("{flags}..{}", flags + 1), "segmentation offload to this program"),
            (format!("{flags}..{}", flags + 2), "checksum and segmentation offload to this program"),
        ] {
            let inject = format!("--inject=ioctl:error=EINVAL:when={refused}");
            let server = serve(link, &trace, &[&inject]);
            for address in SERVER {
                assert!(nc(&["-N", address, "7"], data.as_bytes()).out() == data, "{what}, {address}");
            }
            let said = server.stop().err();
            assert!(
                said.contains(&format!("INFO ] tap0: the kernel does not offer {what}; transfers are slower")),
                "{said}"
            );
            assert_eq!(said.matches("does not offer").count(), 1, "{said}");
        }
    });
}

/// Starts an echo server under strace, which writes the server's ioctl calls to a file. With -D, signals from the test
/// go to the server instead of strace.
fn serve(link: Link, trace: &Scratch, options: &[&str]) -> Peer {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-e", "trace=ioctl", "-o", trace.path()]).args(options);
    command.args([env!("CARGO_BIN_EXE_smolstep"), "serve", "echo"]).args(link.arguments());
    Peer::start(&mut command).listening(4)
}
