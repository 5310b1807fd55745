//! Snapshots of the connections, for reports.

use smoltcp::socket::tcp;
use smoltcp::time::Instant;

#[cfg(feature = "recovery")]
use super::{deadlines::sooner, slot::Queue};
#[cfg(feature = "recovery")]
use crate::stack::control::Control;
use crate::stack::control::Repeat;
use crate::stack::{ConnectionId, Phase, Session, Stack, Tuple, UdpSession};

/// A snapshot of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The connection.
    pub id: ConnectionId,
    /// The connection's two endpoints.
    pub tuple: Tuple,
    /// The connection's TCP state.
    pub state: tcp::State,
    /// The connection's phase in the stack.
    pub phase: Phase,
    /// The number of bytes that are queued to be sent, or not acknowledged yet.
    pub send_queue: usize,
    /// The number of received bytes that the program has not read yet.
    pub receive_queue: usize,
    /// The time at which the connection next has work, unless a frame arrives earlier.
    pub due: Option<Instant>,
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Returns a snapshot of each connection, in slot order.
    pub fn connections_in_use(&self) -> impl Iterator<Item = Connection> {
        self.connections.slots.iter().enumerate().filter_map(|(index, slot)| {
            Some(Connection {
                id: self.connections.id(index),
                tuple: self.connections.tuple(index)?,
                state: slot.state,
                phase: slot.phase,
                send_queue: slot.peek().map_or(0, |socket| socket.send_queue()),
                receive_queue: slot.peek().map_or(0, |socket| socket.recv_queue()),
                due: self.connections.due_of(index),
            })
        })
    }

    /// Returns the TCP variables that this end keeps for each connection, in slot order.
    #[cfg(feature = "recovery")]
    pub(crate) fn controls(&self) -> impl Iterator<Item = (Tuple, Control)> {
        self.connections.slots.iter().enumerate().filter_map(|(index, slot)| {
            let queues = slot.peek().map_or([0; 2], |socket| [socket.send_queue(), socket.recv_queue()]);
            let [send_queue, _] = queues;
            let mut control = slot.control.snapshot(slot.state, queues, self.config.tcp.nagle);
            control.time_wait = (slot.state == tcp::State::TimeWait).then_some(slot.time_wait_until);
            control.user_timeout = sooner(slot.give_up_at, slot.dead_at(self.config.tcp.idle_timeout));
            // smoltcp reports when its next timer expires, but not which timer this is. If an ACK is owed, it is the
            // delayed-ACK timer. If there is nothing to send or to retransmit, it is the keep-alive timer. A queued
            // connection has work now, so no timer is shown.
            let at = slot.socket_at.filter(|_| slot.queue != Queue::Run);
            match (slot.control.owes_ack(), send_queue, slot.control.flight()) {
                (true, ..) => control.delayed_ack = at.filter(|_| self.config.tcp.ack_delay.is_some()),
                (false, 0, 0) => control.keep_alive = at.filter(|_| control.time_wait.is_none()),
                _ => {}
            }
            Some((self.connections.tuple(index)?, control))
        })
    }

    /// Returns why a connection's segment was most recently sent again. Each reason is returned once.
    pub(crate) fn take_repeat(&mut self, tuple: &Tuple) -> Option<Repeat> {
        let index = self.connections.find(tuple)?;
        self.connections.slots[index].control.take_repeat()
    }
}
