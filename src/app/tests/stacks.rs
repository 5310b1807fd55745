//! Tests each client with its server: two stacks on a cable.

use smoltcp::socket::tcp::Socket;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpCidr, IpEndpoint};

use super::rig::*;
use crate::app::{APPS, App, Client, ClientOptions, Failure, Options, Server, UdpClient, UdpServer};
use crate::host::{HeapPool, Sizes};
use crate::phy::{Cable, CableEnd};
use crate::stack::{Config, Context, End, Io, Listener, Next, Seed, Session, Stack, UdpSession};

type End16 = CableEnd<'static, 16, 1514>;

pub struct Side<S: 'static, U: 'static> {
    pub stack: Stack<'static, S, U>,
    pub io: Io<End16, Script>,
}

impl<S: Session + Clone, U: UdpSession> Side<S, U> {
    fn new(number: u8, mut device: End16, buffers: Buffers) -> Self {
        let Buffers { receive, send } = buffers;
        let sizes = Sizes { connections: 8, receive, send, ports: 8, datagrams: 4, payload: 4096 };
        let memory = Box::leak(Box::new(HeapPool::new(sizes))).memory();
        let addresses = [IpCidr::new(v4(number), 24), IpCidr::new(v6(number), 64)];
        let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, number]).into(), Seed([number; 32]), &addresses);
        let stack = Stack::new(config, &mut device, memory, Instant::ZERO).unwrap();
        Side { stack, io: Io::new(device, Script::default()) }
    }
}

pub struct Pair {
    pub now: Instant,
    pub server: Side<Server<'static>, UdpServer<'static>>,
    pub client: Side<Client<'static>, UdpClient<'static>>,
}

impl Pair {
    /// Creates a server stack, which serves every program, and a client stack.
    pub fn new(buffers: Buffers) -> Self {
        let (a, b) = Box::leak(Box::new(Cable::new())).ends();
        let mut pair = Pair { now: Instant::ZERO, server: Side::new(1, a, buffers), client: Side::new(2, b, buffers) };
        for app in APPS {
            let options = Options::default();
            if let (Some(port), Some(server)) = (app.tcp, app.server(&options)) {
                pair.server.stack.listen(Listener::new(port, server)).unwrap();
            }
            if let (Some(port), Some(server)) = (app.udp, app.udp_server(&options)) {
                pair.server.stack.bind(port, server).unwrap();
            }
        }
        pair
    }

    /// Polls both stacks, and moves the clock to the next deadline, until `done` has a result.
    fn run<R>(&mut self, mut done: impl FnMut(&mut Self) -> Option<R>) -> R {
        for _ in 0..10_000 {
            let client = self.client.stack.poll(self.now, &mut self.client.io);
            let server = self.server.stack.poll(self.now, &mut self.server.io);
            if let Some(result) = done(self) {
                return result;
            }
            self.client.stack.wake_programs();
            let next = [client, server].into_iter().flatten().min().unwrap_or(self.now);
            self.now = next.clamp(self.now, self.now + Duration::from_millis(1));
        }
        panic!("it takes too long");
    }

    fn call(&mut self, app: App, options: &ClientOptions<'static>) -> (Result<(), Failure>, End) {
        let remote = IpEndpoint::new(v6(1), app.tcp.unwrap());
        let client = app.client(options).unwrap();
        let timeout = Duration::from_secs(10);
        let id = self.client.stack.connect(self.now, remote, client, timeout, &mut self.client.io).unwrap();
        let (client, end) = self.run(|pair| pair.client.stack.take(id));
        (client.result().unwrap(), end)
    }

    fn ask(&mut self, app: App, options: &ClientOptions<'static>) -> Result<(), Failure> {
        let remote = IpEndpoint::new(v4(1), app.udp.unwrap());
        let port = self.client.stack.bind(0, app.udp_client(options, remote).unwrap()).unwrap();
        self.run(|pair| pair.client.stack.take_udp(port)).result().unwrap()
    }

    pub fn printed(&mut self) -> String {
        String::from_utf8(core::mem::take(&mut self.client.io.console.printed)).unwrap()
    }
}

const TEXTS: &[&[u8]] = &[b"Li\n", "stra\u{df}e".as_bytes()];

#[test]
fn every_tcp_client_receives_its_replies() {
    for buffers in [BIG, SMALL] {
        let mut pair = Pair::new(buffers);
        for app in APPS.into_iter().filter(|app| app.client(&ClientOptions::default()).is_some()) {
            let want = match app.name {
                "ack" => "ACK\n",
                "chargen" => " !\"#$%&'()",
                "chat" => "the talk has ended\n",
                "discard" => "",
                "echo" => "Li\n\nstra\u{df}e\n",
                "greeting" => "Welcome!\nHello,Li!\n\nHello,stra\u{df}e!\n",
                "thanks" => "thank you !\n",
                _ => "LI\n\n",
            };
            let (bytes, end) = if app.name == "chargen" { (10, End::Aborted) } else { (0, End::Closed) };
            let options = ClientOptions { texts: TEXTS, bytes, ..ClientOptions::default() };
            assert_eq!(pair.call(app, &options), (Ok(()), end), "{} {buffers:?}", app.name);
            if !(app.name == "greeting" && buffers.send < 18) {
                assert_eq!(pair.printed(), want, "{} {buffers:?}", app.name);
            } else {
                // A reply that is sent in two segments is printed in two pieces.
                assert_eq!(pair.printed().replace('\n', ""), want.replace('\n', ""));
            }
        }
    }
}

#[test]
fn every_udp_client_receives_its_replies() {
    let mut pair = Pair::new(SMALL);
    // The test skips chat, because nobody answers at the console.
    for app in APPS.into_iter().filter(|app| app.udp.is_some() && app.name != "chat") {
        let want = match app.name {
            "echo" => "Li\n\nstra\u{df}e\n",
            "greeting" => "hello Li!\n\nhello stra\u{df}e!\n",
            "thanks" => "thank you !\nthank you !\n",
            _ => "",
        };
        let options = ClientOptions { texts: TEXTS, no_wait: app.name == "inbox", ..ClientOptions::default() };
        assert_eq!(pair.ask(app, &options), Ok(()), "{}", app.name);
        assert_eq!(pair.printed(), want, "{}", app.name);
    }
}

#[test]
fn the_console_streams_both_ways() {
    let typed: Vec<u8> = (0..5_000u32).map(|i| b'a' + (i % 23) as u8).collect();
    for buffers in [BIG, SMALL] {
        for (name, want) in [("echo", &typed[..]), ("discard", b"")] {
            let mut pair = Pair::new(buffers);
            pair.client.io.console = Script::typing(&[&typed]);
            let app = crate::app::find(name).unwrap();
            assert_eq!(pair.call(app, &ClientOptions::default()), (Ok(()), End::Closed), "{name} {buffers:?}");
            assert!(pair.printed().as_bytes() == want, "{name} {buffers:?}");
        }
    }
}

/// Each client sends its datagram to a closed port, over IPv4 and IPv6.
#[test]
fn a_closed_udp_port_is_refused_immediately() {
    for address in [v4(1), v6(1)] {
        for app in APPS.into_iter().filter(|app| app.udp.is_some() && !["discard", "inbox"].contains(&app.name)) {
            let mut pair = Pair::new(BIG);
            let options = ClientOptions { texts: TEXTS, timeout: None, ..ClientOptions::default() };
            let client = app.udp_client(&options, IpEndpoint::new(address, 1)).unwrap();
            let port = pair.client.stack.bind(0, client).unwrap();
            let result = pair.run(|pair| pair.client.stack.take_udp(port)).result();
            assert_eq!(result, Some(Err(Failure::Refused)), "{} over {address}", app.name);
            assert!(pair.now < Instant::from_millis(100), "{}", app.name);
        }
    }
    assert_eq!(Failure::Refused.to_string(), "connection refused");
}

/// A server that reads nothing before a given time.
#[derive(Clone)]
struct Sleeper(Instant);

impl Session for Sleeper {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        if cx.now < self.0 {
            return Next::WakeAt(self.0);
        }
        let _ = socket.recv(|data| (data.len(), ()));
        if socket.may_recv() { Next::Wait } else { Next::Close }
    }
}

/// A server that answers window probes is alive even while its window is closed, so the client's timeout does not end
/// the call (MUST-37). A dead server does not answer.
#[test]
fn a_timeout_does_not_end_a_call_to_a_server_that_answers_probes() {
    for alive in [true, false] {
        let (a, b) = Box::leak(Box::new(Cable::new())).ends();
        let mut server = Side::<Sleeper, ()>::new(1, a, SMALL);
        let mut client = Side::<Client<'static>, UdpClient<'static>>::new(2, b, SMALL);
        server.stack.listen(Listener::new(9, Sleeper(Instant::from_secs(300)))).unwrap();
        let options =
            ClientOptions { bytes: 5_000, timeout: Some(Duration::from_secs(10)), ..ClientOptions::default() };
        let app = crate::app::find("discard").unwrap();
        let (remote, patience) = (IpEndpoint::new(v4(1), 9), Duration::from_secs(10));
        let mut now = Instant::ZERO;
        let call = app.client(&options).unwrap();
        let id = client.stack.connect(now, remote, call, patience, &mut client.io).unwrap();
        let (call, end) = loop {
            let due = client.stack.poll(now, &mut client.io);
            let due = match alive || now < Instant::from_secs(1) {
                true => [due, server.stack.poll(now, &mut server.io)].into_iter().flatten().min(),
                false => due,
            };
            if let Some(ended) = client.stack.take(id) {
                break ended;
            }
            now = due.unwrap().clamp(now + Duration::from_micros(100), now + Duration::from_millis(100));
        };
        if alive {
            assert_eq!((call.result(), end), (Some(Ok(())), End::Closed), "at {now}");
            assert!(now > Instant::from_secs(300));
        } else {
            assert_eq!(call.result(), Some(Err(Failure::TimedOut)), "{end}");
            assert!(now < Instant::from_secs(30), "{now}");
        }
    }
}

#[test]
fn a_closed_port_is_refused() {
    let mut pair = Pair::new(BIG);
    let app = App { tcp: Some(1), ..crate::app::find("echo").unwrap() };
    let options = ClientOptions { texts: TEXTS, ..ClientOptions::default() };
    assert_eq!(pair.call(app, &options), (Err(Failure::Ended(End::Refused)), End::Refused));
}
