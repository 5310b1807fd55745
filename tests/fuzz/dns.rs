//! Fuzzes replies from DNS servers: each lookup must end with addresses or an error.

use smolstep::names::{Name, ResolveError, Resolver};
use smoltcp::time::Duration;
use smoltcp::wire::{IpAddress, Ipv4Address};

use super::Target;
use super::mutate;
use super::random::Random;
use super::records::{record, records};
use super::world::dhcp::{GIVEN, SERVER};
use super::world::{Ground, World, arp_asks, arp_has, datagram, silence, udp};

/// The input is a list of records. Each record is a reply to the A query or to the AAAA query. After every four
/// records, a second passes.
pub const TARGET: Target = Target { name: "dns", run, honest, hostile };

// The bits of a record's control byte.
/// The reply is for the AAAA query.
const V6: u8 = 1;
/// The data is the part of the reply after the question. The upper bits of the control byte are the number of answers
/// in the header.
const ANSWERS: u8 = 2;
/// The reply is honest, and the data is not used.
const HONEST: u8 = 4;

/// The length of a message's header in bytes (RFC 1035 section 4.1.1).
const HEAD: usize = 12;

fn run(input: &[u8]) {
    let _ = lookup(input);
}

/// Processes an input. Returns the number of addresses that the lookup found, or its error.
fn lookup(input: &[u8]) -> Result<usize, ResolveError> {
    let mut ground = Ground::new();
    let mut world = World::on(&mut ground, &["10.0.0.50/24"], |_| {});
    let name = Name::new("www.example").expect("a valid name");
    let resolver = Resolver::new(name, &[SERVER.into()], Duration::from_secs(10), [11, 12]);
    let port = world.stack.bind(0, resolver).unwrap();
    let mut questions: [Option<Vec<u8>>; 2] = [None, None];
    world.run(1, |frame| {
        if arp_asks(frame) == Some(SERVER) {
            return vec![arp_has(SERVER, GIVEN)];
        }
        if let Some((_, 53, question)) = datagram(frame) {
            let v6 = question.ends_with(&[28, 0, 1]);
            questions[usize::from(v6)] = Some(question.to_vec());
        }
        vec![]
    });
    for (number, next) in records(input).enumerate() {
        let question = questions[usize::from(next.control & V6)].as_ref().expect("both queries were sent");
        let mut reply = match next.control {
            control if control & HONEST != 0 => honest_reply(question),
            control if control & ANSWERS != 0 => {
                let mut reply = [&question[..], next.data].concat();
                reply[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0, control >> 3]);
                reply
            }
            _ => next.data.to_vec(),
        };
        reply.iter_mut().zip(&question[..2]).for_each(|(place, byte)| *place = *byte);
        reply.truncate(1400);
        world.inject(&udp((SERVER, 53), (GIVEN, port), &reply));
        world.run(u64::from(number % 4 == 3), silence);
    }
    world.run(11, silence);
    let resolver = world.stack.take_udp(port).expect("the lookup is over");
    let addresses = resolver.result().expect("the lookup has ended")?;
    assert!((1..=16).contains(&addresses.in_order().count()));
    assert!(addresses.in_order().all(|address| IpAddress::from(address).is_unicast()));
    Ok(addresses.in_order().count())
}

/// Returns an honest reply: www.example is an alias of a.example. The alias ends in a compression pointer into the
/// question.
fn honest_reply(question: &[u8]) -> Vec<u8> {
    let kind = question[question.len() - 3];
    let data = match kind {
        1 => Ipv4Address::new(10, 0, 0, 9).octets().to_vec(),
        _ => "fd00::9".parse::<std::net::Ipv6Addr>().expect("a valid address").octets().to_vec(),
    };
    let mut reply = question.to_vec();
    reply[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 2]);
    reply.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'a', 0xc0, 16]);
    let alias = (reply.len() - 4) as u8;
    reply.extend([0xc0, alias, 0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
    reply.extend(data);
    reply
}

/// Returns a resolver's query for www.example. `kind` is the record type.
fn query(kind: u8) -> Vec<u8> {
    [&[0, 11, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x03www\x07example\0", &[0, kind, 0, 1]].concat()
}

fn honest() -> Vec<Vec<u8>> {
    let (mut both, mut whole, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for (v6, kind) in [(0, 1), (V6, 28)] {
        let question = query(kind);
        let reply = honest_reply(&question);
        record(&mut both, HONEST | v6, &[]);
        record(&mut whole, v6, &reply);
        record(&mut answers, ANSWERS | v6 | 2 << 3, &reply[question.len()..]);
    }
    vec![both, whole, answers]
}

fn hostile(random: &mut Random) -> (Vec<u8>, usize) {
    let (mut input, replies) = (Vec::new(), 1 + random.below(40));
    for _ in 0..replies {
        let v6 = u8::from(random.one_in(2));
        let question = query(if v6 == 0 { 1 } else { 28 });
        let mut reply = honest_reply(&question);
        match random.below(8) {
            0 if random.one_in(4) => record(&mut input, HONEST | v6, &[]),
            0..=2 => {
                let mut answers = reply.split_off(question.len());
                mutate(random, &mut answers, 0, &WORDS);
                record(&mut input, ANSWERS | v6 | 2 << 3, &answers);
            }
            _ => {
                mutate(random, &mut reply, HEAD, &WORDS);
                record(&mut input, v6, &reply);
            }
        }
    }
    (input, replies)
}

/// Parts of names and records, each of which can make a reply invalid.
///
/// These parts are compression pointers to the header or to themselves, and wrong lengths.
const WORDS: [&[u8]; 6] = [
    &[0xc0, 0],
    &[0xc0, 12],
    &[0xc0, 29],
    &[0xff, 0xff],
    &[63],
    &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 224, 0, 0, 1],
];

#[cfg(not(fuzzing))]
#[test]
fn some_lookups_succeed_and_some_fail() {
    let results: Vec<_> = (0..300).map(|number| lookup(&hostile(&mut Random(number)).0)).collect();
    let found = results.iter().filter(|result| result.is_ok()).count();
    assert!(found > 30 && results.len() - found > 30, "{found} of {}", results.len());
}
