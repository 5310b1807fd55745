//! The status page of a stack that ignores messages and drops replies.

use std::cell::Cell;

use smolstep::app::{Status, echo, http};
use smolstep::stack::{DropReason, Listener, Pool, Respond};
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::phy::Medium;
use smoltcp::socket::{tcp, udp};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{DhcpMessageType, DhcpRepr, Ipv4Address, Ipv6Address};

use crate::common::world::dhcp::Server;
use crate::common::world::router::advertisement;
use crate::common::world::{THEIRS, Wire, World, arp_has, silence};

const OWN: Ipv4Address = Ipv4Address::new(10, 0, 0, 7);
const OWN_V6: Ipv6Address = Ipv6Address::new(0xfd00, 0, 0, 0, 0, 0, 0, 7);

type Memory<'w> = Pool<'w, http::Server<'w>, Respond<echo::Datagrams>, 4, 512, 512, 1, 4, 2_048>;
type Serving<'w> = World<'w, http::Server<'w>, Respond<echo::Datagrams>, &'w Status<'w>>;

#[test]
fn the_page_counts_ignored_messages_duplicate_addresses_and_long_replies() {
    let rows = [const { Cell::new(None) }; 4];
    let status = Status::new(&rows, Instant::from_secs(1));
    let mut cable = Wire::with_medium(Medium::Ethernet);
    // A `Pool` has no memory for packets in fragments.
    let mut memory = Memory::new();
    let mut world: Serving<'_> =
        World::with(&mut cable, memory.memory(), &status, &["10.0.0.7/24", "fd00::7/64"], |config| {
            (config.dhcp, config.slaac) = (true, true);
        });
    world.stack.listen(Listener::new(80, http::Server::new(&status))).unwrap();
    world.stack.bind(7, Respond::new(echo::Datagrams)).unwrap();

    // The server sends these replies to the first message: five invalid offers, a valid offer, and a copy.
    type Change = Option<fn(&mut DhcpRepr<'static>)>;
    let changes: [Change; 7] = [
        Some(|reply| reply.transaction_id ^= 1),
        Some(|reply| reply.message_type = DhcpMessageType::Nak),
        Some(|reply| reply.subnet_mask = Some(Ipv4Address::new(255, 0, 255, 0))),
        Some(|reply| reply.server_identifier = None),
        Some(|reply| reply.server_identifier = Some(Ipv4Address::BROADCAST)),
        None,
        None,
    ];
    let mut server = Server::default();
    world.run(10, |frame| {
        let changes = if server.heard.is_empty() { &changes[..] } else { &[None] };
        let reply = |&change| {
            server.change = change;
            server.replies_to(frame)
        };
        changes.iter().flat_map(reply).collect()
    });
    assert!(world.addresses().contains(&"10.0.0.50/24".into()), "{:?}", world.addresses());

    // Three messages say that the peer has the stack's address.
    for _ in 0..3 {
        world.inject(&arp_has(OWN, OWN));
        world.run(1, silence);
    }

    // A router advertises an MTU of 1280 bytes. The reply to the first datagram would be a packet of 1281 bytes.
    world.inject(&advertisement(0, &[vec![5, 1, 0, 0, 0, 0, 5, 0]]));
    world.run(1, silence);
    let mut peer = Peer::new(&mut world);
    let datagrams = [[1; 1_233].as_slice(), &[2; 1_232]];
    assert_eq!(peer.echo(&mut world, &datagrams), datagrams[1]);

    let page = peer.get(&mut world);
    for (reason, count) in [
        (DropReason::DhcpNak, 1),
        (DropReason::DhcpOptions, 1),
        (DropReason::DhcpServer, 2),
        (DropReason::DhcpTransaction, 1),
        (DropReason::DhcpUnexpected, 1),
        (DropReason::DuplicateAddress, 3),
        (DropReason::TooLong, 1),
    ] {
        assert!(page.contains(&format!("<dt>{reason}<dd>{count}</div>")), "{count} {reason}: {page}");
    }
}

/// A host at the other end of the cable.
struct Peer {
    iface: Interface,
    sockets: SocketSet<'static>,
}

impl Peer {
    fn new(world: &mut Serving<'_>) -> Peer {
        let mut iface = Interface::new(Config::new(THEIRS.into()), &mut world.far, world.now);
        iface.update_ip_addrs(|addresses| addresses.extend(["10.0.0.9/24", "fd00::9/64"].map(|a| a.parse().unwrap())));
        Peer { iface, sockets: SocketSet::new(vec![]) }
    }

    /// Sends datagrams to the stack's echo server, and returns the first reply.
    fn echo(&mut self, world: &mut Serving<'_>, datagrams: &[&[u8]]) -> Vec<u8> {
        let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 4], vec![0; 8_192]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(4_000).unwrap();
        for datagram in datagrams {
            socket.send_slice(datagram, (OWN_V6, 7)).unwrap();
        }
        let handle = self.sockets.add(socket);
        self.run(world, |sockets| Some(sockets.get_mut::<udp::Socket<'_>>(handle).recv().ok()?.0.to_vec()))
    }

    /// Requests the status page, and returns the answer.
    fn get(&mut self, world: &mut Serving<'_>) -> String {
        let buffer = || tcp::SocketBuffer::new(vec![0; 16_384]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.connect(self.iface.context(), (OWN, 80), 4_000).unwrap();
        let handle = self.sockets.add(socket);
        let mut asked = false;
        self.run(world, |sockets| {
            let socket = sockets.get_mut::<tcp::Socket<'_>>(handle);
            asked = asked || socket.can_send() && socket.send_slice(b"GET / HTTP/1.0\r\n\r\n").is_ok();
            // The stack closes the connection after the answer.
            if socket.state() != tcp::State::CloseWait {
                return None;
            }
            let mut answer = vec![0; socket.recv_queue()];
            socket.recv_slice(&mut answer).unwrap();
            Some(String::from_utf8(answer).unwrap())
        })
    }

    /// Runs the peer and the stack until `done` has a result.
    fn run<R>(&mut self, world: &mut Serving<'_>, mut done: impl FnMut(&mut SocketSet<'_>) -> Option<R>) -> R {
        for _ in 0..10_000 {
            self.iface.poll(world.now, &mut world.far, &mut self.sockets);
            world.stack.poll(world.now, &mut world.io);
            if let Some(result) = done(&mut self.sockets) {
                return result;
            }
            world.now += Duration::from_millis(1);
        }
        panic!("no result within ten seconds");
    }
}
