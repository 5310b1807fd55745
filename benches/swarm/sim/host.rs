//! A host of the swarm: a stack on its own link. The simulated network is at the other end of the link.

use smolstep::host::HeapPool;
use smolstep::lab::{START, address};
use smolstep::stack::{Config, Event, Io, NullConsole, Probe, Seed, Stack};
use smoltcp::phy::Medium;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr};

use super::link;
use super::program::Program;
use crate::hostile::random::Random;

/// A stack and its end of the link.
pub struct Host<'a> {
    pub stack: Stack<'a, Program, ()>,
    pub io: Io<link::End, NullConsole, Events>,
    /// The other end of the link: `incoming` contains the frames that the host has sent.
    pub wire: link::End,
}

/// A [`Probe`] that collects the events of a step.
#[derive(Default)]
pub struct Events(pub Vec<Event>);

impl Probe for Events {
    fn event(&mut self, _now: Instant, event: &Event) {
        self.0.push(*event);
    }
}

impl<'a> Host<'a> {
    /// Creates a host on its own link.
    ///
    /// # Panics
    /// Panics if the configuration is wrong.
    pub fn new(
        number: usize,
        pool: &'a mut HeapPool<'a, Program, ()>,
        seed: u64,
        set: impl FnOnce(&mut Config),
    ) -> Self {
        let (near, wire) = link::ends(Medium::Ethernet);
        let mut io = Io { device: near, console: NullConsole, probe: Events::default() };
        let hardware = EthernetAddress([2, 0, 0, 0, 0, [2, 1][number]]).into();
        let mut bytes = [0; 32];
        let random = &mut Random(seed);
        bytes.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&random.next().to_le_bytes()));
        let mut config = Config::new(hardware, Seed(bytes), &[IpCidr::new(address(number), 24)]);
        set(&mut config);
        let stack = Stack::new(config, &mut io.device, pool.memory(), START).expect("a set-up");
        Host { stack, io, wire }
    }
}
