//! Delivers a segment to its connection: first to the control block, then to smoltcp.

use smoltcp::phy::{PacketMeta, TxToken};
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::time::Instant;
use smoltcp::wire::{TcpControl, TcpRepr, TcpSeqNumber};

use super::frame::{OneFrame, Outgoing, WatchedTx};
use crate::stack::control::{self, Patch, Segment, Verdict};
use crate::stack::event::{Event, Probe, Tuple};
use crate::stack::{Session, Stack, UdpSession};

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Delivers a segment to the connection in slot `index`. The connection's control block decides what happens to the
    /// segment: it is dropped, answered with an ACK, or passed to smoltcp, as it is or in a changed copy.
    pub(super) fn deliver<T: TxToken, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        segment: &Segment,
        (packet, meta): (&[u8], PacketMeta),
        tx: &mut WatchedTx<'_, '_, T, P>,
    ) {
        let slot = &mut self.connections.slots[index];
        let block = &mut slot.control;
        let Some((set, handle)) = &slot.set else { return };
        let state = set.get::<Socket>(*handle).state();
        // RFC 9293 section 3.10.7.4: a repeated FIN restarts the TIME-WAIT timer.
        if state == State::TimeWait && segment.fin && segment.end() == block.next_expected() {
            slot.time_wait_until = now + self.config.tcp.time_wait;
        }
        let verdict = block.arrives(now, state, segment, packet);
        match verdict {
            Verdict::Challenge(why) => {
                tx.out.probe.event(now, &Event::Dropped(why));
                let numbers = block.acknowledgement();
                return self.acknowledge(&segment.tuple, numbers, tx);
            }
            Verdict::Drop(why) => return tx.out.probe.event(now, &Event::Dropped(why)),
            Verdict::Copy(patch) => self.pass_copy(index, segment, &patch, (packet, meta), tx),
            Verdict::Syn => return self.deliver_syn(now, index, state, segment, (packet, meta), tx),
            Verdict::Answer | Verdict::Pass => {
                // `pass` borrows the stack, so the scratch memory is taken out and put back.
                let scratch = core::mem::take(&mut self.scratch);
                self.pass(index, (packet, meta), scratch, tx);
                self.scratch = scratch;
            }
            #[cfg(feature = "recovery")]
            Verdict::Processed => return self.show_news(index, tx),
        }
        let block = &mut self.connections.slots[index].control;
        // The control block records which window and acknowledgement smoltcp has seen. The segment is not a SYN, so its
        // window field is scaled.
        #[cfg(feature = "recovery")]
        match verdict {
            Verdict::Answer if block.has_news() => self.show_news(index, tx),
            Verdict::Pass => block.shown(segment.window, false),
            Verdict::Copy(patch) => block.shown(patch.window, false),
            _ => {}
        }
        #[cfg(feature = "recovery")]
        let block = &mut self.connections.slots[index].control;
        if block.fin_is_due() {
            self.show_fin(index, tx);
        }
    }

    /// Passes a packet to a connection's socket and sends the socket's answer. Then tells the control block how many
    /// bytes the socket has accepted. `_scratch` is memory for the answer, which only the feature `recovery` needs.
    fn pass<T: TxToken, P: Probe>(
        &mut self,
        index: usize,
        (packet, meta): (&[u8], PacketMeta),
        _scratch: &mut [u8],
        tx: &mut WatchedTx<'_, '_, T, P>,
    ) {
        let slot = &mut self.connections.slots[index];
        let (Some((set, handle)), block) = (&mut slot.set, &mut slot.control) else { return };
        let unread = set.get::<Socket>(*handle).recv_queue();
        let WatchedTx { token, out } = tx;
        let now = out.now;
        // The control block sees smoltcp's answer before the answer is sent.
        let mut out = out.of(Outgoing {
            block,
            #[cfg(feature = "recovery")]
            scratch: _scratch,
            #[cfg(feature = "recovery")]
            checksums: &self.checksums,
        });
        let reply = WatchedTx { token: token.take(), out: &mut out };
        self.iface.poll_ingress_single(now, &mut OneFrame::new(packet, meta, reply), set);
        let socket = set.get::<Socket>(*handle);
        block.passed(socket.recv_queue().saturating_sub(unread), socket.state());
    }

    /// Passes a changed copy of a packet to a connection's socket.
    ///
    /// The first half of the scratch memory contains the copy. The second half is for smoltcp's answer.
    #[inline(never)]
    fn pass_copy<T: TxToken, P: Probe>(
        &mut self,
        index: usize,
        segment: &Segment,
        patch: &Patch,
        (packet, meta): (&[u8], PacketMeta),
        tx: &mut WatchedTx<'_, '_, T, P>,
    ) {
        // `pass` borrows the stack, so the scratch memory is taken out and put back.
        let scratch = core::mem::take(&mut self.scratch);
        let (copy, rest) = scratch.split_at_mut(scratch.len() / 2);
        if let Some(len) = control::copy(copy, packet, segment, patch) {
            self.pass(index, (&copy[..len], meta), rest, tx);
        }
        self.scratch = scratch;
    }

    /// Delivers a SYN to smoltcp, in a copy with only the options that smoltcp supports.
    ///
    /// In LISTEN, the SYN opens the connection in slot `index`. In SYN-SENT, the SYN answers our own SYN or crosses it.
    #[inline(never)]
    fn deliver_syn<T: TxToken, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        state: State,
        segment: &Segment,
        (packet, meta): (&[u8], PacketMeta),
        tx: &mut WatchedTx<'_, '_, T, P>,
    ) {
        // Never inlined, so that only a SYN needs space for this copy on the call stack.
        let mut syn = [0; control::LONGEST];
        let block = &mut self.connections.slots[index].control;
        let Some(len) = block.syn_for_smoltcp(&mut syn, segment, packet) else { return };
        // The window field of a SYN is not scaled.
        #[cfg(feature = "recovery")]
        block.shown(segment.window, true);
        match state {
            State::Listen => self.process_syn(now, index, &syn[..len], tx),
            // smoltcp's answer to a SYN has no data.
            _ => self.pass(index, (&syn[..len], meta), &mut [0; control::LONGEST], tx),
        }
    }

    /// Answers a segment with an ACK that has the given sequence number, acknowledgement number and window field.
    pub(super) fn acknowledge<T: TxToken, P: Probe>(
        &self,
        tuple: &Tuple,
        (seq, ack, window): (TcpSeqNumber, TcpSeqNumber, u16),
        tx: &mut WatchedTx<'_, '_, T, P>,
    ) {
        // `bare` takes the tuple's remote endpoint as the sender, but the ACK comes from this host.
        let tuple = tuple.reversed();
        self.answer(&tuple, &control::bare(&tuple, seq, ack, window), tx);
    }

    /// Answers a segment to a closed port with RST. The segment has no ACK (RFC 9293 section 3.10.7.1).
    pub(super) fn refuse<T: TxToken, P: Probe>(&self, segment: &Segment, tx: &mut WatchedTx<'_, '_, T, P>) {
        let tuple = segment.tuple.reversed();
        let mut repr = control::bare(&tuple, TcpSeqNumber(0), segment.end(), 0);
        repr.control = TcpControl::Rst;
        self.answer(&tuple, &repr, tx);
    }

    /// Sends a segment from the tuple's remote endpoint to its local endpoint.
    fn answer<T: TxToken, P: Probe>(&self, tuple: &Tuple, repr: &TcpRepr<'_>, tx: &mut WatchedTx<'_, '_, T, P>) {
        let mut reply = [0; control::LONGEST];
        if let Some(len) = control::write(&mut reply, tuple, repr, &self.checksums) {
            tx.take().consume(len, |out| out.copy_from_slice(&reply[..len]));
        }
    }
}
