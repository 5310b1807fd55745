//! Takes the measurements.
//!
//! crowd.rs measures many connections, and cable.rs measures the cable. client.rs and talk.rs measure everything else.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::cable::EchoCable;
use super::child::Server;
use super::client;
use super::crowd::crowd;
use super::deadline::{Deadline, Miss};
use super::kernel::with_threads;
use super::metric::{Figure, Job, Metric, Subject};
use super::network::in_network;
use super::server::{Check, Duty};
use super::stack::with_smolstep;
use super::talk::{Talker, talk};
use super::tuntap::with_tuntap;

/// The length of each measurement, as a time or a number of round trips.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// The duration of each measurement, excluding the preparation.
    pub span: Duration,
    /// The number of round trips of a measurement on the cable.
    pub trips: usize,
}

impl Effort {
    /// The effort that gives meaningful figures.
    pub const FULL: Effort = Effort { span: Duration::from_secs(1), trips: 65_536 };
    /// A small effort, which is enough to check that everything runs.
    pub const QUICK: Effort = Effort { span: Duration::from_millis(100), trips: 256 };
}

/// The number of simultaneous clients in [`Metric::Greeting`].
const CLIENTS: usize = 64;

/// Takes measurements, and keeps the cables for the next round.
pub struct Meter<'s> {
    effort: Effort,
    stop: &'s AtomicBool,
    cables: Vec<(Subject, EchoCable)>,
}

impl<'s> Meter<'s> {
    /// Creates a meter. Ctrl-C sets `stop`.
    pub fn new(effort: Effort, stop: &'s AtomicBool) -> Self {
        Meter { effort, stop, cables: Vec::new() }
    }

    /// Takes one measurement.
    ///
    /// # Errors
    /// Returns [`Miss`] if the measurement has no result.
    pub fn measure(&mut self, job: Job) -> Result<Vec<(Figure, f64)>, Miss> {
        let deadline = Deadline::new(self.stop);
        deadline.check()?;
        let span = self.effort.span;
        match job {
            Job::Crowd(number) => in_network(|| crowd(number, span, deadline)),
            Job::Alone(figure) => {
                let value = match figure.metric {
                    Metric::Cable => self.cable(figure.subject, deadline)?,
                    _ => in_network(|| measure(figure, span, deadline))?,
                };
                Ok(vec![(figure, value)])
            }
        }
    }

    /// Measures an echo on the cable, in microseconds.
    fn cable(&mut self, subject: Subject, deadline: Deadline<'_>) -> Result<f64, Miss> {
        // A round trip over one SocketSet is slow, so each connection makes at most one.
        let trips =
            if let Subject::OneSet(number) = subject { number.min(self.effort.trips) } else { self.effort.trips };
        let index = match self.cables.iter().position(|(own, _)| *own == subject) {
            Some(index) => index,
            None => {
                let cable = match subject {
                    Subject::Connections(number) => EchoCable::new(number),
                    Subject::OneSet(number) => EchoCable::one_set(number),
                    _ => None,
                };
                let mut cable = cable.ok_or_else(|| Miss::failed("no connections on the cable"))?;
                // The measurement begins when the connections have used their memory once.
                echo(&mut cable, trips, deadline)?;
                self.cables.push((subject, cable));
                self.cables.len() - 1
            }
        };
        let Some((_, cable)) = self.cables.get_mut(index) else { return Err(Miss::failed("no cable")) };
        let start = Instant::now();
        echo(cable, trips, deadline)?;
        Ok(start.elapsed().as_secs_f64() * 1e6 / trips.max(1) as f64)
    }
}

/// Makes `trips` round trips on the cable.
fn echo(cable: &mut EchoCable, trips: usize, deadline: Deadline<'_>) -> Result<(), Miss> {
    for trip in 0..trips {
        if trip % 256 == 0 {
            deadline.check()?;
        }
        if !cable.round_trip() {
            return Err(Miss::failed("an echo did not come back"));
        }
    }
    Ok(())
}

/// Measures with the kernel's clients, in the network namespace of this thread.
fn measure(figure: Figure, span: Duration, deadline: Deadline<'_>) -> Result<f64, Miss> {
    let check = Check::default();
    let duty = match figure.metric {
        Metric::Receive => Duty::Receive(check.clone()),
        Metric::Send => Duty::Send,
        _ => Duty::Greet,
    };
    let not_here = || Miss::failed("it is measured in another way");
    // The metric names what the server does. If the server receives, the client sends.
    let client = |server| match figure.metric {
        Metric::Accept => client::accept(server, span, deadline),
        Metric::Greeting => {
            let talkers = (0..CLIENTS).map(|number| Talker::new(server, number, deadline));
            talk(&mut talkers.collect::<Result<Vec<_>, _>>()?, span, deadline)
        }
        Metric::Latency => client::latency(server, span, deadline),
        Metric::Receive => client::send(server, span, &check, deadline),
        Metric::Send => client::receive(server, span, deadline),
        Metric::Active | Metric::Cable | Metric::Memory | Metric::Setup => Err(not_here()),
    };
    match figure.subject {
        Subject::Python => client(Server::python(deadline)?.address()),
        Subject::Smolstep => with_smolstep(&duty, client),
        Subject::Threads => with_threads(&duty, client),
        Subject::Tuntap => with_tuntap(&duty, client),
        Subject::Connections(_) | Subject::OneSet(_) => Err(not_here()),
    }
}
