//! The comparisons and their limits.

use core::fmt;

use super::metric::{Figure, Metric, Subject};

/// A comparison of two figures, or a single figure.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The row's name on the command line.
    pub name: &'static str,
    /// A description of the comparison.
    pub text: &'static str,
    /// smolstep's figure.
    pub ours: Figure,
    /// The figure of the other server, if the row compares two servers.
    pub against: Option<Figure>,
    /// How the result is computed.
    pub result: Outcome,
    /// The limit of the result, if there is one.
    pub limit: Option<Limit>,
}

/// How the result of a row is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// smolstep's figure divided by the other figure.
    Ratio,
    /// The other figure divided by smolstep's figure. If both figures are times, the result is the speed-up by
    /// smolstep.
    Speedup,
    /// smolstep's figure itself.
    Value,
}

/// A limit of a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// The result must be at least this value.
    AtLeast(f64),
    /// The result must be at most this value.
    AtMost(f64),
}

impl Limit {
    /// Returns whether a value meets the limit.
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Limit::AtLeast(least) => value >= least,
            Limit::AtMost(most) => value <= most,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::AtLeast(least) => write!(f, "at least {least}"),
            Limit::AtMost(most) => write!(f, "at most {most}"),
        }
    }
}

/// All comparisons.
pub const ROWS: [Row; 14] = [
    Row::ratio(
        "send-tuntap",
        "sends to a kernel client, over smoltcp's TunTapInterface",
        Metric::Send,
        Subject::Tuntap,
    )
    .at_least(8.0),
    Row::ratio("receive-tuntap", "receives from a kernel client, over smoltcp's TAP", Metric::Receive, Subject::Tuntap)
        .at_least(3.0),
    Row::ratio("send-kernel", "sends to a kernel client, over the kernel's loopback", Metric::Send, Subject::Threads)
        .at_least(1.0),
    Row::ratio("receive-kernel", "receives from a kernel client, over std::net", Metric::Receive, Subject::Threads)
        .at_least(0.6),
    Row::ratio(
        "greeting-python",
        "greetings of 64 clients, over a thread each in Python",
        Metric::Greeting,
        Subject::Python,
    )
    .at_least(3.0),
    Row::ratio("greeting-threads", "greetings of 64 clients, over std::net", Metric::Greeting, Subject::Threads)
        .at_least(1.0),
    Row::ratio("latency-kernel", "median round trip of 1 client, over std::net", Metric::Latency, Subject::Threads)
        .at_most(1.5),
    Row::ratio("accept-kernel", "connections opened and closed, over std::net", Metric::Accept, Subject::Threads)
        .at_least(0.5),
    Row::compare(
        "cable-flat",
        "an echo on the cable with 4096 connections, over one with 1",
        Metric::Cable,
        [Subject::Connections(4096), Subject::Connections(1)],
    )
    .at_most(2.5),
    Row::compare(
        "cable-one-set",
        "speed-up of an echo with 4096 connections, over one SocketSet of 4096 sockets",
        Metric::Cable,
        [Subject::Connections(4096), Subject::OneSet(4096)],
    )
    .inverted()
    .at_least(50.0),
    Row {
        name: "memory",
        text: "resident memory of a server with 10000 idle connections, per connection",
        ours: Figure { metric: Metric::Memory, subject: Subject::Connections(10_000) },
        against: None,
        result: Outcome::Value,
        limit: Some(Limit::AtMost(10.0)),
    },
    Row::compare(
        "setup-10000",
        "rate of opening 10000 connections that stay open, over that of 1000",
        Metric::Setup,
        [Subject::Connections(10_000), Subject::Connections(1000)],
    ),
    Row::compare(
        "active-1000",
        "greetings of 1000 clients among 10000, over those among 1000",
        Metric::Active,
        [Subject::Connections(10_000), Subject::Connections(1000)],
    ),
    Row::compare(
        "cable-16384",
        "an echo on the cable with 16384 connections, over one with 1",
        Metric::Cable,
        [Subject::Connections(16_384), Subject::Connections(1)],
    ),
];

impl Row {
    /// Returns the figures that the row needs.
    pub fn figures(&self) -> impl Iterator<Item = Figure> {
        [Some(self.ours), self.against].into_iter().flatten()
    }

    /// Compares a metric of smolstep on a TAP with the same metric of `against`.
    const fn ratio(name: &'static str, text: &'static str, metric: Metric, against: Subject) -> Self {
        Row::compare(name, text, metric, [Subject::Smolstep, against])
    }

    /// Compares a metric of two servers: the first figure divided by the second.
    const fn compare(name: &'static str, text: &'static str, metric: Metric, [ours, against]: [Subject; 2]) -> Self {
        let (ours, against) = (Figure { metric, subject: ours }, Some(Figure { metric, subject: against }));
        Row { name, text, ours, against, result: Outcome::Ratio, limit: None }
    }

    /// Returns the row with a result that is the second figure divided by the first.
    const fn inverted(self) -> Self {
        Row { result: Outcome::Speedup, ..self }
    }

    const fn at_least(self, least: f64) -> Self {
        Row { limit: Some(Limit::AtLeast(least)), ..self }
    }

    const fn at_most(self, most: f64) -> Self {
        Row { limit: Some(Limit::AtMost(most)), ..self }
    }
}
