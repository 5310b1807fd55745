//! Metrics, the servers for which they are measured, and the measured values.

use core::fmt;

/// A metric, and the server that it is measured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The metric.
    pub metric: Metric,
    /// The server.
    pub subject: Subject,
}

/// A quantity to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The rate at which connections are opened, greeted and closed, one after the other.
    Accept,
    /// The rate of greetings of a thousand simultaneous clients.
    Active,
    /// The time of an echo on the cable.
    Cable,
    /// The rate of greetings of 64 simultaneous clients.
    Greeting,
    /// The round-trip time of one client's greeting.
    Latency,
    /// Resident memory per connection.
    Memory,
    /// The throughput of a stream to the server.
    Receive,
    /// The throughput of a stream from the server.
    Send,
    /// The rate at which connections are opened and greeted. The connections stay open.
    Setup,
}

/// A server to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// smolstep on the cable, with this many connections.
    Connections(usize),
    /// One SocketSet on the cable, with this many sockets.
    OneSet(usize),
    /// A Python server with a thread per connection, on the kernel's loopback.
    Python,
    /// smolstep on a TAP.
    Smolstep,
    /// A `std::net` server with a thread per connection, on the kernel's loopback.
    Threads,
    /// smoltcp alone, with its TunTapInterface.
    Tuntap,
}

/// A measurement, which can produce several figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// A measurement that produces one figure.
    Alone(Figure),
    /// A measurement with this many connections. It produces several figures.
    Crowd(usize),
}

impl Figure {
    /// Returns the measurement that produces the figure.
    pub fn job(self) -> Job {
        match (self.metric, self.subject) {
            (Metric::Active | Metric::Memory | Metric::Setup, Subject::Connections(number)) => Job::Crowd(number),
            _ => Job::Alone(self),
        }
    }
}

impl Metric {
    /// Returns the unit of the figure's values.
    pub fn unit(self) -> &'static str {
        match self {
            Metric::Accept | Metric::Setup => "connections/s",
            Metric::Active | Metric::Greeting => "round trips/s",
            Metric::Cable | Metric::Latency => "µs",
            Metric::Memory => "KiB",
            Metric::Receive | Metric::Send => "Gbit/s",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Connections(1) => f.write_str("1 connection"),
            Subject::Connections(number) => write!(f, "{number} connections"),
            Subject::OneSet(number) => write!(f, "one set of {number}"),
            Subject::Python => f.write_str("Python threads"),
            Subject::Smolstep => f.write_str("smolstep"),
            Subject::Threads => f.write_str("std::net"),
            Subject::Tuntap => f.write_str("TunTapInterface"),
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (metric, subject) = match self {
            Job::Crowd(number) => return write!(f, "{number} connections"),
            Job::Alone(Figure { metric, subject }) => (metric, subject),
        };
        let metric = match metric {
            Metric::Accept => "accepting",
            Metric::Active | Metric::Greeting => "greetings",
            Metric::Cable => "echoes on the cable",
            Metric::Latency => "round trips",
            Metric::Memory | Metric::Setup => "connections",
            Metric::Receive => "receiving",
            Metric::Send => "sending",
        };
        write!(f, "{metric}: {subject}")
    }
}

/// Several values of one figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median value.
    pub median: f64,
    /// The lowest value.
    pub low: f64,
    /// The highest value.
    pub high: f64,
}

impl Spread {
    /// Returns the spread of `values`, or `None` if `values` is empty.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = *sorted.get(sorted.len() / 2)?;
        let before = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(middle);
        Some(Spread { median: (middle + before) / 2.0, low: *sorted.first()?, high: *sorted.last()? })
    }
}
