//! Writes a run of the lab as a capture: each frame once, with a comment about facts that are not in the frame.

use core::fmt::{self, Write};

use smoltcp::socket::tcp::State;

use super::entry::What;
use super::explain::explain;
use super::text::{Host, Span};
use crate::lab::lang::Lang;
use crate::lab::{MAX_HOSTS, START, Snapshot, Verdict, WIRE, Wire};
use crate::stack::{Direction, Event, Tuple};
use crate::trace::{Frame, InterfaceId, LinkType, Sink, TEXT, Writer};

/// Writes the frames of a run to a capture file.
///
/// Each frame is recorded as it was sent, on its sender's interface, even if it never arrived or was damaged. The
/// frame's comment contains the step, the state changes since the connection's last frame, the fault, and the cause of
/// the frame.
///
/// Comments are in English. Times count from the start of the run, which is shown as 1970-01-01. The same run therefore
/// always gives the same bytes.
#[derive(Debug)]
pub struct LabCapture<S> {
    writer: Writer<S>,
    interfaces: heapless::Vec<InterfaceId, MAX_HOSTS>,
    /// The interface of the frames that no host has sent, or `None` before the first such frame.
    wire: Option<InterfaceId>,
    /// The state changes that are not in a comment yet, oldest first.
    changes: heapless::Deque<Change, CHANGES>,
}

/// The maximum number of state changes that can wait for their connection's next frame. A further change replaces the
/// oldest.
const CHANGES: usize = 16;

/// A change of state that waits for the next frame of its connection.
#[derive(Clone, Copy, Debug)]
struct Change {
    step: u32,
    host: usize,
    tuple: Tuple,
    from: State,
    to: State,
}

impl<S: Sink> LabCapture<S> {
    /// Begins a capture with an interface for each of `hosts` hosts.
    ///
    /// A lab has at most four hosts. If `hosts` is larger, only the first four get an interface.
    ///
    /// # Errors
    /// Returns the sink's error.
    pub fn new(sink: S, hosts: usize) -> Result<Self, S::Error> {
        let mut writer = Writer::new(sink)?;
        let mut interfaces = heapless::Vec::new();
        for host in 0..hosts.min(MAX_HOSTS) {
            let mut name = heapless::String::<8>::new();
            // A host's name has at most six characters, so it fits.
            let _ = write!(name, "{}", Host(host));
            let _ = interfaces.push(writer.interface(&name, LinkType::Ethernet)?);
        }
        Ok(LabCapture { writer, interfaces, wire: None, changes: heapless::Deque::new() })
    }

    /// Processes an entry of the lab.
    ///
    /// A change of state is kept for the comment of its connection's next frame, because a capture can show the change
    /// only with a frame. A frame that was sent is written with its comment. All other entries are ignored.
    ///
    /// Call this function with every entry before the next step, because the wire keeps the frame's bytes only until
    /// then.
    ///
    /// # Errors
    /// Returns the sink's error.
    pub fn note(&mut self, snapshot: &Snapshot, wire: &Wire) -> Result<(), S::Error> {
        let entry = &snapshot.entry;
        match entry.what {
            What::Stack(Event::State { tuple, from, to, .. }) => {
                // The oldest change makes room, so adding the new one cannot fail.
                if self.changes.is_full() {
                    self.changes.pop_front();
                }
                let _ = self.changes.push_back(Change { step: entry.step, host: entry.host, tuple, from, to });
                Ok(())
            }
            What::Sent { frame, verdict, .. } => {
                // A frame is not written if the wire no longer keeps its bytes, or if its host has no interface.
                let interface = match entry.host {
                    WIRE => Some(self.wire_interface()?),
                    host => self.interfaces.get(host).copied(),
                };
                let (Some(bytes), Some(interface)) = (wire.sent(frame), interface) else { return Ok(()) };
                let mut comment = heapless::String::<TEXT>::new();
                // An error means that the comment is too long. The comment is then cut.
                let _ = self.comment(&mut comment, snapshot, verdict);
                let micros = (entry.at - START).total_micros();
                self.writer.frame(&Frame {
                    interface,
                    micros,
                    direction: Some(Direction::Out),
                    bytes,
                    comment: &comment,
                })
            }
            _ => Ok(()),
        }
    }

    /// Flushes the sink and returns it. The capture contains every frame that [`note`](Self::note) wrote, regardless of
    /// how the run ended.
    ///
    /// # Errors
    /// Returns the sink's error.
    pub fn finish(mut self) -> Result<S, S::Error> {
        self.writer.flush()?;
        Ok(self.writer.into_sink())
    }

    /// Returns the interface of the frames that no host has sent. Adds this interface to the capture before the first
    /// such frame.
    fn wire_interface(&mut self) -> Result<InterfaceId, S::Error> {
        match self.wire {
            Some(interface) => Ok(interface),
            None => Ok(*self.wire.insert(self.writer.interface("wire", LinkType::Ethernet)?)),
        }
    }

    /// Writes the comment of a frame, and removes from `changes` the state changes that the comment contains.
    fn comment(&mut self, out: &mut dyn Write, snapshot: &Snapshot, verdict: Verdict) -> fmt::Result {
        let entry = &snapshot.entry;
        write!(out, "step {}; {}", entry.step, Host(entry.host))?;
        if let What::Sent { summary, .. } = entry.what
            && let Some(ends) = summary.ends
        {
            // The comment is about the sender's side of the connection, so the sender is the local end.
            let tuple = Tuple { local: ends.source, remote: ends.destination };
            for _ in 0..self.changes.len() {
                let Some(change) = self.changes.pop_front() else { break };
                if change.host == entry.host && change.tuple == tuple {
                    write!(out, "; {} -> {} at step {}", change.from, change.to, change.step)?;
                } else {
                    // A change of another connection returns to the queue. Each change is removed and added once, so
                    // their order stays the same.
                    let _ = self.changes.push_back(change);
                }
            }
            // Only a TCP segment of the client or the server has a state.
            if let (Some(_), Some(state)) = (summary.segment(), snapshot.states.get(entry.host)) {
                write!(out, "; in {state}")?;
            }
        }
        match verdict {
            Verdict::Delay(time) => write!(out, "; delayed by {}", Span(time))?,
            verdict => write!(out, "; {verdict}")?,
        }
        if let What::Sent { cause: Some(cause), .. } = entry.what {
            write!(out, "; {cause}")?;
        }
        match explain(snapshot) {
            None => Ok(()),
            Some(why) if why.rfc.is_empty() => write!(out, "; {}", why.whole(Lang::En)),
            Some(why) => write!(out, "; {} ({})", why.whole(Lang::En), why.rfc),
        }
    }
}
