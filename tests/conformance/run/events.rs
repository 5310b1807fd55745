//! What wakes the task of `smolstep::run`, and when it yields.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use embassy_net_driver_channel::driver::{HardwareAddress, LinkState};
use embassy_net_driver_channel::{self as channel, Runner, State};
use smolstep::host::HeapPool;
use smolstep::phy::Embassy;
use smolstep::smoltcp::socket::tcp::Socket;
use smolstep::stack::{Config, Context, Direction, Io, NullConsole, Probe, Seed, Session, Stack};
use smolstep::stack::{Listener, Next};
use smoltcp::time::{Duration, Instant};

use super::{Frames, MTU, SERVER, SIZES, carry_one, driver, stack};
use crate::common::executor::{Clock, Task};
use crate::common::world::dhcp::Server;
use crate::copy;

#[test]
fn work_that_is_left_lets_other_tasks_run() {
    let clock = Clock::new();
    let mut state = State::<MTU, 600, 4>::new();
    let (mut runner, device) = driver(&mut state, 1);
    let mut io = Io { device, console: NullConsole, probe: Frames::default() };
    let mut memory = HeapPool::<Program, ()>::new(SIZES);
    let mut server = stack(1, &mut io, memory.memory());
    for _ in 0..600 {
        runner.try_rx_buf().unwrap().fill(0);
        runner.rx_done(60);
    }
    let mut task = Task::new(async {
        smolstep::run(&mut server, &mut io, || clock.now(), |at| clock.sleep_until(at)).await;
    });
    let mut polls = 0;
    while task.poll() {
        polls += 1;
    }
    drop(task);
    // A poll takes at most 256 frames.
    assert_eq!((polls, io.probe.0), (3, 600));
}

#[test]
fn the_task_sleeps_until_the_deadline_of_a_program() {
    let (clock, signal) = (Clock::new(), Rc::new(Signal::default()));
    let waits = Program::Client { until: Some(Instant::from_secs(31)), signal: signal.clone() };
    let polls = wait_with(&clock, waits, || false);
    assert_eq!(clock.now(), Instant::from_secs(31));
    assert!(polls < 12, "{polls} polls");
}

#[test]
fn a_signal_of_the_program_wakes_its_sessions() {
    let (clock, signal) = (Clock::new(), Rc::new(Signal::default()));
    let waits = Program::Client { until: None, signal: signal.clone() };
    // A button is pressed after 5 s.
    let mut button = Task::new(async {
        clock.sleep_until(Instant::from_secs(6)).await;
        signal.give();
    });
    let polls = wait_with(&clock, waits, || button.poll());
    assert_eq!(clock.now(), Instant::from_secs(6));
    assert!(polls < 12, "{polls} polls");
}

#[test]
fn a_link_that_goes_during_dhcp_ends_in_an_address_once_it_is_back() {
    // DHCP takes seven frames: two messages, three probes and two announcements.
    for passed in 0..7 {
        let clock = Clock::new();
        let mut state = State::<MTU, 4, 4>::new();
        let (mut runner, driver) = channel::new(&mut state, HardwareAddress::Ethernet([2, 0, 0, 0, 0, 1]));
        let device = Embassy::new(driver).unwrap();
        let mut io = Io::new(device, NullConsole);
        let mut memory = HeapPool::<Program, ()>::new(SIZES);
        let mut config = Config::new(io.device.hardware_address().unwrap(), Seed([4; 32]), &[]);
        config.dhcp = true;
        let mut host = Stack::new(config, &mut io.device, memory.memory(), clock.now()).unwrap();
        let (mut dhcp, mut sent, link_is_up) = (Server::default(), 0, Cell::new(true));
        let (back_at, link) = (Instant::from_secs(40), runner.state_runner());
        let set_link = |up| {
            link_is_up.set(up);
            link.set_link_state(if up { LinkState::Up } else { LinkState::Down });
        };
        set_link(true);
        {
            let done = |host: &mut Stack<'_, Program, ()>| !host.addresses().is_empty() && clock.now() > back_at;
            let (now, sleep_until) = (|| clock.now(), |at| clock.sleep_until(at));
            let mut task = Task::new(smolstep::run_until(&mut host, &mut io, now, sleep_until, done));
            let mut plug = Task::new(async {
                clock.sleep_until(back_at).await;
                set_link(true);
            });
            while !task.is_done() {
                let happened = task.poll() || plug.poll();
                while let Some(frame) = take(&mut runner) {
                    sent += 1;
                    if sent == passed + 1 {
                        set_link(false);
                    }
                    let replies = if link_is_up.get() { dhcp.replies_to(&frame) } else { Vec::new() };
                    replies.iter().for_each(|reply| put(&mut runner, reply));
                }
                assert!(happened || clock.advance(), "every task sleeps for ever");
                assert!(clock.now() < back_at + Duration::from_secs(10), "no address, after {passed} frames");
            }
        }
        assert_eq!(host.addresses()[0].to_string(), "10.0.0.50/24");
    }
}

#[test]
fn a_link_that_comes_up_is_announced() {
    let clock = Clock::new();
    let mut state = State::<MTU, 4, 4>::new();
    let (mut runner, device) = driver(&mut state, 1);
    let mut io = Io { device, console: NullConsole, probe: Sent::default() };
    let mut memory = HeapPool::<Program, ()>::new(SIZES);
    let mut host = stack(1, &mut io, memory.memory());
    let mut task = Task::new(async {
        smolstep::run(&mut host, &mut io, || clock.now(), |at| clock.sleep_until(at)).await;
    });
    task.poll();
    for state in [LinkState::Down, LinkState::Up, LinkState::Up] {
        runner.set_link_state(state);
        assert!(task.poll() && !task.poll());
    }
    drop(task);
    // One ARP request of 10.0.0.1 for 10.0.0.1, to all hosts.
    let [frame] = &io.probe.0[..] else { panic!("{} frames", io.probe.0.len()) };
    assert_eq!((&frame[..6], &frame[12..14]), (&[0xff; 6][..], &[8, 6][..]));
    assert_eq!((&frame[28..32], &frame[38..42]), (&[10, 0, 0, 1][..], &[10, 0, 0, 1][..]));
}

#[test]
fn a_device_that_stays_full_is_polled_at_most_a_hundred_times_a_second() {
    let clock = Clock::new();
    let mut state = State::<MTU, 4, 1>::new();
    let (_runner, device) = driver(&mut state, 1);
    let mut io = Io::new(device, NullConsole);
    let mut memory = HeapPool::<Program, ()>::new(SIZES);
    let mut config = Config::new(io.device.hardware_address().unwrap(), Seed([4; 32]), &[]);
    (config.dhcp, config.slaac) = (true, true);
    let mut host = Stack::new(config, &mut io.device, memory.memory(), clock.now()).unwrap();
    let until = clock.now() + Duration::from_secs(60);
    let mut task = Task::new(smolstep::run_until(
        &mut host,
        &mut io,
        || clock.now(),
        |at| clock.sleep_until(at),
        |_| clock.now() >= until,
    ));
    while !task.is_done() {
        assert!(task.poll() || clock.advance(), "the task sleeps for ever");
        assert!(task.polls() <= 6100, "{} polls by {}", task.polls(), clock.now());
    }
}

/// Runs `program` as a client of a silent server, until its connection ends. Before each event, calls `also`, which can
/// do other work and returns whether it did any. Returns the number of times that the client's task was polled.
fn wait_with(clock: &Clock, program: Program, mut also: impl FnMut() -> bool) -> usize {
    let Program::Client { signal, .. } = &program else { panic!("not a client") };
    let signal = signal.clone();
    let mut states = [State::<MTU, 4, 4>::new(), State::new()];
    let [left, right] = &mut states;
    let (mut near, device) = driver(left, 1);
    let (mut far, other) = driver(right, 2);
    let (mut io, mut other_io) = (Io::new(device, NullConsole), Io::new(other, NullConsole));
    let mut memories = [(); 2].map(|()| HeapPool::<Program, ()>::new(SIZES));
    let [memory, other_memory] = &mut memories;
    let mut server = stack(1, &mut io, memory.memory());
    server.listen(Listener::new(SERVER.port, Program::Silent)).unwrap();
    let mut client = stack(2, &mut other_io, other_memory.memory());
    let id = client.connect(clock.now(), SERVER, program, Duration::from_secs(5), &mut other_io).unwrap();
    let (now, sleep_until) = (|| clock.now(), |at| clock.sleep_until(at));
    let mut task = Task::new(async { smolstep::run(&mut server, &mut io, now, sleep_until).await });
    let mut other = Task::new(async {
        while client.ended(id).is_none() {
            let running = smolstep::run_until(&mut client, &mut other_io, now, sleep_until, |s| s.ended(id).is_some());
            select(running, signal.wait()).await;
            client.wake_programs();
        }
    });
    while !other.is_done() {
        let happened =
            also() || task.poll() || other.poll() || carry_one(&mut near, &mut far) || carry_one(&mut far, &mut near);
        assert!(happened || clock.advance(), "every task sleeps for ever");
        assert!(clock.now() < Instant::from_secs(60), "the connection never ends");
    }
    other.polls()
}

/// A program that closes its connection at a given time, or after a signal. `Silent` waits for its peer to close.
#[derive(Clone)]
enum Program {
    Silent,
    Client { until: Option<Instant>, signal: Rc<Signal> },
}

impl Session for Program {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        match self {
            Program::Silent if socket.may_recv() => Next::Wait,
            Program::Silent => Next::Close,
            Program::Client { signal, .. } if signal.given.get() => Next::Abort,
            Program::Client { until: Some(at), .. } if cx.now < *at => Next::WakeAt(*at),
            Program::Client { until: None, .. } => Next::Wait,
            Program::Client { .. } => Next::Abort,
        }
    }
}

/// A signal for one waiting task.
#[derive(Default)]
struct Signal {
    given: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Signal {
    /// Gives the signal, and wakes the waiting task.
    fn give(&self) {
        self.given.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    async fn wait(&self) {
        poll_fn(|cx| {
            self.waker.set(Some(cx.waker().clone()));
            if self.given.get() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await
    }
}

/// Waits until one of two futures ends.
async fn select(one: impl Future, other: impl Future) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|cx| {
        let ready = one.as_mut().poll(cx).is_ready() | other.as_mut().poll(cx).is_ready();
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}

/// Records the frames that a stack sends.
#[derive(Default)]
struct Sent(Vec<Vec<u8>>);

impl Probe for Sent {
    fn frame(&mut self, _now: Instant, direction: Direction, frame: &[u8]) {
        if direction == Direction::Out {
            self.0.push(frame.to_vec());
        }
    }
}

/// Takes a frame that the driver has sent.
fn take(runner: &mut Runner<'_, MTU>) -> Option<Vec<u8>> {
    let frame = runner.try_tx_buf()?.to_vec();
    runner.tx_done();
    Some(frame)
}

/// Passes a frame to the driver, which drops it if it is full.
fn put(runner: &mut Runner<'_, MTU>, frame: &[u8]) {
    if let Some(len) = runner.try_rx_buf().and_then(|buffer| copy(frame, buffer)) {
        runner.rx_done(len);
    }
}
