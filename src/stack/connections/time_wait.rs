//! Records of connections in TIME-WAIT whose slots were reused. A record can answer late segments (RFC 9293 section
//! 3.6.1).
//!
//! The records form a ring. When the ring is full, a new record replaces the oldest record. A hash table finds a record
//! by its endpoints. Each operation takes constant time, except on a board, which searches its few records linearly.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::TcpSeqNumber;

use crate::stack::buckets::{self, Bucket, Hashed, NONE};
use crate::stack::control::Segment;
use crate::stack::event::{DropReason, Tuple};
use crate::stack::half_sip::half_sip_of;

/// The shortest time between two answers for a record, in ticks of 131 ms. The time exceeds 500 ms, the interval
/// between challenge ACKs (RFC 5961 section 7).
const ANSWER_INTERVAL: u16 = 5;

/// The record of a connection in TIME-WAIT whose slot was reused.
#[derive(Clone, Copy, Debug)]
pub struct TimeWaitRecord {
    /// `None` if the record is empty.
    tuple: Option<Tuple>,
    /// The time at which the record most recently answered a segment, in ticks.
    answered: u16,
    /// SND.NXT.
    seq: TcpSeqNumber,
    /// RCV.NXT.
    ack: TcpSeqNumber,
    /// The time at which TIME-WAIT ends, in ticks.
    ends_at: u32,
    bucket: Bucket,
}

/// An empty record.
impl Default for TimeWaitRecord {
    fn default() -> Self {
        TimeWaitRecord {
            tuple: None,
            answered: 0,
            seq: TcpSeqNumber(0),
            ack: TcpSeqNumber(0),
            ends_at: 0,
            bucket: Bucket::EMPTY,
        }
    }
}

impl Hashed for TimeWaitRecord {
    fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    fn bucket_mut(&mut self) -> &mut Bucket {
        &mut self.bucket
    }
}

/// What to do with a segment that matches a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Late {
    /// Answer with an ACK that has this sequence number and this acknowledgement number.
    Answer(TcpSeqNumber, TcpSeqNumber),
    /// Drop the segment.
    Drop(DropReason),
    /// The segment is a SYN that can start a new connection. The value is the old connection's SND.NXT. The old
    /// connection's record stays until the new connection is established.
    Superseded(TcpSeqNumber),
}

/// The TIME-WAIT records of a stack.
pub(in crate::stack) struct TimeWaitRecords<'a, const HASHED: bool> {
    records: &'a mut [TimeWaitRecord],
    key: u64,
    /// The index of the record for the next connection.
    next: usize,
}

impl<'a, const HASHED: bool> TimeWaitRecords<'a, HASHED> {
    /// Creates a ring of empty records, at most 65,534.
    pub(super) fn new(records: &'a mut [TimeWaitRecord], key: u64) -> Self {
        // Every index must be less than `NONE`, which means "no record".
        let count = records.len().min(usize::from(NONE) - 1);
        TimeWaitRecords { records: &mut records[..count], key, next: 0 }
    }

    /// Empties all records.
    pub(super) fn clear(&mut self) {
        self.records.fill(TimeWaitRecord::default());
    }

    /// Adds a record of a connection whose TIME-WAIT ends at `until`. `numbers` are the connection's SND.NXT and
    /// RCV.NXT. Replaces the oldest record if the ring is full. The caller ensures that no record has the same
    /// endpoints.
    pub(super) fn add(&mut self, now: Instant, tuple: Tuple, numbers: (TcpSeqNumber, TcpSeqNumber), until: Instant) {
        let index = if self.next < self.records.len() { self.next } else { 0 };
        // Without memory for records, late segments of the connection find no record.
        if self.records.is_empty() {
            return;
        }
        self.next = index + 1;
        // If the ring is full, this is the oldest record.
        self.remove(index);
        let record = &mut self.records[index];
        record.tuple = Some(tuple);
        (record.seq, record.ack) = numbers;
        record.ends_at = end(until);
        // The record may answer the first late segment at once. Only differences of `answered` matter, so 16 bits are
        // enough.
        record.answered = (ticks(now) as u16).wrapping_sub(ANSWER_INTERVAL);
        if let Some(bucket) = self.bucket(&tuple) {
            buckets::insert(self.records, bucket, index);
        }
    }

    /// Returns whether a segment belongs to a connection in TIME-WAIT, and not to a newer connection between the same
    /// endpoints. Late segments of the old connection acknowledge its SND.NXT. The ISN of a newer connection is above
    /// that number.
    pub(in crate::stack) fn owns(&self, now: Instant, segment: &Segment) -> bool {
        segment.ack.is_some() && self.find(now, &segment.tuple).map(|index| self.records[index].seq) == segment.ack
    }

    /// Removes the record with these endpoints, because a new connection between these endpoints is established.
    pub(super) fn forget(&mut self, now: Instant, tuple: &Tuple) {
        if let Some(index) = self.find(now, tuple) {
            self.remove(index);
        }
    }

    /// Returns whether the ring contains a connection with these endpoints that is still in TIME-WAIT.
    pub(in crate::stack) fn holds(&self, now: Instant, tuple: &Tuple) -> bool {
        self.find(now, tuple).is_some()
    }

    /// Sets SND.NXT of a connection in TIME-WAIT.
    #[cfg(test)]
    pub(in crate::stack) fn set_last(&mut self, now: Instant, tuple: &Tuple, seq: TcpSeqNumber) {
        let index = self.find(now, tuple).expect("a record");
        self.records[index].seq = seq;
    }

    /// Returns the number of connections in TIME-WAIT.
    #[cfg(test)]
    pub(in crate::stack) fn count(&self, now: Instant) -> usize {
        let holds = |record: &&TimeWaitRecord| record.tuple.is_some_and(|tuple| self.holds(now, &tuple));
        self.records.iter().filter(holds).count()
    }

    /// Decides what to do with a segment whose connection has a TIME-WAIT record instead of a slot. Returns `None` if
    /// no record matches the segment.
    #[inline(never)]
    pub(in crate::stack) fn arrives(&mut self, now: Instant, time_wait: Duration, segment: &Segment) -> Option<Late> {
        // The function is never inlined, which saves 100 bytes of a board's flash.
        let index = self.find(now, &segment.tuple)?;
        let record = &mut self.records[index];
        // The same rule applies if the old connection still has its slot: see `is_superseded_by`.
        if segment.opens() && segment.seq > record.ack {
            return Some(Late::Superseded(record.seq));
        }
        // The reason to drop the segment if it is too early for another answer. An RST and a pure ACK are never
        // answered.
        let why = match () {
            // RFC 1337: an RST must not end TIME-WAIT.
            () if segment.rst => return Some(Late::Drop(DropReason::BadReset)),
            () if segment.syn => DropReason::BadSyn,
            () if segment.end() != segment.seq => DropReason::AfterFin,
            () => return Some(Late::Drop(DropReason::OldAck)),
        };
        // RFC 9293 section 3.10.7.4: a retransmitted FIN restarts TIME-WAIT.
        if segment.fin && segment.end() == record.ack {
            record.ends_at = end(now + time_wait);
        }
        // The record answers at most once in each `ANSWER_INTERVAL`.
        let tick = ticks(now) as u16;
        if tick.wrapping_sub(record.answered) < ANSWER_INTERVAL {
            return Some(Late::Drop(why));
        }
        record.answered = tick;
        Some(Late::Answer(record.seq, record.ack))
    }

    /// Returns the index of the record with these endpoints, if its TIME-WAIT has not ended.
    fn find(&self, now: Instant, tuple: &Tuple) -> Option<usize> {
        let now = ticks(now);
        // The sign of the difference is right even if the ticks have wrapped round.
        let is_same = |record: &TimeWaitRecord| {
            record.tuple.as_ref() == Some(tuple) && (record.ends_at.wrapping_sub(now) as i32) > 0
        };
        // Without a hash, all records are searched, as on boards.
        if !HASHED {
            return self.records.iter().position(is_same);
        }
        buckets::find(self.records, self.bucket(tuple)?, is_same)
    }

    /// Empties a record. The ring does not reuse the record before `next` reaches it.
    fn remove(&mut self, index: usize) {
        let Some(tuple) = self.records[index].tuple.take() else { return };
        if let Some(bucket) = self.bucket(&tuple) {
            buckets::remove(self.records, bucket, index);
        }
    }

    /// Returns the index of a tuple's bucket.
    fn bucket(&self, tuple: &Tuple) -> Option<usize> {
        if !HASHED {
            return None;
        }
        (half_sip_of::<1, 3>(self.key, tuple) as usize).checked_rem(self.records.len())
    }
}

/// Converts a time to ticks of 131 ms. A shift needs less of a board's flash than a division. 32 bits are enough for
/// years.
fn ticks(time: Instant) -> u32 {
    (time.total_micros() >> 17) as u32
}

/// Returns the first tick that begins after `time`.
fn end(time: Instant) -> u32 {
    ticks(time).wrapping_add(1)
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::vec::Vec;

    use smoltcp::wire::{IpEndpoint, Ipv4Address};

    use super::*;
    use crate::testing::random::Random;

    const ROOM: usize = 8;
    const TIME_WAIT: Duration = Duration::from_secs(60);

    /// A reference implementation without a ring and a hash table. This implementation removes a record after `ROOM`
    /// newer records.
    #[derive(Default)]
    struct Plain {
        records: Vec<(Tuple, TcpSeqNumber, u32, usize)>,
        count: usize,
    }

    impl Plain {
        fn position(&self, now: Instant, tuple: &Tuple) -> Option<usize> {
            self.records.iter().position(|(other, _, ends_at, _)| other == tuple && *ends_at > ticks(now))
        }

        /// Adds a record, and removes the record that the ring would replace.
        fn add(&mut self, tuple: Tuple, ack: TcpSeqNumber, until: Instant) {
            self.count += 1;
            let (count, last) = (self.count, self.count.saturating_sub(ROOM));
            self.records.retain(|(.., number)| *number > last);
            self.records.push((tuple, ack, end(until), count));
        }

        /// Returns whether a record handles the segment.
        fn arrives(&mut self, now: Instant, segment: &Segment) -> bool {
            let Some(index) = self.position(now, &segment.tuple) else { return false };
            let (_, ack, ends_at, _) = &mut self.records[index];
            if segment.syn && segment.seq > *ack {
                return false;
            }
            if segment.fin && segment.end() == *ack {
                *ends_at = end(now + TIME_WAIT);
            }
            true
        }
    }

    /// Applies the same random operations to the records and to the reference implementation.
    fn agrees<const HASHED: bool>(seed: u64) {
        let mut random = Random(seed);
        let mut memory = [TimeWaitRecord::default(); ROOM];
        let (mut records, mut plain) = (TimeWaitRecords::<HASHED>::new(&mut memory, 7), Plain::default());
        let tuples: [Tuple; 24] = core::array::from_fn(|number| Tuple {
            local: IpEndpoint::new(Ipv4Address::new(10, 0, 0, 1).into(), 7),
            remote: IpEndpoint::new(Ipv4Address::new(10, 0, 0, 2).into(), 1000 + number as u16),
        });
        let mut now = Instant::from_secs(1);
        for round in 0..20_000 {
            now += Duration::from_millis(random.below(3000) as u64);
            let (tuple, ack) = (tuples[random.below(24)], TcpSeqNumber(random.below(4) as i32));
            if random.one_in(3) {
                let until = now + Duration::from_millis(random.below(60_000) as u64);
                if !records.holds(now, &tuple) {
                    records.add(now, tuple, (ack, ack), until);
                    plain.add(tuple, ack, until);
                }
            } else if random.one_in(20) {
                records.forget(now, &tuple);
                plain.position(now, &tuple).map(|index| plain.records.remove(index));
            } else if random.one_in(500) {
                records.clear();
                plain.records.clear();
            } else {
                let (syn, fin) = (random.one_in(3), random.one_in(2));
                let fin = fin && !syn;
                let ack = (!syn).then_some(ack);
                let seq = TcpSeqNumber(random.below(5) as i32);
                let (header, data) = (0, 0);
                let segment = Segment { tuple, seq, ack, syn, fin, rst: false, window: 0, len: 0, header, data };
                let late = records.arrives(now, TIME_WAIT, &segment);
                let taken = !matches!(late, None | Some(Late::Superseded(_)));
                assert_eq!(taken, plain.arrives(now, &segment), "seed {seed}, round {round}");
            }
            for tuple in &tuples {
                let holds = plain.position(now, tuple).is_some();
                assert_eq!(records.holds(now, tuple), holds, "seed {seed}, round {round}: {tuple:?}");
            }
        }
    }

    /// Compares the records with the reference implementation, over many random operations.
    #[test]
    fn agrees_with_a_plain_list() {
        for seed in 1..=4 {
            agrees::<true>(seed);
            agrees::<false>(seed);
        }
    }
}
