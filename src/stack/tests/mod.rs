//! The poll loop, both ends in view, on a virtual clock.

mod accept;
mod bounds;
mod challenge;
mod closing;
mod neighbours;
mod pair;
mod recycle;
mod udp;
