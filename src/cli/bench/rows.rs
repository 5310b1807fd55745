//! The comparisons, and what each must reach.

use core::fmt;

use super::figure::{Figure, Of, What};

/// A comparison.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it compares.
    pub text: &'static str,
    /// smolstep's figure.
    pub ours: Figure,
    /// The other one.
    pub against: Option<Figure>,
    /// What is made of the two.
    pub result: Outcome,
    /// What that must be.
    pub limit: Option<Limit>,
}

/// What is made of two figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Ours by the other one.
    Ratio,
    /// The other one by ours: how many times faster, where both are times.
    Speedup,
    /// Ours as it is.
    Value,
}

/// A bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Limit {
    /// Whether a value keeps it.
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

/// All of them.
pub const ROWS: [Row; 14] = [
    Row::ratio("send-tuntap", "sends to a kernel client, over smoltcp's TunTapInterface", What::Send, Of::Tuntap)
        .at_least(8.0),
    Row::ratio("receive-tuntap", "receives from a kernel client, over the same", What::Receive, Of::Tuntap)
        .at_least(3.0),
    Row::ratio("send-kernel", "sends to a kernel client, over the kernel's loopback", What::Send, Of::Threads)
        .at_least(1.0),
    Row::ratio("receive-kernel", "receives from a kernel client, over the same", What::Receive, Of::Threads)
        .at_least(0.6),
    Row::ratio("greeting-python", "greetings of 64 clients, over a thread each in Python", What::Greeting, Of::Python)
        .at_least(3.0),
    Row::ratio("greeting-threads", "the same, over a thread each by std::net", What::Greeting, Of::Threads)
        .at_least(1.0),
    Row::ratio("latency-kernel", "median round trip of 1 client, to std::net's", What::Latency, Of::Threads)
        .at_most(1.5),
    Row::ratio("accept-kernel", "connections opened and closed, over std::net", What::Accept, Of::Threads)
        .at_least(0.5),
    Row::compare(
        "cable-flat",
        "an echo on the cable with 4096 connections, to one with 1",
        What::Cable,
        [Of::Connections(4096), Of::Connections(1)],
    )
    .at_most(2.5),
    Row::compare(
        "cable-one-set",
        "the same, how often faster than one SocketSet of 4096 sockets",
        What::Cable,
        [Of::Connections(4096), Of::OneSet(4096)],
    )
    .inverted()
    .at_least(50.0),
    Row {
        name: "memory",
        text: "resident memory of a server by its 10000 idle connections",
        ours: Figure { what: What::Memory, of: Of::Connections(10_000) },
        against: None,
        result: Outcome::Value,
        limit: Some(Limit::AtMost(10.0)),
    },
    Row::compare(
        "setup-10000",
        "10000 connections opened, which stay; the same of 1000",
        What::Setup,
        [Of::Connections(10_000), Of::Connections(1000)],
    ),
    Row::compare(
        "active-1000",
        "greetings of 1000 clients among 10000, over those among 1000",
        What::Active,
        [Of::Connections(10_000), Of::Connections(1000)],
    ),
    Row::compare(
        "cable-16384",
        "an echo on the cable with 16384 connections, to one with 1",
        What::Cable,
        [Of::Connections(16_384), Of::Connections(1)],
    ),
];

impl Row {
    /// The figures that it takes.
    pub fn figures(&self) -> impl Iterator<Item = Figure> {
        [Some(self.ours), self.against].into_iter().flatten()
    }

    /// One thing of smolstep on a TAP, by the same of another.
    const fn ratio(name: &'static str, text: &'static str, what: What, against: Of) -> Self {
        Row::compare(name, text, what, [Of::Smolstep, against])
    }

    /// One thing of both, the first by the second.
    const fn compare(name: &'static str, text: &'static str, what: What, [ours, against]: [Of; 2]) -> Self {
        let (ours, against) = (Figure { what, of: ours }, Some(Figure { what, of: against }));
        Row { name, text, ours, against, result: Outcome::Ratio, limit: None }
    }

    /// The second by the first.
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
