//! Connects to the first address of a host that answers: runs the steps of `names::Dialler` on a stack.

use std::cell::Cell;
use std::net::IpAddr;
use std::time::Duration;

use smoltcp::socket::tcp::Socket;
use smoltcp::wire::IpEndpoint;

use super::console::Stdio;
use super::error::Failure;
use super::stop::Stop;
use super::tcp_queries::WithQuery;
use super::timer::{Alarm, Timer};
use crate::host::{Clock, Ended, drive};
use crate::names::{DialStep, Dialler};
use crate::phy::linux::TunTap;
use crate::stack::{ConnectionId, Context, End, Io, Next, Probe, Session, Stack, UdpSession};

/// How long to wait for one address before the next address is tried in parallel. RFC 8305 recommends 250 ms and allows
/// 2 s. This delay is longer than 1 s, because smoltcp sends at most one ARP or NDP request per second. The first
/// segment can therefore be sent 1 s late.
const DELAY: Duration = Duration::from_millis(1250);

/// Creates a dialler for addresses that are already known, best first. `patience` is the timeout of each connection
/// attempt.
pub fn dialler(addresses: &[IpAddr], port: u16, patience: Duration) -> Dialler {
    let mut dialler = Dialler::to_name(port, patience.into(), DELAY.into());
    addresses.iter().for_each(|&address| dialler.add(address.into()));
    dialler.resolved();
    dialler
}

/// Records which connection to a host is established first.
#[derive(Debug, Default)]
pub struct Race {
    /// The number of the current race. A connection of an earlier race can no longer win.
    round: Cell<usize>,
    /// The number of the winning connection, if any.
    winner: Cell<Option<usize>>,
}

/// A program that runs only if its connection wins the race. The connection of a program that loses the race is reset.
#[derive(Clone, Debug)]
pub struct Runner<'r, S> {
    /// The program.
    pub session: S,
    race: &'r Race,
    round: usize,
    number: usize,
    /// Whether the connection has won the race.
    runs: bool,
}

/// How a race ended.
pub enum Outcome {
    /// No connection was established. The dialler stores the reason for each address.
    Lost,
    /// A signal arrived.
    Stopped,
    /// This connection won the race.
    Won(ConnectionId, IpEndpoint),
}

/// The clock and the signals of a race.
pub struct Track<'t> {
    /// The clock.
    pub clock: Clock,
    /// Ends the race on a signal.
    pub stop: &'t mut Stop,
}

impl Race {
    /// Starts the connections that `dialler` requests, until one connection is established. Connections that lost the
    /// race but are not yet closed are added to `closing`. Once such a connection has closed, the caller must remove
    /// the connection from the stack.
    ///
    /// # Errors
    /// Fails if the device or the console has failed.
    pub fn run<'a, 'r, S: Session + Clone, U: UdpSession, P: Probe>(
        &'r self,
        track: Track<'_>,
        dialler: &mut Dialler,
        session: &S,
        stack: &mut Stack<'a, WithQuery<Runner<'r, S>>, U>,
        io: &mut Io<TunTap, Stdio, P>,
        closing: &mut Vec<ConnectionId>,
    ) -> Result<Outcome, Failure> {
        let Track { clock, stop } = track;
        // In the new round, connections of earlier races can no longer win.
        self.round.set(self.round.get() + 1);
        self.winner.set(None);
        let timer = Timer::new()?;
        // The connections of this race. A connection's number is its index.
        let mut begun = Vec::new();
        let outcome = loop {
            let now = clock.now();
            let until = match dialler.next(now) {
                DialStep::Connect { remote, patience } => {
                    let runner = WithQuery::Program(self.runner(session.clone(), begun.len()));
                    let connection = stack.connect(now, remote, runner, patience, io);
                    // `extend` adds nothing if the connection could not be begun.
                    begun.extend(connection);
                    dialler.begun(now, remote, connection);
                    continue;
                }
                DialStep::Wait(until) => until,
                // The lookup was complete before the race, so no further addresses follow.
                DialStep::Resolve | DialStep::Done => match dialler.winner() {
                    Some((id, remote)) => break Outcome::Won(id, remote),
                    None => break Outcome::Lost,
                },
            };
            timer.set(&clock, until)?;
            let ended = drive(stack, io, &clock, &mut Alarm { stop, timer: &timer }, |stack| {
                let is_time = until.is_some_and(|until| clock.now() >= until);
                is_time || self.winner.get().is_some() || dialler.running().any(|id| stack.ended(id).is_some())
            })?;
            if ended == Ended::Stopped {
                break Outcome::Stopped;
            }
            match self.winner.get().and_then(|number| begun.get(number)) {
                Some(&id) => dialler.established(id),
                // Nothing has won: report the connections that have ended, so that the dialler moves on.
                None => begun.iter().for_each(|&id| {
                    if let Some((_, end)) = stack.take(id) {
                        dialler.ended(id, end);
                    }
                }),
            }
        };
        closing.extend(dialler.running());
        Ok(outcome)
    }

    /// Wraps `session` for connection `number` of the current race.
    fn runner<S>(&self, session: S, number: usize) -> Runner<'_, S> {
        Runner { session, race: self, round: self.round.get(), number, runs: false }
    }

    /// Returns whether connection `number` wins race `round`. Call this method when the connection is established. The
    /// first call in a race makes its connection the winner.
    fn claim_win(&self, round: usize, number: usize) -> bool {
        let wins = self.round.get() == round && self.winner.get().is_none_or(|winner| winner == number);
        if wins {
            self.winner.set(Some(number));
        }
        wins
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Session> Session for Runner<'_, S> {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        self.runs = self.runs || self.race.claim_win(self.round, self.number);
        if self.runs { self.session.poll(socket, cx) } else { Next::Abort }
    }

    fn shut_down(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) {
        if self.runs {
            self.session.shut_down(socket, cx);
        }
    }

    fn ended(&mut self, end: End, cx: &mut Context<'_>) {
        if self.runs {
            self.session.ended(end, cx);
        }
    }
}

#[cfg(test)]
mod tests {
    use smoltcp::socket::tcp::SocketBuffer;

    use super::*;
    use crate::stack::NullConsole;

    /// Counts the calls to its methods.
    #[derive(Default)]
    struct Counter(usize);

    impl Session for Counter {
        fn poll(&mut self, _socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
            self.0 += 1;
            Next::Wait
        }

        fn shut_down(&mut self, _socket: &mut Socket<'_>, _cx: &mut Context<'_>) {
            self.0 += 1;
        }

        fn ended(&mut self, _end: End, _cx: &mut Context<'_>) {
            self.0 += 1;
        }
    }

    /// The first runner that is polled wins. The other runner aborts its connection, and its program is never called.
    #[test]
    fn only_the_winner_receives_calls() {
        let race = Race::default();
        let mut runners = [0, 1].map(|number| race.runner(Counter::default(), number));
        let buffer = || SocketBuffer::new(vec![0; 16]);
        let mut socket = Socket::new(buffer(), buffer());
        let mut cx = Context {
            now: smoltcp::time::Instant::ZERO,
            console: &mut NullConsole,
            scratch: &mut [],
            udp_ports: &[],
            addresses: &[],
            held_back: false,
            wake: false,
        };
        for (runner, next) in runners.iter_mut().zip([Next::Wait, Next::Abort]) {
            assert_eq!(runner.poll(&mut socket, &mut cx), next);
            runner.shut_down(&mut socket, &mut cx);
            runner.ended(End::Closed, &mut cx);
        }
        assert_eq!(runners.map(|runner| runner.session.0), [3, 0]);
    }

    /// Only the first connection wins, and a connection of an earlier race never wins.
    #[test]
    fn one_connection_wins_a_race() {
        let race = Race::default();
        // The arguments of `claim_win` are the number of the race and the number of the connection.
        assert!(race.claim_win(0, 1), "the connection that is established first wins");
        assert!(!race.claim_win(0, 0), "a second connection does not win");
        assert!(race.claim_win(0, 1), "the winner stays the winner");
        // The next race begins.
        race.round.set(1);
        race.winner.set(None);
        assert!(!race.claim_win(0, 1), "that race is over");
        assert!(race.claim_win(1, 0));
    }
}
