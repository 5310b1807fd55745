//! Runs one TCP connection between two stacks on a cable, for tests of [`Probe`] types.
//!
//! The clock is virtual.

use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::Cable;
use smolstep::stack::{Config, Context, Io, Listener, Next, NullConsole, Probe, Seed, Session, Stack, UdpSession};
use smoltcp::phy::Medium;
use smoltcp::socket::{tcp, udp};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, IpEndpoint};

/// Sends `hello` from 10.0.0.2 to an echo server at 10.0.0.1:7, then closes both sides. `probe` observes the server's
/// stack, and is returned.
pub fn hello<P: Probe>(medium: Medium, probe: P) -> P {
    let mut cable = Cable::<8, 1514>::with_medium(medium);
    let (servers_end, clients_end) = cable.ends();
    let (mut servers_memory, mut clients_memory) = (HeapPool::new(SMALL), HeapPool::new(SMALL));
    let mut server_io = Io { device: servers_end, console: NullConsole, probe };
    let mut client_io = Io::new(clients_end, NullConsole);
    let (at_1, at_2) = (address(1), address(2));
    let mut now = Instant::from_secs(1);
    let mut server =
        Stack::<Talk, NoUdp>::new(config(medium, 1, &at_1), &mut server_io.device, servers_memory.memory(), now)
            .unwrap();
    let mut client =
        Stack::<Talk, NoUdp>::new(config(medium, 2, &at_2), &mut client_io.device, clients_memory.memory(), now)
            .unwrap();

    server.listen(Listener::new(7, Talk::Echo)).unwrap();
    let to = IpEndpoint::new(at_1[0].address(), 7);
    let talk = Talk::Ask { sent: false };
    let id = client.connect(now, to, talk, Duration::from_secs(5), &mut client_io).unwrap();
    // The loop ends when the client's connection has ended and the server's stack is idle.
    while client.ended(id).is_none() || !server.is_quiet() {
        assert!(now < Instant::from_secs(60), "the connection never ends");
        let next = [server.poll(now, &mut server_io), client.poll(now, &mut client_io)].into_iter().flatten().min();
        now = next.unwrap_or(now).clamp(now, now + Duration::from_millis(1));
    }
    server_io.probe
}

const SMALL: Sizes = Sizes { connections: 4, receive: 512, send: 512, ports: 0, datagrams: 0, payload: 0 };

fn address(n: u8) -> [IpCidr; 1] {
    [IpCidr::new(IpAddress::v4(10, 0, 0, n), 24)]
}

fn config(medium: Medium, n: u8, addresses: &[IpCidr; 1]) -> Config {
    let hardware = match medium {
        Medium::Ip => HardwareAddress::Ip,
        _ => EthernetAddress([2, 0, 0, 0, 0, n]).into(),
    };
    Config::new(hardware, Seed([n; 32]), addresses)
}

#[derive(Clone)]
enum Talk {
    Ask { sent: bool },
    Echo,
}

impl Session for Talk {
    fn poll(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        match self {
            Talk::Ask { sent: false } => {
                *self = Talk::Ask { sent: socket.send_slice(b"hello") == Ok(5) };
                Next::Wait
            }
            Talk::Ask { sent: true } if socket.recv_queue() < 5 => Next::Wait,
            Talk::Ask { .. } => Next::Close,
            Talk::Echo => {
                let len = socket.recv_slice(cx.scratch).unwrap_or(0);
                assert_eq!(socket.send_slice(&cx.scratch[..len]).unwrap_or(0), len);
                if socket.may_recv() { Next::Wait } else { Next::Close }
            }
        }
    }
}

/// A UDP program that does nothing.
#[derive(Clone)]
struct NoUdp;

impl UdpSession for NoUdp {
    fn poll(&mut self, _socket: &mut udp::Socket<'_>, _cx: &mut Context<'_>) -> Next {
        Next::Close
    }
}
