//! Runs the Python peers in tests/peers, which use the kernel's sockets.

use std::net::IpAddr;
use std::process::Command;

use super::Peer;

/// Returns the command `python3 tests/peers/NAME.py`. The command writes no compiled files.
pub fn command(name: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-B", "-X", "utf8"]).arg(format!("{}/tests/peers/{name}.py", env!("CARGO_MANIFEST_DIR")));
    command
}

/// Starts tests/peers/NAME.py with `arguments`.
pub fn run(name: &str, arguments: &[&str]) -> Peer {
    Peer::start(command(name).args(arguments))
}

/// Starts a server on an address and port, and waits until it is ready.
pub fn server(name: &str, address: IpAddr, port: u16) -> Peer {
    server_with(name, address, port, &[])
}

/// Starts a server with further arguments, and waits until it is ready.
pub fn server_with(name: &str, address: IpAddr, port: u16, arguments: &[&str]) -> Peer {
    let peer = run(name, &[&[&address.to_string()[..], &port.to_string()], arguments].concat());
    peer.wait_for("ready", |out| out.starts_with("ready"));
    peer
}
