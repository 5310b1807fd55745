//! Tests the resolver against a fake server on a virtual clock, and names and messages on their own.

use std::net::IpAddr;
use std::vec::Vec;

use smoltcp::phy::Medium;
use smoltcp::socket::udp::UdpMetadata;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use super::message::{self, Kind, Reply};
use super::{Addresses, Name, NameError, ResolveError, Resolver};
use crate::host::{HeapPool, Sizes};
use crate::phy::Cable;
use crate::stack::{Answer, Config, Context, Io, NullConsole, Respond, Responder, Seed, Stack};

#[test]
fn names_are_checked() {
    for name in ["a", "host.example", "host.example.", "_x.y-z.1a", "xn--stra-yna.example"] {
        assert!(Name::new(name).is_ok(), "{name}");
    }
    let (long, longer) = (["a"; 127].join("."), ["a"; 128].join("."));
    assert!(Name::new(&long).is_ok());
    let label = "a".repeat(64);
    for (name, why) in [
        ("", NameError::EmptyPart),
        (".", NameError::EmptyPart),
        ("a..b", NameError::EmptyPart),
        (".a", NameError::EmptyPart),
        ("a b", NameError::BadCharacter),
        ("straße.example", NameError::BadCharacter),
        ("a\n", NameError::BadCharacter),
        ("300.1.1.1", NameError::Number),
        ("1", NameError::Number),
        (&label, NameError::TooLong),
        (&longer, NameError::TooLong),
    ] {
        assert_eq!(Name::new(name), Err(why), "{name}");
    }
}

#[test]
fn families_alternate_and_ipv6_is_first() {
    let mut addresses = Addresses::default();
    for text in ["10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "fd00::2", "10.0.0.1", "0.0.0.0", "ff02::1"] {
        addresses.add(text.parse().unwrap());
    }
    let order: Vec<_> = addresses.in_order().map(|a| a.to_string()).collect();
    assert_eq!(order, ["fd00::1", "10.0.0.1", "fd00::2", "10.0.0.2", "10.0.0.3"]);
}

#[test]
fn aliases_are_followed_in_any_order_up_to_a_limit() {
    let name = Name::new("www.example").unwrap();
    let alias = |from: &str, to: &str| (from.to_string(), CNAME, wire(to));
    let address = (String::from("c.example"), A, vec![10, 0, 0, 9]);
    let chain = [address.clone(), alias("b.example", "c.example"), alias("WWW.Example", "b.example")];
    assert_eq!(read(&reply_of("www.example", A, 0, &chain), &name), (Reply::Addresses(1), vec!["10.0.0.9".into()]));
    let circle = [alias("www.example", "b.example"), alias("b.example", "www.example"), address];
    assert_eq!(read(&reply_of("www.example", A, 0, &circle), &name), (Reply::AliasLoop, vec![]));
    for (count, reply) in [(16, Reply::Addresses(1)), (17, Reply::AliasLoop), (200, Reply::AliasLoop)] {
        let name_of = |number| if number == 0 { String::from("www.example") } else { format!("n{number}.example") };
        let mut chain: Vec<_> = (0..count).map(|number| alias(&name_of(number), &name_of(number + 1))).collect();
        chain.push((name_of(count), A, vec![10, 0, 0, 9]));
        assert_eq!(read(&reply_of("www.example", A, 0, &chain), &name).0, reply, "{count}");
        chain.reverse();
        assert_eq!(read(&reply_of("www.example", A, 0, &chain), &name).0, reply, "{count} backwards");
    }
}

#[test]
fn a_name_that_points_to_itself_does_not_hang_the_parser() {
    let name = Name::new("www.example").unwrap();
    let mut bytes = reply_of("www.example", A, 0, &[(String::from("www.example"), A, vec![10, 0, 0, 9])]);
    // The record's name becomes a pointer to itself.
    let at = 12 + name.wire().len() + 4;
    bytes.splice(at..at + name.wire().len(), [0xc0, at as u8]);
    assert_eq!(read(&bytes, &name), (Reply::Addresses(0), vec![]));
}

#[test]
fn an_incomplete_reply_is_not_an_answer() {
    let name = Name::new("www.example").unwrap();
    let bytes = reply_of("www.example", A, 0, &[(String::from("www.example"), A, vec![10, 0, 0, 9])]);
    assert_eq!(read(&bytes, &name).0, Reply::Addresses(1));
    for len in 0..bytes.len() {
        let (reply, found) = read(&bytes[..len], &name);
        assert!(matches!(reply, Reply::Malformed | Reply::NotOurs) && found.is_empty(), "{len}: {reply:?}");
    }
}

#[test]
fn both_families_are_found() {
    let found = lookup(|question| Some(answer(question, 0)), false);
    assert_eq!(found, (Ok(vec!["fd00::9".into(), "10.0.0.9".into()]), 0));
}

#[test]
fn the_wait_for_the_other_family_is_limited() {
    let only = |kind| move |question: &[u8]| (kind_of(question) == kind).then(|| answer(question, 0));
    assert_eq!(lookup(only(A), false), (Ok(vec!["10.0.0.9".into()]), 50));
    assert_eq!(lookup(only(AAAA), false), (Ok(vec!["fd00::9".into()]), 2000));
    // At its timeout, a thorough lookup returns the addresses found so far.
    assert_eq!(lookup(only(A), true), (Ok(vec!["10.0.0.9".into()]), 10_000));
}

#[test]
fn addresses_of_an_unreachable_family_do_not_end_the_lookup() {
    // Only the third IPv4 query is answered, after three seconds.
    let late = || {
        let mut asked = 0;
        move |question: &[u8]| {
            asked += usize::from(kind_of(question) == A);
            (kind_of(question) == AAAA || asked > 2).then(|| answer(question, 0))
        }
    };
    assert_eq!(lookup(late(), false), (Ok(vec!["fd00::9".into()]), 2000));
    let found = lookup_with(late(), |resolver| resolver.reaching(false, true));
    assert_eq!(found, (Ok(vec!["fd00::9".into(), "10.0.0.9".into()]), 3000));
}

#[test]
fn each_failure_has_its_own_error() {
    let server = IpAddress::v4(10, 0, 0, 1);
    let silent = ResolveError::Silent(server, Duration::from_secs(10));
    assert_eq!(lookup(|_| None, false), (Err(silent), 10_000));
    assert_eq!(lookup(|q| Some(answer(q, 3)), false), (Err(ResolveError::NoSuchName), 0));
    assert_eq!(lookup(|q| Some(answer(q, 2)), false), (Err(ResolveError::Failed(server, 2)), 0));
    assert_eq!(lookup(|q| Some(answer(q, 5)), false), (Err(ResolveError::Failed(server, 5)), 0));
    let cut = |q: &[u8]| Some(answer(q, 0)[..40].to_vec());
    assert_eq!(lookup(cut, false), (Err(ResolveError::Malformed(server)), 10_000));
    let circle = |q: &[u8]| Some(reply_to(q, 0, &[("www.example".into(), CNAME, wire("www.example"))]));
    assert_eq!(lookup(circle, false), (Err(ResolveError::AliasLoop), 0));
    // No program is bound to port 53, so both queries are refused.
    assert_eq!(lookup_at(54, |_| None, |resolver| resolver), (Err(ResolveError::Refused(server)), 0));
    // A reply with another ID belongs to another query.
    let foreign = |q: &[u8]| Some([&[q[0] ^ 1], &answer(q, 0)[1..]].concat());
    assert_eq!(lookup(foreign, false), (Err(silent), 10_000));
    let empty = |q: &[u8]| Some(reply_to(q, 0, &[]));
    assert_eq!(lookup(empty, false), (Err(ResolveError::NoAddress), 0));
    let truncated = |q: &[u8]| {
        let mut bytes = reply_to(q, 0, &[]);
        bytes[2] |= 2;
        Some(bytes)
    };
    assert_eq!(lookup(truncated, false), (Err(ResolveError::Truncated(server)), 0));
    // The addresses of a truncated reply are used.
    let part = |q: &[u8]| {
        let mut bytes = answer(q, 0);
        bytes[2] |= 2;
        Some(bytes)
    };
    assert_eq!(lookup(part, false), (Ok(vec!["fd00::9".into(), "10.0.0.9".into()]), 0));
}

#[test]
fn invalid_replies_are_ignored() {
    for bad in [
        |_: &[u8]| b"garbage".to_vec(),
        |q: &[u8]| answer(q, 0)[..40].to_vec(),
        |q: &[u8]| [&q[..2], &[0x81, 0x80], &[0xff; 30][..]].concat(),
        |q: &[u8]| [&[q[0] ^ 1], &answer(q, 0)[1..]].concat(),
        |q: &[u8]| [&q[..2], &reply_of("other.example", kind_of(q), 0, &[])[2..]].concat(),
    ] {
        let mut asked = 0;
        let found = lookup(
            move |question| {
                asked += 1;
                Some(if asked > 2 { answer(question, 0) } else { bad(question) })
            },
            false,
        );
        assert_eq!(found, (Ok(vec!["fd00::9".into(), "10.0.0.9".into()]), 1000));
    }
}

#[test]
fn a_lost_query_is_repeated() {
    let mut asked = 0;
    let found = lookup(
        move |question| {
            asked += 1;
            (asked > 2).then(|| answer(question, 0))
        },
        false,
    );
    assert_eq!(found, (Ok(vec!["fd00::9".into(), "10.0.0.9".into()]), 1000));
}

pub(super) const A: u16 = 1;
pub(super) const CNAME: u16 = 5;
pub(super) const AAAA: u16 = 28;

/// Looks up www.example at a server at 10.0.0.1. Returns the result and how many ms the lookup took.
fn lookup(server: impl FnMut(&[u8]) -> Option<Vec<u8>>, thorough: bool) -> (Result<Vec<String>, ResolveError>, i64) {
    lookup_with(server, |resolver| if thorough { resolver.thorough() } else { resolver })
}

/// Like `lookup`, but `configure` sets the resolver's options.
fn lookup_with(
    server: impl FnMut(&[u8]) -> Option<Vec<u8>>,
    configure: impl FnOnce(Resolver) -> Resolver,
) -> (Result<Vec<String>, ResolveError>, i64) {
    lookup_at(53, server, configure)
}

/// Like `lookup_with`, but the server uses this port.
fn lookup_at(
    port: u16,
    server: impl FnMut(&[u8]) -> Option<Vec<u8>>,
    configure: impl FnOnce(Resolver) -> Resolver,
) -> (Result<Vec<String>, ResolveError>, i64) {
    let sizes = Sizes { connections: 1, receive: 64, send: 64, ports: 1, datagrams: 4, payload: 2048 };
    let (mut ours, mut theirs) = (HeapPool::new(sizes), HeapPool::new(sizes));
    let mut cable = Cable::<8, 1514>::with_medium(Medium::Ip);
    let (near, far) = cable.ends();
    let (mut near, mut far) = (Io::new(near, NullConsole), Io::new(far, NullConsole));
    let start = Instant::from_secs(1);
    let [at_1, at_2] = [1, 2].map(|n| [IpCidr::new(IpAddress::v4(10, 0, 0, n), 24)]);
    let config = |addresses| Config::new(HardwareAddress::Ip, Seed([7; 32]), addresses);
    let mut client = Stack::<(), Resolver>::new(config(&at_2), &mut near.device, ours.memory(), start).unwrap();
    let mut dns = Stack::<(), _>::new(config(&at_1), &mut far.device, theirs.memory(), start).unwrap();
    dns.bind(port, Respond::new(Server(server))).unwrap();
    let name = Name::new("www.example").unwrap();
    let resolver = Resolver::new(name, &[IpAddress::v4(10, 0, 0, 1)], Duration::from_secs(10), [11, 12]);
    let port = client.bind(0, configure(resolver)).unwrap();
    let mut now = start;
    for _ in 0..1000 {
        let next = [client.poll(now, &mut near), dns.poll(now, &mut far), client.poll(now, &mut near)];
        if let Some(resolver) = client.take_udp(port) {
            let result = resolver.result().unwrap();
            let found = result.map(|addresses| addresses.in_order().map(|a| a.to_string()).collect());
            return (found, (now - start).total_millis() as i64);
        }
        now = next.into_iter().flatten().min().unwrap_or(now).max(now);
    }
    panic!("the lookup never ends");
}

pub(super) struct Server<F>(pub F);

impl<F: FnMut(&[u8]) -> Option<Vec<u8>>> Responder for Server<F> {
    fn datagram(&mut self, _from: UdpMetadata, data: &[u8], reply: &mut [u8], _cx: &mut Context<'_>) -> Answer {
        match (self.0)(data) {
            None => Answer::Silence,
            Some(bytes) => {
                reply[..bytes.len()].copy_from_slice(&bytes);
                Answer::Reply(bytes.len())
            }
        }
    }
}

/// A reply with the address of www.example in the family of the question.
pub(super) fn answer(question: &[u8], code: u8) -> Vec<u8> {
    let data: IpAddr = if kind_of(question) == A { "10.0.0.9" } else { "fd00::9" }.parse().unwrap();
    let data = match data {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    };
    reply_to(question, code, &[(String::from("www.example"), kind_of(question), data)])
}

pub(super) fn kind_of(question: &[u8]) -> u16 {
    let at = question.len() - 4;
    u16::from_be_bytes([question[at], question[at + 1]])
}

pub(super) fn reply_to(question: &[u8], code: u8, records: &[(String, u16, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = question.to_vec();
    bytes[2..4].copy_from_slice(&[0x81, 0x80 | code]);
    bytes[7] = records.len() as u8;
    for (name, kind, data) in records {
        bytes.extend(wire(name));
        bytes.extend([0, *kind as u8, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
        bytes.extend(data);
    }
    bytes
}

fn reply_of(name: &str, kind: u16, code: u8, records: &[(String, u16, Vec<u8>)]) -> Vec<u8> {
    let question = [&[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &wire(name), &[0, kind as u8, 0, 1]].concat();
    reply_to(&question, code, records)
}

pub(super) fn wire(name: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = name.split('.').flat_map(|part| [&[part.len() as u8], part.as_bytes()].concat()).collect();
    bytes.push(0);
    bytes
}

fn read(bytes: &[u8], name: &Name) -> (Reply, Vec<String>) {
    let mut found = Vec::new();
    let reply = message::reply(bytes, 7, name, Kind::A, |address| found.push(address.to_string()));
    (reply, found)
}
