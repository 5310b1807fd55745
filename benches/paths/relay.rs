//! Connects two TAPs by a path with faults.
//!
//! The relay delays frames in both directions, loses frames towards the client, and reorders frames towards the server.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{read, write};

use super::random::Random;

/// The delay in each direction, which is half a round trip.
pub const DELAY: Duration = Duration::from_millis(10);
/// The longest wait for a frame before the relay checks whether it must stop.
const TICK: Duration = Duration::from_millis(50);
/// The longest frame that is never lost, in bytes. Such a short frame carries no data.
const DATA: usize = 100;
/// The maximum number of frames read from a TAP before due frames are written.
const BURST: usize = 64;

/// The faults of a path.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// The percentage of data frames towards the client that are lost.
    pub loss_percent: usize,
    /// The maximum extra delay of a frame towards the server. Later frames can overtake a delayed frame.
    pub reorder: Duration,
}

/// Frames in flight: arrival time, number and bytes. The earliest frame comes first. If two frames have the same
/// arrival time, the lower number comes first.
type Queue = BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>;

/// Carries frames between the TAPs of the servers and the client until `over` is set.
///
/// # Errors
/// Returns an error if a TAP fails.
pub fn relay(taps: [&OwnedFd; 2], faults: Faults, seed: u64, over: &AtomicBool) -> rustix::io::Result<()> {
    for tap in taps {
        fcntl_setfl(tap, OFlags::NONBLOCK)?;
    }
    let (mut random, mut number, mut frame) = (Random(seed), 0, vec![0; 65_536]);
    // Frames towards the client, and frames towards the servers.
    let mut queues = [Queue::new(), Queue::new()];
    while !over.load(Ordering::Acquire) {
        let now = Instant::now();
        let due = queues.iter().filter_map(|queue| Some(queue.peek()?.0.0)).min();
        let wait = due.map_or(TICK, |due| due.saturating_duration_since(now).min(TICK));
        let mut ready = taps.map(|tap| PollFd::new(tap, PollFlags::IN));
        match poll(&mut ready, Timespec::try_from(wait).ok().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error),
        }
        let now = Instant::now();
        // `from` is the index of the TAP from which the frames come: 0 for the servers, 1 for the client.
        for (from, queue) in queues.iter_mut().enumerate() {
            for _ in 0..BURST {
                let Ok(len) = read(taps[from], &mut frame[..]) else { break };
                let to_client = from == 0;
                if to_client && len > DATA && random.below(100) < faults.loss_percent {
                    continue;
                }
                let most_late = if to_client { 0 } else { faults.reorder.as_micros() as usize };
                let late = Duration::from_micros(random.below(most_late + 1) as u64);
                number += 1;
                queue.push(Reverse((now + DELAY + late, number, frame[..len].to_vec())));
            }
        }
        for (from, queue) in queues.iter_mut().enumerate() {
            while queue.peek().is_some_and(|frame| frame.0.0 <= now) {
                if let Some(Reverse((_, _, frame))) = queue.pop() {
                    // If the kernel's queue is full, the frame is lost, as on a real path.
                    let _ = write(taps[1 - from], &frame);
                }
            }
        }
    }
    Ok(())
}
