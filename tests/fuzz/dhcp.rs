//! Fuzzes replies from DHCP servers: the stack must not use an invalid value.

use smolstep::stack::Config;
use smoltcp::wire::IpCidr;

use super::Target;
use super::mutate;
use super::random::Random;
use super::records::{record, records, time};
use super::world::dhcp::{GIVEN, SERVER, Server};
use super::world::{Ground, OURS, World, datagram, silence, udp};

/// The input is a list of records. A record is a reply, or a pause.
pub const TARGET: Target = Target { name: "dhcp", run, honest, hostile };

// The two lowest bits of a record's control byte are the kind of the record. If the kind is a pause, the other bits are
// its length.
/// A whole reply. The test sets the transaction identifier and the client hardware address of the reply.
const WHOLE: u8 = 0;
/// The offered address and the options of a reply that is otherwise valid.
const OPTIONS: u8 = 1;
/// A pause during which an honest server answers.
const HONEST: u8 = 2;
/// A pause during which no server answers.
const SILENCE: u8 = 3;

/// The length of a message before its options (RFC 2131 section 2), in bytes.
///
/// The length includes the magic cookie.
const FIXED: usize = 240;

fn run(input: &[u8]) {
    leases(input);
}

/// Processes an input. Returns the number of leases that the stack accepted.
fn leases(input: &[u8]) -> usize {
    let mut ground = Ground::new();
    let mut world = World::on(&mut ground, &[], |config: &mut Config| config.dhcp = true);
    let (mut server, mut asked) = (Server::default(), Vec::new());
    let mut leases = 0;
    for next in records(input) {
        let mut reply = match next.control & 3 {
            WHOLE => next.data.to_vec(),
            OPTIONS => {
                let (given, options) = next.data.split_at(next.data.len().min(4));
                let mut reply = vec![0; FIXED];
                reply[..3].copy_from_slice(&[2, 1, 6]);
                reply[16..16 + given.len()].copy_from_slice(given);
                reply[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
                [&reply, options].concat()
            }
            kind => {
                world.run(next.seconds(), |frame| {
                    remember(frame, &mut asked);
                    if kind == HONEST { server.replies_to(frame) } else { vec![] }
                });
                check_addresses(&mut world, &mut leases);
                continue;
            }
        };
        if let Some(number) = asked.get(4..8) {
            reply.iter_mut().skip(4).zip(number).for_each(|(place, byte)| *place = *byte);
            reply.iter_mut().skip(28).zip(OURS.0).for_each(|(place, byte)| *place = byte);
        }
        reply.truncate(1400);
        world.inject(&udp((SERVER, 67), (GIVEN, 68), &reply));
        world.run(0, |frame| {
            remember(frame, &mut asked);
            silence(frame)
        });
        check_addresses(&mut world, &mut leases);
    }
    leases
}

/// Stores the client's most recent message in `asked`.
fn remember(frame: &[u8], asked: &mut Vec<u8>) {
    if let Some((68, 67, data)) = datagram(frame) {
        *asked = data.to_vec();
    }
}

/// Counts new leases, and asserts that each of the host's addresses is a valid host address.
fn check_addresses(world: &mut World<'_>, leases: &mut usize) {
    *leases += world.take_events().iter().filter(|line| line.contains(" leases ")).count();
    assert!(world.stack.addresses().len() <= 1 && world.stack.dns_servers().len() <= 3);
    for own in world.stack.addresses() {
        let IpCidr::Ipv4(own) = own else { panic!("{own} from DHCP") };
        let ends = [Some(own.network().address()), own.broadcast()];
        let is_end = own.prefix_len() <= 30 && ends.contains(&Some(own.address()));
        assert!((1..=32).contains(&own.prefix_len()) && !is_end, "{own}");
        assert!(!own.address().is_loopback() && !own.address().is_multicast(), "{own}");
    }
}

/// Returns an honest server's replies to a new client and to its renewals.
fn replies() -> Vec<Vec<u8>> {
    let mut ground = Ground::new();
    let mut world = World::on(&mut ground, &[], |config: &mut Config| config.dhcp = true);
    let (mut server, mut replies) = (Server::default(), Vec::new());
    world.run(600, |frame| {
        let reply = server.replies_to(frame);
        replies.extend(reply.iter().map(|reply| reply[14 + 28..].to_vec()));
        reply
    });
    replies
}

fn honest() -> Vec<Vec<u8>> {
    let (mut given, mut whole, mut options) = (Vec::new(), Vec::new(), Vec::new());
    [2, 30, 10].iter().for_each(|root| time(&mut given, HONEST, *root));
    time(&mut given, SILENCE, 40);
    time(&mut whole, SILENCE, 1);
    time(&mut options, SILENCE, 1);
    for reply in replies() {
        record(&mut whole, WHOLE, &reply);
        time(&mut whole, SILENCE, 1);
        record(&mut options, OPTIONS, &[&reply[16..20], &reply[FIXED..]].concat());
        time(&mut options, SILENCE, 1);
    }
    time(&mut options, SILENCE, 23);
    vec![given, whole, options]
}

thread_local! {
    static REPLIES: Vec<Vec<u8>> = replies();
}

fn hostile(random: &mut Random) -> (Vec<u8>, usize) {
    let (mut input, mut count) = (Vec::new(), 0);
    let given = random.pick(&ADDRESSES);
    // While an honest server answers, other offers are seldom accepted. For this reason, half of the inputs have no
    // honest server.
    let alone = random.one_in(2);
    while count < 40 {
        // An honest server answers in some periods, so that all states of the client are reached.
        let kind = if !alone && random.one_in(3) { HONEST } else { SILENCE };
        let root = if random.one_in(8) { random.below(30) as u8 } else { 1 };
        time(&mut input, kind, root);
        for _ in 0..1 + random.below(4) {
            let mut reply = REPLIES.with(|replies| replies[random.below(replies.len())].clone());
            if alone || random.one_in(4) {
                let mut options = reply.split_off(FIXED);
                // The router must be on the network of the address. Otherwise the router would be the reason for a
                // rejection.
                if let Some(at) = options.windows(6).position(|option| option[..2] == [3, 4]) {
                    options[at + 2..at + 5].copy_from_slice(&given[..3]);
                }
                if random.one_in(2) {
                    mutate(random, &mut options, 0, &WORDS);
                }
                record(&mut input, OPTIONS, &[&given, &options[..]].concat());
            } else {
                mutate(random, &mut reply, FIXED, &WORDS);
                record(&mut input, WHOLE, &reply);
            }
            count += 1;
        }
    }
    (input, count)
}

/// Offered addresses: one valid host address, and invalid addresses.
const ADDRESSES: [[u8; 4]; 7] = [
    [10, 0, 0, 50],
    [10, 0, 0, 50],
    [10, 0, 0, 0],
    [10, 0, 0, 255],
    [127, 0, 0, 50],
    [224, 0, 0, 50],
    [255, 255, 255, 255],
];

/// Options, each of which can make a lease invalid (RFC 2132).
///
/// The options contain other message types, masks or times, or wrong lengths.
const WORDS: [&[u8]; 9] = [
    &[53, 1, 2],
    &[53, 1, 5],
    &[53, 1, 6],
    &[1, 4, 255, 0, 255, 0],
    &[51, 4, 0, 0, 0, 0],
    &[51, 4, 0xff, 0xff, 0xff, 0xff],
    &[58, 4, 0xff, 0xff, 0xff, 0xff],
    &[6, 255, 1],
    &[255],
];

#[cfg(not(fuzzing))]
#[test]
fn some_replies_yield_a_lease() {
    let leases: usize = (0..300).map(|number| leases(&hostile(&mut Random(number)).0)).sum();
    assert!(leases > 100, "{leases} leases");
}
