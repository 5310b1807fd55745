//! ICMP errors about packets that this host sent (RFC 792, RFC 1191, RFC 4443 section 3).
//!
//! quote.rs reads them. ingress/icmp.rs finds whose packet an error quotes.

#[cfg(any(feature = "ping", feature = "recovery"))]
mod quote;

#[cfg(any(feature = "ping", feature = "recovery"))]
pub(super) use quote::{Quote, read};

use core::fmt;

use smoltcp::wire::IpAddress;

/// An ICMP error: the report that a packet was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// The sender of the report: a router, or the host itself.
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
#[non_exhaustive]
pub enum Refusal {
    /// The destination has no such port, or no such protocol; the text says which of the two. No other attempt will succeed.
    Closed(&'static str),
    /// A header of the packet is not valid, or not supported.
    ParameterProblem,
    /// The packet passed too many routers, or its fragments took too long.
    TimeExceeded,
    /// The packet is longer than the next link's MTU, which is given in bytes, or is 0 if not reported.
    TooBig(u32),
    /// The destination is unreachable. Names the unreachable part, such as the host, if the code is known.
    Unreachable(Option<&'static str>),
}

impl Refusal {
    /// Whether it ends an attempt to connect: a hard error of RFC 1122 section 4.2.3.9.
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
