//! Chooses which of a host's addresses to connect to, and when (RFC 8305 section 5).

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpEndpoint};

use crate::stack::{ConnectError, ConnectionId, End};

#[cfg(all(test, feature = "std"))]
mod tests;

/// The maximum number of addresses of a host. Further addresses are ignored. A [`Resolver`](super::Resolver) finds at
/// most 8 addresses of each family.
const ADDRESSES: usize = 16;

/// Decides which of a host's addresses to connect to next, until a connection is established. IPv6 and IPv4 addresses
/// alternate, IPv6 first.
///
/// A dialler sends nothing and reads no clock. The dialler's owner calls [`next`](Self::next), carries out the returned
/// step, and reports the result: addresses found, or connections begun, established or ended. Addresses can be added at
/// any time.
///
/// Attempts overlap: the next attempt begins when an attempt fails, or `delay` after the previous attempt began. With
/// [`one_at_a_time`](Self::one_at_a_time), attempts do not overlap. An attempt is then abandoned after `delay`, as long
/// as another address is left to try.
#[derive(Clone, Debug)]
pub struct Dialler {
    port: u16,
    /// The timeout of each attempt.
    patience: Duration,
    /// The time from the beginning of an attempt to the next attempt.
    delay: Duration,
    /// Whether several attempts can run at the same time.
    overlap: bool,
    /// Whether the lookup is over, so that no more addresses follow.
    resolved: bool,
    /// The addresses that have not been tried yet.
    untried: heapless::Vec<IpAddress, ADDRESSES>,
    /// Whether to try an IPv6 address next.
    v6_next: bool,
    /// All attempts except the winner. Failed attempts are in the order in which they failed.
    attempts: heapless::Vec<Attempt, ADDRESSES>,
    /// The time at which to begin the next attempt if other attempts still run. `None` means immediately.
    next_at: Option<Instant>,
    winner: Option<(ConnectionId, IpEndpoint)>,
}

/// The next step that a [`Dialler`] requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialStep {
    /// Look up the host's name. Report addresses with [`Dialler::add`], and the end of the lookup with
    /// [`Dialler::resolved`].
    Resolve,
    /// Begin a connection, and report the result with [`Dialler::begun`].
    Connect {
        /// The address and port to connect to.
        remote: IpEndpoint,
        /// The timeout: how long the connection may take to be established.
        patience: Duration,
    },
    /// Wait until a connection is established or ends, or until the given time.
    Wait(Option<Instant>),
    /// There is nothing more to do. Either there is a [`winner`](Dialler::winner), or every address has
    /// [failed](Dialler::failures).
    Done,
}

/// Why no connection to an address was established.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DialError {
    /// The connection could not be begun.
    Connect(ConnectError),
    /// The connection ended before it was established.
    Ended(End),
}

/// A connection attempt. `state` is the attempt's connection, or the error that ended the attempt.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    remote: IpEndpoint,
    state: Result<ConnectionId, DialError>,
}

impl Dialler {
    /// Dials `port` of a host whose addresses must be looked up. Each attempt is abandoned after the timeout
    /// `patience`. The next attempt begins `delay` after the previous attempt began, or earlier if an attempt fails.
    pub fn to_name(port: u16, patience: Duration, delay: Duration) -> Self {
        Dialler {
            port,
            patience,
            delay,
            overlap: true,
            resolved: false,
            untried: heapless::Vec::new(),
            v6_next: true,
            attempts: heapless::Vec::new(),
            next_at: None,
            winner: None,
        }
    }

    /// Dials one address. The attempt is abandoned after the timeout `patience`.
    pub fn to_address(remote: IpEndpoint, patience: Duration) -> Self {
        let mut dialler = Dialler::to_name(remote.port, patience, Duration::ZERO);
        dialler.add(remote.addr);
        dialler.resolved();
        dialler
    }

    /// Limits the dialler to one connection at a time, for a stack with few slots.
    pub fn one_at_a_time(mut self) -> Self {
        self.overlap = false;
        self
    }

    /// Adds an address of the host. Ignores an address that is already known, and all addresses after the 16th.
    pub fn add(&mut self, address: IpAddress) {
        let known = self.untried.contains(&address) || self.attempts.iter().any(|a| a.remote.addr == address);
        if !known && self.untried.len() + self.attempts.len() < ADDRESSES {
            // The list has room for all 16 addresses.
            let _ = self.untried.push(address);
        }
    }

    /// Reports that the lookup is over, so that no more addresses follow.
    pub fn resolved(&mut self) {
        self.resolved = true;
    }

    /// Returns the step to take at time `now`. The step stays the same until the next report or the end of a wait.
    pub fn next(&self, now: Instant) -> DialStep {
        let is_running = self.running().next().is_some();
        if self.winner.is_some() {
            return DialStep::Done;
        }
        if let Some(&address) = self.next_address() {
            return match self.next_at {
                // One attempt at a time: the running attempt ends by its own timeout at the latest.
                _ if is_running && !self.overlap => DialStep::Wait(None),
                // It is too early for the next attempt.
                Some(at) if is_running && now < at => DialStep::Wait(Some(at)),
                _ => {
                    // In one-at-a-time mode, an attempt may take only `delay` if another address is left to try. The
                    // attempt to the final address may take the whole timeout.
                    let has_whole_timeout = self.overlap || self.untried.len() == 1;
                    let patience = if has_whole_timeout { self.patience } else { self.delay };
                    DialStep::Connect { remote: IpEndpoint::new(address, self.port), patience }
                }
            };
        }
        // No address is left to try.
        match (self.resolved, is_running) {
            (false, false) => DialStep::Resolve,
            (_, true) => DialStep::Wait(None),
            (true, false) => DialStep::Done,
        }
    }

    /// Reports that a connection to `remote` was begun at time `now`, or why it could not be begun.
    pub fn begun(&mut self, now: Instant, remote: IpEndpoint, connection: Result<ConnectionId, ConnectError>) {
        self.untried.retain(|address| *address != remote.addr);
        self.v6_next = matches!(remote.addr, IpAddress::Ipv4(_));
        // After an attempt that could not be begun, the next attempt needs no delay.
        self.next_at = connection.is_ok().then(|| now + self.delay);
        // The list has room for the attempt, because the address was in `untried` before.
        let _ = self.attempts.push(Attempt { remote, state: connection.map_err(DialError::Connect) });
    }

    /// Reports that a connection is established. The first established connection wins.
    pub fn established(&mut self, id: ConnectionId) {
        if let (None, Some(at)) = (self.winner, self.position(id)) {
            self.winner = Some((id, self.attempts.remove(at).remote));
        }
    }

    /// Reports that a connection ended. The next address can then be tried immediately.
    pub fn ended(&mut self, id: ConnectionId, end: End) {
        if let Some(at) = self.position(id) {
            let remote = self.attempts.remove(at).remote;
            // The list has room for the attempt, because the attempt was just removed.
            let _ = self.attempts.push(Attempt { remote, state: Err(DialError::Ended(end)) });
            self.next_at = None;
        }
    }

    /// Returns the connection that was established first and the connection's remote endpoint. Returns `None` if no
    /// connection has been established.
    pub fn winner(&self) -> Option<(ConnectionId, IpEndpoint)> {
        self.winner
    }

    /// Returns the connections that have begun, and have neither won nor ended.
    pub fn running(&self) -> impl Iterator<Item = ConnectionId> {
        self.attempts.iter().filter_map(|attempt| attempt.state.ok())
    }

    /// Returns the addresses that failed, each with its error, in the order in which they failed.
    pub fn failures(&self) -> impl Iterator<Item = (IpEndpoint, DialError)> {
        self.attempts.iter().filter_map(|attempt| Some((attempt.remote, attempt.state.err()?)))
    }

    /// Returns the next address to try. IPv6 and IPv4 take turns. If one family has no address left, the other family
    /// is used.
    fn next_address(&self) -> Option<&IpAddress> {
        let is_v6 = |address: &&IpAddress| !matches!(address, IpAddress::Ipv4(_));
        self.untried.iter().find(|address| is_v6(address) == self.v6_next).or(self.untried.first())
    }

    /// Returns the index of the running attempt with this connection.
    fn position(&self, id: ConnectionId) -> Option<usize> {
        self.attempts.iter().position(|attempt| attempt.state == Ok(id))
    }
}
