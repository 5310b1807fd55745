//! The errors of a lookup.

use core::fmt;

use smoltcp::time::Duration;
use smoltcp::wire::IpAddress;

/// Why a lookup failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ResolveError {
    /// The name's aliases form a loop, or the name has more than 16 aliases.
    AliasLoop,
    /// The server returned the given error code. 2 means an internal failure, and 5 means a refusal (RFC 1035 section
    /// 4.1.1).
    Failed(IpAddress, u8),
    /// No server answered in time, and a datagram from this server could not be parsed.
    Malformed(IpAddress),
    /// The name exists but has no address.
    NoAddress,
    /// No server is known.
    NoServer,
    /// The name does not exist.
    NoSuchName,
    /// An ICMP error says that no program receives queries on the server's port.
    Refused(IpAddress),
    /// No server answered within the given time. The address belongs to the first server that was queried.
    Silent(IpAddress, Duration),
    /// The server's reply does not fit into a datagram. The command-line program first repeats the query over TCP, and
    /// reports this failure only if that query fails too.
    Truncated(IpAddress),
    /// No query could be sent to any server, because no host on the link answered ARP or NDP. The address belongs to
    /// the first server.
    Unreachable(IpAddress),
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResolveError::AliasLoop => f.write_str("its aliases form a loop, or there are more than 16 of them"),
            // RFC 1035 section 4.1.1 defines the codes: 2 is a server failure, and 5 a refusal.
            ResolveError::Failed(server, 2) => write!(f, "DNS server {server} has failed (SERVFAIL)"),
            ResolveError::Failed(server, 5) => write!(f, "DNS server {server} refuses to answer (REFUSED)"),
            ResolveError::Failed(server, code) => write!(f, "DNS server {server} answers with error {code}"),
            ResolveError::Malformed(server) => write!(f, "the reply of DNS server {server} cannot be read"),
            ResolveError::NoAddress => f.write_str("the name has no address"),
            ResolveError::NoServer => f.write_str("no DNS server: give --dns or --dhcp"),
            ResolveError::NoSuchName => f.write_str("no such name"),
            ResolveError::Refused(server) => write!(f, "connection refused by {server}: it is not a DNS server"),
            ResolveError::Silent(server, time) => {
                write!(f, "no answer from DNS server {server} within {} s", Seconds(*time))
            }
            ResolveError::Truncated(server) => {
                write!(f, "the reply of DNS server {server} is too long for UDP, and there is none over TCP")
            }
            ResolveError::Unreachable(server) => write!(f, "no host answers at {server}, the DNS server"),
        }
    }
}

impl core::error::Error for ResolveError {}

/// A duration, shown in seconds. Rust's own formatting of fractions would add kilobytes of code to a board's firmware.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    /// Writes the duration in seconds, with up to three digits after the point and without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `rest` is the fraction in milliseconds. Its digits follow, beginning with the tenths and without trailing
        // zeros.
        let (mut rest, mut unit) = (self.0.millis(), 100);
        write!(f, "{}", self.0.secs())?;
        if rest > 0 {
            f.write_str(".")?;
        }
        while rest > 0 {
            write!(f, "{}", rest / unit)?;
            (rest, unit) = (rest % unit, unit / 10);
        }
        Ok(())
    }
}
