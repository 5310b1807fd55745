//! The IPv6 routers of the link, and the choice of this host's router (RFC 4861 section 6.3.6, RFC 4191 section 3.2).

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::Ipv6Address;

use super::change::{Change, Changes, push};

/// The largest number of routers that are kept.
const ROUTERS: usize = 4;
/// The shortest time between two changes of the current router. This time limits the effect of a flood of
/// advertisements.
const HOLD: Duration = Duration::from_secs(1);

/// The known routers.
pub(super) struct Routers {
    list: heapless::Vec<Router, ROUTERS>,
    /// The router that this host uses.
    used: Option<Ipv6Address>,
    /// The current router does not change before this time.
    hold_until: Instant,
    /// Whether [`advance`](Routers::advance) must choose the router again.
    changed: bool,
}

struct Router {
    address: Ipv6Address,
    /// The time at which the router's lifetime ends.
    until: Instant,
    /// 1 means high, 0 means medium, and -1 means low.
    preference: i8,
    /// Whether the router has sent an advertisement since the link came up.
    confirmed: bool,
}

impl Routers {
    pub(super) fn new() -> Self {
        Routers { list: heapless::Vec::new(), used: None, hold_until: Instant::ZERO, changed: false }
    }

    /// Returns whether the list contains the router with this address.
    pub(super) fn knows(&self, address: Ipv6Address) -> bool {
        self.list.iter().any(|router| router.address == address)
    }

    /// Processes the flags and the lifetime (in seconds) of a router's advertisement. A lifetime of 0 removes the
    /// router. Returns false if the list has no room for the router.
    pub(super) fn advertised(&mut self, now: Instant, address: Ipv6Address, flags: u8, lifetime: u16) -> bool {
        // The next call to `advance` chooses the router again.
        self.changed = true;
        if lifetime == 0 {
            self.list.retain(|router| router.address != address);
            return true;
        }
        // Bits 3 and 4 of the flags are the preference. The reserved value, 2, is treated as medium (RFC 4191 section
        // 2.2).
        let preference = match flags >> 3 & 3 {
            1 => 1,
            3 => -1,
            _ => 0,
        };
        let until = now + Duration::from_secs(lifetime.into());
        let new = Router { address, until, preference, confirmed: true };
        if let Some(known) = self.list.iter_mut().find(|router| router.address == address) {
            *known = new;
            return true;
        }
        if self.list.is_full() {
            // A full list drops a router of lower preference, but never the current router.
            let used = self.used;
            let worse =
                self.list.iter().position(|router| router.preference < preference && Some(router.address) != used);
            let Some(at) = worse else { return false };
            self.list.swap_remove(at);
        }
        self.list.push(new).is_ok()
    }

    /// Removes expired routers and switches to the best router. Returns true if the current router was removed and no
    /// other router is known.
    pub(super) fn advance(&mut self, now: Instant, changes: &mut Changes) -> bool {
        let count = self.list.len();
        self.list.retain(|router| router.until > now);
        self.changed |= self.list.len() < count;
        // While the current router must not change, `changed` stays set, and a later call chooses the router.
        if !self.changed || now < self.hold_until {
            return false;
        }
        self.changed = false;
        let rank = |router: &Router| (router.preference, Some(router.address) == self.used);
        // Among routers of equal preference, the current router is best. If the current router is not among them, the
        // first router in the list is best: `max_by_key` returns the last maximum, and the order is reversed.
        let best = self.list.iter().rev().max_by_key(|router| rank(router)).map(|router| router.address);
        if best == self.used {
            return false;
        }
        self.hold_until = now + HOLD;
        if let Some(old) = self.used {
            push(changes, Change::RouterGone(old.into()));
        }
        if let Some(new) = best {
            push(changes, Change::Router(new.into()));
        }
        self.used = best;
        best.is_none()
    }

    /// Returns the time of the next call to [`advance`](Self::advance).
    pub(super) fn due(&self) -> Option<Instant> {
        let change = self.changed.then_some(self.hold_until);
        self.list.iter().map(|router| router.until).chain(change).min()
    }

    /// Marks all routers as unconfirmed, because the link came up.
    pub(super) fn link_up(&mut self) {
        self.list.iter_mut().for_each(|router| router.confirmed = false);
    }

    /// Removes the routers that have not sent an advertisement since the link came up.
    pub(super) fn drop_unconfirmed(&mut self) {
        self.list.retain(|router| router.confirmed);
        self.changed = true;
    }
}
