//! The board's cable under the test's control: it carries the test's own frames, or leads to tap0 with losses.

use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use smolstep::phy::linux::{Kind, TunTap};
use smoltcp::phy::{Device, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use crate::common::hostile::frame::{SERVER, SERVER_MAC, ether, neighbour};
use crate::common::link::PATIENCE;

/// Its other end, for QEMU: a datagram on the namespace's own loopback interface is a frame.
pub const NETDEV: &str = "socket,id=n0,udp=127.0.0.1:7000,localaddr=127.0.0.1:7001";

/// This end.
pub struct Wire(UdpSocket);

/// Where a frame goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    ToBoard,
    ToKernel,
}

/// Carries frames between tap0 and a board until it is dropped.
pub struct Relay {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Somebody who only asks whether the board is there.
const ASKER: [u8; 4] = neighbour(250);
const ASKER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 250];

impl Wire {
    /// To be made before the board boots.
    pub fn new() -> Wire {
        let socket = UdpSocket::bind("127.0.0.1:7000").unwrap();
        socket.connect("127.0.0.1:7001").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Wire(socket)
    }

    /// Sends a frame. More than the board's controller holds are lost: see [`Wire::settle`].
    pub fn send(&self, frame: &[u8]) {
        // An empty datagram is the end of the cable to QEMU.
        if !frame.is_empty() {
            self.0.send(frame).unwrap();
        }
    }

    /// The next frame of the board's.
    ///
    /// # Panics
    /// If none comes.
    pub fn receive(&self) -> Vec<u8> {
        let mut frame = vec![0; 2048];
        let len = self.0.recv(&mut frame).unwrap_or_else(|e| panic!("no frame of the board: {e}"));
        frame.truncate(len);
        frame
    }

    /// Waits until the board has taken in all that was sent: it answers an ARP request then.
    pub fn settle(&self) {
        self.find(ASKER_MAC, ASKER);
    }

    /// Asks for the board's hardware address, and so tells it one's own.
    pub fn find(&self, mac: [u8; 6], address: [u8; 4]) {
        let request = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac, &address, &[0; 6], &SERVER].concat();
        self.send(&ether(Medium::Ethernet, [0xff; 6], mac, 0x0806, request));
        let reply =
            [&mac[..], &SERVER_MAC, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2], &SERVER_MAC, &SERVER, &mac, &address].concat();
        while !self.receive().starts_with(&reply) {}
    }

    /// Joins it with tap0. `change` is told of each frame and says what arrives.
    pub fn relay(self, mut change: impl FnMut(Way, Vec<u8>) -> Option<Vec<u8>> + Send + 'static) -> Relay {
        let mut tap = TunTap::open(Kind::Tap, "tap0").unwrap();
        self.0.set_nonblocking(true).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let now = Instant::ZERO;
        let thread = thread::spawn(move || {
            let mut frame = vec![0; 2048];
            while !stopping.load(Ordering::Relaxed) {
                // Ends at once when there is a frame.
                tap.wait(Some(Duration::from_millis(100)), &[self.0.as_fd()]).unwrap();
                while let Some((token, _)) = tap.receive(now) {
                    let frame = token.consume(<[u8]>::to_vec);
                    if let Some(frame) = change(Way::ToBoard, frame) {
                        self.send(&frame);
                    }
                }
                while let Ok(len) = self.0.recv(&mut frame) {
                    let Some(frame) = change(Way::ToKernel, frame[..len].to_vec()) else { continue };
                    // As a wire does: what cannot be taken is lost.
                    if let Some(token) = tap.transmit(now) {
                        token.consume(frame.len(), |place| place.copy_from_slice(&frame));
                    }
                }
            }
        });
        Relay { stop, thread: Some(thread) }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // What it panicked with has been printed.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
