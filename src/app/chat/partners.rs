//! The partners of chat over UDP.

use core::net::SocketAddr;

use smoltcp::socket::udp::UdpMetadata;

/// The number of partners that the server remembers.
pub(super) const PARTNERS: usize = 16;

/// The partners who have sent a datagram and may be answered.
#[derive(Clone, Debug, Default)]
pub struct Partners {
    /// The partners in the order of their most recent datagrams. The partner who wrote most recently is at the end.
    list: heapless::Vec<Partner, PARTNERS>,
    /// How many partners have been given a number so far.
    pub(super) numbered: u32,
}

/// A partner, and the metadata for answers to this partner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Partner {
    pub number: u32,
    pub meta: UdpMetadata,
    /// Whether the partner's most recent datagram had a line ending.
    pub in_lines: bool,
}

impl Partners {
    /// Returns whether there are no partners.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the number and address of the partner who wrote most recently.
    pub(super) fn last(&self) -> Option<(u32, SocketAddr)> {
        self.list.last().map(|partner| (partner.number, partner.meta.endpoint.into()))
    }

    /// Records that the partner at `meta` has sent a datagram. `in_lines` says whether the datagram had a line ending.
    ///
    /// Returns the partner's number. Also returns the partner who was removed to make room for a new partner, if any.
    pub(super) fn record_datagram(&mut self, meta: UdpMetadata, in_lines: bool) -> (u32, Option<Partner>) {
        let known = self.list.iter().position(|partner| partner.meta.endpoint == meta.endpoint);
        let (number, gone) = match known {
            Some(at) => (self.list.remove(at).number, None),
            None => {
                self.numbered = self.numbered.wrapping_add(1);
                // The first partner in a full list has been silent longest, and is removed.
                (self.numbered, self.list.is_full().then(|| self.list.remove(0)))
            }
        };
        // The partner who wrote most recently is at the end of the list. There is room for the partner: the list was
        // not full, or another partner was removed.
        let _ = self.list.push(Partner { number, meta, in_lines });
        (number, gone)
    }

    /// Returns the partner with this number. Without a number, returns the partner who wrote most recently.
    pub(super) fn find(&self, number: Option<u32>) -> Option<Partner> {
        match number {
            None => self.list.last().copied(),
            Some(number) => self.list.iter().find(|partner| partner.number == number).copied(),
        }
    }

    /// Removes the partner with this number.
    pub(super) fn forget(&mut self, number: u32) {
        self.list.retain(|partner| partner.number != number);
    }
}
