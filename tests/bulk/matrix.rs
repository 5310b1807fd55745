//! Transfers of 64 MiB over all kinds of links.
//!
//! The tests combine TAP or TUN, offload, IPv4 or IPv6, several MTUs, and both directions.
//!
//! A further test transfers 1 GiB in each direction.

use smolstep::phy::linux::Kind;
use smolstep::stack::Congestion;

use crate::common::netns::in_namespace;
use crate::rig::{From, Transfer};

#[test]
fn transfers_over_a_tap_are_byte_exact() {
    in_namespace("matrix::transfers_over_a_tap_are_byte_exact", || every_way(Kind::Tap));
}

#[test]
fn transfers_over_a_tun_are_byte_exact() {
    in_namespace("matrix::transfers_over_a_tun_are_byte_exact", || every_way(Kind::Tun));
}

#[test]
fn a_gibibyte_each_way_is_byte_exact() {
    in_namespace("matrix::a_gibibyte_each_way_is_byte_exact", || {
        for from in [From::Stack, From::Kernel] {
            Transfer { from, bytes: 1 << 30, ..FIRST }.run(|_| ());
        }
    });
}

/// The most common transfer. The tests vary its fields.
pub const FIRST: Transfer = Transfer {
    kind: Kind::Tap,
    offload: true,
    family: 0,
    mtu: 1500,
    from: From::Stack,
    bytes: 64 << 20,
    congestion: Congestion::Reno,
};

/// Runs a transfer for each combination of offload, address family, MTU and direction.
fn every_way(kind: Kind) {
    for offload in [true, false] {
        for (family, mtus) in [(0, &[576, 1280, 1500, 9000][..]), (1, &[1280, 1500, 9000])] {
            for &mtu in mtus {
                for from in [From::Stack, From::Kernel] {
                    let transfer = Transfer { kind, offload, family, mtu, from, ..FIRST };
                    let mean = transfer.bytes / transfer.run(|_| ());
                    if offload && from == From::Stack {
                        assert!(mean > 16 << 10, "the mean frame length is only {mean} bytes");
                    }
                }
            }
        }
    }
}
