//! The network settings of the build: a board's addresses, and their announcement on the link.

use smoltcp::phy::{Device, TxToken};
use smoltcp::time::Instant;
#[cfg(feature = "ipv6")]
use smoltcp::wire::{EthernetFrame, EthernetProtocol, EthernetRepr};
use smoltcp::wire::{IpCidr, Ipv4Address};

use super::seed::seed;
use super::settings;
use crate::phy::HardwareAddress;
use crate::stack::{ARP_FRAME, Config, write_request};
#[cfg(feature = "dhcp")]
use crate::stack::{AddressEvent, Session, Stack, UdpSession};

/// Returns the stack's configuration: the build's addresses and whether to request further addresses.
///
/// With the feature `dhcp`, the stack does not use an address that another host on the link already uses. `entropy` is
/// [`Board::entropy`](super::Board::entropy). This function is not generic over the board, because it would then take
/// 420 bytes more flash.
pub fn config(entropy: fn() -> [u32; 2]) -> Config {
    let hardware = HardwareAddress::Ethernet(settings::HARDWARE);
    let mut config = Config::new(hardware, seed(entropy), settings::ADDRESSES);
    // The build has checked that there is at most one gateway of each family.
    for router in settings::GATEWAYS {
        let _ = config.gateways.push(*router);
    }
    #[cfg(feature = "dhcp")]
    {
        config.claim = true;
        config.dhcp = settings::DHCP;
    }
    #[cfg(feature = "slaac")]
    {
        config.slaac = settings::SLAAC;
    }
    config
}

/// Announces the board's addresses on the link (RFC 5227 section 3, RFC 4861 section 7.2.6).
///
/// A peer might have asked for the board's hardware address before the board started. Without an announcement, that
/// peer would wait a second or more before it asks again. With the feature `dhcp` this function does nothing, because
/// the stack announces the addresses.
pub fn announce<D: Device>(device: &mut D, now: Instant) {
    if cfg!(feature = "dhcp") {
        return;
    }
    each_address(|address| {
        // Without room for a frame, the address is not announced.
        let Some(token) = device.transmit(now) else { return };
        match address {
            IpCidr::Ipv4(address) => announce_by_arp(address.address(), token),
            #[cfg(feature = "ipv6")]
            IpCidr::Ipv6(address) => announce_to_neighbours(address.address(), token),
        }
    });
}

/// Calls `each` with each address of the build.
pub(super) fn each_address(mut each: impl FnMut(&IpCidr)) {
    match settings::ADDRESSES {
        // Most builds have one address. These builds need no loop, which would take more flash.
        [one] => each(one),
        all => all.iter().for_each(each),
    }
}

/// Sends an ARP announcement: a request whose sender and target are the same address.
fn announce_by_arp(address: Ipv4Address, token: impl TxToken) {
    token.consume(ARP_FRAME, |frame| write_request(frame, settings::HARDWARE, address, address));
}

/// Sends an unsolicited neighbour advertisement to all nodes.
#[cfg(feature = "ipv6")]
fn announce_to_neighbours(address: smoltcp::wire::Ipv6Address, token: impl TxToken) {
    use crate::stack::ndisc::{ADVERT, ALL_NODES, emit_advert, group_hardware};

    let ethernet = EthernetRepr {
        src_addr: settings::HARDWARE,
        dst_addr: group_hardware(ALL_NODES),
        ethertype: EthernetProtocol::Ipv6,
    };
    token.consume(ethernet.buffer_len() + ADVERT, |bytes| {
        let mut frame = EthernetFrame::new_unchecked(bytes);
        ethernet.emit(&mut frame);
        emit_advert(address, settings::HARDWARE, frame.payload_mut());
    });
}

/// Logs which of the board's static addresses another host already uses. The stack does not use such an address.
///
/// The field is the most recently logged address.
#[cfg(feature = "dhcp")]
#[derive(Default)]
pub(super) struct Taken(Option<smoltcp::wire::IpAddress>);

#[cfg(feature = "dhcp")]
impl Taken {
    /// Logs the address that the stack reports as taken, unless it was already logged.
    pub(super) fn report<S: Session + Clone, U: UdpSession>(&mut self, stack: &Stack<'_, S, U>) {
        if let Some((address, by)) = stack.taken()
            // `replace` stores this address, and returns the address that was logged before.
            && self.0.replace(address) != Some(address)
        {
            log::error!("{}; build it with another SMOLSTEP_IP", AddressEvent::Taken { address, by });
        }
    }
}
