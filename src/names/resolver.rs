//! Queries DNS servers for the addresses of a name.

use smoltcp::socket::udp::Socket;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpEndpoint};

use super::addresses::Addresses;
use super::failure::ResolveError;
use super::message::{self, Kind, LONGEST_QUERY, Name, Reply};
#[cfg(feature = "cli")]
use super::tcp_query::TcpQuery;
use crate::stack::{Context, IcmpError, Next, UdpSession};

/// The maximum number of servers. Further servers are ignored.
pub(crate) const SERVERS: usize = 4;
/// The port of DNS (RFC 1035 section 4.2).
const PORT: u16 = 53;
/// How long the first round waits for a server's answer before it queries the next server. A round queries each server
/// once. Each further round doubles the wait.
const FIRST: Duration = Duration::from_secs(1);
/// The longest time to wait for IPv6 addresses after IPv4 addresses arrive (RFC 8305 section 3). Some servers never
/// answer the IPv6 query.
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// How long to wait for IPv4 addresses after IPv6 addresses arrive. The IPv4 addresses are needed if no IPv6 connection
/// can be established. The delay leaves time to repeat a lost query. In RFC 8305 a client connects immediately and
/// still uses later answers. This resolver ignores later answers.
const FALLBACK_DELAY: Duration = Duration::from_secs(2);

/// Looks up the IPv6 and IPv4 addresses of a name. Queries one server after another, each for both families at once.
///
/// The result is ready as soon as both queries are answered. If an answer is missing, the result is ready 50 ms after
/// IPv4 addresses arrive or 2 s after IPv6 addresses arrive, whichever is earlier. Addresses of an unreachable family
/// do not start these delays. In any case, the result is ready within the timeout `patience`.
///
/// The resolver's UDP port needs a send buffer for two datagrams of 271 bytes, and a receive buffer for two datagrams
/// of 512 bytes.
#[derive(Clone, Debug)]
pub struct Resolver {
    name: Name,
    servers: heapless::Vec<IpAddress, SERVERS>,
    /// The query for IPv6 addresses and the query for IPv4 addresses, in this order.
    queries: [Query; 2],
    /// Whether to wait for the answers for both families, even if some addresses are known.
    thorough: bool,
    /// For each query, whether this host can reach addresses of the query's family.
    reached: [bool; 2],
    /// The timeout of the lookup.
    patience: Duration,
    /// The time at which the lookup times out, or `None` before the first poll.
    until: Option<Instant>,
    /// The time at which the next query is sent. `None` means at the next poll.
    ask_at: Option<Instant>,
    /// In the current round, how long to wait for a server's answer before the next server is queried.
    wait: Duration,
    /// The index of the server to query next.
    server: usize,
    /// The time at which the lookup stops waiting for the other family's answer, once addresses of one family are
    /// known.
    conclude_at: Option<Instant>,
    addresses: Addresses,
    /// The error to report if both queries are answered and there are no addresses.
    why_none: ResolveError,
    /// Whether the caller repeats a query over TCP after a truncated reply.
    #[cfg(feature = "cli")]
    has_tcp: bool,
    /// The failure to report if the lookup times out without an address.
    trouble: Option<ResolveError>,
    /// The number of failures so far.
    troubles: usize,
    /// The server to which a query is queued but not yet sent.
    queued: Option<IpAddress>,
    /// The server to which the first query was sent.
    asked: Option<IpAddress>,
    result: Option<Result<(), ResolveError>>,
}

/// The query for the addresses of one family.
#[derive(Clone, Copy, Debug)]
struct Query {
    kind: Kind,
    id: u16,
    /// Whether the query must be sent but is not queued yet.
    due: bool,
    answered: bool,
    /// Whether the query must be repeated over TCP, because the server's reply was truncated.
    over_tcp: OverTcp,
}

/// Whether a query is repeated over TCP, and to which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OverTcp {
    No,
    /// The caller has not begun the TCP connection. The fields are the server, and the number of addresses in its reply
    /// by datagram.
    #[cfg(feature = "cli")]
    Wanted(IpAddress, usize),
    /// The caller has begun the TCP connection. The fields mean the same as in `Wanted`.
    #[cfg(feature = "cli")]
    Begun(IpAddress, usize),
}

impl Query {
    /// Returns whether the query still waits for a reply by datagram.
    fn is_open(&self) -> bool {
        !self.answered && self.over_tcp == OverTcp::No
    }
}

impl Resolver {
    /// Creates a lookup of `name` with the timeout `patience`. The lookup queries the first 4 of `servers`, in the
    /// given order.
    ///
    /// `ids` are the message IDs of the query for IPv6 addresses and of the query for IPv4 addresses. An attacker who
    /// can guess them can forge the servers' replies (RFC 5452 section 4.3).
    pub fn new(name: Name, servers: &[IpAddress], patience: Duration, ids: [u16; 2]) -> Self {
        let query = |kind, id| Query { kind, id, due: false, answered: false, over_tcp: OverTcp::No };
        Resolver {
            name,
            servers: servers.iter().copied().take(SERVERS).collect(),
            queries: [query(Kind::Aaaa, ids[0]), query(Kind::A, ids[1])],
            thorough: false,
            // The host reaches both families, unless `reaching` says otherwise.
            reached: [true; 2],
            patience,
            until: None,
            ask_at: None,
            wait: FIRST,
            server: 0,
            conclude_at: None,
            addresses: Addresses::default(),
            why_none: ResolveError::NoAddress,
            #[cfg(feature = "cli")]
            has_tcp: false,
            trouble: None,
            troubles: 0,
            queued: None,
            asked: None,
            result: None,
        }
    }

    /// Makes the lookup wait for both families, so that the result contains all addresses.
    pub fn thorough(mut self) -> Self {
        self.thorough = true;
        self
    }

    /// Sets which families this host can reach. Addresses of an unreachable family alone do not end the lookup early.
    pub fn reaching(mut self, v6: bool, v4: bool) -> Self {
        self.reached = [v6, v4];
        self
    }

    /// Adds servers, up to 4 in all. If any of them is new, the next poll queries the first new server.
    pub fn add_servers(&mut self, servers: &[IpAddress]) {
        let known = self.servers.len();
        for &server in servers {
            if !self.servers.contains(&server) {
                // Servers that do not fit are ignored.
                let _ = self.servers.push(server);
            }
        }
        if self.servers.len() > known {
            self.server = known;
            self.ask_at = None;
        }
    }

    /// Returns the addresses found, or why the lookup failed. Returns `None` while the lookup runs.
    pub fn result(&self) -> Option<Result<&Addresses, ResolveError>> {
        self.result.map(|result| result.map(|()| &self.addresses))
    }

    /// Handles the datagrams that have arrived. Datagrams that arrive after the result are discarded.
    fn receive(&mut self, socket: &mut Socket<'_>, now: Instant) {
        while let Ok((bytes, from)) = socket.recv() {
            if self.result.is_none() {
                self.process(from.endpoint, bytes, now);
            }
        }
    }

    /// Records the first server to which a query was sent. The caller calls this once the queued query has been sent.
    fn note_sent(&mut self) {
        let sent_to = self.queued.take();
        self.asked = self.asked.or(sent_to);
    }

    /// Returns the time by which the resolver must be polled again.
    fn next_deadline(&self) -> Option<Instant> {
        let conclude_at = self.conclude_at.filter(|_| !self.thorough);
        let ask_at = self.ask_at.filter(|_| self.queries.iter().any(Query::is_open));
        [self.until, ask_at, conclude_at].into_iter().flatten().min()
    }

    /// Passes a datagram to the query that it answers. Ignores a datagram from an unknown sender or for another query.
    fn process(&mut self, from: IpEndpoint, bytes: &[u8], now: Instant) {
        if from.port != PORT || !self.servers.contains(&from.addr) {
            return;
        }
        for at in 0..self.queries.len() {
            let Query { kind, id, .. } = self.queries[at];
            if !self.queries[at].is_open() {
                continue;
            }
            match message::reply(bytes, id, &self.name, kind, |address| self.addresses.add(address)) {
                Reply::NotOurs => continue,
                // The datagram might be forged, so the query stays open: the server's real reply can still follow.
                Reply::Malformed => {
                    self.trouble.get_or_insert(ResolveError::Malformed(from.addr));
                }
                #[cfg(feature = "cli")]
                Reply::Truncated(found) if self.has_tcp => {
                    self.queries[at].over_tcp = OverTcp::Wanted(from.addr, found);
                    self.trouble.get_or_insert(ResolveError::Truncated(from.addr));
                    if found > 0 {
                        self.limit_wait(at, now);
                    }
                }
                Reply::Truncated(0) => self.record_failure(ResolveError::Truncated(from.addr)),
                reply => self.process_reply(at, from.addr, reply, now),
            }
            return;
        }
    }

    /// Handles the reply of `server` to query number `at`. Only a reply over TCP can be malformed or foreign here.
    fn process_reply(&mut self, at: usize, server: IpAddress, reply: Reply, now: Instant) {
        match reply {
            Reply::Failed(code) => return self.record_failure(ResolveError::Failed(server, code)),
            Reply::Malformed | Reply::NotOurs => return self.record_failure(ResolveError::Malformed(server)),
            // According to RFC 8020, this error means that the name has no address of either family. Some servers
            // return this error although the name has an address of the other family, so the other query goes on.
            Reply::NoSuchName => self.why_none = ResolveError::NoSuchName,
            Reply::AliasLoop => self.why_none = ResolveError::AliasLoop,
            Reply::Addresses(_) | Reply::Truncated(_) => self.limit_wait(at, now),
        }
        self.queries[at].answered = true;
    }

    /// Limits the wait for the other query's answer, if an address is known and the family of query number `at` is
    /// reachable. The wait for IPv6 is short: some servers never answer. The wait for IPv4 covers a repeated query.
    fn limit_wait(&mut self, at: usize, now: Instant) {
        if self.reached[at] && !self.addresses.is_empty() {
            let delay = if self.queries[at].kind == Kind::A { RESOLUTION_DELAY } else { FALLBACK_DELAY };
            let conclude_at = now + delay;
            self.conclude_at = Some(self.conclude_at.map_or(conclude_at, |at| at.min(conclude_at)));
        }
    }

    /// Makes the resolver wait for a reply over TCP after a truncated datagram. See [`next_tcp`](Self::next_tcp).
    #[cfg(feature = "cli")]
    pub(crate) fn with_tcp(mut self) -> Self {
        self.has_tcp = true;
        self
    }

    /// Returns a query to send over TCP, if any, and marks the query as begun. The result is the query's index, the
    /// server's endpoint and the session. The caller reports the end of the query with [`end_tcp`](Self::end_tcp).
    #[cfg(feature = "cli")]
    pub(crate) fn next_tcp(&mut self) -> Option<(usize, IpEndpoint, TcpQuery)> {
        let wanted = |query: &Query| {
            if let OverTcp::Wanted(server, found) = query.over_tcp { Some((server, found)) } else { None }
        };
        let (at, (server, found)) =
            self.queries.iter().enumerate().find_map(|(at, query)| Some((at, wanted(query)?)))?;
        let Query { kind, id, over_tcp, .. } = &mut self.queries[at];
        *over_tcp = OverTcp::Begun(server, found);
        Some((at, IpEndpoint::new(server, PORT), TcpQuery::new(self.name.clone(), *kind, *id)))
    }

    /// Returns whether a query must be sent over TCP.
    #[cfg(feature = "cli")]
    pub(crate) fn wants_tcp(&self) -> bool {
        self.queries.iter().any(|query| matches!(query.over_tcp, OverTcp::Wanted(..)))
    }

    /// Takes the reply to a query that was repeated over TCP, and ends the repetition. `at` is the index of the query.
    /// `query` is `None` if the TCP connection could not be begun. Poll the resolver afterwards.
    #[cfg(feature = "cli")]
    pub(crate) fn end_tcp(&mut self, at: usize, query: Option<&TcpQuery>, now: Instant) {
        // Only a query that `next_tcp` has returned can end.
        let Some(OverTcp::Begun(server, found)) = self.queries.get(at).map(|query| query.over_tcp) else { return };
        self.queries[at].over_tcp = OverTcp::No;
        match query.and_then(TcpQuery::reply) {
            // The lookup has already ended.
            _ if self.result.is_some() => {}
            Some((reply, addresses)) => {
                addresses.in_order().for_each(|address| self.addresses.add(address));
                self.process_reply(at, server, reply, now);
            }
            // No reply came over TCP, so the addresses in the truncated reply are used.
            None if found > 0 => self.queries[at].answered = true,
            None => self.record_failure(ResolveError::Truncated(server)),
        }
    }

    /// Records a server's failure, and lets the next poll query the next server. The lookup ends once there are twice
    /// as many failures as servers, because each server gets two queries.
    fn record_failure(&mut self, why: ResolveError) {
        self.trouble = Some(why);
        self.troubles += 1;
        if self.troubles >= 2 * self.servers.len() {
            self.conclude(Err(why));
        } else {
            // Without a set time, the queries are due at the next poll.
            self.ask_at = None;
        }
    }

    /// Ends the lookup: with the addresses found, or with `otherwise` if there are none.
    fn conclude(&mut self, otherwise: Result<(), ResolveError>) {
        self.result = Some(if self.addresses.is_empty() { otherwise } else { Ok(()) });
    }

    /// Ends the lookup if all queries are answered or a deadline has passed. If the lookup goes on and it is time to
    /// send the queries, marks the queries as due.
    fn advance(&mut self, now: Instant) {
        let until = *self.until.get_or_insert(now + self.patience);
        if self.queries.iter().all(|query| query.answered) {
            return self.conclude(Err(self.why_none));
        }
        // The wait for the other family is over. A thorough lookup has no such limit.
        if !self.thorough && self.conclude_at.is_some_and(|at| now >= at) {
            return self.conclude(Ok(()));
        }
        if now >= until {
            let silent = match (self.asked, self.servers.first()) {
                (Some(server), _) => ResolveError::Silent(server, self.patience),
                (None, Some(&server)) => ResolveError::Unreachable(server),
                (None, None) => ResolveError::NoServer,
            };
            return self.conclude(Err(self.trouble.unwrap_or(silent)));
        }
        // Without a set time, the queries are due now.
        let ask_at = *self.ask_at.get_or_insert(now);
        if now >= ask_at {
            self.queries.iter_mut().for_each(|query| query.due = true);
        }
    }

    /// Queues the due queries to the current server, moves to the next one, and sets the time at which to query it.
    fn ask(&mut self, socket: &mut Socket<'_>, now: Instant) {
        let Some(&server) = self.servers.get(self.server) else { return };
        let mut any_queued = false;
        for query in self.queries.iter_mut().filter(|query| query.due && query.is_open()) {
            let mut bytes = [0; LONGEST_QUERY];
            let len = message::question(query.id, &self.name, query.kind, &mut bytes);
            // If the send buffer is full, the query stays due, and the next poll tries the same server again.
            if socket.send_slice(&bytes[..len], IpEndpoint::new(server, PORT)).is_err() {
                return;
            }
            query.due = false;
            any_queued = true;
        }
        if any_queued {
            self.queued = Some(server);
            self.server = (self.server + 1) % self.servers.len().max(1);
            self.ask_at = Some(now + self.wait);
            // If every server has been queried once, the round is over. The next round waits twice as long.
            if self.server == 0 {
                self.wait *= 2;
            }
        }
    }
}

impl UdpSession for Resolver {
    /// Handles the replies, and sends the queries that are due. Closes the port once the lookup has a result.
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        self.receive(socket, cx.now);
        if !cx.is_unsent(socket) {
            self.note_sent();
        }
        if self.result.is_none() {
            self.advance(cx.now);
        }
        if self.result.is_some() {
            return Next::Close;
        }
        self.ask(socket, cx.now);
        self.next_deadline().map_or(Next::Wait, Next::WakeAt)
    }

    fn unreachable(&mut self) {
        // Query the next server immediately. `ask` has already moved on from the unreachable server.
        self.ask_at = None;
        self.queued = None;
    }

    /// Handles an ICMP error about a query to `remote`. Returns whether the error is about this lookup.
    fn undelivered(&mut self, remote: IpEndpoint, error: &IcmpError) -> bool {
        let server = remote.addr;
        let concerns_us = remote.port == PORT && self.servers.contains(&server) && self.result.is_none();
        if concerns_us && error.why.is_final() {
            self.record_failure(ResolveError::Refused(server));
        }
        concerns_us
    }
}
