//! Faults: frames that are dropped, delayed, duplicated, reordered or damaged.

use core::fmt;

use smoltcp::time::Duration;

#[cfg(feature = "alloc")]
use crate::lab::tokens::clip;
use crate::trace::{Carries, Summary};

/// The maximum number of faults in a run.
pub const MAX_FAULTS: usize = 16;

/// What happens to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The frame is delivered with one bit inverted.
    Corrupt,
    /// The frame is delivered this much later.
    Delay(Duration),
    /// The frame is delivered unchanged.
    Deliver,
    /// A fault drops the frame.
    Drop,
    /// The frame is delivered twice.
    Duplicate,
    /// The frame is lost at random, at the loss rate of the line.
    Lost,
    /// The sender's transmit queue is full, so the frame is dropped.
    QueueFull,
    /// The frame is delivered after the sender's next frame, or 200 ms late if no frame follows.
    Reorder,
    /// The packet is too long for the router, which drops it.
    TooLong,
}

impl Verdict {
    /// Returns whether the frame never arrives.
    #[doc(hidden)]
    pub fn is_lost(self) -> bool {
        matches!(self, Verdict::Drop | Verdict::Lost | Verdict::QueueFull | Verdict::TooLong)
    }
}

impl fmt::Display for Verdict {
    /// Writes what happens to the frame, in English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Corrupt => f.write_str("corrupted"),
            Verdict::Delay(time) => write!(f, "delayed by {time}"),
            Verdict::Deliver => f.write_str("delivered"),
            Verdict::Drop => f.write_str("dropped"),
            Verdict::Duplicate => f.write_str("duplicated"),
            Verdict::Lost => f.write_str("lost"),
            Verdict::QueueFull => f.write_str("queue full"),
            // The sender's next frame overtakes this one.
            Verdict::Reorder => f.write_str("overtaken"),
            Verdict::TooLong => f.write_str("too long"),
        }
    }
}

/// The kind of frames that a fault applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A segment without payload, and without SYN, FIN and RST.
    Ack,
    /// Any frame with an IP packet.
    Any,
    /// A segment with payload.
    Data,
    /// A segment with FIN, with or without payload.
    Fin,
    /// A segment with RST.
    Rst,
    /// A segment with SYN and without ACK.
    Syn,
    /// A segment with SYN and ACK.
    SynAck,
    /// A UDP datagram.
    Udp,
}

/// Each kind, with the name that a fault uses for it.
const KINDS: [(&str, Kind); 8] = [
    ("syn", Kind::Syn),
    ("synack", Kind::SynAck),
    ("ack", Kind::Ack),
    ("data", Kind::Data),
    ("fin", Kind::Fin),
    ("rst", Kind::Rst),
    ("udp", Kind::Udp),
    ("any", Kind::Any),
];

impl Kind {
    /// Returns the kind with this name, or `None` if there is no such kind.
    pub fn named(name: &str) -> Option<Kind> {
        KINDS.iter().find(|(n, _)| *n == name).map(|(_, kind)| *kind)
    }

    /// Returns whether a frame is of this kind. A segment with payload and FIN is both data and fin.
    pub fn matches(self, summary: &Summary) -> bool {
        let Some(segment) = summary.segment() else {
            return match self {
                Kind::Any => summary.ends.is_some(),
                Kind::Udp => matches!(summary.carries, Carries::Udp(_)),
                // The other kinds are TCP segments.
                _ => false,
            };
        };
        match self {
            Kind::Ack => segment.is_bare_ack(),
            Kind::Any => true,
            Kind::Data => segment.len > 0,
            Kind::Fin => segment.fin,
            Kind::Rst => segment.rst,
            Kind::Syn => segment.syn && segment.ack.is_none(),
            Kind::SynAck => segment.syn && segment.ack.is_some(),
            Kind::Udp => false,
        }
    }
}

/// A fault: the frames to which it applies, and what happens to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happens to the frame.
    pub verdict: Verdict,
    /// The sender: 0 is the client, 1 the server.
    pub sender: usize,
    /// The kind of frame.
    pub kind: Kind,
    /// The frame's number among the sender's frames of this kind, including retransmissions, from 1. `None` means every
    /// frame.
    pub nth: Option<u32>,
}

/// An error in the words that describe a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultError<'w> {
    /// The wrong word, or an empty string if a word is missing.
    pub word: &'w str,
    /// The words that would be valid instead.
    pub expected: &'static str,
}

impl fmt::Display for FaultError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word {
            "" => write!(f, "a word is missing at the end: {}", self.expected),
            word => {
                // Without an allocator, no user enters faults, so the word is short and visible.
                #[cfg(feature = "alloc")]
                let word = clip(word);
                write!(f, "'{word}' should be {}", self.expected)
            }
        }
    }
}

impl core::error::Error for FaultError<'_> {}

impl Fault {
    /// Parses `VERB [ARG] SENDER KIND [N]`, for example `drop server synack 1`. `time` parses the argument of delay.
    ///
    /// # Errors
    /// [`FaultError`] names the wrong word.
    pub fn parse<'w>(words: &'w str, time: impl Fn(&str) -> Option<Duration>) -> Result<Fault, FaultError<'w>> {
        let mut rest = words.split_whitespace();
        let mut next = |expected| rest.next().ok_or(FaultError { word: "", expected });
        const VERBS: &str = "drop, delay TIME, duplicate, reorder or corrupt";
        let verb = next(VERBS)?;
        let verdict = match verb {
            "corrupt" => Verdict::Corrupt,
            "delay" => {
                const TIME: &str = "a time, as in 300ms";
                let word = next(TIME)?;
                Verdict::Delay(time(word).ok_or(FaultError { word, expected: TIME })?)
            }
            "drop" => Verdict::Drop,
            "duplicate" => Verdict::Duplicate,
            "reorder" => Verdict::Reorder,
            word => return Err(FaultError { word, expected: VERBS }),
        };
        const SENDERS: &str = "client or server";
        let sender = match next(SENDERS)? {
            "client" => 0,
            "server" => 1,
            word => return Err(FaultError { word, expected: SENDERS }),
        };
        const NAMES: &str = "syn, synack, ack, data, fin, rst, udp or any";
        let word = next(NAMES)?;
        let kind = Kind::named(word).ok_or(FaultError { word, expected: NAMES })?;
        let nth = match rest.next() {
            None => None,
            Some(word) => match word.parse() {
                Ok(n) if n > 0 => Some(n),
                _ => return Err(FaultError { word, expected: "a number from 1" }),
            },
        };
        match rest.next() {
            None => Ok(Fault { verdict, sender, kind, nth }),
            Some(word) => Err(FaultError { word, expected: "the end" }),
        }
    }
}

impl fmt::Display for Fault {
    /// Writes the words that [`Fault::parse`] reads. A delay is in whole milliseconds or else in microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.verdict {
            Verdict::Corrupt => "corrupt",
            Verdict::Delay(time) => {
                let micros = time.total_micros();
                let (number, unit) = if micros % 1000 == 0 { (micros / 1000, "ms") } else { (micros, "us") };
                // The verb and its time are written here, so the next `write!` begins with the space after them.
                write!(f, "delay {number}{unit}")?;
                ""
            }
            Verdict::Duplicate => "duplicate",
            Verdict::Reorder => "reorder",
            // Of these verdicts, a parsed fault can have only `Drop`.
            Verdict::Deliver | Verdict::Drop | Verdict::Lost | Verdict::QueueFull | Verdict::TooLong => "drop",
        };
        let sender = if self.sender == 0 { "client" } else { "server" };
        let kind = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("any", |(name, _)| *name);
        write!(f, "{verb} {sender} {kind}")?;
        self.nth.map_or(Ok(()), |nth| write!(f, " {nth}"))
    }
}

/// The faults of a run. Each has two counts: the frames that match it, and the frames to which it was applied.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    faults: heapless::Vec<(Fault, u32, u32), MAX_FAULTS>,
}

impl Faults {
    /// Adds a fault. Returns false if there is no room.
    pub fn add(&mut self, fault: Fault) -> bool {
        self.faults.push((fault, 0, 0)).is_ok()
    }

    /// Adds a fault that applies in preference to the others. Returns false if there is no room.
    #[cfg(feature = "session")]
    pub(super) fn add_first(&mut self, fault: Fault) -> bool {
        self.faults.insert(0, (fault, 0, 0)).is_ok()
    }

    /// Returns the number of faults.
    pub fn len(&self) -> usize {
        self.faults.len()
    }

    /// Returns whether there is no fault.
    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// Returns the verdict of the first fault that applies to this frame. Returns `Deliver` if no fault applies. Every
    /// fault whose sender and kind match counts the frame.
    pub(super) fn verdict(&mut self, sender: usize, summary: &Summary) -> Verdict {
        let mut verdict = Verdict::Deliver;
        // `seen` counts the frames that match the fault, and `met` those to which it was applied.
        for (fault, seen, met) in &mut self.faults {
            if fault.sender != sender || !fault.kind.matches(summary) {
                continue;
            }
            *seen += 1;
            if verdict == Verdict::Deliver && fault.nth.is_none_or(|nth| nth == *seen) {
                *met += 1;
                verdict = fault.verdict;
            }
        }
        verdict
    }

    /// Returns the indices of the faults that applied to no frame.
    pub fn unmet(&self) -> impl Iterator<Item = usize> {
        self.faults.iter().enumerate().filter(|(_, (_, _, met))| *met == 0).map(|(index, _)| index)
    }
}

/// An event outside the stack: a host is unplugged or restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostEvent {
    /// The host's cable is unplugged, and stays unplugged.
    Cut,
    /// The host restarts: it forgets its connections, and listens again.
    Reboot,
}

impl fmt::Display for HostEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HostEvent::Cut => "the plug is pulled",
            HostEvent::Reboot => "the host restarts",
        })
    }
}
