//! Adapts a connection to its path MTU. paths.rs stores the path MTUs.
//!
//! smoltcp's segments keep the size that the handshake agreed on. A segment that is too long for the path is cut before
//! it is sent. If the device has segmentation offload for the IP version, the device cuts the segment. Otherwise, the
//! fragmenter cuts the segment, and the stack opens smoltcp's window for only one segment at a time, so that long
//! segments are rare.

use core::num::NonZeroU16;

use smoltcp::time::Instant;
use smoltcp::wire::IpAddress;

use super::connect::mss;
use crate::stack::fragmenter::Fragmenter;
use crate::stack::icmp_errors::{Quote, Refusal};
use crate::stack::ingress::Out;
use crate::stack::{Session, Stack, UdpSession, paths};

/// The largest length of an IPv4 header and a TCP header together, in bytes.
const HEADERS: usize = 60 + 60;

/// How to cut a connection's segments that are too long for its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The device cuts the segments into pieces of at most this many payload bytes.
    Device(NonZeroU16),
    /// The fragmenter cuts the segments into packets of at most this length, in bytes.
    Fragmenter(usize),
    /// No segment is too long.
    Nothing,
}

impl Cut {
    /// Returns whether a segment might need the fragmenter's buffer.
    pub(super) fn needs_fragmenter(self) -> bool {
        matches!(self, Cut::Fragmenter(_))
    }

    /// Tells `out`, through which segments reach the device, how to cut the segment that is about to be sent.
    pub(super) fn prepare<'o, P>(self, out: &mut Out<'o, P>, fragmenter: &'o mut Fragmenter<'_>) {
        match self {
            Cut::Device(size) => out.cut = Some(size),
            Cut::Fragmenter(limit) => out.long = fragmenter.lend_for(limit),
            Cut::Nothing => {}
        }
    }
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Sets a connection's largest segment from its path MTU. smoltcp can still create a longer segment. Returns how to
    /// cut such a segment.
    ///
    /// After a retransmission timeout, this function first checks whether the path is a black hole, which drops long
    /// packets silently. If so, the function stores a smaller path MTU.
    pub(super) fn follow_path(&mut self, now: Instant, index: usize) -> Cut {
        let block = &mut self.connections.slots[index].control;
        // Usually nothing limits the path, so segments can be as long as the handshake allows.
        if self.paths.is_empty() && !block.suspects_path() {
            block.set_path_mss(usize::MAX);
            block.send_singly(false);
            return Cut::Nothing;
        }
        let Some(tuple) = self.connections.tuple(index) else { return Cut::Nothing };
        let (local, remote) = (tuple.local.addr, tuple.remote.addr);
        let slot = &mut self.connections.slots[index];
        // `len` is the number of payload bytes in the segment whose retransmission timer has expired.
        if let Some(len) = slot.control.take_expired() {
            let heard_at = slot.control.heard_at();
            // Whether an ICMP error that arrived during the silence names another cause than the length.
            let is_named =
                slot.icmp_error.is_some_and(|(error, at)| at >= heard_at && !matches!(error.why, Refusal::TooBig(_)));
            // If an ICMP error or an unknown hardware address explains the silence, the path MTU is not the cause.
            let explained = slot.unresolved || is_named;
            if let Some(smaller) = self.paths.below(&remote, len + headers(local)).filter(|_| !explained)
                && let Some(mtu) = slot.control.judge_loss(smaller)
            {
                self.paths.learn(now, remote, mtu);
            }
        }
        let known = self.paths.find(now, &remote);
        let block = &mut self.connections.slots[index].control;
        let known = [known, block.tried_mtu()].into_iter().flatten().min();
        let Some(mtu) = known.filter(|&mtu| mtu < self.mtu) else {
            // No known limit is smaller than the link's MTU, so segments can be as long as the handshake allows.
            block.set_path_mss(usize::MAX);
            block.send_singly(false);
            return Cut::Nothing;
        };
        let size = mss(mtu, local);
        block.set_path_mss(size);
        let by_device = self.paths.by_device(&remote);
        // The fragmenter has room for one long segment, so smoltcp must create one segment at a time.
        block.send_singly(!by_device);
        match NonZeroU16::new(size.try_into().unwrap_or(u16::MAX)) {
            Some(size) if by_device => Cut::Device(size),
            _ => Cut::Fragmenter(mtu),
        }
    }

    /// Processes an ICMP error that reports a segment as too long. Stores the path MTU and retransmits the data.
    /// Returns false if the error is not valid or does not match a segment in flight.
    pub(in crate::stack) fn segment_too_long(&mut self, now: Instant, index: usize, quote: &Quote) -> bool {
        let Refusal::TooBig(mtu) = quote.error.why else { return false };
        let (local, remote) = (quote.source, quote.destination);
        let block = &mut self.connections.slots[index].control;
        // A forged error might quote a longer packet than was sent.
        let fits = block.in_flight_from(quote.seq()).is_some_and(|bytes| quote.len <= HEADERS + bytes);
        let Some(mtu) = paths::reported(&remote, mtu, quote.len).filter(|_| fits) else { return false };
        self.paths.learn(now, remote, mtu);
        let mtu = self.paths.find(now, &remote).unwrap_or(mtu);
        if block.set_path_mss(mss(mtu, local)) {
            block.send_again();
            self.connections.enqueue(index);
        }
        true
    }
}

/// Returns the length of the IP and TCP headers without options, in bytes.
fn headers(address: IpAddress) -> usize {
    match address {
        IpAddress::Ipv4(_) => 40,
        IpAddress::Ipv6(_) => 60,
    }
}
