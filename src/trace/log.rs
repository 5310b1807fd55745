//! A [`Probe`] that writes events as log lines.

use core::fmt;

use log::Level;
use smoltcp::time::{Duration, Instant};

#[cfg(feature = "dhcp")]
use crate::stack::AddressEvent;
use crate::stack::{DisplayEndpoint, DropReason, End, Event, Probe, Tuple};

/// A [`Probe`] that logs events, one on each line, with the target `smolstep`.
///
/// | level | lines |
/// |---|---|
/// | warn  | connections refused because a pool is full, addresses lost, refused or used by another host |
/// | info  | connections accepted, opened or closed, data received, leases, prefixes and routers that start or end |
/// | debug | state changes, half-way connections (SYN-RECEIVED) that end, dropped frames, addresses added or removed |
///
/// Lines about addresses are written only with the feature `dhcp`. Without this feature, messages of another host that
/// uses an address of this host are counted ([`DropReason::DuplicateAddress`]), but that host is not logged.
///
/// A peer could cause one line with each segment, so the number of lines about data and drops is limited. In each
/// second, [`Self::RECEIVED_A_SECOND`] lines about data and [`Self::DROPPED_A_SECOND`] lines about drops keep their
/// level. Further lines of these two kinds get the log level debug. At the first event after that second, the probe
/// logs how many lines got the level debug. If a connection closes within the second, the probe logs that number
/// immediately.
///
/// In each second, the first line about an ignored DHCP message has level warn. Further lines about ignored messages
/// have level debug.
///
/// With the feature `defmt`, each line also goes to defmt, which filters lines by `DEFMT_LOG`. The text of the lines
/// takes space in flash. To send compact frames instead, write a [`Probe`] that logs the [`Event`] itself, which
/// implements `defmt::Format`.
#[derive(Clone, Debug, Default)]
pub struct LogProbe {
    received: Limit,
    dropped: Limit,
    #[cfg(feature = "dhcp")]
    ignored: Limit,
}

/// Whether debug lines can be logged at all. A build for a board contains no debug lines.
const DEBUG: bool = log::STATIC_MAX_LEVEL as usize >= Level::Debug as usize;

impl LogProbe {
    /// The maximum number of lines per second about received data at level info.
    pub const RECEIVED_A_SECOND: u32 = 100;
    /// The maximum number of lines per second about drops at level warn.
    pub const DROPPED_A_SECOND: u32 = 5;

    /// Passes the lines of an event to `say`. First reports how many earlier lines got the level debug because there
    /// were too many.
    fn report(&mut self, now: Instant, event: &Event, say: &mut dyn FnMut(Level, fmt::Arguments<'_>)) {
        let connection_ended = matches!(event, Event::Ended { .. });
        if let Some(count) = self.received.take_left_out(now, connection_ended) {
            say(Level::Info, format_args!("received more: {count} lines left out (they are at debug level)"));
        }
        if let Some(count) = self.dropped.take_left_out(now, connection_ended) {
            say(Level::Warn, format_args!("dropped more: {count} lines left out (they are at debug level)"));
        }
        match *event {
            #[cfg(feature = "dhcp")]
            Event::Address(what) => say(level_of(&what), format_args!("{what}")),
            // Without DHCP, address events are not logged. Only the program changes addresses, so it knows about the
            // changes. The messages of another host that uses an address of this host are counted as dropped.
            #[cfg(not(feature = "dhcp"))]
            Event::Address(_) => {}
            Event::Accepted { tuple, .. } => say(Level::Info, format_args!("accepted {}", Served(tuple))),
            Event::Connecting { tuple, .. } if DEBUG => {
                say(Level::Debug, format_args!("connecting to {}", Made(tuple)))
            }
            Event::Connected { tuple, .. } => say(Level::Info, format_args!("connected to {}", Made(tuple))),
            Event::Read { tuple, bytes, .. } => {
                let level = self.received.level(now, Self::RECEIVED_A_SECOND, Level::Info);
                say(level, format_args!("received {} from {}", Bytes(bytes), Served(tuple)));
            }
            Event::Udp { port, from, read, sent } => {
                let level = self.received.level(now, Self::RECEIVED_A_SECOND, Level::Info);
                match from {
                    Some(from) => say(
                        level,
                        format_args!(
                            "received {} from {} on udp port {port}, sent {}",
                            Bytes(read),
                            DisplayEndpoint(from),
                            Bytes(sent)
                        ),
                    ),
                    None => say(level, format_args!("sent {} from udp port {port}", Bytes(sent))),
                }
            }
            Event::Ended { tuple, end, .. } => {
                say(Level::Info, format_args!("closed {}: {}", Served(tuple), reason(end)));
            }
            Event::HandshakeEnded { tuple, end, .. } if DEBUG => {
                say(Level::Debug, format_args!("gave up handshake {}: {}", Served(tuple), reason(end)));
            }
            Event::Refused { tuple, why } => {
                let level = self.dropped.level(now, Self::DROPPED_A_SECOND, Level::Warn);
                say(level, format_args!("refused {}: {}", Served(tuple), no_room(why)));
            }
            Event::Dropped(why @ (DropReason::BacklogFull | DropReason::SlotsFull)) => {
                let level = self.dropped.level(now, Self::DROPPED_A_SECOND, Level::Warn);
                say(level, format_args!("dropped a connection attempt: {}", no_room(why)));
            }
            // An `AddressEvent` already reports replies with bad options.
            #[cfg(feature = "dhcp")]
            Event::Dropped(why @ (DropReason::DhcpNak | DropReason::DhcpTransaction)) => {
                let level = self.ignored.level(now, 1, Level::Warn);
                say(level, format_args!("ignored a message: {why}"));
            }
            Event::Dropped(why) if DEBUG => say(Level::Debug, format_args!("dropped a frame: {why}")),
            Event::State { tuple, from, to, .. } if DEBUG => {
                say(Level::Debug, format_args!("{from} -> {to}: {}", Served(tuple)));
            }
            Event::Connecting { .. } | Event::HandshakeEnded { .. } | Event::Dropped(_) | Event::State { .. } => {}
            // Writes are not logged, because the line about the received data is enough.
            Event::Wrote { .. } => {}
        }
    }
}

impl Probe for LogProbe {
    /// Logs the lines of an event with the crate `log` and, with the feature `defmt`, also with defmt.
    fn event(&mut self, now: Instant, event: &Event) {
        self.report(now, event, &mut |level, line| {
            log::log!(target: "smolstep", level, "{line}");
            #[cfg(feature = "defmt")]
            send_to_defmt(level, line);
        });
    }
}

/// Logs a line with defmt. The chip formats the text, as for the crate `log`.
#[cfg(feature = "defmt")]
fn send_to_defmt(level: Level, line: fmt::Arguments<'_>) {
    let line = defmt::Display2Format(&line);
    match level {
        Level::Error => defmt::error!("{}", line),
        Level::Warn => defmt::warn!("{}", line),
        Level::Info => defmt::info!("{}", line),
        Level::Debug => defmt::debug!("{}", line),
        Level::Trace => defmt::trace!("{}", line),
    }
}

/// Limits the number of lines of one kind that keep their level in each second.
#[derive(Clone, Debug, Default)]
struct Limit {
    /// The start of the current second.
    since: Option<Instant>,
    /// The number of lines that have kept their level in this second.
    count: u32,
    /// The number of further lines, which got the level debug. [`take_left_out`](Self::take_left_out) sets the number
    /// to 0.
    left_out: u32,
}

impl Limit {
    /// Counts one more line and returns its level. The first `a_second` lines in a second have level `level`. Further
    /// lines have level debug.
    fn level(&mut self, now: Instant, a_second: u32, level: Level) -> Level {
        // `elapsed` says whether the current second is over.
        if self.elapsed(now) {
            // A new second begins. `report` has already taken `left_out` of the previous second, except for DHCP
            // messages, whose number is not reported.
            *self = Limit { since: Some(now), count: 0, left_out: 0 };
        }
        if self.count < a_second {
            self.count += 1;
            level
        } else {
            self.left_out = self.left_out.saturating_add(1);
            Level::Debug
        }
    }

    /// Returns the number of lines that got the level debug, and sets that number to 0.
    ///
    /// Returns `None` if that number is 0, or if the second is not over and `immediately` is false.
    fn take_left_out(&mut self, now: Instant, immediately: bool) -> Option<u32> {
        if self.left_out == 0 || !(immediately || self.elapsed(now)) {
            return None;
        }
        Some(core::mem::take(&mut self.left_out))
    }

    /// Returns whether the current second is over, or no second has begun.
    fn elapsed(&self, now: Instant) -> bool {
        self.since.is_none_or(|since| now >= since + Duration::from_secs(1))
    }
}

/// A number of bytes.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} byte{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// A connection's remote and local endpoints, as a server logs them.
struct Served(Tuple);

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", DisplayEndpoint(self.0.remote), DisplayEndpoint(self.0.local))
    }
}

/// A connection's remote and local endpoints, as a client logs them.
struct Made(Tuple);

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", DisplayEndpoint(self.0.remote), DisplayEndpoint(self.0.local))
    }
}

/// Returns the level of an address event. Failures have a higher level than successes.
#[cfg(feature = "dhcp")]
fn level_of(event: &AddressEvent) -> Level {
    match event {
        AddressEvent::Added(_) | AddressEvent::Removed(_) => Level::Debug,
        AddressEvent::Advertised(_)
        | AddressEvent::Leased { .. }
        | AddressEvent::Renewed { .. }
        | AddressEvent::Released { .. }
        | AddressEvent::Router(_)
        | AddressEvent::RouterGone(_) => Level::Info,
        // All other events are failures or conflicts.
        _ => Level::Warn,
    }
}

/// Returns the text of `why`, which is `SlotsFull` or `BacklogFull`. Without `const`, a board's flash would contain the
/// texts of all other reasons too, which take 900 bytes.
fn no_room(why: DropReason) -> &'static str {
    match why {
        DropReason::SlotsFull => const { DropReason::SlotsFull.text() },
        _ => const { DropReason::BacklogFull.text() },
    }
}

/// Returns the reason that follows the word "closed" in the log.
fn reason(end: End) -> &'static str {
    match end {
        End::Aborted => "reset by this side",
        End::AddressGone => "its address was removed",
        End::Closed => "both sides are done",
        End::Recycled => "its slot was needed",
        End::Refused => "refused by the peer",
        End::Reset => "reset by the peer",
        End::TimedOut => "timed out",
        #[cfg(feature = "recovery")]
        End::Undelivered(_) => "timed out after an ICMP error",
        End::Unreachable => "no host answers for its address",
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests;
