//! Passes an ICMP error to the connection, UDP program or echo request that caused it.

use smoltcp::phy::Device;
#[cfg(feature = "recovery")]
use smoltcp::socket::tcp::State;
use smoltcp::time::Instant;
use smoltcp::wire::IpProtocol;

#[cfg(feature = "recovery")]
use crate::stack::event::Tuple;
use crate::stack::event::{DropReason, Event, Io, Probe};
use crate::stack::icmp_errors::Quote;
use crate::stack::{Console, Session, Stack, UdpSession};
#[cfg(feature = "recovery")]
use crate::stack::{End, Phase};
#[cfg(feature = "fragments")]
use crate::stack::{Refusal, paths};

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Processes an ICMP error. If nothing on this host caused the error, the error is dropped and counted.
    pub(super) fn process_icmp_error<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        quote: &Quote,
        io: &mut Io<D, C, P>,
    ) {
        let concerns_us = match quote.protocol {
            // The quoted packet does not come from this host.
            _ if !self.iface.has_ip_addr(quote.source) => false,
            #[cfg(feature = "recovery")]
            IpProtocol::Tcp => self.segment_undelivered(now, quote, io),
            #[cfg(feature = "recovery")]
            IpProtocol::Udp => {
                // The stack learns the path MTU even if no program handles the error.
                let is_ours = self.datagram_too_long(now, quote);
                self.datagram_undelivered(quote.local().port, quote.remote(), &quote.error) || is_ours
            }
            #[cfg(feature = "ping")]
            IpProtocol::Icmp | IpProtocol::Icmpv6 => {
                // As for UDP, the stack learns the path MTU even if no echo request matches.
                let is_ours = self.datagram_too_long(now, quote);
                self.pings.as_mut().is_some_and(|pings| pings.refused(quote)) || is_ours
            }
            _ => false,
        };
        if !concerns_us {
            io.probe.event(now, &Event::Dropped(DropReason::BadIcmp));
        }
    }

    /// Processes an ICMP error about a segment. Returns false if no connection has the segment in flight, or if the
    /// reported path MTU is not valid.
    ///
    /// A final error ends an attempt to connect. Any other error does not end the connection, but is recorded (RFC 9293
    /// section 3.9.2.2, RFC 5927 section 5.2). If the error reports a path MTU, the data is also sent again in shorter
    /// segments.
    #[cfg(feature = "recovery")]
    fn segment_undelivered<D: Device, C: Console, P: Probe>(
        &mut self,
        now: Instant,
        quote: &Quote,
        io: &mut Io<D, C, P>,
    ) -> bool {
        let tuple = Tuple { local: quote.local(), remote: quote.remote() };
        let Some(index) = self.connections.find(&tuple) else { return false };
        let slot = &mut self.connections.slots[index];
        if !slot.control.is_in_flight(quote.seq()) {
            return false;
        }
        if quote.error.why.is_final() && (slot.phase, slot.state) == (Phase::Connecting, State::SynSent) {
            self.finish(now, index, End::Refused, io);
            return true;
        }
        #[cfg(feature = "fragments")]
        if let Refusal::TooBig(_) = quote.error.why
            && !self.segment_too_long(now, index, quote)
        {
            return false;
        }
        // If the connection times out, its end reports this error.
        self.connections.slots[index].icmp_error = Some((quote.error, now));
        true
    }

    /// Learns the path MTU from an ICMP error about a datagram.
    ///
    /// Returns whether a path MTU was learned. Returns false if the error reports none, or if the quoted datagram was
    /// not sent recently. Without `fragments`, path MTUs are not stored, so the result is always false.
    #[cfg(any(feature = "ping", feature = "recovery"))]
    fn datagram_too_long(&mut self, _now: Instant, _quote: &Quote) -> bool {
        #[cfg(feature = "fragments")]
        if let Refusal::TooBig(mtu) = _quote.error.why
            && self.fragmenter.has_sent(_quote)
            && let Some(mtu) = paths::reported(&_quote.destination, mtu, _quote.len)
        {
            self.paths.learn(_now, _quote.destination, mtu);
            return true;
        }
        false
    }
}
