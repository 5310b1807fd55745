//! Measures the delay that k consecutive losses of one segment cause. The limit is RTO·(2^k − 1) + 2 RTT.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use smolstep::host::{HeapPool, Sizes};
use smolstep::lab::{START, address};
use smolstep::stack::{Listener, Step};
use smolstep::trace::Summary;
use smoltcp::phy::Medium;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

use super::host::Host;
use super::plan::PORTS;
use super::program::{Finish, Habits, Program, Records};

/// The minimum difference between the retransmission timeout and the round-trip time: `TcpOptions::least_rto`.
const MARGIN: Duration = Duration::from_millis(200);

/// The maximum number of consecutive losses.
pub const MAX_LOSSES: u32 = 6;

/// The time limit of a run on the virtual clock, far above the delay of [`MAX_LOSSES`] losses.
const LIMIT: Duration = Duration::from_secs(400);

/// A transfer, and the byte whose segment is lost.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The name in the table.
    pub name: &'static str,
    /// The number of bytes that the sender writes.
    pub len: usize,
    /// The offset of the byte in the stream.
    pub byte: usize,
    /// Whether the client sends.
    pub client_sends: bool,
    /// The delay of a frame in either direction.
    pub latency: Duration,
}

/// Returns the cases of the table.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for latency in [1, 10, 100].map(Duration::from_millis) {
        for client_sends in [false, true] {
            let case = |name, len, byte| Case { name, len, byte, client_sends, latency };
            cases.extend([
                case("alone", 100, 50),
                case("first", 60_000, 0),
                case("middle", 60_000, 30_000),
                case("last", 60_000, 59_999),
            ]);
        }
    }
    cases
}

/// Returns the maximum delay that `losses` consecutive losses are allowed to cause.
pub fn limit(case: &Case, losses: u32) -> Duration {
    let rtt = case.latency * 2;
    // After the first RTT measurement, the RTO is three round trips (RFC 6298 section 2.2). With further measurements,
    // the RTO decreases.
    let rto = rtt + MARGIN.max(rtt * 2);
    rto * ((1 << losses) - 1) + rtt * 2
}

/// Returns the delay of the byte if its segment is lost `losses` times.
///
/// Returns `None` if the byte is never read.
pub fn delay(case: &Case, losses: u32) -> Option<Duration> {
    Some(read_at(case, losses)?.max(read_at(case, 0)?) - read_at(case, 0)?)
}

/// Returns the time at which the receiver reads the byte.
fn read_at(case: &Case, losses: u32) -> Option<Instant> {
    let sizes = Sizes { connections: 1, receive: 16_384, send: 16_384, ports: 0, datagrams: 0, payload: 0 };
    let mut pools = [HeapPool::new(sizes), HeapPool::new(sizes)];
    let [client, server] = &mut pools;
    // The idle timeout must not end the connection during the losses.
    let set = |config: &mut smolstep::stack::Config| config.tcp.idle_timeout = Duration::from_secs(3600);
    let mut hosts = [Host::new(0, client, 1, set), Host::new(1, server, 2, set)];
    let records: [Records; 2] = [Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new()))];
    let sender = usize::from(!case.client_sends);
    let program = |side: usize| {
        let len = if side == sender { case.len } else { 0 };
        let pace = (1024, Duration::ZERO);
        // The receiving program closes after the sender, so that no FIN from the receiver is in flight during the
        // losses.
        let finish = if side == sender { Finish::HalfClose } else { Finish::Last };
        Program::new(Habits { len, write: pace, read: pace, finish }, 1, &records[side], side == 0)
    };
    hosts[1].stack.listen(Listener::new(PORTS.1, program(1))).ok()?;
    let Host { stack, io, .. } = &mut hosts[0];
    stack.connect_from(START, PORTS.0, IpEndpoint::new(address(1), PORTS.1), program(0), LIMIT, io).ok()?;

    let (mut now, mut lost, mut first) = (START, 0, None);
    let mut flights: VecDeque<(Instant, usize, Vec<u8>)> = VecDeque::new();
    while now < START + LIMIT {
        while let Some((_, to, frame)) = flights.pop_front_if(|(at, ..)| *at <= now) {
            hosts[to].wire.outgoing.borrow_mut().push_back(frame);
        }
        let mut due = None;
        for (number, host) in hosts.iter_mut().enumerate() {
            let idle = loop {
                if let Step::Idle(at) = host.stack.step(now, &mut host.io) {
                    break at;
                }
                for frame in host.wire.incoming.borrow_mut().drain(..) {
                    if number == sender && lost < losses && carries(&frame, case.byte, &mut first) {
                        lost += 1;
                    } else {
                        flights.push_back((now + case.latency, 1 - number, frame));
                    }
                }
            };
            due = [due, idle].into_iter().flatten().min();
        }
        // The first read that reaches beyond the byte contains it.
        if let Some((_, at)) = records[1 - sender]
            .borrow()
            .first()
            .and_then(|record| record.read_at.iter().find(|(len, _)| *len > case.byte).copied())
        {
            return Some(at);
        }
        due = [due, flights.front().map(|(at, ..)| *at)].into_iter().flatten().min();
        now = due?.max(now + Duration::from_micros(1));
    }
    None
}

/// Returns whether a segment carries the byte at position `byte`. `first` is the stream's first sequence number, which
/// the function takes from the SYN.
fn carries(frame: &[u8], byte: usize, first: &mut Option<u32>) -> bool {
    let Some(segment) = Summary::of(frame, Medium::Ethernet).segment() else { return false };
    if segment.syn {
        *first = Some((segment.seq.0 as u32).wrapping_add(1));
    }
    let Some(first) = *first else { return false };
    // smoltcp stores sequence numbers as signed numbers. In 32 bits without sign, differences wrap around as TCP needs.
    let offset = byte as u32 - (segment.seq.0 as u32).wrapping_sub(first).min(byte as u32);
    (segment.seq.0 as u32).wrapping_sub(first) as usize <= byte && (offset as usize) < segment.len
}
