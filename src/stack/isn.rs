//! Initial sequence numbers (ISNs) by RFC 6528: a clock plus a keyed hash of the connection's two endpoints.
//!
//! smoltcp draws an ISN from the generator of the interface that takes in the SYN, or that `connect` is given. Four such numbers
//! reveal the generator's state, and with it all later numbers. So each SYN has an interface of its own, which lives for one
//! call. Its seed is computed backwards from the ISN that it is to draw. Nothing else is ever drawn from it, so the state that an
//! ISN reveals is the state of no other number.
//!
//! The SYN,ACK and all later segments pass the stack's own interface.

use smoltcp::iface::{Config, Interface};
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium, PacketMeta, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, TcpSeqNumber};

use super::event::{Probe, Tuple};
use super::half_sip::half_sip_of;
use super::ingress::{NoToken, OneFrame, WatchedTx};
use super::{Session, Stack, UdpSession};

/// The multiplier and the increment of smoltcp's generator.
const MULTIPLIER: u64 = 0xbb2e_fcec_3c39_611d;
const INCREMENT: u64 = 0x7590_ef39;

/// The inverse of the multiplier modulo 2^64, by Newton's method: each round doubles the number of correct bits.
const INVERSE: u64 = {
    let (mut inverse, mut round) = (MULTIPLIER, 0);
    while round < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(MULTIPLIER.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
};

/// The ISN of a connection that begins now (RFC 6528 section 3).
///
/// A peer learns the hash of its own endpoints, and nothing about other hashes. Because of the clock, a new connection between
/// the same endpoints begins above the numbers of the one before.
pub(super) fn isn(now: Instant, tuple: &Tuple, key: u64) -> u32 {
    // The clock ticks every 4 µs (RFC 9293 section 3.4.1). A division would take 500 bytes of a board's flash.
    let ticks = now.total_micros() >> 2;
    (ticks as u32).wrapping_add(half_sip_of::<2, 4>(key, tuple))
}

/// Returns the ISN of a connection that follows a connection in TIME-WAIT with the same endpoints. `last` is SND.NXT of the old
/// connection. The ISN is above all numbers of the old connection (RFC 9293 section 3.6.1), even if the old connection sent
/// faster than the clock ticks.
pub(super) fn isn_above(isn: u32, last: TcpSeqNumber) -> u32 {
    // A probe of an old window is off by less than 64 KiB. Linux adds the same number.
    if TcpSeqNumber(isn as i32) > last { isn } else { (last + 0x1_0000).0 as u32 }
}

/// Makes an interface for IP packets whose generator starts from `seed`. smoltcp asks a device only for its capabilities.
pub(super) fn interface(capabilities: DeviceCapabilities, seed: u64, now: Instant) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    Interface::new(config, &mut Described(capabilities), now)
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Returns the ISN of a connection that begins now.
    pub(super) fn isn(&self, now: Instant, tuple: &Tuple) -> u32 {
        isn(now, tuple, self.config.seed.endpoints())
    }

    /// Makes an interface that draws this ISN.
    pub(super) fn interface_for(&self, now: Instant, isn: u32) -> Interface {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        // The stack has checked them.
        capabilities.checksum = ChecksumCapabilities::ignored();
        // Large enough for what smoltcp subtracts from it. Nothing is sent through this interface.
        capabilities.max_transmission_unit = 1500;
        interface(capabilities, seed(isn), now)
    }

    /// Passes a SYN to the socket of a slot that listens for it.
    // Not inlined: the interface would take its room on the call stack for every frame.
    #[inline(never)]
    pub(super) fn process_syn<T: TxToken, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        packet: &[u8],
        tx: &mut WatchedTx<'_, '_, T, P>,
    ) {
        let mut iface = self.interface_for(now, self.connections.slots[index].control.isn());
        // Cannot fail: there is as much room in both.
        iface.update_ip_addrs(|addresses| drop(addresses.extend_from_slice(self.iface.ip_addrs())));
        let Some(set) = self.connections.slots[index].set() else { return };
        // In case the socket does not take the SYN: its RST does not leave.
        tx.token = None;
        iface.poll_ingress_single(now, &mut OneFrame::new(packet, PacketMeta::default(), tx.take()), set);
    }
}

/// The seed with which an interface draws this ISN.
pub(super) fn seed(isn: u32) -> u64 {
    // A state below 2^61 is output without its lowest 29 bits, which are free.
    let mut state = u64::from(isn) << 29;
    loop {
        let before = step_back(state);
        // An interface first draws an IPv4 identification, and draws again if it is 0: once in 65,536 times.
        let drawn = output(before);
        if (drawn ^ drawn >> 16) as u16 != 0 {
            return step_back(before);
        }
        state += 1;
    }
}

fn step_back(state: u64) -> u64 {
    state.wrapping_sub(INCREMENT).wrapping_mul(INVERSE)
}

/// The number that smoltcp's generator draws in this state.
fn output(state: u64) -> u32 {
    (state >> (29 - (state >> 61))) as u32
}

/// A device without frames and without room: nothing but its capabilities is used.
pub(super) struct Described(pub(super) DeviceCapabilities);

impl Device for Described {
    type RxToken<'t> = NoToken;
    type TxToken<'t> = NoToken;

    fn receive(&mut self, _now: Instant) -> Option<(NoToken, NoToken)> {
        None
    }

    fn transmit(&mut self, _now: Instant) -> Option<NoToken> {
        None
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.0.clone()
    }
}
