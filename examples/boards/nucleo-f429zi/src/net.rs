//! The stack, its device and the link.

use servers::{Servers, servers};
use smolstep::phy::EthernetAddress;
use smolstep::smoltcp::time::{Duration, Instant};
use smolstep::stack::{Io, NullConsole};
use smolstep::trace::LogProbe;

use crate::board::{Board, Phy, set_speed};
use crate::rings::Rings;

/// How often to look at the link.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The servers on the board's Ethernet.
pub struct Net {
    stack: Servers,
    io: Io<Rings, NullConsole, LogProbe>,
    phy: Phy,
    /// Whether the link was up at the most recent check. Starts as true, so a link that is up from the start is not
    /// reported as a change.
    link_is_up: bool,
    look_at: Instant,
}

impl Net {
    /// Creates the servers.
    ///
    /// # Panics
    /// Panics if this function is called twice.
    pub fn new(board: Board, now: Instant) -> Net {
        let Board { rings, phy, hardware, seed } = board;
        let mut io = Io { device: rings, console: NullConsole, probe: LogProbe::default() };
        let stack = servers(&mut io.device, EthernetAddress(hardware), seed, now).expect("a fit hardware address");
        Net { stack, io, phy, link_is_up: true, look_at: now }
    }

    /// Checks the link once a second, and polls the stack. Returns the time at which to call this method again, if no
    /// interrupt comes first.
    pub fn run(&mut self, now: Instant) -> Instant {
        if now >= self.look_at {
            self.look_at = now + LOOK_EVERY;
            let up = self.phy.link_established();
            if up {
                set_speed(&mut self.phy);
            }
            // Stores the new state in `link_is_up`, and acts only if the state has changed.
            if core::mem::replace(&mut self.link_is_up, up) != up {
                log::info!("the link is {}", if up { "up" } else { "down" });
                self.stack.link_changed(now, up);
            }
        }
        self.stack.poll(now, &mut self.io).map_or(self.look_at, |deadline| deadline.min(self.look_at))
    }
}
