//! The options for the interface and its addresses. Several commands share these options.

use std::borrow::Cow;

use clap::Args;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, Ipv6Address, Ipv6Cidr};

use super::addr_text;
use super::error::Failure;
use super::mac::default_mac;
use super::zone::without_zone;
use crate::host::seed;
use crate::names::SERVERS;
use crate::phy::linux::{Kind, TunTap};
use crate::stack::{Config, Memory, Session, Stack, UdpSession, interface_address};

/// The options for the interface and its addresses.
#[derive(Args, Clone, Debug, Default)]
#[group(skip)]
pub struct LinkArgs {
    /// Attach to this TAP, which must exist [default: none; give --tap or --tun]
    #[arg(long, value_name = "NAME", conflicts_with = "tun")]
    pub tap: Option<String>,
    /// Attach to this TUN, which must exist [default: none; give --tap or --tun]
    #[arg(long, value_name = "NAME")]
    pub tun: Option<String>,
    /// Use this address, with its prefix; repeatable [default: 192.168.69.1/24 and fdaa::1/64 for serve, 192.168.69.2/24 and
    /// fdaa::2/64 for all other commands; none with --dhcp or --slaac]
    #[arg(long, value_name = "CIDR")]
    pub ip: Vec<String>,
    /// Send packets for other networks to this router; one for IPv4, one for IPv6 [default: none, or the routers that
    /// --dhcp and --slaac find]
    #[arg(long, value_name = "IP")]
    pub gateway: Vec<String>,
    /// Get an IPv4 address, a router and DNS servers from a DHCP server
    #[arg(long, conflicts_with = "tun")]
    pub dhcp: bool,
    /// Make a link-local IPv6 address, and IPv6 addresses from the prefixes that routers advertise
    #[arg(long, conflicts_with = "tun")]
    pub slaac: bool,
    /// Ask this DNS server; repeatable, up to 4 times [default: none, or the servers that --dhcp and --slaac find]
    #[arg(long, value_name = "IP")]
    pub dns: Vec<String>,
    /// Use this hardware address on a TAP [default: derived from the TAP's name, the machine's id and the host's name]
    #[arg(long, value_name = "MAC")]
    pub mac: Option<String>,
    /// Compute checksums and split segments in smolstep, not in the kernel
    #[arg(long)]
    pub no_offload: bool,
    /// Write every frame to FILE, which Wireshark opens [default: no capture]
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<std::path::PathBuf>,
}

/// The side of the link, which determines the default addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The default addresses are 192.168.69.1/24 and fdaa::1/64.
    Server,
    /// The default addresses are 192.168.69.2/24 and fdaa::2/64.
    Client,
}

impl Side {
    /// Returns the name of the side. The name must not change, because default hardware addresses are derived from it.
    fn name(self) -> &'static str {
        match self {
            Side::Server => "Server",
            Side::Client => "Client",
        }
    }
}

/// The validated options for an interface and its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whether the interface is a TAP or a TUN.
    pub kind: Kind,
    /// The interface's name.
    pub name: String,
    /// The configured addresses of this side: from `--ip`, or the defaults.
    pub addresses: Vec<IpCidr>,
    gateways: Vec<IpAddress>,
    /// This side's hardware address; `None` on a TUN.
    pub mac: Option<EthernetAddress>,
    /// Whether to use DHCP.
    pub dhcp: bool,
    /// Whether to use router advertisements.
    pub slaac: bool,
    /// The DNS servers given on the command line.
    pub dns: Vec<IpAddress>,
    /// Whether to check that no other host on the link has a configured address.
    pub claim: bool,
    /// Whether to leave checksums and segmentation to the kernel, where the kernel supports them.
    pub offload: bool,
}

impl LinkArgs {
    /// Builds the link that the options describe. `side` selects the default addresses.
    ///
    /// # Errors
    /// Fails with a usage error that names the invalid word and its expected form.
    pub fn link(&self, side: Side) -> Result<Link, Failure> {
        // The default addresses end with 1 for the server and 2 for the client.
        let number = side as u8 + 1;
        let (kind, name) = match (&self.tap, &self.tun) {
            (Some(name), _) => (Kind::Tap, name),
            (None, Some(name)) => (Kind::Tun, name),
            (None, None) => {
                return Err(Failure::usage(
                    "no link: give --tap NAME or --tun NAME, or run the command in a network of its own with \
                     'smolstep sandbox -- COMMAND'",
                ));
            }
        };
        let addresses = match &self.ip[..] {
            [] if self.dhcp || self.slaac => vec![],
            [] => vec![
                IpCidr::new(IpAddress::v4(192, 168, 69, number), 24),
                IpCidr::new(IpAddress::v6(0xfdaa, 0, 0, 0, 0, 0, 0, number.into()), 64),
            ],
            given => given.iter().map(|text| cidr(text, name)).collect::<Result<_, _>>()?,
        };
        let is_repeated = |i: usize, a: &IpCidr| addresses[..i].iter().any(|b: &IpCidr| b.address() == a.address());
        if let Some((_, twice)) = addresses.iter().enumerate().find(|(i, a)| is_repeated(*i, a)) {
            return Err(Failure::usage(format_args!("{} is given twice with --ip", twice.address())));
        }
        let gateways = self.gateway.iter().map(|text| host(text, "--gateway", name)).collect::<Result<Vec<_>, _>>()?;
        let first_of_family = |i: usize, a: &IpAddress| gateways[..i].iter().find(|b| b.version() == a.version());
        if let Some((first, second)) = gateways.iter().enumerate().find_map(|(i, a)| Some((first_of_family(i, a)?, a)))
        {
            return Err(Failure::usage(format_args!(
                "{first} and {second} are two gateways of one family: --gateway takes one for IPv4 and one for IPv6, as in \
                 --gateway 192.168.69.100 --gateway fdaa::64"
            )));
        }
        let dns = self.dns.iter().map(|text| host(text, "--dns", name)).collect::<Result<Vec<_>, _>>()?;
        if let Some(bad) = dns.iter().find(|server| !server.is_unicast()) {
            return Err(Failure::usage(format_args!("{bad} for --dns is not a host address")));
        }
        if dns.len() > SERVERS {
            return Err(Failure::usage(format_args!(
                "--dns is given {} times: at most {SERVERS} servers are asked",
                dns.len()
            )));
        }
        let mac = match (kind, &self.mac) {
            (Kind::Tun, None) => None,
            (Kind::Tap, None) => Some(default_mac(name, side.name())?),
            (_, Some(text)) => Some(text.parse().ok().filter(EthernetAddress::is_unicast).ok_or_else(|| {
                Failure::usage(format_args!(
                    "bad hardware address '{text}': write a unicast address like 02:00:00:00:00:01"
                ))
            })?),
        };
        let (dhcp, slaac, name) = (self.dhcp, self.slaac, name.clone());
        // `claim`: check that no other host on the link has one of the addresses.
        Ok(Link { kind, name, addresses, gateways, mac, dhcp, slaac, dns, claim: true, offload: !self.no_offload })
    }
}

impl Link {
    /// Attaches to the interface.
    ///
    /// # Errors
    /// The error's message is one line for the user.
    pub fn open(&self) -> Result<TunTap, Failure> {
        let open = if self.offload { TunTap::open_with_offload } else { TunTap::open };
        open(self.kind, &self.name).map_err(Failure::run)
    }

    /// Removes the zone from a host's address: `fe80::64%tap0` becomes `fe80::64`.
    ///
    /// # Errors
    /// Fails with a usage error if the zone names another link.
    pub fn without_zone<'t>(&self, host: &'t str) -> Result<Cow<'t, str>, Failure> {
        without_zone(host, &self.name).map_err(Failure::usage)
    }

    /// Creates a stack on `device` with this link's addresses. First calls `set`, which can change the configuration.
    ///
    /// # Errors
    /// Fails if an address is invalid or the MTU is too small.
    pub fn stack<'a, S: Session + Clone, U: UdpSession>(
        &self,
        device: &mut TunTap,
        memory: Memory<'a, S, U>,
        now: Instant,
        set: impl FnOnce(&mut Config),
    ) -> Result<Stack<'a, S, U>, Failure> {
        let hardware =
            self.mac.filter(|_| self.kind == Kind::Tap).map_or(HardwareAddress::Ip, HardwareAddress::Ethernet);
        let mut addresses = self.addresses.clone();
        addresses.extend(self.link_local(hardware));
        let seed = seed().map_err(|error| Failure::run(format_args!("no entropy: {error}")))?;
        let mut config = Config::new(hardware, seed, &addresses);
        config.gateways = self.gateways.iter().copied().take(config.gateways.capacity()).collect();
        (config.claim, config.dhcp, config.slaac) = (self.claim, self.dhcp, self.slaac);
        set(&mut config);
        Stack::new(config, device, memory, now).map_err(Failure::usage)
    }

    /// Returns a link-local IPv6 address, derived from the hardware address, to add to the configured
    /// addresses.
    ///
    /// Neighbours send solicitations from their link-local addresses (RFC 4861 section 7.2.2). Without a link-local
    /// address of its own, the stack has no route to these addresses, and cannot answer. Returns `None` on a TUN, if no
    /// IPv6 address is configured, or if a configured address is already link-local.
    fn link_local(&self, hardware: HardwareAddress) -> Option<IpCidr> {
        let HardwareAddress::Ethernet(mac) = hardware else { return None };
        let has_ipv6 = |condition: fn(&Ipv6Address) -> bool| {
            self.addresses.iter().any(|cidr| matches!(cidr, IpCidr::Ipv6(cidr) if condition(&cidr.address())))
        };
        if !has_ipv6(|_| true) || has_ipv6(Ipv6Address::is_unicast_link_local) {
            return None;
        }
        let network = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);
        Some(IpCidr::Ipv6(Ipv6Cidr::new(interface_address(network, mac), 64)))
    }
}

/// Parses the IP address that was given with the option `flag`.
fn host(text: &str, flag: &str, link: &str) -> Result<IpAddress, Failure> {
    let address = without_zone(text, link).and_then(|text| addr_text::address(&text, flag));
    address.map(Into::into).map_err(Failure::usage)
}

/// Parses an address that was given with `--ip`.
fn cidr(text: &str, link: &str) -> Result<IpCidr, Failure> {
    let read = without_zone(text, link).and_then(|text| addr_text::cidr(&text, "--ip"));
    let (address, prefix) = read.map_err(Failure::usage)?;
    Ok(IpCidr::new(address.into(), prefix))
}
