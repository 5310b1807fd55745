//! The control block of a TCP connection (RFC 9293 section 3.3.1).
//!
//! smoltcp keeps a control block of its own. The stack keeps this second control block, and derives its values only
//! from the connection's frames.
//!
//! Every received segment passes [`Block::arrives`] before smoltcp sees it. Every segment that smoltcp creates passes
//! [`Block::leaves`]. The file acceptance.rs decides which received segments smoltcp sees and which segments the stack
//! answers itself. The file recovery.rs finds lost data and decides what smoltcp may send. The file connections/show.rs
//! then makes smoltcp send that data. The file receiver.rs adds SACK ranges and the window to smoltcp's
//! acknowledgements. In these files, a `field` is the window field of a segment, and an `edge` is the sequence number
//! after the final byte of a window or range. A value was `shown` if it was passed to smoltcp. A `hole` is a range of
//! bytes that the peer has not acknowledged.

mod acceptance;
#[cfg(feature = "recovery")]
mod congestion;
#[cfg(feature = "recovery")]
mod cubic;
#[cfg(feature = "recovery")]
mod receiver;
#[cfg(feature = "recovery")]
mod recovery;
#[cfg(feature = "recovery")]
mod rtt;
#[cfg(feature = "recovery")]
mod scoreboard;
mod segment;

pub(super) use acceptance::Verdict;
#[cfg(feature = "recovery")]
pub use congestion::Congestion;
#[cfg(feature = "recovery")]
pub use recovery::{Control, HeldBy};
#[cfg(feature = "recovery")]
pub(super) use recovery::{Leave, Options};
pub(super) use segment::{LONGEST, Patch, Segment, bare, copy, inner_checksums, write};
#[cfg(feature = "recovery")]
pub(super) use segment::{cut, renumber};

use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, TcpControl, TcpOption, TcpSeqNumber};

use super::event::DropReason;

/// Why a segment is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "recovery"), allow(dead_code))]
pub(crate) enum Repeat {
    /// The retransmission timer expired for an earlier segment, and this segment is treated as lost, too.
    AfterTimer,
    /// Duplicate or selective acknowledgements showed that the segment was lost.
    Duplicates,
    /// The segment's retransmission was lost too: data that was sent later has arrived (RFC 8985 section 6.2).
    LostAgain,
    /// A router reported that the segment was too long, so its data is sent in shorter segments.
    PathMtu,
    /// The peer's SYN arrived again.
    RepeatedSyn,
    /// The segment is a tail loss probe (RFC 8985 section 7).
    TailProbe,
    /// The retransmission timer expired after it had run for this time.
    Timer(Duration),
    /// The peer's window has opened again, and the peer did not accept data that was sent into the closed window.
    WindowOpened,
}

/// Returns the number of bytes from `from` to `to`, or 0 if `to` is not after `from`.
fn distance(from: TcpSeqNumber, to: TcpSeqNumber) -> u32 {
    to.0.wrapping_sub(from.0).max(0) as u32
}

/// The state of one connection, read from its frames. RFC 9293 section 3.3.1 explains the abbreviations below.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// ISS: our initial sequence number. If the peer opens the connection, the ISS is set before the SYN,ACK is sent.
    iss: TcpSeqNumber,
    /// SND.UNA: the oldest unacknowledged sequence number.
    una: TcpSeqNumber,
    /// SND.NXT: the sequence number after the highest byte sent so far.
    nxt: TcpSeqNumber,
    /// SND.WND: the peer's receive window, in bytes.
    window: u32,
    /// The largest window that the peer has offered, in bytes.
    largest_window: u32,
    /// SND.WL1 and SND.WL2: the sequence and acknowledgement numbers of the most recent window update.
    window_from: (TcpSeqNumber, TcpSeqNumber),
    /// The peer's window scale: the shift count of its window field.
    peer_scale: u8,
    /// IRS: the peer's initial sequence number.
    irs: TcpSeqNumber,
    /// RCV.NXT: the next sequence number expected from the peer.
    rcv_nxt: TcpSeqNumber,
    /// The right edge of the receive window announced to the peer.
    edge: TcpSeqNumber,
    /// Our window scale: the shift count of our window field.
    scale: u8,
    /// The acknowledgement number most recently sent to the peer.
    announced_ack: TcpSeqNumber,
    /// The sequence number of a FIN that arrived before all the data ahead of it.
    early_fin: Option<TcpSeqNumber>,
    /// Whether the peer's FIN has been accepted.
    fin_taken: bool,
    /// No challenge ACK is sent before this time.
    challenge_at: Instant,
    #[cfg(feature = "recovery")]
    receiver: receiver::Receiver,
    #[cfg(feature = "recovery")]
    pub(super) recovery: recovery::Recovery,
}

impl Block {
    pub(super) const EMPTY: Block = Block {
        iss: TcpSeqNumber(0),
        una: TcpSeqNumber(0),
        nxt: TcpSeqNumber(0),
        window: 0,
        largest_window: 0,
        window_from: (TcpSeqNumber(0), TcpSeqNumber(0)),
        peer_scale: 0,
        irs: TcpSeqNumber(0),
        rcv_nxt: TcpSeqNumber(0),
        edge: TcpSeqNumber(0),
        scale: 0,
        announced_ack: TcpSeqNumber(0),
        early_fin: None,
        fin_taken: false,
        challenge_at: Instant::ZERO,
        #[cfg(feature = "recovery")]
        receiver: receiver::Receiver::NEW,
        #[cfg(feature = "recovery")]
        recovery: recovery::Recovery::NEW,
    };

    /// Returns our initial sequence number, which our SYN or SYN,ACK carries.
    pub(super) fn isn(&self) -> u32 {
        self.iss.0 as u32
    }

    /// Sets our initial sequence number, before any segment has been sent.
    pub(super) fn set_isn(&mut self, isn: u32) {
        self.iss = TcpSeqNumber(isn as i32);
        (self.una, self.nxt) = (self.iss, self.iss);
    }

    /// Returns RCV.NXT.
    pub(super) fn next_expected(&self) -> TcpSeqNumber {
        self.rcv_nxt
    }

    /// Returns how many sequence numbers have been sent and not yet acknowledged.
    pub(super) fn flight(&self) -> u32 {
        distance(self.una, self.nxt)
    }

    /// Returns whether the sequence number `seq` is in flight (RFC 5927 section 4.1).
    #[cfg(feature = "recovery")]
    pub(super) fn is_in_flight(&self, seq: TcpSeqNumber) -> bool {
        self.una <= seq && seq < self.nxt
    }

    /// Processes the peer's SYN. `frame` is the packet that contains the segment.
    fn take_syn(&mut self, segment: &Segment, frame: &[u8]) {
        (self.irs, self.rcv_nxt, self.edge) = (segment.seq, segment.seq + 1, segment.seq + 1);
        self.window = segment.window.into();
        self.largest_window = self.window;
        self.window_from = (segment.seq, segment.ack.unwrap_or(self.una));
        // Windows are scaled only if both SYNs have the option (RFC 7323 section 2.2). The loop restores our scale if
        // it finds the peer's option.
        let own_scale = core::mem::take(&mut self.scale);
        #[cfg(feature = "recovery")]
        let inner_scale = core::mem::take(&mut self.receiver.inner_scale);
        for option in segment.options(frame) {
            if let TcpOption::WindowScale(scale) = option {
                // RFC 7323 section 2.3: a larger shift is treated as 14.
                self.peer_scale = scale.min(14);
                self.scale = own_scale;
                #[cfg(feature = "recovery")]
                {
                    self.receiver.inner_scale = inner_scale;
                }
            }
        }
        #[cfg(feature = "recovery")]
        {
            self.begin_receiving();
            // Reads the other options.
            self.learn(segment, frame);
        }
    }

    /// Updates RCV.NXT after smoltcp has processed a segment.
    ///
    /// `received` is the number of bytes that the segment added to the receive buffer. `state` is the connection's
    /// state after the segment.
    pub(super) fn passed(&mut self, received: usize, state: State) {
        self.rcv_nxt += received;
        // In these states, smoltcp has accepted the peer's FIN.
        let closed = matches!(state, State::CloseWait | State::LastAck | State::Closing | State::TimeWait);
        if closed && !self.fin_taken {
            // The peer's FIN takes one sequence number.
            self.fin_taken = true;
            self.rcv_nxt += 1;
        }
    }

    /// Returns whether a FIN that arrived early can be processed, because all the data ahead of it has arrived.
    pub(super) fn fin_is_due(&self) -> bool {
        !self.fin_taken && self.early_fin == Some(self.rcv_nxt)
    }

    /// Returns why a segment was most recently sent again. Each reason is returned once.
    pub(super) fn take_repeat(&mut self) -> Option<Repeat> {
        #[cfg(feature = "recovery")]
        let repeat = self.recovery.repeat.take();
        #[cfg(not(feature = "recovery"))]
        let repeat = None;
        repeat
    }

    /// Returns SND.NXT and RCV.NXT.
    pub(super) fn next_numbers(&self) -> (TcpSeqNumber, TcpSeqNumber) {
        (self.nxt, self.rcv_nxt)
    }

    /// Returns SND.UNA and RCV.NXT.
    pub(super) fn received(&self) -> (TcpSeqNumber, TcpSeqNumber) {
        (self.una, self.rcv_nxt)
    }

    /// Returns the window field for a FIN that is passed to smoltcp. The field repeats the window that smoltcp knows.
    pub(super) fn fin_field(&self) -> u16 {
        #[cfg(feature = "recovery")]
        let field = self.recovery.latest_field();
        #[cfg(not(feature = "recovery"))]
        let field = (self.window >> self.peer_scale).min(u16::MAX.into()) as u16;
        field
    }

    /// Writes the SYN that is passed to smoltcp, with only the options that smoltcp supports. Returns the packet's
    /// length, or `None` if `out` is too short.
    pub(super) fn syn_for_smoltcp(&self, out: &mut [u8], segment: &Segment, packet: &[u8]) -> Option<usize> {
        let mut repr = bare(&segment.tuple, segment.seq, segment.ack.unwrap_or_default(), segment.window);
        repr.control = TcpControl::Syn;
        // `bare` always sets an acknowledgement number, but a SYN without ACK must have none.
        repr.ack_number = segment.ack;
        // The defaults for a SYN without an MSS option (RFC 9293 section 3.7.1).
        repr.max_seg_size = Some(match segment.tuple.local.addr {
            IpAddress::Ipv4(_) => 536,
            #[cfg(feature = "ipv6")]
            IpAddress::Ipv6(_) => 1_220,
        });
        for option in segment.options(packet) {
            match option {
                TcpOption::MaxSegmentSize(size) if size > 0 => repr.max_seg_size = Some(size),
                TcpOption::SackPermitted => repr.sack_permitted = true,
                TcpOption::WindowScale(_) => repr.window_scale = Some(self.shown_scale()),
                _ => {}
            }
        }
        #[cfg(feature = "recovery")]
        {
            repr.max_seg_size = repr.max_seg_size.map(|mss| self.bounded_mss(mss));
        }
        write(out, &segment.tuple, &repr, &inner_checksums())
    }

    /// Returns the peer's window scale (shift count) that is passed to smoltcp.
    #[cfg(not(feature = "recovery"))]
    fn shown_scale(&self) -> u8 {
        self.peer_scale
    }

    /// Returns whether data or a FIN has been received but not yet acknowledged.
    pub(super) fn owes_ack(&self) -> bool {
        self.announced_ack != self.rcv_nxt
    }

    /// If `segment` is our SYN, stores its window scale, or 0 if it has no window scale option. Returns whether it has
    /// the option.
    fn take_own_scale(&mut self, segment: &Segment, frame: &[u8]) -> bool {
        if !segment.syn {
            return false;
        }
        let scale = segment.options(frame).find_map(|option| match option {
            TcpOption::WindowScale(scale) => Some(scale),
            _ => None,
        });
        self.scale = scale.unwrap_or(0);
        scale.is_some()
    }

    /// Returns the right edge of smoltcp's receive window.
    #[cfg(not(feature = "recovery"))]
    fn limit(&self) -> TcpSeqNumber {
        self.edge
    }

    /// Sets the right edge of smoltcp's receive window.
    #[cfg(not(feature = "recovery"))]
    fn set_limit(&mut self, limit: TcpSeqNumber) {
        self.edge = limit;
    }

    /// Updates the control block for a segment that smoltcp has created and that is about to be sent.
    #[cfg(not(feature = "recovery"))]
    pub(super) fn leaves(&mut self, segment: &Segment, frame: &[u8]) {
        // The result is not needed: without `recovery`, the option stays as smoltcp wrote it.
        let _ = self.take_own_scale(segment, frame);
        if segment.syn {
            // The SYN of an active open has no acknowledgement number, so the edge is relative to 0 until the SYN,ACK
            // arrives.
            self.edge = TcpSeqNumber(segment.window.into());
        }
        if let Some(ack) = segment.ack.filter(|_| !segment.rst) {
            let scale = if segment.syn { 0 } else { self.scale };
            self.edge = ack + (usize::from(segment.window) << scale);
            self.announced_ack = ack;
        }
        if segment.syn {
            (self.iss, self.una, self.nxt) = (segment.seq, segment.seq, segment.seq + 1);
        } else if !segment.rst {
            self.nxt = self.nxt.max(segment.end());
        }
    }

    /// Returns the sequence number, acknowledgement number and window field of an ACK for everything received.
    ///
    /// The caller must send this ACK, because its window counts as announced.
    pub(super) fn acknowledgement(&mut self) -> (TcpSeqNumber, TcpSeqNumber, u16) {
        #[cfg(feature = "recovery")]
        let (seq, field) = (self.bare_number(), self.field_to_announce(self.rcv_nxt));
        #[cfg(not(feature = "recovery"))]
        let (seq, field) = (self.nxt, (distance(self.rcv_nxt, self.edge) >> self.scale).min(u16::MAX.into()) as u16);
        (seq, self.rcv_nxt, field)
    }
}
