//! The lab's cable or hub: the frames in flight, their arrival times, and the faults. wire/port.rs connects the hosts.

mod alter;
mod line;
mod port;
mod put;

pub use line::Line;
pub use port::Port;

use smoltcp::time::{Duration, Instant};

use super::fault::{Faults, Verdict};
use super::{MAX_HOSTS, WIRE, router};
use crate::phy::ETHERNET;
use crate::trace::{Carries, Summary};

/// The longest frame, in bytes, as on Ethernet.
pub const MAX_FRAME: usize = 1514;

/// The default maximum number of frames in flight.
///
/// If the wire is full, hosts cannot send. Frames still arrive, but the answer to an arriving frame is lost if there is
/// no room for it. If a frame arrived only when there was room for an answer, a full wire would stay full.
pub const IN_FLIGHT: usize = 64;

/// A frame that a host has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The frame's number. Frames are numbered from 1 as they are sent.
    pub id: u32,
    /// The host that sent the frame.
    pub host: usize,
    /// The frame's headers.
    pub summary: Summary,
    /// What happens to the frame.
    pub verdict: Verdict,
    /// The frame's length in bytes, including the Ethernet header.
    pub len: usize,
}

/// A copy of a frame on its way to one host.
#[derive(Clone)]
struct InFlight {
    frame: [u8; MAX_FRAME],
    len: usize,
    id: u32,
    from: usize,
    to: usize,
    at: Instant,
    /// The time at which the sender has transmitted the frame.
    transmitted: Instant,
    /// Of the frames with the same arrival time, the frame with the lowest `order` arrives first.
    order: u32,
    /// Whether the sender's next frame overtakes this frame.
    yields: bool,
    damaged: bool,
}

const MICROS_PER_SECOND: u64 = 1_000_000;

/// The longest time for which a reordered frame waits for the sender's next frame.
const YIELD: Duration = Duration::from_millis(200);

/// The maximum number of frames that one step of a stack can send. A step sends one frame for a connection, or one
/// frame for each UDP port. By default, the wire keeps copies of this many sent frames.
pub const SENT_IN_STEP: usize = 16;

/// A frame that a host has received.
pub(super) struct Received {
    pub(super) id: u32,
    pub(super) summary: Summary,
    /// Whether a fault inverted one bit of the frame.
    pub(super) damaged: bool,
    /// Whether the frame comes from the wire, and not from a host.
    pub(super) injected: bool,
}

/// Stores the bytes of a sent frame.
struct Bytes {
    id: u32,
    frame: [u8; MAX_FRAME],
    len: usize,
}

/// The wire: at most `FRAMES` frames in flight between hosts, and copies of the last `KEPT` frames sent.
///
/// Each frame and each copy takes about 1,560 bytes.
pub struct Wire<const FRAMES: usize = IN_FLIGHT, const KEPT: usize = SENT_IN_STEP> {
    slots: [Option<InFlight>; FRAMES],
    pub(super) faults: Faults,
    pub(super) line: Line,
    hosts: usize,
    order: u32,
    count: u32,
    /// For each host, the time at which its transmitter is free again.
    busy: [Instant; MAX_HOSTS],
    /// The frames sent since the lab last took this list.
    pub(super) newly_sent: heapless::Vec<Sent, SENT_IN_STEP>,
    /// The last received frame.
    last: ([u8; MAX_FRAME], usize),
    /// The hosts that are unplugged.
    cut: [bool; MAX_HOSTS],
    /// The received frame, until the lab takes it.
    pub(super) received: Option<Received>,
    /// Copies of the last frames sent, unchanged by faults. A frame's index is its number modulo `KEPT`.
    sent: [Bytes; KEPT],
    random: Random,
}

impl<const FRAMES: usize, const KEPT: usize> Wire<FRAMES, KEPT> {
    /// Makes an empty wire between `hosts` hosts. `seed` determines the random losses and delays.
    pub fn new(hosts: usize, line: Line, faults: Faults, seed: u64) -> Self {
        // Between two hosts, a frame and its duplicate need two places: see `has_room`.
        const { assert!(FRAMES >= 2 && KEPT >= 1) };
        Wire {
            slots: [const { None }; FRAMES],
            faults,
            line,
            hosts,
            order: 0,
            count: 0,
            busy: [Instant::ZERO; MAX_HOSTS],
            newly_sent: heapless::Vec::new(),
            received: None,
            last: ([0; MAX_FRAME], 0),
            cut: [false; MAX_HOSTS],
            sent: [const { Bytes { id: 0, frame: [0; MAX_FRAME], len: 0 } }; KEPT],
            random: Random::new(seed),
        }
    }

    /// Returns the faults, with their counts.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the time at which the next frame arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.slots.iter().flatten().map(|slot| slot.at).min()
    }

    /// Returns the frames in flight: number, sender, receiver, arrival time, and bytes.
    pub fn in_flight(&self) -> impl Iterator<Item = (u32, usize, usize, Instant, &[u8])> {
        self.slots.iter().flatten().map(|p| (p.id, p.from, p.to, p.at, p.frame.get(..p.len).unwrap_or_default()))
    }

    /// Returns the bytes of the last received frame, as they arrived.
    pub fn last_received(&self) -> &[u8] {
        self.last.0.get(..self.last.1).unwrap_or_default()
    }

    /// Unplugs a host for the rest of the run. Every frame to or from this host is lost, even frames in flight.
    pub(super) fn cut(&mut self, host: usize) {
        self.cut[host] = true;
        for slot in self.slots.iter_mut() {
            if slot.as_ref().is_some_and(|p| p.from == host || p.to == host) {
                *slot = None;
            }
        }
    }

    /// Returns the bytes of a frame as it was sent, if it is one of the last `KEPT` frames.
    ///
    /// The default `KEPT` covers every frame that one step can send.
    pub fn sent(&self, id: u32) -> Option<&[u8]> {
        let copy = self.sent.get(id as usize % KEPT)?;
        if copy.id == id { copy.frame.get(..copy.len) } else { None }
    }

    /// Sends a forged frame, as if host `from` had sent it. Returns whether the frame was accepted.
    ///
    /// Faults and losses apply as to other frames. A frame is not accepted if the wire or the list of newly sent frames
    /// is full, if there is no host `from`, or if the frame is longer than [`MAX_FRAME`] bytes.
    #[cfg(feature = "alloc")]
    pub(super) fn inject(&mut self, now: Instant, from: usize, bytes: &[u8]) -> bool {
        let mut frame = [0; MAX_FRAME];
        let Some(target) = frame.get_mut(..bytes.len()) else { return false };
        if from >= self.hosts || !self.has_room() || !self.can_report() {
            return false;
        }
        target.copy_from_slice(bytes);
        self.send(now, from, &frame, bytes.len());
        true
    }

    /// Returns whether there is room for a frame and its duplicate to every host except the sender.
    fn has_room(&self) -> bool {
        self.slots.iter().filter(|slot| slot.is_none()).count() >= 2 * (self.hosts - 1)
    }

    /// Returns whether one more frame can be reported to the lab.
    fn can_report(&self) -> bool {
        // The router can answer the frame, and the answer is reported as well.
        self.newly_sent.len() + usize::from(self.line.router_mtu.is_some()) < self.newly_sent.capacity()
    }

    /// Returns whether a host's transmit queue is full. A queue without a limit is never full.
    fn is_queue_full(&self, now: Instant, from: usize) -> bool {
        let Some(room) = self.line.queue else { return false };
        let waits = |slot: &&InFlight| slot.from == from && slot.transmitted > now;
        // A frame has a copy for each receiver, and more copies if it is duplicated. Only its first copy is counted.
        let first = |slot: &&InFlight| {
            let same = self.slots.iter().flatten().find(|other| other.id == slot.id);
            same.is_some_and(|same| same.order == slot.order)
        };
        // The oldest of these frames is being transmitted, so it is not in the queue. The others fill the queue if
        // there are `room` of them, or more.
        self.slots.iter().flatten().filter(waits).filter(first).count() > room
    }

    /// Numbers a frame, reports it to the lab, and keeps a copy for [`sent`](Self::sent). After the call, `self.count`
    /// is the frame's number.
    fn report(&mut self, host: usize, frame: &[u8; MAX_FRAME], len: usize, summary: Summary, verdict: Verdict) {
        self.count += 1;
        // A host's frames always fit: the device checked for room before it returned the token.
        let _ = self.newly_sent.push(Sent { id: self.count, host, summary, verdict, len });
        if let (Some(copy), Some(bytes)) = (self.sent.get_mut(self.count as usize % KEPT), frame.get(..len)) {
            copy.frame[..len].copy_from_slice(bytes);
            (copy.id, copy.len) = (self.count, len);
        }
    }

    /// Decides what happens to a frame that a host sends, reports the frame, and puts its copies on the wire.
    fn send(&mut self, now: Instant, from: usize, frame: &[u8; MAX_FRAME], len: usize) {
        let bytes = frame.get(..len).unwrap_or_default();
        let summary = Summary::of(bytes, ETHERNET);
        let mut verdict = self.faults.verdict(from, &summary);
        // If the sender or every receiver is unplugged, the frame is lost.
        if self.cut[from] || (0..self.hosts).all(|to| to == from || self.cut[to]) {
            verdict = Verdict::Lost;
        }
        // This number is drawn even if a fault applies, so that a fault does not change which other frames are lost.
        let is_lost = self.random.below(1_000_000) < u64::from(self.line.loss);
        if verdict == Verdict::Deliver && is_lost {
            verdict = Verdict::Lost;
        }
        // Only an answer to a received frame can find the wire full.
        if verdict != Verdict::Drop && !self.has_room() {
            verdict = Verdict::Lost;
        }
        let mtu = self.line.router_mtu.filter(|&mtu| router::is_too_long(bytes, mtu));
        if !verdict.is_lost() {
            if self.is_queue_full(now, from) {
                verdict = Verdict::QueueFull;
            } else if mtu.is_some() {
                verdict = Verdict::TooLong;
            }
        }
        self.report(from, frame, len, summary, verdict);
        // A frame that finds the queue full takes no time of the transmitter. Other lost frames are transmitted.
        if verdict == Verdict::QueueFull {
            return;
        }
        // Keep the number, because an answer of the router takes the next one.
        let id = self.count;
        let (transmitted, at) = self.arrival(now, from, len);
        let (at, copies) = match verdict {
            Verdict::TooLong => {
                if let Some(error) =
                    mtu.filter(|_| !self.line.black_hole).and_then(|mtu| router::too_long_error(bytes, mtu))
                {
                    self.put(transmitted, from, &error);
                }
                return;
            }
            Verdict::Drop | Verdict::Lost | Verdict::QueueFull => return,
            Verdict::Delay(time) => (at + time, 1),
            Verdict::Duplicate => (at, 2),
            Verdict::Reorder => (at + YIELD, 1),
            Verdict::Corrupt | Verdict::Deliver => (at, 1),
        };
        let mut frame = *frame;
        let damaged = verdict == Verdict::Corrupt;
        if damaged {
            alter::damage(&mut frame, len);
        }
        if summary.carries == Carries::ArpRequest
            && let Some(reply) = router::arp_reply(bytes)
        {
            self.put(transmitted, from, &reply);
        }
        for to in (0..self.hosts).filter(|&to| to != from) {
            if self.cut[to] || router::is_for_router(bytes) {
                continue;
            }
            for _ in 0..copies {
                self.order += 1;
                let yields = verdict == Verdict::Reorder;
                let slot = InFlight { frame, len, id, from, to, at, transmitted, order: self.order, yields, damaged };
                if let Some(free) = self.slots.iter_mut().find(|slot| slot.is_none()) {
                    *free = Some(slot);
                }
            }
            // Reordered frames of the same sender were waiting for this frame, and arrive directly after it.
            for waiting in self.slots.iter_mut().flatten().filter(|p| p.yields && p.from == from && p.id != id) {
                self.order += 1;
                (waiting.yields, waiting.at, waiting.order) = (false, at, self.order);
            }
        }
    }

    /// Returns the time at which a frame of `len` bytes has been transmitted, and the time at which it arrives.
    ///
    /// Host `from` transmits its earlier frames first. Its transmitter is busy until the frame has been transmitted.
    fn arrival(&mut self, now: Instant, from: usize, len: usize) -> (Instant, Instant) {
        let Line { latency, jitter, rate, .. } = self.line;
        let transmission = match rate {
            None => Duration::ZERO,
            Some(bits_per_second) => {
                let bits = len as u64 * 8;
                Duration::from_micros((bits * MICROS_PER_SECOND).div_ceil(bits_per_second.max(1)))
            }
        };
        let free_at = self.busy[from].max(now) + transmission;
        self.busy[from] = free_at;
        // `below` excludes its limit, but the jitter includes its largest value.
        let jitter = self.random.below(jitter.total_micros().saturating_add(1));
        (free_at, free_at + latency + Duration::from_micros(jitter))
    }

    /// Removes and returns the earliest of the frames that have arrived at host `to` by the time `now`.
    fn take(&mut self, now: Instant, to: usize) -> Option<InFlight> {
        let due = |slot: &InFlight| slot.to == to && slot.at <= now;
        let index = (0..FRAMES)
            .filter(|&i| self.slots[i].as_ref().is_some_and(due))
            .min_by_key(|&i| self.slots[i].as_ref().map(|slot| (slot.at, slot.order)))?;
        self.slots[index].take()
    }
}

/// A random number generator with a seed (splitmix64; Steele, Lea and Flood 2014).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// Returns the next random number of splitmix64, and advances the state.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Returns a number below `limit`, or 0 if `limit` is 0.
    fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }
}
