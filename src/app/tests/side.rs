//! A link in memory, and an interface at each end of it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::socket::{tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use crate::stack::MESSAGE;

/// One side: an interface and its sockets.
pub struct Side {
    pub iface: Interface,
    wire: Wire,
    pub sockets: SocketSet<'static>,
}

impl Side {
    pub fn pair() -> (Self, Self) {
        let (a, b) = Wire::pair();
        (Side::new(1, a), Side::new(2, b))
    }

    fn new(number: u8, mut wire: Wire) -> Self {
        let mut iface = Interface::new(Config::new(HardwareAddress::Ip), &mut wire, Instant::ZERO);
        iface.update_ip_addrs(|addresses| {
            for address in [v4(number), v6(number)] {
                let prefix = if matches!(address, IpAddress::Ipv4(_)) { 24 } else { 64 };
                addresses.push(IpCidr::new(address, prefix)).unwrap();
            }
        });
        let storage = Box::leak(Box::new([SocketStorage::EMPTY; 32]));
        Side { iface, wire, sockets: SocketSet::new(&mut storage[..]) }
    }

    /// Lets the interface do what it can; false if nothing happened.
    pub fn poll(&mut self, now: Instant) -> bool {
        let changed = self.iface.poll(now, &mut self.wire, &mut self.sockets) != PollResult::None;
        changed || !self.wire.there.borrow().is_empty()
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

/// One end of a link.
struct Wire {
    here: Frames,
    there: Frames,
}

type Frames = Rc<RefCell<VecDeque<Vec<u8>>>>;

impl Wire {
    fn pair() -> (Self, Self) {
        let (a, b) = (Frames::default(), Frames::default());
        (Wire { here: a.clone(), there: b.clone() }, Wire { here: b, there: a })
    }
}

pub struct RxToken(Vec<u8>);
pub struct TxToken(Frames);

impl phy::RxToken for RxToken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl phy::TxToken for TxToken {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.borrow_mut().push_back(frame);
        result
    }
}

impl Device for Wire {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken;

    fn receive(&mut self, _now: Instant) -> Option<(RxToken, TxToken)> {
        let frame = self.here.borrow_mut().pop_front()?;
        Some((RxToken(frame), TxToken(self.there.clone())))
    }

    fn transmit(&mut self, _now: Instant) -> Option<TxToken> {
        Some(TxToken(self.there.clone()))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = 1500;
        capabilities
    }
}
