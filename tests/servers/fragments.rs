//! TCP segments that a router has fragmented.
//!
//! The kernel acts as the router. The link to the server has a smaller MTU than the link to the client.

use std::process::Command;

use crate::common::link::{KERNEL, SERVER, on_tap_and_tun};
use crate::common::netns::output;
use crate::common::peer::{Peer, python};

#[test]
fn a_client_behind_a_router_that_fragments_is_served() {
    on_tap_and_tun("a_client_behind_a_router_that_fragments_is_served", |link| {
        let client = python::command("behind_router");
        let mut command = Command::new("unshare");
        command.arg("-n").arg(client.get_program()).args(client.get_args());
        let mut client = Peer::start(command.args(["10.7.0.2", "10.7.0.1", SERVER[0]]));
        client.wait_for("ready", |out| out.starts_with("ready"));
        let near = format!("near-{}", link.name());
        ip(&format!("link add {near} type veth peer name v1"));
        ip(&format!("link set v1 netns {}", client.id()));
        ip(&format!("address add 10.7.0.1/24 dev {near}"));
        ip(&format!("link set {near} up"));
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        let server = link.serve(&["echo", "--gateway", KERNEL[0]], 4);
        // The server announces an MSS of 1,460 bytes, because the MTU decreases only after its start.
        ip(&format!("link set {} mtu 1000", link.name()));
        let before = fragments_made();
        client.type_in(b"begin\n");
        let client = client.finish();
        assert!(client.code() == Some(0) && client.out().ends_with("echoed\n"), "{client:?}");
        assert!(fragments_made() >= before + 40);
        server.stop();
        // The interface might already be deleted, together with the client's namespace.
        let _gone = output(Command::new("ip").args(["link", "del", &near])).unwrap();
    });
}

fn ip(line: &str) {
    let output = output(Command::new("ip").args(line.split(' '))).unwrap();
    assert!(output.status.success(), "ip {line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Returns the number of IPv4 fragments that the kernel has created in this namespace.
fn fragments_made() -> u64 {
    let counts = std::fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
    let mut lines = counts.lines().filter_map(|line| line.strip_prefix("Ip: "));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let place = names.split(' ').position(|name| name == "FragCreates").unwrap();
    values.split(' ').nth(place).unwrap().parse().unwrap()
}
