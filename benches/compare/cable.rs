//! Measures echoes of 64 bytes on the cable. Client and server run in one thread, so that only the two stacks are
//! measured.
//!
//! One message is in flight at a time, and the connections take turns. Between two turns of a connection, the other
//! connections displace its memory from the cache. The client is smolstep. The server is smolstep, or one SocketSet
//! with all sockets, as in smoltcp's examples.

use smoltcp::iface::{self, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{CongestionControl, Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint};

use smolstep::app::{self, Options};
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::{Cable, CableEnd};
use smolstep::stack::{Config, Context, Io, Listener, Next, NullConsole, Seed, Session, Stack};

/// The length of a message in bytes.
const MESSAGE: usize = 64;
/// The size of each socket buffer in bytes.
const BUFFER: usize = 2048;
/// The port of echo (RFC 862).
const PORT: u16 = 7;

type End = CableEnd<'static, 8, 1514>;

/// An echo server and a client on a cable, with many connections between them. The cable's memory is never freed.
pub struct EchoCable {
    now: Instant,
    /// The client's next deadline, which is the next connection's turn. `None` if no timer of the client is running.
    turn: Option<Instant>,
    client: Stack<'static, Ping, ()>,
    client_io: Io<End, NullConsole>,
    server: Server,
}

enum Server {
    OneSet(Box<OneSet>),
    Smolstep(Box<Stack<'static, app::Server<'static>, ()>>, Io<End, NullConsole>),
}

impl EchoCable {
    /// Creates a cable with smolstep's server. Returns `None` if a connection does not open. The limit is 65,534
    /// connections.
    pub fn new(connections: usize) -> Option<Self> {
        Self::with(connections, |mut io| {
            let mut stack = stack(1, connections, &mut io.device)?;
            let echo = app::find("echo")?.server(&Options::default())?;
            stack.listen(Listener::new(PORT, echo)).ok()?;
            Some(Server::Smolstep(Box::new(stack), io))
        })
    }

    /// Creates a cable with one SocketSet as the server.
    pub fn one_set(connections: usize) -> Option<Self> {
        Self::with(connections, |io| OneSet::new(connections, io.device).map(|set| Server::OneSet(Box::new(set))))
    }

    /// Opens all connections to `server`.
    fn with(connections: usize, server: impl FnOnce(Io<End, NullConsole>) -> Option<Server>) -> Option<Self> {
        let now = Instant::from_secs(1);
        let (left, right) = Box::leak(Box::new(Cable::new())).ends();
        let mut client_io = Io::new(right, NullConsole);
        let client = stack(2, connections, &mut client_io.device)?;
        let mut cable = EchoCable { now, turn: None, server: server(Io::new(left, NullConsole))?, client, client_io };
        for number in 0..connections {
            let remote = IpEndpoint::new(address(1).address(), PORT);
            // The turns begin when all connections are established. Each turn is a microsecond after the previous one.
            let turn = Instant::from_secs(2) + Duration::from_micros(number as u64);
            let ping = Ping { turn, period: Duration::from_micros(connections as u64), sent: false };
            cable.client.connect(now, remote, ping, Duration::from_secs(1), &mut cable.client_io).ok()?;
            // The first connection needs more polls than the others, for ARP. Each further poll of one SocketSet checks
            // all its sockets, and takes milliseconds in a debug build.
            for _ in 0..if number == 0 { 4 } else { 1 } {
                cable.poll_both();
            }
        }
        Some(cable)
    }

    /// Runs the next connection's turn. Returns true if its echo came back, and false if a stack has a defect.
    #[must_use]
    pub fn round_trip(&mut self) -> bool {
        let Some(turn) = self.turn else { return false };
        self.now = turn;
        self.poll_both();
        // If the echo is missing, the client's next deadline is a retransmission, not the next connection's turn.
        self.turn == Some(turn + Duration::from_micros(1))
    }

    /// Returns smolstep's server, or `None` for a SocketSet.
    pub fn server(&self) -> Option<&Stack<'static, app::Server<'static>, ()>> {
        match &self.server {
            Server::OneSet(_) => None,
            Server::Smolstep(stack, _) => Some(stack),
        }
    }

    /// Polls the client, the server and the client again, so that a request and its reply are processed.
    fn poll_both(&mut self) {
        self.client.poll(self.now, &mut self.client_io);
        match &mut self.server {
            Server::OneSet(set) => set.poll(self.now),
            Server::Smolstep(stack, io) => {
                stack.poll(self.now, io);
            }
        }
        self.turn = self.client.poll(self.now, &mut self.client_io);
    }
}

/// Creates the stack of host `number`, whose memory is never freed.
fn stack<S: Session + Clone>(number: u8, connections: usize, device: &mut End) -> Option<Stack<'static, S, ()>> {
    let sizes = Sizes { connections, receive: BUFFER, send: BUFFER, ports: 0, datagrams: 0, payload: 0 };
    let memory = Box::leak(Box::new(HeapPool::new(sizes))).memory();
    let addresses = [address(number)];
    let mut config = Config::new(hardware(number).into(), Seed([number; 32]), &addresses);
    config.tcp.ack_delay = ACK_DELAY;
    Stack::new(config, device, memory, Instant::from_secs(1)).ok()
}

/// The delay of an acknowledgement. It exceeds the time between two turns of a connection, so that the next message
/// carries the acknowledgement.
const ACK_DELAY: Option<Duration> = Some(Duration::from_millis(500));

fn address(number: u8) -> IpCidr {
    IpCidr::new(IpAddress::v4(10, 0, 0, number), 24)
}

fn hardware(number: u8) -> EthernetAddress {
    EthernetAddress([2, 0, 0, 0, 0, number])
}

/// A client that sends a message at its turn, receives the echo, and waits for the next turn.
#[derive(Clone)]
struct Ping {
    turn: Instant,
    period: Duration,
    sent: bool,
}

impl Session for Ping {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        let message = [b'x'; MESSAGE];
        if self.sent {
            if socket.recv_queue() < MESSAGE {
                return Next::Wait;
            }
            let mut echo = [0; MESSAGE];
            if socket.recv_slice(&mut echo) != Ok(MESSAGE) || echo != message {
                return Next::Abort;
            }
            self.sent = false;
            self.turn += self.period;
        } else if cx.now >= self.turn {
            self.sent = socket.send_slice(&message) == Ok(MESSAGE);
            return Next::Wait;
        }
        Next::WakeAt(self.turn)
    }
}

/// One SocketSet with a socket for each connection. After each poll, the server checks every socket.
struct OneSet {
    iface: Interface,
    device: End,
    sockets: SocketSet<'static>,
    handles: Vec<SocketHandle>,
}

impl OneSet {
    fn new(connections: usize, mut device: End) -> Option<Self> {
        let mut config = iface::Config::new(hardware(1).into());
        config.random_seed = 1;
        let mut iface = Interface::new(config, &mut device, Instant::from_secs(1));
        iface.update_ip_addrs(|addresses| {
            // The push succeeds, because the list is empty.
            let _ = addresses.push(address(1));
        });
        let mut sockets = SocketSet::new(Vec::with_capacity(connections));
        let mut handles = Vec::with_capacity(connections);
        for _ in 0..connections {
            let [receive, send] = [(); 2].map(|()| SocketBuffer::new(vec![0; BUFFER]));
            let mut socket = Socket::new(receive, send);
            socket.set_ack_delay(ACK_DELAY);
            // By default, smoltcp uses no congestion control. A feature that this program enables changes that default.
            socket.set_congestion_control(CongestionControl::None);
            socket.listen(PORT).ok()?;
            handles.push(sockets.add(socket));
        }
        Some(OneSet { iface, device, sockets, handles })
    }

    fn poll(&mut self, now: Instant) {
        self.iface.poll(now, &mut self.device, &mut self.sockets);
        let mut buffer = [0; MESSAGE];
        for handle in &self.handles {
            let socket = self.sockets.get_mut::<Socket<'_>>(*handle);
            if socket.can_recv()
                && socket.can_send()
                && let Ok(len) = socket.recv_slice(&mut buffer)
            {
                // The echo fits, because only one message is in flight.
                let _ = socket.send_slice(buffer.get(..len).unwrap_or_default());
            }
        }
        self.iface.poll_egress(now, &mut self.device, &mut self.sockets);
    }
}
