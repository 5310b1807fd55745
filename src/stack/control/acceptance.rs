//! Decides which segments of a connection smoltcp sees (RFC 9293 section 3.10.7.4, RFC 5961).

use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};

use super::{Block, DropReason, Patch, Segment, TcpSeqNumber, distance};

/// The shortest time between two challenge ACKs of a connection (RFC 5961 section 7).
///
/// Each connection has its own limit, so that one connection does not reveal whether another was challenged.
const CHALLENGE_INTERVAL: Duration = Duration::from_millis(500);

/// The stack's decision about a received segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stack) enum Verdict {
    /// smoltcp sees the segment and answers it, but accepts nothing from it.
    Answer,
    /// The segment is dropped and answered with a challenge ACK.
    Challenge(DropReason),
    /// smoltcp sees a copy of the segment with these changes.
    Copy(Patch),
    /// The segment is dropped.
    Drop(DropReason),
    /// smoltcp sees the segment unchanged.
    Pass,
    /// The segment is a SYN. smoltcp sees a SYN with only the options that smoltcp supports.
    Syn,
    /// The control block has processed the segment, which only acknowledges data or updates the window. smoltcp learns
    /// the result later, from a segment that the stack builds.
    #[cfg(feature = "recovery")]
    Processed,
}

impl Block {
    /// Processes a segment that arrives in `state` and decides whether smoltcp sees it.
    ///
    /// `frame` is the packet that contains the segment. The caller has verified the checksums.
    pub(in crate::stack) fn arrives(&mut self, now: Instant, state: State, segment: &Segment, frame: &[u8]) -> Verdict {
        let verdict = match state {
            _ if segment.rst => self.reset(state, segment),
            State::Closed | State::Listen => {
                self.take_syn(segment, frame);
                Verdict::Syn
            }
            State::SynSent => self.process_in_syn_sent(now, segment, frame),
            // A SYN that starts a new connection does not arrive here: see `is_superseded_by`.
            State::SynReceived if segment.opens() && segment.seq == self.irs => self.repeated_syn(),
            // The SYN,ACK has not been sent, because the neighbour is not resolved. There is no answer to repeat.
            State::SynReceived if segment.syn && self.flight() == 0 => Verdict::Drop(DropReason::BadSyn),
            // Any other SYN might be forged. A peer that has restarted answers the challenge ACK with RST, which ends
            // the old connection.
            _ if segment.syn => Verdict::Challenge(DropReason::BadSyn),
            _ => match segment.ack {
                None => Verdict::Drop(DropReason::NoAck),
                Some(ack) => self.with_ack(now, state, segment, ack, frame),
            },
        };
        // A connection sends at most one challenge ACK in each `CHALLENGE_INTERVAL`.
        match verdict {
            Verdict::Challenge(why) if now < self.challenge_at => Verdict::Drop(why),
            Verdict::Challenge(why) => {
                self.challenge_at = now + CHALLENGE_INTERVAL;
                Verdict::Challenge(why)
            }
            verdict => verdict,
        }
    }

    /// Processes a segment in SYN-SENT, where the stack waits for the answer to its own SYN.
    fn process_in_syn_sent(&mut self, _now: Instant, segment: &Segment, frame: &[u8]) -> Verdict {
        if !segment.syn {
            return Verdict::Pass;
        }
        // If our own SYN has not been sent, because the neighbour is not resolved, smoltcp would panic on this segment.
        // The peer will repeat its SYN.
        if self.flight() == 0 {
            return Verdict::Drop(DropReason::BadSyn);
        }
        // If the acknowledgement is not for our SYN, smoltcp answers with RST.
        if segment.ack.is_some_and(|ack| ack != self.nxt) {
            return Verdict::Pass;
        }
        // Until smoltcp acknowledges the peer's SYN, the window that our own SYN has offered is valid. Our SYN has no
        // acknowledgement number, so `limit` contains only this window, whose field has 16 bits.
        let offered = usize::from(self.limit().0 as u16);
        self.take_syn(segment, frame);
        // `take_syn` has set RCV.NXT, at which the offered window begins.
        self.set_limit(self.rcv_nxt + offered);
        // If the segment has no ACK, both sides have sent a SYN at the same time (RFC 9293 section 3.5).
        if segment.ack.is_some() {
            #[cfg(feature = "recovery")]
            self.acknowledged(_now, segment, self.nxt, frame);
            // Our SYN is acknowledged.
            self.una = self.nxt;
        }
        Verdict::Syn
    }

    /// Handles a repeated SYN of the peer. With `recovery`, the SYN,ACK is sent again. Otherwise, the SYN is dropped,
    /// because smoltcp sends the SYN,ACK again when its retransmission timer expires.
    fn repeated_syn(&mut self) -> Verdict {
        #[cfg(feature = "recovery")]
        {
            self.syn_repeated();
            Verdict::Processed
        }
        #[cfg(not(feature = "recovery"))]
        Verdict::Drop(DropReason::BadSyn)
    }

    /// Processes an RST.
    ///
    /// In SYN-SENT, an RST ends the connection only if it acknowledges our SYN. In later states, an RST ends the
    /// connection only if its sequence number is RCV.NXT (RFC 5961 section 3.2). An RST with another number in the
    /// window gets a challenge ACK.
    fn reset(&self, state: State, segment: &Segment) -> Verdict {
        match segment.seq {
            // RFC 9293 section 3.10.7.3.
            _ if state == State::SynSent && segment.ack == Some(self.nxt) => Verdict::Pass,
            // RFC 1337: an RST does not end TIME-WAIT. An aborted connection in CLOSED still has its own RST to send.
            _ if matches!(state, State::SynSent | State::TimeWait | State::Closed) => {
                Verdict::Drop(DropReason::BadReset)
            }
            // smoltcp would ignore an RST whose data does not fit the window, so the copy contains no data. The window
            // of an RST has no meaning.
            seq if seq == self.rcv_nxt => {
                Verdict::Copy(Patch { ack: self.una, window: 0, fin: false, skip: 0, keep: 0 })
            }
            seq if self.rcv_nxt < seq && seq < self.edge => Verdict::Challenge(DropReason::BadReset),
            _ => Verdict::Drop(DropReason::BadReset),
        }
    }

    /// Processes a segment that has ACK but neither SYN nor RST, in SYN-RECEIVED or a later state. Challenges an
    /// unacceptable acknowledgement number. Only the feature `recovery` uses `_now` and `_frame`.
    fn with_ack(
        &mut self,
        _now: Instant,
        state: State,
        segment: &Segment,
        ack: TcpSeqNumber,
        _frame: &[u8],
    ) -> Verdict {
        if state == State::SynReceived {
            // If the acknowledgement is not for our SYN, smoltcp answers with RST.
            if ack != self.nxt {
                return Verdict::Pass;
            }
            if segment.seq >= self.rcv_nxt && segment.seq <= self.edge {
                #[cfg(feature = "recovery")]
                self.acknowledged(_now, segment, ack, _frame);
                self.take_window(segment, ack);
                self.una = ack;
            }
        } else if ack > self.nxt || distance(ack, self.una) > self.largest_window {
            // RFC 5961 section 5.2: an unacceptable acknowledgement gets a challenge ACK.
            return Verdict::Challenge(DropReason::BadAck);
        }
        if segment.len == 0 && !segment.fin {
            self.pure_ack(_now, state, segment, ack, _frame)
        } else {
            self.data(_now, segment, ack, _frame)
        }
    }

    /// Processes a pure ACK: a segment with neither data nor FIN.
    ///
    /// With `recovery`, the control block processes the acknowledgement itself. smoltcp then sees the segment only in
    /// SYN-RECEIVED, or if smoltcp must answer the segment.
    fn pure_ack(
        &mut self,
        _now: Instant,
        state: State,
        segment: &Segment,
        _ack: TcpSeqNumber,
        _frame: &[u8],
    ) -> Verdict {
        // smoltcp answers a segment outside the window, such as a keep-alive probe.
        let acceptable = segment.seq == self.rcv_nxt || (self.rcv_nxt < segment.seq && segment.seq < self.edge);
        // A sequence number outside the window can be valid. In a keep-alive or a retransmission, the number is below
        // RCV.NXT, by less than 64 KiB here. It is one above the end of the window if the peer has filled the window
        // and sent a byte to probe the window. Any other number outside the window can come from a blind attacker who
        // has guessed the acknowledgement number.
        #[cfg(feature = "recovery")]
        let is_near = distance(segment.seq, self.rcv_nxt) < 0x1_0000 && segment.seq <= self.edge.max(self.rcv_nxt) + 1;
        #[cfg(feature = "recovery")]
        if is_near && !matches!(state, State::SynReceived | State::TimeWait) && _ack >= self.una {
            let is_news = self.acknowledged(_now, segment, _ack, _frame);
            self.take_window(segment, _ack);
            if acceptable || is_news {
                return Verdict::Processed;
            }
        }
        #[cfg(not(feature = "recovery"))]
        if acceptable && state != State::SynReceived && _ack >= self.una {
            // Three equal acknowledgements would stop smoltcp's timer if only a FIN is in flight, so a repeated
            // acknowledgement is then dropped. If the window is closed, the acknowledgement is passed on, because it
            // answers smoltcp's probe.
            let before = self.window;
            self.take_window(segment, _ack);
            if _ack == self.una && before == self.window && before > 0 && self.flight() == 1 {
                return Verdict::Drop(DropReason::OldAck);
            }
            self.una = _ack;
        }
        // smoltcp must answer a segment outside the window and any segment in TIME-WAIT.
        match state {
            _ if acceptable && _ack < self.una => Verdict::Drop(DropReason::OldAck),
            State::TimeWait => Verdict::Answer,
            _ if acceptable => Verdict::Pass,
            _ => Verdict::Answer,
        }
    }

    /// Processes a segment with data or FIN.
    fn data(&mut self, _now: Instant, segment: &Segment, ack: TcpSeqNumber, _frame: &[u8]) -> Verdict {
        let data_end = segment.seq + segment.len;
        if self.fin_taken && data_end > self.rcv_nxt {
            return Verdict::Drop(DropReason::AfterFin);
        }
        // While the window is closed, the acknowledgement of a segment at RCV.NXT still counts.
        let acceptable = segment.seq < self.edge.max(self.rcv_nxt + 1) && segment.end() > self.rcv_nxt;
        #[cfg(feature = "recovery")]
        self.note_duplicate(segment);
        if acceptable && ack >= self.una {
            #[cfg(feature = "recovery")]
            self.acknowledged(_now, segment, ack, _frame);
            self.take_window(segment, ack);
            self.una = ack;
        }
        let fits = data_end <= self.limit();
        // Data before this FIN is missing. The control block remembers the FIN until that data has arrived.
        if acceptable && segment.fin && fits && segment.seq > self.rcv_nxt {
            self.early_fin = Some(data_end);
        }
        // If all data of this segment arrived earlier, but its FIN did not, only the FIN is new.
        let only_fin = segment.fin && !self.fin_taken && segment.len > 0 && data_end == self.rcv_nxt;
        let patch = Patch {
            ack: ack.max(self.una),
            window: self.shown_field(segment),
            fin: segment.fin && (fits || only_fin),
            skip: if only_fin { segment.len } else { 0 },
            keep: segment.len,
        };
        let same = patch.ack == ack && patch.window == segment.window && patch.fin == segment.fin && patch.skip == 0;
        // While smoltcp's receive window is closed, smoltcp ignores the acknowledgement of a segment with data, so the
        // verdict is `Answer`.
        let closed = segment.len > 0 && !only_fin && self.edge <= self.rcv_nxt;
        match () {
            () if closed || !acceptable => Verdict::Answer,
            () if same => Verdict::Pass,
            () => Verdict::Copy(patch),
        }
    }

    /// Updates the send window from an acceptable segment (RFC 9293 section 3.10.7.4, fifth step).
    fn take_window(&mut self, segment: &Segment, ack: TcpSeqNumber) {
        if self.is_newer_window(segment, ack) {
            self.window = u32::from(segment.window) << self.peer_scale;
            self.largest_window = self.largest_window.max(self.window);
            self.window_from = (segment.seq, ack);
        }
    }

    /// Returns whether a segment's window is newer than SND.WND, according to SND.WL1 and SND.WL2.
    pub(super) fn is_newer_window(&self, segment: &Segment, ack: TcpSeqNumber) -> bool {
        let (seq, from) = self.window_from;
        seq < segment.seq || (seq == segment.seq && from <= ack)
    }

    /// Returns the window field for the copy of `segment` that is passed to smoltcp.
    #[cfg(not(feature = "recovery"))]
    fn shown_field(&self, segment: &Segment) -> u16 {
        segment.window
    }
}
