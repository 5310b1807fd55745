//! Draws a run as a ladder diagram: the client on the left, the server on the right, and a line for each event.

mod label;

use core::fmt::{self, Display, Write};

use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;

use self::label::Label;
use super::entry::{Transfer, What};
use super::text::Text;
use crate::lab::{Snapshot, WIRE};
use crate::stack::{Event, Next};
use crate::trace::{Carries, Cause, Mark, Segment, Summary};

/// The appearance of a ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// The number of columns in a line, from [`Ladder::NARROWEST`] to [`Ladder::WIDEST`]. Other values are limited to
    /// this range.
    pub width: usize,
    /// Whether to use ASCII only.
    pub ascii: bool,
    /// Whether to use ANSI escape sequences for colours.
    pub color: bool,
}

/// From this width on, the names of states are not abbreviated.
const WIDE: usize = 100;

impl Ladder {
    /// The smallest number of columns in a ladder.
    pub const NARROWEST: usize = 72;
    /// The largest number of columns in a ladder. More columns would only make the arrows longer.
    pub const WIDEST: usize = 160;

    /// Returns the heading of the columns.
    pub fn header(&self) -> impl Display {
        Header(*self)
    }

    /// Returns the line of an entry, or `None` if other lines show the event.
    ///
    /// The state columns show changes of state. The line for a program's run shows the data that the program read.
    pub fn row(&self, snapshot: &Snapshot) -> Option<impl Display + use<>> {
        Some(Row { ladder: *self, snapshot: *snapshot, body: Body::of(*self, snapshot)? })
    }

    fn width(&self) -> usize {
        self.width.clamp(Self::NARROWEST, Self::WIDEST)
    }

    fn is_wide(&self) -> bool {
        self.width() >= WIDE
    }

    /// Returns the number of columns for a state.
    fn state_width(&self) -> usize {
        if self.is_wide() { 12 } else { 10 }
    }

    /// Returns the number of columns between the two states.
    fn middle(&self) -> usize {
        self.width() - TIME - 1 - STEP - 1 - 2 * (self.state_width() + 1)
    }

    fn paint(&self, f: &mut fmt::Formatter<'_>, color: &str) -> fmt::Result {
        if self.color { f.write_str(color) } else { Ok(()) }
    }
}

const TIME: usize = 10;
const STEP: usize = 5;

const PLAIN: &str = "\x1b[0m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";

struct Header(Ladder);

impl Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ladder, width) = (self.0, self.0.state_width());
        ladder.paint(f, BOLD)?;
        write!(f, "{:>TIME$} {:>STEP$} {:<width$} {:w$} server", "seconds", "step", "client", "", w = ladder.middle())?;
        if ladder.color { f.write_str(PLAIN) } else { Ok(()) }
    }
}

/// The part of a line between the two state columns.
pub(super) enum Body {
    /// The client or the server sends a frame.
    Arrow {
        /// The sender.
        host: usize,
        /// The frame's number.
        frame: u32,
        /// Whether the frame never arrives.
        lost: bool,
        /// Whether the frame is a retransmission.
        again: bool,
        /// The arrow's label.
        label: Text,
    },
    /// A frame arrives. The frame's arrow was drawn when the frame was sent.
    Arrival { host: usize, frame: u32, damaged: bool, text: Text },
    /// The clock advances.
    Clock,
    /// Any other event at a host.
    Note { host: usize, tone: Tone, text: Text },
}

/// The emphasis of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Again,
    Bad,
    Dim,
    Plain,
}

impl Body {
    pub(super) fn of(ladder: Ladder, snapshot: &Snapshot) -> Option<Self> {
        let host = snapshot.entry.host;
        let mut text = Text::new(ladder.middle());
        let mut tone = Tone::Plain;
        let port = |text: &mut Text| snapshot.port.map_or(Ok(()), |port| write!(text, ":{port} "));
        // Writing never fails: text that is too long is cut.
        let _ = match snapshot.entry.what {
            What::Arrived { frame, summary, damaged, mark } => {
                let end = if damaged { "arrives damaged: thrown away" } else { "arrives" };
                let _ = write!(text, "#{frame} ").and_then(|()| port(&mut text));
                let _ = write!(text, "{} {end}", Brief(summary));
                let _ = match mark {
                    Some(mark @ Mark::PartialAck) => write!(text, ": {mark}"),
                    Some(mark) => write!(text, " {mark}"),
                    None => Ok(()),
                };
                return Some(Body::Arrival { host, frame, damaged, text });
            }
            What::Clock => return Some(Body::Clock),
            What::HostEvent(host_event) => write!(text, "{host_event}"),
            What::Ran(next, _, transfer) => {
                tone = Tone::Dim;
                port(&mut text).and_then(|()| program_words(&mut text, next, transfer))
            }
            What::RanUdp(port, _, transfer) => {
                tone = Tone::Dim;
                write!(text, "program on UDP port {port} {}", Work(transfer))
            }
            What::Sent { frame, summary, cause, verdict, .. } if host < 2 => {
                let label = Label { ladder, isn: snapshot.isn, port: snapshot.port, frame, summary, cause, verdict };
                let label = label.longest_that_fits(ladder.middle().saturating_sub(6));
                let lost = verdict.is_lost();
                let again = cause.is_some_and(Cause::is_again);
                return Some(Body::Arrow { host, frame, lost, again, label });
            }
            What::Sent { frame, summary, .. } if host == WIRE => {
                tone = Tone::Bad;
                let _ = write!(text, "#{frame} ").and_then(|()| port(&mut text));
                match summary.segment() {
                    Some(_) => write!(text, "{} is forged", Brief(summary)),
                    None if summary.carries == Carries::Icmp(3, 4) => {
                        text.write_str("router: ICMP fragmentation needed")
                    }
                    None => write!(text, "router: {}", Brief(summary)),
                }
            }
            What::Sent { frame, summary, .. } => write!(text, "host {host} sends #{frame} {}", Brief(summary)),
            What::Stack(event) => {
                if matches!(event, Event::Refused { .. } | Event::Dropped(_)) {
                    tone = Tone::Bad;
                }
                let _ = port(&mut text);
                event_words(&mut text, &event)?
            }
        };
        Some(Body::Note { host, tone, text })
    }

    fn tone(&self) -> Tone {
        match self {
            Body::Arrow { lost: true, .. } | Body::Arrival { damaged: true, .. } => Tone::Bad,
            Body::Arrow { again: true, .. } => Tone::Again,
            Body::Arrow { .. } => Tone::Plain,
            Body::Arrival { .. } | Body::Clock => Tone::Dim,
            Body::Note { tone, .. } => *tone,
        }
    }
}

struct Row {
    ladder: Ladder,
    snapshot: Snapshot,
    body: Body,
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { ladder, snapshot, body } = self;
        let (width, middle, [client, server]) = (ladder.state_width(), ladder.middle(), snapshot.states);
        let (time, step) = (Micros(snapshot.entry.at), snapshot.entry.step);
        write!(f, "{time} {step:>STEP$} {:<width$} ", ladder.name(client))?;
        let color = match body.tone() {
            Tone::Again => YELLOW,
            Tone::Bad => RED,
            Tone::Dim => DIM,
            Tone::Plain => "",
        };
        ladder.paint(f, color)?;
        match body {
            Body::Arrow { host, lost, again, label, .. } => self.arrow(f, *host, *lost, *again, label)?,
            Body::Clock => write!(f, "{:^middle$}", "clock")?,
            Body::Arrival { host, text, .. } | Body::Note { host, text, .. } => match host {
                0 => write!(f, "{text:<middle$}")?,
                1 => write!(f, "{text:>middle$}")?,
                _ => write!(f, "{text:^middle$}")?,
            },
        }
        ladder.paint(f, if color.is_empty() { "" } else { PLAIN })?;
        write!(f, " {}", ladder.name(server))
    }
}

impl Row {
    fn arrow(&self, f: &mut fmt::Formatter<'_>, host: usize, lost: bool, again: bool, label: &Text) -> fmt::Result {
        let (line, right, left, cross) = match (self.ladder.ascii, again) {
            (false, false) => ("─", '►', '◄', '✗'),
            (false, true) => ("╌", '►', '◄', '✗'),
            (true, false) => ("-", '>', '<', 'x'),
            (true, true) => ("- ", '>', '<', 'x'),
        };
        // "── label ────►": two columns of the shaft come before the label, and the rest follows the label.
        let rest = self.ladder.middle().saturating_sub(5 + label.chars());
        // The arrow of a lost frame does not reach the other end.
        let gap = if lost { (rest / 3).min(8) } else { 0 };
        let shaft = |f: &mut fmt::Formatter<'_>, count: usize| {
            line.chars().cycle().take(count).try_for_each(|c| f.write_char(c))
        };
        if host == 0 {
            shaft(f, 2)?;
            write!(f, " {label} ")?;
            shaft(f, rest - gap)?;
            write!(f, "{}{:gap$}", if lost { cross } else { right }, "")
        } else {
            write!(f, "{:gap$}{}", "", if lost { cross } else { left })?;
            shaft(f, rest - gap)?;
            write!(f, " {label} ")?;
            shaft(f, 2)
        }
    }
}

/// The time since the start of the run, in seconds with six decimals.
pub(super) struct Micros(pub(super) Instant);

impl Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = (self.0 - crate::lab::START).total_micros();
        write!(f, "{:>3}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

fn program_words(text: &mut Text, next: Next, transfer: Transfer) -> fmt::Result {
    write!(text, "program {}", Work(transfer))?;
    match next {
        Next::Wait => Ok(()),
        Next::WakeAt(at) => write!(text, "; wakes at {} s", Seconds(at)),
        Next::Close => text.write_str(": close"),
        Next::Abort => text.write_str(": abort"),
    }
}

/// What a program did: `reads 2 B, writes 9 B`.
struct Work(Transfer);

impl Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Transfer { read: 0, written: 0 } => f.write_str("runs"),
            Transfer { read, written: 0 } => write!(f, "reads {read} B"),
            Transfer { read: 0, written } => write!(f, "writes {written} B"),
            Transfer { read, written } => write!(f, "reads {read} B, writes {written} B"),
        }
    }
}

/// Describes an event. Returns `None` if other lines show the event.
fn event_words(text: &mut Text, event: &Event) -> Option<fmt::Result> {
    Some(match event {
        Event::Address(what) => write!(text, "{what}"),
        Event::Accepted { .. } => text.write_str("connection accepted"),
        Event::Connected { .. } => text.write_str("connected"),
        Event::Dropped(why) => write!(text, "dropped: {why}"),
        Event::Ended { end, .. } => write!(text, "connection over: {end}"),
        Event::HalfOpenEnded { end, .. } => write!(text, "half-way connection over: {end}"),
        Event::Refused { why, .. } => write!(text, "refused: {why}"),
        // No step causes this change, so no other line shows it.
        Event::State { from: State::TimeWait, to: State::Closed, .. } => text.write_str("TIME-WAIT is over"),
        Event::Connecting { .. }
        | Event::Read { .. }
        | Event::State { .. }
        | Event::Udp { .. }
        | Event::Wrote { .. } => return None,
    })
}

/// The time since the start of the run, in seconds with three decimals.
struct Seconds(Instant);

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = (self.0 - crate::lab::START).total_micros();
        write!(f, "{}.{:03}", micros / 1_000_000, micros / 1000 % 1000)
    }
}

/// A short description of a frame's content.
struct Brief(Summary);

impl Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.carries {
            Carries::Tcp(Segment { len: 0, .. }) => f.write_str(self.0.segment().map_or("", |s| s.flags())),
            Carries::Tcp(segment) => write!(f, "{} len={}", segment.flags(), segment.len),
            _ => self.0.fmt(f),
        }
    }
}

impl Ladder {
    /// Returns a state's name, abbreviated if the ladder is narrow.
    fn name(&self, state: State) -> Text {
        let width = self.state_width();
        let mut text = Text::new(width);
        let _ = match state {
            State::Established if !self.is_wide() => text.write_str("ESTAB"),
            State::SynReceived if !self.is_wide() => text.write_str("SYN-RCVD"),
            state => write!(text, "{state}"),
        };
        text
    }
}

#[cfg(all(test, feature = "std"))]
pub(super) mod tests;
