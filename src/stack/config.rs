//! The configuration of a stack.

use core::fmt;

use smoltcp::phy::{DeviceCapabilities, Medium};
use smoltcp::time::Duration;
use smoltcp::wire::{IpAddress, IpCidr};

#[cfg(feature = "recovery")]
use super::control::Congestion;
use crate::phy::{ETHERNET_HEADER, EthernetAddress, HardwareAddress, is_ethernet};

/// The largest number of addresses of an interface.
pub(super) const MAX_ADDRESSES: usize = smoltcp::config::IFACE_MAX_ADDR_COUNT;

/// The configuration of a [`Stack`](super::Stack). Every setting except the hardware address, the seed and the
/// addresses has a default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The interface's hardware address. The kind of address must match the device's medium.
    pub hardware: HardwareAddress,
    /// The seed for sequence numbers, ports, random numbers and hash keys.
    pub seed: Seed,
    /// The interface's addresses, each with its prefix.
    pub addresses: Addresses,
    /// The default routers: at most one for IPv4 and one for IPv6.
    pub gateways: Gateways,
    /// Options of every TCP connection.
    pub tcp: TcpOptions,
    /// Whether to check that no other host has the addresses before the stack uses them (RFC 5227, RFC 4862 section
    /// 5.4). This setting has no effect without Ethernet.
    ///
    /// The check takes 150 ms. During the check, [`Stack::is_settled`](super::Stack::is_settled) returns false.
    #[cfg(feature = "dhcp")]
    pub claim: bool,
    /// Whether to ask a DHCP server for an IPv4 address, a router and DNS servers. DHCP requires Ethernet.
    #[cfg(feature = "dhcp")]
    pub dhcp: bool,
    /// Whether to create a link-local address and addresses from the prefixes that routers advertise. SLAAC requires
    /// Ethernet.
    #[cfg(feature = "slaac")]
    pub slaac: bool,
}

/// An interface's addresses. The list can exceed the limit by one address, so that [`Stack::new`](super::Stack::new)
/// can reject a list that is too long.
pub type Addresses = heapless::Vec<IpCidr, { MAX_ADDRESSES + 1 }>;

/// The default routers, one for each IP version. The list can exceed the limit by one router, so that
/// [`Stack::new`](super::Stack::new) can reject a list that is too long.
pub type Gateways = heapless::Vec<IpAddress, 3>;

impl Config {
    /// Creates a configuration with these addresses and the default [`TcpOptions`]. Autoconfiguration is off.
    ///
    /// If there are too many addresses, [`Stack::new`](super::Stack::new) rejects the configuration.
    pub fn new(hardware: HardwareAddress, seed: Seed, addresses: &[IpCidr]) -> Self {
        Config {
            hardware,
            seed,
            // One address more than the limit is kept, so that `Stack::new` sees that there are too many.
            addresses: addresses.iter().copied().take(MAX_ADDRESSES + 1).collect(),
            gateways: Gateways::new(),
            tcp: TcpOptions::default(),
            #[cfg(feature = "dhcp")]
            claim: false,
            #[cfg(feature = "dhcp")]
            dhcp: false,
            #[cfg(feature = "slaac")]
            slaac: false,
        }
    }

    /// Checks that the hardware address, the MTU and the addresses of the configuration fit a device.
    pub(super) fn check(&self, capabilities: &DeviceCapabilities) -> Result<(), SetupError> {
        let fits = match self.hardware {
            HardwareAddress::Ethernet(address) => is_ethernet(capabilities.medium) && is_host(address),
            HardwareAddress::Ip => capabilities.medium == Medium::Ip,
        };
        if !fits {
            return Err(SetupError::BadHardwareAddress);
        }
        // An interface without addresses can get an IPv4 address later, so it needs the MTU for IPv4.
        let needs = self.addresses.iter().map(least_mtu).max().unwrap_or(576);
        #[cfg(feature = "slaac")]
        let needs = if self.slaac { 1280 } else { needs };
        let mtu = self.ip_mtu(capabilities);
        if mtu < needs {
            return Err(SetupError::MtuTooSmall(mtu));
        }
        match self.addresses.iter().find(|address| !address.address().is_unicast()) {
            Some(bad) => Err(SetupError::BadAddress(bad.address())),
            None => Ok(()),
        }
    }

    /// Returns the length of the longest IP packet that a device can send, in bytes.
    pub(super) fn ip_mtu(&self, capabilities: &DeviceCapabilities) -> usize {
        let header = match self.hardware {
            HardwareAddress::Ethernet(_) => ETHERNET_HEADER,
            HardwareAddress::Ip => 0,
        };
        capabilities.max_transmission_unit.saturating_sub(header)
    }
}

/// Returns whether a host can have this hardware address. A driver that has no address yet reports zeros.
fn is_host(address: EthernetAddress) -> bool {
    // The build has already checked the address of a board, where the comparison would take 20 bytes of flash.
    let is_known = cfg!(all(feature = "board", target_os = "none")) || address != EthernetAddress::default();
    address.is_unicast() && is_known
}

/// Returns the smallest MTU with which the stack uses the address's IP version, in bytes.
fn least_mtu(address: &IpCidr) -> usize {
    match address {
        // RFC 791 allows links with a smaller MTU, but the stack requires the 576 bytes that every IPv4 host can
        // receive.
        IpCidr::Ipv4(_) => 576,
        #[cfg(feature = "ipv6")]
        IpCidr::Ipv6(_) => 1280,
    }
}

/// The options of every TCP connection of a stack.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TcpOptions {
    /// How long an ACK may be delayed so that it can be sent together with data (RFC 9293 section 3.8.6.3). 10 ms by
    /// default. `None` means no delay.
    pub ack_delay: Option<Duration>,
    /// The congestion control. CUBIC by default.
    #[cfg(feature = "recovery")]
    pub congestion: Congestion,
    /// The longest time for which a connection may stay in SYN-RECEIVED (RFC 4987 section 3.3). 10 s by default.
    pub handshake_timeout: Duration,
    /// How long a peer may be silent before the connection is aborted. 5 minutes by default. A peer is silent if it
    /// does not acknowledge keep-alive probes, data or a FIN.
    pub idle_timeout: Duration,
    /// The initial sequence number of every connection, for experiments only: peers can predict it. `None` by default,
    /// which means that each connection gets a number as RFC 6528 describes.
    #[cfg(feature = "recovery")]
    #[doc(hidden)]
    pub isn: Option<u32>,
    /// The smallest margin of the retransmission timeout above the round-trip time. 200 ms by default, as on Linux. RFC
    /// 6298 section 2.4 recommends a timeout of at least 1 s.
    #[cfg(feature = "recovery")]
    pub least_rto: Duration,
    /// The longest time that a closing connection may go without progress before it is aborted. 60 s by default.
    pub linger: Duration,
    /// Whether Nagle's algorithm delays small segments (RFC 9293 section 3.7.4). Off by default.
    pub nagle: bool,
    /// What happens to a new connection when there is no room for it.
    pub overflow: Overflow,
    /// How long a connection stays in TIME-WAIT, at least 10 s. 60 s by default, as on Linux. RFC 9293 section 3.4.2
    /// recommends 4 minutes. If no slot is free, a new connection can take over the slot of a connection in TIME-WAIT
    /// earlier. A record then answers late segments from the old connection's peer.
    pub time_wait: Duration,
    /// The window scale that a SYN offers, from 0 to 14, for experiments only. `None` by default, which means the
    /// smallest scale with which the window covers the receive buffer.
    #[cfg(feature = "recovery")]
    #[doc(hidden)]
    pub window_scale: Option<u8>,
}

impl Default for TcpOptions {
    fn default() -> Self {
        TcpOptions {
            ack_delay: Some(Duration::from_millis(10)),
            #[cfg(feature = "recovery")]
            congestion: Congestion::Cubic,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(300),
            #[cfg(feature = "recovery")]
            isn: None,
            #[cfg(feature = "recovery")]
            least_rto: Duration::from_millis(200),
            linger: Duration::from_secs(60),
            nagle: false,
            overflow: Overflow::Drop,
            time_wait: Duration::from_secs(60),
            #[cfg(feature = "recovery")]
            window_scale: None,
        }
    }
}

/// 32 unpredictable bytes, from the operating system or a board's source of entropy.
#[derive(Clone)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    /// Returns the key that enciphers the identifications of fragments.
    pub(super) fn fragments(&self) -> u64 {
        self.word(0)
    }

    /// Returns the key of the hash tables: connections, TIME-WAIT records, neighbours and path MTUs.
    pub(super) fn key(&self) -> u64 {
        self.word(8)
    }

    /// Returns the key of the hashes of endpoints, for initial sequence numbers and ephemeral ports. The two uses never
    /// hash the same input: to choose a port, the hash uses 0 as the local port.
    pub(super) fn endpoints(&self) -> u64 {
        self.word(16)
    }

    /// Returns the key of the generator of random numbers, such as DHCP transaction identifiers, a board's DNS
    /// identifiers and local UDP ports. Each number is the keyed hash of a counter, so a peer that sees some numbers
    /// cannot predict others.
    pub(super) fn random(&self) -> u64 {
        self.word(24)
    }

    /// Returns the 8 bytes at the offset `at`.
    fn word(&self, at: usize) -> u64 {
        let mut word = [0; 8];
        word.copy_from_slice(&self.0[at..at + 8]);
        u64::from_le_bytes(word)
    }
}

/// Prints `Seed(..)`, so that no log contains the secret bytes.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// What happens to a new connection when there is no room for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Drops the SYN. The client sends it again later.
    #[default]
    Drop,
    /// Answers the SYN with RST, which refuses the client's connection.
    Reset,
}

/// A TCP port and the program that serves its connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listener<S> {
    /// The port.
    pub port: u16,
    /// The program. Each connection gets a clone of the program.
    pub session: S,
    /// The largest number of connections served at the same time. Further connections wait in the backlog.
    pub serve_at_once: usize,
    /// The largest number of established connections that wait to be served.
    pub backlog: usize,
}

impl<S> Listener<S> {
    /// Creates a listener with a backlog of 128 connections. Any number of connections can be served at the same time.
    pub fn new(port: u16, session: S) -> Self {
        Listener { port, session, serve_at_once: usize::MAX, backlog: 128 }
    }
}

/// Why a stack could not be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SetupError {
    /// DHCP or SLAAC was requested on a device without Ethernet.
    #[cfg(feature = "dhcp")]
    AutoconfNeedsEthernet,
    /// An address is not unicast. The value is the first such address.
    BadAddress(IpAddress),
    /// The hardware address does not match the device's medium, is zero, or is not unicast. A driver that reports zero
    /// has no address yet, and must be started before the stack.
    BadHardwareAddress,
    /// A gateway is not on the link or is the second gateway of its IP version.
    BadGateway(IpAddress),
    /// The lengths of the memory's slices do not match, or a slice is too short. See [`Memory`](super::Memory).
    BadMemory,
    /// The device's MTU is too small. The value is this MTU in bytes.
    ///
    /// The stack requires 576 bytes for IPv4, the length that every host must accept (RFC 791). IPv6 needs 1,280 bytes
    /// (RFC 8200 section 5).
    MtuTooSmall(usize),
    /// There are more addresses or gateways than smoltcp's build-time limits allow.
    TooMany,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "dhcp")]
            SetupError::AutoconfNeedsEthernet => f.write_str("DHCP and SLAAC work on Ethernet only: use a TAP"),
            SetupError::BadAddress(address) => write!(f, "{address} is not an address that a host can have"),
            SetupError::BadHardwareAddress => f.write_str("the hardware address is zero or not valid for the device"),
            SetupError::BadGateway(address) => {
                write!(f, "gateway {address} is not on the link, or is the second gateway of its IP version")
            }
            SetupError::BadMemory => f.write_str("the slices of memory are too short, or their lengths do not match"),
            SetupError::MtuTooSmall(mtu) => {
                write!(f, "an MTU of {mtu} bytes is too small: IPv4 needs 576 here, IPv6 1280")
            }
            SetupError::TooMany => write!(
                f,
                "too many addresses or gateways: at most {MAX_ADDRESSES} addresses, including a link-local address and \
                 those from DHCP and SLAAC, and one gateway of each IP version"
            ),
        }
    }
}

impl core::error::Error for SetupError {}

/// Why a port cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ListenError {
    /// Another program of this stack serves the port.
    InUse,
    /// The stack has no room for another program, or no memory for another UDP socket.
    Full,
    /// Port 0 cannot be served.
    PortZero,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ListenError::InUse => "port in use by another program",
            ListenError::Full => "no room for another program",
            ListenError::PortZero => "port 0 cannot be served",
        })
    }
}

impl core::error::Error for ListenError {}

/// Why a connection could not be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConnectError {
    /// The address cannot belong to a host, or the port is 0.
    BadRemote,
    /// No connection slot is free, or no local port is free.
    Full,
    /// The address is not on the link, and there is no gateway to it.
    NoRoute,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConnectError::BadRemote => "not a valid remote address and port",
            ConnectError::Full => "no room for another connection",
            ConnectError::NoRoute => "no route",
        })
    }
}

impl core::error::Error for ConnectError {}
