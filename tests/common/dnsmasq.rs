//! dnsmasq on the kernel's end of a TAP: DHCP, DNS and router advertisements.

use std::process::Command;
use std::thread::yield_now;
use std::time::Instant;

use super::Scratch;
use super::far;
use super::link::{KERNEL, Link, PATIENCE};
use super::netns::output;
use super::peer::Peer;
use super::skip;

/// A running dnsmasq and the file of its leases.
pub struct Dnsmasq {
    peer: Peer,
    leases: Scratch,
}

/// Starts dnsmasq on a link. In addition to `options`, dnsmasq gets options that isolate it from the machine's
/// settings.
///
/// Returns `None` if dnsmasq is not installed. The test is then skipped: see [`skip`].
pub fn start(link: Link, options: &[&str]) -> Option<Dnsmasq> {
    let leases = Scratch::new("leases");
    let peer = Peer::start(&mut command(link.name(), &leases, options)?);
    peer.wait_for_log("started", 1);
    Some(Dnsmasq { peer, leases })
}

/// Starts dnsmasq behind a router, at [`FAR`](far::FAR). Otherwise, the function works like [`start`].
pub fn start_far(options: &[&str]) -> Option<Dnsmasq> {
    let leases = Scratch::new("leases");
    let peer = far::start(&command("v1", &leases, options)?, 1500);
    peer.wait_for_log("started", 1);
    Some(Dnsmasq { peer, leases })
}

/// Returns the command that starts dnsmasq on an interface, or `None` if dnsmasq is not installed.
fn command(interface: &str, leases: &Scratch, options: &[&str]) -> Option<Command> {
    let mut command = Command::new("dnsmasq");
    // On Debian, dnsmasq is in /usr/sbin, which is only in root's PATH.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    if output(command.arg("--version")).is_err() {
        skip("dnsmasq", "no dnsmasq (Debian's package dnsmasq-base)");
        return None;
    }
    let mut command = Command::new("dnsmasq");
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command.args([
        "--no-daemon",
        "--user=root",
        "--group=root",
        "--conf-file=/dev/null",
        "--pid-file=",
        "--no-resolv",
        "--no-hosts",
        "--no-ping",
        "--log-dhcp",
        "--local=/example/",
        "--bind-interfaces",
        "--except-interface=lo",
    ]);
    command.arg(format!("--interface={interface}"));
    command.arg(format!("--dhcp-leasefile={}", leases.path()));
    command.args(options);
    Some(command)
}

/// Returns dnsmasq's options for a range of IPv4 addresses, with the kernel as the router. Clients renew their leases
/// every three seconds.
pub fn range(first: u8, last: u8) -> Vec<String> {
    vec![
        format!("--dhcp-range=192.168.69.{first},192.168.69.{last},255.255.255.0,2m"),
        format!("--dhcp-option=option:router,{}", KERNEL[0]),
        // Three seconds is the shortest T1 that dnsmasq accepts.
        "--dhcp-option=58,3".into(),
        "--dhcp-authoritative".into(),
    ]
}

impl Dnsmasq {
    /// Returns dnsmasq's log so far.
    pub fn log(&self) -> String {
        self.peer.err()
    }

    /// Waits until dnsmasq's log contains `text`.
    pub fn wait_for(&self, text: &str) {
        self.peer.wait_for_log(text, 1);
    }

    /// Waits until `times` lines of dnsmasq's log contain `text`.
    pub fn wait_for_times(&self, text: &str, times: usize) {
        self.peer.wait_for_log(text, times);
    }

    /// Returns the contents of dnsmasq's lease file, which contains a line for each lease.
    pub fn leases(&self) -> String {
        std::fs::read_to_string(&self.leases).unwrap_or_default()
    }

    /// Waits until the lease file is empty. dnsmasq can log a release before it writes the file.
    ///
    /// # Panics
    /// Panics if the file still contains a lease after [`PATIENCE`].
    pub fn wait_for_no_lease(&self) {
        let until = Instant::now() + PATIENCE;
        while !self.leases().is_empty() {
            assert!(Instant::now() < until, "{}", self.leases());
            yield_now();
        }
    }

    /// Kills dnsmasq.
    pub fn stop(self) {
        self.peer.kill();
    }
}
