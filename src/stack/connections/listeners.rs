//! Listeners and their backlogs. stack/ingress/admission.rs decides what happens to a SYN when the backlog is full.

use super::Connections;
use super::list::List;
use super::slot_index::PHASE_LIST;
use crate::stack::Session;
use crate::stack::config::Listener;

/// A listener, the number of connections that it serves, and its backlog.
pub(super) struct Listening<S> {
    pub(super) listener: Listener<S>,
    /// The number of connections that are being served.
    pub(super) serving: usize,
    /// The established connections that wait to be served, oldest first.
    pub(super) backlog: List<PHASE_LIST>,
}

impl<S: Session + Clone> Connections<'_, S> {
    /// Adds a listener. Returns false if the list of listeners is full.
    pub(in crate::stack) fn add_listener(&mut self, listener: Listener<S>) -> bool {
        self.listeners.push(Listening { listener, serving: 0, backlog: List::EMPTY }).is_ok()
    }

    /// Returns the number of the listener on `port`, or `None` if there is no listener on this port.
    pub(in crate::stack) fn listener_on(&self, port: u16) -> Option<usize> {
        self.listeners.iter().position(|listening| listening.listener.port == port)
    }

    /// Returns whether any listener still has a port. Returns false after [`stop_listening`](Self::stop_listening).
    pub(in crate::stack) fn is_listening(&self) -> bool {
        self.listeners.iter().any(|listening| listening.listener.port != 0)
    }

    /// Stops listening. Listeners keep their numbers, because connections refer to them. The port of each listener
    /// becomes 0, and no SYN is ever addressed to port 0.
    pub(in crate::stack) fn stop_listening(&mut self) {
        for listening in self.listeners.iter_mut() {
            listening.listener.port = 0;
            listening.listener.serve_at_once = 0;
        }
    }

    /// Returns whether a listener can serve one more established connection or keep it in the backlog. Connections in
    /// SYN-RECEIVED are not counted, because each of them is checked again when it is established.
    pub(in crate::stack) fn listener_has_room(&self, listener: usize) -> bool {
        self.listeners.get(listener).is_none_or(|listening| {
            let limit = listening.listener.serve_at_once.saturating_add(listening.listener.backlog);
            listening.serving + listening.backlog.len() < limit
        })
    }
}
