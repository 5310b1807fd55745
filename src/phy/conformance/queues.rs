//! The conformance rules that send and receive many frames in a row.

use smoltcp::phy::{Device, TxToken};

use super::Peer;
use super::bench::{Bench, SMALL, expect};
use super::report::Fault;

impl<D: Device, P: Peer<D>> Bench<'_, D, P> {
    /// Checks [`Rule::Exhaustion`](super::Rule::Exhaustion) with short frames, then with the longest frames: a device
    /// with a full queue returns no token and loses no frame.
    ///
    /// The report contains the result for short frames. If the device accepts a whole burst, `transmit_queue` is
    /// `None`.
    pub fn exhaustion(&mut self) -> Result<(), Fault> {
        for len in [SMALL, self.report.mtu] {
            let count = self.exhaust(len)?;
            if len == SMALL {
                self.report.transmit_queue = (count < self.peer.burst()).then_some(count);
            }
        }
        Ok(())
    }

    /// Sends frames of `len` bytes until the device returns no token, but at most one burst. Returns the number of
    /// frames sent.
    ///
    /// Then checks that each of these frames arrives, and that the device can send again.
    fn exhaust(&mut self, len: usize) -> Result<usize, Fault> {
        let burst = self.peer.burst();
        let first = self.must_send(len)?;
        let mut count = 1;
        while count < burst && self.send(len)?.is_some() {
            count += 1;
        }
        // If the device has returned no token, its queue is full, and the peer sends the device one more frame. A
        // device that keeps a slot for a reply receives this frame, and the test replies. In any other device, the
        // frame waits.
        let (mut answer, mut held) = (None, None);
        if count < burst
            && let Some(number) = self.inject(SMALL)?
        {
            let reply = self.next_number(len);
            let came =
                self.receive_and(SMALL, |token, frames| token.consume(len, |frame| frames.write(reply, frame)))?;
            match came {
                Some(_) => answer = Some(reply),
                None => held = Some(number),
            }
            // A frame that waits is checked below.
            expect(came.or(held), number, Fault::NotReceived)?;
        }
        // Each frame must arrive, in the order in which the frames were sent.
        for seen in 0..count {
            let missing = Fault::Lost { missing: (count - seen) as u64, counted: 0 };
            expect(self.observe(len)?, first.wrapping_add(seen as u16), missing)?;
        }
        if let Some(reply) = answer {
            self.must_observe(reply, len)?;
        }
        if let Some(number) = held {
            self.must_receive(number, SMALL)?;
        }
        // The queue is empty, so the device must be able to send again.
        let number = self.must_send(SMALL)?;
        self.must_observe(number, SMALL)?;
        self.quiet()?;
        Ok(count)
    }

    /// Checks [`Rule::Burst`](super::Rule::Burst) with short frames, then with the longest frames: in a burst longer
    /// than the queue, each lost frame is counted, and the other frames stay in order.
    ///
    /// The report contains the results for short frames. If the device receives the whole burst, `receive_queue` is
    /// `None`.
    pub fn burst(&mut self) -> Result<(), Fault> {
        for len in [SMALL, self.report.mtu] {
            let count = self.peer.burst();
            let (taken, lost) = self.flood(len, count)?;
            if len == SMALL {
                self.report.receive_queue = (taken < count || lost > 0).then_some(taken);
                self.report.lost = lost;
            }
        }
        Ok(())
    }

    /// Checks [`Rule::PromisedBurst`](super::Rule::PromisedBurst): a burst of `max_burst_size` full-length frames is
    /// received without loss. A device without this capability promises nothing.
    pub fn promised_burst(&mut self) -> Result<(), Fault> {
        let Some(promised) = self.device.capabilities().max_burst_size else { return Ok(()) };
        let (taken, lost) = self.flood(self.report.mtu, promised)?;
        let missing = promised.saturating_sub(taken) as u64 + lost;
        if missing > 0 { Err(Fault::Lost { missing, counted: lost }) } else { Ok(()) }
    }

    /// Makes the peer send `count` frames before the device receives the first one.
    ///
    /// Returns how many frames the link accepted and how many of the accepted frames were lost. Returns an error if the
    /// device or the link did not count each lost frame.
    fn flood(&mut self, len: usize, count: usize) -> Result<(usize, u64), Fault> {
        let before = self.peer.lost(self.device);
        let mut taken = 0;
        while taken < count && self.inject(len)?.is_some() {
            taken += 1;
        }
        // The number of the last frame that arrived, and how many of the accepted frames have not arrived.
        let (mut last, mut missing) = (None::<u16>, taken as u64);
        while let Some(number) = self.receive(len)? {
            // Numbers wrap around: a number is treated as later if it is less than half the range ahead.
            let later = last.is_none_or(|last| (1..0x8000).contains(&number.wrapping_sub(last)));
            // If a frame is out of order, or if more frames arrive than were sent, the device breaks the rule.
            if !later || missing == 0 {
                return Err(Fault::Order);
            }
            last = Some(number);
            missing -= 1;
        }
        let counted = self.peer.lost(self.device).saturating_sub(before);
        if counted < missing {
            return Err(Fault::Lost { missing, counted });
        }
        // After the burst, the device must still receive.
        let number = self.must_inject(SMALL)?;
        self.must_receive(number, SMALL)?;
        self.quiet()?;
        Ok((taken, missing))
    }
}
