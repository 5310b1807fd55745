//! Path MTU discovery with clients behind a router.
//!
//! The router's link to the clients has a smaller MTU than the server's link.

use std::process::Command;

use crate::common::link::{KERNEL, SERVER, on_tap_and_tun};
use crate::common::netns::output;
use crate::common::peer::{Peer, python};

#[test]
fn a_client_behind_a_narrow_link_is_served() {
    on_tap_and_tun("a_client_behind_a_narrow_link_is_served", |link| {
        for (number, offload) in [&[][..], &["--no-offload"]].into_iter().enumerate() {
            let client = python::command("narrow_link");
            let mut command = Command::new("unshare");
            command.arg("-n").arg(client.get_program()).args(client.get_args());
            let mut client = Peer::start(command.args(SERVER));
            client.wait_for("ready", |out| out.starts_with("ready"));
            let near = format!("near{number}-{}", link.name());
            ip(&format!("link add {near} type veth peer name v1"));
            ip(&format!("link set v1 netns {}", client.id()));
            ip(&format!("link set {near} mtu 1400"));
            ip(&format!("address add 10.7.0.1/24 dev {near}"));
            ip(&format!("address add fdbb::1/64 dev {near} nodad"));
            ip(&format!("link set {near} up"));
            std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
            std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
            let arguments = [&["chargen", "echo", "--gateway", KERNEL[0], "--gateway", KERNEL[1]], offload].concat();
            let server = link.serve(&arguments, 6);
            client.type_in(b"begin\n");
            let client = client.finish();
            assert!(client.code() == Some(0) && client.out().ends_with("served\n"), "{offload:?} {client:?}");
            server.stop();
            // The interface might already be deleted, together with the client's namespace.
            let _gone = output(Command::new("ip").args(["link", "del", &near])).unwrap();
        }
    });
}

fn ip(line: &str) {
    let output = output(Command::new("ip").args(line.split(' '))).unwrap();
    assert!(output.status.success(), "ip {line}: {}", String::from_utf8_lossy(&output.stderr));
}
