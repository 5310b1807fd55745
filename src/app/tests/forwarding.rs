//! Tests that each wrapper forwards every method to its program.

use std::vec;
use std::vec::Vec;

use smoltcp::socket::{tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpEndpoint};

use crate::app::client::{Client, ClientOptions, ClientProgram, Run};
use crate::names::WithResolver;
use crate::stack::{Context, End, IcmpError, Next, NullConsole, Refusal, Session, UdpSession};

/// Records the name of each method that is called.
#[derive(Clone, Debug, Default)]
struct Recorder(Vec<&'static str>);

impl Session for Recorder {
    fn poll(&mut self, _socket: &mut tcp::Socket<'_>, _cx: &mut Context<'_>) -> Next {
        self.0.push("poll");
        Next::Abort
    }

    fn shut_down(&mut self, _socket: &mut tcp::Socket<'_>, _cx: &mut Context<'_>) {
        self.0.push("shut_down");
    }

    fn ended(&mut self, _end: End, _cx: &mut Context<'_>) {
        self.0.push("ended");
    }
}

impl ClientProgram for Recorder {
    fn poll(&mut self, _run: &mut Run<'_>, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) -> Next {
        Session::poll(self, socket, cx)
    }

    fn shut_down(&mut self, socket: &mut tcp::Socket<'_>, cx: &mut Context<'_>) {
        Session::shut_down(self, socket, cx);
    }

    fn ended(&mut self, end: End, cx: &mut Context<'_>) {
        Session::ended(self, end, cx);
    }
}

/// `waits_for_room` and `waits_for_neighbour` do not return the trait's defaults, so that the tests notice a call that
/// is not forwarded.
impl UdpSession for Recorder {
    const PORTS: usize = 3;

    fn poll(&mut self, _socket: &mut udp::Socket<'_>, _cx: &mut Context<'_>) -> Next {
        self.0.push("poll");
        Next::Abort
    }

    fn waits_for_room(&self) -> bool {
        false
    }

    fn waits_for_neighbour(&self) -> bool {
        true
    }

    fn unreachable(&mut self) {
        self.0.push("unreachable");
    }

    fn undelivered(&mut self, _remote: IpEndpoint, _error: &IcmpError) -> bool {
        self.0.push("undelivered");
        true
    }
}

crate::sessions! {
    enum Programs {
        Other(()),
        Recorder(Recorder),
    }
}

crate::udp_sessions! {
    enum UdpPrograms {
        Other(()),
        Recorder(Recorder),
    }
}

fn with_context(call: impl FnOnce(&mut Context<'_>)) {
    call(&mut Context {
        now: Instant::ZERO,
        console: &mut NullConsole,
        scratch: &mut [],
        udp_ports: &[],
        addresses: &[],
        held_back: false,
        wake: false,
    });
}

/// Calls each method of a session.
fn call_all(session: &mut impl Session) {
    let buffer = || tcp::SocketBuffer::new(vec![0; 16]);
    let mut socket = tcp::Socket::new(buffer(), buffer());
    with_context(|cx| {
        assert_eq!(session.poll(&mut socket, cx), Next::Abort);
        session.shut_down(&mut socket, cx);
        session.ended(End::Closed, cx);
    });
}

const ALL: [&str; 3] = ["poll", "shut_down", "ended"];

#[test]
fn each_method_reaches_a_program_among_others() {
    let mut programs = Programs::Recorder(Recorder::default());
    call_all(&mut programs);
    let Programs::Recorder(Recorder(calls)) = programs else { unreachable!() };
    assert_eq!(calls, ALL);
    with_context(|cx| Programs::Other(()).ended(End::Closed, cx));
}

#[test]
fn each_method_reaches_a_client() {
    let mut client = Client::new(&ClientOptions::default(), Recorder::default());
    call_all(&mut client);
    assert_eq!(client.program().0, ALL);
    assert!(client.result().is_some());
}

#[test]
fn each_method_reaches_a_udp_program_among_others() {
    let mut programs = UdpPrograms::Recorder(Recorder::default());
    call_all_udp(&mut programs);
    let UdpPrograms::Recorder(Recorder(calls)) = programs else { unreachable!() };
    assert_eq!(calls, ["poll", "unreachable", "undelivered"]);
    assert_eq!(UdpPrograms::PORTS, 3);
    assert!(UdpPrograms::Other(()).waits_for_room() && !UdpPrograms::Other(()).waits_for_neighbour());
}

#[test]
fn each_method_reaches_a_udp_program_beside_a_resolver() {
    let mut program = WithResolver::Program(Recorder::default());
    call_all_udp(&mut program);
    let WithResolver::Program(Recorder(calls)) = program else { unreachable!() };
    assert_eq!(calls, ["poll", "unreachable", "undelivered"]);
    assert_eq!(WithResolver::<Recorder>::PORTS, 4);
}

fn call_all_udp(session: &mut impl UdpSession) {
    let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY], vec![0; 16]);
    let mut socket = udp::Socket::new(buffer(), buffer());
    with_context(|cx| assert_eq!(session.poll(&mut socket, cx), Next::Abort));
    assert!(!session.waits_for_room() && session.waits_for_neighbour());
    session.unreachable();
    let from = IpAddress::v4(10, 0, 0, 1);
    assert!(session.undelivered(IpEndpoint::new(from, 7), &IcmpError { from, why: Refusal::TimeExceeded }));
}
