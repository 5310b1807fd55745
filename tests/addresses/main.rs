//! Addresses that come and go: by hand, from a DHCP server, from a router's advertisements; and those that somebody else has.

mod claims;
mod dhcp;
mod garbage;
#[allow(dead_code, reason = "shared with tests of frames, which use all of it")]
#[path = "../common/hostile/random.rs"]
mod random;
mod slaac;
mod world;
