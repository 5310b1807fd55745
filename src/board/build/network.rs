//! The network settings of the firmware. Part of `build.rs`.
//!
//! The settings are the environment variables SMOLSTEP_IP, SMOLSTEP_GATEWAY, SMOLSTEP_DNS and SMOLSTEP_SERVER.

use std::net::{IpAddr, Ipv6Addr};

use super::{addr_text, mac, rules, setting};

const IP: &str = "SMOLSTEP_IP";
const GATEWAY: &str = "SMOLSTEP_GATEWAY";
const DNS: &str = "SMOLSTEP_DNS";
const SERVER: &str = "SMOLSTEP_SERVER";

/// The largest number of DNS servers: `SERVERS` in src/names/resolver.rs.
const DNS_SERVERS: usize = 4;
/// smoltcp's limits on the number of addresses of an interface, as set in Cargo.toml. The first is for a build without
/// `ipv6`, and the second for a build with `ipv6`.
const ADDRESSES: [usize; 2] = [2, 8];
/// The largest number of addresses that SLAAC adds: one for each of three prefixes, and a link-local address.
const MADE: usize = 4;

/// The checked network settings of the firmware.
pub struct Network {
    /// The static addresses, and the link-local address that [`Network::add_link_local`] adds.
    addresses: Vec<(IpAddr, u8)>,
    dhcp: bool,
    slaac: bool,
    gateways: Vec<IpAddr>,
    dns: Vec<IpAddr>,
    server: String,
    port: u16,
}

impl Network {
    /// Reads the settings, and checks them against the features of the firmware.
    ///
    /// # Errors
    /// Returns one line that names the invalid setting, the missing setting or the missing feature.
    pub fn from_environment(enabled: &dyn Fn(&str) -> bool) -> Result<Network, String> {
        let mut network = Network {
            addresses: Vec::new(),
            dhcp: false,
            slaac: false,
            gateways: parse_addresses(GATEWAY)?,
            dns: parse_addresses(DNS)?,
            // `set_server` below sets the server and its port.
            server: String::new(),
            port: 0,
        };
        let text = setting(IP).unwrap_or("192.168.69.1/24".into());
        for word in text.split(',') {
            // `replace` returns the previous value, which is true if the word came before.
            let is_duplicate = match word {
                "dhcp" => std::mem::replace(&mut network.dhcp, true),
                "slaac" => std::mem::replace(&mut network.slaac, true),
                word => network.add(word)?,
            };
            if is_duplicate {
                return Err(format!("{word} appears twice in {IP}"));
            }
        }
        network.add_link_local();
        network.check_features(enabled)?;
        network.check_gateways()?;
        network.check_dns()?;
        let text = setting(SERVER).unwrap_or("192.168.69.100".into());
        network.set_server(&text)?;
        Ok(network)
    }

    /// Returns the source text of the constants that the firmware is compiled with.
    pub fn source(&self) -> String {
        let list = |items: Vec<String>| format!("&[{}]", items.join(", "));
        let addresses = list(self.addresses.iter().map(cidr).collect());
        let gateways = list(self.gateways.iter().map(address).collect());
        let dns = list(self.dns.iter().map(address).collect());
        let server = match self.server.parse::<IpAddr>() {
            Ok(ip) => format!("Host::Address({})", address(&ip)),
            Err(_) => format!("Host::Name({:?})", self.server),
        };
        let port = if self.port == 0 { "None".into() } else { format!("Some({})", self.port) };
        format!(
            "pub const ADDRESSES: &[IpCidr] = {addresses};\n\
             #[cfg(feature = \"dhcp\")]\npub const DHCP: bool = {};\n\
             #[cfg(feature = \"slaac\")]\npub const SLAAC: bool = {};\n\
             pub const GATEWAYS: &[IpAddress] = {gateways};\n\
             pub const DNS: &[IpAddress] = {dns};\n\
             pub const SERVER: Host = {server};\n\
             /// The server's port, if it is not the program's usual port.\n\
             pub const PORT: Option<u16> = {port};\n",
            self.dhcp, self.slaac
        )
    }

    /// Adds a static address. Returns true if the list already contained that address.
    ///
    /// # Errors
    /// Returns one line that says why `word` is not valid.
    fn add(&mut self, word: &str) -> Result<bool, String> {
        let added = addr_text::cidr(word, IP).map_err(|why| match word.contains(['.', ':', '/']) {
            true => why,
            false => format!("'{word}' in {IP} is neither dhcp nor slaac, nor an address like 192.168.69.1/24"),
        })?;
        let is_duplicate = self.addresses.iter().any(|(address, _)| *address == added.0);
        self.addresses.push(added);
        Ok(is_duplicate)
    }

    /// Adds a link-local address if the static IPv6 addresses include none. With SLAAC, the stack adds the link-local
    /// address.
    ///
    /// A neighbour can send its solicitation from a link-local address (RFC 4861 section 7.2.2). Without a link-local
    /// address of its own, the board would have no route for the reply.
    fn add_link_local(&mut self) {
        let mut v6 = self.addresses.iter().filter_map(|(address, _)| match address {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        });
        let has_v6 = v6.clone().next().is_some();
        let has_link_local = v6.any(Ipv6Addr::is_unicast_link_local);
        // The interface identifier is the hardware address with ff:fe in the middle and the universal bit flipped (RFC
        // 4291 appendix A).
        if !self.slaac && has_v6 && !has_link_local {
            let [a, b, c, d, e, f] = mac();
            let address = Ipv6Addr::from_octets([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
            self.addresses.push((address.into(), 64));
        }
    }

    /// Checks that the needed Cargo features are enabled and that there are not too many addresses.
    fn check_features(&self, enabled: &dyn Fn(&str) -> bool) -> Result<(), String> {
        // Whether the firmware can get an IPv6 address: the argument `false` selects IPv6.
        let v6 = self.can_get_address(false);
        // Without `slaac`, no IPv6 address is checked for duplicates. The stack checks all of its addresses or none, so
        // DHCP together with IPv6 needs `slaac`.
        let needs = [(self.dhcp, "dhcp"), (v6, "ipv6"), (self.slaac || (self.dhcp && v6), "slaac")];
        if let Some((_, feature)) = needs.iter().find(|(needed, feature)| *needed && !enabled(feature)) {
            return Err(format!("this {IP} needs the feature {feature}, which scripts/firmware adds"));
        }
        // The number of addresses that DHCP and SLAAC can add, and the interface's limit with or without IPv6.
        let made = usize::from(self.dhcp) + if self.slaac { MADE } else { 0 };
        let (all, room) = (self.addresses.len() + made, ADDRESSES[usize::from(v6)]);
        if all > room {
            return Err(format!(
                "{IP} needs room for {all} addresses, including those from dhcp, slaac and the link; there is room for \
                {room}"
            ));
        }
        Ok(())
    }

    /// Checks that each address family has at most one gateway. Also checks that each gateway is another host on a
    /// configured network.
    fn check_gateways(&self) -> Result<(), String> {
        for (at, gateway) in self.gateways.iter().enumerate() {
            if self.gateways[..at].iter().any(|before| before.is_ipv4() == gateway.is_ipv4()) {
                return Err(format!("{GATEWAY} has two routers of one family: use one for IPv4 and one for IPv6"));
            }
            if self.addresses.iter().any(|(own, _)| own == gateway) {
                return Err(format!("{gateway} in {GATEWAY} is the board's own address"));
            }
            if !self.addresses.iter().any(|own| is_on_link(*own, *gateway)) {
                return Err(format!(
                    "{gateway} in {GATEWAY} is not on the network of an address in {IP}; dhcp and slaac find a router"
                ));
            }
        }
        Ok(())
    }

    /// Checks that there are not too many DNS servers and that each of them can be reached.
    fn check_dns(&self) -> Result<(), String> {
        if self.dns.len() > DNS_SERVERS {
            return Err(format!("{DNS} has more than {DNS_SERVERS} servers"));
        }
        self.dns.iter().try_for_each(|&server| self.check_reach(server, DNS))
    }

    /// Parses and checks SMOLSTEP_SERVER, the server that a client calls.
    fn set_server(&mut self, text: &str) -> Result<(), String> {
        // Here 0 means that the setting names no port, because the setting cannot name port 0.
        let Some((host, port)) = addr_text::host_and_port(text, 0) else {
            return Err(format!(
                "bad address '{text}' for {SERVER}: it is an IP address or a name, with a port as in 192.168.69.100:9999 \
                 or [fdaa::64]:9999"
            ));
        };
        match host.parse() {
            // The default server has an IPv4 address. It is not checked, so a board without IPv4 can be built.
            Ok(_) if setting(SERVER).is_none() => {}
            Ok(address) if !addr_text::is_unicast(address) => {
                return Err(format!("{address} in {SERVER} is not a host address"));
            }
            Ok(address) => self.check_reach(address, SERVER)?,
            Err(_) => {
                rules::check(host).map_err(|why| format!("bad host '{host}' in {SERVER}: {why}"))?;
                if self.dns.is_empty() && !self.dhcp && !self.slaac {
                    return Err(format!("{SERVER} is a name and there is no DNS server: set {DNS}, or dhcp in {IP}"));
                }
            }
        }
        (self.server, self.port) = (host.to_owned(), port);
        Ok(())
    }

    /// Returns an error if the settings provide no route to `to`. The error names `source`, the setting that contains
    /// `to`.
    fn check_reach(&self, to: IpAddr, source: &str) -> Result<(), String> {
        let v4 = to.is_ipv4();
        let routed = self.gateways.iter().any(|gateway| gateway.is_ipv4() == v4)
            || self.addresses.iter().any(|own| is_on_link(*own, to))
            || if v4 { self.dhcp } else { self.slaac };
        if routed {
            return Ok(());
        }
        Err(format!("no route to {to} in {source}: give an address on its network in {IP}, or a router in {GATEWAY}"))
    }

    /// Returns whether the firmware can get an IPv4 address, or an IPv6 address if `v4` is false.
    fn can_get_address(&self, v4: bool) -> bool {
        self.addresses.iter().any(|(own, _)| own.is_ipv4() == v4) || if v4 { self.dhcp } else { self.slaac }
    }
}

/// Parses the setting `name`, a comma-separated list of other hosts' addresses. The list is empty if `name` is not set.
fn parse_addresses(name: &str) -> Result<Vec<IpAddr>, String> {
    let mut list = Vec::new();
    for word in setting(name).iter().flat_map(|text| text.split(',')) {
        let address = addr_text::address(word, name)?;
        if !addr_text::is_unicast(address) || address.is_loopback() {
            return Err(format!("{address} in {name} is not a host address"));
        }
        list.push(address);
    }
    Ok(list)
}

/// Returns whether `other` is on the network of `own`, an address with its prefix length.
fn is_on_link((own, prefix): (IpAddr, u8), other: IpAddr) -> bool {
    // An IPv4 address is moved to the upper bits, so that the same mask fits both families.
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    // The mask has `prefix` ones at the top. The shift fails only for 128, where all bits are ones.
    let mask = !u128::MAX.checked_shr(prefix.into()).unwrap_or(0);
    let same_family = own.is_ipv4() == other.is_ipv4();
    same_family && bits(own) & mask == bits(other) & mask
}

/// Returns the Rust expression for an address.
fn address(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("IpAddress::Ipv4(wire::Ipv4Address::from_octets({:?}))", address.octets()),
        IpAddr::V6(address) => format!("IpAddress::Ipv6(wire::Ipv6Address::from_octets({:?}))", address.octets()),
    }
}

/// Returns the Rust expression for an address with its prefix length.
fn cidr((address, prefix): &(IpAddr, u8)) -> String {
    match address {
        IpAddr::V4(address) => {
            format!(
                "IpCidr::Ipv4(wire::Ipv4Cidr::new(wire::Ipv4Address::from_octets({:?}), {prefix}))",
                address.octets()
            )
        }
        IpAddr::V6(address) => {
            format!(
                "IpCidr::Ipv6(wire::Ipv6Cidr::new(wire::Ipv6Address::from_octets({:?}), {prefix}))",
                address.octets()
            )
        }
    }
}
