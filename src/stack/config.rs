//! The configuration of a stack.

use core::fmt;

use smoltcp::phy::{DeviceCapabilities, Medium};
use smoltcp::time::Duration;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

#[cfg(feature = "recovery")]
use super::control::Congestion;

/// The largest number of addresses of an interface.
pub(super) const MAX_ADDRESSES: usize = smoltcp::config::IFACE_MAX_ADDR_COUNT;

/// The configuration of a [`Stack`](super::Stack). Every setting except the addresses and the seed has a default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The interface's own hardware address, of the kind that the device's medium uses.
    pub hardware: HardwareAddress,
    /// The source of sequence numbers, ports and the hash key.
    pub seed: Seed,
    /// The interface's addresses, each with its prefix.
    pub addresses: Addresses,
    /// Routers to all other networks, at most one of each family.
    pub gateways: Gateways,
    /// Options of every TCP connection.
    pub tcp: TcpOptions,
    /// Whether to use the addresses only if no other host on the link has them (RFC 5227, RFC 4862 section 5.4). Ethernet
    /// only.
    ///
    /// The check takes 150 ms; until then [`Stack::is_settled`](super::Stack::is_settled) is false.
    #[cfg(feature = "dhcp")]
    pub claim: bool,
    /// Whether to ask a DHCP server for an IPv4 address, a router and DNS servers. Ethernet only.
    #[cfg(feature = "dhcp")]
    pub dhcp: bool,
    /// Whether to make a link-local address, and IPv6 addresses from router advertisements. Ethernet only.
    #[cfg(feature = "slaac")]
    pub slaac: bool,
}

/// An interface's addresses. The list has room for one address too many, so that [`Stack::new`](super::Stack::new) can reject it.
pub type Addresses = heapless::Vec<IpCidr, { MAX_ADDRESSES + 1 }>;

/// Routers, one of each family. The list has room for one router too many, so that [`Stack::new`](super::Stack::new) can
/// reject it.
pub type Gateways = heapless::Vec<IpAddress, 3>;

impl Config {
    /// A stack with these addresses, the default [`TcpOptions`], and no autoconfiguration.
    ///
    /// If there are too many addresses, the list keeps one address too many, so that [`Stack::new`](super::Stack::new)
    /// rejects it.
    pub fn new(hardware: HardwareAddress, seed: Seed, addresses: &[IpCidr]) -> Self {
        Config {
            hardware,
            seed,
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

    /// Checks the configuration against a device.
    pub(super) fn check(&self, capabilities: &DeviceCapabilities) -> Result<(), SetupError> {
        let fits = match self.hardware {
            HardwareAddress::Ethernet(address) => capabilities.medium == Medium::Ethernet && address.is_unicast(),
            HardwareAddress::Ip => capabilities.medium == Medium::Ip,
        };
        if !fits {
            return Err(SetupError::BadHardwareAddress);
        }
        let needs = self.addresses.iter().map(least_mtu).max().unwrap_or(576);
        #[cfg(feature = "slaac")]
        let needs = if self.slaac { 1280 } else { needs };
        // The Ethernet header is 14 bytes. Add them to the minimum: a subtraction from the MTU would wrap on a device that
        // claims less.
        let header = if capabilities.medium == Medium::Ethernet { 14 } else { 0 };
        if capabilities.max_transmission_unit < needs + header {
            return Err(SetupError::MtuTooSmall(capabilities.max_transmission_unit.saturating_sub(header)));
        }
        match self.addresses.iter().find(|address| !address.address().is_unicast()) {
            Some(bad) => Err(SetupError::BadAddress(bad.address())),
            None => Ok(()),
        }
    }
}

/// The smallest MTU for this address, in bytes.
fn least_mtu(address: &IpCidr) -> usize {
    match address {
        IpCidr::Ipv4(_) => 576,
        #[cfg(feature = "ipv6")]
        IpCidr::Ipv6(_) => 1280,
    }
}

/// The options of every TCP connection of a stack.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TcpOptions {
    /// How long to delay an acknowledgement so that it can travel with data (RFC 9293 section 3.8.6.3). 10 ms by default; `None`
    /// means no delay.
    pub ack_delay: Option<Duration>,
    /// The congestion control. CUBIC by default.
    #[cfg(feature = "recovery")]
    pub congestion: Congestion,
    /// How long a connection may stay half-open (RFC 4987 section 3.3). 10 s by default.
    pub half_open_timeout: Duration,
    /// How long a peer may leave keep-alive probes, data or a close unanswered. 5 minutes by default.
    pub idle_timeout: Duration,
    /// The least time by which the retransmission timeout exceeds the round-trip time. 200 ms by default, as on Linux; RFC 6298
    /// section 2.4 recommends a timeout of at least 1 s.
    #[cfg(feature = "recovery")]
    pub least_rto: Duration,
    /// How long a closing connection may make no progress after its program has finished. 60 s by default.
    pub linger: Duration,
    /// Whether small segments wait for the acknowledgement of earlier ones (Nagle, RFC 9293 section 3.7.4). Off by default.
    pub nagle: bool,
    /// What happens to a new connection when there is no room for it.
    pub overflow: Overflow,
    /// How long a connection stays in TIME-WAIT, at least 10 s. 60 s by default, as on Linux; RFC 9293 section 3.4.2 recommends
    /// 4 minutes. A new connection may take its slot, but its late segments are still answered.
    pub time_wait: Duration,
}

impl Default for TcpOptions {
    fn default() -> Self {
        TcpOptions {
            ack_delay: Some(Duration::from_millis(10)),
            #[cfg(feature = "recovery")]
            congestion: Congestion::Cubic,
            half_open_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(300),
            #[cfg(feature = "recovery")]
            least_rto: Duration::from_millis(200),
            linger: Duration::from_secs(60),
            nagle: false,
            overflow: Overflow::Drop,
            time_wait: Duration::from_secs(60),
        }
    }
}

/// 32 bytes that nobody else can guess, from the operating system or a board's source of entropy.
#[derive(Clone)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    /// Returns the key that enciphers the identifications of fragments.
    pub(super) fn fragments(&self) -> u64 {
        self.word(0)
    }

    /// The key of the connection table's hash.
    pub(super) fn key(&self) -> u64 {
        self.word(8)
    }

    /// The key of the hashes of endpoints, for initial sequence numbers and ephemeral ports. The two uses never hash the same
    /// input: the endpoints from which a port is chosen have 0 as the local port.
    pub(super) fn endpoints(&self) -> u64 {
        self.word(16)
    }

    /// The key of random numbers: DHCP transactions, a board's DNS identifiers, local ports of UDP. A peer that sees some of
    /// these numbers learns nothing about the others, because each number is the keyed hash of a count.
    pub(super) fn random(&self) -> u64 {
        self.word(24)
    }

    fn word(&self, at: usize) -> u64 {
        let mut word = [0; 8];
        word.copy_from_slice(&self.0[at..at + 8]);
        u64::from_le_bytes(word)
    }
}

/// Hides the bytes.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// What happens to a new connection when there is no room for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Drops the SYN: the client tries again.
    #[default]
    Drop,
    /// Sends RST: the client is refused.
    Reset,
}

/// A TCP port, and the program that serves its connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listener<S> {
    /// The port.
    pub port: u16,
    /// The program. It is cloned for each connection.
    pub session: S,
    /// The largest number of connections served at a time. Further connections wait.
    pub serve_at_once: usize,
    /// The largest number of established connections that wait to be served.
    pub backlog: usize,
}

impl<S> Listener<S> {
    /// A listener that serves every connection at once, without a limit.
    pub fn new(port: u16, session: S) -> Self {
        Listener { port, session, serve_at_once: usize::MAX, backlog: 128 }
    }
}

/// Why a stack could not be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupError {
    /// DHCP or SLAAC was requested on a device without Ethernet.
    #[cfg(feature = "dhcp")]
    AutoconfNeedsEthernet,
    /// An address is not unicast.
    BadAddress(IpAddress),
    /// The hardware address does not match the device's medium, or is not unicast.
    BadHardwareAddress,
    /// A gateway is not on the link, or is the second gateway of its family.
    BadGateway(IpAddress),
    /// The slices of the memory do not fit together: each connection needs a slot, an entry of the slot index and a socket.
    BadMemory,
    /// The device's MTU is below the minimum of IP: 576 bytes, 1,280 with an IPv6 address (RFC 791, RFC 8200 section 5).
    MtuTooSmall(usize),
    /// There are more addresses or gateways than smoltcp was built for.
    TooMany,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "dhcp")]
            SetupError::AutoconfNeedsEthernet => f.write_str("DHCP and SLAAC work on Ethernet only: use a TAP"),
            SetupError::BadAddress(address) => write!(f, "{address} is not an address that a host can have"),
            SetupError::BadHardwareAddress => f.write_str("the hardware address does not fit the device"),
            SetupError::BadGateway(address) => {
                write!(f, "gateway {address} is not on the link, or not the only one of its kind")
            }
            SetupError::BadMemory => f.write_str("the memory for connections does not fit together"),
            SetupError::MtuTooSmall(mtu) => {
                write!(f, "an MTU of {mtu} bytes is too small: IPv4 needs 576 here, IPv6 1280")
            }
            SetupError::TooMany => write!(
                f,
                "too many addresses or gateways: at most {MAX_ADDRESSES} addresses, with a link-local one and those of DHCP \
                 and SLAAC, and a gateway of each family"
            ),
        }
    }
}

impl core::error::Error for SetupError {}

/// Why a port cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenError {
    /// Another program of this stack has the port.
    InUse,
    /// There is no room for another program, or for another UDP socket.
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

/// Why a connection could not be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address cannot belong to a host, or the port is 0.
    BadRemote,
    /// Every connection slot or local port is taken.
    Full,
    /// The address is not on the link, and there is no gateway to it.
    NoRoute,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConnectError::BadRemote => "not an address and port that can be connected to",
            ConnectError::Full => "no room for another connection",
            ConnectError::NoRoute => "no route",
        })
    }
}

impl core::error::Error for ConnectError {}
