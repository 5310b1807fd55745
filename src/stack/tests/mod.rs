//! Tests of the poll loop: two stacks on a virtual clock.

mod accept;
mod bounds;
mod challenge;
mod closing;
mod icmp_errors;
mod isn;
mod neighbours;
mod pair;
mod recycle;
mod slow;
mod time_wait;
mod udp;
