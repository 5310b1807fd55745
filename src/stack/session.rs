//! The traits that programs implement: [`Session`] for a TCP connection, [`UdpSession`] for a UDP port.

use core::fmt;

use smoltcp::socket::{tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpCidr, IpEndpoint};

use super::console::Console;
use super::icmp_errors::IcmpError;

/// A program on one side of one TCP connection.
///
/// The stack first calls [`poll`](Self::poll) when the connection is established and, on a server, has left the
/// backlog. The stack calls `poll` again when something might have changed: a segment has arrived, the time of
/// [`Next::WakeAt`] has come, or the console has input. The stack can also call `poll` without any change.
///
/// A session removes input from the socket only when it has handled the input. To close its own side and continue to
/// read, a session calls `socket.close()`. A session returns [`Next::Close`] when it needs nothing more from the
/// connection.
pub trait Session {
    /// Does the work that is possible without waiting and returns what to wait for.
    fn poll(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) -> Next;

    /// Called when the stack shuts down. Data queued here is still sent before FIN.
    fn shut_down(&mut self, _socket: &mut tcp::Socket<'_>, _cx: &mut Context<'_>) {}

    /// Called once, when the connection has ended.
    fn ended(&mut self, _end: End, _cx: &mut Context<'_>) {}
}

/// No program: for a stack without TCP programs.
impl Session for () {
    fn poll(&mut self, _socket: &mut tcp::Socket<'_>, _cx: &mut Context<'_>) -> Next {
        Next::Close
    }
}

/// A program on a UDP port, such as a client. A server that only answers datagrams implements [`Responder`].
pub trait UdpSession {
    /// The number of ports that programs of this type need at the same time. For an enum of programs, the number is the
    /// sum over the enum's variants.
    const PORTS: usize = 1;

    /// Does the work that is possible without waiting and returns what to wait for.
    ///
    /// [`Next::Close`] and [`Next::Abort`] both unbind the port.
    fn poll(&mut self, socket: &mut udp::Socket<'_>, cx: &mut Context<'_>) -> Next;

    /// Returns whether to run the program once its queued datagrams have been sent. If a received datagram is waiting,
    /// the program always runs.
    fn waits_for_room(&self) -> bool {
        true
    }

    /// Returns whether queued datagrams wait without limit for the receiver's hardware address. The stack repeats its
    /// ARP or NDP request each second. A program that returns true needs its own timeout, because the stack then does
    /// not call [`unreachable`](Self::unreachable).
    ///
    /// If the program returns false, the datagrams are dropped when three requests, one each second, have had no
    /// answer. A server can then answer its other clients.
    fn waits_for_neighbour(&self) -> bool {
        false
    }

    /// Called after the stack has dropped a queued datagram of the program, because the next hop did not answer ARP or
    /// NDP. The program runs afterwards.
    fn unreachable(&mut self) {}

    /// Called with an ICMP error about a datagram from this port to `remote`.
    ///
    /// Returns whether the error concerns the program. If so, the program runs afterwards. If not, the stack reports
    /// the error as dropped, unless the stack learns a path MTU from it. An attacker can forge an error with the right
    /// endpoints, so a program should ignore errors about hosts to which it has sent nothing.
    fn undelivered(&mut self, _remote: IpEndpoint, _error: &IcmpError) -> bool {
        false
    }
}

/// No program: for a stack without UDP programs.
impl UdpSession for () {
    const PORTS: usize = 0;

    fn poll(&mut self, _socket: &mut udp::Socket<'_>, _cx: &mut Context<'_>) -> Next {
        Next::Close
    }
}

/// A UDP server. The stack calls the server with each datagram, and the server can answer.
pub trait Responder {
    /// The number of ports that programs of this type need at the same time: see [`UdpSession::PORTS`].
    const PORTS: usize = 1;

    /// Processes one datagram and writes the answer, if there is one, into `reply`. An answer can be at most as long as
    /// `reply`.
    ///
    /// `reply` is part of the scratch memory. `cx.scratch` is the rest of the scratch memory and can be empty.
    fn datagram(&mut self, from: udp::UdpMetadata, data: &[u8], reply: &mut [u8], cx: &mut Context<'_>) -> Answer;
}

/// The decision of a [`Responder`] about a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Send this many bytes of the reply buffer to the sender.
    Reply(usize),
    /// Send nothing.
    Silence,
    /// Send this many bytes, then end the program.
    ReplyAndEnd(usize),
    /// Send nothing and end the program.
    End,
}

/// What a session waits for, or how it ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Next {
    /// Waits for a segment, room to send, or console input.
    Wait,
    /// Waits for a segment, room to send, console input, or this time, whichever comes first.
    WakeAt(Instant),
    /// The program has finished. The stack sends the queued data, then FIN. The stack discards unread data and data
    /// that still arrives. With the feature `recovery`, an RST then reports discarded data to the peer. The RST is sent
    /// half a second after the peer's most recent acknowledgement, unless the peer closes first.
    Close,
    /// The program aborts the connection. The stack sends RST.
    Abort,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum End {
    /// This side aborted the connection with RST.
    Aborted,
    /// The interface lost its local address.
    AddressGone,
    /// Both sides closed, and everything that this side sent was acknowledged.
    Closed,
    /// The connection's slot was needed for a new connection.
    Recycled,
    /// The peer answered the SYN with RST, or an ICMP error reported an unreachable port or protocol.
    Refused,
    /// The peer sent RST.
    Reset,
    /// The peer did not answer in time.
    TimedOut,
    /// The peer did not answer in time, and an ICMP error reported the reason.
    #[cfg(feature = "recovery")]
    Undelivered(IcmpError),
    /// No segment could be sent, because the next hop did not answer ARP or NDP. The next hop is the remote host or a
    /// router.
    Unreachable,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            End::Aborted => "aborted",
            End::AddressGone => "address gone",
            End::Closed => "closed",
            End::Recycled => "recycled",
            End::Refused => "connection refused",
            End::Reset => "connection reset by peer",
            End::TimedOut => "timed out",
            #[cfg(feature = "recovery")]
            End::Undelivered(error) => return write!(f, "timed out: {error}"),
            End::Unreachable => "no host answers at this address",
        };
        f.write_str(words)
    }
}

/// The resources that a session can use besides its socket.
#[non_exhaustive]
pub struct Context<'a> {
    /// The time of this poll.
    pub now: Instant,
    /// The program's standard input and output.
    pub console: &'a mut dyn Console,
    /// Scratch memory for this call, at least [`MESSAGE`] bytes. The content of this memory is undefined.
    pub scratch: &'a mut [u8],
    /// The UDP ports on which this stack runs programs.
    pub udp_ports: &'a [u16],
    /// The interface's addresses.
    pub addresses: &'a [IpCidr],
    /// Whether queued data cannot be sent yet. For TCP, this is true if the peer keeps its window closed but answers
    /// window probes. For UDP, this is true if a datagram waits for its receiver's hardware address.
    pub held_back: bool,
    /// Whether to run all programs after this call: see [`wake_programs`](Self::wake_programs).
    pub wake: bool,
}

/// The length of the longest message of a TCP program, in bytes. One read returns at most this many bytes.
pub const MESSAGE: usize = 1024;

/// Returns whether a port belongs to a simple service: echo, discard, daytime, quote of the day, chargen or time (RFC
/// 862, 863, 867, 865, 864, 868). All of them except discard answer every datagram, so a reply would start an endless
/// loop.
fn loops(port: u16) -> bool {
    matches!(port, 7 | 9 | 13 | 17 | 19 | 37)
}

impl Context<'_> {
    /// Queues every program to run after this call, as [`Stack::wake_programs`](super::Stack::wake_programs) does.
    ///
    /// A program calls this method when it has changed state that it shares with other programs. A program that calls
    /// this method on every poll keeps the stack busy for ever.
    pub fn wake_programs(&mut self) {
        self.wake = true;
    }

    /// Returns whether a datagram of this UDP program has not been sent yet.
    pub(crate) fn is_unsent(&self, socket: &udp::Socket<'_>) -> bool {
        self.held_back || socket.send_queue() > 0
    }

    /// Returns the metadata for the answer to a datagram. The answer's source address is the datagram's destination
    /// address. If the datagram was sent to a broadcast or multicast address, smoltcp selects a source address.
    pub fn answer_to(&self, from: udp::UdpMetadata) -> udp::UdpMetadata {
        let mut to = from;
        to.local_address = from.local_address.filter(|to| self.addresses.iter().any(|own| own.address() == *to));
        to
    }

    /// Returns whether a datagram may be answered.
    ///
    /// Returns false if the datagram came from a broadcast, multicast or unspecified address, or from port 0 (RFC 1122
    /// section 3.2.1.3). Also returns false if the sender's port belongs to a service that would answer the reply (CERT
    /// CA-1996-01).
    pub fn may_answer(&self, from: &udp::UdpMetadata) -> bool {
        let unicast = match from.endpoint.addr {
            IpAddress::Ipv4(a) => !(a.is_broadcast() || a.is_multicast() || a.is_unspecified()),
            #[cfg(feature = "ipv6")]
            IpAddress::Ipv6(a) => !(a.is_multicast() || a.is_unspecified()),
        };
        let port = from.endpoint.port;
        // The sender might run the same programs on the same ports as this stack, and answer the reply.
        unicast && port != 0 && !loops(port) && !self.udp_ports.contains(&port)
    }
}

/// Turns a [`Responder`] into a [`UdpSession`]. The [`UdpSession`] answers only the datagrams that
/// [`Context::may_answer`] allows.
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

    /// Passes one datagram to the responder and queues its answer.
    fn poll(&mut self, socket: &mut udp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        // The next answer is written only after the previous answer is sent, so that no single port can fill the
        // device's queue.
        if socket.send_queue() > 0 {
            return Next::Wait;
        }
        // The responder has ended the program with its previous answer.
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
            held_back: cx.held_back,
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
            // A reply that the socket refuses could never be sent. The stack drops such a reply, as UDP allows.
            if socket.send_slice(&cx.scratch[..len], cx.answer_to(from)).is_ok() && len > 0 {
                // When this reply is sent, the stack calls `poll` again if another datagram is waiting or the program
                // ends.
                return Next::Wait;
            }
        }
        // `poll` must run again, to handle the next datagram or to end.
        if self.ending || socket.can_recv() { Next::WakeAt(cx.now) } else { Next::Wait }
    }

    fn waits_for_room(&self) -> bool {
        self.ending
    }
}
