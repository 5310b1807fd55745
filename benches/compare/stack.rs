//! smolstep's server on the TAP, in a thread. This server uses the loop and the memory sizes of `smolstep serve`.

use std::io::PipeReader;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use smolstep::app::{self, Options};
use smolstep::cli::Stdio;
use smolstep::host::{Clock, HeapPool, Interrupt, Sizes, Verdict, drive};
use smolstep::phy::linux::{Kind, TunTap};
use smolstep::stack::{Config, Congestion, Context, Io, Listener, Next, Seed, Session, Stack};
use smolstep::trace::LogProbe;
use smoltcp::socket::tcp::Socket;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

use super::deadline::Miss;
use super::network::{PREFIX, SERVER, TAP};
use super::pattern::Pattern;
use super::server::{Check, Duty, scoped_server};

/// The server's port.
const PORT: u16 = 9999;

/// The defaults of `smolstep serve`, without UDP.
const SIZES: Sizes =
    Sizes { connections: 1024, receive: 256 << 10, send: 256 << 10, ports: 0, datagrams: 0, payload: 0 };

/// Runs a client against smolstep on the TAP.
///
/// # Errors
/// Returns the error from the client or the device.
pub fn with_smolstep<T>(duty: &Duty, client: impl FnOnce(SocketAddr) -> Result<T, Miss>) -> Result<T, Miss> {
    // The device is opened before the client starts, so that the client's first frame is received.
    let device = TunTap::open_with_offload(Kind::Tap, TAP).map_err(Miss::failed)?;
    let (ended, end) = std::io::pipe().map_err(Miss::at("a pipe"))?;
    let (over, mut end) = (AtomicBool::new(false), Some(end));
    let stop = || {
        over.store(true, Ordering::Release);
        // Closing the pipe wakes the loop.
        end = None;
    };
    let server = || serve(device, duty, Bell { over: &over, ended });
    scoped_server(("bench-smolstep", "smolstep"), server, stop, || client((SERVER, PORT).into()))
}

/// Runs smolstep's server until the bell stops its loop.
fn serve(device: TunTap, duty: &Duty, mut bell: Bell<'_>) -> Result<(), Miss> {
    let program = Program::new(duty).ok_or_else(|| Miss::failed("there is no program greeting"))?;
    let clock = Clock::start();
    let mut io = Io { device, console: Stdio::output_only(), probe: LogProbe::default() };
    let mut pool = HeapPool::new(SIZES);
    let addresses = [IpCidr::new(IpAddress::from(SERVER), PREFIX)];
    let mut config = Config::new(EthernetAddress([2, 0, 0, 0, 0, 1]).into(), Seed([1; 32]), &addresses);
    config.tcp.congestion = Congestion::Reno;
    let stack = Stack::new(config, &mut io.device, pool.memory(), clock.now());
    let mut stack: Stack<'_, Program, ()> = stack.map_err(Miss::failed)?;
    stack.listen(Listener::new(PORT, program)).map_err(Miss::failed)?;
    drive(&mut stack, &mut io, &clock, &mut bell, |_| false).map(drop).map_err(Miss::failed)
}

/// Ends the loop of the server when the client has returned.
struct Bell<'o> {
    /// A flag that is set before the pipe closes. Unlike the pipe, it can be checked without a system call.
    over: &'o AtomicBool,
    ended: PipeReader,
}

impl Interrupt for Bell<'_> {
    fn files(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [Some(self.ended.as_fd()), None]
    }

    fn verdict(&mut self) -> Verdict {
        if self.over.load(Ordering::Acquire) { Verdict::End } else { Verdict::GoOn }
    }
}

/// The server of one connection.
#[derive(Clone)]
enum Program {
    Greet(app::Server<'static>),
    Send(Pattern),
    Receive { check: Check, pattern: Pattern, bytes: u64 },
}

impl Program {
    fn new(duty: &Duty) -> Option<Self> {
        Some(match duty {
            Duty::Greet => Program::Greet(app::find("greeting")?.server(&Options::default())?),
            Duty::Send => Program::Send(Pattern::default()),
            Duty::Receive(check) => Program::Receive { check: check.clone(), pattern: Pattern::default(), bytes: 0 },
        })
    }
}

impl Session for Program {
    fn poll(&mut self, socket: &mut Socket<'_>, cx: &mut Context<'_>) -> Next {
        match self {
            Program::Greet(server) => server.poll(socket, cx),
            Program::Send(pattern) => {
                if !socket.may_recv() {
                    return Next::Close;
                }
                send(socket, pattern);
                Next::Wait
            }
            Program::Receive { check, pattern, bytes } => {
                *bytes += receive(socket, pattern, check);
                if socket.may_recv() {
                    return Next::Wait;
                }
                check.ended(*bytes);
                Next::Close
            }
        }
    }
}

/// Queues as much of the payload as fits. If the free space wraps around the ring buffer's end, smoltcp needs two
/// calls.
pub fn send(socket: &mut Socket<'_>, pattern: &mut Pattern) {
    while socket.can_send() {
        let sent = socket.send(|buffer| {
            pattern.fill(buffer);
            (buffer.len(), buffer.len())
        });
        if !matches!(sent, Ok(1..)) {
            return;
        }
    }
}

/// Receives and checks the bytes that have arrived. Returns the number of bytes.
pub fn receive(socket: &mut Socket<'_>, pattern: &mut Pattern, check: &Check) -> u64 {
    let mut bytes = 0;
    while let Ok(len @ 1..) = socket.recv(|buffer| {
        if !pattern.matches(buffer) {
            check.is_wrong();
        }
        (buffer.len(), buffer.len())
    }) {
        bytes += len as u64;
    }
    bytes
}
