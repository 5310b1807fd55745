//! Generated segments. The stack passes generated segments to smoltcp as if the peer had sent them, to control
//! smoltcp's output.

#[cfg(feature = "recovery")]
use smoltcp::phy::DeviceCapabilities;
use smoltcp::phy::{PacketMeta, TxToken};
use smoltcp::socket::tcp::Socket;
#[cfg(feature = "recovery")]
use smoltcp::socket::tcp::State;
#[cfg(feature = "recovery")]
use smoltcp::time::Duration;
#[cfg(feature = "recovery")]
use smoltcp::time::Instant;
use smoltcp::wire::TcpControl;

#[cfg(feature = "recovery")]
use super::Slot;
use crate::stack::control;
use crate::stack::event::Probe;
use crate::stack::ingress::{OneFrame, WatchedTx};
#[cfg(feature = "recovery")]
use crate::stack::isn::Described;
use crate::stack::{Session, Stack, UdpSession};

/// How far in the future [`Stack::rewind`] polls smoltcp. smoltcp's retransmission timer expires before that time.
#[cfg(feature = "recovery")]
const AGES: Duration = Duration::from_secs(100);

#[cfg(feature = "recovery")]
impl<S> Slot<'_, S> {
    /// Returns the window field of the pure ACK that the stack must pass to smoltcp next, if any.
    ///
    /// The ACK tells smoltcp that SND.UNA has moved, because smoltcp does not see the peer's pure ACKs. Or it gives
    /// smoltcp another window, which limits what smoltcp may send. Returns `None` if smoltcp already knows both, and in
    /// a state in which smoltcp has no use for them.
    ///
    /// From ESTABLISHED on, the call also reduces the congestion window after an idle time, and can start or stop the
    /// persist timer: see `changed_field`.
    pub(super) fn news(&mut self, now: Instant) -> Option<u16> {
        let socket = self.peek()?;
        let (state, queue) = (socket.state(), socket.send_queue());
        let block = &mut self.control;
        let una_has_moved = block.has_news();
        match state {
            // In these states, smoltcp reads the window from every ACK.
            State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait | State::Closing => {
                match block.changed_field(now, queue) {
                    // smoltcp must also learn a new SND.UNA, even if the window stays the same.
                    None if una_has_moved => Some(block.field(now, queue as u32)),
                    changed => changed,
                }
            }
            // In LAST-ACK, smoltcp reads the window only from an ACK that moves SND.UNA.
            State::LastAck if una_has_moved => Some(block.field_in_last_ack(now, queue as u32)),
            // Before ESTABLISHED, smoltcp sees the peer's own segments. Once closed or in TIME-WAIT, it sends no data.
            _ => None,
        }
    }
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Passes smoltcp a generated pure ACK if SND.UNA or the window that smoltcp may use has changed. smoltcp does not
    /// see the peer's own pure ACKs, because the control block processes them.
    #[cfg(feature = "recovery")]
    pub(in crate::stack) fn show_news<T: TxToken, P: Probe>(&mut self, index: usize, tx: &mut WatchedTx<'_, '_, T, P>) {
        if let Some(window_field) = self.connections.slots[index].news(tx.out.now) {
            self.show_ack(index, window_field, tx);
        }
    }

    /// Passes smoltcp a generated pure ACK with the given window field, as if the peer had sent the ACK.
    #[cfg(feature = "recovery")]
    pub(super) fn show_ack<T: TxToken, P: Probe>(
        &mut self,
        index: usize,
        window_field: u16,
        tx: &mut WatchedTx<'_, '_, T, P>,
    ) {
        self.show(index, window_field, TcpControl::None, tx);
    }

    /// Passes smoltcp a FIN that arrived early, now that all data before the FIN has arrived.
    pub(in crate::stack) fn show_fin<T: TxToken, P: Probe>(&mut self, index: usize, tx: &mut WatchedTx<'_, '_, T, P>) {
        let field = self.connections.slots[index].control.fin_field();
        self.show(index, field, TcpControl::Fin, tx);
    }

    /// Passes smoltcp a generated segment with the given window field, as if the peer had sent the segment. Discards
    /// smoltcp's answer, because the peer has sent nothing.
    fn show<T: TxToken, P: Probe>(
        &mut self,
        index: usize,
        window_field: u16,
        control: TcpControl,
        tx: &mut WatchedTx<'_, '_, T, P>,
    ) {
        let Some(tuple) = self.connections.tuple(index) else { return };
        let slot = &mut self.connections.slots[index];
        let (Some((set, handle)), block) = (&mut slot.set, &mut slot.control) else { return };
        let (ack, seq) = block.received();
        let mut repr = control::bare(&tuple, seq, ack, window_field);
        repr.control = control;
        let mut packet = [0; control::LONGEST];
        let Some(len) = control::write(&mut packet, &tuple, &repr, &control::inner_checksums()) else { return };
        // Without a token, smoltcp cannot send its answer.
        tx.token = None;
        self.iface.poll_ingress_single(
            tx.out.now,
            &mut OneFrame::new(&packet[..len], PacketMeta::default(), tx.take()),
            set,
        );
        let state = set.get::<Socket>(*handle).state();
        // The segment contains no data, but smoltcp might have accepted its FIN.
        block.passed(0, state);
        // The segment is not a SYN, so its window field is scaled.
        #[cfg(feature = "recovery")]
        block.shown(window_field, false);
    }

    /// Makes smoltcp send again from SND.UNA, if the control block requests this, for example after a loss.
    ///
    /// smoltcp sends data again only after its retransmission timer has expired. To make this timer expire, the stack
    /// polls smoltcp with a time far in the future. The device of this poll accepts no frame, so no segment is sent
    /// yet.
    #[cfg(feature = "recovery")]
    pub(super) fn rewind(&mut self, now: Instant, index: usize) {
        let slot = &mut self.connections.slots[index];
        if !slot.control.wants_rewind() {
            return;
        }
        if let Some((set, _)) = &mut slot.set {
            self.iface.poll_egress(now + AGES, &mut Described(DeviceCapabilities::default()), set);
            // From now on, smoltcp sends from SND.UNA again.
            slot.control.rewound();
        }
    }
}
