//! The network between the two hosts: the arrival time and the faults of each frame.

use std::collections::BTreeMap;

use smoltcp::time::{Duration, Instant};

use super::plan::Faults;
use crate::hostile::random::Random;

/// A frame in flight.
pub struct Flight {
    /// The host that receives the frame.
    pub to: usize,
    /// The bytes of the frame.
    pub frame: Vec<u8>,
}

/// The frames in flight between host 0 and host 1.
pub struct Network {
    latency: Duration,
    faults: Faults,
    random: Random,
    /// For each host, whether the frames that it sends are in a burst of losses.
    burst: [bool; 2],
    flights: BTreeMap<(Instant, u64), Flight>,
    order: u64,
}

impl Network {
    /// Creates an empty network.
    pub fn new(latency: Duration, faults: Faults, seed: u64) -> Self {
        Network { latency, faults, random: Random(seed), burst: [false; 2], flights: BTreeMap::new(), order: 0 }
    }

    /// Sends a frame from host `from`. Returns the fault that the frame suffers, as text for the trace.
    pub fn send(&mut self, now: Instant, from: usize, mut frame: Vec<u8>) -> &'static str {
        if self.is_lost(from) {
            return " lost";
        }
        let mut fate = "";
        let mut at = now + self.latency;
        if self.happens(self.faults.delay) {
            at += Duration::from_millis(self.random.below(4000) as u64);
            fate = " delayed";
        } else if self.happens(self.faults.reorder) {
            let extra = self.latency.total_micros() as usize * 2 + 2000;
            at += Duration::from_micros(self.random.below(extra) as u64);
            fate = " reordered";
        }
        if self.happens(self.faults.duplicate) {
            let late = Duration::from_micros(self.random.below(20_000) as u64);
            self.add_flight(at + late, Flight { to: 1 - from, frame: frame.clone() });
            fate = " duplicated";
        }
        // The Ethernet header and ARP stay intact. On a real link, the frame check sequence protects them. This network
        // has no frame check sequence.
        if self.happens(self.faults.corrupt) && frame.len() > 34 && frame[12..14] == [8, 0] {
            let place = 14 + self.random.below(frame.len() - 14);
            frame[place] ^= 1 << self.random.below(8);
            fate = " corrupted";
        }
        self.add_flight(at, Flight { to: 1 - from, frame });
        fate
    }

    /// Returns the time at which the next frame arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.flights.first_key_value().map(|((at, _), _)| *at)
    }

    /// Removes and returns the next frame that has arrived.
    pub fn arrived(&mut self, now: Instant) -> Option<Flight> {
        if self.next_arrival()? > now { None } else { self.flights.pop_first().map(|(_, flight)| flight) }
    }

    /// Adds a frame that arrives at the time `at`. Frames with the same arrival time keep their order.
    fn add_flight(&mut self, at: Instant, flight: Flight) {
        self.order += 1;
        self.flights.insert((at, self.order), flight);
    }

    /// Decides at random whether an event with this probability happens. `in_a_million` is the probability in
    /// millionths.
    fn happens(&mut self, in_a_million: usize) -> bool {
        in_a_million > 0 && self.random.below(1_000_000) < in_a_million
    }

    /// Decides whether a frame is lost, by Gilbert's model of two states: within a burst, all frames are lost.
    fn is_lost(&mut self, from: usize) -> bool {
        let Faults { loss, burst, .. } = self.faults;
        if loss == 0 {
            return false;
        }
        let enter = loss * 1_000_000 / ((1_000_000 - loss) * burst);
        let change = if self.burst[from] { 1_000_000 / burst } else { enter };
        if self.happens(change) {
            self.burst[from] = !self.burst[from];
        }
        self.burst[from]
    }
}
