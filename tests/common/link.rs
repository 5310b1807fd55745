//! The link between smolstep and the kernel: a TAP or TUN in a network namespace.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use smolstep::cli::netlink::Netlink;
use smolstep::phy::linux::Kind;

use super::events;
use super::hostile::random::Random;
use super::netns::{delete, in_namespace, make};
use super::peer::{self, Finished, Peer};

/// The default addresses of `smolstep serve`.
pub const SERVER: [&str; 2] = ["192.168.69.1", "fdaa::1"];
/// The default addresses of `smolstep call`.
pub const CALLER: [&str; 2] = ["192.168.69.2", "fdaa::2"];
/// The addresses of the kernel.
pub const KERNEL: [&str; 2] = ["192.168.69.100", "fdaa::64"];

/// An interface that is up.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub kind: Kind,
}

/// Runs `test` in its own namespace on a TAP, then on a TUN. See [`in_namespace`] for `name`.
pub fn on_tap_and_tun(name: &str, test: impl Fn(Link) + Send + 'static) {
    in_namespace(name, move || {
        for kind in [Kind::Tap, Kind::Tun] {
            let link = Link::new(kind);
            test(link);
            delete(link.name());
        }
    });
}

/// Runs `test` in its own namespace on a TAP.
pub fn on_tap(name: &str, test: impl FnOnce(Link) + Send + 'static) {
    in_namespace(name, move || test(Link::new(Kind::Tap)));
}

/// Runs `test` in its own namespace on a TUN.
pub fn on_tun(name: &str, test: impl FnOnce(Link) + Send + 'static) {
    in_namespace(name, move || test(Link::new(Kind::Tun)));
}

impl Link {
    /// Creates tap0 or tun0 in this thread's namespace, with the kernel's addresses.
    pub fn new(kind: Kind) -> Link {
        let link = Link { kind };
        make(kind, link.name(), &[(KERNEL[0], 24), (KERNEL[1], 64)]);
        link
    }

    pub fn name(self) -> &'static str {
        match self.kind {
            Kind::Tap => "tap0",
            Kind::Tun => "tun0",
        }
    }

    /// Adds the link-local address fe80::64 to the kernel's end. Router advertisements come from this address.
    pub fn add_router_address(self) {
        self.add_address("fe80::64", 64);
    }

    /// Adds an address to the kernel's end.
    pub fn add_address(self, address: &str, prefix_len: u8) {
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link(self.name()).unwrap().unwrap().index;
        netlink.add_address(index, address.parse().unwrap(), prefix_len).unwrap();
    }

    /// Returns the options of smolstep that select this link.
    pub fn arguments(self) -> [&'static str; 2] {
        match self.kind {
            Kind::Tap => ["--tap", "tap0"],
            Kind::Tun => ["--tun", "tun0"],
        }
    }

    /// Starts `smolstep serve ARGUMENTS` on this link; see [`peer::serve`].
    pub fn serve(self, arguments: &[&str], lines: usize) -> Peer {
        peer::serve(&[arguments, &self.arguments()].concat(), lines)
    }

    /// Starts `smolstep serve ARGUMENTS` on this link, with events on its output.
    pub fn serve_with_events(self, arguments: &[&str], lines: usize) -> Peer {
        self.serve(&[arguments, &events::PRINTED].concat(), lines)
    }

    /// Runs `smolstep call ARGUMENTS` on this link until it exits, with `input` as standard input. smolstep logs only
    /// errors.
    pub fn call(self, arguments: &[&str], input: &[u8]) -> Finished {
        self.start_call(arguments).finish_with(input)
    }

    /// Starts `smolstep call ARGUMENTS` on this link. smolstep logs only errors.
    pub fn start_call(self, arguments: &[&str]) -> Peer {
        let mut command = peer::smolstep();
        Peer::start(command.env("RUST_LOG", "error").arg("call").args(arguments).args(self.arguments()))
    }
}

/// The time limit of each read and write, long enough for slow machines.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Parses an address, and returns it with a port.
pub fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse::<IpAddr>().unwrap(), port)
}

/// Connects with the kernel's TCP.
pub fn connect(address: &str, port: u16) -> TcpStream {
    let stream = TcpStream::connect_timeout(&at(address, port), PATIENCE).unwrap();
    patient(&stream);
    stream
}

/// Sets the time limit of a stream's reads and writes.
pub fn patient(stream: &TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
}

/// Sends `text` on a stream.
pub fn send(stream: &mut TcpStream, text: impl AsRef<[u8]>) {
    stream.write_all(text.as_ref()).unwrap();
}

/// Reads `text.len()` bytes, which must equal `text`.
#[track_caller]
pub fn expect(stream: &mut TcpStream, text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    let mut bytes = vec![0; text.len()];
    let read = stream.read_exact(&mut bytes);
    assert!(read.is_ok() && bytes == text, "{} and {read:?} instead of {}", show(&bytes), show(text));
}

/// Reads to the end of the stream. The bytes must equal `text`.
#[track_caller]
pub fn expect_last(stream: &mut TcpStream, text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    assert!(read.is_ok() && bytes == text, "{} and {read:?} instead of {}", show(&bytes), show(text));
}

/// Checks that no bytes have arrived and that the stream has not ended.
#[track_caller]
pub fn expect_nothing(stream: &TcpStream) {
    stream.set_nonblocking(true).unwrap();
    let came = stream.peek(&mut [0; 64]);
    stream.set_nonblocking(false).unwrap();
    assert!(matches!(&came, Err(e) if e.kind() == ErrorKind::WouldBlock), "{came:?}");
}

/// Binds a UDP socket to an address and port of the kernel, and connects it to another.
pub fn udp(own: SocketAddr, remote: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind(own).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(remote).unwrap();
    socket
}

/// Sends a datagram and compares the reply.
#[track_caller]
pub fn ask(socket: &UdpSocket, text: impl AsRef<[u8]>, reply: impl AsRef<[u8]>) {
    socket.send(text.as_ref()).unwrap();
    let mut bytes = vec![0; 65_536];
    let received = socket.recv(&mut bytes);
    let len = received.unwrap_or_else(|e| panic!("no answer to {} bytes on {socket:?}: {e}", text.as_ref().len()));
    assert!(bytes[..len] == *reply.as_ref(), "{} instead of {}", show(&bytes[..len]), show(reply.as_ref()));
}

/// Returns `len` pseudo-random bytes, determined by `seed`.
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    (0..len.div_ceil(8)).flat_map(|_| random.next().to_le_bytes()).take(len).collect()
}

/// Returns the first `len` bytes of the character generator's pattern (RFC 864).
pub fn chargen(len: usize) -> Vec<u8> {
    let printing: Vec<u8> = (b' '..=b'~').collect();
    let lines = (0..).flat_map(|line| {
        let columns: Vec<u8> = printing.iter().cycle().skip(line % printing.len()).take(72).copied().collect();
        columns.into_iter().chain(*b"\r\n")
    });
    lines.take(len).collect()
}

/// Returns the number of bytes and the first 200 of them, for a message.
fn show(bytes: &[u8]) -> String {
    let shown = bytes.get(..200).unwrap_or(bytes);
    format!("{} bytes \"{}\"", bytes.len(), shown.escape_ascii())
}
