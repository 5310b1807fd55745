//! What is measured, and the measuring of it.

use core::fmt;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::cable::EchoCable;
use super::child::Server;
use super::client;
use super::crowd::crowd;
use super::guard::{Guard, Miss};
use super::network::in_network;
use super::server::{Check, Duty, with_threads};
use super::stack::with_smolstep;
use super::talk::{Talker, talk};
use super::tuntap::with_tuntap;

/// One thing of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The thing.
    pub what: What,
    /// The peer.
    pub of: Of,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Connections opened, greeted and closed, one after the other.
    Accept,
    /// Greetings of a thousand clients at once.
    Active,
    /// An echo on the cable.
    Cable,
    /// Greetings of 64 clients at once.
    Greeting,
    /// A greeting of one client.
    Latency,
    /// Resident memory a connection.
    Memory,
    /// A stream to the server.
    Receive,
    /// A stream from the server.
    Send,
    /// Connections opened and greeted, which stay.
    Setup,
}

/// Of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// smolstep with so many connections.
    Connections(usize),
    /// One SocketSet with so many sockets.
    OneSet(usize),
    /// A thread a connection in Python, on the kernel's loopback.
    Python,
    /// smolstep on a TAP.
    Smolstep,
    /// A thread a connection by std::net, on the kernel's loopback.
    Threads,
    /// smoltcp's TunTapInterface.
    Tuntap,
}

/// What one measurement is: some figures come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// A figure of its own.
    Alone(Figure),
    /// Every figure of so many connections at once.
    Crowd(usize),
}

impl Figure {
    /// The measurement that it comes from.
    pub fn job(self) -> Job {
        match self {
            Figure { what: What::Active | What::Memory | What::Setup, of: Of::Connections(number) } => {
                Job::Crowd(number)
            }
            _ => Job::Alone(self),
        }
    }
}

impl What {
    /// The unit that it is counted in.
    pub fn unit(self) -> &'static str {
        match self {
            What::Accept | What::Setup => "connections/s",
            What::Active | What::Greeting => "round trips/s",
            What::Cable | What::Latency => "µs",
            What::Memory => "KiB",
            What::Receive | What::Send => "Gbit/s",
        }
    }
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Of::Connections(1) => f.write_str("1 connection"),
            Of::Connections(number) => write!(f, "{number} connections"),
            Of::OneSet(number) => write!(f, "one set of {number}"),
            Of::Python => f.write_str("Python threads"),
            Of::Smolstep => f.write_str("smolstep"),
            Of::Threads => f.write_str("std::net"),
            Of::Tuntap => f.write_str("TunTapInterface"),
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, of) = match self {
            Job::Crowd(number) => return write!(f, "{number} connections"),
            Job::Alone(Figure { what, of }) => (what, of),
        };
        let what = match what {
            What::Accept => "accepting",
            What::Active | What::Greeting => "greetings",
            What::Cable => "echoes on the cable",
            What::Latency => "round trips",
            What::Memory | What::Setup => "connections",
            What::Receive => "receiving",
            What::Send => "sending",
        };
        write!(f, "{what}: {of}")
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How long each measurement takes, without what it takes to set up.
    pub span: Duration,
    /// Round trips on the cable.
    pub trips: usize,
}

impl Effort {
    /// For figures.
    pub const FULL: Effort = Effort { span: Duration::from_secs(1), trips: 65_536 };
    /// For a look at whether it runs.
    pub const QUICK: Effort = Effort { span: Duration::from_millis(100), trips: 4096 };
}

/// Clients at once in [`What::Greeting`].
const CLIENTS: usize = 64;

/// Measures, and keeps what can be used again.
pub struct Meter<'s> {
    effort: Effort,
    stop: &'s AtomicBool,
    cables: Vec<(Of, EchoCable)>,
}

impl<'s> Meter<'s> {
    /// A meter; `stop` is set by Ctrl-C.
    pub fn new(effort: Effort, stop: &'s AtomicBool) -> Self {
        Meter { effort, stop, cables: Vec::new() }
    }

    /// Does one measurement.
    ///
    /// # Errors
    /// It has no result.
    pub fn measure(&mut self, job: Job) -> Result<Vec<(Figure, f64)>, Miss> {
        let guard = Guard::new(self.stop);
        guard.check()?;
        let span = self.effort.span;
        match job {
            Job::Crowd(number) => in_network(|| crowd(number, span, guard)),
            Job::Alone(figure) => {
                let value = match figure.what {
                    What::Cable => self.cable(figure.of, guard)?,
                    _ => in_network(|| measure(figure, span, guard))?,
                };
                Ok(vec![(figure, value)])
            }
        }
    }

    /// Microseconds of an echo on the cable.
    fn cable(&mut self, of: Of, guard: Guard<'_>) -> Result<f64, Miss> {
        let place = match self.cables.iter().position(|(own, _)| *own == of) {
            Some(place) => place,
            None => {
                let cable = match of {
                    Of::Connections(number) => EchoCable::new(number),
                    Of::OneSet(number) => EchoCable::one_set(number),
                    _ => None,
                };
                self.cables.push((of, cable.ok_or_else(|| Miss::failed("no connections on the cable"))?));
                self.cables.len() - 1
            }
        };
        let Some((_, cable)) = self.cables.get_mut(place) else { return Err(Miss::failed("no cable")) };
        // A turn for every connection is enough where each takes long.
        let trips = if let Of::OneSet(number) = of { number.min(self.effort.trips) } else { self.effort.trips };
        let start = Instant::now();
        for trip in 0..trips {
            if trip % 256 == 0 {
                guard.check()?;
            }
            if !cable.round_trip() {
                return Err(Miss::failed("an echo did not come back"));
            }
        }
        Ok(start.elapsed().as_secs_f64() * 1e6 / trips.max(1) as f64)
    }
}

/// Measures with the kernel's clients, in the network that it is in.
fn measure(figure: Figure, span: Duration, guard: Guard<'_>) -> Result<f64, Miss> {
    let check = Check::default();
    let duty = match figure.what {
        What::Receive => Duty::Receive(check.clone()),
        What::Send => Duty::Send,
        _ => Duty::Greet,
    };
    let client = |server| match figure.what {
        What::Accept => client::accept(server, span, guard),
        What::Greeting => {
            let talkers = (0..CLIENTS).map(|number| Talker::new(server, number, guard));
            talk(&mut talkers.collect::<Result<Vec<_>, _>>()?, span, guard)
        }
        What::Latency => client::latency(server, span, guard),
        What::Receive => client::send(server, span, &check, guard),
        What::Send => client::receive(server, span, guard),
        What::Active | What::Cable | What::Memory | What::Setup => Err(Miss::failed("it is measured in another way")),
    };
    match figure.of {
        Of::Python => client(Server::python(guard)?.address()),
        Of::Smolstep => with_smolstep(&duty, client),
        Of::Threads => with_threads(&duty, client),
        Of::Tuntap => with_tuntap(&duty, client),
        Of::Connections(_) | Of::OneSet(_) => Err(Miss::failed("it is measured in another way")),
    }
}
