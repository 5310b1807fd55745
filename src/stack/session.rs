//! What a program is to the stack: a [`Session`] a TCP connection, a [`UdpSession`] a UDP port.

use core::fmt;

use smoltcp::socket::{tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpCidr};

use super::console::Console;

/// One side of one TCP connection, as the program sees it.
///
/// The stack calls [`poll`](Self::poll) once the connection is established (and, on a server, its turn has come), and again
/// whenever something may have changed: a segment arrived, the time asked for with [`Next::WakeAt`] has come, or the console
/// has input. A call may come without any change.
///
/// A session consumes input only when it has acted on it. It may half-close by calling `socket.close()` itself and go on
/// reading; [`Next::Close`] says that it wants nothing more of the connection.
pub trait Session {
    /// Does what can be done now, without waiting, and says what to wait for.
    fn poll(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) -> Next;

    /// Told that the stack closes the connection, which its program would go on with: the last that it queues still leaves.
    fn shut_down(&mut self, _socket: &mut tcp::Socket<'_>, _cx: &mut Context<'_>) {}

    /// Told once, when the connection is over, how it went.
    fn ended(&mut self, _end: End, _cx: &mut Context<'_>) {}
}

/// No program: for a stack that has none on TCP.
impl Session for () {
    fn poll(&mut self, _socket: &mut tcp::Socket<'_>, _cx: &mut Context<'_>) -> Next {
        Next::Close
    }
}

/// A program on a UDP port that does more than answer: a client, above all. A server implements [`Responder`].
pub trait UdpSession {
    /// How many programs this type stands for, each on a port of its own: the variants of an enum of programs.
    const PORTS: usize = 1;

    /// Does what can be done now, without waiting, and says what to wait for.
    ///
    /// [`Next::Close`] and [`Next::Abort`] both unbind the port.
    fn poll(&mut self, socket: &mut udp::Socket<'_>, cx: &mut Context<'_>) -> Next;

    /// Whether it has work of its own when what it had queued has left. Where a datagram waits then, it is called in any case.
    fn waits_for_room(&self) -> bool {
        true
    }

    /// Told that what it had queued was dropped, because nobody on the link answers for the receiver's address. What the port
    /// had received is gone too.
    fn unreachable(&mut self) {}
}

/// No program: for a stack that has none on UDP.
impl UdpSession for () {
    const PORTS: usize = 0;

    fn poll(&mut self, _socket: &mut udp::Socket<'_>, _cx: &mut Context<'_>) -> Next {
        Next::Close
    }
}

/// A UDP server: told of each datagram, it may answer it.
pub trait Responder {
    /// As [`UdpSession::PORTS`].
    const PORTS: usize = 1;

    /// Looks at one datagram and writes the answer, if any, into `reply`, whose length is the longest answer that can be sent.
    ///
    /// The scratch memory in `cx` is what `reply` leaves of it, and may be empty.
    fn datagram(&mut self, from: udp::UdpMetadata, data: &[u8], reply: &mut [u8], cx: &mut Context<'_>) -> Answer;
}

/// What a [`Responder`] does with a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Send the first so many bytes of the reply buffer back to the sender.
    Reply(usize),
    /// Send nothing.
    Silence,
    /// Send the first so many bytes, then end the program.
    ReplyAndEnd(usize),
    /// Send nothing and end the program.
    End,
}

/// What a session waits for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A segment, room to send, or console input.
    Wait,
    /// The same, or this time, whichever comes first.
    WakeAt(Instant),
    /// Nothing: send what is queued, then FIN. What still arrives is read and thrown away.
    Close,
    /// Nothing: send RST.
    Abort,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// This side gave it up with RST.
    Aborted,
    /// The interface lost the address it used.
    AddressGone,
    /// Both sides closed, and all that this side sent is acknowledged.
    Closed,
    /// Its slot was needed for a new connection.
    Recycled,
    /// The peer answered the SYN with RST.
    Refused,
    /// The peer sent RST.
    Reset,
    /// The peer did not answer in time.
    TimedOut,
    /// No segment left: no host on the link answered ARP or NDP for the address, or for the router's.
    Unreachable,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            End::Aborted => "aborted",
            End::AddressGone => "address gone",
            End::Closed => "closed",
            End::Recycled => "recycled",
            End::Refused => "connection refused",
            End::Reset => "connection reset by peer",
            End::TimedOut => "timed out",
            End::Unreachable => "no host answers at this address",
        })
    }
}

/// What a session has besides its socket.
pub struct Context<'a> {
    /// The time of this poll.
    pub now: Instant,
    /// The program's standard input and output.
    pub console: &'a mut dyn Console,
    /// Memory to work in for the length of this call; its content means nothing. At least [`MESSAGE`] bytes, but for a
    /// [`Responder`].
    pub scratch: &'a mut [u8],
    /// The UDP ports served by this stack.
    pub udp_ports: &'a [u16],
    /// The interface's addresses.
    pub addresses: &'a [IpCidr],
    /// Whether the other programs are to run too: see [`wake_programs`](Self::wake_programs).
    pub wake: bool,
}

/// The longest message of a TCP program, in bytes: what one read returns.
pub const MESSAGE: usize = 1024;

/// Ports of the services that answer anything: answering one of them starts a loop (RFC 862, 863, 865, 867, 864, 868).
const LOOPING_PORTS: [u16; 6] = [7, 9, 13, 17, 19, 37];

impl Context<'_> {
    /// Has every program run after this one, as [`Stack::wake_programs`](super::Stack::wake_programs) does: for programs that
    /// share something and have changed it. Whoever calls this without a change keeps the stack busy for ever.
    pub fn wake_programs(&mut self) {
        self.wake = true;
    }

    /// How a datagram is answered: from the own address that it came to, or from the one that routing picks if it came to a
    /// broadcast or multicast address.
    pub fn answer_to(&self, from: udp::UdpMetadata) -> udp::UdpMetadata {
        let mut to = from;
        to.local_address = from.local_address.filter(|to| self.addresses.iter().any(|own| own.address() == *to));
        to
    }

    /// Whether a datagram may be answered: not one from a broadcast, multicast or unspecified address, from port 0, or from a
    /// port whose service would answer in turn (RFC 1122 section 3.2.1.3; CERT CA-1996-01).
    pub fn may_answer(&self, from: &udp::UdpMetadata) -> bool {
        let unicast = match from.endpoint.addr {
            IpAddress::Ipv4(a) => !(a.is_broadcast() || a.is_multicast() || a.is_unspecified()),
            #[cfg(feature = "ipv6")]
            IpAddress::Ipv6(a) => !(a.is_multicast() || a.is_unspecified()),
        };
        let port = from.endpoint.port;
        unicast && port != 0 && !LOOPING_PORTS.contains(&port) && !self.udp_ports.contains(&port)
    }
}

/// A [`Responder`] as a [`UdpSession`], with the rules every UDP server keeps: see [`Context::may_answer`].
#[derive(Clone, Debug)]
pub struct Respond<R> {
    responder: R,
    ending: bool,
}

impl<R: Responder> Respond<R> {
    /// Wraps `responder`.
    pub fn new(responder: R) -> Self {
        Respond { responder, ending: false }
    }
}

impl<R: Responder> UdpSession for Respond<R> {
    const PORTS: usize = R::PORTS;

    fn poll(&mut self, socket: &mut udp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        // One answer at a time: a second one is made only when the first has left, so that no port can fill the
        // device's queue alone.
        if socket.send_queue() > 0 {
            return Next::Wait;
        }
        if self.ending {
            return Next::Close;
        }
        let capacity = socket.payload_send_capacity().min(cx.scratch.len());
        let Ok((data, from)) = socket.recv() else { return Next::Wait };
        let (reply, rest) = cx.scratch.split_at_mut(capacity);
        let mut context = Context {
            now: cx.now,
            console: &mut *cx.console,
            scratch: rest,
            udp_ports: cx.udp_ports,
            addresses: cx.addresses,
            wake: cx.wake,
        };
        let answer = self.responder.datagram(from, data, reply, &mut context);
        cx.wake = context.wake;
        let len = match answer {
            Answer::Reply(len) | Answer::ReplyAndEnd(len) => Some(len.min(capacity)),
            Answer::Silence | Answer::End => None,
        };
        self.ending = matches!(answer, Answer::End | Answer::ReplyAndEnd(_));
        if let Some(len) = len
            && cx.may_answer(&from)
        {
            // Refused only where the reply could never be sent; it is dropped then, as UDP allows.
            if socket.send_slice(&cx.scratch[..len], cx.answer_to(from)).is_ok() && len > 0 {
                // This reply must leave first. When it has, there is another call.
                return Next::Wait;
            }
        }
        // Once more, for the next datagram or the end.
        if self.ending || socket.can_recv() { Next::WakeAt(cx.now) } else { Next::Wait }
    }

    fn waits_for_room(&self) -> bool {
        self.ending
    }
}
