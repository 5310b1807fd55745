//! The conformance rules that send and receive one frame at a time.

use smoltcp::phy::{Device, TxToken};

use super::Peer;
use super::bench::{Bench, SMALL, expect};
use super::frames::{MINIMUM, header};
use super::report::Fault;

/// The number of readings within which the clock must advance. On any processor, this many readings take more than a
/// millisecond.
const READINGS: u32 = 1_000_000;

/// The packet size that every IPv4 host must be able to receive (RFC 791), in bytes.
const SMALLEST_PACKET: usize = 576;
/// The length of the largest IPv4 packet, including an Ethernet header and a VLAN tag, in bytes.
const LONGEST_FRAME: usize = 65_535 + 18;

impl<D: Device, P: Peer<D>> Bench<'_, D, P> {
    /// Checks [`Rule::Clock`](super::Rule::Clock): the clock advances, and never goes back. [`now`](Self::now) checks
    /// that the clock never goes back.
    pub fn clock(&mut self) -> Result<(), Fault> {
        let first = self.now()?;
        for _ in 0..READINGS {
            if self.now()? > first {
                return Ok(());
            }
        }
        Err(Fault::ClockStands)
    }

    /// Checks [`Rule::Capabilities`](super::Rule::Capabilities): the device's capabilities have possible values, and do
    /// not change. Also checks that the scratch buffer is long enough.
    pub fn capabilities(&mut self) -> Result<(), Fault> {
        // Two calls must return the same values.
        let (one, two) = (self.device.capabilities(), self.device.capabilities());
        let mtu = one.max_transmission_unit;
        if one.medium != two.medium || mtu != two.max_transmission_unit || one.max_burst_size != two.max_burst_size {
            return Err(Fault::CapabilitiesChange);
        }
        // With a smaller MTU, the device could not receive each packet that a host must accept.
        if !(SMALLEST_PACKET + header(one.medium)..=LONGEST_FRAME).contains(&mtu) {
            return Err(Fault::Mtu(mtu));
        }
        if one.max_burst_size == Some(0) {
            return Err(Fault::BurstOfNone);
        }
        // `too_long` sends a frame that is one byte longer than the MTU.
        if self.scratch.len() <= mtu { Err(Fault::Scratch(mtu + 1)) } else { Ok(()) }
    }

    /// Checks [`Rule::Idle`](super::Rule::Idle).
    pub fn idle(&mut self) -> Result<(), Fault> {
        self.quiet()
    }

    /// Checks [`Rule::Sending`](super::Rule::Sending): frames of every length are sent unchanged.
    pub fn sending(&mut self) -> Result<(), Fault> {
        // First one frame alone, so that `quiet` notices a device that sends it twice.
        let number = self.must_send(SMALL)?;
        self.must_observe(number, SMALL)?;
        self.quiet()?;
        for len in self.lengths() {
            let number = self.must_send(len)?;
            self.must_observe(number, len)?;
        }
        self.quiet()
    }

    /// Checks [`Rule::Receiving`](super::Rule::Receiving): frames of every length are received unchanged.
    pub fn receiving(&mut self) -> Result<(), Fault> {
        // First one frame alone, so that `quiet` notices a device that receives it twice.
        let number = self.must_inject(SMALL)?;
        self.must_receive(number, SMALL)?;
        self.quiet()?;
        for len in self.lengths() {
            match self.inject(len)? {
                Some(number) => self.must_receive(number, len)?,
                // Many links do not carry frames shorter than the minimum.
                None if len < MINIMUM => {}
                None => return Err(Fault::Refused(len)),
            }
        }
        self.quiet()
    }

    /// Checks [`Rule::Reply`](super::Rule::Reply): the device can send a reply while the received frame is still being
    /// read.
    pub fn reply(&mut self) -> Result<(), Fault> {
        let mtu = self.report.mtu;
        // Short and long frames, with short and long replies.
        for (len, reply_len) in [(SMALL, SMALL), (mtu, mtu), (SMALL, mtu), (mtu, SMALL)] {
            let number = self.must_inject(len)?;
            let reply = self.next_number(reply_len);
            // The closure runs while the received frame is still being read.
            let came = self.receive_and(len, |token, frames| {
                token.consume(reply_len, |frame| frames.write(reply, frame));
            })?;
            expect(came, number, Fault::NotReceived)?;
            self.must_observe(reply, reply_len)?;
        }
        self.quiet()
    }

    /// Checks [`Rule::UnusedToken`](super::Rule::UnusedToken): a token that is dropped unused sends nothing and keeps
    /// no slot of the queue.
    pub fn unused_tokens(&mut self) -> Result<(), Fault> {
        // Takes a token for each frame of a burst. A device whose unused tokens keep their slots runs out of slots.
        for _ in 0..self.peer.burst() {
            let now = self.now()?;
            drop(self.device.transmit(now).ok_or(Fault::NoToken)?);
            // `must_receive` drops the transmit token that comes with the frame.
            let number = self.must_inject(SMALL)?;
            self.must_receive(number, SMALL)?;
        }
        self.quiet()
    }

    /// Checks [`Rule::Empty`](super::Rule::Empty): the device still works after an empty frame was sent or received.
    pub fn empty(&mut self) -> Result<(), Fault> {
        let now = self.now()?;
        self.device.transmit(now).ok_or(Fault::NoToken)?.consume(0, |_| {});
        // An empty frame can look like a foreign frame, but must not be counted as one. The count is restored below.
        let foreign = self.report.foreign;
        self.quiet()?;
        // The link may refuse an empty frame.
        self.inject(0)?;
        self.quiet()?;
        self.report.foreign = foreign;
        // The device must still carry a short frame in each direction.
        let number = self.must_send(SMALL)?;
        self.must_observe(number, SMALL)?;
        let number = self.must_inject(SMALL)?;
        self.must_receive(number, SMALL)?;
        self.quiet()
    }

    /// Checks [`Rule::TooLong`](super::Rule::TooLong): a frame longer than the MTU is refused, counted as lost, or
    /// delivered whole.
    pub fn too_long(&mut self) -> Result<(), Fault> {
        let len = self.report.mtu + 1;
        let lost = self.peer.lost(self.device);
        if let Some(number) = self.inject(len)? {
            let came = self.receive(len)?;
            let counted = self.peer.lost(self.device).saturating_sub(lost);
            // If an accepted frame is neither delivered whole nor counted as lost, the device breaks the rule.
            if came.is_none() && counted == 0 {
                return Err(Fault::Lost { missing: 1, counted });
            }
            // If a frame came, it must be the frame that the peer sent. Without a frame, this check passes.
            expect(came.or(Some(number)), number, Fault::NotReceived)?;
        }
        // The device must still receive a short frame.
        let number = self.must_inject(SMALL)?;
        self.must_receive(number, SMALL)?;
        self.quiet()
    }

    /// Returns the frame lengths to test, in bytes: the shortest, lengths around the Ethernet minimum, each alignment
    /// to 4 bytes, and the longest.
    fn lengths(&self) -> [usize; 12] {
        let (header, mtu) = (self.frames.header(), self.report.mtu);
        let last = mtu.saturating_sub(1);
        [
            // No data, half of the frame's number, and all of the number.
            header,
            header + 1,
            header + 2,
            // Around the minimum. Shorter frames can be padded.
            MINIMUM - 1,
            MINIMUM,
            MINIMUM + 1,
            MINIMUM + 2,
            MINIMUM + 3,
            MINIMUM + 5,
            // A medium length.
            301,
            last,
            mtu,
        ]
    }
}
