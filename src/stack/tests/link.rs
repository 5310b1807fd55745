//! Tests of a link that goes down and comes up again, perhaps on another network.

use std::string::{String, ToString};
use std::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpPacket, ArpRepr, DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr, Icmpv6Message, Icmpv6Packet, IpProtocol, Ipv4Address, Ipv4Packet, Ipv4Repr, Ipv6Address, Ipv6Packet,
    Ipv6Repr, UdpPacket, UdpRepr,
};

use super::pair::*;
use crate::stack::*;

const OURS: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);
const THEIRS: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 9]);
const GIVEN: Ipv4Address = Ipv4Address::new(10, 0, 0, 50);
const GRANTER: Ipv4Address = Ipv4Address::new(10, 0, 0, 9);

/// A network with a DHCP server, a router and a stack.
struct Network {
    pair: Pair,
    /// The DHCP server's answer to a request, or `None` if the server is silent.
    answer: Option<DhcpMessageType>,
    /// The final byte of the router's address and of its prefix's network, or `None` if there is no router.
    router: Option<u8>,
    seen: Vec<String>,
    /// The transaction numbers of the DHCP messages.
    numbers: Vec<u32>,
    /// The number of MLD reports.
    reports: usize,
}

impl Network {
    /// Creates a network whose stack has an address of each kind that `set` requests.
    fn new(set: fn(&mut Config)) -> Network {
        let pair = Pair::with(SMALL, set);
        let (answer, router) = (Some(DhcpMessageType::Ack), Some(1));
        let mut network = Network { pair, answer, router, seen: Vec::new(), numbers: Vec::new(), reports: 0 };
        network.run(5);
        network.events();
        network.seen.clear();
        network
    }

    /// Takes the link down and up again.
    fn link_up(&mut self) {
        self.pair.server.stack.link_changed(self.pair.now, false);
        self.pair.server.stack.link_changed(self.pair.now, true);
    }

    /// Runs the stack for `seconds` seconds, and answers its frames.
    fn run(&mut self, seconds: u64) {
        let until = self.pair.now + Duration::from_secs(seconds);
        for _ in 0..100_000 {
            let due = self.pair.server.stack.poll(self.pair.now, &mut self.pair.server.io);
            let frames = core::mem::take(&mut *self.pair.to_client.borrow_mut());
            let answers: Vec<Vec<u8>> = frames.iter().filter_map(|frame| self.see(frame)).collect();
            let busy = !answers.is_empty();
            self.pair.to_server.borrow_mut().extend(answers);
            match due {
                _ if busy => {}
                Some(at) if at <= until => self.pair.now = self.pair.now.max(at),
                _ => {
                    self.pair.now = until;
                    return;
                }
            }
        }
        panic!("the stack spins");
    }

    /// Returns the events about addresses since the previous call.
    fn events(&mut self) -> Vec<String> {
        let events = core::mem::take(&mut self.pair.server.io.probe.0);
        events.iter().filter_map(|e| if let Event::Address(e) = e { Some(e.to_string()) } else { None }).collect()
    }

    fn addresses(&self) -> Vec<String> {
        self.pair.server.stack.addresses().iter().map(ToString::to_string).collect()
    }

    /// Records the kind of a frame. Returns the network's answer to the frame, if any.
    fn see(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let frame = EthernetFrame::new_checked(frame).unwrap();
        match frame.ethertype() {
            EthernetProtocol::Arp => {
                let packet = ArpPacket::new_checked(frame.payload()).unwrap();
                if let Ok(ArpRepr::EthernetIpv4 { source_protocol_addr, target_protocol_addr, .. }) =
                    ArpRepr::parse(&packet)
                    && source_protocol_addr == target_protocol_addr
                {
                    self.seen.push(std::format!("announce {target_protocol_addr}"));
                }
                None
            }
            EthernetProtocol::Ipv4 => self.see_dhcp(frame.payload()),
            _ => self.see_icmpv6(frame.payload()),
        }
    }

    /// Records the purpose of a DHCP message. Returns the server's reply, which leases `GIVEN` for 1,000 s unless
    /// `answer` refuses.
    fn see_dhcp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let ip = Ipv4Packet::new_checked(packet).unwrap();
        let udp = UdpPacket::new_checked(ip.payload()).unwrap();
        let packet = DhcpPacket::new_checked(udp.payload()).unwrap();
        let asked = DhcpRepr::parse(&packet).unwrap();
        self.numbers.push(asked.transaction_id);
        self.seen.push(match (asked.message_type, asked.requested_ip, asked.server_identifier) {
            (DhcpMessageType::Discover, ..) => "discover".into(),
            (DhcpMessageType::Request, Some(address), None) => {
                assert!(asked.client_ip.is_unspecified() && ip.dst_addr() == Ipv4Address::BROADCAST);
                std::format!("confirm {address}")
            }
            (DhcpMessageType::Request, Some(address), Some(_)) => std::format!("request {address}"),
            (DhcpMessageType::Request, None, _) => std::format!("renew {}", asked.client_ip),
            (kind, ..) => std::format!("{kind:?}"),
        });
        let message_type = match (asked.message_type, self.answer?) {
            (DhcpMessageType::Discover, _) => DhcpMessageType::Offer,
            (DhcpMessageType::Request, DhcpMessageType::Nak) if asked.server_identifier.is_some() => {
                DhcpMessageType::Ack
            }
            (_, answer) => answer,
        };
        let reply = DhcpRepr {
            message_type,
            your_ip: GIVEN,
            client_ip: Ipv4Address::UNSPECIFIED,
            subnet_mask: Some(Ipv4Address::new(255, 255, 255, 0)),
            server_identifier: Some(GRANTER),
            requested_ip: None,
            client_identifier: None,
            parameter_request_list: None,
            max_size: None,
            lease_duration: Some(1000),
            ..asked
        };
        let udp = UdpRepr { src_port: 67, dst_port: 68 };
        let payload_len = 8 + reply.buffer_len();
        let ip = Ipv4Repr {
            src_addr: GRANTER,
            dst_addr: Ipv4Address::BROADCAST,
            next_header: IpProtocol::Udp,
            payload_len,
            hop_limit: 64,
        };
        let mut out = framed(EthernetProtocol::Ipv4, 20 + payload_len);
        let (checksums, mut packet) = (ChecksumCapabilities::default(), Ipv4Packet::new_unchecked(&mut out[14..]));
        ip.emit(&mut packet, &checksums);
        let mut packet = UdpPacket::new_unchecked(packet.payload_mut());
        let (from, to) = (ip.src_addr.into(), ip.dst_addr.into());
        let emit = |bytes: &mut [u8]| reply.emit(&mut DhcpPacket::new_unchecked(bytes)).unwrap();
        udp.emit(&mut packet, &from, &to, reply.buffer_len(), emit, &checksums);
        Some(out)
    }

    /// Records an MLD report or a router solicitation. Returns the router's advertisement.
    fn see_icmpv6(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let ip = Ipv6Packet::new_checked(packet).unwrap();
        if ip.next_header() == IpProtocol::HopByHop {
            // The frame is an MLD report.
            self.reports += 1;
            return None;
        }
        let message = Icmpv6Packet::new_checked(ip.payload()).unwrap();
        if message.msg_type() != Icmpv6Message::RouterSolicit {
            return None;
        }
        self.seen.push("solicit".into());
        let router = self.router?;
        let source = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, router.into());
        let group = Ipv6Address::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
        let mut message = std::vec![134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
        // The advertisement has a prefix that is valid for 20,000 s and an MTU of 1,280 + `router` bytes.
        message
            .extend([3, 4, 64, 0xc0, 0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20, 0, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0, 0, router]);
        message.extend([0; 8]);
        message.extend([5, 1, 0, 0, 0, 0, 5, router]);
        Icmpv6Packet::new_unchecked(&mut message[..]).fill_checksum(&source, &group);
        let mut out = framed(EthernetProtocol::Ipv6, 40 + message.len());
        let ip = Ipv6Repr {
            src_addr: source,
            dst_addr: group,
            next_header: IpProtocol::Icmpv6,
            payload_len: message.len(),
            hop_limit: 255,
        };
        let mut packet = Ipv6Packet::new_unchecked(&mut out[14..]);
        ip.emit(&mut packet);
        packet.payload_mut().copy_from_slice(&message);
        Some(out)
    }
}

/// Returns an Ethernet frame to the stack with room for a packet of `len` bytes.
fn framed(ethertype: EthernetProtocol, len: usize) -> Vec<u8> {
    let mut bytes = std::vec![0; 14 + len];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes[..]);
    EthernetRepr { src_addr: THEIRS, dst_addr: OURS, ethertype }.emit(&mut frame);
    bytes
}

fn dhcp(config: &mut Config) {
    (config.addresses, config.dhcp) = (Addresses::new(), true);
}

fn slaac(config: &mut Config) {
    (config.addresses, config.slaac) = (Addresses::new(), true);
}

#[test]
fn a_lease_is_confirmed_when_the_link_comes_up() {
    let mut network = Network::new(dhcp);
    network.link_up();
    network.run(10);
    assert_eq!(network.seen, ["announce 10.0.0.50", "confirm 10.0.0.50", "announce 10.0.0.50"]);
    assert_eq!(network.events(), ["DHCP server 10.0.0.9 renews 10.0.0.50/24 for 1000 s"]);
    // From then on, the lease is renewed as before.
    network.seen.clear();
    network.run(510);
    assert_eq!((network.seen, network.pair.server.stack.addresses().len()), (std::vec!["renew 10.0.0.50".into()], 1));
}

/// DHCP's transaction numbers are not consecutive outputs of smoltcp's generator: four outputs would reveal its state.
#[test]
fn transaction_numbers_do_not_give_a_generator_away() {
    let mut network = Network::new(dhcp);
    for _ in 0..8 {
        network.link_up();
        network.run(1);
    }
    network.numbers.dedup();
    assert!(network.numbers.len() >= 8, "{:x?}", network.numbers);
    for seen in network.numbers.windows(4) {
        let seen: [u32; 4] = seen.try_into().unwrap();
        assert!(super::isn::states(seen).is_empty(), "{seen:x?}");
        assert!(seen.windows(2).all(|two| two[0].abs_diff(two[1]) > 0x1_0000), "{seen:x?}");
    }
}

#[test]
fn a_lease_from_another_network_is_abandoned() {
    let mut network = Network::new(dhcp);
    network.answer = Some(DhcpMessageType::Nak);
    network.link_up();
    network.run(5);
    assert_eq!(network.seen[1..4], ["confirm 10.0.0.50", "discover", "request 10.0.0.50"]);
    // The server leases the same address again. The stack claims the address, although the address was announced
    // shortly before.
    assert_eq!(
        network.events(),
        [
            "the DHCP server takes 10.0.0.50/24 back; asking for another",
            "address 10.0.0.50/24 is gone",
            "DHCP server 10.0.0.9 leases 10.0.0.50/24 for 1000 s",
            "address 10.0.0.50/24 is in use"
        ]
    );
}

#[test]
fn a_lease_that_nobody_confirms_is_kept() {
    let mut network = Network::new(dhcp);
    network.answer = None;
    network.link_up();
    network.run(400);
    network.seen.retain(|seen| !seen.starts_with("announce"));
    assert_eq!(
        (&network.seen[..], network.addresses()),
        (&["confirm 10.0.0.50"; 3].map(String::from)[..], std::vec!["10.0.0.50/24".into()])
    );
    network.seen.clear();
    network.run(200);
    assert_eq!(network.seen, ["renew 10.0.0.50"]);
}

#[test]
fn an_unanswered_request_restarts_when_the_link_comes_up() {
    let mut network = Network::new(dhcp);
    network.pair.server.stack.release_lease(network.pair.now, &mut network.pair.server.io);
    network.link_up();
    network.run(100);
    // The program has released the lease, so the stack does not request another lease.
    assert_eq!((network.seen, network.pair.server.stack.addresses().len()), (std::vec!["Release".into()], 0));

    let mut network = Network::new(|config| {
        dhcp(config);
        config.seed = Seed([9; 32]);
    });
    network.pair.now = Instant::from_secs(10_000);
    network.answer = None;
    network.run(100);
    network.seen.clear();
    network.link_up();
    network.run(0);
    assert_eq!(network.seen, ["discover"]);
}

#[test]
fn routers_and_prefixes_are_requested_when_the_link_comes_up() {
    let mut network = Network::new(slaac);
    let local: smoltcp::wire::IpAddress = "fd00::1:0:ff:fe00:1".parse().unwrap();
    assert_eq!(network.pair.server.stack.mtu_to(network.pair.now, local), 1281);
    // The link comes up, and the same router is still there.
    assert_eq!(core::mem::take(&mut network.reports), 2);
    network.link_up();
    assert_eq!(network.pair.server.stack.mtu_to(network.pair.now, local), 1500);
    network.run(10);
    assert_eq!((network.events().len(), &network.seen[..]), (0, &["solicit".to_string()][..]));
    // Both addresses have the same solicited-node group.
    assert_eq!(network.reports, 2);
    assert_eq!(network.addresses(), ["fe80::ff:fe00:1/64", "fd00::1:0:ff:fe00:1/64"]);
    // Without a router, the host keeps its addresses.
    network.router = None;
    network.link_up();
    network.run(100);
    assert_eq!(network.addresses(), ["fe80::ff:fe00:1/64", "fd00::1:0:ff:fe00:1/64"]);
    network.events();
    // The link comes up on a network with another router.
    network.router = Some(2);
    network.link_up();
    network.run(10);
    assert_eq!(network.addresses(), ["fe80::ff:fe00:1/64", "fd00::2:0:ff:fe00:1/64"]);
    assert_eq!(
        network.events(),
        [
            "a router advertises the network of fd00::2:0:ff:fe00:1/64",
            "address fd00::2:0:ff:fe00:1/64 is in use",
            "no router advertises the network of fd00::1:0:ff:fe00:1/64 any more",
            "address fd00::1:0:ff:fe00:1/64 is gone",
            "router fe80::1 is gone",
            "router fe80::2 is in use"
        ]
    );
    assert_eq!(network.pair.server.stack.mtu_to(network.pair.now, local), 1282);
}
