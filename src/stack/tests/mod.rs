//! Tests of the poll loop: two stacks on a virtual clock.

mod accept;
#[cfg(feature = "recovery")]
mod acceptance;
mod bounds;
mod challenge;
mod closing;
#[cfg(feature = "fragments")]
mod extension_headers;
#[cfg(feature = "recovery")]
mod floods;
#[cfg(feature = "fragments")]
mod fragments;
#[cfg(feature = "recovery")]
mod handshakes;
mod icmp_errors;
mod isn;
mod link;
mod lossy;
mod neighbours;
mod pair;
mod path_mtu;
#[cfg(feature = "recovery")]
mod raw;
#[cfg(feature = "recovery")]
mod recovery;
mod recycle;
mod resolution;
#[cfg(feature = "recovery")]
mod rules;
mod slow;
mod time_wait;
mod udp;
