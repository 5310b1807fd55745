//! Runs a program in its own network namespace. The kernel of the test's namespace is the program's router.

use std::process::Command;

use super::netns::output;
use super::peer::Peer;

/// The addresses of the program.
pub const FAR: [&str; 2] = ["10.7.0.2", "fdbb::2"];
/// The addresses of the router on the program's link.
const ROUTER: [&str; 2] = ["10.7.0.1", "fdbb::1"];

/// The script that runs in the new namespace. It waits until the test has moved the interface v1 into the namespace,
/// and then runs the program. The kernel announces the MSS of a link with an MTU of 1500, but sends packets that fit
/// the router's MTU.
const SCRIPT: &str = "echo ready; read -r _; mtu=$1; shift
    ip address add 10.7.0.2/24 dev v1; ip address add fdbb::2/64 dev v1 nodad; ip link set v1 up
    ip route add default via 10.7.0.1 mtu $mtu advmss 1460; ip -6 route add default via fdbb::1 mtu $mtu advmss 1440
    exec \"$@\"";

/// Starts a program behind the router, which forwards packets of at most `mtu` bytes to the program.
pub fn start(program: &Command, mtu: u16) -> Peer {
    // Removes the interface of an earlier call.
    let _gone = output(Command::new("ip").args(["link", "del", "near"])).unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["-n", "sh", "-c", SCRIPT, "sh", &mtu.to_string()])
        .arg(program.get_program())
        .args(program.get_args());
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut peer = Peer::start(&mut command);
    peer.wait_for("ready", |out| out.starts_with("ready"));
    ip("link add near type veth peer name v1");
    ip(&format!("link set v1 netns {}", peer.id()));
    ip(&format!("link set near mtu {mtu}"));
    ip(&format!("address add {}/24 dev near", ROUTER[0]));
    ip(&format!("address add {}/64 dev near nodad", ROUTER[1]));
    ip("link set near up");
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
    std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
    peer.type_in(b"begin\n");
    peer
}

fn ip(line: &str) {
    let output = output(Command::new("ip").args(line.split(' '))).unwrap();
    assert!(output.status.success(), "ip {line}: {}", String::from_utf8_lossy(&output.stderr));
}
