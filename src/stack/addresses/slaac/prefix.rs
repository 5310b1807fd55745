//! Handles the prefixes that routers advertise.

use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpCidr, Ipv6Address};

use super::super::change::{Change, Changes, Origin, push};
use super::super::claim::Claims;
use super::{Host, PREFIXES, Prefix, State, after, number};
use crate::stack::ndisc::interface_address;

/// No advertisement shortens a lifetime to less than this time, because any host can forge an advertisement (RFC 4862
/// section 5.5.3).
const TWO_HOURS: Duration = Duration::from_secs(7200);
/// The time in which at most [`PREFIXES`] new prefixes are accepted, even in a flood of advertisements.
const PREFIX_INTERVAL: Duration = Duration::from_secs(10);

// The flags in a prefix information option.
const ON_LINK: u8 = 0x80;
const AUTONOMOUS: u8 = 0x40;

impl Host {
    /// Handles a prefix information option (RFC 4861 section 6.3.4, RFC 4862 section 5.5.3).
    pub(super) fn prefix(
        &mut self,
        now: Instant,
        option: &[u8],
        own: &[IpCidr],
        claims: &mut Claims,
        changes: &mut Changes,
    ) {
        // `rest` contains the valid lifetime, the preferred lifetime, four reserved bytes and the prefix.
        let Some(&[_, _, length, flags, ref rest @ ..]) = option.first_chunk::<32>() else { return };
        let (Some(valid), Some(preferred)) = (number(rest, 0), number(rest, 4)) else { return };
        let Some(&[a, b, c, d, e, f, g, h]) = rest.get(12..20).and_then(|bytes| bytes.first_chunk::<8>()) else {
            return;
        };
        // Only the first 8 bytes are used, because only a prefix of 64 bits is accepted below. Later bits are not part
        // of the prefix (RFC 4861 section 4.6.2).
        let network = Ipv6Address::from([a, b, c, d, e, f, g, h, 0, 0, 0, 0, 0, 0, 0, 0]);
        let special = network.is_unicast_link_local() || network.is_multicast() || network.is_loopback();
        // An address created from a hardware address needs a prefix of 64 bits (RFC 2464 section 4).
        if length != 64 || special || network.is_unspecified() {
            return;
        }
        let address = interface_address(network, self.hardware);
        let until = after(now, valid);
        let on_link = flags & ON_LINK != 0 && valid > 0;
        let makes_address = flags & AUTONOMOUS != 0 && preferred <= valid;
        if let Some(known) = self.prefixes.iter_mut().find(|prefix| prefix.address == address) {
            known.confirmed = true;
            let before = known.cidr();
            // An advertisement without the on-link flag does not mean that the prefix is off-link.
            known.on_link |= on_link;
            if makes_address {
                // An advertisement can shorten the lifetime to two hours, but not further. If two hours or less remain,
                // the lifetime is not shortened.
                known.until = until.max(known.until.min(now + TWO_HOURS));
                known.preferred_until = after(now, preferred);
            }
            if let State::Used { .. } = known.state {
                known.state = State::Used { deprecated: known.preferred_until <= now };
                if known.cidr() != before {
                    push(changes, Change::Add(known.cidr()));
                }
            }
            return;
        }
        let by_hand = own.iter().any(|own| own.address() == address.into());
        if !makes_address || valid == 0 || by_hand || self.prefixes.is_full() || !self.may_add_prefix(now) {
            return;
        }
        let state = State::Claimed;
        let preferred_until = after(now, preferred);
        let prefix = Prefix { address, until, preferred_until, on_link, confirmed: true, state };
        if claims.add(prefix.cidr(), Origin::Slaac, now) {
            // The list has room for the prefix, because `is_full` was false above.
            let _ = self.prefixes.push(prefix);
        }
    }

    /// Counts a new prefix. Returns false if there were already [`PREFIXES`] new prefixes in this [`PREFIX_INTERVAL`].
    fn may_add_prefix(&mut self, now: Instant) -> bool {
        if now >= self.prefixes_since + PREFIX_INTERVAL {
            (self.new_prefixes, self.prefixes_since) = (0, now);
        }
        self.new_prefixes += 1;
        self.new_prefixes <= PREFIXES
    }
}
