//! Parses addresses from the command line and from the settings of a firmware image. The build script includes this
//! file as well.

use std::net::{IpAddr, Ipv6Addr};

/// Parses an address of this host with its prefix length, as in `192.168.69.1/24`. Error messages name `source`: the
/// option or setting that contains `text`.
///
/// # Errors
/// Returns a message of one line that says why `text` is rejected.
pub fn cidr(text: &str, source: &str) -> Result<(IpAddr, u8), String> {
    let bad = || format!("bad address '{text}' for {source}: write it like 192.168.69.1/24 or fdaa::1/64");
    let Some((address, prefix)) = text.split_once('/') else {
        return Err(match text.parse::<IpAddr>() {
            Ok(_) => format!("'{text}' for {source} has no prefix: write for instance {text}/24"),
            Err(_) => bad(),
        });
    };
    let address: IpAddr = address.parse().map_err(|_| bad())?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    match prefix.parse::<u8>() {
        Ok(prefix) if prefix <= longest && is_host(address, prefix) => Ok((address, prefix)),
        Ok(prefix) if prefix <= longest => {
            Err(format!("'{text}' for {source} is not a host address: it might be a network or multicast address"))
        }
        _ => Err(bad()),
    }
}

/// Parses the address of another host. Error messages name `source`: the option or setting that contains `text`.
///
/// # Errors
/// Returns a message of one line that says why `text` is rejected.
pub fn address(text: &str, source: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("bad address '{text}' for {source}: it must be an IP address"))
}

/// Splits `HOST[:PORT]` into the host, which is an IP address or a name, and the port. If `text` has no port, the port
/// is `default`. The brackets of an IPv6 address are removed. Returns `None` if `text` does not have this form, or if
/// the port is 0.
pub fn host_and_port(text: &str, default: u16) -> Option<(&str, u16)> {
    if text.parse::<IpAddr>().is_ok() {
        return Some((text, default));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok().filter(|&port| port != 0)?),
        _ => (text, default),
    };
    // An IPv6 address with a port needs brackets. Any other host must not have brackets.
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().is_ok().then_some((bare, port)),
        None => (!host.is_empty() && !host.contains([':', '[', ']'])).then_some((host, port)),
    }
}

/// Returns whether an address belongs to a single host. Multicast, broadcast and unspecified addresses do not.
pub fn is_unicast(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !broadcast && !address.is_multicast() && !address.is_unspecified()
}

/// Returns whether a host on a link can have this address. Loopback addresses and mapped IPv4 addresses are excluded.
/// Unless the prefix length is 31 (RFC 3021) or 32, the network address and the broadcast address of an IPv4 network
/// are also excluded (RFC 1122 section 3.2.1.3).
fn is_host(address: IpAddr, prefix: u8) -> bool {
    let special = match address {
        IpAddr::V4(address) => {
            let host_mask = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
            let host = address.to_bits() & host_mask;
            prefix < 31 && (host == 0 || host == host_mask)
        }
        IpAddr::V6(address) => address.to_ipv4_mapped().is_some(),
    };
    is_unicast(address) && !address.is_loopback() && !special
}
