//! Detects names and addresses of this machine's loopback, which no TAP or TUN can reach.

use std::net::IpAddr;

use super::error::Failure;
use super::netlink::Netlink;

/// Returns whether a host's name or address means this machine's loopback. Names of the loopback are `localhost`, names
/// that end in `.localhost` (RFC 6761 section 6.3), and names that have only loopback addresses in /etc/hosts.
pub fn is_local(host: &str) -> bool {
    is_local_in(host, &std::fs::read_to_string("/etc/hosts").unwrap_or_default())
}

/// Returns whether `host`, a name or an address, means this machine's loopback. `hosts` is the content of /etc/hosts.
fn is_local_in(host: &str, hosts: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    if let Ok(address) = bare.parse() {
        return is_loopback(address);
    }
    host == "localhost" || host.ends_with(".localhost") || is_loopback_name(&host, hosts)
}

/// Returns whether `name` has only loopback addresses in `hosts`, a text in the form of /etc/hosts. Returns false if
/// `name` has no address there.
fn is_loopback_name(name: &str, hosts: &str) -> bool {
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default().split_whitespace());
    let mut addresses = lines.filter_map(|mut words| {
        let address: IpAddr = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    });
    addresses.next().is_some_and(is_loopback) && addresses.all(is_loopback)
}

/// Returns whether an address is a loopback address. This includes IPv4 loopback addresses that are mapped to IPv6.
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Returns the error for a loopback `host`. The message suggests this machine's addresses on `link` instead. If there
/// are none, the message suggests a command that adds one.
pub fn loopback_error(host: &str, link: &str) -> Failure {
    let found = Netlink::open().and_then(|mut netlink| netlink.link(link)).ok().flatten();
    let own = found.map(|link| link.addresses).unwrap_or_default();
    // A link-local address is not shown, because it is only valid with the link's name.
    let link_local = |address: &IpAddr| matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
    let own: Vec<String> = own.iter().filter(|(own, _)| !link_local(own)).map(|(own, _)| own.to_string()).collect();
    let end = match own.is_empty() {
        true => format!("its end of {link} has no address: sudo ip addr add 192.168.69.100/24 dev {link}"),
        false => format!("its end of {link} is {}", own.join(" and ")),
    };
    Failure::run(format_args!("{host} is this machine's own loopback, not smolstep; {end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name is local if all its addresses in the file are loopback addresses. Comments and invalid lines are ignored.
    #[test]
    fn the_loopback_and_its_names_are_local() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1\there.example here # me\n::1 here ip6-loopback\n\
                     10.0.0.1 both # localhost\n127.0.0.2 both\nnonsense here2\n";
        for host in [
            "127.0.0.1",
            "127.255.0.3",
            "::1",
            "[::1]",
            "::ffff:127.0.0.1",
            "localhost",
            "LocalHost.",
            "a.localhost",
            "here",
            "HERE.example",
            "ip6-loopback",
        ] {
            assert!(is_local_in(host, hosts), "{host}");
        }
        for host in ["128.0.0.1", "::2", "[::1", "", "both", "here2", "me", "localhost.example", "192.168.69.1"] {
            assert!(!is_local_in(host, hosts), "{host}");
        }
    }
}
