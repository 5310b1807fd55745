//! Servers, clients and devices run without heap allocation.
//!
//! The programs greeting and echo run in fixed memory, over TCP and UDP. A TAP sends and receives frames and
//! super-segments. The tests count the allocations.
//!
//! `scripts/test` shows that the library without `std` cannot even name an allocator.
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use smolstep::app::http_client::{Head, Output, OutputFailed, Response};
use smolstep::app::{self, Client, ClientOptions, Options, Server, UdpClient, UdpServer};
use smolstep::phy::{Cable, CableEnd};
use smolstep::stack::{Config, Console, End, Io, Listener, NullConsole, Pool, Seed, Stack};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint};

struct Counting;

thread_local! {
    /// The number of allocations of this thread. Allocations of the test harness are in other threads.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is forwarded unchanged to the system's allocator. Counting only changes a `Cell` without a
// destructor, and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller fulfils the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above, which returns pointers of the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

const SERVER: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 1), 24);
const CLIENT: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 0, 2), 24);
const TEXTS: &[&[u8]] = &[b"Li", b"Cheng"];

type Memory<'a, S, U> = Pool<'a, S, U, 4, 512, 512, 2, 2, 256>;

#[test]
fn counting_works() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get(), before + 1);
}

#[test]
fn a_session_allocates_nothing() {
    let before = ALLOCATIONS.get();

    let (mut servers, mut clients) = (Memory::<Server, UdpServer>::new(), Memory::<Client, UdpClient>::new());
    let mut cable = Cable::<8, 1514>::new();
    let (left, right) = cable.ends();
    let now = Instant::from_secs(1);
    let (mut server_io, client_io) = (Io::new(left, NullConsole), Io::new(right, Screen::default()));
    let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 1]).into(), Seed([1; 32]), &[SERVER]);
    let server = Stack::new(config, &mut server_io.device, servers.memory(), now).unwrap();
    let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 2]).into(), Seed([2; 32]), &[CLIENT]);
    let mut client_io = client_io;
    let client = Stack::new(config, &mut client_io.device, clients.memory(), now).unwrap();
    let mut pair = Pair { now, server, server_io, client, client_io };

    pair.call("greeting", "Welcome!\nHello,Li!\nHello,Cheng!\n");
    pair.call("echo", "Li\nCheng\n");
    pair.ask("greeting", "hello Li!\nhello Cheng!\n");

    assert_eq!(ALLOCATIONS.get() - before, 0);
}

#[test]
fn a_response_over_http_allocates_nothing() {
    const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\n Li\r\n0\r\n\r\n";
    let before = ALLOCATIONS.get();

    let (mut response, mut screen) = (Response::<64>::new(), Screen::default());
    for piece in RESPONSE.chunks(7) {
        assert_eq!(response.feed(piece, &mut screen), Ok(piece.len()));
    }
    assert!(response.is_done() && &screen.bytes[..screen.len] == b"hello Li");

    assert_eq!(ALLOCATIONS.get() - before, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn frames_of_a_tap_allocate_nothing() {
    use std::os::fd::AsFd;

    use crate::common::link::{SERVER, connect, expect, noise, on_tap, send};
    use smolstep::host::Clock;
    use smolstep::host::{HeapPool, Sizes};
    use smolstep::phy::linux::TunTap;

    on_tap("frames_of_a_tap_allocate_nothing", |link| {
        for open in [TunTap::open_with_offload, TunTap::open] {
            let mut io = Io::new(open(link.kind, link.name()).unwrap(), NullConsole);
            let clock = Clock::start();
            let addresses =
                SERVER.map(|ip| format!("{ip}/{}", if ip.contains(':') { 64 } else { 24 }).parse().unwrap());
            let config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 1]).into(), Seed([1; 32]), &addresses);
            let mut pool = HeapPool::new(Sizes { connections: 4, ..Sizes::SERVER });
            let mut stack = Stack::<Server, ()>::new(config, &mut io.device, pool.memory(), clock.now()).unwrap();
            let echo = app::find("echo").unwrap().server(&Options::default()).unwrap();
            stack.listen(Listener::new(7, echo)).unwrap();
            let (running, ended) = std::io::pipe().unwrap();
            let client = std::thread::spawn(move || {
                // This end of the pipe closes when the thread exits, even if it panics.
                let _ended = ended;
                for address in SERVER {
                    let (mut echo, bytes) = (connect(address, 7), noise(200_000, 6));
                    for _ in 0..20 {
                        send(&mut echo, &bytes);
                        expect(&mut echo, &bytes);
                    }
                }
            });
            let before = ALLOCATIONS.get();
            loop {
                let deadline = stack.poll(clock.now(), &mut io);
                let now = clock.now();
                let timeout = deadline.map(|at| (at.max(now) - now).into());
                if io.device.wait(timeout, &[running.as_fd()]).unwrap().extra(0) {
                    break;
                }
            }
            let allocations = ALLOCATIONS.get() - before;
            client.join().unwrap();
            assert_eq!(allocations, 0);
        }
    });
}

impl Output for Screen {
    fn head(&mut self, head: &Head<'_>) -> Result<bool, OutputFailed> {
        Ok(head.status == 200)
    }

    fn body(&mut self, piece: &[u8]) -> Result<usize, OutputFailed> {
        self.print(piece);
        Ok(piece.len())
    }
}

struct Pair<'a, 'c> {
    now: Instant,
    server: Stack<'a, Server<'a>, UdpServer<'a>>,
    server_io: Io<CableEnd<'c, 8, 1514>, NullConsole>,
    client: Stack<'a, Client<'a>, UdpClient<'a>>,
    client_io: Io<CableEnd<'c, 8, 1514>, Screen>,
}

impl Pair<'_, '_> {
    /// Serves a program over TCP, runs its client, and asserts the client's output.
    fn call(&mut self, name: &str, want: &str) {
        let app = app::find(name).unwrap();
        let port = app.tcp.unwrap();
        self.server.listen(Listener::new(port, app.server(&Options::default()).unwrap())).unwrap();
        let client = app.client(&options()).unwrap();
        let remote = IpEndpoint::new(SERVER.address(), port);
        let id = self.client.connect(self.now, remote, client, Duration::from_secs(5), &mut self.client_io).unwrap();
        self.run_until(|pair| pair.client.ended(id).is_some());
        let (client, end) = self.client.take(id).unwrap();
        assert_eq!((client.result(), end), (Some(Ok(())), End::Closed));
        self.assert_printed(want);
    }

    /// Serves a program over UDP, runs its client, and asserts the client's output.
    fn ask(&mut self, name: &str, want: &str) {
        let app = app::find(name).unwrap();
        let port = app.udp.unwrap();
        self.server.bind(port, app.udp_server(&Options::default()).unwrap()).unwrap();
        let remote = IpEndpoint::new(SERVER.address(), port);
        let own = self.client.bind(0, app.udp_client(&options(), remote).unwrap()).unwrap();
        let mut result = None;
        self.run_until(|pair| {
            result = pair.client.take_udp(own).and_then(|client| client.result());
            result.is_some()
        });
        assert_eq!(result, Some(Ok(())));
        self.assert_printed(want);
    }

    /// Polls both stacks until `done` returns true.
    fn run_until(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        let until = self.now + Duration::from_secs(60);
        while !done(self) {
            assert!(self.now < until, "it takes too long");
            self.client.poll(self.now, &mut self.client_io);
            self.server.poll(self.now, &mut self.server_io);
            self.now += Duration::from_millis(1);
        }
    }

    fn assert_printed(&mut self, want: &str) {
        let Screen { bytes, len } = std::mem::take(&mut self.client_io.console);
        assert_eq!(std::str::from_utf8(&bytes[..len]), Ok(want));
    }
}

fn options() -> ClientOptions<'static> {
    ClientOptions::sending(TEXTS)
}

/// A console that stores its output in an array.
struct Screen {
    bytes: [u8; 64],
    len: usize,
}

impl Default for Screen {
    fn default() -> Self {
        Screen { bytes: [0; 64], len: 0 }
    }
}

impl Console for Screen {
    fn print(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}
