//! The path MTU changes while a connection is open (RFC 1191 section 6, RFC 8201 section 5, RFC 8899 section 4.3).
//!
//! A black hole swallows long segments, and no router says so. What was lost twice leaves again in shorter segments. If they arrive,
//! and long ones are lost again, it is a black hole. If long ones arrive then, the peer was only away for a while.

use super::{Block, TcpSeqNumber, distance};

/// What a connection does to find a black hole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial {
    /// Whether the retransmission timer has just expired.
    pub(super) expired: bool,
    /// The number of times in a row that it expired for segments of this length.
    losses: u8,
    /// Whether the peer was heard since it last expired.
    heard: bool,
    /// The path MTU that is tried, or was.
    mtu: Option<u16>,
    /// Shorter segments have arrived. Long ones arrive, too, if this is acknowledged.
    passed_below: Option<TcpSeqNumber>,
}

impl Trial {
    pub(super) const NONE: Trial = Trial { expired: false, losses: 0, heard: false, mtu: None, passed_below: None };
}

impl Block {
    /// The longest segment in flight from this number on, in bytes. `None` if the number is not in flight.
    pub(in crate::stack) fn in_flight_from(&self, seq: TcpSeqNumber) -> Option<usize> {
        self.is_in_flight(seq).then(|| distance(seq, self.nxt) as usize)
    }

    /// The length of the segment at SND.UNA, in bytes, if its timer has just expired. Asked for once.
    pub(in crate::stack) fn take_expired(&mut self) -> Option<usize> {
        let len = self.flight().min(self.recovery.mss) as usize;
        core::mem::take(&mut self.recovery.trial.expired).then_some(len)
    }

    /// Takes in that a segment was lost, for which `smaller` is the next path MTU to try. Returns the path MTU, if that was it.
    pub(in crate::stack) fn judge_loss(&mut self, smaller: usize) -> Option<usize> {
        let trial = &mut self.recovery.trial;
        let heard = core::mem::take(&mut trial.heard);
        if trial.passed_below.is_some() {
            return core::mem::replace(trial, Trial::NONE).mtu.map(usize::from);
        }
        trial.losses += 1;
        if trial.losses < 2 {
            return None;
        }
        if heard {
            *trial = Trial::NONE;
            return Some(smaller);
        }
        (trial.losses, trial.mtu) = (0, smaller.try_into().ok());
        None
    }

    /// The path MTU that is tried now.
    pub(in crate::stack) fn tried_mtu(&self) -> Option<usize> {
        let trial = &self.recovery.trial;
        trial.mtu.filter(|_| trial.passed_below.is_none()).map(usize::from)
    }

    /// Takes in a sign of life, which acknowledges `acked` more bytes up to `ack`.
    pub(super) fn hear(&mut self, ack: TcpSeqNumber, acked: u32) {
        let r = &mut self.recovery;
        r.trial.heard = true;
        if acked == 0 {
            return;
        }
        r.trial.losses = 0;
        match r.trial.passed_below {
            // A long segment has arrived.
            Some(edge) if ack >= edge => r.trial = Trial::NONE,
            None if r.trial.mtu.is_some() => r.trial.passed_below = Some(ack + r.agreed_mss as usize),
            _ => {}
        }
    }

    /// Sets the largest segment of the path, in bytes. Returns whether it is smaller than before.
    pub(in crate::stack) fn set_path_mss(&mut self, mss: usize) -> bool {
        let r = &mut self.recovery;
        let mss = u32::try_from(mss).unwrap_or(u32::MAX).min(r.agreed_mss);
        let before = core::mem::replace(&mut r.mss, mss);
        if mss != before {
            r.window.change_mss(mss);
        }
        mss < before
    }

    /// Shows smoltcp a window of one segment at a time, if the handshake agreed on longer segments than the path takes.
    pub(in crate::stack) fn send_singly(&mut self, cuts: bool) {
        self.recovery.singly = cuts && self.recovery.mss < self.recovery.agreed_mss;
    }

    /// Sends everything in flight again, because routers have dropped what was too long. That is no sign of congestion: the
    /// congestion window stays as it is (RFC 1191 section 6.5).
    pub(in crate::stack) fn send_again(&mut self) {
        if self.flight() == 0 {
            return;
        }
        let (una, nxt) = (self.una, self.nxt);
        let r = &mut self.recovery;
        (r.resent, r.lost_below, r.first_resent_at) = (una, nxt, None);
        // As after a timeout: losses in front of this are not paid for.
        (r.point, r.timed_out) = (Some(nxt), true);
        (r.duplicates, r.sample, r.tail) = (0, None, None);
    }
}
