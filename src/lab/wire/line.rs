//! The properties of the wire.

use smoltcp::time::Duration;

/// The properties of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The propagation delay.
    pub latency: Duration,
    /// The largest additional delay. Each frame's additional delay is drawn at random.
    pub jitter: Duration,
    /// The rate in bits per second, or `None` for no limit.
    pub rate: Option<u64>,
    /// The number of frames in a million that are lost at random.
    pub loss: u32,
    /// The maximum length of an IP packet, in bytes.
    pub mtu: usize,
    /// The length of each host's transmit queue, in frames, or `None` for no limit. Without a rate, the queue stays
    /// empty.
    pub queue: Option<usize>,
    /// The maximum length of an IP packet that the router between the hosts forwards, in bytes, or `None` for no limit.
    pub router_mtu: Option<usize>,
    /// Whether the router drops packets that are too long without sending an ICMP error.
    pub black_hole: bool,
}

impl Line {
    /// The default propagation delay of a wire.
    pub(in crate::lab) const DEFAULT_LATENCY: Duration = Duration::from_millis(1);
}

impl Default for Line {
    /// Returns a wire with a delay of 1 ms each way, an MTU of 1,500 bytes, no loss, and no limit of its rate. There is
    /// no router that drops long packets.
    fn default() -> Self {
        Line {
            latency: Self::DEFAULT_LATENCY,
            jitter: Duration::ZERO,
            rate: None,
            loss: 0,
            mtu: 1500,
            queue: None,
            router_mtu: None,
            black_hole: false,
        }
    }
}
