//! Names: from a host's name to its addresses, in the order to try them in.
//!
//! A [`Resolver`] is a [`UdpSession`](crate::stack::UdpSession): bind it to any UDP port of a stack with
//! [`bind_unreported`](crate::stack::Stack::bind_unreported), poll, and look at its result. It
//! is a stub: it asks servers that do the searching (RFC 1034 section 5.3.1), over UDP alone.

mod addresses;
mod message;
mod name;
mod resolver;
mod rules;

#[cfg(all(test, feature = "std"))]
mod tests;

pub use addresses::Addresses;
pub use name::Name;
#[cfg(any(feature = "std", all(feature = "board", target_os = "none")))]
pub(crate) use resolver::SERVERS;
pub use resolver::{ResolveError, Resolver, WithResolver};
pub use rules::NameError;
