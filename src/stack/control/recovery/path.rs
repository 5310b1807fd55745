//! Reacts to a path MTU that changes during a connection (RFC 1191 section 6.4, RFC 8201 section 5.4, RFC 4821
//! section 7.7, RFC 8899 section 4.3).
//!
//! In a black hole, long segments vanish and no router reports them. After two losses of a segment, its data is sent
//! again in shorter segments. If the shorter segments arrive and long segments are lost again, the path has a black
//! hole. If long segments arrive later, the peer was only unreachable for a while.

use super::{Block, TcpSeqNumber, distance};

/// The state of a connection's search for a black hole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial {
    /// Whether the retransmission timer has just expired.
    pub(super) expired: bool,
    /// The number of times in a row that the retransmission timer has expired for segments of the current length.
    losses: u8,
    /// Whether the peer has sent a segment since the retransmission timer most recently expired.
    heard: bool,
    /// The path MTU that the connection tries now or tried most recently.
    mtu: Option<u16>,
    /// Set once shorter segments have arrived. An acknowledgement of this number shows that long segments arrive, too.
    passed_below: Option<TcpSeqNumber>,
}

impl Trial {
    /// Returns whether the connection has switched to shorter segments, and no long segment has arrived since.
    pub(super) fn is_running(&self) -> bool {
        self.mtu.is_some()
    }

    pub(super) const NONE: Trial = Trial { expired: false, losses: 0, heard: false, mtu: None, passed_below: None };
}

impl Block {
    /// Returns the number of bytes in flight from `seq` on, or `None` if `seq` is not in flight.
    pub(in crate::stack) fn in_flight_from(&self, seq: TcpSeqNumber) -> Option<usize> {
        self.is_in_flight(seq).then(|| distance(seq, self.nxt) as usize)
    }

    /// Returns the length of the segment at SND.UNA, in bytes, if its retransmission timer has expired.
    ///
    /// A second call for the same expiry returns `None`.
    pub(in crate::stack) fn take_expired(&mut self) -> Option<usize> {
        let len = self.flight().min(self.recovery.mss) as usize;
        core::mem::take(&mut self.recovery.trial.expired).then_some(len)
    }

    /// Processes the loss of a segment. Returns the path MTU to use from now on if the loss shows a black hole.
    ///
    /// `smaller` is the next path MTU to try.
    pub(in crate::stack) fn judge_loss(&mut self, smaller: usize) -> Option<usize> {
        let trial = &mut self.recovery.trial;
        // Whether the peer has answered since the previous loss. `take` clears the flag for the next loss.
        let heard = core::mem::take(&mut trial.heard);
        // If shorter segments arrived and a long segment was lost again, the path has a black hole.
        if trial.passed_below.is_some() {
            return core::mem::replace(trial, Trial::NONE).mtu.map(usize::from);
        }
        trial.losses += 1;
        // If only one segment was lost, the loss can have another cause, such as congestion.
        if trial.losses < 2 {
            return None;
        }
        // If the peer has answered, it is reachable, so the segments were lost because of their length.
        if heard {
            *trial = Trial::NONE;
            return Some(smaller);
        }
        // The peer is silent, so the connection tries shorter segments.
        (trial.losses, trial.mtu) = (0, smaller.try_into().ok());
        None
    }

    /// Returns whether the path might be a black hole: the retransmission timer has just expired, or a trial is
    /// running.
    pub(in crate::stack) fn suspects_path(&self) -> bool {
        self.recovery.trial.expired || self.recovery.trial.is_running()
    }

    /// Returns the path MTU that the connection is trying now. Returns `None` if no trial is running or shorter
    /// segments have arrived.
    pub(in crate::stack) fn tried_mtu(&self) -> Option<usize> {
        let trial = &self.recovery.trial;
        trial.mtu.filter(|_| trial.passed_below.is_none()).map(usize::from)
    }

    /// Updates the search for a black hole after a segment from the peer, which acknowledges `acked` more bytes up to
    /// `ack`.
    pub(super) fn update_trial(&mut self, ack: TcpSeqNumber, acked: u32) {
        let r = &mut self.recovery;
        r.trial.heard = true;
        if acked == 0 {
            return;
        }
        r.trial.losses = 0;
        match r.trial.passed_below {
            // The acknowledgement shows that a long segment has arrived.
            Some(edge) if ack >= edge => r.trial = Trial::NONE,
            // The acknowledgement is the first one since the connection has switched to shorter segments.
            None if r.trial.mtu.is_some() => r.trial.passed_below = Some(ack + r.agreed_mss as usize),
            _ => {}
        }
    }

    /// Sets the largest segment to send, in bytes: `mss`, which is the path's limit, or the size that the handshake
    /// agreed on if that is smaller. `usize::MAX` means that the path has no limit.
    ///
    /// The congestion control uses the new size, too. Returns whether the new size is smaller than the old size.
    /// Segments that were already sent can then be too long for the path.
    pub(in crate::stack) fn set_path_mss(&mut self, mss: usize) -> bool {
        let r = &mut self.recovery;
        let mss = u32::try_from(mss).unwrap_or(u32::MAX).min(r.agreed_mss);
        let before = core::mem::replace(&mut r.mss, mss);
        if mss != before {
            r.window.change_mss(mss);
        }
        mss < before
    }

    /// Makes smoltcp send one segment at a time if `cuts` is set and the handshake agreed on longer segments than fit
    /// the path. Otherwise, smoltcp can send several segments at a time.
    ///
    /// `cuts` says whether the fragmenter, which has room for only one long segment, cuts the connection's long
    /// segments.
    pub(in crate::stack) fn send_singly(&mut self, cuts: bool) {
        self.recovery.singly = cuts && self.recovery.mss < self.recovery.agreed_mss;
    }

    /// Marks everything in flight as lost, so that it is sent again, because routers have dropped packets that were too
    /// long.
    ///
    /// Such a loss is not a sign of congestion, so the congestion window stays as it is (RFC 1191 section 6.4).
    pub(in crate::stack) fn send_again(&mut self) {
        if self.flight() == 0 {
            return;
        }
        let (una, nxt) = (self.una, self.nxt);
        let r = &mut self.recovery;
        (r.resent, r.lost_below, r.nxt_at_resend) = (una, nxt, None);
        // As after a timeout, losses below `nxt` do not reduce the congestion window.
        (r.point, r.timed_out, r.by_path) = (Some(nxt), true, true);
        (r.duplicates, r.tail) = (0, None);
        r.samples.clear();
        r.forget_resends();
    }
}
