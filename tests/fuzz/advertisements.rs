//! Fuzzes router advertisements (IPv6): the stack must not use an invalid value.

use smolstep::stack::Config;
use smoltcp::wire::{IpAddress, IpCidr};

use super::Target;
use super::mutate;
use super::random::Random;
use super::records::{record, records, time};
use super::world::router::{ALL_NODES, ROUTER, advertisement, icmpv6, prefix, servers};
use super::world::{Ground, World, silence};

/// The input is a list of records. A record is a message from a router, or a pause.
pub const TARGET: Target = Target { name: "advertisements", run, honest, hostile };

// The two lowest bits of a record's control byte are the kind of the record. If the kind is a pause, the other bits are
// its length.
/// A whole ICMPv6 message.
const WHOLE: u8 = 0;
/// The options of a router advertisement that is otherwise valid.
const OPTIONS: u8 = 1;
/// A pause.
const TIME: u8 = 2;

/// The number of bytes before the options of an advertisement (RFC 4861 section 4.2).
const FIXED: usize = 16;

fn run(input: &[u8]) {
    count_addresses(input);
}

/// Processes an input. Returns the number of addresses that the stack derived from the input.
fn count_addresses(input: &[u8]) -> usize {
    let mut ground = Ground::new();
    let mut world = World::on(&mut ground, &[], |config: &mut Config| config.slaac = true);
    world.run(2, silence);
    let mut made = 0;
    for next in records(input) {
        let data = &next.data[..next.data.len().min(1400)];
        match next.control & 3 {
            WHOLE => {
                let mut message = data.to_vec();
                message.resize(message.len().max(4), 0);
                world.inject(&icmpv6(ROUTER, ALL_NODES, message));
                world.run(0, silence);
            }
            OPTIONS => {
                world.inject(&advertisement(1800, &[data.to_vec()]));
                world.run(0, silence);
            }
            _ => world.run(next.seconds(), silence),
        }
        made += world.take_events().iter().filter(|line| line.starts_with("+fd")).count();
        assert!(world.stack.addresses().len() <= 4 && world.stack.dns_servers().len() <= 3);
        for own in world.stack.addresses() {
            assert!([64, 128].contains(&own.prefix_len()) && own.address().is_unicast() && !is_reserved(own), "{own}");
        }
    }
    made
}

/// Returns whether an address is in the reserved network ::/64.
///
/// This network contains the loopback address (RFC 4291 section 2.5).
fn is_reserved(address: &IpCidr) -> bool {
    matches!(address.address(), IpAddress::Ipv6(address) if address.octets().starts_with(&[0; 8]))
}

/// Returns the advertisement of an honest router.
fn honest_advertisement() -> Vec<u8> {
    advertisement(1800, &[prefix(64, 0xc0, 3600, 3600), servers(600)])[14 + 40..].to_vec()
}

fn honest() -> Vec<Vec<u8>> {
    let (mut whole, mut options) = (Vec::new(), Vec::new());
    record(&mut whole, WHOLE, &honest_advertisement());
    record(&mut options, OPTIONS, &honest_advertisement()[FIXED..]);
    record(&mut options, OPTIONS, &[prefix(64, 0x40, 7200, 100), servers(0)].concat());
    for input in [&mut whole, &mut options] {
        [1, 20, 60].iter().for_each(|root| time(input, TIME, *root));
    }
    vec![whole, options]
}

fn hostile(random: &mut Random) -> (Vec<u8>, usize) {
    let (mut input, mut count) = (Vec::new(), 0);
    while count < 50 {
        if random.one_in(10) {
            let root = if random.one_in(5) { random.below(64) } else { random.below(2) };
            time(&mut input, TIME, root as u8);
        }
        let mut message = honest_advertisement();
        if random.one_in(3) {
            let mut options = message.split_off(FIXED);
            mutate(random, &mut options, 0, &WORDS);
            if random.one_in(4) {
                let network = random.pick(&NETWORKS);
                options.splice(0..0, [&prefix(64, 0xc0, 3600, 3600)[..16], &network, &[0; 14]].concat());
            }
            record(&mut input, OPTIONS, &options);
        } else {
            mutate(random, &mut message, 8, &WORDS);
            record(&mut input, WHOLE, &message);
        }
        count += 1;
    }
    (input, count)
}

/// Parts of options, each of which can make an advertisement invalid.
///
/// The parts have wrong or zero lengths, or prefixes that no host is allowed to use.
const WORDS: [&[u8]; 6] =
    [&[3, 0], &[3, 4, 64, 0xc0], &[25, 255], &[5, 1, 0, 0, 0, 0, 5, 0xdc], &[0xff, 2, 0, 0], &[0xfe, 0x80, 0, 0]];

/// The first bytes of prefixes: multicast, link-local, reserved and valid.
const NETWORKS: [[u8; 2]; 4] = [[0xff, 2], [0xfe, 0x80], [0, 0], [0xfd, 1]];

#[cfg(not(fuzzing))]
#[test]
fn some_advertisements_yield_an_address() {
    let made: usize = (0..100).map(|number| count_addresses(&hostile(&mut Random(number)).0)).sum();
    assert!(made > 50, "{made} addresses");
}
