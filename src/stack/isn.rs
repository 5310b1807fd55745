//! Initial sequence numbers (ISNs) as in RFC 6528: a clock plus a keyed hash of the connection's two endpoints.
//!
//! smoltcp draws an ISN from the random number generator of the interface that receives the SYN, or of the interface
//! passed to `connect`. Four numbers from a generator reveal the generator's state and therefore all later numbers. For
//! this reason, the stack creates a separate interface for each SYN and uses this interface for only one call. The
//! stack first chooses the ISN, then computes the seed with which the interface draws exactly this ISN. No other ISN is
//! drawn from that generator, so its state reveals no other ISN.
//!
//! The SYN,ACK and all later segments pass through the stack's main interface.

use smoltcp::iface::{Config, Interface};
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium, PacketMeta, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, TcpSeqNumber};

use super::event::{Probe, Tuple};
use super::half_sip::half_sip_of;
use super::ingress::{NoToken, OneFrame, WatchedTx};
use super::{Session, Stack, UdpSession};

/// The multiplier of smoltcp's generator.
const MULTIPLIER: u64 = 0xbb2e_fcec_3c39_611d;
/// The increment of smoltcp's generator.
const INCREMENT: u64 = 0x7590_ef39;

/// The inverse of the multiplier modulo 2^64, by Newton's method. Each round doubles the number of correct bits.
const INVERSE: u64 = {
    let (mut inverse, mut round) = (MULTIPLIER, 0);
    while round < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(MULTIPLIER.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
};

/// Returns the ISN of a connection that starts now (RFC 6528 section 3).
///
/// A peer learns the hash of its own endpoints but nothing about other hashes. Because of the clock, a new connection
/// between the same endpoints starts above the sequence numbers of the previous connection.
pub(super) fn isn(now: Instant, tuple: &Tuple, key: u64) -> u32 {
    // The clock ticks every 4 µs (RFC 9293 section 3.4.1). A division would take 500 bytes of a board's flash.
    let ticks = now.total_micros() >> 2;
    (ticks as u32).wrapping_add(half_sip_of::<2, 4>(key, tuple))
}

/// Returns the ISN of a connection that replaces an old connection in TIME-WAIT. `last` is the old connection's
/// SND.NXT. The result is above all sequence numbers of the old connection (RFC 9293 section 3.6.1). This holds even if
/// the old connection used sequence numbers faster than the clock counts.
pub(super) fn isn_above(isn: u32, last: TcpSeqNumber) -> u32 {
    // smoltcp stores sequence numbers as `i32`, and compares them modulo 2^32. An old window probe has a sequence
    // number less than 64 KiB away from `last`, so 64 KiB are added. Linux adds nearly the same number.
    if TcpSeqNumber(isn as i32) > last { isn } else { (last + 0x1_0000).0 as u32 }
}

/// Creates an interface for IP packets whose generator starts from `seed`. smoltcp requires a device, but reads only
/// the device's capabilities.
pub(super) fn interface(capabilities: DeviceCapabilities, seed: u64, now: Instant) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    Interface::new(config, &mut Described(capabilities), now)
}

impl<S: Session + Clone, U: UdpSession> Stack<'_, S, U> {
    /// Returns the ISN of a connection that starts now: the configured ISN if there is one, otherwise an ISN as in RFC
    /// 6528.
    pub(super) fn isn(&self, now: Instant, tuple: &Tuple) -> u32 {
        #[cfg(feature = "recovery")]
        if let Some(isn) = self.config.tcp.isn {
            return isn;
        }
        isn(now, tuple, self.config.seed.endpoints())
    }

    /// Creates an interface whose generator draws `isn` as its next ISN. smoltcp draws each ISN from the generator of
    /// an interface, so the stack can choose an ISN only in this way.
    pub(super) fn interface_for(&self, now: Instant, isn: u32) -> Interface {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        // The stack has already checked the checksums.
        capabilities.checksum = ChecksumCapabilities::ignored();
        // smoltcp subtracts header lengths from the MTU, so the MTU must not be 0. Nothing is sent through this
        // interface.
        capabilities.max_transmission_unit = 1500;
        interface(capabilities, seed(isn), now)
    }

    /// Passes a SYN to the listening socket of slot `index`, through a temporary interface that draws the ISN chosen
    /// for this connection.
    #[inline(never)]
    pub(super) fn process_syn<T: TxToken, P: Probe>(
        &mut self,
        now: Instant,
        index: usize,
        packet: &[u8],
        tx: &mut WatchedTx<'_, '_, T, P>,
    ) {
        // Not inlined: otherwise every received packet would need space on the call stack for the temporary smoltcp
        // `Interface`.
        let mut iface = self.interface_for(now, self.connections.slots[index].control.isn());
        // `extend_from_slice` cannot fail, because both lists have the same capacity.
        iface.update_ip_addrs(|addresses| drop(addresses.extend_from_slice(self.iface.ip_addrs())));
        let Some(set) = self.connections.slots[index].set() else { return };
        // If the socket does not accept the SYN, smoltcp answers with RST. Without a token, this RST is not sent.
        tx.token = None;
        iface.poll_ingress_single(now, &mut OneFrame::new(packet, PacketMeta::default(), tx.take()), set);
    }
}

/// Returns the seed with which a new interface draws `isn` as its first ISN.
pub(super) fn seed(isn: u32) -> u64 {
    // For a state below 2^61, the output omits the lowest 29 bits. The lowest 29 bits can therefore have any value.
    let mut state = u64::from(isn) << 29;
    loop {
        // In the state `before`, the interface draws its IPv4 identification. In `state`, it draws the ISN.
        let before = step_back(state);
        // A new interface first draws an IPv4 identification, and draws again if the identification is 0. One state in
        // 65,536 leads to the identification 0. The loop skips these states.
        let drawn = output(before);
        if (drawn ^ drawn >> 16) as u16 != 0 {
            // The generator takes a step before each number that it draws.
            return step_back(before);
        }
        state += 1;
    }
}

/// Returns the generator's state before `state`.
fn step_back(state: u64) -> u64 {
    state.wrapping_sub(INCREMENT).wrapping_mul(INVERSE)
}

/// Returns the number that smoltcp's generator draws in this state.
fn output(state: u64) -> u32 {
    // The three highest bits select which 32 bits are drawn.
    (state >> (29 - (state >> 61))) as u32
}

/// A device that neither receives nor sends. smoltcp uses only its capabilities.
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
