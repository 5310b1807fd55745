//! The network: the servers' namespace, the client's namespace, and the relay between them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::thread::UnshareFlags;
use smolstep::phy::linux::{Kind, create};

use super::relay::{Faults, relay};
use super::server::{Program, SERVERS, Smolstep, listen, serve, stop};
use super::transfer::Transfer;

/// The name of smolstep's TAP.
pub const TAP: &str = "tap0";
/// The address of smolstep.
pub const SMOLSTEP: Ipv4Addr = Ipv4Addr::new(192, 168, 70, 1);
/// The address of Linux's server.
pub const LINUX: Ipv4Addr = Ipv4Addr::new(192, 168, 70, 10);
/// The address of the client.
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 70, 100);
/// The prefix length of all three addresses.
pub const PREFIX: u8 = 24;

/// A path from the client to two servers, smolstep and Linux, which are at the same end.
pub struct Path {
    program: Program,
    faults: Faults,
    seed: u64,
}

impl Path {
    /// Describes a path, without creating it.
    ///
    /// # Errors
    /// Returns an error if this machine has no `ip`.
    pub fn new(program: Program, faults: Faults, seed: u64) -> Result<Self, String> {
        ip("-V").map(|()| Path { program, faults, seed })
    }

    /// Runs `client` with each server in turn, `rounds` times. Returns the results of smolstep, then the results of
    /// Linux.
    ///
    /// # Errors
    /// Returns a one-line message for the user.
    pub fn measure(
        &self,
        rounds: u16,
        client: impl Fn(SocketAddr) -> Result<Transfer, String> + Send,
    ) -> Result<[Vec<Transfer>; 2], String> {
        let over = &AtomicBool::new(false);
        let (client_tap, client_taps) = std::sync::mpsc::channel::<OwnedFd>();
        let servers_tap = &serve_side()?;
        let listener = &listen(self.program)?;
        let smolstep = Smolstep::start(self.program)?;
        let result = thread::scope(|scope| {
            scope.spawn(move || serve(listener, self.program, over));
            let clients = scope.spawn(move || {
                client_tap.send(client_side()?).map_err(|error| error.to_string())?;
                let mut results = [Vec::new(), Vec::new()];
                for _ in 0..rounds {
                    for (server, results) in SERVERS.into_iter().zip(&mut results) {
                        results.push(client((server, self.program.port()).into())?);
                    }
                }
                Ok(results)
            });
            // If the client's side failed, `join` below returns the reason.
            let (faults, seed) = (self.faults, self.seed);
            let tap = client_taps.recv().ok();
            let relay = tap.map(|tap| scope.spawn(move || relay([servers_tap, &tap], faults, seed, over)));
            let results = clients.join().unwrap_or_else(|_| Err("the client panicked".into()));
            over.store(true, Ordering::Release);
            stop(listener);
            match relay.map(|relay| relay.join()) {
                Some(Ok(Err(error))) => Err(format!("the relay: {error}")),
                Some(Err(_)) => Err("the relay panicked".into()),
                Some(Ok(Ok(()))) | None => results,
            }
        });
        drop(smolstep);
        for link in ["br0", "path0", TAP] {
            ip(&format!("link delete {link}"))?;
        }
        result
    }
}

/// Creates the servers' end in this namespace: smolstep's TAP and the relay's TAP on a bridge. Returns the relay's TAP.
fn serve_side() -> Result<OwnedFd, String> {
    let relay = create(Kind::Tap, "path0").map_err(|error| error.to_string())?;
    let _attached_until_up = create(Kind::Tap, TAP).map_err(|error| error.to_string())?;
    ip("link add br0 type bridge")?;
    for link in [TAP, "path0"] {
        ip(&format!("link set {link} master br0 up"))?;
    }
    ip("link set br0 up")?;
    ip(&format!("address add {LINUX}/{PREFIX} dev br0"))?;
    Ok(relay)
}

/// Moves this thread into a new namespace, and creates the client's TAP in that namespace. Returns the TAP's file for
/// the relay.
fn client_side() -> Result<OwnedFd, String> {
    unshare().map_err(|error| format!("the client's network namespace: {error}"))?;
    let relay = create(Kind::Tap, "path1").map_err(|error| error.to_string())?;
    ip(&format!("address add {}/{PREFIX} dev path1", IpAddr::from(CLIENT)))?;
    ip("link set path1 up")?;
    Ok(relay)
}

/// Runs `ip` with these arguments.
fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output().map_err(|error| format!("ip: {error}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    output.status.success().then_some(()).ok_or_else(|| format!("ip {arguments}: {}", complaint.trim()))
}

// rustix deprecates this function because it is unsound with CLONE_FILES, which is not used here. Its `unsafe`
// successor differs only in that respect.
#[allow(deprecated)]
fn unshare() -> rustix::io::Result<()> {
    rustix::thread::unshare(UnshareFlags::NEWNET)
}
