//! Connecting to a host by its name: the resolver and the dialler.
//!
//! A [`Resolver`] is a [`UdpSession`](crate::stack::UdpSession): bind the resolver to any UDP port of a stack, poll the
//! stack, and take the resolver's result. The resolver is a stub resolver: the DNS servers do the recursion (RFC 1034
//! section 5.3.1). The resolver itself uses only UDP. If a reply is truncated, the command-line program repeats the
//! query over TCP.
//!
//! A [`Dialler`] chooses which address to connect to, and when. The host program and the boards carry out the steps
//! that the dialler requests.

mod addresses;
mod dialler;
mod failure;
mod message;
mod resolver;
mod rules;
#[cfg(feature = "cli")]
mod tcp_query;
mod with_resolver;

#[cfg(all(test, feature = "std"))]
mod tests;

pub use addresses::Addresses;
#[doc(hidden)]
pub use dialler::{DialError, DialStep, Dialler};
pub use failure::ResolveError;
pub use message::Name;
pub use resolver::Resolver;
#[cfg(any(feature = "cli", all(feature = "board", target_os = "none")))]
pub(crate) use resolver::SERVERS;
pub use rules::NameError;
#[cfg(feature = "cli")]
pub(crate) use tcp_query::TcpQuery;
#[doc(hidden)]
pub use with_resolver::WithResolver;
