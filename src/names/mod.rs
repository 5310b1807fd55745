//! From a host's name to a connection: the resolver and the dialler.
//!
//! A [`Resolver`] is a [`UdpSession`](crate::stack::UdpSession): bind it to any UDP port of a stack, poll the stack, and take
//! the resolver's result. The resolver is a stub: its servers do the searching (RFC 1034 section 5.3.1). The resolver uses
//! only UDP. The command line also asks over TCP if a reply is truncated.
//!
//! A [`Dialler`] chooses which address to connect to, and when. The host and the boards take the steps that it asks for.

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
