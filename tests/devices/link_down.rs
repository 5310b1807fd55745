//! Clients whose link is down, or goes down.
//!
//! The clients exit after a timeout or on Ctrl-C, and print one line.

use crate::common::link::{KERNEL, Link, SERVER, connect, on_tap, on_tap_and_tun};
use crate::common::netns::{down, up};
use crate::common::peer::{Finished, Peer, python, smolstep};

#[test]
fn get_ends_when_its_link_goes_down() {
    on_tap_and_tun("get_ends_when_its_link_goes_down", |link| {
        goes_down(link, &["get", "http://192.168.69.100/"], "timed out waiting for the server");
    });
}

#[test]
fn call_ends_when_its_link_goes_down() {
    on_tap_and_tun("call_ends_when_its_link_goes_down", |link| {
        // The text is longer than the server's answer.
        let text = "x".repeat(200);
        goes_down(link, &["call", "echo", "192.168.69.100:80", &text], "timed out");
    });
}

#[test]
fn a_client_says_that_its_link_is_down() {
    on_tap("a_client_says_that_its_link_is_down", |link| {
        down(link.name());
        for arguments in CLIENTS {
            let client = start(link, arguments, "100ms");
            assert_failed(&client.finish(), DOWN);
            let waiting = start(link, arguments, "1h");
            waiting.wait_for_log(DOWN, 1);
            waiting.interrupt();
            assert_failed(&waiting.finish(), "interrupted");
        }
    });
}

#[test]
fn a_server_waits_for_its_link() {
    on_tap("a_server_waits_for_its_link", |link| {
        down(link.name());
        let mut command = smolstep();
        let server = Peer::start(command.args(["serve", "echo"]).args(link.arguments()));
        server.wait_for_log(DOWN, 1);
        up(link.name());
        let server = server.listening(4);
        drop(connect(SERVER[0], 7));
        server.stop();
    });
}

const CLIENTS: [&[&str]; 4] = [
    &["get", "http://192.168.69.100/"],
    &["call", "echo", "192.168.69.100", "hi"],
    &["ping", "192.168.69.100", "-c", "1"],
    &["resolve", "host.example", "--dns", "192.168.69.100"],
];

const DOWN: &str = "nothing can be sent on tap0: set it up with `sudo ip link set tap0 up`";

/// Starts a client, and sets the link down after a server has sent half of its answer. Asserts that the client's error
/// contains `why`.
fn goes_down(link: Link, client: &[&str], why: &str) {
    let half = python::server("http_half", KERNEL[0].parse().unwrap(), 80);
    let client = start(link, client, "3s");
    half.wait_for("request", |out| out.contains("asked"));
    down(link.name());
    assert_failed(&client.finish(), why);
}

/// Starts a client on this link.
fn start(link: Link, arguments: &[&str], timeout: &str) -> Peer {
    let mut command = smolstep();
    Peer::start(command.env("RUST_LOG", "warn").args(arguments).args(["--timeout", timeout]).args(link.arguments()))
}

/// Asserts that a client has failed, and that its last line contains `why`.
#[track_caller]
fn assert_failed(client: &Finished, why: &str) {
    let err = client.err();
    let last = err.lines().last().unwrap_or_default();
    assert!(client.code() == Some(1) && last.starts_with("smolstep: ") && last.contains(why), "{client:?}");
}
