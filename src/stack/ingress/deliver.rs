//! Passes a segment to its connection: the control block first, then smoltcp.

use smoltcp::phy::{PacketMeta, TxToken};
use smoltcp::socket::tcp::{Socket, State};
use smoltcp::time::Instant;
use smoltcp::wire::{TcpControl, TcpRepr, TcpSeqNumber};

use super::frame::{OneFrame, Outgoing, WatchedTx};
use crate::stack::control::{self, Segment, Verdict};
use crate::stack::event::{Event, Probe, Tuple};
use crate::stack::{Session, Stack, UdpSession};

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Passes a segment to the connection in a slot.
    pub(super) fn deliver<T: TxToken, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        segment: &Segment,
        (packet, meta): (&[u8], PacketMeta),
        tx: &mut WatchedTx<'_, T, P>,
    ) {
        let slot = &mut self.connections.slots[index];
        let (Some((set, handle)), block) = (&mut slot.set, &mut slot.control) else { return };
        let socket = set.get::<Socket>(*handle);
        let (state, unread) = (socket.state(), socket.recv_queue());
        let mut syn = [0; control::LONGEST];
        // RFC 9293 section 3.10.7.4: a repeated FIN restarts the time.
        if state == State::TimeWait && segment.fin && segment.end() == block.next_expected() {
            slot.time_wait_until = now + self.config.tcp.time_wait;
        }
        let verdict = block.arrives(now, state, segment, packet);
        let (shown, scratch) = match verdict {
            Verdict::Challenge(why) => {
                tx.probe.event(now, &Event::Dropped(why));
                let numbers = block.acknowledgement();
                return self.acknowledge(&segment.tuple, numbers, tx);
            }
            Verdict::Copy(patch) => {
                // The first half is for the copy, the second for what smoltcp answers.
                let (copy, rest) = self.scratch.split_at_mut(self.scratch.len() / 2);
                let Some(len) = control::copy(copy, packet, segment, &patch) else { return };
                (&copy[..len], rest)
            }
            Verdict::Drop(why) => return tx.probe.event(now, &Event::Dropped(why)),
            Verdict::Answer | Verdict::Pass => (packet, &mut *self.scratch),
            Verdict::Syn => {
                let Some(len) = block.syn_for_smoltcp(&mut syn, segment, packet) else { return };
                #[cfg(feature = "recovery")]
                block.shown(segment.window, true);
                if state == State::Listen {
                    return self.process_syn(now, index, &syn[..len], tx);
                }
                (&syn[..len], &mut *self.scratch)
            }
            #[cfg(feature = "recovery")]
            Verdict::Taken => return self.show_news(index, tx),
        };
        let mut reply = tx.take();
        reply.outgoing = Some(Outgoing {
            block,
            #[cfg(feature = "recovery")]
            scratch,
            #[cfg(feature = "recovery")]
            checksums: &self.checksums,
        });
        #[cfg(not(feature = "recovery"))]
        let _ = scratch;
        self.iface.poll_ingress_single(now, &mut OneFrame::new(shown, meta, &mut reply), set);
        let socket = set.get::<Socket>(*handle);
        block.passed(socket.recv_queue().saturating_sub(unread), socket.state());
        #[cfg(feature = "recovery")]
        match verdict {
            Verdict::Answer if block.has_news() => self.show_news(index, tx),
            Verdict::Answer | Verdict::Syn => {}
            _ => block.shown(shown_window(shown, segment), false),
        }
        let block = &mut self.connections.slots[index].control;
        if block.fin_is_due() {
            self.show_fin(index, tx);
        }
    }

    /// Answers a segment with an ACK of this sequence number, acknowledgement and window field.
    pub(super) fn acknowledge<T: TxToken, P: Probe>(
        &self,
        tuple: &Tuple,
        (seq, ack, window): (TcpSeqNumber, TcpSeqNumber, u16),
        tx: &mut WatchedTx<'_, T, P>,
    ) {
        let tuple = tuple.reversed();
        self.answer(&tuple, &control::bare(&tuple, seq, ack, window), tx);
    }

    /// Answers a segment without ACK for a closed port with RST (RFC 9293 section 3.10.7.1).
    pub(super) fn refuse<T: TxToken, P: Probe>(&self, segment: &Segment, tx: &mut WatchedTx<'_, T, P>) {
        let tuple = segment.tuple.reversed();
        let mut repr = control::bare(&tuple, TcpSeqNumber(0), segment.end(), 0);
        repr.control = TcpControl::Rst;
        self.answer(&tuple, &repr, tx);
    }

    /// Sends a segment from the tuple's remote endpoint to its local one.
    fn answer<T: TxToken, P: Probe>(&self, tuple: &Tuple, repr: &TcpRepr<'_>, tx: &mut WatchedTx<'_, T, P>) {
        let mut reply = [0; control::LONGEST];
        if let Some(len) = control::write(&mut reply, tuple, repr, &self.checksums) {
            tx.take().consume(len, |out| out.copy_from_slice(&reply[..len]));
        }
    }
}

/// The window field of the packet that smoltcp saw.
#[cfg(feature = "recovery")]
fn shown_window(shown: &[u8], segment: &Segment) -> u16 {
    let field = shown.get(segment.header + 14..segment.header + 16);
    field.map_or(0, |field| u16::from_be_bytes([field[0], field[1]]))
}
