//! Draws graphs of a run's connections (SVG 1.1): sequence numbers, windows, round trips and throughput over time.
//!
//! One panel shows one connection, in the direction with more payload. The crate plotters is not used, because on
//! WebAssembly it measures text with elements of the web page: it would need a page, and its pictures would differ from
//! those on other targets.

mod frame;
mod round_trips;
mod throughput;
mod time_sequence;
mod track;
mod window;

use alloc::vec::Vec;
use core::fmt::{self, Display, Write};

use smoltcp::time::Instant;
use smoltcp::wire::IpEndpoint;

use self::frame::Frame;
use self::track::Track;
use super::entry::What;
use super::svg::{INK, RED, open};
use super::words::host_name;
use crate::lab::lang::Lang;
#[cfg(feature = "session")]
use crate::lab::run::HostLab;
use crate::lab::{MAX_HOSTS, START, Snapshot, address};
use crate::stack::{Control, Tuple};
use crate::trace::Cause;

/// The quantity that a graph shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphKind {
    /// The congestion window, the slow-start threshold and the bytes in flight.
    Cwnd,
    /// Measured round trips, SRTT and the retransmission timeout.
    Rtt,
    /// The payload per second, as sent and as delivered.
    Throughput,
    /// Sequence numbers: segments, acknowledgements and the window's edge.
    TimeSequence,
}

impl GraphKind {
    /// The kinds, with their names.
    pub const NAMES: [(&'static str, GraphKind); 4] = [
        ("cwnd", GraphKind::Cwnd),
        ("rtt", GraphKind::Rtt),
        ("throughput", GraphKind::Throughput),
        ("time-sequence", GraphKind::TimeSequence),
    ];
}

/// The largest number of connections in a graph.
const PANELS: usize = 4;

/// The largest number of directions that are recorded: two for each connection.
const TRACKS: usize = 32;

/// The maximum number of points in a graph. A graph that reaches this number says where it is cut.
const POINTS: usize = 60_000;

/// Draws a graph from the entries of a run.
pub struct Graph {
    kind: GraphKind,
    lang: Lang,
    tracks: Vec<Track>,
    points: usize,
    /// The time from which entries are ignored because the graph is full, in microseconds.
    cut_at: Option<u64>,
}

impl Graph {
    /// Makes an empty graph.
    pub fn new(kind: GraphKind, lang: Lang) -> Self {
        Graph { kind, lang, tracks: Vec::new(), points: 0, cut_at: None }
    }

    /// Records a segment between two hosts that is sent, or that arrives undamaged. Ignores all other entries, every
    /// entry after the graph is full, and a connection for which there is no room.
    pub fn note(&mut self, snapshot: &Snapshot) {
        let at = (snapshot.entry.at - START).total_micros();
        let (summary, sent) = match snapshot.entry.what {
            // For a sent frame: whether it is a retransmission, and whether it is lost.
            What::Sent { summary, cause, verdict, .. } => {
                (summary, Some((cause.is_some_and(Cause::is_again), verdict.is_lost())))
            }
            What::Arrived { summary, damaged: false, .. } => (summary, None),
            _ => return,
        };
        let (Some(segment), Some(ends)) = (summary.segment(), summary.ends) else { return };
        let is_cut = self.cut_if_full(at);
        if is_cut {
            return;
        }
        let [sender_isn, receiver_isn] = snapshot.isn;
        let ends = [ends.source, ends.destination];
        // If one of the addresses is not a host's, the segment is forged, and belongs to no connection between hosts.
        if !ends.iter().all(|end| (0..MAX_HOSTS).any(|host| address(host) == end.addr)) {
            return;
        }
        // The direction from the segment's sender to its receiver, and the opposite direction.
        let Some(forth) = self.find_or_add_track(ends) else { return };
        let Some(back) = self.find_or_add_track([ends[1], ends[0]]) else { return };
        self.points += 1;
        match sent {
            Some((is_again, is_lost)) => {
                // A track's `scales` are the window scales of the data's sender and receiver. The SYN's sender sends
                // the data of `forth`, and receives the data of `back`.
                if segment.syn {
                    self.tracks[forth].scales[0] = segment.scale;
                    self.tracks[back].scales[1] = segment.scale;
                }
                if let Some(isn) = sender_isn {
                    self.tracks[forth].sent(at, &segment, isn, is_again, is_lost);
                }
            }
            None => {
                // The payload belongs to the segment's direction, and the acknowledgement to the opposite one.
                if let Some(isn) = sender_isn {
                    self.tracks[forth].delivered(at, &segment, isn);
                }
                if let Some(isn) = receiver_isn {
                    self.tracks[back].acknowledged(at, &segment, isn);
                }
            }
        }
    }

    /// Records the [`Control`] of one side of a connection at the time `now`, unless the graph is full or has no room
    /// for the connection. Values that have not changed add no point.
    pub fn note_control(&mut self, now: Instant, tuple: &Tuple, control: &Control) {
        let at = (now - START).total_micros();
        let is_cut = self.cut_if_full(at);
        if is_cut {
            return;
        }
        if let Some(index) = self.find_or_add_track([tuple.local, tuple.remote]) {
            let has_new_point = self.tracks[index].record_control(at, control);
            self.points += usize::from(has_new_point);
        }
    }

    /// Records the [`Control`] of both sides of all connections after an entry, if the graph needs these values.
    #[cfg(feature = "session")]
    pub(crate) fn note_controls(&mut self, snapshot: &Snapshot, lab: &HostLab<'_>) {
        if self.needs_control() {
            for (tuple, control) in [0, 1].into_iter().flat_map(|host| lab.control(host)) {
                self.note_control(snapshot.entry.at, &tuple, &control);
            }
        }
    }

    /// Returns whether the graph shows values of [`Control`].
    pub fn needs_control(&self) -> bool {
        matches!(self.kind, GraphKind::Cwnd | GraphKind::Rtt)
    }

    /// Returns whether the graph is cut. If the graph is full and not cut yet, cuts it at the time `at`.
    fn cut_if_full(&mut self, at: u64) -> bool {
        if self.points >= POINTS {
            self.cut_at.get_or_insert(at);
        }
        self.cut_at.is_some()
    }

    /// Returns the index of the track from `ends[0]` to `ends[1]`. Adds the track if there is none. Returns `None` if
    /// there is no room for it.
    fn find_or_add_track(&mut self, ends: [IpEndpoint; 2]) -> Option<usize> {
        let known = self.tracks.iter().position(|track| track.ends == ends);
        known.or_else(|| {
            (self.tracks.len() < TRACKS).then(|| {
                self.tracks.push(Track::new(ends));
                self.tracks.len() - 1
            })
        })
    }

    /// Draws the graph: one panel for each connection shown, one below the other. At most one note below the panels
    /// says what is missing: the rest of the run, or other connections.
    ///
    /// # Errors
    /// Returns the error from `out`.
    pub fn write(&self, out: &mut dyn Write) -> fmt::Result {
        let (tracks, connections) = self.shown_tracks();
        // Without a connection, the first panel's place contains a line that says so.
        let height = HEAD + PANEL * tracks.len().max(1) + FOOT;
        let lang = self.lang;
        let title = match self.kind {
            GraphKind::Cwnd => lang.pick("The congestion window", "拥塞窗口"),
            GraphKind::Rtt => lang.pick("Round trips and the retransmission timeout", "往返时间与超时重传时间"),
            GraphKind::Throughput => lang.pick("Throughput", "吞吐量"),
            GraphKind::TimeSequence => lang.pick("Sequence numbers over time", "序号随时间的变化"),
        };
        open(out, WIDTH, height, title)?;
        writeln!(out, r#"<text x="{LEFT}" y="22" font-size="14" font-weight="bold">{title}</text>"#)?;
        let times = times(&tracks);
        for (index, track) in tracks.iter().enumerate() {
            let top = HEAD + PANEL * index;
            let y = top + 14;
            writeln!(
                out,
                r#"<text x="{LEFT}" y="{y}" font-weight="bold">{}</text>"#,
                Direction(track, connections, lang)
            )?;
            let frame = Frame::new(area(index), times, lang);
            match self.kind {
                GraphKind::Cwnd => window::draw(out, frame, track)?,
                GraphKind::Rtt => round_trips::draw(out, frame, track)?,
                GraphKind::Throughput => throughput::draw(out, frame, track)?,
                GraphKind::TimeSequence => time_sequence::draw(out, frame, track)?,
            }
        }
        let y = height - 12;
        if tracks.is_empty() {
            let nothing = lang.pick("There is no TCP segment to draw.", "没有 TCP 报文段可画。");
            writeln!(out, r#"<text x="{LEFT}" y="60">{nothing}</text>"#)?;
        } else if let Some(at) = self.cut_at {
            let at = super::text::Span(smoltcp::time::Duration::from_micros(at));
            write!(out, r#"<text x="{LEFT}" y="{y}" fill="{RED}">"#)?;
            match lang {
                Lang::En => {
                    write!(out, "Cut here, after {POINTS} points: the run goes on. --from {at} draws the rest.")?
                }
                Lang::Zh => write!(out, "图到此为止（{POINTS} 个点），运行还在继续。--from {at} 画出其余部分。")?,
            }
            out.write_str("</text>\n")?;
        } else if connections > tracks.len() {
            let others = connections - tracks.len();
            write!(out, r#"<text x="{LEFT}" y="{y}" fill="{INK}">"#)?;
            match lang {
                Lang::En => write!(out, "{others} more connections, not shown.")?,
                Lang::Zh => write!(out, "还有 {others} 个连接没有画出。")?,
            }
            out.write_str("</text>\n")?;
        }
        out.write_str("</svg>\n")
    }

    /// Returns where the graph draws its panels, or `None` if there is nothing to draw. The page of the lab needs this
    /// to place its time cursor.
    #[cfg(feature = "session")]
    pub(crate) fn plot(&self) -> Option<Plot> {
        let (tracks, _) = self.shown_tracks();
        let last = tracks.len().checked_sub(1)?;
        let ([left, top, width, _], [_, last_top, _, last_height]) = (area(0), area(last));
        Some(Plot {
            left,
            right: left + width,
            top,
            bottom: last_top + last_height,
            size: [WIDTH, HEAD + PANEL * tracks.len() + FOOT],
            times: Frame::new(area(0), times(&tracks), self.lang).times(),
        })
    }

    /// Returns the directions to draw, at most one for each connection, and the number of all connections. Connections
    /// with more payload come first, and only the first [`PANELS`] are drawn.
    fn shown_tracks(&self) -> (Vec<&Track>, usize) {
        let mut tracks: Vec<&Track> = self.tracks.iter().filter(|track| !track.sent.is_empty()).collect();
        tracks.sort_by_key(|track| core::cmp::Reverse(track.payload()));
        // The direction with more payload comes first, so the opposite direction is skipped.
        let mut shown: Vec<&Track> = Vec::new();
        for track in tracks {
            if !shown.iter().any(|other| other.ends == [track.ends[1], track.ends[0]]) {
                shown.push(track);
            }
        }
        let connections = shown.len();
        shown.truncate(PANELS);
        (shown, connections)
    }
}

/// The width of a graph, in pixels.
const WIDTH: usize = 1000;
/// The x coordinate of the left edge of the panels, in pixels.
const LEFT: usize = 90;
/// The height of the space above the panels, in pixels.
const HEAD: usize = 40;
/// The height of the space below the panels, in pixels.
const FOOT: usize = 30;
/// The height of a panel, including its legend and the names of its axes, in pixels.
const PANEL: usize = 430;

/// Where a graph draws its panels, in the units of its view box.
#[cfg(feature = "session")]
pub(crate) struct Plot {
    /// The left edge of all panels.
    pub(crate) left: f64,
    /// The right edge of all panels.
    pub(crate) right: f64,
    /// The top of the first panel.
    pub(crate) top: f64,
    /// The bottom of the last panel.
    pub(crate) bottom: f64,
    /// The width and the height of the view box.
    pub(crate) size: [usize; 2],
    /// The times at the left and at the right edge, in microseconds.
    pub(crate) times: [u64; 2],
}

/// Returns the left edge, the top, the width and the height of a panel, excluding its labels, in pixels.
fn area(index: usize) -> [f64; 4] {
    // Above the panel, 44 pixels are for its title and legend. Below it, 66 pixels are for the time axis and a gap.
    [LEFT, HEAD + PANEL * index + 44, WIDTH - LEFT - 30, PANEL - 110].map(|length| length as f64)
}

/// Returns the times of the first and of the last segment or acknowledgement in all panels, in microseconds. All panels
/// have the same time axis.
fn times(tracks: &[&Track]) -> [u64; 2] {
    let sent = tracks.iter().flat_map(|track| track.sent.iter().map(|sent| sent.at));
    let acked = tracks.iter().flat_map(|track| track.acked.iter().map(|acked| acked.at));
    let (first, last) = sent.chain(acked).fold((u64::MAX, 0), |(a, b), at| (a.min(at), b.max(at)));
    // Without any point, both times are 0.
    [first.min(last), last]
}

/// Names the sender and the receiver of a track, and its number of payload bytes. The second field is the number of
/// connections: if there are several, the ports are named, too.
struct Direction<'t>(&'t Track, usize, Lang);

impl Display for Direction<'_> {
    /// Writes the sender, the receiver and the number of payload bytes. Several connections are told apart by ports.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Direction(track, connections, lang) = self;
        for (index, end) in track.ends.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { lang.pick(" to ", " 到 ") })?;
            // The client and the server have names. Another host has only its address.
            match [0, 1].into_iter().find(|host| address(*host) == end.addr) {
                Some(host) => f.write_str(host_name(host, *lang))?,
                None => write!(f, "{}", end.addr)?,
            }
            if *connections > 1 {
                write!(f, " :{}", end.port)?;
            }
        }
        let payload = track.payload();
        match lang {
            Lang::En => write!(f, ", {payload} bytes of payload"),
            Lang::Zh => write!(f, "，数据 {payload} 字节"),
        }
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests;
