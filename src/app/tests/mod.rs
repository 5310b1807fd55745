//! Programs against real smoltcp sockets: two interfaces, a link in memory and a virtual clock.

mod clients;
mod endings;
mod http;
mod link;
mod random;
pub mod rig;
mod servers;
mod stacks;
mod udp;
