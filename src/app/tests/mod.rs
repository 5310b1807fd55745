//! Tests the programs with real smoltcp sockets: two interfaces, a link in memory and a virtual clock.

mod chat;
mod clients;
mod datagram_chat;
mod endings;
mod forwarding;
mod http;
mod messages_chat;
mod random;
pub mod rig;
mod room;
mod servers;
mod side;
mod silent_neighbour;
mod stacks;
mod udp;
