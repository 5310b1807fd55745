//! DNS over TCP: the connections for replies that are too long for a datagram.

use std::time::Duration;

use smoltcp::time::Instant;

use super::console::Stdio;
use super::watch::Watch;
use crate::names::{Resolver, TcpQuery, WithQuery, WithResolver};
use crate::phy::linux::TunTap;
use crate::stack::{ConnectionId, Io, Session, Stack, UdpSession};

/// How long a lookup waits for its connections to close after its end.
pub const GRACE: Duration = Duration::from_secs(1);

/// A stack with a resolver on a UDP port.
type Resolving<'a, S, U> = Stack<'a, WithQuery<S>, WithResolver<U>>;

/// The queries over TCP of one lookup.
pub struct TcpQueries {
    /// The UDP port of the resolver.
    port: u16,
    /// The time limit of the lookup.
    patience: Duration,
    /// The connections whose query has no result, and the resolver's numbers of these queries.
    running: Vec<(ConnectionId, usize)>,
    closing: Vec<ConnectionId>,
}

impl TcpQueries {
    /// Makes the queries of the resolver on `port`, which gives up after `patience`.
    pub fn new(port: u16, patience: Duration) -> Self {
        TcpQueries { port, patience, running: Vec::new(), closing: Vec::new() }
    }

    /// Returns whether [`advance`](Self::advance) has something to do.
    pub fn is_due<S: Session + Clone, U: UdpSession>(&self, stack: &mut Resolving<'_, S, U>) -> bool {
        let wanted = self.resolver(stack).is_some_and(|resolver| resolver.wants_tcp());
        wanted || self.running.iter().any(|(id, _)| ended(stack, *id).is_some())
    }

    /// Begins the queries that the resolver wants, and gives it the results of those that have ended.
    pub fn advance<S: Session + Clone, U: UdpSession>(
        &mut self,
        stack: &mut Resolving<'_, S, U>,
        io: &mut Io<TunTap, Stdio, Watch<'_>>,
        now: Instant,
    ) {
        for (id, number) in std::mem::take(&mut self.running) {
            match ended(stack, id) {
                None => self.running.push((id, number)),
                Some(query) => {
                    self.closing.push(id);
                    if let Some(resolver) = self.resolver(stack) {
                        resolver.end_tcp(number, Some(&query), now);
                    }
                }
            }
        }
        while let Some((number, server, query)) = self.resolver(stack).and_then(Resolver::next_tcp) {
            let patience = TcpQuery::PATIENCE.min(self.patience.into());
            match stack.connect(now, server, WithQuery::Query(query), patience, io) {
                Ok(id) => {
                    io.probe.leave_out(id);
                    self.running.push((id, number));
                }
                Err(error) => {
                    log::debug!("no connection to DNS server {}: {error}", server.addr);
                    if let Some(resolver) = self.resolver(stack) {
                        resolver.end_tcp(number, None, now);
                    }
                }
            }
        }
        stack.wake_programs();
    }

    /// Frees the slots of connections that have closed. Returns whether none is left that is closing.
    pub fn are_closed<S: Session + Clone, U: UdpSession>(&mut self, stack: &mut Resolving<'_, S, U>) -> bool {
        self.closing.retain(|id| stack.take(*id).is_none());
        self.closing.is_empty()
    }

    fn resolver<'s, S: Session + Clone, U: UdpSession>(
        &self,
        stack: &'s mut Resolving<'_, S, U>,
    ) -> Option<&'s mut Resolver> {
        match stack.udp_program(self.port)? {
            WithResolver::Resolver(resolver) => Some(resolver),
            WithResolver::Program(_) => None,
        }
    }
}

/// Returns a query that has ended, whose connection may still be closing.
fn ended<S: Session + Clone, U: UdpSession>(stack: &Resolving<'_, S, U>, id: ConnectionId) -> Option<TcpQuery> {
    match stack.session(id)? {
        WithQuery::Query(query) if query.has_ended() => Some(query.clone()),
        _ => None,
    }
}
