//! Tests of the messages between neighbours: how the messages change the table and how they are answered.

mod arp;
mod groups;
mod ndp;

use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress};

use super::*;

const OWN: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);
const PEER: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 2]);
const OTHER: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 3]);
const NOW: Instant = Instant::from_micros_const(100_000_000);

/// Runs `test` on the link of a host that knows no neighbour.
fn on_link(test: impl FnOnce(&mut Link<'_>)) {
    let (mut entries, mut kept) = ([Neighbour::default(); 8], [0; 1000]);
    test(&mut Link::new(HardwareAddress::Ethernet(OWN), &mut entries, &mut kept, 100, 1).unwrap());
}

/// Returns the hardware address in a neighbour's entry, if known. The outer `None` means that there is no entry.
fn entry(link: &Link<'_>, address: impl Into<IpAddress>) -> Option<Option<EthernetAddress>> {
    link.neighbours.entry(&address.into())
}
