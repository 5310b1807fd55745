//! The TAP and the TUN, with the kernel's packet sockets at the other end.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use smolstep::host::clock::Clock;
use smolstep::phy::conformance::Peer;
use smolstep::phy::linux::{Kind, TunTap};
use smoltcp::time::Instant;

use crate::common::netns::{counters, in_namespace, make, output, spawn};
use crate::{copy, run};

#[test]
fn a_tap_conforms() {
    in_namespace("linux::a_tap_conforms", || conforms(Kind::Tap, 1514));
}

#[test]
fn a_tun_conforms() {
    in_namespace("linux::a_tun_conforms", || conforms(Kind::Tun, 1500));
}

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

/// A packet socket on an interface: what it sends arrives at the device, and it sees what the device sends.
struct Kernel {
    child: Child,
    input: ChildStdin,
    said: Receiver<Said>,
    seen: Receiver<Vec<u8>>,
    interface: String,
    clock: Clock,
}

/// Whether the kernel took a frame.
struct Said(bool);

/// How long a frame that the device sent may take to be seen, where it is seen at all.
const SOON: Duration = Duration::from_millis(200);
/// It fails after this, instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// Frames in and out, each after its length in two bytes; one in is answered by its length with 0 for refused, 1 for sent.
const SCRIPT: &str = "
import socket, sys, threading
ALL, OUTGOING = 3, 4
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
link.bind((sys.argv[1], ALL))
link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
lock = threading.Lock()

def say(kind, data):
    with lock:
        sys.stdout.buffer.write(kind + len(data).to_bytes(2, 'big') + data)
        sys.stdout.buffer.flush()

def watch():
    while True:
        data, sender = link.recvfrom(65535)
        if sender[2] != OUTGOING:
            say(b'f', data)

threading.Thread(target=watch, daemon=True).start()
say(b'y', b'')
while head := sys.stdin.buffer.read(2):
    try:
        link.send(sys.stdin.buffer.read(int.from_bytes(head, 'big')))
        say(b'y', b'')
    except OSError:
        say(b'n', b'')
";

impl Kernel {
    fn start(interface: &str) -> Kernel {
        let mut command = Command::new("python3");
        command.args(["-c", SCRIPT, interface]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = spawn(&mut command).unwrap();
        let (input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let ((answer, said), (frame, seen)) = (channel(), channel());
        thread::spawn(move || {
            let mut head = [0; 3];
            while output.read_exact(&mut head).is_ok() {
                let mut data = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
                output.read_exact(&mut data).unwrap();
                // Nobody listens any more when the test is over.
                let _ = match head[0] {
                    b'f' => frame.send(data).is_ok(),
                    said => answer.send(Said(said == b'y')).is_ok(),
                };
            }
        });
        let kernel = Kernel { child, input, said, seen, interface: interface.into(), clock: Clock::start() };
        assert!(kernel.said.recv_timeout(PATIENCE).unwrap().0);
        kernel
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
        self.said.recv_timeout(PATIENCE).unwrap().0
    }

    fn observe(&mut self, _device: &mut TunTap, buffer: &mut [u8]) -> Option<usize> {
        copy(&self.seen.recv_timeout(SOON).ok()?, buffer)
    }

    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn lost(&mut self, device: &mut TunTap) -> u64 {
        counters(&self.interface).sent.dropped + device.dropped()
    }
}
