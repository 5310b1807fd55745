//! The device under test and its peer, and methods to send and receive one test frame.

use smoltcp::phy::{Device, RxToken, TxToken};
use smoltcp::time::Instant;

use super::frames::Frames;
use super::report::{Fault, Report};
use super::{FOREIGN, Peer};

/// The length of a short test frame, in bytes. A frame of this length needs no padding.
pub(super) const SMALL: usize = 64;

/// A conformance check in progress.
pub(super) struct Bench<'b, D, P> {
    pub device: &'b mut D,
    pub peer: &'b mut P,
    pub scratch: &'b mut [u8],
    pub frames: Frames,
    pub report: Report,
    /// The most recent reading of the clock.
    last: Instant,
    /// The number of the most recent frame.
    number: u16,
}

impl<'b, D: Device, P: Peer<D>> Bench<'b, D, P> {
    /// Begins a check: reads the device's capabilities and the clock.
    pub fn new(device: &'b mut D, peer: &'b mut P, scratch: &'b mut [u8]) -> Self {
        let capabilities = device.capabilities();
        let frames = Frames { medium: capabilities.medium, to: peer.address() };
        let report = Report { mtu: capabilities.max_transmission_unit, ..Report::default() };
        let last = peer.now();
        Bench { device, peer, scratch, frames, report, last, number: 0 }
    }

    /// Reads the clock. Returns an error if the clock has gone back since the previous reading.
    pub fn now(&mut self) -> Result<Instant, Fault> {
        let now = self.peer.now();
        if now < self.last {
            return Err(Fault::ClockBack);
        }
        self.last = now;
        Ok(now)
    }

    /// Returns the number to use in the next frame, which is `len` bytes long. A frame too short to contain a number
    /// has number 0.
    pub fn next_number(&mut self, len: usize) -> u16 {
        self.number = self.number.wrapping_add(1);
        if len < self.frames.header() + 2 { 0 } else { self.number }
    }

    /// Sends a frame of `len` bytes through the device. Returns the frame's number, or `None` if the device returns no
    /// token within the peer's number of tries.
    pub fn send(&mut self, len: usize) -> Result<Option<u16>, Fault> {
        let (frames, number) = (self.frames, self.next_number(len));
        for _ in 0..self.peer.tries() {
            let now = self.now()?;
            let Some(token) = self.device.transmit(now) else { continue };
            let given = token.consume(len, |frame| {
                frames.write(number, frame);
                frame.len()
            });
            if given != len {
                return Err(Fault::TokenLength { asked: len, given });
            }
            return Ok(Some(number));
        }
        Ok(None)
    }

    /// Like [`send`](Self::send), but returns an error if the device returns no token.
    pub fn must_send(&mut self, len: usize) -> Result<u16, Fault> {
        self.send(len)?.ok_or(Fault::NoToken)
    }

    /// Makes the peer send a frame to the device. Returns the frame's number, or `None` if the link refuses the frame.
    pub fn inject(&mut self, len: usize) -> Result<Option<u16>, Fault> {
        let number = self.next_number(len);
        // The fault if the scratch buffer is shorter than the frame.
        let needed = Fault::Scratch(len);
        let frame = self.scratch.get_mut(..len).ok_or(needed)?;
        self.frames.write(number, frame);
        Ok(self.peer.inject(self.device, frame).then_some(number))
    }

    /// Returns the number of the next frame that the device receives, or `None` if no frame arrives.
    ///
    /// The frame must be `len` bytes long.
    pub fn receive(&mut self, len: usize) -> Result<Option<u16>, Fault> {
        self.receive_and(len, |token, _| drop(token))
    }

    /// Like [`receive`](Self::receive), but also sends a reply. Calls `reply` with the transmit token while the frame
    /// is still being read.
    pub fn receive_and(
        &mut self,
        len: usize,
        reply: impl FnOnce(D::TxToken<'_>, Frames),
    ) -> Result<Option<u16>, Fault> {
        // `take` below leaves `None`, so the closure is called at most once.
        let (frames, mut reply) = (self.frames, Some(reply));
        let mut tries = self.peer.tries();
        while tries > 0 {
            let now = self.now()?;
            // A foreign frame does not count as an attempt.
            let Some((rx, tx)) = self.device.receive(now) else {
                tries -= 1;
                continue;
            };
            let read = rx.consume(|frame| {
                let read = frames.read(frame, len);
                // Reply only to a test frame that is intact.
                if let (Ok(Some(_)), Some(reply)) = (&read, reply.take()) {
                    reply(tx, frames);
                }
                read
            });
            match read? {
                Some(number) => return Ok(Some(number)),
                None => self.count_foreign()?,
            }
        }
        Ok(None)
    }

    /// Returns the number of the next frame that the peer receives, or `None` if no frame arrives.
    ///
    /// The frame must be `len` bytes long.
    pub fn observe(&mut self, len: usize) -> Result<Option<u16>, Fault> {
        let mut tries = self.peer.tries();
        while tries > 0 {
            // A foreign frame does not count as an attempt.
            let Some(came) = self.peer.observe(self.device, self.scratch) else {
                tries -= 1;
                continue;
            };
            let frame = self.scratch.get(..came).ok_or(Fault::Length { sent: len, came })?;
            match self.frames.read(frame, len)? {
                Some(number) => return Ok(Some(number)),
                None => self.count_foreign()?,
            }
        }
        Ok(None)
    }

    /// Checks that frame `number` is the next frame that the peer receives.
    pub fn must_observe(&mut self, number: u16, len: usize) -> Result<(), Fault> {
        expect(self.observe(len)?, number, Fault::Lost { missing: 1, counted: 0 })
    }

    /// Checks that frame `number` is the next frame that the device receives.
    pub fn must_receive(&mut self, number: u16, len: usize) -> Result<(), Fault> {
        expect(self.receive(len)?, number, Fault::NotReceived)
    }

    /// Like [`inject`](Self::inject), but returns an error if the link refuses the frame.
    pub fn must_inject(&mut self, len: usize) -> Result<u16, Fault> {
        self.inject(len)?.ok_or(Fault::Refused(len))
    }

    /// Checks that no further test frame arrives, neither at the peer nor at the device. A device must neither invent
    /// nor repeat a frame.
    pub fn quiet(&mut self) -> Result<(), Fault> {
        for came in [self.observe(SMALL), self.receive(SMALL)] {
            match came {
                Ok(None) => {}
                // These faults are not about a test frame.
                Err(fault @ (Fault::Foreign | Fault::ClockBack)) => return Err(fault),
                // A frame came that this test has not sent, or that is not intact.
                _ => return Err(Fault::Unsent),
            }
        }
        Ok(())
    }

    /// Counts a foreign frame. Returns an error if there were more than [`FOREIGN`] foreign frames.
    pub fn count_foreign(&mut self) -> Result<(), Fault> {
        self.report.foreign += 1;
        if self.report.foreign > FOREIGN { Err(Fault::Foreign) } else { Ok(()) }
    }
}

/// Checks that the frame that came is frame `number`. Returns the fault `missing` if no frame came, and
/// [`Fault::Order`] if another frame came.
pub(super) fn expect(came: Option<u16>, number: u16, missing: Fault) -> Result<(), Fault> {
    match came {
        None => Err(missing),
        Some(came) if came == number => Ok(()),
        Some(_) => Err(Fault::Order),
    }
}
