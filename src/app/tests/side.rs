//! Two smoltcp interfaces, one at each end of a link in memory.

use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::Medium;
use smoltcp::socket::{tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use crate::stack::MESSAGE;
use crate::testing::link::{self, End};

/// One end of the link: an interface and its sockets.
pub struct Side {
    pub iface: Interface,
    device: End,
    pub sockets: SocketSet<'static>,
}

impl Side {
    pub fn pair() -> (Self, Self) {
        let (a, b) = link::ends(Medium::Ip);
        (Side::new(1, a), Side::new(2, b))
    }

    fn new(number: u8, mut device: End) -> Self {
        let mut iface = Interface::new(Config::new(HardwareAddress::Ip), &mut device, Instant::ZERO);
        iface.update_ip_addrs(|addresses| {
            for address in [v4(number), v6(number)] {
                let prefix = if matches!(address, IpAddress::Ipv4(_)) { 24 } else { 64 };
                addresses.push(IpCidr::new(address, prefix)).unwrap();
            }
        });
        let storage = Box::leak(Box::new([SocketStorage::EMPTY; 32]));
        Side { iface, device, sockets: SocketSet::new(&mut storage[..]) }
    }

    /// Polls the interface. Returns false if nothing happened.
    pub fn poll(&mut self, now: Instant) -> bool {
        let changed = self.iface.poll(now, &mut self.device, &mut self.sockets) != PollResult::None;
        changed || !self.device.outgoing.borrow().is_empty()
    }

    pub fn tcp(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    pub fn udp(&mut self, handle: SocketHandle) -> &mut udp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    pub fn add_tcp(&mut self, receive: usize, send: usize) -> SocketHandle {
        let mut socket = tcp::Socket::new(tcp::SocketBuffer::new(leak(receive)), tcp::SocketBuffer::new(leak(send)));
        socket.set_ack_delay(None);
        self.sockets.add(socket)
    }

    pub fn add_udp(&mut self, port: u16) -> SocketHandle {
        let buffer = || {
            let metadata = Box::leak(Box::new([udp::PacketMetadata::EMPTY; 4]));
            udp::PacketBuffer::new(&mut metadata[..], leak(2 * MESSAGE))
        };
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(port).unwrap();
        self.sockets.add(socket)
    }
}

pub fn v4(number: u8) -> IpAddress {
    IpAddress::v4(192, 168, 69, number)
}

pub fn v6(number: u8) -> IpAddress {
    IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, number.into())
}

fn leak(len: usize) -> &'static mut [u8] {
    Box::leak(vec![0; len].into_boxed_slice())
}
