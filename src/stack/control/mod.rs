//! The control block of a connection (RFC 9293 section 3.3.1), kept beside smoltcp's own from the frames alone.
//!
//! Every frame of a connection passes [`Block::arrives`] before smoltcp sees it, and [`Block::leaves`] after smoltcp made it.
//! police.rs decides which segments smoltcp sees, and which are answered in its place. recovery.rs finds what was lost, and says
//! what smoltcp may send; show.rs and rewind.rs make it do so. receiver.rs completes what smoltcp tells the peer.

#[cfg(feature = "recovery")]
mod congestion;
#[cfg(feature = "recovery")]
mod cubic;
mod police;
#[cfg(feature = "recovery")]
mod receiver;
#[cfg(feature = "recovery")]
mod recovery;
#[cfg(feature = "recovery")]
mod rtt;
#[cfg(feature = "recovery")]
mod scoreboard;
mod segment;

#[cfg(feature = "recovery")]
pub use congestion::Congestion;
pub(super) use police::Verdict;
#[cfg(feature = "recovery")]
pub(super) use recovery::{Leave, Options};
pub(super) use segment::{LONGEST, Patch, Segment, bare, copy, inner_checksums, write};
#[cfg(feature = "recovery")]
pub(super) use segment::{renumber, shorten};

use smoltcp::socket::tcp::State;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, TcpControl, TcpOption, TcpSeqNumber};

use super::event::DropReason;

/// Why a segment leaves again that left before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "recovery"), allow(dead_code))]
pub(crate) enum Repeat {
    /// The timer expired for an earlier segment, and this one counts as lost, too.
    AfterTimer,
    /// Duplicate acknowledgements, or selective ones, showed that it was lost.
    Duplicates,
    /// The peer's SYN came again.
    RepeatedSyn,
    /// It probes whether the tail was lost.
    TailProbe,
    /// The retransmission timer expired, after this time.
    Timer(Duration),
    /// The peer's window has opened again: what left into the closed window was not accepted.
    WindowOpened,
}

/// The bytes from `from` to `to`; 0 if `to` is not ahead.
fn distance(from: TcpSeqNumber, to: TcpSeqNumber) -> u32 {
    to.0.wrapping_sub(from.0).max(0) as u32
}

/// What the frames of one connection tell. The names are those of RFC 9293 section 3.3.1.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// ISS. If the peer opens the connection, the ISS is known before the SYN,ACK leaves.
    iss: TcpSeqNumber,
    /// SND.UNA.
    una: TcpSeqNumber,
    /// SND.NXT: after the last byte that ever left.
    nxt: TcpSeqNumber,
    /// SND.WND in bytes.
    window: u32,
    /// The largest window that the peer ever offered, in bytes.
    largest_window: u32,
    /// SND.WL1 and SND.WL2.
    window_from: (TcpSeqNumber, TcpSeqNumber),
    /// The shift of the peer's window field.
    peer_scale: u8,
    /// IRS.
    irs: TcpSeqNumber,
    /// RCV.NXT.
    rcv_nxt: TcpSeqNumber,
    /// The right edge of the window that the peer was offered.
    edge: TcpSeqNumber,
    /// The shift of our window field.
    scale: u8,
    /// The newest acknowledgement that left.
    told_ack: TcpSeqNumber,
    /// A FIN that came before the data in front of it, by its sequence number.
    early_fin: Option<TcpSeqNumber>,
    /// Whether the peer's FIN was taken.
    fin_taken: bool,
    /// No challenge ACK before this time.
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
        told_ack: TcpSeqNumber(0),
        early_fin: None,
        fin_taken: false,
        challenge_at: Instant::ZERO,
        #[cfg(feature = "recovery")]
        receiver: receiver::Receiver::NEW,
        #[cfg(feature = "recovery")]
        recovery: recovery::Recovery::NEW,
    };

    /// Returns the sequence number of the connection's SYN,ACK.
    pub(super) fn isn(&self) -> u32 {
        self.iss.0 as u32
    }

    /// Sets the sequence number of the SYN,ACK. No segment has left yet.
    pub(super) fn set_isn(&mut self, isn: u32) {
        self.iss = TcpSeqNumber(isn as i32);
        (self.una, self.nxt) = (self.iss, self.iss);
    }

    /// RCV.NXT.
    pub(super) fn next_expected(&self) -> TcpSeqNumber {
        self.rcv_nxt
    }

    /// SND.NXT.
    #[cfg(feature = "recovery")]
    pub(super) fn next_to_send(&self) -> TcpSeqNumber {
        self.nxt
    }

    /// The number of sequence numbers that left and were not acknowledged.
    pub(super) fn flight(&self) -> u32 {
        distance(self.una, self.nxt)
    }

    /// Whether a segment that begins with this number is in flight (RFC 5927 section 4.1).
    #[cfg(feature = "recovery")]
    pub(super) fn is_in_flight(&self, seq: TcpSeqNumber) -> bool {
        self.una <= seq && seq < self.nxt
    }

    /// Takes in the peer's SYN. `frame` holds the segment.
    fn take_syn(&mut self, segment: &Segment, frame: &[u8]) {
        (self.irs, self.rcv_nxt, self.edge) = (segment.seq, segment.seq + 1, segment.seq + 1);
        self.window = segment.window.into();
        self.largest_window = self.window;
        self.window_from = (segment.seq, segment.ack.unwrap_or(self.una));
        let own_scale = core::mem::take(&mut self.scale);
        for option in segment.options(frame) {
            if let TcpOption::WindowScale(scale) = option {
                // RFC 7323 section 2.3: a larger shift counts as 14.
                self.peer_scale = scale.min(14);
                self.scale = own_scale;
            }
        }
        #[cfg(feature = "recovery")]
        self.begin_receiving();
    }

    /// Takes in the result of a segment that smoltcp saw: `received` more bytes wait for the program, and the state is `state`.
    pub(super) fn passed(&mut self, received: usize, state: State) {
        self.rcv_nxt += received;
        let closed = matches!(state, State::CloseWait | State::LastAck | State::Closing | State::TimeWait);
        if closed && !self.fin_taken {
            self.fin_taken = true;
            self.rcv_nxt += 1;
        }
    }

    /// Whether a FIN that came early is due: all data in front of it was received.
    pub(super) fn fin_is_due(&self) -> bool {
        !self.fin_taken && self.early_fin == Some(self.rcv_nxt)
    }

    /// Why a segment last left again. Each reason is returned once.
    pub(super) fn take_repeat(&mut self) -> Option<Repeat> {
        #[cfg(feature = "recovery")]
        let repeat = self.recovery.repeat.take();
        #[cfg(not(feature = "recovery"))]
        let repeat = None;
        repeat
    }

    /// SND.NXT and RCV.NXT.
    pub(super) fn next_numbers(&self) -> (TcpSeqNumber, TcpSeqNumber) {
        (self.nxt, self.rcv_nxt)
    }

    /// SND.UNA and RCV.NXT.
    pub(super) fn received(&self) -> (TcpSeqNumber, TcpSeqNumber) {
        (self.una, self.rcv_nxt)
    }

    /// The window field of a FIN that smoltcp is shown: the one that it was last shown.
    pub(super) fn fin_field(&self) -> u16 {
        #[cfg(feature = "recovery")]
        let field = self.recovery.last_field();
        #[cfg(not(feature = "recovery"))]
        let field = (self.window >> self.peer_scale).min(u16::MAX.into()) as u16;
        field
    }

    /// Writes the SYN that smoltcp is shown: its options are those that smoltcp can use, whatever the peer's looked like.
    pub(super) fn syn_for_smoltcp(&self, out: &mut [u8], segment: &Segment, packet: &[u8]) -> Option<usize> {
        let mut repr = bare(&segment.tuple, segment.seq, segment.ack.unwrap_or_default(), segment.window);
        repr.control = TcpControl::Syn;
        repr.ack_number = segment.ack;
        // RFC 9293 section 3.7.1.
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

    /// The peer's window scale (shift count), as smoltcp is told it.
    #[cfg(not(feature = "recovery"))]
    fn shown_scale(&self) -> u8 {
        self.peer_scale
    }

    /// Whether something was received that no segment has acknowledged yet.
    pub(super) fn owes_ack(&self) -> bool {
        self.told_ack != self.rcv_nxt
    }

    /// Takes the shift of our window from the SYN that we send.
    fn take_own_scale(&mut self, segment: &Segment, frame: &[u8]) {
        if segment.syn {
            let scale = segment.options(frame).find_map(|option| match option {
                TcpOption::WindowScale(scale) => Some(scale),
                _ => None,
            });
            self.scale = scale.unwrap_or(0);
        }
    }

    /// The right edge of what smoltcp takes.
    #[cfg(not(feature = "recovery"))]
    fn limit(&self) -> TcpSeqNumber {
        self.edge
    }

    /// Takes in a segment that smoltcp made.
    #[cfg(not(feature = "recovery"))]
    pub(super) fn leaves(&mut self, segment: &Segment, frame: &[u8]) {
        self.take_own_scale(segment, frame);
        if let Some(ack) = segment.ack.filter(|_| !segment.rst) {
            let scale = if segment.syn { 0 } else { self.scale };
            self.edge = ack + (usize::from(segment.window) << scale);
            self.told_ack = ack;
        }
        if segment.syn {
            (self.iss, self.una, self.nxt) = (segment.seq, segment.seq, segment.seq + 1);
        } else if !segment.rst {
            self.nxt = self.nxt.max(segment.end());
        }
    }

    /// The segment that acknowledges what was received and carries nothing else, as `(seq, ack, window field)`.
    pub(super) fn acknowledgement(&mut self) -> (TcpSeqNumber, TcpSeqNumber, u16) {
        #[cfg(feature = "recovery")]
        let field = self.field_to_tell(self.rcv_nxt);
        #[cfg(not(feature = "recovery"))]
        let field = (distance(self.rcv_nxt, self.edge) >> self.scale).min(u16::MAX.into()) as u16;
        (self.nxt, self.rcv_nxt, field)
    }
}
