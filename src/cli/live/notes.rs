//! Records the frames and events of one step as lines of text.

use std::collections::VecDeque;

use smoltcp::phy::Medium;
use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use smoltcp::wire::TcpSeqNumber;

use crate::cli::watch::Watch;
use crate::lab::run::Goal;
use crate::stack::{Direction, Event, Probe};
use crate::trace::{Ends, Segment, Summary};

/// Records frames and events as lines. Also passes the frames and events on to `watch`.
pub(super) struct Notes<'s> {
    watch: Watch<'s>,
    medium: Medium,
    numbers: Numbers,
    step: Noted,
}

/// The lines, frames and states that were recorded since the previous step was shown.
#[derive(Default)]
struct Noted {
    lines: Vec<String>,
    frames: Vec<Summary>,
    states: Vec<State>,
}

impl<'s> Notes<'s> {
    pub(super) fn new(watch: Watch<'s>, medium: Medium) -> Self {
        Notes { watch, medium, numbers: Numbers::default(), step: Noted::default() }
    }

    pub(super) fn into_watch(self) -> Watch<'s> {
        self.watch
    }

    /// Returns whether `goal` has been reached since the previous step was shown.
    pub(super) fn has_reached(&self, goal: Goal) -> bool {
        match goal {
            Goal::Frame(kind) => self.step.frames.iter().any(|frame| kind.matches(frame)),
            // The first field is `None`, because the parser accepts the name of a side only in the lab.
            Goal::State(_, state) => self.step.states.contains(&state),
            // The parser accepts these goals only in the lab.
            Goal::Change | Goal::Loss | Goal::Step(_) | Goal::Time(_) => false,
        }
    }

    /// Returns the recorded lines, and forgets all recorded lines, frames and states.
    pub(super) fn take_lines(&mut self) -> Vec<String> {
        core::mem::take(&mut self.step).lines
    }
}

impl Probe for Notes<'_> {
    /// Records a frame with its direction.
    fn frame(&mut self, now: Instant, direction: Direction, frame: &[u8]) {
        self.watch.frame(now, direction, frame);
        let way = if direction == Direction::In { "in " } else { "out" };
        let summary = Summary::of(frame, self.medium);
        self.step.lines.push(format!("{way}     {}", self.numbers.describe(&summary)));
        self.step.frames.push(summary);
    }

    /// Records a change of state. Other events are only passed on.
    fn event(&mut self, now: Instant, event: &Event) {
        self.watch.event(now, event);
        if let Event::State { from, to, .. } = event {
            self.step.lines.push(format!("state   {from} -> {to}"));
            self.step.states.push(*to);
        }
    }
}

/// The largest number of SYNs to remember, two for each connection. The oldest SYN is forgotten first.
const REMEMBERED: usize = 2048;

/// The initial sequence numbers from the SYNs seen so far.
#[derive(Default)]
struct Numbers(VecDeque<(Ends, TcpSeqNumber)>);

impl Numbers {
    /// Describes a frame, with sequence numbers relative to the initial sequence numbers. Remembers the initial number
    /// of a SYN for later frames.
    fn describe(&mut self, summary: &Summary) -> String {
        let (Some(segment), Some(ends)) = (summary.segment(), summary.ends) else { return summary.to_string() };
        if segment.syn {
            self.remember(ends, segment);
        }
        // The ends of segments in the other direction.
        let back = Ends { source: ends.destination, destination: ends.source };
        let (sender, receiver) = (self.initial_number(ends), self.initial_number(back));
        let zero = TcpSeqNumber(0);
        let words = segment.since(sender.unwrap_or(zero), receiver.unwrap_or(zero));
        // An RST that answers a segment without ACK has sequence number 0, which is not relative to an initial number.
        let is_absolute = |initial: Option<TcpSeqNumber>, number: TcpSeqNumber| initial.is_none() && number != zero;
        if is_absolute(sender, segment.seq) || segment.ack.is_some_and(|ack| is_absolute(receiver, ack)) {
            return format!("{words} (no SYN seen: absolute numbers)");
        }
        words.to_string()
    }

    /// Stores the initial sequence number of a SYN, in place of an earlier one between the same ends. If the list is
    /// full, removes the oldest number.
    fn remember(&mut self, ends: Ends, syn: Segment) {
        let Numbers(initial) = self;
        initial.retain(|(known_ends, _)| *known_ends != ends);
        if initial.len() >= REMEMBERED {
            initial.pop_front();
        }
        initial.push_back((ends, syn.seq));
    }

    /// Returns the initial sequence number of the sender `ends.source`, if its SYN was seen.
    fn initial_number(&self, ends: Ends) -> Option<TcpSeqNumber> {
        self.0.iter().rev().find(|(known, _)| *known == ends).map(|(_, initial)| *initial)
    }
}

#[cfg(test)]
mod tests {
    use smoltcp::wire::{IpAddress, IpEndpoint};

    use super::*;
    use crate::trace::Carries;

    const SEGMENT: Segment = Segment {
        syn: false,
        fin: false,
        rst: false,
        psh: false,
        seq: TcpSeqNumber(0),
        ack: None,
        window: 63,
        scale: None,
        mss: None,
        sacks: [None; 3],
        len: 0,
    };

    fn frame(from: u16, to: u16, segment: Segment) -> Summary {
        let end = |port| IpEndpoint::new(IpAddress::v4(10, 0, 0, 1), port);
        Summary { ends: Some(Ends { source: end(from), destination: end(to) }), carries: Carries::Tcp(segment) }
    }

    /// The client's initial number is just below the maximum, so that its numbers wrap around.
    #[test]
    fn numbers_count_from_the_syn_of_either_end() {
        let (client, server) = (TcpSeqNumber(-2), TcpSeqNumber(1_000_000));
        let mut numbers = Numbers::default();
        let syn = Segment { syn: true, seq: client, ..SEGMENT };
        assert_eq!(numbers.describe(&frame(5, 7, syn)), "SYN seq=0 len=0 win=63");
        let syn_ack = Segment { syn: true, seq: server, ack: Some(client + 1), ..SEGMENT };
        assert_eq!(numbers.describe(&frame(7, 5, syn_ack)), "SYN,ACK seq=0 ack=1 len=0 win=63");
        let data = Segment { seq: client + 1, ack: Some(server + 1), len: 9, ..SEGMENT };
        assert_eq!(numbers.describe(&frame(5, 7, data)), "ACK seq=1 ack=1 len=9 win=63");
        let answer = Segment { fin: true, seq: server + 1, ack: Some(client + 10), ..SEGMENT };
        assert_eq!(numbers.describe(&frame(7, 5, answer)), "FIN,ACK seq=1 ack=10 len=0 win=63");
        // A new connection between the same ports, with new sequence numbers. Its SYN replaces the earlier SYN.
        let again = Segment { syn: true, seq: TcpSeqNumber(77), ..SEGMENT };
        assert_eq!(numbers.describe(&frame(5, 7, again)), "SYN seq=0 len=0 win=63");
        assert_eq!(numbers.0.len(), 2);
    }

    #[test]
    fn numbers_are_marked_absolute_if_no_syn_was_seen() {
        let mut numbers = Numbers::default();
        let ack = Segment { seq: TcpSeqNumber(5), ack: Some(TcpSeqNumber(6)), ..SEGMENT };
        assert_eq!(numbers.describe(&frame(5, 7, ack)), "ACK seq=5 ack=6 len=0 win=63 (no SYN seen: absolute numbers)");
        // The answer to a SYN for a closed port.
        numbers.describe(&frame(6, 7, Segment { syn: true, seq: TcpSeqNumber(900), ..SEGMENT }));
        let refused = Segment { rst: true, ack: Some(TcpSeqNumber(901)), window: 0, ..SEGMENT };
        assert_eq!(numbers.describe(&frame(7, 6, refused)), "RST,ACK seq=0 ack=1 len=0 win=0");
    }

    /// One SYN more than the list holds: the SYN from port 0 is the oldest.
    #[test]
    fn the_oldest_syns_are_forgotten() {
        let mut numbers = Numbers::default();
        for port in 0..=REMEMBERED as u16 {
            numbers.describe(&frame(port, 7, Segment { syn: true, seq: TcpSeqNumber(3), ..SEGMENT }));
        }
        assert_eq!(numbers.0.len(), REMEMBERED);
        let first = numbers.describe(&frame(0, 7, Segment { seq: TcpSeqNumber(4), ..SEGMENT }));
        assert!(first.contains("absolute"), "{first}");
    }
}
