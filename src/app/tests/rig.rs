//! A test set-up: a session with its socket, and its peer's sockets at the other end of a link.

use std::collections::VecDeque;

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::side::Side;
pub use super::side::{v4, v6};
use crate::app::Keyboard;
use crate::app::message::receive;
use crate::stack::{Console, Context, End, Input, MESSAGE, Next, Session, UdpSession};

/// The port of the server side.
pub const SERVER: u16 = 1000;
/// The port of the client side.
pub const CLIENT: u16 = 2000;

/// A console with scripted input. Each read returns one piece of `typed`. An empty piece means that there is no input
/// yet.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub printed: Vec<u8>,
    pub prompts: usize,
    pub typed: VecDeque<Vec<u8>>,
    /// Whether more input can follow after `typed`.
    pub open: bool,
    /// Whether a person types the input.
    pub person: bool,
    /// The keyboard that the program's operator uses.
    pub keyboard: Option<&'static Keyboard>,
}

impl Script {
    pub fn typing(typed: &[&[u8]]) -> Self {
        Script { typed: typed.iter().map(|t| t.to_vec()).collect(), ..Script::default() }
    }
}

impl Console for Script {
    fn print(&mut self, bytes: &[u8]) {
        self.printed.extend_from_slice(bytes);
    }

    fn prompt(&mut self, _text: &str) {
        self.prompts += 1;
    }

    fn read(&mut self, buf: &mut [u8]) -> Input {
        let person = self.person;
        let forget = || person.then(|| std::mem::take(&mut self.typed).iter().any(|piece| !piece.is_empty()));
        if self.keyboard.is_some_and(|keyboard| keyboard.serve(forget)) {
            return Input::NotYet;
        }
        let Some(piece) = self.typed.front_mut() else { return if self.open { Input::NotYet } else { Input::End } };
        if piece.is_empty() {
            self.typed.pop_front();
            return Input::NotYet;
        }
        let len = piece.len().min(buf.len());
        buf[..len].copy_from_slice(&piece[..len]);
        piece.drain(..len);
        Input::Bytes(len)
    }
}

/// Calls `round` until `round` returns false, which means that nothing happened.
fn settle(mut round: impl FnMut() -> bool) {
    for _ in 0..100_000 {
        if !round() {
            return;
        }
    }
    panic!("it never settles");
}

/// A TCP session and the peer's socket.
pub struct Tcp<S> {
    pub now: Instant,
    pub session: S,
    pub console: Script,
    /// How the connection ended.
    pub end: Option<End>,
    /// The number of times that the session has asked the stack to wake all programs.
    pub wakes: usize,
    here: Side,
    there: Side,
    socket: SocketHandle,
    peer: SocketHandle,
    next: Next,
    state: tcp::State,
}

/// The sizes of the session's socket buffers, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub receive: usize,
    pub send: usize,
}

pub const BIG: Buffers = Buffers { receive: 4096, send: 4096 };
pub const SMALL: Buffers = Buffers { receive: 64, send: 16 };

impl<S: Session> Tcp<S> {
    /// Creates a server session with a peer that has connected over IPv4.
    pub fn server(session: S, buffers: Buffers) -> Self {
        Self::server_over(v4, session, buffers)
    }

    /// Creates a server session with a peer that has connected over the IP version of `address`.
    pub fn server_over(address: fn(u8) -> IpAddress, session: S, buffers: Buffers) -> Self {
        Self::serve(address, Script::default(), session, buffers)
    }

    /// Creates a server session over IPv4, with this console.
    pub fn server_at(console: Script, session: S, buffers: Buffers) -> Self {
        Self::serve(v4, console, session, buffers)
    }

    fn serve(address: fn(u8) -> IpAddress, console: Script, session: S, buffers: Buffers) -> Self {
        let mut tcp = Self::new(session, buffers, console);
        tcp.here.tcp(tcp.socket).listen(SERVER).unwrap();
        let cx = tcp.there.iface.context();
        let peer = tcp.there.sockets.get_mut::<tcp::Socket>(tcp.peer);
        peer.connect(cx, (address(1), SERVER), CLIENT).unwrap();
        tcp.settle();
        tcp
    }

    /// Creates a client session that has connected to a peer.
    pub fn client(session: S, buffers: Buffers, console: Script) -> Self {
        let mut tcp = Self::new(session, buffers, console);
        tcp.there.tcp(tcp.peer).listen(SERVER).unwrap();
        let cx = tcp.here.iface.context();
        tcp.here.sockets.get_mut::<tcp::Socket>(tcp.socket).connect(cx, (v4(2), SERVER), CLIENT).unwrap();
        tcp.settle();
        tcp
    }

    fn new(session: S, buffers: Buffers, console: Script) -> Self {
        let (mut here, mut there) = Side::pair();
        let socket = here.add_tcp(buffers.receive, buffers.send);
        let peer = there.add_tcp(65_535, 65_535);
        there.tcp(peer).set_nagle_enabled(false);
        let state = tcp::State::Closed;
        Tcp {
            now: Instant::ZERO,
            session,
            console,
            end: None,
            wakes: 0,
            here,
            there,
            socket,
            peer,
            next: Next::Wait,
            state,
        }
    }

    /// Runs both sides until neither has anything more to do at the current time.
    pub fn settle(&mut self) {
        settle(|| {
            self.run_session();
            let here = self.here.poll(self.now);
            self.there.poll(self.now) || here || self.is_due()
        });
        self.run_session();
    }

    /// Returns whether the session has requested to be polled again immediately.
    fn is_due(&self) -> bool {
        self.end.is_none() && matches!(self.next, Next::WakeAt(at) if at <= self.now)
    }

    /// Lets `duration` pass, in steps of 10 ms.
    pub fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            self.now = end.min(self.now + Duration::from_millis(10));
            self.settle();
        }
    }

    /// Polls the session as the stack does, and reports the end of the connection to the session.
    fn run_session(&mut self) {
        let state = self.here.tcp(self.socket).state();
        if self.end.is_some() || matches!(state, tcp::State::Listen | tcp::State::SynSent | tcp::State::SynReceived) {
            return;
        }
        let mut scratch = [0; MESSAGE];
        let mut cx = context(self.now, &mut self.console, &mut scratch);
        let socket = self.here.sockets.get_mut::<tcp::Socket>(self.socket);
        let was = core::mem::replace(&mut self.state, state);
        self.end = match (state, was) {
            _ if self.next == Next::Abort => Some(End::Aborted),
            (tcp::State::TimeWait, _) | (tcp::State::Closed, tcp::State::LastAck) => Some(End::Closed),
            (tcp::State::Closed, tcp::State::Closed) => None,
            (tcp::State::Closed, _) => Some(End::Reset),
            _ => None,
        };
        if let (Next::Wait | Next::WakeAt(_), None | Some(End::Closed)) = (self.next, self.end) {
            self.next = self.session.poll(socket, &mut cx);
            match self.next {
                Next::Close => socket.close(),
                Next::Abort => socket.abort(),
                Next::Wait | Next::WakeAt(_) => {}
            }
        }
        self.wakes += usize::from(cx.wake);
        if self.next == Next::Close {
            receive(socket, usize::MAX, |_| ());
        }
        if let Some(end) = self.end {
            self.session.ended(end, &mut cx);
        }
    }

    /// The peer sends all of `bytes` in one go.
    pub fn send(&mut self, bytes: &[u8]) {
        assert_eq!(self.there.tcp(self.peer).send_slice(bytes), Ok(bytes.len()));
        self.settle();
    }

    /// The peer sends as many bytes as fit into its send buffer. Returns the number of bytes.
    pub fn offer(&mut self, bytes: &[u8]) -> usize {
        let sent = self.there.tcp(self.peer).send_slice(bytes).unwrap_or(0);
        self.settle();
        sent
    }

    /// Reads up to `limit` bytes that the peer has received.
    pub fn take_some(&mut self, limit: usize) -> Vec<u8> {
        let mut bytes = vec![0; limit];
        let len = self.there.tcp(self.peer).recv_slice(&mut bytes).unwrap_or(0);
        bytes.truncate(len);
        self.settle();
        bytes
    }

    /// Reads all bytes that the peer has received.
    pub fn take(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            match self.take_some(65_535) {
                more if more.is_empty() => return bytes,
                more => bytes.extend(more),
            }
        }
    }

    /// The peer sends `bytes` and its FIN together: the session is not polled between the two.
    pub fn reply_and_close(&mut self, bytes: &[u8]) {
        assert_eq!(self.there.tcp(self.peer).send_slice(bytes), Ok(bytes.len()));
        self.close();
    }

    /// The peer sends its FIN.
    pub fn close(&mut self) {
        self.there.tcp(self.peer).close();
        self.settle();
    }

    /// The peer sends RST.
    pub fn reset(&mut self) {
        self.there.tcp(self.peer).abort();
        self.settle();
    }

    /// The stack closes the connection.
    pub fn shut_down(&mut self) {
        let mut scratch = [0; MESSAGE];
        let mut cx = context(self.now, &mut self.console, &mut scratch);
        self.session.shut_down(self.here.sockets.get_mut(self.socket), &mut cx);
        self.next = Next::Close;
        self.here.tcp(self.socket).close();
        self.settle();
    }

    /// Returns whether the peer has received the session's FIN.
    pub fn closed(&mut self) -> bool {
        matches!(self.there.tcp(self.peer).recv_slice(&mut []), Err(tcp::RecvError::Finished))
    }

    /// Returns how many received bytes the session has not read.
    pub fn unread(&mut self) -> usize {
        self.here.tcp(self.socket).recv_queue()
    }

    /// Returns the session's most recent answer to a poll.
    pub fn next(&self) -> Next {
        self.next
    }

    /// Removes and returns the output that the session has printed since the previous call.
    pub fn printed(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.console.printed)
    }
}

/// Creates the context for a poll of a TCP session.
fn context<'c>(now: Instant, console: &'c mut dyn Console, scratch: &'c mut [u8]) -> Context<'c> {
    Context { now, console, scratch, udp_ports: &[], addresses: &[], held_back: false, wake: false }
}

/// A UDP session on port [`SERVER`] and its peers' sockets.
pub struct Udp<S> {
    pub now: Instant,
    pub session: S,
    pub console: Script,
    pub next: Next,
    /// The UDP ports that the session's stack serves.
    pub ports: Vec<u16>,
    here: Side,
    there: Side,
    socket: SocketHandle,
    peers: Vec<SocketHandle>,
}

impl<S: UdpSession> Udp<S> {
    /// Creates the session's socket and a peer on each of the ports `peers`.
    pub fn new(session: S, peers: &[u16], console: Script) -> Self {
        let (mut here, mut there) = Side::pair();
        let socket = here.add_udp(SERVER);
        let peers = peers.iter().map(|&port| there.add_udp(port)).collect();
        let (now, next) = (Instant::ZERO, Next::Wait);
        Udp { now, session, console, next, ports: vec![SERVER], here, there, socket, peers }
    }

    /// Runs both sides until neither has anything more to do at the current time.
    pub fn settle(&mut self) {
        settle(|| {
            let before = self.progress();
            self.run_session();
            let changed = self.progress() != before;
            let here = self.here.poll(self.now);
            self.there.poll(self.now) || here || changed
        });
    }

    /// Returns a value that changes when the session does something.
    fn progress(&mut self) -> (Next, bool, usize, usize) {
        let socket = self.here.udp(self.socket);
        (self.next, socket.can_recv(), socket.recv_queue(), socket.send_queue())
    }

    /// Polls the session as the stack does.
    fn run_session(&mut self) {
        let mut scratch = [0; MESSAGE];
        let (console, udp_ports) = (&mut self.console, &self.ports[..]);
        let mut cx = Context {
            now: self.now,
            console,
            scratch: &mut scratch,
            udp_ports,
            addresses: &[],
            held_back: false,
            wake: false,
        };
        if matches!(self.next, Next::Wait | Next::WakeAt(_)) {
            self.next = self.session.poll(self.here.sockets.get_mut(self.socket), &mut cx);
        }
    }

    /// Peer number `peer` sends `data`.
    pub fn send(&mut self, peer: usize, address: fn(u8) -> IpAddress, data: &[u8]) {
        let to = IpEndpoint::new(address(1), SERVER);
        self.there.udp(self.peers[peer]).send_slice(data, to).unwrap();
        self.settle();
    }

    /// Peer number `peer` sends `data`. The session is not polled before the datagram has arrived.
    pub fn send_unseen(&mut self, peer: usize, address: fn(u8) -> IpAddress, data: &[u8]) {
        let to = IpEndpoint::new(address(1), SERVER);
        self.there.udp(self.peers[peer]).send_slice(data, to).unwrap();
        settle(|| {
            let there = self.there.poll(self.now);
            self.here.poll(self.now) || there
        });
        self.settle();
    }

    /// Reads the oldest datagram that this peer has received. Returns the data and the sender.
    pub fn take(&mut self, peer: usize) -> Option<(Vec<u8>, IpEndpoint)> {
        let (data, from) = self.there.udp(self.peers[peer]).recv().ok()?;
        Some((data.to_vec(), from.endpoint))
    }

    /// Removes and returns the output that the session has printed since the previous call.
    pub fn printed(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.console.printed)
    }
}
