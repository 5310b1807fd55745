//! The wire between a chip and the lab's stack at the other end: delay, loss, and a plug that can be pulled.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use smoltcp::phy::{Device, DeviceCapabilities, RxToken, TxToken};
use smoltcp::time::{Duration, Instant};

use crate::clock;

/// The time from the end of sending a frame to its arrival.
const DELAY: Duration = Duration::from_micros(100);
/// The number of bytes that the wire carries in a microsecond: 100 Mbit/s, rounded down.
const BYTES_PER_MICROSECOND: u64 = 12;
/// Preamble, checksum and the gap between frames, in bytes.
const OVERHEAD: u64 = 24;
/// The maximum number of frames that wait at the far end.
const QUEUE: usize = 64;

/// One end of a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Chip,
    Far,
}

/// The wire. A clone refers to the same wire.
#[derive(Clone)]
pub struct Wire(Rc<RefCell<State>>);

struct State {
    /// The frames in flight, in the order of their arrival.
    in_flight: VecDeque<(Instant, End, Vec<u8>)>,
    /// For each end, the time at which the latest frame to this end has arrived completely.
    busy: [Instant; 2],
    /// The frames that have arrived at the far end.
    arrived: VecDeque<Vec<u8>>,
    plugged: bool,
    loss_percent: u64,
    random: u64,
    sent: usize,
    lost: usize,
}

impl Wire {
    /// Creates a wire that loses `loss_percent` percent of the frames. `seed` decides which frames are lost.
    pub fn new(loss_percent: u64, seed: u64) -> Wire {
        Wire(Rc::new(RefCell::new(State {
            in_flight: VecDeque::new(),
            busy: [Instant::ZERO; 2],
            arrived: VecDeque::new(),
            plugged: true,
            loss_percent,
            random: seed,
            sent: 0,
            lost: 0,
        })))
    }

    /// Sends a frame to the end `to`.
    pub fn send(&self, to: End, frame: &[u8]) {
        let mut state = self.0.borrow_mut();
        state.sent += 1;
        // The constants come from the generator of Knuth's MMIX.
        state.random = state.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if !state.plugged || (state.random >> 33) % 100 < state.loss_percent {
            state.lost += 1;
            return;
        }
        let takes = Duration::from_micros((frame.len() as u64 + OVERHEAD) / BYTES_PER_MICROSECOND);
        let arrives = state.busy[to as usize].max(clock::now() + DELAY) + takes;
        state.busy[to as usize] = arrives;
        let place = state.in_flight.partition_point(|(at, ..)| *at <= arrives);
        state.in_flight.insert(place, (arrives, to, frame.to_vec()));
    }

    /// Plugs or unplugs the wire. When the wire is unplugged, the frames in flight are lost.
    pub fn plug(&self, plugged: bool) {
        let mut state = self.0.borrow_mut();
        state.plugged = plugged;
        if !plugged {
            state.lost += state.in_flight.len();
            state.in_flight.clear();
        }
    }

    /// Returns whether the wire is plugged in.
    pub fn is_plugged(&self) -> bool {
        self.0.borrow().plugged
    }

    /// Returns the number of frames that were sent.
    pub fn sent(&self) -> usize {
        self.0.borrow().sent
    }

    /// Returns the number of frames that were lost.
    pub fn lost(&self) -> usize {
        self.0.borrow().lost
    }

    /// Returns the time at which the next frame arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.0.borrow().in_flight.front().map(|(at, ..)| *at)
    }

    /// Delivers the frames that have arrived: to the far end's queue, or to `chip`.
    pub fn deliver(&self, mut chip: impl FnMut(&[u8])) {
        loop {
            let mut state = self.0.borrow_mut();
            if state.in_flight.front().is_none_or(|(at, ..)| *at > clock::now()) {
                return;
            }
            let Some((_, to, frame)) = state.in_flight.pop_front() else { return };
            match to {
                End::Far if state.arrived.len() < QUEUE => state.arrived.push_back(frame),
                End::Far => state.lost += 1,
                End::Chip => {
                    drop(state);
                    chip(&frame);
                }
            }
        }
    }
}

/// The far end of a wire, as a device for a stack.
pub struct Far(pub Wire);

impl Device for Far {
    type RxToken<'a> = Frame;
    type TxToken<'a> = Outlet<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Frame, Outlet<'_>)> {
        let frame = self.0.0.borrow_mut().arrived.pop_front()?;
        Some((Frame(frame), Outlet(&self.0)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Outlet<'_>> {
        Some(Outlet(&self.0))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

/// A frame that has arrived.
pub struct Frame(Vec<u8>);

impl RxToken for Frame {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// The right to send one frame.
pub struct Outlet<'a>(&'a Wire);

impl TxToken for Outlet<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.send(End::Chip, &frame);
        result
    }
}
