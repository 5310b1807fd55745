//! smoltcp alone: its TunTapInterface, one SocketSet, and the loop of its benchmark.
//!
//! The main difference from smoltcp's example is the payload, which follows a pattern and is checked.

use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};

use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::{Medium, TunTapInterface, wait};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

use super::deadline::Miss;
use super::network::{PREFIX, SERVER, TAP};
use super::pattern::Pattern;
use super::server::{Check, Duty, scoped_server};
use super::stack::{receive, send};

/// The port of the example's socket that sends.
const SENDS: u16 = 1234;
/// The port of the example's socket that receives.
const RECEIVES: u16 = 1235;

/// The size of each socket buffer in the example, in bytes.
const BUFFER: usize = 65_535;

/// The longest wait for a frame. The example waits for a second, but with a shorter wait, the loop notices the end of
/// the run sooner.
const IDLE: Duration = Duration::from_millis(50);

/// Runs a client against smoltcp on the TAP.
///
/// # Errors
/// Returns the error from the client or the device. The device panics if the TAP fails.
pub fn with_tuntap<T>(duty: &Duty, client: impl FnOnce(SocketAddr) -> Result<T, Miss>) -> Result<T, Miss> {
    let (port, check) = match duty {
        Duty::Receive(check) => (RECEIVES, check.clone()),
        Duty::Send => (SENDS, Check::default()),
        Duty::Greet => return Err(Miss::failed("smoltcp's example has no greeting")),
    };
    let over = AtomicBool::new(false);
    let (ready, is_ready) = mpsc::sync_channel(1);
    // The device cannot move to another thread.
    let server = || {
        let device = TunTapInterface::new(TAP, Medium::Ethernet);
        device.and_then(|device| serve(device, &check, &over, ready)).map_err(Miss::at("smoltcp's TunTapInterface"))
    };
    let stop = || over.store(true, Ordering::Release);
    // If the server has returned, `recv` returns an error.
    let client = || is_ready.recv().map_err(Miss::failed).and_then(|()| client((SERVER, port).into()));
    scoped_server(("bench-tuntap", "smoltcp's TunTapInterface"), server, stop, client)
}

/// Runs the loop of smoltcp's example until `over` is set: one socket sends the payload, and one receives and checks
/// it.
fn serve(mut device: TunTapInterface, check: &Check, over: &AtomicBool, ready: SyncSender<()>) -> std::io::Result<()> {
    let file = device.as_raw_fd();
    let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 1]).into());
    config.random_seed = 1;
    let mut iface = Interface::new(config, &mut device, Instant::now());
    iface.update_ip_addrs(|addresses| {
        // The push succeeds, because the list is empty.
        let _ = addresses.push(IpCidr::new(IpAddress::from(SERVER), PREFIX));
    });
    let mut sockets = SocketSet::new(Vec::new());
    let [sends, receives] = [(); 2].map(|()| {
        let [receive, send] = [(); 2].map(|()| SocketBuffer::new(vec![0; BUFFER]));
        let mut socket = Socket::new(receive, send);
        // By default, smoltcp uses no congestion control. A feature that this program enables changes that default.
        socket.set_congestion_control(CongestionControl::None);
        sockets.add(socket)
    });
    for (handle, port) in [(sends, SENDS), (receives, RECEIVES)] {
        let _ = sockets.get_mut::<Socket<'_>>(handle).listen(port);
    }
    // Sending fails if the client has already returned.
    let _ = ready.send(());
    let (mut sent, mut received, mut bytes) = (Pattern::default(), Pattern::default(), 0);
    while !over.load(Ordering::Acquire) {
        let now = Instant::now();
        iface.poll(now, &mut device, &mut sockets);

        let socket = sockets.get_mut::<Socket<'_>>(sends);
        if !socket.is_open() {
            let _ = socket.listen(SENDS);
        }
        send(socket, &mut sent);

        let socket = sockets.get_mut::<Socket<'_>>(receives);
        if !socket.is_open() {
            let _ = socket.listen(RECEIVES);
        }
        bytes += receive(socket, &mut received, check);
        // The example leaves the connection open. This server closes it, because the client waits for the close.
        if bytes > 0 && !socket.may_recv() && socket.may_send() {
            check.ended(bytes);
            socket.close();
        }

        match iface.poll_at(now, &sockets) {
            Some(at) if now < at => wait(file, Some((at - now).min(IDLE)))?,
            Some(_) => {}
            None => wait(file, Some(IDLE))?,
        }
    }
    Ok(())
}
