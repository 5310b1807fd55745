//! Repeats DNS queries over TCP if their replies do not fit into a datagram.

use std::time::Duration;

use smoltcp::socket::tcp::Socket;
use smoltcp::time::Instant;

use super::console::Stdio;
use super::watch::Watch;
use crate::names::{Resolver, TcpQuery, WithResolver};
use crate::phy::linux::TunTap;
use crate::stack::{ConnectionId, Context, End, Io, Next, Session, Stack, UdpSession};

/// The maximum time that a finished lookup waits for its connections to close.
pub const GRACE: Duration = Duration::from_secs(1);

/// A stack with a resolver on a UDP port.
type Resolving<'a, S, U> = Stack<'a, WithQuery<S>, WithResolver<U>>;

/// The TCP queries of one lookup.
pub struct TcpQueries {
    /// The UDP port of the resolver.
    port: u16,
    /// The timeout of the lookup.
    patience: Duration,
    /// The connections whose query has no result yet, each with the query's number in the resolver.
    running: Vec<(ConnectionId, usize)>,
    /// The connections whose query has a result. These connections might still be closing.
    closing: Vec<ConnectionId>,
}

impl TcpQueries {
    /// Starts with no queries. `port` is the UDP port of the resolver. `patience` is the timeout of the
    /// lookup.
    pub fn new(port: u16, patience: Duration) -> Self {
        TcpQueries { port, patience, running: Vec::new(), closing: Vec::new() }
    }

    /// Returns whether [`advance`](Self::advance) should be called.
    pub fn is_due<S: Session + Clone, U: UdpSession>(&self, stack: &mut Resolving<'_, S, U>) -> bool {
        let wanted = self.resolver(stack).is_some_and(|resolver| resolver.wants_tcp());
        wanted || self.running.iter().any(|(id, _)| ended_query(stack, *id).is_some())
    }

    /// Passes the results of finished queries to the resolver, and starts the queries that it requests.
    pub fn advance<S: Session + Clone, U: UdpSession>(
        &mut self,
        stack: &mut Resolving<'_, S, U>,
        io: &mut Io<TunTap, Stdio, Watch<'_>>,
        now: Instant,
    ) {
        for (id, number) in std::mem::take(&mut self.running) {
            match ended_query(stack, id) {
                // The query is still running.
                None => self.running.push((id, number)),
                Some(query) => {
                    self.closing.push(id);
                    if let Some(resolver) = self.resolver(stack) {
                        resolver.end_tcp(number, Some(&query), now);
                    }
                }
            }
        }
        // `next_tcp` marks the query as begun, and does not return it again.
        while let Some((number, server, query)) = self.resolver(stack).and_then(Resolver::next_tcp) {
            // A connection must not wait longer than the whole lookup.
            let patience = TcpQuery::PATIENCE.min(self.patience.into());
            match stack.connect(now, server, WithQuery::Query(query.into()), patience, io) {
                Ok(id) => {
                    // The log and --events report only the connections of programs, not those of DNS queries.
                    io.probe.leave_out(id);
                    self.running.push((id, number));
                }
                Err(error) => {
                    log::debug!("no connection to DNS server {}: {error}", server.addr);
                    // `None`: the query failed, because its connection could not be begun.
                    if let Some(resolver) = self.resolver(stack) {
                        resolver.end_tcp(number, None, now);
                    }
                }
            }
        }
        // The resolver must run, because its queries have changed.
        stack.wake_programs();
    }

    /// Frees the slots of closed connections. Returns whether no connection is still closing.
    pub fn free_closed<S: Session + Clone, U: UdpSession>(&mut self, stack: &mut Resolving<'_, S, U>) -> bool {
        self.closing.retain(|id| stack.take(*id).is_none());
        self.closing.is_empty()
    }

    /// Returns the resolver, if it is still bound to its port.
    fn resolver<'s, S: Session + Clone, U: UdpSession>(
        &self,
        stack: &'s mut Resolving<'_, S, U>,
    ) -> Option<&'s mut Resolver> {
        match stack.udp_program(self.port)? {
            WithResolver::Resolver(resolver) => Some(resolver),
            // This port belongs to a program, and not to a resolver.
            WithResolver::Program(_) => None,
        }
    }
}

/// Returns the query of connection `id` if the query has ended. The connection might still be closing.
fn ended_query<S: Session + Clone, U: UdpSession>(stack: &Resolving<'_, S, U>, id: ConnectionId) -> Option<TcpQuery> {
    match stack.session(id)? {
        WithQuery::Query(query) if query.has_ended() => Some((**query).clone()),
        _ => None,
    }
}

/// A TCP program or a DNS query, for a stack that runs both.
#[derive(Clone, Debug)]
pub enum WithQuery<S> {
    /// The program.
    Program(S),
    /// A query.
    Query(Box<TcpQuery>),
}

impl<S> WithQuery<S> {
    /// Returns the program, or `None` for a query.
    pub fn program(&self) -> Option<&S> {
        if let WithQuery::Program(program) = self { Some(program) } else { None }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Session> Session for WithQuery<S> {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        match self {
            WithQuery::Program(program) => program.poll(socket, cx),
            WithQuery::Query(query) => query.poll(socket, cx),
        }
    }

    fn shut_down(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) {
        match self {
            WithQuery::Program(program) => program.shut_down(socket, cx),
            WithQuery::Query(query) => query.shut_down(socket, cx),
        }
    }

    fn ended(&mut self, end: End, cx: &mut Context<'_>) {
        match self {
            WithQuery::Program(program) => program.ended(end, cx),
            WithQuery::Query(query) => query.ended(end, cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::NullConsole;

    /// `WithQuery` passes each call to the program inside it. `Recorder` stores the names of these calls.
    #[test]
    fn each_call_is_forwarded_to_the_program() {
        #[derive(Clone, Debug, Default)]
        struct Recorder(Vec<&'static str>);
        impl Session for Recorder {
            fn poll(&mut self, _socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
                self.0.push("poll");
                Next::Abort
            }

            fn shut_down(&mut self, _socket: &mut Socket<'_>, _cx: &mut Context<'_>) {
                self.0.push("shut_down");
            }

            fn ended(&mut self, _end: End, _cx: &mut Context<'_>) {
                self.0.push("ended");
            }
        }
        let mut session = WithQuery::Program(Recorder::default());
        let buffer = || smoltcp::socket::tcp::SocketBuffer::new(vec![0; 16]);
        let mut socket = Socket::new(buffer(), buffer());
        let mut cx = Context {
            now: Instant::ZERO,
            console: &mut NullConsole,
            scratch: &mut [],
            udp_ports: &[],
            addresses: &[],
            held_back: false,
            wake: false,
        };
        assert_eq!(session.poll(&mut socket, &mut cx), Next::Abort);
        session.shut_down(&mut socket, &mut cx);
        session.ended(End::Closed, &mut cx);
        assert_eq!(session.program().map(|program| program.0.clone()), Some(vec!["poll", "shut_down", "ended"]));
    }
}
