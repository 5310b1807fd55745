//! 100,000 mutated replies of DHCP servers, and as many of DNS servers and of routers: nothing panics or spins, nothing that
//! makes no sense is used, and what is honest is understood afterwards.
//!
//! SMOLSTEP_SEED=NUMBER takes other ones. A failure says which seed brings it back.

use smolstep::names::{Name, Resolver};
use smoltcp::time::Duration;
use smoltcp::wire::{IpAddress, IpCidr, Ipv4Address};

use super::dhcp::{GIVEN, SERVER, Server};
use super::random::{Random, seed};
use super::slaac::{ALL_NODES, ROUTER, advertisement, icmpv6, prefix, servers};
use super::world::{World, arp_asks, arp_has, datagram, silence, udp};

const REPLIES: usize = 100_000;
const SEED: u64 = 0xadd2_e55e;

#[test]
fn mutated_dhcp_replies() {
    let mut random = Random(seed(SEED));
    let mut world = World::new(&[], |config| config.dhcp = true);
    let mut server = Server::default();
    let mut recorded: Option<Vec<u8>> = None;
    let mut sent = 0;
    let mut leases = 0;
    while sent < REPLIES {
        let mut replies = Vec::new();
        world.run(random.below(3) as u64, |frame| {
            let reply = server.hear(frame);
            recorded = reply.first().cloned().or(recorded.take());
            // Some get through as they are, so that all states are seen.
            if random.one_in(2) { reply } else { vec![] }
        });
        for _ in 0..12 {
            let Some(reply) = &recorded else { break };
            let mut data = reply[14 + 28..].to_vec();
            mutate(&mut random, &mut data, 236);
            replies.push(udp((SERVER, 67), (GIVEN, 68), &data));
        }
        sent += replies.len();
        replies.iter().for_each(|reply| world.inject(reply));
        world.run(random.below(2) as u64, silence);
        leases += world.told().iter().filter(|line| line.contains(" leases ")).count();
        for own in world.stack.addresses() {
            let IpCidr::Ipv4(own) = own else { panic!("{own} from DHCP") };
            let ends = [own.network().address(), own.broadcast().unwrap()];
            assert!((1..=30).contains(&own.prefix_len()) && !ends.contains(&own.address()), "{own}");
            assert!(!own.address().is_loopback() && !own.address().is_multicast(), "{own}");
        }
        assert!(world.stack.addresses().len() <= 1 && world.stack.dns_servers().len() <= 3);
        // A lease of years would keep the rest of the run from seeing anything.
        if random.one_in(400) {
            world = World::new(&[], |config| config.dhcp = true);
            recorded = None;
        }
    }
    assert!(leases > 10, "{leases} leases among them");
    let (mut world, mut server) = (World::new(&[], |config| config.dhcp = true), Server::default());
    world.run(60, |frame| server.hear(frame));
    assert_eq!(world.addresses(), ["10.0.0.50/24"]);
}

#[test]
fn mutated_dns_replies() {
    let mut random = Random(seed(SEED));
    let mut world = World::new(&["10.0.0.50/24"], |_| {});
    let (mut sent, mut found, mut failed) = (0, 0, 0);
    let mut lookups = 0;
    while sent < REPLIES {
        lookups += 1;
        assert!(lookups < REPLIES, "the server is not asked");
        let port = ask(&mut world, &mut random);
        for _ in 0..60 {
            world.run(1, |frame| {
                let mut replies = dns(frame);
                for _ in 0..6 {
                    let Some(good) = replies.first() else { break };
                    let mut data = good[14 + 28..].to_vec();
                    mutate(&mut random, &mut data, 12);
                    replies.push(udp((SERVER, 53), (GIVEN, port), &data));
                }
                if !replies.is_empty() && arp_asks(frame).is_none() {
                    replies.remove(0);
                    sent += replies.len();
                }
                replies
            });
            if let Some(resolver) = world.stack.take_udp(port) {
                match resolver.result().expect("it is over") {
                    Ok(addresses) => {
                        found += 1;
                        assert!(!addresses.is_empty() && addresses.in_order().count() <= 16);
                    }
                    Err(_) => failed += 1,
                }
                break;
            }
        }
        assert!(world.stack.take_udp(port).is_none());
    }
    assert!(found > 100 && failed > 100, "{found} found, {failed} failed");
    let port = ask(&mut world, &mut random);
    world.run(2, dns);
    let resolver = world.stack.take_udp(port).expect("it is over");
    let found: Vec<String> = resolver.result().unwrap().unwrap().in_order().map(|a| a.to_string()).collect();
    assert_eq!(found, ["fd00::9", "10.0.0.9"]);
}

#[test]
fn mutated_advertisements() {
    let mut random = Random(seed(SEED));
    let mut world = World::new(&[], |config| config.slaac = true);
    world.run(2, silence);
    let good = advertisement(1800, &[prefix(64, 0xc0, 3600, 3600), servers(600)]);
    for _ in 0..REPLIES / 10 {
        for _ in 0..10 {
            let mut data = good[14 + 40..].to_vec();
            mutate(&mut random, &mut data, 8);
            data.resize(data.len().max(4), 0);
            world.inject(&icmpv6(ROUTER, ALL_NODES, data));
        }
        let seconds = if random.one_in(50) { random.below(8000) } else { random.below(2) };
        world.run(seconds as u64, silence);
        assert!(world.stack.addresses().len() <= 4 && world.stack.dns_servers().len() <= 3);
        for own in world.stack.addresses() {
            assert!(own.prefix_len() == 64 && own.address().is_unicast() && !is_loopback(own), "{own}");
        }
    }
    let mut world = World::new(&[], |config| config.slaac = true);
    world.run(2, silence);
    world.inject(&good);
    world.run(2, silence);
    assert_eq!(world.addresses(), ["fe80::ff:fe00:1/64", "fd00::5:0:ff:fe00:1/64"]);
}

fn is_loopback(address: &IpCidr) -> bool {
    matches!(address.address(), IpAddress::Ipv6(address) if address.is_loopback())
}

/// Begins to look www.example up. Returns the port.
fn ask(world: &mut World, random: &mut Random) -> u16 {
    let name = Name::new("www.example").unwrap();
    let ids = [random.next() as u16, random.next() as u16];
    world.stack.bind(0, Resolver::new(name, &[SERVER.into()], Duration::from_secs(10), ids)).unwrap()
}

/// An honest DNS server: it knows www.example by way of an alias.
fn dns(frame: &[u8]) -> Vec<Vec<u8>> {
    if arp_asks(frame) == Some(SERVER) {
        return vec![arp_has(SERVER, GIVEN)];
    }
    let Some((port, 53, question)) = datagram(frame) else { return vec![] };
    let kind = question[question.len() - 3];
    let data = match kind {
        1 => Ipv4Address::new(10, 0, 0, 9).octets().to_vec(),
        _ => "fd00::9".parse::<std::net::Ipv6Addr>().unwrap().octets().to_vec(),
    };
    let mut reply = question.to_vec();
    reply[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 2]);
    // www.example is an alias of a.example: its second part is a pointer into the question.
    reply.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'a', 0xc0, 16]);
    let alias = (reply.len() - 4) as u8;
    reply.extend([0xc0, alias, 0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
    reply.extend(data);
    vec![udp((SERVER, 53), (GIVEN, port), &reply)]
}

/// Changes a message in one to four places, mostly after its fixed part.
fn mutate(random: &mut Random, data: &mut Vec<u8>, fixed: usize) {
    for _ in 0..1 + random.below(4) {
        let len = data.len().max(1);
        let at = if random.one_in(4) { random.below(len) } else { (fixed + random.below(len)).min(len - 1) };
        match random.below(8) {
            0 => data.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
            1 => data.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.pick(&[0, 1, 3, 4, 63, 0xc0, 0xff])),
            2 => data.iter_mut().skip(at).take(1).for_each(|byte| *byte = random.next() as u8),
            3 => {
                let bytes = random.u16().to_be_bytes();
                data.iter_mut().skip(at).zip(bytes).for_each(|(place, byte)| *place = byte);
            }
            4 => data.truncate(at),
            5 => {
                let more = random.bytes_below(40);
                data.splice(at.min(data.len()).., more);
            }
            6 => {
                let end = (at + random.below(24)).min(data.len());
                let piece = data.get(at..end).unwrap_or_default().to_vec();
                data.extend(piece);
            }
            _ => {
                let end = (at + random.below(8)).min(data.len());
                if at < end {
                    data.drain(at..end);
                }
            }
        }
    }
    data.truncate(1400);
}
