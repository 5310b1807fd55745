//! `smolstep::run` on embassy-net's channel driver, with a virtual clock and an executor that shows lost wake-ups.
//!
//! The stacks do not delay acknowledgements, so an exchange without a lost wake-up takes no virtual time.

mod datagrams;
mod events;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use embassy_net_driver_channel::driver::{HardwareAddress, LinkState};
use embassy_net_driver_channel::{self as channel, Runner, State};
use smolstep::host::{HeapPool, Sizes};
use smolstep::phy::Embassy;
use smolstep::smoltcp::socket::tcp::Socket;
use smolstep::stack::{
    Config, Context, Direction, Io, Listener, Memory, Next, NullConsole, Probe, Seed, Session, Stack, UdpSession,
};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpCidr, IpEndpoint};

use crate::common::executor::{Clock, Task};
use crate::copy;

const MTU: usize = 1514;
const SERVER: IpEndpoint = IpEndpoint::new(IpAddress::v4(10, 0, 0, 1), 7);
const SIZES: Sizes = Sizes { connections: 2, receive: 4096, send: 4096, ports: 0, datagrams: 0, payload: 0 };

type Channel<'d> = Embassy<channel::Device<'d, MTU>>;

#[test]
fn an_exchange_loses_no_wake_up_whatever_the_order() {
    for seed in 0..50 {
        let end = echo::<1, 1>(Order::Random(seed), 20_000);
        assert_eq!(end.time, Duration::ZERO, "a task waited for a timer, with the seed {seed}");
        let end = echo::<4, 3>(Order::Random(seed), 20_000);
        assert_eq!(end.time, Duration::ZERO, "a task waited for a timer, with the seed {seed}");
    }
}

#[test]
fn a_loop_that_is_dropped_after_any_poll_continues_where_it_was() {
    for polls in 1..10 {
        let end = exchange::<2, 2>(Order::Random(polls), 20_000, Some(polls));
        assert_eq!(end.time, Duration::ZERO, "a task waited for a timer, with {polls} polls to a loop");
    }
}

#[test]
fn a_task_is_polled_at_most_three_times_a_frame() {
    for (order, len) in [(Order::TasksFirst, 100_000), (Order::FramesFirst, 100_000), (Order::TasksFirst, 1)] {
        let end = echo::<4, 4>(order, len);
        assert!(end.polls <= 3 * end.frames, "{} polls for {} frames", end.polls, end.frames);
        let end = echo::<1, 1>(order, len);
        assert!(end.polls <= 3 * end.frames, "{} polls for {} frames", end.polls, end.frames);
    }
}

/// How an exchange ended.
struct End {
    /// The virtual time that the exchange took.
    time: Duration,
    /// The number of times that the server's task was polled.
    polls: usize,
    /// The number of frames that the server received and sent.
    frames: usize,
}

/// Which of several possible events comes first.
#[derive(Clone, Copy)]
enum Order {
    TasksFirst,
    FramesFirst,
    Random(u64),
}

fn echo<const RX: usize, const TX: usize>(order: Order, len: usize) -> End {
    exchange::<RX, TX>(order, len, None)
}

/// Sends `len` bytes to an echo server and reads them back. Each driver holds `RX` received frames and `TX` frames to
/// send. After every `polls_a_loop` polls, the future of the server's loop is dropped and a new one is started.
fn exchange<const RX: usize, const TX: usize>(order: Order, len: usize, polls_a_loop: Option<u64>) -> End {
    let clock = Clock::new();
    let mut states = [State::<MTU, RX, TX>::new(), State::new()];
    let [left, right] = &mut states;
    let (mut near, device) = driver(left, 1);
    let (mut far, other) = driver(right, 2);
    let mut io = Io { device, console: NullConsole, probe: Frames::default() };
    let mut other_io = Io::new(other, NullConsole);
    let mut memories = [(); 2].map(|()| HeapPool::<Echo, ()>::new(SIZES));
    let [memory, other_memory] = &mut memories;
    let mut server = stack(1, &mut io, memory.memory());
    server.listen(Listener::new(SERVER.port, Echo::Server)).unwrap();
    let mut client = stack(2, &mut other_io, other_memory.memory());
    let session = Echo::Client { left: len, unread: len };
    let id = client.connect(clock.now(), SERVER, session, Duration::from_secs(5), &mut other_io).unwrap();

    let (now, sleep_until) = (|| clock.now(), |at| clock.sleep_until(at));
    let polls = {
        let mut task = Task::new(async {
            loop {
                let running = smolstep::run(&mut server, &mut io, now, sleep_until);
                match polls_a_loop {
                    None => running.await,
                    Some(polls) => drop_after(polls, running).await,
                }
            }
        });
        let mut other =
            Task::new(smolstep::run_until(&mut client, &mut other_io, now, sleep_until, |s| s.ended(id).is_some()));
        order.alternate(&clock, [&mut task, &mut other], [&mut near, &mut far]);
        task.polls()
    };
    assert_eq!(client.take(id).unwrap().0, Echo::Client { left: 0, unread: 0 });
    End { time: clock.now() - Instant::from_secs(1), polls, frames: io.probe.0 }
}

/// Polls a future `polls` times. Drops it once the task is woken again.
async fn drop_after(polls: u64, future: impl Future) {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        future.as_mut().poll(cx).map(drop)
    })
    .await
}

impl Order {
    fn seed(self) -> u64 {
        if let Order::Random(seed) = self { 2 * seed + 1 } else { 0 }
    }

    /// Polls the two tasks and carries frames between their devices until the second task is done.
    fn alternate(self, clock: &Clock, [task, other]: [&mut Task<'_>; 2], [near, far]: [&mut Runner<'_, MTU>; 2]) {
        let mut random = self.seed();
        while !other.is_done() {
            let first = self.first(&mut random);
            let happened = (0..4).any(|at| match (first + at) % 4 {
                0 => task.poll(),
                1 => other.poll(),
                2 => carry_one(near, far),
                _ => carry_one(far, near),
            });
            assert!(happened || clock.advance(), "every task sleeps for ever");
        }
    }

    /// Returns the number of the event that happens first.
    fn first(self, random: &mut u64) -> u64 {
        match self {
            Order::TasksFirst => 0,
            Order::FramesFirst => 2,
            Order::Random(_) => {
                *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *random >> 33
            }
        }
    }
}

/// The two sides of an echo.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Echo {
    Server,
    /// The bytes that are still to be sent, and the bytes that have not come back yet.
    Client {
        left: usize,
        unread: usize,
    },
}

impl Session for Echo {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        match self {
            Echo::Server => {
                let room = (socket.send_capacity() - socket.send_queue()).min(cx.scratch.len());
                let len = socket.recv_slice(&mut cx.scratch[..room]).unwrap_or(0);
                let _ = socket.send_slice(&cx.scratch[..len]);
                if socket.may_recv() { Next::Wait } else { Next::Close }
            }
            Echo::Client { left, unread } => {
                if let Ok(sent) = socket.send_slice(&[7; 4096][..(*left).min(4096)]) {
                    *left -= sent;
                }
                while let Ok(len @ 1..) = socket.recv_slice(cx.scratch) {
                    *unread -= len;
                }
                if *unread > 0 { Next::Wait } else { Next::Abort }
            }
        }
    }
}

/// Counts frames.
#[derive(Default)]
struct Frames(usize);

impl Probe for Frames {
    fn frame(&mut self, _now: Instant, _direction: Direction, _frame: &[u8]) {
        self.0 += 1;
    }
}

/// Returns a driver whose link is up. `n` is the last byte of its hardware address.
fn driver<const RX: usize, const TX: usize>(state: &mut State<MTU, RX, TX>, n: u8) -> (Runner<'_, MTU>, Channel<'_>) {
    let (mut runner, driver) = channel::new(state, HardwareAddress::Ethernet([2, 0, 0, 0, 0, n]));
    runner.set_link_state(LinkState::Up);
    (runner, Embassy::new(driver).unwrap())
}

/// Returns a stack with the address 10.0.0.n, which does not delay acknowledgements.
fn stack<'a, S: Session + Clone, U: UdpSession, C, P>(
    n: u8,
    io: &mut Io<Channel<'_>, C, P>,
    memory: Memory<'a, S, U>,
) -> Stack<'a, S, U> {
    let address = IpCidr::new(IpAddress::v4(10, 0, 0, n), 24);
    let mut config = Config::new(io.device.hardware_address().unwrap(), Seed([n; 32]), &[address]);
    config.tcp.ack_delay = None;
    Stack::new(config, &mut io.device, memory, Instant::from_secs(1)).unwrap()
}

/// Moves one frame that the driver `from` has sent to the driver `to`. Returns false if `from` has no frame, or `to`
/// has no room.
fn carry_one(from: &mut Runner<'_, MTU>, to: &mut Runner<'_, MTU>) -> bool {
    let (Some(frame), Some(buffer)) = (from.try_tx_buf(), to.try_rx_buf()) else { return false };
    let len = copy(frame, buffer).unwrap();
    to.rx_done(len);
    from.tx_done();
    true
}
