//! The comparisons, and what each must reach.

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
    Row {
        name: "cable-flat",
        text: "an echo on the cable with 4096 connections, to one with 1",
        ours: Figure { what: What::Cable, of: Of::Connections(4096) },
        against: Some(Figure { what: What::Cable, of: Of::Connections(1) }),
        result: Outcome::Ratio,
        limit: Some(Limit::AtMost(2.5)),
    },
    Row {
        name: "cable-one-set",
        text: "the same, how often faster than one SocketSet of 4096 sockets",
        ours: Figure { what: What::Cable, of: Of::Connections(4096) },
        against: Some(Figure { what: What::Cable, of: Of::OneSet(4096) }),
        result: Outcome::Speedup,
        limit: Some(Limit::AtLeast(50.0)),
    },
    Row {
        name: "memory",
        text: "resident memory of a server by its 10000 idle connections",
        ours: Figure { what: What::Memory, of: Of::Connections(10_000) },
        against: None,
        result: Outcome::Value,
        limit: Some(Limit::AtMost(10.0)),
    },
    Row {
        name: "setup-10000",
        text: "10000 connections opened, which stay; the same of 1000",
        ours: Figure { what: What::Setup, of: Of::Connections(10_000) },
        against: Some(Figure { what: What::Setup, of: Of::Connections(1000) }),
        result: Outcome::Ratio,
        limit: None,
    },
    Row {
        name: "active-1000",
        text: "greetings of 1000 clients among 10000, over those among 1000",
        ours: Figure { what: What::Active, of: Of::Connections(10_000) },
        against: Some(Figure { what: What::Active, of: Of::Connections(1000) }),
        result: Outcome::Ratio,
        limit: None,
    },
    Row {
        name: "cable-16384",
        text: "an echo on the cable with 16384 connections, to one with 1",
        ours: Figure { what: What::Cable, of: Of::Connections(16_384) },
        against: Some(Figure { what: What::Cable, of: Of::Connections(1) }),
        result: Outcome::Ratio,
        limit: None,
    },
];

impl Row {
    const fn ratio(name: &'static str, text: &'static str, what: What, against: Of) -> Self {
        let (ours, against) = (Figure { what, of: Of::Smolstep }, Some(Figure { what, of: against }));
        Row { name, text, ours, against, result: Outcome::Ratio, limit: None }
    }

    const fn at_least(self, least: f64) -> Self {
        Row { limit: Some(Limit::AtLeast(least)), ..self }
    }

    const fn at_most(self, most: f64) -> Self {
        Row { limit: Some(Limit::AtMost(most)), ..self }
    }
}
