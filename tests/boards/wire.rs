//! The board's cable, which the test controls. The cable carries the test's own frames, or connects the board to tap0.

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

/// QEMU's end of the cable. Each UDP datagram on the loopback interface of the namespace is a frame.
pub const NETDEV: &str = "socket,id=n0,udp=127.0.0.1:7000,localaddr=127.0.0.1:7001";

/// The test's end of the cable.
pub struct Wire(UdpSocket);

/// The direction of a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    ToBoard,
    ToKernel,
}

/// A relay that carries frames between tap0 and a board until it is dropped.
pub struct Relay {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The address of a host that only sends ARP requests. The board's reply shows that the board has processed all earlier
/// frames.
const ASKER: [u8; 4] = neighbour(250);
/// The hardware address of [`ASKER`].
const ASKER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 250];

impl Wire {
    /// Opens the test's end. The board must boot after this call.
    pub fn new() -> Wire {
        let socket = UdpSocket::bind("127.0.0.1:7000").unwrap();
        socket.connect("127.0.0.1:7001").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Wire(socket)
    }

    /// Sends a frame. If the buffer of the board's controller is full, the frame is lost: see [`Wire::settle`].
    pub fn send(&self, frame: &[u8]) {
        // QEMU would treat an empty datagram as the end of the connection.
        if !frame.is_empty() {
            self.0.send(frame).unwrap();
        }
    }

    /// Receives the next frame from the board.
    ///
    /// # Panics
    /// Panics if no frame arrives.
    pub fn receive(&self) -> Vec<u8> {
        let mut frame = vec![0; 2048];
        let len = self.0.recv(&mut frame).unwrap_or_else(|e| panic!("no frame of the board: {e}"));
        frame.truncate(len);
        frame
    }

    /// Waits until the board has received all frames sent so far. After them, the test sends an ARP request and waits
    /// for the reply.
    pub fn settle(&self) {
        self.find(ASKER_MAC, ASKER);
    }

    /// Sends an ARP request for the board's hardware address, and waits for the reply. The board learns `mac` from the
    /// request.
    pub fn find(&self, mac: [u8; 6], address: [u8; 4]) {
        let request = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac, &address, &[0; 6], &SERVER].concat();
        self.send(&ether(Medium::Ethernet, [0xff; 6], mac, 0x0806, request));
        let reply =
            [&mac[..], &SERVER_MAC, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2], &SERVER_MAC, &SERVER, &mac, &address].concat();
        while !self.receive().starts_with(&reply) {}
    }

    /// Connects the cable to tap0. `change` receives each frame, and returns the frame that arrives, if any.
    pub fn relay(self, mut change: impl FnMut(Way, Vec<u8>) -> Option<Vec<u8>> + Send + 'static) -> Relay {
        let mut tap = TunTap::open(Kind::Tap, "tap0").unwrap();
        self.0.set_nonblocking(true).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let now = Instant::ZERO;
        let thread = thread::spawn(move || {
            let mut frame = vec![0; 2048];
            while !stopping.load(Ordering::Relaxed) {
                // The wait ends as soon as a frame arrives.
                tap.wait(Some(Duration::from_millis(100)), &[self.0.as_fd()]).unwrap();
                while let Some((token, _)) = tap.receive(now) {
                    let frame = token.consume(<[u8]>::to_vec);
                    if let Some(frame) = change(Way::ToBoard, frame) {
                        self.send(&frame);
                    }
                }
                while let Ok(len) = self.0.recv(&mut frame) {
                    let Some(frame) = change(Way::ToKernel, frame[..len].to_vec()) else { continue };
                    // If the TAP cannot accept the frame, it is lost, as on a real wire.
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
        // If the thread panicked, its message has already been printed.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
