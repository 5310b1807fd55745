//! Addresses that come and go: by hand, from a DHCP server, from a router's advertisements; and those that somebody else has.

mod claims;
mod dhcp;
mod slaac;
#[path = "../common/world/mod.rs"]
mod world;
