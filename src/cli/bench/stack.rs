//! smolstep's server on the TAP, as `smolstep serve` runs it, in a thread.

use std::io::PipeReader;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use smoltcp::socket::tcp::Socket;

use super::beside::beside;
use super::guard::Miss;
use super::pattern::Pattern;
use super::server::{Check, Duty};
use crate::app::{self, Options};
use crate::cli::console::Stdio;
use crate::cli::error::Failure;
use crate::cli::link::{Link, LinkArgs, Side};
use crate::cli::sandbox::{SERVER, TAP};
use crate::cli::watch::Watch;
use crate::host::{Clock, HeapPool, Interrupt, Sizes, Verdict, drive};
use crate::phy::linux::TunTap;
use crate::stack::{Context, Io, Listener, Next, Session, Stack};

/// The port of the one program.
const PORT: u16 = 9999;

/// As `smolstep serve` has by default.
const SIZES: Sizes =
    Sizes { connections: 1024, receive: 256 << 10, send: 256 << 10, ports: 0, datagrams: 0, payload: 0 };

/// Runs a client against smolstep on the TAP.
///
/// # Errors
/// Those of the client, or of the device.
pub fn with_smolstep<T>(duty: &Duty, client: impl FnOnce(SocketAddr) -> Result<T, Miss>) -> Result<T, Miss> {
    let mut link =
        LinkArgs { tap: Some(TAP.into()), ..LinkArgs::default() }.link(Side::Server).map_err(Miss::failed)?;
    // Nobody else is there who could have the address.
    link.claim = false;
    // Before the client begins, so that its first frame finds somebody.
    let device = link.open().map_err(Miss::failed)?;
    let (ended, end) = std::io::pipe().map_err(Miss::at("a pipe"))?;
    let (over, mut end) = (AtomicBool::new(false), Some(end));
    let stop = || {
        over.store(true, Ordering::Release);
        end = None;
    };
    let server = || serve(&link, device, duty, Bell { over: &over, ended }).map_err(Miss::failed);
    beside(("bench-smolstep", "smolstep"), server, stop, || client((SERVER, PORT).into()))
}

fn serve(link: &Link, device: TunTap, duty: &Duty, mut bell: Bell<'_>) -> Result<(), Failure> {
    let program = Program::new(duty).ok_or_else(|| Failure::run("there is no program greeting"))?;
    let clock = Clock::start();
    let watch = Watch::new(link, &device, &clock, None)?;
    let mut io = Io { device, console: Stdio::output_only(), probe: watch };
    let mut pool = HeapPool::new(SIZES);
    let mut stack: Stack<'_, Program, ()> = link.stack(&mut io.device, pool.memory(), clock.now(), |_| {})?;
    stack.listen(Listener::new(PORT, program)).map_err(Failure::run)?;
    drive(&mut stack, &mut io, &clock, &mut bell, |_| false)?;
    Ok(())
}

/// Rung when the client has done.
struct Bell<'o> {
    /// Set before the pipe ends: asking costs no system call.
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

/// Queues as much of the payload as there is room for. At the end of the ring it takes a second call.
pub(super) fn send(socket: &mut Socket<'_>, pattern: &mut Pattern) {
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

/// Takes in and checks what has come; says how many bytes.
pub(super) fn receive(socket: &mut Socket<'_>, pattern: &mut Pattern, check: &Check) -> u64 {
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
