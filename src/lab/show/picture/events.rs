//! Converts the rows of a run to arrows between two lines, and notes beside the lines.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

use smoltcp::socket::tcp::State;

use super::super::entry::{Transfer, What};
use super::super::ladder::{Body, Ladder, Tone};
use super::super::svg::{FAINT, INK, ORANGE, RED};
use super::super::words::In;
use super::axis::{MARGIN, Moment};
use super::labels::LINE;
use crate::lab::lang::Lang;
use crate::lab::{Lane, START, Snapshot};
use crate::stack::Next;
use crate::trace::Summary;

/// The largest number of lanes: a lane is the pair of lines of a connection. Further connections share these lanes.
pub(super) const LANES: usize = 4;

/// The colours of the lanes, if there are several.
pub(super) const COLORS: [&str; LANES] = ["#0b5394", "#6a1b9a", "#00695c", "#5d4037"];

/// A frame on its way. Times are in microseconds since the start of the run.
pub(super) struct Arrow {
    pub(super) lane: usize,
    /// The sender: 0 is the client, 1 the server.
    pub(super) host: usize,
    pub(super) at: u64,
    /// The number of frames that the sender has already sent at the same time.
    pub(super) order: i32,
    /// Each arrival: the time, and how many frames have already arrived at the same time.
    pub(super) arrivals: Vec<(u64, i32)>,
    pub(super) is_lost: bool,
    pub(super) is_again: bool,
    /// The colour of the line.
    pub(super) color: &'static str,
    pub(super) label: String,
}

/// A text beside the line of a host. `at` is in microseconds since the start of the run.
pub(super) struct Note {
    pub(super) lane: usize,
    /// The host. Notes of hosts other than the first two are in the middle.
    pub(super) host: usize,
    pub(super) at: u64,
    pub(super) color: &'static str,
    pub(super) is_state: bool,
    pub(super) text: String,
}

/// The events of a run, in order.
#[derive(Default)]
pub(super) struct Events {
    pub(super) arrows: Vec<Arrow>,
    pub(super) notes: Vec<Note>,
    /// The instants of the run, each with its first and its last step.
    pub(super) instants: BTreeMap<u64, [u32; 2]>,
    /// The port of each lane, if the run has several connections.
    pub(super) ports: Vec<Option<u16>>,
    /// How many frames are sent or arrive at the same instant, for each instant, lane, host and direction.
    counts: BTreeMap<(u64, usize, usize, Way), i32>,
    /// The state changes of the two sides of each lane, in order: time, lane, and the new states.
    pub(super) states: Vec<(u64, usize, [State; 2])>,
}

/// Returns the time of an entry, in microseconds since the start of the run.
fn micros(snapshot: &Snapshot) -> u64 {
    (snapshot.entry.at - START).total_micros()
}

/// The direction of a frame, as a host sees it: the frame arrives (`In`) or is sent (`Out`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    In,
    Out,
}

impl Events {
    /// Converts the rows. Frames that were sent before `from` are drawn only if they arrive at or after `from`. `options`
    /// says whether labels contain TCP options.
    pub(super) fn of(rows: &[Snapshot], from: u64, lang: Lang, options: bool) -> Self {
        let mut events = Events::default();
        let count = rows.iter().map(|s| s.lane.of as usize).max().unwrap_or(1).clamp(1, LANES);
        events.ports = alloc::vec![None; count];
        let ladder = Ladder { width: if count > 1 { 90 } else { 112 }, ascii: false, color: false, lang };
        // The index of each frame's arrow, and the last states of each lane.
        let mut frames: BTreeMap<u32, usize> = BTreeMap::new();
        let mut known = alloc::vec![None; count];
        for snapshot in rows {
            let at = micros(snapshot);
            // Before `from`, only frames are read, because they can still be in flight.
            let is_early = at < from;
            let lane = snapshot.lane.number.map_or(0, |number| number as usize % count);
            let shares_lane = snapshot.lane.of as usize > LANES || snapshot.lane.is_shared;
            let entry = &snapshot.entry;
            if !is_early {
                let steps = events.instants.entry(at).or_insert([entry.step; 2]);
                steps[1] = entry.step;
                let has_connection = count == 1 || snapshot.lane.number.is_some();
                if has_connection {
                    if !shares_lane {
                        events.ports[lane] = snapshot.port;
                    }
                    let before = known[lane].replace(snapshot.states);
                    for host in 0..2 {
                        let state = snapshot.states[host];
                        // A connection's first states are noted only if they are neither CLOSED nor LISTEN.
                        if before
                            .map_or(![State::Closed, State::Listen].contains(&state), |b: [State; 2]| b[host] != state)
                        {
                            let text = state.to_string();
                            events.notes.push(Note { lane, host, at, color: INK, is_state: true, text });
                        }
                    }
                    if before != Some(snapshot.states) {
                        events.states.push((at, lane, snapshot.states));
                    }
                }
            }
            let Some(body) = Body::of(ladder, &without_connection(snapshot, shares_lane)) else { continue };
            match (body, entry.what) {
                (Body::Arrow { host, lost, again, label }, What::Sent { frame, summary, .. }) => {
                    let color = match (lost, again) {
                        (true, _) => RED,
                        _ if count > 1 && snapshot.port.is_some() => COLORS[lane],
                        (_, true) => ORANGE,
                        _ => INK,
                    };
                    frames.insert(frame, events.arrows.len());
                    let order = events.count_frame(at, lane, host, Way::Out);
                    let (arrivals, mut label) = (Vec::new(), label.to_string());
                    if options {
                        label.push_str(&options_of(&summary));
                    }
                    events.arrows.push(Arrow {
                        lane,
                        host,
                        at,
                        order,
                        arrivals,
                        is_lost: lost,
                        is_again: again,
                        color,
                        label,
                    });
                }
                (Body::Arrival { host, damaged, .. }, What::Arrived { frame, mark, .. }) if host < 2 => {
                    if let Some(&index) = frames.get(&frame) {
                        let order = events.count_frame(at, events.arrows[index].lane, host, Way::In);
                        events.arrows[index].arrivals.push((at, order));
                    }
                    let mut text = String::new();
                    // Writing to a string cannot fail.
                    let _ = match mark {
                        _ if damaged => write!(text, "#{frame} {}", lang.pick("damaged: thrown away", "已损坏，丢弃")),
                        Some(mark) => write!(text, "#{frame}{}", In(lang, mark)),
                        None => continue,
                    };
                    let color = if damaged { RED } else { INK };
                    events.notes.push(Note { lane, host, at, color, is_state: false, text });
                }
                // A program that runs without any effect is not noted.
                (Body::Note { .. }, What::Ran(Next::Wait, _, Transfer { read: 0, written: 0 })) => {}
                (Body::Clock, _) if !is_early => {
                    let text = ladder.clock().to_string();
                    events.notes.push(Note { lane, host: 0, at, color: FAINT, is_state: false, text });
                }
                (Body::Note { host, tone, text }, _) if !is_early => {
                    let color = match tone {
                        Tone::Again => ORANGE,
                        Tone::Bad => RED,
                        Tone::Dim => FAINT,
                        Tone::Plain => INK,
                    };
                    events.notes.push(Note { lane, host, at, color, is_state: false, text: text.to_string() });
                }
                _ => {}
            }
        }
        events.arrows.retain(|arrow| arrow.at >= from || arrow.arrivals.iter().any(|(at, _)| *at >= from));
        events.notes.sort_by_key(|note| (note.at, !note.is_state));
        events
    }

    /// Counts a frame that a host sends or receives at the time `at`. Returns how many such frames were counted before.
    fn count_frame(&mut self, at: u64, lane: usize, host: usize, way: Way) -> i32 {
        let count = self.counts.entry((at, lane, host, way)).or_insert(0);
        core::mem::replace(count, *count + 1)
    }

    /// Returns how many frames a host sends or receives at the time `at`.
    pub(super) fn count(&self, at: u64, lane: usize, host: usize, way: Way) -> i32 {
        self.counts.get(&(at, lane, host, way)).copied().unwrap_or_default()
    }

    /// Returns the instants at which something is drawn, with the height that their labels need. `flight` is the usual
    /// time from sending to arrival, in microseconds.
    pub(super) fn moments(&self, flight: u64) -> Vec<Moment> {
        let mut counts: BTreeMap<(u64, usize, usize), i32> = BTreeMap::new();
        // Column 2 contains the labels of both hosts' arrows, between the lines. Columns 0 and 1 contain the notes of
        // the client and of the server, outside the lines.
        let arrows = self.arrows.iter().map(|arrow| (arrow.at, arrow.lane, 2));
        let notes = self.notes.iter().map(|note| (note.at, note.lane, note.host.min(2)));
        for column in arrows.chain(notes) {
            *counts.entry(column).or_default() += 1;
        }
        // The number of labels in the fullest column at a time.
        let most = |at: u64| {
            let counts = counts.range((at, 0, 0)..=(at, usize::MAX, usize::MAX));
            counts.map(|(_, count)| *count).max().unwrap_or_default()
        };
        let arrivals = self.arrows.iter().flat_map(|arrow| &arrow.arrivals).map(|(at, _)| *at);
        let losses = self.arrows.iter().filter(|arrow| arrow.arrivals.is_empty());
        let ends = arrivals.chain(losses.map(|arrow| arrow.at + lost_after(flight)));
        // A frame sent before the drawn part can also end before it. Such an end takes no room.
        let first = self.instants.keys().next().copied().unwrap_or_default();
        let times: BTreeSet<u64> = self.instants.keys().copied().chain(ends.filter(|at| *at >= first)).collect();
        times.into_iter().map(|at| Moment { at, need: LINE * most(at) + MARGIN }).collect()
    }

    /// Returns the median time from sending to arrival, in microseconds.
    pub(super) fn flight(&self) -> u64 {
        let flight = |arrow: &Arrow| Some(arrow.arrivals.first()?.0 - arrow.at);
        let mut flights: Vec<u64> = self.arrows.iter().filter_map(flight).collect();
        flights.sort_unstable();
        flights.get(flights.len() / 2).copied().unwrap_or(1000).max(1)
    }
}

/// Returns the options that a label adds, as in ` mss=1460 ws=0`.
fn options_of(summary: &Summary) -> String {
    let mut text = String::new();
    let Some(segment) = summary.segment() else { return text };
    // Writing to a string cannot fail.
    if let Some(mss) = segment.mss {
        let _ = write!(text, " mss={mss}");
    }
    if let Some(scale) = segment.scale {
        let _ = write!(text, " ws={scale}");
    }
    text
}

/// Returns the time from the sending of a lost frame to the end of the frame's arrow, in microseconds.
pub(super) fn lost_after(flight: u64) -> u64 {
    flight * 2 / 3
}

/// Returns a snapshot whose texts name the connection only if several connections share a lane.
fn without_connection(snapshot: &Snapshot, shares_lane: bool) -> Snapshot {
    let port = snapshot.port.filter(|_| shares_lane);
    Snapshot { port, lane: Lane::default(), ..*snapshot }
}
