//! Transfers a long pattern between a stack on a TAP or TUN and a client on the kernel's TCP.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use smolstep::host::{Clock, HeapPool, Sizes, seed};
use smolstep::phy::linux::{Kind, TunTap};
use smolstep::stack::{Config, Congestion, Context, Io, Listener, Next, NullConsole, Session, Stack};
use smoltcp::socket::tcp::Socket;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr};

use crate::common::link::{Link, SERVER, connect, noise};
use crate::common::netns::{counters, delete, output};

/// A transfer over one connection.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    pub kind: Kind,
    pub offload: bool,
    /// 0 for IPv4, 1 for IPv6.
    pub family: usize,
    pub mtu: usize,
    pub from: From,
    pub bytes: u64,
    pub congestion: Congestion,
}

/// The sender of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Stack,
    Kernel,
}

const PORT: u16 = 4000;
const SIZES: Sizes = Sizes { connections: 2, ports: 0, datagrams: 0, payload: 0, ..Sizes::SERVER };

/// The period of the pattern in bytes. The period is prime, so that shifts by whole segments are detected.
const PERIOD: usize = 1_048_583;

impl Transfer {
    /// Creates the link, transfers all bytes, and deletes the link.
    ///
    /// `before` can change the link. Returns the number of frames that the kernel received. A super-segment is counted
    /// as one frame.
    ///
    /// # Panics
    /// Panics if a byte is wrong or missing.
    pub fn run(self, before: impl FnOnce(Link)) -> u64 {
        println!("{self:?}");
        let link = Link::new(self.kind);
        let mtu = self.mtu.to_string();
        let set = output(Command::new("ip").args(["link", "set", "dev", link.name(), "mtu", &mtu])).unwrap();
        assert!(set.status.success(), "the MTU is not {mtu}");
        before(link);
        let frames = self.serve(link);
        delete(link.name());
        frames
    }

    /// Runs the stack's end of the transfer on this thread, and the kernel's end on another thread.
    fn serve(self, link: Link) -> u64 {
        let open = if self.offload { TunTap::open_with_offload } else { TunTap::open };
        let mut io = Io::new(open(self.kind, link.name()).unwrap(), NullConsole);
        assert_eq!(io.device.offloads(), self.offload);
        let clock = Clock::start();
        let hardware = match self.kind {
            Kind::Tap => HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, 1])),
            Kind::Tun => HardwareAddress::Ip,
        };
        let addresses: Vec<IpCidr> = match self.family {
            0 => vec!["192.168.69.1/24".parse().unwrap()],
            _ => vec!["fdaa::1/64".parse().unwrap(), "fe80::ff:fe00:1/64".parse().unwrap()],
        };
        let mut config = Config::new(hardware, seed().unwrap(), &addresses);
        config.tcp.congestion = self.congestion;
        let carried = Cell::new(0);
        let mut pool = HeapPool::new(SIZES);
        let mut stack = Stack::<End<'_>, ()>::new(config, &mut io.device, pool.memory(), clock.now()).unwrap();
        stack.listen(Listener::new(PORT, End { transfer: self, at: 0, carried: &carried })).unwrap();

        let (ended, running) = UnixStream::pair().unwrap();
        let client = thread::spawn(move || {
            // The socket `running` closes when the thread exits, even if it panics.
            let _running = running;
            self.client(connect(SERVER[self.family], PORT));
        });
        loop {
            let deadline = stack.poll(clock.now(), &mut io);
            assert_eq!(io.device.fault(), None);
            let now = clock.now();
            let timeout = deadline.map(|at| (at.max(now) - now).into());
            if io.device.wait(timeout, &[ended.as_fd()]).unwrap().extra(0) {
                break;
            }
        }
        if let Err(panic) = client.join() {
            std::panic::resume_unwind(panic);
        }
        assert_eq!(carried.get(), self.bytes, "at the stack, {self:?}");
        assert_eq!(io.device.dropped(), 0, "{self:?}");
        counters(link.name()).received.packets
    }

    /// Runs the kernel's end of the transfer.
    fn client(self, mut stream: TcpStream) {
        let mut at = 0;
        if self.from == From::Stack {
            let mut buffer = vec![0; 1 << 18];
            loop {
                let len = stream.read(&mut buffer).unwrap();
                if len == 0 {
                    break;
                }
                compare(at, &buffer[..len], &self);
                at += len as u64;
            }
            assert_eq!(at, self.bytes, "at the kernel, {self:?}");
            return;
        }
        while at < self.bytes {
            let piece = pattern(at, (self.bytes - at).min(1 << 18) as usize);
            stream.write_all(piece).unwrap();
            at += piece.len() as u64;
        }
        stream.shutdown(Shutdown::Write).unwrap();
        // The stack closes when it has read all bytes.
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "{self:?}");
    }
}

/// The stack's end of the connection.
#[derive(Clone)]
struct End<'t> {
    transfer: Transfer,
    at: u64,
    carried: &'t Cell<u64>,
}

impl Session for End<'_> {
    fn poll(&mut self, socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
        let Transfer { from, bytes, .. } = self.transfer;
        match from {
            From::Stack => {
                while self.at < bytes && socket.can_send() {
                    let sent = socket.send(|buffer| {
                        let piece = pattern(self.at, buffer.len().min((bytes - self.at).min(1 << 18) as usize));
                        buffer[..piece.len()].copy_from_slice(piece);
                        (piece.len(), piece.len())
                    });
                    self.at += sent.unwrap() as u64;
                }
            }
            From::Kernel => {
                while socket.can_recv() {
                    let received = socket.recv(|buffer| {
                        compare(self.at, buffer, &self.transfer);
                        (buffer.len(), buffer.len())
                    });
                    self.at += received.unwrap() as u64;
                }
            }
        }
        self.carried.set(self.at);
        let over = if from == From::Stack { self.at == bytes } else { !socket.may_recv() };
        if over { Next::Close } else { Next::Wait }
    }
}

/// Returns `len` bytes of the pattern, at most 256 KiB, from offset `at` on.
fn pattern(at: u64, len: usize) -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = BYTES.get_or_init(|| {
        let mut bytes = noise(PERIOD, 23);
        bytes.extend_from_within(..1 << 18);
        bytes
    });
    let at = (at % PERIOD as u64) as usize;
    &bytes[at..at + len]
}

/// Checks that `came` is the part of the pattern that begins at offset `at`.
fn compare(at: u64, came: &[u8], transfer: &Transfer) {
    for (number, came) in came.chunks(1 << 18).enumerate() {
        let at = at + (number << 18) as u64;
        let wanted = pattern(at, came.len());
        if came != wanted {
            let same = came.iter().zip(wanted).take_while(|(a, b)| a == b).count();
            panic!("byte {} is not the one sent, {transfer:?}", at + same as u64);
        }
    }
}
