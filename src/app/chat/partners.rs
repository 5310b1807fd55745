//! The partners of chat over UDP.

use core::net::SocketAddr;

use smoltcp::socket::udp::UdpMetadata;

/// The number of partners that are remembered.
pub(super) const PARTNERS: usize = 16;

/// The partners who have written and may be answered.
#[derive(Clone, Debug, Default)]
pub struct Partners {
    /// The partners in the order of their last datagrams. The partner who wrote last is at the end.
    list: heapless::Vec<Partner, PARTNERS>,
    pub(super) numbered: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Partner {
    pub number: u32,
    pub meta: UdpMetadata,
    /// Whether the partner's last datagram had a line end.
    pub in_lines: bool,
}

impl Partners {
    /// Returns whether there are no partners.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the number and address of the partner who wrote last.
    pub(super) fn last(&self) -> Option<(u32, SocketAddr)> {
        self.list.last().map(|partner| (partner.number, partner.meta.endpoint.into()))
    }

    /// Records a datagram of a partner. Returns the partner's number, and the partner that was removed to make room, if any.
    pub(super) fn wrote(&mut self, meta: UdpMetadata, in_lines: bool) -> (u32, Option<Partner>) {
        let known = self.list.iter().position(|partner| partner.meta.endpoint == meta.endpoint);
        let (number, gone) = match known {
            Some(at) => (self.list.remove(at).number, None),
            None => {
                self.numbered = self.numbered.wrapping_add(1);
                (self.numbered, self.list.is_full().then(|| self.list.remove(0)))
            }
        };
        // The list has room: it was not full, or a partner was removed.
        let _ = self.list.push(Partner { number, meta, in_lines });
        (number, gone)
    }

    pub(super) fn find(&self, number: Option<u32>) -> Option<Partner> {
        match number {
            None => self.list.last().copied(),
            Some(number) => self.list.iter().find(|partner| partner.number == number).copied(),
        }
    }

    pub(super) fn forget(&mut self, number: u32) {
        self.list.retain(|partner| partner.number != number);
    }
}
