//! Datagrams in fragments, on drivers that hold one frame.

use embassy_net_driver_channel::State;
use smolstep::app::echo;
use smolstep::host::{HeapPool, Sizes};
use smolstep::smoltcp::socket::udp::Socket;
use smolstep::stack::{Context, Io, Next, NullConsole, Respond, UdpSession};
use smoltcp::time::{Duration, Instant};

use super::{MTU, Order, SERVER, driver, stack};
use crate::common::executor::{Clock, Task};

/// The length of a datagram, which fills four frames.
const LEN: usize = 5000;

const SIZES: Sizes = Sizes { connections: 1, receive: 64, send: 64, ports: 1, datagrams: 2, payload: 2 * LEN };

#[test]
fn fragments_wait_for_room_and_lose_no_wake_up() {
    for seed in 0..20 {
        assert_eq!(echo(Order::Random(seed)), Duration::ZERO, "a task waited for a timer, with the seed {seed}");
    }
}

/// Sends 20 datagrams to an echo server, each after the reply to the previous datagram. Returns the virtual time that
/// the exchange takes.
fn echo(order: Order) -> Duration {
    let clock = Clock::new();
    let mut states = [State::<MTU, 1, 1>::new(), State::new()];
    let [left, right] = &mut states;
    let (mut near, device) = driver(left, 1);
    let (mut far, other) = driver(right, 2);
    let (mut io, mut other_io) = (Io::new(device, NullConsole), Io::new(other, NullConsole));
    let mut memory = HeapPool::<(), Respond<echo::Datagrams>>::new(SIZES);
    let mut server = stack(1, &mut io, memory.memory());
    server.bind(SERVER.port, Respond::new(echo::Datagrams)).unwrap();
    let mut memory = HeapPool::<(), Asker>::new(SIZES);
    let mut client = stack(2, &mut other_io, memory.memory());
    let port = client.bind(0, Asker { left: 20, waits: false }).unwrap();

    let (now, sleep_until) = (|| clock.now(), |at| clock.sleep_until(at));
    let mut task = Task::new(async { smolstep::run(&mut server, &mut io, now, sleep_until).await });
    let done = |stack: &mut smolstep::stack::Stack<'_, (), Asker>| stack.take_udp(port).is_some();
    let mut other = Task::new(smolstep::run_until(&mut client, &mut other_io, now, sleep_until, done));
    order.alternate(&clock, [&mut task, &mut other], [&mut near, &mut far]);
    clock.now() - Instant::from_secs(1)
}

/// Sends a datagram, waits for the reply, and repeats this.
struct Asker {
    left: usize,
    waits: bool,
}

impl UdpSession for Asker {
    fn poll(&mut self, socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
        if let Ok((reply, _)) = socket.recv() {
            assert_eq!(reply, [7; LEN]);
            self.waits = false;
        }
        if self.waits {
            return Next::Wait;
        }
        if self.left == 0 {
            return Next::Close;
        }
        socket.send_slice(&[7; LEN], SERVER).unwrap();
        (self.left, self.waits) = (self.left - 1, true);
        Next::Wait
    }
}
