//! One connection, to whichever of a host's addresses takes it first (RFC 8305 section 5).

use std::cell::Cell;
use std::time::Duration;

use smoltcp::socket::tcp::Socket;
use smoltcp::wire::IpEndpoint;

use super::address::{Alarm, Timer};
use super::console::Stdio;
use super::error::Failure;
use super::stop::Stop;
use crate::host::Clock;
use crate::host::{Ended, drive};
use crate::phy::linux::TunTap;
use crate::stack::{ConnectError, ConnectionId, Context, End, Io, Next, Probe, Session, Stack, UdpSession};

/// How long a connection may take before the next address is tried besides it. RFC 8305 recommends 250 ms and allows 2 s; smoltcp asks
/// for one hardware address a second, so that after a lookup the first segment to an address on the link can be as late as that.
const DELAY: Duration = Duration::from_millis(1250);

/// Which of the connections that were begun to one host is the first that is there.
#[derive(Debug, Default)]
pub struct Race {
    round: Cell<usize>,
    winner: Cell<Option<usize>>,
}

/// A program that runs if its connection wins; one that is late is reset without a word.
#[derive(Clone, Debug)]
pub struct Runner<'r, S> {
    /// The program.
    pub session: S,
    race: &'r Race,
    round: usize,
    number: usize,
    runs: bool,
}

/// How a race ended.
pub enum Outcome {
    /// Nobody has won: why, of each address.
    Lost(Vec<(IpEndpoint, Why)>),
    /// A signal came.
    Stopped,
    /// This connection is there.
    Won(ConnectionId, IpEndpoint),
}

/// Why an address is out of the race.
pub enum Why {
    /// Its connection was not even begun.
    Connect(ConnectError),
    /// Its connection ended.
    Ended(End),
}

/// What a race takes place on.
pub struct Track<'t> {
    /// The time.
    pub clock: Clock,
    /// Ends it.
    pub stop: &'t mut Stop,
    /// How long each address has.
    pub patience: Duration,
}

impl Race {
    /// Begins a connection to one remote after the other, in this order, until one is there; the next as soon as one has failed or
    /// has taken 1.25 s. The connections that have not won are added to `left`, for the caller to take when they have ended.
    ///
    /// # Errors
    /// The device or the console has failed.
    pub fn run<'a, 'r, S: Session + Clone, U: UdpSession, P: Probe>(
        &'r self,
        track: Track<'_>,
        remotes: &[IpEndpoint],
        session: &S,
        stack: &mut Stack<'a, Runner<'r, S>, U>,
        io: &mut Io<TunTap, Stdio, P>,
        left: &mut Vec<ConnectionId>,
    ) -> Result<Outcome, Failure> {
        let Track { clock, stop, patience } = track;
        self.round.set(self.round.get() + 1);
        self.winner.set(None);
        let timer = Timer::new()?;
        let mut rest = remotes.iter();
        let (mut running, mut failed) = (Vec::<(usize, IpEndpoint, ConnectionId)>::new(), Vec::new());
        for number in 0.. {
            match rest.next() {
                Some(&remote) => {
                    let runner = self.runner(session.clone(), number);
                    match stack.connect(clock.now(), remote, runner, patience.into(), io) {
                        Ok(id) => running.push((number, remote, id)),
                        Err(error) => {
                            failed.push((remote, Why::Connect(error)));
                            continue;
                        }
                    }
                }
                None if running.is_empty() => break,
                None => {}
            }
            let until = (rest.len() > 0).then(|| clock.now() + DELAY.into());
            timer.set(&clock, until)?;
            let ended = drive(stack, io, &clock, &mut Alarm { stop, timer: &timer }, |stack| {
                let over = until.is_some_and(|until| clock.now() >= until);
                over || self.winner.get().is_some() || running.iter().any(|(_, _, id)| stack.ended(*id).is_some())
            })?;
            let winner = running.iter().position(|(number, ..)| self.winner.get() == Some(*number));
            if let Some(at) = winner.filter(|_| ended == Ended::Done) {
                let (_, remote, id) = running.remove(at);
                left.extend(running.into_iter().map(|(_, _, id)| id));
                return Ok(Outcome::Won(id, remote));
            }
            if ended == Ended::Stopped {
                left.extend(running.into_iter().map(|(_, _, id)| id));
                return Ok(Outcome::Stopped);
            }
            running.retain(|(_, remote, id)| match stack.take(*id) {
                Some((_, end)) => {
                    failed.push((*remote, Why::Ended(end)));
                    false
                }
                None => true,
            });
        }
        Ok(Outcome::Lost(failed))
    }

    fn runner<S>(&self, session: S, number: usize) -> Runner<'_, S> {
        Runner { session, race: self, round: self.round.get(), number, runs: false }
    }

    /// Whether this is the connection that wins, now that it is there.
    fn is_won_by(&self, round: usize, number: usize) -> bool {
        let first = self.round.get() == round && self.winner.get().is_none_or(|winner| winner == number);
        if first {
            self.winner.set(Some(number));
        }
        first
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Session> Session for Runner<'_, S> {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        self.runs = self.runs || self.race.is_won_by(self.round, self.number);
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
    use crate::stack::Quiet;

    /// Counts what reaches it.
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

    #[test]
    fn each_method_reaches_the_winner_alone() {
        let race = Race::default();
        let mut runners = [0, 1].map(|number| race.runner(Counter::default(), number));
        let buffer = || SocketBuffer::new(vec![0; 16]);
        let mut socket = Socket::new(buffer(), buffer());
        let mut cx = Context {
            now: smoltcp::time::Instant::ZERO,
            console: &mut Quiet,
            scratch: &mut [],
            udp_ports: &[],
            addresses: &[],
            wake: false,
        };
        for (runner, next) in runners.iter_mut().zip([Next::Wait, Next::Abort]) {
            assert_eq!(runner.poll(&mut socket, &mut cx), next);
            runner.shut_down(&mut socket, &mut cx);
            runner.ended(End::Closed, &mut cx);
        }
        assert_eq!(runners.map(|runner| runner.session.0), [3, 0]);
    }

    #[test]
    fn one_connection_wins_a_race() {
        let race = Race::default();
        assert!(race.is_won_by(0, 1) && !race.is_won_by(0, 0) && race.is_won_by(0, 1));
        race.round.set(1);
        race.winner.set(None);
        assert!(!race.is_won_by(0, 1), "that race is over");
        assert!(race.is_won_by(1, 0));
    }
}
