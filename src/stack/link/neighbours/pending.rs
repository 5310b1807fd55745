//! The packets awaiting address resolution. The neighbours share the slots for these packets.

use smoltcp::wire::IpAddress;

use super::Neighbours;

/// The length of the prefix that stores each pending packet's length, in bytes.
pub(super) const PREFIX: usize = 2;

impl Neighbours<'_> {
    /// Returns whether a packet is waiting for the hardware address of the neighbour `address`.
    pub(in crate::stack::link) fn holds(&self, address: &IpAddress) -> bool {
        self.position(address).is_some_and(|index| self.entries[index].kept.0 < self.entries[index].kept.1)
    }

    /// Stores a packet until its neighbour answers. Returns false if the neighbour has no entry, or if the packet does
    /// not fit a slot.
    ///
    /// The packet is stored after the neighbour's earlier packets. If there is no room after them, the new packet
    /// replaces them.
    pub(in crate::stack::link) fn keep(&mut self, address: &IpAddress, packet: &[u8]) -> bool {
        let (Some(index), true) = (self.position(address), self.slots > 0) else { return false };
        // The neighbours share the slots. This neighbour's packets are at `from..to` in its slot.
        let (slot, size) = (index % self.slots, self.kept.len() / self.slots);
        let (from, to) = self.entries[index].kept;
        let need = PREFIX + packet.len();
        let Ok(len) = u16::try_from(packet.len()) else { return false };
        if need > size {
            return false;
        }
        let is_full = to as usize + need > size;
        // Other neighbours that share this slot lose their packets. If the slot is full, this neighbour loses its own
        // packets, too.
        for other in (slot..self.entries.len()).step_by(self.slots) {
            if other != index || is_full {
                self.lose(other);
            }
        }
        let (from, to) = if is_full { (0, 0) } else { (from, to as usize) };
        let Some(room) = self.kept.get_mut(slot * size + to..).and_then(|room| room.get_mut(..need)) else {
            return false;
        };
        let (prefix, bytes) = room.split_at_mut(PREFIX);
        prefix.copy_from_slice(&len.to_le_bytes());
        bytes.copy_from_slice(packet);
        self.entries[index].kept = (from, (to + need) as u32);
        true
    }

    /// Returns the first pending packet for the neighbour in entry `index`. Each packet follows a prefix that stores
    /// its length.
    pub(in crate::stack::link) fn first_kept(&self, index: usize) -> Option<&[u8]> {
        let (from, to) = self.entries.get(index)?.kept;
        let size = self.kept.len().checked_div(self.slots)?;
        let slot = self.kept.get((index % self.slots) * size..)?;
        let (prefix, rest) = slot.get(from as usize..to as usize)?.split_first_chunk::<PREFIX>()?;
        rest.get(..usize::from(u16::from_le_bytes(*prefix)))
    }

    /// Drops the first pending packet for the neighbour in entry `index`.
    pub(in crate::stack::link) fn drop_kept(&mut self, index: usize) {
        let len = self.first_kept(index).map_or(0, |packet| PREFIX + packet.len());
        self.entries[index].kept.0 += len as u32;
    }

    /// Drops all pending packets for the neighbour in entry `index`. On hosts, counts them for `take_lost`.
    pub(super) fn lose(&mut self, index: usize) {
        #[cfg(feature = "std")]
        while self.first_kept(index).is_some() {
            self.drop_kept(index);
            self.lost += 1;
        }
        self.entries[index].kept = (0, 0);
    }

    /// Returns how many packets were replaced by other packets since the previous call.
    #[cfg(feature = "std")]
    pub(in crate::stack::link) fn take_lost(&mut self) -> u32 {
        core::mem::take(&mut self.lost)
    }
}
