//! ICMP errors about packets that this host sent (RFC 792, RFC 1191, RFC 4443 section 3).
//!
//! quote.rs parses the errors. ingress/icmp.rs finds the connection, UDP port or ping that sent the quoted packet.

#[cfg(any(feature = "ping", feature = "recovery"))]
mod quote;

#[cfg(any(feature = "ping", feature = "recovery"))]
pub(super) use quote::{Quote, read};

use core::fmt;

use smoltcp::wire::IpAddress;

/// An ICMP error, which reports that a packet was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct IcmpError {
    /// The sender of the report: a router, or the destination host.
    pub from: IpAddress,
    /// The reason.
    pub why: Refusal,
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, says {}", self.why, self.from)
    }
}

/// Why a packet was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing serves the destination's port or protocol. The text is `port` or `protocol`. Another attempt would also
    /// fail.
    Closed(&'static str),
    /// A header of the packet is not valid, or not supported.
    ParameterProblem,
    /// The packet exceeded its hop limit, or its fragments did not all arrive in time.
    TimeExceeded,
    /// The packet is longer than the next link's MTU. The value is this MTU in bytes, or 0 if it is not reported.
    TooBig(u32),
    /// The destination is unreachable. The text is the unreachable part (such as `host`) or the reason, if the code is
    /// known.
    Unreachable(Option<&'static str>),
}

impl Refusal {
    /// Returns whether this error ends a connection attempt. Such an error is a hard error of RFC 1122 section 4.2.3.9.
    pub fn is_final(&self) -> bool {
        matches!(self, Refusal::Closed(_))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::ParameterProblem => f.write_str("parameter problem"),
            Refusal::TimeExceeded => f.write_str("time exceeded"),
            Refusal::TooBig(0) => f.write_str("packet too big"),
            Refusal::TooBig(mtu) => write!(f, "packet too big (MTU {mtu})"),
            Refusal::Unreachable(None) => f.write_str("destination unreachable"),
            Refusal::Closed(what) | Refusal::Unreachable(Some(what)) => write!(f, "destination unreachable ({what})"),
        }
    }
}
