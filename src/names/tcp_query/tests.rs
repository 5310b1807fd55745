//! Tests queries over TCP after a truncated datagram, on a virtual clock.

use std::vec::Vec;

use smoltcp::phy::Medium;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use super::*;
use crate::host::{HeapPool, Sizes};
use crate::names::tests::*;
use crate::names::{ResolveError, Resolver};
use crate::phy::Cable;
use crate::stack::{Config, Io, Listener, NullConsole, Respond, Seed, Stack};

/// The reaction of a server to a query over TCP.
#[derive(Clone, Copy, Debug)]
enum Over {
    /// No program listens.
    Refused,
    Silent,
    /// The server closes without a reply.
    Closes,
    /// The server sends a reply that contains three addresses, in pieces of the given length in bytes, and does not
    /// close.
    Replies(usize),
    /// The server announces a reply of the given length in bytes, but sends only one byte of it.
    Announces(u16),
    Garbage,
    Loop,
}

#[derive(Clone, Debug)]
struct TcpServer(Over, usize);

impl Session for TcpServer {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        let mut query = [0; 300];
        let len = socket.peek_slice(&mut query).unwrap();
        if len < 2 {
            return if socket.may_recv() { Next::Wait } else { Next::Close };
        }
        let question = &query[2..len];
        assert_eq!(usize::from(u16::from_be_bytes([query[0], query[1]])), question.len());
        let (reply, piece) = match self.0 {
            Over::Refused | Over::Silent => return Next::Wait,
            Over::Closes => return Next::Close,
            Over::Replies(piece) => (three(question), piece),
            Over::Announces(len) if self.1 == 0 => {
                self.1 = socket.send_slice(&[&len.to_be_bytes()[..], &[0; 1]].concat()).unwrap();
                return Next::Wait;
            }
            Over::Announces(_) => return Next::Wait,
            Over::Garbage => (b"garbage".to_vec(), 100),
            Over::Loop => (reply_to(question, 0, &[("www.example".into(), CNAME, wire("www.example"))]), 100),
        };
        let whole = [&(reply.len() as u16).to_be_bytes()[..], &reply].concat();
        if !socket.may_recv() {
            return Next::Close;
        }
        let rest = &whole[self.1..];
        if rest.is_empty() {
            return Next::Wait;
        }
        self.1 += socket.send_slice(&rest[..piece.min(rest.len())]).unwrap();
        Next::WakeAt(cx.now + Duration::from_millis(1))
    }
}

/// A reply with three addresses of the question's family.
fn three(question: &[u8]) -> Vec<u8> {
    let len = if kind_of(question) == A { 4 } else { 16 };
    let records: Vec<_> =
        (1..=3).map(|number| (String::from("www.example"), kind_of(question), vec![number; len])).collect();
    reply_to(question, 0, &records)
}

/// Looks up a name at a server that truncates each datagram to `part` addresses. Returns the result and how many ms the
/// lookup took.
fn lookup(part: usize, over: Over, thorough: bool) -> (Result<usize, ResolveError>, i64) {
    let sizes = Sizes { connections: 4, receive: 512, send: 512, ports: 1, datagrams: 4, payload: 2048 };
    let (mut ours, mut theirs) = (HeapPool::new(sizes), HeapPool::new(sizes));
    let mut cable = Cable::<8, 1514>::with_medium(Medium::Ip);
    let (near, far) = cable.ends();
    let (mut near, mut far) = (Io::new(near, NullConsole), Io::new(far, NullConsole));
    let start = Instant::from_secs(1);
    let [at_1, at_2] = [1, 2].map(|n| [IpCidr::new(IpAddress::v4(10, 0, 0, n), 24)]);
    let config = |addresses| Config::new(HardwareAddress::Ip, Seed([7; 32]), addresses);
    let mut client = Stack::<TcpQuery, Resolver>::new(config(&at_2), &mut near.device, ours.memory(), start).unwrap();
    let mut dns = Stack::new(config(&at_1), &mut far.device, theirs.memory(), start).unwrap();
    let by_datagram = move |question: &[u8]| {
        let mut reply = if part > 0 { answer(question, 0) } else { reply_to(question, 0, &[]) };
        reply[2] |= 2;
        Some(reply)
    };
    dns.bind(53, Respond::new(Server(by_datagram))).unwrap();
    if !matches!(over, Over::Refused) {
        dns.listen(Listener::new(53, TcpServer(over, 0))).unwrap();
    }
    let name = Name::new("www.example").unwrap();
    let mut resolver = Resolver::new(name, &[IpAddress::v4(10, 0, 0, 1)], Duration::from_secs(20), [11, 12]).with_tcp();
    if thorough {
        resolver = resolver.thorough();
    }
    let port = client.bind(0, resolver).unwrap();
    let (mut now, mut queries) = (start, Vec::new());
    for _ in 0..30_000 {
        // Up to 8 exchanges happen at the same virtual time.
        let mut next = [None; 2];
        for _ in 0..8 {
            next = [dns.poll(now, &mut far), client.poll(now, &mut near)];
        }
        if let Some(resolver) = client.take_udp(port) {
            let found = resolver.result().unwrap().map(|addresses| addresses.in_order().count());
            return (found, (now - start).total_millis() as i64);
        }
        queries.retain(|&(id, number)| {
            let Some(query) = client.session(id).filter(|query| query.has_ended()).cloned() else { return true };
            client.udp_program(port).unwrap().end_tcp(number, Some(&query), now);
            client.wake_programs();
            false
        });
        while let Some((number, server, query)) = client.udp_program(port).unwrap().next_tcp() {
            match client.connect(now, server, query, TcpQuery::PATIENCE, &mut near) {
                Ok(id) => queries.push((id, number)),
                Err(_) => client.udp_program(port).unwrap().end_tcp(number, None, now),
            }
            client.wake_programs();
        }
        // The clock advances by at most 1 ms, because the caller might have changed something.
        let soon = now + Duration::from_millis(1);
        now = next.into_iter().flatten().min().unwrap_or(soon).clamp(now, soon);
    }
    panic!("the lookup never ends");
}

#[test]
fn a_truncated_reply_leads_to_a_query_over_tcp() {
    for piece in [1, 2, 7, 1000] {
        for part in [0, 1] {
            let (found, at) = lookup(part, Over::Replies(piece), true);
            assert_eq!(found, Ok(6 + 2 * part), "{part} in pieces of {piece}");
            assert!(at < 1000, "{at} ms");
        }
    }
}

#[test]
fn without_a_reply_over_tcp_the_truncated_reply_is_used() {
    for over in [Over::Refused, Over::Silent, Over::Closes, Over::Announces(600), Over::Announces(400)] {
        let (found, at) = lookup(1, over, true);
        assert!(found == Ok(2) && at <= 5100, "{over:?}: {found:?} after {at} ms");
        // A lookup that needs only one address does not wait for TCP.
        let (found, at) = lookup(1, over, false);
        assert!(found == Ok(2) && at <= 51, "{over:?}: {at} ms");
        let (found, at) = lookup(0, over, true);
        assert_eq!(found, Err(ResolveError::Truncated(IpAddress::v4(10, 0, 0, 1))), "{over:?}");
        assert!(at <= 10_100, "{over:?}: {at} ms");
    }
}

#[test]
fn errors_in_a_reply_over_tcp_are_reported() {
    let server = IpAddress::v4(10, 0, 0, 1);
    assert_eq!(lookup(0, Over::Garbage, true).0, Err(ResolveError::Malformed(server)));
    assert_eq!(lookup(0, Over::Loop, true).0, Err(ResolveError::AliasLoop));
}
