//! Scheduled events: a host calls another host, is unplugged, or restarts.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

#[cfg(feature = "alloc")]
use super::{Forged, Notes, address};
use super::{HostEvent, Lab, Progress};
use crate::lab::show::What;
use crate::stack::{ConnectError, ConnectionId, Console, Session, UdpSession};

/// The maximum number of scheduled events. The lab also keeps the results of this many calls.
pub const MAX_SCHEDULED: usize = 8;

/// The time between two SYNs of a flood.
#[cfg(feature = "alloc")]
const FLOOD_GAP: Duration = Duration::from_millis(1);

/// A time since the start of a run that depends on the latency of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The part that is the same on every wire.
    pub time: Duration,
    /// The number of latencies to add. A round trip is two latencies.
    pub trips: u32,
}

impl Moment {
    /// Returns the time on a wire with this latency.
    pub fn on(&self, latency: Duration) -> Duration {
        self.time + latency * self.trips
    }
}

#[cfg(feature = "alloc")]
impl Moment {
    /// The longest time: a year, so that adding it to another time cannot overflow.
    pub(super) const LONGEST: Duration = Duration::from_secs(31_557_600);

    /// Parses a sum of round trips and times, for example `3rtt+200ms` or `1.5rtt`. `time` parses a term without `rtt`.
    ///
    /// Returns `None` if a term is not valid, or if the sum exceeds a year or 1,000 round trips. These limits prevent
    /// an overflow when the time is computed.
    pub(super) fn parse(word: &str, time: impl Fn(&str) -> Option<Duration>) -> Option<Self> {
        // 1,000 round trips of two trips each.
        const MOST_TRIPS: u32 = 2000;
        let mut sum = Moment { time: Duration::ZERO, trips: 0 };
        for term in word.split('+') {
            match term.strip_suffix("rtt") {
                Some(count) => {
                    // A round trip is two trips, and half a round trip is one.
                    let (whole, half) = count.strip_suffix(".5").map_or((count, 0), |whole| (whole, 1));
                    let trips = whole.parse::<u32>().ok()?.checked_mul(2)?.checked_add(half)?;
                    sum.trips = sum.trips.checked_add(trips).filter(|trips| *trips <= MOST_TRIPS)?;
                }
                None => sum.time = Some(sum.time + time(term)?).filter(|time| *time <= Self::LONGEST)?,
            }
        }
        Some(sum)
    }
}

impl From<Duration> for Moment {
    /// Returns the moment that is at `time` on every wire.
    fn from(time: Duration) -> Self {
        Moment { time, trips: 0 }
    }
}

/// A scheduled event.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // A session contains its line buffer; there is no heap for it.
pub enum Scheduled<S> {
    /// A host opens a connection to another host.
    Call {
        /// The calling host.
        host: usize,
        /// The local port; 0 means any free port.
        port: u16,
        /// The address and port to call.
        remote: IpEndpoint,
        /// The caller's program.
        session: S,
        /// The time limit for the handshake.
        patience: Duration,
    },
    /// A SYN flood against a port of the server.
    #[doc(hidden)]
    #[cfg(feature = "alloc")]
    Flood {
        /// The number of SYNs of this flood that have been sent so far.
        number: u32,
        /// The number of SYNs that remain to be sent.
        left: u32,
        /// The server's port.
        port: u16,
    },
    /// A forged segment is put on the wire.
    #[doc(hidden)]
    #[cfg(feature = "alloc")]
    Forge {
        /// The number that identifies the segment in [`Lab::unforged`]. The caller chooses the number.
        number: usize,
        /// The number of steps that the run must have taken. The time of the event must have come, too.
        after: u32,
        /// The segment.
        forged: Forged,
    },
    /// A host is unplugged or restarts.
    HostEvent(usize, HostEvent),
}

impl<S> Scheduled<S> {
    /// Returns whether the event may happen after this number of steps. The caller checks the event's time. Without
    /// `alloc`, no event depends on the number, so `_steps` is not used.
    fn may_follow(&self, _steps: u32) -> bool {
        match self {
            #[cfg(feature = "alloc")]
            Scheduled::Forge { after, .. } => *after <= _steps,
            _ => true,
        }
    }
}

impl<
    'a,
    S: Session + Clone,
    U: UdpSession,
    C: Console,
    const N: usize,
    const R: usize,
    const FRAMES: usize,
    const KEPT: usize,
    const FLOWS: usize,
> Lab<'a, S, U, C, N, R, FRAMES, KEPT, FLOWS>
{
    /// Schedules an event for the time `at`. If `at` has passed, the event happens at the next step.
    ///
    /// Returns false if the agenda is full or the host does not exist.
    pub fn plan(&mut self, at: Instant, scheduled: Scheduled<S>) -> bool {
        let host = match scheduled {
            Scheduled::Call { host, .. } | Scheduled::HostEvent(host, _) => host,
            #[cfg(feature = "alloc")]
            // No host causes these events, so the check below is made for the server, which always exists.
            Scheduled::Flood { .. } | Scheduled::Forge { .. } => 1,
        };
        host < N && self.agenda.push((at, scheduled)).is_ok()
    }

    /// Puts a frame on the wire now, as if host `from` had sent it. Returns whether the wire accepted the frame.
    #[cfg(feature = "alloc")]
    pub fn inject(&mut self, from: usize, frame: &[u8]) -> bool {
        let taken = self.wire.inject(self.now, from, frame);
        self.note(from, None, &Notes::default());
        taken
    }

    /// Puts on the wire a frame that no host has sent. The frame arrives at host `to`, or is lost if that host is
    /// unplugged. Returns false if the wire is full.
    #[cfg(feature = "session")]
    pub(crate) fn put(&mut self, to: usize, frame: &[u8]) -> bool {
        let has_room = self.wire.in_flight().count() < FRAMES;
        if has_room {
            self.wire.put(self.now, to, frame);
            // Add the frame to the trace. `false`: no host has sent it, so it is not a challenge ACK.
            self.note_sent(false);
        }
        has_room
    }

    /// Puts a forged segment from `ends[0]` to `ends[1]` on the wire. The segment arrives after the latency of the
    /// wire. Returns false if `ends[1]` is not the address of a host.
    #[cfg(feature = "alloc")]
    fn put_forged(&mut self, ends: [IpEndpoint; 2], forged: &Forged) -> bool {
        let Some(to) = (0..N).find(|&host| address(host) == ends[1].addr) else { return false };
        for frame in forged.frames(ends, to, self.isn_of(ends)) {
            self.wire.put(self.now, to, &frame);
        }
        // Add the frames to the trace. `false`: no host has sent them, so none is a challenge ACK.
        self.note_sent(false);
        true
    }

    /// Returns the calls so far, at most the first eight. Each item is the calling host, and the connection or the
    /// error.
    pub fn calls(&self) -> impl Iterator<Item = (usize, Result<ConnectionId, ConnectError>)> {
        self.calls.iter().copied()
    }

    /// Returns the host and the port of each UDP program that the set-up started.
    pub fn bound(&self) -> impl Iterator<Item = (usize, u16)> {
        self.bound.iter().copied()
    }

    /// Returns the numbers of the forged segments that were not sent.
    ///
    /// A forged segment is not sent if no connection has begun when the segment is due.
    #[cfg(feature = "alloc")]
    #[doc(hidden)]
    pub fn unforged(&self) -> impl Iterator<Item = usize> {
        self.unsent_forgeries.iter().copied()
    }

    /// Steps until the run ends or reaches a limit, and calls `each` after every step. Returns whether the run ended.
    ///
    /// The limits are `steps` steps, and the virtual time `time` since the start. The step that exceeds `time` is still
    /// taken.
    pub fn run(&mut self, time: Duration, steps: u32, mut each: impl FnMut(&mut Self)) -> bool {
        loop {
            let progress = self.step();
            each(self);
            match progress {
                Progress::End => return true,
                _ if self.steps() >= steps || self.elapsed() > time => return false,
                _ => {}
            }
        }
    }

    /// Returns the time of the next scheduled event.
    pub(super) fn next_scheduled(&self) -> Option<Instant> {
        self.agenda.iter().map(|(at, _)| *at).min()
    }

    /// Executes the scheduled events that are due, in the order in which they were scheduled. An event that must wait
    /// for more steps stays in the agenda.
    pub(super) fn run_due(&mut self) {
        let (now, steps) = (self.now, self.steps);
        while let Some(index) = self.agenda.iter().position(|(at, what)| *at <= now && what.may_follow(steps)) {
            let (_, scheduled) = self.agenda.remove(index);
            match scheduled {
                Scheduled::Call { host, port, remote, session, patience } => {
                    // `call` itself stores the result in `self.calls`.
                    let _ = self.call(host, port, remote, session, patience);
                }
                #[cfg(feature = "alloc")]
                Scheduled::Flood { number, left, port } => {
                    let (ends, syn) = Forged::flood_syn(number, port);
                    self.put_forged(ends, &syn);
                    if left > 1 {
                        // The agenda has room, because this event has just been removed from it.
                        let next = Scheduled::Flood { number: number + 1, left: left - 1, port };
                        let _ = self.agenda.push((self.now + FLOOD_GAP, next));
                    }
                }
                #[cfg(feature = "alloc")]
                Scheduled::Forge { number, forged, .. } => {
                    // The segment belongs to the connection of the most recent frame or event.
                    let sent = match self.tracks.latest {
                        Some([a, b]) => {
                            // The endpoints of `latest` can be in either order. `put_forged` needs the alleged sender
                            // first.
                            let ends = if a.addr == address(forged.sender) { [a, b] } else { [b, a] };
                            self.put_forged(ends, &forged)
                        }
                        None => false,
                    };
                    if !sent {
                        // A set-up cannot schedule more forged segments than this list can store.
                        let _ = self.unsent_forgeries.push(number);
                    }
                }
                Scheduled::HostEvent(host, what) => {
                    match what {
                        HostEvent::Cut => self.wire.cut(host),
                        HostEvent::Reboot => self.hosts[host].stack.forget_connections(),
                    }
                    self.push(host, What::HostEvent(what));
                }
            }
        }
    }

    /// Opens a connection from a host, and keeps the result for [`calls`](Self::calls). `port` is the local port; 0
    /// means any free port.
    pub(super) fn call(
        &mut self,
        host: usize,
        port: u16,
        remote: IpEndpoint,
        session: S,
        patience: Duration,
    ) -> Result<ConnectionId, ConnectError> {
        let (result, events) =
            self.with(host, |stack, now, io| stack.connect_from(now, port, remote, session, patience, io));
        // A call is not a step of the stack, but its events and frames become entries too.
        self.note(host, None, &events);
        // Only the results of the first [`MAX_SCHEDULED`] calls are kept.
        let _ = self.calls.push((host, result));
        result
    }
}
