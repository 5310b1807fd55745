//! How a stack is set up.

use core::fmt;

use smoltcp::phy::{DeviceCapabilities, Medium};
use smoltcp::socket::tcp::CongestionControl;
use smoltcp::time::Duration;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

/// How many addresses an interface can have.
pub(super) const MAX_ADDRESSES: usize = smoltcp::config::IFACE_MAX_ADDR_COUNT;

/// How a [`Stack`](super::Stack) behaves. The addresses and the seed have no default; the rest has.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The interface's own address; its kind must be the device's medium.
    pub hardware: HardwareAddress,
    /// Where sequence numbers, ports and the hash key come from.
    pub seed: Seed,
    /// The interface's addresses, each with its prefix.
    pub addresses: Addresses,
    /// Routers for all that is not on the link, at most one of each family.
    pub gateways: Gateways,
    /// What holds for every TCP connection.
    pub tcp: TcpOptions,
    /// Whether the addresses are used only when nobody else on the link has them (RFC 5227, RFC 4862 section 5.4). It takes
    /// 150 ms, on Ethernet; until then [`Stack::is_settled`](super::Stack::is_settled) is false.
    #[cfg(feature = "dhcp")]
    pub claim: bool,
    /// Whether to ask a DHCP server for an IPv4 address, a router and DNS servers. Ethernet only.
    #[cfg(feature = "dhcp")]
    pub dhcp: bool,
    /// Whether to make IPv6 addresses of what routers advertise, and a link-local one. Ethernet only.
    #[cfg(feature = "slaac")]
    pub slaac: bool,
}

/// An interface's addresses, and one place more: so that one too many is seen.
pub type Addresses = heapless::Vec<IpCidr, { MAX_ADDRESSES + 1 }>;

/// Routers, one of each family, and one place more for the same reason.
pub type Gateways = heapless::Vec<IpAddress, 3>;

impl Config {
    /// A stack with these addresses, the default [`TcpOptions`] and nothing asked of the link. Addresses that
    /// [`Stack::new`](super::Stack::new) would refuse as too many are left out, but for one.
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

    /// Whether a stack can be set up so on such a device.
    pub(super) fn check(&self, capabilities: &DeviceCapabilities) -> Result<(), SetupError> {
        let fits = match self.hardware {
            HardwareAddress::Ethernet(address) => capabilities.medium == Medium::Ethernet && address.is_unicast(),
            #[cfg(feature = "medium-ip")]
            HardwareAddress::Ip => capabilities.medium == Medium::Ip,
        };
        if !fits {
            return Err(SetupError::BadHardwareAddress);
        }
        let needs = self.addresses.iter().map(least_mtu).max().unwrap_or(576);
        #[cfg(feature = "slaac")]
        let needs = if self.slaac { 1280 } else { needs };
        // The Ethernet header is 14 bytes; subtracting first would wrap on a device that claims less.
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

/// The least MTU with such an address, in bytes.
fn least_mtu(address: &IpCidr) -> usize {
    match address {
        IpCidr::Ipv4(_) => 576,
        #[cfg(feature = "ipv6")]
        IpCidr::Ipv6(_) => 1280,
    }
}

/// What holds for every TCP connection of a stack.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TcpOptions {
    /// How long an acknowledgement may wait for data to travel with; `None` is at once (RFC 9293 section 3.8.6.3). 10 ms by
    /// default.
    pub ack_delay: Option<Duration>,
    /// The congestion control. None by default.
    pub congestion: CongestionControl,
    /// How long a half-open connection may stay (RFC 4987 section 3.3). 10 s by default.
    pub half_open_timeout: Duration,
    /// How long a peer may leave keep-alive probes, data or a close unanswered. 5 minutes by default.
    pub idle_timeout: Duration,
    /// How long a closing connection may stay without any progress, once its program is done with it. 60 s by default.
    pub linger: Duration,
    /// Whether small segments wait for the acknowledgement of earlier ones (Nagle, RFC 9293 section 3.7.4). Off by default.
    pub nagle: bool,
    /// What happens to a new connection when there is no room for it.
    pub overflow: Overflow,
}

impl Default for TcpOptions {
    fn default() -> Self {
        TcpOptions {
            ack_delay: Some(Duration::from_millis(10)),
            congestion: CongestionControl::None,
            half_open_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(300),
            linger: Duration::from_secs(60),
            nagle: false,
            overflow: Overflow::Drop,
        }
    }
}

/// 32 bytes that nobody else can guess: from the operating system, or from wherever a board has entropy.
#[derive(Clone)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    /// For the interface's generator of initial sequence numbers.
    pub(super) fn interface(&self) -> u64 {
        self.word(0)
    }

    /// For the keyed hash of the connection table.
    pub(super) fn key(&self) -> u64 {
        self.word(8)
    }

    /// For the choice of local ports.
    pub(super) fn ports(&self) -> u64 {
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
    /// Silence: the client tries again.
    #[default]
    Drop,
    /// RST: the client is refused.
    Reset,
}

/// A TCP port, and the program that serves each connection to it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listener<S> {
    /// The port.
    pub port: u16,
    /// Cloned for each connection.
    pub session: S,
    /// How many connections are served at a time; the others wait.
    pub serve_at_once: usize,
    /// How many connections may be established and wait to be served.
    pub backlog: usize,
}

impl<S> Listener<S> {
    /// A listener that serves everybody at once.
    pub fn new(port: u16, session: S) -> Self {
        Listener { port, session, serve_at_once: usize::MAX, backlog: 128 }
    }
}

/// Why there is no stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupError {
    /// DHCP or SLAAC on a device that is no Ethernet.
    #[cfg(feature = "dhcp")]
    AutoconfNeedsEthernet,
    /// An address is not unicast.
    BadAddress(IpAddress),
    /// The hardware address is not of the device's medium, or not unicast.
    BadHardwareAddress,
    /// A gateway is not on the link, or a second one of its family.
    BadGateway(IpAddress),
    /// The memory handed over does not fit together: the slices must have a slot, links and a socket each a connection.
    BadMemory,
    /// The device's MTU is below what IP asks for: 576 bytes, 1,280 with an IPv6 address (RFC 791, RFC 8200 section 5).
    MtuTooSmall(usize),
    /// More addresses or gateways than smoltcp was built for.
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

/// Why a port is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenError {
    /// Another program of this stack has the port.
    InUse,
    /// No room for another program, or for another UDP socket.
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

/// Why a connection was not even begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is no host's, or the port is 0.
    BadRemote,
    /// Every connection slot or local port is taken.
    Full,
    /// The address is not on the link and there is no gateway for it.
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
