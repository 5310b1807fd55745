//! Names of ICMP and ICMPv6 messages, by type and code, from IANA's registries.

use core::fmt;

/// Writes the name of an ICMP message with type `kind`, for example `ICMP destination unreachable (port)`. Writes the
/// numbers of an unknown type.
pub(super) fn v4(f: &mut fmt::Formatter<'_>, kind: u8, code: u8) -> fmt::Result {
    let (name, detail) = match (kind, code) {
        (0, _) => ("echo reply", ""),
        (3, 0) => ("destination unreachable", "network"),
        (3, 1) => ("destination unreachable", "host"),
        (3, 2) => ("destination unreachable", "protocol"),
        (3, 3) => ("destination unreachable", "port"),
        (3, 4) => ("destination unreachable", "fragmentation needed"),
        (3, 9 | 10 | 13) => ("destination unreachable", "prohibited"),
        (3, _) => ("destination unreachable", ""),
        (4, _) => ("source quench", ""),
        (5, _) => ("redirect", ""),
        (8, _) => ("echo request", ""),
        (9, _) => ("router advertisement", ""),
        (10, _) => ("router solicitation", ""),
        (11, 0) => ("time exceeded", "in transit"),
        (11, 1) => ("time exceeded", "reassembly"),
        (11, _) => ("time exceeded", ""),
        (12, _) => ("parameter problem", ""),
        (13, _) => ("timestamp request", ""),
        (14, _) => ("timestamp reply", ""),
        _ => return write!(f, "ICMP type={kind} code={code}"),
    };
    write(f, "ICMP", name, detail)
}

/// Writes the name of an ICMPv6 message with type `kind`, for example `ICMPv6 router solicitation`. Writes the numbers
/// of an unknown type.
pub(super) fn v6(f: &mut fmt::Formatter<'_>, kind: u8, code: u8) -> fmt::Result {
    let (name, detail) = match (kind, code) {
        (1, 0) => ("destination unreachable", "no route"),
        (1, 1) => ("destination unreachable", "prohibited"),
        (1, 2) => ("destination unreachable", "beyond scope"),
        (1, 3) => ("destination unreachable", "address"),
        (1, 4) => ("destination unreachable", "port"),
        (1, 5) => ("destination unreachable", "source address failed policy"),
        (1, 6) => ("destination unreachable", "route rejected"),
        (1, _) => ("destination unreachable", ""),
        (2, _) => ("packet too big", ""),
        (3, 0) => ("time exceeded", "in transit"),
        (3, 1) => ("time exceeded", "reassembly"),
        (3, _) => ("time exceeded", ""),
        (4, 0) => ("parameter problem", "header field"),
        (4, 1) => ("parameter problem", "next header"),
        (4, 2) => ("parameter problem", "option"),
        (4, _) => ("parameter problem", ""),
        (128, _) => ("echo request", ""),
        (129, _) => ("echo reply", ""),
        (130, _) => ("MLD query", ""),
        // MLD version 1 (RFC 2710) and version 2 (RFC 3810).
        (131 | 143, _) => ("MLD report", ""),
        (132, _) => ("MLD done", ""),
        (133, _) => ("router solicitation", ""),
        (134, _) => ("router advertisement", ""),
        (135, _) => ("neighbour solicitation", ""),
        (136, _) => ("neighbour advertisement", ""),
        (137, _) => ("redirect", ""),
        _ => return write!(f, "ICMPv6 type={kind} code={code}"),
    };
    write(f, "ICMPv6", name, detail)
}

fn write(f: &mut fmt::Formatter<'_>, protocol: &str, name: &str, detail: &str) -> fmt::Result {
    write!(f, "{protocol} {name}")?;
    if detail.is_empty() { Ok(()) } else { write!(f, " ({detail})") }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use crate::trace::{Carries, Summary};

    #[test]
    fn messages_have_names() {
        for (carries, name) in [
            (Carries::Icmp(0, 0), "ICMP echo reply"),
            (Carries::Icmp(3, 3), "ICMP destination unreachable (port)"),
            (Carries::Icmp(3, 200), "ICMP destination unreachable"),
            (Carries::Icmp(8, 0), "ICMP echo request"),
            (Carries::Icmp(11, 0), "ICMP time exceeded (in transit)"),
            (Carries::Icmp(200, 7), "ICMP type=200 code=7"),
            (Carries::Icmpv6(1, 4), "ICMPv6 destination unreachable (port)"),
            (Carries::Icmpv6(2, 0), "ICMPv6 packet too big"),
            (Carries::Icmpv6(3, 1), "ICMPv6 time exceeded (reassembly)"),
            (Carries::Icmpv6(4, 9), "ICMPv6 parameter problem"),
            (Carries::Icmpv6(128, 0), "ICMPv6 echo request"),
            (Carries::Icmpv6(129, 0), "ICMPv6 echo reply"),
            (Carries::Icmpv6(130, 0), "ICMPv6 MLD query"),
            (Carries::Icmpv6(131, 0), "ICMPv6 MLD report"),
            (Carries::Icmpv6(132, 0), "ICMPv6 MLD done"),
            (Carries::Icmpv6(133, 0), "ICMPv6 router solicitation"),
            (Carries::Icmpv6(134, 0), "ICMPv6 router advertisement"),
            (Carries::Icmpv6(135, 0), "ICMPv6 neighbour solicitation"),
            (Carries::Icmpv6(136, 0), "ICMPv6 neighbour advertisement"),
            (Carries::Icmpv6(137, 0), "ICMPv6 redirect"),
            (Carries::Icmpv6(143, 0), "ICMPv6 MLD report"),
            (Carries::Icmpv6(3, 77), "ICMPv6 time exceeded"),
            (Carries::Icmpv6(255, 1), "ICMPv6 type=255 code=1"),
        ] {
            assert_eq!(Summary { ends: None, carries }.to_string(), name);
        }
    }
}
