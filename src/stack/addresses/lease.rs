//! DHCP messages (RFC 2131, RFC 2132): the client's messages, the server's replies, and the checks of a lease.

use core::fmt;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessageType, DhcpOpCode, DhcpPacket, DhcpRepr, EthernetAddress,
    EthernetFrame, IpAddress, IpProtocol, Ipv4Address, Ipv4Cidr, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use super::dhcp_options::options;

/// The largest number of DNS servers that are kept from a lease.
pub(super) const DNS: usize = 3;
/// The length of the shortest message that every server accepts, in bytes (RFC 1542 section 2.1). Shorter messages are
/// padded.
const SHORTEST: usize = 300;
/// The options to request: mask, router, DNS servers, T1, T2 (RFC 2132).
const PARAMETERS: [u8; 5] = [MASK, ROUTER, DNS_SERVERS, T1, T2];
/// The largest number of routers that are read from a lease. The client chooses one of these routers.
const ROUTERS: usize = 3;

/// The shortest lease that is accepted, in seconds. A shorter lease would be renewed all the time.
const SHORTEST_LEASE: u32 = 4;

const MASK: u8 = 1;
const ROUTER: u8 = 3;
const DNS_SERVERS: u8 = 6;
const LEASE_TIME: u8 = 51;
const MESSAGE_TYPE: u8 = 53;
const SERVER: u8 = 54;
const T1: u8 = 58;
const T2: u8 = 59;

/// A message from the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stack) struct Message {
    pub(super) kind: DhcpMessageType,
    pub(super) xid: u32,
    /// The client's address, if the client already uses it.
    pub(super) client: Option<Ipv4Address>,
    pub(super) requested: Option<Ipv4Address>,
    /// The identifier of the chosen server, if there is one.
    pub(super) server: Option<Ipv4Address>,
    /// The server's IP address and the hardware address to which the message is sent. `None` means all servers.
    pub(super) to: Option<(Ipv4Address, EthernetAddress)>,
}

impl Message {
    /// Returns the destination hardware address.
    pub(super) fn to(&self) -> EthernetAddress {
        self.to.map_or(EthernetAddress::BROADCAST, |(_, hardware)| hardware)
    }

    /// Returns the length of the IPv4 packet that contains the message, in bytes.
    pub(super) fn len(&self, hardware: EthernetAddress) -> usize {
        let (ip, udp, _) = self.reprs(hardware);
        ip.buffer_len() + udp.header_len() + self.payload_len(hardware)
    }

    /// Writes the IPv4 packet that contains the message into `payload`, which must be [`len`](Self::len) bytes long.
    pub(super) fn emit(&self, hardware: EthernetAddress, payload: &mut [u8]) {
        let (ip, udp, dhcp) = self.reprs(hardware);
        // All checksums are filled in, even if the device computes them again.
        let checksums = ChecksumCapabilities::default();
        let mut packet = Ipv4Packet::new_unchecked(payload);
        ip.emit(&mut packet, &checksums);
        let (source, destination) = (IpAddress::from(ip.src_addr), IpAddress::from(ip.dst_addr));
        udp.emit(
            &mut UdpPacket::new_unchecked(packet.payload_mut()),
            &source,
            &destination,
            self.payload_len(hardware),
            |bytes| {
                // `emit` cannot fail, because the buffer has the length that `len` returns.
                let _ = dhcp.emit(&mut DhcpPacket::new_unchecked(bytes));
            },
            &checksums,
        );
    }

    /// Returns the length of the DHCP message in bytes, including the padding.
    fn payload_len(&self, hardware: EthernetAddress) -> usize {
        self.reprs(hardware).2.buffer_len().max(SHORTEST)
    }

    /// Returns the IPv4 header, the UDP header and the DHCP message to write.
    fn reprs(&self, hardware: EthernetAddress) -> (Ipv4Repr, UdpRepr, DhcpRepr<'_>) {
        let asks = matches!(self.kind, DhcpMessageType::Discover | DhcpMessageType::Request);
        let dhcp = DhcpRepr {
            message_type: self.kind,
            transaction_id: self.xid,
            secs: 0,
            client_hardware_address: hardware,
            client_ip: self.client.unwrap_or(Ipv4Address::UNSPECIFIED),
            your_ip: Ipv4Address::UNSPECIFIED,
            server_ip: Ipv4Address::UNSPECIFIED,
            router: None,
            subnet_mask: None,
            relay_agent_ip: Ipv4Address::UNSPECIFIED,
            // Replies can be unicast, because the client receives each frame to its hardware address. The destination
            // IP address does not matter.
            broadcast: false,
            requested_ip: self.requested,
            client_identifier: Some(hardware),
            server_identifier: self.server,
            parameter_request_list: asks.then_some(&PARAMETERS[..]),
            dns_servers: None,
            // 576 bytes is the smallest value that this option allows (RFC 2132 section 9.10).
            max_size: asks.then_some(576),
            lease_duration: None,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        };
        let udp = UdpRepr { src_port: DHCP_CLIENT_PORT, dst_port: DHCP_SERVER_PORT };
        let ip = Ipv4Repr {
            src_addr: dhcp.client_ip,
            dst_addr: self.to.map_or(Ipv4Address::BROADCAST, |(address, _)| address),
            next_header: IpProtocol::Udp,
            payload_len: udp.header_len() + dhcp.buffer_len().max(SHORTEST),
            hop_limit: 64,
        };
        (ip, udp, dhcp)
    }
}

/// A server's reply, whose lease is not checked yet.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) kind: DhcpMessageType,
    pub(super) xid: u32,
    /// The source IP address and the source hardware address.
    from: (Ipv4Address, EthernetAddress),
    address: Ipv4Address,
    server: Option<Ipv4Address>,
    mask: Option<Ipv4Address>,
    routers: heapless::Vec<Ipv4Address, ROUTERS>,
    dns: heapless::Vec<Ipv4Address, DNS>,
    /// The lease time in seconds.
    lease: Option<u32>,
    t1: Option<u32>,
    t2: Option<u32>,
}

impl Reply {
    /// Parses a DHCP reply to this hardware address. Returns `None` for any other frame.
    pub(super) fn parse(
        frame: &EthernetFrame<&[u8]>,
        hardware: EthernetAddress,
        checksums: &ChecksumCapabilities,
    ) -> Option<Reply> {
        let ip = Ipv4Packet::new_checked(frame.payload()).ok()?;
        if ip.next_header() != IpProtocol::Udp || ip.more_frags() || ip.frag_offset() != 0 {
            return None;
        }
        let (source, destination) = (ip.src_addr(), ip.dst_addr());
        let udp = UdpPacket::new_checked(ip.payload()).ok()?;
        if udp.src_port() != DHCP_SERVER_PORT || udp.dst_port() != DHCP_CLIENT_PORT {
            return None;
        }
        // `parse` verifies the checksums, unless the device has already verified them.
        Ipv4Repr::parse(&ip, checksums).ok()?;
        UdpRepr::parse(&udp, &source.into(), &destination.into(), checksums).ok()?;
        let packet = DhcpPacket::new_checked(udp.payload()).ok()?;
        let ours = packet.hardware_len() == 6 && packet.client_hardware_address() == hardware;
        // 0x63825363 is the magic cookie, which precedes the options (RFC 2131 section 3).
        if packet.opcode() != DhcpOpCode::Reply || packet.magic_number() != 0x6382_5363 || !ours {
            return None;
        }
        // The options fill in the other fields below.
        let mut reply = Reply {
            kind: DhcpMessageType::Unknown(0),
            xid: packet.transaction_id(),
            from: (source, frame.src_addr()),
            address: packet.your_ip(),
            server: None,
            mask: None,
            routers: heapless::Vec::new(),
            dns: heapless::Vec::new(),
            lease: None,
            t1: None,
            t2: None,
        };
        for (kind, data) in options(udp.payload()) {
            // The option's data, read as a number, as an address and as a list of addresses. Each option uses one of
            // them.
            let number = data.first_chunk().copied().map(u32::from_be_bytes);
            let address = data.first_chunk::<4>().map(|&bytes| Ipv4Address::from(bytes));
            let addresses = data.chunks_exact(4).filter_map(|c| c.first_chunk::<4>().copied()).map(Ipv4Address::from);
            match (kind, data) {
                (MESSAGE_TYPE, &[kind]) => reply.kind = kind.into(),
                (MASK, _) => reply.mask = address,
                // A list can be split among several options (RFC 3396). Routers after the first `ROUTERS` are ignored.
                (ROUTER, _) => addresses.filter(|router| !router.is_unspecified()).for_each(|router| {
                    let _ = reply.routers.push(router);
                }),
                (DNS_SERVERS, _) => addresses.filter(|server| is_host(*server)).for_each(|server| {
                    let _ = reply.dns.push(server);
                }),
                (SERVER, _) => reply.server = address,
                (LEASE_TIME, _) => reply.lease = number,
                (T1, _) => reply.t1 = number,
                (T2, _) => reply.t2 = number,
                _ => {}
            }
        }
        Some(reply)
    }

    /// Returns the server's identifier, or the reply's source address if the reply has no identifier.
    pub(super) fn server(&self) -> Ipv4Address {
        self.server.unwrap_or(self.from.0)
    }

    /// Returns whether the reply is from this server or names no server.
    pub(super) fn is_from(&self, server: Ipv4Address) -> bool {
        self.server.is_none_or(|own| own == server)
    }

    /// Returns the lease that the reply offers or grants. The lease begins at `since`.
    ///
    /// # Errors
    /// Returns a [`BadOffer`] if the lease is not valid.
    pub(super) fn lease(&self, since: Instant) -> Result<Lease, BadOffer> {
        let server = self.server.filter(|server| is_host(*server)).ok_or(BadOffer::Server)?;
        if !is_host(self.address) {
            return Err(BadOffer::Address(self.address));
        }
        let mask = self.mask.unwrap_or_else(|| class_mask(self.address));
        let prefix = IpAddress::from(mask).prefix_len().filter(|&len| len > 0);
        let address = Ipv4Cidr::new(self.address, prefix.ok_or(BadOffer::Mask(mask))?);
        // In a network of two addresses, both addresses belong to hosts (RFC 3021).
        let names_network = address.prefix_len() <= 30 && address.network().address() == self.address;
        if names_network || address.broadcast() == Some(self.address) {
            return Err(BadOffer::Address(self.address));
        }
        // A server lists its preferred router first (RFC 2132 section 3.5). The router can be outside the network.
        let is_router =
            |router: &Ipv4Address| is_host(*router) && *router != self.address && address.broadcast() != Some(*router);
        let router = self.routers.iter().copied().find(is_router);
        if let (None, Some(&bad)) = (router, self.routers.first()) {
            return Err(BadOffer::Router(bad));
        }
        let seconds = self.lease.filter(|&seconds| seconds >= SHORTEST_LEASE).ok_or(BadOffer::Time)?;
        // The defaults for T1 and T2 are half and seven eighths of the lease (RFC 2131 section 4.4.5). The server's
        // values replace the defaults if the values are consistent.
        let (t1, t2) = match (self.t1, self.t2) {
            (Some(t1), Some(t2)) if 0 < t1 && t1 < t2 && t2 < seconds => (t1, t2),
            (Some(t1), None) if 0 < t1 && t1 < seconds - seconds / 8 => (t1, seconds - seconds / 8),
            _ => (seconds / 2, seconds - seconds / 8),
        };
        let after = |seconds: u32| since + Duration::from_secs(seconds.into());
        // `from` contains the IP address and the hardware address of the reply's sender: a server or a relay.
        let mut lease = Lease {
            address,
            server,
            relay: self.from.1,
            hop_hardware: None,
            router,
            dns: self.dns.clone(),
            seconds,
            t1: after(t1),
            t2: after(t2),
            end: after(seconds),
        };
        // If the sender is also the lease's next hop, the hardware address of the next hop is known.
        lease.hop_hardware = (lease.hop() == self.from.0).then_some(self.from.1);
        Ok(lease)
    }
}

/// A DHCP lease: an address, its router and its DNS servers, for a limited time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) address: Ipv4Cidr,
    pub(super) server: Ipv4Address,
    /// The source hardware address of the reply. This address belongs to the server or to a relay.
    relay: EthernetAddress,
    /// The hardware address of the next hop, [`hop`](Self::hop), once it is known.
    pub(super) hop_hardware: Option<EthernetAddress>,
    pub(super) router: Option<Ipv4Address>,
    pub(super) dns: heapless::Vec<Ipv4Address, DNS>,
    pub(super) seconds: u32,
    pub(super) t1: Instant,
    pub(super) t2: Instant,
    pub(super) end: Instant,
}

impl Lease {
    /// Returns the next hop to the server. The next hop is the server itself, or the router if the server is on another
    /// network.
    pub(super) fn hop(&self) -> Ipv4Address {
        self.router.filter(|_| !self.address.contains_addr(&self.server)).unwrap_or(self.server)
    }

    /// Returns the IP address and the hardware address for a unicast message to the server (RFC 2131 section 4.4.5). If
    /// the next hop's hardware address is not known, the result contains the source hardware address of the server's
    /// reply.
    pub(super) fn to(&self) -> (Ipv4Address, EthernetAddress) {
        (self.server, self.hop_hardware.unwrap_or(self.relay))
    }
}

/// Why a DHCP server's offer is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BadOffer {
    /// The address cannot belong to a host.
    Address(Ipv4Address),
    /// This host already has the address.
    Ours(Ipv4Address),
    /// The mask is 0.0.0.0, or a zero bit precedes a one bit.
    Mask(Ipv4Address),
    /// The address differs from the requested address.
    Other(Ipv4Address),
    /// The offer lists routers, but none of their addresses is valid. The value is the address of the first router.
    Router(Ipv4Address),
    /// The server's identifier is missing.
    Server,
    /// The lease time is missing or is less than 4 s.
    Time,
}

impl fmt::Display for BadOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadOffer::Address(address) => write!(f, "{address} is not an address that a host can have"),
            BadOffer::Ours(address) => write!(f, "{address} is an address of this host already"),
            BadOffer::Mask(mask) => write!(f, "{mask} cannot be the mask of its network"),
            BadOffer::Other(address) => write!(f, "{address} is not the requested address"),
            BadOffer::Router(router) => write!(f, "{router} cannot be the router"),
            BadOffer::Server => f.write_str("the server identifier is missing"),
            BadOffer::Time => f.write_str("the lease time is missing, or less than 4 s"),
        }
    }
}

/// Returns the mask of an address's class (RFC 791 section 3.2), for servers that send no mask. The caller has rejected
/// the addresses of classes D and E, which have no mask.
fn class_mask(address: Ipv4Address) -> Ipv4Address {
    match address.octets()[0] {
        0..=127 => Ipv4Address::new(255, 0, 0, 0),
        128..=191 => Ipv4Address::new(255, 255, 0, 0),
        _ => Ipv4Address::new(255, 255, 255, 0),
    }
}

/// Returns whether an address can belong to one host.
fn is_host(address: Ipv4Address) -> bool {
    let nobody = address.is_unspecified() || address.is_broadcast() || address.octets()[0] == 0;
    // 240.0.0.0/4 is reserved (RFC 1112 section 4).
    !(nobody || address.is_multicast() || address.is_loopback() || address.octets()[0] >= 240)
}
