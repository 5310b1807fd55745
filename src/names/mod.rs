//! From a host's name to a connection: the resolver and the dialler.
//!
//! A [`Resolver`] is a [`UdpSession`](crate::stack::UdpSession): bind it to any UDP port of a stack, poll the stack, and take
//! the resolver's result. The resolver is a stub: its servers do the searching (RFC 1034 section 5.3.1). The resolver uses
//! only UDP.
//!
//! A [`Dialler`] chooses which address to connect to, and when. The host and the boards take the steps that it asks for.

mod addresses;
mod dialler;
mod message;
mod resolver;
mod rules;

#[cfg(all(test, feature = "std"))]
mod tests;

pub use addresses::Addresses;
#[doc(hidden)]
pub use dialler::{DialError, DialStep, Dialler};
pub use message::Name;
#[cfg(any(feature = "cli", all(feature = "board", target_os = "none")))]
pub(crate) use resolver::SERVERS;
#[doc(hidden)]
pub use resolver::WithResolver;
pub use resolver::{ResolveError, Resolver};
pub use rules::NameError;
