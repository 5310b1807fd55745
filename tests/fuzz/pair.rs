//! The stacks of a server and a client on a cable with a virtual clock. The side that is not under test runs a
//! [`Peer`].

use std::collections::VecDeque;
use std::rc::Rc;

use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::{Cable, CableEnd};
use smolstep::stack::{
    Config, ConnectionId, Console, Context, End, Input, Io, Listener, Next, Probe, Seed, Session, Stack,
};
use smoltcp::socket::tcp::{RecvError, Socket};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint};

use super::random::Random;

/// The first client's address as programs show it. Each further client has the next port.
pub const CLIENT: &str = "10.0.0.2:2000";

/// The server's port.
const PORT: u16 = 80;

const SIZES: Sizes = Sizes { connections: 4, receive: 4096, send: 4096, ports: 0, datagrams: 0, payload: 0 };

/// The maximum number of polls of both stacks for one input.
const POLLS: usize = 200_000;

type Side<'a> = CableEnd<'a, 16, 1514>;

/// The memory of a [`Pair`]: the cable and the buffers of both stacks.
pub struct Ground<'a, S, C> {
    cable: Cable<16, 1514>,
    server: HeapPool<'a, S, ()>,
    client: HeapPool<'a, C, ()>,
}

impl<S, C> Ground<'_, S, C> {
    pub fn new() -> Self {
        Ground { cable: Cable::new(), server: HeapPool::new(SIZES), client: HeapPool::new(SIZES) }
    }
}

pub struct Pair<'a, S, C, P> {
    pub now: Instant,
    pub server: Stack<'a, S, ()>,
    pub server_io: Io<Side<'a>, Shown, P>,
    pub client: Stack<'a, C, ()>,
    pub client_io: Io<Side<'a>, Shown>,
    clients: u16,
    polls: usize,
}

impl<'a, S: Session + Clone, C: Session + Clone, P: Probe> Pair<'a, S, C, P> {
    /// Creates a pair. The server serves each connection with a clone of `session`.
    pub fn new(ground: &'a mut Ground<'a, S, C>, session: S, probe: P) -> Self {
        let now = Instant::from_secs(1);
        let (near, far) = ground.cable.ends();
        let mut server_io = Io { device: near, console: Shown::default(), probe };
        let mut client_io = Io::new(far, Shown::default());
        let addresses = [1, 2].map(|number| [IpCidr::new(IpAddress::v4(10, 0, 0, number), 24)]);
        let config = |number: u8, addresses| {
            Config::new(EthernetAddress([2, 0, 0, 0, 0, number]).into(), Seed([number; 32]), addresses)
        };
        let memory = ground.server.memory();
        let mut server = Stack::new(config(1, &addresses[0]), &mut server_io.device, memory, now).unwrap();
        let mut listener = Listener::new(PORT, session);
        listener.serve_at_once = 4;
        server.listen(listener).unwrap();
        let memory = ground.client.memory();
        let client = Stack::new(config(2, &addresses[1]), &mut client_io.device, memory, now).unwrap();
        Pair { now, server, server_io, client, client_io, clients: 0, polls: 0 }
    }

    /// Opens a connection.
    pub fn connect(&mut self, session: C) -> ConnectionId {
        let to = IpEndpoint::new(IpAddress::v4(10, 0, 0, 1), PORT);
        let from = 2000 + self.clients;
        self.clients += 1;
        self.client
            .connect_from(self.now, from, to, session, Duration::from_secs(5), &mut self.client_io)
            .expect("a connection slot is free")
    }

    /// Polls both stacks until `done` returns true.
    ///
    /// # Panics
    /// Panics after [`POLLS`] polls, or 600 s of virtual time.
    pub fn run(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        let until = self.now + Duration::from_secs(600);
        while !done(self) {
            self.polls += 1;
            assert!(self.polls < POLLS && self.now < until, "not done after {} polls", self.polls);
            let client = self.client.poll(self.now, &mut self.client_io);
            let server = self.server.poll(self.now, &mut self.server_io);
            let next = [client, server].into_iter().flatten().min().unwrap_or(until);
            self.now = next.clamp(self.now + Duration::from_micros(10), self.now + Duration::from_millis(50));
        }
    }

    /// Runs until a connection has ended on both sides. Returns the client's program and the way in which the
    /// connection ended.
    pub fn end(&mut self, id: ConnectionId) -> (C, End) {
        self.run(|pair| pair.client.ended(id).is_some() && pair.server.connections_in_use().next().is_none());
        self.client.take(id).expect("the connection has ended")
    }
}

/// A console that stores printed bytes, and returns the bytes in `typed` as input.
#[derive(Default)]
pub struct Shown {
    pub printed: Vec<u8>,
    pub typed: VecDeque<u8>,
}

impl Shown {
    /// Returns the text printed since the previous call.
    pub fn take(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.printed)).expect("programs print text")
    }
}

impl Console for Shown {
    fn print(&mut self, bytes: &[u8]) {
        self.printed.extend_from_slice(bytes);
    }

    fn read(&mut self, buf: &mut [u8]) -> Input {
        let len = buf.len().min(self.typed.len());
        buf.iter_mut().zip(self.typed.drain(..len)).for_each(|(place, byte)| *place = byte);
        if len == 0 { Input::NotYet } else { Input::Bytes(len) }
    }
}

/// A program that sends bytes, and receives until the other side closes.
#[derive(Clone)]
pub struct Peer {
    bytes: Rc<[u8]>,
    sent: usize,
    /// The random state for the length of the next piece, if the bytes are sent in pieces.
    cut: Option<u64>,
    /// The lengths of the remaining messages and the time of the next message.
    ///
    /// `None` if the peer does not pause after each message.
    messages: Option<(VecDeque<usize>, Instant)>,
    /// If set, the peer closes its side when the received bytes end with these bytes. Otherwise it closes after its
    /// final byte.
    until: Option<&'static [u8]>,
    pub received: Vec<u8>,
}

impl Peer {
    /// Creates a peer that sends `bytes` and closes its side. With `cut` 0, each write is as long as the buffer allows.
    pub fn speaker(bytes: &[u8], cut: u8) -> Self {
        let cut = (cut > 0).then_some(cut.into());
        Peer { bytes: bytes.into(), sent: 0, cut, messages: None, until: None, received: Vec::new() }
    }

    /// Creates a peer that waits for 250 ms after each message, and closes after the final one.
    pub fn messenger(messages: &[&[u8]]) -> Self {
        let lengths = messages.iter().map(|message| message.len()).collect();
        Peer { messages: Some((lengths, Instant::ZERO)), ..Peer::speaker(&messages.concat(), 0) }
    }

    /// Creates a peer that sends nothing, and closes after it has received `until`.
    pub fn listener(until: &'static [u8]) -> Self {
        Peer { until: Some(until), ..Peer::speaker(&[], 0) }
    }
}

impl Session for Peer {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        loop {
            match socket.recv(|piece| (piece.len(), piece.to_vec())) {
                Ok(piece) if piece.is_empty() => break,
                Ok(piece) => self.received.extend(piece),
                Err(RecvError::Finished | RecvError::InvalidState) => return Next::Close,
            }
        }
        if let Some(until) = self.until {
            if self.received.ends_with(until) {
                // With Next::Close, the program would end before it has received everything.
                socket.close();
            }
            return Next::Wait;
        }
        let rest = &self.bytes[self.sent..];
        if let Some((messages, at)) = &mut self.messages {
            if cx.now < *at {
                return Next::WakeAt(*at);
            }
            if let Some(len) = messages.pop_front() {
                // The send buffer is longer than any message.
                self.sent += socket.send_slice(&rest[..len]).unwrap_or(0);
                *at = cx.now + Duration::from_millis(250);
                return Next::WakeAt(*at);
            }
            socket.close();
            return Next::Wait;
        }
        let piece = match &mut self.cut {
            None => rest,
            Some(cut) => {
                let mut random = Random(*cut);
                let len = 1 + random.below(600);
                *cut = random.next();
                &rest[..rest.len().min(len)]
            }
        };
        self.sent += socket.send_slice(piece).unwrap_or(0);
        if self.sent == self.bytes.len() {
            socket.close();
            return Next::Wait;
        }
        if self.cut.is_some() { Next::WakeAt(cx.now + Duration::from_millis(1)) } else { Next::Wait }
    }
}
