//! Snapshots of what this end keeps about its connections.

use smoltcp::socket::tcp::State;

use crate::stack::control::Control;
use crate::stack::event::Tuple;
use crate::stack::{Session, Stack, UdpSession};

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Returns what this end keeps about each connection, in slot order.
    pub(crate) fn controls(&self) -> impl Iterator<Item = (Tuple, Control)> {
        self.connections.slots.iter().enumerate().filter_map(|(index, slot)| {
            let queue = slot.peek().map_or(0, |socket| socket.send_queue());
            let mut control = slot.control.snapshot(slot.state, queue, self.config.tcp.nagle);
            control.time_wait = (slot.state == State::TimeWait).then_some(slot.time_wait_until);
            Some((self.connections.tuple(index)?, control))
        })
    }
}
