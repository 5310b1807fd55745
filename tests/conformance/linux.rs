//! Checks the TAP and the TUN. A packet socket of the kernel is at the other end.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use smolstep::host::Clock;
use smolstep::phy::conformance::Peer;
use smolstep::phy::linux::{Kind, TunTap};
use smoltcp::time::Instant;

use crate::common::netns::{counters, in_namespace, make, output, spawn};
use crate::common::peer::python;
use crate::{copy, run};

#[test]
fn a_tap_conforms() {
    in_namespace("linux::a_tap_conforms", || conforms(Kind::Tap, 1514));
}

#[test]
fn a_tun_conforms() {
    in_namespace("linux::a_tun_conforms", || conforms(Kind::Tun, 1500));
}

/// Runs the conformance check on a device, with the kernel as the peer.
fn conforms(kind: Kind, mtu: usize) {
    make(kind, "link0", &[]);
    let short = output(Command::new("ip").args(["link", "set", "link0", "txqueuelen", "16"])).unwrap();
    assert!(short.status.success());
    let mut device = TunTap::open(kind, "link0").unwrap();
    let mut kernel = Kernel::start("link0");
    let report = run(&mut device, &mut kernel).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!((report.mtu, report.transmit_queue), (mtu, None));
    assert!(report.receive_queue.is_some(), "the queue of 16 frames overflows: {report}");
    assert_eq!(device.fault(), None);
}

/// A packet socket on the kernel's interface. The socket sends frames to the device, and receives the frames that the
/// device sends.
struct Kernel {
    child: Child,
    input: ChildStdin,
    said: Receiver<Said>,
    interface: String,
    clock: Clock,
}

/// An answer from packet_socket.py: whether the command succeeded, and the received frame.
///
/// The frame is empty if the command was to send a frame.
type Said = (bool, Vec<u8>);

/// The command that requests a received frame. In the protocol, it takes the place of the length of a frame to send.
const LOOK: u16 = 0xffff;

/// The time limit of each answer.
const PATIENCE: Duration = Duration::from_secs(60);

impl Kernel {
    /// Starts packet_socket.py on an interface, and a thread that reads its answers.
    fn start(interface: &str) -> Kernel {
        let mut command = python::command("packet_socket");
        command.arg(interface).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = spawn(&mut command).unwrap();
        let (input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (answer, said) = channel();
        thread::spawn(move || {
            let mut head = [0; 3];
            while output.read_exact(&mut head).is_ok() {
                let mut data = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
                output.read_exact(&mut data).unwrap();
                // Sending fails if the test has ended and dropped the receiver.
                let _ = answer.send((head[0] == b'y', data));
            }
        });
        let kernel = Kernel { child, input, said, interface: interface.into(), clock: Clock::start() };
        assert!(kernel.read_answer().0);
        kernel
    }

    fn read_answer(&self) -> Said {
        self.said.recv_timeout(PATIENCE).unwrap()
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Peer<TunTap> for Kernel {
    fn inject(&mut self, _device: &mut TunTap, frame: &[u8]) -> bool {
        self.input.write_all(&(frame.len() as u16).to_be_bytes()).unwrap();
        self.input.write_all(frame).unwrap();
        self.input.flush().unwrap();
        self.read_answer().0
    }

    fn observe(&mut self, _device: &mut TunTap, buffer: &mut [u8]) -> Option<usize> {
        self.input.write_all(&LOOK.to_be_bytes()).unwrap();
        let (seen, frame) = self.read_answer();
        if seen { copy(&frame, buffer) } else { None }
    }

    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn lost(&mut self, device: &mut TunTap) -> u64 {
        counters(&self.interface).sent.dropped + device.dropped()
    }
}
